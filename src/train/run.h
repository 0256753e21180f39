/* A training at work: everything that it holds, from opening to the result. */
#ifndef CUTLAB_TRAIN_RUN_H
#define CUTLAB_TRAIN_RUN_H

#include "base/json.h"
#include "train/checkpoint.h"
#include "train/loader.h"
#include "train/loop_evaluate.h"
#include "train/memory.h"
#include "train/metrics.h"

enum { cutlab_training_run_version = 1 }; /* of run.json */

/* Zero before the first use. */
typedef struct cutlab_trainer {
  cutlab_context *context;
  const struct cutlab_training *settings;
  const char *folder; /* NULL: only described */
  cutlab_collection collection;
  cutlab_model *model;
  cutlab_network *network;
  cutlab_policy *policy, *evaluation; /* of training batches; the normalisation alone */
  cutlab_batch_source source;
  cutlab_optimiser optimiser;
  cutlab_evaluator evaluator;
  cutlab_memory_need need;
  int64_t steps_per_epoch;
  char *checkpoints; /* their folder */
  char identity[17]; /* tells runs that compute other numbers from this one; "": none */
  cutlab_metrics metrics;
  cutlab_position position;
  float *test_logits;  /* [test.count][classes] after `tested` epochs */
  int64_t tested;      /* -1: never */
  cutlab_outcome held; /* of the examples held out, once trained */
} cutlab_trainer;

/* Opens data, model, network and policies, checks that memory will do and draws the initial values.
 */
cutlab_status cutlab_trainer_open(cutlab_trainer *trainer, cutlab_context *context,
                                  const struct cutlab_training *settings, const char *folder);
void cutlab_trainer_close(cutlab_trainer *trainer);
/* Fills what a run's own data come from. */
cutlab_collection_source cutlab_trainer_source(const struct cutlab_training *settings);
int64_t cutlab_trainer_parameters(const cutlab_model *model);

/* run.json of a new run, with its identity, which the trainer and its checkpoints then have too. */
cutlab_status cutlab_trainer_record(cutlab_trainer *trainer, json_t **record);
/* result.json, from the lines of the metrics. */
json_t *cutlab_trainer_result(const cutlab_trainer *trainer);
/* Reads run.json of a folder: `settings` (made by the caller) and the whole (`*record`). */
cutlab_status cutlab_trainer_read(cutlab_context *context, struct cutlab_training *settings,
                                  json_t **record, const char *folder);
/* Fails unless the data are those that the run of `record` began with; `path` is where they were
   read, or NULL. */
cutlab_status cutlab_trainer_check_data(cutlab_context *context, const cutlab_collection *data,
                                        const json_t *record, const char *folder, const char *path);
cutlab_status cutlab_trainer_write_json(cutlab_context *context, const char *folder,
                                        const char *name, json_t *value);

/* Trains in `folder`, goes on with the run there, whose settings are its own (its data may have
   moved), or, where that has finished, gives its result: under one lock, so that several processes
   may do this at once. NULL as `training`: no run is begun. *busy (may be NULL): CUTLAB_ERROR_IO is
   returned because another process is training there. */
cutlab_status cutlab_train_share(cutlab_context *context, char **result, bool *busy,
                                 const cutlab_training *training, const char *folder);

#endif
