/* Masks of dropout: the same for every backend. */
#ifndef CUTLAB_NN_DROPOUT_H
#define CUTLAB_NN_DROPOUT_H

#include <stdint.h>

/* mask: [count], 0 with probability `rate` in [0, 1), else 1; elements in the plain order of their
   tensor. `operation` is the number of the value that the operation writes (node->output[0]), so
   that no two operations of a model share a mask. */
void cutlab_dropout_mask(uint8_t *mask, int64_t count, double rate, uint64_t seed, int64_t step,
                         int operation);

#endif
