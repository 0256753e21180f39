/* Reads a sweep's folder: sweep.json and results.npz. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "report/sweep_report.h"
#include "train/settings.h"

enum { most_cells = 4000000 };

static cutlab_status bad(cutlab_context *context, const cutlab_sweep_view *view, const char *what) {
  return cutlab_fail(context, CUTLAB_ERROR_FORMAT,
                     "%s/sweep.json: %s; it is not of a sweep of this version", view->path, what);
}

/* sweep.json */

static cutlab_status read_json(cutlab_context *context, cutlab_sweep_view *view) {
  char *text = NULL, *path = cutlab_path_join(context, view->path, "sweep.json");
  size_t size;
  if (!path) return CUTLAB_ERROR_MEMORY;
  cutlab_status status = cutlab_file_read(context, &text, &size, path, 0);
  if (status == CUTLAB_OK) status = cutlab_json_parse(context, &view->json, text, path);
  free(text);
  free(path);
  CUTLAB_TRY(status);
  const char *format = json_string_value(json_object_get(view->json, "format"));
  if (!format || strcmp(format, "cutlab-sweep") != 0)
    return bad(context, view, "\"format\" is not \"cutlab-sweep\"");
  if (json_integer_value(json_object_get(view->json, "format_version")) != 1)
    return bad(context, view, "\"format_version\" is not 1");
  return CUTLAB_OK;
}

static int ascending(const void *first, const void *second) {
  double a = **(const double *const *)first, b = **(const double *const *)second;
  return (a > b) - (a < b);
}

static double halfway(double a, double b, bool logarithmic) {
  return logarithmic ? sqrt(a * b) : (a + b) / 2;
}

/* A value's mirror image at an edge. */
static double beyond(double value, double edge, bool logarithmic) {
  return logarithmic ? edge * edge / value : 2 * edge - value;
}

/* Cells meet halfway between neighbouring values; those at the ends are symmetric. */
static cutlab_status place_cells(cutlab_context *context, cutlab_sweep_axis *axis) {
  int64_t n = axis->count;
  const double **order = cutlab_allocate(context, n, sizeof *order);
  if (!order) return CUTLAB_ERROR_MEMORY;
  for (int64_t i = 0; i < n; ++i) order[i] = &axis->numbers[i];
  qsort(order, (size_t)n, sizeof *order, ascending);
  for (int64_t k = 0; k < n; ++k) {
    int64_t i = order[k] - axis->numbers;
    double value = *order[k];
    axis->low[i] = k ? halfway(*order[k - 1], value, axis->logarithmic) : NAN;
    axis->high[i] = k < n - 1 ? halfway(value, *order[k + 1], axis->logarithmic) : NAN;
  }
  int64_t first = order[0] - axis->numbers, last = order[n - 1] - axis->numbers;
  if (n == 1) {
    double half = axis->numbers[0] != 0 ? fabs(axis->numbers[0]) / 2 : .5;
    axis->low[0] = axis->numbers[0] - half;
    axis->high[0] = axis->numbers[0] + half;
  } else {
    axis->low[first] = beyond(axis->high[first], axis->numbers[first], axis->logarithmic);
    axis->high[last] = beyond(axis->low[last], axis->numbers[last], axis->logarithmic);
  }
  free(order);
  return CUTLAB_OK;
}

static cutlab_status read_numbers(cutlab_context *context, cutlab_sweep_axis *axis,
                                  const char *spacing) {
  axis->numbers = cutlab_allocate(context, axis->count, sizeof *axis->numbers);
  axis->low = cutlab_allocate(context, axis->count, sizeof *axis->low);
  axis->high = cutlab_allocate(context, axis->count, sizeof *axis->high);
  if (!axis->numbers || !axis->low || !axis->high) return CUTLAB_ERROR_MEMORY;
  for (int64_t i = 0; i < axis->count; ++i)
    axis->numbers[i] = json_number_value(json_array_get(axis->values, (size_t)i));
  axis->logarithmic = cutlab_axis_is_logarithmic(spacing, axis->numbers, axis->count);
  return place_cells(context, axis);
}

static bool all_numbers(const json_t *values) {
  size_t i;
  json_t *value;
  json_array_foreach(values, i, value) if (!json_is_number(value)) return false;
  return true;
}

static cutlab_status read_axis(cutlab_context *context, cutlab_sweep_view *view,
                               cutlab_sweep_axis *axis, const json_t *json) {
  const char *spacing = json_string_value(json_object_get(json, "spacing"));
  axis->name = json_string_value(json_object_get(json, "name"));
  axis->values = json_object_get(json, "values");
  axis->count = (int64_t)json_array_size(axis->values);
  axis->dimension = (int)json_integer_value(json_object_get(json, "dimension"));
  if (!axis->name || !spacing || axis->dimension < 0 || axis->dimension >= view->dimension_count ||
      axis->count != view->dimensions[axis->dimension])
    return bad(context, view, "an axis of \"axes\" does not fit \"dimensions\"");
  return all_numbers(axis->values) ? read_numbers(context, axis, spacing) : CUTLAB_OK;
}

