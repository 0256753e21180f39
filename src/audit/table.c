/* The C-score table: mean and quartiles of the scores of the examples that each method
   misclassifies, with intervals and tests; and curves of these scores. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "audit/bootstrap.h"
#include "audit/statistics.h"

enum { stats = cutlab_audit_statistics };

/* What a table is computed from. */
typedef struct sample {
  const cutlab_audit *audit;
  cutlab_audit_table *table;
  cutlab_bootstrap bootstrap;
  int trainings;   /* of all methods */
  double *values;  /* [trainings][stats] */
  int64_t *errors; /* [trainings] */
  double *all;     /* [draws][trainings][stats] */
  double *drawn;   /* [draws][methods][stats] means over trainings; NaN: left out */
  double *buffer;  /* [draws] */
} sample;

/* Estimates */

/* Puts the draws of a method's statistic, or of the difference of two methods', into the buffer
   without NaN; returns how many there are. first: -1 for none. */
static int64_t gather(const sample *s, int first, int second, int statistic) {
  const ptrdiff_t stride = (ptrdiff_t)s->audit->method_count * stats;
  int64_t count = 0;
  for (int64_t d = 0; d < s->audit->options.draws; ++d) {
    const double *row = s->drawn + d * stride + statistic;
    double value = row[second * stats] - (first < 0 ? 0 : row[first * stats]);
    if (!isnan(value)) s->buffer[count++] = value;
  }
  return count;
}

static int compare_doubles(const void *a, const void *b) {
  const double *x = a, *y = b;
  return (*x > *y) - (*x < *y);
}

/* The percentile interval (Efron and Tibshirani, An Introduction to the Bootstrap, 1993, ch. 13);
   leaves the buffer sorted. */
static void set_examples_interval(cutlab_audit_estimate *estimate, const sample *s, int64_t count) {
  estimate->examples_low = estimate->examples_high = NAN;
  if (!count) return;
  qsort(s->buffer, (size_t)count, sizeof *s->buffer, compare_doubles);
  double tail = (1 - s->audit->options.confidence) / 2;
  estimate->examples_low = cutlab_quantile(s->buffer, count, tail);
  estimate->examples_high = cutlab_quantile(s->buffer, count, 1 - tail);
}

/* Twice the smaller share of draws on one side of 0. The estimate itself counts as a draw on
   either side, so that p is never 0 (Davison and Hinkley 1997, 4.11). */
static double percentile_p(const double *values, int64_t count) {
  int64_t low = 0, high = 0;
  for (int64_t i = 0; i < count; ++i) {
    low += values[i] <= 0;
    high += values[i] >= 0;
  }
  double smaller = (double)(low < high ? low : high);
  return count ? fmin(1, 2 * (smaller + 1) / (double)(count + 1)) : NAN;
}

/* Rows and pairs */

static int first_training(const cutlab_audit *audit, int method) {
  int first = 0;
  for (int m = 0; m < method; ++m) first += audit->methods[m].training_count;
  return first;
}

/* The part of the bootstrap's variance that trainings of method `of` have on their own: over the
   draws that count, sum_r Var(x_r - mean of all x) / (R (R - 1)). x: a training's statistic, less
   that of the same seed under method `minus` if not -1. Draws without a mean of method `other`, if
   not -1, do not count either. Overwrites the buffer. */
static double own_variance(const sample *s, int of, int minus, int other, int statistic) {
  const ptrdiff_t count = s->audit->methods[of].training_count;
  const ptrdiff_t methods = (ptrdiff_t)s->audit->method_count * stats;
  const ptrdiff_t trainings = (ptrdiff_t)s->trainings * stats;
  const ptrdiff_t first = first_training(s->audit, of);
  const ptrdiff_t first_minus = minus < 0 ? 0 : first_training(s->audit, minus);
  double sum = 0;
  for (ptrdiff_t t = 0; t < count; ++t) {
    int64_t kept = 0;
    for (int64_t d = 0; d < s->audit->options.draws; ++d) {
      const double *means = s->drawn + d * methods + statistic;
      const double *each = s->all + d * trainings + statistic;
      if (isnan(means[of * stats]) || (other >= 0 && isnan(means[other * stats]))) continue;
      double value = each[(first + t) * stats] - means[of * stats];
      if (minus >= 0) value -= each[(first_minus + t) * stats] - means[minus * stats];
      s->buffer[kept++] = value;
    }
    sum += cutlab_variance(s->buffer, kept);
  }
  return sum / (double)(count * (count - 1));
}

