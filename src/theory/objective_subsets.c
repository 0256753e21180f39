/* Walks over the subsets of the patches. */
#include "theory/objective_internal.h"

uint64_t cutlab_all_patches(int patches) {
  return patches >= 64 ? UINT64_MAX : ((uint64_t)1 << (patches & 63)) - 1;
}

double cutlab_binomial(int n, int k) {
  double c = 1;
  for (int i = 1; i <= k; ++i) c = c * (n - k + i) / i;
  return c;
}

double cutlab_subsets_of_size(const cutlab_objective *objective, int size) {
  if (objective->options.subsets == CUTLAB_SUBSETS_ARBITRARY)
    return cutlab_binomial(objective->patches, size);
  return size ? objective->patches - size + 1 : 1;
}

uint64_t cutlab_first_of_size(int size) {
  return cutlab_all_patches(size);
}

/* The next mask with as many bits: the lowest run of ones gives its top one to the left and the
   others to the bottom (Gosper, HAKMEM item 175). */
static uint64_t next_combination(uint64_t mask) {
  uint64_t lowest = mask & -mask, ripple = mask + lowest;
  return ripple | (((mask ^ ripple) >> 2) / lowest);
}

bool cutlab_next_of_size(const cutlab_objective *objective, uint64_t *subset, int size) {
  uint64_t last = size ? cutlab_first_of_size(size) << (objective->patches - size) : 0;
  if (*subset == last) return false;
  bool runs = objective->options.subsets == CUTLAB_SUBSETS_CONTIGUOUS;
  *subset = runs ? *subset << 1 : next_combination(*subset);
  return true;
}

bool cutlab_next_subset(const cutlab_objective *objective, uint64_t *subset) {
  if (*subset == cutlab_all_patches(objective->patches)) return false;
  int size = __builtin_popcountll(*subset);
  if (objective->options.subsets == CUTLAB_SUBSETS_ARBITRARY)
    ++*subset;
  else if (!cutlab_next_of_size(objective, subset, size))
    *subset = cutlab_first_of_size(size + 1);
  return true;
}

double cutlab_subset_count(const cutlab_objective *objective) {
  double patches = objective->patches;
  if (objective->options.method == CUTLAB_CUTOUT)
    return cutlab_subsets_of_size(objective, objective->options.cut_size);
  if (objective->options.method != CUTLAB_CUTMIX) return 1;
  if (objective->options.subsets == CUTLAB_SUBSETS_ARBITRARY) return exp2(patches);
  return 1 + patches * (patches + 1) / 2;
}
