/* report.html: one file with the figures' specifications, their data, the scripts that draw
   them, and the tables and sentences of every group. */
#include <math.h>
#include <stdlib.h>

#include <cutlab/version.h>

#include "report/page_file.h"

static json_t *spread_json(cutlab_report_spread spread) {
  return json_pack("{s:i, s:o, s:o, s:o}", "count", spread.count, "mean",
                   cutlab_json_number(spread.mean), "min", cutlab_json_number(spread.min), "max",
                   cutlab_json_number(spread.max));
}

static json_t *final_json(const cutlab_report *report, int group, int method, size_t offset) {
  return spread_json(cutlab_report_final(report, group, method, offset));
}

#define OFFSET(field) offsetof(cutlab_report_point, field)

static json_t *rarity_spreads(const cutlab_report *report, int group, int method, size_t offset) {
  json_t *spreads = json_array();
  for (int i = 0; i < cutlab_report_rarities; ++i)
    json_array_append_new(spreads,
                          final_json(report, group, method, offset + (size_t)i * sizeof(double)));
  return spreads;
}

static json_t *table_row(const cutlab_report *report, int group, int method) {
  static const struct {
    const char *name;
    size_t offset;
  } cells[] = {{"loss", OFFSET(loss)},
               {"train", OFFSET(train_accuracy)},
               {"fresh", OFFSET(fresh_accuracy)},
               {"test_error", OFFSET(test_error)},
               {"evenness", OFFSET(evenness)},
               {"best", OFFSET(best_accuracy)},
               {"time", OFFSET(time)},
               {"images", OFFSET(images_per_second)}};
  json_t *row = json_pack("{s:s, s:i, s:i}", "method", report->methods[method].label, "seeds",
                          cutlab_report_seeds(report, group, method), "unfinished",
                          cutlab_report_unfinished(report, group, method));
  json_t *learnt = json_array();
  for (int i = 0; i < cutlab_report_rarities; ++i)
    json_array_append_new(learnt,
                          json_boolean(cutlab_report_learnt(report, group, method, i) == 1));
  json_object_set_new(row, "outputs", rarity_spreads(report, group, method, OFFSET(output)));
  json_object_set_new(row, "accuracies", rarity_spreads(report, group, method, OFFSET(accuracy)));
  json_object_set_new(row, "learnt", learnt);
  for (size_t i = 0; i < sizeof cells / sizeof *cells; ++i)
    json_object_set_new(row, cells[i].name, final_json(report, group, method, cells[i].offset));
  json_object_set_new(row, "theory",
                      cutlab_json_number(cutlab_report_theory(report, group, method)));
  return row;
}

static json_t *group_runs(cutlab_context *context, const cutlab_report *report, int group) {
  json_t *runs = json_array();
  for (int i = 0; i < report->groups[group].count; ++i) {
    const cutlab_report_run *run = &report->runs[report->groups[group].first + i];
    json_array_append_new(runs, json_pack("{s:s, s:I, s:b, s:o, s:o, s:O?, s:O?}", "method",
                                          report->methods[run->method].label, "seed",
                                          (json_int_t)run->seed, "finished", (int)run->finished,
                                          "seconds", cutlab_json_number(run->seconds), "command",
                                          cutlab_report_command(context, run), "machine",
                                          json_object_get(run->config, "machine"), "cutlab",
                                          json_object_get(run->config, "cutlab")));
  }
  return runs;
}

static json_t *group_json(cutlab_context *context, const cutlab_report *report, int group) {
  char *description = NULL;
  size_t size;
  FILE *stream = open_memstream(&description, &size);
  if (!stream) return NULL;
  cutlab_report_describe(stream, report, group);
  fclose(stream);
  json_t *rows = json_array();
  bool trained = report->groups[group].source == &cutlab_report_trained;
  for (int i = 0; i < report->method_count; ++i)
    if (cutlab_report_seeds(report, group, i))
      json_array_append_new(rows, table_row(report, group, i));
  json_t *json = json_pack("{s:b, s:b, s:s, s:s, s:s?, s:o, s:o, s:O, s:o}", "trained",
                           (int)trained, "estimated", (int)cutlab_report_estimated(report, group),
                           "name", report->groups[group].name, "slug", report->groups[group].slug,
                           "description", description, "notes", cutlab_report_notes(report, group),
                           "rows", rows, "parameters", report->groups[group].key, "runs",
                           group_runs(context, report, group));
  free(description);
  return json;
}

static json_t *methods_json(const cutlab_report *report) {
  json_t *methods = json_array();
  for (int i = 0; i < report->method_count; ++i)
    if (cutlab_report_seeds(report, -1, i))
      json_array_append_new(methods, json_pack("{s:s, s:s}", "label", report->methods[i].label,
                                               "colour", report->methods[i].colour));
  return methods;
}

static json_t *page_json(cutlab_context *context, const cutlab_report *report,
                         const cutlab_report_figure *figures, int count) {
  json_t *groups = json_array(), *list = json_array(), *rarities = json_array();
  for (int i = 0; i < cutlab_report_rarities; ++i)
    json_array_append_new(rarities, json_string(cutlab_report_rarity_name(i)));
  for (int i = 0; i < report->group_count; ++i)
    json_array_append_new(groups, group_json(context, report, i));
  for (int i = 0; i < count; ++i) json_array_append_new(list, cutlab_page_figure(&figures[i]));
  return json_pack("{s:s, s:i, s:o, s:o, s:o, s:o, s:o}", "cutlab", cutlab_version(), "runs",
                   report->run_count, "methods", methods_json(report), "rarities", rarities,
                   "groups", groups, "figures", list, "style",
                   json_loads(cutlab_asset_style, 0, NULL));
}

cutlab_status cutlab_report_page(cutlab_context *context, const char *folder,
                                 const cutlab_report *report, const cutlab_report_figure *figures,
                                 int count) {
  json_t *json = page_json(context, report, figures, count);
  char *data = json ? cutlab_report_compact(json) : NULL;
  json_decref(json);
  const cutlab_page page = {
      .name = "report.html", .html = cutlab_asset_html, .js = cutlab_asset_js};
  return cutlab_page_write(context, folder, &page, data);
}
