/* Files of predictions and audits of them, for the tests of what is added to an audit. */
#ifndef CUTLAB_TEST_AUDIT_FILES_H
#define CUTLAB_TEST_AUDIT_FILES_H

#include <math.h>

#include <cutlab/array.h>

#include "audit/audit_internal.h"
#include "base/file.h"
#include "fixture.h"

enum { examples = 12, classes = 3, matrix_size = examples * classes };

/* A data set: labels 0, 1, 2, 0, ...; logits that are wrong about every fifth example, more of it
   by `shift`. */
static int64_t label_of(int64_t i) {
  return i % classes;
}

static inline void make_logits(double logits[matrix_size], int shift) {
  for (int64_t i = 0; i < examples; ++i)
    for (int64_t k = 0; k < classes; ++k)
      logits[i * classes + k] =
          (double)((i * 7 + k * 5 + shift) % 9) / 8 +
          (k == ((i + shift) % 5 ? label_of(i) : (label_of(i) + 1) % classes) ? 2 : 0);
}

/* Files */

static inline void put(const fixture *f, const char *name, const cutlab_array *arrays, int count) {
  char *path = path_of(f, name);
  bool is_npz = strstr(name, ".npz");
  assert_int_equal(is_npz ? cutlab_npz_write(f->context, path, arrays, count)
                          : cutlab_npy_write(f->context, path, arrays),
                   CUTLAB_OK);
  free(path);
}

static inline void put_text(const fixture *f, const char *name, const char *text) {
  char *path = path_of(f, name);
  assert_int_equal(cutlab_file_write(f->context, path, text, strlen(text)), CUTLAB_OK);
  free(path);
}

static inline cutlab_array matrix(const char *name, double *values) {
  cutlab_array array = {
      .dtype = CUTLAB_FLOAT64, .rank = 2, .shape = {examples, classes}, .data = values};
  snprintf(array.name, sizeof array.name, "%s", name);
  return array;
}

static inline cutlab_array line(const char *name, cutlab_dtype dtype, void *values, int64_t count) {
  cutlab_array array = {.dtype = dtype, .rank = 1, .shape = {count}, .data = values};
  snprintf(array.name, sizeof array.name, "%s", name);
  return array;
}

/* An .npz with logits and labels of the data set. */
static inline void put_predictions(const fixture *f, const char *name, int shift) {
  double logits[matrix_size];
  int64_t labels[examples];
  make_logits(logits, shift);
  for (int64_t i = 0; i < examples; ++i) labels[i] = label_of(i);
  const cutlab_array arrays[] = {matrix("logits", logits),
                                 line("labels", CUTLAB_INT64, labels, examples)};
  put(f, name, arrays, 2);
}

/* Runs */

typedef struct fake {
  const char *method, *policy, *fold, *fingerprint, *more; /* more: settings, each with a comma */
  int seed, shift;
  int64_t first, step, count;  /* examples first, first + step, ...; count 0: all */
  bool unfinished, relabelled; /* relabelled: every label another one */
} fake;

static inline void put_run_json(const fixture *f, const char *folder, const fake *run) {
  char name[128], *text;
  snprintf(name, sizeof name, "%s/run.json", folder);
  assert_true(asprintf(&text,
                       "{\"format\": \"cutlab-training\", \"format_version\": 1, \"settings\": {"
                       "%s\"method\": \"%s\", \"policy\": \"%s\", \"fold\": \"%s\", \"seed\": %d},"
                       "\"data\": {\"fingerprint\": \"%s\", \"train\": %d, \"held_out\": %d,"
                       "\"class_names\": [\"cat\", \"dog\", \"fox\"]}, \"model\": \"linear(3)\"}",
                       run->more ? run->more : "", run->method ? run->method : "erm",
                       run->policy ? run->policy : "", run->fold ? run->fold : "",
                       run->seed ? run->seed : 1, run->fingerprint ? run->fingerprint : "f00d",
                       examples / 2, examples / 2) > 0);
  put_text(f, name, text);
  free(text);
}

static inline void put_run(const fixture *f, const char *folder, fake run) {
  double logits[matrix_size], chosen[matrix_size];
  int64_t labels[examples], indices[examples], count = run.count ? run.count : examples;
  char name[128], *path = path_of(f, folder);
  assert_int_equal(cutlab_folder_make(f->context, path), CUTLAB_OK);
  free(path);
  put_run_json(f, folder, &run);
  make_logits(logits, run.shift);
  for (int64_t r = 0; r < count; ++r) {
    indices[r] = run.first + r * (run.step ? run.step : 1);
    labels[r] = label_of(indices[r] + run.relabelled);
    for (int64_t k = 0; k < classes; ++k)
      chosen[r * classes + k] = logits[indices[r] * classes + k];
  }
  cutlab_array arrays[] = {matrix("logits", chosen), line("labels", CUTLAB_INT64, labels, count),
                           line("indices", CUTLAB_INT64, indices, count)};
  arrays[0].shape[0] = count;
  snprintf(name, sizeof name, "%s/%s", folder, run.fold ? "heldout.npz" : "logits.npz");
  put(f, name, arrays, run.fold ? 3 : 2);
  snprintf(name, sizeof name, "%s/result.json", folder);
  if (!run.unfinished) put_text(f, name, "{}");
}

