/* Reads run folders (docs/file-formats.md) into a cutlab_report. */
#include <dirent.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "report/report_internal.h"

enum { max_depth = 32 };

/* Outputs and accuracies per feature become means per rarity. */
typedef struct feature_map {
  int count;
  int rarity[2 * cutlab_max_features];
} feature_map;

static int find_name(const char *name, const char *(*name_of)(int), int count) {
  for (int i = 0; i < count; ++i)
    if (name && strcmp(name, name_of(i)) == 0) return i;
  return -1;
}

static const char *method_name(int i) {
  return cutlab_method_name((cutlab_method)i);
}

static const char *rarity_name(int i) {
  return cutlab_rarity_name((cutlab_rarity)i);
}

/* Mean over the values of each rarity; NaN where a rarity has none or one is not defined. */
static void by_rarity(double *means, const json_t *values, const feature_map *map) {
  int counts[cutlab_report_rarities] = {0};
  for (int i = 0; i < cutlab_report_rarities; ++i) means[i] = 0;
  for (int i = 0; i < map->count; ++i) {
    const json_t *value = json_array_get(values, (size_t)i);
    means[map->rarity[i]] += json_is_number(value) ? json_number_value(value) : NAN;
    ++counts[map->rarity[i]];
  }
  for (int i = 0; i < cutlab_report_rarities; ++i)
    means[i] = counts[i] ? means[i] / counts[i] : NAN;
}

static double number(const json_t *object, const char *key) {
  return cutlab_json_get_number(object, key, NAN);
}

static void read_point(cutlab_report_point *point, const json_t *line, const feature_map *map,
                       double optimum_loss) {
  static const char *const kinds[] = {"feature", "dominant", "background"};
  point->iteration = number(line, "iteration");
  point->loss = number(line, "loss");
  point->excess_loss = point->loss - optimum_loss;
  point->gradient_norm = number(line, "gradient_norm");
  point->train_accuracy = number(line, "train_accuracy");
  point->evenness = number(line, "evenness");
  const json_t *by_kind = json_object_get(line, "evenness_by_kind");
  for (int i = 0; i < cutlab_report_kinds; ++i)
    point->evenness_by_kind[i] = number(by_kind, kinds[i]);
  by_rarity(point->output, json_object_get(line, "features"), map);
  const json_t *population = json_object_get(line, "population_accuracy");
  point->population_accuracy = number(population, "overall");
  by_rarity(point->accuracy, json_object_get(population, "features"), map);
}

/* What a line must have for read_point to make sense of it, or NULL. */
static const char *line_fault(const json_t *line, const feature_map *map, double previous) {
  const json_t *population = json_object_get(line, "population_accuracy");
  const json_t *accuracies = json_object_get(population, "features");
  const json_t *iteration = json_object_get(line, "iteration");
  if (!json_is_object(line)) return "not a JSON object";
  if (!json_is_integer(iteration)) return "\"iteration\" is not an integer";
  if (!(json_number_value(iteration) > previous)) return "\"iteration\" does not ascend";
  if (!json_object_get(line, "loss")) return "\"loss\" is missing";
  if (json_array_size(json_object_get(line, "features")) != (size_t)map->count)
    return "\"features\" is not as long as that of run.json";
  if (accuracies && json_array_size(accuracies) != (size_t)map->count)
    return "\"population_accuracy\" is not as long as \"features\" of run.json";
  return NULL;
}

static int64_t count_lines(const char *text) {
  int64_t count = 1;
  for (; *text; ++text) count += *text == '\n';
  return count;
}

/* One line. `complete`: it ends with a newline; one that does not and cannot be parsed is what
   a training under way, or a killed one, has written so far. */
