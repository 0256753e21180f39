/* What tests of reports share: run folders made by hand, reports of them, and what they say. */
#ifndef CUTLAB_TEST_REPORTS_H
#define CUTLAB_TEST_REPORTS_H

#include <math.h>

#include <cutlab/report.h>

#include "base/file.h"
#include "base/json.h"
#include "fixture.h"

typedef struct report_fixture {
  char *folder;
  cutlab_context *context;
  char warnings[1024];
} report_fixture;

static inline void remember_warning(void *user, const char *message) {
  report_fixture *f = user;
  size_t used = strlen(f->warnings);
  snprintf(f->warnings + used, sizeof f->warnings - used, "%s\n", message);
}

/* Without tools on PATH, so that figures stay specifications. */
static inline int set_up(void **state) {
  report_fixture *f = calloc(1, sizeof *f);
  *state = f;
  if (!f) return -1;
  f->folder = temporary_make();
  setenv("PATH", "/nonexistent", 1);
  if (!f->folder || cutlab_context_create(&f->context) != CUTLAB_OK) return -1;
  cutlab_context_set_warning(f->context, remember_warning, f);
  return 0;
}

static inline int tear_down(void **state) {
  report_fixture *f = *state;
  cutlab_context_free(f->context);
  int failed = temporary_remove(f->folder);
  free(f);
  return failed;
}

static inline char *in(const report_fixture *f, const char *name) {
  static char paths[4][512];
  static int next;
  char *path = paths[next++ % 4];
  snprintf(path, sizeof paths[0], "%s/%s", f->folder, name);
  return path;
}

static inline void put(const report_fixture *f, const char *name, const char *text) {
  char folder[512];
  snprintf(folder, sizeof folder, "%s", in(f, name));
  *strrchr(folder, '/') = '\0';
  assert_int_equal(cutlab_folder_make(f->context, folder), CUTLAB_OK);
  assert_int_equal(cutlab_file_write(f->context, in(f, name), text, strlen(text)), CUTLAB_OK);
}

static inline char *get(const report_fixture *f, const char *name) {
  char *text;
  size_t size;
  assert_int_equal(cutlab_file_read(f->context, &text, &size, in(f, name), 0), CUTLAB_OK);
  return text;
}

static const char six_features[] =
    "{\"label\":1,\"index\":0,\"rarity\":\"common\",\"frequency\":0.8},"
    "{\"label\":1,\"index\":1,\"rarity\":\"rare\",\"frequency\":0.15},"
    "{\"label\":1,\"index\":2,\"rarity\":\"extremely rare\",\"frequency\":0.05},"
    "{\"label\":-1,\"index\":0,\"rarity\":\"common\",\"frequency\":0.8},"
    "{\"label\":-1,\"index\":1,\"rarity\":\"rare\",\"frequency\":0.15},"
    "{\"label\":-1,\"index\":2,\"rarity\":\"extremely rare\",\"frequency\":0.05}";

static inline void put_config(const report_fixture *f, const char *run, const char *method,
                              int seed, const char *dataset, const char *features) {
  char name[256], text[2048];
  snprintf(name, sizeof name, "%s/run.json", run);
  snprintf(text, sizeof text,
           "{\"format\":\"cutlab-run\",\"format_version\":1,\"cutlab\":\"0.1.0\","
           "\"parameters\":{\"patches\":3,\"dimension\":2000,\"sampling\":\"iid\","
           "\"method\":\"%s\",\"iterations\":10,\"seed\":%d,\"log_spacing\":\"log\"},"
           "\"dataset\":%s,\"features\":[%s],\"examples\":300,\"positives\":150,"
           "\"optimum\":{\"positive\":1.4,\"negative\":1.2,\"loss\":0.25},"
           "\"theory_accuracy\":%s,\"machine\":{\"system\":\"Linux\"}}",
           method, seed, dataset, features,
           !*features || strcmp(method, "mixup") == 0 ? "null"
           : strcmp(method, "cutmix") == 0            ? "1.0"
                                                      : "0.9");
  put(f, name, text);
}

/* A line whose outputs are first, first + 1, ..., first + 5, and accuracy / 6, .... */
static inline void append_line(char *text, size_t size, int iteration, double loss, double first,
                               double accuracy) {
  size_t used = strlen(text);
  snprintf(text + used, size - used,
           "{\"iteration\":%d,\"loss\":%g,\"gradient_norm\":0.5,\"train_accuracy\":0.75,"
           "\"evenness\":0.125,\"evenness_by_kind\":{\"feature\":0.1,\"dominant\":0.2,"
           "\"background\":0.3},\"features\":[%g,%g,%g,%g,%g,%g],"
           "\"population_accuracy\":{\"overall\":%g,\"features\":[1,0.5,0.5,0.5,0.5,0.75]},"
           "\"monte_carlo\":null}\n",
           iteration, loss, first, first + 1, first + 2, first + 3, first + 4, first + 5, accuracy);
}

static inline void put_run(const report_fixture *f, const char *run, const char *method, int seed,
                           double first, double accuracy) {
  char name[256], text[4096] = "";
  put_config(f, run, method, seed, "null", six_features);
  append_line(text, sizeof text, 0, 0.693147, 0, 0.5);
  append_line(text, sizeof text, 10, 0.5, first, accuracy);
  snprintf(name, sizeof name, "%s/metrics.jsonl", run);
  put(f, name, text);
  snprintf(name, sizeof name, "%s/result.json", run);
  put(f, name, "{\"seconds\": 2.5}");
}

static inline cutlab_status report(report_fixture *f, char **table) {
  const char *runs[] = {in(f, "runs")};
  return cutlab_report_write(f->context, table, in(f, "out"), runs, 1);
}

static inline void assert_contains(const char *text, const char *part) {
  if (!strstr(text, part)) fail_msg("\"%s\" is not in:\n%s", part, text);
}

static inline void expect_error(report_fixture *f, cutlab_status status, const char *part) {
  char *table = (char *)"";
  assert_int_equal(report(f, &table), status);
  assert_null(table);
  assert_contains(cutlab_context_message(f->context), part);
  assert_null(strchr(cutlab_context_message(f->context), '\n'));
}

static inline int count_of(const char *text, const char *part) {
  int count = 0;
  for (; (text = strstr(text, part)); ++text) ++count;
  return count;
}

static inline json_t *json_of(const report_fixture *f, const char *name) {
  char *text = get(f, name);
  json_t *json = json_loads(text, 0, NULL);
  free(text);
  assert_non_null(json);
  return json;
}

/* Cell (row, name) of a table whose cells hold no commas. */
static inline double csv_cell(const char *csv, int row, const char *name) {
  int column = 0;
  const char *end = csv + strcspn(csv, "\n"), *at = csv;
  size_t length = strlen(name);
  while (at < end && !(strncmp(at, name, length) == 0 && strchr(",\n", at[length]))) {
    at += strcspn(at, ",\n") + 1;
    ++column;
  }
  assert_true(at < end);
  for (at = csv; row--;) at += strcspn(at, "\n") + 1;
  while (column--) at += strcspn(at, ",\n") + 1;
  return strchr(",\n", *at) ? NAN : strtod(at, NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
