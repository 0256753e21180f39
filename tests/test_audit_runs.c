/* Finished trainings: folds put together, methods by their settings, what is refused, and exports
   read back. */
#include "audit_files.h"

/* Folds */

static void folds_are_put_together(void **state) {
  const fixture *f = *state;
  cutlab_audit *audit = create(f);
  put_run(f, "c2b", fold_of("cutmix", 2, "2/2"));
  put_run(f, "e1a", fold_of("erm", 1, "1/2"));
  put_run(f, "e2b", fold_of("erm", 2, "2/2"));
  put_run(f, "c1a", fold_of("cutmix", 1, "1/2"));
  put_run(f, "e2a", fold_of("erm", 2, "1/2"));
  put_run(f, "c2a", fold_of("cutmix", 2, "1/2"));
  put_run(f, "e1b", fold_of("erm", 1, "2/2"));
  put_run(f, "c1b", fold_of("cutmix", 1, "2/2"));
  put_predictions(f, "a.npz", 3);
  static const char *const folders[] = {"c2b", "e1a", "e2b", "c1a", "e2a", "c2a", "e1b/", "c1b"};
  for (int i = 0; i < 8; ++i) assert_int_equal(add_run(f, audit, folders[i]), CUTLAB_OK);
  assert_int_equal(add(f, audit, NULL, "a.npz"), CUTLAB_OK);
  compute_well(f, audit);
  assert_true(audit->held_out);
  assert_int_equal(audit->folds, 2);
  assert_int_equal(audit->count, examples);
  for (int64_t j = 0; j < examples; ++j) {
    assert_int_equal(audit->index[j], j);
    assert_int_equal(audit->fold[j], j % 2);
  }
  assert_int_equal(audit->method_count, 3);
  assert_string_equal(audit->methods[0].label, "ERM");
  assert_string_equal(audit->methods[1].label, "CutMix");
  for (int m = 0; m < 2; ++m)
    for (int t = 0; t < 2; ++t) {
      assert_int_equal(audit->methods[m].trainings[t].seed, t + 1);
      check_training(audit, &audit->methods[m].trainings[t], t + 1);
    }
  assert_string_equal(audit->methods[0].trainings[1].name, "seed 2");
  check_training(audit, &audit->methods[2].trainings[0], 3);
  char text[24];
  assert_string_equal(cutlab_audit_class_name(audit, 2, text), "fox");
  cutlab_audit_free(audit);
}

/* Some folds, when asked for, are numbered without gaps. */
static void some_folds_are_enough_when_asked(void **state) {
  const fixture *f = *state;
  cutlab_audit *audit = create(f);
  put_run(f, "a", fold_of("erm", 1, "1/3"));
  put_run(f, "b", fold_of("erm", 1, "3/3"));
  assert_int_equal(add_run(f, audit, "b"), CUTLAB_OK);
  assert_refused(
      f, compute(f, audit),
      "fold 3/3 of 3 is there; accepted: all of them, or --partial for an audit of this");
  assert_int_equal(add_run(f, audit, "a"), CUTLAB_OK);
  assert_refused(f, compute(f, audit),
                 "folds 1/3 and 3/3 of 3 are there; accepted: all of them, or --partial for an "
                 "audit of these");
  const cutlab_audit_options options = {.partial = true, .draws = 50};
  assert_int_equal(cutlab_audit_compute(f->context, audit, &options), CUTLAB_OK);
  assert_int_equal(audit->count, 8);
  assert_int_equal(audit->folds, 2);
  for (int64_t j = 0; j < 8; ++j) {
    assert_int_equal(audit->index[j], j / 2 * 3 + j % 2 * 2);
    assert_int_equal(audit->fold[j], j % 2);
  }
  check_training(audit, audit->methods[0].trainings, 1);
  cutlab_audit_free(audit);
}

/* Runs that must not be audited together. */
static void refuse_runs(const fixture *f, fake a, fake b, const char *expected) {
  const cutlab_audit_options options = {.draws = 50, .partial = true};
  cutlab_audit *audit = create(f);
  put_run(f, "a", a);
  put_run(f, "b", b);
  assert_int_equal(add_run(f, audit, "a"), CUTLAB_OK);
  assert_int_equal(add_run(f, audit, "b"), CUTLAB_OK);
  assert_refused(f, cutlab_audit_compute(f->context, audit, &options), expected);
  cutlab_audit_free(audit);
}

