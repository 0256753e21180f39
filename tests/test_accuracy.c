/* Population accuracy: closed forms, independent quadrature, Monte Carlo, convergence. */
#include <math.h>

#include <cutlab/accuracy.h>
#include <cutlab/random.h>

#include "fixture.h"
#include "theory/law.h"
#include "theory/patch_law.h"

/* cmocka's assert_float_equal rounds to single precision. */
static void assert_near(double value, double expected, double tolerance) {
  if (!(fabs(value - expected) <= tolerance))
    fail_msg("%.17g is not within %g of %.17g", value, tolerance, expected);
}

static double normal_cdf(double x) {
  return 0.5 * erfc(-x * M_SQRT1_2);
}

/* A readout that owns its arrays; features: [2 filters][2 labels][3]. */
typedef struct world {
  double frequencies[3], features[12];
  cutlab_readout readout;
} world;

/* Filters after some training with the default parameters. */
static void world_make(world *w) {
  static const double frequencies[3] = {0.8, 0.15, 0.05};
  static const double features[12] = {1.5, 0.3,   0.05, -0.9, -0.2, 0.01,
                                      -1,  -0.25, 0.02, 1.4,  0.3,  0.04};
  memcpy(w->frequencies, frequencies, sizeof frequencies);
  memcpy(w->features, features, sizeof features);
  w->readout = (cutlab_readout){.beta = 0.1,
                                .r = 1,
                                .patches = 3,
                                .feature_count = 3,
                                .frequencies = w->frequencies,
                                .balance = 0.5,
                                .alpha = 0.005,
                                .sigma_d = 0.25,
                                .sigma_b = 0.15,
                                .features = w->features,
                                .noise_gram = {4, -2.88, 3.24}};
}

static double choose(cutlab_random *random, const double *values, int count) {
  return values[cutlab_random_below(random, (uint64_t)count)];
}

/* Ordinary and nasty readouts: singular and nearly singular covariances, kinks, atoms. */
static void world_draw(world *w, uint64_t index) {
  static const double betas[] = {0, 1e-3, 0.1, 0.5, 1}, radii[] = {0.01, 1, 10};
  static const double correlations[] = {-1, -0.9999, -0.8, -0.3, 0, 0.7, 0.9999, 1 - 1e-8, 1};
  static const double sigmas_d[] = {0, 1e-3, 0.25, 3}, sigmas_b[] = {0, 1e-3, 0.15, 2};
  static const double alphas[] = {0, 0.005, 0.5}, patches[] = {2, 3, 3, 4, 5, 7, 10};
  cutlab_random random = cutlab_random_make(1, 99, index, 0, 0);
  world_make(w);
  cutlab_readout *o = &w->readout;
  o->beta = choose(&random, betas, 5);
  o->r = choose(&random, radii, 3);
  o->patches = (int)choose(&random, patches, 7);
  o->sigma_d = choose(&random, sigmas_d, 4);
  o->sigma_b = choose(&random, sigmas_b, 4);
  o->alpha = choose(&random, alphas, 3);
  o->balance = cutlab_random_uniform(&random);
  double size = pow(10, 3 * cutlab_random_uniform(&random) - 2), norm[2];
  for (int i = 0; i < 12; i++) w->features[i] = size * cutlab_random_normal(&random);
  for (int s = 0; s < 2; s++) norm[s] = pow(10, 3.5 * cutlab_random_uniform(&random) - 2);
  uint64_t shape = cutlab_random_below(&random, 8);
  if (shape < 2) norm[1] = norm[0];
  if (shape == 2 || shape == 3) norm[shape - 2] = 0;
  if (shape == 4) memcpy(w->features + 6, w->features, 6 * sizeof(double)); /* ties */
  double rho = choose(&random, correlations, 9);
  o->noise_gram[0] = norm[0] * norm[0];
  o->noise_gram[1] = rho * norm[0] * norm[1];
  o->noise_gram[2] = norm[1] * norm[1];
}

static void exact(cutlab_context *context, const cutlab_readout *o, double tolerance,
                  double *overall, double *by_feature) {
  cutlab_status status = cutlab_population_accuracy(context, overall, by_feature, o, tolerance);
  if (status != CUTLAB_OK) fail_msg("%s", cutlab_context_message(context));
}

