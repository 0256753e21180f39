/* The model language, by recursive descent:
     model    = layer { "|" layer }
     layer    = name [ "(" [ argument { "," argument } ] ")" ]
     argument = [ name "=" ] (number | word | model)
   A text that is the name of a listed model stands for that model's layers. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include <cutlab/experiment.h>

#include "base/number.h"
#include "nn/model_internal.h"

typedef struct parser {
  cutlab_context *context;
  cutlab_layers *layers;
  const char *at;
  int64_t classes;
  int depth;
} parser;

static cutlab_status fail_with(cutlab_context *context, const cutlab_layers *layers, size_t place,
                               const char *format, va_list arguments) {
  char text[640];
  int line = 1, column = 1;
  vsnprintf(text, sizeof text, format, arguments);
  for (size_t i = 0; i < place; ++i, ++column)
    if (layers->text[i] == '\n') ++line, column = 0;
  if (strchr(layers->text, '\n'))
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT, "%s, line %d, character %d: %s",
                       layers->title, line, column, text);
  return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT, "%s, character %d: %s", layers->title, column,
                     text);
}

cutlab_status cutlab_layers_fail(cutlab_context *context, const cutlab_layers *layers, size_t place,
                                 const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  cutlab_status status = fail_with(context, layers, place, format, arguments);
  va_end(arguments);
  return status;
}

static cutlab_status fail_here(const parser *p, const char *at, const char *format, ...)
    CUTLAB_PRINTF(3, 4);

static cutlab_status fail_here(const parser *p, const char *at, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  cutlab_status status =
      fail_with(p->context, p->layers, (size_t)(at - p->layers->text), format, arguments);
  va_end(arguments);
  return status;
}

static cutlab_status fail_expected(const parser *p, const char *what) {
  if (!*p->at) return fail_here(p, p->at, "it ends here; accepted: %s", what);
  return fail_here(p, p->at, "'%.20s'; accepted: %s", p->at, what);
}

/* ---- Words ---- */

static const char *after_blanks(const char *c) {
  c += strspn(c, " \t\r\n");
  while (*c == '#') {
    c += strcspn(c, "\n");
    c += strspn(c, " \t\r\n");
  }
  return c;
}

static bool take(parser *p, char c) {
  p->at = after_blanks(p->at);
  if (*p->at != c) return false;
  ++p->at;
  return true;
}

static bool is_word(char c) {
  return isalnum((unsigned char)c) || c == '_' || c == '-';
}

static bool is_value(char c) {
  return is_word(c) || c == '.' || c == '+';
}

enum { word_size = 64 };

static cutlab_status take_word(parser *p, char word[word_size], bool (*holds)(char),
                               const char *what) {
  size_t length = 0;
  p->at = after_blanks(p->at);
  while (holds(p->at[length])) ++length;
  if (!length || length >= word_size) return fail_expected(p, what);
  memcpy(word, p->at, length);
  word[length] = '\0';
  p->at += length;
  return CUTLAB_OK;
}

/* Whether "name =" comes next. */
static bool at_setting(parser *p) {
  const char *c = p->at = after_blanks(p->at);
  while (is_word(*c)) ++c;
  return c != p->at && *after_blanks(c) == '=';
}

/* ---- Arguments ---- */

static void write_accepted(char *text, size_t size, const cutlab_layer_rule *rule) {
  if (rule->kind == CUTLAB_RULE_MODEL) {
    snprintf(text, size, "layers joined by '|'");
  } else if (rule->kind == CUTLAB_RULE_FLAG) {
    snprintf(text, size, "yes, no");
  } else if (rule->kind == CUTLAB_RULE_WORD) {
    size_t at = 0;
    for (int i = 0; rule->words[i] && at < size; ++i)
      at += (size_t)snprintf(text + at, size - at, "%s%s", i ? ", " : "", rule->words[i]);
  } else {
    char low[cutlab_number_size], high[cutlab_number_size];
    cutlab_number_text(low, rule->minimum);
    cutlab_number_text(high, rule->maximum);
    snprintf(text, size, "%s from %s to %s%s%s",
             rule->kind == CUTLAB_RULE_WHOLE ? "a whole number" : "a number", low, high,
             rule->words[0] ? ", or " : "", rule->words[0] ? rule->words[0] : "");
  }
}

