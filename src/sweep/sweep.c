/* Sweeps as the public header has them. */
#include <cutlab/sweep.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/ranks.h"
#include "sweep/farm.h"
#include "sweep/folder.h"
#include "sweep/reference.h"
#include "sweep/results.h"
#include "sweep/runner.h"

extern const char cutlab_sweep_preset_phase_diagram[], cutlab_sweep_preset_benign_overfitting[],
    cutlab_sweep_preset_quick[];

static const struct {
  const char *name, *yaml;
} presets[] = {{"phase-diagram", cutlab_sweep_preset_phase_diagram},
               {"benign-overfitting", cutlab_sweep_preset_benign_overfitting},
               {"quick", cutlab_sweep_preset_quick}};
enum { preset_count = sizeof presets / sizeof *presets, most_spec_bytes = 1 << 20 };

static const int64_t most_counted = 10000000; /* runs whose keys an estimate makes */
static const double sample_seconds = 0.05, sampling_seconds = 0.2;

struct cutlab_sweep {
  cutlab_context *context;
  cutlab_spec spec;
  cutlab_grid *grid; /* NULL: to be put together anew */
  char *summary;
};

static cutlab_status create(cutlab_context *context, cutlab_sweep **sweep, const char *text,
                            size_t size, const char *where) {
  cutlab_sweep *s = cutlab_allocate(context, 1, sizeof *s);
  *sweep = NULL;
  if (!s) return CUTLAB_ERROR_MEMORY;
  s->context = context;
  cutlab_spec_defaults(&s->spec);
  cutlab_status status = cutlab_spec_read(context, &s->spec, text, size, where);
  if (status == CUTLAB_OK)
    *sweep = s;
  else
    cutlab_sweep_free(s);
  return status;
}

cutlab_status cutlab_sweep_load(cutlab_context *context, cutlab_sweep **sweep, const char *path) {
  char *text;
  size_t size;
  *sweep = NULL;
  CUTLAB_TRY(cutlab_file_read(context, &text, &size, path, most_spec_bytes));
  cutlab_status status = create(context, sweep, text, size, path);
  free(text);
  return status;
}

const char *cutlab_sweep_preset(int i, const char **yaml) {
  if (i < 0 || i >= preset_count) return NULL;
  if (yaml) *yaml = presets[i].yaml;
  return presets[i].name;
}

cutlab_status cutlab_sweep_load_preset(cutlab_context *context, cutlab_sweep **sweep,
                                       const char *name) {
  const char *names[preset_count];
  *sweep = NULL;
  for (int i = 0; i < preset_count; ++i) {
    names[i] = presets[i].name;
    if (strcmp(name, names[i]) != 0) continue;
    char where[64];
    snprintf(where, sizeof where, "sweep %s", name);
    return create(context, sweep, presets[i].yaml, strlen(presets[i].yaml), where);
  }
  return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT, "unknown sweep '%.80s'; nearest: %s", name,
                     names[cutlab_nearest_name(name, names, preset_count)]);
}

static void forget(cutlab_sweep *s) {
  cutlab_grid_free(s->grid);
  cutlab_free(s->summary);
  s->grid = NULL;
  s->summary = NULL;
}

void cutlab_sweep_free(cutlab_sweep *s) {
  if (!s) return;
  forget(s);
  cutlab_spec_clear(&s->spec);
  free(s);
}

cutlab_status cutlab_sweep_set(cutlab_sweep *s, const char *key, const char *value) {
  forget(s);
  return cutlab_spec_set(s->context, &s->spec, key, value);
}

static cutlab_status prepare(cutlab_sweep *s, bool with_keys) {
  if (!s->grid) CUTLAB_TRY(cutlab_grid_create(s->context, &s->grid, &s->spec));
  return with_keys ? cutlab_grid_make_keys(s->context, s->grid) : CUTLAB_OK;
}

/* Mean seconds of runs all over the grid, by a context that is alone. */
static cutlab_status time_runs(cutlab_sweep *s, double *seconds, cutlab_context *alone) {
  static const double places[] = {.5, .25, .75, .125, .625, .375, .875, .0625};
  int count = 0;
  double start = cutlab_seconds(), sum = 0;
  cutlab_experiment *experiment;
  CUTLAB_TRY(cutlab_experiment_create(alone, &experiment));
  cutlab_status status = CUTLAB_OK;
  while (count < 8 && status == CUTLAB_OK &&
         (!count || cutlab_seconds() - start < sampling_seconds)) {
    double one;
    int64_t run = (int64_t)(places[count++] * (double)s->grid->runs);
    status = cutlab_outcome_time(alone, &one, s->grid, experiment, run, sample_seconds);
    sum += one;
  }
  cutlab_experiment_free(experiment);
  *seconds = sum / count;
  return status;
}

