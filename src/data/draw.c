/* Draws data sets from the feature-noise world (Oh and Yun 2024, section 2). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cutlab/random.h>

#include "base/streams.h"
#include "data/dataset_internal.h"

typedef const struct cutlab_experiment values;

/* Shares of `total` proportional to `weights`, rounded so that they add up: the largest
   remainders, ties to the first, are rounded up. */
static void apportion(int64_t *shares, const double *weights, int count, int64_t total) {
  double remainders[cutlab_max_features];
  int64_t given = 0;
  for (int k = 0; k < count; ++k) {
    double exact = weights[k] * (double)total;
    shares[k] = (int64_t)floor(exact + 1e-9);
    if (shares[k] > total - given) shares[k] = total - given; /* weights may sum to 1 + 1e-9 */
    remainders[k] = exact - (double)shares[k];
    given += shares[k];
  }
  for (; given < total; ++given) {
    int best = 0;
    for (int k = 1; k < count; ++k)
      if (remainders[k] > remainders[best] + 1e-9) best = k;
    ++shares[best];
    remainders[best] = -1;
  }
}

/* Exactly the expected number of each label and, within a label, of each feature. */
static cutlab_status draw_stratified(cutlab_context *context, cutlab_dataset *s, values *x) {
  int64_t n = s->examples;
  int64_t *order = cutlab_allocate(context, n, sizeof *order);
  if (!order) return CUTLAB_ERROR_MEMORY;
  cutlab_random random = cutlab_random_make(x->seed, cutlab_stream_label, 0, 0, 0);
  cutlab_random_permutation(&random, order, n);
  int64_t positives = llround(x->balance * (double)n), next = 0;
  for (int class = 0; class < 2; ++class) {
    int64_t size = class ? n - positives : positives, shares[cutlab_max_features] = {0};
    apportion(shares, x->frequencies, x->feature_count, size);
    for (int32_t k = 0; k < x->feature_count; ++k)
      for (int64_t c = 0; c < shares[k]; ++c) {
        s->labels[order[next]] = class ? -1 : 1;
        s->feature_indices[order[next++]] = k;
      }
  }
  free(order);
  return CUTLAB_OK;
}

static void draw_independent(cutlab_dataset *s, values *x) {
  for (int64_t i = 0; i < s->examples; ++i) {
    cutlab_random random = cutlab_random_make(x->seed, cutlab_stream_label, (uint64_t)i, 0, 0);
    s->labels[i] = cutlab_random_uniform(&random) < x->balance ? 1 : -1;
    random = cutlab_random_make(x->seed, cutlab_stream_feature, (uint64_t)i, 0, 0);
    double u = cutlab_random_uniform(&random);
    int32_t k = 0;
    for (double sum = x->frequencies[0]; k + 1 < x->feature_count && u >= sum;)
      sum += x->frequencies[++k];
    s->feature_indices[i] = k;
  }
}

static void draw_positions(cutlab_dataset *s, values *x) {
  uint64_t patches = (uint64_t)s->patches;
  for (int64_t i = 0; i < s->examples; ++i) {
    cutlab_random random = cutlab_random_make(x->seed, cutlab_stream_position, (uint64_t)i, 0, 0);
    int32_t feature = (int32_t)cutlab_random_below(&random, patches);
    int32_t noise = (int32_t)cutlab_random_below(&random, patches - 1);
    s->feature_positions[i] = feature;
    s->dominant_positions[i] = noise < feature ? noise : noise + 1;
    s->dominant_signs[i] = cutlab_random_below(&random, 2) ? 1 : -1;
  }
}

/* The deviation of the noise in a patch. */
static double patch_deviation(const cutlab_dataset *s, int64_t example, int64_t patch) {
  return patch == s->dominant_positions[example] ? s->sigma_d : s->sigma_b;
}

/* Patches in R^d: features are the first 2K unit vectors, noise fills the other coordinates. */
static cutlab_status draw_held(cutlab_context *context, cutlab_dataset *s, values *x) {
  int64_t n = s->examples, patches = s->patches, d = s->dimension;
  double bytes = (double)n * (double)patches * (double)d * sizeof(double);
  CUTLAB_TRY(cutlab_check_memory(context, bytes, "holding the patches in R^d"));
  s->patch_data = cutlab_allocate(context, n * patches * d, sizeof *s->patch_data);
  if (!s->patch_data) return CUTLAB_ERROR_MEMORY;
  int threads = cutlab_context_threads(context);
#pragma omp parallel for num_threads(threads) if (threads > 1)
  for (int64_t ip = 0; ip < n * patches; ++ip) {
    double *patch = s->patch_data + ip * d, coefficient;
    int64_t feature = cutlab_dataset_feature(s, ip / patches, ip % patches, &coefficient);
    if (feature >= 0) patch[feature] = coefficient;
    if (s->noise_row[ip] < 0) continue;
    double sigma = patch_deviation(s, ip / patches, ip % patches);
    cutlab_random random =
        cutlab_random_make(x->seed, cutlab_stream_noise, (uint64_t)s->noise_row[ip], 0, 0);
    for (int64_t c = 2 * s->feature_count; c < d; ++c)
      patch[c] = sigma * cutlab_random_normal(&random);
  }
  return CUTLAB_OK;
}

