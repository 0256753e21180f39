/* Activations over arrays, and where they are not smooth. */
#include "theory/activation.h"

#include <math.h>

/* Compiled once for each kind, so that the loops within vectorise. */
#define FOR_EACH_KIND(loop)                                                                        \
  switch (f.kind) {                                                                                \
  case CUTLAB_SMOOTHED_LEAKY_RELU:                                                                 \
    loop(CUTLAB_SMOOTHED_LEAKY_RELU);                                                              \
    break;                                                                                         \
  case CUTLAB_RELU:                                                                                \
    loop(CUTLAB_RELU);                                                                             \
    break;                                                                                         \
  case CUTLAB_LEAKY_RELU:                                                                          \
    loop(CUTLAB_LEAKY_RELU);                                                                       \
    break;                                                                                         \
  case CUTLAB_RELU_POWER:                                                                          \
    loop(CUTLAB_RELU_POWER);                                                                       \
    break;                                                                                         \
  case CUTLAB_GELU:                                                                                \
    loop(CUTLAB_GELU);                                                                             \
    break;                                                                                         \
  case CUTLAB_ODD_POWER:                                                                           \
    loop(CUTLAB_ODD_POWER);                                                                        \
    break;                                                                                         \
  case CUTLAB_SIGMOID:                                                                             \
    loop(CUTLAB_SIGMOID);                                                                          \
    break;                                                                                         \
  }

void cutlab_activate_all(cutlab_activation f, double *sums, double sign, const double *z,
                         int64_t count, bool first) {
#define LOOP(kind_)                                                                                \
  f.kind = (kind_);                                                                                \
  if (first)                                                                                       \
    for (int64_t i = 0; i < count; ++i) sums[i] = sign * cutlab_activate(f, z[i]);                 \
  else                                                                                             \
    for (int64_t i = 0; i < count; ++i) sums[i] += sign * cutlab_activate(f, z[i])
  FOR_EACH_KIND(LOOP)
#undef LOOP
}

void cutlab_activate_slopes(cutlab_activation f, double *slopes, const double *scale, double sign,
                            const double *z, int64_t count) {
#define LOOP(kind_)                                                                                \
  f.kind = (kind_);                                                                                \
  for (int64_t i = 0; i < count; ++i) slopes[i] = sign * scale[i] * cutlab_activate_slope(f, z[i])
  FOR_EACH_KIND(LOOP)
#undef LOOP
}

int cutlab_activation_breakpoints(cutlab_activation f, double breaks[2]) {
  breaks[0] = 0, breaks[1] = f.r;
  switch (f.kind) {
  case CUTLAB_SMOOTHED_LEAKY_RELU:
    return 2;
  case CUTLAB_RELU:
  case CUTLAB_LEAKY_RELU:
  case CUTLAB_RELU_POWER:
    return 1;
  case CUTLAB_GELU:
  case CUTLAB_ODD_POWER:
  case CUTLAB_SIGMOID:
    break;
  }
  return 0;
}
