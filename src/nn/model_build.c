/* Layers to a graph: walks them in order, with one value as the current one. */
#include <stdlib.h>
#include <string.h>

#include "nn/model_internal.h"

typedef struct builder {
  cutlab_context *context;
  cutlab_model *model;
  const cutlab_layers *layers;
  const cutlab_layer *layer; /* for messages */
  int current;               /* value that the next layer reads */
  int node_capacity, value_capacity, tensor_capacity;
  int numbers[CUTLAB_OP_KINDS]; /* of nodes of each kind so far */
  double parameters, multiply_adds;
} builder;

static const char *const kind_names[CUTLAB_OP_KINDS] = {
    [CUTLAB_OP_CONV] = "conv",
    [CUTLAB_OP_NORM] = "bn",
    [CUTLAB_OP_ACTIVATION] = "activation",
    [CUTLAB_OP_POOL] = "pool",
    [CUTLAB_OP_LINEAR] = "linear",
    [CUTLAB_OP_DROPOUT] = "dropout",
    [CUTLAB_OP_FORK] = "fork",
    [CUTLAB_OP_ADD] = "add",
    [CUTLAB_OP_GROUP_SUM] = "group_sum",
    [CUTLAB_OP_OUTPUT] = "output",
};

static const double size_limit = 2147483647; /* of a tensor or value, and of all parameters */
static const double multiply_adds_limit = 1e15;

static const char *layer_name(const builder *b) {
  return cutlab_layer_forms[b->layer->kind].name;
}

#define FAIL(b, ...)                                                                               \
  ((void)cutlab_layers_fail((b)->context, (b)->layers, (b)->layer->place, __VA_ARGS__),            \
   CUTLAB_ERROR_ARGUMENT)

typedef struct shape_text {
  char text[64];
} shape_text;

static shape_text describe(cutlab_value v) {
  shape_text shape;
  snprintf(shape.text, sizeof shape.text, "%lldx%lldx%lld", (long long)v.channels,
           (long long)v.height, (long long)v.width);
  return shape;
}

/* "8x4x4 from conv2" */
static shape_text describe_current(const builder *b) {
  shape_text shape = describe(b->model->values[b->current]), source;
  const char *name = "the input";
  for (int i = 0; i < b->model->node_count; ++i) {
    const cutlab_node *node = &b->model->nodes[i];
    if (node->output[0] == b->current || node->output[1] == b->current) name = node->name;
  }
  snprintf(source.text, sizeof source.text, "%.40s from %.16s", shape.text, name);
  return source;
}

/* ---- Nodes, values, tensors ---- */

static cutlab_status add_value(builder *b, cutlab_value shape, int *index) {
  cutlab_model *model = b->model;
  double size = (double)shape.channels * (double)shape.height * (double)shape.width;
  if (size > size_limit)
    return FAIL(b, "%s gives %s, %.0f numbers; accepted: at most %.0f", layer_name(b),
                describe(shape).text, size, size_limit);
  CUTLAB_TRY(cutlab_model_grow(b->context, (void **)&model->values, model->value_count,
                               &b->value_capacity, sizeof shape));
  *index = model->value_count++;
  model->values[*index] = shape;
  return CUTLAB_OK;
}

/* A node that reads the current value; what it gives becomes current. */
static cutlab_status add_node(builder *b, cutlab_operation_kind kind, cutlab_value shape,
                              cutlab_node **node) {
  cutlab_model *model = b->model;
  if (model->node_count == cutlab_model_max_nodes)
    return FAIL(b, "too many operations; accepted: at most %d", cutlab_model_max_nodes);
  CUTLAB_TRY(cutlab_model_grow(b->context, (void **)&model->nodes, model->node_count,
                               &b->node_capacity, sizeof **node));
  int output = -1;
  CUTLAB_TRY(add_value(b, shape, &output));
  *node = &model->nodes[model->node_count++];
  **node = (cutlab_node){.kind = kind,
                         .input = {b->current, -1},
                         .output = {output, -1},
                         .parameter = {-1, -1, -1, -1}};
  snprintf((*node)->name, sizeof(*node)->name, "%s%d", kind_names[kind], ++b->numbers[kind]);
  b->current = output;
  return CUTLAB_OK;
}