/* beta = 1: the output is normal given the feature and the sign of the feature noise. */
static void test_linear(void **state) {
  world w;
  world_make(&w);
  cutlab_readout *o = &w.readout;
  o->beta = 1;
  o->alpha = 0.3;
  for (o->patches = 2; o->patches <= 9; o->patches++) {
    double overall, by_feature[6], expected = 0;
    exact(*state, o, 1e-11, &overall, by_feature);
    double variance = (o->noise_gram[0] - 2 * o->noise_gram[1] + o->noise_gram[2]) *
                      (o->sigma_d * o->sigma_d + (o->patches - 2) * o->sigma_b * o->sigma_b);
    for (int i = 0; i < 6; i++) {
      double y = i < 3 ? 1 : -1, accuracy = 0;
      for (int side = 0; side < 2; side++) {
        double mean = w.features[i] - w.features[6 + i] +
                      o->alpha * (w.features[3 * side] - w.features[6 + 3 * side]);
        accuracy += normal_cdf(y * mean / sqrt(variance)) / 2;
      }
      assert_near(by_feature[i], accuracy, 1e-11);
      expected += 0.5 * w.frequencies[i % 3] * accuracy;
    }
    assert_near(overall, expected, 1e-11);
  }
}

/* No noise: every point is decided, and an output of exactly 0 is wrong for both labels. */
static void test_ties(void **state) {
  world w;
  world_make(&w);
  cutlab_readout *o = &w.readout;
  o->alpha = o->sigma_d = o->sigma_b = 0;
  w.features[1] = w.features[7];
  w.features[4] = w.features[10];
  double overall, by_feature[6];
  static const double expected[6] = {1, 0, 1, 1, 0, 1};
  for (o->patches = 2; o->patches <= 6; o->patches++) {
    exact(*state, o, 1e-8, &overall, by_feature);
    for (int i = 0; i < 6; i++) assert_near(by_feature[i], expected[i], 0);
    assert_near(overall, 0.85, 1e-15);
  }
}

/* beta = 0, r tiny is the ReLU: with independent filters D = 0 with probability 1/4, so a tie
   has P(S = 0) = 4^-(P-1) and the rest is symmetric. */
static void test_atom(void **state) {
  world w;
  world_make(&w);
  cutlab_readout *o = &w.readout;
  o->beta = o->alpha = 0;
  o->noise_gram[0] = o->noise_gram[2] = 4;
  o->noise_gram[1] = 0;
  w.features[0] = w.features[6];
  w.features[3] = w.features[9];
  for (o->patches = 2; o->patches <= 6; o->patches++) {
    double overall, by_feature[6], expected = (1 - pow(4, 1 - o->patches)) / 2;
    exact(*state, o, 1e-10, &overall, by_feature);
    assert_near(by_feature[0], expected, 1e-10);
    assert_near(by_feature[3], expected, 1e-10);
  }
}

/* Given U, P(phi(U) - phi(V) <= t) is a normal tail in V: Simpson's rule over U on each smooth
   stretch, an independent formula and quadrature. */
static double inverse(cutlab_activation f, double y) {
  double low = -1e3, high = 1e3;
  for (int i = 0; i < 52; i++) {
    double middle = (low + high) / 2;
    if (cutlab_activate(f, middle) < y)
      low = middle;
    else
      high = middle;
  }
  return (low + high) / 2;
}

static double conditional(const cutlab_patch_law *law, double t, double x) {
  double u = law->mean[0][0] + law->deviation[0] * x, rho = law->correlation;
  double v = inverse(law->phi, cutlab_activate(law->phi, u) - t);
  double mean = law->mean[0][1] + rho * law->deviation[1] * x;
  return exp(-x * x / 2) / sqrt(2 * M_PI) *
         normal_cdf((mean - v) / (law->deviation[1] * sqrt(1 - rho * rho)));
}

static int compare(const void *x, const void *y) {
  double a = *(const double *)x, b = *(const double *)y;
  return (a > b) - (a < b);
}

static double simpson_cdf(const cutlab_patch_law *law, double t) {
  cutlab_activation f = law->phi;
  double kinks[6] = {-8, 8, 0, f.r, inverse(f, t), inverse(f, t + cutlab_activate(f, f.r))};
  for (int i = 2; i < 6; i++)
    kinks[i] = fmin(fmax((kinks[i] - law->mean[0][0]) / law->deviation[0], -8), 8);
  qsort(kinks, 6, sizeof *kinks, compare);
  double total = 0;
  for (int i = 0; i < 5; i++) {
    const int steps = 2000;
    double h = (kinks[i + 1] - kinks[i]) / steps;
    for (int k = 0; k <= steps; k++)
      total += (k == 0 || k == steps ? 1
                : k % 2              ? 4
                                     : 2) *
               h / 3 * conditional(law, t, kinks[i] + k * h);
  }
  return total;
}

