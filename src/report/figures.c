/* Figures: the Vega-Lite templates of src/report/page, filled with a group's measurements. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report/report_internal.h"

/* Measurements shown per run: more than a screen resolves are left out. */
enum { shown_points = 120, max_panels = 4 };

typedef struct panel {
  const char *label;
  size_t offset;    /* of a double in cutlab_report_point */
  bool cutmix_only; /* not defined for the other methods */
} panel;

/* A figure of curves over the iterations. */
typedef struct curves {
  const char *name, *title, *caption, *y_title;
  bool log; /* a logarithmic y, of positive values */
  bool optimum;
  panel panels[max_panels];
} curves;

#define OFFSET(field) offsetof(cutlab_report_point, field)

static const curves all_curves[] = {
    {"features",
     "What is learnt, by rarity of the feature",
     "The network's output for a feature alone, signed so that learnt is positive. Line: median "
     "over seeds; band: their range; dashed: the value that minimises the CutMix loss.",
     "φ(⟨w₊, v⟩) − φ(⟨w₋, v⟩)",
     false,
     true,
     {{"common", OFFSET(output[0]), false},
      {"rare", OFFSET(output[1]), false},
      {"extremely rare", OFFSET(output[2]), false}}},
    {"loss",
     "Training loss",
     "Each method's own exact objective; for CutMix also what is left above its least possible "
     "value.",
     "loss",
     true,
     false,
     {{"loss", OFFSET(loss), false}, {"CutMix: loss − minimum", OFFSET(excess_loss), true}}},
    {"accuracy-curves",
     "Accuracy on fresh points, as training goes",
     "Exact population accuracy, overall and where the fresh point has a feature of that rarity.",
     "population accuracy",
     false,
     false,
     {{"all points", OFFSET(population_accuracy), false},
      {"common", OFFSET(accuracy[0]), false},
      {"rare", OFFSET(accuracy[1]), false},
      {"extremely rare", OFFSET(accuracy[2]), false}}},
    {"evenness",
     "How evenly the training patches are learnt",
     "Root mean square of y a / z − 1 over training patches: 0 is perfectly even, 1 is nothing "
     "learnt (or as far off).",
     "distance from even",
     true,
     false,
     {{"feature patches", OFFSET(evenness_by_kind[0]), false},
      {"dominant-noise patches", OFFSET(evenness_by_kind[1]), false},
      {"background-noise patches", OFFSET(evenness_by_kind[2]), false}}},
};

enum { curve_figures = sizeof all_curves / sizeof *all_curves };

static const panel accuracy_panels[] = {{"any", OFFSET(population_accuracy), false},
                                        {"common", OFFSET(accuracy[0]), false},
                                        {"rare", OFFSET(accuracy[1]), false},
                                        {"extremely rare", OFFSET(accuracy[2]), false}};
enum { accuracy_panel_count = sizeof accuracy_panels / sizeof *accuracy_panels };

static const char curves_key[] = "Measured by CutLab. Line: median over seeds; band: range.";
static const char finals_key[] =
    "Measured by CutLab. Dots: seeds; bar: mean; hollow diamond: theory.";
/* Width of a panel in print, by the number of panels. */
static const int panel_width[max_panels + 1] = {0, 420, 300, 220, 180};

static const char finals_caption[] =
    "After the last measurement. Dots: seeds; bar: their mean; hollow diamond: what the theory "
    "predicts.";

/* A copy of a template in which every string "@name" is the value of that binding. */
static json_t *fill(const json_t *template, const json_t *bindings) {
  const char *key, *text = json_string_value(template);
  size_t i;
  json_t *value, *copy;
  value = text && text[0] == '@' ? json_object_get(bindings, text + 1) : NULL;
  if (value) return json_deep_copy(value);
  if (json_is_object(template)) {
    copy = json_object();
    json_object_foreach((json_t *)template, key, value)
        json_object_set_new(copy, key, fill(value, bindings));
    return copy;
  }
  if (json_is_array(template)) {
    copy = json_array();
    json_array_foreach(template, i, value) json_array_append_new(copy, fill(value, bindings));
    return copy;
  }
  return json_deep_copy(template);
}

static json_t *fill_asset(const char *asset, json_t *bindings) {
  json_t *template = json_loads(asset, 0, NULL);
  json_t *filled = fill(template, bindings);
  json_decref(template);
  json_decref(bindings);
  return filled;
}

