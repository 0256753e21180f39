/* One training in a folder at a time. */
#ifndef CUTLAB_TRAIN_LOCK_H
#define CUTLAB_TRAIN_LOCK_H

#include "base/base.h"

/* Takes the lock of a folder that exists: the file `lock` in it, which stays. The system gives it
   back when the process ends, however it ends. *lock: for cutlab_lock_release, -1 if there is none.
   CUTLAB_ERROR_IO where that fails; *busy (may be NULL) says whether because another has it. A file
   system that cannot lock is a warning. */
cutlab_status cutlab_lock_take(cutlab_context *context, int *lock, bool *busy, const char *folder);
/* Accepts -1. */
void cutlab_lock_release(int lock);

#endif