static cutlab_status read_axes(cutlab_context *context, cutlab_sweep_view *view) {
  const json_t *dimensions = json_object_get(view->json, "dimensions"),
               *axes = json_object_get(view->json, "axes");
  size_t rank = json_array_size(dimensions), count = json_array_size(axes);
  if (rank < 1 || rank > cutlab_sweep_dimensions || count < rank)
    return bad(context, view, "\"dimensions\" or \"axes\" has another size than is possible");
  view->dimension_count = (int)rank;
  view->cells = 1;
  for (size_t d = 0; d < rank; ++d) {
    int64_t size = json_integer_value(json_array_get(dimensions, d));
    if (size < 1 || size > most_cells / view->cells)
      return bad(context, view, "\"dimensions\" is not of 1 to 4,000,000 cells");
    view->dimensions[d] = size;
    view->cells *= size;
  }
  view->axes = cutlab_allocate(context, (int64_t)count, sizeof *view->axes);
  if (!view->axes) return CUTLAB_ERROR_MEMORY;
  view->axis_count = (int)count;
  for (size_t a = 0; a < count; ++a)
    CUTLAB_TRY(read_axis(context, view, &view->axes[a], json_array_get(axes, a)));
  return CUTLAB_OK;
}

/* *axis: -1 for null. */
static cutlab_status read_role(cutlab_context *context, const cutlab_sweep_view *view, int *axis,
                               const char *role, bool numeric) {
  const json_t *name = json_object_get(json_object_get(view->json, "map"), role);
  *axis = -1;
  if (!name || json_is_null(name)) return CUTLAB_OK;
  for (int a = 0; a < view->axis_count; ++a)
    if (json_is_string(name) && strcmp(view->axes[a].name, json_string_value(name)) == 0) *axis = a;
  if (*axis < 0) return bad(context, view, "\"map\" names an axis that is not there");
  if (numeric && !view->axes[*axis].numbers)
    return bad(context, view, "\"map\" has an axis of texts as x or y");
  return CUTLAB_OK;
}

static cutlab_status read_map(cutlab_context *context, cutlab_sweep_view *view) {
  CUTLAB_TRY(read_role(context, view, &view->x, "x", true));
  CUTLAB_TRY(read_role(context, view, &view->y, "y", true));
  CUTLAB_TRY(read_role(context, view, &view->panels, "panels", false));
  if (view->x < 0) {
    view->x = view->y;
    view->y = -1;
  }
  view->scattered = view->y >= 0 && view->axes[view->x].dimension == view->axes[view->y].dimension;
  if (view->panels >= 0) {
    int dimension = view->axes[view->panels].dimension;
    if ((view->x >= 0 && dimension == view->axes[view->x].dimension) ||
        (view->y >= 0 && dimension == view->axes[view->y].dimension))
      view->panels = -1;
  }
  view->panel_count = view->panels >= 0 ? view->axes[view->panels].count : 1;
  view->slice_count = view->cells / view->panel_count;
  if (view->x >= 0) view->slice_count /= view->axes[view->x].count * cutlab_sweep_rows(view);
  view->learnt_at = cutlab_json_get_number(view->json, "learnt_at", NAN);
  return CUTLAB_OK;
}

/* results.npz */

/* "accuracy on feature 2"; release with free. */
static char *title_of(int *feature, const char *name) {
  static const struct {
    const char *start, *before, *after;
  } counted[] = {{"accuracy_", "accuracy on feature ", ""},
                 {"time_", "iterations until feature ", " is learnt"},
                 {"feature_", "output for feature ", ""}};
  char *title = NULL;
  *feature = 0;
  for (size_t i = 0; i < sizeof counted / sizeof *counted; ++i) {
    size_t length = strlen(counted[i].start);
    if (strncmp(name, counted[i].start, length) != 0) continue;
    *feature = (int)strtol(name + length, NULL, 10);
    int written = asprintf(&title, "%s%d%s", counted[i].before, *feature, counted[i].after);
    return written < 0 ? NULL : title;
  }
  title = strdup(strcmp(name, "train_loss") == 0   ? "training loss"
                 : strcmp(name, "test_error") == 0 ? "error on fresh points"
                                                   : name);
  for (char *c = title; c && *c; ++c)
    if (*c == '_') *c = ' ';
  return title;
}

