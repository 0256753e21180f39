/* The public face of the objectives: checks, and the choice of a path. */
#include <cutlab/objective.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ranks.h"
#include "data/dataset_internal.h"
#include "theory/objective_fourier.h"
#include "theory/objective_internal.h"

enum { max_patches = 64 };
static const double max_subsets = 1 << 20;

static bool enumerates(cutlab_path path) {
  return path == CUTLAB_PATH_BRUTE || path == CUTLAB_PATH_DIRECT || path == CUTLAB_PATH_CHEBYSHEV;
}

static cutlab_status check_path(cutlab_context *context, const cutlab_objective *o) {
  cutlab_path path = o->options.path;
  bool runs = o->options.subsets == CUTLAB_SUBSETS_CONTIGUOUS,
       enumerable = cutlab_subset_count(o) <= max_subsets;
  bool mixes = o->options.method == CUTLAB_CUTMIX;
  if (path == CUTLAB_PATH_FOURIER && runs && o->options.method != CUTLAB_ERM)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                       "path fourier is for subsets=arbitrary; with subsets=contiguous accepted: "
                       "auto, direct, chebyshev and brute");
  if (enumerates(path) && !enumerable)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                       "path %s enumerates %.3g subsets of %d patches; accepted: up to 2^20, or "
                       "path=fourier or auto",
                       path == CUTLAB_PATH_BRUTE    ? "brute"
                       : path == CUTLAB_PATH_DIRECT ? "direct"
                                                    : "chebyshev",
                       cutlab_subset_count(o), o->patches);
  if (!cutlab_context_ranks(context) || !mixes) return CUTLAB_OK;
  if (path != CUTLAB_PATH_AUTO && path != CUTLAB_PATH_CHEBYSHEV)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                       "CutMix over several processes takes path=chebyshev or auto alone");
  if (!enumerable)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                       "CutMix over several processes enumerates subsets: %d patches have %.3g; "
                       "accepted: up to 2^20",
                       o->patches, cutlab_subset_count(o));
  return CUTLAB_OK;
}

/* Enumerations come from callers, and may hold any number. */
static cutlab_status check_choices(cutlab_context *context,
                                   const cutlab_objective_options *options) {
  int method = (int)options->method, path = (int)options->path, subsets = (int)options->subsets;
  if (method == CUTLAB_MIXUP)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                       "method is CUTLAB_MIXUP, which mixes inputs and is no function of patch "
                       "outputs; accepted: CUTLAB_ERM, CUTLAB_CUTOUT, CUTLAB_CUTMIX; for Mixup "
                       "cutlab_simulation_create with method=mixup");
  if (method < CUTLAB_ERM || method > CUTLAB_CUTMIX)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                       "method is %d; accepted: CUTLAB_ERM, CUTLAB_CUTOUT, CUTLAB_CUTMIX", method);
  if (path < CUTLAB_PATH_AUTO || path > CUTLAB_PATH_FOURIER)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                       "path is %d; accepted: CUTLAB_PATH_AUTO, _BRUTE, _DIRECT, _CHEBYSHEV, "
                       "_FOURIER",
                       path);
  if (subsets == CUTLAB_SUBSETS_ARBITRARY || subsets == CUTLAB_SUBSETS_CONTIGUOUS) return CUTLAB_OK;
  return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                     "subsets is %d; accepted: CUTLAB_SUBSETS_ARBITRARY, _CONTIGUOUS", subsets);
}

static cutlab_status check(cutlab_context *context, const cutlab_objective_options *options,
                           int64_t examples, int64_t patches) {
  CUTLAB_TRY(check_choices(context, options));
  if (examples < 1)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT, "examples is %lld; accepted: at least 1",
                       (long long)examples);
  if (patches < 2 || patches > max_patches)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT, "patches is %lld; accepted: 2 to %d",
                       (long long)patches, max_patches);
  if (options->method == CUTLAB_CUTOUT && (options->cut_size < 1 || options->cut_size >= patches))
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                       "cut_size is %d; accepted: 1 to P - 1 = %lld", options->cut_size,
                       (long long)patches - 1);
  if (!(options->tolerance >= 1e-15 && options->tolerance <= 1e-2))
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT, "tolerance is %g; accepted: 1e-15 to 1e-2",
                       options->tolerance);
  return CUTLAB_OK;
}

/* With the caller's outputs and gradient, and in CutMix both again patch by patch. */
static cutlab_status check_fits(cutlab_context *context, const cutlab_objective *o) {
  double n = (double)o->examples, numbers = 2.0 * o->patches;
  char what[96];
  if (o->options.method == CUTLAB_CUTMIX) numbers += 2.0 * o->patches + 14;
  snprintf(what, sizeof what, "an objective of %lld examples of %d patches", (long long)o->examples,
           o->patches);
  return cutlab_check_memory(context, n * (numbers * sizeof(double) + 1), what);
}

