/* Population accuracy: the exact law of the output on a fresh point, and Monte Carlo. */
#include <cutlab/accuracy.h>
#include <cutlab/random.h>

#include <math.h>
#include <stdlib.h>

#include "base/base.h"
#include "base/streams.h"
#include "theory/law.h"
#include "theory/patch_law.h"

/* ---- checks ---- */

/* Rounding that an inner product over a filter may carry, relative to its squared norm. */
static const double gram_slack = 1e-9;

static cutlab_status check_number(cutlab_context *context, const char *name, double value,
                                  double low, double high) {
  if (value >= low && value <= high) return CUTLAB_OK;
  return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT, "readout: %s is %g; accepted are %g to %g",
                     name, value, low, high);
}

static cutlab_status check_frequencies(cutlab_context *context, const cutlab_readout *readout) {
  double sum = 0;
  for (int k = 0; k < readout->feature_count; k++) {
    double frequency = readout->frequencies[k];
    if (!(frequency >= 0 && frequency <= 1))
      return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                         "readout: frequencies[%d] is %g; accepted are 0 to 1", k, frequency);
    sum += frequency;
  }
  if (fabs(sum - 1) <= 1e-9) return CUTLAB_OK;
  return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                     "readout: the frequencies sum to %.12g; accepted is 1", sum);
}

/* Also sets covariance, the Gram matrix with what rounding made negative set to 0. */
static cutlab_status check_filters(cutlab_context *context, double covariance[3],
                                   const cutlab_readout *readout) {
  int count = 2 * readout->feature_count;
  const double *gram = readout->noise_gram;
  double size[2] = {fabs(gram[0]), fabs(gram[2])};
  for (int s = 0; s < 2; s++)
    for (int k = 0; k < count; k++) {
      double value = readout->features[s * count + k];
      if (!(fabs(value) <= 1e100))
        return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                           "readout: features[%d][%d][%d] is %g; accepted are finite numbers up "
                           "to 1e100 in size",
                           s, k / readout->feature_count, k % readout->feature_count, value);
      size[s] += value * value;
    }
  for (int i = 0; i < 3; i++)
    if (!(fabs(gram[i]) <= 1e200))
      return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                         "readout: noise_gram[%d] is %g; accepted are finite numbers up to 1e200 "
                         "in size",
                         i, gram[i]);
  for (int i = 0; i < 3; i++) covariance[i] = i == 1 ? gram[i] : fmax(gram[i], 0);
  double limit = sqrt(covariance[0]) * sqrt(covariance[2]);
  if (gram[0] >= -gram_slack * size[0] && gram[2] >= -gram_slack * size[1] &&
      fabs(gram[1]) <= limit + gram_slack * sqrt(size[0]) * sqrt(size[1]))
    return CUTLAB_OK;
  return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                     "readout: noise_gram (%g, %g, %g) is no Gram matrix: accepted are positive "
                     "semidefinite ones",
                     gram[0], gram[1], gram[2]);
}

static cutlab_status check_readout(cutlab_context *context, double covariance[3],
                                   const cutlab_readout *readout) {
  CUTLAB_TRY(check_number(context, "beta", readout->beta, 0, 1));
  CUTLAB_TRY(check_number(context, "r", readout->r, 1e-100, 1e100));
  CUTLAB_TRY(check_number(context, "patches", readout->patches, 2, 1 << 20));
  CUTLAB_TRY(check_number(context, "feature_count", readout->feature_count, 1, 1 << 20));
  CUTLAB_TRY(check_number(context, "balance", readout->balance, 0, 1));
  CUTLAB_TRY(check_number(context, "alpha", readout->alpha, 0, 1e50));
  CUTLAB_TRY(check_number(context, "sigma_d", readout->sigma_d, 0, 1e50));
  CUTLAB_TRY(check_number(context, "sigma_b", readout->sigma_b, 0, 1e50));
  CUTLAB_TRY(check_frequencies(context, readout));
  return check_filters(context, covariance, readout);
}

static cutlab_activation activation(const cutlab_readout *readout) {
  return (cutlab_activation){.beta = readout->beta, .r = readout->r};
}

/* <w_filter, v_{label,k}>, label 0: +1. */
static double feature(const cutlab_readout *readout, int filter, int label, int k) {
  return readout->features[(filter * 2 + label) * readout->feature_count + k];
}

/* a_{y,k}: what the feature patch adds to f. */
static double feature_output(const cutlab_readout *readout, int label, int k) {
  cutlab_activation phi = activation(readout);
  return cutlab_activate(phi, feature(readout, 0, label, k)) -
         cutlab_activate(phi, feature(readout, 1, label, k));
}

/* ---- exact ---- */

/* The law of all noise patches together: either one patch, or the sum of two laws. */
typedef struct noise_law {
  cutlab_patch_law dominant, background;
  cutlab_law_rules rules;
  cutlab_law total; /* the dominant patch and some of the others */
  cutlab_law power; /* 2^i background patches */
  double tolerance; /* of the laws of one patch */
} noise_law;

