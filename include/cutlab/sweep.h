/* Sweeps: many small trainings over a grid of parameters, journalled, resumable, divisible among
   machines. docs/sweeps.md describes specs, docs/file-formats.md the files of a sweep's folder. */
#ifndef CUTLAB_SWEEP_H
#define CUTLAB_SWEEP_H

#include <stdint.h>

#include <cutlab/context.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cutlab_sweep cutlab_sweep;

/* Reads a spec (YAML, at most 1 MiB); errors give file, line and column. Release with
   cutlab_sweep_free; the context must outlive it. */
CUTLAB_API cutlab_status cutlab_sweep_load(cutlab_context *context, cutlab_sweep **sweep,
                                           const char *path);
/* A spec that comes with the library: "phase-diagram", "benign-overfitting", ... */
CUTLAB_API cutlab_status cutlab_sweep_load_preset(cutlab_context *context, cutlab_sweep **sweep,
                                                  const char *name);
/* The name of preset i and, if `yaml` is not NULL, its text; NULL past the end. */
CUTLAB_API const char *cutlab_sweep_preset(int i, const char **yaml);
CUTLAB_API void cutlab_sweep_free(cutlab_sweep *sweep);

/* Sets a parameter, an axis (`rho`, "[0.1, 0.2]") or another key of a spec (`seeds`, `measure`,
   ...), as if the spec said so. */
CUTLAB_API cutlab_status cutlab_sweep_set(cutlab_sweep *sweep, const char *key, const char *value);

/* What a sweep would do. `seconds` is estimated from a few of its trainings, run for the purpose.
 */
typedef struct cutlab_sweep_plan {
  int64_t cells, runs; /* runs = cells x seeds */
  int64_t done;        /* finished ones in the folder's journal */
  double seconds;      /* for the rest, on the context's threads and ranks */
} cutlab_sweep_plan;

/* `folder` may be NULL or absent: nothing is done yet. */
CUTLAB_API cutlab_status cutlab_sweep_estimate(cutlab_sweep *sweep, cutlab_sweep_plan *plan,
                                               const char *folder);

typedef struct cutlab_sweep_options {
  int64_t shard, shards; /* this process does runs shard, shard + shards, ...; shards 0: all */
} cutlab_sweep_options;

/* Does the runs that the journal in `folder` lacks or, with a warning, has as damaged rows, on the
   context's threads and, where it has joined others, on all ranks; then writes the results.
   `options` may be NULL: all runs. CUTLAB_CANCELLED keeps every finished run; a kill or a full disk
   loses those in flight and what was finished in the last few milliseconds, or on other ranks in
   the last tenth of a second. The same call goes on. A shard writes its journal alone. */
CUTLAB_API cutlab_status cutlab_sweep_run(cutlab_sweep *sweep, const char *folder,
                                          const cutlab_sweep_options *options);
/* Gathers the journals of all shards in `folder` and writes the results; says which runs are
   missing (CUTLAB_ERROR_ARGUMENT) where shards are not done. */
CUTLAB_API cutlab_status cutlab_sweep_merge(cutlab_sweep *sweep, const char *folder);
/* Whether cutlab_report_sweep would take "MEASURE=FILE" as a reference of the results: a measure of
   the sweep, one map, and a matrix of its shape. */
CUTLAB_API cutlab_status cutlab_sweep_check_reference(cutlab_sweep *sweep, const char *text);
/* After either: one JSON object with name, cells, runs, mine (runs of this shard), done, failed,
   first_failure (text or null) and measures, for each the least, mean and most over cells. Owned by
   the sweep, until its next call; NULL before, and on ranks above 0. */
CUTLAB_API const char *cutlab_sweep_summary(const cutlab_sweep *sweep);
CUTLAB_API const char *cutlab_sweep_name(const cutlab_sweep *sweep);

#ifdef __cplusplus
}
#endif
#endif
