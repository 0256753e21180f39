/* Collections: a user's own files, what is refused and how, and the rendered world. */
#include <math.h>

#include "collections.h"

/* A user's own files */

static void test_npy(void **state) {
  const fixture *f = *state;
  cutlab_collection c;
  make_folder(f, "n");
  uint8_t pixels[4 * 2 * 3 * 2];
  int64_t labels[4] = {0, 2, 1, 0};
  uint8_t test_labels[2] = {3, 0};
  for (int i = 0; i < (int)sizeof pixels; ++i) pixels[i] = (uint8_t)(i * 5);
  put_array(f, "n/train_images.npy", CUTLAB_UINT8, 4, (int64_t[]){4, 2, 3, 2}, pixels);
  put_array(f, "n/y_train.npy", CUTLAB_INT64, 1, (int64_t[]){4}, labels);
  const cutlab_collection_source source = {.dataset = "npy", .path = "n"};
  open_well(f, &c, source);
  assert_sizes(&c, 2, 2, 3, 4, 0);
  assert_int_equal(c.classes, 3);
  const uint8_t *first = c.train.pixels;
  assert_memory_equal(first + 12, ((uint8_t[]){60, 70, 80, 90, 100, 110}), 6); /* channel 0 */
  assert_memory_equal(first + 18, ((uint8_t[]){65, 75, 85, 95, 105, 115}), 6);
  /* Over i = 0..23 and both channels: 10 i / 255 and 5 more. */
  assert_float_equal(c.mean[0], 115 / 255.0, 1e-15);
  assert_float_equal(c.mean[1], 120 / 255.0, 1e-15);
  assert_float_equal(c.deviation[0], 10 * sqrt((24 * 24 - 1) / 12.0) / 255, 1e-15);
  assert_float_equal(c.deviation[2], 1, 0);
  uint64_t fingerprint = c.fingerprint;
  cutlab_collection_clear(&c);
  put_array(f, "n/test_images.npy", CUTLAB_UINT8, 4, (int64_t[]){2, 2, 3, 2}, pixels);
  refuse(f, source, CUTLAB_ERROR_FORMAT, "no array test_labels or y_test");
  put_array(f, "n/test_labels.npy", CUTLAB_UINT8, 2, (int64_t[]){2, 1}, test_labels);
  open_well(f, &c, source);
  assert_int_equal(c.classes, 4); /* seen in the test part alone */
  assert_int_equal(c.test.labels[0], 3);
  assert_true(c.fingerprint != fingerprint);
  cutlab_collection_clear(&c);
  open_well(f, &c,
            (cutlab_collection_source){
                .dataset = "npy", .path = "n", .train_examples = 3, .test_examples = 9});
  assert_sizes(&c, 2, 2, 3, 3, 2);
  cutlab_collection_clear(&c);
}

/* The number of axes, and `shape` for three. */
static void test_npy_axes(void **state) {
  const fixture *f = *state;
  cutlab_collection c;
  make_folder(f, "n");
  float values[2 * 3 * 2] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
  int8_t labels[2] = {1, 0};
  put_array(f, "n/x_train.npy", CUTLAB_FLOAT32, 3, (int64_t[]){2, 3, 2}, values);
  put_array(f, "n/y_train.npy", CUTLAB_INT8, 1, (int64_t[]){2}, labels);
  cutlab_collection_source source = {.dataset = "npy", .path = "n"};
  open_well(f, &c, source);
  assert_sizes(&c, 1, 3, 2, 2, 0);
  assert_memory_equal(c.train.pixels, values, sizeof values);
  cutlab_collection_clear(&c);
  source.shape = "series";
  open_well(f, &c, source);
  assert_sizes(&c, 2, 1, 3, 2, 0);
  assert_memory_equal(c.train.pixels, ((float[]){0, 2, 4, 1, 3, 5}), 6 * sizeof(float));
  cutlab_collection_clear(&c);
  put_array(f, "n/x_train.npy", CUTLAB_FLOAT32, 2, (int64_t[]){2, 6}, values);
  open_well(f, &c, source);
  assert_sizes(&c, 1, 1, 6, 2, 0);
  cutlab_collection_clear(&c);
  uint16_t halves[2] = {0x3c00, 0xc000};
  put_array(f, "n/x_train.npy", CUTLAB_FLOAT16, 2, (int64_t[]){2, 1}, halves);
  open_well(f, &c, source);
  assert_int_equal(c.train.dtype, CUTLAB_FLOAT32);
  assert_memory_equal(c.train.pixels, ((float[]){1, -2}), 2 * sizeof(float));
  assert_float_equal(c.mean[0], -.5, 0);
  assert_float_equal(c.deviation[0], 1.5, 0);
  cutlab_collection_clear(&c);
  put_array(f, "n/x_train.npy", CUTLAB_FLOAT32, 4, (int64_t[]){2, 1, 1, 1}, values);
  refuse(f, source, CUTLAB_ERROR_FORMAT, "4 axes; accepted: 2 ([N][L]) or 3");
}

