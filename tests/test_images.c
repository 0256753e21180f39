/* Images from files: every format, what is refused, and files cut or changed at every byte. */
#include <errno.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cutlab/images.h>
#include <spng.h>
#include <turbojpeg.h>

#include "base/file.h"
#include "fixture.h"

/* ---- Files of all kinds ---- */

typedef struct buffer {
  uint8_t *bytes;
  size_t size;
} buffer;

static char *path_of(const fixture *f, const char *name) {
  char *path = cutlab_path_join(f->context, f->folder, name);
  assert_non_null(path);
  return path;
}

/* Without the flush to disk of cutlab_file_write. */
static void put(const fixture *f, const char *name, const void *bytes, size_t size) {
  char *path = path_of(f, name);
  FILE *file = fopen(path, "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(bytes, 1, size, file), size);
  assert_int_equal(fclose(file), 0);
  free(path);
}

static void put_buffer(const fixture *f, const char *name, buffer b) {
  put(f, name, b.bytes, b.size);
  free(b.bytes);
}

static void make_folder(const fixture *f, const char *name) {
  char *path = path_of(f, name);
  assert_int_equal(cutlab_folder_make(f->context, path), CUTLAB_OK);
  free(path);
}

static cutlab_status read_with(const fixture *f, cutlab_images *images, const char *name,
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

static void read_well(const fixture *f, cutlab_images *images, const char *name,
                      const char *format) {
  if (read_with(f, images, name, NULL) != CUTLAB_OK)
    fail_msg("%s: %s", name, cutlab_context_message(f->context));
  assert_string_equal(images->format, format);
}

static void refuse_limited(const fixture *f, const char *name, cutlab_image_limits limits,
                           const char *message) {
  cutlab_images images;
  assert_int_equal(read_with(f, &images, name, &limits), CUTLAB_ERROR_FORMAT);
  assert_message(f->context, message);
}

static void refuse(const fixture *f, const char *name, const char *message) {
  refuse_limited(f, name, (cutlab_image_limits){0}, message);
}

static void assert_shape(const cutlab_images *images, int rank, int64_t n, int64_t h, int64_t w,
                         int64_t c) {
  const int64_t shape[4] = {n, h, w, c};
  assert_int_equal(images->pixels.rank, rank);
  for (int axis = 0; axis < rank; ++axis) assert_int_equal(images->pixels.shape[axis], shape[axis]);
}

static void assert_pixels(const cutlab_images *images, const void *expected, size_t size) {
  assert_int_equal(
      (size_t)cutlab_array_count(&images->pixels) * cutlab_dtype_size(images->pixels.dtype), size);
  assert_memory_equal(images->pixels.data, expected, size);
}

static void fill(uint8_t *bytes, size_t size) {
  uint32_t x = 1;
  for (size_t i = 0; i < size; ++i) bytes[i] = (uint8_t)((x = x * 1664525 + 1013904223) >> 24);
}

/* A PNG of any kind; `pixels` are packed rows, 16 bits in the machine's order. */
static buffer make_png(const struct spng_ihdr *header, struct spng_plte *palette,
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

static buffer make_jpeg(const uint8_t *pixels, int height, int width, int format, int subsampling,
                        int flags) {
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
static void shade(uint8_t *pixels, int height, int width, int channels) {
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      for (int c = 0; c < channels; ++c)
        *pixels++ = (uint8_t)(40 + 100 * y / height + (c == 1 ? 60 : 0) + 40 * x / width);
}

static buffer small_png(int height, int width, int channels) {
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

static buffer small_jpeg(int height, int width, bool grey, int flags) {
  uint8_t pixels[3072];
  assert_true((size_t)height * (size_t)width * 3 <= sizeof pixels);
  shade(pixels, height, width, grey ? 1 : 3);
  return make_jpeg(pixels, height, width, grey ? TJPF_GRAY : TJPF_RGB,
                   grey ? TJSAMP_GRAY : TJSAMP_420, flags);
}

static void big_endian(uint8_t *to, uint32_t value) {
  for (int i = 0; i < 4; ++i) to[i] = (uint8_t)(value >> (24 - 8 * i));
}

/* IDX of `type` (8: unsigned bytes) with `size` bytes of data. */
static buffer make_idx(int type, int axes, const uint32_t *lengths, size_t size) {
  buffer made = {calloc(1, 4 + 4 * (size_t)axes + size), 4 + 4 * (size_t)axes + size};
  assert_non_null(made.bytes);
  made.bytes[2] = (uint8_t)type;
  made.bytes[3] = (uint8_t)axes;
  for (int axis = 0; axis < axes; ++axis) big_endian(made.bytes + 4 + 4 * axis, lengths[axis]);
  fill(made.bytes + 4 + 4 * axes, size);
  return made;
}

/* Records of CIFAR-10 (1 label) or CIFAR-100 (2), labels counting up from 0. */
static buffer make_cifar(int label_count, int count) {
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

static buffer file_of(const fixture *f, const char *name) {
  char *path = path_of(f, name), *text;
  buffer b;
  assert_int_equal(cutlab_file_read(f->context, &text, &b.size, path, 0), CUTLAB_OK);
  b.bytes = (uint8_t *)text;
  free(path);
  return b;
}

/* ---- PNG ---- */

static void test_png_round_trip(void **state) {
  fixture *f = *state;
  static const int sizes[][2] = {{1, 1}, {1, 9}, {7, 1}, {5, 6}, {16, 15}};
  char *path = path_of(f, "written");
  for (int channels = 1; channels <= 4; ++channels)
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; ++s) {
      int height = sizes[s][0], width = sizes[s][1];
      size_t size = (size_t)(height * width * channels);
      uint8_t pixels[1024];
      fill(pixels, size);
      cutlab_images back;
      buffer made;
      assert_int_equal(
          cutlab_png_encode(f->context, &made.bytes, &made.size, pixels, height, width, channels),
          CUTLAB_OK);
      put(f, "image", made.bytes, made.size);
      read_well(f, &back, "image", "png");
      assert_shape(&back, 4, 1, height, width, channels);
      assert_pixels(&back, pixels, size);
      assert_null(back.labels);
      assert_null(back.names);
      cutlab_images_clear(&back);
      assert_null(back.pixels.data);
      if (s == 0) { /* each is flushed to disk, so only a few */
        assert_int_equal(cutlab_png_write(f->context, path, pixels, height, width, channels),
                         CUTLAB_OK);
        buffer file = file_of(f, "written");
        assert_int_equal(made.size, file.size);
        assert_memory_equal(made.bytes, file.bytes, file.size);
        free(file.bytes);
      }
      cutlab_free(made.bytes);
    }
  free(path);
  cutlab_images_clear(NULL);
}

static void test_refused_png_writes(void **state) {
  fixture *f = *state;
  static const int64_t sizes[][3] = {{0, 1, 1},
                                     {1, 0, 1},
                                     {-1, 1, 1},
                                     {1, 1, 0},
                                     {1, 1, 5},
                                     {(int64_t)1 << 31, 1, 1},
                                     {1, (int64_t)1 << 31, 1}};
  uint8_t pixel[8] = {0}, *bytes;
  size_t size;
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; ++i) {
    assert_int_equal(
        cutlab_png_encode(f->context, &bytes, &size, pixel, sizes[i][0], sizes[i][1], sizes[i][2]),
        CUTLAB_ERROR_ARGUMENT);
    assert_message(f->context, "1 to 4 channels");
    assert_null(bytes);
  }
  assert_int_equal(cutlab_png_encode(f->context, &bytes, &size, NULL, 1, 1, 1),
                   CUTLAB_ERROR_ARGUMENT);
  assert_int_equal(cutlab_png_write(f->context, f->folder, pixel, 1, 1, 1), CUTLAB_ERROR_IO);
  assert_message(f->context, f->folder);
}

typedef struct png_case {
  const char *what;
  uint8_t type, depth, interlaced;
  const void *stored;
  size_t stored_size;
  bool palette, transparent;
  int channels;
  uint8_t expected[16];
} png_case;

/* Images of 2 x 1 pixels (width x height). */
static const uint16_t deep[] = {0, 128, 129, 65535, 257 * 77, 32767, 32768, 65406};
static const png_case png_cases[] = {
    {"palette of 8 bits", 3, 8, 0, "\2\1", 2, true, false, 3, {70, 80, 90, 40, 50, 60}},
    {"palette of 2 bits", 3, 2, 0, "\x60", 1, true, false, 3, {40, 50, 60, 70, 80, 90}},
    {"transparent palette", 3, 8, 0, "\1\2", 2, true, true, 4, {40, 50, 60, 128, 70, 80, 90, 255}},
    {"grey of 1 bit", 0, 1, 0, "\x40", 1, false, false, 1, {0, 255}},
    {"grey of 2 bits", 0, 2, 0, "\x60", 1, false, false, 1, {85, 170}},
    {"grey of 4 bits", 0, 4, 0, "\x3f", 1, false, false, 1, {51, 255}},
    {"grey, interlaced", 0, 8, 1, "\7\x9", 2, false, false, 1, {7, 9}},
    {"grey of 16 bits", 0, 16, 0, deep + 1, 4, false, false, 1, {0, 1}},
    {"grey with a transparent value", 0, 8, 0, "\1\2", 2, false, true, 2, {1, 0, 2, 255}},
    {"grey and alpha", 4, 8, 0, "\1\2\3\4", 4, false, false, 2, {1, 2, 3, 4}},
    {"deep grey and alpha", 4, 16, 0, deep + 2, 8, false, false, 2, {1, 255, 77, 127}},
    {"colours, 16 bits", 2, 16, 0, deep + 1, 12, false, false, 3, {0, 1, 255, 77, 127, 128}},
    {"transparent colour",
     2,
     8,
     0,
     "\4\5\6\7\x8\x9",
     6,
     false,
     true,
     4,
     {4, 5, 6, 0, 7, 8, 9, 255}},
    {"RGBA of 16 bits", 6, 16, 0, deep, 16, false, false, 4, {0, 0, 1, 255, 77, 127, 128, 254}},
};

static void test_kinds_of_png(void **state) {
  fixture *f = *state;
  struct spng_plte palette = {4, {{10, 20, 30, 0}, {40, 50, 60, 0}, {70, 80, 90, 0}, {1, 2, 3, 0}}};
  struct spng_trns keys = {
      .gray = 1, .red = 4, .green = 5, .blue = 6, .n_type3_entries = 2, .type3_alpha = {0, 128}};
  for (size_t n = 0; n < sizeof png_cases / sizeof *png_cases; ++n) {
    const png_case *c = &png_cases[n];
    const struct spng_ihdr header = {.width = 2,
                                     .height = 1,
                                     .bit_depth = c->depth,
                                     .color_type = c->type,
                                     .interlace_method = c->interlaced};
    struct spng_trns transparency = keys;
    if (c->type != 3) transparency.n_type3_entries = 0;
    cutlab_images images;
    put_buffer(f, c->what,
               make_png(&header, c->palette ? &palette : NULL,
                        c->transparent ? &transparency : NULL, c->stored, c->stored_size));
    read_well(f, &images, c->what, "png");
    assert_shape(&images, 4, 1, 1, 2, c->channels);
    if (memcmp(images.pixels.data, c->expected, 2 * (size_t)c->channels) != 0)
      fail_msg("%s: other pixels", c->what);
    cutlab_images_clear(&images);
  }
}

/* Transparent values of 16 bits, and all passes of an interlaced image. */
static void test_wide_transparency_and_interlacing(void **state) {
  fixture *f = *state;
  static const uint16_t grey[] = {300, 301}, colours[] = {300, 1, 2, 300, 1, 3};
  struct spng_trns key = {.gray = 300, .red = 300, .green = 1, .blue = 2};
  struct spng_ihdr header = {.width = 2, .height = 1, .bit_depth = 16};
  cutlab_images images;
  put_buffer(f, "grey", make_png(&header, NULL, &key, grey, sizeof grey));
  read_well(f, &images, "grey", "png");
  assert_pixels(&images, ((uint8_t[]){1, 0, 1, 255}), 4);
  cutlab_images_clear(&images);
  header.color_type = SPNG_COLOR_TYPE_TRUECOLOR;
  put_buffer(f, "colours", make_png(&header, NULL, &key, colours, sizeof colours));
  read_well(f, &images, "colours", "png");
  assert_pixels(&images, ((uint8_t[]){1, 0, 0, 0, 1, 0, 0, 255}), 8);
  cutlab_images_clear(&images);
  uint8_t pixels[17 * 13 * 3];
  fill(pixels, sizeof pixels);
  header = (struct spng_ihdr){.width = 13,
                              .height = 17,
                              .bit_depth = 8,
                              .interlace_method = 1,
                              .color_type = SPNG_COLOR_TYPE_TRUECOLOR};
  put_buffer(f, "passes", make_png(&header, NULL, NULL, pixels, sizeof pixels));
  read_well(f, &images, "passes", "png");
  assert_pixels(&images, pixels, sizeof pixels);
  cutlab_images_clear(&images);
}

static void test_malformed_png(void **state) {
  fixture *f = *state;
  buffer png = small_png(3, 4, 3);
  png.bytes[png.size - 13] ^= 1; /* checksum of the pixels */
  put(f, "sum", png.bytes, png.size);
  refuse(f, "sum", "malformed PNG before byte");
  png.bytes[png.size - 13] ^= 1;
  put(f, "cut", png.bytes, png.size - 5);
  refuse(f, "cut", "truncated: the file ends at byte");
  png.bytes[25] = 5; /* colour type */
  put(f, "colour", png.bytes, png.size);
  refuse(f, "colour", "malformed PNG before byte 29");
  free(png.bytes);
}

/* ---- JPEG ---- */

static void assert_close(const cutlab_images *images, const uint8_t *expected) {
  const uint8_t *pixels = images->pixels.data;
  for (int64_t i = 0; i < cutlab_array_count(&images->pixels); ++i)
    assert_in_range(pixels[i] + 8, expected[i], expected[i] + 16);
}

static void test_jpeg(void **state) {
  fixture *f = *state;
  static const int samplings[] = {TJSAMP_444, TJSAMP_422, TJSAMP_420, TJSAMP_440, TJSAMP_411};
  uint8_t pixels[31 * 33 * 3];
  cutlab_images images;
  for (int flags = 0; flags <= TJFLAG_PROGRESSIVE; flags += TJFLAG_PROGRESSIVE) {
    shade(pixels, 31, 33, 3);
    for (size_t s = 0; s < sizeof samplings / sizeof *samplings; ++s) {
      put_buffer(f, "image", make_jpeg(pixels, 31, 33, TJPF_RGB, samplings[s], flags));
      read_well(f, &images, "image", "jpeg");
      assert_shape(&images, 4, 1, 31, 33, 3);
      assert_close(&images, pixels);
      cutlab_images_clear(&images);
    }
    shade(pixels, 31, 33, 1);
    put_buffer(f, "grey", make_jpeg(pixels, 31, 33, TJPF_GRAY, TJSAMP_GRAY, flags));
    read_well(f, &images, "grey", "jpeg");
    assert_shape(&images, 4, 1, 31, 33, 1);
    assert_close(&images, pixels);
    cutlab_images_clear(&images);
  }
}

static void test_refused_jpeg(void **state) {
  fixture *f = *state;
  uint8_t pixels[8 * 8 * 4] = {0};
  put_buffer(f, "cmyk", make_jpeg(pixels, 8, 8, TJPF_CMYK, TJSAMP_444, 0));
  refuse(f, "cmyk", "CMYK colours; accepted: grey and RGB");
  buffer jpeg = small_jpeg(16, 16, false, 0);
  put(f, "cut", jpeg.bytes, jpeg.size - 10);
  refuse(f, "cut", "truncated or malformed JPEG of");
  put(f, "start", jpeg.bytes, 3);
  refuse(f, "start", "truncated: no image in the 3 bytes of a JPEG");
  free(jpeg.bytes);
}

/* ---- CIFAR ---- */

static void test_cifar(void **state) {
  fixture *f = *state;
  for (int label_count = 1; label_count <= 2; ++label_count) {
    enum { count = 12, plane = 1024 };
    buffer file = make_cifar(label_count, count);
    cutlab_images images;
    put(f, "batch", file.bytes, file.size);
    read_well(f, &images, "batch", label_count == 1 ? "cifar10" : "cifar100");
    assert_shape(&images, 4, count, 32, 32, 3);
    const uint8_t *pixels = images.pixels.data;
    for (int i = 0; i < count; ++i) {
      const uint8_t *planes = file.bytes + (size_t)i * (3072 + (size_t)label_count) + label_count;
      assert_int_equal(images.labels[i], label_count == 1 ? i % 10 : i);
      for (int p = 0; p < 3 * plane; ++p)
        assert_int_equal(pixels[(i * plane + p / 3) * 3 + p % 3], planes[p % 3 * plane + p / 3]);
    }
    cutlab_images_clear(&images);
    free(file.bytes);
  }
}

/* 3,073 records of CIFAR-100 are as long as 3,074 of CIFAR-10. */
static void test_cifar_of_a_size_of_both(void **state) {
  fixture *f = *state;
  cutlab_images images;
  put_buffer(f, "ten", make_cifar(1, 3074));
  read_well(f, &images, "ten", "cifar10");
  assert_int_equal(images.pixels.shape[0], 3074);
  cutlab_images_clear(&images);
  put_buffer(f, "hundred", make_cifar(2, 3073));
  read_well(f, &images, "hundred", "cifar100");
  assert_int_equal(images.pixels.shape[0], 3073);
  assert_int_equal(images.labels[3072], 72);
  cutlab_images_clear(&images);
  buffer neither = make_cifar(2, 3073);
  neither.bytes[3074 + 1] = 100;
  put_buffer(f, "neither", neither);
  refuse(f, "neither", "cifar100 record 1 (byte 3075): label 100; accepted: 0 to 99");
}

static void test_refused_cifar(void **state) {
  fixture *f = *state;
  buffer ten = make_cifar(1, 2), hundred = make_cifar(2, 3);
  ten.bytes[3073] = 10;
  put(f, "ten", ten.bytes, ten.size);
  refuse(f, "ten", "cifar10 record 1 (byte 3073): label 10; accepted: 0 to 9");
  put(f, "short.bin", ten.bytes, 3073 + 100);
  refuse(f, "short.bin",
         "truncated: 3173 bytes leave 100 over after records of 3073 (CIFAR-10) "
         "and 99 after records of 3074 (CIFAR-100)");
  put(f, "short", ten.bytes, 3073 + 100); /* nothing says that this is CIFAR */
  refuse(f, "short", "of no known format");
  hundred.bytes[2 * 3074] = 20;
  put(f, "hundred", hundred.bytes, hundred.size);
  refuse(f, "hundred", "cifar100 record 2 (byte 6148): label 20; accepted: 0 to 19");
  free(hundred.bytes);
  free(ten.bytes);
}

/* ---- IDX ---- */

static void test_idx(void **state) {
  fixture *f = *state;
  cutlab_images images;
  buffer cube = make_idx(8, 3, (uint32_t[]){2, 3, 5}, 30);
  put(f, "cube", cube.bytes, cube.size);
  read_well(f, &images, "cube", "idx");
  assert_shape(&images, 4, 2, 3, 5, 1);
  assert_pixels(&images, cube.bytes + 16, 30);
  assert_null(images.labels);
  cutlab_images_clear(&images);
  free(cube.bytes);
  put_buffer(f, "narrow", make_idx(8, 3, (uint32_t[]){2, 3, 1}, 6));
  read_well(f, &images, "narrow", "idx");
  assert_shape(&images, 4, 2, 3, 1, 1);
  cutlab_images_clear(&images);
  buffer series = make_idx(8, 2, (uint32_t[]){2, 70000}, 140000); /* longer than a side may be */
  put(f, "series", series.bytes, series.size);
  read_well(f, &images, "series", "idx");
  assert_shape(&images, 2, 2, 70000, 0, 0);
  assert_pixels(&images, series.bytes + 12, 140000);
  cutlab_images_clear(&images);
  free(series.bytes);
}

static void test_idx_labels(void **state) {
  fixture *f = *state;
  cutlab_images images;
  buffer labels = make_idx(8, 1, (uint32_t[]){7}, 7);
  put(f, "t-labels-idx1-ubyte", labels.bytes, labels.size);
  put_buffer(f, "t-images-idx3-ubyte", make_idx(8, 3, (uint32_t[]){7, 2, 2}, 28));
  read_well(f, &images, "t-images-idx3-ubyte", "idx");
  assert_non_null(images.labels);
  for (int i = 0; i < 7; ++i) assert_int_equal(images.labels[i], labels.bytes[8 + i]);
  cutlab_images_clear(&images);

  int64_t *ids, count;
  char *path = path_of(f, "t-labels-idx1-ubyte");
  assert_int_equal(cutlab_idx_labels_read(f->context, &ids, &count, path), CUTLAB_OK);
  assert_int_equal(count, 7);
  for (int i = 0; i < 7; ++i) assert_int_equal(ids[i], labels.bytes[8 + i]);
  cutlab_free(ids);

  put_buffer(f, "t-images-idx3-ubyte", make_idx(8, 3, (uint32_t[]){6, 2, 2}, 24));
  refuse(f, "t-images-idx3-ubyte", "6 images, but 7 labels in");
  assert_message(f->context, path);
  put(f, "t-labels-idx1-ubyte", labels.bytes, labels.size - 1);
  assert_int_equal(cutlab_idx_labels_read(f->context, &ids, &count, path), CUTLAB_ERROR_FORMAT);
  assert_message(f->context, "truncated: 7 x 1 x 1 bytes announced, 6 are there");
  assert_null(ids);
  assert_int_equal(count, 0);
  free(labels.bytes);
  free(path);
  put_buffer(f, "u-images-idx3-ubyte", make_idx(8, 3, (uint32_t[]){6, 2, 2}, 24)); /* alone */
  read_well(f, &images, "u-images-idx3-ubyte", "idx");
  assert_null(images.labels);
  cutlab_images_clear(&images);
}

static void test_refused_idx(void **state) {
  fixture *f = *state;
  static const struct {
    int axes;
    uint32_t lengths[4];
    size_t size;
    const char *message;
  } cases[] = {{0, {0}, 1, "IDX of 0 axes; accepted: 2 or 3"},
               {1, {3}, 3, "IDX of 1 axes; accepted: 2 or 3"},
               {4, {1, 1, 1, 1}, 1, "IDX of 4 axes; accepted: 2 or 3"},
               {3, {2, 0, 2}, 0, "axis 1 has length 0"},
               {3, {2, 2, 2}, 7, "truncated: 2 x 2 x 2 bytes announced, 7 are there"},
               {3, {2, 2, 2}, 9, "too long: 2 x 2 x 2 bytes announced, 9 are there"},
               {2, {UINT32_MAX, UINT32_MAX}, 9, "truncated: 4294967295 x 4294967295 x 1 bytes"},
               {3, {UINT32_MAX, UINT32_MAX, UINT32_MAX}, 9, "truncated: 4294967295"},
               {3, {1, 1, 70000}, 70000, "1 x 70000 (height x width); accepted: sides of at most"}};
  for (size_t c = 0; c < sizeof cases / sizeof *cases; ++c) {
    put_buffer(f, "idx", make_idx(8, cases[c].axes, cases[c].lengths, cases[c].size));
    refuse(f, "idx", cases[c].message);
  }
  int64_t *ids, count;
  char *path = path_of(f, "idx");
  put_buffer(f, "idx", make_idx(8, 2, (uint32_t[]){1, 1}, 1));
  assert_int_equal(cutlab_idx_labels_read(f->context, &ids, &count, path), CUTLAB_ERROR_FORMAT);
  assert_message(f->context, "IDX of 2 axes; accepted: 1, which holds labels");
  put_buffer(f, "idx", make_idx(0x0d, 1, (uint32_t[]){1}, 4));
  assert_int_equal(cutlab_idx_labels_read(f->context, &ids, &count, path), CUTLAB_ERROR_FORMAT);
  assert_message(f->context, "starts with 0x00000d; accepted: 0x000008");
  refuse(f, "idx", "of no known format");
  free(path);
}

/* ---- .npy ---- */

static void test_npy(void **state) {
  fixture *f = *state;
  static const struct {
    cutlab_dtype dtype;
    int rank;
    int64_t shape[5];
    const char *message; /* NULL: accepted */
  } cases[] = {{CUTLAB_UINT8, 4, {2, 2, 2, 3}, NULL},
               {CUTLAB_UINT8, 2, {3, 70000}, NULL},
               {CUTLAB_FLOAT16, 3, {2, 2, 2}, NULL},
               {CUTLAB_FLOAT32, 4, {1, 2, 2, 1}, NULL},
               {CUTLAB_FLOAT64, 2, {2, 2}, "another type; accepted: uint8, float16 and float32"},
               {CUTLAB_INT64, 2, {2, 2}, "another type"},
               {CUTLAB_UINT8, 1, {4}, "an array of 1 axes; accepted: 2 to 4"},
               {CUTLAB_UINT8, 5, {1, 1, 1, 1, 1}, "an array of 5 axes"},
               {CUTLAB_FLOAT32, 3, {2, 0, 2}, "axis 1 has length 0"}};
  static uint8_t data[210000];
  fill(data, sizeof data);
  char *path = path_of(f, "array");
  for (size_t c = 0; c < sizeof cases / sizeof *cases; ++c) {
    cutlab_array array = {.dtype = cases[c].dtype, .rank = cases[c].rank, .data = data};
    memcpy(array.shape, cases[c].shape, sizeof cases[c].shape);
    cutlab_images images;
    assert_int_equal(cutlab_npy_write(f->context, path, &array), CUTLAB_OK);
    if (cases[c].message) {
      refuse(f, "array", cases[c].message);
      continue;
    }
    read_well(f, &images, "array", "npy");
    assert_int_equal(images.pixels.dtype, array.dtype);
    assert_shape(&images, array.rank, array.shape[0], array.shape[1], array.shape[2],
                 array.shape[3]);
    assert_pixels(&images, data,
                  (size_t)cutlab_array_count(&array) * cutlab_dtype_size(array.dtype));
    cutlab_images_clear(&images);
  }
  free(path);
}

/* ---- Hostile files ---- */

enum { hostile_kinds = 8 };

static buffer small_npy(const fixture *f) {
  static uint8_t data[24];
  cutlab_array array = {.dtype = CUTLAB_UINT8, .rank = 3, .shape = {2, 3, 4}, .data = data};
  char *path = path_of(f, "array");
  assert_int_equal(cutlab_npy_write(f->context, path, &array), CUTLAB_OK);
  free(path);
  return file_of(f, "array");
}

static buffer hostile(const fixture *f, int kind) {
  switch (kind) {
  case 0:
    return small_png(5, 6, 3);
  case 1:
    return small_jpeg(9, 8, true, 0);
  case 2:
    return small_jpeg(9, 8, false, TJFLAG_PROGRESSIVE);
  case 3:
    return make_idx(8, 3, (uint32_t[]){3, 2, 2}, 12);
  case 4:
    return make_idx(8, 2, (uint32_t[]){3, 2}, 6);
  case 5:
    return small_npy(f);
  case 6:
    return make_cifar(1, 1);
  default:
    return make_cifar(2, 1);
  }
}

/* No beginning of a file is taken for a whole one, but for a PNG that lacks no more than the
   checksum of its empty last chunk. */
static void test_cut_at_every_byte(void **state) {
  fixture *f = *state;
  char *path = path_of(f, "cut.bin");
  for (int kind = 0; kind < hostile_kinds; ++kind) {
    buffer whole = hostile(f, kind);
    cutlab_images images;
    put(f, "cut.bin", whole.bytes, whole.size);
    if (read_with(f, &images, "cut.bin", NULL) != CUTLAB_OK)
      fail_msg("%s", cutlab_context_message(f->context));
    cutlab_images_clear(&images);
    for (size_t size = whole.size; size-- > 0;) {
      assert_int_equal(truncate(path, (off_t)size), 0);
      if (kind == 0 && size + 4 >= whole.size) continue;
      if (kind == 7 && size == 3073) continue; /* a record of CIFAR-10, as it happens */
      if (read_with(f, &images, "cut.bin", NULL) != CUTLAB_ERROR_FORMAT)
        fail_msg("kind %d cut to %zu bytes was accepted", kind, size);
    }
    free(whole.bytes);
  }
  free(path);
}

/* What is changed is refused, or is another image: never a crash, a leak or an overflow. */
static void test_changed_at_every_byte(void **state) {
  fixture *f = *state;
  static const uint8_t changes[] = {0x01, 0x80, 0xff};
  int refused = 0;
  for (int kind = 0; kind < 6; ++kind) {
    buffer whole = hostile(f, kind);
    for (size_t at = 0; at < whole.size; ++at)
      for (size_t c = 0; c < sizeof changes; ++c) {
        cutlab_images images;
        whole.bytes[at] ^= changes[c];
        put(f, "changed", whole.bytes, whole.size);
        cutlab_status status = read_with(f, &images, "changed", NULL);
        assert_true(status == CUTLAB_OK || status == CUTLAB_ERROR_FORMAT);
        refused += status != CUTLAB_OK;
        cutlab_images_clear(&images);
        whole.bytes[at] ^= changes[c];
      }
    free(whole.bytes);
  }
  assert_true(refused > 100);
}

static uint32_t crc_of(const uint8_t *bytes, size_t size) {
  uint32_t crc = UINT32_MAX;
  for (size_t i = 0; i < size; ++i) {
    crc ^= bytes[i];
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc;
}

static void claim_png(const fixture *f, uint32_t height, uint32_t width) {
  buffer png = small_png(5, 6, 3);
  big_endian(png.bytes + 16, width);
  big_endian(png.bytes + 20, height);
  big_endian(png.bytes + 29, crc_of(png.bytes + 12, 17));
  put_buffer(f, "claim", png);
}

static void claim_jpeg(const fixture *f, int height, int width) {
  buffer jpeg = small_jpeg(9, 8, false, 0);
  size_t at = 0;
  while (memcmp(jpeg.bytes + at, "\xff\xc0", 2) != 0) ++at;
  uint8_t sizes[] = {(uint8_t)(height >> 8), (uint8_t)height, (uint8_t)(width >> 8),
                     (uint8_t)width};
  memcpy(jpeg.bytes + at + 5, sizes, sizeof sizes);
  put_buffer(f, "claim", jpeg);
}

/* Headers that ask for gigabytes take no memory. */
static void test_claims_of_size(void **state) {
  fixture *f = *state;
  struct rusage before, after;
  getrusage(RUSAGE_SELF, &before);
  claim_png(f, 65537, 1);
  refuse(f, "claim", "65537 x 1 (height x width); accepted: sides of at most 65536");
  claim_png(f, 1, INT32_MAX);
  refuse(f, "claim", "malformed PNG before byte");
  claim_png(f, 65536, 65536);
  refuse(f, "claim", "at most 268435456 pixels");
  claim_png(f, 16384, 16384);
  refuse(f, "claim", "truncated: 16384 x 16384 pixels (height x width) cannot be in");
  claim_jpeg(f, 65000, 65000);
  refuse(f, "claim", "at most 268435456 pixels");
  claim_jpeg(f, 16384, 16384);
  refuse(f, "claim", "truncated: 16384 x 16384 pixels (height x width) cannot be in");
  getrusage(RUSAGE_SELF, &after);
  assert_in_range(after.ru_maxrss - before.ru_maxrss, 0, 64 << 10);
}

static void test_limits(void **state) {
  fixture *f = *state;
  put_buffer(f, "png", small_png(3, 5, 3));
  put_buffer(f, "jpeg", small_jpeg(3, 5, false, 0));
  put_buffer(f, "idx", make_idx(8, 3, (uint32_t[]){3, 3, 5}, 45));
  put_buffer(f, "cifar", make_cifar(1, 2));
  static const char *const names[] = {"png", "jpeg", "idx"};
  for (int n = 0; n < 3; ++n) {
    cutlab_images images;
    refuse_limited(f, names[n], (cutlab_image_limits){.side = 4}, "sides of at most 4");
    refuse_limited(f, names[n], (cutlab_image_limits){.pixels = 14}, "at most 14 pixels");
    refuse_limited(f, names[n], (cutlab_image_limits){.bytes = 44}, "at most 44");
    cutlab_image_limits exact = {5, 15, n < 2 ? 100000 : 45};
    assert_int_equal(read_with(f, &images, names[n], &exact), CUTLAB_OK);
    cutlab_images_clear(&images);
    cutlab_image_limits negative = {.side = -1};
    assert_int_equal(read_with(f, &images, names[n], &negative), CUTLAB_ERROR_ARGUMENT);
    assert_message(f->context, "-1 a side");
  }
  refuse_limited(f, "cifar", (cutlab_image_limits){.side = 31}, "sides of at most 31");
  refuse_limited(f, "cifar", (cutlab_image_limits){.bytes = 6143}, "at most 6143 bytes");
}

static void test_foreign_files(void **state) {
  fixture *f = *state;
  cutlab_images images;
  put(f, "text", "hello\n", 6);
  refuse(f, "text", "of no known format; accepted: PNG, JPEG, a folder of these, CIFAR-10");
  put(f, "empty", "", 0);
  refuse(f, "empty", "an empty file");
  put(f, "empty.bin", "", 0);
  refuse(f, "empty.bin", "an empty file");
  assert_int_equal(read_with(f, &images, "missing", NULL), CUTLAB_ERROR_IO);
  assert_message(f->context, strerror(ENOENT));
  char *pipe = path_of(f, "pipe");
  assert_int_equal(mkfifo(pipe, 0600), 0);
  assert_int_equal(read_with(f, &images, "pipe", NULL), CUTLAB_ERROR_IO);
  assert_message(f->context, "neither a file nor a folder");
  free(pipe);
}

/* ---- Folders ---- */

static void assert_name(const fixture *f, const cutlab_images *images, int index,
                        const char *name) {
  char *path = path_of(f, name);
  assert_string_equal(images->names[index], path);
  free(path);
}

static void test_folder(void **state) {
  fixture *f = *state;
  cutlab_images images, one;
  make_folder(f, "d");
  put_buffer(f, "d/a.jpg", small_jpeg(4, 6, false, 0));
  put_buffer(f, "d/B.png", small_png(4, 6, 3));
  put_buffer(f, "d/no ending", small_png(4, 6, 3));
  put(f, "d/notes.png", "text", 4);
  put(f, "d/.hidden.png", "\x89PNG\r\n\x1a\n", 8);
  put(f, "d/empty", "", 0);
  read_well(f, &images, "d", "folder");
  assert_shape(&images, 4, 3, 4, 6, 3);
  assert_null(images.labels);
  static const char *const names[] = {"d/B.png", "d/a.jpg", "d/no ending"};
  for (int i = 0; i < 3; ++i) {
    assert_name(f, &images, i, names[i]);
    read_well(f, &one, names[i], i == 1 ? "jpeg" : "png");
    assert_memory_equal((uint8_t *)images.pixels.data + 72 * i, one.pixels.data, 72);
    cutlab_images_clear(&one);
  }
  cutlab_images_clear(&images);
  refuse_limited(f, "d", (cutlab_image_limits){.bytes = 215}, "3 images of 4 x 6 x 3");
}

static void test_folder_of_classes(void **state) {
  fixture *f = *state;
  cutlab_images images;
  static const char *const folders[] = {"c/Zoo", "c/ant/images/deep", "c/bee", "c/empty", "c/fly"};
  for (int i = 0; i < 5; ++i) make_folder(f, folders[i]);
  static const char *const names[] = {"c/Zoo/2.png", "c/Zoo/3.png", "c/ant/images/deep/1.png",
                                      "c/ant/x.png", "c/bee/0.png", "c/fly/7.png"};
  static const int64_t labels[] = {0, 0, 1, 1, 2, 4};
  for (int i = 0; i < 6; ++i) put_buffer(f, names[i], small_png(2, 2, 1));
  put(f, "c/README", "classes", 7);
  read_well(f, &images, "c", "folder");
  assert_shape(&images, 4, 6, 2, 2, 1);
  for (int i = 0; i < 6; ++i) {
    assert_name(f, &images, i, names[i]);
    assert_int_equal(images.labels[i], labels[i]);
  }
  cutlab_images_clear(&images);
  put_buffer(f, "c/b.png", small_png(2, 2, 1));
  refuse(f, "c", "images both in class folders and beside them (");
  assert_message(f->context, "c/Zoo/2.png");
  assert_message(f->context, "c/b.png");
}

static void test_refused_folders(void **state) {
  fixture *f = *state;
  make_folder(f, "d");
  refuse(f, "d", "a folder without PNG or JPEG files");
  put_buffer(f, "d/1.png", small_png(2, 3, 1));
  put_buffer(f, "d/2.png", small_png(3, 2, 1));
  refuse(f, "d", "d/1.png: 2 x 3 x 1 (height x width x channels), but ");
  assert_message(f->context, "d/2.png: 3 x 2 x 1; accepted: one size");
  put_buffer(f, "d/2.png", small_png(2, 3, 2));
  refuse(f, "d", "d/2.png: 2 x 3 x 2");
  buffer png = small_png(2, 3, 1);
  put(f, "d/2.png", png.bytes, png.size - 20);
  free(png.bytes);
  refuse(f, "d", "d/2.png: truncated: the file ends at byte");
  cutlab_image_limits negative = {.bytes = -5};
  cutlab_images images;
  assert_int_equal(read_with(f, &images, "d", &negative), CUTLAB_ERROR_ARGUMENT);
  char *link = path_of(f, "d/circle");
  assert_int_equal(symlink(".", link), 0);
  refuse(f, "d", "folders in folders; accepted: at most 8 below the first");
  assert_int_equal(unlink(link), 0);
  assert_int_equal(symlink("nowhere", link), 0);
  assert_int_equal(read_with(f, &images, "d", NULL), CUTLAB_ERROR_IO);
  assert_message(f->context, "d/circle");
  free(link);
}

static void test_depth_of_folders(void **state) {
  fixture *f = *state;
  cutlab_images images;
  make_folder(f, "d/1/2/3/4/5/6/7/8");
  put_buffer(f, "d/1/2/3/4/5/6/7/8/x.png", small_png(2, 3, 1));
  read_well(f, &images, "d", "folder");
  assert_int_equal(images.labels[0], 0);
  cutlab_images_clear(&images);
  make_folder(f, "d/1/2/3/4/5/6/7/8/9");
  refuse(f, "d", "folders in folders; accepted: at most 8 below the first");
}

static int stop(void *user, const cutlab_progress *progress) {
  *(int64_t *)user = progress->total;
  return 1;
}

static void test_folder_can_be_cancelled(void **state) {
  fixture *f = *state;
  cutlab_images images;
  int64_t total = 0;
  make_folder(f, "d");
  put_buffer(f, "d/1.png", small_png(2, 3, 1));
  char *path = path_of(f, "d");
  cutlab_context_set_progress(f->context, stop, &total);
  assert_int_equal(cutlab_images_read(f->context, &images, path, NULL), CUTLAB_CANCELLED);
  assert_int_equal(total, 1);
  assert_null(images.pixels.data);
  free(path);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_up, fixture_down)
  const struct CMUnitTest tests[] = {
      TEST(test_png_round_trip),
      TEST(test_refused_png_writes),
      TEST(test_kinds_of_png),
      TEST(test_wide_transparency_and_interlacing),
      TEST(test_malformed_png),
      TEST(test_jpeg),
      TEST(test_refused_jpeg),
      TEST(test_cifar),
      TEST(test_cifar_of_a_size_of_both),
      TEST(test_refused_cifar),
      TEST(test_idx),
      TEST(test_idx_labels),
      TEST(test_refused_idx),
      TEST(test_npy),
      TEST(test_cut_at_every_byte),
      TEST(test_changed_at_every_byte),
      TEST(test_claims_of_size),
      TEST(test_limits),
      TEST(test_foreign_files),
      TEST(test_folder),
      TEST(test_folder_of_classes),
      TEST(test_refused_folders),
      TEST(test_depth_of_folders),
      TEST(test_folder_can_be_cancelled),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
