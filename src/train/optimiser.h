/* Optimisers: steps from the gradients of a network to its values. */
#ifndef CUTLAB_TRAIN_OPTIMISER_H
#define CUTLAB_TRAIN_OPTIMISER_H

#include "train/settings.h"

enum { cutlab_optimiser_arrays = 2 }; /* most that an optimiser keeps for one tensor */

typedef struct cutlab_optimiser {
  const struct cutlab_training *settings;
  cutlab_network *network;
  int tensors;
  float **state[cutlab_optimiser_arrays]; /* [tensors], NULL where not kept; zero at the start */
} cutlab_optimiser;

/* Settings and network must outlive it. Release with cutlab_optimiser_clear. */
cutlab_status cutlab_optimiser_open(cutlab_context *context, cutlab_optimiser *optimiser,
                                    const struct cutlab_training *settings,
                                    cutlab_network *network);
void cutlab_optimiser_clear(cutlab_optimiser *optimiser);
/* Arrays that it keeps for every trained tensor: 0 to cutlab_optimiser_arrays. */
int cutlab_optimiser_kept(const struct cutlab_training *settings);
/* Their names in checkpoints, after the tensor's: "velocity"; "first", "second". */
const char *cutlab_optimiser_array_name(const struct cutlab_training *settings, int array);
/* Moves the values by the gradients that are there; `step` counts from 0. Same bits for any number
   of threads. */
void cutlab_optimiser_step(cutlab_context *context, cutlab_optimiser *optimiser, double rate,
                           int64_t step);

/* The formulas, on plain arrays. */
typedef struct cutlab_sgd {
  float rate, momentum, decay;
  bool nesterov;
} cutlab_sgd;
/* velocity may be NULL without momentum. */
void cutlab_sgd_step(float *values, const float *gradients, float *velocity, int64_t count,
                     const cutlab_sgd *sgd, int threads);

typedef struct cutlab_adamw {
  double rate, beta1, beta2, epsilon, decay;
  int64_t step; /* from 0 */
} cutlab_adamw;
void cutlab_adamw_step(float *values, const float *gradients, float *first, float *second,
                       int64_t count, const cutlab_adamw *adamw, int threads);

#endif
