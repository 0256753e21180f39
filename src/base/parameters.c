/* Parameter values as text: parsing, printing, JSON, and the nearest name to a misspelt one. */
#include "base/parameters.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/number.h"

enum { token_size = 128, max_rows = 128 };

/* How a value is printed: as `set` takes it, or in a file. */
typedef enum value_form { FORM_PLAIN, FORM_YAML, FORM_JSON } value_form;

static int smaller(int a, int b) {
  return a < b ? a : b;
}

static void trim(const char **text, size_t *length) {
  while (*length && isspace((unsigned char)**text)) ++*text, --*length;
  while (*length && isspace((unsigned char)(*text)[*length - 1])) --*length;
}

/* Copies text without blanks and quotes around it. False if nothing is left or it is longer
   than any value. */
static bool copy_token(char token[token_size], const char *text, size_t length) {
  trim(&text, &length);
  if (length >= 2 && (*text == '"' || *text == '\'') && text[length - 1] == *text)
    ++text, length -= 2;
  if (!length || length >= token_size) return false;
  memcpy(token, text, length);
  token[length] = '\0';
  return true;
}

static bool parse_int64(int64_t *value, const char *token) {
  if (token[strspn(token, "0123456789+-.eE")]) return false;
  char *end;
  errno = 0;
  *value = strtoll(token, &end, 10);
  if (!*end && !errno) return true;
  double number; /* 1e4 */
  if (!cutlab_number_parse(&number, token) || number != floor(number) || fabs(number) > 0x1p53)
    return false;
  *value = (int64_t)number;
  return true;
}

/* Parses one element of a row to `field`. */
static bool parse_element(const cutlab_row *row, void *field, const char *token) {
  switch (row->kind) {
  case CUTLAB_KIND_INTEGER: {
    int64_t value;
    if (!parse_int64(&value, token) || value < row->least || value > row->most) return false;
    if (row->excluded && value == row->excluded) return false;
    memcpy(field, &value, sizeof value);
    return true;
  }
  case CUTLAB_KIND_NUMBER:
  case CUTLAB_KIND_NUMBERS: {
    double value;
    if (!cutlab_number_parse(&value, token) || value < row->low || value > row->high) return false;
    memcpy(field, &value, sizeof value);
    return true;
  }
  default:
    for (int i = 0; row->choices[i]; ++i) {
      if (strcmp(row->choices[i], token) != 0) continue;
      if (row->is_text)
        snprintf(field, row->size, "%s", token);
      else if (row->size == sizeof(bool))
        *(bool *)field = i != 0;
      else
        memcpy(field, &i, sizeof i);
      return true;
    }
    return false;
  }
}

static cutlab_status fail_value(cutlab_context *context, const cutlab_row *row, int item,
                                const char *text, size_t length) {
  char name[64];
  trim(&text, &length);
  if (item)
    snprintf(name, sizeof name, "%s item %d", row->shown.name, item);
  else
    snprintf(name, sizeof name, "%s", row->shown.name);
  return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT, "%s is '%.*s'; accepted: %s, %s", name,
                     length > 80 ? 80 : (int)length, text, row->shown.kind, row->shown.accepted);
}

/* The inside of "[...]"; brackets may be left out. False if only one is there. */
static bool list_inside(const char **text, size_t *length) {
  trim(text, length);
  bool opened = *length && **text == '[', closed = *length && (*text)[*length - 1] == ']';
  if (opened != closed || (opened && *length < 2)) return false;
  if (opened) ++*text, *length -= 2;
  trim(text, length);
  return true;
}

/* Whether item `i` of numbers stands in the row's order to the one before. */
static bool in_order(const cutlab_row *row, const char *values, int i) {
  double pair[2];
  if (!row->order || i == 0) return true;
  memcpy(pair, values + (size_t)(i - 1) * sizeof *pair, sizeof pair);
  return row->order > 0 ? pair[1] > pair[0] : pair[1] <= pair[0];
}

static cutlab_status parse_list(cutlab_context *context, const cutlab_row *row, void *values,
                                const char *text) {
  char items[cutlab_max_items * sizeof(double)];
  const char *inside = text;
  size_t length = strlen(text);
  bool may_be_empty = row->may_be_empty && strchr(text, '[');
  if (!list_inside(&inside, &length) || (!length && !may_be_empty))
    return fail_value(context, row, 0, text, strlen(text));
  int count = 0;
  for (const char *end = inside + length; length && inside <= end; ++count) {
    const char *comma = memchr(inside, ',', (size_t)(end - inside));
    size_t size = (size_t)((comma ? comma : end) - inside);
    if (count == row->capacity)
      return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                         "%s has more than %d items; accepted: at most %d", row->shown.name,
                         row->capacity, row->capacity);
    char token[token_size];
    if (!copy_token(token, inside, size) ||
        !parse_element(row, items + (size_t)count * row->size, token) ||
        !in_order(row, items, count))
      return fail_value(context, row, count + 1, inside, size);
    inside += size + 1;
  }
  memcpy((char *)values + row->offset, items, (size_t)count * row->size);
  memcpy((char *)values + row->count_offset, &count, sizeof count);
  return CUTLAB_OK;
}

