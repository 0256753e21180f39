/* Carrying out a training in its folder, and continuing it. */
#include "train/run.h"

#include <dirent.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/lock.h"
#include "train/checkpoint_files.h"
#include "train/examples.h"
#include "train/loop.h"

static cutlab_status open_metrics(cutlab_trainer *t) {
  const cutlab_metrics_wanted wanted = {t->settings->clean_accuracy, t->settings->log_steps,
                                        t->collection.probes.feature_count};
  return cutlab_metrics_open(t->context, &t->metrics, t->folder, &wanted, t->position.epoch,
                             t->position.epoch * t->steps_per_epoch + t->position.step);
}

static cutlab_status write_logits(cutlab_trainer *t, const char *name, float *logits,
                                  const cutlab_examples *examples) {
  char *path = cutlab_path_join(t->context, t->folder, name);
  if (!path) return CUTLAB_ERROR_MEMORY;
  cutlab_status status =
      cutlab_logits_write(t->context, path, logits, examples, t->collection.classes);
  free(path);
  return status;
}

/* Of the last epoch; evaluated again if another process trained it. */
static cutlab_status write_test(cutlab_trainer *t) {
  const cutlab_examples *test = &t->collection.test;
  if (!test->count) return CUTLAB_OK;
  t->evaluator.what = "test logits";
  if (t->tested != t->position.epoch)
    CUTLAB_TRY(cutlab_evaluate(t->context, &t->evaluator, NULL, t->test_logits, test));
  return write_logits(t, "logits.npz", t->test_logits, test);
}

/* Only now: what is held out is looked at once. */
static cutlab_status write_held(cutlab_trainer *t) {
  const cutlab_examples *held = &t->collection.held;
  if (!held->count) return CUTLAB_OK;
  float *logits = cutlab_allocate(t->context, held->count * t->collection.classes, sizeof *logits);
  if (!logits) return CUTLAB_ERROR_MEMORY;
  t->evaluator.what = "held-out logits";
  cutlab_status status = cutlab_evaluate(t->context, &t->evaluator, &t->held, logits, held);
  if (status == CUTLAB_OK) status = write_logits(t, "heldout.npz", logits, held);
  free(logits);
  return status;
}

static cutlab_status write_difficulty(cutlab_trainer *t) {
  if (!t->settings->log_examples) return CUTLAB_OK;
  return cutlab_examples_summarise(t->context, t->folder, &t->collection.train, t->position.epoch);
}

/* Whatever the labels, mixed or smoothed, equal probabilities for all classes have the loss
   ln(classes). In a short trial a few steps at the start may outweigh all other losses of an epoch,
   but not its accuracies: a network that guesses half again as well as chance, and whose loss has
   not risen since the first epoch, is left to learn. */
static void warn_of_loss(const cutlab_trainer *t) {
  double classes = (double)t->collection.classes, guessing = log(classes);
  const json_t *last = cutlab_metrics_last(&t->metrics);
  double loss = cutlab_json_get_number(last, "train_loss", NAN),
         first = cutlab_json_get_number(json_array_get(t->metrics.lines, 0), "train_loss", NAN),
         accuracy = cutlab_json_get_number(last, "train_accuracy", NAN);
  if (!(loss > guessing) || (accuracy >= 1.5 / classes && loss <= first)) return;
  cutlab_warn(t->context,
              "%s: the loss of the last epoch, %.4g, is above that of guessing, %.4g; a lower "
              "learning_rate (%g), more epochs (%" PRId64 ") or a smaller batch may help",
              t->folder, loss, guessing, t->settings->learning_rate, t->settings->epochs);
}

/* Trains to the end and writes what is there only then. What the examples' difficulty needs of
   earlier epochs is looked for at once, not after hours. */
static cutlab_status train(cutlab_trainer *t, char **result) {
  CUTLAB_TRY(open_metrics(t));
  if (t->settings->log_examples)
    CUTLAB_TRY(cutlab_examples_check(t->context, t->folder, t->position.epoch));
  CUTLAB_TRY(cutlab_loop(t));
  warn_of_loss(t);
  CUTLAB_TRY(write_test(t));
  CUTLAB_TRY(write_held(t));
  CUTLAB_TRY(write_difficulty(t));
  json_t *json = cutlab_trainer_result(t);
  if (!json) return cutlab_fail(t->context, CUTLAB_ERROR_MEMORY, "out of memory: result.json");
  cutlab_status status =
      cutlab_trainer_write_json(t->context, t->folder, "result.json", json_incref(json));
  if (status != CUTLAB_OK || !result) {
    json_decref(json);
    return status;
  }
  return cutlab_json_text(t->context, result, json, 2);
}

