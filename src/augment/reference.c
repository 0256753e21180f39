/* The readable twin of apply.c: every pixel of every output from the definitions alone. */
#include <stdlib.h>
#include <string.h>

#include "augment/apply.h"
#include "base/half.h"

/* An image after some steps, as a rule for its pixels. */
typedef struct image {
  const cutlab_plan *plan;
  const cutlab_batch *input;
  uint64_t steps, normalises;
  int32_t row;
} image;

static float input_value(const cutlab_batch *batch, int64_t row, int64_t y, int64_t x, int64_t c) {
  const char *sample = (const char *)batch->data + row * cutlab_batch_stride(batch);
  int64_t at = batch->layout == CUTLAB_NHWC ? (y * batch->width + x) * batch->channels + c
                                            : (c * batch->height + y) * batch->width + x;
  switch (batch->dtype) {
  case CUTLAB_UINT8:
    return ((const uint8_t *)sample)[at];
  case CUTLAB_FLOAT16:
    return cutlab_half_to_float(((const uint16_t *)(const void *)sample)[at]);
  default:
    return ((const float *)(const void *)sample)[at];
  }
}

static cutlab_dtype dtype_after(const image *im) {
  return im->steps & im->normalises ? CUTLAB_FLOAT32 : im->input->dtype;
}

static float value_at(const image *im, int32_t y, int32_t x, int32_t c);

static float read_own(const cutlab_view *view, int32_t y, int32_t x, int32_t c) {
  return value_at(view->reader, y, x, c);
}

static float read_partner(const cutlab_view *view, int32_t y, int32_t x, int32_t c) {
  image partner = *(const image *)view->reader;
  partner.row = view->entry->partner_row;
  return value_at(&partner, y, x, c);
}

static float value_at(const image *im, int32_t y, int32_t x, int32_t c) {
  const cutlab_plan *plan = im->plan;
  const cutlab_entry *entry = NULL;
  for (int step = 0; step < plan->policy->step_count; ++step)
    if (im->steps >> step & 1 && cutlab_plan_find(plan, step, im->row))
      entry = cutlab_plan_find(plan, step, im->row);
  if (!entry) return input_value(im->input, im->row, y, x, c);
  const cutlab_step *step = &plan->policy->steps[entry->step];
  image before = *im;
  before.steps = step->visible;
  cutlab_dtype dtype = dtype_after(&before);
  const cutlab_view view = {.step = step,
                            .entry = entry,
                            .runs = plan->runs + entry->run,
                            .height = (int32_t)im->input->height,
                            .width = (int32_t)im->input->width,
                            .channels = (int32_t)im->input->channels,
                            .layout = im->input->layout,
                            .dtype = dtype,
                            .scale = dtype == CUTLAB_UINT8 ? 255 : 1,
                            .own = read_own,
                            .partner = read_partner,
                            .reader = &before};
  float value = step->method->pixel(&view, y, x, c);
  return cutlab_quantise(step->method->role == CUTLAB_ROLE_NORMALISE ? CUTLAB_FLOAT32 : dtype,
                         value);
}

static void store(const cutlab_batch *batch, int64_t row, int64_t y, int64_t x, int64_t c,
                  float value) {
  char *sample = (char *)batch->data + row * cutlab_batch_stride(batch);
  int64_t at = batch->layout == CUTLAB_NHWC ? (y * batch->width + x) * batch->channels + c
                                            : (c * batch->height + y) * batch->width + x;
  switch (batch->dtype) {
  case CUTLAB_UINT8:
    ((uint8_t *)sample)[at] = (uint8_t)value;
    return;
  case CUTLAB_FLOAT16:
    ((uint16_t *)(void *)sample)[at] = cutlab_half_from_float(value);
    return;
  default:
    ((float *)(void *)sample)[at] = value;
  }
}

static void make_outputs(const cutlab_plan *plan, const cutlab_batch *output,
                         const cutlab_batch *input) {
  image im = {.plan = plan, .input = input, .steps = ~UINT64_C(0)};
  for (int step = 0; step < plan->policy->step_count; ++step)
    if (plan->policy->steps[step].method->role == CUTLAB_ROLE_NORMALISE)
      im.normalises |= UINT64_C(1) << step;
  bool scaled = dtype_after(&im) == CUTLAB_UINT8 && output->dtype != CUTLAB_UINT8;
  for (im.row = 0; im.row < input->count; ++im.row)
    for (int32_t y = 0; y < input->height; ++y)
      for (int32_t x = 0; x < input->width; ++x)
        for (int32_t c = 0; c < input->channels; ++c) {
          float value = value_at(&im, y, x, c);
          store(output, im.row, y, x, c, scaled ? value * (float)(1 / 255.0) : value);
        }
}

cutlab_status cutlab_plan_apply_reference(cutlab_context *context, const cutlab_plan *plan,
                                          const cutlab_batch *output, const cutlab_batch *input) {
  bool in_place = false;
  CUTLAB_TRY(cutlab_apply_check(context, plan, output, input, &in_place));
  if (!in_place) {
    make_outputs(plan, output, input);
    return CUTLAB_OK;
  }
  cutlab_batch made = *output;
  int64_t stride = cutlab_batch_stride(output), size = cutlab_batch_sample_size(output);
  made.data = cutlab_allocate(context, output->count, (size_t)stride);
  if (!made.data) return CUTLAB_ERROR_MEMORY;
  make_outputs(plan, &made, input);
  for (int64_t i = 0; i < output->count; ++i)
    memcpy((char *)output->data + i * stride, (const char *)made.data + i * stride, (size_t)size);
  free(made.data);
  return CUTLAB_OK;
}
