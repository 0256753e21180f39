/* Statistics of audits: known values, tables and comparisons by hand, the bootstrap against its
   plain twin, threads, cancelling. */
#include <math.h>

#include <cutlab/random.h>

#include "audit/bootstrap.h"
#include "audit/statistics.h"
#include "audit_made.h"
#include "base/streams.h"
#include "fixture.h"

enum { stats = cutlab_audit_statistics };

static void assert_near(double value, double expected, double tolerance) {
  if (isnan(value) && isnan(expected)) return;
  if (!(fabs(value - expected) <= tolerance))
    fail_msg("%.17g is not within %g of %.17g", value, tolerance, expected);
}

static void assert_relative(double value, double expected, double tolerance) {
  assert_near(value, expected, tolerance * fabs(expected));
}

/* numbers; references by SciPy 1.17 and NumPy */

static void test_quantile(void **state) {
  (void)state;
  static const double values[] = {-1, .5, 2, 2, 7.25};
  static const double references[][2] = {{0, -1}, {.1, -.4}, {.25, .5},   {.5, 2},
                                         {.6, 2}, {.75, 2},  {.99, 7.04}, {1, 7.25}};
  for (size_t i = 0; i < sizeof references / sizeof *references; ++i)
    assert_near(cutlab_quantile(values, 5, references[i][0]), references[i][1], 1e-14);
  assert_true(cutlab_quantile(values, 1, .7) == -1);
  assert_near(cutlab_variance(values, 5), 9.675, 1e-13);
  assert_true(isnan(cutlab_variance(values, 1)));
}

static void test_beta(void **state) {
  (void)state;
  static const double references[][4] = {{.5, .5, .3, 0.36901011956554536},
                                         {2, 3, .4, 0.5248},
                                         {10, .5, .97, 0.4408041535957583},
                                         {1.5, .5, .1, 0.013846832988859045},
                                         {5000, .5, .9998, 0.15728882758981746},
                                         {30, 70, .35, 0.8615754758661092},
                                         {1, 1, .25, .25},
                                         {2, 3, 0, 0},
                                         {2, 3, 1, 1}};
  for (size_t i = 0; i < sizeof references / sizeof *references; ++i) {
    const double *r = references[i];
    assert_relative(cutlab_incomplete_beta(r[0], r[1], r[2]), r[3], 1e-10);
  }
}

static void test_student(void **state) {
  (void)state;
  static const double p[][3] = {{0, 3, 1},
                                {1, 1, .5},
                                {2, 2, 0.18350341907227397},
                                {4.302652729911275, 2, .05},
                                {2.5, 7.3, 0.03965023466560043},
                                {10, 5, 0.00017094757574296363},
                                {1.96, 1e5, 0.04999856319430168},
                                {3, 2e6, 0.0026998293022321342},
                                {1.5, INFINITY, 0.13361440253771614},
                                {30, 4, 7.352856097661319e-06},
                                {INFINITY, 4, 0},
                                {.001, 2.2, 0.999285495518496}};
  for (size_t i = 0; i < sizeof p / sizeof *p; ++i) {
    assert_relative(cutlab_student_p(p[i][0], p[i][1]), p[i][2], 1e-8);
    assert_true(cutlab_student_p(-p[i][0], p[i][1]) == cutlab_student_p(p[i][0], p[i][1]));
  }
  static const double q[][3] = {{.95, 2, 4.302652729749462},
                                {.95, 4, 2.7764451051977934},
                                {.99, 2.5, 7.163728138948783},
                                {.9, 37.2, 1.6868607646703533},
                                {.95, 1e4, 1.960201239890626},
                                {.95, INFINITY, 1.959963984540054},
                                {.5, 1, 1},
                                {.999, 3, 12.923978636687961}};
  for (size_t i = 0; i < sizeof q / sizeof *q; ++i)
    assert_relative(cutlab_student_quantile(q[i][0], q[i][1]), q[i][2], 1e-9);
  assert_true(isnan(cutlab_student_p(NAN, 3)) && isnan(cutlab_student_quantile(1, 3)));
}

static void test_sign_test(void **state) {
  (void)state;
  static const struct {
    int64_t a, b;
    double p;
  } references[] = {{0, 5, .0625},
                    {1, 9, .021484375},
                    {3, 3, 1},
                    {120, 160, 0.019606727290281328},
                    {4000, 4200, 0.027972423571324654},
                    {0, 0, 1},
                    {7, 2, .1796875}};
  for (size_t i = 0; i < sizeof references / sizeof *references; ++i)
    assert_relative(cutlab_sign_test(references[i].a, references[i].b), references[i].p, 1e-9);
}

