/* The exact CutMix objective, fast. With Y = (1 + y) / 2 the loss of a mixed pair is
   softplus(f) - (t Y_i + (1 - t) Y_j) f, t = |S| / P, so that its derivative needs one sigmoid
   whatever the labels are. (i, j, S) and (j, i, complement of S) are the same term: half of the
   subsets suffice, and |S| = 0, P need no pairs. For a subset, A_i = sum_{p in S} a_ip and
   B_j = sum_{p not in S} a_jp; what is needed are the sums of sigmoid(A_i + B_j) over j and
   over i. Both come from one loop over nodes x_k with weights w_k:
     direct     the nodes are the A_i themselves, w = 1;
     Chebyshev  sigmoid(A + B_j) is interpolated in A on q nodes: sum_i f(A_i) = sum_k w_k f(x_k)
                with w_k = sum_i L_k(A_i), and f(A_i) = sum_k L_k(A_i) f(x_k). */
#include <stdlib.h>
#include <string.h>

#include "theory/chebyshev_nodes.h"
#include "theory/objective_internal.h"

/* Products of exponentials stay finite while |A| + |B| is below this; beyond, numbers are taken
   modulo a tile. */
static const double plain_range = 300, tile = 256;

enum { max_slots = 32, max_chunks = 64, min_chunk = 128, basis_strip = 384 };

/* One subset at work. */
typedef struct slot {
  uint32_t subset;
  double weight, share;                            /* weight of each pair in the loss; t */
  double *a, *b, *unit, *v, *tiles, *row, *column; /* [n] each: A, B, A scaled to [-1, 1], exp(-B),
                                                     tiles of B, sums */
  double middle, half_width;                       /* of the range of A */
  double bound;
  int64_t nodes;
  bool interpolated, tiled;
  int64_t capacity;      /* of the arrays below */
  double *x, *u, *w, *h; /* [nodes]: nodes, exp(-x), weights, sums over j */
  double *partial;       /* [chunks][nodes] */
  double *basis;         /* [nodes][basis_strip]: T_l at examples; NULL until interpolated */
  double *square;        /* [nodes][nodes]: T_l at the nodes of [-1, 1], made for */
  int64_t square_nodes;  /* this many */
  double losses[max_chunks];
} slot;

struct cutlab_cutmix_workspace {
  int slots;
  int64_t chunk, chunks;
  double *outputs, *gradient; /* [P][n] */
  slot slot[max_slots];
};

/* What one call works on. */
typedef struct cutmix_job {
  cutlab_objective *objective;
  const cutlab_kernels *kernels;
  bool gradient, want_loss; /* what is wanted */
  cutlab_path path;
} cutmix_job;

void cutlab_cutmix_workspace_free(cutlab_cutmix_workspace *workspace) {
  if (!workspace) return;
  for (int s = 0; s < workspace->slots; ++s) {
    free(workspace->slot[s].a);
    free(workspace->slot[s].x);
  }
  free(workspace->outputs);
  free(workspace);
}

/* Chunks depend on n alone, so that sums do not depend on the number of threads. */
static cutlab_status workspace_create(cutlab_objective *objective) {
  int64_t n = objective->examples;
  cutlab_cutmix_workspace *w = cutlab_allocate(objective->context, 1, sizeof *w);
  if (!w) return CUTLAB_ERROR_MEMORY;
  objective->workspace = w;
  w->chunk = (n + max_chunks - 1) / max_chunks;
  if (w->chunk < min_chunk) w->chunk = min_chunk;
  w->chunks = (n + w->chunk - 1) / w->chunk;
  w->outputs = cutlab_allocate(objective->context, 2 * n * objective->patches, sizeof *w->outputs);
  if (!w->outputs) return CUTLAB_ERROR_MEMORY;
  w->gradient = w->outputs + n * objective->patches;
  int64_t subsets = (1ll << (objective->patches - 1)) - 1;
  w->slots = subsets < max_slots ? (int)subsets : max_slots;
  for (int s = 0; s < w->slots; ++s) {
    slot *t = &w->slot[s];
    t->a = cutlab_allocate(objective->context, 7 * n, sizeof *t->a);
    if (!t->a) return CUTLAB_ERROR_MEMORY;
    t->b = t->a + n, t->unit = t->b + n, t->v = t->unit + n;
    t->tiles = t->v + n, t->row = t->tiles + n, t->column = t->row + n;
  }
  return CUTLAB_OK;
}

