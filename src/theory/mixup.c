/* Mixup's public face: checks, sums over all pairs, the sampled twin. */
#include "theory/mixup.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include <cutlab/random.h>

#include "base/streams.h"
#include "theory/mixup_internal.h"
#include "theory/quadrature.h"

/* Tasks of a wave are done in parallel, then added in their order. */
enum { wave = 128, most_block = 16, fewest_blocks = 10 };

static const double most_alpha = 1000;

static cutlab_status check(cutlab_context *context, const cutlab_mixup_options *options,
                           const int8_t *labels, int64_t examples, int64_t patches, int filters) {
  if (examples < 1)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT, "examples is %lld; accepted: at least 1",
                       (long long)examples);
  if (patches < 1)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT, "patches is %lld; accepted: at least 1",
                       (long long)patches);
  if (filters < 2 || filters % 2)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                       "filters is %d; accepted: even numbers, half of them of each sign", filters);
  if (!options->midpoint && !(options->alpha > 0 && options->alpha <= most_alpha))
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                       "mixup_alpha is %g; accepted: above 0, at most %g", options->alpha,
                       most_alpha);
  if (!(options->tolerance >= 1e-15 && options->tolerance <= 1e-2))
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT, "tolerance is %g; accepted: 1e-15 to 1e-2",
                       options->tolerance);
  for (int64_t i = 0; i < examples; ++i)
    if (labels[i] != 1 && labels[i] != -1)
      return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                         "label of example %lld is %d; accepted: +1 and -1", (long long)i,
                         labels[i]);
  return CUTLAB_OK;
}

/* Gamma(a + 1/2) / Gamma(a); from 20 on by its asymptotic series (DLMF 5.11.13), whose next term is
   below 1e-14. */
static double gamma_ratio(double a) {
  if (a < 20) return tgamma(a + .5) / tgamma(a);
  double b = 1 / (a * a);
  return sqrt(a) * exp((-1 / 8. + b * (1 / 192. + b * (-1 / 640. + b * 17 / 14336))) / a);
}

static void prepare_rules(cutlab_mixup *m) {
  double a = m->options.alpha;
  if (m->options.midpoint) return;
  m->density = 4 * gamma_ratio(a) / sqrt(M_PI);
  for (int k = 1; k <= cutlab_mixup_order + cutlab_mixup_step; ++k) {
    cutlab_gauss_legendre(m->plain[k].nodes, m->plain[k].weights, k);
    cutlab_gauss_rule(m->edge[k].nodes, m->edge[k].weights, k, a);
  }
}

cutlab_status cutlab_mixup_create(cutlab_context *context, cutlab_mixup **mixup,
                                  const cutlab_mixup_options *options, cutlab_activation activation,
                                  const int8_t *labels, int64_t examples, int64_t patches,
                                  int filters) {
  *mixup = NULL;
  CUTLAB_TRY(check(context, options, labels, examples, patches, filters));
  cutlab_mixup *m = cutlab_allocate(context, 1, sizeof *m);
  if (!m) return CUTLAB_ERROR_MEMORY;
  m->context = context, m->options = *options, m->activation = activation;
  m->break_count = cutlab_activation_breakpoints(activation, m->breaks);
  m->degree = cutlab_mixup_degree(activation);
  m->examples = examples, m->patches = patches, m->filters = filters;
  m->entries = filters * patches;
  m->stride = m->entries + 2;
  m->block = examples / fewest_blocks;
  if (m->block > most_block) m->block = most_block;
  if (m->block < 1) m->block = 1;
  m->targets = cutlab_allocate(context, examples, sizeof *m->targets);
  m->inner = cutlab_allocate(context, examples * m->stride, sizeof *m->inner);
  m->sums = cutlab_allocate(context, examples * m->stride, sizeof *m->sums);
  m->partial = cutlab_allocate(context, wave * 2 * m->block * m->stride, sizeof *m->partial);
  if (!m->targets || !m->inner || !m->sums || !m->partial) {
    cutlab_mixup_free(m);
    return CUTLAB_ERROR_MEMORY;
  }
  for (int64_t i = 0; i < examples; ++i) m->targets[i] = labels[i] > 0;
  prepare_rules(m);
  *mixup = m;
  return CUTLAB_OK;
}

