/* Run folders: what is in them, and that stopping and resuming leaves no trace. */
#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/lock.h"
#include "configure.h"
#include "run/run_internal.h"

static const char *const base_settings =
    "examples=16; dimension=80; iterations=60; log_points=13; sampling=stratified";

static void expect(const fixture *f, cutlab_status got, cutlab_status want) {
  if (got != want) fail_msg("status %d, not %d: %s", got, want, cutlab_context_message(f->context));
}

static cutlab_experiment *make(const fixture *f, const char *settings) {
  cutlab_experiment *x = configure(f->context, "quick", base_settings);
  configure_change(f->context, x, settings);
  return x;
}

/* "FOLDER/a/b" of the fixture's folder; b may be NULL. Release with free. */
static char *where(const fixture *f, const char *a, const char *b) {
  char *first = cutlab_path_join(f->context, f->folder, a);
  if (!b) return first;
  char *both = cutlab_path_join(f->context, first, b);
  free(first);
  return both;
}

static char *content(const fixture *f, const char *run, const char *name, size_t *size) {
  char *path = where(f, run, name), *text;
  size_t unused;
  expect(f, cutlab_file_read(f->context, &text, size ? size : &unused, path, 0), CUTLAB_OK);
  free(path);
  return text;
}

static void put(const fixture *f, const char *run, const char *name, const char *text,
                size_t size) {
  char *path = where(f, run, name);
  expect(f, cutlab_file_write(f->context, path, text, size), CUTLAB_OK);
  free(path);
}

static bool present(const fixture *f, const char *run, const char *name) {
  char *path = where(f, run, name);
  bool there = cutlab_file_exists(path);
  free(path);
  return there;
}

static void drop(const fixture *f, const char *run, const char *name) {
  char *path = where(f, run, name);
  assert_int_equal(unlink(path), 0);
  free(path);
}

static void copy(const fixture *f, const char *from, const char *to, const char *name) {
  size_t size;
  char *text = content(f, from, name, &size), *folder = where(f, to, NULL);
  expect(f, cutlab_folder_make(f->context, folder), CUTLAB_OK);
  put(f, to, name, text, size);
  free(folder);
  free(text);
}

static json_t *parse(const fixture *f, const char *run, const char *name) {
  char *text = content(f, run, name, NULL);
  json_t *value;
  expect(f, cutlab_json_parse(f->context, &value, text, name), CUTLAB_OK);
  free(text);
  return value;
}

static cutlab_status execute(const fixture *f, const cutlab_experiment *x, const char *run) {
  char *folder = where(f, run, NULL);
  cutlab_status status = cutlab_run_execute(f->context, NULL, x, NULL, folder);
  free(folder);
  return status;
}

static cutlab_status resume(const fixture *f, const char *run) {
  char *folder = where(f, run, NULL);
  cutlab_status status = cutlab_run_resume(f->context, NULL, folder);
  free(folder);
  return status;
}

static void run_whole(const fixture *f, const char *settings, const char *run) {
  cutlab_experiment *x = make(f, settings);
  expect(f, execute(f, x, run), CUTLAB_OK);
  cutlab_experiment_free(x);
}

static int stop_at(void *user, const cutlab_progress *progress) {
  return progress->done >= *(const int64_t *)user;
}

/* Cancels a new run after `at` iterations. */
static void run_part(const fixture *f, const char *settings, const char *run, int64_t at) {
  cutlab_experiment *x = make(f, settings);
  cutlab_context_set_progress(f->context, stop_at, &at);
  expect(f, execute(f, x, run), CUTLAB_CANCELLED);
  assert_message(f->context, "stopped at iteration");
  cutlab_context_set_progress(f->context, NULL, NULL);
  assert_true(!present(f, run, "result.json") && present(f, run, "checkpoint.npz"));
  cutlab_experiment_free(x);
}

static void assert_same_file(const fixture *f, const char *a, const char *b, const char *name) {
  size_t sizes[2];
  char *texts[] = {content(f, a, name, &sizes[0]), content(f, b, name, &sizes[1])};
  if (sizes[0] != sizes[1] || memcmp(texts[0], texts[1], sizes[0]) != 0)
    fail_msg("%s of %s and %s differ", name, a, b);
  free(texts[0]);
  free(texts[1]);
}

static void assert_same_run(const fixture *f, const char *a, const char *b) {
  assert_same_file(f, a, b, "metrics.jsonl");
  assert_same_file(f, a, b, "trajectory.npz");
  json_t *x = parse(f, a, "result.json"), *y = parse(f, b, "result.json");
  static const char *const timed[] = {"seconds", "iterations_per_second"};
  for (int i = 0; i < 2; ++i) json_object_del(x, timed[i]), json_object_del(y, timed[i]);
  assert_true(json_equal(x, y));
  json_decref(x);
  json_decref(y);
}

