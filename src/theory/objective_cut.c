/* ERM and Cutout, vectorised over examples: ERM is Cutout with nothing cut. */
#include <stdlib.h>
#include <string.h>

#include "theory/objective_internal.h"

enum { chunk = 256 };

typedef struct chunk_sums {
  double kept[chunk], sigmoid[chunk], softplus[chunk];
} chunk_sums;

/* With l(y f) = softplus(f) - Y f and derivative sigmoid(f) - Y for Y = (1 + y) / 2, the loss
   and gradient of `count` examples over all cuts of the objective's size. */
static double cut_chunk(const cutlab_objective *objective, double *gradient, bool want_loss,
                        const double *outputs, int64_t first, int64_t count, chunk_sums *sums) {
  int patches = objective->patches;
  int cut_size = objective->options.method == CUTLAB_CUTOUT ? objective->options.cut_size : 0;
  uint32_t all = (1u << patches) - 1;
  const cutlab_kernels *kernels = cutlab_context_kernels(objective->context);
  double loss = 0;
  for (uint32_t cut = 0; cut <= all; ++cut) {
    if (__builtin_popcount(cut) != cut_size) continue;
    for (int64_t i = 0; i < count; ++i)
      sums->kept[i] = cutlab_subset_sum(outputs + (first + i) * patches, all & ~cut);
    kernels->sigmoid(sums->sigmoid, want_loss ? sums->softplus : NULL, sums->kept, count);
    for (int64_t i = 0; i < count; ++i) {
      double target = objective->targets[first + i];
      if (want_loss) loss += sums->softplus[i] - target * sums->kept[i];
      for (int p = 0; gradient && p < patches; ++p)
        if (!(cut >> p & 1)) gradient[(first + i) * patches + p] += sums->sigmoid[i] - target;
    }
  }
  return loss;
}

cutlab_status cutlab_fast_cut(const cutlab_objective *objective, double *loss, double *gradient,
                              cutlab_objective_report *report, const double *outputs) {
  int64_t n = objective->examples, chunks = (n + chunk - 1) / chunk;
  int cut_size = objective->options.method == CUTLAB_CUTOUT ? objective->options.cut_size : 0;
  double subsets = cutlab_binomial(objective->patches, cut_size);
  double weight = 1 / ((double)n * subsets);
  double *losses = cutlab_allocate(objective->context, chunks, sizeof *losses);
  if (!losses) return CUTLAB_ERROR_MEMORY;
  int threads = cutlab_context_threads(objective->context);
#pragma omp parallel for num_threads(threads) if (threads > 1)
  for (int64_t c = 0; c < chunks; ++c) {
    chunk_sums sums;
    int64_t count = n - c * chunk < chunk ? n - c * chunk : chunk;
    losses[c] = cut_chunk(objective, gradient, loss != NULL, outputs, c * chunk, count, &sums);
  }
  for (int64_t c = 0; loss && c < chunks; ++c) *loss += weight * losses[c];
  for (int64_t i = 0; gradient && i < n * objective->patches; ++i) gradient[i] *= weight;
  free(losses);
  report->terms = (int64_t)(subsets * (double)n);
  return CUTLAB_OK;
}
