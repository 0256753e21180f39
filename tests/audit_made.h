/* Audits put together by hand: what files and folders would give. */
#ifndef CUTLAB_TEST_AUDIT_MADE_H
#define CUTLAB_TEST_AUDIT_MADE_H

#include <stdlib.h>
#include <string.h>

#include "audit/audit_internal.h"

/* Scores, labels and folds of 0; methods "m0", "m1", ... with `trainings` each, of seeds 1, 2, ...
   Release with audit_release. */
static inline cutlab_audit *audit_make(int64_t count, int64_t classes, int64_t folds, int methods,
                                       int trainings) {
  cutlab_audit *audit = calloc(1, sizeof *audit);
  audit->count = count, audit->classes = classes, audit->folds = folds;
  audit->index = calloc((size_t)count, sizeof *audit->index);
  audit->label = calloc((size_t)count, sizeof *audit->label);
  audit->fold = calloc((size_t)count, sizeof *audit->fold);
  audit->score = calloc((size_t)count, sizeof *audit->score);
  audit->difficulty = calloc((size_t)count, sizeof *audit->difficulty);
  audit->methods = calloc((size_t)methods, sizeof *audit->methods);
  audit->method_count = methods;
  audit->options = (cutlab_audit_options){.draws = 200, .confidence = .95, .quantiles = 10};
  for (int64_t i = 0; i < count; ++i) audit->index[i] = i;
  for (int m = 0; m < methods; ++m) {
    cutlab_audit_method *method = &audit->methods[m];
    method->label = strdup((char[]){'m', (char)('0' + m), 0});
    method->training_count = trainings;
    method->trainings = calloc((size_t)trainings, sizeof *method->trainings);
    for (int t = 0; t < trainings; ++t) {
      cutlab_audit_training *training = &method->trainings[t];
      training->seed = t + 1;
      training->prediction = calloc((size_t)count, sizeof *training->prediction);
      training->wrong = calloc((size_t)count, sizeof *training->wrong);
      training->margin = calloc((size_t)count, sizeof *training->margin);
      training->probability = calloc((size_t)count, sizeof *training->probability);
    }
  }
  return audit;
}

/* What is wrong follows from the margins; difficulty is the score. */
static inline void audit_settle(cutlab_audit *audit) {
  memcpy(audit->difficulty, audit->score, (size_t)audit->count * sizeof *audit->score);
  for (int m = 0; m < audit->method_count; ++m)
    for (int t = 0; t < audit->methods[m].training_count; ++t) {
      cutlab_audit_training *training = &audit->methods[m].trainings[t];
      training->errors = 0;
      for (int64_t i = 0; i < audit->count; ++i) {
        training->wrong[i] = training->margin[i] < 0;
        training->errors += training->wrong[i];
      }
    }
}

static inline void audit_release(cutlab_audit *audit) {
  cutlab_audit_clear_tables(audit);
  cutlab_audit_clear_comparisons(audit);
  for (int m = 0; m < audit->method_count; ++m) {
    for (int t = 0; t < audit->methods[m].training_count; ++t) {
      cutlab_audit_training *training = &audit->methods[m].trainings[t];
      free(training->prediction);
      free(training->wrong);
      free(training->margin);
      free(training->probability);
    }
    free(audit->methods[m].label);
    free(audit->methods[m].trainings);
  }
  free(audit->index);
  free(audit->label);
  free(audit->fold);
  free(audit->score);
  free(audit->difficulty);
  free(audit->methods);
  free(audit);
}

#endif
