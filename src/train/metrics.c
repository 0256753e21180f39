/* Logging the epochs and steps of a training. */
#include "train/metrics.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/number.h"
#include "train/metrics_files.h"

static const char *const plain_columns[] = {"epoch",
                                            "step",
                                            "train_loss",
                                            "train_accuracy",
                                            "clean_train_loss",
                                            "clean_train_accuracy",
                                            "test_loss",
                                            "test_accuracy",
                                            "learning_rate",
                                            "images_per_second",
                                            "seconds"};

static cutlab_status add_column(cutlab_context *context, cutlab_metrics *m, const char *name) {
  m->columns[m->column_count] = strdup(name);
  if (m->columns[m->column_count++]) return CUTLAB_OK;
  return cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory: metrics");
}

static cutlab_status name_columns(cutlab_context *context, cutlab_metrics *m,
                                  const cutlab_metrics_wanted *wanted) {
  const int64_t plain = sizeof plain_columns / sizeof *plain_columns;
  m->columns = cutlab_allocate(context, plain + 2 * wanted->features, sizeof *m->columns);
  if (!m->columns) return CUTLAB_ERROR_MEMORY;
  for (int64_t c = 0; c < plain; ++c)
    if (wanted->clean || strncmp(plain_columns[c], "clean_", 6) != 0)
      CUTLAB_TRY(add_column(context, m, plain_columns[c]));
  for (int64_t f = 0; f < wanted->features; ++f) {
    char name[64];
    snprintf(name, sizeof name, "feature_%" PRId64 "_output", f);
    CUTLAB_TRY(add_column(context, m, name));
    snprintf(name, sizeof name, "feature_%" PRId64 "_accuracy", f);
    CUTLAB_TRY(add_column(context, m, name));
  }
  return CUTLAB_OK;
}

/* The number of a column: a key of the line, or "feature_K_KEY" of its list. NAN where it has
   none. */
static double column_value(const json_t *line, const char *column) {
  if (strncmp(column, "feature_", 8) != 0) return cutlab_json_get_number(line, column, NAN);
  char *key;
  long feature = strtol(column + 8, &key, 10);
  const json_t *list = json_object_get(line, "features");
  return cutlab_json_get_number(json_array_get(list, (size_t)feature), key + 1, NAN);
}

static void print_header(FILE *file, const cutlab_metrics *m) {
  for (int c = 0; c < m->column_count; ++c) fprintf(file, "%s%s", c ? "," : "", m->columns[c]);
  fprintf(file, "\n");
}

static void print_row(FILE *file, const cutlab_metrics *m, const json_t *line) {
  for (int c = 0; c < m->column_count; ++c) {
    char text[cutlab_number_size] = "";
    double value = column_value(line, m->columns[c]);
    if (isfinite(value)) cutlab_number_text(text, value);
    fprintf(file, "%s%s", c ? "," : "", text);
  }
  fprintf(file, "\n");
}

/* The table of all lines (from = 0: with its header), as text. */
static cutlab_status table_text(cutlab_context *context, char **text, size_t *size,
                                const cutlab_metrics *m, size_t from) {
  *text = NULL;
  FILE *memory = open_memstream(text, size);
  if (!memory) return cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory: metrics.csv");
  if (from == 0) print_header(memory, m);
  for (size_t i = from; i < json_array_size(m->lines); ++i)
    print_row(memory, m, json_array_get(m->lines, i));
  if (fclose(memory) == 0) return CUTLAB_OK;
  free(*text);
  cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory: metrics.csv");
  return CUTLAB_ERROR_MEMORY;
}

static cutlab_status open_files(cutlab_context *context, cutlab_metrics *m, const char *folder,
                                const cutlab_metrics_wanted *wanted, int64_t epoch, int64_t step) {
  m->lines_path = cutlab_path_join(context, folder, "metrics.jsonl");
  m->table_path = cutlab_path_join(context, folder, "metrics.csv");
  m->steps_path = cutlab_path_join(context, folder, "steps.jsonl");
  if (!m->lines_path || !m->table_path || !m->steps_path) return CUTLAB_ERROR_MEMORY;
  CUTLAB_TRY(name_columns(context, m, wanted));
  CUTLAB_TRY(cutlab_lines_rewind(context, &m->lines, m->lines_path, "epoch", epoch));
  char *text;
  size_t size;
  CUTLAB_TRY(table_text(context, &text, &size, m, 0));
  cutlab_status status = cutlab_file_write(context, m->table_path, text, size);
  free(text);
  if (status != CUTLAB_OK || !wanted->steps) return status;
  CUTLAB_TRY(cutlab_lines_rewind(context, NULL, m->steps_path, "step", step));
  m->steps = fopen(m->steps_path, "ae");
  if (m->steps) return CUTLAB_OK;
  return cutlab_fail(context, CUTLAB_ERROR_IO, "cannot write %s: %s", m->steps_path,
                     strerror(errno));
}

