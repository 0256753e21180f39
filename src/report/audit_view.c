/* What is shown of an audit and follows from it. */
#include <math.h>
#include <stdlib.h>

#include "report/audit_report.h"

const char *const cutlab_audit_statistic_names[cutlab_audit_statistics] = {"mean", "q1", "q2",
                                                                           "q3"};

int cutlab_audit_fewest_trainings(const cutlab_audit *audit) {
  int fewest = audit->methods[0].training_count;
  for (int m = 1; m < audit->method_count; ++m)
    if (audit->methods[m].training_count < fewest) fewest = audit->methods[m].training_count;
  return fewest;
}

void cutlab_audit_interval(double *low, double *high, const cutlab_audit_estimate *estimate) {
  bool trainings = !isnan(estimate->low);
  *low = trainings ? estimate->low : estimate->examples_low;
  *high = trainings ? estimate->high : estimate->examples_high;
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
  double trainings = method->training_count;
  for (int64_t i = 0; i < n; ++i) {
    double right = 0, probability = 0;
    for (int t = 0; t < method->training_count; ++t) {
      right += !method->trainings[t].wrong[i];
      probability += method->trainings[t].probability[i];
    }
    view->share[m * n + i] = right / trainings;
    view->probability[m * n + i] = probability / trainings;
    view->prediction[m * n + i] = commonest(method, i);
  }
}

/* An example and what it is sorted by. */
typedef struct ranked {
  double difficulty;
  int64_t place;
} ranked;

static int by_difficulty(const void *first, const void *second) {
  const ranked *a = first, *b = second;
  if (a->difficulty != b->difficulty) return a->difficulty < b->difficulty ? -1 : 1;
  return (a->place > b->place) - (a->place < b->place);
}

/* Groups hold consecutive examples by difficulty, then place. */
static cutlab_status group_examples(cutlab_context *context, cutlab_audit_view *view) {
  const cutlab_audit *audit = view->audit;
  int64_t groups = cutlab_audit_difficulties(audit);
  if (!groups) return CUTLAB_OK;
  ranked *order = cutlab_allocate(context, audit->count, sizeof *order);
  view->difficulty = cutlab_allocate(context, audit->count, sizeof *view->difficulty);
  if (!order || !view->difficulty) {
    free(order);
    return CUTLAB_ERROR_MEMORY;
  }
  for (int64_t i = 0; i < audit->count; ++i) order[i] = (ranked){audit->difficulty[i], i};
  qsort(order, (size_t)audit->count, sizeof *order, by_difficulty);
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
