/* Putting a spec together, experiments of cells, keys of runs. */
#include <math.h>
#include <omp.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "sweep/grid_internal.h"

/* Raised whenever the same configuration would give other numbers. */
static const int results_version = 1;
enum { cells_at_once = 16384 };

static cutlab_status take_preset(cutlab_context *context, cutlab_grid *grid) {
  cutlab_experiment *defaults;
  CUTLAB_TRY(cutlab_experiment_create(context, &defaults));
  grid->base = *defaults;
  cutlab_experiment_free(defaults);
  const cutlab_entry *preset = &grid->spec->preset;
  if (!preset->text ||
      cutlab_experiment_set_preset(context, &grid->base, preset->text) == CUTLAB_OK)
    return CUTLAB_OK;
  return cutlab_spec_fail(context, preset->where, "%s", cutlab_context_message(context));
}

static cutlab_status make_seeds(cutlab_context *context, cutlab_grid *grid) {
  if (grid->seed_count > 100000000)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT, "seeds is %lld; accepted: at most 10^8",
                       (long long)grid->seed_count);
  grid->seeds = cutlab_allocate(context, grid->seed_count, sizeof *grid->seeds);
  if (!grid->seeds) return CUTLAB_ERROR_MEMORY;
  for (int64_t i = 0; i < grid->seed_count; ++i)
    grid->seeds[i] = grid->spec->seeds ? grid->spec->seeds[i] : grid->spec->first_seed + i;
  return CUTLAB_OK;
}

/* Whether runs have fresh points, or may have. */
static bool has_fresh_points(const cutlab_grid *grid) {
  bool has = grid->base.monte_carlo > 0;
  for (int i = 0; i < grid->formula_count; ++i)
    has |= strcmp(grid->formulas[i].name, "monte_carlo") == 0;
  return has || cutlab_spec_find_axis(grid->spec, "monte_carlo") >= 0;
}

static cutlab_status choose_measures(cutlab_context *context, cutlab_grid *grid) {
  const char **names = cutlab_allocate(context, grid->axis_count + 1, sizeof *names);
  if (!names) return CUTLAB_ERROR_MEMORY;
  for (int a = 0; a < grid->axis_count; ++a) names[a] = grid->axes[a].name;
  cutlab_status status = cutlab_measures_choose(context, &grid->measures, &grid->spec->measures,
                                                grid->features, has_fresh_points(grid), names);
  grid->measures.learnt_at = grid->spec->learnt_at;
  grid->measures.stop_train_loss = grid->spec->stop_train_loss;
  free(names);
  return status;
}

static cutlab_status assemble(cutlab_context *context, cutlab_grid *grid) {
  CUTLAB_TRY(take_preset(context, grid));
  CUTLAB_TRY(cutlab_grid_make_axes(context, grid));
  CUTLAB_TRY(cutlab_grid_make_formulas(context, grid));
  CUTLAB_TRY(make_seeds(context, grid));
  CUTLAB_TRY(choose_measures(context, grid));
  return cutlab_grid_make_map(context, grid);
}

cutlab_status cutlab_grid_create(cutlab_context *context, cutlab_grid **grid,
                                 const cutlab_spec *spec) {
  *grid = cutlab_allocate(context, 1, sizeof **grid);
  if (!*grid) return CUTLAB_ERROR_MEMORY;
  (*grid)->spec = spec;
  cutlab_status status = assemble(context, *grid);
  if (status == CUTLAB_OK) return CUTLAB_OK;
  cutlab_grid_free(*grid);
  *grid = NULL;
  return status;
}

