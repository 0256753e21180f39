/* Gradient descent: preparing, stepping, and the pass through the network that both forms of the
   dynamics share. */
#include <cutlab/simulation.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cutlab/random.h>

#include "base/ranks.h"
#include "base/streams.h"
#include "theory/simulation_internal.h"

/* What the dynamics of patches in R^d take beside these. */
static cutlab_status check_fits(const cutlab_simulation *s, cutlab_form form, int64_t noise_rows,
                                int64_t dimension) {
  double filters = cutlab_experiment_rows(&s->experiment), m = (double)noise_rows + filters;
  double d = (double)dimension;
  return form == CUTLAB_FORM_HELD
             ? cutlab_check_memory(s->context, 16 * filters * d, "holding the filters in R^d")
             : cutlab_check_memory(s->context, 8 * (m * d + m * m), "the Gram form of held data");
}

static cutlab_status allocate_common(cutlab_simulation *s) {
  cutlab_context *c = s->context;
  if (s->data->form != CUTLAB_FORM_WISHART)
    CUTLAB_TRY(check_fits(s, s->form, s->data->noise_rows, s->data->dimension));
  int64_t f = s->filter_count, columns = f * s->data->columns;
  s->inner = cutlab_allocate(c, f * s->patch_count, sizeof(double));
  s->pulls = cutlab_allocate(c, f * s->patch_count, sizeof(double));
  s->outputs = cutlab_allocate(c, s->patch_count, sizeof(double));
  s->slopes = cutlab_allocate(c, s->patch_count, sizeof(double));
  s->coordinates = cutlab_allocate(c, columns, sizeof(double));
  s->first_coordinates = cutlab_allocate(c, columns, sizeof(double));
  s->coefficients = cutlab_allocate(c, f * s->patch_count, sizeof(double));
  s->biases = cutlab_allocate(c, f, sizeof(double));
  s->bias_gradient = cutlab_allocate(c, f, sizeof(double));
  if (s->form == CUTLAB_FORM_GRAM) s->gradient = cutlab_allocate(c, columns, sizeof(double));
  bool all = s->inner && s->pulls && s->outputs && s->slopes && s->coordinates &&
             s->first_coordinates && s->coefficients && s->biases && s->bias_gradient &&
             (s->gradient || s->form == CUTLAB_FORM_HELD);
  return all ? CUTLAB_OK : CUTLAB_ERROR_MEMORY;
}

/* The initial filters along the features, and their biases, of the same law. */
static void draw_coordinates(cutlab_simulation *s) {
  const struct cutlab_experiment *x = &s->experiment;
  int64_t columns = s->data->columns;
  double bound = 1 / sqrt((double)s->data->dimension);
  for (int f = 0; f < s->filter_count; ++f) {
    double *coordinates = s->coordinates + f * columns;
    cutlab_random random = cutlab_random_make(x->seed, cutlab_stream_filter, (uint64_t)f, 0, 0);
    if (x->uniform_weights)
      cutlab_uniform_weights(coordinates, cutlab_context_kernels(s->context), x, f, 0, columns);
    else
      for (int64_t v = 0; v < columns; ++v)
        coordinates[v] = x->sigma_0 * cutlab_random_normal(&random);
    random = cutlab_random_make(x->seed, cutlab_stream_bias, (uint64_t)f, 0, 0);
    if (x->bias)
      s->biases[f] = x->uniform_weights ? bound * (2 * cutlab_random_uniform(&random) - 1)
                                        : x->sigma_0 * cutlab_random_normal(&random);
  }
  memcpy(s->first_coordinates, s->coordinates,
         (size_t)(s->filter_count * columns) * sizeof *s->coordinates);
}

/* A step costs about 4 nPd operations with the data held and 4 N^2 in Gram form. */
static cutlab_form choose_faster(int64_t noise_rows, int64_t patch_count, int64_t dimension) {
  double rows = (double)noise_rows;
  return rows * rows < (double)patch_count * (double)dimension ? CUTLAB_FORM_GRAM
                                                               : CUTLAB_FORM_HELD;
}

