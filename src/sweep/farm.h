/* A sweep done by all ranks of a job: rank 0 keeps the book and deals out runs, all of them
 * compute. */
#ifndef CUTLAB_SWEEP_FARM_H
#define CUTLAB_SWEEP_FARM_H

#include "sweep/runner.h"

/* All ranks call this alike; `book` is rank 0's, NULL elsewhere. The same status everywhere, but
   where a rank no longer answers: then rank 0 says which, and nothing more can be done together. */
cutlab_status cutlab_farm_run(cutlab_context *context, const cutlab_grid *grid, cutlab_book *book);

#endif
