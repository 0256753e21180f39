/* The data set's inside. An example's patches are sparse in a common basis: 2K orthonormal
   features (coordinates 0..2K-1 of R^d: label +1 first, then label -1) and noise rows. */
#ifndef CUTLAB_DATASET_INTERNAL_H
#define CUTLAB_DATASET_INTERNAL_H

#include <cutlab/dataset.h>

#include "base/base.h"
#include "data/experiment_values.h"

struct cutlab_dataset {
  cutlab_form form; /* HELD or WISHART */
  int64_t examples, patches, dimension, positives;
  int feature_count; /* K; 0 for a user's own patches, which are all noise rows */
  double alpha, sigma_d, sigma_b;
  int8_t *labels; /* [n] */
  /* [n], NULL for a user's own patches: */
  int32_t *feature_indices;    /* k of v_{y,k} */
  int32_t *feature_positions;  /* p* */
  int32_t *dominant_positions; /* of the dominant-noise patch */
  int8_t *dominant_signs;      /* +1: its feature noise is alpha v_{+1,1}; -1: alpha v_{-1,1} */
  int64_t noise_rows;          /* N: n(P-1), or nP */
  int64_t *noise_row;          /* [n][P]: the row of a patch, -1 for a feature patch */
  double *patch_data;          /* HELD: [n][P][d] */
  double *gram; /* WISHART: [N+2][N+2], inner products of the noise rows and, last, of two standard
                   normal vectors: the noise parts of the initial filters over sigma_0 */
};

enum { cutlab_filters = 2 };

/* Column of the feature in a patch, or -1, and its coefficient (1, alpha). */
int64_t cutlab_dataset_feature(const cutlab_dataset *dataset, int64_t example, int64_t patch,
                               double *coefficient);
/* "held" or "wishart" for AUTO and GRAM as well, given the sizes; GRAM holds its patches first. */
cutlab_form cutlab_dataset_choose_form(const struct cutlab_experiment *experiment);
/* Allocates everything but patch_data and gram. */
cutlab_status cutlab_dataset_allocate(cutlab_context *context, cutlab_dataset **dataset,
                                      int64_t examples, int64_t patches, int64_t dimension,
                                      int feature_count);
/* Fills noise_row and positives from labels and positions. */
void cutlab_dataset_index(cutlab_dataset *dataset);
/* Fails with how much is needed where `bytes` exceed this machine's memory. */
cutlab_status cutlab_check_memory(cutlab_context *context, double bytes, const char *what);
/* gram[i * m + j] = sum over columns of rows_i rows_j, i, j < m, with `depth` columns from
   `rows`, row stride `stride`. `triangular`: row i is zero beyond column i. */
void cutlab_gram(cutlab_context *context, double *gram, const double *rows, int64_t m,
                 int64_t stride, int64_t depth, bool triangular);

#endif
