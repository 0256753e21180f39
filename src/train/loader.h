/* The input pipeline: batches of training data made ahead of use by threads of its own. */
#ifndef CUTLAB_TRAIN_LOADER_H
#define CUTLAB_TRAIN_LOADER_H

#include <cutlab/augment.h>
#include <cutlab/collection.h>

#include "base/base.h"

/* What batches are made from. A batch is a function of (seed, epoch, its number in the epoch): the
   order of the examples is a permutation drawn from (seed, epoch), as in the Python package, and
   the augmentation's plan is drawn with the examples' positions as ids. */
typedef struct cutlab_batch_source {
  const cutlab_collection *collection; /* its training part, at least one example */
  const cutlab_policy *policy;
  uint64_t seed;
  int64_t batch;    /* examples in a batch, 1..train.count */
  double smoothing; /* of labels, before they are mixed */
} cutlab_batch_source;

/* Batches in an epoch: the last, partial one is dropped. */
int64_t cutlab_batches(const cutlab_batch_source *source);

/* Memory for making batches, one thread at a time. Zero before the first use. */
typedef struct cutlab_batch_maker {
  cutlab_plan *plan;
  int64_t *order, epoch; /* the permutation of `epoch` */
  int64_t *ids;          /* [batch] their labels */
  float *rows;           /* [batch][classes] labels before mixing */
  void *gathered;        /* [batch][channels][height][width] as the collection has it */
} cutlab_batch_maker;

cutlab_status cutlab_batch_maker_open(cutlab_context *context, cutlab_batch_maker *maker,
                                      const cutlab_batch_source *source);
void cutlab_batch_maker_clear(cutlab_batch_maker *maker);
/* Batch `index` of all, epoch index / cutlab_batches. pixels: [batch][channels][height][width],
   labels: [batch][classes] rows that sum to 1. */
cutlab_status cutlab_batch_make(cutlab_context *context, float *pixels, float *labels,
                                cutlab_batch_maker *maker, const cutlab_batch_source *source,
                                int64_t index);

typedef struct cutlab_loader cutlab_loader;

/* Starts `workers` threads on the batches begin <= index < end. Source and context must outlive the
   loader. */
cutlab_status cutlab_loader_open(cutlab_context *context, cutlab_loader **loader,
                                 const cutlab_batch_source *source, int64_t begin, int64_t end,
                                 int workers);
/* The next batch, in order; valid until the next call. A worker's failure is reported at the batch
   that it was making. Past the end: CUTLAB_ERROR_ARGUMENT. */
cutlab_status cutlab_loader_next(cutlab_context *context, cutlab_loader *loader,
                                 const float **pixels, const float **labels);
/* Stops the threads. Accepts NULL. */
void cutlab_loader_close(cutlab_loader *loader);
/* Bytes that a loader takes. */
double cutlab_loader_bytes(const cutlab_batch_source *source, int workers);

#endif
