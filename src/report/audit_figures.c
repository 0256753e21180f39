/* Figures of an audit: the templates of src/report/page/audit_*.vl.json, filled. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report/audit_report.h"
#include "report/figures.h"

enum { figure_width = 420, panel_width = 250, most_classes = 40 };

/* Every figure that there may be. */
enum {
  table_figure,
  quantiles_figure,
  bins_figure,
  rates_figure,
  changes_figure,
  difficulty_figure,
  classes_figure,
  most_figures
};
static const char *const names_of[most_figures] = {
    "cscore-table",     "cscore-quantiles",   "cscore-histogram", "error-rate-by-score",
    "rescued-and-hurt", "gain-by-difficulty", "gain-by-class"};

/* What all share */

/* The lines of the subtitle are those that are not NULL. */
static json_t *title_of(const char *title, const char *line, const char *more) {
  json_t *lines = json_array();
  if (line) lines = cutlab_audit_with(lines, json_string(line));
  if (more) lines = cutlab_audit_with(lines, json_string(more));
  return json_pack("{s:s, s:o}", "text", title, "subtitle", lines);
}

/* Names or colours of the methods from `first` on. */
static json_t *method_list(const cutlab_audit_view *view, int first, bool colours) {
  json_t *list = json_array();
  for (int m = first; m < view->audit->method_count; ++m)
    list = cutlab_audit_with(
        list, json_string(colours ? view->colours[m] : view->audit->methods[m].label));
  return list;
}

static json_t *bindings_of(const cutlab_audit_view *view, int first, int width) {
  return json_pack("{s:i, s:o, s:o, s:s, s:s}", "width", width, "methods",
                   method_list(view, first, false), "colours", method_list(view, first, true),
                   "paper", "white", "ink", "#1b2027");
}

/* With one more binding; NULL as cutlab_audit_with. */
static json_t *bind(json_t *bindings, const char *name, json_t *value) {
  if (json_object_set_new(bindings, name, value) == 0) return bindings;
  json_decref(bindings);
  return NULL;
}

/* Takes bindings and rows, which may be NULL: then the figure is not complete. */
static void finish(cutlab_report_figure *figure, const char *asset, json_t *bindings,
                   const char *dataset, json_t *rows) {
  figure->spec = bindings ? cutlab_figure_fill(asset, bindings) : NULL;
  figure->datasets = json_pack("{s:o}", dataset, rows);
}

/* Of `count` estimates, those of which `wide` have intervals over trainings too. */
static const char *interval_words(int wide, int count) {
  if (wide == count) return "lines: intervals over examples and trainings";
  return wide ? "lines: intervals over examples and, from 3 trainings on, over trainings"
              : "lines: intervals over examples alone (too few trainings for more)";
}

static const char *words_of_methods(const cutlab_audit *audit) {
  int wide = 0;
  for (int m = 0; m < audit->method_count; ++m) wide += audit->methods[m].training_count >= 3;
  return interval_words(wide, audit->method_count);
}

static const char *words_of_gains(const cutlab_audit *audit) {
  int wide = 0;
  for (int c = 0; c < audit->method_count - 1; ++c)
    wide += !isnan(audit->comparisons[c].all.gain.low);
  return interval_words(wide, audit->method_count - 1);
}

static void start(cutlab_report_figure *figure, int which, const char *title, const char *caption) {
  *figure =
      (cutlab_report_figure){.name = strdup(names_of[which]), .title = title, .caption = caption};
}

/* Scores of missed examples */

static json_t *statistic_row(const char *table, const char *statistic, const char *method,
                             const cutlab_audit_estimate *estimate) {
  double low, high;
  cutlab_audit_interval(&low, &high, estimate);
  return json_pack("{s:s, s:s, s:s, s:o, s:o, s:o}", "table", table, "statistic", statistic,
                   "method", method, "value", cutlab_json_number(estimate->value), "low",
                   cutlab_json_number(isnan(low) ? estimate->value : low), "high",
                   cutlab_json_number(isnan(high) ? estimate->value : high));
}

static const char *const statistic_titles[] = {"mean", "lower quartile", "median",
                                               "upper quartile"};

