/* What became of all examples, of a class and of a range of difficulty. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/compare_groups.h"
#include "audit/statistics.h"

/* What the groups are computed from. */
typedef struct sides {
  const cutlab_audit *audit;
  const cutlab_audit_method *baseline, *method;
  const cutlab_audit_comparison *comparison;
  const int64_t *members; /* the group's examples, group->count of them */
  double *accuracies;     /* [the baseline's trainings, then the method's] of the group */
} sides;

static int64_t right_of(const cutlab_audit_method *method, int64_t example) {
  int64_t right = 0;
  for (int t = 0; t < method->training_count; ++t) right += !method->trainings[t].wrong[example];
  return right;
}

/* Changes over all pairs of trainings are products: wrong under one, right under the other. Of
   pairs with one seed, which share their first weights and order, they are left out again where
   there are others: the baseline's own changes, which they stand beside, are between seeds too. */
static void count_changes(cutlab_audit_group *group, const sides *s) {
  const int64_t before = s->baseline->training_count, after = s->method->training_count;
  const int64_t same = s->comparison->paired && after > 1 ? after : 0;
  int64_t rescued = 0, hurt = 0, again = 0;
  for (int64_t i = 0; i < group->count; ++i) {
    int64_t e = s->members[i];
    int64_t right = right_of(s->baseline, e), right_after = right_of(s->method, e);
    again += (before - right) * right;
    rescued += (before - right) * right_after;
    hurt += right * (after - right_after);
    for (int64_t t = 0; t < same; ++t) {
      bool wrong = s->baseline->trainings[t].wrong[e],
           wrong_after = s->method->trainings[t].wrong[e];
      rescued -= wrong && !wrong_after;
      hurt -= !wrong && wrong_after;
    }
  }
  double pairs = (double)(before * after - same);
  group->rescued = (double)rescued / pairs;
  group->hurt = (double)hurt / pairs;
  group->rescued_again = before > 1 ? (double)again / (double)(before * (before - 1)) : NAN;
  group->hurt_again = group->rescued_again;
}

/* The mean of the accuracies of a method's trainings. */
static double fill_accuracies(double *accuracies, const cutlab_audit_group *group, const sides *s,
                              const cutlab_audit_method *method) {
  int64_t all = 0;
  for (int t = 0; t < method->training_count; ++t) {
    int64_t right = 0;
    for (int64_t i = 0; i < group->count; ++i) right += !method->trainings[t].wrong[s->members[i]];
    accuracies[t] = (double)right / (double)group->count;
    all += right;
  }
  return (double)all / ((double)group->count * method->training_count);
}

/* The part of the mean gain's variance around zero that trainings of method `of`, or differences of
   their answers from those of `minus` by seed, have on their own: the sum over examples and
   trainings of (g_ir - g_i)^2 / (R (R - 1)) / n^2, g_i the mean of g_ir over R trainings. */
static double own_variance(const cutlab_audit_group *group, const sides *s,
                           const cutlab_audit_method *of, const cutlab_audit_method *minus) {
  const double trainings = of->training_count, n = (double)group->count;
  double squares = 0;
  for (int64_t i = 0; i < group->count; ++i) {
    int64_t e = s->members[i];
    double mean = (double)(right_of(of, e) - (minus ? right_of(minus, e) : 0)) / trainings;
    for (int t = 0; t < of->training_count; ++t) {
      int right = !of->trainings[t].wrong[e], right_minus = minus && !minus->trainings[t].wrong[e];
      squares += (right - right_minus - mean) * (right - right_minus - mean);
    }
  }
  return squares / (trainings * (trainings - 1)) / (n * n);
}

static double own_variance_of_gain(const cutlab_audit_group *group, const sides *s) {
  if (s->comparison->paired) return own_variance(group, s, s->method, s->baseline);
  return own_variance(group, s, s->method, NULL) + own_variance(group, s, s->baseline, NULL);
}

/* Intervals take the variance of the examples' gains around their mean, tests that around 0, which
   is what it is if there is no gain: with one training each that makes z McNemar's (rescued -
   hurt) / sqrt(rescued + hurt), and it does not vanish where all of a few examples are rescued. */
static void estimate_gain(cutlab_audit_group *group, const sides *s) {
  const int64_t n = group->count;
  const double *gains = s->comparison->gain;
  double mean = 0, around_mean = 0, around_zero = 0;
  for (int64_t i = 0; i < n; ++i) mean += gains[s->members[i]] / (double)n;
  for (int64_t i = 0; i < n; ++i) {
    double gain = gains[s->members[i]];
    around_mean += (gain - mean) * (gain - mean);
    around_zero += gain * gain;
  }
  double variance = n > 1 ? around_mean / (double)(n - 1) / (double)n : NAN;
  double variance_if_none = around_zero / (double)n / (double)n;
  double confidence = s->audit->options.confidence;
  double half = cutlab_student_quantile(confidence, INFINITY) * sqrt(variance);
  const cutlab_spread certain = {.known = true};
  cutlab_spread spread = cutlab_spread_between(s->accuracies, s->baseline->training_count,
                                               s->accuracies + s->baseline->training_count,
                                               s->method->training_count, 1, s->comparison->paired);
  cutlab_audit_estimate *e = &group->gain;
  e->examples_low = e->value - half;
  e->examples_high = e->value + half;
  e->examples_p = cutlab_estimate_p(e->value, variance_if_none, &certain);
  if (n && s->baseline->training_count == 1 && s->method->training_count == 1)
    e->examples_p =
        cutlab_sign_test(group->fates[CUTLAB_AUDIT_RESCUED], group->fates[CUTLAB_AUDIT_HURT]);
  double own_if_none = own_variance_of_gain(group, s);
  double own = ((double)n * own_if_none - spread.variance) / (double)(n - 1);
  cutlab_estimate_interval(e, cutlab_common_variance(variance, own, &spread), &spread, confidence);
  e->p = cutlab_estimate_p(e->value, cutlab_common_variance(variance_if_none, own_if_none, &spread),
                           &spread);
}

