/* Hints for drawing, and curves to draw over maps. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "sweep/grid_internal.h"

static int find_axis(const cutlab_grid *grid, const char *name) {
  for (int a = 0; a < grid->axis_count; ++a)
    if (strcmp(grid->axes[a].name, name) == 0) return a;
  return -1;
}

static cutlab_status take_axis(cutlab_context *context, int *axis, const cutlab_grid *grid,
                               const cutlab_entry *entry, bool numeric) {
  const char *names[cutlab_grid_most_variables];
  int count = 0;
  if (!entry->text) return CUTLAB_OK;
  for (; count < grid->axis_count && count < cutlab_grid_most_variables; ++count)
    names[count] = grid->axes[count].name;
  *axis = find_axis(grid, entry->text);
  if (*axis < 0)
    return cutlab_spec_fail(context, entry->where, "map: no axis '%.60s'; nearest: %s", entry->text,
                            names[cutlab_nearest_name(entry->text, names, count)]);
  if (numeric && !grid->axes[*axis].is_numeric)
    return cutlab_spec_fail(context, entry->where, "map: axis %s has no numbers", entry->text);
  return CUTLAB_OK;
}

/* The last two axes of numbers that are not taken; then the first of the others. */
static void choose_axes(cutlab_grid *grid) {
  int *wanted[] = {&grid->map_y, &grid->map_x};
  bool only_one = true;
  for (int a = 0, numeric = 0; a < grid->axis_count; ++a) {
    numeric += grid->axes[a].is_numeric;
    if (numeric > 1) only_one = false;
  }
  for (int w = only_one ? 1 : 0; w < 2; ++w)
    for (int a = grid->axis_count - 1; a >= 0 && *wanted[w] < 0; --a)
      if (grid->axes[a].is_numeric && a != grid->map_x && a != grid->map_y && a != grid->map_panels)
        *wanted[w] = a;
  for (int a = 0; a < grid->axis_count && grid->map_panels < 0; ++a)
    if (a != grid->map_x && a != grid->map_y) grid->map_panels = a;
}

/* What is not measured is not drawn, but it must be a measure. */
static cutlab_status check_values(cutlab_context *context, const cutlab_grid *grid) {
  const cutlab_entries *values = &grid->spec->map_values;
  for (int i = 0; i < values->count; ++i)
    CUTLAB_TRY(cutlab_measures_check(context, &values->items[i], grid->features));
  return CUTLAB_OK;
}

/* The axis x is variable 0; parameters with a value that all cells share follow. */
typedef struct scope {
  const cutlab_grid *grid;
  const char *names[cutlab_grid_most_variables];
  double values[cutlab_grid_most_variables];
  int count;
} scope;

static int find_in_scope(void *user, const char *name) {
  const scope *s = user;
  for (int i = 0; i < s->count; ++i)
    if (strcmp(s->names[i], name) == 0) return i;
  return -1;
}

static bool is_shared(const cutlab_grid *grid, const char *name) {
  for (int i = 0; i < grid->formula_count; ++i)
    if (strcmp(grid->formulas[i].name, name) == 0) return false;
  return find_axis(grid, name) < 0;
}

static void fill_scope(scope *s, const cutlab_grid *grid) {
  const cutlab_parameter *parameter;
  *s = (scope){.grid = grid, .count = 1};
  s->names[0] = grid->axes[grid->map_x].name;
  for (int i = 0; (parameter = cutlab_experiment_parameter(i)); ++i) {
    if (!cutlab_is_numeric(parameter) || !is_shared(grid, parameter->name)) continue;
    if (s->count == cutlab_grid_most_variables) return;
    char *text = cutlab_experiment_get(&grid->base, parameter->name);
    s->names[s->count] = parameter->name;
    if (text && cutlab_number_parse(&s->values[s->count], text)) ++s->count;
    free(text);
  }
}

static cutlab_status make_boundary(cutlab_context *context, cutlab_grid *grid, scope *s,
                                   const cutlab_entry *entry) {
  cutlab_boundary *b = &grid->boundaries[grid->boundary_count++];
  const cutlab_axis *x = &grid->axes[grid->map_x];
  cutlab_expression *expression;
  b->name = entry->name, b->text = entry->text;
  b->y = cutlab_allocate(context, x->count, sizeof *b->y);
  if (!b->y) return CUTLAB_ERROR_MEMORY;
  if (cutlab_expression_compile(context, &expression, entry->text, strlen(entry->text),
                                find_in_scope, s, s->names, s->count) != CUTLAB_OK)
    return cutlab_spec_fail(context, entry->where, "boundary %s: %s", entry->name,
                            cutlab_context_message(context));
  for (int64_t i = 0; i < x->count; ++i) {
    s->values[0] = x->numbers[i];
    b->y[i] = cutlab_expression_evaluate(expression, s->values);
  }
  free(expression);
  return CUTLAB_OK;
}

static cutlab_status make_boundaries(cutlab_context *context, cutlab_grid *grid) {
  const cutlab_entries *said = &grid->spec->boundaries;
  if (!said->count) return CUTLAB_OK;
  if (grid->map_x < 0 || grid->map_y < 0)
    return cutlab_spec_fail(context, said->items[0].where,
                            "boundaries give y for every x; there are no two axes of numbers");
  grid->boundaries = cutlab_allocate(context, said->count, sizeof *grid->boundaries);
  if (!grid->boundaries) return CUTLAB_ERROR_MEMORY;
  scope s;
  fill_scope(&s, grid);
  for (int i = 0; i < said->count; ++i)
    CUTLAB_TRY(make_boundary(context, grid, &s, &said->items[i]));
  return CUTLAB_OK;
}

cutlab_status cutlab_grid_make_map(cutlab_context *context, cutlab_grid *grid) {
  grid->map_x = grid->map_y = grid->map_panels = -1;
  CUTLAB_TRY(take_axis(context, &grid->map_x, grid, &grid->spec->map_x, true));
  CUTLAB_TRY(take_axis(context, &grid->map_y, grid, &grid->spec->map_y, true));
  CUTLAB_TRY(take_axis(context, &grid->map_panels, grid, &grid->spec->map_panels, false));
  if (grid->map_x >= 0 && grid->map_x == grid->map_y)
    return cutlab_spec_fail(context, grid->spec->map_y.where,
                            "map: x and y are both %s; accepted: two axes",
                            grid->axes[grid->map_x].name);
  choose_axes(grid);
  CUTLAB_TRY(check_values(context, grid));
  return make_boundaries(context, grid);
}