/* The keys of an object, in order, separated by blanks. */
static void assert_keys(const json_t *object, const char *want) {
  char keys[600] = "";
  size_t used = 0;
  const char *key;
  json_t *value;
  json_object_foreach((json_t *)object, key, value) {
    used += (size_t)snprintf(keys + used, sizeof keys - used, used ? " %s" : "%s", key);
    assert_true(used < sizeof keys);
  }
  assert_string_equal(keys, want);
}

static const json_t *at(const json_t *object, const char *key) {
  const json_t *value = json_object_get(object, key);
  if (!value) fail_msg("no key %s", key);
  return value;
}

static double number(const json_t *object, const char *key) {
  assert_true(json_is_number(at(object, key)));
  return json_number_value(at(object, key));
}

static void assert_features(const json_t *features, bool outputs) {
  assert_int_equal(json_array_size(features), 6);
  static const char *const rarities[] = {"common", "rare", "extremely rare"};
  static const double frequencies[] = {.8, .15, .05};
  for (size_t v = 0; v < 6; ++v) {
    const json_t *feature = json_array_get(features, v);
    assert_keys(feature,
                outputs ? "label index rarity frequency output" : "label index rarity frequency");
    assert_true(number(feature, "label") == (v < 3 ? 1 : -1) &&
                number(feature, "index") == (double)(v % 3) &&
                number(feature, "frequency") == frequencies[v % 3]);
    assert_string_equal(json_string_value(at(feature, "rarity")), rarities[v % 3]);
  }
}

static void check_record(const json_t *record) {
  assert_keys(record, "format format_version cutlab parameters dataset features examples positives "
                      "optimum theory_accuracy machine");
  assert_string_equal(json_string_value(at(record, "format")), "cutlab-run");
  assert_string_equal(json_string_value(at(record, "cutlab")), cutlab_version());
  assert_true(json_is_null(at(record, "dataset")));
  assert_features(at(record, "features"), false);
  assert_true(number(record, "examples") == 16 && number(record, "positives") == 8);
  assert_true(fabs(number(at(record, "optimum"), "positive") - 1.3954) < 1e-5);
  assert_true(number(record, "theory_accuracy") == 1);
  assert_keys(at(record, "machine"), "system processor kernels threads");
  int rows = 0;
  while (cutlab_experiment_parameter(rows)) ++rows;
  assert_int_equal(json_object_size(at(record, "parameters")), rows);
}

static void check_line(const json_t *line) {
  assert_keys(line, "iteration loss gradient_norm train_accuracy evenness evenness_by_kind "
                    "features feature_coefficients noise noise_coefficients population_accuracy "
                    "monte_carlo");
  assert_keys(at(line, "evenness_by_kind"), "feature dominant background");
  assert_keys(at(line, "feature_coefficients"), "plus minus");
  assert_int_equal(json_array_size(at(line, "features")), 6);
  assert_int_equal(json_array_size(at(at(line, "feature_coefficients"), "minus")), 6);
  static const char *const spreads[] = {"noise", "noise_coefficients"};
  for (int i = 0; i < 2; ++i) {
    assert_keys(at(line, spreads[i]), "dominant background");
    const json_t *dominant = at(at(line, spreads[i]), "dominant");
    assert_keys(dominant, "mean min max");
    assert_true(number(dominant, "min") <= number(dominant, "mean"));
    assert_true(number(dominant, "mean") <= number(dominant, "max"));
  }
  assert_int_equal(json_array_size(at(at(line, "population_accuracy"), "features")), 6);
  assert_true(json_is_null(at(line, "monte_carlo")));
}

static void check_result(const json_t *result) {
  assert_keys(result, "method seed iterations stopped examples positives loss gradient_norm "
                      "train_accuracy evenness features noise population_accuracy monte_carlo "
                      "theory_accuracy optimum seconds iterations_per_second");
  assert_string_equal(json_string_value(at(result, "method")), "cutmix");
  assert_string_equal(json_string_value(at(result, "stopped")), "iterations");
  assert_true(number(result, "iterations") == 60 && number(result, "seed") == 1);
  assert_features(at(result, "features"), true);
  const json_t *accuracies = at(at(result, "population_accuracy"), "features");
  assert_int_equal(json_array_size(accuracies), 6);
  assert_keys(json_array_get(accuracies, 3), "label index accuracy");
  assert_true(number(json_array_get(accuracies, 3), "label") == -1);
}

