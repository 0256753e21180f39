/* Networks: models written as text, and computing with them. A model says which operations there
   are and which tensors they need; a network is a model with values, ready to compute. */
#ifndef CUTLAB_NETWORK_H
#define CUTLAB_NETWORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cutlab/context.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Models ---- */

/* Immutable once made; threads may share it. */
typedef struct cutlab_model cutlab_model;

/* Makes a model for inputs [channels][height][width] (a series has height 1) and that many classes.
   `text` joins layers by `|`, such as
     conv(32) | bn | relu | pool(max) | residual(conv(32) | bn | relu | conv(32) | bn) | relu |
     pool(mean, global) | linear
   or names a model of the list, `resnet20` or `resnet(depth=20, width=16)`; docs/models.md has the
   grammar. At most 64 KiB. CUTLAB_ERROR_ARGUMENT says where in the text, what stands there and what
   is accepted, or between which layers shapes do not fit. Release with cutlab_model_free. */
CUTLAB_API cutlab_status cutlab_model_create(cutlab_context *context, cutlab_model **model,
                                             const char *text, int64_t channels, int64_t height,
                                             int64_t width, int64_t classes);
CUTLAB_API void cutlab_model_free(cutlab_model *model);
/* The model as layers, every parameter written out; parses back to the same model. Valid as long as
   the model. */
CUTLAB_API const char *cutlab_model_text(const cutlab_model *model);
/* A table for people: operation, shape of its output, numbers of parameters. Release with
   cutlab_free. */
CUTLAB_API cutlab_status cutlab_model_table(cutlab_context *context, char **text,
                                            const cutlab_model *model);
/* Multiply-adds of the convolutions and linear layers for one input. */
CUTLAB_API int64_t cutlab_model_multiply_adds(const cutlab_model *model);
CUTLAB_API int64_t cutlab_model_classes(const cutlab_model *model);

typedef enum cutlab_tensor_role {
  CUTLAB_WEIGHT,  /* convolution [out][in][height][width], linear [out][in] */
  CUTLAB_BIAS,    /* [out] */
  CUTLAB_SCALE,   /* batch norm: gamma [channels] */
  CUTLAB_SHIFT,   /* batch norm: beta [channels] */
  CUTLAB_MEAN,    /* batch norm: running mean [channels], not trained */
  CUTLAB_VARIANCE /* batch norm: running unbiased variance [channels], not trained */
} cutlab_tensor_role;

/* A tensor of values that a model needs. */
typedef struct cutlab_model_tensor {
  char name[48]; /* operation and role, e.g. "conv3.weight" */
  cutlab_tensor_role role;
  bool trained;
  int rank;
  int64_t shape[4], count;
} cutlab_model_tensor;

CUTLAB_API int cutlab_model_tensors(const cutlab_model *model);
/* Tensor `index`, in the order of the text; NULL outside. Owned by the model. */
CUTLAB_API const cutlab_model_tensor *cutlab_model_tensor_at(const cutlab_model *model, int index);

/* A model of the list, for help pages. Texts are static. */
typedef struct cutlab_model_info {
  const char *name, *parameters, *summary, *source;
} cutlab_model_info;

/* False past the last. */
CUTLAB_API bool cutlab_model_info_at(int index, cutlab_model_info *info);

/* ---- Networks ---- */

typedef struct cutlab_network cutlab_network;

/* Makes a network of zeros (scales and variances 1). The model must outlive it. `backend` is "auto"
   (NULL: the same), "onednn" or "reference"; CUTLAB_ERROR_UNSUPPORTED where it was not built.
   oneDNN plans for the threads of the context, and anew where a later call comes with others.
   Release with cutlab_network_free. */
CUTLAB_API cutlab_status cutlab_network_create(cutlab_context *context, cutlab_network **network,
                                               const cutlab_model *model, const char *backend);
CUTLAB_API void cutlab_network_free(cutlab_network *network);
CUTLAB_API const cutlab_model *cutlab_network_model(const cutlab_network *network);
/* Name and version, e.g. "onednn 2.6.3". Valid as long as the network. */
CUTLAB_API const char *cutlab_network_backend(const cutlab_network *network);

typedef enum cutlab_initialisation {
  CUTLAB_HE,      /* weights N(0, 2 / fan in) (He et al. 2015), biases 0 */
  CUTLAB_UNIFORM, /* weights and biases uniform on +-1 / sqrt(fan in), PyTorch's default */
  CUTLAB_NORMAL   /* weights N(0, scale^2), biases 0 */
} cutlab_initialisation;

/* Draws weights and biases; scales 1, shifts 0, running means 0 and variances 1. Every tensor is
   keyed by its index, so that a change in one layer leaves those before it as they were. `scale`
   multiplies the draws of HE and UNIFORM. */
CUTLAB_API void cutlab_network_initialise(cutlab_network *network, cutlab_initialisation how,
                                          double scale, uint64_t seed);
/* Values of tensor `index`, in the shape and order that the model says; may be written between
   calls. */
CUTLAB_API float *cutlab_network_values(cutlab_network *network, int index);
/* Gradient of the last cutlab_network_gradient by tensor `index`; NULL for tensors not trained. */
CUTLAB_API float *cutlab_network_gradients(cutlab_network *network, int index);

/* Memory in bytes that computing with batches of `count` needs beside the values (activations,
   their gradients, scratch), found by planning them. */
CUTLAB_API cutlab_status cutlab_network_memory(cutlab_context *context, cutlab_network *network,
                                               size_t *bytes, int64_t count, bool training);
/* Evaluation: running statistics, no dropout. logits: [count][classes]; input: [count][channels]
   [height][width]. The first call with a new count plans (and takes memory), later ones do not.
   Signals but those of faults wait until it returns, here and below: oneDNN's kernels use the stack
   for data. */
CUTLAB_API cutlab_status cutlab_network_evaluate(cutlab_context *context, cutlab_network *network,
                                                 float *logits, const float *input, int64_t count);
/* Training forward and backward: batch statistics (the running ones are updated), dropout keyed by
   (seed, step). `*loss` is the mean over the batch of softmax cross-entropy against labels [count]
   [classes], rows that sum to 1 (taken as they are, not checked); logits (NULL: not wanted) as
   above. Gradients of the mean are left for cutlab_network_gradients. Inputs that are not finite
   are no error: the loss then is NaN or means nothing. */
CUTLAB_API cutlab_status cutlab_network_gradient(cutlab_context *context, cutlab_network *network,
                                                 double *loss, float *logits, const float *input,
                                                 const float *labels, int64_t count, uint64_t seed,
                                                 int64_t step);

/* Mean softmax cross-entropy, float64 sums; gradient (NULL: not wanted): [count][classes], of the
   mean, may be `logits`. */
CUTLAB_API double cutlab_cross_entropy(float *gradient, const float *logits, const float *labels,
                                       int64_t count, int64_t classes);

#ifdef __cplusplus
}
#endif
#endif
