/* Specs from YAML, with file, line and column in every error. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include <cutlab/experiment.h>

#include "base/number.h"
#include "sweep/spec.h"

enum { most_values = 10000, deepest = 4 };
static const double most_seed = 9007199254740992.0; /* 2^53 */

typedef struct reader {
  cutlab_context *context;
  cutlab_spec *spec;
  const char *where;
  bool one_line; /* a value from a command line: line and column say nothing */
  yaml_document_t document;
} reader;

typedef const yaml_node_t node;

static node *node_at(reader *r, int index) {
  return yaml_document_get_node(&r->document, index);
}

static void place(char where[cutlab_spec_where], const reader *r, node *n) {
  if (r->one_line)
    snprintf(where, cutlab_spec_where, "%.150s", r->where);
  else
    snprintf(where, cutlab_spec_where, "%.120s:%zu:%zu", r->where, n->start_mark.line + 1,
             n->start_mark.column + 1);
}

#define FAIL(r, n, ...)                                                                            \
  do {                                                                                             \
    char fail_where[cutlab_spec_where];                                                            \
    place(fail_where, r, n);                                                                       \
    return cutlab_spec_fail((r)->context, fail_where, __VA_ARGS__);                                \
  } while (0)

/* The text of a scalar, or NULL if it is none or holds a NUL. */
static const char *scalar(node *n) {
  if (n->type != YAML_SCALAR_NODE) return NULL;
  const char *text = (const char *)n->data.scalar.value;
  return strlen(text) == n->data.scalar.length ? text : NULL;
}

static int item_count(node *n) {
  return (int)(n->data.sequence.items.top - n->data.sequence.items.start);
}

static node *item(reader *r, node *n, int i) {
  return node_at(r, n->data.sequence.items.start[i]);
}

/* A scalar, or a list of them as "[a, b]". Release with free. */
static cutlab_status value_text(reader *r, char **text, node *n) {
  size_t size;
  *text = NULL;
  bool plain = scalar(n) != NULL;
  if (n->type == YAML_SEQUENCE_NODE) {
    plain = true;
    for (int i = 0; i < item_count(n); ++i) plain &= scalar(item(r, n, i)) != NULL;
  }
  if (!plain) FAIL(r, n, "a value must be plain, or a list of plain ones");
  FILE *file = open_memstream(text, &size);
  if (!file) return cutlab_fail(r->context, CUTLAB_ERROR_MEMORY, "out of memory: %s", r->where);
  if (scalar(n)) {
    fputs(scalar(n), file);
  } else {
    fputc('[', file);
    for (int i = 0; i < item_count(n); ++i)
      fprintf(file, "%s%s", i ? ", " : "", scalar(item(r, n, i)));
    fputc(']', file);
  }
  if (fclose(file) == 0) return CUTLAB_OK;
  free(*text);
  *text = NULL;
  return cutlab_fail(r->context, CUTLAB_ERROR_MEMORY, "out of memory: %s", r->where);
}

static cutlab_status read_number(reader *r, double *number, node *n, const char *what, double low,
                                 double high) {
  const char *text = scalar(n);
  if (!text || !cutlab_number_parse(number, text) || *number < low || *number > high)
    FAIL(r, n, "%s is %s%.80s%s; accepted: a number from %g to %g", what, text ? "'" : "",
         text ? text : "no number", text ? "'" : "", low, high);
  return CUTLAB_OK;
}

static cutlab_status read_integer(reader *r, int64_t *integer, node *n, const char *what,
                                  double low, double high) {
  double number = 0;
  CUTLAB_TRY(read_number(r, &number, n, what, low, high));
  if (number != floor(number)) FAIL(r, n, "%s is %g; accepted: an integer", what, number);
  *integer = (int64_t)number;
  return CUTLAB_OK;
}

/* Keys of mappings. */

typedef struct member {
  const char *name;
  cutlab_status (*read)(reader *r, node *value, void *user);
} member;

