/* A sweep's map beside one made elsewhere: a text matrix with a row for each value of y and a
   column for each value of x. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv.h"
#include "base/file.h"
#include "base/number.h"
#include "report/sweep_report.h"

/* Reading */

static bool is_between(char c) {
  return c == ' ' || c == '\t' || c == ',' || c == '\r';
}

static cutlab_status wrong_size(cutlab_context *context, const cutlab_sweep_view *view,
                                const char *path, int64_t row, int64_t count) {
  const cutlab_sweep_axis *x = &view->axes[view->x], *y = &view->axes[view->y];
  if (row)
    return cutlab_fail(context, CUTLAB_ERROR_FORMAT,
                       "%s: row %" PRId64 " has %s%" PRId64 " columns; the map has %" PRId64
                       ", one for each value of %s",
                       path, row, count > x->count ? "more than " : "",
                       count > x->count ? x->count : count, x->count, x->name);
  return cutlab_fail(context, CUTLAB_ERROR_FORMAT,
                     "%s has %s%" PRId64 " rows; the map has %" PRId64 ", one for each value of %s",
                     path, count > y->count ? "more than " : "",
                     count > y->count ? y->count : count, y->count, y->name);
}

/* The number at *text, which moves past it. */
static cutlab_status read_number(cutlab_context *context, double *value, char **text,
                                 const char *path, int64_t row, int64_t column) {
  char *start = *text, *end = start;
  while (*end && *end != '\n' && !is_between(*end)) ++end;
  char after = *end;
  *end = '\0';
  bool good = cutlab_number_parse(value, start);
  if (!good) {
    char *shown = cutlab_json_printable(context, start);
    cutlab_status status =
        shown ? cutlab_fail(context, CUTLAB_ERROR_FORMAT,
                            "%s: row %" PRId64 ", column %" PRId64 ": \"%.40s\" is not a number",
                            path, row, column, shown)
              : CUTLAB_ERROR_MEMORY;
    free(shown);
    return status;
  }
  *end = after;
  *text = end;
  return CUTLAB_OK;
}

static cutlab_status read_row(cutlab_context *context, double *values, char **text,
                              const cutlab_sweep_view *view, const char *path, int64_t row) {
  int64_t columns = view->axes[view->x].count, column = 0;
  for (;;) {
    while (is_between(**text)) ++*text;
    if (!**text || **text == '\n') break;
    if (column == columns) return wrong_size(context, view, path, row, columns + 1);
    CUTLAB_TRY(read_number(context, &values[column], text, path, row, column + 1));
    ++column;
  }
  return column == columns ? CUTLAB_OK : wrong_size(context, view, path, row, column);
}

static cutlab_status read_rows(cutlab_context *context, double *values, char *text,
                               const cutlab_sweep_view *view, const char *path) {
  int64_t rows = view->axes[view->y].count, columns = view->axes[view->x].count, row = 0;
  while (*text) {
    char *first = text;
    while (is_between(*first)) ++first;
    if (*first == '\n' || !*first) { /* empty lines do not count */
      text = *first ? first + 1 : first;
      continue;
    }
    if (row == rows) return wrong_size(context, view, path, 0, rows + 1);
    CUTLAB_TRY(read_row(context, values + row * columns, &text, view, path, row + 1));
    ++row;
  }
  return row == rows ? CUTLAB_OK : wrong_size(context, view, path, 0, row);
}

static cutlab_status read_matrix(cutlab_context *context, double *values,
                                 const cutlab_sweep_view *view, const char *path) {
  char *text = NULL;
  size_t size;
  CUTLAB_TRY(cutlab_file_read(context, &text, &size, path, 0));
  cutlab_status status =
      strlen(text) == size
          ? read_rows(context, values, text, view, path)
          : cutlab_fail(context, CUTLAB_ERROR_FORMAT, "%s is not text: it holds a zero byte", path);
  free(text);
  return status;
}

/* Comparing */

static int ascending(const void *first, const void *second) {
  double a = *(const double *)first, b = *(const double *)second;
  return (a > b) - (a < b);
}

/* Pearson's, of pairs whose means are known. */
typedef struct moments {
  double ours, theirs, our_square, their_square, product;
} moments;

