/* A model as a table for people. */
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "nn/model_internal.h"

enum { cell_size = 104 };

/* The stride where it is not the usual one: 1 of convolutions, the size of pools. */
static void describe_window(char *text, size_t size, const cutlab_node *node) {
  long long rows = (long long)node->stride[0], columns = (long long)node->stride[1];
  bool pool = node->kind == CUTLAB_OP_POOL;
  size_t at = (size_t)snprintf(text, size, " %lldx%lld", (long long)node->kernel[0],
                               (long long)node->kernel[1]);
  if (rows != (pool ? node->kernel[0] : 1) || columns != (pool ? node->kernel[1] : 1))
    snprintf(text + at, size - at, ", stride %lld", rows > columns ? rows : columns);
}

/* The name, and what it does where the name does not say. */
static void describe_operation(char text[cell_size], const cutlab_node *node) {
  static const char *const pools[] = {"max", "mean", "sum"};
  static const char *const activations[] = {"relu", "leaky", "smooth", "gelu", "silu"};
  char more[64] = "", rate[cutlab_number_size];
  if (node->kind == CUTLAB_OP_CONV || node->kind == CUTLAB_OP_POOL)
    describe_window(more, sizeof more, node);
  cutlab_number_text(rate, node->rate);
  if (node->kind == CUTLAB_OP_POOL)
    snprintf(text, cell_size, "%s %s%s", node->name, pools[node->pool], more);
  else if (node->kind == CUTLAB_OP_ACTIVATION)
    snprintf(text, cell_size, "%s %s", node->name, activations[node->activation]);
  else if (node->kind == CUTLAB_OP_DROPOUT)
    snprintf(text, cell_size, "%s %s", node->name, rate);
  else
    snprintf(text, cell_size, "%s%s%s", node->name, more, node->relu ? " + relu" : "");
}

static int64_t trained_parameters(const cutlab_model *model, const cutlab_node *node) {
  int64_t sum = 0;
  for (int i = 0; i < cutlab_node_parameters; ++i) {
    const cutlab_model_tensor *tensor = cutlab_model_tensor_at(model, node->parameter[i]);
    if (tensor && tensor->trained) sum += tensor->count;
  }
  return sum;
}

static void write_row(FILE *file, int width, const char *operation, cutlab_value shape,
                      int64_t parameters) {
  char output[cell_size];
  snprintf(output, sizeof output, "%lldx%lldx%lld", (long long)shape.channels,
           (long long)shape.height, (long long)shape.width);
  if (parameters)
    fprintf(file, "%-*s  %-14s  %10lld\n", width, operation, output, (long long)parameters);
  else
    fprintf(file, "%-*s  %s\n", width, operation, output);
}

/* Forks and the output compute nothing and have no row. */
static bool has_row(const cutlab_node *node) {
  return node->kind != CUTLAB_OP_FORK && node->kind != CUTLAB_OP_OUTPUT;
}

static void write_table(FILE *file, const cutlab_model *model) {
  char operation[cell_size];
  int width = 9;
  int64_t sum = 0;
  for (int i = 0; i < model->node_count; ++i) {
    describe_operation(operation, &model->nodes[i]);
    if (has_row(&model->nodes[i]) && (int)strlen(operation) > width) width = (int)strlen(operation);
  }
  fprintf(file, "%-*s  %-14s  %10s\n", width, "operation", "output", "parameters");
  write_row(file, width, "input", model->values[0], 0);
  for (int i = 0; i < model->node_count; ++i) {
    const cutlab_node *node = &model->nodes[i];
    int64_t parameters = trained_parameters(model, node);
    sum += parameters;
    if (!has_row(node)) continue;
    describe_operation(operation, node);
    write_row(file, width, operation, model->values[node->output[0]], parameters);
  }
  fprintf(file, "total: %lld parameters, %lld multiply-adds\n", (long long)sum,
          (long long)cutlab_model_multiply_adds(model));
}

cutlab_status cutlab_model_table(cutlab_context *context, char **text, const cutlab_model *model) {
  size_t size = 0;
  *text = NULL;
  FILE *file = open_memstream(text, &size);
  if (file) write_table(file, model);
  if (file && fclose(file) == 0) return CUTLAB_OK;
  free(*text);
  *text = NULL;
  return cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory: the table of a model");
}
