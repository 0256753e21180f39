/* What is seen in a group, in words. Every sentence is a statement about its measurements and
   is left out where they do not support it. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report/report_internal.h"

/* Accuracies that agree to this much are called equal, and differences below it are not
   mentioned. */
static const double accuracy_margin = 0.005;

static const char *label(const cutlab_report *report, int method) {
  return report->methods[method].label;
}

void cutlab_report_say(json_t *notes, const char *format, ...) {
  char *text;
  va_list arguments;
  va_start(arguments, format);
  if (vasprintf(&text, format, arguments) >= 0) {
    json_array_append_new(notes, json_string(text));
    free(text);
  }
  va_end(arguments);
}

static size_t output_offset(int rarity) {
  return offsetof(cutlab_report_point, output) + (size_t)rarity * sizeof(double);
}

static size_t accuracy_offset(int rarity) {
  return offsetof(cutlab_report_point, accuracy) + (size_t)rarity * sizeof(double);
}

/* Halfway between a coin flip and certainty, so that the theory's cases lie far on either
   side. What output that takes depends on the noise. */
static const double learnt_accuracy = 0.75;

int cutlab_report_learnt(const cutlab_report *report, int group, int method, int rarity) {
  cutlab_report_spread accuracy =
      cutlab_report_final(report, group, method, accuracy_offset(rarity));
  if (accuracy.count == 0) return -2;
  return accuracy.min >= learnt_accuracy ? 1 : accuracy.max < learnt_accuracy ? 0 : -1;
}

static int append_rarities(FILE *stream, const cutlab_report *report, int group, int method,
                           int state) {
  int found = 0;
  for (int i = 0; i < cutlab_report_rarities; ++i) {
    if (cutlab_report_learnt(report, group, method, i) != state) continue;
    fprintf(stream, "%s%s", found ? ", " : "", cutlab_report_rarity_name(i));
    ++found;
  }
  return found;
}

/* "ERM learns common; Cutout common, rare; CutMix ..." */
static void note_learnt(json_t *notes, const cutlab_report *report, int group) {
  char *text = NULL;
  size_t size;
  FILE *stream = open_memstream(&text, &size);
  if (!stream) return;
  bool any = false;
  for (int method = 0; method < report->method_count; ++method) {
    if (CUTLAB_REPORT_FINAL(report, group, method, loss).count == 0) continue;
    fprintf(stream, "%s%s learns ", any ? "; " : "", label(report, method));
    if (!append_rarities(stream, report, group, method, 1)) fputs("none", stream);
    char *some = NULL;
    size_t some_size;
    FILE *some_stream = open_memstream(&some, &some_size);
    if (some_stream) {
      int found = append_rarities(some_stream, report, group, method, -1);
      fclose(some_stream);
      if (found) fprintf(stream, " (in some seeds also: %s)", some);
    }
    free(some);
    any = true;
  }
  fclose(stream);
  bool features = false;
  for (int i = 0; i < report->method_count * cutlab_report_rarities; ++i)
    features |= cutlab_report_learnt(report, group, i / cutlab_report_rarities,
                                     i % cutlab_report_rarities) != -2;
  if (any && features)
    cutlab_report_say(notes,
                      "%s. (Learnt: right on at least 3 of 4 %s with such a feature, where knowing "
                      "nothing of it gives 1 of 2.)",
                      text, report->groups[group].source->examples);
  free(text);
}

/* The highest common output of each simulated CutMix run, averaged over the seeds; those of
   networks are never monotone. */
