/* Operations element by element: activations, dropout, forks, sums, logits. */
#include <math.h>
#include <string.h>

#include "nn/dropout.h"
#include "nn/reference.h"

/* The activation phi(z); a NaN stays one. */
static double activate(const cutlab_node *node, double z) {
  const double beta = node->slope, r = node->radius;
  switch (node->activation) {
  case CUTLAB_RELU:
    return z <= 0 ? 0 : z;
  case CUTLAB_LEAKY:
    return z <= 0 ? beta * z : z;
  case CUTLAB_SMOOTH:
    if (z <= 0) return beta * z;
    return z < r ? beta * z + (1 - beta) / (2 * r) * z * z : z - (1 - beta) * r / 2;
  case CUTLAB_GELU:
    return z * erfc(-z * M_SQRT1_2) / 2;
  default: /* CUTLAB_SILU */
    return z / (1 + exp(-z));
  }
}

/* phi'(z); at a kink the derivative from the left. */
static double activation_slope(const cutlab_node *node, double z) {
  const double beta = node->slope, r = node->radius;
  switch (node->activation) {
  case CUTLAB_RELU:
    return z > 0;
  case CUTLAB_LEAKY:
    return z > 0 ? 1 : beta;
  case CUTLAB_SMOOTH:
    if (z <= 0) return beta;
    return z < r ? beta + (1 - beta) / r * z : 1;
  case CUTLAB_GELU: /* Phi(z) + z Phi'(z) */
    return erfc(-z * M_SQRT1_2) / 2 + z * exp(-z * z / 2) * (M_2_SQRTPI * M_SQRT1_2 / 2);
  default: { /* CUTLAB_SILU: with s = 1 / (1 + exp(-z)), s (1 + z (1 - s)) */
    double s = 1 / (1 + exp(-z));
    return s * (1 + z / (1 + exp(z)));
  }
  }
}

void cutlab_reference_activation_forward(cutlab_operation *operation, int threads) {
  const cutlab_node *node = operation->node;
  const float *in = operation->input[0]->data;
  float *out = operation->output[0]->data;
  const int64_t elements = cutlab_tensor_elements(operation->input[0]);
#pragma omp parallel for num_threads(threads) if (threads > 1)
  for (int64_t i = 0; i < elements; ++i) out[i] = (float)activate(node, in[i]);
}

void cutlab_reference_activation_backward(cutlab_operation *operation, int threads) {
  if (!operation->input_gradient[0]) return;
  const cutlab_node *node = operation->node;
  const float *in = operation->input[0]->data, *dout = operation->output_gradient[0]->data;
  float *din = operation->input_gradient[0]->data;
  const int64_t elements = cutlab_tensor_elements(operation->input[0]);
#pragma omp parallel for num_threads(threads) if (threads > 1)
  for (int64_t i = 0; i < elements; ++i) din[i] = (float)(dout[i] * activation_slope(node, in[i]));
}

/* out = mask in / (1 - rate), by the mask that training keeps. */
static void apply_mask(cutlab_operation *operation, float *out, const float *in) {
  const int64_t elements = cutlab_tensor_elements(operation->output[0]);
  const uint8_t *mask = operation->kept;
  const float scale = (float)(1 / (1 - operation->node->rate));
  for (int64_t i = 0; i < elements; ++i) out[i] = mask[i] ? in[i] * scale : 0;
}

void cutlab_reference_dropout_forward(cutlab_operation *operation, int threads) {
  (void)threads;
  const cutlab_tensor *in = operation->input[0];
  float *out = operation->output[0]->data;
  const int64_t elements = cutlab_tensor_elements(in);
  if (!operation->training) {
    if (out != in->data) memcpy(out, in->data, (size_t)elements * sizeof *out);
    return;
  }
  cutlab_dropout_mask(operation->kept, elements, operation->node->rate, operation->seed,
                      operation->step, operation->node->output[0]);
  apply_mask(operation, out, in->data);
}

