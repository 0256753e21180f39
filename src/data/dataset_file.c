/* Data sets as .npz files; docs/file-formats.md lists the members. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cutlab/array.h>

#include "data/dataset_internal.h"

enum { max_members = 16, variant_count = 5, law_count = 4 };

static cutlab_array member(const char *name, cutlab_dtype dtype, void *data, int rank, int64_t a,
                           int64_t b, int64_t c) {
  cutlab_array array = {.dtype = dtype, .rank = rank, .shape = {a, b, c}, .data = data};
  strncpy(array.name, name, sizeof array.name - 1);
  return array;
}

/* What sets a data set apart from those of the plain world. */
static void list_variant(double variant[variant_count], const cutlab_dataset *s) {
  variant[0] = s->signal, variant[1] = s->opposite, variant[2] = s->full_noise;
  variant[3] = s->filters, variant[4] = s->uniform_weights;
}

static bool is_plain(const double variant[variant_count]) {
  return variant[0] == 1 && !variant[1] && !variant[2] && variant[3] == 2 && !variant[4];
}

/* The members of a drawn data set, apart from labels, patches and inner products; how many. */
static int list_structure(cutlab_array *arrays, double world[6], double variant[variant_count],
                          double law[law_count], const cutlab_dataset *s) {
  int64_t n = s->examples, k = s->feature_count;
  int count = 0;
  memcpy(world,
         (double[]){s->alpha, s->sigma_d, s->sigma_b, (double)k, (double)s->patches,
                    (double)s->dimension},
         6 * sizeof *world);
  memcpy(law, (double[]){s->balance, s->label_flips, s->position_bias, s->sampling},
         law_count * sizeof *law);
  list_variant(variant, s);
  arrays[count++] = member("world", CUTLAB_FLOAT64, world, 1, 6, 0, 0);
  if (!is_plain(variant))
    arrays[count++] = member("variant", CUTLAB_FLOAT64, variant, 1, variant_count, 0, 0);
  if (s->has_law) {
    arrays[count++] = member("frequencies", CUTLAB_FLOAT64, s->frequencies, 1, k, 0, 0);
    arrays[count++] = member("rarities", CUTLAB_INT8, s->rarities, 1, k, 0, 0);
    arrays[count++] = member("law", CUTLAB_FLOAT64, law, 1, law_count, 0, 0);
  }
  if (memcmp(s->labels, s->true_labels, (size_t)n) != 0)
    arrays[count++] = member("true_labels", CUTLAB_INT8, s->true_labels, 1, n, 0, 0);
  if (s->feature_noise)
    arrays[count++] =
        member("feature_noise", CUTLAB_FLOAT64, s->feature_noise, 2, s->noise_rows, s->columns, 0);
  arrays[count++] = member("feature_index", CUTLAB_INT32, s->feature_indices, 1, n, 0, 0);
  arrays[count++] = member("feature_position", CUTLAB_INT32, s->feature_positions, 1, n, 0, 0);
  arrays[count++] = member("dominant_position", CUTLAB_INT32, s->dominant_positions, 1, n, 0, 0);
  arrays[count++] = member("dominant_sign", CUTLAB_INT8, s->dominant_signs, 1, n, 0, 0);
  return count;
}

cutlab_status cutlab_dataset_write(cutlab_context *context, const char *path,
                                   const cutlab_dataset *dataset) {
  const cutlab_dataset *s = dataset;
  int64_t n = s->examples, m = s->noise_rows + s->filters;
  double world[6], variant[variant_count], law[law_count];
  if (!s->patch_data && !s->gram)
    return cutlab_fail(context, CUTLAB_ERROR_UNSUPPORTED,
                       "cannot write %s: the patches were given up for their inner products; draw "
                       "the data set by itself",
                       path);
  cutlab_array arrays[max_members];
  int count = 0;
  arrays[count++] = member("labels", CUTLAB_INT8, s->labels, 1, n, 0, 0);
  if (s->patch_data)
    arrays[count++] =
        member("patches", CUTLAB_FLOAT64, s->patch_data, 3, n, s->patches, s->dimension);
  if (s->gram) arrays[count++] = member("gram", CUTLAB_FLOAT64, s->gram, 2, m, m, 0);
  if (s->feature_count) count += list_structure(arrays + count, world, variant, law, s);
  return cutlab_npz_write(context, path, arrays, count);
}

typedef struct reader {
  cutlab_context *context;
  const char *path;
  cutlab_array *arrays;
  int count;
} reader;

static cutlab_array *find(reader *r, const char *name) {
  return cutlab_npz_find(r->arrays, r->count, name);
}

