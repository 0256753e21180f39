/* The values of axes, and how they make a grid. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cutlab/random.h>

#include "base/number.h"
#include "base/streams.h"
#include "sweep/grid_internal.h"

enum { most_spaced = 1000000 };

/* To 12 significant digits, so that 0.1 steps give 0.3, and the last bits of exp and log do not
   matter. */
static double snap(double value) {
  if (value == 0 || !isfinite(value)) return value;
  int digits = 11 - (int)floor(log10(fabs(value)));
  double power = pow(10, abs(digits));
  return digits >= 0 ? round(value * power) / power : round(value / power) * power;
}

/* FNV-1a of an axis's name: draws stay when other axes come and go. */
static uint64_t hash_name(const char *name) {
  uint64_t hash = 14695981039346656037u;
  for (; *name; ++name) hash = (hash ^ (uint8_t)*name) * 1099511628211u;
  return hash;
}

static double value_at(const cutlab_spec_axis *axis, int64_t i, int64_t count, int64_t seed) {
  double share = count > 1 ? (double)i / (double)(count - 1) : 0;
  if (axis->random) {
    cutlab_random random = cutlab_random_make((uint64_t)seed, cutlab_stream_sweep,
                                              hash_name(axis->name), (uint64_t)i, 0);
    share = cutlab_random_uniform(&random);
  } else if (axis->step > 0) {
    return snap(axis->from + (double)i * axis->step);
  }
  if (axis->logarithmic) return snap(axis->from * pow(axis->to / axis->from, share));
  return snap(axis->from + (axis->to - axis->from) * share);
}

static int64_t spaced_count(const cutlab_spec_axis *axis) {
  if (axis->step <= 0) return axis->count;
  double steps = floor((axis->to - axis->from) / axis->step + 1e-9);
  return steps < 1e15 ? (int64_t)steps + 1 : (int64_t)1e15;
}

static const char *spacing_name(const cutlab_spec_axis *axis) {
  if (axis->values.count) return "list";
  if (axis->random) return axis->logarithmic ? "random log" : "random linear";
  return axis->logarithmic ? "log" : "linear";
}

static cutlab_status check_spaced(cutlab_context *context, const cutlab_spec_axis *axis,
                                  int64_t count, const cutlab_parameter *parameter) {
  if (count > most_spaced)
    return cutlab_spec_fail(context, axis->where, "axis %s has %lld values; accepted: at most %d",
                            axis->name, (long long)count, most_spaced);
  if (parameter && !cutlab_is_numeric(parameter))
    return cutlab_spec_fail(context, axis->where, "axis %s has no numbers; accepted: a list of %s",
                            axis->name, parameter->accepted);
  return CUTLAB_OK;
}

/* Values of an integer parameter are rounded. */
static cutlab_status fill_spaced(cutlab_context *context, cutlab_axis *to,
                                 const cutlab_spec_axis *axis, int64_t seed,
                                 const cutlab_parameter *parameter) {
  bool is_integer = parameter && strcmp(parameter->kind, "integer") == 0;
  for (int64_t i = 0; i < to->count; ++i) {
    double value = value_at(axis, i, to->count, seed);
    to->numbers[i] = is_integer ? round(value) : value;
    if (i && !axis->random && !(to->numbers[i] > to->numbers[i - 1]))
      return cutlab_spec_fail(context, axis->where,
                              "axis %s has %.12g twice; accepted: fewer values", axis->name,
                              to->numbers[i]);
  }
  return CUTLAB_OK;
}

static cutlab_status make_spaced(cutlab_context *context, cutlab_axis *to,
                                 const cutlab_spec_axis *axis, int64_t seed,
                                 const cutlab_parameter *parameter) {
  to->count = spaced_count(axis);
  to->is_numeric = true;
  CUTLAB_TRY(check_spaced(context, axis, to->count, parameter));
  to->numbers = cutlab_allocate(context, to->count, sizeof *to->numbers);
  if (!to->numbers) return CUTLAB_ERROR_MEMORY;
  return fill_spaced(context, to, axis, seed, parameter);
}

