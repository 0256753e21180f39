/* One table that rows are appended to: a commit writes the last page and little more, whatever the
   keys are. */
#include "sweep/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "base/file.h"
#include "sweep/grid.h"

enum { application_id = 0x43544c53, journal_version = 2, most_message = 1000 };

struct cutlab_journal {
  cutlab_context *context;
  char *path;
  sqlite3 *database;
  sqlite3_stmt *begin, *add, *commit;
};

/* The reason that SQLite gives, in words for who runs a sweep. */
static cutlab_status fail(const cutlab_journal *j, const char *what) {
  int error = errno, code = sqlite3_errcode(j->database);
  const char *reason = sqlite3_errmsg(j->database);
  switch (code & 0xff) {
  case SQLITE_BUSY:
  case SQLITE_LOCKED:
    return cutlab_fail(j->context, CUTLAB_ERROR_IO,
                       "%s is in use by another process; wait for it, or stop it", j->path);
  case SQLITE_NOTADB:
    return cutlab_fail(j->context, CUTLAB_ERROR_FORMAT,
                       "%s is not a journal of a sweep, or corrupt; choose another folder, or "
                       "move it away",
                       j->path);
  case SQLITE_CORRUPT:
    return cutlab_fail(j->context, CUTLAB_ERROR_FORMAT,
                       "%s is corrupt: %s; move it away, and runs are done again", j->path, reason);
  case SQLITE_FULL:
    return cutlab_fail(j->context, CUTLAB_ERROR_IO,
                       "cannot %s %s: no space left; finished runs are kept", what, j->path);
  case SQLITE_NOMEM:
    return cutlab_fail(j->context, CUTLAB_ERROR_MEMORY, "out of memory: %s", j->path);
  case SQLITE_IOERR: /* SQLite's own number of it is kept for opening alone */
    return cutlab_fail(j->context, CUTLAB_ERROR_IO, "cannot %s %s: %s; finished runs are kept",
                       what, j->path, error ? strerror(error) : reason);
  default:
    return cutlab_fail(j->context, CUTLAB_ERROR_IO, "cannot %s %s: %s", what, j->path, reason);
  }
}

static cutlab_status execute(const cutlab_journal *j, const char *what, const char *text) {
  return sqlite3_exec(j->database, text, NULL, NULL, NULL) == SQLITE_OK ? CUTLAB_OK : fail(j, what);
}

static cutlab_status read_integer(const cutlab_journal *j, int64_t *value, const char *text) {
  sqlite3_stmt *statement = NULL;
  if (sqlite3_prepare_v2(j->database, text, -1, &statement, NULL) != SQLITE_OK ||
      sqlite3_step(statement) != SQLITE_ROW) {
    cutlab_status status = fail(j, "read");
    sqlite3_finalize(statement);
    return status;
  }
  *value = sqlite3_column_int64(statement, 0);
  sqlite3_finalize(statement);
  return CUTLAB_OK;
}

static cutlab_status prepare(const cutlab_journal *j, sqlite3_stmt **statement, const char *text) {
  return sqlite3_prepare_v3(j->database, text, -1, SQLITE_PREPARE_PERSISTENT, statement, NULL) ==
                 SQLITE_OK
             ? CUTLAB_OK
             : fail(j, "open");
}

/* Ours, or new and empty? Looked at under a lock that is kept, before anything is changed. */
static cutlab_status check(const cutlab_journal *j, bool *is_new) {
  int64_t application = 0, version = 0, tables = 0;
  CUTLAB_TRY(execute(j, "open", "PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE"));
  CUTLAB_TRY(read_integer(j, &application, "PRAGMA application_id"));
  CUTLAB_TRY(read_integer(j, &version, "PRAGMA user_version"));
  CUTLAB_TRY(read_integer(j, &tables, "SELECT count(*) FROM sqlite_schema"));
  CUTLAB_TRY(execute(j, "open", "COMMIT"));
  *is_new = tables == 0 && application == 0 && version == 0;
  if (*is_new) return CUTLAB_OK;
  if (application != application_id)
    return cutlab_fail(j->context, CUTLAB_ERROR_FORMAT,
                       "%s is another program's database; choose another folder", j->path);
  if (version != journal_version)
    return cutlab_fail(j->context, CUTLAB_ERROR_FORMAT,
                       "%s is a journal of format version %lld; this is for version %d: choose "
                       "another folder, or the CutLab that made it",
                       j->path, (long long)version, journal_version);
  return CUTLAB_OK;
}

