/* Objectives at sizes that brute force does not reach: sums by waves and runs of patches against
   brute force where that is possible, many examples against few that repeat, 64 patches against
   random samples, and what is said where an error cannot be bounded. */
#include <math.h>

#include <cutlab/cutlab.h>

#include "theory/objective_fourier.h"
#include "theory/quadrature.h"

#include "fixture.h"

typedef struct problem {
  int64_t examples;
  int patches;
  int8_t *labels;
  double *outputs;
} problem;

static problem make_problem(uint64_t seed, int64_t examples, int patches, double scale) {
  problem p = {examples, patches, malloc((size_t)examples),
               malloc((size_t)(examples * patches) * sizeof(double))};
  cutlab_random random = cutlab_random_make(seed, 1, 0, 0, 0);
  for (int64_t i = 0; i < examples; ++i) p.labels[i] = cutlab_random_uniform(&random) < .4 ? 1 : -1;
  for (int64_t i = 0; i < examples * patches; ++i)
    p.outputs[i] = scale * (.3 + cutlab_random_normal(&random));
  return p;
}

static void free_problem(problem *p) {
  free(p->labels);
  free(p->outputs);
}

typedef struct value {
  double loss, *gradient;
  cutlab_objective_report report;
} value;

static value evaluate(cutlab_context *context, const problem *p, cutlab_objective_options options) {
  cutlab_objective *objective;
  value v = {.gradient = malloc((size_t)(p->examples * p->patches) * sizeof(double))};
  assert_int_equal(
      cutlab_objective_create(context, &objective, &options, p->labels, p->examples, p->patches),
      CUTLAB_OK);
  if (cutlab_objective_evaluate(objective, &v.loss, v.gradient, &v.report, p->outputs) != CUTLAB_OK)
    fail_msg("%s", cutlab_context_message(context));
  cutlab_objective_free(objective);
  return v;
}

/* Within the bounds that the two state of themselves, which are no larger than `most`. */
static void assert_within_bounds(const value *a, const value *b, int64_t examples, int patches,
                                 double most) {
  double bound = a->report.error_bound + b->report.error_bound;
  assert_true(a->report.error_bound > 0 && a->report.error_bound <= most);
  assert_true(b->report.error_bound > 0 && b->report.error_bound <= most);
  assert_true(fabs(a->loss - b->loss) <= bound * fmax(a->loss, b->loss));
  for (int64_t i = 0; i < examples * patches; ++i)
    assert_true((double)examples * fabs(a->gradient[i] - b->gradient[i]) <= bound);
}

static cutlab_objective_options options_of(cutlab_method method, int cut_size, cutlab_path path,
                                           cutlab_subsets subsets) {
  return (cutlab_objective_options){method, cut_size, path, 1e-11, subsets};
}

static void check_paths(cutlab_context *context, const problem *p, cutlab_objective_options options,
                        const cutlab_path *paths, int count) {
  options.path = CUTLAB_PATH_BRUTE;
  value reference = evaluate(context, p, options);
  for (int i = 0; i < count; ++i) {
    options.path = paths[i];
    value v = evaluate(context, p, options);
    assert_within_bounds(&v, &reference, p->examples, p->patches, 2e-10);
    free(v.gradient);
  }
  free(reference.gradient);
}

static void test_waves_equal_brute_force(void **state) {
  static const cutlab_path paths[] = {CUTLAB_PATH_FOURIER, CUTLAB_PATH_AUTO};
  static const double scales[] = {.01, .5, 3};
  for (int patches = 2; patches <= 12; ++patches) {
    problem p = make_problem((uint64_t)patches, 11, patches, scales[patches % 3]);
    check_paths(*state, &p, options_of(CUTLAB_CUTMIX, 0, 0, 0), paths, 2);
    for (int cut = 1; cut < patches; ++cut)
      check_paths(*state, &p, options_of(CUTLAB_CUTOUT, cut, 0, 0), paths, 2);
    free_problem(&p);
  }
}

