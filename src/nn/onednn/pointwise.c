/* Operations element by element. Sums, ReLU of sums and the smoothed leaky ReLU are loops of our
   own over whatever layout there is: padding is 0 and stays 0. */
#include "nn/dropout.h"
#include "nn/onednn/call.h"

/* ---- Activations ---- */

typedef struct activation_state {
  dnn_call forward, backward;
} activation_state;

static dnnl_alg_kind_t algorithm(const cutlab_node *node) {
  if (node->activation == CUTLAB_GELU) return dnnl_eltwise_gelu_erf;
  return node->activation == CUTLAB_SILU ? dnnl_eltwise_swish : dnnl_eltwise_relu;
}

static cutlab_status plan_eltwise(cutlab_context *context, const dnn_device *device,
                                  cutlab_operation *op, dnn_desc data) {
  activation_state *state = op->state;
  dnnl_prop_kind_t prop = op->training ? dnnl_forward_training : dnnl_forward_inference;
  dnn_maker maker = {device->engine, device->attr, NULL};
  dnnl_primitive_desc_t back = NULL;
  dnnl_alg_kind_t alg = algorithm(op->node);
  float alpha = alg == dnnl_eltwise_swish ? 1.0F : (float)op->node->slope;
  CUTLAB_TRY(dnn_check(context, dnn_eltwise_forward(&maker.hint, &maker, prop, alg, data, alpha),
                       "forward", op->node->name));
  cutlab_status status =
      dnn_call_make(context, device, &state->forward, maker.hint, op->node->name);
  if (status == CUTLAB_OK)
    status = dnn_call_add(context, device, &state->forward, DNNL_ARG_SRC, data);
  if (status == CUTLAB_OK)
    status = dnn_call_add(context, device, &state->forward, DNNL_ARG_DST, data);
  if (status == CUTLAB_OK && op->input_gradient[0]) {
    static const int arguments[] = {DNNL_ARG_SRC, DNNL_ARG_DIFF_DST, DNNL_ARG_DIFF_SRC};
    status = dnn_check(context, dnn_eltwise_backward(&back, &maker, alg, data, alpha), "backward",
                       op->node->name);
    if (status == CUTLAB_OK)
      status = dnn_call_make(context, device, &state->backward, back, op->node->name);
    for (int i = 0; i < 3 && status == CUTLAB_OK; ++i)
      status = dnn_call_add(context, device, &state->backward, arguments[i], data);
  }
  op->scratch_bytes = state->forward.scratch_bytes > state->backward.scratch_bytes
                          ? state->forward.scratch_bytes
                          : state->backward.scratch_bytes;
  dnnl_primitive_desc_destroy(maker.hint);
  if (back) dnnl_primitive_desc_destroy(back);
  return status;
}

static cutlab_status activation_plan(cutlab_context *context, const dnn_device *device,
                                     cutlab_operation *op) {
  op->state = cutlab_allocate(context, 1, sizeof(activation_state));
  if (!op->state) return CUTLAB_ERROR_MEMORY;
  CUTLAB_TRY(dnn_output_set(context, device, op->output[0]));
  if (op->node->activation == CUTLAB_SMOOTH) return CUTLAB_OK;
  return plan_eltwise(context, device, op, op->output[0]->layout);
}

/* beta z for z <= 0, beta z + (1 - beta) z^2 / (2r) up to r, z - (1 - beta) r / 2 beyond: with
   c = min(max(z, 0), r), beta z + (1 - beta) c (z - c / 2) / r. */
static void smooth_forward(const cutlab_operation *op) {
  const float *input = op->input[0]->data;
  float *output = op->output[0]->data;
  const float beta = (float)op->node->slope, r = (float)op->node->radius;
  const int64_t count = dnn_floats(op->output[0]);
#pragma omp parallel for simd schedule(static)
  for (int64_t i = 0; i < count; ++i) {
    float z = input[i], positive = z > 0 ? z : 0, c = positive < r ? positive : r;
    output[i] = beta * z + (1 - beta) * c * (z - c / 2) / r;
  }
}

static void smooth_backward(const cutlab_operation *op) {
  const float *input = op->input[0]->data, *above = op->output_gradient[0]->data;
  float *gradient = op->input_gradient[0]->data;
  const float beta = (float)op->node->slope, r = (float)op->node->radius;
  const int64_t count = dnn_floats(op->output[0]);
#pragma omp parallel for simd schedule(static)
  for (int64_t i = 0; i < count; ++i) {
    float z = input[i], positive = z > 0 ? z : 0, c = positive < r ? positive : r;
    gradient[i] = above[i] * (beta + (1 - beta) * c / r);
  }
}

