/* The models that have names: their parameters, sources and layers. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "nn/model_internal.h"

static const char *const activations[] = {"relu", "leaky", "smooth", "gelu", "silu"};
/* clang-format off */
#define ACTIVATION(value)                                                                          \
  {"activation", CUTLAB_RULE_WORD, .fallback = (value),                                            \
   .words = {"relu", "leaky", "smooth", "gelu", "silu"}}
/* clang-format on */

enum { max_depth = 2000, max_width = 16384 };

static int whole(const cutlab_layer_setting *settings, int index) {
  return (int)settings[index].value;
}

static void write_mlp(FILE *file, const cutlab_layer_setting *s, int64_t classes) {
  (void)classes;
  if (whole(s, 0))
    fprintf(file, "repeat(%d, linear(%d) | %s) | ", whole(s, 0), whole(s, 1),
            activations[whole(s, 2)]);
  fprintf(file, "linear");
}

/* Oh and Yun 2024: every class has filters that see one patch each; a class's score is the sum over
   filters and patches. */
static void write_patch(FILE *file, const cutlab_layer_setting *s, int64_t classes) {
  enum { size, filters, activation, beta, radius };
  int kind = whole(s, activation);
  char slope[cutlab_number_size], bend[cutlab_number_size];
  cutlab_number_text(slope, s[beta].value);
  cutlab_number_text(bend, s[radius].value);
  fprintf(file, "conv(%lld, kernel=%d, stride=%d, pad=0, bias=no) | %s",
          (long long)(whole(s, filters) * classes), whole(s, size), whole(s, size),
          activations[kind]);
  if (kind == CUTLAB_SMOOTH) fprintf(file, "(%s, r=%s)", slope, bend);
  if (kind == CUTLAB_LEAKY) fprintf(file, "(%s)", slope);
  fprintf(file, " | pool(sum, global) | group_sum");
}

static void write_conv(FILE *file, int width, int kernel, int stride) {
  fprintf(file, "conv(%d, kernel=%d, stride=%d, bias=no)", width, kernel, stride);
}

static const char head[] = "pool(mean, global) | linear";
static const char place_head[] = "pool(max) | linear"; /* keeps where things are */
static const char bn_relu[] = " | bn | relu | ";

/* Three convolutions of width, 2 and 4 width; kernels shrink by `shrink` each. */
static void write_stack(FILE *file, int width, int kernel, int shrink, const char *end) {
  for (int stage = 0; stage < 3; ++stage) {
    write_conv(file, width << stage, kernel - stage * shrink, 1);
    fprintf(file, "%s%s", bn_relu, stage < 2 ? "pool(max) | " : end);
  }
}

static void write_cnn(FILE *file, const cutlab_layer_setting *s, int64_t classes) {
  (void)classes;
  write_stack(file, whole(s, 0), 3, 0, place_head);
}

static void write_cnn1d(FILE *file, const cutlab_layer_setting *s, int64_t classes) {
  (void)classes;
  write_stack(file, whole(s, 0), 7, 2, head);
}

static void write_basic(FILE *file, int width, int stride) {
  fprintf(file, "residual(");
  write_conv(file, width, 3, stride);
  fprintf(file, "%s", bn_relu);
  write_conv(file, width, 3, 1);
  fprintf(file, " | bn) | relu");
}

/* `count` basic blocks; the first has the stride. */
static void write_blocks(FILE *file, int count, int width, int stride) {
  write_basic(file, width, stride);
  fprintf(file, " | ");
  if (count == 1) return;
  if (count > 2) fprintf(file, "repeat(%d, ", count - 1);
  write_basic(file, width, 1);
  fprintf(file, count > 2 ? ") | " : " | ");
}

/* Stages of `count` blocks; each but the first halves the size and doubles the width. */
static void write_stages(FILE *file, int stages, int count, int width) {
  write_conv(file, width, 3, 1);
  fprintf(file, "%s", bn_relu);
  for (int stage = 0; stage < stages; ++stage)
    write_blocks(file, count, width << stage, stage ? 2 : 1);
  fprintf(file, "%s", head);
}