static bool is_utf8(const char *text) {
  json_t *string = json_string(text);
  json_decref(string);
  return string != NULL;
}

static cutlab_status parse_text(cutlab_context *context, const cutlab_row *row, char *field,
                                const char *text) {
  if (!is_utf8(text))
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT, "%s is not UTF-8; accepted: %s, %s",
                       row->shown.name, row->shown.kind, row->shown.accepted);
  size_t length = strlen(text);
  if (length >= row->size)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT, "%s has %zu bytes; accepted: at most %zu",
                       row->shown.name, length, row->size - 1);
  memset(field, 0, row->size);
  memcpy(field, text, length + 1);
  return CUTLAB_OK;
}

cutlab_status cutlab_row_parse(cutlab_context *context, const cutlab_row *row, void *values,
                               const char *text) {
  char *field = (char *)values + row->offset, token[token_size];
  if (row->kind == CUTLAB_KIND_NUMBERS || row->kind == CUTLAB_KIND_CHOICES)
    return parse_list(context, row, values, text);
  if (row->kind == CUTLAB_KIND_TEXT) return parse_text(context, row, field, text);
  if (copy_token(token, text, strlen(text)) && parse_element(row, field, token)) return CUTLAB_OK;
  return fail_value(context, row, 0, text, strlen(text));
}

/* The text of a choice or text field. */
static const char *field_text(const cutlab_row *row, const void *field) {
  if (row->kind == CUTLAB_KIND_TEXT || row->is_text) return field;
  return row->choices[row->size == sizeof(bool) ? *(const bool *)field : *(const int *)field];
}

/* A text in double quotes, as JSON and YAML both read it. */
static void print_quoted(FILE *file, const char *text) {
  json_t *string = json_string(text);
  if (string) json_dumpf(string, file, JSON_ENCODE_ANY);
  json_decref(string);
}

static void print_element(FILE *file, const cutlab_row *row, const void *field, value_form form) {
  if (row->kind == CUTLAB_KIND_INTEGER) {
    int64_t value;
    memcpy(&value, field, sizeof value);
    fprintf(file, "%lld", (long long)value);
  } else if (row->kind == CUTLAB_KIND_NUMBER || row->kind == CUTLAB_KIND_NUMBERS) {
    double value;
    memcpy(&value, field, sizeof value);
    char text[cutlab_number_size];
    cutlab_number_text(text, value);
    fputs(text, file);
  } else if (form == FORM_JSON || (form == FORM_YAML && row->kind == CUTLAB_KIND_TEXT)) {
    print_quoted(file, field_text(row, field));
  } else {
    fputs(field_text(row, field), file);
  }
}

static void print_row(FILE *file, const cutlab_row *row, const void *values, value_form form) {
  const char *field = (const char *)values + row->offset;
  if (row->kind != CUTLAB_KIND_NUMBERS && row->kind != CUTLAB_KIND_CHOICES) {
    print_element(file, row, field, form);
    return;
  }
  int count;
  memcpy(&count, (const char *)values + row->count_offset, sizeof count);
  fputc('[', file);
  for (int i = 0; i < count; ++i) {
    if (i) fputs(", ", file);
    print_element(file, row, field + (size_t)i * row->size, form);
  }
  fputc(']', file);
}

const cutlab_row *cutlab_table_find(const cutlab_table *table, const char *name) {
  for (int i = 0; i < table->count; ++i)
    if (strcmp(table->rows[i].shown.name, name) == 0) return &table->rows[i];
  return NULL;
}

cutlab_status cutlab_table_defaults(cutlab_context *context, const cutlab_table *table,
                                    void *values) {
  for (int i = 0; i < table->count; ++i)
    if (table->rows[i].default_text)
      CUTLAB_TRY(cutlab_row_parse(context, &table->rows[i], values, table->rows[i].default_text));
  return CUTLAB_OK;
}

cutlab_status cutlab_table_set(cutlab_context *context, const cutlab_table *table, void *values,
                               const char *key, const char *text) {
  const cutlab_row *row = cutlab_table_find(table, key);
  if (row) return cutlab_row_parse(context, row, values, text);
  const char *names[max_rows];
  int count = smaller(table->count, max_rows);
  for (int i = 0; i < count; ++i) names[i] = table->rows[i].shown.name;
  int nearest = cutlab_nearest_name(key, names, count);
  return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT, "unknown %s '%.80s'; nearest: %s", table->what,
                     key, nearest < 0 ? "none" : names[nearest]);
}

char *cutlab_table_get(const cutlab_table *table, const void *values, const char *key) {
  const cutlab_row *row = cutlab_table_find(table, key);
  char *text = NULL;
  size_t size;
  FILE *file = row ? open_memstream(&text, &size) : NULL;
  if (!file) return NULL;
  print_row(file, row, values, FORM_PLAIN);
  if (fclose(file) == 0) return text;
  free(text);
  return NULL;
}

