/* What .npy files and the members of .npz archives share. */
#ifndef CUTLAB_NPY_H
#define CUTLAB_NPY_H

#include <cutlab/array.h>

#include "base/base.h"

#define CUTLAB_NPY_MAGIC "\x93NUMPY"

enum { cutlab_npy_header_capacity = 512 };

/* A stream of .npy bytes and how to name it in messages. */
typedef struct cutlab_npy_source {
  const char *path, *member; /* member: NULL for a plain .npy */
  int64_t size;              /* bytes in the stream, -1 where not known */
  void *handle;
  /* Reads up to `size` bytes; `*got` is smaller only at the end. */
  cutlab_status (*read)(cutlab_context *context, const struct cutlab_npy_source *source,
                        void *buffer, int64_t size, int64_t *got);
} cutlab_npy_source;

/* Fails naming the path and the member. */
cutlab_status cutlab_npy_fail(cutlab_context *context, cutlab_status status,
                              const cutlab_npy_source *source, const char *format, ...)
    CUTLAB_PRINTF(4, 5);
/* Reads one array, data of at most `max_bytes`, to the end of the stream. On failure `array` is
   cleared. */
cutlab_status cutlab_npy_read_source(cutlab_context *context, cutlab_array *array,
                                     const cutlab_npy_source *source, int64_t max_bytes);
/* Checks what a caller wants written: rank, shape, dtype, data. */
cutlab_status cutlab_npy_check(cutlab_context *context, const char *path,
                               const cutlab_array *array);
/* The bytes before the data, as NumPy writes them; returns how many. The array is checked. */
size_t cutlab_npy_header(char header[cutlab_npy_header_capacity], const cutlab_array *array);
/* Fills dtype, rank and shape from a header's text. *fortran: the first index runs fastest;
 *swapped: numbers are big-endian. */
cutlab_status cutlab_npy_parse_header(cutlab_context *context, cutlab_array *array, bool *fortran,
                                      bool *swapped, const cutlab_npy_source *source,
                                      const char *text);
/* An archive is made in memory, and copied to be written: so often it lies there. */
enum { cutlab_npz_copies = 2 };
/* cutlab_npz_write, with members deflated or stored. */
cutlab_status cutlab_npz_write_packed(cutlab_context *context, const char *path,
                                      const cutlab_array *arrays, int count, bool deflated);
/* `max_bytes`, or the default where it is 0. */
int64_t cutlab_npy_limit(int64_t max_bytes);

#endif
