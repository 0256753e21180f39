/* The log of training examples and their difficulty: against slow sums over scripted epochs, and in
   trainings against their checkpoints. */
#include <math.h>
#include <unistd.h>

#include <cutlab/array.h>
#include <cutlab/random.h>
#include <cutlab/train.h>

#include "base/json.h"
#include "train/examples.h"
#include "train/settings.h"
#include "training.h"

typedef struct archive {
  cutlab_array *arrays;
  int count;
} archive;

static archive open_archive(const fixture *f, const char *name) {
  archive a;
  char *path = path_of(f, name);
  expect_ok(f, cutlab_npz_read(f->context, &a.arrays, &a.count, path, 0));
  free(path);
  return a;
}

static const cutlab_array *member(const archive *a, const char *name) {
  const cutlab_array *found = cutlab_npz_find(a->arrays, a->count, name);
  if (!found) fail_msg("no %s", name);
  return found;
}

static double value(const archive *a, const char *name, int64_t i) {
  return cutlab_array_number(member(a, name), i);
}

static void close_archive(archive *a) {
  cutlab_npz_free(a->arrays, a->count);
}

/* Scripted epochs */

enum { n = 41, classes = 4, epochs = 23 };

typedef struct script {
  float logits[epochs][n * classes];
  int64_t labels[n], indices[n];
  cutlab_examples examples;
} script;

static void write_script(script *s) {
  cutlab_random random = cutlab_random_make(5, 1, 2, 3, 4);
  for (int64_t i = 0; i < n; ++i) {
    s->labels[i] = (int64_t)cutlab_random_below(&random, classes);
    s->indices[i] = 3 * i + 1;
  }
  for (int e = 0; e < epochs; ++e)
    for (int64_t i = 0; i < n; ++i)
      for (int64_t k = 0; k < classes; ++k) {
        double help = k == s->labels[i] ? (double)(i - 10) / 8 + e * .1 - 9 * (i < 2) : 0;
        s->logits[e][i * classes + k] = (float)(cutlab_random_normal(&random) + help);
      }
  s->examples = (cutlab_examples){.count = n, .labels = s->labels, .indices = s->indices};
}

/* The largest logit by looking at each against all others. */
static int64_t predicted(const float *logits) {
  for (int64_t k = 0; k < classes; ++k) {
    bool beaten = false;
    for (int64_t other = 0; other < classes; ++other)
      beaten = beaten || logits[other] > logits[k] || (logits[other] == logits[k] && other < k);
    if (!beaten) return k;
  }
  return -1;
}

/* As a quotient of plain exponentials. */
static long double probability(const float *logits, int64_t k) {
  long double sum = 0;
  for (int64_t other = 0; other < classes; ++other) sum += expl((long double)logits[other]);
  return expl((long double)logits[k]) / sum;
}

static void check_epoch(const fixture *f, const script *s, int epoch) {
  char name[64];
  snprintf(name, sizeof name, "examples/%06d.npz", epoch);
  archive a = open_archive(f, name);
  assert_int_equal(a.count, 4);
  assert_int_equal(member(&a, "prediction")->dtype, CUTLAB_UINT8);
  assert_int_equal(member(&a, "probability")->dtype, CUTLAB_FLOAT32);
  for (int64_t i = 0; i < n; ++i) {
    const float *logits = s->logits[epoch - 1] + i * classes;
    long double squares = 0;
    float margin = INFINITY;
    for (int64_t k = 0; k < classes; ++k) {
      squares += powl(probability(logits, k) - (k == s->labels[i]), 2);
      if (k != s->labels[i]) margin = fminf(margin, logits[s->labels[i]] - logits[k]);
    }
    assert_int_equal((int64_t)value(&a, "prediction", i), predicted(logits));
    assert_float_equal(value(&a, "probability", i), probability(logits, s->labels[i]), 1e-7);
    assert_float_equal(value(&a, "margin", i), margin, 1e-6);
    assert_float_equal(value(&a, "error", i), sqrtl(squares), 1e-7);
  }
  close_archive(&a);
}

