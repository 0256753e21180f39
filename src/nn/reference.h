/* The reference backend from the inside: forward and backward of every kind of operation, in plain
   float32 tensors with sums in float64. Every element of a result belongs to one thread, which adds
   in a fixed order: results do not depend on the number of threads. */
#ifndef CUTLAB_NN_REFERENCE_H
#define CUTLAB_NN_REFERENCE_H

#include "nn/backend.h"

void cutlab_reference_conv_forward(cutlab_operation *operation, int threads);
void cutlab_reference_conv_backward(cutlab_operation *operation, int threads);
void cutlab_reference_norm_forward(cutlab_operation *operation, int threads);
void cutlab_reference_norm_backward(cutlab_operation *operation, int threads);
void cutlab_reference_activation_forward(cutlab_operation *operation, int threads);
void cutlab_reference_activation_backward(cutlab_operation *operation, int threads);
void cutlab_reference_pool_forward(cutlab_operation *operation, int threads);
void cutlab_reference_pool_backward(cutlab_operation *operation, int threads);
void cutlab_reference_linear_forward(cutlab_operation *operation, int threads);
void cutlab_reference_linear_backward(cutlab_operation *operation, int threads);
void cutlab_reference_dropout_forward(cutlab_operation *operation, int threads);
void cutlab_reference_dropout_backward(cutlab_operation *operation, int threads);
void cutlab_reference_fork_forward(cutlab_operation *operation, int threads);
void cutlab_reference_fork_backward(cutlab_operation *operation, int threads);
void cutlab_reference_add_forward(cutlab_operation *operation, int threads);
void cutlab_reference_add_backward(cutlab_operation *operation, int threads);
void cutlab_reference_group_sum_forward(cutlab_operation *operation, int threads);
void cutlab_reference_group_sum_backward(cutlab_operation *operation, int threads);
void cutlab_reference_output_forward(cutlab_operation *operation, int threads);
void cutlab_reference_output_backward(cutlab_operation *operation, int threads);

static inline int64_t cutlab_tensor_elements(const cutlab_tensor *tensor) {
  return tensor->count * tensor->channels * tensor->height * tensor->width;
}

#endif