/* Mean and standard deviation over the runs of each cell that have a value. */
static void summarise(cutlab_sweep_measure *measure, const cutlab_array *array, int64_t cells,
                      int64_t seeds) {
  for (int64_t cell = 0; cell < cells; ++cell) {
    double count = 0, mean = 0, squares = 0;
    for (int64_t s = 0; s < seeds; ++s) {
      double value = cutlab_array_number(array, cell * seeds + s);
      if (!isfinite(value)) continue;
      double step = value - mean;
      count += 1;
      mean += step / count;
      squares += step * (value - mean);
    }
    measure->defined[cell] = count;
    measure->mean[cell] = count > 0 ? mean : NAN;
    measure->sd[cell] = count > 1 ? sqrt(squares / (count - 1)) : NAN;
  }
}

/* The member of that name, in the shape of the grid and the seeds. */
static cutlab_status find(cutlab_context *context, const cutlab_array **array,
                          const cutlab_sweep_view *view, cutlab_array *arrays, int count,
                          const char *name) {
  *array = cutlab_npz_find(arrays, count, name);
  bool fits = *array && (*array)->rank == view->dimension_count + 1 &&
              (*array)->shape[view->dimension_count] == view->seeds;
  for (int d = 0; fits && d < view->dimension_count; ++d)
    fits = (*array)->shape[d] == view->dimensions[d];
  if (fits) return CUTLAB_OK;
  return cutlab_fail(context, CUTLAB_ERROR_FORMAT,
                     "%s/results.npz: \"%s\" is %s; sweep.json has it on %" PRId64
                     " cells with %" PRId64 " seeds each",
                     view->path, name, *array ? "of another shape" : "not there", view->cells,
                     view->seeds);
}

static int place_among_shown(const cutlab_sweep_view *view, const char *name) {
  const json_t *values = json_object_get(json_object_get(view->json, "map"), "value");
  size_t i;
  json_t *value;
  json_array_foreach(values, i,
                     value) if (json_is_string(value) &&
                                strcmp(json_string_value(value), name) == 0) return (int)i +
      1;
  return 0;
}

static cutlab_status read_measure(cutlab_context *context, cutlab_sweep_view *view,
                                  cutlab_sweep_measure *measure, cutlab_array *arrays, int count) {
  const cutlab_array *array;
  CUTLAB_TRY(find(context, &array, view, arrays, count, measure->name));
  measure->title = title_of(&measure->feature, measure->name);
  measure->shown = place_among_shown(view, measure->name);
  measure->mean = cutlab_allocate(context, view->cells, sizeof *measure->mean);
  measure->sd = cutlab_allocate(context, view->cells, sizeof *measure->sd);
  measure->defined = cutlab_allocate(context, view->cells, sizeof *measure->defined);
  if (!measure->title || !measure->mean || !measure->sd || !measure->defined)
    return CUTLAB_ERROR_MEMORY;
  summarise(measure, array, view->cells, view->seeds);
  return CUTLAB_OK;
}

static cutlab_status read_arrays(cutlab_context *context, cutlab_sweep_view *view,
                                 cutlab_array *arrays, int count) {
  const json_t *names = json_object_get(view->json, "measures");
  const cutlab_array *failed;
  view->seeds = (int64_t)json_array_size(json_object_get(view->json, "seeds"));
  view->measures =
      cutlab_allocate(context, (int64_t)json_array_size(names), sizeof *view->measures);
  view->failed = cutlab_allocate(context, view->cells, sizeof *view->failed);
  if (!view->measures || !view->failed) return CUTLAB_ERROR_MEMORY;
  if (json_array_size(names) == 0 || view->seeds == 0)
    return bad(context, view, "\"measures\" or \"seeds\" is empty");
  CUTLAB_TRY(find(context, &failed, view, arrays, count, "failed"));
  for (int64_t run = 0; run < view->cells * view->seeds; ++run)
    view->failed[run / view->seeds] += cutlab_array_number(failed, run);
  for (size_t m = 0; m < json_array_size(names); ++m) {
    cutlab_sweep_measure *measure = &view->measures[view->measure_count++];
    measure->name = json_string_value(json_array_get(names, m));
    if (!measure->name) return bad(context, view, "a name in \"measures\" is not a text");
    CUTLAB_TRY(read_measure(context, view, measure, arrays, count));
  }
  return CUTLAB_OK;
}

static cutlab_status read_results(cutlab_context *context, cutlab_sweep_view *view) {
  cutlab_array *arrays = NULL;
  int count = 0;
  char *path = cutlab_path_join(context, view->path, "results.npz");
  cutlab_status status = path ? CUTLAB_OK : CUTLAB_ERROR_MEMORY;
  if (status == CUTLAB_OK) status = cutlab_npz_read(context, &arrays, &count, path, 0);
  free(path);
  if (status == CUTLAB_OK) status = read_arrays(context, view, arrays, count);
  cutlab_npz_free(arrays, count);
  return status;
}

