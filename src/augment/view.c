/* What methods share when they make pixels. */
#include <math.h>

#include "augment/method.h"
#include "base/half.h"

float cutlab_quantise(cutlab_dtype dtype, float value) {
  if (dtype == CUTLAB_UINT8) {
    if (!(value > 0)) return 0;
    return value >= 255 ? 255 : rintf(value);
  }
  if (dtype == CUTLAB_FLOAT16) return cutlab_half_to_float(cutlab_half_from_float(value));
  return value;
}

static int64_t element_index(const cutlab_view *view, int32_t x, int32_t c) {
  return view->layout == CUTLAB_NHWC ? (int64_t)x * view->channels + c
                                     : (int64_t)c * view->width + x;
}

float cutlab_line_get(const cutlab_view *view, const void *line, int32_t x, int32_t c) {
  int64_t i = element_index(view, x, c);
  switch (view->dtype) {
  case CUTLAB_UINT8:
    return ((const uint8_t *)line)[i];
  case CUTLAB_FLOAT16:
    return cutlab_half_to_float(((const uint16_t *)line)[i]);
  default:
    return ((const float *)line)[i];
  }
}

void cutlab_line_set(const cutlab_view *view, void *line, int32_t x, int32_t c, float value) {
  int64_t i = element_index(view, x, c);
  switch (view->dtype) {
  case CUTLAB_UINT8:
    ((uint8_t *)line)[i] = (uint8_t)cutlab_quantise(CUTLAB_UINT8, value);
    return;
  case CUTLAB_FLOAT16:
    ((uint16_t *)line)[i] = cutlab_half_from_float(value);
    return;
  default:
    ((float *)line)[i] = value;
  }
}

float cutlab_fill_value(const cutlab_view *view, const cutlab_setting *fill, int32_t c,
                        float otherwise) {
  if (!fill->count) return otherwise;
  double value = fill->list[fill->count == 1 ? 0 : c] * view->scale;
  return cutlab_quantise(view->dtype, (float)value);
}

bool cutlab_region_holds(const cutlab_view *view, int32_t y, int32_t x) {
  const cutlab_entry *entry = view->entry;
  bool inside = y >= entry->top && y < entry->bottom && x >= entry->left && x < entry->right;
  if (!inside || !entry->run_count) return inside;
  int64_t position = (int64_t)y * view->width + x;
  for (int32_t i = 0; i < entry->run_count; ++i)
    if (position < view->runs[i].end) return position >= view->runs[i].begin;
  return false;
}
