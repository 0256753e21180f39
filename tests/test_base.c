/* The base room: messages, threads, allocation, files, JSON numbers. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cutlab/version.h>

#include "base/file.h"
#include "base/json.h"
#include "fixture.h"

static void test_messages(void **state) {
  fixture *f = *state;
  assert_string_equal(cutlab_context_message(f->context), "");
  assert_int_equal(cutlab_fail(f->context, CUTLAB_ERROR_IO, "one\ntwo\r%s", "three\n"),
                   CUTLAB_ERROR_IO);
  assert_string_equal(cutlab_context_message(f->context), "one two three ");
  cutlab_fail(f->context, CUTLAB_ERROR_IO, "[%s]", cutlab_context_message(f->context));
  assert_string_equal(cutlab_context_message(f->context), "[one two three ]");
  char name[5000];
  memset(name, 'x', sizeof name);
  name[sizeof name - 1] = '\0';
  cutlab_fail(f->context, CUTLAB_ERROR_IO, "%s", name);
  assert_in_range(strlen(cutlab_context_message(f->context)), 500, sizeof name - 2);
  cutlab_context *worker;
  assert_int_equal(cutlab_context_fork(&worker, f->context), CUTLAB_OK);
  cutlab_fail(worker, CUTLAB_ERROR_NUMERIC, "from a worker");
  assert_int_equal(cutlab_fail_from(f->context, CUTLAB_ERROR_NUMERIC, worker),
                   CUTLAB_ERROR_NUMERIC);
  cutlab_context_free(worker);
  assert_string_equal(cutlab_context_message(f->context), "from a worker");
}

static void test_status_texts(void **state) {
  (void)state;
  assert_string_equal(cutlab_status_text(CUTLAB_OK), "success");
  assert_string_equal(cutlab_status_text(CUTLAB_CANCELLED), "cancelled");
  assert_string_equal(cutlab_status_text((cutlab_status)99), "unknown status");
  char version[32];
  snprintf(version, sizeof version, "%d.%d.%d", CUTLAB_VERSION_MAJOR, CUTLAB_VERSION_MINOR,
           CUTLAB_VERSION_PATCH);
  assert_string_equal(cutlab_version(), version);
}

static void keep_message(void *user, const char *message) {
  snprintf(user, 64, "%s", message);
}

static void test_warnings(void **state) {
  fixture *f = *state;
  char kept[64] = "";
  cutlab_warn(f->context, "dropped");
  cutlab_context_set_warning(f->context, keep_message, kept);
  cutlab_warn(f->context, "a\nwarning %d", 7);
  assert_string_equal(kept, "a warning 7");
  assert_string_equal(cutlab_context_message(f->context), "");
}

static int cancel_at_three(void *user, const cutlab_progress *progress) {
  *(int64_t *)user = progress->done;
  return progress->done == 3;
}

static void test_progress_cancels(void **state) {
  fixture *f = *state;
  int64_t seen = 0;
  assert_int_equal(cutlab_report_progress(f->context, "steps", 3, 9), CUTLAB_OK);
  cutlab_context_set_progress(f->context, cancel_at_three, &seen);
  assert_int_equal(cutlab_report_progress(f->context, "steps", 2, 9), CUTLAB_OK);
  assert_int_equal(seen, 2);
  assert_int_equal(cutlab_report_progress(f->context, "steps", 3, 9), CUTLAB_CANCELLED);
  assert_message(f->context, "steps");
}

static void test_thread_limits(void **state) {
  fixture *f = *state;
  assert_int_equal(cutlab_context_threads(f->context), 1);
  assert_int_equal(cutlab_context_set_threads(f->context, 1024), CUTLAB_OK);
  assert_int_equal(cutlab_context_threads(f->context), 1024);
  static const int refused[] = {-1, 1025, INT_MIN, INT_MAX};
  for (int n = 0; n < 4; ++n) {
    char value[16];
    snprintf(value, sizeof value, "%d", refused[n]);
    assert_int_equal(cutlab_context_set_threads(f->context, refused[n]), CUTLAB_ERROR_ARGUMENT);
    assert_message(f->context, value);
    assert_message(f->context, "1024");
  }
  assert_int_equal(cutlab_context_threads(f->context), 1024);
  assert_int_equal(cutlab_context_set_threads(f->context, 0), CUTLAB_OK);
  assert_in_range(cutlab_context_threads(f->context), 1, sysconf(_SC_NPROCESSORS_CONF));
}

static void test_instruction_sets(void **state) {
  fixture *f = *state;
  assert_int_equal(cutlab_context_set_isa(f->context, CUTLAB_ISA_PORTABLE), CUTLAB_OK);
  assert_string_equal(cutlab_context_isa_name(f->context), "portable");
  assert_int_equal(cutlab_context_set_isa(f->context, (cutlab_isa)77), CUTLAB_ERROR_UNSUPPORTED);
  assert_message(f->context, "77");
  assert_string_equal(cutlab_context_isa_name(f->context), "portable");
}

static void test_allocation(void **state) {
  fixture *f = *state;
  for (int64_t count = 0; count < 200; count += 33) {
    unsigned char *memory = cutlab_allocate(f->context, count, 1);
    assert_non_null(memory);
    assert_int_equal((uintptr_t)memory % 64, 0);
    for (int64_t n = 0; n < count; ++n) assert_int_equal(memory[n], 0);
    free(memory);
  }
  assert_null(cutlab_allocate(f->context, INT64_MAX, 8));
  assert_message(f->context, "out of memory");
  assert_message(f->context, "MiB");
}

static void assert_content(const fixture *f, const char *path, const char *expected) {
  char *text;
  size_t size;
  assert_int_equal(cutlab_file_read(f->context, &text, &size, path, 0), CUTLAB_OK);
  assert_int_equal(size, strlen(expected));
  assert_string_equal(text, expected);
  free(text);
}

static void test_write_and_read(void **state) {
  fixture *f = *state;
  char *path = cutlab_path_join(f->context, f->folder, "file");
  assert_false(cutlab_file_exists(path));
  assert_int_equal(cutlab_file_write(f->context, path, "old", 3), CUTLAB_OK);
  assert_true(cutlab_file_exists(path));
  assert_content(f, path, "old");
  assert_int_equal(chmod(path, 0640), 0);
  assert_int_equal(cutlab_file_write(f->context, path, "newer", 5), CUTLAB_OK);
  assert_content(f, path, "newer");
  struct stat status;
  assert_int_equal(stat(path, &status), 0);
  assert_int_equal(status.st_mode & 0777, 0640);
  assert_int_equal(cutlab_file_write(f->context, path, NULL, 0), CUTLAB_OK);
  assert_content(f, path, "");
  assert_int_equal(temporary_entries(f->folder), 1);
  free(path);
}

/* A reader that has the file open keeps the old content: the new one is another file. */
static void test_write_is_atomic(void **state) {
  fixture *f = *state;
  char *path = cutlab_path_join(f->context, f->folder, "file"), old[4] = "";
  assert_int_equal(cutlab_file_write(f->context, path, "old", 3), CUTLAB_OK);
  int fd = open(path, O_RDONLY);
  assert_int_equal(cutlab_file_write(f->context, path, "new", 3), CUTLAB_OK);
  assert_int_equal(read(fd, old, 3), 3);
  close(fd);
  assert_string_equal(old, "old");
  assert_content(f, path, "new");
  free(path);
}

