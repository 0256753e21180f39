/* Gradient descent: both forms against a plain reference, each other and themselves. */
#include "base/file.h"
#include "simulations.h"

/* The definition, written plainly: patches and filters as vectors, every augmentation in turn. */
typedef struct plain {
  const struct cutlab_experiment *x;
  int n, patches, d;
  const double *data;
  const int8_t *labels;
  double *filters, *outputs, *slopes, *gradient, loss;
} plain;

static double phi_slope(const struct cutlab_experiment *x, double z) {
  return z <= 0 ? x->beta : z <= x->r ? x->beta + (1 - x->beta) * z / x->r : 1;
}

static double inner(const plain *q, int f, int ip) {
  double sum = 0;
  for (int c = 0; c < q->d; ++c) sum += q->filters[f * q->d + c] * q->data[ip * q->d + c];
  return sum;
}

/* Adds weight l(y f), f the sum of patches S of example i and of the others of j (-1: none). */
static void add_term(plain *q, double weight, int label, int i, int j, unsigned set) {
  double f = 0;
  for (int p = 0; p < q->patches; ++p) {
    int from = set >> p & 1 ? i : j;
    if (from >= 0) f += q->outputs[from * q->patches + p];
  }
  double margin = label * f;
  q->loss += weight * (fmax(0, -margin) + log1p(exp(-fabs(margin))));
  for (int p = 0; p < q->patches; ++p) {
    int from = set >> p & 1 ? i : j;
    if (from >= 0) q->slopes[from * q->patches + p] -= weight * label / (1 + exp(margin));
  }
}

static double subsets(int p, int size) {
  double count = 1;
  for (int k = 1; k <= size; ++k) count = count * (p - size + k) / k;
  return count;
}

static void plain_objective(plain *q) {
  unsigned all = 1u << q->patches;
  int cut = (int)q->x->cut_size, n = q->n, patches = q->patches;
  q->loss = 0;
  memset(q->slopes, 0, (size_t)(n * patches) * sizeof *q->slopes);
  for (int i = 0; i < n; ++i)
    for (unsigned set = 0; set < all; ++set) {
      int size = __builtin_popcount(set);
      double share = (double)size / patches;
      if (q->x->method == CUTLAB_ERM && size == patches)
        add_term(q, 1.0 / n, q->labels[i], i, -1, set);
      if (q->x->method == CUTLAB_CUTOUT && size == patches - cut)
        add_term(q, 1 / (n * subsets(patches, cut)), q->labels[i], i, -1, set);
      for (int j = 0; q->x->method == CUTLAB_CUTMIX && j < n; ++j) {
        double weight = 1 / ((double)n * n * (patches + 1) * subsets(patches, size));
        add_term(q, weight * share, q->labels[i], i, j, set);
        add_term(q, weight * (1 - share), q->labels[j], i, j, set);
      }
    }
}

static void plain_evaluate(plain *q) {
  for (int ip = 0; ip < q->n * q->patches; ++ip)
    q->outputs[ip] = phi(q->x, inner(q, 0, ip)) - phi(q->x, inner(q, 1, ip));
  plain_objective(q);
  memset(q->gradient, 0, (size_t)(2 * q->d) * sizeof *q->gradient);
  for (int f = 0; f < 2; ++f)
    for (int ip = 0; ip < q->n * q->patches; ++ip) {
      double pull = (f ? -1 : 1) * q->slopes[ip] * phi_slope(q->x, inner(q, f, ip));
      for (int c = 0; c < q->d; ++c) q->gradient[f * q->d + c] += pull * q->data[ip * q->d + c];
    }
}

static plain plain_make(const cutlab_simulation *s) {
  plain q = {.x = &s->experiment,
             .n = (int)s->data->examples,
             .patches = (int)s->data->patches,
             .d = (int)s->data->dimension,
             .data = s->data->patch_data,
             .labels = s->data->labels};
  q.filters = calloc((size_t)(2 * q.d), sizeof(double));
  q.gradient = calloc((size_t)(2 * q.d), sizeof(double));
  q.outputs = calloc((size_t)(q.n * q.patches), sizeof(double));
  q.slopes = calloc((size_t)(q.n * q.patches), sizeof(double));
  memcpy(q.filters, s->filters, (size_t)(2 * q.d) * sizeof(double));
  return q;
}

