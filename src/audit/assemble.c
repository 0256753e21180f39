/* Inputs to methods, trainings and arrays over the audited examples. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "audit/inputs.h"
#include "train/settings.h"

static void free_training(cutlab_audit_training *t) {
  free(t->name);
  free(t->prediction);
  free(t->wrong);
  free(t->margin);
  free(t->probability);
}

void cutlab_audit_clear_assembled(cutlab_audit *audit) {
  for (int m = 0; m < audit->method_count; ++m) {
    cutlab_audit_method *method = &audit->methods[m];
    for (int t = 0; t < method->training_count; ++t) free_training(&method->trainings[t]);
    free(method->trainings);
    free(method->label);
  }
  free(audit->methods);
  free(audit->index);
  free(audit->label);
  free(audit->fold);
  free(audit->score);
  free(audit->difficulty);
  audit->methods = NULL;
  audit->index = audit->label = audit->fold = NULL;
  audit->score = audit->difficulty = NULL;
  audit->method_count = 0;
  audit->count = audit->classes = audit->folds = 0;
  audit->held_out = false;
}

int64_t cutlab_audit_find(const cutlab_audit *audit, int64_t from, int64_t place) {
  while (audit->index[from] < place) ++from;
  return from;
}

/* Methods */

static int find_label(const cutlab_audit *audit, const char *label) {
  for (int m = 0; m < audit->method_count; ++m)
    if (strcmp(audit->methods[m].label, label) == 0) return m;
  return -1;
}

/* A file does not become a training of runs because of its name. */
static cutlab_status check_label(cutlab_context *context, const cutlab_audit *audit,
                                 const cutlab_audit_input *file) {
  for (int i = 0; i < audit->input_count && !file->is_run; ++i)
    if (audit->inputs[i].is_run && strcasecmp(audit->inputs[i].method, file->method) == 0)
      return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                         "%s: the method '%s' is that of %s, a training; accepted: another name",
                         file->name, file->method, audit->inputs[i].name);
  return CUTLAB_OK;
}

static cutlab_status list_methods(cutlab_context *context, cutlab_audit *audit) {
  audit->methods = cutlab_allocate(context, audit->input_count, sizeof *audit->methods);
  if (!audit->methods) return CUTLAB_ERROR_MEMORY;
  for (int i = 0; i < audit->input_count; ++i) {
    const char *label = audit->inputs[i].method;
    CUTLAB_TRY(check_label(context, audit, &audit->inputs[i]));
    if (find_label(audit, label) >= 0) continue;
    char *copy = strdup(label);
    if (!copy) return cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory: methods");
    audit->methods[audit->method_count++].label = copy;
  }
  return CUTLAB_OK;
}

/* The place of a method that has a name of its own in the usual order; of others, behind them. */
static int usual_place(const char *label) {
  int place = 0;
  while (place < cutlab_training_methods &&
         strcasecmp(cutlab_training_method_label(place), label) != 0)
    ++place;
  return place;
}

/* Behind the baseline: the usual ones in their order, then the others as they were added. */
static void order_methods(cutlab_audit *audit) {
  for (int i = 2; i < audit->method_count; ++i) {
    const cutlab_audit_method method = audit->methods[i];
    int at = i;
    for (; at > 1 && usual_place(audit->methods[at - 1].label) > usual_place(method.label); --at)
      audit->methods[at] = audit->methods[at - 1];
    audit->methods[at] = method;
  }
}

/* Moves the baseline to the front. */
static cutlab_status put_baseline_first(cutlab_context *context, cutlab_audit *audit) {
  const char *asked = audit->options.baseline;
  int baseline = cutlab_audit_find_method(audit, asked ? asked : "ERM");
  if (baseline < 0 && asked)
    return cutlab_audit_refuse_method(context, audit, "the baseline", asked);
  if (baseline < 0) baseline = 0;
  const cutlab_audit_method first = audit->methods[baseline];
  memmove(audit->methods + 1, audit->methods, (size_t)baseline * sizeof first);
  audit->methods[0] = first;
  audit->options.baseline = first.label;
  return CUTLAB_OK;
}

/* Order */

/* By method, seed and fold; of equals the one added first. */
static int compare_inputs(const void *first, const void *second, void *user) {
  const cutlab_audit_input *a = *(cutlab_audit_input *const *)first,
                           *b = *(cutlab_audit_input *const *)second;
  const cutlab_audit *audit = user;
  int m = find_label(audit, a->method), n = find_label(audit, b->method);
  if (m != n) return m < n ? -1 : 1;
  if (a->seed != b->seed) return a->seed < b->seed ? -1 : 1;
  if (a->fold != b->fold) return a->fold < b->fold ? -1 : 1;
  return (a > b) - (a < b);
}

static cutlab_status sort_inputs(cutlab_context *context, cutlab_audit_sorted *order,
                                 cutlab_audit *audit) {
  order->count = audit->input_count;
  order->inputs = cutlab_allocate(context, order->count, sizeof(cutlab_audit_input *));
  order->method = cutlab_allocate(context, order->count, sizeof *order->method);
  if (!order->inputs || !order->method) return CUTLAB_ERROR_MEMORY;
  for (int i = 0; i < order->count; ++i) order->inputs[i] = &audit->inputs[i];
  qsort_r(order->inputs, (size_t)order->count, sizeof(cutlab_audit_input *), compare_inputs, audit);
  for (int i = 0; i < order->count; ++i)
    order->method[i] = find_label(audit, order->inputs[i]->method);
  return CUTLAB_OK;
}

int cutlab_audit_training_end(const cutlab_audit_sorted *order, int first) {
  int end = first + 1;
  while (end < order->count && order->method[end] == order->method[first] &&
         order->inputs[end]->seed == order->inputs[first]->seed)
    ++end;
  return end;
}

