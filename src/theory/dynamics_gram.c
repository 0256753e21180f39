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

enum { row_block = 32 };

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

static cutlab_status allocate_state(cutlab_simulation *s) {
  int64_t n = cutlab_filters * s->data->noise_rows;
  s->noise_inner = cutlab_allocate(s->context, n, sizeof(double));
  s->first_noise_inner = cutlab_allocate(s->context, n, sizeof(double));
  s->row_pulls = cutlab_allocate(s->context, n, sizeof(double));
  s->row_steps = cutlab_allocate(s->context, n, sizeof(double));
  bool all = s->noise_inner && s->first_noise_inner && s->row_pulls && s->row_steps;
  return all ? CUTLAB_OK : CUTLAB_ERROR_MEMORY;
}

cutlab_status cutlab_gram_create(cutlab_simulation *s) {
  CUTLAB_TRY(allocate_state(s));
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
  const cutlab_dataset *data = s->data;
  int64_t columns = cutlab_filters * data->feature_count, n = data->noise_rows;
  for (int64_t ip = 0; ip < s->patch_count; ++ip) {
    double coefficient = 0;
    int64_t row = data->noise_row[ip];
    int64_t feature =
        cutlab_dataset_feature(data, ip / data->patches, ip % data->patches, &coefficient);
    for (int f = 0; f < cutlab_filters; ++f) {
      double inner = feature >= 0 ? coefficient * s->coordinates[f * columns + feature] : 0;
      if (row >= 0) inner += s->noise_inner[f * n + row];
      s->inner[f * s->patch_count + ip] = inner;
    }
  }
}

/* Gradients of the feature coordinates: sums of pulls. Row f of `sums` is [2K]. */
static void feature_gradient(const cutlab_simulation *s, double *sums) {
  int64_t columns = cutlab_filters * s->data->feature_count, patches = s->data->patches;
  memset(sums, 0, (size_t)(cutlab_filters * columns) * sizeof *sums);
  for (int64_t ip = 0; ip < s->patch_count; ++ip) {
    double coefficient = 0;
    int64_t feature = cutlab_dataset_feature(s->data, ip / patches, ip % patches, &coefficient);
    for (int f = 0; feature >= 0 && f < cutlab_filters; ++f)
      sums[f * columns + feature] += coefficient * s->pulls[f * s->patch_count + ip];
  }
}

double cutlab_gram_gradient(cutlab_simulation *s) {
  const cutlab_kernels *kernels = cutlab_context_kernels(s->context);
  int64_t n = s->data->noise_rows, m = n + cutlab_filters;
  int64_t columns = cutlab_filters * s->data->feature_count;
  for (int64_t ip = 0; ip < s->patch_count; ++ip)
    for (int f = 0; s->data->noise_row[ip] >= 0 && f < cutlab_filters; ++f)
      s->row_pulls[f * n + s->data->noise_row[ip]] = s->pulls[f * s->patch_count + ip];
  int threads = cutlab_context_threads(s->context);
#pragma omp parallel for num_threads(threads) if (threads > 1)
  for (int64_t first = 0; first < n; first += row_block) {
    int64_t count = n - first < row_block ? n - first : row_block;
    double products[row_block * cutlab_filters];
    kernels->dots(products, cutlab_filters, s->gram + first * m, m, count, s->row_pulls, n,
                  cutlab_filters, n);
    for (int64_t r = 0; r < count; ++r)
      for (int f = 0; f < cutlab_filters; ++f)
        s->row_steps[f * n + first + r] = products[r * cutlab_filters + f];
  }
  double square = 0;
  for (int64_t r = 0; r < cutlab_filters * n; ++r) square += s->row_pulls[r] * s->row_steps[r];
  feature_gradient(s, s->gradient);
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
    const double *gamma_s = s->coefficients + pairs[k][0] * n;
    const double *gamma_t = s->coefficients + pairs[k][1] * n;
    noise_gram[k] = s->first_noise_gram[k];
    for (int64_t r = 0; r < n; ++r)
      noise_gram[k] += gamma_s[r] * first_t[r] + gamma_t[r] * now_s[r];
  }
}
