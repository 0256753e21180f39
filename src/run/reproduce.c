/* The paper's experiments as a farm of runs. */
#include <cutlab/run.h>

#include <omp.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "run/run_internal.h"

typedef struct farm farm;

typedef struct planned {
  farm *farm;
  const char *preset, *sampling, *method;
  int64_t seed, done; /* iterations done, as far as counted */
  char folder[64];
  bool leader; /* runs on the calling thread at present */
} planned;

struct farm {
  cutlab_context *context;
  const char *folder;
  const char *const *overrides;
  int override_count, runs;
  planned *plan;
  atomic_llong done, total;
  atomic_bool stop; /* cancelled, or a run failed */
};

/* The dearest runs first, so that the last ones to end are short. */
static cutlab_status make_plan(farm *f, int64_t first_seed, int seeds) {
  static const char *const presets[] = {"paper", "theory"};
  static const char *const samplings[] = {"stratified", "iid"};
  static const char *const methods[] = {"cutmix", "cutout", "erm"};
  f->plan = cutlab_allocate(f->context, 12 * (int64_t)seeds, sizeof *f->plan);
  if (!f->plan) return CUTLAB_ERROR_MEMORY;
  for (int p = 0; p < 2; ++p)
    for (int m = 0; m < 3; ++m)
      for (int s = 0; s < 2; ++s)
        for (int seed = 0; seed < seeds; ++seed) {
          planned *run = &f->plan[f->runs++];
          *run =
              (planned){f, presets[p], samplings[s], methods[m], first_seed + seed, 0, "", false};
          snprintf(run->folder, sizeof run->folder, "%s-%s/%s-seed%lld", run->preset, run->sampling,
                   run->method, (long long)run->seed);
        }
  return CUTLAB_OK;
}

static cutlab_status configure(cutlab_context *context, cutlab_experiment *x, const planned *run) {
  char seed[32];
  snprintf(seed, sizeof seed, "%lld", (long long)run->seed);
  CUTLAB_TRY(cutlab_experiment_set_preset(context, x, run->preset));
  for (int i = 0; i < run->farm->override_count; ++i) {
    char key[64];
    const char *text = run->farm->overrides[i], *equals = strchr(text, '=');
    if (!equals || equals == text || equals - text >= (long)sizeof key)
      return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT, "'%s' is not of the form key=value", text);
    memcpy(key, text, (size_t)(equals - text));
    key[equals - text] = 0;
    if (strcmp(key, "method") == 0 || strcmp(key, "seed") == 0 || strcmp(key, "sampling") == 0)
      return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                         "%s cannot be set for all runs: every method and sampling is run, with "
                         "the seeds of --seeds and --first-seed",
                         key);
    CUTLAB_TRY(cutlab_experiment_set(context, x, key, equals + 1));
  }
  CUTLAB_TRY(cutlab_experiment_set(context, x, "sampling", run->sampling));
  CUTLAB_TRY(cutlab_experiment_set(context, x, "method", run->method));
  CUTLAB_TRY(cutlab_experiment_set(context, x, "seed", seed));
  return cutlab_experiment_validate(context, x);
}

/* Counts a run's iterations; on the calling thread the caller's callback hears the sum. */
static int count_progress(void *user, const cutlab_progress *progress) {
  planned *run = user;
  farm *f = run->farm;
  if (progress->total) { /* iterations, not a part of a measurement */
    atomic_fetch_add(&f->done, progress->done - run->done);
    run->done = progress->done;
  }
  if (run->leader && !atomic_load(&f->stop) &&
      cutlab_report_progress(f->context, "reproduce", atomic_load(&f->done),
                             atomic_load(&f->total)) != CUTLAB_OK)
    atomic_store(&f->stop, true);
  return atomic_load(&f->stop);
}

static cutlab_status do_run(cutlab_context *context, planned *run) {
  char *folder = cutlab_path_join(context, run->farm->folder, run->folder);
  char *record = folder ? cutlab_path_join(context, folder, "run.json") : NULL;
  cutlab_experiment *x = NULL;
  cutlab_status status = record ? cutlab_experiment_create(context, &x) : CUTLAB_ERROR_MEMORY;
  if (status == CUTLAB_OK) status = configure(context, x, run);
  if (status == CUTLAB_OK)
    status = cutlab_file_exists(record) ? cutlab_run_resume(context, NULL, folder)
                                        : cutlab_run_execute(context, NULL, x, NULL, folder);
  if (status == CUTLAB_OK) atomic_fetch_add(&run->farm->done, x->iterations - run->done);
  cutlab_experiment_free(x);
  free(record);
  free(folder);
  return status;
}

