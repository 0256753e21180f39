/* The exact CutMix objective, subset by subset. With Y = (1 + y) / 2 the loss of a mixed pair is
   softplus(f) - (t Y_i + (1 - t) Y_j) f, t = |S| / P, so that its derivative needs one sigmoid
   whatever the labels are. (i, j, S) and (j, i, complement of S) are the same term: half of all
   subsets suffice, and |S| = 0, P need no pairs. (A run's complement is no run, so runs are all
   walked.) For a subset, A_i = sum_{p in S} a_ip and B_j = sum_{p not in S} a_jp; what is needed
   are the sums of sigmoid(A_i + B_j) over j and over i. Both come from one loop over nodes x_k
   with weights w_k:
     direct     the nodes are the A_i themselves, w = 1;
     Chebyshev  sigmoid(A + B_j) is interpolated in A on q nodes: sum_i f(A_i) = sum_k w_k f(x_k)
                with w_k = sum_i L_k(A_i), and f(A_i) = sum_k L_k(A_i) f(x_k).
   With examples divided over processes only the ranges of A and B, the moments that give w_k, the
   sums at the nodes and the loss are of all of them. */
#include <stdlib.h>
#include <string.h>

#include <omp.h>

#include "base/ranks.h"
#include "theory/objective_slot.h"

enum {
  min_chunk = 128,
  max_chunk = 2048, /* a chunk's arrays stay in the first-level cache */
  slot_bytes = 1 << 28
};

void cutlab_cutmix_workspace_free(cutlab_cutmix_workspace *workspace) {
  if (!workspace) return;
  for (int s = 0; s < workspace->slots; ++s) {
    free(workspace->slot[s].a);
    free(workspace->slot[s].x);
  }
  free(workspace->outputs);
  free(workspace->losses);
  free(workspace->bases);
  free(workspace);
}

static int64_t parts(int64_t count, int64_t part) {
  return (count + part - 1) / part;
}

/* How many subsets pairs are summed over: see next_pairs. */
static double pair_subsets(const cutlab_objective *o) {
  double subsets = cutlab_subset_count(o);
  return o->options.subsets == CUTLAB_SUBSETS_ARBITRARY ? subsets / 2 - 1 : subsets - 2;
}

/* Subsets that are walked at a time: fewer of them where examples are many. All processes of a
   job choose alike. */
static int count_slots(const cutlab_objective *o) {
  const cutlab_ranks *ranks = cutlab_context_ranks(o->context);
  double subsets = pair_subsets(o), bytes = 7 * sizeof(double) * (double)o->total;
  double slots = fmin(cutlab_max_slots, slot_bytes / (bytes / (ranks ? ranks->count : 1)));
  return (int)fmin(fmax(slots, 2), subsets);
}

static cutlab_status workspace_create(cutlab_objective *objective) {
  int64_t n = objective->examples;
  cutlab_context *context = objective->context;
  cutlab_cutmix_workspace *w = cutlab_allocate(context, 1, sizeof *w);
  if (!w) return CUTLAB_ERROR_MEMORY;
  objective->workspace = w;
  w->chunk = parts(n, cutlab_max_chunks);
  if (w->chunk < min_chunk) w->chunk = min_chunk;
  if (w->chunk > max_chunk) w->chunk = max_chunk;
  w->chunks = parts(n, w->chunk);
  w->group = cutlab_strip * parts(n, cutlab_strip * cutlab_max_chunks);
  w->groups = parts(n, w->group);
  w->outputs = cutlab_allocate(context, 2 * n * objective->patches, sizeof *w->outputs);
  if (!w->outputs) return CUTLAB_ERROR_MEMORY;
  w->gradient = w->outputs + n * objective->patches;
  w->slots = count_slots(objective);
  w->losses = cutlab_allocate(context, w->slots * (w->chunks + 5 * w->groups), sizeof *w->losses);
  if (!w->losses) return CUTLAB_ERROR_MEMORY;
  w->extents = w->losses + w->slots * (w->chunks + w->groups);
  for (int s = 0; s < w->slots; ++s) {
    cutlab_slot *t = &w->slot[s];
    t->a = cutlab_allocate(context, 7 * n, sizeof *t->a);
    if (!t->a) return CUTLAB_ERROR_MEMORY;
    t->b = t->a + n, t->unit = t->b + n, t->v = t->unit + n;
    t->tiles = t->v + n, t->row = t->tiles + n, t->column = t->row + n;
  }
  return CUTLAB_OK;
}

