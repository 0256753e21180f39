/* Telling from one thread how far all are. */
#include "theory/objective_watch.h"

#include <math.h>

#include "base/clock.h"

static const int64_t unlooked = 1 << 20; /* work between looks at the clock */
static const double first_told = 0.3, between = 0.1;

void cutlab_watch_begin(cutlab_watch *watch, double work) {
  watch->work = work;
  watch->done = watch->finished = watch->looked = 0;
}

/* In percent: a total would be taken for that of the iterations. */
static void look(cutlab_watch *watch) {
  double now = cutlab_seconds();
  if (watch->began == 0) watch->began = now;
  if (now - watch->began < first_told || now - watch->told < between) return;
  double share = watch->work > 0 ? fmin(1, (double)watch->done / watch->work) : 0;
  watch->told = now;
  if (cutlab_report_progress(watch->context, "percent of one evaluation", (int64_t)(100 * share),
                             0) != CUTLAB_OK)
    watch->stopped = true;
}

bool cutlab_watch_step(cutlab_watch *watch, bool teller, double work) {
  int64_t done = atomic_fetch_add_explicit(&watch->done, (int64_t)work, memory_order_relaxed);
  if (teller && done - watch->looked >= unlooked) {
    watch->looked = done;
    look(watch);
  }
  return !atomic_load_explicit(&watch->stopped, memory_order_relaxed);
}

void cutlab_watch_finished(cutlab_watch *watch) {
  ++watch->finished;
}

void cutlab_watch_wait(cutlab_watch *watch, int64_t tasks) {
  const struct timespec moment = {0, 1000000};
  while (watch->began > 0 && cutlab_seconds() - watch->began > first_told &&
         watch->finished < tasks && !watch->stopped) {
    look(watch);
    nanosleep(&moment, NULL);
  }
}

cutlab_status cutlab_watch_status(const cutlab_watch *watch) {
  return watch->stopped ? CUTLAB_CANCELLED : CUTLAB_OK;
}