static void test_a_failed_write_leaves_the_old_file(void **state) {
  fixture *f = *state;
  char *path = cutlab_path_join(f->context, f->folder, "file"), big[4096] = "";
  assert_int_equal(cutlab_file_write(f->context, path, "old", 3), CUTLAB_OK);
  struct rlimit before, small;
  assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
  small = before;
  small.rlim_cur = 1000;
  signal(SIGXFSZ, SIG_IGN);
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
  cutlab_status status = cutlab_file_write(f->context, path, big, sizeof big);
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
  assert_int_equal(status, CUTLAB_ERROR_IO);
  assert_message(f->context, path);
  assert_message(f->context, strerror(EFBIG));
  assert_content(f, path, "old");
  assert_int_equal(temporary_entries(f->folder), 1);
  free(path);
}

/* A device is written to, not replaced; /dev/full answers that the disk is full. */
static void test_devices(void **state) {
  fixture *f = *state;
  struct stat status;
  if (stat("/dev/full", &status) != 0 || !S_ISCHR(status.st_mode)) skip();
  assert_int_equal(cutlab_file_write(f->context, "/dev/full", "x", 1), CUTLAB_ERROR_IO);
  assert_message(f->context, "/dev/full: No space left on device");
  char *link = cutlab_path_join(f->context, f->folder, "null");
  assert_int_equal(symlink("/dev/null", link), 0);
  assert_int_equal(cutlab_file_write(f->context, link, "x", 1), CUTLAB_OK);
  assert_int_equal(lstat(link, &status), 0);
  assert_true(S_ISLNK(status.st_mode));
  free(link);
}