static cutlab_status read_line(cutlab_context *context, cutlab_report_run *run, const char *path,
                               const char *text, size_t length, int64_t line_number, bool complete,
                               const feature_map *map) {
  json_error_t error;
  json_t *line = json_loadb(text, length, 0, &error);
  if (!line && !complete) {
    run->finished = false;
    return CUTLAB_OK;
  }
  if (!line)
    return cutlab_fail(context, CUTLAB_ERROR_FORMAT, "%s:%lld: not valid JSON: %s", path,
                       (long long)line_number, error.text);
  double previous = run->point_count ? run->points[run->point_count - 1].iteration : -1;
  const char *fault = line_fault(line, map, previous);
  cutlab_status status = CUTLAB_OK;
  if (fault)
    status = cutlab_fail(context, CUTLAB_ERROR_FORMAT, "%s:%lld: %s", path, (long long)line_number,
                         fault);
  else
    read_point(&run->points[run->point_count++], line, map,
               number(json_object_get(run->config, "optimum"), "loss"));
  json_decref(line);
  return status;
}

static cutlab_status read_lines(cutlab_context *context, cutlab_report_run *run, const char *path,
                                const char *text, const feature_map *map) {
  run->points = cutlab_allocate(context, count_lines(text), sizeof *run->points);
  if (!run->points) return CUTLAB_ERROR_MEMORY;
  for (int64_t line_number = 1; *text; ++line_number) {
    size_t length = strcspn(text, "\n");
    bool complete = text[length] == '\n';
    CUTLAB_TRY(read_line(context, run, path, text, length, line_number, complete, map));
    text += length + complete;
  }
  return CUTLAB_OK;
}

/* A run that has only just begun has no metrics yet. */
static cutlab_status read_metrics(cutlab_context *context, cutlab_report_run *run, const char *path,
                                  const feature_map *map) {
  if (!cutlab_file_exists(path)) {
    run->finished = false;
    return CUTLAB_OK;
  }
  char *text;
  size_t size;
  CUTLAB_TRY(cutlab_file_read(context, &text, &size, path, 0));
  cutlab_status status = strlen(text) == size ? read_lines(context, run, path, text, map)
                                              : cutlab_fail(context, CUTLAB_ERROR_FORMAT,
                                                            "%s:%lld: a NUL byte; not a text file",
                                                            path, (long long)count_lines(text));
  free(text);
  return status;
}

static cutlab_status read_object(cutlab_context *context, json_t **value, const char *path) {
  char *text;
  size_t size;
  CUTLAB_TRY(cutlab_file_read(context, &text, &size, path, 0));
  cutlab_status status = cutlab_json_parse(context, value, text, path);
  free(text);
  if (status == CUTLAB_OK && !json_is_object(*value))
    status = cutlab_fail(context, CUTLAB_ERROR_FORMAT, "%s: not a JSON object", path);
  return status;
}

static cutlab_status read_features(cutlab_context *context, feature_map *map,
                                   const json_t *features, const char *path) {
  size_t count = json_array_size(features);
  if (count > sizeof map->rarity / sizeof *map->rarity)
    return cutlab_fail(context, CUTLAB_ERROR_FORMAT,
                       "%s: \"features\" has %zu entries; accepted: at most %d", path, count,
                       2 * cutlab_max_features);
  for (size_t i = 0; i < count; ++i) {
    const json_t *feature = json_array_get(features, i);
    const char *name = json_string_value(json_object_get(feature, "rarity"));
    map->rarity[i] = find_name(name, rarity_name, cutlab_report_rarities);
    if (map->rarity[i] < 0)
      return cutlab_fail(context, CUTLAB_ERROR_FORMAT,
                         "%s: \"rarity\" of feature %zu is %s; accepted: common, rare, "
                         "extremely rare",
                         path, i, name ? name : "missing");
  }
  map->count = (int)count;
  return CUTLAB_OK;
}

