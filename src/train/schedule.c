/* The learning rate of every step. */
#include "train/schedule.h"

#include <math.h>

static const double one_cycle_warmup = .3; /* as PyTorch's OneCycleLR, and the share it starts at */
static const double one_cycle_start = 1 / 25.;

/* From `a` at u = 0 to `b` at u = 1. */
static double half_cosine(double a, double b, double u) {
  const double pi = 3.14159265358979323846;
  return b + (a - b) * (1 + cos(pi * u)) / 2;
}

static double step_factor(const struct cutlab_training *s, double epoch) {
  double factor = 1;
  for (int i = 0; i < s->step_count; ++i)
    if (epoch >= s->step_epochs[i]) factor *= s->step_factor;
  return factor;
}

double cutlab_schedule_rate(const struct cutlab_training *s, int64_t steps_per_epoch,
                            int64_t step) {
  double per_epoch = (double)steps_per_epoch, total = (double)s->epochs * per_epoch;
  double warm = round(s->warmup * per_epoch), at = (double)step;
  bool one_cycle = s->schedule == CUTLAB_SCHEDULE_ONE_CYCLE;
  if (one_cycle && s->warmup <= 0) warm = round(one_cycle_warmup * total);
  if (at < warm)
    return s->learning_rate *
           (one_cycle ? half_cosine(one_cycle_start, 1, at / warm) : (at + 1) / (warm + 1));
  if (s->schedule == CUTLAB_SCHEDULE_CONSTANT) return s->learning_rate;
  if (s->schedule == CUTLAB_SCHEDULE_STEP) return s->learning_rate * step_factor(s, at / per_epoch);
  double u = total > warm ? (at - warm) / (total - warm) : 1;
  return s->learning_rate * half_cosine(1, s->final_rate, u);
}
