/* Fresh points from the exact law of the filters' pre-activations: on a noise patch of deviation
   sigma they are a normal vector of R^F, with covariance sigma^2 times the filters' Gram matrix. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/random_bulk.h"
#include "base/streams.h"
#include "theory/simulation_internal.h"

/* Points of a block: fixed, so that results do not depend on the threads. */
enum { block_points = 64 };

typedef struct fresh {
  const cutlab_simulation *s;
  const double *feature_outputs; /* [2 labels][K] */
  double *factors[2]; /* dominant and background noise: lower triangular [F][F], scaled */
  int64_t points;
} fresh;

/* What the points of a block are, apart from their noise. */
typedef struct batch {
  int64_t number;
  int class[block_points]; /* label * K + k */
  bool flipped[block_points];
  double side[block_points]; /* 1 or 0: of label +1 or -1 is the feature in the dominant noise */
} batch;

/* What one thread works with, and what it has counted. */
typedef struct worker {
  double *normals, *inner; /* [F][block_points] */
  double *means;           /* [F] */
  int64_t *counts;         /* [2 labels][K][2]: points, those with y f > 0 */
  int64_t wrong;           /* with y f <= 0 for the observed y */
} worker;

/* Noise patch p has part p + 1 of a block's numbers, the points themselves part 0. */
static cutlab_bulk bulk_of(const fresh *q, int64_t number, int64_t part) {
  const int64_t parts = 128; /* at least P */
  return cutlab_bulk_make(q->s->experiment.seed, cutlab_stream_fresh, (uint32_t)number,
                          (uint32_t)(part + parts * (number >> 32)));
}

/* Three uniform numbers a point: of 32 bits for its label and whether it is flipped, of 53 for its
   feature. */
static void draw_points(const fresh *q, batch *b) {
  const struct cutlab_experiment *x = &q->s->experiment;
  uint64_t words[2 * block_points];
  cutlab_bulk bulk = bulk_of(q, b->number, 0);
  cutlab_bulk_draw(words, cutlab_context_kernels(q->s->context), &bulk, 0,
                   2 * block_points / cutlab_bulk_words);
  for (int i = 0; i < block_points; ++i) {
    uint64_t word = words[i], other = words[block_points + i];
    int negative = !((double)(word >> 32) * 0x1p-32 < x->balance), k = 0;
    double left = (double)(other >> 11) * 0x1p-53 - x->frequencies[0];
    while (left >= 0 && k + 1 < x->feature_count) left -= x->frequencies[++k];
    b->class[i] = negative * x->feature_count + k;
    b->flipped[i] = (double)(word & 0xffffffff) * 0x1p-32 < x->label_flips;
    b->side[i] = (double)(other & 1);
  }
}

/* What the feature noise of a sign adds to the pre-activation of filter f. */
static double feature_noise(const cutlab_simulation *s, int f, bool positive) {
  const cutlab_dataset *data = s->data;
  const double *row = s->coordinates + f * data->columns;
  if (positive) return data->alpha * row[0];
  return data->alpha * (data->opposite ? -row[0] : row[data->feature_count]);
}

/* Sets `outputs` to what noise patch `patch` (the dominant one is 0) of each point adds to f. */
static void draw_patch(const fresh *q, worker *w, double *outputs, const batch *b, int64_t patch) {
  const cutlab_simulation *s = q->s;
  const cutlab_kernels *kernels = cutlab_context_kernels(s->context);
  int filters = s->filter_count;
  bool dominant = patch == 0 && s->data->alpha > 0; /* has feature noise */
  cutlab_bulk bulk = bulk_of(q, b->number, patch + 1);
  cutlab_bulk_normals(w->normals, kernels, &bulk, (int64_t)filters * block_points);
  for (int f = 0; f < filters; ++f)
    w->means[f] = s->biases[f] + (dominant ? feature_noise(s, f, false) : 0);
  kernels->correlate(w->inner, block_points, q->factors[patch > 0], filters, w->means, filters,
                     w->normals, block_points);
  for (int f = 0; dominant && f < filters; ++f) {
    double more = feature_noise(s, f, true) - feature_noise(s, f, false);
    for (int i = 0; i < block_points; ++i) w->inner[f * block_points + i] += b->side[i] * more;
  }
  double leak;
  if (cutlab_activation_is_leaky(s->activation, &leak))
    kernels->leaky_sums(outputs, w->inner, block_points, filters, leak, block_points);
  else
    for (int f = 0; f < filters; ++f)
      cutlab_activate_all(s->activation, outputs, cutlab_filter_sign(s, f),
                          w->inner + f * block_points, block_points, f == 0);
}

static void draw_block(const fresh *q, worker *w, int64_t number) {
  const cutlab_simulation *s = q->s;
  batch b = {.number = number};
  double outputs[block_points] = {0}, part[block_points] = {0};
  int64_t count = q->points - number * block_points;
  if (count > block_points) count = block_points;
  draw_points(q, &b);
  for (int64_t p = 0; p + 1 < s->data->patches; ++p) {
    draw_patch(q, w, part, &b, p);
    for (int i = 0; i < block_points; ++i) outputs[i] += part[i];
  }
  for (int64_t i = 0; i < count; ++i) {
    double y = b.class[i] < s->data->feature_count ? 1 : -1, seen = b.flipped[i] ? -1 : 1;
    double margin = q->feature_outputs[b.class[i]] + y * outputs[i];
    ++w->counts[2 * b.class[i]];
    w->counts[2 * b.class[i] + 1] += margin > 0;
    w->wrong += !(seen * margin > 0);
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
      if (!isfinite(gram[i * s->filter_count + j])) {
        cutlab_fail(s->context, CUTLAB_ERROR_NUMERIC,
                    "the inner products of filters %lld and %lld are not finite", (long long)i,
                    (long long)j);
        return cutlab_simulation_diverged(s);
      }
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
  double *scratch =
      cutlab_allocate(s->context, (2 * each + s->filter_count) * threads, sizeof *scratch);
  int64_t *counts = cutlab_allocate(s->context, 2 * classes * threads, sizeof *counts);
  cutlab_status status =
      workers && scratch && counts ? make_factors(&q, gram) : CUTLAB_ERROR_MEMORY;
  if (status == CUTLAB_OK) {
    for (int part = 0; part < threads; ++part) {
      double *room = scratch + part * (2 * each + s->filter_count);
      workers[part] = (worker){room, room + each, room + 2 * each, counts + 2 * part * classes, 0};
    }
    status = draw_all(&q, workers, threads);
  }
  if (status == CUTLAB_OK) sum_up(&q, m, workers, threads, by_feature);
  for (int kind = 0; kind < 2; ++kind) free(q.factors[kind]);
  free(workers);
  free(scratch);
  free(counts);
  return status;
}
