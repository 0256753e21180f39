/* Applies plans to batches. */
#include "augment/apply.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "augment/moves.h"
#include "augment/normalise.h"
#include "augment/pixels.h"
#include "augment/shares.h"

/* ---- Checks ---- */

int64_t cutlab_batch_sample_size(const cutlab_batch *batch) {
  return batch->height * batch->width * batch->channels * (int64_t)cutlab_dtype_size(batch->dtype);
}

int64_t cutlab_batch_stride(const cutlab_batch *batch) {
  return batch->stride ? batch->stride : cutlab_batch_sample_size(batch);
}

/* More than the last cache of most machines. */
enum { streamed_batch = 32 << 20 };

bool cutlab_batch_streams(const cutlab_batch *batch) {
  return batch->count * cutlab_batch_sample_size(batch) >= streamed_batch;
}

static cutlab_status check_batch(cutlab_context *context, const cutlab_plan *plan,
                                 const cutlab_batch *batch, const char *name) {
  const cutlab_draw *drawn = &plan->drawn;
  const char *dtype = cutlab_dtype_name(batch->dtype);
  int64_t limit = INT64_MAX / 8;
  if (batch->dtype != CUTLAB_UINT8 && batch->dtype != CUTLAB_FLOAT16 &&
      batch->dtype != CUTLAB_FLOAT32)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                       "the %s has dtype %d%s%s; accepted: uint8, float16, float32", name,
                       (int)batch->dtype, *dtype ? ", " : "", dtype);
  if (batch->layout != CUTLAB_NHWC && batch->layout != CUTLAB_NCHW)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                       "the %s has layout %d; accepted: CUTLAB_NHWC, CUTLAB_NCHW", name,
                       (int)batch->layout);
  if (batch->count != drawn->count || batch->height != drawn->height ||
      batch->width != drawn->width)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                       "the %s has %" PRId64 " images of %" PRId64 " x %" PRId64
                       ", the plan is for %" PRId64 " of %" PRId64 " x %" PRId64,
                       name, batch->count, batch->height, batch->width, drawn->count, drawn->height,
                       drawn->width);
  if (batch->channels < 1 || batch->channels > INT32_MAX / (batch->height * batch->width))
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                       "the %s has %" PRId64 " channels; accepted: at least 1, and fewer than 2^31 "
                       "values in an image",
                       name, batch->channels);
  int64_t element = (int64_t)cutlab_dtype_size(batch->dtype), stride = cutlab_batch_stride(batch);
  if (stride < cutlab_batch_sample_size(batch) || stride % element ||
      stride > limit / (batch->count + 1))
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                       "the %s has a stride of %" PRId64
                       " bytes; accepted: 0, or at least the %" PRId64
                       " bytes of an image, and a multiple of %" PRId64,
                       name, batch->stride, cutlab_batch_sample_size(batch), element);
  if ((!batch->data && batch->count) || (uintptr_t)batch->data % (uintptr_t)element)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                       "the %s has data at address %p; accepted: a multiple of %" PRId64
                       ", not NULL",
                       name, batch->data, element);
  return CUTLAB_OK;
}

/* Lists of settings are by channel. */
static cutlab_status check_lists(cutlab_context *context, const cutlab_plan *plan,
                                 int64_t channels) {
  for (int i = 0; i < plan->policy->step_count; ++i) {
    const cutlab_step *step = &plan->policy->steps[i];
    for (int s = 0; s < step->method->parameter_count; ++s) {
      int count = step->settings[s].count;
      if (step->method->parameters[s].kind == CUTLAB_SETTING_NUMBERS && count > 1 &&
          count != channels)
        return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                           "%s of %s has %d values for images of %" PRId64
                           " channels; accepted: one, or one for every channel",
                           step->method->parameters[s].shown.name, step->method->name, count,
                           channels);
    }
  }
  return CUTLAB_OK;
}

/* Bytes from the first to the last of a batch. */
static int64_t extent(const cutlab_batch *batch) {
  if (!batch->count) return 0;
  return (batch->count - 1) * cutlab_batch_stride(batch) + cutlab_batch_sample_size(batch);
}

