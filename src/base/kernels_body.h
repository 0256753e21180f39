/* The one source of all kernels, compiled once per instruction set by kernels_*.c, which
   define CUTLAB_VECTOR_BYTES, CUTLAB_KERNEL_TABLE, CUTLAB_KERNEL_NAME and, where the C library
   has vector mathematics, CUTLAB_VECTOR_EXP and CUTLAB_VECTOR_LOG1P. Kernels add in an order
   that depends on the vector length only, never on how callers split the work. */
#include <math.h>
#include <string.h>

#include "base/kernels.h"

enum { lanes = CUTLAB_VECTOR_BYTES / 8 };
typedef double vector __attribute__((vector_size(CUTLAB_VECTOR_BYTES)));
typedef int64_t mask __attribute__((vector_size(CUTLAB_VECTOR_BYTES)));

#define INLINE static inline __attribute__((always_inline))

INLINE vector load(const double *p) {
  vector v;
  memcpy(&v, p, sizeof v);
  return v;
}

INLINE void store(double *p, vector v) {
  memcpy(p, &v, sizeof v);
}

INLINE vector spread(double x) {
  return x - (vector){0};
}

INLINE double horizontal_sum(vector v) {
  double half[lanes];
  memcpy(half, &v, sizeof v);
  for (int width = lanes / 2; width > 0; width /= 2)
    for (int i = 0; i < width; ++i) half[i] += half[i + width];
  return half[0];
}

#ifdef CUTLAB_VECTOR_EXP
vector CUTLAB_VECTOR_EXP(vector x);
vector CUTLAB_VECTOR_LOG1P(vector x);
#define vector_exp CUTLAB_VECTOR_EXP
#define vector_log1p CUTLAB_VECTOR_LOG1P
#else
INLINE vector vector_exp(vector x) {
  for (int i = 0; i < lanes; ++i) x[i] = exp(x[i]);
  return x;
}
INLINE vector vector_log1p(vector x) {
  for (int i = 0; i < lanes; ++i) x[i] = log1p(x[i]);
  return x;
}
#endif

/* The tail of an array in a full vector, padded with zeros. */
INLINE vector load_some(const double *p, int64_t count) {
  vector v = {0};
  memcpy(&v, p, (size_t)count * sizeof *p);
  return v;
}

INLINE void store_some(double *p, vector v, int64_t count) {
  memcpy(p, &v, (size_t)count * sizeof *p);
}

/* A tile of `rows` x `columns` inner products: one accumulator each, kept in registers. */
INLINE void dots_tile(double *c, int64_t ldc, const double *a, int64_t lda, int rows,
                      const double *b, int64_t ldb, int columns, int64_t depth) {
  vector sum[4][2] = {{{0}}};
  int64_t k = 0;
  for (; k + lanes <= depth; k += lanes) {
    vector right[2];
    for (int j = 0; j < columns; ++j) right[j] = load(b + j * ldb + k);
    for (int i = 0; i < rows; ++i) {
      vector left = load(a + i * lda + k);
      for (int j = 0; j < columns; ++j) sum[i][j] += left * right[j];
    }
  }
  for (int i = 0; i < rows; ++i)
    for (int j = 0; j < columns; ++j) {
      double total = horizontal_sum(sum[i][j]);
      for (int64_t l = k; l < depth; ++l) total += a[i * lda + l] * b[j * ldb + l];
      c[i * ldc + j] = total;
    }
}

static void dots(double *c, int64_t ldc, const double *a, int64_t lda, int64_t m, const double *b,
                 int64_t ldb, int64_t n, int64_t depth) {
  for (int64_t j = 0; j < n; j += 2) {
    const double *right = b + j * ldb;
    bool pair = j + 1 < n;
    int64_t i = 0;
    for (; i + 4 <= m; i += 4) {
      if (pair)
        dots_tile(c + i * ldc + j, ldc, a + i * lda, lda, 4, right, ldb, 2, depth);
      else
        dots_tile(c + i * ldc + j, ldc, a + i * lda, lda, 4, right, ldb, 1, depth);
    }
    for (; i < m; ++i) {
      if (pair)
        dots_tile(c + i * ldc + j, ldc, a + i * lda, lda, 1, right, ldb, 2, depth);
      else
        dots_tile(c + i * ldc + j, ldc, a + i * lda, lda, 1, right, ldb, 1, depth);
    }
  }
}