static cutlab_status activation_forward(cutlab_context *context, const dnn_device *device,
                                        cutlab_operation *op) {
  if (op->node->activation == CUTLAB_SMOOTH) {
    smooth_forward(op);
    return CUTLAB_OK;
  }
  dnn_call *call = &((activation_state *)op->state)->forward;
  dnn_call_set(call, 0, op->input[0]->data);
  dnn_call_set(call, 1, op->output[0]->data);
  return dnn_call_run(context, device, call, op->scratch);
}

static cutlab_status activation_backward(cutlab_context *context, const dnn_device *device,
                                         cutlab_operation *op) {
  if (!op->input_gradient[0]) return CUTLAB_OK;
  if (op->node->activation == CUTLAB_SMOOTH) {
    smooth_backward(op);
    return CUTLAB_OK;
  }
  dnn_call *call = &((activation_state *)op->state)->backward;
  dnn_call_set(call, 0, op->input[0]->data);
  dnn_call_set(call, 1, op->output_gradient[0]->data);
  dnn_call_set(call, 2, op->input_gradient[0]->data);
  return dnn_call_run(context, device, call, op->scratch);
}

static void activation_release(cutlab_operation *op) {
  dnn_call_free(&((activation_state *)op->state)->forward);
  dnn_call_free(&((activation_state *)op->state)->backward);
}

const dnn_operation dnn_activation = {activation_plan, activation_forward, activation_backward,
                                      activation_release};

/* ---- Forks and sums ---- */

static cutlab_status fork_plan(cutlab_context *context, const dnn_device *device,
                               cutlab_operation *op) {
  CUTLAB_TRY(dnn_output_set(context, device, op->output[0]));
  return dnn_output_set(context, device, op->output[1]);
}

static cutlab_status fork_forward(cutlab_context *context, const dnn_device *device,
                                  cutlab_operation *op) {
  (void)context, (void)device, (void)op; /* the outputs are the input */
  return CUTLAB_OK;
}

static cutlab_status fork_backward(cutlab_context *context, const dnn_device *device,
                                   cutlab_operation *op) {
  (void)context, (void)device;
  if (!op->input_gradient[0]) return CUTLAB_OK;
  float *sum = op->input_gradient[0]->data; /* also the gradient of output 0 */
  const float *other = op->output_gradient[1]->data;
  const int64_t count = dnn_floats(op->input[0]);
#pragma omp parallel for simd schedule(static)
  for (int64_t i = 0; i < count; ++i) sum[i] += other[i];
  return CUTLAB_OK;
}

const dnn_operation dnn_fork = {fork_plan, fork_forward, fork_backward, NULL};

static cutlab_status add_plan(cutlab_context *context, const dnn_device *device,
                              cutlab_operation *op) {
  CUTLAB_TRY(dnn_output_set(context, device, op->output[0]));
  for (int i = 0; i < 2; ++i) {
    dnn_desc input = dnn_desc_of(op->input[i]);
    bool same = input && dnnl_memory_desc_equal(input, op->output[0]->layout);
    dnn_desc_free(input);
    if (!same)
      return cutlab_fail(context, CUTLAB_ERROR_UNSUPPORTED, "%s: layouts differ", op->node->name);
  }
  return CUTLAB_OK;
}

static cutlab_status add_forward(cutlab_context *context, const dnn_device *device,
                                 cutlab_operation *op) {
  (void)context, (void)device;
  const float *a = op->input[0]->data, *b = op->input[1]->data;
  float *output = op->output[0]->data;
  const int64_t count = dnn_floats(op->output[0]);
  if (!op->node->relu) {
#pragma omp parallel for simd schedule(static)
    for (int64_t i = 0; i < count; ++i) output[i] = a[i] + b[i];
    return CUTLAB_OK;
  }
#pragma omp parallel for simd schedule(static)
  for (int64_t i = 0; i < count; ++i) {
    float sum = a[i] + b[i];
    output[i] = sum <= 0 ? 0 : sum; /* a NaN stays one */
  }
  return CUTLAB_OK;
}

static cutlab_status add_backward(cutlab_context *context, const dnn_device *device,
                                  cutlab_operation *op) {
  (void)context, (void)device;
  cutlab_tensor *wanted = op->input_gradient[0] ? op->input_gradient[0] : op->input_gradient[1];
  if (!op->node->relu || !wanted) return CUTLAB_OK; /* one tensor with the gradient of the output */
  const float *above = op->output_gradient[0]->data, *output = op->output[0]->data;
  float *gradient = wanted->data;
  const int64_t count = dnn_floats(op->output[0]);
#pragma omp parallel for simd schedule(static)
  for (int64_t i = 0; i < count; ++i) {
    float a = above[i]; /* read in any case, so that the loop has no branch */
    gradient[i] = output[i] > 0 ? a : 0;
  }
  return CUTLAB_OK;
}

const dnn_operation dnn_add = {add_plan, add_forward, add_backward, NULL};

