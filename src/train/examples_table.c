/* Writing and reading the table of difficulties, and the form that dataset cartography reads. */
#include "train/examples_table.h"

#include <inttypes.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cutlab/train.h>

#include "base/file.h"
#include "base/number.h"

static const struct {
  const char *name;
  cutlab_dtype dtype;
} shown[] = {{"indices", CUTLAB_INT64},
             {"labels", CUTLAB_INT64},
             {"first_learnt", CUTLAB_INT64},
             {"first_right", CUTLAB_INT64},
             {"forgetting_events", CUTLAB_INT64},
             {"learnt", CUTLAB_BOOL},
             {"el2n", CUTLAB_FLOAT32},
             {"margin_area", CUTLAB_FLOAT32},
             {"confidence", CUTLAB_FLOAT32},
             {"variability", CUTLAB_FLOAT32},
             {"correctness", CUTLAB_FLOAT32}};
_Static_assert(sizeof shown / sizeof *shown == cutlab_difficulty_columns, "one row a column");

cutlab_status cutlab_table_column(cutlab_context *context, cutlab_array *column, const char *name,
                                  cutlab_dtype dtype, int64_t count) {
  *column = (cutlab_array){.dtype = dtype, .rank = 1, .shape = {count}};
  snprintf(column->name, sizeof column->name, "%s", name);
  column->data = cutlab_allocate(context, count, cutlab_dtype_size(dtype));
  return column->data ? CUTLAB_OK : CUTLAB_ERROR_MEMORY;
}

void cutlab_table_put(cutlab_array *column, int64_t i, double value) {
  if (column->dtype == CUTLAB_FLOAT32)
    ((float *)column->data)[i] = (float)value;
  else if (column->dtype == CUTLAB_INT64)
    ((int64_t *)column->data)[i] = (int64_t)value;
  else if (column->dtype == CUTLAB_INT16)
    ((int16_t *)column->data)[i] = (int16_t)value;
  else
    ((uint8_t *)column->data)[i] = (uint8_t)value;
}

cutlab_status cutlab_difficulty_open(cutlab_context *context, cutlab_difficulty *difficulty,
                                     int64_t count) {
  for (int c = 0; c < cutlab_difficulty_columns; ++c)
    CUTLAB_TRY(cutlab_table_column(context, &difficulty->columns[c], shown[c].name, shown[c].dtype,
                                   count));
  return CUTLAB_OK;
}

void cutlab_difficulty_close(cutlab_difficulty *difficulty) {
  for (int c = 0; c < cutlab_difficulty_columns; ++c) cutlab_array_clear(&difficulty->columns[c]);
}

/* Writing */

/* The shortest text that reads back as the same float32; empty where it is not finite. */
static void float_text(char text[cutlab_number_size], float value) {
  locale_t c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
  locale_t before = c_locale ? uselocale(c_locale) : (locale_t)0;
  text[0] = '\0';
  for (int digits = 6; digits <= 9 && isfinite(value); ++digits) {
    snprintf(text, cutlab_number_size, "%.*g", digits, (double)value);
    if (strtof(text, NULL) == value) break;
  }
  if (!c_locale) return;
  uselocale(before);
  freelocale(c_locale);
}

static void print_value(FILE *file, const cutlab_array *column, int64_t i) {
  char text[cutlab_number_size];
  if (column->dtype == CUTLAB_FLOAT32) {
    float_text(text, ((const float *)column->data)[i]);
    fputs(text, file);
  } else {
    fprintf(file, "%" PRId64, cutlab_array_integer(column, i));
  }
}

static void print_table(FILE *file, const cutlab_difficulty *d) {
  for (int c = 0; c < cutlab_difficulty_columns; ++c)
    fprintf(file, "%s%s", c ? "," : "", shown[c].name);
  fputs("\n", file);
  for (int64_t i = 0; i < d->columns[0].shape[0]; ++i) {
    for (int c = 0; c < cutlab_difficulty_columns; ++c) {
      if (c) fputs(",", file);
      print_value(file, &d->columns[c], i);
    }
    fputs("\n", file);
  }
}

/* Writes what `print` prints. */
static cutlab_status write_text(cutlab_context *context, const char *path,
                                void (*print)(FILE *file, const cutlab_difficulty *d),
                                const cutlab_difficulty *d) {
  char *text = NULL;
  size_t size;
  FILE *memory = open_memstream(&text, &size);
  bool good = memory;
  if (memory) print(memory, d);
  if (memory) good = !ferror(memory);
  if (memory && fclose(memory) != 0) good = false;
  cutlab_status status = good
                             ? cutlab_file_write(context, path, text, size)
                             : cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory: %s", path);
  free(text);
  return status;
}

cutlab_status cutlab_difficulty_write(cutlab_context *context, const char *folder,
                                      const cutlab_difficulty *difficulty) {
  int64_t numbers[] = {difficulty->epochs, difficulty->early};
  cutlab_array arrays[cutlab_difficulty_columns + 2] = {0};
  memcpy(arrays, difficulty->columns, sizeof difficulty->columns);
  arrays[cutlab_difficulty_columns] =
      (cutlab_array){.name = "epochs", .dtype = CUTLAB_INT64, .data = &numbers[0]};
  arrays[cutlab_difficulty_columns + 1] =
      (cutlab_array){.name = "el2n_epoch", .dtype = CUTLAB_INT64, .data = &numbers[1]};
  char *path = cutlab_path_join(context, folder, "difficulty.npz");
  char *table = cutlab_path_join(context, folder, "difficulty.csv");
  cutlab_status status = path && table ? CUTLAB_OK : CUTLAB_ERROR_MEMORY;
  if (status == CUTLAB_OK)
    status = cutlab_npz_write(context, path, arrays, cutlab_difficulty_columns + 2);
  if (status == CUTLAB_OK) status = write_text(context, table, print_table, difficulty);
  free(table);
  free(path);
  return status;
}