/* Each number by its definition, looking through all epochs. */
static void check_example(const archive *a, const script *s, int64_t i) {
  bool right[epochs];
  int64_t learnt = -1, first = -1, forgotten = 0, count = 0;
  long double mean = 0, margin = 0, spread = 0, squares = 0;
  for (int e = 0; e < epochs; ++e) right[e] = predicted(s->logits[e] + i * classes) == s->labels[i];
  for (int e = epochs - 1; e >= 0; --e) {
    bool all = true;
    for (int later = e; later < epochs; ++later) all = all && right[later];
    if (all) learnt = e + 1;
    if (right[e]) first = e + 1;
    count += right[e];
    forgotten += e > 0 && right[e - 1] && !right[e];
  }
  for (int e = 0; e < epochs; ++e) {
    const float *logits = s->logits[e] + i * classes;
    float other = -INFINITY;
    for (int64_t k = 0; k < classes; ++k)
      if (k != s->labels[i]) other = fmaxf(other, logits[k]);
    mean += probability(logits, s->labels[i]) / epochs;
    margin += ((long double)logits[s->labels[i]] - other) / epochs;
  }
  for (int e = 0; e < epochs; ++e)
    spread += powl(probability(s->logits[e] + i * classes, s->labels[i]) - mean, 2) / epochs;
  for (int64_t k = 0; k < classes; ++k)
    squares += powl(probability(s->logits[2] + i * classes, k) - (k == s->labels[i]), 2);
  assert_int_equal((int64_t)value(a, "labels", i), s->labels[i]);
  assert_int_equal((int64_t)value(a, "first_learnt", i), learnt);
  assert_int_equal((int64_t)value(a, "first_right", i), first);
  assert_int_equal((int64_t)value(a, "forgetting_events", i), forgotten);
  assert_int_equal((int64_t)value(a, "learnt", i), count > 0);
  assert_float_equal(value(a, "el2n", i), sqrtl(squares), 1e-7);
  assert_float_equal(value(a, "margin_area", i), margin, 1e-6);
  assert_float_equal(value(a, "confidence", i), mean, 1e-7);
  assert_float_equal(value(a, "variability", i), sqrtl(spread), 1e-7);
  assert_float_equal(value(a, "correctness", i), (double)count / epochs, 1e-7);
}

/* The table has the archive's numbers to the last bit. */
static void check_table(const fixture *f, const archive *a) {
  size_t size;
  char *text;
  read_file(f, &text, &size, "difficulty.csv");
  char *at = strchr(text, '\n') + 1;
  assert_memory_equal(text,
                      "indices,labels,first_learnt,first_right,forgetting_events,learnt,el2n,"
                      "margin_area,confidence,variability,correctness\n",
                      (size_t)(at - text));
  for (int64_t i = 0; i < n; ++i)
    for (int c = 0; c < 11; ++c) {
      char *end;
      float found = strtof(at, &end);
      assert_true(end > at);
      assert_int_equal(*end, c < 10 ? ',' : '\n');
      assert_true(found == (float)cutlab_array_number(&a->arrays[c], i));
      at = end + 1;
    }
  assert_int_equal(*at, 0);
  free(text);
}

static void scripted_epochs_as_slow_sums_have_them(void **state) {
  const fixture *f = *state;
  script *s = calloc(1, sizeof *s);
  write_script(s);
  for (int indexed = 0; indexed < 2; ++indexed) {
    s->examples.indices = indexed ? s->indices : NULL;
    for (int e = 1; e <= epochs; ++e)
      expect_ok(f, cutlab_examples_log(f->context, f->folder, s->logits[e - 1], &s->examples,
                                       classes, e));
    for (int e = 1; e <= epochs; ++e) check_epoch(f, s, e);
    expect_ok(f, cutlab_examples_summarise(f->context, f->folder, &s->examples, epochs));
    archive a = open_archive(f, "difficulty.npz");
    assert_int_equal((int)value(&a, "epochs", 0), epochs);
    assert_int_equal((int)value(&a, "el2n_epoch", 0), 3);
    int64_t kinds[3] = {0};
    for (int64_t i = 0; i < n; ++i) {
      assert_int_equal((int64_t)value(&a, "indices", i), indexed ? s->indices[i] : i);
      check_example(&a, s, i);
      kinds[0] += value(&a, "first_learnt", i) > 0;
      kinds[1] += value(&a, "learnt", i) == 0;
      kinds[2] += value(&a, "forgetting_events", i) > 1;
    }
    for (int k = 0; k < 3; ++k) assert_true(kinds[k] > 0); /* the script has all kinds */
    check_table(f, &a);
    close_archive(&a);
  }
  free(s);
}

