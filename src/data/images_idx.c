/* IDX files of unsigned bytes, as MNIST has them: 0, 0, 8, number of axes, the axes' lengths as
   big-endian 32-bit numbers, data (Y. LeCun, C. Cortes, C. Burges, "The MNIST database"). */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "data/images_internal.h"

enum { max_axes = 3 };

typedef struct idx_header {
  int axes;
  int64_t lengths[max_axes]; /* 1 for axes that are not there */
} idx_header;

/* Reads the header; the file's size must be what it asks for. */
static cutlab_status read_header(cutlab_context *context, idx_header *header,
                                 const cutlab_image_file *file, int least_axes, int most_axes) {
  unsigned char magic[4], words[4 * max_axes];
  CUTLAB_TRY(cutlab_image_bytes(context, file, magic, sizeof magic, "the IDX header"));
  int axes = magic[3];
  int64_t *lengths = header->lengths;
  header->axes = axes;
  if (memcmp(magic, "\0\0\x08", 3) != 0)
    return cutlab_image_fail(
        context, file, "starts with 0x%02x%02x%02x; accepted: 0x000008, IDX of unsigned bytes",
        magic[0], magic[1], magic[2]);
  if (axes < least_axes || axes > most_axes)
    return cutlab_image_fail(context, file, "IDX of %d axes; accepted: %s", axes,
                             most_axes == 1 ? "1, which holds labels"
                                            : "2 or 3, which hold images");
  CUTLAB_TRY(cutlab_image_bytes(context, file, words, (int64_t)4 * axes, "the IDX header"));
  int64_t bytes = 1, there = file->size - 4 - (int64_t)4 * axes;
  bool fits = true;
  for (int axis = 0; axis < max_axes; ++axis) {
    const unsigned char *word = words + 4 * axis;
    lengths[axis] = 1;
    if (axis >= axes) continue;
    lengths[axis] = (int64_t)word[0] << 24 | word[1] << 16 | word[2] << 8 | word[3];
    if (lengths[axis] == 0)
      return cutlab_image_fail(context, file, "axis %d has length 0; accepted: at least 1", axis);
    fits = fits && !__builtin_mul_overflow(bytes, lengths[axis], &bytes);
  }
  if (!fits || there != bytes)
    return cutlab_image_fail(context, file,
                             "%s: %" PRId64 " x %" PRId64 " x %" PRId64 " bytes announced, %" PRId64
                             " are there",
                             !fits || there < bytes ? "truncated" : "too long", lengths[0],
                             lengths[1], lengths[2], there);
  return CUTLAB_OK;
}

cutlab_status cutlab_idx_labels_read_open(cutlab_context *context, int64_t **labels, int64_t *count,
                                          const cutlab_image_file *file) {
  idx_header header = {0};
  *labels = NULL;
  *count = 0;
  CUTLAB_TRY(read_header(context, &header, file, 1, 1));
  int64_t n = header.lengths[0], *ids = cutlab_allocate(context, n, sizeof *ids);
  if (!ids) return CUTLAB_ERROR_MEMORY;
  /* The bytes lie in the last eighth, so that widening from the front never runs over them. */
  unsigned char *bytes = (unsigned char *)ids + 7 * n;
  cutlab_status status = cutlab_image_bytes(context, file, bytes, n, "the labels");
  for (int64_t i = 0; i < n && status == CUTLAB_OK; ++i) {
    int64_t label = bytes[i];
    ids[i] = label;
  }
  if (status != CUTLAB_OK) {
    free(ids);
    return status;
  }
  *labels = ids;
  *count = n;
  return CUTLAB_OK;
}

cutlab_status cutlab_idx_labels_read(cutlab_context *context, int64_t **labels, int64_t *count,
                                     const char *path) {
  *labels = NULL;
  *count = 0;
  cutlab_image_file file;
  CUTLAB_TRY(cutlab_image_open(context, &file, path, NULL));
  cutlab_status status = cutlab_idx_labels_read_open(context, labels, count, &file);
  cutlab_image_close(&file);
  return status;
}

/* The labels in the file beside FOLDER/...images-idx3-ubyte, where there is one, plain or
   compressed. */
static cutlab_status read_sibling(cutlab_context *context, cutlab_images *images,
                                  const cutlab_image_file *file) {
  static const char *const ends[] = {"labels-idx1-ubyte", "labels-idx1-ubyte.gz",
                                     "labels-idx1-ubyte.xz"};
  size_t length, capacity = strlen(file->path) + 32;
  if (!cutlab_image_named(file, "images-idx3-ubyte", &length)) return CUTLAB_OK;
  char *path = cutlab_allocate(context, (int64_t)capacity, 1);
  if (!path) return CUTLAB_ERROR_MEMORY;
  bool found = false;
  for (int i = 0; i < 3 && !found; ++i) {
    snprintf(path, capacity, "%.*s%s", (int)length, file->path, ends[i]);
    found = cutlab_file_exists(path);
  }
  cutlab_status status = CUTLAB_OK;
  int64_t count = images->pixels.shape[0], label_count = count;
  if (found) status = cutlab_idx_labels_read(context, &images->labels, &label_count, path);
  if (status == CUTLAB_OK && label_count != count)
    status = cutlab_image_fail(context, file, "%" PRId64 " images, but %" PRId64 " labels in %s",
                               count, label_count, path);
  if (found)
    images->labels_path = path;
  else
    free(path);
  return status;
}

cutlab_status cutlab_idx_pixels_read(cutlab_context *context, cutlab_images *images,
                                     const cutlab_image_file *file) {
  idx_header header = {0};
  const int64_t *lengths = header.lengths;
  images->format = "idx";
  CUTLAB_TRY(read_header(context, &header, file, 2, 3));
  bool series = header.axes == 2;
  if (!series) CUTLAB_TRY(cutlab_image_check(context, file, lengths[1], lengths[2]));
  CUTLAB_TRY(cutlab_images_allocate(context, images, file, lengths[0], lengths[1],
                                    series ? 0 : lengths[2], series ? 0 : 1));
  return cutlab_image_bytes(context, file, images->pixels.data, cutlab_array_count(&images->pixels),
                            "the data");
}

cutlab_status cutlab_idx_read(cutlab_context *context, cutlab_images *images,
                              const cutlab_image_file *file) {
  CUTLAB_TRY(cutlab_idx_pixels_read(context, images, file));
  return read_sibling(context, images, file);
}