static void make_patch_laws(cutlab_patch_law *dominant, cutlab_patch_law *background,
                            const cutlab_readout *readout, const double covariance[3],
                            double tolerance) {
  double mean[2][2], none[2][2] = {{0}}, scaled[2][3];
  for (int label = 0; label < 2; label++)
    for (int filter = 0; filter < 2; filter++)
      mean[label][filter] = readout->alpha * feature(readout, filter, label, 0);
  for (int i = 0; i < 3; i++) {
    scaled[0][i] = readout->sigma_d * readout->sigma_d * covariance[i];
    scaled[1][i] = readout->sigma_b * readout->sigma_b * covariance[i];
  }
  int components = mean[0][0] == mean[1][0] && mean[0][1] == mean[1][1] ? 1 : 2;
  *dominant = cutlab_patch_law_make(activation(readout), components, mean, scaled[0], tolerance);
  *background = cutlab_patch_law_make(activation(readout), 1, none, scaled[1], tolerance);
}

static cutlab_status interpolate(cutlab_context *context, cutlab_law *law, const noise_law *noise,
                                 const cutlab_patch_law *patch) {
  double breaks[cutlab_patch_law_max_breaks];
  int count = cutlab_patch_law_breaks(patch, breaks);
  return cutlab_law_build(context, law, cutlab_patch_law_cdf, patch, &noise->rules, breaks, count,
                          cutlab_patch_law_resolution(patch), noise->tolerance);
}

/* law := law + other. */
static cutlab_status add_to(cutlab_context *context, cutlab_law *law, const cutlab_law *other,
                            const noise_law *noise) {
  cutlab_law_sum sum = {law, other, &noise->rules};
  cutlab_law result;
  cutlab_status status = cutlab_law_add(context, &result, &sum);
  cutlab_law_clear(status == CUTLAB_OK ? law : &result);
  if (status == CUTLAB_OK) *law = result;
  return status;
}

/* Leaves the law of all patches as the sum of `total` and `power`, by repeated squaring. */
static cutlab_status add_patches(cutlab_context *context, noise_law *noise, int backgrounds) {
  CUTLAB_TRY(interpolate(context, &noise->total, noise, &noise->dominant));
  CUTLAB_TRY(interpolate(context, &noise->power, noise, &noise->background));
  for (int left = backgrounds; left > 1; left /= 2) {
    if (left % 2) CUTLAB_TRY(add_to(context, &noise->total, &noise->power, noise));
    CUTLAB_TRY(add_to(context, &noise->power, &noise->power, noise));
  }
  return CUTLAB_OK;
}

/* The error of the law that add_patches leaves, in units of that of one patch. */
static double error_growth(int backgrounds) {
  double total = 1, power = 1;
  for (int left = backgrounds; left > 1; left /= 2) {
    if (left % 2) total = CUTLAB_LAW_ADD_ERROR * (total + power);
    power = CUTLAB_LAW_ADD_ERROR * 2 * power;
  }
  return total + power;
}

static void fill_accuracies(double *overall, double *by_feature, const noise_law *noise,
                            const cutlab_readout *readout) {
  cutlab_law_sum sum = {&noise->total, &noise->power, &noise->rules};
  *overall = 0;
  for (int label = 0; label < 2; label++)
    for (int k = 0; k < readout->feature_count; k++) {
      double t = -feature_output(readout, label, k);
      double below = readout->patches == 2 ? cutlab_patch_law_cdf(&noise->dominant, t, label == 1)
                                           : cutlab_law_sum_cdf(&sum, t, label == 1);
      double accuracy = fmin(fmax(label == 0 ? 1 - below : below, 0), 1);
      if (by_feature) by_feature[label * readout->feature_count + k] = accuracy;
      *overall += (label == 0 ? readout->balance : 1 - readout->balance) * readout->frequencies[k] *
                  accuracy;
    }
}

cutlab_status cutlab_population_accuracy(cutlab_context *context, double *overall,
                                         double *by_feature, const cutlab_readout *readout,
                                         double tolerance) {
  double covariance[3];
  CUTLAB_TRY(check_readout(context, covariance, readout));
  CUTLAB_TRY(check_number(context, "the tolerance", tolerance, 1e-12, 1e-2));
  /* A factor 2 is left for the estimates that stop the adaptive rules. */
  double share = 2 * error_growth(readout->patches - 2);
  noise_law noise = {.tolerance = tolerance / share};
  static const double smallest = 5e-15; /* rounding of the distribution functions */
  if (noise.tolerance < smallest)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                       "a tolerance of %g is out of reach with %d patches; accepted are %g to 0.01",
                       tolerance, readout->patches, smallest * share);
  cutlab_law_rules_make(&noise.rules);
  make_patch_laws(&noise.dominant, &noise.background, readout, covariance, noise.tolerance / 16);
  cutlab_status status = CUTLAB_OK;
  if (readout->patches > 2) status = add_patches(context, &noise, readout->patches - 2);
  if (status == CUTLAB_OK) fill_accuracies(overall, by_feature, &noise, readout);
  cutlab_law_clear(&noise.total);
  cutlab_law_clear(&noise.power);
  return status;
}

