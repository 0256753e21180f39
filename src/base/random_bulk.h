/* Random numbers in bulk, for those who need thousands at once: Philox 4x32-10, eight blocks at a
   time. Other numbers than those of cutlab_random, also where streams and indices are the same. */
#ifndef CUTLAB_RANDOM_BULK_H
#define CUTLAB_RANDOM_BULK_H

#include "base/kernels.h"

enum { cutlab_bulk_words = 16 }; /* of a group, which is made at once */

typedef struct cutlab_bulk {
  uint32_t key[2], counter[3];
} cutlab_bulk;

cutlab_bulk cutlab_bulk_make(uint64_t seed, uint32_t stream, uint32_t i, uint32_t j);

/* From group `first` on; a sequence has 2^29 groups. */
void cutlab_bulk_draw(uint64_t *words, const cutlab_kernels *kernels, const cutlab_bulk *bulk,
                      uint32_t first, int64_t groups);

/* `count` standard normal numbers: of a resolution of 2^-32 in probability, at most 6.66 in
   size. */
void cutlab_bulk_normals(double *normals, const cutlab_kernels *kernels, const cutlab_bulk *bulk,
                         int64_t count);

/* Numbers first.. of those uniform on (-bound, bound), of 32 bits; `first` is a multiple of 32. */
void cutlab_bulk_uniforms(double *uniforms, const cutlab_kernels *kernels, const cutlab_bulk *bulk,
                          double bound, int64_t first, int64_t count);

#endif
