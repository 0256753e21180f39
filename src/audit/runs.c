/* What is particular to runs: adding all those below a folder, and the data that they know. */
#include <stdlib.h>
#include <string.h>

#include "audit/inputs.h"
#include "base/file.h"
#include "base/run_folders.h"
#include "train/run.h"

/* Runs below a folder that was named. */
typedef struct walk {
  cutlab_audit *audit;
  const char *named;
} walk;

/* A training that is still under way among others is no reason to wait for it. */
static cutlab_status visit(cutlab_context *context, void *user, const char *folder) {
  const walk *w = user;
  if (strcmp(folder, w->named) == 0) return cutlab_audit_add_run(context, w->audit, folder);
  char *result = cutlab_path_join(context, folder, "result.json");
  if (!result) return CUTLAB_ERROR_MEMORY;
  bool finished = cutlab_file_exists(result);
  free(result);
  if (finished) return cutlab_audit_add_found(context, w->audit, folder);
  cutlab_warn(context, "%s has not finished and is left out", folder);
  return CUTLAB_OK;
}

cutlab_status cutlab_audit_add_runs(cutlab_context *context, cutlab_audit *audit,
                                    const char *folder) {
  walk w = {audit, folder};
  int from = audit->input_count;
  CUTLAB_TRY(cutlab_run_folders_visit(context, folder, visit, &w, true));
  return cutlab_audit_keep_fitting(context, audit, from, folder);
}

static const cutlab_audit_input *first_run(const cutlab_audit *audit) {
  for (int i = 0; i < audit->input_count; ++i)
    if (audit->inputs[i].record) return &audit->inputs[i];
  return NULL;
}

static cutlab_status take_settings(cutlab_context *context, cutlab_training *training,
                                   const cutlab_audit_input *run) {
  char *text;
  json_t *settings = json_object_get(run->record, "settings");
  CUTLAB_TRY(cutlab_json_text(context, &text, json_incref(settings), 0));
  cutlab_status status = cutlab_training_from_json(context, training, text);
  cutlab_free(text);
  return status;
}

/* Without its data an audit only lacks pictures. */
cutlab_status cutlab_audit_own_images(cutlab_context *context, cutlab_audit *audit) {
  const cutlab_audit_input *run = first_run(audit);
  if (!run) return CUTLAB_OK;
  cutlab_training *training;
  CUTLAB_TRY(cutlab_training_create(context, &training));
  cutlab_status status = take_settings(context, training, run);
  if (status == CUTLAB_OK) {
    cutlab_collection_source source = cutlab_trainer_source(training);
    source.fold = NULL;
    status = cutlab_audit_set_images(context, audit, &source);
  }
  cutlab_training_free(training);
  if (status == CUTLAB_OK || status == CUTLAB_CANCELLED || status == CUTLAB_ERROR_MEMORY)
    return status;
  cutlab_warn(context, "no pictures: %s", cutlab_context_message(context));
  return CUTLAB_OK;
}
