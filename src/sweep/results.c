/* results.csv, runs.csv, results.npz, sweep.json, sweep.yaml. */
#include "sweep/results.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cutlab/array.h>
#include <cutlab/version.h>

#include "base/csv.h"
#include "base/file.h"
#include "base/json.h"
#include "sweep/measured.h"

enum { format_version = 1 };

static cutlab_status write_text(cutlab_context *context, const char *folder, const char *name,
                                const char *text, size_t size) {
  char *path = cutlab_path_join(context, folder, name);
  cutlab_status status = path ? cutlab_file_write(context, path, text, size) : CUTLAB_ERROR_MEMORY;
  free(path);
  return status;
}

cutlab_status cutlab_results_write_spec(cutlab_context *context, const char *folder,
                                        const cutlab_spec *spec) {
  char *text;
  CUTLAB_TRY(cutlab_spec_print(context, &text, spec));
  cutlab_status status = write_text(context, folder, "sweep.yaml", text, strlen(text));
  free(text);
  return status;
}

/* CSV */

static void put_axis_names(FILE *file, const cutlab_grid *grid) {
  for (int a = 0; a < grid->axis_count; ++a) {
    if (a) fputc(',', file);
    cutlab_csv_text(file, grid->axes[a].name);
  }
}

static void put_axis_values(FILE *file, const cutlab_grid *grid, int64_t cell) {
  for (int a = 0; a < grid->axis_count; ++a) {
    if (a) fputc(',', file);
    cutlab_csv_text(file, grid->axes[a].texts[cutlab_grid_index(grid, a, cell)]);
  }
}

static void put_measure_names(FILE *file, const cutlab_grid *grid, const char *suffix) {
  for (int m = 0; m < grid->measures.count; ++m)
    fprintf(file, ",%s%s", grid->measures.items[m].name, suffix);
}

static double value_of(const cutlab_book *book, int64_t run, int m) {
  return book->values[run * book->grid->measures.count + m];
}

/* Over the seeds for which it is defined; two passes. */
static void summarise(double *mean, double *deviation, const cutlab_book *book, int64_t cell,
                      int m) {
  int64_t seeds = book->grid->seed_count, first = cell * seeds, count = 0;
  double sum = 0, squares = 0;
  for (int64_t run = first; run < first + seeds; ++run)
    if (isfinite(value_of(book, run, m))) sum += value_of(book, run, m), ++count;
  *mean = count ? sum / (double)count : NAN;
  for (int64_t run = first; run < first + seeds; ++run) {
    double gap = value_of(book, run, m) - *mean;
    if (isfinite(gap)) squares += gap * gap;
  }
  *deviation = count > 1 ? sqrt(squares / (double)(count - 1)) : NAN;
}

double cutlab_results_mean(const cutlab_book *book, int64_t cell, int m) {
  double mean, deviation;
  summarise(&mean, &deviation, book, cell, m);
  return mean;
}

static void put_cell(FILE *file, const cutlab_book *book, int64_t cell) {
  const cutlab_grid *grid = book->grid;
  double mean, deviation;
  int64_t failed = 0;
  put_axis_values(file, grid, cell);
  for (int m = 0; m < grid->measures.count; ++m) {
    summarise(&mean, &deviation, book, cell, m);
    cutlab_csv_number(file, mean);
  }
  for (int m = 0; m < grid->measures.count; ++m) {
    summarise(&mean, &deviation, book, cell, m);
    cutlab_csv_number(file, deviation);
  }
  for (int64_t s = 0; s < grid->seed_count; ++s)
    failed += book->states[cell * grid->seed_count + s] == CUTLAB_RUN_FAILED;
  fprintf(file, ",%lld,%lld\n", (long long)grid->seed_count, (long long)failed);
}

static void put_cells(FILE *file, const cutlab_book *book) {
  put_axis_names(file, book->grid);
  put_measure_names(file, book->grid, "");
  put_measure_names(file, book->grid, "_sd");
  fputs(",seeds,failed\n", file);
  for (int64_t cell = 0; cell < book->grid->cells; ++cell) put_cell(file, book, cell);
}