static cutlab_status fill_group(cutlab_context *context, cutlab_audit_group *group, const sides *s,
                                const char *name) {
  group->name = strdup(name);
  if (!group->name) return cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory: a group");
  for (int64_t i = 0; i < group->count; ++i) ++group->fates[s->comparison->fate[s->members[i]]];
  count_changes(group, s);
  group->baseline_accuracy = fill_accuracies(s->accuracies, group, s, s->baseline);
  group->accuracy =
      fill_accuracies(s->accuracies + s->baseline->training_count, group, s, s->method);
  group->gain.value = group->accuracy - group->baseline_accuracy;
  estimate_gain(group, s);
  group->gain.adjusted_p = cutlab_estimate_best_p(&group->gain);
  return CUTLAB_OK;
}

/* Holm over groups of one kind. */
static cutlab_status adjust(cutlab_context *context, cutlab_audit_group *groups, int64_t count) {
  double *p = cutlab_allocate(context, count, sizeof *p);
  if (!p) return CUTLAB_ERROR_MEMORY;
  for (int64_t g = 0; g < count; ++g) p[g] = groups[g].gain.adjusted_p;
  cutlab_status status = cutlab_holm(context, p, count);
  for (int64_t g = 0; g < count; ++g) groups[g].gain.adjusted_p = p[g];
  free(p);
  return status;
}

/* kinds of groups; keys and members have room for all examples */

static void take_members(int64_t *members, const cutlab_sort_key *keys, int64_t count) {
  for (int64_t i = 0; i < count; ++i) members[i] = keys[i].place;
}

static cutlab_status by_class(cutlab_context *context, cutlab_audit_comparison *comparison,
                              sides *s, cutlab_sort_key *keys, int64_t *members) {
  const cutlab_audit *audit = s->audit;
  for (int64_t i = 0; i < audit->count; ++i)
    keys[i] = (cutlab_sort_key){.group = audit->label[i], .place = i};
  cutlab_sort(keys, audit->count);
  take_members(members, keys, audit->count);
  for (int64_t class = 0, first = 0; class < audit->classes; ++class) {
    cutlab_audit_group *group = &comparison->classes[class];
    char text[24];
    group->low = group->high = NAN;
    s->members = members + first;
    for (; first < audit->count && keys[first].group == class; ++first) ++group->count;
    CUTLAB_TRY(fill_group(context, group, s, cutlab_audit_class_name(audit, class, text)));
  }
  return adjust(context, comparison->classes, audit->classes);
}

static cutlab_status by_difficulty(cutlab_context *context, cutlab_audit_comparison *comparison,
                                   sides *s, cutlab_sort_key *keys, int64_t *members) {
  const cutlab_audit *audit = s->audit;
  const int64_t groups = audit->options.quantiles;
  const int64_t size = audit->count / groups, larger = audit->count % groups;
  for (int64_t i = 0; i < audit->count; ++i)
    keys[i] = (cutlab_sort_key){.first = audit->difficulty[i], .place = i};
  cutlab_sort(keys, audit->count);
  take_members(members, keys, audit->count);
  for (int64_t g = 0, first = 0; g < groups; ++g) {
    cutlab_audit_group *group = &comparison->difficulty[g];
    char name[64];
    snprintf(name, sizeof name, "difficulty %" PRId64 " of %" PRId64, g + 1, groups);
    group->count = size + (g < larger);
    group->low = keys[first].first;
    group->high = keys[first + group->count - 1].first;
    s->members = members + first;
    first += group->count;
    CUTLAB_TRY(fill_group(context, group, s, name));
  }
  return adjust(context, comparison->difficulty, groups);
}

static cutlab_status fill(cutlab_context *context, cutlab_audit_comparison *comparison, sides *s,
                          cutlab_sort_key *keys, int64_t *members) {
  const int trainings = s->baseline->training_count + s->method->training_count;
  s->accuracies = cutlab_allocate(context, trainings, sizeof *s->accuracies);
  if (!s->accuracies || !keys || !members) return CUTLAB_ERROR_MEMORY;
  for (int64_t i = 0; i < s->audit->count; ++i) members[i] = i;
  s->members = members;
  comparison->all.count = s->audit->count;
  comparison->all.low = comparison->all.high = NAN;
  CUTLAB_TRY(fill_group(context, &comparison->all, s, "all"));
  CUTLAB_TRY(by_class(context, comparison, s, keys, members));
  return by_difficulty(context, comparison, s, keys, members);
}

cutlab_status cutlab_compare_groups(cutlab_context *context, cutlab_audit_comparison *comparison,
                                    const cutlab_audit *audit) {
  sides s = {.audit = audit,
             .baseline = &audit->methods[comparison->baseline],
             .method = &audit->methods[comparison->method],
             .comparison = comparison};
  cutlab_sort_key *keys = cutlab_allocate(context, audit->count, sizeof *keys);
  int64_t *members = cutlab_allocate(context, audit->count, sizeof *members);
  cutlab_status status = fill(context, comparison, &s, keys, members);
  free(s.accuracies);
  free(keys);
  free(members);
  return status;
}
