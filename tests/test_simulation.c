/* Gradient descent: both forms against a plain reference, each other and themselves. */
#include <math.h>
#include <sys/stat.h>

#include "base/file.h"
#include "configure.h"
#include "theory/simulation_internal.h"

#ifdef __SANITIZE_ADDRESS__
static const bool slow_build = true;
#else
static const bool slow_build = false;
#endif

static cutlab_simulation *start(cutlab_context *context, const cutlab_experiment *x,
                                const cutlab_dataset *data) {
  cutlab_simulation *s;
  if (cutlab_simulation_create(context, &s, x, data) != CUTLAB_OK)
    fail_msg("%s", cutlab_context_message(context));
  return s;
}

static cutlab_simulation *start_with(cutlab_context *context, const char *settings) {
  cutlab_experiment *x = configure(context, "quick", settings);
  cutlab_simulation *s = start(context, x, NULL);
  cutlab_experiment_free(x);
  return s;
}

static void step(cutlab_simulation *s, int64_t count) {
  if (cutlab_simulation_step(s, count) != CUTLAB_OK)
    fail_msg("%s", cutlab_context_message(s->context));
}

static cutlab_measurement measure(cutlab_simulation *s) {
  cutlab_measurement m;
  if (cutlab_simulation_measure(s, &m) != CUTLAB_OK)
    fail_msg("%s", cutlab_context_message(s->context));
  return m;
}

static double *outputs_of(cutlab_simulation *s) {
  double *outputs = calloc((size_t)s->patch_count, sizeof *outputs);
  assert_int_equal(cutlab_simulation_outputs(s, outputs), CUTLAB_OK);
  return outputs;
}

static double largest(const double *x, int64_t count) {
  double m = 0;
  for (int64_t i = 0; i < count; ++i) m = fmax(m, fabs(x[i]));
  return m;
}

static void assert_near(const double *a, const double *b, int64_t count, double tolerance) {
  double scale = largest(b, count), worst = 0;
  for (int64_t i = 0; i < count; ++i) worst = fmax(worst, fabs(a[i] - b[i]));
  if (!(worst <= tolerance * scale)) fail_msg("differ by %g of %g", worst, scale);
}

static void assert_close(double a, double b, double tolerance) {
  if (!(fabs(a - b) <= tolerance)) fail_msg("%.17g is not %.17g within %g", a, b, tolerance);
}

/* The definition, written plainly: patches and filters as vectors, every augmentation in turn. */
typedef struct plain {
  const struct cutlab_experiment *x;
  int n, patches, d;
  const double *data;
  const int8_t *labels;
  double *filters, *outputs, *slopes, *gradient, loss;
} plain;

static double phi(const struct cutlab_experiment *x, double z) {
  if (z <= 0) return x->beta * z;
  return z <= x->r ? x->beta * z + (1 - x->beta) * z * z / (2 * x->r)
                   : z - (1 - x->beta) * x->r / 2;
}

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

static const char *const methods[] = {"method=erm", "method=cutout", "method=cutmix"};

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

