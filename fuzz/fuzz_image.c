/* PNG and JPEG; what is read must also be written and read back as it is. */
#include "fuzz.h"

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);

static uint32_t crc_of(const uint8_t *bytes, size_t size) {
  uint32_t crc = UINT32_MAX;
  for (size_t i = 0; i < size; ++i) {
    crc ^= bytes[i];
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc;
}

/* Chunks are a length, 4 letters, data and a checksum of letters and data. */
static void repair_png(uint8_t *data, size_t size) {
  for (size_t at = 8; at + 12 <= size;) {
    const uint8_t *word = data + at;
    size_t length = (size_t)word[0] << 24 | (size_t)word[1] << 16 | (size_t)word[2] << 8 | word[3];
    if (length > size - at - 12) return;
    uint32_t crc = crc_of(data + at + 4, 4 + length);
    for (int i = 0; i < 4; ++i) data[at + 8 + length + i] = (uint8_t)(crc >> (24 - 8 * i));
    at += 12 + length;
  }
}

/* Changed chunks would hardly ever get past their checksums. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed) {
  size = LLVMFuzzerMutate(data, size, max_size);
  if (seed % 8 && size > 8 && memcmp(data, "\x89PNG", 4) == 0) repair_png(data, size);
  return size;
}

static void round_trip(cutlab_context *context, const char *path) {
  cutlab_images images, back;
  FUZZ_CHECK(cutlab_images_read(context, &images, path, &fuzz_limits) == CUTLAB_OK);
  const int64_t *shape = images.pixels.shape;
  if (images.pixels.rank == 4 && images.pixels.dtype == CUTLAB_UINT8 && shape[0] == 1 &&
      shape[3] <= 4) {
    uint8_t *bytes;
    size_t size;
    FUZZ_CHECK(cutlab_png_encode(context, &bytes, &size, images.pixels.data, shape[1], shape[2],
                                 shape[3]) == CUTLAB_OK);
    fuzz_file file = fuzz_file_open(bytes, size);
    FUZZ_CHECK(cutlab_images_read(context, &back, file.path, &fuzz_limits) == CUTLAB_OK);
    FUZZ_CHECK(memcmp(back.pixels.shape, shape, 4 * sizeof *shape) == 0);
    FUZZ_CHECK(memcmp(back.pixels.data, images.pixels.data,
                      (size_t)cutlab_array_count(&images.pixels)) == 0);
    cutlab_images_clear(&back);
    fuzz_file_close(&file);
    cutlab_free(bytes);
  }
  cutlab_images_clear(&images);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  cutlab_context *context = fuzz_context();
  fuzz_file file = fuzz_file_open(data, size);
  if (fuzz_read_images(context, file.path) && size < 4096) round_trip(context, file.path);
  fuzz_file_close(&file);
  cutlab_context_free(context);
  return 0;
}
