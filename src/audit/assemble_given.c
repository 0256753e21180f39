/* Labels, scores, names and images, each checked against the audited examples. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "audit/inputs.h"

/* How labels differ from those of the audit. */
typedef struct difference {
  int64_t count, first; /* how many; place of the first in the data set */
  int64_t here, there;  /* labels of the first: compared, of the audit */
} difference;

static void note(difference *d, int64_t place, int64_t here, int64_t there) {
  if (here == there) return;
  if (!d->count++) {
    d->first = place;
    d->here = here;
    d->there = there;
  }
}

/* Of labels of a whole data set. */
static difference compare_all(const cutlab_audit *audit, const int64_t *labels) {
  difference d = {0};
  for (int64_t j = 0; j < audit->count; ++j)
    note(&d, audit->index[j], labels[audit->index[j]], audit->label[j]);
  return d;
}

static cutlab_status refuse(cutlab_context *context, const char *name, const difference *d,
                            int64_t count, const char *others, const char *accepted) {
  return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                     "%s: %" PRId64 " of %" PRId64
                     " labels differ from those of %s, the first at example %" PRId64 " (%" PRId64
                     ", there %" PRId64 "); accepted: %s",
                     name, d->count, count, others, d->first, d->here, d->there, accepted);
}

/* Examples of the whole data set; 0: not known. */
static int64_t data_size(const cutlab_audit *audit) {
  for (int i = 0; i < audit->input_count; ++i) {
    const cutlab_audit_input *input = &audit->inputs[i];
    const json_t *data = json_object_get(input->record, "data");
    int64_t train = json_integer_value(json_object_get(data, "train")),
            held = json_integer_value(json_object_get(data, "held_out"));
    if (input->held_out && train > 0 && held > 0) return train + held;
    if (!input->held_out && !input->indices) return input->count;
  }
  return 0;
}

/* Does something with one entry for each example of the data set cover the audited ones? Its order
   can be checked (by labels), or its size has to be right. */
static cutlab_status check_size(cutlab_context *context, const cutlab_audit *audit,
                                const char *path, const char *what, int64_t count,
                                bool has_labels) {
  int64_t size = data_size(audit), last = audit->index[audit->count - 1];
  if (size && count != size && (!has_labels || count <= last))
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                       "%s: %" PRId64 " %s; accepted: %" PRId64
                       ", one for every example of the data set",
                       path, count, what, size);
  if (count > last) return CUTLAB_OK;
  return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                     "%s: %" PRId64 " %s, but example %" PRId64
                     " was predicted; accepted: one for every example of the data set",
                     path, count, what, last);
}

/* Labels */

/* The labels of one training, all its folds. */
static void copy_labels(cutlab_audit *audit, const cutlab_audit_sorted *order, int first) {
  for (int i = first; i < cutlab_audit_training_end(order, first); ++i) {
    const cutlab_audit_input *input = order->inputs[i];
    for (int64_t r = 0, j = 0; r < input->count; ++r) {
      j = cutlab_audit_find(audit, j, cutlab_audit_place(input, r));
      audit->label[j] = input->labels[r];
    }
  }
}

/* Where the labels come from: a file of their own, or the first training that has some. */
static cutlab_status take_labels(cutlab_context *context, cutlab_audit *audit, const char **name,
                                 const cutlab_audit_sorted *order) {
  if (audit->all_labels) {
    *name = audit->labels_path;
    CUTLAB_TRY(check_size(context, audit, *name, "labels", audit->all_count, false));
    for (int64_t j = 0; j < audit->count; ++j) audit->label[j] = audit->all_labels[audit->index[j]];
    return CUTLAB_OK;
  }
  int first = 0;
  while (first < order->count && !order->inputs[first]->labels) ++first;
  if (first == order->count)
    return cutlab_fail(
        context, CUTLAB_ERROR_ARGUMENT,
        "no labels; accepted: --labels with an .npy, or an .npz with a member labels, "
        "or a member labels beside the predictions");
  *name = order->inputs[first]->name;
  copy_labels(audit, order, first);
  return CUTLAB_OK;
}

static cutlab_status check_labels(cutlab_context *context, const cutlab_audit *audit,
                                  const char *name) {
  bool several = false;
  for (int64_t j = 0; j < audit->count; ++j) {
    int64_t label = audit->label[j];
    several |= label != audit->label[0];
    if (label < 0 || label >= audit->classes)
      return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                         "%s: label %" PRId64 " of example %" PRId64 "; accepted: 0 to %" PRId64,
                         name, label, audit->index[j], audit->classes - 1);
  }
  if (several) return CUTLAB_OK;
  return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                     "all %" PRId64 " audited examples are of class %" PRId64
                     "; accepted: at least two classes",
                     audit->count, audit->label[0]);
}