static void test_holm(void **state) {
  double p[] = {.01, .04, NAN, .03, .005}, many[] = {.5, .9, .4};
  static const double adjusted[] = {.03, .06, NAN, .06, .02};
  assert_int_equal(cutlab_holm(*state, p, 5), CUTLAB_OK);
  for (int i = 0; i < 5; ++i) assert_near(p[i], adjusted[i], 1e-15);
  assert_int_equal(cutlab_holm(*state, many, 3), CUTLAB_OK);
  for (int i = 0; i < 3; ++i) assert_true(many[i] == 1);
  assert_int_equal(cutlab_holm(*state, NULL, 0), CUTLAB_OK);
}

/* Without variance over examples these are the t tests of SciPy. */
static void test_over_trainings(void **state) {
  (void)state;
  static const double a[] = {1.2, 2.9, 3.1}, b[] = {2, 2.2, 4.5, 5};
  cutlab_audit_estimate e = {.value = 3.425 - 2.4};
  cutlab_spread spread = cutlab_spread_between(a, 3, b, 4, 1, false);
  cutlab_estimate_interval(&e, 0, &spread, .95);
  assert_relative(e.low, -1.4959630015633905, 1e-10);
  assert_relative(e.high, 3.5459630015633903, 1e-10);
  assert_relative(cutlab_estimate_p(e.value, 0, &spread), 0.3436441428972256, 1e-10);
  e.value = 2.9 - 2.4;
  spread = cutlab_spread_between(a, 3, b, 3, 1, true);
  cutlab_estimate_interval(&e, 0, &spread, .95);
  assert_relative(e.low, -2.187005768508879, 1e-10);
  assert_relative(cutlab_estimate_p(e.value, 0, &spread), 0.5073353609178533, 1e-10);
  e.value = 2.4;
  spread = cutlab_spread_of(a, 3, 1);
  cutlab_estimate_interval(&e, .02, &spread, .95);
  assert_relative(e.low, -0.020607800828079892, 1e-8);
  assert_relative(e.high, 4.82060780082808, 1e-8);
  assert_relative(cutlab_estimate_p(2.4, .02, &spread), 0.05086508456355898, 1e-8);
  spread = cutlab_spread_of(a, 2, 1);
  cutlab_estimate_interval(&e, .02, &spread, .95);
  assert_true(isnan(e.low) && isnan(e.high) && isnan(cutlab_estimate_p(2.4, .02, &spread)));
}

static void test_common_variance(void **state) {
  (void)state;
  static const double references[][4] = {
      {.5, .2, .3, .3}, {.5, .2, .1, .4}, {.5, .9, .7, 0}, {.5, .9, 0, .5}, {.5, 0, .1, .5}};
  for (size_t i = 0; i < sizeof references / sizeof *references; ++i) {
    const double *r = references[i];
    const cutlab_spread spread = {.known = true, .variance = r[2]};
    assert_near(cutlab_common_variance(r[0], r[1], &spread), r[3], 1e-15);
    assert_true(isnan(cutlab_common_variance(NAN, r[1], &spread)));
  }
}

/* the bootstrap and its twin */

/* Two methods; scores with ties, margins with ties and both infinities. */
static cutlab_audit *random_audit(int64_t count, int64_t folds, int trainings, uint64_t seed) {
  cutlab_audit *audit = audit_make(count, 3, folds, 2, trainings);
  cutlab_random random = cutlab_random_make(seed, 99, 0, 0, 0);
  for (int64_t i = 0; i < count; ++i) {
    audit->score[i] = (double)cutlab_random_below(&random, 40) / 40;
    audit->label[i] = (int64_t)cutlab_random_below(&random, 3);
    audit->fold[i] = i % folds;
    for (int m = 0; m < 2; ++m)
      for (int t = 0; t < trainings; ++t) {
        double margin = round(8 * (audit->score[i] - .4 + cutlab_random_normal(&random))) / 8;
        if (margin < -1.5) margin = -INFINITY;
        if (margin > 2.5) margin = INFINITY;
        audit->methods[m].trainings[t].margin[i] = margin;
        audit->methods[m].trainings[t].probability[i] = cutlab_random_uniform(&random);
      }
  }
  audit_settle(audit);
  return audit;
}

static int compare_doubles(const void *a, const void *b) {
  const double *x = a, *y = b;
  return (*x > *y) - (*x < *y);
}