static cutlab_status check_dtypes(cutlab_context *context, const cutlab_plan *plan,
                                  const cutlab_batch *output, const cutlab_batch *input) {
  if (output->dtype != CUTLAB_UINT8) return CUTLAB_OK;
  if (input->dtype != CUTLAB_UINT8)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                       "the output is uint8 and the input is not; accepted: floating point output");
  if (cutlab_policy_normalises(plan->policy))
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                       "the output is uint8 and the policy normalises; accepted: floating point "
                       "output");
  return CUTLAB_OK;
}

cutlab_status cutlab_apply_check(cutlab_context *context, const cutlab_plan *plan,
                                 const cutlab_batch *output, const cutlab_batch *input,
                                 bool *in_place) {
  if (!plan->policy)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT, "the plan has not been drawn");
  CUTLAB_TRY(check_batch(context, plan, input, "input"));
  CUTLAB_TRY(check_batch(context, plan, output, "output"));
  CUTLAB_TRY(check_lists(context, plan, input->channels));
  CUTLAB_TRY(check_dtypes(context, plan, output, input));
  if (output->channels != input->channels || output->layout != input->layout)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                       "input and output differ in layout or channels (%" PRId64 " and %" PRId64
                       "); accepted: the same",
                       input->channels, output->channels);
  uintptr_t first = (uintptr_t)input->data, second = (uintptr_t)output->data;
  int64_t input_stride = cutlab_batch_stride(input), output_stride = cutlab_batch_stride(output);
  *in_place = first == second && input->dtype == output->dtype && input_stride == output_stride;
  bool apart =
      first + (uintptr_t)extent(input) <= second || second + (uintptr_t)extent(output) <= first;
  if (*in_place || apart || !input->count) return CUTLAB_OK;
  return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                     "input and output overlap; accepted: the same memory, or apart");
}

/* ---- Out of place ---- */

typedef struct job {
  const cutlab_plan *plan;
  const cutlab_batch *output, *input;
  float *gain, *offset; /* [line elements] */
  uint64_t normalises, left_out;
  bool own_rows; /* in place: an output is made of its own row alone, of a copy of it */
  bool moves;    /* by cutlab_mover */
} job;

static void fill_terms(job *j, int64_t elements) {
  const cutlab_batch *input = j->input;
  const cutlab_step *normalise = NULL;
  for (int i = 0; i < j->plan->policy->step_count; ++i)
    if (j->plan->policy->steps[i].method->role == CUTLAB_ROLE_NORMALISE) {
      normalise = &j->plan->policy->steps[i];
      j->normalises |= UINT64_C(1) << i;
    }
  for (int64_t i = 0; i < elements; ++i) {
    int64_t c = input->layout == CUTLAB_NHWC ? i % input->channels : i / input->width;
    j->gain[i] = (float)(1 / 255.0);
    j->offset[i] = 0;
    if (normalise)
      cutlab_normalise_terms(normalise, input->dtype, (int32_t)c, &j->gain[i], &j->offset[i]);
  }
}

/* Brings a line to the output's dtype; `from` is never smaller than uint8 to uint8. */
static void convert_line(const job *j, const cutlab_pixels *pixels, void *output, const void *line,
                         cutlab_dtype from, float *scratch, int64_t elements) {
  cutlab_dtype to = j->output->dtype;
  if (from == to) {
    memcpy(output, line, (size_t)elements * cutlab_dtype_size(to));
    return;
  }
  const float *floats = line;
  float *target = to == CUTLAB_FLOAT32 ? output : scratch;
  if (from == CUTLAB_UINT8) {
    pixels->affine_uint8(target, line, j->gain, j->offset, elements);
    floats = target;
  } else if (from == CUTLAB_FLOAT16) {
    pixels->from_half(target, line, elements);
    floats = target;
  }
  if (to == CUTLAB_FLOAT16) pixels->to_half(output, floats, elements);
}

/* Puts a finished line into the output image. */
static void store_line(const cutlab_batch *output, int64_t row, int32_t y, const char *line) {
  size_t size = cutlab_dtype_size(output->dtype), bytes = (size_t)output->width * size;
  char *sample = (char *)output->data + row * cutlab_batch_stride(output);
  for (int64_t c = 0; c < output->channels; ++c)
    memcpy(sample + (size_t)(c * output->height + y) * bytes, line + (size_t)c * bytes, bytes);
}

