/* Quantiles, Student's t, exact and adjusted p values, standard errors over trainings. */
#include <math.h>
#include <stdlib.h>

#include "audit/statistics.h"

/* Type 7 of Hyndman and Fan, "Sample quantiles in statistical packages" (1996), NumPy's default:
   the order statistics stand at levels i / (n - 1). */
double cutlab_quantile(const double *sorted, int64_t count, double level) {
  double place = level * (double)(count - 1);
  int64_t below = (int64_t)place;
  if (below >= count - 1) return sorted[count - 1];
  return sorted[below] + (place - (double)below) * (sorted[below + 1] - sorted[below]);
}

/* Of values `stride` apart, or of their differences from `minus` where it is not NULL. */
static double variance_of(const double *values, const double *minus, int64_t count, int stride) {
  double mean = 0, squares = 0;
  for (int64_t i = 0; i < count; ++i) mean += values[i * stride] - (minus ? minus[i * stride] : 0);
  mean /= (double)count;
  for (int64_t i = 0; i < count; ++i) {
    double away = values[i * stride] - (minus ? minus[i * stride] : 0) - mean;
    squares += away * away;
  }
  return count < 2 ? NAN : squares / (double)(count - 1);
}

double cutlab_variance(const double *values, int64_t count) {
  return variance_of(values, NULL, count, 1);
}

/* Student's t */

static double log_gamma(double x) {
  int sign;
  return lgamma_r(x, &sign);
}

/* The continued fraction of DLMF 8.17.22 by Lentz's method as modified by Thompson and Barnett
   (1986): it converges fast for x < (a + 1) / (a + b + 2). */
static double beta_fraction(double a, double b, double x) {
  enum { most = 100000 };
  const double tiny = 1e-300, enough = 1e-16;
  double c = 1, d = 1 - (a + b) * x / (a + 1);
  d = 1 / (fabs(d) < tiny ? tiny : d);
  double value = d;
  for (int m = 1; m < most; ++m) {
    double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
    double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)), change = 1;
    for (int half = 0; half < 2; ++half) {
      double term = half ? odd : even;
      d = 1 + term * d;
      c = 1 + term / c;
      d = 1 / (fabs(d) < tiny ? tiny : d);
      c = fabs(c) < tiny ? tiny : c;
      change = c * d;
      value *= change;
    }
    if (fabs(change - 1) < enough) break;
  }
  return value;
}

double cutlab_incomplete_beta(double a, double b, double x) {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  double front = exp(log_gamma(a + b) - log_gamma(a) - log_gamma(b) + a * log(x) + b * log1p(-x));
  if (x < (a + 1) / (a + b + 2)) return front * beta_fraction(a, b, x) / a;
  return 1 - front * beta_fraction(b, a, 1 - x) / b;
}

/* P(|T| >= t) = I_{nu / (nu + t^2)}(nu / 2, 1 / 2), DLMF 8.17.3 with the density of t. The normal
   law is closer than rounding lets this be where nu is large. */
double cutlab_student_p(double t, double nu) {
  if (isnan(t) || isnan(nu)) return NAN;
  if (nu > 1e7) return erfc(fabs(t) * M_SQRT1_2);
  return isinf(t) ? 0 : cutlab_incomplete_beta(nu / 2, 0.5, nu / (nu + t * t));
}

double cutlab_student_quantile(double confidence, double nu) {
  if (!(confidence >= 0 && confidence < 1) || isnan(nu)) return NAN;
  double low = 0, high = 1, tail = 1 - confidence;
  while (cutlab_student_p(high, nu) > tail && high < 1e300) high *= 2;
  for (;;) {
    double middle = low + (high - low) / 2;
    if (middle <= low || middle >= high) return middle;
    *(cutlab_student_p(middle, nu) > tail ? &low : &high) = middle;
  }
}

/* Exact and adjusted p values */

/* Twice the smaller tail of Binomial(a + b, 1/2), at most 1. */
double cutlab_sign_test(int64_t a, int64_t b) {
  double n = (double)(a + b), tail = 0;
  for (int64_t i = 0, last = a < b ? a : b; i <= last; ++i) {
    double k = (double)i;
    tail += exp(log_gamma(n + 1) - log_gamma(k + 1) - log_gamma(n - k + 1) - n * M_LN2);
  }
  return fmin(1, 2 * tail);
}

