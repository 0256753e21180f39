/* Runs of cutlab simulate. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cutlab/experiment.h>

#include "report/report_internal.h"

static const char *method_name(int i) {
  return cutlab_method_name((cutlab_method)i);
}

static double number(const json_t *object, const char *key) {
  return cutlab_json_get_number(object, key, NAN);
}

static cutlab_status read_features(cutlab_context *context, cutlab_report_run *run,
                                   const char *path) {
  const json_t *features = json_object_get(run->config, "features");
  size_t count = json_array_size(features);
  if (count > 2 * cutlab_max_features)
    return cutlab_fail(context, CUTLAB_ERROR_FORMAT,
                       "%s: \"features\" has %zu entries; accepted: at most %d", path, count,
                       2 * cutlab_max_features);
  run->feature_rarity = cutlab_allocate(context, (int64_t)count + 1, sizeof *run->feature_rarity);
  if (!run->feature_rarity) return CUTLAB_ERROR_MEMORY;
  for (size_t i = 0; i < count; ++i) {
    const json_t *feature = json_array_get(features, i);
    const char *name = json_string_value(json_object_get(feature, "rarity"));
    run->feature_rarity[i] =
        cutlab_report_find_name(name, cutlab_report_rarity_name, cutlab_report_rarities);
    if (run->feature_rarity[i] < 0)
      return cutlab_fail(context, CUTLAB_ERROR_FORMAT,
                         "%s: \"rarity\" of feature %zu is %s; accepted: common, rare, "
                         "extremely rare",
                         path, i, name ? name : "missing");
  }
  run->feature_count = (int)count;
  return CUTLAB_OK;
}

static cutlab_status read_config(cutlab_context *context, cutlab_report_run *run,
                                 const char *path) {
  const json_t *seed = cutlab_report_setting(run, "seed");
  const char *name = json_string_value(cutlab_report_setting(run, "method"));
  run->method = cutlab_report_find_name(name, method_name, cutlab_report_named_methods);
  if (run->method < 0)
    return cutlab_fail(context, CUTLAB_ERROR_FORMAT,
                       "%s: parameter \"method\" is %s; accepted: erm, cutout, cutmix, mixup", path,
                       name ? name : "missing");
  if (!json_is_integer(seed))
    return cutlab_fail(context, CUTLAB_ERROR_FORMAT, "%s: parameter \"seed\" is not an integer",
                       path);
  run->seed = json_integer_value(seed);
  const json_t *optimum = json_object_get(run->config, "optimum");
  run->optimum = (number(optimum, "positive") + number(optimum, "negative")) / 2;
  run->theory_accuracy = number(run->config, "theory_accuracy");
  return read_features(context, run, path);
}

static const char *fault(const json_t *line, const cutlab_report_run *run) {
  const json_t *population = json_object_get(line, "population_accuracy");
  const json_t *accuracies = json_object_get(population, "features");
  size_t count = (size_t)run->feature_count;
  if (!json_object_get(line, "loss")) return "\"loss\" is missing";
  if (json_array_size(json_object_get(line, "features")) != count)
    return "\"features\" is not as long as that of run.json";
  if (accuracies && json_array_size(accuracies) != count)
    return "\"population_accuracy\" is not as long as \"features\" of run.json";
  return NULL;
}

/* Mean over the values of each rarity, of both labels; NaN where a rarity has none or one is not
   defined. */
static void by_rarity(double *means, const json_t *values, const cutlab_report_run *run) {
  int counts[cutlab_report_rarities] = {0};
  for (int i = 0; i < cutlab_report_rarities; ++i) means[i] = 0;
  for (int i = 0; i < run->feature_count; ++i) {
    const json_t *value = json_array_get(values, (size_t)i);
    means[run->feature_rarity[i]] += json_is_number(value) ? json_number_value(value) : NAN;
    ++counts[run->feature_rarity[i]];
  }
  for (int i = 0; i < cutlab_report_rarities; ++i)
    means[i] = counts[i] ? means[i] / counts[i] : NAN;
}

