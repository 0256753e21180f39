/* What an audit found, in words. Every sentence is computed from the numbers, and left out where
   they do not support it. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report/audit_report.h"

enum { most_named = 12 }; /* classes in a sentence */

static const char *label_of(const cutlab_audit *audit, int method) {
  return audit->methods[method].label;
}

/* "p = 0.012" or "p < 0.001". */
static void put_p(FILE *stream, double p) {
  if (isnan(p))
    fputs("no p", stream);
  else if (p < .001)
    fputs("p < 0.001", stream);
  else
    fprintf(stream, "p = %.3f", p);
}

static const char *sign_of(double value) {
  return value < 0 ? "−" : "+";
}

/* "+1.20 points (0.90 to 1.50)" of a difference of shares. */
static void put_points(FILE *stream, const cutlab_audit_estimate *gain) {
  double low, high;
  cutlab_audit_interval(&low, &high, gain);
  fprintf(stream, "%s%.2f points", sign_of(gain->value), 100 * fabs(gain->value));
  if (!isnan(low))
    fprintf(stream, " (%s%.2f to %s%.2f)", sign_of(low), 100 * fabs(low), sign_of(high),
            100 * fabs(high));
}

/* Ends a sentence that was written to a stream, and says it. */
static void say_stream(json_t *notes, FILE *stream, char *const *text) {
  if (!stream || fclose(stream) != 0) return;
  cutlab_report_say(notes, "%s", *text);
  free(*text);
}

/* Scores */

/* "ERM 0.412, Cutout 0.398 and CutMix 0.371" */
static void put_means(FILE *stream, const cutlab_audit *audit, const cutlab_audit_table *table) {
  for (int m = 0; m < audit->method_count; ++m)
    fprintf(stream, "%s%s %.4f",
            m == 0                         ? ""
            : m == audit->method_count - 1 ? " and "
                                           : ", ",
            label_of(audit, m), table->rows[m].statistics[cutlab_audit_mean].value);
}

static void say_means(json_t *notes, const cutlab_audit *audit) {
  for (int i = 0; i < 2; ++i) {
    const cutlab_audit_table *table = i ? &audit->matched : &audit->plain;
    char *text = NULL;
    size_t size;
    if (!table->there) continue;
    FILE *stream = open_memstream(&text, &size);
    if (!stream) return;
    if (i)
      fprintf(stream,
              "The same of equally many errors, the %.0f about which each training is most surely "
              "wrong: ",
              table->rows[0].errors);
    else
      fputs("Mean score of the examples that are missed, all errors of every training: ", stream);
    put_means(stream, audit, table);
    fputs(".", stream);
    say_stream(notes, stream, &text);
  }
}

static void say_order(json_t *notes, const cutlab_audit *audit) {
  cutlab_audit_order order = cutlab_audit_order_of(audit);
  if (!order.known) return;
  cutlab_report_say(
      notes,
      "The order ERM > Cutout > CutMix of the mean score of missed examples %s in the plain table; "
      "at equal numbers of errors it %s.%s",
      cutlab_audit_order_text(order.plain), cutlab_audit_order_text(order.matched),
      order.of_networks ? " Not every method has 3 trainings, so this is about these networks, not "
                          "about the methods."
                        : "");
}

/* Differences of means, with their adjusted p. */
static void say_differences(json_t *notes, const cutlab_audit *audit) {
  for (int i = 0; i < 2; ++i) {
    const cutlab_audit_table *table = i ? &audit->matched : &audit->plain;
    char *text = NULL;
    size_t size;
    if (!table->there || table->pair_count == 0 || table->pair_count > 6) continue;
    FILE *stream = open_memstream(&text, &size);
    if (!stream) return;
    fprintf(stream, "Differences of these means, %s: ", i ? "equally many errors" : "all errors");
    for (int p = 0; p < table->pair_count; ++p) {
      const cutlab_audit_pair *pair = &table->pairs[p];
      const cutlab_audit_estimate *mean = &pair->statistics[cutlab_audit_mean];
      fprintf(stream, "%s%s − %s %s%.4f (", p ? "; " : "", label_of(audit, pair->second),
              label_of(audit, pair->first), sign_of(mean->value), fabs(mean->value));
      put_p(stream, mean->adjusted_p);
      fprintf(stream, "%s)", cutlab_audit_significant(audit, mean) ? ", significant" : "");
    }
    fputs(".", stream);
    say_stream(notes, stream, &text);
  }
}

json_t *cutlab_audit_table_notes(const cutlab_audit_view *view) {
  json_t *notes = json_array();
  if (!view->audit->plain.there && !view->audit->matched.there) return notes;
  say_order(notes, view->audit);
  say_means(notes, view->audit);
  say_differences(notes, view->audit);
  return notes;
}

