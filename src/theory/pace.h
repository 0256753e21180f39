/* How many threads a step is worth. Steps of tens of microseconds gain from threads on idle cores
   and lose a hundredfold on busy ones, where a thread waits at each barrier for the other to be
   scheduled; so both are tried from time to time. Results do not depend on it. */
#ifndef CUTLAB_PACE_H
#define CUTLAB_PACE_H

#include <stdbool.h>
#include <stdint.h>

/* Starts zeroed. */
typedef struct cutlab_pace {
  bool all;           /* the present choice: all threads, or one */
  int trial;          /* steps of the present trial already taken */
  double best[2];     /* least seconds of a step in it, with one thread and with all */
  int64_t rest, wait; /* steps until the next trial; steps between trials */
} cutlab_pace;

/* Whether the next step should use all threads. */
bool cutlab_pace_next(const cutlab_pace *pace);
/* Tells how long that step took. */
void cutlab_pace_record(cutlab_pace *pace, double seconds);

#endif
