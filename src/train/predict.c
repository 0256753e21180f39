/* Logits of a run's checkpoint on test data. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "train/run.h"

#include "base/file.h"

/* What a prediction holds. */
typedef struct prediction {
  cutlab_context *context;
  const struct cutlab_training *settings;
  const json_t *record; /* run.json */
  const char *folder;
  cutlab_collection collection;
  cutlab_model *model;
  cutlab_network *network;
  cutlab_policy *evaluation;
  float *logits;
  cutlab_outcome outcome;
} prediction;

static void clear(prediction *p) {
  free(p->logits);
  cutlab_policy_free(p->evaluation);
  cutlab_network_free(p->network);
  cutlab_model_free(p->model);
  cutlab_collection_clear(&p->collection);
}

/* The model of the run takes inputs and gives classes as the run's data had them. */
static cutlab_status check_data(const prediction *p) {
  const json_t *data = json_object_get(p->record, "data"), *input = json_object_get(data, "input");
  const cutlab_collection *c = &p->collection;
  int64_t wanted[3], found[3] = {c->channels, c->height, c->width};
  for (size_t i = 0; i < 3; ++i) wanted[i] = json_integer_value(json_array_get(input, i));
  int64_t classes = json_integer_value(json_object_get(data, "classes"));
  if (!c->test.count)
    return cutlab_fail(p->context, CUTLAB_ERROR_ARGUMENT, "the data have no test examples");
  if (memcmp(wanted, found, sizeof wanted) == 0 && classes == c->classes) return CUTLAB_OK;
  return cutlab_fail(
      p->context, CUTLAB_ERROR_ARGUMENT,
      "the data are %" PRId64 " x %" PRId64 " x %" PRId64 " in %" PRId64
      " classes; the run's model accepts %" PRId64 " x %" PRId64 " x %" PRId64 " in %" PRId64,
      found[0], found[1], found[2], c->classes, wanted[0], wanted[1], wanted[2], classes);
}

static cutlab_status open_network(prediction *p, const char *checkpoint) {
  const cutlab_collection *c = &p->collection;
  const char *policy = json_string_value(json_object_get(p->record, "evaluation_policy"));
  if (!policy)
    return cutlab_fail(p->context, CUTLAB_ERROR_FORMAT, "run.json has no 'evaluation_policy'");
  CUTLAB_TRY(cutlab_policy_create(p->context, &p->evaluation, policy));
  CUTLAB_TRY(cutlab_model_create(p->context, &p->model, p->settings->model, c->channels, c->height,
                                 c->width, c->classes));
  CUTLAB_TRY(cutlab_network_create(p->context, &p->network, p->model, p->settings->backend));
  cutlab_optimiser values = {
      .settings = p->settings, .network = p->network, .tensors = cutlab_model_tensors(p->model)};
  return cutlab_checkpoint_read(p->context, checkpoint, &values, NULL);
}

/* `source`: NULL for the run's own data; without a data set they are at its path. */
static cutlab_status open_data(prediction *p, const cutlab_collection_source *source) {
  if (source && source->dataset) return cutlab_collection_open(p->context, &p->collection, source);
  cutlab_collection_source own = cutlab_trainer_source(p->settings);
  if (source) own.path = source->path;
  CUTLAB_TRY(cutlab_collection_open(p->context, &p->collection, &own));
  return cutlab_trainer_check_data(p->context, &p->collection, p->record, p->folder, own.path);
}

static cutlab_status predict(prediction *p, const char *checkpoint,
                             const cutlab_collection_source *source, const char *out) {
  cutlab_collection *c = &p->collection;
  CUTLAB_TRY(open_data(p, source));
  CUTLAB_TRY(check_data(p));
  CUTLAB_TRY(open_network(p, checkpoint));
  const cutlab_evaluator evaluator = {.network = p->network,
                                      .policy = p->evaluation,
                                      .channels = c->channels,
                                      .height = c->height,
                                      .width = c->width,
                                      .classes = c->classes,
                                      .batch = cutlab_evaluation_batch(p->settings->batch),
                                      .what = "predicting"};
  p->logits = cutlab_allocate(p->context, c->test.count * c->classes, sizeof *p->logits);
  if (!p->logits) return CUTLAB_ERROR_MEMORY;
  CUTLAB_TRY(cutlab_evaluate(p->context, &evaluator, &p->outcome, p->logits, &c->test));
  return out ? cutlab_logits_write(p->context, out, p->logits, &c->test, c->classes) : CUTLAB_OK;
}

static cutlab_status summarise(const prediction *p, char **summary, const char *checkpoint) {
  json_t *json = json_pack("{s:s,s:I,s:o,s:o}", "checkpoint", checkpoint, "examples",
                           (json_int_t)p->collection.test.count, "accuracy",
                           cutlab_json_number(p->outcome.accuracy), "loss",
                           cutlab_json_number(p->outcome.loss));
  if (!json) return cutlab_fail(p->context, CUTLAB_ERROR_MEMORY, "out of memory: summary");
  return cutlab_json_text(p->context, summary, json, 2);
}

static cutlab_status newest(cutlab_context *context, char **path, const char *folder) {
  char *checkpoints = cutlab_path_join(context, folder, "checkpoints");
  if (!checkpoints) return CUTLAB_ERROR_MEMORY;
  cutlab_status status = cutlab_checkpoint_newest(context, path, checkpoints);
  free(checkpoints);
  return status;
}

cutlab_status cutlab_train_predict(cutlab_context *context, char **summary, const char *folder,
                                   const char *checkpoint, const cutlab_collection_source *source,
                                   const char *out) {
  if (summary) *summary = NULL;
  cutlab_training *settings;
  json_t *record = NULL;
  char *last = NULL;
  CUTLAB_TRY(cutlab_training_create(context, &settings));
  cutlab_status status = cutlab_trainer_read(context, settings, &record, folder);
  if (status == CUTLAB_OK && !checkpoint) status = newest(context, &last, folder);
  prediction p = {.context = context, .settings = settings, .record = record, .folder = folder};
  const char *read = checkpoint ? checkpoint : last;
  if (status == CUTLAB_OK) status = predict(&p, read, source, out);
  if (status == CUTLAB_OK && summary) status = summarise(&p, summary, read);
  clear(&p);
  json_decref(record);
  free(last);
  cutlab_training_free(settings);
  return status;
}
