/* Whose pixels an output is made of, counted position by position. */
#ifndef CUTLAB_AUGMENT_SHARES_H
#define CUTLAB_AUGMENT_SHARES_H

#include "augment/plan.h"

/* Whether a step replaces pixels: by the partner's, by a blend or by a fill. */
bool cutlab_step_replaces(const cutlab_step *step);
/* The last of these steps (bits) that acts on a row, or NULL. */
const cutlab_entry *cutlab_plan_last(const cutlab_plan *plan, uint64_t steps, int32_t row);
/* All steps of a policy, as bits. */
uint64_t cutlab_policy_all_steps(const cutlab_policy *policy);

/* Called for every source of an output with its share of the output. A row may come several
   times. */
typedef cutlab_status (*cutlab_share_fn)(void *user, int32_t row, double share);

/* Counts what a row is made of, flips and overlaps of regions included; where a sampler's label is
   not the counted one, its weight stands for the count. What is erased still counts. */
cutlab_status cutlab_count_shares(cutlab_context *context, const cutlab_plan *plan, int32_t row,
                                  cutlab_share_fn take, void *user);
/* own: [height][width], the share of each position that is still the output's own, neither mixed
   nor erased. */
cutlab_status cutlab_own_share(cutlab_context *context, const cutlab_plan *plan, int32_t row,
                               double *own);

#endif