static void note_peak(json_t *notes, const cutlab_report *report, int group) {
  double peak = 0, end = 0, when = 0;
  int count = 0;
  for (int i = 0; i < report->groups[group].count; ++i) {
    const cutlab_report_run *run = &report->runs[report->groups[group].first + i];
    const cutlab_report_point *last = cutlab_report_last(run), *top = last;
    if (run->source != &cutlab_report_simulated) return;
    if (run->method != cutlab_report_cutmix || !last || isnan(last->output[0])) continue;
    for (int64_t k = 0; k < run->point_count; ++k)
      if (run->points[k].output[0] > top->output[0]) top = &run->points[k];
    peak += top->output[0];
    when += log1p(top->time);
    end += last->output[0];
    ++count;
  }
  if (count == 0 || peak < 1.05 * end) return;
  cutlab_report_say(
      notes,
      "Under CutMix the common feature's curve is not monotone: it peaks at %.2f near iteration "
      "%.0f and ends at %.2f%s.",
      peak / count, expm1(when / count), end / count, count > 1 ? " (means over seeds)" : "");
}

static void note_theory(json_t *notes, const cutlab_report *report, int group) {
  char *text = NULL;
  size_t size;
  FILE *stream = open_memstream(&text, &size);
  if (!stream) return;
  int compared = 0, equal = 0;
  for (int i = 0; i < report->method_count; ++i) {
    cutlab_report_spread measured = CUTLAB_REPORT_FINAL(report, group, i, fresh_accuracy);
    double theory = cutlab_report_theory(report, group, i);
    if (measured.count == 0 || isnan(theory)) continue;
    fprintf(stream, "%s%s %.4f (theory %.4f)", compared ? ", " : "", label(report, i),
            measured.mean, theory);
    ++compared;
    equal += fabs(measured.mean - theory) <= accuracy_margin;
  }
  fclose(stream);
  if (compared && equal == compared)
    cutlab_report_say(notes, "The theory's accuracies appear here, within %.3f: %s.",
                      accuracy_margin, text);
  else if (compared)
    cutlab_report_say(notes, "Accuracy on fresh points %s from the theory's prediction: %s.",
                      equal ? "differs in part" : "differs", text);
  free(text);
}

/* The least of CutMix's outputs over features and seeds, as a share of the optimum z. */
static double least_share(const cutlab_report *report, int group) {
  double least = INFINITY, z = cutlab_report_optimum(report, group);
  for (int i = 0; i < cutlab_report_rarities; ++i) {
    cutlab_report_spread output =
        cutlab_report_final(report, group, cutlab_report_cutmix, output_offset(i));
    if (output.count) least = fmin(least, output.min / z);
  }
  return isfinite(least) ? least : NAN;
}

/* CutMix has every feature near its optimum and yet errs more than Cutout: the noise is what
   is left to blame, since it errs on points whose feature it has. */
static void note_leak(json_t *notes, const cutlab_report *report, int group) {
  cutlab_report_spread cutout =
      CUTLAB_REPORT_FINAL(report, group, cutlab_report_cutout, fresh_accuracy);
  cutlab_report_spread cutmix =
      CUTLAB_REPORT_FINAL(report, group, cutlab_report_cutmix, fresh_accuracy);
  cutlab_report_spread common =
      CUTLAB_REPORT_FINAL(report, group, cutlab_report_cutmix, accuracy[0]);
  double share = least_share(report, group);
  if (!(share >= 0.5) || !(cutmix.mean < cutout.mean - accuracy_margin) ||
      !(common.mean < 1 - accuracy_margin))
    return;
  const cutlab_report_run *run = &report->runs[report->groups[group].first];
  cutlab_report_say(
      notes,
      "CutMix learns every feature (outputs of at least %.0f %% of its optimum), and yet its "
      "accuracy on fresh points, %.3f, is below Cutout's, %.3f, at d = %lld, n = %lld. It errs "
      "also where the feature is common (%.3f right), so what misleads it is noise: filters that "
      "memorised the noise patches of the training set respond to fresh noise too.",
      floor(100 * share), cutmix.mean, cutout.mean,
      (long long)json_integer_value(cutlab_report_setting(run, "dimension")),
      (long long)json_integer_value(json_object_get(run->config, "examples")), common.mean);
}

/* The rarest feature that the group has, or -1. */
static int rarest(const cutlab_report *report, int group) {
  for (int i = cutlab_report_rarities - 1; i >= 0; --i)
    if (cutlab_report_learnt(report, group, cutlab_report_cutmix, i) != -2) return i;
  return -1;
}

