/* Reports of networks, trained here or made by hand: tables, CSV, figures, names of groups, damage.
 */
#include <cutlab/array.h>
#include <cutlab/train.h>

#include "reports.h"

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

/* A network of one epoch; settings as JSON members, by ERM and seed 1 unless they say other. */
static void put_network(const report_fixture *f, const char *run, const char *settings) {
  char name[64], text[1024];
  snprintf(name, sizeof name, "runs/%s/run.json", run);
  snprintf(text, sizeof text,
           "{\"format\":\"cutlab-training\",\"format_version\":1,\"settings\":{"
           "\"model\":\"cnn\",%s%s%s}}",
           strstr(settings, "\"method\"") ? "" : "\"method\":\"erm\",",
           strstr(settings, "\"seed\"") ? "" : "\"seed\":1,", settings);
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

/* Methods are told apart among networks on the same data only, and there by what differs there: of
   one variant the name is the method's. Legends have room for all of it. */
static void test_variants_by_data(void **state) {
  report_fixture *f = *state;
#define MIXED(dataset, alpha, probability)                                                         \
  "\"dataset\":\"" dataset "\",\"epochs\":1,\"method\":\"cutmix\",\"alpha\":" #alpha               \
  ",\"mix_probability\":" #probability
  put_network(f, "a", MIXED("mnist", 1, 0.5));
  put_network(f, "b", MIXED("cifar10", 1, 1));
  char *table;
  assert_int_equal(report(f, &table), CUTLAB_OK);
  assert_int_equal(count_of(table, "\n  CutMix    1* "), 2);
  cutlab_free(table);
  put_network(f, "c", MIXED("cifar100", 1, 0.5));
  put_network(f, "d", MIXED("cifar100", 0.2, 0.5));
  put_network(f, "e", MIXED("cifar100", 0.2, 1));
  put_network(f, "f", MIXED("svhn", 1, 0.5));
  put_network(f, "g", MIXED("svhn", 0.2, 0.5));
  put_network(f, "h", MIXED("folders", 0.2, 0.5));
  put_network(f, "i", MIXED("folders", 1, 0.5));
  assert_int_equal(report(f, &table), CUTLAB_OK);
  assert_int_equal(count_of(table, "\n  CutMix    1* "), 2);
  assert_int_equal(count_of(table, "\n  CutMix (alpha=1, mix_probability=0.5)      1* "), 1);
  assert_int_equal(count_of(table, "\n  CutMix (alpha=0.2)    1* "), 2);
  cutlab_free(table);
  char *page = get(f, "out/report.html");
  assert_contains(page, "{\"label\":\"CutMix\",\"colour\":\"#009E73\"},");
  assert_int_equal(count_of(page, "\"colour\":\"#009E73\""), 1);
  assert_int_equal(count_of(page, "{\"label\":\"CutMix (alpha=0.2)\","), 1);
  free(page);
  json_t *figure = json_of(f, "out/figures/all-test-accuracy.vl.json");
  const json_t *colour = json_object_get(json_object_get(figure, "encoding"), "color");
  const json_t *legend = json_object_get(colour, "legend");
  assert_true(json_integer_value(json_object_get(legend, "labelLimit")) >= 37 * 10);
  assert_int_equal(json_integer_value(json_object_get(legend, "columns")), 1);
  json_decref(figure);
#undef MIXED
}

/* All of some data and as many of them out of more are the same data. */
static void test_same_data_by_count(void **state) {
  report_fixture *f = *state;
#define COUNTED(seed, path, given, mark, taken)                                                    \
  "\"dataset\":\"mnist\",\"epochs\":1,\"seed\":" #seed ",\"path\":\"" path                         \
  "\",\"train_examples\":" #given ",\"test_examples\":" #given                                     \
  "},\"data\":{\"fingerprint\":\"" mark "\",\"train\":" #taken ",\"test\":" #taken
  put_network(f, "g/a", COUNTED(1, "m.npz", 0, "f", 20));
  put_network(f, "g/b", COUNTED(2, "mnist", 20, "f", 20));
  char *table;
  assert_int_equal(report(f, &table), CUTLAB_OK);
  assert_contains(table, "\n  ERM       2* ");
  cutlab_free(table);
  put_network(f, "g/c", COUNTED(3, "mnist", 30, "e", 30));
  assert_int_equal(report(f, &table), CUTLAB_OK);
  assert_contains(table, "train_examples 20, test_examples 20\n");
  assert_contains(table, "train_examples 30, test_examples 30\n");
  cutlab_free(table);
#undef COUNTED
}

/* Where no features were planted the figure of accuracies does not speak of them. */
static void test_accuracy_without_features(void **state) {
  report_fixture *f = *state;
  put_network(f, "g/a", "\"dataset\":\"mnist\",\"epochs\":1");
  TRAIN(f, "runs/h/b", SMALL);
  assert_int_equal(report(f, NULL), CUTLAB_OK);
  static const char *const titles[] = {"all test examples", "test examples whose feature is"};
  for (int i = 0; i < 2; ++i) {
    json_t *figure =
        json_of(f, i ? "out/figures/h-accuracy.vl.json" : "out/figures/g-accuracy.vl.json");
    const json_t *x = json_object_get(json_object_get(figure, "encoding"), "x");
    assert_string_equal(json_string_value(json_object_get(x, "title")), titles[i]);
    assert_int_equal(json_is_true(json_object_get(json_object_get(x, "axis"), "labels")), i);
    json_decref(figure);
  }
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
      TEST(test_trained),
      TEST(test_trained_duplicates),
      TEST(test_trained_figures),
      TEST(test_short_and_equal_names),
      TEST(test_group_names),
      TEST(test_models),
      TEST(test_models_in_lines),
      TEST(test_variants),
      TEST(test_data_under_two_paths),
      TEST(test_variants_by_data),
      TEST(test_same_data_by_count),
      TEST(test_accuracy_without_features),
      TEST(test_numbered_labels),
      TEST(test_both_kinds),
      TEST(test_trained_unfinished),
      TEST(test_trained_damage),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
