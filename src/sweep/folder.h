/* The journals in a sweep's folder. */
#ifndef CUTLAB_SWEEP_FOLDER_H
#define CUTLAB_SWEEP_FOLDER_H

#include "sweep/book.h"

enum { cutlab_journal_name = 64 };

/* journal.sqlite, or that of a shard, 0.. of `shards`. */
void cutlab_journal_file(char name[cutlab_journal_name], int64_t shard, int64_t shards);
/* Reads all journals in a folder but the one called `but` (may be NULL). *found (may be NULL): how
   many; *shards (may be NULL): of how many shards, 0 where they disagree or there are none. */
cutlab_status cutlab_folder_read_journals(cutlab_book *book, int *found, int64_t *shards,
                                          const char *folder, const char *but);

/* Refuses a folder that has files of the names of ours and is not of a sweep. */
cutlab_status cutlab_folder_check(cutlab_context *context, const char *folder);

#endif
