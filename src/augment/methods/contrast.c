/* Contrast: the distance of every value from the image's mean grey times one factor. */
#include "augment/methods/colour.h"

static const cutlab_setting_rule parameters[] = {CUTLAB_FACTOR_RULE};

static double mean_of(const cutlab_view *view, double sum) {
  int32_t terms = view->channels == 3 ? 1 : view->channels;
  return sum / ((double)view->height * view->width * terms);
}

/* Sum of all greys (3 channels) or of all values, row by row. */
static double own_sum(const cutlab_view *view) {
  double sum = 0;
  for (int32_t y = 0; y < view->height; ++y)
    for (int32_t x = 0; x < view->width; ++x) {
      if (view->channels == 3)
        sum += cutlab_grey(view->own(view, y, x, 0), view->own(view, y, x, 1),
                           view->own(view, y, x, 2));
      else
        for (int32_t c = 0; c < view->channels; ++c) sum += view->own(view, y, x, c);
    }
  return sum;
}

static float pixel(const cutlab_view *view, int32_t y, int32_t x, int32_t c) {
  float factor = (float)view->entry->values[0], mean = (float)mean_of(view, own_sum(view));
  return cutlab_blend(view->own(view, y, x, c), mean, factor, view->scale);
}

/* own_sum of view->image. */
CUTLAB_INLINE void sum_as(double *sum, const cutlab_view *view, cutlab_load load,
                          cutlab_store store) {
  (void)store;
  cutlab_strides s = cutlab_strides_of(view);
  int64_t channels = view->channels;
  for (int64_t y = 0; y < view->height; ++y)
    for (int64_t x = 0; x < view->width; ++x) {
      int64_t at = y * s.line + x * s.pixel;
      if (channels == 3)
        *sum += cutlab_grey(load(view->image, at), load(view->image, at + s.channel),
                            load(view->image, at + 2 * s.channel));
      else
        for (int64_t c = 0; c < channels; ++c) *sum += load(view->image, at + c * s.channel);
    }
}

static void begin(cutlab_view *view) {
  double sum = 0;
  CUTLAB_BY_DTYPE(view, sum_as, &sum, view);
  view->cache[0] = mean_of(view, sum);
}

static void line(const cutlab_view *view, int32_t y, void *values, const void *partner) {
  (void)y, (void)partner;
  cutlab_colour_blend_line(view, values, (float)view->cache[0], (float)view->entry->values[0]);
}

const cutlab_method_ops cutlab_method_contrast = {
    .name = "contrast",
    .summary = "all values away from the image's mean grey, or towards it",
    .source = CUTLAB_COLOUR_SOURCE,
    .role = CUTLAB_ROLE_COLOUR,
    .parameters = parameters,
    .parameter_count = sizeof parameters / sizeof *parameters,
    .whole_image = true,
    .draw = cutlab_colour_draw_factor,
    .pixel = pixel,
    .begin = begin,
    .line = line};
