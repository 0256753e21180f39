/* Packed data sets: what comes out is what went in, and other archives are refused. */
#include "base/npy.h"
#include "collections.h"

static cutlab_status pack_with(const fixture *f, cutlab_collection *c,
                               cutlab_collection_source source, const char *name) {
  char *from = path_of(f, source.path), *to = path_of(f, name);
  source.path = from;
  cutlab_status status = cutlab_collection_pack(f->context, c, &source, to);
  free(from);
  free(to);
  return status;
}

static void assert_same_part(const cutlab_examples *a, const cutlab_examples *b, int64_t each) {
  assert_int_equal(a->dtype, b->dtype);
  assert_int_equal(a->count, b->count);
  assert_memory_equal(a->pixels, b->pixels,
                      (size_t)(a->count * each) * cutlab_dtype_size(a->dtype));
  assert_memory_equal(a->labels, b->labels, (size_t)a->count * sizeof *a->labels);
}

/* Packs `source` as p.npz, whose collection is the same one, of whatever shape. */
static void assert_round_trip(const fixture *f, cutlab_collection_source source) {
  cutlab_collection packed, read;
  if (pack_with(f, &packed, source, "p.npz") != CUTLAB_OK)
    fail_msg("%s", cutlab_context_message(f->context));
  source.path = "p.npz";
  source.train_examples = source.test_examples = 0;
  source.shape = NULL;
  open_well(f, &read, source);
  assert_int_equal(read.classes, packed.classes);
  assert_true(read.fingerprint == packed.fingerprint);
  assert_memory_equal(read.mean, packed.mean, sizeof read.mean);
  assert_memory_equal(read.deviation, packed.deviation, sizeof read.deviation);
  assert_sizes(&read, packed.channels, packed.height, packed.width, packed.train.count,
               packed.test.count);
  int64_t each = read.channels * read.height * read.width;
  assert_same_part(&read.train, &packed.train, each);
  if (read.test.count) assert_same_part(&read.test, &packed.test, each);
  assert_int_equal(read.class_names != NULL, packed.class_names != NULL);
  for (int64_t i = 0; read.class_names && packed.class_names && i < read.classes; ++i)
    assert_string_equal(read.class_names[i], packed.class_names[i]);
  cutlab_collection_clear(&read);
  cutlab_collection_clear(&packed);
}

/* 6 examples of 2 x 3 x 2 (height x width x channels) in 4 classes, the last of them tested only.
 */
static void put_arrays(const fixture *f, cutlab_dtype dtype) {
  uint8_t bytes[6 * 12];
  float numbers[6 * 12];
  for (uint8_t i = 0; i < 6 * 12; ++i) bytes[i] = (uint8_t)(3 * i), numbers[i] = (float)i - 7.5f;
  void *data = dtype == CUTLAB_UINT8 ? (void *)bytes : numbers;
  make_folder(f, "n");
  put_array(f, "n/x_train.npy", dtype, 4, (int64_t[]){6, 2, 3, 2}, data);
  put_array(f, "n/y_train.npy", CUTLAB_UINT8, 1, (int64_t[]){6}, (uint8_t[]){0, 2, 1, 0, 1, 2});
  put_array(f, "n/x_test.npy", dtype, 4, (int64_t[]){2, 2, 3, 2}, data);
  put_array(f, "n/y_test.npy", CUTLAB_UINT8, 1, (int64_t[]){2}, (uint8_t[]){3, 0});
}

static void test_arrays(void **state) {
  const fixture *f = *state;
  put_arrays(f, CUTLAB_UINT8);
  assert_round_trip(f, (cutlab_collection_source){.dataset = "npy", .path = "n"});
  put_arrays(f, CUTLAB_FLOAT32);
  assert_round_trip(f, (cutlab_collection_source){.dataset = "npy", .path = "n"});
}

/* Classes that no example of the part has are there still. */
static void test_a_part(void **state) {
  const fixture *f = *state;
  cutlab_collection c;
  put_arrays(f, CUTLAB_UINT8);
  const cutlab_collection_source source = {
      .dataset = "npy", .path = "n", .train_examples = 1, .test_examples = 1};
  assert_round_trip(f, source);
  open_well(f, &c, (cutlab_collection_source){.dataset = "npy", .path = "p.npz"});
  assert_sizes(&c, 2, 2, 3, 1, 1);
  assert_int_equal(c.classes, 4);
  cutlab_collection_clear(&c);
}

static void test_series(void **state) {
  const fixture *f = *state;
  cutlab_collection c;
  float values[2 * 3 * 2] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
  make_folder(f, "n");
  put_array(f, "n/y_train.npy", CUTLAB_INT8, 1, (int64_t[]){2}, (int8_t[]){1, 0});
  put_array(f, "n/x_train.npy", CUTLAB_FLOAT32, 3, (int64_t[]){2, 3, 2}, values);
  assert_round_trip(f,
                    (cutlab_collection_source){.dataset = "npy", .path = "n", .shape = "series"});
  assert_round_trip(f, (cutlab_collection_source){.dataset = "npy", .path = "p.npz"});
  open_well(f, &c,
            (cutlab_collection_source){.dataset = "npy", .path = "p.npz", .shape = "series"});
  assert_sizes(&c, 2, 1, 3, 2, 0);
  cutlab_collection_clear(&c);
  put_array(f, "n/x_train.npy", CUTLAB_FLOAT32, 2, (int64_t[]){2, 6}, values);
  assert_round_trip(f, (cutlab_collection_source){.dataset = "npy", .path = "n"});
  put_arrays(f, CUTLAB_UINT8);
  assert_round_trip(f, (cutlab_collection_source){.dataset = "npy", .path = "n"});
  refuse(f, (cutlab_collection_source){.dataset = "npy", .path = "p.npz", .shape = "series"},
         CUTLAB_ERROR_FORMAT, "4 axes; accepted: 2 ([N][L]) or 3 ([N][L][C]), with shape = series");
}

