/* The table of measures, choosing among them, reading them off a training. */
#include "sweep/measures.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sweep/spec.h"

typedef enum measure_kind {
  MEASURE_TRAIN_LOSS,
  MEASURE_TRAIN_ACCURACY,
  MEASURE_TEST_ERROR,
  MEASURE_POPULATION_ACCURACY,
  MEASURE_GRADIENT_NORM,
  MEASURE_EVENNESS,
  MEASURE_FEATURE, /* one for each feature from here */
  MEASURE_ACCURACY,
  MEASURE_TIME, /* to here */
  MEASURE_ITERATIONS,
  MEASURE_CONVERGED,
  measure_kind_count
} measure_kind;

static const char *const kind_names[] = {
    "train_loss",    "train_accuracy", "test_error", "population_accuracy",
    "gradient_norm", "evenness",       "feature",    "accuracy",
    "time",          "iterations",     "converged"};

/* All that there are, in their order. */
static cutlab_measure *list_all(cutlab_context *context, int *count, int features) {
  cutlab_measure *all =
      cutlab_allocate(context, measure_kind_count + 3 * (int64_t)features, sizeof *all);
  *count = 0;
  for (int kind = 0; all && kind < measure_kind_count; ++kind) {
    bool each = kind >= MEASURE_FEATURE && kind <= MEASURE_TIME;
    for (int k = 0; k < (each ? features : 1); ++k) {
      cutlab_measure *m = &all[(*count)++];
      m->kind = kind, m->feature = k;
      if (each)
        snprintf(m->name, sizeof m->name, "%s_%d", kind_names[kind], k + 1);
      else
        snprintf(m->name, sizeof m->name, "%s", kind_names[kind]);
    }
  }
  return all;
}

static bool is_among(const char *name, const char *const *names) {
  for (; *names; ++names)
    if (strcmp(name, *names) == 0) return true;
  return false;
}

static cutlab_status find(cutlab_context *context, int *at, const cutlab_entry *entry,
                          const cutlab_measure *all, int count) {
  const char **names = cutlab_allocate(context, count, sizeof *names);
  if (!names) return CUTLAB_ERROR_MEMORY;
  for (int i = 0; i < count; ++i) names[i] = all[i].name;
  *at = cutlab_nearest_name(entry->name, names, count);
  free(names);
  if (strcmp(all[*at].name, entry->name) == 0) return CUTLAB_OK;
  return cutlab_spec_fail(context, entry->where, "unknown measure '%.60s'; nearest: %s",
                          entry->name, all[*at].name);
}

cutlab_status cutlab_measures_check(cutlab_context *context, const cutlab_entry *entry,
                                    int features) {
  int count, at;
  cutlab_measure *all = list_all(context, &count, features);
  cutlab_status status = all ? find(context, &at, entry, all, count) : CUTLAB_ERROR_MEMORY;
  free(all);
  return status;
}

static cutlab_status check_name(cutlab_context *context, const cutlab_entry *entry,
                                const cutlab_measure *all, int count, bool fresh_points,
                                const char *const *excluded) {
  int at;
  if (is_among(entry->name, excluded))
    return cutlab_spec_fail(context, entry->where, "measure %s has the name of an axis",
                            entry->name);
  CUTLAB_TRY(find(context, &at, entry, all, count));
  if (all[at].kind != MEASURE_TEST_ERROR || fresh_points) return CUTLAB_OK;
  return cutlab_spec_fail(context, entry->where,
                          "test_error is measured on fresh points; set monte_carlo, how many");
}

static bool is_wanted(const cutlab_measure *m, const cutlab_entries *names, bool fresh_points,
                      const char *const *excluded) {
  for (int i = 0; i < names->count; ++i)
    if (strcmp(names->items[i].name, m->name) == 0) return true;
  if (names->count || m->kind == MEASURE_TIME) return false;
  return !is_among(m->name, excluded) && (m->kind != MEASURE_TEST_ERROR || fresh_points);
}

