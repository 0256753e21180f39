/* NumPy files: round trips, the very bytes NumPy writes, and hostile input. */
#include <errno.h>
#include <inttypes.h>

#include <cutlab/array.h>
#include <zip.h>

#include "base/file.h"
#include "fixture.h"

typedef struct array_fixture {
  cutlab_context *context;
  char *folder, *path;
} array_fixture;

static int set_up(void **state) {
  array_fixture *f = calloc(1, sizeof *f);
  *state = f;
  f->folder = temporary_make();
  if (!f->folder || cutlab_context_create(&f->context) != CUTLAB_OK) return 1;
  f->path = cutlab_path_join(f->context, f->folder, "arrays");
  return !f->path;
}

static int tear_down(void **state) {
  array_fixture *f = *state;
  cutlab_context_free(f->context);
  free(f->path);
  int failed = temporary_remove(f->folder);
  free(f);
  return failed;
}

static void assert_ok(const array_fixture *f, cutlab_status status) {
  if (status != CUTLAB_OK) fail_msg("%s", cutlab_context_message(f->context));
}

/* Without the flush to disk of cutlab_file_write, for tests that write a thousand times. */
static void put_file(const array_fixture *f, const void *bytes, size_t size) {
  FILE *file = fopen(f->path, "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(bytes, 1, size, file), size);
  assert_int_equal(fclose(file), 0);
}

static void assert_same(const cutlab_array *a, const cutlab_array *b) {
  assert_int_equal(a->dtype, b->dtype);
  assert_int_equal(a->rank, b->rank);
  for (int axis = 0; axis < a->rank; ++axis) assert_int_equal(a->shape[axis], b->shape[axis]);
  size_t bytes = (size_t)cutlab_array_count(a) * cutlab_dtype_size(a->dtype);
  if (bytes) assert_memory_equal(a->data, b->data, bytes);
}

static double doubles[] = {0, -1.5, 1e300, 5e-324, -0.0, 3};
static float floats[] = {0, -1.5F, 3e38F};
static int64_t longs[] = {INT64_MIN, INT64_MAX};
static int32_t ints[] = {INT32_MIN, INT32_MAX, 0, 1};
static int8_t signed_bytes[] = {-128, 127, 0};
static uint8_t bytes_255[] = {255};

enum { sample_count = 8 };
static const cutlab_array samples[sample_count] = {
    {"matrix", CUTLAB_FLOAT64, 2, {2, 3}, doubles},
    {"vector", CUTLAB_FLOAT32, 1, {3}, floats},
    {"scalar", CUTLAB_INT64, 0, {0}, longs},
    {"deep", CUTLAB_INT32, 8, {1, 1, 2, 1, 1, 2, 1, 1}, ints},
    {"folder/bytes", CUTLAB_INT8, 2, {3, 1}, signed_bytes},
    {"u", CUTLAB_UINT8, 1, {1}, bytes_255},
    {"empty", CUTLAB_FLOAT64, 3, {4, 0, 5}, NULL},
    {"a name of 63 bytes, the longest that fits, with blanks: 89 1234",
     CUTLAB_INT64,
     1,
     {2},
     longs}};

static void test_npy_round_trip(void **state) {
  array_fixture *f = *state;
  for (int n = 0; n < sample_count; ++n) {
    cutlab_array back;
    assert_ok(f, cutlab_npy_write(f->context, f->path, &samples[n]));
    assert_ok(f, cutlab_npy_read(f->context, &back, f->path, 0));
    assert_same(&back, &samples[n]);
    cutlab_array_clear(&back);
    assert_null(back.data);
  }
  cutlab_array_clear(NULL);
}

static void test_npz_round_trip(void **state) {
  array_fixture *f = *state;
  cutlab_array *back;
  int count;
  assert_ok(f, cutlab_npz_write(f->context, f->path, samples, sample_count));
  assert_int_equal(temporary_entries(f->folder), 1);
  assert_ok(f, cutlab_npz_read(f->context, &back, &count, f->path, 0));
  assert_int_equal(count, sample_count);
  for (int n = 0; n < count; ++n) {
    const cutlab_array *found = cutlab_npz_find(back, count, samples[n].name);
    assert_ptr_equal(found, &back[n]);
    assert_same(found, &samples[n]);
  }
  assert_null(cutlab_npz_find(back, count, "matrix.npy"));
  cutlab_npz_free(back, count);
  cutlab_npz_free(NULL, 0);
}

/* What numpy.save writes (NumPy 2.4): text, then blanks up to a newline at the given size. */
static void test_headers_equal_numpy(void **state) {
  array_fixture *f = *state;
  static const struct {
    int sample;
    const char *text;
    size_t size;
  } cases[] = {
      {0, "\x93NUMPY\1\0v\0{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3), }", 128},
      {1, "\x93NUMPY\1\0v\0{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }", 128},
      {2, "\x93NUMPY\1\0v\0{'descr': '<i8', 'fortran_order': False, 'shape': (), }", 128},
      {3,
       "\x93NUMPY\1\0v\0{'descr': '<i4', 'fortran_order': False, "
       "'shape': (1, 1, 2, 1, 1, 2, 1, 1), }",
       128},
      {4, "\x93NUMPY\1\0v\0{'descr': '|i1', 'fortran_order': False, 'shape': (3, 1), }", 128},
      {5, "\x93NUMPY\1\0v\0{'descr': '|u1', 'fortran_order': False, 'shape': (1,), }", 128},
  };
  for (size_t c = 0; c < sizeof cases / sizeof *cases; ++c) {
    const cutlab_array *array = &samples[cases[c].sample];
    size_t bytes = (size_t)cutlab_array_count(array) * cutlab_dtype_size(array->dtype), size;
    char *file, expected[128];
    memset(expected, ' ', sizeof expected);
    memcpy(expected, cases[c].text, 10 + strlen(cases[c].text + 10));
    expected[cases[c].size - 1] = '\n';
    assert_ok(f, cutlab_npy_write(f->context, f->path, array));
    assert_ok(f, cutlab_file_read(f->context, &file, &size, f->path, 0));
    assert_int_equal(size, cases[c].size + bytes);
    assert_memory_equal(file, expected, cases[c].size);
    assert_memory_equal(file + cases[c].size, array->data, bytes);
    free(file);
  }
}

static void test_equal_arrays_give_equal_files(void **state) {
  array_fixture *f = *state;
  char *first, *second;
  size_t first_size, second_size;
  assert_ok(f, cutlab_npz_write(f->context, f->path, samples, sample_count));
  assert_ok(f, cutlab_file_read(f->context, &first, &first_size, f->path, 0));
  assert_ok(f, cutlab_npz_write(f->context, f->path, samples, sample_count));
  assert_ok(f, cutlab_file_read(f->context, &second, &second_size, f->path, 0));
  assert_int_equal(first_size, second_size);
  assert_memory_equal(first, second, first_size);
  /* Dated 1980-01-01 00:00, not now; stored, so the data can be seen in the file. */
  static const unsigned char method_and_date[6] = {0, 0, 0, 0, 0x21, 0};
  assert_memory_equal(first + 8, method_and_date, sizeof method_and_date);
  assert_non_null(memmem(first, first_size, doubles, sizeof doubles));
  free(second);
  free(first);
}

static void test_refused_writes(void **state) {
  array_fixture *f = *state;
  static const cutlab_array wrong[] = {
      {"x", (cutlab_dtype)12, 1, {1}, doubles},          {"x", CUTLAB_FLOAT64, 9, {1}, doubles},
      {"x", CUTLAB_FLOAT64, -1, {1}, doubles},           {"x", CUTLAB_FLOAT64, 1, {-1}, doubles},
      {"x", CUTLAB_FLOAT64, 2, {INT64_MAX, 2}, doubles}, {"x", CUTLAB_FLOAT64, 1, {1}, NULL}};
  for (size_t n = 0; n < sizeof wrong / sizeof *wrong; ++n) {
    assert_int_equal(cutlab_npy_write(f->context, f->path, &wrong[n]), CUTLAB_ERROR_ARGUMENT);
    assert_message(f->context, f->path);
    assert_int_equal(cutlab_npz_write(f->context, f->path, &wrong[n], 1), CUTLAB_ERROR_ARGUMENT);
  }
  cutlab_array pair[2] = {samples[0], samples[0]};
  assert_int_equal(cutlab_npz_write(f->context, f->path, pair, 2), CUTLAB_ERROR_ARGUMENT);
  assert_message(f->context, "matrix");
  assert_int_equal(cutlab_npz_write(f->context, f->path, pair, 0), CUTLAB_ERROR_ARGUMENT);
  pair[0].name[0] = '\0';
  assert_int_equal(cutlab_npz_write(f->context, f->path, pair, 2), CUTLAB_ERROR_ARGUMENT);
  memset(pair[0].name, 'x', sizeof pair[0].name);
  assert_int_equal(cutlab_npz_write(f->context, f->path, pair, 2), CUTLAB_ERROR_ARGUMENT);
  assert_int_equal(temporary_entries(f->folder), 0);
}

static void test_system_errors(void **state) {
  array_fixture *f = *state;
  cutlab_array array, *arrays;
  int count;
  assert_int_equal(cutlab_npy_read(f->context, &array, f->path, 0), CUTLAB_ERROR_IO);
  assert_message(f->context, strerror(ENOENT));
  assert_int_equal(cutlab_npz_read(f->context, &arrays, &count, f->path, 0), CUTLAB_ERROR_IO);
  assert_message(f->context, strerror(ENOENT));
  assert_message(f->context, f->path);
  assert_int_equal(cutlab_npy_read(f->context, &array, f->folder, 0), CUTLAB_ERROR_IO);
  assert_message(f->context, strerror(EISDIR));
  assert_int_not_equal(cutlab_npz_read(f->context, &arrays, &count, f->folder, 0), CUTLAB_OK);
  assert_message(f->context, f->folder);
  char *below = cutlab_path_join(f->context, f->path, "x");
  assert_int_equal(cutlab_npy_write(f->context, below, samples), CUTLAB_ERROR_IO);
  assert_int_equal(cutlab_npz_write(f->context, below, samples, 1), CUTLAB_ERROR_IO);
  assert_message(f->context, below);
  free(below);
}

/* A .npy of any version with this header text and this many zero bytes of data. */
static size_t make_npy(char *bytes, size_t capacity, int version, const char *header,
                       size_t data_size) {
  size_t length = strlen(header), prefix = version == 1 ? 10 : 12;
  assert_true(prefix + length + data_size <= capacity);
  memset(bytes, 0, capacity);
  memcpy(bytes, "\x93NUMPY", 6);
  bytes[6] = (char)version;
  memcpy(bytes + 8, &(uint32_t){(uint32_t)length}, prefix - 8);
  memcpy(bytes + prefix, header, length);
  return prefix + length + data_size;
}

static cutlab_status read_bytes(const array_fixture *f, cutlab_array *array, const char *bytes,
                                size_t size, int64_t max_bytes) {
  put_file(f, bytes, size);
  return cutlab_npy_read(f->context, array, f->path, max_bytes);
}

static void test_headers_that_python_could_write(void **state) {
  array_fixture *f = *state;
  static const char *const headers[] = {
      "{'descr': '<i4', 'fortran_order': False, 'shape': (2, 3), }  \n",
      "{\"shape\":(2,3),\"fortran_order\":False,\"descr\":\"<i4\"}",
      " { 'shape' : ( 2 , 3 , ) , 'descr' : '<i4' , 'fortran_order' : False }\n"};
  for (int version = 1; version <= 3; ++version)
    for (int h = 0; h < 3; ++h) {
      char bytes[256];
      cutlab_array array;
      size_t size = make_npy(bytes, sizeof bytes, version, headers[h], 24);
      assert_ok(f, read_bytes(f, &array, bytes, size, 24));
      assert_int_equal(array.dtype, CUTLAB_INT32);
      assert_int_equal(array.rank, 2);
      assert_int_equal(array.shape[1], 3);
      cutlab_array_clear(&array);
    }
}

#define HEADER(descr, order, shape)                                                                \
  "{'descr': " descr ", 'fortran_order': " order ", 'shape': " shape ", }\n"

/* np.arange(24).reshape(2, 3, 4) with the first index running fastest. */
static void test_fortran_order(void **state) {
  array_fixture *f = *state;
  char bytes[256];
  cutlab_array array;
  size_t size = make_npy(bytes, sizeof bytes, 1, HEADER("'|u1'", "True", "(2, 3, 4)"), 24);
  for (int i = 0; i < 2; ++i)
    for (int j = 0; j < 3; ++j)
      for (int k = 0; k < 4; ++k)
        bytes[(int)size - 24 + i + 2 * j + 6 * k] = (char)(12 * i + 4 * j + k);
  assert_ok(f, read_bytes(f, &array, bytes, size, 24));
  assert_true(array.rank == 3 && array.shape[1] == 3);
  for (int i = 0; i < 24; ++i) assert_int_equal(((uint8_t *)array.data)[i], i);
  cutlab_array_clear(&array);
}

/* Big-endian numbers of every width, and with the first index running fastest. */
static void test_big_endian(void **state) {
  array_fixture *f = *state;
  static const struct {
    const char *header;
    cutlab_dtype dtype;
    int size;
    unsigned char bytes[8]; /* of the first element */
    double value;
  } cases[] = {{HEADER("'>f8'", "False", "(2,)"), CUTLAB_FLOAT64, 8, {0xbf, 0xf8}, -1.5},
               {HEADER("'>f4'", "False", "(2,)"), CUTLAB_FLOAT32, 4, {0xbf, 0xc0}, -1.5},
               {HEADER("'>f2'", "False", "(2,)"), CUTLAB_FLOAT16, 2, {0xbe, 0x00}, -1.5},
               {HEADER("'>i8'", "False", "(2,)"), CUTLAB_INT64, 8, {0, 0, 0, 0, 0, 1, 2, 3}, 66051},
               {HEADER("'>u8'", "False", "(2,)"), CUTLAB_UINT64, 8, {0, 0, 0, 1}, 0x1p32},
               {HEADER("'>i4'", "False", "(2,)"), CUTLAB_INT32, 4, {0xff, 0xff, 0xff, 0xfe}, -2},
               {HEADER("'>u4'", "False", "(2,)"), CUTLAB_UINT32, 4, {0x80}, 0x1p31},
               {HEADER("'>i2'", "False", "(2,)"), CUTLAB_INT16, 2, {0xff, 0x00}, -256},
               {HEADER("'>u2'", "True", "(2, 1)"), CUTLAB_UINT16, 2, {0xff, 0x00}, 0xff00}};
  for (size_t c = 0; c < sizeof cases / sizeof *cases; ++c) {
    char bytes[256];
    cutlab_array array;
    size_t element = (size_t)cases[c].size;
    size_t size = make_npy(bytes, sizeof bytes, 1, cases[c].header, 2 * element);
    memcpy(bytes + size - 2 * element, cases[c].bytes, element);
    assert_ok(f, read_bytes(f, &array, bytes, size, 0));
    assert_int_equal(array.dtype, cases[c].dtype);
    assert_true(cutlab_array_number(&array, 0) == cases[c].value);
    assert_true(cutlab_array_number(&array, 1) == 0);
    cutlab_array_clear(&array);
  }
}

static void test_hostile_headers(void **state) {
  array_fixture *f = *state;
  static const struct {
    const char *header, *message;
  } cases[] = {
      {HEADER("'>f9'", "False", "(1,)"), "'>f9' is not supported; accepted: <f8"},
      {HEADER("'>u1'", "False", "(1,)"), "'>u1' is not supported"},
      {HEADER("''", "False", "(1,)"), "'' is not supported"},
      {HEADER("'=f8'", "False", "(1,)"), "=f8"},
      {HEADER("'|O'", "False", "(1,)"), "|O"},
      {HEADER("'|c16'", "False", "(1,)"), "|c16"},
      {HEADER("[('x', '<f8')]", "False", "(1,)"), "a string expected"},
      {HEADER("'<f8", "False", "(1,)"), "not supported"},
      {HEADER("'<f8'", "1", "(1,)"), "True or False"},
      {HEADER("'<f8'", "False", "(-1,)"), "at least 0"},
      {HEADER("'<f8'", "False", "(1.0,)"), "a comma"},
      {HEADER("'<f8'", "False", "(1)"), "tuple of one"},
      {HEADER("'<f8'", "False", "1"), "a tuple"},
      {HEADER("'<f8'", "False", "(1, 1"), "a length"},
      {HEADER("'<f8'", "False", "(,)"), "a length"},
      {HEADER("'<f8'", "False", "(1,,)"), "a length"},
      {HEADER("'<f8'", "False", "(9223372036854775808,)"), "below 2^63"},
      {HEADER("'<f8'", "False", "(99999999999999999999999999,)"), "below 2^63"},
      {HEADER("'<f8'", "False", "(1152921504606846976, 1)"), "2^63 bytes"},
      {HEADER("'<f8'", "False", "(4294967296, 4294967296)"), "2^63 bytes"},
      {HEADER("'<f8'", "False", "(0, 4294967296, 4294967296)"), "2^63 bytes"},
      {HEADER("'<f8'", "False", "(1152921504606846975,)"), "accepted: at most 17179869184"},
      {HEADER("'<f8'", "False", "(2147483648,)"), "truncated"},
      {HEADER("'<f8'", "False", "(2,)"), "truncated"},
      {HEADER("'<f4'", "False", "(1,)"), "too long"},
      {HEADER("'<f8'", "False", "(1, 1, 1, 1, 1, 1, 1, 1, 1)"), "at most 8"},
      {HEADER("'<f8'", "False", "(1,), 'shape': (1,)"), "key 'shape'"},
      {HEADER("'<f8'", "False", "(1,), 'more': 1"), "key 'more'"},
      {"{'descr': '<f8', 'shape': (1,)}", "descr, fortran_order and shape"},
      {"{'descr': '<f8' 'shape': (1,)}", "a comma"},
      {"{'descr' '<f8'}", "a colon"},
      {"{'descr\n", "a short string"},
      {"{'a key that is much longer than any that there is': 1}", "a short string"},
      {HEADER("'<f8'", "False", "(1,)") "x", "the end"},
      {"", "a dictionary"},
      {"{", "a string"},
  };
  for (size_t c = 0; c < sizeof cases / sizeof *cases; ++c) {
    char bytes[256];
    cutlab_array array;
    size_t size = make_npy(bytes, sizeof bytes, 1, cases[c].header, 8);
    assert_int_equal(read_bytes(f, &array, bytes, size, 0), CUTLAB_ERROR_FORMAT);
    assert_message(f->context, cases[c].message);
    assert_message(f->context, f->path);
    assert_null(array.data);
  }
}

static void test_hostile_beginnings(void **state) {
  array_fixture *f = *state;
  char bytes[256];
  cutlab_array array;
  const char *header = HEADER("'<f8'", "False", "(1,)");
  size_t size = make_npy(bytes, sizeof bytes, 1, header, 8);
  for (size_t cut = 0; cut < size; ++cut) {
    assert_int_equal(read_bytes(f, &array, bytes, cut, 0), CUTLAB_ERROR_FORMAT);
    assert_message(f->context, "truncated");
  }
  assert_int_equal(read_bytes(f, &array, bytes, size, 7), CUTLAB_ERROR_FORMAT);
  assert_message(f->context, "8 bytes of data; accepted: at most 7");
  assert_ok(f, read_bytes(f, &array, bytes, size, 8));
  cutlab_array_clear(&array);
  bytes[20] = '\0';
  assert_int_equal(read_bytes(f, &array, bytes, size, 0), CUTLAB_ERROR_FORMAT);
  assert_message(f->context, "zero byte");
  size = make_npy(bytes, sizeof bytes, 4, header, 8);
  assert_int_equal(read_bytes(f, &array, bytes, size, 0), CUTLAB_ERROR_FORMAT);
  assert_message(f->context, "version 4.0; accepted: 1.0, 2.0 and 3.0");
  size = make_npy(bytes, sizeof bytes, 2, header, 8);
  bytes[11] = '\xff';
  assert_int_equal(read_bytes(f, &array, bytes, size, 0), CUTLAB_ERROR_FORMAT);
  assert_message(f->context, "a header of 42781");
  bytes[0] = 'x';
  assert_int_equal(read_bytes(f, &array, bytes, size, 0), CUTLAB_ERROR_FORMAT);
  assert_message(f->context, "not a .npy array");
}

/* An archive with one member. */
static void zip_one(const array_fixture *f, const char *member, const void *data, size_t size,
                    int method) {
  zip_t *archive = zip_open(f->path, ZIP_CREATE | ZIP_TRUNCATE, NULL);
  zip_source_t *source = zip_source_buffer(archive, data, size, 0);
  zip_int64_t index = zip_file_add(archive, member, source, ZIP_FL_ENC_UTF_8);
  assert_int_equal(index, 0);
  assert_int_equal(zip_set_file_compression(archive, 0, method, 0), 0);
  assert_int_equal(zip_close(archive), 0);
}

static void assert_bad_npz(const array_fixture *f, int64_t max_bytes, const char *message) {
  cutlab_array *arrays;
  int count;
  assert_int_equal(cutlab_npz_read(f->context, &arrays, &count, f->path, max_bytes),
                   CUTLAB_ERROR_FORMAT);
  assert_message(f->context, f->path);
  assert_message(f->context, message);
  assert_null(arrays);
  assert_int_equal(count, 0);
}

static void test_deflated_members(void **state) {
  array_fixture *f = *state;
  enum { size_max = 1 << 20 };
  static char bytes[size_max + 256];
  size_t size = make_npy(bytes, sizeof bytes, 1, HEADER("'|u1'", "False", "(1048576,)"), size_max);
  zip_one(f, "a.npy", bytes, size, ZIP_CM_DEFLATE);
  cutlab_array *arrays;
  int count;
  assert_ok(f, cutlab_npz_read(f->context, &arrays, &count, f->path, 0));
  assert_int_equal(count, 1);
  assert_string_equal(arrays[0].name, "a");
  assert_memory_equal(arrays[0].data, bytes + (size - size_max), size_max);
  cutlab_npz_free(arrays, count);
  assert_bad_npz(f, size_max - 1, "member a.npy: 1048576 bytes of data; accepted: at most 1048575");
  /* A header that promises less or more than the member has. */
  size = make_npy(bytes, sizeof bytes, 1, HEADER("'|u1'", "False", "(1,)"), size_max);
  zip_one(f, "a.npy", bytes, size, ZIP_CM_DEFLATE);
  assert_bad_npz(f, 0, "member a.npy: too long");
  size = make_npy(bytes, sizeof bytes, 1, HEADER("'|u1'", "False", "(1000000000,)"), 100);
  zip_one(f, "a.npy", bytes, size, ZIP_CM_DEFLATE);
  assert_bad_npz(f, 0, "member a.npy: truncated");
}

static void test_hostile_archives(void **state) {
  array_fixture *f = *state;
  char bytes[256];
  size_t size = make_npy(bytes, sizeof bytes, 1, HEADER("'<f8'", "False", "(1,)"), 8);
  zip_one(f, "a.txt", bytes, size, ZIP_CM_STORE);
  assert_bad_npz(f, 0, "member a.txt: not an array's name");
  zip_one(f, ".npy", bytes, size, ZIP_CM_STORE);
  assert_bad_npz(f, 0, "member .npy: not an array's name");
  zip_one(f, "0123456789012345678901234567890123456789012345678901234567890123.npy", bytes, size,
          ZIP_CM_STORE);
  assert_bad_npz(f, 0, "accepted: 1 to 63 bytes");
  zip_one(f, "new\nline.npy", bytes, 5, ZIP_CM_STORE);
  assert_bad_npz(f, 0, "new line.npy: truncated");
  put_file(f, bytes, size);
  assert_bad_npz(f, 0, "not an .npz archive");
  put_file(f, "", 0);
  assert_bad_npz(f, 0, "not an .npz archive");
}

static void test_limit_covers_all_members(void **state) {
  array_fixture *f = *state;
  assert_ok(f, cutlab_npz_write(f->context, f->path, samples, 2));
  assert_bad_npz(f, 59, "member vector.npy: 12 bytes of data; accepted: at most 11");
  cutlab_array *arrays;
  int count;
  assert_ok(f, cutlab_npz_read(f->context, &arrays, &count, f->path, 60));
  cutlab_npz_free(arrays, count);
}

static void test_two_members_of_one_name(void **state) {
  array_fixture *f = *state;
  char *file;
  size_t size;
  cutlab_array pair[2] = {samples[0], samples[0]};
  strcpy(pair[1].name, "matriy");
  assert_ok(f, cutlab_npz_write(f->context, f->path, pair, 2));
  assert_ok(f, cutlab_file_read(f->context, &file, &size, f->path, 0));
  for (char *at = file; (at = memmem(at, size - (size_t)(at - file), "matriy", 6));) at[5] = 'x';
  put_file(f, file, size);
  assert_bad_npz(f, 0, "matrix.npy: this name stands twice");
  free(file);
}

/* Every truncation fails, and every altered byte is refused or harmless: a changed date or
   attribute may pass, changed names and data may not. */
static void test_damaged_archives(void **state) {
  array_fixture *f = *state;
  char *file;
  size_t size;
  assert_ok(f, cutlab_npz_write(f->context, f->path, samples, 2));
  assert_ok(f, cutlab_file_read(f->context, &file, &size, f->path, 0));
  for (size_t cut = 0; cut < size; ++cut) {
    put_file(f, file, cut);
    assert_bad_npz(f, 0, f->path);
  }
  int accepted = 0;
  for (size_t at = 0; at < size; ++at) {
    cutlab_array *arrays;
    int count;
    file[at] ^= 0x55;
    put_file(f, file, size);
    file[at] ^= 0x55;
    if (cutlab_npz_read(f->context, &arrays, &count, f->path, 0) != CUTLAB_OK) {
      assert_message(f->context, f->path);
      continue;
    }
    ++accepted;
    for (int m = 0; m < count; ++m) assert_same(&arrays[m], &samples[m]);
    cutlab_npz_free(arrays, count);
  }
  assert_in_range(accepted, 1, 120);
  size_t data = (size_t)((char *)memmem(file, size, doubles, sizeof doubles) - file);
  file[data] ^= 1;
  put_file(f, file, size);
  assert_bad_npz(f, 0, "member matrix.npy: cannot read: CRC error");
  free(file);
}

/* A directory entry may claim any size; the memory asked for must stay in proportion. */
static void test_zip_bombs(void **state) {
  array_fixture *f = *state;
  char bytes[256], *file;
  size_t size = make_npy(bytes, sizeof bytes, 1, HEADER("'|u1'", "False", "(4000000000,)"), 8);
  for (int method = 0; method < 2; ++method) {
    zip_one(f, "a.npy", bytes, size, method ? ZIP_CM_DEFLATE : ZIP_CM_STORE);
    size_t file_size;
    assert_ok(f, cutlab_file_read(f->context, &file, &file_size, f->path, 0));
    char *entry = memmem(file, file_size, "PK\1\2", 4);
    assert_non_null(entry);
    uint32_t claimed = 4000000000U + (uint32_t)size - 8;
    memcpy(entry + 24, &claimed, 4);
    if (!method) memcpy(entry + 20, &claimed, 4);
    put_file(f, file, file_size);
    assert_bad_npz(f, 0, "member a.npy: 40000000");
    assert_bad_npz(f, 0, "cannot come from");
    free(file);
  }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_npy_round_trip),
      TEST(test_npz_round_trip),
      TEST(test_headers_equal_numpy),
      TEST(test_equal_arrays_give_equal_files),
      TEST(test_refused_writes),
      TEST(test_system_errors),
      TEST(test_headers_that_python_could_write),
      TEST(test_fortran_order),
      TEST(test_big_endian),
      TEST(test_hostile_headers),
      TEST(test_hostile_beginnings),
      TEST(test_deflated_members),
      TEST(test_hostile_archives),
      TEST(test_limit_covers_all_members),
      TEST(test_two_members_of_one_name),
      TEST(test_damaged_archives),
      TEST(test_zip_bombs),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