static cutlab_status check_format(cutlab_context *context, const json_t *config, const char *path) {
  const char *format = json_string_value(json_object_get(config, "format"));
  json_int_t version = json_integer_value(json_object_get(config, "format_version"));
  if (!format || strcmp(format, "cutlab-run") != 0)
    return cutlab_fail(context, CUTLAB_ERROR_FORMAT, "%s: \"format\" is %s; accepted: cutlab-run",
                       path, format ? format : "missing");
  if (version != 1)
    return cutlab_fail(context, CUTLAB_ERROR_FORMAT, "%s: \"format_version\" is %lld; accepted: 1",
                       path, (long long)version);
  return CUTLAB_OK;
}

static cutlab_status read_config(cutlab_context *context, cutlab_report_run *run, feature_map *map,
                                 const char *path) {
  CUTLAB_TRY(read_object(context, &run->config, path));
  CUTLAB_TRY(check_format(context, run->config, path));
  const json_t *parameters = json_object_get(run->config, "parameters");
  const json_t *seed = json_object_get(parameters, "seed");
  const char *name = json_string_value(json_object_get(parameters, "method"));
  int method = find_name(name, method_name, cutlab_report_methods);
  if (method < 0)
    return cutlab_fail(context, CUTLAB_ERROR_FORMAT,
                       "%s: parameter \"method\" is %s; accepted: erm, cutout, cutmix", path,
                       name ? name : "missing");
  if (!json_is_integer(seed))
    return cutlab_fail(context, CUTLAB_ERROR_FORMAT, "%s: parameter \"seed\" is not an integer",
                       path);
  run->method = (cutlab_method)method;
  run->seed = json_integer_value(seed);
  const json_t *optimum = json_object_get(run->config, "optimum");
  run->optimum = (number(optimum, "positive") + number(optimum, "negative")) / 2;
  run->theory_accuracy = number(run->config, "theory_accuracy");
  return read_features(context, map, json_object_get(run->config, "features"), path);
}

static cutlab_status read_result(cutlab_context *context, cutlab_report_run *run,
                                 const char *path) {
  run->seconds = NAN;
  run->finished = cutlab_file_exists(path);
  if (!run->finished) return CUTLAB_OK;
  CUTLAB_TRY(read_object(context, &run->result, path));
  run->seconds = number(run->result, "seconds");
  return CUTLAB_OK;
}

/* The name of the folder that holds `path`, which is absolute; "" at the root. */
static char *parent_name(const char *path) {
  const char *end = strrchr(path, '/');
  const char *start = end;
  while (start > path && start[-1] != '/') --start;
  return strndup(start, (size_t)(end - start));
}

static cutlab_status read_run_files(cutlab_context *context, cutlab_report_run *run,
                                    feature_map *map) {
  char *config = cutlab_path_join(context, run->folder, "run.json");
  char *metrics = cutlab_path_join(context, run->folder, "metrics.jsonl");
  char *result = cutlab_path_join(context, run->folder, "result.json");
  cutlab_status status = config && metrics && result ? CUTLAB_OK : CUTLAB_ERROR_MEMORY;
  if (status == CUTLAB_OK) status = read_config(context, run, map, config);
  if (status == CUTLAB_OK) status = read_result(context, run, result);
  if (status == CUTLAB_OK) status = read_metrics(context, run, metrics, map);
  free(config);
  free(metrics);
  free(result);
  return status;
}

/* Appends a run and reads it; the report owns it also when reading fails. */
static cutlab_status add_run(cutlab_context *context, cutlab_report *report, const char *folder) {
  size_t bytes = (size_t)(report->run_count + 1) * sizeof *report->runs;
  cutlab_report_run *runs = realloc(report->runs, bytes);
  if (!runs) return cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory: list of runs");
  report->runs = runs;
  cutlab_report_run *run = &runs[report->run_count++];
  memset(run, 0, sizeof *run);
  run->folder = strdup(folder);
  run->real = realpath(folder, NULL);
  run->parent = run->real ? parent_name(run->real) : NULL;
  feature_map *map = cutlab_allocate(context, 1, sizeof *map);
  cutlab_status status = CUTLAB_ERROR_MEMORY;
  if (map && run->folder && run->parent) status = read_run_files(context, run, map);
  free(map);
  return status;
}