/* Hands the values of a mapping to those that read them. `what` is said in messages. */
static cutlab_status read_members(reader *r, node *n, const char *what, const member *members,
                                  int count, void *user) {
  if (n->type != YAML_MAPPING_NODE) FAIL(r, n, "%s must be lines of the form `key: value`", what);
  const char *names[16];
  bool seen[16] = {false};
  for (int m = 0; m < count; ++m) names[m] = members[m].name;
  for (const yaml_node_pair_t *pair = n->data.mapping.pairs.start; pair < n->data.mapping.pairs.top;
       ++pair) {
    node *key = node_at(r, pair->key);
    const char *name = scalar(key);
    int m = 0;
    while (name && m < count && strcmp(members[m].name, name) != 0) ++m;
    if (!name) FAIL(r, key, "a key must be plain text");
    if (m == count)
      FAIL(r, key, "unknown key '%.80s' of %s; nearest: %s", name, what,
           names[cutlab_nearest_name(name, names, count)]);
    if (seen[m]) FAIL(r, key, "%s is given twice", name);
    seen[m] = true;
    CUTLAB_TRY(members[m].read(r, node_at(r, pair->value), user));
  }
  return CUTLAB_OK;
}

/* Calls `read` for each "name: value" of a mapping of free names. */
static cutlab_status read_named(reader *r, node *n, const char *what,
                                cutlab_status (*read)(reader *r, const char *name, node *key,
                                                      node *value)) {
  if (n->type != YAML_MAPPING_NODE) FAIL(r, n, "%s must be lines of the form `name: value`", what);
  const yaml_node_pair_t *first = n->data.mapping.pairs.start;
  for (const yaml_node_pair_t *pair = first; pair < n->data.mapping.pairs.top; ++pair) {
    node *key = node_at(r, pair->key);
    const char *name = scalar(key);
    if (!name || !*name || strlen(name) > 60) FAIL(r, key, "a name of %s must be plain text", what);
    for (const yaml_node_pair_t *other = first; other < pair; ++other)
      if (strcmp(name, scalar(node_at(r, other->key))) == 0)
        FAIL(r, key, "%s is given twice", name);
    CUTLAB_TRY(read(r, name, key, node_at(r, pair->value)));
  }
  return CUTLAB_OK;
}

/* Axes */

static cutlab_status read_from(reader *r, node *n, void *axis) {
  return read_number(r, &((cutlab_spec_axis *)axis)->from, n, "from", -1e300, 1e300);
}

static cutlab_status read_to(reader *r, node *n, void *axis) {
  return read_number(r, &((cutlab_spec_axis *)axis)->to, n, "to", -1e300, 1e300);
}

static cutlab_status read_step(reader *r, node *n, void *axis) {
  return read_number(r, &((cutlab_spec_axis *)axis)->step, n, "step", 1e-300, 1e300);
}

static cutlab_status read_count(reader *r, node *n, void *axis) {
  return read_integer(r, &((cutlab_spec_axis *)axis)->count, n, "count", 1, 1e15);
}

static cutlab_status read_spacing(reader *r, node *n, void *axis) {
  const char *text = scalar(n);
  bool is_log = text && strcmp(text, "log") == 0;
  if (!is_log && (!text || strcmp(text, "linear") != 0))
    FAIL(r, n, "spacing is '%.80s'; accepted: linear, log", text ? text : "a list");
  ((cutlab_spec_axis *)axis)->logarithmic = is_log;
  return CUTLAB_OK;
}

static cutlab_status read_random(reader *r, node *n, void *axis) {
  ((cutlab_spec_axis *)axis)->random = true;
  return read_spacing(r, n, axis);
}

static const member axis_members[] = {{"from", read_from},       {"to", read_to},
                                      {"count", read_count},     {"step", read_step},
                                      {"spacing", read_spacing}, {"random", read_random}};

static cutlab_status read_spaced(reader *r, cutlab_spec_axis *axis, node *n) {
  char what[80];
  snprintf(what, sizeof what, "axis %.60s", axis->name);
  axis->from = axis->to = NAN;
  CUTLAB_TRY(read_members(r, n, what, axis_members, 6, axis));
  if (isnan(axis->from) || isnan(axis->to) || (axis->step > 0) == (axis->count > 0))
    FAIL(r, n, "%s needs from, to, and either count or step", what);
  if (axis->random && axis->step > 0) FAIL(r, n, "%s is random: count instead of step", what);
  if (axis->to < axis->from)
    FAIL(r, n, "%s goes from %g down to %g; accepted: from at most to, or a list in any order",
         what, axis->from, axis->to);
  if (axis->logarithmic && !(axis->from > 0))
    FAIL(r, n, "%s is logarithmic from %g on; accepted: above 0", what, axis->from);
  if (axis->logarithmic && axis->step > 0)
    FAIL(r, n, "%s is logarithmic: count instead of step", what);
  if (axis->from == axis->to && axis->count > 1 && !axis->random)
    FAIL(r, n, "%s has %lld equal values", what, (long long)axis->count);
  return CUTLAB_OK;
}

