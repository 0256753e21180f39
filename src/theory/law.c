/* Piecewise Chebyshev distribution functions: adaptive construction and convolution. */
#include "theory/law.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { degree = cutlab_law_degree, max_panels = 1 << 16, max_breaks = 1 << 12 };

/* Gauss-Legendre nodes by Newton's method on P_n from Tricomi's starting points. */
static void legendre_rule(int n, double *node, double *weight) {
  for (int i = 0; i < n; i++) {
    double x = cos(M_PI * (i + 0.75) / (n + 0.5)), derivative = 1;
    for (int round = 0; round < 8; round++) {
      double p0 = 1, p1 = x;
      for (int k = 2; k <= n; k++) {
        double p2 = ((2 * k - 1) * x * p1 - (k - 1) * p0) / k;
        p0 = p1;
        p1 = p2;
      }
      derivative = n * (p0 - x * p1) / (1 - x * x);
      x -= p1 / derivative;
    }
    node[i] = x;
    weight[i] = 2 / ((1 - x * x) * derivative * derivative);
  }
}

void cutlab_law_rules_make(cutlab_law_rules *rules) {
  memset(rules, 0, sizeof *rules);
  for (int n = 1; n <= degree; n++) legendre_rule(n, rules->node[n], rules->weight[n]);
  for (int j = 0; j < 2 * degree; j++) rules->cosine[j] = cos(M_PI * j / degree);
}

void cutlab_law_clear(cutlab_law *law) {
  free(law->panels);
  *law = (cutlab_law){0};
}

/* ---- construction ---- */

typedef struct builder {
  cutlab_context *context;
  cutlab_law *law;
  cutlab_law_cdf_fn cdf;
  const void *source;
  const cutlab_law_rules *rules;
  double tolerance;
  double scale; /* width of the whole range */
} builder;

/* A stretch still to be interpolated; a break on a side draws the bisection towards it, since
   the law may have a root-like edge there. */
typedef struct stretch {
  double left, right, at_left, at_right;
  bool break_left, break_right;
} stretch;

static cutlab_status append(builder *b, const cutlab_law_panel *panel) {
  cutlab_law *law = b->law;
  if (law->count == max_panels)
    return cutlab_fail(b->context, CUTLAB_ERROR_NUMERIC,
                       "a law of patch outputs needs more than %d panels", max_panels);
  if (law->count == law->capacity) {
    int capacity = law->capacity ? 2 * law->capacity : 64;
    cutlab_law_panel *panels = cutlab_allocate(b->context, capacity, sizeof *panels);
    if (!panels) return CUTLAB_ERROR_MEMORY;
    if (law->count) memcpy(panels, law->panels, (size_t)law->count * sizeof *panels);
    free(law->panels);
    law->panels = panels;
    law->capacity = capacity;
  }
  law->panels[law->count++] = *panel;
  return CUTLAB_OK;
}

/* Coefficients from values at cos(pi j / n), j = 0..n, n a divisor of `degree`. */
static void lobatto_transform(const cutlab_law_rules *rules, const double *values, int n,
                              double *coefficients) {
  int step = degree / n;
  for (int k = 0; k <= n; k++) {
    double sum = (values[0] + (k & 1 ? -values[n] : values[n])) / 2;
    for (int j = 1; j < n; j++) sum += values[j] * rules->cosine[(j * k * step) % (2 * degree)];
    coefficients[k] = sum * (k == 0 || k == n ? 1.0 : 2.0) / n;
  }
}

/* Sets slope from value: T_k' = 2k (T_{k-1} + T_{k-3} + ...), the T_0 term halved. */
static void differentiate(cutlab_law_panel *panel) {
  double *slope = panel->slope;
  slope[panel->degree] = 0;
  for (int k = panel->degree; k >= 1; k--)
    slope[k - 1] = (k + 1 <= panel->degree ? slope[k + 1] : 0) + 2 * k * panel->value[k];
  slope[0] /= panel->degree ? 2 : 1;
}

/* How unsteady F is at distances far below the width of the stretch: second differences, which
   leave nothing of a smooth function but its rounding errors. */
