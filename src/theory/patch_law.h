/* The law of what one noise patch adds to the output: D = phi(U) - phi(V), with (U, V) normal,
   or an equal mixture of two such laws that differ in the mean. */
#ifndef CUTLAB_PATCH_LAW_H
#define CUTLAB_PATCH_LAW_H

#include <stdbool.h>

#include "theory/activation.h"

typedef struct cutlab_patch_law {
  cutlab_activation phi;
  int components;      /* 1 or 2, of equal weight */
  double mean[2][2];   /* [component]: of U, of V */
  double deviation[2]; /* of U, of V */
  double correlation;  /* exactly -1 or 1 where the covariance is singular */
  double tolerance;    /* absolute error of the distribution function */
} cutlab_patch_law;

/* covariance: of (U,U), (U,V), (V,V). */
cutlab_patch_law cutlab_patch_law_make(cutlab_activation phi, int components,
                                       const double mean[2][2], const double covariance[3],
                                       double tolerance);
/* P(D <= t), or P(D < t) if strict. `law` is a cutlab_patch_law. */
double cutlab_patch_law_cdf(const void *law, double t, bool strict);
/* The most that cutlab_patch_law_breaks can return. */
enum { cutlab_patch_law_max_breaks = 40 };
/* Ascending: a range that holds all but `tolerance` of the mass, and within it every atom and
   every point where the distribution function may not be analytic. */
int cutlab_patch_law_breaks(const cutlab_patch_law *law,
                            double breaks[cutlab_patch_law_max_breaks]);
/* What rounding in phi(U) - phi(V) amounts to. */
double cutlab_patch_law_resolution(const cutlab_patch_law *law);

#endif