static cutlab_status count_done(cutlab_sweep *s, int64_t *done, const char *folder) {
  cutlab_book *book;
  CUTLAB_TRY(cutlab_book_create(s->context, &book, s->grid, 0, 0));
  cutlab_status status = cutlab_folder_read_journals(book, NULL, NULL, folder, NULL);
  *done = book->done;
  cutlab_book_free(book);
  return status;
}

cutlab_status cutlab_sweep_estimate(cutlab_sweep *s, cutlab_sweep_plan *plan, const char *folder) {
  CUTLAB_TRY(prepare(s, false));
  *plan = (cutlab_sweep_plan){.cells = s->grid->cells, .runs = s->grid->runs};
  if (plan->runs <= most_counted) CUTLAB_TRY(prepare(s, true));
  if (plan->runs <= most_counted && folder && cutlab_file_exists(folder))
    CUTLAB_TRY(count_done(s, &plan->done, folder));
  if (plan->done == plan->runs) return CUTLAB_OK;
  const cutlab_ranks *ranks = cutlab_context_ranks(s->context);
  double each, workers = cutlab_context_threads(s->context) * (ranks ? ranks->count : 1);
  cutlab_context *alone;
  CUTLAB_TRY(cutlab_context_fork(&alone, s->context));
  cutlab_status status = time_runs(s, &each, alone);
  if (status != CUTLAB_OK) cutlab_fail_from(s->context, status, alone);
  cutlab_context_free(alone);
  if (status == CUTLAB_OK) plan->seconds = each * (double)(plan->runs - plan->done) / workers;
  return status;
}

static void warn_damaged(const cutlab_book *book, const char *folder) {
  if (book->damaged && book->done < book->total)
    cutlab_warn(book->context,
                "%s: %lld damaged row%s of its journals left out; runs that no other row has are "
                "done again",
                folder, (long long)book->damaged, book->damaged > 1 ? "s" : "");
}

/* The folder, its journal, and what others there know. */
static cutlab_status open_book(cutlab_sweep *s, cutlab_book **book, const char *folder,
                               const cutlab_sweep_options *o) {
  char name[cutlab_journal_name];
  CUTLAB_TRY(cutlab_folder_check(s->context, folder));
  CUTLAB_TRY(cutlab_folder_make(s->context, folder));
  CUTLAB_TRY(cutlab_book_create(s->context, book, s->grid, o->shard, o->shards));
  cutlab_journal_file(name, o->shard, o->shards);
  char *path = cutlab_path_join(s->context, folder, name);
  cutlab_status status = path ? cutlab_book_open(*book, path) : CUTLAB_ERROR_MEMORY;
  free(path);
  CUTLAB_TRY(status);
  if (!o->shards) CUTLAB_TRY(cutlab_folder_read_journals(*book, NULL, NULL, folder, name));
  warn_damaged(*book, folder);
  return cutlab_results_write_spec(s->context, folder, &s->spec);
}

static cutlab_status write_results(cutlab_sweep *s, const cutlab_book *book, const char *folder,
                                   const cutlab_sweep_options *o) {
  static const char *const written[] = {"sweep.yaml",  "results.csv", "runs.csv",
                                        "results.npz", "sweep.json",  NULL};
  if (!o->shards) CUTLAB_TRY(cutlab_results_write(s->context, folder, book));
  if (!o->shards) CUTLAB_TRY(cutlab_results_warn(s->context, book));
  CUTLAB_TRY(cutlab_results_summary(s->context, &s->summary, book));
  if (!o->shards) cutlab_file_remove_temporaries(folder, written);
  return CUTLAB_OK;
}

/* Whether all ranks were told to do the same thing. */
static cutlab_status compare_ranks(cutlab_sweep *s, const cutlab_sweep_options *o) {
  if (!cutlab_context_ranks(s->context)) return CUTLAB_OK;
  char *text = NULL;
  int64_t own[] = {o->shard, o->shards, 1469598103934665603}, first[3];
  cutlab_status status = cutlab_spec_print(s->context, &text, &s->spec);
  for (const char *c = text; status == CUTLAB_OK && *c; ++c)
    own[2] = (int64_t)(((uint64_t)own[2] ^ (uint64_t)*c) * 1099511628211u); /* FNV-1a */
  free(text);
  memcpy(first, own, sizeof first);
  cutlab_broadcast_over_ranks(s->context, first, sizeof first);
  if (status == CUTLAB_OK && memcmp(first, own, sizeof first) != 0)
    status = cutlab_fail(s->context, CUTLAB_ERROR_ARGUMENT,
                         "ranks 0 and %d were given different %s; where each process is to work on "
                         "its own, set CUTLAB_ALONE=1",
                         cutlab_context_rank(s->context),
                         memcmp(first, own, 2 * sizeof *own) != 0 ? "shards" : "specs");
  return cutlab_agree_over_ranks(s->context, status);
}

