/* Helpers over jansson. */
#include "base/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

json_t *cutlab_json_number(double value) {
  return isfinite(value) ? json_real(value) : json_null();
}

json_t *cutlab_json_numbers(const double *values, int64_t count) {
  json_t *array = json_array();
  for (int64_t i = 0; i < count; ++i) json_array_append_new(array, cutlab_json_number(values[i]));
  return array;
}

double cutlab_json_get_number(const json_t *object, const char *key, double fallback) {
  const json_t *value = json_object_get(object, key);
  if (json_is_null(value)) return NAN;
  return json_is_number(value) ? json_number_value(value) : fallback;
}

cutlab_status cutlab_json_parse(cutlab_context *context, json_t **value, const char *text,
                                const char *where) {
  json_error_t error;
  *value = json_loads(text, JSON_REJECT_DUPLICATES, &error);
  if (*value) return CUTLAB_OK;
  return cutlab_fail(context, CUTLAB_ERROR_FORMAT, "%s:%d:%d: not valid JSON: %s", where,
                     error.line, error.column, error.text);
}

cutlab_status cutlab_json_text(cutlab_context *context, char **text, json_t *value, int indent) {
  *text = json_dumps(value, JSON_INDENT(indent) | JSON_REAL_PRECISION(17));
  json_decref(value);
  return *text ? CUTLAB_OK : cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory: JSON text");
}

char *cutlab_json_printable(cutlab_context *context, const char *text) {
  json_t *valid = json_string(text); /* NULL where it is not UTF-8 */
  char *shown = strdup(text);
  if (!shown) cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory: %.80s", text);
  for (char *c = shown; c && *c; ++c)
    if ((unsigned char)*c < ' ' || *c == 0x7f || (!valid && (unsigned char)*c > 0x7f)) *c = '?';
  json_decref(valid);
  return shown;
}