static int stop_within(void *user, const cutlab_progress *progress) {
  (void)user;
  return progress->done > 0 && progress->done < progress->total;
}

/* Large members are read in blocks. */
static void test_cancelled(void **state) {
  const fixture *f = *state;
  enum { length = 10 << 20 };
  static uint8_t values[length];
  make_folder(f, "n");
  put_array(f, "n/x_train.npy", CUTLAB_UINT8, 3, (int64_t[]){1, length / 1024, 1024}, values);
  put_array(f, "n/y_train.npy", CUTLAB_UINT8, 1, (int64_t[]){1}, values);
  assert_round_trip(f, (cutlab_collection_source){.dataset = "npy", .path = "n"});
  cutlab_context_set_progress(f->context, stop_within, NULL);
  refuse(f, (cutlab_collection_source){.dataset = "npy", .path = "p.npz"}, CUTLAB_CANCELLED,
         "cancelled: reading arrays at 8388608");
}

/* As cutlab data pack would have written a folder of images: with names. */
static void put_named(const fixture *f, const char *data_set, int64_t classes, int64_t named) {
  cutlab_array members[] = {
      {"data_set", CUTLAB_UINT8, 1, {(int64_t)strlen(data_set)}, (void *)data_set},
      {"classes", CUTLAB_INT64, 1, {1}, &classes},
      {"class_names", CUTLAB_UINT8, 2, {named, 3}, (char[]){"cat\0\0\0emu"}},
      {"train_images", CUTLAB_UINT8, 4, {2, 1, 2, 1}, (uint8_t[]){1, 2, 3, 4}},
      {"train_labels", CUTLAB_INT64, 1, {2}, (int64_t[]){0, 1}}};
  char *path = path_of(f, "q.npz");
  assert_int_equal(cutlab_npz_write_packed(f->context, path, members, 5, true), CUTLAB_OK);
  free(path);
}

static void test_names(void **state) {
  const fixture *f = *state;
  cutlab_collection c;
  put_named(f, "folder", 3, 3);
  open_well(f, &c, (cutlab_collection_source){.dataset = "folder", .path = "q.npz"});
  assert_int_equal(c.classes, 3);
  assert_string_equal(c.class_names[0], "cat");
  assert_memory_equal(c.class_names[1], "\0", 1);
  assert_string_equal(c.class_names[2], "emu");
  cutlab_collection_clear(&c);
  assert_round_trip(f, (cutlab_collection_source){.dataset = "folder", .path = "q.npz"});
}

static void test_refused(void **state) {
  const fixture *f = *state;
  cutlab_collection c;
  cutlab_collection_source source = {.dataset = "folder", .path = "q.npz"};
  put_named(f, "folder", 1, 3);
  refuse(f, source, CUTLAB_ERROR_FORMAT, "member classes is not a number of classes");
  assert_message(f->context, "accepted: one integer, 2 (the largest label and 1) to 65536");
  put_named(f, "folder", 2, 3);
  refuse(f, source, CUTLAB_ERROR_FORMAT, "member class_names is not 2 names");
  put_named(f, "cifar10", 3, 3);
  refuse(f, source, CUTLAB_ERROR_FORMAT, "dataset is folder, but ");
  assert_message(f->context, "q.npz holds cifar10; accepted: dataset=cifar10");
  source.dataset = "cifar10";
  refuse(f, source, CUTLAB_ERROR_FORMAT, "uint8 of 1 x 1 x 2 in 3 classes; accepted for cifar10");
  put_arrays(f, CUTLAB_UINT8);
  cutlab_collection_source npy = {.dataset = "npy", .path = "n", .fold = "1/2"};
  assert_int_equal(pack_with(f, &c, npy, "p.npz"), CUTLAB_ERROR_ARGUMENT);
  assert_message(f->context, "fold is '1/2'; accepted for packing: none");
  npy.dataset = "feature-noise", npy.fold = NULL;
  assert_int_equal(pack_with(f, &c, npy, "p.npz"), CUTLAB_ERROR_ARGUMENT);
  assert_message(f->context, "feature-noise is drawn");
  npy.dataset = "npy", npy.path = "nowhere";
  assert_int_equal(pack_with(f, &c, npy, "p.npz"), CUTLAB_ERROR_IO);
}

/* An archive of one's own is an npy data set, and no other. */
static void test_plain_archive(void **state) {
  const fixture *f = *state;
  cutlab_collection c;
  cutlab_array members[] = {{"x_train", CUTLAB_UINT8, 4, {2, 1, 2, 1}, (uint8_t[]){1, 2, 3, 4}},
                            {"y_train", CUTLAB_INT64, 1, {2}, (int64_t[]){0, 1}}};
  char *path = path_of(f, "own.npz");
  assert_int_equal(cutlab_npz_write(f->context, path, members, 2), CUTLAB_OK);
  free(path);
  open_well(f, &c, (cutlab_collection_source){.dataset = "npy", .path = "own.npz"});
  assert_null(c.class_names);
  cutlab_collection_clear(&c);
  refuse(f, (cutlab_collection_source){.dataset = "mnist", .path = "own.npz"}, CUTLAB_ERROR_FORMAT,
         "does not say which data set it holds; accepted: what cutlab data pack writes");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_up, fixture_down)

int main(void) {
  const struct CMUnitTest tests[] = {TEST(test_arrays),       TEST(test_a_part), TEST(test_series),
                                     TEST(test_cancelled),    TEST(test_names),  TEST(test_refused),
                                     TEST(test_plain_archive)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
