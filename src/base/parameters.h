/* Tables of parameters: one row for each field of a struct drives parsing, printing, help and
   files. */
#ifndef CUTLAB_PARAMETERS_H
#define CUTLAB_PARAMETERS_H

#include <cutlab/experiment.h>

#include "base/base.h"

typedef enum cutlab_kind {
  CUTLAB_KIND_INTEGER, /* int64_t */
  CUTLAB_KIND_NUMBER,  /* double */
  CUTLAB_KIND_CHOICE,  /* index among `choices` as an int, or, of two, as a bool; its text where
                          `is_text` */
  CUTLAB_KIND_TEXT,    /* any UTF-8 text, in an array of chars */
  CUTLAB_KIND_NUMBERS,
  CUTLAB_KIND_CHOICES
} cutlab_kind;

enum { cutlab_max_items = 1024 };

typedef struct cutlab_row {
  cutlab_parameter shown;
  cutlab_kind kind;
  int capacity;               /* lists: most items, up to cutlab_max_items */
  int order;                  /* lists of numbers: 1 rising, -1 never rising, 0 any */
  bool may_be_empty;          /* lists */
  bool is_text;               /* choices held as their text, in an array of chars */
  size_t offset, size;        /* of the field in the struct; size of one element */
  size_t count_offset;        /* lists: of the int that holds the length */
  int64_t least, most;        /* integers, inclusive */
  int64_t excluded;           /* integers: a value between them, or 0 for none */
  double low, high;           /* numbers, inclusive */
  const char *const *choices; /* ends with NULL */
  const char *default_text;   /* NULL: the default comes from elsewhere */
} cutlab_row;

typedef struct cutlab_table {
  const char *what; /* a row is called that in messages: "parameter" */
  const cutlab_row *rows;
  int count;
  size_t size;           /* of the struct, which is copied as bytes */
  const char *first_key; /* of a file, beside the rows; applied first. NULL: none */
} cutlab_table;

/* Sets one value by name, in whichever way the owner of the table does. */
typedef cutlab_status (*cutlab_set_fn)(cutlab_context *context, void *values, const char *key,
                                       const char *text);

/* The row of that name, or NULL. */
const cutlab_row *cutlab_table_find(const cutlab_table *table, const char *name);
/* Sets every row that has a default. */
cutlab_status cutlab_table_defaults(cutlab_context *context, const cutlab_table *table,
                                    void *values);
/* Sets one field from text. The message names key, value and what is accepted; an unknown key is
   answered with the nearest name. */
cutlab_status cutlab_table_set(cutlab_context *context, const cutlab_table *table, void *values,
                               const char *key, const char *text);
cutlab_status cutlab_row_parse(cutlab_context *context, const cutlab_row *row, void *values,
                               const char *text);
/* The field as the text that set accepts, or NULL. Release with free. */
char *cutlab_table_get(const cutlab_table *table, const void *values, const char *key);
/* All rows, but for that of the name `without` (not the first; NULL: none), as YAML or as one JSON
   object. Release with free. */
cutlab_status cutlab_table_print(cutlab_context *context, char **text, const cutlab_table *table,
                                 const void *values, bool json, const char *without);
/* Set what a text says, all of it or nothing. `where` begins the messages, with line and column. */
cutlab_status cutlab_table_apply_json(cutlab_context *context, const cutlab_table *table,
                                      void *values, cutlab_set_fn set, const char *text);
cutlab_status cutlab_table_apply_yaml(cutlab_context *context, const cutlab_table *table,
                                      void *values, cutlab_set_fn set, const char *text,
                                      size_t size, const char *where);
/* The same for a file of at most 1 MiB. */
cutlab_status cutlab_table_load_yaml(cutlab_context *context, const cutlab_table *table,
                                     void *values, cutlab_set_fn set, const char *path);

/* Rows of the struct that CUTLAB_ROWS_OF names where they are used. */
#define CUTLAB_FIELD(field, element)                                                               \
  .offset = offsetof(CUTLAB_ROWS_OF, field), .size = sizeof(((CUTLAB_ROWS_OF *)0)->element)
#define CUTLAB_ROW_INTEGER(name_, least_, most_, default_, text_)                                  \
  {                                                                                                \
    .shown = {#name_, "integer", #least_ " to " #most_, text_}, .kind = CUTLAB_KIND_INTEGER,       \
    CUTLAB_FIELD(name_, name_), .least = (least_), .most = (most_), .default_text = (default_)     \
  }
#define CUTLAB_ROW_NUMBER(name_, low_, high_, accepted_, default_, text_)                          \
  {                                                                                                \
    .shown = {#name_, "number", accepted_, text_}, .kind = CUTLAB_KIND_NUMBER,                     \
    CUTLAB_FIELD(name_, name_), .low = (low_), .high = (high_), .default_text = (default_)         \
  }
#define CUTLAB_ROW_CHOICE(name_, field_, choices_, accepted_, default_, text_)                     \
  {                                                                                                \
    .shown = {name_, "choice", accepted_, text_}, .kind = CUTLAB_KIND_CHOICE,                      \
    CUTLAB_FIELD(field_, field_), .choices = (choices_), .default_text = (default_)                \
  }

/* Open ends as closed ones: the next double inside. */
#define CUTLAB_ABOVE_ZERO DBL_TRUE_MIN
#define CUTLAB_BELOW_ONE (1 - DBL_EPSILON / 2)

#endif
