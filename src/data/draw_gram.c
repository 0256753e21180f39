/* Draws the inner products of noise and initial filters without their vectors. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cutlab/random.h>

#include "base/random_bulk.h"
#include "base/streams.h"
#include "data/dataset_internal.h"

typedef const struct cutlab_experiment values;

enum { weight_chunk = 512, pad = 8 };

void cutlab_uniform_weights(double *weights, const cutlab_kernels *kernels, values *x, int filter,
                            int64_t first, int64_t count) {
  cutlab_bulk bulk = cutlab_bulk_make(x->seed, cutlab_stream_uniform, (uint32_t)filter, 0);
  cutlab_bulk_uniforms(weights, kernels, &bulk, 1 / sqrt((double)x->dimension), first, count);
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

/* The inner products of the initial filters without their feature coordinates, exactly: the
   filters pass by, a few coordinates of each at a time. Into the first F rows of `gram`. */
static cutlab_status add_uniform_filters(cutlab_context *context, double *gram, int64_t ld,
                                         const cutlab_dataset *s, values *x) {
  const cutlab_kernels *kernels = cutlab_context_kernels(context);
  int64_t rows = s->filters;
  double *part = cutlab_allocate(context, rows * weight_chunk, sizeof *part);
  if (!part) return CUTLAB_ERROR_MEMORY;
  for (int64_t c = 0; c < s->dimension; c += weight_chunk) {
    int64_t count = s->dimension - c < weight_chunk ? s->dimension - c : weight_chunk;
    int64_t features = s->columns - c < 0 ? 0 : s->columns - c < count ? s->columns - c : count;
    int64_t depth = (count + pad - 1) / pad * pad;
    for (int64_t f = 0; f < rows; ++f) {
      double *row = part + f * weight_chunk;
      cutlab_uniform_weights(row, kernels, x, (int)f, c, count);
      memset(row, 0, (size_t)features * sizeof *row);
      memset(row + count, 0, (size_t)(depth - count) * sizeof *row);
    }
    kernels->add_gram(gram, ld, part, weight_chunk, rows, depth);
  }
  free(part);
  return CUTLAB_OK;
}

/* Two Gaussian filters have had their numbers one by one from the first. */
static bool draws_in_bulk(const cutlab_dataset *s) {
  return s->filters > 2 || s->uniform_weights;
}

/* Rows from..m-1 of Bartlett's factor: independent N(0,1) below the diagonal, sqrt(chi^2_{D-i}) on
   it (i from 0). */
static void draw_row(double *row, const cutlab_kernels *kernels, int64_t i, int64_t freedom,
                     bool in_bulk, values *x) {
  cutlab_random random = cutlab_random_make(x->seed, cutlab_stream_wishart, (uint64_t)i, 0, 0);
  cutlab_bulk bulk = cutlab_bulk_make(x->seed, cutlab_stream_wishart, (uint32_t)i, 0);
  if (in_bulk)
    cutlab_bulk_normals(row, kernels, &bulk, i);
  else
    for (int64_t j = 0; j < i; ++j) row[j] = cutlab_random_normal(&random);
  row[i] = sqrt(2 * cutlab_random_gamma(&random, (double)(freedom - i) / 2));
}

static void draw_factor(const cutlab_context *context, double *factor, int64_t from, int64_t m,
                        const cutlab_dataset *s, values *x) {
  const cutlab_kernels *kernels = cutlab_context_kernels(context);
  int64_t freedom = s->dimension - s->columns;
  bool in_bulk = draws_in_bulk(s);
  int threads = cutlab_context_threads(context);
#pragma omp parallel for schedule(dynamic, 8) num_threads(threads) if (threads > 1)
  for (int64_t i = from; i < m; ++i) draw_row(factor + i * m, kernels, i, freedom, in_bulk, x);
}

/* Bartlett's decomposition: the Gram matrix of m standard normal vectors of R^D, D >= m, has the
   law of A A^T, A lower triangular as above. Uniform filters stand before the noise: in the
   orthonormal basis that their Cholesky factor L refers to, and that is continued to one of R^D,
   noise is again standard normal, so that the other rows of A are drawn as ever. */
static cutlab_status make_factor(cutlab_context *context, double *factor, int64_t m,
                                 const cutlab_dataset *s, values *x) {
  int64_t filters = s->uniform_weights ? s->filters : 0;
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
  draw_factor(context, factor, filters, m, s, x);
  return CUTLAB_OK;
}

/* Scales the noise rows, and puts them first where the filters were. */
static void arrange(double *gram, const double *drawn, const double *sigma, int64_t m,
                    const cutlab_dataset *s) {
  int64_t shift = s->uniform_weights ? s->filters : 0, stay = m - shift;
  for (int64_t i = 0; i < m; ++i) {
    const double *row = drawn + (i < stay ? i + shift : i - stay) * m;
    double *to = gram + i * m;
    for (int64_t j = 0; j < stay; ++j) to[j] = row[j + shift] * (sigma[i] * sigma[j]);
    for (int64_t j = stay; j < m; ++j) to[j] = row[j - stay] * (sigma[i] * sigma[j]);
  }
}

/* factor times its transpose. */
static void multiply(cutlab_context *context, double *gram, const double *factor, int64_t m,
                     const cutlab_dataset *s) {
  const int64_t few = 64;
  if (!draws_in_bulk(s) || m > few || m % pad) {
    cutlab_gram(context, gram, factor, m, m, m, true);
    return;
  }
  cutlab_context_kernels(context)->add_gram(gram, m, factor, m, m, m);
  for (int64_t i = 0; i < m; ++i)
    for (int64_t j = 0; j < i; ++j) gram[j * m + i] = gram[i * m + j];
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
    multiply(context, s->gram, factor, m, s);
    double *drawn = s->gram;
    s->gram = factor, factor = drawn;
    arrange(s->gram, drawn, sigma, m, s);
    if (s->full_noise) draw_feature_noise(s, sigma, x);
  }
  free(factor);
  free(sigma);
  return status;
}
