/* Training on data of one's own: 60 examples of 4 patches in R^50, where one patch carries the
   label's direction and the others are noise. Compares the three methods.
   Build: cc 03_own_patches.c $(pkg-config --cflags --libs cutlab) */
#include <stdio.h>
#include <stdlib.h>

#include <cutlab/cutlab.h>

enum { examples = 60, patch_count = 4, dimension = 50 };

/* patches: [examples][patch_count][dimension]. */
static void make_data(double *patches, int8_t *labels) {
  for (int i = 0; i < examples; ++i) {
    /* a generator per example: seed 7, stream 100 */
    cutlab_random random = cutlab_random_make(7, 100, (uint64_t)i, 0, 0);
    labels[i] = i % 2 ? -1 : 1;
    double *example = patches + i * patch_count * dimension;
    for (int p = 0; p < patch_count * dimension; ++p)
      example[p] = 0.1 * cutlab_random_normal(&random);
    int place = (int)cutlab_random_below(&random, patch_count);
    example[place * dimension + (labels[i] > 0 ? 0 : 1)] += 1;
  }
}

static cutlab_status train(cutlab_context *context, const cutlab_dataset *dataset,
                           const char *method) {
  cutlab_experiment *experiment;
  cutlab_simulation *simulation = NULL;
  cutlab_measurement measurement;
  cutlab_status status = cutlab_experiment_create(context, &experiment);
  if (status != CUTLAB_OK) return status;
  status = cutlab_experiment_set(context, experiment, "method", method);
  if (status == CUTLAB_OK)
    status = cutlab_simulation_create(context, &simulation, experiment, dataset);
  if (status == CUTLAB_OK) status = cutlab_simulation_step(simulation, 300);
  if (status == CUTLAB_OK) status = cutlab_simulation_measure(simulation, &measurement);
  if (status == CUTLAB_OK) {
    printf("%-6s  %6.4f  %8.3f\n", method, measurement.loss, measurement.train_accuracy);
    cutlab_measurement_clear(&measurement);
  }
  cutlab_simulation_free(simulation);
  cutlab_experiment_free(experiment);
  return status;
}

int main(void) {
  static double patches[examples * patch_count * dimension];
  static int8_t labels[examples];
  static const char *const methods[] = {"erm", "cutout", "cutmix"};
  cutlab_context *context;
  cutlab_dataset *dataset = NULL;
  if (cutlab_context_create(&context) != CUTLAB_OK) return 1;
  make_data(patches, labels);
  cutlab_status status = cutlab_dataset_from_patches(context, &dataset, patches, labels, examples,
                                                     patch_count, dimension);
  printf("method    loss  accuracy\n");
  for (int i = 0; i < 3 && status == CUTLAB_OK; ++i) status = train(context, dataset, methods[i]);
  if (status != CUTLAB_OK) fprintf(stderr, "%s\n", cutlab_context_message(context));
  cutlab_dataset_free(dataset);
  cutlab_context_free(context);
  return status != CUTLAB_OK;
}
