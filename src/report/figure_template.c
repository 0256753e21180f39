/* Vega-Lite templates. */
#include "report/figures.h"

/* A copy of a template in which every string "@name" is the value of that binding. */
static json_t *fill(const json_t *template, const json_t *bindings) {
  const char *key, *text = json_string_value(template);
  size_t i;
  json_t *value, *copy;
  value = text && text[0] == '@' ? json_object_get(bindings, text + 1) : NULL;
  if (value) return json_deep_copy(value);
  if (json_is_object(template)) {
    copy = json_object();
    json_object_foreach((json_t *)template, key, value)
        json_object_set_new(copy, key, fill(value, bindings));
    return copy;
  }
  if (json_is_array(template)) {
    copy = json_array();
    json_array_foreach(template, i, value) json_array_append_new(copy, fill(value, bindings));
    return copy;
  }
  return json_deep_copy(template);
}

json_t *cutlab_figure_fill(const char *asset, json_t *bindings) {
  json_t *template = json_loads(asset, 0, NULL);
  json_t *filled = fill(template, bindings);
  json_decref(template);
  json_decref(bindings);
  return filled;
}
