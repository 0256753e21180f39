/* Distribution function of phi(U) - phi(V) for a normal pair, by one-dimensional quadrature of
   a closed form, or in closed form where the covariance is singular. */
#include "theory/patch_law.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

static double normal_cdf(double x) {
  return 0.5 * erfc(-x * M_SQRT1_2);
}

/* P(x0 < N(0,1) <= x1) to full relative accuracy in both tails. */
static double normal_between(double x0, double x1) {
  if (x0 > 0) return normal_cdf(-x0) - normal_cdf(-x1);
  return normal_cdf(x1) - normal_cdf(x0);
}

/* An x with P(N(0,1) > x) <= p, by exp(-x^2/2)/2 >= P(N > x). */
static double normal_reach(double p) {
  return sqrt(-2 * log(2 * p));
}

/* The inverse of phi; -infinity where phi (beta = 0) does not reach y. */
static double activate_inverse(cutlab_activation f, double y) {
  if (y < 0) return f.beta > 0 ? y / f.beta : -INFINITY;
  if (y >= (1 + f.beta) * f.r / 2) return y + (1 - f.beta) * f.r / 2;
  if (y == 0) return 0;
  return 2 * y / (f.beta + sqrt(f.beta * f.beta + 2 * (1 - f.beta) / f.r * y));
}

static int compare(const void *x, const void *y) {
  double a = *(const double *)x, b = *(const double *)y;
  return (a > b) - (a < b);
}

/* Sorts, and drops what lies outside [low, high] and what is not finite. */
static int sort_within(double *x, int count, double low, double high) {
  int kept = 0;
  for (int i = 0; i < count; i++)
    if (x[i] >= low && x[i] <= high) x[kept++] = x[i];
  qsort(x, (size_t)kept, sizeof *x, compare);
  return kept;
}

/* ---- along a line: h(x) = phi(u + du x) - phi(v + dv x), piecewise quadratic ---- */

typedef struct line {
  cutlab_activation phi;
  double u, du, v, dv;
} line;

/* h(x0 + z) = h0 + h1 z + h2 z^2 for 0 <= z <= width. */
typedef struct line_piece {
  double x0, width, h0, h1, h2;
  bool flat; /* constant up to rounding: an atom at h0 if x is random */
} line_piece;

enum { line_max_pieces = 5 };

/* Second derivative of phi at z. */
static double curvature(cutlab_activation f, double z) {
  return z > 0 && z < f.r ? (1 - f.beta) / f.r : 0;
}

static line_piece line_piece_make(const line *g, double x0, double x1) {
  double middle = (x0 + x1) / 2, half = (x1 - x0) / 2;
  double u = g->u + g->du * middle, v = g->v + g->dv * middle;
  /* Slopes at the left end, from the middle, where the region is not in doubt. */
  double ku = curvature(g->phi, u), kv = curvature(g->phi, v);
  double su = (cutlab_activate_slope(g->phi, u) - ku * g->du * half) * g->du;
  double sv = (cutlab_activate_slope(g->phi, v) - kv * g->dv * half) * g->dv;
  double au = ku * g->du * g->du / 2, av = kv * g->dv * g->dv / 2;
  double fu = cutlab_activate(g->phi, g->u + g->du * x0);
  double fv = cutlab_activate(g->phi, g->v + g->dv * x0);
  line_piece p = {x0, x1 - x0, fu - fv, su - sv, au - av, false};
  double size = fabs(su) + fabs(sv) + (au + av) * p.width;
  p.flat = fabs(p.h1) + fabs(p.h2) * p.width <= 16 * DBL_EPSILON * size;
  return p;
}

static int line_pieces(const line *g, double low, double high, line_piece *pieces) {
  double cut[6] = {low,           high,
                   -g->u / g->du, (g->phi.r - g->u) / g->du,
                   -g->v / g->dv, (g->phi.r - g->v) / g->dv};
  int cuts = sort_within(cut, 6, low, high), count = 0;
  for (int i = 0; i + 1 < cuts; i++)
    if (cut[i] < cut[i + 1]) pieces[count++] = line_piece_make(g, cut[i], cut[i + 1]);
  return count;
}

