/* Trains a network on one batch and writes all of it:
     draw_network MODEL CHANNELS HEIGHT WIDTH CLASSES COUNT STEPS SEED BACKEND OUT.npz
   STEPS of SGD (settings below). Members: input [COUNT][CHANNELS][HEIGHT][WIDTH]; labels and logits
   (of step 0) [COUNT][CLASSES]; losses [STEPS] before each step; initial.TENSOR, gradient.TENSOR of
   step 0 where it is trained, first.TENSOR after that step and final.TENSOR after all of them;
   evaluated [COUNT][CLASSES], logits of evaluation at the end. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cutlab/cutlab.h>

#include "train/optimiser.h"

enum { threads = 2, stream = 0x6f72 };

typedef struct drawn {
  cutlab_context *context;
  cutlab_model *model;
  cutlab_network *network;
  int64_t shape[4], classes, steps;
  uint64_t seed;
  float *input, *labels, *logits, *evaluated;
  double *losses;
  cutlab_array *members;
  int member_count;
} drawn;

static void must(cutlab_context *context, cutlab_status status) {
  if (status == CUTLAB_OK) return;
  fprintf(stderr, "draw_network: %s\n", cutlab_context_message(context));
  exit(1);
}

static void *memory(int64_t count, size_t size) {
  void *got = calloc((size_t)count, size);
  if (!got) fprintf(stderr, "draw_network: no memory\n"), exit(1);
  return got;
}

static cutlab_array *add(drawn *d, const char *prefix, const char *name, cutlab_dtype dtype,
                         void *data, int rank, const int64_t *shape) {
  cutlab_array *member = &d->members[d->member_count++];
  *member = (cutlab_array){.dtype = dtype, .rank = rank, .data = data};
  snprintf(member->name, sizeof member->name, "%s%s", prefix, name);
  memcpy(member->shape, shape, (size_t)rank * sizeof *shape);
  return member;
}

/* Copies of all values, or of the gradients of trained tensors. */
static void add_tensors(drawn *d, const char *prefix, bool gradients) {
  for (int t = 0; t < cutlab_model_tensors(d->model); ++t) {
    const cutlab_model_tensor *tensor = cutlab_model_tensor_at(d->model, t);
    const float *from =
        gradients ? cutlab_network_gradients(d->network, t) : cutlab_network_values(d->network, t);
    if (!from) continue;
    float *copy = memory(tensor->count, sizeof *copy);
    memcpy(copy, from, (size_t)tensor->count * sizeof *copy);
    add(d, prefix, tensor->name, CUTLAB_FLOAT32, copy, tensor->rank, tensor->shape);
  }
}

/* Standard normal inputs; labels uniform numbers over their sum. */
static void draw_batch(drawn *d) {
  int64_t count = d->shape[0], size = d->shape[1] * d->shape[2] * d->shape[3];
  d->input = memory(count * size, sizeof *d->input);
  d->labels = memory(count * d->classes, sizeof *d->labels);
  for (int64_t i = 0; i < count; ++i) {
    cutlab_random random = cutlab_random_make(d->seed, stream, (uint64_t)i, 0, 0);
    double sum = 0;
    for (int64_t k = 0; k < size; ++k)
      d->input[i * size + k] = (float)cutlab_random_normal(&random);
    for (int64_t k = 0; k < d->classes; ++k)
      sum += d->labels[i * d->classes + k] = (float)cutlab_random_uniform(&random);
    for (int64_t k = 0; k < d->classes; ++k) d->labels[i * d->classes + k] /= (float)sum;
  }
}

/* Scales, shifts and biases of their own, so that no gradient vanishes by symmetry. */
static void initialise(drawn *d) {
  cutlab_network_initialise(d->network, CUTLAB_HE, 1, d->seed);
  for (int t = 0; t < cutlab_model_tensors(d->model); ++t) {
    const cutlab_model_tensor *tensor = cutlab_model_tensor_at(d->model, t);
    cutlab_random random = cutlab_random_make(d->seed, stream, (uint64_t)t, 1, 0);
    bool moved =
        tensor->role == CUTLAB_BIAS || tensor->role == CUTLAB_SCALE || tensor->role == CUTLAB_SHIFT;
    float *values = cutlab_network_values(d->network, t);
    for (int64_t i = 0; moved && i < tensor->count; ++i)
      values[i] += (float)(.2 * cutlab_random_uniform(&random) - .1);
  }
}