/* The arrays of trajectory.npz are the numbers of metrics.jsonl. */
static void check_trajectory(const fixture *f, const char *run, const json_t *lines) {
  cutlab_array *arrays;
  int count;
  char *path = where(f, run, "trajectory.npz");
  expect(f, cutlab_npz_read(f->context, &arrays, &count, path, 0), CUTLAB_OK);
  int64_t rows = (int64_t)json_array_size(lines);
  const cutlab_array *loss = cutlab_npz_find(arrays, count, "loss");
  const cutlab_array *outputs = cutlab_npz_find(arrays, count, "feature_outputs");
  assert_int_equal(count, 10);
  if (!loss || !outputs) {
    fail();
    return;
  }
  assert_true(loss->shape[0] == rows && outputs->rank == 3 && outputs->shape[0] == rows &&
              outputs->shape[1] == 2 && outputs->shape[2] == 3);
  for (int64_t t = 0; t < rows; ++t) {
    const json_t *line = json_array_get(lines, (size_t)t);
    assert_true(((const double *)loss->data)[t] == number(line, "loss"));
    for (size_t v = 0; v < 6; ++v)
      assert_true(((const double *)outputs->data)[6 * t + (int64_t)v] ==
                  json_number_value(json_array_get(at(line, "features"), v)));
  }
  cutlab_npz_free(arrays, count);
  free(path);
}

static json_t *read_lines(const fixture *f, const char *run) {
  json_t *lines;
  char *path = where(f, run, "metrics.jsonl");
  expect(f, cutlab_metrics_read(f->context, &lines, path), CUTLAB_OK);
  free(path);
  return lines;
}

static void test_files(void **state) {
  fixture *f = *state;
  cutlab_experiment *x = make(f, "");
  char *folder = where(f, "deep/run", NULL), *result;
  expect(f, cutlab_run_execute(f->context, &result, x, NULL, folder), CUTLAB_OK);
  assert_int_equal(temporary_entries(folder), 6); /* with the lock */
  char *written = content(f, "deep/run", "result.json", NULL);
  assert_string_equal(written, result);
  json_t *record = parse(f, "deep/run", "run.json"), *lines = read_lines(f, "deep/run"),
         *last = parse(f, "deep/run", "result.json");
  check_record(record);
  for (size_t i = 0; i < json_array_size(lines); ++i) check_line(json_array_get(lines, i));
  const json_t *line = json_array_get(lines, json_array_size(lines) - 1);
  assert_true(number(line, "loss") == number(last, "loss"));
  check_result(last);
  check_trajectory(f, "deep/run", lines);
  char *summary;
  expect(f, cutlab_run_summary(f->context, &summary, result), CUTLAB_OK);
  assert_non_null(strstr(summary, "extremely rare"));
  cutlab_free(summary);
  static const char *const others[] = {"{}", "[]", "{\"method\": 3}", "{\"method\": \"erm\"}"};
  for (int i = 0; i < 4; ++i) {
    assert_int_equal(cutlab_run_summary(f->context, &summary, others[i]), CUTLAB_ERROR_FORMAT);
    assert_message(f->context, i ? "result: " : "method");
    assert_null(summary);
  }
  json_decref(record);
  json_decref(lines);
  json_decref(last);
  free(written);
  cutlab_free(result);
  free(folder);
  cutlab_experiment_free(x);
}

/* Without a folder: the same result, nothing on disk. */
static void test_in_memory(void **state) {
  fixture *f = *state;
  cutlab_experiment *x = make(f, "monte_carlo=1000");
  char *text;
  json_t *result;
  expect(f, cutlab_run_execute(f->context, &text, x, NULL, NULL), CUTLAB_OK);
  expect(f, cutlab_json_parse(f->context, &result, text, "result"), CUTLAB_OK);
  assert_keys(at(result, "monte_carlo"), "overall standard_error test_error");
  assert_true(number(result, "iterations") == 60);
  assert_int_equal(temporary_entries(f->folder), 0);
  json_decref(result);
  cutlab_free(text);
  cutlab_experiment_free(x);
}

static char *user_file(const fixture *f, double change) {
  enum { n = 6, size = n * 3 * 4 };
  double patches[size];
  int8_t labels[n] = {1, -1, 1, 1, -1, -1};
  for (int i = 0; i < size; ++i) patches[i] = sin(1.3 * i) / 2;
  patches[size - 1] += change;
  cutlab_dataset *s;
  expect(f, cutlab_dataset_from_patches(f->context, &s, patches, labels, n, 3, 4), CUTLAB_OK);
  char *path = where(f, "data.npz", NULL);
  expect(f, cutlab_dataset_write(f->context, path, s), CUTLAB_OK);
  cutlab_dataset_free(s);
  return path;
}

