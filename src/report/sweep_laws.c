/* Boundaries over a sweep's maps: the heuristics of its spec, and what was measured. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report/sweep_report.h"

enum { curve_points = 48 };

static bool is_positive(double value) {
  return value > 0 && isfinite(value);
}

static json_t *line_of(int64_t slice, int64_t panel, int feature, const char *kind,
                       const char *text) {
  return json_pack("{s:I, s:I, s:i, s:s, s:s, s:[]}", "slice", (json_int_t)slice, "panel",
                   (json_int_t)panel, "feature", feature, "kind", kind, "text", text, "points");
}

/* Points that the axes cannot show are left out. */
static void add_point(json_t *line, const cutlab_sweep_view *view, double x, double y) {
  if (isnan(x) || !isfinite(y) || (view->axes[view->y].logarithmic && !is_positive(y))) return;
  json_array_append_new(json_object_get(line, "points"), json_pack("[f, f]", x, y));
}

/* Heuristics */

static double number_at(const json_t *array, int64_t i) {
  const json_t *value = json_array_get(array, (size_t)i);
  return json_is_number(value) ? json_number_value(value) : NAN;
}

/* Whether a heuristic is about a panel: all are, unless it has the name of one of them. */
static bool concerns(const cutlab_sweep_view *view, const char *name, int64_t panel) {
  if (view->panels < 0) return true;
  const cutlab_sweep_axis *axis = &view->axes[view->panels];
  for (int64_t p = 0; p < axis->count; ++p) {
    char value[64];
    cutlab_sweep_value_text(value, sizeof value, axis, p);
    if (strcmp(value, name) == 0) return p == panel;
  }
  return true;
}

/* "noise = rho / 2", with its name in front where that is no panel's. */
static void law_text(char *text, size_t size, const cutlab_sweep_view *view, const json_t *law) {
  const char *name = json_string_value(json_object_get(law, "name")),
             *expression = json_string_value(json_object_get(law, "expression"));
  bool everywhere = concerns(view, name, -1);
  snprintf(text, size, "%s%s%s = %s", everywhere ? name : "", everywhere ? ": " : "",
           view->axes[view->y].name, expression);
}

static bool is_law(const json_t *law) {
  return json_is_string(json_object_get(law, "name")) &&
         json_is_string(json_object_get(law, "expression"));
}

static void add_laws(json_t *lines, const cutlab_sweep_view *view) {
  size_t k;
  json_t *law;
  json_array_foreach(json_object_get(view->json, "boundaries"), k, law) {
    char text[256];
    if (!is_law(law)) continue;
    int mark = snprintf(text, sizeof text, "– – ");
    law_text(text + mark, sizeof text - (size_t)mark, view, law);
    for (int64_t panel = 0; panel < view->panel_count; ++panel) {
      if (!concerns(view, json_string_value(json_object_get(law, "name")), panel)) continue;
      json_t *line = line_of(-1, panel, 0, "law", text);
      for (int64_t i = 0; i < view->axes[view->x].count; ++i)
        add_point(line, view, number_at(json_object_get(law, "x"), i),
                  number_at(json_object_get(law, "y"), i));
      json_array_append_new(lines, line);
    }
  }
}

/* What was measured */

static bool same_value(const json_t *a, const json_t *b) {
  if (json_is_number(a) && json_is_number(b)) return json_number_value(a) == json_number_value(b);
  return json_equal(a, b);
}

/* The slice and panel whose values a measured boundary has. */
static bool place_of(int64_t *slice, int64_t *panel, const cutlab_sweep_view *view,
                     const json_t *measured) {
  const json_t *at = json_object_get(measured, "at");
  for (*slice = 0; *slice < view->slice_count; ++*slice)
    for (*panel = 0; *panel < view->panel_count; ++*panel) {
      int64_t rest = cutlab_sweep_cell(view, *slice, *panel, 0, 0);
      int64_t places[cutlab_sweep_dimensions];
      bool same = true;
      for (int d = view->dimension_count - 1; d >= 0; rest /= view->dimensions[d--])
        places[d] = rest % view->dimensions[d];
      for (int a = 0; a < view->axis_count && same; ++a) {
        const json_t *value = json_object_get(at, view->axes[a].name);
        same = !value || same_value(value, json_array_get(view->axes[a].values,
                                                          (size_t)places[view->axes[a].dimension]));
      }
      if (same) return true;
    }
  return false;
}

static int feature_of(const json_t *measured) {
  const char *name = json_string_value(json_object_get(measured, "measure"));
  return name && strncmp(name, "accuracy_", 9) == 0 ? (int)strtol(name + 9, NULL, 10) : 0;
}

static cutlab_boundary_fit read_fit(const json_t *json) {
  const char *law = json_string_value(json_object_get(json, "law"));
  cutlab_boundary_fit fit = {.power = law && strcmp(law, "power") == 0,
                             .points = json_integer_value(json_object_get(json, "points")),
                             .intercept = cutlab_json_get_number(json, "a", NAN),
                             .slope = cutlab_json_get_number(json, "b", NAN),
                             .r2 = cutlab_json_get_number(json, "r2", NAN)};
  if (fit.power) fit.intercept = log(fit.intercept);
  return fit;
}

void cutlab_sweep_formula(char *text, size_t size, const cutlab_sweep_view *view,
                          const json_t *json) {
  cutlab_boundary_fit fit = read_fit(json);
  const char *x = view->axes[view->x].name, *y = view->axes[view->y].name;
  if (isnan(fit.slope))
    snprintf(text, size, "%s", "");
  else if (fit.power)
    snprintf(text, size, "%s = %.3g %s^%.2f", y, exp(fit.intercept), x, fit.slope);
  else
    snprintf(text, size, "%s = %.3g %s %.3g %s", y, fit.intercept, fit.slope < 0 ? "-" : "+",
             fabs(fit.slope), x);
}

