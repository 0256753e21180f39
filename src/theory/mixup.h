/* Mixup (Zhang et al. 2018) as an exact objective: the mean over all ordered pairs (i, j) and over
   lambda of  lambda l(y_i f) + (1 - lambda) l(y_j f),  f the network at lambda x_i + (1 - lambda)
   x_j. Pre-activations are linear in the inputs, so that they are all it needs. */
#ifndef CUTLAB_MIXUP_H
#define CUTLAB_MIXUP_H

#include "base/base.h"
#include "theory/activation.h"

typedef struct cutlab_mixup_options {
  bool midpoint;    /* lambda = 1/2; else lambda ~ Beta(alpha, alpha) */
  double alpha;     /* above 0, at most 1000 */
  double tolerance; /* bound asked for, on the loss and on the mean of each derivative's terms */
} cutlab_mixup_options;

typedef struct cutlab_mixup cutlab_mixup;

/* filters: 2m, the first m with sign +1. labels: [examples], copied. Release with
   cutlab_mixup_free. */
cutlab_status cutlab_mixup_create(cutlab_context *context, cutlab_mixup **mixup,
                                  const cutlab_mixup_options *options, cutlab_activation activation,
                                  const int8_t *labels, int64_t examples, int64_t patches,
                                  int filters);
void cutlab_mixup_free(cutlab_mixup *mixup);

/* inner: [filters][examples][patches], pre-activations <w_f, x_ip> + b_f. loss and
   pulls ([filters][examples][patches], dLoss/d inner) may be NULL, and so may error. *error: what
   the loss is off by at most, and a derivative's mean over the 2n - 1 ordered pairs that its
   example is part of (the derivative itself by (2n - 1) / n^2 of that), as estimated from two
   orders of quadrature. It is at most the tolerance, or what rounding alone makes of it where
   outputs are large; CUTLAB_ERROR_NUMERIC where neither can be reached. */
cutlab_status cutlab_mixup_evaluate(cutlab_mixup *mixup, double *loss, double *pulls, double *error,
                                    const double *inner);
/* One random partner and lambda per example, keyed by (seed, iteration, example). */
cutlab_status cutlab_mixup_sample(cutlab_mixup *mixup, double *loss, double *pulls,
                                  const double *inner, uint64_t seed, int64_t iteration);

#endif
