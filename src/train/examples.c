/* Logging training examples, and their difficulty from the logs. */
#include "train/examples.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cutlab/array.h>

#include "base/file.h"
#include "train/examples_table.h"
#include "train/loop_evaluate.h"

/* Epochs */

/* FOLDER/examples/EPOCH.npz in fresh memory, or NULL. */
static char *epoch_path(cutlab_context *context, const char *folder, int64_t epoch) {
  char name[48];
  snprintf(name, sizeof name, "examples/%06" PRId64 ".npz", epoch);
  return cutlab_path_join(context, folder, name);
}

/* The smallest type for the class ids. */
static cutlab_dtype prediction_type(int64_t classes) {
  if (classes <= 256) return CUTLAB_UINT8;
  return classes <= 32768 ? CUTLAB_INT16 : CUTLAB_INT64;
}

/* Members of an epoch's file. */
enum { at_probability, at_margin, at_error, at_prediction, member_count };
static const char *const member_names[] = {"probability", "margin", "error", "prediction"};

/* Example i. The error is EL2N, |softmax - one-hot|, of Paul, Ganguli and Dziugaite 2021; softmax
   is shifted by the largest logit. */
static void measure(cutlab_array *members, int64_t i, const float *logits, int64_t classes,
                    int64_t label) {
  int64_t best = cutlab_predicted(logits, classes);
  double largest = logits[best], other = -INFINITY, sum = 0, squares = 0;
  for (int64_t k = 0; k < classes; ++k) {
    sum += exp((double)logits[k] - largest);
    if (k != label) other = fmax(other, (double)logits[k]);
  }
  for (int64_t k = 0; k < classes; ++k) {
    double gap = exp((double)logits[k] - largest) / sum - (k == label);
    squares += gap * gap;
  }
  cutlab_table_put(&members[at_probability], i, exp((double)logits[label] - largest) / sum);
  cutlab_table_put(&members[at_margin], i, (double)logits[label] - other);
  cutlab_table_put(&members[at_error], i, sqrt(squares));
  cutlab_table_put(&members[at_prediction], i, (double)best);
}

static cutlab_status write_epoch(cutlab_context *context, const char *folder, cutlab_array *members,
                                 int64_t epoch) {
  char *path = epoch_path(context, folder, epoch);
  char *examples = cutlab_path_join(context, folder, "examples");
  cutlab_status status = path && examples ? CUTLAB_OK : CUTLAB_ERROR_MEMORY;
  if (status == CUTLAB_OK) status = cutlab_folder_make(context, examples);
  if (status == CUTLAB_OK) status = cutlab_npz_write(context, path, members, member_count);
  free(examples);
  free(path);
  return status;
}

cutlab_status cutlab_examples_log(cutlab_context *context, const char *folder, const float *logits,
                                  const cutlab_examples *examples, int64_t classes, int64_t epoch) {
  cutlab_array members[member_count] = {0};
  cutlab_status status = CUTLAB_OK;
  for (int m = 0; m < member_count && status == CUTLAB_OK; ++m) {
    cutlab_dtype dtype = m == at_prediction ? prediction_type(classes) : CUTLAB_FLOAT32;
    status = cutlab_table_column(context, &members[m], member_names[m], dtype, examples->count);
  }
  for (int64_t i = 0; i < examples->count && status == CUTLAB_OK; ++i)
    measure(members, i, logits + i * classes, classes, examples->labels[i]);
  if (status == CUTLAB_OK) status = write_epoch(context, folder, members, epoch);
  for (int m = 0; m < member_count; ++m) cutlab_array_clear(&members[m]);
  return status;
}

void cutlab_examples_clean_up(cutlab_context *context, const char *folder) {
  char *examples = cutlab_path_join(context, folder, "examples");
  if (examples) cutlab_file_remove_temporaries(examples, NULL);
  free(examples);
}

cutlab_status cutlab_examples_check(cutlab_context *context, const char *folder, int64_t epochs) {
  cutlab_status status = CUTLAB_OK;
  for (int64_t epoch = 1; epoch <= epochs && status == CUTLAB_OK; ++epoch) {
    char *path = epoch_path(context, folder, epoch);
    if (!path) return CUTLAB_ERROR_MEMORY;
    if (!cutlab_file_exists(path))
      status = cutlab_fail(context, CUTLAB_ERROR_IO,
                           "%s is missing; accepted: the file of every epoch from 1 to %" PRId64
                           ", or log_examples: no in run.json",
                           path, epochs);
    free(path);
  }
  return status;
}

/* Difficulty */

