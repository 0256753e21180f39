/* Hue: a turn of the colour wheel of HSV. */
#include <math.h>

#include "augment/methods/colour.h"

static const cutlab_setting_rule parameters[] = {
    {.shown = {"amount", "number", "0 to 0.5", "The shift is uniform on [-amount, amount] turns."},
     .kind = CUTLAB_SETTING_NUMBER,
     .low = 0,
     .high = .5,
     .default_text = "0.1"}};

static cutlab_status draw(cutlab_drawing *drawing, const cutlab_step *step, cutlab_random *random,
                          cutlab_entry *entry) {
  (void)drawing;
  entry->values[0] = step->settings[0].number * (2 * cutlab_random_uniform(random) - 1);
  return CUTLAB_OK;
}

/* Hue in sixths of a turn, in [-1, 5], of a colour whose largest value minus smallest is chroma.
   Selections instead of branches, here and below: colours are hard to predict. */
CUTLAB_INLINE float hue_of(const float rgb[3], float largest, float chroma) {
  bool red = largest == rgb[0], green = largest == rgb[1];
  float difference = red ? rgb[1] - rgb[2] : green ? rgb[2] - rgb[0] : rgb[0] - rgb[1];
  return (red ? 0.0F : green ? 2.0F : 4.0F) + difference / chroma;
}

CUTLAB_INLINE float less_six(float value) {
  return value < 6 ? value : value - 6;
}

/* With value v, chroma and hue h in sixths, red, green and blue are
   v - chroma clamp(min(k, 4 - k), 0, 1) with k = (n + h) mod 6 and n = 5, 3, 1: the hexcone of
   Smith 1978 as one formula. Greys have no hue and stay. */
CUTLAB_INLINE void change(float rgb[3], float turns, float white) {
  float largest = rgb[0], smallest = rgb[0];
  for (int k = 1; k < 3; ++k) {
    largest = rgb[k] > largest ? rgb[k] : largest;
    smallest = rgb[k] < smallest ? rgb[k] : smallest;
  }
  float chroma = largest - smallest, shift = 6 * (turns - floorf(turns));
  float hue = less_six(hue_of(rgb, largest, chroma > 0 ? chroma : 1) + shift);
  for (int k = 0; k < 3; ++k) {
    float place = less_six(hue + (float)(5 - 2 * k));
    float distance = place < 4 - place ? place : 4 - place;
    rgb[k] = cutlab_clamp(largest - chroma * cutlab_clamp(distance, 1), white);
  }
}

static float pixel(const cutlab_view *view, int32_t y, int32_t x, int32_t c) {
  return cutlab_colour_pixel(view, change, y, x, c);
}

static void line(const cutlab_view *view, int32_t y, void *values, const void *partner) {
  (void)y, (void)partner;
  cutlab_colour_line(view, change, values);
}

const cutlab_method_ops cutlab_method_hue = {
    .name = "hue",
    .summary = "all hues turned by a random angle; 3 channels",
    .source = CUTLAB_COLOUR_SOURCE,
    .role = CUTLAB_ROLE_COLOUR,
    .parameters = parameters,
    .parameter_count = sizeof parameters / sizeof *parameters,
    .draw = draw,
    .pixel = pixel,
    .line = line};
