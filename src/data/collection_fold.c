/* Folds: which training examples are held out, and moving them. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <cutlab/random.h>

#include "base/streams.h"
#include "data/collection_internal.h"

enum { most_folds = 1000000 };

/* A number from 1 on, as digits alone. */
static bool read_count(const char *text, char end, int64_t *value, const char **rest) {
  char *stop;
  errno = 0;
  *value = *text >= '0' && *text <= '9' ? strtoll(text, &stop, 10) : 0;
  *rest = text;
  if (*value < 1 || errno || *stop != end) return false;
  *rest = stop + 1;
  return true;
}

cutlab_status cutlab_fold_parse(cutlab_context *context, int64_t *fold, int64_t *folds,
                                const char *text) {
  const char *rest;
  *fold = *folds = 0;
  if (!text || !*text) return CUTLAB_OK;
  bool read = read_count(text, '/', fold, &rest) && read_count(rest, '\0', folds, &rest);
  if (read && *folds >= 2 && *folds <= most_folds && *fold <= *folds) {
    --*fold;
    return CUTLAB_OK;
  }
  return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                     "fold is '%.80s'; accepted: I/K, with K from 2 to %d and I from 1 to K", text,
                     most_folds);
}

int64_t cutlab_fold_size(int64_t count, int64_t fold, int64_t folds) {
  return count / folds + (fold < count % folds);
}

/* held[i]: is example i in the fold? Examples in a random order, sorted by class, are dealt to the
   folds in turn: folds differ by one example at most, in all and in every class. */
static cutlab_status deal(cutlab_context *context, bool *held, const cutlab_examples *train,
                          int64_t classes, int64_t fold, int64_t folds) {
  cutlab_random random = cutlab_random_make(0, cutlab_stream_fold, 0, 0, 0);
  int64_t *order = cutlab_allocate(context, train->count, sizeof *order);
  int64_t *first = cutlab_allocate(context, classes + 1, sizeof *first); /* place of a class */
  bool good = order && first;
  if (good) cutlab_random_permutation(&random, order, train->count);
  for (int64_t i = 0; good && i < train->count; ++i) ++first[train->labels[i] + 1];
  for (int64_t c = 0; good && c < classes; ++c) first[c + 1] += first[c];
  for (int64_t i = 0; good && i < train->count; ++i)
    held[order[i]] = first[train->labels[order[i]]]++ % folds == fold;
  free(order);
  free(first);
  return good ? CUTLAB_OK : CUTLAB_ERROR_MEMORY;
}

static void move(cutlab_examples *to, int64_t at, const cutlab_examples *from, int64_t i,
                 size_t bytes) {
  memmove((char *)to->pixels + (size_t)at * bytes, (const char *)from->pixels + (size_t)i * bytes,
          bytes);
  to->labels[at] = from->labels[i];
  to->indices[at] = i;
}

static void split(cutlab_collection *c, const bool *held) {
  cutlab_examples *train = &c->train;
  int64_t elements = c->channels * c->height * c->width, kept = 0, out = 0;
  size_t bytes = (size_t)elements * cutlab_dtype_size(train->dtype);
  for (int64_t i = 0; i < train->count; ++i) {
    if (held[i]) {
      move(&c->held, out++, train, i, bytes);
      continue;
    }
    if (c->probes.train_features) c->probes.train_features[kept] = c->probes.train_features[i];
    move(train, kept++, train, i, bytes);
  }
  train->count = kept;
}

cutlab_status cutlab_fold_hold_out(cutlab_context *context, cutlab_collection *collection,
                                   int64_t fold, int64_t folds) {
  cutlab_examples *train = &collection->train, *out = &collection->held;
  int64_t count = train->count;
  if (folds > count)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                       "fold is %" PRId64 "/%" PRId64 " with %" PRId64
                       " training examples; accepted: at most as many folds",
                       fold + 1, folds, count);
  CUTLAB_TRY(cutlab_examples_allocate(context, collection, out, train->dtype,
                                      cutlab_fold_size(count, fold, folds)));
  train->indices = cutlab_allocate(context, count, sizeof *train->indices);
  out->indices = cutlab_allocate(context, out->count, sizeof *out->indices);
  bool *held = cutlab_allocate(context, count, sizeof *held);
  cutlab_status status = train->indices && out->indices && held ? CUTLAB_OK : CUTLAB_ERROR_MEMORY;
  if (status == CUTLAB_OK) status = deal(context, held, train, collection->classes, fold, folds);
  if (status == CUTLAB_OK) split(collection, held);
  free(held);
  return status;
}
