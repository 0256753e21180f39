/* Reports: tables and CSV against values worked out by hand, errors that name file and line,
   unfinished runs, hostile text, data without features, tools that are missing or fail; the same of
   networks, trained here. */

#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cutlab/array.h>
#include <cutlab/report.h>
#include <cutlab/train.h>

#include "base/file.h"
#include "base/json.h"
#include "fixture.h"

typedef struct report_fixture {
  char *folder;
  cutlab_context *context;
  char warnings[1024];
} report_fixture;

static void remember_warning(void *user, const char *message) {
  report_fixture *f = user;
  size_t used = strlen(f->warnings);
  snprintf(f->warnings + used, sizeof f->warnings - used, "%s\n", message);
}

/* Without tools on PATH, so that figures stay specifications. */
static int set_up(void **state) {
  report_fixture *f = calloc(1, sizeof *f);
  *state = f;
  if (!f) return -1;
  f->folder = temporary_make();
  setenv("PATH", "/nonexistent", 1);
  if (!f->folder || cutlab_context_create(&f->context) != CUTLAB_OK) return -1;
  cutlab_context_set_warning(f->context, remember_warning, f);
  return 0;
}

static int tear_down(void **state) {
  report_fixture *f = *state;
  cutlab_context_free(f->context);
  int failed = temporary_remove(f->folder);
  free(f);
  return failed;
}

static char *in(const report_fixture *f, const char *name) {
  static char paths[4][512];
  static int next;
  char *path = paths[next++ % 4];
  snprintf(path, sizeof paths[0], "%s/%s", f->folder, name);
  return path;
}

static void put(const report_fixture *f, const char *name, const char *text) {
  char folder[512];
  snprintf(folder, sizeof folder, "%s", in(f, name));
  *strrchr(folder, '/') = '\0';
  assert_int_equal(cutlab_folder_make(f->context, folder), CUTLAB_OK);
  assert_int_equal(cutlab_file_write(f->context, in(f, name), text, strlen(text)), CUTLAB_OK);
}

