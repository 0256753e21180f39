/* Dynamics with patches and filters held as vectors of R^d: the plain form. */
#include <math.h>
#include <string.h>

#include <cutlab/random.h>

#include "base/streams.h"
#include "theory/simulation_internal.h"

enum { row_block = 64, column_block = 512 };

static int64_t feature_columns(const cutlab_simulation *s) {
  return cutlab_filters * s->data->feature_count;
}

cutlab_status cutlab_held_create(cutlab_simulation *s) {
  int64_t d = s->data->dimension;
  s->filters = cutlab_allocate(s->context, cutlab_filters * d, sizeof *s->filters);
  s->gradient = cutlab_allocate(s->context, cutlab_filters * d, sizeof *s->gradient);
  if (!s->filters || !s->gradient) return CUTLAB_ERROR_MEMORY;
  int64_t columns = feature_columns(s);
  for (int f = 0; f < cutlab_filters; ++f) {
    double *filter = s->filters + f * d;
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
  int64_t d = s->data->dimension, rows = s->patch_count, columns = feature_columns(s);
  int threads = cutlab_context_threads(s->context);
#pragma omp parallel for num_threads(threads) if (threads > 1)
  for (int64_t first = 0; first < rows; first += row_block) {
    int64_t count = rows - first < row_block ? rows - first : row_block;
    double products[row_block * cutlab_filters];
    kernels->dots(products, cutlab_filters, s->data->patch_data + first * d, d, count, s->filters,
                  d, cutlab_filters, d);
    for (int64_t r = 0; r < count; ++r)
      for (int f = 0; f < cutlab_filters; ++f)
        s->inner[f * rows + first + r] = products[r * cutlab_filters + f];
  }
  for (int f = 0; f < cutlab_filters; ++f)
    memcpy(s->coordinates + f * columns, s->filters + f * d, (size_t)columns * sizeof(double));
}

double cutlab_held_gradient(cutlab_simulation *s) {
  const cutlab_kernels *kernels = cutlab_context_kernels(s->context);
  int64_t d = s->data->dimension, rows = s->patch_count;
  int threads = cutlab_context_threads(s->context);
  memset(s->gradient, 0, (size_t)(cutlab_filters * d) * sizeof *s->gradient);
#pragma omp parallel for num_threads(threads) if (threads > 1)
  for (int64_t first = 0; first < d; first += column_block) {
    int64_t count = d - first < column_block ? d - first : column_block;
    kernels->combine(s->gradient + first, d, s->pulls, rows, cutlab_filters,
                     s->data->patch_data + first, d, rows, count);
  }
  double square = 0;
  for (int64_t c = 0; c < cutlab_filters * d; ++c) square += s->gradient[c] * s->gradient[c];
  return sqrt(square);
}

void cutlab_held_descend(cutlab_simulation *s, double learning_rate) {
  for (int64_t c = 0; c < cutlab_filters * s->data->dimension; ++c)
    s->filters[c] -= learning_rate * s->gradient[c];
}

void cutlab_held_noise_gram(const cutlab_simulation *s, double noise_gram[3]) {
  const cutlab_kernels *kernels = cutlab_context_kernels(s->context);
  int64_t d = s->data->dimension, columns = feature_columns(s);
  double products[cutlab_filters * cutlab_filters];
  const double *noise = s->filters + columns;
  kernels->dots(products, cutlab_filters, noise, d, cutlab_filters, noise, d, cutlab_filters,
                d - columns);
  noise_gram[0] = products[0], noise_gram[1] = products[1], noise_gram[2] = products[3];
}
