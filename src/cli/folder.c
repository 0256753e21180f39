/* Output folders: made beside their place, then put there in one step. */
#include "folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

static int no_memory(void) {
  cutlab_cli_print_error("out of memory");
  return cutlab_exit_failure;
}

static int fail_path(const char *what, const char *path) {
  cutlab_cli_print_error("cannot %s %s: %s", what, path, strerror(errno));
  return cutlab_exit_failure;
}

/* The folders above a path. */
static int make_parents(const char *path) {
  char *copy = strdup(path);
  if (!copy) return no_memory();
  int code = 0;
  for (char *c = copy + 1; *c && !code; ++c) {
    if (*c != '/') continue;
    *c = '\0';
    struct stat status;
    if (mkdir(copy, 0777) != 0 && (stat(copy, &status) != 0 || !S_ISDIR(status.st_mode)))
      code = fail_path("make", copy);
    *c = '/';
  }
  free(copy);
  return code;
}

bool cutlab_folder_lies_in(const char *path, const char *outer) {
  char *there = realpath(outer, NULL), *copy = strdup(path), *here = NULL;
  /* The nearest folder above that exists says where the path will be. */
  while (copy && !here) {
    here = realpath(*copy ? copy : "/", NULL);
    char *slash = strrchr(copy, '/');
    if (here) break;
    if (!slash) here = realpath(".", NULL);
    if (!slash) break;
    *slash = '\0';
  }
  size_t length = there ? strlen(there) : 0;
  bool inside = here && there && strncmp(here, there, length) == 0 &&
                (length == 1 || here[length] == '/' || here[length] == '\0');
  free(there);
  free(here);
  free(copy);
  return inside;
}

/* Names that an earlier output lists as its own: {name: true}, or NULL. */
static json_t *own_names(const char *target, const char *record, const char *format) {
  char *path = NULL;
  if (asprintf(&path, "%s/%s", target, record) < 0) return NULL;
  json_t *json = json_load_file(path, 0, NULL), *names = NULL, *name;
  free(path);
  const char *found = json_string_value(json_object_get(json, "format"));
  size_t i;
  if (found && strcmp(found, format) == 0) {
    names = json_pack("{s:b}", record, 1);
    json_array_foreach(json_object_get(json, "files"), i, name) if (json_is_string(name))
        json_object_set_new(names, json_string_value(name), json_true());
  }
  json_decref(json);
  return names;
}

/* Nothing that somebody else put into the target may be lost. */
static int check_replaceable(const char *target, const char *record, const char *format) {
  DIR *stream = opendir(target);
  if (!stream) return fail_path("open folder", target);
  json_t *names = own_names(target, record, format);
  int code = 0;
  for (struct dirent *entry; !code && (entry = readdir(stream));) {
    const char *name = entry->d_name;
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || json_object_get(names, name)) continue;
    code = cutlab_cli_usage("%s holds %.200s, which is not of an earlier output; name a new or an "
                            "empty folder",
                            target, name);
  }
  json_decref(names);
  closedir(stream);
  return code;
}

static int check_target(cutlab_folder *folder, const char *record, const char *format) {
  struct stat status, here;
  if (stat(folder->target, &status) != 0)
    return errno == ENOENT ? 0 : fail_path("open folder", folder->target);
  if (!S_ISDIR(status.st_mode))
    return cutlab_cli_usage("%s is a file; name a new or an empty folder", folder->target);
  if (stat(".", &here) == 0 && here.st_dev == status.st_dev && here.st_ino == status.st_ino)
    return cutlab_cli_usage("%s is the current folder, which cannot be replaced; name another",
                            folder->target);
  char *real = realpath(folder->target, NULL); /* a link stays, its target is replaced */
  if (!real) return fail_path("open folder", folder->target);
  free(folder->target);
  folder->target = real;
  return check_replaceable(folder->target, record, format);
}

int cutlab_folder_begin(cutlab_folder *folder, const char *path, const char *record,
                        const char *format) {
  size_t length = strlen(path);
  while (length > 1 && path[length - 1] == '/') --length;
  *folder = (cutlab_folder){.target = strndup(path, length)};
  if (!folder->target) return no_memory();
  int code = check_target(folder, record, format);
  if (!code) code = make_parents(folder->target);
  if (code) return code;
  if (asprintf(&folder->part, "%s.part-XXXXXX", folder->target) < 0) {
    folder->part = NULL;
    return no_memory();
  }
  cutlab_progress_hold(true);
  if (!mkdtemp(folder->part)) {
    code = fail_path("make a folder beside", folder->target);
    free(folder->part);
    folder->part = NULL;
    return code;
  }
  mode_t mask = umask(0); /* mkdtemp's folders are private */
  umask(mask);
  chmod(folder->part, 0777 & ~mask);
  return 0;
}

bool cutlab_folder_holds(const cutlab_folder *folder, const char *path) {
  char *real = realpath(path, NULL), *target = realpath(folder->target, NULL);
  size_t length = target ? strlen(target) : 0;
  bool holds = real && target && strncmp(real, target, length) == 0 &&
               (real[length] == '/' || real[length] == '\0');
  free(real);
  free(target);
  return holds;
}

char *cutlab_folder_path(const cutlab_folder *folder, const char *name) {
  char *path = NULL;
  return asprintf(&path, "%s/%s", folder->part, name) < 0 ? NULL : path;
}

/* A folder of files. */
static void remove_folder(const char *path) {
  DIR *stream = opendir(path);
  if (!stream) return;
  for (struct dirent *entry; (entry = readdir(stream));)
    if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
      unlinkat(dirfd(stream), entry->d_name, 0);
  closedir(stream);
  rmdir(path);
}

void cutlab_folder_flush(const cutlab_folder *folder) {
  int handle = open(folder->part, O_RDONLY | O_CLOEXEC);
  if (handle < 0) return;
  syncfs(handle);
  close(handle);
}

/* Where the file system cannot exchange two folders, the old one steps aside first. */
static int replace(cutlab_folder *folder) {
  if (renameat2(AT_FDCWD, folder->part, AT_FDCWD, folder->target, RENAME_EXCHANGE) == 0) return 0;
  if (errno != EINVAL && errno != ENOSYS) return -1;
  char *aside = NULL;
  if (asprintf(&aside, "%s-old", folder->part) < 0) return -1;
  int failed = rename(folder->target, aside);
  if (!failed && (failed = rename(folder->part, folder->target)) != 0)
    (void)rename(aside, folder->target);
  if (!failed) remove_folder(aside);
  free(aside);
  return failed;
}

int cutlab_folder_publish(cutlab_folder *folder) {
  /* Succeeds where there is nothing, or an empty folder. */
  bool fresh = rename(folder->part, folder->target) == 0;
  if (!fresh && ((errno != ENOTEMPTY && errno != EEXIST) || replace(folder) != 0))
    return fail_path("put the output in place of", folder->target);
  if (!fresh) remove_folder(folder->part);
  free(folder->part);
  folder->part = NULL;
  return 0;
}

void cutlab_folder_end(cutlab_folder *folder) {
  if (folder->part) remove_folder(folder->part);
  cutlab_progress_hold(false);
  free(folder->part);
  free(folder->target);
  *folder = (cutlab_folder){0};
}
