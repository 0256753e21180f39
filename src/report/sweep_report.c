/* cutlab_report_sweep: a sweep's folder as figures and a page. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "report/sweep_report.h"

bool cutlab_report_is_sweep(const char *folder) {
  char *path = NULL;
  if (asprintf(&path, "%s/sweep.json", folder) < 0) return false;
  bool there = cutlab_file_exists(path);
  free(path);
  return there;
}

static bool is_among(const char *name, const cutlab_report_figure *figures, int count) {
  for (int i = 0; i < count; ++i)
    if (strcmp(figures[i].name, name) == 0) return true;
  return false;
}

/* Those of an earlier report that this one has not. */
static cutlab_status remove_figures(cutlab_context *context, const char *folder,
                                    const cutlab_sweep_view *view,
                                    const cutlab_report_figure *figures, int count) {
  for (int i = 0; i < 2 * view->measure_count; ++i) {
    char name[96];
    snprintf(name, sizeof name, "%s-%s", i % 2 ? "comparison" : "map", view->measures[i / 2].name);
    if (!is_among(name, figures, count))
      CUTLAB_TRY(cutlab_report_remove_figure(context, folder, name));
  }
  return CUTLAB_OK;
}

static cutlab_status write_figures(cutlab_context *context, const char *folder,
                                   const cutlab_sweep_view *view) {
  cutlab_report_figure *figures = NULL;
  int count = 0;
  cutlab_status status = cutlab_sweep_figures(context, &figures, &count, view);
  if (status == CUTLAB_OK) status = cutlab_sweep_page(context, folder, view, figures, count);
  if (status == CUTLAB_OK) status = remove_figures(context, folder, view, figures, count);
  if (status == CUTLAB_OK) status = cutlab_report_render(context, folder, figures, count);
  cutlab_report_figures_free(figures, count);
  return status;
}

/* The notes, one a line. */
static cutlab_status write_text(cutlab_context *context, char **text,
                                const cutlab_sweep_view *view) {
  size_t size, k;
  json_t *notes = cutlab_sweep_notes(view), *note;
  *text = NULL;
  FILE *stream = open_memstream(text, &size);
  if (stream) {
    json_array_foreach(notes, k, note) fprintf(stream, "%s\n", json_string_value(note));
    if (fclose(stream) != 0) {
      free(*text);
      *text = NULL;
    }
  }
  json_decref(notes);
  return *text ? CUTLAB_OK
               : cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory: report text");
}

static cutlab_status write_all(cutlab_context *context, char **text, const char *folder,
                               cutlab_sweep_view *view, const char *sweep,
                               const char *const *references, int count) {
  CUTLAB_TRY(cutlab_sweep_view_load(context, view, sweep));
  CUTLAB_TRY(cutlab_sweep_compare(context, view, references, count));
  CUTLAB_TRY(cutlab_folder_make(context, folder));
  CUTLAB_TRY(cutlab_sweep_write_comparison(context, folder, view));
  CUTLAB_TRY(write_figures(context, folder, view));
  return text ? write_text(context, text, view) : CUTLAB_OK;
}

cutlab_status cutlab_report_sweep(cutlab_context *context, char **text, const char *folder,
                                  const char *sweep, const char *const *references, int count) {
  cutlab_sweep_view view = {0};
  if (text) *text = NULL;
  cutlab_status status = write_all(context, text, folder, &view, sweep, references, count);
  cutlab_sweep_view_clear(&view);
  return status;
}
