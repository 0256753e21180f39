/* Crossings of a threshold by interpolation, and least squares through them. */
#include "sweep/boundary.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static double seen(double value, bool logarithmic) {
  return logarithmic ? log(value) : value;
}

static double value_at(const cutlab_surface *surface, int64_t i, int64_t j) {
  return surface->values[i * surface->x_stride + j * surface->y_stride];
}

static int ascending(const void *first, const void *second, void *values) {
  double a = ((const double *)values)[*(const int64_t *)first],
         b = ((const double *)values)[*(const int64_t *)second];
  return (a > b) - (a < b);
}

/* By pairs of opposite places along y, at every x; what rounding makes is no slope. */
static bool is_rising(const cutlab_surface *surface, const int64_t *order) {
  double rise = 0, size = 0;
  for (int64_t i = 0; i < surface->x_count; ++i)
    for (int64_t j = 0; j < surface->y_count / 2; ++j) {
      double low = value_at(surface, i, order[j]),
             high = value_at(surface, i, order[surface->y_count - 1 - j]);
      if (isnan(low) || isnan(high)) continue;
      rise += high - low;
      size += fabs(high) + fabs(low);
    }
  return rise > 1e-9 * size;
}

/* One x: `order` runs from the end where values are larger. Where a value before the crossing is
   not known, nor is the crossing; where one lies behind it, it does not matter. */
static cutlab_crossing cross(double *y, const cutlab_surface *surface, const int64_t *order,
                             int64_t i, double threshold) {
  int64_t before = -1;
  *y = NAN;
  for (int64_t k = 0; k < surface->y_count; ++k) {
    int64_t j = order[k];
    double value = value_at(surface, i, j);
    if (isnan(value)) return CUTLAB_CROSSING_UNKNOWN;
    if (value >= threshold) {
      before = j;
      continue;
    }
    if (before < 0) return CUTLAB_CROSSING_NOWHERE;
    double last = value_at(surface, i, before), start = seen(surface->y[before], surface->y_log);
    double way = (last - threshold) / (last - value);
    *y = start + way * (seen(surface->y[j], surface->y_log) - start);
    if (surface->y_log) *y = exp(*y);
    return CUTLAB_CROSSING_FOUND;
  }
  return CUTLAB_CROSSING_EVERYWHERE;
}

cutlab_status cutlab_boundary_find(cutlab_context *context, cutlab_crossing *crossings, double *y,
                                   bool *rising, const cutlab_surface *surface, double threshold) {
  int64_t count = surface->y_count, *order = cutlab_allocate(context, count, sizeof *order);
  if (!order) return CUTLAB_ERROR_MEMORY;
  for (int64_t j = 0; j < count; ++j) order[j] = j;
  qsort_r(order, (size_t)count, sizeof *order, ascending, (void *)surface->y);
  *rising = is_rising(surface, order);
  for (int64_t j = 0; *rising && j < count / 2; ++j) {
    int64_t other = order[j];
    order[j] = order[count - 1 - j];
    order[count - 1 - j] = other;
  }
  for (int64_t i = 0; i < surface->x_count; ++i)
    crossings[i] = cross(&y[i], surface, order, i, threshold);
  free(order);
  return CUTLAB_OK;
}

void cutlab_boundary_fit_points(cutlab_boundary_fit *fit, const cutlab_surface *surface,
                                const cutlab_crossing *crossings, const double *y) {
  bool power = surface->x_log && surface->y_log;
  double n = 0, mean_u = 0, mean_v = 0, uu = 0, uv = 0, vv = 0;
  *fit = (cutlab_boundary_fit){.power = power, .intercept = NAN, .slope = NAN, .r2 = NAN};
  for (int64_t i = 0; i < surface->x_count; ++i) {
    fit->everywhere += crossings[i] == CUTLAB_CROSSING_EVERYWHERE;
    fit->nowhere += crossings[i] == CUTLAB_CROSSING_NOWHERE;
    fit->unknown += crossings[i] == CUTLAB_CROSSING_UNKNOWN;
    if (crossings[i] != CUTLAB_CROSSING_FOUND) continue;
    double u = seen(surface->x[i], power), v = seen(y[i], power), du = u - mean_u, dv = v - mean_v;
    ++fit->points;
    n += 1;
    mean_u += du / n;
    mean_v += dv / n;
    uu += du * (u - mean_u);
    uv += du * (v - mean_v);
    vv += dv * (v - mean_v);
  }
  if (fit->points < 3 || !(uu > 0)) return;
  fit->slope = uv / uu;
  fit->intercept = mean_v - fit->slope * mean_u;
  fit->r2 = vv > 0 ? fmin(1, uv * uv / (uu * vv)) : 1;
}

double cutlab_boundary_at(const cutlab_boundary_fit *fit, double x) {
  return fit->power ? exp(fit->intercept + fit->slope * log(x)) : fit->intercept + fit->slope * x;
}

const char *cutlab_crossing_name(cutlab_crossing crossing) {
  static const char *const names[] = {"found", "everywhere", "nowhere", "unknown"};
  return names[crossing];
}

static int by_value(const void *first, const void *second) {
  double a = *(const double *)first, b = *(const double *)second;
  return (a > b) - (a < b);
}

/* Largest step over the smallest. */
static double unevenness(const double *values, int64_t count, bool logarithmic) {
  double least = INFINITY, most = 0;
  for (int64_t i = 1; i < count; ++i) {
    double step = seen(values[i], logarithmic) - seen(values[i - 1], logarithmic);
    if (step < least) least = step;
    if (step > most) most = step;
  }
  return most / least;
}

bool cutlab_axis_is_logarithmic(const char *spacing, const double *values, int64_t count) {
  for (int64_t i = 0; i < count; ++i)
    if (!(values[i] > 0)) return false;
  if (strstr(spacing, "log")) return true;
  if (strcmp(spacing, "list") != 0 || count < 3) return false;
  double *sorted = malloc((size_t)count * sizeof *sorted);
  if (!sorted) return false;
  memcpy(sorted, values, (size_t)count * sizeof *sorted);
  qsort(sorted, (size_t)count, sizeof *sorted, by_value);
  bool logarithmic = unevenness(sorted, count, true) < unevenness(sorted, count, false);
  free(sorted);
  return logarithmic;
}
