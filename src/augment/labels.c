/* What the labels of outputs are made of, and mixing them. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "augment/shares.h"

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

/* Sources being collected. */
typedef struct collection {
  cutlab_context *context;
  cutlab_plan *plan;
  int64_t count;
} collection;

static cutlab_status collect(void *user, int32_t row, double share) {
  collection *c = user;
  return share > 0 ? add_source(c->context, c->plan, &c->count, row, share) : CUTLAB_OK;
}

/* The only step that mixes on an output's way, NULL where there is none; false where there are
   several, so that pixels must be counted. */
static bool single_mix(const cutlab_plan *plan, int32_t row, const cutlab_entry **mix) {
  uint64_t steps = cutlab_policy_all_steps(plan->policy);
  const cutlab_entry *entry;
  *mix = NULL;
  while ((entry = cutlab_plan_last(plan, steps, row))) {
    steps = plan->policy->steps[entry->step].visible;
    if (entry->partner_row < 0) continue;
    *mix = entry;
    break;
  }
  /* What comes before the last mix may have mixed either row. */
  for (int s = 0; *mix && s < plan->policy->step_count; ++s) {
    const cutlab_entry *own = steps >> s & 1 ? cutlab_plan_find(plan, s, row) : NULL;
    const cutlab_entry *other =
        steps >> s & 1 ? cutlab_plan_find(plan, s, (*mix)->partner_row) : NULL;
    if ((own && own->partner_row >= 0) || (other && other->partner_row >= 0)) return false;
  }
  return true;
}

cutlab_status cutlab_plan_sources(cutlab_context *context, cutlab_plan *plan, int64_t row,
                                  const cutlab_source **sources, int64_t *count) {
  if (!plan->policy)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT, "the plan has not been drawn");
  if (row < 0 || row >= plan->drawn.count)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                       "row is %" PRId64 "; accepted: 0 to %" PRId64, row, plan->drawn.count - 1);
  collection c = {context, plan, 0};
  const cutlab_entry *mix;
  bool single = single_mix(plan, (int32_t)row, &mix);
  double own = mix ? mix->weight : 1;
  CUTLAB_TRY(add_source(context, plan, &c.count, (int32_t)row, single ? own : 0));
  if (single && mix) CUTLAB_TRY(add_source(context, plan, &c.count, mix->partner_row, 1 - own));
  if (!single) CUTLAB_TRY(cutlab_count_shares(context, plan, (int32_t)row, collect, &c));
  *sources = plan->sources;
  *count = c.count;
  return CUTLAB_OK;
}

static void mix_row(float *output, const float *input, int64_t classes,
                    const cutlab_source *sources, int64_t count, cutlab_label_mix mix) {
  const float *own = input + sources[0].row * classes;
  float weight = sources[0].weight;
  bool linear = mix == CUTLAB_LABEL_LINEAR;
  for (int64_t k = 0; k < classes; ++k)
    output[k] = weight > 0 ? (linear ? weight * own[k] : own[k]) : linear ? 0 : -INFINITY;
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
  if (!plan->policy)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT, "the plan has not been drawn");
  CUTLAB_TRY(check_classes(context, count, classes));
  if (mix != CUTLAB_LABEL_LINEAR && mix != CUTLAB_LABEL_UNION)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                       "mix is %d; accepted: CUTLAB_LABEL_LINEAR, CUTLAB_LABEL_UNION", (int)mix);
  if (!count) return CUTLAB_OK;
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
