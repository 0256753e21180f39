/* Measured boundaries of a sweep, as JSON and as boundaries.csv. */
#include "sweep/measured.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/csv.h"
#include "base/file.h"
#include "base/json.h"
#include "sweep/boundary.h"

/* What all boundaries of a sweep share. */
typedef struct measuring {
  cutlab_context *context;
  const cutlab_book *book;
  cutlab_surface surface; /* over `means`, its values pointing to a slice */
  double *means;          /* [cells] of one measure */
  double *y;              /* [x] */
  cutlab_crossing *crossings;
  json_t *list;
  FILE *csv;
} measuring;

static int64_t stride_of(const cutlab_grid *grid, int axis) {
  int64_t stride = 1;
  for (int d = grid->axes[axis].dimension + 1; d < grid->dimension_count; ++d)
    stride *= grid->dimensions[d];
  return stride;
}

static bool is_on_map(const cutlab_grid *grid, int axis) {
  int dimension = grid->axes[axis].dimension;
  return dimension == grid->axes[grid->map_x].dimension ||
         dimension == grid->axes[grid->map_y].dimension;
}

/* The values of the axes that are not on the map. */
static json_t *place_of(const cutlab_grid *grid, int64_t cell) {
  json_t *at = json_object();
  for (int a = 0; a < grid->axis_count; ++a) {
    const cutlab_axis *axis = &grid->axes[a];
    int64_t i = cutlab_grid_index(grid, a, cell);
    if (!is_on_map(grid, a))
      json_object_set_new(at, axis->name,
                          axis->is_numeric ? cutlab_json_number(axis->numbers[i])
                                           : json_string(axis->texts[i]));
  }
  return at;
}

static json_t *describe_fit(const cutlab_boundary_fit *fit) {
  return json_pack("{s:s, s:o, s:o, s:o, s:I, s:I, s:I, s:I}", "law", fit->power ? "power" : "line",
                   "a", cutlab_json_number(fit->power ? exp(fit->intercept) : fit->intercept), "b",
                   cutlab_json_number(fit->slope), "r2", cutlab_json_number(fit->r2), "points",
                   (json_int_t)fit->points, "everywhere", (json_int_t)fit->everywhere, "nowhere",
                   (json_int_t)fit->nowhere, "unknown", (json_int_t)fit->unknown);
}

/* CSV */

static void put_field(FILE *csv, const char *text) {
  fputc(',', csv);
  cutlab_csv_text(csv, text);
}

static void put_heading(FILE *csv, const cutlab_grid *grid) {
  fputs("measure,threshold", csv);
  for (int a = 0; a < grid->axis_count; ++a)
    if (!is_on_map(grid, a)) put_field(csv, grid->axes[a].name);
  put_field(csv, grid->axes[grid->map_x].name);
  put_field(csv, grid->axes[grid->map_y].name);
  fputs(",crossing,fitted\n", csv);
}

static void put_points(const measuring *m, const char *measure, int64_t cell,
                       const cutlab_boundary_fit *fit) {
  const cutlab_grid *grid = m->book->grid;
  for (int64_t i = 0; i < m->surface.x_count; ++i) {
    fputs(measure, m->csv);
    cutlab_csv_number(m->csv, grid->measures.learnt_at);
    for (int a = 0; a < grid->axis_count; ++a)
      if (!is_on_map(grid, a))
        put_field(m->csv, grid->axes[a].texts[cutlab_grid_index(grid, a, cell)]);
    cutlab_csv_number(m->csv, m->surface.x[i]);
    cutlab_csv_number(m->csv, m->y[i]);
    fprintf(m->csv, ",%s", cutlab_crossing_name(m->crossings[i]));
    cutlab_csv_number(m->csv, cutlab_boundary_at(fit, m->surface.x[i]));
    fputc('\n', m->csv);
  }
}

