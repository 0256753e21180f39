/* NumPy files: .npy arrays and .npz archives, read and written atomically. */
#ifndef CUTLAB_ARRAY_H
#define CUTLAB_ARRAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cutlab/context.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CUTLAB_ARRAY_MAX_RANK 8

typedef enum cutlab_dtype {
  CUTLAB_FLOAT64,
  CUTLAB_FLOAT32,
  CUTLAB_INT64,
  CUTLAB_INT32,
  CUTLAB_INT8,
  CUTLAB_UINT8,
  CUTLAB_FLOAT16, /* IEEE binary16 */
  CUTLAB_INT16,
  CUTLAB_UINT16,
  CUTLAB_UINT32,
  CUTLAB_UINT64,
  CUTLAB_BOOL /* one byte, 0 or 1 */
} cutlab_dtype;

/* A named, C-contiguous, row-major array. Reading allocates `data` (release with
   cutlab_array_clear); writing only borrows it. `name` is the member name inside an
   .npz, without ".npy"; it is not used for a .npy. */
typedef struct cutlab_array {
  char name[64];
  cutlab_dtype dtype;
  int rank;
  int64_t shape[CUTLAB_ARRAY_MAX_RANK];
  void *data;
} cutlab_array;

CUTLAB_API size_t cutlab_dtype_size(cutlab_dtype dtype);
/* NumPy's name, such as "float32"; "" for a value that is no dtype. */
CUTLAB_API const char *cutlab_dtype_name(cutlab_dtype dtype);
/* Whether it holds whole numbers, bool among them. */
CUTLAB_API bool cutlab_dtype_is_integer(cutlab_dtype dtype);
/* Element i in C order, of any dtype; integers beyond 2^53 are rounded. */
CUTLAB_API double cutlab_array_number(const cutlab_array *array, int64_t i);
/* Element i in C order, of an integer dtype; uint64 beyond 2^63 - 1 gives 2^63 - 1. */
CUTLAB_API int64_t cutlab_array_integer(const cutlab_array *array, int64_t i);
/* Number of elements. */
CUTLAB_API int64_t cutlab_array_count(const cutlab_array *array);
/* Frees `data` and zeroes the struct. Accepts NULL. */
CUTLAB_API void cutlab_array_clear(cutlab_array *array);

/* Writes atomically: a reader sees the old file or the new one. CUTLAB_ERROR_IO names
   the path and the reason. */
CUTLAB_API cutlab_status cutlab_npy_write(cutlab_context *context, const char *path,
                                          const cutlab_array *array);
CUTLAB_API cutlab_status cutlab_npz_write(cutlab_context *context, const char *path,
                                          const cutlab_array *arrays, int count);

/* Reads arrays of the dtypes above (versions 1.0 to 3.0 of the format), those in Fortran order into
   C order, big-endian ones into little-endian; anything else, a truncated file or a size beyond
   `max_bytes` is CUTLAB_ERROR_FORMAT. max_bytes 0 means 16 GiB. */
CUTLAB_API cutlab_status cutlab_npy_read(cutlab_context *context, cutlab_array *array,
                                         const char *path, int64_t max_bytes);
/* Reads every member, stored or deflated; `*arrays` is [*count], release with
   cutlab_npz_free. */
CUTLAB_API cutlab_status cutlab_npz_read(cutlab_context *context, cutlab_array **arrays, int *count,
                                         const char *path, int64_t max_bytes);
CUTLAB_API void cutlab_npz_free(cutlab_array *arrays, int count);
/* The member of that name, or NULL. */
CUTLAB_API cutlab_array *cutlab_npz_find(cutlab_array *arrays, int count, const char *name);

#ifdef __cplusplus
}
#endif
#endif