/* What is known of one example after some epochs. */
typedef struct tally {
  double margins, confidence, squares; /* sum; mean probability; its squared deviations, summed */
  int64_t right, forgotten;            /* epochs */
  int64_t first, since; /* first epoch right; the one since which it is without a break; 0: none */
  double error;         /* at the early epoch */
} tally;

enum { early_part = 10 }; /* the early epoch ends this part of all, rounded up */

int64_t cutlab_examples_early(int64_t epochs) {
  return (epochs + early_part - 1) / early_part;
}

/* Welford's recurrence, which keeps a constant's deviation at 0. */
static void add(tally *t, int64_t epoch, double margin, double probability, bool right) {
  double gap = probability - t->confidence;
  t->confidence += gap / (double)epoch;
  t->squares += gap * (probability - t->confidence);
  t->margins += margin;
  t->right += right;
  if (right && !t->first) t->first = epoch;
  if (right && !t->since) t->since = epoch;
  if (right || !t->since) return;
  ++t->forgotten;
  t->since = 0;
}

/* Member m is the right one for that many examples. */
static cutlab_status check_member(cutlab_context *context, const cutlab_array *member, int m,
                                  const char *path, int64_t count) {
  bool whole = m == at_prediction, fits = member && member->rank == 1 && member->shape[0] == count;
  if (fits && (whole ? cutlab_dtype_is_integer(member->dtype) : member->dtype == CUTLAB_FLOAT32))
    return CUTLAB_OK;
  return cutlab_fail(context, CUTLAB_ERROR_FORMAT,
                     "%s: '%s' is missing or of another shape or type; accepted: %" PRId64
                     " %s numbers",
                     path, member_names[m], count, whole ? "whole" : "float32");
}

static cutlab_status add_epoch(cutlab_context *context, tally *tallies, const char *path,
                               const cutlab_examples *examples, int64_t epoch, bool early) {
  cutlab_array *arrays;
  const cutlab_array *members[member_count];
  int found;
  CUTLAB_TRY(cutlab_npz_read(context, &arrays, &found, path, 0));
  cutlab_status status = CUTLAB_OK;
  for (int m = 0; m < member_count; ++m) {
    members[m] = cutlab_npz_find(arrays, found, member_names[m]);
    if (status == CUTLAB_OK) status = check_member(context, members[m], m, path, examples->count);
  }
  for (int64_t i = 0; i < examples->count && status == CUTLAB_OK; ++i) {
    bool right = cutlab_array_integer(members[at_prediction], i) == examples->labels[i];
    add(&tallies[i], epoch, cutlab_array_number(members[at_margin], i),
        cutlab_array_number(members[at_probability], i), right);
    if (early) tallies[i].error = cutlab_array_number(members[at_error], i);
  }
  cutlab_npz_free(arrays, found);
  return status;
}

static void fill_row(cutlab_array *columns, int64_t i, const tally *t,
                     const cutlab_examples *examples, int64_t epochs) {
  double n = (double)epochs;
  const double values[] = {examples->indices ? (double)examples->indices[i] : (double)i,
                           (double)examples->labels[i],
                           t->since ? (double)t->since : -1,
                           t->first ? (double)t->first : -1,
                           (double)t->forgotten,
                           t->first > 0,
                           t->error,
                           t->margins / n,
                           t->confidence,
                           sqrt(t->squares / n),
                           (double)t->right / n};
  for (size_t c = 0; c < sizeof values / sizeof *values; ++c)
    cutlab_table_put(&columns[c], i, values[c]);
}

cutlab_status cutlab_examples_summarise(cutlab_context *context, const char *folder,
                                        const cutlab_examples *examples, int64_t epochs) {
  cutlab_difficulty difficulty = {.epochs = epochs, .early = cutlab_examples_early(epochs)};
  CUTLAB_TRY(cutlab_examples_check(context, folder, epochs));
  tally *tallies = cutlab_allocate(context, examples->count, sizeof *tallies);
  cutlab_status status = tallies ? CUTLAB_OK : CUTLAB_ERROR_MEMORY;
  for (int64_t epoch = 1; epoch <= epochs && status == CUTLAB_OK; ++epoch) {
    char *path = epoch_path(context, folder, epoch);
    status = path ? add_epoch(context, tallies, path, examples, epoch, epoch == difficulty.early)
                  : CUTLAB_ERROR_MEMORY;
    free(path);
  }
  if (status == CUTLAB_OK) status = cutlab_difficulty_open(context, &difficulty, examples->count);
  for (int64_t i = 0; i < examples->count && status == CUTLAB_OK; ++i)
    fill_row(difficulty.columns, i, &tallies[i], examples, epochs);
  if (status == CUTLAB_OK) status = cutlab_difficulty_write(context, folder, &difficulty);
  cutlab_difficulty_close(&difficulty);
  free(tallies);
  return status;
}
