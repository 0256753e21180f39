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

#include "base/kernels_random_body.h"

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

#include "base/kernels_waves_body.h"

#include "base/kernels_dense_body.h"

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
