/* The CutMix optimum: a convex problem in two numbers, solved by Newton's method. */
#include <cutlab/optimum.h>

#include <math.h>

#include "base/base.h"
#include "theory/objective_internal.h"

typedef struct split {
  int64_t patches;
  double plus, minus; /* class shares */
} split;

typedef struct derivatives {
  double loss, gradient[2], hessian[3]; /* hessian: 11, 12, 22 */
} derivatives;

/* Adds weight * (share l(f) + (1 - share) l(-f)) for f = a z_1 + b z_2. */
static void add_term(derivatives *d, double weight, double share, double a, double b, double f) {
  double s = 1 + cutlab_logistic_slope(f); /* sigmoid(f) */
  double first = weight * (s - share), second = weight * s * (1 - s);
  d->loss += weight * (share * cutlab_logistic_loss(f) + (1 - share) * cutlab_logistic_loss(-f));
  d->gradient[0] += first * a;
  d->gradient[1] += first * b;
  d->hessian[0] += second * a * a;
  d->hessian[1] += second * a * b;
  d->hessian[2] += second * b * b;
}

/* With every patch of positive (negative) data at z_+ (-z_-), pairs of one class give f = +-P z
   whatever S is, and pairs of two classes f = s z_+ - (P - s) z_-, s = |S| uniform on 0..P:
   L = q_+^2 l(P z_+) + q_-^2 l(P z_-)
       + 2 q_+ q_-/(P+1) sum_s [(s/P) l(f_s) + (1 - s/P) l(-f_s)]. */
static derivatives evaluate(const split *x, double positive, double negative) {
  derivatives d = {0};
  double patches = (double)x->patches;
  add_term(&d, x->plus * x->plus, 1, patches, 0, patches * positive);
  add_term(&d, x->minus * x->minus, 1, 0, patches, patches * negative);
  double weight = 2 * x->plus * x->minus / (patches + 1);
  for (int64_t s = 0; s <= x->patches; ++s)
    add_term(&d, weight, (double)s / patches, (double)s, -(patches - (double)s),
             (double)s * positive - (patches - (double)s) * negative);
  return d;
}

static void newton(const split *x, double z[2]) {
  for (int iteration = 0; iteration < 200; ++iteration) {
    derivatives d = evaluate(x, z[0], z[1]);
    double determinant = d.hessian[0] * d.hessian[2] - d.hessian[1] * d.hessian[1];
    double step[2] = {-(d.hessian[2] * d.gradient[0] - d.hessian[1] * d.gradient[1]) / determinant,
                      -(d.hessian[0] * d.gradient[1] - d.hessian[1] * d.gradient[0]) / determinant};
    double decrease = d.gradient[0] * step[0] + d.gradient[1] * step[1];
    double length = 1;
    while (length > 1e-12 && evaluate(x, z[0] + length * step[0], z[1] + length * step[1]).loss >
                                 d.loss + 1e-4 * length * decrease)
      length /= 2;
    if (length <= 1e-12) return; /* no decrease is left in double precision */
    z[0] += length * step[0];
    z[1] += length * step[1];
    if (fabs(step[0]) + fabs(step[1]) < 1e-15 * (fabs(z[0]) + fabs(z[1]))) return;
  }
}

cutlab_status cutlab_optimum(cutlab_context *context, cutlab_optimum_point *optimum,
                             int64_t patches, int64_t positives, int64_t examples) {
  if (patches < 2 || patches > 1000000)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT, "patches is %lld; accepted: 2 to 1000000",
                       (long long)patches);
  if (examples < 1)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT, "examples is %lld; accepted: at least 1",
                       (long long)examples);
  if (positives < 0 || positives > examples)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                       "positives is %lld; accepted: 0 to examples = %lld", (long long)positives,
                       (long long)examples);
  split x = {patches, (double)positives / (double)examples,
             (double)(examples - positives) / (double)examples};
  *optimum = (cutlab_optimum_point){0, NAN, NAN, 0};
  /* With one class the loss falls to 0 as z grows; with P = 2 only pairs of two classes and
     |S| = 1 resist, where the best is f = 0: 2 q_+ q_- l(0) / 3. */
  if (patches == 2) optimum->loss = 2 * x.plus * x.minus * log(2) / 3;
  if (patches == 2 || x.plus == 0 || x.minus == 0) return CUTLAB_OK;
  double z[2] = {1.0 / (double)patches, 1.0 / (double)patches};
  newton(&x, z);
  *optimum = (cutlab_optimum_point){1, z[0], z[1], evaluate(&x, z[0], z[1]).loss};
  return CUTLAB_OK;
}
