/* Figures: the Vega-Lite templates of src/report/page, filled with a group's measurements. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report/figures.h"

/* Width of a panel in print, by the number of panels. */
static const int panel_width[cutlab_max_panels + 1] = {0, 420, 300, 220, 180};

/* Takes a layer out: without data it makes Vega complain about its scales. Returns it. */
static json_t *take_layer(json_t *spec, const char *name) {
  size_t i;
  json_t *layer, *layers = json_object_get(spec, "layer");
  json_array_foreach(layers, i, layer) {
    if (strcmp(json_string_value(json_object_get(layer, "name")), name) != 0) continue;
    json_incref(layer);
    json_array_remove(layers, i);
    return layer;
  }
  return NULL;
}

/* Takes the layer of the theory out; its scale and axis go to the next one. */
static void drop_theory(json_t *spec, const char *channel) {
  json_t *layer = take_layer(spec, "theory");
  json_t *next = json_array_get(json_object_get(spec, "layer"), 0);
  json_object_update_missing(json_object_get(json_object_get(next, "encoding"), channel),
                             json_object_get(json_object_get(layer, "encoding"), channel));
  json_decref(layer);
}

/* Whether two groups are trained networks that differ in nothing but the model. */
static bool same_but_model(const cutlab_report *report, int a, int b) {
  if (report->groups[a].source != &cutlab_report_trained ||
      report->groups[b].source != &cutlab_report_trained)
    return false;
  json_t *copy = json_copy(report->groups[a].key);
  json_object_set(copy, "model", json_object_get(report->groups[b].key, "model"));
  bool same = json_equal(copy, report->groups[b].key);
  json_decref(copy);
  return same;
}

/* Groups that a figure is about: one, those that differ from `family` in the model only, or all of
   a kind; numbers that do not apply are -1. */
typedef struct scope {
  int group, family;
  const cutlab_report_source *source;
} scope;

static bool in_scope(const cutlab_report *report, const scope *about, int group) {
  if (about->group >= 0) return group == about->group;
  if (about->family >= 0) return same_but_model(report, about->family, group);
  return report->groups[group].source == about->source;
}

/* Labels or colours of the methods that there are runs of. */
static json_t *present_methods(const cutlab_report *report, const scope *about, bool colours) {
  json_t *list = json_array();
  for (int i = 0; i < report->method_count; ++i) {
    bool present = false;
    for (int group = 0; group < report->group_count && !present; ++group)
      present = in_scope(report, about, group) && cutlab_report_seeds(report, group, i);
    if (present)
      json_array_append_new(
          list, json_string(colours ? report->methods[i].colour : report->methods[i].label));
  }
  return list;
}

static double last_time(const cutlab_report *report, int group) {
  double last = 1;
  for (int i = 0; i < report->groups[group].count; ++i) {
    const cutlab_report_point *point =
        cutlab_report_last(&report->runs[report->groups[group].first + i]);
    if (point) last = fmax(last, point->time);
  }
  return last;
}

/* Iterations on a symmetric-log axis, which has a place for 0, where they were logged at
   logarithmic spacing. Vega would put its ticks evenly: name the powers of ten. */
static json_t *time_axis(const cutlab_report *report, int group) {
  const cutlab_report_run *run = &report->runs[report->groups[group].first];
  const char *spacing = json_string_value(cutlab_report_setting(run, "log_spacing"));
  const char *time = run->source->time;
  double last = last_time(report, group);
  json_t *x = json_pack("{s:s, s:s, s:s, s:{s:b, s:[i, f]}, s:{s:s, s:b}}", "field", time, "type",
                        "quantitative", "title", time, "scale", "nice", 0, "domain", 0, last,
                        "axis", "labelExpr", "format(datum.value, '~s')", "labelFlush", 0);
  if (!spacing || strcmp(spacing, "log") != 0) {
    json_object_set_new(json_object_get(x, "axis"), "tickCount", json_integer(5));
    if (run->source == &cutlab_report_trained)
      json_object_set_new(json_object_get(x, "axis"), "tickMinStep", json_integer(1));
    return x;
  }
  json_t *values = json_pack("[i]", 0);
  for (json_int_t value = 1; (double)value <= last && value < INT64_MAX / 10; value *= 10)
    json_array_append_new(values, json_integer(value));
  json_object_set_new(json_object_get(x, "axis"), "values", values);
  json_object_set_new(json_object_get(x, "scale"), "type", json_string("symlog"));
  json_object_set_new(json_object_get(x, "scale"), "constant", json_integer(1));
  return x;
}

