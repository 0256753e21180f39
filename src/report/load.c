/* Reads run folders (docs/file-formats.md) into a cutlab_report. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/run_folders.h"
#include "report/report_internal.h"

enum { source_count = 2 };
static const cutlab_report_source *const sources[source_count] = {&cutlab_report_simulated,
                                                                  &cutlab_report_trained};

static void add_point(cutlab_report_run *run, const json_t *line) {
  enum { doubles = sizeof(cutlab_report_point) / sizeof(double) };
  cutlab_report_point *point = &run->points[run->point_count];
  for (int i = 0; i < doubles; ++i) ((double *)point)[i] = NAN;
  point->time = cutlab_json_get_number(line, run->source->time, NAN);
  run->source->read_point(point, run->point_count ? point - 1 : NULL, line, run);
  ++run->point_count;
}

static int64_t count_lines(const char *text) {
  int64_t count = 1;
  for (; *text; ++text) count += *text == '\n';
  return count;
}

static cutlab_status check_line(cutlab_context *context, const cutlab_report_run *run,
                                const char *path, const json_t *line, int64_t line_number) {
  const char *key = run->source->time;
  const json_t *time = json_object_get(line, key);
  double previous = run->point_count ? run->points[run->point_count - 1].time : -1;
  const char *fault = json_is_object(line) ? NULL : "not a JSON object";
  if (!fault && !json_is_integer(time))
    return cutlab_fail(context, CUTLAB_ERROR_FORMAT, "%s:%lld: \"%s\" is not an integer", path,
                       (long long)line_number, key);
  if (!fault && !(json_number_value(time) > previous))
    return cutlab_fail(context, CUTLAB_ERROR_FORMAT, "%s:%lld: \"%s\" does not ascend", path,
                       (long long)line_number, key);
  if (!fault) fault = run->source->fault(line, run);
  if (!fault) return CUTLAB_OK;
  return cutlab_fail(context, CUTLAB_ERROR_FORMAT, "%s:%lld: %s", path, (long long)line_number,
                     fault);
}

/* One line. `complete`: it ends with a newline; one that does not and cannot be parsed is what
   a training under way, or a killed one, has written so far. */
static cutlab_status read_line(cutlab_context *context, cutlab_report_run *run, const char *path,
                               const char *text, size_t length, int64_t line_number,
                               bool complete) {
  json_error_t error;
  json_t *line = json_loadb(text, length, 0, &error);
  if (!line && !complete) {
    run->finished = false;
    return CUTLAB_OK;
  }
  if (!line)
    return cutlab_fail(context, CUTLAB_ERROR_FORMAT, "%s:%lld: not valid JSON: %s", path,
                       (long long)line_number, error.text);
  cutlab_status status = check_line(context, run, path, line, line_number);
  if (status == CUTLAB_OK) add_point(run, line);
  json_decref(line);
  return status;
}

static cutlab_status read_lines(cutlab_context *context, cutlab_report_run *run, const char *path,
                                const char *text) {
  run->points = cutlab_allocate(context, count_lines(text), sizeof *run->points);
  if (!run->points) return CUTLAB_ERROR_MEMORY;
  for (int64_t line_number = 1; *text; ++line_number) {
    size_t length = strcspn(text, "\n");
    bool complete = text[length] == '\n';
    CUTLAB_TRY(read_line(context, run, path, text, length, line_number, complete));
    text += length + complete;
  }
  return CUTLAB_OK;
}

