/* The state of a training as an .npz file. */
#include <stdlib.h>
#include <string.h>

#include <cutlab/array.h>

#include "base/ranks.h"
#include "theory/simulation_internal.h"

enum { state_version = 1, header_count = 3, max_members = 6 };

/* FNV-1a, over 64-bit words as long as they last: data sets are long. */
static uint64_t hash(uint64_t h, const void *data, size_t size) {
  const unsigned char *bytes = data;
  for (; size >= sizeof h; size -= sizeof h, bytes += sizeof h) {
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    h = (h ^ word) * 0x100000001b3u;
    h ^= h >> 32;
  }
  for (size_t i = 0; i < size; ++i) h = (h ^ bytes[i]) * 0x100000001b3u;
  return h;
}

static uint64_t hash_structure(uint64_t h, const cutlab_dataset *data) {
  size_t n = (size_t)data->examples;
  h = hash(h, data->labels, n);
  h = hash(h, data->noise_row, n * (size_t)data->patches * sizeof *data->noise_row);
  if (!data->feature_count) return h;
  h = hash(h, data->feature_indices, n * sizeof *data->feature_indices);
  h = hash(h, data->dominant_positions, n * sizeof *data->dominant_positions);
  return hash(h, data->dominant_signs, n);
}

/* What sets the network, the objective and the data apart from the plain ones. */
static uint64_t hash_variant(uint64_t h, const cutlab_simulation *s) {
  const struct cutlab_experiment *x = &s->experiment;
  const cutlab_dataset *data = cutlab_dataset_whole(s->data);
  const int64_t plain[] = {1, CUTLAB_SMOOTHED_LEAKY_RELU, 3, 0, 0, 0, 0, 0, 0};
  int64_t integers[] = {x->filters,  x->activation,      x->power,
                        x->bias,     x->uniform_weights, x->subsets,
                        x->midpoint, data->opposite,     data->full_noise};
  double numbers[] = {x->mixup_alpha, data->signal};
  bool same = numbers[0] == 1 && numbers[1] == 1;
  if (memcmp(integers, plain, sizeof plain) == 0 && same) return h;
  h = hash(h, integers, sizeof integers);
  h = hash(h, numbers, sizeof numbers);
  if (data->feature_count) h = hash(h, data->true_labels, (size_t)data->examples);
  for (int64_t e = 0; e < s->entry_count; ++e)
    h = hash(h, &s->entries[e].coefficient, sizeof s->entries[e].coefficient);
  return h;
}

/* As if they lay in one piece: one rank after the other. */
static uint64_t hash_patches(uint64_t h, const cutlab_simulation *s) {
  const cutlab_ranks *ranks = cutlab_context_ranks(s->context);
  size_t size = (size_t)s->patch_count * (size_t)s->data->dimension * sizeof(double);
  if (!ranks) return hash(h, s->data->patch_data, size);
  for (int rank = 0; rank < ranks->count; ++rank) {
    if (rank == ranks->rank) h = hash(h, s->data->patch_data, size);
    ranks->broadcast(ranks, &h, sizeof h, rank);
  }
  return h;
}

static uint64_t make_fingerprint(const cutlab_simulation *s) {
  const struct cutlab_experiment *x = &s->experiment;
  const cutlab_dataset *data = cutlab_dataset_whole(s->data);
  int64_t integers[] = {data->examples, data->patches, data->dimension, data->feature_count,
                        x->method,      x->sampled,    x->cut_size,     (int64_t)x->seed,
                        s->form,        x->path};
  double numbers[] = {x->learning_rate, x->beta, x->r, x->sigma_0, data->alpha, x->tolerance};
  uint64_t h = hash(0xcbf29ce484222325u, integers, sizeof integers);
  h = hash(h, numbers, sizeof numbers);
  h = hash_variant(hash_structure(h, data), s);
  if (s->form == CUTLAB_FORM_HELD) return hash_patches(h, s);
  return hash(h, s->first_noise_inner,
              (size_t)(s->filter_count * data->noise_rows) * sizeof(double));
}

/* Of all that the next step depends on apart from the state itself. */
static uint64_t fingerprint(cutlab_simulation *s) {
  if (!s->fingerprint) s->fingerprint = make_fingerprint(s);
  return s->fingerprint;
}

static cutlab_array matrix(const char *name, double *data, int64_t rows, int64_t columns) {
  cutlab_array array = {.dtype = CUTLAB_FLOAT64, .rank = 2, .shape = {rows, columns}, .data = data};
  strncpy(array.name, name, sizeof array.name - 1);
  return array;
}

/* The arrays of the state, pointing into the simulation, the header and the coefficients of all
   ranks; how many. */
