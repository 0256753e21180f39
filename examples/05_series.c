/* Series [N][L][C] are images of height 1: CutMix pastes a stretch of another series, Cutout
   erases one. In place.
   Build: cc 05_series.c $(pkg-config --cflags --libs cutlab) */
#include <stdio.h>

#include <cutlab/cutlab.h>

enum { series_count = 4, length = 32, channels = 2 };

/* Channel 0 as digits: series i is i + 1 everywhere, what was erased is a dot. */
static void print_series(const float *series) {
  for (int x = 0; x < length; ++x) {
    int value = (int)series[x * channels];
    putchar(value ? '0' + value : '.');
  }
}

static cutlab_status augment(cutlab_context *context, const cutlab_policy *policy,
                             cutlab_plan *plan, float *series) {
  const cutlab_draw draw = {.seed = 4, .count = series_count, .height = 1, .width = length};
  const cutlab_batch batch = {.data = series,
                              .dtype = CUTLAB_FLOAT32,
                              .layout = CUTLAB_NHWC,
                              .count = series_count,
                              .height = 1,
                              .width = length,
                              .channels = channels};
  cutlab_status status = cutlab_plan_draw(context, plan, policy, &draw);
  if (status == CUTLAB_OK) status = cutlab_plan_apply(context, plan, &batch, &batch);
  /* a target of regression for each: series i has the target i */
  float targets[series_count] = {0, 1, 2, 3};
  if (status == CUTLAB_OK)
    status = cutlab_labels_mix(context, targets, plan, targets, 1, CUTLAB_LABEL_LINEAR);
  for (int i = 0; i < series_count && status == CUTLAB_OK; ++i) {
    print_series(series + i * length * channels);
    printf("  target %.5f\n", targets[i]);
  }
  return status;
}

int main(void) {
  static float series[series_count * length * channels];
  for (int i = 0; i < series_count * length * channels; ++i)
    series[i] = (float)(i / (length * channels) + 1);

  cutlab_context *context;
  cutlab_policy *policy = NULL;
  cutlab_plan *plan = NULL;
  if (cutlab_context_create(&context) != CUTLAB_OK) return 1;
  cutlab_status status = cutlab_policy_create(context, &policy, "cutmix | cutout(size=6)");
  if (status == CUTLAB_OK) status = cutlab_plan_create(context, &plan);
  if (status == CUTLAB_OK) status = augment(context, policy, plan, series);
  if (status != CUTLAB_OK) fprintf(stderr, "%s\n", cutlab_context_message(context));
  cutlab_plan_free(plan);
  cutlab_policy_free(policy);
  cutlab_context_free(context);
  return status != CUTLAB_OK;
}
