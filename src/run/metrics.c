/* metrics.jsonl: the log schedule, reading, and the trajectory as arrays. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cutlab/array.h>

#include "base/file.h"
#include "run/run_internal.h"

/* Log-spaced: 0 and N^(k / (L - 2)), k = 0..L-2, rounded; linear: k N / (L - 1). */
static int64_t schedule(const cutlab_experiment *x, int64_t k) {
  double n = (double)x->iterations, points = (double)x->log_points;
  if (x->log_spacing == CUTLAB_LINEAR) return llround((double)k * n / (points - 1));
  if (k == 0 || n == 0) return 0;
  return points < 3 ? x->iterations : llround(pow(n, (double)(k - 1) / (points - 2)));
}

int64_t cutlab_next_logged(const cutlab_experiment *x, int64_t iteration) {
  if (iteration >= x->iterations) return INT64_MAX;
  if (x->log_points == 0) return iteration + 1;
  int64_t low = 0, high = x->log_points - 1; /* schedule(high) = iterations > iteration */
  if (schedule(x, 0) > iteration) return schedule(x, 0);
  while (high - low > 1) {
    int64_t middle = low + (high - low) / 2;
    if (schedule(x, middle) > iteration)
      high = middle;
    else
      low = middle;
  }
  return schedule(x, high);
}

static const double most_iterations = 1e12; /* as in the parameter table */

static cutlab_status parse_line(cutlab_context *context, json_t *lines, const char *text,
                                const char *path) {
  char where[600];
  snprintf(where, sizeof where, "%.500s, line %zu", path, json_array_size(lines) + 1);
  json_t *line;
  CUTLAB_TRY(cutlab_json_parse(context, &line, text, where));
  const json_t *last = json_array_get(lines, json_array_size(lines) - 1);
  double iteration = cutlab_json_get_number(line, "iteration", -1);
  if (!(iteration >= 0 && iteration <= most_iterations) ||
      (last && iteration <= cutlab_json_get_number(last, "iteration", -1))) {
    json_decref(line);
    return cutlab_fail(context, CUTLAB_ERROR_FORMAT,
                       "%s: 'iteration' is missing or not above the last", where);
  }
  json_array_append_new(lines, line);
  return CUTLAB_OK;
}

cutlab_status cutlab_metrics_read(cutlab_context *context, json_t **lines, const char *path) {
  char *text;
  size_t size;
  CUTLAB_TRY(cutlab_file_read(context, &text, &size, path, 0));
  *lines = json_array();
  cutlab_status status = CUTLAB_OK;
  char *end;
  for (char *line = text; status == CUTLAB_OK && (end = strchr(line, '\n')); line = end + 1) {
    *end = 0;
    status = parse_line(context, *lines, line, path);
  }
  free(text);
  if (status != CUTLAB_OK) {
    json_decref(*lines);
    *lines = NULL;
  }
  return status;
}

typedef struct column {
  const char *name, *key, *inner; /* array name; key of a line, and of an object in it */
} column;

static void fill(double *to, const json_t *value, int64_t width) {
  for (int64_t c = 0; c < width; ++c) {
    const json_t *number = json_is_array(value) ? json_array_get(value, (size_t)c) : value;
    to[c] = json_is_number(number) ? json_number_value(number) : NAN;
  }
}

/* One column of every line as an array [T] or, for per-feature lists, [T][2][K]. */
static cutlab_status gather(cutlab_context *context, cutlab_array *array, const json_t *lines,
                            const column *c, int64_t features) {
  int64_t count = (int64_t)json_array_size(lines), width = features ? 2 * features : 1;
  *array = (cutlab_array){
      .dtype = CUTLAB_FLOAT64, .rank = features ? 3 : 1, .shape = {count, 2, features}};
  snprintf(array->name, sizeof array->name, "%s", c->name);
  double *data = cutlab_allocate(context, count * width, sizeof *data);
  array->data = data;
  if (!data) return CUTLAB_ERROR_MEMORY;
  for (int64_t t = 0; t < count; ++t) {
    const json_t *value = json_object_get(json_array_get(lines, (size_t)t), c->key);
    if (c->inner) value = json_object_get(value, c->inner);
    fill(data + t * width, value, width);
  }
  return CUTLAB_OK;
}

static const column columns[] = {
    {"iteration", "iteration", NULL},
    {"loss", "loss", NULL},
    {"gradient_norm", "gradient_norm", NULL},
    {"train_accuracy", "train_accuracy", NULL},
    {"evenness", "evenness", NULL},
    {"population_accuracy", "population_accuracy", "overall"},
    {"feature_outputs", "features", NULL}, /* per feature from here on */
    {"feature_coefficients_plus", "feature_coefficients", "plus"},
    {"feature_coefficients_minus", "feature_coefficients", "minus"},
    {"population_accuracy_by_feature", "population_accuracy", "features"},
};
enum { column_count = sizeof columns / sizeof *columns, scalar_columns = 6 };

cutlab_status cutlab_record_trajectory(cutlab_context *context, const char *folder) {
  cutlab_array arrays[column_count];
  memset(arrays, 0, sizeof arrays);
  json_t *lines = NULL;
  char *metrics = cutlab_path_join(context, folder, "metrics.jsonl");
  char *path = cutlab_path_join(context, folder, "trajectory.npz");
  cutlab_status status =
      metrics && path ? cutlab_metrics_read(context, &lines, metrics) : CUTLAB_ERROR_MEMORY;
  int64_t features = 0;
  if (status == CUTLAB_OK)
    features = (int64_t)json_array_size(json_object_get(json_array_get(lines, 0), "features")) / 2;
  int count = features ? column_count : scalar_columns;
  for (int c = 0; status == CUTLAB_OK && c < count; ++c)
    status = gather(context, &arrays[c], lines, &columns[c], c < scalar_columns ? 0 : features);
  if (status == CUTLAB_OK) status = cutlab_npz_write(context, path, arrays, count);
  for (int c = 0; c < column_count; ++c) cutlab_array_clear(&arrays[c]);
  json_decref(lines);
  free(metrics);
  free(path);
  return status;
}