/* A user's own patches have no features: null or empty, and resuming finds the file. */
static void test_own_data(void **state) {
  fixture *f = *state;
  char *data = user_file(f, 0), *folder = where(f, "own", NULL), *whole = where(f, "whole", NULL);
  cutlab_experiment *x = make(f, "");
  int64_t stop = 20;
  expect(f, cutlab_run_execute(f->context, NULL, x, data, whole), CUTLAB_OK);
  cutlab_context_set_progress(f->context, stop_at, &stop);
  expect(f, cutlab_run_execute(f->context, NULL, x, data, folder), CUTLAB_CANCELLED);
  cutlab_context_set_progress(f->context, NULL, NULL);
  free(user_file(f, 1e-6)); /* other data now */
  expect(f, resume(f, "own"), CUTLAB_ERROR_FORMAT);
  free(user_file(f, 0));
  expect(f, resume(f, "own"), CUTLAB_OK);
  assert_same_run(f, "whole", "own");
  json_t *record = parse(f, "own", "run.json"), *result = parse(f, "own", "result.json"),
         *lines = read_lines(f, "own");
  char *real = realpath(data, NULL);
  assert_string_equal(json_string_value(at(record, "dataset")), real);
  free(real);
  assert_true(json_array_size(at(record, "features")) == 0 && number(record, "examples") == 6);
  assert_true(json_is_null(at(record, "theory_accuracy")));
  static const char *const undefined[] = {"noise", "population_accuracy", "theory_accuracy"};
  for (int i = 0; i < 3; ++i) assert_true(json_is_null(at(result, undefined[i])));
  const json_t *line = json_array_get(lines, 3);
  assert_true(json_is_null(at(line, "population_accuracy")) && json_is_number(at(line, "loss")));
  assert_true(json_is_null(at(at(at(line, "noise"), "dominant"), "mean")));
  assert_int_equal(json_array_size(at(line, "features")), 0);
  json_decref(record);
  json_decref(result);
  json_decref(lines);
  expect(f, cutlab_run_execute(f->context, NULL, x, "/no/such.npz", f->folder), CUTLAB_ERROR_IO);
  cutlab_experiment_free(x);
  free(data);
  free(folder);
  free(whole);
}

static void assert_logged(const fixture *f, const char *settings, const char *run,
                          const int64_t *want, size_t count) {
  run_whole(f, settings, run);
  json_t *lines = read_lines(f, run);
  assert_int_equal(json_array_size(lines), count);
  for (size_t i = 0; i < count; ++i)
    assert_true(number(json_array_get(lines, i), "iteration") == (double)want[i]);
  json_decref(lines);
}

static void test_log_schedule(void **state) {
  static const int64_t linear[] = {0, 3, 5, 8, 10}, log_spaced[] = {0, 1, 10, 100};
  static const int64_t every[] = {0, 1, 2, 3}, ends[] = {0, 7}, dense[] = {0, 1, 2, 3, 4, 5};
  assert_logged(*state, "iterations=10; log_points=5; log_spacing=linear", "a", linear, 5);
  assert_logged(*state, "iterations=100; log_points=4; log_spacing=log", "b", log_spaced, 4);
  assert_logged(*state, "iterations=3; log_points=0", "c", every, 4);
  assert_logged(*state, "iterations=7; log_points=2; log_spacing=log", "d", ends, 2);
  assert_logged(*state, "iterations=7; log_points=2; log_spacing=linear", "e", ends, 2);
  assert_logged(*state, "iterations=5; log_points=101; log_spacing=log", "f", dense, 6);
  assert_logged(*state, "iterations=5; log_points=101; log_spacing=linear", "g", dense, 6);
  static const char *const spacings[] = {"log", "linear"};
  for (int64_t iterations = 0; iterations < 2; ++iterations)
    for (int spacing = 0; spacing < 2; ++spacing)
      for (int points = 0; points < 5; points += points ? 1 : 2) {
        char settings[100], run[40];
        snprintf(settings, sizeof settings, "iterations=%d; log_points=%d; log_spacing=%s",
                 (int)iterations, points, spacings[spacing]);
        snprintf(run, sizeof run, "tiny%d-%d-%d", (int)iterations, spacing, points);
        assert_logged(*state, settings, run, every, (size_t)iterations + 1);
      }
}