static double measure_noise(const builder *b, double middle, double radius) {
  double noise = 0, h = ldexp(radius, -20);
  for (int i = -1; i <= 1; i++) {
    double t = middle + i * radius / 2;
    double difference = b->cdf(b->source, t - h, false) - 2 * b->cdf(b->source, t, false) +
                        b->cdf(b->source, t + h, false);
    noise = fmax(noise, fabs(difference));
  }
  return noise;
}

/* Interpolates on the stretch; false where the trailing coefficients are too large. A first
   look at degree/2 saves half the work where it is hopeless: the error of the full degree is
   about the square of that of half the degree where F is analytic, and larger elsewhere.
   Coefficients that are noise are accepted: halving the stretch would not shrink them. */
static bool interpolate(const builder *b, const stretch *s, cutlab_law_panel *panel) {
  double values[degree + 1], half_values[degree / 2 + 1], half[degree / 2 + 1];
  double middle = (s->left + s->right) / 2, radius = (s->right - s->left) / 2;
  values[0] = s->at_right;
  values[degree] = s->at_left;
  for (int j = 2; j < degree; j += 2)
    values[j] = b->cdf(b->source, middle + radius * b->rules->cosine[j], false);
  for (int j = 0; j <= degree / 2; j++) half_values[j] = values[2 * j];
  lobatto_transform(b->rules, half_values, degree / 2, half);
  double tail = fabs(half[degree / 2]) + fabs(half[degree / 2 - 1]);
  if (tail * tail > 16 * b->tolerance) return false;
  for (int j = 1; j < degree; j += 2)
    values[j] = b->cdf(b->source, middle + radius * b->rules->cosine[j], false);
  lobatto_transform(b->rules, values, degree, panel->value);
  double *c = panel->value;
  tail = fabs(c[degree]) + fabs(c[degree - 1]) + fabs(c[degree - 2]);
  double rounding = b->law->resolution * (s->at_right - s->at_left) / (s->right - s->left);
  if (tail > b->tolerance / 2 && (tail > rounding || tail > 8 * measure_noise(b, middle, radius)))
    return false;
  panel->degree = degree;
  for (double dropped = 0; panel->degree > 1; panel->degree--) {
    int k = panel->degree;
    dropped += 2 * fabs(c[k]);
    if (dropped > b->tolerance / 16) break;
    c[k & 1] += c[k]; /* keeps the values at both ends: no jump between panels */
    c[k] = 0;
  }
  return true;
}

/* F is monotone: where it rises by no more than the tolerance, or the stretch has no point
   inside left, a straight line will do. Next to a break at 0 there always is one, but even a
   root-like edge rises by no more than rounding over 1e-30 of the scale. */
static bool straight(const builder *b, const stretch *s, cutlab_law_panel *panel) {
  double size = fmax(fabs(s->left), fabs(s->right)), rise = s->at_right - s->at_left;
  double narrow = fmax(4 * DBL_EPSILON * size, 1e-30 * b->scale);
  if (rise > b->tolerance / 2 && s->right - s->left > narrow) return false;
  panel->degree = rise != 0;
  panel->value[0] = (s->at_left + s->at_right) / 2;
  panel->value[1] = rise / 2;
  return true;
}

static cutlab_status build_stretch(builder *b, stretch s) {
  cutlab_law_panel panel = {.left = s.left, .right = s.right};
  if (straight(b, &s, &panel) || interpolate(b, &s, &panel)) {
    differentiate(&panel);
    for (int k = 0; k <= panel.degree; k++) {
      panel.at_right += panel.value[k];
      panel.at_left += k & 1 ? -panel.value[k] : panel.value[k];
    }
    return append(b, &panel);
  }
  double share = s.break_left == s.break_right ? 0.5 : s.break_left ? 0.25 : 0.75;
  double middle = s.left + share * (s.right - s.left);
  double value = b->cdf(b->source, middle, false);
  CUTLAB_TRY(build_stretch(b, (stretch){s.left, middle, s.at_left, value, s.break_left, false}));
  return build_stretch(b, (stretch){middle, s.right, value, s.at_right, false, s.break_right});
}

