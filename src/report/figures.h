/* What figures are made of: panels and curves for each kind of run, and their rows of data. */
#ifndef CUTLAB_REPORT_FIGURES_H
#define CUTLAB_REPORT_FIGURES_H

#include "report/report_internal.h"

enum { cutlab_max_panels = 4, cutlab_max_curves = 4 };

typedef struct cutlab_panel {
  const char *label;
  size_t offset;    /* of a double in cutlab_report_point */
  bool cutmix_only; /* not defined for the other methods */
} cutlab_panel;

/* A figure of curves over iterations or epochs. */
typedef struct cutlab_curves {
  const char *name, *title, *caption, *y_title;
  bool log;                    /* a logarithmic y, of positive values */
  const char *optimum_caption; /* where the optimum is shown too, or NULL: it never is */
  cutlab_panel panels[cutlab_max_panels];
} cutlab_curves;

/* Of a figure of accuracies at the end; key: how to read the marks. */
typedef struct cutlab_finals_words {
  const char *title, *key, *caption;
} cutlab_finals_words;

/* The figures of one kind of run. */
typedef struct cutlab_figure_set {
  const cutlab_report_source *source;
  cutlab_curves curves[cutlab_max_curves]; /* up to one without a name */
  int accuracy_after;                      /* curves that come before the figure of accuracies */
  cutlab_panel accuracy[cutlab_max_panels];
  const char *curves_key; /* how to read the marks */
  const char *value_title, *x_title;
  cutlab_finals_words finals, predicted; /* without and with values of the theory */
  const char *overview_name, *overview_title;
} cutlab_figure_set;

enum { cutlab_figure_sets = 2 };
const cutlab_figure_set *cutlab_figure_set_at(int i);
const cutlab_figure_set *cutlab_figure_set_of(const cutlab_report *report, int group);

/* The value of a panel's double, NaN where it is not for the run's method. */
double cutlab_panel_value(const cutlab_report_run *run, const cutlab_report_point *point,
                          const cutlab_panel *panel);
/* The panels (up to one without a label) that have a value somewhere in the group: so many, first
   in `kept`. */
int cutlab_panels_filled(cutlab_panel *kept, const cutlab_report *report, int group,
                         const cutlab_panel *panels, int count);
/* Rows of the measurements that are shown; `model`, unless NULL, is one of their members. */
json_t *cutlab_measurement_rows(const cutlab_report *report, int group, const cutlab_panel *panels,
                                int count, bool log, const char *model);
/* One row a run, of the end. */
json_t *cutlab_final_rows(const cutlab_report *report, int group, const cutlab_panel *panels,
                          int count);
/* Values of the theory, and the optimum of CutMix if wanted; empty where there are none. */
json_t *cutlab_theory_rows(const cutlab_report *report, int group);
json_t *cutlab_optimum_rows(const cutlab_report *report, int group, bool wanted);

/* The template `asset` in which every string "@name" is the value of that binding. Takes the
   bindings. */
json_t *cutlab_figure_fill(const char *asset, json_t *bindings);

#endif
