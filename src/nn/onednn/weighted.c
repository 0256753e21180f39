/* Convolution and linear: images in the backend's layout, weights in the one that oneDNN wants for
   each of its three primitives, reordered from the plain ones at every step (well below 1% of it).
 */
#include <stdlib.h>

#include "nn/onednn/call.h"

typedef struct weighted_calls {
  dnn_call forward, backward_data, backward_weights;
  dnn_port weights_forward, weights_backward; /* plain to the primitive's */
  dnn_port weights_gradient;                  /* the primitive's to plain */
} weighted_calls;

/* Descriptions that exist only while planning. */
typedef struct descriptions {
  bool linear;
  dnn_desc input, output, any_weights, plain_weights, bias;
  dnn_window window;
  dnnl_primitive_desc_t forward, backward_data, backward_weights;
} descriptions;

/* Linear layers see rows of numbers where the memory is that, and images with a kernel of their
   size otherwise. */
static void sketch_linear(descriptions *sketch, const cutlab_operation *op) {
  const cutlab_tensor *input = op->input[0], *output = op->output[0];
  bool pixel = input->height * input->width == 1;
  int rank = pixel ? 2 : 4;
  dnnl_dims_t weights = {output->channels, input->channels, input->height, input->width};
  sketch->linear = true;
  sketch->input = pixel ? dnn_matrix_make(input->count, input->channels) : dnn_desc_of(input);
  sketch->output = dnn_matrix_make(output->count, output->channels);
  sketch->any_weights = dnn_desc_make(rank, weights, dnnl_format_tag_any);
  sketch->plain_weights = dnn_desc_make(rank, weights, pixel ? dnnl_ab : dnnl_abcd);
}

static void sketch_conv(descriptions *sketch, const cutlab_operation *op) {
  const cutlab_node *node = op->node;
  dnnl_dims_t weights = {op->output[0]->channels, op->input[0]->channels, node->kernel[0],
                         node->kernel[1]};
  sketch->input = dnn_desc_of(op->input[0]);
  sketch->output = dnn_desc_of(op->output[0]);
  sketch->any_weights = dnn_desc_make(4, weights, dnnl_format_tag_any);
  sketch->plain_weights = dnn_desc_make(4, weights, dnnl_abcd);
  for (int k = 0; k < 2; ++k) {
    sketch->window.stride[k] = node->stride[k];
    sketch->window.pad[k] = node->pad[k];
  }
}

static cutlab_status sketch_make(cutlab_context *context, descriptions *sketch,
                                 const cutlab_operation *op) {
  dnnl_dims_t bias = {op->output[0]->channels};
  if (op->node->kind == CUTLAB_OP_LINEAR)
    sketch_linear(sketch, op);
  else
    sketch_conv(sketch, op);
  if (op->parameter[1]) sketch->bias = dnn_desc_make(1, bias, dnnl_a);
  if (sketch->input && sketch->output && sketch->any_weights && sketch->plain_weights &&
      (sketch->bias || !op->parameter[1]))
    return CUTLAB_OK;
  return cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory: planning %s", op->node->name);
}

static dnnl_status_t describe_forward(descriptions *sketch, const dnn_maker *maker,
                                      dnnl_prop_kind_t prop) {
  if (sketch->linear)
    return dnn_linear_forward(&sketch->forward, maker, prop, sketch->input, sketch->any_weights,
                              sketch->bias, sketch->output);
  return dnn_conv_forward(&sketch->forward, maker, prop, sketch->input, sketch->any_weights,
                          sketch->bias, sketch->output, &sketch->window);
}

static dnnl_status_t describe_backward_data(descriptions *sketch, const dnn_maker *maker) {
  if (sketch->linear)
    return dnn_linear_backward_data(&sketch->backward_data, maker, sketch->input,
                                    sketch->any_weights, sketch->output);
  return dnn_conv_backward_data(&sketch->backward_data, maker, sketch->input, sketch->any_weights,
                                sketch->output, &sketch->window);
}

static dnnl_status_t describe_backward_weights(descriptions *sketch, const dnn_maker *maker) {
  if (sketch->linear)
    return dnn_linear_backward_weights(&sketch->backward_weights, maker, sketch->input,
                                       sketch->any_weights, sketch->bias, sketch->output);
  return dnn_conv_backward_weights(&sketch->backward_weights, maker, sketch->input,
                                   sketch->any_weights, sketch->bias, sketch->output,
                                   &sketch->window);
}