/* Right ('1') and wrong epochs with what is to come of them. */
static const struct {
  const char *course;
  int64_t learnt, first, forgotten;
  int right;
} courses[] = {{"00000", -1, -1, 0, 0}, {"11111", 1, 1, 0, 5},  {"01010", -1, 2, 2, 2},
               {"10101", 5, 1, 2, 3},   {"10000", -1, 1, 1, 1}, {"00111", 3, 3, 0, 3},
               {"00001", 5, 5, 0, 1}};
enum { course_count = sizeof courses / sizeof *courses, course_epochs = 5 };

/* Two classes, label 1; a probability of 3/4 where it is right and 1/4 where it is wrong. */
static void write_courses(const fixture *f) {
  int64_t labels[course_count], indices[course_count];
  float logits[2 * course_count] = {0};
  for (int64_t i = 0; i < course_count; ++i) {
    labels[i] = 1;
    indices[i] = 10 * i;
  }
  const cutlab_examples examples = {.count = course_count, .labels = labels, .indices = indices};
  for (int e = 0; e < course_epochs; ++e) {
    for (int i = 0; i < course_count; ++i)
      logits[2 * i + 1] = courses[i].course[e] == '1' ? logf(3) : -logf(3);
    expect_ok(f, cutlab_examples_log(f->context, f->folder, logits, &examples, 2, e + 1));
  }
  expect_ok(f, cutlab_examples_summarise(f->context, f->folder, &examples, course_epochs));
}

static void courses_by_hand(void **state) {
  const fixture *f = *state;
  write_courses(f);
  archive a = open_archive(f, "difficulty.npz");
  for (int i = 0; i < course_count; ++i) {
    double share = courses[i].right / 5.;
    assert_int_equal((int64_t)value(&a, "first_learnt", i), courses[i].learnt);
    assert_int_equal((int64_t)value(&a, "first_right", i), courses[i].first);
    assert_int_equal((int64_t)value(&a, "forgetting_events", i), courses[i].forgotten);
    assert_int_equal((int64_t)value(&a, "learnt", i), courses[i].right > 0);
    assert_float_equal(value(&a, "correctness", i), share, 1e-7);
    assert_float_equal(value(&a, "confidence", i), .25 + .5 * share, 1e-6);
    assert_float_equal(value(&a, "variability", i), .5 * sqrt(share * (1 - share)), 1e-6);
    assert_float_equal(value(&a, "margin_area", i), log(3) * (2 * share - 1), 1e-6);
    double error = courses[i].course[0] == '1' ? .25 : .75; /* el2n_epoch is 1 */
    assert_float_equal(value(&a, "el2n", i), sqrt(2) * error, 1e-6);
  }
  assert_true(value(&a, "variability", 0) == 0);
  assert_true(value(&a, "variability", 1) == 0);
  close_archive(&a);
}

static void cartography_reads_it(void **state) {
  const fixture *f = *state;
  write_courses(f);
  char *out = path_of(f, "td_metrics.jsonl"), *elsewhere = path_of(f, "elsewhere");
  expect_ok(f, cutlab_train_cartography(f->context, f->folder, out));
  size_t size;
  char *text;
  read_file(f, &text, &size, "td_metrics.jsonl");
  char *line = text;
  assert_memory_equal(text,
                      "{\"guid\":0,\"index\":0,\"threshold_closeness\":0.1875,\"confidence\":", 62);
  for (int i = 0; i < course_count; ++i) {
    char *end = strchr(line, '\n');
    assert_non_null(end);
    *end = 0;
    json_t *o = json_loads(line, 0, NULL);
    double c = .25 + .1 * courses[i].right;
    assert_int_equal(json_object_size(o), 7);
    assert_int_equal(json_integer_value(json_object_get(o, "guid")), 10 * i);
    assert_int_equal(json_integer_value(json_object_get(o, "index")), i);
    assert_int_equal(json_integer_value(json_object_get(o, "correctness")), courses[i].right);
    assert_int_equal(json_integer_value(json_object_get(o, "forgetfulness")),
                     i ? courses[i].forgotten : 1000);
    assert_float_equal(cutlab_json_get_number(o, "confidence", 9), c, 1e-6);
    assert_float_equal(cutlab_json_get_number(o, "threshold_closeness", 9), c * (1 - c), 1e-6);
    assert_true(json_is_number(json_object_get(o, "variability")));
    json_decref(o);
    line = end + 1;
  }
  assert_ptr_equal(line, text + size);
  assert_int_equal(cutlab_train_cartography(f->context, elsewhere, out), CUTLAB_ERROR_IO);
  assert_message(f->context, "accepted: a finished training with log_examples=yes");
  free(text);
  free(elsewhere);
  free(out);
}

