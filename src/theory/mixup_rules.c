/* Two Gauss rules on a piece of a pair. Where a = 1 the density is constant. Else the piece at 0
   takes the rule for the weight x^(a-1), and the others x = e^u, which leaves the density entire
   apart from (1 - x)^(a-1).

   On a piece a piecewise polynomial activation makes the output a polynomial in x, and each
   entry's derivative is a few moments of the sigmoid times coefficients: nodes and entries meet
   nowhere. Other activations are evaluated for every entry at every node. */
#include <math.h>
#include <string.h>

#include "theory/mixup_internal.h"

#define INLINE static inline __attribute__((always_inline))

/* Both rules at work, the finer one behind the other. */
typedef struct nodes {
  int order, count;
  double x[cutlab_mixup_nodes], weights[cutlab_mixup_nodes];
  double near[cutlab_mixup_nodes], far[cutlab_mixup_nodes]; /* weights of phi' in derivatives */
  double outputs[cutlab_mixup_nodes], loss[cutlab_mixup_nodes];
} nodes;

int cutlab_mixup_degree(cutlab_activation activation) {
  switch (activation.kind) {
  case CUTLAB_SMOOTHED_LEAKY_RELU:
    return 2;
  case CUTLAB_RELU:
  case CUTLAB_LEAKY_RELU:
    return 1;
  case CUTLAB_RELU_POWER:
  case CUTLAB_ODD_POWER:
    return activation.power;
  case CUTLAB_GELU:
  case CUTLAB_SIGMOID:
    break;
  }
  return 0;
}

double cutlab_mixup_density(const cutlab_mixup *m, double x) {
  return m->density * pow(4 * x * (1 - x), m->options.alpha - 1);
}

static void place_rule(const cutlab_mixup *m, double *x, double *weights,
                       const cutlab_mixup_piece *piece, int order) {
  double a = m->options.alpha, low = piece->low, high = piece->high;
  const cutlab_mixup_rule *rule = low > 0 || a == 1 ? &m->plain[order] : &m->edge[order];
  double width = a == 1 ? high - low : log(high / low);
  for (int k = 0; k < order; ++k) {
    if (a == 1) {
      x[k] = low + width * rule->nodes[k];
      weights[k] = width * m->density * rule->weights[k];
    } else if (low > 0) {
      x[k] = low * exp(width * rule->nodes[k]);
      weights[k] = width * rule->weights[k] * x[k] * cutlab_mixup_density(m, x[k]);
    } else {
      x[k] = high * rule->nodes[k];
      weights[k] = high * m->density * rule->weights[k] * pow(4 * high * (1 - x[k]), a - 1);
    }
  }
}

static double whole_power(double z, int power) {
  return power ? cutlab_integer_power(z, power) : 1;
}

/* phi' (middle + half t) of each entry in powers of t, by Taylor: of a line or a parabola. `f.kind`
   is a constant at every call, so that the loop vectorises. */
INLINE void expand_short(cutlab_activation f, const cutlab_mixup_pair *pair) {
  int64_t entries = pair->mixup->entries;
  const double *near = pair->near, *far = pair->far;
  double *slopes = pair->scratch->slopes, *bends = slopes + entries;
  double middle = pair->middle, bend = (1 - f.beta) / f.r * pair->half, width = f.r;
#pragma omp simd
  for (int64_t e = 0; e < entries; ++e) {
    double way = far[e] - near[e], z = near[e] + middle * way;
    slopes[e] = cutlab_activate_slope(f, z);
    if (f.kind == CUTLAB_SMOOTHED_LEAKY_RELU) bends[e] = (z > 0) & (z < width) ? bend * way : 0;
  }
}

/* The same of z^q, by the binomial theorem. */
static void expand_power(const cutlab_mixup_pair *pair) {
  cutlab_activation f = pair->mixup->activation;
  int64_t entries = pair->mixup->entries;
  int last = f.power - 1;
  for (int64_t e = 0; e < entries; ++e) {
    double way = pair->far[e] - pair->near[e], z = pair->near[e] + pair->middle * way;
    double power = f.kind == CUTLAB_ODD_POWER || z > 0 ? f.power : 0, choose = 1;
    for (int k = last; k >= 0; --k) {
      pair->scratch->slopes[k * entries + e] =
          power * choose * whole_power(z, last - k) * whole_power(pair->half * way, k);
      choose = choose * k / (last - k + 1);
    }
  }
}

