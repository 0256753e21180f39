/* What a sweep found, in words. Every sentence is computed from the numbers, and left out where
   they do not support it. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report/sweep_report.h"

enum { most_named_panels = 6 };

/* Takes a stream over *text, and says what was written. */
static void say_stream(json_t *notes, FILE *stream, char *const *text) {
  if (!stream || fclose(stream) != 0) return;
  cutlab_report_say(notes, "%s", *text);
  free(*text);
}

static void put_panel(FILE *stream, const cutlab_sweep_view *view, int64_t panel) {
  char text[96];
  cutlab_sweep_panel_text(text, sizeof text, view, panel);
  fputs(text, stream);
}

static const char *separator(int64_t i, int64_t count) {
  return i == 0 ? "" : i == count - 1 ? " and " : ", ";
}

/* Cells of a panel, numbered alike in all panels. */
static int64_t cells_of_panel(const cutlab_sweep_view *view) {
  return view->cells / view->panel_count;
}

static int64_t cell_of(const cutlab_sweep_view *view, int64_t panel, int64_t k) {
  int64_t columns = view->x < 0 ? 1 : view->axes[view->x].count, rows = cutlab_sweep_rows(view);
  return cutlab_sweep_cell(view, k / (columns * rows), panel, k / rows % columns, k % rows);
}

static bool is_known(const cutlab_sweep_view *view, const cutlab_sweep_measure *accuracy,
                     int64_t panel, int64_t k) {
  return !isnan(accuracy->mean[cell_of(view, panel, k)]);
}

static bool is_learnt(const cutlab_sweep_view *view, const cutlab_sweep_measure *accuracy,
                      int64_t panel, int64_t k) {
  return accuracy->mean[cell_of(view, panel, k)] >= view->learnt_at;
}

/* Regions */

static void say_shares(json_t *notes, const cutlab_sweep_view *view,
                       const cutlab_sweep_measure *accuracy) {
  char *text = NULL;
  size_t size;
  FILE *stream = open_memstream(&text, &size);
  if (!stream) return;
  fprintf(stream,
          "Feature %d counts as learnt where at least %.3g of the fresh points with it are "
          "classified right. Share of the cells where it is learnt: ",
          accuracy->feature, view->learnt_at);
  for (int64_t panel = 0; panel < view->panel_count; ++panel) {
    int64_t learnt = 0, known = 0;
    for (int64_t k = 0; k < cells_of_panel(view); ++k) {
      learnt += is_learnt(view, accuracy, panel, k);
      known += is_known(view, accuracy, panel, k);
    }
    fputs(separator(panel, view->panel_count), stream);
    put_panel(stream, view, panel);
    fprintf(stream, "%s%.2f", view->panels < 0 ? "" : " ",
            known ? (double)learnt / (double)known : 0);
  }
  fputs(".", stream);
  say_stream(notes, stream, &text);
}

/* 1: no panel learns what a later one does not; 0: one does; -1: a value is not known. */
static int nesting(const cutlab_sweep_view *view, const cutlab_sweep_measure *accuracy, int64_t k) {
  for (int64_t panel = 0; panel < view->panel_count; ++panel)
    if (!is_known(view, accuracy, panel, k)) return -1;
  for (int64_t panel = 1; panel < view->panel_count; ++panel)
    if (is_learnt(view, accuracy, panel - 1, k) && !is_learnt(view, accuracy, panel, k)) return 0;
  return 1;
}

static void say_nesting(json_t *notes, const cutlab_sweep_view *view,
                        const cutlab_sweep_measure *accuracy) {
  int64_t nested = 0, known = 0;
  char *text = NULL;
  size_t size;
  for (int64_t k = 0; k < cells_of_panel(view); ++k) {
    int one = nesting(view, accuracy, k);
    nested += one == 1;
    known += one >= 0;
  }
  FILE *stream = known ? open_memstream(&text, &size) : NULL;
  if (!stream) return;
  fputs("The regions are nested, ", stream);
  for (int64_t panel = 0; panel < view->panel_count; ++panel) {
    fputs(panel ? " within " : "", stream);
    put_panel(stream, view, panel);
  }
  fprintf(stream, ", in %.1f%% of the cells.", 100 * (double)nested / (double)known);
  say_stream(notes, stream, &text);
}

