/* Gauss rules: Legendre's by Newton's method, others from the recurrence of their polynomials. */
#include "theory/quadrature.h"

#include <float.h>
#include <math.h>

/* Jacobi polynomials on [-1, 1] for the weight (1 + x)^(a-1): diagonal and squared off-diagonal of
   their recurrence (Gautschi 2004, table 1.1, alpha = 0, beta = a - 1), moved to [0, 1]. */
static void recurrence(double *diagonal, double *beside, int count, double a) {
  for (int k = 0; k < count; ++k) {
    double s = 2 * k + a;
    double shift = k ? (a - 1) * (a - 1) / ((s - 1) * (s + 1)) : (a - 1) / (a + 1);
    diagonal[k] = (1 + shift) / 2;
    double top = k * (k - 1 + a) / (s - 1);
    beside[k] =
        k ? sqrt(top * top / (s * (s - 2))) : 0; /* half of it: the interval is half as long */
  }
}

/* One implicit QL sweep with Wilkinson's shift over rows low..high of the symmetric tridiagonal
   matrix (d, e), e[k] between rows k and k + 1; `first` is the first row of the eigenvectors. */
static void sweep(double *d, double *e, double *first, int low, int high) {
  double half = (d[low + 1] - d[low]) / (2 * e[low]);
  double g = d[high] - d[low] + e[low] / (half + copysign(hypot(half, 1), half));
  double s = 1, c = 1, p = 0;
  for (int i = high - 1; i >= low; --i) {
    double f = s * e[i], b = c * e[i], r = hypot(f, g);
    e[i + 1] = r;
    if (r == 0) {
      d[i + 1] -= p;
      e[high] = 0;
      return;
    }
    s = f / r, c = g / r;
    g = d[i + 1] - p;
    r = (d[i] - g) * s + 2 * c * b;
    p = s * r;
    d[i + 1] = g + p;
    g = c * r - b;
    f = first[i + 1];
    first[i + 1] = s * first[i] + c * f;
    first[i] = c * first[i] - s * f;
  }
  d[low] -= p;
  e[low] = g;
  e[high] = 0;
}

static void sort_rule(double *nodes, double *weights, int count) {
  for (int i = 1; i < count; ++i)
    for (int k = i; k > 0 && nodes[k] < nodes[k - 1]; --k) {
      double node = nodes[k], weight = weights[k];
      nodes[k] = nodes[k - 1], weights[k] = weights[k - 1];
      nodes[k - 1] = node, weights[k - 1] = weight;
    }
}

/* Golub and Welsch (1969): the nodes are the eigenvalues of the recurrence's matrix, a weight is
   the whole mass 1/a times the square of its eigenvector's first entry. */
void cutlab_gauss_rule(double *nodes, double *weights, int count, double a) {
  double beside[cutlab_max_gauss + 1];
  recurrence(nodes, beside, count, a);
  for (int k = 0; k < count; ++k) beside[k] = k + 1 < count ? beside[k + 1] : 0;
  for (int k = 0; k < count; ++k) weights[k] = k == 0;
  for (int low = 0; low < count; ++low)
    for (int tries = 0; tries < 100; ++tries) {
      int high = low;
      while (high + 1 < count &&
             fabs(beside[high]) > DBL_EPSILON * (fabs(nodes[high]) + fabs(nodes[high + 1])))
        ++high;
      if (high == low) break;
      sweep(nodes, beside, weights, low, high);
    }
  for (int k = 0; k < count; ++k) weights[k] *= weights[k] / a;
  sort_rule(nodes, weights, count);
}

/* Roots of the Legendre polynomial by Newton's method from Tricomi's first approximation. */
void cutlab_gauss_legendre(double *nodes, double *weights, int count) {
  for (int i = 0; i < (count + 1) / 2; ++i) {
    double x = cos(M_PI * (i + 0.75) / (count + 0.5)), slope = 1;
    for (int step = 0; step < 8; ++step) {
      double value = 1, before = 0;
      for (int l = 1; l <= count; ++l) {
        double next = ((2 * l - 1) * x * value - (l - 1) * before) / l;
        before = value;
        value = next;
      }
      slope = count * (x * value - before) / (x * x - 1);
      x -= value / slope;
    }
    nodes[i] = (1 - x) / 2;
    nodes[count - 1 - i] = (1 + x) / 2;
    weights[i] = weights[count - 1 - i] = 1 / ((1 - x * x) * slope * slope);
  }
  if (count % 2) nodes[count / 2] = 0.5;
}