cutlab_status cutlab_sweep_view_load(cutlab_context *context, cutlab_sweep_view *view,
                                     const char *folder) {
  *view = (cutlab_sweep_view){.path = folder, .x = -1, .y = -1, .panels = -1};
  CUTLAB_TRY(read_json(context, view));
  CUTLAB_TRY(read_axes(context, view));
  CUTLAB_TRY(read_map(context, view));
  return read_results(context, view);
}

void cutlab_sweep_view_clear(cutlab_sweep_view *view) {
  for (int a = 0; a < view->axis_count; ++a) {
    free(view->axes[a].numbers);
    free(view->axes[a].low);
    free(view->axes[a].high);
  }
  for (int m = 0; m < view->measure_count; ++m) {
    free(view->measures[m].title);
    free(view->measures[m].mean);
    free(view->measures[m].sd);
    free(view->measures[m].defined);
  }
  free(view->axes);
  free(view->measures);
  free(view->failed);
  for (int r = 0; r < view->reference_count; ++r) {
    free(view->references[r].path);
    free(view->references[r].values);
  }
  free(view->references);
  json_decref(view->json);
}

/* Cells */

const cutlab_sweep_measure *cutlab_sweep_measure_of(const cutlab_sweep_view *view, const char *name,
                                                    int feature) {
  char full[64];
  if (feature)
    snprintf(full, sizeof full, "%s%d", name, feature);
  else
    snprintf(full, sizeof full, "%s", name);
  for (int m = 0; m < view->measure_count; ++m)
    if (strcmp(view->measures[m].name, full) == 0) return &view->measures[m];
  return NULL;
}

int64_t cutlab_sweep_rows(const cutlab_sweep_view *view) {
  return view->y < 0 || view->scattered ? 1 : view->axes[view->y].count;
}

static bool is_of(const cutlab_sweep_view *view, int axis, int dimension) {
  return axis >= 0 && view->axes[axis].dimension == dimension;
}

int64_t cutlab_sweep_cell(const cutlab_sweep_view *view, int64_t slice, int64_t panel, int64_t i,
                          int64_t j) {
  int64_t cell = 0, stride = 1;
  for (int d = view->dimension_count - 1; d >= 0; --d) {
    int64_t size = view->dimensions[d], place;
    if (is_of(view, view->x, d)) {
      place = i;
    } else if (is_of(view, view->y, d)) {
      place = j;
    } else if (is_of(view, view->panels, d)) {
      place = panel;
    } else {
      place = slice % size;
      slice /= size;
    }
    cell += place * stride;
    stride *= size;
  }
  return cell;
}

void cutlab_sweep_value_text(char *text, size_t size, const cutlab_sweep_axis *axis,
                             int64_t value) {
  const char *word = json_string_value(json_array_get(axis->values, (size_t)value));
  if (word)
    snprintf(text, size, "%s", word);
  else
    snprintf(text, size, "%.6g", axis->numbers ? axis->numbers[value] : NAN);
}

void cutlab_sweep_panel_text(char *text, size_t size, const cutlab_sweep_view *view,
                             int64_t panel) {
  text[0] = '\0';
  if (view->panels < 0) return;
  const cutlab_sweep_axis *axis = &view->axes[view->panels];
  char value[64];
  cutlab_sweep_value_text(value, sizeof value, axis, panel);
  if (strcmp(axis->name, "method") != 0) {
    snprintf(text, size, "%s = %s", axis->name, value);
    return;
  }
  snprintf(text, size, "%s", value);
  for (int m = 0; m < cutlab_report_named_methods; ++m)
    if (strcasecmp(cutlab_training_method_label(m), value) == 0)
      snprintf(text, size, "%s", cutlab_training_method_label(m));
}

void cutlab_sweep_slice_text(char *text, size_t size, const cutlab_sweep_view *view,
                             int64_t slice) {
  int64_t cell = cutlab_sweep_cell(view, slice, 0, 0, 0), stride = 1,
          places[cutlab_sweep_dimensions];
  size_t used = 0;
  text[0] = '\0';
  for (int d = view->dimension_count - 1; d >= 0; --d, stride *= view->dimensions[d + 1])
    places[d] = cell / stride % view->dimensions[d];
  for (int a = 0; a < view->axis_count && used < size; ++a) {
    int dimension = view->axes[a].dimension;
    char value[64];
    if (is_of(view, view->x, dimension) || is_of(view, view->y, dimension) ||
        is_of(view, view->panels, dimension))
      continue;
    cutlab_sweep_value_text(value, sizeof value, &view->axes[a], places[dimension]);
    used += (size_t)snprintf(text + used, size - used, "%s%s = %s", used ? ", " : "",
                             view->axes[a].name, value);
  }
}
