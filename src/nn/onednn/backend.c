/* The oneDNN backend (2.6 and 3.x): float32 on the CPU. Results depend on the number of threads, in
   the last bits, but not on anything else. */
#include <stdio.h>
#include <stdlib.h>

#include <omp.h>

#include "nn/onednn/call.h"

/* The layout of images: what oneDNN itself chooses for a convolution on this CPU. */
static void choose_layout(dnn_device *device) {
  static const struct {
    dnnl_format_tag_t tag;
    int64_t block;
  } layouts[] = {{dnnl_nChw16c, 16}, {dnnl_nChw8c, 8}, {dnnl_nhwc, 1}};
  const dnnl_dims_t image = {1, 64, 16, 16}, kernel = {64, 64, 3, 3};
  dnn_window window = {.stride = {1, 1}, .pad = {1, 1}};
  dnn_maker maker = {device->engine, device->attr, NULL};
  dnnl_primitive_desc_t made = NULL;
  dnn_desc data = dnn_desc_make(4, image, dnnl_format_tag_any);
  dnn_desc weights = dnn_desc_make(4, kernel, dnnl_format_tag_any);
  device->tag = dnnl_nchw;
  device->block = 1;
  if (data && weights &&
      dnn_conv_forward(&made, &maker, dnnl_forward_training, data, weights, NULL, data, &window) ==
          dnnl_success) {
    dnn_desc chosen = dnnl_primitive_desc_query_md(made, dnnl_query_dst_md, 0);
    for (int i = 0; i < 3; ++i) {
      dnn_desc layout = dnn_desc_make(4, image, layouts[i].tag);
      if (layout && dnnl_memory_desc_equal(layout, chosen)) {
        device->tag = layouts[i].tag;
        device->block = layouts[i].block;
      }
      dnn_desc_free(layout);
    }
    dnnl_primitive_desc_destroy(made);
  }
  dnn_desc_free(data);
  dnn_desc_free(weights);
}

static void close_device(void *opened) {
  dnn_device *device = opened;
  if (!device) return;
  if (device->attr) dnnl_primitive_attr_destroy(device->attr);
  if (device->stream) dnnl_stream_destroy(device->stream);
  if (device->engine) dnnl_engine_destroy(device->engine);
  free(device);
}

static bool make_engine(dnn_device *device) {
  return dnnl_engine_create(&device->engine, dnnl_cpu, 0) == dnnl_success &&
         dnnl_stream_create(&device->stream, device->engine, dnnl_stream_default_flags) ==
             dnnl_success &&
         dnnl_primitive_attr_create(&device->attr) == dnnl_success &&
         dnnl_primitive_attr_set_scratchpad_mode(device->attr, dnnl_scratchpad_mode_user) ==
             dnnl_success;
}

static cutlab_status open_device(cutlab_context *context, void **opened, char *description,
                                 size_t size) {
  dnn_device *device = cutlab_allocate(context, 1, sizeof *device);
  if (!device) return CUTLAB_ERROR_MEMORY;
  if (!make_engine(device)) {
    close_device(device);
    return cutlab_fail(context, CUTLAB_ERROR_UNSUPPORTED, "oneDNN has no CPU engine here");
  }
  device->threads = cutlab_context_threads(context);
  choose_layout(device);
  const dnnl_version_t *version = dnnl_version();
  snprintf(description, size, "onednn %d.%d.%d", version->major, version->minor, version->patch);
  *opened = device;
  return CUTLAB_OK;
}

static const dnn_operation *operation_of(const cutlab_operation *op) {
  static const dnn_operation *const table[CUTLAB_OP_KINDS] = {
      [CUTLAB_OP_CONV] = &dnn_weighted,       [CUTLAB_OP_LINEAR] = &dnn_weighted,
      [CUTLAB_OP_NORM] = &dnn_norm,           [CUTLAB_OP_ACTIVATION] = &dnn_activation,
      [CUTLAB_OP_POOL] = &dnn_pool,           [CUTLAB_OP_DROPOUT] = &dnn_dropout,
      [CUTLAB_OP_FORK] = &dnn_fork,           [CUTLAB_OP_ADD] = &dnn_add,
      [CUTLAB_OP_GROUP_SUM] = &dnn_group_sum, [CUTLAB_OP_OUTPUT] = &dnn_output};
  return table[op->node->kind];
}

/* Runs one function with the device's number of threads: oneDNN divides its work by the number that
   it found when it planned. */
static cutlab_status
with_threads(cutlab_context *context, const dnn_device *device, cutlab_operation *op,
             cutlab_status (*run)(cutlab_context *, const dnn_device *, cutlab_operation *)) {
  int before = omp_get_max_threads();
  omp_set_num_threads(device->threads);
  cutlab_status status = run(context, device, op);
  omp_set_num_threads(before);
  return status;
}

static cutlab_status plan(cutlab_context *context, void *device, cutlab_operation *op) {
  return with_threads(context, device, op, operation_of(op)->plan);
}

static cutlab_status forward(cutlab_context *context, void *device, cutlab_operation *op) {
  return with_threads(context, device, op, operation_of(op)->forward);
}

static cutlab_status backward(cutlab_context *context, void *device, cutlab_operation *op) {
  return with_threads(context, device, op, operation_of(op)->backward);
}

static void release(void *device, cutlab_operation *op) {
  (void)device;
  for (int i = 0; i < 2; ++i) {
    if (!op->output[i]) continue;
    dnn_desc_free(op->output[i]->layout);
    op->output[i]->layout = NULL;
  }
  if (!op->state) return;
  operation_of(op)->release(op);
  free(op->state);
  op->state = NULL;
}

const cutlab_backend cutlab_backend_onednn = {"onednn", open_device, close_device, plan,
                                              release,  forward,     backward};