/* A run that has only just begun has no metrics yet. */
static cutlab_status read_metrics(cutlab_context *context, cutlab_report_run *run,
                                  const char *path) {
  if (!cutlab_file_exists(path)) {
    run->finished = false;
    return CUTLAB_OK;
  }
  char *text;
  size_t size;
  CUTLAB_TRY(cutlab_file_read(context, &text, &size, path, 0));
  cutlab_status status = strlen(text) == size ? read_lines(context, run, path, text)
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

static cutlab_status find_source(cutlab_context *context, cutlab_report_run *run,
                                 const char *path) {
  const char *format = json_string_value(json_object_get(run->config, "format"));
  json_int_t version = json_integer_value(json_object_get(run->config, "format_version"));
  for (int i = 0; i < source_count && format; ++i)
    if (strcmp(format, sources[i]->format) == 0) run->source = sources[i];
  if (!run->source)
    return cutlab_fail(context, CUTLAB_ERROR_FORMAT,
                       "%s: \"format\" is %s; accepted: cutlab-run, cutlab-training", path,
                       format ? format : "missing");
  if (version != 1)
    return cutlab_fail(context, CUTLAB_ERROR_FORMAT, "%s: \"format_version\" is %lld; accepted: 1",
                       path, (long long)version);
  return CUTLAB_OK;
}

static cutlab_status read_config(cutlab_context *context, cutlab_report_run *run,
                                 const char *path) {
  CUTLAB_TRY(read_object(context, &run->config, path));
  CUTLAB_TRY(find_source(context, run, path));
  if (!json_is_object(json_object_get(run->config, run->source->settings)))
    return cutlab_fail(context, CUTLAB_ERROR_FORMAT, "%s: no \"%s\"", path, run->source->settings);
  return run->source->read_config(context, run, path);
}

static cutlab_status read_result(cutlab_context *context, cutlab_report_run *run,
                                 const char *path) {
  run->seconds = NAN;
  run->finished = cutlab_file_exists(path);
  if (!run->finished) return CUTLAB_OK;
  CUTLAB_TRY(read_object(context, &run->result, path));
  run->seconds = cutlab_json_get_number(run->result, "seconds", NAN);
  return CUTLAB_OK;
}

/* The name of the folder that holds `path`, which is absolute; "" at the root. */
static char *parent_name(const char *path) {
  const char *end = strrchr(path, '/');
  const char *start = end;
  while (start > path && start[-1] != '/') --start;
  return strndup(start, (size_t)(end - start));
}

static cutlab_status read_run_files(cutlab_context *context, cutlab_report_run *run) {
  char *config = cutlab_path_join(context, run->folder, "run.json");
  char *metrics = cutlab_path_join(context, run->folder, "metrics.jsonl");
  char *result = cutlab_path_join(context, run->folder, "result.json");
  cutlab_status status = config && metrics && result ? CUTLAB_OK : CUTLAB_ERROR_MEMORY;
  if (status == CUTLAB_OK) status = read_config(context, run, config);
  if (status == CUTLAB_OK) status = read_result(context, run, result);
  if (status == CUTLAB_OK) status = read_metrics(context, run, metrics);
  free(config);
  free(metrics);
  free(result);
  return status;
}

/* Appends a run and reads it; it is there also when reading fails. */
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
  if (!run->folder || !run->parent)
    return cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory: %s", folder);
  return read_run_files(context, run);
}

void cutlab_report_clear_run(cutlab_report_run *run) {
  free(run->folder);
  free(run->real);
  free(run->parent);
  free(run->feature_rarity);
  free(run->points);
  json_decref(run->variant);
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
      cutlab_report_clear_run(&report->runs[i]);
    else
      report->runs[kept++] = report->runs[i];
  }
  report->run_count = kept;
}

static cutlab_status visit(cutlab_context *context, void *user, const char *folder) {
  cutlab_report *report = user;
  int count = report->run_count;
  cutlab_status status = add_run(context, report, folder);
  if (status == CUTLAB_OK || report->run_count == count) return status;
  cutlab_report_clear_run(&report->runs[report->run_count = count]);
  return status;
}

cutlab_status cutlab_report_load(cutlab_context *context, cutlab_report *report,
                                 const char *const *paths, int count) {
  for (int i = 0; i < count; ++i)
    CUTLAB_TRY(cutlab_run_folders_visit(context, paths[i], visit, report, true));
  if (report->run_count == 0)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                       "no run folder given; accepted: one or more");
  drop_repeated(report);
  return CUTLAB_OK;
}

void cutlab_report_clear(cutlab_report *report) {
  for (int i = 0; i < report->run_count; ++i) cutlab_report_clear_run(&report->runs[i]);
  for (int i = 0; i < report->group_count; ++i) {
    free(report->groups[i].name);
    free(report->groups[i].slug);
    free(report->groups[i].differs);
    json_decref(report->groups[i].key);
  }
  for (int i = 0; i < report->method_count; ++i) free(report->methods[i].label);
  free(report->runs);
  free(report->groups);
  free(report->methods);
  memset(report, 0, sizeof *report);
}
