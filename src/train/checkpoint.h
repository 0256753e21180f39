/* Checkpoints: FOLDER/STEP.npz with every tensor of the network, the optimiser's state and, as JSON
   in a uint8 member `state`, where the training stands. */
#ifndef CUTLAB_TRAIN_CHECKPOINT_H
#define CUTLAB_TRAIN_CHECKPOINT_H

#include "train/optimiser.h"

/* Where a training stands. */
typedef struct cutlab_position {
  int64_t epoch, step;           /* epochs that are complete, steps done in the next one */
  double loss_sum, label_sum;    /* over the examples of those steps: losses, label mass met */
  double seconds, epoch_seconds; /* spent in all; on the steps of this epoch */
  const char *run;               /* what tells this training from others; NULL: nothing does */
} cutlab_position;

/* Writes the checkpoint of that step of all, then removes the oldest beyond `keep`. A value that is
   not finite is CUTLAB_ERROR_NUMERIC, and nothing is written. */
cutlab_status cutlab_checkpoint_write(cutlab_context *context, const char *folder,
                                      const cutlab_optimiser *optimiser,
                                      const cutlab_position *position, int64_t step, int64_t keep);
/* Reads one file into the network of the optimiser; without `position` (NULL) only its values. A
   tensor that is missing or of another shape is CUTLAB_ERROR_ARGUMENT that names it, and so is
   another training than position->run; a damaged file is CUTLAB_ERROR_FORMAT. */
cutlab_status cutlab_checkpoint_read(cutlab_context *context, const char *path,
                                     cutlab_optimiser *optimiser, cutlab_position *position);
/* Reads the newest checkpoint that is whole. Damaged ones are renamed to STEP.npz.damaged, with a
   warning; one that cannot be read (CUTLAB_ERROR_IO) is an error. *found: false where there are
   none at all, with a warning if metrics.jsonl beside the folder has lines; an error where all are
   damaged. */
cutlab_status cutlab_checkpoint_restore(cutlab_context *context, const char *folder,
                                        cutlab_optimiser *optimiser, cutlab_position *position,
                                        bool *found);
/* Path of the newest, in fresh memory; CUTLAB_ERROR_IO where there is none. */
cutlab_status cutlab_checkpoint_newest(cutlab_context *context, char **path, const char *folder);

#endif
