/* Opening and closing a training. */
#include "train/run.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/npy.h"
#include "data/collection_internal.h"

cutlab_collection_source cutlab_trainer_source(const struct cutlab_training *settings) {
  return (cutlab_collection_source){.dataset = settings->dataset,
                                    .path = settings->path[0] ? settings->path : NULL,
                                    .train_examples = settings->train_examples,
                                    .test_examples = settings->test_examples,
                                    .seed = settings->seed,
                                    .shape = settings->shape[0] ? settings->shape : NULL,
                                    .position = settings->position[0] ? settings->position : NULL,
                                    .fold = settings->fold[0] ? settings->fold : NULL};
}

int64_t cutlab_trainer_parameters(const cutlab_model *model) {
  int64_t parameters = 0;
  for (int t = 0; t < cutlab_model_tensors(model); ++t) {
    const cutlab_model_tensor *tensor = cutlab_model_tensor_at(model, t);
    if (tensor->trained) parameters += tensor->count;
  }
  return parameters;
}

static double part_bytes(const cutlab_examples *part, double size) {
  return (double)part->count * (size * (double)cutlab_dtype_size(part->dtype) + sizeof(int64_t));
}

static void count_known_memory(cutlab_trainer *t) {
  const cutlab_collection *c = &t->collection;
  double size = (double)(c->channels * c->height * c->width);
  int kept = 1 + cutlab_optimiser_kept(t->settings); /* values and state; gradients are not */
  t->need.data = part_bytes(&c->train, size) + part_bytes(&c->test, size) +
                 part_bytes(&c->held, size) + (double)c->probes.count * size * sizeof(float);
  for (int i = 0; i < cutlab_model_tensors(t->model); ++i) {
    const cutlab_model_tensor *tensor = cutlab_model_tensor_at(t->model, i);
    double bytes = (double)tensor->count * sizeof(float);
    t->need.values += bytes * (tensor->trained ? kept + 1 : 1);
    t->need.checkpoint += bytes * (tensor->trained ? kept : 1) * cutlab_npz_copies;
  }
  if (strcmp(t->settings->dataset, "feature-noise") == 0)
    t->need.drawing = fmax((double)c->train.count, (double)c->test.count) * size * sizeof(double);
  t->need.loader = cutlab_loader_bytes(&t->source, (int)t->settings->workers);
}

/* The programs of a network share one block of memory, as large as the largest needs. */
static cutlab_status count_compute_memory(cutlab_trainer *t) {
  size_t training, evaluation;
  const cutlab_evaluator *e = &t->evaluator;
  CUTLAB_TRY(cutlab_network_memory(t->context, t->network, &training, t->source.batch, true));
  CUTLAB_TRY(cutlab_network_memory(t->context, t->network, &evaluation, e->batch, false));
  t->need.compute = (double)(training > evaluation ? training : evaluation) +
                    (double)(e->batch * e->channels * e->height * e->width) * sizeof(float);
  return CUTLAB_OK;
}

static cutlab_status open_policies(cutlab_trainer *t) {
  char *text;
  CUTLAB_TRY(cutlab_training_policy(t->context, &text, t->settings, &t->collection));
  cutlab_status status = cutlab_policy_create(t->context, &t->policy, text);
  free(text);
  if (status != CUTLAB_OK) return status;
  CUTLAB_TRY(cutlab_training_evaluation_policy(t->context, &text, t->settings, &t->collection));
  status = cutlab_policy_create(t->context, &t->evaluation, text);
  free(text);
  return status;
}

/* What is left beside the data, read or not. */
static cutlab_status find_memory(cutlab_trainer *t, double *available) {
  *available = cutlab_memory_available("");
  if (t->collection.train.pixels) return CUTLAB_OK;
  CUTLAB_TRY(cutlab_memory_check_data(t->context, &t->need, *available));
  *available -= t->need.data;
  return CUTLAB_OK;
}

/* Sizes of what need not be read for them: a published data set in its own files, or one that is
   drawn. */
static cutlab_status outline(cutlab_context *context, cutlab_collection *c,
                             const cutlab_collection_source *source) {
  const cutlab_published *p = cutlab_published_find(source->dataset);
  int64_t fold, folds;
  CUTLAB_TRY(cutlab_fold_parse(context, &fold, &folds, source->fold));
  if (strcmp(source->dataset, "feature-noise") == 0) {
    CUTLAB_TRY(cutlab_world_outline(context, c, source));
  } else if (p && !cutlab_source_is_packed(source)) {
    *c = (cutlab_collection){
        .channels = p->channels, .height = p->side, .width = p->side, .classes = p->classes};
    c->train.count = cutlab_examples_wanted(p->train, source->train_examples);
    c->test.count = cutlab_examples_wanted(p->test, source->test_examples);
    c->train.dtype = c->test.dtype = CUTLAB_UINT8;
  }
  c->held.dtype = c->train.dtype;
  if (folds) c->held.count = cutlab_fold_size(c->train.count, fold, folds);
  c->train.count -= c->held.count;
  return CUTLAB_OK;
}