static void folds_must_fit(void **state) {
  const fixture *f = *state;
  fake first = fold_of("erm", 1, "1/2"), second = fold_of("erm", 1, "2/2"), other = second;
  refuse_runs(f, first, first, "b: fold 1/2 of ERM, seed 1 is there twice: also a");
  other.first = 0;
  refuse_runs(f, first, other,
              "a and b overlap: 6 examples were predicted twice, the first 0; accepted: folds that "
              "share none");
  refuse_runs(f, first, fold_of("erm", 1, "2/3"),
              "b is of fold 2/3, a of 1/2; accepted: as many folds for all trainings");
  refuse_runs(f, first, fold_of("cutmix", 2, "2/2"),
              "CutMix, seed 2 lacks fold 1/2 of ERM, seed 1; accepted: the same folds for every "
              "training");
  other = first;
  other.seed = 2;
  other.first = 1;
  refuse_runs(f, first, other,
              "b predicted other examples than a: 6 differ, the first 1; accepted: the same "
              "examples");
  refuse_runs(f, first, (fake){.seed = 2},
              "a predicted training examples of a fold, b the test data; accepted: trainings that "
              "all have folds, or none");
  other = second;
  other.fingerprint = "beef";
  refuse_runs(
      f, first, other,
      "b was trained on other data than a (fingerprints beef and f00d); accepted: trainings "
      "on the same data");
  refuse_runs(f, (fake){.seed = 1}, (fake){.seed = 1}, "b: ERM, seed 1 is there twice: also a");
}

static void files_must_fit_the_folds(void **state) {
  const fixture *f = *state;
  const cutlab_audit_options options = {.partial = true};
  cutlab_audit *audit = create(f);
  put_run(f, "a", fold_of("erm", 1, "1/2"));
  put_predictions(f, "p.npz", 0);
  assert_int_equal(add_run(f, audit, "a"), CUTLAB_OK);
  assert_int_equal(add(f, audit, "x", "p.npz"), CUTLAB_OK);
  assert_refused(f, cutlab_audit_compute(f->context, audit, &options),
                 "p.npz predicted 12 examples, ERM, seed 1 6; accepted: the same examples");
  cutlab_audit_free(audit);
  audit = create(f);
  put_run(f, "a", (fake){.seed = 1});
  assert_int_equal(add_run(f, audit, "a"), CUTLAB_OK);
  assert_int_equal(add(f, audit, "erm", "p.npz"), CUTLAB_OK);
  assert_refused(f, compute(f, audit),
                 "p.npz: the method 'erm' is that of a, a training; accepted: another name");
  cutlab_audit_free(audit);
}

static void only_finished_trainings(void **state) {
  const fixture *f = *state;
  cutlab_audit *audit = create(f);
  put_run(f, "a", (fake){.unfinished = true});
  assert_refused(f, add_run(f, audit, "a"),
                 "a: the training has not finished; go on with cutlab train --resume a");
  put_run(f, "b", (fake){.fold = "1/2"});
  put_run(f, "b", (fake){0});
  char *path = path_of(f, "b/logits.npz");
  assert_int_equal(remove(path), 0);
  free(path);
  assert_int_equal(add_run(f, audit, "b"), CUTLAB_ERROR_FORMAT);
  assert_said(f, "b has finished, but has no logits.npz; remove the folder b and train again");
  put_text(f, "b/run.json", "{\"format\": \"cutlab-simulation\"}");
  assert_int_equal(add_run(f, audit, "b"), CUTLAB_ERROR_FORMAT);
  assert_said(f, "b/run.json: the format is cutlab-simulation; accepted: cutlab-training, a folder "
                 "that cutlab train made");
  put_text(f, "b/run.json", "{\"format\": \"cutlab-training\", \"format_version\": 1}");
  assert_int_equal(add_run(f, audit, "b"), CUTLAB_ERROR_FORMAT);
  assert_said(f, "b/run.json: setting \"method\" is not a text");
  assert_int_equal(add_run(f, audit, "nothing"), CUTLAB_ERROR_IO);
  assert_int_equal(audit->input_count, 0);
  cutlab_audit_free(audit);
}

/* Found in a folder */

