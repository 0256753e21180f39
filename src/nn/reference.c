/* The reference backend: its table, what operations keep, and which function does what. */
#include "nn/reference.h"

#include <stdio.h>

#include <cutlab/version.h>

typedef void (*operation_fn)(cutlab_operation *operation, int threads);

static const struct {
  operation_fn forward, backward;
} functions[CUTLAB_OP_KINDS] = {
    [CUTLAB_OP_CONV] = {cutlab_reference_conv_forward, cutlab_reference_conv_backward},
    [CUTLAB_OP_NORM] = {cutlab_reference_norm_forward, cutlab_reference_norm_backward},
    [CUTLAB_OP_ACTIVATION] = {cutlab_reference_activation_forward,
                              cutlab_reference_activation_backward},
    [CUTLAB_OP_POOL] = {cutlab_reference_pool_forward, cutlab_reference_pool_backward},
    [CUTLAB_OP_LINEAR] = {cutlab_reference_linear_forward, cutlab_reference_linear_backward},
    [CUTLAB_OP_DROPOUT] = {cutlab_reference_dropout_forward, cutlab_reference_dropout_backward},
    [CUTLAB_OP_FORK] = {cutlab_reference_fork_forward, cutlab_reference_fork_backward},
    [CUTLAB_OP_ADD] = {cutlab_reference_add_forward, cutlab_reference_add_backward},
    [CUTLAB_OP_GROUP_SUM] = {cutlab_reference_group_sum_forward,
                             cutlab_reference_group_sum_backward},
    [CUTLAB_OP_OUTPUT] = {cutlab_reference_output_forward, cutlab_reference_output_backward}};

static cutlab_status open_reference(cutlab_context *context, void **device, char *description,
                                    size_t size) {
  (void)context;
  *device = NULL;
  (void)snprintf(description, size, "reference %s", cutlab_version());
  return CUTLAB_OK;
}

static void close_reference(void *device) {
  (void)device;
}

static void make_plain(cutlab_tensor *tensor) {
  if (!tensor) return;
  tensor->layout = NULL;
  tensor->bytes = (size_t)cutlab_tensor_elements(tensor) * sizeof(float);
}

/* NORM keeps mean and 1 / deviation of every channel, max pooling where each maximum was, DROPOUT
   its mask. */
static size_t kept_bytes(const cutlab_operation *operation) {
  const cutlab_node *node = operation->node;
  if (!operation->training) return 0;
  if (node->kind == CUTLAB_OP_NORM)
    return 2 * (size_t)operation->input[0]->channels * sizeof(double);
  size_t outputs = (size_t)cutlab_tensor_elements(operation->output[0]);
  if (node->kind == CUTLAB_OP_POOL && node->pool == CUTLAB_POOL_MAX)
    return outputs * sizeof(int32_t);
  return node->kind == CUTLAB_OP_DROPOUT ? outputs : 0;
}

static cutlab_status plan(cutlab_context *context, void *device, cutlab_operation *operation) {
  (void)context, (void)device;
  for (int i = 0; i < 2; ++i) {
    make_plain(operation->output[i]);
    make_plain(operation->output_gradient[i]);
  }
  operation->kept_bytes = kept_bytes(operation);
  operation->scratch_bytes = 0;
  operation->state = NULL;
  return CUTLAB_OK;
}

static void release(void *device, cutlab_operation *operation) {
  (void)device, (void)operation;
}

static cutlab_status forward(cutlab_context *context, void *device, cutlab_operation *operation) {
  (void)device;
  functions[operation->node->kind].forward(operation, cutlab_context_threads(context));
  return CUTLAB_OK;
}

static cutlab_status backward(cutlab_context *context, void *device, cutlab_operation *operation) {
  (void)device;
  functions[operation->node->kind].backward(operation, cutlab_context_threads(context));
  return CUTLAB_OK;
}

const cutlab_backend cutlab_backend_reference = {.name = "reference",
                                                 .open = open_reference,
                                                 .close = close_reference,
                                                 .plan = plan,
                                                 .release = release,
                                                 .forward = forward,
                                                 .backward = backward};
