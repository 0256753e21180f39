/* Parameters that depend on the axes, and on each other. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "sweep/grid_internal.h"

enum { most_parts = 1024 };

const cutlab_parameter *cutlab_find_parameter(const char *name) {
  const cutlab_parameter *parameter;
  for (int i = 0; (parameter = cutlab_experiment_parameter(i)); ++i)
    if (strcmp(parameter->name, name) == 0) return parameter;
  return NULL;
}

bool cutlab_is_numeric(const cutlab_parameter *parameter) {
  return strcmp(parameter->kind, "integer") == 0 || strcmp(parameter->kind, "number") == 0;
}

static int find_variable(const cutlab_grid *grid, const char *name) {
  for (int i = 0; i < grid->variable_count; ++i)
    if (strcmp(grid->variables[i], name) == 0) return i;
  return -1;
}

static int add_variable(cutlab_grid *grid, const char *name, int axis) {
  if (grid->variable_count == cutlab_grid_most_variables) return -1;
  grid->variables[grid->variable_count] = name;
  grid->variable_axes[grid->variable_count] = axis;
  return grid->variable_count++;
}

static int find_or_add(void *user, const char *name) {
  cutlab_grid *grid = user;
  int variable = find_variable(grid, name);
  if (variable >= 0) return variable;
  const cutlab_parameter *parameter = cutlab_find_parameter(name);
  for (int a = 0; a < grid->axis_count; ++a) /* an axis that has no numbers */
    if (strcmp(grid->axes[a].name, name) == 0) return -1;
  if (!parameter || !cutlab_is_numeric(parameter)) return -1;
  return add_variable(grid, parameter->name, -1);
}

static int list_names(const char **names, const cutlab_grid *grid) {
  int count = 0;
  for (int a = 0; a < grid->axis_count; ++a)
    if (grid->axes[a].is_numeric) names[count++] = grid->axes[a].name;
  const cutlab_parameter *parameter;
  for (int i = 0; (parameter = cutlab_experiment_parameter(i)); ++i)
    if (cutlab_is_numeric(parameter) && count < cutlab_grid_most_variables)
      names[count++] = parameter->name;
  return count;
}

/* Hands each item of "[a, b]" to compile; commas inside parentheses are those of functions. */
static cutlab_status compile_parts(cutlab_context *context, cutlab_grid *grid, cutlab_formula *f,
                                   const char *text, size_t length) {
  const char *names[cutlab_grid_most_variables];
  int name_count = list_names(names, grid), depth = 0;
  const char *start = text, *end = text + length;
  int64_t most = 1;
  for (const char *at = text; at < end; ++at) most += *at == ',';
  f->parts = cutlab_allocate(context, most, sizeof(void *));
  if (!f->parts) return CUTLAB_ERROR_MEMORY;
  for (const char *at = text; at <= end; ++at) {
    if (at < end && *at == '(') ++depth;
    if (at < end && *at == ')') --depth;
    if (at < end && (*at != ',' || depth > 0 || !f->is_list)) continue;
    if (f->count == most_parts)
      return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT, "%s has more than %d items", f->name,
                         most_parts);
    CUTLAB_TRY(cutlab_expression_compile(context, &f->parts[f->count], start, (size_t)(at - start),
                                         find_or_add, grid, names, name_count));
    ++f->count;
    start = at + 1;
  }
  return CUTLAB_OK;
}

static cutlab_status compile(cutlab_context *context, cutlab_grid *grid,
                             const cutlab_entry *entry) {
  cutlab_formula *f = &grid->formulas[grid->formula_count++];
  f->name = entry->name, f->where = entry->where;
  f->is_list = !cutlab_is_numeric(cutlab_find_parameter(entry->name));
  const char *text = entry->text;
  size_t length = strlen(text);
  if (f->is_list) {
    while (length && text[length - 1] == ' ') --length;
    while (length && *text == ' ') ++text, --length;
    if (length < 2 || *text != '[' || text[length - 1] != ']')
      return cutlab_spec_fail(context, entry->where, "%s is '%.80s'; accepted: a list, [.., ..]",
                              entry->name, entry->text);
    ++text, length -= 2;
  }
  cutlab_status status = compile_parts(context, grid, f, text, length);
  if (status != CUTLAB_ERROR_ARGUMENT) return status;
  return cutlab_spec_fail(context, entry->where, "%s: %s", entry->name,
                          cutlab_context_message(context));
}

