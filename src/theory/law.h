/* Laws of real random variables as piecewise Chebyshev interpolants of their distribution
   functions, with jumps (atoms) between the pieces, and sums of independent ones. */
#ifndef CUTLAB_LAW_H
#define CUTLAB_LAW_H

#include <stdbool.h>

#include "base/base.h"

enum { cutlab_law_degree = 16 };

/* On [left, right]: F(s) = sum_k value[k] T_k(x), x = (2s - left - right) / (right - left),
   and dF/dx = sum_k slope[k] T_k(x). */
typedef struct cutlab_law_panel {
  double left, right;
  int degree; /* of F; terms above it are zero */
  double value[cutlab_law_degree + 1], slope[cutlab_law_degree + 1];
  double at_left, at_right; /* F at both ends, from inside */
} cutlab_law_panel;

/* Panels are adjacent and ascending; F is 0 to the left of them and 1 to the right. */
typedef struct cutlab_law {
  cutlab_law_panel *panels;
  int count, capacity;
  double resolution; /* rounding in an argument, at most */
  double error;      /* of F, at most */
} cutlab_law;

/* Gauss-Legendre rules of 1..16 nodes and the Chebyshev-Lobatto transform. */
typedef struct cutlab_law_rules {
  double node[cutlab_law_degree + 1][cutlab_law_degree];
  double weight[cutlab_law_degree + 1][cutlab_law_degree];
  double cosine[2 * cutlab_law_degree]; /* cos(pi j / degree) */
} cutlab_law_rules;

void cutlab_law_rules_make(cutlab_law_rules *rules);

/* P(S <= t), or P(S < t) if strict. */
typedef double (*cutlab_law_cdf_fn)(const void *source, double t, bool strict);

/* Interpolates `cdf` to absolute error `tolerance`, or to what rounding of its argument by
   `resolution` changes where that is more. breaks: [count >= 1], ascending: the range,
   all atoms, and the points where `cdf` may not be analytic. Release with cutlab_law_clear,
   on failure too. */
cutlab_status cutlab_law_build(cutlab_context *context, cutlab_law *law, cutlab_law_cdf_fn cdf,
                               const void *source, const cutlab_law_rules *rules,
                               const double *breaks, int count, double resolution,
                               double tolerance);
void cutlab_law_clear(cutlab_law *law);
double cutlab_law_cdf(const cutlab_law *law, double t, bool strict);

/* The sum of two independent variables. */
typedef struct cutlab_law_sum {
  const cutlab_law *a, *b;
  const cutlab_law_rules *rules;
} cutlab_law_sum;

/* P(A + B <= t), or < t: the integral of F_B(t - s) dF_A(s), exact up to rounding.
   `source` is a cutlab_law_sum. */
double cutlab_law_sum_cdf(const void *source, double t, bool strict);
/* The law of the sum as a law again. The interpolation adds half of the error that the sum
   inherits: less would be spent on following the errors of the two laws. */
cutlab_status cutlab_law_add(cutlab_context *context, cutlab_law *law, const cutlab_law_sum *sum);
/* error of the sum / (error of a + error of b). */
#define CUTLAB_LAW_ADD_ERROR 1.5

#endif
