/* Data sets as .npz files; docs/file-formats.md lists the members. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cutlab/array.h>

#include "data/dataset_internal.h"

enum { max_members = 9 };

static cutlab_array member(const char *name, cutlab_dtype dtype, void *data, int rank, int64_t a,
                           int64_t b, int64_t c) {
  cutlab_array array = {.dtype = dtype, .rank = rank, .shape = {a, b, c}, .data = data};
  strncpy(array.name, name, sizeof array.name - 1);
  return array;
}

cutlab_status cutlab_dataset_write(cutlab_context *context, const char *path,
                                   const cutlab_dataset *dataset) {
  const cutlab_dataset *s = dataset;
  int64_t n = s->examples, m = s->noise_rows + cutlab_filters;
  double world[] = {s->alpha,           s->sigma_d,          s->sigma_b, (double)s->feature_count,
                    (double)s->patches, (double)s->dimension};
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
  if (s->feature_count) {
    arrays[count++] = member("world", CUTLAB_FLOAT64, world, 1, 6, 0, 0);
    arrays[count++] = member("feature_index", CUTLAB_INT32, s->feature_indices, 1, n, 0, 0);
    arrays[count++] = member("feature_position", CUTLAB_INT32, s->feature_positions, 1, n, 0, 0);
    arrays[count++] = member("dominant_position", CUTLAB_INT32, s->dominant_positions, 1, n, 0, 0);
    arrays[count++] = member("dominant_sign", CUTLAB_INT8, s->dominant_signs, 1, n, 0, 0);
  }
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

/* The members of a drawn data set, apart from labels. */
static cutlab_status read_structure(reader *r, cutlab_dataset *s) {
  int64_t n = s->examples;
  CUTLAB_TRY(copy_int32(r, s->feature_indices, "feature_index", n, s->feature_count));
  CUTLAB_TRY(copy_int32(r, s->feature_positions, "feature_position", n, s->patches));
  CUTLAB_TRY(copy_int32(r, s->dominant_positions, "dominant_position", n, s->patches));
  cutlab_array *array;
  CUTLAB_TRY(need(r, &array, "dominant_sign", CUTLAB_INT8, 1, &n));
  memcpy(s->dominant_signs, array->data, (size_t)n);
  for (int64_t i = 0; i < n; ++i)
    if (s->feature_positions[i] == s->dominant_positions[i])
      return cutlab_fail(r->context, CUTLAB_ERROR_FORMAT,
                         "%s: example %lld has feature and dominant noise in patch %d", r->path,
                         (long long)i, s->feature_positions[i]);
  for (int64_t i = 0; i < n; ++i)
    if (s->dominant_signs[i] != 1 && s->dominant_signs[i] != -1)
      return cutlab_fail(r->context, CUTLAB_ERROR_FORMAT,
                         "%s: dominant_sign of example %lld is %d; accepted: +1 and -1", r->path,
                         (long long)i, s->dominant_signs[i]);
  cutlab_dataset_index(s);
  int64_t m = s->noise_rows + cutlab_filters, patch_shape[] = {n, s->patches, s->dimension};
  bool held = find(r, "patches") != NULL;
  s->form = held ? CUTLAB_FORM_HELD : CUTLAB_FORM_WISHART;
  int64_t gram_shape[] = {m, m};
  CUTLAB_TRY(held ? need(r, &array, "patches", CUTLAB_FLOAT64, 3, patch_shape)
                  : need(r, &array, "gram", CUTLAB_FLOAT64, 2, gram_shape));
  for (int64_t i = 0; i < cutlab_array_count(array); ++i)
    if (!isfinite(((const double *)array->data)[i]))
      return cutlab_fail(r->context, CUTLAB_ERROR_FORMAT,
                         "%s: member '%s' holds a number that is not finite", r->path, array->name);
  *(held ? &s->patch_data : &s->gram) = array->data;
  array->data = NULL;
  return CUTLAB_OK;
}

static cutlab_status read_drawn(reader *r, cutlab_dataset **dataset, const int8_t *labels,
                                int64_t n) {
  cutlab_array *array;
  int64_t six = 6;
  CUTLAB_TRY(need(r, &array, "world", CUTLAB_FLOAT64, 1, &six));
  const double *world = array->data;
  double features = world[3], patches = world[4], dimension = world[5];
  if (!(features >= 1 && features <= cutlab_max_features && patches >= 2 && patches <= 20 &&
        dimension >= 2 * features && dimension <= 1e12 && world[0] >= 0 && world[0] < 1 &&
        world[1] >= 0 && isfinite(world[1]) && world[2] >= 0 && isfinite(world[2]) && n >= 1))
    return cutlab_fail(r->context, CUTLAB_ERROR_FORMAT,
                       "%s: member 'world' describes no feature-noise world", r->path);
  CUTLAB_TRY(cutlab_dataset_allocate(r->context, dataset, n, (int64_t)patches, (int64_t)dimension,
                                     (int)features));
  cutlab_dataset *s = *dataset;
  s->alpha = world[0], s->sigma_d = world[1], s->sigma_b = world[2];
  memcpy(s->labels, labels, (size_t)n);
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
