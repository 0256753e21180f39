/* Other worlds than the paper's: wide networks, other activations, biases, noise along features,
   flipped labels, uniform weights, Mixup; each against a plain twin. */
#include "base/streams.h"
#include "simulations.h"

/* ---- activations ---- */

static const char *const activations[] = {"activation=smoothed_leaky_relu; r=.3",
                                          "activation=relu",
                                          "activation=leaky_relu; beta=.2",
                                          "activation=relu_power; power=2",
                                          "activation=relu_power; power=4",
                                          "activation=gelu",
                                          "activation=odd_power; power=3",
                                          "activation=odd_power; power=5",
                                          "activation=sigmoid"};
enum { activation_count = sizeof activations / sizeof *activations };

static cutlab_activation activation_of(const struct cutlab_experiment *x) {
  return (cutlab_activation){x->activation, x->beta, x->r, (int)x->power};
}

/* The definitions, written otherwise. */
static double plain_activation(cutlab_activation f, double z) {
  switch (f.kind) {
  case CUTLAB_SMOOTHED_LEAKY_RELU:
    return z <= 0     ? f.beta * z
           : z <= f.r ? f.beta * z + (1 - f.beta) * z * z / (2 * f.r)
                      : z - (1 - f.beta) * f.r / 2;
  case CUTLAB_RELU:
    return fmax(z, 0);
  case CUTLAB_LEAKY_RELU:
    return fmax(z, 0) + f.beta * fmin(z, 0);
  case CUTLAB_RELU_POWER:
    return pow(fmax(z, 0), f.power);
  case CUTLAB_GELU:
    return z * (1 + erf(z / sqrt(2))) / 2;
  case CUTLAB_ODD_POWER:
    return copysign(pow(fabs(z), f.power), z);
  case CUTLAB_SIGMOID:
    return (1 + tanh(z / 2)) / 2;
  }
  return NAN;
}

static void test_activations(void **state) {
  for (int k = 0; k < activation_count; ++k) {
    cutlab_experiment *x = configure(*state, "paper", activations[k]);
    cutlab_activation f = activation_of(x);
    double breaks[2] = {NAN, NAN}, z[64], scale[64], sums[64], slopes[64];
    int count = cutlab_activation_breakpoints(f, breaks);
    for (int i = 0; i < 64; ++i) z[i] = (i - 31.3) / 8, scale[i] = i + 1, sums[i] = 1;
    cutlab_activate_all(f, sums, -1, z, 64, false);
    cutlab_activate_slopes(f, slopes, scale, -1, z, 64);
    for (int i = 0; i < 64; ++i) {
      double want = plain_activation(f, z[i]), size = 1e-14 * (1 + fabs(want)), width = 1e-6;
      assert_close(cutlab_activate(f, z[i]), want, size);
      assert_close(sums[i], 1 - want, 2 * size);
      double slope =
          (plain_activation(f, z[i] + width) - plain_activation(f, z[i] - width)) / (2 * width);
      assert_close(cutlab_activate_slope(f, z[i]), slope, 1e-8 * (1 + fabs(slope)));
      assert_true(slopes[i] == -scale[i] * cutlab_activate_slope(f, z[i]));
    }
    cutlab_activate_all(f, sums, 1, z, 64, true);
    for (int i = 0; i < 64; ++i) assert_true(sums[i] == cutlab_activate(f, z[i]));
    bool has_kink = f.kind == CUTLAB_RELU || f.kind == CUTLAB_LEAKY_RELU ||
                    f.kind == CUTLAB_RELU_POWER || f.kind == CUTLAB_SMOOTHED_LEAKY_RELU;
    assert_int_equal(count, f.kind == CUTLAB_SMOOTHED_LEAKY_RELU ? 2 : has_kink);
    if (count > 0) assert_true(breaks[0] == 0);
    if (count > 1) assert_true(breaks[1] == f.r);
    cutlab_experiment_free(x);
  }
}

static void test_cholesky(void **state) {
  enum { m = 6, depth = 4 }; /* of rank 4: two rows depend on the others */
  double rows[m][depth], gram[m * m], factor[m * m];
  cutlab_random random = cutlab_random_make(1, 1, 0, 0, 0);
  for (int i = 0; i < m; ++i)
    for (int k = 0; k < depth; ++k)
      rows[i][k] = i == 2 ? 2 * rows[0][k] - rows[1][k] : cutlab_random_normal(&random);
  for (int i = 0; i < m; ++i)
    for (int j = 0; j < m; ++j) {
      gram[i * m + j] = 0;
      for (int k = 0; k < depth; ++k) gram[i * m + j] += rows[i][k] * rows[j][k];
      factor[i * m + j] = j <= i ? gram[i * m + j] : NAN; /* the lower triangle is read */
    }
  cutlab_cholesky(factor, m);
  assert_true(factor[2 * m + 2] == 0 && factor[5 * m + 5] == 0);
  for (int i = 0; i < m; ++i)
    for (int j = 0; j < m; ++j) {
      double sum = 0;
      for (int k = 0; k < m; ++k) sum += factor[i * m + k] * factor[j * m + k];
      assert_close(sum, gram[i * m + j], 1e-12);
      if (j > i) assert_true(factor[i * m + j] == 0);
    }
  (void)state;
}

