/* Files compressed by gzip or xz: images and labels in them. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  cutlab_context *context = fuzz_context();
  fuzz_file file = fuzz_file_open(data, size);
  bool images = fuzz_read_images(context, file.path);
  int64_t *labels, count;
  cutlab_status status = cutlab_idx_labels_read(context, &labels, &count, file.path);
  FUZZ_CHECK(status != CUTLAB_OK || !images);
  if (status != CUTLAB_OK) fuzz_check_failed(context, status);
  cutlab_free(labels);
  fuzz_file_close(&file);
  cutlab_context_free(context);
  return 0;
}
