/* The objectives by brute force over all augmented data: the readable reference that the fast
   paths are compared with. */
#include "theory/objective_internal.h"

/* Adds weight * l(label f) to the loss and returns its derivative in f. */
static double add_loss(double *loss, double weight, int label, double f) {
  if (loss) *loss += weight * cutlab_logistic_loss(label * f);
  return weight * label * cutlab_logistic_slope(label * f);
}

/* ERM is Cutout with nothing cut. */
void cutlab_brute_cut(const cutlab_objective *objective, double *loss, double *gradient,
                      const double *outputs) {
  int patches = objective->patches;
  int cut_size = objective->options.method == CUTLAB_CUTOUT ? objective->options.cut_size : 0;
  uint32_t all = (1u << patches) - 1;
  double weight = 1 / ((double)objective->examples * cutlab_binomial(patches, cut_size));
  for (int64_t i = 0; i < objective->examples; ++i)
    for (uint32_t cut = 0; cut <= all; ++cut) {
      if (__builtin_popcount(cut) != cut_size) continue;
      double f = cutlab_subset_sum(outputs + i * patches, all & ~cut);
      double slope = add_loss(loss, weight, objective->labels[i], f);
      for (int p = 0; gradient && p < patches; ++p)
        if (!(cut >> p & 1)) gradient[i * patches + p] += slope;
    }
}

void cutlab_brute_cutmix(const cutlab_objective *objective, double *loss, double *gradient,
                         const double *outputs) {
  int patches = objective->patches;
  int64_t n = objective->examples;
  uint32_t all = (1u << patches) - 1;
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = 0; j < n; ++j)
      for (uint32_t subset = 0; subset <= all; ++subset) {
        int size = __builtin_popcount(subset);
        double share = (double)size / patches;
        double weight =
            1 / ((double)n * (double)n * (patches + 1) * cutlab_binomial(patches, size));
        double f = cutlab_subset_sum(outputs + i * patches, subset) +
                   cutlab_subset_sum(outputs + j * patches, all & ~subset);
        double slope = add_loss(loss, weight * share, objective->labels[i], f) +
                       add_loss(loss, weight * (1 - share), objective->labels[j], f);
        for (int p = 0; gradient && p < patches; ++p)
          gradient[(subset >> p & 1 ? i : j) * patches + p] += slope;
      }
}