static char *get(const report_fixture *f, const char *name) {
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

static void put_config(const report_fixture *f, const char *run, const char *method, int seed,
                       const char *dataset, const char *features) {
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
static void append_line(char *text, size_t size, int iteration, double loss, double first,
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

static void put_run(const report_fixture *f, const char *run, const char *method, int seed,
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

static cutlab_status report(report_fixture *f, char **table) {
  const char *runs[] = {in(f, "runs")};
  return cutlab_report_write(f->context, table, in(f, "out"), runs, 1);
}

static void assert_contains(const char *text, const char *part) {
  if (!strstr(text, part)) fail_msg("\"%s\" is not in:\n%s", part, text);
}

/* Common outputs are the mean of entries 0 and 3: first + 1.5; rare + 1; extremely rare + 2. */
static void test_table(void **state) {
  report_fixture *f = *state;
  put_run(f, "runs/paper/cutmix-seed1", "cutmix", 1, 1, 0.9);
  put_run(f, "runs/paper/cutmix-seed2", "cutmix", 2, 2, 0.8);
  put_run(f, "runs/paper/erm-seed1", "erm", 1, -1, 0.7);
  char *table;
  assert_int_equal(report(f, &table), CUTLAB_OK);
  assert_contains(table, "paper\n  300 examples of 3 patches in dimension 2000, independent draws, "
                         "10 iterations\n");
  assert_contains(table, "  ERM       1   0.5000  1.5000  2.5000  0.50000  0.7500  "
                         "0.7000 [0.7000 .. 0.7000]  0.9000   0.1250\n");
  assert_contains(table, "  CutMix    2   3.0000  4.0000  5.0000  0.50000  0.7500  "
                         "0.8500 [0.8000 .. 0.9000]  1.0000   0.1250\n");
  assert_true(strstr(table, "ERM ") < strstr(table, "CutMix "));
  assert_int_equal(table[strlen(table) - 1], '\n');
  for (const char *line = table; *line; line += strcspn(line, "\n") + 1)
    assert_true(strcspn(line, "\n") < 110);
  cutlab_free(table);
}

static void test_csv(void **state) {
  report_fixture *f = *state;
  put_run(f, "runs/a, \"b\"", "cutmix", 7, 1, 0.9);
  assert_int_equal(report(f, NULL), CUTLAB_OK);
  char *csv = get(f, "out/summary.csv");
  char expected[2048];
  snprintf(expected, sizeof expected,
           "group,run,method,seed,finished,iterations,dimension,patches,examples,positives,"
           "sampling,loss,gradient_norm,train_accuracy,evenness,evenness_feature,"
           "evenness_dominant,evenness_background,output_common,output_rare,"
           "output_extremely_rare,population_accuracy,accuracy_common,accuracy_rare,"
           "accuracy_extremely_rare,monte_carlo_accuracy,monte_carlo_standard_error,test_error,"
           "theory_accuracy,optimum_positive,optimum_negative,optimum_loss,seconds\n"
           "\"a, \"\"b\"\"\",\"%s/runs/a, \"\"b\"\"\",cutmix,7,yes,10,2000,3,300,150,iid,"
           "0.5,0.5,0.75,0.125,0.1,0.2,0.3,2.5,3.5,4.5,0.9,0.75,0.5,0.625,,,,1,1.4,1.2,0.25,2.5\n",
           f->folder);
  assert_string_equal(csv, expected);
  free(csv);
}

static void test_unfinished(void **state) {
  report_fixture *f = *state;
  put_run(f, "runs/x/erm", "erm", 1, 1, 0.7);
  char text[4096] = "";
  append_line(text, sizeof text, 0, 0.7, 0, 0.5);
  append_line(text, sizeof text, 5, 0.6, 1, 0.6);
  append_line(text, sizeof text, 9, 0.5, 2, 0.7);
  text[strlen(text) - 20] = '\0';
  put(f, "runs/x/erm/metrics.jsonl", text);
  char *table;
  assert_int_equal(report(f, &table), CUTLAB_OK);
  assert_contains(table, "ERM       1*  2.5000");
  assert_contains(table, "0.60000");
  assert_contains(table, "* 1 of 1 not finished");
  cutlab_free(table);
  char *csv = get(f, "out/summary.csv");
  assert_contains(csv, ",erm,1,no,5,");
  free(csv);
}

/* Just begun: no measurement yet. */
static void test_no_metrics(void **state) {
  report_fixture *f = *state;
  put_config(f, "runs/x/erm", "erm", 1, "null", six_features);
  char *table;
  assert_int_equal(report(f, &table), CUTLAB_OK);
  assert_contains(table, "ERM       1*");
  cutlab_free(table);
}

static void expect_error(report_fixture *f, cutlab_status status, const char *part) {
  char *table = (char *)"";
  assert_int_equal(report(f, &table), status);
  assert_null(table);
  assert_contains(cutlab_context_message(f->context), part);
  assert_null(strchr(cutlab_context_message(f->context), '\n'));
}

static void test_bad_input(void **state) {
  report_fixture *f = *state;
  expect_error(f, CUTLAB_ERROR_IO, "/runs: no such folder");
  assert_int_equal(mkdir(in(f, "runs"), 0777), 0);
  expect_error(f, CUTLAB_ERROR_FORMAT, "/runs: no run in it");
  put_run(f, "runs/x/erm", "erm", 1, 1, 0.7);

  char text[4096] = "";
  append_line(text, sizeof text, 0, 0.7, 0, 0.5);
  snprintf(text + strlen(text), sizeof text - strlen(text), "garbage\n");
  append_line(text, sizeof text, 9, 0.5, 2, 0.7);
  put(f, "runs/x/erm/metrics.jsonl", text);
  expect_error(f, CUTLAB_ERROR_FORMAT, "/runs/x/erm/metrics.jsonl:2: not valid JSON");
  put(f, "runs/x/erm/metrics.jsonl", "{\"iteration\": 0, \"loss\": 1, \"features\": [1, 2]}\n");
  expect_error(f, CUTLAB_ERROR_FORMAT, "/metrics.jsonl:1: \"features\" is not as long");
  text[0] = '\0';
  append_line(text, sizeof text, 4, 0.7, 0, 0.5);
  append_line(text, sizeof text, 4, 0.5, 2, 0.7);
  put(f, "runs/x/erm/metrics.jsonl", text);
  expect_error(f, CUTLAB_ERROR_FORMAT, "/metrics.jsonl:2: \"iteration\" does not ascend");

  put(f, "runs/x/erm/result.json", "{\"seconds\": ");
  expect_error(f, CUTLAB_ERROR_FORMAT, "/runs/x/erm/result.json:1:");
  put(f, "runs/x/erm/run.json", "{\"format\": \"cutlab-run\",\n \"format_ver");
  expect_error(f, CUTLAB_ERROR_FORMAT, "/runs/x/erm/run.json:2:");
  put(f, "runs/x/erm/run.json", "{\"format\": \"other\"}");
  expect_error(f, CUTLAB_ERROR_FORMAT, "\"format\" is other; accepted: cutlab-run");
  put(f, "runs/x/erm/run.json", "{\"format\": \"cutlab-run\", \"format_version\": 2}");
  expect_error(f, CUTLAB_ERROR_FORMAT, "\"format_version\" is 2; accepted: 1");
  assert_int_equal(remove(in(f, "runs/x/erm/run.json")), 0);
  expect_error(f, CUTLAB_ERROR_FORMAT, "/runs/x/erm: looks like a run, but run.json is missing");
}

static int count_of(const char *text, const char *part) {
  int count = 0;
  for (; (text = strstr(text, part)); ++text) ++count;
  return count;
}

/* Of a folder that is walked a damaged run costs itself alone; one that is named is refused. */
static void test_damaged_among_others(void **state) {
  report_fixture *f = *state;
  put_run(f, "runs/x/erm", "erm", 1, 1, 0.7);
  put_run(f, "runs/x/cutout", "cutout", 1, 1, 0.6);
  put_run(f, "runs/x/mixup", "mixup", 1, 1, 0.8);
  put(f, "runs/x/cutout/run.json", "{\"format\": \"cutlab-run\",\n");
  put(f, "runs/x/lost/metrics.jsonl", "");
  char *table;
  assert_int_equal(report(f, &table), CUTLAB_OK);
  assert_contains(table, "  ERM       1 ");
  assert_contains(table, "  Mixup     1 ");
  assert_null(strstr(table, "Cutout"));
  cutlab_free(table);
  assert_contains(f->warnings, "left out: ");
  assert_contains(f->warnings, "/runs/x/cutout/run.json:2:");
  assert_contains(f->warnings, "/runs/x/lost: looks like a run, but run.json is missing\n");
  assert_int_equal(count_of(f->warnings, "left out"), 2);
  const char *runs[] = {in(f, "runs/x/erm"), in(f, "runs/x/cutout")};
  assert_int_equal(cutlab_report_write(f->context, &table, in(f, "out"), runs, 2),
                   CUTLAB_ERROR_FORMAT);
  assert_contains(cutlab_context_message(f->context), "/runs/x/cutout/run.json:2:");
}

/* As a user who may read all but one folder. */
static void test_unreadable_folder(void **state) {
  report_fixture *f = *state;
  enum { nobody = 65534 };
  put_run(f, "runs/x/erm", "erm", 1, 1, 0.7);
  assert_int_equal(mkdir(in(f, "runs/closed"), 0), 0);
  assert_int_equal(chmod(f->folder, 0777), 0);
  bool root = geteuid() == 0;
  if (root) assert_int_equal(seteuid(nobody), 0);
  cutlab_status walked = report(f, NULL);
  const char *closed[] = {in(f, "runs/closed")};
  cutlab_status named = cutlab_report_write(f->context, NULL, in(f, "out"), closed, 1);
  if (root) assert_int_equal(seteuid(0), 0);
  assert_int_equal(chmod(in(f, "runs/closed"), 0777), 0);
  assert_int_equal(walked, CUTLAB_OK);
  assert_contains(f->warnings, "left out: cannot list ");
  assert_contains(f->warnings, "/runs/closed: Permission denied\n");
  assert_int_equal(named, CUTLAB_ERROR_IO);
}

/* Text from files can neither end the page's script elements nor become elements of its own. */
static void test_hostile_text(void **state) {
  report_fixture *f = *state;
  put_run(f, "runs/x/erm", "erm", 1, 1, 0.7);
  assert_int_equal(report(f, NULL), CUTLAB_OK);
  char *page = get(f, "out/report.html");
  int ends = count_of(page, "</script");
  free(page);
  assert_int_equal(ends, 6);
  put_run(f, "runs/<img src=q onerror=alert(1)>/cutout", "cutout", 1, 1, 0.7);
  put_config(f, "runs/<img src=q onerror=alert(1)>/cutout", "cutout", 1,
             "\"</script><script>alert(1)</script>\"", six_features);
  assert_int_equal(report(f, NULL), CUTLAB_OK);
  page = get(f, "out/report.html");
  assert_int_equal(count_of(page, "</script"), ends);
  assert_int_equal(count_of(page, "<img src=q"), 0);
  assert_contains(page, "\\u003cimg src=q onerror=alert(1)>");
  assert_contains(page, "\\u003c/script>\\u003cscript>alert(1)");
  free(page);
  assert_true(cutlab_file_exists(in(f, "out/figures/img-src-q-onerror-alert-1-features.vl.json")));
}

/* A user's own data: no features, accuracies or theory; figures that need them are left out. */
static void test_own_data(void **state) {
  report_fixture *f = *state;
  put_config(f, "runs/erm", "erm", 1, "\"my data.npz\"", "");
  put(f, "runs/erm/metrics.jsonl",
      "{\"iteration\":0,\"loss\":0.7,\"gradient_norm\":1,\"train_accuracy\":0.5,\"evenness\":null,"
      "\"features\":[],\"population_accuracy\":null}\n"
      "{\"iteration\":10,\"loss\":0.2,\"gradient_norm\":1,\"train_accuracy\":1,\"evenness\":null,"
      "\"features\":[],\"population_accuracy\":null}\n");
  char *table;
  assert_int_equal(report(f, &table), CUTLAB_OK);
  assert_contains(table, "erm\n  data set my data.npz, 300 examples, 10 iterations");
  assert_contains(table, "1*       -       -       -  0.20000  1.0000       -");
  cutlab_free(table);
  char *figure = get(f, "out/figures/erm-loss.vl.json");
  assert_int_equal(count_of(figure, "\"@"), 0); /* no place of the template left open */
  free(figure);
  assert_int_equal(temporary_entries(in(f, "out/figures")), 1);
}

static void test_same_folder_twice(void **state) {
  report_fixture *f = *state;
  put_run(f, "runs/x/erm", "erm", 1, 1, 0.7);
  const char *runs[] = {in(f, "runs"), in(f, "runs/x/erm")};
  char *table;
  assert_int_equal(cutlab_report_write(f->context, &table, in(f, "out"), runs, 2), CUTLAB_OK);
  assert_contains(table, "ERM       1 ");
  cutlab_free(table);
}

static void put_tool(const report_fixture *f, const char *name, const char *script) {
  put(f, name, script);
  assert_int_equal(chmod(in(f, name), 0755), 0);
  setenv("PATH", in(f, "tools"), 1);
}

static void test_tools(void **state) {
  report_fixture *f = *state;
  put_run(f, "runs/x/erm", "erm", 1, 1, 0.7);
  assert_int_equal(report(f, NULL), CUTLAB_OK);
  assert_contains(f->warnings, "node was not found");
  assert_contains(f->warnings, "install nodejs");
  f->warnings[0] = '\0';
  put_tool(f, "tools/node", "#!/bin/sh\nexit 0\n");
  assert_int_equal(report(f, NULL), CUTLAB_OK);
  assert_contains(f->warnings, "rsvg-convert was not found");
  put_tool(f, "tools/rsvg-convert", "#!/bin/sh\necho no such picture >&2\nexit 3\n");
  expect_error(f, CUTLAB_ERROR_IO, "rsvg-convert failed (exit status 3): no such picture");
  put_tool(f, "tools/node", "#!/bin/sh\nkill -9 $$\n");
  expect_error(f, CUTLAB_ERROR_IO, "node failed (signal 9)");
}

/* Sentences are measured: the same sizes with other accuracies say something else. */
static void test_notes(void **state) {
  report_fixture *f = *state;
  put_run(f, "runs/x/cutmix", "cutmix", 1, 1, 0.9);
  put_run(f, "runs/x/cutout", "cutout", 1, 1, 0.95);
  assert_int_equal(report(f, NULL), CUTLAB_OK);
  char *page = get(f, "out/report.html");
  assert_contains(page, "accuracy on fresh points, 0.900, is below Cutout's, 0.950, at d = 2000, "
                        "n = 300.");
  free(page);
  put_run(f, "runs/x/cutmix", "cutmix", 1, 1, 1.0);
  put_run(f, "runs/x/cutout", "cutout", 1, 1, 0.9);
  assert_int_equal(report(f, NULL), CUTLAB_OK);
  page = get(f, "out/report.html");
  assert_int_equal(count_of(page, "is below Cutout's"), 0);
  assert_contains(page, "The theory's accuracies appear here");
  free(page);
}

static json_t *json_of(const report_fixture *f, const char *name) {
  char *text = get(f, name);
  json_t *json = json_loads(text, 0, NULL);
  free(text);
  assert_non_null(json);
  return json;
}

/* Cell (row, name) of a table whose cells hold no commas. */
static double csv_cell(const char *csv, int row, const char *name) {
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

/* Simulated Mixup has its place, name and colour; what is CutMix's own is not drawn for it. */
static void test_mixup(void **state) {
  report_fixture *f = *state;
  put_run(f, "runs/x/erm", "erm", 1, -1, 0.7);
  put_run(f, "runs/x/cutmix", "cutmix", 1, 1, 0.9);
  put_run(f, "runs/x/mixup", "mixup", 1, 2, 0.8);
  char *table;
  assert_int_equal(report(f, &table), CUTLAB_OK);
  assert_contains(table, "  Mixup     1   3.5000  4.5000  5.5000  0.50000  0.7500  "
                         "0.8000 [0.8000 .. 0.8000]       -   0.1250\n");
  cutlab_free(table);
  char *csv = get(f, "out/summary.csv");
  assert_contains(csv, "/runs/x/mixup,mixup,1,yes,10,");
  free(csv);
  char *page = get(f, "out/report.html");
  assert_contains(page, "{\"label\":\"Mixup\",\"colour\":\"#CC79A7\"}");
  free(page);
  static const char *const names[] = {"features", "loss", "accuracy-curves", "evenness",
                                      "accuracy"};
  for (int i = 0; i < 5; ++i) {
    char name[64];
    snprintf(name, sizeof name, "out/figures/x-%s.vl.json", names[i]);
    char *figure = get(f, name);
    assert_contains(figure, "{\"domain\":[\"ERM\",\"CutMix\",\"Mixup\"],\"range\":[\"#D55E00\","
                            "\"#009E73\",\"#CC79A7\"]}");
    assert_contains(figure, "{\"method\":\"Mixup\",\"seed\":1,");
    free(figure);
  }
  json_t *figure = json_of(f, "out/figures/x-loss.vl.json");
  const json_t *rows = json_object_get(json_object_get(figure, "datasets"), "measurements");
  assert_int_equal(json_array_size(rows), 6);
  const json_t *cutmix = json_array_get(rows, 3), *mixup = json_array_get(rows, 5);
  assert_true(json_is_real(json_object_get(cutmix, "CutMix: loss − minimum")));
  assert_true(json_is_real(json_object_get(mixup, "loss")));
  assert_true(json_is_null(json_object_get(mixup, "CutMix: loss − minimum")));
  json_decref(figure);
}

/* The same run twice is no second seed. */
static void test_duplicate_seeds(void **state) {
  report_fixture *f = *state;
  put_run(f, "runs/x/erm-1", "erm", 1, 1, 0.7);
  put_run(f, "runs/x/erm-2", "erm", 2, 1, 0.9);
  put_run(f, "runs/x/cutout-1", "cutout", 1, 1, 0.6);
  char *table;
  assert_int_equal(report(f, &table), CUTLAB_OK);
  assert_null(strstr(f->warnings, "left out"));
  cutlab_free(table);
  put_run(f, "runs/x/erm-1-again", "erm", 1, 1, 0.5);
  put_run(f, "runs/y/erm-1", "erm", 1, 1, 0.4);
  f->warnings[0] = '\0';
  assert_int_equal(report(f, &table), CUTLAB_OK);
  assert_contains(table, "ERM       2 ");
  assert_contains(table, " 0.8000 [0.7000 .. 0.9000]");
  assert_contains(table, "Cutout    1 ");
  cutlab_free(table);
  assert_contains(f->warnings,
                  "left out 2 of 5 runs: they repeat settings and seed of another, as ");
  assert_contains(f->warnings, "/runs/x/erm-1-again of ");
  assert_contains(f->warnings, "/runs/x/erm-1\n");
  assert_int_equal(count_of(f->warnings, "left out"), 1);
  char *csv = get(f, "out/summary.csv");
  assert_int_equal(count_of(csv, "\n"), 4);
  free(csv);
}

/* Of runs that repeat each other a finished one counts, wherever it lies. */
static void test_duplicate_unfinished(void **state) {
  report_fixture *f = *state;
  put_run(f, "runs/x/a", "erm", 1, 1, 0.5);
  put_run(f, "runs/x/b", "erm", 1, 1, 0.7);
  put_run(f, "runs/x/c", "erm", 1, 1, 0.9);
  assert_int_equal(remove(in(f, "runs/x/a/result.json")), 0);
  char *table;
  assert_int_equal(report(f, &table), CUTLAB_OK);
  assert_contains(table, "ERM       1  ");
  assert_contains(table, " 0.7000 [0.7000 .. 0.7000]");
  cutlab_free(table);
  assert_contains(f->warnings, "left out 2 of 3 runs");
}

static const char *title_text(const json_t *spec) {
  return json_string_value(json_object_get(json_object_get(spec, "title"), "text"));
}

/* Figures speak of the theory and of the optimum where these are shown. */
static void test_without_theory(void **state) {
  report_fixture *f = *state;
  put_run(f, "runs/x/erm", "erm", 1, -1, 0.7);
  put_run(f, "runs/y/mixup", "mixup", 1, 2, 0.8);
  assert_int_equal(report(f, NULL), CUTLAB_OK);
  json_t *erm = json_of(f, "out/figures/runs-accuracy.vl.json");
  assert_string_equal(title_text(erm), "Accuracy on fresh points, measured and predicted");
  json_decref(erm);
  put_run(f, "runs/x/erm", "mixup", 2, -1, 0.7);
  assert_int_equal(report(f, NULL), CUTLAB_OK);
  json_t *mixup = json_of(f, "out/figures/runs-accuracy.vl.json");
  assert_string_equal(title_text(mixup), "Accuracy on fresh points");
  json_decref(mixup);
  char *page = get(f, "out/report.html");
  assert_int_equal(count_of(page, "hollow diamond"), 0);
  assert_int_equal(count_of(page, "dashed: the value that minimises"), 0);
  free(page);
}

/* Own data with long paths: groups are named by where these differ. */
static void test_long_values(void **state) {
  report_fixture *f = *state;
#define LONG "\"/a/folder/for/sets/of/data/that/lies/very/deep/in/others/"
  put_run(f, "runs/a", "erm", 1, 1, 0.7);
  put_run(f, "runs/b", "erm", 1, 1, 0.7);
  put_config(f, "runs/a", "erm", 1, LONG "first.npz\"", six_features);
  put_config(f, "runs/b", "erm", 1, LONG "second.npz\"", six_features);
  char *table;
  assert_int_equal(report(f, &table), CUTLAB_OK);
  assert_contains(table, ".../others/first.npz\n  data set");
  assert_contains(table, ".../others/second.npz\n  data set");
  cutlab_free(table);
#undef LONG
}

/* A run with this exact accuracy and what Monte Carlo says beside it (JSON). */
static void put_estimated(const report_fixture *f, const char *run, int seed, const char *exact,
                          const char *monte_carlo) {
  char name[256], text[1024];
  put_config(f, run, "erm", seed, "null", six_features);
  snprintf(text, sizeof text,
           "{\"iteration\":10,\"loss\":0.5,\"gradient_norm\":1,\"train_accuracy\":1,"
           "\"evenness\":null,\"features\":[1,1,1,1,1,1],\"population_accuracy\":{\"overall\":%s,"
           "\"features\":[1,1,1,1,1,1]},\"monte_carlo\":%s}\n",
           exact, monte_carlo);
  snprintf(name, sizeof name, "%s/metrics.jsonl", run);
  put(f, name, text);
  snprintf(name, sizeof name, "%s/result.json", run);
  put(f, name, "{\"seconds\": 2.5}");
}

/* Where accuracy is not known exactly Monte Carlo's is shown, and said to be so; its test error is
   a column of its own. */
static void test_monte_carlo(void **state) {
  report_fixture *f = *state;
  put_estimated(f, "runs/x/a", 1, "null",
                "{\"overall\":0.8,\"standard_error\":0.004,\"test_error\":0.26}");
  put_estimated(f, "runs/x/b", 2, "null",
                "{\"overall\":0.9,\"standard_error\":0.003,\"test_error\":0.18}");
  char *table;
  assert_int_equal(report(f, &table), CUTLAB_OK);
  assert_contains(table, "train  accuracy by Monte Carlo      test\n");
  assert_contains(table, "[ min  ..  max ]     error  theory evenness\n");
  assert_contains(table, "  0.8500 [0.8000 .. 0.9000]  0.2200  0.9000        -\n");
  for (const char *line = table; *line; line += strcspn(line, "\n") + 1)
    assert_true(strcspn(line, "\n") < 110);
  cutlab_free(table);
  char *csv = get(f, "out/summary.csv");
  assert_true(isnan(csv_cell(csv, 1, "population_accuracy")));
  assert_true(csv_cell(csv, 1, "monte_carlo_accuracy") == 0.8);
  assert_true(csv_cell(csv, 1, "monte_carlo_standard_error") == 0.004);
  assert_true(csv_cell(csv, 2, "test_error") == 0.18);
  free(csv);
  char *page = get(f, "out/report.html");
  assert_contains(page, "\"estimated\":true");
  assert_contains(page, "\"test_error\":{\"count\":2,\"mean\":0.22,");
  free(page);
  char *figure = get(f, "out/figures/x-accuracy.vl.json");
  assert_contains(figure, "\"any\":0.8,");
  free(figure);
}

/* Beside an exact accuracy Monte Carlo is a check of it, in the CSV only. */
static void test_monte_carlo_check(void **state) {
  report_fixture *f = *state;
  put_estimated(f, "runs/x/a", 1, "0.75",
                "{\"overall\":0.8,\"standard_error\":0.004,\"test_error\":0.26}");
  char *table;
  assert_int_equal(report(f, &table), CUTLAB_OK);
  assert_contains(table, "train  population accuracy          test\n");
  assert_contains(table, "  0.7500 [0.7500 .. 0.7500]  0.2600  0.9000        -\n");
  cutlab_free(table);
  char *csv = get(f, "out/summary.csv");
  assert_true(csv_cell(csv, 1, "population_accuracy") == 0.75);
  assert_true(csv_cell(csv, 1, "monte_carlo_accuracy") == 0.8);
  free(csv);
  put_estimated(f, "runs/x/a", 1, "0.75", "null");
  assert_int_equal(report(f, &table), CUTLAB_OK);
  assert_null(strstr(table, "test"));
  assert_null(strstr(table, "error"));
  cutlab_free(table);
  char *page = get(f, "out/report.html");
  assert_contains(page, "\"estimated\":false");
  free(page);
}

/* A training of seconds; settings as "key=value", ended by NULL. */
static void train(report_fixture *f, const char *run, const char *const *settings) {
  static const char *const always[] = {"dataset=feature-noise", "train_examples=200",
                                       "test_examples=200", "epochs=3", NULL};
  const char *const *lists[] = {always, settings};
  cutlab_training *training;
  assert_int_equal(cutlab_training_create(f->context, &training), CUTLAB_OK);
  for (int i = 0; i < 2; ++i)
    for (const char *const *setting = lists[i]; *setting; ++setting) {
      char key[64];
      size_t length = strcspn(*setting, "=");
      snprintf(key, sizeof key, "%.*s", (int)length, *setting);
      if (cutlab_training_set(f->context, training, key, *setting + length + 1) != CUTLAB_OK)
        fail_msg("%s", cutlab_context_message(f->context));
    }
  assert_int_equal(cutlab_train_execute(f->context, NULL, training, in(f, run)), CUTLAB_OK);
  cutlab_training_free(training);
}

#define TRAIN(f, run, ...) train(f, run, (const char *const[]){__VA_ARGS__, NULL})
#define SMALL "model=mlp(depth=1,width=16)"

static double result_number(const report_fixture *f, const char *run, const char *key) {
  char name[128];
  snprintf(name, sizeof name, "%s/result.json", run);
  json_t *result = json_of(f, name);
  double value = cutlab_json_get_number(result, key, NAN);
  json_decref(result);
  return value;
}

static void test_trained(void **state) {
  report_fixture *f = *state;
  TRAIN(f, "runs/g/a", SMALL, "method=erm", "seed=1");
  TRAIN(f, "runs/g/b", SMALL, "method=erm", "seed=2", "workers=1");
  TRAIN(f, "runs/g/c", SMALL, "method=mixup", "seed=1");
  char *table;
  assert_int_equal(report(f, &table), CUTLAB_OK);
  assert_contains(table, "g\n  data set feature-noise, 200 training and 200 test examples, "
                         "mlp(depth=1,width=16) (4146 parameters), 3 epochs\n");
  double first = result_number(f, "runs/g/a", "test_accuracy");
  double second = result_number(f, "runs/g/b", "test_accuracy");
  char expected[128];
  snprintf(expected, sizeof expected, "  ERM       2       3  %6.4f [%6.4f .. %6.4f]",
           (first + second) / 2, fmin(first, second), fmax(first, second));
  assert_contains(table, expected);
  assert_contains(table, "  Mixup     1       3  ");
  assert_contains(table, "    common      rare   ex.rare");
  assert_null(strstr(table, "CutMix"));
  cutlab_free(table);

  char *csv = get(f, "out/trained-methods.csv");
  assert_true(csv_cell(csv, 1, "test_accuracy_mean") == (first + second) / 2);
  assert_true(csv_cell(csv, 1, "seeds") == 2);
  double best = result_number(f, "runs/g/c", "best_test_accuracy");
  assert_true(csv_cell(csv, 2, "best_test_accuracy_max") == best);
  free(csv);
  csv = get(f, "out/trained-runs.csv");
  assert_int_equal(count_of(csv, "\n"), 4);
  free(csv);
  csv = get(f, "out/trained-epochs.csv");
  assert_int_equal(count_of(csv, "\n"), 10);
  assert_true(csv_cell(csv, 6, "epoch") == 3);
  free(csv);
  assert_false(cutlab_file_exists(in(f, "out/summary.csv")));
  char *page = get(f, "out/report.html");
  assert_contains(page, "cutlab train dataset=feature-noise train_examples=200 test_examples=200 "
                        "'model=mlp(depth=1,width=16)' method=mixup epochs=3 seed=1\"");
  free(page);
}

static void test_trained_duplicates(void **state) {
  report_fixture *f = *state;
  TRAIN(f, "runs/g/a", SMALL, "method=cutmix", "seed=1");
  TRAIN(f, "runs/g/b", SMALL, "method=cutmix", "seed=1", "workers=1");
  TRAIN(f, "runs/g/c", SMALL, "method=cutmix", "seed=1", "alpha=0.2");
  char *table;
  assert_int_equal(report(f, &table), CUTLAB_OK);
  assert_contains(table, "\n  CutMix (alpha=1)      1 ");
  assert_contains(table, "\n  CutMix (alpha=0.2)    1 ");
  cutlab_free(table);
  assert_contains(f->warnings, "left out 1 of 3 runs: ");
  assert_contains(f->warnings, "/runs/g/b of ");
  char *csv = get(f, "out/trained-runs.csv");
  assert_int_equal(count_of(csv, "\n"), 3);
  free(csv);
}

/* Legends list the methods that there are, in their colours. */
static void test_trained_figures(void **state) {
  report_fixture *f = *state;
  TRAIN(f, "runs/g/a", SMALL, "method=erm");
  TRAIN(f, "runs/g/c", SMALL, "method=mixup");
  assert_int_equal(report(f, NULL), CUTLAB_OK);
  static const char *const names[] = {"features", "test-accuracy", "loss", "accuracy"};
  assert_int_equal(temporary_entries(in(f, "out/figures")), 4);
  for (int i = 0; i < 4; ++i) {
    char name[128];
    snprintf(name, sizeof name, "out/figures/g-%s.vl.json", names[i]);
    char *figure = get(f, name);
    assert_contains(figure, "{\"domain\":[\"ERM\",\"Mixup\"],\"range\":[\"#D55E00\","
                            "\"#CC79A7\"]}");
    assert_int_equal(count_of(figure, "\"@"), 0);
    free(figure);
  }
  json_t *figure = json_of(f, "out/figures/g-features.vl.json");
  const json_t *rows = json_object_get(json_object_get(figure, "datasets"), "measurements");
  assert_int_equal(json_array_size(rows), 6);
  json_t *result = json_of(f, "runs/g/c/result.json");
  const json_t *rare = json_array_get(json_object_get(result, "features"), 1);
  double shown = cutlab_json_get_number(json_array_get(rows, 5), "rare", NAN);
  assert_true(fabs(shown - cutlab_json_get_number(rare, "output", NAN)) < 1e-6);
  json_decref(result);
  json_decref(figure);
}

/* A network of one epoch; settings as JSON members. */
static void put_network(const report_fixture *f, const char *run, const char *settings) {
  char name[64], text[1024];
  snprintf(name, sizeof name, "runs/%s/run.json", run);
  snprintf(text, sizeof text,
           "{\"format\":\"cutlab-training\",\"format_version\":1,\"settings\":{"
           "\"model\":\"cnn\",\"method\":\"erm\",\"seed\":1,%s}}",
           settings);
  put(f, name, text);
  snprintf(name, sizeof name, "runs/%s/metrics.jsonl", run);
  put(f, name, "{\"epoch\":1,\"train_loss\":1,\"test_accuracy\":0.5}\n");
}

/* Names say what differs, as much as fits and at least what tells groups apart; what is left of it
   stands in the line below. Labels in figures are the names in full. */
static void test_group_names(void **state) {
  report_fixture *f = *state;
#define MNIST(epochs, batch, rate, augment)                                                        \
  "\"dataset\":\"mnist\",\"epochs\":" #epochs ",\"batch\":" #batch ",\"evaluate_every\":" #epochs  \
  ",\"step_factor\":0." #batch ",\"learning_rate\":" #rate ",\"augment\":\"" augment "\""
  put_network(f, "a", MNIST(1, 128, 0.1, ""));
  put_network(f, "b", MNIST(1, 128, 0.01, ""));
  put_network(f, "c", MNIST(2, 64, 0.1, ""));
  put_network(f, "d", MNIST(2, 64, 0.1, "flip"));
  put_network(f, "e", "\"dataset\":\"cifar10\",\"epochs\":1,\"batch\":32");
  static const char *const names[] = {"mnist, epochs 1, learning_rate 0.1, no augment",
                                      "mnist, epochs 1, learning_rate 0.01, no augment",
                                      "mnist, epochs 2, learning_rate 0.1, no augment",
                                      "mnist, epochs 2, learning_rate 0.1, augment flip",
                                      "cifar10"};
  char *table;
  assert_int_equal(report(f, &table), CUTLAB_OK);
  json_t *figure = json_of(f, "out/figures/all-test-accuracy.vl.json");
  const json_t *y = json_object_get(json_object_get(figure, "encoding"), "y");
  for (size_t i = 0; i < 5; ++i) {
    char heading[128];
    snprintf(heading, sizeof heading, "%s\n  data set", names[i]);
    assert_contains(table, heading);
    assert_string_equal(json_string_value(json_array_get(json_object_get(y, "sort"), i)), names[i]);
  }
  assert_contains(table, "1 epochs, batch 128, evaluate_every 1, step_factor 0.128\n");
  assert_true(json_integer_value(json_object_get(json_object_get(y, "axis"), "labelLimit")) >= 170);
  assert_non_null(json_object_get(json_object_get(y, "axis"), "labelExpr"));
  json_decref(figure);
  cutlab_free(table);
#undef MNIST
}

/* Where all that differs is short it is said; texts that differ where they are cut get a number. */
static void test_short_and_equal_names(void **state) {
  report_fixture *f = *state;
#define TEXT "\"crop(pad=1) | flip | crop(pad=2) | rotate(degrees=10) | "
  put_network(f, "a", "\"dataset\":\"mnist\",\"epochs\":1,\"batch\":8,\"augment\":\"\"");
  put_network(f, "b", "\"dataset\":\"mnist\",\"epochs\":2,\"batch\":9,\"augment\":\"\"");
  char *table;
  assert_int_equal(report(f, &table), CUTLAB_OK);
  assert_contains(table, "epochs 1, batch 8\n");
  assert_contains(table, "epochs 2, batch 9\n");
  cutlab_free(table);
  put_network(f, "a", "\"dataset\":\"mnist\",\"epochs\":1,\"augment\":" TEXT "flip\"");
  put_network(f, "b", "\"dataset\":\"mnist\",\"epochs\":1,\"augment\":" TEXT "noise\"");
  put_network(f, "c", "\"dataset\":\"mnist\",\"epochs\":1,\"augment\":\"\"");
  assert_int_equal(report(f, &table), CUTLAB_OK);
  assert_contains(table, "augment crop(pad=1) | flip | crop(pad=2)...\n");
  assert_contains(table, "augment crop(pad=1) | flip | crop(pad=2)... #2\n");
  cutlab_free(table);
#undef TEXT
}

/* Groups that differ in the model only are compared, row by row; others are not. */
static void test_models(void **state) {
  report_fixture *f = *state;
  TRAIN(f, "runs/a", SMALL);
  TRAIN(f, "runs/b", "model=mlp(depth=2,width=8)");
  TRAIN(f, "runs/c", SMALL, "batch=50");
  char *table;
  assert_int_equal(report(f, &table), CUTLAB_OK);
  assert_contains(table, "mlp(depth=2,width=8), batch 32\n");
  assert_contains(table, "mlp(depth=1,width=16), batch 50\n");
  cutlab_free(table);
  json_t *figure = json_of(f, "out/figures/all-models.vl.json");
  const json_t *rows = json_object_get(figure, "vconcat");
  assert_int_equal(json_array_size(rows), 2);
  const json_t *title = json_object_get(json_array_get(rows, 1), "title");
  assert_string_equal(json_string_value(json_object_get(title, "text")), "mlp(depth=2,width=8)");
  json_decref(figure);
  assert_false(cutlab_file_exists(in(f, "out/figures/all-models-2.vl.json")));
  assert_true(cutlab_file_exists(in(f, "out/figures/all-test-accuracy.vl.json")));
}

/* Models written in lines, with a comment, make names and descriptions of one line. */
static void test_models_in_lines(void **state) {
  report_fixture *f = *state;
  TRAIN(f, "runs/g/a", SMALL, "model=# mine\nlinear(16)\n| relu\n| linear\n");
  TRAIN(f, "runs/g/b", SMALL, "model=\n linear(8)\n| relu\n| linear");
  char *table;
  assert_int_equal(report(f, &table), CUTLAB_OK);
  assert_contains(table, "linear(16) | relu | linear\n  data set");
  assert_contains(table, "linear(8) | relu | linear\n  data set");
  assert_contains(table, "test examples, linear(8) | relu | linear (");
  cutlab_free(table);
}

/* A policy stands instead of the method; a method used in two ways is two. */
static void test_variants(void **state) {
  report_fixture *f = *state;
  TRAIN(f, "runs/g/a", SMALL, "method=cutmix");
  TRAIN(f, "runs/g/b", SMALL, "method=cutmix", "alpha=0.2");
  TRAIN(f, "runs/g/c", SMALL, "policy=cutmix(sampler=timm, p=.5)");
  char *table;
  assert_int_equal(report(f, &table), CUTLAB_OK);
  assert_contains(table, "\n  CutMix (alpha=1)      1 ");
  assert_contains(table, "\n  CutMix (alpha=0.2)    1 ");
  assert_contains(table, "\n  policy                1 ");
  cutlab_free(table);
}

/* Data are told apart by what they hold, not by where they lie. */
static void test_data_under_two_paths(void **state) {
  report_fixture *f = *state;
  enum { count = 20 };
  float pixels[count][4];
  int64_t labels[count];
  for (int i = 0; i < count; ++i) {
    labels[i] = i % 2;
    for (int j = 0; j < 4; ++j) pixels[i][j] = (float)(i * j % 7);
  }
  const cutlab_array arrays[] = {
      {.name = "train_images",
       .dtype = CUTLAB_FLOAT32,
       .rank = 3,
       .shape = {count, 2, 2},
       .data = pixels},
      {.name = "train_labels", .dtype = CUTLAB_INT64, .rank = 1, .shape = {count}, .data = labels}};
  char path[3][600];
  for (int i = 0; i < 3; ++i) {
    char name[16];
    snprintf(name, sizeof name, "%d.npz", i);
    snprintf(path[i], sizeof path[i], "path=%s", in(f, name));
    if (i == 2) pixels[0][0] = 5;
    assert_int_equal(cutlab_npz_write(f->context, in(f, name), arrays, 2), CUTLAB_OK);
  }
  TRAIN(f, "runs/g/a", SMALL, "dataset=npy", "train_examples=0", "test_examples=0", "method=erm",
        "augment=", path[0]);
  TRAIN(f, "runs/g/b", SMALL, "dataset=npy", "train_examples=0", "test_examples=0", "method=erm",
        "augment=", "seed=2", path[1]);
  TRAIN(f, "runs/h/c", SMALL, "dataset=npy", "train_examples=0", "test_examples=0", "method=erm",
        "augment=", "seed=3", path[2]);
  char *table;
  assert_int_equal(report(f, &table), CUTLAB_OK);
  assert_contains(table, "\n  ERM       2       3 ");
  assert_contains(table, "\n  ERM       1       3 ");
  cutlab_free(table);
}

/* A number at the end leaves the rest of a label alone. */
static void test_numbered_labels(void **state) {
  report_fixture *f = *state;
#define LONG "cutout # of a size that is told only at the end: "
  TRAIN(f, "runs/g/a", SMALL, "policy=" LONG "a");
  TRAIN(f, "runs/g/b", SMALL, "policy=" LONG "b");
  TRAIN(f, "runs/g/c", SMALL, "policy=" LONG "c");
  char *table;
  assert_int_equal(report(f, &table), CUTLAB_OK);
  assert_contains(table, "only at ... #2 ");
  assert_contains(table, "only at ... #3 ");
  cutlab_free(table);
#undef LONG
}

/* Simulations and trainings beside each other: groups, overviews and tables of their own. */
static void test_both_kinds(void **state) {
  report_fixture *f = *state;
  put_run(f, "runs/paper/cutmix", "cutmix", 1, 1, 0.9);
  TRAIN(f, "runs/net/erm", SMALL);
  char *table;
  assert_int_equal(report(f, &table), CUTLAB_OK);
  assert_contains(table, "net\n  data set feature-noise");
  assert_contains(table, "paper\n  300 examples");
  cutlab_free(table);
  assert_true(cutlab_file_exists(in(f, "out/summary.csv")));
  assert_true(cutlab_file_exists(in(f, "out/trained-runs.csv")));
  assert_true(cutlab_file_exists(in(f, "out/figures/net-test-accuracy.vl.json")));
  assert_false(cutlab_file_exists(in(f, "out/figures/paper-test-accuracy.vl.json")));
  char *figure = get(f, "out/figures/paper-loss.vl.json");
  assert_contains(figure, "{\"domain\":[\"CutMix\"],\"range\":[\"#009E73\"]}");
  free(figure);
}

/* Without result.json, the last line cut off, tests every second epoch only. */
static void test_trained_unfinished(void **state) {
  report_fixture *f = *state;
  TRAIN(f, "runs/g/a", SMALL, "evaluate_every=2");
  assert_int_equal(remove(in(f, "runs/g/a/result.json")), 0);
  char *lines = get(f, "runs/g/a/metrics.jsonl");
  size_t one = strcspn(lines, "\n") + 1, two = one + strcspn(lines + one, "\n") + 1;
  json_t *second = json_loads(lines + one, JSON_DISABLE_EOF_CHECK, NULL);
  double accuracy = cutlab_json_get_number(second, "test_accuracy", NAN);
  assert_contains(lines, "\"test_accuracy\": null");
  lines[two + 20] = '\0';
  put(f, "runs/g/a/metrics.jsonl", lines);
  char *table, expected[128];
  assert_int_equal(report(f, &table), CUTLAB_OK);
  snprintf(expected, sizeof expected, "  ERM       1*      2  %6.4f ", accuracy);
  assert_contains(table, expected);
  assert_contains(table, "* 1 of 1 not finished");
  cutlab_free(table);

  lines[one] = '\0'; /* one epoch, not tested */
  put(f, "runs/g/a/metrics.jsonl", lines);
  assert_int_equal(report(f, &table), CUTLAB_OK);
  assert_contains(table, "  ERM       1*      1       - ");
  cutlab_free(table);
  char *csv = get(f, "out/trained-runs.csv");
  assert_contains(csv, ",ERM,1,no,feature-noise,");
  free(csv);
  csv = get(f, "out/trained-methods.csv");
  assert_true(isnan(csv_cell(csv, 1, "test_accuracy_mean")));
  assert_false(isnan(csv_cell(csv, 1, "train_loss_mean")));
  free(csv);
  json_decref(second);
  free(lines);
}

static void test_trained_damage(void **state) {
  report_fixture *f = *state;
  put(f, "runs/a/run.json", "{\"format\": \"cutlab-training\", \"format_version\": 1,\n \"set");
  expect_error(f, CUTLAB_ERROR_FORMAT, "/runs/a/run.json:2:");
  put(f, "runs/a/run.json", "{\"format\": \"cutlab-training\", \"format_version\": 3}");
  expect_error(f, CUTLAB_ERROR_FORMAT, "\"format_version\" is 3; accepted: 1");
  put(f, "runs/a/run.json", "{\"format\": \"cutlab-training\", \"format_version\": 1}");
  expect_error(f, CUTLAB_ERROR_FORMAT, "/runs/a/run.json: no \"settings\"");
#define RUN(settings)                                                                              \
  put(f, "runs/a/run.json",                                                                        \
      "{\"format\": \"cutlab-training\", \"format_version\": 1, \"settings\": {" settings "}}")
  RUN("\"dataset\": \"npy\"");
  expect_error(f, CUTLAB_ERROR_FORMAT, "setting \"model\" is not a text");
  RUN("\"dataset\": \"npy\", \"model\": \"cnn\", \"seed\": 1.5");
  expect_error(f, CUTLAB_ERROR_FORMAT, "setting \"seed\" is not an integer");
  RUN("\"dataset\": \"npy\", \"model\": \"cnn\", \"seed\": 1, \"epochs\": 3, \"method\": \"x\"");
  expect_error(f, CUTLAB_ERROR_FORMAT, "\"method\" is x; accepted: erm, cutout, cutmix, mixup");
  RUN("\"dataset\": \"npy\", \"model\": \"cnn\", \"seed\": 1, \"epochs\": 3, \"method\": \"erm\"");
  put(f, "runs/a/metrics.jsonl", "{\"epoch\": 1}\n");
  expect_error(f, CUTLAB_ERROR_FORMAT, "/metrics.jsonl:1: \"train_loss\" is missing");
  put(f, "runs/a/metrics.jsonl", "{\"epoch\": 1, \"train_loss\": 1}\n{\"epoch\": 1}\n");
  expect_error(f, CUTLAB_ERROR_FORMAT, "/metrics.jsonl:2: \"epoch\" does not ascend");
  put(f, "runs/a/metrics.jsonl",
      "{\"epoch\": 1, \"train_loss\": 1, \"features\": [{\"name\": \"odd\"}]}\n");
  expect_error(f, CUTLAB_ERROR_FORMAT, "the \"name\" of a feature is not common, rare");
  put(f, "runs/a/metrics.jsonl", "{\"epoch\": 1, \"train_loss\": 1}\n");
  char *table;
  assert_int_equal(report(f, &table), CUTLAB_OK);
  cutlab_free(table);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_table, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_csv, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_unfinished, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_no_metrics, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_bad_input, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_unreadable_folder, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_damaged_among_others, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_hostile_text, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_own_data, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_same_folder_twice, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_tools, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_notes, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_mixup, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_duplicate_seeds, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_long_values, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_without_theory, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_duplicate_unfinished, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_monte_carlo, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_monte_carlo_check, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_trained, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_trained_duplicates, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_trained_figures, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_short_and_equal_names, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_group_names, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_models, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_models_in_lines, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_variants, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_data_under_two_paths, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_numbered_labels, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_both_kinds, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_trained_unfinished, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_trained_damage, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
