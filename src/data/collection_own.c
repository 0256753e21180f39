/* Collections from a user's own files: folders of images, .npy and .npz. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/half.h"
#include "data/collection_internal.h"
#include "data/images_internal.h"

/* A part as it was read. */
typedef struct raw_part {
  const char *path; /* of its images */
  bool packed;
  cutlab_images images;
} raw_part;

/* [N][L], [N][H][W] (of series, and of all that is packed: [N][L][C]) and [N][H][W][C]. */
static cutlab_status find_sizes(cutlab_context *context, int64_t sizes[3], const raw_part *part,
                                bool series) {
  const cutlab_array *pixels = &part->images.pixels;
  const int64_t *shape = pixels->shape;
  if (pixels->rank < 2 || pixels->rank > (series ? 3 : 4))
    return cutlab_fail(context, CUTLAB_ERROR_FORMAT, "%s: %d axes; accepted: %s", part->path,
                       pixels->rank,
                       series ? "2 ([N][L]) or 3 ([N][L][C]), with shape = series"
                              : "2 ([N][L]), 3 ([N][H][W]) or 4 ([N][H][W][C])");
  bool flat = pixels->rank == 2, rows = pixels->rank == 3 && (series || part->packed);
  sizes[0] = pixels->rank == 4 ? shape[3] : rows ? shape[2] : 1;
  sizes[1] = flat || rows ? 1 : shape[1];
  sizes[2] = flat || rows ? shape[1] : shape[2];
  return CUTLAB_OK;
}

/* Of an array with axes. */
static cutlab_status check_pixels(cutlab_context *context, const char *path,
                                  const cutlab_array *pixels) {
  if (pixels->dtype != CUTLAB_UINT8 && pixels->dtype != CUTLAB_FLOAT16 &&
      pixels->dtype != CUTLAB_FLOAT32)
    return cutlab_fail(context, CUTLAB_ERROR_FORMAT,
                       "%s: images of %s; accepted: uint8, float16, float32", path,
                       cutlab_dtype_name(pixels->dtype));
  int64_t count = cutlab_array_count(pixels);
  if (count == 0) return cutlab_fail(context, CUTLAB_ERROR_FORMAT, "%s: no images", path);
  if (pixels->dtype == CUTLAB_UINT8) return CUTLAB_OK;
  for (int64_t i = 0; i < count; ++i) {
    double value = pixels->dtype == CUTLAB_FLOAT32
                       ? ((const float *)pixels->data)[i]
                       : cutlab_half_to_float(((const uint16_t *)pixels->data)[i]);
    if (!isfinite(value))
      return cutlab_fail(context, CUTLAB_ERROR_FORMAT,
                         "%s: example %" PRId64 " holds %g; accepted: finite numbers", path,
                         i / (count / pixels->shape[0]), value);
  }
  return CUTLAB_OK;
}

static void warn_if_planar(cutlab_context *context, const char *path, const cutlab_array *pixels) {
  const int64_t *shape = pixels->shape;
  if (cutlab_images_look_planar(pixels))
    cutlab_warn(context,
                "%s: read as images of %" PRId64 " x %" PRId64 " with %" PRId64
                " channels, [N][H][W][C]; if it is [N][C][H][W], move its axes, in NumPy by "
                "transpose(0, 2, 3, 1)",
                path, shape[1], shape[2], shape[3]);
}

/* Takes one part over; the first one, train, says how large all are. */
static cutlab_status take_part(cutlab_context *context, cutlab_collection *collection,
                               const raw_part *part, bool test,
                               const cutlab_collection_source *source) {
  const cutlab_array *pixels = &part->images.pixels;
  int64_t sizes[3] = {0};
  CUTLAB_TRY(find_sizes(context, sizes, part, cutlab_source_is_series(source)));
  CUTLAB_TRY(check_pixels(context, part->path, pixels));
  if (!test) {
    warn_if_planar(context, part->path, pixels);
    collection->channels = sizes[0], collection->height = sizes[1], collection->width = sizes[2];
  }
  cutlab_dtype dtype = pixels->dtype == CUTLAB_UINT8 ? CUTLAB_UINT8 : CUTLAB_FLOAT32;
  if (sizes[0] != collection->channels || sizes[1] != collection->height ||
      sizes[2] != collection->width || (test && dtype != collection->train.dtype))
    return cutlab_fail(context, CUTLAB_ERROR_FORMAT,
                       "%s: %s of %" PRId64 " x %" PRId64 " x %" PRId64
                       " (channels x height x width), but the training part has %s of %" PRId64
                       " x %" PRId64 " x %" PRId64 "; accepted: one size and type",
                       part->path, cutlab_dtype_name(dtype), sizes[0], sizes[1], sizes[2],
                       cutlab_dtype_name(collection->train.dtype), collection->channels,
                       collection->height, collection->width);
  int64_t asked = test ? source->test_examples : source->train_examples;
  int64_t count = cutlab_examples_wanted(pixels->shape[0], asked);
  cutlab_examples *examples = test ? &collection->test : &collection->train;
  CUTLAB_TRY(cutlab_examples_allocate(context, collection, examples, dtype, count));
  cutlab_examples_place(collection, examples, 0, count, pixels, part->images.labels);
  return CUTLAB_OK;
}

