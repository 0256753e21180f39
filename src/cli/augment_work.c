/* The work of `cutlab augment`: plans, drawn or read, applied batch by batch. */
#include <inttypes.h>
#include <stdlib.h>

#include "augment_job.h"

/* Images [first, first + count) of a batch. */
static cutlab_batch slice(const cutlab_batch *batch, int64_t first, int64_t count) {
  cutlab_batch part = *batch;
  int64_t size =
      batch->height * batch->width * batch->channels * (int64_t)cutlab_dtype_size(batch->dtype);
  part.data = (char *)batch->data + first * size;
  part.count = count;
  return part;
}

static int fail(const augment_job *job, cutlab_status status) {
  return cutlab_cli_fail(job->cli, status, "nothing was written");
}

static int draw_plan(augment_job *job, int64_t *ids, int64_t first, int64_t count) {
  cutlab_context *context = job->cli->context;
  for (int64_t i = 0; i < count; ++i) ids[i] = first + i;
  const cutlab_draw draw = {.seed = (uint64_t)job->settings.seed,
                            .epoch = job->settings.epoch,
                            .samples = ids,
                            .count = count,
                            .height = job->input.height,
                            .width = job->input.width};
  cutlab_status status = cutlab_plan_create(context, &job->plans[job->plan_count]);
  if (status == CUTLAB_OK)
    status = cutlab_plan_draw(context, job->plans[job->plan_count++], job->policy, &draw);
  return status == CUTLAB_OK ? 0 : fail(job, status);
}

static int draw_plans(augment_job *job) {
  int64_t size = job->settings.batch, count = job->input.count;
  if (size > count) size = count;
  int64_t *ids = malloc((size_t)size * sizeof *ids);
  job->plans = calloc((size_t)((count + size - 1) / size), sizeof(void *));
  int code = 0;
  if (!ids || !job->plans) {
    cutlab_cli_print_error("out of memory for plans");
    code = cutlab_exit_failure;
  }
  for (int64_t first = 0; first < count && !code; first += size) {
    code = draw_plan(job, ids, first, count - first < size ? count - first : size);
    if (!code && cutlab_progress_step("drawing", first, count)) code = fail(job, CUTLAB_CANCELLED);
  }
  free(ids);
  return code;
}

/* Output i of the ledger must be of image i: it is what the batches are made of. */
static int check_plans(const augment_job *job) {
  int64_t position = 0;
  for (int64_t b = 0; b < job->plan_count; ++b) {
    const cutlab_draw *drawn = cutlab_plan_drawn(job->plans[b]);
    for (int64_t i = 0; i < drawn->count; ++i, ++position)
      if (drawn->samples[i] != position) {
        cutlab_cli_print_error("%s: batch %" PRId64 ", row %" PRId64 " is of sample %" PRId64
                               "; accepted: %" PRId64 ", its position in the input",
                               job->ledger, b, i, drawn->samples[i], position);
        return cutlab_exit_failure;
      }
  }
  if (position == job->input.count) return 0;
  cutlab_cli_print_error("%s: a ledger of %" PRId64 " images, but %" PRId64
                         " are in the input; accepted: as many",
                         job->ledger, position, job->input.count);
  return cutlab_exit_failure;
}

/* Ledgers do not say the size of their images; the record beside them does. */
static int check_size(const augment_job *job) {
  const json_t *shape = json_object_get(job->record, "shape");
  const char *name = json_string_value(json_object_get(job->record, "axes"));
  const augment_axes *axes = name ? augment_find_axes(name) : NULL;
  if (!axes || json_array_size(shape) != (size_t)axes->rank) return 0;
  json_int_t height = 1, width = json_integer_value(json_array_get(shape, (size_t)axes->width));
  if (axes->height >= 0) height = json_integer_value(json_array_get(shape, (size_t)axes->height));
  if (height == job->input.height && width == job->input.width) return 0;
  cutlab_cli_print_error("%s: images of %" PRId64 " x %" PRId64 ", but the ledger is for %" PRId64
                         " x %" PRId64 " (height x width); accepted: this size",
                         job->ledger, job->input.height, job->input.width, (int64_t)height,
                         (int64_t)width);
  return cutlab_exit_failure;
}

static int read_plans(augment_job *job) {
  int code = check_size(job);
  if (code) return code;
  cutlab_status status =
      cutlab_ledger_read(job->cli->context, &job->plans, &job->plan_count, job->ledger, job->policy,
                         job->input.height, job->input.width);
  return status == CUTLAB_OK ? check_plans(job) : fail(job, status);
}

static int apply(augment_job *job, int64_t first, cutlab_plan *plan) {
  cutlab_context *context = job->cli->context;
  int64_t count = cutlab_plan_drawn(plan)->count;
  cutlab_batch input = slice(&job->input, first, count);
  cutlab_batch output = slice(&job->output, first, count);
  cutlab_status status = cutlab_plan_apply(context, plan, &output, &input);
  float *labels = job->labels ? job->labels + first * job->classes : NULL;
  if (status == CUTLAB_OK && labels)
    status = cutlab_labels_mix(context, labels, plan, labels, job->classes, job->settings.mix);
  return status == CUTLAB_OK ? 0 : fail(job, status);
}

int augment_work(augment_job *job) {
  int code = job->ledger ? read_plans(job) : draw_plans(job);
  int64_t first = 0;
  for (int64_t b = 0; b < job->plan_count && !code; ++b) {
    code = apply(job, first, job->plans[b]);
    first += cutlab_plan_drawn(job->plans[b])->count;
    if (!code && cutlab_progress_step("augmenting", first, job->input.count))
      code = fail(job, CUTLAB_CANCELLED);
  }
  return code;
}