static cutlab_status copy_labels(cutlab_objective *o, const int8_t *labels) {
  o->labels = cutlab_allocate(o->context, o->examples, sizeof *o->labels);
  o->targets = cutlab_allocate(o->context, o->examples, sizeof *o->targets);
  if (!o->labels || !o->targets) return CUTLAB_ERROR_MEMORY;
  for (int64_t i = 0; i < o->examples; ++i) {
    if (labels[i] != 1 && labels[i] != -1)
      return cutlab_fail(o->context, CUTLAB_ERROR_ARGUMENT,
                         "label of example %lld is %d; accepted: +1 and -1", (long long)i,
                         labels[i]);
    o->labels[i] = labels[i];
    o->targets[i] = labels[i] > 0;
    o->positives += labels[i] > 0;
  }
  return CUTLAB_OK;
}

static void count_over_ranks(cutlab_objective *o) {
  double counts[] = {(double)o->examples, (double)o->positives};
  cutlab_sum_over_ranks(o->context, counts, 2);
  o->total = (int64_t)counts[0];
  o->positives = (int64_t)counts[1];
}

cutlab_status cutlab_objective_create(cutlab_context *context, cutlab_objective **objective,
                                      const cutlab_objective_options *options, const int8_t *labels,
                                      int64_t examples, int64_t patches) {
  *objective = NULL;
  cutlab_objective *o = NULL;
  cutlab_status status = check(context, options, examples, patches);
  if (status == CUTLAB_OK) {
    o = cutlab_allocate(context, 1, sizeof *o);
    status = o ? CUTLAB_OK : CUTLAB_ERROR_MEMORY;
  }
  if (status == CUTLAB_OK) {
    *o = (cutlab_objective){
        .context = context, .options = *options, .examples = examples, .patches = (int)patches};
    status = check_path(context, o);
  }
  if (status == CUTLAB_OK) status = check_fits(context, o);
  if (status == CUTLAB_OK) status = copy_labels(o, labels);
  status = cutlab_agree_over_ranks(context, status);
  if (status == CUTLAB_OK && o) {
    count_over_ranks(o);
    *objective = o;
  } else {
    cutlab_objective_free(o);
  }
  return status;
}

void cutlab_objective_free(cutlab_objective *objective) {
  if (!objective) return;
  cutlab_cutmix_workspace_free(objective->workspace);
  free(objective->labels);
  free(objective->targets);
  free(objective);
}

static double example_reach(const cutlab_objective *objective, const double *outputs, int64_t i) {
  double sum = 0;
  for (int p = 0; p < objective->patches; ++p) sum += fabs(outputs[i * objective->patches + p]);
  return isfinite(sum) ? sum : INFINITY;
}

cutlab_status cutlab_objective_reach(const cutlab_objective *objective, double *reach,
                                     const double *outputs) {
  int threads = cutlab_context_threads(objective->context);
  int64_t n = objective->examples;
  const int64_t few = 10000; /* for which even a parallel region of one thread costs too much */
  double most = 0;
  for (int64_t i = 0; n <= few && i < n; ++i) {
    double reach_i = example_reach(objective, outputs, i);
    if (reach_i > most) most = reach_i;
  }
  if (n > few) {
#pragma omp parallel for num_threads(threads) reduction(max : most) if (threads > 1)
    for (int64_t i = 0; i < n; ++i) most = fmax(most, example_reach(objective, outputs, i));
  }
  cutlab_status status = CUTLAB_OK;
  for (int64_t i = 0; isinf(most) && status == CUTLAB_OK && i < n; ++i)
    if (isinf(example_reach(objective, outputs, i)))
      status = cutlab_fail(objective->context, CUTLAB_ERROR_NUMERIC,
                           "patch outputs of example %lld are not finite, or their sum is not",
                           (long long)i);
  CUTLAB_TRY(cutlab_agree_over_ranks(objective->context, status));
  cutlab_largest_over_ranks(objective->context, &most, 1);
  *reach = most;
  return CUTLAB_OK;
}

static cutlab_status run_brute(const cutlab_objective *objective, cutlab_evaluation *e) {
  double n = (double)objective->examples;
  e->report->path = CUTLAB_PATH_BRUTE;
  if (objective->options.method == CUTLAB_CUTMIX) {
    e->report->terms = (int64_t)(n * n * cutlab_subset_count(objective));
    cutlab_brute_cutmix(objective, e);
  } else {
    e->report->terms = (int64_t)(n * cutlab_subset_count(objective));
    cutlab_brute_cut(objective, e);
  }
  return cutlab_watch_status(e->watch);
}

