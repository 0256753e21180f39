/* Whether and how to evaluate an objective by waves. */
#include "theory/chebyshev_nodes.h"
#include "theory/objective_fourier.h"

/* Weights of one frequency's rounding: of the gradient 2 slope_k, of the loss height_k. */
static void bound_rounding(const cutlab_objective *o, const cutlab_waves *waves,
                           cutlab_evaluation *e) {
  const cutlab_series *series = &waves->series;
  bool mixes = o->options.method == CUTLAB_CUTMIX;
  double n = (double)o->examples, patches = o->patches;
  double factors = mixes ? 4 * patches + 2 : 6 * patches;
  double depth = series->count + (mixes ? n / 4 + n / 8 + 4 * series->count : 0) + 16;
  double slope = depth, loss = 0;
  for (int k = 0; k < series->count; ++k) {
    double wave = 2 * cutlab_series_frequency(series, k) * e->reach + factors + depth;
    slope += 2 * cutlab_series_slope(series, k) * wave;
    loss += cutlab_series_height(series, k) * (wave + 2 * series->count);
  }
  double sums = depth + patches + (mixes ? n / 8 : 64 + n / 512) + 16;
  loss += sums * (2 + 3 * e->reach);
  e->slope_error = series->bound + waves->quadrature + cutlab_unit_roundoff * slope;
  e->loss_error = series->bound + waves->quadrature + cutlab_unit_roundoff * loss;
}

/* In units of about a nanosecond on one vector of numbers: what a factor of a wave costs, and a
   sigmoid of the enumerating paths. */
static void compare_costs(const cutlab_objective *o, cutlab_waves *waves, double range) {
  double n = (double)o->examples, patches = o->patches, count = waves->series.count;
  double subsets = cutlab_subset_count(o), bound;
  if (o->options.method == CUTLAB_CUTMIX) {
    double nodes = (double)cutlab_chebyshev_nodes(&bound, range / 2, range, o->options.tolerance);
    double rows = nodes > 0 ? fmin(n, 1.5 * nodes) : n;
    waves->cost = n * n / 2 * count * fmin(12, (patches + 2) / 2) * patches;
    waves->enumeration_cost = subsets / 2 * n * rows;
  } else {
    int size = o->options.cut_size;
    waves->cost = n * count * patches * (2 * fmin(size, patches - size) + 16);
    waves->enumeration_cost = n * subsets * (2 * patches + 4);
  }
}

bool cutlab_waves_may_pay(const cutlab_objective *o) {
  double n = (double)o->examples, patches = o->patches, subsets = cutlab_subset_count(o);
  if (o->options.method == CUTLAB_CUTMIX)
    return subsets / 2 * n * fmin(n, 100) > n * n / 2 * 40 * patches;
  return subsets > 200;
}

/* Of the tolerance, half is for rounding and the rest for what the series leaves out and, in
   CutMix, for the quadrature. */
cutlab_status cutlab_waves_plan(const cutlab_objective *o, cutlab_waves *waves,
                                cutlab_evaluation *e) {
  bool mixes = o->options.method == CUTLAB_CUTMIX;
  double tolerance = o->options.tolerance;
  double range = mixes ? cutlab_waves_mix_range(o, e) : cutlab_waves_cut_range(o, e->outputs);
  CUTLAB_TRY(cutlab_watch_status(e->watch));
  *waves =
      (cutlab_waves){.series = cutlab_series_make(range, mixes ? tolerance / 4 : tolerance / 2),
                     .quadrature = mixes ? tolerance / 8 : 0};
  if (!waves->series.count)
    return cutlab_fail(o->context, CUTLAB_ERROR_NUMERIC,
                       "path fourier cannot keep its error below %g: sums of patch outputs reach "
                       "%.3g, which takes more than %d frequencies; %s",
                       tolerance, range, cutlab_max_frequencies,
                       cutlab_subset_count(o) <= 1 << 20
                           ? "use path=direct"
                           : "accepted: smaller outputs or fewer patches");
  bound_rounding(o, waves, e);
  compare_costs(o, waves, range);
  if (e->slope_error <= tolerance) return CUTLAB_OK;
  return cutlab_fail(o->context, CUTLAB_ERROR_NUMERIC,
                     "path fourier cannot keep its error below %g: with rounding it is up to %.2g; "
                     "accepted: a tolerance of at least %.1g",
                     tolerance, e->slope_error, 2.5 * e->slope_error);
}

cutlab_status cutlab_waves_run(const cutlab_objective *o, cutlab_evaluation *e,
                               const cutlab_waves *waves) {
  e->report->path = CUTLAB_PATH_FOURIER;
  e->report->nodes = waves->series.count;
  return o->options.method == CUTLAB_CUTMIX ? cutlab_waves_mix(o, e, waves)
                                            : cutlab_waves_cut(o, e, waves);
}
