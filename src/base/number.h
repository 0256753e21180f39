/* Numbers as text, whatever the locale. */
#ifndef CUTLAB_NUMBER_H
#define CUTLAB_NUMBER_H

#include <stdbool.h>

enum { cutlab_number_size = 32 };
/* The shortest decimal text that reads back as the same double. */
void cutlab_number_text(char text[cutlab_number_size], double value);
/* Reads a whole text of decimal notation ("300", "-.5", "1e-2"); false for anything else, nan, inf
   and hexadecimal among it. -0 becomes 0. */
bool cutlab_number_parse(double *value, const char *text);

#endif
