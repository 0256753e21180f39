/* Evaluation: logits, loss, accuracy, and the features of planted data. */
#include "train/loop_evaluate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cutlab/array.h>

enum { most_at_a_time = 500 };

/* Without gradients four training batches need no more memory than one does with them. */
int64_t cutlab_evaluation_batch(int64_t batch) {
  return batch > most_at_a_time / 4 ? most_at_a_time : 4 * batch;
}

int64_t cutlab_predicted(const float *logits, int64_t classes) {
  int64_t best = 0;
  for (int64_t k = 1; k < classes; ++k)
    if (logits[k] > logits[best]) best = k;
  return best;
}

/* log sum_k exp(logit_k) - logit_label, shifted by the largest. */
static double loss_of(const float *logits, int64_t classes, int64_t label) {
  double largest = logits[cutlab_predicted(logits, classes)], sum = 0;
  for (int64_t k = 0; k < classes; ++k) sum += exp((double)logits[k] - largest);
  return log(sum) + largest - (double)logits[label];
}

static cutlab_outcome outcome_of(const float *logits, const int64_t *labels, int64_t count,
                                 int64_t classes) {
  double loss = 0, right = 0, n = (double)count;
  for (int64_t i = 0; i < count; ++i, logits += classes) {
    loss += loss_of(logits, classes, labels[i]);
    right += cutlab_predicted(logits, classes) == labels[i];
  }
  return (cutlab_outcome){count ? loss / n : NAN, count ? right / n : NAN};
}

/* Logits of `count` examples from `first` on; `pixels` is scratch for them. */
static cutlab_status evaluate_part(cutlab_context *context, const cutlab_evaluator *e,
                                   cutlab_plan *plan, float *pixels, float *logits,
                                   const cutlab_examples *examples, int64_t first, int64_t count) {
  const cutlab_draw draw = {.count = count, .height = e->height, .width = e->width};
  int64_t size = e->channels * e->height * e->width;
  const cutlab_batch input = {.data = (char *)examples->pixels +
                                      (size_t)(first * size) * cutlab_dtype_size(examples->dtype),
                              .dtype = examples->dtype,
                              .layout = CUTLAB_NCHW,
                              .count = count,
                              .height = e->height,
                              .width = e->width,
                              .channels = e->channels};
  cutlab_batch output = input;
  output.data = pixels;
  output.dtype = CUTLAB_FLOAT32;
  CUTLAB_TRY(cutlab_plan_draw(context, plan, e->policy, &draw));
  CUTLAB_TRY(cutlab_plan_apply(context, plan, &output, &input));
  return cutlab_network_evaluate(context, e->network, logits + first * e->classes, pixels, count);
}

static cutlab_status evaluate_all(cutlab_context *context, const cutlab_evaluator *e,
                                  cutlab_plan *plan, float *logits,
                                  const cutlab_examples *examples) {
  int64_t at_once = examples->count < e->batch ? examples->count : e->batch;
  float *pixels =
      cutlab_allocate(context, at_once * e->channels * e->height * e->width, sizeof *pixels);
  cutlab_status status = pixels ? CUTLAB_OK : CUTLAB_ERROR_MEMORY;
  for (int64_t first = 0; first < examples->count && status == CUTLAB_OK; first += at_once) {
    int64_t left = examples->count - first, count = left < at_once ? left : at_once;
    status = evaluate_part(context, e, plan, pixels, logits, examples, first, count);
    if (status == CUTLAB_OK)
      status = cutlab_report_progress(context, e->what, first + count, examples->count);
  }
  free(pixels);
  return status;
}

cutlab_status cutlab_evaluate(cutlab_context *context, const cutlab_evaluator *evaluator,
                              cutlab_outcome *outcome, float *logits,
                              const cutlab_examples *examples) {
  cutlab_plan *plan;
  CUTLAB_TRY(cutlab_plan_create(context, &plan));
  cutlab_status status = evaluate_all(context, evaluator, plan, logits, examples);
  cutlab_plan_free(plan);
  if (status == CUTLAB_OK && outcome)
    *outcome = outcome_of(logits, examples->labels, examples->count, evaluator->classes);
  return status;
}

/* logit of the class minus the largest other one. */
static double margin(const float *logits, int64_t classes, int64_t label) {
  double other = -INFINITY;
  for (int64_t k = 0; k < classes; ++k)
    if (k != label) other = fmax(other, (double)logits[k]);
  return (double)logits[label] - other;
}

static double feature_output(const cutlab_probes *probes, int64_t feature, const float *logits,
                             int64_t classes) {
  double sum = 0, count = 0;
  for (int64_t i = 0; i < probes->count; ++i) {
    if (probes->features[i] != feature) continue;
    sum += margin(logits + i * classes, classes, probes->labels[i]);
    count += 1;
  }
  return sum / count;
}

static double feature_accuracy(const cutlab_collection *c, int64_t feature, const float *logits) {
  double right = 0, count = 0;
  for (int64_t i = 0; logits && i < c->test.count; ++i) {
    if (c->probes.test_features[i] != feature) continue;
    right += cutlab_predicted(logits + i * c->classes, c->classes) == c->test.labels[i];
    count += 1;
  }
  return right / count;
}

cutlab_status cutlab_evaluate_features(cutlab_context *context, const cutlab_evaluator *evaluator,
                                       json_t **features, const cutlab_collection *collection,
                                       const float *test_logits) {
  const cutlab_probes *p = &collection->probes;
  const cutlab_examples inputs = {
      .dtype = CUTLAB_FLOAT32, .count = p->count, .pixels = p->pixels, .labels = p->labels};
  float *logits = cutlab_allocate(context, p->count * collection->classes, sizeof *logits);
  if (!logits) return CUTLAB_ERROR_MEMORY;
  cutlab_status status = cutlab_evaluate(context, evaluator, NULL, logits, &inputs);
  *features = status == CUTLAB_OK ? json_array() : NULL;
  for (int64_t f = 0; status == CUTLAB_OK && f < p->feature_count; ++f)
    json_array_append_new(
        *features,
        json_pack("{s:s,s:o,s:o,s:o}", "name", p->names[f], "frequency",
                  cutlab_json_number(p->frequencies[f]), "output",
                  cutlab_json_number(feature_output(p, f, logits, collection->classes)), "accuracy",
                  cutlab_json_number(feature_accuracy(collection, f, test_logits))));
  free(logits);
  return status;
}

cutlab_status cutlab_logits_write(cutlab_context *context, const char *path, float *logits,
                                  const cutlab_examples *examples, int64_t classes) {
  int64_t count = examples->count;
  int64_t *predictions = cutlab_allocate(context, count, sizeof *predictions);
  if (!predictions) return CUTLAB_ERROR_MEMORY;
  for (int64_t i = 0; i < count; ++i)
    predictions[i] = cutlab_predicted(logits + i * classes, classes);
  const cutlab_array arrays[] = {{"logits", CUTLAB_FLOAT32, 2, {count, classes}, logits},
                                 {"labels", CUTLAB_INT64, 1, {count}, examples->labels},
                                 {"predictions", CUTLAB_INT64, 1, {count}, predictions},
                                 {"indices", CUTLAB_INT64, 1, {count}, examples->indices}};
  cutlab_status status = cutlab_npz_write(context, path, arrays, examples->indices ? 4 : 3);
  free(predictions);
  return status;
}
