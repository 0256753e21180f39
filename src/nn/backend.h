/* What a backend is: a table of functions that plan and carry out single operations. The plan of a
   whole network, its memory and its order are the same for all of them (program.h). */
#ifndef CUTLAB_NN_BACKEND_H
#define CUTLAB_NN_BACKEND_H

#include "nn/model.h"

/* A value between operations, or its gradient: [count][channels][height][width] logically. Its
   layout is a function of that shape alone, so that values of one shape can be added and shared. */
typedef struct cutlab_tensor {
  int64_t count, channels, height, width;
  const void *layout; /* the backend's own, of the operation that writes it; NULL: plain */
  bool plain;         /* must be plain: the shape of the network's input, or logits */
  size_t bytes;       /* in that layout */
  float *data;        /* 64-byte aligned; set after planning */
} cutlab_tensor;

/* One operation for one size of batch. Tensors of values and gradients may share memory where the
   program says so: both outputs of a FORK are its input; both input gradients of an ADD are one
   tensor, and without ReLU its output gradient; the input gradient of a FORK is its output gradient
   0; an input gradient that is NULL is not wanted. Backward must not write output gradients, which
   others may read, but for that of a FORK. It may read the input of CONV, LINEAR,
   NORM and ACTIVATION and the output of NORM and ADD with ReLU: other values are gone by then. */
typedef struct cutlab_operation {
  const cutlab_node *node;
  bool training;
  cutlab_tensor *input[2], *output[2];
  cutlab_tensor *input_gradient[2], *output_gradient[2]; /* NULL unless training */
  float *parameter[cutlab_node_parameters];              /* values of its tensors, plain */
  float *gradient[cutlab_node_parameters];               /* written, not added to */
  size_t kept_bytes, scratch_bytes;                      /* set by plan */
  void *kept;                                            /* from forward to backward */
  void *scratch;                                         /* for one call; all operations share it */
  void *state;                                           /* the backend's own */
  uint64_t seed;                                         /* DROPOUT: keys of the mask */
  int64_t step;
} cutlab_operation;

typedef struct cutlab_backend {
  const char *name;
  /* Opens a device (`*device` may stay NULL) and describes it with its version. */
  cutlab_status (*open)(cutlab_context *context, void **device, char *description, size_t size);
  void (*close)(void *device);
  /* Called in order of computation, with the layouts and bytes of the inputs set. Sets those of the
     outputs, kept_bytes, scratch_bytes and state; gradients get the layouts of their values. */
  cutlab_status (*plan)(cutlab_context *context, void *device, cutlab_operation *operation);
  /* Releases what plan made, layouts of the outputs included. */
  void (*release)(void *device, cutlab_operation *operation);
  cutlab_status (*forward)(cutlab_context *context, void *device, cutlab_operation *operation);
  /* Writes input_gradient and gradient from output_gradient. */
  cutlab_status (*backward)(cutlab_context *context, void *device, cutlab_operation *operation);
} cutlab_backend;

extern const cutlab_backend cutlab_backend_reference;
#ifdef CUTLAB_HAVE_ONEDNN
extern const cutlab_backend cutlab_backend_onednn;
#endif

#endif