static void test_patch_law(void **state) {
  (void)state;
  static const double cases[][6] = {
      /* beta, r, s_U, s_V, rho, mean_U */
      {0.1, 1, 0.5, 0.3, -0.44, 0}, {0.5, 1, 0.5, 1.3, 0.3, 0.1}, {0.1, 0.3, 0.3, 0.6, -0.9, 0.1},
      {0.3, 10, 2, 4, 0.8, -0.2},   {1, 1, 1, 2, 0.5, 0},         {0.2, 1, 2, 0.8, 0.6, 0.3}};
  for (int i = 0; i < 6; i++) {
    const double *c = cases[i];
    double covariance[3] = {c[2] * c[2], c[4] * c[2] * c[3], c[3] * c[3]};
    const double mean[2][2] = {{c[5], -c[5] / 2}};
    cutlab_patch_law law = cutlab_patch_law_make((cutlab_activation){.beta = c[0], .r = c[1]}, 1,
                                                 mean, covariance, 1e-13);
    for (int k = -6; k <= 6; k++) {
      double t = copysign(k * k, k) * 0.04;
      assert_near(cutlab_patch_law_cdf(&law, t, false), simpson_cdf(&law, t), 1e-9);
    }
  }
}

/* Singular covariances are the limit of regular ones. */
static void test_singular_limit(void **state) {
  (void)state;
  static const double mean[2][2] = {{0.2, 0.1}};
  for (int sign = -1; sign <= 1; sign += 2)
    for (int i = -8; i <= 8; i++) {
      double limit[3] = {1, sign * 0.6, 0.36}, near[3] = {1, sign * 0.6 * (1 - 1e-11), 0.36};
      cutlab_activation phi = {.beta = 0.1, .r = 1};
      cutlab_patch_law a = cutlab_patch_law_make(phi, 1, mean, limit, 1e-10);
      cutlab_patch_law b = cutlab_patch_law_make(phi, 1, mean, near, 1e-10);
      assert_near(fabs(a.correlation), 1, 0);
      assert_true(fabs(b.correlation) < 1);
      double t = 0.1 * i + 0.013;
      assert_near(cutlab_patch_law_cdf(&a, t, false), cutlab_patch_law_cdf(&b, t, false), 1e-5);
    }
}

/* A mixture of an atom at 1 (weight .3) and a uniform variable on [0, 4]. */
static double atom_and_uniform(const void *source, double t, bool strict) {
  (void)source;
  double atom = strict ? t > 1 : t >= 1;
  return 0.3 * atom + 0.7 * fmin(fmax(t / 4, 0), 1);
}

static void test_law(void **state) {
  cutlab_law law, twice;
  cutlab_law_rules rules;
  cutlab_law_rules_make(&rules);
  static const double breaks[3] = {0, 1, 4};
  assert_int_equal(
      cutlab_law_build(*state, &law, atom_and_uniform, NULL, &rules, breaks, 3, 0, 1e-12),
      CUTLAB_OK);
  for (int i = -2; i <= 20; i++)
    for (int strict = 0; strict < 2; strict++)
      assert_near(cutlab_law_cdf(&law, i * 0.25, strict), atom_and_uniform(NULL, i * 0.25, strict),
                  1e-14);
  cutlab_law_sum sum = {&law, &law, &rules};
  /* At 2: both atoms (if not strict), an atom and a uniform one below 1, two uniform ones. */
  double below = 2 * 0.3 * 0.7 / 4 + 0.49 * 2 / 16;
  assert_near(cutlab_law_sum_cdf(&sum, 2, true), below, 1e-14);
  assert_near(cutlab_law_sum_cdf(&sum, 2, false), below + 0.09, 1e-14);
  assert_int_equal(cutlab_law_add(*state, &twice, &sum), CUTLAB_OK);
  for (int i = -2; i <= 40; i++)
    for (int strict = 0; strict < 2; strict++)
      assert_near(cutlab_law_cdf(&twice, i * 0.25, strict),
                  cutlab_law_sum_cdf(&sum, i * 0.25, strict), 1e-11);
  cutlab_law_clear(&law);
  cutlab_law_clear(&twice);
}

