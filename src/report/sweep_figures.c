/* Figures of a sweep: maps, one panel for each value of `panels`; lines where one axis is varied;
   and maps beside their reference. Templates: src/report/page/sweep_*.vl.json. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report/figures.h"
#include "report/sweep_report.h"

enum { panel_width = 230, line_width = 520, most_in_a_row = 4 };

/* Scales and axes */

static json_t *scale_type(bool logarithmic) {
  return logarithmic ? json_pack("{s:s}", "type", "log")
                     : json_pack("{s:s, s:b}", "type", "linear", "zero", 0);
}

static json_t *scale_of(const cutlab_sweep_axis *axis) {
  double low = INFINITY, high = -INFINITY;
  for (int64_t i = 0; i < axis->count; ++i) {
    if (axis->low[i] < low) low = axis->low[i];
    if (axis->high[i] > high) high = axis->high[i];
  }
  json_t *scale = scale_type(axis->logarithmic);
  json_object_set_new(scale, "nice", json_false());
  json_object_set_new(scale, "domain", json_pack("[f, f]", low, high));
  return scale;
}

/* 1, 2, 5, 10, 20, ... over few decades, else powers of ten. */
static json_t *tick_values(double low, double high) {
  static const double steps[] = {1, 2, 5};
  int count = high > 2000 * low ? 1 : 3;
  json_t *values = json_array();
  for (int decade = (int)floor(log10(low)); decade <= (int)ceil(log10(high)); ++decade)
    for (int i = 0; i < count; ++i) {
      double value = steps[i] * pow(10, decade);
      if (value >= low && value <= high) json_array_append_new(values, json_real(value));
    }
  return values;
}

static json_t *ticks_of(bool logarithmic, const json_t *scale) {
  json_t *ticks =
      logarithmic ? json_loads(cutlab_asset_log_axis, 0, NULL) : json_pack("{s:i}", "tickCount", 5);
  const json_t *domain = json_object_get(scale, "domain");
  if (logarithmic && domain)
    json_object_set_new(ticks, "values",
                        tick_values(json_number_value(json_array_get(domain, 0)),
                                    json_number_value(json_array_get(domain, 1))));
  json_object_set_new(ticks, "grid", json_false());
  return ticks;
}

/* The place of an axis in bindings, as "x" or "y". */
static void bind_axis(json_t *bindings, char place, const cutlab_sweep_axis *axis) {
  char name[16];
  json_t *scale = scale_of(axis);
  snprintf(name, sizeof name, "%c_title", place);
  json_object_set_new(bindings, name, json_string(axis->name));
  snprintf(name, sizeof name, "%c_axis", place);
  json_object_set_new(bindings, name, ticks_of(axis->logarithmic, scale));
  snprintf(name, sizeof name, "%c_scale", place);
  json_object_set_new(bindings, name, scale);
}

static bool starts_with(const char *text, const char *start) {
  return strncmp(text, start, strlen(start)) == 0;
}

/* The range of a measure, and whether colours or heights go by its logarithm. */
typedef struct value_range {
  double low, high;
  bool logarithmic;
} value_range;

static void widen(value_range *range, double value) {
  if (isnan(value)) return;
  if (!(value >= range->low)) range->low = value;
  if (!(value <= range->high)) range->high = value;
}

/* Accuracies of methods and features compare by eye where all scales begin at chance. */
static value_range range_of(const cutlab_sweep_view *view, const cutlab_sweep_measure *measure) {
  value_range range = {NAN, NAN, false};
  for (int64_t cell = 0; cell < view->cells; ++cell) widen(&range, measure->mean[cell]);
  if (strstr(measure->name, "accuracy") && range.low >= 0) {
    widen(&range, .5);
    widen(&range, 1);
  } else {
    range.logarithmic = range.low > 0 && range.high >= 50 * range.low;
  }
  if (isnan(range.low)) range = (value_range){0, 1, false};
  return range;
}

