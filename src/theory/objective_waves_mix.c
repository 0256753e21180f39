/* CutMix by waves. |S| uniform and then S uniform of that size is the same as t uniform on (0, 1)
   and each patch kept with probability t, so for a pair E e^(i w f) = integral over t of prod_p (t
   z_ip + (1 - t) z_jp), z = e^(i w a), a polynomial of degree P in t that ceil((P + 1) / 2)
   Gauss-Legendre nodes integrate exactly and, as a rule, fewer to the tolerance. (i, j) and (j, i)
   are the same integral; i = j is the plain example. The label part of the loss is linear in f:
   with q = (2P + 1) / (6P), E (|S|/P) f = q F_i + (1/2 - q) F_j.

   Pairs go row by row: i with eight partners side by side. Examples are sorted by F, so that the
   partners in a block resemble each other and need as many nodes. */
#include <stdlib.h>
#include <string.h>

#include <omp.h>

#include "theory/objective_fourier.h"
#include "theory/quadrature.h"

enum {
  lanes = cutlab_wave_lanes,
  shares_of_rows = 4, /* a task: one frequency, and every fourth row */
  max_nodes = cutlab_wave_patches / 2 + 1,
  ellipses = 12,
  batch_bytes = 1 << 28
};

/* A quadrature rule of every length, made even by a node of weight 0. */
typedef struct rules {
  double nodes[max_nodes + 1][max_nodes + 1], weights[max_nodes + 1][max_nodes + 1];
} rules;

typedef struct mix_job {
  const cutlab_objective *objective;
  cutlab_evaluation *evaluation;
  const cutlab_waves *waves;
  const cutlab_kernels *kernels;
  int64_t blocks; /* of eight examples */
  int64_t *order; /* [n]: by F */
  double *sums;   /* [n]: F of the sorted examples */
  double *packed; /* [blocks][P][lanes]: sorted outputs */
  rules rules;
  double (*values)[2]; /* [tasks]: sum over pairs of 1 - Re E; factors of waves */
} mix_job;

/* Working memory of a thread. */
typedef struct mix_scratch {
  double *wave; /* [blocks][P][2][lanes] */
  double own[cutlab_wave_patches * lanes], z[2 * cutlab_wave_patches];
  double (*reach)[3]; /* [ellipses] */
} mix_scratch;

static void make_rules(rules *r, int count) {
  for (int q = 1; q <= count; ++q) {
    cutlab_gauss_legendre(r->nodes[q], r->weights[q], q);
    r->nodes[q][q] = 0.5, r->weights[q][q] = 0;
  }
}

/* The product is a polynomial in u = 2t - 1. With theta_p the angle between z_ip and z_jp,
     |t z_ip + (1 - t) z_jp|^2 = 1 - 2 y s c + (|u|^2 - 1) s^2, u = x + i y, s, c of theta_p / 2,
   so on the Bernstein ellipse with semi-minor axis eta the product is at most
     exp(alpha eta + beta eta^2), alpha = |sum sin theta_p| / 2, beta = sum sin^2(theta_p / 2) / 2.
   Its derivative, times t, is so with alpha + 1/2 and another (1 + sqrt(1 + eta^2)) / 2. A rule of
   Q nodes is exact to degree 2Q - 1 and positive, so it errs by twice the error of the best such
   polynomial: at most 4 M rho^(1 - 2Q) / (rho - 1) (Trefethen 2013, theorem 8.2). */
static void make_ellipses(double reach[ellipses][3], double tolerance) {
  static const double rho[ellipses] = {1.15, 1.3, 1.5, 1.8, 2.2, 2.7, 3.3, 4, 5.5, 8, 14, 30};
  for (int r = 0; r < ellipses; ++r) {
    double eta = (rho[r] - 1 / rho[r]) / 2, scale = 1 / (2 * log(rho[r]));
    double fixed = eta / 2 + log((1 + sqrt(1 + eta * eta)) / 2) + log(4 * rho[r] / (rho[r] - 1)) -
                   log(tolerance);
    reach[r][0] = eta * scale;
    reach[r][1] = eta * eta * scale;
    reach[r][2] = fixed * scale;
  }
}