/* ---- data ---- */

/* Where the coordinates along features of every patch come from. */
static void test_layout(void **state) {
  static const char *const worlds[] = {"features=opposite", "features=opposite; noise=full",
                                       "noise=full"};
  for (int w = 0; w < 3; ++w) {
    cutlab_experiment *x = configure(*state, "quick", worlds[w]);
    configure_change(*state, x, "form=held; signal=2.5; alpha=.3; label_flips=.3; dimension=40");
    cutlab_dataset *s;
    assert_int_equal(cutlab_dataset_draw(*state, &s, x), CUTLAB_OK);
    assert_int_equal(s->columns, w == 2 ? 6 : 3);
    int flipped = 0;
    double square = 0, noisy = 0;
    for (int64_t ip = 0; ip < s->examples * s->patches; ++ip) {
      int64_t i = ip / s->patches, p = ip % s->patches;
      const double *patch = s->patch_data + ip * s->dimension;
      bool feature = p == s->feature_positions[i], loud = p == s->dominant_positions[i];
      flipped += p == 0 && s->labels[i] != s->true_labels[i];
      double want[6] = {0}, *at = want;
      int sign = feature ? s->true_labels[i] : s->dominant_signs[i];
      if (w == 2 && sign < 0) at += 3;
      if (feature) at[s->feature_indices[i]] = 2.5;
      if (loud) at[0] = .3;
      if (w < 2 && sign < 0) at[feature ? s->feature_indices[i] : 0] *= -1;
      for (int c = 0; c < s->columns; ++c) {
        double rest = patch[c] - want[c], sigma = loud ? .25 : .15;
        if (feature || w == 0)
          assert_true(rest == 0);
        else
          square += rest * rest / (sigma * sigma), ++noisy;
      }
    }
    assert_true(flipped > 3 && flipped < 25); /* of 40, .3 */
    if (w > 0) assert_close(square / noisy, 1, 4.5 * sqrt(2 / noisy));
    cutlab_dataset_free(s);
    cutlab_experiment_free(x);
  }
}

static void test_position_bias(void **state) {
  static const char *const worlds[] = {"position_bias=0", "position_bias=.4", "position_bias=1"};
  for (int w = 0; w < 3; ++w) {
    cutlab_experiment *x = configure(*state, "quick", worlds[w]);
    configure_change(*state, x, "form=held; examples=4000; dimension=6");
    cutlab_dataset *s;
    assert_int_equal(cutlab_dataset_draw(*state, &s, x), CUTLAB_OK);
    double first = 0, share = 1.0 / 3 + x->position_bias * 2 / 3;
    for (int i = 0; i < 4000; ++i) {
      first += s->feature_positions[i] == 0;
      assert_true(s->feature_positions[i] != s->dominant_positions[i]);
    }
    assert_close(first / 4000, share, 4.5 * sqrt(share * (1 - share) / 4000));
    cutlab_dataset_free(s);
    cutlab_experiment_free(x);
  }
}

/* A data set written and read gives the same training, bit by bit. */
static void test_files(void **state) {
  static const char *const worlds[] = {
      "form=held; features=opposite; noise=full; label_flips=.2; signal=2",
      "form=wishart; features=opposite; noise=full; label_flips=.2; filters=3; signal=2",
      "form=wishart; initialisation=uniform; filters=2; activation=gelu"};
  char *folder = temporary_make(), path[128];
  assert_non_null(folder);
  snprintf(path, sizeof path, "%s/data.npz", folder);
  for (int w = 0; w < 3; ++w) {
    cutlab_experiment *x = configure(*state, "quick", worlds[w]);
    cutlab_dataset *drawn, *read;
    assert_int_equal(cutlab_dataset_draw(*state, &drawn, x), CUTLAB_OK);
    assert_int_equal(cutlab_dataset_write(*state, path, drawn), CUTLAB_OK);
    assert_int_equal(cutlab_dataset_read(*state, &read, path), CUTLAB_OK);
    cutlab_simulation *a = start(*state, x, drawn), *b = start(*state, x, read);
    step(a, 20);
    step(b, 20);
    cutlab_measurement m = measure(a), n = measure(b);
    assert_true(m.loss == n.loss && m.gradient_norm == n.gradient_norm);
    assert_memory_equal(drawn->true_labels, read->true_labels, (size_t)drawn->examples);
    cutlab_measurement_clear(&m);
    cutlab_measurement_clear(&n);
    cutlab_simulation_free(a);
    cutlab_simulation_free(b);
    if (w == 1) { /* inner products with other filters */
      cutlab_simulation *s;
      configure_change(*state, x, "filters=2");
      assert_int_equal(cutlab_simulation_create(*state, &s, x, read), CUTLAB_ERROR_ARGUMENT);
      assert_message(*state, "accepted: filters=3 initialisation=gaussian");
    }
    cutlab_dataset_free(drawn);
    cutlab_dataset_free(read);
    cutlab_experiment_free(x);
  }
  assert_int_equal(temporary_remove(folder), 0);
}