static void plain_free(plain *q) {
  free(q->filters);
  free(q->gradient);
  free(q->outputs);
  free(q->slopes);
}

static void check_one_step(cutlab_context *context, const char *method, const char *settings) {
  cutlab_experiment *x = configure(context, "quick", method);
  configure_change(context, x, "examples=9; dimension=40; form=held; sigma_0=.3; learning_rate=.7");
  configure_change(context, x, settings);
  cutlab_simulation *s = start(context, x, NULL);
  step(s, 3);
  plain q = plain_make(s);
  plain_evaluate(&q);
  double norm = 0, *outputs = outputs_of(s);
  for (int c = 0; c < 2 * q.d; ++c) {
    norm += q.gradient[c] * q.gradient[c];
    q.filters[c] -= .7 * q.gradient[c];
  }
  assert_near(outputs, q.outputs, s->patch_count, 1e-12);
  cutlab_measurement m = measure(s);
  assert_close(m.loss, q.loss, 1e-12 * q.loss);
  assert_close(m.gradient_norm, sqrt(norm), 1e-12 * sqrt(norm));
  step(s, 1);
  assert_near(s->filters, q.filters, 2 * q.d, 1e-12);
  assert_close(cutlab_simulation_gradient_norm(s), sqrt(norm), 1e-12 * sqrt(norm));
  assert_int_equal(cutlab_simulation_iteration(s), 4);
  cutlab_measurement_clear(&m);
  free(outputs);
  plain_free(&q);
  cutlab_simulation_free(s);
  cutlab_experiment_free(x);
}

static void test_one_step_is_the_definition(void **state) {
  for (int m = 0; m < 3; ++m) {
    check_one_step(*state, methods[m], "patches=2");
    check_one_step(*state, methods[m], "patches=3; alpha=.3");
    check_one_step(*state, methods[m], "patches=4; cut_size=2");
    check_one_step(*state, methods[m], "patches=3; beta=0; r=.2");
    check_one_step(*state, methods[m], "patches=3; beta=1; balance=.9");
    check_one_step(*state, methods[m], "patches=3; dimension=6; frequencies=[.5, .3, .2]");
  }
}

static void test_gradient_is_central_differences(void **state) {
  for (int k = 0; k < 3; ++k) {
    cutlab_experiment *x = configure(*state, "quick", methods[k]);
    configure_change(*state, x, "examples=6; dimension=10; form=held; sigma_0=.5; alpha=.4");
    cutlab_simulation *s = start(*state, x, NULL);
    cutlab_measurement m = measure(s);
    plain q = plain_make(s);
    double square = 0, width = 1e-5;
    for (int c = 0; c < 2 * q.d; ++c) {
      double at = q.filters[c], loss[2];
      for (int side = 0; side < 2; ++side) {
        q.filters[c] = at + (side ? width : -width);
        plain_evaluate(&q);
        loss[side] = q.loss;
      }
      q.filters[c] = at;
      double slope = (loss[1] - loss[0]) / (2 * width);
      square += slope * slope;
    }
    assert_close(m.gradient_norm, sqrt(square), 1e-8);
    cutlab_measurement_clear(&m);
    plain_free(&q);
    cutlab_simulation_free(s);
    cutlab_experiment_free(x);
  }
}

static void assert_same_measurement(const cutlab_measurement *a, const cutlab_measurement *b) {
  assert_close(a->loss, b->loss, 1e-10);
  assert_close(a->gradient_norm, b->gradient_norm, 1e-9);
  assert_true(a->feature_count == b->feature_count && a->train_accuracy == b->train_accuracy);
  if (!a->feature_count) {
    assert_true(isnan(a->population_accuracy) && isnan(b->population_accuracy));
    return;
  }
  int k = a->feature_count;
  assert_near(a->feature_outputs, b->feature_outputs, 2 * k, 1e-9);
  assert_near(a->feature_coefficients, b->feature_coefficients, 4 * k, 1e-9);
  assert_close(a->population_accuracy, b->population_accuracy, 1e-9);
  assert_near(a->population_accuracy_by_feature, b->population_accuracy_by_feature, 2 * k, 1e-8);
  const cutlab_spread *spreads[][2] = {{&a->dominant, &b->dominant},
                                       {&a->background, &b->background},
                                       {&a->dominant_coefficient, &b->dominant_coefficient},
                                       {&a->background_coefficient, &b->background_coefficient}};
  for (int i = 0; i < 4; ++i) {
    const cutlab_spread *s = spreads[i][0], *t = spreads[i][1];
    if (isnan(t->mean)) continue; /* no patch of that kind */
    double tolerance = 1e-9 * (fabs(t->min) + fabs(t->max));
    assert_close(s->mean, t->mean, tolerance);
    assert_close(s->min, t->min, tolerance);
    assert_close(s->max, t->max, tolerance);
  }
}

