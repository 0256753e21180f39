/* Several processes that work as one: what a transport (MPI) provides. Without one a context is
   rank 0 of 1. The transport is a module beside the library, loaded only in a job of several
   processes, so that neither building nor using CutLab needs MPI. */
#ifndef CUTLAB_RANKS_H
#define CUTLAB_RANKS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/base.h"

enum { cutlab_ranks_version = 1 };

typedef struct cutlab_ranks cutlab_ranks;

/* All calls come from the thread that joined. */
struct cutlab_ranks {
  int version; /* cutlab_ranks_version of the module */
  int rank, count;
  int cores; /* for this rank, where ranks share a machine */
  void *self;
  /* All ranks call these alike. In place; every rank gets the same bits. Where another rank is
     gone they end the process, as MPI does. */
  void (*sum)(const cutlab_ranks *ranks, double *values, int64_t count);
  void (*largest)(const cutlab_ranks *ranks, double *values, int64_t count);
  void (*broadcast)(const cutlab_ranks *ranks, void *bytes, int64_t size, int from);
  /* Messages between two ranks, below 2 GiB. `send` tells whether it could. `receive` does not
     block: 0 where nothing has come, else the size, which is at most `capacity`; -1 where it
     failed. */
  bool (*send)(const cutlab_ranks *ranks, int to, const void *bytes, int64_t size);
  int64_t (*receive)(const cutlab_ranks *ranks, int *from, void *bytes, int64_t capacity);
  /* Returns when all ranks have called it. */
  void (*leave)(const cutlab_ranks *ranks);
};

/* What the module exports as `cutlab_ranks_join`: NULL, with a line in `message`, where it cannot
   join. */
typedef const cutlab_ranks *(*cutlab_ranks_join_fn)(char *message, int64_t size);

/* This process's place in its job, as its environment tells. */
typedef struct cutlab_job {
  int rank, count;
} cutlab_job;
cutlab_job cutlab_job_of_environment(void);

/* Loads the module and joins; *ranks is NULL where the process is alone. */
cutlab_status cutlab_ranks_join_job(cutlab_context *context, const cutlab_ranks **ranks);

/* The context's ranks, or NULL: alone. */
const cutlab_ranks *cutlab_context_ranks(const cutlab_context *context);

/* All-reduce over the context's ranks; alone they do nothing. */
void cutlab_sum_over_ranks(const cutlab_context *context, double *values, int64_t count);
void cutlab_largest_over_ranks(const cutlab_context *context, double *values, int64_t count);
/* What rank 0 has. */
void cutlab_broadcast_over_ranks(const cutlab_context *context, void *bytes, int64_t size);
/* CUTLAB_OK where every rank came with it; else the status and the message of the first that did
   not, on all of them. */
cutlab_status cutlab_agree_over_ranks(cutlab_context *context, cutlab_status status);

#endif