/* A member that must be there with this dtype and shape (-1: any). */
static cutlab_status need(reader *r, cutlab_array **array, const char *name, cutlab_dtype dtype,
                          int rank, const int64_t *shape) {
  *array = find(r, name);
  if (!*array)
    return cutlab_fail(r->context, CUTLAB_ERROR_FORMAT, "%s: no member '%s'", r->path, name);
  bool fits = (*array)->dtype == dtype && (*array)->rank == rank;
  for (int i = 0; fits && i < rank; ++i) fits = shape[i] < 0 || (*array)->shape[i] == shape[i];
  if (fits) return CUTLAB_OK;
  char got[128] = "", wanted[128] = "";
  for (int i = 0; i < (*array)->rank && i < 4; ++i)
    snprintf(got + strlen(got), sizeof got - strlen(got), "[%lld]", (long long)(*array)->shape[i]);
  for (int i = 0; i < rank; ++i)
    if (shape[i] < 0)
      snprintf(wanted + strlen(wanted), sizeof wanted - strlen(wanted), "[any]");
    else
      snprintf(wanted + strlen(wanted), sizeof wanted - strlen(wanted), "[%lld]",
               (long long)shape[i]);
  return cutlab_fail(r->context, CUTLAB_ERROR_FORMAT, "%s: member '%s' is %s %s; accepted: %s %s",
                     r->path, name, cutlab_dtype_name((*array)->dtype), got,
                     cutlab_dtype_name(dtype), wanted);
}

/* Integer labels of any width become int8. */
static cutlab_status read_labels(reader *r, int8_t **labels, int64_t *n) {
  cutlab_array *array = find(r, "labels");
  *labels = NULL;
  if (!array || array->rank != 1 || !cutlab_dtype_is_integer(array->dtype))
    return cutlab_fail(r->context, CUTLAB_ERROR_FORMAT,
                       "%s: needs a member 'labels' [n] of an integer type, +1 and -1", r->path);
  *n = array->shape[0];
  *labels = cutlab_allocate(r->context, *n, 1);
  if (!*labels) return CUTLAB_ERROR_MEMORY;
  for (int64_t i = 0; i < *n; ++i) {
    int64_t value = cutlab_array_integer(array, i);
    if (value != 1 && value != -1)
      return cutlab_fail(r->context, CUTLAB_ERROR_FORMAT,
                         "%s: label of example %lld is %lld; accepted: +1 and -1", r->path,
                         (long long)i, (long long)value);
    (*labels)[i] = (int8_t)value;
  }
  return CUTLAB_OK;
}

static cutlab_status copy_int32(reader *r, int32_t *to, const char *name, int64_t n,
                                int64_t bound) {
  cutlab_array *array;
  CUTLAB_TRY(need(r, &array, name, CUTLAB_INT32, 1, &n));
  memcpy(to, array->data, (size_t)n * sizeof *to);
  for (int64_t i = 0; i < n; ++i)
    if (to[i] < 0 || to[i] >= bound)
      return cutlab_fail(r->context, CUTLAB_ERROR_FORMAT,
                         "%s: %s of example %lld is %d; accepted: 0 to %lld", r->path, name,
                         (long long)i, to[i], (long long)bound - 1);
  return CUTLAB_OK;
}

static cutlab_status copy_signs(reader *r, int8_t *to, const char *name, int64_t n) {
  cutlab_array *array;
  CUTLAB_TRY(need(r, &array, name, CUTLAB_INT8, 1, &n));
  memcpy(to, array->data, (size_t)n);
  for (int64_t i = 0; i < n; ++i)
    if (to[i] != 1 && to[i] != -1)
      return cutlab_fail(r->context, CUTLAB_ERROR_FORMAT,
                         "%s: %s of example %lld is %d; accepted: +1 and -1", r->path, name,
                         (long long)i, to[i]);
  return CUTLAB_OK;
}

/* Takes the numbers of a member that must be there and finite. */
static cutlab_status take_numbers(reader *r, double **to, const char *name, int rank,
                                  const int64_t *shape) {
  cutlab_array *array;
  CUTLAB_TRY(need(r, &array, name, CUTLAB_FLOAT64, rank, shape));
  for (int64_t i = 0; i < cutlab_array_count(array); ++i)
    if (!isfinite(((const double *)array->data)[i]))
      return cutlab_fail(r->context, CUTLAB_ERROR_FORMAT,
                         "%s: member '%s' holds a number that is not finite", r->path, array->name);
  *to = array->data;
  array->data = NULL;
  return CUTLAB_OK;
}

