/* Drawn vectors of floats, and comparing them. */
#ifndef CUTLAB_TEST_VECTORS_H
#define CUTLAB_TEST_VECTORS_H

#include <math.h>

#include <cutlab/random.h>

#include "fixture.h"

static inline double drawn(uint64_t stream, int64_t i) {
  cutlab_random random = cutlab_random_make(7, stream, (uint64_t)i, 0, 0);
  return cutlab_random_normal(&random);
}

static inline void fill(float *values, int64_t count, uint64_t stream) {
  for (int64_t i = 0; i < count; ++i) values[i] = (float)drawn(stream, i);
}

static inline double norm_of(const float *a, int64_t count) {
  double sum = 0;
  for (int64_t i = 0; i < count; ++i) sum += (double)a[i] * a[i];
  return sqrt(sum);
}

/* A NaN is close to nothing. */
static inline void assert_close(double a, double b, double tolerance) {
  if (!(fabs(a - b) <= tolerance)) fail_msg("%.12g is not %.12g within %g", a, b, tolerance);
}

/* ||a - b|| <= tolerance ||b||, with a floor for what should be 0. */
static inline void assert_near(const float *a, const float *b, int64_t count, double tolerance,
                               double floor, const char *what) {
  double sum = 0;
  for (int64_t i = 0; i < count; ++i) sum += ((double)a[i] - b[i]) * ((double)a[i] - b[i]);
  double allowed = tolerance * norm_of(b, count) + floor;
  if (!(sqrt(sum) <= allowed)) fail_msg("%s: off by %g, allowed %g", what, sqrt(sum), allowed);
}

#endif