/* Fold I of 2 or 3 holds the examples i with i % folds = I - 1. */
static inline fake fold_of(const char *method, int seed, const char *fold) {
  int folds = fold[2] - '0';
  return (fake){.method = method,
                .seed = seed,
                .shift = seed,
                .fold = fold,
                .first = fold[0] - '1',
                .step = folds,
                .count = examples / folds};
}

/* Audits */

static inline cutlab_audit *create(const fixture *f) {
  cutlab_audit *audit;
  assert_int_equal(cutlab_audit_create(f->context, &audit), CUTLAB_OK);
  return audit;
}

static inline cutlab_status add_run(const fixture *f, cutlab_audit *audit, const char *folder) {
  char *path = path_of(f, folder);
  cutlab_status status = cutlab_audit_add_run(f->context, audit, path);
  free(path);
  return status;
}

static inline cutlab_status add(const fixture *f, cutlab_audit *audit, const char *method,
                                const char *name) {
  char *path = path_of(f, name);
  cutlab_status status = cutlab_audit_add_predictions(f->context, audit, method, path);
  free(path);
  return status;
}

typedef cutlab_status (*setter)(cutlab_context *, cutlab_audit *, const char *);
static inline cutlab_status give(const fixture *f, cutlab_audit *audit, setter set,
                                 const char *name) {
  char *path = path_of(f, name);
  cutlab_status status = set(f->context, audit, path);
  free(path);
  return status;
}

static inline cutlab_status compute(const fixture *f, cutlab_audit *audit) {
  const cutlab_audit_options options = {.draws = 50};
  return cutlab_audit_compute(f->context, audit, &options);
}

static inline void compute_well(const fixture *f, cutlab_audit *audit) {
  if (compute(f, audit) != CUTLAB_OK) fail_msg("%s", cutlab_context_message(f->context));
}

/* What was said, without the temporary folder, is `expected`. */
static inline void assert_text(const fixture *f, const char *said, const char *expected) {
  char text[1024] = "", *to = text;
  size_t skipped = strlen(f->folder) + 1;
  for (const char *from = said; *from;) {
    if (strncmp(from, f->folder, skipped - 1) == 0)
      from += skipped;
    else
      *to++ = *from++;
  }
  *to = '\0';
  assert_string_equal(text, expected);
}

static inline void assert_said(const fixture *f, const char *expected) {
  assert_text(f, cutlab_context_message(f->context), expected);
}

static inline void assert_refused(const fixture *f, cutlab_status status, const char *expected) {
  assert_int_equal(status, CUTLAB_ERROR_ARGUMENT);
  assert_said(f, expected);
}

/* The definitions, in other words. */
static inline void check_training(const cutlab_audit *audit, const cutlab_audit_training *t,
                                  int shift) {
  double logits[matrix_size];
  int64_t errors = 0;
  make_logits(logits, shift);
  for (int64_t j = 0; j < audit->count; ++j) {
    const double *row = logits + audit->index[j] * classes;
    int64_t label = label_of(audit->index[j]), best = 0;
    double other = -INFINITY, sum = 0;
    for (int64_t k = 0; k < classes; ++k) {
      sum += exp(row[k]);
      if (row[k] > row[best]) best = k;
      if (k != label && row[k] > other) other = row[k];
    }
    errors += best != label;
    assert_int_equal(audit->label[j], label);
    assert_int_equal(t->prediction[j], best);
    assert_int_equal(t->wrong[j], best != label);
    assert_true(fabs(t->margin[j] - (row[label] - other)) < 1e-6);
    assert_true(fabs(t->probability[j] - exp(row[label]) / sum) < 1e-6);
  }
  assert_int_equal(t->errors, errors);
  assert_true(errors > 0);
}

/* Two files as two methods, with what a test gives first. */
static inline void refuse_pair(const fixture *f, cutlab_audit *audit, const char *expected) {
  assert_int_equal(add(f, audit, "a", "a.npz"), CUTLAB_OK);
  assert_int_equal(add(f, audit, "b", "b.npz"), CUTLAB_OK);
  assert_refused(f, compute(f, audit), expected);
  assert_false(audit->computed);
  assert_null(audit->methods);
  cutlab_audit_free(audit);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_up, fixture_down)

#endif
