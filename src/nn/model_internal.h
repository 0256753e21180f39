/* From text to graph: rules of layers and listed models, the layers that a text says, and what the
   files model*.c share. */
#ifndef CUTLAB_NN_MODEL_INTERNAL_H
#define CUTLAB_NN_MODEL_INTERNAL_H

#include <stdio.h>

#include "nn/model.h"

enum {
  cutlab_model_max_text = 65536,
  cutlab_model_max_nodes = 4096,
  cutlab_model_max_depth = 32,     /* of layers within layers */
  cutlab_model_max_size = 1 << 20, /* of widths, kernels and the axes of inputs */
  cutlab_layer_rules = 6           /* a layer or model has at most */
};

typedef enum cutlab_rule_kind {
  CUTLAB_RULE_WHOLE,
  CUTLAB_RULE_NUMBER,
  CUTLAB_RULE_FLAG, /* yes or no; its bare name is a yes */
  CUTLAB_RULE_WORD, /* one of the words; the value is its index */
  CUTLAB_RULE_MODEL /* layers; the value is the index of the first */
} cutlab_rule_kind;

/* What a parameter accepts. A default of -1 says: follows from the rest. */
typedef struct cutlab_layer_rule {
  const char *name;
  cutlab_rule_kind kind;
  bool required;
  double fallback, minimum, maximum;
  const char *words[6]; /* up to NULL; of a whole number: words[0], if any, stands for -1 */
} cutlab_layer_rule;

/* clang-format off */
#define CUTLAB_WHOLE(label, value, low, high)                                                      \
  {label, CUTLAB_RULE_WHOLE, .fallback = (value), .minimum = (low), .maximum = (high)}
#define CUTLAB_REQUIRED(label, low, high)                                                          \
  {label, CUTLAB_RULE_WHOLE, .required = true, .minimum = (low), .maximum = (high)}
#define CUTLAB_FOLLOWS(label, low, word)                                                           \
  {label, CUTLAB_RULE_WHOLE, .fallback = -1, .minimum = (low), .maximum = cutlab_model_max_size,   \
   .words = {word}}
#define CUTLAB_NUMBER(label, value, low, high)                                                     \
  {label, CUTLAB_RULE_NUMBER, .fallback = (value), .minimum = (low), .maximum = (high)}
#define CUTLAB_FLAG(label, value) {label, CUTLAB_RULE_FLAG, .fallback = (value)}
/* clang-format on */

typedef enum cutlab_layer_kind {
  CUTLAB_LAYER_CONV,
  CUTLAB_LAYER_BN,
  CUTLAB_LAYER_RELU,
  CUTLAB_LAYER_LEAKY,
  CUTLAB_LAYER_SMOOTH,
  CUTLAB_LAYER_GELU,
  CUTLAB_LAYER_SILU,
  CUTLAB_LAYER_POOL,
  CUTLAB_LAYER_LINEAR,
  CUTLAB_LAYER_DROPOUT,
  CUTLAB_LAYER_GROUP_SUM,
  CUTLAB_LAYER_REPEAT,
  CUTLAB_LAYER_RESIDUAL,
  CUTLAB_LAYER_KINDS
} cutlab_layer_kind;

/* Indices into the settings of layers. */
enum {
  CUTLAB_CONV_WIDTH = 0,
  CUTLAB_CONV_KERNEL,
  CUTLAB_CONV_STRIDE,
  CUTLAB_CONV_PAD,
  CUTLAB_CONV_BIAS,
  CUTLAB_BN_MOMENTUM = 0,
  CUTLAB_BN_EPSILON,
  CUTLAB_POOL_KIND = 0,
  CUTLAB_POOL_SIZE,
  CUTLAB_POOL_STRIDE,
  CUTLAB_POOL_GLOBAL,
  CUTLAB_LINEAR_WIDTH = 0,
  CUTLAB_LINEAR_BIAS,
  CUTLAB_REPEAT_TIMES = 0,
  CUTLAB_REPEAT_BODY,
  CUTLAB_RESIDUAL_BODY = 0,
  CUTLAB_RESIDUAL_SHORTCUT
};

/* A name with parameters: a layer, or a model of the list. */
typedef struct cutlab_layer_form {
  const char *name;
  int positional; /* so many of the first parameters may go without their name */
  int count;
  cutlab_layer_rule rules[cutlab_layer_rules];
} cutlab_layer_form;

extern const cutlab_layer_form cutlab_layer_forms[CUTLAB_LAYER_KINDS];

typedef struct cutlab_layer_setting {
  double value;
  bool given;
} cutlab_layer_setting;

typedef struct cutlab_layer {
  cutlab_layer_kind kind;
  size_t place; /* in the text */
  int next;     /* layer after it, -1 for none */
  cutlab_layer_setting settings[cutlab_layer_rules];
} cutlab_layer;

/* The layers of a text; release with cutlab_layers_clear. */
typedef struct cutlab_layers {
  cutlab_layer *layers;
  int count, capacity, first;
  char *text;     /* that places refer to: as given, or that of a listed model */
  char title[64]; /* of the text, for messages */
} cutlab_layers;

/* model_parse.c */
cutlab_status cutlab_layers_parse(cutlab_context *context, cutlab_layers *layers, const char *text,
                                  int64_t classes);
void cutlab_layers_clear(cutlab_layers *layers);
/* "model, character N: ...", or with the line where there are several. */
cutlab_status cutlab_layers_fail(cutlab_context *context, const cutlab_layers *layers, size_t place,
                                 const char *format, ...) CUTLAB_PRINTF(4, 5);

/* model_text.c: the layers with all parameters; release with free. */
cutlab_status cutlab_layers_text(cutlab_context *context, char **text, const cutlab_layers *layers);

/* model_build.c: fills an empty model, whose value 0 and classes are set. */
cutlab_status cutlab_model_build(cutlab_context *context, cutlab_model *model,
                                 const cutlab_layers *layers);

/* A model of the list. */
typedef struct cutlab_listed {
  cutlab_layer_form form;
  cutlab_model_info info;
  int depth_rest; /* not 0: depths, the first parameter, are 6 n + this */
  const char *depth_note;
  void (*write)(FILE *file, const cutlab_layer_setting *settings, int64_t classes);
} cutlab_listed;

/* model_list.c */
const cutlab_listed *cutlab_listed_row(int index); /* NULL past the last */
/* The model of that name; names that say parameters (resnet20, wrn-28-10) set them. NULL: none. */
const cutlab_listed *cutlab_listed_find(const char *name, cutlab_layer_setting *settings);
/* Names for "nearest"; at most cutlab_listed_max_names. */
enum { cutlab_listed_max_names = 32 };
int cutlab_listed_names(const char **names);

/* model.c: makes room for one more; `*array` is grown with realloc. */
cutlab_status cutlab_model_grow(cutlab_context *context, void **array, int count, int *capacity,
                                size_t size);

#endif
