/* What a policy does on average: pasted area, coverage, label error, empties. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "augment/plan.h"

enum { batch_size = 8, tally_batches = 1024 };

/* Sums over the outputs of some batches. */
typedef struct tally {
  int64_t draws, applied, empty;
  double area, area_square, error, error_max;
  double *coverage; /* [height * width + 1] differences along the flattened image, or NULL */
} tally;

static bool replaces(const cutlab_step *step) {
  cutlab_role role = step->method->role;
  return role == CUTLAB_ROLE_REGION || role == CUTLAB_ROLE_BLEND || role == CUTLAB_ROLE_ERASE;
}

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

/* Steps one after the other: what the later leaves of the earlier ones' share is what remains
   uncovered if regions were independent; with one step, the usual case, this is exact. */
static void count_row(tally *t, const cutlab_plan *plan, int64_t row) {
  double positions = (double)plan->drawn.height * (double)plan->drawn.width, kept = 1, error = 0;
  bool acted = false, empty = false;
  for (int s = 0; s < plan->policy->step_count; ++s) {
    const cutlab_step *step = &plan->policy->steps[s];
    const cutlab_entry *entry = replaces(step) ? cutlab_plan_find(plan, s, row) : NULL;
    if (!entry) continue;
    bool blend = step->method->role == CUTLAB_ROLE_BLEND;
    double share = blend ? 1 - entry->weight : (double)entry->pixels / positions;
    acted = true;
    empty |= !blend && entry->pixels == 0;
    kept *= 1 - share;
    if (step->method->role == CUTLAB_ROLE_REGION) error += fabs(1 - entry->weight - share);
    if (t->coverage) cover_entry(t, plan, entry, blend);
  }
  ++t->draws;
  t->applied += acted;
  t->empty += empty;
  t->area += 1 - kept;
  t->area_square += (1 - kept) * (1 - kept);
  t->error += error;
  if (error > t->error_max) t->error_max = error;
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
    for (int64_t row = 0; row < batch_size && status == CUTLAB_OK; ++row) count_row(t, plan, row);
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

/* Costly masks are those of runs; sharing lowers what a draw tells. */
static void look_at(const cutlab_policy *policy, bool *costly, bool *shared) {
  *costly = *shared = false;
  for (int i = 0; i < policy->step_count; ++i) {
    *costly |= policy->steps[i].method->has_runs;
    *shared |= policy->steps[i].scope != CUTLAB_PER_SAMPLE;
  }
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
  if (!draws) draws = costly ? 2000 : 1000000;
  int64_t positions = height * width, batches = (draws + batch_size - 1) / batch_size;
  tally t = {0};
  if (coverage && !(t.coverage = cutlab_allocate(context, positions + 1, sizeof(double))))
    return CUTLAB_ERROR_MEMORY;
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
  return status;
}
