/* A training in progress. Both forms of the dynamics fill `inner` (the inner products
   <w_f, x_i^p>) and follow the same pulls (dLoss/d<w_f, x_i^p>); they differ in how the filters
   are kept: as vectors of R^d (held), or as feature coordinates and inner products with the
   noise rows (Gram). F = 2m filters: the first m have the sign +1, the others -1. */
#ifndef CUTLAB_SIMULATION_INTERNAL_H
#define CUTLAB_SIMULATION_INTERNAL_H

#include <cutlab/simulation.h>

#include "data/dataset_internal.h"
#include "theory/activation.h"
#include "theory/mixup.h"
#include "theory/pace.h"

/* <w_f, x_ip> contains coefficient <w_f, v>. */
typedef struct cutlab_feature_entry {
  int64_t patch;  /* ip */
  int64_t column; /* of the feature */
  double coefficient;
} cutlab_feature_entry;

typedef struct cutlab_dense cutlab_dense;

struct cutlab_simulation {
  cutlab_context *context;
  struct cutlab_experiment experiment;
  const cutlab_dataset *data;
  cutlab_dataset *own_data;    /* NULL if borrowed */
  cutlab_objective *objective; /* NULL where the method is Mixup */
  cutlab_mixup *mixup;
  cutlab_activation activation;
  cutlab_optimum_point optimum;
  cutlab_form form;                 /* HELD or GRAM */
  cutlab_pace pace, measuring_pace; /* of steps; of measurements */
  int64_t iteration;
  double gradient_norm;
  double accuracy_tolerance; /* of the exact population accuracy in measurements */
  uint64_t fingerprint;      /* state.c: 0 until it is asked for */
  int filter_count;          /* F */
  int64_t patch_count;       /* nP */
  double *inner;             /* [F][nP]: <w_f, x_i^p>, with the biases */
  double *outputs;           /* [n][P]: a_ip */
  double *slopes;            /* [n][P]: dLoss/da */
  double *pulls;             /* [F][nP]: dLoss/d<w_f, x> */
  double *coordinates;       /* [F][columns]: <w_f, v> */
  double *first_coordinates;
  double *coefficients;           /* [F][nP]: gamma, w_f = w_f(0) + sum gamma_ip x_i^p */
  double *biases, *bias_gradient; /* [F]; 0 where filters have none */
  /* held */
  double *filters;  /* [F][d] */
  double *gradient; /* [F][d]; Gram: [F][columns] */
  /* Gram; row stride of gram is N + F */
  const double *gram;
  double *own_gram;              /* NULL if the data set's */
  double *noise_inner;           /* [F][N]: <w_f, xi_r> */
  double *first_noise_inner;     /* [F][N] */
  double *row_pulls;             /* [F][N], of a stride of their own */
  double *row_steps;             /* the same: gram times row_pulls */
  double *row_shares;            /* two filters: [blocks][2][N], what each block of rows adds */
  int64_t *row_patch;            /* [N]: ip of each noise row */
  cutlab_feature_entry *entries; /* the patches with a feature, or noise along one, in them */
  int64_t entry_count;
  double *first_noise_gram; /* [F][F]: of the noise parts of w_f(0) */
  cutlab_dense *dense;      /* takes the steps where it is not NULL */
};

static inline double cutlab_filter_sign(const cutlab_simulation *simulation, int filter) {
  return filter < simulation->filter_count / 2 ? 1 : -1;
}

cutlab_status cutlab_held_create(cutlab_simulation *simulation);
void cutlab_held_inner(cutlab_simulation *simulation);
/* The gradient for the current pulls, and its norm. */
double cutlab_held_gradient(cutlab_simulation *simulation);
/* Takes the step for the gradient just computed. */
void cutlab_held_descend(cutlab_simulation *simulation, double learning_rate);
/* Inner products of the filters without their feature coordinates: the lower triangle of [F][F]. */
void cutlab_held_noise_gram(const cutlab_simulation *simulation, double *noise_gram);

cutlab_status cutlab_gram_create(cutlab_simulation *simulation);
void cutlab_gram_inner(cutlab_simulation *simulation);
double cutlab_gram_gradient(cutlab_simulation *simulation);
void cutlab_gram_descend(cutlab_simulation *simulation, double learning_rate);
void cutlab_gram_noise_gram(const cutlab_simulation *simulation, double *noise_gram);

/* dynamics_dense.c: the Gram form where it is small; it has a state of its own, loaded before some
   steps and saved after them. Descending gives the gradient's norm. */
cutlab_status cutlab_dense_create(cutlab_simulation *simulation);
void cutlab_dense_free(cutlab_dense *dense);
void cutlab_dense_load(cutlab_simulation *simulation);
void cutlab_dense_save(cutlab_simulation *simulation);
void cutlab_dense_forward(cutlab_simulation *simulation);
double cutlab_dense_descend(cutlab_simulation *simulation, double learning_rate);

/* Monte Carlo accuracy and test error from experiment.monte_carlo fresh points, and where
   `by_feature` the accuracies of single features, given feature_outputs of the measurement and
   `gram`, the lower triangle of the filters' inner products as noise sees them; overwritten. */
cutlab_status cutlab_fresh_points(const cutlab_simulation *simulation,
                                  cutlab_measurement *measurement, double *gram, bool by_feature);

/* divided.c: over several ranks. Whether the training can be divided; draws this rank's part; all
   coefficients [F][all patches] from those of the ranks, and back. */
cutlab_status cutlab_divided_check(const cutlab_simulation *simulation,
                                   const cutlab_dataset *dataset);
cutlab_status cutlab_divided_draw(cutlab_simulation *simulation);
void cutlab_divided_gather(const cutlab_simulation *simulation, double *all);
void cutlab_divided_scatter(cutlab_simulation *simulation, const double *all);

/* cutlab_simulation_measure with exact population accuracies to `tolerance` alone. */
cutlab_status cutlab_simulation_measure_roughly(cutlab_simulation *simulation,
                                                cutlab_measurement *measurement, double tolerance);

/* Puts iteration and learning rate before the context's message, if there have been steps. */
cutlab_status cutlab_simulation_diverged(const cutlab_simulation *simulation);
/* Patch outputs from the filters; then the exact or sampled slopes; then pulls. */
void cutlab_simulation_forward(cutlab_simulation *simulation);
cutlab_status cutlab_simulation_backward(cutlab_simulation *simulation, double *loss, bool sampled);

#endif
