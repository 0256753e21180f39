/* Packed data sets: a whole collection in one .npz, which opens as the data set it was made from.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/npy.h"
#include "data/collection_internal.h"

/* Members beside the images and labels. Texts are bytes, class names padded by zeros. */
static const char *const data_set_member = "data_set", *const classes_member = "classes",
                         *const names_member = "class_names";

bool cutlab_source_is_packed(const cutlab_collection_source *source) {
  struct stat kind;
  size_t length = source->path ? strlen(source->path) : 0;
  return length > 4 && strcmp(source->path + length - 4, ".npz") == 0 &&
         strcmp(source->dataset, "feature-noise") != 0 &&
         !(stat(source->path, &kind) == 0 && S_ISDIR(kind.st_mode));
}

/* Reading */

const char *cutlab_packed_data_set(cutlab_array *members, int count) {
  const cutlab_array *member = cutlab_npz_find(members, count, data_set_member);
  if (!member || member->dtype != CUTLAB_UINT8) return NULL;
  return cutlab_data_set_name(member->data, (size_t)cutlab_array_count(member));
}

static cutlab_status check_data_set(cutlab_context *context, const char *held,
                                    const cutlab_collection_source *source) {
  if (!held)
    return cutlab_fail(context, CUTLAB_ERROR_FORMAT,
                       "%s: does not say which data set it holds; accepted: what cutlab data pack "
                       "writes, or dataset=npy",
                       source->path);
  if (strcmp(held, source->dataset) == 0) return CUTLAB_OK;
  return cutlab_fail(context, CUTLAB_ERROR_FORMAT,
                     "dataset is %s, but %s holds %s; accepted: dataset=%s", source->dataset,
                     source->path, held, held);
}

static cutlab_status take_classes(cutlab_context *context, cutlab_collection *collection,
                                  const cutlab_array *member, const char *path) {
  bool one = member && cutlab_dtype_is_integer(member->dtype) && cutlab_array_count(member) == 1;
  int64_t classes = one ? cutlab_array_integer(member, 0) : 0;
  if (classes < collection->classes || classes > cutlab_most_classes)
    return cutlab_fail(context, CUTLAB_ERROR_FORMAT,
                       "%s: member %s is not a number of classes; accepted: one integer, %" PRId64
                       " (the largest label and 1) to %d",
                       path, classes_member, collection->classes, cutlab_most_classes);
  collection->classes = classes;
  return CUTLAB_OK;
}

static cutlab_status take_names(cutlab_context *context, cutlab_collection *collection,
                                const cutlab_array *member, const char *path) {
  if (!member) return CUTLAB_OK;
  if (member->dtype != CUTLAB_UINT8 || member->rank != 2 || member->shape[0] != collection->classes)
    return cutlab_fail(context, CUTLAB_ERROR_FORMAT,
                       "%s: member %s is not %" PRId64 " names; accepted: uint8 [classes][bytes]",
                       path, names_member, collection->classes);
  size_t width = (size_t)member->shape[1];
  char **names = cutlab_allocate(context, collection->classes, sizeof *names);
  collection->class_names = names;
  if (!names) return CUTLAB_ERROR_MEMORY;
  for (int64_t c = 0; c < collection->classes; ++c) {
    names[c] = strndup((const char *)member->data + (size_t)c * width, width);
    if (!names[c]) return cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory naming classes");
  }
  return CUTLAB_OK;
}

static cutlab_status check_published(cutlab_context *context, const cutlab_collection *collection,
                                     const cutlab_collection_source *source) {
  const cutlab_published *p = cutlab_published_find(source->dataset);
  const cutlab_collection *c = collection;
  if (!p || (c->train.dtype == CUTLAB_UINT8 && c->channels == p->channels && c->height == p->side &&
             c->width == p->side && c->classes == p->classes))
    return CUTLAB_OK;
  return cutlab_fail(
      context, CUTLAB_ERROR_FORMAT,
      "%s: %s of %" PRId64 " x %" PRId64 " x %" PRId64 " in %" PRId64
      " classes; accepted for %s: uint8 of %" PRId64 " x %" PRId64 " x %" PRId64 " in %" PRId64,
      source->path, cutlab_dtype_name(c->train.dtype), c->channels, c->height, c->width, c->classes,
      source->dataset, p->channels, p->side, p->side, p->classes);
}

cutlab_status cutlab_packed_identify(cutlab_context *context, cutlab_collection *collection,
                                     cutlab_array *members, int count,
                                     const cutlab_collection_source *source) {
  const char *held = cutlab_packed_data_set(members, count);
  if (strcmp(source->dataset, "npy") != 0) CUTLAB_TRY(check_data_set(context, held, source));
  if (!held) return CUTLAB_OK;
  cutlab_array *classes = cutlab_npz_find(members, count, classes_member);
  cutlab_array *names = cutlab_npz_find(members, count, names_member);
  CUTLAB_TRY(take_classes(context, collection, classes, source->path));
  CUTLAB_TRY(take_names(context, collection, names, source->path));
  return check_published(context, collection, source);
}

