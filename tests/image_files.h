/* Images of every format in files, reading them, and how they are refused. */
#ifndef CUTLAB_TEST_IMAGE_FILES_H
#define CUTLAB_TEST_IMAGE_FILES_H

#include <cutlab/images.h>
#include <spng.h>
#include <turbojpeg.h>

#include "files.h"

typedef struct buffer {
  uint8_t *bytes;
  size_t size;
} buffer;

static inline void put_buffer(const fixture *f, const char *name, buffer b) {
  put(f, name, b.bytes, b.size);
  free(b.bytes);
}

static inline cutlab_status read_with(const fixture *f, cutlab_images *images, const char *name,
                                      const cutlab_image_limits *limits) {
  char *path = path_of(f, name);
  cutlab_status status = cutlab_images_read(f->context, images, path, limits);
  if (status != CUTLAB_OK) {
    assert_message(f->context, path);
    assert_null(images->pixels.data);
    assert_null(images->labels);
    assert_null(images->names);
  }
  free(path);
  return status;
}

static inline void read_well(const fixture *f, cutlab_images *images, const char *name,
                             const char *format) {
  if (read_with(f, images, name, NULL) != CUTLAB_OK)
    fail_msg("%s: %s", name, cutlab_context_message(f->context));
  assert_string_equal(images->format, format);
}

static inline void refuse_limited(const fixture *f, const char *name, cutlab_image_limits limits,
                                  const char *message) {
  cutlab_images images;
  assert_int_equal(read_with(f, &images, name, &limits), CUTLAB_ERROR_FORMAT);
  assert_message(f->context, message);
}

static inline void refuse(const fixture *f, const char *name, const char *message) {
  refuse_limited(f, name, (cutlab_image_limits){0}, message);
}

static inline void assert_shape(const cutlab_images *images, int rank, int64_t n, int64_t h,
                                int64_t w, int64_t c) {
  const int64_t shape[4] = {n, h, w, c};
  assert_int_equal(images->pixels.rank, rank);
  for (int axis = 0; axis < rank; ++axis) assert_int_equal(images->pixels.shape[axis], shape[axis]);
}

static inline void fill(uint8_t *bytes, size_t size) {
  uint32_t x = 1;
  for (size_t i = 0; i < size; ++i) bytes[i] = (uint8_t)((x = x * 1664525 + 1013904223) >> 24);
}

/* A PNG of any kind; `pixels` are packed rows, 16 bits in the machine's order. */
static inline buffer make_png(const struct spng_ihdr *header, struct spng_plte *palette,
                              struct spng_trns *transparency, const void *pixels, size_t size) {
  buffer made;
  int error;
  spng_ctx *png = spng_ctx_new(SPNG_CTX_ENCODER);
  assert_non_null(png);
  spng_set_option(png, SPNG_ENCODE_TO_BUFFER, 1);
  assert_int_equal(spng_set_ihdr(png, (struct spng_ihdr *)header), 0);
  if (palette) assert_int_equal(spng_set_plte(png, palette), 0);
  if (transparency) assert_int_equal(spng_set_trns(png, transparency), 0);
  error = spng_encode_image(png, pixels, size, SPNG_FMT_PNG, SPNG_ENCODE_FINALIZE);
  if (error) fail_msg("%s", spng_strerror(error));
  made.bytes = spng_get_png_buffer(png, &made.size, &error);
  assert_non_null(made.bytes);
  spng_ctx_free(png);
  return made;
}

static inline buffer make_jpeg(const uint8_t *pixels, int height, int width, int format,
                               int subsampling, int flags) {
  tjhandle encoder = tjInitCompress();
  unsigned char *bytes = NULL;
  unsigned long size = 0;
  assert_non_null(encoder);
  if (tjCompress2(encoder, pixels, width, 0, height, format, &bytes, &size, subsampling, 95,
                  flags) != 0)
    fail_msg("%s", tjGetErrorStr2(encoder));
  buffer made = {malloc(size), size};
  assert_non_null(made.bytes);
  memcpy(made.bytes, bytes, size);
  tjFree(bytes);
  tjDestroy(encoder);
  return made;
}

/* Smooth, so that JPEG keeps it nearly as it is. */
static inline void shade(uint8_t *pixels, int height, int width, int channels) {
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      for (int c = 0; c < channels; ++c)
        *pixels++ = (uint8_t)(40 + 100 * y / height + (c == 1 ? 60 : 0) + 40 * x / width);
}

static inline buffer small_png(int height, int width, int channels) {
  static const uint8_t types[] = {0, SPNG_COLOR_TYPE_GRAYSCALE, SPNG_COLOR_TYPE_GRAYSCALE_ALPHA,
                                  SPNG_COLOR_TYPE_TRUECOLOR, SPNG_COLOR_TYPE_TRUECOLOR_ALPHA};
  uint8_t pixels[1024];
  size_t size = (size_t)height * (size_t)width * (size_t)channels;
  assert_true(size <= sizeof pixels);
  fill(pixels, size);
  const struct spng_ihdr header = {.width = (uint32_t)width,
                                   .height = (uint32_t)height,
                                   .bit_depth = 8,
                                   .color_type = types[channels]};
  return make_png(&header, NULL, NULL, pixels, size);
}

static inline buffer small_jpeg(int height, int width, bool grey, int flags) {
  uint8_t pixels[3072];
  assert_true((size_t)height * (size_t)width * 3 <= sizeof pixels);
  shade(pixels, height, width, grey ? 1 : 3);
  return make_jpeg(pixels, height, width, grey ? TJPF_GRAY : TJPF_RGB,
                   grey ? TJSAMP_GRAY : TJSAMP_420, flags);
}

static inline void big_endian(uint8_t *to, uint32_t value) {
  for (int i = 0; i < 4; ++i) to[i] = (uint8_t)(value >> (24 - 8 * i));
}

/* IDX of `type` (8: unsigned bytes) with `size` bytes of data. */
static inline buffer make_idx(int type, int axes, const uint32_t *lengths, size_t size) {
  buffer made = {calloc(1, 4 + 4 * (size_t)axes + size), 4 + 4 * (size_t)axes + size};
  assert_non_null(made.bytes);
  made.bytes[2] = (uint8_t)type;
  made.bytes[3] = (uint8_t)axes;
  for (int axis = 0; axis < axes; ++axis) big_endian(made.bytes + 4 + 4 * axis, lengths[axis]);
  fill(made.bytes + 4 + 4 * axes, size);
  return made;
}

/* Records of CIFAR-10 (1 label) or CIFAR-100 (2), labels counting up from 0. */
static inline buffer make_cifar(int label_count, int count) {
  size_t record = (size_t)label_count + 3072;
  buffer made = {malloc((size_t)count * record), (size_t)count * record};
  assert_non_null(made.bytes);
  fill(made.bytes, made.size);
  for (int i = 0; i < count; ++i) {
    uint8_t *labels = made.bytes + (size_t)i * record;
    labels[0] = (uint8_t)(i % 10);
    if (label_count == 2) labels[1] = (uint8_t)(i % 100);
  }
  return made;
}

static inline buffer file_of(const fixture *f, const char *name) {
  char *path = path_of(f, name), *text;
  buffer b;
  assert_int_equal(cutlab_file_read(f->context, &text, &b.size, path, 0), CUTLAB_OK);
  b.bytes = (uint8_t *)text;
  free(path);
  return b;
}

#endif
