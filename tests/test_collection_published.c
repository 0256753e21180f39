/* Published data sets: compression, every layout on disk, what is refused and how, and the data
   sets themselves where they are. */
#define ZLIB_CONST
#include <lzma.h>
#include <pthread.h>
#include <unistd.h>
#include <zlib.h>

#include "collections.h"
#include "data/compressed.h"

/* Files */

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

static size_t compress_gzip(unsigned char *to, size_t room, const void *bytes, size_t size) {
  z_stream z = {
      .next_in = bytes, .avail_in = (unsigned)size, .next_out = to, .avail_out = (unsigned)room};
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
  const unsigned char test_labels[10008] = {0, 0, 8, 1, 0, 0, 0x27, 0x10, 4};
  put_sparse(f, "train-images-idx3-ubyte", train, sizeof train, 47040016);
  put_sparse(f, "t10k-images-idx3-ubyte", test, sizeof test, 7840016);
  put_sparse(f, "train-labels-idx1-ubyte", train_labels, sizeof train_labels, 60008);
  put_compressed(f, "t10k-labels-idx1-ubyte.gz", compress_gzip, test_labels, sizeof test_labels);
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

typedef struct listener {
  pthread_t caller;
  int64_t at; /* cancels once so many files are read */
  int64_t told;
} listener;

static int stop_at(void *user, const cutlab_progress *progress) {
  listener *l = user;
  if (!pthread_equal(l->caller, pthread_self())) fail_msg("told on another thread");
  l->told = progress->done;
  return progress->done >= l->at;
}

/* Between the blocks of a compressed file, here of the third of four. */
static void test_cancelled(void **state) {
  const fixture *f = *state;
  enum { test_bytes = 7840016 };
  static unsigned char test[test_bytes] = {0, 0, 8, 3, 0, 0, 0x27, 0x10, 0, 0, 0, 28, 0, 0, 0, 28};
  listener l = {.caller = pthread_self(), .at = 2};
  const cutlab_collection_source here = {.dataset = "mnist", .path = "."};
  make_mnist(f);
  take_away(f, "t10k-images-idx3-ubyte");
  put_compressed(f, "t10k-images-idx3-ubyte.gz", compress_gzip, test, test_bytes);
  cutlab_context_set_progress(f->context, stop_at, &l);
  refuse(f, here, CUTLAB_CANCELLED, "cancelled: reading the data set at 2");
  assert_int_equal(l.told, 2);
  for (l.at = 0; l.at < 4; ++l.at) {
    assert_int_equal(cutlab_context_set_threads(f->context, 2 + (int)l.at), CUTLAB_OK);
    refuse(f, here, CUTLAB_CANCELLED, "cancelled: reading the data set at ");
    assert_true(l.told >= l.at);
  }
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
  const struct CMUnitTest tests[] = {
      TEST(test_decompression),
      TEST(test_bombs),
      TEST(test_compressed_images),
      TEST(test_cifar10),
      TEST(test_refused_cifar10),
      TEST(test_cifar100),
      TEST(test_mnist),
      TEST(test_verify),
      TEST(test_cancelled),
      TEST(test_published),
      TEST(test_published_measures),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
