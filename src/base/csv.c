/* Fields of .csv files. */
#include "base/csv.h"

#include <math.h>
#include <string.h>

#include "base/number.h"

void cutlab_csv_text(FILE *stream, const char *text) {
  if (!strpbrk(text, ",\"\n\r")) {
    fputs(text, stream);
    return;
  }
  fputc('"', stream);
  for (; *text; ++text) {
    if (*text == '"') fputc('"', stream);
    fputc(*text, stream);
  }
  fputc('"', stream);
}

void cutlab_csv_number(FILE *stream, double value) {
  char text[cutlab_number_size] = "";
  if (value == rint(value) && fabs(value) < 1e15)
    snprintf(text, sizeof text, "%.0f", value + 0.0);
  else if (isfinite(value))
    cutlab_number_text(text, value);
  fputc(',', stream);
  fputs(text, stream);
}
