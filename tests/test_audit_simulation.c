/* Audits of simulated networks, whose truth is known: do intervals cover it as often as they say,
   how often do tests see what is not there, and does the matched table stay when only accuracy
   changes? CUTLAB_REPETITIONS: how often, for closer figures than the usual 300. */
#include <math.h>

#include <cutlab/random.h>

#include "audit_made.h"
#include "fixture.h"

enum { stats = cutlab_audit_statistics, examples = 800, fine = 200000 };

static const uint64_t stream = 99;

/* Of training t: margin = slope (score - middle) + shift of the method + u_t + e_i + noise_it. */
typedef struct world {
  double slope, middle, training, example, noise;
} world;
static const world usual = {3, .25, .12, .7, .7};

static int64_t repetitions(void) {
  const char *text = getenv("CUTLAB_REPETITIONS");
  return text ? strtoll(text, NULL, 10) : 300;
}

/* Scores pile up at 1, as C-scores do. */
static double draw_score(cutlab_random *random) {
  double u = cutlab_random_uniform(random);
  return 1 - u * u;
}

/* Fresh examples; effects: [methods * trainings] what is added to a training's margins. */
static cutlab_audit *simulate(cutlab_random *random, const double *effects, int methods,
                              int trainings, int64_t count) {
  cutlab_audit *audit = audit_make(count, 1, 1, methods, trainings);
  for (int64_t i = 0; i < count; ++i) {
    double score = audit->score[i] = draw_score(random);
    double easy =
        usual.slope * (score - usual.middle) + usual.example * cutlab_random_normal(random);
    for (int m = 0; m < methods; ++m)
      for (int t = 0; t < trainings; ++t)
        audit->methods[m].trainings[t].margin[i] =
            easy + effects[m * trainings + t] + usual.noise * cutlab_random_normal(random);
  }
  audit_settle(audit);
  return audit;
}

static void draw_effects(double *effects, cutlab_random *random, int count) {
  for (int i = 0; i < count; ++i) effects[i] = usual.training * cutlab_random_normal(random);
}

/* What a repetition computes; the caller releases it. */
static cutlab_audit *repeat(cutlab_context *context, cutlab_random *random, const double *effects,
                            int methods, int trainings, int64_t draws) {
  cutlab_audit *audit = simulate(random, effects, methods, trainings, examples);
  audit->options.draws = draws;
  assert_int_equal(cutlab_audit_tabulate(context, audit), CUTLAB_OK);
  assert_true(audit->plain.there && audit->matched.there);
  return audit;
}

/* Statistics of the first method in as many examples as make them exact enough. */
static void find_truth(cutlab_context *context, double *plain, double *matched,
                       const double *effects, int trainings) {
  cutlab_random random = cutlab_random_make(1, stream, 0, 1, 0);
  cutlab_audit *audit = simulate(&random, effects, 1, trainings, fine);
  audit->options.draws = 1;
  assert_int_equal(cutlab_audit_tabulate(context, audit), CUTLAB_OK);
  for (int q = 0; q < stats; ++q) {
    plain[q] += audit->plain.rows->statistics[q].value;
    matched[q] += audit->matched.rows->statistics[q].value;
  }
  audit_release(audit);
}

static void check_share(const char *what, int64_t hits, int64_t count, double low, double high) {
  double share = (double)hits / (double)count;
  print_message("%s: %.3f\n", what, share);
  if (!(share >= low && share <= high))
    fail_msg("%s: %g is not within %g to %g", what, share, low, high);
}

static const char *const names[stats] = {"mean", "Q1", "Q2", "Q3"};

static void check_shares(const char *what, const int64_t hits[stats], int times, double low,
                         double high) {
  for (int q = 0; q < stats; ++q) {
    char text[128];
    snprintf(text, sizeof text, "%s, %s", what, names[q]);
    check_share(text, hits[q], times * repetitions(), low, high);
  }
}

/* The same two networks, other examples. */
static void test_examples_coverage(void **state) {
  static const double effects[] = {.1, -.15};
  double truth[2][stats] = {{0}};
  int64_t covered[2][stats] = {{0}};
  find_truth(*state, truth[0], truth[1], effects, 2);
  for (int64_t r = 0; r < repetitions(); ++r) {
    cutlab_random random = cutlab_random_make(2, stream, (uint64_t)r, 0, 0);
    cutlab_audit *audit = repeat(*state, &random, effects, 1, 2, 400);
    const cutlab_audit_table *tables[] = {&audit->plain, &audit->matched};
    for (int i = 0; i < 2; ++i)
      for (int q = 0; q < stats; ++q) {
        const cutlab_audit_estimate *e = &tables[i]->rows->statistics[q];
        covered[i][q] += e->examples_low <= truth[i][q] && truth[i][q] <= e->examples_high;
      }
    audit_release(audit);
  }
  check_shares("coverage over examples, plain", covered[0], 1, .9, .985);
  check_shares("coverage over examples, matched", covered[1], 1, .9, .985);
}

