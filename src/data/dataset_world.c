/* The world that a data set is from, as parameters of an experiment. */
#include <stdlib.h>
#include <string.h>

#include "data/dataset_internal.h"

/* Rarities that are left out stay so where that means the same. */
static void take_rarities(cutlab_experiment *x, const cutlab_dataset *s) {
  bool same = !x->rarity_count || x->rarity_count == s->feature_count;
  for (int k = 0; same && k < s->feature_count; ++k)
    same = (int)cutlab_experiment_rarity(x, k) == s->rarities[k];
  if (same) return;
  x->rarity_count = s->feature_count;
  for (int k = 0; k < s->feature_count; ++k) x->rarities[k] = (cutlab_rarity)s->rarities[k];
}

static void take_law(cutlab_experiment *x, const cutlab_dataset *s) {
  x->feature_count = s->feature_count;
  memcpy(x->frequencies, s->frequencies, (size_t)s->feature_count * sizeof *s->frequencies);
  take_rarities(x, s);
  x->balance = s->balance, x->label_flips = s->label_flips;
  x->position_bias = s->position_bias, x->sampling = s->sampling;
}

static cutlab_status check(cutlab_context *context, const cutlab_experiment *world,
                           const cutlab_experiment *experiment, const cutlab_dataset *dataset,
                           const char *key) {
  if (!cutlab_experiment_is_named(experiment, key)) return CUTLAB_OK;
  char *want = cutlab_experiment_get(world, key), *got = cutlab_experiment_get(experiment, key);
  cutlab_status status = CUTLAB_OK;
  if (!want || !got)
    status = cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory: %s as text", key);
  else if (strcmp(want, got) != 0)
    status = cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                         "%s: %s is '%.80s'; accepted: %.80s, with which the data set was drawn, "
                         "or leave it out",
                         dataset->path ? dataset->path : "data set", key, got, want);
  cutlab_free(want);
  cutlab_free(got);
  return status;
}

cutlab_status cutlab_dataset_describe(cutlab_context *context, cutlab_experiment *experiment,
                                      const cutlab_dataset *dataset) {
  static const char *const keys[] = {"patches",     "dimension",     "examples", "frequencies",
                                     "rarities",    "sigma_d",       "sigma_b",  "alpha",
                                     "balance",     "signal",        "features", "noise",
                                     "label_flips", "position_bias", "sampling"};
  const cutlab_dataset *s = dataset;
  cutlab_experiment world = *experiment;
  world.examples = s->examples, world.patches = s->patches, world.dimension = s->dimension;
  if (s->feature_count) {
    world.signal = s->signal, world.alpha = s->alpha;
    world.sigma_d = s->sigma_d, world.sigma_b = s->sigma_b;
    world.opposite = s->opposite, world.full_noise = s->full_noise;
    if (s->has_law) take_law(&world, s);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; ++i)
      CUTLAB_TRY(check(context, &world, experiment, s, keys[i]));
  }
  *experiment = world;
  return CUTLAB_OK;
}
