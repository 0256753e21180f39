/* The methods that policies know. A new one is a file in methods/ and a line here. */
#include <string.h>

#include "augment/policy.h"

static const cutlab_method_ops *const methods[] = {&cutlab_method_cutmix,
                                                   &cutlab_method_mixup,
                                                   &cutlab_method_cutout,
                                                   &cutlab_method_fmix,
                                                   &cutlab_method_patch_cutmix,
                                                   &cutlab_method_patch_cutout,
                                                   &cutlab_method_random_erasing,
                                                   &cutlab_method_flip,
                                                   &cutlab_method_crop,
                                                   &cutlab_method_rotate,
                                                   &cutlab_method_scale,
                                                   &cutlab_method_brightness,
                                                   &cutlab_method_contrast,
                                                   &cutlab_method_saturation,
                                                   &cutlab_method_hue,
                                                   &cutlab_method_normalise,
                                                   NULL};

const cutlab_method_ops *cutlab_method_row(int index) {
  int i = 0;
  while (i < index && methods[i]) ++i;
  return index < 0 ? NULL : methods[i];
}

const cutlab_method_ops *cutlab_method_find(const char *name) {
  for (int i = 0; methods[i]; ++i)
    if (strcmp(methods[i]->name, name) == 0) return methods[i];
  return NULL;
}

bool cutlab_augmentation_at(int index, cutlab_augmentation *method) {
  const cutlab_method_ops *row = cutlab_method_row(index);
  if (!row) return false;
  *method = (cutlab_augmentation){row->name, row->summary, row->source};
  return true;
}

bool cutlab_augmentation_parameter_at(int index, int parameter, cutlab_parameter *shown,
                                      const char **default_text) {
  const cutlab_method_ops *row = cutlab_method_row(index);
  if (!row || parameter < 0 || parameter > row->parameter_count) return false;
  const cutlab_setting_rule *rule =
      parameter ? &row->parameters[parameter - 1] : &cutlab_probability_rule;
  *shown = rule->shown;
  *default_text =
      !parameter && row->default_probability ? row->default_probability : rule->default_text;
  return true;
}
