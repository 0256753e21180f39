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

enum { max_slots = 32, max_chunks = 64, min_chunk = 256, basis_strip = 64 };

/* One subset at work. */
typedef struct slot {
  uint32_t subset;
  double weight, share;             /* weight of each pair in the loss; t */
  double *a, *b, *v, *row, *column; /* [n] each: A, B, exp(-B), the two sums */
  double middle, half_width;        /* of the range of A */
  double bound;
  int64_t nodes;
  bool interpolated;
  int64_t capacity;      /* of the arrays below */
  double *x, *u, *w, *h; /* [nodes]: nodes, exp(-x), weights, sums over j */
  double *partial;       /* [chunks][nodes] */
  double *basis;         /* [nodes][max(nodes, basis_strip)]; NULL until interpolated */
  double losses[max_chunks];
} slot;

struct cutlab_cutmix_workspace {
  int slots;
  int64_t chunk, chunks;
  slot slot[max_slots];
};

/* What one call works on. */
typedef struct cutmix_job {
  cutlab_objective *objective;
  const cutlab_kernels *kernels;
  const double *outputs;
  double *gradient;
  bool want_loss;
  cutlab_path path;
} cutmix_job;

void cutlab_cutmix_workspace_free(cutlab_cutmix_workspace *workspace) {
  if (!workspace) return;
  for (int s = 0; s < workspace->slots; ++s) {
    free(workspace->slot[s].a);
    free(workspace->slot[s].x);
  }
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
  int64_t subsets = (1ll << (objective->patches - 1)) - 1;
  w->slots = subsets < max_slots ? (int)subsets : max_slots;
  for (int s = 0; s < w->slots; ++s) {
    slot *t = &w->slot[s];
    t->a = cutlab_allocate(objective->context, 5 * n, sizeof *t->a);
    if (!t->a) return CUTLAB_ERROR_MEMORY;
    t->b = t->a + n, t->v = t->b + n, t->row = t->v + n, t->column = t->row + n;
  }
  return CUTLAB_OK;
}

static void slot_sums(const cutmix_job *job, slot *t) {
  int64_t n = job->objective->examples;
  int patches = job->objective->patches;
  uint32_t all = (1u << patches) - 1;
  double low = INFINITY, high = -INFINITY, reach = 0;
  for (int64_t i = 0; i < n; ++i) {
    t->a[i] = cutlab_subset_sum(job->outputs + i * patches, t->subset);
    t->b[i] = cutlab_subset_sum(job->outputs + i * patches, all & ~t->subset);
    low = fmin(low, t->a[i]);
    high = fmax(high, t->a[i]);
    reach = fmax(reach, fabs(t->b[i]));
  }
  t->middle = (low + high) / 2;
  t->half_width = (high - low) / 2;
  double range = reach + fmax(fabs(low), fabs(high));
  int64_t q =
      cutlab_chebyshev_nodes(&t->bound, t->half_width, range, job->objective->options.tolerance);
  /* A node costs about a half more than a direct row: its polynomials come on top. */
  t->interpolated = job->path == CUTLAB_PATH_CHEBYSHEV ||
                    (job->path == CUTLAB_PATH_AUTO && q > 0 && 3 * q < 2 * n);
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
  int64_t m = t->interpolated ? t->nodes + 16 : t->nodes, strip = m > basis_strip ? m : basis_strip;
  free(t->x);
  t->capacity = 0;
  t->x = cutlab_allocate(
      context, m * (4 + job->objective->workspace->chunks + (t->interpolated ? strip : 0)),
      sizeof *t->x);
  if (!t->x) return CUTLAB_ERROR_MEMORY;
  t->u = t->x + m, t->w = t->u + m, t->h = t->w + m, t->partial = t->h + m;
  t->basis = t->interpolated ? t->partial + m * job->objective->workspace->chunks : NULL;
  t->capacity = m;
  return CUTLAB_OK;
}

/* x_k = middle + half_width cos(pi (k + 1/2) / q), and w_k = sum_i L_k(A_i) by way of the
   moments sum_i T_l(A_i). `h` holds the moments meanwhile. */
static void interpolation_nodes(const cutmix_job *job, slot *t) {
  const cutlab_kernels *kernels = job->kernels;
  int64_t n = job->objective->examples, q = t->nodes;
  double scale = t->half_width > 0 ? 1 / t->half_width : 0;
  double unit[basis_strip], ones[basis_strip], strip_moments[1];
  for (int i = 0; i < basis_strip; ++i) ones[i] = 1;
  memset(t->h, 0, (size_t)q * sizeof *t->h);
  for (int64_t first = 0; first < n; first += basis_strip) {
    int64_t count = n - first < basis_strip ? n - first : basis_strip;
    for (int64_t i = 0; i < count; ++i) unit[i] = (t->a[first + i] - t->middle) * scale;
    kernels->chebyshev_basis(t->basis, basis_strip, unit, count, q);
    for (int64_t l = 0; l < q; ++l) {
      kernels->dots(strip_moments, 1, t->basis + l * basis_strip, basis_strip, 1, ones, basis_strip,
                    1, count);
      t->h[l] += strip_moments[0];
    }
  }
  for (int64_t k = 0; k < q; ++k) t->x[k] = cos(M_PI * ((double)k + 0.5) / (double)q);
  kernels->chebyshev_basis(t->basis, q, t->x, q, q);
  for (int64_t l = 0; l < q; ++l) t->h[l] *= (l ? 2.0 : 1.0) / (double)q;
  memset(t->w, 0, (size_t)q * sizeof *t->w);
  kernels->combine(t->w, q, t->h, q, 1, t->basis, q, q, q);
  for (int64_t k = 0; k < q; ++k) t->x[k] = t->middle + t->half_width * t->x[k];
}

