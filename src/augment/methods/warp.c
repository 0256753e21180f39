/* Sampling of an image at any place. */
#include "augment/methods/warp.h"

#include <math.h>

#include "augment/methods/elements.h"

const char *const cutlab_warp_choices[] = {"nearest", "bilinear", NULL};

/* The four pixels around a place, from (y, x) to (y + 1, x + 1), and how far it is from the first;
   nearest: the pixel (y, x). */
typedef struct spot {
  bool outside; /* no pixel is in the image */
  bool inside;  /* all four are */
  int32_t y, x;
  float down, right;
} spot;

typedef struct size {
  int32_t height, width;
} size;

/* floor for numbers within the range of int32. */
CUTLAB_INLINE int32_t floor_of(double value) {
  int32_t whole = (int32_t)value;
  return whole - (value < whole);
}

CUTLAB_INLINE spot find_spot(size image, const cutlab_warp *warp, int32_t y, int32_t x) {
  double cy = .5 * (image.height - 1), cx = .5 * (image.width - 1), dy = y - cy, dx = x - cx;
  double sy = (cy + warp->b * dx) + warp->a * dy, sx = (cx - warp->b * dy) + warp->a * dx;
  if (warp->nearest) sy = floor(sy + .5), sx = floor(sx + .5);
  if (!(sy > -1 && sy < image.height && sx > -1 && sx < image.width))
    return (spot){.outside = true};
  spot s = {.y = floor_of(sy), .x = floor_of(sx)};
  s.inside = s.y >= 0 && s.y + 1 < image.height && s.x >= 0 && s.x + 1 < image.width;
  s.down = (float)(sy - s.y);
  s.right = (float)(sx - s.x);
  return s;
}

/* Whether pixel k of the four is in the image. */
CUTLAB_INLINE bool holds(size image, const spot *s, int k) {
  int32_t y = s->y + k / 2, x = s->x + k % 2;
  return y >= 0 && y < image.height && x >= 0 && x < image.width;
}

/* First along the rows, then between them. */
CUTLAB_INLINE float interpolate(const float p[4], const spot *s) {
  float upper = (1 - s->right) * p[0] + s->right * p[1];
  float lower = (1 - s->right) * p[2] + s->right * p[3];
  return (1 - s->down) * upper + s->down * lower;
}

float cutlab_warp_pixel(const cutlab_view *view, const cutlab_warp *warp, int32_t y, int32_t x,
                        int32_t c) {
  size image = {view->height, view->width};
  float p[4], fill = cutlab_fill_value(view, warp->fill, c, 0);
  spot s = find_spot(image, warp, y, x);
  if (s.outside) return fill;
  if (warp->nearest) return view->own(view, s.y, s.x, c);
  for (int k = 0; k < 4; ++k)
    p[k] = holds(image, &s, k) ? view->own(view, s.y + k / 2, s.x + k % 2, c) : fill;
  return interpolate(p, &s);
}

/* A pixel that the border is near: some of what it is made of is fill. */
CUTLAB_INLINE float border_value(const cutlab_view *view, const cutlab_warp *warp, const spot *s,
                                 int32_t c, cutlab_load load) {
  size image = {view->height, view->width};
  cutlab_strides strides = cutlab_strides_of(view);
  float p[4], fill = cutlab_fill_value(view, warp->fill, c, 0);
  if (s->outside) return fill;
  for (int k = 0; k < 4; ++k) {
    int64_t at = (s->y + k / 2) * strides.line + (s->x + k % 2) * strides.pixel;
    p[k] = holds(image, s, k) ? load(view->image, at + c * strides.channel) : fill;
  }
  return interpolate(p, s);
}

CUTLAB_INLINE void line_as(const cutlab_view *view, const cutlab_warp *given, int32_t y, void *line,
                           cutlab_load load, cutlab_store store) {
  const cutlab_warp warp = *given;
  const cutlab_strides strides = cutlab_strides_of(view);
  const size image = {view->height, view->width};
  const void *elements = view->image;
  const int32_t channels = view->channels;
  for (int32_t x = 0; x < image.width; ++x) {
    spot s = find_spot(image, &warp, y, x);
    int64_t at = s.y * strides.line + s.x * strides.pixel, to = x * strides.pixel;
    for (int32_t c = 0; c < channels; ++c, at += strides.channel, to += strides.channel) {
      if (warp.nearest && !s.outside) {
        store(line, to, load(elements, at));
      } else if (s.inside) {
        int64_t below = at + strides.line;
        float p[4] = {load(elements, at), load(elements, at + strides.pixel), load(elements, below),
                      load(elements, below + strides.pixel)};
        store(line, to, interpolate(p, &s));
      } else {
        store(line, to, border_value(view, given, &s, c, load));
      }
    }
  }
}

void cutlab_warp_line(const cutlab_view *view, const cutlab_warp *warp, int32_t y, void *line) {
  CUTLAB_BY_DTYPE(view, line_as, view, warp, y, line);
}

int32_t cutlab_warp_source(const cutlab_view *view, int32_t y) {
  (void)view, (void)y;
  return -1;
}