static void add_table(cutlab_report_figure *figure, const cutlab_audit_view *view) {
  const cutlab_audit *audit = view->audit;
  static const char *const names[] = {"all errors", "equally many errors"};
  json_t *rows = json_array(), *tables = json_array(), *statistics = json_array();
  for (int i = 0; i < 2; ++i) {
    const cutlab_audit_table *table = i ? &audit->matched : &audit->plain;
    if (!table->there) continue;
    tables = cutlab_audit_with(tables, json_string(names[i]));
    for (int m = 0; m < audit->method_count; ++m)
      for (int s = 0; s < cutlab_audit_statistics; ++s)
        rows = cutlab_audit_with(rows, statistic_row(names[i], statistic_titles[s],
                                                     audit->methods[m].label,
                                                     &table->rows[m].statistics[s]));
  }
  for (int s = 0; s < cutlab_audit_statistics; ++s)
    statistics = cutlab_audit_with(statistics, json_string(statistic_titles[s]));
  start(
      figure, table_figure, "Scores of the examples that are missed",
      "Points are means over trainings, lines their intervals. Lower: only harder examples are "
      "still missed. First all errors of every training, then the same number of each, those where "
      "it is most surely wrong.");
  json_t *bindings = bindings_of(view, 0, panel_width);
  bindings = bind(bindings, "title",
                  title_of(figure->title, "points: means over trainings", words_of_methods(audit)));
  bindings = bind(bindings, "tables", tables);
  bindings = bind(bindings, "statistics", statistics);
  finish(figure, cutlab_asset_audit_table, bindings, "statistics", rows);
}

static void add_quantiles(cutlab_report_figure *figure, const cutlab_audit_view *view) {
  const cutlab_audit *audit = view->audit;
  json_t *rows = json_array();
  for (int m = 0; m < audit->method_count; ++m)
    for (int i = 0; i < cutlab_audit_levels; ++i)
      if (!isnan(audit->curves[m].quantile[i]))
        rows =
            cutlab_audit_with(rows, json_pack("{s:s, s:f, s:f}", "method", audit->methods[m].label,
                                              "level", i / (cutlab_audit_levels - 1.0), "score",
                                              audit->curves[m].quantile[i]));
  start(figure, quantiles_figure, "Quantiles of the scores of missed examples",
        "The score below which a share of a method's errors lies, over all its errors. A lower "
        "curve: harder examples.");
  json_t *bindings = bindings_of(view, 0, figure_width);
  bindings =
      bind(bindings, "title", title_of(figure->title, "of all errors; means over trainings", NULL));
  finish(figure, cutlab_asset_audit_quantiles, bindings, "quantiles", rows);
}

static json_t *bin_row(const char *method, double score, double low, double width, double value) {
  return json_pack("{s:s, s:f, s:f, s:f, s:f}", "method", method, "score", score, "low", low,
                   "high", low + width, "value", value);
}

/* Rates at the middle of bins that have examples; steps begin where a bin does, and the last ends
   with its bin. */
static json_t *bin_rows(const cutlab_audit_view *view, bool rates) {
  const cutlab_audit *audit = view->audit;
  json_t *rows = json_array();
  double width = (audit->bin_high - audit->bin_low) / cutlab_audit_bins;
  for (int m = 0; m < audit->method_count; ++m) {
    const cutlab_audit_curves *curves = &audit->curves[m];
    const char *method = audit->methods[m].label;
    for (int bin = 0; bin < cutlab_audit_bins; ++bin) {
      double low = audit->bin_low + bin * width;
      double value = rates ? curves->error_rate[bin] : curves->histogram[bin];
      if (isnan(value)) continue;
      rows = cutlab_audit_with(rows,
                               bin_row(method, rates ? low + width / 2 : low, low, width, value));
      if (!rates && bin == cutlab_audit_bins - 1)
        rows = cutlab_audit_with(rows, bin_row(method, low + width, low, width, value));
    }
  }
  return rows;
}

static void add_bins(cutlab_report_figure *figure, const cutlab_audit_view *view, bool rates) {
  if (rates)
    start(figure, rates_figure, "Error rate by score",
          "How often networks are wrong about examples of a score, means over trainings. Hard "
          "examples are on the left.");
  else
    start(figure, bins_figure, "Where the errors lie",
          "Shares of a method's errors by score, means over trainings. Hard examples are on the "
          "left.");
  json_t *bindings = bindings_of(view, 0, figure_width);
  bindings = bind(bindings, "title",
                  title_of(figure->title, "means over trainings, in 20 bins of score", NULL));
  bindings = bind(bindings, "interpolate", json_string(rates ? "linear" : "step-after"));
  bindings = bind(bindings, "point", json_boolean(rates));
  bindings = bind(bindings, "value_title",
                  json_string(rates ? "share of examples missed" : "share of errors"));
  finish(figure, cutlab_asset_audit_bins, bindings, "bins", bin_rows(view, rates));
}

/* Comparisons */

