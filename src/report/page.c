/* report.html: one file with the figures' specifications, their data, the scripts that draw
   them, and the tables and sentences of every group. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cutlab/experiment.h>
#include <cutlab/version.h>

#include "base/file.h"
#include "report/report_internal.h"

static json_t *spread_json(cutlab_report_spread spread) {
  return json_pack("{s:i, s:o, s:o, s:o}", "count", spread.count, "mean",
                   cutlab_json_number(spread.mean), "min", cutlab_json_number(spread.min), "max",
                   cutlab_json_number(spread.max));
}

static json_t *final_json(const cutlab_report *report, int group, cutlab_method method,
                          size_t offset) {
  return spread_json(cutlab_report_final(report, group, method, offset));
}

#define OFFSET(field) offsetof(cutlab_report_point, field)

static json_t *table_row(const cutlab_report *report, int group, cutlab_method method) {
  int unfinished = 0;
  for (int i = 0; i < report->run_count; ++i)
    unfinished += report->runs[i].group == group && report->runs[i].method == method &&
                  !report->runs[i].finished;
  json_t *row = json_pack("{s:s, s:i, s:i}", "method", cutlab_report_method_label(method), "seeds",
                          cutlab_report_seeds(report, group, method), "unfinished", unfinished);
  json_t *outputs = json_array();
  for (int i = 0; i < cutlab_report_rarities; ++i)
    json_array_append_new(
        outputs, final_json(report, group, method, OFFSET(output) + (size_t)i * sizeof(double)));
  json_object_set_new(row, "outputs", outputs);
  json_t *learnt = json_array();
  for (int i = 0; i < cutlab_report_rarities; ++i)
    json_array_append_new(learnt,
                          json_boolean(cutlab_report_learnt(report, group, method, i) == 1));
  json_object_set_new(row, "learnt", learnt);
  json_object_set_new(row, "loss", final_json(report, group, method, OFFSET(loss)));
  json_object_set_new(row, "train", final_json(report, group, method, OFFSET(train_accuracy)));
  json_object_set_new(row, "population",
                      final_json(report, group, method, OFFSET(population_accuracy)));
  json_object_set_new(row, "evenness", final_json(report, group, method, OFFSET(evenness)));
  json_object_set_new(row, "theory",
                      cutlab_json_number(cutlab_report_theory(report, group, method)));
  return row;
}

static json_t *default_parameters(cutlab_context *context) {
  cutlab_experiment *experiment;
  char *text = NULL;
  json_t *parameters = NULL;
  if (cutlab_experiment_create(context, &experiment) != CUTLAB_OK) return NULL;
  if (cutlab_experiment_to_json(context, &text, experiment) == CUTLAB_OK)
    parameters = json_loads(text, 0, NULL);
  cutlab_free(text);
  cutlab_experiment_free(experiment);
  return parameters;
}

/* A word of a POSIX shell command. */
static void shell_word(FILE *stream, const char *text) {
  static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                              "_=+-./:,";
  if (*text && text[strspn(text, plain)] == '\0') {
    fputs(text, stream);
    return;
  }
  fputc('\'', stream);
  for (; *text; ++text)
    if (*text == '\'')
      fputs("'\\''", stream);
    else
      fputc(*text, stream);
  fputc('\'', stream);
}

static void parameter_word(FILE *stream, const char *name, const json_t *value) {
  char *text = json_is_string(value)
                   ? strdup(json_string_value(value))
                   : json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(17));
  char *word = NULL;
  if (text && asprintf(&word, "%s=%s", name, text) >= 0) {
    fputc(' ', stream);
    shell_word(stream, word);
    free(word);
  }
  free(text);
}

/* The command of one run: every parameter that is not at its default. */
static json_t *command(const cutlab_report_run *run, const json_t *defaults) {
  char *text = NULL;
  size_t size;
  FILE *stream = open_memstream(&text, &size);
  if (!stream) return json_null();
  fputs("cutlab simulate", stream);
  const json_t *dataset = json_object_get(run->config, "dataset");
  if (json_is_string(dataset)) {
    fputs(" --dataset ", stream);
    shell_word(stream, json_string_value(dataset));
  }
  const char *name;
  json_t *value;
  json_object_foreach(json_object_get(run->config, "parameters"), name, value) {
    bool given = strcmp(name, "method") == 0 || strcmp(name, "seed") == 0 ||
                 !json_equal(json_object_get(defaults, name), value);
    if (given && !json_is_null(value)) parameter_word(stream, name, value);
  }
  fclose(stream);
  json_t *line = json_string(text ? text : "");
  free(text);
  return line;
}

static json_t *group_runs(const cutlab_report *report, int group, const json_t *defaults) {
  json_t *runs = json_array();
  for (int i = 0; i < report->groups[group].count; ++i) {
    const cutlab_report_run *run = &report->runs[report->groups[group].first + i];
    json_array_append_new(runs, json_pack("{s:s, s:I, s:b, s:o, s:o, s:O?, s:O?}", "method",
                                          cutlab_report_method_label(run->method), "seed",
                                          (json_int_t)run->seed, "finished", (int)run->finished,
                                          "seconds", cutlab_json_number(run->seconds), "command",
                                          command(run, defaults), "machine",
                                          json_object_get(run->config, "machine"), "cutlab",
                                          json_object_get(run->config, "cutlab")));
  }
  return runs;
}

