/* The calls of oneDNN's C interface that differ between 2.x (operation descriptors, memory
   descriptors as structs) and 3.x (neither), under one name each. Of either version: padding is the
   same on both sides, convolutions may be by Winograd, dilation is none. */
#ifndef CUTLAB_NN_ONEDNN_API_H
#define CUTLAB_NN_ONEDNN_API_H

#include <dnnl.h>
#include <stdlib.h>

#if DNNL_VERSION_MAJOR >= 3

typedef const_dnnl_memory_desc_t dnn_desc;

static inline dnn_desc dnn_desc_make(int rank, const dnnl_dims_t dims, dnnl_format_tag_t tag) {
  dnnl_memory_desc_t desc = NULL;
  return dnnl_memory_desc_create_with_tag(&desc, rank, dims, dnnl_f32, tag) == dnnl_success ? desc
                                                                                            : NULL;
}

static inline dnn_desc dnn_desc_copy(dnn_desc desc) {
  dnnl_memory_desc_t copy = NULL;
  return dnnl_memory_desc_clone(&copy, desc) == dnnl_success ? copy : NULL;
}

static inline void dnn_desc_free(dnn_desc desc) {
  if (desc) dnnl_memory_desc_destroy((dnnl_memory_desc_t)desc);
}

#else

typedef const dnnl_memory_desc_t *dnn_desc;

static inline dnn_desc dnn_desc_make(int rank, const dnnl_dims_t dims, dnnl_format_tag_t tag) {
  dnnl_memory_desc_t *desc = malloc(sizeof *desc);
  if (desc && dnnl_memory_desc_init_by_tag(desc, rank, dims, dnnl_f32, tag) == dnnl_success)
    return desc;
  free(desc);
  return NULL;
}

static inline dnn_desc dnn_desc_copy(dnn_desc desc) {
  dnnl_memory_desc_t *copy = malloc(sizeof *copy);
  if (copy) *copy = *desc;
  return copy;
}

static inline void dnn_desc_free(dnn_desc desc) {
  free((void *)desc);
}

#endif

enum {
  dnn_scale_shift = dnnl_use_scale | dnnl_use_shift,
  /* Scale, mean, variance and two gradients; 2.x wants the shift too, and does not read it. */
  dnn_norm_backward_vectors = DNNL_VERSION_MAJOR >= 3 ? 5 : 6
};

/* What all descriptions of primitives share. */
typedef struct dnn_maker {
  dnnl_engine_t engine;
  dnnl_primitive_attr_t attr;
  dnnl_primitive_desc_t hint; /* the forward primitive's, for backward ones */
} dnn_maker;

typedef struct dnn_window {
  dnnl_dims_t kernel, stride, pad;
} dnn_window;

static inline dnnl_status_t dnn_conv_forward(dnnl_primitive_desc_t *made, const dnn_maker *maker,
                                             dnnl_prop_kind_t prop, dnn_desc src, dnn_desc weights,
                                             dnn_desc bias, dnn_desc dst,
                                             const dnn_window *window) {
#if DNNL_VERSION_MAJOR >= 3
  return dnnl_convolution_forward_primitive_desc_create(
      made, maker->engine, prop, dnnl_convolution_auto, src, weights, bias, dst, window->stride,
      NULL, window->pad, window->pad, maker->attr);
#else
  dnnl_convolution_desc_t desc;
  dnnl_status_t status =
      dnnl_convolution_forward_desc_init(&desc, prop, dnnl_convolution_auto, src, weights, bias,
                                         dst, window->stride, window->pad, window->pad);
  if (status != dnnl_success) return status;
  return dnnl_primitive_desc_create(made, &desc, maker->attr, maker->engine, NULL);
#endif
}

static inline dnnl_status_t dnn_conv_backward_data(dnnl_primitive_desc_t *made,
                                                   const dnn_maker *maker, dnn_desc diff_src,
                                                   dnn_desc weights, dnn_desc diff_dst,
                                                   const dnn_window *window) {
#if DNNL_VERSION_MAJOR >= 3
  return dnnl_convolution_backward_data_primitive_desc_create(
      made, maker->engine, dnnl_convolution_auto, diff_src, weights, diff_dst, window->stride, NULL,
      window->pad, window->pad, maker->hint, maker->attr);
#else
  dnnl_convolution_desc_t desc;
  dnnl_status_t status =
      dnnl_convolution_backward_data_desc_init(&desc, dnnl_convolution_auto, diff_src, weights,
                                               diff_dst, window->stride, window->pad, window->pad);
  if (status != dnnl_success) return status;
  return dnnl_primitive_desc_create(made, &desc, maker->attr, maker->engine, maker->hint);
#endif
}

