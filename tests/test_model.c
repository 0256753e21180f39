/* Models: the language, the graphs it makes, the listed models against counts from their papers'
   formulas, texts that parse back, and every refusal. */
#include <cutlab/network.h>

#include "fixture.h"
#include "nn/model.h"

static cutlab_model *make(cutlab_context *context, const char *text, int64_t channels,
                          int64_t height, int64_t width, int64_t classes) {
  cutlab_model *model = NULL;
  if (cutlab_model_create(context, &model, text, channels, height, width, classes) != CUTLAB_OK)
    fail_msg("%s: %s", text, cutlab_context_message(context));
  return model;
}

static int64_t trained(const cutlab_model *model) {
  int64_t sum = 0;
  for (int i = 0; i < cutlab_model_tensors(model); ++i) {
    const cutlab_model_tensor *tensor = cutlab_model_tensor_at(model, i);
    if (tensor->trained) sum += tensor->count;
  }
  return sum;
}

static const cutlab_node *find(const cutlab_model *model, const char *name) {
  for (int i = 0; i < model->node_count; ++i)
    if (strcmp(model->nodes[i].name, name) == 0) return &model->nodes[i];
  fail_msg("no node %s in %s", name, model->text);
  return NULL;
}

static int count_kind(const cutlab_model *model, cutlab_operation_kind kind) {
  int count = 0;
  for (int i = 0; i < model->node_count; ++i) count += model->nodes[i].kind == kind;
  return count;
}

/* ---- Graphs ---- */

/* Values are made once and before they are read, and read once; tensors belong to one node. */
static void assert_sound(const cutlab_model *model) {
  int *made = calloc((size_t)model->value_count, sizeof *made);
  int *reads = calloc((size_t)model->value_count, sizeof *reads);
  int tensors = 0;
  made[0] = 1;
  for (int i = 0; i < model->node_count; ++i) {
    const cutlab_node *node = &model->nodes[i];
    assert_true(node->input[0] >= 0 && node->output[0] >= 0);
    assert_int_equal(node->input[1] >= 0, node->kind == CUTLAB_OP_ADD);
    assert_int_equal(node->output[1] >= 0, node->kind == CUTLAB_OP_FORK);
    for (int slot = 0; slot < 2; ++slot) {
      if (node->input[slot] >= 0) {
        assert_int_equal(made[node->input[slot]], 1);
        ++reads[node->input[slot]];
      }
      if (node->output[slot] >= 0) ++made[node->output[slot]];
    }
    for (int slot = 0; slot < cutlab_node_parameters; ++slot)
      if (node->parameter[slot] >= 0) {
        assert_int_equal(node->parameter[slot], tensors++);
        const cutlab_model_tensor *tensor = &model->tensors[node->parameter[slot]];
        assert_memory_equal(tensor->name, node->name, strlen(node->name));
      }
    assert_int_equal(node->kind == CUTLAB_OP_OUTPUT, i == model->node_count - 1);
  }
  assert_int_equal(tensors, model->tensor_count);
  int last = model->nodes[model->node_count - 1].output[0];
  for (int value = 0; value < model->value_count; ++value) {
    assert_int_equal(made[value], 1);
    assert_int_equal(reads[value], value != last);
  }
  free(made);
  free(reads);
}

static void assert_node(const cutlab_node *a, const cutlab_node *b) {
  assert_int_equal(a->kind, b->kind);
  assert_string_equal(a->name, b->name);
  assert_memory_equal(a->input, b->input, sizeof a->input);
  assert_memory_equal(a->output, b->output, sizeof a->output);
  assert_memory_equal(a->parameter, b->parameter, sizeof a->parameter);
  assert_memory_equal(a->kernel, b->kernel, sizeof a->kernel);
  assert_memory_equal(a->stride, b->stride, sizeof a->stride);
  assert_memory_equal(a->pad, b->pad, sizeof a->pad);
  assert_int_equal(a->pool, b->pool);
  assert_int_equal(a->activation, b->activation);
  assert_true(a->slope == b->slope && a->radius == b->radius && a->relu == b->relu);
  assert_true(a->momentum == b->momentum && a->epsilon == b->epsilon && a->rate == b->rate);
}

