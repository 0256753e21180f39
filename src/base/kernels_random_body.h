/* The part of kernels_body.h that draws: Philox 4x32-10, normal and uniform numbers. */
typedef uint64_t bits __attribute__((vector_size(CUTLAB_VECTOR_BYTES)));

/* Integers of less than 51 bits as numbers: the bits of 2^52 + 2^51 + x, less that constant. */
INLINE vector from_integers(bits x) {
  const bits magic = (bits){0} + 0x4338000000000000;
  return (vector)(x + magic) - (vector)magic;
}

/* log(x 2^-32) for 1 <= x <= 2^32, by log x = k log 2 + 2 artanh((m - 1) / (m + 1)), x = m 2^k,
   sqrt(1/2) < m <= sqrt(2). */
INLINE vector log_of_share(vector x) {
  const double log_2 = 0.693147180559945309417232121458, root_2 = 1.41421356237309504880168872421;
  bits exponent = ((bits)x >> 52) - (1023 + 32);
  vector m = (vector)(((bits)x & 0x000fffffffffffff) | 0x3ff0000000000000);
  mask high = m > root_2;
  m = choose(high, m / 2, m);
  vector k = from_integers(exponent - (bits)high);
  vector s = (m - 1) / (m + 1), square = s * s, sum = spread(1.0 / 21);
  for (int j = 19; j > 0; j -= 2) sum = sum * square + 1.0 / j;
  return k * log_2 + 2 * s * sum;
}

/* cos and sin of 2 pi t 2^-32: Taylor series in the angle from the nearest quarter turn. */
INLINE void turn(vector *cosine, vector *sine, bits t) {
  static const double c_term[9] = {1.0,
                                   -1.0 / 2,
                                   1.0 / 24,
                                   -1.0 / 720,
                                   1.0 / 40320,
                                   -1.0 / 3628800,
                                   1.0 / 479001600,
                                   -1.0 / 87178291200,
                                   1.0 / 20922789888000};
  static const double s_term[8] = {
      1.0,          -1.0 / 6,        1.0 / 120,        -1.0 / 5040,
      1.0 / 362880, -1.0 / 39916800, 1.0 / 6227020800, -1.0 / 1307674368000};
  const double quarter = 1.57079632679489661923132169164 * 0x1p-30;
  bits quadrant = (t + 0x20000000) >> 30;
  vector x = quarter * from_integers(t - (quadrant << 30)), square = x * x;
  vector c = spread(c_term[8]), s = spread(s_term[7]);
  for (int j = 7; j >= 0; --j) c = c * square + c_term[j];
  for (int j = 6; j >= 0; --j) s = s * square + s_term[j];
  s *= x;
  mask odd = (mask)((bits){0} - (quadrant & 1));
  *cosine = (vector)((bits)choose(odd, s, c) ^ ((quadrant + 1) & 2) << 62);
  *sine = (vector)((bits)choose(odd, c, s) ^ (quadrant & 2) << 62);
}

INLINE void normal_pairs(vector *one, vector *other, bits word) {
  vector radius = -2 * log_of_share(from_integers((word >> 32) + 1)), cosine, sine;
  for (int l = 0; l < lanes; ++l) radius[l] = sqrt(radius[l]);
  turn(&cosine, &sine, word & 0xffffffff);
  *one = radius * cosine, *other = radius * sine;
}

static void normals(double *z, const uint64_t *words, int64_t count) {
  bits word;
  vector one, other;
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    memcpy(&word, words + i, sizeof word);
    normal_pairs(&one, &other, word);
    store(z + i, one);
    store(z + count + i, other);
  }
  if (i == count) return;
  word = (bits){0};
  memcpy(&word, words + i, (size_t)(count - i) * sizeof *words);
  normal_pairs(&one, &other, word);
  store_some(z + i, one, count - i);
  store_some(z + count + i, other, count - i);
}

#ifndef CUTLAB_VECTOR_PRODUCT /* of the low halves of lanes; the high ones may hold anything */
#define CUTLAB_VECTOR_PRODUCT(x, y) (((x)&0xffffffff) * ((y)&0xffffffff))
#endif

enum { group_vectors = 8 / lanes };

/* `count` groups side by side, at most two, so that none waits for its multiplications. A number to
   a lane, in its low half; what is in the high halves is never read. */
INLINE void philox_groups(uint64_t *words, const uint32_t key[2], const uint32_t counter[3],
                          uint32_t first, int count) {
  const bits one = (bits){0} + 0xD2511F53, other = (bits){0} + 0xCD9E8D57;
  bits c[2 * group_vectors][4], lane = {0};
  for (int l = 0; l < lanes; ++l) lane[l] = (uint64_t)l;
  for (int i = 0; i < count * group_vectors; ++i) {
    c[i][0] = lane + (first * 8 + (uint32_t)(i * lanes));
    for (int j = 0; j < 3; ++j) c[i][j + 1] = (bits){0} + counter[j];
  }
  uint32_t k[2] = {key[0], key[1]};
  for (int round = 0; round < 10; ++round, k[0] += 0x9E3779B9, k[1] += 0xBB67AE85)
    for (int i = 0; i < count * group_vectors; ++i) {
      bits p = CUTLAB_VECTOR_PRODUCT(c[i][0], one), q = CUTLAB_VECTOR_PRODUCT(c[i][2], other);
      c[i][0] = (q >> 32) ^ c[i][1] ^ k[0], c[i][1] = q;
      c[i][2] = (p >> 32) ^ c[i][3] ^ k[1], c[i][3] = p;
    }
  for (int i = 0; i < count * group_vectors; ++i) {
    uint64_t *to = words + i / group_vectors * 16 + i % group_vectors * lanes;
    bits low = (c[i][0] & 0xffffffff) | c[i][1] << 32,
         high = (c[i][2] & 0xffffffff) | c[i][3] << 32;
    memcpy(to, &low, sizeof low);
    memcpy(to + 8, &high, sizeof high);
  }
}

static void philox(uint64_t *words, const uint32_t key[2], const uint32_t counter[3],
                   uint32_t first, int64_t groups) {
  int64_t g = 0;
  for (; g + 2 <= groups; g += 2)
    philox_groups(words + 16 * g, key, counter, first + (uint32_t)g, 2);
  if (g < groups) philox_groups(words + 16 * g, key, counter, first + (uint32_t)g, 1);
}

static void uniforms(double *u, const uint64_t *words, int64_t groups, double bound) {
  for (int64_t i = 0; i < 16 * groups; i += 8)
    for (int at = 0; at < 8; at += lanes) {
      bits word;
      memcpy(&word, words + i + at, sizeof word);
      vector one = from_integers(word >> 32), other = from_integers(word & 0xffffffff);
      store(u + 2 * i + at, bound * ((one + 0.5) * 0x1p-31 - 1));
      store(u + 2 * i + 8 + at, bound * ((other + 0.5) * 0x1p-31 - 1));
    }
}
