/* Shared by the files that read what is added to an audit. */
#ifndef CUTLAB_AUDIT_INPUTS_H
#define CUTLAB_AUDIT_INPUTS_H

#include <cutlab/array.h>

#include "audit/audit_internal.h"

/* An .npy, as one array without a name, or an .npz; told apart by their bytes. Zero before the
   first use. */
typedef struct cutlab_audit_file {
  const char *path;
  cutlab_array *arrays;
  int count;
  bool is_npz;
} cutlab_audit_file;

cutlab_status cutlab_audit_open(cutlab_context *context, cutlab_audit_file *file, const char *path);
void cutlab_audit_close(cutlab_audit_file *file);
/* The array of an .npy, or the member of that name; NULL: none. */
const cutlab_array *cutlab_audit_member(const cutlab_audit_file *file, const char *name);
/* What the file has, as "labels int64 [500], x float32 [500 x 10]"; release with free. */
char *cutlab_audit_members(cutlab_context *context, const cutlab_audit_file *file);
/* Copies an integer array with one axis; `what` names it. The caller frees `*values`. */
cutlab_status cutlab_audit_integers(cutlab_context *context, int64_t **values,
                                    const cutlab_audit_file *file, const cutlab_array *array,
                                    const char *what);

/* What numbers of a prediction are. */
typedef enum cutlab_audit_kind {
  CUTLAB_AUDIT_ANY,     /* probabilities or their logarithms where all rows are, or else logits */
  CUTLAB_AUDIT_UNNAMED, /* the same, but what only looks like probabilities is refused */
  CUTLAB_AUDIT_LOGITS,
  CUTLAB_AUDIT_LOG_PROBABILITIES,
  CUTLAB_AUDIT_PROBABILITIES
} cutlab_audit_kind;

/* Fills count, classes, labels, indices, predictions and log_probabilities; `labels` and `indices`
   may be NULL. */
cutlab_status cutlab_audit_take(cutlab_context *context, cutlab_audit_input *input,
                                const cutlab_audit_file *file, const cutlab_array *predictions,
                                cutlab_audit_kind kind);

/* Adds a training that was not named itself; one that predicted nothing is left out, with a
   warning, and a simulation without. */
cutlab_status cutlab_audit_add_found(cutlab_context *context, cutlab_audit *audit,
                                     const char *folder);
/* Takes an input over; also after a failure. */
cutlab_status cutlab_audit_append(cutlab_context *context, cutlab_audit *audit,
                                  cutlab_audit_input *input);
void cutlab_audit_clear_input(cutlab_audit_input *input);
/* Tells its predictions from any others. */
int64_t cutlab_audit_mark(const cutlab_audit_input *input);
/* A setting of a run, or NULL. */
const json_t *cutlab_audit_setting(const cutlab_audit_input *run, const char *name);
/* Place r of an input in the data set. */
int64_t cutlab_audit_place(const cutlab_audit_input *input, int64_t r);

/* fit.c: each fails, saying what differs, where two inputs do not have the same classes, two runs
   the same data and kind of fold, an input the expected examples (NULL: 0, 1, ...) of `name`. */
cutlab_status cutlab_audit_compare_classes(cutlab_context *context, const cutlab_audit_input *input,
                                           const cutlab_audit_input *other);
cutlab_status cutlab_audit_compare_data(cutlab_context *context, const cutlab_audit_input *run,
                                        const cutlab_audit_input *other);
cutlab_status cutlab_audit_compare_examples(cutlab_context *context,
                                            const cutlab_audit_input *input,
                                            const int64_t *expected, int64_t count,
                                            const char *name);
/* Of the runs added from input `from` on, found in `folder`, keeps the largest number that fit
   together, of equals the first; a warning says of each other kind how many are left out and why.
 */
cutlab_status cutlab_audit_keep_fitting(cutlab_context *context, cutlab_audit *audit, int from,
                                        const char *folder);

/* methods.c: gives runs the labels of their methods, by what tells these apart, and checks that
   nothing else differs among the trainings of a method. */
cutlab_status cutlab_audit_label_methods(cutlab_context *context, cutlab_audit *audit);
/* Warns where methods differ in more than their own settings. `first`: an input of each. */
void cutlab_audit_warn_settings(cutlab_context *context, const cutlab_audit_input *const *first,
                                int count);
/* The inputs by method, seed and fold, with what is known of them. */
typedef struct cutlab_audit_sorted {
  int count;
  cutlab_audit_input **inputs; /* [count] */
  int *method;                 /* [count] its place among the methods */
} cutlab_audit_sorted;

/* The first input after `first` that is of another training. */
int cutlab_audit_training_end(const cutlab_audit_sorted *order, int first);
/* How a message calls one, as "CutMix, seed 2"; release with free. */
char *cutlab_audit_training_text(const cutlab_audit_input *input);
/* The place among the audited examples, not before `from`, of one that is there. */
int64_t cutlab_audit_find(const cutlab_audit *audit, int64_t from, int64_t place);

/* assemble_folds.c: fills index, fold, count and folds, and checks that every training predicted
   the same examples once. */
cutlab_status cutlab_audit_find_examples(cutlab_context *context, cutlab_audit *audit,
                                         const cutlab_audit_sorted *order);
/* assemble_given.c: labels, scores, names and images against the assembled examples. */
cutlab_status cutlab_audit_find_labels(cutlab_context *context, cutlab_audit *audit,
                                       const cutlab_audit_sorted *order);
cutlab_status cutlab_audit_find_scores(cutlab_context *context, cutlab_audit *audit);
cutlab_status cutlab_audit_check_names(cutlab_context *context, const cutlab_audit *audit);
cutlab_status cutlab_audit_check_images(cutlab_context *context, cutlab_audit *audit);

#endif