static void slot_sums(const cutmix_job *job, slot *t) {
  int64_t n = job->objective->examples;
  double low, high, reach_low, reach_high;
  memset(t->a, 0, (size_t)(2 * n) * sizeof *t->a);
  for (int p = 0; p < job->objective->patches; ++p) {
    const double *output = job->objective->workspace->outputs + p * n;
    double *sum = t->subset >> p & 1 ? t->a : t->b;
    for (int64_t i = 0; i < n; ++i) sum[i] += output[i];
  }
  job->kernels->extent(&low, &high, t->a, n);
  job->kernels->extent(&reach_low, &reach_high, t->b, n);
  t->middle = (low + high) / 2;
  t->half_width = (high - low) / 2;
  double range = fmax(-reach_low, reach_high) + fmax(-low, high);
  int64_t q =
      cutlab_chebyshev_nodes(&t->bound, t->half_width, range, job->objective->options.tolerance);
  /* A node costs about a half more than a direct row: its polynomials come on top. */
  t->interpolated = job->path == CUTLAB_PATH_CHEBYSHEV ||
                    (job->path == CUTLAB_PATH_AUTO && q > 0 && 3 * q < 2 * n);
  t->tiled = range > plain_range;
  t->nodes = t->interpolated ? q : n;
  if (!t->interpolated) t->bound = 0;
}

static cutlab_status slot_reserve(const cutmix_job *job, slot *t) {
  cutlab_context *context = job->objective->context;
  if (t->nodes == 0)
    return cutlab_fail(context, CUTLAB_ERROR_NUMERIC,
                       "path chebyshev cannot keep its error below %g: patch outputs spread over "
                       "%.3g; use path=auto",
                       job->objective->options.tolerance, 2 * t->half_width);
  if (t->nodes <= t->capacity && (t->basis || !t->interpolated)) return CUTLAB_OK;
  int64_t m = t->interpolated ? t->nodes + 16 : t->nodes,
          chunks = job->objective->workspace->chunks;
  int64_t polynomials = t->interpolated ? m + basis_strip : 0;
  free(t->x);
  t->capacity = t->square_nodes = 0;
  t->x = cutlab_allocate(context, m * (4 + chunks + polynomials), sizeof *t->x);
  if (!t->x) return CUTLAB_ERROR_MEMORY;
  t->u = t->x + m, t->w = t->u + m, t->h = t->w + m, t->partial = t->h + m;
  t->basis = t->interpolated ? t->partial + m * chunks : NULL;
  t->square = t->basis ? t->basis + m * basis_strip : NULL;
  t->capacity = m;
  return CUTLAB_OK;
}

/* T_l at the Chebyshev nodes cos(pi (k + 1/2) / q) of [-1, 1], which depend on q alone. */
static void prepare_square(const cutmix_job *job, slot *t) {
  int64_t q = t->nodes;
  if (t->square_nodes == q) return;
  for (int64_t k = 0; k < q; ++k) t->x[k] = cos(M_PI * ((double)k + 0.5) / (double)q);
  job->kernels->chebyshev_basis(t->square, q, t->x, q, q);
  t->square_nodes = q;
}

/* T_l at `count` examples from `first` on. A data set of one strip keeps them. */
static void prepare_basis(const cutmix_job *job, slot *t, int64_t first, int64_t count) {
  job->kernels->chebyshev_basis(t->basis, basis_strip, t->unit + first, count, t->nodes);
}

/* x_k = middle + half_width cos(pi (k + 1/2) / q), and w_k = sum_i L_k(A_i) by way of the
   moments sum_i T_l(A_i). `h` and `u` hold moments meanwhile. */
