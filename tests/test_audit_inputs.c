/* Predictions of every kind, from any framework: what they mean, and what is refused and how. */
#include "audit_files.h"
#include "base/half.h"

static void assert_same_training(const cutlab_audit_training *a, const cutlab_audit_training *b,
                                 int64_t count, double tolerance) {
  assert_int_equal(a->errors, b->errors);
  for (int64_t j = 0; j < count; ++j) {
    assert_int_equal(a->prediction[j], b->prediction[j]);
    assert_int_equal(a->wrong[j], b->wrong[j]);
    assert_true(fabs(a->probability[j] - b->probability[j]) <= tolerance);
    assert_true(fabs(a->margin[j] - b->margin[j]) <= 10 * tolerance);
  }
}

static void logits_become_what_is_audited(void **state) {
  const fixture *f = *state;
  cutlab_audit *audit = create(f);
  put_predictions(f, "a.npz", 0);
  put_predictions(f, "b.npz", 2);
  assert_int_equal(add(f, audit, NULL, "a.npz"), CUTLAB_OK);
  assert_int_equal(add(f, audit, NULL, "b.npz"), CUTLAB_OK);
  compute_well(f, audit);
  assert_int_equal(audit->count, examples);
  assert_int_equal(audit->classes, classes);
  assert_int_equal(audit->folds, 1);
  assert_false(audit->held_out);
  assert_int_equal(audit->method_count, 2);
  assert_string_equal(audit->methods[0].label, "a");
  assert_string_equal(audit->methods[1].trainings[0].name, "b.npz");
  check_training(audit, &audit->methods[0].trainings[0], 0);
  check_training(audit, &audit->methods[1].trainings[0], 2);
  cutlab_audit_free(audit);
}

/* By definition: the share of the other examples with a smaller margin, equal ones by half. */
static double rank_of(const cutlab_audit_training *t, int64_t example) {
  double below = 0;
  for (int64_t j = 0; j < examples; ++j) {
    below += t->margin[j] < t->margin[example];
    below +=
        j != example && !(t->margin[j] < t->margin[example]) && !(t->margin[j] > t->margin[example])
            ? .5
            : 0;
  }
  return below / (examples - 1);
}

/* Difficulty is of ranks: the scale of one side's logits has no say in it. */
static void difficulty_is_a_rank(void **state) {
  const fixture *f = *state;
  double scaled[matrix_size];
  cutlab_audit *audit = create(f);
  put_predictions(f, "b.npz", 2);
  make_logits(scaled, 0);
  const cutlab_array array = matrix("logits", scaled);
  for (int64_t i = 0; i < examples; ++i) /* no two margins are equal */
    scaled[i * classes + label_of(i)] += .01 * (double)i;
  put(f, "a.npz", &array, 1);
  for (int i = 0; i < matrix_size; ++i) scaled[i] *= .125;
  put(f, "scaled.npz", &array, 1);
  assert_int_equal(add(f, audit, NULL, "a.npz"), CUTLAB_OK);
  assert_int_equal(add(f, audit, NULL, "b.npz"), CUTLAB_OK);
  compute_well(f, audit);
  for (int64_t j = 0; j < examples; ++j)
    assert_true(fabs(audit->difficulty[j] - (rank_of(audit->methods[0].trainings, j) +
                                             rank_of(audit->methods[1].trainings, j)) /
                                                2) < 1e-15);
  cutlab_audit *other = create(f);
  assert_int_equal(add(f, other, NULL, "scaled.npz"), CUTLAB_OK);
  assert_int_equal(add(f, other, NULL, "b.npz"), CUTLAB_OK);
  compute_well(f, other);
  for (int64_t j = 0; j < examples; ++j)
    assert_true(fabs(other->difficulty[j] - audit->difficulty[j]) < 1e-15);
  cutlab_audit_free(other);
  cutlab_audit_free(audit);
}

/* Without an ERM the first that was added, whatever the usual order. */
static void the_first_is_the_baseline(void **state) {
  const fixture *f = *state;
  cutlab_audit *audit = create(f);
  put_predictions(f, "a.npz", 0);
  put_predictions(f, "b.npz", 2);
  put_predictions(f, "c.npz", 3);
  assert_int_equal(add(f, audit, "mine", "a.npz"), CUTLAB_OK);
  assert_int_equal(add(f, audit, "CutMix", "b.npz"), CUTLAB_OK);
  assert_int_equal(add(f, audit, "Cutout", "c.npz"), CUTLAB_OK);
  compute_well(f, audit);
  static const char *const expected[] = {"mine", "Cutout", "CutMix"};
  for (int m = 0; m < 3; ++m) assert_string_equal(audit->methods[m].label, expected[m]);
  cutlab_audit_free(audit);
}