/* Fails where the run in `folder` was made with a parameter of another value. */
static cutlab_status compare(cutlab_context *context, const cutlab_experiment *x,
                             const char *folder) {
  cutlab_experiment *there;
  char *dataset_path = NULL;
  CUTLAB_TRY(cutlab_experiment_create(context, &there));
  cutlab_status status = cutlab_run_read(context, there, &dataset_path, folder);
  free(dataset_path);
  const cutlab_parameter *parameter;
  for (int i = 0; status == CUTLAB_OK && (parameter = cutlab_experiment_parameter(i)); ++i) {
    char *old = cutlab_experiment_get(there, parameter->name);
    char *new = cutlab_experiment_get(x, parameter->name);
    if (!old || !new)
      status = cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory: parameters");
    else if (strcmp(old, new) != 0)
      status = cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                           "%s holds a run with %s=%s, not %s; choose another folder", folder,
                           parameter->name, old, new);
    cutlab_free(old);
    cutlab_free(new);
  }
  cutlab_experiment_free(there);
  return status;
}

static cutlab_status check_folder(farm *f, const cutlab_experiment *x, const planned *run) {
  char *folder = cutlab_path_join(f->context, f->folder, run->folder);
  char *record = folder ? cutlab_path_join(f->context, folder, "run.json") : NULL;
  cutlab_status status = record ? CUTLAB_OK : CUTLAB_ERROR_MEMORY;
  if (record && cutlab_file_exists(record)) status = compare(f->context, x, folder);
  free(record);
  free(folder);
  return status;
}

/* Checks every configuration before the first run starts, and counts iterations. */
static cutlab_status check_plan(farm *f) {
  for (int i = 0; i < f->runs; ++i) {
    cutlab_experiment *x;
    CUTLAB_TRY(cutlab_experiment_create(f->context, &x));
    cutlab_status status = configure(f->context, x, &f->plan[i]);
    if (status == CUTLAB_OK) status = check_folder(f, x, &f->plan[i]);
    f->total += x->iterations;
    cutlab_experiment_free(x);
    if (status != CUTLAB_OK) return status;
  }
  return cutlab_folder_make(f->context, f->folder);
}

static cutlab_status run_farm(farm *f) {
  cutlab_status worst = CUTLAB_OK;
  int threads = cutlab_context_threads(f->context);
#pragma omp parallel num_threads(threads)
  {
    cutlab_context *own = NULL;
    cutlab_status status = cutlab_context_fork(&own, f->context);
#pragma omp for schedule(dynamic, 1)
    for (int i = 0; i < f->runs; ++i) {
      if (status != CUTLAB_OK || atomic_load(&f->stop)) continue;
      cutlab_context_set_progress(own, count_progress, &f->plan[i]);
      f->plan[i].leader = omp_get_thread_num() == 0;
      status = do_run(own, &f->plan[i]);
      if (status != CUTLAB_OK) atomic_store(&f->stop, true);
    }
#pragma omp critical
    if (status != CUTLAB_OK && (worst == CUTLAB_OK || worst == CUTLAB_CANCELLED)) {
      worst = own ? cutlab_fail_from(f->context, status, own)
                  : cutlab_fail(f->context, status, "out of memory: context");
    }
    cutlab_context_free(own);
  }
  return worst;
}

cutlab_status cutlab_reproduce(cutlab_context *context, const char *folder, int64_t first_seed,
                               int seeds, const char *const *overrides, int override_count) {
  if (seeds < 1 || seeds > 10000 || first_seed < 0)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                       "seeds is %d from %lld on; accepted: 1 to 10000, from 0 on", seeds,
                       (long long)first_seed);
  farm f = {.context = context,
            .folder = folder,
            .overrides = overrides,
            .override_count = override_count};
  cutlab_status status = make_plan(&f, first_seed, seeds);
  if (status == CUTLAB_OK) status = check_plan(&f);
  if (status == CUTLAB_OK) status = run_farm(&f);
  free(f.plan);
  return status;
}
