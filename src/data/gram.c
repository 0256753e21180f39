/* Gram matrices, in tiles that stay in cache. */
#include "data/dataset_internal.h"

enum { tile = 64, depth_block = 1024 };

/* The tile of rows [i0, i0+rows) x [j0, j0+columns), summed over depth in blocks. */
static void gram_tile(const cutlab_kernels *kernels, double *gram, const double *data, int64_t m,
                      int64_t stride, int64_t depth, int64_t i0, int64_t j0) {
  int64_t rows = m - i0 < tile ? m - i0 : tile, columns = m - j0 < tile ? m - j0 : tile;
  double sum[tile * tile] = {0}, part[tile * tile];
  for (int64_t k = 0; k < depth; k += depth_block) {
    int64_t block = depth - k < depth_block ? depth - k : depth_block;
    kernels->dots(part, tile, data + i0 * stride + k, stride, rows, data + j0 * stride + k, stride,
                  columns, block);
    for (int64_t i = 0; i < rows; ++i)
      for (int64_t j = 0; j < columns; ++j) sum[i * tile + j] += part[i * tile + j];
  }
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < columns && j0 + j <= i0 + i; ++j)
      gram[(i0 + i) * m + j0 + j] = gram[(j0 + j) * m + i0 + i] = sum[i * tile + j];
}

void cutlab_gram(cutlab_context *context, double *gram, const double *rows, int64_t m,
                 int64_t stride, int64_t depth, bool triangular) {
  const cutlab_kernels *kernels = cutlab_context_kernels(context);
  int64_t tiles = (m + tile - 1) / tile;
  int threads = cutlab_context_threads(context);
#pragma omp parallel for schedule(dynamic) num_threads(threads) if (threads > 1)
  for (int64_t t = 0; t < tiles * (tiles + 1) / 2; ++t) {
    int64_t i = 0;
    while ((i + 1) * (i + 2) / 2 <= t) ++i;
    int64_t j = t - i * (i + 1) / 2;
    /* Products with a triangular row end where the shorter of the two does. */
    int64_t reach = triangular && (j + 1) * tile < depth ? (j + 1) * tile : depth;
    gram_tile(kernels, gram, rows, m, stride, reach, i * tile, j * tile);
  }
}
