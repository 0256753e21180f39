/* Holding signals off. */
#include "base/signals.h"

#include <pthread.h>

static void fill(sigset_t *set) {
  static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS};
  sigfillset(set);
  for (unsigned i = 0; i < sizeof faults / sizeof *faults; ++i) sigdelset(set, faults[i]);
}

void cutlab_signals_hold(sigset_t *before, int threads) {
  sigset_t held;
  fill(&held);
  pthread_sigmask(SIG_BLOCK, &held, before);
#pragma omp parallel num_threads(threads) if (threads > 1)
  pthread_sigmask(SIG_BLOCK, &held, NULL);
}

void cutlab_signals_release(const sigset_t *before) {
  pthread_sigmask(SIG_SETMASK, before, NULL);
}
