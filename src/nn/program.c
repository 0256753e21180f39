/* Planning a model for one size of batch: tensors, what shares memory, when each is in use. Forward
   of node i is step i, its backward step 2n - 1 - i. */
#include "nn/program.h"

#include <stdlib.h>
#include <string.h>

struct cutlab_program {
  const cutlab_backend *backend;
  void *device;
  const cutlab_model *model;
  int64_t count;
  bool training;
  cutlab_operation *operations;      /* [node_count] */
  int planned;                       /* how many of them */
  cutlab_tensor *values, *gradients; /* [value_count] */
  int *value_owner, *gradient_owner; /* [value_count] the value whose memory is used */
  bool *wanted;                      /* [value_count] whether its gradient is */
  cutlab_block *blocks;              /* values, gradients, what nodes keep, scratch */
  int *order;                        /* [block_count] */
  size_t bytes;
};

enum { no_step = -1 };

static int block_count(const cutlab_program *program) {
  return 2 * program->model->value_count + program->model->node_count + 1;
}

static cutlab_status take_tables(cutlab_context *context, cutlab_program *program) {
  int nodes = program->model->node_count, values = program->model->value_count;
  program->operations = cutlab_allocate(context, nodes, sizeof *program->operations);
  program->values = cutlab_allocate(context, values, sizeof *program->values);
  program->gradients = cutlab_allocate(context, values, sizeof *program->gradients);
  program->value_owner = cutlab_allocate(context, values, sizeof *program->value_owner);
  program->gradient_owner = cutlab_allocate(context, values, sizeof *program->gradient_owner);
  program->wanted = cutlab_allocate(context, values, sizeof *program->wanted);
  program->blocks = cutlab_allocate(context, block_count(program), sizeof *program->blocks);
  program->order = cutlab_allocate(context, block_count(program), sizeof *program->order);
  bool complete = program->operations && program->values && program->gradients &&
                  program->value_owner && program->gradient_owner && program->blocks &&
                  program->order && program->wanted;
  return complete ? CUTLAB_OK : CUTLAB_ERROR_MEMORY;
}

static void set_shapes(cutlab_program *program) {
  int logits = program->model->nodes[program->model->node_count - 1].output[0];
  for (int i = 0; i < program->model->value_count; ++i) {
    const cutlab_value *value = &program->model->values[i], *input = program->model->values;
    bool as_input = value->channels == input->channels && value->height == input->height &&
                    value->width == input->width;
    program->values[i] = (cutlab_tensor){.count = program->count,
                                         .channels = value->channels,
                                         .height = value->height,
                                         .width = value->width,
                                         .plain = as_input || i == logits};
    program->value_owner[i] = program->gradient_owner[i] = i;
  }
}

/* Which values and gradients are one tensor: see backend.h. Backward runs from the last node to the
   first, and owners are named in that order. */
static void set_owners(cutlab_program *program) {
  const cutlab_model *model = program->model;
  for (int i = 0; i < model->node_count; ++i) {
    const cutlab_node *node = &model->nodes[i];
    if (node->kind != CUTLAB_OP_FORK) continue;
    int owner = program->value_owner[node->input[0]];
    program->value_owner[node->output[0]] = program->value_owner[node->output[1]] = owner;
  }
  int *owner = program->gradient_owner;
  for (int i = model->node_count - 1; i >= 0; --i) {
    const cutlab_node *node = &model->nodes[i];
    if (node->kind == CUTLAB_OP_FORK) owner[node->input[0]] = owner[node->output[0]];
    if (node->kind != CUTLAB_OP_ADD) continue;
    owner[node->input[0]] = node->relu ? node->input[0] : owner[node->output[0]];
    owner[node->input[1]] = owner[node->input[0]];
  }
}

/* Only what is computed from a tensor that is trained needs a gradient. */
static void set_wanted(cutlab_program *program) {
  for (int i = 0; i < program->model->node_count; ++i) {
    const cutlab_node *node = &program->model->nodes[i];
    bool wanted = node->parameter[0] >= 0 || program->wanted[node->input[0]] ||
                  (node->input[1] >= 0 && program->wanted[node->input[1]]);
    for (int k = 0; k < 2; ++k)
      if (node->output[k] >= 0) program->wanted[node->output[k]] = wanted;
  }
}

