/* Times training steps of a network and prints one JSON object a line:
     bench_network [--model TEXT] [--batch N] [--side PIXELS] [--threads T] [--rounds N]
                   [--seconds S] [--backend NAME] [--wait 1]
   First what starting took, then how long augmenting a batch takes on one thread, then rounds of at
   least S seconds. With --wait a round begins with each line on standard input, until it ends. A
   step is the gradient of one batch of images with soft labels, 10 classes, and SGD with Nesterov
   momentum and weight decay.
     plan_s, first_s    making model, network and plan; the same and the first step
     planned_mb         memory beside values, gradients and momentum
     rss_mb             most memory of the process so far
     step_s, images_s   medians over the round's steps; the update's part is update_s
     cpu_s              of all threads, a step; augment_cpu_s that of the batch's augmentation */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include <cutlab/cutlab.h>

#include "train/optimiser.h"

enum { classes = 10, channels = 3, max_steps = 4096, least_steps = 3, augmented_batches = 20 };

typedef struct options {
  const char *model, *backend;
  int64_t batch, side;
  int threads, rounds, wait;
  double seconds;
} options;

typedef struct bench {
  const options *options;
  cutlab_context *context;
  cutlab_model *model;
  cutlab_network *network;
  struct cutlab_training *settings;
  cutlab_optimiser optimiser;
  float *input, *labels;
  int64_t steps;
} bench;

