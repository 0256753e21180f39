/* The inner loops over pixels that differ by instruction set: one table per set, chosen by the
   context. pixels_body.h is their one source. The same bits from every set. */
#ifndef CUTLAB_AUGMENT_PIXELS_H
#define CUTLAB_AUGMENT_PIXELS_H

#include "base/base.h"

typedef struct cutlab_pixels {
  /* rows blocks of `bytes` bytes, `stride` bytes apart in both; no overlap. */
  void (*copy)(uint8_t *output, const uint8_t *input, int64_t bytes, int64_t rows, int64_t stride);
  /* The same, every byte of output becomes `value`. */
  void (*fill)(uint8_t *output, uint8_t value, int64_t bytes, int64_t rows, int64_t stride);
  /* The same, past the caches where rows are wide: for memory that will not be read soon. */
  void (*copy_streaming)(uint8_t *output, const uint8_t *input, int64_t bytes, int64_t rows,
                         int64_t stride);
  void (*fill_streaming)(uint8_t *output, uint8_t value, int64_t bytes, int64_t rows,
                         int64_t stride);
  /* y = lambda y + (1 - lambda) x; weight is lambda 2^24. uint8: (weight y + (2^24 - weight) x) /
     2^24 to nearest. Floats: x + lambda (y - x), rounded after each operation; float16 in between
     as float32. */
  void (*blend_uint8)(uint8_t *y, const uint8_t *x, uint32_t weight, int64_t count);
  void (*blend_float16)(uint16_t *y, const uint16_t *x, float lambda, int64_t count);
  void (*blend_float32)(float *y, const float *x, float lambda, int64_t count);
  /* y[i] = x[i] gain[i] + offset[i], rounded after each operation. */
  void (*affine_uint8)(float *y, const uint8_t *x, const float *gain, const float *offset,
                       int64_t count);
  void (*affine_float16)(float *y, const uint16_t *x, const float *gain, const float *offset,
                         int64_t count);
  void (*affine_float32)(float *y, const float *x, const float *gain, const float *offset,
                         int64_t count);
  void (*from_half)(float *y, const uint16_t *x, int64_t count);
  void (*to_half)(uint16_t *y, const float *x, int64_t count);
  /* `count` elements of `size` bytes in reverse order; no overlap. */
  void (*reverse)(uint8_t *output, const uint8_t *input, int64_t count, int64_t size);
} cutlab_pixels;

/* The table that goes with the context's kernels. */
const cutlab_pixels *cutlab_pixels_of(const cutlab_context *context);

extern const cutlab_pixels cutlab_pixels_portable, cutlab_pixels_avx2, cutlab_pixels_avx512;

#endif
