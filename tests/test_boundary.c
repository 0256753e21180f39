/* Measured boundaries: made-up surfaces whose crossings and laws are known. */
#include "sweep/boundary.h"

#include <math.h>

#include "fixture.h"

enum { nx = 15, ny = 21 };

typedef struct made_surface {
  double x[nx], y[ny], values[nx * ny];
  cutlab_surface surface;
} made_surface;

/* x from .01 to 1, y from .001 to 10, both logarithmic; values fall, as a straight line in log y
   that is cut off at 0 and 1, through 1/2 at y = factor x^exponent. */
static void make(made_surface *m, double factor, double exponent) {
  for (int i = 0; i < nx; ++i) m->x[i] = pow(10, -2 + 2.0 * i / (nx - 1));
  for (int j = 0; j < ny; ++j) m->y[j] = pow(10, -3 + 4.0 * j / (ny - 1));
  for (int i = 0; i < nx; ++i)
    for (int j = 0; j < ny; ++j) {
      double value = .5 - .8 * log(m->y[j] / (factor * pow(m->x[i], exponent)));
      m->values[i * ny + j] = fmin(1, fmax(0, value));
    }
  m->surface = (cutlab_surface){.x = m->x,
                                .y = m->y,
                                .x_count = nx,
                                .y_count = ny,
                                .x_log = true,
                                .y_log = true,
                                .values = m->values,
                                .x_stride = ny,
                                .y_stride = 1};
}

static void find(const made_surface *m, cutlab_crossing crossings[nx], double y[nx], bool *rising,
                 double threshold) {
  cutlab_context *context;
  assert_int_equal(cutlab_context_create(&context), CUTLAB_OK);
  assert_int_equal(cutlab_boundary_find(context, crossings, y, rising, &m->surface, threshold),
                   CUTLAB_OK);
  cutlab_context_free(context);
}

static void test_power_law(void **state) {
  (void)state;
  made_surface m;
  cutlab_crossing crossings[nx];
  cutlab_boundary_fit fit;
  double y[nx];
  bool rising;
  make(&m, 1.9, 1.04);
  find(&m, crossings, y, &rising, .5);
  assert_false(rising);
  for (int i = 0; i < nx; ++i) {
    assert_int_equal(crossings[i], CUTLAB_CROSSING_FOUND);
    assert_float_equal(y[i] / (1.9 * pow(m.x[i], 1.04)), 1, .02);
  }
  cutlab_boundary_fit_points(&fit, &m.surface, crossings, y);
  assert_true(fit.power);
  assert_int_equal(fit.points, nx);
  assert_float_equal(fit.slope, 1.04, .01);
  assert_float_equal(exp(fit.intercept), 1.9, .04);
  assert_true(fit.r2 > .999 && fit.r2 <= 1);
  assert_float_equal(cutlab_boundary_at(&fit, .3), 1.9 * pow(.3, 1.04), .02);
}

/* Where the boundary leaves the grid, columns are counted and are in no fit. */
static void test_beyond_the_grid(void **state) {
  (void)state;
  made_surface m;
  cutlab_crossing crossings[nx];
  cutlab_boundary_fit fit;
  double y[nx];
  bool rising;
  make(&m, 200, 3); /* from .0002, before the grid, to 200, beyond it */
  for (int j = 0; j < ny; ++j) m.values[7 * ny + j] = NAN;
  find(&m, crossings, y, &rising, .5);
  cutlab_boundary_fit_points(&fit, &m.surface, crossings, y);
  assert_int_equal(crossings[0], CUTLAB_CROSSING_NOWHERE);
  assert_int_equal(crossings[nx - 1], CUTLAB_CROSSING_EVERYWHERE);
  assert_int_equal(crossings[7], CUTLAB_CROSSING_UNKNOWN);
  assert_true(isnan(y[0]) && isnan(y[7]) && isnan(y[nx - 1]));
  int nowhere = 0, everywhere = 0;
  for (int i = 0; i < nx; ++i) {
    double law = 200 * pow(m.x[i], 3);
    nowhere += law < .001;
    everywhere += law > 10;
  }
  assert_int_equal(fit.nowhere, nowhere);
  assert_int_equal(fit.everywhere, everywhere);
  assert_int_equal(fit.unknown, 1);
  assert_int_equal(fit.points, nx - nowhere - everywhere - 1);
  assert_float_equal(fit.slope, 3, .02);
}

/* Values that grow with y are walked from its other end; the order of an axis does not matter.
 */