static json_t *colours_of(value_range range, bool reversed) {
  return json_pack("{s:s, s:[f, f], s:b, s:s, s:b}", "type", range.logarithmic ? "log" : "linear",
                   "domain", range.low, range.high, "nice", 0, "scheme", "viridis", "reverse",
                   (int)reversed);
}

/* Blue below 0, red above, white at 0. */
static json_t *diverging(double most) {
  return json_pack("{s:s, s:[f, f], s:b, s:s, s:b}", "type", "linear", "domain", -most, most,
                   "nice", 0, "scheme", "redblue", "reverse", 1);
}

static json_t *legend_of(bool logarithmic) {
  json_t *legend =
      json_pack("{s:n, s:s, s:s, s:i, s:i, s:s}", "title", "orient", "right", "direction",
                "vertical", "gradientLength", 180, "tickCount", 5, "format", "~g");
  if (!logarithmic) return legend;
  json_object_del(legend, "format");
  json_t *ticks = json_loads(cutlab_asset_log_axis, 0, NULL);
  json_object_update(legend, ticks);
  json_decref(ticks);
  return legend;
}

static json_t *tooltip_row(const char *field, const char *title, const char *format) {
  return json_pack("{s:s, s:s, s:s, s:s}", "field", field, "type", "quantitative", "title", title,
                   "format", format);
}

/* Rows of data */

/* A cell as maps show it; `panel` is any column of that name. */
static json_t *cell_row(const cutlab_sweep_view *view, json_int_t panel, int64_t i, int64_t j,
                        double value) {
  const cutlab_sweep_axis *x = &view->axes[view->x], *y = &view->axes[view->y];
  if (view->scattered) j = i;
  return json_pack("{s:I, s:f, s:f, s:f, s:f, s:f, s:f, s:o}", "panel", panel, "x", x->numbers[i],
                   "y", y->numbers[j], "x0", x->low[i], "x1", x->high[i], "y0", y->low[j], "y1",
                   y->high[j], "value", cutlab_json_number(value));
}

static void put_runs(json_t *row, const cutlab_sweep_view *view,
                     const cutlab_sweep_measure *measure, int64_t cell) {
  json_object_set_new(row, "sd", cutlab_json_number(measure->sd[cell]));
  json_object_set_new(row, "runs", json_real(measure->defined[cell]));
  json_object_set_new(row, "failed", json_real(view->failed[cell]));
}

static json_t *map_rows(const cutlab_sweep_view *view, const cutlab_sweep_measure *measure) {
  json_t *rows = json_array();
  for (int64_t panel = 0; panel < view->panel_count; ++panel)
    for (int64_t i = 0; i < view->axes[view->x].count; ++i)
      for (int64_t j = 0; j < cutlab_sweep_rows(view); ++j) {
        int64_t cell = cutlab_sweep_cell(view, 0, panel, i, j);
        json_t *row = cell_row(view, panel, i, j, measure->mean[cell]);
        put_runs(row, view, measure, cell);
        json_array_append_new(rows, row);
      }
  return rows;
}

static bool is_over(const json_t *line, int64_t slice, int64_t panel, int feature) {
  json_int_t of_slice = json_integer_value(json_object_get(line, "slice")),
             of_feature = json_integer_value(json_object_get(line, "feature"));
  return json_integer_value(json_object_get(line, "panel")) == panel &&
         (of_slice < 0 || of_slice == slice) && (of_feature == 0 || of_feature == feature);
}

static json_t *line_rows(const cutlab_sweep_view *view, const json_t *lines, int feature) {
  json_t *rows = json_array(), *line, *point;
  size_t k, n;
  for (int64_t panel = 0; panel < view->panel_count; ++panel) json_array_foreach(lines, k, line) {
      if (!is_over(line, 0, panel, feature)) continue;
      json_array_foreach(json_object_get(line, "points"), n, point) json_array_append_new(
          rows, json_pack("{s:I, s:O, s:O, s:O, s:O}", "panel", (json_int_t)panel, "kind",
                          json_object_get(line, "kind"), "text", json_object_get(line, "text"), "x",
                          json_array_get(point, 0), "y", json_array_get(point, 1)));
    }
  return rows;
}

