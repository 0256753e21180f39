/* Draws the inner products of noise and initial filters without their vectors. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cutlab/random.h>

#include "base/random_bulk.h"
#include "base/streams.h"
#include "data/dataset_internal.h"

typedef const struct cutlab_experiment values;

enum { word_block = 4, weight_chunk = 512 };

/* Two weights a word, of 32 bits each: (h + 1/2) 2^-31 - 1, which is symmetric about 0. */
void cutlab_uniform_weights(double *weights, values *x, int filter, int64_t first, int64_t count) {
  cutlab_random random = cutlab_random_make(x->seed, cutlab_stream_uniform, (uint64_t)filter, 0, 0);
  double bound = 1 / sqrt((double)x->dimension), scale = 0x1p-31 * bound;
  uint64_t words[weight_chunk / 2];
  for (int64_t c = 0; c < count; c += weight_chunk) {
    int64_t some = count - c < weight_chunk ? count - c : weight_chunk;
    cutlab_random_words(words, &random, (uint64_t)(first + c) / (2 * word_block), (some + 1) / 2);
    for (int64_t w = 0; w < some; ++w) {
      uint32_t half = (uint32_t)(words[w / 2] >> (w % 2 ? 0 : 32));
      weights[c + w] = ((double)half + 0.5) * scale - bound;
    }
  }
}

void cutlab_cholesky(double *gram, int64_t m) {
  const double slack = 1e-13; /* of a diagonal element: what rounding leaves of 0 */
  for (int64_t j = 0; j < m; ++j) {
    double *row = gram + j * m, size = row[j];
    for (int64_t i = 0; i <= j; ++i) {
      const double *other = gram + i * m;
      double rest = row[i];
      for (int64_t k = 0; k < i; ++k) rest -= row[k] * other[k];
      if (i < j)
        row[i] = other[i] > 0 ? rest / other[i] : 0;
      else
        row[i] = rest > slack * size ? sqrt(rest) : 0;
    }
    for (int64_t k = j + 1; k < m; ++k) row[k] = 0;
  }
}

/* Adds the products of rows i >= j of `part`, of `count` columns, to the lower triangle of gram. */
static void add_products(const cutlab_kernels *kernels, double *gram, int64_t ld,
                         const double *part, int64_t rows, int64_t count) {
  enum { tile = 16 };
  double products[tile * tile];
  for (int64_t i = 0; i < rows; i += tile)
    for (int64_t j = 0; j <= i; j += tile) {
      int64_t m = rows - i < tile ? rows - i : tile, n = rows - j < tile ? rows - j : tile;
      kernels->dots(products, tile, part + i * weight_chunk, weight_chunk, m,
                    part + j * weight_chunk, weight_chunk, n, count);
      for (int64_t a = 0; a < m; ++a)
        for (int64_t b = 0; b < n; ++b) gram[(i + a) * ld + j + b] += products[a * tile + b];
    }
}

/* The inner products of the initial filters without their feature coordinates, exactly: the
   filters pass by, a few coordinates of each at a time. Into the first F rows of `gram`. */
static cutlab_status add_uniform_filters(cutlab_context *context, double *gram, int64_t ld,
                                         const cutlab_dataset *s, values *x) {
  int rows = s->filters;
  double *part = cutlab_allocate(context, rows * (int64_t)weight_chunk, sizeof *part);
  if (!part) return CUTLAB_ERROR_MEMORY;
  for (int64_t c = 0; c < s->dimension; c += weight_chunk) {
    int64_t count = s->dimension - c < weight_chunk ? s->dimension - c : weight_chunk;
    int64_t features = s->columns - c < 0 ? 0 : s->columns - c < count ? s->columns - c : count;
    for (int f = 0; f < rows; ++f) {
      cutlab_uniform_weights(part + f * (int64_t)weight_chunk, x, f, c, count);
      for (int64_t v = 0; v < features; ++v) part[f * (int64_t)weight_chunk + v] = 0;
    }
    add_products(cutlab_context_kernels(context), gram, ld, part, rows, count);
  }
  free(part);
  return CUTLAB_OK;
}

/* Rows from..m-1 of Bartlett's factor: independent N(0,1) below the diagonal, sqrt(chi^2_{D-i}) on
   it (i from 0). */
