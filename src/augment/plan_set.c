/* Plans made elsewhere: every entry is checked before it is believed. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "augment/plan.h"

typedef struct intake {
  cutlab_context *context;
  const cutlab_plan *plan;
  int64_t number; /* of the entry */
} intake;

static cutlab_status fail(const intake *in, const char *what, double value, const char *accepted) {
  return cutlab_fail(in->context, CUTLAB_ERROR_ARGUMENT,
                     "entry %" PRId64 ": %s is %.17g; accepted: %s", in->number, what, value,
                     accepted);
}

static cutlab_status check_rows(const intake *in, const cutlab_entry *entry) {
  const cutlab_plan *plan = in->plan;
  int64_t count = plan->drawn.count;
  if (entry->step < 0 || entry->step >= plan->policy->step_count)
    return fail(in, "step", entry->step, "a step of the policy");
  if (entry->row < 0 || entry->row >= count)
    return fail(in, "row", entry->row, "a row of the batch");
  if (entry->sample != plan->samples[entry->row])
    return fail(in, "sample", (double)entry->sample, "the id of its row");
  bool mixes = cutlab_role_mixes(plan->policy->steps[entry->step].method->role);
  int64_t least = mixes ? 0 : -1, most = mixes ? count - 1 : -1;
  if (entry->partner_row < least || entry->partner_row > most)
    return fail(in, "partner_row", entry->partner_row,
                mixes ? "a row of the batch" : "-1, for the step does not mix");
  if (entry->partner != (mixes ? plan->samples[entry->partner_row] : -1))
    return fail(in, "partner", (double)entry->partner, "the id of its row");
  return CUTLAB_OK;
}

static cutlab_status check_numbers(const intake *in, const cutlab_entry *entry) {
  if (!(entry->lambda >= 0 && entry->lambda <= 1))
    return fail(in, "lambda", entry->lambda, "0 to 1");
  if (!(entry->weight >= 0 && entry->weight <= 1))
    return fail(in, "weight", entry->weight, "0 to 1");
  for (int i = 0; i < CUTLAB_ENTRY_VALUES; ++i)
    if (!(fabs(entry->values[i]) <= 1e9))
      return fail(in, "a value", entry->values[i], "-1e9 to 1e9");
  return CUTLAB_OK;
}

static cutlab_status check_box(const intake *in, const cutlab_entry *entry) {
  const cutlab_draw *drawn = &in->plan->drawn;
  if (entry->top < 0 || entry->bottom < entry->top || entry->bottom > drawn->height)
    return fail(in, "the box's bottom", entry->bottom, "0 <= top <= bottom <= height");
  if (entry->left < 0 || entry->right < entry->left || entry->right > drawn->width)
    return fail(in, "the box's right", entry->right, "0 <= left <= right <= width");
  return CUTLAB_OK;
}

/* Runs rise, lie in the box's rows and columns, and add up. */
static cutlab_status check_runs(const intake *in, const cutlab_entry *entry,
                                const cutlab_run_range *runs, int64_t run_count) {
  int64_t width = in->plan->drawn.width, before = -1, pixels = 0;
  if (entry->run_count < 0 || entry->run < 0 || entry->run > run_count - entry->run_count)
    return fail(in, "run_count", entry->run_count, "runs that are given");
  if (entry->run_count && !in->plan->policy->steps[entry->step].method->has_runs)
    return fail(in, "run_count", entry->run_count, "0, for the step's regions are boxes");
  for (int32_t i = 0; i < entry->run_count; ++i) {
    const cutlab_run_range *run = &runs[entry->run + i];
    if (run->begin <= before || run->end <= run->begin)
      return fail(in, "a run's begin", (double)run->begin, "rising runs that do not touch");
    int64_t top = run->begin / width, bottom = (run->end - 1) / width + 1;
    if (top < entry->top || bottom > entry->bottom)
      return fail(in, "a run's end", (double)run->end, "positions inside the box");
    int64_t left = top + 1 == bottom ? run->begin - top * width : 0;
    int64_t right = top + 1 == bottom ? run->end - top * width : width;
    if (left < entry->left || right > entry->right)
      return fail(in, "a run's begin", (double)run->begin, "positions inside the box");
    pixels += run->end - run->begin;
    before = run->end;
  }
  if (!entry->run_count)
    pixels = (int64_t)(entry->bottom - entry->top) * (entry->right - entry->left);
  if (entry->pixels == pixels) return CUTLAB_OK;
  char counted[32];
  snprintf(counted, sizeof counted, "%" PRId64 ", counted", pixels);
  return fail(in, "pixels", (double)entry->pixels, counted);
}

