/* A parsed policy: its steps, and the tree of sequences and choices above them. */
#ifndef CUTLAB_AUGMENT_POLICY_H
#define CUTLAB_AUGMENT_POLICY_H

#include <stdio.h>

#include "augment/method.h"

enum {
  CUTLAB_POLICY_MAX_NODES = 256,
  CUTLAB_POLICY_MAX_DEPTH = 16,
  CUTLAB_POLICY_MAX_TEXT = 65536
};

typedef enum cutlab_node_kind {
  CUTLAB_NODE_STEP,
  CUTLAB_NODE_SEQUENCE,
  CUTLAB_NODE_CHOICE
} cutlab_node_kind;

typedef struct cutlab_node {
  cutlab_node_kind kind;
  int step;               /* of a step */
  int first, next;        /* nodes: first child, next sibling; -1 where none */
  int children;           /* of a choice */
  int choice;             /* of a choice: its number, in the order of the policy */
  double probability;     /* of a choice: that one of its children happens */
  bool per_batch;         /* of a choice: the same child for the whole batch */
  cutlab_setting weights; /* of a choice: of its children; empty: equal */
} cutlab_node;

struct cutlab_policy {
  cutlab_step steps[CUTLAB_POLICY_MAX_STEPS];
  int step_count;
  cutlab_node nodes[CUTLAB_POLICY_MAX_NODES]; /* node 0 is the sequence of the whole policy */
  int node_count, choice_count;
  char *text;
};

/* The default of every setting of a step whose method is set. */
void cutlab_step_defaults(cutlab_step *step);
/* Sets one parameter from a value's text. False if it is not acceptable. */
bool cutlab_setting_parse(cutlab_setting *setting, const cutlab_setting_rule *rule,
                          const char *text);
/* Prints a value so that it parses back. */
void cutlab_setting_print(FILE *file, const cutlab_setting_rule *rule,
                          const cutlab_setting *setting);
/* Rules of the parameters that every method (p) and one_of (p, weights, per) have. */
extern const cutlab_setting_rule cutlab_probability_rule, cutlab_weights_rule, cutlab_per_rule;

/* policy_parse.c: reads the policy language into an empty policy. */
cutlab_status cutlab_policy_parse(cutlab_context *context, cutlab_policy *policy, const char *text);
/* policy_yaml.c: the line of policy language that a YAML text stands for; release with free. */
cutlab_status cutlab_policy_from_yaml(cutlab_context *context, char **line, const char *text);

#endif
