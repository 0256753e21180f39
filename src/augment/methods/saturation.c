/* Saturation: the distance of every value from its pixel's grey times one factor. */
#include "augment/methods/colour.h"

static const cutlab_setting_rule parameters[] = {CUTLAB_FACTOR_RULE};

CUTLAB_INLINE void change(float rgb[3], float factor, float white) {
  float grey = cutlab_grey(rgb[0], rgb[1], rgb[2]);
  for (int k = 0; k < 3; ++k) rgb[k] = cutlab_blend(rgb[k], grey, factor, white);
}

static float pixel(const cutlab_view *view, int32_t y, int32_t x, int32_t c) {
  return cutlab_colour_pixel(view, change, y, x, c);
}

static void line(const cutlab_view *view, int32_t y, void *values, const void *partner) {
  (void)y, (void)partner;
  cutlab_colour_line(view, change, values);
}

const cutlab_method_ops cutlab_method_saturation = {
    .name = "saturation",
    .summary = "colours away from their grey, or towards it; 3 channels",
    .source = CUTLAB_COLOUR_SOURCE,
    .role = CUTLAB_ROLE_COLOUR,
    .parameters = parameters,
    .parameter_count = sizeof parameters / sizeof *parameters,
    .draw = cutlab_colour_draw_factor,
    .pixel = pixel,
    .line = line};