/* ---- Operations on plain tensors ---- */

typedef struct plain_state {
  dnn_port in, out; /* the tensor's layout to plain and back, through scratch memory */
} plain_state;

static cutlab_status plain_ports(cutlab_context *context, const dnn_device *device,
                                 cutlab_operation *op, plain_state *state) {
  CUTLAB_TRY(dnn_output_set(context, device, op->output[0]));
  dnn_desc from = dnn_desc_of(op->input[0]), to = dnn_plain_make(op->input[0]);
  cutlab_status status = from && to ? CUTLAB_OK
                                    : cutlab_fail(context, CUTLAB_ERROR_MEMORY,
                                                  "out of memory: planning %s", op->node->name);
  const char *name = op->node->name;
  if (status == CUTLAB_OK)
    status = dnn_port_make(context, device, &state->in, from, to, true, name);
  if (status == CUTLAB_OK)
    status = dnn_port_make(context, device, &state->out, to, from, false, name);
  op->scratch_bytes =
      state->in.bytes + state->in.reorder.scratch_bytes + state->out.reorder.scratch_bytes;
  dnn_desc_free(from);
  dnn_desc_free(to);
  return status;
}

static cutlab_status plain_plan(cutlab_context *context, const dnn_device *device,
                                cutlab_operation *op) {
  plain_state *state = cutlab_allocate(context, 1, sizeof *state);
  op->state = state;
  return state ? plain_ports(context, device, op, state) : CUTLAB_ERROR_MEMORY;
}

static void plain_release(cutlab_operation *op) {
  dnn_port_free(&((plain_state *)op->state)->in);
  dnn_port_free(&((plain_state *)op->state)->out);
}

/* The input in plain order, in scratch memory where its layout is another. */
static cutlab_status plain_input(cutlab_context *context, const dnn_device *device,
                                 const float **plain, cutlab_operation *op) {
  dnn_port *port = &((plain_state *)op->state)->in;
  *plain = op->input[0]->data;
  if (!port->bytes) return CUTLAB_OK;
  *plain = op->scratch;
  return dnn_port_run(context, device, port, op->input[0]->data, op->scratch,
                      (char *)op->scratch + port->bytes);
}

/* Where to write a plain gradient of the input, and bringing it there. */
static float *plain_gradient(cutlab_operation *op) {
  return ((plain_state *)op->state)->out.bytes ? op->scratch : op->input_gradient[0]->data;
}

static cutlab_status plain_gradient_done(cutlab_context *context, const dnn_device *device,
                                         cutlab_operation *op) {
  dnn_port *port = &((plain_state *)op->state)->out;
  if (!port->bytes) return CUTLAB_OK;
  return dnn_port_run(context, device, port, op->scratch, op->input_gradient[0]->data,
                      (char *)op->scratch + port->bytes);
}

static int64_t elements(const cutlab_tensor *tensor) {
  return tensor->count * tensor->channels * tensor->height * tensor->width;
}

/* Sums of groups of consecutive channels. */
typedef struct group_state {
  plain_state input;      /* first, for plain_input and the like */
  dnn_port result, above; /* of the output: plain to its layout, and its gradient back */
  size_t offset;          /* of the output's plain copy in scratch memory */
} group_state;

static cutlab_status group_sum_plan(cutlab_context *context, const dnn_device *device,
                                    cutlab_operation *op) {
  group_state *state = cutlab_allocate(context, 1, sizeof *state);
  op->state = state;
  if (!state) return CUTLAB_ERROR_MEMORY;
  CUTLAB_TRY(plain_ports(context, device, op, &state->input));
  dnn_desc plain = dnn_plain_make(op->output[0]), layout = op->output[0]->layout;
  if (!plain) return cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory: planning a sum");
  const char *name = op->node->name;
  cutlab_status status = dnn_port_make(context, device, &state->result, plain, layout, false, name);
  if (status == CUTLAB_OK)
    status = dnn_port_make(context, device, &state->above, layout, plain, true, name);
  dnn_desc_free(plain);
  state->offset = (op->scratch_bytes + 63) / 64 * 64;
  op->scratch_bytes = state->offset + state->result.bytes + state->result.reorder.scratch_bytes +
                      state->above.reorder.scratch_bytes;
  return status;
}

static void group_sum_release(cutlab_operation *op) {
  plain_release(op);
  dnn_port_free(&((group_state *)op->state)->result);
  dnn_port_free(&((group_state *)op->state)->above);
}

/* Where the output, or its gradient, is in plain order. */
static float *plain_output(const cutlab_operation *op, const cutlab_tensor *tensor) {
  const group_state *state = op->state;
  return state->result.bytes ? (float *)((char *)op->scratch + state->offset) : tensor->data;
}