/* Appends the scores of the `most` most wrong drawn examples of a fold by repeated search. */
static int64_t twin_take(double *list, int64_t length, const cutlab_audit *audit,
                         const cutlab_audit_training *training, const int64_t *times, int64_t fold,
                         int64_t most, bool errors_only) {
  bool *used = calloc((size_t)audit->count, sizeof *used);
  for (int64_t taken = 0; taken < most;) {
    int64_t best = -1;
    for (int64_t i = 0; i < audit->count; ++i) {
      if (used[i] || !times[i] || audit->fold[i] != fold || (errors_only && !training->wrong[i]))
        continue;
      if (best < 0 || training->margin[i] < training->margin[best]) best = i;
    }
    if (best < 0) break;
    used[best] = true;
    for (int64_t k = 0; k < times[best] && taken < most; ++k, ++taken)
      list[length++] = audit->score[best];
  }
  free(used);
  return length;
}

static int64_t twin_errors(const cutlab_audit *audit, const cutlab_audit_training *training,
                           const int64_t *times, int64_t fold) {
  int64_t errors = 0;
  for (int64_t i = 0; i < audit->count; ++i)
    errors += audit->fold[i] == fold && training->wrong[i] ? times[i] : 0;
  return errors;
}

static int64_t twin_limit(const cutlab_audit *audit, const int64_t *times, int64_t fold) {
  int64_t fewest = INT64_MAX;
  if (audit->options.matched) return audit->options.matched;
  for (int m = 0; m < 2; ++m)
    for (int t = 0; t < 2; ++t) {
      int64_t errors = twin_errors(audit, &audit->methods[m].trainings[t], times, fold);
      if (errors < fewest) fewest = errors;
    }
  return fewest;
}

/* Statistics of the list in which every drawn example stands as often as it was drawn. */
static void twin(double *values, const cutlab_audit *audit, const int64_t *times, bool matched) {
  double *list = calloc((size_t)audit->count * 2, sizeof *list);
  for (int m = 0; m < 2; ++m)
    for (int t = 0; t < 2; ++t, values += stats) {
      int64_t length = 0;
      for (int64_t f = 0; f < audit->folds; ++f)
        length = twin_take(list, length, audit, &audit->methods[m].trainings[t], times, f,
                           matched ? twin_limit(audit, times, f) : audit->count * 2,
                           !matched || !audit->options.matched);
      qsort(list, (size_t)length, sizeof *list, compare_doubles);
      values[0] = 0;
      for (int64_t i = 0; i < length; ++i) values[0] += list[i];
      values[0] /= (double)length;
      for (int q = 1; q < stats; ++q)
        values[q] = length ? cutlab_quantile(list, length, .25 * q) : NAN;
    }
  free(list);
}

static void twin_draw(int64_t *times, int64_t count, uint64_t seed, uint64_t draw) {
  cutlab_random random = cutlab_random_make(seed, cutlab_stream_bootstrap, draw, 0, 0);
  memset(times, 0, (size_t)count * sizeof *times);
  for (int64_t i = 0; i < count; ++i) ++times[cutlab_random_below(&random, (uint64_t)count)];
}

static void check_bootstrap(cutlab_context *context, const cutlab_audit *audit, bool matched) {
  enum { draws = 30, width = 4 * stats };
  double values[draws * width], observed[width], expected[width];
  int64_t errors[4], *times = calloc((size_t)audit->count, sizeof *times);
  cutlab_bootstrap bootstrap;
  const cutlab_bootstrap *table = &bootstrap;
  double *drawn = values;
  assert_int_equal(cutlab_bootstrap_make(context, &bootstrap, audit, matched), CUTLAB_OK);
  assert_int_equal(cutlab_bootstrap_observe(context, observed, errors, &bootstrap), CUTLAB_OK);
  assert_int_equal(cutlab_bootstrap_draw(context, &drawn, &table, 1, draws, 5), CUTLAB_OK);
  for (int d = -1; d < draws; ++d) {
    for (int64_t i = 0; i < audit->count; ++i) times[i] = 1;
    if (d >= 0) twin_draw(times, audit->count, 5, (uint64_t)d);
    twin(expected, audit, times, matched);
    const double *found = d < 0 ? observed : values + (ptrdiff_t)d * width;
    for (int i = 0; i < width; ++i) assert_near(found[i], expected[i], 1e-12);
  }
  cutlab_bootstrap_clear(&bootstrap);
  free(times);
}

static void test_bootstrap_twin(void **state) {
  static const int64_t sizes[][2] = {{60, 1}, {61, 3}, {150, 4}, {7, 2}, {1, 1}, {4, 4}};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; ++i) {
    cutlab_audit *audit = random_audit(sizes[i][0], sizes[i][1], 2, i);
    check_bootstrap(*state, audit, false);
    for (int64_t matched = 0; matched <= 30; matched += 10) {
      audit->options.matched = matched;
      check_bootstrap(*state, audit, true);
    }
    audit_release(audit);
  }
}

/* tables */