/* A pure function of the experiment, with the right ends even for huge numbers. */
static void test_next_logged(void **state) {
  fixture *f = *state;
  static const char *const cases[] = {
      "iterations=1000000000000; log_points=1000000000; log_spacing=linear",
      "iterations=1000000000000; log_points=1000000000; log_spacing=log",
      "iterations=10000; log_points=101; log_spacing=log"};
  for (int c = 0; c < 3; ++c) {
    cutlab_experiment *x = make(f, cases[c]);
    assert_int_equal(cutlab_next_logged(x, -1), 0);
    assert_int_equal(cutlab_next_logged(x, x->iterations), INT64_MAX);
    assert_int_equal(cutlab_next_logged(x, x->iterations - 1), x->iterations);
    for (int64_t at_ = 1; at_ < x->iterations; at_ *= 3) {
      int64_t next = cutlab_next_logged(x, at_);
      assert_true(next > at_ && next <= x->iterations);
      assert_int_equal(cutlab_next_logged(x, next - 1), next);
    }
    cutlab_experiment_free(x);
  }
  cutlab_experiment *x = make(f, cases[2]);
  int count = 0; /* rounding merges the first ones */
  for (int64_t t = -1; (t = cutlab_next_logged(x, t)) != INT64_MAX;) ++count;
  assert_in_range(count, 80, 101);
  cutlab_experiment_free(x);
}

static const char *const trainings[] = {"method=cutmix", "method=erm; form=held",
                                        "method=cutout; objective=sampled; form=gram",
                                        "stop_gradient_norm=0.05; log_spacing=linear"};

/* Cancelled at any iteration, logged or not, resumed: not a byte differs. */
static void test_cancelled_runs_resume(void **state) {
  fixture *f = *state;
  static const int64_t stops[] = {1, 2, 29, 59, 60};
  for (int k = 0; k < 3; ++k) {
    char whole[40], part[40];
    snprintf(whole, sizeof whole, "whole%d", k);
    run_whole(f, trainings[k], whole);
    for (int c = 0; c < 5; ++c) {
      snprintf(part, sizeof part, "part%d-%d", k, c);
      run_part(f, trainings[k], part, stops[c]);
      expect(f, resume(f, part), CUTLAB_OK);
      assert_same_run(f, whole, part);
    }
  }
  json_t *lines = read_lines(f, "whole0"); /* exactly at each logged iteration, and twice */
  for (size_t i = 1; i < json_array_size(lines); ++i) {
    int64_t stop = (int64_t)number(json_array_get(lines, i), "iteration"), later = stop + 1;
    if (stop == 60) break;
    char part[40];
    snprintf(part, sizeof part, "logged%d", (int)i);
    run_part(f, trainings[0], part, stop);
    cutlab_context_set_progress(f->context, stop_at, &later);
    expect(f, resume(f, part), CUTLAB_CANCELLED);
    cutlab_context_set_progress(f->context, NULL, NULL);
    expect(f, resume(f, part), CUTLAB_OK);
    assert_same_run(f, "whole0", part);
  }
  json_decref(lines);
}

static void test_gradient_norm_stops(void **state) {
  fixture *f = *state;
  run_whole(f, "", "free");
  run_whole(f, trainings[3], "whole");
  json_t *result = parse(f, "whole", "result.json"), *lines = read_lines(f, "whole");
  int64_t stopped = (int64_t)number(result, "iterations");
  assert_string_equal(json_string_value(at(result, "stopped")), "gradient norm");
  assert_true(stopped > 1 && stopped < 60 && cutlab_json_get_number(result, "loss", 9) < .69);
  assert_true(number(json_array_get(lines, json_array_size(lines) - 1), "iteration") ==
              (double)stopped);
  json_decref(result);
  json_decref(lines);
  for (int64_t stop = stopped - 1; stop <= stopped; ++stop) {
    char part[40];
    snprintf(part, sizeof part, "part%d", (int)stop);
    run_part(f, trainings[3], part, stop);
    expect(f, resume(f, part), CUTLAB_OK);
    assert_same_run(f, "whole", part);
  }
  /* killed after the last line, before the result */
  drop(f, "whole", "result.json");
  copy(f, "whole", "kept", "metrics.jsonl");
  expect(f, resume(f, "whole"), CUTLAB_OK);
  assert_same_file(f, "whole", "kept", "metrics.jsonl");
}

static size_t line_end(const char *text, int lines) {
  const char *end = text;
  for (int i = 0; i < lines; ++i) end = strchr(end, '\n') + 1;
  return (size_t)(end - text);
}

