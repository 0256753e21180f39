/* Reports of simulations: tables and CSV against values worked out by hand, errors that name file
   and line, unfinished runs, hostile text, data without features, tools that are missing or fail.
 */
#include <sys/stat.h>
#include <unistd.h>

#include "report/report_internal.h"
#include "reports.h"

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

/* Links to folders: each real one is walked once, and none above where the walk begins. */
static void test_links(void **state) {
  report_fixture *f = *state;
  static const struct {
    const char *to, *name;
  } links[] = {{".", "runs/self"},       {"..", "runs/x/up"},        {"../..", "runs/x/out"},
               {"x", "runs/again"},      {"nowhere", "runs/gone"},   {"second", "runs/first"},
               {"first", "runs/second"}, {"../apart", "runs/linked"}};
  put_run(f, "runs/x/erm", "erm", 1, 1, 0.7);
  put_run(f, "runs/x/cutmix", "cutmix", 1, 1, 0.9);
  put_run(f, "apart/mixup", "mixup", 1, 1, 0.8);
  put_run(f, "elsewhere/erm", "erm", 2, 1, 0.6);
  for (size_t i = 0; i < sizeof links / sizeof *links; ++i)
    assert_int_equal(symlink(links[i].to, in(f, links[i].name)), 0);
  assert_int_equal(report(f, NULL), CUTLAB_OK);
  char *csv = get(f, "out/summary.csv");
  assert_int_equal(count_of(csv, "\n"), 1 + 3);
  assert_contains(csv, "/runs/linked/mixup,");
  free(csv);
  assert_null(strstr(f->warnings, "left out"));
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

/* Only what is there can resist. */
static void test_remove(void **state) {
  report_fixture *f = *state;
  put(f, "out/old.csv", "");
  assert_int_equal(cutlab_report_remove(f->context, in(f, "out"), "old.csv"), CUTLAB_OK);
  assert_false(cutlab_file_exists(in(f, "out/old.csv")));
  put(f, "out/file", "");
  assert_int_equal(cutlab_report_remove(f->context, in(f, "out/file"), "old.csv"), CUTLAB_OK);
  put(f, "out/old.csv/inside", "");
  assert_int_equal(cutlab_report_remove(f->context, in(f, "out"), "old.csv"), CUTLAB_ERROR_IO);
  assert_contains(cutlab_context_message(f->context), "/out/old.csv, of an earlier report");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_table),
      TEST(test_csv),
      TEST(test_unfinished),
      TEST(test_no_metrics),
      TEST(test_bad_input),
      TEST(test_unreadable_folder),
      TEST(test_damaged_among_others),
      TEST(test_links),
      TEST(test_hostile_text),
      TEST(test_own_data),
      TEST(test_same_folder_twice),
      TEST(test_tools),
      TEST(test_notes),
      TEST(test_mixup),
      TEST(test_duplicate_seeds),
      TEST(test_long_values),
      TEST(test_without_theory),
      TEST(test_duplicate_unfinished),
      TEST(test_remove),
      TEST(test_monte_carlo),
      TEST(test_monte_carlo_check),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
