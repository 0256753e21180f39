/* What the objectives share: the handle, subsets and their weights, the scalar loss. */
#ifndef CUTLAB_OBJECTIVE_INTERNAL_H
#define CUTLAB_OBJECTIVE_INTERNAL_H

#include <math.h>

#include <cutlab/objective.h>

#include "base/base.h"
#include "theory/objective_watch.h"

typedef struct cutlab_cutmix_workspace cutlab_cutmix_workspace;

struct cutlab_objective {
  cutlab_context *context;
  cutlab_objective_options options;
  int64_t examples;         /* this process's */
  int64_t total, positives; /* of all processes */
  int patches;
  int8_t *labels;  /* [n] */
  double *targets; /* [n]: Y_i = (1 + y_i) / 2 */
  cutlab_cutmix_workspace *workspace;
};

/* What one evaluation is asked for, and what is known of its outputs. */
typedef struct cutlab_evaluation {
  double *loss, *gradient; /* one number; [n][P]; zeroed, or NULL */
  cutlab_objective_report *report;
  const double *outputs; /* [n][P] */
  cutlab_watch *watch;
  double reach; /* the largest sum_p |a_ip| of all processes */
  /* Bounds of the error of the loss, and of n times an entry of the gradient. */
  double loss_error, slope_error;
} cutlab_evaluation;

/* Half of the distance from 1 to the next number: every operation is exact up to this factor. */
static const double cutlab_unit_roundoff = 0x1p-53;

/* l(m) = log(1 + e^-m) and l'(m). */
static inline double cutlab_logistic_loss(double m) {
  return m > 0 ? log1p(exp(-m)) : log1p(exp(m)) - m;
}
static inline double cutlab_logistic_slope(double m) {
  return m > 0 ? -exp(-m) / (1 + exp(-m)) : -1 / (1 + exp(m));
}

/* Sum of one example's outputs over the patches of a bit mask. */
static inline double cutlab_subset_sum(const double *outputs, uint64_t subset) {
  double sum = 0;
  for (; subset; subset &= subset - 1) sum += outputs[__builtin_ctzll(subset)];
  return sum;
}

/* |C| of Cutout, 0 of ERM: Cutout with nothing cut. */
static inline int cutlab_cut_size(const cutlab_objective *objective) {
  return objective->options.method == CUTLAB_CUTOUT ? objective->options.cut_size : 0;
}

/* objective_subsets.c */
uint64_t cutlab_all_patches(int patches);
double cutlab_binomial(int n, int k);
/* How many subsets of a size the objective has: each size is as likely as any other, and so is
   each subset of a size. */
double cutlab_subsets_of_size(const cutlab_objective *objective, int size);
/* All subsets that the objective enumerates: of |C| (Cutout) or of all sizes (CutMix). */
double cutlab_subset_count(const cutlab_objective *objective);
/* The first subset of a size; then each of the others in turn. False after the last one. */
uint64_t cutlab_first_of_size(int size);
bool cutlab_next_of_size(const cutlab_objective *objective, uint64_t *subset, int size);
/* From the empty one, every subset of any size, the whole last. */
bool cutlab_next_subset(const cutlab_objective *objective, uint64_t *subset);

/* The largest sum_p |a_ip| of all processes; refuses outputs that are not finite. */
cutlab_status cutlab_objective_reach(const cutlab_objective *objective, double *reach,
                                     const double *outputs);
/* Refuses results that are not finite; either may be NULL. */
cutlab_status cutlab_objective_check(const cutlab_objective *objective, const double *loss,
                                     const double *gradient, double reach);

/* Each adds the objective to *loss and dLoss/da to gradient. */
void cutlab_brute_cut(const cutlab_objective *objective, cutlab_evaluation *evaluation);
void cutlab_brute_cutmix(const cutlab_objective *objective, cutlab_evaluation *evaluation);
cutlab_status cutlab_fast_cut(const cutlab_objective *objective, cutlab_evaluation *evaluation);
/* Pairs, subset by subset; `path`: AUTO, DIRECT or CHEBYSHEV. */
cutlab_status cutlab_fast_cutmix(cutlab_objective *objective, cutlab_evaluation *evaluation,
                                 cutlab_path path);
void cutlab_cutmix_workspace_free(cutlab_cutmix_workspace *workspace);

#endif