static int nodes_needed(const double reach[ellipses][3], double alpha, double beta, int exact) {
  double least = exact;
  for (int r = 0; r < ellipses; ++r)
    least = fmin(least, reach[r][0] * alpha + reach[r][1] * beta + reach[r][2]);
  return (int)fmax(1, ceil(least));
}

static void fill_waves(const mix_job *job, mix_scratch *m, double w) {
  int64_t count = job->blocks * job->objective->patches;
  for (int64_t q = 0; q < count; ++q)
    for (int l = 0; l < lanes; ++l)
      sincos(w * job->packed[q * lanes + l], &m->wave[(2 * q + 1) * lanes + l],
             &m->wave[2 * q * lanes + l]);
}

/* Example i with the partners of one block that come after it. Returns the nodes it took. */
static int run_pair_block(const mix_job *job, mix_scratch *m, double *value, double *partner,
                          int64_t i, int64_t block) {
  int patches = job->objective->patches;
  const double *wave = m->wave + block * patches * 2 * lanes;
  double overlap[2 * lanes], share[lanes], alpha = 0, beta = 0;
  job->kernels->wave_overlap(overlap, m->z, wave, patches);
  for (int l = 0; l < lanes; ++l) {
    int64_t j = block * lanes + l;
    share[l] = j > i && j < job->objective->examples;
    alpha = fmax(alpha, share[l] * fabs(overlap[lanes + l]) / 2);
    beta = fmax(beta, share[l] * (patches - overlap[l]) / 4);
  }
  int count =
      nodes_needed((const double(*)[3])m->reach, alpha + 1e-9, beta + 1e-9, (patches + 2) / 2);
  job->kernels->mix_waves(value, job->evaluation->gradient ? m->own : NULL, partner, share, m->z,
                          wave, patches, job->rules.nodes[count], job->rules.weights[count],
                          count + count % 2);
  return count;
}

/* Pairs of row i with all later examples. */
static void run_row(const mix_job *job, mix_scratch *m, double *gradient, double sums[2],
                    int64_t i) {
  int patches = job->objective->patches;
  double value[lanes] = {0};
  int64_t nodes = 0, first = (i + 1) / lanes;
  const double *mine = m->wave + i / lanes * patches * 2 * lanes + i % lanes;
  for (int p = 0; p < patches; ++p)
    m->z[2 * p] = mine[2 * p * lanes], m->z[2 * p + 1] = mine[(2 * p + 1) * lanes];
  memset(m->own, 0, sizeof m->own);
  for (int64_t block = first; block < job->blocks; ++block)
    nodes += run_pair_block(job, m, value, gradient + block * patches * lanes, i, block);
  double real = 0;
  for (int l = 0; l < lanes; ++l) real += value[l];
  sums[0] += (double)(job->objective->examples - 1 - i) - real;
  sums[1] += (double)(nodes * lanes * patches);
  for (int p = 0; job->evaluation->gradient && p < patches; ++p) {
    double own = 0;
    for (int l = 0; l < lanes; ++l) own += m->own[p * lanes + l];
    gradient[(i / lanes * patches + p) * lanes + i % lanes] += own;
  }
}

static void run_task(const mix_job *job, mix_scratch *m, double *gradient, int64_t task) {
  const cutlab_series *series = &job->waves->series;
  int k = (int)(task / shares_of_rows);
  double reach[ellipses][3], slope = cutlab_series_slope(series, k);
  double weight = fmax(2 * slope, cutlab_series_height(series, k)) * series->count;
  make_ellipses(reach, job->waves->quadrature / weight);
  m->reach = reach;
  fill_waves(job, m, cutlab_series_frequency(series, k));
  memset(gradient, 0, (size_t)(job->blocks * job->objective->patches * lanes) * sizeof *gradient);
  job->values[task][0] = job->values[task][1] = 0;
  int64_t n = job->objective->examples;
  bool teller = omp_get_thread_num() == 0;
  for (int64_t i = task % shares_of_rows; i < n; i += shares_of_rows) {
    double work = (double)(n - i) * job->objective->patches;
    if (!cutlab_watch_step(job->evaluation->watch, teller, work)) break;
    run_row(job, m, gradient, job->values[task], i);
  }
}