static void cartography_refuses_other_files(void **state) {
  const fixture *f = *state;
  write_courses(f);
  char *path = path_of(f, "difficulty.npz"), *out = path_of(f, "out");
  archive a = open_archive(f, "difficulty.npz");
  cutlab_array *epochs_member = cutlab_npz_find(a.arrays, a.count, "epochs");
  *(int64_t *)epochs_member->data = 0;
  expect_ok(f, cutlab_npz_write(f->context, path, a.arrays, a.count));
  assert_int_equal(cutlab_train_cartography(f->context, f->folder, out), CUTLAB_ERROR_FORMAT);
  assert_message(f->context, "'epochs' is missing or no number from 1 on");
  cutlab_array *confidence = cutlab_npz_find(a.arrays, a.count, "confidence");
  confidence->shape[0] = 2;
  expect_ok(f, cutlab_npz_write(f->context, path, a.arrays, a.count));
  assert_int_equal(cutlab_train_cartography(f->context, f->folder, out), CUTLAB_ERROR_FORMAT);
  assert_message(f->context, "'confidence' is missing or of another shape");
  assert_false(cutlab_file_exists(out));
  close_archive(&a);
  free(out);
  free(path);
}

static void far_logits_and_ties(void **state) {
  const fixture *f = *state;
  int64_t labels[] = {0, 1, 1, 0};
  const cutlab_examples examples = {.count = 4, .labels = labels};
  const float logits[] = {1e30F, -1e30F, 1e30F, -1e30F, 2, 2, 2, 2};
  expect_ok(f, cutlab_examples_log(f->context, f->folder, logits, &examples, 2, 1));
  archive a = open_archive(f, "examples/000001.npz");
  static const double probabilities[] = {1, 0, .5, .5},
                      errors[] = {0, M_SQRT2, M_SQRT1_2, M_SQRT1_2};
  for (int i = 0; i < 4; ++i) {
    assert_float_equal(value(&a, "probability", i), probabilities[i], 0);
    assert_float_equal(value(&a, "error", i), errors[i], 1e-7);
    assert_int_equal((int)value(&a, "prediction", i), 0); /* the first of equals */
  }
  assert_float_equal(value(&a, "margin", 3), 0, 0);
  close_archive(&a);
}

static void class_ids_fit(void **state) {
  const fixture *f = *state;
  static const int64_t many[] = {256, 257, 32768, 32769};
  static const cutlab_dtype types[] = {CUTLAB_UINT8, CUTLAB_INT16, CUTLAB_INT16, CUTLAB_INT64};
  for (int i = 0; i < 4; ++i) {
    int64_t label = 0;
    const cutlab_examples examples = {.count = 1, .labels = &label};
    float *logits = calloc((size_t)many[i], sizeof *logits);
    logits[many[i] - 1] = 1;
    expect_ok(f, cutlab_examples_log(f->context, f->folder, logits, &examples, many[i], 1));
    archive a = open_archive(f, "examples/000001.npz");
    assert_int_equal(member(&a, "prediction")->dtype, types[i]);
    assert_int_equal((int64_t)value(&a, "prediction", 0), many[i] - 1);
    close_archive(&a);
    free(logits);
  }
}

static void the_early_epoch_is_a_tenth(void **state) {
  (void)state;
  static const int64_t wanted[][2] = {{1, 1}, {9, 1}, {10, 1}, {11, 2}, {30, 3}, {200, 20}};
  for (int i = 0; i < 6; ++i) assert_int_equal(cutlab_examples_early(wanted[i][0]), wanted[i][1]);
}

