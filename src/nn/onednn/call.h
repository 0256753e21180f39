/* oneDNN's primitives with their arguments, and reorders between layouts. */
#ifndef CUTLAB_NN_ONEDNN_CALL_H
#define CUTLAB_NN_ONEDNN_CALL_H

#include "nn/backend.h"
#include "nn/onednn/api.h"

typedef struct dnn_device {
  dnnl_engine_t engine;
  dnnl_stream_t stream;
  dnnl_primitive_attr_t attr; /* scratch memory is the caller's */
  int threads;
  int64_t block; /* channels side by side in the layout of images */
  dnnl_format_tag_t tag;
} dnn_device;

enum { dnn_call_arguments = 12 };

/* A primitive that was made, or (primitive NULL) nothing to do. */
typedef struct dnn_call {
  const char *operation; /* its name, for messages */
  dnnl_primitive_t primitive;
  int count;
  dnnl_exec_arg_t arguments[dnn_call_arguments];
  size_t scratch_bytes;
} dnn_call;

/* CUTLAB_OK, or a failure that names the call and the operation. */
cutlab_status dnn_check(cutlab_context *context, dnnl_status_t status, const char *what,
                        const char *operation);
/* Makes the primitive of a description (which stays the caller's) for the operation of that name.
 */
cutlab_status dnn_call_make(cutlab_context *context, const dnn_device *device, dnn_call *call,
                            dnnl_primitive_desc_t description, const char *operation);
/* Adds an argument; its memory is given at each run. */
cutlab_status dnn_call_add(cutlab_context *context, const dnn_device *device, dnn_call *call,
                           int argument, dnn_desc desc);
/* Sets the memory of argument number `i`, in the order of adding. */
void dnn_call_set(dnn_call *call, int i, const void *data);
/* Runs with `scratch` of call->scratch_bytes. */
cutlab_status dnn_call_run(cutlab_context *context, const dnn_device *device, dnn_call *call,
                           void *scratch);
void dnn_call_free(dnn_call *call);

/* A way from one layout to another: nothing where they are equal. */
typedef struct dnn_port {
  dnn_call reorder;
  size_t bytes; /* in the layout of the other end, whole cache lines; 0 where they are equal */
} dnn_port;

/* From `from` to `to`; bytes are those of `to` (to_bytes) or of `from`. */
cutlab_status dnn_port_make(cutlab_context *context, const dnn_device *device, dnn_port *port,
                            dnn_desc from, dnn_desc to, bool to_bytes, const char *operation);
/* Copies from one layout to the other; only where port->bytes is not 0. */
cutlab_status dnn_port_run(cutlab_context *context, const dnn_device *device, dnn_port *port,
                           const void *from, void *to, void *scratch);
void dnn_port_free(dnn_port *port);

/* The layout of a tensor, and another than the backend's own for the same memory. Fresh; release
   with dnn_desc_free. NULL: no memory. */
dnn_desc dnn_layout_make(const dnn_device *device, const cutlab_tensor *tensor);
dnn_desc dnn_plain_make(const cutlab_tensor *tensor);
/* [count][channels * height * width]: valid for tensors that are plain or 1 x 1. */
dnn_desc dnn_matrix_make(int64_t rows, int64_t columns);
/* The layout in use, fresh. */
dnn_desc dnn_desc_of(const cutlab_tensor *tensor);
/* Sets layout and bytes of an output. */
cutlab_status dnn_output_set(cutlab_context *context, const dnn_device *device,
                             cutlab_tensor *output);
/* Number of floats in memory, padding included. */
int64_t dnn_floats(const cutlab_tensor *tensor);

/* Operations: one file for a few kinds. State is op->state; `plan` may leave it half made, release
   copes. */
typedef struct dnn_operation {
  cutlab_status (*plan)(cutlab_context *context, const dnn_device *device, cutlab_operation *op);
  cutlab_status (*forward)(cutlab_context *context, const dnn_device *device, cutlab_operation *op);
  cutlab_status (*backward)(cutlab_context *context, const dnn_device *device,
                            cutlab_operation *op);
  void (*release)(cutlab_operation *op);
} dnn_operation;

extern const dnn_operation dnn_weighted, dnn_norm, dnn_activation, dnn_pool, dnn_dropout, dnn_fork,
    dnn_add, dnn_group_sum, dnn_output;

#endif