static bool parse_value(double *value, const cutlab_layer_rule *rule, const char *text) {
  if (rule->kind == CUTLAB_RULE_FLAG) {
    *value = strcmp(text, "yes") == 0;
    return *value == 1 || strcmp(text, "no") == 0;
  }
  if (rule->kind == CUTLAB_RULE_WORD) {
    for (int i = 0; rule->words[i]; ++i) {
      *value = i;
      if (strcmp(text, rule->words[i]) == 0) return true;
    }
    return false;
  }
  *value = -1;
  if (rule->words[0] && strcmp(text, rule->words[0]) == 0) return true;
  if (!cutlab_number_parse(value, text) || *value < rule->minimum || *value > rule->maximum)
    return false;
  return rule->kind == CUTLAB_RULE_NUMBER || *value == (double)(int64_t)*value;
}

static cutlab_status parse_sequence(parser *p, int *first);

static cutlab_status take_value(parser *p, const cutlab_layer_form *form, int index,
                                cutlab_layer_setting *settings) {
  const cutlab_layer_rule *rule = &form->rules[index];
  const char *at = p->at = after_blanks(p->at);
  char word[word_size], accepted[160];
  if (settings[index].given)
    return fail_here(p, at, "%s of %s is given twice", rule->name, form->name);
  settings[index].given = true;
  if (rule->kind == CUTLAB_RULE_MODEL) {
    int first = -1;
    CUTLAB_TRY(parse_sequence(p, &first));
    settings[index].value = first;
    return CUTLAB_OK;
  }
  write_accepted(accepted, sizeof accepted, rule);
  CUTLAB_TRY(take_word(p, word, is_value, accepted));
  if (parse_value(&settings[index].value, rule, word)) return CUTLAB_OK;
  return fail_here(p, at, "%s of %s is '%s'; accepted: %s", rule->name, form->name, word, accepted);
}

/* The rule of that name; -1: none. */
static int find_rule(const cutlab_layer_form *form, const char *name) {
  for (int i = 0; i < form->count; ++i)
    if (strcmp(form->rules[i].name, name) == 0) return i;
  return -1;
}

/* A flag whose bare name comes next; -1: none. */
static int find_flag(const parser *p, const cutlab_layer_form *form) {
  for (int i = 0; i < form->count; ++i) {
    size_t length = strlen(form->rules[i].name);
    if (form->rules[i].kind == CUTLAB_RULE_FLAG && !strncmp(p->at, form->rules[i].name, length) &&
        !is_value(p->at[length]))
      return i;
  }
  return -1;
}

static cutlab_status take_named(parser *p, const cutlab_layer_form *form,
                                cutlab_layer_setting *settings) {
  char name[word_size];
  const char *names[cutlab_layer_rules], *at = p->at;
  CUTLAB_TRY(take_word(p, name, is_word, "a name"));
  take(p, '=');
  int index = find_rule(form, name);
  if (index >= 0) return take_value(p, form, index, settings);
  if (!form->count)
    return fail_here(p, at, "unknown parameter of %s: '%s'; accepted: none", form->name, name);
  for (int i = 0; i < form->count; ++i) names[i] = form->rules[i].name;
  return fail_here(p, at, "unknown parameter of %s: '%s'; nearest: %s", form->name, name,
                   names[cutlab_nearest_name(name, names, form->count)]);
}

static cutlab_status take_argument(parser *p, const cutlab_layer_form *form,
                                   cutlab_layer_setting *settings, int *position) {
  if (at_setting(p)) return take_named(p, form, settings);
  int flag = find_flag(p, form);
  if (flag >= 0) {
    if (settings[flag].given)
      return fail_here(p, p->at, "%s of %s is given twice", form->rules[flag].name, form->name);
    settings[flag] = (cutlab_layer_setting){1, true};
    p->at += strlen(form->rules[flag].name);
    return CUTLAB_OK;
  }
  if (*position < form->positional) return take_value(p, form, (*position)++, settings);
  char what[160] = "')'";
  size_t length = strlen(what);
  for (int i = 0; i < form->count && length < sizeof what; ++i)
    if (!settings[i].given)
      length += (size_t)snprintf(what + length, sizeof what - length, ", %s=", form->rules[i].name);
  return fail_expected(p, what);
}

