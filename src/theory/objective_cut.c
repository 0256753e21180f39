/* ERM and Cutout, vectorised over examples: ERM is Cutout with nothing cut. */
#include <stdlib.h>

#include <omp.h>

#include "theory/objective_internal.h"

enum { chunk = 256, unwatched = 256 /* subsets */ };

/* f_i, or that over the patches which are not cut. */
static void keep(double *kept, const double *outputs, int64_t count, int patches, uint64_t cut) {
  uint64_t all = cutlab_all_patches(patches);
  for (int64_t i = 0; i < count; ++i) {
    kept[i] = 0;
    if (cut)
      kept[i] = cutlab_subset_sum(outputs + i * patches, all & ~cut);
    else
      for (int p = 0; p < patches; ++p) kept[i] += outputs[i * patches + p];
  }
}

typedef struct chunk_sums {
  double kept[chunk], sigmoid[chunk], softplus[chunk];
} chunk_sums;

/* With l(y f) = softplus(f) - Y f and derivative sigmoid(f) - Y for Y = (1 + y) / 2, the loss
   and gradient of the chunk of examples from `first`, over all cuts of the objective's size. */
static double cut_chunk(const cutlab_objective *objective, const cutlab_evaluation *e, bool teller,
                        int64_t first) {
  chunk_sums sums;
  int64_t count = objective->examples - first < chunk ? objective->examples - first : chunk;
  int patches = objective->patches, cut_size = cutlab_cut_size(objective);
  uint64_t cut = cutlab_first_of_size(cut_size);
  const cutlab_kernels *kernels = cutlab_context_kernels(objective->context);
  double loss = 0, work = (double)unwatched * chunk * 2 * patches;
  int walked = 0;
  do {
    if (++walked % unwatched == 0 && !cutlab_watch_step(e->watch, teller, work)) break;
    keep(sums.kept, e->outputs + first * patches, count, patches, cut);
    kernels->sigmoid(sums.sigmoid, e->loss ? sums.softplus : NULL, sums.kept, count);
    for (int64_t i = 0; i < count; ++i) {
      double target = objective->targets[first + i];
      if (e->loss) loss += sums.softplus[i] - target * sums.kept[i];
      for (int p = 0; e->gradient && p < patches; ++p)
        if (!(cut >> p & 1)) e->gradient[(first + i) * patches + p] += sums.sigmoid[i] - target;
    }
  } while (cutlab_next_of_size(objective, &cut, cut_size));
  return loss;
}

cutlab_status cutlab_fast_cut(const cutlab_objective *objective, cutlab_evaluation *e) {
  int64_t n = objective->examples, chunks = (n + chunk - 1) / chunk;
  double subsets = cutlab_subset_count(objective);
  double weight = 1 / ((double)objective->total * subsets);
  double only = 0, *losses = &only; /* one chunk: no allocation, no parallel region */
  if (chunks > 1) losses = cutlab_allocate(objective->context, chunks, sizeof *losses);
  if (!losses) return CUTLAB_ERROR_MEMORY;
  int threads = cutlab_context_threads(objective->context);
  cutlab_watch_begin(e->watch, (double)n * subsets * 2 * objective->patches);
  if (chunks == 1) {
    only = cut_chunk(objective, e, true, 0);
  } else {
#pragma omp parallel for num_threads(threads) if (threads > 1)
    for (int64_t c = 0; c < chunks; ++c)
      losses[c] = cut_chunk(objective, e, omp_get_thread_num() == 0, c * chunk);
  }
  for (int64_t c = 0; e->loss && c < chunks; ++c) *e->loss += weight * losses[c];
  for (int64_t i = 0; e->gradient && i < n * objective->patches; ++i) e->gradient[i] *= weight;
  if (chunks > 1) free(losses);
  e->report->terms = (int64_t)(subsets * (double)n);
  /* Kept sums err by P u reach, a sigmoid or softplus by 8 u and 16 u (1 + reach). A chunk adds up
     its subsets and examples, whose losses are positive, one after the other. */
  double u = cutlab_unit_roundoff, depth = subsets * chunk + (double)chunks;
  e->slope_error = u * (objective->patches * e->reach / 4 + subsets + 8);
  e->loss_error = u * (objective->patches * e->reach + 16 * (1 + e->reach));
  if (e->loss) e->loss_error += u * depth * *e->loss;
  return cutlab_watch_status(e->watch);
}