typedef struct range {
  double low, high;
} range;

static range positive_range(const cutlab_report *report, int group, const cutlab_panel *panels,
                            int count) {
  range r = {INFINITY, 0};
  for (int i = 0; i < report->groups[group].count; ++i) {
    const cutlab_report_run *run = &report->runs[report->groups[group].first + i];
    for (int64_t k = 0; k < run->point_count * count; ++k) {
      double value = cutlab_panel_value(run, &run->points[k / count], &panels[k % count]);
      if (!(value > 0) || !isfinite(value)) continue;
      r.low = fmin(r.low, value);
      r.high = fmax(r.high, value);
    }
  }
  return r;
}

/* 1, 2 and 5 times powers of ten around the range. */
static json_t *ticks_of(range r) {
  static const int steps[] = {1, 2, 5};
  json_t *values = json_array();
  for (int power = (int)floor(log10(r.low)); power <= (int)ceil(log10(r.high)); ++power)
    for (int i = 0; i < 3; ++i) {
      double value = steps[i] * pow(10, power);
      if (value >= r.low / 2 && value <= 2 * r.high)
        json_array_append_new(values, json_real(value));
    }
  return values;
}

/* A logarithmic axis. Over two powers of ten and more it names these only: Vega would label
   some of the steps between them. Over less, networks get a few of those steps. */
static json_t *log_axis(const cutlab_report *report, int group, const cutlab_panel *panels,
                        int count) {
  range r = positive_range(report, group, panels, count);
  json_t *axis = json_loads(cutlab_asset_log_axis, 0, NULL);
  if (!(r.high >= 100 * r.low)) {
    if (report->groups[group].source == &cutlab_report_trained && r.high > 0)
      json_object_set_new(axis, "values", ticks_of(r));
    return axis;
  }
  json_t *values = json_array();
  int first = (int)floor(log10(r.low)), last = (int)ceil(log10(r.high));
  for (int power = first; power <= last; power += last - first > 9 ? 2 : 1)
    json_array_append_new(values, json_real(pow(10, power)));
  json_object_set_new(axis, "values", values);
  return axis;
}

/* A logarithmic scale; of networks no wider than the values. */
static json_t *log_scale(const cutlab_report *report, int group) {
  bool trained = report->groups[group].source == &cutlab_report_trained;
  return trained ? json_pack("{s:s, s:b}", "type", "log", "nice", 0)
                 : json_pack("{s:s}", "type", "log");
}

static json_t *panel_labels(const cutlab_panel *panels, int count) {
  json_t *labels = json_array();
  for (int i = 0; i < count; ++i) json_array_append_new(labels, json_string(panels[i].label));
  return labels;
}

/* Title, and below it what is shown and how to read the marks. */
static json_t *figure_title(const char *title, const char *what, const char *key) {
  return json_pack("{s:s, s:[s, s]}", "text", title, "subtitle", what, key);
}

/* Room for the names of methods in full, in as many columns as go above a figure so wide. Vega
   takes a letter to be wider than it is where it has no fonts to measure it. */
static void fit_legend(json_t *bindings, int width) {
  enum { letter = 10, around = 34, least = 420 };
  size_t i, longest = 0;
  const json_t *label;
  json_array_foreach(json_object_get(bindings, "methods"), i, label) {
    if (json_string_length(label) > longest) longest = json_string_length(label);
  }
  int limit = letter * (int)longest, room = width > least ? width : least;
  int columns = room / (limit + around);
  json_object_set_new(bindings, "label_limit", json_integer(limit));
  json_object_set_new(bindings, "legend_columns", json_integer(columns > 1 ? columns : 1));
}

