/* The public face of the objectives: checks, and the choice of a path. */
#include <cutlab/objective.h>

#include <stdlib.h>
#include <string.h>

#include "theory/objective_internal.h"

enum { max_patches = 20 };

static cutlab_status check(cutlab_context *context, const cutlab_objective_options *options,
                           int64_t examples, int64_t patches) {
  if (examples < 1)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT, "examples is %lld; accepted: at least 1",
                       (long long)examples);
  if (patches < 2 || patches > max_patches)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                       "patches is %lld; accepted: 2 to %d (all 2^P subsets are enumerated)",
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

cutlab_status cutlab_objective_create(cutlab_context *context, cutlab_objective **objective,
                                      const cutlab_objective_options *options, const int8_t *labels,
                                      int64_t examples, int64_t patches) {
  *objective = NULL;
  CUTLAB_TRY(check(context, options, examples, patches));
  cutlab_objective *o = cutlab_allocate(context, 1, sizeof *o);
  if (!o) return CUTLAB_ERROR_MEMORY;
  *o = (cutlab_objective){
      .context = context, .options = *options, .examples = examples, .patches = (int)patches};
  o->labels = cutlab_allocate(context, examples, sizeof *o->labels);
  o->targets = cutlab_allocate(context, examples, sizeof *o->targets);
  cutlab_status status = o->labels && o->targets ? CUTLAB_OK : CUTLAB_ERROR_MEMORY;
  for (int64_t i = 0; status == CUTLAB_OK && i < examples; ++i) {
    if (labels[i] != 1 && labels[i] != -1)
      status =
          cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                      "label of example %lld is %d; accepted: +1 and -1", (long long)i, labels[i]);
    o->labels[i] = labels[i];
    o->targets[i] = labels[i] > 0;
    o->positives += labels[i] > 0;
  }
  if (status == CUTLAB_OK)
    *objective = o;
  else
    cutlab_objective_free(o);
  return status;
}

void cutlab_objective_free(cutlab_objective *objective) {
  if (!objective) return;
  cutlab_cutmix_workspace_free(objective->workspace);
  free(objective->labels);
  free(objective->targets);
  free(objective);
}

static cutlab_status check_outputs(const cutlab_objective *objective, const double *outputs) {
  for (int64_t i = 0; i < objective->examples; ++i) {
    double sum = 0;
    for (int p = 0; p < objective->patches; ++p) sum += fabs(outputs[i * objective->patches + p]);
    if (!isfinite(sum))
      return cutlab_fail(objective->context, CUTLAB_ERROR_NUMERIC,
                         "patch outputs of example %lld are not finite", (long long)i);
  }
  return CUTLAB_OK;
}

cutlab_status cutlab_objective_evaluate(cutlab_objective *objective, double *loss, double *gradient,
                                        cutlab_objective_report *report, const double *outputs) {
  cutlab_objective_report unused, *r = report ? report : &unused;
  *r = (cutlab_objective_report){.path = CUTLAB_PATH_DIRECT};
  CUTLAB_TRY(check_outputs(objective, outputs));
  if (loss) *loss = 0;
  if (gradient)
    memset(gradient, 0, (size_t)objective->examples * (size_t)objective->patches * sizeof(double));
  bool mixes = objective->options.method == CUTLAB_CUTMIX;
  cutlab_path path = objective->options.path;
  if (path == CUTLAB_PATH_BRUTE) {
    r->path = path;
    if (mixes) {
      double n = (double)objective->examples;
      r->terms = (int64_t)(n * n * (double)(1u << objective->patches));
      cutlab_brute_cutmix(objective, loss, gradient, outputs);
    } else {
      cutlab_brute_cut(objective, loss, gradient, outputs);
    }
    return CUTLAB_OK;
  }
  if (!mixes) return cutlab_fast_cut(objective, loss, gradient, r, outputs);
  return cutlab_fast_cutmix(objective, loss, gradient, r, outputs, path);
}