/* Held and Gram form on the same data, at the start and after 200 steps. */
static void check_forms(cutlab_context *context, const char *method, int patches, bool own) {
  char settings[128];
  snprintf(settings, sizeof settings, "examples=20; dimension=90; alpha=.1; patches=%d", patches);
  cutlab_experiment *x = configure(context, "quick", method);
  configure_change(context, x, settings);
  configure_change(context, x, "form=held; sigma_0=.05");
  cutlab_dataset *data = own ? user_data(context, 20, patches, 90) : NULL;
  if (!own) assert_int_equal(cutlab_dataset_draw(context, &data, x), CUTLAB_OK);
  cutlab_simulation *held = start(context, x, data);
  configure_change(context, x, "form=gram");
  cutlab_simulation *gram = start(context, x, data), *drawn = start(context, x, NULL);
  assert_true(held->form == CUTLAB_FORM_HELD && gram->form == CUTLAB_FORM_GRAM);
  for (int part = 0; part < 2; ++part) {
    double *a = outputs_of(held), *b = outputs_of(gram), *c = outputs_of(drawn);
    assert_near(b, a, held->patch_count, 1e-9);
    if (!own) assert_memory_equal(b, c, (size_t)held->patch_count * sizeof *b);
    cutlab_measurement m = measure(held), g = measure(gram);
    assert_same_measurement(&g, &m);
    cutlab_measurement_clear(&m);
    cutlab_measurement_clear(&g);
    free(a);
    free(b);
    free(c);
    step(held, 200);
    step(gram, 200);
    step(drawn, 200);
  }
  cutlab_simulation_free(held);
  cutlab_simulation_free(gram);
  cutlab_simulation_free(drawn);
  cutlab_dataset_free(data);
  cutlab_experiment_free(x);
}

static void test_forms_agree(void **state) {
  for (int m = 0; m < 3; ++m)
    for (int patches = 2; patches <= 4; ++patches)
      for (int own = 0; own < 2; ++own) check_forms(*state, methods[m], patches, own);
}

/* beta = 1 makes the network linear: u = w_+ - w_- follows logistic regression at twice the rate
   on the sums of the patches. */
static void test_linear_network_is_logistic_regression(void **state) {
  enum { n = 12, patches = 3, d = 30, steps = 60 };
  cutlab_dataset *data = user_data(*state, n, patches, d);
  cutlab_experiment *x = configure(*state, "quick", "method=erm; beta=1; learning_rate=.5");
  cutlab_simulation *s = start(*state, x, data);
  cutlab_simulation *held;
  configure_change(*state, x, "form=held");
  held = start(*state, x, data);
  double u[d], points[n][d] = {{0}};
  for (int c = 0; c < d; ++c) u[c] = held->filters[c] - held->filters[d + c];
  for (int i = 0; i < n; ++i)
    for (int p = 0; p < patches; ++p)
      for (int c = 0; c < d; ++c) points[i][c] += data->patch_data[(i * patches + p) * d + c];
  for (int t = 0; t < steps; ++t) {
    double gradient[d] = {0};
    for (int i = 0; i < n; ++i) {
      double margin = 0;
      for (int c = 0; c < d; ++c) margin += data->labels[i] * u[c] * points[i][c];
      for (int c = 0; c < d; ++c)
        gradient[c] -= data->labels[i] * points[i][c] / (1 + exp(margin)) / n;
    }
    for (int c = 0; c < d; ++c) u[c] -= 2 * .5 * gradient[c];
  }
  step(s, steps);
  double *outputs = outputs_of(s);
  for (int ip = 0; ip < n * patches; ++ip) {
    double want = 0;
    for (int c = 0; c < d; ++c) want += u[c] * data->patch_data[ip * d + c];
    assert_close(outputs[ip], want, 1e-12);
  }
  free(outputs);
  cutlab_simulation_free(s);
  cutlab_simulation_free(held);
  cutlab_dataset_free(data);
  cutlab_experiment_free(x);
}

