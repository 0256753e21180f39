/* Single operations of the reference backend: every one against its formula and against
   differences; masks of dropout; the loss. */
#include <cutlab/network.h>

#include "nn/backend.h"
#include "nn/dropout.h"
#include "vectors.h"

/* ---- Single operations on the reference backend ---- */

typedef struct single_case {
  const char *name;
  cutlab_node node;
  int64_t in[4];    /* count, channels, height, width */
  int64_t channels; /* of the output; 0: as the input */
  bool no_bias;
} single_case;

#define WINDOW(k0, k1, s0, s1, p0, p1) .kernel = {k0, k1}, .stride = {s0, s1}, .pad = {p0, p1}
#define NORM .kind = CUTLAB_OP_NORM, .momentum = 0.1, .epsilon = 1e-5

static const single_case singles[] = {
    {"conv 3x3", {.kind = CUTLAB_OP_CONV, WINDOW(3, 3, 1, 1, 1, 1)}, {2, 3, 5, 6}, 5, false},
    {"conv 3x3 stride 2",
     {.kind = CUTLAB_OP_CONV, WINDOW(3, 3, 2, 2, 1, 1)},
     {1, 5, 7, 6},
     3,
     true},
    {"conv 5x3 strides 1, 3",
     {.kind = CUTLAB_OP_CONV, WINDOW(5, 3, 1, 3, 2, 0)},
     {5, 2, 4, 11},
     3,
     false},
    {"conv 1x1", {.kind = CUTLAB_OP_CONV, WINDOW(1, 1, 1, 1, 0, 0)}, {2, 16, 3, 3}, 17, false},
    {"conv 1x1 stride 2",
     {.kind = CUTLAB_OP_CONV, WINDOW(1, 1, 2, 2, 0, 0)},
     {1, 3, 4, 5},
     4,
     true},
    {"conv series", {.kind = CUTLAB_OP_CONV, WINDOW(1, 7, 1, 2, 0, 3)}, {1, 2, 1, 150}, 2, false},
    {"conv of wide pads",
     {.kind = CUTLAB_OP_CONV, WINDOW(3, 3, 2, 1, 2, 2)},
     {1, 1, 2, 3},
     2,
     true},
    {"conv stride beyond kernel",
     {.kind = CUTLAB_OP_CONV, WINDOW(2, 2, 3, 3, 0, 0)},
     {1, 2, 8, 9},
     2,
     true},
    {"norm", {NORM}, {2, 3, 3, 5}, 0, false},
    {"norm relu", {NORM, .relu = true}, {5, 5, 2, 3}, 0, false},
    {"norm of a series", {NORM, .relu = true}, {2, 2, 1, 70}, 0, false},
    {"norm of features", {NORM}, {5, 17, 1, 1}, 0, false},
    {"relu", {.kind = CUTLAB_OP_ACTIVATION, .activation = CUTLAB_RELU}, {2, 3, 4, 5}, 0, false},
    {"leaky",
     {.kind = CUTLAB_OP_ACTIVATION, .activation = CUTLAB_LEAKY, .slope = 0.1},
     {2, 3, 4, 5},
     0,
     false},
    {"smooth",
     {.kind = CUTLAB_OP_ACTIVATION, .activation = CUTLAB_SMOOTH, .slope = 0.2, .radius = 0.7},
     {2, 3, 4, 5},
     0,
     false},
    {"smooth of radius 0",
     {.kind = CUTLAB_OP_ACTIVATION, .activation = CUTLAB_SMOOTH, .slope = 0.2},
     {2, 3, 4, 5},
     0,
     false},
    {"gelu", {.kind = CUTLAB_OP_ACTIVATION, .activation = CUTLAB_GELU}, {2, 3, 4, 5}, 0, false},
    {"silu", {.kind = CUTLAB_OP_ACTIVATION, .activation = CUTLAB_SILU}, {2, 3, 4, 5}, 0, false},
    {"max", {.kind = CUTLAB_OP_POOL, WINDOW(2, 2, 2, 2, 0, 0)}, {2, 3, 4, 7}, 0, false},
    {"max overlapping", {.kind = CUTLAB_OP_POOL, WINDOW(3, 3, 2, 1, 1, 1)}, {1, 3, 5, 6}, 0, false},
    {"mean",
     {.kind = CUTLAB_OP_POOL, .pool = CUTLAB_POOL_MEAN, WINDOW(3, 2, 2, 1, 1, 1)},
     {2, 3, 5, 6},
     0,
     false},
    {"mean global",
     {.kind = CUTLAB_OP_POOL, .pool = CUTLAB_POOL_MEAN, WINDOW(4, 3, 1, 1, 0, 0)},
     {5, 16, 4, 3},
     0,
     false},
    {"sum of a series",
     {.kind = CUTLAB_OP_POOL, .pool = CUTLAB_POOL_SUM, WINDOW(1, 4, 1, 3, 0, 1)},
     {2, 3, 1, 23},
     0,
     false},
    {"linear", {.kind = CUTLAB_OP_LINEAR}, {5, 3, 5, 6}, 7, false},
    {"linear without bias", {.kind = CUTLAB_OP_LINEAR}, {1, 17, 1, 1}, 3, true},
    {"dropout", {.kind = CUTLAB_OP_DROPOUT, .output = {4}, .rate = 0.4}, {3, 5, 4, 3}, 0, false},
    {"fork", {.kind = CUTLAB_OP_FORK}, {2, 3, 4, 5}, 0, false},
    {"add relu", {.kind = CUTLAB_OP_ADD, .relu = true}, {2, 3, 4, 5}, 0, false},
    {"add", {.kind = CUTLAB_OP_ADD}, {2, 3, 4, 5}, 0, false},
    {"group sum", {.kind = CUTLAB_OP_GROUP_SUM}, {2, 12, 2, 3}, 4, false},
    {"output", {.kind = CUTLAB_OP_OUTPUT}, {3, 7, 1, 1}, 0, false},
};

