/* Run folders from the inside: records as JSON, the log schedule, resuming. */
#ifndef CUTLAB_RUN_INTERNAL_H
#define CUTLAB_RUN_INTERNAL_H

#include <stdio.h>

#include <cutlab/run.h>
#include <cutlab/simulation.h>

#include "base/json.h"
#include "data/experiment_values.h"

enum { cutlab_run_format_version = 1 };

/* run.json. */
cutlab_status cutlab_record_run(cutlab_context *context, json_t **record,
                                const cutlab_experiment *experiment,
                                const cutlab_simulation *simulation, const char *dataset_path);
/* Reads run.json: the experiment and the path of the user's data set (NULL: drawn data). */
cutlab_status cutlab_run_read(cutlab_context *context, cutlab_experiment *experiment,
                              char **dataset_path, const char *folder);
/* A line of metrics.jsonl. */
json_t *cutlab_record_measurement(const cutlab_measurement *measurement);
/* result.json; `seconds` were spent on `steps` iterations. */
json_t *cutlab_record_result(const cutlab_experiment *experiment,
                             const cutlab_simulation *simulation,
                             const cutlab_measurement *measurement, bool converged, double seconds,
                             int64_t steps);
/* trajectory.npz from metrics.jsonl. */
cutlab_status cutlab_record_trajectory(cutlab_context *context, const char *folder);

/* Reads metrics.jsonl; an incomplete last line is dropped, other damage is
   CUTLAB_ERROR_FORMAT. `*lines` is a JSON array of objects with ascending iterations. */
cutlab_status cutlab_metrics_read(cutlab_context *context, json_t **lines, const char *path);

/* The least logged iteration above `iteration`; INT64_MAX past the last one, which is
   experiment->iterations. */
int64_t cutlab_next_logged(const cutlab_experiment *experiment, int64_t iteration);

#endif