/* The members of a drawn data set, apart from labels. */
static cutlab_status read_structure(reader *r, cutlab_dataset *s) {
  int64_t n = s->examples;
  CUTLAB_TRY(copy_int32(r, s->feature_indices, "feature_index", n, s->feature_count));
  CUTLAB_TRY(copy_int32(r, s->feature_positions, "feature_position", n, s->patches));
  CUTLAB_TRY(copy_int32(r, s->dominant_positions, "dominant_position", n, s->patches));
  CUTLAB_TRY(copy_signs(r, s->dominant_signs, "dominant_sign", n));
  if (find(r, "true_labels"))
    CUTLAB_TRY(copy_signs(r, s->true_labels, "true_labels", n));
  else
    memcpy(s->true_labels, s->labels, (size_t)n);
  for (int64_t i = 0; i < n; ++i)
    if (s->feature_positions[i] == s->dominant_positions[i])
      return cutlab_fail(r->context, CUTLAB_ERROR_FORMAT,
                         "%s: example %lld has feature and dominant noise in patch %d", r->path,
                         (long long)i, s->feature_positions[i]);
  cutlab_dataset_index(s);
  int64_t m = s->noise_rows + s->filters;
  int64_t patch_shape[] = {n, s->patches, s->dimension}, gram_shape[] = {m, m};
  int64_t noise_shape[] = {s->noise_rows, s->columns};
  bool held = find(r, "patches") != NULL;
  s->form = held ? CUTLAB_FORM_HELD : CUTLAB_FORM_WISHART;
  if (held) return take_numbers(r, &s->patch_data, "patches", 3, patch_shape);
  if (s->full_noise)
    CUTLAB_TRY(take_numbers(r, &s->feature_noise, "feature_noise", 2, noise_shape));
  return take_numbers(r, &s->gram, "gram", 2, gram_shape);
}

/* The numbers of `variant`, those of the plain world where it is not there. */
static cutlab_status read_variant(reader *r, double variant[variant_count]) {
  static const double plain[variant_count] = {1, 0, 0, 2, 0};
  memcpy(variant, plain, sizeof plain);
  if (!find(r, "variant")) return CUTLAB_OK;
  cutlab_array *array;
  int64_t count = variant_count;
  CUTLAB_TRY(need(r, &array, "variant", CUTLAB_FLOAT64, 1, &count));
  memcpy(variant, array->data, sizeof plain);
  bool fits = variant[0] >= 0 && isfinite(variant[0]) && variant[3] >= 2 && variant[3] <= 2048 &&
              variant[3] == 2 * floor(variant[3] / 2);
  for (int i = 1; i < variant_count; i += i == 2 ? 2 : 1)
    fits = fits && (variant[i] == 0 || variant[i] == 1);
  if (fits) return CUTLAB_OK;
  return cutlab_fail(r->context, CUTLAB_ERROR_FORMAT,
                     "%s: member 'variant' describes no feature-noise world", r->path);
}

/* As experiments have them. */
static bool are_frequencies(const double *frequencies, int count) {
  double sum = 0;
  for (int k = 0; k < count; ++k) {
    if (!(frequencies[k] > 0 && (k == 0 || frequencies[k] <= frequencies[k - 1]))) return false;
    sum += frequencies[k];
  }
  return fabs(sum - 1) <= 1e-9;
}

/* How fresh points are drawn, which files did not always say. */
static cutlab_status read_law(reader *r, cutlab_dataset *s) {
  cutlab_array *frequencies, *rarities, *law;
  int64_t features = s->feature_count, count = law_count;
  if (!find(r, "frequencies") && !find(r, "rarities") && !find(r, "law")) {
    cutlab_warn(r->context,
                "%s: no member 'frequencies', 'rarities' or 'law': frequencies, rarities, balance, "
                "label_flips, position_bias and sampling are those of the experiment",
                r->path);
    return CUTLAB_OK;
  }
  CUTLAB_TRY(need(r, &frequencies, "frequencies", CUTLAB_FLOAT64, 1, &features));
  CUTLAB_TRY(need(r, &rarities, "rarities", CUTLAB_INT8, 1, &features));
  CUTLAB_TRY(need(r, &law, "law", CUTLAB_FLOAT64, 1, &count));
  const double *l = law->data;
  if (!are_frequencies(frequencies->data, s->feature_count))
    return cutlab_fail(r->context, CUTLAB_ERROR_FORMAT,
                       "%s: member 'frequencies' is no law; accepted: each > 0, descending, sum 1",
                       r->path);
  memcpy(s->frequencies, frequencies->data, (size_t)features * sizeof *s->frequencies);
  memcpy(s->rarities, rarities->data, (size_t)features);
  for (int64_t k = 0; k < features; ++k)
    if (s->rarities[k] < CUTLAB_COMMON || s->rarities[k] > CUTLAB_EXTREMELY_RARE)
      return cutlab_fail(r->context, CUTLAB_ERROR_FORMAT,
                         "%s: rarity of feature %lld is %d; accepted: 0 to %d", r->path,
                         (long long)k, s->rarities[k], CUTLAB_EXTREMELY_RARE);
  if (!(l[0] >= 0 && l[0] <= 1 && l[1] >= 0 && l[1] <= 0.5 && l[2] >= 0 && l[2] <= 1 &&
        (l[3] == CUTLAB_IID || l[3] == CUTLAB_STRATIFIED)))
    return cutlab_fail(
        r->context, CUTLAB_ERROR_FORMAT,
        "%s: member 'law' is %g, %g, %g, %g; accepted: balance 0 to 1, label_flips 0 "
        "to 0.5, position_bias 0 to 1, sampling 0 or 1",
        r->path, l[0], l[1], l[2], l[3]);
  s->balance = l[0], s->label_flips = l[1], s->position_bias = l[2];
  s->sampling = l[3] == CUTLAB_STRATIFIED ? CUTLAB_STRATIFIED : CUTLAB_IID;
  s->has_law = true;
  return CUTLAB_OK;
}

