/* Figures of an audit: the templates of src/report/page/audit_*.vl.json, filled. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report/audit_report.h"
#include "report/figures.h"

enum { figure_width = 420, panel_width = 250, most_classes = 40, most_figures = 7 };

/* What all share */

/* The lines of the subtitle are those that are not NULL. */
static json_t *title_of(const char *title, const char *line, const char *more) {
  json_t *lines = json_array();
  if (line) json_array_append_new(lines, json_string(line));
  if (more) json_array_append_new(lines, json_string(more));
  return json_pack("{s:s, s:o}", "text", title, "subtitle", lines);
}

/* Names or colours of the methods from `first` on. */
static json_t *method_list(const cutlab_audit_view *view, int first, bool colours) {
  json_t *list = json_array();
  for (int m = first; m < view->audit->method_count; ++m)
    json_array_append_new(list,
                          json_string(colours ? view->colours[m] : view->audit->methods[m].label));
  return list;
}

static json_t *bindings_of(const cutlab_audit_view *view, int first, int width) {
  return json_pack("{s:i, s:o, s:o, s:s, s:s}", "width", width, "methods",
                   method_list(view, first, false), "colours", method_list(view, first, true),
                   "paper", "white", "ink", "#1b2027");
}

static const char *interval_words(const cutlab_audit_view *view) {
  return cutlab_audit_fewest_trainings(view->audit) < 3
             ? "lines: intervals over examples alone (too few trainings for more)"
             : "lines: intervals over examples and trainings";
}

static void start(cutlab_report_figure *figure, const char *name, const char *title,
                  const char *caption) {
  *figure = (cutlab_report_figure){.name = strdup(name), .title = title, .caption = caption};
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
    json_array_append_new(tables, json_string(names[i]));
    for (int m = 0; m < audit->method_count; ++m)
      for (int s = 0; s < cutlab_audit_statistics; ++s)
        json_array_append_new(rows,
                              statistic_row(names[i], statistic_titles[s], audit->methods[m].label,
                                            &table->rows[m].statistics[s]));
  }
  for (int s = 0; s < cutlab_audit_statistics; ++s)
    json_array_append_new(statistics, json_string(statistic_titles[s]));
  start(
      figure, "cscore-table", "Scores of the examples that are missed",
      "Points are means over trainings, lines their intervals. Lower: only harder examples are "
      "still missed. First all errors of every training, then the same number of each, those where "
      "it is most surely wrong.");
  json_t *bindings = bindings_of(view, 0, panel_width);
  json_object_set_new(
      bindings, "title",
      title_of(figure->title, "points: means over trainings", interval_words(view)));
  json_object_set_new(bindings, "tables", tables);
  json_object_set_new(bindings, "statistics", statistics);
  figure->spec = cutlab_figure_fill(cutlab_asset_audit_table, bindings);
  figure->datasets = json_pack("{s:o}", "statistics", rows);
}

static void add_quantiles(cutlab_report_figure *figure, const cutlab_audit_view *view) {
  const cutlab_audit *audit = view->audit;
  json_t *rows = json_array();
  for (int m = 0; m < audit->method_count; ++m)
    for (int i = 0; i < cutlab_audit_levels; ++i)
      if (!isnan(audit->curves[m].quantile[i]))
        json_array_append_new(rows, json_pack("{s:s, s:f, s:f}", "method", audit->methods[m].label,
                                              "level", i / (cutlab_audit_levels - 1.0), "score",
                                              audit->curves[m].quantile[i]));
  start(figure, "cscore-quantiles", "Quantiles of the scores of missed examples",
        "The score below which a share of a method's errors lies, over all its errors. A lower "
        "curve: harder examples.");
  json_t *bindings = bindings_of(view, 0, figure_width);
  json_object_set_new(bindings, "title",
                      title_of(figure->title, "of all errors; means over trainings", NULL));
  figure->spec = cutlab_figure_fill(cutlab_asset_audit_quantiles, bindings);
  figure->datasets = json_pack("{s:o}", "quantiles", rows);
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
      json_array_append_new(rows,
                            bin_row(method, rates ? low + width / 2 : low, low, width, value));
      if (!rates && bin == cutlab_audit_bins - 1)
        json_array_append_new(rows, bin_row(method, low + width, low, width, value));
    }
  }
  return rows;
}

static void add_bins(cutlab_report_figure *figure, const cutlab_audit_view *view, bool rates) {
  if (rates)
    start(figure, "error-rate-by-score", "Error rate by score",
          "How often networks are wrong about examples of a score, means over trainings. Hard "
          "examples are on the left.");
  else
    start(figure, "cscore-histogram", "Where the errors lie",
          "Shares of a method's errors by score, means over trainings. Hard examples are on the "
          "left.");
  json_t *bindings = bindings_of(view, 0, figure_width);
  json_object_set_new(bindings, "title",
                      title_of(figure->title, "means over trainings, in 20 bins of score", NULL));
  json_object_set_new(bindings, "interpolate", json_string(rates ? "linear" : "step-after"));
  json_object_set_new(bindings, "point", json_boolean(rates));
  json_object_set_new(bindings, "value_title",
                      json_string(rates ? "share of examples missed" : "share of errors"));
  figure->spec = cutlab_figure_fill(cutlab_asset_audit_bins, bindings);
  figure->datasets = json_pack("{s:o}", "bins", bin_rows(view, rates));
}

