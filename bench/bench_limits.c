/* What this machine can do at most, in the units that the objectives consume, beside what they
   take: bench_limits [--threads T] A JSON object: sigmoids of pairs (a multiply, an add and a
   division; the loop of CutMix), exponentials, fused multiply-adds and bytes read from memory, each
   in 1e9 a second, on one thread and on T. Values of the first three stay in the first-level cache.
 */
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cutlab/cutlab.h>

#include "base/kernels.h"

enum { nodes = 40, columns = 1024, vector = 2048, large = 1 << 25 };
static const double seconds = 0.5;

typedef struct work {
  const cutlab_kernels *kernels;
  double u[nodes], row[nodes], v[columns], column[columns], x[vector], y[vector], dots[16];
  double *memory, low, high; /* [large] */
} work;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Each does its work once and returns how much that was. */
static double pair_sigmoids(work *w) {
  w->kernels->sigmoid_sums(w->row, w->column, w->u, NULL, nodes, w->v, columns);
  return (double)nodes * columns;
}

static double exponentials(work *w) {
  w->kernels->exponential(w->y, w->x, vector);
  return vector;
}

static double multiply_adds(work *w) {
  w->kernels->dots(w->dots, 4, w->x, 256, 4, w->y, 256, 4, 256);
  return 16 * 256;
}

static double bytes_read(work *w) {
  w->kernels->extent(&w->low, &w->high, w->memory, large);
  return large * (double)sizeof *w->memory;
}

static work *make_work(const cutlab_kernels *kernels) {
  work *w = calloc(1, sizeof *w);
  if (!w || !(w->memory = malloc(large * sizeof *w->memory))) exit(1);
  w->kernels = kernels;
  for (int k = 0; k < nodes; ++k) w->u[k] = 1 + 0.01 * k;
  for (int j = 0; j < columns; ++j) w->v[j] = 1 + 0.001 * j;
  for (int i = 0; i < vector; ++i) w->x[i] = 0.001 * (i - 1000);
  for (int64_t i = 0; i < large; ++i) w->memory[i] = (double)i;
  return w;
}

/* Work a second, in 1e9, on `threads` threads at once. */
static double rate(double (*run)(work *w), const cutlab_kernels *kernels, int threads) {
  double total = 0;
#pragma omp parallel num_threads(threads) reduction(+ : total)
  {
    work *w = make_work(kernels);
#pragma omp barrier
    double start = now(), done = 0;
    while (now() - start < seconds) done += run(w);
    total += done / (now() - start);
    free(w->memory);
    free(w);
  }
  return total * 1e-9;
}

int main(int argc, char **argv) {
  static const struct {
    const char *name;
    double (*run)(work *w);
  } all[] = {{"pair_sigmoids", pair_sigmoids},
             {"exponentials", exponentials},
             {"multiply_adds", multiply_adds},
             {"bytes_read", bytes_read}};
  int threads =
      argc == 3 && strcmp(argv[1], "--threads") == 0 ? atoi(argv[2]) : omp_get_num_procs();
  const cutlab_kernels *kernels = cutlab_kernels_for(CUTLAB_ISA_AUTO);
  printf("{\"kernels\": \"%s\", \"threads\": %d", kernels->name, threads);
  for (size_t i = 0; i < sizeof all / sizeof *all; ++i)
    printf(", \"%s\": [%.3f, %.3f]", all[i].name, rate(all[i].run, kernels, 1),
           rate(all[i].run, kernels, threads));
  puts("}");
  return 0;
}