static void draw_factor(const cutlab_context *context, double *factor, int64_t from, int64_t m,
                        int64_t freedom, values *x) {
  int threads = cutlab_context_threads(context);
#pragma omp parallel for schedule(dynamic, 8) num_threads(threads) if (threads > 1)
  for (int64_t i = from; i < m; ++i) {
    cutlab_random random = cutlab_random_make(x->seed, cutlab_stream_wishart, (uint64_t)i, 0, 0);
    for (int64_t j = 0; j < i; ++j) factor[i * m + j] = cutlab_random_normal(&random);
    factor[i * m + i] = sqrt(2 * cutlab_random_gamma(&random, (double)(freedom - i) / 2));
  }
}

/* Bartlett's decomposition: the Gram matrix of m standard normal vectors of R^D, D >= m, has the
   law of A A^T, A lower triangular as above. Uniform filters stand before the noise: in the
   orthonormal basis that their Cholesky factor L refers to, and that is continued to one of R^D,
   noise is again standard normal, so that the other rows of A are drawn as ever. */
static cutlab_status make_factor(cutlab_context *context, double *factor, int64_t m,
                                 const cutlab_dataset *s, values *x) {
  int64_t freedom = s->dimension - s->columns, filters = s->uniform_weights ? s->filters : 0;
  if (filters) {
    double *gram = cutlab_allocate(context, filters * filters, sizeof *gram);
    if (!gram) return CUTLAB_ERROR_MEMORY;
    cutlab_status status = add_uniform_filters(context, gram, filters, s, x);
    cutlab_cholesky(gram, filters);
    for (int64_t f = 0; f < filters; ++f)
      memcpy(factor + f * m, gram + f * filters, (size_t)filters * sizeof *factor);
    free(gram);
    CUTLAB_TRY(status);
  }
  draw_factor(context, factor, filters, m, freedom, x);
  return CUTLAB_OK;
}

/* Scales the noise rows, and puts them first where the filters were. */
static void arrange(double *gram, const double *drawn, const double *sigma, int64_t m,
                    const cutlab_dataset *s) {
  int64_t shift = s->uniform_weights ? s->filters : 0;
  for (int64_t i = 0; i < m; ++i)
    for (int64_t j = 0; j < m; ++j)
      gram[i * m + j] = drawn[(i + shift) % m * m + (j + shift) % m] * (sigma[i] * sigma[j]);
}

static void draw_feature_noise(cutlab_dataset *s, const double *sigma, values *x) {
  for (int64_t r = 0; r < s->noise_rows; ++r) {
    cutlab_random random = cutlab_random_make(x->seed, cutlab_stream_along, (uint64_t)r, 0, 0);
    for (int64_t c = 0; c < s->columns; ++c)
      s->feature_noise[r * s->columns + c] = sigma[r] * cutlab_random_normal(&random);
  }
}

cutlab_status cutlab_dataset_draw_gram(cutlab_context *context, cutlab_dataset *s, values *x) {
  s->filters = cutlab_experiment_rows(x), s->uniform_weights = x->uniform_weights;
  int64_t m = s->noise_rows + s->filters;
  double bytes = 8 * (2 * (double)m * (double)m +
                      (s->full_noise ? (double)s->noise_rows * (double)s->columns : 0));
  CUTLAB_TRY(cutlab_check_memory(context, bytes, "drawing the noise Gram matrix"));
  double *factor = cutlab_allocate(context, m * m, sizeof *factor);
  double *sigma = cutlab_allocate(context, m, sizeof *sigma);
  s->gram = cutlab_allocate(context, m * m, sizeof *s->gram);
  if (s->full_noise)
    s->feature_noise =
        cutlab_allocate(context, s->noise_rows * s->columns, sizeof *s->feature_noise);
  bool ready = factor && s->gram && sigma && (s->feature_noise || !s->full_noise);
  cutlab_status status = ready ? make_factor(context, factor, m, s, x) : CUTLAB_ERROR_MEMORY;
  if (status == CUTLAB_OK) {
    for (int64_t f = s->noise_rows; f < m; ++f) sigma[f] = 1;
    for (int64_t ip = 0; ip < s->examples * s->patches; ++ip)
      if (s->noise_row[ip] >= 0)
        sigma[s->noise_row[ip]] = cutlab_dataset_deviation(s, ip / s->patches, ip % s->patches);
    cutlab_gram(context, s->gram, factor, m, m, m, true);
    double *drawn = s->gram;
    s->gram = factor, factor = drawn;
    arrange(s->gram, drawn, sigma, m, s);
    if (s->full_noise) draw_feature_noise(s, sigma, x);
  }
  free(factor);
  free(sigma);
  return status;
}