/* `width` vectors of one row of y, over all m rows of x. */
INLINE void combine_strip(double *y, const double *c, const double *x, int64_t ldx, int64_t m,
                          int width) {
  vector sum[4];
  for (int i = 0; i < width; ++i) sum[i] = load(y + i * lanes);
  for (int64_t r = 0; r < m; ++r)
    for (int i = 0; i < width; ++i) sum[i] += spread(c[r]) * load(x + r * ldx + i * lanes);
  for (int i = 0; i < width; ++i) store(y + i * lanes, sum[i]);
}

/* One vector of four rows of y: independent sums hide the latency of each. */
INLINE void combine_rows(double *y, int64_t ldy, const double *c, int64_t ldc, const double *x,
                         int64_t ldx, int64_t m) {
  vector sum[4];
  for (int s = 0; s < 4; ++s) sum[s] = load(y + s * ldy);
  for (int64_t r = 0; r < m; ++r) {
    vector right = load(x + r * ldx);
    for (int s = 0; s < 4; ++s) sum[s] += spread(c[s * ldc + r]) * right;
  }
  for (int s = 0; s < 4; ++s) store(y + s * ldy, sum[s]);
}

static void combine(double *y, int64_t ldy, const double *c, int64_t ldc, int64_t n,
                    const double *x, int64_t ldx, int64_t m, int64_t depth) {
  int64_t k = 0;
  for (; k + 4 * lanes <= depth; k += 4 * lanes)
    for (int64_t s = 0; s < n; ++s) combine_strip(y + s * ldy + k, c + s * ldc, x + k, ldx, m, 4);
  for (; k + lanes <= depth; k += lanes) {
    int64_t s = 0;
    for (; s + 4 <= n; s += 4) combine_rows(y + s * ldy + k, ldy, c + s * ldc, ldc, x + k, ldx, m);
    for (; s < n; ++s) combine_strip(y + s * ldy + k, c + s * ldc, x + k, ldx, m, 1);
  }
  for (; k < depth; ++k)
    for (int64_t s = 0; s < n; ++s) {
      double sum = y[s * ldy + k];
      for (int64_t r = 0; r < m; ++r) sum += c[s * ldc + r] * x[r * ldx + k];
      y[s * ldy + k] = sum;
    }
}

static void exponential(double *y, const double *x, int64_t count) {
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) store(y + i, vector_exp(load(x + i)));
  if (i < count) store_some(y + i, vector_exp(load_some(x + i, count - i)), count - i);
}

INLINE void sigmoid_sums_rows(double *row, double *column, const double *u, const double *w,
                              int rows, const double *v, int64_t n) {
  vector sum[4] = {{0}};
  double weight[4], tail[4] = {0};
  for (int k = 0; k < rows; ++k) weight[k] = w ? w[k] : 1;
  int64_t j = 0;
  for (; j + lanes <= n; j += lanes) {
    vector total = load(column + j), right = load(v + j);
    for (int k = 0; k < rows; ++k) {
      vector s = 1 / (1 + u[k] * right);
      sum[k] += s;
      total += weight[k] * s;
    }
    store(column + j, total);
  }
  for (; j < n; ++j)
    for (int k = 0; k < rows; ++k) {
      double s = 1 / (1 + u[k] * v[j]);
      tail[k] += s;
      column[j] += weight[k] * s;
    }
  for (int k = 0; k < rows; ++k) row[k] = horizontal_sum(sum[k]) + tail[k];
}