static cutlab_status make_table(const cutlab_journal *j) {
  char text[320];
  snprintf(text, sizeof text,
           "BEGIN; PRAGMA application_id = %d; PRAGMA user_version = %d;"
           "CREATE TABLE runs (number INTEGER PRIMARY KEY, key BLOB NOT NULL,"
           " failed INTEGER NOT NULL, results BLOB NOT NULL, message TEXT,"
           " crc INTEGER NOT NULL); COMMIT",
           application_id, journal_version);
  return execute(j, "write", text);
}

/* SQLite tries read-only what it cannot open for writing, and its last errno tells nothing then. */
static cutlab_status check_writable(const cutlab_journal *j, bool create) {
  int file = open(j->path, O_RDWR | O_CLOEXEC | (create ? O_CREAT : 0), 0666);
  if (file < 0) return cutlab_fail(j->context, CUTLAB_ERROR_IO, "cannot open %s: %m", j->path);
  close(file);
  return CUTLAB_OK;
}

/* Exclusive, so that there is no shared memory beside the file, and one writer. A commit is in the
   system's hands at once; it is flushed to disk when the write-ahead log is taken over. */
static cutlab_status open_database(cutlab_journal *j, bool create) {
  bool is_new;
  int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_FULLMUTEX | (create ? SQLITE_OPEN_CREATE : 0);
  int code = sqlite3_open_v2(j->path, &j->database, flags, NULL);
  if (code != SQLITE_OK || sqlite3_db_readonly(j->database, "main") == 1)
    CUTLAB_TRY(check_writable(j, create));
  if (code != SQLITE_OK) return fail(j, "open");
  sqlite3_extended_result_codes(j->database, 1);
  CUTLAB_TRY(check(j, &is_new));
  CUTLAB_TRY(execute(j, "open",
                     "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
                     "PRAGMA cell_size_check = ON"));
  if (is_new) CUTLAB_TRY(make_table(j));
  CUTLAB_TRY(prepare(j, &j->begin, "BEGIN"));
  CUTLAB_TRY(prepare(j, &j->commit, "COMMIT"));
  return prepare(j, &j->add,
                 "INSERT INTO runs (key, failed, results, message, crc) VALUES (?, ?, ?, ?, ?)");
}

cutlab_status cutlab_journal_open(cutlab_context *context, cutlab_journal **journal,
                                  const char *path, bool create) {
  cutlab_journal *j = cutlab_allocate(context, 1, sizeof *j);
  *journal = NULL;
  if (!j) return CUTLAB_ERROR_MEMORY;
  j->context = context;
  j->path = strdup(path);
  cutlab_status status = j->path
                             ? open_database(j, create)
                             : cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory: %s", path);
  if (status == CUTLAB_OK)
    *journal = j;
  else
    cutlab_journal_close(j);
  return status;
}

void cutlab_journal_close(cutlab_journal *journal) {
  if (!journal) return;
  sqlite3_finalize(journal->begin);
  sqlite3_finalize(journal->add);
  sqlite3_finalize(journal->commit);
  sqlite3_close(journal->database);
  free(journal->path);
  free(journal);
}

static int64_t checksum(const uint8_t *key, bool failed, const void *values, size_t size,
                        const char *message) {
  const uint8_t flag = failed;
  uLong crc = crc32(0, key, cutlab_key_size);
  crc = crc32(crc, &flag, 1);
  if (size) crc = crc32(crc, values, (uInt)size);
  return (int64_t)crc32(crc, (const Bytef *)message, (uInt)strlen(message));
}

