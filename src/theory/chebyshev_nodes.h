/* How many Chebyshev nodes interpolate the sigmoid to a given error. */
#ifndef CUTLAB_CHEBYSHEV_NODES_H
#define CUTLAB_CHEBYSHEV_NODES_H

#include <stdint.h>

enum { cutlab_max_nodes = 1024 };

/* The least q such that interpolation of sigmoid(x + b) and of softplus(x + b) on q Chebyshev
   nodes of an interval of half-width `half_width` errs by at most `tolerance`, for every b with
   |x + b| <= range; *bound is the proven bound at that q. 0 if more than cutlab_max_nodes. */
int64_t cutlab_chebyshev_nodes(double *bound, double half_width, double range, double tolerance);

#endif
