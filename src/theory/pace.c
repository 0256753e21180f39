/* Chooses between one thread and all of them by trial. */
#include "theory/pace.h"

#include "base/clock.h"

enum { trial_steps = 6, first_wait = 1000, longest_wait = 64000 };
static const double trial_seconds = .25; /* where a step is this long, one says enough */
static const double slow = 4; /* a step this much slower than the best has met a busy core */

static bool in_trial(const cutlab_pace *pace) {
  return pace->rest == 0;
}

bool cutlab_pace_next(const cutlab_pace *pace) {
  return in_trial(pace) ? pace->second : pace->all;
}

static void begin_half(cutlab_pace *pace, bool second) {
  pace->second = second;
  pace->tried = 0;
  pace->spent = 0;
}

static void end_trial(cutlab_pace *pace, bool all) {
  bool changed = all != pace->all || pace->wait == 0;
  pace->wait = changed ? first_wait : 2 * pace->wait;
  if (pace->wait > longest_wait) pace->wait = longest_wait;
  pace->rest = pace->wait;
  pace->all = all;
  begin_half(pace, false);
}

void cutlab_pace_record(cutlab_pace *pace, double seconds) {
  if (!in_trial(pace)) {
    --pace->rest;
    if (pace->all && seconds > slow * pace->best[1]) pace->rest = 0;
    return;
  }
  double *best = &pace->best[pace->second];
  if (pace->tried == 0 || seconds < *best) *best = seconds;
  ++pace->tried;
  pace->spent += seconds;
  bool done = pace->tried == trial_steps || pace->spent > trial_seconds;
  if (pace->second && seconds > slow * pace->best[0])
    end_trial(pace, false);
  else if (done && pace->second)
    end_trial(pace, pace->best[1] < 0.9 * pace->best[0]);
  else if (done)
    begin_half(pace, true);
}

cutlab_status cutlab_pace_run(cutlab_pace *pace, cutlab_context *context, cutlab_paced_fn work,
                              void *argument) {
  int threads = cutlab_context_threads(context);
  if (threads == 1) return work(argument);
  cutlab_context_set_threads(context, cutlab_pace_next(pace) ? threads : 1);
  double start = cutlab_seconds();
  cutlab_status status = work(argument);
  cutlab_pace_record(pace, cutlab_seconds() - start);
  cutlab_context_set_threads(context, threads);
  return status;
}