/* Independent draws beside stratified ones: how much the seeds differ. */
static void note_spread(json_t *notes, const cutlab_report *report, int group) {
  int twin = report->groups[group].twin, rarity = rarest(report, group);
  if (twin < 0 || rarity < 0) return;
  cutlab_report_spread here =
      cutlab_report_final(report, group, cutlab_report_cutmix, output_offset(rarity));
  cutlab_report_spread there =
      cutlab_report_final(report, twin, cutlab_report_cutmix, output_offset(rarity));
  cutlab_report_spread accuracy_here =
      CUTLAB_REPORT_FINAL(report, group, cutlab_report_cutmix, fresh_accuracy);
  cutlab_report_spread accuracy_there =
      CUTLAB_REPORT_FINAL(report, twin, cutlab_report_cutmix, fresh_accuracy);
  if (here.count < 2 || there.count < 2) return;
  cutlab_report_say(
      notes,
      "Over the seeds, CutMix's output for the %s features ends between %.3f and %.3f, and its "
      "accuracy between %.4f and %.4f; in %s, which differs in how labels and features were "
      "drawn, between %.3f and %.3f, and %.4f and %.4f.",
      cutlab_report_rarity_name(rarity), here.min, here.max, accuracy_here.min, accuracy_here.max,
      report->groups[twin].name, there.min, there.max, accuracy_there.min, accuracy_there.max);
}

static void note_even(json_t *notes, const cutlab_report *report, int group) {
  cutlab_report_spread even = CUTLAB_REPORT_FINAL(report, group, cutlab_report_cutmix, evenness);
  if (even.count == 0 || !(even.mean < 0.1)) return;
  cutlab_report_say(
      notes,
      "CutMix comes within %.2g %% (root mean square over all training patches, noise included) "
      "of the one output that minimises its loss.",
      100 * even.mean);
}

/* Trained networks: the methods by test accuracy, and whether the seeds of the first two overlap.
 */
static void note_order(json_t *notes, const cutlab_report *report, int group) {
  int best = -1, second = -1, count = 0;
  cutlab_report_spread top = {0}, next = {0};
  for (int i = 0; i < report->method_count; ++i) {
    cutlab_report_spread accuracy = CUTLAB_REPORT_FINAL(report, group, i, fresh_accuracy);
    if (accuracy.count == 0) continue;
    ++count;
    if (best < 0 || accuracy.mean > top.mean) {
      second = best;
      next = top;
      best = i;
      top = accuracy;
    } else if (second < 0 || accuracy.mean > next.mean) {
      second = i;
      next = accuracy;
    }
  }
  if (report->groups[group].source != &cutlab_report_trained || count < 2) return;
  bool several = top.count > 1 && next.count > 1;
  cutlab_report_say(
      notes,
      "%s has the highest test accuracy at the end, %.4f, then %s, %.4f (means over %d and %d "
      "seeds)%s.",
      label(report, best), top.mean, label(report, second), next.mean, top.count, next.count,
      !several             ? ""
      : top.min > next.max ? ": every seed of the first is above every seed of the second"
                           : "; their seeds overlap");
}

static void note_unfinished(json_t *notes, const cutlab_report *report, int group) {
  for (int i = 0; i < report->groups[group].count; ++i) {
    const cutlab_report_run *run = &report->runs[report->groups[group].first + i];
    const cutlab_report_point *last = cutlab_report_last(run);
    if (run->finished) continue;
    cutlab_report_say(notes, "%s, seed %lld, is not finished: it is shown up to %s %.0f.",
                      label(report, run->method), (long long)run->seed, run->source->time,
                      last ? last->time : 0);
  }
}

json_t *cutlab_report_notes(const cutlab_report *report, int group) {
  json_t *notes = json_array();
  note_learnt(notes, report, group);
  note_theory(notes, report, group);
  note_leak(notes, report, group);
  note_peak(notes, report, group);
  note_even(notes, report, group);
  note_spread(notes, report, group);
  note_order(notes, report, group);
  note_unfinished(notes, report, group);
  return notes;
}
