/* The sampled objectives that people train with: one random augmentation per example. */
#include <cutlab/random.h>

#include <string.h>

#include "base/ranks.h"
#include "base/streams.h"
#include "theory/objective_internal.h"

/* A uniform subset of `size` of the P patches (selection sampling, Knuth 3.4.2 S). */
static uint64_t random_combination(cutlab_random *random, int patches, int size) {
  uint64_t subset = 0;
  for (int p = 0; p < patches; ++p)
    if ((int)cutlab_random_below(random, (uint64_t)(patches - p)) < size) {
      subset |= (uint64_t)1 << p;
      --size;
    }
  return subset;
}

static uint64_t random_run(cutlab_random *random, int patches, int size) {
  if (!size) return 0;
  return cutlab_first_of_size(size) << cutlab_random_below(random, (uint64_t)(patches - size + 1));
}

static uint64_t random_subset(const cutlab_objective *objective, cutlab_random *random, int size) {
  return objective->options.subsets == CUTLAB_SUBSETS_CONTIGUOUS
             ? random_run(random, objective->patches, size)
             : random_combination(random, objective->patches, size);
}

/* The patches that Cutout keeps. Of arbitrary ones these are drawn, of runs those that go. */
static uint64_t random_kept(const cutlab_objective *objective, cutlab_random *random) {
  int cut = objective->options.cut_size, patches = objective->patches;
  if (objective->options.subsets == CUTLAB_SUBSETS_ARBITRARY)
    return random_combination(random, patches, patches - cut);
  return cutlab_all_patches(patches) & ~random_run(random, patches, cut);
}

/* One augmented example: patches of `kept` from i, those of `pasted` from j; the label weight
   of i is `share`. */
static void add_example(const cutlab_objective *objective, double *loss, double *gradient,
                        const double *outputs, int64_t i, int64_t j, uint64_t kept, uint64_t pasted,
                        double share) {
  int patches = objective->patches;
  double weight = 1 / (double)objective->total;
  double f = cutlab_subset_sum(outputs + i * patches, kept) +
             cutlab_subset_sum(outputs + j * patches, pasted);
  int yi = objective->labels[i], yj = objective->labels[j];
  *loss +=
      weight * (share * cutlab_logistic_loss(yi * f) + (1 - share) * cutlab_logistic_loss(yj * f));
  double slope = weight * (share * yi * cutlab_logistic_slope(yi * f) +
                           (1 - share) * yj * cutlab_logistic_slope(yj * f));
  for (int p = 0; p < patches; ++p) {
    if (kept >> p & 1) gradient[i * patches + p] += slope;
    if (pasted >> p & 1) gradient[j * patches + p] += slope;
  }
}

cutlab_status cutlab_objective_sample(cutlab_objective *objective, double *loss, double *gradient,
                                      const double *outputs, uint64_t seed, int64_t iteration) {
  int patches = objective->patches;
  int64_t n = objective->examples;
  double reach;
  uint64_t all = cutlab_all_patches(patches);
  if (cutlab_context_ranks(objective->context))
    return cutlab_fail(objective->context, CUTLAB_ERROR_UNSUPPORTED,
                       "sampled objectives run in one process; accepted: objective=exact");
  CUTLAB_TRY(cutlab_objective_reach(objective, &reach, outputs));
  *loss = 0;
  memset(gradient, 0, (size_t)n * (size_t)patches * sizeof *gradient);
  for (int64_t i = 0; i < n; ++i) {
    cutlab_random random =
        cutlab_random_make(seed, cutlab_stream_sample, (uint64_t)iteration, (uint64_t)i, 0);
    switch (objective->options.method) {
    case CUTLAB_MIXUP: /* refused at creation */
    case CUTLAB_ERM:
      add_example(objective, loss, gradient, outputs, i, i, all, 0, 1);
      break;
    case CUTLAB_CUTOUT:
      add_example(objective, loss, gradient, outputs, i, i, random_kept(objective, &random), 0, 1);
      break;
    case CUTLAB_CUTMIX: {
      int64_t partner = (int64_t)cutlab_random_below(&random, (uint64_t)n);
      int size = (int)cutlab_random_below(&random, (uint64_t)patches + 1);
      uint64_t kept = random_subset(objective, &random, size);
      add_example(objective, loss, gradient, outputs, i, partner, kept, all & ~kept,
                  (double)size / patches);
      break;
    }
    }
  }
  return cutlab_objective_check(objective, loss, gradient, reach);
}
