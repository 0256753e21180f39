/* cutlab bench objective: one exact evaluation of loss and gradient, timed. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sys/resource.h>

#include "options.h"

static const cutlab_option options[] = {
    {"method", 'm', "NAME", "erm, cutout or cutmix; default: cutmix."},
    {"examples", 'n', "N", "Examples, half of each class. Required."},
    {"patches", 'p', "P", "Patches of each, 3 to 64. Required."},
    {"cut-size", 0, "C", "Cutout: patches that are cut, |C|; default: 1."},
    {"subsets", 0, "KIND", "Of patches, arbitrary (default), or contiguous: runs of them."},
    {"path", 0, "PATH",
     "How sums are computed: auto (default), brute, direct, chebyshev or fourier."},
    {"tolerance", 't', "T",
     "The most that the error bound may be, relative to the loss and to the largest possible entry "
     "of the gradient; default: 1e-10."},
    {"seed", 's', "N", "Seed of the patch outputs; default: 1."},
    {"repeat", 'r', "R", "Evaluations; the median of their times is printed. Default: 1."},
    {"monte-carlo", 0, "SAMPLES",
     "Also estimates the loss, and its slope along the outputs, from random augmented data."},
    CUTLAB_OPTION_JSON,
    CUTLAB_OPTION_THREADS,
    CUTLAB_OPTIONS_END};

static const char *const methods[] = {"erm", "cutout", "cutmix", NULL};
static const char *const paths[] = {"auto", "brute", "direct", "chebyshev", "fourier", NULL};
static const char *const kinds[] = {"arbitrary", "contiguous", NULL};

enum { most_repeats = 1000, outputs_stream = 900, samples_stream = 901, unwatched = 4096 };

typedef struct estimate {
  double loss, loss_error, slope, slope_error;
} estimate;

typedef struct job {
  cutlab_objective_options options;
  double tolerance;
  int64_t examples, patches, seed, repeat, samples;
  int8_t *labels;
  double *outputs, *gradient;
  double loss, slope, norm, seconds[most_repeats]; /* slope: of the loss along the outputs */
  cutlab_objective_report report;
  estimate estimate;
} job;

/* The index of an option's value among names, or `*index` as it is. Gives 0 or the exit code. */
static int read_name(const cutlab_cli *cli, const char *option, const char *const *names,
                     int *index) {
  const char *value = cutlab_options_value(cli, option);
  char accepted[128] = "";
  if (!value) return 0;
  for (int i = 0; names[i]; ++i) {
    if (strcmp(value, names[i]) == 0) return *index = i, 0;
    size_t used = strlen(accepted);
    snprintf(accepted + used, sizeof accepted - used, "%s%s", i ? " | " : "", names[i]);
  }
  return cutlab_cli_usage("--%s is '%.80s'; accepted: %s", option, value, accepted);
}

static int read_tolerance(const cutlab_cli *cli, double *tolerance) {
  const char *text = cutlab_options_value(cli, "tolerance");
  char *end = NULL;
  if (text) *tolerance = strtod(text, &end);
  if (text && (end == text || *end || !(*tolerance >= 1e-14 && *tolerance <= 1e-2)))
    return cutlab_cli_usage("--tolerance is '%.80s'; accepted: 1e-14 to 1e-2", text);
  return 0;
}

static int read_options(const cutlab_cli *cli, job *j) {
  static const char *const required[] = {"examples", "patches"};
  int method = CUTLAB_CUTMIX, path = CUTLAB_PATH_AUTO, kind = CUTLAB_SUBSETS_ARBITRARY, code = 0;
  int64_t cut_size = 1;
  for (int i = 0; i < cli->item_count; ++i)
    if (!cli->items[i].option)
      return cutlab_cli_usage("bench objective: unexpected operand '%.80s'; it takes none",
                              cli->items[i].value);
  for (int i = 0; i < 2; ++i)
    if (!cutlab_options_value(cli, required[i]))
      return cutlab_cli_usage("bench objective: --%s is missing", required[i]);
  j->seed = j->repeat = 1;
  j->tolerance = 1e-10;
  if (!code) code = read_name(cli, "method", methods, &method);
  if (!code) code = read_name(cli, "path", paths, &path);
  if (!code) code = read_name(cli, "subsets", kinds, &kind);
  if (!code) code = cutlab_options_integer(cli, "examples", &j->examples, 1, 1000000000);
  if (!code) code = cutlab_options_integer(cli, "patches", &j->patches, 2, 64);
  if (!code) code = cutlab_options_integer(cli, "cut-size", &cut_size, 1, j->patches - 1);
  if (!code) code = cutlab_options_integer(cli, "seed", &j->seed, 0, INT64_MAX);
  if (!code) code = cutlab_options_integer(cli, "repeat", &j->repeat, 1, most_repeats);
  if (!code) code = cutlab_options_integer(cli, "monte-carlo", &j->samples, 2, INT64_MAX);
  if (!code) code = read_tolerance(cli, &j->tolerance);
  if (!code && method != CUTLAB_CUTOUT && cutlab_options_value(cli, "cut-size"))
    code = cutlab_cli_usage("--cut-size is for --method cutout; leave it out");
  if (!code && j->patches == 2)
    code = cutlab_cli_usage("--patches is 2: the outputs are taken around the CutMix optimum, and "
                            "with two patches there is none; accepted: 3 to 64");
  j->options = (cutlab_objective_options){(cutlab_method)method, (int)cut_size, (cutlab_path)path,
                                          j->tolerance, (cutlab_subsets)kind};
  return code;
}

