/* Zoom about the centre, on a canvas of the same size. */
#include "augment/methods/warp.h"

enum { low_setting, high_setting, interpolation_setting, fill_setting };

static const cutlab_setting_rule parameters[] = {
    {.shown = {"low", "number", "0.01 to 100", "The factor is uniform on [low, high]."},
     .kind = CUTLAB_SETTING_NUMBER,
     .low = .01,
     .high = 100,
     .default_text = "0.8"},
    {.shown = {"high", "number", "low to 100", "The factor is uniform on [low, high]."},
     .kind = CUTLAB_SETTING_NUMBER,
     .low = .01,
     .high = 100,
     .default_text = "1.2"},
    CUTLAB_WARP_INTERPOLATION,
    CUTLAB_FILL_RULE("0")};

static cutlab_status check(cutlab_context *context, cutlab_step *step) {
  double low = step->settings[low_setting].number, high = step->settings[high_setting].number;
  if (low <= high) return CUTLAB_OK;
  return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                     "scale: low is %g, high %g; accepted: low <= high", low, high);
}

static cutlab_status draw(cutlab_drawing *drawing, const cutlab_step *step, cutlab_random *random,
                          cutlab_entry *entry) {
  (void)drawing;
  double low = step->settings[low_setting].number, high = step->settings[high_setting].number;
  entry->values[0] = low + (high - low) * cutlab_random_uniform(random);
  return CUTLAB_OK;
}

static cutlab_warp warp_of(const cutlab_view *view) {
  const cutlab_setting *settings = view->step->settings;
  return (cutlab_warp){.a = 1 / view->entry->values[0],
                       .b = 0,
                       .nearest = settings[interpolation_setting].number == 0,
                       .fill = &settings[fill_setting]};
}

static float pixel(const cutlab_view *view, int32_t y, int32_t x, int32_t c) {
  cutlab_warp warp = warp_of(view);
  return cutlab_warp_pixel(view, &warp, y, x, c);
}

static void line(const cutlab_view *view, int32_t y, void *values, const void *partner) {
  (void)partner;
  cutlab_warp warp = warp_of(view);
  cutlab_warp_line(view, &warp, y, values);
}

const cutlab_method_ops cutlab_method_scale = {.name = "scale",
                                               .summary = "the image zoomed about its centre",
                                               .source = "classic; torchvision's RandomAffine",
                                               .role = CUTLAB_ROLE_GEOMETRY,
                                               .parameters = parameters,
                                               .parameter_count =
                                                   sizeof parameters / sizeof *parameters,
                                               .whole_image = true,
                                               .check = check,
                                               .draw = draw,
                                               .pixel = pixel,
                                               .source_line = cutlab_warp_source,
                                               .line = line};