/* ---- dynamics ---- */

/* The whole network at once, from its definition: patches and filters as vectors. */
static double plain_loss(const cutlab_simulation *s, const double *filters, const double *biases) {
  const cutlab_dataset *data = s->data;
  double loss = 0;
  for (int64_t i = 0; i < data->examples; ++i) {
    double f = 0;
    for (int64_t p = 0; p < data->patches; ++p)
      for (int k = 0; k < s->filter_count; ++k) {
        const double *x = data->patch_data + (i * data->patches + p) * data->dimension;
        double z = biases[k];
        for (int64_t c = 0; c < data->dimension; ++c) z += filters[k * data->dimension + c] * x[c];
        f += (k < s->filter_count / 2 ? 1 : -1) * plain_activation(s->activation, z);
      }
    double margin = data->labels[i] * f;
    loss += (fmax(0, -margin) + log1p(exp(-fabs(margin)))) / (double)data->examples;
  }
  return loss;
}

static const char *const shape = "examples=10; dimension=30; filters=3; bias=yes; noise=full; "
                                 "features=opposite; signal=1.5; alpha=.2; label_flips=.2; "
                                 "sigma_0=.3; learning_rate=.05; method=erm";

/* Step by central differences of the loss in every weight and bias. */
static void check_gradient(cutlab_context *context, const char *activation, const char *weights) {
  cutlab_experiment *x = configure(context, "quick", shape);
  configure_change(context, x, activation);
  configure_change(context, x, weights);
  configure_change(context, x, "form=held");
  cutlab_simulation *s = start(context, x, NULL);
  step(s, 2);
  cutlab_measurement m = measure(s);
  int64_t count = s->filter_count * s->data->dimension;
  double *filters = calloc((size_t)count, 8), biases[6], square = 0, width = 1e-6;
  memcpy(filters, s->filters, (size_t)count * 8);
  memcpy(biases, s->biases, sizeof biases);
  assert_close(m.loss, plain_loss(s, filters, biases), 1e-13);
  cutlab_simulation_backward(s, NULL, false);
  for (int64_t w = 0; w < count + 6; ++w) {
    double *at = w < count ? filters + w : biases + (w - count), kept = *at, loss[2];
    for (int side = 0; side < 2; ++side) {
      *at = kept + (side ? width : -width);
      loss[side] = plain_loss(s, filters, biases);
    }
    *at = kept;
    double slope = (loss[1] - loss[0]) / (2 * width);
    assert_close(w < count ? s->gradient[w] : s->bias_gradient[w - count], slope, 1e-7);
    square += slope * slope;
  }
  assert_close(m.gradient_norm, sqrt(square), 1e-6);
  cutlab_measurement_clear(&m);
  free(filters);
  cutlab_simulation_free(s);
  cutlab_experiment_free(x);
}

static void test_gradient_is_central_differences(void **state) {
  for (int k = 0; k < activation_count; ++k)
    check_gradient(*state, activations[k], "initialisation=gaussian");
  check_gradient(*state, "activation=relu", "initialisation=uniform");
}

static void assert_same_measurement(const cutlab_measurement *a, const cutlab_measurement *b) {
  int k = a->feature_count;
  assert_close(a->loss, b->loss, 1e-9 * fabs(b->loss));
  assert_close(a->gradient_norm, b->gradient_norm, 1e-9);
  assert_near(a->feature_outputs, b->feature_outputs, 2 * k, 1e-9);
  assert_near(a->feature_coefficients, b->feature_coefficients, 4 * k, 1e-9);
  assert_close(a->dominant_coefficient.mean, b->dominant_coefficient.mean, 1e-9);
  assert_close(a->background.max, b->background.max, 1e-9);
}

/* Held and Gram form on the same data after 200 steps, and with the data given up. */
static void check_forms(cutlab_context *context, const char *settings) {
  cutlab_experiment *x = configure(context, "quick", shape);
  configure_change(context, x, settings);
  configure_change(context, x, "form=held");
  cutlab_simulation *held = start(context, x, NULL);
  configure_change(context, x, "form=gram");
  cutlab_simulation *gram = start(context, x, held->data), *drawn = start(context, x, NULL);
  assert_true(held->form == CUTLAB_FORM_HELD && gram->form == CUTLAB_FORM_GRAM);
  for (int part = 0; part < 2; ++part) {
    cutlab_measurement m = measure(held), g = measure(gram), d = measure(drawn);
    assert_same_measurement(&g, &m);
    assert_true(g.loss == d.loss);
    assert_near(gram->inner, held->inner, held->filter_count * held->patch_count, 1e-9);
    assert_near(gram->biases, held->biases, held->filter_count, 1e-9);
    cutlab_measurement_clear(&m);
    cutlab_measurement_clear(&g);
    cutlab_measurement_clear(&d);
    step(held, 200);
    step(gram, 200);
    step(drawn, 200);
  }
  cutlab_simulation_free(gram);
  cutlab_simulation_free(drawn);
  cutlab_simulation_free(held);
  cutlab_experiment_free(x);
}

