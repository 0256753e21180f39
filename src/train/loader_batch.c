/* Making one batch: order, gathering, augmentation, labels. */
#include <stdlib.h>
#include <string.h>

#include <cutlab/random.h>

#include "base/streams.h"
#include "train/loader.h"

int64_t cutlab_batches(const cutlab_batch_source *source) {
  return source->collection->train.count / source->batch;
}

static int64_t example_size(const cutlab_collection *c) {
  return c->channels * c->height * c->width;
}

cutlab_status cutlab_batch_maker_open(cutlab_context *context, cutlab_batch_maker *maker,
                                      const cutlab_batch_source *source) {
  const cutlab_collection *c = source->collection;
  *maker = (cutlab_batch_maker){.epoch = -1};
  CUTLAB_TRY(cutlab_plan_create(context, &maker->plan));
  maker->order = cutlab_allocate(context, c->train.count, sizeof *maker->order);
  maker->ids = cutlab_allocate(context, source->batch, sizeof *maker->ids);
  maker->rows = cutlab_allocate(context, source->batch * c->classes, sizeof *maker->rows);
  maker->gathered =
      cutlab_allocate(context, source->batch * example_size(c), cutlab_dtype_size(c->train.dtype));
  return maker->order && maker->ids && maker->rows && maker->gathered ? CUTLAB_OK
                                                                      : CUTLAB_ERROR_MEMORY;
}

void cutlab_batch_maker_clear(cutlab_batch_maker *maker) {
  cutlab_plan_free(maker->plan);
  free(maker->order);
  free(maker->ids);
  free(maker->rows);
  free(maker->gathered);
  *maker = (cutlab_batch_maker){0};
}

static void shuffle(cutlab_batch_maker *maker, const cutlab_batch_source *source, int64_t epoch) {
  if (maker->epoch == epoch) return;
  cutlab_random random =
      cutlab_random_make(source->seed, cutlab_stream_shuffle, (uint64_t)epoch, 0, 0);
  cutlab_random_permutation(&random, maker->order, source->collection->train.count);
  maker->epoch = epoch;
}

static void gather(cutlab_batch_maker *maker, const cutlab_examples *examples,
                   const int64_t *samples, int64_t count, size_t bytes) {
  const char *pixels = examples->pixels;
  char *to = maker->gathered;
  for (int64_t i = 0; i < count; ++i) {
    memcpy(to + (size_t)i * bytes, pixels + (size_t)samples[i] * bytes, bytes);
    maker->ids[i] = examples->labels[samples[i]];
  }
}

static cutlab_status make_labels(cutlab_context *context, float *labels, cutlab_batch_maker *maker,
                                 const cutlab_batch_source *source) {
  int64_t classes = source->collection->classes;
  bool mixes = cutlab_policy_mixes(source->policy);
  CUTLAB_TRY(cutlab_labels_one_hot(context, mixes ? maker->rows : labels, maker->ids, source->batch,
                                   classes, source->smoothing));
  return mixes ? cutlab_labels_mix(context, labels, maker->plan, maker->rows, classes,
                                   CUTLAB_LABEL_LINEAR)
               : CUTLAB_OK;
}

cutlab_status cutlab_batch_make(cutlab_context *context, float *pixels, float *labels,
                                cutlab_batch_maker *maker, const cutlab_batch_source *source,
                                int64_t index) {
  const cutlab_collection *c = source->collection;
  int64_t batches = cutlab_batches(source), epoch = index / batches;
  shuffle(maker, source, epoch);
  const int64_t *samples = maker->order + index % batches * source->batch;
  size_t bytes = (size_t)example_size(c) * cutlab_dtype_size(c->train.dtype);
  gather(maker, &c->train, samples, source->batch, bytes);
  const cutlab_draw draw = {.seed = source->seed,
                            .epoch = epoch,
                            .samples = samples,
                            .count = source->batch,
                            .height = c->height,
                            .width = c->width};
  CUTLAB_TRY(cutlab_plan_draw(context, maker->plan, source->policy, &draw));
  const cutlab_batch input = {.data = maker->gathered,
                              .dtype = c->train.dtype,
                              .layout = CUTLAB_NCHW,
                              .count = source->batch,
                              .height = c->height,
                              .width = c->width,
                              .channels = c->channels};
  cutlab_batch output = input;
  output.data = pixels;
  output.dtype = CUTLAB_FLOAT32;
  CUTLAB_TRY(cutlab_plan_apply(context, maker->plan, &output, &input));
  return make_labels(context, labels, maker, source);
}
