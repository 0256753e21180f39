/* Networks: values and gradients of a model's tensors, and the programs that compute with them. */
#include <cutlab/network.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cutlab/random.h>

#include "base/signals.h"
#include "base/streams.h"
#include "nn/program.h"

enum { program_capacity = 8 }; /* sizes of batch planned at a time; the oldest goes */

struct cutlab_network {
  const cutlab_model *model;
  const cutlab_backend *backend;
  void *device;
  int threads; /* that the device was opened for */
  char description[128];
  float **values, **gradients; /* [tensor_count], into the blocks below */
  float *value_block, *gradient_block;
  cutlab_program *programs[program_capacity];
  int program_count;
  void *memory; /* of all programs */
  size_t memory_bytes;
};

static const cutlab_backend *const backends[] = {
#ifdef CUTLAB_HAVE_ONEDNN
    &cutlab_backend_onednn,
#endif
    &cutlab_backend_reference, NULL};

static cutlab_status choose_backend(cutlab_context *context, const cutlab_backend **backend,
                                    const char *name) {
  *backend = backends[0];
  if (!name || strcmp(name, "auto") == 0) return CUTLAB_OK;
  for (int i = 0; backends[i]; ++i) {
    *backend = backends[i];
    if (strcmp(name, backends[i]->name) == 0) return CUTLAB_OK;
  }
  if (strcmp(name, "onednn") == 0)
    return cutlab_fail(context, CUTLAB_ERROR_UNSUPPORTED,
                       "backend is 'onednn', but this build has no oneDNN; accepted: auto, "
                       "reference");
  return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                     "backend is '%.80s'; accepted: auto, onednn, reference", name);
}

/* Floats from one tensor to the next in a block: whole cache lines. */
static int64_t stride(const cutlab_model_tensor *tensor) {
  return (tensor->count + 15) / 16 * 16;
}

static cutlab_status take_tensors(cutlab_context *context, cutlab_network *network) {
  const cutlab_model *model = network->model;
  int64_t all = 0, trained = 0;
  for (int i = 0; i < model->tensor_count; ++i) {
    all += stride(&model->tensors[i]);
    if (model->tensors[i].trained) trained += stride(&model->tensors[i]);
  }
  network->values = cutlab_allocate(context, model->tensor_count, sizeof *network->values);
  network->gradients = cutlab_allocate(context, model->tensor_count, sizeof *network->gradients);
  network->value_block = cutlab_allocate(context, all, sizeof(float));
  network->gradient_block = cutlab_allocate(context, trained, sizeof(float));
  if (!network->values || !network->gradients || !network->value_block || !network->gradient_block)
    return CUTLAB_ERROR_MEMORY;
  float *value = network->value_block, *gradient = network->gradient_block;
  for (int i = 0; i < model->tensor_count; ++i) {
    network->values[i] = value;
    value += stride(&model->tensors[i]);
    if (!model->tensors[i].trained) continue;
    network->gradients[i] = gradient;
    gradient += stride(&model->tensors[i]);
  }
  return CUTLAB_OK;
}

static void fill(float *values, float value, int64_t count) {
  for (int64_t i = 0; i < count; ++i) values[i] = value;
}

/* Roles that start the same way in every initialisation. */
static void set_constant(float *values, const cutlab_model_tensor *tensor) {
  bool one = tensor->role == CUTLAB_SCALE || tensor->role == CUTLAB_VARIANCE;
  fill(values, one ? 1 : 0, tensor->count);
}

cutlab_status cutlab_network_create(cutlab_context *context, cutlab_network **network,
                                    const cutlab_model *model, const char *backend) {
  const cutlab_backend *chosen;
  CUTLAB_TRY(choose_backend(context, &chosen, backend));
  cutlab_network *made = cutlab_allocate(context, 1, sizeof *made);
  if (!made) return CUTLAB_ERROR_MEMORY;
  made->model = model;
  cutlab_status status = take_tensors(context, made);
  if (status == CUTLAB_OK)
    status = chosen->open(context, &made->device, made->description, sizeof made->description);
  if (status != CUTLAB_OK) {
    cutlab_network_free(made);
    return status;
  }
  made->backend = chosen;
  made->threads = cutlab_context_threads(context);
  for (int i = 0; i < model->tensor_count; ++i) set_constant(made->values[i], &model->tensors[i]);
  *network = made;
  return CUTLAB_OK;
}