/* What the lines of a panel are, one a line. */
static json_t *laws_of(const json_t *lines, int64_t panel, int feature) {
  json_t *list = json_array(), *line;
  size_t k;
  json_array_foreach(lines, k, line) {
    const char *kind = json_string_value(json_object_get(line, "kind"));
    if (is_over(line, 0, panel, feature) && strcmp(kind, "crossing") != 0)
      json_array_append(list, json_object_get(line, "text"));
  }
  return list;
}

/* As many lines for every panel, so that they stand at one height. */
static json_t *all_laws(const cutlab_sweep_view *view, const json_t *lines, int feature) {
  json_t *all = json_array(), *laws;
  size_t most = 0, k;
  for (int64_t panel = 0; panel < view->panel_count; ++panel) {
    laws = laws_of(lines, panel, feature);
    if (json_array_size(laws) > most) most = json_array_size(laws);
    json_array_append_new(all, laws);
  }
  json_array_foreach(all, k, laws) while (json_array_size(laws) < most)
      json_array_append_new(laws, json_string(" "));
  return all;
}

/* Maps */

/* Points instead of cells. */
static void scatter(json_t *spec) {
  json_t *layers = json_object_get(spec, "layer"), *layer;
  size_t k;
  json_array_foreach(layers, k, layer) {
    json_t *encoding = json_object_get(layer, "encoding");
    if (k > 1) break;
    json_object_set_new(json_object_get(layer, "mark"), "type", json_string("point"));
    json_object_set_new(json_object_get(layer, "mark"), "filled", json_true());
    json_object_set_new(json_object_get(layer, "mark"), "opacity", json_integer(1));
    json_object_del(encoding, "x");
    json_object_del(encoding, "x2");
    json_object_del(encoding, "y");
    json_object_del(encoding, "y2");
  }
}

/* A panel; takes all but the view. */
static json_t *panel_spec(const cutlab_sweep_view *view, int64_t panel, const char *title,
                          json_t *laws, json_t *colours, json_t *legend, json_t *tooltip) {
  json_t *bindings =
      json_pack("{s:i, s:s, s:o, s:o, s:o, s:o, s:{s:s, s:I}}", "width", panel_width, "panel",
                title, "laws", laws, "colours", colours, "legend", legend, "tooltip", tooltip,
                "only", "field", "panel", "equal", (json_int_t)panel);
  bind_axis(bindings, 'x', &view->axes[view->x]);
  bind_axis(bindings, 'y', &view->axes[view->y]);
  json_t *spec = cutlab_figure_fill(cutlab_asset_sweep_panel, bindings);
  if (view->scattered) scatter(spec);
  return spec;
}

/* Panels in rows; takes the title and them. One legend for all, or legends between panels. */
static json_t *row_spec(json_t *title, json_t *panels, int64_t columns, bool shared) {
  return cutlab_figure_fill(
      cutlab_asset_sweep_map,
      json_pack("{s:o, s:o, s:I, s:s, s:s, s:i, s:i}", "title", title, "panels", panels, "columns",
                (json_int_t)columns, "sharing", shared ? "shared" : "independent", "bounds",
                shared ? "flush" : "full", "gap", shared ? 66 : 20, "row_gap", shared ? 106 : 26));
}