/* Does it say numbers, or what choice parameters take, as they are? */
static bool is_literal(const cutlab_parameter *parameter, const char *text) {
  double number;
  if (cutlab_is_numeric(parameter)) return cutlab_number_parse(&number, text);
  if (strcmp(parameter->kind, "list of numbers") != 0) return true;
  return !text[strspn(text, "0123456789+-.eE[], ")];
}

static cutlab_status take_parameter(cutlab_context *context, cutlab_grid *grid,
                                    const cutlab_entry *entry) {
  const cutlab_parameter *parameter = cutlab_find_parameter(entry->name);
  if (cutlab_spec_find_axis(grid->spec, entry->name) >= 0) return CUTLAB_OK; /* the axis wins */
  if (!is_literal(parameter, entry->text)) return compile(context, grid, entry);
  if (cutlab_experiment_set(context, &grid->base, entry->name, entry->text) == CUTLAB_OK)
    return CUTLAB_OK;
  return cutlab_spec_fail(context, entry->where, "%s", cutlab_context_message(context));
}

static bool depends(const cutlab_grid *grid, const cutlab_formula *f, const char *name) {
  int variable = find_variable(grid, name);
  for (int i = 0; variable >= 0 && i < f->count; ++i)
    if (cutlab_expression_uses(f->parts[i], variable)) return true;
  return false;
}

/* Puts each formula behind those that it uses. */
static cutlab_status sort_formulas(cutlab_context *context, cutlab_grid *grid) {
  for (int at = 0; at < grid->formula_count; ++at) {
    int ready = -1;
    for (int i = at; i < grid->formula_count && ready < 0; ++i) {
      ready = i;
      for (int j = at; j < grid->formula_count; ++j)
        if (depends(grid, &grid->formulas[i], grid->formulas[j].name)) ready = -1;
    }
    if (ready < 0)
      return cutlab_spec_fail(context, grid->formulas[at].where,
                              "%s depends on itself, by way of other parameters or directly",
                              grid->formulas[at].name);
    cutlab_formula first = grid->formulas[ready];
    grid->formulas[ready] = grid->formulas[at];
    grid->formulas[at] = first;
  }
  return CUTLAB_OK;
}

/* An axis that is no parameter is there for formulas. */
static cutlab_status check_axes_used(cutlab_context *context, const cutlab_grid *grid) {
  const char *names[cutlab_grid_most_variables];
  const cutlab_parameter *parameter;
  int count = 0;
  for (; count < cutlab_grid_most_variables && (parameter = cutlab_experiment_parameter(count));)
    names[count++] = parameter->name;
  for (int a = 0; a < grid->axis_count; ++a) {
    bool used = grid->axes[a].is_parameter;
    for (int i = 0; i < grid->formula_count; ++i)
      used |= depends(grid, &grid->formulas[i], grid->axes[a].name);
    if (!used)
      return cutlab_spec_fail(context, grid->spec->axes[a].where,
                              "axis '%s' is no parameter, nor does a parameter's expression use "
                              "it; nearest parameter: %s",
                              grid->axes[a].name,
                              names[cutlab_nearest_name(grid->axes[a].name, names, count)]);
  }
  return CUTLAB_OK;
}

