/* Convolutions and linear layers. Inner loops run along rows, in tiles of columns that are added
   up in float64. */
#include <string.h>

#include "nn/reference.h"

enum { tile_width = 64 };

/* in [count][channels][height][width] to out [count][filters][rows][columns], with weights
   [filters][channels][kernel 0][kernel 1]: out column x reads in columns
   x stride - pad + 0..kernel-1, rows likewise; what lies outside is 0. */
typedef struct conv_shape {
  int64_t count, channels, height, width, filters, rows, columns;
  int64_t kernel[2], stride[2], pad[2];
} conv_shape;

static conv_shape shape_of(const cutlab_operation *operation) {
  const cutlab_tensor *in = operation->input[0], *out = operation->output[0];
  conv_shape s = {.count = in->count,
                  .channels = in->channels,
                  .height = in->height,
                  .width = in->width,
                  .filters = out->channels,
                  .rows = out->height,
                  .columns = out->width};
  memcpy(s.kernel, operation->node->kernel, sizeof s.kernel);
  memcpy(s.stride, operation->node->stride, sizeof s.stride);
  memcpy(s.pad, operation->node->pad, sizeof s.pad);
  return s;
}

static int64_t at_least(int64_t a, int64_t b) {
  return a > b ? a : b;
}

static int64_t at_most(int64_t a, int64_t b) {
  return a < b ? a : b;
}

/* The smallest x >= 0 with x stride >= bound. */
static int64_t reaches(int64_t bound, int64_t stride) {
  return bound <= 0 ? 0 : (bound + stride - 1) / stride;
}

/* sum[x] += w in[x stride] */
static void add_row(double *sum, const float *in, int64_t stride, double w, int64_t count) {
  if (stride == 1)
    for (int64_t x = 0; x < count; ++x) sum[x] += w * in[x];
  else
    for (int64_t x = 0; x < count; ++x) sum[x] += w * in[x * stride];
}

/* sum[x stride] += w in[x] */
static void spread_row(double *sum, const float *in, int64_t stride, double w, int64_t count) {
  if (stride == 1)
    for (int64_t x = 0; x < count; ++x) sum[x] += w * in[x];
  else
    for (int64_t x = 0; x < count; ++x) sum[x * stride] += w * in[x];
}

/* sum[x] += a[x] b[x stride] */
static void multiply_rows(double *sum, const float *a, const float *b, int64_t stride,
                          int64_t count) {
  if (stride == 1)
    for (int64_t x = 0; x < count; ++x) sum[x] += (double)a[x] * b[x];
  else
    for (int64_t x = 0; x < count; ++x) sum[x] += (double)a[x] * b[x * stride];
}

static double total_of(const double sum[tile_width]) {
  double total = 0;
  for (int x = 0; x < tile_width; ++x) total += sum[x];
  return total;
}

/* Adds to sum[0..end-first) the columns first..end of output row `row`: `plane` is an input plane,
   `weights` [kernel 0][kernel 1]. */
static void forward_tile(double *sum, const conv_shape *s, const float *plane, const float *weights,
                         int64_t row, int64_t first, int64_t end) {
  for (int64_t i = 0; i < s->kernel[0]; ++i) {
    const int64_t y = row * s->stride[0] - s->pad[0] + i, stride = s->stride[1];
    if (y < 0 || y >= s->height) continue;
    for (int64_t j = 0; j < s->kernel[1]; ++j) {
      const int64_t shift = j - s->pad[1];
      const int64_t x0 = at_least(first, reaches(-shift, stride));
      const int64_t x1 = at_most(end, reaches(s->width - shift, stride));
      if (x0 < x1)
        add_row(sum + x0 - first, plane + y * s->width + x0 * stride + shift, stride,
                weights[i * s->kernel[1] + j], x1 - x0);
    }
  }
}

