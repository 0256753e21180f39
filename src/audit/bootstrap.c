/* The bootstrap over examples (Efron 1979). An example that is drawn w times counts w times; one
   draw serves all trainings, so that differences between them are paired. Everything is sorted
   once, so that a draw is a few passes over each training's errors. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cutlab/random.h>

#include "audit/bootstrap.h"
#include "audit/statistics.h"
#include "base/streams.h"

/* Sorting */

/* What sorting the trainings needs. */
typedef struct sorter {
  const cutlab_audit *audit;
  int64_t *by_score;     /* [N] examples */
  int64_t *position;     /* [N] of an example in the ranking */
  cutlab_sort_key *keys; /* [N] */
} sorter;

static void sort_by_score(sorter *s) {
  for (int64_t i = 0; i < s->audit->count; ++i)
    s->keys[i] = (cutlab_sort_key){.first = s->audit->score[i], .place = i};
  cutlab_sort(s->keys, s->audit->count);
  for (int64_t i = 0; i < s->audit->count; ++i) s->by_score[i] = s->keys[i].place;
}

/* Wrong ones come before right ones whatever the margin, which is 0 for both where classes tie. */
static void sort_walk(sorter *s, cutlab_ranking *r, const cutlab_audit_training *training) {
  const int64_t *fold = s->audit->fold;
  for (int64_t p = 0; p < r->count; ++p) {
    int64_t i = r->example[p];
    s->position[i] = p;
    s->keys[p] = (cutlab_sort_key){2 * fold[i] + !training->wrong[i], training->margin[i], 0, i};
  }
  cutlab_sort(s->keys, r->count);
  for (int64_t p = 0; p < r->count; ++p) {
    r->walk[p] = s->position[s->keys[p].place];
    r->fold_end[s->keys[p].group / 2] = p + 1;
  }
  for (int64_t f = 1; f < s->audit->folds; ++f)
    if (r->fold_end[f] == 0) r->fold_end[f] = r->fold_end[f - 1];
}

static cutlab_status rank(cutlab_context *context, cutlab_ranking *r, sorter *s,
                          const cutlab_audit_training *training, bool every) {
  const cutlab_audit *audit = s->audit;
  int64_t count = every ? audit->count : training->errors;
  r->example = cutlab_allocate(context, count, sizeof *r->example);
  r->score = cutlab_allocate(context, count, sizeof *r->score);
  r->walk = cutlab_allocate(context, count, sizeof *r->walk);
  r->fold_end = cutlab_allocate(context, audit->folds, sizeof *r->fold_end);
  if (!r->example || !r->score || !r->walk || !r->fold_end) return CUTLAB_ERROR_MEMORY;
  for (int64_t i = 0; i < audit->count; ++i) {
    int64_t example = s->by_score[i];
    if (!every && !training->wrong[example]) continue;
    r->example[r->count] = example;
    r->score[r->count++] = audit->score[example];
  }
  sort_walk(s, r, training);
  return CUTLAB_OK;
}

static cutlab_status rank_all(cutlab_context *context, cutlab_bootstrap *b, sorter *s) {
  const cutlab_audit *audit = s->audit;
  s->by_score = cutlab_allocate(context, audit->count, sizeof *s->by_score);
  s->position = cutlab_allocate(context, audit->count, sizeof *s->position);
  s->keys = cutlab_allocate(context, audit->count, sizeof *s->keys);
  b->rankings = cutlab_allocate(context, b->training_count, sizeof *b->rankings);
  if (!s->by_score || !s->position || !s->keys || !b->rankings) return CUTLAB_ERROR_MEMORY;
  sort_by_score(s);
  cutlab_ranking *ranking = b->rankings;
  for (int m = 0; m < audit->method_count; ++m)
    for (int t = 0; t < audit->methods[m].training_count; ++t)
      CUTLAB_TRY(rank(context, ranking++, s, &audit->methods[m].trainings[t], b->errors > 0));
  return CUTLAB_OK;
}

cutlab_status cutlab_bootstrap_make(cutlab_context *context, cutlab_bootstrap *bootstrap,
                                    const cutlab_audit *audit, bool matched) {
  *bootstrap = (cutlab_bootstrap){.examples = audit->count,
                                  .folds = audit->folds,
                                  .matched = matched,
                                  .errors = matched ? audit->options.matched : 0};
  for (int m = 0; m < audit->method_count; ++m)
    bootstrap->training_count += audit->methods[m].training_count;
  sorter s = {.audit = audit};
  cutlab_status status = rank_all(context, bootstrap, &s);
  free(s.by_score);
  free(s.position);
  free(s.keys);
  return status;
}

