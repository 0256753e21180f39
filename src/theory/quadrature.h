/* Gauss quadrature on the unit interval. */
#ifndef CUTLAB_QUADRATURE_H
#define CUTLAB_QUADRATURE_H

enum { cutlab_max_gauss = 64 };

/* Nodes (ascending) and weights with sum_k weights[k] g(nodes[k]) equal to the integral of
   x^(a-1) g(x) over [0, 1] for every polynomial g of degree below 2 count. a > 0; 1 <= count <=
   cutlab_max_gauss. */
void cutlab_gauss_rule(double *nodes, double *weights, int count, double a);
/* The same with a = 1, more accurately; any count >= 1. */
void cutlab_gauss_legendre(double *nodes, double *weights, int count);

#endif