static double clock_s(clockid_t id) {
  struct timespec t;
  clock_gettime(id, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double now(void) {
  return clock_s(CLOCK_MONOTONIC);
}

static double cpu(void) {
  return clock_s(CLOCK_PROCESS_CPUTIME_ID);
}

static double rss_mb(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return (double)usage.ru_maxrss / 1024;
}

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double median(double *values, int count) {
  qsort(values, (size_t)count, sizeof *values, ascending);
  return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

static void must(cutlab_context *context, cutlab_status status) {
  if (status == CUTLAB_OK) return;
  fprintf(stderr, "bench_network: %s\n", cutlab_context_message(context));
  exit(1);
}

static void *memory(int64_t count, size_t size) {
  void *got = calloc((size_t)count, size);
  if (!got) fprintf(stderr, "bench_network: no memory\n"), exit(1);
  return got;
}

static int64_t image_size(const options *o) {
  return channels * o->side * o->side;
}

static void fill_batch(bench *b) {
  const options *o = b->options;
  b->input = memory(o->batch * image_size(o), sizeof *b->input);
  b->labels = memory(o->batch * classes, sizeof *b->labels);
  cutlab_random random = cutlab_random_make(1, 0, 0, 0, 0);
  for (int64_t i = 0; i < o->batch * image_size(o); ++i)
    b->input[i] = (float)cutlab_random_normal(&random);
  for (int64_t i = 0; i < o->batch; ++i) {
    float share = (float)cutlab_random_uniform(&random);
    b->labels[i * classes + i % classes] += share;
    b->labels[i * classes + (i + i / classes + 1) % classes] += 1 - share;
  }
}

/* Returns the seconds that the update took. */
static double step(bench *b) {
  double loss;
  must(b->context, cutlab_network_gradient(b->context, b->network, &loss, NULL, b->input, b->labels,
                                           b->options->batch, 1, b->steps));
  double start = now();
  cutlab_optimiser_step(b->context, &b->optimiser, .01, b->steps++);
  return now() - start;
}

static void start(bench *b) {
  const options *o = b->options;
  size_t planned;
  double begin = now();
  must(b->context,
       cutlab_model_create(b->context, &b->model, o->model, channels, o->side, o->side, classes));
  must(b->context, cutlab_network_create(b->context, &b->network, b->model, o->backend));
  cutlab_network_initialise(b->network, CUTLAB_HE, 1, 1);
  must(b->context, cutlab_network_memory(b->context, b->network, &planned, o->batch, true));
  double plan_s = now() - begin;
  b->settings = memory(1, sizeof *b->settings);
  b->settings->optimiser = CUTLAB_SGD;
  b->settings->momentum = .9;
  b->settings->nesterov = true;
  b->settings->weight_decay = 5e-4;
  b->settings->decay_norms = true;
  must(b->context, cutlab_optimiser_open(b->context, &b->optimiser, b->settings, b->network));
  step(b);
  printf("{\"model\": \"%s\", \"batch\": %lld, \"threads\": %d, \"backend\": \"%s\", "
         "\"plan_s\": %.4f, \"first_s\": %.4f, \"planned_mb\": %.1f, \"rss_mb\": %.1f}\n",
         o->model, (long long)o->batch, o->threads, cutlab_network_backend(b->network), plan_s,
         now() - begin, (double)planned / (1 << 20), rss_mb());
  fflush(stdout);
}

static void run_round(bench *b) {
  static double taken[max_steps], updates[max_steps];
  int count = 0;
  double begin = now(), cpu_begin = cpu();
  for (; count < least_steps || (count < max_steps && now() - begin < b->options->seconds);
       ++count) {
    double at = now();
    updates[count] = step(b);
    taken[count] = now() - at;
  }
  double cpu_s = (cpu() - cpu_begin) / count, mean_s = (now() - begin) / count;
  double step_s = median(taken, count);
  printf("{\"step_s\": %.6f, \"images_s\": %.1f, \"update_s\": %.6f, \"mean_s\": %.6f, "
         "\"cpu_s\": %.6f, \"steps\": %d, \"rss_mb\": %.1f}\n",
         step_s, (double)b->options->batch / step_s, median(updates, count), mean_s, cpu_s, count,
         rss_mb());
  fflush(stdout);
}

/* From uint8 images and class ids to what step() gets, one thread. */
static double augment_batch(cutlab_context *context, cutlab_plan *plan, cutlab_policy *policy,
                            cutlab_batch *output, cutlab_batch *input, float *labels,
                            const int64_t *ids, int64_t epoch) {
  double begin = cpu();
  cutlab_draw draw = {.seed = 1,
                      .epoch = epoch,
                      .count = input->count,
                      .height = input->height,
                      .width = input->width};
  must(context, cutlab_plan_draw(context, plan, policy, &draw));
  must(context, cutlab_plan_apply(context, plan, output, input));
  must(context, cutlab_labels_one_hot(context, labels, ids, input->count, classes, 0));
  must(context, cutlab_labels_mix(context, labels, plan, labels, classes, CUTLAB_LABEL_LINEAR));
  return cpu() - begin;
}

static void time_augmentation(const options *o) {
  static const char text[] = "flip | crop(pad=4) | cutmix | "
                             "normalise(mean=(.4914,.4822,.4465), std=(.247,.2435,.2616))";
  double taken[augmented_batches];
  cutlab_context *context;
  cutlab_policy *policy;
  cutlab_plan *plan;
  if (cutlab_context_create(&context) != CUTLAB_OK) exit(1);
  must(context, cutlab_policy_create(context, &policy, text));
  must(context, cutlab_plan_create(context, &plan));
  cutlab_batch input = {.dtype = CUTLAB_UINT8,
                        .layout = CUTLAB_NCHW,
                        .count = o->batch,
                        .height = o->side,
                        .width = o->side,
                        .channels = channels};
  cutlab_batch output = input;
  output.dtype = CUTLAB_FLOAT32;
  input.data = memory(o->batch * image_size(o), 1);
  output.data = memory(o->batch * image_size(o), sizeof(float));
  float *labels = memory(o->batch * classes, sizeof *labels);
  int64_t *ids = memory(o->batch, sizeof *ids);
  for (int64_t i = 0; i < o->batch * image_size(o); ++i)
    ((uint8_t *)input.data)[i] = (uint8_t)(i * 37);
  for (int64_t i = 0; i < o->batch; ++i) ids[i] = i % classes;
  for (int i = 0; i < augmented_batches; ++i)
    taken[i] = augment_batch(context, plan, policy, &output, &input, labels, ids, i);
  printf("{\"augment_cpu_s\": %.6f}\n", median(taken, augmented_batches));
  fflush(stdout);
  free(ids);
  free(labels);
  free(input.data);
  free(output.data);
  cutlab_plan_free(plan);
  cutlab_policy_free(policy);
  cutlab_context_free(context);
}

static bool read_options(options *o, int argc, char **argv) {
  int i = 1;
  for (; i + 1 < argc; i += 2) {
    const char *key = argv[i], *value = argv[i + 1];
    if (strcmp(key, "--model") == 0)
      o->model = value;
    else if (strcmp(key, "--backend") == 0)
      o->backend = value;
    else if (strcmp(key, "--batch") == 0)
      o->batch = atoll(value);
    else if (strcmp(key, "--side") == 0)
      o->side = atoll(value);
    else if (strcmp(key, "--threads") == 0)
      o->threads = atoi(value);
    else if (strcmp(key, "--rounds") == 0)
      o->rounds = atoi(value);
    else if (strcmp(key, "--seconds") == 0)
      o->seconds = atof(value);
    else if (strcmp(key, "--wait") == 0)
      o->wait = atoi(value);
    else
      return false;
  }
  return i == argc && o->batch > 0 && o->side > 0;
}

static bool told_to(void) {
  char line[64];
  return fgets(line, sizeof line, stdin) != NULL;
}

int main(int argc, char **argv) {
  options o = {
      .model = "resnet20", .batch = 128, .side = 32, .threads = 2, .rounds = 3, .seconds = 2};
  if (!read_options(&o, argc, argv)) {
    fprintf(stderr, "usage: bench_network [--model TEXT] [--batch N] [--side PIXELS] "
                    "[--threads T] [--rounds N] [--seconds S] [--backend NAME] [--wait 1]\n");
    return 2;
  }
  bench b = {.options = &o};
  if (cutlab_context_create(&b.context) != CUTLAB_OK) return 1;
  must(b.context, cutlab_context_set_threads(b.context, o.threads));
  fill_batch(&b);
  start(&b);
  time_augmentation(&o);
  for (int round = 0; o.wait ? told_to() : round < o.rounds; ++round) run_round(&b);
  cutlab_optimiser_clear(&b.optimiser);
  cutlab_network_free(b.network);
  cutlab_model_free(b.model);
  cutlab_context_free(b.context);
  free(b.settings);
  free(b.input);
  free(b.labels);
  return 0;
}