static void train(drawn *d) {
  struct cutlab_training *settings = memory(1, sizeof *settings);
  settings->optimiser = CUTLAB_SGD;
  settings->momentum = .9;
  settings->nesterov = true;
  settings->weight_decay = 5e-4;
  settings->decay_norms = true;
  cutlab_optimiser optimiser;
  must(d->context, cutlab_optimiser_open(d->context, &optimiser, settings, d->network));
  d->losses = memory(d->steps, sizeof *d->losses);
  d->logits = memory(d->shape[0] * d->classes, sizeof *d->logits);
  for (int64_t step = 0; step < d->steps; ++step) {
    must(d->context,
         cutlab_network_gradient(d->context, d->network, &d->losses[step], step ? NULL : d->logits,
                                 d->input, d->labels, d->shape[0], d->seed, step));
    if (step == 0) add_tensors(d, "gradient.", true);
    cutlab_optimiser_step(d->context, &optimiser, .01, step);
    if (step == 0) add_tensors(d, "first.", false);
  }
  cutlab_optimiser_clear(&optimiser);
  free(settings);
  d->evaluated = memory(d->shape[0] * d->classes, sizeof *d->evaluated);
  must(d->context,
       cutlab_network_evaluate(d->context, d->network, d->evaluated, d->input, d->shape[0]));
}

static void write_all(drawn *d, const char *path) {
  const int64_t rows[] = {d->shape[0], d->classes};
  add(d, "", "input", CUTLAB_FLOAT32, d->input, 4, d->shape);
  add(d, "", "labels", CUTLAB_FLOAT32, d->labels, 2, rows);
  add(d, "", "logits", CUTLAB_FLOAT32, d->logits, 2, rows);
  add(d, "", "evaluated", CUTLAB_FLOAT32, d->evaluated, 2, rows);
  add(d, "", "losses", CUTLAB_FLOAT64, d->losses, 1, &d->steps);
  must(d->context, cutlab_npz_write(d->context, path, d->members, d->member_count));
  for (int i = 0; i < d->member_count; ++i) free(d->members[i].data);
  free(d->members);
}

static void read_arguments(drawn *d, char **argv) {
  int64_t numbers[6];
  for (int i = 0; i < 6; ++i) numbers[i] = strtoll(argv[2 + i], NULL, 10);
  memcpy(d->shape + 1, numbers, 3 * sizeof *numbers);
  d->classes = numbers[3];
  d->shape[0] = numbers[4];
  d->steps = numbers[5];
  d->seed = strtoull(argv[8], NULL, 10);
}

/* Returns 77 where the backend was not built. */
static int run(drawn *d, const char *backend, const char *path) {
  cutlab_status status = cutlab_network_create(d->context, &d->network, d->model, backend);
  if (status == CUTLAB_ERROR_UNSUPPORTED) return 77;
  must(d->context, status);
  d->members = memory(4 * cutlab_model_tensors(d->model) + 5, sizeof *d->members);
  draw_batch(d);
  initialise(d);
  add_tensors(d, "initial.", false);
  train(d);
  add_tensors(d, "final.", false);
  write_all(d, path);
  cutlab_network_free(d->network);
  return 0;
}

int main(int argc, char **argv) {
  drawn d = {0};
  if (argc != 11) {
    fprintf(stderr, "usage: draw_network MODEL CHANNELS HEIGHT WIDTH CLASSES COUNT STEPS SEED "
                    "BACKEND OUT.npz\n");
    return 2;
  }
  read_arguments(&d, argv);
  if (cutlab_context_create(&d.context) != CUTLAB_OK) return 1;
  must(d.context, cutlab_context_set_threads(d.context, threads));
  must(d.context, cutlab_model_create(d.context, &d.model, argv[1], d.shape[1], d.shape[2],
                                      d.shape[3], d.classes));
  int code = run(&d, argv[9], argv[10]);
  cutlab_model_free(d.model);
  cutlab_context_free(d.context);
  return code;
}
