/* Mirror images. */
#include <string.h>

#include "augment/method.h"

enum { axis_setting };
enum { horizontal, vertical };

static const char *const axes[] = {"horizontal", "vertical", NULL};
static const cutlab_setting_rule parameters[] = {
    {.shown = {"axis", "choice", "horizontal | vertical",
               "horizontal exchanges left and right (or reverses a series), vertical top and "
               "bottom."},
     .kind = CUTLAB_SETTING_CHOICE,
     .choices = axes,
     .default_text = "horizontal"}};

static bool is_vertical(const cutlab_view *view) {
  return view->step->settings[axis_setting].number == vertical;
}

static float pixel(const cutlab_view *view, int32_t y, int32_t x, int32_t c) {
  return is_vertical(view) ? view->own(view, view->height - 1 - y, x, c)
                           : view->own(view, y, view->width - 1 - x, c);
}

static int32_t source(const cutlab_view *view, int32_t y) {
  return is_vertical(view) ? view->height - 1 - y : y;
}

static void line(const cutlab_view *view, int32_t y, void *pixels, const void *partner) {
  (void)y, (void)partner;
  if (is_vertical(view)) return;
  int64_t size = (int64_t)cutlab_dtype_size(view->dtype), runs = view->channels;
  if (view->layout == CUTLAB_NHWC) size *= runs, runs = 1;
  memcpy(view->scratch, pixels, (size_t)(runs * view->width * size));
  for (int64_t r = 0, at = 0; r < runs; ++r, at += view->width * size)
    view->pixels->reverse((uint8_t *)pixels + at, (const uint8_t *)view->scratch + at, view->width,
                          size);
}

static bool move(const cutlab_view *view, cutlab_move *moved) {
  cutlab_move m = *moved;
  if (is_vertical(view)) {
    moved->from_y = m.from_y + m.down * (view->height - 1);
    moved->down = -m.down;
    moved->top = view->height - m.bottom;
    moved->bottom = view->height - m.top;
  } else {
    moved->from_x = m.from_x + m.along * (view->width - 1);
    moved->along = -m.along;
    moved->left = view->width - m.right;
    moved->right = view->width - m.left;
  }
  return true;
}

const cutlab_method_ops cutlab_method_flip = {.name = "flip",
                                              .summary = "the mirror image",
                                              .source = "classic",
                                              .default_probability = "0.5",
                                              .role = CUTLAB_ROLE_GEOMETRY,
                                              .permutes = true,
                                              .parameters = parameters,
                                              .parameter_count =
                                                  sizeof parameters / sizeof *parameters,
                                              .pixel = pixel,
                                              .move = move,
                                              .source_line = source,
                                              .line = line};