static void assert_same(const cutlab_model *a, const cutlab_model *b) {
  assert_string_equal(cutlab_model_text(a), cutlab_model_text(b));
  assert_int_equal(a->node_count, b->node_count);
  assert_int_equal(a->value_count, b->value_count);
  assert_int_equal(a->tensor_count, b->tensor_count);
  assert_int_equal(cutlab_model_classes(a), cutlab_model_classes(b));
  for (int i = 0; i < a->node_count; ++i) assert_node(&a->nodes[i], &b->nodes[i]);
  assert_memory_equal(a->values, b->values, (size_t)a->value_count * sizeof *a->values);
  for (int i = 0; i < a->tensor_count; ++i) {
    assert_string_equal(a->tensors[i].name, b->tensors[i].name);
    assert_int_equal(a->tensors[i].count, b->tensors[i].count);
  }
}

/* Sound, and the same again from its own text. */
static void check_model(cutlab_context *context, const char *text, int64_t channels, int64_t height,
                        int64_t width, int64_t classes) {
  cutlab_model *model = make(context, text, channels, height, width, classes);
  assert_sound(model);
  cutlab_model *again = make(context, cutlab_model_text(model), channels, height, width, classes);
  assert_same(model, again);
  cutlab_model_free(again);
  cutlab_model_free(model);
}

static void test_round_trips(void **state) {
  static const char *const texts[] = {
      "mlp",
      "mlp(depth=0)",
      "mlp(depth=3, width=7, activation=silu)",
      "patch(size=4)",
      "patch(size=8, filters=5, activation=leaky, beta=.25)",
      "patch(size=2, beta=.1, r=.333)",
      "patch(size=16, activation=gelu)",
      "cnn",
      "cnn(width=6)",
      "cnn1d",
      "resnet",
      "resnet8",
      "resnet14(width=5)",
      "resnet20",
      "resnet32",
      "resnet44",
      "resnet56",
      "resnet110",
      "resnet(depth=26)",
      "resnet18",
      "resnet18(width=8)",
      "wrn(depth=10, widen=1)",
      "wrn-16-1",
      "wrn-16-4(dropout=.3)",
      "wrn-28-10",
      "wrn-10-2",
      "linear # a comment | (\n",
      "  conv( width = 4 ,kernel=5, stride=2,pad=1,bias=no)|bn(momentum=.3,epsilon=1e-3)\n| relu # "
      "x\n"
      "| leaky(.2) | smooth(beta=.3, r=.1) | gelu | silu | dropout(.1) | pool(sum, stride=1) |\n"
      "repeat(2, residual(repeat(2, conv(8) | relu), shortcut=conv(8, kernel=1))) |\n"
      "residual(conv(8, stride=2)) | relu | relu | pool(max, size=3, stride=2) | linear",
      "residual(bn) | linear",
      "repeat(3, linear(10)) | relu",
      "conv(20, kernel=32, pad=0) | group_sum",
  };
  for (size_t i = 0; i < sizeof texts / sizeof *texts; ++i)
    check_model(*state, texts[i], 3, 32, 32, 10);
  check_model(*state, "cnn1d", 2, 1, 100, 3);
  check_model(*state, "resnet20", 2, 1, 100, 3);
  check_model(*state, "wrn-10-1", 2, 1, 33, 3);
  check_model(*state, "patch(size=10)", 1, 1, 100, 2);
  check_model(*state, "resnet20", 1, 28, 28, 10);
  check_model(*state, "resnet20", 3, 7, 5, 10);
}

static void test_layers(void **state) {
  cutlab_model *model = make(*state,
                             "conv(6, kernel=4, stride=3) | smooth(.2, r=3) | pool(mean, size=3, "
                             "stride=2) | dropout(.25) | pool(max, global) | leaky | linear",
                             3, 20, 30, 5);
  const cutlab_node *conv = find(model, "conv1"), *pool = find(model, "pool1");
  assert_int_equal(conv->pad[0], 1);
  assert_int_equal(conv->stride[1], 3);
  cutlab_value out = model->values[conv->output[0]];
  assert_true(out.channels == 6 && out.height == 7 && out.width == 10);
  assert_true(find(model, "activation1")->slope == .2 && find(model, "activation1")->radius == 3);
  assert_int_equal(find(model, "activation2")->activation, CUTLAB_LEAKY);
  assert_int_equal(pool->pool, CUTLAB_POOL_MEAN);
  out = model->values[pool->output[0]];
  assert_true(out.channels == 6 && out.height == 3 && out.width == 4);
  assert_true(find(model, "dropout1")->rate == .25);
  assert_true(find(model, "pool2")->kernel[0] == 3 && find(model, "pool2")->kernel[1] == 4);
  assert_int_equal(cutlab_model_multiply_adds(model), 6 * 3 * 16 * 7 * 10 + 6 * 5);
  cutlab_model_free(model);
}

