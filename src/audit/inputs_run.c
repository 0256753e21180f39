/* Finished trainings: run.json, and the predictions that lie beside it. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "audit/inputs.h"
#include "base/file.h"
#include "data/collection_internal.h"
#include "train/run.h"

const json_t *cutlab_audit_setting(const cutlab_audit_input *run, const char *name) {
  return json_object_get(json_object_get(run->record, "settings"), name);
}

static cutlab_status check_record(cutlab_context *context, const json_t *record, const char *path) {
  const char *format = json_string_value(json_object_get(record, "format"));
  if (!format || strcmp(format, "cutlab-training") != 0)
    return cutlab_fail(context, CUTLAB_ERROR_FORMAT,
                       "%s: the format is %.80s; accepted: cutlab-training, a folder that cutlab "
                       "train made",
                       path, format ? format : "missing");
  if (cutlab_json_get_number(record, "format_version", 0) != cutlab_training_run_version)
    return cutlab_fail(context, CUTLAB_ERROR_FORMAT, "%s: not of format version %d", path,
                       cutlab_training_run_version);
  return CUTLAB_OK;
}

static cutlab_status take_settings(cutlab_context *context, cutlab_audit_input *run,
                                   const char *path) {
  static const char *const texts[] = {"method", "policy", "fold"};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; ++i)
    if (!json_is_string(cutlab_audit_setting(run, texts[i])))
      return cutlab_fail(context, CUTLAB_ERROR_FORMAT, "%s: setting \"%s\" is not a text", path,
                         texts[i]);
  if (!json_is_integer(cutlab_audit_setting(run, "seed")))
    return cutlab_fail(context, CUTLAB_ERROR_FORMAT, "%s: setting \"seed\" is not an integer",
                       path);
  const json_t *data = json_object_get(run->record, "data");
  const char *fingerprint = json_string_value(json_object_get(data, "fingerprint"));
  if (!fingerprint)
    return cutlab_fail(context, CUTLAB_ERROR_FORMAT, "%s: no \"fingerprint\" of the data", path);
  run->seed = json_integer_value(cutlab_audit_setting(run, "seed"));
  const char *fold = json_string_value(cutlab_audit_setting(run, "fold"));
  if (cutlab_fold_parse(context, &run->fold, &run->folds, fold) != CUTLAB_OK)
    return cutlab_fail(context, CUTLAB_ERROR_FORMAT, "%s: %s", path,
                       cutlab_context_message(context));
  run->held_out = run->folds > 0;
  run->fingerprint = strdup(fingerprint);
  return run->fingerprint ? CUTLAB_OK
                          : cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory: %s", path);
}

static cutlab_status read_record(cutlab_context *context, cutlab_audit_input *run,
                                 const char *path) {
  char *text;
  size_t size;
  CUTLAB_TRY(cutlab_file_read(context, &text, &size, path, 0));
  cutlab_status status = cutlab_json_parse(context, &run->record, text, path);
  free(text);
  return status;
}

static bool is_simulation(const cutlab_audit_input *run) {
  const char *format = json_string_value(json_object_get(run->record, "format"));
  return format && strcmp(format, "cutlab-run") == 0;
}

static cutlab_status check_finished(cutlab_context *context, const cutlab_audit_input *run) {
  char *path = cutlab_path_join(context, run->name, "result.json");
  if (!path) return CUTLAB_ERROR_MEMORY;
  bool finished = cutlab_file_exists(path);
  free(path);
  if (finished) return CUTLAB_OK;
  return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                     "%s: the training has not finished; go on with cutlab train --resume %s",
                     run->name, run->name);
}

/* Trained on all examples, and without any to test. */
static bool predicts_nothing(const cutlab_audit_input *run) {
  const json_t *data = json_object_get(run->record, "data");
  return !run->held_out && cutlab_json_get_number(data, "test", 1) == 0;
}

