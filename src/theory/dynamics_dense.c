/* Gram form with several filters and few patches: a step as products of small dense matrices. All
   that moves of a filter is one row: its inner products with the N noise rows, then its tail, that
   is the coordinates along the features and the bias. Patches with the same feature are one row.
   With J_rc the coordinates of row r along the tail (1 for the bias), own_r = 1 for noise,
     <w_f, x_r>  = own_r state_fr + sum_c J_rc tail_fc
     gradient_f  = sum_r pull_fr (G_r, J_r)
     |gradient|^2 = sum over noise of pull times gradient, over the tail of its square. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "theory/simulation_internal.h"

enum { most_rows = 64, pad = 8 };

/* A feature, or its opposite, and the patches that are nothing else. */
typedef struct alike {
  int64_t first, count; /* among the coefficients of feature patches; padded */
} alike;

struct cutlab_dense {
  cutlab_dense_filters filters;
  double *sums, *ones, *slopes, *each; /* [width]; each: [stride], dLoss/da of single patches */
  int64_t *row;                        /* [nP] */
  int64_t *place;                      /* [nP]: of its coefficient */
  alike *alike;
  int64_t alike_count, stride;
  double *coefficients; /* [F][stride]: those of feature patches, by feature */
};

static int64_t padded(int64_t count) {
  return (count + pad - 1) / pad * pad;
}

/* Which feature a patch without noise has: 2 column + (is it the opposite?). */
static int64_t feature_of(const cutlab_simulation *s, int64_t ip) {
  double coefficient = 0;
  int64_t patches = s->data->patches;
  int64_t column = cutlab_dataset_feature(s->data, ip / patches, ip % patches, &coefficient);
  return 2 * column + (coefficient < 0);
}

/* Rows and places of all patches: noise first, then feature by feature. */
static void arrange(cutlab_dense *d, const cutlab_simulation *s) {
  int64_t n = s->data->noise_rows;
  for (int64_t ip = 0; ip < s->patch_count; ++ip)
    d->row[ip] = d->place[ip] = s->data->noise_row[ip];
  for (int64_t v = 0; v < 2 * s->data->columns; ++v) {
    alike *a = &d->alike[d->alike_count];
    *a = (alike){.first = d->stride};
    for (int64_t ip = 0; ip < s->patch_count; ++ip) {
      if (s->data->noise_row[ip] >= 0 || feature_of(s, ip) != v) continue;
      d->row[ip] = n + d->alike_count;
      d->place[ip] = a->first + a->count++;
    }
    a->count = padded(a->count);
    d->stride += a->count;
    d->alike_count += a->count > 0;
  }
}

static cutlab_status allocate(cutlab_dense *d, const cutlab_simulation *s) {
  cutlab_context *c = s->context;
  cutlab_dense_filters *q = &d->filters;
  int64_t all = q->count * q->width;
  q->state = cutlab_allocate(c, all, sizeof(double));
  q->inner = cutlab_allocate(c, all, sizeof(double));
  q->slopes = cutlab_allocate(c, all, sizeof(double));
  q->pulls = cutlab_allocate(c, all, sizeof(double));
  q->next = cutlab_allocate(c, all, sizeof(double));
  q->coefficients = cutlab_allocate(c, all, sizeof(double));
  q->own = cutlab_allocate(c, q->width, sizeof(double));
  q->along = cutlab_allocate(c, q->tail * q->width, sizeof(double));
  q->matrix = cutlab_allocate(c, q->rows * q->width, sizeof(double));
  d->sums = cutlab_allocate(c, q->width, sizeof(double));
  d->ones = cutlab_allocate(c, q->width, sizeof(double));
  d->slopes = cutlab_allocate(c, q->width, sizeof(double));
  d->each = cutlab_allocate(c, d->stride, sizeof(double));
  d->coefficients = cutlab_allocate(c, q->count * d->stride, sizeof(double));
  bool ready = q->state && q->inner && q->slopes && q->pulls && q->next && q->coefficients &&
               q->own && q->along && q->matrix && d->sums && d->ones && d->slopes && d->each &&
               d->coefficients;
  return ready ? CUTLAB_OK : CUTLAB_ERROR_MEMORY;
}

static void fill(cutlab_dense *d, const cutlab_simulation *s) {
  const cutlab_dense_filters *q = &d->filters;
  int64_t n = q->noise, bias = s->data->columns;
  for (int64_t l = 0; l < q->width; ++l) {
    q->own[l] = l < n;
    d->ones[l] = 1;
  }
  for (int64_t e = 0; e < s->entry_count; ++e) /* the same again for patches alike */
    q->along[s->entries[e].column * q->width + d->row[s->entries[e].patch]] =
        s->entries[e].coefficient;
  for (int64_t r = 0; r < q->rows; ++r) {
    double *row = q->matrix + r * q->width;
    if (q->tail > bias) q->along[bias * q->width + r] = 1;
    if (r < n) memcpy(row, s->gram + r * (n + s->filter_count), (size_t)n * sizeof *row);
    for (int64_t t = 0; t < q->tail; ++t) row[n + t] = q->along[t * q->width + r];
  }
}