static void interpolation_nodes(const cutmix_job *job, slot *t) {
  static const double ones[basis_strip] = {[0 ... basis_strip - 1] = 1};
  int64_t n = job->objective->examples, q = t->nodes;
  double scale = t->half_width > 0 ? 1 / t->half_width : 0;
  for (int64_t i = 0; i < n; ++i) t->unit[i] = (t->a[i] - t->middle) * scale;
  memset(t->h, 0, (size_t)q * sizeof *t->h);
  for (int64_t first = 0; first < n; first += basis_strip) {
    int64_t count = n - first < basis_strip ? n - first : basis_strip;
    prepare_basis(job, t, first, count);
    job->kernels->dots(t->u, 1, t->basis, basis_strip, q, ones, basis_strip, 1, count);
    for (int64_t l = 0; l < q; ++l) t->h[l] += t->u[l];
  }
  prepare_square(job, t);
  for (int64_t l = 0; l < q; ++l) t->h[l] *= (l ? 2.0 : 1.0) / (double)q;
  memset(t->w, 0, (size_t)q * sizeof *t->w);
  job->kernels->combine(t->w, q, t->h, q, 1, t->square, q, q, q);
  for (int64_t k = 0; k < q; ++k) t->x[k] = t->middle + t->half_width * t->square[q + k];
}

/* The tile that x lies in: x - tile * tile_of(x) is exact and in [-128, 128]. */
static double tile_of(double x) {
  return nearbyint(x / tile);
}

static void slot_nodes(const cutmix_job *job, slot *t) {
  int64_t n = job->objective->examples;
  if (t->interpolated)
    interpolation_nodes(job, t);
  else
    memcpy(t->x, t->a, (size_t)n * sizeof *t->x);
  for (int64_t k = 0; k < t->nodes; ++k) t->u[k] = -t->x[k];
  for (int64_t j = 0; j < n; ++j) t->v[j] = -t->b[j];
  if (t->tiled) {
    for (int64_t k = 0; k < t->nodes; ++k) t->u[k] += tile * tile_of(t->x[k]);
    for (int64_t j = 0; j < n; ++j) t->tiles[j] = tile_of(t->b[j]);
    for (int64_t j = 0; j < n; ++j) t->v[j] += tile * t->tiles[j];
  }
  job->kernels->exponential(t->u, t->u, t->nodes);
  job->kernels->exponential(t->v, t->v, n);
}

/* sigmoid(x + b) = 1 / (1 + u v e^(-256 m)), m the sum of the two tiles. From |m| = 2 on the
   product is 0 or infinite to double precision, as it should: the sigmoid is 1 or 0. */
static void tiled_sums(const cutmix_job *job, slot *t, double *sums, const double *weights,
                       int64_t first, int64_t count) {
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
    job->kernels->sigmoid_sums(sums + k, t->column + first, t->u + k, weights ? weights + k : NULL,
                               end - k, scaled, count);
  }
}

static void slot_chunk(const cutmix_job *job, slot *t, int64_t c) {
  const cutlab_cutmix_workspace *w = job->objective->workspace;
  int64_t first = c * w->chunk, n = job->objective->examples;
  int64_t count = n - first < w->chunk ? n - first : w->chunk;
  const double *weights = t->interpolated ? t->w : NULL;
  double *sums = t->partial + c * t->nodes;
  if (job->gradient) {
    memset(t->column + first, 0, (size_t)count * sizeof *t->column);
    if (t->tiled)
      tiled_sums(job, t, sums, weights, first, count);
    else
      job->kernels->sigmoid_sums(sums, t->column + first, t->u, weights, t->nodes, t->v + first,
                                 count);
  }
  if (job->want_loss)
    t->losses[c] = job->kernels->softplus_sum(t->x, weights, t->nodes, t->b + first, count);
}

/* f(A_i) = sum_l c_l T_l from the values h_k = f(x_k): c_l = (2/q) sum_k h_k T_l(x_k). `w` holds
   the coefficients. */
