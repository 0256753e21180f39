/* One subset of the CutMix objective: sums over j at nodes, and their interpolation. */
#include "theory/objective_slot.h"

#include <stdlib.h>
#include <string.h>

#include <omp.h>

#include "base/ranks.h"
#include "theory/chebyshev_nodes.h"

/* Products of exponentials stay finite while |A| + |B| is below this; beyond, numbers are taken
   modulo a tile. */
static const double plain_range = 300, tile = 256;

enum { most_rows = 1 << 15 };

void cutlab_slot_sums(const cutlab_pairs *pairs, int s, int64_t g) {
  cutlab_slot *t = &pairs->work->slot[s];
  double *extent = pairs->work->extents + (s * pairs->work->groups + g) * 4;
  int64_t n = pairs->objective->examples, first,
          count = cutlab_part_of(pairs, &first, g, pairs->work->group);
  memset(t->a + first, 0, (size_t)count * sizeof *t->a);
  memset(t->b + first, 0, (size_t)count * sizeof *t->b);
  for (int p = 0; p < pairs->objective->patches; ++p) {
    const double *output = pairs->work->outputs + p * n + first;
    double *sum = (t->subset >> p & 1 ? t->a : t->b) + first;
    for (int64_t i = 0; i < count; ++i) sum[i] += output[i];
  }
  pairs->kernels->extent(&extent[0], &extent[1], t->a + first, count);
  pairs->kernels->extent(&extent[2], &extent[3], t->b + first, count);
}

void cutlab_slot_choose(const cutlab_pairs *pairs, cutlab_slot *t, const double ends[4]) {
  int64_t n = pairs->objective->examples;
  double low = -ends[0], high = ends[1];
  t->middle = (low + high) / 2;
  t->half_width = (high - low) / 2;
  t->range = fmax(ends[2], ends[3]) + fmax(ends[0], ends[1]);
  int64_t q = cutlab_chebyshev_nodes(&t->bound, t->half_width, t->range,
                                     pairs->objective->options.tolerance);
  /* A node costs about a half more than a direct row: its polynomials come on top. */
  t->interpolated = pairs->path == CUTLAB_PATH_CHEBYSHEV ||
                    (pairs->path == CUTLAB_PATH_AUTO && q > 0 && 3 * q < 2 * n);
  t->tiled = t->range > plain_range;
  t->nodes = t->interpolated ? q : n;
  if (!t->interpolated) t->bound = 0;
}

cutlab_status cutlab_slot_reserve(const cutlab_pairs *pairs, cutlab_slot *t) {
  cutlab_context *context = pairs->objective->context;
  if (t->nodes == 0)
    return cutlab_fail(context, CUTLAB_ERROR_NUMERIC,
                       "path chebyshev cannot keep its error below %g: patch outputs spread over "
                       "%.3g; use path=auto",
                       pairs->objective->options.tolerance, 2 * t->half_width);
  if (t->nodes <= t->capacity && (t->square || !t->interpolated)) return CUTLAB_OK;
  const cutlab_cutmix_workspace *w = pairs->work;
  int64_t m = t->interpolated ? t->nodes + 16 : t->nodes, own = w->groups == 1 ? cutlab_strip : 0;
  int64_t polynomials = t->interpolated ? m + w->groups + own : 0;
  free(t->x);
  t->capacity = t->square_nodes = 0;
  t->x = cutlab_allocate(context, m * (4 + w->chunks + polynomials), sizeof *t->x);
  if (!t->x) return CUTLAB_ERROR_MEMORY;
  t->u = t->x + m, t->w = t->u + m, t->h = t->w + m, t->partial = t->h + m;
  t->moments = t->partial + m * w->chunks;
  t->basis = t->moments + m * w->groups;
  t->square = t->interpolated ? t->basis + m * own : NULL;
  t->capacity = m;
  return CUTLAB_OK;
}

/* T_l at the Chebyshev nodes cos(pi (k + 1/2) / q) of [-1, 1], which depend on q alone. */
static void prepare_square(const cutlab_pairs *pairs, cutlab_slot *t) {
  int64_t q = t->nodes;
  if (t->square_nodes == q) return;
  for (int64_t k = 0; k < q; ++k) t->x[k] = cos(M_PI * ((double)k + 0.5) / (double)q);
  pairs->kernels->chebyshev_basis(t->square, q, t->x, q, q);
  t->square_nodes = q;
}

/* T_l at `count` examples from `first` on. */
static const double *prepare_basis(const cutlab_pairs *pairs, const cutlab_slot *t, int64_t first,
                                   int64_t count) {
  bool one = pairs->work->groups == 1;
  double *basis = one ? t->basis : pairs->work->bases + omp_get_thread_num() * pairs->work->base;
  pairs->kernels->chebyshev_basis(basis, cutlab_strip, t->unit + first, count, t->nodes);
  return basis;
}