/* Bartlett's decomposition: the Gram matrix of m standard normal vectors of R^D, D >= m, has the
   law of A A^T, A lower triangular with independent N(0,1) below and sqrt(chi^2_{D-i}) on the
   diagonal (i from 0). */
static cutlab_status draw_wishart(cutlab_context *context, cutlab_dataset *s, values *x) {
  int64_t m = s->noise_rows + cutlab_filters, freedom = s->dimension - 2 * s->feature_count;
  double bytes = 2 * (double)m * (double)m * sizeof(double);
  CUTLAB_TRY(cutlab_check_memory(context, bytes, "drawing the noise Gram matrix"));
  double *factor = cutlab_allocate(context, m * m, sizeof *factor);
  s->gram = cutlab_allocate(context, m * m, sizeof *s->gram);
  double *sigma = cutlab_allocate(context, m, sizeof *sigma);
  bool ready = factor && s->gram && sigma;
  int threads = cutlab_context_threads(context);
#pragma omp parallel for schedule(dynamic, 8) num_threads(threads) if (threads > 1)
  for (int64_t i = 0; i < (ready ? m : 0); ++i) {
    cutlab_random random = cutlab_random_make(x->seed, cutlab_stream_wishart, (uint64_t)i, 0, 0);
    for (int64_t j = 0; j < i; ++j) factor[i * m + j] = cutlab_random_normal(&random);
    factor[i * m + i] = sqrt(2 * cutlab_random_gamma(&random, (double)(freedom - i) / 2));
  }
  if (ready) {
    cutlab_gram(context, s->gram, factor, m, m, m, true);
    sigma[m - 2] = sigma[m - 1] = 1;
    for (int64_t ip = 0; ip < s->examples * s->patches; ++ip)
      if (s->noise_row[ip] >= 0)
        sigma[s->noise_row[ip]] = patch_deviation(s, ip / s->patches, ip % s->patches);
    for (int64_t i = 0; i < m; ++i)
      for (int64_t j = 0; j < m; ++j) s->gram[i * m + j] *= sigma[i] * sigma[j];
  }
  free(factor);
  free(sigma);
  return ready ? CUTLAB_OK : CUTLAB_ERROR_MEMORY;
}

cutlab_form cutlab_dataset_choose_form(values *x) {
  if (x->form != CUTLAB_FORM_AUTO)
    return x->form == CUTLAB_FORM_WISHART ? x->form : CUTLAB_FORM_HELD;
  double rows = (double)x->examples * (double)(x->patches - 1) + cutlab_filters;
  return (double)x->dimension - 2 * x->feature_count >= rows ? CUTLAB_FORM_WISHART
                                                             : CUTLAB_FORM_HELD;
}

static cutlab_status check_wishart(cutlab_context *context, values *x) {
  int64_t rows = x->examples * (x->patches - 1) + cutlab_filters;
  int64_t freedom = x->dimension - 2 * x->feature_count;
  if (freedom >= rows) return CUTLAB_OK;
  return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                     "form wishart needs dimension - 2K >= examples (patches - 1) + 2, that is "
                     "dimension >= %lld, not %lld; use form=gram, held or auto",
                     (long long)(rows + 2 * x->feature_count), (long long)x->dimension);
}

cutlab_status cutlab_dataset_draw(cutlab_context *context, cutlab_dataset **dataset,
                                  const cutlab_experiment *experiment) {
  values *x = experiment;
  *dataset = NULL;
  CUTLAB_TRY(cutlab_experiment_validate(context, experiment));
  cutlab_form form = cutlab_dataset_choose_form(x);
  if (form == CUTLAB_FORM_WISHART) CUTLAB_TRY(check_wishart(context, x));
  CUTLAB_TRY(cutlab_check_memory(context, 64.0 * (double)x->examples * (double)x->patches,
                                 "the data set"));
  cutlab_dataset *s;
  cutlab_status status =
      cutlab_dataset_allocate(context, &s, x->examples, x->patches, x->dimension, x->feature_count);
  if (status == CUTLAB_OK) {
    s->form = form;
    s->alpha = x->alpha, s->sigma_d = x->sigma_d, s->sigma_b = x->sigma_b;
    if (x->sampling == CUTLAB_STRATIFIED)
      status = draw_stratified(context, s, x);
    else
      draw_independent(s, x);
  }
  if (status == CUTLAB_OK) {
    draw_positions(s, x);
    cutlab_dataset_index(s);
    status = form == CUTLAB_FORM_WISHART ? draw_wishart(context, s, x) : draw_held(context, s, x);
  }
  if (status == CUTLAB_OK)
    *dataset = s;
  else
    cutlab_dataset_free(s);
  return status;
}
