/* What a policy does on average: pasted area, coverage, label error, empties. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "augment/shares.h"

enum { batch_size = 8, tally_batches = 1024 };

/* Sums over the outputs of some batches. */
typedef struct tally {
  int64_t draws, applied, empty;
  double area, area_square, error, error_max;
  double *coverage; /* [height * width + 1] differences along the flattened image, or NULL */
  double *own;      /* [height * width] room for a map, NULL where none are needed */
} tally;

static void cover(tally *t, int64_t begin, int64_t end, double share) {
  t->coverage[begin] += share;
  t->coverage[end] -= share;
}

static void cover_entry(tally *t, const cutlab_plan *plan, const cutlab_entry *entry, bool blend) {
  int64_t height = plan->drawn.height, width = plan->drawn.width;
  if (blend) {
    cover(t, 0, height * width, 1 - entry->weight);
    return;
  }
  for (int32_t i = 0; i < entry->run_count; ++i)
    cover(t, plan->runs[entry->run + i].begin, plan->runs[entry->run + i].end, 1);
  if (entry->run_count) return;
  for (int64_t y = entry->top; y < entry->bottom; ++y)
    cover(t, y * width + entry->left, y * width + entry->right, 1);
}

static void count(tally *t, double area, double error, bool acted, bool empty) {
  ++t->draws;
  t->applied += acted;
  t->empty += empty;
  t->area += area;
  t->area_square += area * area;
  t->error += error;
  if (error > t->error_max) t->error_max = error;
}

/* A row on which at most one step acts that replaces pixels: all is in its entry. */
static void count_simple(tally *t, const cutlab_plan *plan, int64_t row) {
  double positions = (double)plan->drawn.height * (double)plan->drawn.width;
  for (int s = 0; s < plan->policy->step_count; ++s) {
    const cutlab_step *step = &plan->policy->steps[s];
    const cutlab_entry *entry = cutlab_step_replaces(step) ? cutlab_plan_find(plan, s, row) : NULL;
    if (!entry) continue;
    bool blend = step->method->role == CUTLAB_ROLE_BLEND;
    double share = blend ? 1 - entry->weight : (double)entry->pixels / positions;
    bool labelled = step->method->role == CUTLAB_ROLE_REGION;
    if (t->coverage) cover_entry(t, plan, entry, blend);
    count(t, share, labelled ? fabs(1 - entry->weight - share) : 0, true, !blend && !entry->pixels);
    return;
  }
  count(t, 0, 0, false, false);
}

/* Any row, position by position; labels are counted by the same rule as in count_simple. */
static cutlab_status count_mapped(cutlab_context *context, tally *t, const cutlab_plan *plan,
                                  int64_t row) {
  int64_t positions = plan->drawn.height * plan->drawn.width;
  double area = 0, error = 0;
  bool acted = false;
  CUTLAB_TRY(cutlab_own_share(context, plan, (int32_t)row, t->own));
  for (int64_t i = 0; i < positions; ++i) {
    area += (1 - t->own[i]) / (double)positions;
    if (t->coverage) cover(t, i, i + 1, 1 - t->own[i]);
  }
  for (int s = 0; s < plan->policy->step_count; ++s) {
    const cutlab_step *step = &plan->policy->steps[s];
    const cutlab_entry *entry = cutlab_step_replaces(step) ? cutlab_plan_find(plan, s, row) : NULL;
    if (!entry) continue;
    acted = true;
    if (step->method->role == CUTLAB_ROLE_REGION)
      error += fabs(1 - entry->weight - (double)entry->pixels / (double)positions);
  }
  count(t, area, error, acted, acted && area == 0);
  return CUTLAB_OK;
}

/* Whether some output may meet two steps that replace pixels, so that regions may overlap, or one
   before a flip. */
static bool needs_maps(const cutlab_policy *policy) {
  for (int i = 0; i < policy->step_count; ++i) {
    const cutlab_step *step = &policy->steps[i];
    for (int before = 0; before < i; ++before)
      if (step->visible >> before & 1 && cutlab_step_replaces(&policy->steps[before]) &&
          (cutlab_step_replaces(step) || step->method->permutes))
        return true;
  }
  return false;
}

