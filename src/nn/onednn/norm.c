/* Batch norm with oneDNN, which keeps the batch's mean and biased variance; the running ones follow
   PyTorch: running = (1 - momentum) running + momentum batch, the variance unbiased. */
#include "nn/onednn/call.h"

typedef struct norm_calls {
  dnn_call forward, backward;
} norm_calls;

/* What is kept for backward: mean, variance [channels], then the workspace of the fused ReLU. */
static int64_t kept_statistics(const cutlab_operation *op) {
  return (op->output[0]->channels + 15) / 16 * 16;
}

static cutlab_status add_forward(cutlab_context *context, const dnn_device *device,
                                 cutlab_operation *op, dnn_desc data,
                                 dnnl_primitive_desc_t description) {
  dnnl_dims_t channels = {op->output[0]->channels};
  dnn_call *call = &((norm_calls *)op->state)->forward;
  dnn_desc vector = dnn_desc_make(1, channels, dnnl_a);
  if (!vector) return cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory: planning a norm");
  static const int vectors[] = {DNNL_ARG_SCALE, DNNL_ARG_SHIFT, DNNL_ARG_MEAN, DNNL_ARG_VARIANCE};
  cutlab_status status = dnn_call_make(context, device, call, description, op->node->name);
  if (status == CUTLAB_OK) status = dnn_call_add(context, device, call, DNNL_ARG_SRC, data);
  if (status == CUTLAB_OK) status = dnn_call_add(context, device, call, DNNL_ARG_DST, data);
  for (int i = 0; i < 4 && status == CUTLAB_OK; ++i)
    status = dnn_call_add(context, device, call, vectors[i], vector);
  dnn_desc workspace = dnnl_primitive_desc_query_md(description, dnnl_query_workspace_md, 0);
  if (status == CUTLAB_OK && op->training && op->node->relu && workspace) {
    status = dnn_call_add(context, device, call, DNNL_ARG_WORKSPACE, workspace);
    op->kept_bytes += dnnl_memory_desc_get_size(workspace);
  }
  op->scratch_bytes = call->scratch_bytes;
  dnn_desc_free(vector);
  return status;
}

static cutlab_status add_backward(cutlab_context *context, const dnn_device *device,
                                  cutlab_operation *op, dnn_desc data,
                                  dnnl_primitive_desc_t description) {
  static const int vectors[] = {DNNL_ARG_SCALE,      DNNL_ARG_MEAN,       DNNL_ARG_VARIANCE,
                                DNNL_ARG_DIFF_SCALE, DNNL_ARG_DIFF_SHIFT, DNNL_ARG_SHIFT};
  static const int tensors[] = {DNNL_ARG_SRC, DNNL_ARG_DIFF_DST, DNNL_ARG_DIFF_SRC};
  dnnl_dims_t channels = {op->output[0]->channels};
  dnn_call *call = &((norm_calls *)op->state)->backward;
  dnn_desc vector = dnn_desc_make(1, channels, dnnl_a);
  if (!vector) return cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory: planning a norm");
  cutlab_status status = dnn_call_make(context, device, call, description, op->node->name);
  for (int i = 0; i < 3 && status == CUTLAB_OK; ++i)
    status = dnn_call_add(context, device, call, tensors[i], data);
  for (int i = 0; i < dnn_norm_backward_vectors && status == CUTLAB_OK; ++i)
    status = dnn_call_add(context, device, call, vectors[i], vector);
  dnn_desc workspace = dnnl_primitive_desc_query_md(description, dnnl_query_workspace_md, 0);
  if (status == CUTLAB_OK && op->node->relu && workspace)
    status = dnn_call_add(context, device, call, DNNL_ARG_WORKSPACE, workspace);
  if (call->scratch_bytes > op->scratch_bytes) op->scratch_bytes = call->scratch_bytes;
  dnn_desc_free(vector);
  return status;
}