static json_t *map_tooltip(const cutlab_sweep_view *view, const cutlab_sweep_measure *measure) {
  bool time = starts_with(measure->name, "time_");
  json_t *list = json_array();
  json_array_append_new(list, tooltip_row("x", view->axes[view->x].name, ".4~g"));
  if (view->y >= 0) json_array_append_new(list, tooltip_row("y", view->axes[view->y].name, ".4~g"));
  json_array_append_new(list, tooltip_row("value", measure->title, ".4~g"));
  json_array_append_new(list, tooltip_row("sd", "standard deviation", ".3~g"));
  json_array_append_new(list, tooltip_row("runs", time ? "runs that learn it" : "runs", "d"));
  json_array_append_new(list, tooltip_row("failed", "failed runs", "d"));
  return list;
}

/* With the slice and the seeds as subtitle. */
static json_t *title_of(const cutlab_sweep_view *view, const char *title) {
  char slice[256], subtitle[400];
  cutlab_sweep_slice_text(slice, sizeof slice, view, 0);
  snprintf(subtitle, sizeof subtitle, "%s%smean over %lld seed%s", slice, *slice ? "; " : "",
           (long long)view->seeds, view->seeds == 1 ? "" : "s");
  return json_pack("{s:s, s:s}", "text", title, "subtitle", subtitle);
}

static json_t *map_spec(const cutlab_sweep_view *view, const cutlab_sweep_measure *measure,
                        const json_t *lines) {
  value_range range = range_of(view, measure);
  bool time = starts_with(measure->name, "time_");
  json_t *panels = json_array(), *laws = all_laws(view, lines, measure->feature);
  for (int64_t panel = 0; panel < view->panel_count; ++panel) {
    char title[96];
    cutlab_sweep_panel_text(title, sizeof title, view, panel);
    json_array_append_new(panels, panel_spec(view, panel, title,
                                             json_incref(json_array_get(laws, (size_t)panel)),
                                             colours_of(range, time), legend_of(range.logarithmic),
                                             map_tooltip(view, measure)));
  }
  json_decref(laws);
  int64_t columns = view->panel_count < most_in_a_row ? view->panel_count : most_in_a_row;
  return row_spec(title_of(view, measure->title), panels, columns, true);
}

/* Lines over one axis */

static json_t *curve_rows(const cutlab_sweep_view *view, const cutlab_sweep_measure *measure,
                          bool logarithmic) {
  const cutlab_sweep_axis *x = &view->axes[view->x];
  json_t *rows = json_array();
  for (int64_t panel = 0; panel < view->panel_count; ++panel)
    for (int64_t i = 0; i < x->count; ++i) {
      int64_t cell = cutlab_sweep_cell(view, 0, panel, i, 0);
      double value = measure->mean[cell], sd = isnan(measure->sd[cell]) ? 0 : measure->sd[cell];
      bool shown = !logarithmic || value - sd > 0;
      char name[96];
      cutlab_sweep_panel_text(name, sizeof name, view, panel);
      json_t *row = json_pack("{s:s, s:f, s:o, s:o, s:o}", "name", name, "x", x->numbers[i],
                              "value", cutlab_json_number(value), "low",
                              cutlab_json_number(shown ? value - sd : value), "high",
                              cutlab_json_number(value + sd));
      put_runs(row, view, measure, cell);
      json_array_append_new(rows, row);
    }
  return rows;
}

/* The last layer is for the accuracy from which on a feature counts as learnt. */
static bool has_threshold(const cutlab_sweep_view *view, const cutlab_sweep_measure *measure) {
  return starts_with(measure->name, "accuracy_") && !isnan(view->learnt_at);
}

static json_t *threshold_rows(const cutlab_sweep_view *view, const cutlab_sweep_measure *measure) {
  return has_threshold(view, measure) ? json_pack("[{s:f}]", "value", view->learnt_at)
                                      : json_array();
}

