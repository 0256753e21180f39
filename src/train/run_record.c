/* run.json and result.json. */
#include "train/run.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include <cutlab/version.h>

#include "base/file.h"
#include "base/machine.h"

cutlab_status cutlab_trainer_write_json(cutlab_context *context, const char *folder,
                                        const char *name, json_t *value) {
  char *text = NULL, *path = cutlab_path_join(context, folder, name);
  cutlab_status status = cutlab_json_text(context, &text, value, 2);
  if (status == CUTLAB_OK && !path) status = CUTLAB_ERROR_MEMORY;
  if (status == CUTLAB_OK) status = cutlab_file_write(context, path, text, strlen(text));
  cutlab_free(text);
  free(path);
  return status;
}

/* A name for every class, or null; of folders whose names are not UTF-8 as far as they can be
 * shown.
 */
static json_t *class_names(cutlab_context *context, const cutlab_collection *c) {
  json_t *names = c->class_names ? json_array() : json_null();
  for (int64_t k = 0; c->class_names && k < c->classes; ++k) {
    char *name = cutlab_json_printable(context, c->class_names[k]);
    json_array_append_new(names, name ? json_string(name) : json_null());
    free(name);
  }
  return names;
}

static json_t *data(cutlab_context *context, const cutlab_collection *c) {
  char fingerprint[24];
  snprintf(fingerprint, sizeof fingerprint, "%016" PRIx64, c->fingerprint);
  int64_t listed = c->channels < 16 ? c->channels : 16;
  return json_pack("{s:s,s:I,s:I,s:I,s:[I,I,I],s:I,s:o,s:o,s:o}", "fingerprint", fingerprint,
                   "train", (json_int_t)c->train.count, "test", (json_int_t)c->test.count,
                   "held_out", (json_int_t)c->held.count, "input", (json_int_t)c->channels,
                   (json_int_t)c->height, (json_int_t)c->width, "classes", (json_int_t)c->classes,
                   "class_names", class_names(context, c), "mean",
                   cutlab_json_numbers(c->mean, listed), "deviation",
                   cutlab_json_numbers(c->deviation, listed));
}

cutlab_status cutlab_trainer_check_data(cutlab_context *context, const cutlab_collection *data,
                                        const json_t *record, const char *folder,
                                        const char *path) {
  char now[24];
  const char *then =
      json_string_value(json_object_get(json_object_get(record, "data"), "fingerprint"));
  snprintf(now, sizeof now, "%016" PRIx64, data->fingerprint);
  if (then && strcmp(now, then) == 0) return CUTLAB_OK;
  return cutlab_fail(context, CUTLAB_ERROR_FORMAT,
                     "%s: the data%s%s are not those that the run began with (fingerprint %s, now "
                     "%s); accepted: the same data",
                     folder, path ? " in " : "", path ? path : "", then ? then : "missing", now);
}

static cutlab_status settings_json(cutlab_context *context, json_t **value,
                                   const struct cutlab_training *settings) {
  char *text;
  CUTLAB_TRY(cutlab_training_to_json(context, &text, settings));
  cutlab_status status = cutlab_json_parse(context, value, text, "settings");
  cutlab_free(text);
  return status;
}

/* 16 hexadecimal digits of SHA-256 over all that decides what is computed: settings, model in full
   and data. */
static cutlab_status identify(cutlab_trainer *t, json_t *settings) {
  unsigned char digest[EVP_MAX_MD_SIZE] = {0};
  char *text;
  json_t *decisive = json_copy(settings);
  const cutlab_parameter *row;
  for (int i = 0; (row = cutlab_training_parameter(i)); ++i)
    if (!cutlab_training_decides(row->name)) json_object_del(decisive, row->name);
  json_object_set_new(decisive, "model", json_string(cutlab_model_text(t->model)));
  json_object_set_new(decisive, "data", data(t->context, &t->collection));
  CUTLAB_TRY(cutlab_json_text(t->context, &text, decisive, 0));
  bool good = EVP_Digest(text, strlen(text), digest, NULL, EVP_sha256(), NULL) == 1;
  cutlab_free(text);
  if (!good) return cutlab_fail(t->context, CUTLAB_ERROR_MEMORY, "out of memory: run.json");
  for (size_t i = 0; i < 8; ++i)
    snprintf(t->identity + 2 * i, sizeof t->identity - 2 * i, "%02x", digest[i]);
  t->position.run = t->identity;
  return CUTLAB_OK;
}

