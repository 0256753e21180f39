/* Folders of PNG and JPEG files; folders below are classes. */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/file.h"
#include "data/images_internal.h"

/* Links between folders may run in circles. */
enum { max_depth = 8 };

typedef struct image_list {
  char **paths;
  int64_t *labels; /* -1: in no class */
  int64_t count, capacity, classless;
  char **classes; /* [class_count] names of the class folders */
  int64_t class_count, class_capacity;
  int64_t passed_over; /* files of other kinds */
  char *first_passed;  /* the first of them, NULL: none */
} image_list;

static void free_names(char **names, int64_t count) {
  for (int64_t i = 0; i < count; ++i) free(names[i]);
  free(names);
}

static cutlab_status no_memory(cutlab_context *context, const char *path) {
  return cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory listing %s", path);
}

static cutlab_status append(cutlab_context *context, image_list *list, const char *path,
                            int64_t label) {
  if (list->count == list->capacity) {
    int64_t capacity = list->capacity ? 2 * list->capacity : 64;
    char **paths = realloc(list->paths, (size_t)capacity * sizeof *paths);
    if (paths) list->paths = paths;
    int64_t *labels = realloc(list->labels, (size_t)capacity * sizeof *labels);
    if (labels) list->labels = labels;
    if (!paths || !labels) return no_memory(context, path);
    list->capacity = capacity;
  }
  char *copy = strdup(path);
  if (!copy) return no_memory(context, path);
  list->labels[list->count] = label;
  list->classless += label < 0;
  list->paths[list->count++] = copy;
  return CUTLAB_OK;
}

/* Keeps the name of the next class folder. */
static cutlab_status append_class(cutlab_context *context, image_list *list, const char *path) {
  if (list->class_count == list->class_capacity) {
    int64_t capacity = list->class_capacity ? 2 * list->class_capacity : 64;
    char **grown = realloc(list->classes, (size_t)capacity * sizeof *grown);
    if (!grown) return no_memory(context, path);
    list->classes = grown;
    list->class_capacity = capacity;
  }
  const char *slash = strrchr(path, '/');
  list->classes[list->class_count] = strdup(slash ? slash + 1 : path);
  return list->classes[list->class_count++] ? CUTLAB_OK : no_memory(context, path);
}

static int visible(const struct dirent *entry) {
  return entry->d_name[0] != '.';
}

static int by_bytes(const struct dirent **a, const struct dirent **b) {
  return strcmp((*a)->d_name, (*b)->d_name);
}

/* Names in byte order, hidden ones apart. */
static cutlab_status list_names(cutlab_context *context, char ***names, int *count,
                                const char *path) {
  struct dirent **entries;
  *count = 0;
  int found = scandir(path, &entries, visible, by_bytes);
  if (found < 0)
    return cutlab_fail(context, CUTLAB_ERROR_IO, "cannot list %s: %s", path, strerror(errno));
  *names = cutlab_allocate(context, found, sizeof **names);
  bool complete = *names != NULL;
  for (int i = 0; i < found; ++i) {
    if (complete) complete = ((*names)[i] = strdup(entries[i]->d_name)) != NULL;
    free(entries[i]);
  }
  free(entries);
  *count = *names ? found : 0;
  return complete ? CUTLAB_OK : no_memory(context, path);
}

static bool is_named_as_image(const char *path) {
  const char *end = strrchr(path, '.');
  return end && (strcasecmp(end, ".png") == 0 || strcasecmp(end, ".jpg") == 0 ||
                 strcasecmp(end, ".jpeg") == 0);
}

/* An image by its content, whatever its name. What is one by its name alone was damaged, perhaps by
   a copy that was broken off, and must not vanish; other files may lie about. */
static cutlab_status take_file(cutlab_context *context, image_list *list, const char *path,
                               int64_t label) {
  unsigned char start[cutlab_image_magic_bytes] = {0};
  FILE *stream = fopen(path, "rbe");
  if (!stream)
    return cutlab_fail(context, CUTLAB_ERROR_IO, "cannot open %s: %s", path, strerror(errno));
  size_t got = fread(start, 1, sizeof start, stream);
  int error = ferror(stream) ? errno : 0;
  fclose(stream);
  if (error)
    return cutlab_fail(context, CUTLAB_ERROR_IO, "cannot read %s: %s", path, strerror(error));
  if (cutlab_image_magic(start)) return append(context, list, path, label);
  if (is_named_as_image(path))
    return cutlab_fail(context, CUTLAB_ERROR_FORMAT,
                       "%s: %s; accepted under this name: a PNG or JPEG file", path,
                       got ? "neither PNG nor JPEG" : "an empty file");
  ++list->passed_over;
  if (!list->first_passed) list->first_passed = strdup(path);
  return list->first_passed ? CUTLAB_OK : no_memory(context, path);
}

static cutlab_status collect(cutlab_context *context, image_list *list, const char *folder,
                             int64_t label, int depth);

/* The folders in the topmost one are classes, with images or without. */
static cutlab_status collect_one(cutlab_context *context, image_list *list, const char *path,
                                 int64_t label, int depth) {
  struct stat status;
  if (stat(path, &status) != 0)
    return cutlab_fail(context, CUTLAB_ERROR_IO, "cannot open %s: %s", path, strerror(errno));
  if (S_ISDIR(status.st_mode)) {
    if (depth == 0) {
      label = list->class_count;
      CUTLAB_TRY(append_class(context, list, path));
    }
    return collect(context, list, path, label, depth + 1);
  }
  return S_ISREG(status.st_mode) ? take_file(context, list, path, label) : CUTLAB_OK;
}

