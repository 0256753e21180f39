/* Runs of cutlab train. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cutlab/train.h>

#include "report/report_internal.h"
#include "train/settings.h"

/* What a training's numbers do not depend on. */
static const char *const indifferent[] = {"workers", "checkpoint_every", "checkpoint_minutes",
                                          "keep",    "log_steps",        "log_examples"};

static double number(const json_t *object, const char *key) {
  return cutlab_json_get_number(object, key, NAN);
}

static json_t *variant_of(const cutlab_report_run *run) {
  json_t *variant = json_object();
  const cutlab_parameter *row;
  for (int i = 0; (row = cutlab_training_parameter(i)); ++i) {
    json_t *value = (json_t *)cutlab_report_setting(run, row->name);
    if (value && cutlab_training_owns(run->method, row->name))
      json_object_set(variant, row->name, value);
  }
  return variant;
}

static cutlab_status check_settings(cutlab_context *context, const cutlab_report_run *run,
                                    const char *path) {
  static const char *const texts[] = {"dataset", "model"}, *const integers[] = {"seed", "epochs"};
  for (int i = 0; i < 2; ++i)
    if (!json_is_string(cutlab_report_setting(run, texts[i])))
      return cutlab_fail(context, CUTLAB_ERROR_FORMAT, "%s: setting \"%s\" is not a text", path,
                         texts[i]);
  for (int i = 0; i < 2; ++i)
    if (!json_is_integer(cutlab_report_setting(run, integers[i])))
      return cutlab_fail(context, CUTLAB_ERROR_FORMAT, "%s: setting \"%s\" is not an integer", path,
                         integers[i]);
  return CUTLAB_OK;
}

/* A policy stands instead of the method. */
static cutlab_status read_config(cutlab_context *context, cutlab_report_run *run,
                                 const char *path) {
  const char *name = json_string_value(cutlab_report_setting(run, "method"));
  CUTLAB_TRY(check_settings(context, run, path));
  run->method = cutlab_training_method_of(name, cutlab_report_setting_text(run, "policy"));
  if (run->method < 0)
    return cutlab_fail(context, CUTLAB_ERROR_FORMAT,
                       "%s: setting \"method\" is %s; accepted: erm, cutout, cutmix, mixup", path,
                       name ? name : "missing");
  run->seed = json_integer_value(cutlab_report_setting(run, "seed"));
  run->optimum = run->theory_accuracy = NAN;
  run->variant = variant_of(run);
  if (run->variant) return CUTLAB_OK;
  return cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory: settings of %s", path);
}

static int rarity_of(const json_t *feature) {
  const char *name = json_string_value(json_object_get(feature, "name"));
  return cutlab_report_find_name(name, cutlab_report_rarity_name, cutlab_report_rarities);
}

static const char *fault(const json_t *line, const cutlab_report_run *run) {
  const json_t *features = json_object_get(line, "features");
  (void)run;
  if (!json_object_get(line, "train_loss")) return "\"train_loss\" is missing";
  if (features && !json_is_array(features)) return "\"features\" is not a list";
  for (size_t i = 0; i < json_array_size(features); ++i)
    if (rarity_of(json_array_get(features, i)) < 0)
      return "the \"name\" of a feature is not common, rare or extremely rare";
  return NULL;
}

/* Mean of a member over the features of each rarity; NaN where a rarity has none or one is not
   defined. */
static void by_rarity(double *means, const json_t *features, const char *key) {
  int counts[cutlab_report_rarities] = {0};
  double sums[cutlab_report_rarities] = {0};
  const json_t *feature;
  size_t i;
  json_array_foreach(features, i, feature) {
    int rarity = rarity_of(feature);
    sums[rarity] += number(feature, key);
    ++counts[rarity];
  }
  for (int k = 0; k < cutlab_report_rarities; ++k) means[k] = counts[k] ? sums[k] / counts[k] : NAN;
}

static void read_point(cutlab_report_point *point, const cutlab_report_point *previous,
                       const json_t *line, const cutlab_report_run *run) {
  const json_t *features = json_object_get(line, "features");
  (void)run;
  point->step = number(line, "step");
  point->loss = number(line, "train_loss");
  point->train_accuracy = number(line, "train_accuracy");
  point->clean_train_loss = number(line, "clean_train_loss");
  point->clean_train_accuracy = number(line, "clean_train_accuracy");
  point->test_loss = number(line, "test_loss");
  point->fresh_accuracy = number(line, "test_accuracy");
  point->best_accuracy = fmax(point->fresh_accuracy, previous ? previous->best_accuracy : NAN);
  point->learning_rate = number(line, "learning_rate");
  point->images_per_second = number(line, "images_per_second");
  point->seconds = number(line, "seconds");
  by_rarity(point->output, features, "output");
  by_rarity(point->accuracy, features, "accuracy");
}