/* P = 3, one feature: midpoint Stieltjes sums with Romberg extrapolation of distribution
   functions computed by conditioning V on U (NumPy, 6 x 24 Gauss nodes a stretch). */
static void test_references(void **state) {
  static const double cases[][11] = {
      /* beta, r, <w_+,v> of both labels, <w_-,v> of both, gram, accuracy of both labels */
      {0.1, 1, -0.8, -1.32, -0.25, 0.42, 1.35, -1.1, 4.62, 0.24667197558355, 0.98126512020537},
      {0.1, 0.3, 0.2, -1.73, -0.08, -1.16, 9.18, -0.92, 1.4, 0.73160709321159, 0.48040840881574},
      {0.3, 1, 0.55, -0.06, -0.59, 0.41, 13.03, 1.03, 2.83, 0.89466318374871, 0.61333305798872},
      {0.1, 2, -0.98, -0.17, -1.29, 0.02, 6.3, -4.04, 5.34, 0.57239597278123, 0.53382243393252},
      {0.1, 0.5, -2, 0.27, -1.1, 0.03, 6.35, -4.01, 2.92, 0.40922658480140, 0.33809777901801}};
  static const double one = 1;
  for (int i = 0; i < 5; i++) {
    const double *c = cases[i];
    cutlab_readout o = {.beta = c[0],
                        .r = c[1],
                        .patches = 3,
                        .feature_count = 1,
                        .frequencies = &one,
                        .balance = 0.25,
                        .alpha = 0.1,
                        .sigma_d = 0.25,
                        .sigma_b = 0.15,
                        .features = c + 2,
                        .noise_gram = {c[6], c[7], c[8]}};
    for (double tolerance = 1e-4; tolerance > 1e-13; tolerance *= 1e-2) {
      double overall, by_feature[2];
      exact(*state, &o, fmax(tolerance, 1e-12), &overall, by_feature);
      assert_near(by_feature[0], c[9], fmax(tolerance, 2e-13));
      assert_near(by_feature[1], c[10], fmax(tolerance, 2e-13));
      assert_near(overall, 0.25 * c[9] + 0.75 * c[10], fmax(tolerance, 2e-13));
    }
  }
}

/* A looser tolerance is kept, on 40 readouts. */
static void test_convergence(void **state) {
  for (uint64_t i = 0; i < (uint64_t)repeats(40); i++) {
    world w;
    double overall, fine[6], coarse[6];
    world_draw(&w, i);
    exact(*state, &w.readout, 1e-11, &overall, fine);
    for (double tolerance = 1e-4; tolerance > 1e-9; tolerance *= 1e-2) {
      exact(*state, &w.readout, tolerance, &overall, coarse);
      for (int k = 0; k < 6; k++) assert_near(coarse[k], fine[k], tolerance);
    }
  }
}

static void test_monte_carlo(void **state) {
  const int64_t points = 100000;
  for (uint64_t i = 0; i < (uint64_t)repeats(50); i++) {
    world w;
    double overall, estimate, error;
    world_draw(&w, 1000 + i);
    exact(*state, &w.readout, 1e-9, &overall, NULL);
    assert_int_equal(cutlab_population_accuracy_monte_carlo(*state, &estimate, &error, NULL,
                                                            &w.readout, points, i),
                     CUTLAB_OK);
    double deviation = sqrt(overall * (1 - overall) / (double)points);
    assert_true(fabs(estimate - overall) <= 4 * deviation + 1e-9);
    assert_near(error, sqrt(estimate * (1 - estimate) / (double)points), 1e-15);
  }
}

static void test_monte_carlo_threads(void **state) {
  world w;
  double one[8], three[8];
  world_make(&w);
  for (int threads = 1; threads <= 3; threads += 2) {
    double *p = threads == 1 ? one : three;
    cutlab_context_set_threads(*state, threads);
    assert_int_equal(
        cutlab_population_accuracy_monte_carlo(*state, p, p + 1, p + 2, &w.readout, 50001, 7),
        CUTLAB_OK);
  }
  assert_memory_equal(one, three, sizeof one);
  double expected[6], overall;
  exact(*state, &w.readout, 1e-8, &overall, expected);
  for (int i = 0; i < 6; i++) assert_near(one[2 + i], expected[i], 0.05);
  assert_int_equal(
      cutlab_population_accuracy_monte_carlo(*state, one, one + 1, one + 2, &w.readout, 1, 7),
      CUTLAB_OK);
  int missing = 0;
  for (int i = 0; i < 6; i++) missing += isnan(one[2 + i]) != 0;
  assert_int_equal(missing, 5);
}

