/* What the labels of outputs are made of, and mixing them. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "augment/plan.h"

/* Adds `weight` of a row to the sources. */
static cutlab_status add_source(cutlab_context *context, cutlab_plan *plan, int64_t *count,
                                int32_t row, double weight) {
  for (int64_t i = 0; i < *count; ++i)
    if (plan->sources[i].row == row) {
      plan->sources[i].weight += (float)weight;
      return CUTLAB_OK;
    }
  CUTLAB_PLAN_RESERVE(context, plan, sources, source_capacity, *count + 1);
  plan->sources[(*count)++] = (cutlab_source){row, (float)weight};
  return CUTLAB_OK;
}

/* Adds what a row's label is after those of `steps` that act on it, times `weight`. */
static cutlab_status add_sources(cutlab_context *context, cutlab_plan *plan, int64_t *count,
                                 uint64_t steps, int32_t row, double weight) {
  while (steps) {
    int index = 63 - __builtin_clzll(steps);
    steps &= ~(UINT64_C(1) << index);
    const cutlab_entry *entry = cutlab_plan_find(plan, index, row);
    if (!entry) continue;
    steps = plan->policy->steps[index].visible;
    if (entry->partner_row < 0) continue;
    double own = weight * entry->weight;
    CUTLAB_TRY(add_sources(context, plan, count, steps, row, own));
    return add_sources(context, plan, count, steps, entry->partner_row, weight - own);
  }
  return add_source(context, plan, count, row, weight);
}

cutlab_status cutlab_plan_sources(cutlab_context *context, cutlab_plan *plan, int64_t row,
                                  const cutlab_source **sources, int64_t *count) {
  if (!plan->policy)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT, "the plan has not been drawn");
  if (row < 0 || row >= plan->drawn.count)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                       "row is %" PRId64 "; accepted: 0 to %" PRId64, row, plan->drawn.count - 1);
  int steps = plan->policy->step_count;
  uint64_t all = steps == 64 ? ~UINT64_C(0) : (UINT64_C(1) << steps) - 1;
  *count = 0;
  CUTLAB_TRY(add_source(context, plan, count, (int32_t)row, 0)); /* the own row first */
  cutlab_status status = add_sources(context, plan, count, all, (int32_t)row, 1);
  *sources = plan->sources;
  return status;
}

static void mix_row(float *output, const float *input, int64_t classes,
                    const cutlab_source *sources, int64_t count, cutlab_label_mix mix) {
  const float *own = input + sources[0].row * classes;
  float weight = sources[0].weight;
  bool linear = mix == CUTLAB_LABEL_LINEAR;
  for (int64_t k = 0; k < classes; ++k)
    output[k] = linear ? weight * own[k] : weight > 0 ? own[k] : -INFINITY;
  for (int64_t s = 1; s < count; ++s) {
    const float *row = input + sources[s].row * classes;
    if (!(sources[s].weight > 0)) continue;
    for (int64_t k = 0; k < classes; ++k)
      output[k] = linear ? output[k] + sources[s].weight * row[k] : fmaxf(output[k], row[k]);
  }
}

static cutlab_status mix_apart(cutlab_context *context, float *output, cutlab_plan *plan,
                               const float *input, int64_t classes, cutlab_label_mix mix) {
  for (int64_t row = 0; row < plan->drawn.count; ++row) {
    const cutlab_source *sources = NULL;
    int64_t count = 0;
    CUTLAB_TRY(cutlab_plan_sources(context, plan, row, &sources, &count));
    if (sources) mix_row(output + row * classes, input, classes, sources, count, mix);
  }
  return CUTLAB_OK;
}

static cutlab_status check_classes(cutlab_context *context, int64_t count, int64_t classes) {
  int64_t most = INT64_MAX / 8 / (count + 1);
  if (classes >= 1 && classes <= most) return CUTLAB_OK;
  return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                     "classes is %" PRId64 "; accepted: 1 to %" PRId64, classes, most);
}

cutlab_status cutlab_labels_mix(cutlab_context *context, float *output, cutlab_plan *plan,
                                const float *input, int64_t classes, cutlab_label_mix mix) {
  int64_t count = plan->drawn.count;
  CUTLAB_TRY(check_classes(context, count, classes));
  if (mix != CUTLAB_LABEL_LINEAR && mix != CUTLAB_LABEL_UNION)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                       "mix is %d; accepted: CUTLAB_LABEL_LINEAR, CUTLAB_LABEL_UNION", (int)mix);
  if (output != input) return mix_apart(context, output, plan, input, classes, mix);
  float *copy = cutlab_allocate(context, count * classes, sizeof *copy);
  if (!copy) return CUTLAB_ERROR_MEMORY;
  memcpy(copy, input, (size_t)(count * classes) * sizeof *copy);
  cutlab_status status = mix_apart(context, output, plan, copy, classes, mix);
  free(copy);
  return status;
}

cutlab_status cutlab_labels_one_hot(cutlab_context *context, float *output, const int64_t *ids,
                                    int64_t count, int64_t classes, double smoothing) {
  if (count < 0)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT, "count is %" PRId64 "; accepted: 0 or more",
                       count);
  CUTLAB_TRY(check_classes(context, count, classes));
  if (!(smoothing >= 0 && smoothing <= 1))
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT, "smoothing is %g; accepted: 0 to 1",
                       smoothing);
  for (int64_t i = 0; i < count; ++i)
    if (ids[i] < 0 || ids[i] >= classes)
      return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                         "label %" PRId64 " is %" PRId64 "; accepted: 0 to %" PRId64, i, ids[i],
                         classes - 1);
  float elsewhere = (float)(smoothing / (double)classes);
  float there = (float)(1 - smoothing + smoothing / (double)classes);
  for (int64_t i = 0; i < count; ++i) {
    for (int64_t k = 0; k < classes; ++k) output[i * classes + k] = elsewhere;
    output[i * classes + ids[i]] = there;
  }
  return CUTLAB_OK;
}