static void test_a_link_keeps_pointing(void **state) {
  fixture *f = *state;
  char *path = cutlab_path_join(f->context, f->folder, "file");
  char *link = cutlab_path_join(f->context, f->folder, "link");
  struct stat status;
  assert_int_equal(cutlab_file_write(f->context, path, "old", 3), CUTLAB_OK);
  assert_int_equal(symlink("file", link), 0);
  assert_int_equal(cutlab_file_write(f->context, link, "new", 3), CUTLAB_OK);
  assert_int_equal(lstat(link, &status), 0);
  assert_true(S_ISLNK(status.st_mode));
  assert_content(f, path, "new");
  free(link);
  free(path);
}

static void test_unwritable_places(void **state) {
  fixture *f = *state;
  char *file = cutlab_path_join(f->context, f->folder, "file");
  char *below = cutlab_path_join(f->context, file, "below");
  char *missing = cutlab_path_join(f->context, f->folder, "no\nfolder/x");
  assert_int_equal(cutlab_file_write(f->context, file, "x", 1), CUTLAB_OK);
  assert_int_equal(cutlab_file_write(f->context, below, "x", 1), CUTLAB_ERROR_IO);
  assert_message(f->context, below);
  assert_message(f->context, strerror(ENOTDIR));
  assert_int_equal(cutlab_file_write(f->context, missing, "x", 1), CUTLAB_ERROR_IO);
  assert_message(f->context, strerror(ENOENT));
  assert_int_equal(cutlab_file_write(f->context, f->folder, "x", 1), CUTLAB_ERROR_IO);
  assert_message(f->context, strerror(EISDIR));
  assert_int_equal(cutlab_file_write(f->context, "", "x", 1), CUTLAB_ERROR_IO);
  assert_int_equal(temporary_entries(f->folder), 1);
  if (geteuid() != 0) { /* root may write anywhere */
    char *path = cutlab_path_join(f->context, f->folder, "x");
    assert_int_equal(chmod(f->folder, 0500), 0);
    cutlab_status status = cutlab_file_write(f->context, path, "x", 1);
    assert_int_equal(chmod(f->folder, 0700), 0);
    assert_int_equal(status, CUTLAB_ERROR_IO);
    assert_message(f->context, strerror(EACCES));
    free(path);
  }
  free(missing);
  free(below);
  free(file);
}