/* out[n][o] = bias[o] + sum_c in[n][c] * weight[o][c] */
void cutlab_reference_conv_forward(cutlab_operation *operation, int threads) {
  const conv_shape s = shape_of(operation);
  const float *in = operation->input[0]->data, *weight = operation->parameter[0];
  const float *bias = operation->parameter[1];
  float *out = operation->output[0]->data;
  const int64_t taps = s.kernel[0] * s.kernel[1], plane = s.height * s.width;
#pragma omp parallel for num_threads(threads) if (threads > 1)
  for (int64_t line = 0; line < s.count * s.filters * s.rows; ++line) {
    const int64_t row = line % s.rows, o = line / s.rows % s.filters, n = line / s.rows / s.filters;
    for (int64_t first = 0; first < s.columns; first += tile_width) {
      const int64_t end = at_most(s.columns, first + tile_width);
      double sum[tile_width] = {0};
      for (int64_t c = 0; c < s.channels; ++c)
        forward_tile(sum, &s, in + (n * s.channels + c) * plane,
                     weight + (o * s.channels + c) * taps, row, first, end);
      for (int64_t x = first; x < end; ++x)
        out[line * s.columns + x] = (float)(sum[x - first] + (bias ? bias[o] : 0));
    }
  }
}

/* Adds to sum[0..end-first) the gradient by columns first..end of input row `y` that comes from the
   output plane `dout`. */
static void input_tile(double *sum, const conv_shape *s, const float *dout, const float *weights,
                       int64_t y, int64_t first, int64_t end) {
  for (int64_t i = 0; i < s->kernel[0]; ++i) {
    const int64_t at = y + s->pad[0] - i, row = at / s->stride[0], stride = s->stride[1];
    if (at < 0 || at % s->stride[0] || row >= s->rows) continue;
    for (int64_t j = 0; j < s->kernel[1]; ++j) {
      const int64_t shift = j - s->pad[1];
      const int64_t x0 = reaches(first - shift, stride);
      const int64_t x1 = at_most(s->columns, reaches(end - shift, stride));
      if (x0 < x1)
        spread_row(sum + x0 * stride + shift - first, dout + row * s->columns + x0, stride,
                   weights[i * s->kernel[1] + j], x1 - x0);
    }
  }
}

/* din[n][c] = sum_o of dout[n][o] spread by weight[o][c] */
static void backward_input(const cutlab_operation *operation, const conv_shape *s, int threads) {
  const float *dout = operation->output_gradient[0]->data, *weight = operation->parameter[0];
  float *din = operation->input_gradient[0]->data;
  const int64_t taps = s->kernel[0] * s->kernel[1], plane = s->rows * s->columns;
#pragma omp parallel for num_threads(threads) if (threads > 1)
  for (int64_t line = 0; line < s->count * s->channels * s->height; ++line) {
    const int64_t y = line % s->height, c = line / s->height % s->channels;
    const int64_t n = line / s->height / s->channels;
    for (int64_t first = 0; first < s->width; first += tile_width) {
      const int64_t end = at_most(s->width, first + tile_width);
      double sum[tile_width] = {0};
      for (int64_t o = 0; o < s->filters; ++o)
        input_tile(sum, s, dout + (n * s->filters + o) * plane,
                   weight + (o * s->channels + c) * taps, y, first, end);
      for (int64_t x = first; x < end; ++x) din[line * s->width + x] = (float)sum[x - first];
    }
  }
}

/* Adds sum_y,x dout[y][x] in[y stride - pad + i][x stride - pad + j] to sums of tile columns. */
static void weight_tiles(double *sum, const conv_shape *s, const float *dout, const float *in,
                         int64_t i, int64_t j) {
  const int64_t stride = s->stride[1], shift = j - s->pad[1];
  const int64_t end = at_most(s->columns, reaches(s->width - shift, stride));
  for (int64_t row = 0; row < s->rows; ++row) {
    const int64_t y = row * s->stride[0] - s->pad[0] + i;
    if (y < 0 || y >= s->height) continue;
    for (int64_t x = reaches(-shift, stride); x < end; x += tile_width)
      multiply_rows(sum, dout + row * s->columns + x, in + y * s->width + x * stride + shift,
                    stride, at_most(end - x, tile_width));
  }
}