static void add_warning(void *user, const char *message) {
  char *warnings = user;
  size_t used = strlen(warnings);
  snprintf(warnings + used, 1024 - used, "%s\n", message);
}

/* Adds the runs of the folder "found", of which so many stay, with these warnings. */
static void find_runs(const fixture *f, int expected_count, const char *first,
                      const char *expected) {
  char warnings[1024] = "";
  cutlab_audit *audit = create(f);
  const cutlab_audit_options options = {.draws = 50, .partial = true};
  char *path = path_of(f, "found");
  cutlab_context_set_warning(f->context, add_warning, warnings);
  assert_int_equal(cutlab_audit_add_runs(f->context, audit, path), CUTLAB_OK);
  cutlab_context_set_warning(f->context, NULL, NULL);
  assert_text(f, warnings, expected);
  assert_int_equal(audit->input_count, expected_count);
  assert_text(f, audit->inputs[0].name, first);
  assert_int_equal(cutlab_audit_compute(f->context, audit, &options), CUTLAB_OK);
  cutlab_audit_free(audit);
  assert_int_equal(nftw(path, temporary_remove_entry, 8, FTW_DEPTH | FTW_PHYS), 0);
  free(path);
}

static void find_odd_one(const fixture *f, fake usual, fake odd, const char *expected) {
  put_run(f, "found/a", odd);
  put_run(f, "found/b", usual);
  usual.seed = 2;
  put_run(f, "found/c", usual);
  find_runs(f, 2, "found/b", expected);
}

static void runs_that_do_not_fit_are_left_out(void **state) {
  const fixture *f = *state;
  const fake whole = {.seed = 1}, half = fold_of("erm", 1, "1/2");
  find_odd_one(f, whole, (fake){.fingerprint = "beef"},
               "left out 1 of 3 runs in found: found/a was trained on other data than found/b "
               "(fingerprints beef and f00d); accepted: trainings on the same data\n");
  find_odd_one(f, whole, fold_of("erm", 3, "1/2"),
               "left out 1 of 3 runs in found: found/a predicted training examples of a fold, "
               "found/b the test data; accepted: trainings that all have folds, or none\n");
  find_odd_one(f, half, fold_of("erm", 3, "2/3"),
               "left out 1 of 3 runs in found: found/a is of fold 2/3, found/b of 1/2; accepted: "
               "as many folds for all trainings\n");
  find_odd_one(f, whole, (fake){.count = 9},
               "left out 1 of 3 runs in found: found/a predicted 9 examples, found/b 12; accepted: "
               "the same examples\n");
  fake odd = half;
  odd.first = 1;
  find_odd_one(f, half, odd,
               "left out 1 of 3 runs in found: found/a predicted other examples than found/b: 6 "
               "differ, the first 1; accepted: the same examples\n");
  odd = half;
  odd.relabelled = true;
  find_odd_one(
      f, half, odd,
      "left out 1 of 3 runs in found: found/a: 6 of 6 labels differ from those of found/b, "
      "the first at example 0; accepted: the same labels\n");
}

static void runs_of_other_classes_are_left_out(void **state) {
  const fixture *f = *state;
  double logits[matrix_size];
  int64_t labels[examples] = {0};
  make_logits(logits, 0);
  cutlab_array arrays[] = {matrix("logits", logits),
                           line("labels", CUTLAB_INT64, labels, examples)};
  arrays[0].shape[1] = 2;
  for (int seed = 1; seed < 4; ++seed) {
    char name[] = "found/x";
    name[6] = (char)('a' + seed - 1);
    put_run(f, name, (fake){.seed = seed});
  }
  put(f, "found/b/logits.npz", arrays, 2);
  find_runs(f, 2, "found/a",
            "left out 1 of 3 runs in found: found/b has 2 classes, found/a 3; accepted: the same "
            "classes\n");
}

