/* The parameter table of an experiment, its presets, and the rules across parameters. */

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/parameters.h"
#include "data/experiment_values.h"

/* presets/NAME.yaml, NAME with _ for - */
extern const char cutlab_preset_paper[], cutlab_preset_theory[], cutlab_preset_quick[],
    cutlab_preset_benign_overfitting[], cutlab_preset_relu_power[],
    cutlab_preset_mixup_rare_feature[], cutlab_preset_midpoint_mixup[],
    cutlab_preset_augmentation_views[], cutlab_preset_wide[], cutlab_preset_imbalanced[],
    cutlab_preset_fixed_position[];

static const struct {
  const char *name, *yaml;
} presets[] = {{"paper", cutlab_preset_paper},
               {"theory", cutlab_preset_theory},
               {"quick", cutlab_preset_quick},
               {"wide", cutlab_preset_wide},
               {"imbalanced", cutlab_preset_imbalanced},
               {"fixed-position", cutlab_preset_fixed_position},
               {"benign-overfitting", cutlab_preset_benign_overfitting},
               {"relu-power", cutlab_preset_relu_power},
               {"mixup-rare-feature", cutlab_preset_mixup_rare_feature},
               {"midpoint-mixup", cutlab_preset_midpoint_mixup},
               {"augmentation-views", cutlab_preset_augmentation_views}};
enum { preset_count = sizeof presets / sizeof *presets };

static const char *const rarity_names[] = {"common", "rare", "extremely rare", NULL};
static const char *const sampling_names[] = {"iid", "stratified", NULL};
static const char *const form_names[] = {"auto", "held", "gram", "wishart", NULL};
static const char *const method_names[] = {"erm", "cutout", "cutmix", "mixup", NULL};
static const char *const objective_names[] = {"exact", "sampled", NULL};
static const char *const path_names[] = {"auto", "brute", "direct", "chebyshev", "fourier", NULL};
static const char *const spacing_names[] = {"linear", "log", NULL};
static const char *const activation_names[] = {
    "smoothed_leaky_relu", "relu",    "leaky_relu", "relu_power", "gelu",
    "odd_power",           "sigmoid", NULL};
static const char *const no_yes_names[] = {"no", "yes", NULL};
static const char *const initialisation_names[] = {"gaussian", "uniform", NULL};
static const char *const feature_names[] = {"orthonormal", "opposite", NULL};
static const char *const noise_names[] = {"orthogonal", "full", NULL};
static const char *const subset_names[] = {"arbitrary", "contiguous", NULL};
static const char *const mixup_names[] = {"beta", "midpoint", NULL};

#define CUTLAB_ROWS_OF struct cutlab_experiment