static void write_resnet(FILE *file, const cutlab_layer_setting *s, int64_t classes) {
  (void)classes;
  write_stages(file, 3, (whole(s, 0) - 2) / 6, whole(s, 1));
}

static void write_resnet18(FILE *file, const cutlab_layer_setting *s, int64_t classes) {
  (void)classes;
  write_stages(file, 4, 2, whole(s, 0));
}

/* What a wide block has after its first bn and ReLU. */
static void write_wide_body(FILE *file, int width, int stride, double dropout) {
  char rate[cutlab_number_size];
  cutlab_number_text(rate, dropout);
  write_conv(file, width, 3, stride);
  fprintf(file, "%s", bn_relu);
  if (dropout > 0) fprintf(file, "dropout(%s) | ", rate);
  write_conv(file, width, 3, 1);
}

/* Where the shape changes, the shortcut reads the activated input, as in the authors' code. */
static void write_wrn(FILE *file, const cutlab_layer_setting *s, int64_t classes) {
  (void)classes;
  int count = (whole(s, 0) - 4) / 6, widen = whole(s, 1);
  write_conv(file, 16, 3, 1);
  for (int stage = 0; stage < 3; ++stage) {
    int width = (16 * widen) << stage, stride = stage ? 2 : 1, same = stage == 0 && widen == 1;
    if (!same) {
      fprintf(file, "%sresidual(", bn_relu);
      write_wide_body(file, width, stride, s[2].value);
      fprintf(file, ", shortcut=");
      write_conv(file, width, 1, stride);
      fprintf(file, ")");
    }
    if (!same && count == 1) continue;
    fprintf(file, " | repeat(%d, residual(bn | relu | ", count - !same);
    write_wide_body(file, width, 1, s[2].value);
    fprintf(file, "))");
  }
  fprintf(file, "%s%s", bn_relu, head);
}

static const cutlab_listed listed[] = {
    {{"mlp",
      0,
      3,
      {CUTLAB_WHOLE("depth", 2, 0, max_depth), CUTLAB_WHOLE("width", 512, 1, max_width),
       ACTIVATION(CUTLAB_RELU)}},
     {"mlp", "depth=2, width=512, activation=relu",
      "Fully connected: `depth` hidden layers of `width` units.", "folklore"},
     0,
     NULL,
     write_mlp},
    {{"patch",
      0,
      5,
      {CUTLAB_REQUIRED("size", 1, max_width), CUTLAB_WHOLE("filters", 1, 1, max_width),
       ACTIVATION(CUTLAB_SMOOTH), CUTLAB_NUMBER("beta", .1, 0, 1),
       CUTLAB_NUMBER("r", 1, 1e-6, 1e6)}},
     {"patch", "size, filters=1, activation=smooth, beta=.1, r=1",
      "Two layers: `filters` per class over patches of side `size` that do not overlap, summed. "
      "beta and r are those of smooth; beta is the slope of leaky.",
      "Oh and Yun, NeurIPS 2024"},
     0,
     NULL,
     write_patch},
    {{"cnn", 0, 1, {CUTLAB_WHOLE("width", 32, 1, 4096)}},
     {"cnn", "width=32", "Small: three 3 x 3 convolutions of width, 2 and 4 width, for images.",
      "folklore"},
     0,
     NULL,
     write_cnn},
    {{"cnn1d", 0, 1, {CUTLAB_WHOLE("width", 32, 1, 4096)}},
     {"cnn1d", "width=32",
      "Small: three convolutions of width, 2 and 4 width with kernels 7, 5, 3, for series.",
      "after the FCN of Wang, Yan and Oates, IJCNN 2017"},
     0,
     NULL,
     write_cnn1d},
    {{"resnet",
      0,
      2,
      {CUTLAB_WHOLE("depth", 20, 8, max_depth), CUTLAB_WHOLE("width", 16, 1, 4096)}},
     {"resnet", "depth=20, width=16",
      "Residual network for small images, depth 6 n + 2, shortcuts by projection. Also resnet8, "
      "resnet14, resnet20, resnet32, resnet44, resnet56, resnet110.",
      "He, Zhang, Ren and Sun, CVPR 2016, section 4.2"},
     2,
     ", such as 8, 14, 20, 32, 44, 56, 110 (resnet18 is a model of its own)",
     write_resnet},
    {{"resnet18", 0, 1, {CUTLAB_WHOLE("width", 64, 1, 2048)}},
     {"resnet18", "width=64",
      "Residual network of 18 layers whose first convolution is 3 x 3 without pooling after it, "
      "for small images.",
      "He, Zhang, Ren and Sun, CVPR 2016, table 1, with the first layers of section 4.2"},
     0,
     NULL,
     write_resnet18},
    {{"wrn",
      0,
      3,
      {CUTLAB_WHOLE("depth", 28, 10, max_depth), CUTLAB_WHOLE("widen", 10, 1, 256),
       CUTLAB_NUMBER("dropout", 0, 0, .999)}},
     {"wrn", "depth=28, widen=10, dropout=0",
      "Wide residual network, depth 6 n + 4, activation before convolution. Also wrn-D-K, such as "
      "wrn-28-10 and wrn-16-4.",
      "Zagoruyko and Komodakis, BMVC 2016"},
     4,
     ", such as 10, 16, 22, 28, 40",
     write_wrn},
};

