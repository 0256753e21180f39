/* Dynamics in Gram form. Gradient descent never leaves w_s(0) + span of the patches, features are
   orthonormal and orthogonal to the noise rows, so the coordinates along features and N inner
   products with the noise rows are the whole state of a filter:
     <w_f, v>    -= eta sum over patches with v of (coefficient) (pull)
     gamma_f     -= eta g_f                     (g_f: pulls of the noise rows)
     <w_f, xi_r> -= eta (G g_f)_r
   What noise has along the features counts among their coefficients, not among the rows.
   The dimension enters through G alone. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cutlab/random.h>

#include "base/streams.h"
#include "theory/simulation_internal.h"

enum { row_block = 64, max_blocks = 64, filter_block = 4 };

/* The noise parts of all noise patches and of the initial filters (standard normal, unless they are
   uniform) as rows of R^(d - columns), with the same draws as the held form. */
static cutlab_status collect_rows(const cutlab_simulation *s, double **rows) {
  const cutlab_dataset *data = s->data;
  int64_t depth = data->dimension - data->columns, n = data->noise_rows, m = n + s->filter_count;
  *rows = cutlab_allocate(s->context, m * depth, sizeof **rows);
  double *filter = cutlab_allocate(s->context, data->dimension, sizeof *filter);
  for (int64_t ip = 0; ip < s->patch_count && *rows; ++ip)
    if (data->noise_row[ip] >= 0)
      memcpy(*rows + data->noise_row[ip] * depth,
             data->patch_data + ip * data->dimension + data->columns,
             (size_t)depth * sizeof **rows);
  for (int f = 0; f < s->filter_count && *rows && filter; ++f) {
    double *row = *rows + (n + f) * depth;
    if (s->experiment.uniform_weights) {
      cutlab_uniform_weights(filter, cutlab_context_kernels(s->context), &s->experiment, f, 0,
                             data->dimension);
      memcpy(row, filter + data->columns, (size_t)depth * sizeof *row);
      continue;
    }
    cutlab_random random =
        cutlab_random_make(s->experiment.seed, cutlab_stream_filter, (uint64_t)f, 1, 0);
    for (int64_t c = 0; c < depth; ++c) row[c] = cutlab_random_normal(&random);
  }
  bool done = *rows && filter;
  free(filter);
  return done ? CUTLAB_OK : CUTLAB_ERROR_MEMORY;
}

static cutlab_status gram_from_patches(cutlab_simulation *s) {
  int64_t m = s->data->noise_rows + s->filter_count;
  int64_t depth = s->data->dimension - s->data->columns;
  double *rows = NULL;
  cutlab_status status = collect_rows(s, &rows);
  if (status == CUTLAB_OK) s->own_gram = cutlab_allocate(s->context, m * m, sizeof *s->own_gram);
  if (s->own_gram) cutlab_gram(s->context, s->own_gram, rows, m, depth, depth, false);
  free(rows);
  s->gram = s->own_gram;
  return s->own_gram || status != CUTLAB_OK ? status : CUTLAB_ERROR_MEMORY;
}

/* Rows a block: a function of N alone, so that sums do not depend on the number of threads. */
static int64_t block_rows(const cutlab_simulation *s) {
  int64_t rows = (s->data->noise_rows + max_blocks - 1) / max_blocks;
  return rows < row_block ? row_block : rows;
}

/* Of row_pulls and row_steps. With many filters G is multiplied in whole vectors, and so are its
   columns for filters, which follow those of the noise; what comes of these is not used. */
static int64_t row_stride(const cutlab_simulation *s) {
  int64_t n = s->data->noise_rows, rounded = (n + 7) / 8 * 8;
  return s->filter_count > 2 && rounded <= n + s->filter_count ? rounded : n;
}

/* How many patches have an entry for a feature, at most. */
static int64_t most_entries(const cutlab_simulation *s) {
  return s->patch_count * (s->data->full_noise ? s->data->columns : 1);
}

static cutlab_status allocate_state(cutlab_simulation *s) {
  int64_t n = s->filter_count * s->data->noise_rows, block = block_rows(s);
  int64_t blocks = s->filter_count == 2 ? (s->data->noise_rows + block - 1) / block : 0;
  s->noise_inner = cutlab_allocate(s->context, n, sizeof(double));
  s->first_noise_inner = cutlab_allocate(s->context, n, sizeof(double));
  s->row_pulls = cutlab_allocate(s->context, s->filter_count * row_stride(s), sizeof(double));
  s->row_steps = cutlab_allocate(s->context, s->filter_count * row_stride(s), sizeof(double));
  s->row_shares = cutlab_allocate(s->context, blocks * n, sizeof(double));
  s->row_patch = cutlab_allocate(s->context, s->data->noise_rows, sizeof *s->row_patch);
  s->entries = cutlab_allocate(s->context, most_entries(s), sizeof *s->entries);
  s->first_noise_gram =
      cutlab_allocate(s->context, (int64_t)s->filter_count * s->filter_count, sizeof(double));
  bool all = s->first_noise_gram && s->noise_inner && s->first_noise_inner && s->row_pulls &&
             s->row_steps && s->row_shares && s->row_patch && s->entries;
  return all ? CUTLAB_OK : CUTLAB_ERROR_MEMORY;
}