/* What all templates take; of a panel that is so wide, and so many beside each other. */
static json_t *common_bindings(const char *title, const cutlab_report *report, const scope *about,
                               const char *key, int width, int panels) {
  const char *what = about->group < 0 ? "all groups" : report->groups[about->group].name;
  json_t *bindings = json_object();
  json_object_set_new(bindings, "title", figure_title(title, what, key));
  json_object_set_new(bindings, "width", json_integer(width));
  json_object_set_new(bindings, "methods", present_methods(report, about, false));
  json_object_set_new(bindings, "colours", present_methods(report, about, true));
  fit_legend(bindings, width * panels);
  return bindings;
}

/* One or two measurements make no line: dots. */
static void mark_points(json_t *spec, const cutlab_report *report, int group) {
  int64_t longest = 0;
  size_t i;
  json_t *layer;
  for (int k = 0; k < report->groups[group].count; ++k) {
    int64_t count = 0;
    const cutlab_report_run *run = &report->runs[report->groups[group].first + k];
    for (int64_t p = 0; p < run->point_count; ++p) count += !isnan(run->points[p].fresh_accuracy);
    if (count > longest) longest = count;
  }
  if (longest > 2 || report->groups[group].source != &cutlab_report_trained) return;
  json_array_foreach(json_object_get(json_object_get(spec, "spec"), "layer"), i, layer) {
    json_t *mark = json_object_get(layer, "mark");
    if (strcmp(json_string_value(json_object_get(mark, "type")), "line") == 0)
      json_object_set_new(mark, "point", json_true());
  }
}

/* The specification of curves, `datasets` aside. */
static json_t *curves_spec(const cutlab_report *report, int group, const scope *about,
                           const cutlab_curves *c, const cutlab_panel *panels, int count) {
  const cutlab_figure_set *set = cutlab_figure_set_of(report, group);
  json_t *y_scale = c->log ? log_scale(report, group) : json_pack("{s:b}", "zero", 0);
  json_t *y_axis =
      c->log ? log_axis(report, group, panels, count) : json_pack("{s:i}", "tickCount", 5);
  json_t *bindings =
      common_bindings(c->title, report, about, set->curves_key, panel_width[count], count);
  json_object_set_new(bindings, "panels", panel_labels(panels, count));
  json_object_set_new(bindings, "columns", json_integer(count));
  json_object_set_new(bindings, "valid",
                      json_string(c->log ? "datum.value > 0" : "isValid(datum.value)"));
  json_object_set_new(bindings, "average", json_string(set->source->average));
  json_object_set_new(bindings, "x", time_axis(report, group));
  json_object_set_new(bindings, "y_title", json_string(c->y_title));
  json_object_set_new(bindings, "y_scale", y_scale);
  json_object_set_new(bindings, "y_axis", y_axis);
  json_t *spec = cutlab_figure_fill(cutlab_asset_curves, bindings);
  mark_points(spec, report, group);
  return spec;
}

static bool add_curves(cutlab_report_figure *figure, const cutlab_report *report, int group,
                       const cutlab_curves *c) {
  cutlab_panel panels[cutlab_max_panels];
  int count = cutlab_panels_filled(panels, report, group, c->panels, cutlab_max_panels);
  if (count == 0) return false;
  const scope about = {.group = group, .family = -1};
  figure->spec = curves_spec(report, group, &about, c, panels, count);
  json_t *optimum = cutlab_optimum_rows(report, group, c->optimum_caption != NULL);
  bool shown = json_array_size(optimum) > 0;
  if (!shown) json_decref(take_layer(json_object_get(figure->spec, "spec"), "optimum"));
  figure->datasets = json_pack("{s:o, s:o}", "measurements",
                               cutlab_measurement_rows(report, group, panels, count, c->log, NULL),
                               "optimum", optimum);
  figure->title = c->title;
  figure->caption = shown ? c->optimum_caption : c->caption;
  return true;
}

