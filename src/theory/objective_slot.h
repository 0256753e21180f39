/* The sums over all pairs of one subset after another, and the arrays that they work in. */
#ifndef CUTLAB_OBJECTIVE_SLOT_H
#define CUTLAB_OBJECTIVE_SLOT_H

#include "theory/objective_internal.h"

enum {
  cutlab_max_slots = 32,
  cutlab_max_chunks = 64,
  cutlab_strip = 384 /* examples whose polynomials are held at once */
};

/* One subset at work. */
typedef struct cutlab_slot {
  uint64_t subset;
  double weight, share;                            /* weight of each pair in the loss; t */
  double *a, *b, *unit, *v, *tiles, *row, *column; /* [n] each: A, B, A scaled to [-1, 1], exp(-B),
                                                     tiles of B, sums */
  double middle, half_width;                       /* of the range of A */
  double range, bound;
  double moment_sum, moment_slope; /* sum_l |m_l| and sum_l l |m_l|, m_l the mean of T_l(A_i) */
  int64_t nodes;
  bool interpolated, tiled;
  int64_t capacity;      /* of the arrays below */
  double *x, *u, *w, *h; /* [nodes]: nodes, exp(-x), weights or coefficients, sums over j */
  double *partial;       /* [chunks][nodes] */
  double *moments;       /* [groups][nodes]; NULL until interpolated, like what follows */
  double *basis; /* [nodes][cutlab_strip]: T_l at examples, where one cutlab_strip holds them all */
  double *square;       /* [nodes][nodes]: T_l at the nodes of [-1, 1], made for */
  int64_t square_nodes; /* this many */
} cutlab_slot;

/* Examples are divided twice, by n alone, so that sums do not depend on the number of threads: in
   chunks for the loop over nodes; in groups of strips for all else. */
struct cutlab_cutmix_workspace {
  int slots;
  int64_t chunk, chunks, group, groups;
  double *outputs, *gradient; /* [P][n] */
  double *losses;             /* [slots][chunks + groups] */
  double *extents;            /* [slots][groups][4] */
  double *bases;              /* [threads][nodes][cutlab_strip] where there are several strips */
  int64_t base, base_capacity;
  cutlab_slot slot[cutlab_max_slots];
};

/* What one call works on. */
typedef struct cutlab_pairs {
  cutlab_objective *objective;
  cutlab_cutmix_workspace *work;
  const cutlab_kernels *kernels;
  bool gradient, want_loss; /* what is wanted */
  cutlab_path path;
  cutlab_watch *watch;
} cutlab_pairs;

/* Where part `k` of the examples begins, and how many it has. */
static inline int64_t cutlab_part_of(const cutlab_pairs *pairs, int64_t *first, int64_t k,
                                     int64_t size) {
  *first = k * size;
  int64_t left = pairs->objective->examples - *first;
  return left < size ? left : size;
}

/* In the order in which they are called; each is of slot s or t, and of one group g or one chunk c
   where it has such a number. */
/* A and B, and their extents. */
void cutlab_slot_sums(const cutlab_pairs *pairs, int s, int64_t g);
/* Nodes for the extents -min A, max A, -min B, max B; and memory for them. */
void cutlab_slot_choose(const cutlab_pairs *pairs, cutlab_slot *t, const double ends[4]);
cutlab_status cutlab_slot_reserve(const cutlab_pairs *pairs, cutlab_slot *t);
/* exp(-B), and the moments sum_i T_l(A_i), of one group; then of all, into `h`. */
void cutlab_slot_prepare(const cutlab_pairs *pairs, cutlab_slot *t, int64_t g);
void cutlab_slot_sum_moments(const cutlab_pairs *pairs, cutlab_slot *t);
/* Nodes and weights from the moments. */
void cutlab_slot_nodes(const cutlab_pairs *pairs, cutlab_slot *t);
/* All nodes with the examples of a chunk. */
void cutlab_slot_chunk(const cutlab_pairs *pairs, int s, int64_t c);
/* Over chunks: the sums over j at the nodes, which are the rows themselves where nothing is
   interpolated; then the coefficients of their interpolation; then rows at examples. */
void cutlab_slot_sum_rows(const cutlab_pairs *pairs, cutlab_slot *t);
void cutlab_slot_coefficients(const cutlab_pairs *pairs, cutlab_slot *t);
void cutlab_slot_rows(const cutlab_pairs *pairs, cutlab_slot *t, int64_t g);
/* Subtracts the targets, and leaves the loss of the group. */
void cutlab_slot_targets(const cutlab_pairs *pairs, int s, int64_t g);
/* Raises the evaluation's errors to those of this slot. */
void cutlab_slot_bound(const cutlab_pairs *pairs, const cutlab_slot *t,
                       cutlab_evaluation *evaluation);

#endif
