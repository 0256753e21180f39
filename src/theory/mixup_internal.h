/* What the files of Mixup share: the handle, and the integral of one pair. With lambda and the two
   examples swapped a term stays the same, so that lambda may be taken to be at least 1/2: the
   objective is the mean over ordered pairs (near, far) and over x = 1 - lambda in [0, 1/2], with
   twice Beta's density. */
#ifndef CUTLAB_MIXUP_INTERNAL_H
#define CUTLAB_MIXUP_INTERNAL_H

#include "theory/mixup.h"

/* A piece is integrated with rules of `order` and `order` + step nodes. */
enum {
  cutlab_mixup_order = 24,
  cutlab_mixup_step = 2,
  cutlab_mixup_nodes = 2 * cutlab_mixup_order + cutlab_mixup_step, /* of both rules */
  cutlab_mixup_stack = 64
};

typedef struct cutlab_mixup_rule {
  double nodes[cutlab_mixup_order + cutlab_mixup_step];
  double weights[cutlab_mixup_order + cutlab_mixup_step];
} cutlab_mixup_rule;

/* A stretch of [0, 1/2] without breakpoints inside. */
typedef struct cutlab_mixup_piece {
  double low, high;
} cutlab_mixup_piece;

/* Integrals over a piece. */
typedef struct cutlab_mixup_sums {
  double loss, mass;
  double *near, *far; /* [entries]: derivatives with respect to the two examples' pre-activations,
                         without the filters' signs */
} cutlab_mixup_sums;

/* What one thread works with. */
typedef struct cutlab_mixup_scratch {
  double *edges;  /* [2 entries + 2]: 0, breakpoints, 1/2; all memory is behind it */
  double *slopes; /* phi' of each entry: [degree][entries], coefficients of powers of t, or
                     [entries][nodes] */
  cutlab_mixup_sums sums;
  cutlab_mixup_piece stack[cutlab_mixup_stack];
} cutlab_mixup_scratch;

struct cutlab_mixup {
  cutlab_context *context;
  cutlab_mixup_options options;
  cutlab_activation activation;
  double breaks[2]; /* of the activation */
  int break_count;
  int degree; /* of the activation between breakpoints; 0 if no polynomial */
  int64_t examples, patches;
  int filters;
  int64_t entries; /* of an example: filters * patches, those of positive filters first */
  int64_t stride; /* of rows of entries, and two numbers more: the error, and the part of it that is
                     above both the tolerance and rounding */
  double density; /* 2 / B(a, a) 4^(1-a): that of x is density (4 x (1 - x))^(a-1) */
  cutlab_mixup_rule plain[cutlab_mixup_order + cutlab_mixup_step + 1];
  cutlab_mixup_rule edge[cutlab_mixup_order + cutlab_mixup_step + 1]; /* for the weight x^(a-1) */
  double *targets;                                                    /* [n]: (1 + y_i) / 2 */
  double *inner;   /* [n][stride]: pre-activations of each example */
  double *sums;    /* [n][stride] */
  int64_t block;   /* examples in a block */
  double *partial; /* [tasks of a wave][2][block][stride]: near and far rows of two blocks */
  int threads;     /* that have scratch */
  cutlab_mixup_scratch *scratch;
};

/* A pair at work. */
typedef struct cutlab_mixup_pair {
  const cutlab_mixup *mixup;
  cutlab_mixup_scratch *scratch;
  const double *near, *far; /* pre-activations */
  double near_target, far_target;
  bool derivatives; /* wanted? */
  int cuts;
  double middle, half; /* of the piece at work, which is -1..1 in t = (x - middle) / half */
  double output[10];   /* the coefficients of its powers, where they are a polynomial's */
  double ends[2];      /* output at its ends */
} cutlab_mixup_pair;

/* What terms are added to. */
typedef struct cutlab_mixup_rows {
  double *loss;
  double *near, *far; /* [stride] each */
  bool derivatives;   /* wanted? errors are added in any case */
} cutlab_mixup_rows;

/* Adds the mean over x of an ordered pair's terms. */
void cutlab_mixup_add_pair(const cutlab_mixup *mixup, cutlab_mixup_scratch *scratch,
                           cutlab_mixup_rows rows, int64_t near_example, int64_t far_example);
/* Adds its terms at one x. */
void cutlab_mixup_add_point(const cutlab_mixup *mixup, cutlab_mixup_scratch *scratch,
                            cutlab_mixup_rows rows, int64_t near_example, int64_t far_example,
                            double x);

/* The degree of the activation between its breakpoints; 0 if it is no polynomial there. */
int cutlab_mixup_degree(cutlab_activation activation);
double cutlab_mixup_density(const cutlab_mixup *mixup, double x);
/* Makes a piece the one at work. */
void cutlab_mixup_enter(cutlab_mixup_pair *pair, const cutlab_mixup_piece *piece);
/* The sums of the rule with order + step nodes; returns by how much those of the rule with `order`
   nodes differ, at most. */
double cutlab_mixup_apply(cutlab_mixup_pair *pair, const cutlab_mixup_piece *piece, int order);
/* The sums at one x, weight 1. */
void cutlab_mixup_at(cutlab_mixup_pair *pair, double x);

#endif