static cutlab_status take_parts(cutlab_context *context, cutlab_collection *collection,
                                const raw_part parts[2], const cutlab_collection_source *source) {
  CUTLAB_TRY(take_part(context, collection, &parts[0], false, source));
  return parts[1].images.pixels.data ? take_part(context, collection, &parts[1], true, source)
                                     : CUTLAB_OK;
}

/* Folders */

static cutlab_status check_classes(cutlab_context *context, const raw_part parts[2]) {
  const cutlab_images *train = &parts[0].images, *test = &parts[1].images;
  for (int part = 0; part < 2; ++part)
    if (parts[part].images.pixels.data && !parts[part].images.class_names)
      return cutlab_fail(context, CUTLAB_ERROR_FORMAT,
                         "%s: images in no class; accepted: one folder for each class",
                         parts[part].path);
  if (!test->pixels.data) return CUTLAB_OK;
  int64_t most = train->class_count > test->class_count ? train->class_count : test->class_count;
  for (int64_t c = 0; c < most; ++c) {
    const char *a = c < train->class_count ? train->class_names[c] : "nothing";
    const char *b = c < test->class_count ? test->class_names[c] : "nothing";
    if (strcmp(a, b) != 0)
      return cutlab_fail(context, CUTLAB_ERROR_FORMAT,
                         "class %" PRId64 " is %.80s in %s, but %.80s in %s; accepted: the same "
                         "class folders in both",
                         c, a, parts[0].path, b, parts[1].path);
  }
  return CUTLAB_OK;
}

static cutlab_status read_folders(cutlab_context *context, cutlab_collection *collection,
                                  raw_part parts[2], const cutlab_collection_source *source) {
  CUTLAB_TRY(cutlab_images_read(context, &parts[0].images, parts[0].path, NULL));
  if (cutlab_file_exists(parts[1].path))
    CUTLAB_TRY(cutlab_images_read(context, &parts[1].images, parts[1].path, NULL));
  CUTLAB_TRY(check_classes(context, parts));
  cutlab_images *train = &parts[0].images;
  collection->classes = train->class_count;
  collection->class_names = train->class_names;
  train->class_names = NULL;
  return take_parts(context, collection, parts, source);
}

cutlab_status cutlab_collection_folder(cutlab_context *context, cutlab_collection *collection,
                                       const cutlab_collection_source *source) {
  char *train = cutlab_path_join(context, source->path, "train");
  char *test = cutlab_path_join(context, source->path, "test");
  char *validation = cutlab_path_join(context, source->path, "val");
  raw_part parts[2] = {{.path = train}, {.path = test}};
  cutlab_status status = train && test && validation ? CUTLAB_OK : CUTLAB_ERROR_MEMORY;
  if (status == CUTLAB_OK && !cutlab_file_exists(test)) parts[1].path = validation;
  if (status == CUTLAB_OK && !cutlab_file_exists(train))
    status = cutlab_fail(context, CUTLAB_ERROR_IO,
                         "%s: no folder train; accepted: train/CLASS/*.png or .jpg, and test or "
                         "val likewise",
                         source->path);
  if (status == CUTLAB_OK) status = read_folders(context, collection, parts, source);
  cutlab_images_clear(&parts[0].images);
  cutlab_images_clear(&parts[1].images);
  free(train);
  free(test);
  free(validation);
  return status;
}

/* .npy and .npz */

/* The arrays of a data set: train images, train labels, test images, test labels. */
enum { array_count = 4 };
static const char *const array_names[array_count][2] = {{"train_images", "x_train"},
                                                        {"train_labels", "y_train"},
                                                        {"test_images", "x_test"},
                                                        {"test_labels", "y_test"}};

typedef struct named_arrays {
  cutlab_array arrays[array_count]; /* data NULL: not there */
  char *names[array_count];         /* path, or path and member, for messages */
  cutlab_array *members;            /* of an .npz: those above without their data, and others */
  int member_count;
} named_arrays;

static cutlab_status find_npy(cutlab_context *context, char **path, const char *folder,
                              const char *const names[2]) {
  static const char *const ends[] = {".npy", ".npy.gz", ".npy.xz"};
  for (int i = 0; i < 6; ++i) {
    char name[64];
    snprintf(name, sizeof name, "%s%s", names[i / 3], ends[i % 3]);
    *path = cutlab_path_join(context, folder, name);
    if (!*path) return CUTLAB_ERROR_MEMORY;
    if (cutlab_file_exists(*path)) return CUTLAB_OK;
    free(*path);
    *path = NULL;
  }
  return CUTLAB_OK;
}

static cutlab_status read_npy_folder(cutlab_context *context, named_arrays *from,
                                     const char *folder) {
  for (int i = 0; i < array_count; ++i) {
    CUTLAB_TRY(find_npy(context, &from->names[i], folder, array_names[i]));
    if (!from->names[i]) continue;
    cutlab_image_file file;
    CUTLAB_TRY(cutlab_image_open(context, &file, from->names[i], NULL));
    cutlab_status status = cutlab_image_npy_read(context, &from->arrays[i], &file);
    cutlab_image_close(&file);
    CUTLAB_TRY(status);
  }
  return CUTLAB_OK;
}