static void free_scratch(cutlab_mixup *m) {
  for (int t = 0; t < m->threads; ++t) free(m->scratch[t].edges);
  free(m->scratch);
  m->scratch = NULL;
  m->threads = 0;
}

void cutlab_mixup_free(cutlab_mixup *mixup) {
  if (!mixup) return;
  free_scratch(mixup);
  free(mixup->targets);
  free(mixup->inner);
  free(mixup->sums);
  free(mixup->partial);
  free(mixup);
}

static cutlab_status prepare_scratch(cutlab_mixup *m) {
  int threads = cutlab_context_threads(m->context);
  int64_t edges = 2 * m->entries + 2;
  if (threads <= m->threads) return CUTLAB_OK;
  free_scratch(m);
  m->scratch = cutlab_allocate(m->context, threads, sizeof *m->scratch);
  if (!m->scratch) return CUTLAB_ERROR_MEMORY;
  for (; m->threads < threads; ++m->threads) {
    cutlab_mixup_scratch *s = &m->scratch[m->threads];
    s->edges = cutlab_allocate(m->context, edges + (cutlab_mixup_nodes + 2) * m->entries,
                               sizeof *s->edges);
    if (!s->edges) return CUTLAB_ERROR_MEMORY;
    s->slopes = s->edges + edges;
    s->sums.near = s->slopes + cutlab_mixup_nodes * m->entries;
    s->sums.far = s->sums.near + m->entries;
  }
  return CUTLAB_OK;
}

/* [filters][examples][patches] to rows of examples. */
static cutlab_status take_inner(cutlab_mixup *m, const double *inner) {
  for (int64_t i = 0; i < m->examples; ++i) {
    double sum = 0;
    for (int64_t e = 0; e < m->entries; ++e) {
      int64_t filter = e / m->patches, patch = e % m->patches;
      double z = inner[(filter * m->examples + i) * m->patches + patch];
      m->inner[i * m->stride + e] = z;
      sum += fabs(z);
    }
    if (!isfinite(sum))
      return cutlab_fail(m->context, CUTLAB_ERROR_NUMERIC,
                         "pre-activations of example %lld are not finite", (long long)i);
  }
  memset(m->sums, 0, (size_t)(m->examples * m->stride) * sizeof *m->sums);
  return prepare_scratch(m);
}

/* And back: means, with the filters' signs. */
static void give_pulls(const cutlab_mixup *m, double *pulls, double weight) {
  for (int64_t f = 0; f < m->filters; ++f) {
    double signed_weight = f < m->filters / 2 ? weight : -weight;
    for (int64_t i = 0; i < m->examples; ++i)
      for (int64_t p = 0; p < m->patches; ++p)
        pulls[(f * m->examples + i) * m->patches + p] =
            signed_weight * m->sums[i * m->stride + f * m->patches + p];
  }
}

static int64_t smaller(int64_t a, int64_t b) {
  return a < b ? a : b;
}

/* All ordered pairs of two blocks. */
static void run_task(const cutlab_mixup *m, cutlab_mixup_scratch *scratch, double *partial,
                     double *loss, bool derivatives, int64_t near_block, int64_t far_block) {
  int64_t size = m->block * m->stride, first = near_block * m->block, start = far_block * m->block;
  memset(partial, 0, (size_t)(2 * size) * sizeof *partial);
  *loss = 0;
  for (int64_t i = first; i < smaller(first + m->block, m->examples); ++i)
    for (int64_t j = start; j < smaller(start + m->block, m->examples); ++j) {
      double *near = partial + (i - first) * m->stride;
      double *far = partial + size + (j - start) * m->stride;
      cutlab_mixup_rows rows = {loss, near, far, derivatives};
      if (i == j)
        cutlab_mixup_add_point(m, scratch, rows, i, j, 0);
      else if (m->options.midpoint)
        cutlab_mixup_add_point(m, scratch, rows, i, j, .5);
      else
        cutlab_mixup_add_pair(m, scratch, rows, i, j);
    }
}

static void add_rows(cutlab_mixup *m, const double *rows, int64_t block) {
  int64_t first = block * m->block, count = smaller(m->block, m->examples - first);
  for (int64_t k = 0; k < count * m->stride; ++k) m->sums[first * m->stride + k] += rows[k];
}