/* Comparisons */

static void say_gain(json_t *notes, const cutlab_audit *audit, const cutlab_audit_comparison *c) {
  const cutlab_audit_group *all = &c->all;
  char *text = NULL;
  size_t size;
  FILE *stream = open_memstream(&text, &size);
  if (!stream) return;
  fprintf(stream,
          "%s is right about %.2f%% of the examples, %s about %.2f%%: ", label_of(audit, c->method),
          100 * all->accuracy, label_of(audit, c->baseline), 100 * all->baseline_accuracy);
  put_points(stream, &all->gain);
  double p = isnan(all->gain.p) ? all->gain.examples_p : all->gain.p;
  fputs(", ", stream);
  put_p(stream, p);
  fputs(".", stream);
  say_stream(notes, stream, &text);
}

static void say_changes(json_t *notes, const cutlab_audit *audit,
                        const cutlab_audit_comparison *c) {
  const cutlab_audit_group *all = &c->all;
  const char *baseline = label_of(audit, c->baseline), *method = label_of(audit, c->method);
  if (isnan(all->rescued_again)) {
    cutlab_report_say(
        notes,
        "From the network of %s to that of %s, %.0f examples change from wrong to right and %.0f "
        "from right to wrong. How many would change by training %s once more is not known: there "
        "is "
        "one training of it.",
        baseline, method, all->rescued, all->hurt, baseline);
    return;
  }
  cutlab_report_say(
      notes,
      "From a network of %s to one of %s, %.1f examples change from wrong to right and %.1f from "
      "right to wrong, on average. Between two networks of %s, which differ by chance alone, %.1f "
      "change each way.",
      baseline, method, all->rescued, all->hurt, baseline, all->rescued_again);
}

/* Groups that gain (sign 1) or lose (-1) significantly, biggest first; how many. */
static int64_t significant(int64_t *found, const cutlab_audit *audit,
                           const cutlab_audit_group *groups, int64_t count, int sign) {
  int64_t many = 0;
  for (int64_t k = 0; k < count; ++k) {
    double gain = sign * groups[k].gain.value;
    if (!(gain > 0) || !cutlab_audit_significant(audit, &groups[k].gain)) continue;
    int64_t at = many++;
    if (at >= most_named) at = most_named - 1;
    if (many > most_named && gain <= sign * groups[found[at]].gain.value) continue;
    for (; at > 0 && sign * groups[found[at - 1]].gain.value < gain; --at)
      found[at] = found[at - 1];
    found[at] = k;
  }
  return many;
}

static void say_groups(json_t *notes, const cutlab_audit *audit, const cutlab_audit_group *groups,
                       int64_t count, int sign, const char *what) {
  int64_t found[most_named];
  int64_t many = significant(found, audit, groups, count, sign);
  char *text = NULL;
  size_t size;
  if (!many) {
    if (sign < 0)
      cutlab_report_say(notes, "No %s loses significantly, corrected for the number of them.",
                        what);
    return;
  }
  FILE *stream = open_memstream(&text, &size);
  if (!stream) return;
  fprintf(stream,
          "%" PRId64 " of %" PRId64 " %s %s significantly, corrected for their number: ", many,
          count, strcmp(what, "class") == 0 ? "classes" : "ranges of difficulty",
          sign < 0 ? (many > 1 ? "lose" : "loses") : (many > 1 ? "gain" : "gains"));
  for (int64_t i = 0; i < many && i < most_named; ++i) {
    fprintf(stream, "%s%s ", i ? ", " : "", groups[found[i]].name);
    fprintf(stream, "%s%.2f", sign_of(groups[found[i]].gain.value),
            100 * fabs(groups[found[i]].gain.value));
  }
  fprintf(stream, "%s points.", many > most_named ? ", …" : "");
  say_stream(notes, stream, &text);
}

json_t *cutlab_audit_comparison_notes(const cutlab_audit_view *view, int comparison) {
  const cutlab_audit *audit = view->audit;
  const cutlab_audit_comparison *c = &audit->comparisons[comparison];
  json_t *notes = json_array();
  say_gain(notes, audit, c);
  say_changes(notes, audit, c);
  say_groups(notes, audit, c->classes, audit->classes, -1, "class");
  say_groups(notes, audit, c->classes, audit->classes, 1, "class");
  say_groups(notes, audit, c->difficulty, cutlab_audit_difficulties(audit), -1,
             "range of difficulty");
  say_groups(notes, audit, c->difficulty, cutlab_audit_difficulties(audit), 1,
             "range of difficulty");
  return notes;
}