/* One format for both languages: they differ in quotes and separators. */
cutlab_status cutlab_table_print(cutlab_context *context, char **text, const cutlab_table *table,
                                 const void *values, bool json, const char *without) {
  size_t size;
  const char *quote = json ? "\"" : "";
  *text = NULL;
  FILE *file = open_memstream(text, &size);
  if (!file)
    return cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory: %ss as text", table->what);
  if (json) fputc('{', file);
  for (int i = 0; i < table->count; ++i) {
    if (without && strcmp(table->rows[i].shown.name, without) == 0) continue;
    if (json && i) fputs(", ", file);
    fprintf(file, "%s%s%s: ", quote, table->rows[i].shown.name, quote);
    print_row(file, &table->rows[i], values, json ? FORM_JSON : FORM_YAML);
    if (!json) fputc('\n', file);
  }
  if (json) fputs("}\n", file);
  if (fclose(file) == 0) return CUTLAB_OK;
  free(*text);
  *text = NULL;
  return cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory: %ss as text", table->what);
}

/* Prints a JSON value as the text that `set` accepts; false if it has none. */
static bool print_json_value(FILE *file, const json_t *value, bool inside_list) {
  char number[cutlab_number_size];
  size_t i;
  const json_t *item;
  switch (json_typeof(value)) {
  case JSON_INTEGER:
    fprintf(file, "%lld", (long long)json_integer_value(value));
    return true;
  case JSON_REAL:
    cutlab_number_text(number, json_real_value(value));
    fputs(number, file);
    return true;
  case JSON_STRING:
    fputs(json_string_value(value), file);
    return true;
  case JSON_ARRAY:
    if (inside_list) return false;
    fputc('[', file);
    json_array_foreach(value, i, item) {
      if (i) fputs(", ", file);
      if (!print_json_value(file, item, true)) return false;
    }
    fputc(']', file);
    return true;
  default:
    return false;
  }
}

static cutlab_status set_json(cutlab_context *context, const cutlab_table *table, void *values,
                              cutlab_set_fn set, const char *key, const json_t *value) {
  char *text = NULL;
  size_t size;
  FILE *file = open_memstream(&text, &size);
  if (!file)
    return cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory: %s %s", table->what, key);
  bool valid = print_json_value(file, value, false);
  bool complete = fclose(file) == 0;
  cutlab_status status;
  if (!valid)
    status = cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                         "%.80s in JSON is neither number, string nor a list of them", key);
  else if (!complete)
    status = cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory: %s %.80s", table->what, key);
  else
    status = set(context, values, key, text);
  free(text);
  return status;
}

cutlab_status cutlab_table_apply_json(cutlab_context *context, const cutlab_table *table,
                                      void *values, cutlab_set_fn set, const char *text) {
  char where[64];
  snprintf(where, sizeof where, "%ss", table->what);
  void *result = cutlab_allocate(context, 1, table->size);
  if (!result) return CUTLAB_ERROR_MEMORY;
  memcpy(result, values, table->size);
  json_t *object = NULL, *value;
  const char *key;
  cutlab_status status = cutlab_json_parse(context, &object, text, where);
  if (status == CUTLAB_OK && !json_is_object(object))
    status = cutlab_fail(context, CUTLAB_ERROR_FORMAT, "%s in JSON are not an object", where);
  if (status == CUTLAB_OK) json_object_foreach(object, key, value) {
      status = set_json(context, table, result, set, key, value);
      if (status != CUTLAB_OK) break;
    }
  if (status == CUTLAB_OK) memcpy(values, result, table->size);
  json_decref(object);
  free(result);
  return status;
}

/* Damerau-Levenshtein distance (optimal string alignment) without regard to case. */
static int distance(const char *a, const char *b) {
  enum { longest = 64 };
  int d[longest + 1][longest + 1];
  int m = smaller((int)strnlen(a, longest), longest),
      n = smaller((int)strnlen(b, longest), longest);
  for (int i = 0; i <= m; ++i) d[i][0] = i;
  for (int j = 0; j <= n; ++j) d[0][j] = j;
#define SAME(i, j) (tolower((unsigned char)a[i]) == tolower((unsigned char)b[j]))
  for (int i = 1; i <= m; ++i)
    for (int j = 1; j <= n; ++j) {
      d[i][j] = smaller(d[i - 1][j], d[i][j - 1]) + 1;
      d[i][j] = smaller(d[i][j], d[i - 1][j - 1] + !SAME(i - 1, j - 1));
      if (i > 1 && j > 1 && SAME(i - 1, j - 2) && SAME(i - 2, j - 1))
        d[i][j] = smaller(d[i][j], d[i - 2][j - 2] + 1);
    }
#undef SAME
  return d[m][n];
}

int cutlab_nearest_name(const char *name, const char *const *names, int count) {
  int best = -1, best_distance = 0;
  for (int i = 0; i < count; ++i) {
    int there = distance(name, names[i]);
    if (best < 0 || there < best_distance) best = i, best_distance = there;
  }
  return best;
}
