/* Training real networks: settings by name, runs in folders, resuming, predictions. */
#ifndef CUTLAB_TRAIN_H
#define CUTLAB_TRAIN_H

#include <cutlab/collection.h>
#include <cutlab/experiment.h>
#include <cutlab/network.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Every setting that one training depends on. */
typedef struct cutlab_training cutlab_training;

/* Every setting at its default. Release with cutlab_training_free. */
CUTLAB_API cutlab_status cutlab_training_create(cutlab_context *context,
                                                cutlab_training **training);
CUTLAB_API void cutlab_training_free(cutlab_training *training);
/* Sets one setting from text, as cutlab_experiment_set does. `dataset` also brings that data set's
   recipe: the settings it recommends, for those that are not set by name, before or after. */
CUTLAB_API cutlab_status cutlab_training_set(cutlab_context *context, cutlab_training *training,
                                             const char *key, const char *value);
/* Sets what a YAML file says: a flat mapping of settings. */
CUTLAB_API cutlab_status cutlab_training_load_yaml(cutlab_context *context,
                                                   cutlab_training *training, const char *path);
/* Checks rules across settings. */
CUTLAB_API cutlab_status cutlab_training_validate(cutlab_context *context,
                                                  const cutlab_training *training);
CUTLAB_API cutlab_status cutlab_training_to_json(cutlab_context *context, char **text,
                                                 const cutlab_training *training);
/* YAML that load_yaml reads back. */
CUTLAB_API cutlab_status cutlab_training_to_yaml(cutlab_context *context, char **text,
                                                 const cutlab_training *training);
CUTLAB_API cutlab_status cutlab_training_from_json(cutlab_context *context,
                                                   cutlab_training *training, const char *text);
/* The value of one setting as the text that `set` accepts; release with cutlab_free. */
CUTLAB_API char *cutlab_training_get(const cutlab_training *training, const char *key);
/* The table of settings: row i, or NULL past the end. Static storage. */
CUTLAB_API const cutlab_parameter *cutlab_training_parameter(int i);
/* The recipe of data set i as YAML, its name through `name`; NULL past the end. */
CUTLAB_API const char *cutlab_training_recipe(int i, const char **name);

/* Trains in `folder` (created; an existing run there is refused), which then holds run.json,
   metrics.jsonl, metrics.csv, TensorBoard events, checkpoints/ and at the end logits.npz,
   result.json and what settings ask for (docs/file-formats.md). `*result` (may be NULL) is the text
   of result.json. Cancelling writes a checkpoint and returns CUTLAB_CANCELLED; before
   the training has started it leaves no folder. */
CUTLAB_API cutlab_status cutlab_train_execute(cutlab_context *context, char **result,
                                              const cutlab_training *training, const char *folder);
/* Continues from the last checkpoint, bit-identically; a finished run returns its result at once.
 */
CUTLAB_API cutlab_status cutlab_train_resume(cutlab_context *context, char **result,
                                             const char *folder);
/* Says where a run's data are now, finished or not: what reads them later looks for them there.
   CUTLAB_ERROR_FORMAT, and nothing has changed, where they are others, by their fingerprint. */
CUTLAB_API cutlab_status cutlab_train_relocate(cutlab_context *context, const char *folder,
                                               const char *path);
/* What a training needs before it starts: model table, memory, steps. Release with cutlab_free. */
CUTLAB_API cutlab_status cutlab_train_describe(cutlab_context *context, char **text,
                                               const cutlab_training *training);

/* Logits of a run's last checkpoint (or `checkpoint`, a file) on the test part of `source` (NULL:
   the run's own data, unchanged; one without a dataset: the same, at its path), written to `out`
   (may be NULL) as .npz: logits [N][classes] float32, labels [N] int64, predictions [N] int64.
   `*summary` (may be NULL): JSON with examples, accuracy and loss. */
CUTLAB_API cutlab_status cutlab_train_predict(cutlab_context *context, char **summary,
                                              const char *folder, const char *checkpoint,
                                              const cutlab_collection_source *source,
                                              const char *out);

/* Writes, from a finished training with log_examples=yes, what the dataset cartography tool of
   Swayamdipta et al. 2020 reads (its td_metrics.jsonl): a JSON object a line for every training
   example, whose guid is its place in the whole training part. */
CUTLAB_API cutlab_status cutlab_train_cartography(cutlab_context *context, const char *folder,
                                                  const char *out);

#ifdef __cplusplus
}
#endif
#endif
