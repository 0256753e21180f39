/* Fresh points from the exact law of the filters' pre-activations: on a noise patch of deviation
   sigma they are a normal vector of R^F, with covariance sigma^2 times the filters' Gram matrix. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/random_bulk.h"
#include "base/streams.h"
#include "theory/simulation_internal.h"

/* Points of a block: fixed, so that results do not depend on the threads. */
enum { block_points = 256, strip = 4 };

typedef struct fresh {
  const cutlab_simulation *s;
  const double *feature_outputs; /* [2 labels][K] */
  double *factors[2]; /* dominant and background noise: lower triangular [F][F], scaled */
  int64_t points;
} fresh;

/* What a point is, apart from its noise. */
typedef struct point {
  int class; /* label * K + k */
  bool flipped;
  double side; /* sign of the feature in the dominant-noise patch */
} point;

/* What one thread works with, and what it has counted. */
typedef struct worker {
  double *normals, *inner; /* [F][block_points] */
  int64_t *counts;         /* [2 labels][K][2]: points, those with y f > 0 */
  int64_t wrong;           /* with y f <= 0 for the observed y */
} worker;

static double share(uint64_t word) {
  return (double)(word >> 11) * 0x1p-53;
}

static void draw_points(const fresh *q, point *points, int64_t block) {
  const struct cutlab_experiment *x = &q->s->experiment;
  uint64_t words[4 * block_points];
  cutlab_random random = cutlab_random_make(x->seed, cutlab_stream_fresh, (uint64_t)block, 0, 0);
  cutlab_random_words(words, &random, 0, 4 * block_points);
  for (int i = 0; i < block_points; ++i) {
    const uint64_t *word = words + 4 * i;
    double left = share(word[1]) - x->frequencies[0];
    int label = share(word[0]) < x->balance ? 0 : 1, k = 0;
    while (left >= 0 && k + 1 < x->feature_count) left -= x->frequencies[++k];
    points[i] = (point){label * x->feature_count + k, share(word[3]) < x->label_flips,
                        word[2] >> 63 ? 1 : -1};
  }
}

/* Means of the pre-activations in the noise patch: the bias, and the feature noise. */
static void set_means(const fresh *q, double *inner, const point *points, bool dominant) {
  const cutlab_simulation *s = q->s;
  const cutlab_dataset *data = s->data;
  for (int f = 0; f < s->filter_count; ++f) {
    const double *row = s->coordinates + f * data->columns;
    double plus = s->biases[f], minus = plus;
    if (dominant) {
      plus += data->alpha * row[0];
      minus += data->alpha * (data->opposite ? -row[0] : row[data->feature_count]);
    }
    for (int i = 0; i < block_points; ++i)
      inner[f * block_points + i] = points[i].side > 0 ? plus : minus;
  }
}

/* Adds to `outputs` what noise patch `patch` (the dominant one is 0) of each point adds to f. */
static void add_patch(const fresh *q, worker *w, double *outputs, const point *points,
                      int64_t block, int64_t patch) {
  const cutlab_simulation *s = q->s;
  const cutlab_kernels *kernels = cutlab_context_kernels(s->context);
  const double *factor = q->factors[patch > 0];
  int64_t filters = s->filter_count;
  cutlab_random random = cutlab_random_make(s->experiment.seed, cutlab_stream_fresh,
                                            (uint64_t)block, (uint64_t)patch + 1, 0);
  cutlab_random_normals(w->normals, kernels, &random, 0, filters * block_points);
  set_means(q, w->inner, points, patch == 0);
  for (int64_t f = 0; f < filters; f += strip) {
    int64_t rows = filters - f < strip ? filters - f : strip;
    kernels->combine(w->inner + f * block_points, block_points, factor + f * filters, filters, rows,
                     w->normals, block_points, f + rows, block_points);
  }
  for (int f = 0; f < s->filter_count; ++f)
    cutlab_activate_all(s->activation, outputs, cutlab_filter_sign(s, f),
                        w->inner + f * block_points, block_points, false);
}

static void draw_block(const fresh *q, worker *w, int64_t block) {
  const cutlab_simulation *s = q->s;
  point points[block_points];
  double outputs[block_points] = {0};
  int64_t count = q->points - block * block_points;
  if (count > block_points) count = block_points;
  draw_points(q, points, block);
  for (int64_t p = 0; p + 1 < s->data->patches; ++p) add_patch(q, w, outputs, points, block, p);
  for (int64_t i = 0; i < count; ++i) {
    double y = points[i].class < s->data->feature_count ? 1 : -1;
    double margin = q->feature_outputs[points[i].class] + y * outputs[i];
    ++w->counts[2 * points[i].class];
    w->counts[2 * points[i].class + 1] += margin > 0;
    w->wrong += points[i].flipped ? !(margin < 0) : !(margin > 0);
  }
}