static bool add_accuracy(cutlab_report_figure *figure, const cutlab_report *report, int group) {
  const cutlab_figure_set *set = cutlab_figure_set_of(report, group);
  cutlab_panel panels[cutlab_max_panels];
  int count = cutlab_panels_filled(panels, report, group, set->accuracy, cutlab_max_panels);
  if (count == 0) return false;
  json_t *theory = cutlab_theory_rows(report, group);
  const cutlab_finals_words *words = json_array_size(theory) ? &set->predicted : &set->finals;
  figure->title = words->title;
  figure->caption = words->caption;
  const scope about = {.group = group, .family = -1};
  json_t *bindings =
      common_bindings(figure->title, report, &about, words->key, count > 1 ? 110 * count : 220, 1);
  json_object_set_new(bindings, "panels", panel_labels(panels, count));
  json_object_set_new(bindings, "x_title",
                      count > 1 ? json_string(set->x_title)
                                : json_sprintf("all %s", set->source->examples));
  json_object_set_new(bindings, "x_labels", json_boolean(count > 1));
  json_object_set_new(bindings, "value_title", json_string(set->value_title));
  figure->spec = cutlab_figure_fill(cutlab_asset_accuracy, bindings);
  if (json_array_size(theory) == 0) drop_theory(figure->spec, "y");
  figure->datasets = json_pack("{s:o, s:o}", "finals",
                               cutlab_final_rows(report, group, panels, count), "theory", theory);
  return true;
}

/* Bytes of the longest part of a name between commas; counts the parts. */
static size_t longest_part(const char *name, int *parts) {
  size_t longest = 0;
  for (*parts = 1;; ++*parts) {
    const char *end = strstr(name, ", ");
    size_t length = end ? (size_t)(end - name) : strlen(name);
    if (length > longest) longest = length;
    if (!end) return longest;
    name = end + 2;
  }
}

/* Names in full: long ones in lines, and as much room as Vega takes text to need where it has no
   fonts to measure it, 0.8 of the font's size a letter. */
static void fit_labels(json_t *spec) {
  enum { one_line = 26, letter = 10, line_height = 14, step = 13 };
  const json_t *encoding = json_object_get(spec, "encoding"), *name;
  const json_t *y = json_object_get(encoding, "y");
  const json_t *scale = json_object_get(json_object_get(encoding, "yOffset"), "scale");
  double methods = (double)json_array_size(json_object_get(scale, "domain"));
  size_t i, longest = 0, longest_line = 0;
  json_t *axis = json_object_get(y, "axis");
  int most = 1;
  json_array_foreach(json_object_get(y, "sort"), i, name) {
    int lines;
    size_t line = longest_part(json_string_value(name), &lines);
    if (json_string_length(name) > longest) longest = json_string_length(name);
    if (line > longest_line) longest_line = line;
    if (lines > most) most = lines;
  }
  bool broken = longest > one_line && most > 1;
  size_t width = letter * (broken ? longest_line : longest);
  json_object_set_new(axis, "labelLimit", json_integer((json_int_t)width));
  if (!broken) return;
  json_object_set_new(axis, "labelExpr", json_string("split(datum.label, ', ')"));
  json_object_set_new(axis, "labelOffset",
                      json_pack("{s:s}", "expr", "7 - 7 * length(split(datum.value, ', '))"));
  json_object_set_new(json_object_get(spec, "height"), "step",
                      json_real(fmax(step, ceil(line_height * most / methods))));
}

