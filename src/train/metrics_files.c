/* Files of numbered JSON lines. */
#include "train/metrics_files.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

/* Checks that `text` is line `number` and adds it to `lines` if wanted. */
static cutlab_status check_line(cutlab_context *context, json_t *lines, const char *text,
                                const char *path, const char *key, int64_t number) {
  json_t *line;
  CUTLAB_TRY(cutlab_json_parse(context, &line, text, path));
  double found = cutlab_json_get_number(line, key, -1);
  if (lines) json_array_append(lines, line);
  json_decref(line);
  if (found == (double)number) return CUTLAB_OK;
  return cutlab_fail(context, CUTLAB_ERROR_FORMAT, "%s:%" PRId64 ": %s is %g; accepted: %" PRId64,
                     path, number, key, found, number);
}

/* Checks lines 1 to `last`; *end: after them. */
static cutlab_status check_lines(cutlab_context *context, json_t *lines, char *text,
                                 const char *path, const char *key, int64_t last, size_t *end) {
  char *at = text;
  for (int64_t number = 1; number <= last; ++number) {
    char *newline = strchr(at, '\n');
    if (!newline)
      return cutlab_fail(context, CUTLAB_ERROR_FORMAT,
                         "%s ends before line %" PRId64
                         ", but the checkpoint stands after %" PRId64,
                         path, number, last);
    *newline = '\0';
    cutlab_status status = check_line(context, lines, at, path, key, number);
    *newline = '\n';
    if (status != CUTLAB_OK) return status;
    at = newline + 1;
  }
  *end = (size_t)(at - text);
  return CUTLAB_OK;
}

cutlab_status cutlab_lines_rewind(cutlab_context *context, json_t **lines, const char *path,
                                  const char *key, int64_t last) {
  char *text = NULL;
  size_t size = 0, end = 0;
  json_t *kept = json_array();
  if (!kept) return cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory: %s", path);
  cutlab_status status = CUTLAB_OK;
  if (cutlab_file_exists(path)) status = cutlab_file_read(context, &text, &size, path, INT64_MAX);
  char nothing[1] = "";
  if (status == CUTLAB_OK)
    status =
        check_lines(context, lines ? kept : NULL, text ? text : nothing, path, key, last, &end);
  if (status == CUTLAB_OK) status = cutlab_file_write(context, path, text ? text : nothing, end);
  free(text);
  if (status == CUTLAB_OK && lines)
    *lines = kept;
  else
    json_decref(kept);
  return status;
}

cutlab_status cutlab_line_append(cutlab_context *context, const char *path, const char *line) {
  size_t size = strlen(line) + 1;
  char *text = cutlab_allocate(context, (int64_t)size + 1, 1);
  if (!text) return CUTLAB_ERROR_MEMORY;
  snprintf(text, size + 1, "%s\n", line);
  int file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  errno = file < 0 ? errno : ENOSPC; /* a short write sets no error */
  bool written = file >= 0 && write(file, text, size) == (ssize_t)size;
  int error = errno;
  if (file >= 0) (void)fsync(file);
  if (file >= 0 && close(file) != 0 && written) {
    written = false;
    error = errno;
  }
  free(text);
  if (written) return CUTLAB_OK;
  return cutlab_fail(context, CUTLAB_ERROR_IO, "cannot write %s: %s", path, strerror(error));
}
