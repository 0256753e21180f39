/* Images from files: which format a file is of, limits, memory. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/npy.h"
#include "data/compressed.h"
#include "data/images_internal.h"

static int64_t or_default(int64_t limit, int64_t otherwise) {
  return limit > 0 ? limit : otherwise;
}

/* Replaces a compressed file by what it decompresses to: at most the limit of decoded bytes and the
   labels, which are 2 of 3074 bytes at most. */
static cutlab_status decompress(cutlab_context *context, cutlab_image_file *file) {
  unsigned char start[cutlab_compressed_magic_bytes] = {0};
  size_t got = fread(start, 1, sizeof start, file->stream);
  rewind(file->stream);
  if (got < sizeof start || !cutlab_is_compressed(start)) return CUTLAB_OK;
  int64_t limit = file->limits.bytes, slack = 4096 + limit / 1024;
  limit = limit > INT64_MAX - 1 - slack ? INT64_MAX - 1 : limit + slack;
  CUTLAB_TRY(
      cutlab_decompress(context, &file->memory, &file->size, file->stream, file->path, limit));
  if (file->size == 0) return cutlab_image_fail(context, file, "an empty file, compressed");
  FILE *stream = fmemopen(file->memory, (size_t)file->size, "rb");
  if (!stream)
    return cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory reading %s", file->path);
  fclose(file->stream);
  file->stream = stream;
  return CUTLAB_OK;
}

cutlab_status cutlab_image_open(cutlab_context *context, cutlab_image_file *file, const char *path,
                                const cutlab_image_limits *limits) {
  cutlab_image_limits asked = limits ? *limits : (cutlab_image_limits){0};
  *file = (cutlab_image_file){.path = path};
  if (asked.side < 0 || asked.pixels < 0 || asked.bytes < 0)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                       "%s: limits of %" PRId64 " a side, %" PRId64 " pixels and %" PRId64
                       " bytes; accepted: at least 1, or 0 for the default",
                       path, asked.side, asked.pixels, asked.bytes);
  file->limits = (cutlab_image_limits){or_default(asked.side, 65536),
                                       or_default(asked.pixels, (int64_t)1 << 28),
                                       or_default(asked.bytes, (int64_t)16 << 30)};
  struct stat status;
  if (stat(path, &status) != 0)
    return cutlab_fail(context, CUTLAB_ERROR_IO, "cannot open %s: %s", path, strerror(errno));
  if (!S_ISREG(status.st_mode)) /* opening a pipe would wait for its writer */
    return cutlab_fail(context, CUTLAB_ERROR_IO, "cannot read %s: neither a file nor a folder",
                       path);
  file->stream = fopen(path, "rbe");
  if (!file->stream)
    return cutlab_fail(context, CUTLAB_ERROR_IO, "cannot open %s: %s", path, strerror(errno));
  file->size = file->stored = status.st_size;
  cutlab_status result = decompress(context, file);
  if (result != CUTLAB_OK) cutlab_image_close(file);
  return result;
}

void cutlab_image_close(cutlab_image_file *file) {
  if (file->stream) fclose(file->stream);
  free(file->memory);
  file->stream = NULL;
  file->memory = NULL;
}

cutlab_status cutlab_image_fail(cutlab_context *context, const cutlab_image_file *file,
                                const char *format, ...) {
  char text[512];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  return cutlab_fail(context, CUTLAB_ERROR_FORMAT, "%s: %s", file->path, text);
}

cutlab_status cutlab_image_bytes(cutlab_context *context, const cutlab_image_file *file,
                                 void *bytes, int64_t size, const char *what) {
  int64_t at = ftello(file->stream);
  int64_t got = (int64_t)fread(bytes, 1, (size_t)size, file->stream);
  if (got == size) return CUTLAB_OK;
  if (ferror(file->stream))
    return cutlab_fail(context, CUTLAB_ERROR_IO, "cannot read %s: %s", file->path, strerror(errno));
  return cutlab_image_fail(context, file,
                           "truncated: %s at byte %" PRId64 " has %" PRId64 " bytes of %" PRId64,
                           what, at, got, size);
}