static void other_files_of_epochs_are_refused(void **state) {
  const fixture *f = *state;
  int64_t labels[] = {0, 1};
  cutlab_examples examples = {.count = 2, .labels = labels};
  const float logits[4] = {0};
  for (int e = 1; e < 4; ++e)
    expect_ok(f, cutlab_examples_log(f->context, f->folder, logits, &examples, 2, e));
  examples.count = 1;
  expect_ok(f, cutlab_examples_log(f->context, f->folder, logits, &examples, 2, 2));
  examples.count = 2;
  assert_int_equal(cutlab_examples_summarise(f->context, f->folder, &examples, 3),
                   CUTLAB_ERROR_FORMAT);
  assert_message(f->context, "000002.npz: 'probability' is missing or of another shape");
  assert_int_equal(cutlab_examples_summarise(f->context, f->folder, &examples, 4), CUTLAB_ERROR_IO);
  assert_message(f->context, "000004.npz is missing");
  char *out = path_of(f, "difficulty.npz");
  assert_false(cutlab_file_exists(out));
  free(out);
}

/* Trainings */

enum { side = 5, pixels = side * side, train_count = 44 };

/* data.npz, and as.npz whose test part is the training part of data.npz. */
static void write_data(const fixture *f) {
  static uint8_t images[train_count * pixels];
  static int64_t labels[train_count];
  cutlab_random random = cutlab_random_make(9, 1, 2, 3, 4);
  for (int64_t i = 0; i < train_count; ++i) {
    labels[i] = i % 3;
    for (int64_t p = 0; p < pixels; ++p)
      images[i * pixels + p] =
          (uint8_t)(cutlab_random_below(&random, 200) + (p / side == labels[i] ? 50U : 0U));
  }
  cutlab_array arrays[] = {{"train_images", CUTLAB_UINT8, 3, {train_count, side, side}, images},
                           {"train_labels", CUTLAB_INT64, 1, {train_count}, labels},
                           {"test_images", CUTLAB_UINT8, 3, {9, side, side}, images},
                           {"test_labels", CUTLAB_INT64, 1, {9}, labels}};
  char *data = path_of(f, "data.npz"), *as_test = path_of(f, "as.npz");
  expect_ok(f, cutlab_npz_write(f->context, data, arrays, 4));
  arrays[2].shape[0] = arrays[3].shape[0] = train_count;
  expect_ok(f, cutlab_npz_write(f->context, as_test, arrays, 4));
  free(as_test);
  free(data);
}

static cutlab_status train(const fixture *f, const char *name, const char *const *overrides) {
  static const char *const small[] = {
      "dataset=npy",
      "model=conv(4) | bn | relu | dropout(.2) | pool(mean, global) | linear",
      "backend=reference",
      "augment=flip",
      "method=cutmix",
      "epochs=4",
      "batch=8",
      "learning_rate=.1",
      "workers=1",
      "log_examples=yes",
      NULL};
  if (!there(f, "data.npz")) write_data(f);
  return train_with(f, name, settings_over(f, small, overrides));
}

/* Of the checkpoint after an epoch, for all training examples: what the epoch's file is of. */
static void check_against_checkpoint(const fixture *f, const char *run, int epoch, int steps) {
  char name[96];
  char *folder = path_of(f, run), *as_test = path_of(f, "as.npz"), *out = path_of(f, "logits.npz");
  const cutlab_collection_source source = {.dataset = "npy", .path = as_test};
  snprintf(name, sizeof name, "%s/checkpoints/%08d.npz", run, epoch * steps);
  char *checkpoint = path_of(f, name);
  expect_ok(f, cutlab_train_predict(f->context, NULL, folder, checkpoint, &source, out));
  snprintf(name, sizeof name, "%s/examples/%06d.npz", run, epoch);
  archive logits = open_archive(f, "logits.npz"), logged = open_archive(f, name);
  snprintf(name, sizeof name, "%s/difficulty.npz", run);
  archive difficulty = open_archive(f, name);
  int64_t count = member(&logged, "margin")->shape[0];
  for (int64_t i = 0; i < count; ++i) {
    int64_t at = (int64_t)value(&difficulty, "indices", i);
    int64_t label = (int64_t)value(&logits, "labels", at);
    const float *row = (const float *)member(&logits, "logits")->data + 3 * at;
    double sum = exp(row[0]) + exp(row[1]) + exp(row[2]), squares = 0;
    for (int k = 0; k < 3; ++k) squares += pow(exp(row[k]) / sum - (k == label), 2);
    assert_int_equal((int64_t)value(&difficulty, "labels", i), label);
    assert_int_equal((int64_t)value(&logged, "prediction", i),
                     (int64_t)value(&logits, "predictions", at));
    assert_float_equal(value(&logged, "probability", i), exp(row[label]) / sum, 1e-6);
    assert_float_equal(value(&logged, "error", i), sqrt(squares), 1e-6);
    assert_float_equal(value(&logged, "margin", i),
                       row[label] - fmaxf(row[(label + 1) % 3], row[(label + 2) % 3]), 1e-5);
    if (epoch == 1)
      assert_float_equal(value(&difficulty, "el2n", i), value(&logged, "error", i), 0);
  }
  close_archive(&difficulty);
  close_archive(&logged);
  close_archive(&logits);
  free(checkpoint);
  free(out);
  free(as_test);
  free(folder);
}