static inline dnnl_status_t dnn_conv_backward_weights(dnnl_primitive_desc_t *made,
                                                      const dnn_maker *maker, dnn_desc src,
                                                      dnn_desc diff_weights, dnn_desc diff_bias,
                                                      dnn_desc diff_dst, const dnn_window *window) {
#if DNNL_VERSION_MAJOR >= 3
  return dnnl_convolution_backward_weights_primitive_desc_create(
      made, maker->engine, dnnl_convolution_auto, src, diff_weights, diff_bias, diff_dst,
      window->stride, NULL, window->pad, window->pad, maker->hint, maker->attr);
#else
  dnnl_convolution_desc_t desc;
  dnnl_status_t status = dnnl_convolution_backward_weights_desc_init(
      &desc, dnnl_convolution_auto, src, diff_weights, diff_bias, diff_dst, window->stride,
      window->pad, window->pad);
  if (status != dnnl_success) return status;
  return dnnl_primitive_desc_create(made, &desc, maker->attr, maker->engine, maker->hint);
#endif
}

static inline dnnl_status_t dnn_linear_forward(dnnl_primitive_desc_t *made, const dnn_maker *maker,
                                               dnnl_prop_kind_t prop, dnn_desc src,
                                               dnn_desc weights, dnn_desc bias, dnn_desc dst) {
#if DNNL_VERSION_MAJOR >= 3
  return dnnl_inner_product_forward_primitive_desc_create(made, maker->engine, prop, src, weights,
                                                          bias, dst, maker->attr);
#else
  dnnl_inner_product_desc_t desc;
  dnnl_status_t status = dnnl_inner_product_forward_desc_init(&desc, prop, src, weights, bias, dst);
  if (status != dnnl_success) return status;
  return dnnl_primitive_desc_create(made, &desc, maker->attr, maker->engine, NULL);
#endif
}

static inline dnnl_status_t dnn_linear_backward_data(dnnl_primitive_desc_t *made,
                                                     const dnn_maker *maker, dnn_desc diff_src,
                                                     dnn_desc weights, dnn_desc diff_dst) {
#if DNNL_VERSION_MAJOR >= 3
  return dnnl_inner_product_backward_data_primitive_desc_create(
      made, maker->engine, diff_src, weights, diff_dst, maker->hint, maker->attr);
#else
  dnnl_inner_product_desc_t desc;
  dnnl_status_t status =
      dnnl_inner_product_backward_data_desc_init(&desc, diff_src, weights, diff_dst);
  if (status != dnnl_success) return status;
  return dnnl_primitive_desc_create(made, &desc, maker->attr, maker->engine, maker->hint);
#endif
}

static inline dnnl_status_t dnn_linear_backward_weights(dnnl_primitive_desc_t *made,
                                                        const dnn_maker *maker, dnn_desc src,
                                                        dnn_desc diff_weights, dnn_desc diff_bias,
                                                        dnn_desc diff_dst) {
#if DNNL_VERSION_MAJOR >= 3
  return dnnl_inner_product_backward_weights_primitive_desc_create(
      made, maker->engine, src, diff_weights, diff_bias, diff_dst, maker->hint, maker->attr);
#else
  dnnl_inner_product_desc_t desc;
  dnnl_status_t status =
      dnnl_inner_product_backward_weights_desc_init(&desc, src, diff_weights, diff_bias, diff_dst);
  if (status != dnnl_success) return status;
  return dnnl_primitive_desc_create(made, &desc, maker->attr, maker->engine, maker->hint);
#endif
}

static inline dnnl_status_t dnn_norm_forward(dnnl_primitive_desc_t *made, const dnn_maker *maker,
                                             dnnl_prop_kind_t prop, dnn_desc data, float epsilon,
                                             unsigned flags) {
#if DNNL_VERSION_MAJOR >= 3
  return dnnl_batch_normalization_forward_primitive_desc_create(made, maker->engine, prop, data,
                                                                data, epsilon, flags, maker->attr);
#else
  dnnl_batch_normalization_desc_t desc;
  dnnl_status_t status =
      dnnl_batch_normalization_forward_desc_init(&desc, prop, data, epsilon, flags);
  if (status != dnnl_success) return status;
  return dnnl_primitive_desc_create(made, &desc, maker->attr, maker->engine, NULL);
#endif
}

