/* Cutout by waves. For a random set T of m patches, E e^(i w sum_{p in T} a_p) is the mean of
   prod_{p in T} z_p over all T, z_p = e^(i w a_p). Among the first p patches
     M_{p,k} = (1 - k/p) M_{p-1,k} + (k/p) z_p M_{p-1,k-1}
   is the mean over their subsets of size k: a convex combination of numbers of modulus at most 1,
   so nothing grows. T is the set cut or the set kept, whichever is smaller; of the set cut,
   e^(i w f) = e^(i w F) conj(...). The gradient runs the same recursion backwards. */
#include <stdlib.h>
#include <string.h>

#include <omp.h>

#include "theory/objective_fourier.h"

enum { lanes = cutlab_wave_lanes, task_blocks = 64 };

typedef struct cut_job {
  const cutlab_objective *objective;
  cutlab_evaluation *evaluation;
  const cutlab_waves *waves;
  const cutlab_kernels *kernels;
  int size; /* of T */
  bool cut; /* T is the set cut */
} cut_job;

/* One block of examples at work; `patches` numbers each, or pairs, times the lanes. */
typedef struct cut_block {
  double *wave, *slopes, *total, *table;
  double sums[lanes], real[lanes], loss[lanes], all[2 * lanes];
} cut_block;

static void fill_waves(const cut_job *job, cut_block *b, int64_t first, int64_t count, double w) {
  int patches = job->objective->patches;
  for (int64_t l = 0; l < count; ++l) {
    const double *outputs = job->evaluation->outputs + (first + l) * patches;
    for (int p = 0; p < patches; ++p)
      sincos(w * outputs[p], &b->wave[(2 * p + 1) * lanes + l], &b->wave[2 * p * lanes + l]);
    sincos(w * b->sums[l], &b->all[lanes + l], &b->all[l]);
  }
}

/* f has mean (1 - c/P) F, so softplus(f) - Y f has the linear part (1/2 - Y) (1 - c/P) F. */
static double finish_block(const cut_job *job, const cut_block *b, int64_t first, int64_t count) {
  const cutlab_objective *o = job->objective;
  int patches = o->patches;
  double kept = 1 - (double)o->options.cut_size / patches, loss = 0;
  double weight = 1 / (double)o->total;
  for (int64_t l = 0; l < count; ++l) {
    double slope = (0.5 - o->targets[first + l]) * kept;
    loss += log(2) + slope * b->sums[l] + b->loss[l];
    double *gradient = job->evaluation->gradient;
    for (int p = 0; gradient && p < patches; ++p)
      gradient[(first + l) * patches + p] = weight * (slope + b->total[p * lanes + l]);
  }
  return loss;
}

static double run_block(const cut_job *job, cut_block *b, int64_t first, int64_t count) {
  const cutlab_series *series = &job->waves->series;
  int patches = job->objective->patches;
  bool want = job->evaluation->gradient != NULL;
  memset(b->wave, 0, 2 * (size_t)patches * lanes * sizeof *b->wave);
  memset(b->total, 0, (size_t)patches * lanes * sizeof *b->total);
  memset(b->loss, 0, sizeof b->loss);
  for (int64_t l = 0; l < count; ++l) {
    const double *outputs = job->evaluation->outputs + (first + l) * patches;
    b->sums[l] = 0;
    for (int p = 0; p < patches; ++p) b->sums[l] += outputs[p];
  }
  for (int k = 0; k < series->count; ++k) {
    double slope = cutlab_series_slope(series, k), height = cutlab_series_height(series, k);
    fill_waves(job, b, first, count, cutlab_series_frequency(series, k));
    job->kernels->subset_waves(b->real, want ? b->slopes : NULL, b->table, b->wave,
                               job->cut ? b->all : NULL, patches, job->size);
    for (int64_t l = 0; l < count; ++l) b->loss[l] += height * (1 - b->real[l]);
    for (int64_t q = 0; want && q < patches * lanes; ++q) b->total[q] += slope * b->slopes[q];
  }
  return finish_block(job, b, first, count);
}

/* What a block takes, about. */
static double block_work(const cut_job *job) {
  return (double)job->waves->series.count * job->objective->patches * (2 * job->size + 16);
}

static double run_task(const cut_job *job, cut_block *b, int64_t task) {
  int64_t n = job->objective->examples, first = task * task_blocks * lanes;
  double loss = 0;
  bool teller = omp_get_thread_num() == 0;
  for (int block = 0; block < task_blocks && first < n; ++block, first += lanes) {
    if (!cutlab_watch_step(job->evaluation->watch, teller, block_work(job))) break;
    loss += run_block(job, b, first, n - first < lanes ? n - first : lanes);
  }
  return loss;
}

cutlab_status cutlab_waves_cut(const cutlab_objective *o, cutlab_evaluation *e,
                               const cutlab_waves *waves) {
  int threads = cutlab_context_threads(o->context), patches = o->patches;
  int cut = o->options.cut_size;
  cut_job job = {o,
                 e,
                 waves,
                 cutlab_context_kernels(o->context),
                 2 * cut <= patches ? cut : patches - cut,
                 2 * cut <= patches};
  int64_t tasks = (o->examples + task_blocks * lanes - 1) / (task_blocks * lanes);
  int64_t own = lanes * (4 * (int64_t)patches + 2 * (patches + 1) * ((int64_t)job.size + 2));
  double *losses = cutlab_allocate(o->context, tasks, sizeof *losses);
  double *memory = cutlab_allocate(o->context, threads * own, sizeof *memory);
  cutlab_status status = losses && memory ? CUTLAB_OK : CUTLAB_ERROR_MEMORY;
  if (status == CUTLAB_OK) {
    cutlab_watch_begin(e->watch, (double)o->examples / lanes * block_work(&job));
#pragma omp parallel num_threads(threads) if (threads > 1)
    {
      cut_block b = {.wave = memory + omp_get_thread_num() * own};
      b.slopes = b.wave + 2 * patches * lanes;
      b.total = b.slopes + patches * lanes;
      b.table = b.total + patches * lanes;
#pragma omp for schedule(dynamic)
      for (int64_t task = 0; task < tasks; ++task) losses[task] = run_task(&job, &b, task);
    }
    for (int64_t task = 0; e->loss && task < tasks; ++task)
      *e->loss += losses[task] / (double)o->total;
    e->report->terms = o->examples * waves->series.count * patches * job.size;
    status = cutlab_watch_status(e->watch);
  }
  free(losses);
  free(memory);
  return status;
}

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* The sums of the P - c smallest and of the P - c largest outputs of each example. */
double cutlab_waves_cut_range(const cutlab_objective *o, const double *outputs) {
  int patches = o->patches, kept = patches - o->options.cut_size;
  double range = 0, sorted[64];
  for (int64_t i = 0; i < o->examples; ++i) {
    double low = 0, high = 0;
    memcpy(sorted, outputs + i * patches, (size_t)patches * sizeof *sorted);
    qsort(sorted, (size_t)patches, sizeof *sorted, ascending);
    for (int p = 0; p < kept; ++p) low += sorted[p], high += sorted[patches - 1 - p];
    range = fmax(range, fmax(-low, high));
  }
  return range;
}