static void expand_slopes(const cutlab_mixup_pair *pair) {
  cutlab_activation f = pair->mixup->activation;
  switch (pair->mixup->activation.kind) {
  case CUTLAB_SMOOTHED_LEAKY_RELU:
    f.kind = CUTLAB_SMOOTHED_LEAKY_RELU;
    expand_short(f, pair);
    break;
  case CUTLAB_RELU:
    f.kind = CUTLAB_RELU;
    expand_short(f, pair);
    break;
  case CUTLAB_LEAKY_RELU:
    f.kind = CUTLAB_LEAKY_RELU;
    expand_short(f, pair);
    break;
  default:
    expand_power(pair);
  }
}

/* phi' integrated: the coefficient of t^k is reach / k times that of t^(k-1) in phi'. */
static void expand_output(cutlab_mixup_pair *pair) {
  const cutlab_mixup *m = pair->mixup;
  const double *near = pair->near, *far = pair->far, *slopes = pair->scratch->slopes;
  double sums[10] = {0};
  for (int64_t e = 0; e < m->entries; ++e) {
    double way = far[e] - near[e], sign = 2 * e < m->entries ? 1 : -1;
    sums[0] += sign * cutlab_activate(m->activation, near[e] + pair->middle * way);
    for (int k = 1; k <= m->degree; ++k)
      sums[k] += sign * pair->half * way * slopes[(k - 1) * m->entries + e];
  }
  for (int k = 0; k <= m->degree; ++k) pair->output[k] = k ? sums[k] / k : sums[k];
}

/* The output at `count` points and, where derivatives are wanted, phi' of every entry there. */
static void evaluate_entries(const cutlab_mixup_pair *pair, double *outputs, const double *x,
                             int count) {
  const cutlab_mixup *m = pair->mixup;
  cutlab_activation f = m->activation;
  memset(outputs, 0, (size_t)count * sizeof *outputs);
  for (int64_t e = 0; e < m->entries; ++e) {
    double near = pair->near[e], way = pair->far[e] - near, sign = 2 * e < m->entries ? 1 : -1;
    double *slopes = pair->scratch->slopes + e * cutlab_mixup_nodes;
    for (int k = 0; k < count; ++k) outputs[k] += sign * cutlab_activate(f, near + x[k] * way);
    for (int k = 0; pair->derivatives && k < count; ++k)
      slopes[k] = cutlab_activate_slope(f, near + x[k] * way);
  }
}

static double polynomial(const double *coefficients, int degree, double t) {
  double value = coefficients[degree];
  for (int k = degree - 1; k >= 0; --k) value = value * t + coefficients[k];
  return value;
}

void cutlab_mixup_enter(cutlab_mixup_pair *pair, const cutlab_mixup_piece *piece) {
  int degree = pair->mixup->degree;
  pair->middle = (piece->low + piece->high) / 2;
  pair->half = (piece->high - piece->low) / 2;
  if (degree) {
    expand_slopes(pair);
    expand_output(pair);
    for (int end = 0; end < 2; ++end)
      pair->ends[end] = polynomial(pair->output, degree, end ? 1 : -1);
  } else {
    double ends[2] = {piece->low, piece->high};
    evaluate_entries(pair, pair->ends, ends, 2);
  }
}

/* Losses and the weights of phi', from outputs. With Y = (1 + y) / 2 the loss is
   softplus(f) - (x Y_far + (1 - x) Y_near) f. */
static void weigh(const cutlab_mixup_pair *pair, nodes *n) {
  const cutlab_kernels *kernels = cutlab_context_kernels(pair->mixup->context);
  double sigmoid[cutlab_mixup_nodes];
  kernels->sigmoid(sigmoid, n->loss, n->outputs, n->count);
  for (int k = 0; k < n->count; ++k) {
    double x = n->x[k], target = x * pair->far_target + (1 - x) * pair->near_target;
    double slope = n->weights[k] * (sigmoid[k] - target);
    n->near[k] = (1 - x) * slope;
    n->far[k] = x * slope;
    n->loss[k] = n->weights[k] * (n->loss[k] - target * n->outputs[k]);
  }
}

