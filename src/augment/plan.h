/* A plan's memory, and finding an entry. */
#ifndef CUTLAB_AUGMENT_PLAN_H
#define CUTLAB_AUGMENT_PLAN_H

#include "augment/policy.h"

struct cutlab_plan {
  const cutlab_policy *policy; /* NULL while the plan is empty */
  cutlab_draw drawn;           /* samples: the plan's own */
  int64_t *samples;            /* [drawn.count] */
  cutlab_entry *entries;       /* [entry_count], ordered by step, row */
  int64_t entry_count;
  cutlab_run_range *runs;
  int64_t run_count;
  int32_t *index; /* [steps][count]: the entry of a step and row, -1 where none */
  /* Scratch and capacities, in elements. */
  int64_t sample_capacity, entry_capacity, run_capacity, index_capacity;
  int32_t *order, *partners, *ranks; /* [count] */
  int64_t order_capacity, partner_capacity, rank_capacity;
  uint8_t *active; /* [depth][count]: who takes part below a choice */
  int64_t active_capacity;
  cutlab_source *sources;
  int64_t source_capacity;
};

/* The entry of a step for a row, or NULL. */
static inline const cutlab_entry *cutlab_plan_find(const cutlab_plan *plan, int step, int64_t row) {
  int32_t at = plan->index[step * plan->drawn.count + row];
  return at < 0 ? NULL : &plan->entries[at];
}

/* Grows *memory to at least `count` elements; what it holds is kept. */
cutlab_status cutlab_plan_reserve(cutlab_context *context, void **memory, int64_t *capacity,
                                  int64_t count, size_t size);
#define CUTLAB_PLAN_RESERVE(context, plan, member, capacity, count)                                \
  CUTLAB_TRY(cutlab_plan_reserve(context, (void **)&(plan)->member, &(plan)->capacity, count,      \
                                 sizeof *(plan)->member))

/* Empties the plan, checks and keeps `draw` and the policy. */
cutlab_status cutlab_plan_begin(cutlab_context *context, cutlab_plan *plan,
                                const cutlab_policy *policy, const cutlab_draw *draw);

/* partners.c: fills plan->partners for a step that mixes; batch_key as from cutlab_batch_key. */
cutlab_status cutlab_plan_pair(cutlab_context *context, cutlab_plan *plan, const cutlab_step *step,
                               uint64_t batch_key);
/* A number of the set of samples, the same for every order of the batch. */
uint64_t cutlab_batch_key(const cutlab_plan *plan);
/* The same of a pair. */
uint64_t cutlab_pair_key(int64_t sample, int64_t other);

#endif
