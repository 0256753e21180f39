/* Rotation about the centre. */
#include <math.h>

#include "augment/methods/warp.h"

enum { degrees_setting, interpolation_setting, fill_setting };

static const cutlab_setting_rule parameters[] = {
    {.shown = {"degrees", "number", "0 to 180",
               "The angle, counter-clockwise, is uniform on [-degrees, degrees]."},
     .kind = CUTLAB_SETTING_NUMBER,
     .low = 0,
     .high = 180,
     .default_text = "15"},
    CUTLAB_WARP_INTERPOLATION,
    CUTLAB_FILL_RULE("0")};

static cutlab_status draw(cutlab_drawing *drawing, const cutlab_step *step, cutlab_random *random,
                          cutlab_entry *entry) {
  if (drawing->height == 1)
    return cutlab_fail(drawing->context, CUTLAB_ERROR_ARGUMENT,
                       "rotate needs images of height above 1; these are 1 x %d", drawing->width);
  entry->values[0] =
      step->settings[degrees_setting].number * (2 * cutlab_random_uniform(random) - 1);
  return CUTLAB_OK;
}

/* Cosine and sine of the angle; right angles are exact. */
static void turn_of(const cutlab_view *view, double *cosine, double *sine) {
  double degrees = remainder(view->entry->values[0], 360), radians = degrees * (M_PI / 180);
  bool straight = fmod(degrees, 180) == 0, upright = fabs(degrees) == 90;
  *cosine = upright ? 0 : straight ? (degrees == 0 ? 1 : -1) : cos(radians);
  *sine = straight ? 0 : upright ? copysign(1, degrees) : sin(radians);
}

static cutlab_warp warp_of(const cutlab_view *view, double cosine, double sine) {
  const cutlab_setting *settings = view->step->settings;
  return (cutlab_warp){.a = cosine,
                       .b = sine,
                       .nearest = settings[interpolation_setting].number == 0,
                       .fill = &settings[fill_setting]};
}

static float pixel(const cutlab_view *view, int32_t y, int32_t x, int32_t c) {
  double cosine, sine;
  turn_of(view, &cosine, &sine);
  cutlab_warp warp = warp_of(view, cosine, sine);
  return cutlab_warp_pixel(view, &warp, y, x, c);
}

static void begin(cutlab_view *view) {
  turn_of(view, &view->cache[0], &view->cache[1]);
}

static void line(const cutlab_view *view, int32_t y, void *values, const void *partner) {
  (void)partner;
  cutlab_warp warp = warp_of(view, view->cache[0], view->cache[1]);
  cutlab_warp_line(view, &warp, y, values);
}

const cutlab_method_ops cutlab_method_rotate = {.name = "rotate",
                                                .summary = "the image turned about its centre",
                                                .source = "classic; torchvision's RandomRotation",
                                                .role = CUTLAB_ROLE_GEOMETRY,
                                                .parameters = parameters,
                                                .parameter_count =
                                                    sizeof parameters / sizeof *parameters,
                                                .whole_image = true,
                                                .draw = draw,
                                                .pixel = pixel,
                                                .begin = begin,
                                                .source_line = cutlab_warp_source,
                                                .line = line};