/* w_s = w_s(0) + sum b_v v + sum gamma_r xi_r. */
static void test_coefficients_rebuild_the_filters(void **state) {
  enum { d = 120, features = 6 };
  const char *settings = "examples=15; dimension=120; form=held; alpha=.2; method=cutmix";
  cutlab_simulation *first = start_with(*state, settings), *s = start_with(*state, settings);
  step(s, 150);
  cutlab_measurement m = measure(s);
  for (int f = 0; f < 2; ++f) {
    double filter[d];
    memcpy(filter, first->filters + f * d, sizeof filter);
    for (int v = 0; v < features; ++v) filter[v] += m.feature_coefficients[f * features + v];
    for (int64_t ip = 0; ip < s->patch_count; ++ip) {
      int64_t row = s->data->noise_row[ip];
      for (int c = features; row >= 0 && c < d; ++c)
        filter[c] += s->coefficients[f * s->patch_count + ip] * s->data->patch_data[ip * d + c];
    }
    assert_near(filter, s->filters + f * d, d, 1e-10);
  }
  double gram[4], want[3] = {0};
  cutlab_held_noise_gram(s, gram);
  for (int c = features; c < d; ++c) {
    want[0] += s->filters[c] * s->filters[c];
    want[1] += s->filters[c] * s->filters[d + c];
    want[2] += s->filters[d + c] * s->filters[d + c];
  }
  gram[1] = gram[2], gram[2] = gram[3];
  assert_near(gram, want, 3, 1e-13);
  cutlab_measurement_clear(&m);
  cutlab_simulation_free(s);
  cutlab_simulation_free(first);
}

/* In Gram form the simulation's own patches have been given up. */
static void test_given_up_patches_are_not_written(void **state) {
  char *folder = temporary_make();
  assert_non_null(folder);
  char *path = cutlab_path_join(*state, folder, "data.npz");
  cutlab_simulation *s = start_with(*state, "form=gram");
  const cutlab_dataset *data = cutlab_simulation_dataset(s);
  if (cutlab_dataset_write(*state, path, data) == CUTLAB_OK) { /* then it can be read */
    cutlab_dataset *read;
    assert_int_equal(cutlab_dataset_read(*state, &read, path), CUTLAB_OK);
    cutlab_dataset_free(read);
  } else {
    assert_message(*state, "given up");
    assert_true(!cutlab_file_exists(path));
  }
  cutlab_simulation_free(s);
  free(path);
  assert_int_equal(temporary_remove(folder), 0);
}

static double *trajectory_end(cutlab_context *context, const char *settings, int64_t steps) {
  cutlab_simulation *s = start_with(context, settings);
  step(s, steps);
  double *outputs = outputs_of(s);
  cutlab_simulation_free(s);
  return outputs;
}

static void test_threads_give_the_same_bits(void **state) {
  for (int k = 0; k < dynamics_count; ++k) {
    cutlab_context_set_threads(*state, 1);
    double *one = trajectory_end(*state, dynamics[k], 12);
    for (int threads = 2; threads <= 3; ++threads) {
      cutlab_context_set_threads(*state, threads);
      double *many = trajectory_end(*state, dynamics[k], 12);
      assert_memory_equal(one, many, (size_t)(k == 4 ? 80 : 120) * sizeof *one);
      free(many);
    }
    free(one);
  }
  cutlab_context_set_threads(*state, 1);
}

static void test_instruction_sets_agree(void **state) {
  static const cutlab_isa sets[] = {CUTLAB_ISA_AVX2, CUTLAB_ISA_AVX512};
  for (int k = 0; k < dynamics_count; ++k) {
    assert_int_equal(cutlab_context_set_isa(*state, CUTLAB_ISA_PORTABLE), CUTLAB_OK);
    double *portable = trajectory_end(*state, dynamics[k], 100);
    for (int i = 0; i < 2; ++i) {
      if (cutlab_context_set_isa(*state, sets[i]) != CUTLAB_OK) continue;
      double *other = trajectory_end(*state, dynamics[k], 100);
      assert_near(other, portable, k == 4 ? 80 : 120, 1e-9);
      free(other);
    }
    free(portable);
  }
  cutlab_context_set_isa(*state, CUTLAB_ISA_AUTO);
}

