/* What layers there are, and layers as text with every parameter written out. */
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "nn/model_internal.h"

const cutlab_layer_form cutlab_layer_forms[CUTLAB_LAYER_KINDS] = {
    [CUTLAB_LAYER_CONV] = {"conv",
                           1,
                           5,
                           {CUTLAB_REQUIRED("width", 1, cutlab_model_max_size),
                            CUTLAB_WHOLE("kernel", 3, 1, cutlab_model_max_size),
                            CUTLAB_WHOLE("stride", 1, 1, cutlab_model_max_size),
                            CUTLAB_FOLLOWS("pad", 0, "same"), CUTLAB_FLAG("bias", 1)}},
    [CUTLAB_LAYER_BN] = {"bn",
                         0,
                         2,
                         {CUTLAB_NUMBER("momentum", .1, 0, 1),
                          CUTLAB_NUMBER("epsilon", 1e-5, 1e-12, 1)}},
    [CUTLAB_LAYER_RELU] = {.name = "relu"},
    [CUTLAB_LAYER_LEAKY] = {"leaky", 1, 1, {CUTLAB_NUMBER("slope", .01, 0, 1)}},
    [CUTLAB_LAYER_SMOOTH] = {"smooth",
                             1,
                             2,
                             {CUTLAB_NUMBER("beta", .1, 0, 1), CUTLAB_NUMBER("r", 1, 1e-6, 1e6)}},
    [CUTLAB_LAYER_GELU] = {.name = "gelu"},
    [CUTLAB_LAYER_SILU] = {.name = "silu"},
    [CUTLAB_LAYER_POOL] = {"pool",
                           1,
                           4,
                           {{"kind", CUTLAB_RULE_WORD, .required = true,
                             .words = {"max", "mean", "sum"}},
                            CUTLAB_WHOLE("size", 2, 1, cutlab_model_max_size),
                            CUTLAB_FOLLOWS("stride", 1, "size"),
                            CUTLAB_FLAG("global", 0)}},
    [CUTLAB_LAYER_LINEAR] = {"linear",
                             1,
                             2,
                             {CUTLAB_FOLLOWS("width", 1, "classes"), CUTLAB_FLAG("bias", 1)}},
    [CUTLAB_LAYER_DROPOUT] = {"dropout", 1, 1, {CUTLAB_NUMBER("rate", .5, 0, .999)}},
    [CUTLAB_LAYER_GROUP_SUM] = {"group_sum", 1, 1, {CUTLAB_FOLLOWS("groups", 1, "classes")}},
    [CUTLAB_LAYER_REPEAT] = {"repeat",
                             2,
                             2,
                             {CUTLAB_REQUIRED("n", 1, cutlab_model_max_nodes),
                              {"body", CUTLAB_RULE_MODEL, .required = true, .fallback = -1}}},
    [CUTLAB_LAYER_RESIDUAL] = {"residual",
                               1,
                               2,
                               {{"body", CUTLAB_RULE_MODEL, .required = true, .fallback = -1},
                                {"shortcut", CUTLAB_RULE_MODEL, .required = false,
                                 .fallback = -1}}},
};

static void write_sequence(FILE *file, const cutlab_layers *layers, int first);

static void write_setting(FILE *file, const cutlab_layers *layers, const cutlab_layer_rule *rule,
                          double value) {
  char number[cutlab_number_size];
  if (rule->kind == CUTLAB_RULE_MODEL) {
    write_sequence(file, layers, (int)value);
  } else if (rule->kind == CUTLAB_RULE_FLAG) {
    fprintf(file, "%s", value == 1 ? "yes" : "no");
  } else if (rule->kind == CUTLAB_RULE_WORD) {
    fprintf(file, "%s", rule->words[(int)value]);
  } else {
    cutlab_number_text(number, value);
    fprintf(file, "%s", number);
  }
}

/* Parameters that say nothing here: a global pool's window, a shortcut that follows from shapes. */
static bool is_silent(const cutlab_layer *layer, int index) {
  const cutlab_layer_setting *s = layer->settings;
  if (layer->kind == CUTLAB_LAYER_POOL) {
    bool window = index == CUTLAB_POOL_SIZE || index == CUTLAB_POOL_STRIDE;
    return window ? s[CUTLAB_POOL_GLOBAL].value == 1
                  : index == CUTLAB_POOL_GLOBAL && s[index].value == 0;
  }
  return layer->kind == CUTLAB_LAYER_RESIDUAL && s[index].value < 0;
}

static void write_layer(FILE *file, const cutlab_layers *layers, const cutlab_layer *layer) {
  const cutlab_layer_form *form = &cutlab_layer_forms[layer->kind];
  fprintf(file, "%s", form->name);
  for (int i = 0; i < form->count; ++i) {
    if (is_silent(layer, i)) continue;
    fprintf(file, "%s", i ? ", " : "(");
    if (i >= form->positional) fprintf(file, "%s=", form->rules[i].name);
    write_setting(file, layers, &form->rules[i], layer->settings[i].value);
  }
  if (form->count) fprintf(file, ")");
}

static void write_sequence(FILE *file, const cutlab_layers *layers, int first) {
  for (int i = first; i >= 0; i = layers->layers[i].next) {
    if (i != first) fprintf(file, " | ");
    write_layer(file, layers, &layers->layers[i]);
  }
}

cutlab_status cutlab_layers_text(cutlab_context *context, char **text,
                                 const cutlab_layers *layers) {
  size_t size = 0;
  *text = NULL;
  FILE *file = open_memstream(text, &size);
  if (file) write_sequence(file, layers, layers->first);
  if (!file || fclose(file) != 0) {
    free(*text);
    *text = NULL;
    return cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory: the text of a model");
  }
  if (size <= cutlab_model_max_text) return CUTLAB_OK;
  return cutlab_layers_fail(context, layers, 0,
                            "with all parameters written out it has %zu characters; accepted: at "
                            "most %d (repeat makes it shorter)",
                            size, cutlab_model_max_text);
}