static void keep_warning(void *user, const char *message) {
  snprintf(user, 512, "%s", message);
}

/* PyTorch's order of axes is read as all others are, with a warning. */
static void test_npy_planar(void **state) {
  const fixture *f = *state;
  cutlab_collection c;
  char warning[512] = "";
  cutlab_context_set_warning(f->context, keep_warning, warning);
  make_folder(f, "n");
  uint8_t pixels[2 * 3 * 5 * 6] = {0}, labels[2] = {1, 0};
  put_array(f, "n/y_train.npy", CUTLAB_UINT8, 1, (int64_t[]){2}, labels);
  const cutlab_collection_source source = {.dataset = "npy", .path = "n"};
  put_array(f, "n/x_train.npy", CUTLAB_UINT8, 4, (int64_t[]){2, 5, 6, 3}, pixels);
  open_well(f, &c, source);
  cutlab_collection_clear(&c);
  assert_string_equal(warning, "");
  put_array(f, "n/x_train.npy", CUTLAB_UINT8, 4, (int64_t[]){2, 3, 5, 6}, pixels);
  open_well(f, &c, source);
  assert_sizes(&c, 6, 3, 5, 2, 0);
  cutlab_collection_clear(&c);
  assert_non_null(strstr(warning, "n/x_train.npy: read as images of 3 x 5 with 6 channels, "
                                  "[N][H][W][C]; if it is [N][C][H][W], "));
  assert_non_null(strstr(warning, "transpose(0, 2, 3, 1)"));
}

static void test_refused_npy(void **state) {
  const fixture *f = *state;
  const cutlab_collection_source source = {.dataset = "npy", .path = "n"};
  refuse(f, source, CUTLAB_ERROR_IO, "cannot open");
  make_folder(f, "n");
  refuse(f, source, CUTLAB_ERROR_FORMAT, "no array train_images or x_train");
  float values[6] = {0, 1, 2, 3, NAN, 5};
  int64_t labels[3] = {0, -1, 1};
  put_array(f, "n/x_train.npy", CUTLAB_FLOAT32, 2, (int64_t[]){3, 2}, values);
  refuse(f, source, CUTLAB_ERROR_FORMAT, "no array train_labels or y_train");
  put_array(f, "n/y_train.npy", CUTLAB_INT64, 1, (int64_t[]){3}, labels);
  refuse(f, source, CUTLAB_ERROR_FORMAT, "label -1 of example 1");
  labels[1] = 0;
  put_array(f, "n/y_train.npy", CUTLAB_INT64, 1, (int64_t[]){2}, labels);
  refuse(f, source, CUTLAB_ERROR_FORMAT, "2 labels, but 3 images");
  put_array(f, "n/y_train.npy", CUTLAB_FLOAT32, 1, (int64_t[]){3}, values);
  refuse(f, source, CUTLAB_ERROR_FORMAT, "labels of float32");
  put_array(f, "n/y_train.npy", CUTLAB_INT64, 1, (int64_t[]){3}, labels);
  refuse(f, source, CUTLAB_ERROR_FORMAT, "example 2 holds nan");
  values[4] = 4;
  put_array(f, "n/x_train.npy", CUTLAB_FLOAT32, 2, (int64_t[]){3, 2}, values);
  put_array(f, "n/x_test.npy", CUTLAB_FLOAT32, 2, (int64_t[]){2, 3}, values);
  put_array(f, "n/y_test.npy", CUTLAB_INT64, 1, (int64_t[]){2}, labels);
  refuse(f, source, CUTLAB_ERROR_FORMAT, "1 x 1 x 3 (channels x height x width), but");
  put_array(f, "n/x_train.npy", CUTLAB_INT64, 2, (int64_t[]){3, 1}, labels);
  refuse(f, source, CUTLAB_ERROR_FORMAT, "images of int64");
}