static void interpolate_rows(const cutmix_job *job, slot *t) {
  int64_t n = job->objective->examples, q = t->nodes;
  job->kernels->dots(t->w, 1, t->square, q, q, t->h, q, 1, q);
  for (int64_t l = 0; l < q; ++l) t->w[l] *= (l ? 2.0 : 1.0) / (double)q;
  memset(t->row, 0, (size_t)n * sizeof *t->row);
  for (int64_t first = 0; first < n; first += basis_strip) {
    int64_t count = n - first < basis_strip ? n - first : basis_strip;
    if (n > basis_strip) prepare_basis(job, t, first, count);
    job->kernels->combine(t->row + first, basis_strip, t->w, q, 1, t->basis, basis_strip, q, count);
  }
}

static void slot_rows(const cutmix_job *job, slot *t) {
  int64_t chunks = job->objective->workspace->chunks;
  double *sums = t->interpolated ? t->h : t->row;
  memset(sums, 0, (size_t)t->nodes * sizeof *sums);
  for (int64_t c = 0; c < chunks; ++c)
    for (int64_t k = 0; k < t->nodes; ++k) sums[k] += t->partial[c * t->nodes + k];
  if (t->interpolated) interpolate_rows(job, t);
}

/* Subtracts the targets: sum_j (t Y_i + (1-t) Y_j) = t n Y_i + (1-t) n_+ and its mirror image.
   Returns the loss of the subset's pairs. */
static double slot_targets(const cutmix_job *job, slot *t) {
  const cutlab_objective *o = job->objective;
  double n = (double)o->examples, plus = (double)o->positives, share = t->share, loss = 0;
  for (int64_t c = 0; job->want_loss && c < o->workspace->chunks; ++c) loss += t->losses[c];
  for (int64_t i = 0; job->want_loss && i < o->examples; ++i)
    loss -= t->a[i] * (share * n * o->targets[i] + (1 - share) * plus) +
            t->b[i] * ((1 - share) * n * o->targets[i] + share * plus);
  for (int64_t i = 0; job->gradient && i < o->examples; ++i) {
    t->row[i] = t->weight * (t->row[i] - share * n * o->targets[i] - (1 - share) * plus);
    t->column[i] = t->weight * (t->column[i] - (1 - share) * n * o->targets[i] - share * plus);
  }
  return t->weight * loss;
}

static void add_gradient(const cutmix_job *job, int slots, int64_t first, int64_t count) {
  const cutlab_cutmix_workspace *w = job->objective->workspace;
  for (int s = 0; s < slots; ++s)
    for (int p = 0; p < job->objective->patches; ++p) {
      const slot *t = &w->slot[s];
      const double *part = (t->subset >> p & 1 ? t->row : t->column) + first;
      double *gradient = w->gradient + p * job->objective->examples + first;
      for (int64_t i = 0; i < count; ++i) gradient[i] += part[i];
    }
}

/* All pairs of the subsets in the first `slots` slots. */
static cutlab_status run_slots(const cutmix_job *job, int slots, double *loss) {
  cutlab_cutmix_workspace *w = job->objective->workspace;
  int threads = cutlab_context_threads(job->objective->context);
  int64_t tasks = slots * w->chunks;
#pragma omp parallel for num_threads(threads) if (threads > 1)
  for (int s = 0; s < slots; ++s) slot_sums(job, &w->slot[s]);
  for (int s = 0; s < slots; ++s) CUTLAB_TRY(slot_reserve(job, &w->slot[s]));
  double losses[max_slots];
#pragma omp parallel num_threads(threads) if (threads > 1)
  {
#pragma omp for
    for (int s = 0; s < slots; ++s) slot_nodes(job, &w->slot[s]);
#pragma omp for
    for (int64_t k = 0; k < tasks; ++k) slot_chunk(job, &w->slot[k / w->chunks], k % w->chunks);
#pragma omp for
    for (int s = 0; s < slots; ++s) {
      if (job->gradient) slot_rows(job, &w->slot[s]);
      losses[s] = slot_targets(job, &w->slot[s]);
    }
    if (job->gradient) {
#pragma omp for
      for (int64_t c = 0; c < w->chunks; ++c) {
        int64_t first = c * w->chunk, left = job->objective->examples - first;
        add_gradient(job, slots, first, left < w->chunk ? left : w->chunk);
      }
    }
  }
  for (int s = 0; s < slots; ++s) *loss += losses[s];
  return CUTLAB_OK;
}

