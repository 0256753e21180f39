/* Statistics that an audit needs: quantiles, tests, orders. Numbers in, numbers out. */
#ifndef CUTLAB_AUDIT_STATISTICS_H
#define CUTLAB_AUDIT_STATISTICS_H

#include "audit/audit_internal.h"

/* Of values that rise, count >= 1, at a level 0..1; linear between them. */
double cutlab_quantile(const double *sorted, int64_t count, double level);
/* Sample variance; NaN of fewer than 2 values. */
double cutlab_variance(const double *values, int64_t count);

/* I_x(a, b), a, b > 0, x 0..1. */
double cutlab_incomplete_beta(double a, double b, double x);
/* P(|T| >= |t|) of Student's t with nu > 0 degrees of freedom; nu may be INFINITY (normal). */
double cutlab_student_p(double t, double nu);
/* The t with P(|T| <= t) = confidence, 0 <= confidence < 1. */
double cutlab_student_quantile(double confidence, double nu);
/* Exact two-sided p of `a` heads and `b` tails of a fair coin. McNemar's test of paired answers is
   this of the pairs that differ. */
double cutlab_sign_test(int64_t a, int64_t b);
/* Replaces p values by Holm's adjusted ones; NaN stay and do not count. */
cutlab_status cutlab_holm(cutlab_context *context, double *p, int64_t count);

/* What to sort by: group, then first, then second, then place. No NaN. */
typedef struct cutlab_sort_key {
  int64_t group;
  double first, second;
  int64_t place;
} cutlab_sort_key;
void cutlab_sort(cutlab_sort_key *keys, int64_t count);

/* How much a mean over trainings varies between sets of trainings. */
typedef struct cutlab_spread {
  bool known;      /* at least 3 trainings of every method in it */
  double variance; /* V_t */
  double freedom;  /* V_t^2 over its degrees of freedom */
} cutlab_spread;

/* values: one of every training, `stride` apart. */
cutlab_spread cutlab_spread_of(const double *values, int count, int stride);
/* Of second minus first; `paired` where value i of both share a seed. */
cutlab_spread cutlab_spread_between(const double *first, int first_count, const double *second,
                                    int second_count, int stride, bool paired);
/* V_c: of the variance V_e over examples of a mean over trainings, what the trainings have in
   common. own_variance: what each has on its own. */
double cutlab_common_variance(double examples_variance, double own_variance,
                              const cutlab_spread *spread);
/* Sets low and high from value, the common variance and the spread; NaN where the spread is not
   known. */
void cutlab_estimate_interval(cutlab_audit_estimate *estimate, double common_variance,
                              const cutlab_spread *spread, double confidence);
/* p of value = 0 with the same standard error. */
double cutlab_estimate_p(double value, double common_variance, const cutlab_spread *spread);
/* The p that is adjusted and shown first. */
double cutlab_estimate_best_p(const cutlab_audit_estimate *estimate);
/* Whether two methods have the same seeds. */
bool cutlab_audit_paired(const cutlab_audit_method *first, const cutlab_audit_method *second);

#endif
