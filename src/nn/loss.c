/* Softmax cross-entropy. */
#include <math.h>

#include <cutlab/network.h>

/* log sum_c exp(z_c), with the largest logit taken out, so that no exponential overflows. */
static double log_sum_exp(const float *logits, int64_t classes) {
  double largest = -INFINITY, sum = 0;
  for (int64_t c = 0; c < classes; ++c)
    if (!(logits[c] <= largest)) largest = logits[c]; /* a NaN stays, and shows in the loss */
  for (int64_t c = 0; c < classes; ++c) sum += exp(logits[c] - largest);
  return largest + log(sum);
}

/* Loss of an example: sum_c t_c (log sum exp z - z_c); its gradient: softmax(z)_c sum t - t_c. */
double cutlab_cross_entropy(float *gradient, const float *logits, const float *labels,
                            int64_t count, int64_t classes) {
  double loss = 0;
  for (int64_t i = 0; i < count; ++i) {
    const float *z = logits + i * classes, *t = labels + i * classes;
    const double normaliser = log_sum_exp(z, classes);
    double mass = 0;
    for (int64_t c = 0; c < classes; ++c) {
      mass += t[c];
      if (t[c] != 0) loss += t[c] * (normaliser - z[c]);
    }
    for (int64_t c = 0; gradient && c < classes; ++c)
      gradient[i * classes + c] = (float)((mass * exp(z[c] - normaliser) - t[c]) / (double)count);
  }
  return loss / (double)count;
}
