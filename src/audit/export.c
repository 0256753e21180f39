/* Predictions and scores for other tools. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "audit/inputs.h"

/* Mean over the trainings, rows scaled to sum to 1 but for rounding. */
static void average(double *probabilities, const cutlab_audit *audit,
                    const cutlab_audit_method *method) {
  int64_t classes = audit->classes;
  for (int i = 0; i < audit->input_count; ++i) {
    const cutlab_audit_input *input = &audit->inputs[i];
    if (strcmp(input->method, method->label) != 0) continue;
    for (int64_t r = 0, j = 0; r < input->count; ++r) {
      j = cutlab_audit_find(audit, j, cutlab_audit_place(input, r));
      for (int64_t k = 0; k < classes; ++k)
        probabilities[j * classes + k] += exp((double)input->log_probabilities[r * classes + k]);
    }
  }
  for (int64_t j = 0; j < audit->count; ++j) {
    double *row = probabilities + j * classes, sum = 0;
    for (int64_t k = 0; k < classes; ++k) sum += row[k];
    for (int64_t k = 0; k < classes; ++k) row[k] /= sum;
  }
}

static cutlab_status write_probabilities(cutlab_context *context, const char *path,
                                         const cutlab_audit *audit,
                                         const cutlab_audit_method *method) {
  int64_t count = audit->count, classes = audit->classes;
  double *probabilities = cutlab_allocate(context, count * classes, sizeof *probabilities);
  if (!probabilities) return CUTLAB_ERROR_MEMORY;
  average(probabilities, audit, method);
  const cutlab_array arrays[] = {{"pred_probs", CUTLAB_FLOAT64, 2, {count, classes}, probabilities},
                                 {"labels", CUTLAB_INT64, 1, {count}, audit->label},
                                 {"indices", CUTLAB_INT64, 1, {count}, audit->index}};
  cutlab_status status = cutlab_npz_write(context, path, arrays, 3);
  free(probabilities);
  return status;
}

static cutlab_status write_scores(cutlab_context *context, const char *path,
                                  const cutlab_audit *audit, const cutlab_audit_method *method) {
  int64_t count = audit->count;
  double *scores = cutlab_allocate(context, count, sizeof *scores);
  int64_t *sources = cutlab_allocate(context, audit->input_count, sizeof *sources),
          source_count = 0;
  for (int i = 0; sources && i < audit->input_count; ++i)
    if (strcmp(audit->inputs[i].method, method->label) == 0)
      sources[source_count++] = cutlab_audit_mark(&audit->inputs[i]);
  for (int64_t j = 0; scores && j < count; ++j) {
    int right = 0;
    for (int t = 0; t < method->training_count; ++t) right += !method->trainings[t].wrong[j];
    scores[j] = (double)right / method->training_count;
  }
  const cutlab_array arrays[] = {{"scores", CUTLAB_FLOAT64, 1, {count}, scores},
                                 {"labels", CUTLAB_INT64, 1, {count}, audit->label},
                                 {"made_of", CUTLAB_INT64, 1, {source_count}, sources},
                                 {"indices", CUTLAB_INT64, 1, {count}, audit->index}};
  bool whole = audit->index[count - 1] == count - 1; /* rising from 0 on */
  cutlab_status status = scores && sources ? cutlab_npz_write(context, path, arrays, whole ? 3 : 4)
                                           : CUTLAB_ERROR_MEMORY;
  free(sources);
  free(scores);
  return status;
}

cutlab_status cutlab_audit_export(cutlab_context *context, const char *path,
                                  const cutlab_audit *audit, const char *method,
                                  cutlab_audit_format format) {
  if (!audit->computed)
    return cutlab_fail(
        context, CUTLAB_ERROR_ARGUMENT,
        "the audit is not computed; accepted: one that is, with nothing added since");
  int found = audit->method_count == 1 ? 0 : -1;
  if (method) found = cutlab_audit_find_method(audit, method);
  if (found < 0) return cutlab_audit_refuse_method(context, audit, "the method to export", method);
  switch (format) {
  case CUTLAB_AUDIT_PRED_PROBS:
    return write_probabilities(context, path, audit, &audit->methods[found]);
  case CUTLAB_AUDIT_CSCORES:
    return write_scores(context, path, audit, &audit->methods[found]);
  }
  return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                     "export format %d; accepted: pred_probs or C-scores", (int)format);
}
