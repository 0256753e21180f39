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
        s->true_labels[order[next]] = class ? -1 : 1;
        s->feature_indices[order[next++]] = k;
      }
  }
  free(order);
  return CUTLAB_OK;
}

static void draw_independent(cutlab_dataset *s, values *x) {
  for (int64_t i = 0; i < s->examples; ++i) {
    cutlab_random random = cutlab_random_make(x->seed, cutlab_stream_label, (uint64_t)i, 0, 0);
    s->true_labels[i] = cutlab_random_uniform(&random) < x->balance ? 1 : -1;
    random = cutlab_random_make(x->seed, cutlab_stream_feature, (uint64_t)i, 0, 0);
    double u = cutlab_random_uniform(&random);
    int32_t k = 0;
    for (double sum = x->frequencies[0]; k + 1 < x->feature_count && u >= sum;)
      sum += x->frequencies[++k];
    s->feature_indices[i] = k;
  }
}

/* What training sees of the labels. */
static void flip_labels(cutlab_dataset *s, values *x) {
  memcpy(s->labels, s->true_labels, (size_t)s->examples);
  for (int64_t i = 0; x->label_flips > 0 && i < s->examples; ++i) {
    cutlab_random random = cutlab_random_make(x->seed, cutlab_stream_flip, (uint64_t)i, 0, 0);
    if (cutlab_random_uniform(&random) < x->label_flips) s->labels[i] = (int8_t)-s->labels[i];
  }
}

static bool draw_first_place(values *x, int64_t example) {
  cutlab_random random = cutlab_random_make(x->seed, cutlab_stream_place, (uint64_t)example, 0, 0);
  return cutlab_random_uniform(&random) < x->position_bias;
}

static void draw_positions(cutlab_dataset *s, values *x) {
  uint64_t patches = (uint64_t)s->patches;
  for (int64_t i = 0; i < s->examples; ++i) {
    cutlab_random random = cutlab_random_make(x->seed, cutlab_stream_position, (uint64_t)i, 0, 0);
    int32_t feature = (int32_t)cutlab_random_below(&random, patches);
    if (x->position_bias > 0 && draw_first_place(x, i)) feature = 0;
    int32_t noise = (int32_t)cutlab_random_below(&random, patches - 1);
    s->feature_positions[i] = feature;
    s->dominant_positions[i] = noise < feature ? noise : noise + 1;
    s->dominant_signs[i] = cutlab_random_below(&random, 2) ? 1 : -1;
  }
}

/* Patches in R^d: features are along the first coordinates, noise fills the others, and with
   full noise these too. */
static cutlab_status draw_held(cutlab_context *context, cutlab_dataset *s, values *x) {
  int64_t n = s->examples, patches = s->patches, d = s->dimension;
  s->patch_data = cutlab_allocate(context, n * patches * d, sizeof *s->patch_data);
  if (!s->patch_data) return CUTLAB_ERROR_MEMORY;
  int threads = cutlab_context_threads(context);
#pragma omp parallel for num_threads(threads) if (threads > 1)
  for (int64_t ip = 0; ip < n * patches; ++ip) {
    double *patch = s->patch_data + ip * d, coefficient;
    int64_t feature = cutlab_dataset_feature(s, ip / patches, ip % patches, &coefficient);
    if (feature >= 0) patch[feature] = coefficient;
    if (s->noise_row[ip] < 0) continue;
    double sigma = cutlab_dataset_deviation(s, ip / patches, ip % patches);
    cutlab_random random =
        cutlab_random_make(x->seed, cutlab_stream_noise, (uint64_t)s->noise_row[ip], 0, 0);
    for (int64_t c = s->columns; c < d; ++c) patch[c] = sigma * cutlab_random_normal(&random);
    if (!s->full_noise) continue;
    random = cutlab_random_make(x->seed, cutlab_stream_along, (uint64_t)s->noise_row[ip], 0, 0);
    for (int64_t c = 0; c < s->columns; ++c) patch[c] += sigma * cutlab_random_normal(&random);
  }
  return CUTLAB_OK;
}

int cutlab_experiment_rows(values *x) {
  return 2 * (int)x->filters;
}

cutlab_form cutlab_dataset_choose_form(values *x) {
  if (x->form != CUTLAB_FORM_AUTO)
    return x->form == CUTLAB_FORM_WISHART ? x->form : CUTLAB_FORM_HELD;
  double rows = (double)x->examples * (double)(x->patches - 1) + cutlab_experiment_rows(x);
  return (double)(x->dimension - cutlab_experiment_columns(x)) >= rows ? CUTLAB_FORM_WISHART
                                                                       : CUTLAB_FORM_HELD;
}

static cutlab_status check_wishart(cutlab_context *context, values *x) {
  int64_t rows = x->examples * (x->patches - 1) + cutlab_experiment_rows(x);
  int64_t columns = cutlab_experiment_columns(x);
  if (x->dimension - columns >= rows) return CUTLAB_OK;
  return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                     "form wishart needs dimension - %s >= examples (patches - 1) + %d, that is "
                     "dimension >= %lld, not %lld; use form=gram, held or auto",
                     x->opposite ? "K" : "2K", cutlab_experiment_rows(x),
                     (long long)(rows + columns), (long long)x->dimension);
}

/* Whether a draw fits that holds the patches of `count` examples: known before anything is drawn.
 */
