/* Objectives: every fast path against brute force, gradients against finite differences, threads
   and instruction sets against each other, sampled against exact. */
#include <math.h>

#include <cutlab/cutlab.h>

#include "fixture.h"

enum { max_examples = 400, max_patches = 8 };

typedef struct problem {
  int64_t examples;
  int patches;
  int8_t labels[max_examples];
  double outputs[max_examples * max_patches];
} problem;

static problem make_problem(uint64_t seed, int64_t examples, int patches, double scale) {
  problem p = {.examples = examples, .patches = patches};
  cutlab_random random = cutlab_random_make(seed, 1, 0, 0, 0);
  for (int64_t i = 0; i < examples; ++i) p.labels[i] = cutlab_random_uniform(&random) < .4 ? 1 : -1;
  for (int64_t i = 0; i < examples * patches; ++i)
    p.outputs[i] = scale * (.3 + cutlab_random_normal(&random));
  return p;
}

typedef struct value {
  double loss, gradient[max_examples * max_patches];
  cutlab_objective_report report;
} value;

static value evaluate(cutlab_context *context, const problem *p, cutlab_objective_options options) {
  cutlab_objective *objective;
  value v;
  assert_int_equal(
      cutlab_objective_create(context, &objective, &options, p->labels, p->examples, p->patches),
      CUTLAB_OK);
  assert_int_equal(cutlab_objective_evaluate(objective, &v.loss, v.gradient, &v.report, p->outputs),
                   CUTLAB_OK);
  cutlab_objective_free(objective);
  return v;
}

static double largest(const double *x, int64_t count) {
  double m = 0;
  for (int64_t i = 0; i < count; ++i) m = fmax(m, fabs(x[i]));
  return m;
}

static void assert_same(const value *a, const value *b, int64_t count, double tolerance) {
  double scale = largest(b->gradient, count);
  assert_true(fabs(a->loss - b->loss) <= tolerance * fabs(b->loss));
  for (int64_t i = 0; i < count; ++i)
    assert_true(fabs(a->gradient[i] - b->gradient[i]) <= tolerance * scale);
}

static cutlab_context *context_of(void **state) {
  return *state;
}

static void check_case(cutlab_context *context, cutlab_method method, int patches, int cut_size,
                       double scale) {
  problem p = make_problem((uint64_t)(100 * patches + cut_size), 23, patches, scale);
  cutlab_objective_options options = {method, cut_size, CUTLAB_PATH_BRUTE, 1e-14,
                                      CUTLAB_SUBSETS_ARBITRARY};
  value reference = evaluate(context, &p, options);
  static const cutlab_path paths[] = {CUTLAB_PATH_DIRECT, CUTLAB_PATH_CHEBYSHEV, CUTLAB_PATH_AUTO};
  for (int i = 0; i < 3; ++i) {
    options.path = paths[i];
    value v = evaluate(context, &p, options);
    if (method == CUTLAB_CUTMIX && paths[i] != CUTLAB_PATH_AUTO)
      assert_int_equal(v.report.path, paths[i]);
    assert_same(&v, &reference, p.examples * patches, 1e-12);
  }
}

static void test_paths_equal_brute_force(void **state) {
  static const cutlab_isa sets[] = {CUTLAB_ISA_PORTABLE, CUTLAB_ISA_AVX2, CUTLAB_ISA_AVX512};
  static const double scales[] = {.01, 1, 5};
  for (int isa = 0; isa < 3; ++isa) {
    if (cutlab_context_set_isa(context_of(state), sets[isa]) != CUTLAB_OK) continue;
    for (int patches = 2; patches <= 6; ++patches)
      for (int s = 0; s < 3; ++s) {
        check_case(*state, CUTLAB_ERM, patches, 0, scales[s]);
        check_case(*state, CUTLAB_CUTMIX, patches, 0, scales[s]);
        for (int cut = 1; cut < patches; ++cut)
          check_case(*state, CUTLAB_CUTOUT, patches, cut, scales[s]);
      }
  }
}

static void test_outputs_all_equal(void **state) {
  problem p = make_problem(1, 30, 3, 0);
  cutlab_objective_options options = {CUTLAB_CUTMIX, 0, CUTLAB_PATH_BRUTE, 1e-12,
                                      CUTLAB_SUBSETS_ARBITRARY};
  value reference = evaluate(*state, &p, options);
  options.path = CUTLAB_PATH_CHEBYSHEV;
  value v = evaluate(*state, &p, options);
  assert_same(&v, &reference, 90, 1e-12);
}

