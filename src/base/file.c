/* Files: whole-file reading, atomic writing, folders. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

static cutlab_status cannot(cutlab_context *context, const char *what, const char *path,
                            int error) {
  return cutlab_fail(context, CUTLAB_ERROR_IO, "cannot %s %s: %s", what, path, strerror(error));
}

/* Reads to the end of a file of any kind; `*text` grows as the bytes come. */
static cutlab_status read_all(cutlab_context *context, char **text, size_t *size, int fd,
                              const char *path, size_t limit) {
  size_t capacity = 0;
  struct stat status;
  if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode)) capacity = (size_t)status.st_size;
  if (capacity > limit)
    return cutlab_fail(context, CUTLAB_ERROR_IO,
                       "cannot read %s: %zu bytes are too many; accepted: at most %zu", path,
                       capacity, limit);
  capacity += 4096;
  for (;;) {
    char *grown = realloc(*text, capacity + 1);
    if (!grown)
      return cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory reading %s (%zu bytes)", path,
                         capacity);
    *text = grown;
    ssize_t got;
    while (*size < capacity && (got = read(fd, *text + *size, capacity - *size)) != 0) {
      if (got > 0)
        *size += (size_t)got;
      else if (errno != EINTR)
        return cannot(context, "read", path, errno);
    }
    if (*size > limit)
      return cutlab_fail(context, CUTLAB_ERROR_IO,
                         "cannot read %s: too long; accepted: at most %zu bytes", path, limit);
    if (*size < capacity) break;
    capacity *= 2;
  }
  (*text)[*size] = '\0';
  return CUTLAB_OK;
}

cutlab_status cutlab_file_read(cutlab_context *context, char **text, size_t *size, const char *path,
                               int64_t max_bytes) {
  *text = NULL;
  *size = 0;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return cannot(context, "open", path, errno);
  size_t limit = max_bytes > 0 ? (size_t)max_bytes : (size_t)1 << 30;
  cutlab_status status = read_all(context, text, size, fd, path, limit);
  close(fd);
  if (status != CUTLAB_OK) {
    free(*text);
    *text = NULL;
    *size = 0;
  }
  return status;
}

/* Writes, flushes to disk and closes: 0 or the first error number. A disk may turn out to be
   full at any of the three. */
static int fill_and_close(int fd, const char *data, size_t size) {
  int error = 0;
  for (size_t done = 0; done < size && !error;) {
    ssize_t put = write(fd, data + done, size - done);
    if (put > 0)
      done += (size_t)put;
    else if (put == 0)
      error = EIO;
    else if (errno != EINTR)
      error = errno;
  }
  /* EINVAL: what is written to cannot be flushed (a pipe). */
  if (!error && fsync(fd) != 0 && errno != EINVAL && errno != ENOTSUP) error = errno;
  if (close(fd) != 0 && !error) error = errno;
  return error;
}

/* Opens a new file beside `target`; writers in other processes and threads get other names. */
static int open_temporary(char *name, size_t capacity, const char *target) {
  for (int attempt = 0; attempt < 1000; ++attempt) {
    snprintf(name, capacity, "%s.%ld-%d.tmp", target, (long)getpid(), attempt);
    int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd >= 0 || errno != EEXIST) return fd;
  }
  return -1;
}