/* One operation with tensors of its own, shared as backend.h says. */
typedef struct single {
  const single_case *row;
  cutlab_operation operation;
  cutlab_tensor in[2], out[2], din[2], dout[2];
  float *taken[32];
  int takes;
  int64_t ins, outs, parameters[cutlab_node_parameters];
} single;

static float *take(single *s, int64_t count) {
  s->taken[s->takes] = cutlab_allocate(NULL, count, sizeof(float));
  assert_non_null(s->taken[s->takes]);
  return s->taken[s->takes++];
}

static int64_t elements_of(const cutlab_tensor *t) {
  return t->count * t->channels * t->height * t->width;
}

static cutlab_tensor output_shape(const single_case *row) {
  const cutlab_node *node = &row->node;
  cutlab_tensor out = {.count = row->in[0],
                       .channels = row->channels ? row->channels : row->in[1],
                       .height = row->in[2],
                       .width = row->in[3]};
  if (node->kind == CUTLAB_OP_LINEAR) out.height = out.width = 1;
  if (node->kind != CUTLAB_OP_CONV && node->kind != CUTLAB_OP_POOL) return out;
  out.height = (out.height + 2 * node->pad[0] - node->kernel[0]) / node->stride[0] + 1;
  out.width = (out.width + 2 * node->pad[1] - node->kernel[1]) / node->stride[1] + 1;
  return out;
}

static void set_parameters(single *s) {
  const cutlab_node *node = &s->row->node;
  const int64_t in = s->in[0].channels, out = s->out[0].channels;
  if (node->kind == CUTLAB_OP_CONV) s->parameters[0] = out * in * node->kernel[0] * node->kernel[1];
  if (node->kind == CUTLAB_OP_LINEAR) s->parameters[0] = out * s->ins / s->in[0].count;
  if (s->parameters[0] && !s->row->no_bias) s->parameters[1] = out;
  for (int k = 0; node->kind == CUTLAB_OP_NORM && k < 4; ++k) s->parameters[k] = in;
  for (int k = 0; k < cutlab_node_parameters; ++k) {
    if (!s->parameters[k]) continue;
    s->operation.parameter[k] = take(s, s->parameters[k]);
    fill(s->operation.parameter[k], s->parameters[k], 20 + (uint64_t)k);
    if (k < 2) s->operation.gradient[k] = take(s, s->parameters[k]);
  }
  for (int64_t c = 0; c < s->parameters[3]; ++c) /* a variance */
    s->operation.parameter[3][c] = 0.5F + fabsf(s->operation.parameter[3][c]);
}

