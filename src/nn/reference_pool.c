/* Pooling over windows, cut at the edges of the input: padding is never read nor counted. */
#include <math.h>
#include <string.h>

#include "nn/reference.h"

typedef struct window {
  int64_t top, bottom, left, right;
} window;

/* The part of a window along one axis that lies inside [0, size). */
static void clip(int64_t *first, int64_t *end, int64_t at, int64_t kernel, int64_t stride,
                 int64_t pad, int64_t size) {
  int64_t start = at * stride - pad;
  *first = start < 0 ? 0 : start;
  *end = start + kernel > size ? size : start + kernel;
}

static window window_at(const cutlab_operation *operation, int64_t row, int64_t column) {
  const cutlab_node *node = operation->node;
  const cutlab_tensor *in = operation->input[0];
  window w;
  clip(&w.top, &w.bottom, row, node->kernel[0], node->stride[0], node->pad[0], in->height);
  clip(&w.left, &w.right, column, node->kernel[1], node->stride[1], node->pad[1], in->width);
  return w;
}

/* Where the largest value of a window is, as an index into the plane; the first of equals, and a
   NaN before all others. */
static int32_t find_largest(const float *plane, int64_t width, window w) {
  int64_t best = w.top * width + w.left;
  for (int64_t y = w.top; y < w.bottom; ++y)
    for (int64_t x = w.left; x < w.right; ++x)
      if (!(plane[y * width + x] <= plane[best])) best = isnan(plane[best]) ? best : y * width + x;
  return (int32_t)best;
}

static double window_sum(const float *plane, int64_t width, window w) {
  double sum = 0;
  for (int64_t y = w.top; y < w.bottom; ++y)
    for (int64_t x = w.left; x < w.right; ++x) sum += plane[y * width + x];
  return sum;
}

/* What a sum over the window is multiplied by. */
static double weight(cutlab_pool_kind pool, window w) {
  return pool == CUTLAB_POOL_SUM ? 1 : 1.0 / (double)((w.bottom - w.top) * (w.right - w.left));
}

/* Plane `nc` (example, channel). In training, `kept` says where every maximum was. */
static void forward_plane(cutlab_operation *operation, int64_t nc) {
  const cutlab_tensor *in = operation->input[0], *out = operation->output[0];
  const cutlab_pool_kind pool = operation->node->pool;
  const float *plane = in->data + nc * in->height * in->width;
  int64_t at = nc * out->height * out->width;
  int32_t *kept = operation->kept;
  for (int64_t row = 0; row < out->height; ++row)
    for (int64_t column = 0; column < out->width; ++column, ++at) {
      window w = window_at(operation, row, column);
      if (pool == CUTLAB_POOL_MAX) {
        int32_t largest = find_largest(plane, in->width, w);
        out->data[at] = plane[largest];
        if (operation->training) kept[at] = largest;
      } else {
        out->data[at] = (float)(window_sum(plane, in->width, w) * weight(pool, w));
      }
    }
}

void cutlab_reference_pool_forward(cutlab_operation *operation, int threads) {
  const int64_t planes = operation->input[0]->count * operation->input[0]->channels;
#pragma omp parallel for num_threads(threads) if (threads > 1)
  for (int64_t nc = 0; nc < planes; ++nc) forward_plane(operation, nc);
}

static void backward_plane(cutlab_operation *operation, int64_t nc) {
  const cutlab_tensor *din = operation->input_gradient[0], *dout = operation->output_gradient[0];
  const cutlab_pool_kind pool = operation->node->pool;
  const int64_t width = din->width, size = din->height * width;
  float *plane = din->data + nc * size;
  int64_t at = nc * dout->height * dout->width;
  const int32_t *kept = operation->kept;
  memset(plane, 0, (size_t)size * sizeof *plane);
  for (int64_t row = 0; row < dout->height; ++row)
    for (int64_t column = 0; column < dout->width; ++column, ++at) {
      if (pool == CUTLAB_POOL_MAX) {
        plane[kept[at]] += dout->data[at];
        continue;
      }
      window w = window_at(operation, row, column);
      float share = (float)(dout->data[at] * weight(pool, w));
      for (int64_t y = w.top; y < w.bottom; ++y)
        for (int64_t x = w.left; x < w.right; ++x) plane[y * width + x] += share;
    }
}

void cutlab_reference_pool_backward(cutlab_operation *operation, int threads) {
  if (!operation->input_gradient[0]) return;
  const int64_t planes = operation->input[0]->count * operation->input[0]->channels;
#pragma omp parallel for num_threads(threads) if (threads > 1)
  for (int64_t nc = 0; nc < planes; ++nc) backward_plane(operation, nc);
}
