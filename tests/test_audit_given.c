/* Labels, scores, names, options and images beside predictions: what is refused and how. */
#include "audit_files.h"

static void refuse_scores(const fixture *f, const cutlab_array *arrays, int count,
                          const char *expected) {
  cutlab_audit *audit = create(f);
  put(f, "s.npz", arrays, count);
  assert_int_equal(give(f, audit, cutlab_audit_set_scores, "s.npz"), CUTLAB_OK);
  refuse_pair(f, audit, expected);
}

static void scores_are_of_the_same_data(void **state) {
  const fixture *f = *state;
  double scores[examples + 1];
  int64_t labels[examples + 1];
  for (int64_t i = 0; i <= examples; ++i) {
    scores[i] = (double)i / examples;
    labels[i] = label_of(i);
  }
  cutlab_array arrays[] = {line("scores", CUTLAB_FLOAT64, scores, examples),
                           line("labels", CUTLAB_INT64, labels, examples)};
  put_predictions(f, "a.npz", 0);
  put_predictions(f, "b.npz", 2);
  labels[2] = 0;
  refuse_scores(
      f, arrays, 2,
      "s.npz: 1 of 12 labels differ from those of the predictions, the first at example 2 "
      "(0, there 2); accepted: scores of the same data set in the same order");
  arrays[0].shape[0] = arrays[1].shape[0] = 11;
  refuse_scores(f, arrays, 2,
                "s.npz: 11 scores; accepted: 12, one for every example of the data set");
  arrays[0].shape[0] = examples + 1;
  refuse_scores(f, arrays, 1,
                "s.npz: 13 scores; accepted: 12, one for every example of the data set");
  for (int64_t i = 0; i < examples; ++i) scores[i] = .5;
  arrays[0].shape[0] = examples;
  refuse_scores(
      f, arrays, 1,
      "s.npz: the scores of all 12 audited examples are 0.5; accepted: scores that differ");
}

static void bad_scores_are_named(void **state) {
  const fixture *f = *state;
  double scores[examples] = {0, 1, NAN, 3, -INFINITY};
  const cutlab_array line_of = line("scores", CUTLAB_FLOAT64, scores, examples),
                     other = line("x", CUTLAB_FLOAT64, scores, 2);
  cutlab_array table = matrix("scores", scores);
  cutlab_audit *audit = create(f);
  put(f, "s.npy", &line_of, 1);
  assert_refused(f, give(f, audit, cutlab_audit_set_scores, "s.npy"),
                 "s.npy: the score of example 2 is nan (2 such values in all); accepted: finite "
                 "numbers up to 1e100");
  scores[2] = -1.7e308, scores[4] = 1.7e308; /* their difference would be infinite */
  put(f, "s.npy", &line_of, 1);
  assert_refused(f, give(f, audit, cutlab_audit_set_scores, "s.npy"),
                 "s.npy: the score of example 2 is -1.7e+308 (2 such values in all); accepted: "
                 "finite numbers up to 1e100");
  put(f, "s.npz", &other, 1);
  assert_refused(f, give(f, audit, cutlab_audit_set_scores, "s.npz"),
                 "s.npz has x float64 [2]; accepted: a member scores");
  table.shape[0] = 4;
  put(f, "s.npy", &table, 1);
  assert_refused(f, give(f, audit, cutlab_audit_set_scores, "s.npy"),
                 "s.npy: scores have 2 axes; accepted: one axis, a number for every example of the "
                 "data set");
  assert_null(audit->all_scores);
  cutlab_audit_free(audit);
}

/* Scores of another dtype and of more examples, with labels; difficulty is then the score. */
static void scores_become_the_difficulty(void **state) {
  const fixture *f = *state;
  int32_t scores[examples + 3];
  uint8_t labels[examples + 3];
  for (int i = 0; i < examples + 3; ++i) {
    scores[i] = (i * 5) % examples;
    labels[i] = (uint8_t)label_of(i);
  }
  const cutlab_array arrays[] = {line("scores", CUTLAB_INT32, scores, examples + 3),
                                 line("labels", CUTLAB_UINT8, labels, examples + 3)};
  put(f, "s.npz", arrays, 2);
  put_predictions(f, "a.npz", 0);
  cutlab_audit *audit = create(f);
  assert_int_equal(add(f, audit, NULL, "a.npz"), CUTLAB_OK);
  assert_int_equal(give(f, audit, cutlab_audit_set_scores, "s.npz"), CUTLAB_OK);
  compute_well(f, audit);
  for (int64_t j = 0; j < examples; ++j) {
    assert_true(audit->score[j] == (double)((j * 5) % examples));
    assert_true(audit->difficulty[j] == audit->score[j]);
  }
  cutlab_audit_free(audit);
}

static void classes_have_names(void **state) {
  const fixture *f = *state;
  char text[24];
  cutlab_audit *audit = create(f);
  put_predictions(f, "a.npz", 0);
  assert_int_equal(add(f, audit, NULL, "a.npz"), CUTLAB_OK);
  assert_string_equal(cutlab_audit_class_name(audit, 1, text), "1");
  put_text(f, "names.txt", "one\r\ntwo\n");
  assert_int_equal(give(f, audit, cutlab_audit_set_class_names, "names.txt"), CUTLAB_OK);
  assert_refused(f, compute(f, audit), "2 names of classes; accepted: 3, one for every class");
  put_text(f, "names.txt", "one\n\ntwo");
  assert_int_equal(give(f, audit, cutlab_audit_set_class_names, "names.txt"), CUTLAB_ERROR_FORMAT);
  assert_said(f, "names.txt:2: no name; accepted: the name of a class on every line");
  put_text(f, "names.txt", "one\r\ntwo\nand three");
  assert_int_equal(give(f, audit, cutlab_audit_set_class_names, "names.txt"), CUTLAB_OK);
  compute_well(f, audit);
  assert_string_equal(cutlab_audit_class_name(audit, 0, text), "one");
  assert_string_equal(cutlab_audit_class_name(audit, 2, text), "and three");
  cutlab_audit_free(audit);
}

