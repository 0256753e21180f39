/* audit.html: what an audit found, with its figures and the pictures of its galleries inside. */
#include <stdlib.h>

#include <cutlab/version.h>

#include "report/audit_report.h"
#include "report/page_file.h"

static json_t *methods_json(const cutlab_audit_view *view) {
  json_t *list = json_array();
  for (int m = 0; m < view->audit->method_count; ++m)
    list = cutlab_audit_with(list, json_pack("{s:s, s:s}", "label", view->audit->methods[m].label,
                                             "colour", view->colours[m]));
  return list;
}

static json_t *classes_json(const cutlab_audit *audit) {
  json_t *list = json_array();
  char text[24];
  for (int64_t k = 0; k < audit->classes; ++k)
    list = cutlab_audit_with(list, json_string(cutlab_audit_class_name(audit, k, text)));
  return list;
}

static json_t *comparison_notes(const cutlab_audit_view *view) {
  json_t *list = json_array();
  for (int c = 0; c < view->audit->method_count - 1; ++c)
    list = cutlab_audit_with(list, cutlab_audit_comparison_notes(view, c));
  return list;
}

static json_t *figure_list(const cutlab_report_figure *figures, int count) {
  json_t *list = json_array();
  for (int i = 0; i < count; ++i) list = cutlab_audit_with(list, cutlab_page_figure(&figures[i]));
  return list;
}

/* Only of runs is it known which part of their data the audited examples are of. */
static bool is_of_runs(const cutlab_audit *audit) {
  for (int i = 0; i < audit->input_count; ++i)
    if (!audit->inputs[i].is_run) return false;
  return true;
}

static cutlab_status page_json(cutlab_context *context, json_t **json,
                               const cutlab_audit_view *view, const cutlab_report_figure *figures,
                               int count) {
  json_t *audit = NULL, *gallery = NULL;
  cutlab_status status = cutlab_audit_json(context, &audit, view->audit);
  if (status == CUTLAB_OK) status = cutlab_audit_gallery(context, &gallery, view);
  *json = json_pack("{s:s, s:O?, s:b, s:b, s:o, s:o, s:o, s:o, s:O?, s:o, s:o}", "cutlab",
                    cutlab_version(), "audit", audit, "scores", view->audit->score != NULL, "runs",
                    is_of_runs(view->audit), "methods", methods_json(view), "classes",
                    classes_json(view->audit), "table_notes", cutlab_audit_table_notes(view),
                    "comparison_notes", comparison_notes(view), "gallery", gallery, "figures",
                    figure_list(figures, count), "style", json_loads(cutlab_asset_style, 0, NULL));
  json_decref(audit);
  json_decref(gallery);
  if (status == CUTLAB_OK && !*json)
    status = cutlab_fail(context, CUTLAB_ERROR_MEMORY,
                         "cannot make the audit's page: out of memory, or a name is not UTF-8");
  return status;
}

cutlab_status cutlab_audit_page(cutlab_context *context, const char *folder,
                                const cutlab_audit_view *view, const cutlab_report_figure *figures,
                                int count) {
  const cutlab_page page = {.name = "audit.html",
                            .html = cutlab_asset_audit_html,
                            .css = cutlab_asset_audit_css,
                            .more_js = cutlab_asset_audit_gallery_js,
                            .js = cutlab_asset_audit_js};
  json_t *json = NULL;
  cutlab_status status = page_json(context, &json, view, figures, count);
  char *data = json ? json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(17)) : NULL;
  json_decref(json);
  if (status == CUTLAB_OK) return cutlab_page_write(context, folder, &page, data);
  free(data);
  return status;
}