/* Values of max pooling keep a distance, so that small steps do not change where a maximum is. */
static void set_inputs(single *s) {
  fill(s->in[0].data, s->ins, 30);
  fill(s->in[1].data, s->ins, 31);
  if (s->row->node.kind != CUTLAB_OP_POOL) return;
  int64_t *order = calloc((size_t)s->ins, sizeof *order);
  assert_non_null(order);
  cutlab_random random = cutlab_random_make(7, 32, 0, 0, 0);
  cutlab_random_permutation(&random, order, s->ins);
  for (int64_t i = 0; i < s->ins; ++i) s->in[0].data[i] = 0.05F * (float)order[i] - 3.01F;
  free(order);
}

static void single_open(cutlab_context *context, single *s, const single_case *row, bool training) {
  *s = (single){.row = row};
  cutlab_operation *o = &s->operation;
  const cutlab_operation_kind kind = row->node.kind;
  s->in[0] = s->in[1] = (cutlab_tensor){
      .count = row->in[0], .channels = row->in[1], .height = row->in[2], .width = row->in[3]};
  s->out[0] = s->out[1] = output_shape(row);
  s->ins = elements_of(&s->in[0]);
  s->outs = elements_of(&s->out[0]);
  for (int k = 0; k < 2; ++k) {
    s->din[k] = s->in[k];
    s->dout[k] = s->out[k];
    s->in[k].data = take(s, s->ins);
    s->out[k].data = kind == CUTLAB_OP_FORK ? s->in[0].data : take(s, s->outs);
    s->dout[k].data = take(s, s->outs);
    fill(s->dout[k].data, s->outs, 40 + (uint64_t)k);
    s->din[k].data = kind != CUTLAB_OP_ADD ? take(s, s->ins)
                     : !row->node.relu     ? s->dout[0].data
                     : k                   ? s->din[0].data
                                           : take(s, s->ins);
  }
  set_inputs(s);
  set_parameters(s);
  *o = (cutlab_operation){
      .node = &row->node,
      .training = training,
      .seed = 3,
      .step = 5,
      .parameter = {o->parameter[0], o->parameter[1], o->parameter[2], o->parameter[3]},
      .gradient = {o->gradient[0], o->gradient[1], NULL, NULL}};
  for (int k = 0; k < 1 + (kind == CUTLAB_OP_ADD); ++k) {
    o->input[k] = &s->in[k];
    o->input_gradient[k] = training ? &s->din[k] : NULL;
  }
  for (int k = 0; k < 1 + (kind == CUTLAB_OP_FORK); ++k) {
    o->output[k] = &s->out[k];
    o->output_gradient[k] = training ? &s->dout[k] : NULL;
  }
  assert_int_equal(cutlab_backend_reference.plan(context, NULL, o), CUTLAB_OK);
  assert_int_equal(s->out[0].bytes, s->outs * (int64_t)sizeof(float));
  o->kept = take(s, (int64_t)(o->kept_bytes / sizeof(float)) + 1);
}

static void single_close(single *s) {
  cutlab_backend_reference.release(NULL, &s->operation);
  for (int i = 0; i < s->takes; ++i) free(s->taken[i]);
}

static void single_forward(cutlab_context *context, single *s) {
  assert_int_equal(cutlab_backend_reference.forward(context, NULL, &s->operation), CUTLAB_OK);
}

static void single_backward(cutlab_context *context, single *s) {
  assert_int_equal(cutlab_backend_reference.backward(context, NULL, &s->operation), CUTLAB_OK);
}

