/* Where a measured surface crosses a threshold, and the law that fits these points. */
#ifndef CUTLAB_SWEEP_BOUNDARY_H
#define CUTLAB_SWEEP_BOUNDARY_H

#include "base/base.h"

/* Values over a grid of x and y, which may come in any order; a value stands at
   values[i * x_stride + j * y_stride], NaN where it is not known. */
typedef struct cutlab_surface {
  const double *x, *y;
  int64_t x_count, y_count;
  bool x_log, y_log; /* positive, to be seen on a logarithmic axis */
  const double *values;
  int64_t x_stride, y_stride;
} cutlab_surface;

typedef enum cutlab_crossing {
  CUTLAB_CROSSING_FOUND,
  CUTLAB_CROSSING_EVERYWHERE, /* never below the threshold: the boundary lies beyond the grid */
  CUTLAB_CROSSING_NOWHERE,    /* below it where values are largest: it lies before the grid */
  CUTLAB_CROSSING_UNKNOWN     /* no values */
} cutlab_crossing;

/* y = exp(intercept) x^slope where both axes are logarithmic, else y = intercept + slope x. */
typedef struct cutlab_boundary_fit {
  bool power; /* the former */
  int64_t points, everywhere, nowhere, unknown;
  double intercept, slope, r2; /* NaN below 3 points */
} cutlab_boundary_fit;

/* crossings, y: [x_count]. Walks along y from the end where values are larger, over all x, to the
   first fall below the threshold, and interpolates there; y is NaN where there is none. *rising:
   values are larger at the high end of y. */
cutlab_status cutlab_boundary_find(cutlab_context *context, cutlab_crossing *crossings, double *y,
                                   bool *rising, const cutlab_surface *surface, double threshold);
/* Least squares through the points found, of log y against log x where both are logarithmic. */
void cutlab_boundary_fit_points(cutlab_boundary_fit *fit, const cutlab_surface *surface,
                                const cutlab_crossing *crossings, const double *y);
/* The law at x, NaN where there is none. */
double cutlab_boundary_at(const cutlab_boundary_fit *fit, double x);
/* "found", "everywhere", "nowhere", "unknown". */
const char *cutlab_crossing_name(cutlab_crossing crossing);

/* Whether the values of an axis, in any order, belong on a logarithmic scale: positive, and its
   spacing says so or, for a list, their ratios are more even than their differences. */
bool cutlab_axis_is_logarithmic(const char *spacing, const double *values, int64_t count);

#endif
