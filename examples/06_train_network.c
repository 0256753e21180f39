/* Trains a network in a loop of your own: a model from text, data that hide features, batches that
   are cut and mixed, gradients from the library, steps of yours. Prints how it goes and what the
   network says of every hidden feature. */
#include <cutlab/cutlab.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { batch_size = 32, epochs = 40, epochs_a_line = 8 };

static const uint64_t seed = 11;
static const float rate = .2F;
static const char model_text[] = "patch(size=8)"; /* or "resnet20", or layers */
static const char policy_text[] = "cutmix(p=.5)";

/* What is made once. */
typedef struct trainer {
  cutlab_context *context;
  cutlab_collection data;
  cutlab_model *model;
  cutlab_network *network;
  cutlab_policy *policy;
  cutlab_plan *plan;
  int64_t size;    /* of an input: channels, height and width multiplied */
  float *gathered; /* [batch_size][channels][height][width] */
  float *pixels;   /* the same after cutting and mixing */
  float *labels;   /* [batch_size][classes] */
} trainer;

/* "reference" prints the same digits everywhere; NULL is the fastest backend there is. */
static cutlab_status open_network(trainer *t) {
  const cutlab_collection *data = &t->data;
  cutlab_status status = cutlab_model_create(t->context, &t->model, model_text, data->channels,
                                             data->height, data->width, data->classes);
  if (status == CUTLAB_OK)
    status = cutlab_network_create(t->context, &t->network, t->model, "reference");
  if (status == CUTLAB_OK) cutlab_network_initialise(t->network, CUTLAB_HE, .1, seed);
  return status;
}

static cutlab_status open_trainer(trainer *t) {
  const cutlab_collection_source source = {
      .dataset = "feature-noise", .train_examples = 512, .test_examples = 1000, .seed = seed};
  cutlab_status status = cutlab_collection_open(t->context, &t->data, &source);
  if (status == CUTLAB_OK) status = open_network(t);
  if (status == CUTLAB_OK) status = cutlab_policy_create(t->context, &t->policy, policy_text);
  if (status == CUTLAB_OK) status = cutlab_plan_create(t->context, &t->plan);
  if (status != CUTLAB_OK) return status;
  t->size = t->data.channels * t->data.height * t->data.width;
  t->gathered = malloc(sizeof(float) * (size_t)(batch_size * t->size));
  t->pixels = malloc(sizeof(float) * (size_t)(batch_size * t->size));
  t->labels = malloc(sizeof(float) * (size_t)(batch_size * t->data.classes));
  return t->gathered && t->pixels && t->labels ? CUTLAB_OK : CUTLAB_ERROR_MEMORY;
}

static void close_trainer(trainer *t) {
  free(t->labels);
  free(t->pixels);
  free(t->gathered);
  cutlab_plan_free(t->plan);
  cutlab_policy_free(t->policy);
  cutlab_network_free(t->network);
  cutlab_model_free(t->model);
  cutlab_collection_clear(&t->data);
}

/* Fills t->pixels and t->labels from the examples of one batch; here their pixels are float32. */
static cutlab_status make_batch(trainer *t, int epoch, const int64_t *ids) {
  const cutlab_collection *data = &t->data;
  const float *images = data->train.pixels;
  int64_t classes[batch_size];
  for (int i = 0; i < batch_size; ++i) {
    memcpy(t->gathered + i * t->size, images + ids[i] * t->size, sizeof(float) * (size_t)t->size);
    classes[i] = data->train.labels[ids[i]];
  }
  const cutlab_draw draw = {.seed = seed,
                            .epoch = epoch,
                            .samples = ids,
                            .count = batch_size,
                            .height = data->height,
                            .width = data->width};
  const cutlab_batch input = {.data = t->gathered,
                              .dtype = CUTLAB_FLOAT32,
                              .layout = CUTLAB_NCHW,
                              .count = batch_size,
                              .height = data->height,
                              .width = data->width,
                              .channels = data->channels};
  cutlab_batch output = input;
  output.data = t->pixels;
  cutlab_status status = cutlab_plan_draw(t->context, t->plan, t->policy, &draw);
  if (status == CUTLAB_OK) status = cutlab_plan_apply(t->context, t->plan, &output, &input);
  if (status == CUTLAB_OK)
    status = cutlab_labels_one_hot(t->context, t->labels, classes, batch_size, data->classes, 0);
  if (status == CUTLAB_OK)
    status = cutlab_labels_mix(t->context, t->labels, t->plan, t->labels, data->classes,
                               CUTLAB_LABEL_LINEAR);
  return status;
}

