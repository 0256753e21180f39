/* A reference that results are to be compared with, looked at before there are any. */
#ifndef CUTLAB_SWEEP_REFERENCE_H
#define CUTLAB_SWEEP_REFERENCE_H

#include "sweep/grid.h"

/* "MEASURE=FILE": a measure of the grid, whose map is one, and a text matrix of that shape. */
cutlab_status cutlab_reference_check(cutlab_context *context, const cutlab_grid *grid,
                                     const char *text);

#endif