/* One training each. Scores are 0, 1, ..., 9 in two folds, even and odd. */
static cutlab_audit *small_audit(void) {
  static const double margins[2][10] = {{-1, -2, -3, -4, -5, 1, 2, 3, -6, 4},
                                        {-9, -1, -2, 1, 1, 1, 1, 1, -1, 1}};
  cutlab_audit *audit = audit_make(10, 2, 2, 2, 1);
  for (int64_t i = 0; i < 10; ++i) {
    audit->score[i] = (double)i;
    audit->label[i] = i >= 7;
    audit->fold[i] = i % 2;
    for (int m = 0; m < 2; ++m) {
      audit->methods[m].trainings[0].margin[i] = margins[m][i];
      audit->methods[m].trainings[0].probability[i] = margins[m][i] / 20 + .5;
    }
  }
  audit_settle(audit);
  return audit;
}

static void check_row(const cutlab_audit_row *row, double errors, const double expected[stats]) {
  assert_true(row->errors == errors);
  for (int q = 0; q < stats; ++q) {
    assert_near(row->statistics[q].value, expected[q], 1e-14);
    assert_near(row->of_training[q], expected[q], 1e-14);
    assert_true(isnan(row->statistics[q].low) && isnan(row->statistics[q].p));
    assert_true(row->statistics[q].examples_low <= row->statistics[q].examples_high);
  }
}

/* Errors: {0, 1, 2, 3, 4, 8} and {0, 1, 2, 8}. Matched: 3 even ones, the most wrong of which are
   {8, 4, 2} and {0, 2, 8}, and 1 odd one, {3} and {1}. */
static void test_table_by_hand(void **state) {
  cutlab_audit *audit = small_audit();
  assert_int_equal(cutlab_audit_tabulate(*state, audit), CUTLAB_OK);
  assert_true(audit->plain.there && audit->matched.there);
  assert_int_equal(audit->plain.matched, -1);
  assert_int_equal(audit->matched.matched, 4);
  check_row(&audit->plain.rows[0], 6, (const double[]){3, 1.25, 2.5, 3.75});
  check_row(&audit->plain.rows[1], 4, (const double[]){2.75, .75, 1.5, 3.5});
  check_row(&audit->matched.rows[0], 4, (const double[]){4.25, 2.75, 3.5, 5});
  check_row(&audit->matched.rows[1], 4, (const double[]){2.75, .75, 1.5, 3.5});
  assert_int_equal(audit->matched.pair_count, 1);
  const cutlab_audit_pair *pair = audit->matched.pairs;
  assert_true(pair->first == 0 && pair->second == 1 && pair->paired);
  const cutlab_audit_estimate *e = &pair->statistics[cutlab_audit_mean];
  assert_near(e->value, -1.5, 1e-14);
  assert_true(isnan(e->p) && e->examples_p > 0 && e->examples_p <= 1);
  assert_true(e->adjusted_p == e->examples_p);
  assert_true(e->examples_low < -1.5 && e->examples_high > -1.5);
  audit->options.matched = 4; /* of each fold: right ones too */
  assert_int_equal(cutlab_audit_tabulate(*state, audit), CUTLAB_OK);
  assert_int_equal(audit->matched.matched, 8);
  check_row(&audit->matched.rows[0], 8, (const double[]){3.75, 1.75, 3.5, 5.5});
  audit_release(audit);
}

static void test_curves_by_hand(void **state) {
  cutlab_audit *audit = small_audit();
  assert_int_equal(cutlab_audit_tabulate(*state, audit), CUTLAB_OK);
  const cutlab_audit_curves *curves = audit->curves;
  assert_true(audit->bin_low == 0 && audit->bin_high == 9);
  /* 0 is in the first of the bins of width .45, 1 in the third, 9 in the last. */
  assert_near(curves[0].histogram[0], 1. / 6, 1e-15);
  assert_near(curves[1].histogram[2], .25, 1e-15);
  assert_true(curves[0].histogram[1] == 0 && curves[0].histogram[19] == 0);
  assert_true(curves[0].error_rate[0] == 1 && curves[0].error_rate[19] == 0);
  assert_true(isnan(curves[0].error_rate[1]));
  assert_near(curves[0].quantile[0], 0, 0);
  assert_near(curves[0].quantile[50], 2.5, 1e-14);
  assert_near(curves[1].quantile[100], 8, 0);
  audit_release(audit);
}

static void test_without_errors(void **state) {
  cutlab_audit *audit = small_audit();
  for (int64_t i = 0; i < 10; ++i) audit->methods[1].trainings[0].margin[i] = 1;
  audit_settle(audit);
  assert_int_equal(cutlab_audit_tabulate(*state, audit), CUTLAB_OK);
  assert_false(audit->plain.there || audit->matched.there);
  assert_true(isnan(audit->curves[1].quantile[50]) && audit->curves[1].histogram[0] == 0);
  assert_int_equal(audit->matched.matched, 0);
  audit->options.matched = 2;
  assert_int_equal(cutlab_audit_tabulate(*state, audit), CUTLAB_OK);
  assert_false(audit->plain.there);
  assert_true(audit->matched.there);
  free(audit->score);
  audit->score = NULL;
  assert_int_equal(cutlab_audit_tabulate(*state, audit), CUTLAB_OK);
  assert_false(audit->matched.there);
  assert_null(audit->curves);
  audit_release(audit);
}

