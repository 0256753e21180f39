/* The state of a training as an .npz file. */
#include <stdlib.h>
#include <string.h>

#include <cutlab/array.h>

#include "theory/simulation_internal.h"

enum { state_version = 1, header_count = 3, member_count = 5 };

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

/* Of all that the next step depends on apart from the state itself. */
static uint64_t fingerprint(const cutlab_simulation *s) {
  const struct cutlab_experiment *x = &s->experiment;
  const cutlab_dataset *data = s->data;
  int64_t integers[] = {data->examples, data->patches, data->dimension, data->feature_count,
                        x->method,      x->sampled,    x->cut_size,     (int64_t)x->seed,
                        s->form,        x->path};
  double numbers[] = {x->learning_rate, x->beta, x->r, x->sigma_0, data->alpha, x->tolerance};
  uint64_t h = hash(0xcbf29ce484222325u, integers, sizeof integers);
  h = hash(h, numbers, sizeof numbers);
  h = hash_structure(h, data);
  if (s->form == CUTLAB_FORM_HELD)
    return hash(h, data->patch_data,
                (size_t)s->patch_count * (size_t)data->dimension * sizeof(double));
  return hash(h, s->first_noise_inner,
              (size_t)(cutlab_filters * data->noise_rows) * sizeof(double));
}

/* The arrays of the state, pointing into the simulation and the header. */
static void list_members(cutlab_simulation *s, int64_t header[header_count],
                         cutlab_array arrays[member_count]) {
  bool held = s->form == CUTLAB_FORM_HELD;
  int64_t noise = s->data->noise_rows, columns = cutlab_filters * s->data->feature_count;
  arrays[0] = (cutlab_array){"header", CUTLAB_INT64, 1, {header_count}, header};
  arrays[1] = (cutlab_array){
      "coefficients", CUTLAB_FLOAT64, 2, {cutlab_filters, s->patch_count}, s->coefficients};
  arrays[2] = (cutlab_array){
      "feature_coordinates", CUTLAB_FLOAT64, 2, {cutlab_filters, columns}, s->coordinates};
  arrays[3] = held ? (cutlab_array){"filters",
                                    CUTLAB_FLOAT64,
                                    2,
                                    {cutlab_filters, s->data->dimension},
                                    s->filters}
                   : (cutlab_array){
                         "noise_inner", CUTLAB_FLOAT64, 2, {cutlab_filters, noise}, s->noise_inner};
  arrays[4] = (cutlab_array){"gradient_norm", CUTLAB_FLOAT64, 1, {1}, &s->gradient_norm};
}

cutlab_status cutlab_simulation_write_state(cutlab_simulation *s, const char *path) {
  int64_t header[header_count] = {state_version, s->iteration, (int64_t)fingerprint(s)};
  cutlab_array arrays[member_count];
  list_members(s, header, arrays);
  return cutlab_npz_write(s->context, path, arrays, member_count);
}

static cutlab_status take_members(cutlab_simulation *s, cutlab_array *read, int count,
                                  const char *path) {
  int64_t header[header_count];
  cutlab_array want[member_count];
  list_members(s, header, want);
  for (int i = 0; i < member_count; ++i) {
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
  for (int i = 1; i < member_count; ++i)
    memcpy(want[i].data, cutlab_npz_find(read, count, want[i].name)->data,
           (size_t)cutlab_array_count(&want[i]) * sizeof(double));
  s->iteration = header[1];
  return CUTLAB_OK;
}

cutlab_status cutlab_simulation_read_state(cutlab_simulation *s, const char *path) {
  cutlab_array *arrays;
  int count;
  CUTLAB_TRY(cutlab_npz_read(s->context, &arrays, &count, path, 0));
  cutlab_status status = take_members(s, arrays, count, path);
  cutlab_npz_free(arrays, count);
  return status;
}