static void test_waves_of_all_instruction_sets(void **state) {
  static const cutlab_isa sets[] = {CUTLAB_ISA_PORTABLE, CUTLAB_ISA_AVX2, CUTLAB_ISA_AVX512};
  static const cutlab_path paths[] = {CUTLAB_PATH_FOURIER};
  problem p = make_problem(1, 21, 7, 1);
  for (int isa = 0; isa < 3; ++isa) {
    if (cutlab_context_set_isa(*state, sets[isa]) != CUTLAB_OK) continue;
    check_paths(*state, &p, options_of(CUTLAB_CUTMIX, 0, 0, 0), paths, 1);
    check_paths(*state, &p, options_of(CUTLAB_CUTOUT, 2, 0, 0), paths, 1);
    check_paths(*state, &p, options_of(CUTLAB_CUTOUT, 5, 0, 0), paths, 1);
  }
  free_problem(&p);
}

/* Equal, opposite, one and huge outputs. */
static void test_waves_at_the_edges(void **state) {
  static const cutlab_path paths[] = {CUTLAB_PATH_FOURIER};
  static const double scales[] = {0, 60, 150};
  for (int s = 0; s < 3; ++s)
    for (int64_t examples = 1; examples <= 9; examples += 4) {
      problem p = make_problem(2, examples, 5, scales[s]);
      check_paths(*state, &p, options_of(CUTLAB_CUTMIX, 0, 0, 0), paths, 1);
      check_paths(*state, &p, options_of(CUTLAB_CUTOUT, 2, 0, 0), paths, 1);
      free_problem(&p);
    }
}

static void test_runs_equal_brute_force(void **state) {
  static const cutlab_path paths[] = {CUTLAB_PATH_DIRECT, CUTLAB_PATH_CHEBYSHEV, CUTLAB_PATH_AUTO};
  static const int sizes[] = {2, 3, 4, 5, 7, 9, 33, 64};
  for (int s = 0; s < 8; ++s) {
    problem p = make_problem((uint64_t)s, 23, sizes[s], 1 / sqrt(sizes[s]));
    check_paths(*state, &p, options_of(CUTLAB_CUTMIX, 0, 0, CUTLAB_SUBSETS_CONTIGUOUS), paths, 3);
    for (int cut = 1; cut < sizes[s]; cut += 1 + sizes[s] / 8)
      check_paths(*state, &p, options_of(CUTLAB_CUTOUT, cut, 0, CUTLAB_SUBSETS_CONTIGUOUS), paths,
                  3);
    free_problem(&p);
  }
}

/* With up to 3 patches, and for runs of one, all subsets of a size but {1, 3} are runs. */
static void test_runs_are_not_all_subsets(void **state) {
  problem p = make_problem(3, 12, 4, 1);
  for (int cut = 1; cut < 4; ++cut) {
    value runs = evaluate(*state, &p, options_of(CUTLAB_CUTOUT, cut, 0, CUTLAB_SUBSETS_CONTIGUOUS));
    value all = evaluate(*state, &p, options_of(CUTLAB_CUTOUT, cut, 0, CUTLAB_SUBSETS_ARBITRARY));
    assert_true((fabs(runs.loss - all.loss) < 1e-13) == (cut == 1));
    free(runs.gradient);
    free(all.gradient);
  }
  free_problem(&p);
}

static void check_differences(cutlab_context *context, cutlab_objective_options options) {
  problem p = make_problem(4, 10, 6, 1);
  value at = evaluate(context, &p, options);
  double step = 1e-5;
  for (int64_t q = 0; q < p.examples * p.patches; ++q) {
    double middle = p.outputs[q], losses[2];
    for (int side = 0; side < 2; ++side) {
      p.outputs[q] = middle + (side ? step : -step);
      value v = evaluate(context, &p, options);
      losses[side] = v.loss;
      free(v.gradient);
    }
    p.outputs[q] = middle;
    assert_true(fabs((losses[1] - losses[0]) / (2 * step) - at.gradient[q]) < 1e-9);
  }
  free(at.gradient);
  free_problem(&p);
}

static void test_gradients_are_central_differences(void **state) {
  check_differences(*state, options_of(CUTLAB_CUTMIX, 0, CUTLAB_PATH_FOURIER, 0));
  check_differences(*state, options_of(CUTLAB_CUTOUT, 2, CUTLAB_PATH_FOURIER, 0));
  check_differences(*state, options_of(CUTLAB_CUTOUT, 4, CUTLAB_PATH_FOURIER, 0));
  check_differences(*state, options_of(CUTLAB_CUTMIX, 0, CUTLAB_PATH_CHEBYSHEV, 1));
  check_differences(*state, options_of(CUTLAB_CUTOUT, 2, CUTLAB_PATH_AUTO, 1));
}

