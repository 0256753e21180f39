/* The policy language, by recursive descent:
     policy   = item { "|" item }
     item     = name [ "(" [ argument { "," argument } ] ")" ]
     argument = name "=" value | policy          (a policy only inside one_of)
     value    = word [ list ] | list | number    list = "(" ... ")" or "[" ... "]" */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "augment/policy.h"

typedef struct parser {
  cutlab_context *context;
  cutlab_policy *policy;
  const char *text, *at;
  int depth;
} parser;

static void skip_blanks(parser *p) {
  p->at += strspn(p->at, " \t\r\n");
}

static cutlab_status fail_here(const parser *p, const char *at, const char *format, ...)
    CUTLAB_PRINTF(3, 4);

/* "policy, character N: ..." */
static cutlab_status fail_here(const parser *p, const char *at, const char *format, ...) {
  char text[512];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  return cutlab_fail(p->context, CUTLAB_ERROR_ARGUMENT, "policy, character %d: %s",
                     (int)(at - p->text) + 1, text);
}

static cutlab_status fail_expected(const parser *p, const char *what) {
  if (!*p->at) return fail_here(p, p->at, "it ends here; accepted: %s", what);
  return fail_here(p, p->at, "'%.20s'; accepted: %s", p->at, what);
}

static bool take(parser *p, char c) {
  skip_blanks(p);
  if (*p->at != c) return false;
  ++p->at;
  return true;
}

static bool is_word(char c) {
  return isalnum((unsigned char)c) || c == '_' || c == '-';
}

enum { name_size = 40 };

static cutlab_status take_name(parser *p, char name[name_size]) {
  skip_blanks(p);
  size_t length = 0;
  while (is_word(p->at[length])) ++length;
  if (!length || length >= name_size) return fail_expected(p, "a name");
  memcpy(name, p->at, length);
  name[length] = '\0';
  p->at += length;
  return CUTLAB_OK;
}

/* Whether "name =" comes next. */
static bool at_setting(parser *p) {
  skip_blanks(p);
  const char *c = p->at;
  while (is_word(*c)) ++c;
  if (c == p->at) return false;
  c += strspn(c, " \t\r\n");
  return *c == '=';
}

/* The bracket that closes the one at `open`, or NULL. */
static const char *find_close(const char *open) {
  char close = *open == '(' ? ')' : ']';
  const char *c = open + 1 + strcspn(open + 1, "()[]");
  return *c == close ? c : NULL;
}

enum { value_size = 512 };

static cutlab_status take_value(parser *p, char value[value_size]) {
  skip_blanks(p);
  const char *end = p->at;
  while (is_word(*end) || *end == '.' || *end == '+') ++end;
  if (*end == '(' || *end == '[') {
    end = find_close(end);
    if (!end) return fail_expected(p, "a value whose bracket is closed");
    ++end;
  }
  size_t length = (size_t)(end - p->at);
  if (!length || length >= value_size) return fail_expected(p, "a value");
  memcpy(value, p->at, length);
  value[length] = '\0';
  p->at = end;
  return CUTLAB_OK;
}

static cutlab_status fail_unknown(const parser *p, const char *at, const char *what,
                                  const char *name, const char *const *names, int count) {
  return fail_here(p, at, "unknown %s '%s'; nearest: %s", what, name,
                   names[cutlab_nearest_name(name, names, count)]);
}

static cutlab_status fail_value(const parser *p, const char *at, const char *owner,
                                const cutlab_setting_rule *rule, const char *value) {
  return fail_here(p, at, "%s of %s is '%.60s'; accepted: %s, %s", rule->shown.name, owner, value,
                   rule->shown.kind, rule->shown.accepted);
}

/* A parameter that a step or choice takes, and where its value goes. */
typedef struct slot {
  const cutlab_setting_rule *rule;
  cutlab_setting *setting;
  bool given;
} slot;

static cutlab_status take_setting(parser *p, const char *owner, slot *slots, int count) {
  char name[name_size], value[value_size];
  const char *names[CUTLAB_METHOD_PARAMETERS + 1], *at = p->at;
  CUTLAB_TRY(take_name(p, name));
  if (!take(p, '=')) return fail_expected(p, "'='");
  int found = -1;
  for (int i = 0; i < count; ++i) {
    names[i] = slots[i].rule->shown.name;
    if (strcmp(names[i], name) == 0) found = i;
  }
  if (found < 0) {
    char what[80];
    snprintf(what, sizeof what, "parameter of %s:", owner);
    return fail_unknown(p, at, what, name, names, count);
  }
  if (slots[found].given) return fail_here(p, at, "%s of %s is given twice", name, owner);
  slots[found].given = true;
  skip_blanks(p);
  at = p->at;
  CUTLAB_TRY(take_value(p, value));
  if (!cutlab_setting_parse(slots[found].setting, slots[found].rule, value))
    return fail_value(p, at, owner, slots[found].rule, value);
  return CUTLAB_OK;
}

static cutlab_status add_node(parser *p, cutlab_node_kind kind, int *index) {
  *index = 0;
  if (p->policy->node_count == CUTLAB_POLICY_MAX_NODES)
    return fail_here(p, p->at, "the policy is too large; accepted: at most %d parts",
                     CUTLAB_POLICY_MAX_NODES);
  *index = p->policy->node_count++;
  p->policy->nodes[*index] =
      (cutlab_node){.kind = kind, .step = -1, .first = -1, .next = -1, .probability = 1};
  return CUTLAB_OK;
}