static void assert_tensor(const cutlab_model *model, int index, const char *name,
                          cutlab_tensor_role role, int rank, int64_t first, int64_t count) {
  const cutlab_model_tensor *tensor = cutlab_model_tensor_at(model, index);
  assert_non_null(tensor);
  assert_string_equal(tensor->name, name);
  assert_int_equal(tensor->role, role);
  assert_int_equal(tensor->rank, rank);
  assert_int_equal(tensor->shape[0], first);
  assert_int_equal(tensor->count, count);
  assert_int_equal(tensor->trained, role != CUTLAB_MEAN && role != CUTLAB_VARIANCE);
}

static void test_tensors(void **state) {
  cutlab_model *model =
      make(*state, "conv(4, kernel=5) | bn | linear(7) | conv(3, bias=no) | linear", 2, 6, 8, 9);
  assert_int_equal(cutlab_model_tensors(model), 11);
  assert_tensor(model, 0, "conv1.weight", CUTLAB_WEIGHT, 4, 4, 4 * 2 * 25);
  assert_tensor(model, 1, "conv1.bias", CUTLAB_BIAS, 1, 4, 4);
  assert_tensor(model, 2, "bn1.scale", CUTLAB_SCALE, 1, 4, 4);
  assert_tensor(model, 3, "bn1.shift", CUTLAB_SHIFT, 1, 4, 4);
  assert_tensor(model, 4, "bn1.mean", CUTLAB_MEAN, 1, 4, 4);
  assert_tensor(model, 5, "bn1.variance", CUTLAB_VARIANCE, 1, 4, 4);
  assert_tensor(model, 6, "linear1.weight", CUTLAB_WEIGHT, 2, 7, 7 * 4 * 6 * 8);
  assert_tensor(model, 7, "linear1.bias", CUTLAB_BIAS, 1, 7, 7);
  assert_tensor(model, 8, "conv2.weight", CUTLAB_WEIGHT, 4, 3, 3 * 7 * 9);
  assert_tensor(model, 9, "linear2.weight", CUTLAB_WEIGHT, 2, 9, 9 * 3);
  assert_int_equal(cutlab_model_tensor_at(model, 6)->shape[1], 4 * 6 * 8);
  assert_int_equal(find(model, "conv2")->parameter[1], -1);
  assert_null(cutlab_model_tensor_at(model, -1));
  assert_null(cutlab_model_tensor_at(model, 11));
  cutlab_model_free(model);
}

/* ReLU joins batch norms and sums alone, and only those that it reads directly. */
static void test_fusion(void **state) {
  cutlab_model *model =
      make(*state,
           "conv(4) | relu | bn | relu | residual(bn | relu | bn) | relu | relu | bn | gelu "
           "| bn | residual(relu, shortcut=relu) | linear",
           3, 8, 8, 10);
  assert_true(find(model, "bn1")->relu);
  assert_true(find(model, "bn2")->relu);
  assert_false(find(model, "bn3")->relu);
  assert_true(find(model, "add1")->relu);
  assert_false(find(model, "bn4")->relu);
  assert_false(find(model, "bn5")->relu);
  assert_false(find(model, "add2")->relu);
  assert_int_equal(count_kind(model, CUTLAB_OP_ACTIVATION), 5);
  assert_sound(model);
  cutlab_model_free(model);
}