/* Copies of the same examples change no loss, and divide the gradient. */
static void test_many_examples_that_repeat(void **state) {
  enum { few = 301, times = 97, patches = 3 };
  problem p = make_problem(5, few, patches, 1.5), many = make_problem(5, few * times, patches, 1);
  for (int64_t i = 0; i < many.examples; ++i) {
    many.labels[i] = p.labels[i % few];
    memcpy(many.outputs + i * patches, p.outputs + i % few * patches, patches * sizeof(double));
  }
  cutlab_context_set_threads(*state, 2);
  value one = evaluate(*state, &p, options_of(CUTLAB_CUTMIX, 0, CUTLAB_PATH_DIRECT, 0));
  value all = evaluate(*state, &many, options_of(CUTLAB_CUTMIX, 0, CUTLAB_PATH_AUTO, 0));
  assert_int_equal(all.report.path, CUTLAB_PATH_CHEBYSHEV);
  double bound = one.report.error_bound + all.report.error_bound;
  assert_true(bound < 1e-10);
  assert_true(fabs(one.loss - all.loss) <= bound * one.loss);
  for (int64_t i = 0; i < few * times; ++i)
    for (int k = 0; k < patches; ++k)
      assert_true(fabs(times * all.gradient[i * patches + k] -
                       one.gradient[i % few * patches + k]) <= bound / few);
  free(one.gradient);
  free(all.gradient);
  free_problem(&p);
  free_problem(&many);
}

static void test_bounds_hold_for_many_tolerances(void **state) {
  problem p = make_problem(6, 1200, 4, 1.2);
  value exact = evaluate(*state, &p, options_of(CUTLAB_CUTMIX, 0, CUTLAB_PATH_DIRECT, 0));
  for (double tolerance = 1e-11; tolerance < 1e-2; tolerance *= 1e3)
    for (cutlab_path path = CUTLAB_PATH_CHEBYSHEV; path <= CUTLAB_PATH_FOURIER; ++path) {
      if (path == CUTLAB_PATH_FOURIER && tolerance < 1e-6) continue; /* slow */
      cutlab_objective_options options = options_of(CUTLAB_CUTMIX, 0, path, 0);
      options.tolerance = tolerance;
      value v = evaluate(*state, &p, options);
      assert_int_equal(v.report.path, path);
      assert_within_bounds(&v, &exact, 1200, 4, tolerance + 1e-10);
      free(v.gradient);
    }
  free(exact.gradient);
  free_problem(&p);
}

static void check_threads(cutlab_context *context, int64_t examples, int patches,
                          cutlab_objective_options options) {
  problem p = make_problem(7, examples, patches, 1 / sqrt(patches));
  cutlab_context_set_threads(context, 1);
  value one = evaluate(context, &p, options);
  for (int threads = 2; threads <= 5; threads += 3) {
    cutlab_context_set_threads(context, threads);
    value many = evaluate(context, &p, options);
    assert_memory_equal(&one.loss, &many.loss, sizeof one.loss);
    assert_memory_equal(one.gradient, many.gradient, (size_t)(examples * patches) * sizeof(double));
    free(many.gradient);
  }
  free(one.gradient);
  free_problem(&p);
}

static void test_threads_give_the_same_bits(void **state) {
  check_threads(*state, 30011, 3, options_of(CUTLAB_CUTMIX, 0, CUTLAB_PATH_AUTO, 0));
  check_threads(*state, 1203, 4, options_of(CUTLAB_CUTMIX, 0, CUTLAB_PATH_AUTO, 1));
  check_threads(*state, 45, 9, options_of(CUTLAB_CUTMIX, 0, CUTLAB_PATH_FOURIER, 0));
  check_threads(*state, 1203, 9, options_of(CUTLAB_CUTOUT, 4, CUTLAB_PATH_FOURIER, 0));
}