/* Other networks too. With 3 of them the degrees of freedom are too many where they happen to
   agree: some 93% for the 95% of the intervals. The truth is the mean over the law of training
   effects, by its quantiles. */
static void test_trainings_coverage(void **state) {
  enum { effects_count = 8 };
  /* Nodes and weights of Gauss and Hermite for the standard normal law. */
  static const double nodes[4] = {.5390798113513751, 1.636519042435108, 2.8024858612875416,
                                  4.1445471861258945};
  static const double weights[4] = {.3730122576790776, .1172399076617590, .0096352201207883,
                                    .0001126145383754};
  double truth[stats] = {0};
  int64_t covered[stats] = {0};
  for (int n = 0; n < effects_count; ++n) {
    double effect = usual.training * (n % 2 ? -1 : 1) * nodes[n / 2], at[stats] = {0}, none[stats];
    find_truth(*state, at, none, &effect, 1);
    for (int q = 0; q < stats; ++q) truth[q] += weights[n / 2] * at[q];
  }
  for (int64_t r = 0; r < 2 * repetitions(); ++r) {
    double effects[3];
    cutlab_random random = cutlab_random_make(3, stream, (uint64_t)r, 0, 0);
    draw_effects(effects, &random, 3);
    cutlab_audit *audit = repeat(*state, &random, effects, 1, 3, 200);
    for (int q = 0; q < stats; ++q) {
      const cutlab_audit_estimate *e = &audit->plain.rows->statistics[q];
      covered[q] += e->low <= truth[q] && truth[q] <= e->high;
    }
    audit_release(audit);
  }
  check_shares("coverage over trainings", covered, 2, .9, 1);
}

/* Counts p < .05 of the only pair and adds up its differences. */
static void count_rejections(int64_t *rejected, double *sums, const cutlab_audit_table *table) {
  for (int q = 0; q < stats; ++q) {
    rejected[q] += table->pairs->statistics[q].p < .05;
    sums[q] += table->pairs->statistics[q].value;
  }
}

/* Two sets of 3 trainings, the second of which is right more often by `shift`. */
typedef struct outcome {
  int64_t plain[stats], matched[stats]; /* rejections */
  double plain_sum[stats], matched_sum[stats], matched_squares[stats];
} outcome;

static outcome compare_sets(cutlab_context *context, uint64_t seed, double shift, bool paired,
                            int64_t count) {
  outcome o = {0};
  for (int64_t r = 0; r < repetitions(); ++r) {
    double effects[6];
    cutlab_random random = cutlab_random_make(seed, stream, (uint64_t)r, 0, 0);
    draw_effects(effects, &random, 6);
    for (int t = 3; t < 6; ++t) effects[t] += shift;
    cutlab_audit *audit = simulate(&random, effects, 2, 3, count);
    for (int t = 0; t < 3 && !paired; ++t) audit->methods[1].trainings[t].seed += 3;
    assert_int_equal(cutlab_audit_tabulate(context, audit), CUTLAB_OK);
    assert_int_equal(audit->plain.pairs->paired, paired);
    count_rejections(o.plain, o.plain_sum, &audit->plain);
    count_rejections(o.matched, o.matched_sum, &audit->matched);
    for (int q = 0; q < stats; ++q) {
      double value = audit->matched.pairs->statistics[q].value;
      o.matched_squares[q] += value * value;
    }
    audit_release(audit);
  }
  return o;
}

static void test_false_positives(void **state) {
  for (int paired = 0; paired < 2; ++paired) {
    outcome o = compare_sets(*state, 4 + (uint64_t)paired, 0, paired, examples);
    check_shares(paired ? "p < .05 without a difference, paired, plain"
                        : "p < .05 without a difference, not paired, plain",
                 o.plain, 1, 0, .08);
    check_shares(paired ? "p < .05 without a difference, paired, matched"
                        : "p < .05 without a difference, not paired, matched",
                 o.matched, 1, 0, .08);
  }
}

/* Errors fall from about 22% to 9%; the margins' law is the same but for the shift. */
static void test_matched_table(void **state) {
  outcome o = compare_sets(*state, 6, 1.3, true, 2 * examples);
  double count = (double)repetitions();
  check_share("only accuracy differs, p < .05 plain, mean", o.plain[0], repetitions(), .95, 1);
  check_shares("only accuracy differs, p < .05 matched", o.matched, 1, 0, .08);
  for (int q = 0; q < stats; ++q) {
    double mean = o.matched_sum[q] / count;
    double error = sqrt((o.matched_squares[q] / count - mean * mean) / count);
    print_message("only accuracy differs, %s: plain %+.4f, matched %+.4f (standard error %.4f)\n",
                  names[q], o.plain_sum[q] / count, mean, error);
    assert_true(fabs(mean) < 3.5 * error);
    assert_true(o.plain_sum[q] / count < -20 * error);
  }
}

int main(void) {
#define TEST(f) cmocka_unit_test_setup_teardown(f, context_up, context_down)
  const struct CMUnitTest tests[] = {
      TEST(test_examples_coverage),
      TEST(test_trainings_coverage),
      TEST(test_false_positives),
      TEST(test_matched_table),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
