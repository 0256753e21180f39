/* The error bound of Chebyshev interpolation. */
#include "theory/chebyshev_nodes.h"

#include <math.h>

/* For f analytic and |f| <= M in the Bernstein ellipse of parameter rho, q nodes err by at most
   4 M rho^(1-q) / (rho - 1) (Trefethen, Approximation Theory and Approximation Practice, thm 8.2).
   The poles of the sigmoid lie at distance pi from the real axis, so any semi-minor axis
   eta < pi will do: rho = eta/R + sqrt(1 + eta^2/R^2). In the strip |Im z| <= eta, |1 + e^z| is at
   least 1 (eta <= pi/2) or sin eta, which bounds the sigmoid; |softplus| is at most
   max(Re z + log 2, -log sin eta) + pi, with Re z <= range + R ((rho + 1/rho)/2 - 1). */
int64_t cutlab_chebyshev_nodes(double *bound, double half_width, double range, double tolerance) {
  static const double gaps[] = {.5, .35, .25, .17, .12, .08, .055, .04, .028, .02, .014, .01};
  int64_t best = 0;
  *bound = 0;
  if (half_width <= 0) return 1;
  for (int i = 0; i < (int)(sizeof gaps / sizeof *gaps); ++i) {
    double eta = M_PI * (1 - gaps[i]), ratio = eta / half_width;
    double rho = ratio + sqrt(1 + ratio * ratio);
    double right = range + half_width * ((rho + 1 / rho) / 2 - 1);
    double bend = -log(sin(eta));
    double size = fmax(fmax(right, 0) + log(2), bend) + M_PI;
    size = fmax(size, exp(bend));
    double scale = 4 * size / (rho - 1);
    double needed = 1 + ceil(fmax(0, log(scale / tolerance) / log(rho)));
    if (needed > cutlab_max_nodes || (best && needed >= (double)best)) continue;
    best = (int64_t)needed;
    *bound = scale * pow(rho, 1 - needed);
  }
  return best;
}
