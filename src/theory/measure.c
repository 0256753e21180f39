/* What is measured along a training. */
#include <math.h>
#include <stdlib.h>

#include "base/ranks.h"
#include "theory/simulation_internal.h"

typedef struct tally {
  int64_t count;
  double sum, min, max;
} tally;

/* Of zeros of either sign the last stays: fmin and fmax would leave that to the compiler. */
static void add(tally *t, double value) {
  if (t->count == 0 || value <= t->min || isnan(t->min)) t->min = value;
  if (t->count == 0 || value >= t->max || isnan(t->max)) t->max = value;
  t->sum += value;
  ++t->count;
}

enum { tally_count = 10 };

/* Over the examples of all ranks, and how many of these are right. */
static void add_over_ranks(const cutlab_context *context, tally *tallies, double *right) {
  if (!cutlab_context_ranks(context)) return;
  double sums[2 * tally_count + 1], ends[2 * tally_count];
  for (int i = 0; i < tally_count; ++i) {
    const tally *t = &tallies[i];
    sums[2 * i] = (double)t->count, sums[2 * i + 1] = t->sum;
    ends[2 * i] = t->count ? -t->min : -INFINITY, ends[2 * i + 1] = t->count ? t->max : -INFINITY;
  }
  sums[2 * tally_count] = *right;
  cutlab_sum_over_ranks(context, sums, 2 * tally_count + 1);
  cutlab_largest_over_ranks(context, ends, 2 * tally_count);
  for (int i = 0; i < tally_count; ++i)
    tallies[i] = (tally){(int64_t)sums[2 * i], sums[2 * i + 1], -ends[2 * i], ends[2 * i + 1]};
  *right = sums[2 * tally_count];
}

static cutlab_spread spread_of(const tally *t) {
  if (!t->count) return (cutlab_spread){NAN, NAN, NAN};
  return (cutlab_spread){t->sum / (double)t->count, t->min, t->max};
}

static double root_mean(const tally *squares) {
  return squares->count ? sqrt(squares->sum / (double)squares->count) : NAN;
}

/* Outputs and noise coefficients of the training patches, by kind. A user's own patches count as
   dominant noise nowhere: they have no kind. Where features are always seen at the same position
   the optimum is not unique, and evenness not defined. */
static void measure_patches(const cutlab_simulation *s, cutlab_measurement *m) {
  const cutlab_dataset *data = s->data;
  tally tallies[tally_count] = {{0}}, *all = tallies + 9;
  tally *outputs = tallies, *coefficients = tallies + 3, *uneven = tallies + 6; /* by kind */
  double right = 0;
  for (int64_t i = 0; i < data->examples; ++i) {
    double sum = 0, y = data->labels[i];
    double z = y > 0 ? s->optimum.positive : s->optimum.negative;
    if (s->experiment.position_bias == 1) z = NAN;
    for (int64_t p = 0; p < data->patches; ++p) {
      int64_t ip = i * data->patches + p, row = data->noise_row[ip];
      bool known = data->feature_count > 0;
      int kind = known && p == data->feature_positions[i]    ? 0
                 : known && p == data->dominant_positions[i] ? 1
                                                             : 2;
      double gap = y * s->outputs[ip] / z - 1;
      sum += s->outputs[ip];
      add(all, gap * gap);
      if (!known) continue;
      add(&uneven[kind], gap * gap);
      add(&outputs[kind], y * s->outputs[ip]);
      for (int f = 0; row >= 0 && f < s->filter_count; ++f)
        add(&coefficients[kind],
            y * cutlab_filter_sign(s, f) * s->coefficients[f * s->patch_count + ip]);
    }
    right += y * sum > 0;
  }
  add_over_ranks(s->context, tallies, &right);
  m->train_accuracy = right / (double)cutlab_dataset_whole(data)->examples;
  m->evenness = root_mean(all);
  m->evenness_feature = root_mean(&uneven[0]);
  m->evenness_dominant = root_mean(&uneven[1]);
  m->evenness_background = root_mean(&uneven[2]);
  m->dominant = spread_of(&outputs[1]), m->background = spread_of(&outputs[2]);
  m->dominant_coefficient = spread_of(&coefficients[1]);
  m->background_coefficient = spread_of(&coefficients[2]);
}