void cutlab_bootstrap_clear(cutlab_bootstrap *bootstrap) {
  for (int t = 0; bootstrap->rankings && t < bootstrap->training_count; ++t) {
    const cutlab_ranking *r = &bootstrap->rankings[t];
    free(r->example);
    free(r->score);
    free(r->walk);
    free(r->fold_end);
  }
  free(bootstrap->rankings);
  bootstrap->rankings = NULL;
}

/* One draw */

/* What a thread needs for a draw. */
typedef struct workspace {
  int32_t *weights;    /* [N] how often an example was drawn */
  int32_t *drawn;      /* weights of all rankings in their orders, one after the other */
  int32_t *taken;      /* [longest ranking] those that count */
  int64_t *cumulative; /* [longest ranking] their sums */
  int64_t *limits;     /* [folds] */
} workspace;

static void workspace_clear(workspace *w) {
  free(w->weights);
  free(w->drawn);
  free(w->taken);
  free(w->cumulative);
  free(w->limits);
}

/* Room for each of the tables. */
static cutlab_status workspace_make(cutlab_context *context, workspace *w,
                                    const cutlab_bootstrap *const *tables, int count) {
  int64_t most = 0, longest = 0;
  for (int i = 0; i < count; ++i) {
    int64_t all = 0;
    for (int t = 0; t < tables[i]->training_count; ++t) {
      int64_t length = tables[i]->rankings[t].count;
      all += length;
      if (longest < length) longest = length;
    }
    if (most < all) most = all;
  }
  w->weights = cutlab_allocate(context, tables[0]->examples, sizeof *w->weights);
  w->drawn = cutlab_allocate(context, most, sizeof *w->drawn);
  w->taken = cutlab_allocate(context, longest, sizeof *w->taken);
  w->cumulative = cutlab_allocate(context, longest, sizeof *w->cumulative);
  w->limits = cutlab_allocate(context, tables[0]->folds, sizeof *w->limits);
  bool complete = w->weights && w->drawn && w->taken && w->cumulative && w->limits;
  return complete ? CUTLAB_OK : CUTLAB_ERROR_MEMORY;
}

/* The value at a place from 0 in the list in which score p stands as often as it counts. */
static double score_at(const cutlab_ranking *r, const int64_t *cumulative, int64_t place) {
  int64_t low = 0, high = r->count - 1;
  while (low < high) {
    int64_t middle = (low + high) / 2;
    if (cumulative[middle] > place)
      high = middle;
    else
      low = middle + 1;
  }
  return r->score[low];
}

/* Mean and quartiles (as cutlab_quantile) of scores that count `taken` times; returns how many
   there are. */
static int64_t summarise(double *values, const cutlab_ranking *r, const int32_t *taken,
                         int64_t *cumulative) {
  int64_t total = 0;
  double sum = 0;
  for (int64_t p = 0; p < r->count; ++p) {
    total += taken[p];
    cumulative[p] = total;
    sum += (double)taken[p] * r->score[p];
  }
  values[cutlab_audit_mean] = sum / (double)total;
  for (int q = 1; q < cutlab_audit_statistics; ++q) {
    double place = 0.25 * q * (double)(total - 1);
    int64_t below = (int64_t)place;
    double part = place - (double)below;
    double low = total ? score_at(r, cumulative, below) : NAN;
    values[q] = part > 0 ? low + part * (score_at(r, cumulative, below + 1) - low) : low;
  }
  return total;
}

/* How many errors of each fold count: of all trainings as many, or each training's own. */
static void set_limits(const cutlab_bootstrap *b, workspace *w) {
  for (int64_t f = 0; f < b->folds; ++f) w->limits[f] = b->errors > 0 ? b->errors : INT64_MAX;
  if (!b->matched || b->errors > 0) return;
  const int32_t *drawn = w->drawn;
  for (int t = 0; t < b->training_count; ++t) {
    const cutlab_ranking *r = &b->rankings[t];
    for (int64_t f = 0, p = 0; f < b->folds; ++f) {
      int64_t errors = 0;
      for (; p < r->fold_end[f]; ++p) errors += drawn[r->walk[p]];
      if (errors < w->limits[f]) w->limits[f] = errors;
    }
    drawn += r->count;
  }
}

/* A network with fewer errors misses harder examples whatever it learnt. With the same number of
   errors of every network that no longer matters: a constant added to all its margins changes how
   many it gets wrong, but not which are its k most wrong. The last one is taken in part. */