/* A NULL default is the value of the preset `paper`. */
static const cutlab_row rows[] = {
    CUTLAB_ROW_INTEGER(patches, 2, 64, NULL, "Patches of a data point, P."),
    CUTLAB_ROW_INTEGER(
        dimension, 1, 1000000000000, NULL,
        "Dimension of a patch, d; at least 2K, two orthonormal features for each frequency; with "
        "opposite features at least K."),
    CUTLAB_ROW_INTEGER(examples, 1, 1000000000, NULL, "Training examples, n."),
    {.shown = {"frequencies", "list of numbers", "each > 0, descending, sum 1, at most 1024",
               "Frequencies rho_1 >= ... >= rho_K of the features of either label."},
     .kind = CUTLAB_KIND_NUMBERS,
     .low = CUTLAB_ABOVE_ZERO,
     .high = DBL_MAX,
     CUTLAB_FIELD(frequencies, frequencies[0]),
     .count_offset = offsetof(struct cutlab_experiment, feature_count),
     .capacity = cutlab_max_features,
     .order = -1},
    {.shown = {"rarities", "list of choices", "common | rare | extremely rare, one a frequency",
               "Rarity of each feature; empty: the first is common, the last extremely rare (of "
               "two: rare), those between rare."},
     .kind = CUTLAB_KIND_CHOICES,
     CUTLAB_FIELD(rarities, rarities[0]),
     .count_offset = offsetof(struct cutlab_experiment, rarity_count),
     .capacity = cutlab_max_features,
     .may_be_empty = true,
     .choices = rarity_names,
     .default_text = "[]"},
    CUTLAB_ROW_NUMBER(sigma_d, 0, DBL_MAX, ">= 0", NULL,
                      "Standard deviation of the dominant noise."),
    CUTLAB_ROW_NUMBER(sigma_b, 0, DBL_MAX, ">= 0", NULL,
                      "Standard deviation of the background noise."),
    CUTLAB_ROW_NUMBER(alpha, 0, CUTLAB_BELOW_ONE, ">= 0 and < 1", NULL,
                      "Strength of the feature noise in the dominant-noise patch."),
    CUTLAB_ROW_NUMBER(balance, 0, 1, "0 to 1", "0.5", "Probability of label +1."),
    CUTLAB_ROW_NUMBER(signal, 0, 1e100, "0 to 1e100", "1",
                      "Norm of the feature in a feature patch, mu."),
    CUTLAB_ROW_CHOICE("features", opposite, feature_names, "orthonormal | opposite", "orthonormal",
                      "2K orthonormal features, or K of them with v_{-1,k} = -v_{+1,k}."),
    CUTLAB_ROW_CHOICE("noise", full_noise, noise_names, "orthogonal | full", "orthogonal",
                      "Noise orthogonal to all features, or with covariance sigma^2 I."),
    CUTLAB_ROW_NUMBER(label_flips, 0, 0.5, "0 to 0.5", "0",
                      "Probability that a label is flipped, in training and in fresh points."),
    CUTLAB_ROW_NUMBER(position_bias, 0, 1, "0 to 1", "0",
                      "Probability that the feature patch is the first one, instead of uniform."),
    CUTLAB_ROW_CHOICE(
        "sampling", sampling, sampling_names, "iid | stratified", "iid",
        "How labels and features are drawn: independently, or each as often as expected, "
        "rounded."),
    CUTLAB_ROW_CHOICE(
        "form", form, form_names, "auto | held | gram | wishart", "auto",
        "How the noise is held: vectors of R^d, their inner products, or inner products drawn "
        "directly at a cost independent of d."),
    CUTLAB_ROW_NUMBER(sigma_0, 0, DBL_MAX, ">= 0", NULL,
                      "Standard deviation of the initial weights."),
    CUTLAB_ROW_CHOICE("initialisation", uniform_weights, initialisation_names, "gaussian | uniform",
                      "gaussian",
                      "Initial weights: N(0, sigma_0^2), or PyTorch's U(-1/sqrt(d), 1/sqrt(d)), "
                      "for biases too."),
    CUTLAB_ROW_INTEGER(filters, 1, 1024, "1", "Filters per sign, m."),
    CUTLAB_ROW_CHOICE("bias", bias, no_yes_names, "no | yes", "no",
                      "A trained bias in each filter."),
    CUTLAB_ROW_CHOICE(
        "activation", activation, activation_names,
        "smoothed_leaky_relu | relu | leaky_relu | relu_power | gelu | odd_power | sigmoid",
        "smoothed_leaky_relu", "Activation of the filters, phi."),
    CUTLAB_ROW_NUMBER(beta, 0, 1, "0 to 1", NULL, "Negative slope of the leaky ReLUs."),
    CUTLAB_ROW_NUMBER(r, 1e-100, 1e100, "1e-100 to 1e100", NULL,
                      "Width of the quadratic piece of the smoothed leaky ReLU."),
    CUTLAB_ROW_INTEGER(power, 2, 9, "3",
                       "Exponent q of relu_power, max(0, z)^q, and of odd_power, z^q; odd there."),
    CUTLAB_ROW_CHOICE(
        "method", method, method_names, "erm | cutout | cutmix | mixup", "cutmix",
        "What is trained: plain examples, examples with patches cut out, cut and mixed pairs, or "
        "weighted means of pairs."),
    CUTLAB_ROW_CHOICE(
        "objective", sampled, objective_names, "exact | sampled", "exact",
        "Gradient of the full mean over all augmented data, or of one random augmentation per "
        "example and iteration."),
    CUTLAB_ROW_INTEGER(cut_size, 1, 1000000000, NULL,
                       "Patches that Cutout zeroes, |C|; below P, and in the paper below P/2."),
    CUTLAB_ROW_CHOICE("subsets", subsets, subset_names, "arbitrary | contiguous", "arbitrary",
                      "Which subsets of the patches Cutout and CutMix use."),
    CUTLAB_ROW_CHOICE("mixup", midpoint, mixup_names, "beta | midpoint", "beta",
                      "Law of Mixup's lambda: Beta(a, a), or always 1/2."),
    CUTLAB_ROW_NUMBER(mixup_alpha, CUTLAB_ABOVE_ZERO, 1000, "> 0, at most 1000", "1",
                      "The a of Mixup's Beta(a, a)."),
    CUTLAB_ROW_NUMBER(learning_rate, CUTLAB_ABOVE_ZERO, DBL_MAX, "> 0", NULL,
                      "Step size of gradient descent, eta."),
    CUTLAB_ROW_INTEGER(iterations, 0, 1000000000000, NULL, "Gradient descent steps."),
    CUTLAB_ROW_NUMBER(stop_gradient_norm, 0, DBL_MAX, ">= 0", "0",
                      "Stop once the gradient norm is at most this; 0: never."),
    CUTLAB_ROW_INTEGER(seed, 0, 9223372036854775807, "1",
                       "Seed of the data, the weights and the sampling."),
    CUTLAB_ROW_CHOICE(
        "path", path, path_names, "auto | brute | direct | chebyshev | fourier", "auto",
        "How the exact sums are computed: by walking the augmented data, vectorised, by Chebyshev "
        "interpolation, or by a sum of exponentials, for many patches."),
    CUTLAB_ROW_NUMBER(
        tolerance, 1e-15, 1e-2, "1e-15 to 1e-2", "1e-12",
        "Bound on the interpolation error of each sigmoid, or on the error of Mixup's integrals."),
    {.shown = {"log_points", "integer", "0, or 2 to 1000000000",
               "Logged iterations, both ends included; 0: every iteration."},
     .kind = CUTLAB_KIND_INTEGER,
     CUTLAB_FIELD(log_points, log_points),
     .most = 1000000000,
     .excluded = 1,
     .default_text = "101"},
    CUTLAB_ROW_CHOICE("log_spacing", log_spacing, spacing_names, "linear | log", "log",
                      "Spacing of the logged iterations."),
    CUTLAB_ROW_INTEGER(
        monte_carlo, 0, 1000000000000, "0",
        "Fresh points per measurement, for the test error and a Monte Carlo estimate of the "
        "population accuracy; 0: none."),
};
enum { row_count = sizeof rows / sizeof *rows };

