/* Chooses between one thread and all of them by trial. */
#include "theory/pace.h"

enum { trial_steps = 6, first_wait = 1000, longest_wait = 64000 };
static const double slow = 4; /* a step this much slower than the best has met a busy core */

static bool in_trial(const cutlab_pace *pace) {
  return pace->rest == 0;
}

bool cutlab_pace_next(const cutlab_pace *pace) {
  return in_trial(pace) ? pace->trial >= trial_steps : pace->all;
}

static void end_trial(cutlab_pace *pace, bool all) {
  bool changed = all != pace->all || pace->wait == 0;
  pace->wait = changed ? first_wait : 2 * pace->wait;
  if (pace->wait > longest_wait) pace->wait = longest_wait;
  pace->rest = pace->wait;
  pace->all = all;
  pace->trial = 0;
}

void cutlab_pace_record(cutlab_pace *pace, double seconds) {
  if (!in_trial(pace)) {
    --pace->rest;
    if (pace->all && seconds > slow * pace->best[1]) pace->rest = 0;
    return;
  }
  int all = pace->trial >= trial_steps;
  if (pace->trial % trial_steps == 0 || seconds < pace->best[all]) pace->best[all] = seconds;
  ++pace->trial;
  if (all && seconds > slow * pace->best[0])
    end_trial(pace, false);
  else if (pace->trial == 2 * trial_steps)
    end_trial(pace, pace->best[1] < 0.9 * pace->best[0]);
}