/* A layer without data makes Vega complain about its scales. */
static void drop_layer(json_t *spec, const char *name) {
  size_t i;
  json_t *layer, *layers = json_object_get(spec, "layer");
  json_array_foreach(layers, i, layer) {
    if (strcmp(json_string_value(json_object_get(layer, "name")), name) != 0) continue;
    json_array_remove(layers, i);
    return;
  }
}

static json_t *method_labels(void) {
  json_t *labels = json_array();
  for (int i = 0; i < cutlab_report_methods; ++i)
    json_array_append_new(labels, json_string(cutlab_report_method_label((cutlab_method)i)));
  return labels;
}

/* The labels of the methods that a group (-1: any group) has runs of. */
static json_t *present_methods(const cutlab_report *report, int group) {
  json_t *labels = json_array();
  for (int i = 0; i < cutlab_report_methods; ++i) {
    bool present = false;
    for (int k = 0; k < report->run_count && !present; ++k)
      present = (group < 0 || report->runs[k].group == group) && (int)report->runs[k].method == i;
    if (present)
      json_array_append_new(labels, json_string(cutlab_report_method_label((cutlab_method)i)));
  }
  return labels;
}

static json_t *method_colours(void) {
  json_t *colours = json_array();
  for (int i = 0; i < cutlab_report_methods; ++i)
    json_array_append_new(colours, json_string(cutlab_report_method_colour((cutlab_method)i)));
  return colours;
}

static double last_iteration(const cutlab_report *report, int group) {
  double last = 1;
  for (int i = 0; i < report->groups[group].count; ++i) {
    const cutlab_report_point *point =
        cutlab_report_last(&report->runs[report->groups[group].first + i]);
    if (point) last = fmax(last, point->iteration);
  }
  return last;
}

/* Iterations on a symmetric-log axis, which has a place for 0, where they were logged at
   logarithmic spacing. Vega would put its ticks evenly: name the powers of ten. */