static json_t *add_gain(json_t *rows, const cutlab_audit_view *view, int comparison,
                        const cutlab_audit_group *group, const char *name) {
  const cutlab_audit *audit = view->audit;
  double low, high, gain = group->gain.value;
  if (isnan(gain)) return rows;
  cutlab_audit_interval(&low, &high, &group->gain);
  return cutlab_audit_with(
      rows, json_pack("{s:s, s:s, s:f, s:f, s:f, s:s}", "method",
                      audit->methods[audit->comparisons[comparison].method].label, "group", name,
                      "gain", 100 * gain, "low", 100 * (isnan(low) ? gain : low), "high",
                      100 * (isnan(high) ? gain : high), "significant",
                      cutlab_audit_significant(audit, &group->gain) ? "yes" : "no"));
}

/* Fills the template of gains; takes rows and names. */
static void gain_figure(cutlab_report_figure *figure, const cutlab_audit_view *view, json_t *rows,
                        json_t *names, const char *note) {
  char *value_title;
  if (asprintf(&value_title, "gain in accuracy over %s, percentage points",
               view->audit->methods[0].label) < 0)
    value_title = NULL;
  json_t *bindings = bindings_of(view, 1, figure_width);
  bindings = bind(bindings, "title",
                  title_of(figure->title, note ? note : "filled: significant after Holm",
                           words_of_gains(view->audit)));
  bindings = bind(bindings, "groups", names);
  bindings = bind(bindings, "value_title", json_string(value_title ? value_title : ""));
  finish(figure, cutlab_asset_audit_gain, bindings, "gains", rows);
  free(value_title);
}

typedef struct ranked_class {
  double gain;
  int64_t class;
} ranked_class;

static int by_gain(const void *first, const void *second) {
  const ranked_class *a = first, *b = second;
  if (a->gain != b->gain) return a->gain > b->gain ? -1 : 1;
  return (a->class > b->class) - (a->class < b->class);
}

/* Classes with examples by their mean gain over the comparisons, in `order`; how many. */
static int64_t rank_classes(ranked_class *order, const cutlab_audit *audit) {
  int64_t count = 0;
  for (int64_t k = 0; k < audit->classes; ++k) {
    double gain = 0;
    for (int c = 0; c < audit->method_count - 1; ++c)
      gain += audit->comparisons[c].classes[k].gain.value;
    if (!isnan(gain)) order[count++] = (ranked_class){gain, k};
  }
  qsort(order, (size_t)count, sizeof *order, by_gain);
  return count;
}

/* The name of a class, with its id where another has the same; release with free. */
static char *class_title(const cutlab_audit *audit, int64_t class) {
  const cutlab_audit_group *groups = audit->comparisons[0].classes;
  const char *name = groups[class].name;
  char *title;
  bool same = false;
  for (int64_t k = 0; k < audit->classes && !same; ++k)
    same = k != class && strcmp(groups[k].name, name) == 0;
  int length =
      same ? asprintf(&title, "%s (%lld)", name, (long long)class) : asprintf(&title, "%s", name);
  return length < 0 ? NULL : title;
}

static cutlab_status add_classes(cutlab_context *context, cutlab_report_figure *figure,
                                 const cutlab_audit_view *view) {
  const cutlab_audit *audit = view->audit;
  ranked_class *order = cutlab_allocate(context, audit->classes, sizeof *order);
  if (!order) return CUTLAB_ERROR_MEMORY;
  int64_t count = rank_classes(order, audit);
  json_t *rows = json_array(), *names = json_array();
  for (int64_t i = 0; i < count; ++i) {
    if (i >= most_classes / 2 && i < count - most_classes / 2) continue;
    char *name = class_title(audit, order[i].class);
    names = cutlab_audit_with(names, json_string(name));
    for (int c = 0; c < audit->method_count - 1; ++c)
      rows = add_gain(rows, view, c, &audit->comparisons[c].classes[order[i].class], name);
    free(name);
  }
  free(order);
  start(figure, classes_figure, "Gain by class",
        count > most_classes
            ? "Accuracy of a method minus that of the baseline, in percentage points, with "
              "intervals, "
              "of the 20 classes that gain most and the 20 that gain least. Filled points are "
              "significant after Holm's correction over all classes."
            : "Accuracy of a method minus that of the baseline, in percentage points, with "
              "intervals. "
              "Filled points are significant after Holm's correction over the classes.");
  gain_figure(figure, view, rows, names,
              count > most_classes
                  ? "the 20 classes that gain most and least; filled: significant after Holm"
                  : NULL);
  return CUTLAB_OK;
}

