/* Seconds that pass evenly. */
#ifndef CUTLAB_CLOCK_H
#define CUTLAB_CLOCK_H

#include <time.h>

/* Since some moment before the process; no change of the system's time moves it. */
static inline double cutlab_seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

#endif
