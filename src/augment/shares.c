/* Whose pixels an output is made of, counted position by position. */
#include "augment/shares.h"

#include <stdlib.h>
#include <string.h>

bool cutlab_step_replaces(const cutlab_step *step) {
  cutlab_role role = step->method->role;
  return role == CUTLAB_ROLE_REGION || role == CUTLAB_ROLE_BLEND || role == CUTLAB_ROLE_ERASE;
}

uint64_t cutlab_policy_all_steps(const cutlab_policy *policy) {
  int steps = policy->step_count;
  return steps == 64 ? ~UINT64_C(0) : (UINT64_C(1) << steps) - 1;
}

const cutlab_entry *cutlab_plan_last(const cutlab_plan *plan, uint64_t steps, int32_t row) {
  while (steps) {
    int step = 63 - __builtin_clzll(steps);
    const cutlab_entry *entry = cutlab_plan_find(plan, step, row);
    if (entry) return entry;
    steps &= ~(UINT64_C(1) << step);
  }
  return NULL;
}

static const cutlab_step *step_of(const cutlab_plan *plan, const cutlab_entry *entry) {
  return &plan->policy->steps[entry->step];
}

/* The only step behind one that mixes that moves pixels is `flip`. */
static void mirror(const cutlab_plan *plan, const cutlab_step *step, double *map) {
  int64_t width = plan->drawn.width, height = plan->drawn.height;
  bool vertical = step->settings[0].number > 0;
  for (int64_t y = 0; y < height; ++y)
    for (int64_t x = 0; x < width; ++x) {
      int64_t here = y * width + x;
      int64_t there = vertical ? (height - 1 - y) * width + x : y * width + width - 1 - x;
      if (here >= there) continue;
      double value = map[here];
      map[here] = map[there];
      map[there] = value;
    }
}

/* ---- Shares of all sources ---- */

typedef struct counter {
  cutlab_context *context;
  const cutlab_plan *plan;
  int64_t positions;
  cutlab_share_fn take;
  void *user;
} counter;

static cutlab_status count(const counter *c, uint64_t steps, int32_t row, double *map);

/* Divides the map between a row and its partner. */
static cutlab_status divide(const counter *c, const cutlab_entry *entry, double *map) {
  const cutlab_step *step = step_of(c->plan, entry);
  double counted = 1 - (double)entry->pixels / (double)c->positions;
  bool by_mask = step->method->role == CUTLAB_ROLE_REGION && entry->weight == counted;
  double *other = cutlab_allocate(c->context, c->positions, sizeof *other);
  uint8_t *mask = cutlab_allocate(c->context, c->positions, 1);
  cutlab_status status = other && mask ? CUTLAB_OK : CUTLAB_ERROR_MEMORY;
  if (status == CUTLAB_OK && by_mask) cutlab_plan_mask(c->plan, entry, mask);
  for (int64_t i = 0; status == CUTLAB_OK && i < c->positions; ++i) {
    double share = by_mask ? mask[i] : 1 - entry->weight;
    other[i] = share * map[i];
    map[i] -= other[i];
  }
  if (status == CUTLAB_OK) status = count(c, step->visible, entry->partner_row, other);
  free(other);
  free(mask);
  return status;
}

/* Hands a row's part of the output, a share at every position, down to where it comes from. `map`
   is used up. */
static cutlab_status count(const counter *c, uint64_t steps, int32_t row, double *map) {
  const cutlab_entry *entry;
  while ((entry = cutlab_plan_last(c->plan, steps, row))) {
    const cutlab_step *step = step_of(c->plan, entry);
    if (entry->partner_row >= 0) CUTLAB_TRY(divide(c, entry, map));
    if (step->method->permutes) mirror(c->plan, step, map);
    steps = step->visible;
  }
  double sum = 0;
  for (int64_t i = 0; i < c->positions; ++i) sum += map[i];
  return c->take(c->user, row, sum / (double)c->positions);
}

cutlab_status cutlab_count_shares(cutlab_context *context, const cutlab_plan *plan, int32_t row,
                                  cutlab_share_fn take, void *user) {
  const counter c = {context, plan, plan->drawn.height * plan->drawn.width, take, user};
  double *map = cutlab_allocate(context, c.positions, sizeof *map);
  if (!map) return CUTLAB_ERROR_MEMORY;
  for (int64_t i = 0; i < c.positions; ++i) map[i] = 1;
  cutlab_status status = count(&c, cutlab_policy_all_steps(plan->policy), row, map);
  free(map);
  return status;
}

/* ---- The own share ---- */

cutlab_status cutlab_own_share(cutlab_context *context, const cutlab_plan *plan, int32_t row,
                               double *own) {
  int64_t positions = plan->drawn.height * plan->drawn.width;
  uint8_t *mask = cutlab_allocate(context, positions, 1);
  if (!mask) return CUTLAB_ERROR_MEMORY;
  for (int64_t i = 0; i < positions; ++i) own[i] = 1;
  for (int s = 0; s < plan->policy->step_count; ++s) {
    const cutlab_step *step = &plan->policy->steps[s];
    const cutlab_entry *entry = cutlab_plan_find(plan, s, row);
    if (!entry) continue;
    bool blend = step->method->role == CUTLAB_ROLE_BLEND;
    if (step->method->permutes) mirror(plan, step, own);
    if (!cutlab_step_replaces(step)) continue;
    if (!blend) cutlab_plan_mask(plan, entry, mask);
    for (int64_t i = 0; i < positions; ++i) own[i] *= blend ? entry->weight : !mask[i];
  }
  free(mask);
  return CUTLAB_OK;
}