/* Whether a training that ended early may have left it: by what its name begins with. */
static bool may_be_ours(const char *name) {
  static const char *const ours[] = {
      ".",          "lock",        "checkpoints",          "run.json",    "metrics.", "steps.jsonl",
      "logits.npz", "result.json", "events.out.tfevents.", "heldout.npz", "examples", "difficulty.",
      NULL};
  for (int i = 0; ours[i]; ++i)
    if (strncmp(name, ours[i], strlen(ours[i])) == 0) return true;
  return false;
}

/* Refuses a folder with things in it that no training wrote, such as data. */
static cutlab_status check_foreign(cutlab_context *context, const char *folder) {
  struct stat what;
  if (stat(folder, &what) == 0 && !S_ISDIR(what.st_mode))
    return cutlab_fail(context, CUTLAB_ERROR_IO, "%s is a file; accepted: a new folder", folder);
  DIR *entries = opendir(folder);
  if (!entries) return CUTLAB_OK; /* making it says what is wrong, if anything */
  const struct dirent *entry = readdir(entries);
  while (entry && may_be_ours(entry->d_name)) entry = readdir(entries);
  cutlab_status status =
      entry ? cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                          "%s holds other things (%.80s); accepted: a new or empty folder", folder,
                          entry->d_name)
            : CUTLAB_OK;
  closedir(entries);
  return status;
}

/* Refuses a folder with a run, or with checkpoints whose run is gone: they would pass for those of
   the new one. */
static cutlab_status check_untaken(cutlab_context *context, const char *folder) {
  CUTLAB_TRY(check_foreign(context, folder));
  char *path = cutlab_path_join(context, folder, "run.json");
  char *checkpoints = cutlab_path_join(context, folder, "checkpoints");
  int64_t *steps = NULL;
  int count = 0;
  cutlab_status status = CUTLAB_ERROR_MEMORY;
  if (path && checkpoints) status = cutlab_checkpoint_list(context, &steps, &count, checkpoints);
  bool taken = path && cutlab_file_exists(path);
  free(steps);
  free(checkpoints);
  free(path);
  if (taken)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                       "%s already holds a run; resume it (--resume) or choose another folder",
                       folder);
  if (status == CUTLAB_OK && count)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                       "%s holds checkpoints without a run.json; choose another folder", folder);
  return status;
}

/* What killed processes left half written; with the lock taken. */
static void clean_up(const cutlab_trainer *t) {
  static const char *const names[] = {
      "run.json",    "metrics.jsonl",  "metrics.csv",    "steps.jsonl", "logits.npz",
      "heldout.npz", "difficulty.npz", "difficulty.csv", "result.json", NULL};
  cutlab_file_remove_temporaries(t->folder, names);
  cutlab_file_remove_temporaries(t->checkpoints, NULL);
  cutlab_examples_clean_up(t->context, t->folder);
}

static cutlab_status begin_locked(cutlab_trainer *t, char **result) {
  json_t *record;
  CUTLAB_TRY(check_untaken(t->context, t->folder)); /* another process may have been faster */
  clean_up(t);
  CUTLAB_TRY(cutlab_trainer_record(t, &record));
  CUTLAB_TRY(cutlab_trainer_write_json(t->context, t->folder, "run.json", record));
  return train(t, result);
}

static cutlab_status begin(cutlab_trainer *t, char **result, bool locked) {
  if (locked) return begin_locked(t, result);
  cutlab_hold hold;
  CUTLAB_TRY(cutlab_hold_take(t->context, &hold, NULL, t->folder));
  cutlab_status status = begin_locked(t, result);
  cutlab_hold_end(t->context, &hold);
  return status;
}

/* A path that holds from any working folder, unless run.json cannot keep it. */
static void make_absolute(char path[cutlab_path_size]) {
  char *real = path[0] ? realpath(path, NULL) : NULL;
  json_t *text = real ? json_string(real) : NULL; /* NULL where it is not UTF-8 */
  if (text && strlen(real) < cutlab_path_size) snprintf(path, cutlab_path_size, "%s", real);
  json_decref(text);
  free(real);
}

/* A copy of settings with an absolute path. NULL with a message. */
static struct cutlab_training *settle(cutlab_context *context, const cutlab_training *training) {
  struct cutlab_training *copy = cutlab_allocate(context, 1, sizeof *copy);
  if (!copy) return NULL;
  *copy = *training;
  make_absolute(copy->path);
  return copy;
}

