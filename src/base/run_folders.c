/* Finding run folders. */
#include "base/run_folders.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"

enum { max_depth = 32 };

/* What a folder is, by whatever links it was reached. */
typedef struct identity {
  dev_t device;
  ino_t inode;
} identity;

typedef struct search {
  cutlab_run_visitor visit;
  void *user;
  bool lenient;
  identity *seen; /* [seen_count] folders */
  int64_t seen_count;
  int64_t found;        /* runs, but for those left out */
  cutlab_status status; /* of the first that was left out */
  char message[1024];
} search;

static bool has_file(const char *folder, const char *name) {
  char path[4096];
  int length = snprintf(path, sizeof path, "%s/%s", folder, name);
  return length < (int)sizeof path && cutlab_file_exists(path);
}

static bool is_folder(const char *path) {
  struct stat status;
  return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

/* Sets *fresh to whether the folder is met for the first time. */
static cutlab_status meet(cutlab_context *context, search *s, bool *fresh, const char *folder) {
  struct stat status;
  *fresh = true;
  if (stat(folder, &status) != 0) return CUTLAB_OK; /* listing it says why */
  for (int64_t i = 0; i < s->seen_count && *fresh; ++i)
    *fresh = s->seen[i].device != status.st_dev || s->seen[i].inode != status.st_ino;
  if (!*fresh) return CUTLAB_OK;
  identity *seen = realloc(s->seen, ((size_t)s->seen_count + 1) * sizeof *seen);
  if (!seen) return cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory: list of folders");
  s->seen = seen;
  s->seen[s->seen_count++] = (identity){status.st_dev, status.st_ino};
  return CUTLAB_OK;
}

/* A link to one of them leads back to where the search begins. */
static cutlab_status meet_parents(cutlab_context *context, search *s, const char *path) {
  char *real = realpath(path, NULL);
  cutlab_status status = CUTLAB_OK;
  while (status == CUTLAB_OK && real && real[1]) {
    bool fresh;
    char *slash = strrchr(real, '/');
    slash[slash == real] = '\0';
    status = meet(context, s, &fresh, real);
  }
  free(real);
  return status;
}

static int visible(const struct dirent *entry) {
  return entry->d_name[0] != '.';
}

static cutlab_status visit_folder(cutlab_context *context, search *s, const char *folder,
                                  int depth);

/* Goes on after a damaged or unreadable folder. */
static cutlab_status leave_out(cutlab_context *context, search *s, cutlab_status status) {
  if (!s->lenient || (status != CUTLAB_ERROR_FORMAT && status != CUTLAB_ERROR_IO)) return status;
  const char *message = cutlab_context_message(context);
  cutlab_warn(context, "left out: %s", message);
  if (s->status == CUTLAB_OK) snprintf(s->message, sizeof s->message, "%s", message);
  if (s->status == CUTLAB_OK) s->status = status;
  return CUTLAB_OK;
}

static cutlab_status visit_children(cutlab_context *context, search *s, const char *folder,
                                    int depth) {
  struct dirent **entries;
  int count = scandir(folder, &entries, visible, versionsort);
  if (count < 0) return cutlab_fail(context, CUTLAB_ERROR_IO, "cannot list %s: %m", folder);
  cutlab_status status = CUTLAB_OK;
  for (int i = 0; i < count; ++i) {
    char *path = status == CUTLAB_OK ? cutlab_path_join(context, folder, entries[i]->d_name) : NULL;
    if (status == CUTLAB_OK && !path) status = CUTLAB_ERROR_MEMORY;
    if (path && is_folder(path)) status = visit_folder(context, s, path, depth + 1);
    if (path && status != CUTLAB_OK) status = leave_out(context, s, status);
    free(path);
    free(entries[i]);
  }
  free(entries);
  return status;
}

static cutlab_status visit_folder(cutlab_context *context, search *s, const char *folder,
                                  int depth) {
  bool fresh;
  CUTLAB_TRY(meet(context, s, &fresh, folder));
  if (!fresh) return CUTLAB_OK;
  if (has_file(folder, "run.json")) {
    CUTLAB_TRY(s->visit(context, s->user, folder));
    ++s->found;
    return CUTLAB_OK;
  }
  if (has_file(folder, "metrics.jsonl") || has_file(folder, "result.json"))
    return cutlab_fail(context, CUTLAB_ERROR_FORMAT,
                       "%s: looks like a run, but run.json is missing", folder);
  if (depth >= max_depth)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT, "%s: more than %d folders deep", folder,
                       max_depth);
  return visit_children(context, s, folder, depth);
}

cutlab_status cutlab_run_folders_visit(cutlab_context *context, const char *path,
                                       cutlab_run_visitor visit, void *user, bool lenient) {
  search s = {.visit = visit, .user = user, .lenient = lenient};
  if (!is_folder(path))
    return cutlab_fail(context, cutlab_file_exists(path) ? CUTLAB_ERROR_FORMAT : CUTLAB_ERROR_IO,
                       "%s: no such folder; accepted: a run folder or a folder of runs", path);
  cutlab_status status = meet_parents(context, &s, path);
  if (status == CUTLAB_OK) status = visit_folder(context, &s, path, 0);
  free(s.seen);
  if (status != CUTLAB_OK) return status;
  if (s.found) return CUTLAB_OK;
  if (s.status != CUTLAB_OK) return cutlab_fail(context, s.status, "%s", s.message);
  return cutlab_fail(context, CUTLAB_ERROR_FORMAT,
                     "%s: no run in it; a run is a folder with run.json", path);
}
