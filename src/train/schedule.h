/* The learning rate of every step. */
#ifndef CUTLAB_TRAIN_SCHEDULE_H
#define CUTLAB_TRAIN_SCHEDULE_H

#include "train/settings.h"

/* Rate at `step` of epochs * steps_per_epoch, from 0. With W = warmup * steps_per_epoch, rounded,
   T steps in all and u = (step - W) / (T - W):
   - constant: learning_rate; step: times step_factor for every one of step_epochs that has passed;
     cosine: from learning_rate along half a cosine over u = 0..1 down to its share final_rate.
     Before step W all three rise linearly, by (step + 1) / (W + 1);
   - one-cycle: up along half a cosine from 1/25 of learning_rate at step 0 to the whole at step W,
     then as cosine. Without a warm-up W is .3 T. */
double cutlab_schedule_rate(const struct cutlab_training *settings, int64_t steps_per_epoch,
                            int64_t step);

#endif