static void refuse_array(const fixture *f, const cutlab_array *array, const char *name,
                         const char *expected) {
  cutlab_audit *audit = create(f);
  put(f, name, array, 1);
  assert_refused(f, add(f, audit, NULL, name), expected);
  assert_int_equal(audit->input_count, 0);
  cutlab_audit_free(audit);
}

static void bad_probabilities_are_no_logits(void **state) {
  const fixture *f = *state;
  double values[matrix_size];
  for (int i = 0; i < matrix_size; ++i) values[i] = i % classes ? .25 : .5;
  values[7 * classes] = .75;
  cutlab_array array = matrix("out", values);
  refuse_array(f, &array, "a.npz",
               "a.npz: out look like probabilities, but those of example 7 sum to 1.25; accepted: "
               "sums of 1 within 0.002, or logits as the member logits of an .npz");
  for (int i = 0; i < matrix_size; ++i) values[i] = i % classes ? 25 : 50;
  refuse_array(f, &array, "a.npy",
               "a.npy: predictions look like probabilities, but those of example 0 sum to 100; "
               "accepted: sums of 1 within 0.002, or logits as the member logits of an .npz");
  array = matrix("logits", values);
  put(f, "b.npz", &array, 1);
  cutlab_audit *audit = create(f);
  assert_int_equal(add(f, audit, NULL, "b.npz"), CUTLAB_OK);
  cutlab_audit_free(audit);
}

/* The same predictions as logits, probabilities and their logarithms, in several precisions. */
static void every_form_gives_the_same_audit(void **state) {
  const fixture *f = *state;
  double logits[matrix_size], probabilities[matrix_size], logarithms[matrix_size];
  float single[matrix_size];
  uint16_t half[matrix_size];
  make_logits(logits, 1);
  for (int64_t i = 0; i < examples; ++i) {
    double sum = 0;
    for (int64_t k = 0; k < classes; ++k) sum += exp(logits[i * classes + k]);
    for (int64_t c = i * classes; c < (i + 1) * classes; ++c) {
      probabilities[c] = exp(logits[c]) / sum;
      logarithms[c] = log(probabilities[c]);
      single[c] = (float)probabilities[c];
      half[c] = cutlab_half_from_float((float)probabilities[c]);
    }
  }
  cutlab_array probs = matrix("probs", probabilities), rough = probs, halves = probs;
  const cutlab_array named = matrix("log_probs", logarithms), other = matrix("out", logits);
  rough.dtype = CUTLAB_FLOAT32;
  rough.data = single;
  halves.dtype = CUTLAB_FLOAT16;
  halves.data = half;
  put_predictions(f, "logits.npz", 1);
  put(f, "log_probs.npz", &named, 1);
  put(f, "plain.npy", &named, 1);
  put(f, "only.npz", &other, 1);
  put(f, "probs.npz", &probs, 1);
  put(f, "probs.npy", &rough, 1);
  put(f, "half.npy", &halves, 1);
  cutlab_audit *audit = create(f);
  static const char *const names[] = {"logits.npz", "log_probs.npz", "plain.npy", "only.npz",
                                      "probs.npz",  "probs.npy",     "half.npy"};
  for (int i = 0; i < 7; ++i) assert_int_equal(add(f, audit, names[i], names[i]), CUTLAB_OK);
  compute_well(f, audit);
  check_training(audit, audit->methods[0].trainings, 1);
  for (int m = 1; m < 7; ++m)
    assert_same_training(audit->methods[m].trainings, audit->methods[0].trainings, examples,
                         m == 6 ? 2e-3 : 1e-6);
  cutlab_audit_free(audit);
}

