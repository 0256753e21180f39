/* A model from the inside: operations in order of computation, the values between them, and the
   tensors that they need. */
#ifndef CUTLAB_NN_MODEL_H
#define CUTLAB_NN_MODEL_H

#include <cutlab/network.h>

#include "base/base.h"

typedef enum cutlab_operation_kind {
  CUTLAB_OP_CONV,
  CUTLAB_OP_NORM, /* batch norm */
  CUTLAB_OP_ACTIVATION,
  CUTLAB_OP_POOL,
  CUTLAB_OP_LINEAR, /* of the input flattened in the order channel, row, column */
  CUTLAB_OP_DROPOUT,
  CUTLAB_OP_FORK,      /* one value for two readers; backward adds their gradients */
  CUTLAB_OP_ADD,       /* input 0 + input 1 */
  CUTLAB_OP_GROUP_SUM, /* output channel k: sum of the k-th group of consecutive channels */
  CUTLAB_OP_OUTPUT,    /* always the last: [classes][1][1] as plain logits */
  CUTLAB_OP_KINDS
} cutlab_operation_kind;

typedef enum cutlab_activation_kind {
  CUTLAB_RELU,
  CUTLAB_LEAKY,  /* z > 0 ? z : slope z */
  CUTLAB_SMOOTH, /* smoothed leaky ReLU of slope beta and width r (docs/theory.md) */
  CUTLAB_GELU,   /* z Phi(z), exact */
  CUTLAB_SILU    /* z / (1 + exp(-z)) */
} cutlab_activation_kind;

typedef enum cutlab_pool_kind {
  CUTLAB_POOL_MAX,
  CUTLAB_POOL_MEAN,
  CUTLAB_POOL_SUM
} cutlab_pool_kind;

enum { cutlab_node_parameters = 4 };

/* Fields that a kind does not use are 0. */
typedef struct cutlab_node {
  cutlab_operation_kind kind;
  char name[32];           /* kind and number among its kind, e.g. "conv3" */
  int input[2], output[2]; /* values, -1 for none; only ADD has two inputs, only FORK two outputs */
  /* Tensors, -1 for none: CONV and LINEAR weight, bias; NORM scale, shift, mean, variance. */
  int parameter[cutlab_node_parameters];
  int64_t kernel[2], stride[2], pad[2]; /* height, width; CONV and POOL (mean counts no padding) */
  cutlab_pool_kind pool;
  cutlab_activation_kind activation;
  double slope, radius; /* LEAKY: slope; SMOOTH: slope beta, radius r */
  bool relu;            /* NORM, ADD: ReLU of the result, fused */
  double momentum;      /* NORM: running = (1 - momentum) running + momentum batch */
  double epsilon;       /* NORM */
  double rate;          /* DROPOUT: probability of 0; kept values are divided by 1 - rate */
} cutlab_node;

typedef struct cutlab_value {
  int64_t channels, height, width;
} cutlab_value;

struct cutlab_model {
  char *text;
  int64_t classes;
  cutlab_node *nodes; /* in order of computation */
  int node_count;
  cutlab_value *values; /* value 0 is the input; each other one is the output of one node */
  int value_count;
  cutlab_model_tensor *tensors;
  int tensor_count;
};

#endif
