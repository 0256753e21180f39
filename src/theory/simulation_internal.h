/* A training in progress. Both forms of the dynamics fill `inner` (the inner products
   <w_s, x_i^p>) and follow the same pulls (-dLoss/d<w_s, x_i^p>); they differ in how the filters
   are kept: as vectors of R^d (held), or as 2K feature coordinates and inner products with the
   noise rows (Gram). */
#ifndef CUTLAB_SIMULATION_INTERNAL_H
#define CUTLAB_SIMULATION_INTERNAL_H

#include <cutlab/simulation.h>

#include "data/dataset_internal.h"
#include "theory/activation.h"
#include "theory/pace.h"

/* <w_s, x_ip> contains coefficient <w_s, v>. */
typedef struct cutlab_feature_entry {
  int64_t patch;  /* ip */
  int64_t column; /* of the feature */
  double coefficient;
} cutlab_feature_entry;

struct cutlab_simulation {
  cutlab_context *context;
  struct cutlab_experiment experiment;
  const cutlab_dataset *data;
  cutlab_dataset *own_data; /* NULL if borrowed */
  cutlab_objective *objective;
  cutlab_activation activation;
  cutlab_optimum_point optimum;
  cutlab_form form; /* HELD or GRAM */
  cutlab_pace pace;
  int64_t iteration;
  double gradient_norm;
  int64_t patch_count; /* nP */
  double *inner;       /* [2][nP]: <w_s, x_i^p> */
  double *outputs;     /* [n][P]: a_ip */
  double *slopes;      /* [n][P]: dLoss/da */
  double *pulls;       /* [2][nP]: dLoss/d<w_s, x> */
  double *coordinates; /* [2][2K]: <w_s, v> */
  double *first_coordinates;
  double *coefficients; /* [2][nP]: gamma, w_s = w_s(0) + sum gamma_ip x_i^p */
  /* held */
  double *filters, *gradient; /* [2][d] each */
  /* Gram; row stride of gram is N + 2 */
  const double *gram;
  double *own_gram;              /* NULL if the data set's */
  double *noise_inner;           /* [2][N]: <w_s, xi_r> */
  double *first_noise_inner;     /* [2][N] */
  double *row_pulls;             /* [2][N] */
  double *row_steps;             /* [2][N]: gram times row_pulls */
  double *row_shares;            /* [blocks][2][N]: what each block of rows adds to row_steps */
  int64_t *row_patch;            /* [N]: ip of each noise row */
  cutlab_feature_entry *entries; /* the patches with a feature in them */
  int64_t entry_count;
  double first_noise_gram[3]; /* of the noise parts of w_s(0) */
};

cutlab_status cutlab_held_create(cutlab_simulation *simulation);
void cutlab_held_inner(cutlab_simulation *simulation);
/* The gradient for the current pulls, and its norm. */
double cutlab_held_gradient(cutlab_simulation *simulation);
/* Takes the step for the gradient just computed. */
void cutlab_held_descend(cutlab_simulation *simulation, double learning_rate);
/* Inner products of the noise parts of the filters: ++, +-, --. */
void cutlab_held_noise_gram(const cutlab_simulation *simulation, double noise_gram[3]);

cutlab_status cutlab_gram_create(cutlab_simulation *simulation);
void cutlab_gram_inner(cutlab_simulation *simulation);
double cutlab_gram_gradient(cutlab_simulation *simulation);
void cutlab_gram_descend(cutlab_simulation *simulation, double learning_rate);
void cutlab_gram_noise_gram(const cutlab_simulation *simulation, double noise_gram[3]);

/* Patch outputs from the filters; then the exact or sampled slopes; then pulls. */
void cutlab_simulation_forward(cutlab_simulation *simulation);
cutlab_status cutlab_simulation_backward(cutlab_simulation *simulation, double *loss, bool sampled);

#endif