/* Over groups and processes: -min A, max A, -min B, max B of every slot. */
static void reduce_extents(const cutlab_pairs *pairs, double (*ends)[4], int slots) {
  for (int s = 0; s < slots; ++s) {
    const double *extent = pairs->work->extents + s * pairs->work->groups * 4;
    for (int k = 0; k < 4; ++k) {
      double sign = k % 2 ? 1 : -1;
      ends[s][k] = sign * extent[k];
      for (int64_t g = 1; g < pairs->work->groups; ++g)
        ends[s][k] = fmax(ends[s][k], sign * extent[g * 4 + k]);
    }
  }
  cutlab_largest_over_ranks(pairs->objective->context, ends[0], 4 * (int64_t)slots);
}

static cutlab_status reserve_bases(const cutlab_pairs *pairs, int slots, int threads) {
  cutlab_cutmix_workspace *w = pairs->work;
  w->base = 0;
  for (int s = 0; s < slots; ++s)
    if (w->slot[s].interpolated && w->slot[s].capacity > w->base) w->base = w->slot[s].capacity;
  w->base *= cutlab_strip;
  if (w->groups == 1 || threads * w->base <= w->base_capacity) return CUTLAB_OK;
  free(w->bases);
  w->base_capacity = 0;
  w->bases = cutlab_allocate(pairs->objective->context, threads * w->base, sizeof *w->bases);
  if (!w->bases) return CUTLAB_ERROR_MEMORY;
  w->base_capacity = threads * w->base;
  return CUTLAB_OK;
}

static double slot_loss(const cutlab_pairs *pairs, int s) {
  const cutlab_cutmix_workspace *w = pairs->work;
  double loss = 0;
  for (int64_t g = 0; pairs->want_loss && g < w->groups; ++g)
    loss += w->losses[s * (w->chunks + w->groups) + w->chunks + g];
  return pairs->work->slot[s].weight * loss;
}

static void add_gradient(const cutlab_pairs *pairs, int slots, int64_t g) {
  const cutlab_cutmix_workspace *w = pairs->work;
  int64_t first, count = cutlab_part_of(pairs, &first, g, w->group);
  for (int s = 0; s < slots; ++s)
    for (int p = 0; p < pairs->objective->patches; ++p) {
      const cutlab_slot *t = &w->slot[s];
      const double *part = (t->subset >> p & 1 ? t->row : t->column) + first;
      double *gradient = w->gradient + p * pairs->objective->examples + first;
      for (int64_t i = 0; i < count; ++i) gradient[i] += part[i];
    }
}

/* The moments, or the sums at the nodes, of all processes: both are in `h`. */
static void sum_over_ranks(const cutlab_pairs *pairs, int slots) {
  for (int s = 0; s < slots; ++s)
    cutlab_sum_over_ranks(pairs->objective->context, pairs->work->slot[s].h,
                          pairs->work->slot[s].nodes);
}

/* From sums A and B to row and column sums, in one team of threads. Where one group holds all
   examples of one process, what follows it for a slot follows at once. */
static void team_work(const cutlab_pairs *pairs, int slots) {
  cutlab_cutmix_workspace *w = pairs->work;
  bool divided = cutlab_context_ranks(pairs->objective->context) != NULL;
  bool whole = w->groups == 1 && !divided;
#pragma omp for
  for (int64_t k = 0; k < slots * w->groups; ++k) {
    cutlab_slot_prepare(pairs, &w->slot[k / w->groups], k % w->groups);
    if (whole) cutlab_slot_sum_moments(pairs, &w->slot[k]), cutlab_slot_nodes(pairs, &w->slot[k]);
  }
  if (!whole) {
#pragma omp for
    for (int s = 0; s < slots; ++s) cutlab_slot_sum_moments(pairs, &w->slot[s]);
#pragma omp master
    if (divided) sum_over_ranks(pairs, slots);
#pragma omp barrier
#pragma omp for
    for (int s = 0; s < slots; ++s) cutlab_slot_nodes(pairs, &w->slot[s]);
  }
#pragma omp for
  for (int64_t k = 0; k < slots * w->chunks; ++k) {
    int64_t s = k / w->chunks;
    double work = (double)w->chunk * (double)w->slot[s].nodes;
    if (cutlab_watch_step(pairs->watch, omp_get_thread_num() == 0, work))
      cutlab_slot_chunk(pairs, (int)s, k % w->chunks);
  }
  if (!whole && pairs->gradient) {
#pragma omp for
    for (int s = 0; s < slots; ++s) cutlab_slot_sum_rows(pairs, &w->slot[s]);
#pragma omp master
    if (divided) sum_over_ranks(pairs, slots);
#pragma omp barrier
#pragma omp for
    for (int s = 0; s < slots; ++s) cutlab_slot_coefficients(pairs, &w->slot[s]);
  }
#pragma omp for
  for (int64_t k = 0; k < slots * w->groups; ++k) {
    cutlab_slot *t = &w->slot[k / w->groups];
    if (whole && pairs->gradient)
      cutlab_slot_sum_rows(pairs, t), cutlab_slot_coefficients(pairs, t);
    if (pairs->gradient) cutlab_slot_rows(pairs, t, k % w->groups);
    cutlab_slot_targets(pairs, (int)(k / w->groups), k % w->groups);
  }
  if (pairs->gradient) {
#pragma omp for
    for (int64_t g = 0; g < w->groups; ++g) add_gradient(pairs, slots, g);
  }
}