static cutlab_status check_fits(cutlab_context *context, values *x, cutlab_form form,
                                int64_t count) {
  double n = (double)x->examples, patches = (double)x->patches;
  CUTLAB_TRY(cutlab_check_memory(context, 64 * n * patches, "the data set"));
  if (form != CUTLAB_FORM_WISHART)
    return cutlab_check_memory(context, 8 * (double)count * patches * (double)x->dimension,
                               "holding the patches in R^d");
  double noise = n * (patches - 1), m = noise + cutlab_experiment_rows(x);
  double along = x->full_noise ? noise * (double)cutlab_experiment_columns(x) : 0;
  return cutlab_check_memory(context, 8 * (2 * m * m + along), "drawing the noise Gram matrix");
}

static void describe_world(cutlab_dataset *s, values *x, cutlab_form form) {
  s->form = form;
  s->signal = x->signal, s->alpha = x->alpha, s->sigma_d = x->sigma_d, s->sigma_b = x->sigma_b;
  s->opposite = x->opposite, s->full_noise = x->full_noise;
  s->columns = cutlab_experiment_columns(x);
  s->has_law = true;
  memcpy(s->frequencies, x->frequencies, (size_t)x->feature_count * sizeof *s->frequencies);
  for (int k = 0; k < x->feature_count; ++k)
    s->rarities[k] = (int8_t)cutlab_experiment_rarity(x, k);
  s->balance = x->balance, s->label_flips = x->label_flips;
  s->position_bias = x->position_bias, s->sampling = x->sampling;
}

/* All that is known of examples but their noise. */
static cutlab_status draw_structure(cutlab_context *context, cutlab_dataset *s, values *x) {
  if (x->sampling == CUTLAB_STRATIFIED)
    CUTLAB_TRY(draw_stratified(context, s, x));
  else
    draw_independent(s, x);
  flip_labels(s, x);
  draw_positions(s, x);
  cutlab_dataset_index(s);
  return CUTLAB_OK;
}

/* `part` becomes the examples first..first+count-1 of `s`. Noise rows keep their numbers, by which
   they are drawn. */
static void copy_examples(cutlab_dataset *part, const cutlab_dataset *s, int64_t first) {
  size_t n = (size_t)part->examples, patches = (size_t)part->patches;
  memcpy(part->labels, s->labels + first, n);
  memcpy(part->true_labels, s->true_labels + first, n);
  memcpy(part->feature_indices, s->feature_indices + first, n * sizeof *s->feature_indices);
  memcpy(part->feature_positions, s->feature_positions + first, n * sizeof *s->feature_positions);
  memcpy(part->dominant_positions, s->dominant_positions + first,
         n * sizeof *s->dominant_positions);
  memcpy(part->dominant_signs, s->dominant_signs + first, n);
  cutlab_dataset_index(part);
  memcpy(part->noise_row, s->noise_row + first * s->patches, n * patches * sizeof *s->noise_row);
}

static cutlab_status draw(cutlab_context *context, cutlab_dataset *s, values *x, cutlab_form form) {
  describe_world(s, x, form);
  CUTLAB_TRY(draw_structure(context, s, x));
  return form == CUTLAB_FORM_WISHART ? cutlab_dataset_draw_gram(context, s, x)
                                     : draw_held(context, s, x);
}

cutlab_status cutlab_dataset_draw_part(cutlab_context *context, cutlab_dataset **dataset, values *x,
                                       int64_t first, int64_t count) {
  *dataset = NULL;
  CUTLAB_TRY(check_fits(context, x, CUTLAB_FORM_HELD, count));
  cutlab_dataset *part;
  cutlab_status status =
      cutlab_dataset_allocate(context, &part, count, x->patches, x->dimension, x->feature_count);
  if (status == CUTLAB_OK)
    status = cutlab_dataset_allocate(context, &part->whole, x->examples, x->patches, x->dimension,
                                     x->feature_count);
  if (status == CUTLAB_OK) {
    describe_world(part, x, CUTLAB_FORM_HELD);
    describe_world(part->whole, x, CUTLAB_FORM_HELD);
    status = draw_structure(context, part->whole, x);
  }
  if (status == CUTLAB_OK) {
    part->first_example = first;
    copy_examples(part, part->whole, first);
    status = draw_held(context, part, x);
  }
  if (status == CUTLAB_OK)
    *dataset = part;
  else
    cutlab_dataset_free(part);
  return status;
}

cutlab_status cutlab_dataset_draw(cutlab_context *context, cutlab_dataset **dataset,
                                  const cutlab_experiment *experiment) {
  values *x = experiment;
  *dataset = NULL;
  CUTLAB_TRY(cutlab_experiment_validate(context, experiment));
  cutlab_form form = cutlab_dataset_choose_form(x);
  if (form == CUTLAB_FORM_WISHART) CUTLAB_TRY(check_wishart(context, x));
  CUTLAB_TRY(check_fits(context, x, form, x->examples));
  cutlab_dataset *s;
  cutlab_status status =
      cutlab_dataset_allocate(context, &s, x->examples, x->patches, x->dimension, x->feature_count);
  if (status == CUTLAB_OK) status = draw(context, s, x, form);
  if (status == CUTLAB_OK)
    *dataset = s;
  else
    cutlab_dataset_free(s);
  return status;
}
