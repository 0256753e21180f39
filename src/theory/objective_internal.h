/* What the objectives share: the handle, subset weights, the scalar loss. */
#ifndef CUTLAB_OBJECTIVE_INTERNAL_H
#define CUTLAB_OBJECTIVE_INTERNAL_H

#include <math.h>

#include <cutlab/objective.h>

#include "base/base.h"

typedef struct cutlab_cutmix_workspace cutlab_cutmix_workspace;

struct cutlab_objective {
  cutlab_context *context;
  cutlab_objective_options options;
  int64_t examples, positives;
  int patches;
  int8_t *labels;  /* [n] */
  double *targets; /* [n]: Y_i = (1 + y_i) / 2 */
  cutlab_cutmix_workspace *workspace;
};

/* l(m) = log(1 + e^-m) and l'(m). */
static inline double cutlab_logistic_loss(double m) {
  return m > 0 ? log1p(exp(-m)) : log1p(exp(m)) - m;
}
static inline double cutlab_logistic_slope(double m) {
  return m > 0 ? -exp(-m) / (1 + exp(-m)) : -1 / (1 + exp(m));
}

static inline double cutlab_binomial(int n, int k) {
  double c = 1;
  for (int i = 1; i <= k; ++i) c = c * (n - k + i) / i;
  return c;
}

/* Sum of one example's outputs over the patches of a bit mask. */
static inline double cutlab_subset_sum(const double *outputs, uint32_t subset) {
  double sum = 0;
  for (; subset; subset &= subset - 1) sum += outputs[__builtin_ctz(subset)];
  return sum;
}

/* Each adds the objective to *loss and dLoss/da to gradient [n][P], both zeroed by the caller;
   either may be NULL. */
void cutlab_brute_cut(const cutlab_objective *objective, double *loss, double *gradient,
                      const double *outputs);
void cutlab_brute_cutmix(const cutlab_objective *objective, double *loss, double *gradient,
                         const double *outputs);
cutlab_status cutlab_fast_cut(const cutlab_objective *objective, double *loss, double *gradient,
                              cutlab_objective_report *report, const double *outputs);
/* nodes 0: direct pair sums. */
cutlab_status cutlab_fast_cutmix(cutlab_objective *objective, double *loss, double *gradient,
                                 cutlab_objective_report *report, const double *outputs,
                                 cutlab_path path);
void cutlab_cutmix_workspace_free(cutlab_cutmix_workspace *workspace);

#endif