/* dweight[o][c] = sum_n of dout[n][o] against in[n][c] */
static void backward_weight(const cutlab_operation *operation, const conv_shape *s, int threads) {
  const float *dout = operation->output_gradient[0]->data, *in = operation->input[0]->data;
  const int64_t taps = s->kernel[0] * s->kernel[1];
#pragma omp parallel for num_threads(threads) if (threads > 1)
  for (int64_t w = 0; w < s->filters * s->channels * taps; ++w) {
    const int64_t o = w / taps / s->channels, c = w / taps % s->channels;
    double sum[tile_width] = {0};
    for (int64_t n = 0; n < s->count; ++n)
      weight_tiles(sum, s, dout + (n * s->filters + o) * s->rows * s->columns,
                   in + (n * s->channels + c) * s->height * s->width, w % taps / s->kernel[1],
                   w % s->kernel[1]);
    operation->gradient[0][w] = (float)total_of(sum);
  }
}

/* dbias[o] = sum of dout[n][o] over examples and pixels; dout [count][channels][plane] */
static void sum_planes(float *dbias, const float *dout, int64_t count, int64_t channels,
                       int64_t plane) {
  for (int64_t o = 0; o < channels; ++o) {
    double sum = 0;
    for (int64_t n = 0; n < count; ++n)
      for (int64_t p = 0; p < plane; ++p) sum += dout[(n * channels + o) * plane + p];
    dbias[o] = (float)sum;
  }
}

void cutlab_reference_conv_backward(cutlab_operation *operation, int threads) {
  const conv_shape s = shape_of(operation);
  if (operation->gradient[0]) backward_weight(operation, &s, threads);
  if (operation->gradient[1])
    sum_planes(operation->gradient[1], operation->output_gradient[0]->data, s.count, s.filters,
               s.rows * s.columns);
  if (operation->input_gradient[0]) backward_input(operation, &s, threads);
}

/* out[n][o] = bias[o] + sum_i weight[o][i] in[n][i] */
void cutlab_reference_linear_forward(cutlab_operation *operation, int threads) {
  const cutlab_tensor *in = operation->input[0], *out = operation->output[0];
  const int64_t features = in->channels * in->height * in->width, outputs = out->channels;
  const float *weight = operation->parameter[0], *bias = operation->parameter[1];
#pragma omp parallel for num_threads(threads) if (threads > 1)
  for (int64_t at = 0; at < in->count * outputs; ++at) {
    const int64_t n = at / outputs, o = at % outputs;
    double sum[tile_width] = {0};
    for (int64_t i = 0; i < features; i += tile_width)
      multiply_rows(sum, weight + o * features + i, in->data + n * features + i, 1,
                    at_most(features - i, tile_width));
    out->data[at] = (float)(total_of(sum) + (bias ? bias[o] : 0));
  }
}

/* rows[r] = sum_k weights[r][k] vectors[k], where weights[r][k] lies at r step_r + k step_k:
   rows [row_count][length], vectors [count][length]. */
typedef struct combination {
  const float *weights, *vectors;
  int64_t step_r, step_k, row_count, count, length;
} combination;

static void combine(float *rows, const combination *c, int threads) {
#pragma omp parallel for num_threads(threads) if (threads > 1)
  for (int64_t r = 0; r < c->row_count; ++r)
    for (int64_t first = 0; first < c->length; first += tile_width) {
      const int64_t size = at_most(c->length - first, tile_width);
      double sum[tile_width] = {0};
      for (int64_t k = 0; k < c->count; ++k)
        add_row(sum, c->vectors + k * c->length + first, 1,
                c->weights[r * c->step_r + k * c->step_k], size);
      for (int64_t x = 0; x < size; ++x) rows[r * c->length + first + x] = (float)sum[x];
    }
}

/* dweight[o] = sum_n dout[n][o] in[n], dbias[o] = sum_n dout[n][o], din[n] = sum_o dout[n][o]
   weight[o] */
void cutlab_reference_linear_backward(cutlab_operation *operation, int threads) {
  const cutlab_tensor *in = operation->input[0];
  const int64_t features = in->channels * in->height * in->width, count = in->count;
  const int64_t outputs = operation->output[0]->channels;
  const float *dout = operation->output_gradient[0]->data, *weight = operation->parameter[0];
  if (operation->gradient[0])
    combine(operation->gradient[0],
            &(combination){dout, in->data, 1, outputs, outputs, count, features}, threads);
  if (operation->gradient[1]) sum_planes(operation->gradient[1], dout, count, outputs, 1);
  if (operation->input_gradient[0])
    combine(operation->input_gradient[0]->data,
            &(combination){dout, weight, outputs, 1, count, outputs, features}, threads);
}
