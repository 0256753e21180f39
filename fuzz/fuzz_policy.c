/* The policy language; a policy that is made writes itself as text that makes the same one. */
#include <cutlab/augment.h>

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  cutlab_context *context = fuzz_context();
  cutlab_policy *policy = NULL, *again = NULL;
  char *text = fuzz_text(data, size);
  cutlab_status status = cutlab_policy_create(context, &policy, text);
  if (status == CUTLAB_OK) {
    if (cutlab_policy_create(context, &again, cutlab_policy_text(policy)) != CUTLAB_OK) {
      fprintf(stderr, "%s: %s\n", cutlab_policy_text(policy), cutlab_context_message(context));
      FUZZ_CHECK(!"a policy's own text is accepted");
    }
    FUZZ_CHECK(strcmp(cutlab_policy_text(policy), cutlab_policy_text(again)) == 0);
    FUZZ_CHECK(cutlab_policy_steps(policy) == cutlab_policy_steps(again));
    for (int step = 0; step < cutlab_policy_steps(policy); ++step)
      FUZZ_CHECK(cutlab_policy_step_name(policy, step)[0]);
  } else {
    fuzz_check_failed(context, status);
    FUZZ_CHECK(!policy);
  }
  cutlab_policy_free(again);
  cutlab_policy_free(policy);
  free(text);
  cutlab_context_free(context);
  return 0;
}