static int compare_keys(const void *left, const void *right) {
  const cutlab_sort_key *a = left, *b = right;
  if (a->group != b->group) return a->group < b->group ? -1 : 1;
  if (a->first != b->first) return a->first < b->first ? -1 : 1;
  if (a->second != b->second) return a->second < b->second ? -1 : 1;
  return (a->place > b->place) - (a->place < b->place);
}

void cutlab_sort(cutlab_sort_key *keys, int64_t count) {
  qsort(keys, (size_t)count, sizeof *keys, compare_keys);
}

/* Holm, "A simple sequentially rejective multiple test procedure" (1979): the i-th smallest of m,
   from 0, times m - i, and none below the one before. */
cutlab_status cutlab_holm(cutlab_context *context, double *p, int64_t count) {
  cutlab_sort_key *keys = cutlab_allocate(context, count, sizeof *keys);
  if (!keys) return CUTLAB_ERROR_MEMORY;
  int64_t known = 0;
  for (int64_t i = 0; i < count; ++i)
    if (!isnan(p[i])) keys[known++] = (cutlab_sort_key){.first = p[i], .place = i};
  cutlab_sort(keys, known);
  double before = 0;
  for (int64_t i = 0; i < known; ++i) {
    before = fmax(before, fmin(1, (double)(known - i) * keys[i].first));
    p[keys[i].place] = before;
  }
  free(keys);
  return CUTLAB_OK;
}

/* Over trainings */

enum { fewest_trainings = 3 };

/* s^2 / R with R - 1 degrees of freedom. */
static cutlab_spread spread_of(const double *values, const double *minus, int count, int stride) {
  if (count < fewest_trainings) return (cutlab_spread){0};
  double variance = variance_of(values, minus, count, stride) / count;
  return (cutlab_spread){true, variance, variance * variance / (count - 1)};
}

cutlab_spread cutlab_spread_of(const double *values, int count, int stride) {
  return spread_of(values, NULL, count, stride);
}

cutlab_spread cutlab_spread_between(const double *first, int first_count, const double *second,
                                    int second_count, int stride, bool paired) {
  if (paired) return spread_of(second, first, second_count, stride);
  cutlab_spread a = spread_of(first, NULL, first_count, stride);
  cutlab_spread b = spread_of(second, NULL, second_count, stride);
  return (cutlab_spread){a.known && b.known, a.variance + b.variance, a.freedom + b.freedom};
}

/* Over the examples' sampling, V_e = V_c + V_i / R: V_c is the covariance of two different
   trainings, V_i the interaction of examples and trainings. V_t = s^2 / R holds V_i / R too, so
   that not V_e + V_t but V_c + V_t is the variance. As V_i / R is a part of V_t, no more than V_t
   is taken from V_e: otherwise trainings that agree by chance, as counts in small groups often do,
   would make any difference certain. */
double cutlab_common_variance(double examples_variance, double own_variance,
                              const cutlab_spread *spread) {
  double common = examples_variance - fmin(own_variance, spread->variance);
  return common < 0 ? 0 : common;
}

/* The degrees of freedom of V_c + V_t after Satterthwaite (1946) and Welch (1947), those of V_c
   taken as infinite. */
static double degrees_of_freedom(double common_variance, const cutlab_spread *spread) {
  double variance = common_variance + spread->variance;
  return spread->freedom > 0 ? variance * variance / spread->freedom : INFINITY;
}

void cutlab_estimate_interval(cutlab_audit_estimate *estimate, double common_variance,
                              const cutlab_spread *spread, double confidence) {
  estimate->low = estimate->high = NAN;
  if (!spread->known || isnan(common_variance)) return;
  double nu = degrees_of_freedom(common_variance, spread);
  double half = cutlab_student_quantile(confidence, nu) * sqrt(common_variance + spread->variance);
  estimate->low = estimate->value - half;
  estimate->high = estimate->value + half;
}

double cutlab_estimate_p(double value, double common_variance, const cutlab_spread *spread) {
  double variance = common_variance + spread->variance;
  if (!spread->known || isnan(variance)) return NAN;
  if (variance == 0) return value == 0;
  return cutlab_student_p(value / sqrt(variance), degrees_of_freedom(common_variance, spread));
}

double cutlab_estimate_best_p(const cutlab_audit_estimate *estimate) {
  return isnan(estimate->p) ? estimate->examples_p : estimate->p;
}

bool cutlab_audit_paired(const cutlab_audit_method *first, const cutlab_audit_method *second) {
  if (first->training_count != second->training_count) return false;
  for (int t = 0; t < first->training_count; ++t)
    if (first->trainings[t].seed != second->trainings[t].seed) return false;
  return true;
}
