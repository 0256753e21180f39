/* An audit as a table to read on a terminal. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/audit_internal.h"

/* In columns; a dash where there is none. */
static void print_number(FILE *out, double value, int digits) {
  if (isnan(value))
    fprintf(out, "%*s", digits + 3, "-");
  else
    fprintf(out, "%*.*f", digits + 3, digits, value);
}

static void print_p(FILE *out, double p) {
  if (isnan(p))
    fputs("p -", out);
  else if (p < .0001)
    fputs("p < .0001", out);
  else
    fprintf(out, "p = %.4f", p);
}

/* Over trainings where that is known. */
static void print_interval(FILE *out, const cutlab_audit_estimate *e, int digits) {
  bool wide = !isnan(e->low);
  fprintf(out, " [%.*f, %.*f]", digits, wide ? e->low : e->examples_low, digits,
          wide ? e->high : e->examples_high);
}

static void print_rows(FILE *out, const cutlab_audit *audit, const cutlab_audit_table *table) {
  fprintf(out, "  %-24s %9s %8s %7s   %-24s %6s %6s %6s\n", "method", "trainings", "accuracy",
          "errors", "mean score", "Q1", "Q2", "Q3");
  for (int m = 0; m < audit->method_count; ++m) {
    const cutlab_audit_row *row = &table->rows[m];
    const cutlab_audit_estimate *s = row->statistics;
    fprintf(out, "  %-24.24s %9d %8.4f %7.0f  ", audit->methods[m].label,
            audit->methods[m].training_count, cutlab_audit_accuracy(audit, m), row->errors);
    print_number(out, s[cutlab_audit_mean].value, 4);
    print_interval(out, &s[cutlab_audit_mean], 4);
    for (int q = cutlab_audit_q1; q <= cutlab_audit_q3; ++q) print_number(out, s[q].value, 4);
    fputc('\n', out);
  }
}

static void print_pairs(FILE *out, const cutlab_audit *audit, const cutlab_audit_table *table) {
  for (int i = 0; i < table->pair_count; ++i) {
    const cutlab_audit_pair *pair = &table->pairs[i];
    const cutlab_audit_estimate *e = &pair->statistics[cutlab_audit_mean];
    fprintf(out, "    %s minus %s: %.4f", audit->methods[pair->second].label,
            audit->methods[pair->first].label, e->value);
    print_interval(out, e, 4);
    fputs(", ", out);
    print_p(out, e->adjusted_p);
    fputc('\n', out);
  }
}

static void print_tables(FILE *out, const cutlab_audit *audit) {
  if (!audit->score) return;
  fputs("\nScores of the examples that are misclassified (low: only hard ones are missed)\n\n",
        out);
  if (audit->plain.there) {
    fputs("  All errors\n", out);
    print_rows(out, audit, &audit->plain);
    print_pairs(out, audit, &audit->plain);
  } else {
    fputs("  No table of all errors: a training makes none.\n", out);
  }
  if (!audit->matched.there) return;
  fprintf(out, "\n  The %lld most wrong of every training\n", (long long)audit->matched.matched);
  print_rows(out, audit, &audit->matched);
  print_pairs(out, audit, &audit->matched);
  cutlab_audit_order order = cutlab_audit_order_of(audit);
  if (order.known)
    fprintf(out,
            "\n  The order ERM > Cutout > CutMix of mean scores %s for all errors and %s at "
            "matched counts.\n",
            cutlab_audit_order_text(order.plain), cutlab_audit_order_text(order.matched));
}

/* The classes whose loss or gain is beyond chance. */
static void print_classes(FILE *out, const cutlab_audit *audit, const cutlab_audit_comparison *c) {
  enum { most_shown = 12 };
  int shown = 0;
  for (int64_t k = 0; k < audit->classes; ++k) {
    const cutlab_audit_group *g = &c->classes[k];
    if (!(g->gain.adjusted_p < 1 - audit->options.confidence)) continue;
    if (shown++ >= most_shown) continue;
    fprintf(out, "    class %s %s %+.4f, ", g->name, g->gain.value < 0 ? "loses" : "gains",
            g->gain.value);
    print_p(out, g->gain.adjusted_p);
    fputc('\n', out);
  }
  if (shown > most_shown) fprintf(out, "    and %d more classes\n", shown - most_shown);
}

static void print_comparison(FILE *out, const cutlab_audit *audit,
                             const cutlab_audit_comparison *c) {
  const cutlab_audit_group *all = &c->all;
  fprintf(out, "\n%s against %s: accuracy %+.4f", audit->methods[c->method].label,
          audit->methods[c->baseline].label, all->gain.value);
  print_interval(out, &all->gain, 4);
  fprintf(out, "\n  rescued %.0f, hurt %.0f", all->rescued, all->hurt);
  if (!isnan(all->rescued_again))
    fprintf(out, " (training %s again: %.0f either way)", audit->methods[c->baseline].label,
            all->rescued_again);
  fputc('\n', out);
  print_classes(out, audit, c);
}

static bool few_trainings(const cutlab_audit *audit) {
  for (int m = 0; m < audit->method_count; ++m)
    if (audit->methods[m].training_count < 3) return true;
  return false;
}

static void print_all(FILE *out, const cutlab_audit *audit) {
  fprintf(out, "%lld %s examples, %d method%s\n", (long long)audit->count,
          audit->held_out ? "held-out" : "audited", audit->method_count,
          audit->method_count == 1 ? "" : "s");
  print_tables(out, audit);
  if (!audit->plain.there)
    for (int m = 0; m < audit->method_count; ++m)
      fprintf(out, "  %-24.24s accuracy %.4f, %d training%s\n", audit->methods[m].label,
              cutlab_audit_accuracy(audit, m), audit->methods[m].training_count,
              audit->methods[m].training_count == 1 ? "" : "s");
  for (int i = 0; i + 1 < audit->method_count; ++i)
    print_comparison(out, audit, &audit->comparisons[i]);
  fprintf(out, "\nIn brackets: %g%% intervals %s. p: adjusted for several comparisons (Holm).\n",
          100 * audit->options.confidence,
          few_trainings(audit) ? "over examples alone where a method has fewer than 3 trainings: "
                                 "they are about these networks, not about the methods"
                               : "over examples and trainings");
}

cutlab_status cutlab_audit_to_text(cutlab_context *context, char **text,
                                   const cutlab_audit *audit) {
  size_t size;
  *text = NULL;
  if (!audit->computed)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT, "the audit has not been computed");
  FILE *out = open_memstream(text, &size);
  if (out) {
    print_all(out, audit);
    if (fclose(out) == 0) return CUTLAB_OK;
  }
  free(*text);
  *text = NULL;
  return cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory: the audit's text");
}