static const cutlab_table table = {.what = "parameter",
                                   .rows = rows,
                                   .count = row_count,
                                   .size = sizeof(struct cutlab_experiment),
                                   .first_key = "preset"};

const cutlab_parameter *cutlab_experiment_parameter(int i) {
  return i >= 0 && i < row_count ? &rows[i].shown : NULL;
}

const char *cutlab_experiment_preset(int i, const char **yaml) {
  if (i < 0 || i >= preset_count) return NULL;
  if (yaml) *yaml = presets[i].yaml;
  return presets[i].name;
}

const char *cutlab_rarity_name(cutlab_rarity rarity) {
  return rarity_names[rarity];
}

const char *cutlab_method_name(cutlab_method method) {
  return method_names[method];
}

/* Exact for one filter a sign, without bias, that bends at most twice (docs/theory.md). */
bool cutlab_experiment_lacks_points(const struct cutlab_experiment *experiment) {
  bool bends = experiment->activation == CUTLAB_SMOOTHED_LEAKY_RELU ||
               experiment->activation == CUTLAB_RELU || experiment->activation == CUTLAB_LEAKY_RELU;
  return experiment->monte_carlo == 0 && (experiment->filters > 1 || experiment->bias || !bends);
}

int64_t cutlab_experiment_columns(const struct cutlab_experiment *experiment) {
  return (experiment->opposite ? 1 : 2) * (int64_t)experiment->feature_count;
}

