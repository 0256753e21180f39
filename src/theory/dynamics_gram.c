/* Dynamics in Gram form. Gradient descent never leaves w_s(0) + span of the patches, features are
   orthonormal and orthogonal to the noise, so 2K coordinates and N inner products with the noise
   rows are the whole state:
     <w_s, v>    -= eta sum over patches with v of (coefficient) (pull)
     gamma_s     -= eta g_s                     (g_s: pulls of the noise rows)
     <w_s, xi_r> -= eta (G g_s)_r
   The dimension enters through G alone. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cutlab/random.h>

#include "base/streams.h"
#include "theory/simulation_internal.h"

enum { row_block = 64, max_blocks = 64 };

/* The noise parts of all noise patches and of the two initial filters (standard normal) as rows
   of R^(d - 2K), with the same draws as the held form. */
static cutlab_status collect_rows(const cutlab_simulation *s, double **rows) {
  const cutlab_dataset *data = s->data;
  int64_t skipped = cutlab_filters * data->feature_count, depth = data->dimension - skipped;
  int64_t n = data->noise_rows;
  double bytes = ((double)(n + 2) * (double)depth + (double)(n + 2) * (double)(n + 2)) * 8;
  CUTLAB_TRY(cutlab_check_memory(s->context, bytes, "the Gram form of held data"));
  *rows = cutlab_allocate(s->context, (n + cutlab_filters) * depth, sizeof **rows);
  if (!*rows) return CUTLAB_ERROR_MEMORY;
  for (int64_t ip = 0; ip < s->patch_count; ++ip)
    if (data->noise_row[ip] >= 0)
      memcpy(*rows + data->noise_row[ip] * depth, data->patch_data + ip * data->dimension + skipped,
             (size_t)depth * sizeof **rows);
  for (int f = 0; f < cutlab_filters; ++f) {
    cutlab_random random =
        cutlab_random_make(s->experiment.seed, cutlab_stream_filter, (uint64_t)f, 1, 0);
    for (int64_t c = 0; c < depth; ++c)
      (*rows)[(n + f) * depth + c] = cutlab_random_normal(&random);
  }
  return CUTLAB_OK;
}

static cutlab_status gram_from_patches(cutlab_simulation *s) {
  int64_t m = s->data->noise_rows + cutlab_filters;
  int64_t depth = s->data->dimension - cutlab_filters * s->data->feature_count;
  double *rows = NULL;
  CUTLAB_TRY(collect_rows(s, &rows));
  s->own_gram = cutlab_allocate(s->context, m * m, sizeof *s->own_gram);
  if (s->own_gram) cutlab_gram(s->context, s->own_gram, rows, m, depth, depth, false);
  free(rows);
  s->gram = s->own_gram;
  return s->own_gram ? CUTLAB_OK : CUTLAB_ERROR_MEMORY;
}

/* Rows a block: a function of N alone, so that sums do not depend on the number of threads. */
static int64_t block_rows(const cutlab_simulation *s) {
  int64_t rows = (s->data->noise_rows + max_blocks - 1) / max_blocks;
  return rows < row_block ? row_block : rows;
}

static cutlab_status allocate_state(cutlab_simulation *s) {
  int64_t n = cutlab_filters * s->data->noise_rows, block = block_rows(s);
  int64_t blocks = (s->data->noise_rows + block - 1) / block;
  s->noise_inner = cutlab_allocate(s->context, n, sizeof(double));
  s->first_noise_inner = cutlab_allocate(s->context, n, sizeof(double));
  s->row_pulls = cutlab_allocate(s->context, n, sizeof(double));
  s->row_steps = cutlab_allocate(s->context, n, sizeof(double));
  s->row_shares = cutlab_allocate(s->context, blocks * n, sizeof(double));
  s->row_patch = cutlab_allocate(s->context, s->data->noise_rows, sizeof *s->row_patch);
  s->entries = cutlab_allocate(s->context, s->patch_count, sizeof *s->entries);
  bool all = s->noise_inner && s->first_noise_inner && s->row_pulls && s->row_steps &&
             s->row_shares && s->row_patch && s->entries;
  return all ? CUTLAB_OK : CUTLAB_ERROR_MEMORY;
}

static void index_patches(cutlab_simulation *s) {
  int64_t patches = s->data->patches;
  for (int64_t ip = 0; ip < s->patch_count; ++ip) {
    cutlab_feature_entry entry = {.patch = ip};
    entry.column = cutlab_dataset_feature(s->data, ip / patches, ip % patches, &entry.coefficient);
    if (entry.column >= 0) s->entries[s->entry_count++] = entry;
    if (s->data->noise_row[ip] >= 0) s->row_patch[s->data->noise_row[ip]] = ip;
  }
}

cutlab_status cutlab_gram_create(cutlab_simulation *s) {
  CUTLAB_TRY(allocate_state(s));
  index_patches(s);
  s->gram = s->data->gram;
  if (!s->gram) CUTLAB_TRY(gram_from_patches(s));
  int64_t n = s->data->noise_rows, m = n + cutlab_filters;
  double sigma = s->experiment.sigma_0;
  for (int f = 0; f < cutlab_filters; ++f)
    for (int64_t r = 0; r < n; ++r) s->noise_inner[f * n + r] = sigma * s->gram[(n + f) * m + r];
  memcpy(s->first_noise_inner, s->noise_inner, (size_t)(cutlab_filters * n) * sizeof(double));
  s->first_noise_gram[0] = sigma * sigma * s->gram[n * m + n];
  s->first_noise_gram[1] = sigma * sigma * s->gram[n * m + n + 1];
  s->first_noise_gram[2] = sigma * sigma * s->gram[(n + 1) * m + n + 1];
  return CUTLAB_OK;
}