/* The tile that x lies in: x - tile * tile_of(x) is exact and in [-128, 128]. */
static double tile_of(double x) {
  return nearbyint(x / tile);
}

void cutlab_slot_prepare(const cutlab_pairs *pairs, cutlab_slot *t, int64_t g) {
  static const double ones[cutlab_strip] = {[0 ... cutlab_strip - 1] = 1};
  int64_t begin, size = cutlab_part_of(pairs, &begin, g, pairs->work->group), q = t->nodes;
  for (int64_t j = begin; j < begin + size; ++j) t->v[j] = -t->b[j];
  if (t->tiled) {
    for (int64_t j = begin; j < begin + size; ++j) t->tiles[j] = tile_of(t->b[j]);
    for (int64_t j = begin; j < begin + size; ++j) t->v[j] += tile * t->tiles[j];
  }
  pairs->kernels->exponential(t->v + begin, t->v + begin, size);
  if (!t->interpolated) return;
  double scale = t->half_width > 0 ? 1 / t->half_width : 0;
  double sums[cutlab_max_nodes], *moments = t->moments + g * q;
  for (int64_t i = begin; i < begin + size; ++i) t->unit[i] = (t->a[i] - t->middle) * scale;
  memset(moments, 0, (size_t)q * sizeof *moments);
  for (int64_t first = begin; first < begin + size; first += cutlab_strip) {
    int64_t count = begin + size - first < cutlab_strip ? begin + size - first : cutlab_strip;
    const double *basis = prepare_basis(pairs, t, first, count);
    pairs->kernels->dots(sums, 1, basis, cutlab_strip, q, ones, cutlab_strip, 1, count);
    for (int64_t l = 0; l < q; ++l) moments[l] += sums[l];
  }
}

void cutlab_slot_sum_moments(const cutlab_pairs *pairs, cutlab_slot *t) {
  if (!t->interpolated) return;
  memset(t->h, 0, (size_t)t->nodes * sizeof *t->h);
  for (int64_t g = 0; g < pairs->work->groups; ++g)
    for (int64_t l = 0; l < t->nodes; ++l) t->h[l] += t->moments[g * t->nodes + l];
}

/* x_k = middle + half_width cos(pi (k + 1/2) / q), and w_k = sum_i L_k(A_i) by way of the
   moments sum_i T_l(A_i), which are in `h`. */
static void interpolation_nodes(const cutlab_pairs *pairs, cutlab_slot *t) {
  int64_t q = t->nodes;
  prepare_square(pairs, t);
  t->moment_sum = t->moment_slope = 0;
  for (int64_t l = 0; l < q; ++l) {
    double moment = fabs(t->h[l]) / (double)pairs->objective->total;
    t->moment_sum += moment;
    t->moment_slope += (double)l * moment;
  }
  for (int64_t l = 0; l < q; ++l) t->h[l] *= (l ? 2.0 : 1.0) / (double)q;
  memset(t->w, 0, (size_t)q * sizeof *t->w);
  pairs->kernels->combine(t->w, q, t->h, q, 1, t->square, q, q, q);
  for (int64_t k = 0; k < q; ++k) t->x[k] = t->middle + t->half_width * t->square[q + k];
}

void cutlab_slot_nodes(const cutlab_pairs *pairs, cutlab_slot *t) {
  if (t->interpolated)
    interpolation_nodes(pairs, t);
  else
    memcpy(t->x, t->a, (size_t)t->nodes * sizeof *t->x);
  for (int64_t k = 0; k < t->nodes; ++k) t->u[k] = -t->x[k];
  for (int64_t k = 0; t->tiled && k < t->nodes; ++k) t->u[k] += tile * tile_of(t->x[k]);
  pairs->kernels->exponential(t->u, t->u, t->nodes);
}

/* sigmoid(x + b) = 1 / (1 + u v e^(-256 m)), m the sum of the two tiles. From |m| = 2 on the
   product is 0 or infinite to double precision, as it should: the sigmoid is 1 or 0. */
static void tiled_sums(const cutlab_pairs *pairs, cutlab_slot *t, double *sums,
                       const double *weights, int64_t first, int64_t count) {
  const double up = exp(tile), down = exp(-tile);
  const double *tiles = t->tiles + first, *v = t->v + first;
  double *scaled = t->row + first; /* not yet in use */
  for (int64_t k = 0, end; k < t->nodes; k = end) {
    double own = tile_of(t->x[k]);
    for (end = k + 1; end < t->nodes && tile_of(t->x[end]) == own;) ++end;
    for (int64_t j = 0; j < count; ++j) {
      double m = own + tiles[j];
      double factor = m > 0 ? down : m < 0 ? up : 1;
      double again = m > 1 ? down : m < -1 ? up : 1;
      scaled[j] = v[j] * factor * again;
    }
    pairs->kernels->sigmoid_sums(sums + k, t->column + first, t->u + k,
                                 weights ? weights + k : NULL, end - k, scaled, count);
  }
}