static cutlab_status count_batches(cutlab_context *context, tally *t, const cutlab_policy *policy,
                                   cutlab_draw draw, int64_t first, int64_t batches) {
  cutlab_plan *plan;
  CUTLAB_TRY(cutlab_plan_create(context, &plan));
  cutlab_status status = CUTLAB_OK;
  int64_t samples[batch_size];
  draw.samples = samples;
  draw.count = batch_size;
  for (int64_t b = first; b < first + batches && status == CUTLAB_OK; ++b) {
    for (int64_t i = 0; i < batch_size; ++i) samples[i] = b * batch_size + i;
    status = cutlab_plan_draw(context, plan, policy, &draw);
    for (int64_t row = 0; row < batch_size && status == CUTLAB_OK; ++row)
      if (t->own)
        status = count_mapped(context, t, plan, row);
      else
        count_simple(t, plan, row);
  }
  cutlab_plan_free(plan);
  return status;
}

static void finish(cutlab_policy_summary *summary, double *coverage, const tally *t,
                   int64_t positions, bool shared) {
  double draws = (double)t->draws, mean = t->area / draws;
  double variance = t->area_square / draws - mean * mean;
  double independent = shared ? draws / batch_size : draws;
  *summary =
      (cutlab_policy_summary){.draws = t->draws,
                              .applied = (double)t->applied / draws,
                              .mean_area = mean,
                              .mean_area_error = sqrt((variance > 0 ? variance : 0) / independent),
                              .label_error_mean = t->error / draws,
                              .label_error_max = t->error_max,
                              .empty = (double)t->empty / draws};
  double sum = 0;
  for (int64_t i = 0; coverage && i < positions; ++i) {
    sum += t->coverage[i];
    coverage[i] = sum / draws;
  }
}

/* Costly are masks of runs, and maps; sharing lowers what a draw tells. */
static void look_at(const cutlab_policy *policy, bool *costly, bool *shared) {
  *costly = needs_maps(policy);
  *shared = false;
  for (int i = 0; i < policy->step_count; ++i) {
    *costly |= policy->steps[i].method->has_runs;
    *shared |= policy->steps[i].scope != CUTLAB_PER_SAMPLE || policy->steps[i].batch_gate;
  }
  for (int i = 0; i < policy->node_count; ++i) *shared |= policy->nodes[i].per_batch;
}

cutlab_status cutlab_policy_describe(cutlab_context *context, cutlab_policy_summary *summary,
                                     double *coverage, const cutlab_policy *policy, int64_t height,
                                     int64_t width, int64_t draws, uint64_t seed) {
  bool costly, shared;
  look_at(policy, &costly, &shared);
  if (draws < 0 || draws > INT64_C(1) << 40)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                       "draws is %" PRId64 "; accepted: 1 to 2^40, or 0 for the default", draws);
  if (height < 1 || width < 1 || height > INT32_MAX / width)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                       "height is %" PRId64 " and width %" PRId64
                       "; accepted: at least 1 each, and fewer than 2^31 pixels",
                       height, width);
  if (!draws) draws = costly ? 20000 : 1000000;
  int64_t positions = height * width, batches = (draws + batch_size - 1) / batch_size;
  tally t = {0};
  if (coverage && !(t.coverage = cutlab_allocate(context, positions + 1, sizeof(double))))
    return CUTLAB_ERROR_MEMORY;
  if (needs_maps(policy)) {
    t.own = cutlab_allocate(context, positions, sizeof(double));
    if (!t.own) {
      free(t.coverage);
      return CUTLAB_ERROR_MEMORY;
    }
  }
  cutlab_draw draw = {.seed = seed, .height = height, .width = width};
  cutlab_status status = CUTLAB_OK;
  for (int64_t first = 0; first < batches && status == CUTLAB_OK; first += tally_batches) {
    int64_t some = batches - first < tally_batches ? batches - first : tally_batches;
    status = count_batches(context, &t, policy, draw, first, some);
    if (status == CUTLAB_OK)
      status = cutlab_report_progress(context, "describing", t.draws, batches * batch_size);
  }
  if (status == CUTLAB_OK) finish(summary, coverage, &t, positions, shared);
  free(t.coverage);
  free(t.own);
  return status;
}