char *cutlab_audit_training_text(const cutlab_audit_input *input) {
  char *text;
  int length = input->is_run ? asprintf(&text, "%s, seed %" PRId64, input->method, input->seed)
                             : asprintf(&text, "%s", input->name);
  return length < 0 ? NULL : text;
}

/* Trainings */

static cutlab_status name_training(cutlab_context *context, cutlab_audit_training *training,
                                   const cutlab_audit_input *input) {
  const char *slash = strrchr(input->name, '/');
  if (!input->is_run)
    training->name = cutlab_json_printable(context, slash ? slash + 1 : input->name);
  else if (asprintf(&training->name, "seed %" PRId64, input->seed) < 0)
    training->name = NULL;
  return training->name ? CUTLAB_OK
                        : cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory: trainings");
}

/* log p(label) - largest other log p; 0 where both are -inf. */
static double margin_of(const float *log_probabilities, int64_t classes, int64_t label) {
  double own = (double)log_probabilities[label], other = -INFINITY;
  for (int64_t k = 0; k < classes; ++k)
    if (k != label) other = fmax(other, (double)log_probabilities[k]);
  return own == other ? 0 : own - other;
}

static void fill(cutlab_audit_training *t, const cutlab_audit *audit,
                 const cutlab_audit_input *input) {
  for (int64_t r = 0, j = 0; r < input->count; ++r) {
    const float *row = input->log_probabilities + r * audit->classes;
    j = cutlab_audit_find(audit, j, cutlab_audit_place(input, r));
    int64_t label = audit->label[j];
    t->prediction[j] = input->predictions[r];
    t->wrong[j] = input->predictions[r] != label;
    t->margin[j] = margin_of(row, audit->classes, label);
    t->probability[j] = exp((double)row[label]);
    t->errors += t->wrong[j];
  }
}

static cutlab_status make_training(cutlab_context *context, cutlab_audit *audit,
                                   const cutlab_audit_sorted *order, int first, int end) {
  cutlab_audit_method *method = &audit->methods[order->method[first]];
  cutlab_audit_training *t = &method->trainings[method->training_count++];
  t->seed = order->inputs[first]->seed;
  t->prediction = cutlab_allocate(context, audit->count, sizeof *t->prediction);
  t->wrong = cutlab_allocate(context, audit->count, sizeof *t->wrong);
  t->margin = cutlab_allocate(context, audit->count, sizeof *t->margin);
  t->probability = cutlab_allocate(context, audit->count, sizeof *t->probability);
  if (!t->prediction || !t->wrong || !t->margin || !t->probability) return CUTLAB_ERROR_MEMORY;
  for (int i = first; i < end; ++i) fill(t, audit, order->inputs[i]);
  return name_training(context, t, order->inputs[first]);
}

static cutlab_status make_trainings(cutlab_context *context, cutlab_audit *audit,
                                    const cutlab_audit_sorted *order) {
  for (int m = 0; m < audit->method_count; ++m) {
    cutlab_audit_method *method = &audit->methods[m];
    method->trainings = cutlab_allocate(context, order->count, sizeof *method->trainings);
    if (!method->trainings) return CUTLAB_ERROR_MEMORY;
  }
  for (int first = 0, end; first < order->count; first = end) {
    end = cutlab_audit_training_end(order, first);
    CUTLAB_TRY(make_training(context, audit, order, first, end));
  }
  return CUTLAB_OK;
}

static cutlab_status check_classes(cutlab_context *context, cutlab_audit *audit) {
  if (!audit->input_count)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                       "nothing to audit; accepted: folders of finished trainings, or files of "
                       "predictions");
  const cutlab_audit_input *first = audit->inputs;
  for (int i = 1; i < audit->input_count; ++i)
    CUTLAB_TRY(cutlab_audit_compare_classes(context, &audit->inputs[i], first));
  audit->classes = first->classes;
  return CUTLAB_OK;
}

static cutlab_status warn(cutlab_context *context, const cutlab_audit *audit,
                          const cutlab_audit_sorted *order) {
  const cutlab_audit_input **first =
      cutlab_allocate(context, audit->method_count, sizeof(cutlab_audit_input *));
  if (!first) return CUTLAB_ERROR_MEMORY;
  for (int i = order->count - 1; i >= 0; --i) first[order->method[i]] = order->inputs[i];
  cutlab_audit_warn_settings(context, first, audit->method_count);
  free(first);
  return CUTLAB_OK;
}

static cutlab_status assemble(cutlab_context *context, cutlab_audit *audit,
                              cutlab_audit_sorted *order) {
  CUTLAB_TRY(check_classes(context, audit));
  CUTLAB_TRY(cutlab_audit_label_methods(context, audit));
  CUTLAB_TRY(list_methods(context, audit));
  CUTLAB_TRY(put_baseline_first(context, audit));
  order_methods(audit);
  CUTLAB_TRY(sort_inputs(context, order, audit));
  CUTLAB_TRY(cutlab_audit_find_examples(context, audit, order));
  CUTLAB_TRY(cutlab_audit_find_labels(context, audit, order));
  CUTLAB_TRY(cutlab_audit_find_scores(context, audit));
  CUTLAB_TRY(cutlab_audit_check_names(context, audit));
  CUTLAB_TRY(cutlab_audit_check_images(context, audit));
  CUTLAB_TRY(make_trainings(context, audit, order));
  CUTLAB_TRY(cutlab_audit_find_difficulty(context, audit));
  return warn(context, audit, order);
}

cutlab_status cutlab_audit_assemble(cutlab_context *context, cutlab_audit *audit) {
  cutlab_audit_sorted order = {0};
  cutlab_status status = assemble(context, audit, &order);
  free(order.inputs);
  free(order.method);
  return status;
}