/* Outputs in the hundreds and thousands overflow plain exponentials. */
static void test_huge_outputs(void **state) {
  static const double scales[] = {100, 400, 3000, 1e6};
  for (int k = 0; k < 4; ++k) {
    problem p = make_problem(2, 30, 3, scales[k]);
    cutlab_objective_options options = {CUTLAB_CUTMIX, 0, CUTLAB_PATH_BRUTE, 1e-12,
                                        CUTLAB_SUBSETS_ARBITRARY};
    value reference = evaluate(*state, &p, options);
    options.path = CUTLAB_PATH_AUTO;
    value v = evaluate(*state, &p, options);
    assert_int_equal(v.report.path, CUTLAB_PATH_DIRECT);
    assert_same(&v, &reference, 90, 1e-12);
  }
}

/* A narrow spread far from 0: few nodes, and exponentials of hundreds. */
static void test_distant_outputs(void **state) {
  problem p = make_problem(2, 390, 3, 1);
  for (int64_t i = 0; i < p.examples; ++i) {
    p.outputs[i * 3] += 700;
    p.outputs[i * 3 + 1] -= 300;
    p.outputs[i * 3 + 2] -= 400;
  }
  cutlab_objective_options options = {CUTLAB_CUTMIX, 0, CUTLAB_PATH_DIRECT, 1e-13,
                                      CUTLAB_SUBSETS_ARBITRARY};
  value direct = evaluate(*state, &p, options);
  options.path = CUTLAB_PATH_CHEBYSHEV;
  value v = evaluate(*state, &p, options);
  options.path = CUTLAB_PATH_BRUTE;
  value reference = evaluate(*state, &p, options);
  assert_same(&direct, &reference, 390 * 3, 1e-12);
  assert_same(&v, &reference, 390 * 3, 1e-12);
}

static void check_differences(cutlab_context *context, cutlab_objective_options options) {
  problem p = make_problem(3, 9, 4, 1.5);
  value at = evaluate(context, &p, options);
  double step = 1e-5;
  for (int64_t i = 0; i < p.examples * p.patches; ++i) {
    problem up = p, down = p;
    up.outputs[i] += step;
    down.outputs[i] -= step;
    double slope = (evaluate(context, &up, options).loss - evaluate(context, &down, options).loss) /
                   (2 * step);
    assert_true(fabs(slope - at.gradient[i]) < 1e-9);
  }
}

static void test_gradients_are_central_differences(void **state) {
  static const cutlab_path paths[] = {CUTLAB_PATH_BRUTE, CUTLAB_PATH_DIRECT, CUTLAB_PATH_CHEBYSHEV};
  for (int i = 0; i < 3; ++i) {
    check_differences(*state, (cutlab_objective_options){CUTLAB_ERM, 0, paths[i], 1e-13,
                                                         CUTLAB_SUBSETS_ARBITRARY});
    check_differences(*state, (cutlab_objective_options){CUTLAB_CUTOUT, 1, paths[i], 1e-13,
                                                         CUTLAB_SUBSETS_ARBITRARY});
    check_differences(*state, (cutlab_objective_options){CUTLAB_CUTOUT, 3, paths[i], 1e-13,
                                                         CUTLAB_SUBSETS_ARBITRARY});
    check_differences(*state, (cutlab_objective_options){CUTLAB_CUTMIX, 0, paths[i], 1e-13,
                                                         CUTLAB_SUBSETS_ARBITRARY});
  }
}

/* The tolerance is a bound on each sigmoid, so on each gradient entry times n and its weight. */
static void test_chebyshev_meets_its_tolerance(void **state) {
  problem p = make_problem(4, 300, 3, 2);
  cutlab_objective_options options = {CUTLAB_CUTMIX, 0, CUTLAB_PATH_DIRECT, 1e-12,
                                      CUTLAB_SUBSETS_ARBITRARY};
  value exact = evaluate(*state, &p, options);
  options.path = CUTLAB_PATH_CHEBYSHEV;
  int last_nodes = 1 << 20;
  for (double tolerance = 1e-13; tolerance < 1e-2; tolerance *= 100) {
    options.tolerance = tolerance;
    value v = evaluate(*state, &p, options);
    assert_true(v.report.error_bound <= tolerance + 3e-11);
    assert_true(v.report.nodes < last_nodes);
    last_nodes = v.report.nodes;
    assert_true(fabs(v.loss - exact.loss) <= tolerance + 1e-15);
    for (int64_t i = 0; i < 900; ++i)
      assert_true(fabs(v.gradient[i] - exact.gradient[i]) <= 2 * tolerance / 300 + 1e-16);
  }
}