static void sigmoid_sums(double *row, double *column, const double *u, const double *w, int64_t m,
                         const double *v, int64_t n) {
  int64_t k = 0;
  for (; k + 4 <= m; k += 4) sigmoid_sums_rows(row + k, column, u + k, w ? w + k : w, 4, v, n);
  for (; k < m; ++k) sigmoid_sums_rows(row + k, column, u + k, w ? w + k : w, 1, v, n);
}

INLINE vector vector_abs(vector x) {
  return (vector)((mask)x & 0x7fffffffffffffff);
}

INLINE vector choose(mask test, vector yes, vector no) {
  return (vector)(((mask)yes & test) | ((mask)no & ~test));
}

/* log(1 + e^x) without overflow or cancellation. */
INLINE vector softplus(vector x) {
  return choose(x > 0, x, (vector){0}) + vector_log1p(vector_exp(-vector_abs(x)));
}

static double softplus_sum(const double *x, const double *w, int64_t m, const double *b,
                           int64_t n) {
  double total = 0;
  for (int64_t k = 0; k < m; ++k) {
    vector sum = {0};
    int64_t j = 0;
    for (; j + lanes <= n; j += lanes) sum += softplus(x[k] + load(b + j));
    double tail[lanes], row = horizontal_sum(sum);
    if (j < n) {
      store(tail, softplus(x[k] + load_some(b + j, n - j)));
      for (int64_t l = 0; l < n - j; ++l) row += tail[l];
    }
    total += w ? w[k] * row : row;
  }
  return total;
}

/* One logarithm for eight factors. */
INLINE double log_sum_rows(const double *u, const double *w, int rows, const double *v, int64_t n) {
  vector sum[4] = {{0}};
  int64_t j = 0;
  for (; j + 8 * lanes <= n; j += 8 * lanes) {
    vector product[4];
    for (int k = 0; k < rows; ++k) product[k] = spread(1);
    for (int i = 0; i < 8; ++i) {
      vector right = load(v + j + i * lanes);
      for (int k = 0; k < rows; ++k) product[k] *= 1 + u[k] * right;
    }
    for (int k = 0; k < rows; ++k) sum[k] += vector_log1p(product[k] - 1);
  }
  for (; j < n; j += lanes) {
    vector right = load_some(v + j, n - j < lanes ? n - j : lanes);
    for (int k = 0; k < rows; ++k) sum[k] += vector_log1p(u[k] * right);
  }
  double total = 0;
  for (int k = 0; k < rows; ++k) total += w[k] * horizontal_sum(sum[k]);
  return total;
}

static double log_sum(const double *u, const double *w, int64_t m, const double *v, int64_t n) {
  double total = 0;
  int64_t k = 0;
  for (; k + 4 <= m; k += 4) total += log_sum_rows(u + k, w + k, 4, v, n);
  for (; k < m; ++k) total += log_sum_rows(u + k, w + k, 1, v, n);
  return total;
}

static void sigmoid(double *s, double *p, const double *x, int64_t count) {
  for (int64_t i = 0; i < count; i += lanes) {
    int64_t some = count - i < lanes ? count - i : lanes;
    bool whole = some == lanes; /* whose size the compiler knows */
    vector z = whole ? load(x + i) : load_some(x + i, some), e = vector_exp(-vector_abs(z));
    vector value = choose(z > 0, 1 / (1 + e), e / (1 + e));
    if (whole)
      store(s + i, value);
    else
      store_some(s + i, value, some);
    if (p) store_some(p + i, choose(z > 0, z, (vector){0}) + vector_log1p(e), some);
  }
}

static void extent(double *low, double *high, const double *x, int64_t n) {
  vector least = spread(x[0]), most = least;
  for (int64_t i = 0; i < n; i += lanes) {
    vector z = least;
    if (i + lanes <= n)
      z = load(x + i);
    else
      memcpy(&z, x + i, (size_t)(n - i) * sizeof *x);
    least = choose(z < least, z, least);
    most = choose(z > most, z, most);
  }
  *low = least[0], *high = most[0];
  for (int i = 1; i < lanes; ++i) {
    if (least[i] < *low) *low = least[i];
    if (most[i] > *high) *high = most[i];
  }
}

