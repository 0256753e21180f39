/* Sigmoid and softplus as sums of waves, with their error. */
#include "theory/objective_fourier.h"

/* tanh(x/2) summed over the shifts x - m L with signs (-1)^m has antiperiod L, hence sines of the
   frequencies w_k = (2k + 1) pi / L alone, and by Poisson's formula their coefficients are its
   Fourier transform -2 pi i / sinh(pi w) at the w_k: b_k = 4 pi / (L sinh(pi w_k)). sigmoid = 1/2 +
   tanh(x/2)/2 takes half of them; softplus is the integral from 0 on.

   Error of the shifts: those by m and -m together are (-1)^m 2 sinh x / (cosh x + cosh m L), an
   alternating falling series, so the sigmoid is off by at most sinh R / (cosh R + cosh L) <=
   e^(R-L) on |x| <= R, and its integral by log((cosh R + cosh L)/(1 + cosh L)) <= e^(R-L).
   Error of what is left out from k = K on: sum slope_k, a geometric series but for sinh y >=
   e^y (1 - e^-2y)/2; for the softplus 2 sum height_k <= (2 / w_K) sum slope_k. */
static double left_out(double period, int count) {
  double w = (2 * count + 1) * M_PI / period;
  double sum = 4 * M_PI / period * exp(-M_PI * w) / (-expm1(-2 * M_PI * w)) /
               (-expm1(-2 * M_PI * M_PI / period));
  return sum * fmax(1, 2 / w);
}

/* Half of the tolerance each would be near the best: the count depends on both by logarithms. */
cutlab_series cutlab_series_make(double range, double tolerance) {
  cutlab_series series = {.count = 1, .period = range + log(2 / tolerance)};
  while (series.count <= cutlab_max_frequencies &&
         left_out(series.period, series.count) > tolerance / 2)
    ++series.count;
  series.bound = exp(range - series.period) + left_out(series.period, series.count);
  if (series.count > cutlab_max_frequencies) series.count = 0;
  return series;
}

double cutlab_series_frequency(const cutlab_series *series, int k) {
  return (2 * k + 1) * M_PI / series->period;
}

double cutlab_series_slope(const cutlab_series *series, int k) {
  return 2 * M_PI / (series->period * sinh(M_PI * cutlab_series_frequency(series, k)));
}

double cutlab_series_height(const cutlab_series *series, int k) {
  return cutlab_series_slope(series, k) / cutlab_series_frequency(series, k);
}
