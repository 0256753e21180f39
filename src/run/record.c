/* What a run writes down, as JSON. docs/file-formats.md describes the objects. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cutlab/version.h>

#include "base/file.h"
#include "base/machine.h"
#include "data/dataset_internal.h"
#include "run/run_internal.h"

/* Whether the theory is about this world: what Oh and Yun (2024), section 2, assume. */
static bool has_theory(const cutlab_experiment *x) {
  bool data = x->signal == 1 && !x->opposite && !x->full_noise && x->label_flips == 0 &&
              x->position_bias == 0 && x->balance == .5 && x->patches >= 3;
  bool noise = x->alpha > 0 && x->sigma_b < x->sigma_d;
  bool network = x->filters == 1 && x->activation == CUTLAB_SMOOTHED_LEAKY_RELU && !x->bias &&
                 !x->uniform_weights;
  bool method = x->method == CUTLAB_ERM || (x->method == CUTLAB_CUTMIX && !x->sampled) ||
                (x->method == CUTLAB_CUTOUT && !x->sampled && 2 * x->cut_size < x->patches);
  return data && noise && network && method && x->subsets == CUTLAB_SUBSETS_ARBITRARY;
}

/* The prediction of the theory (Oh and Yun 2024): a method is right on the features
   that it learns and guesses on the others. ERM learns the common ones, Cutout also the rare
   ones, CutMix all. */
static double theory_accuracy(const cutlab_experiment *x) {
  double accuracy = has_theory(x) ? 1 : NAN;
  for (int k = 0; k < x->feature_count; ++k) {
    cutlab_rarity learnt = x->method == CUTLAB_ERM      ? CUTLAB_COMMON
                           : x->method == CUTLAB_CUTOUT ? CUTLAB_RARE
                                                        : CUTLAB_EXTREMELY_RARE;
    if (cutlab_experiment_rarity(x, k) > learnt) accuracy -= x->frequencies[k] / 2;
  }
  return accuracy;
}

/* Label +1 first, then -1; index and label of entry v of a [2][K] array. */
static json_t *feature_key(int v, int count) {
  return json_pack("{s:i,s:i}", "label", v < count ? 1 : -1, "index", v % count);
}

static json_t *features(const cutlab_experiment *x, const cutlab_dataset *data,
                        const double *outputs) {
  json_t *array = json_array();
  int count = data->feature_count;
  for (int v = 0; v < 2 * count; ++v) {
    json_t *f = feature_key(v, count);
    const char *rarity = cutlab_rarity_name(cutlab_experiment_rarity(x, v % count));
    json_object_set_new(f, "rarity", json_string(rarity));
    json_object_set_new(f, "frequency", cutlab_json_number(x->frequencies[v % count]));
    if (outputs) json_object_set_new(f, "output", cutlab_json_number(outputs[v]));
    json_array_append_new(array, f);
  }
  return array;
}

static json_t *optimum(const cutlab_simulation *simulation) {
  const cutlab_optimum_point *z = cutlab_simulation_optimum(simulation);
  return json_pack("{s:o,s:o,s:o}", "positive", cutlab_json_number(z->positive), "negative",
                   cutlab_json_number(z->negative), "loss", cutlab_json_number(z->loss));
}

cutlab_status cutlab_record_run(cutlab_context *context, json_t **record,
                                const cutlab_experiment *x, const cutlab_simulation *simulation,
                                const char *dataset_path) {
  char *text;
  json_t *parameters;
  const cutlab_dataset *data = cutlab_simulation_dataset(simulation);
  CUTLAB_TRY(cutlab_experiment_to_json(context, &text, x));
  cutlab_status status = cutlab_json_parse(context, &parameters, text, "parameters");
  cutlab_free(text);
  if (status != CUTLAB_OK) return status;
  *record = json_pack(
      "{s:s,s:i,s:s,s:o,s:s?,s:o,s:I,s:I,s:o,s:o,s:o}", "format", "cutlab-run", "format_version",
      cutlab_run_format_version, "cutlab", cutlab_version(), "parameters", parameters, "dataset",
      dataset_path, "features", features(x, data, NULL), "examples",
      (json_int_t)cutlab_dataset_whole(data)->examples, "positives",
      (json_int_t)cutlab_dataset_whole(data)->positives, "optimum", optimum(simulation),
      "theory_accuracy", data->feature_count ? cutlab_json_number(theory_accuracy(x)) : json_null(),
      "machine", cutlab_machine_json(context));
  return *record
             ? CUTLAB_OK
             : cutlab_fail(
                   context, CUTLAB_ERROR_MEMORY,
                   "cannot make run.json: out of memory, or the path of the data set is not UTF-8");
}