/* `rows` rows that start at row i, over the columns [0, columns): dot products into `sum`, mirror
   images into y. One pass over g serves both and both right-hand sides. */
INLINE void symmetric_strip(double (*sum)[2], double *y, int64_t ldy, const double *g, int64_t ldg,
                            int rows, int64_t columns, const double *x, int64_t ldx, int64_t i) {
  vector dot[4][2] = {{{0}}}, right[4][2];
  for (int r = 0; r < rows; ++r)
    for (int s = 0; s < 2; ++s) right[r][s] = spread(x[s * ldx + i + r]);
  int64_t j = 0;
  for (; j + lanes <= columns; j += lanes) {
    vector left[2] = {load(x + j), load(x + ldx + j)};
    vector mirror[2] = {load(y + j), load(y + ldy + j)};
    for (int r = 0; r < rows; ++r) {
      vector entry = load(g + r * ldg + j);
      for (int s = 0; s < 2; ++s) {
        dot[r][s] += entry * left[s];
        mirror[s] += entry * right[r][s];
      }
    }
    store(y + j, mirror[0]);
    store(y + ldy + j, mirror[1]);
  }
  for (int r = 0; r < rows; ++r)
    for (int s = 0; s < 2; ++s) {
      sum[r][s] = horizontal_sum(dot[r][s]);
      for (int64_t k = j; k < columns; ++k) {
        sum[r][s] += g[r * ldg + k] * x[s * ldx + k];
        y[s * ldy + k] += g[r * ldg + k] * x[s * ldx + i + r];
      }
    }
}

static void symmetric_rows(double *y, int64_t ldy, const double *g, int64_t ldg, int64_t first,
                           int64_t rows, const double *x, int64_t ldx) {
  for (int s = 0; s < 2; ++s) memset(y + s * ldy, 0, (size_t)(first + rows) * sizeof *y);
  for (int64_t i = first; i < first + rows;) {
    int strip = first + rows - i >= 4 ? 4 : 1;
    double sum[4][2];
    if (strip == 4)
      symmetric_strip(sum, y, ldy, g + i * ldg, ldg, 4, i, x, ldx, i);
    else
      symmetric_strip(sum, y, ldy, g + i * ldg, ldg, 1, i, x, ldx, i);
    for (int r = 0; r < strip; ++r) { /* the triangle at the diagonal */
      const double *row = g + (i + r) * ldg;
      for (int s = 0; s < 2; ++s) {
        double *column = y + s * ldy;
        const double *right = x + s * ldx;
        for (int64_t k = i; k < i + r; ++k) {
          sum[r][s] += row[k] * right[k];
          column[k] += row[k] * right[i + r];
        }
        column[i + r] += sum[r][s] + row[i + r] * right[i + r];
      }
    }
    i += strip;
  }
}

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

INLINE void gram_tile(double *gram, int64_t ldg, const double *left, int rows, const double *right,
                      int columns, int64_t ld, int64_t depth) {
  vector sum[4][4] = {{{0}}};
  for (int64_t k = 0; k < depth; k += lanes)
    for (int i = 0; i < rows; ++i)
      for (int j = 0; j < columns; ++j)
        sum[i][j] += load(left + i * ld + k) * load(right + j * ld + k);
  for (int i = 0; i < rows; ++i)
    for (int j = 0; j < columns; ++j) gram[i * ldg + j] += horizontal_sum(sum[i][j]);
}

static void add_gram(double *gram, int64_t ldg, const double *rows, int64_t ld, int64_t m,
                     int64_t depth) {
  for (int64_t i = 0; i < m;) {
    int64_t height = m - i >= 4 ? 4 : 1, j = 0;
    for (; j + 4 <= i + height; j += 4) {
      if (height == 4)
        gram_tile(gram + i * ldg + j, ldg, rows + i * ld, 4, rows + j * ld, 4, ld, depth);
      else
        gram_tile(gram + i * ldg + j, ldg, rows + i * ld, 1, rows + j * ld, 4, ld, depth);
    }
    for (; j < i + height; ++j)
      gram_tile(gram + i * ldg + j, ldg, rows + i * ld, 1, rows + j * ld, 1, ld, depth);
    i += height;
  }
}

