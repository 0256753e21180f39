/* Numbers as text, whatever the locale. */
#include "base/number.h"

#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static double read_double(const char *text, char **end) {
  locale_t c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
  if (!c_locale) return strtod(text, end);
  double value = strtod_l(text, end, c_locale);
  freelocale(c_locale);
  return value;
}

void cutlab_number_text(char text[cutlab_number_size], double value) {
  locale_t c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
  locale_t before = c_locale ? uselocale(c_locale) : (locale_t)0;
  for (int digits = 15; digits <= 17; ++digits) {
    snprintf(text, cutlab_number_size, "%.*g", digits, value);
    if (strtod(text, NULL) == value) break;
  }
  if (!c_locale) return;
  uselocale(before);
  freelocale(c_locale);
}

/* Decimal notation only: strtod also takes nan, inf and hexadecimal. */
bool cutlab_number_parse(double *value, const char *text) {
  if (text[strspn(text, "0123456789+-.eE")]) return false;
  char *end;
  *value = read_double(text, &end) + 0.0; /* -0 becomes 0 */
  return end != text && !*end && isfinite(*value);
}