static void test_forms_agree(void **state) {
  for (int k = 0; k < activation_count; ++k) check_forms(*state, activations[k]);
  check_forms(*state, "activation=relu; initialisation=uniform; filters=10");
  check_forms(*state, "activation=gelu; noise=orthogonal; features=orthonormal; bias=no");
  check_forms(*state, "activation=relu; method=cutmix; filters=1; bias=no");
  check_forms(*state, "method=cutout; filters=17; examples=5");
}

/* Steps in dense form and without it, in every instruction set; the same bits however they are
   divided. */
static void check_dense(cutlab_context *context, const char *settings) {
  cutlab_experiment *x = configure(context, "quick", shape);
  configure_change(context, x, "form=gram; label_flips=.3");
  configure_change(context, x, settings);
  cutlab_simulation *dense = start(context, x, NULL), *parts = start(context, x, NULL);
  cutlab_simulation *plain = start(context, x, NULL);
  assert_non_null(dense->dense);
  cutlab_dense_free(plain->dense);
  plain->dense = NULL;
  int64_t all = plain->filter_count * plain->patch_count;
  for (int round = 0; round < 3; ++round) {
    step(dense, 10);
    step(parts, 1);
    step(parts, 9);
    step(plain, 10);
    assert_close(cutlab_simulation_gradient_norm(dense), cutlab_simulation_gradient_norm(plain),
                 1e-10 * cutlab_simulation_gradient_norm(plain));
    assert_near(dense->coefficients, plain->coefficients, all, 1e-10);
    assert_near(dense->coordinates, plain->coordinates, plain->filter_count * plain->data->columns,
                1e-10);
    assert_near(dense->noise_inner, plain->noise_inner,
                plain->filter_count * plain->data->noise_rows, 1e-10);
    assert_near(dense->biases, plain->biases, plain->filter_count, 1e-10);
    assert_memory_equal(dense->coefficients, parts->coefficients, (size_t)all * 8);
    assert_memory_equal(dense->biases, parts->biases, (size_t)plain->filter_count * 8);
  }
  cutlab_simulation_free(dense);
  cutlab_simulation_free(parts);
  cutlab_simulation_free(plain);
  cutlab_experiment_free(x);
}

static void test_dense_steps(void **state) {
  static const cutlab_isa sets[] = {CUTLAB_ISA_PORTABLE, CUTLAB_ISA_AVX2, CUTLAB_ISA_AVX512};
  for (int k = 0; k < 3; ++k) {
    if (!cutlab_kernels_for(sets[k])) continue;
    cutlab_context_set_isa(*state, sets[k]);
    for (int a = 0; a < activation_count; ++a) check_dense(*state, activations[a]);
    check_dense(*state, "activation=relu; initialisation=uniform; filters=10; form=wishart; "
                        "dimension=80");
    check_dense(*state, "activation=leaky_relu; noise=orthogonal; features=orthonormal; alpha=.5");
    check_dense(*state, "activation=relu; bias=no; method=cutmix; filters=2");
    check_dense(*state, "activation=relu; method=cutout; objective=sampled; signal=0");
  }
}

/* A step that fails leaves the state where it was. */
static void test_dense_divergence(void **state) {
  cutlab_experiment *x = configure(*state, "quick", shape);
  configure_change(*state, x, "form=gram; activation=leaky_relu");
  x->signal = 1e200; /* whose square is not finite */
  cutlab_simulation *s = start(*state, x, NULL);
  assert_non_null(s->dense);
  assert_int_equal(cutlab_simulation_step(s, 20), CUTLAB_ERROR_NUMERIC);
  assert_message(*state, "the gradient is not finite");
  assert_true(s->iteration == 0);
  assert_memory_equal(s->noise_inner, s->first_noise_inner,
                      (size_t)(s->filter_count * s->data->noise_rows) * 8);
  for (int64_t k = 0; k < s->filter_count * s->patch_count; ++k)
    assert_true(s->coefficients[k] == 0);
  cutlab_simulation_free(s);
  cutlab_experiment_free(x);
}

