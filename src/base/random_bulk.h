/* Random numbers in bulk, for those who need thousands at once. */
#ifndef CUTLAB_RANDOM_BULK_H
#define CUTLAB_RANDOM_BULK_H

#include <cutlab/random.h>

#include "base/kernels.h"

/* `count` words of a generator of cutlab_random_make, from its block `first` (of 4 words, the
   first one being 0) on: those that cutlab_random_u64 gives after 4 * first others. */
void cutlab_random_words(uint64_t *words, const cutlab_random *random, uint64_t first,
                         int64_t count);

/* Standard normal numbers from the blocks `first` and on: of a resolution of 2^-32 in probability,
   at most 6.66 in size. */
void cutlab_random_normals(double *normals, const cutlab_kernels *kernels,
                           const cutlab_random *random, uint64_t first, int64_t count);

#endif