/* Waves where they are asked for, where there are too many subsets, or where they are cheaper. */
static cutlab_status plan_waves(const cutlab_objective *o, cutlab_evaluation *e,
                                cutlab_waves *waves, bool *chosen) {
  cutlab_path path = o->options.path;
  bool enumerable = cutlab_subset_count(o) <= max_subsets;
  bool asked = path == CUTLAB_PATH_FOURIER || !enumerable;
  *chosen = false;
  if (o->options.method == CUTLAB_ERM || o->options.subsets == CUTLAB_SUBSETS_CONTIGUOUS ||
      enumerates(path) || (!asked && !cutlab_waves_may_pay(o)))
    return CUTLAB_OK;
  cutlab_status status = cutlab_waves_plan(o, waves, e);
  *chosen = asked || (status == CUTLAB_OK && waves->cost < waves->enumeration_cost);
  return asked || status == CUTLAB_CANCELLED ? status : CUTLAB_OK;
}

static cutlab_status run_fast(cutlab_objective *objective, cutlab_evaluation *e) {
  bool mixes = objective->options.method == CUTLAB_CUTMIX, chosen = false;
  cutlab_waves waves;
  if (mixes && cutlab_context_ranks(objective->context))
    return cutlab_fast_cutmix(objective, e, CUTLAB_PATH_CHEBYSHEV);
  CUTLAB_TRY(plan_waves(objective, e, &waves, &chosen));
  if (chosen) return cutlab_waves_run(objective, e, &waves);
  e->slope_error = e->loss_error = 0;
  return mixes ? cutlab_fast_cutmix(objective, e, objective->options.path)
               : cutlab_fast_cut(objective, e);
}

/* Cutout and ERM are sums over examples. CutMix has summed its loss, and knows of all examples what
   its error depends on but for the number of each process's. */
static void reduce_over_ranks(const cutlab_objective *objective, cutlab_evaluation *e) {
  cutlab_context *context = objective->context;
  cutlab_largest_over_ranks(context, &e->slope_error, 1);
  if (objective->options.method == CUTLAB_CUTMIX) {
    cutlab_largest_over_ranks(context, &e->loss_error, 1);
    return;
  }
  cutlab_sum_over_ranks(context, &e->loss_error, 1);
  if (e->loss) cutlab_sum_over_ranks(context, e->loss, 1);
}

/* Of the loss relative to the loss itself; of the gradient as it is. */
static double error_bound(const cutlab_evaluation *e) {
  double bound = e->gradient || !e->loss ? e->slope_error : 0;
  if (!e->loss) return bound;
  double least = *e->loss - e->loss_error;
  return fmax(bound, least > 0 ? e->loss_error / least : INFINITY);
}

cutlab_status cutlab_objective_check(const cutlab_objective *o, const double *loss,
                                     const double *gradient, double reach) {
  int infinite = loss && !isfinite(*loss);
  for (int64_t k = 0; gradient && k < o->examples * o->patches; ++k)
    infinite |= !isfinite(gradient[k]);
  if (!infinite) return CUTLAB_OK;
  return cutlab_fail(o->context, CUTLAB_ERROR_NUMERIC,
                     "the %s overflows: the patch outputs of an example add up to %g in size",
                     loss && !isfinite(*loss) ? "loss" : "gradient", reach);
}

cutlab_status cutlab_objective_evaluate(cutlab_objective *objective, double *loss, double *gradient,
                                        cutlab_objective_report *report, const double *outputs) {
  cutlab_objective_report unused;
  cutlab_watch watch = {.context = objective->context};
  cutlab_evaluation e = {loss, gradient, report ? report : &unused, outputs, &watch, 0, 0, 0};
  *e.report = (cutlab_objective_report){.path = CUTLAB_PATH_DIRECT};
  CUTLAB_TRY(cutlab_objective_reach(objective, &e.reach, outputs));
  if (loss) *loss = 0;
  if (gradient)
    memset(gradient, 0, (size_t)objective->examples * (size_t)objective->patches * sizeof(double));
  cutlab_status status = objective->options.path == CUTLAB_PATH_BRUTE ? run_brute(objective, &e)
                                                                      : run_fast(objective, &e);
  if (status == CUTLAB_OK) status = cutlab_objective_check(objective, NULL, gradient, e.reach);
  CUTLAB_TRY(cutlab_agree_over_ranks(objective->context, status));
  reduce_over_ranks(objective, &e);
  e.report->error_bound = error_bound(&e);
  return cutlab_objective_check(objective, loss, NULL, e.reach);
}
