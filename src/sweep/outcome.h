/* One run carried out, and what came of it. */
#ifndef CUTLAB_SWEEP_OUTCOME_H
#define CUTLAB_SWEEP_OUTCOME_H

#include "sweep/grid.h"

enum { cutlab_outcome_message = 184 };

/* Plain bytes, that may be sent elsewhere; in arrays every cutlab_outcome_size(grid) bytes. */
typedef struct cutlab_outcome {
  int64_t run, failed;
  char message[cutlab_outcome_message]; /* of a failed one */
  double values[];                      /* [measures stored] */
} cutlab_outcome;

size_t cutlab_outcome_size(const cutlab_grid *grid);
cutlab_outcome *cutlab_outcome_at(void *outcomes, const cutlab_grid *grid, int64_t i);

/* Trains and measures. What a configuration brings about (divergence, values that do not go
   together) is a failed outcome and CUTLAB_OK; other errors are of the machine, or
   CUTLAB_CANCELLED. `experiment` is memory to work with. */
cutlab_status cutlab_outcome_compute(cutlab_context *context, cutlab_outcome *outcome,
                                     const cutlab_grid *grid, cutlab_experiment *experiment,
                                     int64_t run);
/* Seconds that a run takes: one that is not at its end after `limit` seconds is extrapolated from
   the steps that it has taken. */
cutlab_status cutlab_outcome_time(cutlab_context *context, double *seconds, const cutlab_grid *grid,
                                  cutlab_experiment *experiment, int64_t run, double limit);

#endif