void cutlab_reference_dropout_backward(cutlab_operation *operation, int threads) {
  (void)threads;
  if (operation->input_gradient[0])
    apply_mask(operation, operation->input_gradient[0]->data, operation->output_gradient[0]->data);
}

/* Both outputs lie where the input does. */
void cutlab_reference_fork_forward(cutlab_operation *operation, int threads) {
  (void)operation, (void)threads;
}

void cutlab_reference_fork_backward(cutlab_operation *operation, int threads) {
  if (!operation->input_gradient[0]) return;
  const float *first = operation->output_gradient[0]->data;
  const float *second = operation->output_gradient[1]->data;
  float *din = operation->input_gradient[0]->data;
  const int64_t elements = cutlab_tensor_elements(operation->input[0]);
#pragma omp parallel for num_threads(threads) if (threads > 1)
  for (int64_t i = 0; i < elements; ++i) din[i] = first[i] + second[i];
}

void cutlab_reference_add_forward(cutlab_operation *operation, int threads) {
  const float *first = operation->input[0]->data, *second = operation->input[1]->data;
  float *out = operation->output[0]->data;
  const bool relu = operation->node->relu;
  const int64_t elements = cutlab_tensor_elements(operation->output[0]);
#pragma omp parallel for num_threads(threads) if (threads > 1)
  for (int64_t i = 0; i < elements; ++i) {
    float sum = first[i] + second[i];
    out[i] = relu && sum <= 0 ? 0 : sum;
  }
}

/* Without ReLU the gradients of both inputs are that of the output, in its memory; with it they
   are one tensor: the output's gradient where the output is positive. */
void cutlab_reference_add_backward(cutlab_operation *operation, int threads) {
  const cutlab_tensor *gradient = operation->input_gradient[operation->input_gradient[0] ? 0 : 1];
  if (!operation->node->relu || !gradient) return;
  const float *out = operation->output[0]->data, *dout = operation->output_gradient[0]->data;
  float *din = gradient->data;
  const int64_t elements = cutlab_tensor_elements(operation->output[0]);
#pragma omp parallel for num_threads(threads) if (threads > 1)
  for (int64_t i = 0; i < elements; ++i) din[i] = out[i] > 0 ? dout[i] : 0;
}

/* out[n][k][p] = sum_g in[n][k][g][p], with `group` consecutive channels for one output. */
void cutlab_reference_group_sum_forward(cutlab_operation *operation, int threads) {
  const cutlab_tensor *in = operation->input[0], *out = operation->output[0];
  const int64_t group = in->channels / out->channels, plane = in->height * in->width;
#pragma omp parallel for num_threads(threads) if (threads > 1)
  for (int64_t nk = 0; nk < out->count * out->channels; ++nk)
    for (int64_t p = 0; p < plane; ++p) {
      double sum = 0;
      for (int64_t g = 0; g < group; ++g) sum += in->data[(nk * group + g) * plane + p];
      out->data[nk * plane + p] = (float)sum;
    }
}

void cutlab_reference_group_sum_backward(cutlab_operation *operation, int threads) {
  const cutlab_tensor *din = operation->input_gradient[0], *dout = operation->output_gradient[0];
  if (!din) return;
  const int64_t group = din->channels / dout->channels, plane = din->height * din->width;
#pragma omp parallel for num_threads(threads) if (threads > 1)
  for (int64_t nc = 0; nc < din->count * din->channels; ++nc)
    memcpy(din->data + nc * plane, dout->data + nc / group * plane,
           (size_t)plane * sizeof *din->data);
}

static void copy(const cutlab_tensor *to, const cutlab_tensor *from) {
  if (to->data != from->data)
    memcpy(to->data, from->data, (size_t)cutlab_tensor_elements(from) * sizeof *to->data);
}

void cutlab_reference_output_forward(cutlab_operation *operation, int threads) {
  (void)threads;
  copy(operation->output[0], operation->input[0]);
}

void cutlab_reference_output_backward(cutlab_operation *operation, int threads) {
  (void)threads;
  if (operation->input_gradient[0])
    copy(operation->input_gradient[0], operation->output_gradient[0]);
}