/* A row of a statement, its values in `buffer`; *good: as it was written. */
static cutlab_status take_row(const cutlab_journal *j, cutlab_journal_row *row, bool *good,
                              sqlite3_stmt *statement, double **buffer, int *capacity) {
  const void *key = sqlite3_column_blob(statement, 0), *blob = sqlite3_column_blob(statement, 2);
  int size = sqlite3_column_bytes(statement, 2);
  *good = key && sqlite3_column_bytes(statement, 0) == cutlab_key_size && size % 8 == 0;
  if (!*good) return CUTLAB_OK;
  if (!*buffer || size > *capacity) {
    double *grown = realloc(*buffer, size ? (size_t)size : 8);
    if (!grown) return cutlab_fail(j->context, CUTLAB_ERROR_MEMORY, "out of memory: %s", j->path);
    *buffer = grown;
    *capacity = size;
  }
  if (size) memcpy(*buffer, blob, (size_t)size); /* a blob is not aligned */
  const char *message = (const char *)sqlite3_column_text(statement, 3);
  *row = (cutlab_journal_row){key, sqlite3_column_int(statement, 1) != 0, *buffer, size / 8,
                              message ? message : ""};
  *good = checksum(key, row->failed, *buffer, (size_t)size, row->message) ==
          sqlite3_column_int64(statement, 4);
  return CUTLAB_OK;
}

cutlab_status cutlab_journal_read(cutlab_journal *j, int64_t *damaged,
                                  void (*visit)(void *user, const cutlab_journal_row *row),
                                  void *user) {
  sqlite3_stmt *statement = NULL;
  CUTLAB_TRY(prepare(j, &statement,
                     "SELECT key, failed, results, message, crc FROM runs ORDER BY number"));
  double *buffer = NULL;
  int capacity = 0, code;
  cutlab_status status = CUTLAB_OK;
  while (status == CUTLAB_OK && (code = sqlite3_step(statement)) != SQLITE_DONE) {
    cutlab_journal_row row;
    bool good = false;
    status = code == SQLITE_ROW ? take_row(j, &row, &good, statement, &buffer, &capacity)
                                : fail(j, "read");
    if (good)
      visit(user, &row);
    else if (status == CUTLAB_OK)
      ++*damaged;
  }
  sqlite3_finalize(statement);
  free(buffer);
  return status;
}

static cutlab_status step(cutlab_journal *j, sqlite3_stmt *statement) {
  int code = sqlite3_step(statement);
  cutlab_status status = code == SQLITE_DONE ? CUTLAB_OK : fail(j, "write");
  sqlite3_reset(statement);
  return status;
}

cutlab_status cutlab_journal_begin(cutlab_journal *journal) {
  return step(journal, journal->begin);
}

cutlab_status cutlab_journal_add(cutlab_journal *j, const cutlab_journal_row *row) {
  size_t size = (size_t)row->value_count * sizeof(double);
  const char *message = row->message ? row->message : "";
  sqlite3_bind_blob(j->add, 1, row->key, cutlab_key_size, SQLITE_STATIC);
  sqlite3_bind_int(j->add, 2, row->failed);
  sqlite3_bind_blob(j->add, 3, size ? (const void *)row->values : "", (int)size, SQLITE_STATIC);
  if (*message)
    sqlite3_bind_text(j->add, 4, message, -1, SQLITE_STATIC);
  else
    sqlite3_bind_null(j->add, 4);
  sqlite3_bind_int64(j->add, 5, checksum(row->key, row->failed, row->values, size, message));
  return step(j, j->add);
}

cutlab_status cutlab_journal_commit(cutlab_journal *journal) {
  cutlab_status status = step(journal, journal->commit);
  if (status != CUTLAB_OK) sqlite3_exec(journal->database, "ROLLBACK", NULL, NULL, NULL);
  return status;
}
