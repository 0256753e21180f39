/* Population accuracy of a trained two-filter patch network, without a test set. */
#ifndef CUTLAB_ACCURACY_H
#define CUTLAB_ACCURACY_H

#include <stdint.h>

#include <cutlab/context.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Everything that the law of the network's output on a fresh point depends on. Index 0 of
   a filter or a label means +1, index 1 means -1. */
typedef struct cutlab_readout {
  double beta, r;            /* smoothed leaky ReLU: 0 <= beta <= 1, r > 0 */
  int patches;               /* P >= 2 */
  int feature_count;         /* K >= 1 */
  const double *frequencies; /* [K], sum 1 */
  double balance;            /* P(y = +1) */
  double alpha, sigma_d, sigma_b;
  const double *features; /* [2 filters][2 labels][K]: <w_s, v_{y,k}> */
  double noise_gram[3];   /* <w_+,w_+>, <w_+,w_->, <w_-,w_->, of the parts orthogonal to all
                             features */
} cutlab_readout;

/* P(y f(X) > 0) overall and given label and feature, with absolute error at most
   `tolerance` (1e-12..1e-2). by_feature: [2 labels][K], may be NULL. Method: docs/theory.md,
   "Population accuracy". */
CUTLAB_API cutlab_status cutlab_population_accuracy(cutlab_context *context, double *overall,
                                                    double *by_feature,
                                                    const cutlab_readout *readout,
                                                    double tolerance);

/* The same by Monte Carlo over `points` fresh points drawn in filter space, as a
   cross-check. standard_error: sqrt(p(1-p)/points). by_feature: [2][K], may be NULL (NaN
   where no point had that feature). Keyed by seed; independent of threads. */
CUTLAB_API cutlab_status cutlab_population_accuracy_monte_carlo(
    cutlab_context *context, double *overall, double *standard_error, double *by_feature,
    const cutlab_readout *readout, int64_t points, uint64_t seed);

#ifdef __cplusplus
}
#endif
#endif