static cutlab_status open_data(cutlab_trainer *t, const cutlab_collection_source *source) {
  CUTLAB_TRY(cutlab_collection_open(t->context, &t->collection, source));
  if (t->collection.train.count > 0) return CUTLAB_OK;
  return cutlab_fail(t->context, CUTLAB_ERROR_ARGUMENT, "%s has no training examples",
                     source->dataset);
}

/* For the sizes of the collection, whether or not it has been read. */
static cutlab_status open_network(cutlab_trainer *t) {
  const struct cutlab_training *s = t->settings;
  const cutlab_collection *c = &t->collection;
  int64_t batch = s->batch < c->train.count ? s->batch : c->train.count;
  t->source = (cutlab_batch_source){c, NULL, s->seed, batch, s->label_smoothing};
  t->steps_per_epoch = cutlab_batches(&t->source);
  CUTLAB_TRY(cutlab_model_create(t->context, &t->model, s->model, c->channels, c->height, c->width,
                                 c->classes));
  count_known_memory(t);
  double available;
  CUTLAB_TRY(find_memory(t, &available));
  CUTLAB_TRY(cutlab_memory_check(t->context, &t->need, available, batch));
  CUTLAB_TRY(cutlab_network_create(t->context, &t->network, t->model, s->backend));
  t->evaluator = (cutlab_evaluator){.network = t->network,
                                    .channels = c->channels,
                                    .height = c->height,
                                    .width = c->width,
                                    .classes = c->classes,
                                    .batch = cutlab_evaluation_batch(batch)};
  CUTLAB_TRY(count_compute_memory(t));
  CUTLAB_TRY(cutlab_memory_check(t->context, &t->need, available, batch));
  if (batch < s->batch)
    cutlab_warn(t->context, "batch is %lld with %lld training examples: all of them are one batch",
                (long long)s->batch, (long long)batch);
  return CUTLAB_OK;
}

/* What needs the data themselves: policies with their mean, and the values to begin with. */
static cutlab_status open_rest(cutlab_trainer *t) {
  const struct cutlab_training *s = t->settings;
  const cutlab_collection *c = &t->collection;
  CUTLAB_TRY(open_policies(t));
  t->source.policy = t->policy;
  t->evaluator.policy = t->evaluation;
  cutlab_network_initialise(t->network, s->init, s->init_scale, s->seed);
  CUTLAB_TRY(cutlab_optimiser_open(t->context, &t->optimiser, s, t->network));
  t->test_logits = cutlab_allocate(t->context, c->test.count * c->classes, sizeof(float));
  return t->test_logits ? CUTLAB_OK : CUTLAB_ERROR_MEMORY;
}

cutlab_status cutlab_trainer_open(cutlab_trainer *trainer, cutlab_context *context,
                                  const struct cutlab_training *settings, const char *folder) {
  const cutlab_collection_source source = cutlab_trainer_source(settings);
  *trainer =
      (cutlab_trainer){.context = context, .settings = settings, .folder = folder, .tested = -1};
  if (folder) {
    trainer->checkpoints = cutlab_path_join(context, folder, "checkpoints");
    if (!trainer->checkpoints) return CUTLAB_ERROR_MEMORY;
  }
  CUTLAB_TRY(outline(context, &trainer->collection, &source));
  bool outlined = trainer->collection.train.count > 0;
  if (outlined) CUTLAB_TRY(open_network(trainer));
  CUTLAB_TRY(open_data(trainer, &source));
  if (!outlined) CUTLAB_TRY(open_network(trainer));
  return open_rest(trainer);
}

void cutlab_trainer_close(cutlab_trainer *trainer) {
  cutlab_metrics_close(&trainer->metrics);
  cutlab_optimiser_clear(&trainer->optimiser);
  cutlab_network_free(trainer->network);
  cutlab_model_free(trainer->model);
  cutlab_policy_free(trainer->policy);
  cutlab_policy_free(trainer->evaluation);
  cutlab_collection_clear(&trainer->collection);
  free(trainer->test_logits);
  free(trainer->checkpoints);
  *trainer = (cutlab_trainer){0};
}