static void test_chebyshev_says_when_it_cannot(void **state) {
  problem p = make_problem(5, 20, 2, 50);
  cutlab_objective_options options = {CUTLAB_CUTMIX, 0, CUTLAB_PATH_CHEBYSHEV, 1e-15,
                                      CUTLAB_SUBSETS_ARBITRARY};
  cutlab_objective *objective;
  assert_int_equal(cutlab_objective_create(*state, &objective, &options, p.labels, 20, 2),
                   CUTLAB_OK);
  double loss;
  assert_int_equal(cutlab_objective_evaluate(objective, &loss, NULL, NULL, p.outputs),
                   CUTLAB_ERROR_NUMERIC);
  assert_non_null(strstr(cutlab_context_message(*state), "path=auto"));
  cutlab_objective_free(objective);
}

static void test_threads_give_the_same_bits(void **state) {
  problem p = make_problem(6, 397, 4, 1);
  for (cutlab_method method = CUTLAB_ERM; method <= CUTLAB_CUTMIX; ++method)
    for (cutlab_path path = CUTLAB_PATH_DIRECT; path <= CUTLAB_PATH_CHEBYSHEV; ++path) {
      cutlab_objective_options options = {method, 1, path, 1e-12, CUTLAB_SUBSETS_ARBITRARY};
      cutlab_context_set_threads(*state, 1);
      value one = evaluate(*state, &p, options);
      for (int threads = 2; threads <= 5; ++threads) {
        cutlab_context_set_threads(*state, threads);
        value many = evaluate(*state, &p, options);
        assert_memory_equal(&one.loss, &many.loss, sizeof one.loss);
        assert_memory_equal(one.gradient, many.gradient, sizeof(double) * 397 * 4);
      }
    }
  cutlab_context_set_threads(*state, 1);
}

static void test_sampled_agrees_in_expectation(void **state) {
  enum { draws = 20000, n = 8, patches = 3 };
  problem p = make_problem(7, n, patches, 1);
  for (cutlab_method method = CUTLAB_ERM; method <= CUTLAB_CUTMIX; ++method) {
    cutlab_objective_options options = {method, 1, CUTLAB_PATH_AUTO, 1e-12,
                                        CUTLAB_SUBSETS_ARBITRARY};
    value exact = evaluate(*state, &p, options);
    cutlab_objective *objective;
    cutlab_objective_create(*state, &objective, &options, p.labels, n, patches);
    double mean[n * patches] = {0}, square[n * patches] = {0}, loss_mean = 0, loss_square = 0;
    for (int t = 0; t < draws; ++t) {
      double loss, gradient[n * patches];
      cutlab_objective_sample(objective, &loss, gradient, p.outputs, 5, t);
      loss_mean += loss / draws;
      loss_square += loss * loss / draws;
      for (int i = 0; i < n * patches; ++i) {
        mean[i] += gradient[i] / draws;
        square[i] += gradient[i] * gradient[i] / draws;
      }
    }
    double error = sqrt(fmax(0, loss_square - loss_mean * loss_mean) / draws);
    assert_true(fabs(loss_mean - exact.loss) <= 4.5 * error + 1e-12);
    for (int i = 0; i < n * patches; ++i) {
      error = sqrt(fmax(0, square[i] - mean[i] * mean[i]) / draws);
      assert_true(fabs(mean[i] - exact.gradient[i]) <= 4.5 * error + 1e-12);
    }
    cutlab_objective_free(objective);
  }
}