/* The first of equal logits is predicted; certainties and impossible labels have no NaN. */
static void ties_and_certainties(void **state) {
  const fixture *f = *state;
  double values[matrix_size];
  int64_t labels[examples];
  for (int64_t i = 0; i < examples; ++i) {
    labels[i] = label_of(i);
    for (int64_t k = 0; k < classes; ++k) values[i * classes + k] = k == 1;
  }
  values[0] = values[1] = .5; /* example 0, class 0: the first of two equals */
  const cutlab_array arrays[] = {matrix("pred_probs", values),
                                 line("labels", CUTLAB_INT64, labels, examples)};
  put(f, "a.npz", arrays, 2);
  cutlab_audit *audit = create(f);
  assert_int_equal(add(f, audit, NULL, "a.npz"), CUTLAB_OK);
  compute_well(f, audit);
  const cutlab_audit_training *t = audit->methods[0].trainings;
  assert_int_equal(t->wrong[0], 0);
  assert_true(t->margin[0] == 0);
  assert_true(t->margin[1] == INFINITY && t->wrong[1] == 0);
  assert_true(t->margin[2] == -INFINITY && t->wrong[2] == 1);
  assert_true(t->probability[2] == 0);
  cutlab_audit_free(audit);
}

/* Masked classes have the logit -inf: probability 0, and no NaN or infinity in what is written. */
static void masked_classes(void **state) {
  const fixture *f = *state;
  double values[matrix_size], scores[examples];
  int64_t labels[examples];
  char *text;
  make_logits(values, 0);
  for (int64_t i = 0; i < examples; ++i) {
    labels[i] = label_of(i);
    scores[i] = (double)i / examples;
  }
  values[0 * classes + 0] = -INFINITY;                           /* the label */
  values[1 * classes + 0] = values[1 * classes + 2] = -INFINITY; /* all but the label */
  const double sum = exp(values[1]) + exp(values[2]);
  const cutlab_array arrays[] = {matrix("logits", values),
                                 line("labels", CUTLAB_INT64, labels, examples)};
  const cutlab_array difficulty = line("scores", CUTLAB_FLOAT64, scores, examples);
  put(f, "a.npz", arrays, 2);
  put(f, "a.npy", arrays, 1);
  put(f, "scores.npz", &difficulty, 1);
  put_predictions(f, "b.npz", 2);
  cutlab_audit *audit = create(f);
  assert_int_equal(add(f, audit, "masked", "a.npz"), CUTLAB_OK);
  assert_int_equal(add(f, audit, "unnamed", "a.npy"), CUTLAB_OK);
  assert_int_equal(add(f, audit, NULL, "b.npz"), CUTLAB_OK);
  assert_int_equal(give(f, audit, cutlab_audit_set_scores, "scores.npz"), CUTLAB_OK);
  compute_well(f, audit);
  const cutlab_audit_training *t = audit->methods[0].trainings;
  assert_int_equal(t->prediction[0], values[1] >= values[2] ? 1 : 2);
  assert_true(t->wrong[0] && t->probability[0] == 0 && t->margin[0] == -INFINITY);
  assert_true(!t->wrong[1] && t->probability[1] == 1 && t->margin[1] == INFINITY);
  const float *row = audit->inputs[0].log_probabilities;
  assert_true(fabs(exp((double)row[1]) - exp(values[1]) / sum) < 1e-6);
  assert_int_equal(audit->methods[1].trainings[0].errors, t->errors);
  assert_int_equal(cutlab_audit_to_json(f->context, &text, audit), CUTLAB_OK);
  assert_null(strcasestr(text, "nan"));
  assert_null(strstr(text, "inf"));
  cutlab_free(text);
  cutlab_audit_free(audit);
}

/* A margin of two zeros is 0 and wrong; logits that differ less than float32 can hold still have
   their order. */
static void fine_differences_count(void **state) {
  const fixture *f = *state;
  double values[matrix_size];
  int64_t labels[examples];
  make_logits(values, 0);
  for (int64_t i = 0; i < examples; ++i) labels[i] = label_of(i);
  values[0] = 1e-12, values[1] = 2e-12, values[2] = 0;       /* class 1 by a hair, label 0 */
  values[3] = 1e300, values[4] = -1e300, values[5] = -1e300; /* label 1 */
  const cutlab_array arrays[] = {matrix("logits", values),
                                 line("labels", CUTLAB_INT64, labels, examples)};
  put(f, "a.npz", arrays, 2);
  cutlab_audit *audit = create(f);
  assert_int_equal(add(f, audit, NULL, "a.npz"), CUTLAB_OK);
  compute_well(f, audit);
  const cutlab_audit_training *t = audit->methods[0].trainings;
  assert_int_equal(t->prediction[0], 1);
  assert_int_equal(t->wrong[0], 1);
  assert_true(t->margin[1] == -INFINITY && t->wrong[1]);
  cutlab_audit_free(audit);
}