static cutlab_status read_drawn(reader *r, cutlab_dataset **dataset, const int8_t *labels,
                                int64_t n) {
  cutlab_array *array;
  int64_t six = 6;
  CUTLAB_TRY(need(r, &array, "world", CUTLAB_FLOAT64, 1, &six));
  const double *world = array->data;
  double variant[variant_count];
  CUTLAB_TRY(read_variant(r, variant));
  double features = world[3], patches = world[4], dimension = world[5];
  if (!(features >= 1 && features <= cutlab_max_features && patches >= 2 && patches <= 64 &&
        dimension >= (variant[1] ? 1 : 2) * features && dimension <= 1e12 && world[0] >= 0 &&
        world[0] < 1 && world[1] >= 0 && isfinite(world[1]) && world[2] >= 0 &&
        isfinite(world[2]) && n >= 1))
    return cutlab_fail(r->context, CUTLAB_ERROR_FORMAT,
                       "%s: member 'world' describes no feature-noise world", r->path);
  CUTLAB_TRY(cutlab_dataset_allocate(r->context, dataset, n, (int64_t)patches, (int64_t)dimension,
                                     (int)features));
  cutlab_dataset *s = *dataset;
  s->alpha = world[0], s->sigma_d = world[1], s->sigma_b = world[2];
  s->signal = variant[0], s->opposite = variant[1] == 1, s->full_noise = variant[2] == 1;
  s->filters = (int)variant[3], s->uniform_weights = variant[4] == 1;
  s->columns = (s->opposite ? 1 : 2) * (int64_t)s->feature_count;
  memcpy(s->labels, labels, (size_t)n);
  s->path = strdup(r->path);
  if (!s->path)
    return cutlab_fail(r->context, CUTLAB_ERROR_MEMORY, "out of memory: path of the data set");
  CUTLAB_TRY(read_law(r, s));
  return read_structure(r, s);
}

cutlab_status cutlab_dataset_read(cutlab_context *context, cutlab_dataset **dataset,
                                  const char *path) {
  *dataset = NULL;
  reader r = {.context = context, .path = path};
  CUTLAB_TRY(cutlab_npz_read(context, &r.arrays, &r.count, path, 0));
  int8_t *labels = NULL;
  int64_t n = 0;
  cutlab_status status = read_labels(&r, &labels, &n);
  if (status == CUTLAB_OK && find(&r, "world")) {
    status = read_drawn(&r, dataset, labels, n);
  } else if (status == CUTLAB_OK) {
    int64_t shape[] = {n, -1, -1};
    cutlab_array *patches;
    status = need(&r, &patches, "patches", CUTLAB_FLOAT64, 3, shape);
    if (status == CUTLAB_OK)
      status = cutlab_dataset_from_patches(context, dataset, patches->data, labels, n,
                                           patches->shape[1], patches->shape[2]);
    if (status == CUTLAB_ERROR_ARGUMENT)
      status = cutlab_fail(context, CUTLAB_ERROR_FORMAT, "%s: %s", path,
                           cutlab_context_message(context));
  }
  if (status != CUTLAB_OK) {
    cutlab_dataset_free(*dataset);
    *dataset = NULL;
  }
  free(labels);
  cutlab_npz_free(r.arrays, r.count);
  return status;
}
