/* Images as grids of cells, for methods that replace whole cells. */
#ifndef CUTLAB_AUGMENT_CELLS_H
#define CUTLAB_AUGMENT_CELLS_H

#include "augment/method.h"

/* The rule of a parameter `side`. */
#define CUTLAB_SIDE_RULE                                                                           \
  {                                                                                                \
    .shown = {"side", "integer", "1 to 1e9",                                                       \
              "Side of a cell in pixels, from the top left corner; those at the right and the "    \
              "bottom are smaller where it does not divide. Its length in a series."},             \
    .kind = CUTLAB_SETTING_INTEGER, .low = 1, .high = 1e9, .default_text = "8"                     \
  }

/* Number of cells of that side; those at the right and the bottom may be smaller. */
int64_t cutlab_count_cells(const cutlab_drawing *drawing, int64_t side);
/* Makes `taken` of the cells, a uniform subset of this size, the region of `entry`. */
cutlab_status cutlab_draw_cells(cutlab_drawing *drawing, cutlab_random *random, cutlab_entry *entry,
                                int64_t side, int64_t taken);

#endif
