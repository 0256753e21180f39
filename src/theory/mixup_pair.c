/* One ordered pair's integral over x. On a piece between breakpoints of all filters and patches the
   integrand is analytic, and Gauss rules converge geometrically: as many nodes are taken as the
   sigmoid's poles ask for, more while two orders differ by too much, and a piece that would need
   too many is cut in two. */
#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "theory/mixup_internal.h"

/* Cuts of a pair, beyond which its error stands. */
enum { most_cuts = 4096, insertion_limit = 48, too_many = cutlab_mixup_order + 1 };

/* Half the sum of the axes of the ellipse around [-1, 1] through a point is s + sqrt(s^2 - 1), s
   half the sum of the point's distances from -1 and 1; and n nodes err by about that to the power
   -2n (Trefethen 2013, theorem 19.3). Poles: those of the sigmoid, at outputs of +-i pi, as if the
   output were linear; and x = 1, or its logarithm 0, where the density is not constant. The density
   itself, entire, takes a few nodes more where it is steep. */
static int predict_order(const cutlab_mixup_pair *pair, const cutlab_mixup_piece *piece) {
  const cutlab_mixup *m = pair->mixup;
  double low = pair->ends[0], high = pair->ends[1], a = m->options.alpha, more = 0;
  double s = (hypot(low, M_PI) + hypot(high, M_PI)) / fabs(high - low);
  if (a > 1 && cutlab_mixup_density(m, piece->high) < .01 * m->options.tolerance) return 2;
  if (a != 1 && piece->low > 0) {
    double width = log(piece->high / piece->low);
    s = fmin(s, 1 - 2 * log(piece->high) / width);
    more = (1 + a) * width / 2;
  } else if (a != 1) {
    s = fmin(s, 2 / piece->high - 1);
    more = a * piece->high / 2;
  }
  double rate = s < 1e6 ? log(s + sqrt(s * s - 1)) : log(2e6);
  double order = ceil(log(30 / m->options.tolerance) / (2 * rate) + more);
  return order < 2 ? 2 : order < too_many ? (int)order : too_many;
}

/* What rounding alone makes of a piece: nothing is gained by more nodes or cuts. */
static double rounding(const cutlab_mixup_pair *pair, double x) {
  cutlab_activation f = pair->mixup->activation;
  double size = 1, steepest = 1;
  for (int64_t e = 0; e < pair->mixup->entries; ++e) {
    double z = pair->near[e] + x * (pair->far[e] - pair->near[e]);
    size += fabs(cutlab_activate(f, z));
    steepest = fmax(steepest, fabs(cutlab_activate_slope(f, z)));
  }
  return 4 * DBL_EPSILON * pair->scratch->sums.mass * size * steepest;
}

/* Integrates a piece; false if it is better cut. A difference of e^(-2 r n) says how many nodes it
   takes. What pieces are allowed adds up to the tolerance: both their masses and twice their widths
   add up to 1. */
static bool settle_piece(cutlab_mixup_pair *pair, const cutlab_mixup_piece *piece, bool may_cut,
                         double errors[2]) {
  const cutlab_mixup_sums *sums = &pair->scratch->sums;
  double tolerance = pair->mixup->options.tolerance, width = piece->high - piece->low;
  cutlab_mixup_enter(pair, piece);
  for (int order = predict_order(pair, piece);;) {
    if (order >= too_many && may_cut) return false;
    if (order >= too_many) order = cutlab_mixup_order;
    double off = cutlab_mixup_apply(pair, piece, order), share = sums->mass / 2 + width;
    bool within =
        off <= tolerance * share || off <= rounding(pair, piece->low) + rounding(pair, piece->high);
    if (within || !isfinite(off) || (order == cutlab_mixup_order && !may_cut)) {
      errors[0] += off;
      errors[1] += within ? 0 : off;
      return true;
    }
    double grown = 1 + order * log(tolerance) / log(fmin(off / share, .5));
    order = grown < too_many ? (int)fmax(grown, order + 1) : too_many;
  }
}

