/* Primitives, their arguments, and layouts. */
#include "nn/onednn/call.h"

#include <string.h>

cutlab_status dnn_check(cutlab_context *context, dnnl_status_t status, const char *what,
                        const char *operation) {
  if (status == dnnl_success) return CUTLAB_OK;
  if (status == dnnl_out_of_memory)
    return cutlab_fail(context, CUTLAB_ERROR_MEMORY, "oneDNN is out of memory: %s of %s", what,
                       operation);
  return cutlab_fail(context, CUTLAB_ERROR_UNSUPPORTED, "oneDNN cannot do %s of %s (status %d)",
                     what, operation, (int)status);
}

cutlab_status dnn_call_make(cutlab_context *context, const dnn_device *device, dnn_call *call,
                            dnnl_primitive_desc_t description, const char *operation) {
  call->operation = operation;
  CUTLAB_TRY(dnn_check(context, dnnl_primitive_create(&call->primitive, description), "a primitive",
                       operation));
  dnn_desc scratch = dnnl_primitive_desc_query_md(description, dnnl_query_scratchpad_md, 0);
  call->scratch_bytes = scratch ? dnnl_memory_desc_get_size(scratch) : 0;
  if (!call->scratch_bytes) return CUTLAB_OK;
  return dnn_call_add(context, device, call, DNNL_ARG_SCRATCHPAD, scratch);
}

cutlab_status dnn_call_add(cutlab_context *context, const dnn_device *device, dnn_call *call,
                           int argument, dnn_desc desc) {
  dnnl_exec_arg_t *made = &call->arguments[call->count];
  made->arg = argument;
  CUTLAB_TRY(dnn_check(context,
                       dnnl_memory_create(&made->memory, desc, device->engine, DNNL_MEMORY_NONE),
                       "an argument", call->operation));
  ++call->count;
  return CUTLAB_OK;
}

void dnn_call_set(dnn_call *call, int i, const void *data) {
  if (call->arguments[0].arg == DNNL_ARG_SCRATCHPAD) ++i;
  dnnl_memory_t memory = call->arguments[i].memory;
  void *old = NULL;
  dnnl_memory_get_data_handle(memory, &old);
  if (old != data) dnnl_memory_set_data_handle(memory, (void *)data);
}

cutlab_status dnn_call_run(cutlab_context *context, const dnn_device *device, dnn_call *call,
                           void *scratch) {
  if (call->scratch_bytes) dnnl_memory_set_data_handle(call->arguments[0].memory, scratch);
  dnnl_status_t status =
      dnnl_primitive_execute(call->primitive, device->stream, call->count, call->arguments);
  return dnn_check(context, status, "a run", call->operation);
}

void dnn_call_free(dnn_call *call) {
  for (int i = 0; i < call->count; ++i) dnnl_memory_destroy(call->arguments[i].memory);
  if (call->primitive) dnnl_primitive_destroy(call->primitive);
  *call = (dnn_call){0};
}

cutlab_status dnn_port_make(cutlab_context *context, const dnn_device *device, dnn_port *port,
                            dnn_desc from, dnn_desc to, bool to_bytes, const char *operation) {
  if (dnnl_memory_desc_equal(from, to)) return CUTLAB_OK;
  port->bytes = (dnnl_memory_desc_get_size(to_bytes ? to : from) + 63) / 64 * 64;
  dnnl_primitive_desc_t description = NULL;
  CUTLAB_TRY(dnn_check(context,
                       dnnl_reorder_primitive_desc_create(&description, from, device->engine, to,
                                                          device->engine, device->attr),
                       "a reorder", operation));
  cutlab_status status = dnn_call_make(context, device, &port->reorder, description, operation);
  if (status == CUTLAB_OK)
    status = dnn_call_add(context, device, &port->reorder, DNNL_ARG_FROM, from);
  if (status == CUTLAB_OK) status = dnn_call_add(context, device, &port->reorder, DNNL_ARG_TO, to);
  dnnl_primitive_desc_destroy(description);
  return status;
}

cutlab_status dnn_port_run(cutlab_context *context, const dnn_device *device, dnn_port *port,
                           const void *from, void *to, void *scratch) {
  dnn_call_set(&port->reorder, 0, from);
  dnn_call_set(&port->reorder, 1, to);
  return dnn_call_run(context, device, &port->reorder, scratch);
}

void dnn_port_free(dnn_port *port) {
  dnn_call_free(&port->reorder);
}

static void get_dims(dnnl_dims_t dims, const cutlab_tensor *tensor) {
  dims[0] = tensor->count;
  dims[1] = tensor->channels;
  dims[2] = tensor->height;
  dims[3] = tensor->width;
}

dnn_desc dnn_plain_make(const cutlab_tensor *tensor) {
  dnnl_dims_t dims;
  get_dims(dims, tensor);
  return dnn_desc_make(4, dims, dnnl_nchw);
}

/* Blocks of channels, oneDNN's own choice for images, but where there are too few channels to fill
   half of one. Single pixels are in the order of plain ones if they fill all blocks. */
dnn_desc dnn_layout_make(const dnn_device *device, const cutlab_tensor *tensor) {
  bool pixel = tensor->height * tensor->width == 1;
  if (tensor->plain || 2 * tensor->channels < device->block ||
      (pixel && tensor->channels % device->block))
    return dnn_plain_make(tensor);
  dnnl_dims_t dims;
  get_dims(dims, tensor);
  return dnn_desc_make(4, dims, device->tag);
}

dnn_desc dnn_matrix_make(int64_t rows, int64_t columns) {
  dnnl_dims_t dims = {rows, columns};
  return dnn_desc_make(2, dims, dnnl_ab);
}

dnn_desc dnn_desc_of(const cutlab_tensor *tensor) {
  return tensor->layout ? dnn_desc_copy(tensor->layout) : dnn_plain_make(tensor);
}

cutlab_status dnn_output_set(cutlab_context *context, const dnn_device *device,
                             cutlab_tensor *output) {
  output->layout = dnn_layout_make(device, output);
  if (!output->layout)
    return cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory: a layout of oneDNN");
  output->bytes = dnnl_memory_desc_get_size(output->layout);
  return CUTLAB_OK;
}

int64_t dnn_floats(const cutlab_tensor *tensor) {
  return (int64_t)(tensor->bytes / sizeof(float));
}