/* Texts are of a parameter whose name is misspelt, or of no axis at all. */
static cutlab_status fail_name(cutlab_context *context, const cutlab_spec_axis *axis,
                               const cutlab_entry *entry) {
  const char *names[cutlab_grid_most_variables];
  const cutlab_parameter *parameter;
  int count = 0;
  for (; count < cutlab_grid_most_variables && (parameter = cutlab_experiment_parameter(count));)
    names[count++] = parameter->name;
  return cutlab_spec_fail(context, entry->where,
                          "axis '%.60s' is no parameter; nearest: %s; or, with numbers instead of "
                          "'%.60s', a name that expressions use",
                          axis->name, names[cutlab_nearest_name(axis->name, names, count)],
                          entry->name);
}

static cutlab_status make_listed(cutlab_context *context, cutlab_axis *to,
                                 const cutlab_spec_axis *axis, const cutlab_parameter *parameter) {
  to->count = axis->values.count;
  to->numbers = cutlab_allocate(context, to->count, sizeof *to->numbers);
  if (!to->numbers) return CUTLAB_ERROR_MEMORY;
  to->is_numeric = !parameter || cutlab_is_numeric(parameter);
  for (int64_t i = 0; i < to->count; ++i) {
    const cutlab_entry *entry = &axis->values.items[i];
    if (!to->is_numeric) continue;
    if (!cutlab_number_parse(&to->numbers[i], entry->name) && !parameter)
      return fail_name(context, axis, entry);
    if (!cutlab_number_parse(&to->numbers[i], entry->name))
      return cutlab_spec_fail(context, entry->where, "axis %s has '%.60s'; accepted: numbers",
                              axis->name, entry->name);
    for (int64_t j = 0; j < i; ++j)
      if (to->numbers[j] == to->numbers[i])
        return cutlab_spec_fail(context, entry->where, "axis %s has %.60s twice", axis->name,
                                entry->name);
  }
  return CUTLAB_OK;
}

/* The values as texts, each tried on an experiment where it is a parameter's. */
static cutlab_status make_texts(cutlab_context *context, cutlab_grid *grid, cutlab_axis *to,
                                const cutlab_spec_axis *axis, cutlab_experiment *scratch) {
  to->texts = cutlab_allocate(context, to->count, sizeof *to->texts);
  if (!to->texts) return CUTLAB_ERROR_MEMORY;
  for (int64_t i = 0; i < to->count; ++i) {
    char number[cutlab_number_size];
    if (to->is_numeric) cutlab_number_text(number, to->numbers[i]);
    to->texts[i] = strdup(to->is_numeric ? number : axis->values.items[i].name);
    if (!to->texts[i]) return cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory: axes");
    if (to->is_parameter &&
        cutlab_experiment_set(context, scratch, axis->name, to->texts[i]) != CUTLAB_OK)
      return cutlab_spec_fail(context,
                              axis->values.count ? axis->values.items[i].where : axis->where, "%s",
                              cutlab_context_message(context));
    if (strcmp(axis->name, "frequencies") == 0 && scratch->feature_count > grid->features)
      grid->features = scratch->feature_count;
  }
  return CUTLAB_OK;
}

static cutlab_status make_axis(cutlab_context *context, cutlab_grid *grid, cutlab_axis *to,
                               const cutlab_spec_axis *axis, cutlab_experiment *scratch) {
  static const char *const taken[] = {"seed", "seeds", "failed", "message"};
  const cutlab_parameter *parameter = cutlab_find_parameter(axis->name);
  to->name = axis->name;
  to->spacing = spacing_name(axis);
  to->is_parameter = parameter != NULL;
  for (int i = 0; i < 4; ++i)
    if (strcmp(axis->name, taken[i]) == 0)
      return cutlab_spec_fail(context, axis->where,
                              "%s cannot be an axis; `seeds: N` or a list of them says what seeds "
                              "every cell has",
                              axis->name);
  if (axis->values.count)
    CUTLAB_TRY(make_listed(context, to, axis, parameter));
  else
    CUTLAB_TRY(make_spaced(context, to, axis, grid->spec->random_seed, parameter));
  return make_texts(context, grid, to, axis, scratch);
}

