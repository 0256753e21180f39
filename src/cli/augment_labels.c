/* Labels of `cutlab augment`: class ids or rows of numbers, from a file or with the images. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "augment_job.h"

/* A file of labels: ids or rows. */
typedef struct label_file {
  int64_t *ids; /* [count] or NULL */
  float *rows;  /* [count][classes] or NULL */
  int64_t count, classes;
} label_file;

static int fail_memory(const char *where) {
  cutlab_cli_print_error("%s: out of memory for labels", where);
  return cutlab_exit_failure;
}

static bool is_npy(const char *path) {
  char start[6] = "";
  FILE *file = fopen(path, "rbe");
  size_t got = file ? fread(start, 1, sizeof start, file) : 0;
  if (file) fclose(file);
  return got == sizeof start && memcmp(start, "\x93NUMPY", sizeof start) == 0;
}

static int take_ids(label_file *labels, const cutlab_array *array, const char *path) {
  labels->count = array->shape[0];
  labels->ids = malloc((size_t)labels->count * sizeof *labels->ids + 1);
  if (!labels->ids) return fail_memory(path);
  for (int64_t i = 0; i < labels->count; ++i) labels->ids[i] = cutlab_array_integer(array, i);
  return 0;
}

static int take_rows(label_file *labels, const cutlab_array *array, const char *path) {
  labels->count = array->shape[0];
  labels->classes = array->shape[1];
  int64_t count = cutlab_array_count(array);
  labels->rows = malloc((size_t)count * sizeof *labels->rows + 1);
  if (!labels->rows) return fail_memory(path);
  for (int64_t i = 0; i < count; ++i) {
    labels->rows[i] = (float)cutlab_array_number(array, i);
    if (isfinite(labels->rows[i])) continue;
    cutlab_cli_print_error("%s: label %" PRId64 ", class %" PRId64 " is %g; accepted: a finite "
                           "number",
                           path, i / labels->classes, i % labels->classes,
                           cutlab_array_number(array, i));
    return cutlab_exit_failure;
  }
  return 0;
}

static int read_npy(const augment_job *job, label_file *labels, const char *path) {
  cutlab_array array;
  cutlab_status status = cutlab_npy_read(job->cli->context, &array, path, 0);
  if (status != CUTLAB_OK) return cutlab_cli_fail(job->cli, status, NULL);
  int code;
  if (array.rank == 1 && cutlab_dtype_is_integer(array.dtype)) {
    code = take_ids(labels, &array, path);
  } else if (array.rank == 2 && array.shape[1] > 0) {
    code = take_rows(labels, &array, path);
  } else {
    cutlab_cli_print_error("%s: %s with %d axes; accepted: integers [N], or numbers [N][K]", path,
                           cutlab_dtype_name(array.dtype), array.rank);
    code = cutlab_exit_failure;
  }
  cutlab_array_clear(&array);
  return code;
}

static int read_file(const augment_job *job, label_file *labels) {
  const char *path = job->settings.labels;
  if (cutlab_folder_holds(&job->folder, path))
    return cutlab_cli_usage("%s lies in the output folder, which is replaced; name another --out",
                            path);
  int code = 0;
  if (is_npy(path)) {
    code = read_npy(job, labels, path);
  } else {
    cutlab_status status =
        cutlab_idx_labels_read(job->cli->context, &labels->ids, &labels->count, path);
    if (status != CUTLAB_OK) code = cutlab_cli_fail(job->cli, status, NULL);
  }
  if (code || labels->count == job->input.count) return code;
  cutlab_cli_print_error("%s: %" PRId64 " labels, but %" PRId64 " images in %s; accepted: as many",
                         path, labels->count, job->input.count, job->settings.inputs[0]);
  return cutlab_exit_failure;
}

/* How many classes there are; 0 after a message. Of what comes with images, only the labels beside
   those of an IDX file lack the number of classes. */
static int64_t find_classes(const augment_job *job) {
  if (job->settings.classes) return job->settings.classes;
  if (!job->settings.labels && job->images.class_count) return job->images.class_count;
  if (job->settings.labels)
    cutlab_cli_usage("augment: the labels are class ids: --classes is missing");
  else
    cutlab_cli_usage("augment: class ids were found beside the images, in %s: --classes is "
                     "missing; accepted: --classes K, or --no-labels to go without",
                     job->images.labels_path);
  return 0;
}

static int use_ids(augment_job *job, const int64_t *ids) {
  const augment_settings *s = &job->settings;
  const char *beside = job->images.labels_path;
  const char *path = s->labels ? s->labels : beside ? beside : s->inputs[0];
  job->classes = find_classes(job);
  if (!job->classes) return cutlab_exit_usage;
  for (int64_t i = 0; i < job->input.count; ++i)
    if (ids[i] < 0 || ids[i] >= job->classes) {
      cutlab_cli_print_error("%s: label %" PRId64 " is %" PRId64 "; accepted: 0 to %" PRId64, path,
                             i, ids[i], job->classes - 1);
      return cutlab_exit_failure;
    }
  if (job->classes > (INT64_C(1) << 34) / job->input.count / (int64_t)sizeof *job->labels) {
    cutlab_cli_print_error("labels of %" PRId64 " images in %" PRId64
                           " classes; accepted: at most 2^34 bytes",
                           job->input.count, job->classes);
    return cutlab_exit_failure;
  }
  job->labels = malloc((size_t)(job->input.count * job->classes) * sizeof *job->labels);
  if (!job->labels) return fail_memory(path);
  cutlab_status status = cutlab_labels_one_hot(job->cli->context, job->labels, ids,
                                               job->input.count, job->classes, s->smoothing);
  return status == CUTLAB_OK ? 0 : cutlab_cli_fail(job->cli, status, NULL);
}

static int use_rows(augment_job *job, label_file *labels) {
  const augment_settings *s = &job->settings;
  if (s->smoothing != 0)
    return cutlab_cli_usage("--smoothing is of class ids, but %s has rows of numbers", s->labels);
  if (s->classes && s->classes != labels->classes)
    return cutlab_cli_usage("--classes is %" PRId64 ", but %s has rows of %" PRId64 " numbers",
                            s->classes, s->labels, labels->classes);
  job->labels = labels->rows;
  job->classes = labels->classes;
  labels->rows = NULL;
  return 0;
}

/* What says something about labels is no use without. */
static int check_unlabelled(const augment_settings *s) {
  const char *option = s->classes                      ? "--classes"
                       : s->smoothing != 0             ? "--smoothing"
                       : s->mix != CUTLAB_LABEL_LINEAR ? "--mix union"
                                                       : NULL;
  if (!option) return 0;
  if (s->no_labels)
    return cutlab_cli_usage("%s and --no-labels are given; accepted: one of them", option);
  return cutlab_cli_usage("%s is given, but there are no labels; name them with --labels", option);
}

int augment_read_labels(augment_job *job) {
  const augment_settings *s = &job->settings;
  label_file labels = {0};
  int code = 0;
  if (s->labels) {
    code = read_file(job, &labels);
    if (!code && labels.rows) code = use_rows(job, &labels);
    if (!code && labels.ids) code = use_ids(job, labels.ids);
  } else if (job->images.labels && !s->no_labels) {
    code = use_ids(job, job->images.labels);
  } else {
    code = check_unlabelled(s);
  }
  cutlab_free(labels.ids);
  free(labels.rows);
  return code;
}

char **augment_class_names(const augment_job *job) {
  const augment_settings *s = &job->settings;
  return s->labels || s->no_labels || s->input_count > 1 ? NULL : job->images.class_names;
}