static void refuse_options(const fixture *f, cutlab_audit *audit, cutlab_audit_options options,
                           const char *expected) {
  assert_refused(f, cutlab_audit_compute(f->context, audit, &options), expected);
}

static void options_are_checked(void **state) {
  const fixture *f = *state;
  cutlab_audit *audit = create(f);
  assert_refused(f, cutlab_audit_compute(f->context, audit, NULL),
                 "nothing to audit; accepted: folders of finished trainings, or files of "
                 "predictions");
  refuse_options(f, audit, (cutlab_audit_options){.draws = -1},
                 "draws is -1; accepted: 10 to 10000000, or 0 for 2000");
  refuse_options(f, audit, (cutlab_audit_options){.confidence = 1},
                 "confidence is 1; accepted: above 0 and below 1, or 0 for 0.95");
  refuse_options(f, audit, (cutlab_audit_options){.confidence = NAN},
                 "confidence is nan; accepted: above 0 and below 1, or 0 for 0.95");
  refuse_options(
      f, audit, (cutlab_audit_options){.matched = -3},
      "matched is -3; accepted: 1 and more errors, or 0 for as many as the training with "
      "the fewest makes");
  refuse_options(f, audit, (cutlab_audit_options){.quantiles = 1001},
                 "quantiles is 1001; accepted: 1 to 1000, or 0 for 10");
  put_predictions(f, "a.npz", 0);
  assert_int_equal(add(f, audit, NULL, "a.npz"), CUTLAB_OK);
  assert_int_equal(cutlab_audit_compute(f->context, audit, NULL), CUTLAB_OK);
  assert_int_equal(audit->options.draws, 2000);
  assert_int_equal(audit->options.quantiles, 10);
  assert_true(audit->options.confidence == .95);
  assert_string_equal(cutlab_audit_fate_name(CUTLAB_AUDIT_RESCUED), "rescued");
  assert_string_equal(cutlab_audit_fate_name(CUTLAB_AUDIT_UNSTEADY), "unsteady");
  cutlab_audit_free(audit);
  cutlab_audit_free(NULL);
}

/* Images */

static void put_images(const fixture *f, const char *part, int64_t count, int64_t shift) {
  uint8_t pixels[2 * examples * 4];
  int64_t labels[2 * examples];
  char name[64];
  for (int64_t i = 0; i < count * 4; ++i) pixels[i] = (uint8_t)(i * 37 + shift);
  for (int64_t i = 0; i < count; ++i) labels[i] = label_of(i + shift);
  const cutlab_array images = {.dtype = CUTLAB_UINT8,
                               .rank = 4,
                               .shape = {count, 1, 2, 2},
                               .data = pixels},
                     line_of = line("", CUTLAB_INT64, labels, count);
  snprintf(name, sizeof name, "data/%s_images.npy", part);
  put(f, name, &images, 1);
  snprintf(name, sizeof name, "data/%s_labels.npy", part);
  put(f, name, &line_of, 1);
}

static cutlab_status set_images(const fixture *f, cutlab_audit *audit, const char *fold) {
  char *path = path_of(f, "data");
  const cutlab_collection_source source = {.dataset = "npy", .path = path, .fold = fold};
  cutlab_status status = cutlab_audit_set_images(f->context, audit, &source);
  if (status != CUTLAB_OK) print_message("%s\n", cutlab_context_message(f->context));
  free(path);
  return status;
}

static void images_are_those_of_the_audit(void **state) {
  const fixture *f = *state;
  cutlab_audit *audit = create(f);
  char *path = path_of(f, "data");
  assert_int_equal(cutlab_folder_make(f->context, path), CUTLAB_OK);
  free(path);
  put_images(f, "train", examples, 0);
  put_images(f, "test", 9, 1);
  put_predictions(f, "a.npz", 0);
  assert_int_equal(add(f, audit, NULL, "a.npz"), CUTLAB_OK);
  assert_int_equal(set_images(f, audit, "1/2"), CUTLAB_OK);
  assert_int_equal(audit->images.train.count, examples);
  compute_well(f, audit); /* files say nothing of parts, labels do */
  assert_true(audit->held_out);
  put_run(f, "r", (fake){.seed = 1});
  assert_int_equal(add_run(f, audit, "r"), CUTLAB_OK);
  assert_refused(f, compute(f, audit),
                 "images of the test part: 9, but example 11 was predicted; accepted: those of the "
                 "audited data set");
  put_images(f, "test", examples, 1);
  assert_int_equal(set_images(f, audit, NULL), CUTLAB_OK);
  assert_refused(
      f, compute(f, audit),
      "images of the test part: 12 of 12 labels differ from those of the predictions, the "
      "first at example 0 (1, there 0); accepted: those of the audited data set, in its "
      "order");
  put_images(f, "test", examples, 0);
  assert_int_equal(set_images(f, audit, NULL), CUTLAB_OK);
  compute_well(f, audit);
  assert_false(audit->held_out);
  cutlab_audit_free(audit);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(scores_are_of_the_same_data),  CASE(bad_scores_are_named),
      CASE(scores_become_the_difficulty), CASE(classes_have_names),
      CASE(options_are_checked),          CASE(images_are_those_of_the_audit)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