/* The accuracies of all groups of a kind, if there are several. */
static bool add_overview(cutlab_report_figure *figure, const cutlab_report *report,
                         const cutlab_figure_set *set) {
  json_t *names = json_array(), *finals = json_array(), *theory = json_array();
  for (int i = 0; i < report->group_count; ++i) {
    cutlab_panel kept[1];
    if (report->groups[i].source != set->source) continue;
    if (!cutlab_panels_filled(kept, report, i, set->accuracy, 1)) continue;
    json_array_append_new(names, json_string(report->groups[i].name));
    json_t *group_finals = cutlab_final_rows(report, i, NULL, 0);
    json_t *group_theory = cutlab_theory_rows(report, i);
    json_array_extend(finals, group_finals);
    json_array_extend(theory, group_theory);
    json_decref(group_finals);
    json_decref(group_theory);
  }
  const cutlab_finals_words *words = json_array_size(theory) ? &set->predicted : &set->finals;
  figure->title = set->overview_title;
  figure->caption = words->caption;
  bool wanted = json_array_size(names) > 1;
  const scope about = {.group = -1, .family = -1, .source = set->source};
  json_t *bindings = common_bindings(figure->title, report, &about, words->key, 420, 1);
  json_object_set_new(bindings, "groups", names);
  json_object_set_new(bindings, "value_title", json_string(set->value_title));
  figure->spec = cutlab_figure_fill(cutlab_asset_overview, bindings);
  fit_labels(figure->spec);
  if (json_array_size(theory) == 0) drop_theory(figure->spec, "x");
  figure->datasets = json_pack("{s:o, s:o}", "finals", finals, "theory", theory);
  if (wanted) return true;
  json_decref(figure->spec);
  json_decref(figure->datasets);
  memset(figure, 0, sizeof *figure);
  return false;
}

/* The model in at most 40 characters; `row` makes two that begin alike different. */
static char *model_label(const cutlab_report *report, int group, int row) {
  enum { enough = 40 };
  char *label;
  const char *model = json_string_value(json_object_get(report->groups[group].key, "model"));
  int written = strlen(model) <= enough
                    ? asprintf(&label, "%s", model)
                    : asprintf(&label, "%.*s... (model %d)", enough - 13, model, row + 1);
  return written < 0 ? NULL : label;
}

/* One row of the comparison of models: the group's curves, cut out of all data. */
static json_t *model_row(const cutlab_report *report, int group, int family, const cutlab_curves *c,
                         const cutlab_panel *panels, int count, const char *label) {
  const scope about = {.group = -1, .family = family};
  json_t *row = curves_spec(report, group, &about, c, panels, count);
  json_t *layer, *transform = json_object_get(row, "transform");
  size_t i;
  json_decref(take_layer(json_object_get(row, "spec"), "optimum"));
  json_array_foreach(json_object_get(json_object_get(row, "spec"), "layer"), i, layer)
      json_object_del(layer, "name"); /* unique in a figure */
  json_object_del(row, "$schema");
  json_object_del(row, "data");
  json_object_set_new(row, "title",
                      json_pack("{s:s, s:i, s:i}", "text", label, "fontSize", 12, "offset", 4));
  json_array_insert_new(transform, 0,
                        json_pack("{s:{s:s, s:s}}", "filter", "field", "model", "equal", label));
  json_object_set_new(json_object_get(row, "spec"), "height", json_integer(130));
  return row;
}

/* Groups that differ from `first` in the model only: their outputs by rarity, a row for each. False
   where there are none, one of them came before `first`, or no features were planted. */
static bool add_models(cutlab_report_figure *figure, const cutlab_report *report, int first) {
  const cutlab_figure_set *set = cutlab_figure_set_of(report, first);
  const cutlab_curves *c = &set->curves[0];
  cutlab_panel panels[cutlab_max_panels];
  int count = cutlab_panels_filled(panels, report, first, c->panels, cutlab_max_panels);
  for (int i = 0; i < first; ++i)
    if (same_but_model(report, i, first)) return false;
  json_t *rows = json_array(), *data = json_array();
  for (int i = first; i < report->group_count && count; ++i) {
    char *label = same_but_model(report, first, i)
                      ? model_label(report, i, (int)json_array_size(rows))
                      : NULL;
    if (!label) continue;
    json_t *more = cutlab_measurement_rows(report, i, panels, count, c->log, label);
    json_array_append_new(rows, model_row(report, i, first, c, panels, count, label));
    json_array_extend(data, more);
    json_decref(more);
    free(label);
  }
  figure->title = "What is learnt, by model and rarity of the feature";
  figure->caption = c->caption;
  bool wanted = json_array_size(rows) > 1;
  figure->datasets = json_pack("{s:o}", "measurements", data);
  figure->spec = json_pack("{s:s, s:o, s:{s:s}, s:i, s:o}", "$schema",
                           "https://vega.github.io/schema/vega-lite/v6.json", "title",
                           figure_title(figure->title, "one row a model", set->curves_key), "data",
                           "name", "measurements", "spacing", 18, "vconcat", rows);
  if (wanted) return true;
  json_decref(figure->spec);
  json_decref(figure->datasets);
  memset(figure, 0, sizeof *figure);
  return false;
}

