/* Data sets: making them from patches, asking them, freeing them. */
#include "data/dataset_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

cutlab_status cutlab_check_memory(cutlab_context *context, double bytes, const char *what) {
  double machine = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE);
  if (bytes < 0.9 * machine) return CUTLAB_OK;
  return cutlab_fail(context, CUTLAB_ERROR_MEMORY, "%s needs %.1f GiB; this machine has %.1f GiB",
                     what, bytes / 0x1p30, machine / 0x1p30);
}

cutlab_status cutlab_dataset_allocate(cutlab_context *context, cutlab_dataset **dataset,
                                      int64_t examples, int64_t patches, int64_t dimension,
                                      int feature_count) {
  cutlab_dataset *s = cutlab_allocate(context, 1, sizeof *s);
  *dataset = s;
  if (!s) return CUTLAB_ERROR_MEMORY;
  s->examples = examples, s->patches = patches, s->dimension = dimension;
  s->feature_count = feature_count;
  s->columns = 2 * (int64_t)feature_count;
  s->signal = 1;
  s->filters = 2;
  s->noise_rows = examples * (feature_count ? patches - 1 : patches);
  s->labels = cutlab_allocate(context, examples, sizeof *s->labels);
  s->noise_row = cutlab_allocate(context, examples * patches, sizeof *s->noise_row);
  if (!s->labels || !s->noise_row) return CUTLAB_ERROR_MEMORY;
  if (!feature_count) return CUTLAB_OK;
  s->true_labels = cutlab_allocate(context, examples, sizeof *s->true_labels);
  s->feature_indices = cutlab_allocate(context, examples, sizeof *s->feature_indices);
  s->feature_positions = cutlab_allocate(context, examples, sizeof *s->feature_positions);
  s->dominant_positions = cutlab_allocate(context, examples, sizeof *s->dominant_positions);
  s->dominant_signs = cutlab_allocate(context, examples, sizeof *s->dominant_signs);
  s->frequencies = cutlab_allocate(context, feature_count, sizeof *s->frequencies);
  s->rarities = cutlab_allocate(context, feature_count, sizeof *s->rarities);
  bool all = s->true_labels && s->feature_indices && s->feature_positions &&
             s->dominant_positions && s->dominant_signs && s->frequencies && s->rarities;
  return all ? CUTLAB_OK : CUTLAB_ERROR_MEMORY;
}

void cutlab_dataset_free(cutlab_dataset *dataset) {
  if (!dataset) return;
  free(dataset->labels);
  free(dataset->true_labels);
  free(dataset->feature_indices);
  free(dataset->feature_positions);
  free(dataset->dominant_positions);
  free(dataset->dominant_signs);
  free(dataset->frequencies);
  free(dataset->rarities);
  free(dataset->path);
  free(dataset->noise_row);
  free(dataset->patch_data);
  free(dataset->gram);
  free(dataset->feature_noise);
  cutlab_dataset_free(dataset->whole);
  free(dataset);
}

void cutlab_dataset_index(cutlab_dataset *dataset) {
  int64_t row = 0;
  dataset->positives = 0;
  for (int64_t i = 0; i < dataset->examples; ++i) {
    dataset->positives += dataset->labels[i] > 0;
    for (int64_t p = 0; p < dataset->patches; ++p) {
      bool feature = dataset->feature_count && p == dataset->feature_positions[i];
      dataset->noise_row[i * dataset->patches + p] = feature ? -1 : row++;
    }
  }
}

int64_t cutlab_dataset_feature(const cutlab_dataset *dataset, int64_t example, int64_t patch,
                               double *coefficient) {
  if (!dataset->feature_count) return -1;
  bool feature = patch == dataset->feature_positions[example];
  if (!feature && patch != dataset->dominant_positions[example]) return -1;
  bool positive = (feature ? dataset->true_labels[example] : dataset->dominant_signs[example]) > 0;
  *coefficient = feature ? dataset->signal : dataset->alpha;
  if (dataset->opposite && !positive) *coefficient = -*coefficient;
  int64_t second_class = dataset->opposite || positive ? 0 : dataset->feature_count;
  return second_class + (feature ? dataset->feature_indices[example] : 0);
}

double cutlab_dataset_deviation(const cutlab_dataset *dataset, int64_t example, int64_t patch) {
  return patch == dataset->dominant_positions[example] ? dataset->sigma_d : dataset->sigma_b;
}

static cutlab_status check_labels(cutlab_context *context, const int8_t *labels, int64_t examples) {
  for (int64_t i = 0; i < examples; ++i)
    if (labels[i] != 1 && labels[i] != -1)
      return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                         "label of example %lld is %d; accepted: +1 and -1", (long long)i,
                         labels[i]);
  return CUTLAB_OK;
}

cutlab_status cutlab_dataset_from_patches(cutlab_context *context, cutlab_dataset **dataset,
                                          const double *patches, const int8_t *labels,
                                          int64_t examples, int64_t patch_count,
                                          int64_t dimension) {
  *dataset = NULL;
  if (examples < 1 || patch_count < 2 || patch_count > 64 || dimension < 1)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                       "patches have shape [%lld][%lld][%lld]; accepted: examples >= 1, patches 2 "
                       "to 64, dimension >= 1",
                       (long long)examples, (long long)patch_count, (long long)dimension);
  CUTLAB_TRY(check_labels(context, labels, examples));
  int64_t count = examples * patch_count * dimension;
  for (int64_t i = 0; i < count; ++i)
    if (!isfinite(patches[i]))
      return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                         "patches of example %lld hold %g; accepted: finite numbers",
                         (long long)(i / (patch_count * dimension)), patches[i]);
  cutlab_dataset *s;
  cutlab_status status = cutlab_dataset_allocate(context, &s, examples, patch_count, dimension, 0);
  if (status == CUTLAB_OK) {
    s->patch_data = cutlab_allocate(context, count, sizeof *s->patch_data);
    if (!s->patch_data) status = CUTLAB_ERROR_MEMORY;
  }
  if (status != CUTLAB_OK) {
    cutlab_dataset_free(s);
    return status;
  }
  s->form = CUTLAB_FORM_HELD;
  memcpy(s->labels, labels, (size_t)examples);
  memcpy(s->patch_data, patches, (size_t)count * sizeof *patches);
  cutlab_dataset_index(s);
  *dataset = s;
  return CUTLAB_OK;
}

int64_t cutlab_dataset_examples(const cutlab_dataset *dataset) {
  return dataset->examples;
}
int64_t cutlab_dataset_patches(const cutlab_dataset *dataset) {
  return dataset->patches;
}
int64_t cutlab_dataset_dimension(const cutlab_dataset *dataset) {
  return dataset->dimension;
}
int64_t cutlab_dataset_positives(const cutlab_dataset *dataset) {
  return dataset->positives;
}
const int8_t *cutlab_dataset_labels(const cutlab_dataset *dataset) {
  return dataset->labels;
}
const int32_t *cutlab_dataset_feature_indices(const cutlab_dataset *dataset) {
  return dataset->feature_indices;
}
cutlab_form cutlab_dataset_form(const cutlab_dataset *dataset) {
  return dataset->form;
}