static cutlab_status execute(cutlab_context *context, char **result,
                             const cutlab_training *training, const char *folder, bool locked) {
  CUTLAB_TRY(check_untaken(context, folder));
  struct cutlab_training *settings = settle(context, training);
  if (!settings) return CUTLAB_ERROR_MEMORY;
  cutlab_trainer trainer;
  cutlab_status status = cutlab_trainer_open(&trainer, context, settings, folder);
  if (status == CUTLAB_OK) status = begin(&trainer, result, locked);
  cutlab_trainer_close(&trainer);
  free(settings);
  return status;
}

/* Opens the data before it makes the folder and the lock. */
cutlab_status cutlab_train_execute(cutlab_context *context, char **result,
                                   const cutlab_training *training, const char *folder) {
  if (result) *result = NULL;
  CUTLAB_TRY(cutlab_training_validate(context, training));
  return execute(context, result, training, folder, false);
}

/* Runs that have no identity take any checkpoint. */
static void take_identity(cutlab_trainer *t, const json_t *record) {
  const char *identity = json_string_value(json_object_get(record, "run"));
  if (!identity) return;
  snprintf(t->identity, sizeof t->identity, "%s", identity);
  t->position.run = t->identity;
}

static cutlab_status restore(cutlab_trainer *t) {
  bool found;
  CUTLAB_TRY(
      cutlab_checkpoint_restore(t->context, t->checkpoints, &t->optimiser, &t->position, &found));
  if (t->position.step <= t->steps_per_epoch && t->position.epoch <= t->settings->epochs)
    return CUTLAB_OK;
  return cutlab_fail(t->context, CUTLAB_ERROR_FORMAT,
                     "%s: the checkpoint stands at epoch %" PRId64 ", step %" PRId64
                     "; accepted: up to %" PRId64 " epochs of %" PRId64 " steps",
                     t->checkpoints, t->position.epoch, t->position.step, t->settings->epochs,
                     t->steps_per_epoch);
}

static cutlab_status continue_run(cutlab_context *context, char **result, const char *folder,
                                  const struct cutlab_training *settings, const json_t *record) {
  cutlab_trainer trainer;
  cutlab_status status = cutlab_trainer_open(&trainer, context, settings, folder);
  if (status == CUTLAB_OK)
    status = cutlab_trainer_check_data(context, &trainer.collection, record, trainer.folder,
                                       cutlab_trainer_source(settings).path);
  if (status == CUTLAB_OK) take_identity(&trainer, record);
  if (status == CUTLAB_OK) clean_up(&trainer);
  if (status == CUTLAB_OK) status = restore(&trainer);
  if (status == CUTLAB_OK) status = train(&trainer, result);
  cutlab_trainer_close(&trainer);
  return status;
}

/* run.json; release both. */
static cutlab_status read_run(cutlab_context *context, cutlab_training **settings, json_t **record,
                              const char *folder) {
  CUTLAB_TRY(cutlab_training_create(context, settings));
  cutlab_status status = cutlab_trainer_read(context, *settings, record, folder);
  if (status == CUTLAB_OK) return CUTLAB_OK;
  cutlab_training_free(*settings);
  return status;
}

static cutlab_status resume_locked(cutlab_context *context, char **result, const char *folder) {
  cutlab_training *settings;
  json_t *record;
  CUTLAB_TRY(read_run(context, &settings, &record, folder));
  cutlab_status status = continue_run(context, result, folder, settings, record);
  json_decref(record);
  cutlab_training_free(settings);
  return status;
}

/* Opens the data where the settings say, and keeps the place if they are the run's. */
static cutlab_status take_place(cutlab_context *context, const struct cutlab_training *settings,
                                json_t *record, const char *folder) {
  cutlab_collection data;
  const cutlab_collection_source source = cutlab_trainer_source(settings);
  CUTLAB_TRY(cutlab_collection_open(context, &data, &source));
  cutlab_status status = cutlab_trainer_check_data(context, &data, record, folder, source.path);
  cutlab_collection_clear(&data);
  if (status != CUTLAB_OK) return status;
  json_object_set_new(json_object_get(record, "settings"), "path", json_string(settings->path));
  return cutlab_trainer_write_json(context, folder, "run.json", json_incref(record));
}