/* Predictions refused */

static void bad_numbers_are_named(void **state) {
  const fixture *f = *state;
  double values[matrix_size];
  make_logits(values, 0);
  values[7 * classes + 2] = values[9 * classes] = NAN;
  cutlab_array array = matrix("logits", values);
  refuse_array(f, &array, "a.npz",
               "a.npz: logits hold nan for example 7, class 2 (2 such values in all); accepted: "
               "finite numbers, and -inf for probability 0");
  refuse_array(f, &array, "a.npy",
               "a.npy: predictions hold nan for example 7, class 2 (2 such values in all); "
               "accepted: finite numbers, and -inf for probability 0");
  make_logits(values, 0);
  values[4] = INFINITY;
  refuse_array(f, &array, "a.npz",
               "a.npz: logits hold inf for example 1, class 1 (1 such values in all); accepted: "
               "finite numbers, and -inf for probability 0");
  values[3] = values[4] = values[5] = -INFINITY;
  refuse_array(f, &array, "a.npz",
               "a.npz: logits of example 1 are -inf for every class; accepted: a finite number for "
               "one or more");
  refuse_array(f, &array, "a.npy",
               "a.npy: predictions of example 1 are -inf for every class; accepted: a finite "
               "number for one or more");
  make_logits(values, 0);
  array = matrix("probs", values);
  refuse_array(f, &array, "a.npz",
               "a.npz: probs of example 0 are not all from 0 to 1; accepted: numbers from 0 to 1 "
               "that sum to 1 within 0.002, or logits named logits");
  array = matrix("log_probs", values);
  refuse_array(f, &array, "a.npz",
               "a.npz: log_probs of example 0 are not all 0 or below; accepted: logarithms of "
               "numbers from 0 to 1 that sum to 1 within 0.002, or logits named logits");
}

/* Two digits are too few for classes that many share. */
static void a_wrong_sum_is_told(void **state) {
  const fixture *f = *state;
  double values[matrix_size];
  for (int i = 0; i < matrix_size; ++i) values[i] = .33;
  cutlab_array array = matrix("probs", values);
  refuse_array(f, &array, "a.npz",
               "a.npz: probs of example 0 sum to 0.99; accepted: numbers from 0 to 1 that sum to 1 "
               "within 0.002, or logits named logits");
  for (int i = 0; i < matrix_size; ++i) values[i] = log(i / classes == 2 ? .25 : 1. / 3);
  array = matrix("log_probs", values);
  refuse_array(
      f, &array, "a.npz",
      "a.npz: log_probs of example 2 are of a sum of 0.75; accepted: logarithms of numbers "
      "from 0 to 1 that sum to 1 within 0.002, or logits named logits");
}

static void wrong_shapes_are_described(void **state) {
  const fixture *f = *state;
  double values[matrix_size] = {0};
  int64_t integers[matrix_size] = {0};
  cutlab_array array = line("", CUTLAB_FLOAT64, values, examples);
  refuse_array(f, &array, "a.npy",
               "a.npy: predictions have 1 axes of float64, of (float64 [12]); accepted: logits or "
               "probabilities as float16, float32 or float64 [examples x classes]");
  array = matrix("logits", values);
  array.dtype = CUTLAB_INT64;
  array.data = integers;
  refuse_array(
      f, &array, "a.npz",
      "a.npz: logits have 2 axes of int64, of (logits int64 [12 x 3]); accepted: logits or "
      "probabilities as float16, float32 or float64 [examples x classes]");
  array = matrix("logits", values);
  array.shape[1] = 1;
  refuse_array(
      f, &array, "a.npz",
      "a.npz: logits have 1 columns, one class only; accepted: a column for each of two or "
      "more classes (1 - p and p of a binary classifier)");
  array.shape[0] = 0;
  refuse_array(f, &array, "a.npz", "a.npz: logits hold no examples; accepted: at least one");
  array = line("scores", CUTLAB_FLOAT64, values, 4);
  refuse_array(f, &array, "a.npz",
               "a.npz has scores float64 [4]; accepted: predictions as logits, log_probs, "
               "probabilities, probs, pred_probs or the only member with two axes");
}

