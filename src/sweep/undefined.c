/* Accuracies that nothing gave. */
#include <math.h>
#include <string.h>

#include "sweep/results.h"

/* An accuracy, or a time until it is high, of a feature that the cell has. */
static bool is_accuracy(const cutlab_measure *measure, const cutlab_experiment *experiment) {
  bool counts =
      strncmp(measure->name, "accuracy_", 9) == 0 || strncmp(measure->name, "time_", 5) == 0;
  return counts && measure->feature < experiment->feature_count;
}

/* The first such measure that no run of the cell has though one is done, or -1. */
static int first_undefined(const cutlab_book *book, const cutlab_experiment *experiment,
                           int64_t cell) {
  const cutlab_grid *grid = book->grid;
  int64_t first = cell * grid->seed_count, done = 0;
  for (int64_t run = first; run < first + grid->seed_count; ++run)
    done += book->states[run] == CUTLAB_RUN_DONE;
  for (int m = 0; done && m < grid->measures.count; ++m)
    if (is_accuracy(&grid->measures.items[m], experiment) &&
        !isfinite(cutlab_results_mean(book, cell, m)))
      return m;
  return -1;
}

static cutlab_status count_undefined(cutlab_context *context, const cutlab_book *book,
                                     cutlab_experiment *experiment) {
  int64_t cells = 0, where = -1;
  int which = -1;
  for (int64_t cell = 0; cell < book->grid->cells; ++cell) {
    CUTLAB_TRY(cutlab_grid_experiment(context, experiment, book->grid, cell));
    int m =
        cutlab_experiment_lacks_points(experiment) ? first_undefined(book, experiment, cell) : -1;
    if (m < 0) continue;
    if (!cells++) where = cell, which = m;
  }
  if (!cells) return CUTLAB_OK;
  char at[200];
  cutlab_grid_describe(at, sizeof at, book->grid, where);
  cutlab_warn(context,
              "%s is undefined in %lld of %lld cells, the first %s: accuracies of such networks "
              "are counted on fresh points; set monte_carlo, how many",
              book->grid->measures.items[which].name, (long long)cells,
              (long long)book->grid->cells, at);
  return CUTLAB_OK;
}

cutlab_status cutlab_results_warn(cutlab_context *context, const cutlab_book *book) {
  bool wanted = false;
  for (int m = 0; m < book->grid->measures.count; ++m) {
    const char *name = book->grid->measures.items[m].name;
    wanted |= strncmp(name, "accuracy_", 9) == 0 || strncmp(name, "time_", 5) == 0;
  }
  if (!wanted) return CUTLAB_OK;
  cutlab_experiment *experiment;
  CUTLAB_TRY(cutlab_experiment_create(context, &experiment));
  cutlab_status status = count_undefined(context, book, experiment);
  cutlab_experiment_free(experiment);
  return status;
}