/* a_ip = y_i z (1 + .35 g) around the optimum of balanced classes. */
static cutlab_status draw_outputs(cutlab_context *context, job *j, double *least) {
  cutlab_optimum_point optimum;
  cutlab_status status = cutlab_optimum(context, &optimum, j->patches, 1, 2);
  *least = optimum.loss;
  for (int64_t i = 0; status == CUTLAB_OK && i < j->examples; ++i) {
    cutlab_random random = cutlab_random_make((uint64_t)j->seed, outputs_stream, (uint64_t)i, 0, 0);
    if (i % unwatched == 0 && cutlab_progress_step("outputs", i, j->examples))
      return CUTLAB_CANCELLED;
    for (int64_t p = 0; p < j->patches; ++p)
      j->outputs[i * j->patches + p] =
          j->labels[i] * optimum.positive * (1 + .35 * cutlab_random_normal(&random));
  }
  return status;
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static cutlab_status evaluate(cutlab_context *context, job *j) {
  cutlab_objective *objective = NULL;
  cutlab_status status =
      cutlab_objective_create(context, &objective, &j->options, j->labels, j->examples, j->patches);
  for (int64_t r = 0; status == CUTLAB_OK && r < j->repeat; ++r) {
    double start = now();
    status = cutlab_objective_evaluate(objective, &j->loss, j->gradient, &j->report, j->outputs);
    j->seconds[r] = now() - start;
    if (j->report.error_bound > j->tolerance) break;
  }
  cutlab_objective_free(objective);
  return status;
}

static int fail(const cutlab_cli *cli, cutlab_status status) {
  if (status != CUTLAB_CANCELLED) return cutlab_cli_fail(cli, status, NULL);
  cutlab_progress_clear();
  cutlab_cli_print_error("cancelled");
  return 128 + cutlab_progress_signal();
}

/* The library's tolerance is that of each sigmoid, ours is relative to the loss, which is at least
   `least` for CutMix. Where that was not enough it is tightened. Gives 0 or the exit code. */
static int evaluate_within(cutlab_cli *cli, job *j, double least) {
  double inner = j->tolerance * (j->options.method == CUTLAB_CUTMIX ? .8 * fmin(1, least) : .05);
  for (int attempt = 0; attempt < 3; ++attempt) {
    j->options.tolerance = fmin(fmax(inner, 1e-15), 1e-2);
    cutlab_status status = evaluate(cli->context, j);
    if (status != CUTLAB_OK) return fail(cli, status);
    if (j->report.error_bound <= j->tolerance) return 0;
    inner *= .5 * j->tolerance / j->report.error_bound;
  }
  cutlab_cli_print_error("the error is not proven to stay below %g: with rounding it is up to "
                         "%.2g; accepted: a --tolerance of at least %.1g",
                         j->tolerance, j->report.error_bound, 1.5 * j->report.error_bound);
  return cutlab_exit_failure;
}

/* A uniform subset of `size` patches (selection sampling, Knuth 3.4.2 S), or a uniform run. */
static uint64_t random_subset(const job *j, cutlab_random *random, int64_t size) {
  uint64_t subset = 0, bit = 1;
  if (j->options.subsets == CUTLAB_SUBSETS_CONTIGUOUS && size) {
    int64_t first = (int64_t)cutlab_random_below(random, (uint64_t)(j->patches - size + 1));
    for (int64_t p = first; p < first + size; ++p) subset |= bit << p;
    return subset;
  }
  for (int64_t p = 0; p < j->patches; ++p)
    if ((int64_t)cutlab_random_below(random, (uint64_t)(j->patches - p)) < size) {
      subset |= bit << p;
      --size;
    }
  return subset;
}

/* Loss and slope along the outputs, f dl/df, of one augmented data point. */
static void sample(const job *j, double value[2], uint64_t number) {
  cutlab_random random = cutlab_random_make((uint64_t)j->seed, samples_stream, number, 0, 0);
  int64_t first = (int64_t)cutlab_random_below(&random, (uint64_t)j->examples), second = first;
  int64_t size = j->patches;
  if (j->options.method == CUTLAB_CUTMIX) {
    second = (int64_t)cutlab_random_below(&random, (uint64_t)j->examples);
    size = (int64_t)cutlab_random_below(&random, (uint64_t)j->patches + 1);
  }
  bool cuts = j->options.method == CUTLAB_CUTOUT;
  uint64_t subset = random_subset(j, &random, cuts ? j->options.cut_size : size);
  double f = 0, share = cuts ? 1 : (double)size / (double)j->patches;
  for (int64_t p = 0; p < j->patches; ++p) {
    bool in = subset >> p & 1;
    if (!cuts || !in) f += j->outputs[(in || cuts ? first : second) * j->patches + p];
  }
  double target = share * (j->labels[first] > 0) + (1 - share) * (j->labels[second] > 0);
  value[0] = (f > 0 ? f : 0) + log1p(exp(-fabs(f))) - target * f;
  value[1] = f * (1 / (1 + exp(-f)) - target);
}

/* False: asked to stop. */
static bool run_monte_carlo(job *j) {
  double sums[2] = {0}, squares[2] = {0}, n = (double)j->samples;
  for (int64_t k = 0; k < j->samples; ++k) {
    double value[2];
    if (k % unwatched == 0 && cutlab_progress_step("random samples", k, j->samples)) return false;
    sample(j, value, (uint64_t)k);
    for (int i = 0; i < 2; ++i) sums[i] += value[i], squares[i] += value[i] * value[i];
  }
  double errors[2];
  for (int i = 0; i < 2; ++i)
    errors[i] = sqrt(fmax(0, squares[i] / n - sums[i] / n * (sums[i] / n)) / (n - 1));
  j->estimate = (estimate){sums[0] / n, errors[0], sums[1] / n, errors[1]};
  return true;
}

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static void summarise(job *j) {
  double square = 0;
  j->slope = 0;
  for (int64_t q = 0; q < j->examples * j->patches; ++q) {
    square += j->gradient[q] * j->gradient[q];
    j->slope += j->gradient[q] * j->outputs[q];
  }
  j->norm = sqrt(square);
  qsort(j->seconds, (size_t)j->repeat, sizeof *j->seconds, ascending);
}

static int64_t peak_memory(void) {
  struct rusage usage;
  return getrusage(RUSAGE_SELF, &usage) == 0 ? (int64_t)usage.ru_maxrss * 1024 : 0;
}

static void print_json(const cutlab_cli *cli, const job *j) {
  printf("{\"method\": \"%s\", \"subsets\": \"%s\", \"examples\": %lld, \"patches\": %lld, ",
         methods[j->options.method], kinds[j->options.subsets], (long long)j->examples,
         (long long)j->patches);
  if (j->options.method == CUTLAB_CUTOUT) printf("\"cut_size\": %d, ", j->options.cut_size);
  printf("\"path\": \"%s\", \"nodes\": %d, \"terms\": %lld, ", paths[j->report.path],
         j->report.nodes, (long long)j->report.terms);
  printf("\"seconds\": %.6g, \"seconds_least\": %.6g, \"repeat\": %lld, \"threads\": %d, "
         "\"kernels\": \"%s\", \"peak_memory\": %lld, ",
         j->seconds[j->repeat / 2], j->seconds[0], (long long)j->repeat,
         cutlab_context_threads(cli->context), cutlab_context_isa_name(cli->context),
         (long long)peak_memory());
  printf("\"tolerance\": %.17g, \"error_bound\": %.6g, \"loss\": %.17g, \"gradient_norm\": %.17g, "
         "\"slope\": %.17g",
         j->tolerance, j->report.error_bound, j->loss, j->norm, j->slope);
  if (j->samples)
    printf(", \"monte_carlo\": {\"samples\": %lld, \"loss\": %.17g, \"loss_error\": %.6g, "
           "\"slope\": %.17g, \"slope_error\": %.6g}",
           (long long)j->samples, j->estimate.loss, j->estimate.loss_error, j->estimate.slope,
           j->estimate.slope_error);
  printf("}\n");
}

static void print_text(const cutlab_cli *cli, const job *j) {
  printf("%s, %lld examples of %lld patches", methods[j->options.method], (long long)j->examples,
         (long long)j->patches);
  if (j->options.method == CUTLAB_CUTOUT) printf(", %d cut", j->options.cut_size);
  printf(", %s subsets\n", kinds[j->options.subsets]);
  printf("  path              %s", paths[j->report.path]);
  if (j->report.nodes)
    printf(", %d %s", j->report.nodes,
           j->report.path == CUTLAB_PATH_FOURIER ? "frequencies" : "nodes");
  printf("\n  terms             %lld\n", (long long)j->report.terms);
  printf("  seconds           %.4g (%d threads, %s)\n", j->seconds[j->repeat / 2],
         cutlab_context_threads(cli->context), cutlab_context_isa_name(cli->context));
  printf("  error at most     %.2g\n", j->report.error_bound);
  printf("  loss              %.12g\n", j->loss);
  printf("  slope             %.12g\n", j->slope);
  printf("  norm of gradient  %.12g\n", j->norm);
  printf("  peak memory       %.0f MiB\n", (double)peak_memory() / 1048576);
  if (j->samples)
    printf("  %lld random samples: loss %.8g +- %.1g, slope %.8g +- %.1g\n", (long long)j->samples,
           j->estimate.loss, j->estimate.loss_error, j->estimate.slope, j->estimate.slope_error);
}

static void *allocate(int64_t count, size_t size) {
  return calloc(count > 0 ? (size_t)count : 1, size);
}

/* Makes the labels, and an objective of them: the library refuses what this machine cannot hold
   before there is any of it. */
static int check_fits(const cutlab_cli *cli, job *j) {
  cutlab_objective *objective = NULL;
  j->labels = allocate(j->examples, 1);
  if (!j->labels) {
    cutlab_cli_print_error("out of memory: %lld examples", (long long)j->examples);
    return cutlab_exit_failure;
  }
  for (int64_t i = 0; i < j->examples; ++i) j->labels[i] = i % 2 ? -1 : 1;
  cutlab_status status = cutlab_objective_create(cli->context, &objective, &j->options, j->labels,
                                                 j->examples, j->patches);
  cutlab_objective_free(objective);
  return status == CUTLAB_OK ? 0 : cutlab_cli_fail(cli, status, NULL);
}

static int carry_out(cutlab_cli *cli, job *j) {
  int64_t count = j->examples * j->patches;
  double least;
  int code = check_fits(cli, j);
  if (code) return code;
  j->outputs = allocate(count, sizeof *j->outputs);
  j->gradient = allocate(count, sizeof *j->gradient);
  if (!j->outputs || !j->gradient) {
    cutlab_cli_print_error("out of memory: %lld patch outputs", (long long)count);
    return cutlab_exit_failure;
  }
  cutlab_status status = draw_outputs(cli->context, j, &least);
  if (status != CUTLAB_OK) return fail(cli, status);
  code = evaluate_within(cli, j, least);
  if (code) return code;
  summarise(j);
  if (j->samples && !run_monte_carlo(j)) return fail(cli, CUTLAB_CANCELLED);
  if (cli->json)
    print_json(cli, j);
  else
    print_text(cli, j);
  return 0;
}

static int run(cutlab_cli *cli) {
  job *j = calloc(1, sizeof *j);
  if (!j) {
    cutlab_cli_print_error("out of memory");
    return cutlab_exit_failure;
  }
  int code = read_options(cli, j);
  if (!code) code = carry_out(cli, j);
  free(j->labels);
  free(j->outputs);
  free(j->gradient);
  free(j);
  return code;
}

const cutlab_command cutlab_command_bench_objective = {
    .name = "bench objective",
    .operands = "--examples N --patches P",
    .summary = "one exact evaluation of loss and gradient, timed",
    .text =
        "Patch outputs are a_ip = y_i z (1 + .35 g), g standard normal, z the CutMix optimum of "
        "that many patches. The error bound holds for the loss, relative to it, and for every "
        "entry of the gradient, relative to 1/N, the most it can be; where it cannot be kept below "
        "the tolerance nothing is printed but a line that says so.",
    .options = options,
    .run = run};