/* Names the figure just made and checks that memory sufficed for it. */
static cutlab_status finish(cutlab_context *context, cutlab_report_figure *figure, int group,
                            const char *slug, const char *name) {
  figure->group = group;
  if (asprintf(&figure->name, "%s-%s", slug, name) < 0) figure->name = NULL;
  if (figure->name && figure->spec && figure->datasets) return CUTLAB_OK;
  return cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory: figure %s-%s", slug, name);
}

static cutlab_status add_group(cutlab_context *context, cutlab_report_figure *figures, int *count,
                               const cutlab_report *report, int group) {
  const char *slug = report->groups[group].slug;
  const cutlab_figure_set *set = cutlab_figure_set_of(report, group);
  for (int i = 0; i <= cutlab_max_curves; ++i) {
    if (i == set->accuracy_after && add_accuracy(&figures[*count], report, group))
      CUTLAB_TRY(finish(context, &figures[(*count)++], group, slug, "accuracy"));
    if (i < cutlab_max_curves && set->curves[i].name &&
        add_curves(&figures[*count], report, group, &set->curves[i]))
      CUTLAB_TRY(finish(context, &figures[(*count)++], group, slug, set->curves[i].name));
  }
  return CUTLAB_OK;
}

static cutlab_status add_comparisons(cutlab_context *context, cutlab_report_figure *figures,
                                     int *count, const cutlab_report *report) {
  int made = 0;
  for (int i = 0; i < cutlab_figure_sets; ++i) {
    const cutlab_figure_set *set = cutlab_figure_set_at(i);
    if (add_overview(&figures[*count], report, set))
      CUTLAB_TRY(finish(context, &figures[(*count)++], -1, "all", set->overview_name));
  }
  for (int i = 0; i < report->group_count; ++i) {
    char name[32] = "models";
    if (made) snprintf(name, sizeof name, "models-%d", made + 1);
    if (!add_models(&figures[*count], report, i)) continue;
    CUTLAB_TRY(finish(context, &figures[(*count)++], -1, "all", name));
    ++made;
  }
  return CUTLAB_OK;
}

cutlab_status cutlab_report_figures(cutlab_context *context, cutlab_report_figure **figures,
                                    int *count, const cutlab_report *report) {
  *count = 0;
  int most = cutlab_figure_sets + report->group_count * (cutlab_max_curves + 2);
  *figures = cutlab_allocate(context, most, sizeof **figures);
  if (!*figures) return CUTLAB_ERROR_MEMORY;
  CUTLAB_TRY(add_comparisons(context, *figures, count, report));
  for (int i = 0; i < report->group_count; ++i)
    CUTLAB_TRY(add_group(context, *figures, count, report, i));
  return CUTLAB_OK;
}

void cutlab_report_figures_free(cutlab_report_figure *figures, int count) {
  for (int i = 0; figures && i < count; ++i) {
    free(figures[i].name);
    json_decref(figures[i].spec);
    json_decref(figures[i].datasets);
  }
  free(figures);
}

json_t *cutlab_report_figure_file(const cutlab_report_figure *figure) {
  json_t *file = json_copy(figure->spec);
  json_object_set_new(file, "config", json_loads(cutlab_asset_style, 0, NULL));
  json_object_set(file, "datasets", figure->datasets);
  return file;
}

char *cutlab_report_compact(const json_t *value) {
  return json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(6));
}
