/* Plans: memory, what they are drawn from, and reading them. */
#include "augment/plan.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

cutlab_status cutlab_plan_create(cutlab_context *context, cutlab_plan **plan) {
  *plan = calloc(1, sizeof **plan);
  return *plan ? CUTLAB_OK : cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory: plan");
}

void cutlab_plan_free(cutlab_plan *plan) {
  if (!plan) return;
  free(plan->samples);
  free(plan->entries);
  free(plan->runs);
  free(plan->index);
  free(plan->order);
  free(plan->partners);
  free(plan->ranks);
  free(plan->active);
  free(plan->sources);
  free(plan);
}

cutlab_status cutlab_plan_reserve(cutlab_context *context, void **memory, int64_t *capacity,
                                  int64_t count, size_t size) {
  if (count <= *capacity) return CUTLAB_OK;
  int64_t wanted = count + count / 2 + 16;
  void *grown =
      (uint64_t)wanted > SIZE_MAX / 2 / size ? NULL : realloc(*memory, (size_t)wanted * size);
  if (!grown)
    return cutlab_fail(context, CUTLAB_ERROR_MEMORY,
                       "out of memory: a plan asked for %" PRId64 " elements of %zu bytes", wanted,
                       size);
  *memory = grown;
  *capacity = wanted;
  return CUTLAB_OK;
}

/* ---- What a plan is drawn from ---- */

static cutlab_status check_draw(cutlab_context *context, const cutlab_draw *draw) {
  if (draw->count < 0 || draw->count > INT32_MAX)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                       "a batch of %" PRId64 " samples; accepted: 0 to %d", draw->count, INT32_MAX);
  if (draw->height < 1 || draw->width < 1 || draw->height > INT32_MAX / draw->width)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                       "images of height %" PRId64 " and width %" PRId64
                       "; accepted: at least 1 each, and fewer than 2^31 pixels",
                       draw->height, draw->width);
  if (draw->epoch < -1)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                       "epoch is %" PRId64 "; accepted: 0 or more, or -1: not known", draw->epoch);
  for (int64_t i = 0; draw->samples && i < draw->count; ++i)
    if (draw->samples[i] < 0)
      return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                         "sample id %" PRId64 " is %" PRId64 "; accepted: 0 or more", i,
                         draw->samples[i]);
  return CUTLAB_OK;
}

cutlab_status cutlab_plan_begin(cutlab_context *context, cutlab_plan *plan,
                                const cutlab_policy *policy, const cutlab_draw *draw) {
  CUTLAB_TRY(check_draw(context, draw));
  int64_t cells = policy->step_count * draw->count;
  if (cells > INT32_MAX)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                       "%d steps for %" PRId64 " samples; accepted: fewer than 2^31 together",
                       policy->step_count, draw->count);
  cutlab_draw drawn = *draw; /* `draw` may be the plan's own */
  bool own_samples = drawn.samples && drawn.samples == plan->samples;
  plan->policy = NULL; /* until all memory is there */
  plan->drawn = (cutlab_draw){0};
  plan->entry_count = plan->run_count = 0;
  CUTLAB_PLAN_RESERVE(context, plan, samples, sample_capacity, drawn.count + 1);
  CUTLAB_PLAN_RESERVE(context, plan, index, index_capacity, cells + 1);
  for (int64_t i = 0; i < drawn.count && !own_samples; ++i)
    plan->samples[i] = drawn.samples ? drawn.samples[i] : i;
  drawn.samples = plan->samples;
  plan->drawn = drawn;
  plan->policy = policy;
  memset(plan->index, -1, (size_t)cells * sizeof *plan->index);
  return CUTLAB_OK;
}

/* ---- Reading ---- */

const cutlab_entry *cutlab_plan_entries(const cutlab_plan *plan, int64_t *count) {
  *count = plan->entry_count;
  return plan->entries;
}

const cutlab_run_range *cutlab_plan_runs(const cutlab_plan *plan, int64_t *count) {
  *count = plan->run_count;
  return plan->runs;
}

const cutlab_draw *cutlab_plan_drawn(const cutlab_plan *plan) {
  return &plan->drawn;
}

const cutlab_policy *cutlab_plan_policy(const cutlab_plan *plan) {
  return plan->policy;
}

void cutlab_plan_mask(const cutlab_plan *plan, const cutlab_entry *entry, uint8_t *mask) {
  int64_t width = plan->drawn.width;
  memset(mask, 0, (size_t)(plan->drawn.height * width));
  for (int32_t i = 0; i < entry->run_count; ++i) {
    const cutlab_run_range *run = &plan->runs[entry->run + i];
    memset(mask + run->begin, 1, (size_t)(run->end - run->begin));
  }
  if (entry->run_count || entry->right <= entry->left) return;
  for (int64_t y = entry->top; y < entry->bottom; ++y)
    memset(mask + y * width + entry->left, 1, (size_t)(entry->right - entry->left));
}