static void add_moments(moments *m, double n, double ours, double theirs) {
  double a = ours - m->ours, b = theirs - m->theirs;
  m->ours += a / n;
  m->theirs += b / n;
  m->our_square += a * (ours - m->ours);
  m->their_square += b * (theirs - m->theirs);
  m->product += a * (theirs - m->theirs);
}

static void compare_cell(cutlab_sweep_reference *reference, moments *m, double *ratios,
                         int64_t *ratio_count, double ours, int64_t i, int64_t j, int64_t columns) {
  double theirs = reference->values[j * columns + i], difference = ours - theirs;
  double n = (double)++reference->cells;
  reference->mean_difference += (difference - reference->mean_difference) / n;
  reference->mean_absolute_difference +=
      (fabs(difference) - reference->mean_absolute_difference) / n;
  if (n == 1 || fabs(difference) > fabs(reference->largest_difference)) {
    reference->largest_difference = difference;
    reference->worst_x = i;
    reference->worst_y = j;
  }
  add_moments(m, n, ours, theirs);
  if (ours > 0 && theirs > 0) ratios[(*ratio_count)++] = ours / theirs;
}

static cutlab_status compare(cutlab_context *context, cutlab_sweep_reference *reference,
                             const cutlab_sweep_view *view) {
  int64_t rows = view->axes[view->y].count, columns = view->axes[view->x].count, ratio_count = 0;
  double *ratios = cutlab_allocate(context, rows * columns, sizeof *ratios);
  moments m = {0};
  if (!ratios) return CUTLAB_ERROR_MEMORY;
  for (int64_t j = 0; j < rows; ++j)
    for (int64_t i = 0; i < columns; ++i) {
      double ours = reference->measure->mean[cutlab_sweep_cell(view, 0, 0, i, j)];
      if (!isnan(ours)) compare_cell(reference, &m, ratios, &ratio_count, ours, i, j, columns);
    }
  reference->correlation = m.product / sqrt(m.our_square * m.their_square);
  qsort(ratios, (size_t)ratio_count, sizeof *ratios, ascending);
  reference->median_ratio =
      ratio_count ? (ratios[(ratio_count - 1) / 2] + ratios[ratio_count / 2]) / 2 : NAN;
  free(ratios);
  if (reference->cells) return CUTLAB_OK;
  return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                     "%s: nothing to compare, %s is defined in no cell", reference->path,
                     reference->measure->name);
}

static cutlab_status check_map(cutlab_context *context, const cutlab_sweep_view *view) {
  if (view->y < 0 || view->scattered)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                       "a reference is compared with a map, and %s has no grid over two axes of "
                       "numbers",
                       view->path);
  if (view->panel_count * view->slice_count > 1)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                       "a reference is compared with one map, and %s has %" PRId64
                       ": axes other than %s and %s must have one value",
                       view->path, view->panel_count * view->slice_count, view->axes[view->x].name,
                       view->axes[view->y].name);
  return CUTLAB_OK;
}

static cutlab_status find_measure(cutlab_context *context, cutlab_sweep_reference *reference,
                                  const cutlab_sweep_view *view, const char *text) {
  const char *equals = strchr(text, '=');
  char names[512] = "";
  if (!equals || equals == text || !equals[1])
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                       "reference \"%s\": expected MEASURE=FILE, as test_error=surface.csv", text);
  for (int m = 0; m < view->measure_count; ++m) {
    const char *name = view->measures[m].name;
    size_t used = strlen(names);
    if (strlen(name) == (size_t)(equals - text) && memcmp(name, text, strlen(name)) == 0)
      reference->measure = &view->measures[m];
    snprintf(names + used, sizeof names - used, "%s%s", m ? ", " : "", name);
  }
  if (!reference->measure)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                       "reference \"%s\": %s has no measure of that name; it has %s", text,
                       view->path, names);
  reference->path = strdup(equals + 1);
  return reference->path ? CUTLAB_OK : cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory");
}