/* |S| = 0 and |S| = P: the plain examples, together 2 / (P + 1) times the ERM objective. */
static double whole_examples(const cutmix_job *job) {
  const cutlab_objective *o = job->objective;
  const cutlab_cutmix_workspace *w = o->workspace;
  int64_t n = o->examples;
  double weight = 2 / ((double)(o->patches + 1) * (double)n), loss = 0;
  const slot *t = &w->slot[0];
  memset(t->a, 0, (size_t)n * sizeof *t->a);
  for (int p = 0; p < o->patches; ++p)
    for (int64_t i = 0; i < n; ++i) t->a[i] += w->outputs[p * n + i];
  job->kernels->sigmoid(t->row, job->want_loss ? t->column : NULL, t->a, n);
  for (int64_t i = 0; job->want_loss && i < n; ++i) loss += t->column[i] - o->targets[i] * t->a[i];
  for (int64_t i = 0; i < n; ++i) t->row[i] = weight * (t->row[i] - o->targets[i]);
  for (int p = 0; p < o->patches; ++p)
    memcpy(w->gradient + p * n, t->row, (size_t)n * sizeof *t->row);
  return weight * loss;
}

/* [n][P] to [P][n] and back: loops over examples are contiguous inside. */
static void transpose(double *to, const double *from, int64_t rows, int64_t columns) {
  for (int64_t c = 0; c < columns; ++c)
    for (int64_t r = 0; r < rows; ++r) to[c * rows + r] = from[r * columns + c];
}

static void note(const cutlab_objective *o, int slots, cutlab_objective_report *report) {
  for (int s = 0; s < slots; ++s) {
    const slot *t = &o->workspace->slot[s];
    report->terms += t->nodes * o->examples;
    if (!t->interpolated) continue;
    report->path = CUTLAB_PATH_CHEBYSHEV;
    if (t->nodes > report->nodes) report->nodes = (int)t->nodes;
    report->error_bound = fmax(report->error_bound, t->bound);
  }
}

cutlab_status cutlab_fast_cutmix(cutlab_objective *objective, double *loss, double *gradient,
                                 cutlab_objective_report *report, const double *outputs,
                                 cutlab_path path) {
  if (!objective->workspace) CUTLAB_TRY(workspace_create(objective));
  cutmix_job job = {objective, cutlab_context_kernels(objective->context), gradient != NULL,
                    loss != NULL, path};
  int patches = objective->patches, slots = 0;
  double n = (double)objective->examples;
  transpose(objective->workspace->outputs, outputs, objective->examples, patches);
  double total = whole_examples(&job);
  /* Odd masks hold patch 0: one of each complementary pair. Of the two, the smaller is taken: its
     sums spread less and need fewer nodes. */
  uint32_t all = (1u << patches) - 1, last = all - 2;
  for (uint32_t odd = 1; odd <= last; odd += 2) {
    uint32_t subset = 2 * __builtin_popcount(odd) > patches ? all & ~odd : odd;
    int size = __builtin_popcount(subset);
    slot *t = &objective->workspace->slot[slots++];
    t->subset = subset;
    t->share = (double)size / patches;
    t->weight = 2 / (n * n * (patches + 1) * cutlab_binomial(patches, size));
    if (slots < objective->workspace->slots && odd < last) continue;
    CUTLAB_TRY(run_slots(&job, slots, &total));
    note(objective, slots, report);
    slots = 0;
  }
  if (loss) *loss = total;
  if (gradient) transpose(gradient, objective->workspace->gradient, patches, objective->examples);
  return CUTLAB_OK;
}
