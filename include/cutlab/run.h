/* Runs: one training in one folder, resumable. docs/file-formats.md describes the files. */
#ifndef CUTLAB_RUN_H
#define CUTLAB_RUN_H

#include <cutlab/dataset.h>
#include <cutlab/experiment.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Trains what the experiment says, logging as it says. `folder` NULL keeps everything in
   memory; otherwise it is created (an existing run there is refused) and holds run.json,
   metrics.jsonl, checkpoint.npz and at the end result.json and trajectory.npz.
   `dataset_path` NULL draws the data. `*result` (may be NULL) is the JSON object that
   `cutlab simulate --json` prints; release with cutlab_free. Cancelling returns
   CUTLAB_CANCELLED with everything logged so far on disk. */
CUTLAB_API cutlab_status cutlab_run_execute(cutlab_context *context, char **result,
                                            const cutlab_experiment *experiment,
                                            const char *dataset_path, const char *folder);
/* Continues a run to its end, bit-identically; a finished run returns its result at once. */
CUTLAB_API cutlab_status cutlab_run_resume(cutlab_context *context, char **result,
                                           const char *folder);

/* A readable summary of a result (the JSON text that execute and resume give): the features
   with their outputs, losses, accuracies and speed. Release with cutlab_free. */
CUTLAB_API cutlab_status cutlab_run_summary(cutlab_context *context, char **text,
                                            const char *result_json);

/* The paper's experiments: every method, `seeds` seeds from `first_seed` on, presets `paper`
   and `theory`, stratified and independent draws, as run folders
   FOLDER/PRESET-SAMPLING/METHOD-seedN. Finished runs are kept, unfinished ones resumed, so
   that a second call only does what is missing. Runs go in parallel on the context's
   threads. `overrides` are "key=value" texts for every run. */
CUTLAB_API cutlab_status cutlab_reproduce(cutlab_context *context, const char *folder,
                                          int64_t first_seed, int seeds,
                                          const char *const *overrides, int override_count);

#ifdef __cplusplus
}
#endif
#endif