static double line_piece_at(const line_piece *p, double z) {
  return p->h0 + z * (p->h1 + z * p->h2);
}

/* Where h = t inside the piece: 0 to 2 offsets z, ascending. With the extremum in or near the
   piece the roots are found from there: the discriminant h1^2 - 4 h2 (h0 - t) would cancel. */
static int line_piece_roots(const line_piece *p, double t, double z[2]) {
  if (p->flat) return 0;
  double extremum = -p->h1 / (2 * p->h2), root[2];
  if (p->h2 != 0 && fabs(extremum - p->width / 2) < 2 * p->width) {
    double distance = sqrt((t - (p->h0 + p->h1 * extremum / 2)) / p->h2);
    root[0] = extremum - distance;
    root[1] = extremum + distance;
  } else {
    double c = p->h0 - t, slope = sqrt(p->h1 * p->h1 - 4 * p->h2 * c);
    double s = -0.5 * (p->h1 + copysign(slope, p->h1));
    double one = p->h2 == 0 ? NAN : s / p->h2, other = s == 0 ? NAN : c / s;
    root[0] = fmin(one, other);
    root[1] = one < other ? other : one;
  }
  int count = 0;
  for (int i = 0; i < 2; i++)
    if (root[i] > 0 && root[i] < p->width) z[count++] = root[i];
  return count;
}

/* ---- singular covariance: U and V are functions of one N(0,1) variable ---- */

static const double line_reach = 9; /* P(|N| > 9) = 2e-19 */

static line singular_line(const cutlab_patch_law *law, int component) {
  const double *mean = law->mean[component];
  return (line){law->phi, mean[0], law->deviation[0], mean[1],
                law->correlation * law->deviation[1]};
}

static double singular_cdf(const cutlab_patch_law *law, int component, double t, bool strict) {
  line g = singular_line(law, component);
  line_piece pieces[line_max_pieces];
  int count = line_pieces(&g, -line_reach, line_reach, pieces);
  double total = 0;
  for (int i = 0; i < count; i++) {
    const line_piece *p = &pieces[i];
    double z[4] = {0};
    int cuts = 1 + line_piece_roots(p, t, z + 1);
    z[cuts] = p->width;
    for (int k = 0; k < cuts; k++) {
      double h = p->flat ? p->h0 : line_piece_at(p, (z[k] + z[k + 1]) / 2);
      if (h < t || (h == t && !strict)) total += normal_between(p->x0 + z[k], p->x0 + z[k + 1]);
    }
  }
  return fmin(total, 1);
}

/* The values of h at the ends and the extremum of every piece. */
static int singular_breaks(const cutlab_patch_law *law, int component, double *breaks) {
  line g = singular_line(law, component);
  line_piece pieces[line_max_pieces];
  int pieces_count = line_pieces(&g, -line_reach, line_reach, pieces), count = 0;
  for (int i = 0; i < pieces_count; i++) {
    const line_piece *p = &pieces[i];
    double z = -p->h1 / (2 * p->h2);
    breaks[count++] = p->h0;
    if (p->flat) continue;
    breaks[count++] = line_piece_at(p, p->width);
    if (z > 0 && z < p->width) breaks[count++] = line_piece_at(p, z);
  }
  return count;
}

/* ---- regular covariance ----
   U = u + b e, V = v - d e with u = mean_U + p s_U x, v = mean_V + p s_V x, b = q s_U,
   d = q s_V, p = sqrt((1+rho)/2), q = sqrt((1-rho)/2) and x, e independent N(0,1). For fixed x,
   phi(U) - phi(V) never falls as e grows, so with e*(x) the point where it passes t
       P(D <= t) = E Phi(e*(x)). */

typedef struct sweep {
  cutlab_activation phi;
  double t, reach;
  double mean[2], shift[2], step[2]; /* U, V: mean, p s and q s */
  bool strict;
  double tolerance;
} sweep;

/* Which of the three branches of phi the root e*(x) lies on: 0 (z <= 0), 1, 2 (z >= r). */
typedef struct branch {
  int u, v;
} branch;

/* phi(U) - phi(V) at an edge of a branch tells on which side of the edge the root lies. At
   beta = 0 and t = 0 a whole interval solves it: strict takes its left end. */