/* The formulas, one output element at a time. */
static float at(const cutlab_tensor *t, int64_t n, int64_t c, int64_t y, int64_t x) {
  if (y < 0 || y >= t->height || x < 0 || x >= t->width) return 0;
  return t->data[((n * t->channels + c) * t->height + y) * t->width + x];
}

static double naive_conv(const single *s, int64_t n, int64_t o, int64_t y, int64_t x) {
  const cutlab_node *node = &s->row->node;
  const float *w = s->operation.parameter[0];
  double sum = s->parameters[1] ? s->operation.parameter[1][o] : 0;
  w += o * s->in[0].channels * node->kernel[0] * node->kernel[1];
  for (int64_t c = 0; c < s->in[0].channels; ++c)
    for (int64_t i = 0; i < node->kernel[0]; ++i)
      for (int64_t j = 0; j < node->kernel[1]; ++j)
        sum += *w++ * (double)at(&s->in[0], n, c, y * node->stride[0] + i - node->pad[0],
                                 x * node->stride[1] + j - node->pad[1]);
  return sum;
}

static double naive_linear(const single *s, int64_t n, int64_t o) {
  const int64_t features = s->ins / s->in[0].count;
  double sum = s->parameters[1] ? s->operation.parameter[1][o] : 0;
  for (int64_t i = 0; i < features; ++i)
    sum += (double)s->operation.parameter[0][o * features + i] * s->in[0].data[n * features + i];
  return sum;
}

static double naive_pool(const single *s, int64_t n, int64_t c, int64_t y, int64_t x) {
  const cutlab_node *node = &s->row->node;
  const cutlab_tensor *in = &s->in[0];
  double largest = -INFINITY, sum = 0, read = 0;
  for (int64_t i = 0; i < node->kernel[0]; ++i)
    for (int64_t j = 0; j < node->kernel[1]; ++j) {
      int64_t row = y * node->stride[0] + i - node->pad[0];
      int64_t column = x * node->stride[1] + j - node->pad[1];
      if (row < 0 || row >= in->height || column < 0 || column >= in->width) continue;
      double value = at(in, n, c, row, column);
      largest = fmax(largest, value);
      sum += value;
      ++read;
    }
  return node->pool == CUTLAB_POOL_MAX ? largest : node->pool == CUTLAB_POOL_SUM ? sum : sum / read;
}

/* Mean and biased variance of a channel. */
static void channel_statistics(const cutlab_tensor *in, int64_t c, double *mean, double *variance) {
  double sum = 0, squares = 0, count = (double)(in->count * in->height * in->width);
  for (int64_t n = 0; n < in->count; ++n)
    for (int64_t y = 0; y < in->height; ++y)
      for (int64_t x = 0; x < in->width; ++x) {
        double value = at(in, n, c, y, x);
        sum += value;
        squares += value * value;
      }
  *mean = sum / count;
  *variance = squares / count - *mean * *mean;
}

static double naive_norm(const single *s, int64_t c, double x) {
  double mean = s->operation.parameter[2][c], variance = s->operation.parameter[3][c];
  if (s->operation.training) channel_statistics(&s->in[0], c, &mean, &variance);
  double y = (x - mean) / sqrt(variance + 1e-5) * s->operation.parameter[0][c] +
             s->operation.parameter[1][c];
  return s->row->node.relu ? fmax(y, 0) : y;
}

static double naive_activation(const cutlab_node *node, double z) {
  const double b = node->slope, r = node->radius;
  switch (node->activation) {
  case CUTLAB_RELU:
    return fmax(z, 0);
  case CUTLAB_LEAKY:
    return fmax(z, b * z);
  case CUTLAB_SMOOTH: /* b z + (1 - b) times the integral of min(max(u / r, 0), 1) up to z */
    return b * z + (1 - b) * (z <= 0 ? 0 : z <= r ? z * z / (2 * r) : z - r / 2);
  case CUTLAB_GELU:
    return z * 0.5 * (1 + erf(z / sqrt(2)));
  default:
    return z * 0.5 * (1 + tanh(z / 2));
  }
}

