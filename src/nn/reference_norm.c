/* Batch norm (Ioffe and Szegedy 2015), with the conventions of PyTorch. */
#include <math.h>

#include "nn/reference.h"

/* The part of channel c in example n: [height][width]. */
static float *plane_of(const cutlab_tensor *tensor, int64_t n, int64_t c) {
  return tensor->data + (n * tensor->channels + c) * tensor->height * tensor->width;
}

/* Mean and biased variance of a channel over examples and pixels, in two passes. */
static void batch_statistics(const cutlab_tensor *in, int64_t c, double *mean, double *variance) {
  const int64_t plane = in->height * in->width, elements = in->count * plane;
  double sum = 0, squares = 0;
  for (int64_t n = 0; n < in->count; ++n) {
    const float *x = plane_of(in, n, c);
    for (int64_t p = 0; p < plane; ++p) sum += x[p];
  }
  *mean = sum / (double)elements;
  for (int64_t n = 0; n < in->count; ++n) {
    const float *x = plane_of(in, n, c);
    for (int64_t p = 0; p < plane; ++p) squares += (x[p] - *mean) * (x[p] - *mean);
  }
  *variance = squares / (double)elements;
}

/* running = (1 - momentum) running + momentum batch; the variance without bias, n / (n - 1). */
static void update_running(const cutlab_operation *operation, int64_t c, double mean,
                           double variance) {
  const cutlab_tensor *in = operation->input[0];
  const double elements = (double)(in->count * in->height * in->width);
  const double unbiased = elements > 1 ? variance * elements / (elements - 1) : variance;
  const double momentum = operation->node->momentum;
  float *running_mean = operation->parameter[2] + c;
  float *running_variance = operation->parameter[3] + c;
  *running_mean = (float)((1 - momentum) * *running_mean + momentum * mean);
  *running_variance = (float)((1 - momentum) * *running_variance + momentum * unbiased);
}

/* y = scale (x - mean) / deviation + shift, maybe with ReLU */
static void transform(const cutlab_operation *operation, int64_t n, int64_t c, double mean,
                      double inverse) {
  const int64_t plane = operation->input[0]->height * operation->input[0]->width;
  const double scale = operation->parameter[0][c] * inverse, shift = operation->parameter[1][c];
  const float *x = plane_of(operation->input[0], n, c);
  float *y = plane_of(operation->output[0], n, c);
  for (int64_t p = 0; p < plane; ++p) {
    double value = scale * (x[p] - mean) + shift;
    y[p] = operation->node->relu && value <= 0 ? 0 : (float)value;
  }
}

/* In training, `kept` has [channels] pairs of mean and 1 / deviation. */
void cutlab_reference_norm_forward(cutlab_operation *operation, int threads) {
  const cutlab_tensor *in = operation->input[0];
#pragma omp parallel for num_threads(threads) if (threads > 1)
  for (int64_t c = 0; c < in->channels; ++c) {
    double mean = operation->parameter[2][c], variance = operation->parameter[3][c];
    if (operation->training) batch_statistics(in, c, &mean, &variance);
    if (operation->training) update_running(operation, c, mean, variance);
    const double inverse = 1 / sqrt(variance + operation->node->epsilon);
    if (operation->training) {
      double *kept = operation->kept;
      kept[2 * c] = mean;
      kept[2 * c + 1] = inverse;
    }
    for (int64_t n = 0; n < in->count; ++n) transform(operation, n, c, mean, inverse);
  }
}

/* With z = (x - mean) / deviation over m elements, and dy 0 where ReLU is shut: dscale = sum dy z,
   dshift = sum dy and dx = scale / deviation (dy - dshift / m - z dscale / m). */
static void backward_channel(cutlab_operation *operation, int64_t c) {
  const cutlab_tensor *in = operation->input[0], *dout = operation->output_gradient[0];
  const int64_t plane = in->height * in->width;
  const double elements = (double)(in->count * plane), *kept = operation->kept;
  const double mean = kept[2 * c], inverse = kept[2 * c + 1];
  const bool relu = operation->node->relu;
  double dscale = 0, dshift = 0;
  for (int64_t n = 0; n < in->count; ++n) {
    const float *x = plane_of(in, n, c), *dy = plane_of(dout, n, c);
    const float *y = plane_of(operation->output[0], n, c);
    for (int64_t p = 0; p < plane; ++p) {
      if (relu && y[p] <= 0) continue;
      dscale += dy[p] * (x[p] - mean) * inverse;
      dshift += dy[p];
    }
  }
  if (operation->gradient[0]) operation->gradient[0][c] = (float)dscale;
  if (operation->gradient[1]) operation->gradient[1][c] = (float)dshift;
  const double factor = operation->parameter[0][c] * inverse;
  for (int64_t n = 0; operation->input_gradient[0] && n < in->count; ++n) {
    const float *x = plane_of(in, n, c), *dy = plane_of(dout, n, c);
    const float *y = plane_of(operation->output[0], n, c);
    float *dx = plane_of(operation->input_gradient[0], n, c);
    for (int64_t p = 0; p < plane; ++p) {
      double open = relu && y[p] <= 0 ? 0 : dy[p], z = (x[p] - mean) * inverse;
      dx[p] = (float)(factor * (open - (dshift + z * dscale) / elements));
    }
  }
}

void cutlab_reference_norm_backward(cutlab_operation *operation, int threads) {
#pragma omp parallel for num_threads(threads) if (threads > 1)
  for (int64_t c = 0; c < operation->input[0]->channels; ++c) backward_channel(operation, c);
}
