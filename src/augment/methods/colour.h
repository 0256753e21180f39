/* Shared by the methods that change colours. Semantics of torchvision's ColorJitter (functions
   adjust_* of transforms/_functional_tensor.py), but rounded once, to the nearest, in the end. */
#ifndef CUTLAB_AUGMENT_COLOUR_H
#define CUTLAB_AUGMENT_COLOUR_H

#include "augment/methods/elements.h"

#define CUTLAB_COLOUR_SOURCE "classic; torchvision's ColorJitter"

/* The parameter of the methods that draw a factor. */
#define CUTLAB_FACTOR_RULE                                                                         \
  {                                                                                                \
    .shown = {"amount", "number", "0 to 100",                                                      \
              "The factor is uniform on [max(0, 1 - amount), 1 + amount]."},                       \
    .kind = CUTLAB_SETTING_NUMBER, .low = 0, .high = 100, .default_text = "0.2"                    \
  }

/* NaN stays; written so that compilers find the instructions for minimum and maximum. */
CUTLAB_INLINE float cutlab_clamp(float value, float white) {
  float light = 0 > value ? 0 : value;
  return white < light ? white : light;
}

/* factor * value + (1 - factor) * other, between black and white. */
CUTLAB_INLINE float cutlab_blend(float value, float other, float factor, float white) {
  return cutlab_clamp(factor * value + (1 - factor) * other, white);
}

/* Luma as in ITU-R BT.601, with torchvision's digits. */
CUTLAB_INLINE float cutlab_grey(float red, float green, float blue) {
  return .2989F * red + .587F * green + .114F * blue;
}

/* Draws values[0], a factor uniform on [max(0, 1 - amount), 1 + amount]; the amount is the step's
   first parameter. */
cutlab_status cutlab_colour_draw_factor(cutlab_drawing *drawing, const cutlab_step *step,
                                        cutlab_random *random, cutlab_entry *entry);

/* Blends every element of a line with one value. */
void cutlab_colour_blend_line(const cutlab_view *view, void *line, float other, float factor);

/* Changes red, green and blue of one pixel by values[0] of the entry. */
typedef void (*cutlab_colour_change)(float rgb[3], float value, float white);

/* The changed value of channel c; without 3 channels there is nothing to change. */
CUTLAB_INLINE float cutlab_colour_pixel(const cutlab_view *view, cutlab_colour_change change,
                                        int32_t y, int32_t x, int32_t c) {
  float rgb[3];
  if (view->channels != 3) return view->own(view, y, x, c);
  for (int k = 0; k < 3; ++k) rgb[k] = view->own(view, y, x, k);
  change(rgb, (float)view->entry->values[0], view->scale);
  return rgb[c];
}

CUTLAB_INLINE void cutlab_colour_line_as(const cutlab_view *view, cutlab_colour_change change,
                                         void *line, cutlab_load load, cutlab_store store) {
  cutlab_strides strides = cutlab_strides_of(view);
  int64_t width = view->width;
  float value = (float)view->entry->values[0], white = view->scale;
  for (int64_t x = 0; x < width; ++x) {
    float rgb[3];
    for (int k = 0; k < 3; ++k) rgb[k] = load(line, x * strides.pixel + k * strides.channel);
    change(rgb, value, white);
    for (int k = 0; k < 3; ++k) store(line, x * strides.pixel + k * strides.channel, rgb[k]);
  }
}

/* The same for a line, in place. */
CUTLAB_INLINE void cutlab_colour_line(const cutlab_view *view, cutlab_colour_change change,
                                      void *line) {
  if (view->channels == 3) CUTLAB_BY_DTYPE(view, cutlab_colour_line_as, view, change, line);
}

#endif
