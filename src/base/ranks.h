/* Several processes that work as one: what a transport (MPI) provides. Without one a context is
   rank 0 of 1. The transport is a module beside the library, loaded only in a job of several
   processes, so that neither building nor using CutLab needs MPI. */
#ifndef CUTLAB_RANKS_H
#define CUTLAB_RANKS_H

#include <stdint.h>

#include "base/base.h"

typedef struct cutlab_ranks cutlab_ranks;

struct cutlab_ranks {
  int rank, count;
  void *self;
  /* All ranks call these alike. In place; every rank gets the same bits. */
  void (*sum)(const cutlab_ranks *ranks, double *values, int64_t count);
  void (*largest)(const cutlab_ranks *ranks, double *values, int64_t count);
  void (*broadcast)(const cutlab_ranks *ranks, void *bytes, int64_t size, int from);
  /* Messages between two ranks; `receive` does not block: 0 where none has come, else its size,
     which is at most `capacity`. */
  void (*send)(const cutlab_ranks *ranks, int to, const void *bytes, int64_t size);
  int64_t (*receive)(const cutlab_ranks *ranks, int *from, void *bytes, int64_t capacity);
  void (*leave)(const cutlab_ranks *ranks);
};

/* What the module exports as `cutlab_ranks_join`: NULL, with a line in `message`, where it cannot
   join. */
typedef const cutlab_ranks *(*cutlab_ranks_join_fn)(char *message, int64_t size);

/* The context's ranks, or NULL: alone. */
const cutlab_ranks *cutlab_context_ranks(const cutlab_context *context);

/* All-reduce over the context's ranks; alone they do nothing. */
void cutlab_sum_over_ranks(const cutlab_context *context, double *values, int64_t count);
void cutlab_largest_over_ranks(const cutlab_context *context, double *values, int64_t count);

#endif
