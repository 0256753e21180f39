/* What a report is made from: runs, read and grouped, and the writers that share them. */
#ifndef CUTLAB_REPORT_INTERNAL_H
#define CUTLAB_REPORT_INTERNAL_H

#include <stdio.h>

#include <cutlab/report.h>

#include "base/base.h"
#include "base/json.h"
#include "data/experiment_values.h"

enum { cutlab_report_rarities = 3, cutlab_report_kinds = 3 };

/* The methods that come first in every report, numbered as in cutlab_method and in the setting
   `method` of trainings; policies of the user's own and variants of a method follow them. */
enum {
  cutlab_report_erm,
  cutlab_report_cutout,
  cutlab_report_cutmix,
  cutlab_report_mixup,
  cutlab_report_own_policy, /* of a run that was read; not a place in the list */
  cutlab_report_named_methods = cutlab_report_own_policy
};

typedef struct cutlab_report_method {
  char *label; /* "CutMix"; unique */
  const char *colour;
} cutlab_report_method;

/* One measurement: doubles only, NaN where not defined. Arrays over rarities are means over the
   features of that rarity. Kinds of patch: feature, dominant, background. */
typedef struct cutlab_report_point {
  double time; /* iterations or epochs done */
  double loss, train_accuracy;
  /* on data that were not trained on: the population's, by Monte Carlo where it is not known
     exactly, or test data's */
  double fresh_accuracy;
  double output[cutlab_report_rarities], accuracy[cutlab_report_rarities];
  /* of simulated trainings */
  double excess_loss, gradient_norm, evenness, evenness_by_kind[cutlab_report_kinds];
  double population_accuracy, monte_carlo_accuracy, monte_carlo_standard_error, test_error;
  /* of trained networks */
  double step, best_accuracy, test_loss; /* best_accuracy: highest fresh_accuracy so far */
  double clean_train_loss, clean_train_accuracy;
  double learning_rate, images_per_second, seconds;
} cutlab_report_point;

typedef struct cutlab_report_source cutlab_report_source;

typedef struct cutlab_report_run {
  const cutlab_report_source *source;
  char *folder;            /* as the user would write it */
  char *real;              /* its absolute path */
  char *parent;            /* name of the folder that holds it */
  json_t *config, *result; /* run.json; result.json or NULL */
  int method;              /* place in the report's list */
  json_t *variant;         /* the settings that belong to the method, or NULL */
  int64_t seed;
  bool finished;
  int group;
  int feature_count; /* of simulated trainings: the rarity of every feature */
  int *feature_rarity;
  int64_t point_count;
  cutlab_report_point *points;
  double optimum; /* z, mean over the labels; NaN where there is none, as theory_accuracy */
  double theory_accuracy, seconds;
} cutlab_report_run;

/* A kind of run folder: how it is told from others and read, and the words for it. */
struct cutlab_report_source {
  const char *format;   /* in run.json; its version is 1 */
  const char *settings; /* member of run.json */
  const char *command;  /* that makes such runs */
  const char *time;     /* "iteration": the key that counts in metrics.jsonl */
  const char *examples; /* "fresh points": what fresh_accuracy is measured on */
  const char *average;  /* over seeds, in curves: "median" or "mean" */
  /* Checks what run.json says and takes method, variant, seed and features from it. */
  cutlab_status (*read_config)(cutlab_context *context, cutlab_report_run *run, const char *path);
  /* What a line of metrics.jsonl lacks for read_point to make sense of it, or NULL. */
  const char *(*fault)(const json_t *line, const cutlab_report_run *run);
  /* Fills a point that is NaN throughout. `previous`: the one before it, or NULL. */
  void (*read_point)(cutlab_report_point *point, const cutlab_report_point *previous,
                     const json_t *line, const cutlab_report_run *run);
  /* Settings that runs of a group agree in. */
  json_t *(*group_key)(const cutlab_report_run *run);
  void (*describe)(FILE *stream, const cutlab_report_run *run);
  const char *const *described; /* settings that it tells of, NULL after the last */
  /* Settings at their defaults for this run, or NULL. */
  json_t *(*defaults)(cutlab_context *context, const cutlab_report_run *run);
};

/* source_simulated.c, source_trained.c */
extern const cutlab_report_source cutlab_report_simulated, cutlab_report_trained;

/* Runs of one kind that agree in every setting but method and seed. */
typedef struct cutlab_report_group {
  const cutlab_report_source *source;
  char *name, *slug; /* to read; for file names and anchors; both unique */
  char *differs;     /* ", batch 64": what differs from related groups and is not in the name */
  json_t *key;       /* the settings that they agree in */
  int first, count;  /* its runs, by method, then seed */
  int twin;          /* the group that differs in `sampling` only, or -1 */
} cutlab_report_group;

