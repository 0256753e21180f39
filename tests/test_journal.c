/* Journals: those that cannot be used, and rows that are damaged. */
#include "sweep_folder.h"

#include <sqlite3.h>

#include "sweep/journal.h"

static void expect_refused(fixture *f, cutlab_sweep *sweep, cutlab_status wanted,
                           const char *message) {
  assert_int_equal(cutlab_sweep_run(sweep, sub(f, "a"), NULL), wanted);
  assert_message(f->context, message);
}

static void write_bytes(const char *path, long at, const void *bytes, size_t size) {
  FILE *file = fopen(path, "r+b");
  assert_non_null(file);
  assert_int_equal(fseek(file, at, SEEK_SET), 0);
  assert_int_equal(fwrite(bytes, 1, size, file), size);
  assert_int_equal(fclose(file), 0);
}

static void foreign_journals_are_refused(void **state) {
  fixture *f = *state;
  cutlab_sweep *sweep = load(f, SMALL);
  const char *path = sub(f, "a/journal.sqlite");
  char journal[256];
  snprintf(journal, sizeof journal, "%s", path);
  expect_run(f, sweep, sub(f, "a"), 0, 0);
  write_bytes(journal, 60, "\0\0\0\7", 4); /* user_version */
  expect_refused(f, sweep, CUTLAB_ERROR_FORMAT, "journal of format version 7");
  write_bytes(journal, 68, "abcd", 4); /* application_id */
  size_t size, same;
  char *before = content(f, sub(f, "a"), "journal.sqlite", &size);
  expect_refused(f, sweep, CUTLAB_ERROR_FORMAT, "another program's database");
  char *after = content(f, sub(f, "a"), "journal.sqlite", &same);
  assert_int_equal(size, same);
  assert_memory_equal(before, after, size);
  free(before);
  free(after);
  write_bytes(journal, 0, "no database", 11);
  expect_refused(f, sweep, CUTLAB_ERROR_FORMAT, "is not a journal of a sweep, or corrupt");
  cutlab_sweep_free(sweep);
}

typedef struct warnings {
  int count;
  char last[512];
} warnings;

static void keep_warning(void *user, const char *message) {
  warnings *w = user;
  ++w->count;
  snprintf(w->last, sizeof w->last, "%s", message);
}

static void expect_content(fixture *f, const char *folder, const char *name, const char *wanted,
                           size_t wanted_size) {
  size_t size;
  char *now = content(f, folder, name, &size);
  assert_int_equal(size, wanted_size);
  assert_memory_equal(now, wanted, size);
  free(now);
}

/* Wherever a byte changes, the journal is refused, or a row is done again, or it does not matter:
   results are as they were. */
static void corruption_does_not_go_unseen(void **state) {
  fixture *f = *state;
  cutlab_sweep *sweep = load(f, SMALL);
  const char *folder = sub(f, "a");
  char journal[256];
  snprintf(journal, sizeof journal, "%s/journal.sqlite", folder);
  expect_run(f, sweep, folder, 0, 0);
  size_t size, wanted_size;
  int refused = 0, again = 0;
  char *bytes = content(f, folder, "journal.sqlite", &size),
       *wanted = content(f, folder, "runs.csv", &wanted_size);
  for (size_t at = 100; at < size; at += 61) {
    warnings seen = {0};
    cutlab_context_set_warning(f->context, keep_warning, &seen);
    assert_int_equal(cutlab_file_write(f->context, journal, bytes, size), CUTLAB_OK);
    const char flipped = (char)(bytes[at] ^ 0x20);
    write_bytes(journal, (long)at, &flipped, 1);
    cutlab_status status = cutlab_sweep_run(sweep, folder, NULL);
    refused += status == CUTLAB_ERROR_FORMAT;
    again += seen.count;
    if (status == CUTLAB_OK)
      expect_content(f, folder, "runs.csv", wanted, wanted_size);
    else if (status != CUTLAB_ERROR_FORMAT)
      fail_msg("byte %zu: %s", at, cutlab_context_message(f->context));
    if (seen.count > 1 || (seen.count && !strstr(seen.last, "1 damaged row of its journals")))
      fail_msg("byte %zu: %d warnings, %s", at, seen.count, seen.last);
  }
  assert_true(refused > 2);
  assert_true(again > 5);
  cutlab_context_set_warning(f->context, NULL, NULL);
  free(bytes);
  free(wanted);
  cutlab_sweep_free(sweep);
}

/* Checksum, length of the key, length of the results: one line for all, and the rest is kept. */
static void damaged_rows_are_done_again(void **state) {
  fixture *f = *state;
  cutlab_sweep *sweep = load(f, SMALL);
  const char *folder = sub(f, "a");
  char journal[256];
  snprintf(journal, sizeof journal, "%s/journal.sqlite", folder);
  expect_run(f, sweep, folder, 0, 0);
  size_t size;
  char *wanted = content(f, folder, "runs.csv", &size);
  sqlite3 *database;
  assert_int_equal(sqlite3_open(journal, &database), SQLITE_OK);
  assert_int_equal(sqlite3_exec(database,
                                "UPDATE runs SET crc = crc + 1 WHERE number = 1;"
                                "UPDATE runs SET key = x'0102' WHERE number = 4;"
                                "UPDATE runs SET results = substr(results, 2) WHERE number = 7",
                                NULL, NULL, NULL),
                   SQLITE_OK);
  sqlite3_close(database);
  assert_int_equal(done(f, sweep, folder), 12 - 3);
  warnings seen = {0};
  cutlab_context_set_warning(f->context, keep_warning, &seen);
  expect_run(f, sweep, folder, 0, 0);
  assert_int_equal(seen.count, 1);
  assert_non_null(strstr(seen.last, "/a: 3 damaged rows of its journals left out; "));
  expect_content(f, folder, "runs.csv", wanted, size);
  assert_int_equal(done(f, sweep, folder), 12);
  cutlab_context_set_warning(f->context, NULL, NULL);
  free(wanted);
  cutlab_sweep_free(sweep);
}

static void a_journal_in_use_is_left_alone(void **state) {
  fixture *f = *state;
  cutlab_sweep *sweep = load(f, SMALL);
  cutlab_journal *journal;
  assert_int_equal(cutlab_folder_make(f->context, sub(f, "a")), CUTLAB_OK);
  assert_int_equal(cutlab_journal_open(f->context, &journal, sub(f, "a/journal.sqlite"), true),
                   CUTLAB_OK);
  expect_refused(f, sweep, CUTLAB_ERROR_IO, "is in use by another process");
  cutlab_journal_close(journal);
  expect_run(f, sweep, sub(f, "a"), 0, 0);
  cutlab_sweep_free(sweep);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, fixture_up, fixture_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      IN_FOLDER(foreign_journals_are_refused),
      IN_FOLDER(corruption_does_not_go_unseen),
      IN_FOLDER(damaged_rows_are_done_again),
      IN_FOLDER(a_journal_in_use_is_left_alone),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