static json_t *iteration_axis(const cutlab_report *report, int group) {
  const cutlab_report_run *run = &report->runs[report->groups[group].first];
  const char *spacing = json_string_value(cutlab_report_parameter(run, "log_spacing"));
  double last = last_iteration(report, group);
  json_t *x = json_pack("{s:s, s:s, s:s, s:{s:b, s:[i, f]}, s:{s:s, s:b}}", "field", "iteration",
                        "type", "quantitative", "title", "iteration", "scale", "nice", 0, "domain",
                        0, last, "axis", "labelExpr", "format(datum.value, '~s')", "labelFlush", 0);
  if (!spacing || strcmp(spacing, "log") != 0) {
    json_object_set_new(json_object_get(x, "axis"), "tickCount", json_integer(5));
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

static double panel_value(const cutlab_report_run *run, const cutlab_report_point *point,
                          const panel *p) {
  if (p->cutmix_only && run->method != CUTLAB_CUTMIX) return NAN;
  return *(const double *)((const char *)point + p->offset);
}

/* null where the value has no place in the figure: not finite, or not positive on a
   logarithmic axis. */
static json_t *shown_value(double value, bool log) {
  return log && !(value > 0) ? json_null() : cutlab_json_number(value);
}

static json_t *row_of(const cutlab_report_run *run, const cutlab_report_point *point,
                      const panel *panels, int count, bool log) {
  json_t *row = json_pack("{s:s, s:I, s:I}", "method", cutlab_report_method_label(run->method),
                          "seed", (json_int_t)run->seed, "iteration", (json_int_t)point->iteration);
  for (int i = 0; i < count; ++i)
    json_object_set_new(row, panels[i].label,
                        shown_value(panel_value(run, point, &panels[i]), log));
  return row;
}

/* Which measurements to show: the same ones for every run of a group, so that medians are
   taken over all of them; first and last included. */
static bool shown(int64_t i, int64_t longest) {
  if (longest <= shown_points || i == 0) return true;
  int64_t steps = shown_points - 1;
  return i * steps / (longest - 1) != (i - 1) * steps / (longest - 1);
}

static json_t *measurement_rows(const cutlab_report *report, int group, const panel *panels,
                                int count, bool log) {
  const cutlab_report_run *runs = &report->runs[report->groups[group].first];
  int64_t longest = 0;
  json_t *rows = json_array();
  for (int i = 0; i < report->groups[group].count; ++i)
    if (runs[i].point_count > longest) longest = runs[i].point_count;
  for (int i = 0; i < report->groups[group].count; ++i)
    for (int64_t k = 0; k < runs[i].point_count; ++k)
      if (shown(k, longest))
        json_array_append_new(rows, row_of(&runs[i], &runs[i].points[k], panels, count, log));
  return rows;
}

/* The panels that have a value somewhere in the group: `kept` of them, first in `panels`. */
static int keep_filled(panel *kept, const cutlab_report *report, int group, const panel *panels,
                       int count) {
  int filled = 0;
  for (int p = 0; p < count && panels[p].label; ++p) {
    bool any = false;
    for (int i = 0; i < report->groups[group].count && !any; ++i) {
      const cutlab_report_run *run = &report->runs[report->groups[group].first + i];
      const cutlab_report_point *last = cutlab_report_last(run);
      any = last && isfinite(panel_value(run, last, &panels[p]));
    }
    if (any) kept[filled++] = panels[p];
  }
  return filled;
}

/* A logarithmic axis. Over two powers of ten and more it names these only: Vega would label
   some of the steps between them. */
static json_t *log_axis(const cutlab_report *report, int group, const panel *panels, int count) {
  double low = INFINITY, high = 0;
  for (int i = 0; i < report->groups[group].count; ++i) {
    const cutlab_report_run *run = &report->runs[report->groups[group].first + i];
    for (int64_t k = 0; k < run->point_count * count; ++k) {
      double value = panel_value(run, &run->points[k / count], &panels[k % count]);
      if (!(value > 0) || !isfinite(value)) continue;
      low = fmin(low, value);
      high = fmax(high, value);
    }
  }
  json_t *axis = json_loads(cutlab_asset_log_axis, 0, NULL);
  if (!(high >= 100 * low)) return axis;
  json_t *values = json_array();
  int first = (int)floor(log10(low)), last = (int)ceil(log10(high));
  for (int power = first; power <= last; power += last - first > 9 ? 2 : 1)
    json_array_append_new(values, json_real(pow(10, power)));
  json_object_set_new(axis, "values", values);
  return axis;
}

static json_t *panel_labels(const panel *panels, int count) {
  json_t *labels = json_array();
  for (int i = 0; i < count; ++i) json_array_append_new(labels, json_string(panels[i].label));
  return labels;
}

static json_t *optimum_rows(const cutlab_report *report, int group, bool wanted) {
  double z = cutlab_report_optimum(report, group);
  if (!wanted || isnan(z) || cutlab_report_seeds(report, group, CUTLAB_CUTMIX) == 0)
    return json_array();
  return json_pack("[{s:s, s:f}]", "method", cutlab_report_method_label(CUTLAB_CUTMIX), "value", z);
}

static json_t *theory_rows(const cutlab_report *report, int group) {
  json_t *rows = json_array();
  for (int i = 0; i < cutlab_report_methods; ++i) {
    double theory = cutlab_report_theory(report, group, (cutlab_method)i);
    if (isnan(theory)) continue;
    json_array_append_new(rows, json_pack("{s:s, s:s, s:s, s:f}", "method",
                                          cutlab_report_method_label((cutlab_method)i), "panel",
                                          accuracy_panels[0].label, "group",
                                          report->groups[group].name, "value", theory));
  }
  return rows;
}

static json_t *final_rows(const cutlab_report *report, int group, const panel *panels, int count) {
  json_t *rows = json_array();
  for (int i = 0; i < report->groups[group].count; ++i) {
    const cutlab_report_run *run = &report->runs[report->groups[group].first + i];
    const cutlab_report_point *last = cutlab_report_last(run);
    if (!last) continue;
    json_t *row = row_of(run, last, panels, count, false);
    json_object_set_new(row, "group", json_string(report->groups[group].name));
    json_object_set_new(row, "value", cutlab_json_number(last->population_accuracy));
    json_array_append_new(rows, row);
  }
  return rows;
}

/* Title, and below it the group (-1: all of them) and how to read the marks. */
static json_t *figure_title(const char *title, const cutlab_report *report, int group,
                            const char *key) {
  return json_pack("{s:s, s:[s, s]}", "text", title, "subtitle",
                   group < 0 ? "all groups" : report->groups[group].name, key);
}

/* What all templates take. `group` -1: all groups. */
static json_t *common_bindings(const char *title, const cutlab_report *report, int group,
                               const char *key, int width) {
  json_t *bindings = json_object();
  json_object_set_new(bindings, "title", figure_title(title, report, group, key));
  json_object_set_new(bindings, "width", json_integer(width));
  json_object_set_new(bindings, "present", present_methods(report, group));
  json_object_set_new(bindings, "methods", method_labels());
  json_object_set_new(bindings, "colours", method_colours());
  return bindings;
}

static bool add_curves(cutlab_report_figure *figure, const cutlab_report *report, int group,
                       const curves *c) {
  panel panels[max_panels];
  int count = keep_filled(panels, report, group, c->panels, max_panels);
  if (count == 0) return false;
  json_t *y_scale = c->log ? json_pack("{s:s}", "type", "log") : json_pack("{s:b}", "zero", 0);
  json_t *y_axis =
      c->log ? log_axis(report, group, panels, count) : json_pack("{s:i}", "tickCount", 5);
  json_t *bindings = common_bindings(c->title, report, group, curves_key, panel_width[count]);
  json_object_set_new(bindings, "panels", panel_labels(panels, count));
  json_object_set_new(bindings, "columns", json_integer(count));
  json_object_set_new(bindings, "valid",
                      json_string(c->log ? "datum.value > 0" : "isValid(datum.value)"));
  json_object_set_new(bindings, "x", iteration_axis(report, group));
  json_object_set_new(bindings, "y_title", json_string(c->y_title));
  json_object_set_new(bindings, "y_scale", y_scale);
  json_object_set_new(bindings, "y_axis", y_axis);
  figure->spec = fill_asset(cutlab_asset_curves, bindings);
  json_t *optimum = optimum_rows(report, group, c->optimum);
  if (json_array_size(optimum) == 0) drop_layer(json_object_get(figure->spec, "spec"), "optimum");
  figure->datasets =
      json_pack("{s:o, s:o}", "measurements",
                measurement_rows(report, group, panels, count, c->log), "optimum", optimum);
  figure->title = c->title;
  figure->caption = c->caption;
  return true;
}

static bool add_accuracy(cutlab_report_figure *figure, const cutlab_report *report, int group) {
  panel panels[accuracy_panel_count];
  int count = keep_filled(panels, report, group, accuracy_panels, accuracy_panel_count);
  if (count == 0) return false;
  figure->title = "Accuracy on fresh points, measured and predicted";
  figure->caption = finals_caption;
  json_t *bindings = common_bindings(figure->title, report, group, finals_key, 110 * count);
  json_object_set_new(bindings, "panels", panel_labels(panels, count));
  figure->spec = fill_asset(cutlab_asset_accuracy, bindings);
  json_t *theory = theory_rows(report, group);
  if (json_array_size(theory) == 0) drop_layer(figure->spec, "theory");
  figure->datasets =
      json_pack("{s:o, s:o}", "finals", final_rows(report, group, panels, count), "theory", theory);
  return true;
}

static bool add_overview(cutlab_report_figure *figure, const cutlab_report *report) {
  json_t *names = json_array(), *finals = json_array(), *theory = json_array();
  for (int i = 0; i < report->group_count; ++i) {
    panel kept[1];
    if (!keep_filled(kept, report, i, accuracy_panels, 1)) continue;
    json_array_append_new(names, json_string(report->groups[i].name));
    json_t *group_finals = final_rows(report, i, NULL, 0), *group_theory = theory_rows(report, i);
    json_array_extend(finals, group_finals);
    json_array_extend(theory, group_theory);
    json_decref(group_finals);
    json_decref(group_theory);
  }
  figure->title = "Accuracy on fresh points";
  figure->caption = finals_caption;
  bool wanted = json_array_size(names) > 1;
  json_t *bindings = common_bindings(figure->title, report, -1, finals_key, 420);
  json_object_set_new(bindings, "groups", names);
  figure->spec = fill_asset(cutlab_asset_overview, bindings);
  if (json_array_size(theory) == 0) drop_layer(figure->spec, "theory");
  figure->datasets = json_pack("{s:o, s:o}", "finals", finals, "theory", theory);
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
  for (int i = 0; i < curve_figures; ++i) {
    if (i == 1 && add_accuracy(&figures[*count], report, group))
      CUTLAB_TRY(finish(context, &figures[(*count)++], group, slug, "accuracy"));
    if (add_curves(&figures[*count], report, group, &all_curves[i]))
      CUTLAB_TRY(finish(context, &figures[(*count)++], group, slug, all_curves[i].name));
  }
  return CUTLAB_OK;
}

cutlab_status cutlab_report_figures(cutlab_context *context, cutlab_report_figure **figures,
                                    int *count, const cutlab_report *report) {
  *count = 0;
  int most = 1 + report->group_count * (curve_figures + 1);
  *figures = cutlab_allocate(context, most, sizeof **figures);
  if (!*figures) return CUTLAB_ERROR_MEMORY;
  if (add_overview(*figures, report))
    CUTLAB_TRY(finish(context, &(*figures)[(*count)++], -1, "all", "accuracy"));
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
