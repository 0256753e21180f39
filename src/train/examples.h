/* How every training example fares: examples/EPOCH.npz of a run's folder after every epoch, and at
   the end difficulty.npz and difficulty.csv over all of them. */
#ifndef CUTLAB_TRAIN_EXAMPLES_H
#define CUTLAB_TRAIN_EXAMPLES_H

#include <cutlab/collection.h>

#include "base/base.h"

/* Writes the file of an epoch, counted from 1, from logits [count][classes]: `probability` of the
   label, `margin` of its logit over the largest other one, `error` (the norm of softmax minus
   label), `prediction`. */
cutlab_status cutlab_examples_log(cutlab_context *context, const char *folder, const float *logits,
                                  const cutlab_examples *examples, int64_t classes, int64_t epoch);
/* CUTLAB_ERROR_IO where the file of one of the epochs 1 to `epochs` is missing. */
cutlab_status cutlab_examples_check(cutlab_context *context, const char *folder, int64_t epochs);
/* The epoch whose `error` is the difficulty el2n. */
int64_t cutlab_examples_early(int64_t epochs);
/* Writes difficulty.npz and difficulty.csv from the files of all epochs. */
cutlab_status cutlab_examples_summarise(cutlab_context *context, const char *folder,
                                        const cutlab_examples *examples, int64_t epochs);
/* Removes what killed writers of epochs left. */
void cutlab_examples_clean_up(cutlab_context *context, const char *folder);

#endif
