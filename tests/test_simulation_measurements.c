/* Measurements of simulations: each against its definition, and what theory and Monte Carlo say. */
#include "simulations.h"

#ifdef __SANITIZE_ADDRESS__
static const bool slow_build = true;
#else
static const bool slow_build = false;
#endif

typedef struct direct {
  double sum, square, min, max;
  int count;
} direct;

static void add_direct(direct *t, double value, double gap) {
  t->min = t->count ? fmin(t->min, value) : value;
  t->max = t->count ? fmax(t->max, value) : value;
  t->sum += value, t->square += gap * gap, ++t->count;
}

static void assert_spread(const cutlab_spread *s, const direct *t) {
  assert_close(s->mean, t->sum / t->count, 1e-14);
  assert_true(s->min == t->min && s->max == t->max);
}

/* Every measured number against its definition in docs/file-formats.md. */
static void check_measurement(cutlab_context *context, const char *settings) {
  cutlab_simulation *s = start_with(context, settings);
  step(s, 40);
  cutlab_measurement m = measure(s);
  double *a = outputs_of(s);
  const cutlab_dataset *data = s->data;
  direct kinds[3] = {{0}}, coefficients[3] = {{0}};
  int right = 0;
  for (int64_t i = 0; i < data->examples; ++i) {
    double f = 0, y = data->labels[i], z = y > 0 ? s->optimum.positive : s->optimum.negative;
    for (int64_t p = 0; p < data->patches; ++p) {
      int64_t ip = i * data->patches + p;
      int kind = p == data->feature_positions[i] ? 0 : p == data->dominant_positions[i] ? 1 : 2;
      add_direct(&kinds[kind], y * a[ip], y * a[ip] / z - 1);
      for (int sign = 1; kind && sign >= -1; sign -= 2) {
        const double *gamma = s->coefficients + (sign > 0 ? 0 : s->patch_count);
        add_direct(&coefficients[kind], y * sign * gamma[ip], 0);
      }
      f += a[ip];
    }
    right += y * f > 0;
  }
  assert_close(m.train_accuracy, (double)right / (double)data->examples, 1e-15);
  assert_spread(&m.dominant, &kinds[1]);
  assert_spread(&m.background, &kinds[2]);
  assert_spread(&m.dominant_coefficient, &coefficients[1]);
  assert_spread(&m.background_coefficient, &coefficients[2]);
  double evenness[] = {m.evenness_feature, m.evenness_dominant, m.evenness_background}, sum = 0;
  for (int kind = 0; kind < 3; ++kind) {
    assert_close(evenness[kind], sqrt(kinds[kind].square / kinds[kind].count), 1e-13);
    sum += kinds[kind].square;
  }
  assert_close(m.evenness, sqrt(sum / (double)s->patch_count), 1e-13);
  int k = m.feature_count;
  for (int v = 0; v < 2 * k; ++v) {
    double plus = s->coordinates[v], minus = s->coordinates[2 * k + v];
    double want = phi(&s->experiment, plus) - phi(&s->experiment, minus);
    assert_close(m.feature_outputs[v], v < k ? want : -want, 1e-15);
  }
  double overall = 0;
  for (int v = 0; v < 2 * k; ++v)
    overall += .5 * s->experiment.frequencies[v % k] * m.population_accuracy_by_feature[v];
  assert_close(m.population_accuracy, overall, 1e-12);
  assert_true(isnan(m.monte_carlo_accuracy));
  assert_int_equal(m.iteration, 40);
  free(a);
  cutlab_measurement_clear(&m);
  cutlab_simulation_free(s);
}

static void test_measurements_are_their_definitions(void **state) {
  check_measurement(*state, "method=cutmix; patches=4; examples=31; form=held");
  check_measurement(*state, "method=erm; examples=31; form=wishart");
  check_measurement(*state, "method=cutout; examples=31; form=gram; alpha=.3");
}

/* The first filters: coordinates along features, and the norm of the rest. */
static void test_first_weights(void **state) {
  cutlab_simulation *s = start_with(*state, "form=held; dimension=20000; examples=2; sigma_0=.01");
  double square = 0;
  for (int c = 0; c < 40000; ++c) square += s->filters[c] * s->filters[c] / 1e-4;
  assert_close(square / 40000, 1, 4.5 * sqrt(2 / 4e4));
  cutlab_measurement m = measure(s);
  for (int v = 0; v < 12; ++v) assert_true(m.feature_coefficients[v] == 0);
  assert_true(isnan(cutlab_simulation_gradient_norm(s)));
  cutlab_measurement_clear(&m);
  cutlab_simulation_free(s);
  s = start_with(*state, "sigma_0=0");
  m = measure(s);
  assert_close(m.loss, log(2), 1e-12);
  assert_true(m.train_accuracy == 0 && m.feature_outputs[0] == 0);
  cutlab_measurement_clear(&m);
  cutlab_simulation_free(s);
}

