/* What is known of the runs of a grid: results in memory, backed by journals in a folder. */
#ifndef CUTLAB_SWEEP_BOOK_H
#define CUTLAB_SWEEP_BOOK_H

#include "sweep/journal.h"
#include "sweep/outcome.h"

typedef enum cutlab_run_state {
  CUTLAB_RUN_OPEN,
  CUTLAB_RUN_DONE,
  CUTLAB_RUN_FAILED
} cutlab_run_state;

typedef struct cutlab_book {
  cutlab_context *context;
  const cutlab_grid *grid;
  cutlab_journal *journal; /* to add to; NULL: none */
  double *values;          /* [runs][measures], NaN where open or failed */
  uint8_t *states;         /* [runs] */
  char **messages;         /* [runs], of failed runs */
  int64_t *slots;          /* runs by key: a table of open addressing, -1 empty */
  int64_t slot_count;
  int64_t first, stride; /* the runs to do are first, first + stride, ... */
  int64_t next;          /* of those, the first not handed out */
  int64_t damaged;       /* rows of journals that are not as they were written */
  int64_t total, done;   /* how many there are to do in all, and how many of these are known */
} cutlab_book;

/* The grid must have its keys. Release with cutlab_book_free, which closes the journal. */
cutlab_status cutlab_book_create(cutlab_context *context, cutlab_book **book,
                                 const cutlab_grid *grid, int64_t shard, int64_t shards);
void cutlab_book_free(cutlab_book *book);
/* Takes what a journal knows of the grid's runs; absent files are fine. */
cutlab_status cutlab_book_read(cutlab_book *book, const char *path);
/* The same for a journal that is then kept open, to add to. */
cutlab_status cutlab_book_open(cutlab_book *book, const char *path);

/* The next runs to do, at most `capacity`; their number, 0 when all are handed out. */
int64_t cutlab_book_take(cutlab_book *book, int64_t *runs, int64_t capacity);
/* Puts finished runs into the journal, all or none, and knows them. */
cutlab_status cutlab_book_put(cutlab_book *book, void *outcomes, int64_t count);
/* Tells the context's callback how much is done. */
cutlab_status cutlab_book_progress(const cutlab_book *book);

#endif