/* The cell nearest to the middle of those where the last panel learns what the first does not. */
static int64_t telling_cell(const cutlab_sweep_view *view, const cutlab_sweep_measure *accuracy) {
  int64_t rows = cutlab_sweep_rows(view), columns = view->axes[view->x].count, best = -1;
  double count = 0, middle_i = 0, middle_j = 0, nearest = INFINITY;
  for (int pass = 0; pass < 2; ++pass)
    for (int64_t k = 0; k < columns * rows; ++k) {
      int64_t i = k / rows, j = k % rows;
      if (is_learnt(view, accuracy, 0, k) || !is_learnt(view, accuracy, view->panel_count - 1, k))
        continue;
      if (pass == 0) {
        count += 1;
        middle_i += (double)i;
        middle_j += (double)j;
        continue;
      }
      double distance = hypot((double)i - middle_i / count, (double)j - middle_j / count);
      if (distance >= nearest) continue;
      nearest = distance;
      best = k;
    }
  return best;
}

static void put_place(FILE *stream, const cutlab_sweep_view *view, int64_t k) {
  int64_t rows = cutlab_sweep_rows(view), i = k / rows;
  fprintf(stream, "%s = %.3g", view->axes[view->x].name, view->axes[view->x].numbers[i]);
  if (view->y >= 0)
    fprintf(stream, " and %s = %.3g", view->axes[view->y].name,
            view->axes[view->y].numbers[view->scattered ? i : k % rows]);
}

static void say_example(json_t *notes, const cutlab_sweep_view *view,
                        const cutlab_sweep_measure *accuracy) {
  const cutlab_sweep_measure *time = cutlab_sweep_measure_of(view, "time_", accuracy->feature);
  int64_t k = telling_cell(view, accuracy);
  char *text = NULL;
  size_t size;
  FILE *stream = k < 0 ? NULL : open_memstream(&text, &size);
  if (!stream) return;
  fputs("For example at ", stream);
  put_place(stream, view, k);
  fprintf(stream, ", accuracy on feature %d is ", accuracy->feature);
  for (int64_t panel = 0; panel < view->panel_count; ++panel) {
    int64_t cell = cell_of(view, panel, k);
    bool learnt = is_learnt(view, accuracy, panel, k);
    fprintf(stream, "%s%.2f with ", separator(panel, view->panel_count), accuracy->mean[cell]);
    put_panel(stream, view, panel);
    fputs(learnt ? " (learnt" : " (not learnt", stream);
    if (learnt && time && !isnan(time->mean[cell]))
      fprintf(stream, " after %.0f iterations", time->mean[cell]);
    fputs(")", stream);
  }
  fputs(".", stream);
  say_stream(notes, stream, &text);
}

/* Times */

static int ascending(const void *first, const void *second) {
  double a = *(const double *)first, b = *(const double *)second;
  return (a > b) - (a < b);
}

/* Median of the times of `panel` over those of the first, where every run of both learns, and not
   in the first step; *count cells. */
static double slowness(int64_t *count, const cutlab_sweep_view *view,
                       const cutlab_sweep_measure *time, int64_t panel) {
  double *ratios = malloc((size_t)cells_of_panel(view) * sizeof *ratios), median = NAN;
  *count = 0;
  for (int64_t k = 0; ratios && k < cells_of_panel(view); ++k) {
    int64_t a = cell_of(view, 0, k), b = cell_of(view, panel, k);
    bool always = time->defined[a] == (double)view->seeds && time->defined[b] == time->defined[a];
    if (always && time->mean[a] > 1 && time->mean[b] > 1)
      ratios[(*count)++] = time->mean[b] / time->mean[a];
  }
  if (*count) {
    qsort(ratios, (size_t)*count, sizeof *ratios, ascending);
    median = (ratios[(*count - 1) / 2] + ratios[*count / 2]) / 2;
  }
  free(ratios);
  return median;
}

static void say_times(json_t *notes, const cutlab_sweep_view *view, int feature) {
  const cutlab_sweep_measure *time = cutlab_sweep_measure_of(view, "time_", feature);
  char *text = NULL;
  size_t size;
  FILE *stream = time ? open_memstream(&text, &size) : NULL;
  if (!stream) return;
  fprintf(stream, "Iterations until feature %d is learnt, relative to ", feature);
  put_panel(stream, view, 0);
  fputs(", where every run of both learns it, though not at once: ", stream);
  bool any = false;
  for (int64_t panel = 1; panel < view->panel_count; ++panel) {
    int64_t count;
    double median = slowness(&count, view, time, panel);
    if (!count) continue;
    fputs(any ? "; " : "", stream);
    put_panel(stream, view, panel);
    fprintf(stream, " %.2f times as many (median of %" PRId64 " cells)", median, count);
    any = true;
  }
  fputs(".", stream);
  if (any) {
    say_stream(notes, stream, &text);
  } else {
    fclose(stream);
    free(text);
  }
}