/* lines: three of room for float32. */
static cutlab_status make_output(const job *j, cutlab_evaluator *ev, int32_t row, char *lines) {
  const cutlab_batch *output = j->output;
  int last;
  CUTLAB_TRY(cutlab_evaluator_build(ev, row, &last));
  const cutlab_pixels *pixels = cutlab_pixels_of(ev->context);
  size_t room = (size_t)ev->elements * sizeof(float);
  size_t bytes = (size_t)ev->elements * cutlab_dtype_size(output->dtype);
  cutlab_dtype dtype = cutlab_evaluator_dtype(ev, ~UINT64_C(0));
  char *sample = (char *)output->data + row * cutlab_batch_stride(output);
  bool direct = output->layout == CUTLAB_NHWC && dtype == output->dtype;
  for (int32_t y = 0; y < output->height; ++y) {
    char *line = direct ? sample + (size_t)y * bytes : lines;
    CUTLAB_TRY(cutlab_evaluator_line(ev, last, row, y, line));
    if (direct) continue;
    char *target = output->layout == CUTLAB_NHWC ? sample + (size_t)y * bytes : lines + room;
    convert_line(j, pixels, target, line, dtype, (float *)(void *)(lines + 2 * room), ev->elements);
    if (output->layout == CUTLAB_NCHW) store_line(output, row, y, target);
  }
  return CUTLAB_OK;
}

static void copy_row(const cutlab_batch *copy, const cutlab_batch *input, int64_t row) {
  const char *sample = (const char *)input->data + row * cutlab_batch_stride(input);
  memcpy(copy->data, sample, (size_t)cutlab_batch_sample_size(input));
}

static cutlab_status move_outputs(const job *j, cutlab_context *context, int64_t first,
                                  int64_t end) {
  char *lines = cutlab_allocate(context, 3 * j->input->width * j->input->channels, sizeof(float));
  if (!lines) return CUTLAB_ERROR_MEMORY;
  cutlab_mover mover = {.plan = j->plan,
                        .output = j->output,
                        .input = j->input,
                        .pixels = cutlab_pixels_of(context),
                        .gain = j->gain,
                        .offset = j->offset,
                        .mixes = !j->left_out};
  cutlab_mover_begin(&mover, lines);
  for (int64_t row = first; row < end; ++row) cutlab_mover_output(&mover, (int32_t)row);
  free(lines);
  return CUTLAB_OK;
}

/* Outputs [first, end), on one thread. */
static cutlab_status make_outputs(const job *j, cutlab_context *context, int64_t first,
                                  int64_t end) {
  if (j->moves) return move_outputs(j, context, first, end);
  const cutlab_batch *input = j->input;
  cutlab_evaluator ev = {.context = context,
                         .plan = j->plan,
                         .input = input,
                         .stride = cutlab_batch_stride(input),
                         .elements = input->width * input->channels,
                         .gain = j->gain,
                         .offset = j->offset,
                         .normalises = j->normalises,
                         .left_out = j->left_out};
  char *lines = cutlab_allocate(context, 3 * ev.elements, sizeof(float));
  cutlab_status status = lines ? CUTLAB_OK : CUTLAB_ERROR_MEMORY;
  cutlab_batch copy = *input;
  if (j->own_rows) {
    copy.data = cutlab_allocate(context, 1, (size_t)cutlab_batch_sample_size(input));
    if (!copy.data) status = CUTLAB_ERROR_MEMORY;
    ev.input = &copy;
    ev.stride = 0; /* whatever the row: the copy */
  }
  for (int64_t row = first; row < end && status == CUTLAB_OK; ++row) {
    if (j->own_rows &&
        !cutlab_plan_last(j->plan, cutlab_policy_all_steps(j->plan->policy), (int32_t)row))
      continue;
    if (j->own_rows) copy_row(&copy, input, row);
    status = make_output(j, &ev, (int32_t)row, lines);
  }
  if (j->own_rows) free(copy.data);
  cutlab_evaluator_clear(&ev);
  free(lines);
  return status;
}