/* Exchanging the filters and the labels changes nothing; a stronger feature is easier. */
static void test_symmetry(void **state) {
  for (uint64_t i = 0; i < 20; i++) {
    world w, mirror;
    double overall, a[6], b[6];
    world_draw(&w, 2000 + i);
    world_draw(&mirror, 2000 + i);
    for (int s = 0; s < 2; s++)
      for (int label = 0; label < 2; label++)
        memcpy(mirror.features + 6 * s + 3 * label, w.features + 6 * (1 - s) + 3 * (1 - label),
               3 * sizeof(double));
    mirror.readout.noise_gram[0] = w.readout.noise_gram[2];
    mirror.readout.noise_gram[2] = w.readout.noise_gram[0];
    exact(*state, &w.readout, 1e-9, &overall, a);
    exact(*state, &mirror.readout, 1e-9, &overall, b);
    for (int k = 0; k < 6; k++) assert_near(a[k], b[(k + 3) % 6], 2e-9);
    w.features[1] += 0.1; /* label +1, feature 2: not part of the feature noise */
    exact(*state, &w.readout, 1e-9, &overall, b);
    assert_true(b[1] >= a[1] - 2e-9);
    assert_near(a[0], b[0], 2e-9);
  }
}

static void expect_refusal(cutlab_context *context, const world *w, double tolerance,
                           const char *part) {
  double overall;
  assert_int_equal(cutlab_population_accuracy(context, &overall, NULL, &w->readout, tolerance),
                   CUTLAB_ERROR_ARGUMENT);
  if (!strstr(cutlab_context_message(context), part))
    fail_msg("\"%s\" does not name %s", cutlab_context_message(context), part);
}

static void test_refusals(void **state) {
  world w;
#define REFUSED(change, part)                                                                      \
  do {                                                                                             \
    world_make(&w);                                                                                \
    change;                                                                                        \
    expect_refusal(*state, &w, 1e-8, part);                                                        \
  } while (0)
  REFUSED(w.readout.beta = 1.5, "beta is 1.5");
  REFUSED(w.readout.beta = NAN, "beta");
  REFUSED(w.readout.r = 0, "r is 0");
  REFUSED(w.readout.patches = 1, "patches is 1");
  REFUSED(w.readout.feature_count = 0, "feature_count is 0");
  REFUSED(w.readout.balance = -0.1, "balance is -0.1");
  REFUSED(w.readout.alpha = INFINITY, "alpha is inf");
  REFUSED(w.readout.sigma_d = -1, "sigma_d is -1");
  REFUSED(w.readout.sigma_b = NAN, "sigma_b");
  REFUSED(w.frequencies[1] = -0.15, "frequencies[1] is -0.15");
  REFUSED(w.frequencies[1] = 0.2, "sum to 1.05");
  REFUSED(w.features[7] = NAN, "features[1][0][1]");
  REFUSED(w.readout.noise_gram[2] = INFINITY, "noise_gram[2] is inf");
  REFUSED(w.readout.noise_gram[0] = -1, "no Gram matrix");
  REFUSED(w.readout.noise_gram[1] = 3.7, "no Gram matrix");
#undef REFUSED
  world_make(&w);
  expect_refusal(*state, &w, 1e-13, "tolerance is 1e-13");
  expect_refusal(*state, &w, 0.1, "tolerance is 0.1");
  w.readout.patches = 1000;
  expect_refusal(*state, &w, 1e-12, "1000 patches");
  double overall, error;
  assert_int_equal(
      cutlab_population_accuracy_monte_carlo(*state, &overall, &error, NULL, &w.readout, 0, 1),
      CUTLAB_ERROR_ARGUMENT);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_linear),         cmocka_unit_test(test_ties),
      cmocka_unit_test(test_atom),           cmocka_unit_test(test_patch_law),
      cmocka_unit_test(test_singular_limit), cmocka_unit_test(test_law),
      cmocka_unit_test(test_references),     cmocka_unit_test(test_convergence),
      cmocka_unit_test(test_monte_carlo),    cmocka_unit_test(test_monte_carlo_threads),
      cmocka_unit_test(test_symmetry),       cmocka_unit_test(test_refusals),
  };
  return cmocka_run_group_tests(tests, context_up, context_down);
}