static void test_unreadable_files(void **state) {
  fixture *f = *state;
  char *path = cutlab_path_join(f->context, f->folder, "file"), *text;
  size_t size;
  assert_int_equal(cutlab_file_read(f->context, &text, &size, path, 0), CUTLAB_ERROR_IO);
  assert_message(f->context, path);
  assert_message(f->context, strerror(ENOENT));
  assert_int_equal(cutlab_file_read(f->context, &text, &size, f->folder, 0), CUTLAB_ERROR_IO);
  assert_message(f->context, strerror(EISDIR));
  assert_int_equal(cutlab_file_write(f->context, path, "12345", 5), CUTLAB_OK);
  assert_int_equal(cutlab_file_read(f->context, &text, &size, path, 4), CUTLAB_ERROR_IO);
  assert_message(f->context, "at most 4");
  assert_null(text);
  assert_int_equal(cutlab_file_read(f->context, &text, &size, path, 5), CUTLAB_OK);
  free(text);
  /* A device that never ends has no size to check beforehand. */
  assert_int_equal(cutlab_file_read(f->context, &text, &size, "/dev/zero", 1 << 20),
                   CUTLAB_ERROR_IO);
  assert_message(f->context, "at most 1048576");
  free(path);
}

static void test_folders(void **state) {
  fixture *f = *state;
  char *deep = cutlab_path_join(f->context, f->folder, "a/b//c/");
  char *file = cutlab_path_join(f->context, deep, "file");
  assert_non_null(strstr(file, "a/b//c/file"));
  assert_int_equal(cutlab_folder_make(f->context, deep), CUTLAB_OK);
  assert_int_equal(cutlab_folder_make(f->context, deep), CUTLAB_OK);
  assert_int_equal(cutlab_file_write(f->context, file, "x", 1), CUTLAB_OK);
  assert_int_equal(cutlab_folder_make(f->context, file), CUTLAB_ERROR_IO);
  assert_message(f->context, strerror(ENOTDIR));
  assert_int_equal(cutlab_folder_make(f->context, ""), CUTLAB_ERROR_IO);
  free(file);
  free(deep);
}

static void test_json_numbers(void **state) {
  fixture *f = *state;
  static const double values[] = {0.1, 1e300, NAN, INFINITY, 5e-324, -1.0 / 3};
  json_t *object = json_object();
  json_object_set_new(object, "values", cutlab_json_numbers(values, 6));
  json_object_set_new(object, "third", cutlab_json_number(values[5]));
  json_object_set_new(object, "none", cutlab_json_number(NAN));
  char *text;
  assert_int_equal(cutlab_json_text(f->context, &text, object, 0), CUTLAB_OK);
  json_t *back;
  assert_int_equal(cutlab_json_parse(f->context, &back, text, "text"), CUTLAB_OK);
  cutlab_free(text);
  json_t *array = json_object_get(back, "values");
  for (size_t n = 0; n < 6; ++n) {
    if (isfinite(values[n]))
      assert_true(json_number_value(json_array_get(array, n)) == values[n]);
    else
      assert_true(json_is_null(json_array_get(array, n)));
  }
  assert_true(cutlab_json_get_number(back, "third", 0) == values[5]);
  assert_true(isnan(cutlab_json_get_number(back, "none", 0)));
  assert_true(cutlab_json_get_number(back, "absent", 4) == 4);
  json_decref(back);
  assert_int_equal(cutlab_json_parse(f->context, &back, "{\"a\":\n 1,,}", "some.json"),
                   CUTLAB_ERROR_FORMAT);
  assert_message(f->context, "some.json");
  assert_message(f->context, "2");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_up, fixture_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_messages),          TEST(test_status_texts),
      TEST(test_warnings),          TEST(test_progress_cancels),
      TEST(test_thread_limits),     TEST(test_instruction_sets),
      TEST(test_allocation),        TEST(test_write_and_read),
      TEST(test_write_is_atomic),   TEST(test_a_failed_write_leaves_the_old_file),
      TEST(test_devices),           TEST(test_a_link_keeps_pointing),
      TEST(test_unwritable_places), TEST(test_unreadable_files),
      TEST(test_folders),           TEST(test_json_numbers),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
