/* Event files: checksums, framing, and the fields of what stands in the frames. */

#include <unistd.h>

#include "fixture.h"
#include "train/events.h"

static uint64_t little_endian(const unsigned char *bytes, int count) {
  uint64_t value = 0;
  for (int i = 0; i < count; ++i) value |= (uint64_t)bytes[i] << 8 * i;
  return value;
}

static uint32_t unmask(uint32_t masked) {
  uint32_t rotated = masked - 0xa282ead8u;
  return rotated >> 17 | rotated << 15;
}

/* RFC 3720, appendix B.4, and the check value of the catalogues. */
static void test_crc(void **state) {
  (void)state;
  unsigned char data[32] = {0};
  assert_int_equal(cutlab_crc32c(data, 32), 0x8a9136aa);
  memset(data, 0xff, 32);
  assert_int_equal(cutlab_crc32c(data, 32), 0x62a8ab43);
  for (int i = 0; i < 32; ++i) data[i] = (unsigned char)i;
  assert_int_equal(cutlab_crc32c(data, 32), 0x46dd794e);
  for (int i = 0; i < 32; ++i) data[i] = (unsigned char)(31 - i);
  assert_int_equal(cutlab_crc32c(data, 32), 0x113fdb5c);
  assert_int_equal(cutlab_crc32c("123456789", 9), 0xe3069283);
  assert_int_equal(cutlab_crc32c("", 0), 0);
}

/* Checks one frame; returns the first byte after it. */
static const unsigned char *read_record(const unsigned char *at, const unsigned char *end,
                                        const unsigned char **data, size_t *size) {
  assert_true(end - at >= 16);
  *size = little_endian(at, 8);
  assert_true(*size <= (size_t)(end - at) - 16);
  *data = at + 12;
  assert_int_equal(unmask((uint32_t)little_endian(at + 8, 4)), cutlab_crc32c(at, 8));
  assert_int_equal(unmask((uint32_t)little_endian(*data + *size, 4)), cutlab_crc32c(*data, *size));
  return *data + *size + 4;
}

/* The path of the last event file in the folder, by name. */
static void last_file(char path[512], const char *folder) {
  struct dirent **entries;
  int count = scandir(folder, &entries, NULL, alphasort);
  assert_true(count > 0);
  snprintf(path, 512, "%s/%s", folder, entries[count - 1]->d_name);
  for (int i = 0; i < count; ++i) free(entries[i]);
  free(entries);
  assert_non_null(strstr(path, "tfevents"));
}

static size_t read_file(unsigned char *data, size_t size, const char *path) {
  FILE *file = fopen(path, "rb");
  assert_non_null(file);
  size = fread(data, 1, size, file);
  fclose(file);
  return size;
}

static void test_file(void **state) {
  fixture *f = *state;
  cutlab_events *events;
  assert_int_equal(cutlab_events_open(f->context, &events, f->folder), CUTLAB_OK);
  assert_int_equal(cutlab_events_scalar(f->context, events, "loss", 300, 1.5, .25), CUTLAB_OK);
  unsigned char data[512];
  char path[512];
  last_file(path, f->folder);
  size_t size = read_file(data, sizeof data, path); /* before closing: a live view sees it */
  cutlab_events_close(events);
  const unsigned char *end = data + size, *event;
  const unsigned char *next = read_record(data, end, &event, &size);
  assert_int_equal(size, 9 + 2 + 13);
  assert_int_equal(event[0], 0x09);
  assert_memory_equal(event + 9,
                      "\x1a\x0d"
                      "brain.Event:2",
                      15);
  next = read_record(next, end, &event, &size);
  static const unsigned char expected[] = {
      0x09, 0,    0,    0,    0,    0,    0,   0xf8, 0x3f,      /* wall_time 1.5 */
      0x10, 0xac, 0x02,                                         /* step 300 */
      0x2a, 0x0d, 0x0a, 0x0b, 0x0a, 0x04, 'l', 'o',  's',  's', /* summary, value, tag */
      0x15, 0,    0,    0x80, 0x3e};                            /* simple_value .25 */
  assert_int_equal(size, sizeof expected);
  assert_memory_equal(event, expected, sizeof expected);
  assert_ptr_equal(next, end);
}

/* A second writer starts a file of its own, later in the order of names. */
static void test_resume(void **state) {
  fixture *f = *state;
  cutlab_events *first, *second;
  char before[512], after[512];
  assert_int_equal(cutlab_events_open(f->context, &first, f->folder), CUTLAB_OK);
  last_file(before, f->folder);
  cutlab_events_close(first);
  assert_int_equal(cutlab_events_open(f->context, &second, f->folder), CUTLAB_OK);
  last_file(after, f->folder);
  cutlab_events_close(second);
  assert_int_equal(temporary_entries(f->folder), 2);
  assert_true(strcmp(before, after) < 0);
}

static void test_failures(void **state) {
  fixture *f = *state;
  cutlab_events *events;
  char missing[512], tag[300];
  snprintf(missing, sizeof missing, "%s/missing", f->folder);
  assert_int_equal(cutlab_events_open(f->context, &events, missing), CUTLAB_ERROR_IO);
  assert_null(events);
  assert_message(f->context, "missing/events.out");
  cutlab_events_close(NULL);
  assert_int_equal(cutlab_events_open(f->context, &events, f->folder), CUTLAB_OK);
  memset(tag, 'x', sizeof tag);
  tag[256] = '\0';
  assert_int_equal(cutlab_events_scalar(f->context, events, tag, 0, 0, 0), CUTLAB_ERROR_ARGUMENT);
  assert_message(f->context, "256 bytes");
  tag[255] = '\0';
  assert_int_equal(cutlab_events_scalar(f->context, events, tag, INT64_MAX, 0, 0), CUTLAB_OK);
  cutlab_events_close(events);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_crc),
      cmocka_unit_test_setup_teardown(test_file, fixture_up, fixture_down),
      cmocka_unit_test_setup_teardown(test_resume, fixture_up, fixture_down),
      cmocka_unit_test_setup_teardown(test_failures, fixture_up, fixture_down)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