cutlab_status cutlab_metrics_open(cutlab_context *context, cutlab_metrics *metrics,
                                  const char *folder, const cutlab_metrics_wanted *wanted,
                                  int64_t epoch, int64_t step) {
  *metrics = (cutlab_metrics){0};
  CUTLAB_TRY(open_files(context, metrics, folder, wanted, epoch, step));
  return cutlab_events_open(context, &metrics->events, folder);
}

/* Tag of a column in TensorBoard: "train_loss" is train/loss, "feature_0_output"
   feature_0/output. */
static void tag_of(char tag[64], const char *column) {
  static const char *const parts[] = {"clean_train_", "train_", "test_"};
  snprintf(tag, 64, "%s", column);
  size_t at = strncmp(column, "feature_", 8) == 0 ? 8 + strspn(column + 8, "0123456789") : 0;
  for (size_t i = 0; i < sizeof parts / sizeof *parts && !at; ++i)
    if (strncmp(column, parts[i], strlen(parts[i])) == 0) at = strlen(parts[i]) - 1;
  if (at) tag[at] = '/';
}

static cutlab_status add_events(cutlab_context *context, cutlab_metrics *m, const json_t *line) {
  double wall_time = (double)time(NULL);
  int64_t step = (int64_t)cutlab_json_get_number(line, "step", 0);
  for (int c = 0; c < m->column_count; ++c) {
    char tag[64];
    double value = column_value(line, m->columns[c]);
    tag_of(tag, m->columns[c]);
    if (strcmp(tag, "step") == 0 || !isfinite(value)) continue;
    CUTLAB_TRY(cutlab_events_scalar(context, m->events, tag, step, wall_time, value));
  }
  return CUTLAB_OK;
}

/* The row of line `at`; the first one comes with the header. */
static cutlab_status add_row(cutlab_context *context, const cutlab_metrics *m, size_t at) {
  char *rows;
  size_t size;
  CUTLAB_TRY(table_text(context, &rows, &size, m, at));
  cutlab_status status;
  if (at) {
    rows[size - 1] = '\0'; /* the newline comes with appending */
    status = cutlab_line_append(context, m->table_path, rows);
  } else {
    status = cutlab_file_write(context, m->table_path, rows, size);
  }
  free(rows);
  return status;
}

cutlab_status cutlab_metrics_add(cutlab_context *context, cutlab_metrics *metrics, json_t *line) {
  size_t at = json_array_size(metrics->lines);
  char *text;
  if (json_array_append_new(metrics->lines, line) != 0)
    return cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory: metrics");
  CUTLAB_TRY(cutlab_json_text(context, &text, json_incref(line), 0));
  cutlab_status status = cutlab_line_append(context, metrics->lines_path, text);
  cutlab_free(text);
  if (status == CUTLAB_OK) status = add_row(context, metrics, at);
  return status == CUTLAB_OK ? add_events(context, metrics, line) : status;
}

cutlab_status cutlab_metrics_step(cutlab_context *context, cutlab_metrics *metrics, int64_t step,
                                  double loss, double rate) {
  if (!metrics->steps) return CUTLAB_OK;
  char *text;
  json_t *line = json_pack("{s:I,s:o,s:o}", "step", (json_int_t)step, "loss",
                           cutlab_json_number(loss), "learning_rate", cutlab_json_number(rate));
  CUTLAB_TRY(cutlab_json_text(context, &text, line, 0));
  bool written = fprintf(metrics->steps, "%s\n", text) > 0;
  cutlab_free(text);
  if (written) return CUTLAB_OK;
  return cutlab_fail(context, CUTLAB_ERROR_IO, "cannot write %s: %s", metrics->steps_path,
                     strerror(errno));
}

cutlab_status cutlab_metrics_flush(cutlab_context *context, cutlab_metrics *metrics) {
  if (!metrics->steps || (fflush(metrics->steps) == 0 && fsync(fileno(metrics->steps)) == 0))
    return CUTLAB_OK;
  return cutlab_fail(context, CUTLAB_ERROR_IO, "cannot write %s: %s", metrics->steps_path,
                     strerror(errno));
}

const json_t *cutlab_metrics_last(const cutlab_metrics *metrics) {
  size_t count = json_array_size(metrics->lines);
  return count ? json_array_get(metrics->lines, count - 1) : NULL;
}

const json_t *cutlab_metrics_best(const cutlab_metrics *metrics) {
  const json_t *best = NULL, *line;
  size_t i;
  json_array_foreach(metrics->lines, i, line) {
    double accuracy = cutlab_json_get_number(line, "test_accuracy", NAN);
    if (isfinite(accuracy) &&
        (!best || accuracy > cutlab_json_get_number(best, "test_accuracy", NAN)))
      best = line;
  }
  return best;
}

void cutlab_metrics_close(cutlab_metrics *metrics) {
  if (metrics->events) cutlab_events_close(metrics->events);
  if (metrics->steps) (void)fclose(metrics->steps);
  for (int c = 0; c < metrics->column_count; ++c) free(metrics->columns[c]);
  free(metrics->columns);
  json_decref(metrics->lines);
  free(metrics->lines_path);
  free(metrics->table_path);
  free(metrics->steps_path);
  *metrics = (cutlab_metrics){0};
}
