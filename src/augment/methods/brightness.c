/* Brightness: every value times one factor. */
#include "augment/methods/colour.h"

static const cutlab_setting_rule parameters[] = {CUTLAB_FACTOR_RULE};

static float pixel(const cutlab_view *view, int32_t y, int32_t x, int32_t c) {
  float factor = (float)view->entry->values[0];
  return cutlab_blend(view->own(view, y, x, c), 0, factor, view->scale);
}

static void line(const cutlab_view *view, int32_t y, void *values, const void *partner) {
  (void)y, (void)partner;
  cutlab_colour_blend_line(view, values, 0, (float)view->entry->values[0]);
}

const cutlab_method_ops cutlab_method_brightness = {.name = "brightness",
                                                    .summary = "all values times a random factor",
                                                    .source = CUTLAB_COLOUR_SOURCE,
                                                    .role = CUTLAB_ROLE_COLOUR,
                                                    .parameters = parameters,
                                                    .parameter_count =
                                                        sizeof parameters / sizeof *parameters,
                                                    .draw = cutlab_colour_draw_factor,
                                                    .pixel = pixel,
                                                    .line = line};