/* Those of features last, feature by feature: of fewer features the same measures come first. */
static int place(const cutlab_measure *measure, bool has_times) {
  enum { each = MEASURE_TIME - MEASURE_FEATURE + 1, single = measure_kind_count - each };
  if (measure->kind < MEASURE_FEATURE) return measure->kind;
  if (measure->kind > MEASURE_TIME) return measure->kind - each;
  return single + measure->feature * (has_times ? each : each - 1) + measure->kind -
         MEASURE_FEATURE;
}

cutlab_status cutlab_measures_choose(cutlab_context *context, cutlab_measures *measures,
                                     const cutlab_entries *names, int features, bool fresh_points,
                                     const char *const *excluded) {
  int count;
  cutlab_measure *all = list_all(context, &count, features);
  cutlab_status status = all ? CUTLAB_OK : CUTLAB_ERROR_MEMORY;
  for (int i = 0; status == CUTLAB_OK && i < names->count; ++i)
    status = check_name(context, &names->items[i], all, count, fresh_points, excluded);
  if (status != CUTLAB_OK) {
    free(all);
    return status;
  }
  *measures = (cutlab_measures){.features = features};
  for (int i = 0; i < count; ++i)
    measures->has_times |=
        all[i].kind == MEASURE_TIME && is_wanted(&all[i], names, fresh_points, excluded);
  measures->items = cutlab_allocate(context, count, sizeof *measures->items);
  measures->stored = cutlab_allocate(context, count, sizeof *measures->stored);
  for (int i = 0; measures->items && measures->stored && i < count; ++i) {
    if (all[i].kind == MEASURE_TIME && !measures->has_times) continue;
    all[i].at = place(&all[i], measures->has_times);
    measures->stored[all[i].at] = all[i];
    ++measures->stored_count;
    if (is_wanted(&all[i], names, fresh_points, excluded))
      measures->items[measures->count++] = all[i];
  }
  free(all);
  return measures->items && measures->stored ? CUTLAB_OK : CUTLAB_ERROR_MEMORY;
}

void cutlab_measures_clear(cutlab_measures *measures) {
  free(measures->items);
  free(measures->stored);
  *measures = (cutlab_measures){0};
}

double cutlab_measures_feature_accuracy(const cutlab_measurement *m, int k, double balance) {
  if (k >= m->feature_count) return NAN;
  double plus = m->population_accuracy_by_feature[k],
         minus = m->population_accuracy_by_feature[m->feature_count + k];
  return balance >= 1 ? plus : balance <= 0 ? minus : balance * plus + (1 - balance) * minus;
}

static double value_of(const cutlab_measure *measure, const cutlab_measurement *m,
                       const cutlab_run_facts *facts) {
  int k = measure->feature;
  switch (measure->kind) {
  case MEASURE_TRAIN_LOSS:
    return m->loss;
  case MEASURE_TRAIN_ACCURACY:
    return m->train_accuracy;
  case MEASURE_TEST_ERROR:
    return m->test_error;
  case MEASURE_POPULATION_ACCURACY:
    return m->population_accuracy;
  case MEASURE_GRADIENT_NORM:
    return m->gradient_norm;
  case MEASURE_EVENNESS:
    return m->evenness;
  case MEASURE_FEATURE:
    return k < m->feature_count
               ? (m->feature_outputs[k] + m->feature_outputs[m->feature_count + k]) / 2
               : NAN;
  case MEASURE_ACCURACY:
    return cutlab_measures_feature_accuracy(m, k, facts->balance);
  case MEASURE_TIME:
    return facts->times[k];
  case MEASURE_ITERATIONS:
    return (double)m->iteration;
  default:
    return facts->converged;
  }
}

void cutlab_measures_fill(double *values, const cutlab_measures *measures,
                          const cutlab_measurement *m, const cutlab_run_facts *facts) {
  for (int i = 0; i < measures->stored_count; ++i) {
    double value = value_of(&measures->stored[i], m, facts);
    values[i] = isfinite(value) ? value : NAN;
  }
}
