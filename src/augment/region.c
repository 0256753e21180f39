/* What methods that replace a region share. */
#include "augment/region.h"

#include <string.h>

static int32_t clip(int64_t value, int32_t most) {
  return value < 0 ? 0 : value > most ? most : (int32_t)value;
}

void cutlab_entry_set_box(const cutlab_drawing *drawing, cutlab_entry *entry, int64_t top,
                          int64_t left, int64_t bottom, int64_t right) {
  entry->top = clip(top, drawing->height);
  entry->left = clip(left, drawing->width);
  entry->bottom = clip(bottom, drawing->height);
  entry->right = clip(right, drawing->width);
  if (entry->bottom < entry->top) entry->bottom = entry->top;
  if (entry->right < entry->left) entry->right = entry->left;
  entry->pixels = (int64_t)(entry->bottom - entry->top) * (entry->right - entry->left);
}

float cutlab_region_pixel(const cutlab_view *view, int32_t y, int32_t x, int32_t c) {
  return cutlab_region_holds(view, y, x) ? view->partner(view, y, x, c) : view->own(view, y, x, c);
}

bool cutlab_region_needs_partner(const cutlab_view *view, int32_t y) {
  return y >= view->entry->top && y < view->entry->bottom && view->entry->left < view->entry->right;
}

static void copy_span(const cutlab_view *view, char *line, const char *partner, int64_t left,
                      int64_t right) {
  size_t size = cutlab_dtype_size(view->dtype);
  if (view->layout == CUTLAB_NHWC) {
    size *= (size_t)view->channels;
    memcpy(line + (size_t)left * size, partner + (size_t)left * size,
           (size_t)(right - left) * size);
    return;
  }
  for (int64_t c = 0; c < view->channels; ++c) {
    size_t start = (size_t)(c * view->width + left) * size;
    memcpy(line + start, partner + start, (size_t)(right - left) * size);
  }
}

void cutlab_region_line(const cutlab_view *view, int32_t y, void *line, const void *partner) {
  const cutlab_entry *entry = view->entry;
  if (!cutlab_region_needs_partner(view, y)) return;
  if (!entry->run_count) copy_span(view, line, partner, entry->left, entry->right);
  int64_t begin = (int64_t)y * view->width, end = begin + view->width;
  for (int32_t i = 0; i < entry->run_count && view->runs[i].begin < end; ++i) {
    int64_t first = view->runs[i].begin > begin ? view->runs[i].begin : begin;
    int64_t last = view->runs[i].end < end ? view->runs[i].end : end;
    if (first < last) copy_span(view, line, partner, first - begin, last - begin);
  }
}
