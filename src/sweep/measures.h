/* What a sweep measures of every run. */
#ifndef CUTLAB_SWEEP_MEASURES_H
#define CUTLAB_SWEEP_MEASURES_H

#include <cutlab/simulation.h>

#include "base/base.h"

typedef struct cutlab_measure {
  char name[32];
  int kind, feature; /* feature: 0.., for those of one feature */
  int at;            /* its place among what is stored */
} cutlab_measure;

/* In a fixed order, whatever the order of a spec. Of every run all is stored that costs nothing
   more: times only where one is asked for. */
typedef struct cutlab_measures {
  cutlab_measure *items, *stored;
  int count, stored_count, features;
  double learnt_at, stop_train_loss;
  bool has_times;
} cutlab_measures;

/* names: as asked for, each with its `where`; none: the default. `features` is the largest K;
   `excluded`: names that are not available (axes), NULL ends. Release with cutlab_measures_clear.
 */
struct cutlab_entries;
struct cutlab_entry;
cutlab_status cutlab_measures_choose(cutlab_context *context, cutlab_measures *measures,
                                     const struct cutlab_entries *names, int features,
                                     bool fresh_points, const char *const *excluded);
/* Fails where an entry names no measure. */
cutlab_status cutlab_measures_check(cutlab_context *context, const struct cutlab_entry *entry,
                                    int features);
void cutlab_measures_clear(cutlab_measures *measures);

/* What a measurement does not know of its run. */
typedef struct cutlab_run_facts {
  double balance; /* P(y = +1) */
  bool converged;
  const double *times; /* [features] of the grid, NaN where not learnt */
} cutlab_run_facts;

/* Accuracy on fresh points with feature k; NaN where there is no such feature. */
double cutlab_measures_feature_accuracy(const cutlab_measurement *measurement, int k,
                                        double balance);
/* values: [stored], NaN for what is not defined. */
void cutlab_measures_fill(double *values, const cutlab_measures *measures,
                          const cutlab_measurement *measurement, const cutlab_run_facts *facts);

#endif
