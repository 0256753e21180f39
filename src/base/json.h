/* Small helpers over jansson: numbers that may be NaN, loading with clear errors. */
#ifndef CUTLAB_JSON_H
#define CUTLAB_JSON_H

#include <jansson.h>

#include "base/base.h"

/* A JSON number with 17 significant digits; null where it is not finite. */
json_t *cutlab_json_number(double value);
/* [count] numbers as a JSON array. */
json_t *cutlab_json_numbers(const double *values, int64_t count);
/* The value of a number, NaN for null; `fallback` where the key is absent. */
double cutlab_json_get_number(const json_t *object, const char *key, double fallback);
/* Parses text; CUTLAB_ERROR_FORMAT names `where`, line and column. */
cutlab_status cutlab_json_parse(cutlab_context *context, json_t **value, const char *text,
                                const char *where);
/* Text of a value, keys in insertion order; `indent` spaces (0: one line). Takes the
   reference. Release with cutlab_free. */
cutlab_status cutlab_json_text(cutlab_context *context, char **text, json_t *value, int indent);
/* A copy of a text that JSON and a line can hold: control characters and, where it is not UTF-8,
   all that is not ASCII become '?'. NULL with a message. Release with free. */
char *cutlab_json_printable(cutlab_context *context, const char *text);

#endif