/* <w_f, v>: v is the feature of label +1 (v < K) or -1. */
static double along(const cutlab_simulation *s, const double *coordinates, int f, int v) {
  int k = s->data->feature_count;
  const double *row = coordinates + f * s->data->columns;
  return s->data->opposite && v >= k ? -row[v - k] : row[v];
}

/* Outputs are those of a feature patch; coefficients are means over the filters of a sign. */
static void measure_features(const cutlab_simulation *s, cutlab_measurement *m) {
  int k = s->data->feature_count, half = s->filter_count / 2;
  for (int v = 0; v < 2 * k; ++v) {
    double a = 0;
    for (int f = 0; f < s->filter_count; ++f) {
      double z = s->data->signal * along(s, s->coordinates, f, v) + s->biases[f];
      double gain = along(s, s->coordinates, f, v) - along(s, s->first_coordinates, f, v);
      a += cutlab_filter_sign(s, f) * cutlab_activate(s->activation, z);
      m->feature_coefficients[(f < half ? 0 : 2 * k) + v] += gain / half;
    }
    m->feature_outputs[v] = v < k ? a : -a;
  }
}

/* Inner products of the filters as a fresh noise patch sees them: with full noise, with their
   feature coordinates. The lower triangle of [F][F]. */
static void noise_gram(const cutlab_simulation *s, double *gram) {
  const cutlab_dataset *data = s->data;
  if (s->form == CUTLAB_FORM_HELD)
    cutlab_held_noise_gram(s, gram);
  else
    cutlab_gram_noise_gram(s, gram);
  for (int f = 0; data->full_noise && f < s->filter_count; ++f)
    for (int g = 0; g <= f; ++g) {
      const double *a = s->coordinates + f * data->columns, *b = s->coordinates + g * data->columns;
      for (int64_t c = 0; c < data->columns; ++c) gram[f * s->filter_count + g] += a[c] * b[c];
    }
}

/* The worlds whose law of outputs is known in closed form. ReLU and leaky ReLU are the smoothed one
   with a quadratic piece too narrow to be met. The readout knows no norm of features: a patch
   mu v is one of v with filters mu times as long there. */
static bool has_exact_law(const cutlab_simulation *s) {
  cutlab_activation_kind kind = s->activation.kind;
  bool piecewise =
      kind == CUTLAB_SMOOTHED_LEAKY_RELU || kind == CUTLAB_RELU || kind == CUTLAB_LEAKY_RELU;
  bool scales = s->data->signal > 0 || s->data->alpha == 0;
  return piecewise && scales && s->filter_count == 2 && !s->experiment.bias;
}

static cutlab_readout make_readout(const cutlab_simulation *s, const double *gram,
                                   double *features) {
  const struct cutlab_experiment *x = &s->experiment;
  const cutlab_dataset *data = s->data;
  const double too_narrow = 1e-100;
  int k = data->feature_count;
  bool smoothed = s->activation.kind == CUTLAB_SMOOTHED_LEAKY_RELU;
  cutlab_readout readout = {.beta = s->activation.kind == CUTLAB_RELU ? 0 : x->beta,
                            .r = smoothed ? x->r : too_narrow,
                            .patches = (int)data->patches,
                            .feature_count = k,
                            .frequencies = x->frequencies,
                            .balance = x->balance,
                            .alpha = data->alpha > 0 ? data->alpha / data->signal : 0,
                            .sigma_d = data->sigma_d,
                            .sigma_b = data->sigma_b,
                            .features = features,
                            .noise_gram = {gram[0], gram[2], gram[3]}};
  for (int f = 0; f < 2; ++f)
    for (int v = 0; v < 2 * k; ++v)
      features[f * 2 * k + v] = data->signal * along(s, s->coordinates, f, v);
  return readout;
}

/* A readout of a training is refused for its filters alone. */
static cutlab_status check_readout(const cutlab_simulation *s, cutlab_status status) {
  return status == CUTLAB_ERROR_ARGUMENT && s->iteration > 0 ? cutlab_simulation_diverged(s)
                                                             : status;
}

/* With two filters of a plain world the fresh points are those of the public function. */
static bool is_plain(const cutlab_simulation *s) {
  const cutlab_dataset *data = s->data;
  return has_exact_law(s) && s->activation.kind == CUTLAB_SMOOTHED_LEAKY_RELU &&
         !data->full_noise && !data->opposite && data->signal == 1 &&
         s->experiment.label_flips == 0;
}