/* Comparisons */

static void add_gain(json_t *rows, const cutlab_audit_view *view, int comparison,
                     const cutlab_audit_group *group, const char *name) {
  const cutlab_audit *audit = view->audit;
  double low, high, gain = group->gain.value;
  if (isnan(gain)) return;
  cutlab_audit_interval(&low, &high, &group->gain);
  json_array_append_new(
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
  json_object_set_new(bindings, "title",
                      title_of(figure->title, note ? note : "filled: significant after Holm",
                               interval_words(view)));
  json_object_set_new(bindings, "groups", names);
  json_object_set_new(bindings, "value_title", json_string(value_title ? value_title : ""));
  figure->spec = cutlab_figure_fill(cutlab_asset_audit_gain, bindings);
  figure->datasets = json_pack("{s:o}", "gains", rows);
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

static cutlab_status add_classes(cutlab_context *context, cutlab_report_figure *figure,
                                 const cutlab_audit_view *view) {
  const cutlab_audit *audit = view->audit;
  ranked_class *order = cutlab_allocate(context, audit->classes, sizeof *order);
  if (!order) return CUTLAB_ERROR_MEMORY;
  int64_t count = rank_classes(order, audit);
  json_t *rows = json_array(), *names = json_array();
  for (int64_t i = 0; i < count; ++i) {
    if (i >= most_classes / 2 && i < count - most_classes / 2) continue;
    const char *name = audit->comparisons[0].classes[order[i].class].name;
    json_array_append_new(names, json_string(name));
    for (int c = 0; c < audit->method_count - 1; ++c)
      add_gain(rows, view, c, &audit->comparisons[c].classes[order[i].class], name);
  }
  free(order);
  start(figure, "gain-by-class", "Gain by class",
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
    json_array_append_new(names, json_string(name));
    for (int c = 0; c < audit->method_count - 1; ++c)
      add_gain(rows, view, c, &audit->comparisons[c].difficulty[q], name);
  }
  start(figure, "gain-by-difficulty", "Gain by difficulty",
        "Accuracy of a method minus that of the baseline, in percentage points, in groups of "
        "equally many examples. Filled points are significant after Holm's correction over the "
        "groups.");
  gain_figure(figure, view, rows, names, NULL);
}

static void add_change(json_t *rows, json_t *names, const char *what, const char *method,
                       double value, double again) {
  char *name;
  if (asprintf(&name, "%s by %s", what, method) < 0) return;
  json_array_append_new(names, json_string(name));
  json_array_append_new(rows,
                        json_pack("{s:s, s:s, s:o, s:o}", "change", name, "method", method, "value",
                                  cutlab_json_number(value), "again", cutlab_json_number(again)));
  free(name);
}

static void add_changes(cutlab_report_figure *figure, const cutlab_audit_view *view) {
  const cutlab_audit *audit = view->audit;
  json_t *rows = json_array(), *names = json_array();
  bool again = audit->methods[0].training_count > 1;
  for (int c = 0; c < audit->method_count - 1; ++c) {
    const cutlab_audit_comparison *comparison = &audit->comparisons[c];
    const char *method = audit->methods[comparison->method].label;
    add_change(rows, names, "rescued", method, comparison->all.rescued,
               comparison->all.rescued_again);
    add_change(rows, names, "hurt", method, comparison->all.hurt, comparison->all.hurt_again);
  }
  start(figure, "rescued-and-hurt", "Rescued and hurt, beside retraining",
        again ? "Bars: examples that change between a network of the baseline and one of the "
                "method. Ticks: how many change between two networks of the baseline, by chance "
                "alone."
              : "Bars: examples that change between the network of the baseline and that of the "
                "method. How many change by chance alone cannot be told from one training.");
  json_t *bindings = bindings_of(view, 1, figure_width);
  json_object_set_new(
      bindings, "title",
      title_of(figure->title, again ? "tick: retraining the baseline alone" : NULL, NULL));
  json_object_set_new(bindings, "changes", names);
  json_object_set_new(bindings, "value_title",
                      json_string("examples, mean over pairs of trainings"));
  figure->spec = cutlab_figure_fill(cutlab_asset_audit_changes, bindings);
  if (!again) json_array_remove(json_object_get(figure->spec, "layer"), 1);
  figure->datasets = json_pack("{s:o}", "changes", rows);
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
      return cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory: figures");
  return CUTLAB_OK;
}