static cutlab_status add_tensor(builder *b, cutlab_node *node, int slot, cutlab_tensor_role role,
                                int rank, const int64_t shape[4]) {
  static const char *const roles[] = {"weight", "bias", "scale", "shift", "mean", "variance"};
  cutlab_model *model = b->model;
  cutlab_model_tensor tensor = {.role = role, .rank = rank, .count = 1};
  double count = 1;
  for (int axis = 0; axis < rank; ++axis) count *= (double)shape[axis];
  tensor.trained = role != CUTLAB_MEAN && role != CUTLAB_VARIANCE;
  b->parameters += count;
  if (b->parameters > size_limit)
    return FAIL(b, "%s brings the parameters to %.0f; accepted: at most %.0f", layer_name(b),
                b->parameters, size_limit);
  for (int axis = 0; axis < rank; ++axis) tensor.count *= tensor.shape[axis] = shape[axis];
  snprintf(tensor.name, sizeof tensor.name, "%s.%s", node->name, roles[role]);
  CUTLAB_TRY(cutlab_model_grow(b->context, (void **)&model->tensors, model->tensor_count,
                               &b->tensor_capacity, sizeof tensor));
  node->parameter[slot] = model->tensor_count;
  model->tensors[model->tensor_count++] = tensor;
  return CUTLAB_OK;
}

static cutlab_status add_multiply_adds(builder *b, double count) {
  b->multiply_adds += count;
  if (b->multiply_adds <= multiply_adds_limit) return CUTLAB_OK;
  return FAIL(b, "%s brings the multiply-adds to %.3g; accepted: at most %g", layer_name(b),
              b->multiply_adds, multiply_adds_limit);
}

/* ---- Single layers ---- */

typedef struct window {
  int64_t kernel[2], stride[2], pad[2];
} window;

/* Series have height 1, and windows there too. */
static window make_window(const builder *b, int64_t kernel, int64_t stride, int64_t pad) {
  if (b->model->values[0].height == 1) return (window){{1, kernel}, {1, stride}, {0, pad}};
  return (window){{kernel, kernel}, {stride, stride}, {pad, pad}};
}

static cutlab_status add_window(builder *b, cutlab_operation_kind kind, int64_t channels, window w,
                                cutlab_node **node) {
  cutlab_value in = b->model->values[b->current];
  int64_t from[2] = {in.height, in.width}, to[2];
  for (int axis = 0; axis < 2; ++axis) {
    int64_t padded = from[axis] + 2 * w.pad[axis];
    if (w.kernel[axis] > padded)
      return FAIL(b, "%s gets %s; accepted: at least %lld in %s, with padding %lld", layer_name(b),
                  describe_current(b).text, (long long)w.kernel[axis], axis ? "width" : "height",
                  (long long)w.pad[axis]);
    to[axis] = (padded - w.kernel[axis]) / w.stride[axis] + 1;
  }
  CUTLAB_TRY(add_node(b, kind, (cutlab_value){channels, to[0], to[1]}, node));
  memcpy((*node)->kernel, w.kernel, sizeof w.kernel);
  memcpy((*node)->stride, w.stride, sizeof w.stride);
  memcpy((*node)->pad, w.pad, sizeof w.pad);
  return CUTLAB_OK;
}

static cutlab_status build_conv(builder *b, int64_t width, window w, bool bias) {
  cutlab_node *node;
  int64_t in = b->model->values[b->current].channels;
  CUTLAB_TRY(add_window(b, CUTLAB_OP_CONV, width, w, &node));
  int64_t shape[4] = {width, in, w.kernel[0], w.kernel[1]};
  CUTLAB_TRY(add_tensor(b, node, 0, CUTLAB_WEIGHT, 4, shape));
  if (bias) CUTLAB_TRY(add_tensor(b, node, 1, CUTLAB_BIAS, 1, shape));
  cutlab_value out = b->model->values[b->current];
  double positions = (double)out.height * (double)out.width;
  return add_multiply_adds(b, positions * (double)b->model->tensors[node->parameter[0]].count);
}

static cutlab_status build_norm(builder *b, double momentum, double epsilon) {
  cutlab_node *node;
  cutlab_value shape = b->model->values[b->current];
  CUTLAB_TRY(add_node(b, CUTLAB_OP_NORM, shape, &node));
  node->momentum = momentum;
  node->epsilon = epsilon;
  int64_t channels[4] = {shape.channels};
  CUTLAB_TRY(add_tensor(b, node, 0, CUTLAB_SCALE, 1, channels));
  CUTLAB_TRY(add_tensor(b, node, 1, CUTLAB_SHIFT, 1, channels));
  CUTLAB_TRY(add_tensor(b, node, 2, CUTLAB_MEAN, 1, channels));
  return add_tensor(b, node, 3, CUTLAB_VARIANCE, 1, channels);
}

