/* CutMix (Yun et al. 2019): a box becomes the partner's, and the labels are weighed by area. */
#include <math.h>

#include "augment/region.h"

enum { alpha_setting, sampler_setting };

static const cutlab_setting_rule parameters[] = {
    CUTLAB_ALPHA_RULE("lambda ~ Beta(alpha, alpha) is the nominal share of the own image."),
    {.shown = {"sampler", "choice",
               "paper | reference | timm(batch) | timm(pair) | timm(elem) | torchvision | fastai | "
               "kornia | keras | darknet | mindspore",
               "Whose boxes, partners and labels: exact ones, or those of a library."},
     .kind = CUTLAB_SETTING_SAMPLER,
     .default_text = "paper"}};

static cutlab_status check(cutlab_context *context, cutlab_step *step) {
  (void)context;
  step->scope = step->settings[sampler_setting].sampler->scope;
  step->pairing = step->settings[sampler_setting].sampler->pairing;
  step->batch_gate = step->settings[sampler_setting].sampler->batch_gate;
  return CUTLAB_OK;
}

static cutlab_status draw(cutlab_drawing *drawing, const cutlab_step *step, cutlab_random *random,
                          cutlab_entry *entry) {
  const cutlab_sampler *sampler = step->settings[sampler_setting].sampler;
  double alpha = step->settings[alpha_setting].number;
  if (sampler->batch_alpha) {
    cutlab_random shared = drawing->shared;
    alpha = sampler->batch_alpha(&shared, alpha);
  }
  entry->lambda = sampler->lambda(random, alpha);
  cutlab_box box = sampler->box(random, entry->lambda, drawing->height, drawing->width);
  cutlab_entry_set_box(drawing, entry, box.top, box.left, box.bottom, box.right);
  if (isnan(entry->lambda))
    entry->lambda = 1 - (double)entry->pixels / ((double)drawing->height * drawing->width);
  if (sampler->weight)
    entry->weight = sampler->weight(entry->lambda, &box, drawing->height, drawing->width);
  return CUTLAB_OK;
}

const cutlab_method_ops cutlab_method_cutmix = {
    .name = "cutmix",
    .summary = "a box becomes the partner's; labels are weighed by the pixels counted",
    .source = "Yun et al. 2019, arXiv 1905.04899",
    .role = CUTLAB_ROLE_REGION,
    .parameters = parameters,
    .parameter_count = sizeof parameters / sizeof *parameters,
    .check = check,
    .draw = draw,
    .pixel = cutlab_region_pixel,
    .needs_partner = cutlab_region_needs_partner,
    .line = cutlab_region_line};
