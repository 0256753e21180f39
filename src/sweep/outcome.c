/* One run: its experiment, its training with what stops it, its measures. */
#include "sweep/outcome.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "theory/simulation_internal.h"

/* A look need not be exact: whether an accuracy is above learnt_at hangs on no third digit. */
static const double looks_an_octave = 4, look_tolerance = 1e-3;

size_t cutlab_outcome_size(const cutlab_grid *grid) {
  return sizeof(cutlab_outcome) + (size_t)grid->measures.stored_count * sizeof(double);
}

cutlab_outcome *cutlab_outcome_at(void *outcomes, const cutlab_grid *grid, int64_t i) {
  return (cutlab_outcome *)(void *)((char *)outcomes + (size_t)i * cutlab_outcome_size(grid));
}

typedef struct training {
  cutlab_context *context;
  const cutlab_grid *grid;
  const cutlab_experiment *experiment;
  cutlab_simulation *simulation;
  double *times;  /* [features] */
  int64_t looked; /* the last iteration looked at */
  bool converged;
} training;

/* The next of the iterations ceil(2^(j/4)), j = 0, 1, ..., which are what is looked at. */
static int64_t next_look(int64_t iteration) {
  if (iteration < 1) return 1;
  double j = floor(log2((double)iteration) * looks_an_octave);
  int64_t next = iteration;
  while (next <= iteration) next = (int64_t)ceil(exp2(j++ / looks_an_octave) - 1e-9);
  return next;
}

/* Since when are features learnt, and is the loss low enough to stop? A feature may stand out in
   the first steps, before there is noise, and then be lost. */
static cutlab_status look(training *t) {
  const cutlab_measures *measures = &t->grid->measures;
  cutlab_measurement m;
  CUTLAB_TRY(cutlab_simulation_measure_roughly(t->simulation, &m, look_tolerance));
  for (int k = 0; k < measures->features; ++k) {
    double accuracy = cutlab_measures_feature_accuracy(&m, k, t->experiment->balance);
    if (!(accuracy >= measures->learnt_at))
      t->times[k] = NAN;
    else if (isnan(t->times[k]))
      t->times[k] = (double)m.iteration;
  }
  if (measures->stop_train_loss > 0) t->converged |= m.loss <= measures->stop_train_loss;
  t->looked = m.iteration;
  cutlab_measurement_clear(&m);
  return CUTLAB_OK;
}

static cutlab_status advance(training *t, int64_t steps) {
  double limit = t->experiment->stop_gradient_norm;
  if (limit <= 0) return cutlab_simulation_step(t->simulation, steps);
  for (; steps > 0 && !t->converged; --steps) {
    CUTLAB_TRY(cutlab_simulation_step(t->simulation, 1));
    t->converged = cutlab_simulation_gradient_norm(t->simulation) <= limit;
  }
  return CUTLAB_OK;
}

static cutlab_status train(training *t) {
  const cutlab_measures *measures = &t->grid->measures;
  bool looks = measures->has_times || measures->stop_train_loss > 0;
  int64_t end = t->experiment->iterations, at = 0;
  while (looks && at < end && !t->converged) {
    CUTLAB_TRY(look(t));
    int64_t next = next_look(at);
    if (!t->converged) CUTLAB_TRY(advance(t, (next < end ? next : end) - at));
    at = cutlab_simulation_iteration(t->simulation);
  }
  if (!looks) return advance(t, end);
  return t->looked == at ? CUTLAB_OK : look(t);
}

static cutlab_status train_and_measure(training *t, cutlab_outcome *outcome) {
  CUTLAB_TRY(cutlab_simulation_create(t->context, &t->simulation, t->experiment, NULL));
  CUTLAB_TRY(train(t));
  cutlab_measurement m;
  CUTLAB_TRY(cutlab_simulation_measure(t->simulation, &m));
  const cutlab_run_facts facts = {t->experiment->balance, t->converged, t->times};
  cutlab_measures_fill(outcome->values, &t->grid->measures, &m, &facts);
  cutlab_measurement_clear(&m);
  return CUTLAB_OK;
}