static void put_runs(FILE *file, const cutlab_book *book) {
  const cutlab_grid *grid = book->grid;
  put_axis_names(file, grid);
  fputs(",seed", file);
  put_measure_names(file, grid, "");
  fputs(",failed,message\n", file);
  for (int64_t run = 0; run < grid->runs; ++run) {
    put_axis_values(file, grid, run / grid->seed_count);
    fprintf(file, ",%lld", (long long)grid->seeds[run % grid->seed_count]);
    for (int m = 0; m < grid->measures.count; ++m) cutlab_csv_number(file, value_of(book, run, m));
    fprintf(file, ",%d,", book->states[run] == CUTLAB_RUN_FAILED);
    if (book->messages[run]) cutlab_csv_text(file, book->messages[run]);
    fputc('\n', file);
  }
}

static cutlab_status write_csv(cutlab_context *context, const char *folder, const char *name,
                               const cutlab_book *book,
                               void (*put)(FILE *file, const cutlab_book *book)) {
  char *text = NULL;
  size_t size = 0;
  FILE *file = open_memstream(&text, &size);
  if (file) put(file, book);
  cutlab_status status = CUTLAB_OK;
  if (!file || fclose(file) != 0)
    status = cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory: %s", name);
  if (status == CUTLAB_OK) status = write_text(context, folder, name, text, size);
  free(text);
  return status;
}

/* results.npz */

static cutlab_array *next_array(cutlab_array *arrays, int *count, const char *name,
                                cutlab_dtype dtype) {
  cutlab_array *array = &arrays[(*count)++];
  snprintf(array->name, sizeof array->name, "%s", name);
  array->dtype = dtype;
  return array;
}

static cutlab_status add_axis(cutlab_context *context, cutlab_array *array,
                              const cutlab_axis *axis) {
  array->rank = 1;
  array->shape[0] = axis->count;
  array->data = cutlab_allocate(context, axis->count, 8);
  if (!array->data) return CUTLAB_ERROR_MEMORY;
  for (int64_t i = 0; i < axis->count; ++i)
    if (axis->is_numeric)
      ((double *)array->data)[i] = axis->numbers[i];
    else
      ((int64_t *)array->data)[i] = i;
  return CUTLAB_OK;
}

/* Over all runs. */
static cutlab_status shape_runs(cutlab_context *context, cutlab_array *array,
                                const cutlab_grid *grid) {
  for (int d = 0; d < grid->dimension_count; ++d) array->shape[array->rank++] = grid->dimensions[d];
  array->shape[array->rank++] = grid->seed_count;
  array->data = cutlab_allocate(context, grid->runs, cutlab_dtype_size(array->dtype));
  return array->data ? CUTLAB_OK : CUTLAB_ERROR_MEMORY;
}

static cutlab_status fill_arrays(cutlab_context *context, cutlab_array *arrays, int *count,
                                 const cutlab_book *book) {
  const cutlab_grid *grid = book->grid;
  for (int a = 0; a < grid->axis_count; ++a)
    CUTLAB_TRY(add_axis(context,
                        next_array(arrays, count, grid->axes[a].name,
                                   grid->axes[a].is_numeric ? CUTLAB_FLOAT64 : CUTLAB_INT64),
                        &grid->axes[a]));
  cutlab_array *array = next_array(arrays, count, "seeds", CUTLAB_INT64);
  array->rank = 1;
  array->shape[0] = grid->seed_count;
  array->data = cutlab_allocate(context, grid->seed_count, 8);
  if (!array->data) return CUTLAB_ERROR_MEMORY;
  memcpy(array->data, grid->seeds, (size_t)grid->seed_count * 8);
  for (int m = 0; m < grid->measures.count; ++m) {
    array = next_array(arrays, count, grid->measures.items[m].name, CUTLAB_FLOAT64);
    CUTLAB_TRY(shape_runs(context, array, grid));
    for (int64_t run = 0; run < grid->runs; ++run)
      ((double *)array->data)[run] = value_of(book, run, m);
  }
  array = next_array(arrays, count, "failed", CUTLAB_INT8);
  CUTLAB_TRY(shape_runs(context, array, grid));
  for (int64_t run = 0; run < grid->runs; ++run)
    ((int8_t *)array->data)[run] = book->states[run] == CUTLAB_RUN_FAILED;
  return CUTLAB_OK;
}