static void set_operation(cutlab_program *program, int i, float *const *values,
                          float *const *gradients) {
  const cutlab_node *node = &program->model->nodes[i];
  cutlab_operation *operation = &program->operations[i];
  operation->node = node;
  operation->training = program->training;
  for (int k = 0; k < 2; ++k) {
    if (node->input[k] >= 0) operation->input[k] = &program->values[node->input[k]];
    if (node->output[k] >= 0) operation->output[k] = &program->values[node->output[k]];
    if (!program->training) continue;
    if (node->output[k] >= 0) operation->output_gradient[k] = &program->gradients[node->output[k]];
    if (node->input[k] >= 0 && program->wanted[node->input[k]])
      operation->input_gradient[k] = &program->gradients[node->input[k]];
  }
  for (int k = 0; k < cutlab_node_parameters; ++k) {
    if (node->parameter[k] < 0) continue;
    operation->parameter[k] = values[node->parameter[k]];
    operation->gradient[k] = program->training ? gradients[node->parameter[k]] : NULL;
  }
}

static cutlab_status plan_operations(cutlab_context *context, cutlab_program *program) {
  for (; program->planned < program->model->node_count; ++program->planned) {
    cutlab_operation *operation = &program->operations[program->planned];
    CUTLAB_TRY(program->backend->plan(context, program->device, operation));
    CUTLAB_TRY(cutlab_report_progress(context, "planning", program->planned + 1,
                                      program->model->node_count));
  }
  for (int i = 0; i < program->model->value_count; ++i) program->gradients[i] = program->values[i];
  return CUTLAB_OK;
}

static void use(cutlab_block *block, size_t bytes, int step) {
  block->bytes = block->bytes > bytes ? block->bytes : bytes;
  if (block->first == no_step || step < block->first) block->first = step;
  if (step > block->last) block->last = step;
}

static bool backward_reads_input(const cutlab_node *node) {
  return node->kind == CUTLAB_OP_CONV || node->kind == CUTLAB_OP_LINEAR ||
         node->kind == CUTLAB_OP_NORM || node->kind == CUTLAB_OP_ACTIVATION;
}

static bool backward_reads_output(const cutlab_node *node) {
  return node->relu && (node->kind == CUTLAB_OP_NORM || node->kind == CUTLAB_OP_ADD);
}

/* The input and the gradient of the logits are the caller's. */
static void use_tensors(cutlab_program *program, int i) {
  const cutlab_node *node = &program->model->nodes[i];
  int values = program->model->value_count, forward = i;
  int backward = 2 * program->model->node_count - 1 - i;
  for (int k = 0; k < 2; ++k) {
    int input = node->input[k], output = node->output[k];
    if (input > 0 && program->value_owner[input] > 0) {
      cutlab_block *block = &program->blocks[program->value_owner[input]];
      use(block, program->values[input].bytes, forward);
      if (program->training && backward_reads_input(node)) use(block, 0, backward);
    }
    if (output >= 0 && program->value_owner[output] > 0) {
      cutlab_block *block = &program->blocks[program->value_owner[output]];
      use(block, program->values[output].bytes, forward);
      if (program->training && backward_reads_output(node)) use(block, 0, backward);
    }
    if (program->operations[i].input_gradient[k])
      use(&program->blocks[values + program->gradient_owner[input]], program->values[input].bytes,
          backward);
    if (program->training && output >= 0 && node->kind != CUTLAB_OP_OUTPUT)
      use(&program->blocks[values + program->gradient_owner[output]], program->values[output].bytes,
          backward);
  }
}

static void place(cutlab_program *program) {
  int nodes = program->model->node_count, values = program->model->value_count;
  int last = (program->training ? 2 : 1) * nodes - 1;
  cutlab_block *kept = program->blocks + 2 * values, *scratch = kept + nodes;
  for (int i = 0; i < block_count(program); ++i) program->blocks[i].first = no_step;
  for (int i = 0; i < nodes; ++i) {
    const cutlab_operation *operation = &program->operations[i];
    use_tensors(program, i);
    use(&kept[i], operation->kept_bytes, i);
    use(&kept[i], 0, program->training ? last - i : i);
    use(scratch, operation->scratch_bytes, 0);
  }
  use(scratch, 0, last);
  /* The logits stay until the next call. */
  use(&program->blocks[program->model->nodes[nodes - 1].output[0]], 0, last);
  program->bytes = cutlab_blocks_place(program->blocks, program->order, block_count(program));
}

