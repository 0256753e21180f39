/* Folds and sets of examples: every training must have predicted the same ones once. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "audit/inputs.h"

/* Runs against each other */

static cutlab_status check_runs(cutlab_context *context, const cutlab_audit_sorted *order) {
  const cutlab_audit_input *first = NULL;
  for (int i = 0; i < order->count; ++i) {
    const cutlab_audit_input *run = order->inputs[i];
    if (run->is_run && first) CUTLAB_TRY(cutlab_audit_compare_data(context, run, first));
    if (run->is_run && !first) first = run;
  }
  return CUTLAB_OK;
}

static cutlab_status check_once(cutlab_context *context, const cutlab_audit_sorted *order) {
  for (int i = 1; i < order->count; ++i) {
    const cutlab_audit_input *run = order->inputs[i], *before = order->inputs[i - 1];
    if (order->method[i] != order->method[i - 1] || run->seed != before->seed ||
        run->fold != before->fold)
      continue;
    char fold[64] = "";
    if (run->folds)
      snprintf(fold, sizeof fold, "fold %" PRId64 "/%" PRId64 " of ", run->fold + 1, run->folds);
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                       "%s: %s%s, seed %" PRId64 " is there twice: also %s", run->name, fold,
                       run->method, run->seed, before->name);
  }
  return CUTLAB_OK;
}

/* Folds of a training */

static cutlab_status lacks(cutlab_context *context, const cutlab_audit_input *training,
                           const cutlab_audit_input *missing) {
  char *text = cutlab_audit_training_text(training), *other = cutlab_audit_training_text(missing);
  cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
              "%s lacks fold %" PRId64 "/%" PRId64
              " of %s; accepted: the same folds for every training",
              text ? text : "?", missing->fold + 1, missing->folds, other ? other : "?");
  free(text);
  free(other);
  return CUTLAB_ERROR_ARGUMENT;
}

/* Both ranges are sorted by fold, each fold once. */
static cutlab_status compare_folds(cutlab_context *context, const cutlab_audit_sorted *order,
                                   int first, int end, int reference, int reference_end) {
  int i = first, k = reference;
  while (i < end || k < reference_end) {
    int64_t own = i < end ? order->inputs[i]->fold : INT64_MAX;
    int64_t other = k < reference_end ? order->inputs[k]->fold : INT64_MAX;
    if (own > other) return lacks(context, order->inputs[first], order->inputs[k]);
    if (own < other) return lacks(context, order->inputs[reference], order->inputs[i]);
    ++i;
    ++k;
  }
  return CUTLAB_OK;
}

/* Are all folds there, or is an audit of some asked for? */
static cutlab_status check_complete(cutlab_context *context, const cutlab_audit *audit,
                                    const cutlab_audit_sorted *order, int first, int end) {
  enum { enough = 10 };
  int64_t folds = order->inputs[first]->folds;
  int count = end - first;
  if (!folds || count == folds || audit->options.partial) return CUTLAB_OK;
  char *text = NULL;
  size_t size;
  FILE *stream = open_memstream(&text, &size);
  for (int i = first; stream && i < end && i < first + enough; ++i)
    fprintf(stream, "%s%" PRId64 "/%" PRId64,
            i == first     ? ""
            : i == end - 1 ? " and "
                           : ", ",
            order->inputs[i]->fold + 1, folds);
  if (stream && count > enough) fputs(", ...", stream);
  if (stream) fclose(stream);
  cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
              "fold%s %s of %" PRId64 " %s there; accepted: all of them, or --partial for an audit "
              "of %s",
              count == 1 ? "" : "s", text ? text : "?", folds, count == 1 ? "is" : "are",
              count == 1 ? "this" : "these");
  free(text);
  return CUTLAB_ERROR_ARGUMENT;
}

/* Examples */

typedef struct entry {
  int64_t index, fold;
  int input; /* in the order */
} entry;

static int compare_entries(const void *first, const void *second) {
  const entry *a = first, *b = second;
  if (a->index != b->index) return a->index < b->index ? -1 : 1;
  return (a->fold > b->fold) - (a->fold < b->fold);
}

