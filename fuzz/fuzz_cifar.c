/* CIFAR binary under a name in .bin. The first byte of the input says whether zeros fill the rest
   up to whole records, and of which kind. */
#include <fcntl.h>

#include "fuzz.h"

enum { ten = 3073, hundred = 3074 };

static size_t wanted_size(uint8_t choice, size_t size) {
  if (choice < 64) return size;
  size_t record = choice % 2 ? ten : hundred;
  return (size + record - 1) / record * record;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0) return 0;
  cutlab_context *context = fuzz_context();
  fuzz_file file = {.fd = -1};
  snprintf(file.path, sizeof file.path, "/dev/shm/cutlab-fuzz-%ld.bin", (long)getpid());
  file.fd = open(file.path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  FUZZ_CHECK(file.fd >= 0);
  fuzz_file_add(&file, data + 1, size - 1);
  size_t wanted = wanted_size(data[0], size - 1);
  FUZZ_CHECK(wanted < size || ftruncate(file.fd, (off_t)wanted) == 0);
  fuzz_read_images(context, file.path);
  fuzz_file_close(&file);
  unlink(file.path);
  cutlab_context_free(context);
  return 0;
}