static cutlab_status plan_calls(cutlab_context *context, const dnn_device *device,
                                cutlab_operation *op, dnn_desc data) {
  const cutlab_node *node = op->node;
  unsigned flags = dnn_scale_shift | (node->relu ? dnnl_fuse_norm_relu : 0) |
                   (op->training ? 0 : dnnl_use_global_stats);
  dnnl_prop_kind_t prop = op->training ? dnnl_forward_training : dnnl_forward_inference;
  dnn_maker maker = {device->engine, device->attr, NULL};
  dnnl_primitive_desc_t backward = NULL;
  float epsilon = (float)node->epsilon;
  CUTLAB_TRY(dnn_check(context, dnn_norm_forward(&maker.hint, &maker, prop, data, epsilon, flags),
                       "forward", node->name));
  cutlab_status status = add_forward(context, device, op, data, maker.hint);
  if (status == CUTLAB_OK && op->training)
    status = dnn_check(context, dnn_norm_backward(&backward, &maker, data, epsilon, flags),
                       "backward", node->name);
  if (status == CUTLAB_OK && op->training)
    status = add_backward(context, device, op, data, backward);
  dnnl_primitive_desc_destroy(maker.hint);
  if (backward) dnnl_primitive_desc_destroy(backward);
  return status;
}

/* Scratch memory of backward's primitive, whole cache lines. */
static size_t call_scratch(const cutlab_operation *op) {
  return (((const norm_calls *)op->state)->backward.scratch_bytes + 63) / 64 * 64;
}

static cutlab_status plan(cutlab_context *context, const dnn_device *device, cutlab_operation *op) {
  op->state = cutlab_allocate(context, 1, sizeof(norm_calls));
  if (!op->state) return CUTLAB_ERROR_MEMORY;
  CUTLAB_TRY(dnn_output_set(context, device, op->output[0]));
  if (op->training) op->kept_bytes = (size_t)(2 * kept_statistics(op)) * sizeof(float);
  CUTLAB_TRY(plan_calls(context, device, op, op->output[0]->layout));
  if (op->training && !op->input_gradient[0])
    op->scratch_bytes = call_scratch(op) + op->output[0]->bytes;
  return CUTLAB_OK;
}

static void update_running(cutlab_operation *op, const float *mean, const float *variance) {
  const cutlab_tensor *input = op->input[0];
  double values = (double)(input->count * input->height * input->width);
  double momentum = op->node->momentum, unbiased = values > 1 ? values / (values - 1) : 1;
  for (int64_t c = 0; c < input->channels; ++c) {
    op->parameter[2][c] = (float)((1 - momentum) * op->parameter[2][c] + momentum * mean[c]);
    op->parameter[3][c] =
        (float)((1 - momentum) * op->parameter[3][c] + momentum * unbiased * variance[c]);
  }
}

static cutlab_status forward(cutlab_context *context, const dnn_device *device,
                             cutlab_operation *op) {
  dnn_call *call = &((norm_calls *)op->state)->forward;
  float *mean = op->training ? op->kept : op->parameter[2];
  float *variance = op->training ? mean + kept_statistics(op) : op->parameter[3];
  const void *data[] = {
      op->input[0]->data, op->output[0]->data, op->parameter[0], op->parameter[1], mean, variance};
  for (int i = 0; i < 6; ++i) dnn_call_set(call, i, data[i]);
  if (op->training && op->node->relu) dnn_call_set(call, 6, mean + 2 * kept_statistics(op));
  CUTLAB_TRY(dnn_call_run(context, device, call, op->scratch));
  if (op->training) update_running(op, mean, variance);
  return CUTLAB_OK;
}

static cutlab_status backward(cutlab_context *context, const dnn_device *device,
                              cutlab_operation *op) {
  dnn_call *call = &((norm_calls *)op->state)->backward;
  const float *mean = op->kept;
  /* oneDNN writes the input's gradient in any case; where nobody wants it, to scratch memory. */
  const void *gradient = op->input_gradient[0] ? (const char *)op->input_gradient[0]->data
                                               : (const char *)op->scratch + call_scratch(op);
  const void *data[] = {op->input[0]->data,
                        op->output_gradient[0]->data,
                        gradient,
                        op->parameter[0],
                        mean,
                        mean + kept_statistics(op),
                        op->gradient[0],
                        op->gradient[1],
                        op->parameter[1]};
  int count = 3 + dnn_norm_backward_vectors;
  for (int i = 0; i < count; ++i) dnn_call_set(call, i, data[i]);
  if (op->node->relu) dnn_call_set(call, count, mean + 2 * kept_statistics(op));
  return dnn_call_run(context, device, call, op->scratch);
}

static void release(cutlab_operation *op) {
  dnn_call_free(&((norm_calls *)op->state)->forward);
  dnn_call_free(&((norm_calls *)op->state)->backward);
}

const dnn_operation dnn_norm = {plan, forward, backward, release};