static void test_npz(void **state) {
  const fixture *f = *state;
  cutlab_collection c;
  uint8_t pixels[2 * 2 * 2] = {1, 2, 3, 4, 5, 6, 7, 8};
  int64_t labels[2] = {1, 0};
  const cutlab_array arrays[] = {
      {.name = "x_train", .dtype = CUTLAB_UINT8, .rank = 3, .shape = {2, 2, 2}, .data = pixels},
      {.name = "train_labels", .dtype = CUTLAB_INT64, .rank = 1, .shape = {2}, .data = labels},
      {.name = "other", .dtype = CUTLAB_INT64, .rank = 1, .shape = {2}, .data = labels}};
  char *path = path_of(f, "a.npz");
  assert_int_equal(cutlab_npz_write(f->context, path, arrays, 3), CUTLAB_OK);
  const cutlab_collection_source source = {.dataset = "npy", .path = "a.npz"};
  open_well(f, &c, source);
  assert_sizes(&c, 1, 2, 2, 2, 0);
  assert_memory_equal(c.train.pixels, pixels, sizeof pixels);
  cutlab_collection_clear(&c);
  labels[0] = -4;
  assert_int_equal(cutlab_npz_write(f->context, path, arrays, 3), CUTLAB_OK);
  refuse(f, source, CUTLAB_ERROR_FORMAT, "a.npz: member train_labels: label -4 of example 0");
  float value = NAN;
  const cutlab_array scalar[] = {
      {.name = "train_images", .dtype = CUTLAB_FLOAT32, .rank = 0, .data = &value},
      {.name = "train_labels", .dtype = CUTLAB_INT64, .rank = 1, .shape = {0}, .data = labels}};
  assert_int_equal(cutlab_npz_write(f->context, path, scalar, 2), CUTLAB_OK);
  refuse(f, source, CUTLAB_ERROR_FORMAT,
         "a.npz: member train_images: 0 axes; accepted: 2 ([N][L])");
  free(path);
}