static int list_members(cutlab_simulation *s, int64_t header[header_count], double *coefficients,
                        cutlab_array arrays[max_members]) {
  int64_t filters = s->filter_count, patches = cutlab_dataset_whole(s->data)->examples;
  patches *= s->data->patches;
  int count = 0;
  arrays[count++] = (cutlab_array){"header", CUTLAB_INT64, 1, {header_count}, header};
  arrays[count++] = matrix("coefficients", coefficients, filters, patches);
  arrays[count++] = matrix("feature_coordinates", s->coordinates, filters, s->data->columns);
  arrays[count++] = s->form == CUTLAB_FORM_HELD
                        ? matrix("filters", s->filters, filters, s->data->dimension)
                        : matrix("noise_inner", s->noise_inner, filters, s->data->noise_rows);
  arrays[count++] = (cutlab_array){"gradient_norm", CUTLAB_FLOAT64, 1, {1}, &s->gradient_norm};
  if (s->experiment.bias)
    arrays[count++] = (cutlab_array){"biases", CUTLAB_FLOAT64, 1, {filters}, s->biases};
  return count;
}

/* The simulation's own, or room for those of all ranks, to be freed. */
static cutlab_status all_coefficients(cutlab_simulation *s, double **all) {
  *all = s->coefficients;
  if (!s->data->whole) return CUTLAB_OK;
  int64_t patches = s->data->whole->examples * s->data->patches;
  *all = cutlab_allocate(s->context, s->filter_count * patches, sizeof **all);
  return cutlab_agree_over_ranks(s->context, *all ? CUTLAB_OK : CUTLAB_ERROR_MEMORY);
}

cutlab_status cutlab_simulation_write_state(cutlab_simulation *s, const char *path) {
  const cutlab_ranks *ranks = cutlab_context_ranks(s->context);
  int64_t header[header_count] = {state_version, s->iteration, (int64_t)fingerprint(s)};
  cutlab_array arrays[max_members];
  double *coefficients;
  cutlab_status status = all_coefficients(s, &coefficients);
  if (status == CUTLAB_OK && s->data->whole) cutlab_divided_gather(s, coefficients);
  if (status == CUTLAB_OK && (!ranks || ranks->rank == 0)) {
    int count = list_members(s, header, coefficients, arrays);
    status = cutlab_npz_write(s->context, path, arrays, count);
  }
  if (coefficients != s->coefficients) free(coefficients);
  return cutlab_agree_over_ranks(s->context, status);
}

static cutlab_status take_members(cutlab_simulation *s, double *coefficients, cutlab_array *read,
                                  int count, const char *path) {
  int64_t header[header_count];
  cutlab_array want[max_members];
  int wanted = list_members(s, header, coefficients, want);
  for (int i = 0; i < wanted; ++i) {
    const cutlab_array *found = cutlab_npz_find(read, count, want[i].name);
    if (!found || found->dtype != want[i].dtype || found->rank != want[i].rank ||
        memcmp(found->shape, want[i].shape, (size_t)found->rank * sizeof *found->shape) != 0)
      return cutlab_fail(s->context, CUTLAB_ERROR_FORMAT,
                         "%s: member '%s' is missing or of another shape: not a state of this run",
                         path, want[i].name);
  }
  memcpy(header, cutlab_npz_find(read, count, "header")->data, sizeof header);
  if (header[0] != state_version)
    return cutlab_fail(s->context, CUTLAB_ERROR_FORMAT, "%s: state version %lld; accepted: %d",
                       path, (long long)header[0], state_version);
  if (header[2] != (int64_t)fingerprint(s) || header[1] < 0)
    return cutlab_fail(s->context, CUTLAB_ERROR_FORMAT,
                       "%s: the state of another experiment or data set", path);
  for (int i = 1; i < wanted; ++i)
    memcpy(want[i].data, cutlab_npz_find(read, count, want[i].name)->data,
           (size_t)cutlab_array_count(&want[i]) * sizeof(double));
  s->iteration = header[1];
  return CUTLAB_OK;
}

cutlab_status cutlab_simulation_read_state(cutlab_simulation *s, const char *path) {
  cutlab_array *arrays = NULL;
  int count = 0;
  double *coefficients;
  fingerprint(s); /* together */
  cutlab_status status = all_coefficients(s, &coefficients);
  if (status == CUTLAB_OK) status = cutlab_npz_read(s->context, &arrays, &count, path, 0);
  if (status == CUTLAB_OK) status = take_members(s, coefficients, arrays, count, path);
  if (status == CUTLAB_OK && s->data->whole) cutlab_divided_scatter(s, coefficients);
  cutlab_npz_free(arrays, count);
  if (coefficients != s->coefficients) free(coefficients);
  return cutlab_agree_over_ranks(s->context, status);
}