static cutlab_status write_arrays(cutlab_context *context, const char *folder,
                                  const cutlab_book *book) {
  int most = book->grid->axis_count + book->grid->measures.count + 2, count = 0;
  cutlab_array *arrays = cutlab_allocate(context, most, sizeof *arrays);
  char *path = cutlab_path_join(context, folder, "results.npz");
  cutlab_status status =
      arrays && path ? fill_arrays(context, arrays, &count, book) : CUTLAB_ERROR_MEMORY;
  if (status == CUTLAB_OK) status = cutlab_npz_write(context, path, arrays, count);
  for (int i = 0; i < count; ++i) cutlab_array_clear(&arrays[i]);
  free(arrays);
  free(path);
  return status;
}

/* sweep.json */

static json_t *describe_axis(const cutlab_axis *axis) {
  json_t *values = json_array();
  for (int64_t i = 0; i < axis->count; ++i)
    json_array_append_new(values, axis->is_numeric ? cutlab_json_number(axis->numbers[i])
                                                   : json_string(axis->texts[i]));
  return json_pack("{s:s, s:i, s:s, s:o}", "name", axis->name, "dimension", axis->dimension,
                   "spacing", axis->spacing, "values", values);
}

static json_t *axis_name(const cutlab_grid *grid, int axis) {
  return axis < 0 ? json_null() : json_string(grid->axes[axis].name);
}

static json_t *describe_map(const cutlab_grid *grid) {
  json_t *values = json_array();
  const cutlab_entries *said = &grid->spec->map_values;
  for (int i = 0; i < said->count; ++i)
    for (int m = 0; m < grid->measures.count; ++m)
      if (strcmp(said->items[i].name, grid->measures.items[m].name) == 0)
        json_array_append_new(values, json_string(said->items[i].name));
  if (!json_array_size(values) && grid->measures.count)
    json_array_append_new(values, json_string(grid->measures.items[0].name));
  return json_pack("{s:o, s:o, s:o, s:o}", "x", axis_name(grid, grid->map_x), "y",
                   axis_name(grid, grid->map_y), "panels", axis_name(grid, grid->map_panels),
                   "value", values);
}

static json_t *describe_boundaries(const cutlab_grid *grid) {
  json_t *all = json_array();
  for (int b = 0; b < grid->boundary_count; ++b) {
    const cutlab_axis *x = &grid->axes[grid->map_x];
    json_array_append_new(all, json_pack("{s:s, s:s, s:o, s:o}", "name", grid->boundaries[b].name,
                                         "expression", grid->boundaries[b].text, "x",
                                         cutlab_json_numbers(x->numbers, x->count), "y",
                                         cutlab_json_numbers(grid->boundaries[b].y, x->count)));
  }
  return all;
}

static int64_t count_failed(const cutlab_book *book) {
  int64_t failed = 0;
  for (int64_t run = 0; run < book->grid->runs; ++run)
    failed += book->states[run] == CUTLAB_RUN_FAILED;
  return failed;
}

