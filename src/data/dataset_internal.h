/* The data set's inside. An example's patches are sparse in a common basis: noise rows, and
   `columns` orthonormal directions that the features take, the first coordinates of R^d: those of
   label +1, then those of label -1, or, with opposite features, those of label +1 alone. */
#ifndef CUTLAB_DATASET_INTERNAL_H
#define CUTLAB_DATASET_INTERNAL_H

#include <cutlab/dataset.h>

#include "base/base.h"
#include "data/experiment_values.h"

struct cutlab_dataset {
  cutlab_form form; /* HELD or WISHART */
  int64_t examples, patches, dimension, positives;
  /* Where this is a part of a data set: its first example's number, and the whole one, owned,
     without its patches. Else 0 and NULL. */
  int64_t first_example;
  struct cutlab_dataset *whole;
  int feature_count; /* K; 0 for a user's own patches, which are all noise rows */
  int64_t columns;   /* 2K, or K where features are opposite */
  bool opposite, full_noise;
  double signal, alpha, sigma_d, sigma_b;
  /* How the rest of a fresh point is drawn, with frequencies and rarities [K]. */
  bool has_law; /* not in files of old, nor of a user's own patches */
  double *frequencies, balance, label_flips, position_bias;
  int8_t *rarities;
  cutlab_sampling sampling;
  char *path;     /* the file that it was read from, or NULL */
  int8_t *labels; /* [n] */
  /* [n], NULL for a user's own patches: */
  int8_t *true_labels;         /* before any are flipped */
  int32_t *feature_indices;    /* k of v_{y,k} */
  int32_t *feature_positions;  /* p* */
  int32_t *dominant_positions; /* of the dominant-noise patch */
  int8_t *dominant_signs;      /* +1: its feature noise is alpha v_{+1,1}; -1: alpha v_{-1,1} */
  int64_t noise_rows;          /* N: n(P-1), or nP */
  int64_t *noise_row;          /* [n][P]: the row of a patch, -1 for a feature patch */
  double *patch_data;          /* HELD: [n][P][d] */
  /* WISHART */
  int filters;           /* F = 2m: rows of `gram` after the noise rows */
  bool uniform_weights;  /* they are the initial filters; else these over sigma_0 */
  double *gram;          /* [N+F][N+F]: inner products of the parts without the features */
  double *feature_noise; /* [N][columns], with full noise: the noise along the features */
};

/* The data set that this one is a part of, or itself. */
static inline const struct cutlab_dataset *cutlab_dataset_whole(const cutlab_dataset *dataset) {
  return dataset->whole ? dataset->whole : dataset;
}
/* Column of the feature in a patch, or -1, and its coefficient (mu, alpha). */
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
/* The same draw, but of `count` examples from `first` on alone, held. The experiment is valid. */
cutlab_status cutlab_dataset_draw_part(cutlab_context *context, cutlab_dataset **dataset,
                                       const struct cutlab_experiment *experiment, int64_t first,
                                       int64_t count);
/* Rows of the filters: 2m. */
int cutlab_experiment_rows(const struct cutlab_experiment *experiment);
/* Draws gram and feature_noise of a data set that has everything else. */
cutlab_status cutlab_dataset_draw_gram(cutlab_context *context, cutlab_dataset *dataset,
                                       const struct cutlab_experiment *experiment);
/* The deviation of the noise in a patch. */
double cutlab_dataset_deviation(const cutlab_dataset *dataset, int64_t example, int64_t patch);
/* Coordinates first.. of an initial filter of U(-1/sqrt(d), 1/sqrt(d)), features first; `first` is
   a multiple of 32. */
void cutlab_uniform_weights(double *weights, const cutlab_kernels *kernels,
                            const struct cutlab_experiment *experiment, int filter, int64_t first,
                            int64_t count);
/* Lower-triangular L with L L^T = gram [m][m], in place (what lies above the diagonal is 0); a row
   that depends on those before it gets 0 on its diagonal. */
void cutlab_cholesky(double *gram, int64_t m);
/* Fails with how much is needed where `bytes` exceed this machine's memory. */
cutlab_status cutlab_check_memory(cutlab_context *context, double bytes, const char *what);
/* gram[i * m + j] = sum over columns of rows_i rows_j, i, j < m, with `depth` columns from
   `rows`, row stride `stride`. `triangular`: row i is zero beyond column i. */
void cutlab_gram(cutlab_context *context, double *gram, const double *rows, int64_t m,
                 int64_t stride, int64_t depth, bool triangular);

#endif