static void add_difficulty(cutlab_report_figure *figure, const cutlab_audit_view *view) {
  const cutlab_audit *audit = view->audit;
  json_t *rows = json_array(), *names = json_array();
  int64_t groups = cutlab_audit_difficulties(audit);
  for (int64_t q = 0; q < groups; ++q) {
    char name[64];
    snprintf(name, sizeof name, "%lld of %lld%s", (long long)q + 1, (long long)groups,
             q == 0            ? ", hardest"
             : q == groups - 1 ? ", easiest"
                               : "");
    names = cutlab_audit_with(names, json_string(name));
    for (int c = 0; c < audit->method_count - 1; ++c)
      rows = add_gain(rows, view, c, &audit->comparisons[c].difficulty[q], name);
  }
  start(figure, difficulty_figure, "Gain by difficulty",
        "Accuracy of a method minus that of the baseline, in percentage points, in groups of "
        "equally many examples. Filled points are significant after Holm's correction over the "
        "groups.");
  gain_figure(figure, view, rows, names, NULL);
}

/* A bar; `name` as "rescued by CutMix". */
static json_t *change_row(const char *name, const char *method, double value, double again) {
  return json_pack("{s:s, s:s, s:o, s:o}", "change", name, "method", method, "value",
                   cutlab_json_number(value), "again", cutlab_json_number(again));
}

static void add_changes(cutlab_report_figure *figure, const cutlab_audit_view *view) {
  const cutlab_audit *audit = view->audit;
  json_t *rows = json_array(), *names = json_array();
  bool again = audit->methods[0].training_count > 1;
  for (int i = 0; i < 2 * (audit->method_count - 1); ++i) {
    const cutlab_audit_comparison *comparison = &audit->comparisons[i / 2];
    const cutlab_audit_group *all = &comparison->all;
    const char *method = audit->methods[comparison->method].label;
    char *name = NULL;
    if (asprintf(&name, "%s by %s", i % 2 ? "hurt" : "rescued", method) < 0) name = NULL;
    names = cutlab_audit_with(names, json_string(name));
    rows = cutlab_audit_with(rows, change_row(name, method, i % 2 ? all->hurt : all->rescued,
                                              i % 2 ? all->hurt_again : all->rescued_again));
    free(name);
  }
  start(figure, changes_figure, "Rescued and hurt, beside retraining",
        again ? "Bars: examples that change between a network of the baseline and one of the "
                "method. Ticks: how many change between two networks of the baseline, by chance "
                "alone."
              : "Bars: examples that change between the network of the baseline and that of the "
                "method. How many change by chance alone cannot be told from one training.");
  json_t *bindings = bindings_of(view, 1, figure_width);
  bindings =
      bind(bindings, "title",
           title_of(figure->title, again ? "tick: retraining the baseline alone" : NULL, NULL));
  bindings = bind(bindings, "changes", names);
  bindings = bind(bindings, "value_title", json_string("examples, mean over pairs of trainings"));
  finish(figure, cutlab_asset_audit_changes, bindings, "changes", rows);
  if (!again) json_array_remove(json_object_get(figure->spec, "layer"), 1);
}

/* All */

static cutlab_status add_all(cutlab_context *context, cutlab_report_figure *figures, int *count,
                             const cutlab_audit_view *view) {
  const cutlab_audit *audit = view->audit;
  if (audit->plain.there || audit->matched.there) add_table(&figures[(*count)++], view);
  if (audit->curves) {
    add_quantiles(&figures[(*count)++], view);
    add_bins(&figures[(*count)++], view, false);
    add_bins(&figures[(*count)++], view, true);
  }
  if (audit->method_count < 2) return CUTLAB_OK;
  add_changes(&figures[(*count)++], view);
  add_difficulty(&figures[(*count)++], view);
  return add_classes(context, &figures[(*count)++], view);
}

cutlab_status cutlab_audit_figures(cutlab_context *context, cutlab_report_figure **figures,
                                   int *count, const cutlab_audit_view *view) {
  *count = 0;
  *figures = cutlab_allocate(context, most_figures, sizeof **figures);
  if (!*figures) return CUTLAB_ERROR_MEMORY;
  CUTLAB_TRY(add_all(context, *figures, count, view));
  for (int i = 0; i < *count; ++i)
    if (!(*figures)[i].name || !(*figures)[i].spec || !(*figures)[i].datasets)
      return cutlab_fail(context, CUTLAB_ERROR_MEMORY,
                         "out of memory, or a name is not UTF-8: figures");
  return CUTLAB_OK;
}

cutlab_status cutlab_audit_remove_figures(cutlab_context *context, const char *folder,
                                          const cutlab_report_figure *figures, int count) {
  for (int f = 0; f < most_figures; ++f) {
    bool there = false;
    for (int i = 0; i < count; ++i) there |= strcmp(figures[i].name, names_of[f]) == 0;
    if (!there) CUTLAB_TRY(cutlab_report_remove_figure(context, folder, names_of[f]));
  }
  return CUTLAB_OK;
}
