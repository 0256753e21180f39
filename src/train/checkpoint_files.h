/* The files of a folder of checkpoints. */
#ifndef CUTLAB_TRAIN_CHECKPOINT_FILES_H
#define CUTLAB_TRAIN_CHECKPOINT_FILES_H

#include "base/base.h"

/* Steps of the checkpoints there, latest first; none where there is no folder. Release with free.
 */
cutlab_status cutlab_checkpoint_list(cutlab_context *context, int64_t **steps, int *count,
                                     const char *folder);
/* In fresh memory, or NULL with a message. */
char *cutlab_checkpoint_path(cutlab_context *context, const char *folder, int64_t step);
/* Removes all but the latest `keep`. */
cutlab_status cutlab_checkpoint_prune(cutlab_context *context, const char *folder, int64_t keep);
/* Adds ".damaged" to a file's name. */
void cutlab_checkpoint_set_aside(const char *path);

#endif
