/* What is given beside predictions: labels, scores, names of the classes, images. */
#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "audit/inputs.h"
#include "base/file.h"

static cutlab_status keep_path(cutlab_context *context, char **kept, const char *path) {
  *kept = strdup(path);
  return *kept ? CUTLAB_OK : cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory: %s", path);
}

/* The array that is meant, or an error that lists what there is. */
static cutlab_status find(cutlab_context *context, const cutlab_array **array,
                          const cutlab_audit_file *file, const char *name) {
  *array = cutlab_audit_member(file, name);
  if (*array) return CUTLAB_OK;
  char *text = cutlab_audit_members(context, file);
  if (!text) return CUTLAB_ERROR_MEMORY;
  cutlab_fail(context, CUTLAB_ERROR_ARGUMENT, "%s has %s; accepted: a member %s", file->path, text,
              name);
  free(text);
  return CUTLAB_ERROR_ARGUMENT;
}

static cutlab_status read_labels(cutlab_context *context, int64_t **labels, int64_t *count,
                                 const cutlab_audit_file *file) {
  const cutlab_array *array;
  CUTLAB_TRY(find(context, &array, file, "labels"));
  CUTLAB_TRY(cutlab_audit_integers(context, labels, file, array, "labels"));
  *count = array->shape[0];
  return CUTLAB_OK;
}

cutlab_status cutlab_audit_set_labels(cutlab_context *context, cutlab_audit *audit,
                                      const char *path) {
  cutlab_audit_file file = {0};
  int64_t *labels = NULL, count = 0;
  char *kept = NULL;
  cutlab_status status = cutlab_audit_open(context, &file, path);
  if (status == CUTLAB_OK) status = read_labels(context, &labels, &count, &file);
  if (status == CUTLAB_OK) status = keep_path(context, &kept, path);
  cutlab_audit_close(&file);
  if (status != CUTLAB_OK) {
    free(labels);
    return status;
  }
  free(audit->labels_path);
  free(audit->all_labels);
  audit->labels_path = kept;
  audit->all_labels = labels;
  audit->all_count = count;
  audit->computed = false;
  return CUTLAB_OK;
}

/* Scores; labels and sources, or NULL. */
typedef struct scores {
  int64_t count, *labels, source_count, *sources;
  double *values;
} scores;

static const double largest_score = 1e100; /* differences of scores stay finite */

static cutlab_status check_scores(cutlab_context *context, const scores *read, const char *path) {
  int64_t first = -1, bad = 0;
  for (int64_t i = 0; i < read->count; ++i)
    if (!(fabs(read->values[i]) <= largest_score) && !bad++) first = i;
  if (!read->count)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                       "%s: no scores; accepted: one for every example of the data set", path);
  if (!bad) return CUTLAB_OK;
  return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                     "%s: the score of example %" PRId64 " is %g (%" PRId64
                     " such values in all); accepted: finite numbers up to 1e100",
                     path, first, read->values[first], bad);
}

static cutlab_status read_scores(cutlab_context *context, scores *read,
                                 const cutlab_audit_file *file) {
  const cutlab_array *array, *labels = NULL, *sources = NULL;
  CUTLAB_TRY(find(context, &array, file, "scores"));
  if (array->rank != 1)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                       "%s: scores have %d axes; accepted: one axis, a number for every example of "
                       "the data set",
                       file->path, array->rank);
  read->count = array->shape[0];
  read->values = cutlab_allocate(context, read->count, sizeof *read->values);
  if (!read->values) return CUTLAB_ERROR_MEMORY;
  for (int64_t i = 0; i < read->count; ++i) read->values[i] = cutlab_array_number(array, i);
  CUTLAB_TRY(check_scores(context, read, file->path));
  if (file->is_npz) labels = cutlab_audit_member(file, "labels");
  if (file->is_npz) sources = cutlab_audit_member(file, "made_of");
  if (sources) {
    CUTLAB_TRY(cutlab_audit_integers(context, &read->sources, file, sources, "made_of"));
    read->source_count = sources->shape[0];
  }
  if (!labels) return CUTLAB_OK;
  CUTLAB_TRY(cutlab_audit_integers(context, &read->labels, file, labels, "labels"));
  if (labels->shape[0] == read->count) return CUTLAB_OK;
  return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                     "%s: %" PRId64 " labels for %" PRId64 " scores; accepted: as many of both",
                     file->path, labels->shape[0], read->count);
}

