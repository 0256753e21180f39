/* Policies: making them from text, the rules on the order of steps, printing. */
#include "augment/policy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Which steps come before which ---- */

/* Steps below a node, as bits. */
static uint64_t steps_below(const cutlab_policy *policy, int index) {
  const cutlab_node *node = &policy->nodes[index];
  if (node->kind == CUTLAB_NODE_STEP) return UINT64_C(1) << node->step;
  uint64_t steps = 0;
  for (int child = node->first; child >= 0; child = policy->nodes[child].next)
    steps |= steps_below(policy, child);
  return steps;
}

/* Sets `visible` below a node, before which the steps `before` may have happened. Alternatives do
   not see each other: each begins with the image before the choice. */
static void mark_visible(cutlab_policy *policy, int index, uint64_t before) {
  const cutlab_node *node = &policy->nodes[index];
  if (node->kind == CUTLAB_NODE_STEP) {
    policy->steps[node->step].visible = before;
    return;
  }
  for (int child = node->first; child >= 0; child = policy->nodes[child].next) {
    mark_visible(policy, child, before);
    if (node->kind == CUTLAB_NODE_SEQUENCE) before |= steps_below(policy, child);
  }
}

/* ---- Rules on the order ---- */

static cutlab_status check_pair(cutlab_context *context, const cutlab_step *earlier,
                                const cutlab_step *later) {
  const char *first = earlier->method->name, *second = later->method->name;
  cutlab_role role = later->method->role;
  if (cutlab_role_mixes(earlier->method->role) && role == CUTLAB_ROLE_GEOMETRY &&
      !later->method->permutes)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                       "policy: %s after %s would move mixed pixels out of the picture while the "
                       "label stays; accepted: %s before %s",
                       second, first, second, first);
  if (earlier->method->role == CUTLAB_ROLE_NORMALISE && role == CUTLAB_ROLE_NORMALISE)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT, "policy: %s twice; accepted: once", second);
  if (earlier->method->role == CUTLAB_ROLE_NORMALISE && role == CUTLAB_ROLE_COLOUR)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                       "policy: %s after %s; accepted: values from black to white, so %s before %s",
                       second, first, second, first);
  return CUTLAB_OK;
}

static cutlab_status check_normalise(cutlab_context *context, const cutlab_policy *policy,
                                     const cutlab_step *step) {
  bool outermost = false;
  for (int child = policy->nodes[0].first; child >= 0; child = policy->nodes[child].next)
    outermost |= policy->nodes[child].step == step->index;
  if (outermost && step->probability == 1) return CUTLAB_OK;
  return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                     "policy: %s would act on some samples only; accepted: outside one_of, and "
                     "with p=1",
                     step->method->name);
}

/* An output's sources double with every mixing step on its way. */
static cutlab_status check_depth(cutlab_context *context, const cutlab_policy *policy) {
  enum { most = 8 };
  int depths[CUTLAB_POLICY_MAX_STEPS];
  for (int i = 0; i < policy->step_count; ++i) {
    int deepest = 0;
    for (int before = 0; before < i; ++before)
      if (policy->steps[i].visible >> before & 1 && depths[before] > deepest)
        deepest = depths[before];
    depths[i] = deepest + cutlab_role_mixes(policy->steps[i].method->role);
    if (depths[i] > most)
      return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                         "policy: more than %d mixing steps one after the other; accepted: up to "
                         "that",
                         most);
  }
  return CUTLAB_OK;
}

static cutlab_status check_order(cutlab_context *context, const cutlab_policy *policy) {
  for (int i = 0; i < policy->step_count; ++i) {
    const cutlab_step *step = &policy->steps[i];
    for (int before = 0; before < i; ++before)
      if (step->visible >> before & 1)
        CUTLAB_TRY(check_pair(context, &policy->steps[before], step));
    if (step->method->role == CUTLAB_ROLE_NORMALISE)
      CUTLAB_TRY(check_normalise(context, policy, step));
  }
  return CUTLAB_OK;
}

/* ---- Printing ---- */

static void print_node(FILE *file, const cutlab_policy *policy, int index);

static void print_children(FILE *file, const cutlab_policy *policy, int index,
                           const char *separator) {
  for (int child = policy->nodes[index].first; child >= 0; child = policy->nodes[child].next) {
    if (child != policy->nodes[index].first) fputs(separator, file);
    print_node(file, policy, child);
  }
}

static void print_setting(FILE *file, const cutlab_setting_rule *rule,
                          const cutlab_setting *setting, const char *before) {
  fprintf(file, "%s%s=", before, rule->shown.name);
  cutlab_setting_print(file, rule, setting);
}

