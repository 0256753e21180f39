/* Gradient descent on one data set, and what is measured along the way. */
#ifndef CUTLAB_SIMULATION_H
#define CUTLAB_SIMULATION_H

#include <stdint.h>

#include <cutlab/accuracy.h>
#include <cutlab/dataset.h>
#include <cutlab/experiment.h>
#include <cutlab/optimum.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cutlab_simulation cutlab_simulation;

typedef struct cutlab_spread {
  double mean, min, max;
} cutlab_spread;

/* The state of a training, measured. NaN marks what is not defined (evenness without a
   finite and unique optimum, features of a user's own data). K is feature_count; index 0 of a
   label or of the sign of filters means +1, index 1 means -1. Outputs are sums over the filters of
   a sign, coefficients means. Arrays are owned by the measurement. */
typedef struct cutlab_measurement {
  int64_t iteration;
  double loss;           /* the exact objective */
  double gradient_norm;  /* Frobenius norm of dLoss/d(filters, biases) */
  double train_accuracy; /* share of training points with y f > 0 */
  /* root mean square of y a / z_y - 1 over training patches: all of them, and by kind */
  double evenness, evenness_feature, evenness_dominant, evenness_background;
  int feature_count;
  double *feature_outputs;              /* [2 labels][K]: y a of the feature patch mu v */
  double *feature_coefficients;         /* [2 signs][2 labels][K]: <w_s, v> - <w_s(0), v> */
  cutlab_spread dominant, background;   /* y a over the noise patches of the training set */
  cutlab_spread dominant_coefficient;   /* y s gamma over filters and dominant patches, where */
  cutlab_spread background_coefficient; /* w_s = w_s(0) + sum b_v v + sum gamma_r xi_r */
  double population_accuracy; /* for the true label; exact, absolute error <= 1e-8; NaN where no
                                 closed form is known: several filters, biases, other activations
                                 than ReLU, leaky and smoothed leaky ReLU */
  double *population_accuracy_by_feature; /* [2 labels][K]; without a closed form from the fresh
                                             points, if any */
  double monte_carlo_accuracy, monte_carlo_standard_error; /* NaN unless asked for */
  double test_error; /* share of those fresh points, labels flipped as in training, that are
                        misclassified; NaN unless asked for */
} cutlab_measurement;

/* Prepares a training. `dataset` NULL draws the experiment's own; otherwise it is borrowed
   and must outlive the simulation, and replaces the experiment's data parameters as
   cutlab_dataset_describe does. The context must outlive it too. Release with
   cutlab_simulation_free. */
CUTLAB_API cutlab_status cutlab_simulation_create(cutlab_context *context,
                                                  cutlab_simulation **simulation,
                                                  const cutlab_experiment *experiment,
                                                  const cutlab_dataset *dataset);
CUTLAB_API void cutlab_simulation_free(cutlab_simulation *simulation);

/* Takes `count` steps, 0 or more. Stops early with CUTLAB_CANCELLED, between two steps, if the
   progress callback says so; with CUTLAB_ERROR_NUMERIC when an output is no longer finite. */
CUTLAB_API cutlab_status cutlab_simulation_step(cutlab_simulation *simulation, int64_t count);
CUTLAB_API int64_t cutlab_simulation_iteration(const cutlab_simulation *simulation);
/* Frobenius norm of the gradient that the latest step followed; NaN before the first. */
CUTLAB_API double cutlab_simulation_gradient_norm(const cutlab_simulation *simulation);
/* Measures without advancing. Release with cutlab_measurement_clear. */
CUTLAB_API cutlab_status cutlab_simulation_measure(cutlab_simulation *simulation,
                                                   cutlab_measurement *measurement);
CUTLAB_API void cutlab_measurement_clear(cutlab_measurement *measurement);

/* Patch outputs a_ip: [examples][patches]. */
CUTLAB_API cutlab_status cutlab_simulation_outputs(cutlab_simulation *simulation, double *outputs);
/* The optimum of CutMix for the class split of the data; all NaN where it is none that gives each
   label one output (flipped labels, contiguous subsets). */
CUTLAB_API const cutlab_optimum_point *
cutlab_simulation_optimum(const cutlab_simulation *simulation);
CUTLAB_API const cutlab_dataset *cutlab_simulation_dataset(const cutlab_simulation *simulation);

/* The complete state, to continue bit-identically; docs/file-formats.md lists the members.
   Reading refuses a state of another data set or another experiment. */
CUTLAB_API cutlab_status cutlab_simulation_write_state(cutlab_simulation *simulation,
                                                       const char *path);
CUTLAB_API cutlab_status cutlab_simulation_read_state(cutlab_simulation *simulation,
                                                      const char *path);

#ifdef __cplusplus
}
#endif
#endif