/* Boundaries */

static double real_of(const json_t *object, const char *key) {
  return cutlab_json_get_number(object, key, NAN);
}

static void say_fits(json_t *notes, const cutlab_sweep_view *view, int feature) {
  json_t *fits = cutlab_sweep_fits(view), *row;
  size_t k;
  json_array_foreach(fits, k, row) {
    const char *formula = json_string_value(json_object_get(row, "formula")),
               *panel = json_string_value(json_object_get(row, "panel"));
    const json_t *law = json_array_get(json_object_get(row, "laws"), 0);
    char compared[300] = "";
    if (json_integer_value(json_object_get(row, "feature")) != feature || !*formula ||
        json_integer_value(json_object_get(row, "slice")) != 0)
      continue;
    double ratio = real_of(law, "ratio");
    if (!isnan(ratio))
      snprintf(compared, sizeof compared, ", in the median %.2f times the heuristic %s", ratio,
               json_string_value(json_object_get(law, "text")));
    cutlab_report_say(notes, "Measured boundary of feature %d%s%s: %s (R² %.3f, %.0f points)%s.",
                      feature, *panel ? ", " : "", panel, formula,
                      real_of(json_object_get(row, "fit"), "r2"),
                      real_of(json_object_get(row, "fit"), "points"), compared);
  }
  json_decref(fits);
}

static void say_failures(json_t *notes, const cutlab_sweep_view *view) {
  double runs = 0, cells = 0;
  for (int64_t cell = 0; cell < view->cells; ++cell) {
    runs += view->failed[cell];
    cells += view->failed[cell] > 0;
  }
  if (runs > 0)
    cutlab_report_say(notes,
                      "%.0f of %" PRId64 " runs failed, in %.0f cell%s, which have a red cross; "
                      "they are in no mean, and runs.csv says why. Cells without a value are grey.",
                      runs, view->cells * view->seeds, cells, cells == 1 ? "" : "s");
}

static void say_comparisons(json_t *notes, const cutlab_sweep_view *view) {
  for (int r = 0; r < view->reference_count; ++r) {
    const cutlab_sweep_reference *c = &view->references[r];
    cutlab_report_say(notes,
                      "Against the reference, %s: mean difference %+.4g, mean absolute difference "
                      "%.4g, correlation %.4f, median ratio %.4g over %" PRId64 " cells.",
                      c->measure->title, c->mean_difference, c->mean_absolute_difference,
                      c->correlation, c->median_ratio, c->cells);
  }
}

static bool is_shown(const cutlab_sweep_view *view, const char *name, int feature) {
  const cutlab_sweep_measure *measure = cutlab_sweep_measure_of(view, name, feature);
  return measure && measure->shown;
}

static void say_feature(json_t *notes, const cutlab_sweep_view *view,
                        const cutlab_sweep_measure *accuracy) {
  bool any = false;
  for (int64_t cell = 0; cell < view->cells && !any; ++cell) any = !isnan(accuracy->mean[cell]);
  if (!any) return;
  bool several = view->panel_count > 1 && view->panel_count <= most_named_panels;
  if (view->panel_count <= most_named_panels) say_shares(notes, view, accuracy);
  if (several) say_nesting(notes, view, accuracy);
  if (several && view->x >= 0) say_example(notes, view, accuracy);
  if (several) say_times(notes, view, accuracy->feature);
  say_fits(notes, view, accuracy->feature);
}

json_t *cutlab_sweep_notes(const cutlab_sweep_view *view) {
  json_t *notes = json_array();
  for (int m = 0; m < view->measure_count; ++m) {
    const cutlab_sweep_measure *measure = &view->measures[m];
    if (measure->feature && strncmp(measure->name, "accuracy_", 9) == 0 &&
        (is_shown(view, "accuracy_", measure->feature) ||
         is_shown(view, "time_", measure->feature)))
      say_feature(notes, view, measure);
  }
  say_comparisons(notes, view);
  say_failures(notes, view);
  return notes;
}