static cutlab_status check_disjoint(cutlab_context *context, const entry *entries, int64_t count,
                                    const cutlab_audit_sorted *order) {
  int64_t twice = 0, first = 0;
  for (int64_t j = 1; j < count; ++j)
    if (entries[j].index == entries[j - 1].index && !twice++) first = j;
  if (!twice) return CUTLAB_OK;
  return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                     "%s and %s overlap: %" PRId64
                     " examples were predicted twice, the first %" PRId64
                     "; accepted: folds that share none",
                     order->inputs[entries[first - 1].input]->name,
                     order->inputs[entries[first].input]->name, twice, entries[first].index);
}

static cutlab_status keep_entries(cutlab_context *context, cutlab_audit *audit,
                                  const entry *entries, int64_t count) {
  audit->index = cutlab_allocate(context, count, sizeof *audit->index);
  audit->fold = cutlab_allocate(context, count, sizeof *audit->fold);
  if (!audit->index || !audit->fold) return CUTLAB_ERROR_MEMORY;
  audit->count = count;
  for (int64_t j = 0; j < count; ++j) {
    audit->index[j] = entries[j].index;
    audit->fold[j] = entries[j].fold;
  }
  return CUTLAB_OK;
}

/* The examples of one training, its folds together and numbered without gaps. */
static cutlab_status merge(cutlab_context *context, cutlab_audit *audit,
                           const cutlab_audit_sorted *order, int first, int end) {
  int64_t count = 0, at = 0;
  for (int i = first; i < end; ++i) count += order->inputs[i]->count;
  entry *entries = cutlab_allocate(context, count, sizeof *entries);
  if (!entries) return CUTLAB_ERROR_MEMORY;
  for (int i = first; i < end; ++i)
    for (int64_t r = 0; r < order->inputs[i]->count; ++r)
      entries[at++] = (entry){cutlab_audit_place(order->inputs[i], r), i - first, i};
  qsort(entries, (size_t)count, sizeof *entries, compare_entries);
  cutlab_status status = check_disjoint(context, entries, count, order);
  if (status == CUTLAB_OK) status = keep_entries(context, audit, entries, count);
  free(entries);
  audit->folds = end - first;
  return status;
}

/* The training that the others are compared with: the first with folds, or else the first. */
static int find_reference(const cutlab_audit_sorted *order) {
  for (int i = 0; i < order->count; ++i)
    if (order->inputs[i]->folds) return i;
  return 0;
}

/* A training with folds fold by fold (the same ones, as compare_folds found), another with all
 * folds of the reference. */
static cutlab_status compare_training(cutlab_context *context, const cutlab_audit *audit,
                                      const cutlab_audit_sorted *order, int first, int reference) {
  int end = cutlab_audit_training_end(order, first);
  const cutlab_audit_input *own = order->inputs[first], *other = order->inputs[reference];
  if (!own->folds) {
    char *text = other->folds ? cutlab_audit_training_text(other) : strdup(other->name);
    cutlab_status status = cutlab_audit_compare_examples(context, own, audit->index, audit->count,
                                                         text ? text : other->name);
    free(text);
    return status;
  }
  for (int i = first; i < end; ++i) {
    other = order->inputs[reference + i - first];
    CUTLAB_TRY(cutlab_audit_compare_examples(context, order->inputs[i], other->indices,
                                             other->count, other->name));
  }
  return CUTLAB_OK;
}

cutlab_status cutlab_audit_find_examples(cutlab_context *context, cutlab_audit *audit,
                                         const cutlab_audit_sorted *order) {
  CUTLAB_TRY(check_runs(context, order));
  CUTLAB_TRY(check_once(context, order));
  int reference = find_reference(order), end = cutlab_audit_training_end(order, reference);
  for (int first = 0; first < order->count; first = cutlab_audit_training_end(order, first))
    if (order->inputs[first]->folds)
      CUTLAB_TRY(compare_folds(context, order, first, cutlab_audit_training_end(order, first),
                               reference, end));
  CUTLAB_TRY(check_complete(context, audit, order, reference, end));
  CUTLAB_TRY(merge(context, audit, order, reference, end));
  audit->held_out = order->inputs[reference]->held_out;
  for (int first = 0; first < order->count; first = cutlab_audit_training_end(order, first))
    CUTLAB_TRY(compare_training(context, audit, order, first, reference));
  return CUTLAB_OK;
}