cutlab_status cutlab_audit_set_scores(cutlab_context *context, cutlab_audit *audit,
                                      const char *path) {
  cutlab_audit_file file = {0};
  scores read = {0};
  char *kept = NULL;
  cutlab_status status = cutlab_audit_open(context, &file, path);
  if (status == CUTLAB_OK) status = read_scores(context, &read, &file);
  if (status == CUTLAB_OK) status = keep_path(context, &kept, path);
  cutlab_audit_close(&file);
  if (status != CUTLAB_OK) {
    free(read.values);
    free(read.labels);
    free(read.sources);
    return status;
  }
  free(audit->scores_path);
  free(audit->all_scores);
  free(audit->score_labels);
  audit->scores_path = kept;
  audit->all_scores = read.values;
  free(audit->score_sources);
  audit->score_labels = read.labels;
  audit->score_sources = read.sources;
  audit->source_count = read.source_count;
  audit->score_count = read.count;
  audit->computed = false;
  return CUTLAB_OK;
}

static void free_names(char **names, int64_t count) {
  for (int64_t i = 0; names && i < count; ++i) free(names[i]);
  free(names);
}

/* A name a line; lines may end in CRLF, and the last need not end. */
static cutlab_status split_names(cutlab_context *context, char ***names, int64_t *count, char *text,
                                 const char *path) {
  int64_t lines = 1;
  for (const char *c = text; *c; ++c) lines += *c == '\n';
  *names = cutlab_allocate(context, lines, sizeof **names);
  if (!*names) return CUTLAB_ERROR_MEMORY;
  for (char *line = text, *next; *line; line = next) {
    size_t length = strcspn(line, "\n");
    next = line + length + (line[length] == '\n');
    while (length && isspace((unsigned char)line[length - 1])) --length;
    line[length] = '\0';
    if (!length && !*next) break;
    if (!length)
      return cutlab_fail(context, CUTLAB_ERROR_FORMAT,
                         "%s:%" PRId64 ": no name; accepted: the name of a class on every line",
                         path, *count + 1);
    (*names)[*count] = cutlab_json_printable(context, line);
    if (!(*names)[*count]) return CUTLAB_ERROR_MEMORY;
    ++*count;
  }
  return CUTLAB_OK;
}

cutlab_status cutlab_audit_set_class_names(cutlab_context *context, cutlab_audit *audit,
                                           const char *path) {
  char *text, **names = NULL;
  size_t size;
  int64_t count = 0;
  CUTLAB_TRY(cutlab_file_read(context, &text, &size, path, 0));
  cutlab_status status = split_names(context, &names, &count, text, path);
  free(text);
  if (status != CUTLAB_OK) {
    free_names(names, count);
    return status;
  }
  free_names(audit->class_names, audit->class_name_count);
  audit->class_names = names;
  audit->class_name_count = count;
  audit->computed = false;
  return CUTLAB_OK;
}

/* The names of folders are any bytes. */
static cutlab_status make_printable(cutlab_context *context, cutlab_collection *images) {
  for (int64_t k = 0; images->class_names && k < images->classes; ++k) {
    char *name = cutlab_json_printable(context, images->class_names[k]);
    if (!name) return CUTLAB_ERROR_MEMORY;
    free(images->class_names[k]);
    images->class_names[k] = name;
  }
  return CUTLAB_OK;
}

cutlab_status cutlab_audit_set_images(cutlab_context *context, cutlab_audit *audit,
                                      const cutlab_collection_source *source) {
  cutlab_collection images = {0};
  cutlab_collection_source whole = *source;
  whole.fold = NULL;
  cutlab_status status = cutlab_collection_open(context, &images, &whole);
  if (status == CUTLAB_OK) status = make_printable(context, &images);
  if (status != CUTLAB_OK) {
    cutlab_collection_clear(&images);
    return status;
  }
  cutlab_collection_clear(&audit->images);
  audit->images = images;
  audit->has_images = true;
  audit->computed = false;
  return CUTLAB_OK;
}
