#include "augment/cells.h"

#include <stdlib.h>
#include <string.h>

static int32_t divide_up(int32_t length, int64_t side) {
  return (int32_t)((length + side - 1) / side);
}

/* Where a cell ends. */
static int32_t end_of(int32_t cell, int64_t side, int32_t length) {
  int64_t end = (cell + 1) * side;
  return end < length ? (int32_t)end : length;
}

int64_t cutlab_count_cells(const cutlab_drawing *drawing, int64_t side) {
  return (int64_t)divide_up(drawing->height, side) * divide_up(drawing->width, side);
}

/* Makes the bounding box hold [top, bottom) x [left, right) too. */
static void widen(cutlab_entry *entry, cutlab_box box) {
  bool empty = entry->right == 0;
  if (empty || box.top < entry->top) entry->top = box.top;
  if (empty || box.left < entry->left) entry->left = box.left;
  if (box.bottom > entry->bottom) entry->bottom = box.bottom;
  if (box.right > entry->right) entry->right = box.right;
}

/* The lines of one row of cells. inside: [columns], which of them are taken. */
static cutlab_status add_row(cutlab_drawing *drawing, cutlab_entry *entry, const bool *inside,
                             int64_t side, int32_t row) {
  int32_t width = drawing->width, columns = divide_up(width, side);
  int32_t top = (int32_t)(row * side), bottom = end_of(row, side, drawing->height);
  for (int32_t c = 0; c < columns; ++c)
    if (inside[c])
      widen(entry, (cutlab_box){top, (int32_t)(c * side), bottom, end_of(c, side, width)});
  for (int64_t y = top; y < bottom; ++y)
    for (int32_t c = 0; c < columns; ++c)
      if (inside[c])
        CUTLAB_TRY(cutlab_drawing_add_run(drawing, entry, y * width + c * side,
                                          y * width + end_of(c, side, width)));
  return CUTLAB_OK;
}

/* Of the cells that are left, each is taken with the share of them that is still wanted: every
   subset is equally likely (selection sampling; Fan, Muller and Rezucha 1962). */
cutlab_status cutlab_draw_cells(cutlab_drawing *drawing, cutlab_random *random, cutlab_entry *entry,
                                int64_t side, int64_t taken) {
  int32_t rows = divide_up(drawing->height, side), columns = divide_up(drawing->width, side);
  int64_t left = (int64_t)rows * columns;
  bool *inside = cutlab_allocate(drawing->context, columns, sizeof *inside);
  cutlab_status status = inside ? CUTLAB_OK : CUTLAB_ERROR_MEMORY;
  for (int32_t row = 0; row < rows && status == CUTLAB_OK; ++row) {
    for (int32_t c = 0; c < columns; ++c, --left) {
      inside[c] = (int64_t)cutlab_random_below(random, (uint64_t)left) < taken;
      taken -= inside[c];
    }
    status = add_row(drawing, entry, inside, side, row);
  }
  free(inside);
  return status;
}