/* Plain gradient descent; put momentum, decay or a schedule here. */
static void descend(trainer *t) {
  for (int i = 0; i < cutlab_model_tensors(t->model); ++i) {
    const cutlab_model_tensor *tensor = cutlab_model_tensor_at(t->model, i);
    float *values = cutlab_network_values(t->network, i);
    const float *gradients = cutlab_network_gradients(t->network, i);
    for (int64_t j = 0; tensor->trained && j < tensor->count; ++j) values[j] -= rate * gradients[j];
  }
}

/* One pass over the examples in an order of its own; *mean_loss: over its steps. */
static cutlab_status train_epoch(trainer *t, double *mean_loss, int epoch) {
  const int64_t count = t->data.train.count, steps = count / batch_size;
  int64_t *order = malloc(sizeof *order * (size_t)count);
  if (!order) return CUTLAB_ERROR_MEMORY;
  cutlab_random random = cutlab_random_make(seed, 100, (uint64_t)epoch, 0, 0);
  cutlab_random_permutation(&random, order, count);
  cutlab_status status = CUTLAB_OK;
  *mean_loss = 0;
  for (int64_t step = 0; step < steps && status == CUTLAB_OK; ++step) {
    double loss = 0;
    status = make_batch(t, epoch, order + step * batch_size);
    if (status == CUTLAB_OK)
      status = cutlab_network_gradient(t->context, t->network, &loss, NULL, t->pixels, t->labels,
                                       batch_size, seed, epoch * steps + step);
    if (status == CUTLAB_OK) descend(t);
    *mean_loss += loss / (double)steps;
  }
  free(order);
  return status;
}

/* Two classes: logit of the label minus that of the other, for every input. */
static cutlab_status margins(trainer *t, float *margin, const float *pixels, const int64_t *labels,
                             int64_t count) {
  float *logits = malloc(sizeof *logits * (size_t)(2 * count));
  if (!logits) return CUTLAB_ERROR_MEMORY;
  cutlab_status status = cutlab_network_evaluate(t->context, t->network, logits, pixels, count);
  for (int64_t i = 0; i < count && status == CUTLAB_OK; ++i)
    margin[i] = logits[2 * i + labels[i]] - logits[2 * i + 1 - labels[i]];
  free(logits);
  return status;
}

static cutlab_status print_accuracy(trainer *t, int epoch, double loss) {
  const cutlab_examples *test = &t->data.test;
  float *margin = malloc(sizeof *margin * (size_t)test->count);
  if (!margin) return CUTLAB_ERROR_MEMORY;
  cutlab_status status = margins(t, margin, test->pixels, test->labels, test->count);
  double right = 0;
  for (int64_t i = 0; i < test->count && status == CUTLAB_OK; ++i) right += margin[i] > 0;
  if (status == CUTLAB_OK)
    printf("%5d  %.2f  %.2f\n", epoch + 1, loss, right / (double)test->count);
  free(margin);
  return status;
}

/* What the network says of inputs that show one feature alone, in the mean over classes and
   positions. */
static cutlab_status print_features(trainer *t) {
  const cutlab_probes *probes = &t->data.probes;
  float *margin = malloc(sizeof *margin * (size_t)probes->count);
  if (!margin) return CUTLAB_ERROR_MEMORY;
  cutlab_status status = margins(t, margin, probes->pixels, probes->labels, probes->count);
  for (int64_t f = 0; f < probes->feature_count && status == CUTLAB_OK; ++f) {
    double sum = 0, count = 0;
    for (int64_t i = 0; i < probes->count; ++i)
      if (probes->features[i] == f) sum += (double)margin[i], ++count;
    printf("%-14s  %.2f  %+.2f\n", probes->names[f], probes->frequencies[f], sum / count);
  }
  free(margin);
  return status;
}

int main(void) {
  static trainer t;
  if (cutlab_context_create(&t.context) != CUTLAB_OK) return 1;
  cutlab_status status = open_trainer(&t);
  printf("epoch  loss  test accuracy\n");
  for (int epoch = 0; epoch < epochs && status == CUTLAB_OK; ++epoch) {
    double loss;
    status = train_epoch(&t, &loss, epoch);
    if (status == CUTLAB_OK && (epoch + 1) % epochs_a_line == 0)
      status = print_accuracy(&t, epoch, loss);
  }
  printf("feature         share  says\n");
  if (status == CUTLAB_OK) status = print_features(&t);
  if (status != CUTLAB_OK) fprintf(stderr, "%s\n", cutlab_context_message(t.context));
  close_trainer(&t);
  cutlab_context_free(t.context);
  return status != CUTLAB_OK;
}
