/* NumPy .npy arrays as files and streams. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/npy.h"

enum { max_header = 1 << 16 };

int64_t cutlab_array_count(const cutlab_array *array) {
  int64_t count = 1;
  for (int axis = 0; axis < array->rank; ++axis) count *= array->shape[axis];
  return count;
}

void cutlab_array_clear(cutlab_array *array) {
  if (!array) return;
  free(array->data);
  *array = (cutlab_array){0};
}

int64_t cutlab_npy_limit(int64_t max_bytes) {
  return max_bytes > 0 ? max_bytes : (int64_t)16 << 30;
}

cutlab_status cutlab_npy_fail(cutlab_context *context, cutlab_status status,
                              const cutlab_npy_source *source, const char *format, ...) {
  char text[512];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  if (!source->member) return cutlab_fail(context, status, "%s: %s", source->path, text);
  return cutlab_fail(context, status, "%s: member %s: %s", source->path, source->member, text);
}

/* Bytes of data, or -1 where the shape does not fit int64. The sizes of empty arrays are checked
   as if the empty axes had length 1, so that no product of their axes overflows either. */
static int64_t data_bytes(const cutlab_array *array) {
  int64_t bytes = (int64_t)cutlab_dtype_size(array->dtype);
  bool empty = false;
  for (int axis = 0; axis < array->rank; ++axis) {
    int64_t length = array->shape[axis];
    if (length == 0)
      empty = true;
    else if (length < 0 || __builtin_mul_overflow(bytes, length, &bytes))
      return -1;
  }
  return empty ? 0 : bytes;
}

cutlab_status cutlab_npy_check(cutlab_context *context, const char *path,
                               const cutlab_array *array) {
  if (cutlab_dtype_size(array->dtype) == 0)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT, "%s: dtype %d; accepted: 0 to %d", path,
                       (int)array->dtype, (int)CUTLAB_BOOL);
  if (array->rank < 0 || array->rank > CUTLAB_ARRAY_MAX_RANK)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT, "%s: rank %d; accepted: 0 to %d", path,
                       array->rank, CUTLAB_ARRAY_MAX_RANK);
  int64_t bytes = data_bytes(array);
  if (bytes < 0)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                       "%s: a shape with a negative length or more than 2^63 bytes", path);
  if (bytes > 0 && !array->data)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT, "%s: an array without data", path);
  return CUTLAB_OK;
}

cutlab_status cutlab_npy_write(cutlab_context *context, const char *path,
                               const cutlab_array *array) {
  CUTLAB_TRY(cutlab_npy_check(context, path, array));
  char header[cutlab_npy_header_capacity];
  size_t header_size = cutlab_npy_header(header, array), size = (size_t)data_bytes(array);
  char *bytes = cutlab_allocate(context, (int64_t)(header_size + size), 1);
  if (!bytes) return CUTLAB_ERROR_MEMORY;
  memcpy(bytes, header, header_size);
  if (size) memcpy(bytes + header_size, array->data, size);
  cutlab_status status = cutlab_file_write(context, path, bytes, header_size + size);
  free(bytes);
  return status;
}

static cutlab_status read_exactly(cutlab_context *context, const cutlab_npy_source *source,
                                  void *buffer, int64_t size, const char *what) {
  int64_t got = 0;
  CUTLAB_TRY(source->read(context, source, buffer, size, &got));
  if (got < size)
    return cutlab_npy_fail(context, CUTLAB_ERROR_FORMAT, source,
                           "truncated: the %s has %" PRId64 " bytes of %" PRId64, what, got, size);
  return CUTLAB_OK;
}

/* The header's text, NUL-terminated in fresh memory. */
static cutlab_status read_header(cutlab_context *context, const cutlab_npy_source *source,
                                 char **text, int64_t *size) {
  unsigned char start[12] = {0};
  CUTLAB_TRY(read_exactly(context, source, start, 10, "start of the file"));
  if (memcmp(start, CUTLAB_NPY_MAGIC, 6) != 0)
    return cutlab_npy_fail(context, CUTLAB_ERROR_FORMAT, source, "not a .npy array");
  if (start[6] < 1 || start[6] > 3 || start[7] != 0)
    return cutlab_npy_fail(context, CUTLAB_ERROR_FORMAT, source,
                           ".npy version %d.%d; accepted: 1.0, 2.0 and 3.0", start[6], start[7]);
  bool wide = start[6] > 1; /* version 1 has a length of 2 bytes, the others of 4 */
  if (wide) CUTLAB_TRY(read_exactly(context, source, start + 10, 2, "rest of the header's length"));
  int64_t length = start[8] | start[9] << 8 | start[10] << 16 | (int64_t)start[11] << 24;
  if (length > max_header)
    return cutlab_npy_fail(context, CUTLAB_ERROR_FORMAT, source,
                           "a header of %" PRId64 " bytes; accepted: at most %d", length,
                           max_header);
  *text = cutlab_allocate(context, length + 1, 1);
  if (!*text) return CUTLAB_ERROR_MEMORY;
  CUTLAB_TRY(read_exactly(context, source, *text, length, "header"));
  if ((int64_t)strlen(*text) != length)
    return cutlab_npy_fail(context, CUTLAB_ERROR_FORMAT, source, "a zero byte in the header");
  *size = (wide ? 12 : 10) + length;
  return CUTLAB_OK;
}