/* Loss, and its slope along the outputs, of 64 patches against random augmentations. */
static void check_samples(cutlab_context *context, cutlab_objective_options options, int draws) {
  enum { examples = 60, patches = 64 };
  problem p = make_problem(8, examples, patches, .25);
  value exact = evaluate(context, &p, options);
  double slope = 0, sums[2] = {0}, squares[2] = {0}, sampled[examples * patches];
  for (int q = 0; q < examples * patches; ++q) slope += exact.gradient[q] * p.outputs[q];
  cutlab_objective *objective;
  assert_int_equal(
      cutlab_objective_create(context, &objective, &options, p.labels, examples, patches),
      CUTLAB_OK);
  for (int t = 0; t < draws; ++t) {
    double seen[2] = {0, 0};
    assert_int_equal(cutlab_objective_sample(objective, seen, sampled, p.outputs, 3, t), CUTLAB_OK);
    for (int q = 0; q < examples * patches; ++q) seen[1] += sampled[q] * p.outputs[q];
    for (int k = 0; k < 2; ++k) sums[k] += seen[k] / draws, squares[k] += seen[k] * seen[k] / draws;
  }
  double wanted[2] = {exact.loss, slope};
  for (int k = 0; k < 2; ++k) {
    double error = sqrt((squares[k] - sums[k] * sums[k]) / draws);
    assert_true(error < .01 * fabs(wanted[k]));
    assert_true(fabs(sums[k] - wanted[k]) < 4.5 * error);
  }
  cutlab_objective_free(objective);
  free(exact.gradient);
  free_problem(&p);
}

static void test_many_patches_agree_with_samples(void **state) {
  check_samples(*state, options_of(CUTLAB_CUTMIX, 0, CUTLAB_PATH_AUTO, 0), 4000);
  check_samples(*state, options_of(CUTLAB_CUTOUT, 16, CUTLAB_PATH_AUTO, 0), 4000);
  check_samples(*state, options_of(CUTLAB_CUTOUT, 50, CUTLAB_PATH_AUTO, 0), 4000);
  check_samples(*state, options_of(CUTLAB_CUTMIX, 0, CUTLAB_PATH_AUTO, 1), 4000);
  check_samples(*state, options_of(CUTLAB_CUTOUT, 16, CUTLAB_PATH_AUTO, 1), 4000);
}

static void test_the_cheapest_path_is_taken(void **state) {
  static const struct {
    cutlab_method method;
    int patches, cut_size, contiguous;
    cutlab_path path;
  } cases[] = {{CUTLAB_CUTMIX, 3, 0, 0, CUTLAB_PATH_CHEBYSHEV},
               {CUTLAB_CUTMIX, 22, 0, 0, CUTLAB_PATH_FOURIER},
               {CUTLAB_CUTMIX, 22, 0, 1, CUTLAB_PATH_CHEBYSHEV},
               {CUTLAB_CUTOUT, 64, 1, 0, CUTLAB_PATH_DIRECT},
               {CUTLAB_CUTOUT, 64, 63, 0, CUTLAB_PATH_DIRECT},
               {CUTLAB_CUTOUT, 64, 16, 0, CUTLAB_PATH_FOURIER},
               {CUTLAB_CUTOUT, 64, 16, 1, CUTLAB_PATH_DIRECT},
               {CUTLAB_ERM, 64, 0, 0, CUTLAB_PATH_DIRECT}};
  for (int k = 0; k < 8; ++k) {
    problem p = make_problem(9, 100, cases[k].patches, .2);
    value v = evaluate(*state, &p,
                       options_of(cases[k].method, cases[k].cut_size, CUTLAB_PATH_AUTO,
                                  (cutlab_subsets)cases[k].contiguous));
    assert_int_equal(v.report.path, cases[k].path);
    free(v.gradient);
    free_problem(&p);
  }
}

static void refuse_options(cutlab_context *context, const char *part, int patches,
                           cutlab_objective_options options) {
  static const int8_t labels[2] = {1, -1};
  cutlab_objective *objective;
  assert_int_equal(cutlab_objective_create(context, &objective, &options, labels, 2, patches),
                   CUTLAB_ERROR_ARGUMENT);
  assert_null(objective);
  assert_message(context, part);
}

static void test_refused_options(void **state) {
  refuse_options(*state, "2 to 64", 65, options_of(CUTLAB_ERM, 0, CUTLAB_PATH_AUTO, 0));
  refuse_options(*state, "path direct enumerates 2.1e+06 subsets of 21 patches", 21,
                 options_of(CUTLAB_CUTMIX, 0, CUTLAB_PATH_DIRECT, 0));
  refuse_options(*state, "path chebyshev", 64,
                 options_of(CUTLAB_CUTMIX, 0, CUTLAB_PATH_CHEBYSHEV, 0));
  refuse_options(*state, "path brute", 64, options_of(CUTLAB_CUTOUT, 32, CUTLAB_PATH_BRUTE, 0));
  refuse_options(*state, "path fourier is for subsets=arbitrary", 5,
                 options_of(CUTLAB_CUTMIX, 0, CUTLAB_PATH_FOURIER, 1));
}