cutlab_status cutlab_trainer_record(cutlab_trainer *t, json_t **record) {
  json_t *settings;
  CUTLAB_TRY(settings_json(t->context, &settings, t->settings));
  cutlab_status status = identify(t, settings);
  if (status != CUTLAB_OK) {
    json_decref(settings);
    return status;
  }
  *record = json_pack(
      "{s:s,s:i,s:s,s:s,s:o,s:o,s:s,s:I,s:I,s:s,s:s,s:s,s:I,s:I,s:o,s:o}", "format",
      "cutlab-training", "format_version", cutlab_training_run_version, "cutlab", cutlab_version(),
      "run", t->identity, "settings", settings, "data", data(t->context, &t->collection), "model",
      cutlab_model_text(t->model), "parameters", (json_int_t)cutlab_trainer_parameters(t->model),
      "multiply_adds", (json_int_t)cutlab_model_multiply_adds(t->model), "policy",
      cutlab_policy_text(t->policy), "evaluation_policy", cutlab_policy_text(t->evaluation),
      "backend", cutlab_network_backend(t->network), "batch", (json_int_t)t->source.batch,
      "steps_per_epoch", (json_int_t)t->steps_per_epoch, "memory_bytes",
      json_real(cutlab_memory_total(&t->need)), "machine", cutlab_machine_json(t->context));
  if (*record) return CUTLAB_OK;
  return cutlab_fail(t->context, CUTLAB_ERROR_MEMORY,
                     "cannot make run.json: out of memory, or a text in it is not UTF-8");
}

json_t *cutlab_trainer_result(const cutlab_trainer *t) {
  const json_t *last = cutlab_metrics_last(&t->metrics), *best = cutlab_metrics_best(&t->metrics);
  const cutlab_position *p = &t->position;
  json_t *result =
      json_pack("{s:s,s:s,s:I,s:I,s:I,s:I,s:s,s:o}", "dataset", t->settings->dataset, "policy",
                cutlab_policy_text(t->policy), "seed", (json_int_t)t->settings->seed, "epochs",
                (json_int_t)p->epoch, "steps", (json_int_t)(p->epoch * t->steps_per_epoch),
                "parameters", (json_int_t)cutlab_trainer_parameters(t->model), "backend",
                cutlab_network_backend(t->network), "seconds", cutlab_json_number(p->seconds));
  static const char *const kept[] = {"train_loss",           "train_accuracy", "clean_train_loss",
                                     "clean_train_accuracy", "test_loss",      "test_accuracy",
                                     "images_per_second",    "features"};
  for (size_t i = 0; i < sizeof kept / sizeof *kept; ++i) {
    json_t *value = json_object_get(last, kept[i]);
    if (value) json_object_set(result, kept[i], value);
  }
  if (t->collection.held.count) {
    json_object_set_new(result, "fold", json_string(t->settings->fold));
    json_object_set_new(result, "held_out_loss", cutlab_json_number(t->held.loss));
    json_object_set_new(result, "held_out_accuracy", cutlab_json_number(t->held.accuracy));
  }
  json_object_set_new(result, "best_test_accuracy",
                      cutlab_json_number(cutlab_json_get_number(best, "test_accuracy", NAN)));
  json_object_set_new(result, "best_epoch",
                      best ? json_incref(json_object_get(best, "epoch")) : json_null());
  return result;
}

static cutlab_status take_settings(cutlab_context *context, struct cutlab_training *settings,
                                   const json_t *record, const char *path) {
  const char *format = json_string_value(json_object_get(record, "format"));
  if (!format || strcmp(format, "cutlab-training") != 0 ||
      cutlab_json_get_number(record, "format_version", 0) != cutlab_training_run_version)
    return cutlab_fail(context, CUTLAB_ERROR_FORMAT, "%s: not a training of format version %d",
                       path, cutlab_training_run_version);
  char *text = json_dumps(json_object_get(record, "settings"), JSON_REAL_PRECISION(17));
  if (!text) return cutlab_fail(context, CUTLAB_ERROR_FORMAT, "%s: no 'settings'", path);
  cutlab_status status = cutlab_training_from_json(context, settings, text);
  free(text);
  if (status == CUTLAB_ERROR_ARGUMENT || status == CUTLAB_ERROR_FORMAT)
    return cutlab_fail(context, CUTLAB_ERROR_FORMAT, "%s: %s", path,
                       cutlab_context_message(context));
  const char *model = json_string_value(json_object_get(record, "model"));
  if (status != CUTLAB_OK) return status;
  if (!model || strlen(model) >= sizeof settings->model)
    return cutlab_fail(context, CUTLAB_ERROR_FORMAT, "%s: no 'model'", path);
  snprintf(settings->model, sizeof settings->model, "%s", model);
  return CUTLAB_OK;
}

cutlab_status cutlab_trainer_read(cutlab_context *context, struct cutlab_training *settings,
                                  json_t **record, const char *folder) {
  char *path = cutlab_path_join(context, folder, "run.json"), *text = NULL;
  size_t size;
  *record = NULL;
  cutlab_status status =
      path ? cutlab_file_read(context, &text, &size, path, 0) : CUTLAB_ERROR_MEMORY;
  if (status == CUTLAB_OK) status = cutlab_json_parse(context, record, text, path);
  if (status == CUTLAB_OK) status = take_settings(context, settings, *record, path);
  if (status != CUTLAB_OK) {
    json_decref(*record);
    *record = NULL;
  }
  free(text);
  free(path);
  return status;
}
