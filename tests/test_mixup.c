/* Mixup as an objective: every activation against the definition, integrated plainly; derivatives
   against differences; stated against actual errors; sampled against exact. */
#include <math.h>

#include <cutlab/cutlab.h>

#include "fixture.h"
#include "theory/mixup.h"

enum { max_examples = 40, max_values = 6 * max_examples * 4, panels = 100 };

typedef struct problem {
  cutlab_activation activation;
  int64_t examples, patches;
  int filters;
  int8_t labels[max_examples];
  double inner[max_values];
} problem;

static int64_t values_of(const problem *p) {
  return p->filters * p->examples * p->patches;
}

static problem make_problem(cutlab_activation_kind kind, int64_t examples, int64_t patches, int m,
                            double scale) {
  problem p = {{kind, .1, .7, 3}, examples, patches, 2 * m, {0}, {0}};
  cutlab_random random = cutlab_random_make((uint64_t)(10 * patches + m), 1, kind, 0, 0);
  for (int64_t i = 0; i < examples; ++i) p.labels[i] = cutlab_random_uniform(&random) < .5 ? 1 : -1;
  for (int64_t k = 0; k < values_of(&p); ++k)
    p.inner[k] = scale * (.1 + cutlab_random_normal(&random));
  return p;
}

typedef struct value {
  double loss, error, pulls[max_values];
} value;

static value evaluate(cutlab_context *context, const problem *p, cutlab_mixup_options options) {
  cutlab_mixup *mixup;
  value v = {0};
  assert_int_equal(cutlab_mixup_create(context, &mixup, &options, p->activation, p->labels,
                                       p->examples, p->patches, p->filters),
                   CUTLAB_OK);
  cutlab_status status = cutlab_mixup_evaluate(mixup, &v.loss, v.pulls, &v.error, p->inner);
  if (status != CUTLAB_OK) fail_msg("%s", cutlab_context_message(context));
  cutlab_mixup_free(mixup);
  return v;
}

/* Adds one term of the definition, x = lambda x_i + (1 - lambda) x_j. */
static void add_term(value *v, const problem *p, int64_t i, int64_t j, double lambda,
                     double weight) {
  int64_t n = p->examples, patches = p->patches;
  double f = 0, yi = p->labels[i], yj = p->labels[j];
  for (int s = 0; s < p->filters; ++s)
    for (int64_t k = 0; k < patches; ++k) {
      double own = p->inner[(s * n + i) * patches + k], other = p->inner[(s * n + j) * patches + k];
      double phi = cutlab_activate(p->activation, lambda * own + (1 - lambda) * other);
      f += 2 * s < p->filters ? phi : -phi;
    }
  v->loss += weight * (lambda * log1p(exp(-yi * f)) + (1 - lambda) * log1p(exp(-yj * f)));
  double slope =
      weight * (-lambda * yi / (1 + exp(yi * f)) - (1 - lambda) * yj / (1 + exp(yj * f)));
  for (int s = 0; s < p->filters; ++s)
    for (int64_t k = 0; k < patches; ++k) {
      int64_t own = (s * n + i) * patches + k, other = (s * n + j) * patches + k;
      double z = lambda * p->inner[own] + (1 - lambda) * p->inner[other];
      double pull = slope * cutlab_activate_slope(p->activation, z);
      if (2 * s >= p->filters) pull = -pull;
      v->pulls[own] += pull * lambda;
      v->pulls[other] += pull * (1 - lambda);
    }
}