static void read_point(cutlab_report_point *point, const cutlab_report_point *previous,
                       const json_t *line, const cutlab_report_run *run) {
  static const char *const kinds[] = {"feature", "dominant", "background"};
  (void)previous;
  point->loss = number(line, "loss");
  point->excess_loss = point->loss - number(json_object_get(run->config, "optimum"), "loss");
  point->gradient_norm = number(line, "gradient_norm");
  point->train_accuracy = number(line, "train_accuracy");
  point->evenness = number(line, "evenness");
  const json_t *by_kind = json_object_get(line, "evenness_by_kind");
  for (int i = 0; i < cutlab_report_kinds; ++i)
    point->evenness_by_kind[i] = number(by_kind, kinds[i]);
  by_rarity(point->output, json_object_get(line, "features"), run);
  const json_t *population = json_object_get(line, "population_accuracy");
  const json_t *monte_carlo = json_object_get(line, "monte_carlo");
  point->population_accuracy = number(population, "overall");
  point->monte_carlo_accuracy = number(monte_carlo, "overall");
  point->monte_carlo_standard_error = number(monte_carlo, "standard_error");
  point->test_error = number(monte_carlo, "test_error");
  point->fresh_accuracy =
      isnan(point->population_accuracy) ? point->monte_carlo_accuracy : point->population_accuracy;
  by_rarity(point->accuracy, json_object_get(population, "features"), run);
}

/* Everything but method and seed, and the user's own data set. */
static json_t *group_key(const cutlab_report_run *run) {
  json_t *key = json_copy(json_object_get(run->config, "parameters"));
  json_object_del(key, "method");
  json_object_del(key, "seed");
  json_t *dataset = json_object_get(run->config, "dataset");
  if (json_is_string(dataset)) json_object_set(key, "dataset", dataset);
  return key;
}

static void describe(FILE *stream, const cutlab_report_run *run) {
  const json_t *dataset = json_object_get(run->config, "dataset");
  const json_t *examples = json_object_get(run->config, "examples");
  const json_t *iterations = cutlab_report_setting(run, "iterations");
  if (json_is_string(dataset)) fprintf(stream, "data set %s, ", json_string_value(dataset));
  if (json_is_integer(examples))
    fprintf(stream, "%lld examples", (long long)json_integer_value(examples));
  if (!json_is_string(dataset)) {
    const json_t *patches = cutlab_report_setting(run, "patches");
    const json_t *dimension = cutlab_report_setting(run, "dimension");
    const char *sampling = json_string_value(cutlab_report_setting(run, "sampling"));
    fprintf(stream, " of %lld patches in dimension %lld", (long long)json_integer_value(patches),
            (long long)json_integer_value(dimension));
    if (sampling)
      fprintf(stream, ", %s draws", strcmp(sampling, "iid") == 0 ? "independent" : sampling);
  }
  fprintf(stream, ", %lld iterations", (long long)json_integer_value(iterations));
}

static json_t *defaults(cutlab_context *context, const cutlab_report_run *run) {
  cutlab_experiment *experiment;
  char *text = NULL;
  json_t *parameters = NULL;
  (void)run;
  if (cutlab_experiment_create(context, &experiment) != CUTLAB_OK) return NULL;
  if (cutlab_experiment_to_json(context, &text, experiment) == CUTLAB_OK)
    parameters = json_loads(text, 0, NULL);
  cutlab_free(text);
  cutlab_experiment_free(experiment);
  return parameters;
}

static const char *const described[] = {"dataset",  "patches",    "dimension",
                                        "sampling", "iterations", NULL};

const cutlab_report_source cutlab_report_simulated = {.format = "cutlab-run",
                                                      .settings = "parameters",
                                                      .command = "cutlab simulate",
                                                      .time = "iteration",
                                                      .examples = "fresh points",
                                                      .average = "median",
                                                      .read_config = read_config,
                                                      .fault = fault,
                                                      .read_point = read_point,
                                                      .group_key = group_key,
                                                      .describe = describe,
                                                      .described = described,
                                                      .defaults = defaults};
