/* Elements of lines and images of a known dtype: inlined into loops with constant arguments. */
#ifndef CUTLAB_AUGMENT_ELEMENTS_H
#define CUTLAB_AUGMENT_ELEMENTS_H

#include <string.h>

#include "augment/method.h"
#include "base/half.h"

#define CUTLAB_INLINE static inline __attribute__((always_inline))

typedef float (*cutlab_load)(const void *elements, int64_t i);
typedef void (*cutlab_store)(void *elements, int64_t i, float value);

CUTLAB_INLINE float cutlab_load_uint8(const void *elements, int64_t i) {
  return ((const uint8_t *)elements)[i];
}
CUTLAB_INLINE float cutlab_load_float16(const void *elements, int64_t i) {
  return cutlab_half_to_float(((const uint16_t *)elements)[i]);
}
CUTLAB_INLINE float cutlab_load_float32(const void *elements, int64_t i) {
  return ((const float *)elements)[i];
}

/* To nearest, ties to even, of a value in 0..255: a sum with 2^23 has no bits below 1. */
CUTLAB_INLINE void cutlab_store_uint8(void *elements, int64_t i, float value) {
  float sum = value + 0x1p23F;
  uint32_t bits;
  memcpy(&bits, &sum, sizeof bits);
  ((uint8_t *)elements)[i] = (uint8_t)(bits & 0xff);
}
CUTLAB_INLINE void cutlab_store_float16(void *elements, int64_t i, float value) {
  ((uint16_t *)elements)[i] = cutlab_half_from_float(value);
}
CUTLAB_INLINE void cutlab_store_float32(void *elements, int64_t i, float value) {
  ((float *)elements)[i] = value;
}

/* Calls an inline function that ends with the arguments load and store, for the view's dtype. */
#define CUTLAB_BY_DTYPE(view, function, ...)                                                       \
  do {                                                                                             \
    if ((view)->dtype == CUTLAB_UINT8)                                                             \
      function(__VA_ARGS__, cutlab_load_uint8, cutlab_store_uint8);                                \
    else if ((view)->dtype == CUTLAB_FLOAT32)                                                      \
      function(__VA_ARGS__, cutlab_load_float32, cutlab_store_float32);                            \
    else                                                                                           \
      function(__VA_ARGS__, cutlab_load_float16, cutlab_store_float16);                            \
  } while (0)

/* Element (y, x, c) of an image is y * line + x * pixel + c * channel. Copied into loops: stores of
   bytes could change a view. */
typedef struct cutlab_strides {
  int64_t line, pixel, channel;
} cutlab_strides;

CUTLAB_INLINE cutlab_strides cutlab_strides_of(const cutlab_view *view) {
  bool nhwc = view->layout == CUTLAB_NHWC;
  return (cutlab_strides){.line = (int64_t)view->width * view->channels,
                          .pixel = nhwc ? view->channels : 1,
                          .channel = nhwc ? 1 : view->width};
}

#endif