/* The coordinate of a patch along a feature. */
static double coordinate(const cutlab_dataset *data, int64_t ip, int64_t column, int64_t feature,
                         double coefficient) {
  if (data->patch_data) return data->patch_data[ip * data->dimension + column];
  double value = column == feature ? coefficient : 0;
  int64_t row = data->noise_row[ip];
  return row < 0 ? value : value + data->feature_noise[row * data->columns + column];
}

static void index_patches(cutlab_simulation *s) {
  const cutlab_dataset *data = s->data;
  for (int64_t ip = 0; ip < s->patch_count; ++ip) {
    double coefficient = 0;
    int64_t row = data->noise_row[ip];
    int64_t feature =
        cutlab_dataset_feature(data, ip / data->patches, ip % data->patches, &coefficient);
    if (row >= 0) s->row_patch[row] = ip;
    if (row >= 0 && data->full_noise) {
      for (int64_t c = 0; c < data->columns; ++c)
        s->entries[s->entry_count++] =
            (cutlab_feature_entry){ip, c, coordinate(data, ip, c, feature, coefficient)};
    } else if (feature >= 0) {
      s->entries[s->entry_count++] = (cutlab_feature_entry){ip, feature, coefficient};
    }
  }
}

cutlab_status cutlab_gram_create(cutlab_simulation *s) {
  double bytes = (double)sizeof *s->entries * (double)most_entries(s);
  CUTLAB_TRY(cutlab_check_memory(s->context, bytes, "the coordinates of noise along features"));
  CUTLAB_TRY(allocate_state(s));
  index_patches(s);
  s->gram = s->data->gram;
  if (!s->gram) CUTLAB_TRY(gram_from_patches(s));
  int64_t n = s->data->noise_rows, m = n + s->filter_count;
  double sigma = s->experiment.uniform_weights ? 1 : s->experiment.sigma_0;
  for (int f = 0; f < s->filter_count; ++f) {
    const double *row = s->gram + (n + f) * m;
    for (int64_t r = 0; r < n; ++r) s->noise_inner[f * n + r] = sigma * row[r];
    for (int g = 0; g < s->filter_count; ++g)
      s->first_noise_gram[f * s->filter_count + g] = sigma * sigma * row[n + g];
  }
  memcpy(s->first_noise_inner, s->noise_inner, (size_t)(s->filter_count * n) * sizeof(double));
  return cutlab_dense_create(s);
}

/* Inner products of `count` filters from f on. */
static inline void fill_inner(cutlab_simulation *s, int f, int count) {
  int64_t columns = s->data->columns, n = s->data->noise_rows, patches = s->patch_count;
  const double *coordinates = s->coordinates + f * columns, *noise = s->noise_inner + f * n;
  double *inner = s->inner + f * patches;
  for (int64_t r = 0; r < n; ++r)
    for (int g = 0; g < count; ++g) inner[g * patches + s->row_patch[r]] = noise[g * n + r];
  for (int64_t e = 0; e < s->entry_count; ++e) {
    const cutlab_feature_entry *entry = &s->entries[e];
    for (int g = 0; g < count; ++g)
      inner[g * patches + entry->patch] +=
          entry->coefficient * coordinates[g * columns + entry->column];
  }
}

void cutlab_gram_inner(cutlab_simulation *s) {
  int f = 0;
  memset(s->inner, 0, (size_t)(s->filter_count * s->patch_count) * sizeof *s->inner);
  for (; f + filter_block <= s->filter_count; f += filter_block) fill_inner(s, f, filter_block);
  for (; f < s->filter_count; f += 2) fill_inner(s, f, 2);
}

/* Adds to the gradients of the feature coordinates of `count` filters. */
static inline void add_entries(const cutlab_simulation *s, double *gradient, const double *pulls,
                               int count) {
  int64_t columns = s->data->columns, patches = s->patch_count;
  for (int64_t e = 0; e < s->entry_count; ++e) {
    const cutlab_feature_entry *entry = &s->entries[e];
    for (int f = 0; f < count; ++f)
      gradient[f * columns + entry->column] +=
          entry->coefficient * pulls[f * patches + entry->patch];
  }
}

/* Gradients of the feature coordinates: sums of pulls, [F][columns]. A few filters at a time, whose
   sums do not wait for each other. */
static void feature_gradient(cutlab_simulation *s) {
  int64_t columns = s->data->columns;
  int f = 0;
  memset(s->gradient, 0, (size_t)(s->filter_count * columns) * sizeof *s->gradient);
  for (; f + filter_block <= s->filter_count; f += filter_block)
    add_entries(s, s->gradient + f * columns, s->pulls + f * s->patch_count, filter_block);
  for (; f < s->filter_count; f += 2)
    add_entries(s, s->gradient + f * columns, s->pulls + f * s->patch_count, 2);
}