static void test_optimum_is_stationary(void **state) {
  problem p = {.examples = 30, .patches = 3};
  for (int i = 0; i < 30; ++i) p.labels[i] = i < 11 ? 1 : -1;
  cutlab_optimum_point z;
  assert_int_equal(cutlab_optimum(*state, &z, 3, 11, 30), CUTLAB_OK);
  for (int i = 0; i < 90; ++i) p.outputs[i] = i < 33 ? z.positive : -z.negative;
  cutlab_objective_options options = {CUTLAB_CUTMIX, 0, CUTLAB_PATH_BRUTE, 1e-12,
                                      CUTLAB_SUBSETS_ARBITRARY};
  value v = evaluate(*state, &p, options);
  assert_true(fabs(v.loss - z.loss) < 1e-13);
  assert_true(largest(v.gradient, 90) < 1e-14);
}

static void test_optimum_values(void **state) {
  static const struct {
    int patches;
    double z, loss;
  } known[] = {{3, 1.395400, .182933},
               {4, .993129, .207399},
               {5, .771372, .221560},
               {8, .464447, .241959},
               {16, .226260, .258246}};
  cutlab_optimum_point z;
  for (int i = 0; i < 5; ++i) {
    assert_int_equal(cutlab_optimum(*state, &z, known[i].patches, 150, 300), CUTLAB_OK);
    assert_true(fabs(z.positive - known[i].z) < 1e-6 && fabs(z.negative - known[i].z) < 1e-6);
    assert_true(fabs(z.loss - known[i].loss) < 1e-6);
  }
  cutlab_optimum(*state, &z, 3, 154, 300);
  assert_true(fabs(z.positive - 1.39819) < 1e-5 && fabs(z.negative - 1.39296) < 1e-5);
  assert_true(fabs(z.loss - .182812) < 1e-6);
  cutlab_optimum(*state, &z, 2, 150, 300);
  assert_true(!z.exists && isnan(z.positive) && fabs(z.loss - log(2) / 6) < 1e-15);
  cutlab_optimum(*state, &z, 3, 0, 300);
  assert_true(!z.exists && z.loss == 0);
  assert_int_equal(cutlab_optimum(*state, &z, 1, 0, 300), CUTLAB_ERROR_ARGUMENT);
  assert_int_equal(cutlab_optimum(*state, &z, 3, 301, 300), CUTLAB_ERROR_ARGUMENT);
}

static void test_bad_input(void **state) {
  int8_t labels[2] = {1, 0};
  cutlab_objective *objective;
  cutlab_objective_options options = {CUTLAB_ERM, 1, CUTLAB_PATH_AUTO, 1e-12,
                                      CUTLAB_SUBSETS_ARBITRARY};
  assert_int_equal(cutlab_objective_create(*state, &objective, &options, labels, 2, 3),
                   CUTLAB_ERROR_ARGUMENT);
  assert_non_null(strstr(cutlab_context_message(*state), "label of example 1 is 0"));
  labels[1] = -1;
  assert_int_equal(cutlab_objective_create(*state, &objective, &options, labels, 2, 1),
                   CUTLAB_ERROR_ARGUMENT);
  options = (cutlab_objective_options){CUTLAB_CUTOUT, 3, CUTLAB_PATH_AUTO, 1e-12,
                                       CUTLAB_SUBSETS_ARBITRARY};
  assert_int_equal(cutlab_objective_create(*state, &objective, &options, labels, 2, 3),
                   CUTLAB_ERROR_ARGUMENT);
  options =
      (cutlab_objective_options){CUTLAB_ERM, 0, CUTLAB_PATH_AUTO, 1e-12, CUTLAB_SUBSETS_ARBITRARY};
  assert_int_equal(cutlab_objective_create(*state, &objective, &options, labels, 2, 3), CUTLAB_OK);
  double outputs[6] = {0, 0, 0, 0, NAN, 0}, loss;
  assert_int_equal(cutlab_objective_evaluate(objective, &loss, NULL, NULL, outputs),
                   CUTLAB_ERROR_NUMERIC);
  cutlab_objective_free(objective);
}

static void refuse_options(cutlab_context *context, cutlab_objective_options options,
                           const char *message, const char *accepted) {
  static const int8_t labels[] = {1, -1};
  cutlab_objective *objective;
  assert_int_equal(cutlab_objective_create(context, &objective, &options, labels, 2, 3),
                   CUTLAB_ERROR_ARGUMENT);
  assert_null(objective);
  assert_message(context, message);
  assert_message(context, accepted);
}