/* Every axis has a dimension of its own, but random ones share that of the first of them. */
static cutlab_status place_axis(cutlab_context *context, cutlab_grid *grid, int a, int *shared) {
  cutlab_axis *axis = &grid->axes[a];
  const cutlab_spec_axis *said = &grid->spec->axes[a];
  if (said->random && *shared >= 0) {
    axis->dimension = *shared;
    if (axis->count == grid->dimensions[*shared]) return CUTLAB_OK;
    return cutlab_spec_fail(
        context, said->where, "axis %s has count %lld; accepted: %lld, as of the other random axes",
        axis->name, (long long)axis->count, (long long)grid->dimensions[*shared]);
  }
  if (grid->dimension_count == cutlab_grid_most_dimensions)
    return cutlab_spec_fail(context, said->where, "too many axes; accepted: %d",
                            cutlab_grid_most_dimensions);
  axis->dimension = grid->dimension_count++;
  grid->dimensions[axis->dimension] = axis->count;
  if (said->random) *shared = axis->dimension;
  return CUTLAB_OK;
}

static cutlab_status count_runs(cutlab_context *context, cutlab_grid *grid) {
  double runs = (double)grid->spec->seed_count;
  grid->cells = 1;
  for (int d = 0; d < grid->dimension_count; ++d) runs *= (double)grid->dimensions[d];
  if (runs > 1e12)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                       "sweep %s has %.3g runs; accepted: at most 10^12", grid->spec->name, runs);
  for (int d = 0; d < grid->dimension_count; ++d) grid->cells *= grid->dimensions[d];
  grid->seed_count = grid->spec->seed_count;
  grid->runs = grid->cells * grid->seed_count;
  return CUTLAB_OK;
}

cutlab_status cutlab_grid_make_axes(cutlab_context *context, cutlab_grid *grid) {
  const cutlab_spec *spec = grid->spec;
  if (!spec->axis_count)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                       "sweep %s has no axes; accepted: at least one, such as `axes: {rho: [0.1, "
                       "0.2]}`",
                       spec->name);
  grid->axes = cutlab_allocate(context, spec->axis_count, sizeof *grid->axes);
  if (!grid->axes) return CUTLAB_ERROR_MEMORY;
  grid->axis_count = spec->axis_count;
  cutlab_experiment *scratch;
  CUTLAB_TRY(cutlab_experiment_copy(context, &scratch, &grid->base));
  cutlab_status status = CUTLAB_OK;
  int shared = -1;
  for (int a = 0; a < grid->axis_count && status == CUTLAB_OK; ++a) {
    status = make_axis(context, grid, &grid->axes[a], &spec->axes[a], scratch);
    if (status == CUTLAB_OK) status = place_axis(context, grid, a, &shared);
  }
  cutlab_experiment_free(scratch);
  return status == CUTLAB_OK ? count_runs(context, grid) : status;
}

int64_t cutlab_grid_index(const cutlab_grid *grid, int axis, int64_t cell) {
  for (int d = grid->dimension_count - 1; d > grid->axes[axis].dimension; --d)
    cell /= grid->dimensions[d];
  return cell % grid->dimensions[grid->axes[axis].dimension];
}

void cutlab_grid_describe(char *text, size_t size, const cutlab_grid *grid, int64_t cell) {
  size_t used = 0;
  text[0] = '\0';
  for (int a = 0; a < grid->axis_count && used < size; ++a) {
    const cutlab_axis *axis = &grid->axes[a];
    used += (size_t)snprintf(text + used, size - used, "%s%s=%s", a ? " " : "", axis->name,
                             axis->texts[cutlab_grid_index(grid, a, cell)]);
  }
}