/* One error: most draws of some methods have none, and are left out. */
static void test_draws_without_errors(void **state) {
  cutlab_audit *audit = small_audit();
  for (int64_t i = 0; i < 10; ++i) audit->methods[1].trainings[0].margin[i] = i == 4 ? -1 : 1;
  audit_settle(audit);
  assert_int_equal(cutlab_audit_tabulate(*state, audit), CUTLAB_OK);
  const cutlab_audit_estimate *e = audit->plain.rows[1].statistics;
  for (int q = 0; q < stats; ++q)
    assert_true(e[q].value == 4 && e[q].examples_low == 4 && e[q].examples_high == 4);
  assert_int_equal(audit->matched.matched, 1);
  audit_release(audit);
}

/* Of the mean scores of 6 trainings over draws: the covariance of training a[0], less a[1] if that
   is not -1, and b. */
static double covariance(const double *draws, int64_t count, const int a[2], const int b[2]) {
  double mean[2] = {0}, products = 0;
  for (int pass = 0; pass < 2; ++pass)
    for (int64_t d = 0; d < count; ++d) {
      const double *row = draws + d * 6 * stats;
      double x = row[a[0] * stats] - (a[1] < 0 ? 0 : row[a[1] * stats]);
      double y = row[b[0] * stats] - (b[1] < 0 ? 0 : row[b[1] * stats]);
      if (pass)
        products += (x - mean[0]) * (y - mean[1]);
      else
        mean[0] += x / (double)count, mean[1] += y / (double)count;
    }
  return products / (double)(count - 1);
}

/* Mean covariance of two different ones of 3 trainings from `first` on, less those from `minus` on
   if that is not -1; *all: of any two, the same one too. */
static double common_twin(double *all, const double *draws, int64_t count, int first, int minus) {
  double different = 0;
  *all = 0;
  for (int t = 0; t < 3; ++t)
    for (int u = 0; u < 3; ++u) {
      double value = covariance(draws, count, (int[]){first + t, minus < 0 ? -1 : minus + t},
                                (int[]){first + u, minus < 0 ? -1 : minus + u});
      *all += value / 9;
      if (t != u) different += value / 6;
    }
  return different;
}

static void check_over_trainings(const cutlab_audit_estimate *e, double common, double all,
                                 cutlab_spread spread) {
  cutlab_audit_estimate expected = {.value = e->value};
  assert_true(common > 0 && common > all - spread.variance);
  cutlab_estimate_interval(&expected, common, &spread, .95);
  assert_relative(e->low, expected.low, 1e-9);
  assert_relative(e->high, expected.high, 1e-9);
  if (!isnan(e->p)) assert_relative(e->p, cutlab_estimate_p(e->value, common, &spread), 1e-9);
}

/* The mean score: of one method, and of pairs, from covariances of each two trainings. The second
   method's trainings differ so much that V_e is no limit. */
static void test_table_over_trainings(void **state) {
  enum { draws = 200 };
  static const double shifts[6] = {0, .1, 0, -.4, .2, .7};
  static double values[draws * 6 * stats];
  double *drawn = values, all[3], cross = 0;
  cutlab_bootstrap bootstrap;
  const cutlab_bootstrap *table = &bootstrap;
  cutlab_audit *audit = random_audit(400, 1, 3, 8);
  for (int t = 0; t < 6; ++t)
    for (int64_t i = 0; i < 400; ++i) audit->methods[t / 3].trainings[t % 3].margin[i] += shifts[t];
  audit_settle(audit);
  assert_int_equal(cutlab_bootstrap_make(*state, &bootstrap, audit, false), CUTLAB_OK);
  assert_int_equal(cutlab_bootstrap_draw(*state, &drawn, &table, 1, draws, 0), CUTLAB_OK);
  cutlab_bootstrap_clear(&bootstrap);
  double first = common_twin(&all[0], values, draws, 0, -1);
  double second = common_twin(&all[1], values, draws, 3, -1);
  double paired = common_twin(&all[2], values, draws, 3, 0);
  for (int t = 0; t < 9; ++t)
    cross += covariance(values, draws, (int[]){t / 3, -1}, (int[]){3 + t % 3, -1}) * 2 / 9;
  for (int together = 1; together >= 0; --together) {
    for (int t = 0; t < 3 && !together; ++t) audit->methods[1].trainings[t].seed = t + 4;
    assert_int_equal(cutlab_audit_tabulate(*state, audit), CUTLAB_OK);
    const cutlab_audit_row *rows = audit->plain.rows;
    const double *a = rows[0].of_training, *b = rows[1].of_training;
    check_over_trainings(rows[1].statistics, second, all[1], cutlab_spread_of(b, 3, stats));
    assert_true(audit->plain.pairs->paired == together && audit->plain.pairs->statistics->p > 0);
    check_over_trainings(audit->plain.pairs->statistics, together ? paired : first + second - cross,
                         together ? all[2] : all[0] + all[1] - cross,
                         cutlab_spread_between(a, 3, b, 3, stats, together));
  }
  audit_release(audit);
}