cutlab_status cutlab_image_check(cutlab_context *context, const cutlab_image_file *file,
                                 int64_t height, int64_t width) {
  const cutlab_image_limits *limits = &file->limits;
  if (height < 1 || width < 1)
    return cutlab_image_fail(context, file,
                             "an image of %" PRId64 " x %" PRId64
                             " (height x width); accepted: at least 1 x 1",
                             height, width);
  if (height > limits->side || width > limits->side || width > limits->pixels / height)
    return cutlab_image_fail(context, file,
                             "an image of %" PRId64 " x %" PRId64
                             " (height x width); accepted: sides of at most %" PRId64
                             " and at most %" PRId64 " pixels",
                             height, width, limits->side, limits->pixels);
  return CUTLAB_OK;
}

cutlab_status cutlab_images_allocate(cutlab_context *context, cutlab_images *images,
                                     const cutlab_image_file *file, int64_t count, int64_t height,
                                     int64_t width, int64_t channels) {
  cutlab_array *pixels = &images->pixels;
  *pixels = (cutlab_array){.dtype = CUTLAB_UINT8, .shape = {count, height, width, channels}};
  int64_t bytes = 1;
  bool fits = true;
  for (; pixels->rank < 4 && pixels->shape[pixels->rank] > 0; ++pixels->rank)
    fits = fits && !__builtin_mul_overflow(bytes, pixels->shape[pixels->rank], &bytes);
  if (!fits || bytes > file->limits.bytes)
    return cutlab_image_fail(context, file,
                             "%" PRId64 " images of %" PRId64 " x %" PRId64 " x %" PRId64
                             "; accepted: at most %" PRId64 " bytes in all",
                             count, height, width ? width : 1, channels ? channels : 1,
                             file->limits.bytes);
  pixels->data = cutlab_allocate(context, bytes, 1);
  return pixels->data ? CUTLAB_OK : CUTLAB_ERROR_MEMORY;
}

const char *cutlab_image_magic(const unsigned char start[cutlab_image_magic_bytes]) {
  if (memcmp(start, "\x89PNG\r\n\x1a\n", 8) == 0) return "png";
  return memcmp(start, "\xff\xd8\xff", 3) == 0 ? "jpeg" : NULL;
}

cutlab_status cutlab_image_decode(cutlab_context *context, cutlab_images *images,
                                  const cutlab_image_file *file, const char *format) {
  bool png = strcmp(format, "png") == 0;
  images->format = png ? "png" : "jpeg";
  return png ? cutlab_png_read(context, images, file) : cutlab_jpeg_read(context, images, file);
}

static cutlab_status read_stream(cutlab_context *context, const cutlab_npy_source *source,
                                 void *buffer, int64_t size, int64_t *got) {
  FILE *stream = source->handle;
  *got = (int64_t)fread(buffer, 1, (size_t)size, stream);
  if (!ferror(stream)) return CUTLAB_OK;
  return cutlab_npy_fail(context, CUTLAB_ERROR_IO, source, "cannot read: %s", strerror(errno));
}

cutlab_status cutlab_image_npy_read(cutlab_context *context, cutlab_array *array,
                                    const cutlab_image_file *file) {
  cutlab_npy_source source = {file->path, NULL, file->size, file->stream, read_stream};
  return cutlab_npy_read_source(context, array, &source, file->limits.bytes);
}

static cutlab_status read_npy(cutlab_context *context, cutlab_images *images,
                              const cutlab_image_file *file) {
  cutlab_array *pixels = &images->pixels;
  images->format = "npy";
  CUTLAB_TRY(cutlab_image_npy_read(context, pixels, file));
  if (pixels->dtype != CUTLAB_UINT8 && pixels->dtype != CUTLAB_FLOAT16 &&
      pixels->dtype != CUTLAB_FLOAT32)
    return cutlab_image_fail(
        context, file,
        "an array of %s, which is another type; accepted: uint8, float16 and float32",
        cutlab_dtype_name(pixels->dtype));
  if (pixels->rank < 2 || pixels->rank > 4)
    return cutlab_image_fail(context, file, "an array of %d axes; accepted: 2 to 4", pixels->rank);
  for (int axis = 0; axis < pixels->rank; ++axis)
    if (pixels->shape[axis] == 0)
      return cutlab_image_fail(context, file, "axis %d has length 0; accepted: at least 1", axis);
  return CUTLAB_OK;
}