static void take_most_wrong(const cutlab_bootstrap *b, const cutlab_ranking *r,
                            const int32_t *drawn, workspace *w) {
  memset(w->taken, 0, (size_t)r->count * sizeof *w->taken);
  for (int64_t f = 0, p = 0; f < b->folds; p = r->fold_end[f++])
    for (int64_t left = w->limits[f]; left > 0 && p < r->fold_end[f]; ++p) {
      int64_t place = r->walk[p];
      w->taken[place] = drawn[place] < left ? drawn[place] : (int32_t)left;
      left -= w->taken[place];
    }
}

/* values: [trainings][statistics]; errors: [trainings], or NULL. */
static void compute(const cutlab_bootstrap *b, workspace *w, double *values, int64_t *errors) {
  int32_t *drawn = w->drawn;
  for (int t = 0; t < b->training_count; ++t)
    for (int64_t p = 0; p < b->rankings[t].count; ++p)
      *drawn++ = w->weights[b->rankings[t].example[p]];
  set_limits(b, w);
  drawn = w->drawn;
  for (int t = 0; t < b->training_count; ++t) {
    const cutlab_ranking *r = &b->rankings[t];
    if (b->matched) take_most_wrong(b, r, drawn, w);
    int64_t total = summarise(values + (ptrdiff_t)t * cutlab_audit_statistics, r,
                              b->matched ? w->taken : drawn, w->cumulative);
    if (errors) errors[t] = total;
    drawn += r->count;
  }
}

cutlab_status cutlab_bootstrap_observe(cutlab_context *context, double *values, int64_t *errors,
                                       const cutlab_bootstrap *bootstrap) {
  workspace w = {0};
  cutlab_status status = workspace_make(context, &w, &bootstrap, 1);
  if (status == CUTLAB_OK) {
    for (int64_t i = 0; i < bootstrap->examples; ++i) w.weights[i] = 1;
    compute(bootstrap, &w, values, errors);
  }
  workspace_clear(&w);
  return status;
}

/* All draws */

typedef struct drawing {
  double *const *values;
  const cutlab_bootstrap *const *tables;
  int count;
  int64_t draws;
  uint64_t seed;
  workspace *workspaces; /* [threads] */
} drawing;

static void draw_once(const drawing *d, workspace *w, int64_t draw) {
  const int64_t examples = d->tables[0]->examples;
  const int64_t stride = (int64_t)d->tables[0]->training_count * cutlab_audit_statistics;
  cutlab_random random = cutlab_random_make(d->seed, cutlab_stream_bootstrap, (uint64_t)draw, 0, 0);
  memset(w->weights, 0, (size_t)examples * sizeof *w->weights);
  for (int64_t i = 0; i < examples; ++i)
    ++w->weights[cutlab_random_below(&random, (uint64_t)examples)];
  for (int i = 0; i < d->count; ++i) compute(d->tables[i], w, d->values[i] + draw * stride, NULL);
}

static cutlab_status draw_all(cutlab_context *context, const drawing *d) {
  enum { block = 16 }; /* draws of a thread between reports */
  const int threads = cutlab_context_threads(context);
  for (int t = 0; t < threads; ++t)
    CUTLAB_TRY(workspace_make(context, &d->workspaces[t], d->tables, d->count));
  for (int64_t first = 0; first < d->draws; first += (int64_t)block * threads) {
    CUTLAB_TRY(cutlab_report_progress(context, "bootstrap", first, d->draws));
    int64_t end = first + (int64_t)block * threads;
    if (end > d->draws) end = d->draws;
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int part = 0; part < threads; ++part)
      for (int64_t draw = first + part; draw < end; draw += threads)
        draw_once(d, &d->workspaces[part], draw);
  }
  return CUTLAB_OK;
}

cutlab_status cutlab_bootstrap_draw(cutlab_context *context, double *const *values,
                                    const cutlab_bootstrap *const *tables, int count, int64_t draws,
                                    uint64_t seed) {
  if (!count) return CUTLAB_OK;
  const int threads = cutlab_context_threads(context);
  drawing d = {values, tables, count, draws, seed, NULL};
  d.workspaces = cutlab_allocate(context, threads, sizeof *d.workspaces);
  if (!d.workspaces) return CUTLAB_ERROR_MEMORY;
  cutlab_status status = draw_all(context, &d);
  for (int t = 0; t < threads; ++t) workspace_clear(&d.workspaces[t]);
  free(d.workspaces);
  return status;
}
