/* cutlab_report_write: from run folders to table, CSV, figures and page. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "report/report_internal.h"

static cutlab_status write_table(cutlab_context *context, char **text,
                                 const cutlab_report *report) {
  size_t size;
  *text = NULL;
  FILE *stream = open_memstream(text, &size);
  if (stream) {
    cutlab_report_table(stream, report);
    if (fclose(stream) == 0) return CUTLAB_OK;
  }
  free(*text);
  *text = NULL;
  return cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory: report text");
}

static cutlab_status write_figures(cutlab_context *context, const char *folder,
                                   const cutlab_report *report) {
  cutlab_report_figure *figures = NULL;
  int count = 0;
  cutlab_status status = cutlab_report_figures(context, &figures, &count, report);
  if (status == CUTLAB_OK) status = cutlab_report_page(context, folder, report, figures, count);
  if (status == CUTLAB_OK) status = cutlab_report_render(context, folder, figures, count);
  cutlab_report_figures_free(figures, count);
  return status;
}

static cutlab_status write_all(cutlab_context *context, char **table, const char *folder,
                               const char *const *runs, int count, cutlab_report *report) {
  CUTLAB_TRY(cutlab_report_load(context, report, runs, count));
  CUTLAB_TRY(cutlab_report_group_runs(context, report));
  CUTLAB_TRY(cutlab_folder_make(context, folder));
  CUTLAB_TRY(cutlab_report_csv(context, folder, report));
  CUTLAB_TRY(write_figures(context, folder, report));
  return table ? write_table(context, table, report) : CUTLAB_OK;
}

cutlab_status cutlab_report_write(cutlab_context *context, char **table, const char *folder,
                                  const char *const *runs, int count) {
  cutlab_report report = {0};
  if (table) *table = NULL;
  cutlab_status status = write_all(context, table, folder, runs, count, &report);
  cutlab_report_clear(&report);
  return status;
}