static json_t *curve_spec(const cutlab_sweep_view *view, const cutlab_sweep_measure *measure) {
  const cutlab_sweep_axis *x = &view->axes[view->x];
  value_range range = range_of(view, measure);
  json_t *names = json_array(), *colours = json_array();
  int others = 0;
  for (int64_t panel = 0; panel < view->panel_count; ++panel) {
    char name[96];
    cutlab_sweep_panel_text(name, sizeof name, view, panel);
    json_array_append_new(names, json_string(name));
    json_array_append_new(colours, json_string(cutlab_report_colour(name, &others)));
  }
  json_t *legend = view->panels < 0 ? json_null() : json_pack("{s:s}", "symbolType", "circle");
  json_t *scale = scale_type(range.logarithmic);
  json_t *bindings = json_pack("{s:o, s:i, s:o, s:o, s:o, s:s, s:o, s:o, s:o}", "title",
                               title_of(view, measure->title), "width", line_width, "names", names,
                               "colours", colours, "legend", legend, "value_title", measure->title,
                               "value_axis", ticks_of(range.logarithmic, scale), "value_scale",
                               scale, "tooltip", map_tooltip(view, measure));
  bind_axis(bindings, 'x', x);
  json_t *spec = cutlab_figure_fill(cutlab_asset_sweep_lines, bindings), *layers;
  layers = json_object_get(spec, "layer");
  if (!has_threshold(view, measure)) json_array_remove(layers, json_array_size(layers) - 1);
  return spec;
}

/* Any measure */

static const char *caption_of(const cutlab_sweep_view *view, const cutlab_sweep_measure *measure,
                              const json_t *lines) {
  bool time = starts_with(measure->name, "time_"), drawn = json_array_size(lines) > 0;
  if (view->y < 0)
    return starts_with(measure->name, "accuracy_")
               ? "Points: means over seeds; bars: one standard deviation to each side; dashed: "
                 "from here on a feature counts as learnt."
               : "Points: means over seeds; bars: one standard deviation to each side.";
  if (time && drawn)
    return "Means over the seeds that learn the feature; yellow is early. Grey: no run learns it. "
           "Dots: where the feature is just learnt; solid: the law that fits them; dashed: what a "
           "heuristic says.";
  if (time)
    return "Means over the seeds that learn the feature; yellow is early. Grey: no run "
           "learns it.";
  return drawn ? "Means over seeds. Dots: where the feature is just learnt; solid: the law that "
                 "fits them; dashed: what a heuristic says."
               : "Means over seeds.";
}

/* Everything but the data. */
static void describe(cutlab_report_figure *figure, const cutlab_sweep_view *view,
                     const cutlab_sweep_measure *measure, const json_t *lines) {
  *figure = (cutlab_report_figure){.group = -1, .title = measure->title};
  if (asprintf(&figure->name, "map-%s", measure->name) < 0) figure->name = NULL;
  figure->caption = caption_of(view, measure, lines);
  figure->spec = view->y < 0 ? curve_spec(view, measure) : map_spec(view, measure, lines);
}

json_t *cutlab_sweep_figure_json(const cutlab_sweep_view *view,
                                 const cutlab_sweep_measure *measure) {
  json_t *lines = cutlab_sweep_lines(view);
  cutlab_report_figure figure;
  describe(&figure, view, measure, lines);
  json_t *json = json_pack("{s:s, s:s, s:s, s:o, s:{}}", "name", figure.name, "title", figure.title,
                           "caption", figure.caption, "spec", figure.spec, "data");
  free(figure.name);
  json_decref(lines);
  return json;
}

static void add_measure(cutlab_report_figure *figure, const cutlab_sweep_view *view,
                        const cutlab_sweep_measure *measure) {
  json_t *lines = cutlab_sweep_lines(view);
  describe(figure, view, measure, lines);
  figure->datasets = view->y < 0
                         ? json_pack("{s:o, s:o}", "cells",
                                     curve_rows(view, measure, range_of(view, measure).logarithmic),
                                     "threshold", threshold_rows(view, measure))
                         : json_pack("{s:o, s:o}", "cells", map_rows(view, measure), "lines",
                                     line_rows(view, lines, measure->feature));
  json_decref(lines);
}

/* Beside a reference */