static cutlab_status prepare(cutlab_context *context, cutlab_experiment *experiment,
                             const cutlab_grid *grid, int64_t run) {
  CUTLAB_TRY(cutlab_grid_experiment(context, experiment, grid, run / grid->seed_count));
  return cutlab_grid_set_seed(context, experiment, grid, run);
}

static bool is_of_configuration(cutlab_status status) {
  return status == CUTLAB_ERROR_ARGUMENT || status == CUTLAB_ERROR_NUMERIC ||
         status == CUTLAB_ERROR_UNSUPPORTED;
}

cutlab_status cutlab_outcome_compute(cutlab_context *context, cutlab_outcome *outcome,
                                     const cutlab_grid *grid, cutlab_experiment *experiment,
                                     int64_t run) {
  memset(outcome, 0, cutlab_outcome_size(grid));
  outcome->run = run;
  training t = {.context = context, .grid = grid, .experiment = experiment, .looked = -1};
  t.times = cutlab_allocate(context, grid->measures.features, sizeof *t.times);
  if (!t.times) return CUTLAB_ERROR_MEMORY;
  for (int k = 0; k < grid->measures.features; ++k) t.times[k] = NAN;
  cutlab_status status = prepare(context, experiment, grid, run);
  if (status == CUTLAB_OK) status = train_and_measure(&t, outcome);
  if (is_of_configuration(status)) {
    outcome->failed = 1;
    for (int i = 0; i < grid->measures.stored_count; ++i) outcome->values[i] = NAN;
    snprintf(outcome->message, sizeof outcome->message, "%.*s", cutlab_outcome_message - 1,
             cutlab_context_message(context));
    status = CUTLAB_OK;
  }
  cutlab_simulation_free(t.simulation);
  free(t.times);
  return status;
}

/* Twice as many steps each time, so that the clock costs nothing. */
static cutlab_status time_steps(cutlab_simulation *simulation, double *seconds, int64_t iterations,
                                double limit) {
  double start = cutlab_seconds();
  int64_t done = 0;
  for (int64_t steps = 1; done < iterations && cutlab_seconds() - start < limit; steps *= 2) {
    int64_t left = iterations - done;
    CUTLAB_TRY(cutlab_simulation_step(simulation, steps < left ? steps : left));
    done = cutlab_simulation_iteration(simulation);
  }
  *seconds = done ? (cutlab_seconds() - start) * ((double)iterations / (double)done) : 0;
  return CUTLAB_OK;
}

cutlab_status cutlab_outcome_time(cutlab_context *context, double *seconds, const cutlab_grid *grid,
                                  cutlab_experiment *experiment, int64_t run, double limit) {
  *seconds = 0;
  CUTLAB_TRY(prepare(context, experiment, grid, run));
  double start = cutlab_seconds(), steps = 0;
  cutlab_simulation *simulation;
  cutlab_status status = cutlab_simulation_create(context, &simulation, experiment, NULL);
  double created = cutlab_seconds();
  if (status == CUTLAB_OK) {
    status = time_steps(simulation, &steps, experiment->iterations, limit);
    double stepped = cutlab_seconds();
    cutlab_measurement m;
    if (status == CUTLAB_OK)
      status = cutlab_simulation_measure_roughly(simulation, &m, look_tolerance);
    if (status == CUTLAB_OK) cutlab_measurement_clear(&m);
    double looks = grid->measures.has_times || grid->measures.stop_train_loss > 0
                       ? 1 + looks_an_octave * log2(1 + (double)experiment->iterations)
                       : 0;
    *seconds = created - start + steps + (1 + looks) * (cutlab_seconds() - stepped);
    cutlab_simulation_free(simulation);
  }
  return is_of_configuration(status) ? CUTLAB_OK : status;
}
