/* Parameters from YAML, with file, line and column in every error. */
#include "base/parameters.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/file.h"

enum { max_yaml_bytes = 1 << 20 };

/* Where values from a text go. */
typedef struct target {
  const cutlab_table *table;
  void *values;
  cutlab_set_fn set;
  const char *where; /* begins the messages */
} target;

/* Puts file, line and column before the context's message. */
static cutlab_status fail_at(cutlab_context *context, cutlab_status status, const char *where,
                             const yaml_node_t *node) {
  return cutlab_fail(context, status, "%s:%zu:%zu: %s", where, node->start_mark.line + 1,
                     node->start_mark.column + 1, cutlab_context_message(context));
}

static cutlab_status fail_node(cutlab_context *context, const char *where, const yaml_node_t *node,
                               const char *text) {
  cutlab_fail(context, CUTLAB_ERROR_FORMAT, "%s", text);
  return fail_at(context, CUTLAB_ERROR_FORMAT, where, node);
}

static cutlab_status fail_syntax(cutlab_context *context, const char *where, const char *text,
                                 const yaml_parser_t *parser) {
  size_t line = parser->problem_mark.line, column = parser->problem_mark.column;
  if (parser->error == YAML_MEMORY_ERROR)
    return cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory: %s", where);
  if (parser->error == YAML_READER_ERROR) { /* these have an offset only */
    line = column = 0;
    for (size_t i = 0; i < parser->problem_offset; ++i)
      if (text[i] == '\n')
        ++line, column = 0;
      else
        ++column;
  }
  const char *problem = parser->problem ? parser->problem : "unknown error";
  return cutlab_fail(context, CUTLAB_ERROR_FORMAT, "%s:%zu:%zu: not valid YAML: %s%s%s", where,
                     line + 1, column + 1, parser->context ? parser->context : "",
                     parser->context ? ": " : "", problem);
}

/* The text of a scalar, or NULL if it is none or holds a NUL. */
static const char *scalar_text(const yaml_node_t *node) {
  if (node->type != YAML_SCALAR_NODE) return NULL;
  const char *text = (const char *)node->data.scalar.value;
  return strlen(text) == node->data.scalar.length ? text : NULL;
}

/* Text that `set` accepts; release with free. */
static cutlab_status node_text(cutlab_context *context, char **text, yaml_document_t *document,
                               const yaml_node_t *node, const char *where) {
  size_t size;
  cutlab_status status = CUTLAB_OK;
  *text = NULL;
  FILE *file = open_memstream(text, &size);
  if (!file) return cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory: %s", where);
  const char *scalar = scalar_text(node);
  if (scalar)
    fputs(scalar, file);
  else if (node->type == YAML_SEQUENCE_NODE) {
    const yaml_node_item_t *item = node->data.sequence.items.start;
    fputc('[', file);
    for (; status == CUTLAB_OK && item < node->data.sequence.items.top; ++item) {
      const yaml_node_t *element = yaml_document_get_node(document, *item);
      const char *element_text = scalar_text(element);
      if (item > node->data.sequence.items.start) fputs(", ", file);
      if (element_text)
        fputs(element_text, file);
      else
        status = fail_node(context, where, element, "an item of a list must be a plain value");
    }
    fputc(']', file);
  } else
    status = fail_node(context, where, node, "a value must be a plain value or a list");
  if (fclose(file) != 0 && status == CUTLAB_OK)
    status = cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory: %s", where);
  if (status == CUTLAB_OK) return CUTLAB_OK;
  free(*text);
  *text = NULL;
  return status;
}

static bool is_first(const target *to, const char *name) {
  return to->table->first_key && strcmp(name, to->table->first_key) == 0;
}

static bool is_known(const target *to, const char *name) {
  return cutlab_table_find(to->table, name) || is_first(to, name);
}

static cutlab_status apply_pair(cutlab_context *context, const target *to,
                                yaml_document_t *document, const yaml_node_pair_t *pair) {
  const yaml_node_t *key = yaml_document_get_node(document, pair->key);
  const yaml_node_t *value = yaml_document_get_node(document, pair->value);
  const char *name = scalar_text(key);
  char *text;
  CUTLAB_TRY(node_text(context, &text, document, value, to->where));
  cutlab_status status = to->set(context, to->values, name, text);
  free(text);
  if (status == CUTLAB_OK) return CUTLAB_OK;
  return fail_at(context, status, to->where, is_known(to, name) ? value : key);
}

