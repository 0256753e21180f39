/* Files in the folder of a fixture. */
#ifndef CUTLAB_TEST_FILES_H
#define CUTLAB_TEST_FILES_H

#include <cutlab/array.h>

#include "base/file.h"
#include "fixture.h"

/* Without the flush to disk of cutlab_file_write. */
static inline void put(const fixture *f, const char *name, const void *bytes, size_t size) {
  char *path = path_of(f, name);
  FILE *file = fopen(path, "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(bytes, 1, size, file), size);
  assert_int_equal(fclose(file), 0);
  free(path);
}

static inline void make_folder(const fixture *f, const char *name) {
  char *path = path_of(f, name);
  assert_int_equal(cutlab_folder_make(f->context, path), CUTLAB_OK);
  free(path);
}

static inline void put_array(const fixture *f, const char *name, cutlab_dtype dtype, int rank,
                             const int64_t *shape, void *data) {
  cutlab_array array = {.dtype = dtype, .rank = rank, .data = data};
  memcpy(array.shape, shape, (size_t)rank * sizeof *shape);
  char *path = path_of(f, name);
  assert_int_equal(cutlab_npy_write(f->context, path, &array), CUTLAB_OK);
  free(path);
}

#endif