static cutlab_status build_activation(builder *b, cutlab_activation_kind kind, double slope,
                                      double radius) {
  cutlab_node *node = b->model->node_count ? &b->model->nodes[b->model->node_count - 1] : NULL;
  if (kind == CUTLAB_RELU && node && node->output[0] == b->current && !node->relu &&
      (node->kind == CUTLAB_OP_NORM || node->kind == CUTLAB_OP_ADD)) {
    node->relu = true;
    return CUTLAB_OK;
  }
  CUTLAB_TRY(add_node(b, CUTLAB_OP_ACTIVATION, b->model->values[b->current], &node));
  node->activation = kind;
  node->slope = slope;
  node->radius = radius;
  return CUTLAB_OK;
}

static cutlab_status build_pool(builder *b, const cutlab_layer_setting *s) {
  cutlab_node *node;
  cutlab_value in = b->model->values[b->current];
  window w =
      make_window(b, (int64_t)s[CUTLAB_POOL_SIZE].value, (int64_t)s[CUTLAB_POOL_STRIDE].value, 0);
  if (s[CUTLAB_POOL_GLOBAL].value == 1)
    w = (window){{in.height, in.width}, {in.height, in.width}, {0, 0}};
  CUTLAB_TRY(add_window(b, CUTLAB_OP_POOL, in.channels, w, &node));
  node->pool = (cutlab_pool_kind)s[CUTLAB_POOL_KIND].value;
  return CUTLAB_OK;
}

static cutlab_status build_linear(builder *b, int64_t width, bool bias) {
  cutlab_node *node;
  cutlab_value in = b->model->values[b->current];
  CUTLAB_TRY(add_node(b, CUTLAB_OP_LINEAR, (cutlab_value){width, 1, 1}, &node));
  int64_t shape[4] = {width, in.channels * in.height * in.width};
  CUTLAB_TRY(add_tensor(b, node, 0, CUTLAB_WEIGHT, 2, shape));
  if (bias) CUTLAB_TRY(add_tensor(b, node, 1, CUTLAB_BIAS, 1, shape));
  return add_multiply_adds(b, (double)shape[0] * (double)shape[1]);
}

static cutlab_status build_group_sum(builder *b, int64_t groups) {
  cutlab_node *node;
  cutlab_value shape = b->model->values[b->current];
  if (shape.channels % groups)
    return FAIL(b, "group_sum gets %s; accepted: channels that %lld groups divide",
                describe_current(b).text, (long long)groups);
  shape.channels = groups;
  return add_node(b, CUTLAB_OP_GROUP_SUM, shape, &node);
}

/* ---- Layers of layers ---- */

static cutlab_status build_sequence(builder *b, int first);

static bool same_shape(cutlab_value x, cutlab_value y) {
  return x.channels == y.channels && x.height == y.height && x.width == y.width;
}

/* The smallest stride of windows of 1 that leaves at most `to` of `from`. */
static int64_t least_stride(int64_t from, int64_t to) {
  return (from + to - 1) / to;
}

/* The projection of He et al. 2016: a strided 1 x 1 convolution and batch norm; nothing where the
   shapes are the same. */
static cutlab_status build_projection(builder *b, cutlab_value to) {
  cutlab_value from = b->model->values[b->current];
  if (same_shape(from, to)) return CUTLAB_OK;
  int64_t stride = least_stride(from.width, to.width), rows = least_stride(from.height, to.height);
  if (rows > stride) stride = rows;
  window w = make_window(b, 1, stride, 0);
  if ((from.height - 1) / w.stride[0] + 1 != to.height ||
      (from.width - 1) / w.stride[1] + 1 != to.width)
    return FAIL(
        b,
        "residual: its body makes %s of %s, which no shortcut of one stride does; accepted: "
        "a body that keeps or divides the size, or shortcut=",
        describe(to).text, describe(from).text);
  CUTLAB_TRY(build_conv(b, to.channels, w, false));
  const cutlab_layer_rule *bn = cutlab_layer_forms[CUTLAB_LAYER_BN].rules;
  return build_norm(b, bn[CUTLAB_BN_MOMENTUM].fallback, bn[CUTLAB_BN_EPSILON].fallback);
}

static cutlab_status build_fork(builder *b, int *second) {
  cutlab_node *node;
  cutlab_value shape = b->model->values[b->current];
  CUTLAB_TRY(add_node(b, CUTLAB_OP_FORK, shape, &node));
  CUTLAB_TRY(add_value(b, shape, second));
  node->output[1] = *second;
  return CUTLAB_OK;
}

