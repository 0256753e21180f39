/* The resolved values of an experiment, for the rooms that carry it out. The parameter table
   in src/data/experiment.c says what each one means and accepts. */
#ifndef CUTLAB_EXPERIMENT_VALUES_H
#define CUTLAB_EXPERIMENT_VALUES_H

#include <stdbool.h>
#include <stdint.h>

#include <cutlab/dataset.h>
#include <cutlab/objective.h>

enum { cutlab_max_features = 1024 };

typedef enum cutlab_sampling { CUTLAB_IID, CUTLAB_STRATIFIED } cutlab_sampling;
typedef enum cutlab_rarity { CUTLAB_COMMON, CUTLAB_RARE, CUTLAB_EXTREMELY_RARE } cutlab_rarity;
typedef enum cutlab_spacing { CUTLAB_LINEAR, CUTLAB_LOG } cutlab_spacing;
typedef enum cutlab_activation_kind {
  CUTLAB_SMOOTHED_LEAKY_RELU,
  CUTLAB_RELU,
  CUTLAB_LEAKY_RELU,
  CUTLAB_RELU_POWER,
  CUTLAB_GELU,
  CUTLAB_ODD_POWER,
  CUTLAB_SIGMOID
} cutlab_activation_kind;

/* Field names are the parameter names, but of choices of two, which are named after the second. */
struct cutlab_experiment {
  /* the world */
  int64_t patches, dimension, examples;
  int feature_count; /* K, the length of `frequencies` */
  double frequencies[cutlab_max_features];
  int rarity_count; /* 0: not given; then the first is common, the last extremely rare (for
                       K = 2: rare), those between rare */
  cutlab_rarity rarities[cutlab_max_features];
  double sigma_d, sigma_b, alpha, balance, signal, label_flips, position_bias;
  cutlab_sampling sampling;
  cutlab_form form;
  /* the network */
  int64_t filters; /* m, a sign */
  double sigma_0, beta, r;
  int64_t power;
  cutlab_activation_kind activation;
  /* training */
  cutlab_method method;
  int64_t cut_size;
  double mixup_alpha, learning_rate;
  int64_t iterations;
  double stop_gradient_norm; /* 0: never */
  uint64_t seed;             /* 0..2^63-1 */
  cutlab_subsets subsets;
  /* computation and measurement */
  cutlab_path path;
  double tolerance;
  int64_t log_points;  /* logged iterations, both ends included; 0: every iteration */
  int64_t monte_carlo; /* fresh points per measurement; 0: none */
  cutlab_spacing log_spacing;
  /* choices of two */
  bool opposite;        /* features = orthonormal | opposite */
  bool full_noise;      /* noise = orthogonal | full */
  bool bias;            /* no | yes */
  bool uniform_weights; /* initialisation = gaussian | uniform */
  bool sampled;         /* objective = exact | sampled */
  bool midpoint;        /* mixup = beta | midpoint */
  uint64_t named;       /* bit i: row i of the table was set by name, not by a preset */
};

/* Whether a parameter was set by name, not by a preset. */
bool cutlab_experiment_is_named(const struct cutlab_experiment *experiment, const char *key);

/* Whether accuracies stay unknown: there is no formula for such a network, and no fresh points are
   asked for. */
bool cutlab_experiment_lacks_points(const struct cutlab_experiment *experiment);

/* Orthonormal directions that the features take: 2K, or K where they are opposite. */
int64_t cutlab_experiment_columns(const struct cutlab_experiment *experiment);
/* The rarity of feature k after the default has been applied. */
cutlab_rarity cutlab_experiment_rarity(const struct cutlab_experiment *experiment, int k);
/* "common", "rare" or "extremely rare". */
const char *cutlab_rarity_name(cutlab_rarity rarity);
/* "erm", "cutout", "cutmix" or "mixup". */
const char *cutlab_method_name(cutlab_method method);

#endif
