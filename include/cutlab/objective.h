/* The training objectives as functions of the patch outputs
   a_ip = phi(<w_+, x_i^p>) - phi(<w_-, x_i^p>), labels y_i, F_i = sum_p a_ip,
   l(m) = log(1 + e^-m) (Oh and Yun 2024, section 2):
     ERM     mean over i of l(y_i F_i)
     Cutout  mean over i and all subsets C of a fixed size of l(y_i (F_i - sum_{p in C} a_ip))
     CutMix  mean over all ordered pairs (i, j), and over S (|S| uniform on 0..P, then uniform
             of that size), of (|S|/P) l(y_i f) + (1 - |S|/P) l(y_j f),
             f = sum_{p in S} a_ip + sum_{p not in S} a_jp */
#ifndef CUTLAB_OBJECTIVE_H
#define CUTLAB_OBJECTIVE_H

#include <stdint.h>

#include <cutlab/experiment.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How the sums are computed. BRUTE walks the augmented data one by one and is the
   reference; DIRECT is vectorised over examples (Cutout) or pairs (CutMix); CHEBYSHEV
   replaces the inner sum over partners by interpolation on q nodes (CutMix only; the other
   methods take DIRECT): linear in the examples. FOURIER expands the loss in waves, whose mean
   over arbitrary subsets needs no enumeration: polynomial in the patches (Cutout and CutMix; ERM
   takes DIRECT). AUTO takes the cheapest one that meets the tolerance. */
typedef enum cutlab_path {
  CUTLAB_PATH_AUTO,
  CUTLAB_PATH_BRUTE,
  CUTLAB_PATH_DIRECT,
  CUTLAB_PATH_CHEBYSHEV,
  CUTLAB_PATH_FOURIER
} cutlab_path;

/* Which subsets of a size are cut (Cutout) or kept (CutMix): all of them, or the runs of
   consecutive patches, P - s + 1 of size s (one of size 0). */
typedef enum cutlab_subsets { CUTLAB_SUBSETS_ARBITRARY, CUTLAB_SUBSETS_CONTIGUOUS } cutlab_subsets;

typedef struct cutlab_objective_options {
  cutlab_method method; /* ERM, CUTOUT or CUTMIX: Mixup is no function of patch outputs */
  int cut_size;         /* Cutout: |C|, 1..P-1 */
  cutlab_path path;
  double tolerance; /* of CHEBYSHEV: bound on the error of each interpolated sigmoid and softplus;
                       of FOURIER: on that of each sigmoid, rounding included, and of each softplus
                       before rounding, which grows with the outputs; 1e-15..1e-2. The report's
                       error_bound has all of it. */
  cutlab_subsets subsets;
} cutlab_objective_options;

typedef struct cutlab_objective cutlab_objective;

/* labels: [examples], +1 or -1, copied. 2 <= patches <= 64; paths that enumerate arbitrary subsets
   accept up to 2^20 of them. Release with cutlab_objective_free; the context must outlive it.
   In a job of several processes each gives its own examples, all call alike, and the objective is
   that of all examples together: CutMix then takes CHEBYSHEV. */
CUTLAB_API cutlab_status cutlab_objective_create(cutlab_context *context,
                                                 cutlab_objective **objective,
                                                 const cutlab_objective_options *options,
                                                 const int8_t *labels, int64_t examples,
                                                 int64_t patches);
CUTLAB_API void cutlab_objective_free(cutlab_objective *objective);

/* What one evaluation did. */
typedef struct cutlab_objective_report {
  cutlab_path path; /* the one taken */
  int nodes;        /* Chebyshev nodes per subset, the largest, or Fourier frequencies; else 0 */
  /* What was computed differs from the objective by at most this times the loss, and any entry of
     its gradient by at most this / n, 1 / n being the most that an entry can reach. Truncation,
     quadrature and rounding included; without the loss, only the gradient's part. */
  double error_bound;
  int64_t terms; /* sigmoids evaluated; for FOURIER, factors of waves */
} cutlab_objective_report;

/* loss: one number; gradient: [examples][patches], dLoss/da; either may be NULL, and so may
   report. outputs: [examples][patches], finite. CUTLAB_ERROR_NUMERIC where they, or the results,
   are not. */
CUTLAB_API cutlab_status cutlab_objective_evaluate(cutlab_objective *objective, double *loss,
                                                   double *gradient,
                                                   cutlab_objective_report *report,
                                                   const double *outputs);

/* The sampled objective that people train with: one random cut (Cutout), or one random
   partner, |S| and S (CutMix), per example, keyed by (seed, iteration, example). Its
   expectation is the exact objective. Arguments as above, neither NULL. In one process only. */
CUTLAB_API cutlab_status cutlab_objective_sample(cutlab_objective *objective, double *loss,
                                                 double *gradient, const double *outputs,
                                                 uint64_t seed, int64_t iteration);

#ifdef __cplusplus
}
#endif
#endif