cutlab_status cutlab_dense_create(cutlab_simulation *s) {
  int64_t n = s->data->noise_rows, columns = s->data->columns;
  if (s->filter_count == 2 || s->mixup || n + 2 * columns + 1 > most_rows) return CUTLAB_OK;
  cutlab_dense *d = s->dense = cutlab_allocate(s->context, 1, sizeof *d);
  if (!d) return CUTLAB_ERROR_MEMORY;
  d->row = cutlab_allocate(s->context, s->patch_count, sizeof *d->row);
  d->place = cutlab_allocate(s->context, s->patch_count, sizeof *d->place);
  d->alike = cutlab_allocate(s->context, 2 * columns + 1, sizeof *d->alike);
  if (!d->row || !d->place || !d->alike) return CUTLAB_ERROR_MEMORY;
  arrange(d, s);
  int64_t rows = n + d->alike_count, tail = columns + (s->experiment.bias ? 1 : 0);
  d->filters = (cutlab_dense_filters){.count = s->filter_count, .noise = n, .rows = rows};
  d->filters.tail = tail;
  d->filters.width = padded(rows > n + tail ? rows : n + tail);
  CUTLAB_TRY(allocate(d, s));
  fill(d, s);
  return CUTLAB_OK;
}

void cutlab_dense_free(cutlab_dense *d) {
  if (!d) return;
  cutlab_dense_filters *q = &d->filters;
  double *arrays[] = {q->state,        q->inner,  q->slopes, q->pulls,       q->next,
                      q->coefficients, q->own,    q->along,  q->matrix,      d->sums,
                      d->ones,         d->slopes, d->each,   d->coefficients};
  for (size_t i = 0; i < sizeof arrays / sizeof *arrays; ++i) free(arrays[i]);
  free(d->row);
  free(d->place);
  free(d->alike);
  free(d);
}

/* Where the coefficient of a patch is kept. */
static double *coefficient_at(const cutlab_dense *d, int64_t f, int64_t ip) {
  bool noise = d->row[ip] < d->filters.noise;
  return noise ? d->filters.coefficients + f * d->filters.width + d->place[ip]
               : d->coefficients + f * d->stride + d->place[ip];
}

void cutlab_dense_load(cutlab_simulation *s) {
  cutlab_dense *d = s->dense;
  int64_t n = d->filters.noise, columns = s->data->columns;
  for (int64_t f = 0; f < s->filter_count; ++f) {
    double *row = d->filters.state + f * d->filters.width;
    memcpy(row, s->noise_inner + f * n, (size_t)n * sizeof *row);
    memcpy(row + n, s->coordinates + f * columns, (size_t)columns * sizeof *row);
    if (s->experiment.bias) row[n + columns] = s->biases[f];
    for (int64_t ip = 0; ip < s->patch_count; ++ip)
      *coefficient_at(d, f, ip) = s->coefficients[f * s->patch_count + ip];
  }
}

void cutlab_dense_save(cutlab_simulation *s) {
  const cutlab_dense *d = s->dense;
  int64_t n = d->filters.noise, columns = s->data->columns;
  for (int64_t f = 0; f < s->filter_count; ++f) {
    const double *row = d->filters.state + f * d->filters.width;
    memcpy(s->noise_inner + f * n, row, (size_t)n * sizeof *row);
    memcpy(s->coordinates + f * columns, row + n, (size_t)columns * sizeof *row);
    if (s->experiment.bias) s->biases[f] = row[n + columns];
    for (int64_t ip = 0; ip < s->patch_count; ++ip)
      s->coefficients[f * s->patch_count + ip] = *coefficient_at(d, f, ip);
  }
}

/* Any activation, filter by filter. */
static void activate(cutlab_simulation *s) {
  cutlab_dense *d = s->dense;
  const cutlab_dense_filters *q = &d->filters;
  for (int f = 0; f < s->filter_count; ++f) {
    double sign = cutlab_filter_sign(s, f);
    const double *inner = q->inner + f * q->width;
    cutlab_activate_all(s->activation, d->sums, sign, inner, q->width, f == 0);
    cutlab_activate_slopes(s->activation, q->slopes + f * q->width, d->ones, sign, inner, q->width);
  }
}

void cutlab_dense_forward(cutlab_simulation *s) {
  cutlab_dense *d = s->dense;
  const cutlab_kernels *kernels = cutlab_context_kernels(s->context);
  double leak;
  if (cutlab_activation_is_leaky(s->activation, &leak)) {
    kernels->dense_leaky(&d->filters, d->sums, leak);
  } else {
    kernels->dense_inner(&d->filters);
    activate(s);
  }
  for (int64_t ip = 0; ip < s->patch_count; ++ip) s->outputs[ip] = d->sums[d->row[ip]];
}

/* The coefficients of feature patches, which nothing but the state of the training needs. */
static void move_alike(cutlab_dense *d, const cutlab_kernels *kernels) {
  const cutlab_dense_filters *q = &d->filters;
  for (int64_t a = 0; a < d->alike_count; ++a)
    kernels->combine(d->coefficients + d->alike[a].first, d->stride, q->slopes + q->noise + a,
                     q->width, q->count, d->each + d->alike[a].first, 0, 1, d->alike[a].count);
}

double cutlab_dense_descend(cutlab_simulation *s, double rate) {
  cutlab_dense *d = s->dense;
  const cutlab_kernels *kernels = cutlab_context_kernels(s->context);
  cutlab_dense_filters *q = &d->filters;
  memset(d->slopes, 0, (size_t)q->width * sizeof *d->slopes);
  for (int64_t ip = 0; ip < s->patch_count; ++ip) {
    d->slopes[d->row[ip]] += s->slopes[ip];
    if (d->row[ip] >= q->noise) d->each[d->place[ip]] = -rate * s->slopes[ip];
  }
  double norm = sqrt(fmax(0, kernels->dense_descend(q, d->slopes, rate)));
  if (!isfinite(norm)) return norm;
  double *state = q->state;
  q->state = q->next, q->next = state;
  move_alike(d, kernels);
  return norm;
}
