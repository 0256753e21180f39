/* The parameter table of an experiment, its presets, and the rules across parameters. */
#include "data/experiment_table.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

extern const char cutlab_preset_paper[], cutlab_preset_theory[], cutlab_preset_quick[];

static const struct {
  const char *name, *yaml;
} presets[] = {{"paper", cutlab_preset_paper},
               {"theory", cutlab_preset_theory},
               {"quick", cutlab_preset_quick}};
enum { preset_count = sizeof presets / sizeof *presets };

static const char *const rarity_names[] = {"common", "rare", "extremely rare", NULL};
static const char *const sampling_names[] = {"iid", "stratified", NULL};
static const char *const form_names[] = {"auto", "held", "gram", "wishart", NULL};
static const char *const method_names[] = {"erm", "cutout", "cutmix", NULL};
static const char *const objective_names[] = {"exact", "sampled", NULL};
static const char *const path_names[] = {"auto", "brute", "direct", "chebyshev", NULL};
static const char *const spacing_names[] = {"linear", "log", NULL};

#define FIELD(field, element)                                                                      \
  .offset = offsetof(struct cutlab_experiment, field),                                             \
  .size = sizeof(((struct cutlab_experiment *)0)->element)
#define INTEGER(name_, least_, most_, default_, text_)                                             \
  {                                                                                                \
    .shown = {#name_, "integer", #least_ " to " #most_, text_}, .kind = CUTLAB_KIND_INTEGER,       \
    FIELD(name_, name_), .least = (least_), .most = (most_), .default_text = (default_)            \
  }
#define NUMBER(name_, low_, high_, accepted_, default_, text_)                                     \
  {                                                                                                \
    .shown = {#name_, "number", accepted_, text_}, .kind = CUTLAB_KIND_NUMBER,                     \
    FIELD(name_, name_), .low = (low_), .high = (high_), .default_text = (default_)                \
  }
#define CHOICE(name_, field_, choices_, accepted_, default_, text_)                                \
  {                                                                                                \
    .shown = {name_, "choice", accepted_, text_}, .kind = CUTLAB_KIND_CHOICE,                      \
    FIELD(field_, field_), .choices = (choices_), .default_text = (default_)                       \
  }

/* Open ends as closed ones: the next double inside. */
#define ABOVE_ZERO DBL_TRUE_MIN
#define BELOW_ONE (1 - DBL_EPSILON / 2)

/* A NULL default is the value of the preset `paper`. */
static const cutlab_row rows[] = {
    INTEGER(patches, 2, 20, NULL, "Patches of a data point, P."),
    INTEGER(dimension, 1, 1000000000000, NULL,
            "Dimension of a patch, d; at least 2K, two orthonormal features for each frequency."),
    INTEGER(examples, 1, 1000000000, NULL, "Training examples, n."),
    {.shown = {"frequencies", "list of numbers", "each > 0, descending, sum 1, at most 1024",
               "Frequencies rho_1 >= ... >= rho_K of the features of either label."},
     .kind = CUTLAB_KIND_NUMBERS,
     .low = ABOVE_ZERO,
     .high = DBL_MAX,
     FIELD(frequencies, frequencies[0]),
     .count_offset = offsetof(struct cutlab_experiment, feature_count)},
    {.shown = {"rarities", "list of choices", "common | rare | extremely rare, one a frequency",
               "Rarity of each feature; empty: the first is common, the last extremely rare (of "
               "two: rare), those between rare."},
     .kind = CUTLAB_KIND_CHOICES,
     FIELD(rarities, rarities[0]),
     .count_offset = offsetof(struct cutlab_experiment, rarity_count),
     .choices = rarity_names,
     .default_text = "[]"},
    NUMBER(sigma_d, 0, DBL_MAX, ">= 0", NULL, "Standard deviation of the dominant noise."),
    NUMBER(sigma_b, 0, DBL_MAX, ">= 0", NULL, "Standard deviation of the background noise."),
    NUMBER(alpha, 0, BELOW_ONE, ">= 0 and < 1", NULL,
           "Strength of the feature noise in the dominant-noise patch."),
    NUMBER(balance, 0, 1, "0 to 1", "0.5", "Probability of label +1."),
    CHOICE("sampling", sampling, sampling_names, "iid | stratified", "iid",
           "How labels and features are drawn: independently, or each as often as expected, "
           "rounded."),
    CHOICE("form", form, form_names, "auto | held | gram | wishart", "auto",
           "How the noise is held: vectors of R^d, their inner products, or inner products drawn "
           "directly at a cost independent of d."),
    NUMBER(sigma_0, 0, DBL_MAX, ">= 0", NULL, "Standard deviation of the initial weights."),
    NUMBER(beta, 0, 1, "0 to 1", NULL, "Negative slope of the smoothed leaky ReLU."),
    NUMBER(r, 1e-100, 1e100, "1e-100 to 1e100", NULL,
           "Width of the quadratic piece of the smoothed leaky ReLU."),
    CHOICE("method", method, method_names, "erm | cutout | cutmix", "cutmix",
           "What is trained: plain examples, examples with patches cut out, or cut and mixed "
           "pairs."),
    CHOICE("objective", sampled, objective_names, "exact | sampled", "exact",
           "Gradient of the full mean over all augmented data, or of one random augmentation per "
           "example and iteration."),
    INTEGER(cut_size, 1, 1000000000, NULL,
            "Patches that Cutout zeroes, |C|; below P, and in the paper below P/2."),
    NUMBER(learning_rate, ABOVE_ZERO, DBL_MAX, "> 0", NULL, "Step size of gradient descent, eta."),
    INTEGER(iterations, 0, 1000000000000, NULL, "Gradient descent steps."),
    NUMBER(stop_gradient_norm, 0, DBL_MAX, ">= 0", "0",
           "Stop once the gradient norm is at most this; 0: never."),
    INTEGER(seed, 0, 9223372036854775807, "1", "Seed of the data, the weights and the sampling."),
    CHOICE("path", path, path_names, "auto | brute | direct | chebyshev", "auto",
           "How the exact sums are computed: by walking the augmented data, vectorised, or by "
           "Chebyshev interpolation."),
    NUMBER(tolerance, 1e-15, 1e-2, "1e-15 to 1e-2", "1e-12",
           "Bound on the interpolation error of each sigmoid."),
    {.shown = {"log_points", "integer", "0, or 2 to 1000000000",
               "Logged iterations, both ends included; 0: every iteration."},
     .kind = CUTLAB_KIND_INTEGER,
     FIELD(log_points, log_points),
     .most = 1000000000,
     .excluded = 1,
     .default_text = "101"},
    CHOICE("log_spacing", log_spacing, spacing_names, "linear | log", "log",
           "Spacing of the logged iterations."),
    INTEGER(monte_carlo, 0, 1000000000000, "0",
            "Fresh points per measurement for a Monte Carlo check of the population accuracy; 0: "
            "none."),
};
enum { row_count = sizeof rows / sizeof *rows };

const cutlab_row *cutlab_row_find(const char *name) {
  for (int i = 0; i < row_count; ++i)
    if (strcmp(rows[i].shown.name, name) == 0) return &rows[i];
  return NULL;
}

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

cutlab_rarity cutlab_experiment_rarity(const struct cutlab_experiment *experiment, int k) {
  if (experiment->rarity_count) return experiment->rarities[k];
  if (k == 0) return CUTLAB_COMMON;
  if (k < experiment->feature_count - 1 || experiment->feature_count == 2) return CUTLAB_RARE;
  return CUTLAB_EXTREMELY_RARE;
}

static cutlab_status set_defaults(cutlab_context *context, cutlab_experiment *experiment) {
  for (int i = 0; i < row_count; ++i)
    if (rows[i].default_text)
      CUTLAB_TRY(cutlab_row_parse(context, &rows[i], experiment, rows[i].default_text));
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

static cutlab_status fail_unknown(cutlab_context *context, const char *key) {
  if (strcmp(key, "preset") == 0)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                       "preset is not a parameter: choose one with --preset, with the key preset "
                       "of a YAML file, or with cutlab_experiment_set_preset");
  const char *names[row_count];
  for (int i = 0; i < row_count; ++i) names[i] = rows[i].shown.name;
  return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT, "unknown parameter '%.80s'; nearest: %s", key,
                     names[cutlab_nearest_name(key, names, row_count)]);
}

cutlab_status cutlab_experiment_set(cutlab_context *context, cutlab_experiment *experiment,
                                    const char *key, const char *value) {
  const cutlab_row *row = cutlab_row_find(key);
  return row ? cutlab_row_parse(context, row, experiment, value) : fail_unknown(context, key);
}

cutlab_status cutlab_experiment_set_preset(cutlab_context *context, cutlab_experiment *experiment,
                                           const char *preset) {
  const char *names[preset_count];
  for (int i = 0; i < preset_count; ++i) {
    names[i] = presets[i].name;
    if (strcmp(preset, names[i]) != 0) continue;
    char where[64];
    snprintf(where, sizeof where, "preset %s", names[i]);
    return cutlab_experiment_apply_yaml(context, experiment, presets[i].yaml,
                                        strlen(presets[i].yaml), where, false);
  }
  return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                     "unknown preset '%.80s'; nearest: %s; accepted: paper, theory, quick", preset,
                     names[cutlab_nearest_name(preset, names, preset_count)]);
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
  if (experiment->dimension < 2 * (int64_t)features)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                       "dimension is %lld; accepted: at least 2K = %d, for %d orthonormal features "
                       "of each label",
                       (long long)experiment->dimension, 2 * features, features);
  return CUTLAB_OK;
}

cutlab_status cutlab_experiment_validate(cutlab_context *context,
                                         const cutlab_experiment *experiment) {
  CUTLAB_TRY(validate_features(context, experiment));
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