static int compare_entries(const void *left, const void *right) {
  const cutlab_entry *a = left, *b = right;
  if (a->step != b->step) return a->step < b->step ? -1 : 1;
  return (a->row > b->row) - (a->row < b->row);
}

/* "row R, step S: ..." of an entry. */
static cutlab_status fail_entry(const intake *in, const cutlab_entry *entry, const char *accepted) {
  return cutlab_fail(in->context, CUTLAB_ERROR_ARGUMENT, "row %d, step %d: accepted: %s",
                     entry->row, entry->step, accepted);
}

/* Rows take one alternative of a choice: no two of their steps may be alternatives. */
static cutlab_status index_entries(const intake *in, cutlab_plan *plan) {
  int64_t count = plan->drawn.count;
  for (int64_t i = 0; i < plan->entry_count; ++i) {
    const cutlab_entry *entry = &plan->entries[i];
    int32_t *cell = &plan->index[entry->step * count + entry->row];
    if (*cell >= 0) return fail_entry(in, entry, "one entry for every step and row");
    *cell = (int32_t)i;
    for (int before = 0; before < entry->step; ++before)
      if (cutlab_plan_find(plan, before, entry->row) &&
          !(plan->policy->steps[entry->step].visible >> before & 1))
        return fail_entry(in, entry, "steps of one alternative of one_of for every row");
  }
  return CUTLAB_OK;
}

/* The dtype of images follows from the policy: no row may be left as it was. */
static cutlab_status check_normalised(const intake *in, const cutlab_plan *plan) {
  for (int step = 0; step < plan->policy->step_count; ++step)
    for (int32_t row = 0; row < plan->drawn.count; ++row) {
      const cutlab_entry missing = {.row = row, .step = step};
      if (plan->policy->steps[step].method->role == CUTLAB_ROLE_NORMALISE &&
          !cutlab_plan_find(plan, step, row))
        return fail_entry(in, &missing, "an entry of normalise for every row");
    }
  return CUTLAB_OK;
}

static cutlab_status take(cutlab_context *context, cutlab_plan *plan, const cutlab_entry *entries,
                          int64_t entry_count, const cutlab_run_range *runs, int64_t run_count) {
  intake in = {context, plan, 0};
  if (entry_count < 0 || entry_count > plan->policy->step_count * plan->drawn.count)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                       "%" PRId64 " entries; accepted: at most one for every step and row",
                       entry_count);
  if (run_count < 0)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT, "%" PRId64 " runs; accepted: 0 or more",
                       run_count);
  for (; in.number < entry_count; ++in.number) {
    CUTLAB_TRY(check_rows(&in, &entries[in.number]));
    CUTLAB_TRY(check_numbers(&in, &entries[in.number]));
    CUTLAB_TRY(check_box(&in, &entries[in.number]));
    CUTLAB_TRY(check_runs(&in, &entries[in.number], runs, run_count));
  }
  CUTLAB_PLAN_RESERVE(context, plan, entries, entry_capacity, entry_count);
  CUTLAB_PLAN_RESERVE(context, plan, runs, run_capacity, run_count);
  if (entry_count) memcpy(plan->entries, entries, (size_t)entry_count * sizeof *entries);
  if (run_count) memcpy(plan->runs, runs, (size_t)run_count * sizeof *runs);
  plan->entry_count = entry_count;
  plan->run_count = run_count;
  if (entry_count)
    qsort(plan->entries, (size_t)entry_count, sizeof *plan->entries, compare_entries);
  CUTLAB_TRY(index_entries(&in, plan));
  return check_normalised(&in, plan);
}

cutlab_status cutlab_plan_set(cutlab_context *context, cutlab_plan *plan,
                              const cutlab_policy *policy, const cutlab_draw *draw,
                              const cutlab_entry *entries, int64_t entry_count,
                              const cutlab_run_range *runs, int64_t run_count) {
  CUTLAB_TRY(cutlab_plan_begin(context, plan, policy, draw));
  cutlab_status status = take(context, plan, entries, entry_count, runs, run_count);
  if (status != CUTLAB_OK) {
    plan->entry_count = plan->run_count = 0;
    plan->policy = NULL;
  }
  return status;
}