/* Between the first and the last x that has a crossing. */
static void add_fit(json_t *lines, const cutlab_sweep_view *view, const json_t *measured,
                    int64_t slice, int64_t panel) {
  const cutlab_sweep_axis *axis = &view->axes[view->x];
  cutlab_boundary_fit fit = read_fit(json_object_get(measured, "fit"));
  double low = INFINITY, high = -INFINITY;
  char text[128], formula[96];
  if (isnan(fit.slope)) return;
  for (int64_t i = 0; i < axis->count; ++i) {
    if (isnan(number_at(json_object_get(measured, "y"), i))) continue;
    if (axis->numbers[i] < low) low = axis->numbers[i];
    if (axis->numbers[i] > high) high = axis->numbers[i];
  }
  cutlab_sweep_formula(formula, sizeof formula, view, json_object_get(measured, "fit"));
  snprintf(text, sizeof text, "—— %s, R² %.3f", formula, fit.r2);
  json_t *line = line_of(slice, panel, feature_of(measured), "fit", text);
  for (int k = 0; k < curve_points; ++k) {
    double way = k / (curve_points - 1.0);
    double x = axis->logarithmic ? low * pow(high / low, way) : low + way * (high - low);
    add_point(line, view, x, cutlab_boundary_at(&fit, x));
  }
  json_array_append_new(lines, line);
}

static void add_measured(json_t *lines, const cutlab_sweep_view *view) {
  const cutlab_sweep_axis *axis = &view->axes[view->x];
  size_t k;
  json_t *measured;
  json_array_foreach(json_object_get(view->json, "measured"), k, measured) {
    int64_t slice, panel;
    char text[64];
    if (!place_of(&slice, &panel, view, measured)) continue;
    snprintf(text, sizeof text, "measured at %.3g",
             cutlab_json_get_number(measured, "threshold", NAN));
    json_t *line = line_of(slice, panel, feature_of(measured), "crossing", text);
    for (int64_t i = 0; i < axis->count; ++i)
      add_point(line, view, axis->numbers[i], number_at(json_object_get(measured, "y"), i));
    add_fit(lines, view, measured, slice, panel);
    json_array_append_new(lines, line);
  }
}

json_t *cutlab_sweep_lines(const cutlab_sweep_view *view) {
  json_t *lines = json_array();
  if (view->x < 0 || view->y < 0 || view->scattered) return lines;
  add_laws(lines, view);
  add_measured(lines, view);
  return lines;
}

/* The table */

static int ascending(const void *first, const void *second) {
  double a = *(const double *)first, b = *(const double *)second;
  return (a > b) - (a < b);
}

/* Median of measured over said, where both are known. */
static double median_ratio(const cutlab_sweep_view *view, const json_t *measured,
                           const json_t *law) {
  int64_t count = 0, all = view->axes[view->x].count;
  double *ratios = malloc((size_t)all * sizeof *ratios), median = NAN;
  for (int64_t i = 0; ratios && i < all; ++i) {
    double ratio =
        number_at(json_object_get(measured, "y"), i) / number_at(json_object_get(law, "y"), i);
    if (isfinite(ratio)) ratios[count++] = ratio;
  }
  if (count) {
    qsort(ratios, (size_t)count, sizeof *ratios, ascending);
    median = (ratios[(count - 1) / 2] + ratios[count / 2]) / 2;
  }
  free(ratios);
  return median;
}

static json_t *compared_laws(const cutlab_sweep_view *view, const json_t *measured, int64_t panel) {
  json_t *list = json_array(), *law;
  size_t k;
  json_array_foreach(json_object_get(view->json, "boundaries"), k, law) {
    char text[256];
    if (!is_law(law) || !concerns(view, json_string_value(json_object_get(law, "name")), panel))
      continue;
    law_text(text, sizeof text, view, law);
    json_array_append_new(list, json_pack("{s:s, s:o}", "text", text, "ratio",
                                          cutlab_json_number(median_ratio(view, measured, law))));
  }
  return list;
}

json_t *cutlab_sweep_fits(const cutlab_sweep_view *view) {
  json_t *list = json_array(), *measured;
  size_t k;
  if (view->x < 0 || view->y < 0 || view->scattered) return list;
  json_array_foreach(json_object_get(view->json, "measured"), k, measured) {
    int64_t slice, panel;
    char panel_text[96], slice_text[256], formula[96];
    if (!place_of(&slice, &panel, view, measured)) continue;
    cutlab_sweep_panel_text(panel_text, sizeof panel_text, view, panel);
    cutlab_sweep_slice_text(slice_text, sizeof slice_text, view, slice);
    cutlab_sweep_formula(formula, sizeof formula, view, json_object_get(measured, "fit"));
    json_array_append_new(list,
                          json_pack("{s:i, s:I, s:I, s:s, s:s, s:s, s:O, s:O?, s:o}", "feature",
                                    feature_of(measured), "slice", (json_int_t)slice, "panel_index",
                                    (json_int_t)panel, "panel", panel_text, "place", slice_text,
                                    "formula", formula, "fit", json_object_get(measured, "fit"),
                                    "rising", json_object_get(measured, "rising"), "laws",
                                    compared_laws(view, measured, panel)));
  }
  return list;
}
