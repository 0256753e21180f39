/* Comparisons of methods with the baseline: whom a method rescues and whom it hurts. */
#include <math.h>
#include <stdlib.h>

#include "audit/compare_groups.h"
#include "audit/statistics.h"

/* Examples */

/* The same share as a fraction is the same double, whatever the number of trainings. */
double cutlab_audit_share_right(const cutlab_audit_method *method, int64_t example) {
  int right = 0;
  for (int t = 0; t < method->training_count; ++t) right += !method->trainings[t].wrong[example];
  return (double)right / method->training_count;
}

double cutlab_audit_mean_probability(const cutlab_audit_method *method, int64_t example) {
  double sum = 0;
  for (int t = 0; t < method->training_count; ++t) sum += method->trainings[t].probability[example];
  return sum / method->training_count;
}

/* The difference of the shares, one rounding of a fraction: equal gains are equal doubles. */
static double exact_gain(const cutlab_audit_method *baseline, const cutlab_audit_method *method,
                         int64_t example) {
  int64_t before = 0, after = 0, m = method->training_count, b = baseline->training_count;
  for (int t = 0; t < b; ++t) before += !baseline->trainings[t].wrong[example];
  for (int t = 0; t < m; ++t) after += !method->trainings[t].wrong[example];
  return (double)(after * b - before * m) / (double)(b * m);
}

static cutlab_audit_fate fate_of(double before, double after) {
  if (after > before) return CUTLAB_AUDIT_RESCUED;
  if (after < before) return CUTLAB_AUDIT_HURT;
  if (after == 1) return CUTLAB_AUDIT_ALWAYS_RIGHT;
  return after == 0 ? CUTLAB_AUDIT_ALWAYS_WRONG : CUTLAB_AUDIT_UNSTEADY;
}

static void fill_examples(cutlab_audit_comparison *c, const cutlab_audit *audit) {
  const cutlab_audit_method *baseline = &audit->methods[c->baseline];
  const cutlab_audit_method *method = &audit->methods[c->method];
  for (int64_t i = 0; i < audit->count; ++i) {
    double before = cutlab_audit_share_right(baseline, i),
           after = cutlab_audit_share_right(method, i);
    c->fate[i] = (uint8_t)fate_of(before, after);
    c->gain[i] = exact_gain(baseline, method, i);
    c->confidence_gain[i] =
        cutlab_audit_mean_probability(method, i) - cutlab_audit_mean_probability(baseline, i);
  }
}

/* The examples of a fate, the largest changes first; sign: 1 for losses, -1 for gains. */
static int64_t fill_gallery(int64_t *shown, cutlab_sort_key *keys, const cutlab_audit_comparison *c,
                            int64_t examples, cutlab_audit_fate fate, int sign) {
  int64_t count = 0;
  for (int64_t i = 0; i < examples; ++i)
    if (c->fate[i] == fate)
      keys[count++] = (cutlab_sort_key){
          .first = sign * c->gain[i], .second = sign * c->confidence_gain[i], .place = i};
  cutlab_sort(keys, count);
  if (count > cutlab_audit_shown) count = cutlab_audit_shown;
  for (int64_t i = 0; i < count; ++i) shown[i] = keys[i].place;
  return count;
}

static cutlab_status fill_galleries(cutlab_context *context, cutlab_audit_comparison *c,
                                    int64_t examples) {
  cutlab_sort_key *keys = cutlab_allocate(context, examples, sizeof *keys);
  if (!keys) return CUTLAB_ERROR_MEMORY;
  c->rescued_shown = fill_gallery(c->rescued_most, keys, c, examples, CUTLAB_AUDIT_RESCUED, -1);
  c->hurt_shown = fill_gallery(c->hurt_most, keys, c, examples, CUTLAB_AUDIT_HURT, 1);
  free(keys);
  return CUTLAB_OK;
}

/* Comparisons */

static cutlab_status allocate(cutlab_context *context, cutlab_audit_comparison *c,
                              const cutlab_audit *audit) {
  c->classes = cutlab_allocate(context, audit->classes, sizeof *c->classes);
  c->difficulty = cutlab_allocate(context, audit->options.quantiles, sizeof *c->difficulty);
  c->fate = cutlab_allocate(context, audit->count, sizeof *c->fate);
  c->gain = cutlab_allocate(context, audit->count, sizeof *c->gain);
  c->confidence_gain = cutlab_allocate(context, audit->count, sizeof *c->confidence_gain);
  c->rescued_most = cutlab_allocate(context, cutlab_audit_shown, sizeof *c->rescued_most);
  c->hurt_most = cutlab_allocate(context, cutlab_audit_shown, sizeof *c->hurt_most);
  bool complete = c->classes && c->difficulty && c->fate && c->gain && c->confidence_gain &&
                  c->rescued_most && c->hurt_most;
  return complete ? CUTLAB_OK : CUTLAB_ERROR_MEMORY;
}

static cutlab_status compare(cutlab_context *context, cutlab_audit_comparison *c,
                             const cutlab_audit *audit) {
  c->paired = cutlab_audit_paired(&audit->methods[c->baseline], &audit->methods[c->method]);
  CUTLAB_TRY(allocate(context, c, audit));
  fill_examples(c, audit);
  CUTLAB_TRY(fill_galleries(context, c, audit->count));
  return cutlab_compare_groups(context, c, audit);
}

/* Holm over the methods, of the gain of all examples. */
static cutlab_status adjust(cutlab_context *context, cutlab_audit *audit) {
  const int count = audit->method_count - 1;
  double *p = cutlab_allocate(context, count, sizeof *p);
  if (!p) return CUTLAB_ERROR_MEMORY;
  for (int i = 0; i < count; ++i) p[i] = audit->comparisons[i].all.gain.adjusted_p;
  cutlab_status status = cutlab_holm(context, p, count);
  for (int i = 0; i < count; ++i) audit->comparisons[i].all.gain.adjusted_p = p[i];
  free(p);
  return status;
}

cutlab_status cutlab_audit_compare(cutlab_context *context, cutlab_audit *audit) {
  cutlab_audit_clear_comparisons(audit);
  const int count = audit->method_count - 1;
  if (audit->options.quantiles > audit->count) audit->options.quantiles = audit->count;
  audit->comparisons = cutlab_allocate(context, count, sizeof *audit->comparisons);
  if (!audit->comparisons) return CUTLAB_ERROR_MEMORY;
  for (int i = 0; i < count; ++i) {
    audit->comparisons[i].method = i + 1;
    CUTLAB_TRY(compare(context, &audit->comparisons[i], audit));
  }
  return adjust(context, audit);
}

static void clear_groups(cutlab_audit_group *groups, int64_t count) {
  for (int64_t g = 0; groups && g < count; ++g) free(groups[g].name);
  free(groups);
}

void cutlab_audit_clear_comparisons(cutlab_audit *audit) {
  for (int i = 0; audit->comparisons && i + 1 < audit->method_count; ++i) {
    cutlab_audit_comparison *c = &audit->comparisons[i];
    free(c->all.name);
    clear_groups(c->classes, audit->classes);
    clear_groups(c->difficulty, audit->options.quantiles);
    free(c->fate);
    free(c->gain);
    free(c->confidence_gain);
    free(c->rescued_most);
    free(c->hurt_most);
  }
  free(audit->comparisons);
  audit->comparisons = NULL;
}
