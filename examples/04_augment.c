/* Batches for a training loop: images cut, mixed and normalised, labels to match. Given a path, it
   writes a ledger of what was done.
   Build: cc 04_augment.c $(pkg-config --cflags --libs cutlab) */
#include <stdio.h>
#include <string.h>

#include <cutlab/cutlab.h>

enum { image_count = 12, side = 8, channels = 3, class_count = 3, batch_size = 4 };
enum { batch_count = image_count / batch_size };

static const uint64_t seed = 7;
static const char policy_text[] = "flip | crop(pad=1) | cutmix(p=.75) | normalise";

/* Stands for your data set: image i is i everywhere. */
typedef struct dataset {
  uint8_t images[image_count][channels][side][side];
  int64_t classes[image_count];
} dataset;

/* What is made once and used for every batch. */
typedef struct loader {
  cutlab_context *context;
  cutlab_policy *policy;
  cutlab_plan *plan;
  const dataset *data;
  float images[batch_size][channels][side][side]; /* what the network is given */
  float labels[batch_size][class_count];
} loader;

static void fill_dataset(dataset *data) {
  for (int i = 0; i < image_count; ++i) {
    memset(data->images[i], i, sizeof data->images[i]);
    data->classes[i] = i % class_count;
  }
}

static cutlab_status open_loader(loader *l, const dataset *data) {
  l->data = data;
  cutlab_status status = cutlab_context_set_threads(l->context, 2);
  if (status == CUTLAB_OK) status = cutlab_policy_create(l->context, &l->policy, policy_text);
  if (status == CUTLAB_OK) status = cutlab_plan_create(l->context, &l->plan);
  return status;
}

static void close_loader(loader *l) {
  cutlab_plan_free(l->plan);
  cutlab_policy_free(l->policy);
}

/* ids: [batch_size] of a batch; every epoch has an order of its own. */
static void choose_samples(int64_t *ids, int epoch, int batch) {
  int64_t order[image_count];
  /* a generator per epoch: stream 100, for CutLab's own are below */
  cutlab_random random = cutlab_random_make(seed, 100, (uint64_t)epoch, 0, 0);
  cutlab_random_permutation(&random, order, image_count);
  memcpy(ids, order + batch * batch_size, batch_size * sizeof *ids);
}

/* Fills l->images and l->labels from the samples of one batch. */
static cutlab_status make_batch(loader *l, int epoch, const int64_t *ids) {
  uint8_t gathered[batch_size][channels][side][side];
  int64_t classes[batch_size];
  for (int i = 0; i < batch_size; ++i) {
    memcpy(gathered[i], l->data->images[ids[i]], sizeof gathered[i]);
    classes[i] = l->data->classes[ids[i]];
  }
  const cutlab_draw draw = {.seed = seed,
                            .epoch = epoch,
                            .samples = ids,
                            .count = batch_size,
                            .height = side,
                            .width = side};
  const cutlab_batch input = {.data = gathered,
                              .dtype = CUTLAB_UINT8,
                              .layout = CUTLAB_NCHW,
                              .count = batch_size,
                              .height = side,
                              .width = side,
                              .channels = channels};
  cutlab_batch output = input;
  output.data = l->images;
  output.dtype = CUTLAB_FLOAT32;
  float *labels = l->labels[0];
  cutlab_status status = cutlab_plan_draw(l->context, l->plan, l->policy, &draw);
  if (status == CUTLAB_OK) status = cutlab_plan_apply(l->context, l->plan, &output, &input);
  if (status == CUTLAB_OK)
    status = cutlab_labels_one_hot(l->context, labels, classes, batch_size, class_count, 0);
  if (status == CUTLAB_OK)
    status =
        cutlab_labels_mix(l->context, labels, l->plan, labels, class_count, CUTLAB_LABEL_LINEAR);
  return status;
}

/* Stands for a step of training: prints what the batch is made of. */
static cutlab_status train_step(loader *l, int epoch, int batch) {
  for (int row = 0; row < batch_size; ++row) {
    const cutlab_source *sources;
    int64_t count;
    cutlab_status status = cutlab_plan_sources(l->context, l->plan, row, &sources, &count);
    if (status != CUTLAB_OK) return status;
    const int64_t *ids = cutlab_plan_drawn(l->plan)->samples;
    printf("%5d  %5d ", epoch, batch);
    for (int k = 0; k < class_count; ++k) printf("  %.3f", l->labels[row][k]);
    for (int64_t s = 0; s < count; ++s)
      printf("%s%.3f of %lld", s ? ", " : "   ", sources[s].weight, (long long)ids[sources[s].row]);
    printf("\n");
  }
  return CUTLAB_OK;
}

/* One epoch from some batch on: a run that was interrupted goes on in the middle. */
static cutlab_status train(loader *l, int epoch, int first_batch) {
  cutlab_status status = CUTLAB_OK;
  for (int batch = first_batch; batch < batch_count && status == CUTLAB_OK; ++batch) {
    int64_t ids[batch_size];
    choose_samples(ids, epoch, batch);
    status = make_batch(l, epoch, ids);
    if (status == CUTLAB_OK) status = train_step(l, epoch, batch);
  }
  return status;
}

int main(int argc, char **argv) {
  static dataset data;
  static loader l;
  if (cutlab_context_create(&l.context) != CUTLAB_OK) return 1;
  fill_dataset(&data);
  cutlab_status status = open_loader(&l, &data);
  printf("epoch  batch  label                 made of\n");
  for (int epoch = 0; epoch < 2 && status == CUTLAB_OK; ++epoch) status = train(&l, epoch, 0);
  if (status == CUTLAB_OK) {
    printf("resumed at batch 2 of epoch 1\n");
    status = train(&l, 1, 2);
  }
  if (status == CUTLAB_OK && argc > 1) status = cutlab_ledger_write(l.context, argv[1], &l.plan, 1);
  if (status != CUTLAB_OK) fprintf(stderr, "%s\n", cutlab_context_message(l.context));
  close_loader(&l);
  cutlab_context_free(l.context);
  return status != CUTLAB_OK;
}