cutlab_rarity cutlab_experiment_rarity(const struct cutlab_experiment *experiment, int k) {
  if (experiment->rarity_count) return experiment->rarities[k];
  if (k == 0) return CUTLAB_COMMON;
  if (k < experiment->feature_count - 1 || experiment->feature_count == 2) return CUTLAB_RARE;
  return CUTLAB_EXTREMELY_RARE;
}

static cutlab_status set_defaults(cutlab_context *context, cutlab_experiment *experiment) {
  CUTLAB_TRY(cutlab_table_defaults(context, &table, experiment));
  return cutlab_experiment_set_preset(context, experiment, "paper");
}

cutlab_status cutlab_experiment_create(cutlab_context *context, cutlab_experiment **experiment) {
  *experiment = cutlab_allocate(context, 1, sizeof **experiment);
  if (!*experiment) return CUTLAB_ERROR_MEMORY;
  cutlab_status status = set_defaults(context, *experiment);
  if (status == CUTLAB_OK) return CUTLAB_OK;
  cutlab_experiment_free(*experiment);
  *experiment = NULL;
  return status;
}

cutlab_status cutlab_experiment_copy(cutlab_context *context, cutlab_experiment **experiment,
                                     const cutlab_experiment *source) {
  *experiment = cutlab_allocate(context, 1, sizeof **experiment);
  if (!*experiment) return CUTLAB_ERROR_MEMORY;
  **experiment = *source;
  return CUTLAB_OK;
}

void cutlab_experiment_free(cutlab_experiment *experiment) {
  free(experiment);
}

static uint64_t row_bit(const char *key) {
  const cutlab_row *row = cutlab_table_find(&table, key);
  _Static_assert(row_count <= 64, "one bit a row");
  return row ? (uint64_t)1 << (row - rows) : 0;
}

bool cutlab_experiment_is_named(const struct cutlab_experiment *experiment, const char *key) {
  return experiment->named & row_bit(key);
}

cutlab_status cutlab_experiment_set(cutlab_context *context, cutlab_experiment *experiment,
                                    const char *key, const char *value) {
  if (strcmp(key, "preset") == 0)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                       "preset is not a parameter: choose one with --preset, with the key preset "
                       "of a YAML file, or with cutlab_experiment_set_preset");
  CUTLAB_TRY(cutlab_table_set(context, &table, experiment, key, value));
  experiment->named |= row_bit(key);
  return CUTLAB_OK;
}

static cutlab_status set(cutlab_context *context, void *values, const char *key, const char *text) {
  return cutlab_experiment_set(context, values, key, text);
}

static cutlab_status set_by_preset(cutlab_context *context, void *values, const char *key,
                                   const char *text) {
  cutlab_experiment *experiment = values;
  experiment->named &= ~row_bit(key);
  return cutlab_table_set(context, &table, experiment, key, text);
}

static cutlab_status set_in_file(cutlab_context *context, void *values, const char *key,
                                 const char *text) {
  return strcmp(key, "preset") == 0 ? cutlab_experiment_set_preset(context, values, text)
                                    : cutlab_experiment_set(context, values, key, text);
}

cutlab_status cutlab_experiment_set_preset(cutlab_context *context, cutlab_experiment *experiment,
                                           const char *preset) {
  const char *names[preset_count];
  char list[512] = "";
  for (int i = 0; i < preset_count; ++i) {
    names[i] = presets[i].name;
    snprintf(list + strlen(list), sizeof list - strlen(list), "%s%s", i ? ", " : "", names[i]);
    if (strcmp(preset, names[i]) != 0) continue;
    char where[64];
    snprintf(where, sizeof where, "preset %s", names[i]);
    return cutlab_table_apply_yaml(context, &table, experiment, set_by_preset, presets[i].yaml,
                                   strlen(presets[i].yaml), where);
  }
  return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                     "unknown preset '%.80s'; nearest: %s; accepted: %s", preset,
                     names[cutlab_nearest_name(preset, names, preset_count)], list);
}

