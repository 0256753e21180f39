/* What a run logs: metrics.jsonl, metrics.csv, steps.jsonl and TensorBoard events. */
#ifndef CUTLAB_TRAIN_METRICS_H
#define CUTLAB_TRAIN_METRICS_H

#include <stdio.h>

#include "base/json.h"
#include "train/events.h"

/* Zero before the first use. */
typedef struct cutlab_metrics {
  char *lines_path, *table_path, *steps_path;
  json_t *lines;  /* of metrics.jsonl, one object for every epoch */
  char **columns; /* of metrics.csv, in order */
  int column_count;
  FILE *steps; /* NULL: not wanted */
  cutlab_events *events;
} cutlab_metrics;

/* What metrics.jsonl is to hold. */
typedef struct cutlab_metrics_wanted {
  bool clean, steps; /* clean_train_*; steps.jsonl */
  int64_t features;
} cutlab_metrics_wanted;

/* Opens the files of a run that stands after `epoch` epochs and `step` steps of all: lines beyond
   are dropped, an incomplete last line too. A line that is missing is CUTLAB_ERROR_FORMAT. */
cutlab_status cutlab_metrics_open(cutlab_context *context, cutlab_metrics *metrics,
                                  const char *folder, const cutlab_metrics_wanted *wanted,
                                  int64_t epoch, int64_t step);
/* Adds a line for an epoch; takes the reference. */
cutlab_status cutlab_metrics_add(cutlab_context *context, cutlab_metrics *metrics, json_t *line);
/* `step` counts from 1. */
cutlab_status cutlab_metrics_step(cutlab_context *context, cutlab_metrics *metrics, int64_t step,
                                  double loss, double rate);
/* To disk, before a checkpoint says that the steps are done. */
cutlab_status cutlab_metrics_flush(cutlab_context *context, cutlab_metrics *metrics);
/* The last line, NULL if none. */
const json_t *cutlab_metrics_last(const cutlab_metrics *metrics);
/* The line with the highest test_accuracy, the first of equals; NULL if none has one. */
const json_t *cutlab_metrics_best(const cutlab_metrics *metrics);
void cutlab_metrics_close(cutlab_metrics *metrics);

#endif