static cutlab_dataset *user_data(cutlab_context *context, int n, int patches, int d) {
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

static const char *const dynamics[] = {
    "form=held; method=cutmix", "form=gram; method=cutmix", "form=wishart; method=cutout",
    "form=wishart; method=cutmix; objective=sampled", "form=held; method=erm; patches=2"};
enum { dynamics_count = sizeof dynamics / sizeof *dynamics };

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

typedef struct place {
  char *folder, *path;
} place;

static place make_place(cutlab_context *context) {
  char *folder = temporary_make();
  assert_non_null(folder);
  return (place){folder, cutlab_path_join(context, folder, "state.npz")};
}

static void leave(place *p) {
  free(p->path);
  assert_int_equal(temporary_remove(p->folder), 0);
}

/* A state read back continues with the same bits, and measures the same. */
static void test_states_continue(void **state) {
  place at = make_place(*state);
  for (int k = 0; k < dynamics_count; ++k) {
    cutlab_simulation *whole = start_with(*state, dynamics[k]);
    step(whole, 20);
    cutlab_measurement before = measure(whole), after;
    assert_int_equal(cutlab_simulation_write_state(whole, at.path), CUTLAB_OK);
    cutlab_simulation *rest = start_with(*state, dynamics[k]);
    step(rest, k); /* whatever was done before is forgotten */
    assert_int_equal(cutlab_simulation_read_state(rest, at.path), CUTLAB_OK);
    assert_int_equal(cutlab_simulation_iteration(rest), 20);
    assert_true(cutlab_simulation_gradient_norm(rest) == cutlab_simulation_gradient_norm(whole));
    after = measure(rest);
    assert_true(before.loss == after.loss && before.gradient_norm == after.gradient_norm);
    assert_true(before.population_accuracy == after.population_accuracy);
    assert_memory_equal(&before.dominant_coefficient, &after.dominant_coefficient,
                        sizeof after.dominant_coefficient);
    cutlab_measurement_clear(&before);
    cutlab_measurement_clear(&after);
    step(whole, 20);
    step(rest, 20);
    double *a = outputs_of(whole), *b = outputs_of(rest);
    assert_memory_equal(a, b, (size_t)whole->patch_count * sizeof *a);
    assert_memory_equal(whole->coefficients, rest->coefficients,
                        (size_t)(2 * whole->patch_count) * sizeof *a);
    free(a);
    free(b);
    cutlab_simulation_free(whole);
    cutlab_simulation_free(rest);
  }
  leave(&at);
}

static void refuse_state(cutlab_simulation *s, const place *at, cutlab_status status,
                         const char *message) {
  assert_int_equal(cutlab_simulation_read_state(s, at->path), status);
  assert_message(s->context, message);
  assert_int_equal(cutlab_simulation_iteration(s), 0);
}

static void test_states_of_others_are_refused(void **state) {
  static const char *const others[] = {"seed=2",
                                       "learning_rate=.5",
                                       "method=erm",
                                       "frequencies=[.5, .3, .2]",
                                       "beta=.2",
                                       "r=2",
                                       "objective=sampled",
                                       "sigma_0=.02",
                                       "alpha=.1",
                                       "sigma_d=.3",
                                       "sampling=stratified",
                                       "tolerance=1e-6",
                                       "examples=41",
                                       "dimension=501",
                                       "patches=4"};
  static const char *const forms[] = {"form=held", "form=gram", "form=wishart"};
  place at = make_place(*state);
  for (int f = 0; f < 3; ++f) {
    cutlab_experiment *x = configure(*state, "quick", forms[f]);
    cutlab_simulation *s = start(*state, x, NULL);
    step(s, 2);
    assert_int_equal(cutlab_simulation_write_state(s, at.path), CUTLAB_OK);
    cutlab_simulation_free(s);
    for (size_t k = 0; k < sizeof others / sizeof *others; ++k) {
      cutlab_experiment *y;
      assert_int_equal(cutlab_experiment_copy(*state, &y, x), CUTLAB_OK);
      configure_change(*state, y, others[k]);
      s = start(*state, y, NULL);
      refuse_state(s, &at, CUTLAB_ERROR_FORMAT, "state.npz");
      cutlab_simulation_free(s);
      cutlab_experiment_free(y);
    }
    cutlab_experiment_free(x);
  }
  leave(&at);
}

/* One number of the data changed: another data set. */
static void test_states_of_other_data_are_refused(void **state) {
  place at = make_place(*state);
  cutlab_dataset *data = user_data(*state, 10, 3, 20);
  static const char *const forms[] = {"form=held", "form=gram"};
  for (int f = 0; f < 2; ++f) {
    cutlab_experiment *x = configure(*state, "quick", forms[f]);
    cutlab_simulation *s = start(*state, x, data);
    assert_int_equal(cutlab_simulation_write_state(s, at.path), CUTLAB_OK);
    assert_int_equal(cutlab_simulation_read_state(s, at.path), CUTLAB_OK);
    cutlab_simulation_free(s);
    data->patch_data[599] += 1e-9;
    s = start(*state, x, data);
    refuse_state(s, &at, CUTLAB_ERROR_FORMAT, "another experiment or data set");
    cutlab_simulation_free(s);
    cutlab_experiment_free(x);
  }
  cutlab_dataset_free(data);
  leave(&at);
}

static void test_damaged_states_are_refused(void **state) {
  place at = make_place(*state);
  cutlab_simulation *s = start_with(*state, "form=wishart"), *written;
  refuse_state(s, &at, CUTLAB_ERROR_IO, "state.npz");
  written = start_with(*state, "form=wishart");
  step(written, 3);
  assert_int_equal(cutlab_simulation_write_state(written, at.path), CUTLAB_OK);
  cutlab_simulation_free(written);
  cutlab_array *arrays;
  int count;
  assert_int_equal(cutlab_npz_read(*state, &arrays, &count, at.path, 0), CUTLAB_OK);
  for (int missing = 0; missing < count; ++missing) {
    cutlab_array kept[8];
    memcpy(kept, arrays, (size_t)count * sizeof *kept);
    kept[missing] = kept[count - 1];
    assert_int_equal(cutlab_npz_write(*state, at.path, kept, count - 1), CUTLAB_OK);
    refuse_state(s, &at, CUTLAB_ERROR_FORMAT, "is missing or of another shape");
  }
  int64_t *header = cutlab_npz_find(arrays, count, "header")->data;
  ++header[0];
  assert_int_equal(cutlab_npz_write(*state, at.path, arrays, count), CUTLAB_OK);
  refuse_state(s, &at, CUTLAB_ERROR_FORMAT, "state version 2; accepted: 1");
  --header[0], header[1] = -1;
  assert_int_equal(cutlab_npz_write(*state, at.path, arrays, count), CUTLAB_OK);
  refuse_state(s, &at, CUTLAB_ERROR_FORMAT, "state.npz");
  cutlab_npz_free(arrays, count);
  char *text;
  size_t size;
  assert_int_equal(cutlab_file_read(*state, &text, &size, at.path, 0), CUTLAB_OK);
  assert_int_equal(cutlab_file_write(*state, at.path, text, size / 2), CUTLAB_OK);
  refuse_state(s, &at, CUTLAB_ERROR_FORMAT, "state.npz");
  free(text);
  cutlab_simulation_free(s);
  leave(&at);
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
  assert_int_equal(cutlab_simulation_create(context, &s, x, data), CUTLAB_ERROR_ARGUMENT);
  assert_null(s);
  assert_message(context, message);
  cutlab_experiment_free(x);
}

static void test_refusals(void **state) {
  cutlab_dataset *gram = configure_dataset(*state, "quick", "form=wishart");
  refuse_create(*state, "form=held", gram, "form is held");
  refuse_create(*state, "form=gram", gram, "form is gram");
  refuse_create(*state, "frequencies=[1]", gram, "frequencies has 1 entries");
  refuse_create(*state, "method=cutout; cut_size=3", gram, "3");
  cutlab_dataset_free(gram);
  cutlab_dataset *held = configure_dataset(*state, "quick", "form=held");
  refuse_create(*state, "form=wishart", held, "form is wishart");
  cutlab_dataset_free(held);
  refuse_create(*state, "frequencies=[.5]", NULL, "frequencies sum to 0.5");
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

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_one_step_is_the_definition, context_up, context_down),
      cmocka_unit_test_setup_teardown(test_gradient_is_central_differences, context_up,
                                      context_down),
      cmocka_unit_test_setup_teardown(test_forms_agree, context_up, context_down),
      cmocka_unit_test_setup_teardown(test_linear_network_is_logistic_regression, context_up,
                                      context_down),
      cmocka_unit_test_setup_teardown(test_coefficients_rebuild_the_filters, context_up,
                                      context_down),
      cmocka_unit_test_setup_teardown(test_measurements_are_their_definitions, context_up,
                                      context_down),
      cmocka_unit_test_setup_teardown(test_first_weights, context_up, context_down),
      cmocka_unit_test_setup_teardown(test_undefined_is_nan, context_up, context_down),
      cmocka_unit_test_setup_teardown(test_given_up_patches_are_not_written, context_up,
                                      context_down),
      cmocka_unit_test_setup_teardown(test_threads_give_the_same_bits, context_up, context_down),
      cmocka_unit_test_setup_teardown(test_instruction_sets_agree, context_up, context_down),
      cmocka_unit_test_setup_teardown(test_states_continue, context_up, context_down),
      cmocka_unit_test_setup_teardown(test_states_of_others_are_refused, context_up, context_down),
      cmocka_unit_test_setup_teardown(test_states_of_other_data_are_refused, context_up,
                                      context_down),
      cmocka_unit_test_setup_teardown(test_damaged_states_are_refused, context_up, context_down),
      cmocka_unit_test_setup_teardown(test_divergence, context_up, context_down),
      cmocka_unit_test_setup_teardown(test_cancelling, context_up, context_down),
      cmocka_unit_test_setup_teardown(test_refusals, context_up, context_down),
      cmocka_unit_test_setup_teardown(test_small_worlds, context_up, context_down),
      cmocka_unit_test_setup_teardown(test_theory_accuracies, context_up, context_down),
      cmocka_unit_test_setup_teardown(test_cutmix_learns_all_features, context_up, context_down),
      cmocka_unit_test_setup_teardown(test_monte_carlo_on_the_quick_preset, context_up,
                                      context_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