/* Adds the gradients of a batch of tasks to the total, in their order. */
static void add_batch(const mix_job *job, double *total, const double *gradients, int64_t first,
                      int64_t count, int64_t size, int threads) {
#pragma omp parallel for num_threads(threads) if (threads > 1)
  for (int64_t q = 0; q < size; ++q)
    for (int64_t task = 0; task < count; ++task)
      total[q] += cutlab_series_slope(&job->waves->series, (int)((first + task) / shares_of_rows)) *
                  gradients[task * size + q];
}

static double loss_of(const mix_job *job, int64_t tasks) {
  double loss = 0;
  for (int64_t task = 0; task < tasks; ++task) {
    loss += cutlab_series_height(&job->waves->series, (int)(task / shares_of_rows)) *
            job->values[task][0];
    job->evaluation->report->terms += (int64_t)job->values[task][1];
  }
  return loss;
}

/* What the waves do not hold: log 2 and f/2 of the softplus, pairs with i = j, labels. In row i of
   the total, unsorted and scaled. */
static void finish(const mix_job *job, const double *total, double waves) {
  const cutlab_objective *o = job->objective;
  const cutlab_evaluation *e = job->evaluation;
  double n = (double)o->total, plus = (double)o->positives, patches = o->patches;
  double own = (2 * patches + 1) / (6 * patches), other = 0.5 - own;
  double loss = 0, sigmoid, softplus;
  for (int64_t s = 0; s < o->examples; ++s) {
    int64_t i = job->order[s];
    double f = job->sums[s], target = own * n * o->targets[i] + other * plus;
    job->kernels->sigmoid(&sigmoid, &softplus, &f, 1);
    loss += softplus + (n - 1) * (f / 2 + log(2)) - 2 * f * target;
    double slope = (n - 1) / 2 + sigmoid - 2 * target;
    for (int p = 0; e->gradient && p < o->patches; ++p)
      e->gradient[i * o->patches + p] =
          (slope + 2 * total[(s / lanes * o->patches + p) * lanes + s % lanes]) / (n * n);
  }
  if (e->loss) *e->loss = (loss + 2 * waves) / (n * n);
}

/* The thread that was called goes on telling when there are no more tasks to begin. */
static void run_batch(const mix_job *job, mix_scratch *scratch, double *gradients, int64_t first,
                      int64_t count, int64_t size, int threads) {
  cutlab_watch *watch = job->evaluation->watch;
  watch->finished = 0;
#pragma omp parallel num_threads(threads) if (threads > 1)
  {
#pragma omp for schedule(dynamic) nowait
    for (int64_t task = 0; task < count; ++task) {
      run_task(job, &scratch[omp_get_thread_num()], gradients + task * size, first + task);
      cutlab_watch_finished(watch);
    }
#pragma omp master
    cutlab_watch_wait(watch, count);
  }
}

/* All tasks, a batch at a time: each has a gradient of its own. */
static cutlab_status run_tasks(const mix_job *job) {
  const cutlab_objective *o = job->objective;
  int threads = cutlab_context_threads(o->context);
  int64_t tasks = (int64_t)job->waves->series.count * shares_of_rows;
  int64_t size = job->blocks * o->patches * lanes, batch = batch_bytes / 8 / size;
  if (batch < threads) batch = threads;
  if (batch > tasks) batch = tasks;
  double *total = cutlab_allocate(o->context, size * (1 + batch + 2 * threads), sizeof *total);
  mix_scratch *scratch = cutlab_allocate(o->context, threads, sizeof *scratch);
  cutlab_watch *watch = job->evaluation->watch;
  bool ready = total && scratch;
  double n = (double)o->examples;
  cutlab_watch_begin(watch, n * n / 2 * o->patches * job->waves->series.count);
  double *gradients = total + size, *waves = gradients + batch * size;
  for (int t = 0; ready && t < threads; ++t) scratch[t].wave = waves + 2 * t * size;
  for (int64_t first = 0; ready && first < tasks; first += batch) {
    int64_t count = tasks - first < batch ? tasks - first : batch;
    run_batch(job, scratch, gradients, first, count, size, threads);
    if (watch->stopped) break;
    if (job->evaluation->gradient) add_batch(job, total, gradients, first, count, size, threads);
  }
  if (ready && !watch->stopped) finish(job, total, loss_of(job, tasks));
  free(total);
  free(scratch);
  return ready ? cutlab_watch_status(watch) : CUTLAB_ERROR_MEMORY;
}