/* Two kinds of runs are left out, with a line each; of kinds that are as large the first stays. */
static void the_largest_kind_stays(void **state) {
  const fixture *f = *state;
  static const char *const data[] = {"a1", "b2", "c3", "b2", "a1", "b2"};
  for (int i = 0; i < 6; ++i) {
    char name[] = "found/0";
    name[6] = (char)('0' + i);
    put_run(f, name, (fake){.seed = i + 1, .fingerprint = data[i]});
  }
  find_runs(f, 3, "found/1",
            "left out 2 of 6 runs in found: found/0 was trained on other data than found/1 "
            "(fingerprints a1 and b2); accepted: trainings on the same data\n"
            "left out 1 of 6 runs in found: found/2 was trained on other data than found/1 "
            "(fingerprints c3 and b2); accepted: trainings on the same data\n");
  put_run(f, "found/a", (fake){.seed = 1, .fingerprint = "a1"});
  put_run(f, "found/b", (fake){.seed = 1, .fingerprint = "b2"});
  find_runs(f, 1, "found/a",
            "left out 1 of 2 runs in found: found/b was trained on other data than found/a "
            "(fingerprints b2 and a1); accepted: trainings on the same data\n");
}

/* Folds fit each other, and a run is told from the one of its own fold. */
static void folds_are_found_together(void **state) {
  const fixture *f = *state;
  fake odd = fold_of("cutmix", 1, "2/2");
  put_run(f, "found/a", fold_of("erm", 1, "1/2"));
  put_run(f, "found/b", fold_of("erm", 1, "2/2"));
  find_runs(f, 2, "found/a", "");
  odd.relabelled = true;
  put_run(f, "found/a", fold_of("erm", 1, "1/2"));
  put_run(f, "found/b", fold_of("erm", 1, "2/2"));
  put_run(f, "found/c", odd);
  find_runs(f, 2, "found/a",
            "left out 1 of 3 runs in found: found/c: 6 of 6 labels differ from those of found/b, "
            "the first at example 1; accepted: the same labels\n");
}

/* Settings */

static void keep_warning(void *user, const char *message) {
  snprintf(user, 512, "%s", message);
}

static void settings_make_methods(void **state) {
  const fixture *f = *state;
  char warning[512] = "";
  cutlab_audit *audit = create(f);
  cutlab_context_set_warning(f->context, keep_warning, warning);
  put_run(f, "a", (fake){.method = "cutmix", .seed = 1, .more = "\"alpha\": 1, \"workers\": 1,"});
  put_run(f, "b", (fake){.method = "cutmix", .seed = 1, .more = "\"alpha\": 0.2, \"workers\": 4,"});
  put_run(f, "c", (fake){.method = "cutmix", .seed = 2, .more = "\"alpha\": 0.2, \"workers\": 1,"});
  put_run(f, "d", (fake){.method = "erm", .seed = 1, .more = "\"alpha\": 5,"});
  put_run(f, "e", (fake){.method = "erm", .seed = 2, .more = "\"alpha\": 6,"});
  put_run(f, "p", (fake){.policy = "flip | crop(pad=4) | cutout(size=16) | jitter(share=0.25, a)"});
  put_run(f, "q",
          (fake){.policy = "flip | crop(pad=4) | cutout(size=16) | jitter(share=0.25, b)",
                 .more = "\"augment\": \"flip\","});
  static const char *const folders[] = {"a", "b", "c", "d", "e", "p", "q"};
  for (int i = 0; i < 7; ++i) assert_int_equal(add_run(f, audit, folders[i]), CUTLAB_OK);
  compute_well(f, audit);
  static const char *const labels[] = {
      "ERM", "CutMix (alpha=1)", "CutMix (alpha=0.2)",
      "flip | crop(pad=4) | cutout(size=16) | jitter(share=0.25, a)",
      "flip | crop(pad=4) | cutout(size=16) | jitter(share=0.25, b)"};
  static const int trainings[] = {2, 1, 2, 1, 1};
  assert_int_equal(audit->method_count, 5);
  for (int m = 0; m < 5; ++m) {
    assert_string_equal(audit->methods[m].label, labels[m]);
    assert_int_equal(audit->methods[m].training_count, trainings[m]);
  }
  assert_string_equal(warning, "");
  cutlab_audit_free(audit);
  cutlab_context_set_warning(f->context, NULL, NULL);
}

/* Policies that begin alike are shortened to the same text, but stay two methods. */
static void long_policies_stay_apart(void **state) {
  const fixture *f = *state;
  char first[100], second[100];
  memset(first, 'x', sizeof first);
  first[99] = '\0';
  memcpy(second, first, sizeof first);
  second[98] = 'y';
  cutlab_audit *audit = create(f);
  put_run(f, "a", (fake){.policy = first});
  put_run(f, "b", (fake){.policy = second});
  assert_int_equal(add_run(f, audit, "a"), CUTLAB_OK);
  assert_int_equal(add_run(f, audit, "b"), CUTLAB_OK);
  compute_well(f, audit);
  assert_int_equal(audit->method_count, 2);
  assert_int_equal(strlen(audit->methods[0].label), 63);
  assert_string_equal(audit->methods[1].label + 60, "... #2");
  cutlab_audit_free(audit);
}