static cutlab_status choose_form(cutlab_simulation *s) {
  const cutlab_dataset *data = s->data;
  cutlab_form form = s->experiment.form;
  if (data->form == CUTLAB_FORM_WISHART) {
    if (form == CUTLAB_FORM_HELD || form == CUTLAB_FORM_GRAM)
      return cutlab_fail(s->context, CUTLAB_ERROR_ARGUMENT,
                         "form is %s, but the data set holds inner products only; use form=wishart",
                         form == CUTLAB_FORM_HELD ? "held" : "gram");
    if (data->filters != s->filter_count || data->uniform_weights != s->experiment.uniform_weights)
      return cutlab_fail(s->context, CUTLAB_ERROR_ARGUMENT,
                         "filters is %lld and initialisation %s, but the data set holds inner "
                         "products with its own; accepted: filters=%d initialisation=%s",
                         (long long)s->experiment.filters,
                         s->experiment.uniform_weights ? "uniform" : "gaussian", data->filters / 2,
                         data->uniform_weights ? "uniform" : "gaussian");
    s->form = CUTLAB_FORM_GRAM;
    return CUTLAB_OK;
  }
  if (form == CUTLAB_FORM_WISHART)
    return cutlab_fail(s->context, CUTLAB_ERROR_ARGUMENT,
                       "form is wishart, but the data set holds patches; use form=held or gram");
  if (form == CUTLAB_FORM_AUTO)
    form = choose_faster(data->noise_rows, s->patch_count, data->dimension);
  s->form = form;
  return CUTLAB_OK;
}

static cutlab_status create_objective(cutlab_simulation *s) {
  const struct cutlab_experiment *x = &s->experiment;
  const cutlab_dataset *data = s->data;
  if (x->method == CUTLAB_MIXUP) {
    cutlab_mixup_options options = {x->midpoint, x->mixup_alpha, x->tolerance};
    return cutlab_mixup_create(s->context, &s->mixup, &options, s->activation, data->labels,
                               data->examples, data->patches, s->filter_count);
  }
  cutlab_objective_options options = {x->method, (int)x->cut_size, x->path, x->tolerance,
                                      x->subsets};
  return cutlab_objective_create(s->context, &s->objective, &options, data->labels, data->examples,
                                 data->patches);
}

/* Whether every patch of a label can have the one output that the closed form gives it. Not with
   flipped labels, where the same feature comes with either; not with contiguous subsets, which
   treat positions differently; not beyond the outputs that the network can reach. */
static bool has_even_optimum(const cutlab_simulation *s) {
  const cutlab_dataset *data = cutlab_dataset_whole(s->data);
  if (data->feature_count && memcmp(data->labels, data->true_labels, (size_t)data->examples) != 0)
    return false;
  if (s->experiment.subsets == CUTLAB_SUBSETS_CONTIGUOUS) return false;
  double most = fmax(s->optimum.positive, s->optimum.negative);
  return s->activation.kind != CUTLAB_SIGMOID || !(most >= s->filter_count / 2.0);
}

static cutlab_status prepare(cutlab_simulation *s) {
  const struct cutlab_experiment *x = &s->experiment;
  s->patch_count = s->data->examples * s->data->patches;
  s->filter_count = cutlab_experiment_rows(x);
  s->activation = (cutlab_activation){x->activation, x->beta, x->r, (int)x->power};
  s->gradient_norm = NAN;
  s->accuracy_tolerance = 1e-8;
  if (s->data->feature_count && s->data->feature_count != x->feature_count)
    return cutlab_fail(s->context, CUTLAB_ERROR_ARGUMENT,
                       "frequencies has %d entries, but the data set has %d features a class",
                       x->feature_count, s->data->feature_count);
  CUTLAB_TRY(choose_form(s));
  CUTLAB_TRY(cutlab_agree_over_ranks(s->context, allocate_common(s)));
  draw_coordinates(s);
  CUTLAB_TRY(create_objective(s));
  const cutlab_dataset *whole = cutlab_dataset_whole(s->data);
  CUTLAB_TRY(
      cutlab_optimum(s->context, &s->optimum, whole->patches, whole->positives, whole->examples));
  if (!has_even_optimum(s)) s->optimum = (cutlab_optimum_point){0, NAN, NAN, NAN};
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

/* Whether a training fits is known before its data are drawn. */
static cutlab_status check_drawn_fits(const cutlab_simulation *s) {
  const struct cutlab_experiment *x = &s->experiment;
  int64_t n = x->examples, rows = n * (x->patches - 1);
  cutlab_form form = x->form;
  if (cutlab_dataset_choose_form(x) == CUTLAB_FORM_WISHART) return CUTLAB_OK;
  if (form == CUTLAB_FORM_AUTO) form = choose_faster(rows, n * x->patches, x->dimension);
  return check_fits(s, form, rows, x->dimension);
}

static cutlab_status draw_data(cutlab_simulation *s) {
  bool divided = cutlab_context_ranks(s->context) != NULL;
  if (divided) s->experiment.form = CUTLAB_FORM_HELD;
  CUTLAB_TRY(cutlab_agree_over_ranks(s->context, check_drawn_fits(s)));
  return divided ? cutlab_divided_draw(s)
                 : cutlab_dataset_draw(s->context, &s->own_data, &s->experiment);
}

cutlab_status cutlab_simulation_create(cutlab_context *context, cutlab_simulation **simulation,
                                       const cutlab_experiment *experiment,
                                       const cutlab_dataset *dataset) {
  *simulation = NULL;
  cutlab_simulation *s = cutlab_allocate(context, 1, sizeof *s);
  if (!s) return CUTLAB_ERROR_MEMORY;
  s->context = context;
  s->experiment = *experiment;
  cutlab_status status = CUTLAB_OK;
  if (dataset) status = cutlab_dataset_describe(context, &s->experiment, dataset);
  if (status == CUTLAB_OK && (!dataset || dataset->feature_count))
    status = cutlab_experiment_validate(context, &s->experiment);
  if (cutlab_context_ranks(context) && status == CUTLAB_OK)
    status = cutlab_divided_check(s, dataset);
  if (!dataset && status == CUTLAB_OK) status = draw_data(s);
  s->data = dataset ? dataset : s->own_data;
  if (status == CUTLAB_OK) status = cutlab_agree_over_ranks(context, prepare(s));
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
                      s->row_pulls,   s->row_steps,         s->row_shares,   s->first_noise_gram,
                      s->biases,      s->bias_gradient};
  for (size_t i = 0; i < sizeof arrays / sizeof *arrays; ++i) free(arrays[i]);
  cutlab_dense_free(s->dense);
  free(s->row_patch);
  free(s->entries);
  cutlab_objective_free(s->objective);
  cutlab_mixup_free(s->mixup);
  cutlab_dataset_free(s->own_data);
  free(s);
}