/* Whether log(1 + e^-(x + b)) is summed as logarithms of products of eight, which stay finite. The
   plain sum is left to few examples. */
static bool takes_products(const cutlab_pairs *pairs, const cutlab_slot *t) {
  return t->interpolated && pairs->work->groups > 1 && t->range < 80;
}

/* softplus(x + b) = x + b + log(1 + e^-x e^-b). */
static double product_loss(const cutlab_pairs *pairs, const cutlab_slot *t, int64_t first,
                           int64_t count) {
  double nodes = 0, weights = 0, sum = 0;
  for (int64_t k = 0; k < t->nodes; ++k) nodes += t->w[k] * t->x[k], weights += t->w[k];
  for (int64_t j = first, end = first + count; j < end; j += 32) {
    double part = 0;
    for (int64_t i = j; i < end && i < j + 32; ++i) part += t->b[i];
    sum += part;
  }
  return nodes * (double)count + weights * sum +
         pairs->kernels->log_sum(t->u, t->w, t->nodes, t->v + first, count);
}

/* The rows of a direct sum may be millions: between some of them there is time to ask whether to
   stop. */
static bool goes_on(const cutlab_pairs *pairs, int64_t k, int64_t count) {
  return k == 0 || cutlab_watch_step(pairs->watch, omp_get_thread_num() == 0,
                                     (double)count * (double)most_rows);
}

static void plain_sums(const cutlab_pairs *pairs, cutlab_slot *t, double *sums,
                       const double *weights, int64_t first, int64_t count) {
  for (int64_t k = 0; k < t->nodes && goes_on(pairs, k, count); k += most_rows)
    pairs->kernels->sigmoid_sums(
        sums + k, t->column + first, t->u + k, weights ? weights + k : NULL,
        t->nodes - k < most_rows ? t->nodes - k : most_rows, t->v + first, count);
}

static double plain_loss(const cutlab_pairs *pairs, const cutlab_slot *t, const double *weights,
                         int64_t first, int64_t count) {
  double loss = 0;
  for (int64_t k = 0; k < t->nodes && goes_on(pairs, k, count); k += most_rows)
    loss += pairs->kernels->softplus_sum(t->x + k, weights ? weights + k : NULL,
                                         t->nodes - k < most_rows ? t->nodes - k : most_rows,
                                         t->b + first, count);
  return loss;
}

void cutlab_slot_chunk(const cutlab_pairs *pairs, int s, int64_t c) {
  cutlab_slot *t = &pairs->work->slot[s];
  int64_t first, count = cutlab_part_of(pairs, &first, c, pairs->work->chunk);
  const double *weights = t->interpolated ? t->w : NULL;
  double *sums = t->partial + c * t->nodes;
  if (pairs->gradient) {
    memset(t->column + first, 0, (size_t)count * sizeof *t->column);
    if (t->tiled)
      tiled_sums(pairs, t, sums, weights, first, count);
    else
      plain_sums(pairs, t, sums, weights, first, count);
  }
  if (pairs->want_loss)
    pairs->work->losses[s * (pairs->work->chunks + pairs->work->groups) + c] =
        takes_products(pairs, t) ? product_loss(pairs, t, first, count)
                                 : plain_loss(pairs, t, weights, first, count);
}

void cutlab_slot_sum_rows(const cutlab_pairs *pairs, cutlab_slot *t) {
  double *sums = t->interpolated ? t->h : t->row;
  memset(sums, 0, (size_t)t->nodes * sizeof *sums);
  for (int64_t c = 0; c < pairs->work->chunks; ++c)
    for (int64_t k = 0; k < t->nodes; ++k) sums[k] += t->partial[c * t->nodes + k];
}

/* f(A_i) = sum_l c_l T_l from the values h_k = f(x_k): c_l = (2/q) sum_k h_k T_l(x_k). `w` holds
   the coefficients. */
void cutlab_slot_coefficients(const cutlab_pairs *pairs, cutlab_slot *t) {
  int64_t q = t->nodes;
  if (!t->interpolated) return;
  pairs->kernels->dots(t->w, 1, t->square, q, q, t->h, q, 1, q);
  for (int64_t l = 0; l < q; ++l) t->w[l] *= (l ? 2.0 : 1.0) / (double)q;
}

void cutlab_slot_rows(const cutlab_pairs *pairs, cutlab_slot *t, int64_t g) {
  int64_t begin, size = cutlab_part_of(pairs, &begin, g, pairs->work->group), q = t->nodes;
  if (!t->interpolated) return;
  memset(t->row + begin, 0, (size_t)size * sizeof *t->row);
  for (int64_t first = begin; first < begin + size; first += cutlab_strip) {
    int64_t count = begin + size - first < cutlab_strip ? begin + size - first : cutlab_strip;
    const double *basis =
        pairs->work->groups == 1 ? t->basis : prepare_basis(pairs, t, first, count);
    pairs->kernels->combine(t->row + first, cutlab_strip, t->w, q, 1, basis, cutlab_strip, q,
                            count);
  }
}

