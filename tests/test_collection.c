/* Collections: every layout on disk, plain and compressed, what is refused and how, the rendered
   world, and the published data sets where they are. */
#include <lzma.h>
#include <math.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <cutlab/collection.h>
#include <cutlab/experiment.h>

#include "base/file.h"
#include "data/compressed.h"
#include "fixture.h"

/* Files */

static char *path_of(const fixture *f, const char *name) {
  char *path = cutlab_path_join(f->context, f->folder, name);
  assert_non_null(path);
  return path;
}

static void put(const fixture *f, const char *name, const void *bytes, size_t size) {
  char *path = path_of(f, name);
  FILE *file = fopen(path, "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(bytes, 1, size, file), size);
  assert_int_equal(fclose(file), 0);
  free(path);
}

/* `start`, then zeros up to `size`; the zeros take no room on disk. */
static void put_sparse(const fixture *f, const char *name, const void *start, size_t start_size,
                       int64_t size) {
  put(f, name, start, start_size);
  char *path = path_of(f, name);
  assert_int_equal(truncate(path, size), 0);
  free(path);
}

static void patch(const fixture *f, const char *name, long at, unsigned char byte) {
  char *path = path_of(f, name);
  FILE *file = fopen(path, "r+b");
  assert_non_null(file);
  assert_int_equal(fseek(file, at, SEEK_SET), 0);
  assert_int_equal(fputc(byte, file), byte);
  assert_int_equal(fclose(file), 0);
  free(path);
}

static void take_away(const fixture *f, const char *name) {
  char *path = path_of(f, name);
  assert_int_equal(unlink(path), 0);
  free(path);
}

static void make_folder(const fixture *f, const char *name) {
  char *path = path_of(f, name);
  assert_int_equal(cutlab_folder_make(f->context, path), CUTLAB_OK);
  free(path);
}

static size_t compress_gzip(unsigned char *to, size_t room, const void *bytes, size_t size) {
  z_stream z = {.next_in = (unsigned char *)(uintptr_t)bytes,
                .avail_in = (unsigned)size,
                .next_out = to,
                .avail_out = (unsigned)room};
  assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
  size = z.total_out;
  deflateEnd(&z);
  return size;
}

static size_t compress_xz(unsigned char *to, size_t room, const void *bytes, size_t size) {
  size_t at = 0;
  assert_int_equal(lzma_easy_buffer_encode(6, LZMA_CHECK_CRC64, NULL, bytes, size, to, &at, room),
                   LZMA_OK);
  return at;
}

typedef size_t (*compressor)(unsigned char *to, size_t room, const void *bytes, size_t size);

static void put_compressed(const fixture *f, const char *name, compressor compress,
                           const void *bytes, size_t size) {
  size_t room = size + size / 8 + 4096;
  unsigned char *to = malloc(room);
  assert_non_null(to);
  put(f, name, to, compress(to, room, bytes, size));
  free(to);
}

static void put_array(const fixture *f, const char *name, cutlab_dtype dtype, int rank,
                      const int64_t *shape, void *data) {
  cutlab_array array = {.dtype = dtype, .rank = rank, .data = data};
  memcpy(array.shape, shape, (size_t)rank * sizeof *shape);
  char *path = path_of(f, name);
  assert_int_equal(cutlab_npy_write(f->context, path, &array), CUTLAB_OK);
  free(path);
}

/* Opening */

/* Opens FOLDER/source.path. */
static cutlab_status open_with(const fixture *f, cutlab_collection *c,
                               cutlab_collection_source source) {
  char *path = source.path ? path_of(f, source.path) : NULL;
  source.path = path;
  cutlab_status status = cutlab_collection_open(f->context, c, &source);
  free(path);
  return status;
}

static void open_well(const fixture *f, cutlab_collection *c, cutlab_collection_source source) {
  if (open_with(f, c, source) != CUTLAB_OK) fail_msg("%s", cutlab_context_message(f->context));
}

static void refuse(const fixture *f, cutlab_collection_source source, cutlab_status status,
                   const char *message) {
  cutlab_collection c;
  cutlab_status got = open_with(f, &c, source);
  if (got == CUTLAB_OK) cutlab_collection_clear(&c);
  assert_int_equal(got, status);
  assert_message(f->context, message);
  assert_null(c.train.pixels);
  assert_null(c.class_names);
}

static void assert_sizes(const cutlab_collection *c, int64_t channels, int64_t height,
                         int64_t width, int64_t train, int64_t test) {
  assert_int_equal(c->channels, channels);
  assert_int_equal(c->height, height);
  assert_int_equal(c->width, width);
  assert_int_equal(c->train.count, train);
  assert_int_equal(c->test.count, test);
}

/* Decompression */

static cutlab_status decompress(const fixture *f, const char *name, int64_t limit,
                                unsigned char **bytes, int64_t *size) {
  char *path = path_of(f, name);
  FILE *stream = fopen(path, "rb");
  assert_non_null(stream);
  cutlab_status status = cutlab_decompress(f->context, bytes, size, stream, path, limit);
  fclose(stream);
  if (status != CUTLAB_OK) assert_message(f->context, path);
  free(path);
  return status;
}

static void check_decompressed(const fixture *f, const char *name, const unsigned char *expected,
                               int64_t size) {
  unsigned char *bytes;
  int64_t got;
  assert_int_equal(decompress(f, name, size, &bytes, &got), CUTLAB_OK);
  assert_int_equal(got, size);
  assert_memory_equal(bytes, expected, (size_t)size);
  free(bytes);
  assert_int_equal(decompress(f, name, size - 1, &bytes, &got), CUTLAB_ERROR_FORMAT);
  assert_message(f->context, "which is the limit");
  assert_null(bytes);
}

/* Cut anywhere or with one byte changed, a file is refused or, where the change does not matter,
   gives the same bytes. */
static void check_damaged(const fixture *f, compressor compress, const unsigned char *plain,
                          size_t size) {
  unsigned char packed[4096], *bytes;
  int64_t got;
  size_t length = compress(packed, sizeof packed, plain, size);
  for (size_t cut = 6; cut < length; ++cut) {
    put(f, "cut", packed, cut);
    assert_int_equal(decompress(f, "cut", 1 << 20, &bytes, &got), CUTLAB_ERROR_FORMAT);
    assert_message(f->context, "truncated");
  }
  int refused = 0;
  for (size_t at = 6; at < length; ++at) {
    packed[at] ^= 0x5a;
    put(f, "changed", packed, length);
    cutlab_status status = decompress(f, "changed", 1 << 20, &bytes, &got);
    packed[at] ^= 0x5a;
    refused += status != CUTLAB_OK;
    if (status != CUTLAB_OK) continue;
    assert_int_equal(got, size);
    assert_memory_equal(bytes, plain, size);
    free(bytes);
  }
  assert_true(refused > (int)length / 2);
}

static void test_decompression(void **state) {
  const fixture *f = *state;
  enum { size = 3000000, small = 600 };
  unsigned char *plain = malloc(size);
  assert_non_null(plain);
  for (int i = 0; i < size; ++i)
    plain[i] = (unsigned char)((unsigned)i * (unsigned)i / 7 ^ (unsigned)i >> 9);
  put_compressed(f, "a", compress_gzip, plain, size);
  check_decompressed(f, "a", plain, size);
  put_compressed(f, "b", compress_xz, plain, size);
  check_decompressed(f, "b", plain, size);
  check_damaged(f, compress_gzip, plain, small);
  check_damaged(f, compress_xz, plain, small);
  /* Members one after the other, as `cat a.gz b.gz` makes them. */
  unsigned char both[4096];
  size_t first = compress_gzip(both, sizeof both, plain, small / 2);
  size_t second = compress_gzip(both + first, sizeof both - first, plain + small / 2, small / 2);
  put(f, "c", both, first + second);
  check_decompressed(f, "c", plain, small);
  both[first + second] = 'x';
  put(f, "d", both, first + second + 1);
  unsigned char *bytes;
  int64_t got;
  assert_int_equal(decompress(f, "d", 1 << 20, &bytes, &got), CUTLAB_ERROR_FORMAT);
  /* Zeros after the last member are padding; anything after them is not. */
  size_t padded = (1 << 17) + 5; /* more than is read at once */
  unsigned char *tape = calloc(padded, 1);
  assert_non_null(tape);
  memcpy(tape, both, first + second);
  put(f, "e", tape, padded);
  check_decompressed(f, "e", plain, small);
  put(f, "e", tape, first + second + 1);
  check_decompressed(f, "e", plain, small);
  tape[padded - 1] = 'x';
  put(f, "e", tape, padded);
  assert_int_equal(decompress(f, "e", 1 << 20, &bytes, &got), CUTLAB_ERROR_FORMAT);
  free(tape);
  free(plain);
}

/* 64 MiB of zeros in some KB: refused after little more than the limit. */
static void test_bombs(void **state) {
  const fixture *f = *state;
  enum { size = 1 << 26 };
  unsigned char *zeros = calloc(size, 1);
  assert_non_null(zeros);
  put_compressed(f, "a.bin.xz", compress_xz, zeros, size);
  put_compressed(f, "a.bin.gz", compress_gzip, zeros, size);
  free(zeros);
  for (int i = 0; i < 2; ++i) {
    char *path = path_of(f, i ? "a.bin.gz" : "a.bin.xz");
    const cutlab_image_limits limits = {.bytes = 1 << 20};
    cutlab_images images;
    assert_int_equal(cutlab_images_read(f->context, &images, path, &limits), CUTLAB_ERROR_FORMAT);
    assert_message(f->context, "decompresses to more than");
    free(path);
  }
}

static void test_compressed_images(void **state) {
  const fixture *f = *state;
  unsigned char idx[16 + 24] = {0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4};
  const unsigned char labels[10] = {0, 0, 8, 1, 0, 0, 0, 2, 7, 3};
  for (unsigned char i = 0; i < 24; ++i) idx[16 + i] = i;
  put_compressed(f, "x-images-idx3-ubyte.gz", compress_gzip, idx, sizeof idx);
  put_compressed(f, "x-labels-idx1-ubyte.xz", compress_xz, labels, sizeof labels);
  char *path = path_of(f, "x-images-idx3-ubyte.gz");
  cutlab_images images;
  assert_int_equal(cutlab_images_read(f->context, &images, path, NULL), CUTLAB_OK);
  assert_string_equal(images.format, "idx");
  assert_memory_equal(images.pixels.data, idx + 16, 24);
  assert_int_equal(images.labels[0], 7);
  assert_int_equal(images.labels[1], 3);
  cutlab_images_clear(&images);
  free(path);

  float values[6] = {1, 2, 3, 4, 5, 6};
  put_array(f, "v.npy", CUTLAB_FLOAT32, 2, (int64_t[]){2, 3}, values);
  char *bytes;
  size_t size;
  path = path_of(f, "v.npy");
  assert_int_equal(cutlab_file_read(f->context, &bytes, &size, path, 0), CUTLAB_OK);
  free(path);
  put_compressed(f, "v.xz", compress_xz, bytes, size);
  free(bytes);
  path = path_of(f, "v.xz");
  assert_int_equal(cutlab_images_read(f->context, &images, path, NULL), CUTLAB_OK);
  assert_memory_equal(images.pixels.data, values, sizeof values);
  cutlab_images_clear(&images);
  free(path);

  put_compressed(f, "p.gz", compress_gzip, "\x89PNG\r\n\x1a\n and so on", 18);
  path = path_of(f, "p.gz");
  assert_int_equal(cutlab_images_read(f->context, &images, path, NULL), CUTLAB_ERROR_FORMAT);
  assert_message(f->context, "a compressed image");
  free(path);
}

/* Published layouts, made of zeros */

enum { cifar_bytes = 30730000, cifar_record = 3073 };

static void make_cifar10(const fixture *f, const char *folder) {
  make_folder(f, folder);
  for (int i = 1; i <= 6; ++i) {
    char name[64];
    unsigned char record[cifar_record] = {(unsigned char)i};
    for (int p = 0; p < 1024; ++p) {
      record[1 + p] = (unsigned char)p;
      record[1 + 1024 + p] = (unsigned char)(p + 1);
      record[1 + 2048 + p] = (unsigned char)(p >> 2);
    }
    snprintf(name, sizeof name, i < 6 ? "%s/data_batch_%d.bin" : "%s/test_batch.bin", folder, i);
    put_sparse(f, name, record, sizeof record, cifar_bytes);
  }
}

static void check_cifar10(const cutlab_collection *c) {
  assert_sizes(c, 3, 32, 32, 50000, 10000);
  assert_int_equal(c->classes, 10);
  assert_string_equal(c->class_names[9], "truck");
  for (int i = 0; i < 5; ++i) {
    assert_int_equal(c->train.labels[10000 * i], i + 1);
    assert_int_equal(c->train.labels[10000 * i + 1], 0);
  }
  assert_int_equal(c->test.labels[0], 6);
  const uint8_t *pixels = (const uint8_t *)c->train.pixels + INT64_C(30000) * 3072;
  assert_int_equal(pixels[37], 37); /* planes as on disk */
  assert_int_equal(pixels[1024 + 37], 38);
  assert_int_equal(pixels[2048 + 37], 9);
}

static void test_cifar10(void **state) {
  const fixture *f = *state;
  cutlab_collection c;
  make_cifar10(f, "data/cifar-10-batches-bin");
  const cutlab_collection_source source = {.dataset = "cifar10", .path = "data"};
  open_well(f, &c, source);
  check_cifar10(&c);
  uint64_t whole = c.fingerprint;
  cutlab_collection_clear(&c);
  assert_int_equal(cutlab_context_set_threads(f->context, 3), CUTLAB_OK);
  open_well(f, &c,
            (cutlab_collection_source){.dataset = "cifar10", .path = "data/cifar-10-batches-bin"});
  check_cifar10(&c);
  assert_true(c.fingerprint == whole);
  cutlab_collection_clear(&c);
  /* The first ones need the first file alone. */
  take_away(f, "data/cifar-10-batches-bin/data_batch_5.bin");
  const cutlab_collection_source some = {
      .dataset = "cifar10", .path = "data", .train_examples = 10002, .test_examples = 1};
  open_well(f, &c, some);
  assert_sizes(&c, 3, 32, 32, 10002, 1);
  assert_int_equal(c.train.labels[10000], 2);
  cutlab_collection_clear(&c);
  refuse(f, source, CUTLAB_ERROR_IO, "data_batch_5.bin is missing, and so are data_batch_5.bin.xz");
}

static void test_refused_cifar10(void **state) {
  const fixture *f = *state;
  make_cifar10(f, "c");
  const cutlab_collection_source source = {.dataset = "cifar10", .path = "c"};
  patch(f, "c/data_batch_3.bin", 17 * cifar_record, 10);
  refuse(f, source, CUTLAB_ERROR_FORMAT, "record 17 (byte 52241): label 10; accepted: 0 to 9");
  patch(f, "c/data_batch_3.bin", 17 * cifar_record, 9);
  put_sparse(f, "c/test_batch.bin", "", 0, cifar_bytes - cifar_record);
  refuse(f, source, CUTLAB_ERROR_FORMAT, "too short: 30726927 bytes; accepted: 30730000");
  put_sparse(f, "c/test_batch.bin", "", 0, cifar_bytes + 1);
  refuse(f, source, CUTLAB_ERROR_FORMAT, "too long: 30730001 bytes");
  take_away(f, "c/test_batch.bin");
  put(f, "c/test_batch.bin.xz",
      "\xfd"
      "7zXZ\0garbage",
      13);
  refuse(f, source, CUTLAB_ERROR_FORMAT, "test_batch.bin.xz: the xz data is");
  put(f, "c/test_batch.bin.xz",
      "\xfd"
      "7zX",
      4);
  refuse(f, source, CUTLAB_ERROR_FORMAT, "too short: 4 bytes");
  refuse(f, (cutlab_collection_source){.dataset = "cifar10", .path = "nowhere"}, CUTLAB_ERROR_IO,
         "nowhere: No such file");
}

static void test_cifar100(void **state) {
  const fixture *f = *state;
  cutlab_collection c;
  make_folder(f, "h");
  const unsigned char start[2] = {19, 99};
  put_sparse(f, "h/train.bin", start, 2, INT64_C(50000) * 3074);
  put_sparse(f, "h/test.bin", start, 2, INT64_C(10000) * 3074);
  const cutlab_collection_source source = {.dataset = "cifar100", .path = "h"};
  open_well(f, &c, source);
  assert_sizes(&c, 3, 32, 32, 50000, 10000);
  assert_int_equal(c.classes, 100);
  assert_int_equal(c.train.labels[0], 99); /* the fine one */
  cutlab_collection_clear(&c);
  patch(f, "h/test.bin", 3074, 20);
  refuse(f, source, CUTLAB_ERROR_FORMAT, "record 1 (byte 3074): label 20");
}

static void make_mnist(const fixture *f) {
  const unsigned char train[19] = {0, 0, 8, 3, 0, 0, 0xea, 0x60, 0, 0, 0, 28, 0, 0, 0, 28, 9, 8, 7};
  const unsigned char test[19] = {0, 0, 8, 3, 0, 0, 0x27, 0x10, 0, 0, 0, 28, 0, 0, 0, 28, 1, 2, 3};
  const unsigned char train_labels[10] = {0, 0, 8, 1, 0, 0, 0xea, 0x60, 5, 6};
  unsigned char *test_labels = calloc(10008, 1);
  assert_non_null(test_labels);
  memcpy(test_labels, "\0\0\x08\x01\0\0\x27\x10\x04", 9);
  put_sparse(f, "train-images-idx3-ubyte", train, sizeof train, 47040016);
  put_sparse(f, "t10k-images-idx3-ubyte", test, sizeof test, 7840016);
  put_sparse(f, "train-labels-idx1-ubyte", train_labels, sizeof train_labels, 60008);
  put_compressed(f, "t10k-labels-idx1-ubyte.gz", compress_gzip, test_labels, 10008);
  free(test_labels);
}

static void test_mnist(void **state) {
  const fixture *f = *state;
  cutlab_collection c;
  make_mnist(f);
  refuse(f, (cutlab_collection_source){.dataset = "mnist"}, CUTLAB_ERROR_ARGUMENT,
         "mnist without a path");
  const cutlab_collection_source here = {.dataset = "mnist", .path = "."};
  open_well(f, &c, here);
  assert_sizes(&c, 1, 28, 28, 60000, 10000);
  assert_memory_equal(c.train.pixels, "\x09\x08\x07\0", 4);
  assert_memory_equal(c.test.pixels, "\x01\x02\x03\0", 4);
  assert_int_equal(c.train.labels[0], 5);
  assert_int_equal(c.train.labels[1], 6);
  assert_int_equal(c.test.labels[0], 4);
  cutlab_collection_clear(&c);
  patch(f, "train-labels-idx1-ubyte", 8 + 123, 10);
  refuse(f, here, CUTLAB_ERROR_FORMAT, "label 10 of example 123; accepted: 0 to 9");
  patch(f, "train-labels-idx1-ubyte", 8 + 123, 0);
  patch(f, "train-images-idx3-ubyte", 3, 1);
  refuse(f, here, CUTLAB_ERROR_FORMAT, "IDX of 1 axes");
}

static void test_verify(void **state) {
  const fixture *f = *state;
  char *report;
  make_mnist(f);
  const cutlab_collection_source source = {.dataset = "mnist", .path = f->folder};
  assert_int_equal(cutlab_collection_verify(f->context, &report, &source), CUTLAB_ERROR_FORMAT);
  assert_message(f->context, "4 of 4 files of mnist are wrong");
  assert_non_null(strstr(report, "t10k-labels-idx1-ubyte.gz: "));
  assert_non_null(strstr(report, "10,008 decompressed: SHA-256 is "));
  assert_non_null(strstr(report, "published: ff7bcfd416de3373..."));
  cutlab_free(report);
  take_away(f, "train-labels-idx1-ubyte");
  assert_int_equal(cutlab_collection_verify(f->context, &report, &source), CUTLAB_ERROR_FORMAT);
  assert_non_null(strstr(report, "train-labels-idx1-ubyte is missing"));
  cutlab_free(report);
}

/* A user's own files */

static void test_npy(void **state) {
  const fixture *f = *state;
  cutlab_collection c;
  make_folder(f, "n");
  uint8_t pixels[4 * 2 * 3 * 2];
  int64_t labels[4] = {0, 2, 1, 0};
  uint8_t test_labels[2] = {3, 0};
  for (uint8_t i = 0; i < sizeof pixels; ++i) pixels[i] = (uint8_t)(i * 5);
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

/* The published data sets, where they are */

static bool find_data(char *path, size_t capacity, const char *name) {
  const char *root = getenv("CUTLAB_DATA");
  snprintf(path, capacity, "%s/%s", root ? root : CUTLAB_SOURCE_DIR "/../shared/data", name);
  return access(path, R_OK) == 0;
}

static void test_published(void **state) {
  const fixture *f = *state;
  static const struct {
    const char *dataset, *folder, *last_line;
  } sets[] = {{"mnist", "mnist", "mnist: 60,000 train, 10,000 test, 10 classes: ok\n"},
              {"cifar10", "cifar-10", "cifar10: 50,000 train, 10,000 test, 10 classes: ok\n"}};
  assert_int_equal(cutlab_context_set_threads(f->context, 0), CUTLAB_OK);
  for (int i = 0; i < 2; ++i) {
    char path[4096], *report;
    if (!find_data(path, sizeof path, sets[i].folder)) {
      print_message("skipped: no %s in CUTLAB_DATA or ../shared/data\n", sets[i].folder);
      continue;
    }
    const cutlab_collection_source source = {.dataset = sets[i].dataset, .path = path};
    if (cutlab_collection_verify(f->context, &report, &source) != CUTLAB_OK)
      fail_msg("%s", report ? report : cutlab_context_message(f->context));
    assert_non_null(strstr(report, sets[i].last_line));
    cutlab_free(report);
  }
}

static void test_published_measures(void **state) {
  const fixture *f = *state;
  char path[4096];
  cutlab_collection c;
  if (!find_data(path, sizeof path, "mnist")) {
    print_message("skipped: no MNIST in CUTLAB_DATA or ../shared/data\n");
    return;
  }
  const cutlab_collection_source source = {.dataset = "mnist", .path = path};
  assert_int_equal(cutlab_collection_open(f->context, &c, &source), CUTLAB_OK);
  assert_float_equal(c.mean[0], .1306604762738429, 1e-12); /* as NumPy has them */
  assert_float_equal(c.deviation[0], .30810780385646264, 1e-12);
  assert_int_equal(c.test.labels[0], 7);
  cutlab_collection_clear(&c);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_up, fixture_down)

int main(void) {
  const struct CMUnitTest tests[] = {TEST(test_decompression),
                                     TEST(test_bombs),
                                     TEST(test_compressed_images),
                                     TEST(test_cifar10),
                                     TEST(test_refused_cifar10),
                                     TEST(test_cifar100),
                                     TEST(test_mnist),
                                     TEST(test_verify),
                                     TEST(test_npy),
                                     TEST(test_npy_axes),
                                     TEST(test_refused_npy),
                                     TEST(test_npz),
                                     TEST(test_folder),
                                     TEST(test_refused_sources),
                                     TEST(test_world),
                                     TEST(test_world_fixed),
                                     TEST(test_world_from_yaml),
                                     TEST(test_published),
                                     TEST(test_published_measures)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
