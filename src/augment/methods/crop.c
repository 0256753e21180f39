/* Pad and crop: the image moves by up to `pad` pixels along each axis. */
#include <math.h>
#include <string.h>

#include "augment/region.h"

enum { pad_setting, mode_setting, fill_setting };
enum { constant, reflect };
enum { shift_y, shift_x }; /* values of an entry */

static const char *const modes[] = {"constant", "reflect", NULL};
static const cutlab_setting_rule parameters[] = {
    {.shown = {"pad", "integer", "0 to 65536",
               "Pixels added on every side before a window of the image's size is cut out at a "
               "uniform place."},
     .kind = CUTLAB_SETTING_INTEGER,
     .high = 65536,
     .default_text = "4"},
    {.shown = {"mode", "choice", "constant | reflect",
               "What is added: the fill, or the image mirrored at its border pixels."},
     .kind = CUTLAB_SETTING_CHOICE,
     .choices = modes,
     .default_text = "constant"},
    CUTLAB_FILL_RULE("0")};

/* A series (height 1) is padded along its length only. */
static cutlab_status draw(cutlab_drawing *drawing, const cutlab_step *step, cutlab_random *random,
                          cutlab_entry *entry) {
  int64_t pad = (int64_t)step->settings[pad_setting].number;
  uint64_t places = 2 * (uint64_t)pad + 1;
  if (drawing->height > 1)
    entry->values[shift_y] = (double)((int64_t)cutlab_random_below(random, places) - pad);
  entry->values[shift_x] = (double)((int64_t)cutlab_random_below(random, places) - pad);
  return CUTLAB_OK;
}

/* Position of the source along an axis of `size`, -1 outside. Mirrored as often as needed, the
   border not repeated (period 2 size - 2). */
static int32_t locate(const cutlab_view *view, int64_t position, int32_t size) {
  if (position >= 0 && position < size) return (int32_t)position;
  if (view->step->settings[mode_setting].number != reflect) return -1;
  if (size == 1) return 0;
  int64_t period = 2 * (int64_t)size - 2;
  position = (position % period + period) % period;
  return (int32_t)(position < size ? position : period - position);
}

static int32_t source(const cutlab_view *view, int32_t y) {
  return locate(view, y + (int64_t)view->entry->values[shift_y], view->height);
}

static float fill_value(const cutlab_view *view, int32_t c) {
  return cutlab_fill_value(view, &view->step->settings[fill_setting], c, 0);
}

static float pixel(const cutlab_view *view, int32_t y, int32_t x, int32_t c) {
  int32_t from_y = source(view, y);
  int32_t from_x = locate(view, x + (int64_t)view->entry->values[shift_x], view->width);
  return from_y < 0 || from_x < 0 ? fill_value(view, c) : view->own(view, from_y, from_x, c);
}

/* A value of all channels that is one byte repeated is filled as bytes. */
static void fill_span(const cutlab_view *view, void *pixels, int32_t left, int32_t right) {
  if (left >= right) return;
  float value = fill_value(view, 0);
  bool nhwc = view->layout == CUTLAB_NHWC;
  if (view->step->settings[fill_setting].count == 1 &&
      ((value == 0 && !signbit(value)) || view->dtype == CUTLAB_UINT8)) {
    size_t size = cutlab_dtype_size(view->dtype) * (nhwc ? (size_t)view->channels : 1);
    for (int32_t c = 0; c < (nhwc ? 1 : view->channels); ++c)
      memset((char *)pixels + (size_t)(c * view->width + left) * size, (uint8_t)value,
             (size_t)(right - left) * size);
    return;
  }
  for (int32_t c = 0; c < view->channels; ++c) {
    value = fill_value(view, c);
    for (int32_t x = left; x < right; ++x) cutlab_line_set(view, pixels, x, c, value);
  }
}

/* [left, right): the outputs whose source lies in the line. */
static void move_span(const cutlab_view *view, char *pixels, int32_t left, int32_t right,
                      int64_t shift) {
  if (left >= right) return;
  size_t size = cutlab_dtype_size(view->dtype);
  int32_t runs = view->layout == CUTLAB_NHWC ? 1 : view->channels;
  if (runs == 1) size *= view->layout == CUTLAB_NHWC ? (size_t)view->channels : 1;
  for (int32_t r = 0; r < runs; ++r) {
    char *run = pixels + (size_t)r * (size_t)view->width * size;
    memmove(run + (size_t)left * size, run + (size_t)(left + shift) * size,
            (size_t)(right - left) * size);
  }
}

/* `scratch` holds the line before the move. A border is short: pixel by pixel. */
static void mirror_span(const cutlab_view *view, void *pixels, int32_t left, int32_t right,
                        int64_t shift) {
  for (int32_t x = left; x < right; ++x)
    for (int32_t c = 0; c < view->channels; ++c) {
      int32_t from = locate(view, x + shift, view->width);
      cutlab_line_set(view, pixels, x, c, cutlab_line_get(view, view->scratch, from, c));
    }
}

static void line(const cutlab_view *view, int32_t y, void *pixels, const void *partner) {
  (void)partner;
  int64_t shift = (int64_t)view->entry->values[shift_x], width = view->width;
  bool mirrored = view->step->settings[mode_setting].number == reflect,
       none = shift >= width || shift <= -width;
  int32_t left = none ? 0 : shift < 0 ? (int32_t)-shift : 0;
  int32_t right = none ? 0 : shift > 0 ? (int32_t)(width - shift) : view->width;
  if (mirrored) {
    memcpy(view->scratch, pixels,
           (size_t)width * (size_t)view->channels * cutlab_dtype_size(view->dtype));
    move_span(view, pixels, left, right, shift);
    mirror_span(view, pixels, 0, left, shift);
    mirror_span(view, pixels, right, view->width, shift);
  } else if (none || source(view, y) < 0) {
    fill_span(view, pixels, 0, view->width);
  } else {
    move_span(view, pixels, left, right, shift);
    fill_span(view, pixels, 0, left);
    fill_span(view, pixels, right, view->width);
  }
}

static int32_t inside(int64_t position, int32_t size) {
  return position < 0 ? 0 : position > size ? size : (int32_t)position;
}

/* There is one fill: another crop, whose fill would move too, is none. */
static bool move(const cutlab_view *view, cutlab_move *moved) {
  const cutlab_step *step = view->step;
  int64_t down = (int64_t)view->entry->values[shift_y],
          right = (int64_t)view->entry->values[shift_x];
  if (moved->fill || step->settings[mode_setting].number == reflect) return false;
  moved->fill = &step->settings[fill_setting];
  moved->from_y += moved->down * down;
  moved->from_x += moved->along * right;
  moved->top = inside(moved->top - down, view->height);
  moved->bottom = inside(moved->bottom - down, view->height);
  moved->left = inside(moved->left - right, view->width);
  moved->right = inside(moved->right - right, view->width);
  return true;
}

const cutlab_method_ops cutlab_method_crop = {
    .name = "crop",
    .summary = "pad, then cut out a window of the image's size",
    .source = "classic; Lee et al. 2015, arXiv 1409.5185",
    .role = CUTLAB_ROLE_GEOMETRY,
    .parameters = parameters,
    .parameter_count = sizeof parameters / sizeof *parameters,
    .draw = draw,
    .pixel = pixel,
    .move = move,
    .source_line = source,
    .line = line};