/* Rank 0 has the book. What fails in the farm has ended the work of all. */
static cutlab_status carry_out(cutlab_sweep *s, cutlab_book **book, const char *folder,
                               const cutlab_sweep_options *o) {
  const cutlab_ranks *ranks = cutlab_context_ranks(s->context);
  bool writes = !ranks || ranks->rank == 0;
  cutlab_status status = prepare(s, writes);
  if (status == CUTLAB_OK && writes) status = open_book(s, book, folder, o);
  CUTLAB_TRY(cutlab_agree_over_ranks(s->context, status));
  CUTLAB_TRY(ranks ? cutlab_farm_run(s->context, s->grid, *book)
                   : cutlab_runner_alone(s->context, s->grid, *book));
  if (writes) status = write_results(s, *book, folder, o);
  return cutlab_agree_over_ranks(s->context, status);
}

static cutlab_status check_shard(cutlab_context *context, const cutlab_sweep_options *options) {
  if (options->shards == 0) return CUTLAB_OK;
  if (options->shards > 0 && options->shards <= 1000000 && options->shard >= 0 &&
      options->shard < options->shards)
    return CUTLAB_OK;
  return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                     "shard %lld of %lld; accepted: 0 to one below the number of shards, at most "
                     "10^6",
                     (long long)options->shard, (long long)options->shards);
}

cutlab_status cutlab_sweep_run(cutlab_sweep *s, const char *folder,
                               const cutlab_sweep_options *options) {
  const cutlab_sweep_options whole = {0, 0}, *o = options ? options : &whole;
  cutlab_book *book = NULL;
  CUTLAB_TRY(check_shard(s->context, o));
  CUTLAB_TRY(compare_ranks(s, o));
  cutlab_free(s->summary);
  s->summary = NULL;
  cutlab_status status = carry_out(s, &book, folder, o);
  cutlab_book_free(book);
  return status;
}

/* One line: how many, the first of them, and of which shards. */
static cutlab_status fail_missing(cutlab_sweep *s, const cutlab_book *book, int64_t shards,
                                  const char *folder) {
  const cutlab_grid *grid = s->grid;
  char at[200], list[200] = "";
  int64_t first = 0;
  size_t used = 0;
  while (book->states[first] != CUTLAB_RUN_OPEN) ++first;
  for (int64_t i = 0; i < shards && used < sizeof list - 24; ++i)
    for (int64_t run = i; run < grid->runs; run += shards)
      if (book->states[run] == CUTLAB_RUN_OPEN) {
        used += (size_t)snprintf(list + used, sizeof list - used, "%s%lld/%lld",
                                 used ? ", " : "; shards with missing runs: ", (long long)i + 1,
                                 (long long)shards);
        break;
      }
  cutlab_grid_describe(at, sizeof at, grid, first / grid->seed_count);
  return cutlab_fail(s->context, CUTLAB_ERROR_ARGUMENT,
                     "%s: %lld of %lld runs are missing, the first %s seed=%lld%s", folder,
                     (long long)(book->total - book->done), (long long)book->total, at,
                     (long long)grid->seeds[first % grid->seed_count], list);
}

static cutlab_status gather(cutlab_sweep *s, cutlab_book *book, const char *folder) {
  int found;
  int64_t shards;
  if (!cutlab_file_exists(folder))
    return cutlab_fail(s->context, CUTLAB_ERROR_IO,
                       "%s does not exist; accepted: the folder of shards", folder);
  CUTLAB_TRY(cutlab_folder_read_journals(book, &found, &shards, folder, NULL));
  if (!found)
    return cutlab_fail(s->context, CUTLAB_ERROR_ARGUMENT,
                       "%s has no journals; accepted: the folder of shards", folder);
  warn_damaged(book, folder);
  if (book->done < book->total) return fail_missing(s, book, shards, folder);
  CUTLAB_TRY(cutlab_results_write_spec(s->context, folder, &s->spec));
  CUTLAB_TRY(cutlab_results_write(s->context, folder, book));
  CUTLAB_TRY(cutlab_results_warn(s->context, book));
  return cutlab_results_summary(s->context, &s->summary, book);
}

cutlab_status cutlab_sweep_merge(cutlab_sweep *s, const char *folder) {
  cutlab_book *book;
  CUTLAB_TRY(prepare(s, true));
  CUTLAB_TRY(cutlab_book_create(s->context, &book, s->grid, 0, 0));
  cutlab_free(s->summary);
  s->summary = NULL;
  cutlab_status status = gather(s, book, folder);
  cutlab_book_free(book);
  return status;
}

cutlab_status cutlab_sweep_check_reference(cutlab_sweep *s, const char *text) {
  CUTLAB_TRY(prepare(s, false));
  return cutlab_reference_check(s->context, s->grid, text);
}

const char *cutlab_sweep_summary(const cutlab_sweep *sweep) {
  return sweep->summary;
}

const char *cutlab_sweep_name(const cutlab_sweep *sweep) {
  return sweep->spec.name;
}