static json_t *comparison_rows(const cutlab_sweep_view *view,
                               const cutlab_sweep_reference *reference) {
  const double *ours = reference->measure->mean;
  json_t *rows = json_array();
  for (int panel = 0; panel < 3; ++panel)
    for (int64_t i = 0; i < view->axes[view->x].count; ++i)
      for (int64_t j = 0; j < view->axes[view->y].count; ++j) {
        double mine = ours[cutlab_sweep_cell(view, 0, 0, i, j)],
               theirs = reference->values[j * view->axes[view->x].count + i];
        json_t *row = cell_row(view, panel, i, j,
                               panel == 0   ? mine
                               : panel == 1 ? theirs
                                            : mine - theirs);
        json_object_set_new(row, "failed", json_integer(0));
        json_array_append_new(rows, row);
      }
  return rows;
}

static json_t *comparison_tooltip(const cutlab_sweep_view *view, const char *title) {
  return json_pack("[o, o, o]", tooltip_row("x", view->axes[view->x].name, ".4~g"),
                   tooltip_row("y", view->axes[view->y].name, ".4~g"),
                   tooltip_row("value", title, ".4~g"));
}

static json_t *comparison_spec(const cutlab_sweep_view *view,
                               const cutlab_sweep_reference *reference) {
  const char *title = reference->measure->title;
  value_range range = range_of(view, reference->measure);
  int64_t count = view->axes[view->x].count * view->axes[view->y].count;
  for (int64_t k = 0; k < count; ++k) widen(&range, reference->values[k]);
  range.logarithmic &= range.low > 0;
  double most = fabs(reference->largest_difference);
  json_t *panels =
      json_pack("[o, o, o]",
                panel_spec(view, 0, "CutLab", json_array(), colours_of(range, false), json_null(),
                           comparison_tooltip(view, title)),
                panel_spec(view, 1, "reference", json_array(), colours_of(range, false),
                           legend_of(range.logarithmic), comparison_tooltip(view, title)),
                panel_spec(view, 2, "difference", json_array(), diverging(most > 0 ? most : 1),
                           legend_of(false), comparison_tooltip(view, "difference")));
  return row_spec(title_of(view, title), panels, 3, false);
}

static void add_comparison(cutlab_report_figure *figure, const cutlab_sweep_view *view,
                           const cutlab_sweep_reference *reference) {
  *figure = (cutlab_report_figure){
      .group = -1,
      .title = reference->measure->title,
      .caption = "Left and middle on one scale of colours; right, what is left when the reference "
                 "is taken away: red where CutLab is higher."};
  if (asprintf(&figure->name, "comparison-%s", reference->measure->name) < 0) figure->name = NULL;
  figure->spec = comparison_spec(view, reference);
  figure->datasets = json_pack("{s:o, s:[]}", "cells", comparison_rows(view, reference), "lines");
}

cutlab_status cutlab_sweep_figures(cutlab_context *context, cutlab_report_figure **figures,
                                   int *count, const cutlab_sweep_view *view) {
  *count = 0;
  *figures =
      cutlab_allocate(context, view->measure_count + view->reference_count, sizeof **figures);
  if (!*figures) return CUTLAB_ERROR_MEMORY;
  for (int place = 0; view->x >= 0 && place < view->measure_count; ++place)
    for (int m = 0; m < view->measure_count; ++m)
      if (view->measures[m].shown == place + 1)
        add_measure(&(*figures)[(*count)++], view, &view->measures[m]);
  for (int r = 0; r < view->reference_count; ++r)
    add_comparison(&(*figures)[(*count)++], view, &view->references[r]);
  for (int i = 0; i < *count; ++i)
    if (!(*figures)[i].name || !(*figures)[i].spec || !(*figures)[i].datasets)
      return cutlab_fail(context, CUTLAB_ERROR_MEMORY,
                         "out of memory, or a name is not UTF-8: figures");
  return CUTLAB_OK;
}
