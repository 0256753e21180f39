/* CutMix of the theory (Oh and Yun 2024, section 2): cells of a grid instead of a box. */
#include "augment/cells.h"
#include "augment/region.h"

enum { side_setting };

static const cutlab_setting_rule parameters[] = {CUTLAB_SIDE_RULE};

/* The number of own cells is uniform on 0..P, then the set of them uniform of that size. */
static cutlab_status draw(cutlab_drawing *drawing, const cutlab_step *step, cutlab_random *random,
                          cutlab_entry *entry) {
  int64_t side = (int64_t)step->settings[side_setting].number;
  int64_t cells = cutlab_count_cells(drawing, side);
  int64_t own = (int64_t)cutlab_random_below(random, (uint64_t)cells + 1);
  entry->lambda = (double)own / (double)cells;
  return cutlab_draw_cells(drawing, random, entry, side, cells - own);
}

const cutlab_method_ops cutlab_method_patch_cutmix = {
    .name = "patch_cutmix",
    .summary = "random cells of a grid become the partner's; labels by the pixels counted",
    .source = "Oh and Yun 2024, arXiv 2410.23672",
    .role = CUTLAB_ROLE_REGION,
    .parameters = parameters,
    .parameter_count = sizeof parameters / sizeof *parameters,
    .has_runs = true,
    .draw = draw,
    .pixel = cutlab_region_pixel,
    .needs_partner = cutlab_region_needs_partner,
    .line = cutlab_region_line};