static void test_wiring(void **state) {
  cutlab_model *model =
      make(*state, "residual(conv(4, stride=2) | bn) | relu | linear", 3, 8, 8, 10);
  const cutlab_node *fork = find(model, "fork1"), *add = find(model, "add1");
  assert_int_equal(fork->input[0], 0);
  assert_int_equal(find(model, "conv1")->input[0], fork->output[0]);
  const cutlab_node *shortcut = find(model, "conv2");
  assert_int_equal(shortcut->input[0], fork->output[1]);
  assert_true(shortcut->kernel[0] == 1 && shortcut->stride[0] == 2 && shortcut->pad[0] == 0);
  assert_int_equal(shortcut->parameter[1], -1);
  assert_int_equal(add->input[0], find(model, "bn1")->output[0]);
  assert_int_equal(add->input[1], find(model, "bn2")->output[0]);
  assert_true(find(model, "bn2")->momentum == .1 && find(model, "bn2")->epsilon == 1e-5);
  assert_int_equal(find(model, "linear1")->input[0], add->output[0]);
  cutlab_model_free(model);

  model = make(*state, "residual(conv(3)) | linear", 3, 8, 8, 10);
  fork = find(model, "fork1");
  assert_int_equal(find(model, "add1")->input[1], fork->output[1]);
  assert_int_equal(count_kind(model, CUTLAB_OP_CONV), 1);
  cutlab_model_free(model);

  model =
      make(*state, "residual(conv(4, stride=4), shortcut=pool(mean, size=4) | conv(4)) | linear", 3,
           8, 8, 10);
  assert_int_equal(find(model, "pool1")->input[0], find(model, "fork1")->output[1]);
  assert_int_equal(find(model, "add1")->input[1], find(model, "conv2")->output[0]);
  cutlab_model_free(model);
}

/* A series has windows along time alone. */
static void test_series(void **state) {
  cutlab_model *model =
      make(*state, "conv(4, kernel=5, stride=2) | pool(max) | residual(conv(8, stride=3)) | linear",
           2, 1, 64, 3);
  const cutlab_node *conv = find(model, "conv1"), *pool = find(model, "pool1");
  assert_true(conv->kernel[0] == 1 && conv->stride[0] == 1 && conv->pad[0] == 0);
  assert_true(conv->kernel[1] == 5 && conv->stride[1] == 2 && conv->pad[1] == 2);
  assert_true(pool->kernel[0] == 1 && pool->stride[0] == 1 && pool->kernel[1] == 2);
  assert_true(find(model, "conv3")->stride[0] == 1 && find(model, "conv3")->stride[1] == 3);
  assert_int_equal(model->values[find(model, "add1")->output[0]].width, 6);
  cutlab_model_free(model);
}

/* ---- Listed models ---- */

static void assert_counts(cutlab_context *context, const char *text, int64_t channels, int64_t side,
                          int64_t classes, int64_t parameters, int64_t multiply_adds) {
  cutlab_model *model = make(context, text, channels, side, side, classes);
  assert_int_equal(trained(model), parameters);
  if (multiply_adds) assert_int_equal(cutlab_model_multiply_adds(model), multiply_adds);
  cutlab_model_free(model);
}

/* He et al. 2016, section 4.2, with projections: 2n convolutions in each of three stages. */
static int64_t resnet_parameters(int64_t n, int64_t width, int64_t classes) {
  int64_t sum = 3 * width * 9 + 2 * width + 4 * width * classes + classes;
  for (int64_t stage = 0, in = width; stage < 3; ++stage) {
    int64_t out = width << stage;
    sum += in * out * 9 + (2 * n - 1) * out * out * 9 + 2 * n * 2 * out;
    if (in != out) sum += in * out + 2 * out;
    in = out;
  }
  return sum;
}

static void test_listed_counts(void **state) {
  assert_int_equal(resnet_parameters(3, 16, 10), 272474);
  assert_counts(*state, "resnet20", 3, 32, 10, 272474, 0);
  assert_counts(*state, "resnet(depth=32, width=8)", 3, 32, 7, resnet_parameters(5, 8, 7), 0);
  assert_counts(*state, "resnet110", 3, 32, 100, resnet_parameters(18, 16, 100), 0);
  int64_t stage = 64 * 128 * 9 * 256 + 3 * 128 * 128 * 9 * 256 + 64 * 128 * 256;
  int64_t first = 3 * 64 * 9 * 1024 + 4 * 64 * 64 * 9 * 1024;
  assert_counts(*state, "resnet18", 3, 32, 10, 11173962, first + 3 * stage + 5120);
  assert_counts(*state, "wrn-28-10", 3, 32, 10, 36479194, 0);
  assert_counts(*state, "mlp", 1, 28, 10, 784 * 512 + 512 + 512 * 512 + 512 + 5130, 0);
  assert_counts(*state, "patch(size=4, filters=3)", 3, 32, 10, 30 * 48, 64 * 30 * 48);
  assert_counts(*state, "cnn", 1, 28, 10, 288 + 18432 + 73728 + 2 * 224 + 11530, 7462656);
}