static cutlab_status refuse_missing(cutlab_context *context, const cutlab_audit_input *run,
                                    const char *name) {
  if (predicts_nothing(run))
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                       "%s: no %s; accepted: a training with fold=I/K, or with test data",
                       run->name, name);
  return cutlab_fail(context, CUTLAB_ERROR_FORMAT, "%s has finished, but has no %s", run->name,
                     name);
}

static cutlab_status take_logits(cutlab_context *context, cutlab_audit_input *run,
                                 const cutlab_audit_file *file) {
  const cutlab_array *logits = file->is_npz ? cutlab_audit_member(file, "logits") : NULL;
  if (!logits || !cutlab_audit_member(file, "labels") ||
      (run->held_out && !cutlab_audit_member(file, "indices")))
    return cutlab_fail(context, CUTLAB_ERROR_FORMAT,
                       "%s: a member is missing; accepted: logits, labels%s", file->path,
                       run->held_out ? " and indices" : "");
  return cutlab_audit_take(context, run, file, logits, CUTLAB_AUDIT_LOGITS);
}

/* A training that has finished does not write its predictions again. */
static cutlab_status read_logits(cutlab_context *context, cutlab_audit_input *run) {
  const char *name = run->held_out ? "heldout.npz" : "logits.npz";
  char *path = cutlab_path_join(context, run->name, name);
  if (!path) return CUTLAB_ERROR_MEMORY;
  cutlab_audit_file file = {0};
  cutlab_status status = cutlab_file_exists(path) ? cutlab_audit_open(context, &file, path)
                                                  : refuse_missing(context, run, name);
  if (status == CUTLAB_OK) status = take_logits(context, run, &file);
  cutlab_audit_close(&file);
  free(path);
  if (status != CUTLAB_ERROR_FORMAT) return status;
  return cutlab_fail(context, status, "%s; remove the folder %s and %s again",
                     cutlab_context_message(context), run->name,
                     run->held_out ? "run cutlab audit train" : "train");
}

/* The folder's name without slashes at its end, unless it is the root. */
static cutlab_status take_name(cutlab_context *context, cutlab_audit_input *run,
                               const char *folder) {
  size_t length = strlen(folder);
  while (length > 1 && folder[length - 1] == '/') --length;
  run->name = strndup(folder, length);
  return run->name ? CUTLAB_OK
                   : cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory: %s", folder);
}

/* `found`: below a folder that was named, where what has no predictions is left out. */
static cutlab_status read_run(cutlab_context *context, cutlab_audit_input *run, bool *left_out,
                              const char *path, bool found) {
  CUTLAB_TRY(read_record(context, run, path));
  *left_out = found && is_simulation(run);
  if (*left_out) return CUTLAB_OK;
  CUTLAB_TRY(check_record(context, run->record, path));
  CUTLAB_TRY(take_settings(context, run, path));
  *left_out = found && predicts_nothing(run);
  if (*left_out) {
    cutlab_warn(context, "%s has no test data and is left out", run->name);
    return CUTLAB_OK;
  }
  CUTLAB_TRY(check_finished(context, run));
  return read_logits(context, run);
}

static cutlab_status add_run(cutlab_context *context, cutlab_audit *audit, const char *folder,
                             bool found) {
  cutlab_audit_input run = {.is_run = true};
  bool left_out = false;
  char *path = cutlab_path_join(context, folder, "run.json");
  cutlab_status status = path ? take_name(context, &run, folder) : CUTLAB_ERROR_MEMORY;
  if (status == CUTLAB_OK) status = read_run(context, &run, &left_out, path, found);
  free(path);
  if (status == CUTLAB_OK && !left_out) return cutlab_audit_append(context, audit, &run);
  cutlab_audit_clear_input(&run);
  return status;
}

cutlab_status cutlab_audit_add_run(cutlab_context *context, cutlab_audit *audit,
                                   const char *folder) {
  return add_run(context, audit, folder, false);
}

cutlab_status cutlab_audit_add_found(cutlab_context *context, cutlab_audit *audit,
                                     const char *folder) {
  return add_run(context, audit, folder, true);
}
