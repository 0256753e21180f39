/* IDX as images and as labels. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  cutlab_context *context = fuzz_context();
  fuzz_file file = fuzz_file_open(data, size);
  bool images = fuzz_read_images(context, file.path);
  int64_t *labels, count;
  cutlab_status status = cutlab_idx_labels_read(context, &labels, &count, file.path);
  if (status == CUTLAB_OK) {
    bool plain = data[0] == 0; /* else compressed */
    FUZZ_CHECK(!images && (!plain || count == (int64_t)size - 8));
    for (int64_t i = 0; plain && i < count; ++i) FUZZ_CHECK(labels[i] == data[8 + i]);
  } else {
    fuzz_check_failed(context, status);
    FUZZ_CHECK(!labels && count == 0);
  }
  cutlab_free(labels);
  fuzz_file_close(&file);
  cutlab_context_free(context);
  return 0;
}
