/* A long evaluation tells how far it is, and ends where that asks it to. */
#ifndef CUTLAB_OBJECTIVE_WATCH_H
#define CUTLAB_OBJECTIVE_WATCH_H

#include <stdatomic.h>

#include "base/base.h"

/* Work is counted in operations of about a nanosecond. What is done in a moment tells nothing and
   looks at no clock. */
typedef struct cutlab_watch {
  cutlab_context *context;
  double work; /* all of it, about */
  _Atomic int64_t done, finished;
  atomic_bool stopped;
  /* The teller's own. */
  int64_t looked;
  double began, told; /* seconds; began 0: not yet */
} cutlab_watch;

/* A part of the evaluation begins that has this much work. */
void cutlab_watch_begin(cutlab_watch *watch, double work);
/* Counts work. Any thread; the one that called the evaluation is the teller. False: stop. */
bool cutlab_watch_step(cutlab_watch *watch, bool teller, double work);
/* A thread calls the first after each of so many tasks; the teller the second when it has no more,
   to go on telling while others work. */
void cutlab_watch_finished(cutlab_watch *watch);
void cutlab_watch_wait(cutlab_watch *watch, int64_t tasks);
/* CUTLAB_CANCELLED where it was stopped. */
cutlab_status cutlab_watch_status(const cutlab_watch *watch);

#endif