/* Columns first.. of row_steps, those of one block. */
static void multiply_columns(cutlab_simulation *s, int64_t first) {
  int64_t n = s->data->noise_rows, columns = row_stride(s);
  int64_t count = columns - first < row_block ? columns - first : row_block;
  cutlab_context_kernels(s->context)
      ->combine(s->row_steps + first, columns, s->row_pulls, columns, s->filter_count,
                s->gram + first, n + s->filter_count, n, count);
}

/* row_steps = G row_pulls for many filters: a pass over all of G serves them all. What is one block
   does without a parallel region, which costs a system call. */
static void multiply_gram_wide(cutlab_simulation *s) {
  int64_t columns = row_stride(s);
  int threads = cutlab_context_threads(s->context);
  memset(s->row_steps, 0, (size_t)(s->filter_count * columns) * sizeof *s->row_steps);
  if (columns <= row_block) {
    multiply_columns(s, 0);
    return;
  }
#pragma omp parallel for num_threads(threads) if (threads > 1)
  for (int64_t first = 0; first < columns; first += row_block) multiply_columns(s, first);
}

/* The same for two. G is symmetric: a pass over its lower triangle is enough. Blocks of rows keep
   what they add apart, and it is added up in their order. */
static void multiply_gram(cutlab_simulation *s) {
  const cutlab_kernels *kernels = cutlab_context_kernels(s->context);
  int64_t n = s->data->noise_rows, block = block_rows(s), blocks = (n + block - 1) / block;
  int threads = cutlab_context_threads(s->context);
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads) if (threads > 1)
  for (int64_t b = blocks - 1; b >= 0; --b) {
    int64_t rows = n - b * block < block ? n - b * block : block;
    kernels->symmetric_rows(s->row_shares + b * 2 * n, n, s->gram, n + 2, b * block, rows,
                            s->row_pulls, n);
  }
  memset(s->row_steps, 0, (size_t)(2 * n) * sizeof *s->row_steps);
  for (int64_t b = 0; b < blocks; ++b)
    for (int f = 0; f < 2; ++f) {
      const double *share = s->row_shares + (b * 2 + f) * n;
      double *steps = s->row_steps + f * n;
      int64_t reach = (b + 1) * block < n ? (b + 1) * block : n;
      for (int64_t r = 0; r < reach; ++r) steps[r] += share[r];
    }
}

double cutlab_gram_gradient(cutlab_simulation *s) {
  int64_t n = s->data->noise_rows, stride = row_stride(s), columns = s->data->columns;
  for (int f = 0; f < s->filter_count; ++f)
    for (int64_t r = 0; r < n; ++r)
      s->row_pulls[f * stride + r] = s->pulls[f * s->patch_count + s->row_patch[r]];
  if (s->filter_count == 2)
    multiply_gram(s);
  else
    multiply_gram_wide(s);
  feature_gradient(s);
  double square;
  cutlab_context_kernels(s->context)
      ->dots(&square, 1, s->row_pulls, 0, 1, s->row_steps, 0, 1, s->filter_count * stride);
  for (int64_t v = 0; v < s->filter_count * columns; ++v) square += s->gradient[v] * s->gradient[v];
  return sqrt(fmax(0, square));
}

void cutlab_gram_descend(cutlab_simulation *s, double learning_rate) {
  int64_t n = s->data->noise_rows, stride = row_stride(s);
  int64_t columns = s->filter_count * s->data->columns;
  for (int64_t v = 0; v < columns; ++v) s->coordinates[v] -= learning_rate * s->gradient[v];
  for (int f = 0; f < s->filter_count; ++f)
    for (int64_t r = 0; r < n; ++r)
      s->noise_inner[f * n + r] -= learning_rate * s->row_steps[f * stride + r];
}

/* <w_f, w_g> = <w_f(0), w_g(0)> + gamma_f . <w_g(0), xi> + gamma_g . <w_f, xi>, noise parts. */
void cutlab_gram_noise_gram(const cutlab_simulation *s, double *noise_gram) {
  int64_t n = s->data->noise_rows;
  for (int f = 0; f < s->filter_count; ++f)
    for (int g = f; g < s->filter_count; ++g) {
      const double *first_g = s->first_noise_inner + g * n, *now_f = s->noise_inner + f * n;
      const double *gamma_f = s->coefficients + f * s->patch_count;
      const double *gamma_g = s->coefficients + g * s->patch_count;
      double sum = s->first_noise_gram[f * s->filter_count + g];
      for (int64_t r = 0; r < n; ++r)
        sum += gamma_f[s->row_patch[r]] * first_g[r] + gamma_g[s->row_patch[r]] * now_f[r];
      noise_gram[g * s->filter_count + f] = sum;
    }
}
