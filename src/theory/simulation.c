/* Gradient descent: preparing, stepping, and the pass through the network that both forms of the
   dynamics share. */
#include <cutlab/simulation.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cutlab/random.h>

#include "base/streams.h"
#include "theory/simulation_internal.h"

static cutlab_status allocate_common(cutlab_simulation *s) {
  cutlab_context *c = s->context;
  int64_t columns = cutlab_filters * cutlab_filters * s->data->feature_count;
  s->inner = cutlab_allocate(c, cutlab_filters * s->patch_count, sizeof(double));
  s->pulls = cutlab_allocate(c, cutlab_filters * s->patch_count, sizeof(double));
  s->outputs = cutlab_allocate(c, s->patch_count, sizeof(double));
  s->slopes = cutlab_allocate(c, s->patch_count, sizeof(double));
  s->coordinates = cutlab_allocate(c, columns, sizeof(double));
  s->first_coordinates = cutlab_allocate(c, columns, sizeof(double));
  s->coefficients = cutlab_allocate(c, cutlab_filters * s->patch_count, sizeof(double));
  if (s->form == CUTLAB_FORM_GRAM) s->gradient = cutlab_allocate(c, columns, sizeof(double));
  bool all = s->inner && s->pulls && s->outputs && s->slopes && s->coordinates &&
             s->first_coordinates && s->coefficients &&
             (s->gradient || s->form == CUTLAB_FORM_HELD);
  return all ? CUTLAB_OK : CUTLAB_ERROR_MEMORY;
}

/* w_s(0) ~ N(0, sigma_0^2 I): the coordinates along the features. */
static void draw_coordinates(cutlab_simulation *s) {
  int64_t columns = cutlab_filters * s->data->feature_count;
  for (int f = 0; f < cutlab_filters; ++f) {
    cutlab_random random =
        cutlab_random_make(s->experiment.seed, cutlab_stream_filter, (uint64_t)f, 0, 0);
    for (int64_t v = 0; v < columns; ++v)
      s->coordinates[f * columns + v] = s->experiment.sigma_0 * cutlab_random_normal(&random);
  }
  memcpy(s->first_coordinates, s->coordinates,
         (size_t)(cutlab_filters * columns) * sizeof *s->coordinates);
}

/* A step costs about 4 nPd operations with the data held and 4 N^2 in Gram form. */
static cutlab_status choose_form(cutlab_simulation *s) {
  const cutlab_dataset *data = s->data;
  cutlab_form form = s->experiment.form;
  if (data->form == CUTLAB_FORM_WISHART) {
    if (form == CUTLAB_FORM_HELD || form == CUTLAB_FORM_GRAM)
      return cutlab_fail(s->context, CUTLAB_ERROR_ARGUMENT,
                         "form is %s, but the data set holds inner products only; use form=wishart",
                         form == CUTLAB_FORM_HELD ? "held" : "gram");
    s->form = CUTLAB_FORM_GRAM;
    return CUTLAB_OK;
  }
  if (form == CUTLAB_FORM_WISHART)
    return cutlab_fail(s->context, CUTLAB_ERROR_ARGUMENT,
                       "form is wishart, but the data set holds patches; use form=held or gram");
  if (form == CUTLAB_FORM_AUTO)
    form = (double)data->noise_rows * (double)data->noise_rows <
                   (double)s->patch_count * (double)data->dimension
               ? CUTLAB_FORM_GRAM
               : CUTLAB_FORM_HELD;
  s->form = form;
  return CUTLAB_OK;
}

static cutlab_status prepare(cutlab_simulation *s) {
  const struct cutlab_experiment *x = &s->experiment;
  s->patch_count = s->data->examples * s->data->patches;
  s->activation = (cutlab_activation){x->beta, x->r};
  s->gradient_norm = NAN;
  if (s->data->feature_count && s->data->feature_count != x->feature_count)
    return cutlab_fail(s->context, CUTLAB_ERROR_ARGUMENT,
                       "frequencies has %d entries, but the data set has %d features a class",
                       x->feature_count, s->data->feature_count);
  CUTLAB_TRY(choose_form(s));
  CUTLAB_TRY(allocate_common(s));
  draw_coordinates(s);
  cutlab_objective_options options = {x->method, (int)x->cut_size, x->path, x->tolerance,
                                      CUTLAB_SUBSETS_ARBITRARY};
  CUTLAB_TRY(cutlab_objective_create(s->context, &s->objective, &options, s->data->labels,
                                     s->data->examples, s->data->patches));
  CUTLAB_TRY(cutlab_optimum(s->context, &s->optimum, s->data->patches, s->data->positives,
                            s->data->examples));
  if (s->form == CUTLAB_FORM_HELD) return cutlab_held_create(s);
  CUTLAB_TRY(cutlab_gram_create(s));
  if (s->own_data && s->own_gram) { /* the patches have done their work: keep the Gram matrix */
    free(s->own_data->patch_data);
    s->own_data->patch_data = NULL;
    s->own_data->gram = s->own_gram;
    s->own_data->form = CUTLAB_FORM_WISHART;
    s->own_gram = NULL;
  }
  return CUTLAB_OK;
}

