/* Whether a training fits into memory, found out before it starts. */
#ifndef CUTLAB_TRAIN_MEMORY_H
#define CUTLAB_TRAIN_MEMORY_H

#include "base/base.h"

/* Bytes, as doubles: what does not fit may not fit into an integer either. */
typedef struct cutlab_memory_need {
  double data;    /* the collection, in memory or not yet */
  double values;  /* values, gradients and the optimiser's state */
  double compute; /* activations of training and evaluation */
  double loader;
  double checkpoint; /* copies of values and state while a checkpoint is written */
  double drawing;    /* beside the data while they are drawn, and before all else but the values */
} cutlab_memory_need;

/* All but what drawing takes. */
double cutlab_memory_total(const cutlab_memory_need *need);
/* Bytes that can still be had: the least of MemAvailable in ROOT/proc/meminfo and what is left of
   the limits of control groups and of the address space. INFINITY where the system says nothing.
   `root` is "" but in tests. */
double cutlab_memory_available(const char *root);
/* CUTLAB_ERROR_MEMORY where making the data takes more than `available`. */
cutlab_status cutlab_memory_check_data(cutlab_context *context, const cutlab_memory_need *need,
                                       double available);
/* CUTLAB_ERROR_MEMORY where all but the data exceeds `available`. */
cutlab_status cutlab_memory_check(cutlab_context *context, const cutlab_memory_need *need,
                                  double available, int64_t batch);

#endif