static int compare_numbers(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* Where a pair crosses breakpoints, in the half of the smaller lambdas (side 0) or of the larger
   ones (side 1), measured from that half's end, and the ends of the half. */
static int edges_of(double *edges, const problem *p, int64_t i, int64_t j, int side) {
  double breaks[2];
  int count = 0, kinks = cutlab_activation_breakpoints(p->activation, breaks);
  edges[count++] = 0;
  edges[count++] = .5;
  for (int s = 0; s < p->filters; ++s)
    for (int64_t k = 0; k < p->patches; ++k)
      for (int b = 0; b < kinks; ++b) {
        double own = p->inner[(s * p->examples + i) * p->patches + k];
        double other = p->inner[(s * p->examples + j) * p->patches + k];
        double x = (breaks[b] - (side ? own : other)) / (side ? other - own : own - other);
        if (x > 0 && x < .5) edges[count++] = x;
      }
  qsort(edges, (size_t)count, sizeof *edges, compare_numbers);
  return count;
}

/* Gauss's rule of three points on panels of every piece, in u with x = u^bend, which makes the
   density a polynomial at 0 for a = 1/2, 1/5 and whole and half numbers from 1 on. */
static void add_half(value *v, const problem *p, int64_t i, int64_t j, int side, double a,
                     double weight) {
  static const double nodes[] = {.112701665379258311, .5, .887298334620741689};
  static const double weights[] = {5. / 18, 8. / 18, 5. / 18};
  double edges[64], bend = a < 1 ? 1 / a : 2, beta = exp(2 * lgamma(a) - lgamma(2 * a));
  int count = edges_of(edges, p, i, j, side);
  for (int e = 1; e < count; ++e) {
    double low = pow(edges[e - 1], 1 / bend), high = pow(edges[e], 1 / bend);
    double step = (high - low) / panels;
    for (int k = 0; k < 3 * panels; ++k) {
      int panel = k / 3;
      double u = low + step * (panel + nodes[k % 3]), x = pow(u, bend);
      double density = bend * pow(u, bend * a - 1) * pow(1 - x, a - 1);
      add_term(v, p, i, j, side ? 1 - x : x, weight * step * weights[k % 3] * density / beta);
    }
  }
}

static value define(const problem *p, cutlab_mixup_options options) {
  value v = {0};
  double weight = 1 / (double)(p->examples * p->examples);
  for (int64_t i = 0; i < p->examples; ++i)
    for (int64_t j = 0; j < p->examples; ++j) {
      if (i == j)
        add_term(&v, p, i, i, 1, weight);
      else if (options.midpoint)
        add_term(&v, p, i, j, .5, weight);
      else
        for (int side = 0; side < 2; ++side) add_half(&v, p, i, j, side, options.alpha, weight);
    }
  return v;
}

static void assert_near(const value *a, const value *b, const problem *p, double tolerance) {
  if (!(fabs(a->loss - b->loss) <= tolerance)) fail_msg("loss %.17g, not %.17g", a->loss, b->loss);
  for (int64_t k = 0; k < values_of(p); ++k)
    if (!(fabs(a->pulls[k] - b->pulls[k]) <= tolerance))
      fail_msg("pull %lld is %.17g, not %.17g", (long long)k, a->pulls[k], b->pulls[k]);
}

static void check_definition(void **state, cutlab_mixup_options options) {
  for (int kind = 0; kind <= CUTLAB_SIGMOID; ++kind)
    for (int64_t patches = 2; patches <= 4; ++patches)
      for (int m = 1; m <= 3; m += 2) {
        problem p = make_problem((cutlab_activation_kind)kind, 4, patches, m, .8);
        value ours = evaluate(*state, &p, options), reference = define(&p, options);
        assert_near(&ours, &reference, &p, 2e-11);
      }
}

static void test_uniform_lambda(void **state) {
  check_definition(state, (cutlab_mixup_options){false, 1, 1e-12});
}

static void test_peaked_lambda(void **state) {
  check_definition(state, (cutlab_mixup_options){false, 2, 1e-12});
}

static void test_lambda_at_the_ends(void **state) {
  check_definition(state, (cutlab_mixup_options){false, .2, 1e-12});
}

static void test_midpoint(void **state) {
  check_definition(state, (cutlab_mixup_options){true, 0, 1e-12});
}

/* Powers of lambda without an integer anywhere; one patch. */
static void test_other_alphas(void **state) {
  static const double alphas[] = {.5, 1.5, 7.3};
  for (int k = 0; k < 3; ++k) {
    problem p = make_problem(CUTLAB_SMOOTHED_LEAKY_RELU, 5, 1, 2, 1);
    cutlab_mixup_options options = {false, alphas[k], 1e-12};
    value ours = evaluate(*state, &p, options), reference = define(&p, options);
    assert_near(&ours, &reference, &p, 1e-11);
  }
}

/* For a towards 0 Mixup is ERM; for large a it is the midpoint, up to terms in 1 / a. */
static void test_extreme_alphas(void **state) {
  problem p = make_problem(CUTLAB_RELU, 6, 2, 3, 1);
  value plain = {0};
  for (int64_t i = 0; i < 6; ++i) add_term(&plain, &p, i, i, 1, 1. / 6);
  value none = evaluate(*state, &p, (cutlab_mixup_options){false, 1e-9, 1e-12});
  assert_near(&none, &plain, &p, 1e-7);
  value middle = evaluate(*state, &p, (cutlab_mixup_options){true, 0, 1e-12});
  value peaked = evaluate(*state, &p, (cutlab_mixup_options){false, 1000, 1e-11});
  assert_near(&peaked, &middle, &p, 1e-2);
  assert_true(fabs(peaked.loss - middle.loss) > 1e-7);
}

/* Saturated sigmoids, breakpoints crowded together, examples that are equal. */
static void test_hard_integrands(void **state) {
  static const double scales[] = {1e-8, 30, 1000};
  for (int k = 0; k < 3; ++k) {
    problem p = make_problem(CUTLAB_LEAKY_RELU, 4, 2, 3, scales[k]);
    for (int s = 0; s < 6; ++s)
      for (int patch = 0; patch < 2; ++patch)
        p.inner[(s * 4 + 1) * 2 + patch] = p.inner[(s * 4 + 2) * 2 + patch];
    cutlab_mixup_options options = {false, .5, 1e-9};
    value loose = evaluate(*state, &p, options);
    options.tolerance = 1e-11 * fmax(1, scales[k]);
    value tight = evaluate(*state, &p, options);
    assert_near(&loose, &tight, &p, 2e-9);
    if (k == 2) continue;
    value reference = define(&p, options); /* whose error grows with steepness */
    assert_near(&loose, &reference, &p, k ? 1e-6 : 2e-11);
  }
}

static void test_pulls_are_central_differences(void **state) {
  for (int kind = 0; kind <= CUTLAB_SIGMOID; ++kind) {
    problem p = make_problem((cutlab_activation_kind)kind, 5, 2, 2, 1);
    cutlab_mixup_options options = {false, .4, 1e-12};
    value at = evaluate(*state, &p, options);
    for (int64_t k = 0; k < values_of(&p); ++k) {
      problem up = p, down = p;
      double step = 1e-5;
      up.inner[k] += step, down.inner[k] -= step;
      double slope = (evaluate(*state, &up, options).loss - evaluate(*state, &down, options).loss) /
                     (2 * step);
      assert_true(fabs(slope - at.pulls[k]) < 1e-7);
    }
  }
}

/* The mean of the 2n - 1 pairs' terms of a derivative is n^2 / (2n - 1) times the derivative. */
static void test_stated_errors_are_bounds(void **state) {
  static const double alphas[] = {.2, 1, 2.5};
  for (int kind = 0; kind <= CUTLAB_SIGMOID; ++kind)
    for (int k = 0; k < 3; ++k) {
      problem p = make_problem((cutlab_activation_kind)kind, 12, 3, 2, 1.5);
      value exact = evaluate(*state, &p, (cutlab_mixup_options){false, alphas[k], 1e-12});
      double share = 23. / 144;
      for (int digits = 2; digits <= 11; ++digits) {
        double tolerance = pow(10, -digits);
        value v = evaluate(*state, &p, (cutlab_mixup_options){false, alphas[k], tolerance});
        assert_true(v.error <= tolerance);
        assert_true(fabs(v.loss - exact.loss) <= v.error + 2e-12);
        for (int64_t e = 0; e < values_of(&p); ++e)
          assert_true(fabs(v.pulls[e] - exact.pulls[e]) <= share * v.error + 2e-12);
      }
    }
}

static void test_either_result_alone(void **state) {
  problem p = make_problem(CUTLAB_GELU, 9, 2, 1, 1);
  cutlab_mixup_options options = {false, 1, 1e-11};
  value both = evaluate(*state, &p, options);
  cutlab_mixup *mixup;
  assert_int_equal(cutlab_mixup_create(*state, &mixup, &options, p.activation, p.labels, 9, 2, 2),
                   CUTLAB_OK);
  double loss, pulls[max_values];
  assert_int_equal(cutlab_mixup_evaluate(mixup, &loss, NULL, NULL, p.inner), CUTLAB_OK);
  assert_true(fabs(loss - both.loss) < 1e-11);
  assert_int_equal(cutlab_mixup_evaluate(mixup, NULL, pulls, NULL, p.inner), CUTLAB_OK);
  assert_memory_equal(pulls, both.pulls, sizeof(double) * (size_t)values_of(&p));
  cutlab_mixup_free(mixup);
}

static void test_threads_give_the_same_bits(void **state) {
  problem p = make_problem(CUTLAB_SMOOTHED_LEAKY_RELU, 39, 3, 2, 1);
  for (int midpoint = 0; midpoint < 2; ++midpoint) {
    cutlab_mixup_options options = {midpoint, .7, 1e-10};
    cutlab_context_set_threads(*state, 1);
    value one = evaluate(*state, &p, options);
    for (int threads = 2; threads <= 5; ++threads) {
      cutlab_context_set_threads(*state, threads);
      value many = evaluate(*state, &p, options);
      assert_memory_equal(&one, &many, sizeof one);
    }
  }
}

static void test_sampled_agrees_in_expectation(void **state) {
  enum { draws = 20000 };
  for (int midpoint = 0; midpoint < 2; ++midpoint) {
    problem p = make_problem(CUTLAB_RELU, 6, 2, 2, 1);
    cutlab_mixup_options options = {midpoint, .4, 1e-11};
    value exact = evaluate(*state, &p, options), mean = {0}, square = {0}, v;
    cutlab_mixup *mixup;
    cutlab_mixup_create(*state, &mixup, &options, p.activation, p.labels, 6, 2, 4);
    for (int t = 0; t < draws; ++t) {
      assert_int_equal(cutlab_mixup_sample(mixup, &v.loss, v.pulls, p.inner, 5, t), CUTLAB_OK);
      mean.loss += v.loss / draws, square.loss += v.loss * v.loss / draws;
      for (int64_t e = 0; e < values_of(&p); ++e) {
        mean.pulls[e] += v.pulls[e] / draws;
        square.pulls[e] += v.pulls[e] * v.pulls[e] / draws;
      }
    }
    cutlab_mixup_free(mixup);
    double error = sqrt((square.loss - mean.loss * mean.loss) / draws);
    assert_true(fabs(mean.loss - exact.loss) < 4.5 * error && error < .01);
    for (int64_t e = 0; e < values_of(&p); ++e) {
      error = sqrt(fmax(0, square.pulls[e] - mean.pulls[e] * mean.pulls[e]) / draws);
      assert_true(fabs(mean.pulls[e] - exact.pulls[e]) <= 4.5 * error + 1e-12);
    }
  }
}

static void test_samples_are_keyed(void **state) {
  problem p = make_problem(CUTLAB_RELU, 30, 2, 1, 1);
  cutlab_mixup_options options = {false, 1, 1e-10};
  cutlab_mixup *mixup;
  double loss[4];
  cutlab_mixup_create(*state, &mixup, &options, p.activation, p.labels, 30, 2, 2);
  cutlab_mixup_sample(mixup, &loss[0], NULL, p.inner, 1, 7);
  cutlab_mixup_sample(mixup, &loss[1], NULL, p.inner, 1, 8);
  cutlab_mixup_sample(mixup, &loss[2], NULL, p.inner, 2, 7);
  cutlab_mixup_sample(mixup, &loss[3], NULL, p.inner, 1, 7);
  assert_true(loss[0] == loss[3] && loss[0] != loss[1] && loss[0] != loss[2]);
  cutlab_mixup_free(mixup);
}

static void assert_refused(cutlab_context *context, cutlab_mixup_options options, int8_t label,
                           int64_t examples, int64_t patches, int filters, const char *message) {
  int8_t labels[2] = {1, label};
  cutlab_mixup *mixup;
  cutlab_activation activation = {CUTLAB_RELU, .1, 1, 3};
  assert_int_equal(cutlab_mixup_create(context, &mixup, &options, activation, labels, examples,
                                       patches, filters),
                   CUTLAB_ERROR_ARGUMENT);
  assert_null(mixup);
  assert_message(context, message);
}

static void test_bad_arguments(void **state) {
  cutlab_mixup_options good = {false, 1, 1e-10};
  assert_refused(*state, good, 0, 2, 2, 2, "label of example 1 is 0; accepted: +1 and -1");
  assert_refused(*state, good, 1, 0, 2, 2, "examples is 0");
  assert_refused(*state, good, 1, 2, 0, 2, "patches is 0");
  assert_refused(*state, good, 1, 2, 2, 3, "filters is 3");
  good.tolerance = 0;
  assert_refused(*state, good, 1, 2, 2, 2, "tolerance is 0");
  good = (cutlab_mixup_options){false, 0, 1e-10};
  assert_refused(*state, good, 1, 2, 2, 2, "mixup_alpha is 0; accepted: above 0, at most 1000");
  good.alpha = NAN;
  assert_refused(*state, good, 1, 2, 2, 2, "mixup_alpha is nan");
}

/* Outputs of a million have ten digits behind the point: less than the tolerance asks for, and as
   exact as they can be. */
static void test_rounding_is_no_failure(void **state) {
  problem p = make_problem(CUTLAB_RELU, 8, 2, 1, 1e6);
  value v = evaluate(*state, &p, (cutlab_mixup_options){false, 1, 1e-14});
  value loose = evaluate(*state, &p, (cutlab_mixup_options){false, 1, 1e-6});
  assert_true(v.error > 1e-14 && v.error < 1e-9);
  assert_true(fabs(v.loss - loose.loss) < 1e-6);
}

static void assert_impossible(cutlab_context *context, const problem *p, const char *message) {
  cutlab_mixup *mixup;
  cutlab_mixup_options options = {false, 1, 1e-6};
  double loss = -1;
  assert_int_equal(cutlab_mixup_create(context, &mixup, &options, p->activation, p->labels,
                                       p->examples, p->patches, p->filters),
                   CUTLAB_OK);
  assert_int_equal(cutlab_mixup_evaluate(mixup, &loss, NULL, NULL, p->inner), CUTLAB_ERROR_NUMERIC);
  assert_message(context, message);
  assert_true(loss == -1);
  cutlab_mixup_free(mixup);
}

static void test_says_what_it_cannot_do(void **state) {
  problem p = make_problem(CUTLAB_RELU, 8, 2, 1, 1);
  p.inner[5] = INFINITY; /* filter 0, example 2 */
  assert_impossible(*state, &p, "pre-activations of example 2 are not finite");
  p = make_problem(CUTLAB_ODD_POWER, 3, 1, 1, 1e200);
  assert_impossible(*state, &p, "terms overflow at example 0");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_uniform_lambda, context_up, context_down),
      cmocka_unit_test_setup_teardown(test_peaked_lambda, context_up, context_down),
      cmocka_unit_test_setup_teardown(test_lambda_at_the_ends, context_up, context_down),
      cmocka_unit_test_setup_teardown(test_midpoint, context_up, context_down),
      cmocka_unit_test_setup_teardown(test_other_alphas, context_up, context_down),
      cmocka_unit_test_setup_teardown(test_extreme_alphas, context_up, context_down),
      cmocka_unit_test_setup_teardown(test_hard_integrands, context_up, context_down),
      cmocka_unit_test_setup_teardown(test_pulls_are_central_differences, context_up, context_down),
      cmocka_unit_test_setup_teardown(test_stated_errors_are_bounds, context_up, context_down),
      cmocka_unit_test_setup_teardown(test_either_result_alone, context_up, context_down),
      cmocka_unit_test_setup_teardown(test_threads_give_the_same_bits, context_up, context_down),
      cmocka_unit_test_setup_teardown(test_sampled_agrees_in_expectation, context_up, context_down),
      cmocka_unit_test_setup_teardown(test_samples_are_keyed, context_up, context_down),
      cmocka_unit_test_setup_teardown(test_bad_arguments, context_up, context_down),
      cmocka_unit_test_setup_teardown(test_rounding_is_no_failure, context_up, context_down),
      cmocka_unit_test_setup_teardown(test_says_what_it_cannot_do, context_up, context_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
