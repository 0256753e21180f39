/* Fields of .csv files, as in RFC 4180; lines end with "\n". */
#ifndef CUTLAB_CSV_H
#define CUTLAB_CSV_H

#include <stdio.h>

/* A text, quoted where it must be. */
void cutlab_csv_text(FILE *stream, const char *text);
/* A comma and the digits that give the same double back; nothing after it for NaN and infinities.
 */
void cutlab_csv_number(FILE *stream, double value);

#endif
