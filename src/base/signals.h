/* Holding signals off while code runs that a handler on its stack would destroy. */
#ifndef CUTLAB_SIGNALS_H
#define CUTLAB_SIGNALS_H

#include <signal.h>

/* Blocks all signals but those of faults in the calling thread, `before` is for the release, and
   for good in the OpenMP threads that it computes with. They arrive at other threads, or
   afterwards. */
void cutlab_signals_hold(sigset_t *before, int threads);
void cutlab_signals_release(const sigset_t *before);

#endif