static void drop_programs(cutlab_network *network) {
  for (int i = 0; i < network->program_count; ++i) cutlab_program_free(network->programs[i]);
  network->program_count = 0;
}

void cutlab_network_free(cutlab_network *network) {
  if (!network) return;
  drop_programs(network);
  if (network->backend) network->backend->close(network->device);
  free(network->values);
  free(network->gradients);
  free(network->value_block);
  free(network->gradient_block);
  free(network->memory);
  free(network);
}

const cutlab_model *cutlab_network_model(const cutlab_network *network) {
  return network->model;
}

const char *cutlab_network_backend(const cutlab_network *network) {
  return network->description;
}

float *cutlab_network_values(cutlab_network *network, int index) {
  return index >= 0 && index < network->model->tensor_count ? network->values[index] : NULL;
}

float *cutlab_network_gradients(cutlab_network *network, int index) {
  return index >= 0 && index < network->model->tensor_count ? network->gradients[index] : NULL;
}

/* Inputs that one output of the operation sums over; a bias has its weight's, the tensor before. */
static int64_t fan_in(const cutlab_model *model, int index) {
  const cutlab_model_tensor *tensor = &model->tensors[index];
  if (tensor->role == CUTLAB_BIAS) --tensor;
  return tensor->count / tensor->shape[0];
}

static void draw(float *values, int64_t count, cutlab_random *random, bool normal, double scale) {
  for (int64_t i = 0; i < count; ++i)
    values[i] = (float)(scale * (normal ? cutlab_random_normal(random)
                                        : 2 * cutlab_random_uniform(random) - 1));
}

void cutlab_network_initialise(cutlab_network *network, cutlab_initialisation how, double scale,
                               uint64_t seed) {
  for (int i = 0; i < network->model->tensor_count; ++i) {
    const cutlab_model_tensor *tensor = &network->model->tensors[i];
    bool drawn =
        tensor->role == CUTLAB_WEIGHT || (tensor->role == CUTLAB_BIAS && how == CUTLAB_UNIFORM);
    if (!drawn) {
      set_constant(network->values[i], tensor);
      continue;
    }
    double width = how == CUTLAB_NORMAL ? scale
                   : how == CUTLAB_HE   ? scale * sqrt(2.0 / (double)fan_in(network->model, i))
                                        : scale / sqrt((double)fan_in(network->model, i));
    cutlab_random random = cutlab_random_make(seed, cutlab_stream_weights, (uint64_t)i, 0, 0);
    draw(network->values[i], tensor->count, &random, how != CUTLAB_UNIFORM, width);
  }
}

static cutlab_status plan(cutlab_context *context, cutlab_network *network,
                          cutlab_program **program, int64_t count, bool training) {
  if (count < 1 || count > 1 << 20)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                       "batch of %lld inputs; accepted: 1 to 1048576", (long long)count);
  return cutlab_program_create(context, program, network->backend, network->device, network->model,
                               network->values, network->gradients, count, training);
}

static void forget_oldest(cutlab_network *network) {
  cutlab_program_free(network->programs[0]);
  --network->program_count;
  for (int i = 0; i < network->program_count; ++i) network->programs[i] = network->programs[i + 1];
}

/* Devices and programs are for a number of threads. Where it has changed, as it does in a fork,
   they are made anew. */
static cutlab_status follow_threads(cutlab_context *context, cutlab_network *network) {
  int threads = cutlab_context_threads(context);
  void *device = NULL;
  if (threads == network->threads) return CUTLAB_OK;
  CUTLAB_TRY(
      network->backend->open(context, &device, network->description, sizeof network->description));
  drop_programs(network);
  network->backend->close(network->device);
  network->device = device;
  network->threads = threads;
  return CUTLAB_OK;
}