/* Takes `measured`. */
static json_t *describe(const cutlab_book *book, json_t *measured) {
  const cutlab_grid *grid = book->grid;
  json_t *dimensions = json_array(), *axes = json_array(), *seeds = json_array(),
         *measures = json_array();
  for (int d = 0; d < grid->dimension_count; ++d)
    json_array_append_new(dimensions, json_integer(grid->dimensions[d]));
  for (int a = 0; a < grid->axis_count; ++a)
    json_array_append_new(axes, describe_axis(&grid->axes[a]));
  for (int64_t s = 0; s < grid->seed_count; ++s)
    json_array_append_new(seeds, json_integer(grid->seeds[s]));
  for (int m = 0; m < grid->measures.count; ++m)
    json_array_append_new(measures, json_string(grid->measures.items[m].name));
  return json_pack(
      "{s:s, s:i, s:s, s:s, s:o, s:o, s:o, s:I, s:I, s:I, s:o, s:i, s:o, s:o, s:o, s:o}", "format",
      "cutlab-sweep", "format_version", format_version, "cutlab", cutlab_version(), "name",
      grid->spec->name, "dimensions", dimensions, "axes", axes, "seeds", seeds, "cells",
      (json_int_t)grid->cells, "runs", (json_int_t)grid->runs, "failed",
      (json_int_t)count_failed(book), "measures", measures, "features", grid->features, "learnt_at",
      cutlab_json_number(grid->measures.learnt_at), "map", describe_map(grid), "boundaries",
      describe_boundaries(grid), "measured", measured);
}

static cutlab_status write_json(cutlab_context *context, const char *folder,
                                const cutlab_book *book) {
  json_t *measured;
  cutlab_status status = cutlab_measured_write(context, &measured, folder, book);
  json_t *description = describe(book, measured);
  if (status != CUTLAB_OK) {
    json_decref(description);
    return status;
  }
  if (!description)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                       "sweep.json cannot be written: a name is not UTF-8");
  char *text;
  CUTLAB_TRY(cutlab_json_text(context, &text, description, 1));
  status = write_text(context, folder, "sweep.json", text, strlen(text));
  cutlab_free(text);
  return status;
}

/* sweep.json, with boundaries.csv before it, comes last: where it is, and not older, the others
 * are. */
cutlab_status cutlab_results_write(cutlab_context *context, const char *folder,
                                   const cutlab_book *book) {
  CUTLAB_TRY(write_csv(context, folder, "results.csv", book, put_cells));
  CUTLAB_TRY(write_csv(context, folder, "runs.csv", book, put_runs));
  CUTLAB_TRY(write_arrays(context, folder, book));
  return write_json(context, folder, book);
}

static json_t *range_of(const cutlab_book *book, int m) {
  double least = INFINITY, most = -INFINITY, sum = 0;
  int64_t count = 0;
  for (int64_t cell = 0; cell < book->grid->cells; ++cell) {
    double mean = cutlab_results_mean(book, cell, m);
    if (!isfinite(mean)) continue;
    least = fmin(least, mean), most = fmax(most, mean), sum += mean, ++count;
  }
  return json_pack("{s:I, s:o, s:o, s:o}", "cells", (json_int_t)count, "least",
                   cutlab_json_number(least), "mean",
                   cutlab_json_number(count ? sum / (double)count : NAN), "most",
                   cutlab_json_number(most));
}

cutlab_status cutlab_results_summary(cutlab_context *context, char **text,
                                     const cutlab_book *book) {
  const cutlab_grid *grid = book->grid;
  json_t *measures = json_object(), *first = json_null();
  for (int m = 0; m < grid->measures.count; ++m)
    json_object_set_new(measures, grid->measures.items[m].name, range_of(book, m));
  for (int64_t run = 0; run < grid->runs && json_is_null(first); ++run) {
    if (book->states[run] != CUTLAB_RUN_FAILED || !book->messages[run]) continue;
    char at[200], said[500];
    cutlab_grid_describe(at, sizeof at, grid, run / grid->seed_count);
    snprintf(said, sizeof said, "%s seed=%lld: %s", at,
             (long long)grid->seeds[run % grid->seed_count], book->messages[run]);
    json_t *string = json_string(said);
    if (string) first = string;
  }
  json_t *summary =
      json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:o, s:o}", "name", grid->spec->name, "cells",
                (json_int_t)grid->cells, "runs", (json_int_t)grid->runs, "mine",
                (json_int_t)book->total, "done", (json_int_t)book->done, "failed",
                (json_int_t)count_failed(book), "first_failure", first, "measures", measures);
  if (!summary)
    return cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory: a sweep's summary");
  return cutlab_json_text(context, text, summary, 2);
}
