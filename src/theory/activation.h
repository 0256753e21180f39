/* The smoothed leaky ReLU (Oh and Yun 2024): beta z for z <= 0, beta z + (1-beta) z^2/(2r) for
   0 <= z <= r, z - (1-beta) r/2 for z >= r. Continuously differentiable, convex. */
#ifndef CUTLAB_ACTIVATION_H
#define CUTLAB_ACTIVATION_H

typedef struct cutlab_activation {
  double beta, r;
} cutlab_activation;

static inline double cutlab_activate(cutlab_activation f, double z) {
  if (z <= 0) return f.beta * z;
  if (z < f.r) return f.beta * z + (1 - f.beta) * z * z / (2 * f.r);
  return z - (1 - f.beta) * f.r / 2;
}

static inline double cutlab_activate_slope(cutlab_activation f, double z) {
  if (z <= 0) return f.beta;
  return z < f.r ? f.beta + (1 - f.beta) * z / f.r : 1;
}

#endif