cutlab_status cutlab_audit_find_labels(cutlab_context *context, cutlab_audit *audit,
                                       const cutlab_audit_sorted *order) {
  const char *name = "labels";
  audit->label = cutlab_allocate(context, audit->count, sizeof *audit->label);
  if (!audit->label) return CUTLAB_ERROR_MEMORY;
  CUTLAB_TRY(take_labels(context, audit, &name, order));
  CUTLAB_TRY(check_labels(context, audit, name));
  for (int i = 0; i < order->count; ++i) {
    const cutlab_audit_input *input = order->inputs[i];
    difference d = {0};
    for (int64_t r = 0, j = 0; input->labels && r < input->count; ++r) {
      j = cutlab_audit_find(audit, j, cutlab_audit_place(input, r));
      note(&d, audit->index[j], input->labels[r], audit->label[j]);
    }
    if (d.count)
      return refuse(context, input->name, &d, input->count, name,
                    "predictions in the order of the labels");
  }
  return CUTLAB_OK;
}

/* Scores */

static bool is_source(const cutlab_audit *audit, int64_t mark) {
  for (int64_t s = 0; s < audit->source_count; ++s)
    if (audit->score_sources[s] == mark) return true;
  return false;
}

/* Its own errors would make the examples that a training misses hard. */
static void warn_of_sources(cutlab_context *context, const cutlab_audit *audit) {
  int own = 0;
  const char *first = NULL;
  for (int i = 0; audit->source_count && i < audit->input_count; ++i) {
    if (!is_source(audit, cutlab_audit_mark(&audit->inputs[i]))) continue;
    if (!own++) first = audit->inputs[i].name;
  }
  if (own)
    cutlab_warn(context,
                "%s was made of %d of the predictions that are audited (%s%s): they are judged by "
                "their own errors; take scores of other trainings",
                audit->scores_path, own, first, own > 1 ? ", ..." : "");
}

cutlab_status cutlab_audit_find_scores(cutlab_context *context, cutlab_audit *audit) {
  const char *path = audit->scores_path;
  if (!audit->all_scores) return CUTLAB_OK;
  CUTLAB_TRY(check_size(context, audit, path, "scores", audit->score_count, audit->score_labels));
  if (audit->score_labels) {
    difference d = compare_all(audit, audit->score_labels);
    if (d.count)
      return refuse(context, path, &d, audit->count, "the predictions",
                    "scores of the same data set in the same order");
  }
  audit->score = cutlab_allocate(context, audit->count, sizeof *audit->score);
  if (!audit->score) return CUTLAB_ERROR_MEMORY;
  bool several = false;
  for (int64_t j = 0; j < audit->count; ++j) {
    audit->score[j] = audit->all_scores[audit->index[j]];
    several |= audit->score[j] < audit->score[0] || audit->score[j] > audit->score[0];
  }
  warn_of_sources(context, audit);
  if (several) return CUTLAB_OK;
  return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                     "%s: the scores of all %" PRId64
                     " audited examples are %g; accepted: scores that differ",
                     path, audit->count, audit->score[0]);
}

/* Names and images */

cutlab_status cutlab_audit_check_names(cutlab_context *context, const cutlab_audit *audit) {
  if (!audit->class_names || audit->class_name_count == audit->classes) return CUTLAB_OK;
  return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                     "%" PRId64 " names of classes; accepted: %" PRId64 ", one for every class",
                     audit->class_name_count, audit->classes);
}

static bool agrees(const cutlab_audit *audit, const cutlab_examples *part) {
  return part->count > audit->index[audit->count - 1] &&
         compare_all(audit, part->labels).count == 0;
}

cutlab_status cutlab_audit_check_images(cutlab_context *context, cutlab_audit *audit) {
  const cutlab_collection *c = &audit->images;
  if (!audit->has_images) return CUTLAB_OK;
  bool has_runs = false;
  for (int i = 0; i < audit->input_count; ++i) has_runs |= audit->inputs[i].is_run;
  /* Files do not say which part they are of, but labels do. */
  if (!has_runs) audit->held_out = !agrees(audit, &c->test) && agrees(audit, &c->train);
  const cutlab_examples *part = audit->held_out ? &c->train : &c->test;
  const char *name = audit->held_out ? "images of the training part" : "images of the test part";
  int64_t last = audit->index[audit->count - 1];
  if (part->count <= last)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                       "%s: %" PRId64 ", but example %" PRId64
                       " was predicted; accepted: those of the audited data set",
                       name, part->count, last);
  difference d = compare_all(audit, part->labels);
  if (!d.count) return CUTLAB_OK;
  return refuse(context, name, &d, audit->count, "the predictions",
                "those of the audited data set, in its order");
}
