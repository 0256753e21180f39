/* What is measured along a training. */
#include <math.h>
#include <stdlib.h>

#include "theory/simulation_internal.h"

static const double accuracy_tolerance = 1e-8;

typedef struct tally {
  int64_t count;
  double sum, min, max;
} tally;

static void add(tally *t, double value) {
  t->min = t->count ? fmin(t->min, value) : value;
  t->max = t->count ? fmax(t->max, value) : value;
  t->sum += value;
  ++t->count;
}

static cutlab_spread spread_of(const tally *t) {
  if (!t->count) return (cutlab_spread){NAN, NAN, NAN};
  return (cutlab_spread){t->sum / (double)t->count, t->min, t->max};
}

static double root_mean(const tally *squares) {
  return squares->count ? sqrt(squares->sum / (double)squares->count) : NAN;
}

/* Outputs and noise coefficients of the training patches, by kind. A user's own patches count as
   dominant noise nowhere: they have no kind. */
static void measure_patches(const cutlab_simulation *s, cutlab_measurement *m) {
  const cutlab_dataset *data = s->data;
  tally outputs[3] = {{0}}, coefficients[3] = {{0}}, uneven[3] = {{0}}, all = {0};
  int64_t right = 0;
  for (int64_t i = 0; i < data->examples; ++i) {
    double sum = 0, y = data->labels[i];
    double z = y > 0 ? s->optimum.positive : s->optimum.negative;
    for (int64_t p = 0; p < data->patches; ++p) {
      int64_t ip = i * data->patches + p, row = data->noise_row[ip];
      bool known = data->feature_count > 0;
      int kind = known && p == data->feature_positions[i]    ? 0
                 : known && p == data->dominant_positions[i] ? 1
                                                             : 2;
      double gap = y * s->outputs[ip] / z - 1;
      sum += s->outputs[ip];
      add(&all, gap * gap);
      if (!known) continue;
      add(&uneven[kind], gap * gap);
      add(&outputs[kind], y * s->outputs[ip]);
      for (int f = 0; row >= 0 && f < cutlab_filters; ++f)
        add(&coefficients[kind], y * (f ? -1 : 1) * s->coefficients[f * s->patch_count + ip]);
    }
    right += y * sum > 0;
  }
  m->train_accuracy = (double)right / (double)data->examples;
  m->evenness = root_mean(&all);
  m->evenness_feature = root_mean(&uneven[0]);
  m->evenness_dominant = root_mean(&uneven[1]);
  m->evenness_background = root_mean(&uneven[2]);
  m->dominant = spread_of(&outputs[1]), m->background = spread_of(&outputs[2]);
  m->dominant_coefficient = spread_of(&coefficients[1]);
  m->background_coefficient = spread_of(&coefficients[2]);
}

static void measure_features(const cutlab_simulation *s, cutlab_measurement *m) {
  int64_t k = s->data->feature_count, columns = cutlab_filters * k;
  for (int64_t v = 0; v < columns; ++v) {
    double a = cutlab_activate(s->activation, s->coordinates[v]) -
               cutlab_activate(s->activation, s->coordinates[columns + v]);
    m->feature_outputs[v] = v < k ? a : -a;
  }
  for (int64_t v = 0; v < cutlab_filters * columns; ++v)
    m->feature_coefficients[v] = s->coordinates[v] - s->first_coordinates[v];
}

static cutlab_status measure_accuracy(const cutlab_simulation *s, cutlab_measurement *m) {
  const struct cutlab_experiment *x = &s->experiment;
  const cutlab_dataset *data = s->data;
  m->population_accuracy = m->monte_carlo_accuracy = m->monte_carlo_standard_error = NAN;
  if (!data->feature_count) return CUTLAB_OK;
  cutlab_readout readout = {.beta = x->beta,
                            .r = x->r,
                            .patches = (int)data->patches,
                            .feature_count = data->feature_count,
                            .frequencies = x->frequencies,
                            .balance = x->balance,
                            .alpha = data->alpha,
                            .sigma_d = data->sigma_d,
                            .sigma_b = data->sigma_b,
                            .features = s->coordinates};
  if (s->form == CUTLAB_FORM_HELD)
    cutlab_held_noise_gram(s, readout.noise_gram);
  else
    cutlab_gram_noise_gram(s, readout.noise_gram);
  cutlab_status status =
      cutlab_population_accuracy(s->context, &m->population_accuracy,
                                 m->population_accuracy_by_feature, &readout, accuracy_tolerance);
  if (status == CUTLAB_ERROR_ARGUMENT && s->iteration > 0)
    status = cutlab_fail(
        s->context, CUTLAB_ERROR_NUMERIC, "diverged by iteration %lld with learning_rate %g: %s",
        (long long)s->iteration, x->learning_rate, cutlab_context_message(s->context));
  CUTLAB_TRY(status);
  if (!x->monte_carlo) return CUTLAB_OK;
  return cutlab_population_accuracy_monte_carlo(s->context, &m->monte_carlo_accuracy,
                                                &m->monte_carlo_standard_error, NULL, &readout,
                                                x->monte_carlo, x->seed);
}

cutlab_status cutlab_simulation_measure(cutlab_simulation *s, cutlab_measurement *m) {
  int k = s->data->feature_count;
  *m = (cutlab_measurement){.iteration = s->iteration, .feature_count = k};
  m->feature_outputs = cutlab_allocate(s->context, 2 * k, sizeof(double));
  m->feature_coefficients = cutlab_allocate(s->context, 4 * k, sizeof(double));
  m->population_accuracy_by_feature = cutlab_allocate(s->context, 2 * k, sizeof(double));
  cutlab_status status = CUTLAB_ERROR_MEMORY;
  if (m->feature_outputs && m->feature_coefficients && m->population_accuracy_by_feature) {
    double last_norm = s->gradient_norm;
    cutlab_simulation_forward(s);
    status = cutlab_simulation_backward(s, &m->loss, false);
    m->gradient_norm = s->gradient_norm;
    s->gradient_norm = last_norm;
    measure_patches(s, m);
    measure_features(s, m);
    if (status == CUTLAB_OK) status = measure_accuracy(s, m);
  }
  if (status != CUTLAB_OK) cutlab_measurement_clear(m);
  return status;
}

void cutlab_measurement_clear(cutlab_measurement *m) {
  if (!m) return;
  free(m->feature_outputs);
  free(m->feature_coefficients);
  free(m->population_accuracy_by_feature);
  m->feature_outputs = m->feature_coefficients = m->population_accuracy_by_feature = NULL;
}
