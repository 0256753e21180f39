/* Results in memory, found by key; journals in files. */
#include "sweep/book.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

/* Keys are hashes already. */
static int64_t first_slot(const cutlab_book *book, const uint8_t *key) {
  uint64_t start;
  memcpy(&start, key, sizeof start);
  return (int64_t)(start & (uint64_t)(book->slot_count - 1));
}

/* A table at least twice as large as what is in it; equal keys take several slots. */
static cutlab_status index_runs(cutlab_book *book) {
  const cutlab_grid *grid = book->grid;
  book->slot_count = 16;
  while (book->slot_count < 2 * grid->runs) book->slot_count *= 2;
  book->slots = cutlab_allocate(book->context, book->slot_count, sizeof *book->slots);
  if (!book->slots) return CUTLAB_ERROR_MEMORY;
  for (int64_t i = 0; i < book->slot_count; ++i) book->slots[i] = -1;
  for (int64_t run = 0; run < grid->runs; ++run) {
    int64_t slot = first_slot(book, grid->keys[run]);
    while (book->slots[slot] >= 0) slot = (slot + 1) & (book->slot_count - 1);
    book->slots[slot] = run;
  }
  return CUTLAB_OK;
}

static cutlab_status allocate(cutlab_book *book) {
  int64_t runs = book->grid->runs, measures = book->grid->measures.count;
  book->values = cutlab_allocate(book->context, runs * measures, sizeof *book->values);
  book->states = cutlab_allocate(book->context, runs, sizeof *book->states);
  book->messages = cutlab_allocate(book->context, runs, sizeof *book->messages);
  if (!book->values || !book->states || !book->messages) return CUTLAB_ERROR_MEMORY;
  for (int64_t i = 0; i < runs * measures; ++i) book->values[i] = NAN;
  return index_runs(book);
}

cutlab_status cutlab_book_create(cutlab_context *context, cutlab_book **book,
                                 const cutlab_grid *grid, int64_t shard, int64_t shards) {
  cutlab_book *b = cutlab_allocate(context, 1, sizeof *b);
  *book = b;
  if (!b) return CUTLAB_ERROR_MEMORY;
  b->context = context, b->grid = grid;
  b->first = b->next = shards ? shard : 0;
  b->stride = shards ? shards : 1;
  b->total = b->first < grid->runs ? (grid->runs - b->first + b->stride - 1) / b->stride : 0;
  cutlab_status status = allocate(b);
  if (status == CUTLAB_OK) return CUTLAB_OK;
  cutlab_book_free(b);
  *book = NULL;
  return status;
}

void cutlab_book_free(cutlab_book *book) {
  if (!book) return;
  cutlab_journal_close(book->journal);
  for (int64_t run = 0; book->messages && run < book->grid->runs; ++run) free(book->messages[run]);
  free(book->values);
  free(book->states);
  free(book->messages);
  free(book->slots);
  free(book);
}

static bool is_ours(const cutlab_book *book, int64_t run) {
  return run % book->stride == book->first;
}

/* `values`, so many of those that are stored: a cell has none beyond its own features. A message
   that does not fit into memory is none. */
static void know(cutlab_book *book, int64_t run, bool failed, const double *values, int64_t count,
                 const char *message) {
  const cutlab_measures *measures = &book->grid->measures;
  if (book->states[run] != CUTLAB_RUN_OPEN) return;
  book->states[run] = failed ? CUTLAB_RUN_FAILED : CUTLAB_RUN_DONE;
  for (int m = 0; m < measures->count; ++m)
    book->values[run * measures->count + m] =
        measures->items[m].at < count ? values[measures->items[m].at] : NAN;
  if (failed) book->messages[run] = strdup(message);
  book->done += is_ours(book, run);
}

static void visit(void *user, const cutlab_journal_row *row) {
  cutlab_book *book = user;
  for (int64_t slot = first_slot(book, row->key); book->slots[slot] >= 0;
       slot = (slot + 1) & (book->slot_count - 1))
    if (memcmp(book->grid->keys[book->slots[slot]], row->key, cutlab_key_size) == 0)
      know(book, book->slots[slot], row->failed, row->values, row->value_count, row->message);
}

cutlab_status cutlab_book_read(cutlab_book *book, const char *path) {
  cutlab_journal *journal;
  if (!cutlab_file_exists(path)) return CUTLAB_OK;
  CUTLAB_TRY(cutlab_journal_open(book->context, &journal, path, false));
  cutlab_status status = cutlab_journal_read(journal, &book->damaged, visit, book);
  cutlab_journal_close(journal);
  return status;
}

cutlab_status cutlab_book_open(cutlab_book *book, const char *path) {
  CUTLAB_TRY(cutlab_journal_open(book->context, &book->journal, path, true));
  return cutlab_journal_read(book->journal, &book->damaged, visit, book);
}

int64_t cutlab_book_take(cutlab_book *book, int64_t *runs, int64_t capacity) {
  int64_t count = 0;
  for (; book->next < book->grid->runs && count < capacity; book->next += book->stride)
    if (book->states[book->next] == CUTLAB_RUN_OPEN) runs[count++] = book->next;
  return count;
}

cutlab_status cutlab_book_put(cutlab_book *book, void *outcomes, int64_t count) {
  CUTLAB_TRY(cutlab_journal_begin(book->journal));
  cutlab_status status = CUTLAB_OK;
  for (int64_t i = 0; i < count && status == CUTLAB_OK; ++i) {
    const cutlab_outcome *o = cutlab_outcome_at(outcomes, book->grid, i);
    const cutlab_journal_row row = {book->grid->keys[o->run], o->failed != 0, o->values,
                                    book->grid->measures.stored_count, o->message};
    status = cutlab_journal_add(book->journal, &row);
  }
  if (status == CUTLAB_OK) status = cutlab_journal_commit(book->journal);
  for (int64_t i = 0; i < count && status == CUTLAB_OK; ++i) {
    const cutlab_outcome *o = cutlab_outcome_at(outcomes, book->grid, i);
    know(book, o->run, o->failed != 0, o->values, book->grid->measures.stored_count, o->message);
  }
  return status;
}

cutlab_status cutlab_book_progress(const cutlab_book *book) {
  return cutlab_report_progress(book->context, book->grid->spec->name, book->done, book->total);
}