static cutlab_status build_residual(builder *b, const cutlab_layer *layer) {
  int shortcut = -1, first = (int)layer->settings[CUTLAB_RESIDUAL_SHORTCUT].value;
  CUTLAB_TRY(build_fork(b, &shortcut));
  CUTLAB_TRY(build_sequence(b, (int)layer->settings[CUTLAB_RESIDUAL_BODY].value));
  int body = b->current;
  cutlab_value to = b->model->values[body];
  b->current = shortcut;
  b->layer = layer;
  CUTLAB_TRY(first < 0 ? build_projection(b, to) : build_sequence(b, first));
  b->layer = layer;
  shortcut = b->current;
  if (!same_shape(b->model->values[shortcut], to))
    return FAIL(b, "residual: its body gives %s, its shortcut %s; accepted: the same",
                describe(to).text, describe(b->model->values[shortcut]).text);
  cutlab_node *node;
  b->current = body;
  CUTLAB_TRY(add_node(b, CUTLAB_OP_ADD, to, &node));
  node->input[1] = shortcut;
  return CUTLAB_OK;
}

static cutlab_status build_repeat(builder *b, const cutlab_layer_setting *s) {
  for (int64_t i = 0; i < (int64_t)s[CUTLAB_REPEAT_TIMES].value; ++i)
    CUTLAB_TRY(build_sequence(b, (int)s[CUTLAB_REPEAT_BODY].value));
  return CUTLAB_OK;
}

static cutlab_status build_layer(builder *b, const cutlab_layer *layer) {
  const cutlab_layer_setting *s = layer->settings;
  cutlab_node *node;
  b->layer = layer;
  switch (layer->kind) {
  case CUTLAB_LAYER_CONV:
    return build_conv(b, (int64_t)s[CUTLAB_CONV_WIDTH].value,
                      make_window(b, (int64_t)s[CUTLAB_CONV_KERNEL].value,
                                  (int64_t)s[CUTLAB_CONV_STRIDE].value,
                                  (int64_t)s[CUTLAB_CONV_PAD].value),
                      s[CUTLAB_CONV_BIAS].value == 1);
  case CUTLAB_LAYER_BN:
    return build_norm(b, s[CUTLAB_BN_MOMENTUM].value, s[CUTLAB_BN_EPSILON].value);
  case CUTLAB_LAYER_RELU:
    return build_activation(b, CUTLAB_RELU, 0, 0);
  case CUTLAB_LAYER_LEAKY:
    return build_activation(b, CUTLAB_LEAKY, s[0].value, 0);
  case CUTLAB_LAYER_SMOOTH:
    return build_activation(b, CUTLAB_SMOOTH, s[0].value, s[1].value);
  case CUTLAB_LAYER_GELU:
    return build_activation(b, CUTLAB_GELU, 0, 0);
  case CUTLAB_LAYER_SILU:
    return build_activation(b, CUTLAB_SILU, 0, 0);
  case CUTLAB_LAYER_POOL:
    return build_pool(b, s);
  case CUTLAB_LAYER_LINEAR:
    return build_linear(b, (int64_t)s[CUTLAB_LINEAR_WIDTH].value, s[CUTLAB_LINEAR_BIAS].value == 1);
  case CUTLAB_LAYER_DROPOUT:
    CUTLAB_TRY(add_node(b, CUTLAB_OP_DROPOUT, b->model->values[b->current], &node));
    node->rate = s[0].value;
    return CUTLAB_OK;
  case CUTLAB_LAYER_GROUP_SUM:
    return build_group_sum(b, (int64_t)s[0].value);
  case CUTLAB_LAYER_REPEAT:
    return build_repeat(b, s);
  case CUTLAB_LAYER_RESIDUAL:
    return build_residual(b, layer);
  case CUTLAB_LAYER_KINDS:
    break;
  }
  return CUTLAB_OK;
}

static cutlab_status build_sequence(builder *b, int first) {
  for (int i = first; i >= 0; i = b->layers->layers[i].next)
    CUTLAB_TRY(build_layer(b, &b->layers->layers[i]));
  return CUTLAB_OK;
}

cutlab_status cutlab_model_build(cutlab_context *context, cutlab_model *model,
                                 const cutlab_layers *layers) {
  builder b = {.context = context, .model = model, .layers = layers};
  b.layer = &layers->layers[layers->first];
  b.value_capacity = model->value_count;
  CUTLAB_TRY(build_sequence(&b, layers->first));
  cutlab_value logits = {model->classes, 1, 1};
  if (!same_shape(model->values[b.current], logits))
    return FAIL(&b,
                "the last layer gives %s; accepted: %s, one number for each class, as `linear` "
                "at the end gives",
                describe_current(&b).text, describe(logits).text);
  cutlab_node *node;
  return add_node(&b, CUTLAB_OP_OUTPUT, logits, &node);
}