typedef struct cutlab_report {
  cutlab_report_method *methods;
  int method_count;
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

/* load.c: finds and reads run folders; release with cutlab_report_clear. */
cutlab_status cutlab_report_load(cutlab_context *context, cutlab_report *report,
                                 const char *const *paths, int count);
void cutlab_report_clear(cutlab_report *report);
void cutlab_report_clear_run(cutlab_report_run *run);
/* methods.c: makes the list of methods and gives every run its place in it. */
cutlab_status cutlab_report_list_methods(cutlab_context *context, cutlab_report *report);
/* The colour of a method by its name, in any case; of another, the next of those left: *others
   counts them. */
const char *cutlab_report_colour(const char *label, int *others);
/* group.c: sorts the runs into groups and names these; of runs that repeat group, method and seed
   it keeps the first by path of those that are finished, if any is, with a warning. */
cutlab_status cutlab_report_group_runs(cutlab_context *context, cutlab_report *report);
/* names.c: names of groups whose runs are in order. */
cutlab_status cutlab_report_name_groups(cutlab_context *context, cutlab_report *report);
/* The place of a name among `count` of them, -1 if none. */
int cutlab_report_find_name(const char *name, const char *(*name_of)(int), int count);
const char *cutlab_report_rarity_name(int rarity);

/* The latest measurement, or NULL. */
const cutlab_report_point *cutlab_report_last(const cutlab_report_run *run);
/* The double at `offset` in cutlab_report_point at the latest measurement that has it, or NaN. */
double cutlab_report_last_value(const cutlab_report_run *run, size_t offset);
/* The value of a setting, or NULL; its text, or "". */
const json_t *cutlab_report_setting(const cutlab_report_run *run, const char *name);
const char *cutlab_report_setting_text(const cutlab_report_run *run, const char *name);
/* The text with blanks, line ends and comments (# to a line's end) as single blanks, in fresh
   memory or NULL; release with free. */
char *cutlab_report_one_line(const char *text);
/* Whether there is a run of that kind. */
bool cutlab_report_has(const cutlab_report *report, const cutlab_report_source *source);
/* Runs of a method in a group (-1: any). */
int cutlab_report_seeds(const cutlab_report *report, int group, int method);
int cutlab_report_unfinished(const cutlab_report *report, int group, int method);
/* Spread of cutlab_report_last_value. */
cutlab_report_spread cutlab_report_final(const cutlab_report *report, int group, int method,
                                         size_t offset);
#define CUTLAB_REPORT_FINAL(report, group, method, field)                                          \
  cutlab_report_final(report, group, method, offsetof(cutlab_report_point, field))
/* Whether the group's accuracies on fresh points are known by Monte Carlo only. */
bool cutlab_report_estimated(const cutlab_report *report, int group);
/* The theory's population accuracy, NaN where there is none. */
double cutlab_report_theory(const cutlab_report *report, int group, int method);
/* The optimum z of the group's CutMix, NaN where there is none. */
double cutlab_report_optimum(const cutlab_report *report, int group);
/* One line: data, sizes, length, other differences. */
void cutlab_report_describe(FILE *stream, const cutlab_report *report, int group);
/* command.c: the command line of a run, with every setting that is not at its default. */
json_t *cutlab_report_command(cutlab_context *context, const cutlab_report_run *run);

/* table.c: the plain-text table. */
void cutlab_report_table(FILE *stream, const cutlab_report *report);
/* csv.c: the .csv files for the runs that there are. */
cutlab_status cutlab_report_csv(cutlab_context *context, const char *folder,
                                const cutlab_report *report);
/* notes.c: sentences about a group, each computed from its measurements: [string, ...]. */
json_t *cutlab_report_notes(const cutlab_report *report, int group);
/* Appends a sentence to such an array. */
void cutlab_report_say(json_t *notes, const char *format, ...) CUTLAB_PRINTF(2, 3);
/* Whether features of a rarity are learnt, which notes.c defines: 1 in every seed, 0 in none, -1
   in some, -2 where that cannot be said. */
int cutlab_report_learnt(const cutlab_report *report, int group, int method, int rarity);
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
/* Removes a file, or a figure in all its forms, that an earlier report may have left. */
cutlab_status cutlab_report_remove(cutlab_context *context, const char *folder, const char *name);
cutlab_status cutlab_report_remove_figure(cutlab_context *context, const char *folder,
                                          const char *name);
/* The specification with its data and the print style inside: a complete file. */
json_t *cutlab_report_figure_file(const cutlab_report_figure *figure);

/* Text of a JSON value in one line with 6 significant digits, or NULL; release with free.
   Does not take the reference. */
char *cutlab_report_compact(const json_t *value);

/* assets.S: files as NUL-terminated text. */
extern const char cutlab_asset_vega[], cutlab_asset_vega_lite[], cutlab_asset_vega_embed[];
extern const char cutlab_asset_html[], cutlab_asset_css[], cutlab_asset_js[];
extern const char cutlab_asset_common[], cutlab_asset_sections_css[];
extern const char cutlab_asset_curves[], cutlab_asset_accuracy[], cutlab_asset_overview[];
extern const char cutlab_asset_style[], cutlab_asset_log_axis[], cutlab_asset_render[];
extern const char cutlab_asset_sheet_css[];

#endif