void cutlab_simulation_forward(cutlab_simulation *s) {
  if (s->form == CUTLAB_FORM_HELD)
    cutlab_held_inner(s);
  else
    cutlab_gram_inner(s);
  for (int f = 0; f < s->filter_count; ++f) {
    double *inner = s->inner + f * s->patch_count;
    if (s->experiment.bias)
      for (int64_t ip = 0; ip < s->patch_count; ++ip) inner[ip] += s->biases[f];
    cutlab_activate_all(s->activation, s->outputs, cutlab_filter_sign(s, f), inner, s->patch_count,
                        f == 0);
  }
}

cutlab_status cutlab_simulation_diverged(const cutlab_simulation *s) {
  if (s->iteration == 0) return CUTLAB_ERROR_NUMERIC;
  return cutlab_fail(
      s->context, CUTLAB_ERROR_NUMERIC, "diverged by iteration %lld with learning_rate %g: %s",
      (long long)s->iteration, s->experiment.learning_rate, cutlab_context_message(s->context));
}

static bool any_beyond(const double *values, int64_t count, double limit) {
  for (int64_t k = 0; k < count; ++k)
    if (!(fabs(values[k]) <= limit)) return true;
  return false;
}

/* The status of an evaluation. One may also fail because its tolerance is out of reach, as it is
   for outputs of thousands; beyond a billion, or where outputs are no numbers, training has
   diverged. */
static cutlab_status check_evaluation(const cutlab_simulation *s, cutlab_status status) {
  const double limit = 1e9;
  if (status != CUTLAB_ERROR_NUMERIC) return status;
  double beyond = any_beyond(s->outputs, s->patch_count, limit) ||
                  (s->mixup && any_beyond(s->inner, s->filter_count * s->patch_count, limit));
  cutlab_largest_over_ranks(s->context, &beyond, 1);
  return beyond > 0 ? cutlab_simulation_diverged(s) : status;
}

/* Loss and slopes where the objective is a function of the patch outputs. */
static cutlab_status evaluate_outputs(cutlab_simulation *s, double *loss, bool sampled) {
  double unused;
  cutlab_status status =
      sampled ? cutlab_objective_sample(s->objective, loss ? loss : &unused, s->slopes, s->outputs,
                                        s->experiment.seed, s->iteration)
              : cutlab_objective_evaluate(s->objective, loss, s->slopes, NULL, s->outputs);
  return check_evaluation(s, status);
}

static cutlab_status pull_outputs(cutlab_simulation *s, double *loss, bool sampled) {
  CUTLAB_TRY(evaluate_outputs(s, loss, sampled));
  for (int f = 0; f < s->filter_count; ++f)
    cutlab_activate_slopes(s->activation, s->pulls + f * s->patch_count, s->slopes,
                           cutlab_filter_sign(s, f), s->inner + f * s->patch_count, s->patch_count);
  return CUTLAB_OK;
}

