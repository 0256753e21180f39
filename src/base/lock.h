/* One training in a folder at a time. */
#ifndef CUTLAB_LOCK_H
#define CUTLAB_LOCK_H

#include "base/base.h"

/* Takes the lock of a folder that exists: the file `lock` in it, which stays. The system gives it
   back when the process ends, however it ends. *lock: for cutlab_lock_release, -1 if there is none.
   CUTLAB_ERROR_IO where that fails; *busy (may be NULL) says whether because another has it. A file
   system that cannot lock is a warning. */
cutlab_status cutlab_lock_take(cutlab_context *context, int *lock, bool *busy, const char *folder);
/* Accepts -1. */
void cutlab_lock_release(int lock);

/* A locked folder, and what was made for it. */
typedef struct cutlab_hold {
  const char *folder;          /* borrowed */
  bool made_folder, made_file; /* file: the lock's */
  int lock;
} cutlab_hold;

/* Makes the folder where it is missing, with its parents, and takes its lock. Without the lock a
   folder that was made goes. */
cutlab_status cutlab_hold_take(cutlab_context *context, cutlab_hold *hold, bool *busy,
                               const char *folder);
/* Gives back the lock. Where no run.json came to be, its file goes and so does the folder if it was
   made: nothing stays of what failed before it was a run, but the parents, in which others may be
   about to begin. */
void cutlab_hold_end(cutlab_context *context, cutlab_hold *hold);

#endif