static void test_undefined_is_nan(void **state) {
  cutlab_simulation *s = start_with(*state, "patches=2");
  step(s, 5);
  cutlab_measurement m = measure(s);
  assert_true(isnan(m.evenness) && isnan(m.evenness_feature) && isnan(m.background.mean));
  assert_true(isfinite(m.loss) && isfinite(m.dominant.mean));
  cutlab_measurement_clear(&m);
  cutlab_simulation_free(s);
  cutlab_dataset *data = user_data(*state, 10, 3, 20);
  cutlab_experiment *x = configure(*state, "quick", "monte_carlo=100");
  s = start(*state, x, data);
  m = measure(s);
  assert_true(m.feature_count == 0 && isnan(m.population_accuracy) && isnan(m.dominant.min));
  assert_true(isnan(m.monte_carlo_accuracy) && isnan(m.evenness_dominant));
  assert_true(isfinite(m.evenness) && isfinite(m.gradient_norm));
  cutlab_measurement_clear(&m);
  cutlab_simulation_free(s);
  cutlab_dataset_free(data);
  cutlab_experiment_free(x);
}

static void assert_monte_carlo_agrees(const cutlab_measurement *m, double points) {
  double p = m->population_accuracy;
  assert_close(m->monte_carlo_accuracy, p, 4 * sqrt(p * (1 - p) / points) + 5e-6);
}

/* The theory's accuracies where noise vectors are nearly orthogonal: 1 minus half of the
   frequency of each feature that is not learnt. */
static void test_theory_accuracies(void **state) {
  static const double want[] = {.9, .975, 1};
  for (int k = slow_build ? 2 : 0; k < 3; ++k) {
    cutlab_experiment *x = configure(*state, "theory", methods[k]);
    configure_change(*state, x, "sampling=stratified; monte_carlo=1000000");
    if (slow_build) configure_change(*state, x, "monte_carlo=10000");
    cutlab_simulation *s = start(*state, x, NULL);
    step(s, slow_build ? 20 : 2000);
    cutlab_measurement m = measure(s);
    if (!slow_build) assert_close(m.population_accuracy, want[k], .005);
    assert_monte_carlo_agrees(&m, slow_build ? 1e4 : 1e6);
    cutlab_measurement_clear(&m);
    cutlab_simulation_free(s);
    cutlab_experiment_free(x);
  }
}

/* The published behaviour of CutMix: all features end at the optimum, evenly; the common one
   peaks on the way. */
static void test_cutmix_learns_all_features(void **state) {
  int64_t steps = slow_build ? 300 : 10000, stretch = 100;
  cutlab_experiment *x = configure(*state, "paper", "sampling=stratified; method=cutmix");
  configure_change(*state, x, slow_build ? "examples=60" : "monte_carlo=1000000");
  cutlab_simulation *s = start(*state, x, NULL);
  double peak = 0;
  for (int64_t t = 0; t < steps; t += stretch) {
    step(s, stretch);
    double a = phi(&s->experiment, s->coordinates[0]) - phi(&s->experiment, s->coordinates[6]);
    peak = fmax(peak, a);
  }
  cutlab_measurement m = measure(s);
  if (!slow_build) {
    assert_true(peak > 1.5);
    for (int v = 0; v < 6; ++v) {
      double z = v < 3 ? s->optimum.positive : s->optimum.negative;
      assert_close(m.feature_outputs[v], z, 2e-3);
    }
    assert_close(m.loss, s->optimum.loss, 1e-8);
    assert_true(m.evenness < 1e-3);
    assert_true(m.train_accuracy == 1);
    assert_monte_carlo_agrees(&m, 1e6);
  }
  assert_true(m.loss >= s->optimum.loss);
  cutlab_measurement_clear(&m);
  cutlab_simulation_free(s);
  cutlab_experiment_free(x);
}

static void test_monte_carlo_on_the_quick_preset(void **state) {
  for (int k = 0; k < 3; ++k) {
    cutlab_experiment *x = configure(*state, "quick", methods[k]);
    configure_change(*state, x, slow_build ? "monte_carlo=10000" : "monte_carlo=1000000");
    cutlab_simulation *s = start(*state, x, NULL);
    step(s, 100);
    cutlab_measurement m = measure(s);
    assert_monte_carlo_agrees(&m, slow_build ? 1e4 : 1e6);
    cutlab_measurement_clear(&m);
    cutlab_simulation_free(s);
    cutlab_experiment_free(x);
  }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, context_up, context_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_measurements_are_their_definitions),
      TEST(test_first_weights),
      TEST(test_undefined_is_nan),
      TEST(test_theory_accuracies),
      TEST(test_cutmix_learns_all_features),
      TEST(test_monte_carlo_on_the_quick_preset),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
