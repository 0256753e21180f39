/* The parameter table of an experiment: one row drives parsing, printing, help and files. */
#ifndef CUTLAB_EXPERIMENT_TABLE_H
#define CUTLAB_EXPERIMENT_TABLE_H

#include <stdio.h>

#include "base/base.h"
#include "data/experiment_values.h"

typedef enum cutlab_kind {
  CUTLAB_KIND_INTEGER,
  CUTLAB_KIND_NUMBER,
  CUTLAB_KIND_CHOICE,
  CUTLAB_KIND_NUMBERS, /* each > 0, descending */
  CUTLAB_KIND_CHOICES  /* may be empty */
} cutlab_kind;

typedef struct cutlab_row {
  cutlab_parameter shown;
  cutlab_kind kind;
  size_t offset, size;        /* of the field in struct cutlab_experiment; size of one element */
  size_t count_offset;        /* lists: of the int that holds the length */
  int64_t least, most;        /* integers, inclusive */
  int64_t excluded;           /* integers: a value between them, or 0 for none */
  double low, high;           /* numbers, inclusive */
  const char *const *choices; /* ends with NULL; the value is the index */
  const char *default_text;   /* default, or NULL: as the preset `paper` says */
} cutlab_row;

/* The row of a parameter, or NULL. */
const cutlab_row *cutlab_row_find(const char *name);
/* Sets one field from text; the message names parameter, value and what is accepted. */
cutlab_status cutlab_row_parse(cutlab_context *context, const cutlab_row *row,
                               cutlab_experiment *experiment, const char *text);
/* Prints one field; `quote` is put around choices ("\"" for JSON, "" for YAML). */
void cutlab_row_print(FILE *file, const cutlab_row *row, const cutlab_experiment *experiment,
                      const char *quote);
/* Sets what a YAML text says, all of it or nothing. `where` begins the messages. */
cutlab_status cutlab_experiment_apply_yaml(cutlab_context *context, cutlab_experiment *experiment,
                                           const char *text, size_t size, const char *where,
                                           bool allow_preset);

#endif
