/* Policies in YAML, translated to the policy language:
     - flip
     - crop: {pad: 4}
     - one_of: {of: [cutmix, [flip, mixup: {alpha: .2}]], p: .5}
   An item is a name, a line of the policy language, or a mapping of one name to its parameters. */
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "augment/policy.h"

typedef struct translation {
  cutlab_context *context;
  yaml_parser_t parser;
  yaml_event_t event; /* the next one, not yet used */
  bool has_event;
  FILE *line;
  int depth;
} translation;

static cutlab_status fail_here(translation *t, const char *what) {
  return cutlab_fail(t->context, CUTLAB_ERROR_ARGUMENT, "policy, line %zu, column %zu: %s",
                     t->event.start_mark.line + 1, t->event.start_mark.column + 1, what);
}

/* Moves to the next event. */
static cutlab_status advance(translation *t) {
  if (t->has_event) yaml_event_delete(&t->event);
  t->has_event = false;
  if (!yaml_parser_parse(&t->parser, &t->event))
    return cutlab_fail(t->context, CUTLAB_ERROR_ARGUMENT,
                       "policy, line %zu, column %zu: not valid YAML: %s",
                       t->parser.problem_mark.line + 1, t->parser.problem_mark.column + 1,
                       t->parser.problem ? t->parser.problem : "unknown error");
  t->has_event = true;
  if (t->event.type == YAML_ALIAS_EVENT)
    return fail_here(t, "an alias; accepted: names, lists and mappings");
  return CUTLAB_OK;
}

/* Prints a scalar and moves on. Nothing in it can be more than text in the policy language. */
static cutlab_status print_scalar(translation *t) {
  const char *text = (const char *)t->event.data.scalar.value;
  if (t->event.type != YAML_SCALAR_EVENT || !*text || strlen(text) != t->event.data.scalar.length)
    return fail_here(t, "accepted here: a name or a number");
  fputs(text, t->line);
  return advance(t);
}

/* A flow or block list of scalars, "(a, b)". */
static cutlab_status print_list(translation *t) {
  CUTLAB_TRY(advance(t));
  fputc('(', t->line);
  for (int i = 0; t->event.type != YAML_SEQUENCE_END_EVENT; ++i) {
    if (i) fputs(", ", t->line);
    CUTLAB_TRY(print_scalar(t));
  }
  fputc(')', t->line);
  return advance(t);
}

static cutlab_status print_sequence(translation *t, const char *separator);

/* One alternative or step: a scalar, a mapping of one name, or a list of steps. */
static cutlab_status print_item(translation *t);

/* The parameters behind a name: "(key=value, ...)". */
static cutlab_status print_parameters(translation *t) {
  if (t->event.type == YAML_SCALAR_EVENT && !*t->event.data.scalar.value) return advance(t);
  if (t->event.type != YAML_MAPPING_START_EVENT)
    return fail_here(t, "accepted here: a mapping of parameters, such as {alpha: 1}");
  CUTLAB_TRY(advance(t));
  fputc('(', t->line);
  for (int i = 0; t->event.type != YAML_MAPPING_END_EVENT; ++i) {
    if (i) fputs(", ", t->line);
    bool alternatives = t->event.type == YAML_SCALAR_EVENT &&
                        strcmp((const char *)t->event.data.scalar.value, "of") == 0;
    if (alternatives) {
      CUTLAB_TRY(advance(t));
      if (t->event.type != YAML_SEQUENCE_START_EVENT)
        return fail_here(t, "accepted here: a list of alternatives");
      CUTLAB_TRY(print_sequence(t, ", "));
      continue;
    }
    CUTLAB_TRY(print_scalar(t));
    fputc('=', t->line);
    CUTLAB_TRY(t->event.type == YAML_SEQUENCE_START_EVENT ? print_list(t) : print_scalar(t));
  }
  fputc(')', t->line);
  return advance(t);
}

static cutlab_status print_item(translation *t) {
  if (t->event.type == YAML_SEQUENCE_START_EVENT) return print_sequence(t, " | ");
  if (t->event.type != YAML_MAPPING_START_EVENT) return print_scalar(t);
  CUTLAB_TRY(advance(t));
  CUTLAB_TRY(print_scalar(t));
  CUTLAB_TRY(print_parameters(t));
  if (t->event.type != YAML_MAPPING_END_EVENT)
    return fail_here(t, "a second name in one item; accepted: one, or a list with '-'");
  return advance(t);
}

static cutlab_status print_sequence(translation *t, const char *separator) {
  if (++t->depth > CUTLAB_POLICY_MAX_DEPTH) return fail_here(t, "nested too deeply");
  CUTLAB_TRY(advance(t));
  for (int i = 0; t->event.type != YAML_SEQUENCE_END_EVENT; ++i) {
    if (i) fputs(separator, t->line);
    CUTLAB_TRY(print_item(t));
  }
  --t->depth;
  return advance(t);
}

/* A list of steps, or a mapping whose only key is `policy`. */
static cutlab_status print_document(translation *t) {
  while (!t->has_event || t->event.type == YAML_STREAM_START_EVENT ||
         t->event.type == YAML_DOCUMENT_START_EVENT)
    CUTLAB_TRY(advance(t));
  if (t->event.type != YAML_MAPPING_START_EVENT) {
    CUTLAB_TRY(print_item(t));
  } else {
    CUTLAB_TRY(advance(t));
    if (t->event.type != YAML_SCALAR_EVENT ||
        strcmp((const char *)t->event.data.scalar.value, "policy") != 0)
      return fail_here(t, "accepted here: a list of steps, or `policy:` and a list of steps");
    CUTLAB_TRY(advance(t));
    CUTLAB_TRY(print_item(t));
    if (t->event.type != YAML_MAPPING_END_EVENT)
      return fail_here(t, "a second key; accepted: policy");
    CUTLAB_TRY(advance(t));
  }
  CUTLAB_TRY(advance(t));
  return t->event.type == YAML_STREAM_END_EVENT ? CUTLAB_OK
                                                : fail_here(t, "a second document; accepted: one");
}

cutlab_status cutlab_policy_from_yaml(cutlab_context *context, char **line, const char *text) {
  translation t = {.context = context};
  size_t size;
  *line = NULL;
  t.line = open_memstream(line, &size);
  bool ready = t.line && yaml_parser_initialize(&t.parser);
  cutlab_status status = CUTLAB_ERROR_MEMORY;
  if (ready) {
    yaml_parser_set_input_string(&t.parser, (const unsigned char *)text, strlen(text));
    status = print_document(&t);
    if (t.has_event) yaml_event_delete(&t.event);
    yaml_parser_delete(&t.parser);
  }
  if (t.line && fclose(t.line) != 0) ready = false;
  if (!ready) status = cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory: policy");
  if (status == CUTLAB_OK) return CUTLAB_OK;
  free(*line);
  *line = NULL;
  return status;
}