static double naive_group(const single *s, int64_t n, int64_t c, int64_t y, int64_t x) {
  const int64_t group = s->in[0].channels / s->out[0].channels;
  double sum = 0;
  for (int64_t g = 0; g < group; ++g) sum += at(&s->in[0], n, c * group + g, y, x);
  return sum;
}

static double naive_dropout(const single *s, int64_t element) {
  double x = s->in[0].data[element];
  if (!s->operation.training) return x;
  uint8_t *mask = malloc((size_t)s->ins);
  assert_non_null(mask);
  cutlab_dropout_mask(mask, s->ins, s->row->node.rate, 3, 5, s->row->node.output[0]);
  x = mask[element] ? x / (1 - s->row->node.rate) : 0;
  free(mask);
  return x;
}

static double naive(const single *s, int64_t n, int64_t c, int64_t y, int64_t x) {
  const cutlab_tensor *in = &s->in[0];
  switch (s->row->node.kind) {
  case CUTLAB_OP_CONV:
    return naive_conv(s, n, c, y, x);
  case CUTLAB_OP_NORM:
    return naive_norm(s, c, at(in, n, c, y, x));
  case CUTLAB_OP_ACTIVATION:
    return naive_activation(&s->row->node, at(in, n, c, y, x));
  case CUTLAB_OP_POOL:
    return naive_pool(s, n, c, y, x);
  case CUTLAB_OP_LINEAR:
    return naive_linear(s, n, c);
  case CUTLAB_OP_DROPOUT:
    return naive_dropout(s, ((n * in->channels + c) * in->height + y) * in->width + x);
  case CUTLAB_OP_ADD: {
    double sum = (double)at(in, n, c, y, x) + at(&s->in[1], n, c, y, x);
    return s->row->node.relu ? fmax(sum, 0) : sum;
  }
  case CUTLAB_OP_GROUP_SUM:
    return naive_group(s, n, c, y, x);
  default:
    return at(in, n, c, y, x);
  }
}

static void check_formula(cutlab_context *context, const single_case *row, bool training) {
  single s;
  single_open(context, &s, row, training);
  float *expected = take(&s, s.outs);
  const cutlab_tensor *out = &s.out[0];
  for (int64_t i = 0; i < s.outs; ++i)
    expected[i] = (float)naive(&s, i / out->width / out->height / out->channels,
                               i / out->width / out->height % out->channels,
                               i / out->width % out->height, i % out->width);
  single_forward(context, &s);
  for (int64_t i = 0; i < s.outs; ++i)
    if (!(fabs((double)out->data[i] - expected[i]) <= 2e-6 * (1 + fabs((double)expected[i]))))
      fail_msg("%s, %s: output %d is %.9g, not %.9g", row->name,
               training ? "training" : "evaluation", (int)i, (double)out->data[i],
               (double)expected[i]);
  single_close(&s);
}

static void test_formulas(void **state) {
  for (size_t i = 0; i < sizeof singles / sizeof *singles; ++i) {
    check_formula(*state, &singles[i], true);
    check_formula(*state, &singles[i], false);
  }
}

/* Every element of `values` is moved by `step` to both sides; the change of <weights, outputs> is
   compared with `gradient`. Elements that take an output across the kink at 0 are left out. */
static void check_differences(cutlab_context *context, single *s, float *values,
                              const float *gradient, int64_t count, const char *what) {
  const float step = 0x1p-7F;
  const int outputs = s->row->node.kind == CUTLAB_OP_FORK ? 2 : 1;
  const bool kinks = s->row->node.relu || s->row->node.kind == CUTLAB_OP_ACTIVATION;
  float *up = take(s, s->outs);
  const double allowed = 1e-3 * (norm_of(gradient, count) / sqrt((double)count) + 1);
  int64_t crossed = 0;
  for (int64_t i = 0; i < count; ++i) {
    const float value = values[i];
    double difference = 0;
    bool crosses = false;
    values[i] = value + step;
    single_forward(context, s);
    memcpy(up, s->out[0].data, (size_t)s->outs * sizeof *up);
    values[i] = value - step;
    single_forward(context, s);
    for (int64_t o = 0; o < s->outs; ++o) {
      double change = (double)up[o] - s->out[0].data[o];
      for (int k = 0; k < outputs; ++k) difference += change * s->dout[k].data[o];
      crosses |= kinks && (up[o] > 0) != (s->out[0].data[o] > 0);
    }
    values[i] = value;
    crossed += crosses;
    if (!crosses && !(fabs(difference / (2 * step) - gradient[i]) <= allowed))
      fail_msg("%s: gradient by %s %d is %g, differences say %g", s->row->name, what, (int)i,
               (double)gradient[i], difference / (2 * step));
  }
  if (crossed > count / 2) fail_msg("%s: too few of %s are left", s->row->name, what);
}