void cutlab_grid_free(cutlab_grid *grid) {
  if (!grid) return;
  for (int a = 0; a < grid->axis_count; ++a) {
    for (int64_t i = 0; grid->axes[a].texts && i < grid->axes[a].count; ++i)
      free(grid->axes[a].texts[i]);
    free(grid->axes[a].texts);
    free(grid->axes[a].numbers);
  }
  for (int f = 0; f < grid->formula_count; ++f) {
    for (int i = 0; i < grid->formulas[f].count; ++i) free(grid->formulas[f].parts[i]);
    free(grid->formulas[f].parts);
  }
  for (int b = 0; b < grid->boundary_count; ++b) free(grid->boundaries[b].y);
  cutlab_measures_clear(&grid->measures);
  free(grid->axes);
  free(grid->formulas);
  free(grid->boundaries);
  free(grid->seeds);
  free(grid->keys);
  free(grid);
}

cutlab_status cutlab_grid_experiment(cutlab_context *context, cutlab_experiment *experiment,
                                     const cutlab_grid *grid, int64_t cell) {
  *experiment = grid->base;
  for (int a = 0; a < grid->axis_count; ++a) {
    const cutlab_axis *axis = &grid->axes[a];
    if (axis->is_parameter)
      CUTLAB_TRY(cutlab_experiment_set(context, experiment, axis->name,
                                       axis->texts[cutlab_grid_index(grid, a, cell)]));
  }
  return cutlab_grid_apply_formulas(context, experiment, grid, cell);
}

static cutlab_status check_cell(cutlab_context *context, const cutlab_experiment *experiment,
                                const cutlab_grid *grid, int64_t cell) {
  cutlab_status status = cutlab_experiment_validate(context, experiment);
  if (status != CUTLAB_ERROR_ARGUMENT) return status;
  char at[200];
  cutlab_grid_describe(at, sizeof at, grid, cell);
  return cutlab_fail(context, status, "%s; at %s", cutlab_context_message(context), at);
}

/* What a run's results depend on, but for its seed. */
static cutlab_status describe_results(cutlab_context *context, char **text, size_t *size,
                                      cutlab_experiment *experiment, const cutlab_grid *grid) {
  char *json, number[cutlab_number_size];
  const cutlab_measures *measures = &grid->measures;
  experiment->seed = 0;
  CUTLAB_TRY(cutlab_experiment_to_json(context, &json, experiment));
  FILE *file = open_memstream(text, size);
  if (file) {
    fprintf(file, "results %d\n", results_version);
    cutlab_number_text(number, measures->learnt_at);
    if (measures->has_times) fprintf(file, "learnt_at %s\n", number);
    if (grid->spec->own_draws) fputs("draws own\n", file);
    cutlab_number_text(number, measures->stop_train_loss);
    if (measures->stop_train_loss > 0) fprintf(file, "stop %s\n", number);
    fputs(json, file);
  }
  cutlab_free(json);
  if (file && fclose(file) == 0) return CUTLAB_OK;
  return cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory: keys of runs");
}

cutlab_status cutlab_grid_set_seed(cutlab_context *context, cutlab_experiment *experiment,
                                   const cutlab_grid *grid, int64_t run) {
  experiment->seed = (uint64_t)grid->seeds[run % grid->seed_count];
  if (!grid->spec->own_draws) return CUTLAB_OK;
  char *json;
  unsigned char digest[cutlab_key_size];
  unsigned int size = 0;
  CUTLAB_TRY(cutlab_experiment_to_json(context, &json, experiment));
  bool good = EVP_Digest(json, strlen(json), digest, &size, EVP_sha256(), NULL) == 1;
  cutlab_free(json);
  if (!good) return cutlab_fail(context, CUTLAB_ERROR_UNSUPPORTED, "SHA-256 failed");
  experiment->seed = 0;
  for (int i = 0; i < 8; ++i) experiment->seed = experiment->seed << 8 | digest[i];
  experiment->seed >>= 1;
  return CUTLAB_OK;
}

