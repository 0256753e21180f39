/* The journal of finished runs, one SQLite file that one process writes. */
#ifndef CUTLAB_SWEEP_JOURNAL_H
#define CUTLAB_SWEEP_JOURNAL_H

#include "base/base.h"

typedef struct cutlab_journal cutlab_journal;

typedef struct cutlab_journal_row {
  const uint8_t *key; /* [cutlab_key_size] */
  bool failed;
  const double *values;
  int value_count;
  const char *message; /* NULL or "" : none */
} cutlab_journal_row;

/* Opens a journal and locks it; makes it where it is not there and `create` says so. Errors: locked
   by another process, not a journal, one of another version, corrupt, no room. */
cutlab_status cutlab_journal_open(cutlab_context *context, cutlab_journal **journal,
                                  const char *path, bool create);
/* Accepts NULL. */
void cutlab_journal_close(cutlab_journal *journal);
/* Calls `visit` for every row, in the order in which they were added, but for those that are not as
   they were written: these add to *damaged. */
cutlab_status cutlab_journal_read(cutlab_journal *journal, int64_t *damaged,
                                  void (*visit)(void *user, const cutlab_journal_row *row),
                                  void *user);
/* Adds rows between begin and commit, all of them or none. */
cutlab_status cutlab_journal_begin(cutlab_journal *journal);
cutlab_status cutlab_journal_add(cutlab_journal *journal, const cutlab_journal_row *row);
cutlab_status cutlab_journal_commit(cutlab_journal *journal);

#endif