static void refuse_evaluation(cutlab_context *context, const char *part, int patches, double scale,
                              cutlab_objective_options options) {
  problem p = make_problem(10, 6, patches, scale);
  cutlab_objective *objective;
  assert_int_equal(cutlab_objective_create(context, &objective, &options, p.labels, 6, patches),
                   CUTLAB_OK);
  double loss;
  assert_int_equal(cutlab_objective_evaluate(objective, &loss, NULL, NULL, p.outputs),
                   CUTLAB_ERROR_NUMERIC);
  assert_message(context, part);
  cutlab_objective_free(objective);
  free_problem(&p);
}

static void test_says_where_no_bound_holds(void **state) {
  cutlab_objective_options options = options_of(CUTLAB_CUTMIX, 0, CUTLAB_PATH_FOURIER, 0);
  refuse_evaluation(*state, "use path=direct", 5, 4000, options);
  refuse_evaluation(*state, "fewer patches", 30, 4000, options);
  options.tolerance = 1e-15;
  refuse_evaluation(*state, "a tolerance of at least", 5, 1, options);
  options.method = CUTLAB_CUTOUT;
  options.cut_size = 2;
  refuse_evaluation(*state, "a tolerance of at least", 5, 1, options);
}

/* The series against the functions, at its worst just within the range. */
static void test_series(void **state) {
  (void)state;
  for (double range = .1; range < 200; range *= 3)
    for (double tolerance = 1e-13; tolerance < 1e-1; tolerance *= 1e3) {
      cutlab_series series = cutlab_series_make(range, tolerance);
      assert_true(series.count > 0 && series.bound <= tolerance);
      double worst = 0;
      for (int i = -40; i <= 40; ++i) {
        double x = range * i / 40, sigmoid = .5, softplus = x / 2 + log(2);
        for (int k = 0; k < series.count; ++k) {
          double w = cutlab_series_frequency(&series, k);
          sigmoid += cutlab_series_slope(&series, k) * sin(w * x);
          softplus += cutlab_series_height(&series, k) * (1 - cos(w * x));
        }
        double error = fmax(fabs(sigmoid - 1 / (1 + exp(-x))),
                            fabs(softplus - fmax(x, 0) - log1p(exp(-fabs(x)))));
        worst = fmax(worst, error);
      }
      assert_true(worst <= series.bound + 1e-14 * (1 + range));
    }
}

static void test_gauss_legendre(void **state) {
  (void)state;
  for (int count = 1; count <= 33; ++count) {
    double nodes[33], weights[33];
    cutlab_gauss_legendre(nodes, weights, count);
    for (int degree = 0; degree < 2 * count; ++degree) {
      double sum = 0;
      for (int q = 0; q < count; ++q) sum += weights[q] * pow(nodes[q], degree);
      assert_true(fabs(sum * (degree + 1) - 1) < 1e-13);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_series),
      cmocka_unit_test(test_gauss_legendre),
      cmocka_unit_test_setup_teardown(test_waves_equal_brute_force, context_up, context_down),
      cmocka_unit_test_setup_teardown(test_waves_of_all_instruction_sets, context_up, context_down),
      cmocka_unit_test_setup_teardown(test_waves_at_the_edges, context_up, context_down),
      cmocka_unit_test_setup_teardown(test_runs_equal_brute_force, context_up, context_down),
      cmocka_unit_test_setup_teardown(test_runs_are_not_all_subsets, context_up, context_down),
      cmocka_unit_test_setup_teardown(test_gradients_are_central_differences, context_up,
                                      context_down),
      cmocka_unit_test_setup_teardown(test_many_examples_that_repeat, context_up, context_down),
      cmocka_unit_test_setup_teardown(test_bounds_hold_for_many_tolerances, context_up,
                                      context_down),
      cmocka_unit_test_setup_teardown(test_threads_give_the_same_bits, context_up, context_down),
      cmocka_unit_test_setup_teardown(test_many_patches_agree_with_samples, context_up,
                                      context_down),
      cmocka_unit_test_setup_teardown(test_the_cheapest_path_is_taken, context_up, context_down),
      cmocka_unit_test_setup_teardown(test_refused_options, context_up, context_down),
      cmocka_unit_test_setup_teardown(test_says_where_no_bound_holds, context_up, context_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