static branch find_branch(const sweep *s, double x) {
  double u = s->mean[0] + s->shift[0] * x, v = s->mean[1] + s->shift[1] * x;
  double g = s->step[1] / s->step[0], r = s->phi.r;
  double at_edge[4] = {
      -cutlab_activate(s->phi, v + u * g),                                    /* U = 0 */
      cutlab_activate(s->phi, r) - cutlab_activate(s->phi, v - (r - u) * g),  /* U = r */
      cutlab_activate(s->phi, u + v / g),                                     /* V = 0 */
      cutlab_activate(s->phi, u + (v - r) / g) - cutlab_activate(s->phi, r)}; /* V = r */
  int passed[4];
  for (int i = 0; i < 4; i++) passed[i] = s->strict ? at_edge[i] < s->t : at_edge[i] <= s->t;
  return (branch){passed[0] + passed[1], 2 - passed[2] - passed[3]};
}

/* phi on branch j: slope z + offset for j = 0, 2. */
static double branch_slope(cutlab_activation f, int j) {
  return j ? 1 : f.beta;
}
static double branch_offset(cutlab_activation f, int j) {
  return j ? -(1 - f.beta) * f.r / 2 : 0;
}

/* Solves phi(z) - phi(w) = t on the line w + g z = zeta for z, z on branch j and w on branch
   k; where k is the quadratic branch, j is too. With kappa = (1-beta)/r every case is
   A z^2 + B z = R with B >= 0, so z = 2R / (B + sqrt(B^2 + 4 A R)); for j = k = 1 the
   discriminant is rewritten so that it does not cancel. R = 0 also where B = 0 (beta = 0). */
static double solve_branch(cutlab_activation f, int j, int k, double g, double zeta, double t) {
  double kappa = (1 - f.beta) / f.r;
  if (k == 1) {
    double a = kappa * zeta + f.beta * (1 + g);
    double right = zeta * (kappa * zeta / 2 + f.beta) + t;
    double root = sqrt(fmax(a * a + 2 * kappa * (1 - g * g) * t, 0));
    return right == 0 ? 0 : 2 * right / (kappa * g * zeta + f.beta * (1 + g) + root);
  }
  double slope = branch_slope(f, k), right = t + branch_offset(f, k) + slope * zeta;
  if (j != 1) return (right - branch_offset(f, j)) / (branch_slope(f, j) + slope * g);
  double b = f.beta + slope * g;
  return right == 0 ? 0 : 2 * right / (b + sqrt(fmax(b * b + 2 * kappa * right, 0)));
}

/* e*(x) on a known branch. Where U and V move at different rates, z / step carries the rounding
   of the wrong one of them; a Newton step removes it. */
static double crossing(const sweep *s, branch at, double x) {
  double u = s->mean[0] + s->shift[0] * x, v = s->mean[1] + s->shift[1] * x;
  double b = s->step[0], d = s->step[1], e;
  bool for_v = at.u == 1 ? at.v == 1 && d > b : at.v == 1 || d > b;
  if (for_v)
    e = (v - solve_branch(s->phi, at.v, at.u, b / d, u + b / d * v, -s->t)) / d;
  else
    e = (solve_branch(s->phi, at.u, at.v, d / b, v + d / b * u, s->t) - u) / b;
  if (b < 4 * d && d < 4 * b) return e;
  u += b * e;
  v -= d * e;
  double slope = b * cutlab_activate_slope(s->phi, u) + d * cutlab_activate_slope(s->phi, v);
  double excess = cutlab_activate(s->phi, u) - cutlab_activate(s->phi, v) - s->t;
  return slope > 0 ? e - excess / slope : e;
}

/* Gauss-Kronrod 7-15 (Piessens et al., QUADPACK, 1983): nodes, then both weights. */
static const double kronrod_node[8] = {
    0.991455371120812639206854697526329, 0.949107912342758524526189684047851,
    0.864864423359769072789712788640926, 0.741531185599394439863864773280788,
    0.586087235467691130294144691693137, 0.405845151377397166906606412076961,
    0.207784955007898467600689403773245, 0};
