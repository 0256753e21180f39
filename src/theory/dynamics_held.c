/* Dynamics with patches and filters held as vectors of R^d: the plain form. */
#include <math.h>
#include <string.h>

#include <cutlab/random.h>

#include "base/ranks.h"
#include "base/streams.h"
#include "theory/simulation_internal.h"

enum { row_block = 64, column_block = 512, filter_block = 32 };

cutlab_status cutlab_held_create(cutlab_simulation *s) {
  int64_t d = s->data->dimension, columns = s->data->columns;
  s->filters = cutlab_allocate(s->context, s->filter_count * d, sizeof *s->filters);
  s->gradient = cutlab_allocate(s->context, s->filter_count * d, sizeof *s->gradient);
  if (!s->filters || !s->gradient) return CUTLAB_ERROR_MEMORY;
  for (int f = 0; f < s->filter_count; ++f) {
    double *filter = s->filters + f * d;
    if (s->experiment.uniform_weights) {
      cutlab_uniform_weights(filter, cutlab_context_kernels(s->context), &s->experiment, f, 0, d);
      continue;
    }
    cutlab_random random =
        cutlab_random_make(s->experiment.seed, cutlab_stream_filter, (uint64_t)f, 1, 0);
    memcpy(filter, s->coordinates + f * columns, (size_t)columns * sizeof *filter);
    for (int64_t c = columns; c < d; ++c)
      filter[c] = s->experiment.sigma_0 * cutlab_random_normal(&random);
  }
  return CUTLAB_OK;
}

void cutlab_held_inner(cutlab_simulation *s) {
  const cutlab_kernels *kernels = cutlab_context_kernels(s->context);
  int64_t d = s->data->dimension, rows = s->patch_count, columns = s->data->columns;
  int threads = cutlab_context_threads(s->context);
#pragma omp parallel for num_threads(threads) if (threads > 1)
  for (int64_t first = 0; first < rows; first += row_block) {
    int64_t count = rows - first < row_block ? rows - first : row_block;
    double products[row_block * filter_block];
    for (int f = 0; f < s->filter_count; f += filter_block) {
      int some = s->filter_count - f < filter_block ? s->filter_count - f : filter_block;
      kernels->dots(products, some, s->data->patch_data + first * d, d, count, s->filters + f * d,
                    d, some, d);
      for (int64_t r = 0; r < count; ++r)
        for (int g = 0; g < some; ++g)
          s->inner[(f + g) * rows + first + r] = products[r * some + g];
    }
  }
  for (int f = 0; f < s->filter_count; ++f)
    memcpy(s->coordinates + f * columns, s->filters + f * d, (size_t)columns * sizeof(double));
}

double cutlab_held_gradient(cutlab_simulation *s) {
  const cutlab_kernels *kernels = cutlab_context_kernels(s->context);
  int64_t d = s->data->dimension, rows = s->patch_count;
  int threads = cutlab_context_threads(s->context);
  memset(s->gradient, 0, (size_t)(s->filter_count * d) * sizeof *s->gradient);
#pragma omp parallel for num_threads(threads) if (threads > 1)
  for (int64_t first = 0; first < d; first += column_block) {
    int64_t count = d - first < column_block ? d - first : column_block;
    kernels->combine(s->gradient + first, d, s->pulls, rows, s->filter_count,
                     s->data->patch_data + first, d, rows, count);
  }
  cutlab_sum_over_ranks(s->context, s->gradient, s->filter_count * d);
  double square = 0;
  for (int64_t c = 0; c < s->filter_count * d; ++c) square += s->gradient[c] * s->gradient[c];
  return sqrt(square);
}

void cutlab_held_descend(cutlab_simulation *s, double learning_rate) {
  for (int64_t c = 0; c < s->filter_count * s->data->dimension; ++c)
    s->filters[c] -= learning_rate * s->gradient[c];
}

void cutlab_held_noise_gram(const cutlab_simulation *s, double *noise_gram) {
  const cutlab_kernels *kernels = cutlab_context_kernels(s->context);
  int64_t d = s->data->dimension, columns = s->data->columns;
  const double *noise = s->filters + columns;
  kernels->dots(noise_gram, s->filter_count, noise, d, s->filter_count, noise, d, s->filter_count,
                d - columns);
}
