/* YAML as a policy and as an experiment. */
#include <cutlab/augment.h>

#include "fuzz.h"

static void read_policy(cutlab_context *context, const char *text) {
  cutlab_policy *policy = NULL, *again = NULL;
  cutlab_status status = cutlab_policy_create(context, &policy, text);
  if (status == CUTLAB_OK) {
    FUZZ_CHECK(cutlab_policy_create(context, &again, cutlab_policy_text(policy)) == CUTLAB_OK);
    FUZZ_CHECK(strcmp(cutlab_policy_text(policy), cutlab_policy_text(again)) == 0);
  } else {
    fuzz_check_failed(context, status);
    FUZZ_CHECK(!policy);
  }
  cutlab_policy_free(again);
  cutlab_policy_free(policy);
}

/* An experiment that is read writes itself as YAML that reads back. */
static void read_experiment(cutlab_context *context, const char *path) {
  cutlab_experiment *experiment = NULL;
  FUZZ_CHECK(cutlab_experiment_create(context, &experiment) == CUTLAB_OK);
  cutlab_status status = cutlab_experiment_load_yaml(context, experiment, path);
  if (status == CUTLAB_OK) {
    char *text = NULL;
    FUZZ_CHECK(cutlab_experiment_to_yaml(context, &text, experiment) == CUTLAB_OK);
    fuzz_file file = fuzz_file_open((const uint8_t *)text, strlen(text));
    FUZZ_CHECK(cutlab_experiment_load_yaml(context, experiment, file.path) == CUTLAB_OK);
    fuzz_file_close(&file);
    cutlab_free(text);
  } else {
    fuzz_check_failed(context, status);
  }
  cutlab_experiment_free(experiment);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  cutlab_context *context = fuzz_context();
  char *text = fuzz_text(data, size);
  fuzz_file file = fuzz_file_open(data, size);
  read_policy(context, text);
  read_experiment(context, file.path);
  fuzz_file_close(&file);
  free(text);
  cutlab_context_free(context);
  return 0;
}