/* Steps fail once a number overflows; what is too large to measure is said to have diverged. */
static void test_divergence(void **state) {
  static const char *const forms[] = {"form=held", "form=gram", "form=wishart"};
  for (int f = 0; f < 3; ++f) {
    cutlab_measurement m;
    cutlab_experiment *x = configure(*state, "quick", forms[f]);
    configure_change(*state, x, "learning_rate=1e300");
    cutlab_simulation *s = start(*state, x, NULL);
    step(s, 5);
    assert_int_equal(cutlab_simulation_measure(s, &m), CUTLAB_ERROR_NUMERIC);
    assert_message(*state, "diverged by iteration 5 with learning_rate 1e+300");
    cutlab_simulation_free(s);
    configure_change(*state, x, "learning_rate=1e308; sigma_d=1000");
    s = start(*state, x, NULL);
    assert_int_equal(cutlab_simulation_step(s, 100), CUTLAB_ERROR_NUMERIC);
    assert_message(*state, "finite");
    assert_true(cutlab_simulation_iteration(s) < 100);
    assert_int_equal(cutlab_simulation_measure(s, &m), CUTLAB_ERROR_NUMERIC);
    cutlab_simulation_free(s);
    cutlab_experiment_free(x);
  }
}

static int stop_at(void *user, const cutlab_progress *progress) {
  return progress->done == *(const int64_t *)user;
}

static void test_cancelling(void **state) {
  cutlab_simulation *s = start_with(*state, "iterations=50");
  int64_t at = 7;
  cutlab_context_set_progress(*state, stop_at, &at);
  assert_int_equal(cutlab_simulation_step(s, 20), CUTLAB_CANCELLED);
  assert_int_equal(cutlab_simulation_iteration(s), 7);
  step(s, 13);
  cutlab_context_set_progress(*state, NULL, NULL);
  double *whole = trajectory_end(*state, "iterations=50", 20), *parts = outputs_of(s);
  assert_memory_equal(whole, parts, 120 * sizeof *whole);
  free(whole);
  free(parts);
  cutlab_simulation_free(s);
}

static void refuse_create(cutlab_context *context, const char *settings, const cutlab_dataset *data,
                          const char *message) {
  cutlab_experiment *x = configure(context, "quick", settings);
  cutlab_simulation *s = (cutlab_simulation *)context;
  cutlab_status status = strstr(message, "needs") ? CUTLAB_ERROR_MEMORY : CUTLAB_ERROR_ARGUMENT;
  assert_int_equal(cutlab_simulation_create(context, &s, x, data), status);
  assert_null(s);
  assert_message(context, message);
  cutlab_experiment_free(x);
}

static void test_refusals(void **state) {
  cutlab_dataset *gram = configure_dataset(*state, "quick", "form=wishart");
  refuse_create(*state, "form=held", gram, "form is held");
  refuse_create(*state, "form=gram", gram, "form is gram");
  refuse_create(*state, "frequencies=[1]", gram, "data set: frequencies is '[1]'; accepted: [0.8,");
  gram->has_law = false;
  refuse_create(*state, "frequencies=[1]", gram, "frequencies has 1 entries");
  refuse_create(*state, "method=cutout; cut_size=3", gram, "3");
  cutlab_dataset_free(gram);
  cutlab_dataset *held = configure_dataset(*state, "quick", "form=held");
  refuse_create(*state, "form=wishart", held, "form is wishart");
  cutlab_dataset_free(held);
  refuse_create(*state, "frequencies=[.5]", NULL, "frequencies sum to 0.5");
}

/* The data would take 84 MB and 16 GB. */
static void test_refusals_draw_nothing(void **state) {
  static const struct {
    const char *settings, *message;
  } cases[] = {{"examples=300000; dimension=10; form=gram", "the Gram form of held data needs 26"},
               {"examples=3; dimension=100000000; filters=1024; form=held",
                "holding the filters in R^d needs"}};
  for (size_t k = 0; k < sizeof cases / sizeof *cases; ++k) {
    long before = peak_kilobytes();
    refuse_create(*state, cases[k].settings, NULL, cases[k].message);
    assert_true(peak_kilobytes() - before < 30000);
  }
}

