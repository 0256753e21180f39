/* Two kinds of messages: reports, to rank 0, of runs that have ended; and orders, from it, of runs
   to do. A report may ask for runs; each that does is answered by one order. The last report of a
   rank says so. A stop is an order that nobody asked for. */
#include "sweep/farm.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/ranks.h"

enum { report_capacity = 1024, order_capacity = 4096 };

/* What a thread has before it in a batch, and when runs are so long that waiting for the next one
   is nothing beside them. A finished run waits for its report no longer than the first. How long a
   message may lie. A rank that is told to stop has a while for the step that it is in: mpirun gives
   it a second. */
static const double ahead_seconds = .1, long_run_seconds = .5, poll_seconds = .002,
                    stop_seconds = .5;

typedef struct report {
  int64_t last, asks, workers, status, count;
  char message[512]; /* of a status that is not CUTLAB_OK */
  char outcomes[];   /* [count] */
} report;

typedef struct order {
  int64_t stop, none_left, low, count; /* low: ask again when holding fewer runs than this */
  int64_t runs[order_capacity];
} order;

static size_t report_size(const cutlab_grid *grid, int64_t count) {
  return sizeof(report) + (size_t)count * cutlab_outcome_size(grid);
}

/* ---- ranks above 0 */

typedef struct hand {
  cutlab_context *context;
  const cutlab_ranks *ranks;
  const cutlab_grid *grid;
  report *report; /* being filled */
  order *order;   /* the last one; runs from `next` on wait */
  int64_t next, computing, done;
  bool waits_for_order, none_left, told_to_stop;
  double sent;
} hand;

static cutlab_status lost_rank_0(const hand *h) {
  return cutlab_fail(h->context, CUTLAB_ERROR_IO, "rank 0 no longer answers");
}

static cutlab_status send_report(hand *h) {
  report *r = h->report;
  bool sent = h->ranks->send(h->ranks, 0, r, (int64_t)report_size(h->grid, r->count));
  if (r->asks) h->waits_for_order = true;
  r->asks = r->count = 0;
  h->sent = cutlab_seconds();
  return sent ? CUTLAB_OK : lost_rank_0(h);
}

/* Orders come when those before have been taken but for a few runs: these go in front. */
static cutlab_status receive_order(hand *h) {
  order *o = h->order;
  int64_t waiting = o->count - h->next, kept[order_capacity];
  int from;
  memcpy(kept, o->runs + h->next, (size_t)waiting * sizeof *kept);
  int64_t size = h->ranks->receive(h->ranks, &from, o, sizeof *o);
  if (size == 0) return CUTLAB_OK;
  if (size < 0) return lost_rank_0(h);
  h->told_to_stop |= o->stop != 0;
  h->none_left |= o->none_left != 0;
  if (!o->stop) h->waits_for_order = false;
  memmove(o->runs + waiting, o->runs, (size_t)o->count * sizeof *o->runs);
  memcpy(o->runs, kept, (size_t)waiting * sizeof *kept);
  o->count += waiting;
  h->next = 0;
  return CUTLAB_OK;
}

static cutlab_status hand_take(void *self, int64_t *runs, int64_t *count, int64_t capacity) {
  hand *h = self;
  int64_t waiting = h->order->count - h->next;
  *count = waiting < capacity ? waiting : capacity;
  memcpy(runs, h->order->runs + h->next, (size_t)*count * sizeof *runs);
  h->next += *count;
  h->computing += *count;
  return CUTLAB_OK;
}

static cutlab_status hand_put(void *self, bool *over, void *outcomes, int64_t count) {
  hand *h = self;
  size_t size = cutlab_outcome_size(h->grid);
  *over = false;
  if (h->report->count + count > report_capacity) CUTLAB_TRY(send_report(h));
  memcpy(h->report->outcomes + (size_t)h->report->count * size, outcomes, (size_t)count * size);
  h->report->count += count;
  h->computing -= count;
  h->done += count;
  CUTLAB_TRY(cutlab_report_progress(h->context, h->grid->spec->name, h->done, 0));
  CUTLAB_TRY(receive_order(h));
  int64_t holds = h->order->count - h->next + h->computing;
  *over = h->told_to_stop || (h->none_left && holds == 0);
  if (*over) return CUTLAB_OK;
  h->report->asks = !h->waits_for_order && !h->none_left && holds < h->order->low;
  if (h->report->asks || (h->report->count && cutlab_seconds() - h->sent > ahead_seconds))
    return send_report(h);
  return CUTLAB_OK;
}