static double mean_over_trainings(const double *values, int count) {
  double sum = 0;
  for (int t = 0; t < count; ++t) sum += values[(ptrdiff_t)t * stats];
  return sum / count;
}

static cutlab_status fill_row(cutlab_context *context, cutlab_audit_row *row, const sample *s,
                              int method) {
  const int count = s->audit->methods[method].training_count;
  row->of_training = cutlab_allocate(context, (int64_t)count * stats, sizeof *row->of_training);
  if (!row->of_training) return CUTLAB_ERROR_MEMORY;
  const int first = first_training(s->audit, method);
  const double *values = s->values + (ptrdiff_t)first * stats;
  memcpy(row->of_training, values, (size_t)count * stats * sizeof *values);
  for (int t = 0; t < count; ++t) row->errors += (double)s->errors[first + t] / count;
  for (int q = 0; q < stats; ++q) {
    cutlab_audit_estimate *e = &row->statistics[q];
    e->value = mean_over_trainings(values + q, count);
    e->examples_p = e->p = e->adjusted_p = NAN;
    int64_t drawn = gather(s, -1, method, q);
    double variance = cutlab_variance(s->buffer, drawn);
    cutlab_spread spread = cutlab_spread_of(values + q, count, stats);
    set_examples_interval(e, s, drawn);
    double common = cutlab_common_variance(variance, own_variance(s, method, -1, -1, q), &spread);
    cutlab_estimate_interval(e, common, &spread, s->audit->options.confidence);
  }
  return CUTLAB_OK;
}

/* Of the difference of a pair: see own_variance. */
static double own_variance_between(const sample *s, const cutlab_audit_pair *pair, int statistic) {
  if (pair->paired) return own_variance(s, pair->second, pair->first, pair->first, statistic);
  return own_variance(s, pair->second, -1, pair->first, statistic) +
         own_variance(s, pair->first, -1, pair->second, statistic);
}

static void fill_pair(cutlab_audit_pair *pair, const cutlab_audit_table *table, const sample *s) {
  const cutlab_audit_method *first = &s->audit->methods[pair->first];
  const cutlab_audit_method *second = &s->audit->methods[pair->second];
  const cutlab_audit_row *low = &table->rows[pair->first], *high = &table->rows[pair->second];
  pair->paired = cutlab_audit_paired(first, second);
  for (int q = 0; q < stats; ++q) {
    cutlab_audit_estimate *e = &pair->statistics[q];
    e->value = high->statistics[q].value - low->statistics[q].value;
    int64_t drawn = gather(s, pair->first, pair->second, q);
    double variance = cutlab_variance(s->buffer, drawn);
    cutlab_spread spread =
        cutlab_spread_between(low->of_training + q, first->training_count, high->of_training + q,
                              second->training_count, stats, pair->paired);
    set_examples_interval(e, s, drawn);
    e->examples_p = percentile_p(s->buffer, drawn);
    double common = cutlab_common_variance(variance, own_variance_between(s, pair, q), &spread);
    cutlab_estimate_interval(e, common, &spread, s->audit->options.confidence);
    e->p = cutlab_estimate_p(e->value, common, &spread);
  }
}

/* Holm over the pairs, for each statistic. */
static cutlab_status adjust(cutlab_context *context, cutlab_audit_table *table) {
  double *p = cutlab_allocate(context, table->pair_count, sizeof *p);
  if (!p) return CUTLAB_ERROR_MEMORY;
  cutlab_status status = CUTLAB_OK;
  for (int q = 0; q < stats && status == CUTLAB_OK; ++q) {
    for (int i = 0; i < table->pair_count; ++i)
      p[i] = cutlab_estimate_best_p(&table->pairs[i].statistics[q]);
    status = cutlab_holm(context, p, table->pair_count);
    for (int i = 0; i < table->pair_count; ++i) table->pairs[i].statistics[q].adjusted_p = p[i];
  }
  free(p);
  return status;
}

