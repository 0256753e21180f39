/* Activations of the filters. The first is the smoothed leaky ReLU (Oh and Yun 2024): beta z for
   z <= 0, beta z + (1-beta) z^2/(2r) for 0 <= z <= r, z - (1-beta) r/2 for z >= r; continuously
   differentiable, convex. */
#ifndef CUTLAB_ACTIVATION_H
#define CUTLAB_ACTIVATION_H

#include <math.h>

#include "data/experiment_values.h"

typedef struct cutlab_activation {
  cutlab_activation_kind kind;
  double beta, r; /* the negative slope of the leaky ones; the width of the smoothed piece */
  int power;      /* q */
} cutlab_activation;

/* z clamped to [0, r]. Without branches, so that loops vectorise. */
static inline double cutlab_activation_bend(cutlab_activation f, double z) {
  double t = z > 0 ? z : 0;
  return t < f.r ? t : f.r;
}

static inline double cutlab_integer_power(double z, int power) {
  double product = z;
  for (int i = 1; i < power; ++i) product *= z;
  return product;
}

/* phi(z). Where phi has a kink, its slope there is that of the left side, as in PyTorch. */
static inline double cutlab_activate(cutlab_activation f, double z) {
  switch (f.kind) {
  case CUTLAB_SMOOTHED_LEAKY_RELU: {
    double bend = cutlab_activation_bend(f, z), beyond = z > f.r ? z - f.r : 0;
    return f.beta * z + (1 - f.beta) * (bend * bend / (2 * f.r) + beyond);
  }
  case CUTLAB_RELU:
    return z > 0 ? z : 0;
  case CUTLAB_LEAKY_RELU:
    return z > 0 ? z : f.beta * z;
  case CUTLAB_RELU_POWER:
    return z > 0 ? cutlab_integer_power(z, f.power) : 0;
  case CUTLAB_GELU: /* z Phi(z), Phi the normal distribution function */
    return z / 2 * erfc(-z * M_SQRT1_2);
  case CUTLAB_ODD_POWER:
    return cutlab_integer_power(z, f.power);
  case CUTLAB_SIGMOID:
    return 1 / (1 + exp(-z));
  }
  return 0;
}

static inline double cutlab_activate_slope(cutlab_activation f, double z) {
  switch (f.kind) {
  case CUTLAB_SMOOTHED_LEAKY_RELU:
    return f.beta + (1 - f.beta) * cutlab_activation_bend(f, z) / f.r;
  case CUTLAB_RELU:
    return z > 0 ? 1.0 : 0.0;
  case CUTLAB_LEAKY_RELU:
    return z > 0 ? 1.0 : f.beta;
  case CUTLAB_RELU_POWER:
    return z > 0 ? f.power * cutlab_integer_power(z, f.power - 1) : 0;
  case CUTLAB_GELU: {
    const double inverse_root_2pi = 0.398942280401432677939946059934382;
    return erfc(-z * M_SQRT1_2) / 2 + z * inverse_root_2pi * exp(-z * z / 2);
  }
  case CUTLAB_ODD_POWER:
    return f.power * cutlab_integer_power(z, f.power - 1);
  case CUTLAB_SIGMOID: {
    double small = exp(-fabs(z));
    return small / ((1 + small) * (1 + small));
  }
  }
  return 0;
}

/* sums[i] += sign phi(z[i]), or = where `first`; slopes[i] = scale[i] sign phi'(z[i]). */
void cutlab_activate_all(cutlab_activation f, double *sums, double sign, const double *z,
                         int64_t count, bool first);
void cutlab_activate_slopes(cutlab_activation f, double *slopes, const double *scale, double sign,
                            const double *z, int64_t count);

/* Whether phi is linear on both sides of 0, and its slope below. */
static inline bool cutlab_activation_is_leaky(cutlab_activation f, double *leak) {
  *leak = f.kind == CUTLAB_RELU ? 0 : f.beta;
  return f.kind == CUTLAB_RELU || f.kind == CUTLAB_LEAKY_RELU;
}

/* The points where phi is not smooth, ascending; how many, at most 2. */
int cutlab_activation_breakpoints(cutlab_activation f, double breaks[2]);

#endif