/* Shortcuts of wide blocks that change shape read what batch norm and ReLU made of the input. */
static void test_wide_blocks(void **state) {
  cutlab_model *model = make(*state, "wrn-16-2(dropout=.4)", 3, 32, 32, 10);
  const cutlab_node *norm = find(model, "bn1"), *fork = find(model, "fork1");
  assert_true(norm->relu);
  assert_int_equal(fork->input[0], norm->output[0]);
  assert_int_equal(find(model, "fork2")->input[0], find(model, "add1")->output[0]);
  assert_int_equal(count_kind(model, CUTLAB_OP_ADD), 6);
  assert_int_equal(count_kind(model, CUTLAB_OP_DROPOUT), 6);
  assert_int_equal(count_kind(model, CUTLAB_OP_CONV), 16);
  assert_int_equal(count_kind(model, CUTLAB_OP_NORM), 13);
  assert_int_equal(count_kind(model, CUTLAB_OP_ACTIVATION), 0);
  cutlab_model_free(model);
}

/* The defaults that the list states are those of the models. */
static void test_list(void **state) {
  cutlab_model_info info;
  int count = 0;
  for (; cutlab_model_info_at(count, &info); ++count) {
    char plain[256], full[256];
    const char *size = strcmp(info.name, "patch") == 0 ? "size=4" : "";
    snprintf(plain, sizeof plain, *size ? "%s(%s)" : "%s", info.name, size);
    snprintf(full, sizeof full, "%s(%s%s)", info.name, size,
             info.parameters + (*size ? strlen("size") : 0));
    cutlab_model *a = make(*state, plain, 3, 32, 32, 10), *b = make(*state, full, 3, 32, 32, 10);
    assert_same(a, b);
    assert_true(info.summary[0] && info.source[0]);
    cutlab_model_free(a);
    cutlab_model_free(b);
  }
  assert_int_equal(count, 7);
  assert_false(cutlab_model_info_at(-1, &info));
}

static void test_table(void **state) {
  cutlab_model *model =
      make(*state,
           "conv(4, stride=2) | bn | relu | residual(conv(4)) | pool(max) | dropout(.3) | linear",
           3, 8, 8, 10);
  char *text;
  assert_int_equal(cutlab_model_table(*state, &text, model), CUTLAB_OK);
  assert_string_equal(text, "operation            output          parameters\n"
                            "input                3x8x8\n"
                            "conv1 3x3, stride 2  4x4x4                  112\n"
                            "bn1 + relu           4x4x4                    8\n"
                            "conv2 3x3            4x4x4                  148\n"
                            "add1                 4x4x4\n"
                            "pool1 max 2x2        4x2x2\n"
                            "dropout1 0.3         4x2x2\n"
                            "linear1              10x1x1                 170\n"
                            "total: 438 parameters, 4192 multiply-adds\n");
  cutlab_free(text);
  cutlab_model_free(model);
}

/* ---- Refusals ---- */

typedef struct refusal {
  const char *text, *message;
} refusal;

