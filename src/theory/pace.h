/* How many threads a piece of work that comes again and again, a step or a measurement, is worth.
   Work of micro- and milliseconds gains from threads on idle cores and loses up to a hundredfold on
   busy ones, where a thread waits at each barrier for the other to be scheduled; so both are tried
   from time to time. Results do not depend on it. */
#ifndef CUTLAB_PACE_H
#define CUTLAB_PACE_H

#include <stdbool.h>
#include <stdint.h>

#include <cutlab/context.h>

/* Starts zeroed. */
typedef struct cutlab_pace {
  bool all;           /* the present choice: all threads, or one */
  bool second;        /* half of the present trial: with all threads */
  int tried;          /* steps of that half already taken */
  double spent;       /* seconds of these */
  double best[2];     /* least seconds of a step in either half */
  int64_t rest, wait; /* steps until the next trial; steps between trials */
} cutlab_pace;

typedef cutlab_status (*cutlab_paced_fn)(void *argument);

/* Does the work with the context's threads, or with one of them. */
cutlab_status cutlab_pace_run(cutlab_pace *pace, cutlab_context *context, cutlab_paced_fn work,
                              void *argument);
/* Whether the next step should use all threads; and how long it took. */
bool cutlab_pace_next(const cutlab_pace *pace);
void cutlab_pace_record(cutlab_pace *pace, double seconds);

#endif
