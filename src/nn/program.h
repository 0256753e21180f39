/* A program: a model planned for one size of batch on one backend. Knows the order of forward and
   backward, which tensors live when, and puts them into one block of memory. */
#ifndef CUTLAB_NN_PROGRAM_H
#define CUTLAB_NN_PROGRAM_H

#include "nn/backend.h"

typedef struct cutlab_program cutlab_program;

/* Plans; `values` and `gradients` are [model->tensor_count] plain arrays (gradients NULL where not
   trained). No memory is taken for tensors yet. */
cutlab_status cutlab_program_create(cutlab_context *context, cutlab_program **program,
                                    const cutlab_backend *backend, void *device,
                                    const cutlab_model *model, float *const *values,
                                    float *const *gradients, int64_t count, bool training);
void cutlab_program_free(cutlab_program *program);
int64_t cutlab_program_count(const cutlab_program *program);
bool cutlab_program_training(const cutlab_program *program);
/* Bytes that cutlab_program_bind wants. */
size_t cutlab_program_bytes(const cutlab_program *program);
/* Gives the program its memory, 64-byte aligned. Programs that never run at once may share it. */
void cutlab_program_bind(cutlab_program *program, void *memory);
/* *logits: [count][classes], in the program's memory until its next call. */
cutlab_status cutlab_program_forward(cutlab_context *context, cutlab_program *program,
                                     float **logits, const float *input, uint64_t seed,
                                     int64_t step);
/* gradient: [count][classes] of the loss by the logits; after forward with the same input. */
cutlab_status cutlab_program_backward(cutlab_context *context, cutlab_program *program,
                                      const float *gradient, const float *input);

/* planner: offsets for blocks that are needed at overlapping times. */
typedef struct cutlab_block {
  size_t bytes, offset; /* offset: set by cutlab_blocks_place, a multiple of 64 */
  int first, last;      /* steps at which it is in use, inclusive */
} cutlab_block;

/* Greedy by size: largest blocks first, each at the lowest offset free while it lives. `order` is
   scratch [count]. Returns the bytes of all. */
size_t cutlab_blocks_place(cutlab_block *blocks, int *order, int count);

#endif
