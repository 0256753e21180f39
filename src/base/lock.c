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
  for (;;) {
    *lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (*lock < 0) return errno;
    int error = flock(*lock, LOCK_EX | LOCK_NB) == 0 ? 0 : errno;
    if (!error && is_at(*lock, path)) return 0;
    close(*lock);
    *lock = -1;
    if (error) return error;
  }
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

/* Cuts off the last name of a path; slashes before it stay. */
static void cut_name(char *path) {
  size_t length = strlen(path);
  while (length && path[length - 1] == '/') --length;
  while (length && path[length - 1] != '/') --length;
  path[length] = '\0';
}

/* Those that this hold made and nobody uses. */
static void remove_folders(cutlab_context *context, const cutlab_hold *hold) {
  char *path = cutlab_path_join(context, hold->folder, "");
  while (path && strlen(path) > hold->existing && rmdir(path) == 0) cut_name(path);
  free(path);
}

cutlab_status cutlab_hold_take(cutlab_context *context, cutlab_hold *hold, bool *busy,
                               const char *folder) {
  *hold = (cutlab_hold){folder, SIZE_MAX, false, -1};
  char *file = cutlab_path_join(context, folder, "lock");
  char *path = file ? cutlab_path_join(context, folder, "") : NULL;
  cutlab_status status = CUTLAB_ERROR_MEMORY;
  if (path) {
    while (*path && !cutlab_file_exists(path)) cut_name(path);
    hold->existing = strlen(path);
    hold->made_file = !cutlab_file_exists(file);
    status = cutlab_folder_make(context, folder);
  }
  free(path);
  free(file);
  if (status == CUTLAB_OK) status = cutlab_lock_take(context, &hold->lock, busy, folder);
  if (status != CUTLAB_OK) remove_folders(context, hold);
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
  if (!begun) remove_folders(context, hold);
}