/* The states that a killed process can leave behind. */
static void test_killed_runs_resume(void **state) {
  fixture *f = *state;
  run_whole(f, "", "whole");
  run_part(f, "", "part", 29); /* 9 lines, checkpoint at 29 */
  size_t size, total;
  char *metrics = content(f, "part", "metrics.jsonl", &size),
       *full = content(f, "whole", "metrics.jsonl", &total);
  size_t cut[] = {size, size - 1, size - 30, line_end(metrics, 3), line_end(metrics, 3) + 1, 0};
  for (int c = 0; c < 10; ++c) {
    char run[40];
    snprintf(run, sizeof run, "killed%d", c);
    copy(f, "part", run, "run.json");
    if (c != 6) copy(f, "part", run, "checkpoint.npz");
    if (c < 6) put(f, run, "metrics.jsonl", metrics, cut[c]);
    if (c == 6) put(f, run, "metrics.jsonl", metrics, size);
    if (c == 8) put(f, run, "metrics.jsonl", full, total); /* ahead of the checkpoint */
    if (c == 9) put(f, run, "metrics.jsonl", full, total - 100);
    expect(f, resume(f, run), CUTLAB_OK);
    assert_same_run(f, "whole", run);
  }
  /* a line from the middle is gone */
  size_t first = line_end(metrics, 2), next = line_end(metrics, 3);
  memmove(metrics + first, metrics + next, size - next);
  copy(f, "part", "gap", "run.json");
  copy(f, "part", "gap", "checkpoint.npz");
  put(f, "gap", "metrics.jsonl", metrics, size - (next - first));
  expect(f, resume(f, "gap"), CUTLAB_OK);
  assert_same_run(f, "whole", "gap");
  free(metrics);
  free(full);
}

static void damage(const fixture *f, const char *name, const char *text, const char *message) {
  size_t size;
  char *kept = content(f, "part", name, &size);
  put(f, "part", name, text, strlen(text));
  cutlab_status status = resume(f, "part");
  if (status != CUTLAB_ERROR_FORMAT)
    fail_msg("status %d for %s = %s: %s", status, name, text, cutlab_context_message(f->context));
  assert_message(f->context, message);
  put(f, "part", name, kept, size);
  free(kept);
}

static void test_damaged_folders(void **state) {
  fixture *f = *state;
  run_whole(f, "", "whole");
  run_part(f, "", "part", 29);
  damage(f, "run.json", "", "run.json");
  damage(f, "run.json", "{\"format\": \"cutlab-run\", ", "run.json");
  damage(f, "run.json", "[]", "not a run of format version 1");
  damage(f, "run.json", "{\"format\": \"other\", \"format_version\": 1}", "not a run");
  damage(f, "run.json", "{\"format\": \"cutlab-run\", \"format_version\": 2}", "not a run");
  damage(f, "run.json", "{\"format\": \"cutlab-run\", \"format_version\": null}", "not a run");
  damage(f, "run.json", "{\"format\": \"cutlab-run\", \"format_version\": 1}", "no 'parameters'");
  damage(f, "run.json",
         "{\"format\": \"cutlab-run\", \"format_version\": 1, \"parameters\": {\"seed\": -1}}",
         "run.json: seed");
  damage(f, "run.json",
         "{\"format\": \"cutlab-run\", \"format_version\": 1, \"parameters\": {\"sed\": 1}}",
         "nearest: seed");
  damage(f, "run.json", "{\"format\": \"cutlab-run\", \"format_version\": 1, \"parameters\": [1]}",
         "run.json");
  damage(f, "metrics.jsonl", "{\"iteration\": 0}\n{\n", "line 2");
  damage(f, "metrics.jsonl", "{\"iteration\": 0}\n{\"iteration\": 0}\n", "line 2");
  damage(f, "metrics.jsonl", "{\"iteration\": null}\n", "line 1");
  damage(f, "metrics.jsonl", "{\"iteration\": 1e300}\n", "line 1");
  damage(f, "metrics.jsonl", "{\"iteration\": \"0\"}\n", "line 1");
  damage(f, "metrics.jsonl", "[0]\n", "line 1");
  damage(f, "checkpoint.npz", "", "checkpoint.npz");
  damage(f, "checkpoint.npz", "PK no archive", "without that file the run starts over");
  expect(f, resume(f, "part"), CUTLAB_OK);
  assert_same_run(f, "whole", "part");
  damage(f, "result.json", "{\"method\": ", "result.json");
  expect(f, resume(f, "nowhere"), CUTLAB_ERROR_IO);
  assert_message(f->context, "nowhere/run.json");
}

static void test_existing_runs_are_kept(void **state) {
  fixture *f = *state;
  run_whole(f, "", "whole");
  copy(f, "whole", "copy", "run.json");
  cutlab_experiment *x = make(f, "seed=9");
  expect(f, execute(f, x, "whole"), CUTLAB_ERROR_ARGUMENT);
  assert_message(f->context, "already holds a run");
  assert_same_file(f, "whole", "copy", "run.json");
  /* what is left of a run without run.json is no run: a new one takes its place */
  copy(f, "whole", "stale", "metrics.jsonl");
  expect(f, execute(f, x, "stale"), CUTLAB_OK);
  expect(f, execute(f, x, "fresh"), CUTLAB_OK);
  assert_same_run(f, "stale", "fresh");
  cutlab_experiment_free(x);
}

