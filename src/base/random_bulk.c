/* Philox 4x32-10 group after group, and what is made of its words. */
#include "base/random_bulk.h"

#include <string.h>

enum { chunk_groups = 32, group_numbers = 2 * cutlab_bulk_words };

cutlab_bulk cutlab_bulk_make(uint64_t seed, uint32_t stream, uint32_t i, uint32_t j) {
  return (cutlab_bulk){{(uint32_t)seed, (uint32_t)(seed >> 32)}, {i, j, stream}};
}

void cutlab_bulk_draw(uint64_t *words, const cutlab_kernels *kernels, const cutlab_bulk *bulk,
                      uint32_t first, int64_t groups) {
  kernels->philox(words, bulk->key, bulk->counter, first, groups);
}

/* The groups of a part of `left` numbers. */
static int64_t groups_of(int64_t left) {
  int64_t groups = (left + group_numbers - 1) / group_numbers;
  return groups < chunk_groups ? groups : chunk_groups;
}

void cutlab_bulk_normals(double *normals, const cutlab_kernels *kernels, const cutlab_bulk *bulk,
                         int64_t count) {
  uint64_t words[chunk_groups * cutlab_bulk_words];
  double last[chunk_groups * group_numbers];
  uint32_t first = 0;
  for (int64_t i = 0; i < count;) {
    int64_t groups = groups_of(count - i), made = groups * group_numbers;
    bool fits = made <= count - i;
    cutlab_bulk_draw(words, kernels, bulk, first, groups);
    kernels->normals(fits ? normals + i : last, words, groups * cutlab_bulk_words);
    if (!fits) memcpy(normals + i, last, (size_t)(count - i) * sizeof *last);
    first += (uint32_t)groups;
    i += made;
  }
}

void cutlab_bulk_uniforms(double *uniforms, const cutlab_kernels *kernels, const cutlab_bulk *bulk,
                          double bound, int64_t first, int64_t count) {
  uint64_t words[chunk_groups * cutlab_bulk_words];
  double last[chunk_groups * group_numbers];
  for (int64_t i = 0; i < count;) {
    int64_t groups = groups_of(count - i), made = groups * group_numbers;
    bool fits = made <= count - i;
    cutlab_bulk_draw(words, kernels, bulk, (uint32_t)((first + i) / group_numbers), groups);
    kernels->uniforms(fits ? uniforms + i : last, words, groups, bound);
    if (!fits) memcpy(uniforms + i, last, (size_t)(count - i) * sizeof *last);
    i += made;
  }
}