static cutlab_status add(cutlab_context *context, cutlab_sweep_view *view, const char *text) {
  CUTLAB_TRY(check_map(context, view));
  cutlab_sweep_reference *reference = &view->references[view->reference_count++];
  CUTLAB_TRY(find_measure(context, reference, view, text));
  for (int r = 0; r < view->reference_count - 1; ++r)
    if (view->references[r].measure == reference->measure)
      return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                         "reference \"%s\": there is another one of this measure", text);
  reference->values = cutlab_allocate(
      context, view->axes[view->y].count * view->axes[view->x].count, sizeof *reference->values);
  if (!reference->values) return CUTLAB_ERROR_MEMORY;
  CUTLAB_TRY(read_matrix(context, reference->values, view, reference->path));
  return compare(context, reference, view);
}

cutlab_status cutlab_sweep_compare(cutlab_context *context, cutlab_sweep_view *view,
                                   const char *const *references, int count) {
  view->references = cutlab_allocate(context, count, sizeof *view->references);
  if (!view->references) return CUTLAB_ERROR_MEMORY;
  for (int r = 0; r < count; ++r) CUTLAB_TRY(add(context, view, references[r]));
  return CUTLAB_OK;
}

/* Files */

json_t *cutlab_sweep_comparison_json(const cutlab_sweep_view *view,
                                     const cutlab_sweep_reference *reference) {
  const cutlab_sweep_axis *x = &view->axes[view->x], *y = &view->axes[view->y];
  const char *slash = strrchr(reference->path, '/');
  return json_pack("{s:s, s:s, s:I, s:o, s:o, s:o, s:{s:f, s:f}, s:o, s:o}", "measure",
                   reference->measure->name, "reference", slash ? slash + 1 : reference->path,
                   "cells", (json_int_t)reference->cells, "mean_difference",
                   cutlab_json_number(reference->mean_difference), "mean_absolute_difference",
                   cutlab_json_number(reference->mean_absolute_difference), "largest_difference",
                   cutlab_json_number(reference->largest_difference), "largest_at", x->name,
                   x->numbers[reference->worst_x], y->name, y->numbers[reference->worst_y],
                   "correlation", cutlab_json_number(reference->correlation), "median_ratio",
                   cutlab_json_number(reference->median_ratio));
}

static void put_rows(FILE *stream, const cutlab_sweep_view *view) {
  const cutlab_sweep_axis *x = &view->axes[view->x], *y = &view->axes[view->y];
  fputs("measure", stream);
  fprintf(stream, ",%s,%s,value,reference,difference\n", x->name, y->name);
  for (int r = 0; r < view->reference_count; ++r) {
    const cutlab_sweep_reference *reference = &view->references[r];
    for (int64_t j = 0; j < y->count; ++j)
      for (int64_t i = 0; i < x->count; ++i) {
        double ours = reference->measure->mean[cutlab_sweep_cell(view, 0, 0, i, j)],
               theirs = reference->values[j * x->count + i];
        cutlab_csv_text(stream, reference->measure->name);
        cutlab_csv_number(stream, x->numbers[i]);
        cutlab_csv_number(stream, y->numbers[j]);
        cutlab_csv_number(stream, ours);
        cutlab_csv_number(stream, theirs);
        cutlab_csv_number(stream, ours - theirs);
        fputc('\n', stream);
      }
  }
}

static cutlab_status write_text(cutlab_context *context, const char *folder, const char *name,
                                char *text) {
  char *path = text ? cutlab_path_join(context, folder, name) : NULL;
  cutlab_status status = path
                             ? cutlab_file_write(context, path, text, strlen(text))
                             : cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory: %s", name);
  free(path);
  free(text);
  return status;
}

cutlab_status cutlab_sweep_write_comparison(cutlab_context *context, const char *folder,
                                            const cutlab_sweep_view *view) {
  char *text = NULL;
  size_t size;
  if (view->reference_count == 0) {
    CUTLAB_TRY(cutlab_report_remove(context, folder, "comparison.csv"));
    return cutlab_report_remove(context, folder, "comparison.json");
  }
  FILE *stream = open_memstream(&text, &size);
  if (stream) {
    put_rows(stream, view);
    fclose(stream);
  }
  CUTLAB_TRY(write_text(context, folder, "comparison.csv", text));
  json_t *list = json_array();
  for (int r = 0; r < view->reference_count; ++r)
    json_array_append_new(list, cutlab_sweep_comparison_json(view, &view->references[r]));
  CUTLAB_TRY(cutlab_json_text(context, &text, list, 2));
  return write_text(context, folder, "comparison.json", text);
}
