/* The inner loops that differ by instruction set: one table per set, chosen at run time.
   src/base/kernels_body.h holds their one portable source. All arrays are float64. */
#ifndef CUTLAB_KERNELS_H
#define CUTLAB_KERNELS_H

#include <stdbool.h>
#include <stdint.h>

#include <cutlab/context.h>

/* Waves e^(i w a) of `cutlab_wave_lanes` examples side by side, real parts before imaginary ones:
   [patches][2][lanes], up to cutlab_wave_patches of them. */
enum { cutlab_wave_lanes = 8, cutlab_wave_patches = 64 };

/* Filters in the dense form of src/theory/dynamics_dense.c, which gives the formulas. Arrays
   [count][width], width a multiple of 8, zero where nothing else is said. */
typedef struct cutlab_dense_filters {
  int64_t count, width;
  int64_t noise, rows, tail; /* N, patches that differ, and what follows noise in the state */
  double *state;
  double *next;                   /* the state after the step */
  double *inner, *slopes, *pulls; /* slopes: +-phi', of the sign of the filter */
  double *coefficients;
  double *own;    /* [width]: 1 for noise rows */
  double *along;  /* [tail][width]: of the rows */
  double *matrix; /* [rows][width]: each row's G_r, J_r */
} cutlab_dense_filters;

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
  /* sum_k w_k sum_j log(1 + u_k v_j). Products of eight of these factors must stay finite. */
  double (*log_sum)(const double *u, const double *w, int64_t m, const double *v, int64_t n);
  /* s[i] = 1 / (1 + exp(-x[i])) and, unless NULL, p[i] = log(1 + exp(x[i])). */
  void (*sigmoid)(double *s, double *p, const double *x, int64_t count);
  /* Smallest and largest of x[0..n-1], n >= 1. */
  void (*extent)(double *low, double *high, const double *x, int64_t n);
  /* The share of `rows` rows, from `first` on, in y = g x for a symmetric g (row stride ldg, lower
     triangle read): y[s * ldy + j] = sum over those rows i of their entries left of and on the
     diagonal, each counted at i and at its mirror image; j < first + rows, s < 2. */
  void (*symmetric_rows)(double *y, int64_t ldy, const double *g, int64_t ldg, int64_t first,
                         int64_t rows, const double *x, int64_t ldx);
  /* z[i] and z[count + i]: a pair of standard normal numbers for each word, by the formula of Box
     and Muller, its uniform numbers being (high + 1) 2^-32 and low 2^-32 for the word's halves. */
  void (*normals)(double *z, const uint64_t *words, int64_t count);
  /* Philox 4x32-10 (Salmon et al. 2011): the block of counter (b, counter) gives two words of 64
     bits, the earlier number below; for groups of 8 blocks from b = 8 first on, the first words of
     the 8 blocks, then their second ones. */
  void (*philox)(uint64_t *words, const uint32_t key[2], const uint32_t counter[3], uint32_t first,
                 int64_t groups);
  /* 32 uniform numbers on (-bound, bound) for each group of 16 words: bound ((h + 1/2) 2^-31 - 1)
     for the high halves h of 8 words, then their low ones, then those of the other 8. The same bits
     in every instruction set. */
  void (*uniforms)(double *u, const uint64_t *words, int64_t groups, double bound);
  /* gram[i * ldg + j] += rows_i . rows_j for j <= i < m, row stride ld, depth a multiple of 8; up
     to three entries right of the diagonal change too. */
  void (*add_gram)(double *gram, int64_t ldg, const double *rows, int64_t ld, int64_t m,
                   int64_t depth);
  /* z[i * ldz + c] = mean_i + sum_{k <= i} factor[i * ldf + k] normals[k * ldz + c], i < rows,
     c < count, a multiple of 32. The factor is 0 beyond its diagonal. */
  void (*correlate)(double *z, int64_t ldz, const double *factor, int64_t ldf, const double *mean,
                    int64_t rows, const double *normals, int64_t count);
  /* t[l * ldt + i] = T_l(x_i), the Chebyshev polynomials, l < degrees, i < n. */
  void (*chebyshev_basis)(double *t, int64_t ldt, const double *x, int64_t n, int64_t degrees);
  /* overlap [2][lanes]: sum_p z_p conj(wave_p), z [patches][2]. */
  void (*wave_overlap)(double *overlap, const double *z, const double *wave, int64_t patches);
  /* With E = sum_q weights_q prod_p (t_q z_p + (1 - t_q) wave_p), t = nodes: adds the real part of
     E to value [lanes] and, unless NULL, the imaginary parts of z_p dE/dz_p to own [patches][lanes]
     and of wave_p dE/dwave_p to partner [patches][lanes], all times share [lanes]. An even `count`
     of nodes. */
  void (*mix_waves)(double *value, double *own, double *partner, const double *share,
                    const double *z, const double *wave, int64_t patches, const double *nodes,
                    const double *weights, int64_t count);
  /* With E the mean of prod_{p in T} wave_p over the sets T of `size` patches, size <= 32: the real
     part of E in value [lanes] and, unless slopes is NULL, the imaginary part of
     V_p = wave_p dE/dwave_p in slopes [patches][lanes]. Unless `all` [2][lanes] is NULL: of
     all conj(E) and all conj(E - V_p) instead. table: [patches + 1][size + 1][2][lanes]. */
  void (*subset_waves)(double *value, double *slopes, double *table, const double *wave,
                       const double *all, int64_t patches, int64_t size);
  /* Fills `inner`. */
  void (*dense_inner)(const cutlab_dense_filters *filters);
  /* For phi(z) = z above 0, leak z below: sums [width], +-phi over the filters, and `slopes`;
     `inner` stays as it is. */
  void (*dense_leaky)(const cutlab_dense_filters *filters, double *sums, double leak);
  /* A step of length `rate` for dLoss/da = outputs [width]: pulls, `next`, and, if the square of
     the gradient's norm is finite, the moves of the coefficients. Gives that square. */
  double (*dense_descend)(const cutlab_dense_filters *filters, const double *outputs, double rate);
  /* sums[i] = sum_f +-phi(z[f * ldz + i]), the same phi, + for the first half of the filters;
     i < count, a multiple of 8. */
  void (*leaky_sums)(double *sums, const double *z, int64_t ldz, int64_t filters, double leak,
                     int64_t count);
} cutlab_kernels;

/* The table of an instruction set (AUTO: the best that this CPU has), or NULL where this CPU
   or this build lacks it. */
const cutlab_kernels *cutlab_kernels_for(cutlab_isa isa);

extern const cutlab_kernels cutlab_kernels_portable, cutlab_kernels_avx2, cutlab_kernels_avx512;

#endif