void cutlab_gram_inner(cutlab_simulation *s) {
  int64_t columns = cutlab_filters * s->data->feature_count, n = s->data->noise_rows;
  memset(s->inner, 0, (size_t)(cutlab_filters * s->patch_count) * sizeof *s->inner);
  for (int f = 0; f < cutlab_filters; ++f) {
    double *inner = s->inner + f * s->patch_count;
    for (int64_t r = 0; r < n; ++r) inner[s->row_patch[r]] = s->noise_inner[f * n + r];
    for (int64_t e = 0; e < s->entry_count; ++e)
      inner[s->entries[e].patch] +=
          s->entries[e].coefficient * s->coordinates[f * columns + s->entries[e].column];
  }
}

/* Gradients of the feature coordinates: sums of pulls, [2][2K]. */
static void feature_gradient(cutlab_simulation *s) {
  int64_t columns = cutlab_filters * s->data->feature_count;
  memset(s->gradient, 0, (size_t)(cutlab_filters * columns) * sizeof *s->gradient);
  for (int64_t e = 0; e < s->entry_count; ++e)
    for (int f = 0; f < cutlab_filters; ++f)
      s->gradient[f * columns + s->entries[e].column] +=
          s->entries[e].coefficient * s->pulls[f * s->patch_count + s->entries[e].patch];
}

/* row_steps = G row_pulls. G is symmetric: a pass over its lower triangle is enough. Blocks of
   rows keep what they add apart, and it is added up in their order. */
static void multiply_gram(cutlab_simulation *s) {
  const cutlab_kernels *kernels = cutlab_context_kernels(s->context);
  int64_t n = s->data->noise_rows, block = block_rows(s), blocks = (n + block - 1) / block;
  int threads = cutlab_context_threads(s->context);
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads) if (threads > 1)
  for (int64_t b = blocks - 1; b >= 0; --b) {
    int64_t rows = n - b * block < block ? n - b * block : block;
    kernels->symmetric_rows(s->row_shares + b * cutlab_filters * n, n, s->gram, n + cutlab_filters,
                            b * block, rows, s->row_pulls, n);
  }
  memset(s->row_steps, 0, (size_t)(cutlab_filters * n) * sizeof *s->row_steps);
  for (int64_t b = 0; b < blocks; ++b)
    for (int f = 0; f < cutlab_filters; ++f) {
      const double *share = s->row_shares + (b * cutlab_filters + f) * n;
      double *steps = s->row_steps + f * n;
      int64_t reach = (b + 1) * block < n ? (b + 1) * block : n;
      for (int64_t r = 0; r < reach; ++r) steps[r] += share[r];
    }
}

double cutlab_gram_gradient(cutlab_simulation *s) {
  int64_t n = s->data->noise_rows, columns = cutlab_filters * s->data->feature_count;
  for (int f = 0; f < cutlab_filters; ++f)
    for (int64_t r = 0; r < n; ++r)
      s->row_pulls[f * n + r] = s->pulls[f * s->patch_count + s->row_patch[r]];
  multiply_gram(s);
  feature_gradient(s);
  double square;
  cutlab_context_kernels(s->context)
      ->dots(&square, 1, s->row_pulls, 0, 1, s->row_steps, 0, 1, cutlab_filters * n);
  for (int64_t v = 0; v < cutlab_filters * columns; ++v) square += s->gradient[v] * s->gradient[v];
  return sqrt(fmax(0, square));
}

void cutlab_gram_descend(cutlab_simulation *s, double learning_rate) {
  int64_t n = cutlab_filters * s->data->noise_rows;
  int64_t columns = cutlab_filters * cutlab_filters * s->data->feature_count;
  for (int64_t v = 0; v < columns; ++v) s->coordinates[v] -= learning_rate * s->gradient[v];
  for (int64_t r = 0; r < n; ++r) s->noise_inner[r] -= learning_rate * s->row_steps[r];
}

/* <w_s, w_t> = <w_s(0), w_t(0)> + gamma_s . <w_t(0), xi> + gamma_t . <w_s, xi>, noise parts. */
void cutlab_gram_noise_gram(const cutlab_simulation *s, double noise_gram[3]) {
  int64_t n = s->data->noise_rows;
  static const int pairs[3][2] = {{0, 0}, {0, 1}, {1, 1}};
  for (int k = 0; k < 3; ++k) {
    const double *first_t = s->first_noise_inner + pairs[k][1] * n;
    const double *now_s = s->noise_inner + pairs[k][0] * n;
    const double *gamma_s = s->coefficients + pairs[k][0] * s->patch_count;
    const double *gamma_t = s->coefficients + pairs[k][1] * s->patch_count;
    noise_gram[k] = s->first_noise_gram[k];
    for (int64_t r = 0; r < n; ++r)
      noise_gram[k] += gamma_s[s->row_patch[r]] * first_t[r] + gamma_t[s->row_patch[r]] * now_s[r];
  }
}
