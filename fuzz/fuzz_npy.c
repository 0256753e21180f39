/* NumPy files: .npy and .npz; an array that is read is written and read back as it is. */
#include "fuzz.h"

static void check_array(cutlab_context *context, const cutlab_array *array) {
  size_t bytes = (size_t)cutlab_array_count(array) * cutlab_dtype_size(array->dtype);
  FUZZ_CHECK(array->rank >= 0 && array->rank <= CUTLAB_ARRAY_MAX_RANK);
  cutlab_array back;
  char path[64];
  snprintf(path, sizeof path, "/dev/shm/cutlab-fuzz-%ld.npy", (long)getpid());
  FUZZ_CHECK(cutlab_npy_write(context, path, array) == CUTLAB_OK);
  FUZZ_CHECK(cutlab_npy_read(context, &back, path, 0) == CUTLAB_OK);
  FUZZ_CHECK(back.dtype == array->dtype && back.rank == array->rank);
  FUZZ_CHECK(memcmp(back.shape, array->shape, sizeof back.shape) == 0);
  FUZZ_CHECK(bytes == 0 || memcmp(back.data, array->data, bytes) == 0);
  cutlab_array_clear(&back);
  unlink(path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  cutlab_context *context = fuzz_context();
  fuzz_file file = fuzz_file_open(data, size);
  cutlab_array array, *arrays;
  int count;
  cutlab_status status = cutlab_npy_read(context, &array, file.path, fuzz_limits.bytes);
  if (status == CUTLAB_OK)
    check_array(context, &array);
  else
    fuzz_check_failed(context, status);
  cutlab_array_clear(&array);
  status = cutlab_npz_read(context, &arrays, &count, file.path, fuzz_limits.bytes);
  if (status == CUTLAB_OK)
    for (int i = 0; i < count; ++i) check_array(context, &arrays[i]);
  else
    fuzz_check_failed(context, status);
  cutlab_npz_free(arrays, count);
  fuzz_read_images(context, file.path);
  fuzz_file_close(&file);
  cutlab_context_free(context);
  return 0;
}