static cutlab_status pull_mixed(cutlab_simulation *s, double *loss, bool sampled) {
  double error;
  cutlab_status status = sampled
                             ? cutlab_mixup_sample(s->mixup, loss, s->pulls, s->inner,
                                                   s->experiment.seed, s->iteration)
                             : cutlab_mixup_evaluate(s->mixup, loss, s->pulls, &error, s->inner);
  return check_evaluation(s, status);
}

/* Sets the gradient of the biases; what its square adds to that of the norm. */
static double pull_biases(cutlab_simulation *s) {
  double square = 0;
  for (int f = 0; f < s->filter_count; ++f) {
    const double *pulls = s->pulls + f * s->patch_count;
    double sum[4] = {0}, rest = 0; /* four at a time: independent sums */
    int64_t ip = 0;
    for (; ip + 4 <= s->patch_count; ip += 4)
      for (int k = 0; k < 4; ++k) sum[k] += pulls[ip + k];
    for (; ip < s->patch_count; ++ip) rest += pulls[ip];
    s->bias_gradient[f] = sum[0] + sum[1] + sum[2] + sum[3] + rest;
  }
  cutlab_sum_over_ranks(s->context, s->bias_gradient, s->filter_count);
  for (int f = 0; f < s->filter_count; ++f) square += s->bias_gradient[f] * s->bias_gradient[f];
  return square;
}

cutlab_status cutlab_simulation_backward(cutlab_simulation *s, double *loss, bool sampled) {
  CUTLAB_TRY(s->mixup ? pull_mixed(s, loss, sampled) : pull_outputs(s, loss, sampled));
  double norm = s->form == CUTLAB_FORM_HELD ? cutlab_held_gradient(s) : cutlab_gram_gradient(s);
  s->gradient_norm = s->experiment.bias ? sqrt(norm * norm + pull_biases(s)) : norm;
  return CUTLAB_OK;
}

static cutlab_status check_gradient(const cutlab_simulation *s) {
  if (isfinite(s->gradient_norm)) return CUTLAB_OK;
  cutlab_fail(s->context, CUTLAB_ERROR_NUMERIC, "the gradient is not finite");
  return cutlab_simulation_diverged(s);
}

static cutlab_status take_dense_step(cutlab_simulation *s) {
  cutlab_dense_forward(s);
  CUTLAB_TRY(evaluate_outputs(s, NULL, s->experiment.sampled));
  s->gradient_norm = cutlab_dense_descend(s, s->experiment.learning_rate);
  CUTLAB_TRY(check_gradient(s));
  ++s->iteration;
  return CUTLAB_OK;
}

static cutlab_status take_step(void *simulation) {
  cutlab_simulation *s = simulation;
  double rate = s->experiment.learning_rate;
  if (s->dense) return take_dense_step(s);
  cutlab_simulation_forward(s);
  CUTLAB_TRY(cutlab_simulation_backward(s, NULL, s->experiment.sampled));
  CUTLAB_TRY(check_gradient(s));
  for (int64_t k = 0; k < s->filter_count * s->patch_count; ++k)
    s->coefficients[k] -= rate * s->pulls[k];
  for (int f = 0; s->experiment.bias && f < s->filter_count; ++f)
    s->biases[f] -= rate * s->bias_gradient[f];
  if (s->form == CUTLAB_FORM_HELD)
    cutlab_held_descend(s, rate);
  else
    cutlab_gram_descend(s, rate);
  ++s->iteration;
  return CUTLAB_OK;
}

static cutlab_status take_steps(cutlab_simulation *s, int64_t count) {
  const char *method = cutlab_method_name(s->experiment.method);
  for (int64_t i = 0; i < count; ++i) {
    CUTLAB_TRY(cutlab_pace_run(&s->pace, s->context, take_step, s));
    cutlab_status status =
        cutlab_report_progress(s->context, method, s->iteration, s->experiment.iterations);
    CUTLAB_TRY(cutlab_agree_over_ranks(s->context, status));
  }
  return CUTLAB_OK;
}

cutlab_status cutlab_simulation_step(cutlab_simulation *s, int64_t count) {
  if (count < 0)
    return cutlab_fail(s->context, CUTLAB_ERROR_ARGUMENT, "count of steps is %lld; accepted: >= 0",
                       (long long)count);
  if (!s->dense) return take_steps(s, count);
  cutlab_dense_load(s);
  cutlab_status status = take_steps(s, count);
  cutlab_dense_save(s);
  return status;
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