/* With and without the dense form, of other objectives, of filters too large for fresh points. */
static void test_divergence_is_named(void **state) {
  static const char *const worlds[] = {
      "learning_rate=1e9; activation=relu_power",
      "learning_rate=1e9; activation=relu_power; examples=8; filters=3; form=gram",
      "learning_rate=1e9; activation=relu_power; objective=sampled",
      "learning_rate=1e4; activation=relu_power; method=mixup; examples=8",
      "learning_rate=1e9; activation=relu_power; method=mixup; examples=8; objective=sampled",
      "learning_rate=1e300; activation=relu; filters=2; monte_carlo=100"};
  for (int w = 0; w < 6; ++w) {
    cutlab_measurement m;
    cutlab_simulation *s = start_with(*state, worlds[w]);
    assert_true((s->dense != NULL) == (w == 1));
    cutlab_status status = cutlab_simulation_step(s, 20);
    if (status == CUTLAB_OK) status = cutlab_simulation_measure(s, &m);
    assert_int_equal(status, CUTLAB_ERROR_NUMERIC);
    assert_message(*state, "diverged by iteration ");
    assert_message(*state, " with learning_rate 1");
    cutlab_simulation_free(s);
  }
}

/* An error that is out of reach at moderate outputs is no divergence. */
static void test_tolerance_out_of_reach_is_no_divergence(void **state) {
  cutlab_simulation *s = start_with(*state, "patches=20; path=fourier; learning_rate=1e3");
  assert_int_equal(cutlab_simulation_step(s, 30), CUTLAB_ERROR_NUMERIC);
  assert_true(cutlab_simulation_iteration(s) > 0);
  assert_message(*state, "path fourier cannot keep its error below");
  assert_null(strstr(cutlab_context_message(*state), "diverged"));
  cutlab_simulation_free(s);
}

/* Data in Gram form drawn directly have the law of data drawn in R^d: means over seeds of what
   filters and noise are to each other, before and after some steps. */
typedef struct moments {
  double sum, square;
} moments;

enum { statistics = 7 };

static void add_statistics(cutlab_context *context, cutlab_experiment *x, moments *all) {
  cutlab_simulation *s = start(context, x, NULL);
  cutlab_measurement m = measure(s);
  int64_t n = s->data->noise_rows;
  double v[statistics] = {0};
  for (int64_t r = 0; r < n; ++r) {
    double a = s->noise_inner[r], b = s->noise_inner[n + r];
    v[0] += a * a, v[1] += a * b, v[2] += a * a * a * a;
  }
  v[3] = s->gram[1] * s->gram[1], v[4] = s->gram[0];
  v[5] = m.gradient_norm;
  cutlab_measurement_clear(&m);
  step(s, 20);
  m = measure(s);
  v[6] = m.loss;
  cutlab_measurement_clear(&m);
  for (int k = 0; k < statistics; ++k) all[k].sum += v[k], all[k].square += v[k] * v[k];
  cutlab_simulation_free(s);
}

static void test_wishart_has_the_law_of_gram(void **state) {
  enum { draws = 1500 };
  static const char *const worlds[] = {"initialisation=uniform", "initialisation=gaussian"};
  for (int w = 0; w < 2; ++w) {
    moments all[2][statistics] = {{{0}}};
    for (int form = 0; form < 2; ++form) {
      cutlab_experiment *x = configure(*state, "quick", shape);
      configure_change(*state, x, "examples=4; dimension=16; patches=2; sigma_d=1; sigma_0=.25");
      configure_change(*state, x, worlds[w]);
      configure_change(*state, x,
                       form ? "form=wishart; features=opposite; frequencies=[1]"
                            : "form=gram; features=opposite; frequencies=[1]");
      for (int t = 0; t < draws; ++t) {
        x->seed = (uint64_t)(t + form * draws);
        add_statistics(*state, x, all[form]);
      }
      cutlab_experiment_free(x);
    }
    for (int k = 0; k < statistics; ++k) {
      double mean[2], variance = 0;
      for (int form = 0; form < 2; ++form) {
        mean[form] = all[form][k].sum / draws;
        variance += (all[form][k].square / draws - mean[form] * mean[form]) / draws;
      }
      if (!(fabs(mean[0] - mean[1]) <= 4.5 * sqrt(variance)))
        fail_msg("%s, statistic %d: %g and %g, deviation %g", worlds[w], k, mean[0], mean[1],
                 sqrt(variance));
    }
  }
}

/* The inner products of uniform filters that pass by are those of the filters themselves. */
static void test_uniform_filters(void **state) {
  cutlab_experiment *x =
      configure(*state, "quick", "initialisation=uniform; filters=10; examples=2");
  configure_change(*state, x, "dimension=1201");
  cutlab_simulation *drawn = start(*state, x, NULL);
  configure_change(*state, x, "form=held");
  cutlab_simulation *held = start(*state, x, NULL);
  double *gram = calloc(400, 8), bound = 1 / sqrt(1201), sum = 0, square = 0;
  cutlab_held_noise_gram(held, gram);
  for (int f = 0; f < 20; ++f)
    for (int g = 0; g <= f; ++g)
      assert_close(drawn->first_noise_gram[f * 20 + g], gram[f * 20 + g], 1e-14);
  assert_memory_equal(drawn->coordinates, held->coordinates, 20 * 6 * sizeof(double));
  for (int i = 0; i < 20 * 1201; ++i) {
    double u = held->filters[i] / bound;
    assert_true(u > -1 && u < 1);
    sum += u, square += u * u;
  }
  assert_close(sum / 24020, 0, 4.5 / sqrt(3 * 24020.));
  assert_close(square / 24020, 1. / 3, 4.5 * sqrt(4. / 45 / 24020));
  free(gram);
  cutlab_simulation_free(drawn);
  cutlab_simulation_free(held);
  cutlab_experiment_free(x);
}

