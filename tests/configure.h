/* Experiments for tests, from a preset and "key=value; key=value" text. */
#ifndef CUTLAB_TEST_CONFIGURE_H
#define CUTLAB_TEST_CONFIGURE_H

#include <sys/resource.h>

#include <cutlab/cutlab.h>

#include "fixture.h"

static inline void configure_change(cutlab_context *context, cutlab_experiment *experiment,
                                    const char *settings) {
  char *copy = strdup(settings), *rest = copy;
  assert_non_null(copy);
  for (char *item; (item = strtok_r(rest, ";", &rest));) {
    item += strspn(item, " ");
    char *equals = strchr(item, '=');
    assert_non_null(equals);
    *equals = 0;
    if (cutlab_experiment_set(context, experiment, item, equals + 1) != CUTLAB_OK)
      fail_msg("%s", cutlab_context_message(context));
  }
  free(copy);
}

/* Release with cutlab_experiment_free. */
static inline cutlab_experiment *configure(cutlab_context *context, const char *preset,
                                           const char *settings) {
  cutlab_experiment *experiment;
  assert_int_equal(cutlab_experiment_create(context, &experiment), CUTLAB_OK);
  assert_int_equal(cutlab_experiment_set_preset(context, experiment, preset), CUTLAB_OK);
  configure_change(context, experiment, settings);
  return experiment;
}

static inline cutlab_dataset *configure_dataset(cutlab_context *context, const char *preset,
                                                const char *settings) {
  cutlab_experiment *experiment = configure(context, preset, settings);
  cutlab_dataset *dataset;
  cutlab_status status = cutlab_dataset_draw(context, &dataset, experiment);
  if (status != CUTLAB_OK) fail_msg("%s", cutlab_context_message(context));
  cutlab_experiment_free(experiment);
  return dataset;
}

/* The most memory that the process has had. */
static inline long peak_kilobytes(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

#endif