/* A packed part of a data set, and that part of the whole. */
static void the_same_data_from_elsewhere(void **state) {
  const fixture *f = *state;
  char warning[512] = "";
  fake whole = {.seed = 1,
                .more = "\"dataset\": \"mnist\", \"train_examples\": 200, \"test_examples\": 12,"},
       part = {.seed = 2,
               .more = "\"dataset\": \"npy\", \"train_examples\": 0, \"test_examples\": 0,"};
  cutlab_audit *audit = create(f);
  cutlab_context_set_warning(f->context, keep_warning, warning);
  put_run(f, "a", whole);
  put_run(f, "b", part);
  part.method = "cutmix";
  put_run(f, "c", part);
  assert_int_equal(add_run(f, audit, "a"), CUTLAB_OK);
  assert_int_equal(add_run(f, audit, "b"), CUTLAB_OK);
  assert_int_equal(add_run(f, audit, "c"), CUTLAB_OK);
  compute_well(f, audit);
  assert_int_equal(audit->methods[0].training_count, 2);
  assert_string_equal(warning, "");
  cutlab_audit_free(audit);
  cutlab_context_set_warning(f->context, NULL, NULL);
}

static void other_settings_are_not_merged(void **state) {
  const fixture *f = *state;
  fake a = {.method = "cutmix", .seed = 1, .more = "\"epochs\": 15, \"path\": \"x\","},
       b = {.method = "cutmix", .seed = 2, .more = "\"epochs\": 30, \"path\": \"y\","};
  refuse_runs(f, a, b,
              "b: epochs is 30, but 15 in a, of CutMix too; accepted: the same settings for all "
              "trainings of a method");
  char warning[512] = "";
  cutlab_audit *audit = create(f);
  cutlab_context_set_warning(f->context, keep_warning, warning);
  b.method = "erm";
  put_run(f, "b", b);
  assert_int_equal(add_run(f, audit, "a"), CUTLAB_OK);
  assert_int_equal(add_run(f, audit, "b"), CUTLAB_OK);
  compute_well(f, audit);
  assert_string_equal(warning, "more than the methods differs: epochs (ERM 30, CutMix 15)");
  cutlab_audit_free(audit);
  cutlab_context_set_warning(f->context, NULL, NULL);
}

/* Exports */

static cutlab_array *read_back(const fixture *f, const char *name, int *count) {
  cutlab_array *arrays;
  char *path = path_of(f, name);
  assert_int_equal(cutlab_npz_read(f->context, &arrays, count, path, 0), CUTLAB_OK);
  free(path);
  return arrays;
}

static cutlab_status export(const fixture *f, const cutlab_audit *audit, const char *method,
                            cutlab_audit_format format) {
  char *path = path_of(f, "export.npz");
  cutlab_status status = cutlab_audit_export(f->context, path, audit, method, format);
  free(path);
  return status;
}

static void check_probabilities(const fixture *f, const cutlab_audit *audit) {
  int count;
  double first[matrix_size], second[matrix_size];
  make_logits(first, 1);
  make_logits(second, 2);
  cutlab_array *arrays = read_back(f, "export.npz", &count);
  const cutlab_array *probabilities = cutlab_npz_find(arrays, count, "pred_probs"),
                     *labels = cutlab_npz_find(arrays, count, "labels"),
                     *indices = cutlab_npz_find(arrays, count, "indices");
  assert_int_equal(count, 3);
  assert_int_equal(probabilities->shape[0], audit->count);
  for (int64_t j = 0; j < audit->count; ++j) {
    int64_t i = cutlab_array_integer(indices, j);
    double sum = 0, sums[2] = {0};
    assert_int_equal(cutlab_array_integer(labels, j), label_of(i));
    for (int64_t k = 0; k < classes; ++k) {
      sums[0] += exp(first[i * classes + k]);
      sums[1] += exp(second[i * classes + k]);
    }
    for (int64_t k = 0; k < classes; ++k) {
      double value = cutlab_array_number(probabilities, j * classes + k);
      double mean =
          exp(first[i * classes + k]) / sums[0] / 2 + exp(second[i * classes + k]) / sums[1] / 2;
      assert_true(fabs(value - mean) < 1e-6);
      sum += value;
    }
    assert_true(fabs(sum - 1) < 1e-15);
  }
  cutlab_npz_free(arrays, count);
}