cutlab_status cutlab_law_build(cutlab_context *context, cutlab_law *law, cutlab_law_cdf_fn cdf,
                               const void *source, const cutlab_law_rules *rules,
                               const double *breaks, int count, double resolution,
                               double tolerance) {
  builder b = {context, law, cdf, source, rules, tolerance, breaks[count - 1] - breaks[0]};
  *law = (cutlab_law){.resolution = resolution, .error = tolerance};
  for (int i = 0; i + 1 < count; i++) {
    stretch s = {breaks[i], breaks[i + 1], 0, 0, i > 0, i + 2 < count};
    if (s.left == s.right) continue;
    s.at_left = cdf(source, s.left, false);
    s.at_right = cdf(source, s.right, true);
    CUTLAB_TRY(build_stretch(&b, s));
  }
  if (law->count) return CUTLAB_OK;
  cutlab_law_panel point = {.left = breaks[0], .right = breaks[0], .value = {1}};
  point.at_left = point.at_right = 1;
  return append(&b, &point);
}

/* ---- evaluation ---- */

/* Clenshaw's recurrence at `count` points at once. */
static void series(const double *c, int terms, const double *x, int count, double *y) {
  double b1[degree] = {0}, b2[degree] = {0};
  for (int k = terms; k >= 1; k--)
    for (int i = 0; i < count; i++) {
      double b0 = 2 * x[i] * b1[i] - b2[i] + c[k];
      b2[i] = b1[i];
      b1[i] = b0;
    }
  for (int i = 0; i < count; i++) y[i] = x[i] * b1[i] - b2[i] + c[0];
}

