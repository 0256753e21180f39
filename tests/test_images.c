/* Images from files: every format, and what is refused of each. */
#include "image_files.h"

static void assert_pixels(const cutlab_images *images, const void *expected, size_t size) {
  assert_int_equal(
      (size_t)cutlab_array_count(&images->pixels) * cutlab_dtype_size(images->pixels.dtype), size);
  assert_memory_equal(images->pixels.data, expected, size);
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
  char *path = path_of(f, "t-labels-idx1-ubyte");
  assert_string_equal(images.labels_path, path);
  cutlab_images_clear(&images);

  int64_t *ids, count;
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
  assert_null(images.labels_path);
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_up, fixture_down)
static void test_planar_arrays(void **state) {
  (void)state;
  static const struct {
    int64_t shape[4];
    int rank;
    bool planar;
  } cases[] = {{{9, 3, 32, 32}, 4, true},  {{9, 1, 28, 28}, 4, true},  {{9, 4, 5, 5}, 4, true},
               {{9, 32, 32, 3}, 4, false}, {{9, 3, 3, 3}, 4, false},   {{9, 4, 4, 4}, 4, false},
               {{9, 5, 8, 8}, 4, false},   {{3, 28, 28, 1}, 4, false}, {{3, 3, 32, 32}, 3, false}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
    cutlab_array array = {.rank = cases[i].rank};
    memcpy(array.shape, cases[i].shape, sizeof cases[i].shape);
    assert_int_equal(cutlab_images_look_planar(&array), cases[i].planar);
  }
}

int main(void) {
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
      TEST(test_planar_arrays),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
