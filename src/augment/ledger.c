/* Ledgers: writing and reading plans in either format. */
#include "augment/ledger.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/npy.h"

static bool is_npy(const char *path) {
  size_t length = strlen(path);
  return length >= 4 && strcmp(path + length - 4, ".npy") == 0;
}

cutlab_status cutlab_ledger_write(cutlab_context *context, const char *path,
                                  cutlab_plan *const *plans, int64_t count) {
  char *bytes = NULL;
  size_t size = 0;
  for (int64_t i = 0; i < count; ++i) {
    if (!plans[i]->policy)
      return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT, "plan %" PRId64 " has not been drawn", i);
    if (plans[i]->drawn.height != plans[0]->drawn.height ||
        plans[i]->drawn.width != plans[0]->drawn.width)
      return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                         "plan %" PRId64 " is for images of another size than plan 0; accepted: "
                         "one size in a ledger",
                         i);
  }
  cutlab_status status = is_npy(path)
                             ? cutlab_ledger_to_npy(context, &bytes, &size, plans, count)
                             : cutlab_ledger_to_lines(context, &bytes, &size, plans, count);
  if (status == CUTLAB_OK) status = cutlab_file_write(context, path, bytes, size);
  free(bytes);
  return status;
}

#define RESERVE(reader, member, capacity, count)                                                   \
  CUTLAB_TRY(cutlab_plan_reserve((reader)->context, (void **)&(reader)->member,                    \
                                 &(reader)->capacity, count, sizeof *(reader)->member))

/* Makes a plan of the batch that has been read. */
static cutlab_status finish_batch(cutlab_ledger_reader *r) {
  if (!r->sample_count) return CUTLAB_OK;
  CUTLAB_TRY(cutlab_plan_reserve(r->context, (void **)&r->plans, &r->plan_capacity,
                                 r->plan_count + 1, sizeof(cutlab_plan *)));
  CUTLAB_TRY(cutlab_plan_create(r->context, &r->plans[r->plan_count]));
  cutlab_plan *plan = r->plans[r->plan_count++];
  /* Partners are known by row while a batch is read: their ids follow. */
  for (int64_t i = 0; i < r->entry_count; ++i) {
    cutlab_entry *entry = &r->entries[i];
    if (entry->partner_row >= 0 && entry->partner_row < r->sample_count &&
        entry->partner != r->samples[entry->partner_row])
      return cutlab_fail(r->context, CUTLAB_ERROR_FORMAT,
                         "%s: batch %" PRId64 ", row %d: partner is %" PRId64 "; accepted: %" PRId64
                         ", the sample of partner_row %d",
                         r->path, r->plan_count - 1, entry->row, entry->partner,
                         r->samples[entry->partner_row], entry->partner_row);
  }
  const cutlab_draw draw = {.seed = r->seed,
                            .epoch = r->epoch,
                            .samples = r->samples,
                            .count = r->sample_count,
                            .height = r->height,
                            .width = r->width};
  cutlab_status status = cutlab_plan_set(r->context, plan, r->policy, &draw, r->entries,
                                         r->entry_count, r->runs, r->run_count);
  r->sample_count = r->entry_count = r->run_count = 0;
  if (status == CUTLAB_OK || status == CUTLAB_ERROR_MEMORY) return status;
  return cutlab_fail(r->context, CUTLAB_ERROR_FORMAT, "%s: batch %" PRId64 ": %s", r->path,
                     r->plan_count - 1, cutlab_context_message(r->context));
}

cutlab_status cutlab_ledger_take_output(cutlab_ledger_reader *r, const cutlab_ledger_output *o) {
  if (o->batch == r->plan_count + 1 && r->sample_count) CUTLAB_TRY(finish_batch(r));
  if (o->batch != r->plan_count || o->row != r->sample_count)
    return cutlab_fail(r->context, CUTLAB_ERROR_FORMAT,
                       "%s: batch %" PRId64 ", row %" PRId64 "; accepted: batch %" PRId64
                       ", row %" PRId64 ", or row 0 of the next batch",
                       r->path, o->batch, o->row, r->plan_count, r->sample_count);
  if (!r->sample_count) r->seed = o->seed, r->epoch = o->epoch;
  if (o->seed != r->seed || o->epoch != r->epoch)
    return cutlab_fail(r->context, CUTLAB_ERROR_FORMAT,
                       "%s: batch %" PRId64 ", row %" PRId64 ": seed and epoch are %" PRIu64
                       " and %" PRId64 "; accepted: %" PRIu64 " and %" PRId64 ", those of row 0",
                       r->path, o->batch, o->row, o->seed, o->epoch, r->seed, r->epoch);
  RESERVE(r, samples, sample_capacity, r->sample_count + 1);
  r->samples[r->sample_count++] = o->sample;
  return CUTLAB_OK;
}

cutlab_status cutlab_ledger_take_entry(cutlab_ledger_reader *r, const cutlab_entry *entry) {
  RESERVE(r, entries, entry_capacity, r->entry_count + 1);
  r->entries[r->entry_count++] = *entry;
  return CUTLAB_OK;
}

cutlab_status cutlab_ledger_take_run(cutlab_ledger_reader *r, int64_t begin, int64_t end) {
  RESERVE(r, runs, run_capacity, r->run_count + 1);
  r->runs[r->run_count++] = (cutlab_run_range){begin, end};
  return CUTLAB_OK;
}

static cutlab_status read_text(cutlab_ledger_reader *r, char *text, size_t size) {
  bool npy = size >= 6 && memcmp(text, CUTLAB_NPY_MAGIC, 6) == 0;
  CUTLAB_TRY(npy ? cutlab_ledger_from_npy(r, text, size) : cutlab_ledger_from_lines(r, text, size));
  return finish_batch(r);
}

cutlab_status cutlab_ledger_read(cutlab_context *context, cutlab_plan ***plans, int64_t *count,
                                 const char *path, const cutlab_policy *policy, int64_t height,
                                 int64_t width) {
  cutlab_ledger_reader r = {
      .context = context, .path = path, .policy = policy, .height = height, .width = width};
  char *text;
  size_t size;
  *plans = NULL;
  *count = 0;
  CUTLAB_TRY(cutlab_file_read(context, &text, &size, path, INT64_C(1) << 34));
  cutlab_status status = read_text(&r, text, size);
  free(text);
  free(r.samples);
  free(r.entries);
  free(r.runs);
  if (status == CUTLAB_OK) {
    *plans = r.plans;
    *count = r.plan_count;
    return CUTLAB_OK;
  }
  for (int64_t i = 0; i < r.plan_count; ++i) cutlab_plan_free(r.plans[i]);
  free(r.plans);
  return status;
}