static cutlab_status hand_run(hand *h, int64_t open_runs) {
  h->report->workers = cutlab_context_threads(h->context);
  h->order->low = 1;
  cutlab_ends ends = {h, hand_take, hand_put, poll_seconds};
  cutlab_status status = cutlab_runner_loop(h->context, h->grid, &ends, open_runs);
  h->report->last = 1;
  h->report->status = (int64_t)status;
  if (status != CUTLAB_OK)
    snprintf(h->report->message, sizeof h->report->message, "%s",
             cutlab_context_message(h->context));
  cutlab_status sent = send_report(h);
  return status == CUTLAB_OK ? sent : status;
}

static cutlab_status be_hand(cutlab_context *context, const cutlab_grid *grid, int64_t open_runs) {
  hand h = {.context = context, .ranks = cutlab_context_ranks(context), .grid = grid};
  h.report = cutlab_allocate(context, (int64_t)report_size(grid, report_capacity), 1);
  h.order = cutlab_allocate(context, 1, sizeof *h.order);
  cutlab_status status = h.report && h.order ? CUTLAB_OK : CUTLAB_ERROR_MEMORY;
  status = cutlab_agree_over_ranks(context, status);
  if (status == CUTLAB_OK && h.report && h.order) status = hand_run(&h, open_runs);
  free(h.report);
  free(h.order);
  return status;
}

/* ---- rank 0 */

typedef struct helper {
  int64_t holds; /* runs ordered and not reported */
  bool over;
} helper;

typedef struct dealer {
  cutlab_context *context;
  const cutlab_ranks *ranks;
  const cutlab_grid *grid;
  cutlab_book *book;
  report *report;     /* the one received */
  order *order;       /* the one to send */
  helper *helpers;    /* [ranks]; 0 is this one */
  int64_t threads;    /* of all ranks */
  int64_t first_done; /* what the book knew at the start */
  double start;
  int others; /* that are at work */
} dealer;

/* How many runs a rank may hold: one a thread, and where they are short some more. Towards the end
   fewer, for all to end together. */
static int64_t share(const dealer *d, int64_t workers) {
  int64_t done = d->book->done - d->first_done, left = d->book->total - d->book->done;
  double seconds = (cutlab_seconds() - d->start) * (double)d->threads / (double)(done ? done : 1);
  if (!done || seconds > long_run_seconds) return workers;
  double ahead = (double)workers * (1 + ceil(ahead_seconds / seconds));
  double fair = (double)(left * workers) / (2 * (double)d->threads);
  if (ahead > fair) ahead = fair;
  if (ahead > order_capacity * .5) ahead = order_capacity * .5;
  return ahead > (double)workers ? (int64_t)ahead : workers;
}

static cutlab_status lost_rank(const dealer *d, int rank) {
  if (!rank) return cutlab_fail(d->context, CUTLAB_ERROR_IO, "a rank no longer answers");
  return cutlab_fail(d->context, CUTLAB_ERROR_IO,
                     "rank %d no longer answers; %lld of %lld runs are done", rank,
                     (long long)d->book->done, (long long)d->book->total);
}

static cutlab_status send_order(dealer *d, int to, int64_t workers) {
  order *o = d->order;
  int64_t holds = share(d, workers), wants = holds - d->helpers[to].holds;
  o->stop = 0;
  o->low = workers + (holds - workers) / 2;
  o->count = cutlab_book_take(d->book, o->runs, wants > 0 ? wants : 1);
  o->none_left = o->count == 0;
  d->helpers[to].holds += o->count;
  int64_t size = (int64_t)(sizeof *o - sizeof o->runs) + o->count * (int64_t)sizeof *o->runs;
  return d->ranks->send(d->ranks, to, o, size) ? CUTLAB_OK : lost_rank(d, to);
}

/* Takes one report, if there is one. */
static cutlab_status receive_report(dealer *d, bool *any) {
  report *r = d->report;
  int from = 0;
  int64_t size =
      d->ranks->receive(d->ranks, &from, r, (int64_t)report_size(d->grid, report_capacity));
  *any = size > 0;
  if (size < 0) return lost_rank(d, from);
  if (size == 0) return CUTLAB_OK;
  d->helpers[from].holds -= r->count;
  if (r->last) {
    d->helpers[from].over = true;
    --d->others;
  }
  cutlab_status status = cutlab_book_put(d->book, r->outcomes, r->count);
  if (status == CUTLAB_OK && r->status != CUTLAB_OK)
    status = cutlab_fail(d->context, (cutlab_status)r->status, "rank %d: %s", from, r->message);
  if (status == CUTLAB_OK && r->asks) status = send_order(d, from, r->workers);
  return status;
}