enum { correlate_strip = CUTLAB_VECTOR_BYTES == 64 ? 4 : 2 };

INLINE void correlate_tile(double *z, int64_t ldz, const double *factor, int64_t ldf,
                           const double *mean, int rows, const double *normals, int64_t depth) {
  vector sum[4][correlate_strip];
  for (int i = 0; i < rows; ++i)
    for (int v = 0; v < correlate_strip; ++v) sum[i][v] = spread(mean[i]);
  for (int64_t k = 0; k < depth; ++k)
    for (int i = 0; i < rows; ++i)
      for (int v = 0; v < correlate_strip; ++v)
        sum[i][v] += factor[i * ldf + k] * load(normals + k * ldz + v * lanes);
  for (int i = 0; i < rows; ++i)
    for (int v = 0; v < correlate_strip; ++v) store(z + i * ldz + v * lanes, sum[i][v]);
}

static void correlate(double *z, int64_t ldz, const double *factor, int64_t ldf, const double *mean,
                      int64_t rows, const double *normals, int64_t count) {
  for (int64_t c = 0; c < count; c += correlate_strip * lanes) {
    int64_t i = 0;
    for (; i + 4 <= rows; i += 4)
      correlate_tile(z + i * ldz + c, ldz, factor + i * ldf, ldf, mean + i, 4, normals + c, i + 4);
    for (; i < rows; ++i)
      correlate_tile(z + i * ldz + c, ldz, factor + i * ldf, ldf, mean + i, 1, normals + c, i + 1);
  }
}

static void chebyshev_basis(double *t, int64_t ldt, const double *x, int64_t n, int64_t degrees) {
  for (int64_t i = 0; i < n; i += lanes) {
    int64_t some = n - i < lanes ? n - i : lanes;
    vector z = load_some(x + i, some), twice = 2 * z, one = z, two = spread(1);
    for (int64_t l = 0; l < degrees; ++l) {
      vector next = twice * one - two;
      if (some == lanes)
        store(t + l * ldt + i, two);
      else
        store_some(t + l * ldt + i, two, some);
      two = one;
      one = next;
    }
  }
}

enum { wave_step = 2 * cutlab_wave_lanes }; /* from one patch's waves to the next one's */

static void wave_overlap(double *overlap, const double *z, const double *wave, int64_t patches) {
  for (int at = 0; at < cutlab_wave_lanes; at += lanes) {
    vector real = {0}, imaginary = {0};
    for (int64_t p = 0; p < patches; ++p) {
      vector re = load(wave + p * wave_step + at);
      vector im = load(wave + p * wave_step + cutlab_wave_lanes + at);
      real += z[2 * p] * re + z[2 * p + 1] * im;
      imaginary += z[2 * p + 1] * re - z[2 * p] * im;
    }
    store(overlap + at, real);
    store(overlap + cutlab_wave_lanes + at, imaginary);
  }
}

/* A complex number in each lane. */
typedef struct complex_vector {
  vector re, im;
} complex_vector;