/* One boundary: the slice that begins at `cell`. */
static cutlab_status measure_slice(measuring *m, const char *measure, int64_t cell) {
  const cutlab_grid *grid = m->book->grid;
  double threshold = grid->measures.learnt_at;
  cutlab_boundary_fit fit;
  bool rising;
  m->surface.values = m->means + cell;
  CUTLAB_TRY(cutlab_boundary_find(m->context, m->crossings, m->y, &rising, &m->surface, threshold));
  cutlab_boundary_fit_points(&fit, &m->surface, m->crossings, m->y);
  put_points(m, measure, cell, &fit);
  json_t *states = json_array();
  for (int64_t i = 0; i < m->surface.x_count; ++i)
    json_array_append_new(states, json_string(cutlab_crossing_name(m->crossings[i])));
  json_array_append_new(m->list,
                        json_pack("{s:s, s:f, s:o, s:b, s:o, s:o, s:o}", "measure", measure,
                                  "threshold", threshold, "at", place_of(grid, cell), "rising",
                                  (int)rising, "y", cutlab_json_numbers(m->y, m->surface.x_count),
                                  "crossings", states, "fit", describe_fit(&fit)));
  return CUTLAB_OK;
}

static cutlab_status measure_all(measuring *m) {
  const cutlab_grid *grid = m->book->grid;
  for (int k = 0; k < grid->measures.count; ++k) {
    const char *name = grid->measures.items[k].name;
    if (strncmp(name, "accuracy_", 9) != 0) continue;
    for (int64_t cell = 0; cell < grid->cells; ++cell)
      m->means[cell] = cutlab_results_mean(m->book, cell, k);
    for (int64_t cell = 0; cell < grid->cells; ++cell)
      if (cutlab_grid_index(grid, grid->map_x, cell) == 0 &&
          cutlab_grid_index(grid, grid->map_y, cell) == 0)
        CUTLAB_TRY(measure_slice(m, name, cell));
  }
  return CUTLAB_OK;
}

static cutlab_surface surface_of(const cutlab_grid *grid) {
  const cutlab_axis *x = &grid->axes[grid->map_x], *y = &grid->axes[grid->map_y];
  return (cutlab_surface){.x = x->numbers,
                          .y = y->numbers,
                          .x_count = x->count,
                          .y_count = y->count,
                          .x_log = cutlab_axis_is_logarithmic(x->spacing, x->numbers, x->count),
                          .y_log = cutlab_axis_is_logarithmic(y->spacing, y->numbers, y->count),
                          .x_stride = stride_of(grid, grid->map_x),
                          .y_stride = stride_of(grid, grid->map_y)};
}

/* Fills m->list, and `*csv` with the text of boundaries.csv. */
static cutlab_status measure_map(measuring *m, char **csv, size_t *size) {
  const cutlab_grid *grid = m->book->grid;
  m->surface = surface_of(grid);
  m->means = cutlab_allocate(m->context, grid->cells, sizeof *m->means);
  m->y = cutlab_allocate(m->context, m->surface.x_count, sizeof *m->y);
  m->crossings = cutlab_allocate(m->context, m->surface.x_count, sizeof *m->crossings);
  m->csv = open_memstream(csv, size);
  cutlab_status status = CUTLAB_ERROR_MEMORY;
  if (!m->csv) {
    cutlab_fail(m->context, status, "out of memory: boundaries.csv");
  } else if (m->means && m->y && m->crossings) {
    put_heading(m->csv, grid);
    status = measure_all(m);
  }
  if (m->csv) fclose(m->csv);
  free(m->means);
  free(m->y);
  free(m->crossings);
  return status;
}

/* An earlier sweep in the folder may have left one. */
static cutlab_status write_csv(cutlab_context *context, const char *folder, const json_t *list,
                               const char *csv, size_t size) {
  char *path = cutlab_path_join(context, folder, "boundaries.csv");
  cutlab_status status = path ? CUTLAB_OK : CUTLAB_ERROR_MEMORY;
  if (path && json_array_size(list))
    status = cutlab_file_write(context, path, csv, size);
  else if (path && unlink(path) != 0 && errno != ENOENT)
    status = cutlab_fail(context, CUTLAB_ERROR_IO, "cannot remove %s: %m", path);
  free(path);
  return status;
}

cutlab_status cutlab_measured_write(cutlab_context *context, json_t **measured, const char *folder,
                                    const cutlab_book *book) {
  const cutlab_grid *grid = book->grid;
  measuring m = {.context = context, .book = book, .list = json_array()};
  char *csv = NULL;
  size_t size = 0;
  cutlab_status status = CUTLAB_OK;
  if (grid->map_x >= 0 && grid->map_y >= 0 &&
      grid->axes[grid->map_x].dimension != grid->axes[grid->map_y].dimension)
    status = measure_map(&m, &csv, &size);
  if (status == CUTLAB_OK) status = write_csv(context, folder, m.list, csv, size);
  free(csv);
  *measured = m.list;
  return status;
}