/* Reading */

/* A whole number without axes, from 1 on; 0 for anything else. */
static int64_t count_of(cutlab_array *arrays, int found, const char *name) {
  const cutlab_array *a = cutlab_npz_find(arrays, found, name);
  if (!a || a->rank != 0 || !cutlab_dtype_is_integer(a->dtype)) return 0;
  int64_t value = cutlab_array_integer(a, 0);
  return value > 0 ? value : 0;
}

/* Moves the columns out of the archive. */
static cutlab_status take_columns(cutlab_context *context, cutlab_difficulty *d,
                                  cutlab_array *arrays, int found, const char *path) {
  for (int c = 0; c < cutlab_difficulty_columns; ++c) {
    cutlab_array *a = cutlab_npz_find(arrays, found, shown[c].name);
    if (!a || a->rank != 1 || a->dtype != shown[c].dtype ||
        (c && a->shape[0] != d->columns[0].shape[0]))
      return cutlab_fail(context, CUTLAB_ERROR_FORMAT,
                         "%s: '%s' is missing or of another shape or type; accepted: %s, one "
                         "number for every example",
                         path, shown[c].name, cutlab_dtype_name(shown[c].dtype));
    d->columns[c] = *a;
    a->data = NULL;
  }
  d->epochs = count_of(arrays, found, "epochs");
  d->early = count_of(arrays, found, "el2n_epoch");
  if (d->epochs && d->early) return CUTLAB_OK;
  return cutlab_fail(context, CUTLAB_ERROR_FORMAT, "%s: '%s' is missing or no number from 1 on",
                     path, d->epochs ? "el2n_epoch" : "epochs");
}

cutlab_status cutlab_difficulty_read(cutlab_context *context, cutlab_difficulty *difficulty,
                                     const char *folder) {
  cutlab_array *arrays;
  int found;
  *difficulty = (cutlab_difficulty){0};
  char *path = cutlab_path_join(context, folder, "difficulty.npz");
  if (!path) return CUTLAB_ERROR_MEMORY;
  cutlab_status status;
  if (!cutlab_file_exists(path)) {
    status =
        cutlab_fail(context, CUTLAB_ERROR_IO,
                    "%s is not there; accepted: a finished training with log_examples=yes", path);
  } else {
    status = cutlab_npz_read(context, &arrays, &found, path, 0);
    if (status == CUTLAB_OK) {
      status = take_columns(context, difficulty, arrays, found, path);
      cutlab_npz_free(arrays, found);
    }
  }
  free(path);
  return status;
}

/* Dataset cartography */

enum { never_learnt = 1000 }; /* the forgetfulness that the tool gives what was never right */

/* ,"name":value with null where it is not finite. */
static void print_number(FILE *file, const char *name, const char *text) {
  fprintf(file, ",\"%s\":%s", name, text[0] ? text : "null");
}

/* As compute_train_dy_metrics of github.com/allenai/cartography has them: correctness counts
   epochs, closeness to the threshold is c (1 - c) of the mean probability c. */
static void print_cartography(FILE *file, const cutlab_difficulty *d) {
  const cutlab_array *columns = d->columns;
  const float *confidence = columns[cutlab_difficulty_confidence].data;
  const float *variability = columns[cutlab_difficulty_variability].data;
  const float *correctness = columns[cutlab_difficulty_correctness].data;
  for (int64_t i = 0; i < columns[0].shape[0]; ++i) {
    char text[cutlab_number_size];
    double c = (double)confidence[i];
    fprintf(file, "{\"guid\":%" PRId64 ",\"index\":%" PRId64,
            cutlab_array_integer(&columns[cutlab_difficulty_indices], i), i);
    float_text(text, (float)(c * (1 - c)));
    print_number(file, "threshold_closeness", text);
    float_text(text, confidence[i]);
    print_number(file, "confidence", text);
    float_text(text, variability[i]);
    print_number(file, "variability", text);
    int64_t forgotten = cutlab_array_integer(&columns[cutlab_difficulty_forgetting_events], i);
    bool learnt = cutlab_array_integer(&columns[cutlab_difficulty_learnt], i);
    fprintf(file, ",\"correctness\":%.0f,\"forgetfulness\":%" PRId64 "}\n",
            round((double)correctness[i] * (double)d->epochs), learnt ? forgotten : never_learnt);
  }
}

cutlab_status cutlab_train_cartography(cutlab_context *context, const char *folder,
                                       const char *out) {
  cutlab_difficulty difficulty;
  cutlab_status status = cutlab_difficulty_read(context, &difficulty, folder);
  if (status == CUTLAB_OK) status = write_text(context, out, print_cartography, &difficulty);
  cutlab_difficulty_close(&difficulty);
  return status;
}