cutlab_status cutlab_grid_make_formulas(cutlab_context *context, cutlab_grid *grid) {
  const cutlab_entries *parameters = &grid->spec->parameters;
  for (int a = 0; a < grid->axis_count; ++a) {
    if (cutlab_expression_is_function(grid->axes[a].name))
      return cutlab_spec_fail(context, grid->spec->axes[a].where,
                              "axis %s has the name of a function", grid->axes[a].name);
    if (grid->axes[a].is_numeric) add_variable(grid, grid->axes[a].name, a);
  }
  grid->formulas = cutlab_allocate(context, parameters->count, sizeof *grid->formulas);
  if (!grid->formulas) return CUTLAB_ERROR_MEMORY;
  for (int i = 0; i < parameters->count; ++i)
    CUTLAB_TRY(take_parameter(context, grid, &parameters->items[i]));
  CUTLAB_TRY(sort_formulas(context, grid));
  int given = cutlab_spec_find_axis(grid->spec, "frequencies") >= 0 ? grid->features : 0;
  for (int i = 0; i < grid->formula_count; ++i)
    if (strcmp(grid->formulas[i].name, "frequencies") == 0) given = grid->formulas[i].count;
  grid->features = given ? given : grid->base.feature_count;
  return check_axes_used(context, grid);
}

/* Values of the variables of a formula. */
static cutlab_status look_up(cutlab_context *context, double *values, const cutlab_grid *grid,
                             const cutlab_formula *f, const cutlab_experiment *experiment,
                             int64_t cell) {
  for (int v = 0; v < grid->variable_count; ++v) {
    if (!depends(grid, f, grid->variables[v])) continue;
    int axis = grid->variable_axes[v];
    if (axis >= 0) {
      values[v] = grid->axes[axis].numbers[cutlab_grid_index(grid, axis, cell)];
      continue;
    }
    char *text = cutlab_experiment_get(experiment, grid->variables[v]);
    if (!text) return cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory: parameters");
    if (!cutlab_number_parse(&values[v], text)) values[v] = NAN;
    free(text);
  }
  return CUTLAB_OK;
}

static cutlab_status fail_value(cutlab_context *context, const cutlab_grid *grid,
                                const cutlab_formula *f, double value, int64_t cell) {
  char at[200];
  cutlab_grid_describe(at, sizeof at, grid, cell);
  return cutlab_spec_fail(context, f->where, "the expression of %s is %s at %s", f->name,
                          isnan(value) ? "not a number" : "infinite", at);
}

static cutlab_status apply_formula(cutlab_context *context, cutlab_experiment *experiment,
                                   const cutlab_grid *grid, const cutlab_formula *f, int64_t cell) {
  double values[cutlab_grid_most_variables];
  CUTLAB_TRY(look_up(context, values, grid, f, experiment, cell));
  size_t size = (size_t)f->count * (cutlab_number_size + 2) + 3, used = 0;
  char *text = cutlab_allocate(context, (int64_t)size, 1);
  if (!text) return CUTLAB_ERROR_MEMORY;
  if (f->is_list) text[used++] = '[';
  for (int i = 0; i < f->count; ++i) {
    char number[cutlab_number_size];
    double value = cutlab_expression_evaluate(f->parts[i], values);
    if (!isfinite(value)) {
      free(text);
      return fail_value(context, grid, f, value, cell);
    }
    cutlab_number_text(number, value);
    used += (size_t)snprintf(text + used, size - used, "%s%s", i ? ", " : "", number);
  }
  if (f->is_list) text[used++] = ']';
  cutlab_status status = cutlab_experiment_set(context, experiment, f->name, text);
  free(text);
  if (status == CUTLAB_ERROR_ARGUMENT) {
    char at[200];
    cutlab_grid_describe(at, sizeof at, grid, cell);
    status = cutlab_spec_fail(context, f->where, "%s; at %s", cutlab_context_message(context), at);
  }
  return status;
}

cutlab_status cutlab_grid_apply_formulas(cutlab_context *context, cutlab_experiment *experiment,
                                         const cutlab_grid *grid, int64_t cell) {
  for (int i = 0; i < grid->formula_count; ++i)
    CUTLAB_TRY(apply_formula(context, experiment, grid, &grid->formulas[i], cell));
  return CUTLAB_OK;
}
