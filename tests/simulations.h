/* What tests of simulations share: starting, stepping and measuring them, and comparing numbers. */
#ifndef CUTLAB_TEST_SIMULATIONS_H
#define CUTLAB_TEST_SIMULATIONS_H

#include <math.h>

#include "configure.h"
#include "theory/simulation_internal.h"

static const char *const methods[] = {"method=erm", "method=cutout", "method=cutmix"};

static const char *const dynamics[] = {
    "form=held; method=cutmix", "form=gram; method=cutmix", "form=wishart; method=cutout",
    "form=wishart; method=cutmix; objective=sampled", "form=held; method=erm; patches=2"};
enum { dynamics_count = sizeof dynamics / sizeof *dynamics };

static inline cutlab_simulation *start(cutlab_context *context, const cutlab_experiment *x,
                                       const cutlab_dataset *data) {
  cutlab_simulation *s;
  if (cutlab_simulation_create(context, &s, x, data) != CUTLAB_OK)
    fail_msg("%s", cutlab_context_message(context));
  return s;
}

static inline cutlab_simulation *start_with(cutlab_context *context, const char *settings) {
  cutlab_experiment *x = configure(context, "quick", settings);
  cutlab_simulation *s = start(context, x, NULL);
  cutlab_experiment_free(x);
  return s;
}

static inline void step(cutlab_simulation *s, int64_t count) {
  if (cutlab_simulation_step(s, count) != CUTLAB_OK)
    fail_msg("%s", cutlab_context_message(s->context));
}

static inline cutlab_measurement measure(cutlab_simulation *s) {
  cutlab_measurement m;
  if (cutlab_simulation_measure(s, &m) != CUTLAB_OK)
    fail_msg("%s", cutlab_context_message(s->context));
  return m;
}

static inline double *outputs_of(cutlab_simulation *s) {
  double *outputs = calloc((size_t)s->patch_count, sizeof *outputs);
  assert_int_equal(cutlab_simulation_outputs(s, outputs), CUTLAB_OK);
  return outputs;
}

static inline double largest(const double *x, int64_t count) {
  double m = 0;
  for (int64_t i = 0; i < count; ++i) m = fmax(m, fabs(x[i]));
  return m;
}

static inline void assert_near(const double *a, const double *b, int64_t count, double tolerance) {
  double scale = largest(b, count), worst = 0;
  for (int64_t i = 0; i < count; ++i) worst = fmax(worst, fabs(a[i] - b[i]));
  if (!(worst <= tolerance * scale)) fail_msg("differ by %g of %g", worst, scale);
}

static inline void assert_close(double a, double b, double tolerance) {
  if (!(fabs(a - b) <= tolerance)) fail_msg("%.17g is not %.17g within %g", a, b, tolerance);
}

static inline double phi(const struct cutlab_experiment *x, double z) {
  if (z <= 0) return x->beta * z;
  return z <= x->r ? x->beta * z + (1 - x->beta) * z * z / (2 * x->r)
                   : z - (1 - x->beta) * x->r / 2;
}

static inline cutlab_dataset *user_data(cutlab_context *context, int n, int patches, int d) {
  double *data = calloc((size_t)(n * patches * d), sizeof *data);
  int8_t *labels = calloc((size_t)n, 1);
  cutlab_random random = cutlab_random_make(11, 1, 0, 0, 0);
  for (int i = 0; i < n; ++i) labels[i] = cutlab_random_uniform(&random) < .5 ? 1 : -1;
  for (int i = 0; i < n * patches * d; ++i) data[i] = .2 * cutlab_random_normal(&random);
  cutlab_dataset *s;
  assert_int_equal(cutlab_dataset_from_patches(context, &s, data, labels, n, patches, d),
                   CUTLAB_OK);
  free(data);
  free(labels);
  return s;
}

#endif