/* All that stands in the brackets of `form`, defaults for the rest. `at`: of its name. */
static cutlab_status take_arguments(parser *p, const char *at, const cutlab_layer_form *form,
                                    cutlab_layer_setting *settings) {
  int position = 0;
  for (int i = 0; i < form->count; ++i)
    if (!settings[i].given) settings[i].value = form->rules[i].fallback;
  if (take(p, '(') && !take(p, ')')) {
    do CUTLAB_TRY(take_argument(p, form, settings, &position));
    while (take(p, ','));
    if (!take(p, ')')) return fail_expected(p, "',' or ')'");
  }
  for (int i = 0; i < form->count; ++i) {
    if (!form->rules[i].required || settings[i].given) continue;
    char accepted[160];
    write_accepted(accepted, sizeof accepted, &form->rules[i]);
    return fail_here(p, at, "%s has no %s; accepted: %s", form->name, form->rules[i].name,
                     accepted);
  }
  return CUTLAB_OK;
}

/* ---- Layers ---- */

/* Defaults that follow from other settings, and rules between settings. */
static cutlab_status settle(const parser *p, const char *at, cutlab_layer *layer) {
  cutlab_layer_setting *s = layer->settings;
  if (layer->kind == CUTLAB_LAYER_CONV) {
    int64_t kernel = (int64_t)s[CUTLAB_CONV_KERNEL].value, same = (kernel - 1) / 2;
    if (s[CUTLAB_CONV_PAD].value < 0) s[CUTLAB_CONV_PAD].value = (double)same;
    if (s[CUTLAB_CONV_PAD].value >= (double)kernel)
      return fail_here(p, at, "pad of conv is %.0f; accepted: less than its kernel, %lld",
                       s[CUTLAB_CONV_PAD].value, (long long)kernel);
  } else if (layer->kind == CUTLAB_LAYER_POOL) {
    if (s[CUTLAB_POOL_GLOBAL].value == 1 &&
        (s[CUTLAB_POOL_SIZE].given || s[CUTLAB_POOL_STRIDE].given))
      return fail_here(p, at, "pool is global and has a size or stride; accepted: one of the two");
    if (s[CUTLAB_POOL_STRIDE].value < 0) s[CUTLAB_POOL_STRIDE].value = s[CUTLAB_POOL_SIZE].value;
  } else if (layer->kind == CUTLAB_LAYER_LINEAR || layer->kind == CUTLAB_LAYER_GROUP_SUM) {
    if (s[0].value < 0) s[0].value = (double)p->classes;
  }
  return CUTLAB_OK;
}

static cutlab_status fail_unknown(const parser *p, const char *at, const char *name) {
  const char *names[CUTLAB_LAYER_KINDS + cutlab_listed_max_names];
  cutlab_layer_setting settings[cutlab_layer_rules] = {{0}};
  if (cutlab_listed_find(name, settings))
    return fail_here(p, at, "'%s' is a model of the list; accepted: it alone, or layers", name);
  int count = CUTLAB_LAYER_KINDS;
  for (int i = 0; i < count; ++i) names[i] = cutlab_layer_forms[i].name;
  count += cutlab_listed_names(names + count);
  return fail_here(p, at, "unknown layer or model '%s'; nearest: %s", name,
                   names[cutlab_nearest_name(name, names, count)]);
}