static void refuse_members(const fixture *f, const cutlab_array *arrays, const char *expected) {
  cutlab_audit *audit = create(f);
  put(f, "a.npz", arrays, 2);
  assert_refused(f, add(f, audit, NULL, "a.npz"), expected);
  cutlab_audit_free(audit);
}

static void members_fit_the_predictions(void **state) {
  const fixture *f = *state;
  double values[matrix_size];
  int64_t integers[examples] = {0, 1, 2, 3, 4, 5, 6, 6, 8, 9, 10, 11};
  make_logits(values, 0);
  cutlab_array arrays[] = {matrix("logits", values), line("labels", CUTLAB_INT64, integers, 5)};
  refuse_members(f, arrays, "a.npz: 5 labels for 12 predictions; accepted: as many of both");
  arrays[1] = line("labels", CUTLAB_FLOAT64, values, examples);
  refuse_members(f, arrays, "a.npz: labels have 1 axes of float64; accepted: one axis of integers");
  arrays[1] = line("indices", CUTLAB_INT64, integers, examples);
  refuse_members(
      f, arrays,
      "a.npz: index 6 in row 7 is not above the one before; accepted: places in the data "
      "set from 0 on, rising");
  arrays[0] = matrix("x", values);
  arrays[1] = matrix("y", values);
  refuse_members(f, arrays,
                 "a.npz has x float64 [12 x 3], y float64 [12 x 3]; accepted: predictions as "
                 "logits, log_probs, probabilities, probs, pred_probs or the only member with two "
                 "axes");
}

static void names_make_methods(void **state) {
  const fixture *f = *state;
  cutlab_audit *audit = create(f);
  put_predictions(f, "a.npz", 0);
  put_predictions(f, "b.npz", 1);
  assert_int_equal(add(f, audit, "CutMix", "b.npz"), CUTLAB_OK);
  assert_int_equal(add(f, audit, "erm", "a.npz"), CUTLAB_OK);
  assert_int_equal(add(f, audit, "CutMix", "a.npz"), CUTLAB_OK);
  assert_refused(f, add(f, audit, "CutMix", "b.npz"),
                 "b.npz is there twice for the method 'CutMix'; accepted: each file once");
  assert_refused(
      f, add(f, audit, "", "b.npz"),
      "b.npz: the method's name is empty; accepted: a text, or none for the file's name");
  assert_int_equal(add(f, audit, "a", "b.npz"), CUTLAB_OK);
  assert_refused(f, add(f, audit, NULL, "a.npz"),
                 "a.npz: the method 'a' of its name is that of b.npz too; accepted: methods that "
                 "are named, of two files the same for two trainings of one");
  compute_well(f, audit);
  assert_int_equal(audit->method_count, 3);
  assert_string_equal(audit->methods[0].label, "erm");
  assert_string_equal(audit->options.baseline, "erm");
  assert_string_equal(audit->methods[1].label, "CutMix");
  assert_int_equal(audit->methods[1].training_count, 2);
  assert_int_equal(audit->methods[1].trainings[1].seed, 2);
  check_training(audit, &audit->methods[1].trainings[0], 1);
  check_training(audit, &audit->methods[1].trainings[1], 0);
  const cutlab_audit_options options = {.baseline = "CUTMIX", .draws = 50};
  assert_int_equal(cutlab_audit_compute(f->context, audit, &options), CUTLAB_OK);
  assert_string_equal(audit->methods[0].label, "CutMix");
  assert_string_equal(audit->methods[1].label, "erm");
  const cutlab_audit_options unknown = {.baseline = "Mixup"};
  assert_refused(f, cutlab_audit_compute(f->context, audit, &unknown),
                 "the baseline is 'Mixup'; accepted: CutMix, erm, a");
  cutlab_audit_free(audit);
}

/* Sets of examples, labels */

