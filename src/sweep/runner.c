/* The loop between a source of runs, threads, and what takes their results. */
#include "sweep/runner.h"

#include <stdlib.h>
#include <time.h>

#include "base/clock.h"

/* Results are handed over together, at most this long after the first of them. */
static const double handover_seconds = 0.004, idle_seconds = 0.05;

static void sleep_until(double time) {
  double left = time - cutlab_seconds();
  if (left <= 0) return;
  const struct timespec span = {0, (long)(left * 1e9)};
  nanosleep(&span, NULL);
}

/* Fills up what the threads hold. */
static cutlab_status feed(cutlab_crew *crew, const cutlab_ends *ends) {
  int64_t runs[cutlab_crew_capacity], count = 1, room;
  while (count && (room = cutlab_crew_room(crew)) > 0) {
    CUTLAB_TRY(ends->take(ends->self, runs, &count, room));
    if (count) cutlab_crew_give(crew, runs, count);
  }
  return CUTLAB_OK;
}

/* The calling thread computes nothing: it is there when runs end, however long others take. */
static cutlab_status loop(cutlab_crew *crew, const cutlab_ends *ends, void *outcomes) {
  double idle = ends->idle > 0 ? ends->idle : idle_seconds;
  for (bool over = false; !over;) {
    int64_t count;
    CUTLAB_TRY(feed(crew, ends));
    CUTLAB_TRY(cutlab_crew_collect(crew, outcomes, &count, idle));
    double time = cutlab_seconds();
    CUTLAB_TRY(ends->put(ends->self, &over, outcomes, count));
    if (count && !over) {
      CUTLAB_TRY(feed(crew, ends));
      sleep_until(time + handover_seconds);
    }
  }
  return CUTLAB_OK;
}

/* What ended meanwhile is not lost; put only says again that it is cancelled. */
static void keep_finished(cutlab_crew *crew, const cutlab_ends *ends, void *outcomes) {
  int64_t count = 0;
  bool over;
  if (cutlab_crew_collect(crew, outcomes, &count, 0) == CUTLAB_OK && count)
    (void)ends->put(ends->self, &over, outcomes, count);
}

cutlab_status cutlab_runner_loop(cutlab_context *context, const cutlab_grid *grid,
                                 const cutlab_ends *ends, int64_t open_runs) {
  int threads = cutlab_context_threads(context);
  int workers = open_runs < threads ? (int)(open_runs > 1 ? open_runs : 1) : threads;
  void *outcomes = cutlab_allocate(context, cutlab_crew_capacity, cutlab_outcome_size(grid));
  cutlab_crew *crew = NULL;
  cutlab_status status = outcomes
                             ? cutlab_crew_create(context, &crew, grid, workers, threads / workers)
                             : CUTLAB_ERROR_MEMORY;
  if (status == CUTLAB_OK) status = loop(crew, ends, outcomes);
  if (status == CUTLAB_CANCELLED) keep_finished(crew, ends, outcomes);
  cutlab_crew_free(crew);
  free(outcomes);
  return status;
}

static cutlab_status take_from_book(void *self, int64_t *runs, int64_t *count, int64_t capacity) {
  *count = cutlab_book_take(self, runs, capacity);
  return CUTLAB_OK;
}

static cutlab_status put_into_book(void *self, bool *over, void *outcomes, int64_t count) {
  cutlab_book *book = self;
  if (count) CUTLAB_TRY(cutlab_book_put(book, outcomes, count));
  *over = book->done == book->total;
  return cutlab_book_progress(book);
}

cutlab_status cutlab_runner_alone(cutlab_context *context, const cutlab_grid *grid,
                                  cutlab_book *book) {
  const cutlab_ends ends = {book, take_from_book, put_into_book, 0};
  if (book->done == book->total) return CUTLAB_OK;
  return cutlab_runner_loop(context, grid, &ends, book->total - book->done);
}
