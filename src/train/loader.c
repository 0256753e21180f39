/* Threads that make batches into a ring of slots, ahead of the one who uses them. */
#include "train/loader.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { spare_slots = 2 }; /* beside one for every worker: the one in use and one that is ready */

typedef struct slot {
  float *pixels, *labels;
  int64_t index; /* of the batch that it holds, -1: none */
  cutlab_status status;
  const cutlab_context *failed; /* holds the message */
} slot;

typedef struct worker {
  cutlab_loader *loader;
  cutlab_context *context;
  cutlab_batch_maker maker;
  pthread_t thread;
  bool started;
} worker;

struct cutlab_loader {
  const cutlab_batch_source *source;
  slot *slots;
  worker *workers;
  int slot_count, worker_count;
  /* Below: under the mutex, as are index and status of the slots. */
  pthread_mutex_t mutex;
  pthread_cond_t made, released;
  int64_t next, end; /* the next batch to make */
  int64_t held;      /* the one that the consumer has; those before it are done with */
  bool stop;
};

/* Takes the number of a batch whose slot is free; false when there is nothing left to do. */
static bool take(cutlab_loader *l, int64_t *index) {
  pthread_mutex_lock(&l->mutex);
  while (!l->stop && l->next < l->end && l->next >= l->held + l->slot_count)
    pthread_cond_wait(&l->released, &l->mutex);
  bool taken = !l->stop && l->next < l->end;
  if (taken) *index = l->next++;
  pthread_mutex_unlock(&l->mutex);
  return taken;
}

static void hand_over(const worker *w, slot *s, int64_t index, cutlab_status status) {
  cutlab_loader *l = w->loader;
  pthread_mutex_lock(&l->mutex);
  s->index = index;
  s->status = status;
  s->failed = w->context;
  pthread_cond_broadcast(&l->made);
  pthread_mutex_unlock(&l->mutex);
}

/* After a failure the worker ends, so that its context keeps the message. */
static void *work(void *user) {
  worker *w = user;
  cutlab_loader *l = w->loader;
  cutlab_status status = CUTLAB_OK;
  int64_t index;
  while (status == CUTLAB_OK && take(l, &index)) {
    slot *s = &l->slots[index % l->slot_count];
    status = cutlab_batch_make(w->context, s->pixels, s->labels, &w->maker, l->source, index);
    hand_over(w, s, index, status);
  }
  return NULL;
}

static int64_t pixels_in_batch(const cutlab_batch_source *s) {
  const cutlab_collection *c = s->collection;
  return s->batch * c->channels * c->height * c->width;
}

double cutlab_loader_bytes(const cutlab_batch_source *source, int workers) {
  const cutlab_collection *c = source->collection;
  double pixels = (double)pixels_in_batch(source);
  double labels = (double)(source->batch * c->classes);
  double maker = pixels * (double)cutlab_dtype_size(c->train.dtype) + labels * sizeof(float) +
                 (double)c->train.count * sizeof(int64_t);
  return (workers + spare_slots) * (pixels + labels) * sizeof(float) + workers * maker;
}

static cutlab_status make_slots(cutlab_context *context, cutlab_loader *l) {
  const cutlab_batch_source *source = l->source;
  l->slots = cutlab_allocate(context, l->slot_count, sizeof *l->slots);
  if (!l->slots) return CUTLAB_ERROR_MEMORY;
  for (int i = 0; i < l->slot_count; ++i) {
    slot *s = &l->slots[i];
    s->index = -1;
    s->pixels = cutlab_allocate(context, pixels_in_batch(source), sizeof *s->pixels);
    s->labels =
        cutlab_allocate(context, source->batch * source->collection->classes, sizeof *s->labels);
    if (!s->pixels || !s->labels) return CUTLAB_ERROR_MEMORY;
  }
  return CUTLAB_OK;
}

static cutlab_status start_workers(cutlab_context *context, cutlab_loader *l, int count) {
  l->workers = cutlab_allocate(context, count, sizeof *l->workers);
  if (!l->workers) return CUTLAB_ERROR_MEMORY;
  l->worker_count = count;
  for (int i = 0; i < count; ++i) {
    worker *w = &l->workers[i];
    w->loader = l;
    if (cutlab_context_fork(&w->context, context) != CUTLAB_OK)
      return cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory: loader thread %d", i + 1);
    CUTLAB_TRY(cutlab_batch_maker_open(context, &w->maker, l->source));
  }
  for (int i = 0; i < count; ++i) {
    worker *w = &l->workers[i];
    int error = pthread_create(&w->thread, NULL, work, w);
    if (error)
      return cutlab_fail(context, CUTLAB_ERROR_MEMORY, "cannot start loader thread %d of %d: %s",
                         i + 1, count, strerror(error));
    w->started = true;
  }
  return CUTLAB_OK;
}

cutlab_status cutlab_loader_open(cutlab_context *context, cutlab_loader **loader,
                                 const cutlab_batch_source *source, int64_t begin, int64_t end,
                                 int workers) {
  cutlab_loader *l = *loader = cutlab_allocate(context, 1, sizeof **loader);
  if (!l) return CUTLAB_ERROR_MEMORY;
  l->source = source;
  l->slot_count = workers + spare_slots;
  l->next = begin;
  l->held = begin - 1;
  l->end = end;
  pthread_mutex_init(&l->mutex, NULL);
  pthread_cond_init(&l->made, NULL);
  pthread_cond_init(&l->released, NULL);
  cutlab_status status = make_slots(context, l);
  if (status == CUTLAB_OK) status = start_workers(context, l, workers);
  if (status == CUTLAB_OK) return CUTLAB_OK;
  cutlab_loader_close(l);
  *loader = NULL;
  return status;
}

cutlab_status cutlab_loader_next(cutlab_context *context, cutlab_loader *loader,
                                 const float **pixels, const float **labels) {
  int64_t index = loader->held + 1;
  if (index >= loader->end)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT, "no batch %" PRId64 "; accepted: %" PRId64,
                       index, loader->end - 1);
  slot *s = &loader->slots[index % loader->slot_count];
  pthread_mutex_lock(&loader->mutex);
  loader->held = index;
  pthread_cond_broadcast(&loader->released);
  while (s->index != index) pthread_cond_wait(&loader->made, &loader->mutex);
  cutlab_status status = s->status;
  pthread_mutex_unlock(&loader->mutex);
  *pixels = s->pixels;
  *labels = s->labels;
  if (status == CUTLAB_OK) return CUTLAB_OK;
  return cutlab_fail_from(context, status, s->failed);
}

void cutlab_loader_close(cutlab_loader *loader) {
  if (!loader) return;
  pthread_mutex_lock(&loader->mutex);
  loader->stop = true;
  pthread_cond_broadcast(&loader->released);
  pthread_mutex_unlock(&loader->mutex);
  for (int i = 0; i < loader->worker_count; ++i) {
    worker *w = &loader->workers[i];
    if (w->started) pthread_join(w->thread, NULL);
    cutlab_batch_maker_clear(&w->maker);
    cutlab_context_free(w->context);
  }
  for (int i = 0; loader->slots && i < loader->slot_count; ++i) {
    free(loader->slots[i].pixels);
    free(loader->slots[i].labels);
  }
  free(loader->workers);
  free(loader->slots);
  pthread_cond_destroy(&loader->released);
  pthread_cond_destroy(&loader->made);
  pthread_mutex_destroy(&loader->mutex);
  free(loader);
}