/* ---- fresh points ---- */

/* Points drawn in R^d from the definition and pushed through the filters. */
static void push_points(const cutlab_simulation *s, int points, double *accuracy, double *error) {
  const struct cutlab_experiment *x = &s->experiment;
  const cutlab_dataset *data = s->data;
  cutlab_random random = cutlab_random_make(77, 1, 0, 0, 0);
  double *patch = calloc((size_t)data->dimension, 8);
  int right = 0, wrong = 0;
  for (int t = 0; t < points; ++t) {
    int y = cutlab_random_uniform(&random) < x->balance ? 1 : -1, k = 0;
    for (double u = cutlab_random_uniform(&random); (u -= x->frequencies[k]) >= 0;) ++k;
    int side = cutlab_random_uniform(&random) < .5 ? 1 : -1;
    double f = 0;
    for (int p = 0; p < x->patches; ++p) {
      int sign = p == 0 ? y : side, place = p == 0 ? k : 0;
      double size = p == 0 ? x->signal : p == 1 ? x->alpha : 0;
      double sigma = p == 0 ? 0 : p == 1 ? x->sigma_d : x->sigma_b;
      for (int64_t c = 0; c < data->dimension; ++c) {
        double noise = cutlab_random_normal(&random);
        patch[c] = c < data->columns && !x->full_noise ? 0 : sigma * noise;
      }
      if (x->opposite)
        patch[place] += sign * size;
      else
        patch[place + (sign < 0 ? x->feature_count : 0)] += size;
      for (int g = 0; g < s->filter_count; ++g) {
        double z = s->biases[g];
        for (int64_t c = 0; c < data->dimension; ++c)
          z += s->filters[g * data->dimension + c] * patch[c];
        f += (g < s->filter_count / 2 ? 1 : -1) * plain_activation(s->activation, z);
      }
    }
    right += y * f > 0;
    if (cutlab_random_uniform(&random) < x->label_flips) y = -y;
    wrong += y * f <= 0;
  }
  free(patch);
  *accuracy = (double)right / points;
  *error = (double)wrong / points;
}

static void test_fresh_points(void **state) {
  enum { pushed = 20000, drawn = 100000 };
  static const char *const worlds[] = {
      "activation=relu; initialisation=uniform; signal=2",
      "activation=gelu; noise=orthogonal; features=orthonormal; alpha=.5",
      "activation=odd_power; balance=.7; patches=4; label_flips=.3",
      "activation=relu; filters=1; bias=no; features=orthonormal; signal=.7",
      "activation=leaky_relu; filters=1; bias=no; signal=.5; alpha=.4",
      "activation=smoothed_leaky_relu; r=.5; filters=1; bias=no; label_flips=0; signal=.7"};
  for (int w = 0; w < 6; ++w) {
    cutlab_experiment *x = configure(*state, "quick", shape);
    configure_change(*state, x, "sigma_d=.5; sigma_b=.4; form=held; monte_carlo=100000");
    configure_change(*state, x, worlds[w]);
    cutlab_simulation *s = start(*state, x, NULL);
    step(s, 60);
    double accuracy, error;
    push_points(s, pushed, &accuracy, &error);
    cutlab_measurement m = measure(s);
    double deviation = sqrt(.25 / pushed + .25 / drawn);
    assert_close(m.monte_carlo_accuracy, accuracy, 4.5 * deviation);
    assert_close(m.test_error, error, 4.5 * deviation);
    assert_close(m.monte_carlo_standard_error,
                 sqrt(m.monte_carlo_accuracy * (1 - m.monte_carlo_accuracy) / drawn), 1e-15);
    double expected = 1 - m.monte_carlo_accuracy;
    expected += x->label_flips * (1 - 2 * expected);
    assert_close(m.test_error, expected, 4.5 * sqrt(.25 / drawn));
    double mean = 0;
    for (int v = 0; v < 6; ++v)
      mean += (v < 3 ? x->balance : 1 - x->balance) * x->frequencies[v % 3] *
              m.population_accuracy_by_feature[v];
    assert_close(mean, m.monte_carlo_accuracy, 4.5 * sqrt(.25 / drawn));
    assert_true(w < 3 ? isnan(m.population_accuracy) : isfinite(m.population_accuracy));
    if (w >= 3) assert_close(m.population_accuracy, accuracy, 4.5 * sqrt(.25 / pushed));
    cutlab_context_set_threads(*state, 3);
    cutlab_measurement again = measure(s);
    cutlab_context_set_threads(*state, 1);
    assert_true(again.test_error == m.test_error);
    cutlab_measurement_clear(&again);
    cutlab_measurement_clear(&m);
    x->monte_carlo = 0;
    s->experiment.monte_carlo = 0;
    m = measure(s);
    assert_true(isnan(m.test_error) && isnan(m.monte_carlo_accuracy));
    if (w < 3) assert_true(isnan(m.population_accuracy_by_feature[0]));
    cutlab_measurement_clear(&m);
    cutlab_simulation_free(s);
    cutlab_experiment_free(x);
  }
}