/* Every estimate of the two tables, one after the other; returns how many. */
static int estimates_of(cutlab_audit_estimate *all, const cutlab_audit *audit) {
  int count = 0;
  const cutlab_audit_table *tables[] = {&audit->plain, &audit->matched};
  for (int i = 0; i < 2; ++i) {
    for (int m = 0; m < audit->method_count; ++m)
      for (int q = 0; q < stats; ++q) all[count++] = tables[i]->rows[m].statistics[q];
    for (int p = 0; p < tables[i]->pair_count; ++p)
      for (int q = 0; q < stats; ++q) all[count++] = tables[i]->pairs[p].statistics[q];
  }
  return count;
}

static void test_threads(void **state) {
  cutlab_audit_estimate one[64], other[64];
  memset(one, 0, sizeof one);
  memset(other, 0, sizeof other);
  for (int threads = 1; threads <= 5; threads += 2) {
    cutlab_audit *audit = random_audit(300, 2, 3, 4);
    assert_int_equal(cutlab_context_set_threads(*state, threads), CUTLAB_OK);
    assert_int_equal(cutlab_audit_tabulate(*state, audit), CUTLAB_OK);
    int count = estimates_of(threads == 1 ? one : other, audit);
    assert_int_equal(count, 2 * 3 * stats);
    if (threads > 1) assert_memory_equal(one, other, sizeof one);
    audit->options.seed = 1; /* other draws */
    assert_int_equal(cutlab_audit_tabulate(*state, audit), CUTLAB_OK);
    estimates_of(other, audit);
    assert_true(one[0].value == other[0].value && one[0].examples_low != other[0].examples_low);
    audit_release(audit);
  }
}

static int cancel_second(void *user, const cutlab_progress *progress) {
  assert_true(progress->done < progress->total);
  return ++*(int *)user == 2;
}

static void test_cancel(void **state) {
  cutlab_audit *audit = random_audit(300, 2, 2, 4);
  int calls = 0;
  cutlab_context_set_progress(*state, cancel_second, &calls);
  assert_int_equal(cutlab_audit_tabulate(*state, audit), CUTLAB_CANCELLED);
  assert_int_equal(calls, 2);
  assert_message(*state, "bootstrap");
  audit_release(audit);
}

/* comparisons */

/* small_audit, example by example: 0, 1, 2, 8 stay wrong; 3 and 4 are rescued; 5, 6, 7 and 9 stay
   right. Then 9 is hurt. */
static void test_comparison_by_hand(void **state) {
  cutlab_audit *audit = small_audit();
  audit->methods[1].trainings[0].margin[9] = -1;
  audit_settle(audit);
  assert_int_equal(cutlab_audit_compare(*state, audit), CUTLAB_OK);
  const cutlab_audit_comparison *c = audit->comparisons;
  static const uint8_t fates[10] = {3, 3, 3, 1, 1, 0, 0, 0, 3, 2};
  assert_memory_equal(c->fate, fates, sizeof fates);
  assert_true(c->paired && c->gain[3] == 1 && c->gain[9] == -1 && c->gain[0] == 0);
  assert_near(c->confidence_gain[4], .3, 1e-15);
  assert_true(c->rescued_shown == 2 && c->rescued_most[0] == 4 && c->rescued_most[1] == 3);
  assert_true(c->hurt_shown == 1 && c->hurt_most[0] == 9);
  assert_true(c->all.rescued == 2 && c->all.hurt == 1 && isnan(c->all.rescued_again));
  assert_near(c->all.baseline_accuracy, .4, 1e-15);
  assert_near(c->all.gain.value, .1, 1e-15);
  assert_near(c->all.gain.examples_p, 1, 1e-12); /* 2 against 1 */
  assert_true(isnan(c->all.gain.p) && c->all.gain.adjusted_p == c->all.gain.examples_p);
  double variance = (3 - 10 * .01) / 9 / 10;
  assert_near(c->all.gain.examples_high, .1 + 1.959963984540054 * sqrt(variance), 1e-9);
  assert_string_equal(c->classes[1].name, "1");
  assert_true(c->classes[0].count == 7 && c->classes[0].rescued == 2 && c->classes[1].hurt == 1);
  assert_near(c->classes[0].gain.examples_p, .5, 1e-12);
  assert_near(c->classes[0].gain.adjusted_p, 1, 1e-12);
  assert_int_equal(audit->options.quantiles, 10);
  assert_string_equal(c->difficulty[3].name, "difficulty 4 of 10");
  assert_true(c->difficulty[3].count == 1 && c->difficulty[3].low == 3);
  assert_true(c->difficulty[3].gain.value == 1 && isnan(c->difficulty[3].gain.examples_low));
  audit_release(audit);
}

