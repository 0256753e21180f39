/* Convolution and linear: images in the backend's layout, weights in the one that oneDNN wants for
   each of its three primitives, reordered from the plain ones at every step (well below 1% of it).
 */
#include <stdlib.h>
#include <string.h>

#include "nn/onednn/call.h"

/* The three primitives. Each takes a first tensor, weights and a second tensor; of these,
   `gradient` makes the weights and the others the second tensor. */
enum { forward_part, backward_part, gradient_part, parts };

static const struct {
  const char *what;
  int arguments[3]; /* first, weights, second */
  dnnl_query_t layouts[3];
} table[parts] = {
    {"forward",
     {DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST},
     {dnnl_query_src_md, dnnl_query_weights_md, dnnl_query_dst_md}},
    {"backward",
     {DNNL_ARG_DIFF_DST, DNNL_ARG_WEIGHTS, DNNL_ARG_DIFF_SRC},
     {dnnl_query_diff_dst_md, dnnl_query_weights_md, dnnl_query_diff_src_md}},
    {"the gradient",
     {DNNL_ARG_SRC, DNNL_ARG_DIFF_WEIGHTS, DNNL_ARG_DIFF_DST},
     {dnnl_query_src_md, dnnl_query_diff_weights_md, dnnl_query_diff_dst_md}},
};

typedef struct weighted_call {
  dnn_call call;     /* first, weights, second[, bias] */
  dnn_port ports[3]; /* from our layouts to the primitive's, of results from its to ours */
} weighted_call;

/* Descriptions that exist only while planning. */
typedef struct descriptions {
  bool linear;
  dnn_desc input, output, any_input, any_output, any_weights, plain_weights, bias;
  dnn_window window;
  dnnl_primitive_desc_t made[parts];
} descriptions;

static bool is_result(int part, int i) {
  return i == (part == gradient_part ? 1 : 2);
}

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
  dnnl_dims_t input = {op->input[0]->count, op->input[0]->channels, op->input[0]->height,
                       op->input[0]->width};
  dnnl_dims_t output = {op->output[0]->count, op->output[0]->channels, op->output[0]->height,
                        op->output[0]->width};
  sketch->any_input = dnn_desc_make(4, input, dnnl_format_tag_any);
  sketch->any_output = dnn_desc_make(4, output, dnnl_format_tag_any);
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
      (sketch->bias || !op->parameter[1]) &&
      (sketch->linear || (sketch->any_input && sketch->any_output)))
    return CUTLAB_OK;
  return cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory: planning %s", op->node->name);
}

static void sketch_free(descriptions *sketch) {
  dnn_desc_free(sketch->input);
  dnn_desc_free(sketch->output);
  dnn_desc_free(sketch->any_input);
  dnn_desc_free(sketch->any_output);
  dnn_desc_free(sketch->any_weights);
  dnn_desc_free(sketch->plain_weights);
  dnn_desc_free(sketch->bias);
  for (int part = 0; part < parts; ++part)
    if (sketch->made[part]) dnnl_primitive_desc_destroy(sketch->made[part]);
}

static dnnl_status_t describe_linear(dnnl_primitive_desc_t *made, const descriptions *sketch,
                                     const dnn_maker *maker, int part) {
  if (part == backward_part)
    return dnn_linear_backward_data(made, maker, sketch->input, sketch->any_weights,
                                    sketch->output);
  if (part == gradient_part)
    return dnn_linear_backward_weights(made, maker, sketch->input, sketch->any_weights,
                                       sketch->bias, sketch->output);
  return dnn_linear_forward(made, maker, dnnl_forward_training, sketch->input, sketch->any_weights,
                            sketch->bias, sketch->output);
}

/* Winograd for inference would want its weights transformed ahead, once for many runs: forward is
   always that of training. */
static dnnl_status_t describe_conv(dnnl_primitive_desc_t *made, const descriptions *sketch,
                                   const dnn_maker *maker, int part, bool any) {
  dnn_desc input = any ? sketch->any_input : sketch->input;
  dnn_desc output = any ? sketch->any_output : sketch->output;
  if (part == backward_part)
    return dnn_conv_backward_data(made, maker, input, sketch->any_weights, output, &sketch->window);
  if (part == gradient_part)
    return dnn_conv_backward_weights(made, maker, input, sketch->any_weights, sketch->bias, output,
                                     &sketch->window);
  return dnn_conv_forward(made, maker, dnnl_forward_training, input, sketch->any_weights,
                          sketch->bias, output, &sketch->window);
}

/* oneDNN's plain loops, hundreds of times slower: what is left where no kernel takes the layouts.
 */
static bool is_plain_loop(const_dnnl_primitive_desc_t made) {
  const char *name = "";
  dnnl_primitive_desc_query(made, dnnl_query_impl_info_str, 0, &name);
  return strncmp(name, "ref", 3) == 0;
}

/* In our layouts; where no kernel takes these (channels that do not fill blocks), in oneDNN's. */
static dnnl_status_t describe(descriptions *sketch, const dnn_device *device, int part) {
  dnn_maker maker = {device->engine, device->attr, sketch->made[forward_part]};
  dnnl_primitive_desc_t *made = &sketch->made[part];
  if (sketch->linear) return describe_linear(made, sketch, &maker, part);
  dnnl_status_t status = describe_conv(made, sketch, &maker, part, false);
  if (status == dnnl_success && !is_plain_loop(*made)) return status;
  dnnl_primitive_desc_t other = NULL;
  if (describe_conv(&other, sketch, &maker, part, true) != dnnl_success) return status;
  if (status == dnnl_success) dnnl_primitive_desc_destroy(*made);
  *made = other;
  return dnnl_success;
}