static cutlab_status parse_sequence(parser *p, int *index);

static cutlab_status parse_step(parser *p, const cutlab_method_ops *method, const char *at,
                                int *index) {
  cutlab_policy *policy = p->policy;
  if (policy->step_count == CUTLAB_POLICY_MAX_STEPS)
    return fail_here(p, at, "too many steps; accepted: at most %d", CUTLAB_POLICY_MAX_STEPS);
  cutlab_step *step = &policy->steps[policy->step_count];
  *step = (cutlab_step){.method = method, .index = policy->step_count++};
  cutlab_step_defaults(step);
  CUTLAB_TRY(add_node(p, CUTLAB_NODE_STEP, index));
  policy->nodes[*index].step = step->index;
  cutlab_setting probability = {.number = step->probability};
  slot slots[CUTLAB_METHOD_PARAMETERS + 1] = {{&cutlab_probability_rule, &probability, false}};
  for (int i = 0; i < method->parameter_count; ++i)
    slots[i + 1] = (slot){&method->parameters[i], &step->settings[i], false};
  if (take(p, '(') && !take(p, ')')) {
    do CUTLAB_TRY(take_setting(p, method->name, slots, method->parameter_count + 1));
    while (take(p, ','));
    if (!take(p, ')')) return fail_expected(p, "',' or ')'");
  }
  step->probability = probability.number;
  cutlab_status status = method->check ? method->check(p->context, step) : CUTLAB_OK;
  return status == CUTLAB_OK ? status : fail_here(p, at, "%s", cutlab_context_message(p->context));
}

static cutlab_status parse_alternative(parser *p, int choice, int *last) {
  int child = 0;
  CUTLAB_TRY(parse_sequence(p, &child));
  cutlab_node *nodes = p->policy->nodes;
  if (*last < 0)
    nodes[choice].first = child;
  else
    nodes[*last].next = child;
  *last = child;
  ++nodes[choice].children;
  return CUTLAB_OK;
}

static cutlab_status parse_choice(parser *p, const char *at, int *index) {
  int last = -1;
  CUTLAB_TRY(add_node(p, CUTLAB_NODE_CHOICE, index));
  cutlab_node *node = &p->policy->nodes[*index];
  node->choice = p->policy->choice_count++;
  cutlab_setting probability = {.number = 1}, per = {.number = 0};
  slot slots[] = {{&cutlab_probability_rule, &probability, false},
                  {&cutlab_weights_rule, &node->weights, false},
                  {&cutlab_per_rule, &per, false}};
  if (!take(p, '(')) return fail_expected(p, "'(' and the alternatives of one_of");
  do
    CUTLAB_TRY(at_setting(p) ? take_setting(p, "one_of", slots, 3)
                             : parse_alternative(p, *index, &last));
  while (take(p, ','));
  if (!take(p, ')')) return fail_expected(p, "',' or ')'");
  if (!node->children) return fail_here(p, at, "one_of has no alternatives; accepted: at least 1");
  if (node->weights.count && node->weights.count != node->children)
    return fail_here(p, at, "one_of has %d alternatives and %d weights; accepted: as many",
                     node->children, node->weights.count);
  node->probability = probability.number;
  node->per_batch = per.number > 0;
  return CUTLAB_OK;
}

static cutlab_status parse_item(parser *p, int *index) {
  char name[name_size];
  skip_blanks(p);
  const char *at = p->at;
  CUTLAB_TRY(take_name(p, name));
  if (strcmp(name, "one_of") == 0) return parse_choice(p, at, index);
  const cutlab_method_ops *method = cutlab_method_find(name);
  if (method) return parse_step(p, method, at, index);
  const char *names[64] = {"one_of"};
  int count = 1;
  for (; (method = cutlab_method_row(count - 1)); ++count) names[count] = method->name;
  return fail_unknown(p, at, "method", name, names, count);
}

static cutlab_status parse_sequence(parser *p, int *index) {
  if (++p->depth > CUTLAB_POLICY_MAX_DEPTH)
    return fail_here(p, p->at, "one_of is nested too deeply; accepted: %d levels",
                     CUTLAB_POLICY_MAX_DEPTH - 1);
  CUTLAB_TRY(add_node(p, CUTLAB_NODE_SEQUENCE, index));
  int last = -1;
  do {
    int item = 0;
    CUTLAB_TRY(parse_item(p, &item));
    if (last < 0)
      p->policy->nodes[*index].first = item;
    else
      p->policy->nodes[last].next = item;
    last = item;
  } while (take(p, '|'));
  --p->depth;
  return CUTLAB_OK;
}

cutlab_status cutlab_policy_parse(cutlab_context *context, cutlab_policy *policy,
                                  const char *text) {
  parser p = {.context = context, .policy = policy, .text = text, .at = text};
  int root = 0;
  CUTLAB_TRY(parse_sequence(&p, &root));
  skip_blanks(&p);
  return *p.at ? fail_expected(&p, "'|' or the end") : CUTLAB_OK;
}
