/* cutlab_audit_report: an audit as .csv files, JSON, figures and a page. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "report/audit_report.h"

static cutlab_status write_json(cutlab_context *context, const char *folder,
                                const cutlab_audit *audit) {
  char *text = NULL, *path = cutlab_path_join(context, folder, "audit.json");
  if (!path) return CUTLAB_ERROR_MEMORY;
  cutlab_status status = cutlab_audit_to_json(context, &text, audit);
  if (status == CUTLAB_OK) status = cutlab_file_write(context, path, text, strlen(text));
  cutlab_free(text);
  free(path);
  return status;
}

static cutlab_status write_figures(cutlab_context *context, const char *folder,
                                   const cutlab_audit_view *view) {
  cutlab_report_figure *figures = NULL;
  int count = 0;
  cutlab_status status = cutlab_audit_figures(context, &figures, &count, view);
  if (status == CUTLAB_OK) status = cutlab_audit_page(context, folder, view, figures, count);
  if (status == CUTLAB_OK) status = cutlab_audit_remove_figures(context, folder, figures, count);
  if (status == CUTLAB_OK) status = cutlab_report_render(context, folder, figures, count);
  cutlab_report_figures_free(figures, count);
  return status;
}

static cutlab_status write_all(cutlab_context *context, const char *folder, cutlab_audit_view *view,
                               const cutlab_audit *audit) {
  CUTLAB_TRY(cutlab_audit_view_make(context, view, audit));
  CUTLAB_TRY(cutlab_folder_make(context, folder));
  CUTLAB_TRY(write_json(context, folder, audit));
  CUTLAB_TRY(cutlab_audit_csv(context, folder, view));
  return write_figures(context, folder, view);
}

cutlab_status cutlab_audit_report(cutlab_context *context, const char *folder,
                                  const cutlab_audit *audit) {
  cutlab_audit_view view = {0};
  if (!audit->computed)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT, "the audit has not been computed");
  cutlab_status status = write_all(context, folder, &view, audit);
  cutlab_audit_view_clear(&view);
  return status;
}
