/* What a report is made from: runs, read and grouped, and the writers that share them. */
#ifndef CUTLAB_REPORT_INTERNAL_H
#define CUTLAB_REPORT_INTERNAL_H

#include <stdio.h>

#include <cutlab/report.h>

#include "base/base.h"
#include "base/json.h"
#include "data/experiment_values.h"

enum { cutlab_report_methods = 3, cutlab_report_rarities = 3, cutlab_report_kinds = 3 };

/* One measurement; NaN where it is not defined. Arrays over rarities are means over the
   features of that rarity, of both labels. Kinds of patch: feature, dominant, background. */
typedef struct cutlab_report_point {
  double iteration, loss, excess_loss, gradient_norm, train_accuracy;
  double evenness, evenness_by_kind[cutlab_report_kinds];
  double output[cutlab_report_rarities];
  double population_accuracy, accuracy[cutlab_report_rarities];
} cutlab_report_point;

typedef struct cutlab_report_run {
  char *folder;            /* as the user would write it */
  char *real;              /* its absolute path */
  char *parent;            /* name of the folder that holds it */
  json_t *config, *result; /* run.json; result.json or NULL */
  cutlab_method method;
  int64_t seed;
  bool finished;
  int group;
  int64_t point_count;
  cutlab_report_point *points;
  double optimum; /* z, mean over the labels */
  double theory_accuracy, seconds;
} cutlab_report_run;

/* Runs that agree in every parameter but method and seed. */
typedef struct cutlab_report_group {
  char *name, *slug; /* to read; for file names and anchors */
  json_t *key;       /* parameters without method and seed, and the data set */
  int first, count;  /* its runs, by method, then seed */
  int twin;          /* the group that differs in `sampling` only, or -1 */
} cutlab_report_group;

typedef struct cutlab_report {
  cutlab_report_run *runs;
  int run_count;
  cutlab_report_group *groups;
  int group_count;
} cutlab_report;

typedef struct cutlab_report_figure {
  char *name; /* file name without extension; HTML id */
  int group;  /* -1: over all groups */
  const char *title, *caption;
  json_t *spec;     /* Vega-Lite that names its data */
  json_t *datasets; /* {name: [row, ...]} */
} cutlab_report_figure;

/* Mean and range over the finished and unfinished seeds of one method. */
typedef struct cutlab_report_spread {
  int count; /* runs where the value is defined */
  double mean, min, max;
} cutlab_report_spread;

/* "ERM", "Cutout", "CutMix"; its colour everywhere (Okabe and Ito's palette). */
const char *cutlab_report_method_label(cutlab_method method);
const char *cutlab_report_method_colour(cutlab_method method);

/* load.c: finds and reads run folders; release with cutlab_report_clear. */
cutlab_status cutlab_report_load(cutlab_context *context, cutlab_report *report,
                                 const char *const *paths, int count);
void cutlab_report_clear(cutlab_report *report);
/* group.c: sorts the runs into groups and names these. */
cutlab_status cutlab_report_group_runs(cutlab_context *context, cutlab_report *report);

/* The latest measurement, or NULL. */
const cutlab_report_point *cutlab_report_last(const cutlab_report_run *run);
/* The parameter's value, or NULL. */
const json_t *cutlab_report_parameter(const cutlab_report_run *run, const char *name);
int cutlab_report_seeds(const cutlab_report *report, int group, cutlab_method method);
/* Spread of the last measurement's double at `offset` in cutlab_report_point. */
cutlab_report_spread cutlab_report_final(const cutlab_report *report, int group,
                                         cutlab_method method, size_t offset);
#define CUTLAB_REPORT_FINAL(report, group, method, field)                                          \
  cutlab_report_final(report, group, method, offsetof(cutlab_report_point, field))
/* The theory's population accuracy, NaN where there is none. */
double cutlab_report_theory(const cutlab_report *report, int group, cutlab_method method);
/* The optimum z of the group's CutMix, NaN where there is none. */
double cutlab_report_optimum(const cutlab_report *report, int group);
/* One line: sizes, sampling, iterations. */
void cutlab_report_describe(FILE *stream, const cutlab_report *report, int group);

/* table.c: the plain-text table and summary.csv. */
void cutlab_report_table(FILE *stream, const cutlab_report *report);
void cutlab_report_csv(FILE *stream, const cutlab_report *report);
/* notes.c: sentences about a group, each computed from its measurements: [string, ...]. */
json_t *cutlab_report_notes(const cutlab_report *report, int group);
/* Whether features of a rarity are learnt, which notes.c defines: 1 in every seed, 0 in none, -1
   in some, -2 where that cannot be said. */
int cutlab_report_learnt(const cutlab_report *report, int group, cutlab_method method, int rarity);
/* figures.c: every figure that the data can fill; release with cutlab_report_figures_free. */
cutlab_status cutlab_report_figures(cutlab_context *context, cutlab_report_figure **figures,
                                    int *count, const cutlab_report *report);
void cutlab_report_figures_free(cutlab_report_figure *figures, int count);
/* page.c: report.html. */
cutlab_status cutlab_report_page(cutlab_context *context, const char *folder,
                                 const cutlab_report *report, const cutlab_report_figure *figures,
                                 int count);
/* render.c: figures/NAME.vl.json, and .svg, .pdf, .png where the tools for it are found. */
cutlab_status cutlab_report_render(cutlab_context *context, const char *folder,
                                   const cutlab_report_figure *figures, int count);
/* The specification with its data and the print style inside: a complete file. */
json_t *cutlab_report_figure_file(const cutlab_report_figure *figure);

/* Text of a JSON value in one line with 6 significant digits, or NULL; release with free.
   Does not take the reference. */
char *cutlab_report_compact(const json_t *value);

/* assets.S: files as NUL-terminated text. */
extern const char cutlab_asset_vega[], cutlab_asset_vega_lite[], cutlab_asset_vega_embed[];
extern const char cutlab_asset_html[], cutlab_asset_css[], cutlab_asset_js[];
extern const char cutlab_asset_curves[], cutlab_asset_accuracy[], cutlab_asset_overview[];
extern const char cutlab_asset_style[], cutlab_asset_log_axis[], cutlab_asset_render[];
extern const char cutlab_asset_sheet_css[];

#endif