/* A value of a list is an entry whose name is its text. */
static cutlab_status read_value(reader *r, cutlab_spec_axis *axis, node *n) {
  char *text, where[cutlab_spec_where];
  CUTLAB_TRY(value_text(r, &text, n));
  place(where, r, n);
  int before = axis->values.count;
  cutlab_status status = cutlab_entries_put(r->context, &axis->values, text, NULL, where);
  if (status == CUTLAB_OK && axis->values.count == before)
    status = cutlab_spec_fail(r->context, where, "axis %s has %.80s twice", axis->name, text);
  free(text);
  return status;
}

static cutlab_status read_values(reader *r, cutlab_spec_axis *axis, node *n) {
  if (n->type == YAML_MAPPING_NODE) return read_spaced(r, axis, n);
  if (scalar(n) && *scalar(n)) return read_value(r, axis, n);
  int count = n->type == YAML_SEQUENCE_NODE ? item_count(n) : 0;
  if (!count)
    FAIL(r, n,
         "axis %s is empty; accepted: a list of values, or {from: .., to: .., count: .., spacing: "
         "linear | log}",
         axis->name);
  if (count > most_values)
    FAIL(r, n, "axis %s has %d values; accepted: %d", axis->name, count, most_values);
  for (int i = 0; i < count; ++i) CUTLAB_TRY(read_value(r, axis, item(r, n, i)));
  return CUTLAB_OK;
}

static cutlab_status read_axis(reader *r, const char *name, node *key, node *value) {
  cutlab_spec_axis axis = {.name = strdup(name)};
  place(axis.where, r, key);
  cutlab_status status =
      axis.name ? read_values(r, &axis, value)
                : cutlab_fail(r->context, CUTLAB_ERROR_MEMORY, "out of memory: %s", r->where);
  if (status == CUTLAB_OK) status = cutlab_spec_put_axis(r->context, r->spec, &axis);
  cutlab_spec_axis_clear(&axis);
  return status;
}

static cutlab_status read_axes(reader *r, node *n, void *user) {
  (void)user;
  return read_named(r, n, "axes", read_axis);
}

/* Parameters and boundaries */

static bool is_list_parameter(const char *name) {
  const cutlab_parameter *p;
  for (int i = 0; (p = cutlab_experiment_parameter(i)); ++i)
    if (strcmp(p->name, name) == 0) return strncmp(p->kind, "list", 4) == 0;
  return false;
}

static bool is_parameter(const char *name) {
  const cutlab_parameter *p;
  for (int i = 0; (p = cutlab_experiment_parameter(i)); ++i)
    if (strcmp(p->name, name) == 0) return true;
  return false;
}

static cutlab_status put_text(reader *r, cutlab_entries *entries, const char *name, node *value) {
  char *text, where[cutlab_spec_where];
  CUTLAB_TRY(value_text(r, &text, value));
  place(where, r, value);
  cutlab_status status = cutlab_entries_put(r->context, entries, name, text, where);
  free(text);
  return status;
}

static cutlab_status fail_parameter(reader *r, const char *name, node *key,
                                    const char *const *others, int other_count) {
  enum { most = 192 };
  const char *names[most];
  const cutlab_parameter *p;
  int count = 0;
  for (; count < other_count; ++count) names[count] = others[count];
  for (int i = 0; count < most && (p = cutlab_experiment_parameter(i)); ++i)
    names[count++] = p->name;
  for (int a = 0; other_count && count < most && a < r->spec->axis_count; ++a)
    names[count++] = r->spec->axes[a].name;
  FAIL(r, key, "unknown parameter '%.80s'; nearest: %s", name,
       names[cutlab_nearest_name(name, names, count)]);
}

static cutlab_status check_seed(reader *r, const char *name, node *key) {
  if (strcmp(name, "seed") == 0) FAIL(r, key, "seed is not a parameter of a sweep: use seeds");
  return CUTLAB_OK;
}

