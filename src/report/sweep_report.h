/* What the files that show a sweep share. */
#ifndef CUTLAB_REPORT_SWEEP_REPORT_H
#define CUTLAB_REPORT_SWEEP_REPORT_H

#include <cutlab/array.h>

#include "report/report_internal.h"
#include "sweep/boundary.h"

enum { cutlab_sweep_dimensions = CUTLAB_ARRAY_MAX_RANK - 1 };

typedef struct cutlab_sweep_axis {
  const char *name;
  json_t *values; /* as in sweep.json, borrowed */
  int dimension;
  int64_t count;
  bool logarithmic;
  double *numbers, *low, *high; /* [count]; low, high: where a cell begins and ends; NULL: texts */
} cutlab_sweep_axis;

typedef struct cutlab_sweep_measure {
  const char *name;
  char *title;       /* "accuracy on feature 2" */
  int feature;       /* of accuracy_K, time_K, feature_K, else 0 */
  int shown;         /* its place among the map's values, from 1; 0: none */
  double *mean, *sd; /* [cells], NaN where undefined */
  double *defined;   /* [cells] runs in the mean */
} cutlab_sweep_measure;

/* A measure beside values made elsewhere; all over cells that both have. */
typedef struct cutlab_sweep_reference {
  const cutlab_sweep_measure *measure;
  char *path;
  double *values; /* [y][x], in the order of the axes */
  int64_t cells, worst_x, worst_y;
  double mean_difference, mean_absolute_difference, largest_difference; /* ours minus theirs */
  double correlation, median_ratio; /* ratio: ours over theirs, where both are positive */
} cutlab_sweep_reference;

/* A sweep's folder as it is shown. */
typedef struct cutlab_sweep_view {
  const char *path; /* of the folder */
  json_t *json;     /* sweep.json */
  cutlab_sweep_axis *axes;
  cutlab_sweep_measure *measures;
  int axis_count, measure_count, dimension_count;
  int64_t dimensions[cutlab_sweep_dimensions], cells, seeds;
  double *failed; /* [cells] runs */
  double learnt_at;
  int x, y, panels;    /* axes, -1: none */
  bool scattered;      /* x and y are drawn together: points, not a grid */
  int64_t panel_count; /* 1 where there are none */
  int64_t slice_count; /* of the other dimensions' values */
  cutlab_sweep_reference *references;
  int reference_count;
} cutlab_sweep_view;

/* sweep_load.c */
cutlab_status cutlab_sweep_view_load(cutlab_context *context, cutlab_sweep_view *view,
                                     const char *folder);
void cutlab_sweep_view_clear(cutlab_sweep_view *view);
/* The measure of that name ("accuracy_" and a feature, or feature 0), or NULL. */
const cutlab_sweep_measure *cutlab_sweep_measure_of(const cutlab_sweep_view *view, const char *name,
                                                    int feature);
/* A cell by its slice, panel and place on x and y (j: 0 where there is no y or it goes with x). */
int64_t cutlab_sweep_cell(const cutlab_sweep_view *view, int64_t slice, int64_t panel, int64_t i,
                          int64_t j);
/* Places on y of each x. */
int64_t cutlab_sweep_rows(const cutlab_sweep_view *view);
/* "CutMix", "depth = 3": what panel or value of an axis it is. */
void cutlab_sweep_value_text(char *text, size_t size, const cutlab_sweep_axis *axis, int64_t value);
void cutlab_sweep_panel_text(char *text, size_t size, const cutlab_sweep_view *view, int64_t panel);
/* The values of the axes that are neither x, y nor panels, "depth = 3, alpha = 0.1"; "" for none.
 */
void cutlab_sweep_slice_text(char *text, size_t size, const cutlab_sweep_view *view, int64_t slice);

/* sweep_laws.c: the lines over maps, [{slice, panel, feature, kind, text, points: [[x, y], ..]},
   ..] with kind "law" (a heuristic), "fit" or "crossing"; feature 0: of all. */
json_t *cutlab_sweep_lines(const cutlab_sweep_view *view);
/* The fits, one a row of the page's table. */
json_t *cutlab_sweep_fits(const cutlab_sweep_view *view);
/* "noise = 1.9 rho^1.04" */
void cutlab_sweep_formula(char *text, size_t size, const cutlab_sweep_view *view,
                          const json_t *fit);

/* sweep_notes.c: sentences, each computed from the numbers: [string, ...]. */
json_t *cutlab_sweep_notes(const cutlab_sweep_view *view);

/* sweep_reference.c: compares measures with files, "MEASURE=FILE" each, into view->references. */
cutlab_status cutlab_sweep_compare(cutlab_context *context, cutlab_sweep_view *view,
                                   const char *const *references, int count);
/* comparison.csv and comparison.json; removes them where there is nothing to compare. */
cutlab_status cutlab_sweep_write_comparison(cutlab_context *context, const char *folder,
                                            const cutlab_sweep_view *view);
json_t *cutlab_sweep_comparison_json(const cutlab_sweep_view *view,
                                     const cutlab_sweep_reference *reference);

/* sweep_figures.c: the figures of the map's values and of the comparisons, with data; release with
   cutlab_report_figures_free. */
cutlab_status cutlab_sweep_figures(cutlab_context *context, cutlab_report_figure **figures,
                                   int *count, const cutlab_sweep_view *view);
/* The figure of a measure over the map's axes, without data: those are in the page once for all. */
json_t *cutlab_sweep_figure_json(const cutlab_sweep_view *view,
                                 const cutlab_sweep_measure *measure);
/* sweep_page.c: report.html. */
cutlab_status cutlab_sweep_page(cutlab_context *context, const char *folder,
                                const cutlab_sweep_view *view, const cutlab_report_figure *figures,
                                int count);

extern const char cutlab_asset_sweep_html[], cutlab_asset_sweep_css[], cutlab_asset_sweep_js[];
extern const char cutlab_asset_sweep_map[], cutlab_asset_sweep_panel[], cutlab_asset_sweep_lines[];

#endif
