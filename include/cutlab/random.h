/* Counter-based random numbers: Philox 4x64-10 (Salmon et al., SC 2011).
   A generator is a value: the same (seed, stream, i, j, k) always gives the same
   sequence, in any thread, process or order. The 64-bit words equal those of
   numpy.random.Philox(key=[seed, stream], counter=[0, i, j, k]). */
#ifndef CUTLAB_RANDOM_H
#define CUTLAB_RANDOM_H

#include <stdint.h>

#include <cutlab/export.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cutlab_random {
  uint64_t key[2], counter[4], words[4];
  int used;       /* words of the current block already handed out */
  int has_normal; /* Box-Muller makes pairs: the second one waits here */
  double normal;
} cutlab_random;

CUTLAB_API cutlab_random cutlab_random_make(uint64_t seed, uint64_t stream, uint64_t i, uint64_t j,
                                            uint64_t k);
CUTLAB_API uint64_t cutlab_random_u64(cutlab_random *random);
/* Uniform on [0, 1), 53 bits: (u64 >> 11) 2^-53. */
CUTLAB_API double cutlab_random_uniform(cutlab_random *random);
/* Uniform on 0..bound-1, bound >= 1, without bias (Lemire 2019). */
CUTLAB_API uint64_t cutlab_random_below(cutlab_random *random, uint64_t bound);
/* Standard normal (Box-Muller). */
CUTLAB_API double cutlab_random_normal(cutlab_random *random);
/* Gamma(shape, scale 1), shape > 0 (Marsaglia and Tsang 2000). */
CUTLAB_API double cutlab_random_gamma(cutlab_random *random, double shape);
/* Beta(a, b), a, b > 0. */
CUTLAB_API double cutlab_random_beta(cutlab_random *random, double a, double b);
/* A uniform permutation of 0..count-1 (Fisher-Yates). permutation: [count]. */
CUTLAB_API void cutlab_random_permutation(cutlab_random *random, int64_t *permutation,
                                          int64_t count);

#ifdef __cplusplus
}
#endif
#endif