static void examples_must_be_the_same(void **state) {
  const fixture *f = *state;
  double values[matrix_size];
  int64_t labels[examples], indices[examples];
  make_logits(values, 0);
  for (int64_t i = 0; i < examples; ++i) {
    indices[i] = i + (i > 8);
    labels[i] = label_of(i);
  }
  cutlab_array arrays[] = {matrix("logits", values), line("labels", CUTLAB_INT64, labels, examples),
                           line("indices", CUTLAB_INT64, indices, examples)};
  put_predictions(f, "a.npz", 0);
  put(f, "b.npz", arrays, 3);
  refuse_pair(f, create(f),
              "b.npz predicted other examples than a.npz: 1 differ, the first 12; accepted: the "
              "same examples");
  for (int i = 0; i < 3; ++i) arrays[i].shape[0] = 5;
  put(f, "b.npz", arrays, 2);
  refuse_pair(f, create(f), "b.npz predicted 5 examples, a.npz 12; accepted: the same examples");
  arrays[0].shape[0] = 10;
  arrays[0].shape[1] = 2;
  put(f, "b.npz", arrays, 1);
  refuse_pair(f, create(f), "b.npz has 2 classes, a.npz 3; accepted: the same classes");
}

static void labels_must_agree(void **state) {
  const fixture *f = *state;
  double values[matrix_size];
  int64_t labels[examples];
  make_logits(values, 0);
  for (int64_t i = 0; i < examples; ++i) labels[i] = label_of(i);
  labels[4] = 2, labels[6] = 1;
  const cutlab_array arrays[] = {matrix("logits", values),
                                 line("labels", CUTLAB_INT64, labels, examples)};
  put_predictions(f, "a.npz", 0);
  put(f, "b.npz", arrays, 2);
  put(f, "labels.npy", &arrays[1], 1);
  const char *from_a = "b.npz: 2 of 12 labels differ from those of a.npz, the first at example 4 "
                       "(2, there 1); accepted: predictions in the order of the labels";
  refuse_pair(f, create(f), from_a);
  cutlab_audit *audit = create(f);
  assert_int_equal(give(f, audit, cutlab_audit_set_labels, "labels.npy"), CUTLAB_OK);
  refuse_pair(f, audit,
              "a.npz: 2 of 12 labels differ from those of labels.npy, the first at example 4 (1, "
              "there 2); accepted: predictions in the order of the labels");
}

/* One file without labels, and labels of their own. */
static void refuse_labels(const fixture *f, const int64_t *labels, int64_t count,
                          const char *expected) {
  double values[matrix_size];
  make_logits(values, 0);
  const cutlab_array logits = matrix("logits", values);
  cutlab_audit *audit = create(f);
  put(f, "a.npz", &logits, 1);
  put(f, "b.npz", &logits, 1);
  if (labels) {
    const cutlab_array array = line("labels", CUTLAB_INT64, (void *)(uintptr_t)labels, count);
    put(f, "labels.npz", &array, 1);
    assert_int_equal(give(f, audit, cutlab_audit_set_labels, "labels.npz"), CUTLAB_OK);
  }
  refuse_pair(f, audit, expected);
}

static void labels_must_be_there_and_good(void **state) {
  const fixture *f = *state;
  int64_t labels[examples + 1] = {0};
  refuse_labels(f, NULL, 0,
                "no labels; accepted: --labels with an .npy, or an .npz with a member labels, or a "
                "member labels beside the predictions");
  refuse_labels(f, labels, examples,
                "all 12 audited examples are of class 0; accepted: at least two classes");
  refuse_labels(f, labels, examples + 1,
                "labels.npz: 13 labels; accepted: 12, one for every example of the data set");
  labels[5] = 3;
  refuse_labels(f, labels, examples, "labels.npz: label 3 of example 5; accepted: 0 to 2");
  labels[3] = -1;
  refuse_labels(f, labels, examples, "labels.npz: label -1 of example 3; accepted: 0 to 2");
}

int main(void) {
  const struct CMUnitTest tests[] = {CASE(logits_become_what_is_audited),
                                     CASE(difficulty_is_a_rank),
                                     CASE(the_first_is_the_baseline),
                                     CASE(bad_probabilities_are_no_logits),
                                     CASE(a_wrong_sum_is_told),
                                     CASE(every_form_gives_the_same_audit),
                                     CASE(ties_and_certainties),
                                     CASE(masked_classes),
                                     CASE(fine_differences_count),
                                     CASE(bad_numbers_are_named),
                                     CASE(wrong_shapes_are_described),
                                     CASE(members_fit_the_predictions),
                                     CASE(names_make_methods),
                                     CASE(examples_must_be_the_same),
                                     CASE(labels_must_agree),
                                     CASE(labels_must_be_there_and_good)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
