/* The contact sheet of `cutlab augment`: the first outputs, of as many batches as they are of. */
#include <stdlib.h>
#include <string.h>

#include "augment_job.h"

/* Batches one after the other as one batch. */
typedef struct merged {
  int64_t *samples;
  cutlab_entry *entries;
  cutlab_run_range *runs;
  int64_t count, entry_count, run_count;
} merged;

static void append_plan(merged *m, const cutlab_plan *plan) {
  int64_t entry_count, run_count;
  const cutlab_draw *drawn = cutlab_plan_drawn(plan);
  const cutlab_entry *entries = cutlab_plan_entries(plan, &entry_count);
  const cutlab_run_range *runs = cutlab_plan_runs(plan, &run_count);
  for (int64_t i = 0; i < entry_count; ++i) {
    cutlab_entry *entry = &m->entries[m->entry_count++];
    *entry = entries[i];
    entry->row += (int32_t)m->count;
    if (entry->partner_row >= 0) entry->partner_row += (int32_t)m->count;
    entry->run += m->run_count;
  }
  for (int64_t i = 0; i < run_count; ++i) m->runs[m->run_count++] = runs[i];
  for (int64_t i = 0; i < drawn->count; ++i) m->samples[m->count++] = drawn->samples[i];
}

/* How many batches `outputs` outputs are of; sizes of what they hold. */
static int64_t measure(const augment_job *job, merged *sizes, int64_t outputs) {
  int64_t plans = 0, count;
  while (sizes->count < outputs && plans < job->plan_count) {
    const cutlab_plan *plan = job->plans[plans++];
    sizes->count += cutlab_plan_drawn(plan)->count;
    (void)cutlab_plan_entries(plan, &count);
    sizes->entry_count += count;
    (void)cutlab_plan_runs(plan, &count);
    sizes->run_count += count;
  }
  return plans;
}

static cutlab_status merge(const augment_job *job, cutlab_plan *plan, merged *m, int64_t plans) {
  for (int64_t i = 0; i < plans; ++i) append_plan(m, job->plans[i]);
  const cutlab_draw draw = {.samples = m->samples,
                            .count = m->count,
                            .height = job->input.height,
                            .width = job->input.width};
  return cutlab_plan_set(job->cli->context, plan, job->policy, &draw, m->entries, m->entry_count,
                         m->runs, m->run_count);
}

static cutlab_status make_plan(const augment_job *job, cutlab_plan **plan) {
  merged sizes = {0}, m;
  int64_t plans = measure(job, &sizes, job->sheet_count);
  m = (merged){.samples = malloc((size_t)sizes.count * sizeof *m.samples + 1),
               .entries = malloc((size_t)sizes.entry_count * sizeof *m.entries + 1),
               .runs = malloc((size_t)sizes.run_count * sizeof *m.runs + 1)};
  cutlab_status status = m.samples && m.entries && m.runs
                             ? cutlab_plan_create(job->cli->context, plan)
                             : CUTLAB_ERROR_MEMORY;
  if (status == CUTLAB_OK) status = merge(job, *plan, &m, plans);
  free(m.samples);
  free(m.entries);
  free(m.runs);
  return status;
}

int augment_prepare_sheet(augment_job *job) {
  int64_t asked = job->settings.sheet_size;
  job->sheet_count = asked < job->input.count ? asked : job->input.count;
  if (!job->labels || !job->sheet_count) return 0;
  size_t size = (size_t)(job->sheet_count * job->classes) * sizeof *job->labels;
  job->own_labels = malloc(size);
  if (!job->own_labels) {
    cutlab_cli_print_error("out of memory for labels");
    return cutlab_exit_failure;
  }
  memcpy(job->own_labels, job->labels, size);
  return 0;
}

/* Names of the PNG files on the sheet, or NULL. */
static char **make_names(const augment_job *job) {
  char **names = calloc((size_t)job->sheet_count, sizeof *names);
  bool unique = augment_names_differ(job), made = names != NULL;
  for (int64_t i = 0; made && i < job->sheet_count; ++i)
    made = (names[i] = augment_image_name(job, i, unique)) != NULL;
  if (made) return names;
  for (int64_t i = 0; names && i < job->sheet_count; ++i) free(names[i]);
  free(names);
  return NULL;
}

static cutlab_status write_page(const augment_job *job, cutlab_plan *plan, const char *path,
                                char *const *names) {
  cutlab_batch input = job->input, output = job->output;
  input.count = output.count = cutlab_plan_drawn(plan)->count;
  bool named = job->classes == job->images.class_count; /* and not more, by --classes */
  const cutlab_sheet_labels labels = {
      .classes = job->classes,
      .mixed = job->labels,
      .own = job->own_labels,
      .class_names = named ? (const char *const *)augment_class_names(job) : NULL};
  return cutlab_sheet_write(job->cli->context, path, plan, &output, &input,
                            job->labels ? &labels : NULL, (const char *const *)names,
                            job->sheet_count);
}

int augment_write_sheet(augment_job *job) {
  if (!job->sheet_count) return 0;
  cutlab_plan *plan = NULL;
  char *path = augment_new_file(job, "sheet.html");
  if (!path) return cutlab_exit_failure;
  char **names = job->png ? make_names(job) : NULL;
  cutlab_status status = make_plan(job, &plan);
  if (status == CUTLAB_OK) status = write_page(job, plan, path, names);
  for (int64_t i = 0; names && i < job->sheet_count; ++i) free(names[i]);
  free(names);
  cutlab_plan_free(plan);
  free(path);
  return status == CUTLAB_OK ? 0 : cutlab_cli_fail(job->cli, status, "nothing was written");
}