static cutlab_status fill_table(cutlab_context *context, cutlab_audit_table *table,
                                const sample *s) {
  const int methods = s->audit->method_count;
  table->pairs = cutlab_allocate(context, methods * (methods - 1) / 2, sizeof *table->pairs);
  table->rows = cutlab_allocate(context, methods, sizeof *table->rows);
  if (!table->rows || !table->pairs) return CUTLAB_ERROR_MEMORY;
  for (int m = 0; m < methods; ++m) CUTLAB_TRY(fill_row(context, &table->rows[m], s, m));
  for (int second = 1; second < methods; ++second)
    for (int first = 0; first < second; ++first) {
      cutlab_audit_pair *pair = &table->pairs[table->pair_count++];
      *pair = (cutlab_audit_pair){.first = first, .second = second};
      fill_pair(pair, table, s);
    }
  return adjust(context, table);
}

/* From the bootstrap */

/* Whether every training has errors is known after this. */
static cutlab_status observe(cutlab_context *context, sample *s, bool matched) {
  const cutlab_audit *audit = s->audit;
  const int64_t draws = audit->options.draws;
  CUTLAB_TRY(cutlab_bootstrap_make(context, &s->bootstrap, audit, matched));
  s->trainings = s->bootstrap.training_count;
  s->values = cutlab_allocate(context, (int64_t)s->trainings * stats, sizeof *s->values);
  s->errors = cutlab_allocate(context, s->trainings, sizeof *s->errors);
  s->all = cutlab_allocate(context, draws * s->trainings * stats, sizeof *s->all);
  s->drawn = cutlab_allocate(context, draws * audit->method_count * stats, sizeof *s->drawn);
  s->buffer = cutlab_allocate(context, draws, sizeof *s->buffer);
  if (!s->values || !s->errors || !s->all || !s->drawn || !s->buffer) return CUTLAB_ERROR_MEMORY;
  CUTLAB_TRY(cutlab_bootstrap_observe(context, s->values, s->errors, &s->bootstrap));
  s->table->matched = matched ? s->errors[0] : -1;
  s->table->there = true;
  for (int t = 0; t < s->trainings; ++t) s->table->there &= s->errors[t] > 0;
  return CUTLAB_OK;
}

/* Means over each method's trainings. */
static void average(sample *s) {
  const double *from = s->all;
  double *to = s->drawn;
  for (int64_t d = 0; d < s->audit->options.draws; ++d)
    for (int m = 0; m < s->audit->method_count; ++m) {
      const int count = s->audit->methods[m].training_count;
      for (int q = 0; q < stats; ++q) *to++ = mean_over_trainings(from + q, count);
      from += (ptrdiff_t)count * stats;
    }
}

static cutlab_status make_tables(cutlab_context *context, const cutlab_audit *audit,
                                 sample samples[2]) {
  const cutlab_bootstrap *tables[2];
  double *values[2];
  int count = 0;
  for (int i = 0; i < 2; ++i) {
    CUTLAB_TRY(observe(context, &samples[i], i == 1));
    if (!samples[i].table->there) continue;
    tables[count] = &samples[i].bootstrap;
    values[count++] = samples[i].all;
  }
  CUTLAB_TRY(cutlab_bootstrap_draw(context, values, tables, count, audit->options.draws,
                                   audit->options.seed));
  for (int i = 0; i < 2; ++i) {
    if (!samples[i].table->there) continue;
    average(&samples[i]);
    CUTLAB_TRY(fill_table(context, samples[i].table, &samples[i]));
  }
  return CUTLAB_OK;
}

static void clear_sample(sample *s) {
  cutlab_bootstrap_clear(&s->bootstrap);
  free(s->values);
  free(s->errors);
  free(s->all);
  free(s->drawn);
  free(s->buffer);
}