/* Cuts the piece on top of the stack; the right half comes next. */
static void cut_piece(cutlab_mixup_pair *pair, int *depth) {
  cutlab_mixup_piece *left = &pair->scratch->stack[*depth - 1], *right = left + 1;
  double cut = (left->low + left->high) / 2;
  if (pair->mixup->options.alpha != 1)
    cut = left->low > 0 ? sqrt(left->low * left->high) : left->high / 4;
  *right = (cutlab_mixup_piece){cut, left->high};
  left->high = cut;
  ++*depth;
  ++pair->cuts;
}

static void add_sums(const cutlab_mixup_pair *pair, cutlab_mixup_rows rows) {
  const cutlab_mixup_sums *sums = &pair->scratch->sums;
  *rows.loss += sums->loss;
  for (int64_t e = 0; pair->derivatives && e < pair->mixup->entries; ++e) {
    rows.near[e] += sums->near[e];
    rows.far[e] += sums->far[e];
  }
}

/* Adds a piece, cut as often as it takes, and its errors. */
static void add_piece(cutlab_mixup_pair *pair, cutlab_mixup_rows rows, double errors[2],
                      cutlab_mixup_piece piece) {
  cutlab_mixup_piece *stack = pair->scratch->stack;
  int depth = 1;
  stack[0] = piece;
  while (depth > 0) {
    bool may_cut = depth < cutlab_mixup_stack && pair->cuts < most_cuts;
    if (settle_piece(pair, &stack[depth - 1], may_cut, errors)) {
      add_sums(pair, rows);
      --depth;
    } else {
      cut_piece(pair, &depth);
    }
  }
}

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static void sort_edges(double *edges, int64_t count) {
  if (count > insertion_limit) {
    qsort(edges, (size_t)count, sizeof *edges, ascending);
    return;
  }
  for (int64_t i = 1; i < count; ++i) {
    double edge = edges[i];
    int64_t k = i;
    for (; k > 0 && edges[k - 1] > edge; --k) edges[k] = edges[k - 1];
    edges[k] = edge;
  }
}

/* 0, where an entry crosses a breakpoint of the activation, 1/2; how many. */
static int64_t find_edges(const cutlab_mixup_pair *pair) {
  double *edges = pair->scratch->edges;
  int64_t count = 0;
  edges[count++] = 0;
  for (int64_t e = 0; e < pair->mixup->entries; ++e)
    for (int b = 0; b < pair->mixup->break_count; ++b) {
      double x = (pair->mixup->breaks[b] - pair->near[e]) / (pair->far[e] - pair->near[e]);
      if (x > 0 && x < .5) edges[count++] = x;
    }
  edges[count++] = .5;
  sort_edges(edges, count);
  return count;
}

static cutlab_mixup_pair start(const cutlab_mixup *m, cutlab_mixup_scratch *scratch,
                               bool derivatives, int64_t near_example, int64_t far_example) {
  return (cutlab_mixup_pair){.mixup = m,
                             .scratch = scratch,
                             .near = m->inner + near_example * m->stride,
                             .far = m->inner + far_example * m->stride,
                             .near_target = m->targets[near_example],
                             .far_target = m->targets[far_example],
                             .derivatives = derivatives};
}

void cutlab_mixup_add_point(const cutlab_mixup *mixup, cutlab_mixup_scratch *scratch,
                            cutlab_mixup_rows rows, int64_t near_example, int64_t far_example,
                            double x) {
  cutlab_mixup_pair pair = start(mixup, scratch, rows.derivatives, near_example, far_example);
  cutlab_mixup_at(&pair, x);
  add_sums(&pair, rows);
}

void cutlab_mixup_add_pair(const cutlab_mixup *mixup, cutlab_mixup_scratch *scratch,
                           cutlab_mixup_rows rows, int64_t near_example, int64_t far_example) {
  cutlab_mixup_pair pair = start(mixup, scratch, rows.derivatives, near_example, far_example);
  int64_t count = find_edges(&pair);
  double errors[2] = {0, 0};
  for (int64_t k = 1; k < count; ++k)
    if (scratch->edges[k] > scratch->edges[k - 1])
      add_piece(&pair, rows, errors,
                (cutlab_mixup_piece){scratch->edges[k - 1], scratch->edges[k]});
  for (int k = 0; k < 2; ++k) {
    rows.near[mixup->entries + k] += errors[k];
    rows.far[mixup->entries + k] += errors[k];
  }
}