static cutlab_status draw_all(const fresh *q, worker *workers, int threads) {
  enum { stretch = 1024 };
  int64_t blocks = (q->points + block_points - 1) / block_points;
  for (int64_t first = 0; first < blocks; first += stretch) {
    int64_t end = first + stretch < blocks ? first + stretch : blocks;
#pragma omp parallel for schedule(static) num_threads(threads) if (threads > 1)
    for (int part = 0; part < threads; ++part)
      for (int64_t block = first + part; block < end; block += threads)
        draw_block(q, &workers[part], block);
    CUTLAB_TRY(cutlab_report_progress(q->s->context, "Monte Carlo", 0, 0));
  }
  return CUTLAB_OK;
}

static void sum_up(const fresh *q, cutlab_measurement *m, const worker *workers, int threads,
                   bool by_feature) {
  double right = 0, wrong = 0, points = (double)q->points;
  for (int v = 0; v < 2 * m->feature_count; ++v) {
    double count = 0, good = 0;
    for (int part = 0; part < threads; ++part) {
      count += (double)workers[part].counts[2 * v];
      good += (double)workers[part].counts[2 * v + 1];
    }
    if (by_feature) m->population_accuracy_by_feature[v] = count > 0 ? good / count : NAN;
    right += good;
  }
  for (int part = 0; part < threads; ++part) wrong += (double)workers[part].wrong;
  m->monte_carlo_accuracy = right / points;
  m->monte_carlo_standard_error =
      sqrt(m->monte_carlo_accuracy * (1 - m->monte_carlo_accuracy) / points);
  m->test_error = wrong / points;
}

/* sigma times the Cholesky factor, for both kinds of noise. */
static cutlab_status make_factors(fresh *q, double *gram) {
  const cutlab_simulation *s = q->s;
  int64_t count = (int64_t)s->filter_count * s->filter_count;
  double sigma[2] = {s->data->sigma_d, s->data->sigma_b};
  for (int64_t i = 0; i < s->filter_count; ++i)
    for (int64_t j = 0; j <= i; ++j)
      if (!isfinite(gram[i * s->filter_count + j]))
        return cutlab_fail(s->context, CUTLAB_ERROR_NUMERIC,
                           "diverged by iteration %lld with learning_rate %g",
                           (long long)s->iteration, s->experiment.learning_rate);
  cutlab_cholesky(gram, s->filter_count);
  for (int kind = 0; kind < 2; ++kind) {
    q->factors[kind] = cutlab_allocate(s->context, count, sizeof(double));
    if (!q->factors[kind]) return CUTLAB_ERROR_MEMORY;
    for (int64_t i = 0; i < count; ++i) q->factors[kind][i] = sigma[kind] * gram[i];
  }
  return CUTLAB_OK;
}

cutlab_status cutlab_fresh_points(const cutlab_simulation *s, cutlab_measurement *m, double *gram,
                                  bool by_feature) {
  int threads = cutlab_context_threads(s->context);
  int64_t each = (int64_t)s->filter_count * block_points, classes = 2 * (int64_t)m->feature_count;
  fresh q = {.s = s, .feature_outputs = m->feature_outputs, .points = s->experiment.monte_carlo};
  worker *workers = cutlab_allocate(s->context, threads, sizeof *workers);
  double *scratch = cutlab_allocate(s->context, 2 * each * threads, sizeof *scratch);
  int64_t *counts = cutlab_allocate(s->context, 2 * classes * threads, sizeof *counts);
  cutlab_status status =
      workers && scratch && counts ? make_factors(&q, gram) : CUTLAB_ERROR_MEMORY;
  if (status == CUTLAB_OK) {
    for (int part = 0; part < threads; ++part)
      workers[part] = (worker){scratch + 2 * part * each, scratch + (2 * part + 1) * each,
                               counts + 2 * part * classes, 0};
    status = draw_all(&q, workers, threads);
  }
  if (status == CUTLAB_OK) sum_up(&q, m, workers, threads, by_feature);
  for (int kind = 0; kind < 2; ++kind) free(q.factors[kind]);
  free(workers);
  free(scratch);
  free(counts);
  return status;
}