static void every_epoch_is_its_checkpoint(void **state) {
  const fixture *f = *state;
  expect_ok(f, train(f, "a", OVERRIDES("keep=9", "evaluate_every=3")));
  for (int epoch = 1; epoch <= 4; ++epoch) check_against_checkpoint(f, "a", epoch, 5);
}

/* With a fold: of the examples that are left, at their places in the whole. The mean and deviation
   are those of the run, so the policy is too. */
static void folds_keep_their_places(void **state) {
  const fixture *f = *state;
  expect_ok(f, train(f, "a", OVERRIDES("keep=9", "fold=2/3", "clean_accuracy=yes")));
  for (int epoch = 1; epoch <= 4; ++epoch) check_against_checkpoint(f, "a", epoch, 3);
  archive difficulty = open_archive(f, "a/difficulty.npz"), held = open_archive(f, "a/heldout.npz");
  int64_t left = member(&difficulty, "indices")->shape[0], out = member(&held, "indices")->shape[0];
  bool seen[train_count] = {0};
  assert_int_equal(left + out, train_count);
  for (int64_t i = 0; i < left; ++i) seen[(int)value(&difficulty, "indices", i)] = true;
  for (int64_t i = 0; i < out; ++i) assert_false(seen[(int)value(&held, "indices", i)]);
  close_archive(&held);
  close_archive(&difficulty);
}

/* A line of metrics without what depends on time, in fresh memory. */
static json_t *last_metrics(const fixture *f, const char *run) {
  char name[64];
  size_t size;
  snprintf(name, sizeof name, "%s/metrics.jsonl", run);
  char *text;
  read_file(f, &text, &size, name);
  text[size - 1] = 0;
  json_t *line = json_loads(strrchr(text, '\n') + 1, 0, NULL);
  assert_non_null(line);
  json_object_del(line, "seconds");
  json_object_del(line, "images_per_second");
  free(text);
  return line;
}

static void logging_changes_no_number(void **state) {
  const fixture *f = *state;
  static const char *const backends[] = {"backend=reference", "backend=auto"};
  static const char *const runs[][2] = {{"a", "b"}, {"c", "d"}};
  for (int i = 0; i < 2; ++i) {
    expect_ok(f, train(f, runs[i][0], OVERRIDES(backends[i])));
    expect_ok(f, train(f, runs[i][1], OVERRIDES(backends[i], "log_examples=no")));
    json_t *lines[2] = {last_metrics(f, runs[i][0]), last_metrics(f, runs[i][1])};
    assert_true(json_equal(lines[0], lines[1]));
    assert_null(json_object_get(lines[0], "clean_train_loss"));
    json_decref(lines[0]);
    json_decref(lines[1]);
  }
  char *none = path_of(f, "b/examples"), *no_table = path_of(f, "b/difficulty.csv");
  assert_int_not_equal(access(none, F_OK), 0);
  assert_false(cutlab_file_exists(no_table));
  free(no_table);
  free(none);
}

/* The accuracy of the shared pass is that of what is logged. */
static void one_pass_for_both(void **state) {
  const fixture *f = *state;
  expect_ok(f, train(f, "a", OVERRIDES("clean_accuracy=yes")));
  json_t *line = last_metrics(f, "a");
  archive last = open_archive(f, "a/examples/000004.npz");
  double right = 0;
  for (int64_t i = 0; i < train_count; ++i)
    right += value(&last, "prediction", i) == (double)(i % 3);
  assert_float_equal(cutlab_json_get_number(line, "clean_train_accuracy", 9), right / train_count,
                     1e-12);
  close_archive(&last);
  json_decref(line);
}

static const char *const written[] = {"examples/000001.npz", "examples/000002.npz",
                                      "examples/000003.npz", "examples/000004.npz",
                                      "difficulty.npz",      "difficulty.csv"};

