/* The data of figures, as rows. */
#include <math.h>

#include "report/figures.h"

/* Measurements shown per run: more than a screen resolves are left out. */
enum { shown_points = 120 };

double cutlab_panel_value(const cutlab_report_run *run, const cutlab_report_point *point,
                          const cutlab_panel *panel) {
  if (panel->cutmix_only && run->method != cutlab_report_cutmix) return NAN;
  return *(const double *)((const char *)point + panel->offset);
}

static double last_value(const cutlab_report_run *run, const cutlab_panel *panel) {
  if (panel->cutmix_only && run->method != cutlab_report_cutmix) return NAN;
  return cutlab_report_last_value(run, panel->offset);
}

/* null where the value has no place in the figure: not finite, or not positive on a
   logarithmic axis. */
static json_t *shown_value(double value, bool log) {
  return log && !(value > 0) ? json_null() : cutlab_json_number(value);
}

static json_t *row_start(const cutlab_report *report, const cutlab_report_run *run, double time) {
  return json_pack("{s:s, s:I, s:I}", "method", report->methods[run->method].label, "seed",
                   (json_int_t)run->seed, run->source->time, (json_int_t)time);
}

/* Which measurements to show: the same ones for every run of a group, so that medians are
   taken over all of them; first and last included. */
static bool shown(int64_t i, int64_t longest) {
  if (longest <= shown_points || i == 0) return true;
  int64_t steps = shown_points - 1;
  return i * steps / (longest - 1) != (i - 1) * steps / (longest - 1);
}

/* Networks may be tested in some epochs only; of long runs only these are shown. */
static bool is_candidate(const cutlab_report_run *run, int64_t k, bool tested_only) {
  return !tested_only || !isnan(run->points[k].fresh_accuracy);
}

static int64_t longest_run(const cutlab_report *report, int group, bool tested_only) {
  const cutlab_report_run *runs = &report->runs[report->groups[group].first];
  int64_t longest = 0;
  for (int i = 0; i < report->groups[group].count; ++i) {
    int64_t count = 0;
    for (int64_t k = 0; k < runs[i].point_count; ++k)
      count += is_candidate(&runs[i], k, tested_only);
    if (count > longest) longest = count;
  }
  return longest;
}

json_t *cutlab_measurement_rows(const cutlab_report *report, int group, const cutlab_panel *panels,
                                int count, bool log, const char *model) {
  const cutlab_report_run *runs = &report->runs[report->groups[group].first];
  json_t *rows = json_array();
  int64_t longest = longest_run(report, group, false), tested = longest_run(report, group, true);
  bool tested_only = longest > shown_points && tested > 0;
  if (tested_only) longest = tested;
  for (int i = 0; i < report->groups[group].count; ++i)
    for (int64_t k = 0, rank = 0; k < runs[i].point_count; ++k) {
      const cutlab_report_point *point = &runs[i].points[k];
      if (!is_candidate(&runs[i], k, tested_only) || !shown(rank++, longest)) continue;
      json_t *row = row_start(report, &runs[i], point->time);
      if (model) json_object_set_new(row, "model", json_string(model));
      for (int p = 0; p < count; ++p)
        json_object_set_new(row, panels[p].label,
                            shown_value(cutlab_panel_value(&runs[i], point, &panels[p]), log));
      json_array_append_new(rows, row);
    }
  return rows;
}

int cutlab_panels_filled(cutlab_panel *kept, const cutlab_report *report, int group,
                         const cutlab_panel *panels, int count) {
  int filled = 0;
  for (int p = 0; p < count && panels[p].label; ++p) {
    bool any = false;
    for (int i = 0; i < report->groups[group].count && !any; ++i)
      any = isfinite(last_value(&report->runs[report->groups[group].first + i], &panels[p]));
    if (any) kept[filled++] = panels[p];
  }
  return filled;
}

json_t *cutlab_optimum_rows(const cutlab_report *report, int group, bool wanted) {
  double z = cutlab_report_optimum(report, group);
  if (!wanted || isnan(z) || cutlab_report_seeds(report, group, cutlab_report_cutmix) == 0)
    return json_array();
  return json_pack("[{s:s, s:f}]", "method", report->methods[cutlab_report_cutmix].label, "value",
                   z);
}

json_t *cutlab_theory_rows(const cutlab_report *report, int group) {
  json_t *rows = json_array();
  const char *any = cutlab_figure_set_of(report, group)->accuracy[0].label;
  for (int i = 0; i < report->method_count; ++i) {
    double theory = cutlab_report_theory(report, group, i);
    if (isnan(theory)) continue;
    json_array_append_new(rows, json_pack("{s:s, s:s, s:s, s:f}", "method",
                                          report->methods[i].label, "panel", any, "group",
                                          report->groups[group].name, "value", theory));
  }
  return rows;
}

json_t *cutlab_final_rows(const cutlab_report *report, int group, const cutlab_panel *panels,
                          int count) {
  json_t *rows = json_array();
  for (int i = 0; i < report->groups[group].count; ++i) {
    const cutlab_report_run *run = &report->runs[report->groups[group].first + i];
    const cutlab_report_point *last = cutlab_report_last(run);
    if (!last) continue;
    json_t *row = row_start(report, run, last->time);
    for (int p = 0; p < count; ++p)
      json_object_set_new(row, panels[p].label, cutlab_json_number(last_value(run, &panels[p])));
    double value = cutlab_report_last_value(run, offsetof(cutlab_report_point, fresh_accuracy));
    json_object_set_new(row, "group", json_string(report->groups[group].name));
    json_object_set_new(row, "value", cutlab_json_number(value));
    json_array_append_new(rows, row);
  }
  return rows;
}