static const refusal refusals[] = {
    {"", "model, character 1: it ends here; accepted: a layer or model"},
    {" # only\n", "line 2, character 1: it ends here; accepted: a layer or model"},
    {"convv(3)", "model, character 1: unknown layer or model 'convv'; nearest: conv"},
    {"relu |\n  bnn", "model, line 2, character 3: unknown layer or model 'bnn'; nearest: bn"},
    {"resnet21", "unknown layer or model 'resnet21'; nearest: resnet20"},
    {"resnet020", "nearest: resnet20"},
    {"wrn-28", "unknown layer or model 'wrn-28'; nearest: wrn"},
    {"wrn-28-10000", "nearest: wrn-28-10"},
    {"resnet(depth=21)", "depth of resnet is 21; accepted: 6 n + 2"},
    {"resnet(depth=18)", "resnet18 is a model of its own"},
    {"wrn-27-10", "depth of wrn-27-10 is 27; accepted: 6 n + 4"},
    {"resnet20(depth=8)", "depth of resnet is given twice"},
    {"resnet20 | relu", "character 10: '| relu'; accepted: the end, for a model of the list"},
    {"relu | resnet20", "character 8: 'resnet20' is a model of the list; accepted: it alone"},
    {"patch", "patch has no size; accepted: a whole number from 1 to 16384"},
    {"patch(size=33)", "model patch as layers, character 1: conv gets 3x32x32 from the input"},
    {"mlp(activation=tanh)",
     "activation of mlp is 'tanh'; accepted: relu, leaky, smooth, gelu, silu"},
    {"conv", "character 1: conv has no width; accepted: a whole number from 1 to 1048576"},
    {"conv()", "conv has no width"},
    {"conv(3.5)", "character 6: width of conv is '3.5'"},
    {"conv(0)", "width of conv is '0'"},
    {"conv(99999999999999999999)", "width of conv is"},
    {"conv(3, 5)", "character 9: '5)'; accepted: ')', kernel=, stride=, pad=, bias="},
    {"conv(width=4, 3)", "character 15: width of conv is given twice"},
    {"conv(3, kernel=2, kernel=2)", "kernel of conv is given twice"},
    {"conv(3, kern=2)", "character 9: unknown parameter of conv: 'kern'; nearest: kernel"},
    {"conv(3, kernel=)", "character 16: ')'; accepted: a whole number from 1"},
    {"conv(3, pad=all)",
     "pad of conv is 'all'; accepted: a whole number from 0 to 1048576, or same"},
    {"conv(3, pad=3)", "pad of conv is 3; accepted: less than its kernel, 3"},
    {"conv(3, bias=maybe)", "bias of conv is 'maybe'; accepted: yes, no"},
    {"conv(3", "character 7: it ends here; accepted: ',' or ')'"},
    {"conv(3))", "character 8: ')'; accepted: '|' or the end"},
    {"conv(3) |", "character 10: it ends here; accepted: a layer"},
    {"conv(3) relu", "character 9: 'relu'; accepted: '|' or the end"},
    {"relu(x=3)", "unknown parameter of relu: 'x'; accepted: none"},
    {"relu(3)", "'3)'; accepted: ')'"},
    {"smooth(2)", "beta of smooth is '2'; accepted: a number from 0 to 1"},
    {"smooth(r=0)", "r of smooth is '0'"},
    {"leaky(nan)", "slope of leaky is 'nan'"},
    {"dropout(1)", "rate of dropout is '1'"},
    {"bn(epsilon=0)", "epsilon of bn is '0'"},
    {"pool", "pool has no kind; accepted: max, mean, sum"},
    {"pool(maxx)", "kind of pool is 'maxx'; accepted: max, mean, sum"},
    {"pool(mean, global, size=3)", "pool is global and has a size or stride"},
    {"pool(mean, global, global)", "character 20: global of pool is given twice"},
    {"pool(max, size=40) | linear", "pool gets 3x32x32 from the input; accepted: at least 40"},
    {"conv(8) | pool(max) | conv(8, kernel=20, pad=0)",
     "character 23: conv gets 8x16x16 from pool1; accepted: at least 20 in height, with padding 0"},
    {"repeat(3)", "repeat has no body; accepted: layers joined by '|'"},
    {"repeat(0, relu)", "n of repeat is '0'"},
    {"repeat(3, relu, relu)", "'relu)'; accepted: ')'"},
    {"residual(shortcut=relu)", "residual has no body"},
    {"residual(relu |)", "')'; accepted: a layer"},
    {"residual(conv(4, stride=3), shortcut=relu) | linear",
     "residual: its body gives 4x11x11, its shortcut 3x32x32; accepted: the same"},
    {"residual(pool(max, size=3, stride=1)) | linear",
     "residual: its body makes 3x30x30 of 3x32x32, which no shortcut of one stride does"},
    {"conv(7) | group_sum", "group_sum gets 7x32x32 from conv1; accepted: channels that 10 groups"},
    {"conv(10)", "the last layer gives 10x32x32 from conv1; accepted: 10x1x1, one number for each "
                 "class, as `linear`"},
    {"linear(9)", "the last layer gives 9x1x1 from linear1; accepted: 10x1x1"},
    {"repeat(4000, repeat(4000, conv(3))) | linear", "too many operations; accepted: at most 4096"},
    {"repeat(4000, repeat(4000, repeat(4000, relu))) | linear", "too many operations"},
    {"linear(100000) | linear(100000)",
     "character 18: linear brings the parameters to 10307300000; accepted: at most 2147483647"},
    {"conv(1048576, kernel=1048575)", "brings the parameters to"},
    {"conv(1048576, kernel=65, pad=64)", "conv gives 1048576x96x96"},
    {"conv(1400, kernel=40) | repeat(1000, residual(conv(1400, kernel=15))) | linear",
     "parameters"},
};