static cutlab_status collect(cutlab_context *context, image_list *list, const char *folder,
                             int64_t label, int depth) {
  if (depth > max_depth)
    return cutlab_fail(context, CUTLAB_ERROR_FORMAT,
                       "%s: folders in folders; accepted: at most %d below the first", folder,
                       max_depth);
  char **names = NULL;
  int count = 0;
  cutlab_status status = list_names(context, &names, &count, folder);
  for (int i = 0; i < count && status == CUTLAB_OK; ++i) {
    char *path = cutlab_path_join(context, folder, names[i]);
    status = path ? collect_one(context, list, path, label, depth) : CUTLAB_ERROR_MEMORY;
    free(path);
  }
  free_names(names, count);
  return status;
}

/* All images are in classes or none is. */
static cutlab_status check_list(cutlab_context *context, const image_list *list, const char *path) {
  if (list->count == 0)
    return cutlab_fail(context, CUTLAB_ERROR_FORMAT,
                       "%s: a folder without PNG or JPEG files; accepted: at least one", path);
  if (list->classless == 0 || list->classless == list->count) return CUTLAB_OK;
  int64_t other = 0;
  while ((list->labels[other] < 0) == (list->labels[0] < 0)) ++other;
  return cutlab_fail(context, CUTLAB_ERROR_FORMAT,
                     "%s: images both in class folders and beside them (%s and %s); accepted: one "
                     "or the other",
                     path, list->paths[0], list->paths[other]);
}

/* Reads one image into its place; the first one says how large all are. */
static cutlab_status place(cutlab_context *context, cutlab_images *images, const image_list *list,
                           int64_t index, const cutlab_image_file *file) {
  unsigned char start[cutlab_image_magic_bytes];
  cutlab_images one = {0};
  CUTLAB_TRY(cutlab_image_bytes(context, file, start, sizeof start, "the start"));
  rewind(file->stream);
  const char *format = cutlab_image_magic(start);
  if (!format) return cutlab_image_fail(context, file, "has changed while it was read");
  cutlab_status status = cutlab_image_decode(context, &one, file, format);
  const int64_t *shape = one.pixels.shape, *all = images->pixels.shape;
  if (status == CUTLAB_OK && index == 0)
    status =
        cutlab_images_allocate(context, images, file, list->count, shape[1], shape[2], shape[3]);
  if (status == CUTLAB_OK && memcmp(shape + 1, all + 1, 3 * sizeof *shape) != 0)
    status = cutlab_fail(
        context, CUTLAB_ERROR_FORMAT,
        "%s: %" PRId64 " x %" PRId64 " x %" PRId64 " (height x width x channels), but %s: %" PRId64
        " x %" PRId64 " x %" PRId64 "; accepted: one size",
        list->paths[0], all[1], all[2], all[3], file->path, shape[1], shape[2], shape[3]);
  if (status == CUTLAB_OK) {
    size_t bytes = (size_t)cutlab_array_count(&one.pixels);
    memcpy((uint8_t *)images->pixels.data + (size_t)index * bytes, one.pixels.data, bytes);
  }
  cutlab_images_clear(&one);
  return status;
}

static cutlab_status place_all(cutlab_context *context, cutlab_images *images,
                               const image_list *list, const cutlab_image_limits *limits) {
  for (int64_t i = 0; i < list->count; ++i) {
    cutlab_image_file file;
    if (i % 64 == 0) CUTLAB_TRY(cutlab_report_progress(context, "reading images", i, list->count));
    CUTLAB_TRY(cutlab_image_open(context, &file, list->paths[i], limits));
    cutlab_status status = place(context, images, list, i, &file);
    cutlab_image_close(&file);
    CUTLAB_TRY(status);
  }
  return CUTLAB_OK;
}

static void warn_of_others(cutlab_context *context, const image_list *list, const char *path) {
  if (list->passed_over)
    cutlab_warn(context, "%s: %" PRId64 " file%s passed over, neither PNG nor JPEG: %s%s", path,
                list->passed_over, list->passed_over == 1 ? "" : "s", list->first_passed,
                list->passed_over == 1 ? "" : " is the first");
}

cutlab_status cutlab_image_folder_read(cutlab_context *context, cutlab_images *images,
                                       const char *path, const cutlab_image_limits *limits) {
  image_list list = {0};
  images->format = "folder";
  cutlab_status status = collect(context, &list, path, -1, 0);
  if (status == CUTLAB_OK) status = check_list(context, &list, path);
  if (status == CUTLAB_OK) warn_of_others(context, &list, path);
  free(list.first_passed);
  if (status == CUTLAB_OK) status = place_all(context, images, &list, limits);
  if (status != CUTLAB_OK) {
    free_names(list.paths, list.count);
    free_names(list.classes, list.class_count);
    free(list.labels);
    return status;
  }
  images->names = list.paths;
  if (list.classless == 0) {
    images->labels = list.labels;
    images->class_names = list.classes;
    images->class_count = list.class_count;
  } else {
    free_names(list.classes, list.class_count);
    free(list.labels);
  }
  return CUTLAB_OK;
}
