/* What methods that replace a region share. */
#ifndef CUTLAB_AUGMENT_REGION_H
#define CUTLAB_AUGMENT_REGION_H

#include "augment/method.h"

/* The rule of a parameter `fill`. */
#define CUTLAB_FILL_RULE(otherwise)                                                                \
  {                                                                                                \
    .shown = {"fill", "list of numbers", "(v) or (v, ...), one for every channel; -1e6 to 1e6",    \
              "Fill, where 0 is black and 1 is white; after normalise, in its units."},            \
    .kind = CUTLAB_SETTING_NUMBERS, .low = -1e6, .high = 1e6, .default_text = (otherwise)          \
  }

/* Sets the box, clipped to the image, and counts its pixels. */
void cutlab_entry_set_box(const cutlab_drawing *drawing, cutlab_entry *entry, int64_t top,
                          int64_t left, int64_t bottom, int64_t right);

/* For methods whose region is the partner's: pixel, needs_partner and line of cutlab_method_ops. */
float cutlab_region_pixel(const cutlab_view *view, int32_t y, int32_t x, int32_t c);
bool cutlab_region_needs_partner(const cutlab_view *view, int32_t y);
void cutlab_region_line(const cutlab_view *view, int32_t y, void *line, const void *partner);

#endif
