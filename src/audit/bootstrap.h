/* The statistics of the scores of misclassified examples, of the examples as they are and of
   examples drawn again. */
#ifndef CUTLAB_AUDIT_BOOTSTRAP_H
#define CUTLAB_AUDIT_BOOTSTRAP_H

#include "audit/audit_internal.h"

/* The examples of one training that may count: all its errors, or every example. */
typedef struct cutlab_ranking {
  int64_t count;
  int64_t *example;  /* [count] by score */
  double *score;     /* [count] of these */
  int64_t *walk;     /* [count] places in the two above: by fold, the most wrong first */
  int64_t *fold_end; /* [folds] where a fold ends in walk */
} cutlab_ranking;

typedef struct cutlab_bootstrap {
  int64_t examples, folds;
  bool matched;             /* or all errors */
  int64_t errors;           /* where matched: of each training and fold; 0: as many as the training
                               with the fewest makes there */
  int training_count;       /* of all methods, one after the other */
  cutlab_ranking *rankings; /* [training_count] */
} cutlab_bootstrap;

/* Release with cutlab_bootstrap_clear also after failure. */
cutlab_status cutlab_bootstrap_make(cutlab_context *context, cutlab_bootstrap *bootstrap,
                                    const cutlab_audit *audit, bool matched);
void cutlab_bootstrap_clear(cutlab_bootstrap *bootstrap);
/* values: [trainings][cutlab_audit_statistics], NaN where there are no errors; errors: [trainings]
   how many examples they are of. */
cutlab_status cutlab_bootstrap_observe(cutlab_context *context, double *values, int64_t *errors,
                                       const cutlab_bootstrap *bootstrap);
/* Of the same draws for several tables, at most 2, of one audit. values: of each table [draws]
   [trainings][cutlab_audit_statistics]. */
cutlab_status cutlab_bootstrap_draw(cutlab_context *context, double *const *values,
                                    const cutlab_bootstrap *const *tables, int count, int64_t draws,
                                    uint64_t seed);

#endif