/* Methods of 2 trainings on 4 examples: right (first, second) under the baseline 11 01 00 10,
   under the method 11 01 10 10. */
static cutlab_audit *churning_audit(void) {
  static const char *const right[2][4] = {{"11", "01", "00", "10"}, {"11", "01", "10", "10"}};
  cutlab_audit *audit = audit_make(4, 1, 1, 2, 2);
  for (int m = 0; m < 2; ++m)
    for (int t = 0; t < 2; ++t)
      for (int i = 0; i < 4; ++i)
        audit->methods[m].trainings[t].margin[i] = right[m][i][t] == '1' ? 1 : -1;
  audit_settle(audit);
  return audit;
}

static void test_changes(void **state) {
  cutlab_audit *audit = churning_audit();
  assert_int_equal(cutlab_audit_compare(*state, audit), CUTLAB_OK);
  const cutlab_audit_comparison *c = audit->comparisons;
  static const uint8_t fates[4] = {CUTLAB_AUDIT_ALWAYS_RIGHT, CUTLAB_AUDIT_UNSTEADY,
                                   CUTLAB_AUDIT_RESCUED, CUTLAB_AUDIT_UNSTEADY};
  assert_memory_equal(c->fate, fates, sizeof fates);
  assert_true(c->paired && c->all.rescued == 1.5 && c->all.hurt == 1);
  assert_true(c->all.rescued_again == 1 && c->all.hurt_again == 1);
  assert_int_equal(c->difficulty[0].count, 1);
  assert_int_equal(audit->options.quantiles, 4);
  audit->methods[1].trainings[1].seed = 7;
  assert_int_equal(cutlab_audit_compare(*state, audit), CUTLAB_OK);
  c = audit->comparisons;
  assert_false(c->paired);
  assert_true(c->all.rescued == 1 && c->all.hurt == .5);
  audit_release(audit);
}

/* z of gains 0, 0, .5 and 0; the interval around their mean. */
static void test_gain_of_several_trainings(void **state) {
  cutlab_audit *audit = churning_audit();
  assert_int_equal(cutlab_audit_compare(*state, audit), CUTLAB_OK);
  const cutlab_audit_estimate *e = &audit->comparisons->all.gain;
  assert_near(e->value, .125, 1e-15);
  assert_relative(e->examples_p, 0.31731050786291415, 1e-12);
  assert_relative(e->examples_high, .125 + 1.959963984540054 * .125, 1e-9);
  assert_true(isnan(e->p) && isnan(e->low));
  audit_release(audit);
}

/* Three trainings on n examples, as in churning_audit. References by NumPy. */
static void check_gain(cutlab_context *context, const char *const right[2][8], int64_t n,
                       bool paired, double high, double p) {
  cutlab_audit *audit = audit_make(n, 1, 1, 2, 3);
  for (int m = 0; m < 2; ++m)
    for (int t = 0; t < 3; ++t)
      for (int i = 0; i < n; ++i)
        audit->methods[m].trainings[t].margin[i] = right[m][i][t] == '1' ? 1 : -1;
  for (int t = 0; t < 3 && !paired; ++t) audit->methods[1].trainings[t].seed += 3;
  audit_settle(audit);
  assert_int_equal(cutlab_audit_compare(context, audit), CUTLAB_OK);
  const cutlab_audit_estimate *e = &audit->comparisons->all.gain;
  assert_int_equal(audit->comparisons->paired, paired);
  assert_relative(e->high, high, 1e-9);
  assert_relative(e->p, p, 1e-9);
  assert_true(e->adjusted_p == e->p);
  audit_release(audit);
}