static void check_gradient(cutlab_context *context, const single_case *row) {
  single s;
  single_open(context, &s, row, true);
  single_forward(context, &s);
  single_backward(context, &s);
  for (int k = 0; k < 2; ++k)
    if (s.operation.input[k])
      check_differences(context, &s, s.in[k].data, s.din[k].data, s.ins, k ? "input 1" : "input 0");
  for (int k = 0; k < 2; ++k)
    if (s.parameters[k])
      check_differences(context, &s, s.operation.parameter[k], s.operation.gradient[k],
                        s.parameters[k], k ? "bias or shift" : "weight or scale");
  single_close(&s);
}

static void test_differences(void **state) {
  for (size_t i = 0; i < sizeof singles / sizeof *singles; ++i) check_gradient(*state, &singles[i]);
}

/* What is not wanted is not written, and does not change the rest. */
static void test_unwanted_gradients(void **state) {
  for (size_t i = 0; i < sizeof singles / sizeof *singles; ++i) {
    single s;
    single_open(*state, &s, &singles[i], true);
    s.operation.input_gradient[0] = s.operation.input_gradient[1] = NULL;
    s.operation.gradient[0] = NULL;
    single_forward(*state, &s);
    single_backward(*state, &s);
    if (singles[i].node.kind != CUTLAB_OP_ADD) assert_close(norm_of(s.din[0].data, s.ins), 0, 0);
    if (s.parameters[1]) assert_true(norm_of(s.operation.gradient[1], s.parameters[1]) > 0);
    single_close(&s);
  }
}

/* Outputs and gradients have the same bits for any number of threads. */
static void test_threads(void **state) {
  for (size_t i = 0; i < sizeof singles / sizeof *singles; ++i) {
    single one, more;
    single_open(*state, &one, &singles[i], true);
    single_open(*state, &more, &singles[i], true);
    single_forward(*state, &one);
    single_backward(*state, &one);
    assert_int_equal(cutlab_context_set_threads(*state, 3), CUTLAB_OK);
    single_forward(*state, &more);
    single_backward(*state, &more);
    assert_int_equal(cutlab_context_set_threads(*state, 1), CUTLAB_OK);
    assert_memory_equal(one.out[0].data, more.out[0].data, (size_t)one.outs * sizeof(float));
    assert_memory_equal(one.din[0].data, more.din[0].data, (size_t)one.ins * sizeof(float));
    for (int k = 0; k < 2; ++k)
      if (one.parameters[k])
        assert_memory_equal(one.operation.gradient[k], more.operation.gradient[k],
                            (size_t)one.parameters[k] * sizeof(float));
    single_close(&one);
    single_close(&more);
  }
}

/* running = 0.9 running + 0.1 batch, with the variance of n - 1; left alone by evaluation. */
static void test_running_statistics(void **state) {
  for (size_t i = 0; i < sizeof singles / sizeof *singles; ++i) {
    if (singles[i].node.kind != CUTLAB_OP_NORM) continue;
    for (int training = 0; training < 2; ++training) {
      single s;
      single_open(*state, &s, &singles[i], training);
      const int64_t channels = s.in[0].channels;
      const double n = (double)s.ins / (double)channels, unbiased = n / (n - 1);
      float *before = take(&s, 2 * channels);
      memcpy(before, s.operation.parameter[2], (size_t)channels * sizeof *before);
      memcpy(before + channels, s.operation.parameter[3], (size_t)channels * sizeof *before);
      single_forward(*state, &s);
      for (int64_t c = 0; c < channels; ++c) {
        double mean, variance, share = training ? 0.1 : 0;
        channel_statistics(&s.in[0], c, &mean, &variance);
        assert_close(s.operation.parameter[2][c], (1 - share) * before[c] + share * mean, 1e-6);
        assert_close(s.operation.parameter[3][c],
                     (1 - share) * before[channels + c] + share * variance * unbiased, 1e-6);
      }
      single_close(&s);
    }
  }
}