static void test_negative_counts_are_refused(void **state) {
  cutlab_simulation *s = start_with(*state, "iterations=10");
  step(s, 0);
  assert_int_equal(cutlab_simulation_step(s, -1), CUTLAB_ERROR_ARGUMENT);
  assert_message(*state, "count of steps is -1; accepted: >= 0");
  assert_int_equal(cutlab_simulation_iteration(s), 0);
  cutlab_simulation_free(s);
}

static void record(cutlab_pace *pace, int times, double seconds) {
  for (int i = 0; i < times; ++i) cutlab_pace_record(pace, seconds);
}

/* Times stand for machines that are busy, idle, or become busy. */
static void test_pace(void **state) {
  (void)state;
  cutlab_pace busy = {0}, idle = {0}, even = {0}, lengthy = {0};
  record(&busy, 6, .001);
  assert_true(cutlab_pace_next(&busy));
  record(&busy, 1, .1); /* once is enough */
  assert_true(!cutlab_pace_next(&busy) && busy.rest == 1000);
  record(&busy, 1006, .001);
  assert_true(cutlab_pace_next(&busy));
  record(&busy, 1, .1);
  assert_true(!cutlab_pace_next(&busy) && busy.rest == 2000);
  record(&idle, 6, .001);
  record(&idle, 6, .0006);
  assert_true(cutlab_pace_next(&idle));
  record(&idle, 1, .0006);
  assert_true(cutlab_pace_next(&idle));
  record(&idle, 1, .01);
  assert_true(!cutlab_pace_next(&idle) && idle.rest == 0);
  record(&even, 6, .001);
  record(&even, 6, .00095);
  assert_true(!cutlab_pace_next(&even));
  record(&lengthy, 1, 1); /* five more would be seconds lost */
  assert_true(cutlab_pace_next(&lengthy));
  record(&lengthy, 1, .3);
  assert_true(cutlab_pace_next(&lengthy) && lengthy.rest == 1000);
}

/* The first ones try what one thread takes; what is measured does not tell. */
static void test_measurements_are_paced(void **state) {
  cutlab_simulation *s = start_with(*state, "method=cutmix; monte_carlo=5000; filters=2");
  cutlab_measurement first = measure(s);
  assert_int_equal(s->measuring_pace.tried, 0); /* nothing to choose */
  cutlab_context_set_threads(*state, 2);
  for (int i = 0; i < 12; ++i) {
    cutlab_measurement m = measure(s);
    assert_true(m.loss == first.loss && m.gradient_norm == first.gradient_norm &&
                m.test_error == first.test_error);
    if (i == 0) assert_int_equal(s->measuring_pace.tried, 1);
    assert_int_equal(cutlab_context_threads(*state), 2);
    cutlab_measurement_clear(&m);
  }
  cutlab_context_set_threads(*state, 1);
  cutlab_measurement_clear(&first);
  cutlab_simulation_free(s);
}

/* Without noise dimensions, and with one example, everything is still defined. */
static void test_small_worlds(void **state) {
  static const char *const settings[] = {"dimension=6; form=held",
                                         "dimension=6; form=gram",
                                         "examples=1",
                                         "examples=1; form=gram",
                                         "frequencies=[1]; examples=2",
                                         "sigma_d=0; sigma_b=0",
                                         "alpha=0",
                                         "balance=1"};
  for (size_t k = 0; k < sizeof settings / sizeof *settings; ++k) {
    cutlab_simulation *s = start_with(*state, settings[k]);
    step(s, 10);
    cutlab_measurement m = measure(s);
    assert_true(isfinite(m.loss) && m.population_accuracy >= 0 && m.population_accuracy <= 1);
    cutlab_measurement_clear(&m);
    cutlab_simulation_free(s);
  }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, context_up, context_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_refusals_draw_nothing),
      TEST(test_one_step_is_the_definition),
      TEST(test_gradient_is_central_differences),
      TEST(test_forms_agree),
      TEST(test_linear_network_is_logistic_regression),
      TEST(test_coefficients_rebuild_the_filters),
      TEST(test_given_up_patches_are_not_written),
      TEST(test_threads_give_the_same_bits),
      TEST(test_instruction_sets_agree),
      TEST(test_divergence),
      TEST(test_cancelling),
      TEST(test_refusals),
      TEST(test_negative_counts_are_refused),
      TEST(test_pace),
      TEST(test_measurements_are_paced),
      TEST(test_small_worlds),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