static void test_gain_over_trainings(void **state) {
  static const char *const common[2][8] = {
      {"000", "001", "001", "000", "111", "011", "001", "111"},
      {"111", "111", "001", "011", "111", "111", "111", "100"}};
  static const char *const own[2][8] = {{"111", "011", "000", "100", "000", "110"},
                                        {"111", "111", "110", "110", "010", "111"}};
  check_gain(*state, common, 8, true, 0.7472188718514263, 0.14038378641312255);
  check_gain(*state, common, 8, false, 0.8323680408047929, 0.18743183852677472);
  check_gain(*state, own, 6, true, 0.7473562852917217, 0.051932341530232747);
  check_gain(*state, own, 6, false, 0.8857282519453921, 0.13063511375366016);
}

/* Each training rescues one example, each another one: no spread, but not certain either. */
static void test_gain_that_agrees_by_chance(void **state) {
  static const char *const right[2][8] = {{"111", "011", "101", "110"},
                                          {"111", "111", "111", "111"}};
  check_gain(*state, right, 4, true, 0.41333033204500447, 0.08326451666355043);
  check_gain(*state, right, 4, false, 0.41333033204500447, 0.08326451666355043);
}

static void test_groups_of_difficulty(void **state) {
  cutlab_audit *audit = random_audit(103, 1, 2, 3);
  audit->classes = 4; /* the last without examples */
  assert_int_equal(cutlab_audit_compare(*state, audit), CUTLAB_OK);
  const cutlab_audit_comparison *c = audit->comparisons;
  int64_t all = 0;
  double rescued = 0, before = -1;
  for (int g = 0; g < 10; ++g) {
    const cutlab_audit_group *group = &c->difficulty[g];
    assert_true(group->count == 10 || group->count == 11);
    assert_true(group->low <= group->high && group->low >= before);
    before = group->high;
    all += group->count;
    rescued += group->rescued;
    assert_true(group->gain.adjusted_p >= group->gain.examples_p);
  }
  assert_int_equal(all, 103);
  assert_near(rescued, c->all.rescued, 1e-9);
  assert_int_equal(c->classes[3].count, 0);
  assert_true(isnan(c->classes[3].gain.value) && isnan(c->classes[3].gain.adjusted_p));
  assert_true(isnan(c->classes[3].gain.examples_p));
  audit_release(audit);
}

static void test_gallery_order(void **state) {
  cutlab_audit *audit = audit_make(200, 1, 1, 2, 1);
  for (int64_t i = 0; i < 200; ++i) {
    audit->methods[0].trainings[0].margin[i] = i < 150 ? -1 : 1;
    audit->methods[1].trainings[0].margin[i] = i < 150 ? 1 : -1;
    audit->methods[1].trainings[0].probability[i] = (double)(i % 50) / 100;
  }
  audit_settle(audit);
  assert_int_equal(cutlab_audit_compare(*state, audit), CUTLAB_OK);
  const cutlab_audit_comparison *c = audit->comparisons;
  assert_int_equal(c->rescued_shown, cutlab_audit_shown);
  assert_int_equal(c->hurt_shown, 50);
  assert_true(c->rescued_most[0] == 49 && c->rescued_most[1] == 99 && c->rescued_most[3] == 48);
  assert_true(c->hurt_most[0] == 150 && c->hurt_most[49] == 199);
  audit_release(audit);
}

static void test_one_method(void **state) {
  cutlab_audit *audit = audit_make(20, 2, 1, 1, 1);
  for (int64_t i = 0; i < 20; ++i) audit->methods[0].trainings[0].margin[i] = i % 3 ? 1 : -1;
  audit_settle(audit); /* all scores the same: one bin */
  assert_int_equal(cutlab_audit_tabulate(*state, audit), CUTLAB_OK);
  assert_int_equal(cutlab_audit_compare(*state, audit), CUTLAB_OK);
  assert_int_equal(audit->plain.pair_count, 0);
  assert_near(audit->curves->histogram[0], 1, 1e-12);
  assert_near(audit->curves->error_rate[0], 7. / 20, 1e-15);
  audit_release(audit);
}

int main(void) {
#define TEST(f) cmocka_unit_test_setup_teardown(f, context_up, context_down)
  const struct CMUnitTest tests[] = {
      TEST(test_quantile),
      TEST(test_beta),
      TEST(test_student),
      TEST(test_sign_test),
      TEST(test_holm),
      TEST(test_over_trainings),
      TEST(test_common_variance),
      TEST(test_bootstrap_twin),
      TEST(test_table_by_hand),
      TEST(test_curves_by_hand),
      TEST(test_without_errors),
      TEST(test_draws_without_errors),
      TEST(test_table_over_trainings),
      TEST(test_threads),
      TEST(test_cancel),
      TEST(test_comparison_by_hand),
      TEST(test_changes),
      TEST(test_gain_of_several_trainings),
      TEST(test_gain_over_trainings),
      TEST(test_gain_that_agrees_by_chance),
      TEST(test_groups_of_difficulty),
      TEST(test_gallery_order),
      TEST(test_one_method),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