static void assert_same(const fixture *f, const char *a, const char *b) {
  for (int i = 0; i < 6; ++i) {
    char names[2][64];
    size_t sizes[2];
    snprintf(names[0], sizeof names[0], "%s/%s", a, written[i]);
    snprintf(names[1], sizeof names[1], "%s/%s", b, written[i]);
    char *texts[2];
    for (int r = 0; r < 2; ++r) read_file(f, &texts[r], &sizes[r], names[r]);
    if (sizes[0] != sizes[1] || memcmp(texts[0], texts[1], sizes[0]) != 0)
      fail_msg("%s of %s and %s differ", written[i], a, b);
    free(texts[0]);
    free(texts[1]);
  }
}

static void stop(const fixture *f, const char *name, const char *const *overrides, int call) {
  cutlab_context_set_progress(f->context, cancel, &call);
  assert_int_equal(train(f, name, overrides), CUTLAB_CANCELLED);
  cutlab_context_set_progress(f->context, NULL, NULL);
}

/* Every epoch calls progress at 5 steps, 2 times for 44 training examples by 32, and mostly once
   for the test examples. */
static void resumes_to_the_same_bytes(void **state) {
  const fixture *f = *state;
  const char *const *rare = OVERRIDES("checkpoint_every=2", "evaluate_every=2");
  expect_ok(f, train(f, "whole", NULL));
  for (int call = 1; call <= 29; call += 4) {
    char name[32];
    snprintf(name, sizeof name, "cut%d", call);
    stop(f, name, call % 8 == 1 ? NULL : rare, call);
    expect_ok(f, resume(f, name));
    assert_same(f, "whole", name);
  }
}

/* Killed after epoch 3 was logged, with the checkpoint of epoch 2 the last: logged again. */
static void files_beyond_the_checkpoint_are_replaced(void **state) {
  const fixture *f = *state;
  expect_ok(f, train(f, "whole", NULL));
  stop(f, "a", NULL, 19);
  put(f, "a/examples", "000003.npz", "of another time");
  put(f, "a/examples", "000003.npz.12-0.tmp", "PK");
  put(f, "a", "difficulty.npz.12-0.tmp", "PK");
  expect_ok(f, resume(f, "a"));
  assert_same(f, "whole", "a");
  char *examples = path_of(f, "a/examples"), *torn = path_of(f, "a/difficulty.npz.12-0.tmp");
  assert_int_equal(temporary_entries(examples), 4);
  assert_false(cutlab_file_exists(torn));
  free(torn);
  free(examples);
}

/* Said at once, and the training can end without. */
static void a_missing_epoch_is_said(void **state) {
  const fixture *f = *state;
  stop(f, "a", NULL, 19);
  char *gone = path_of(f, "a/examples/000001.npz"), *record = path_of(f, "a/run.json");
  assert_int_equal(unlink(gone), 0);
  assert_int_equal(resume(f, "a"), CUTLAB_ERROR_IO);
  assert_message(f->context, "a/examples/000001.npz is missing");
  size_t size;
  char *text;
  read_file(f, &text, &size, "a/run.json");
  char *at = strstr(text, "\"log_examples\": \"yes\"");
  assert_non_null(at);
  memcpy(at, "\"log_examples\": \"no\" ", 21);
  expect_ok(f, cutlab_file_write(f->context, record, text, size));
  expect_ok(f, resume(f, "a"));
  free(text);
  free(record);
  free(gone);
}

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, fixture_up, fixture_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      WITH_FOLDER(scripted_epochs_as_slow_sums_have_them),
      WITH_FOLDER(courses_by_hand),
      WITH_FOLDER(cartography_reads_it),
      WITH_FOLDER(cartography_refuses_other_files),
      WITH_FOLDER(far_logits_and_ties),
      WITH_FOLDER(class_ids_fit),
      cmocka_unit_test(the_early_epoch_is_a_tenth),
      WITH_FOLDER(other_files_of_epochs_are_refused),
      WITH_FOLDER(every_epoch_is_its_checkpoint),
      WITH_FOLDER(folds_keep_their_places),
      WITH_FOLDER(logging_changes_no_number),
      WITH_FOLDER(one_pass_for_both),
      WITH_FOLDER(resumes_to_the_same_bytes),
      WITH_FOLDER(files_beyond_the_checkpoint_are_replaced),
      WITH_FOLDER(a_missing_epoch_is_said),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
