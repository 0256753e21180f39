/* The sampled objectives that people train with: one random augmentation per example. */
#include <cutlab/random.h>

#include <string.h>

#include "base/streams.h"
#include "theory/objective_internal.h"

/* A uniform subset of `size` of the P patches (selection sampling, Knuth 3.4.2 S). */
static uint32_t random_subset(cutlab_random *random, int patches, int size) {
  uint32_t subset = 0;
  for (int p = 0; p < patches; ++p)
    if ((int)cutlab_random_below(random, (uint64_t)(patches - p)) < size) {
      subset |= 1u << p;
      --size;
    }
  return subset;
}

/* One augmented example: patches of `kept` from i, those of `pasted` from j; the label weight
   of i is `share`. */
static void add_example(const cutlab_objective *objective, double *loss, double *gradient,
                        const double *outputs, int64_t i, int64_t j, uint32_t kept, uint32_t pasted,
                        double share) {
  int patches = objective->patches;
  double weight = 1 / (double)objective->examples;
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
  uint32_t all = (1u << patches) - 1;
  *loss = 0;
  memset(gradient, 0, (size_t)n * (size_t)patches * sizeof *gradient);
  for (int64_t i = 0; i < n; ++i) {
    cutlab_random random =
        cutlab_random_make(seed, cutlab_stream_sample, (uint64_t)iteration, (uint64_t)i, 0);
    switch (objective->options.method) {
    case CUTLAB_MIXUP: /* mixes inputs, not outputs: src/theory/mixup.h */
    case CUTLAB_ERM:
      add_example(objective, loss, gradient, outputs, i, i, all, 0, 1);
      break;
    case CUTLAB_CUTOUT:
      add_example(objective, loss, gradient, outputs, i, i,
                  random_subset(&random, patches, patches - objective->options.cut_size), 0, 1);
      break;
    case CUTLAB_CUTMIX: {
      int64_t partner = (int64_t)cutlab_random_below(&random, (uint64_t)n);
      int size = (int)cutlab_random_below(&random, (uint64_t)patches + 1);
      uint32_t kept = random_subset(&random, patches, size);
      add_example(objective, loss, gradient, outputs, i, partner, kept, all & ~kept,
                  (double)size / patches);
      break;
    }
    }
  }
  return CUTLAB_OK;
}
