/* Cutout of the theory (Oh and Yun 2024, section 2): cells of a grid instead of a square. */
#include "augment/cells.h"
#include "augment/region.h"

enum { side_setting, cut_setting, fill_setting };

static const cutlab_setting_rule parameters[] = {
    CUTLAB_SIDE_RULE,
    {.shown = {"cut", "integer", "1 to 65536",
               "Number of cells to fill, all of them where there are fewer; the theory cuts fewer "
               "than half."},
     .kind = CUTLAB_SETTING_INTEGER,
     .low = 1,
     .high = 65536,
     .default_text = "1"},
    CUTLAB_FILL_RULE("0")};

static cutlab_status draw(cutlab_drawing *drawing, const cutlab_step *step, cutlab_random *random,
                          cutlab_entry *entry) {
  int64_t side = (int64_t)step->settings[side_setting].number;
  int64_t cut = (int64_t)step->settings[cut_setting].number;
  int64_t cells = cutlab_count_cells(drawing, side);
  return cutlab_draw_cells(drawing, random, entry, side, cut < cells ? cut : cells);
}

static float pixel(const cutlab_view *view, int32_t y, int32_t x, int32_t c) {
  if (!cutlab_region_holds(view, y, x)) return view->own(view, y, x, c);
  return cutlab_fill_value(view, &view->step->settings[fill_setting], c, 0);
}

static void fill(const cutlab_view *view, void *pixels, int64_t left, int64_t right) {
  for (int32_t c = 0; c < view->channels; ++c) {
    float value = cutlab_fill_value(view, &view->step->settings[fill_setting], c, 0);
    for (int64_t x = left; x < right; ++x) cutlab_line_set(view, pixels, (int32_t)x, c, value);
  }
}

static void line(const cutlab_view *view, int32_t y, void *pixels, const void *partner) {
  (void)partner;
  const cutlab_entry *entry = view->entry;
  if (y < entry->top || y >= entry->bottom) return;
  if (!entry->run_count) fill(view, pixels, entry->left, entry->right);
  int64_t begin = (int64_t)y * view->width, end = begin + view->width;
  for (int32_t i = 0; i < entry->run_count && view->runs[i].begin < end; ++i) {
    int64_t first = view->runs[i].begin > begin ? view->runs[i].begin : begin;
    int64_t last = view->runs[i].end < end ? view->runs[i].end : end;
    fill(view, pixels, first - begin, last - begin);
  }
}

const cutlab_method_ops cutlab_method_patch_cutout = {
    .name = "patch_cutout",
    .summary = "random cells of a grid become a constant",
    .source = "Oh and Yun 2024, arXiv 2410.23672",
    .role = CUTLAB_ROLE_ERASE,
    .parameters = parameters,
    .parameter_count = sizeof parameters / sizeof *parameters,
    .has_runs = true,
    .draw = draw,
    .pixel = pixel,
    .line = line};