bool cutlab_images_look_planar(const cutlab_array *pixels) {
  return pixels->rank == 4 && pixels->shape[1] <= 4 && pixels->shape[3] > 4;
}

static bool ends_with(const char *text, size_t length, const char *end) {
  size_t end_length = strlen(end);
  return length >= end_length && memcmp(text + length - end_length, end, end_length) == 0;
}

bool cutlab_image_named(const cutlab_image_file *file, const char *end, size_t *length) {
  const char *path = file->path;
  *length = strlen(path);
  if (file->memory && (ends_with(path, *length, ".gz") || ends_with(path, *length, ".xz")))
    *length -= 3;
  if (!ends_with(path, *length, end)) return false;
  *length -= strlen(end);
  return true;
}

cutlab_status cutlab_images_read_open(cutlab_context *context, cutlab_images *images,
                                      const cutlab_image_file *file) {
  if (file->size == 0) return cutlab_image_fail(context, file, "an empty file");
  unsigned char start[cutlab_image_magic_bytes] = {0};
  int64_t size = file->size < cutlab_image_magic_bytes ? file->size : cutlab_image_magic_bytes;
  CUTLAB_TRY(cutlab_image_bytes(context, file, start, size, "the start"));
  rewind(file->stream);
  const char *format = cutlab_image_magic(start);
  if (format && file->memory)
    return cutlab_image_fail(context, file,
                             "a compressed image; accepted: PNG and JPEG as they are");
  if (format) return cutlab_image_decode(context, images, file, format);
  if (memcmp(start, CUTLAB_NPY_MAGIC, 6) == 0) return read_npy(context, images, file);
  int64_t ten, hundred;
  size_t length;
  bool bin = cutlab_image_named(file, ".bin", &length);
  cutlab_cifar_left_over(file->size, &ten, &hundred);
  /* CIFAR records may begin as IDX files do: label 0, then red values. */
  bool records = (ten == 0 || hundred == 0) && bin;
  if (memcmp(start, "\0\0\x08", 3) == 0 && !records) return cutlab_idx_read(context, images, file);
  if (ten == 0 || hundred == 0 || bin) return cutlab_cifar_read(context, images, file);
  return cutlab_image_fail(
      context, file,
      "of no known format; accepted: PNG, JPEG, a folder of these, CIFAR-10 "
      "or CIFAR-100 binary, IDX of unsigned bytes, .npy, these four also in .gz or .xz");
}

cutlab_status cutlab_images_read(cutlab_context *context, cutlab_images *images, const char *path,
                                 const cutlab_image_limits *limits) {
  *images = (cutlab_images){0};
  struct stat kind;
  cutlab_status status;
  if (stat(path, &kind) == 0 && S_ISDIR(kind.st_mode)) {
    status = cutlab_image_folder_read(context, images, path, limits);
  } else {
    cutlab_image_file file;
    CUTLAB_TRY(cutlab_image_open(context, &file, path, limits));
    status = cutlab_images_read_open(context, images, &file);
    cutlab_image_close(&file);
  }
  if (status != CUTLAB_OK) cutlab_images_clear(images);
  return status;
}

void cutlab_images_clear(cutlab_images *images) {
  if (!images) return;
  int64_t count = images->pixels.rank ? images->pixels.shape[0] : 0;
  for (int64_t i = 0; images->names && i < count; ++i) free(images->names[i]);
  for (int64_t c = 0; images->class_names && c < images->class_count; ++c)
    free(images->class_names[c]);
  free(images->names);
  free(images->class_names);
  free(images->labels);
  free(images->labels_path);
  cutlab_array_clear(&images->pixels);
  *images = (cutlab_images){0};
}
