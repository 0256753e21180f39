/* Cutout (DeVries and Taylor 2017): a square around a uniform centre becomes a constant. */
#include "augment/region.h"

enum { size_setting, fill_setting };

static const cutlab_setting_rule parameters[] = {
    {.shown = {"size", "integer", "1 to 65536",
               "Side of the square in pixels; clipped at the borders (16 for CIFAR-10, 8 for "
               "CIFAR-100, 20 for SVHN)."},
     .kind = CUTLAB_SETTING_INTEGER,
     .low = 1,
     .high = 65536,
     .default_text = "16"},
    CUTLAB_FILL_RULE("0")};

/* [c - L/2, c - L/2 + L) around a uniform centre, clipped; even L gives the [c - L/2, c + L/2) of
   the authors' code. */
static cutlab_status draw(cutlab_drawing *drawing, const cutlab_step *step, cutlab_random *random,
                          cutlab_entry *entry) {
  int64_t size = (int64_t)step->settings[size_setting].number;
  int64_t top = (int64_t)cutlab_random_below(random, (uint64_t)drawing->height) - size / 2;
  int64_t left = (int64_t)cutlab_random_below(random, (uint64_t)drawing->width) - size / 2;
  cutlab_entry_set_box(drawing, entry, top, left, top + size, left + size);
  return CUTLAB_OK;
}

static float pixel(const cutlab_view *view, int32_t y, int32_t x, int32_t c) {
  if (!cutlab_region_holds(view, y, x)) return view->own(view, y, x, c);
  return cutlab_fill_value(view, &view->step->settings[fill_setting], c, 0);
}

static void line(const cutlab_view *view, int32_t y, void *pixels, const void *partner) {
  (void)partner;
  const cutlab_entry *entry = view->entry;
  if (y < entry->top || y >= entry->bottom) return;
  for (int32_t c = 0; c < view->channels; ++c) {
    float value = cutlab_fill_value(view, &view->step->settings[fill_setting], c, 0);
    for (int32_t x = entry->left; x < entry->right; ++x) cutlab_line_set(view, pixels, x, c, value);
  }
}

const cutlab_method_ops cutlab_method_cutout = {
    .name = "cutout",
    .summary = "a square around a uniform centre becomes a constant",
    .source = "DeVries and Taylor 2017, arXiv 1708.04552",
    .role = CUTLAB_ROLE_ERASE,
    .fill_setting = fill_setting + 1,
    .parameters = parameters,
    .parameter_count = sizeof parameters / sizeof *parameters,
    .draw = draw,
    .pixel = pixel,
    .line = line};