static cutlab_status read_npz(cutlab_context *context, named_arrays *from, const char *path) {
  CUTLAB_TRY(cutlab_npz_read(context, &from->members, &from->member_count, path, 0));
  for (int i = 0; i < array_count; ++i) {
    cutlab_array *found = cutlab_npz_find(from->members, from->member_count, array_names[i][0]);
    if (!found) found = cutlab_npz_find(from->members, from->member_count, array_names[i][1]);
    if (!found) continue;
    size_t capacity = strlen(path) + sizeof found->name + 16;
    from->names[i] = cutlab_allocate(context, (int64_t)capacity, 1);
    if (!from->names[i]) return CUTLAB_ERROR_MEMORY;
    snprintf(from->names[i], capacity, "%s: member %s", path, found->name);
    from->arrays[i] = *found;
    found->data = NULL;
  }
  return CUTLAB_OK;
}

static cutlab_status check_arrays(cutlab_context *context, const named_arrays *from,
                                  const char *path) {
  bool test = from->names[2] || from->names[3];
  for (int i = 0; i < (test ? array_count : 2); ++i)
    if (!from->names[i])
      return cutlab_fail(context, CUTLAB_ERROR_FORMAT,
                         "%s: no array %s or %s; accepted: a folder of .npy files or an .npz, with "
                         "train_images, train_labels and, for testing, test_images, test_labels",
                         path, array_names[i][0], array_names[i][1]);
  return CUTLAB_OK;
}

/* Class ids [N] or [N][1] of any integer type. */
static cutlab_status take_labels(cutlab_context *context, int64_t **labels, int64_t *classes,
                                 const cutlab_array *array, const char *name, int64_t count) {
  bool column = array->rank == 1 || (array->rank == 2 && array->shape[1] == 1);
  if (!column || !cutlab_dtype_is_integer(array->dtype))
    return cutlab_fail(context, CUTLAB_ERROR_FORMAT,
                       "%s: labels of %s with %d axes; accepted: integers [N] or [N][1]", name,
                       cutlab_dtype_name(array->dtype), array->rank);
  if (array->shape[0] != count)
    return cutlab_fail(context, CUTLAB_ERROR_FORMAT,
                       "%s: %" PRId64 " labels, but %" PRId64 " images; accepted: one for each",
                       name, array->shape[0], count);
  *labels = cutlab_allocate(context, count, sizeof **labels);
  if (!*labels) return CUTLAB_ERROR_MEMORY;
  for (int64_t i = 0; i < count; ++i) {
    int64_t label = cutlab_array_integer(array, i);
    if (label < 0 || label >= cutlab_most_classes)
      return cutlab_fail(context, CUTLAB_ERROR_FORMAT,
                         "%s: label %" PRId64 " of example %" PRId64 "; accepted: 0 to %d", name,
                         label, i, cutlab_most_classes - 1);
    (*labels)[i] = label;
    if (label >= *classes) *classes = label + 1;
  }
  return CUTLAB_OK;
}

static cutlab_status take_arrays(cutlab_context *context, cutlab_collection *collection,
                                 named_arrays *from, raw_part parts[2],
                                 const cutlab_collection_source *source) {
  for (int part = 0; part < 2; ++part) {
    cutlab_array *pixels = &from->arrays[2 * part];
    parts[part].path = from->names[2 * part];
    parts[part].packed = cutlab_packed_data_set(from->members, from->member_count) != NULL;
    if (!parts[part].path) continue;
    int64_t count = pixels->rank ? pixels->shape[0] : 0;
    CUTLAB_TRY(take_labels(context, &parts[part].images.labels, &collection->classes,
                           &from->arrays[2 * part + 1], from->names[2 * part + 1], count));
    parts[part].images.pixels = *pixels;
    pixels->data = NULL;
  }
  return take_parts(context, collection, parts, source);
}

cutlab_status cutlab_collection_npy(cutlab_context *context, cutlab_collection *collection,
                                    const cutlab_collection_source *source) {
  named_arrays from = {0};
  raw_part parts[2] = {0};
  struct stat kind;
  bool folder = stat(source->path, &kind) == 0 && S_ISDIR(kind.st_mode);
  cutlab_status status = folder ? read_npy_folder(context, &from, source->path)
                                : read_npz(context, &from, source->path);
  if (status == CUTLAB_OK) status = check_arrays(context, &from, source->path);
  if (status == CUTLAB_OK) status = take_arrays(context, collection, &from, parts, source);
  if (status == CUTLAB_OK && !folder)
    status = cutlab_packed_identify(context, collection, from.members, from.member_count, source);
  for (int i = 0; i < array_count; ++i) {
    cutlab_array_clear(&from.arrays[i]);
    free(from.names[i]);
  }
  cutlab_npz_free(from.members, from.member_count);
  cutlab_images_clear(&parts[0].images);
  cutlab_images_clear(&parts[1].images);
  return status;
}