static void clear_run(cutlab_report_run *run) {
  free(run->folder);
  free(run->real);
  free(run->parent);
  free(run->points);
  json_decref(run->config);
  json_decref(run->result);
}

/* A folder that was named twice is one run. */
static void drop_repeated(cutlab_report *report) {
  int kept = 0;
  for (int i = 0; i < report->run_count; ++i) {
    bool repeated = false;
    for (int j = 0; j < kept && !repeated; ++j)
      repeated = strcmp(report->runs[i].real, report->runs[j].real) == 0;
    if (repeated)
      clear_run(&report->runs[i]);
    else
      report->runs[kept++] = report->runs[i];
  }
  report->run_count = kept;
}

static bool has_file(const char *folder, const char *name) {
  char path[4096];
  int length = snprintf(path, sizeof path, "%s/%s", folder, name);
  return length < (int)sizeof path && cutlab_file_exists(path);
}

static bool is_folder(const char *path) {
  struct stat status;
  return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

static int visible(const struct dirent *entry) {
  return entry->d_name[0] != '.';
}

static cutlab_status add_folder(cutlab_context *context, cutlab_report *report, const char *folder,
                                int depth);

static cutlab_status add_children(cutlab_context *context, cutlab_report *report,
                                  const char *folder, int depth) {
  struct dirent **entries;
  int count = scandir(folder, &entries, visible, versionsort);
  if (count < 0) return cutlab_fail(context, CUTLAB_ERROR_IO, "cannot list %s: %m", folder);
  cutlab_status status = CUTLAB_OK;
  for (int i = 0; i < count; ++i) {
    char *path = status == CUTLAB_OK ? cutlab_path_join(context, folder, entries[i]->d_name) : NULL;
    if (status == CUTLAB_OK && !path) status = CUTLAB_ERROR_MEMORY;
    if (path && is_folder(path)) status = add_folder(context, report, path, depth + 1);
    free(path);
    free(entries[i]);
  }
  free(entries);
  return status;
}

/* The folder itself if it is a run, else the runs below it. */
static cutlab_status add_folder(cutlab_context *context, cutlab_report *report, const char *folder,
                                int depth) {
  if (has_file(folder, "run.json")) return add_run(context, report, folder);
  if (has_file(folder, "metrics.jsonl") || has_file(folder, "result.json"))
    return cutlab_fail(context, CUTLAB_ERROR_FORMAT,
                       "%s: looks like a run, but run.json is missing", folder);
  if (depth >= max_depth)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT, "%s: more than %d folders deep", folder,
                       max_depth);
  return add_children(context, report, folder, depth);
}

cutlab_status cutlab_report_load(cutlab_context *context, cutlab_report *report,
                                 const char *const *paths, int count) {
  for (int i = 0; i < count; ++i) {
    int before = report->run_count;
    if (!is_folder(paths[i]))
      return cutlab_fail(
          context, cutlab_file_exists(paths[i]) ? CUTLAB_ERROR_FORMAT : CUTLAB_ERROR_IO,
          "%s: no such folder; accepted: a run folder or a folder of runs", paths[i]);
    CUTLAB_TRY(add_folder(context, report, paths[i], 0));
    if (report->run_count == before)
      return cutlab_fail(context, CUTLAB_ERROR_FORMAT,
                         "%s: no run in it; a run is a folder with run.json", paths[i]);
  }
  if (report->run_count == 0)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                       "no run folder given; accepted: one or more");
  drop_repeated(report);
  return CUTLAB_OK;
}

void cutlab_report_clear(cutlab_report *report) {
  for (int i = 0; i < report->run_count; ++i) clear_run(&report->runs[i]);
  for (int i = 0; i < report->group_count; ++i) {
    free(report->groups[i].name);
    free(report->groups[i].slug);
    json_decref(report->groups[i].key);
  }
  free(report->runs);
  free(report->groups);
  memset(report, 0, sizeof *report);
}
