/* Normalisation: (value - mean) / deviation by channel, from uint8 or floating point. */
#include "augment/normalise.h"
#include "augment/method.h"

enum { mean_setting, deviation_setting };

static const cutlab_setting_rule parameters[] = {
    {.shown = {"mean", "list of numbers", "(m) or (m, ...), one for every channel; -1e6 to 1e6",
               "Mean, where 0 is black and 1 is white."},
     .kind = CUTLAB_SETTING_NUMBERS,
     .low = -1e6,
     .high = 1e6,
     .default_text = "0.5"},
    {.shown = {"std", "list of numbers", "(s) or (s, ...), one for every channel; > 0, to 1e6",
               "Standard deviation, on the same scale."},
     .kind = CUTLAB_SETTING_NUMBERS,
     .above_low = true,
     .high = 1e6,
     .default_text = "0.5"}};

static cutlab_status check(cutlab_context *context, cutlab_step *step) {
  if (step->settings[mean_setting].count && step->settings[deviation_setting].count)
    return CUTLAB_OK;
  return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                     "normalise has an empty list; accepted: at least one number");
}

void cutlab_normalise_terms(const cutlab_step *step, cutlab_dtype dtype, int32_t c, float *gain,
                            float *offset) {
  const cutlab_setting *mean = &step->settings[mean_setting],
                       *deviation = &step->settings[deviation_setting];
  double white = dtype == CUTLAB_UINT8 ? 255 : 1;
  double m = mean->list[mean->count == 1 ? 0 : c];
  double s = deviation->list[deviation->count == 1 ? 0 : c];
  *gain = (float)(1 / (white * s));
  *offset = (float)(-m / s);
}

static float pixel(const cutlab_view *view, int32_t y, int32_t x, int32_t c) {
  float gain, offset;
  cutlab_normalise_terms(view->step, view->dtype, c, &gain, &offset);
  return view->own(view, y, x, c) * gain + offset;
}

const cutlab_method_ops cutlab_method_normalise = {
    .name = "normalise",
    .summary = "subtract the mean and divide by the standard deviation; uint8 becomes float",
    .source = "classic",
    .role = CUTLAB_ROLE_NORMALISE,
    .parameters = parameters,
    .parameter_count = sizeof parameters / sizeof *parameters,
    .check = check,
    .pixel = pixel};