static cutlab_status group_sum_forward(cutlab_context *context, const dnn_device *device,
                                       cutlab_operation *op) {
  group_state *state = op->state;
  const float *input;
  CUTLAB_TRY(plain_input(context, device, &input, op));
  const cutlab_tensor *output = op->output[0];
  float *sums = plain_output(op, output);
  int64_t positions = output->height * output->width;
  int64_t group = op->input[0]->channels / output->channels;
  for (int64_t i = 0; i < output->count * output->channels; ++i)
    for (int64_t p = 0; p < positions; ++p) {
      double sum = 0;
      for (int64_t g = 0; g < group; ++g) sum += input[(i * group + g) * positions + p];
      sums[i * positions + p] = (float)sum;
    }
  if (!state->result.bytes) return CUTLAB_OK;
  return dnn_port_run(context, device, &state->result, sums, output->data,
                      (char *)sums + state->result.bytes);
}

static cutlab_status group_sum_backward(cutlab_context *context, const dnn_device *device,
                                        cutlab_operation *op) {
  if (!op->input_gradient[0]) return CUTLAB_OK;
  group_state *state = op->state;
  float *gradient = plain_gradient(op), *above = plain_output(op, op->output_gradient[0]);
  const cutlab_tensor *output = op->output[0];
  if (state->above.bytes)
    CUTLAB_TRY(dnn_port_run(context, device, &state->above, op->output_gradient[0]->data, above,
                            (char *)above + state->above.bytes));
  int64_t positions = output->height * output->width;
  int64_t group = op->input[0]->channels / output->channels;
  for (int64_t i = 0; i < output->count * output->channels; ++i)
    for (int64_t g = 0; g < group; ++g)
      for (int64_t p = 0; p < positions; ++p)
        gradient[(i * group + g) * positions + p] = above[i * positions + p];
  return plain_gradient_done(context, device, op);
}

const dnn_operation dnn_group_sum = {group_sum_plan, group_sum_forward, group_sum_backward,
                                     group_sum_release};

static void copy(float *to, const float *from, int64_t count) {
  for (int64_t i = 0; i < count; ++i) to[i] = from[i];
}

static cutlab_status output_forward(cutlab_context *context, const dnn_device *device,
                                    cutlab_operation *op) {
  const float *input;
  CUTLAB_TRY(plain_input(context, device, &input, op));
  copy(op->output[0]->data, input, elements(op->output[0]));
  return CUTLAB_OK;
}

static cutlab_status output_backward(cutlab_context *context, const dnn_device *device,
                                     cutlab_operation *op) {
  if (!op->input_gradient[0]) return CUTLAB_OK;
  copy(plain_gradient(op), op->output_gradient[0]->data, elements(op->output[0]));
  return plain_gradient_done(context, device, op);
}

const dnn_operation dnn_output = {plain_plan, output_forward, output_backward, plain_release};

/* The mask is in plain order. */
static void apply_mask(float *values, const cutlab_operation *op) {
  const uint8_t *mask = op->kept;
  const float scale = (float)(1 / (1 - op->node->rate));
  for (int64_t i = 0; i < elements(op->output[0]); ++i) values[i] = mask[i] ? values[i] * scale : 0;
}

static cutlab_status dropout_plan(cutlab_context *context, const dnn_device *device,
                                  cutlab_operation *op) {
  if (op->training) op->kept_bytes = (size_t)elements(op->output[0]);
  return plain_plan(context, device, op);
}

/* Input and output (or their gradients) have one layout. */
static cutlab_status drop(cutlab_context *context, const dnn_device *device, cutlab_operation *op,
                          float *to, const float *from) {
  plain_state *state = op->state;
  if (!op->training || !state->in.bytes) {
    copy(to, from, dnn_floats(op->output[0]));
    if (op->training) apply_mask(to, op);
    return CUTLAB_OK;
  }
  char *scratch = (char *)op->scratch + state->in.bytes;
  CUTLAB_TRY(dnn_port_run(context, device, &state->in, from, op->scratch, scratch));
  apply_mask(op->scratch, op);
  return dnn_port_run(context, device, &state->out, op->scratch, to, scratch);
}

static cutlab_status dropout_forward(cutlab_context *context, const dnn_device *device,
                                     cutlab_operation *op) {
  if (op->training)
    cutlab_dropout_mask(op->kept, elements(op->output[0]), op->node->rate, op->seed, op->step,
                        op->node->output[0]);
  return drop(context, device, op, op->output[0]->data, op->input[0]->data);
}

static cutlab_status dropout_backward(cutlab_context *context, const dnn_device *device,
                                      cutlab_operation *op) {
  if (!op->input_gradient[0]) return CUTLAB_OK;
  return drop(context, device, op, op->input_gradient[0]->data, op->output_gradient[0]->data);
}

const dnn_operation dnn_dropout = {dropout_plan, dropout_forward, dropout_backward, plain_release};
