/* A small training, a hundred steps at a time: what CutMix learns of every feature.
   Build: cc 02_train.c $(pkg-config --cflags --libs cutlab) */
#include <stdio.h>

#include <cutlab/cutlab.h>

/* Prints one line: iteration, loss and the outputs of the features of label +1. */
static cutlab_status print_measurement(cutlab_simulation *simulation) {
  cutlab_measurement measurement;
  cutlab_status status = cutlab_simulation_measure(simulation, &measurement);
  if (status != CUTLAB_OK) return status;
  printf("%9lld  %6.4f ", (long long)measurement.iteration, measurement.loss);
  for (int k = 0; k < measurement.feature_count; ++k)
    printf("  %7.4f", measurement.feature_outputs[k]); /* [2 labels][K], label +1 first */
  printf("\n");
  cutlab_measurement_clear(&measurement);
  return CUTLAB_OK;
}

/* Sets the experiment up: the preset `quick`, but stratified and for CutMix. */
static cutlab_status set_up(cutlab_context *context, cutlab_experiment *experiment) {
  cutlab_status status = cutlab_experiment_set_preset(context, experiment, "quick");
  if (status == CUTLAB_OK)
    status = cutlab_experiment_set(context, experiment, "sampling", "stratified");
  if (status == CUTLAB_OK) status = cutlab_experiment_set(context, experiment, "method", "cutmix");
  return status;
}

static cutlab_status train(cutlab_context *context, const cutlab_experiment *experiment) {
  cutlab_simulation *simulation;
  /* without a data set of the user's, the experiment's own is drawn */
  cutlab_status status = cutlab_simulation_create(context, &simulation, experiment, NULL);
  if (status != CUTLAB_OK) return status;
  printf("iteration    loss    common     rare  extremely rare\n");
  status = print_measurement(simulation);
  for (int i = 0; i < 5 && status == CUTLAB_OK; ++i) {
    status = cutlab_simulation_step(simulation, 100);
    if (status == CUTLAB_OK) status = print_measurement(simulation);
  }
  if (status == CUTLAB_OK)
    printf("the optimum of CutMix: %.4f\n", cutlab_simulation_optimum(simulation)->positive);
  cutlab_simulation_free(simulation);
  return status;
}

int main(void) {
  cutlab_context *context;
  cutlab_experiment *experiment = NULL;
  if (cutlab_context_create(&context) != CUTLAB_OK) return 1;
  cutlab_status status = cutlab_experiment_create(context, &experiment);
  if (status == CUTLAB_OK) status = set_up(context, experiment);
  if (status == CUTLAB_OK) status = train(context, experiment);
  if (status != CUTLAB_OK) fprintf(stderr, "%s\n", cutlab_context_message(context));
  cutlab_experiment_free(experiment);
  cutlab_context_free(context);
  return status != CUTLAB_OK;
}
