/* The smoothed leaky ReLU (Oh and Yun 2024): beta z for z <= 0, beta z + (1-beta) z^2/(2r) for
   0 <= z <= r, z - (1-beta) r/2 for z >= r. Continuously differentiable, convex. */
#ifndef CUTLAB_ACTIVATION_H
#define CUTLAB_ACTIVATION_H

typedef struct cutlab_activation {
  double beta, r;
} cutlab_activation;

/* z clamped to [0, r]. Both functions are free of branches, so that loops over them vectorise. */
static inline double cutlab_activation_bend(cutlab_activation f, double z) {
  double t = z > 0 ? z : 0;
  return t < f.r ? t : f.r;
}

static inline double cutlab_activate(cutlab_activation f, double z) {
  double bend = cutlab_activation_bend(f, z), beyond = z > f.r ? z - f.r : 0;
  return f.beta * z + (1 - f.beta) * (bend * bend / (2 * f.r) + beyond);
}

static inline double cutlab_activate_slope(cutlab_activation f, double z) {
  return f.beta + (1 - f.beta) * cutlab_activation_bend(f, z) / f.r;
}

#endif