/* Every thread has a context of its own; the first failure in their order is the result. */
static cutlab_status run_threads(cutlab_context *context, const job *j) {
  int64_t count = j->input->count;
  int threads = cutlab_context_threads(context);
  if (threads > count) threads = (int)count;
  if (threads <= 1) return make_outputs(j, context, 0, count);
  cutlab_context **contexts = cutlab_allocate(context, threads, sizeof(cutlab_context *));
  cutlab_status *results = cutlab_allocate(context, threads, sizeof *results);
  cutlab_status status = contexts && results ? CUTLAB_OK : CUTLAB_ERROR_MEMORY;
  for (int t = 0; t < threads && status == CUTLAB_OK; ++t)
    status = cutlab_context_fork(&contexts[t], context);
  if (status == CUTLAB_OK) {
#pragma omp parallel for num_threads(threads) schedule(static, 1)
    for (int t = 0; t < threads; ++t)
      results[t] = make_outputs(j, contexts[t], count * t / threads, count * (t + 1) / threads);
  }
  for (int t = 0; t < threads && status == CUTLAB_OK; ++t)
    if (results[t] != CUTLAB_OK) status = cutlab_fail_from(context, results[t], contexts[t]);
  for (int t = 0; contexts && t < threads; ++t) cutlab_context_free(contexts[t]);
  free(contexts);
  free(results);
  return status;
}

/* The last step, as a bit, if it is the only one that mixes: then outputs are made without it and
   mixed where they lie, so that no image is made twice. */
static uint64_t last_mix(const cutlab_plan *plan) {
  const cutlab_policy *policy = plan->policy;
  for (int i = 0; i < policy->step_count; ++i) {
    if (cutlab_role_mixes(policy->steps[i].method->role) != (i == policy->step_count - 1)) return 0;
  }
  uint64_t last = UINT64_C(1) << (policy->step_count - 1);
  return policy->steps[policy->step_count - 1].visible == last - 1 ? last : 0;
}

/* Makes an output that may be its own input, if nothing mixes. */
static cutlab_status apply_apart(cutlab_context *context, const cutlab_plan *plan,
                                 const cutlab_batch *output, const cutlab_batch *input) {
  int64_t elements = input->width * input->channels;
  float *terms = cutlab_allocate(context, 2 * elements, sizeof *terms);
  if (!terms) return CUTLAB_ERROR_MEMORY;
  job j = {.plan = plan,
           .output = output,
           .input = input,
           .gain = terms,
           .offset = terms + elements,
           .own_rows = input->data == output->data};
  fill_terms(&j, elements);
  cutlab_dtype made = j.normalises ? CUTLAB_FLOAT32 : input->dtype;
  j.moves = !j.own_rows && cutlab_moves_fit(plan, output, input);
  /* What is pasted where outputs lie is read from outputs, on the way from inputs, less regularly:
     better where these are smaller. */
  bool smaller = cutlab_dtype_size(input->dtype) < cutlab_dtype_size(output->dtype);
  if (made == output->dtype && !(j.moves && smaller)) j.left_out = last_mix(plan);
  cutlab_status status = run_threads(context, &j);
  free(terms);
  bool done;
  if (status != CUTLAB_OK || !j.left_out) return status;
  return cutlab_apply_in_place(context, plan, output, j.left_out, &done);
}

/* A copy of the input that is packed; release its data with free. */
static cutlab_status copy_batch(cutlab_context *context, cutlab_batch *copy,
                                const cutlab_batch *batch) {
  int64_t size = cutlab_batch_sample_size(batch), stride = cutlab_batch_stride(batch);
  *copy = *batch;
  copy->stride = 0;
  copy->data = cutlab_allocate(context, batch->count, (size_t)size);
  if (!copy->data) return CUTLAB_ERROR_MEMORY;
  for (int64_t i = 0; i < batch->count; ++i)
    memcpy((char *)copy->data + i * size, (const char *)batch->data + i * stride, (size_t)size);
  return CUTLAB_OK;
}

cutlab_status cutlab_plan_apply(cutlab_context *context, const cutlab_plan *plan,
                                const cutlab_batch *output, const cutlab_batch *input) {
  bool in_place = false, done = false;
  CUTLAB_TRY(cutlab_apply_check(context, plan, output, input, &in_place));
  if (!input->count) return CUTLAB_OK;
  if (!in_place) return apply_apart(context, plan, output, input);
  CUTLAB_TRY(cutlab_apply_in_place(context, plan, output, ~UINT64_C(0), &done));
  if (done) return CUTLAB_OK;
  if (!cutlab_policy_mixes(plan->policy)) return apply_apart(context, plan, output, input);
  cutlab_batch copy;
  CUTLAB_TRY(copy_batch(context, &copy, input));
  cutlab_status status = apply_apart(context, plan, output, &copy);
  free(copy.data);
  return status;
}
