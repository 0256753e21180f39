/* What the harnesses share: inputs as files and as text. A harness stops the process where the
   library breaks a promise; sanitizers see to the rest. */
#ifndef CUTLAB_FUZZ_H
#define CUTLAB_FUZZ_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cutlab/cutlab.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FUZZ_CHECK(condition)                                                                      \
  do {                                                                                             \
    if (!(condition)) {                                                                            \
      fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                      \
      abort();                                                                                     \
    }                                                                                              \
  } while (0)

/* Small, so that an input costs little. */
static const cutlab_image_limits fuzz_limits = {4096, 1 << 20, 1 << 24};

/* A file in memory under a path; close with fuzz_file_close. */
typedef struct fuzz_file {
  int fd;
  char path[64];
} fuzz_file;

static inline void fuzz_file_add(const fuzz_file *file, const void *data, size_t size) {
  FUZZ_CHECK(size == 0 || write(file->fd, data, size) == (ssize_t)size);
}

static inline fuzz_file fuzz_file_open(const uint8_t *data, size_t size) {
  fuzz_file file = {.fd = memfd_create("fuzz", MFD_CLOEXEC)};
  FUZZ_CHECK(file.fd >= 0);
  snprintf(file.path, sizeof file.path, "/proc/self/fd/%d", file.fd);
  fuzz_file_add(&file, data, size);
  return file;
}

static inline void fuzz_file_close(fuzz_file *file) {
  close(file->fd);
}

static inline cutlab_context *fuzz_context(void) {
  cutlab_context *context = NULL;
  FUZZ_CHECK(cutlab_context_create(&context) == CUTLAB_OK);
  return context;
}

/* A failure has a message of one line; success leaves everything readable. */
static inline void fuzz_check_failed(const cutlab_context *context, cutlab_status status) {
  const char *message = cutlab_context_message(context);
  FUZZ_CHECK(status == CUTLAB_ERROR_FORMAT || status == CUTLAB_ERROR_ARGUMENT ||
             status == CUTLAB_ERROR_IO);
  FUZZ_CHECK(message[0] && !strpbrk(message, "\r\n"));
}

static inline int fuzz_sum(const void *bytes, size_t size) {
  int sum = 0;
  for (size_t i = 0; i < size; ++i) sum += ((const uint8_t *)bytes)[i];
  return sum;
}

/* Reads images and looks at all that came; returns whether any did. */
static inline bool fuzz_read_images(cutlab_context *context, const char *path) {
  cutlab_images images;
  cutlab_status status = cutlab_images_read(context, &images, path, &fuzz_limits);
  if (status != CUTLAB_OK) {
    fuzz_check_failed(context, status);
    FUZZ_CHECK(!images.pixels.data && !images.labels && !images.names);
    return false;
  }
  size_t bytes =
      (size_t)cutlab_array_count(&images.pixels) * cutlab_dtype_size(images.pixels.dtype);
  FUZZ_CHECK(bytes > 0 && bytes <= (size_t)fuzz_limits.bytes);
  volatile int sum = fuzz_sum(images.pixels.data, bytes);
  for (int64_t i = 0; images.labels && i < images.pixels.shape[0]; ++i)
    FUZZ_CHECK(images.labels[i] >= 0 && images.labels[i] < 256);
  (void)sum;
  cutlab_images_clear(&images);
  return true;
}

/* The input up to its first NUL as text. Release with free. */
static inline char *fuzz_text(const uint8_t *data, size_t size) {
  char *text = malloc(size + 1);
  FUZZ_CHECK(text);
  if (size) memcpy(text, data, size);
  text[size] = '\0';
  return text;
}

#endif
