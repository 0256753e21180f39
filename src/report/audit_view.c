/* What is shown of an audit and follows from it. */
#include <math.h>
#include <stdlib.h>

#include "audit/statistics.h"
#include "report/audit_report.h"

void cutlab_audit_interval(double *low, double *high, const cutlab_audit_estimate *estimate) {
  bool trainings = !isnan(estimate->low);
  *low = trainings ? estimate->low : estimate->examples_low;
  *high = trainings ? estimate->high : estimate->examples_high;
}

json_t *cutlab_audit_with(json_t *list, json_t *value) {
  if (json_array_append_new(list, value) == 0) return list;
  json_decref(list);
  return NULL;
}

bool cutlab_audit_significant(const cutlab_audit *audit, const cutlab_audit_estimate *estimate) {
  return estimate->adjusted_p < 1 - audit->options.confidence;
}

int64_t cutlab_audit_difficulties(const cutlab_audit *audit) {
  return audit->method_count > 1 ? audit->options.quantiles : 0;
}

/* The class that most trainings predict. */
static int64_t commonest(const cutlab_audit_method *method, int64_t i) {
  int64_t best = 0;
  int most = 0;
  for (int a = 0; a < method->training_count; ++a) {
    int same = 0;
    for (int b = a; b < method->training_count; ++b)
      same += method->trainings[b].prediction[i] == method->trainings[a].prediction[i];
    if (same > most) {
      most = same;
      best = method->trainings[a].prediction[i];
    }
  }
  return best;
}

static void summarise_method(cutlab_audit_view *view, int m) {
  const cutlab_audit_method *method = &view->audit->methods[m];
  int64_t n = view->audit->count;
  for (int64_t i = 0; i < n; ++i) {
    view->share[m * n + i] = cutlab_audit_share_right(method, i);
    view->probability[m * n + i] = cutlab_audit_mean_probability(method, i);
    view->prediction[m * n + i] = commonest(method, i);
  }
}

/* Groups hold consecutive examples by difficulty, then place. */
static cutlab_status group_examples(cutlab_context *context, cutlab_audit_view *view) {
  const cutlab_audit *audit = view->audit;
  int64_t groups = cutlab_audit_difficulties(audit);
  if (!groups) return CUTLAB_OK;
  cutlab_sort_key *order = cutlab_allocate(context, audit->count, sizeof *order);
  view->difficulty = cutlab_allocate(context, audit->count, sizeof *view->difficulty);
  if (!order || !view->difficulty) {
    free(order);
    return CUTLAB_ERROR_MEMORY;
  }
  for (int64_t i = 0; i < audit->count; ++i)
    order[i] = (cutlab_sort_key){.first = audit->difficulty[i], .place = i};
  cutlab_sort(order, audit->count);
  for (int64_t group = 0, i = 0; group < groups; ++group) {
    int64_t end = i + audit->comparisons[0].difficulty[group].count;
    for (; i < end && i < audit->count; ++i) view->difficulty[order[i].place] = group;
  }
  free(order);
  return CUTLAB_OK;
}

cutlab_status cutlab_audit_view_make(cutlab_context *context, cutlab_audit_view *view,
                                     const cutlab_audit *audit) {
  int64_t methods = audit->method_count, values = methods * audit->count;
  *view = (cutlab_audit_view){
      .audit = audit,
      .colours = cutlab_allocate(context, methods, sizeof *view->colours),
      .share = cutlab_allocate(context, values, sizeof *view->share),
      .probability = cutlab_allocate(context, values, sizeof *view->probability),
      .prediction = cutlab_allocate(context, values, sizeof *view->prediction)};
  if (!view->colours || !view->share || !view->probability || !view->prediction)
    return CUTLAB_ERROR_MEMORY;
  int others = 0;
  for (int m = 0; m < audit->method_count; ++m) {
    view->colours[m] = cutlab_report_colour(audit->methods[m].label, &others);
    summarise_method(view, m);
  }
  return group_examples(context, view);
}

void cutlab_audit_view_clear(cutlab_audit_view *view) {
  free(view->colours);
  free(view->share);
  free(view->probability);
  free(view->prediction);
  free(view->difficulty);
}
