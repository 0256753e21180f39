/* The minimiser of the exact CutMix loss in closed form up to two numbers. */
#ifndef CUTLAB_OPTIMUM_H
#define CUTLAB_OPTIMUM_H

#include <stdint.h>

#include <cutlab/context.h>

#ifdef __cplusplus
extern "C" {
#endif

/* At a minimiser every patch of positive data has output `positive` and every patch of
   negative data has output -`negative`. With P = 2, or with one class only, the loss has
   no finite minimiser: exists is 0, the two outputs are NaN and `loss` is the infimum. */
typedef struct cutlab_optimum_point {
  int exists;
  double positive, negative, loss;
} cutlab_optimum_point;

/* patches >= 2, examples >= 1, 0 <= positives <= examples. */
CUTLAB_API cutlab_status cutlab_optimum(cutlab_context *context, cutlab_optimum_point *optimum,
                                        int64_t patches, int64_t positives, int64_t examples);

#ifdef __cplusplus
}
#endif
#endif