/* The size is compared with the stream's before memory is asked for. */
static cutlab_status read_data(cutlab_context *context, cutlab_array *array,
                               const cutlab_npy_source *source, int64_t header_size,
                               int64_t max_bytes) {
  int64_t bytes = data_bytes(array), left = source->size - header_size, got = 0;
  if (bytes < 0)
    return cutlab_npy_fail(context, CUTLAB_ERROR_FORMAT, source, "a shape of more than 2^63 bytes");
  if (bytes > max_bytes)
    return cutlab_npy_fail(context, CUTLAB_ERROR_FORMAT, source,
                           "%" PRId64 " bytes of data; accepted: at most %" PRId64, bytes,
                           max_bytes);
  if (source->size >= 0 && left != bytes)
    return cutlab_npy_fail(context, CUTLAB_ERROR_FORMAT, source,
                           "%s: the shape asks for %" PRId64 " bytes of data, %" PRId64
                           " are there",
                           left < bytes ? "truncated" : "too long", bytes, left);
  array->data = cutlab_allocate(context, bytes, 1);
  if (!array->data) return CUTLAB_ERROR_MEMORY;
  CUTLAB_TRY(read_exactly(context, source, array->data, bytes, "data"));
  /* Reading on to the end also makes libzip compare the checksum. */
  char beyond;
  CUTLAB_TRY(source->read(context, source, &beyond, 1, &got));
  if (got == 0) return CUTLAB_OK;
  return cutlab_npy_fail(context, CUTLAB_ERROR_FORMAT, source, "too long: bytes after the data");
}

/* From the first index running fastest to the last: in the order of the target, an odometer of
   indices and the place that it stands for. */
static cutlab_status reorder(cutlab_context *context, cutlab_array *array) {
  size_t size = cutlab_dtype_size(array->dtype);
  int64_t count = cutlab_array_count(array), index[CUTLAB_ARRAY_MAX_RANK] = {0}, place = 0;
  int64_t stride[CUTLAB_ARRAY_MAX_RANK] = {1};
  for (int a = 1; a < array->rank; ++a) stride[a] = stride[a - 1] * array->shape[a - 1];
  char *to = cutlab_allocate(context, count, size);
  if (!to) return CUTLAB_ERROR_MEMORY;
  for (int64_t i = 0; i < count; ++i) {
    memcpy(to + (size_t)i * size, (const char *)array->data + (size_t)place * size, size);
    for (int a = array->rank - 1; a >= 0; --a) {
      place += stride[a];
      if (++index[a] < array->shape[a]) break;
      place -= stride[a] * array->shape[a];
      index[a] = 0;
    }
  }
  free(array->data);
  array->data = to;
  return CUTLAB_OK;
}

static void swap_bytes(cutlab_array *array) {
  size_t size = cutlab_dtype_size(array->dtype);
  unsigned char *at = array->data, *end = at + (size_t)cutlab_array_count(array) * size;
  for (; at < end; at += size)
    for (size_t i = 0, j = size - 1; i < j; ++i, --j) {
      unsigned char byte = at[i];
      at[i] = at[j];
      at[j] = byte;
    }
}

cutlab_status cutlab_npy_read_source(cutlab_context *context, cutlab_array *array,
                                     const cutlab_npy_source *source, int64_t max_bytes) {
  *array = (cutlab_array){0};
  char *text = NULL;
  int64_t header_size = 0;
  bool fortran = false, swapped = false;
  cutlab_status status = read_header(context, source, &text, &header_size);
  if (status == CUTLAB_OK)
    status = cutlab_npy_parse_header(context, array, &fortran, &swapped, source, text);
  free(text);
  if (status == CUTLAB_OK) status = read_data(context, array, source, header_size, max_bytes);
  if (status == CUTLAB_OK && swapped) swap_bytes(array);
  if (status == CUTLAB_OK && fortran) status = reorder(context, array);
  if (status != CUTLAB_OK) cutlab_array_clear(array);
  return status;
}

static cutlab_status read_file(cutlab_context *context, const cutlab_npy_source *source,
                               void *buffer, int64_t size, int64_t *got) {
  FILE *file = source->handle;
  *got = (int64_t)fread(buffer, 1, (size_t)size, file);
  if (!ferror(file)) return CUTLAB_OK;
  return cutlab_npy_fail(context, CUTLAB_ERROR_IO, source, "cannot read: %s", strerror(errno));
}

cutlab_status cutlab_npy_read(cutlab_context *context, cutlab_array *array, const char *path,
                              int64_t max_bytes) {
  *array = (cutlab_array){0};
  FILE *file = fopen(path, "rbe");
  if (!file)
    return cutlab_fail(context, CUTLAB_ERROR_IO, "cannot open %s: %s", path, strerror(errno));
  struct stat status;
  bool regular = fstat(fileno(file), &status) == 0 && S_ISREG(status.st_mode);
  cutlab_npy_source source = {path, NULL, regular ? (int64_t)status.st_size : -1, file, read_file};
  cutlab_status result =
      cutlab_npy_read_source(context, array, &source, cutlab_npy_limit(max_bytes));
  fclose(file);
  return result;
}