/* The same data may lie under several paths, and be all of one or the first of another: their
   fingerprint stands instead, and how many they are. That of planted features differs from seed to
   seed, and their path names the world. */
static void put_data(json_t *key, const cutlab_report_run *run) {
  const json_t *data = json_object_get(run->config, "data");
  const char *fingerprint = json_string_value(json_object_get(data, "fingerprint"));
  if (!fingerprint || strcmp(cutlab_report_setting_text(run, "dataset"), "feature-noise") == 0)
    return;
  json_object_set_new(key, "path", json_sprintf("data %s", fingerprint));
  json_t *train = json_object_get(data, "train"), *test = json_object_get(data, "test");
  if (train) json_object_set(key, "train_examples", train);
  if (test) json_object_set(key, "test_examples", test);
}

/* Everything but seed, method and what belongs to methods, and what changes nothing. */
static json_t *group_key(const cutlab_report_run *run) {
  json_t *key = json_copy(json_object_get(run->config, "settings"));
  json_object_del(key, "seed");
  json_object_del(key, "method");
  const cutlab_parameter *row;
  for (int i = 0; (row = cutlab_training_parameter(i)); ++i)
    if (cutlab_training_owns(-1, row->name)) json_object_del(key, row->name);
  for (size_t i = 0; i < sizeof indifferent / sizeof *indifferent; ++i)
    json_object_del(key, indifferent[i]);
  put_data(key, run);
  return key;
}

static void describe(FILE *stream, const cutlab_report_run *run) {
  const json_t *data = json_object_get(run->config, "data");
  double parameters = number(run->config, "parameters");
  char *model = cutlab_report_one_line(cutlab_report_setting_text(run, "model"));
  fprintf(stream, "data set %s", cutlab_report_setting_text(run, "dataset"));
  if (json_is_integer(json_object_get(data, "train")))
    fprintf(stream, ", %.0f training and %.0f test examples", number(data, "train"),
            fmax(0, number(data, "test")));
  fprintf(stream, ", %s", model && strlen(model) <= 60 ? model : "a model written out");
  free(model);
  if (isfinite(parameters)) fprintf(stream, " (%.0f parameters)", parameters);
  fprintf(stream, ", %lld epochs",
          (long long)json_integer_value(cutlab_report_setting(run, "epochs")));
}

/* Defaults depend on these, which stand in the command whatever they are. */
static json_t *defaults(cutlab_context *context, const cutlab_report_run *run) {
  static const char *const deciding[] = {"dataset", "method", "optimiser"};
  cutlab_training *training = NULL;
  char *text = NULL;
  json_t *settings = NULL;
  cutlab_status status = cutlab_training_create(context, &training);
  for (int i = 0; i < 3 && status == CUTLAB_OK; ++i)
    status = cutlab_training_set(context, training, deciding[i],
                                 cutlab_report_setting_text(run, deciding[i]));
  if (status == CUTLAB_OK) status = cutlab_training_to_json(context, &text, training);
  if (status == CUTLAB_OK) settings = json_loads(text, 0, NULL);
  cutlab_free(text);
  cutlab_training_free(training);
  json_object_del(settings, "dataset");
  if (strcmp(cutlab_report_setting_text(run, "optimiser"), "sgd") != 0)
    json_object_del(settings, "optimiser");
  return settings;
}

static const char *const described[] = {"dataset", "train_examples", "test_examples",
                                        "model",   "epochs",         NULL};

const cutlab_report_source cutlab_report_trained = {.format = "cutlab-training",
                                                    .settings = "settings",
                                                    .command = "cutlab train",
                                                    .time = "epoch",
                                                    .examples = "test examples",
                                                    .average = "mean",
                                                    .read_config = read_config,
                                                    .fault = fault,
                                                    .read_point = read_point,
                                                    .group_key = group_key,
                                                    .describe = describe,
                                                    .described = described,
                                                    .defaults = defaults};
