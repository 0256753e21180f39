/* Stochastic gradient descent with momentum, and AdamW. */
#include "train/optimiser.h"

#include <math.h>
#include <stdlib.h>

enum { elements_for_threads = 1 << 16 }; /* fewer are not worth waking threads for */

int cutlab_optimiser_kept(const struct cutlab_training *settings) {
  if (settings->optimiser == CUTLAB_ADAMW) return 2;
  return settings->momentum != 0;
}

const char *cutlab_optimiser_array_name(const struct cutlab_training *settings, int array) {
  if (settings->optimiser == CUTLAB_ADAMW) return array ? "second" : "first";
  return "velocity";
}

cutlab_status cutlab_optimiser_open(cutlab_context *context, cutlab_optimiser *optimiser,
                                    const struct cutlab_training *settings,
                                    cutlab_network *network) {
  const cutlab_model *model = cutlab_network_model(network);
  *optimiser = (cutlab_optimiser){settings, network, cutlab_model_tensors(model), {NULL}};
  for (int a = 0; a < cutlab_optimiser_kept(settings); ++a) {
    optimiser->state[a] = cutlab_allocate(context, optimiser->tensors, sizeof(float *));
    if (!optimiser->state[a]) return CUTLAB_ERROR_MEMORY;
    for (int t = 0; t < optimiser->tensors; ++t) {
      const cutlab_model_tensor *tensor = cutlab_model_tensor_at(model, t);
      if (!tensor->trained) continue;
      optimiser->state[a][t] = cutlab_allocate(context, tensor->count, sizeof(float));
      if (!optimiser->state[a][t]) return CUTLAB_ERROR_MEMORY;
    }
  }
  return CUTLAB_OK;
}

void cutlab_optimiser_clear(cutlab_optimiser *optimiser) {
  for (int a = 0; a < cutlab_optimiser_arrays; ++a) {
    for (int t = 0; optimiser->state[a] && t < optimiser->tensors; ++t)
      free(optimiser->state[a][t]);
    free(optimiser->state[a]);
  }
  *optimiser = (cutlab_optimiser){0};
}

/* PyTorch's form of momentum: g = gradient + decay value, v = momentum v + g, and the step is
   rate v, or for Nesterov's rate (g + momentum v). */
void cutlab_sgd_step(float *values, const float *gradients, float *velocity, int64_t count,
                     const cutlab_sgd *sgd, int threads) {
  const float rate = sgd->rate, momentum = sgd->momentum, decay = sgd->decay;
  if (!velocity) {
#pragma omp parallel for simd num_threads(threads) if (threads > 1 && count > elements_for_threads)
    for (int64_t i = 0; i < count; ++i) values[i] -= rate * (gradients[i] + decay * values[i]);
    return;
  }
  const float own = sgd->nesterov ? 1 : 0, moving = sgd->nesterov ? momentum : 1;
#pragma omp parallel for simd num_threads(threads) if (threads > 1 && count > elements_for_threads)
  for (int64_t i = 0; i < count; ++i) {
    float g = gradients[i] + decay * values[i];
    velocity[i] = momentum * velocity[i] + g;
    values[i] -= rate * (own * g + moving * velocity[i]);
  }
}

/* Loshchilov and Hutter (2019): the decay is apart from the moments. With step t from 1,
     value -= rate decay value;  m += (1 - beta1) (g - m);  s = beta2 s + (1 - beta2) g^2;
     value -= rate / (1 - beta1^t) m / (sqrt(s / (1 - beta2^t)) + epsilon). */
void cutlab_adamw_step(float *values, const float *gradients, float *first, float *second,
                       int64_t count, const cutlab_adamw *adamw, int threads) {
  double t = (double)adamw->step + 1;
  const float keep = (float)(1 - adamw->rate * adamw->decay);
  const float rate = (float)(adamw->rate / (1 - pow(adamw->beta1, t)));
  const float inverse_root = (float)(1 / sqrt(1 - pow(adamw->beta2, t)));
  const float fresh1 = (float)(1 - adamw->beta1), old2 = (float)adamw->beta2;
  const float fresh2 = (float)(1 - adamw->beta2), epsilon = (float)adamw->epsilon;
#pragma omp parallel for simd num_threads(threads) if (threads > 1 && count > elements_for_threads)
  for (int64_t i = 0; i < count; ++i) {
    float g = gradients[i];
    first[i] += fresh1 * (g - first[i]);
    second[i] = old2 * second[i] + fresh2 * g * g;
    values[i] = keep * values[i] - rate * first[i] / (sqrtf(second[i]) * inverse_root + epsilon);
  }
}

static void step_tensor(cutlab_optimiser *o, int t, double decay, double rate, int64_t step,
                        int threads) {
  const struct cutlab_training *s = o->settings;
  int64_t count = cutlab_model_tensor_at(cutlab_network_model(o->network), t)->count;
  float *values = cutlab_network_values(o->network, t);
  const float *gradients = cutlab_network_gradients(o->network, t);
  if (s->optimiser == CUTLAB_ADAMW) {
    const cutlab_adamw adamw = {rate, s->beta1, s->beta2, s->epsilon, decay, step};
    cutlab_adamw_step(values, gradients, o->state[0][t], o->state[1][t], count, &adamw, threads);
  } else {
    const cutlab_sgd sgd = {(float)rate, (float)s->momentum, (float)decay, s->nesterov};
    cutlab_sgd_step(values, gradients, o->state[0] ? o->state[0][t] : NULL, count, &sgd, threads);
  }
}

void cutlab_optimiser_step(cutlab_context *context, cutlab_optimiser *optimiser, double rate,
                           int64_t step) {
  const struct cutlab_training *s = optimiser->settings;
  int threads = cutlab_context_threads(context);
  for (int t = 0; t < optimiser->tensors; ++t) {
    const cutlab_model_tensor *tensor =
        cutlab_model_tensor_at(cutlab_network_model(optimiser->network), t);
    bool decays = s->decay_norms || tensor->role == CUTLAB_WEIGHT;
    if (tensor->trained)
      step_tensor(optimiser, t, decays ? s->weight_decay : 0, rate, step, threads);
  }
}