static cutlab_status relocate_locked(cutlab_context *context, const char *folder,
                                     const char *path) {
  cutlab_training *settings;
  json_t *record;
  CUTLAB_TRY(read_run(context, &settings, &record, folder));
  const char *before =
      json_string_value(json_object_get(json_object_get(record, "settings"), "path"));
  cutlab_status status = cutlab_training_set(context, settings, "path", path);
  make_absolute(settings->path);
  bool moved = !before || strcmp(settings->path, before) != 0;
  if (status == CUTLAB_OK && moved) status = take_place(context, settings, record, folder);
  json_decref(record);
  cutlab_training_free(settings);
  return status;
}

/* Leaves no lock in a folder that holds no run. */
static cutlab_status check_run(cutlab_context *context, const char *folder) {
  cutlab_training *settings;
  json_t *record;
  CUTLAB_TRY(read_run(context, &settings, &record, folder));
  json_decref(record);
  cutlab_training_free(settings);
  return CUTLAB_OK;
}

static cutlab_status read_result(cutlab_context *context, char **result, const char *path) {
  char *text;
  size_t size;
  json_t *json;
  CUTLAB_TRY(cutlab_file_read(context, &text, &size, path, 0));
  cutlab_status status = cutlab_json_parse(context, &json, text, path);
  if (status == CUTLAB_OK) json_decref(json);
  if (status == CUTLAB_OK && result)
    *result = text;
  else
    free(text);
  return status;
}

/* The result of a finished run; *finished: whether it is one. */
static cutlab_status take_result(cutlab_context *context, char **result, bool *finished,
                                 const char *folder) {
  char *path = cutlab_path_join(context, folder, "result.json");
  if (!path) return CUTLAB_ERROR_MEMORY;
  *finished = cutlab_file_exists(path);
  cutlab_status status = *finished ? read_result(context, result, path) : CUTLAB_OK;
  free(path);
  return status;
}

static cutlab_status look_for_run(cutlab_context *context, bool *begun, const char *folder) {
  char *path = cutlab_path_join(context, folder, "run.json");
  if (!path) return CUTLAB_ERROR_MEMORY;
  *begun = cutlab_file_exists(path);
  free(path);
  return CUTLAB_OK;
}

/* Another process may have begun or ended the training before this one had the lock. Data that have
   moved since it was begun are where `training` says. */
static cutlab_status share_locked(cutlab_context *context, char **result,
                                  const cutlab_training *training, const char *folder) {
  bool finished, begun;
  CUTLAB_TRY(take_result(context, result, &finished, folder));
  if (finished) return CUTLAB_OK;
  CUTLAB_TRY(look_for_run(context, &begun, folder));
  if (!begun && training) return execute(context, result, training, folder, true);
  if (training) CUTLAB_TRY(relocate_locked(context, folder, training->path));
  return resume_locked(context, result, folder);
}

/* Refuses what needs no lock to be refused; without a training there must be a run in the folder.
 */
static cutlab_status check_place(cutlab_context *context, const cutlab_training *training,
                                 const char *folder) {
  bool begun;
  if (!training) return check_run(context, folder);
  CUTLAB_TRY(look_for_run(context, &begun, folder));
  if (begun) return CUTLAB_OK;
  CUTLAB_TRY(cutlab_training_validate(context, training));
  return check_foreign(context, folder);
}

cutlab_status cutlab_train_share(cutlab_context *context, char **result, bool *busy,
                                 const cutlab_training *training, const char *folder) {
  bool finished;
  cutlab_hold hold;
  if (result) *result = NULL;
  if (busy) *busy = false;
  CUTLAB_TRY(take_result(context, result, &finished, folder));
  if (finished) return CUTLAB_OK;
  CUTLAB_TRY(check_place(context, training, folder));
  CUTLAB_TRY(cutlab_hold_take(context, &hold, busy, folder));
  cutlab_status status = share_locked(context, result, training, folder);
  cutlab_hold_end(context, &hold);
  return status;
}

cutlab_status cutlab_train_resume(cutlab_context *context, char **result, const char *folder) {
  return cutlab_train_share(context, result, NULL, NULL, folder);
}

cutlab_status cutlab_train_relocate(cutlab_context *context, const char *folder, const char *path) {
  cutlab_hold hold;
  CUTLAB_TRY(check_run(context, folder));
  CUTLAB_TRY(cutlab_hold_take(context, &hold, NULL, folder));
  cutlab_status status = relocate_locked(context, folder, path);
  cutlab_hold_end(context, &hold);
  return status;
}