static void sketch_free(descriptions *sketch) {
  dnn_desc_free(sketch->input);
  dnn_desc_free(sketch->output);
  dnn_desc_free(sketch->any_weights);
  dnn_desc_free(sketch->plain_weights);
  dnn_desc_free(sketch->bias);
  if (sketch->forward) dnnl_primitive_desc_destroy(sketch->forward);
  if (sketch->backward_data) dnnl_primitive_desc_destroy(sketch->backward_data);
  if (sketch->backward_weights) dnnl_primitive_desc_destroy(sketch->backward_weights);
}

static size_t most(size_t a, size_t b) {
  return a > b ? a : b;
}

/* Scratch of a call: weights in its layout first, then the larger of what it and the reorder want.
 */
static void want_scratch(cutlab_operation *op, const dnn_call *call, const dnn_port *port) {
  size_t bytes = port->bytes + most(call->scratch_bytes, port->reorder.scratch_bytes);
  op->scratch_bytes = most(op->scratch_bytes, bytes);
}

static cutlab_status plan_forward(cutlab_context *context, const dnn_device *device,
                                  cutlab_operation *op, descriptions *sketch) {
  weighted_calls *state = op->state;
  dnn_maker maker = {device->engine, device->attr, NULL};
  /* Winograd for inference would want its weights transformed ahead, once for many runs. */
  dnnl_status_t made = describe_forward(sketch, &maker, dnnl_forward_training);
  CUTLAB_TRY(dnn_check(context, made, "forward", op->node->name));
  dnn_desc weights = dnnl_primitive_desc_query_md(sketch->forward, dnnl_query_weights_md, 0);
  dnn_call *call = &state->forward;
  CUTLAB_TRY(dnn_call_make(context, device, call, sketch->forward, op->node->name));
  CUTLAB_TRY(dnn_call_add(context, device, call, DNNL_ARG_SRC, sketch->input));
  CUTLAB_TRY(dnn_call_add(context, device, call, DNNL_ARG_WEIGHTS, weights));
  CUTLAB_TRY(dnn_call_add(context, device, call, DNNL_ARG_DST, sketch->output));
  if (sketch->bias) CUTLAB_TRY(dnn_call_add(context, device, call, DNNL_ARG_BIAS, sketch->bias));
  CUTLAB_TRY(dnn_port_make(context, device, &state->weights_forward, sketch->plain_weights, weights,
                           true, op->node->name));
  want_scratch(op, call, &state->weights_forward);
  return CUTLAB_OK;
}

static cutlab_status plan_backward_data(cutlab_context *context, const dnn_device *device,
                                        cutlab_operation *op, descriptions *sketch) {
  weighted_calls *state = op->state;
  dnn_maker maker = {device->engine, device->attr, sketch->forward};
  dnnl_status_t made = describe_backward_data(sketch, &maker);
  CUTLAB_TRY(dnn_check(context, made, "backward", op->node->name));
  dnn_desc weights = dnnl_primitive_desc_query_md(sketch->backward_data, dnnl_query_weights_md, 0);
  dnn_call *call = &state->backward_data;
  CUTLAB_TRY(dnn_call_make(context, device, call, sketch->backward_data, op->node->name));
  CUTLAB_TRY(dnn_call_add(context, device, call, DNNL_ARG_DIFF_DST, sketch->output));
  CUTLAB_TRY(dnn_call_add(context, device, call, DNNL_ARG_WEIGHTS, weights));
  CUTLAB_TRY(dnn_call_add(context, device, call, DNNL_ARG_DIFF_SRC, sketch->input));
  CUTLAB_TRY(dnn_port_make(context, device, &state->weights_backward, sketch->plain_weights,
                           weights, true, op->node->name));
  want_scratch(op, call, &state->weights_backward);
  return CUTLAB_OK;
}

static cutlab_status plan_backward_weights(cutlab_context *context, const dnn_device *device,
                                           cutlab_operation *op, descriptions *sketch) {
  weighted_calls *state = op->state;
  dnn_maker maker = {device->engine, device->attr, sketch->forward};
  dnnl_status_t made = describe_backward_weights(sketch, &maker);
  CUTLAB_TRY(dnn_check(context, made, "the gradient", op->node->name));
  dnn_desc weights =
      dnnl_primitive_desc_query_md(sketch->backward_weights, dnnl_query_diff_weights_md, 0);
  dnn_call *call = &state->backward_weights;
  CUTLAB_TRY(dnn_call_make(context, device, call, sketch->backward_weights, op->node->name));
  CUTLAB_TRY(dnn_call_add(context, device, call, DNNL_ARG_SRC, sketch->input));
  CUTLAB_TRY(dnn_call_add(context, device, call, DNNL_ARG_DIFF_DST, sketch->output));
  CUTLAB_TRY(dnn_call_add(context, device, call, DNNL_ARG_DIFF_WEIGHTS, weights));
  if (sketch->bias)
    CUTLAB_TRY(dnn_call_add(context, device, call, DNNL_ARG_DIFF_BIAS, sketch->bias));
  CUTLAB_TRY(dnn_port_make(context, device, &state->weights_gradient, weights,
                           sketch->plain_weights, false, op->node->name));
  want_scratch(op, call, &state->weights_gradient);
  return CUTLAB_OK;
}