typedef struct keyed {
  double key;
  int64_t index;
} keyed;

static int ascending(const void *a, const void *b) {
  const keyed *x = a, *y = b;
  if (x->key != y->key) return x->key > y->key ? 1 : -1;
  return (x->index > y->index) - (x->index < y->index);
}

static cutlab_status sort_examples(mix_job *job) {
  const cutlab_objective *o = job->objective;
  int patches = o->patches;
  keyed *keys = cutlab_allocate(o->context, o->examples, sizeof *keys);
  if (!keys) return CUTLAB_ERROR_MEMORY;
  for (int64_t i = 0; i < o->examples; ++i)
    keys[i] = (keyed){
        cutlab_subset_sum(job->evaluation->outputs + i * patches, cutlab_all_patches(patches)), i};
  qsort(keys, (size_t)o->examples, sizeof *keys, ascending);
  for (int64_t s = 0; s < o->examples; ++s) {
    job->order[s] = keys[s].index;
    job->sums[s] = keys[s].key;
    const double *outputs = job->evaluation->outputs + keys[s].index * patches;
    for (int p = 0; p < patches; ++p)
      job->packed[(s / lanes * patches + p) * lanes + s % lanes] = outputs[p];
  }
  free(keys);
  return CUTLAB_OK;
}

cutlab_status cutlab_waves_mix(const cutlab_objective *o, cutlab_evaluation *e,
                               const cutlab_waves *waves) {
  cutlab_context *context = o->context;
  mix_job *job = cutlab_allocate(context, 1, sizeof *job);
  if (!job) return CUTLAB_ERROR_MEMORY;
  job->objective = o, job->evaluation = e, job->waves = waves;
  job->kernels = cutlab_context_kernels(context);
  job->blocks = (o->examples + lanes - 1) / lanes;
  make_rules(&job->rules, (o->patches + 2) / 2);
  int64_t tasks = (int64_t)waves->series.count * shares_of_rows;
  job->order = cutlab_allocate(context, o->examples, sizeof *job->order);
  job->sums = cutlab_allocate(context, o->examples, sizeof *job->sums);
  job->packed = cutlab_allocate(context, job->blocks * o->patches * lanes, sizeof *job->packed);
  job->values = cutlab_allocate(context, tasks, sizeof *job->values);
  bool ready = job->order && job->sums && job->packed && job->values;
  cutlab_status status = ready ? sort_examples(job) : CUTLAB_ERROR_MEMORY;
  if (status == CUTLAB_OK) status = run_tasks(job);
  free(job->order);
  free(job->sums);
  free(job->packed);
  free(job->values);
  free(job);
  return status;
}

/* The largest |f| of any pair: every patch from the example that has more, or less, of it. */
double cutlab_waves_mix_range(const cutlab_objective *o, const cutlab_evaluation *e) {
  int threads = cutlab_context_threads(o->context), patches = o->patches;
  const double *outputs = e->outputs;
  double range = 0, n = (double)o->examples;
  cutlab_watch_begin(e->watch, n * n / 2 * patches);
#pragma omp parallel for num_threads(threads) schedule(dynamic, 16)                                \
    reduction(max                                                                                  \
              : range) if (threads > 1)
  for (int64_t i = 0; i < o->examples; ++i) {
    if (!cutlab_watch_step(e->watch, omp_get_thread_num() == 0, (double)i * patches)) continue;
    for (int64_t j = 0; j <= i; ++j) {
      const double *a = outputs + i * patches, *b = outputs + j * patches;
      double low = 0, high = 0;
      for (int p = 0; p < patches; ++p) {
        low += a[p] < b[p] ? a[p] : b[p];
        high += a[p] < b[p] ? b[p] : a[p];
      }
      range = fmax(range, fmax(-low, high));
    }
  }
  return range;
}
