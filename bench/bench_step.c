/* Times one exact gradient-descent step and prints a JSON list of
   {"name", "threads", "ms_median", "ms_min", "steps"}, one entry a variant:
     bench_step [--seconds S] [--threads T] [--only TEXT] [key=value ...]
   CutMix in the paper's world unless key=value says otherwise; Gram form and data held, by each
   path (those whose name holds TEXT), with one thread and with T. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cutlab/cutlab.h>

enum { max_samples = 200000 };

typedef struct variant {
  const char *name, *form, *path;
} variant;

static const variant variants[] = {
    {"gram, chebyshev", "wishart", "chebyshev"},
    {"gram, direct", "wishart", "direct"},
    {"held, chebyshev", "held", "chebyshev"},
    {"held, direct", "held", "direct"},
};

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static void must(cutlab_context *context, cutlab_status status) {
  if (status == CUTLAB_OK) return;
  fprintf(stderr, "bench_step: %s\n", cutlab_context_message(context));
  exit(1);
}

/* The first steps are warm-up: outputs are still near 0 there. */
static void time_variant(cutlab_context *context, const variant *v, double seconds, int count,
                         char **settings, int first) {
  static double samples[max_samples];
  cutlab_experiment *experiment;
  cutlab_simulation *simulation;
  must(context, cutlab_experiment_create(context, &experiment));
  must(context, cutlab_experiment_set(context, experiment, "sampling", "stratified"));
  must(context, cutlab_experiment_set(context, experiment, "form", v->form));
  must(context, cutlab_experiment_set(context, experiment, "path", v->path));
  for (int i = 0; i < count; ++i) {
    char *equals = strchr(settings[i], '=');
    if (!equals) exit(2);
    *equals = 0;
    must(context, cutlab_experiment_set(context, experiment, settings[i], equals + 1));
    *equals = '=';
  }
  must(context, cutlab_simulation_create(context, &simulation, experiment, NULL));
  must(context, cutlab_simulation_step(simulation, 200));
  int taken = 0;
  for (double end = now() + seconds; taken < max_samples && now() < end; ++taken) {
    double start = now();
    must(context, cutlab_simulation_step(simulation, 1));
    samples[taken] = 1e3 * (now() - start);
  }
  qsort(samples, (size_t)taken, sizeof *samples, ascending);
  int threads = cutlab_context_threads(context);
  printf("%s\n  {\"name\": \"cutlab %s, %d thread%s\", \"threads\": %d, \"ms_median\": %.4f, "
         "\"ms_min\": %.4f, \"steps\": %d}",
         first ? "" : ",", v->name, threads, threads > 1 ? "s" : "", threads, samples[taken / 2],
         samples[0], taken);
  cutlab_simulation_free(simulation);
  cutlab_experiment_free(experiment);
}

int main(int argc, char **argv) {
  double seconds = 1;
  int threads = 2, i = 1, printed = 0;
  const char *only = "";
  for (; i + 1 < argc && argv[i][0] == '-'; i += 2) {
    if (strcmp(argv[i], "--seconds") == 0)
      seconds = atof(argv[i + 1]);
    else if (strcmp(argv[i], "--threads") == 0)
      threads = atoi(argv[i + 1]);
    else if (strcmp(argv[i], "--only") == 0)
      only = argv[i + 1];
    else
      return 2;
  }
  cutlab_context *context;
  if (cutlab_context_create(&context) != CUTLAB_OK) return 1;
  printf("[");
  for (int v = 0; v < (int)(sizeof variants / sizeof *variants); ++v)
    for (int both = 0; strstr(variants[v].name, only) && both < (threads > 1 ? 2 : 1); ++both) {
      must(context, cutlab_context_set_threads(context, both ? threads : 1));
      time_variant(context, &variants[v], seconds, argc - i, argv + i, printed++ == 0);
    }
  printf("\n]\n");
  cutlab_context_free(context);
  return 0;
}