/* ---- what is not defined ---- */

static void test_undefined_is_nan(void **state) {
  static const char *const worlds[] = {"position_bias=.9",      "position_bias=1",
                                       "subsets=contiguous",    "label_flips=.3",
                                       "activation=sigmoid",    "activation=sigmoid; filters=2",
                                       "activation=relu_power", "filters=3"};
  static const bool even[] = {true, false, false, false, false, true, true, true};
  static const bool optimum[] = {true, true, false, false, false, true, true, true};
  for (int w = 0; w < 8; ++w) {
    cutlab_experiment *x = configure(*state, "quick", worlds[w]);
    cutlab_simulation *s = start(*state, x, NULL);
    cutlab_measurement m = measure(s);
    assert_true(isfinite(m.evenness) == even[w] && isfinite(m.evenness_feature) == even[w]);
    assert_true(isfinite(cutlab_simulation_optimum(s)->loss) == optimum[w]);
    assert_true(cutlab_simulation_optimum(s)->exists == optimum[w]);
    cutlab_measurement_clear(&m);
    cutlab_simulation_free(s);
    cutlab_experiment_free(x);
  }
}

/* With the feature in one place CutMix goes on to fall below no bound that it should not: the loss
   converges to that of the optimum, though outputs need not be even. */
static void test_fixed_position(void **state) {
  cutlab_experiment *x =
      configure(*state, "quick", "position_bias=1; method=cutmix; iterations=3000");
  configure_change(*state, x, "sampling=stratified; sigma_d=.5; sigma_b=.4");
  cutlab_simulation *s = start(*state, x, NULL);
  step(s, 3000);
  cutlab_measurement m = measure(s);
  double least = cutlab_simulation_optimum(s)->loss;
  assert_true(m.loss >= least && m.loss < least + 1e-3);
  cutlab_measurement_clear(&m);
  cutlab_simulation_free(s);
  cutlab_experiment_free(x);
}

static void test_theory_is_for_its_world(void **state) {
  static const struct {
    const char *settings;
    double expected;
  } worlds[] = {{"method=erm", .9},
                {"method=cutout", .975},
                {"method=cutmix; sampling=stratified", 1},
                {"method=cutout; patches=5; cut_size=2", .975},
                {"method=erm; objective=sampled", .9},
                {"method=cutmix; balance=.8", NAN},
                {"method=erm; balance=1", NAN},
                {"method=cutmix; patches=2", NAN},
                {"method=erm; patches=2", NAN},
                {"method=cutout; cut_size=2", NAN},
                {"method=cutout; patches=4; cut_size=2", NAN},
                {"method=cutmix; objective=sampled", NAN},
                {"method=cutmix; alpha=0", NAN},
                {"method=cutmix; sigma_d=.1", NAN},
                {"method=cutmix; filters=2", NAN}};
  static const char key[] = "\"theory_accuracy\": ";
  for (size_t w = 0; w < sizeof worlds / sizeof *worlds; ++w) {
    char *result;
    cutlab_experiment *x = configure(*state, "quick", worlds[w].settings);
    configure_change(*state, x, "iterations=1");
    assert_int_equal(cutlab_run_execute(*state, &result, x, NULL, NULL), CUTLAB_OK);
    const char *at = strstr(result, key);
    assert_non_null(at);
    at += sizeof key - 1;
    if (isnan(worlds[w].expected))
      assert_int_equal(strncmp(at, "null", 4), 0);
    else
      assert_close(strtod(at, NULL), worlds[w].expected, 1e-12);
    cutlab_free(result);
    cutlab_experiment_free(x);
  }
}

/* ---- states ---- */