static cutlab_status read_parameter(reader *r, const char *name, node *key, node *value) {
  CUTLAB_TRY(check_seed(r, name, key));
  if (!is_parameter(name)) return fail_parameter(r, name, key, NULL, 0);
  if (value->type == YAML_SEQUENCE_NODE && !is_list_parameter(name))
    FAIL(r, value, "%s has one value in every run; several are an axis", name);
  return put_text(r, &r->spec->parameters, name, value);
}

static cutlab_status read_parameters(reader *r, node *n, void *user) {
  (void)user;
  return read_named(r, n, "parameters", read_parameter);
}

static cutlab_status read_boundary(reader *r, const char *name, node *key, node *value) {
  (void)key;
  if (!scalar(value)) FAIL(r, value, "boundary %s must be an expression", name);
  return put_text(r, &r->spec->boundaries, name, value);
}

static cutlab_status read_boundaries(reader *r, node *n, void *user) {
  (void)user;
  return read_named(r, n, "boundaries", read_boundary);
}

/* The rest */

static cutlab_status read_name(reader *r, node *n, void *user) {
  (void)user;
  const char *text = scalar(n);
  if (!text || !*text || strlen(text) >= sizeof r->spec->name)
    FAIL(r, n, "name must be text of 1 to %zu bytes", sizeof r->spec->name - 1);
  snprintf(r->spec->name, sizeof r->spec->name, "%s", text);
  return CUTLAB_OK;
}

static cutlab_status read_text(reader *r, node *n, cutlab_entry *entry, const char *what) {
  char where[cutlab_spec_where];
  if (!scalar(n) || !*scalar(n)) FAIL(r, n, "%s must be a name", what);
  place(where, r, n);
  return cutlab_spec_set_entry(r->context, entry, scalar(n), where);
}

static cutlab_status read_preset(reader *r, node *n, void *user) {
  (void)user;
  return read_text(r, n, &r->spec->preset, "preset");
}

static cutlab_status read_seed_list(reader *r, node *n) {
  int count = item_count(n);
  if (!count) FAIL(r, n, "seeds are empty; accepted: how many, or a list of integers");
  int64_t *seeds = cutlab_allocate(r->context, count, sizeof *seeds);
  if (!seeds) return CUTLAB_ERROR_MEMORY;
  cutlab_status status = CUTLAB_OK;
  for (int i = 0; i < count && status == CUTLAB_OK; ++i) {
    status = read_integer(r, &seeds[i], item(r, n, i), "a seed", 0, most_seed);
    for (int j = 0; j < i && status == CUTLAB_OK; ++j)
      if (seeds[j] == seeds[i])
        status =
            cutlab_spec_fail(r->context, r->where, "seed %lld is given twice", (long long)seeds[i]);
  }
  if (status != CUTLAB_OK) {
    free(seeds);
    return status;
  }
  free(r->spec->seeds);
  r->spec->seeds = seeds;
  r->spec->seed_count = count;
  return CUTLAB_OK;
}

static cutlab_status read_seeds(reader *r, node *n, void *user) {
  (void)user;
  if (n->type == YAML_SEQUENCE_NODE) return read_seed_list(r, n);
  CUTLAB_TRY(read_integer(r, &r->spec->seed_count, n, "seeds", 1, 1e12));
  free(r->spec->seeds);
  r->spec->seeds = NULL;
  return CUTLAB_OK;
}

static cutlab_status read_first_seed(reader *r, node *n, void *user) {
  (void)user;
  return read_integer(r, &r->spec->first_seed, n, "first_seed", 0, most_seed);
}

static cutlab_status read_draws(reader *r, node *n, void *user) {
  const char *text = scalar(n);
  (void)user;
  bool own = text && strcmp(text, "own") == 0;
  if (!own && (!text || strcmp(text, "shared") != 0))
    FAIL(r, n, "draws is '%.80s'; accepted: shared, own", text ? text : "no text");
  r->spec->own_draws = own;
  return CUTLAB_OK;
}

static cutlab_status read_random_seed(reader *r, node *n, void *user) {
  (void)user;
  return read_integer(r, &r->spec->random_seed, n, "random_seed", 0, most_seed);
}