static void test_unknown_choices_are_refused(void **state) {
  const cutlab_objective_options good = {CUTLAB_CUTMIX, 1, CUTLAB_PATH_AUTO, 1e-12,
                                         CUTLAB_SUBSETS_ARBITRARY};
  cutlab_objective_options options = good;
  options.method = CUTLAB_MIXUP;
  refuse_options(*state, options, "method is CUTLAB_MIXUP", "cutlab_simulation_create");
  options.method = (cutlab_method)9;
  refuse_options(*state, options, "method is 9", "accepted: CUTLAB_ERM");
  options = good;
  options.path = (cutlab_path)8;
  refuse_options(*state, options, "path is 8", "accepted: CUTLAB_PATH_AUTO");
  options = good;
  options.subsets = (cutlab_subsets)5;
  refuse_options(*state, options, "subsets is 5", "accepted: CUTLAB_SUBSETS_ARBITRARY");
}

/* Finite outputs whose sums are not, or are so in one example only, or whose loss is not; and
   outputs that are not. */
static void check_overflow(cutlab_context *context, cutlab_objective_options options) {
  static const double bad[][6] = {{1e308, 0, 0, 1, -1, 0},
                                  {-1e308, 0, 0, 0, 0, 1e308},
                                  {-1e308, -1e308, -1e308, 1e308, 1e308, 1e308},
                                  {0, 0, 0, 0, NAN, 0},
                                  {0, 0, INFINITY, 0, 0, 0}};
  static const int8_t labels[] = {1, -1};
  cutlab_objective *objective;
  assert_int_equal(cutlab_objective_create(context, &objective, &options, labels, 2, 3), CUTLAB_OK);
  for (int k = 0; k < 5; ++k)
    for (int sampled = 0; sampled < 2; ++sampled) {
      double loss = 0, gradient[6];
      cutlab_status status =
          sampled ? cutlab_objective_sample(objective, &loss, gradient, bad[k], 1, 0)
                  : cutlab_objective_evaluate(objective, &loss, gradient, NULL, bad[k]);
      if (k >= 2) assert_int_equal(status, CUTLAB_ERROR_NUMERIC);
      if (status == CUTLAB_ERROR_NUMERIC) continue;
      assert_int_equal(status, CUTLAB_OK);
      assert_true(isfinite(loss));
      for (int i = 0; i < 6; ++i) assert_true(isfinite(gradient[i]));
    }
  cutlab_objective_free(objective);
}

static void test_results_are_finite(void **state) {
  for (int method = CUTLAB_ERM; method <= CUTLAB_CUTMIX; ++method)
    for (int path = CUTLAB_PATH_AUTO; path <= CUTLAB_PATH_FOURIER; ++path)
      for (int subsets = 0; subsets < 2 - (path == CUTLAB_PATH_FOURIER); ++subsets)
        check_overflow(*state,
                       (cutlab_objective_options){(cutlab_method)method, 1, (cutlab_path)path, 1e-9,
                                                  (cutlab_subsets)subsets});
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_paths_equal_brute_force, context_up, context_down),
      cmocka_unit_test_setup_teardown(test_outputs_all_equal, context_up, context_down),
      cmocka_unit_test_setup_teardown(test_huge_outputs, context_up, context_down),
      cmocka_unit_test_setup_teardown(test_distant_outputs, context_up, context_down),
      cmocka_unit_test_setup_teardown(test_gradients_are_central_differences, context_up,
                                      context_down),
      cmocka_unit_test_setup_teardown(test_chebyshev_meets_its_tolerance, context_up, context_down),
      cmocka_unit_test_setup_teardown(test_chebyshev_says_when_it_cannot, context_up, context_down),
      cmocka_unit_test_setup_teardown(test_threads_give_the_same_bits, context_up, context_down),
      cmocka_unit_test_setup_teardown(test_sampled_agrees_in_expectation, context_up, context_down),
      cmocka_unit_test_setup_teardown(test_optimum_is_stationary, context_up, context_down),
      cmocka_unit_test_setup_teardown(test_optimum_values, context_up, context_down),
      cmocka_unit_test_setup_teardown(test_bad_input, context_up, context_down),
      cmocka_unit_test_setup_teardown(test_unknown_choices_are_refused, context_up, context_down),
      cmocka_unit_test_setup_teardown(test_results_are_finite, context_up, context_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
