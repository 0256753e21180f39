/* The training loop. */
#ifndef CUTLAB_TRAIN_LOOP_H
#define CUTLAB_TRAIN_LOOP_H

#include "train/run.h"

/* Trains from trainer->position to the last epoch: steps, evaluation, a line of metrics and perhaps
   a checkpoint after every epoch, one at the end. Cancelled, it writes a checkpoint and returns
   CUTLAB_CANCELLED. A loss that is not finite is CUTLAB_ERROR_NUMERIC. */
cutlab_status cutlab_loop(cutlab_trainer *trainer);

#endif