/* ---- Monte Carlo ---- */

typedef struct fresh_points {
  const cutlab_readout *readout;
  cutlab_patch_law dominant, background;
  uint64_t seed;
} fresh_points;

/* Points per random stream: fixed, so that the result does not depend on the threads. */
static const int64_t block_points = 4096, stretch_blocks = 1024;

static double draw_patch(const cutlab_patch_law *law, int component, cutlab_random *random) {
  double rho = law->correlation;
  double n1 = cutlab_random_normal(random), n2 = cutlab_random_normal(random);
  double u = law->mean[component][0] + law->deviation[0] * n1;
  double v = law->mean[component][1] + law->deviation[1] * (rho * n1 + sqrt(1 - rho * rho) * n2);
  return cutlab_activate(law->phi, u) - cutlab_activate(law->phi, v);
}

/* Draws one point; returns its class label * K + k, and whether y f > 0. */
static int draw_point(const fresh_points *source, cutlab_random *random, bool *correct) {
  const cutlab_readout *readout = source->readout;
  int label = cutlab_random_uniform(random) < readout->balance ? 0 : 1, k = 0;
  double left = cutlab_random_uniform(random) - readout->frequencies[0];
  while (left >= 0 && k + 1 < readout->feature_count) left -= readout->frequencies[++k];
  int side = (int)cutlab_random_below(random, 2);
  double output = feature_output(readout, label, k);
  output += draw_patch(&source->dominant, side % source->dominant.components, random);
  for (int p = 2; p < readout->patches; p++) output += draw_patch(&source->background, 0, random);
  *correct = label == 0 ? output > 0 : output < 0;
  return label * readout->feature_count + k;
}

/* counts: [2 labels][K][2]: points and correct points, added to. */
static void draw_block(const fresh_points *source, int64_t block, int64_t points, int64_t *counts) {
  cutlab_random random =
      cutlab_random_make(source->seed, cutlab_stream_monte_carlo, (uint64_t)block, 0, 0);
  for (int64_t i = 0; i < points; i++) {
    bool correct;
    int class = draw_point(source, &random, &correct);
    counts[2 * class]++;
    counts[2 * class + 1] += correct;
  }
}

static cutlab_status draw_all(cutlab_context *context, const fresh_points *source, int64_t points,
                              int64_t *counts, int64_t stride) {
  int64_t blocks = points / block_points + (points % block_points != 0);
  int threads = cutlab_context_threads(context);
  for (int64_t first = 0; first < blocks; first += stretch_blocks) {
    int64_t end = first + stretch_blocks < blocks ? first + stretch_blocks : blocks;
#pragma omp parallel for schedule(static) num_threads(threads) if (threads > 1 && blocks > 1)
    for (int part = 0; part < threads; part++)
      for (int64_t block = first + part; block < end; block += threads) {
        int64_t left = points - block * block_points;
        draw_block(source, block, left < block_points ? left : block_points,
                   counts + part * stride);
      }
    CUTLAB_TRY(cutlab_report_progress(context, "Monte Carlo", 0, 0));
  }
  for (int part = 1; part < threads; part++)
    for (int64_t i = 0; i < stride; i++) counts[i] += counts[part * stride + i];
  return CUTLAB_OK;
}

cutlab_status cutlab_population_accuracy_monte_carlo(cutlab_context *context, double *overall,
                                                     double *standard_error, double *by_feature,
                                                     const cutlab_readout *readout, int64_t points,
                                                     uint64_t seed) {
  double covariance[3];
  CUTLAB_TRY(check_readout(context, covariance, readout));
  if (points < 1)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                       "Monte Carlo: %lld points; accepted are 1 or more", (long long)points);
  fresh_points source = {.readout = readout, .seed = seed};
  make_patch_laws(&source.dominant, &source.background, readout, covariance, 1e-2);
  int threads = cutlab_context_threads(context);
  int64_t classes = 2 * (int64_t)readout->feature_count, stride = 2 * classes;
  int64_t *counts = cutlab_allocate(context, threads * stride, sizeof *counts);
  if (!counts) return CUTLAB_ERROR_MEMORY;
  cutlab_status status = draw_all(context, &source, points, counts, stride);
  if (status != CUTLAB_OK) {
    free(counts);
    return status;
  }
  int64_t correct = 0;
  for (int64_t i = 0; i < classes; i++) {
    correct += counts[2 * i + 1];
    if (by_feature)
      by_feature[i] = counts[2 * i] ? (double)counts[2 * i + 1] / (double)counts[2 * i] : NAN;
  }
  free(counts);
  *overall = (double)correct / (double)points;
  *standard_error = sqrt(*overall * (1 - *overall) / (double)points);
  return CUTLAB_OK;
}
