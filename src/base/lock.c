/* One training in a folder at a time, and what failed ones leave. */
#include "base/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

/* Whether the file is still the one at `path`. */
static bool is_at(int file, const char *path) {
  struct stat own, there;
  return fstat(file, &own) == 0 && stat(path, &there) == 0 && own.st_ino == there.st_ino &&
         own.st_dev == there.st_dev;
}

/* Gives 0 or errno; *lock is open only with 0. Whoever had the lock may have removed its file. */
static int take(int *lock, const char *path) {
  for (int tries = 0; tries < 100; ++tries) {
    *lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (*lock < 0) return errno;
    int error = flock(*lock, LOCK_EX | LOCK_NB) == 0 ? 0 : errno;
    if (!error && is_at(*lock, path)) return 0;
    close(*lock);
    *lock = -1;
    if (error) return error;
  }
  return EAGAIN;
}

cutlab_status cutlab_lock_take(cutlab_context *context, int *lock, bool *busy, const char *folder) {
  *lock = -1;
  if (busy) *busy = false;
  char *path = cutlab_path_join(context, folder, "lock");
  if (!path) return CUTLAB_ERROR_MEMORY;
  int error = take(lock, path);
  free(path);
  if (!error) return CUTLAB_OK;
  if (error == EWOULDBLOCK) {
    if (busy) *busy = true;
    return cutlab_fail(context, CUTLAB_ERROR_IO,
                       "%s: another process is training there; wait for it, or stop it", folder);
  }
  if (error != ENOLCK && error != ENOSYS && error != EOPNOTSUPP)
    return cutlab_fail(context, CUTLAB_ERROR_IO, "cannot lock %s/lock: %s", folder,
                       strerror(error));
  cutlab_warn(context, "%s cannot be locked on this file system: only one process may train there",
              folder);
  return CUTLAB_OK;
}

void cutlab_lock_release(int lock) {
  if (lock >= 0) close(lock);
}

cutlab_status cutlab_hold_take(cutlab_context *context, cutlab_hold *hold, bool *busy,
                               const char *folder) {
  *hold = (cutlab_hold){folder, !cutlab_file_exists(folder), false, -1};
  char *file = cutlab_path_join(context, folder, "lock");
  if (!file) return CUTLAB_ERROR_MEMORY;
  hold->made_file = !cutlab_file_exists(file);
  free(file);
  CUTLAB_TRY(cutlab_folder_make(context, folder));
  cutlab_status status = cutlab_lock_take(context, &hold->lock, busy, folder);
  if (status != CUTLAB_OK && hold->made_folder) rmdir(folder);
  return status;
}

static bool has_run(cutlab_context *context, const char *folder) {
  char *path = cutlab_path_join(context, folder, "run.json");
  bool there = !path || cutlab_file_exists(path); /* in doubt nothing is removed */
  free(path);
  return there;
}

void cutlab_hold_end(cutlab_context *context, cutlab_hold *hold) {
  bool begun = has_run(context, hold->folder);
  char *file = begun || !hold->made_file ? NULL : cutlab_path_join(context, hold->folder, "lock");
  if (file) unlink(file);
  free(file);
  cutlab_lock_release(hold->lock);
  if (!begun && hold->made_folder) rmdir(hold->folder);
}