/* Two processes do not write one folder, and what fails before it is a run leaves none. */
static void test_locked_folders(void **state) {
  fixture *f = *state;
  run_part(f, "", "part", 29);
  char *folder = where(f, "part", NULL);
  cutlab_experiment *x = make(f, "");
  int lock;
  expect(f, cutlab_lock_take(f->context, &lock, NULL, folder), CUTLAB_OK);
  expect(f, resume(f, "part"), CUTLAB_ERROR_IO);
  assert_message(f->context, "another process is training there");
  expect(f, execute(f, x, "part"), CUTLAB_ERROR_IO);
  cutlab_lock_release(lock);
  expect(f, resume(f, "part"), CUTLAB_OK);
  char *fresh = where(f, "deep/fresh", NULL);
  expect(f, cutlab_run_execute(f->context, NULL, x, "nowhere.npz", fresh), CUTLAB_ERROR_IO);
  assert_true(!present(f, "deep/fresh", NULL));
  cutlab_experiment_free(x);
  free(fresh);
  free(folder);
}

/* A finished run gives its result at once and is not touched. */
static void test_finished_runs_resume_at_once(void **state) {
  fixture *f = *state;
  run_whole(f, "", "whole");
  char *folder = where(f, "whole", NULL), *metrics = where(f, "whole", "metrics.jsonl"), *result;
  char *written = content(f, "whole", "result.json", NULL);
  struct stat before, after;
  assert_int_equal(stat(metrics, &before), 0);
  int64_t never = 0;
  cutlab_context_set_progress(f->context, stop_at, &never); /* a step would be cancelled */
  expect(f, cutlab_run_resume(f->context, &result, folder), CUTLAB_OK);
  cutlab_context_set_progress(f->context, NULL, NULL);
  assert_string_equal(result, written);
  assert_int_equal(stat(metrics, &after), 0);
  assert_true(before.st_mtim.tv_sec == after.st_mtim.tv_sec &&
              before.st_mtim.tv_nsec == after.st_mtim.tv_nsec);
  cutlab_free(result);
  free(written);
  free(folder);
  free(metrics);
}

static void test_failing_runs(void **state) {
  fixture *f = *state;
  cutlab_experiment *x = make(f, "learning_rate=1e300");
  expect(f, execute(f, x, "diverges"), CUTLAB_ERROR_NUMERIC);
  assert_message(f->context, "learning_rate 1e+300");
  assert_true(!present(f, "diverges", "result.json"));
  json_t *lines = read_lines(f, "diverges");
  assert_true(json_array_size(lines) >= 1);
  json_decref(lines);
  cutlab_experiment_free(x);
  x = make(f, "");
  expect(f, execute(f, x, "diverges/run.json/below"), CUTLAB_ERROR_IO);
  configure_change(f->context, x, "frequencies=[.5]");
  expect(f, execute(f, x, "invalid"), CUTLAB_ERROR_ARGUMENT);
  assert_true(!present(f, "invalid", "run.json"));
  cutlab_experiment_free(x);
}

static const char *const overrides[] = {"iterations=20", "examples=30", "dimension=200"};

static cutlab_status reproduce(const fixture *f, const char *name) {
  char *folder = where(f, name, NULL);
  cutlab_status status = cutlab_reproduce(f->context, folder, 3, 1, overrides, 3);
  free(folder);
  return status;
}

static const char *planned(int i) {
  static const char *const presets[] = {"paper", "theory"}, *const methods[] = {"erm", "cutout",
                                                                                "cutmix"};
  static const char *const samplings[] = {"stratified", "iid"};
  static char path[80];
  snprintf(path, sizeof path, "%s-%s/%s-seed3", presets[i / 6], samplings[i / 3 % 2],
           methods[i % 3]);
  return path;
}

typedef struct changes {
  struct timespec times[12];
} changes;

static changes changed(const fixture *f, const char *farm) {
  changes c;
  for (int i = 0; i < 12; ++i) {
    char run[200];
    struct stat status;
    snprintf(run, sizeof run, "%s/%s", farm, planned(i));
    char *path = where(f, run, "result.json");
    if (stat(path, &status) != 0) fail_msg("no %s", path);
    c.times[i] = status.st_mtim;
    free(path);
  }
  return c;
}