static cutlab_status hash_cell(cutlab_context *context, cutlab_grid *grid, const char *text,
                               size_t size, int64_t cell) {
  char *whole = cutlab_allocate(context, (int64_t)size + 32, 1);
  if (!whole) return CUTLAB_ERROR_MEMORY;
  memcpy(whole, text, size);
  bool good = true;
  for (int64_t s = 0; s < grid->seed_count && good; ++s) {
    int length = snprintf(whole + size, 32, "seed %lld\n", (long long)grid->seeds[s]);
    unsigned int key_size = 0;
    good = EVP_Digest(whole, size + (size_t)length, grid->keys[cell * grid->seed_count + s],
                      &key_size, EVP_sha256(), NULL) == 1 &&
           key_size == cutlab_key_size;
  }
  free(whole);
  return good ? CUTLAB_OK : cutlab_fail(context, CUTLAB_ERROR_UNSUPPORTED, "SHA-256 failed");
}

static cutlab_status make_cell_keys(cutlab_context *context, cutlab_experiment *experiment,
                                    cutlab_grid *grid, int64_t cell) {
  char *text = NULL;
  size_t size;
  CUTLAB_TRY(cutlab_grid_experiment(context, experiment, grid, cell));
  CUTLAB_TRY(check_cell(context, experiment, grid, cell));
  cutlab_status status = describe_results(context, &text, &size, experiment, grid);
  if (status == CUTLAB_OK) status = hash_cell(context, grid, text, size, cell);
  free(text);
  return status;
}

/* Fails with the first bad cell, whichever thread met one. */
static cutlab_status make_keys_between(cutlab_context *context, cutlab_grid *grid, int64_t first,
                                       int64_t end) {
  cutlab_status worst = CUTLAB_OK;
  int64_t worst_cell = end;
  int threads = cutlab_context_threads(context);
#pragma omp parallel num_threads(threads) if (end - first > 64)
  {
    cutlab_context *own = NULL;
    cutlab_experiment *experiment = NULL;
    cutlab_status status = cutlab_context_fork(&own, context);
    if (status == CUTLAB_OK) status = cutlab_experiment_create(own, &experiment);
    int64_t failed_at = -1;
#pragma omp for schedule(dynamic, 16)
    for (int64_t cell = first; cell < end; ++cell) {
      if (status != CUTLAB_OK) continue;
      status = make_cell_keys(own, experiment, grid, cell);
      if (status != CUTLAB_OK) failed_at = cell;
    }
#pragma omp critical
    if (status != CUTLAB_OK && (worst == CUTLAB_OK || failed_at < worst_cell)) {
      worst_cell = failed_at;
      worst = own ? cutlab_fail_from(context, status, own)
                  : cutlab_fail(context, status, "out of memory: context");
    }
    cutlab_experiment_free(experiment);
    cutlab_context_free(own);
  }
  return worst;
}

/* Warnings about the first cell, which others are likely to share. */
static cutlab_status warn_once(cutlab_context *context, const cutlab_grid *grid) {
  cutlab_experiment *experiment;
  CUTLAB_TRY(cutlab_experiment_create(context, &experiment));
  cutlab_status status = cutlab_grid_experiment(context, experiment, grid, 0);
  if (status == CUTLAB_OK) status = check_cell(context, experiment, grid, 0);
  cutlab_experiment_free(experiment);
  return status;
}

cutlab_status cutlab_grid_make_keys(cutlab_context *context, cutlab_grid *grid) {
  if (grid->keys) return CUTLAB_OK;
  CUTLAB_TRY(warn_once(context, grid));
  grid->keys = cutlab_allocate(context, grid->runs, sizeof *grid->keys);
  if (!grid->keys) return CUTLAB_ERROR_MEMORY;
  cutlab_status status = CUTLAB_OK;
  for (int64_t first = 0; first < grid->cells && status == CUTLAB_OK; first += cells_at_once) {
    int64_t end = first + cells_at_once < grid->cells ? first + cells_at_once : grid->cells;
    status = make_keys_between(context, grid, first, end);
    if (status == CUTLAB_OK && end < grid->cells)
      status = cutlab_report_progress(context, "checking cells", end, grid->cells);
  }
  if (status == CUTLAB_OK) return CUTLAB_OK;
  free(grid->keys);
  grid->keys = NULL;
  return status;
}