/* Blocks and waves depend on sizes alone, so that sums do not depend on the number of threads. */
static double run_all(cutlab_mixup *m, bool derivatives) {
  int64_t blocks = (m->examples + m->block - 1) / m->block, size = m->block * m->stride;
  int threads = cutlab_context_threads(m->context);
  double total = 0, losses[wave];
  for (int64_t first = 0; first < blocks * blocks; first += wave) {
    int64_t tasks = smaller(wave, blocks * blocks - first);
#pragma omp parallel for num_threads(threads) schedule(dynamic) if (threads > 1)
    for (int64_t t = 0; t < tasks; ++t)
      run_task(m, &m->scratch[omp_get_thread_num()], m->partial + t * 2 * size, &losses[t],
               derivatives, (first + t) / blocks, (first + t) % blocks);
    for (int64_t t = 0; t < tasks; ++t) {
      add_rows(m, m->partial + t * 2 * size, (first + t) / blocks);
      add_rows(m, m->partial + (2 * t + 1) * size, (first + t) % blocks);
      total += losses[t];
    }
  }
  return total;
}

/* The mean error of the 2n - 1 ordered pairs that an example is part of; the worst example's is
   above the mean error of all pairs. kind 0: all errors; 1: those that rounding does not explain.
 */
static double worst_error(const cutlab_mixup *m, int kind, int64_t *example) {
  double worst = 0;
  for (int64_t i = 0; i < m->examples && !isnan(worst); ++i) {
    double error = m->sums[i * m->stride + m->entries + kind] / (double)(2 * m->examples - 1);
    if (error <= worst) continue;
    worst = error;
    *example = i;
  }
  return worst;
}

/* Where outputs are large, rounding may be above the tolerance; it is let pass as long as half of
   the digits are left. */
static cutlab_status check_error(const cutlab_mixup *m, double *error, double loss) {
  double tolerance = m->options.tolerance;
  int64_t example = 0;
  *error = worst_error(m, 0, &example);
  double limit = fmax(tolerance, 1e-8 * fmax(1, loss));
  if (!isfinite(loss) || !isfinite(*error))
    return cutlab_fail(m->context, CUTLAB_ERROR_NUMERIC,
                       "Mixup's terms overflow at example %lld: its pre-activations are too large",
                       (long long)example);
  if (*error <= limit && worst_error(m, 1, &example) <= tolerance) return CUTLAB_OK;
  return cutlab_fail(m->context, CUTLAB_ERROR_NUMERIC,
                     "the integral over Mixup's lambda is known to %.3g only, at example %lld; "
                     "tolerance is %.3g",
                     *error, (long long)example, tolerance);
}

cutlab_status cutlab_mixup_evaluate(cutlab_mixup *mixup, double *loss, double *pulls, double *error,
                                    const double *inner) {
  CUTLAB_TRY(take_inner(mixup, inner));
  double weight = 1 / ((double)mixup->examples * (double)mixup->examples), unused;
  double total = weight * run_all(mixup, pulls != NULL);
  CUTLAB_TRY(check_error(mixup, error ? error : &unused, total));
  if (loss) *loss = total;
  if (pulls) give_pulls(mixup, pulls, weight);
  return CUTLAB_OK;
}

/* An example's own share is 1 - x; the law is the same for x. */
cutlab_status cutlab_mixup_sample(cutlab_mixup *mixup, double *loss, double *pulls,
                                  const double *inner, uint64_t seed, int64_t iteration) {
  const cutlab_mixup *m = mixup;
  CUTLAB_TRY(take_inner(mixup, inner));
  double total = 0, weight = 1 / (double)m->examples;
  for (int64_t i = 0; i < m->examples; ++i) {
    cutlab_random random =
        cutlab_random_make(seed, cutlab_stream_mixup, (uint64_t)iteration, (uint64_t)i, 0);
    int64_t partner = (int64_t)cutlab_random_below(&random, (uint64_t)m->examples);
    double a = m->options.alpha, x = .5;
    if (!m->options.midpoint) x = cutlab_random_beta(&random, a, a);
    cutlab_mixup_rows rows = {&total, m->sums + i * m->stride, m->sums + partner * m->stride,
                              pulls != NULL};
    cutlab_mixup_add_point(m, m->scratch, rows, i, partner, x);
  }
  if (loss) *loss = weight * total;
  if (pulls) give_pulls(m, pulls, weight);
  return CUTLAB_OK;
}