static void put_png(const fixture *f, const char *name, uint8_t value) {
  const uint8_t pixels[12] = {value, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
  char *path = path_of(f, name);
  assert_int_equal(cutlab_png_write(f->context, path, pixels, 2, 2, 3), CUTLAB_OK);
  free(path);
}

static void test_folder(void **state) {
  const fixture *f = *state;
  cutlab_collection c;
  make_folder(f, "d/train/cat");
  make_folder(f, "d/train/dog");
  make_folder(f, "d/val/cat");
  make_folder(f, "d/val/dog");
  put_png(f, "d/train/cat/1.png", 50);
  put_png(f, "d/train/cat/2.png", 60);
  put_png(f, "d/train/dog/1.png", 70);
  put_png(f, "d/val/dog/1.png", 80);
  const cutlab_collection_source source = {.dataset = "folder", .path = "d"};
  open_well(f, &c, source);
  assert_sizes(&c, 3, 2, 2, 3, 1);
  assert_string_equal(c.class_names[1], "dog");
  assert_int_equal(c.train.labels[2], 1);
  assert_int_equal(c.test.labels[0], 1);
  assert_memory_equal(c.train.pixels, ((uint8_t[]){50, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11}), 12);
  cutlab_collection_clear(&c);
  make_folder(f, "d/val/cow");
  refuse(f, source, CUTLAB_ERROR_FORMAT, "class 1 is dog in ");
  make_folder(f, "e");
  refuse(f, (cutlab_collection_source){.dataset = "folder", .path = "e"}, CUTLAB_ERROR_IO,
         "no folder train");
}

static void test_refused_sources(void **state) {
  const fixture *f = *state;
  refuse(f, (cutlab_collection_source){.dataset = "imagenet", .path = "x"}, CUTLAB_ERROR_ARGUMENT,
         "dataset is 'imagenet'; accepted: mnist");
  refuse(f, (cutlab_collection_source){0}, CUTLAB_ERROR_ARGUMENT, "dataset is ''");
  refuse(f, (cutlab_collection_source){.dataset = "npy", .path = "x", .train_examples = -1},
         CUTLAB_ERROR_ARGUMENT, "train_examples is -1");
  refuse(f, (cutlab_collection_source){.dataset = "npy", .path = "x", .shape = "cube"},
         CUTLAB_ERROR_ARGUMENT, "shape is 'cube'");
  refuse(f, (cutlab_collection_source){.dataset = "mnist", .path = "x", .shape = "series"},
         CUTLAB_ERROR_ARGUMENT, "accepted for dataset mnist: image");
  refuse(f, (cutlab_collection_source){.dataset = "npy", .path = "x", .position = "fixed"},
         CUTLAB_ERROR_ARGUMENT, "position is fixed");
}

/* The world */

/* <patch at tile `tile` of an input of P tiles, probe's tile>: side 8, two tiles a row. */
static double tile_product(const float *a, int64_t tile_a, const float *b, int64_t tile_b) {
  double sum = 0;
  for (int64_t y = 0; y < 8; ++y)
    for (int64_t x = 0; x < 8; ++x)
      sum += (double)a[(tile_a / 2 * 8 + y) * 16 + tile_a % 2 * 8 + x] *
             b[(tile_b / 2 * 8 + y) * 16 + tile_b % 2 * 8 + x];
  return sum;
}

/* Probes are orthonormal features, each in its tile alone. */
static void check_probes(const cutlab_probes *probes) {
  assert_int_equal(probes->count, 24);
  assert_int_equal(probes->feature_count, 3);
  assert_string_equal(probes->names[0], "common");
  assert_string_equal(probes->names[2], "extremely rare");
  assert_float_equal(probes->frequencies[1], .15, 0);
  for (int64_t i = 0; i < 24; ++i) {
    assert_int_equal(probes->labels[i], i / 12);
    assert_int_equal(probes->features[i], i / 4 % 3);
    for (int64_t tile = 0; tile < 4; ++tile)
      for (int64_t j = i % 4; j < 24; j += 4) {
        double product =
            tile_product(probes->pixels + 256 * i, tile, probes->pixels + 256 * j, j % 4);
        assert_float_equal(product, tile == i % 4 && i == j, 1e-6);
      }
  }
}

/* Every example holds its feature in one tile, feature noise alpha in another, and no feature in
   the other tiles. Returns how often the feature stood in tile 0. */
static int64_t check_examples(const cutlab_examples *examples, const int64_t *features,
                              const cutlab_probes *probes) {
  int64_t first = 0;
  for (int64_t i = 0; i < examples->count; ++i) {
    const float *input = (const float *)examples->pixels + 256 * i;
    int ones = 0, alphas = 0, others = 0, noisy = 0;
    for (int64_t tile = 0; tile < 4; ++tile) {
      double left = tile_product(input, tile, input, tile);
      for (int64_t feature = 0; feature < 6; ++feature) {
        const float *probe = probes->pixels + 256 * 4 * feature;
        double product = tile_product(input, tile, probe, 0);
        left -= product * product;
        bool own = feature / 3 == examples->labels[i] && feature % 3 == features[i];
        if (fabs(product - 1) < 1e-5 && own) {
          ++ones;
          first += tile == 0;
        } else if (fabs(product - .2) < 1e-5 && feature % 3 == 0) {
          ++alphas;
        } else if (fabs(product) > 1e-5) {
          ++others;
        }
      }
      noisy += left > .01;
    }
    assert_int_equal(ones, 1);
    assert_int_equal(alphas, 1);
    assert_int_equal(others, 0);
    assert_int_equal(noisy, 3);
  }
  return first;
}

static void test_world(void **state) {
  const fixture *f = *state;
  cutlab_collection c, again;
  cutlab_collection_source source = {
      .dataset = "feature-noise", .train_examples = 200, .test_examples = 100, .seed = 7};
  open_well(f, &c, source);
  assert_sizes(&c, 1, 16, 16, 200, 100);
  assert_int_equal(c.classes, 2);
  assert_string_equal(c.class_names[0], "-1");
  check_probes(&c.probes);
  int64_t first = check_examples(&c.train, c.probes.train_features, &c.probes);
  assert_in_range(first, 25, 75);
  check_examples(&c.test, c.probes.test_features, &c.probes);
  assert_memory_not_equal(c.train.pixels, c.test.pixels, 256 * sizeof(float));
  assert_int_equal(cutlab_context_set_threads(f->context, 4), CUTLAB_OK);
  open_well(f, &again, source);
  assert_true(again.fingerprint == c.fingerprint);
  cutlab_collection_clear(&again);
  source.seed = 8;
  open_well(f, &again, source);
  assert_true(again.fingerprint != c.fingerprint);
  cutlab_collection_clear(&again);
  cutlab_collection_clear(&c);
}

static void test_world_fixed(void **state) {
  const fixture *f = *state;
  cutlab_collection c;
  open_well(f, &c,
            (cutlab_collection_source){.dataset = "feature-noise",
                                       .train_examples = 60,
                                       .test_examples = 20,
                                       .position = "fixed"});
  assert_int_equal(c.probes.count, 6);
  for (int64_t i = 0; i < 60; ++i) {
    int64_t feature = 3 * c.train.labels[i] + c.probes.train_features[i];
    assert_memory_equal(((float *)c.train.pixels) + 256 * i, c.probes.pixels + 256 * feature,
                        8 * sizeof(float));
  }
  cutlab_collection_clear(&c);
}

static void test_world_from_yaml(void **state) {
  const fixture *f = *state;
  static const char yaml[] = "patches: 5\ndimension: 9\nexamples: 30\nfrequencies: [.6, .4]\n";
  cutlab_collection c;
  put(f, "w.yaml", yaml, sizeof yaml - 1);
  cutlab_collection_source source = {.dataset = "feature-noise", .path = "w.yaml"};
  open_well(f, &c, source);
  assert_sizes(&c, 1, 6, 9, 30, 10000); /* 5 tiles of 3 x 3 in 2 rows of 3 */
  assert_int_equal(c.tile, 3);
  for (int64_t i = 0; i < 30; ++i)
    for (int64_t y = 3; y < 6; ++y)
      for (int64_t x = 6; x < 9; ++x)
        assert_float_equal(((float *)c.train.pixels)[54 * i + 9 * y + x], 0, 0);
  cutlab_collection_clear(&c);
  source.shape = "series";
  open_well(f, &c, source);
  assert_sizes(&c, 1, 1, 45, 30, 10000);
  assert_int_equal(c.tile, 9);
  cutlab_collection_clear(&c);
  put(f, "w.yaml", "dimension: 60\n", 14);
  source.shape = NULL;
  refuse(f, source, CUTLAB_ERROR_ARGUMENT, "dimension 60 is not a square");
  assert_message(f->context, "accepted: 49, 64 or shape = series");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_up, fixture_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_npy),
      TEST(test_npy_axes),
      TEST(test_npy_planar),
      TEST(test_refused_npy),
      TEST(test_npz),
      TEST(test_folder),
      TEST(test_refused_sources),
      TEST(test_world),
      TEST(test_world_fixed),
      TEST(test_world_from_yaml),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