static void test_rising_unsorted(void **state) {
  (void)state;
  made_surface m, turned;
  cutlab_crossing crossings[nx], again[nx];
  double y[nx], y_again[nx];
  bool rising;
  make(&m, .3, -.5);
  for (int k = 0; k < nx * ny; ++k) m.values[k] = 1 - m.values[k];
  find(&m, crossings, y, &rising, .5);
  assert_true(rising);
  assert_float_equal(y[3], .3 * pow(m.x[3], -.5), .02);
  turned = m;
  turned.surface.x = turned.x;
  turned.surface.y = turned.y;
  turned.surface.values = turned.values;
  for (int j = 0; j < ny; ++j) {
    int from = (j * 8 + 5) % ny; /* 8 and 21 have no divisor in common: every place once */
    turned.y[j] = m.y[from];
    for (int i = 0; i < nx; ++i) turned.values[i * ny + j] = m.values[i * ny + from];
  }
  find(&turned, again, y_again, &rising, .5);
  assert_true(rising);
  assert_memory_equal(again, crossings, sizeof again);
  assert_memory_equal(y_again, y, sizeof y);
}

/* A value that is not known before the crossing leaves it unknown; one behind it is not asked for.
   Nor is a column known in which all that is known is learnt. */
static void test_unknown_values(void **state) {
  (void)state;
  made_surface m;
  cutlab_crossing crossings[nx];
  cutlab_boundary_fit fit;
  double y[nx];
  bool rising;
  make(&m, .1, 0);
  for (int j = 0; j < ny; ++j) m.values[2 * ny + j] = 1;
  m.values[2 * ny + ny - 1] = NAN;
  m.values[3 * ny + 0] = NAN;
  m.values[4 * ny + ny - 1] = NAN;
  m.values[5 * ny + 9] = NAN;
  find(&m, crossings, y, &rising, .5);
  cutlab_boundary_fit_points(&fit, &m.surface, crossings, y);
  assert_int_equal(crossings[2], CUTLAB_CROSSING_UNKNOWN);
  assert_int_equal(crossings[3], CUTLAB_CROSSING_UNKNOWN);
  assert_int_equal(crossings[4], CUTLAB_CROSSING_FOUND);
  assert_int_equal(crossings[5], CUTLAB_CROSSING_UNKNOWN);
  assert_true(isnan(y[3]) && y[4] == y[6]);
  assert_int_equal(fit.unknown, 3);
  assert_int_equal(fit.everywhere, 0);
  assert_int_equal(fit.points, nx - 3);
}

/* Only the first fall counts, though values rise again behind it. */
static void test_first_fall(void **state) {
  (void)state;
  made_surface m;
  cutlab_crossing crossings[nx];
  double y[nx];
  bool rising;
  make(&m, .1, 0);
  m.values[4 * ny + 2] = 0;
  find(&m, crossings, y, &rising, .5);
  assert_float_equal(y[3], .1, .001);
  assert_float_equal(log(y[4]), (log(m.y[1]) + log(m.y[2])) / 2, 1e-12);
}

/* Axes that are not logarithmic: a straight line, interpolated exactly. */
static void test_straight_line(void **state) {
  (void)state;
  made_surface m;
  cutlab_crossing crossings[nx];
  cutlab_boundary_fit fit;
  double y[nx];
  bool rising;
  make(&m, 1, 1);
  m.surface.x_log = m.surface.y_log = false;
  for (int i = 0; i < nx; ++i) m.x[i] = i;
  for (int j = 0; j < ny; ++j) m.y[j] = j;
  for (int i = 0; i < nx; ++i)
    for (int j = 0; j < ny; ++j) m.values[i * ny + j] = .3 + 2.5 + .75 * i - j;
  find(&m, crossings, y, &rising, .3);
  cutlab_boundary_fit_points(&fit, &m.surface, crossings, y);
  assert_false(fit.power);
  assert_float_equal(fit.intercept, 2.5, 1e-9);
  assert_float_equal(fit.slope, .75, 1e-9);
  assert_float_equal(fit.r2, 1, 1e-9);
  assert_int_equal(fit.points, nx);
  for (int i = 2; i < nx; ++i) crossings[i] = CUTLAB_CROSSING_NOWHERE;
  cutlab_boundary_fit_points(&fit, &m.surface, crossings, y);
  assert_int_equal(fit.points, 2);
  assert_true(isnan(fit.slope) && isnan(fit.r2)); /* two points are no law */
}

static void test_scales(void **state) {
  (void)state;
  const double ratios[] = {.4, .05, .1, .2}, steps[] = {1, 2, 3, 4}, zero[] = {0, 1, 10, 100};
  assert_true(cutlab_axis_is_logarithmic("list", ratios, 4));
  assert_false(cutlab_axis_is_logarithmic("list", steps, 4));
  assert_false(cutlab_axis_is_logarithmic("list", zero, 4));
  assert_false(cutlab_axis_is_logarithmic("list", ratios, 2));
  assert_true(cutlab_axis_is_logarithmic("log", ratios, 2));
  assert_true(cutlab_axis_is_logarithmic("random log", steps, 4));
  assert_false(cutlab_axis_is_logarithmic("linear", ratios, 4));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_power_law),       cmocka_unit_test(test_beyond_the_grid),
      cmocka_unit_test(test_rising_unsorted), cmocka_unit_test(test_unknown_values),
      cmocka_unit_test(test_first_fall),      cmocka_unit_test(test_straight_line),
      cmocka_unit_test(test_scales)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
