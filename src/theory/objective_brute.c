/* The objectives by brute force over all augmented data: the readable reference that the fast
   paths are compared with. */
#include "theory/objective_internal.h"

/* Adds weight * l(label f) to the loss and returns its derivative in f. */
static double add_loss(double *loss, double weight, int label, double f) {
  if (loss) *loss += weight * cutlab_logistic_loss(label * f);
  return weight * label * cutlab_logistic_slope(label * f);
}

/* Outputs are sums of P numbers; losses are positive, `losses` of them added one after the other,
   and so are up to `slopes` parts of an entry of the gradient. */
static void bound_rounding(const cutlab_objective *o, cutlab_evaluation *e, double losses,
                           double slopes) {
  double range = 2 * e->reach, u = cutlab_unit_roundoff;
  e->slope_error = u * (o->patches * range / 4 + slopes + 8);
  e->loss_error = u * (o->patches * range + 16 * (1 + range) + losses * (e->loss ? *e->loss : 0));
}

void cutlab_brute_cut(const cutlab_objective *objective, cutlab_evaluation *e) {
  int patches = objective->patches, cut_size = cutlab_cut_size(objective);
  uint64_t all = cutlab_all_patches(patches);
  double subsets = cutlab_subsets_of_size(objective, cut_size);
  double weight = 1 / ((double)objective->total * subsets);
  double work = 10 * patches * subsets;
  cutlab_watch_begin(e->watch, (double)objective->examples * work);
  for (int64_t i = 0; i < objective->examples; ++i) {
    if (!cutlab_watch_step(e->watch, true, work)) return;
    uint64_t cut = cutlab_first_of_size(cut_size);
    do {
      double f = cutlab_subset_sum(e->outputs + i * patches, all & ~cut);
      double slope = add_loss(e->loss, weight, objective->labels[i], f);
      for (int p = 0; e->gradient && p < patches; ++p)
        if (!(cut >> p & 1)) e->gradient[i * patches + p] += slope;
    } while (cutlab_next_of_size(objective, &cut, cut_size));
  }
  bound_rounding(objective, e, (double)objective->examples * subsets, subsets);
}

static void brute_pair(const cutlab_objective *objective, cutlab_evaluation *e, int64_t i,
                       int64_t j) {
  int patches = objective->patches;
  double n = (double)objective->total;
  uint64_t subset = 0, all = cutlab_all_patches(patches);
  do {
    int size = __builtin_popcountll(subset);
    double share = (double)size / patches;
    double weight = 1 / (n * n * (patches + 1) * cutlab_subsets_of_size(objective, size));
    double f = cutlab_subset_sum(e->outputs + i * patches, subset) +
               cutlab_subset_sum(e->outputs + j * patches, all & ~subset);
    double slope = add_loss(e->loss, weight * share, objective->labels[i], f) +
                   add_loss(e->loss, weight * (1 - share), objective->labels[j], f);
    for (int p = 0; e->gradient && p < patches; ++p)
      e->gradient[(subset >> p & 1 ? i : j) * patches + p] += slope;
  } while (cutlab_next_subset(objective, &subset));
}

void cutlab_brute_cutmix(const cutlab_objective *objective, cutlab_evaluation *e) {
  double n = (double)objective->examples, subsets = cutlab_subset_count(objective);
  double work = 10 * objective->patches * subsets;
  cutlab_watch_begin(e->watch, n * n * work);
  for (int64_t i = 0; i < objective->examples; ++i)
    for (int64_t j = 0; j < objective->examples; ++j) {
      if (!cutlab_watch_step(e->watch, true, work)) return;
      brute_pair(objective, e, i, j);
    }
  bound_rounding(objective, e, n * n * subsets, 2 * n * subsets);
}