/* A list of names, or one. */
static cutlab_status read_names(reader *r, node *n, cutlab_entries *entries, const char *what) {
  cutlab_entries names = {0};
  char where[cutlab_spec_where];
  cutlab_status status = CUTLAB_OK;
  bool is_list = n->type == YAML_SEQUENCE_NODE;
  int count = is_list ? item_count(n) : 1;
  for (int i = 0; i < count && status == CUTLAB_OK; ++i) {
    node *one = is_list ? item(r, n, i) : n;
    place(where, r, one);
    if (!scalar(one) || !*scalar(one))
      status = cutlab_spec_fail(r->context, where, "%s must be a name, or a list of names", what);
    else
      status = cutlab_entries_put(r->context, &names, scalar(one), NULL, where);
  }
  if (status == CUTLAB_OK) {
    cutlab_entries old = *entries;
    *entries = names;
    names = old;
  }
  cutlab_entries_clear(&names);
  return status;
}

static cutlab_status read_measure(reader *r, node *n, void *user) {
  (void)user;
  return read_names(r, n, &r->spec->measures, "measure");
}

static cutlab_status read_learnt_at(reader *r, node *n, void *user) {
  (void)user;
  return read_number(r, &r->spec->learnt_at, n, "learnt_at", 0.5, 1);
}

static cutlab_status read_stop_loss(reader *r, node *n, void *user) {
  (void)user;
  return read_number(r, &r->spec->stop_train_loss, n, "stop: train_loss", 0, 1e300);
}

static cutlab_status read_stop(reader *r, node *n, void *user) {
  static const member members[] = {{"train_loss", read_stop_loss}};
  return read_members(r, n, "stop", members, 1, user);
}

static cutlab_status read_map_x(reader *r, node *n, void *user) {
  (void)user;
  return read_text(r, n, &r->spec->map_x, "map: x");
}

static cutlab_status read_map_y(reader *r, node *n, void *user) {
  (void)user;
  return read_text(r, n, &r->spec->map_y, "map: y");
}

static cutlab_status read_map_panels(reader *r, node *n, void *user) {
  (void)user;
  return read_text(r, n, &r->spec->map_panels, "map: panels");
}

static cutlab_status read_map_value(reader *r, node *n, void *user) {
  (void)user;
  return read_names(r, n, &r->spec->map_values, "map: value");
}

static cutlab_status read_map(reader *r, node *n, void *user) {
  static const member members[] = {
      {"x", read_map_x}, {"y", read_map_y}, {"panels", read_map_panels}, {"value", read_map_value}};
  return read_members(r, n, "map", members, 4, user);
}

static const member members[] = {{"name", read_name},
                                 {"preset", read_preset},
                                 {"parameters", read_parameters},
                                 {"axes", read_axes},
                                 {"seeds", read_seeds},
                                 {"first_seed", read_first_seed},
                                 {"draws", read_draws},
                                 {"random_seed", read_random_seed},
                                 {"measure", read_measure},
                                 {"learnt_at", read_learnt_at},
                                 {"stop", read_stop},
                                 {"map", read_map},
                                 {"boundaries", read_boundaries}};
enum { member_count = sizeof members / sizeof *members };

/* Documents */

static cutlab_status fail_syntax(const reader *r, const yaml_parser_t *parser) {
  if (parser->error == YAML_MEMORY_ERROR)
    return cutlab_fail(r->context, CUTLAB_ERROR_MEMORY, "out of memory: %s", r->where);
  const char *problem = parser->problem ? parser->problem : "unknown error";
  return cutlab_fail(r->context, CUTLAB_ERROR_FORMAT, "%s:%zu:%zu: not valid YAML: %s%s%s",
                     r->where, parser->problem_mark.line + 1, parser->problem_mark.column + 1,
                     parser->context ? parser->context : "", parser->context ? ": " : "", problem);
}

/* Refuses deep nesting before the loader spends time on it that grows with the square of the depth,
   and aliases. */
