/* Threads that take runs from a queue and leave what came of them in another. */
#include "sweep/crew.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct worker {
  pthread_t thread;
  cutlab_crew *crew;
  cutlab_context *context;
  cutlab_experiment *experiment;
  cutlab_outcome *outcome;
} worker;

struct cutlab_crew {
  cutlab_context *context;
  const cutlab_grid *grid;
  worker *workers;
  int count, started;
  pthread_mutex_t mutex;
  pthread_cond_t given, ended;
  bool stop; /* under the mutex, and for a run's progress calls: */
  atomic_bool stopping;
  /* Rings under the mutex; at most `held` runs are in either or in the hands of a worker. */
  int64_t queue[cutlab_crew_capacity];
  int64_t queue_first, queue_count, held;
  char *outcomes; /* [cutlab_crew_capacity] */
  int64_t outcome_count;
  cutlab_status status; /* of a worker that gave up */
  const worker *failed;
};

static int should_stop(void *user, const cutlab_progress *progress) {
  (void)progress;
  return atomic_load_explicit(&((cutlab_crew *)user)->stopping, memory_order_relaxed);
}

/* The next run, or -1 to end. */
static int64_t take(cutlab_crew *crew) {
  pthread_mutex_lock(&crew->mutex);
  while (!crew->queue_count && !crew->stop) pthread_cond_wait(&crew->given, &crew->mutex);
  int64_t run = -1;
  if (!crew->stop) {
    run = crew->queue[crew->queue_first];
    crew->queue_first = (crew->queue_first + 1) % cutlab_crew_capacity;
    --crew->queue_count;
  }
  pthread_mutex_unlock(&crew->mutex);
  return run;
}

static void leave(worker *w, cutlab_status status) {
  cutlab_crew *crew = w->crew;
  pthread_mutex_lock(&crew->mutex);
  if (status == CUTLAB_OK) {
    memcpy(cutlab_outcome_at(crew->outcomes, crew->grid, crew->outcome_count++), w->outcome,
           cutlab_outcome_size(crew->grid));
  } else if (crew->status == CUTLAB_OK && !crew->stop) {
    crew->status = status;
    crew->failed = w;
  }
  pthread_cond_signal(&crew->ended);
  pthread_mutex_unlock(&crew->mutex);
}

static void *work(void *user) {
  worker *w = user;
  cutlab_status status = CUTLAB_OK;
  int64_t run;
  while (status == CUTLAB_OK && (run = take(w->crew)) >= 0) {
    status = cutlab_outcome_compute(w->context, w->outcome, w->crew->grid, w->experiment, run);
    leave(w, status);
  }
  return NULL;
}

static cutlab_status start_worker(cutlab_crew *crew, worker *w, int threads) {
  w->crew = crew;
  CUTLAB_TRY(cutlab_context_fork(&w->context, crew->context));
  CUTLAB_TRY(cutlab_context_set_threads(w->context, threads));
  cutlab_context_set_progress(w->context, should_stop, crew);
  CUTLAB_TRY(cutlab_experiment_create(w->context, &w->experiment));
  w->outcome = cutlab_allocate(crew->context, (int64_t)cutlab_outcome_size(crew->grid), 1);
  if (!w->outcome) return CUTLAB_ERROR_MEMORY;
  int error = pthread_create(&w->thread, NULL, work, w);
  if (error)
    return cutlab_fail(crew->context, CUTLAB_ERROR_MEMORY, "cannot start a thread: %s",
                       strerror(error));
  ++crew->started;
  return CUTLAB_OK;
}

static void init_condition(pthread_cond_t *condition) {
  pthread_condattr_t attributes;
  pthread_condattr_init(&attributes);
  pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
  pthread_cond_init(condition, &attributes);
  pthread_condattr_destroy(&attributes);
}

cutlab_status cutlab_crew_create(cutlab_context *context, cutlab_crew **crew,
                                 const cutlab_grid *grid, int workers, int threads) {
  cutlab_crew *c = cutlab_allocate(context, 1, sizeof *c);
  *crew = c;
  if (!c) return CUTLAB_ERROR_MEMORY;
  c->context = context, c->grid = grid, c->count = workers;
  pthread_mutex_init(&c->mutex, NULL);
  init_condition(&c->given);
  init_condition(&c->ended);
  c->workers = cutlab_allocate(context, workers, sizeof *c->workers);
  c->outcomes = cutlab_allocate(context, cutlab_crew_capacity, cutlab_outcome_size(grid));
  cutlab_status status = c->workers && c->outcomes ? CUTLAB_OK : CUTLAB_ERROR_MEMORY;
  for (int i = 0; i < workers && status == CUTLAB_OK; ++i)
    status = start_worker(c, &c->workers[i], threads);
  if (status == CUTLAB_OK) return CUTLAB_OK;
  cutlab_crew_free(c);
  *crew = NULL;
  return status;
}

void cutlab_crew_free(cutlab_crew *crew) {
  if (!crew) return;
  pthread_mutex_lock(&crew->mutex);
  crew->stop = true;
  atomic_store(&crew->stopping, true);
  pthread_cond_broadcast(&crew->given);
  pthread_mutex_unlock(&crew->mutex);
  for (int i = 0; i < crew->started; ++i) pthread_join(crew->workers[i].thread, NULL);
  for (int i = 0; crew->workers && i < crew->count; ++i) {
    cutlab_experiment_free(crew->workers[i].experiment);
    cutlab_context_free(crew->workers[i].context);
    free(crew->workers[i].outcome);
  }
  pthread_cond_destroy(&crew->given);
  pthread_cond_destroy(&crew->ended);
  pthread_mutex_destroy(&crew->mutex);
  free(crew->workers);
  free(crew->outcomes);
  free(crew);
}

int64_t cutlab_crew_room(const cutlab_crew *crew) {
  return cutlab_crew_capacity - crew->held; /* which this thread alone changes */
}

void cutlab_crew_give(cutlab_crew *crew, const int64_t *runs, int64_t count) {
  pthread_mutex_lock(&crew->mutex);
  for (int64_t i = 0; i < count; ++i)
    crew->queue[(crew->queue_first + crew->queue_count++) % cutlab_crew_capacity] = runs[i];
  crew->held += count;
  pthread_cond_broadcast(&crew->given);
  pthread_mutex_unlock(&crew->mutex);
}

static struct timespec after(double seconds) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  t.tv_sec += (time_t)seconds;
  t.tv_nsec += (long)((seconds - (double)(time_t)seconds) * 1e9);
  if (t.tv_nsec >= 1000000000) ++t.tv_sec, t.tv_nsec -= 1000000000;
  return t;
}

cutlab_status cutlab_crew_collect(cutlab_crew *crew, void *outcomes, int64_t *count,
                                  double seconds) {
  const struct timespec end = after(seconds);
  pthread_mutex_lock(&crew->mutex);
  while (!crew->outcome_count && crew->status == CUTLAB_OK &&
         pthread_cond_timedwait(&crew->ended, &crew->mutex, &end) != ETIMEDOUT)
    ;
  *count = crew->outcome_count;
  memcpy(outcomes, crew->outcomes, (size_t)*count * cutlab_outcome_size(crew->grid));
  crew->outcome_count = 0;
  crew->held -= *count;
  cutlab_status status = crew->status;
  pthread_mutex_unlock(&crew->mutex);
  /* What others have finished comes first; the next call fails. */
  if (status == CUTLAB_OK || *count) return CUTLAB_OK;
  return cutlab_fail_from(crew->context, status, crew->failed->context);
}
