/* An audit as JSON: everything but the examples. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "audit/audit_internal.h"

const char *const cutlab_audit_statistic_names[cutlab_audit_statistics] = {"mean", "q1", "q2",
                                                                           "q3"};

static json_t *interval(double low, double high) {
  return isnan(low) ? json_null()
                    : json_pack("[o,o]", cutlab_json_number(low), cutlab_json_number(high));
}

static json_t *estimate_json(const cutlab_audit_estimate *e, bool difference) {
  json_t *json = json_pack("{s:o,s:o,s:o}", "value", cutlab_json_number(e->value), "over_examples",
                           interval(e->examples_low, e->examples_high), "over_trainings",
                           interval(e->low, e->high));
  if (!difference) return json;
  json_object_set_new(json, "examples_p", cutlab_json_number(e->examples_p));
  json_object_set_new(json, "p", cutlab_json_number(e->p));
  json_object_set_new(json, "adjusted_p", cutlab_json_number(e->adjusted_p));
  return json;
}

/* Accuracy and, from a table, what is known of each training. */
static json_t *trainings_json(const cutlab_audit *audit, int method, const cutlab_audit_row *row) {
  const cutlab_audit_method *m = &audit->methods[method];
  json_t *list = json_array();
  for (int r = 0; r < m->training_count; ++r) {
    const cutlab_audit_training *t = &m->trainings[r];
    json_t *one = json_pack("{s:s,s:I,s:I,s:o}", "name", t->name, "seed", (json_int_t)t->seed,
                            "misclassified", (json_int_t)t->errors, "accuracy",
                            cutlab_json_number(1 - (double)t->errors / (double)audit->count));
    for (int s = 0; row && s < cutlab_audit_statistics; ++s)
      json_object_set_new(one, cutlab_audit_statistic_names[s],
                          cutlab_json_number(row->of_training[r * cutlab_audit_statistics + s]));
    json_array_append_new(list, one);
  }
  return list;
}

double cutlab_audit_accuracy(const cutlab_audit *audit, int method) {
  const cutlab_audit_method *m = &audit->methods[method];
  double errors = 0;
  for (int r = 0; r < m->training_count; ++r) errors += (double)m->trainings[r].errors;
  return 1 - errors / m->training_count / (double)audit->count;
}

static json_t *method_json(const cutlab_audit *audit, int method, const cutlab_audit_table *table) {
  const cutlab_audit_row *row = table->there ? &table->rows[method] : NULL;
  const double accuracy = cutlab_audit_accuracy(audit, method);
  json_t *json = json_pack(
      "{s:i,s:o,s:o}", "trainings", audit->methods[method].training_count, "misclassified",
      cutlab_json_number(row ? row->errors : (1 - accuracy) * (double)audit->count), "accuracy",
      cutlab_json_number(accuracy));
  json_t *intervals = json_object();
  for (int s = 0; s < cutlab_audit_statistics; ++s) {
    json_object_set_new(json, cutlab_audit_statistic_names[s],
                        cutlab_json_number(row ? row->statistics[s].value : NAN));
    if (row)
      json_object_set_new(intervals, cutlab_audit_statistic_names[s],
                          estimate_json(&row->statistics[s], false));
  }
  json_object_set_new(json, "intervals", intervals);
  json_object_set_new(json, "each", trainings_json(audit, method, row));
  return json;
}

static json_t *pair_json(const cutlab_audit *audit, const cutlab_audit_pair *pair) {
  json_t *json = json_pack("{s:s,s:s,s:b}", "first", audit->methods[pair->first].label, "second",
                           audit->methods[pair->second].label, "paired", pair->paired);
  for (int s = 0; s < cutlab_audit_statistics; ++s)
    json_object_set_new(json, cutlab_audit_statistic_names[s],
                        estimate_json(&pair->statistics[s], true));
  return json;
}

/* Rows by method, differences, and how many errors each training has in a matched table. */
static void add_table(json_t *json, const cutlab_audit *audit, const cutlab_audit_table *table) {
  json_t *methods = json_object(), *differences = json_array();
  for (int m = 0; m < audit->method_count; ++m)
    json_object_set_new(methods, audit->methods[m].label, method_json(audit, m, table));
  for (int i = 0; table->there && i < table->pair_count; ++i)
    json_array_append_new(differences, pair_json(audit, &table->pairs[i]));
  json_object_set_new(json, "methods", methods);
  json_object_set_new(json, "differences", differences);
}