/* One value a channel has no unbiased variance: nothing may become NaN. */
static void test_norm_of_one_value(void **state) {
  const single_case row = {"norm of one value", {NORM}, {1, 2, 1, 1}, 0, false};
  single s;
  single_open(*state, &s, &row, true);
  single_forward(*state, &s);
  single_backward(*state, &s);
  for (int c = 0; c < 2; ++c) {
    assert_close(s.out[0].data[c], s.operation.parameter[1][c], 1e-6);
    assert_true(isfinite(s.operation.parameter[3][c]));
    assert_close(s.din[0].data[c], 0, 1e-6);
  }
  single_close(&s);
}

/* A NaN is passed on rather than hidden by a comparison. */
static void test_nan_is_passed_on(void **state) {
  const char *names[] = {"relu", "leaky", "max", "add relu", "norm relu"};
  for (size_t i = 0; i < sizeof singles / sizeof *singles; ++i)
    for (size_t k = 0; k < sizeof names / sizeof *names; ++k) {
      if (strcmp(singles[i].name, names[k]) != 0) continue;
      single s;
      single_open(*state, &s, &singles[i], true);
      s.in[0].data[1] = NAN;
      single_forward(*state, &s);
      int64_t found = 0;
      for (int64_t o = 0; o < s.outs; ++o) found += isnan(s.out[0].data[o]);
      if (!found) fail_msg("%s hides a NaN", singles[i].name);
      single_close(&s);
    }
}

/* ---- Dropout ---- */

enum { mask_count = 100001 };

static void test_dropout_mask(void **state) {
  (void)state;
  static uint8_t mask[mask_count], other[mask_count];
  const double rates[] = {0, 0.1, 0.5, 0.9};
  for (int r = 0; r < 4; ++r) {
    cutlab_dropout_mask(mask, mask_count, rates[r], 1, 2, 3);
    int64_t kept = 0;
    for (int64_t i = 0; i < mask_count; ++i) {
      assert_true(mask[i] <= 1);
      kept += mask[i];
    }
    double deviation = sqrt(rates[r] * (1 - rates[r]) / mask_count);
    assert_close((double)kept / mask_count, 1 - rates[r], 4 * deviation);
  }
  cutlab_dropout_mask(mask, mask_count, 0.5, 1, 2, 3);
  const int64_t keys[5][3] = {{1, 2, 3}, {2, 2, 3}, {1, 3, 3}, {1, 2, 4}, {1, 2, 3}};
  for (int k = 0; k < 5; ++k) {
    cutlab_dropout_mask(other, mask_count, 0.5, (uint64_t)keys[k][0], keys[k][1], (int)keys[k][2]);
    int64_t same = 0;
    for (int64_t i = 0; i < mask_count; ++i) same += mask[i] == other[i];
    if (k % 4 == 0) assert_int_equal(same, mask_count);
    if (k % 4 != 0) assert_close((double)same / mask_count, 0.5, 0.01);
  }
  int64_t alike[2] = {0}; /* neighbours, in and across pairs */
  for (int64_t i = 0; i + 1 < mask_count; ++i) alike[i % 2] += mask[i] == mask[i + 1];
  for (int k = 0; k < 2; ++k) assert_close(2 * (double)alike[k] / mask_count, 0.5, 0.01);
  for (int64_t length = 0; length < 6; ++length) { /* a prefix does not depend on what follows */
    memset(other, 7, sizeof other);
    cutlab_dropout_mask(other, 4094 + length, 0.5, 1, 2, 3);
    assert_memory_equal(mask, other, (size_t)(4094 + length));
    assert_int_equal(other[4094 + length], 7);
  }
}

