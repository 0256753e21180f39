/* One training in a folder at a time. */
#include "train/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/file.h"

/* Gives 0 or errno; *lock is open only with 0. */
static int take(int *lock, const char *path) {
  *lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (*lock < 0) return errno;
  if (flock(*lock, LOCK_EX | LOCK_NB) == 0) return 0;
  int error = errno;
  close(*lock);
  *lock = -1;
  return error;
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
