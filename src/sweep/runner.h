/* The loop that does a sweep: it takes runs from somewhere, lets threads do them, and hands over
   what came of them. Alone, both ends are the book; in a farm of processes the one that has the
   book serves the others at its end, and theirs send messages. */
#ifndef CUTLAB_SWEEP_RUNNER_H
#define CUTLAB_SWEEP_RUNNER_H

#include "sweep/book.h"
#include "sweep/crew.h"

typedef struct cutlab_ends {
  void *self;
  /* The next runs for this process, at most `capacity`; *count 0: none now. Called whenever threads
     have room for more. */
  cutlab_status (*take)(void *self, int64_t *runs, int64_t *count, int64_t capacity);
  /* Takes finished runs. Called every few milliseconds, also with none. *over: all is done, here
     and elsewhere, and the loop ends. */
  cutlab_status (*put)(void *self, bool *over, void *outcomes, int64_t count);
  double idle; /* seconds between calls of put while no run ends; 0: a twentieth */
} cutlab_ends;

/* Until put says that it is over, or something fails. `open_runs`: about how many there are for
   this process; where they are fewer than threads, a run gets several. */
cutlab_status cutlab_runner_loop(cutlab_context *context, const cutlab_grid *grid,
                                 const cutlab_ends *ends, int64_t open_runs);
/* The loop with a book at both ends: all runs done by this process, progress reported. */
cutlab_status cutlab_runner_alone(cutlab_context *context, const cutlab_grid *grid,
                                  cutlab_book *book);

#endif
