/* The loss in waves: sigmoid and softplus as short sums of sines and cosines, whose means over
   random subsets are polynomials in e^(i w a) that need no enumeration. */
#ifndef CUTLAB_OBJECTIVE_FOURIER_H
#define CUTLAB_OBJECTIVE_FOURIER_H

#include "theory/objective_internal.h"

enum { cutlab_max_frequencies = 4096 };

/* On |x| <= range
     sigmoid(x)  = 1/2 + sum_k slope_k sin(w_k x)               + error
     softplus(x) = x/2 + log 2 + sum_k height_k (1 - cos(w_k x)) + error
   with w_k = (2k + 1) pi / period, slope_k = 2 pi / (period sinh(pi w_k)), height_k =
   slope_k / w_k, k < count, and both errors at most `bound`. */
typedef struct cutlab_series {
  int count;
  double period, bound;
} cutlab_series;

/* The least count that keeps the bound at `tolerance`; `count` 0 where it would be above
   cutlab_max_frequencies. */
cutlab_series cutlab_series_make(double range, double tolerance);
double cutlab_series_frequency(const cutlab_series *series, int k);
double cutlab_series_slope(const cutlab_series *series, int k);
double cutlab_series_height(const cutlab_series *series, int k);

/* What an evaluation by waves takes. */
typedef struct cutlab_waves {
  cutlab_series series;
  double quadrature; /* CutMix: what is left of the tolerance for it */
  double cost, enumeration_cost;
} cutlab_waves;

/* False where all subsets are surely cheaper: planning walks all pairs. */
bool cutlab_waves_may_pay(const cutlab_objective *objective);
/* Chooses the series for these outputs, bounds the error and compares costs. CUTLAB_ERROR_NUMERIC,
   with a line that says what would do, where the tolerance cannot be kept. */
cutlab_status cutlab_waves_plan(const cutlab_objective *objective, cutlab_waves *waves,
                                cutlab_evaluation *evaluation);
cutlab_status cutlab_waves_run(const cutlab_objective *objective, cutlab_evaluation *evaluation,
                               const cutlab_waves *waves);

/* The two methods' own parts: the range of their sums, and the evaluation. */
double cutlab_waves_cut_range(const cutlab_objective *objective, const double *outputs);
double cutlab_waves_mix_range(const cutlab_objective *objective,
                              const cutlab_evaluation *evaluation);
cutlab_status cutlab_waves_cut(const cutlab_objective *objective, cutlab_evaluation *evaluation,
                               const cutlab_waves *waves);
cutlab_status cutlab_waves_mix(const cutlab_objective *objective, cutlab_evaluation *evaluation,
                               const cutlab_waves *waves);

#endif
