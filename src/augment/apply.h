/* What the ways to apply a plan share. */
#ifndef CUTLAB_AUGMENT_APPLY_H
#define CUTLAB_AUGMENT_APPLY_H

#include "augment/evaluator.h"

/* Checks both batches against each other and the plan; *in_place says whether they are the same
   memory. */
cutlab_status cutlab_apply_check(cutlab_context *context, const cutlab_plan *plan,
                                 const cutlab_batch *output, const cutlab_batch *input,
                                 bool *in_place);
/* Bytes of a sample, and from one sample to the next. */
int64_t cutlab_batch_sample_size(const cutlab_batch *batch);
int64_t cutlab_batch_stride(const cutlab_batch *batch);
/* Whether it is written past the caches, which it would not fit into. */
bool cutlab_batch_streams(const cutlab_batch *batch);

/* in_place.c: applies these steps of a plan to its own input, if every row has at most one step and
   that step is one that touches a region or blends. *done says whether it could. */
cutlab_status cutlab_apply_in_place(cutlab_context *context, const cutlab_plan *plan,
                                    const cutlab_batch *batch, uint64_t steps, bool *done);

#endif