static cutlab_status plan(cutlab_context *context, const dnn_device *device, cutlab_operation *op) {
  op->state = cutlab_allocate(context, 1, sizeof(weighted_calls));
  if (!op->state) return CUTLAB_ERROR_MEMORY;
  CUTLAB_TRY(dnn_output_set(context, device, op->output[0]));
  descriptions sketch = {0};
  cutlab_status status = sketch_make(context, &sketch, op);
  if (status == CUTLAB_OK) status = plan_forward(context, device, op, &sketch);
  if (status == CUTLAB_OK && op->input_gradient[0])
    status = plan_backward_data(context, device, op, &sketch);
  if (status == CUTLAB_OK && op->training)
    status = plan_backward_weights(context, device, op, &sketch);
  sketch_free(&sketch);
  return status;
}

/* Weights in the call's layout: those given, or reordered to the start of the scratch memory. */
static cutlab_status bring_weights(cutlab_context *context, const dnn_device *device,
                                   const float **weights, dnn_port *port, cutlab_operation *op) {
  *weights = op->parameter[0];
  if (!port->bytes) return CUTLAB_OK;
  *weights = op->scratch;
  return dnn_port_run(context, device, port, op->parameter[0], op->scratch,
                      (char *)op->scratch + port->bytes);
}

static cutlab_status forward(cutlab_context *context, const dnn_device *device,
                             cutlab_operation *op) {
  weighted_calls *state = op->state;
  const float *weights;
  CUTLAB_TRY(bring_weights(context, device, &weights, &state->weights_forward, op));
  dnn_call_set(&state->forward, 0, op->input[0]->data);
  dnn_call_set(&state->forward, 1, weights);
  dnn_call_set(&state->forward, 2, op->output[0]->data);
  if (op->parameter[1]) dnn_call_set(&state->forward, 3, op->parameter[1]);
  return dnn_call_run(context, device, &state->forward,
                      (char *)op->scratch + state->weights_forward.bytes);
}

static cutlab_status backward_data(cutlab_context *context, const dnn_device *device,
                                   cutlab_operation *op) {
  weighted_calls *state = op->state;
  const float *weights;
  CUTLAB_TRY(bring_weights(context, device, &weights, &state->weights_backward, op));
  dnn_call_set(&state->backward_data, 0, op->output_gradient[0]->data);
  dnn_call_set(&state->backward_data, 1, weights);
  dnn_call_set(&state->backward_data, 2, op->input_gradient[0]->data);
  return dnn_call_run(context, device, &state->backward_data,
                      (char *)op->scratch + state->weights_backward.bytes);
}

static cutlab_status backward(cutlab_context *context, const dnn_device *device,
                              cutlab_operation *op) {
  weighted_calls *state = op->state;
  dnn_port *port = &state->weights_gradient;
  float *gradient = port->bytes ? op->scratch : op->gradient[0];
  char *scratch = (char *)op->scratch + port->bytes;
  dnn_call_set(&state->backward_weights, 0, op->input[0]->data);
  dnn_call_set(&state->backward_weights, 1, op->output_gradient[0]->data);
  dnn_call_set(&state->backward_weights, 2, gradient);
  if (op->parameter[1]) dnn_call_set(&state->backward_weights, 3, op->gradient[1]);
  CUTLAB_TRY(dnn_call_run(context, device, &state->backward_weights, scratch));
  if (port->bytes)
    CUTLAB_TRY(dnn_port_run(context, device, port, gradient, op->gradient[0], scratch));
  return op->input_gradient[0] ? backward_data(context, device, op) : CUTLAB_OK;
}

static void release(cutlab_operation *op) {
  weighted_calls *state = op->state;
  dnn_call_free(&state->forward);
  dnn_call_free(&state->backward_data);
  dnn_call_free(&state->backward_weights);
  dnn_port_free(&state->weights_forward);
  dnn_port_free(&state->weights_backward);
  dnn_port_free(&state->weights_gradient);
}

const dnn_operation dnn_weighted = {plan, forward, backward, release};