static void print_step(FILE *file, const cutlab_step *step) {
  const cutlab_method_ops *method = step->method;
  const cutlab_setting probability = {.number = step->probability};
  fprintf(file, "%s(", method->name);
  for (int i = 0; i < method->parameter_count; ++i)
    print_setting(file, &method->parameters[i], &step->settings[i], i ? ", " : "");
  print_setting(file, &cutlab_probability_rule, &probability, method->parameter_count ? ", " : "");
  fputc(')', file);
}

static void print_choice(FILE *file, const cutlab_policy *policy, int index) {
  const cutlab_node *node = &policy->nodes[index];
  const cutlab_setting probability = {.number = node->probability};
  const cutlab_setting per = {.number = node->per_batch};
  fputs("one_of(", file);
  print_children(file, policy, index, ", ");
  if (node->weights.count) print_setting(file, &cutlab_weights_rule, &node->weights, ", ");
  print_setting(file, &cutlab_per_rule, &per, ", ");
  print_setting(file, &cutlab_probability_rule, &probability, ", ");
  fputc(')', file);
}

static void print_node(FILE *file, const cutlab_policy *policy, int index) {
  switch (policy->nodes[index].kind) {
  case CUTLAB_NODE_STEP:
    print_step(file, &policy->steps[policy->nodes[index].step]);
    return;
  case CUTLAB_NODE_SEQUENCE:
    print_children(file, policy, index, " | ");
    return;
  case CUTLAB_NODE_CHOICE:
    print_choice(file, policy, index);
  }
}

static cutlab_status print_policy(cutlab_context *context, cutlab_policy *policy) {
  size_t size;
  FILE *file = open_memstream(&policy->text, &size);
  if (!file) return cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory: policy");
  print_node(file, policy, 0);
  if (fclose(file) == 0) return CUTLAB_OK;
  return cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory: policy");
}

/* ---- The object ---- */

/* A line of the policy language has neither a colon nor a leading '-', '[', '{', '#' or quote. */
static bool is_yaml(const char *text) {
  const char *start = text + strspn(text, " \t\r\n");
  return strchr(text, ':') || (*start && strchr("-[{#\"'%", *start));
}

static cutlab_status fill_policy(cutlab_context *context, cutlab_policy *policy, const char *text) {
  if (is_yaml(text)) {
    char *line;
    CUTLAB_TRY(cutlab_policy_from_yaml(context, &line, text));
    cutlab_status status = cutlab_policy_parse(context, policy, line);
    if (status != CUTLAB_OK)
      status = cutlab_fail(context, status, "%s (the YAML stands for: %.200s%s)",
                           cutlab_context_message(context), line, strlen(line) > 200 ? "..." : "");
    free(line);
    CUTLAB_TRY(status);
  } else {
    CUTLAB_TRY(cutlab_policy_parse(context, policy, text));
  }
  mark_visible(policy, 0, 0);
  CUTLAB_TRY(check_order(context, policy));
  CUTLAB_TRY(check_depth(context, policy));
  return print_policy(context, policy);
}

cutlab_status cutlab_policy_create(cutlab_context *context, cutlab_policy **policy,
                                   const char *text) {
  *policy = NULL;
  if (!text) return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT, "text is NULL; accepted: a policy");
  if (strnlen(text, CUTLAB_POLICY_MAX_TEXT + 1) > CUTLAB_POLICY_MAX_TEXT)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                       "the policy is longer than %d bytes; accepted: up to that",
                       CUTLAB_POLICY_MAX_TEXT);
  cutlab_policy *made = calloc(1, sizeof *made);
  if (!made) return cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory: policy");
  cutlab_status status = fill_policy(context, made, text);
  if (status != CUTLAB_OK) {
    cutlab_policy_free(made);
    return status;
  }
  *policy = made;
  return CUTLAB_OK;
}

void cutlab_policy_free(cutlab_policy *policy) {
  if (!policy) return;
  free(policy->text);
  free(policy);
}

const char *cutlab_policy_text(const cutlab_policy *policy) {
  return policy->text;
}

int cutlab_policy_steps(const cutlab_policy *policy) {
  return policy->step_count;
}

const char *cutlab_policy_step_name(const cutlab_policy *policy, int step) {
  return policy->steps[step].method->name;
}

bool cutlab_policy_mixes(const cutlab_policy *policy) {
  for (int i = 0; i < policy->step_count; ++i)
    if (cutlab_role_mixes(policy->steps[i].method->role)) return true;
  return false;
}

bool cutlab_policy_normalises(const cutlab_policy *policy) {
  for (int i = 0; i < policy->step_count; ++i)
    if (policy->steps[i].method->role == CUTLAB_ROLE_NORMALISE) return true;
  return false;
}
