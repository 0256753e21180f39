/* What the files that put a grid together share. */
#ifndef CUTLAB_SWEEP_GRID_INTERNAL_H
#define CUTLAB_SWEEP_GRID_INTERNAL_H

#include "sweep/grid.h"

/* The row of a parameter, or NULL. */
const cutlab_parameter *cutlab_find_parameter(const char *name);
/* Whether it is one number. */
bool cutlab_is_numeric(const cutlab_parameter *parameter);

/* axes.c: the axes, dimensions and counts. */
cutlab_status cutlab_grid_make_axes(cutlab_context *context, cutlab_grid *grid);
/* formulas.c: parameters, as values in `base` or as formulas. */
cutlab_status cutlab_grid_make_formulas(cutlab_context *context, cutlab_grid *grid);
cutlab_status cutlab_grid_apply_formulas(cutlab_context *context, cutlab_experiment *experiment,
                                         const cutlab_grid *grid, int64_t cell);
/* map.c: what is drawn. */
cutlab_status cutlab_grid_make_map(cutlab_context *context, cutlab_grid *grid);

#endif
