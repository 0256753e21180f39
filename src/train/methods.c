/* The methods of trainings as those who compare them see them. */
#include <string.h>

#include "train/settings.h"

static const struct {
  const char *name, *label;
} methods[cutlab_training_methods] = {[CUTLAB_TRAIN_ERM] = {"erm", "ERM"},
                                      [CUTLAB_TRAIN_CUTOUT] = {"cutout", "Cutout"},
                                      [CUTLAB_TRAIN_CUTMIX] = {"cutmix", "CutMix"},
                                      [CUTLAB_TRAIN_MIXUP] = {"mixup", "Mixup"}};

static const struct {
  int method;
  const char *setting;
} own_settings[] = {
    {CUTLAB_TRAIN_CUTOUT, "cut_share"},       {CUTLAB_TRAIN_CUTMIX, "alpha"},
    {CUTLAB_TRAIN_CUTMIX, "mix_probability"}, {CUTLAB_TRAIN_MIXUP, "alpha"},
    {CUTLAB_TRAIN_MIXUP, "mix_probability"},  {cutlab_training_own_policy, "policy"}};

int cutlab_training_method_of(const char *method, const char *policy) {
  int found = -1;
  for (int i = 0; method && i < cutlab_training_methods; ++i)
    if (strcmp(methods[i].name, method) == 0) found = i;
  return found >= 0 && policy && *policy ? cutlab_training_own_policy : found;
}

const char *cutlab_training_method_label(int method) {
  return method >= 0 && method < cutlab_training_methods ? methods[method].label : NULL;
}

bool cutlab_training_owns(int method, const char *setting) {
  for (size_t i = 0; i < sizeof own_settings / sizeof *own_settings; ++i)
    if ((method < 0 || own_settings[i].method == method) &&
        strcmp(own_settings[i].setting, setting) == 0)
      return true;
  return false;
}