/* A program planned before, or now; it has no memory yet. */
static cutlab_status find_program(cutlab_context *context, cutlab_network *network,
                                  cutlab_program **program, int64_t count, bool training) {
  CUTLAB_TRY(follow_threads(context, network));
  for (int i = 0; i < network->program_count; ++i) {
    *program = network->programs[i];
    if (cutlab_program_count(*program) == count && cutlab_program_training(*program) == training)
      return CUTLAB_OK;
  }
  CUTLAB_TRY(plan(context, network, program, count, training));
  if (network->program_count == program_capacity) forget_oldest(network);
  network->programs[network->program_count++] = *program;
  return CUTLAB_OK;
}

cutlab_status cutlab_network_memory(cutlab_context *context, cutlab_network *network, size_t *bytes,
                                    int64_t count, bool training) {
  cutlab_program *program = NULL;
  CUTLAB_TRY(find_program(context, network, &program, count, training));
  *bytes = cutlab_program_bytes(program);
  return CUTLAB_OK;
}

/* All programs use one block, as large as the largest that ran wants: they never run at once. */
static cutlab_status ready_program(cutlab_context *context, cutlab_network *network,
                                   cutlab_program **program, int64_t count, bool training) {
  CUTLAB_TRY(find_program(context, network, program, count, training));
  size_t bytes = cutlab_program_bytes(*program);
  if (bytes > network->memory_bytes) {
    free(network->memory); /* first, so that both are never there at once */
    network->memory = cutlab_allocate(context, (int64_t)bytes, 1);
    network->memory_bytes = network->memory ? bytes : 0;
    if (!network->memory) return CUTLAB_ERROR_MEMORY;
  }
  cutlab_program_bind(*program, network->memory);
  return CUTLAB_OK;
}

static cutlab_status evaluate(cutlab_context *context, cutlab_network *network, float *logits,
                              const float *input, int64_t count) {
  cutlab_program *program = NULL;
  float *result;
  CUTLAB_TRY(ready_program(context, network, &program, count, false));
  CUTLAB_TRY(cutlab_program_forward(context, program, &result, input, 0, 0));
  memcpy(logits, result, (size_t)(count * network->model->classes) * sizeof *logits);
  return CUTLAB_OK;
}

/* What a training step computes. */
typedef struct step_request {
  const float *input, *labels;
  int64_t count;
  uint64_t seed;
  int64_t step;
} step_request;

static cutlab_status gradient(cutlab_context *context, cutlab_network *network, double *loss,
                              float *logits, const step_request *r) {
  cutlab_program *program = NULL;
  float *result;
  int64_t classes = network->model->classes;
  CUTLAB_TRY(ready_program(context, network, &program, r->count, true));
  CUTLAB_TRY(cutlab_program_forward(context, program, &result, r->input, r->seed, r->step));
  if (logits) memcpy(logits, result, (size_t)(r->count * classes) * sizeof *logits);
  *loss = cutlab_cross_entropy(result, result, r->labels, r->count, classes);
  return cutlab_program_backward(context, program, result, r->input);
}

/* Kernels that oneDNN makes at run time use the stack pointer for data (seen in 2.6): a handler
   that ran on that stack would write over the heap. */
cutlab_status cutlab_network_evaluate(cutlab_context *context, cutlab_network *network,
                                      float *logits, const float *input, int64_t count) {
  sigset_t before;
  cutlab_signals_hold(&before, cutlab_context_threads(context));
  cutlab_status status = evaluate(context, network, logits, input, count);
  cutlab_signals_release(&before);
  return status;
}

cutlab_status cutlab_network_gradient(cutlab_context *context, cutlab_network *network,
                                      double *loss, float *logits, const float *input,
                                      const float *labels, int64_t count, uint64_t seed,
                                      int64_t step) {
  const step_request request = {input, labels, count, seed, step};
  sigset_t before;
  cutlab_signals_hold(&before, cutlab_context_threads(context));
  cutlab_status status = gradient(context, network, loss, logits, &request);
  cutlab_signals_release(&before);
  return status;
}
