/* Mixup (Zhang et al. 2018): the weighted mean of two samples, and of their labels. */
#include <math.h>

#include "augment/method.h"

enum { alpha_setting, per_setting };

static const char *const scopes[] = {"sample", "pair", "batch", NULL};
static const cutlab_setting_rule parameters[] = {
    CUTLAB_ALPHA_RULE("lambda ~ Beta(alpha, alpha) is the share of the own image and label."),
    {.shown = {"per", "choice", "sample | pair | batch",
               "Who shares one lambda. Pairs are samples i and n - 1 - i of the batch."},
     .kind = CUTLAB_SETTING_CHOICE,
     .choices = scopes,
     .default_text = "sample"}};

static cutlab_status check(cutlab_context *context, cutlab_step *step) {
  (void)context;
  step->scope = (cutlab_scope)step->settings[per_setting].number;
  if (step->scope == CUTLAB_PER_PAIR) step->pairing = CUTLAB_PAIR_REVERSED;
  return CUTLAB_OK;
}

/* lambda is a multiple of 2^-24, so that uint8 can be rounded to nearest in integers and the label
   is that of the very lambda used. */
static cutlab_status draw(cutlab_drawing *drawing, const cutlab_step *step, cutlab_random *random,
                          cutlab_entry *entry) {
  (void)drawing;
  double alpha = step->settings[alpha_setting].number;
  double lambda = cutlab_draw_share(random, alpha);
  entry->lambda = entry->weight = rint(lambda * 0x1p24) * 0x1p-24;
  return CUTLAB_OK;
}

/* uint8 in double, where it is exact but for the last rounding (halves up); floats as
   x_j + lambda (x_i - x_j), which keeps x_i where both are equal. */
static float pixel(const cutlab_view *view, int32_t y, int32_t x, int32_t c) {
  float own = view->own(view, y, x, c), other = view->partner(view, y, x, c);
  double lambda = view->entry->weight;
  if (view->dtype == CUTLAB_UINT8) {
    lambda = rint(lambda * 0x1p24) * 0x1p-24; /* a plan made elsewhere may have any */
    return (float)floor(lambda * (double)own + (1 - lambda) * (double)other + 0.5);
  }
  return other + (float)lambda * (own - other);
}

const cutlab_method_ops cutlab_method_mixup = {
    .name = "mixup",
    .summary = "the weighted mean of two samples and of their labels",
    .source = "Zhang et al. 2018, arXiv 1710.09412",
    .role = CUTLAB_ROLE_BLEND,
    .parameters = parameters,
    .parameter_count = sizeof parameters / sizeof *parameters,
    .check = check,
    .draw = draw,
    .pixel = pixel};