static const double kronrod_weight[8] = {
    0.022935322010529224963732008058970, 0.063092092629978553290700663189204,
    0.104790010322250183839876322541518, 0.140653259715525918745189590510238,
    0.169004726639267902826583426598550, 0.190350578064785409913256402421014,
    0.204432940075298892414161999234649, 0.209482141084727828012999174891714};
static const double gauss_weight[4] = {
    0.129484966168869693270611432679082, 0.279705391489276667901467771423780,
    0.381830050505118944950369775488975, 0.417959183673469387755102040816327};

static double weighted(const sweep *s, branch at, double x) {
  static const double inverse_root_2pi = 0.398942280401432677939946059934382;
  return inverse_root_2pi * exp(-x * x / 2) * normal_cdf(crossing(s, at, x));
}

/* The integral of density(x) Phi(e*(x)) over [x0, x1], where the branch is `at`. Bisects until
   |K - G| is below tolerance. Where one bisection has lowered it a hundredfold the integrand is
   analytic at this scale and K much better than G: then (5 |K - G|)^1.5 is the estimate (as in
   QUADPACK, whose factor of 200 makes up for not checking). `before`: |K - G| one level up. */
static double integrate(const sweep *s, branch at, double x0, double x1, double tolerance,
                        double before, int depth) {
  double middle = (x0 + x1) / 2, half = (x1 - x0) / 2, kronrod, gauss;
  double f = weighted(s, at, middle);
  kronrod = kronrod_weight[7] * f;
  gauss = gauss_weight[3] * f;
  for (int i = 0; i < 7; i++) {
    double pair = weighted(s, at, middle - half * kronrod_node[i]) +
                  weighted(s, at, middle + half * kronrod_node[i]);
    kronrod += kronrod_weight[i] * pair;
    if (i & 1) gauss += gauss_weight[i / 2] * pair;
  }
  double difference = half * fabs(kronrod - gauss);
  bool analytic = 100 * difference < before;
  double estimate = analytic ? 5 * difference * sqrt(5 * difference) : difference;
  if (fmin(estimate, difference) <= tolerance || depth == 0) return half * kronrod;
  return integrate(s, at, x0, middle, tolerance, difference, depth - 1) +
         integrate(s, at, middle, x1, tolerance, difference, depth - 1);
}

/* Where e*(x) changes branch: the points of the curve phi(U) - phi(V) = t on the edges of the
   branches; there is one x for each. */
static int branch_changes(const sweep *s, double x[4]) {
  double edge = cutlab_activate(s->phi, s->phi.r);
  double point[4][2] = {{0, activate_inverse(s->phi, -s->t)},
                        {s->phi.r, activate_inverse(s->phi, edge - s->t)},
                        {activate_inverse(s->phi, s->t), 0},
                        {activate_inverse(s->phi, edge + s->t), s->phi.r}};
  for (int i = 0; i < 4; i++)
    x[i] =
        ((point[i][0] - s->mean[0]) / s->shift[0] + (point[i][1] - s->mean[1]) / s->shift[1]) / 2;
  return 4;
}

/* Where e*(x) = e. Between these points for e = -reach and e = reach, Phi(e*) is either 0 or 1
   or has no steep step left unseen, however close the correlation is to 1. */
static int level_crossings(const sweep *s, double e, double *x) {
  line g = {s->phi, s->mean[0] + s->step[0] * e, s->shift[0], s->mean[1] - s->step[1] * e,
            s->shift[1]};
  line_piece pieces[line_max_pieces];
  int pieces_count = line_pieces(&g, -s->reach, s->reach, pieces), count = 0;
  for (int i = 0; i < pieces_count; i++) {
    double z[2], x0 = pieces[i].x0;
    int roots = line_piece_roots(&pieces[i], s->t, z);
    for (int k = 0; k < roots; k++) x[count++] = x0 + z[k];
    double size = fabs(g.u) + fabs(g.v) + (g.du + g.dv) * fabs(x0);
    if (fabs(pieces[i].h0 - s->t) <= 16 * DBL_EPSILON * size) x[count++] = x0;
  }
  return count;
}