static cutlab_status parse_layer(parser *p, int *index) {
  char name[word_size];
  const char *at = p->at = after_blanks(p->at);
  cutlab_layer layer = {.place = (size_t)(at - p->layers->text), .next = -1};
  CUTLAB_TRY(take_word(p, name, is_word, "a layer"));
  while (layer.kind < CUTLAB_LAYER_KINDS && strcmp(cutlab_layer_forms[layer.kind].name, name) != 0)
    ++layer.kind;
  if (layer.kind == CUTLAB_LAYER_KINDS) return fail_unknown(p, at, name);
  CUTLAB_TRY(take_arguments(p, at, &cutlab_layer_forms[layer.kind], layer.settings));
  CUTLAB_TRY(settle(p, at, &layer));
  cutlab_layers *all = p->layers;
  if (all->count == cutlab_model_max_nodes)
    return fail_here(p, at, "too many layers; accepted: at most %d", cutlab_model_max_nodes);
  CUTLAB_TRY(cutlab_model_grow(p->context, (void **)&all->layers, all->count, &all->capacity,
                               sizeof layer));
  *index = all->count++;
  all->layers[*index] = layer;
  return CUTLAB_OK;
}

static cutlab_status parse_sequence(parser *p, int *first) {
  int last = -1;
  if (++p->depth > cutlab_model_max_depth)
    return fail_here(p, p->at, "layers are nested too deeply; accepted: %d levels",
                     cutlab_model_max_depth - 1);
  do {
    int index = -1;
    CUTLAB_TRY(parse_layer(p, &index));
    if (last < 0)
      *first = index;
    else
      p->layers->layers[last].next = index;
    last = index;
  } while (take(p, '|'));
  --p->depth;
  return CUTLAB_OK;
}

static cutlab_status fail_rest(parser *p, const char *what) {
  p->at = after_blanks(p->at);
  return *p->at ? fail_expected(p, what) : CUTLAB_OK;
}

/* ---- Listed models ---- */

/* Replaces the name of a listed model by its layers. */
static cutlab_status write_listed(parser *p, const cutlab_listed *listed, const char *name,
                                  const cutlab_layer_setting *settings) {
  char *text = NULL;
  size_t size = 0;
  FILE *file = open_memstream(&text, &size);
  if (file) listed->write(file, settings, p->classes);
  if (!file || fclose(file) != 0) {
    free(text);
    return cutlab_fail(p->context, CUTLAB_ERROR_MEMORY, "out of memory: the layers of %s", name);
  }
  free(p->layers->text);
  p->layers->text = text;
  p->at = text;
  snprintf(p->layers->title, sizeof p->layers->title, "model %.20s as layers", name);
  return CUTLAB_OK;
}

static cutlab_status expand_listed(parser *p) {
  cutlab_layer_setting settings[cutlab_layer_rules] = {{0}};
  char name[word_size];
  const char *at = p->at = after_blanks(p->at);
  CUTLAB_TRY(take_word(p, name, is_word, "a layer or model"));
  const cutlab_listed *listed = cutlab_listed_find(name, settings);
  if (!listed) {
    p->at = at;
    return CUTLAB_OK;
  }
  CUTLAB_TRY(take_arguments(p, at, &listed->form, settings));
  CUTLAB_TRY(fail_rest(p, "the end, for a model of the list stands alone"));
  if (listed->depth_rest && (int)settings[0].value % 6 != listed->depth_rest)
    return fail_here(p, at, "depth of %s is %.0f; accepted: 6 n + %d%s", name, settings[0].value,
                     listed->depth_rest, listed->depth_note);
  return write_listed(p, listed, name, settings);
}

cutlab_status cutlab_layers_parse(cutlab_context *context, cutlab_layers *layers, const char *text,
                                  int64_t classes) {
  *layers = (cutlab_layers){.first = -1, .title = "model"};
  if (!text) return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT, "text is NULL; accepted: a model");
  if (strnlen(text, cutlab_model_max_text + 1) > cutlab_model_max_text)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                       "model: its text is too long; accepted: at most %d characters",
                       cutlab_model_max_text);
  layers->text = strdup(text);
  if (!layers->text) return cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory: a model");
  parser p = {.context = context, .layers = layers, .at = layers->text, .classes = classes};
  CUTLAB_TRY(expand_listed(&p));
  CUTLAB_TRY(parse_sequence(&p, &layers->first));
  return fail_rest(&p, "'|' or the end");
}

void cutlab_layers_clear(cutlab_layers *layers) {
  free(layers->layers);
  free(layers->text);
  *layers = (cutlab_layers){.first = -1};
}