/* All pairs of the subsets in the first `slots` slots. */
static cutlab_status run_slots(const cutlab_pairs *pairs, int slots, double *loss) {
  cutlab_cutmix_workspace *w = pairs->work;
  int threads = cutlab_context_threads(pairs->objective->context);
  double ends[cutlab_max_slots][4];
#pragma omp parallel for num_threads(threads) if (threads > 1)
  for (int64_t k = 0; k < slots * w->groups; ++k)
    cutlab_slot_sums(pairs, (int)(k / w->groups), k % w->groups);
  reduce_extents(pairs, ends, slots);
  cutlab_status status = CUTLAB_OK;
  for (int s = 0; s < slots && status == CUTLAB_OK; ++s) {
    cutlab_slot_choose(pairs, &w->slot[s], ends[s]);
    status = cutlab_slot_reserve(pairs, &w->slot[s]);
    /* Gigabytes to clear take seconds. */
    double cleared = (double)w->slot[s].nodes * (double)w->chunks;
    if (status == CUTLAB_OK && !cutlab_watch_step(pairs->watch, true, cleared))
      status = CUTLAB_CANCELLED;
  }
  if (status == CUTLAB_OK) status = reserve_bases(pairs, slots, threads);
  CUTLAB_TRY(cutlab_agree_over_ranks(pairs->objective->context, status));
  pairs->watch->work = pair_subsets(pairs->objective) * (double)pairs->objective->examples *
                       (double)w->slot[0].nodes; /* as if others had as many */
#pragma omp parallel num_threads(threads) if (threads > 1)
  team_work(pairs, slots);
  for (int s = 0; s < slots; ++s) *loss += slot_loss(pairs, s);
  return cutlab_agree_over_ranks(pairs->objective->context, cutlab_watch_status(pairs->watch));
}

/* |S| = 0 and |S| = P of one group: the plain examples, together 2 / (P + 1) times the ERM
   objective. Brings the outputs to [P][n], where loops over examples are contiguous. Returns the
   loss. */
static double whole_group(const cutlab_pairs *pairs, const double *outputs, int64_t g) {
  const cutlab_objective *o = pairs->objective;
  const cutlab_cutmix_workspace *w = pairs->work;
  int64_t n = o->examples, begin, size = cutlab_part_of(pairs, &begin, g, w->group),
          end = begin + size;
  double weight = 2 / ((double)(o->patches + 1) * (double)o->total), loss = 0;
  const cutlab_slot *t = &w->slot[0];
  memset(t->a + begin, 0, (size_t)size * sizeof *t->a);
  for (int p = 0; p < o->patches; ++p)
    for (int64_t i = begin; i < end; ++i) w->outputs[p * n + i] = outputs[i * o->patches + p];
  for (int p = 0; p < o->patches; ++p)
    for (int64_t i = begin; i < end; ++i) t->a[i] += w->outputs[p * n + i];
  pairs->kernels->sigmoid(t->row + begin, pairs->want_loss ? t->column + begin : NULL, t->a + begin,
                          size);
  for (int64_t first = begin; pairs->want_loss && first < end; first += cutlab_strip) {
    double sum = 0;
    for (int64_t i = first; i < end && i < first + cutlab_strip; ++i)
      sum += t->column[i] - o->targets[i] * t->a[i];
    loss += sum;
  }
  for (int64_t i = begin; i < end; ++i) t->row[i] = weight * (t->row[i] - o->targets[i]);
  for (int p = 0; p < o->patches; ++p)
    memcpy(w->gradient + p * n + begin, t->row + begin, (size_t)size * sizeof *t->row);
  return weight * loss;
}