static json_t *group_json(const cutlab_report *report, int group, const json_t *defaults) {
  char *description = NULL;
  size_t size;
  FILE *stream = open_memstream(&description, &size);
  if (!stream) return NULL;
  cutlab_report_describe(stream, report, group);
  fclose(stream);
  json_t *rows = json_array();
  for (int i = 0; i < cutlab_report_methods; ++i)
    if (cutlab_report_seeds(report, group, (cutlab_method)i))
      json_array_append_new(rows, table_row(report, group, (cutlab_method)i));
  json_t *json =
      json_pack("{s:s, s:s, s:s?, s:o, s:o, s:O, s:o}", "name", report->groups[group].name, "slug",
                report->groups[group].slug, "description", description, "notes",
                cutlab_report_notes(report, group), "rows", rows, "parameters",
                report->groups[group].key, "runs", group_runs(report, group, defaults));
  free(description);
  return json;
}

/* Rows of equal keys as {"fields": [key, ...], "rows": [[value, ...], ...]}. */
static json_t *columns_of(const json_t *rows) {
  json_t *fields = json_array(), *values = json_array();
  const char *key;
  json_t *row, *value;
  size_t i;
  json_object_foreach(json_array_get(rows, 0), key, value)
      json_array_append_new(fields, json_string(key));
  json_array_foreach(rows, i, row) {
    json_t *line = json_array();
    json_object_foreach(row, key, value) json_array_append(line, value);
    json_array_append_new(values, line);
  }
  return json_pack("{s:o, s:o}", "fields", fields, "rows", values);
}

static json_t *figure_json(const cutlab_report_figure *figure) {
  json_t *data = json_object(), *rows;
  const char *name;
  json_object_foreach(figure->datasets, name, rows)
      json_object_set_new(data, name, columns_of(rows));
  return json_pack("{s:s, s:i, s:s, s:s, s:O, s:o}", "name", figure->name, "group", figure->group,
                   "title", figure->title, "caption", figure->caption, "spec", figure->spec, "data",
                   data);
}

static json_t *methods_json(void) {
  json_t *methods = json_array();
  for (int i = 0; i < cutlab_report_methods; ++i)
    json_array_append_new(methods, json_pack("{s:s, s:s}", "label",
                                             cutlab_report_method_label((cutlab_method)i), "colour",
                                             cutlab_report_method_colour((cutlab_method)i)));
  return methods;
}

static json_t *page_json(cutlab_context *context, const cutlab_report *report,
                         const cutlab_report_figure *figures, int count) {
  json_t *groups = json_array(), *list = json_array(), *rarities = json_array();
  json_t *defaults = default_parameters(context);
  for (int i = 0; i < cutlab_report_rarities; ++i)
    json_array_append_new(rarities, json_string(cutlab_rarity_name((cutlab_rarity)i)));
  for (int i = 0; i < report->group_count; ++i)
    json_array_append_new(groups, group_json(report, i, defaults));
  for (int i = 0; i < count; ++i) json_array_append_new(list, figure_json(&figures[i]));
  json_decref(defaults);
  return json_pack("{s:s, s:i, s:o, s:o, s:o, s:o, s:o}", "cutlab", cutlab_version(), "runs",
                   report->run_count, "methods", methods_json(), "rarities", rarities, "groups",
                   groups, "figures", list, "style", json_loads(cutlab_asset_style, 0, NULL));
}

/* JSON inside <script>: no '<' at all, so that no string can end the element. */
static void put_json(FILE *stream, const char *text) {
  for (; *text; ++text)
    if (*text == '<')
      fputs("\\u003c", stream);
    else
      fputc(*text, stream);
}

/* Script inside <script>: "</script" can only stand in a string or a regular expression,
   where "<\/script" means the same. */
static void put_script(FILE *stream, const char *text) {
  const char *found;
  while ((found = strcasestr(text, "</script"))) {
    fwrite(text, 1, (size_t)(found - text), stream);
    fputs("<\\/", stream);
    text = found + 2;
  }
  fputs(text, stream);
}

/* Copies the page; "{{name}}" stands for an embedded file or for the data. */
static void put_page(FILE *stream, const char *data) {
  static const struct {
    const char *name, *text;
  } parts[] = {{"{{css}}", cutlab_asset_css},
               {"{{vega}}", cutlab_asset_vega},
               {"{{vega-lite}}", cutlab_asset_vega_lite},
               {"{{vega-embed}}", cutlab_asset_vega_embed},
               {"{{js}}", cutlab_asset_js}};
  const char *text = cutlab_asset_html, *mark;
  while ((mark = strstr(text, "{{"))) {
    fwrite(text, 1, (size_t)(mark - text), stream);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; ++i)
      if (strncmp(mark, parts[i].name, strlen(parts[i].name)) == 0)
        put_script(stream, parts[i].text);
    if (strncmp(mark, "{{data}}", 8) == 0) put_json(stream, data);
    text = strstr(mark, "}}") + 2;
  }
  fputs(text, stream);
}

cutlab_status cutlab_report_page(cutlab_context *context, const char *folder,
                                 const cutlab_report *report, const cutlab_report_figure *figures,
                                 int count) {
  json_t *json = page_json(context, report, figures, count);
  char *data = json ? cutlab_report_compact(json) : NULL, *page = NULL;
  json_decref(json);
  size_t size = 0;
  FILE *stream = data ? open_memstream(&page, &size) : NULL;
  if (stream) {
    put_page(stream, data);
    fclose(stream);
  }
  char *path = page ? cutlab_path_join(context, folder, "report.html") : NULL;
  cutlab_status status = path ? cutlab_file_write(context, path, page, size)
                              : cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory: page");
  free(path);
  free(page);
  free(data);
  return status;
}