static json_t *group_json(const cutlab_audit_group *g) {
  json_t *fates = json_object();
  for (int f = 0; f < cutlab_audit_fates; ++f)
    json_object_set_new(fates, cutlab_audit_fate_name((cutlab_audit_fate)f),
                        json_integer(g->fates[f]));
  return json_pack("{s:s,s:I,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "name", g->name, "count",
                   (json_int_t)g->count, "low", cutlab_json_number(g->low), "high",
                   cutlab_json_number(g->high), "fates", fates, "rescued",
                   cutlab_json_number(g->rescued), "hurt", cutlab_json_number(g->hurt),
                   "rescued_again", cutlab_json_number(g->rescued_again), "hurt_again",
                   cutlab_json_number(g->hurt_again), "baseline_accuracy",
                   cutlab_json_number(g->baseline_accuracy), "accuracy",
                   cutlab_json_number(g->accuracy), "gain", estimate_json(&g->gain, true));
}

static json_t *groups_json(const cutlab_audit_group *groups, int64_t count) {
  json_t *list = json_array();
  for (int64_t i = 0; i < count; ++i) json_array_append_new(list, group_json(&groups[i]));
  return list;
}

static json_t *comparisons_json(const cutlab_audit *audit) {
  json_t *list = json_array();
  for (int i = 0; i + 1 < audit->method_count; ++i) {
    const cutlab_audit_comparison *c = &audit->comparisons[i];
    json_array_append_new(
        list, json_pack("{s:s,s:s,s:b,s:o,s:o,s:o}", "baseline", audit->methods[c->baseline].label,
                        "method", audit->methods[c->method].label, "paired", c->paired, "all",
                        group_json(&c->all), "classes", groups_json(c->classes, audit->classes),
                        "difficulty", groups_json(c->difficulty, audit->options.quantiles)));
  }
  return list;
}

cutlab_status cutlab_audit_json(cutlab_context *context, json_t **json, const cutlab_audit *audit) {
  *json = json_pack("{s:s,s:i,s:I,s:I,s:b,s:I,s:s,s:o,s:I,s:I}", "format", "cutlab-audit",
                    "format_version", 1, "examples", (json_int_t)audit->count, "classes",
                    (json_int_t)audit->classes, "held_out", audit->held_out, "folds",
                    (json_int_t)audit->folds, "baseline", audit->methods[0].label, "confidence",
                    cutlab_json_number(audit->options.confidence), "draws",
                    (json_int_t)audit->options.draws, "seed", (json_int_t)audit->options.seed);
  json_t *matched = json_object();
  if (!*json || !matched)
    return cutlab_fail(context, CUTLAB_ERROR_MEMORY,
                       "cannot make the audit's JSON: out of memory, or a name is not UTF-8");
  add_table(*json, audit, &audit->plain);
  if (audit->matched.there) {
    json_object_set_new(matched, "errors", json_integer(audit->matched.matched));
    add_table(matched, audit, &audit->matched);
    json_object_set(*json, "matched", matched);
  } else {
    json_object_set_new(*json, "matched", json_null());
  }
  json_decref(matched);
  cutlab_audit_order order = cutlab_audit_order_of(audit);
  if (order.known)
    json_object_set_new(*json, "order",
                        json_pack("{s:s,s:s,s:s}", "of", "mean: ERM > Cutout > CutMix", "plain",
                                  cutlab_audit_order_text(order.plain), "matched",
                                  cutlab_audit_order_text(order.matched)));
  json_object_set_new(*json, "comparisons", comparisons_json(audit));
  return CUTLAB_OK;
}

cutlab_status cutlab_audit_to_json(cutlab_context *context, char **text,
                                   const cutlab_audit *audit) {
  json_t *json = NULL;
  *text = NULL;
  if (!audit->computed)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT, "the audit has not been computed");
  cutlab_status status = cutlab_audit_json(context, &json, audit);
  if (status != CUTLAB_OK) {
    json_decref(json);
    return status;
  }
  return cutlab_json_text(context, text, json, 2);
}