/* The number of panels whose right end lies at or before t (strict: before t). */
static int panels_before(const cutlab_law *law, double t, bool strict) {
  int low = 0, high = law->count;
  while (low < high) {
    int middle = (low + high) / 2;
    double right = law->panels[middle].right;
    if (right < t || (right == t && !strict))
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

double cutlab_law_cdf(const cutlab_law *law, double t, bool strict) {
  double left = law->panels[0].left;
  if (t < left || (t == left && strict)) return 0;
  int i = panels_before(law, t, strict);
  if (i == law->count) return 1;
  const cutlab_law_panel *p = &law->panels[i];
  double x = ((t - p->left) - (p->right - t)) / (p->right - p->left), y;
  if (p->left == p->right) return p->at_right;
  series(p->value, p->degree, &x, 1, &y);
  return y;
}

/* To [-1, 1]: on a very narrow panel, rounding of t - s may lead far outside. */
static double clamp(double x) {
  return fmin(fmax(x, -1), 1);
}

/* The integral over s0 <= s <= s1 of F_B(t - s) dF_A(s), where [s0, s1] lies in panel a and
   [t - s1, t - s0] in panel b: a polynomial, which the Gauss rule integrates exactly. */
static double overlap(const cutlab_law_rules *rules, const cutlab_law_panel *a,
                      const cutlab_law_panel *b, double s0, double s1, double t) {
  int n = (a->degree + b->degree + 1) / 2;
  if (a->degree == 0 || !(s0 < s1)) return 0;
  double x[degree] = {0}, y[degree] = {0}, slope[degree], value[degree], sum = 0;
  double width_a = a->right - a->left, width_b = b->right - b->left;
  double x0 = ((s0 - a->left) - (a->right - s0)) / width_a, half = (s1 - s0) / width_a;
  double y0 = ((t - s0 - b->left) - (b->right - t + s0)) / width_b, step = (s1 - s0) / width_b;
  for (int i = 0; i < n; i++) {
    x[i] = clamp(x0 + half * (1 + rules->node[n][i]));
    y[i] = clamp(y0 - step * (1 + rules->node[n][i]));
  }
  series(a->slope, a->degree - 1, x, n, slope);
  series(b->value, b->degree, y, n, value);
  for (int i = 0; i < n; i++) sum += rules->weight[n][i] * slope[i] * value[i];
  return sum * half;
}

/* F_B(t - s) at the jumps of F_A, leaving out rounding between adjacent panels. */
static double jump_terms(const cutlab_law *a, const cutlab_law *b, double t, bool strict) {
  double total = 0, below = 0;
  for (int i = 0; i <= a->count; i++) {
    double at = i < a->count ? a->panels[i].left : a->panels[i - 1].right;
    double jump = (i < a->count ? a->panels[i].at_left : 1) - below;
    if (fabs(jump) > 16 * DBL_EPSILON) total += jump * cutlab_law_cdf(b, t - at, strict);
    if (i < a->count) below = a->panels[i].at_right;
  }
  return total;
}

double cutlab_law_sum_cdf(const void *source, double t, bool strict) {
  const cutlab_law_sum *sum = source;
  const cutlab_law *a = sum->a, *b = sum->b;
  double b_left = b->panels[0].left, b_right = b->panels[b->count - 1].right;
  double total = jump_terms(a, b, t, strict);
  int j = b->count - 1; /* the panel of b that holds t - s; it falls as s grows */
  for (int i = 0; i < a->count; i++) {
    const cutlab_law_panel *p = &a->panels[i];
    double s = p->left;
    if (s < t - b_right) { /* F_B(t - s) = 1 */
      double to = fmin(t - b_right, p->right), x = ((to - p->left) - (p->right - to)), y;
      x /= p->right - p->left;
      series(p->value, p->degree, &x, 1, &y);
      total += (to == p->right ? p->at_right : y) - p->at_left;
      s = to;
    }
    while (s < p->right && s < t - b_left) {
      while (j > 0 && t - b->panels[j].left <= s) j--;
      double to = fmin(p->right, t - b->panels[j].left);
      if (to <= s) break;
      total += overlap(sum->rules, p, &b->panels[j], s, to, t);
      s = to;
    }
  }
  return total;
}

/* ---- sums ---- */

static int compare(const void *x, const void *y) {
  double a = *(const double *)x, b = *(const double *)y;
  return (a > b) - (a < b);
}

/* The places where F jumps by more than `threshold`; places: [count + 1]. */
static int find_atoms(const cutlab_law *law, double threshold, double *places) {
  int found = 0;
  double below = 0;
  for (int i = 0; i <= law->count; i++) {
    double value = i < law->count ? law->panels[i].at_left : 1;
    if (value - below > threshold)
      places[found++] = i < law->count ? law->panels[i].left : law->panels[i - 1].right;
    if (i < law->count) below = law->panels[i].at_right;
  }
  return found;
}

/* A sum has an atom where two atoms meet; smaller ones stay inside the tolerance. */
cutlab_status cutlab_law_add(cutlab_context *context, cutlab_law *law, const cutlab_law_sum *sum) {
  const cutlab_law *a = sum->a, *b = sum->b;
  double inherited = a->error + b->error;
  double tolerance = (CUTLAB_LAW_ADD_ERROR - 1) * inherited;
  *law = (cutlab_law){0};
  double *atoms = cutlab_allocate(context, a->count + b->count + 2 + max_breaks + 2, sizeof *atoms);
  if (!atoms) return CUTLAB_ERROR_MEMORY;
  double *atoms_b = atoms + a->count + 1, *breaks = atoms_b + b->count + 1;
  int count_a = find_atoms(a, tolerance, atoms), count_b = find_atoms(b, tolerance, atoms_b);
  int count = 2;
  cutlab_status status = CUTLAB_OK;
  if ((int64_t)count_a * count_b > max_breaks)
    status = cutlab_fail(context, CUTLAB_ERROR_NUMERIC,
                         "the law of the noise has %d x %d atoms; at most %d pairs are handled",
                         count_a, count_b, max_breaks);
  if (status == CUTLAB_OK) {
    breaks[0] = a->panels[0].left + b->panels[0].left;
    breaks[1] = a->panels[a->count - 1].right + b->panels[b->count - 1].right;
    for (int i = 0; i < count_a; i++)
      for (int j = 0; j < count_b; j++) breaks[count++] = atoms[i] + atoms_b[j];
    qsort(breaks, (size_t)count, sizeof *breaks, compare);
    status = cutlab_law_build(context, law, cutlab_law_sum_cdf, sum, sum->rules, breaks, count,
                              a->resolution + b->resolution, tolerance);
  }
  free(atoms);
  law->error += inherited;
  return status;
}
