/* Models as a whole: made from text, asked, released. */
#include <stdlib.h>
#include <string.h>

#include "nn/model_internal.h"

cutlab_status cutlab_model_grow(cutlab_context *context, void **array, int count, int *capacity,
                                size_t size) {
  if (count < *capacity) return CUTLAB_OK;
  int wanted = *capacity ? 2 * *capacity : 16;
  void *grown = realloc(*array, (size_t)wanted * size);
  if (!grown)
    return cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory: a model of %d parts", count);
  *array = grown;
  *capacity = wanted;
  return CUTLAB_OK;
}

static cutlab_status check_sizes(cutlab_context *context, cutlab_value input, int64_t classes) {
  const struct {
    const char *name;
    int64_t value;
  } sizes[] = {{"channels of the input", input.channels},
               {"height of the input", input.height},
               {"width of the input", input.width},
               {"number of classes", classes}};
  for (int i = 0; i < 4; ++i)
    if (sizes[i].value < 1 || sizes[i].value > cutlab_model_max_size)
      return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT, "model: %s is %lld; accepted: 1 to %d",
                         sizes[i].name, (long long)sizes[i].value, cutlab_model_max_size);
  double size = (double)input.channels * (double)input.height * (double)input.width;
  if (size <= INT32_MAX) return CUTLAB_OK;
  return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                     "model: an input has %.0f numbers; accepted: at most %d", size, INT32_MAX);
}

static cutlab_status fill(cutlab_context *context, cutlab_model *model, cutlab_layers *layers,
                          const char *text, cutlab_value input) {
  model->values = malloc(sizeof input);
  if (!model->values) return cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory: a model");
  model->values[0] = input;
  model->value_count = 1;
  CUTLAB_TRY(cutlab_layers_parse(context, layers, text, model->classes));
  CUTLAB_TRY(cutlab_model_build(context, model, layers));
  return cutlab_layers_text(context, &model->text, layers);
}

cutlab_status cutlab_model_create(cutlab_context *context, cutlab_model **model, const char *text,
                                  int64_t channels, int64_t height, int64_t width,
                                  int64_t classes) {
  cutlab_value input = {channels, height, width};
  cutlab_layers layers = {.first = -1};
  *model = NULL;
  CUTLAB_TRY(check_sizes(context, input, classes));
  *model = calloc(1, sizeof **model);
  if (!*model) return cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory: a model");
  (*model)->classes = classes;
  cutlab_status status = fill(context, *model, &layers, text, input);
  cutlab_layers_clear(&layers);
  if (status == CUTLAB_OK) return CUTLAB_OK;
  cutlab_model_free(*model);
  *model = NULL;
  return status;
}

void cutlab_model_free(cutlab_model *model) {
  if (!model) return;
  free(model->text);
  free(model->nodes);
  free(model->values);
  free(model->tensors);
  free(model);
}

const char *cutlab_model_text(const cutlab_model *model) {
  return model->text;
}

int64_t cutlab_model_classes(const cutlab_model *model) {
  return model->classes;
}

/* Every weight meets every position of its output once. */
int64_t cutlab_model_multiply_adds(const cutlab_model *model) {
  int64_t sum = 0;
  for (int i = 0; i < model->node_count; ++i) {
    const cutlab_node *node = &model->nodes[i];
    if (node->kind != CUTLAB_OP_CONV && node->kind != CUTLAB_OP_LINEAR) continue;
    cutlab_value out = model->values[node->output[0]];
    sum += model->tensors[node->parameter[0]].count * out.height * out.width;
  }
  return sum;
}

int cutlab_model_tensors(const cutlab_model *model) {
  return model->tensor_count;
}

const cutlab_model_tensor *cutlab_model_tensor_at(const cutlab_model *model, int index) {
  return index >= 0 && index < model->tensor_count ? &model->tensors[index] : NULL;
}