/* The loss of the pairs before targets; the first group goes on from it. */
static double softplus_loss(const cutlab_pairs *pairs, int s) {
  double loss = 0;
  for (int64_t c = 0; c < pairs->work->chunks; ++c)
    loss += pairs->work->losses[s * (pairs->work->chunks + pairs->work->groups) + c];
  return loss;
}

/* Subtracts the targets: sum_j (t Y_i + (1-t) Y_j) = t n Y_i + (1-t) n_+ and its mirror image.
   Leaves the loss of the group. */
void cutlab_slot_targets(const cutlab_pairs *pairs, int s, int64_t g) {
  cutlab_slot *t = &pairs->work->slot[s];
  const cutlab_objective *o = pairs->objective;
  double n = (double)o->total, plus = (double)o->positives, share = t->share, loss = 0;
  int64_t begin, size = cutlab_part_of(pairs, &begin, g, pairs->work->group), end = begin + size;
  for (int64_t first = begin; pairs->want_loss && first < end; first += cutlab_strip) {
    double sum = first == 0 ? softplus_loss(pairs, s) : 0;
    for (int64_t i = first; i < end && i < first + cutlab_strip; ++i)
      sum -= t->a[i] * (share * n * o->targets[i] + (1 - share) * plus) +
             t->b[i] * ((1 - share) * n * o->targets[i] + share * plus);
    loss += sum;
  }
  pairs->work->losses[s * (pairs->work->chunks + pairs->work->groups) + pairs->work->chunks + g] =
      loss;
  for (int64_t i = begin; pairs->gradient && i < end; ++i) {
    t->row[i] = t->weight * (t->row[i] - share * n * o->targets[i] - (1 - share) * plus);
    t->column[i] = t->weight * (t->column[i] - (1 - share) * n * o->targets[i] - share * plus);
  }
}

/* Rounding of one slot, worst cases added up (docs/theory.md, "Rounding"): of the arguments
   A + B, of a sigmoid or softplus, and of sums with `depth` (pairs) and `rest` (all else) terms one
   after the other. */
static void bound_rounding(const cutlab_pairs *pairs, const cutlab_slot *t, double *slope,
                           double *loss) {
  const cutlab_cutmix_workspace *w = pairs->work;
  const cutlab_ranks *ranks = cutlab_context_ranks(pairs->objective->context);
  double q = (double)t->nodes, logarithm = 1 + log(q), arguments = pairs->objective->patches + 4;
  int64_t pair_terms = w->chunk / 2 + w->chunks + (ranks ? ranks->count : 0);
  int64_t spared = w->chunk / 16 * 7;
  int64_t other_terms = cutlab_strip + w->group / cutlab_strip + w->groups;
  double depth = q + (double)pair_terms, rest = (double)other_terms;
  /* Products of eight: fewer terms, but larger ones and their linear part. */
  double losses = takes_products(pairs, t) ? 2 * (depth - (double)spared) : depth;
  *slope = arguments * t->range / 2 + 8 + depth + rest;
  *loss = 2 * arguments * t->range + (24 + losses + rest) * (1 + t->range);
  if (!t->interpolated) return;
  /* The coefficients of a function below M in the ellipse of semi-minor axis pi/2 are below
     2 M x^l; T_l errs by 1.5 (l + 1)^2, on average over the nodes by 4 l (1 + log q). Errors at
     the nodes grow by Lebesgue's constant, below 1 + (2/pi) log q. */
  double ratio = M_PI / 2 / fmax(t->half_width, 1e-3);
  double x = 1 / (ratio + sqrt(1 + ratio * ratio));
  double polynomials = 3 * (1 + x) / pow(1 - x, 3) + 2 * rest / (1 - x);
  double weights = 8 * logarithm * t->moment_slope + 2 * q * t->moment_sum;
  *slope += 2 / M_PI * logarithm * depth + polynomials + weights + 6 * q * q * logarithm;
  *loss +=
      (2 / M_PI * logarithm * losses + weights) * (1 + t->range) + polynomials * (6 + t->range);
}

void cutlab_slot_bound(const cutlab_pairs *pairs, const cutlab_slot *t, cutlab_evaluation *e) {
  double slope, loss;
  bound_rounding(pairs, t, &slope, &loss);
  e->slope_error = fmax(e->slope_error, t->bound + cutlab_unit_roundoff * slope);
  e->loss_error = fmax(e->loss_error, t->bound + cutlab_unit_roundoff * loss);
}