/* Keys must be plain and differ. */
static cutlab_status check_keys(cutlab_context *context, const target *to,
                                yaml_document_t *document, const yaml_node_t *root) {
  const yaml_node_pair_t *first = root->data.mapping.pairs.start;
  for (const yaml_node_pair_t *pair = first; pair < root->data.mapping.pairs.top; ++pair) {
    const yaml_node_t *key = yaml_document_get_node(document, pair->key);
    const char *name = scalar_text(key);
    char text[64];
    snprintf(text, sizeof text, "a key must be the name of a %s", to->table->what);
    if (!name) return fail_node(context, to->where, key, text);
    if (!is_known(to, name)) continue; /* these fail when they are set */
    for (const yaml_node_pair_t *other = first; other < pair; ++other)
      if (strcmp(name, scalar_text(yaml_document_get_node(document, other->key))) == 0)
        return fail_node(context, to->where, key, "this key is given twice");
  }
  return CUTLAB_OK;
}

static cutlab_status apply_document(cutlab_context *context, const target *to,
                                    yaml_document_t *document) {
  const yaml_node_t *root = yaml_document_get_root_node(document);
  if (!root) return CUTLAB_OK; /* nothing but comments */
  if (root->type != YAML_MAPPING_NODE) {
    char text[64];
    snprintf(text, sizeof text, "expected lines of the form `%s: value`", to->table->what);
    return fail_node(context, to->where, root, text);
  }
  CUTLAB_TRY(check_keys(context, to, document, root));
  const yaml_node_pair_t *first = root->data.mapping.pairs.start,
                         *end = root->data.mapping.pairs.top;
  for (int pass = 0; pass < 2; ++pass)
    for (const yaml_node_pair_t *pair = first; pair < end; ++pair)
      if (is_first(to, scalar_text(yaml_document_get_node(document, pair->key))) == (pass == 0))
        CUTLAB_TRY(apply_pair(context, to, document, pair));
  return CUTLAB_OK;
}

/* Loads a document, hands it on, and checks that it is the only one. */
static cutlab_status apply_parser(cutlab_context *context, const target *to, yaml_parser_t *parser,
                                  const char *text) {
  yaml_document_t document;
  if (!yaml_parser_load(parser, &document)) return fail_syntax(context, to->where, text, parser);
  bool empty = !yaml_document_get_root_node(&document);
  cutlab_status status = apply_document(context, to, &document);
  yaml_document_delete(&document);
  if (status != CUTLAB_OK || empty) return status;
  if (!yaml_parser_load(parser, &document)) return fail_syntax(context, to->where, text, parser);
  const yaml_node_t *second = yaml_document_get_root_node(&document);
  if (second) status = fail_node(context, to->where, second, "a second document; accepted: one");
  yaml_document_delete(&document);
  return status;
}

/* Refuses nesting beyond a list in a mapping. The loader would find it only at the end, and in
   libyaml the time for that grows with the square of the depth. */
static cutlab_status check_depth(cutlab_context *context, const char *text, size_t size,
                                 const char *where) {
  yaml_parser_t parser;
  yaml_event_t event;
  cutlab_status status = CUTLAB_OK;
  bool ended = false;
  if (!yaml_parser_initialize(&parser))
    return cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory: %s", where);
  yaml_parser_set_input_string(&parser, (const unsigned char *)text, size);
  for (int depth = 0; !ended && yaml_parser_parse(&parser, &event); yaml_event_delete(&event)) {
    if (event.type == YAML_SEQUENCE_START_EVENT || event.type == YAML_MAPPING_START_EVENT) ++depth;
    if (event.type == YAML_SEQUENCE_END_EVENT || event.type == YAML_MAPPING_END_EVENT) --depth;
    if (depth > 2)
      status = cutlab_fail(context, CUTLAB_ERROR_FORMAT,
                           "%s:%zu:%zu: a value must be a plain value or a list of them", where,
                           event.start_mark.line + 1, event.start_mark.column + 1);
    ended = depth > 2 || event.type == YAML_STREAM_END_EVENT;
  }
  yaml_parser_delete(&parser);
  return status;
}

cutlab_status cutlab_table_apply_yaml(cutlab_context *context, const cutlab_table *table,
                                      void *values, cutlab_set_fn set, const char *text,
                                      size_t size, const char *where) {
  CUTLAB_TRY(check_depth(context, text, size, where));
  const target to = {table, cutlab_allocate(context, 1, table->size), set, where};
  if (!to.values) return CUTLAB_ERROR_MEMORY;
  memcpy(to.values, values, table->size);
  yaml_parser_t parser;
  cutlab_status status = CUTLAB_OK;
  if (!yaml_parser_initialize(&parser)) {
    status = cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory: %s", where);
  } else {
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, size);
    status = apply_parser(context, &to, &parser, text);
    yaml_parser_delete(&parser);
  }
  if (status == CUTLAB_OK) memcpy(values, to.values, table->size);
  free(to.values);
  return status;
}

cutlab_status cutlab_table_load_yaml(cutlab_context *context, const cutlab_table *table,
                                     void *values, cutlab_set_fn set, const char *path) {
  char *text;
  size_t size;
  CUTLAB_TRY(cutlab_file_read(context, &text, &size, path, max_yaml_bytes));
  cutlab_status status = cutlab_table_apply_yaml(context, table, values, set, text, size, path);
  free(text);
  return status;
}