static cutlab_status measure_accuracy(const cutlab_simulation *s, cutlab_measurement *m,
                                      double *gram, double *features) {
  int64_t points = s->experiment.monte_carlo;
  bool exact = has_exact_law(s), plain = is_plain(s);
  if (!exact && !points) return CUTLAB_OK;
  noise_gram(s, gram);
  if (exact) {
    cutlab_readout readout = make_readout(s, gram, features);
    CUTLAB_TRY(check_readout(s, cutlab_population_accuracy(s->context, &m->population_accuracy,
                                                           m->population_accuracy_by_feature,
                                                           &readout, s->accuracy_tolerance)));
    if (points && plain) {
      CUTLAB_TRY(cutlab_population_accuracy_monte_carlo(s->context, &m->monte_carlo_accuracy,
                                                        &m->monte_carlo_standard_error, NULL,
                                                        &readout, points, s->experiment.seed));
      m->test_error = 1 - m->monte_carlo_accuracy;
    }
  }
  return points && !plain ? cutlab_fresh_points(s, m, gram, !exact) : CUTLAB_OK;
}

static cutlab_status measure_population(const cutlab_simulation *s, cutlab_measurement *m) {
  int k = s->data->feature_count;
  if (!k) return CUTLAB_OK;
  for (int v = 0; v < 2 * k; ++v) m->population_accuracy_by_feature[v] = NAN;
  double *gram =
      cutlab_allocate(s->context, (int64_t)s->filter_count * s->filter_count, sizeof *gram);
  double *features = cutlab_allocate(s->context, 4 * (int64_t)k, sizeof *features);
  cutlab_status status =
      gram && features ? measure_accuracy(s, m, gram, features) : CUTLAB_ERROR_MEMORY;
  free(gram);
  free(features);
  return status;
}

typedef struct measuring {
  cutlab_simulation *simulation;
  cutlab_measurement *measurement;
} measuring;

static cutlab_status measure(void *argument) {
  cutlab_simulation *s = ((measuring *)argument)->simulation;
  cutlab_measurement *m = ((measuring *)argument)->measurement;
  int k = s->data->feature_count;
  *m = (cutlab_measurement){.iteration = s->iteration, .feature_count = k};
  m->population_accuracy = m->monte_carlo_accuracy = m->monte_carlo_standard_error = NAN;
  m->test_error = NAN;
  m->feature_outputs = cutlab_allocate(s->context, 2 * k, sizeof(double));
  m->feature_coefficients = cutlab_allocate(s->context, 4 * k, sizeof(double));
  m->population_accuracy_by_feature = cutlab_allocate(s->context, 2 * k, sizeof(double));
  bool ready = m->feature_outputs && m->feature_coefficients && m->population_accuracy_by_feature;
  cutlab_status status =
      cutlab_agree_over_ranks(s->context, ready ? CUTLAB_OK : CUTLAB_ERROR_MEMORY);
  if (status == CUTLAB_OK) {
    double last_norm = s->gradient_norm;
    cutlab_simulation_forward(s);
    status = cutlab_simulation_backward(s, &m->loss, false);
    m->gradient_norm = s->gradient_norm;
    s->gradient_norm = last_norm;
    measure_patches(s, m);
    measure_features(s, m);
    if (status == CUTLAB_OK) status = cutlab_agree_over_ranks(s->context, measure_population(s, m));
  }
  if (status != CUTLAB_OK) cutlab_measurement_clear(m);
  return status;
}

/* At 300 examples a measurement is some milliseconds in a dozen parallel regions and barriers, at
   each of which a busy core may cost as much again. */
cutlab_status cutlab_simulation_measure(cutlab_simulation *s, cutlab_measurement *m) {
  measuring what = {s, m};
  return cutlab_pace_run(&s->measuring_pace, s->context, measure, &what);
}

cutlab_status cutlab_simulation_measure_roughly(cutlab_simulation *s, cutlab_measurement *m,
                                                double tolerance) {
  double exact = s->accuracy_tolerance;
  s->accuracy_tolerance = tolerance;
  cutlab_status status = cutlab_simulation_measure(s, m);
  s->accuracy_tolerance = exact;
  return status;
}

void cutlab_measurement_clear(cutlab_measurement *m) {
  if (!m) return;
  free(m->feature_outputs);
  free(m->feature_coefficients);
  free(m->population_accuracy_by_feature);
  m->feature_outputs = m->feature_coefficients = m->population_accuracy_by_feature = NULL;
}
