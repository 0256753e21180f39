/* Hostile images: files cut or changed at every byte, claims of size, limits, foreign files. */
#include <errno.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "image_files.h"

enum { hostile_kinds = 8 };

static buffer small_npy(const fixture *f) {
  static uint8_t data[24];
  put_array(f, "array", CUTLAB_UINT8, 3, (int64_t[]){2, 3, 4}, data);
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_up, fixture_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_cut_at_every_byte), TEST(test_changed_at_every_byte),
      TEST(test_claims_of_size),    TEST(test_limits),
      TEST(test_foreign_files),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