static inline dnnl_status_t dnn_norm_backward(dnnl_primitive_desc_t *made, const dnn_maker *maker,
                                              dnn_desc data, float epsilon, unsigned flags) {
#if DNNL_VERSION_MAJOR >= 3
  return dnnl_batch_normalization_backward_primitive_desc_create(made, maker->engine, dnnl_backward,
                                                                 data, data, data, epsilon, flags,
                                                                 maker->hint, maker->attr);
#else
  dnnl_batch_normalization_desc_t desc;
  dnnl_status_t status =
      dnnl_batch_normalization_backward_desc_init(&desc, dnnl_backward, data, data, epsilon, flags);
  if (status != dnnl_success) return status;
  return dnnl_primitive_desc_create(made, &desc, maker->attr, maker->engine, maker->hint);
#endif
}

static inline dnnl_status_t dnn_pool_forward(dnnl_primitive_desc_t *made, const dnn_maker *maker,
                                             dnnl_prop_kind_t prop, dnnl_alg_kind_t alg,
                                             dnn_desc src, dnn_desc dst, const dnn_window *window) {
#if DNNL_VERSION_MAJOR >= 3
  static const dnnl_dims_t none = {0};
  return dnnl_pooling_forward_primitive_desc_create(made, maker->engine, prop, alg, src, dst,
                                                    window->stride, window->kernel, none,
                                                    window->pad, window->pad, maker->attr);
#else
  dnnl_pooling_desc_t desc;
  dnnl_status_t status = dnnl_pooling_forward_desc_init(&desc, prop, alg, src, dst, window->stride,
                                                        window->kernel, window->pad, window->pad);
  if (status != dnnl_success) return status;
  return dnnl_primitive_desc_create(made, &desc, maker->attr, maker->engine, NULL);
#endif
}

static inline dnnl_status_t dnn_pool_backward(dnnl_primitive_desc_t *made, const dnn_maker *maker,
                                              dnnl_alg_kind_t alg, dnn_desc diff_src,
                                              dnn_desc diff_dst, const dnn_window *window) {
#if DNNL_VERSION_MAJOR >= 3
  static const dnnl_dims_t none = {0};
  return dnnl_pooling_backward_primitive_desc_create(
      made, maker->engine, alg, diff_src, diff_dst, window->stride, window->kernel, none,
      window->pad, window->pad, maker->hint, maker->attr);
#else
  dnnl_pooling_desc_t desc;
  dnnl_status_t status = dnnl_pooling_backward_desc_init(
      &desc, alg, diff_src, diff_dst, window->stride, window->kernel, window->pad, window->pad);
  if (status != dnnl_success) return status;
  return dnnl_primitive_desc_create(made, &desc, maker->attr, maker->engine, maker->hint);
#endif
}

static inline dnnl_status_t dnn_eltwise_forward(dnnl_primitive_desc_t *made, const dnn_maker *maker,
                                                dnnl_prop_kind_t prop, dnnl_alg_kind_t alg,
                                                dnn_desc data, float alpha) {
#if DNNL_VERSION_MAJOR >= 3
  return dnnl_eltwise_forward_primitive_desc_create(made, maker->engine, prop, alg, data, data,
                                                    alpha, 0, maker->attr);
#else
  dnnl_eltwise_desc_t desc;
  dnnl_status_t status = dnnl_eltwise_forward_desc_init(&desc, prop, alg, data, alpha, 0);
  if (status != dnnl_success) return status;
  return dnnl_primitive_desc_create(made, &desc, maker->attr, maker->engine, NULL);
#endif
}

static inline dnnl_status_t dnn_eltwise_backward(dnnl_primitive_desc_t *made,
                                                 const dnn_maker *maker, dnnl_alg_kind_t alg,
                                                 dnn_desc data, float alpha) {
#if DNNL_VERSION_MAJOR >= 3
  return dnnl_eltwise_backward_primitive_desc_create(made, maker->engine, alg, data, data, data,
                                                     alpha, 0, maker->hint, maker->attr);
#else
  dnnl_eltwise_desc_t desc;
  dnnl_status_t status = dnnl_eltwise_backward_desc_init(&desc, alg, data, data, alpha, 0);
  if (status != dnnl_success) return status;
  return dnnl_primitive_desc_create(made, &desc, maker->attr, maker->engine, maker->hint);
#endif
}

#endif
