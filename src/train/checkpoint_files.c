/* The files of a folder of checkpoints. */
#include "train/checkpoint_files.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

/* The step of "00000120.npz"; -1 for other names. */
static int64_t step_of(const char *name) {
  size_t digits = strspn(name, "0123456789");
  if (digits < 8 || digits > 18 || strcmp(name + digits, ".npz") != 0) return -1;
  return strtoll(name, NULL, 10);
}

static int descending(const void *a, const void *b) {
  int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return (x < y) - (x > y);
}

static cutlab_status add_step(cutlab_context *context, int64_t **steps, int *count, int64_t step) {
  int64_t *grown = realloc(*steps, ((size_t)*count + 1) * sizeof *grown);
  if (!grown) return cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory: checkpoints");
  *steps = grown;
  grown[(*count)++] = step;
  return CUTLAB_OK;
}

cutlab_status cutlab_checkpoint_list(cutlab_context *context, int64_t **steps, int *count,
                                     const char *folder) {
  *steps = NULL;
  *count = 0;
  DIR *stream = opendir(folder);
  if (!stream && errno == ENOENT) return CUTLAB_OK;
  if (!stream)
    return cutlab_fail(context, CUTLAB_ERROR_IO, "cannot read folder %s: %s", folder,
                       strerror(errno));
  cutlab_status status = CUTLAB_OK;
  const struct dirent *entry;
  while (status == CUTLAB_OK && (entry = readdir(stream))) {
    int64_t step = step_of(entry->d_name);
    if (step >= 0) status = add_step(context, steps, count, step);
  }
  closedir(stream);
  if (status != CUTLAB_OK) {
    free(*steps);
    *steps = NULL;
    *count = 0;
  }
  if (*count) qsort(*steps, (size_t)*count, sizeof **steps, descending);
  return status;
}

char *cutlab_checkpoint_path(cutlab_context *context, const char *folder, int64_t step) {
  char name[32];
  snprintf(name, sizeof name, "%08" PRId64 ".npz", step);
  return cutlab_path_join(context, folder, name);
}

cutlab_status cutlab_checkpoint_prune(cutlab_context *context, const char *folder, int64_t keep) {
  int64_t *steps;
  int count;
  CUTLAB_TRY(cutlab_checkpoint_list(context, &steps, &count, folder));
  cutlab_status status = CUTLAB_OK;
  for (int i = 0; i < count && status == CUTLAB_OK; ++i) {
    if (i < keep) continue;
    char *path = cutlab_checkpoint_path(context, folder, steps[i]);
    if (!path)
      status = CUTLAB_ERROR_MEMORY;
    else if (unlink(path) != 0 && errno != ENOENT)
      status = cutlab_fail(context, CUTLAB_ERROR_IO, "cannot remove %s: %s", path, strerror(errno));
    free(path);
  }
  free(steps);
  return status;
}

void cutlab_checkpoint_set_aside(const char *path) {
  char *name;
  if (asprintf(&name, "%s.damaged", path) < 0) return;
  (void)rename(path, name);
  free(name);
}
