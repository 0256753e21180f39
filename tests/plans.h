/* Policies and plans from texts. */
#ifndef CUTLAB_TEST_PLANS_H
#define CUTLAB_TEST_PLANS_H

#include <cutlab/augment.h>

#include "fixture.h"

static inline cutlab_policy *make_policy(cutlab_context *context, const char *text) {
  cutlab_policy *policy;
  if (cutlab_policy_create(context, &policy, text) != CUTLAB_OK)
    fail_msg("'%s': %s", text, cutlab_context_message(context));
  return policy;
}

static inline cutlab_plan *make_plan(cutlab_context *context, const cutlab_policy *policy,
                                     const cutlab_draw *draw) {
  cutlab_plan *plan;
  assert_int_equal(cutlab_plan_create(context, &plan), CUTLAB_OK);
  if (cutlab_plan_draw(context, plan, policy, draw) != CUTLAB_OK)
    fail_msg("%s", cutlab_context_message(context));
  return plan;
}

#endif