/* Makes a rename last through a power cut, where the file system can. */
static void flush_folder_of(char *path) {
  char *slash = strrchr(path, '/');
  if (slash) slash[slash == path] = '\0';
  int fd = open(slash ? path : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  fsync(fd);
  close(fd);
}

/* Replaces `target`, whose permissions are kept where it exists. */
static int replace(char *temporary, size_t capacity, const char *target, const void *data,
                   size_t size, const struct stat *old) {
  int fd = open_temporary(temporary, capacity, target);
  if (fd < 0) return errno;
  int error = old && fchmod(fd, old->st_mode & 07777) != 0 ? errno : 0;
  int fill_error = fill_and_close(fd, data, size);
  if (!error) error = fill_error;
  if (!error && rename(temporary, target) != 0) error = errno;
  if (error)
    unlink(temporary);
  else
    flush_folder_of(temporary);
  return error;
}

cutlab_status cutlab_file_write(cutlab_context *context, const char *path, const void *data,
                                size_t size) {
  struct stat old;
  bool exists = stat(path, &old) == 0;
  if (exists && !S_ISREG(old.st_mode)) { /* a device or a pipe must not be replaced */
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    int error = fd < 0 ? errno : fill_and_close(fd, data, size);
    return error ? cannot(context, "write", path, error) : CUTLAB_OK;
  }
  char *real = exists ? realpath(path, NULL) : NULL; /* a link stays, its file is replaced */
  const char *target = real ? real : path;
  size_t capacity = strlen(target) + 64;
  char *temporary = cutlab_allocate(context, (int64_t)capacity, 1);
  cutlab_status status = CUTLAB_ERROR_MEMORY;
  if (temporary) {
    int error = replace(temporary, capacity, target, data, size, exists ? &old : NULL);
    status = error ? cannot(context, "write", path, error) : CUTLAB_OK;
  }
  free(temporary);
  free(real);
  return status;
}

/* Behind digits and then `end`, with which `text` must begin; NULL where it does not. */
static const char *skip_number(const char *text, const char *end) {
  size_t digits = text ? strspn(text, "0123456789") : 0, length = strlen(end);
  return digits && strncmp(text + digits, end, length) == 0 ? text + digits + length : NULL;
}

/* Length of NAME in "NAME.PID-ATTEMPT.tmp", as open_temporary names files; 0 for other names. */
static size_t target_length(const char *name) {
  for (const char *dot = strchr(name, '.'); dot; dot = strchr(dot + 1, '.')) {
    const char *after = skip_number(skip_number(dot + 1, "-"), ".tmp");
    if (after && !*after) return (size_t)(dot - name);
  }
  return 0;
}

static bool is_listed(const char *const *names, const char *name, size_t length) {
  for (; *names; ++names)
    if (strlen(*names) == length && strncmp(*names, name, length) == 0) return true;
  return false;
}

void cutlab_file_remove_temporaries(const char *folder, const char *const *names) {
  DIR *stream = opendir(folder);
  const struct dirent *entry;
  while (stream && (entry = readdir(stream))) {
    size_t length = target_length(entry->d_name);
    if (length && (!names || is_listed(names, entry->d_name, length)))
      (void)unlinkat(dirfd(stream), entry->d_name, 0);
  }
  if (stream) closedir(stream);
}

/* mkdir, content with a folder that is there: 0 or an error number. */
static int make_one(const char *path) {
  struct stat status;
  if (mkdir(path, 0777) == 0) return 0;
  int error = errno;
  if (stat(path, &status) != 0) return error;
  return S_ISDIR(status.st_mode) ? 0 : ENOTDIR;
}

cutlab_status cutlab_folder_make(cutlab_context *context, const char *path) {
  char *prefix = strdup(path);
  if (!prefix)
    return cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory making folder %s", path);
  int error = 0;
  for (char *at = prefix; *at && !error; ++at) {
    if (*at != '/' || at == prefix) continue;
    *at = '\0';
    error = make_one(prefix);
    *at = '/';
  }
  if (!error) error = make_one(prefix);
  free(prefix);
  return error ? cannot(context, "make folder", path, error) : CUTLAB_OK;
}

bool cutlab_file_exists(const char *path) {
  return access(path, F_OK) == 0;
}

char *cutlab_path_join(cutlab_context *context, const char *folder, const char *name) {
  size_t length = strlen(folder), capacity = length + strlen(name) + 2;
  char *path = cutlab_allocate(context, (int64_t)capacity, 1);
  bool bare = length == 0 || folder[length - 1] == '/';
  if (path) snprintf(path, capacity, "%s%s%s", folder, bare ? "" : "/", name);
  return path;
}