static void test_states_continue(void **state) {
  static const char *const worlds[] = {"form=held", "form=wishart", "form=gram; bias=no",
                                       "form=wishart; objective=sampled; method=cutmix",
                                       "form=gram; method=mixup; mixup=midpoint; activation=relu"};
  char *folder = temporary_make(), path[128];
  assert_non_null(folder);
  snprintf(path, sizeof path, "%s/state.npz", folder);
  for (int w = 0; w < 5; ++w) {
    cutlab_experiment *x = configure(*state, "quick", shape);
    configure_change(*state, x, "dimension=60; monte_carlo=500; initialisation=uniform");
    configure_change(*state, x, worlds[w]);
    cutlab_simulation *whole = start(*state, x, NULL), *rest = start(*state, x, NULL);
    step(whole, 15);
    assert_int_equal(cutlab_simulation_write_state(whole, path), CUTLAB_OK);
    step(rest, 3);
    if (cutlab_simulation_read_state(rest, path) != CUTLAB_OK)
      fail_msg("%s", cutlab_context_message(*state));
    step(whole, 15);
    step(rest, 15);
    cutlab_measurement a = measure(whole), b = measure(rest);
    assert_true(a.loss == b.loss && a.gradient_norm == b.gradient_norm);
    assert_true(a.test_error == b.test_error);
    assert_memory_equal(whole->inner, rest->inner,
                        (size_t)(whole->filter_count * whole->patch_count) * 8);
    assert_memory_equal(whole->biases, rest->biases, (size_t)whole->filter_count * 8);
    cutlab_measurement_clear(&a);
    cutlab_measurement_clear(&b);
    cutlab_simulation_free(rest);
    static const char *const others[] = {"activation=gelu", "power=5",       "signal=1.4",
                                         "label_flips=0",   "mixup_alpha=2", "subsets=contiguous"};
    for (int k = 0; k < 6; ++k) {
      cutlab_experiment *y;
      assert_int_equal(cutlab_experiment_copy(*state, &y, x), CUTLAB_OK);
      configure_change(*state, y, others[k]);
      rest = start(*state, y, NULL);
      assert_int_equal(cutlab_simulation_read_state(rest, path), CUTLAB_ERROR_FORMAT);
      cutlab_simulation_free(rest);
      cutlab_experiment_free(y);
    }
    cutlab_simulation_free(whole);
    cutlab_experiment_free(x);
  }
  assert_int_equal(temporary_remove(folder), 0);
}

/* ---- Mixup ---- */

/* The midpoints of all pairs as data of their own: the loss in between is that of both labels. */
static void test_midpoint_mixup(void **state) {
  cutlab_experiment *x = configure(*state, "quick", shape);
  configure_change(*state, x, "method=mixup; mixup=midpoint; activation=gelu; form=held");
  cutlab_simulation *s = start(*state, x, NULL);
  step(s, 5);
  cutlab_measurement m = measure(s);
  const cutlab_dataset *data = s->data;
  double loss = 0, n = (double)data->examples;
  for (int64_t i = 0; i < data->examples; ++i)
    for (int64_t j = 0; j < data->examples; ++j) {
      double f = 0;
      for (int64_t p = 0; p < data->patches; ++p)
        for (int k = 0; k < s->filter_count; ++k) {
          const double *inner = s->inner + k * s->patch_count;
          double z = (inner[i * data->patches + p] + inner[j * data->patches + p]) / 2;
          f += cutlab_filter_sign(s, k) * plain_activation(s->activation, z);
        }
      loss += (log1p(exp(-data->labels[i] * f)) + log1p(exp(-data->labels[j] * f))) / (2 * n * n);
    }
  assert_close(m.loss, loss, 1e-12);
  double first = m.loss;
  cutlab_measurement_clear(&m);
  step(s, 100);
  m = measure(s);
  assert_true(m.loss < first);
  cutlab_measurement_clear(&m);
  cutlab_simulation_free(s);
  cutlab_experiment_free(x);
}

/* Every preset trains, and what it measures is defined where it should be. */
static void test_presets_train(void **state) {
  const char *name;
  for (int i = 3; (name = cutlab_experiment_preset(i, NULL)); ++i) {
    cutlab_experiment *x = configure(*state, name, "examples=12; iterations=20");
    cutlab_simulation *s = start(*state, x, NULL);
    cutlab_measurement before = measure(s);
    step(s, 20);
    cutlab_measurement after = measure(s);
    assert_true(after.loss < before.loss);
    assert_true(isfinite(after.test_error) == (x->monte_carlo > 0));
    cutlab_measurement_clear(&before);
    cutlab_measurement_clear(&after);
    cutlab_simulation_free(s);
    cutlab_experiment_free(x);
  }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, context_up, context_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_activations),
      TEST(test_cholesky),
      TEST(test_layout),
      TEST(test_position_bias),
      TEST(test_files),
      TEST(test_gradient_is_central_differences),
      TEST(test_forms_agree),
      TEST(test_dense_steps),
      TEST(test_dense_divergence),
      TEST(test_divergence_is_named),
      TEST(test_tolerance_out_of_reach_is_no_divergence),
      TEST(test_wishart_has_the_law_of_gram),
      TEST(test_uniform_filters),
      TEST(test_fresh_points),
      TEST(test_undefined_is_nan),
      TEST(test_fixed_position),
      TEST(test_theory_is_for_its_world),
      TEST(test_states_continue),
      TEST(test_midpoint_mixup),
      TEST(test_presets_train),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