static void refuse(cutlab_context *context, const char *text, const char *message) {
  cutlab_model *model = NULL;
  if (cutlab_model_create(context, &model, text, 3, 32, 32, 10) != CUTLAB_ERROR_ARGUMENT)
    fail_msg("'%.60s' is accepted", text ? text : "NULL");
  assert_null(model);
  assert_message(context, message);
}

static void test_refusals(void **state) {
  for (size_t i = 0; i < sizeof refusals / sizeof *refusals; ++i)
    refuse(*state, refusals[i].text, refusals[i].message);
  refuse(*state, NULL, "text is NULL");
}

/* `count` times a text, then another. Release with free. */
static char *times(const char *part, int count, const char *end) {
  size_t size = (size_t)count * strlen(part) + strlen(end) + 1, at = 0;
  char *text = malloc(size);
  for (int i = 0; i <= count; ++i)
    at += (size_t)snprintf(text + at, size - at, "%s", i < count ? part : end);
  return text;
}

static void test_limits(void **state) {
  const struct {
    const char *part;
    int count;
    const char *end, *message;
  } rows[] = {{"relu | ", 10000, "linear", "its text is too long; accepted: at most 65536"},
              {"relu|", 5000, "linear", "too many layers; accepted: at most 4096"},
              {"bn|", 4000, "linear", "with all parameters written out it has"},
              {"repeat(1, ", 32, "relu", "layers are nested too deeply; accepted: 31 levels"}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
    char *text = times(rows[i].part, rows[i].count, rows[i].end);
    refuse(*state, text, rows[i].message);
    free(text);
  }
  check_model(*state, "repeat(2000, bn | gelu) | linear", 3, 2, 2, 10);
}

static void test_sizes(void **state) {
  cutlab_model *model;
  const struct {
    int64_t channels, height, width, classes;
    const char *message;
  } rows[] = {{0, 1, 1, 2, "channels of the input is 0; accepted: 1 to 1048576"},
              {1, -1, 1, 2, "height of the input is -1"},
              {1, 1, INT64_MAX, 2, "width of the input is 9223372036854775807"},
              {1, 1, 1, 0, "number of classes is 0"},
              {1000, 10000, 1000, 2, "an input has 10000000000 numbers"}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
    assert_int_equal(cutlab_model_create(*state, &model, "linear", rows[i].channels, rows[i].height,
                                         rows[i].width, rows[i].classes),
                     CUTLAB_ERROR_ARGUMENT);
    assert_null(model);
    assert_message(*state, rows[i].message);
  }
  cutlab_model_free(NULL);
}

/* ---- The page on models ---- */

/* Its blocks "```model" are accepted, each as a whole; it names every listed model. */
static void test_page(void **state) {
  FILE *file = fopen(CUTLAB_SOURCE_DIR "/docs/models.md", "r");
  assert_non_null(file);
  static char page[1 << 16];
  size_t size = fread(page, 1, sizeof page - 1, file);
  page[size] = '\0';
  fclose(file);
  cutlab_model_info info;
  for (int i = 0; cutlab_model_info_at(i, &info); ++i) {
    char title[64];
    snprintf(title, sizeof title, "`%s(%s)`", info.name, info.parameters);
    if (!strstr(page, title)) fail_msg("docs/models.md has no %s", title);
  }
  static const char mark[] = "```model\n";
  int blocks = 0;
  for (char *at = page; (at = strstr(at, mark)); ++blocks) {
    at += strlen(mark);
    char *end = strstr(at, "```\n");
    assert_non_null(end);
    *end = '\0';
    check_model(*state, at, 3, 32, 32, 10);
    at = end + 1;
  }
  assert_true(blocks >= 3);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_round_trips),   cmocka_unit_test(test_layers),
      cmocka_unit_test(test_tensors),       cmocka_unit_test(test_fusion),
      cmocka_unit_test(test_wiring),        cmocka_unit_test(test_series),
      cmocka_unit_test(test_listed_counts), cmocka_unit_test(test_wide_blocks),
      cmocka_unit_test(test_list),          cmocka_unit_test(test_table),
      cmocka_unit_test(test_refusals),      cmocka_unit_test(test_limits),
      cmocka_unit_test(test_sizes),         cmocka_unit_test(test_page),
  };
  return cmocka_run_group_tests(tests, context_up, context_down);
}