static cutlab_status check_events(const reader *r, const char *text, size_t size) {
  yaml_parser_t parser;
  yaml_event_t event;
  const char *problem = NULL;
  size_t line = 0, column = 0;
  if (!yaml_parser_initialize(&parser))
    return cutlab_fail(r->context, CUTLAB_ERROR_MEMORY, "out of memory: %s", r->where);
  yaml_parser_set_input_string(&parser, (const unsigned char *)text, size);
  bool ended = false;
  for (int depth = 0; !ended && yaml_parser_parse(&parser, &event); yaml_event_delete(&event)) {
    if (event.type == YAML_SEQUENCE_START_EVENT || event.type == YAML_MAPPING_START_EVENT) ++depth;
    if (event.type == YAML_SEQUENCE_END_EVENT || event.type == YAML_MAPPING_END_EVENT) --depth;
    if (depth > deepest) problem = "lists in lists; accepted: plain values, or lists of them";
    if (event.type == YAML_ALIAS_EVENT) problem = "an alias; accepted: values as they are";
    line = event.start_mark.line + 1, column = event.start_mark.column + 1;
    ended = problem || event.type == YAML_STREAM_END_EVENT;
  }
  yaml_parser_delete(&parser);
  if (!problem) return CUTLAB_OK;
  return cutlab_fail(r->context, CUTLAB_ERROR_FORMAT, "%s:%zu:%zu: %s", r->where, line, column,
                     problem);
}

/* Loads the one document of a text, and hands its root to `use`. */
static cutlab_status read_document(reader *r, const char *text, size_t size,
                                   cutlab_status (*use)(reader *r, node *root, void *user),
                                   void *user) {
  CUTLAB_TRY(check_events(r, text, size));
  yaml_parser_t parser;
  if (!yaml_parser_initialize(&parser))
    return cutlab_fail(r->context, CUTLAB_ERROR_MEMORY, "out of memory: %s", r->where);
  yaml_parser_set_input_string(&parser, (const unsigned char *)text, size);
  cutlab_status status;
  if (!yaml_parser_load(&parser, &r->document)) {
    status = fail_syntax(r, &parser);
  } else {
    node *root = yaml_document_get_root_node(&r->document);
    status =
        root ? use(r, root, user) : cutlab_spec_fail(r->context, r->where, "nothing is said here");
    yaml_document_delete(&r->document);
  }
  yaml_document_t second;
  if (status == CUTLAB_OK && !yaml_parser_load(&parser, &second)) {
    status = fail_syntax(r, &parser);
  } else if (status == CUTLAB_OK) {
    if (yaml_document_get_root_node(&second))
      status = cutlab_spec_fail(r->context, r->where, "a second document; accepted: one");
    yaml_document_delete(&second);
  }
  yaml_parser_delete(&parser);
  return status;
}

static cutlab_status use_spec(reader *r, node *root, void *user) {
  return read_members(r, root, "a sweep", members, member_count, user);
}

cutlab_status cutlab_spec_read(cutlab_context *context, cutlab_spec *spec, const char *text,
                               size_t size, const char *where) {
  reader r = {.context = context, .spec = spec, .where = where};
  return read_document(&r, text, size, use_spec, NULL);
}

/* What a name on the command line means: something of the spec, an axis where there is one or
   several values are given, or a parameter. */
static cutlab_status use_value(reader *r, node *root, void *user) {
  static const char *const structures[] = {"parameters", "axes", "boundaries"};
  const char *key = user;
  for (int i = 0; i < 3; ++i)
    if (strcmp(key, structures[i]) == 0)
      return cutlab_spec_fail(r->context, key, "set an axis or a parameter by its own name");
  for (int m = 0; m < member_count; ++m)
    if (strcmp(members[m].name, key) == 0) return members[m].read(r, root, NULL);
  bool several = root->type == YAML_MAPPING_NODE ||
                 (root->type == YAML_SEQUENCE_NODE && !is_list_parameter(key));
  if (cutlab_spec_find_axis(r->spec, key) >= 0) return read_axis(r, key, root, root);
  CUTLAB_TRY(check_seed(r, key, root));
  const char *keys[member_count];
  for (int m = 0; m < member_count; ++m) keys[m] = members[m].name;
  if (!is_parameter(key)) return fail_parameter(r, key, root, keys, member_count);
  return several ? read_axis(r, key, root, root) : read_parameter(r, key, root, root);
}

cutlab_status cutlab_spec_set(cutlab_context *context, cutlab_spec *spec, const char *key,
                              const char *text) {
  reader r = {.context = context, .spec = spec, .where = key, .one_line = true};
  char *name = strdup(key);
  if (!name) return cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory: %s", key);
  cutlab_status status = read_document(&r, text, strlen(text), use_value, name);
  free(name);
  return status;
}