static void assert_same_farm(const fixture *f, const char *a, const char *b) {
  for (int i = 0; i < 12; ++i) {
    char x[200], y[200];
    snprintf(x, sizeof x, "%s/%s", a, planned(i));
    snprintf(y, sizeof y, "%s/%s", b, planned(i));
    assert_same_run(f, x, y);
  }
}

static int stop_late(void *user, const cutlab_progress *progress) {
  (void)user;
  assert_true(progress->done <= progress->total && progress->total == 240);
  return progress->done >= 95;
}

static void test_reproduce(void **state) {
  fixture *f = *state;
  expect(f, reproduce(f, "one"), CUTLAB_OK);
  char *folder = where(f, "one", NULL);
  assert_int_equal(temporary_entries(folder), 4);
  free(folder);
  changes before = changed(f, "one");
  json_t *record = parse(f, "one/theory-iid/cutout-seed3", "run.json");
  const json_t *parameters = at(record, "parameters");
  assert_string_equal(json_string_value(at(parameters, "method")), "cutout");
  assert_string_equal(json_string_value(at(parameters, "sampling")), "iid");
  assert_true(number(parameters, "alpha") == .2 && number(parameters, "seed") == 3 &&
              number(parameters, "examples") == 30);
  assert_true(number(record, "theory_accuracy") == .975);
  json_decref(record);
  expect(f, reproduce(f, "one"), CUTLAB_OK);
  changes after = changed(f, "one");
  assert_memory_equal(&before, &after, sizeof after);
  cutlab_context_set_threads(f->context, 2);
  expect(f, reproduce(f, "two"), CUTLAB_OK);
  cutlab_context_set_threads(f->context, 1);
  assert_same_farm(f, "one", "two");
  cutlab_context_set_progress(f->context, stop_late, NULL);
  expect(f, reproduce(f, "parts"), CUTLAB_CANCELLED);
  cutlab_context_set_progress(f->context, NULL, NULL);
  expect(f, reproduce(f, "parts"), CUTLAB_OK);
  assert_same_farm(f, "one", "parts");
  folder = where(f, "one", NULL); /* what was tried with other parameters is not the answer */
  expect(f, cutlab_reproduce(f->context, folder, 3, 1, overrides, 2), CUTLAB_ERROR_ARGUMENT);
  assert_message(f->context, "holds a run with dimension=200, not 2000");
  free(folder);
}

static void test_reproduce_refuses(void **state) {
  fixture *f = *state;
  static const char *const bad[] = {"iterations", "=3", "iteration=5", "cut_size=3"};
  static const char *const messages[] = {"key=value", "key=value", "nearest: iterations",
                                         "cut_size is 3"};
  char *folder = where(f, "farm", NULL);
  for (int i = 0; i < 4; ++i) {
    expect(f, cutlab_reproduce(f->context, folder, 1, 1, &bad[i], 1), CUTLAB_ERROR_ARGUMENT);
    assert_message(f->context, messages[i]);
  }
  expect(f, cutlab_reproduce(f->context, folder, 1, 0, NULL, 0), CUTLAB_ERROR_ARGUMENT);
  expect(f, cutlab_reproduce(f->context, folder, -1, 1, NULL, 0), CUTLAB_ERROR_ARGUMENT);
  assert_true(!cutlab_file_exists(folder));
  free(folder);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_files, fixture_up, fixture_down),
      cmocka_unit_test_setup_teardown(test_in_memory, fixture_up, fixture_down),
      cmocka_unit_test_setup_teardown(test_own_data, fixture_up, fixture_down),
      cmocka_unit_test_setup_teardown(test_log_schedule, fixture_up, fixture_down),
      cmocka_unit_test_setup_teardown(test_next_logged, fixture_up, fixture_down),
      cmocka_unit_test_setup_teardown(test_cancelled_runs_resume, fixture_up, fixture_down),
      cmocka_unit_test_setup_teardown(test_gradient_norm_stops, fixture_up, fixture_down),
      cmocka_unit_test_setup_teardown(test_killed_runs_resume, fixture_up, fixture_down),
      cmocka_unit_test_setup_teardown(test_damaged_folders, fixture_up, fixture_down),
      cmocka_unit_test_setup_teardown(test_locked_folders, fixture_up, fixture_down),
      cmocka_unit_test_setup_teardown(test_existing_runs_are_kept, fixture_up, fixture_down),
      cmocka_unit_test_setup_teardown(test_finished_runs_resume_at_once, fixture_up, fixture_down),
      cmocka_unit_test_setup_teardown(test_failing_runs, fixture_up, fixture_down),
      cmocka_unit_test_setup_teardown(test_reproduce, fixture_up, fixture_down),
      cmocka_unit_test_setup_teardown(test_reproduce_refuses, fixture_up, fixture_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