INLINE complex_vector complex_product(complex_vector a, complex_vector b) {
  return (complex_vector){a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}

INLINE complex_vector load_complex(const double *p) {
  return (complex_vector){load(p), load(p + cutlab_wave_lanes)};
}

INLINE void store_complex(double *p, complex_vector z) {
  store(p, z.re);
  store(p + cutlab_wave_lanes, z.im);
}

/* t z + (1 - t) w. */
INLINE complex_vector mix(const double *z, complex_vector w, double t) {
  return (complex_vector){w.re + t * (z[0] - w.re), w.im + t * (z[1] - w.im)};
}

/* Sums over the nodes of the derivative of each product, and of the same times t. */
typedef struct mix_sums {
  complex_vector whole[cutlab_wave_patches], part[cutlab_wave_patches];
} mix_sums;

/* Two nodes: the product of all factors, then, from products before and after each factor, its
   derivative. Returns the real part of the weighted products. */
INLINE vector mix_nodes(mix_sums *sums, bool want, const double *z, const double *wave,
                        int64_t patches, const double *nodes, const double *weights) {
  complex_vector before[2][cutlab_wave_patches], product[2], after[2];
  for (int s = 0; s < 2; ++s) {
    product[s] = (complex_vector){spread(1), spread(0)};
    after[s] = (complex_vector){spread(weights[s]), spread(0)};
  }
  for (int64_t p = 0; p < patches; ++p) {
    complex_vector w = load_complex(wave + p * wave_step);
    for (int s = 0; s < 2; ++s) {
      before[s][p] = product[s];
      product[s] = complex_product(product[s], mix(z + 2 * p, w, nodes[s]));
    }
  }
  for (int64_t p = want ? patches - 1 : -1; p >= 0; --p) {
    complex_vector w = load_complex(wave + p * wave_step), whole = sums->whole[p];
    complex_vector part = sums->part[p];
    for (int s = 0; s < 2; ++s) {
      complex_vector slope = complex_product(before[s][p], after[s]);
      whole.re += slope.re, whole.im += slope.im;
      part.re += nodes[s] * slope.re, part.im += nodes[s] * slope.im;
      after[s] = complex_product(after[s], mix(z + 2 * p, w, nodes[s]));
    }
    sums->whole[p] = whole;
    sums->part[p] = part;
  }
  return weights[0] * product[0].re + weights[1] * product[1].re;
}

static void mix_waves(double *value, double *own, double *partner, const double *share,
                      const double *z, const double *wave, int64_t patches, const double *nodes,
                      const double *weights, int64_t count) {
  mix_sums sums;
  for (int at = 0; at < cutlab_wave_lanes; at += lanes) {
    vector total = {0}, shares = load(share + at);
    size_t used = own ? (size_t)patches * sizeof *sums.whole : 0;
    memset(sums.whole, 0, used);
    memset(sums.part, 0, used);
    for (int64_t q = 0; q < count; q += 2)
      total += mix_nodes(&sums, own != NULL, z, wave + at, patches, nodes + q, weights + q);
    store(value + at, load(value + at) + shares * total);
    for (int64_t p = 0; own && p < patches; ++p) {
      complex_vector w = load_complex(wave + p * wave_step + at);
      complex_vector part = sums.part[p];
      complex_vector rest = {sums.whole[p].re - part.re, sums.whole[p].im - part.im};
      double *mine = own + p * cutlab_wave_lanes + at, *other = partner + (mine - own);
      store(mine, load(mine) + shares * (z[2 * p] * part.im + z[2 * p + 1] * part.re));
      store(other, load(other) + shares * (w.re * rest.im + w.im * rest.re));
    }
  }
}

/* Row p of the table holds the means M_{p,k} over the subsets of size k of the first p patches, for
   those k that can still lead to `size`. */
INLINE complex_vector subset_means(double *table, const double *wave, int64_t patches,
                                   int64_t size) {
  int64_t row = (size + 1) * wave_step;
  complex_vector one = {spread(1), spread(0)};
  store_complex(table, one);
  for (int64_t p = 1; p <= patches; ++p) {
    complex_vector z = load_complex(wave + (p - 1) * wave_step);
    const double *before = table + (p - 1) * row;
    int64_t least = size - (patches - p), most = p < size ? p : size;
    for (int64_t k = least > 0 ? least : 0; k <= most; ++k) {
      complex_vector mean = one;
      if (k) {
        double taken = (double)k / (double)p;
        complex_vector with = complex_product(z, load_complex(before + (k - 1) * wave_step));
        mean = (complex_vector){taken * with.re, taken * with.im};
        if (k < p) {
          complex_vector without = load_complex(before + k * wave_step);
          mean.re += (1 - taken) * without.re, mean.im += (1 - taken) * without.im;
        }
      }
      store_complex(table + p * row + k * wave_step, mean);
    }
  }
  return load_complex(table + patches * row + size * wave_step);
}

/* The same backwards: adjoint[k] is the derivative of E in M_{p,k}. Gives dE/dwave_p and goes on to
   p - 1. */
INLINE complex_vector subset_slope(complex_vector *adjoint, const double *before, complex_vector z,
                                   int64_t p, int64_t patches, int64_t size) {
  int64_t least = size - (patches - p), most = p < size ? p : size;
  complex_vector slope = {spread(0), spread(0)};
  for (int64_t k = least > 1 ? least : 1; k <= most; ++k) {
    complex_vector part = complex_product(adjoint[k], load_complex(before + (k - 1) * wave_step));
    double taken = (double)k / (double)p;
    slope.re += taken * part.re, slope.im += taken * part.im;
  }
  for (int64_t k = least > 1 ? least - 1 : 0; k <= most; ++k) {
    double taken = (double)k / (double)p, next = (double)(k + 1) / (double)p;
    complex_vector with = k < most ? complex_product(z, adjoint[k + 1]) : slope;
    if (k == most) next = 0;
    adjoint[k].re = (1 - taken) * adjoint[k].re + next * with.re;
    adjoint[k].im = (1 - taken) * adjoint[k].im + next * with.im;
  }
  return slope;
}

static void subset_waves(double *value, double *slopes, double *table, const double *wave,
                         const double *all, int64_t patches, int64_t size) {
  for (int at = 0; at < cutlab_wave_lanes; at += lanes) {
    complex_vector adjoint[cutlab_wave_patches / 2 + 1], whole = {spread(1), spread(0)};
    complex_vector mean = subset_means(table + at, wave + at, patches, size);
    if (all) whole = load_complex(all + at);
    store(value + at, all ? whole.re * mean.re + whole.im * mean.im : mean.re);
    if (!slopes) continue;
    memset(adjoint, 0, sizeof adjoint);
    adjoint[size].re = spread(1);
    for (int64_t p = patches; p > 0; --p) {
      complex_vector z = load_complex(wave + (p - 1) * wave_step + at);
      const double *before = table + (p - 1) * (size + 1) * wave_step + at;
      complex_vector slope = subset_slope(adjoint, before, z, p, patches, size);
      complex_vector v = complex_product(z, slope);
      complex_vector rest = {mean.re - v.re, mean.im - v.im};
      vector turned = whole.im * rest.re - whole.re * rest.im;
      store(slopes + (p - 1) * cutlab_wave_lanes + at, all ? turned : v.im);
    }
  }
}

/* <w_f, x_r> of the rows from l on. */
INLINE vector inner_at(const cutlab_dense_filters *q, int64_t f, int64_t l) {
  const double *state = q->state + f * q->width;
  vector sum = load(q->own + l) * load(state + l);
  for (int64_t t = 0; t < q->tail; ++t)
    sum += state[q->noise + t] * load(q->along + t * q->width + l);
  return sum;
}

static void dense_inner(const cutlab_dense_filters *q) {
  for (int64_t f = 0; f < q->count; ++f)
    for (int64_t l = 0; l < q->width; l += lanes)
      store(q->inner + f * q->width + l, inner_at(q, f, l));
}

INLINE vector leaky_slope(vector z, double sign, double leak) {
  return choose(z > 0, spread(sign), spread(sign * leak));
}

static void leaky_sums(double *sums, const double *z, int64_t ldz, int64_t filters, double leak,
                       int64_t count) {
  for (int64_t i = 0; i < count; i += lanes) {
    vector sum = {0};
    for (int64_t f = 0; f < filters; ++f) {
      vector value = load(z + f * ldz + i);
      sum += leaky_slope(value, f < filters / 2 ? 1 : -1, leak) * value;
    }
    store(sums + i, sum);
  }
}

/* Adds the filters of one sign, and sets their slopes. */
INLINE vector leaky_rows(vector sum, const cutlab_dense_filters *q, int64_t first, int64_t end,
                         double sign, double leak, int64_t l) {
  for (int64_t f = first; f < end; ++f) {
    vector value = inner_at(q, f, l), slope = leaky_slope(value, sign, leak);
    sum += slope * value;
    store(q->slopes + f * q->width + l, slope);
  }
  return sum;
}

static void dense_leaky(const cutlab_dense_filters *filters, double *sums, double leak) {
  const cutlab_dense_filters copy = *filters, *q = &copy; /* no store changes it */
  for (int64_t l = 0; l < q->width; l += lanes) {
    vector sum = leaky_rows((vector){0}, q, 0, q->count / 2, 1, leak, l);
    store(sums + l, leaky_rows(sum, q, q->count / 2, q->count, -1, leak, l));
  }
}

/* `vectors` vectors from l on of the moves of `count` filters; what they add to the square of the
   gradient's norm. */
INLINE vector dense_tile(const cutlab_dense_filters *q, int64_t f, int count, int64_t l,
                         int vectors, double rate) {
  vector sum[4][3] = {{{0}}}, square = {0};
  const double *pulls = q->pulls + f * q->width, *matrix = q->matrix + l;
  for (int64_t r = 0; r < q->rows; ++r)
    for (int g = 0; g < count; ++g)
      for (int v = 0; v < vectors; ++v)
        sum[g][v] += pulls[g * q->width + r] * load(matrix + r * q->width + v * lanes);
  for (int v = 0; v < vectors; ++v) {
    vector own = load(q->own + l + v * lanes), tail = 1 - own;
    for (int g = 0; g < count; ++g) {
      int64_t at = (f + g) * q->width + l + v * lanes;
      square += sum[g][v] * (own * load(q->pulls + at) + tail * sum[g][v]);
      store(q->next + at, load(q->state + at) - rate * sum[g][v]);
    }
  }
  return square;
}

INLINE vector dense_moves(const cutlab_dense_filters *q, int64_t f, int count, double rate) {
  enum { strip = 3 };
  vector square = {0};
  int64_t l = 0;
  for (; l + strip * lanes <= q->width; l += strip * lanes)
    square += dense_tile(q, f, count, l, strip, rate);
  for (; l < q->width; l += lanes) square += dense_tile(q, f, count, l, 1, rate);
  return square;
}

static double dense_descend(const cutlab_dense_filters *filters, const double *outputs,
                            double rate) {
  const cutlab_dense_filters copy = *filters, *q = &copy;
  int64_t all = q->count * q->width, f = 0;
  for (int64_t l = 0; l < q->width; l += lanes) {
    vector output = load(outputs + l);
    for (int64_t k = l; k < all; k += q->width) store(q->pulls + k, load(q->slopes + k) * output);
  }
  vector square = {0};
  for (; f + 4 <= q->count; f += 4) square += dense_moves(q, f, 4, rate);
  for (; f < q->count; f += 2) square += dense_moves(q, f, 2, rate);
  double sum = horizontal_sum(square);
  if (!isfinite(sum)) return sum;
  for (int64_t k = 0; k < all; k += lanes)
    store(q->coefficients + k, load(q->coefficients + k) - rate * load(q->pulls + k));
  return sum;
}

const cutlab_kernels CUTLAB_KERNEL_TABLE = {
    .name = CUTLAB_KERNEL_NAME,
    .dots = dots,
    .combine = combine,
    .exponential = exponential,
    .sigmoid_sums = sigmoid_sums,
    .softplus_sum = softplus_sum,
    .log_sum = log_sum,
    .sigmoid = sigmoid,
    .extent = extent,
    .symmetric_rows = symmetric_rows,
    .normals = normals,
    .philox = philox,
    .uniforms = uniforms,
    .add_gram = add_gram,
    .correlate = correlate,
    .chebyshev_basis = chebyshev_basis,
    .wave_overlap = wave_overlap,
    .mix_waves = mix_waves,
    .subset_waves = subset_waves,
    .dense_inner = dense_inner,
    .dense_descend = dense_descend,
    .dense_leaky = dense_leaky,
    .leaky_sums = leaky_sums,
};