cutlab_status cutlab_simulation_create(cutlab_context *context, cutlab_simulation **simulation,
                                       const cutlab_experiment *experiment,
                                       const cutlab_dataset *dataset) {
  *simulation = NULL;
  if (!dataset) CUTLAB_TRY(cutlab_experiment_validate(context, experiment));
  cutlab_simulation *s = cutlab_allocate(context, 1, sizeof *s);
  if (!s) return CUTLAB_ERROR_MEMORY;
  s->context = context;
  s->experiment = *experiment;
  cutlab_status status = CUTLAB_OK;
  if (!dataset) status = cutlab_dataset_draw(context, &s->own_data, experiment);
  s->data = dataset ? dataset : s->own_data;
  if (status == CUTLAB_OK) status = prepare(s);
  if (status == CUTLAB_OK)
    *simulation = s;
  else
    cutlab_simulation_free(s);
  return status;
}

void cutlab_simulation_free(cutlab_simulation *s) {
  if (!s) return;
  double *arrays[] = {s->inner,       s->outputs,           s->slopes,       s->pulls,
                      s->coordinates, s->first_coordinates, s->coefficients, s->filters,
                      s->gradient,    s->own_gram,          s->noise_inner,  s->first_noise_inner,
                      s->row_pulls,   s->row_steps,         s->row_shares};
  for (size_t i = 0; i < sizeof arrays / sizeof *arrays; ++i) free(arrays[i]);
  free(s->row_patch);
  free(s->entries);
  cutlab_objective_free(s->objective);
  cutlab_dataset_free(s->own_data);
  free(s);
}

void cutlab_simulation_forward(cutlab_simulation *s) {
  if (s->form == CUTLAB_FORM_HELD)
    cutlab_held_inner(s);
  else
    cutlab_gram_inner(s);
  const double *plus = s->inner, *minus = s->inner + s->patch_count;
  for (int64_t ip = 0; ip < s->patch_count; ++ip)
    s->outputs[ip] =
        cutlab_activate(s->activation, plus[ip]) - cutlab_activate(s->activation, minus[ip]);
}

cutlab_status cutlab_simulation_backward(cutlab_simulation *s, double *loss, bool sampled) {
  double sampled_loss;
  if (sampled)
    CUTLAB_TRY(cutlab_objective_sample(s->objective, loss ? loss : &sampled_loss, s->slopes,
                                       s->outputs, s->experiment.seed, s->iteration));
  else
    CUTLAB_TRY(cutlab_objective_evaluate(s->objective, loss, s->slopes, NULL, s->outputs));
  for (int f = 0; f < cutlab_filters; ++f) {
    const double *inner = s->inner + f * s->patch_count;
    double *pulls = s->pulls + f * s->patch_count, sign = f ? -1 : 1;
    for (int64_t ip = 0; ip < s->patch_count; ++ip)
      pulls[ip] = sign * s->slopes[ip] * cutlab_activate_slope(s->activation, inner[ip]);
  }
  s->gradient_norm =
      s->form == CUTLAB_FORM_HELD ? cutlab_held_gradient(s) : cutlab_gram_gradient(s);
  return CUTLAB_OK;
}

static cutlab_status take_step(cutlab_simulation *s) {
  double rate = s->experiment.learning_rate;
  cutlab_simulation_forward(s);
  CUTLAB_TRY(cutlab_simulation_backward(s, NULL, s->experiment.sampled));
  if (!isfinite(s->gradient_norm))
    return cutlab_fail(s->context, CUTLAB_ERROR_NUMERIC,
                       "the gradient is no longer finite at iteration %lld; learning_rate is %g",
                       (long long)s->iteration, rate);
  for (int64_t k = 0; k < cutlab_filters * s->patch_count; ++k)
    s->coefficients[k] -= rate * s->pulls[k];
  if (s->form == CUTLAB_FORM_HELD)
    cutlab_held_descend(s, rate);
  else
    cutlab_gram_descend(s, rate);
  ++s->iteration;
  return CUTLAB_OK;
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* A step with as many of the context's threads as are worth it. */
static cutlab_status take_paced_step(cutlab_simulation *s, int threads) {
  if (threads == 1) return take_step(s);
  cutlab_context_set_threads(s->context, cutlab_pace_next(&s->pace) ? threads : 1);
  double start = now();
  cutlab_status status = take_step(s);
  cutlab_pace_record(&s->pace, now() - start);
  cutlab_context_set_threads(s->context, threads);
  return status;
}

cutlab_status cutlab_simulation_step(cutlab_simulation *s, int64_t count) {
  const char *method = cutlab_method_name(s->experiment.method);
  int threads = cutlab_context_threads(s->context);
  for (int64_t i = 0; i < count; ++i) {
    CUTLAB_TRY(take_paced_step(s, threads));
    CUTLAB_TRY(cutlab_report_progress(s->context, method, s->iteration, s->experiment.iterations));
  }
  return CUTLAB_OK;
}

int64_t cutlab_simulation_iteration(const cutlab_simulation *s) {
  return s->iteration;
}

double cutlab_simulation_gradient_norm(const cutlab_simulation *s) {
  return s->gradient_norm;
}

cutlab_status cutlab_simulation_outputs(cutlab_simulation *s, double *outputs) {
  cutlab_simulation_forward(s);
  memcpy(outputs, s->outputs, (size_t)s->patch_count * sizeof *outputs);
  return CUTLAB_OK;
}

const cutlab_optimum_point *cutlab_simulation_optimum(const cutlab_simulation *s) {
  return &s->optimum;
}

const cutlab_dataset *cutlab_simulation_dataset(const cutlab_simulation *s) {
  return s->data;
}