static cutlab_status dealer_take(void *self, int64_t *runs, int64_t *count, int64_t capacity) {
  dealer *d = self;
  int64_t wants = share(d, cutlab_context_threads(d->context)) - d->helpers[0].holds;
  if (wants > capacity) wants = capacity;
  *count = wants > 0 ? cutlab_book_take(d->book, runs, wants) : 0;
  d->helpers[0].holds += *count;
  return CUTLAB_OK;
}

static cutlab_status dealer_put(void *self, bool *over, void *outcomes, int64_t count) {
  dealer *d = self;
  d->helpers[0].holds -= count;
  CUTLAB_TRY(cutlab_book_put(d->book, outcomes, count));
  for (bool any = true; any;) CUTLAB_TRY(receive_report(d, &any));
  *over = d->others == 0 && d->helpers[0].holds == 0 && d->book->done == d->book->total;
  return cutlab_book_progress(d->book);
}

/* Tells the others to stop, and takes what they still report. *lost is one that does not answer, or
   0. Failures of the book have been told of already. */
static void stop_others(dealer *d, int *lost) {
  const struct timespec pause = {.tv_nsec = 1000000};
  double start = cutlab_seconds();
  *d->order = (order){.stop = 1};
  for (int rank = 1; rank < d->ranks->count; ++rank)
    if (!d->helpers[rank].over)
      d->ranks->send(d->ranks, rank, d->order, sizeof *d->order - sizeof d->order->runs);
  while (d->others > 0 && cutlab_seconds() - start < stop_seconds) {
    bool any;
    receive_report(d, &any);
    if (!any) nanosleep(&pause, NULL);
  }
  for (*lost = d->ranks->count - 1; *lost > 0 && d->helpers[*lost].over;) --*lost;
}

static cutlab_status dealer_run(dealer *d, int64_t open_runs, bool *together) {
  d->others = d->ranks->count - 1;
  d->first_done = d->book->done;
  d->start = cutlab_seconds();
  cutlab_ends ends = {d, dealer_take, dealer_put, poll_seconds};
  cutlab_status status = cutlab_runner_loop(d->context, d->grid, &ends, open_runs);
  if (status == CUTLAB_OK) return status;
  char message[1024];
  int lost;
  snprintf(message, sizeof message, "%s", cutlab_context_message(d->context));
  stop_others(d, &lost);
  if (!lost) return cutlab_fail(d->context, status, "%s", message);
  *together = false;
  return cutlab_fail(d->context, status, "rank %d does not answer; %lld of %lld runs are done",
                     lost, (long long)d->book->done, (long long)d->book->total);
}

static cutlab_status be_dealer(cutlab_context *context, const cutlab_grid *grid, cutlab_book *book,
                               int64_t open_runs, int64_t threads, bool *together) {
  dealer d = {.context = context,
              .ranks = cutlab_context_ranks(context),
              .grid = grid,
              .book = book,
              .threads = threads};
  d.report = cutlab_allocate(context, (int64_t)report_size(grid, report_capacity), 1);
  d.order = cutlab_allocate(context, 1, sizeof *d.order);
  d.helpers = cutlab_allocate(context, d.ranks->count, sizeof *d.helpers);
  cutlab_status status = d.report && d.order && d.helpers ? CUTLAB_OK : CUTLAB_ERROR_MEMORY;
  status = cutlab_agree_over_ranks(context, status);
  if (status == CUTLAB_OK && d.report && d.order && d.helpers)
    status = dealer_run(&d, open_runs, together);
  free(d.report);
  free(d.order);
  free(d.helpers);
  return status;
}

cutlab_status cutlab_farm_run(cutlab_context *context, const cutlab_grid *grid, cutlab_book *book) {
  const cutlab_ranks *ranks = cutlab_context_ranks(context);
  double sums[] = {book ? (double)(book->total - book->done) : 0, cutlab_context_threads(context)};
  bool together = true;
  ranks->sum(ranks, sums, 2);
  int64_t open_runs = (int64_t)sums[0] / ranks->count + 1, threads = (int64_t)sums[1];
  cutlab_status status = book ? be_dealer(context, grid, book, open_runs, threads, &together)
                              : be_hand(context, grid, open_runs);
  return together ? cutlab_agree_over_ranks(context, status) : status;
}