const cutlab_listed *cutlab_listed_row(int index) {
  return index >= 0 && index < (int)(sizeof listed / sizeof *listed) ? &listed[index] : NULL;
}

bool cutlab_model_info_at(int index, cutlab_model_info *info) {
  const cutlab_listed *row = cutlab_listed_row(index);
  if (row) *info = row->info;
  return row != NULL;
}

static const char *const resnet_names[] = {"resnet8",  "resnet14", "resnet20", "resnet32",
                                           "resnet44", "resnet56", "resnet110"};
enum { resnet_count = sizeof resnet_names / sizeof *resnet_names };

static const cutlab_listed *find_plain(const char *name) {
  const cutlab_listed *row;
  for (int i = 0; (row = cutlab_listed_row(i)); ++i)
    if (strcmp(row->info.name, name) == 0) return row;
  return NULL;
}

/* Digits without a leading 0, up to `end`; 0 where there are none. */
static int parse_digits(const char **text) {
  int value = 0;
  for (; **text >= (value ? '0' : '1') && **text <= '9' && value < 10000; ++*text)
    value = 10 * value + (**text - '0');
  return value;
}

const cutlab_listed *cutlab_listed_find(const char *name, cutlab_layer_setting *settings) {
  for (int i = 0; i < resnet_count; ++i) {
    const char *digits = resnet_names[i] + strlen("resnet");
    if (strcmp(name, resnet_names[i]) != 0) continue;
    settings[0] = (cutlab_layer_setting){parse_digits(&digits), true};
    return find_plain("resnet");
  }
  if (strncmp(name, "wrn-", 4) != 0) return find_plain(name);
  const char *digits = name + 4;
  int depth = parse_digits(&digits), widen = *digits == '-' ? (++digits, parse_digits(&digits)) : 0;
  const cutlab_listed *wrn = find_plain("wrn");
  const cutlab_layer_rule *rules = wrn->form.rules;
  if (*digits || depth < rules[0].minimum || depth > rules[0].maximum || widen < 1 ||
      widen > rules[1].maximum)
    return NULL;
  settings[0] = (cutlab_layer_setting){depth, true};
  settings[1] = (cutlab_layer_setting){widen, true};
  return wrn;
}

int cutlab_listed_names(const char **names) {
  int count = 0;
  const cutlab_listed *row;
  for (int i = 0; (row = cutlab_listed_row(i)); ++i) names[count++] = row->info.name;
  for (int i = 0; i < resnet_count; ++i) names[count++] = resnet_names[i];
  names[count++] = "wrn-28-10";
  names[count++] = "wrn-16-4";
  return count;
}
