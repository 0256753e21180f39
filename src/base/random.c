/* Philox 4x64-10 and the distributions drawn from it. */
#include <math.h>

#include <Random123/philox.h>
#include <cutlab/random.h>

enum { block_words = 4 };

cutlab_random cutlab_random_make(uint64_t seed, uint64_t stream, uint64_t i, uint64_t j,
                                 uint64_t k) {
  return (cutlab_random){.key = {seed, stream}, .counter = {0, i, j, k}, .used = block_words};
}

/* The counter is raised before a block is made, as NumPy does: the first block is number 1. */
static void next_block(cutlab_random *random) {
  ++random->counter[0];
  philox4x64_ctr_t counter;
  philox4x64_key_t key;
  for (int w = 0; w < block_words; ++w) counter.v[w] = random->counter[w];
  for (int w = 0; w < 2; ++w) key.v[w] = random->key[w];
  philox4x64_ctr_t block = philox4x64_R(10, counter, key);
  for (int w = 0; w < block_words; ++w) random->words[w] = block.v[w];
  random->used = 0;
}

uint64_t cutlab_random_u64(cutlab_random *random) {
  if (random->used == block_words) next_block(random);
  return random->words[random->used++];
}

double cutlab_random_uniform(cutlab_random *random) {
  return (double)(cutlab_random_u64(random) >> 11) * 0x1p-53;
}

/* Uniform on (0, 1], so that its logarithm is finite. */
static double positive_uniform(cutlab_random *random) {
  return (double)((cutlab_random_u64(random) >> 11) + 1) * 0x1p-53;
}

uint64_t cutlab_random_below(cutlab_random *random, uint64_t bound) {
  unsigned __int128 product = (unsigned __int128)cutlab_random_u64(random) * bound;
  if ((uint64_t)product < bound) {
    uint64_t threshold = -bound % bound; /* 2^64 mod bound */
    while ((uint64_t)product < threshold)
      product = (unsigned __int128)cutlab_random_u64(random) * bound;
  }
  return (uint64_t)(product >> 64);
}

double cutlab_random_normal(cutlab_random *random) {
  if (random->has_normal) {
    random->has_normal = 0;
    return random->normal;
  }
  const double two_pi = 6.283185307179586;
  double radius = sqrt(-2 * log(positive_uniform(random)));
  double angle = two_pi * cutlab_random_uniform(random);
  random->normal = radius * sin(angle);
  random->has_normal = 1;
  return radius * cos(angle);
}

/* Marsaglia and Tsang (2000), shape >= 1: with d = shape - 1/3, c = 1 / sqrt(9 d), x normal and
   v = (1 + c x)^3, accept d v with probability exp(x^2/2 + d (1 - v + log v)). */
static double gamma_above_one(cutlab_random *random, double shape) {
  double d = shape - 1.0 / 3, c = 1 / sqrt(9 * d);
  for (;;) {
    double x = cutlab_random_normal(random), root = 1 + c * x;
    if (root <= 0) continue;
    double v = root * root * root, u = positive_uniform(random);
    if (u < 1 - 0.0331 * x * x * x * x) return d * v;
    if (log(u) < 0.5 * x * x + d * (1 - v + log(v))) return d * v;
  }
}

/* The logarithm of a gamma variate, which does not underflow for a small shape:
   Gamma(a) = Gamma(a + 1) U^(1/a). */
static double log_gamma_variate(cutlab_random *random, double shape) {
  if (shape >= 1) return log(gamma_above_one(random, shape));
  double above = gamma_above_one(random, shape + 1);
  return log(above) + log(positive_uniform(random)) / shape;
}

double cutlab_random_gamma(cutlab_random *random, double shape) {
  return shape >= 1 ? gamma_above_one(random, shape) : exp(log_gamma_variate(random, shape));
}

double cutlab_random_beta(cutlab_random *random, double a, double b) {
  double x = log_gamma_variate(random, a);
  double y = log_gamma_variate(random, b);
  return 1 / (1 + exp(y - x));
}

void cutlab_random_permutation(cutlab_random *random, int64_t *permutation, int64_t count) {
  for (int64_t i = 0; i < count; ++i) permutation[i] = i;
  for (int64_t i = count - 1; i > 0; --i) {
    int64_t j = (int64_t)cutlab_random_below(random, (uint64_t)i + 1);
    int64_t swapped = permutation[i];
    permutation[i] = permutation[j];
    permutation[j] = swapped;
  }
}
