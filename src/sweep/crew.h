/* Threads that carry out runs of a grid. */
#ifndef CUTLAB_SWEEP_CREW_H
#define CUTLAB_SWEEP_CREW_H

#include "sweep/outcome.h"

typedef struct cutlab_crew cutlab_crew;

/* `workers` threads, each with `threads` to compute a run with. The grid must outlive it. */
cutlab_status cutlab_crew_create(cutlab_context *context, cutlab_crew **crew,
                                 const cutlab_grid *grid, int workers, int threads);
/* Stops runs between two steps, and waits for that. */
void cutlab_crew_free(cutlab_crew *crew);

/* All below are for the one thread that created it. */
/* Runs that it may still be given; those given and not collected count. */
int64_t cutlab_crew_room(const cutlab_crew *crew);
/* At most as many as there is room for. */
void cutlab_crew_give(cutlab_crew *crew, const int64_t *runs, int64_t count);
/* Waits until a run has ended, or for `seconds`; copies what has ended, [room of a new crew] at
   most, to `outcomes`. Fails where a worker did. */
cutlab_status cutlab_crew_collect(cutlab_crew *crew, void *outcomes, int64_t *count,
                                  double seconds);
/* The most that collect gives. */
enum { cutlab_crew_capacity = 256 };

#endif