/* Curves */

static int bin_of(const cutlab_audit *audit, double score) {
  double width = audit->bin_high - audit->bin_low;
  int bin = width > 0 ? (int)((score - audit->bin_low) / width * cutlab_audit_bins) : 0;
  return bin < cutlab_audit_bins ? bin : cutlab_audit_bins - 1;
}

/* scores: room for the errors'. Trainings without errors have no part in curves of errors. */
static void add_training(cutlab_audit_curves *curves, double *scores, const cutlab_audit *audit,
                         const cutlab_audit_training *training, int with_errors) {
  int64_t errors = 0;
  for (int64_t i = 0; i < audit->count; ++i)
    if (training->wrong[i]) {
      int bin = bin_of(audit, audit->score[i]);
      curves->error_rate[bin] += 1;
      curves->histogram[bin] += 1.0 / (double)training->errors / with_errors;
      scores[errors++] = audit->score[i];
    }
  if (!errors) return;
  qsort(scores, (size_t)errors, sizeof *scores, compare_doubles);
  for (int i = 0; i < cutlab_audit_levels; ++i)
    curves->quantile[i] +=
        cutlab_quantile(scores, errors, i / (cutlab_audit_levels - 1.0)) / with_errors;
}

static void fill_curves(cutlab_audit_curves *curves, double *scores, const cutlab_audit *audit,
                        const cutlab_audit_method *method) {
  int64_t counts[cutlab_audit_bins] = {0};
  int with_errors = 0;
  for (int64_t i = 0; i < audit->count; ++i) ++counts[bin_of(audit, audit->score[i])];
  for (int t = 0; t < method->training_count; ++t) with_errors += method->trainings[t].errors > 0;
  for (int i = 0; i < cutlab_audit_levels && !with_errors; ++i) curves->quantile[i] = NAN;
  for (int t = 0; t < method->training_count; ++t)
    add_training(curves, scores, audit, &method->trainings[t], with_errors);
  for (int b = 0; b < cutlab_audit_bins; ++b)
    curves->error_rate[b] /= (double)counts[b] * method->training_count;
}

static cutlab_status make_curves(cutlab_context *context, cutlab_audit *audit) {
  audit->curves = cutlab_allocate(context, audit->method_count, sizeof *audit->curves);
  double *scores = cutlab_allocate(context, audit->count, sizeof *scores);
  if (!audit->curves || !scores) {
    free(scores);
    return CUTLAB_ERROR_MEMORY;
  }
  audit->bin_low = INFINITY;
  audit->bin_high = -INFINITY;
  for (int64_t i = 0; i < audit->count; ++i) {
    audit->bin_low = fmin(audit->bin_low, audit->score[i]);
    audit->bin_high = fmax(audit->bin_high, audit->score[i]);
  }
  for (int m = 0; m < audit->method_count; ++m)
    fill_curves(&audit->curves[m], scores, audit, &audit->methods[m]);
  free(scores);
  return CUTLAB_OK;
}

/* Interface */

static void clear_table(cutlab_audit_table *table, int methods) {
  for (int m = 0; table->rows && m < methods; ++m) free(table->rows[m].of_training);
  free(table->rows);
  free(table->pairs);
  *table = (cutlab_audit_table){0};
}

void cutlab_audit_clear_tables(cutlab_audit *audit) {
  clear_table(&audit->plain, audit->method_count);
  clear_table(&audit->matched, audit->method_count);
  free(audit->curves);
  audit->curves = NULL;
}

cutlab_status cutlab_audit_tabulate(cutlab_context *context, cutlab_audit *audit) {
  cutlab_audit_clear_tables(audit);
  if (!audit->score) return CUTLAB_OK;
  sample samples[2] = {{.audit = audit, .table = &audit->plain},
                       {.audit = audit, .table = &audit->matched}};
  cutlab_status status = make_tables(context, audit, samples);
  for (int i = 0; i < 2; ++i) clear_sample(&samples[i]);
  return status == CUTLAB_OK ? make_curves(context, audit) : status;
}