cutlab_status cutlab_experiment_load_yaml(cutlab_context *context, cutlab_experiment *experiment,
                                          const char *path) {
  return cutlab_table_load_yaml(context, &table, experiment, set_in_file, path);
}

cutlab_status cutlab_experiment_from_json(cutlab_context *context, cutlab_experiment *experiment,
                                          const char *text) {
  return cutlab_table_apply_json(context, &table, experiment, set, text);
}

cutlab_status cutlab_experiment_to_json(cutlab_context *context, char **text,
                                        const cutlab_experiment *experiment) {
  return cutlab_table_print(context, text, &table, experiment, true, NULL);
}

cutlab_status cutlab_experiment_to_yaml(cutlab_context *context, char **text,
                                        const cutlab_experiment *experiment) {
  return cutlab_table_print(context, text, &table, experiment, false, NULL);
}

char *cutlab_experiment_get(const cutlab_experiment *experiment, const char *key) {
  return cutlab_table_get(&table, experiment, key);
}

static cutlab_status validate_features(cutlab_context *context,
                                       const cutlab_experiment *experiment) {
  int features = experiment->feature_count;
  double sum = 0;
  for (int k = 0; k < features; ++k) sum += experiment->frequencies[k];
  if (!(fabs(sum - 1) <= 1e-9))
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                       "frequencies sum to %.12g; accepted: 1, to within 1e-9", sum);
  if (experiment->rarity_count && experiment->rarity_count != features)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                       "rarities has %d items for %d frequencies; accepted: one a frequency, or "
                       "none",
                       experiment->rarity_count, features);
  int64_t columns = cutlab_experiment_columns(experiment);
  if (experiment->dimension >= columns) return CUTLAB_OK;
  return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                     "dimension is %lld; accepted: at least %s = %lld, for %d %s features of each "
                     "label",
                     (long long)experiment->dimension, experiment->opposite ? "K" : "2K",
                     (long long)columns, features, feature_names[experiment->opposite]);
}

static cutlab_status validate_network(cutlab_context *context,
                                      const cutlab_experiment *experiment) {
  const double most_weights = 1e10;
  double weights = 2 * (double)experiment->filters * (double)experiment->dimension;
  if (experiment->uniform_weights && weights > most_weights)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                       "initialisation=uniform draws each of %.3g weights; accepted: 1e10, or "
                       "initialisation=gaussian",
                       weights);
  if (experiment->activation != CUTLAB_ODD_POWER || experiment->power % 2) return CUTLAB_OK;
  return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                     "power is %lld with activation=odd_power; accepted: 3, 5, 7 or 9",
                     (long long)experiment->power);
}

cutlab_status cutlab_experiment_validate(cutlab_context *context,
                                         const cutlab_experiment *experiment) {
  CUTLAB_TRY(validate_features(context, experiment));
  CUTLAB_TRY(validate_network(context, experiment));
  if (experiment->method == CUTLAB_CUTMIX && experiment->position_bias == 1)
    cutlab_warn(
        context,
        "with position_bias 1 features are seen at one position only: the optimum of CutMix "
        "is not unique, and evenness is not defined");
  if (experiment->method != CUTLAB_CUTOUT) return CUTLAB_OK;
  long long cut = experiment->cut_size, patches = experiment->patches;
  if (cut >= patches)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                       "cut_size is %lld with %lld patches; accepted: |C| must be below P", cut,
                       patches);
  if (2 * cut >= patches)
    cutlab_warn(context,
                "cut_size %lld is at least half of %lld patches; the paper assumes |C| < P/2", cut,
                patches);
  return CUTLAB_OK;
}