static double regular_cdf(const cutlab_patch_law *law, int component, double t, bool strict) {
  sweep s = {.phi = law->phi, .t = t, .strict = strict, .reach = normal_reach(law->tolerance / 16)};
  double p = sqrt((1 + law->correlation) / 2), q = sqrt((1 - law->correlation) / 2);
  for (int i = 0; i < 2; i++) {
    s.mean[i] = law->mean[component][i];
    s.shift[i] = p * law->deviation[i];
    s.step[i] = q * law->deviation[i];
  }
  double x[6 + 6 * line_max_pieces] = {-s.reach, s.reach};
  int count = 2 + branch_changes(&s, x + 2);
  count += level_crossings(&s, -s.reach, x + count);
  count += level_crossings(&s, s.reach, x + count);
  count = sort_within(x, count, -s.reach, s.reach);
  double total = 0, share = law->tolerance / (4 * s.reach);
  for (int i = 0; i + 1 < count; i++) {
    double width = x[i + 1] - x[i], middle = (x[i] + x[i + 1]) / 2;
    if (width <= 0) continue;
    branch at = find_branch(&s, middle);
    double e = crossing(&s, at, middle);
    if (e >= s.reach)
      total += normal_between(x[i], x[i + 1]);
    else if (e > -s.reach)
      total += integrate(&s, at, x[i], x[i + 1], share * width, 0, 40);
  }
  return total;
}

/* ---- the law ---- */

cutlab_patch_law cutlab_patch_law_make(cutlab_activation phi, int components,
                                       const double mean[2][2], const double covariance[3],
                                       double tolerance) {
  cutlab_patch_law law = {.phi = phi, .components = components, .tolerance = tolerance};
  for (int c = 0; c < components; c++)
    for (int i = 0; i < 2; i++) law.mean[c][i] = mean[c][i];
  law.deviation[0] = sqrt(covariance[0]);
  law.deviation[1] = sqrt(covariance[2]);
  double product = law.deviation[0] * law.deviation[1];
  law.correlation = product > 0 ? covariance[1] / product : 1;
  /* 1 - |rho| below the rounding of rho: no arithmetic can tell it from singular. */
  if (fabs(law.correlation) > 1 - 4 * DBL_EPSILON) law.correlation = copysign(1, law.correlation);
  return law;
}

double cutlab_patch_law_cdf(const void *source, double t, bool strict) {
  const cutlab_patch_law *law = source;
  double total = 0;
  for (int c = 0; c < law->components; c++)
    total += fabs(law->correlation) == 1 ? singular_cdf(law, c, t, strict)
                                         : regular_cdf(law, c, t, strict);
  return total / law->components;
}

/* Regular: the curve phi(U) - phi(V) = t passes a corner of the branches at t = 0 and at
   t = -phi(r), phi(r). */
int cutlab_patch_law_breaks(const cutlab_patch_law *law,
                            double breaks[cutlab_patch_law_max_breaks]) {
  int count = 0;
  double reach = normal_reach(law->tolerance / 4), low = INFINITY, high = -INFINITY;
  for (int c = 0; c < law->components; c++) {
    if (fabs(law->correlation) == 1) {
      count += singular_breaks(law, c, breaks + count);
      continue;
    }
    double u = law->mean[c][0], v = law->mean[c][1];
    double du = reach * law->deviation[0], dv = reach * law->deviation[1];
    low = fmin(low, cutlab_activate(law->phi, u - du) - cutlab_activate(law->phi, v + dv));
    high = fmax(high, cutlab_activate(law->phi, u + du) - cutlab_activate(law->phi, v - dv));
  }
  if (count) return sort_within(breaks, count, -INFINITY, INFINITY);
  double edge = cutlab_activate(law->phi, law->phi.r);
  double candidates[5] = {low, -edge, 0, edge, high};
  count = sort_within(candidates, 5, low, high);
  for (int i = 0; i < count; i++) breaks[i] = candidates[i];
  return count;
}

/* Roundings of U, V and of the roots behind them, 6 standard deviations out. */
double cutlab_patch_law_resolution(const cutlab_patch_law *law) {
  double size = 0;
  for (int c = 0; c < law->components; c++)
    for (int i = 0; i < 2; i++) {
      double far = fabs(law->mean[c][i]) + 6 * law->deviation[i];
      size = fmax(size, cutlab_activate(law->phi, far));
    }
  return 128 * DBL_EPSILON * size;
}