/* ---- Loss ---- */

static double naive_loss(const float *logits, const float *labels, int count, int classes) {
  double loss = 0;
  for (int i = 0; i < count; ++i) {
    double sum = 0;
    for (int c = 0; c < classes; ++c) sum += exp((double)logits[i * classes + c]);
    for (int c = 0; c < classes; ++c)
      loss += labels[i * classes + c] * (log(sum) - logits[i * classes + c]) / count;
  }
  return loss;
}

enum { loss_count = 5, loss_classes = 7, loss_size = loss_count * loss_classes };

static void test_loss(void **state) {
  (void)state;
  float logits[loss_size], labels[loss_size] = {0}, gradient[loss_size], moved[loss_size];
  fill(logits, loss_size, 50);
  labels[6] = 0.5F; /* a row of sum 1.5, whose gradient is that of its loss all the same */
  for (int i = 0; i < loss_count; ++i) { /* one hot, then soft */
    labels[i * loss_classes + i] = i < 2 ? 1 : 0.75F;
    labels[i * loss_classes + 6] += i < 2 ? 0 : 0.25F;
  }
  double loss = cutlab_cross_entropy(gradient, logits, labels, loss_count, loss_classes);
  assert_close(loss, naive_loss(logits, labels, loss_count, loss_classes), 1e-12);
  assert_close(cutlab_cross_entropy(NULL, logits, labels, loss_count, loss_classes), loss, 0);
  for (int i = 0; i < loss_size; ++i) {
    double sides[2], taken = 0;
    for (int side = 0; side < 2; ++side) {
      memcpy(moved, logits, sizeof moved);
      moved[i] += side ? 0x1p-10F : -0x1p-10F;
      taken = moved[i] - logits[i];
      sides[side] = naive_loss(moved, labels, loss_count, loss_classes);
    }
    assert_close((sides[1] - sides[0]) / (2 * taken), gradient[i], 1e-6);
  }
  memcpy(moved, logits, sizeof moved); /* in place */
  assert_close(cutlab_cross_entropy(moved, moved, labels, loss_count, loss_classes), loss, 0);
  assert_memory_equal(moved, gradient, sizeof gradient);
}

static void test_loss_of_extreme_logits(void **state) {
  (void)state;
  const float logits[] = {1e30F, -1e30F, 0, 2000, 2000, -3e38F}, labels[] = {1, 0, 0, 0, 1, 0};
  float gradient[6];
  assert_close(cutlab_cross_entropy(gradient, logits, labels, 2, 3), log(2) / 2, 1e-12);
  const float expected[] = {0, 0, 0, 0.25F, -0.25F, 0};
  for (int i = 0; i < 6; ++i) assert_close(gradient[i], expected[i], 1e-7);
  const float wrong[] = {0, 1, 0, 0, 0, 1};
  assert_close(cutlab_cross_entropy(gradient, logits, wrong, 1, 3), 2e30F, 1e24);
  assert_close(gradient[0], 1, 1e-7);
  assert_close(gradient[1], -1, 1e-7);
  const float shut[] = {0, -INFINITY}, lost[] = {NAN, 0}, one[] = {1, 0};
  assert_close(cutlab_cross_entropy(gradient, shut, one, 1, 2), 0, 1e-12);
  assert_true(isnan(cutlab_cross_entropy(gradient, lost, one, 1, 2)));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_formulas),
      cmocka_unit_test(test_differences),
      cmocka_unit_test(test_unwanted_gradients),
      cmocka_unit_test(test_threads),
      cmocka_unit_test(test_running_statistics),
      cmocka_unit_test(test_norm_of_one_value),
      cmocka_unit_test(test_nan_is_passed_on),
      cmocka_unit_test(test_dropout_mask),
      cmocka_unit_test(test_loss),
      cmocka_unit_test(test_loss_of_extreme_logits),
  };
  return cmocka_run_group_tests(tests, context_up, context_down);
}