static double whole_examples(const cutlab_pairs *pairs, const double *outputs) {
  int threads = cutlab_context_threads(pairs->objective->context);
  double losses[cutlab_max_chunks], loss = 0;
#pragma omp parallel for num_threads(threads) if (threads > 1 && pairs->work->groups > 1)
  for (int64_t g = 0; g < pairs->work->groups; ++g) losses[g] = whole_group(pairs, outputs, g);
  for (int64_t g = 0; g < pairs->work->groups; ++g) loss += losses[g];
  return loss;
}

static void collect_gradient(const cutlab_pairs *pairs, double *gradient) {
  int threads = cutlab_context_threads(pairs->objective->context),
      patches = pairs->objective->patches;
  int64_t n = pairs->objective->examples;
#pragma omp parallel for num_threads(threads) if (threads > 1 && pairs->work->groups > 1)
  for (int64_t g = 0; g < pairs->work->groups; ++g) {
    int64_t first, count = cutlab_part_of(pairs, &first, g, pairs->work->group);
    for (int64_t i = first; i < first + count; ++i)
      for (int p = 0; p < patches; ++p)
        gradient[i * patches + p] = pairs->work->gradient[p * n + i];
  }
}

static void note(const cutlab_pairs *pairs, int slots, cutlab_evaluation *e) {
  for (int s = 0; s < slots; ++s) {
    const cutlab_slot *t = &pairs->work->slot[s];
    e->report->terms += t->nodes * pairs->objective->examples;
    cutlab_slot_bound(pairs, t, e);
    if (!t->interpolated) continue;
    e->report->path = CUTLAB_PATH_CHEBYSHEV;
    if (t->nodes > e->report->nodes) e->report->nodes = (int)t->nodes;
  }
}

/* Of a subset and its complement the smaller one is taken, with i and j exchanged: its sums spread
   less and need fewer nodes. */
static void fill_slot(const cutlab_objective *o, cutlab_slot *t, uint64_t subset) {
  int size = __builtin_popcountll(subset);
  double n = (double)o->total, subsets = cutlab_subsets_of_size(o, size);
  t->subset = subset;
  if (2 * size > o->patches) {
    t->subset = cutlab_all_patches(o->patches) & ~subset;
    size = o->patches - size;
  }
  double mirrored = o->options.subsets == CUTLAB_SUBSETS_ARBITRARY ? 2 : 1;
  t->share = (double)size / o->patches;
  t->weight = mirrored / (n * n * (o->patches + 1) * subsets);
}

/* The subsets that pairs are summed over: one of each complementary pair (odd masks hold patch 0),
   or all runs; neither empty nor whole. */
static bool next_pairs(const cutlab_objective *o, uint64_t *subset) {
  uint64_t all = cutlab_all_patches(o->patches);
  if (o->options.subsets == CUTLAB_SUBSETS_CONTIGUOUS)
    return cutlab_next_subset(o, subset) && *subset != all;
  *subset += *subset ? 2 : 1;
  return *subset < all;
}

cutlab_status cutlab_fast_cutmix(cutlab_objective *objective, cutlab_evaluation *e,
                                 cutlab_path path) {
  cutlab_status status = objective->workspace ? CUTLAB_OK : workspace_create(objective);
  if (status != CUTLAB_OK) {
    cutlab_cutmix_workspace_free(objective->workspace);
    objective->workspace = NULL;
  }
  CUTLAB_TRY(cutlab_agree_over_ranks(objective->context, status));
  cutlab_cutmix_workspace *w = objective->workspace;
  if (!w) return CUTLAB_ERROR_MEMORY;
  cutlab_pairs pairs = {objective,
                        w,
                        cutlab_context_kernels(objective->context),
                        e->gradient != NULL,
                        e->loss != NULL,
                        path,
                        e->watch};
  double total = whole_examples(&pairs, e->outputs);
  uint64_t subset = 0;
  bool more = next_pairs(objective, &subset);
  int64_t done = 0;
  cutlab_watch_begin(e->watch, 0);
  while (more) {
    int slots = 0;
    for (; more && slots < w->slots; more = next_pairs(objective, &subset))
      fill_slot(objective, &w->slot[slots++], subset);
    CUTLAB_TRY(run_slots(&pairs, slots, &total));
    note(&pairs, slots, e);
    done += slots;
  }
  if (e->loss) {
    cutlab_sum_over_ranks(objective->context, &total, 1);
    *e->loss = total;
  }
  /* Subsets are added up one after the other; the loss of each is positive. */
  double depth = cutlab_unit_roundoff * (double)(done + 1);
  e->slope_error += depth;
  e->loss_error += depth * total;
  if (e->gradient) collect_gradient(&pairs, e->gradient);
  return CUTLAB_OK;
}