static json_t *spread(const cutlab_spread *s) {
  return json_pack("{s:o,s:o,s:o}", "mean", cutlab_json_number(s->mean), "min",
                   cutlab_json_number(s->min), "max", cutlab_json_number(s->max));
}

static json_t *spreads(const cutlab_spread *dominant, const cutlab_spread *background) {
  return json_pack("{s:o,s:o}", "dominant", spread(dominant), "background", spread(background));
}

static json_t *monte_carlo(const cutlab_measurement *m) {
  if (isnan(m->monte_carlo_accuracy)) return json_null();
  return json_pack("{s:o,s:o,s:o}", "overall", cutlab_json_number(m->monte_carlo_accuracy),
                   "standard_error", cutlab_json_number(m->monte_carlo_standard_error),
                   "test_error", cutlab_json_number(m->test_error));
}

json_t *cutlab_record_measurement(const cutlab_measurement *m) {
  int64_t columns = 2 * m->feature_count;
  json_t *by_kind = json_pack("{s:o,s:o,s:o}", "feature", cutlab_json_number(m->evenness_feature),
                              "dominant", cutlab_json_number(m->evenness_dominant), "background",
                              cutlab_json_number(m->evenness_background));
  json_t *coefficients =
      json_pack("{s:o,s:o}", "plus", cutlab_json_numbers(m->feature_coefficients, columns), "minus",
                cutlab_json_numbers(m->feature_coefficients + columns, columns));
  json_t *accuracy =
      json_pack("{s:o,s:o}", "overall", cutlab_json_number(m->population_accuracy), "features",
                cutlab_json_numbers(m->population_accuracy_by_feature, columns));
  if (!m->feature_count) {
    json_decref(accuracy);
    accuracy = json_null();
  }
  return json_pack(
      "{s:I,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "iteration", (json_int_t)m->iteration,
      "loss", cutlab_json_number(m->loss), "gradient_norm", cutlab_json_number(m->gradient_norm),
      "train_accuracy", cutlab_json_number(m->train_accuracy), "evenness",
      cutlab_json_number(m->evenness), "evenness_by_kind", by_kind, "features",
      cutlab_json_numbers(m->feature_outputs, columns), "feature_coefficients", coefficients,
      "noise", spreads(&m->dominant, &m->background), "noise_coefficients",
      spreads(&m->dominant_coefficient, &m->background_coefficient), "population_accuracy",
      accuracy, "monte_carlo", monte_carlo(m));
}

static json_t *accuracies(const cutlab_measurement *m) {
  if (!m->feature_count) return json_null();
  json_t *array = json_array();
  for (int v = 0; v < 2 * m->feature_count; ++v) {
    json_t *f = feature_key(v, m->feature_count);
    json_object_set_new(f, "accuracy", cutlab_json_number(m->population_accuracy_by_feature[v]));
    json_array_append_new(array, f);
  }
  return json_pack("{s:o,s:o}", "overall", cutlab_json_number(m->population_accuracy), "features",
                   array);
}

json_t *cutlab_record_result(const cutlab_experiment *x, const cutlab_simulation *simulation,
                             const cutlab_measurement *m, bool converged, double seconds,
                             int64_t steps) {
  const cutlab_dataset *data = cutlab_simulation_dataset(simulation);
  json_t *noise = data->feature_count ? spreads(&m->dominant, &m->background) : json_null();
  json_t *theory = data->feature_count ? cutlab_json_number(theory_accuracy(x)) : json_null();
  return json_pack(
      "{s:s,s:I,s:I,s:s,s:I,s:I,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "method",
      cutlab_method_name(x->method), "seed", (json_int_t)x->seed, "iterations",
      (json_int_t)m->iteration, "stopped", converged ? "gradient norm" : "iterations", "examples",
      (json_int_t)cutlab_dataset_whole(data)->examples, "positives",
      (json_int_t)cutlab_dataset_whole(data)->positives, "loss", cutlab_json_number(m->loss),
      "gradient_norm", cutlab_json_number(m->gradient_norm), "train_accuracy",
      cutlab_json_number(m->train_accuracy), "evenness", cutlab_json_number(m->evenness),
      "features", features(x, data, m->feature_outputs), "noise", noise, "population_accuracy",
      accuracies(m), "monte_carlo", monte_carlo(m), "theory_accuracy", theory, "optimum",
      optimum(simulation), "seconds", cutlab_json_number(seconds), "iterations_per_second",
      cutlab_json_number(seconds > 0 ? (double)steps / seconds : NAN));
}