static void slot_nodes(const cutmix_job *job, slot *t) {
  int64_t n = job->objective->examples;
  if (t->interpolated) {
    interpolation_nodes(job, t);
  } else {
    memcpy(t->x, t->a, (size_t)n * sizeof *t->x);
  }
  for (int64_t k = 0; k < t->nodes; ++k) t->u[k] = -t->x[k];
  for (int64_t j = 0; j < n; ++j) t->v[j] = -t->b[j];
  job->kernels->exponential(t->u, t->u, t->nodes);
  job->kernels->exponential(t->v, t->v, n);
}

static void slot_chunk(const cutmix_job *job, slot *t, int64_t c) {
  const cutlab_cutmix_workspace *w = job->objective->workspace;
  int64_t first = c * w->chunk, n = job->objective->examples;
  int64_t count = n - first < w->chunk ? n - first : w->chunk;
  const double *weights = t->interpolated ? t->w : NULL;
  if (job->gradient)
    job->kernels->sigmoid_sums(t->partial + c * t->nodes, t->column + first, t->u, weights,
                               t->nodes, t->v + first, count);
  if (job->want_loss)
    t->losses[c] = job->kernels->softplus_sum(t->x, weights, t->nodes, t->b + first, count);
}

/* f(A_i) = sum_l c_l T_l from the values h_k = f(x_k): c_l = (2/q) sum_k h_k T_l(x_k). `w` holds
   the coefficients. */
static void interpolate_rows(const cutmix_job *job, slot *t) {
  const cutlab_kernels *kernels = job->kernels;
  int64_t n = job->objective->examples, q = t->nodes;
  double scale = t->half_width > 0 ? 1 / t->half_width : 0, unit[basis_strip];
  for (int64_t k = 0; k < q; ++k) t->x[k] = (t->x[k] - t->middle) * scale;
  kernels->chebyshev_basis(t->basis, q, t->x, q, q);
  kernels->dots(t->w, 1, t->basis, q, q, t->h, q, 1, q);
  for (int64_t l = 0; l < q; ++l) t->w[l] *= (l ? 2.0 : 1.0) / (double)q;
  memset(t->row, 0, (size_t)n * sizeof *t->row);
  for (int64_t first = 0; first < n; first += basis_strip) {
    int64_t count = n - first < basis_strip ? n - first : basis_strip;
    for (int64_t i = 0; i < count; ++i) unit[i] = (t->a[first + i] - t->middle) * scale;
    kernels->chebyshev_basis(t->basis, basis_strip, unit, count, q);
    kernels->combine(t->row + first, basis_strip, t->w, q, 1, t->basis, basis_strip, q, count);
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
  double n = (double)o->examples, plus = (double)o->positives, loss = 0;
  for (int64_t c = 0; c < o->workspace->chunks; ++c) loss += t->losses[c];
  for (int64_t i = 0; i < o->examples; ++i) {
    double row = t->share * n * o->targets[i] + (1 - t->share) * plus;
    double column = (1 - t->share) * n * o->targets[i] + t->share * plus;
    loss -= t->a[i] * row + t->b[i] * column;
    t->row[i] = t->weight * (t->row[i] - row);
    t->column[i] = t->weight * (t->column[i] - column);
  }
  return t->weight * loss;
}

static void add_gradient(const cutmix_job *job, int slots, int64_t first, int64_t count) {
  int patches = job->objective->patches;
  for (int s = 0; s < slots; ++s) {
    const slot *t = &job->objective->workspace->slot[s];
    for (int64_t i = first; i < first + count; ++i)
      for (int p = 0; p < patches; ++p)
        job->gradient[i * patches + p] += t->subset >> p & 1 ? t->row[i] : t->column[i];
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
static cutlab_status add_whole_examples(const cutmix_job *job, double *loss) {
  cutlab_objective *o = job->objective;
  double weight = 2 / ((double)(o->patches + 1) * (double)o->examples);
  slot *t = &o->workspace->slot[0];
  uint32_t all = (1u << o->patches) - 1;
  for (int64_t i = 0; i < o->examples; ++i)
    t->a[i] = cutlab_subset_sum(job->outputs + i * o->patches, all);
  job->kernels->sigmoid(t->row, job->want_loss ? t->column : NULL, t->a, o->examples);
  for (int64_t i = 0; i < o->examples; ++i) {
    if (job->want_loss) *loss += weight * (t->column[i] - o->targets[i] * t->a[i]);
    for (int p = 0; job->gradient && p < o->patches; ++p)
      job->gradient[i * o->patches + p] += weight * (t->row[i] - o->targets[i]);
  }
  return CUTLAB_OK;
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
  cutmix_job job = {
      objective, cutlab_context_kernels(objective->context), outputs, gradient, loss != NULL, path};
  int patches = objective->patches, slots = 0;
  double total = 0, n = (double)objective->examples;
  CUTLAB_TRY(add_whole_examples(&job, &total));
  uint32_t last = (1u << patches) - 3; /* odd masks hold patch 0; the full one is left out */
  for (uint32_t subset = 1; subset <= last; subset += 2) {
    int size = __builtin_popcount(subset);
    slot *t = &objective->workspace->slot[slots++];
    t->subset = subset;
    t->share = (double)size / patches;
    t->weight = 2 / (n * n * (patches + 1) * cutlab_binomial(patches, size));
    if (slots < objective->workspace->slots && subset < last) continue;
    CUTLAB_TRY(run_slots(&job, slots, &total));
    note(objective, slots, report);
    slots = 0;
  }
  if (loss) *loss = total;
  return CUTLAB_OK;
}
