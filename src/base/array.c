/* Elements of arrays, whatever their dtype. */
#include <cutlab/array.h>

#include "base/half.h"

bool cutlab_dtype_is_integer(cutlab_dtype dtype) {
  return dtype != CUTLAB_FLOAT64 && dtype != CUTLAB_FLOAT32 && dtype != CUTLAB_FLOAT16;
}

int64_t cutlab_array_integer(const cutlab_array *array, int64_t i) {
  switch (array->dtype) {
  case CUTLAB_INT64:
    return ((const int64_t *)array->data)[i];
  case CUTLAB_INT32:
    return ((const int32_t *)array->data)[i];
  case CUTLAB_INT16:
    return ((const int16_t *)array->data)[i];
  case CUTLAB_INT8:
    return ((const int8_t *)array->data)[i];
  case CUTLAB_UINT32:
    return ((const uint32_t *)array->data)[i];
  case CUTLAB_UINT16:
    return ((const uint16_t *)array->data)[i];
  case CUTLAB_UINT64: {
    uint64_t value = ((const uint64_t *)array->data)[i];
    return value > INT64_MAX ? INT64_MAX : (int64_t)value;
  }
  default:
    return ((const uint8_t *)array->data)[i];
  }
}

double cutlab_array_number(const cutlab_array *array, int64_t i) {
  switch (array->dtype) {
  case CUTLAB_FLOAT64:
    return ((const double *)array->data)[i];
  case CUTLAB_FLOAT32:
    return (double)((const float *)array->data)[i];
  case CUTLAB_FLOAT16:
    return (double)cutlab_half_to_float(((const uint16_t *)array->data)[i]);
  default:
    return (double)cutlab_array_integer(array, i);
  }
}
