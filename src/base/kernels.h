/* The inner loops that differ by instruction set: one table per set, chosen at run time.
   src/base/kernels_body.h holds their one portable source. All arrays are float64. */
#ifndef CUTLAB_KERNELS_H
#define CUTLAB_KERNELS_H

#include <stdbool.h>
#include <stdint.h>

#include <cutlab/context.h>

typedef struct cutlab_kernels {
  const char *name;
  /* c[i * ldc + j] = sum_k a[i * lda + k] b[j * ldb + k], i < m, j < n, k < depth. Every
     element is summed in the same order whatever m and n are. */
  void (*dots)(double *c, int64_t ldc, const double *a, int64_t lda, int64_t m, const double *b,
               int64_t ldb, int64_t n, int64_t depth);
  /* y[s * ldy + k] += sum_r c[s * ldc + r] x[r * ldx + k], s < n, r < m, k < depth. */
  void (*combine)(double *y, int64_t ldy, const double *c, int64_t ldc, int64_t n, const double *x,
                  int64_t ldx, int64_t m, int64_t depth);
  /* y[i] = exp(x[i]). */
  void (*exponential)(double *y, const double *x, int64_t count);
  /* With s_kj = 1 / (1 + u_k v_j): row[k] = sum_j s_kj, column[j] += sum_k w_k s_kj (w NULL: 1).
     k < m, j < n. */
  void (*sigmoid_sums)(double *row, double *column, const double *u, const double *w, int64_t m,
                       const double *v, int64_t n);
  /* sum_k w_k sum_j log(1 + exp(x_k + b_j)) (w NULL: 1). */
  double (*softplus_sum)(const double *x, const double *w, int64_t m, const double *b, int64_t n);
  /* s[i] = 1 / (1 + exp(-x[i])) and, unless NULL, p[i] = log(1 + exp(x[i])). */
  void (*sigmoid)(double *s, double *p, const double *x, int64_t count);
  /* Smallest and largest of x[0..n-1], n >= 1. */
  void (*extent)(double *low, double *high, const double *x, int64_t n);
  /* The share of `rows` rows, from `first` on, in y = g x for a symmetric g (row stride ldg, lower
     triangle read): y[s * ldy + j] = sum over those rows i of their entries left of and on the
     diagonal, each counted at i and at its mirror image; j < first + rows, s < 2. */
  void (*symmetric_rows)(double *y, int64_t ldy, const double *g, int64_t ldg, int64_t first,
                         int64_t rows, const double *x, int64_t ldx);
  /* t[l * ldt + i] = T_l(x_i), the Chebyshev polynomials, l < degrees, i < n. */
  void (*chebyshev_basis)(double *t, int64_t ldt, const double *x, int64_t n, int64_t degrees);
} cutlab_kernels;

/* The table of an instruction set (AUTO: the best that this CPU has), or NULL where this CPU
   or this build lacks it. */
const cutlab_kernels *cutlab_kernels_for(cutlab_isa isa);

extern const cutlab_kernels cutlab_kernels_portable, cutlab_kernels_avx2, cutlab_kernels_avx512;

#endif
