/* The binary version of CIFAR-10 and CIFAR-100: records of one label, or of a coarse and a fine
   one, and 3 planes (red, green, blue) of 32 x 32 bytes (A. Krizhevsky, "Learning Multiple Layers
   of Features from Tiny Images", 2009). */
#include <inttypes.h>
#include <stdlib.h>
#include <sys/types.h>

#include "data/images_internal.h"

enum { side = 32, plane = side * side, image_bytes = 3 * plane };

/* A record begins with its labels, each below its bound; the last one is used. */
typedef struct record_kind {
  const char *format;
  int label_count, bounds[2];
} record_kind;

static const record_kind ten_kind = {"cifar10", 1, {10, 0}};
static const record_kind hundred_kind = {"cifar100", 2, {20, 100}};

static int64_t record_bytes(const record_kind *kind) {
  return kind->label_count + image_bytes;
}

void cutlab_cifar_left_over(int64_t size, int64_t *ten, int64_t *hundred) {
  *ten = size % record_bytes(&ten_kind);
  *hundred = size % record_bytes(&hundred_kind);
}

static cutlab_status check_labels(cutlab_context *context, const cutlab_image_file *file,
                                  const record_kind *kind, int64_t record,
                                  const unsigned char *labels) {
  for (int i = 0; i < kind->label_count; ++i)
    if (labels[i] >= kind->bounds[i])
      return cutlab_image_fail(
          context, file, "%s record %" PRId64 " (byte %" PRId64 "): label %d; accepted: 0 to %d",
          kind->format, record, record * record_bytes(kind) + i, labels[i], kind->bounds[i] - 1);
  return CUTLAB_OK;
}

/* Looks at the labels alone. */
static cutlab_status check_all_labels(cutlab_context *context, const cutlab_image_file *file,
                                      const record_kind *kind) {
  int64_t count = file->size / record_bytes(kind);
  for (int64_t record = 0; record < count; ++record) {
    unsigned char labels[2];
    if (fseeko(file->stream, (off_t)(record * record_bytes(kind)), SEEK_SET) != 0)
      return cutlab_fail(context, CUTLAB_ERROR_IO, "cannot read %s: no seeking", file->path);
    CUTLAB_TRY(cutlab_image_bytes(context, file, labels, kind->label_count, "a record"));
    CUTLAB_TRY(check_labels(context, file, kind, record, labels));
  }
  return CUTLAB_OK;
}

/* By the size of the file; a size that fits both is decided by the labels. */
static cutlab_status find_kind(cutlab_context *context, const record_kind **kind,
                               const cutlab_image_file *file) {
  int64_t ten, hundred;
  cutlab_cifar_left_over(file->size, &ten, &hundred);
  if (ten && hundred)
    return cutlab_image_fail(
        context, file,
        "truncated: %" PRId64 " bytes leave %" PRId64 " over after records of %" PRId64
        " (CIFAR-10) and %" PRId64 " after records of %" PRId64 " (CIFAR-100)",
        file->size, ten, record_bytes(&ten_kind), hundred, record_bytes(&hundred_kind));
  *kind = hundred ? &ten_kind : &hundred_kind;
  if (ten == 0 && hundred == 0) {
    if (check_all_labels(context, file, &ten_kind) == CUTLAB_OK) *kind = &ten_kind;
    rewind(file->stream);
  }
  return CUTLAB_OK;
}

static void interleave(uint8_t *pixels, const uint8_t *planes) {
  for (int p = 0; p < plane; ++p)
    for (int c = 0; c < 3; ++c) pixels[3 * p + c] = planes[c * plane + p];
}

cutlab_status cutlab_cifar_read(cutlab_context *context, cutlab_images *images,
                                const cutlab_image_file *file) {
  const record_kind *kind = &ten_kind;
  CUTLAB_TRY(find_kind(context, &kind, file));
  images->format = kind->format;
  images->class_count = kind->bounds[kind->label_count - 1];
  int64_t count = file->size / record_bytes(kind);
  CUTLAB_TRY(cutlab_image_check(context, file, side, side));
  CUTLAB_TRY(cutlab_images_allocate(context, images, file, count, side, side, 3));
  images->labels = cutlab_allocate(context, count, sizeof *images->labels);
  if (!images->labels) return CUTLAB_ERROR_MEMORY;
  for (int64_t i = 0; i < count; ++i) {
    unsigned char record[2 + image_bytes];
    CUTLAB_TRY(cutlab_image_bytes(context, file, record, record_bytes(kind), "a record"));
    CUTLAB_TRY(check_labels(context, file, kind, i, record));
    images->labels[i] = record[kind->label_count - 1];
    interleave((uint8_t *)images->pixels.data + i * image_bytes, record + kind->label_count);
  }
  return CUTLAB_OK;
}
