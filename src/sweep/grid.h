/* A spec put together: axes with their values, cells, runs, measures, the key of every run. */
#ifndef CUTLAB_SWEEP_GRID_H
#define CUTLAB_SWEEP_GRID_H

#include "data/experiment_values.h"
#include "sweep/expression.h"
#include "sweep/measures.h"
#include "sweep/spec.h"

enum { cutlab_key_size = 32, cutlab_grid_most_dimensions = 7, cutlab_grid_most_variables = 192 };

typedef struct cutlab_axis {
  const char *name;
  const char *spacing; /* as in sweep.json */
  bool is_parameter, is_numeric;
  int dimension;   /* of the grid; random axes share one */
  int64_t count;   /* of values */
  double *numbers; /* [count], if numeric */
  char **texts;    /* [count], as a parameter's text */
} cutlab_axis;

/* A parameter that expressions give: one, or a list of them. */
typedef struct cutlab_formula {
  const char *name, *where;
  bool is_list;
  int count;
  cutlab_expression **parts;
} cutlab_formula;

typedef struct cutlab_boundary {
  const char *name, *text;
  double *y; /* [values of axis x] */
} cutlab_boundary;

typedef struct cutlab_grid {
  const cutlab_spec *spec;
  cutlab_experiment base; /* what all cells share */
  cutlab_axis *axes;
  int axis_count, dimension_count;
  int64_t dimensions[cutlab_grid_most_dimensions];
  int64_t cells, seed_count, runs; /* run = cell * seed_count + number of the seed */
  int64_t *seeds;
  const char *variables[cutlab_grid_most_variables]; /* axes of numbers, then parameters */
  int variable_axes[cutlab_grid_most_variables];     /* the axis, or -1 */
  int variable_count;
  cutlab_formula *formulas; /* in an order in which they can be computed */
  int formula_count;
  int features; /* the largest K */
  cutlab_measures measures;
  int map_x, map_y, map_panels; /* axes, -1: none */
  cutlab_boundary *boundaries;
  int boundary_count;
  uint8_t (*keys)[cutlab_key_size]; /* [runs], after cutlab_grid_make_keys */
} cutlab_grid;

/* The spec must outlive the grid, and stay as it is. Release with cutlab_grid_free. */
cutlab_status cutlab_grid_create(cutlab_context *context, cutlab_grid **grid,
                                 const cutlab_spec *spec);
void cutlab_grid_free(cutlab_grid *grid);

/* The number of an axis's value in a cell. */
int64_t cutlab_grid_index(const cutlab_grid *grid, int axis, int64_t cell);
/* The experiment of a cell, its seed left open. The message names the cell. */
cutlab_status cutlab_grid_experiment(cutlab_context *context, cutlab_experiment *experiment,
                                     const cutlab_grid *grid, int64_t cell);
/* Sets the seed of a run's experiment, all else being set: its number or, where cells draw for
   themselves, 63 bits of the SHA-256 of the experiment with that number. */
cutlab_status cutlab_grid_set_seed(cutlab_context *context, cutlab_experiment *experiment,
                                   const cutlab_grid *grid, int64_t run);
/* "rho=0.1 method=erm" for messages. */
void cutlab_grid_describe(char *text, size_t size, const cutlab_grid *grid, int64_t cell);
/* Checks every cell and makes the keys of its runs, on the context's threads. */
cutlab_status cutlab_grid_make_keys(cutlab_context *context, cutlab_grid *grid);

#endif
