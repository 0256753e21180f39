/* report.html of a sweep: maps whose values stand once in the page, for any figure to take. */
#include <stdlib.h>

#include <cutlab/version.h>

#include "report/page_file.h"
#include "report/sweep_report.h"

static json_t *axis_json(const cutlab_sweep_axis *axis) {
  json_t *json = json_pack("{s:s, s:i, s:b, s:O}", "name", axis->name, "dimension", axis->dimension,
                           "logarithmic", (int)axis->logarithmic, "values", axis->values);
  if (axis->numbers) {
    json_object_set_new(json, "low", cutlab_json_numbers(axis->low, axis->count));
    json_object_set_new(json, "high", cutlab_json_numbers(axis->high, axis->count));
  }
  return json;
}

static json_t *axes_json(const cutlab_sweep_view *view) {
  json_t *list = json_array();
  for (int a = 0; a < view->axis_count; ++a) json_array_append_new(list, axis_json(&view->axes[a]));
  return list;
}

/* Figures only where there is an axis to draw over. */
static json_t *measures_json(const cutlab_sweep_view *view) {
  json_t *list = json_array();
  for (int m = 0; m < view->measure_count; ++m) {
    const cutlab_sweep_measure *measure = &view->measures[m];
    json_t *json = json_pack("{s:s, s:s, s:i, s:i, s:o, s:o, s:o}", "name", measure->name, "title",
                             measure->title, "feature", measure->feature, "shown", measure->shown,
                             "mean", cutlab_json_numbers(measure->mean, view->cells), "sd",
                             cutlab_json_numbers(measure->sd, view->cells), "runs",
                             cutlab_json_numbers(measure->defined, view->cells));
    if (view->x >= 0) json_object_set_new(json, "figure", cutlab_sweep_figure_json(view, measure));
    json_array_append_new(list, json);
  }
  return list;
}

static json_t *panels_json(const cutlab_sweep_view *view) {
  json_t *list = json_array();
  for (int64_t panel = 0; panel < view->panel_count; ++panel) {
    char text[96];
    cutlab_sweep_panel_text(text, sizeof text, view, panel);
    json_array_append_new(list, json_string(text));
  }
  return list;
}

/* Those of comparisons have their data with them; maps are in the measures. */
static json_t *comparisons_json(const cutlab_sweep_view *view, const cutlab_report_figure *figures,
                                int count) {
  json_t *list = json_array();
  for (int r = 0; r < view->reference_count; ++r) {
    json_t *json = cutlab_sweep_comparison_json(view, &view->references[r]);
    json_object_set_new(json, "figure",
                        cutlab_page_figure(&figures[count - view->reference_count + r]));
    json_array_append_new(list, json);
  }
  return list;
}

static json_t *place_json(int axis) {
  return axis < 0 ? json_null() : json_integer(axis);
}

static json_t *page_json(const cutlab_sweep_view *view, const cutlab_report_figure *figures,
                         int count) {
  json_t *json = json_pack(
      "{s:s, s:O, s:O, s:O, s:O, s:O, s:I, s:o}", "cutlab", cutlab_version(), "name",
      json_object_get(view->json, "name"), "dimensions", json_object_get(view->json, "dimensions"),
      "seeds", json_object_get(view->json, "seeds"), "runs", json_object_get(view->json, "runs"),
      "failed", json_object_get(view->json, "failed"), "cells", (json_int_t)view->cells,
      "learnt_at", cutlab_json_number(view->learnt_at));
  json_t *more =
      json_pack("{s:o, s:o, s:o, s:o, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:[], s:o}", "axes",
                axes_json(view), "x", place_json(view->x), "y", place_json(view->y), "panels",
                place_json(view->panels), "scattered", (int)view->scattered, "panel_texts",
                panels_json(view), "measures", measures_json(view), "failed_runs",
                cutlab_json_numbers(view->failed, view->cells), "lines", cutlab_sweep_lines(view),
                "fits", cutlab_sweep_fits(view), "notes", cutlab_sweep_notes(view), "comparisons",
                comparisons_json(view, figures, count), "figures", "style",
                json_loads(cutlab_asset_style, 0, NULL));
  if (!json || !more || json_object_update(json, more) != 0) {
    json_decref(json);
    json = NULL;
  }
  json_decref(more);
  return json;
}

cutlab_status cutlab_sweep_page(cutlab_context *context, const char *folder,
                                const cutlab_sweep_view *view, const cutlab_report_figure *figures,
                                int count) {
  const cutlab_page page = {.name = "report.html",
                            .html = cutlab_asset_sweep_html,
                            .css = cutlab_asset_sweep_css,
                            .js = cutlab_asset_sweep_js};
  json_t *json = page_json(view, figures, count);
  char *data = json ? cutlab_report_compact(json) : NULL;
  json_decref(json);
  return cutlab_page_write(context, folder, &page, data);
}