static double sum(const double *x, int first, int end) {
  double total = 0;
  for (int k = first; k < end; ++k) total += x[k];
  return total;
}

/* sum_k w_k t_k^j of both rules, j < degree: [0] the rough one's, [1] the fine one's. */
static void find_moments(const cutlab_mixup_pair *pair, double (*moments)[10], const double *w,
                         const nodes *n) {
  int degree = pair->mixup->degree;
  memset(moments, 0, 2 * sizeof *moments);
  for (int k = 0; k < n->count; ++k) {
    double t = (n->x[k] - pair->middle) / pair->half, term = w[k];
    double *sums = moments[k >= n->order];
    for (int j = 0; j < degree; ++j, term *= t) sums[j] += term;
  }
}

/* Derivatives from moments; returns the largest difference. */
static double combine_moments(const cutlab_mixup_pair *pair, double *derivatives,
                              const double *weights, const nodes *n) {
  int64_t entries = pair->mixup->entries;
  double moments[2][10], most = 0;
  find_moments(pair, moments, weights, n);
  memset(derivatives, 0, (size_t)entries * sizeof *derivatives);
  for (int j = 0; j < pair->mixup->degree; ++j) {
    const double *slopes = pair->scratch->slopes + j * entries;
    double moment = moments[1][j], off = fabs(moment - moments[0][j]), steepest = 0;
#pragma omp simd reduction(max : steepest)
    for (int64_t e = 0; e < entries; ++e) {
      derivatives[e] += slopes[e] * moment;
      double steep = fabs(slopes[e]);
      steepest = steepest > steep ? steepest : steep;
    }
    most += steepest * off;
  }
  return most;
}

/* The same from phi' at every node. */
static double combine_nodes(const cutlab_mixup_pair *pair, double *derivatives,
                            const double *weights, const nodes *n) {
  double most = 0;
  for (int64_t e = 0; e < pair->mixup->entries; ++e) {
    const double *slopes = pair->scratch->slopes + e * cutlab_mixup_nodes;
    double sums[2] = {0, 0};
    for (int k = 0; k < n->count; ++k) sums[k >= n->order] += weights[k] * slopes[k];
    derivatives[e] = sums[1];
    most = fmax(most, fabs(sums[1] - sums[0]));
  }
  return most;
}

double cutlab_mixup_apply(cutlab_mixup_pair *pair, const cutlab_mixup_piece *piece, int order) {
  int degree = pair->mixup->degree;
  cutlab_mixup_sums *sums = &pair->scratch->sums;
  nodes n = {.order = order, .count = 2 * order + cutlab_mixup_step};
  place_rule(pair->mixup, n.x, n.weights, piece, order);
  place_rule(pair->mixup, n.x + order, n.weights + order, piece, order + cutlab_mixup_step);
  if (degree)
    for (int k = 0; k < n.count; ++k)
      n.outputs[k] = polynomial(pair->output, degree, (n.x[k] - pair->middle) / pair->half);
  else
    evaluate_entries(pair, n.outputs, n.x, n.count);
  weigh(pair, &n);
  sums->mass = sum(n.weights, order, n.count);
  sums->loss = sum(n.loss, order, n.count);
  double off = fabs(sums->loss - sum(n.loss, 0, order));
  if (!pair->derivatives || !isfinite(off)) return off;
  double near = degree ? combine_moments(pair, sums->near, n.near, &n)
                       : combine_nodes(pair, sums->near, n.near, &n);
  double far = degree ? combine_moments(pair, sums->far, n.far, &n)
                      : combine_nodes(pair, sums->far, n.far, &n);
  return fmax(off, fmax(near, far));
}

void cutlab_mixup_at(cutlab_mixup_pair *pair, double x) {
  cutlab_mixup_sums *sums = &pair->scratch->sums;
  nodes n = {.order = 0, .count = 1, .x = {x}, .weights = {1}};
  evaluate_entries(pair, n.outputs, n.x, 1);
  weigh(pair, &n);
  sums->mass = 1;
  sums->loss = n.loss[0];
  if (!pair->derivatives) return;
  combine_nodes(pair, sums->near, n.near, &n);
  combine_nodes(pair, sums->far, n.far, &n);
}
