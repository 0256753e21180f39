/* Pooling with oneDNN; a sum is a mean times the number of positions, padding counted. */
#include "nn/onednn/call.h"

typedef struct pool_calls {
  dnn_call forward, backward;
  float factor; /* of the result */
} pool_calls;

static dnnl_alg_kind_t algorithm(const cutlab_node *node) {
  if (node->pool == CUTLAB_POOL_MAX) return dnnl_pooling_max;
  return node->pool == CUTLAB_POOL_MEAN ? dnnl_pooling_avg_exclude_padding
                                        : dnnl_pooling_avg_include_padding;
}

/* For max, which position was the largest is kept in the workspace. */
static cutlab_status add_call(cutlab_context *context, const dnn_device *device, const char *name,
                              dnn_call *call, dnnl_primitive_desc_t description,
                              const int arguments[2], dnn_desc first, dnn_desc second,
                              dnn_desc workspace) {
  CUTLAB_TRY(dnn_call_make(context, device, call, description, name));
  CUTLAB_TRY(dnn_call_add(context, device, call, arguments[0], first));
  CUTLAB_TRY(dnn_call_add(context, device, call, arguments[1], second));
  return workspace ? dnn_call_add(context, device, call, DNNL_ARG_WORKSPACE, workspace) : CUTLAB_OK;
}

static cutlab_status plan_calls(cutlab_context *context, const dnn_device *device,
                                cutlab_operation *op, dnn_desc input, dnn_desc output) {
  static const int forward[] = {DNNL_ARG_SRC, DNNL_ARG_DST};
  static const int backward[] = {DNNL_ARG_DIFF_DST, DNNL_ARG_DIFF_SRC};
  pool_calls *state = op->state;
  const cutlab_node *node = op->node;
  dnn_window window = {{node->kernel[0], node->kernel[1]},
                       {node->stride[0], node->stride[1]},
                       {node->pad[0], node->pad[1]}};
  dnnl_prop_kind_t prop = op->training ? dnnl_forward_training : dnnl_forward_inference;
  dnn_maker maker = {device->engine, device->attr, NULL};
  dnnl_primitive_desc_t back = NULL;
  dnnl_alg_kind_t alg = algorithm(node);
  CUTLAB_TRY(dnn_check(context,
                       dnn_pool_forward(&maker.hint, &maker, prop, alg, input, output, &window),
                       "forward", node->name));
  dnn_desc workspace = NULL;
  if (op->training && node->pool == CUTLAB_POOL_MAX)
    workspace = dnnl_primitive_desc_query_md(maker.hint, dnnl_query_workspace_md, 0);
  if (workspace) op->kept_bytes = dnnl_memory_desc_get_size(workspace);
  cutlab_status status = add_call(context, device, node->name, &state->forward, maker.hint, forward,
                                  input, output, workspace);
  if (status == CUTLAB_OK && op->input_gradient[0])
    status = dnn_check(context, dnn_pool_backward(&back, &maker, alg, input, output, &window),
                       "backward", node->name);
  if (status == CUTLAB_OK && back)
    status = add_call(context, device, node->name, &state->backward, back, backward, output, input,
                      workspace);
  op->scratch_bytes = state->forward.scratch_bytes > state->backward.scratch_bytes
                          ? state->forward.scratch_bytes
                          : state->backward.scratch_bytes;
  dnnl_primitive_desc_destroy(maker.hint);
  if (back) dnnl_primitive_desc_destroy(back);
  return status;
}

static cutlab_status plan(cutlab_context *context, const dnn_device *device, cutlab_operation *op) {
  pool_calls *made = cutlab_allocate(context, 1, sizeof *made);
  op->state = made;
  if (!made) return CUTLAB_ERROR_MEMORY;
  const cutlab_node *node = op->node;
  made->factor = node->pool == CUTLAB_POOL_SUM ? (float)(node->kernel[0] * node->kernel[1]) : 1.0F;
  CUTLAB_TRY(dnn_output_set(context, device, op->output[0]));
  dnn_desc input = dnn_desc_of(op->input[0]);
  if (!input) return cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory: planning a pool");
  cutlab_status status = plan_calls(context, device, op, input, op->output[0]->layout);
  dnn_desc_free(input);
  return status;
}

static cutlab_status run(cutlab_context *context, const dnn_device *device, cutlab_operation *op,
                         dnn_call *call, const cutlab_tensor *from, const cutlab_tensor *to) {
  pool_calls *state = op->state;
  dnn_call_set(call, 0, from->data);
  dnn_call_set(call, 1, to->data);
  if (op->kept_bytes) dnn_call_set(call, 2, op->kept);
  CUTLAB_TRY(dnn_call_run(context, device, call, op->scratch));
  if (state->factor != 1)
    for (int64_t i = 0; i < dnn_floats(to); ++i) to->data[i] *= state->factor;
  return CUTLAB_OK;
}

static cutlab_status forward(cutlab_context *context, const dnn_device *device,
                             cutlab_operation *op) {
  return run(context, device, op, &((pool_calls *)op->state)->forward, op->input[0], op->output[0]);
}

static cutlab_status backward(cutlab_context *context, const dnn_device *device,
                              cutlab_operation *op) {
  if (!op->input_gradient[0]) return CUTLAB_OK;
  return run(context, device, op, &((pool_calls *)op->state)->backward, op->output_gradient[0],
             op->input_gradient[0]);
}

static void release(cutlab_operation *op) {
  dnn_call_free(&((pool_calls *)op->state)->forward);
  dnn_call_free(&((pool_calls *)op->state)->backward);
}

const dnn_operation dnn_pool = {plan, forward, backward, release};