cutlab_status cutlab_program_create(cutlab_context *context, cutlab_program **program,
                                    const cutlab_backend *backend, void *device,
                                    const cutlab_model *model, float *const *values,
                                    float *const *gradients, int64_t count, bool training) {
  cutlab_program *made = cutlab_allocate(context, 1, sizeof *made);
  if (!made) return CUTLAB_ERROR_MEMORY;
  made->backend = backend;
  made->device = device;
  made->model = model;
  made->count = count;
  made->training = training;
  cutlab_status status = take_tables(context, made);
  if (status == CUTLAB_OK) {
    set_shapes(made);
    set_owners(made);
    set_wanted(made);
    made->values[0].bytes = (size_t)(count * model->values[0].channels * model->values[0].height *
                                     model->values[0].width) *
                            sizeof(float);
    for (int i = 0; i < model->node_count; ++i) set_operation(made, i, values, gradients);
    status = plan_operations(context, made);
  }
  if (status != CUTLAB_OK) {
    cutlab_program_free(made);
    return status;
  }
  place(made);
  *program = made;
  return CUTLAB_OK;
}

void cutlab_program_free(cutlab_program *program) {
  if (!program) return;
  /* The one whose planning failed may hold something already. */
  if (program->operations)
    for (int i = 0; i <= program->planned && i < program->model->node_count; ++i)
      program->backend->release(program->device, &program->operations[i]);
  free(program->operations);
  free(program->values);
  free(program->gradients);
  free(program->value_owner);
  free(program->gradient_owner);
  free(program->wanted);
  free(program->blocks);
  free(program->order);
  free(program);
}

int64_t cutlab_program_count(const cutlab_program *program) {
  return program->count;
}

bool cutlab_program_training(const cutlab_program *program) {
  return program->training;
}

size_t cutlab_program_bytes(const cutlab_program *program) {
  return program->bytes;
}

void cutlab_program_bind(cutlab_program *program, void *memory) {
  int nodes = program->model->node_count, values = program->model->value_count;
  const cutlab_block *kept = program->blocks + 2 * values, *scratch = kept + nodes;
  char *base = memory;
  for (int i = 0; i < values; ++i) {
    program->values[i].data = (float *)(base + program->blocks[program->value_owner[i]].offset);
    program->gradients[i].data =
        (float *)(base + program->blocks[values + program->gradient_owner[i]].offset);
  }
  for (int i = 0; i < nodes; ++i) {
    program->operations[i].kept = base + kept[i].offset;
    program->operations[i].scratch = base + scratch->offset;
  }
}

/* Value 0 and its copies by FORK are the caller's; operations only read them. */
static void set_input(cutlab_program *program, const float *input) {
  for (int i = 0; i < program->model->value_count; ++i)
    if (program->value_owner[i] == 0) program->values[i].data = (float *)input;
}

cutlab_status cutlab_program_forward(cutlab_context *context, cutlab_program *program,
                                     float **logits, const float *input, uint64_t seed,
                                     int64_t step) {
  int nodes = program->model->node_count;
  set_input(program, input);
  for (int i = 0; i < nodes; ++i) {
    program->operations[i].seed = seed;
    program->operations[i].step = step;
    CUTLAB_TRY(program->backend->forward(context, program->device, &program->operations[i]));
  }
  *logits = program->operations[nodes - 1].output[0]->data;
  return CUTLAB_OK;
}

cutlab_status cutlab_program_backward(cutlab_context *context, cutlab_program *program,
                                      const float *gradient, const float *input) {
  int nodes = program->model->node_count;
  set_input(program, input);
  program->operations[nodes - 1].output_gradient[0]->data = (float *)gradient;
  for (int i = nodes - 1; i >= 0; --i)
    CUTLAB_TRY(program->backend->backward(context, program->device, &program->operations[i]));
  return CUTLAB_OK;
}
