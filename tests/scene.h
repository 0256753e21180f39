/* A scene for tests of augmentation: a policy, its plan and batches. */
#ifndef CUTLAB_TEST_SCENE_H
#define CUTLAB_TEST_SCENE_H

#include <cutlab/augment.h>
#include <cutlab/random.h>

#include "base/half.h"
#include "fixture.h"

#define assert_ok(context, call)                                                                   \
  do {                                                                                             \
    if ((call) != CUTLAB_OK) fail_msg("%s", cutlab_context_message(context));                      \
  } while (0)

/* A policy, a plan of it, an input batch and room for an output. */
typedef struct scene {
  cutlab_context *context;
  cutlab_policy *policy;
  cutlab_plan *plan;
  cutlab_batch input, output;
} scene;

static inline int64_t elements_of(const cutlab_batch *batch) {
  return batch->count * batch->height * batch->width * batch->channels;
}

static inline void set_element(const cutlab_batch *batch, int64_t i, double value) {
  if (batch->dtype == CUTLAB_UINT8)
    ((uint8_t *)batch->data)[i] = (uint8_t)value;
  else if (batch->dtype == CUTLAB_FLOAT16)
    ((uint16_t *)batch->data)[i] = cutlab_half_from_float((float)value);
  else
    ((float *)batch->data)[i] = (float)value;
}

static inline int64_t index_of(const cutlab_batch *batch, int64_t n, int64_t y, int64_t x,
                               int64_t c) {
  return batch->layout == CUTLAB_NHWC
             ? ((n * batch->height + y) * batch->width + x) * batch->channels + c
             : ((n * batch->channels + c) * batch->height + y) * batch->width + x;
}

static inline double element(const cutlab_batch *batch, int64_t n, int64_t y, int64_t x,
                             int64_t c) {
  int64_t i = index_of(batch, n, y, x, c);
  if (batch->dtype == CUTLAB_UINT8) return ((const uint8_t *)batch->data)[i];
  if (batch->dtype == CUTLAB_FLOAT16)
    return (double)cutlab_half_to_float(((const uint16_t *)batch->data)[i]);
  return (double)((const float *)batch->data)[i];
}

static inline cutlab_batch make_batch(cutlab_dtype dtype, cutlab_layout layout, int64_t count,
                                      int64_t height, int64_t width, int64_t channels) {
  cutlab_batch batch = {NULL, dtype, layout, count, height, width, channels, 0};
  batch.data = calloc((size_t)elements_of(&batch) + 1, cutlab_dtype_size(dtype));
  assert_non_null(batch.data);
  return batch;
}

/* Values 0..255, or a little more than 0..1. */
static inline void randomise(const cutlab_batch *batch, uint64_t seed) {
  cutlab_random random = cutlab_random_make(seed, 0, 0, 0, 0);
  for (int64_t i = 0; i < elements_of(batch); ++i)
    set_element(batch, i,
                batch->dtype == CUTLAB_UINT8 ? (double)cutlab_random_below(&random, 256)
                                             : 1.2 * cutlab_random_uniform(&random) - .1);
}

static inline cutlab_draw draw_of(const cutlab_batch *batch, uint64_t seed) {
  return (cutlab_draw){
      .seed = seed, .count = batch->count, .height = batch->height, .width = batch->width};
}

static inline scene make_scene(cutlab_context *context, const char *policy, cutlab_batch input) {
  scene s = {.context = context, .input = input, .output = input};
  s.output.data = calloc((size_t)elements_of(&input) + 1, cutlab_dtype_size(input.dtype));
  assert_ok(context, cutlab_policy_create(context, &s.policy, policy));
  assert_ok(context, cutlab_plan_create(context, &s.plan));
  randomise(&s.input, 7);
  return s;
}

static inline void free_scene(scene *s) {
  cutlab_plan_free(s->plan);
  cutlab_policy_free(s->policy);
  free(s->input.data);
  free(s->output.data);
}

static inline void draw_scene(scene *s, uint64_t seed) {
  cutlab_draw draw = draw_of(&s->input, seed);
  assert_ok(s->context, cutlab_plan_draw(s->context, s->plan, s->policy, &draw));
}

#endif