static size_t most(size_t a, size_t b) {
  return a > b ? a : b;
}

/* Scratch memory of a call: copies in its layouts, then the most that it or a reorder wants. */
static size_t copies_bytes(const weighted_call *weighted) {
  return weighted->ports[0].bytes + weighted->ports[1].bytes + weighted->ports[2].bytes;
}

static size_t scratch_bytes(const weighted_call *weighted) {
  size_t bytes = weighted->call.scratch_bytes;
  for (int i = 0; i < 3; ++i) bytes = most(bytes, weighted->ports[i].reorder.scratch_bytes);
  return copies_bytes(weighted) + bytes;
}

static cutlab_status plan_part(cutlab_context *context, const dnn_device *device,
                               cutlab_operation *op, descriptions *sketch, int part) {
  weighted_call *weighted = (weighted_call *)op->state + part;
  const char *name = op->node->name;
  bool backward = part == backward_part;
  dnn_desc ours[3] = {backward ? sketch->output : sketch->input, sketch->plain_weights,
                      backward ? sketch->input : sketch->output};
  CUTLAB_TRY(dnn_check(context, describe(sketch, device, part), table[part].what, name));
  CUTLAB_TRY(dnn_call_make(context, device, &weighted->call, sketch->made[part], name));
  for (int i = 0; i < 3; ++i) {
    dnn_desc theirs = dnnl_primitive_desc_query_md(sketch->made[part], table[part].layouts[i], 0);
    bool result = is_result(part, i);
    CUTLAB_TRY(dnn_call_add(context, device, &weighted->call, table[part].arguments[i], theirs));
    CUTLAB_TRY(dnn_port_make(context, device, &weighted->ports[i], result ? theirs : ours[i],
                             result ? ours[i] : theirs, !result, name));
  }
  if (sketch->bias && !backward)
    CUTLAB_TRY(dnn_call_add(context, device, &weighted->call,
                            part == forward_part ? DNNL_ARG_BIAS : DNNL_ARG_DIFF_BIAS,
                            sketch->bias));
  op->scratch_bytes = most(op->scratch_bytes, scratch_bytes(weighted));
  return CUTLAB_OK;
}

static cutlab_status plan(cutlab_context *context, const dnn_device *device, cutlab_operation *op) {
  op->state = cutlab_allocate(context, parts, sizeof(weighted_call));
  if (!op->state) return CUTLAB_ERROR_MEMORY;
  CUTLAB_TRY(dnn_output_set(context, device, op->output[0]));
  descriptions sketch = {0};
  cutlab_status status = sketch_make(context, &sketch, op);
  if (status == CUTLAB_OK) status = plan_part(context, device, op, &sketch, forward_part);
  if (status == CUTLAB_OK && op->input_gradient[0])
    status = plan_part(context, device, op, &sketch, backward_part);
  if (status == CUTLAB_OK && op->training)
    status = plan_part(context, device, op, &sketch, gradient_part);
  sketch_free(&sketch);
  return status;
}

/* Runs a part on tensors in our layouts: first, weights, second. */
static cutlab_status run(cutlab_context *context, const dnn_device *device, cutlab_operation *op,
                         int part, float *const tensors[3], float *bias) {
  weighted_call *weighted = (weighted_call *)op->state + part;
  char *copy = op->scratch, *scratch = copy + copies_bytes(weighted);
  float *used[3];
  for (int i = 0; i < 3; ++i) {
    dnn_port *port = &weighted->ports[i];
    used[i] = port->bytes ? (float *)copy : tensors[i];
    copy += port->bytes;
    if (port->bytes && !is_result(part, i))
      CUTLAB_TRY(dnn_port_run(context, device, port, tensors[i], used[i], scratch));
    dnn_call_set(&weighted->call, i, used[i]);
  }
  if (bias) dnn_call_set(&weighted->call, 3, bias);
  CUTLAB_TRY(dnn_call_run(context, device, &weighted->call, scratch));
  for (int i = 0; i < 3; ++i)
    if (weighted->ports[i].bytes && is_result(part, i))
      CUTLAB_TRY(dnn_port_run(context, device, &weighted->ports[i], used[i], tensors[i], scratch));
  return CUTLAB_OK;
}

static cutlab_status forward(cutlab_context *context, const dnn_device *device,
                             cutlab_operation *op) {
  float *const tensors[] = {op->input[0]->data, op->parameter[0], op->output[0]->data};
  return run(context, device, op, forward_part, tensors, op->parameter[1]);
}

static cutlab_status backward(cutlab_context *context, const dnn_device *device,
                              cutlab_operation *op) {
  float *above = op->output_gradient[0]->data;
  float *const gradient[] = {op->input[0]->data, op->gradient[0], above};
  CUTLAB_TRY(run(context, device, op, gradient_part, gradient, op->gradient[1]));
  if (!op->input_gradient[0]) return CUTLAB_OK;
  float *const tensors[] = {above, op->parameter[0], op->input_gradient[0]->data};
  return run(context, device, op, backward_part, tensors, NULL);
}

static void release(cutlab_operation *op) {
  weighted_call *weighted = op->state;
  for (int part = 0; part < parts; ++part) {
    dnn_call_free(&weighted[part].call);
    for (int i = 0; i < 3; ++i) dnn_port_free(&weighted[part].ports[i]);
  }
}

const dnn_operation dnn_weighted = {plan, forward, backward, release};