static void check_scores(const fixture *f, const cutlab_audit *audit) {
  int count;
  cutlab_array *arrays = read_back(f, "export.npz", &count);
  const cutlab_array *scores = cutlab_npz_find(arrays, count, "scores");
  const cutlab_audit_training *t = audit->methods[0].trainings;
  assert_int_equal(count, audit->count == examples ? 3 : 4);
  for (int64_t j = 0; j < audit->count; ++j)
    assert_true(cutlab_array_number(scores, j) == (2 - t[0].wrong[j] - t[1].wrong[j]) / 2.);
  cutlab_npz_free(arrays, count);
}

static void exports_read_back(void **state) {
  const fixture *f = *state;
  const cutlab_audit_options options = {.partial = true, .draws = 50};
  cutlab_audit *audit = create(f);
  put_run(f, "1a", fold_of("erm", 1, "1/2"));
  put_run(f, "1b", fold_of("erm", 1, "2/2"));
  put_run(f, "2a", fold_of("erm", 2, "1/2"));
  put_run(f, "2b", fold_of("erm", 2, "2/2"));
  assert_int_equal(add_run(f, audit, "2b"), CUTLAB_OK);
  assert_int_equal(add_run(f, audit, "1b"), CUTLAB_OK);
  assert_refused(f, export(f, audit, NULL, CUTLAB_AUDIT_CSCORES),
                 "the audit is not computed; accepted: one that is, with nothing added since");
  assert_int_equal(cutlab_audit_compute(f->context, audit, &options), CUTLAB_OK);
  assert_int_equal(export(f, audit, NULL, CUTLAB_AUDIT_PRED_PROBS), CUTLAB_OK);
  check_probabilities(f, audit);
  assert_int_equal(export(f, audit, "erm", CUTLAB_AUDIT_CSCORES), CUTLAB_OK);
  check_scores(f, audit);
  assert_int_equal(add_run(f, audit, "2a"), CUTLAB_OK);
  assert_int_equal(add_run(f, audit, "1a"), CUTLAB_OK);
  assert_refused(f, export(f, audit, NULL, CUTLAB_AUDIT_CSCORES),
                 "the audit is not computed; accepted: one that is, with nothing added since");
  compute_well(f, audit);
  assert_int_equal(audit->count, examples);
  assert_int_equal(export(f, audit, NULL, CUTLAB_AUDIT_PRED_PROBS), CUTLAB_OK);
  check_probabilities(f, audit);
  assert_int_equal(export(f, audit, NULL, CUTLAB_AUDIT_CSCORES), CUTLAB_OK);
  check_scores(f, audit);
  put_predictions(f, "p.npz", 0);
  assert_int_equal(add(f, audit, NULL, "p.npz"), CUTLAB_OK);
  compute_well(f, audit);
  assert_refused(f, export(f, audit, NULL, CUTLAB_AUDIT_CSCORES),
                 "the method to export is not named; accepted: ERM, p");
  assert_refused(f, export(f, audit, "x", CUTLAB_AUDIT_CSCORES),
                 "the method to export is 'x'; accepted: ERM, p");
  cutlab_audit_free(audit);
}

int main(void) {
  const struct CMUnitTest tests[] = {CASE(folds_are_put_together),
                                     CASE(some_folds_are_enough_when_asked),
                                     CASE(folds_must_fit),
                                     CASE(files_must_fit_the_folds),
                                     CASE(only_finished_trainings),
                                     CASE(runs_that_do_not_fit_are_left_out),
                                     CASE(runs_of_other_classes_are_left_out),
                                     CASE(the_largest_kind_stays),
                                     CASE(folds_are_found_together),
                                     CASE(settings_make_methods),
                                     CASE(long_policies_stay_apart),
                                     CASE(other_settings_are_not_merged),
                                     CASE(the_same_data_from_elsewhere),
                                     CASE(exports_read_back)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