/* Writing */

enum { most_members = 7 };

typedef struct archive {
  cutlab_array members[most_members];
  int count;
  char *names;     /* [classes][bytes] */
  void *pixels[2]; /* NHWC, of train and test */
} archive;

static void add(archive *to, const char *name, cutlab_dtype dtype, int rank, const int64_t *shape,
                void *data) {
  cutlab_array *member = &to->members[to->count++];
  *member = (cutlab_array){.dtype = dtype, .rank = rank, .data = data};
  snprintf(member->name, sizeof member->name, "%s", name);
  memcpy(member->shape, shape, (size_t)rank * sizeof *shape);
}

static cutlab_status add_names(cutlab_context *context, archive *to,
                               const cutlab_collection *collection) {
  if (!collection->class_names) return CUTLAB_OK;
  size_t width = 1;
  for (int64_t c = 0; c < collection->classes; ++c) {
    size_t length = strlen(collection->class_names[c]);
    if (length > width) width = length;
  }
  to->names = cutlab_allocate(context, collection->classes, width);
  if (!to->names) return CUTLAB_ERROR_MEMORY;
  for (int64_t c = 0; c < collection->classes; ++c)
    memcpy(to->names + (size_t)c * width, collection->class_names[c],
           strlen(collection->class_names[c]));
  add(to, names_member, CUTLAB_UINT8, 2, (int64_t[]){collection->classes, (int64_t)width},
      to->names);
  return CUTLAB_OK;
}

/* NCHW to NHWC. */
static void interleave(void *to, const cutlab_examples *examples,
                       const cutlab_collection *collection) {
  int64_t channels = collection->channels, plane = collection->height * collection->width;
  for (int64_t i = 0; i < examples->count; ++i)
    for (int64_t p = 0; p < plane; ++p)
      for (int64_t c = 0; c < channels; ++c) {
        int64_t target = (i * plane + p) * channels + c, origin = (i * channels + c) * plane + p;
        if (examples->dtype == CUTLAB_UINT8)
          ((uint8_t *)to)[target] = ((const uint8_t *)examples->pixels)[origin];
        else
          ((float *)to)[target] = ((const float *)examples->pixels)[origin];
      }
}

/* The number of axes tells series, [N][L][C], from images, [N][H][W][C]. */
static cutlab_status add_part(cutlab_context *context, archive *to, bool test,
                              const cutlab_collection *c) {
  const cutlab_examples *part = test ? &c->test : &c->train;
  if (!part->count) return CUTLAB_OK;
  int64_t elements = part->count * c->channels * c->height * c->width;
  void *pixels = cutlab_allocate(context, elements, cutlab_dtype_size(part->dtype));
  to->pixels[test] = pixels;
  if (!pixels) return CUTLAB_ERROR_MEMORY;
  interleave(pixels, part, c);
  const bool series = c->height == 1;
  const int64_t image[] = {part->count, c->height, c->width, c->channels};
  const int64_t stretch[] = {part->count, c->width, c->channels};
  add(to, test ? "test_images" : "train_images", part->dtype, series ? 3 : 4,
      series ? stretch : image, pixels);
  add(to, test ? "test_labels" : "train_labels", CUTLAB_INT64, 1, &part->count, part->labels);
  return CUTLAB_OK;
}

static cutlab_status fill(cutlab_context *context, archive *to, cutlab_collection *collection,
                          const cutlab_collection_source *source) {
  add(to, data_set_member, CUTLAB_UINT8, 1, (int64_t[]){(int64_t)strlen(source->dataset)},
      (void *)source->dataset);
  add(to, classes_member, CUTLAB_INT64, 1, (int64_t[]){1}, &collection->classes);
  CUTLAB_TRY(add_names(context, to, collection));
  CUTLAB_TRY(add_part(context, to, false, collection));
  return add_part(context, to, true, collection);
}

cutlab_status cutlab_collection_pack(cutlab_context *context, cutlab_collection *collection,
                                     const cutlab_collection_source *source, const char *path) {
  *collection = (cutlab_collection){0};
  CUTLAB_TRY(cutlab_collection_check(context, source));
  if (source->fold && *source->fold)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                       "fold is '%.80s'; accepted for packing: none, for it is chosen in training",
                       source->fold);
  if (strcmp(source->dataset, "feature-noise") == 0)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                       "dataset feature-noise is drawn, and its YAML is all there is to keep; "
                       "accepted for packing: mnist, cifar10, cifar100, folder, npy");
  CUTLAB_TRY(cutlab_collection_open(context, collection, source));
  archive to = {.count = 0};
  cutlab_status status = fill(context, &to, collection, source);
  if (status == CUTLAB_OK)
    status = cutlab_npz_write_packed(context, path, to.members, to.count, true);
  free(to.names);
  free(to.pixels[0]);
  free(to.pixels[1]);
  if (status != CUTLAB_OK) cutlab_collection_clear(collection);
  return status;
}
