/* Folds: what is held out of the training examples, and what goes with them. */
#include <math.h>

#include <cutlab/array.h>
#include <cutlab/collection.h>
#include <cutlab/random.h>

#include "base/file.h"
#include "data/collection_internal.h"
#include "fixture.h"

enum { side = 3, pixels = side * side, count = 101, test_count = 5, class_count = 7 };

/* Classes of very different sizes; the pixels of an example tell it from all others. */
static void write_data(const fixture *f, int64_t *labels) {
  static uint8_t images[count * pixels];
  cutlab_random random = cutlab_random_make(3, 1, 2, 3, 4);
  for (int64_t i = 0; i < count; ++i) {
    uint64_t drawn = cutlab_random_below(&random, class_count * class_count);
    labels[i] = (int64_t)sqrt((double)drawn);
    for (int64_t p = 0; p < pixels; ++p)
      images[i * pixels + p] = (uint8_t)(p ? cutlab_random_below(&random, 256) : (uint64_t)i);
  }
  labels[0] = class_count - 1;
  const cutlab_array arrays[] = {{"train_images", CUTLAB_UINT8, 3, {count, side, side}, images},
                                 {"train_labels", CUTLAB_INT64, 1, {count}, labels},
                                 {"test_images", CUTLAB_UINT8, 3, {test_count, side, side}, images},
                                 {"test_labels", CUTLAB_INT64, 1, {test_count}, labels}};
  char *path = cutlab_path_join(f->context, f->folder, "data.npz");
  assert_int_equal(cutlab_npz_write(f->context, path, arrays, 4), CUTLAB_OK);
  free(path);
}

static void open_well(const fixture *f, cutlab_collection *c, cutlab_collection_source source,
                      const char *fold) {
  char *path = cutlab_path_join(f->context, f->folder, "data.npz");
  if (strcmp(source.dataset, "npy") == 0) source.path = path;
  source.fold = fold;
  if (cutlab_collection_open(f->context, c, &source) != CUTLAB_OK)
    fail_msg("%s", cutlab_context_message(f->context));
  free(path);
}

static const cutlab_collection_source npy = {.dataset = "npy"};

/* Pixels and labels are those of the whole at the indices, which rise. */
static void check_part(const cutlab_collection *whole, const cutlab_collection *c,
                       const cutlab_examples *part) {
  size_t bytes = (size_t)(c->channels * c->height * c->width) * cutlab_dtype_size(part->dtype);
  assert_int_equal(part->dtype, whole->train.dtype);
  assert_non_null(part->indices);
  for (int64_t i = 0; i < part->count; ++i) {
    int64_t at = part->indices[i];
    assert_in_range(at, i ? part->indices[i - 1] + 1 : 0, whole->train.count - 1);
    assert_int_equal(part->labels[i], whole->train.labels[at]);
    assert_memory_equal((char *)part->pixels + (size_t)i * bytes,
                        (char *)whole->train.pixels + (size_t)at * bytes, bytes);
  }
}

static int64_t of_class(const cutlab_examples *part, int64_t label) {
  int64_t sum = 0;
  for (int64_t i = 0; i < part->count; ++i) sum += part->labels[i] == label;
  return sum;
}

/* All folds of K: every example is held out once, sizes differ by one at most. */
static void check_folds(const fixture *f, const cutlab_collection *whole, int folds) {
  int times[count] = {0};
  int64_t least[class_count + 1], most[class_count + 1];
  for (int k = 1; k <= folds; ++k) {
    char fold[32];
    cutlab_collection c;
    snprintf(fold, sizeof fold, "%d/%d", k, folds);
    open_well(f, &c, npy, fold);
    assert_int_equal(c.train.count + c.held.count, count);
    assert_int_equal(c.held.count, cutlab_fold_size(count, k - 1, folds));
    assert_true(c.fingerprint == whole->fingerprint);
    assert_int_equal(c.classes, whole->classes);
    assert_int_equal(c.test.count, test_count);
    check_part(whole, &c, &c.train);
    check_part(whole, &c, &c.held);
    bool trained[count] = {false};
    for (int64_t i = 0; i < c.train.count; ++i) trained[c.train.indices[i]] = true;
    for (int64_t i = 0; i < c.held.count; ++i) {
      assert_false(trained[c.held.indices[i]]);
      ++times[c.held.indices[i]];
    }
    for (int64_t label = 0; label <= class_count; ++label) {
      int64_t size = label < class_count ? of_class(&c.held, label) : c.held.count;
      least[label] = k == 1 || size < least[label] ? size : least[label];
      most[label] = k == 1 || size > most[label] ? size : most[label];
    }
    cutlab_collection_clear(&c);
  }
  for (int64_t i = 0; i < count; ++i) assert_int_equal(times[i], 1);
  for (int64_t label = 0; label <= class_count; ++label)
    assert_in_range(most[label] - least[label], 0, 1);
}

static void every_example_is_held_out_once(void **state) {
  const fixture *f = *state;
  int64_t labels[count];
  cutlab_collection whole;
  write_data(f, labels);
  open_well(f, &whole, npy, "");
  assert_int_equal(whole.held.count, 0);
  assert_null(whole.train.indices);
  static const int folds[] = {2, 3, 5, 10, 64, count};
  for (size_t i = 0; i < sizeof folds / sizeof *folds; ++i) check_folds(f, &whole, folds[i]);
  cutlab_collection_clear(&whole);
}

static void the_same_for_every_seed(void **state) {
  const fixture *f = *state;
  int64_t labels[count];
  cutlab_collection a, b;
  write_data(f, labels);
  cutlab_collection_source other = npy;
  other.seed = 77;
  open_well(f, &a, npy, "2/4");
  open_well(f, &b, other, "2/4");
  assert_int_equal(a.held.count, b.held.count);
  assert_memory_equal(a.held.indices, b.held.indices, (size_t)a.held.count * sizeof(int64_t));
  cutlab_collection_clear(&b);
  open_well(f, &b, npy, "3/4");
  assert_memory_not_equal(a.held.indices, b.held.indices, (size_t)b.held.count * sizeof(int64_t));
  cutlab_collection_clear(&b);
  cutlab_collection_clear(&a);
}

static void folds_are_spread(void **state) {
  const fixture *f = *state;
  int64_t labels[count], low = 0;
  cutlab_collection c;
  write_data(f, labels);
  open_well(f, &c, npy, "1/2");
  for (int64_t i = 0; i < c.held.count; ++i) low += c.held.indices[i] < count / 2;
  assert_in_range(low, 12, 38);
  cutlab_collection_clear(&c);
}

/* Nothing of what is held out enters the normalisation. */
static void measures_are_of_what_is_left(void **state) {
  const fixture *f = *state;
  int64_t labels[count];
  cutlab_collection c, whole;
  write_data(f, labels);
  open_well(f, &whole, npy, NULL);
  open_well(f, &c, npy, "1/3");
  double sum = 0, squares = 0, n = (double)(c.train.count * pixels);
  for (int64_t i = 0; i < c.train.count * pixels; ++i) {
    double pixel = ((uint8_t *)c.train.pixels)[i] / 255.;
    sum += pixel;
    squares += pixel * pixel;
  }
  assert_float_equal(c.mean[0], sum / n, 1e-12);
  assert_float_equal(c.deviation[0], sqrt(squares / n - sum / n * (sum / n)), 1e-12);
  assert_true(c.mean[0] != whole.mean[0]);
  cutlab_collection_clear(&c);
  cutlab_collection_clear(&whole);
}

static void the_features_follow(void **state) {
  const fixture *f = *state;
  const cutlab_collection_source source = {
      .dataset = "feature-noise", .train_examples = 60, .test_examples = 20, .seed = 4};
  cutlab_collection whole, c;
  open_well(f, &whole, source, NULL);
  open_well(f, &c, source, "2/3");
  assert_int_equal(c.held.count, 20);
  check_part(&whole, &c, &c.train);
  check_part(&whole, &c, &c.held);
  for (int64_t i = 0; i < c.train.count; ++i)
    assert_int_equal(c.probes.train_features[i], whole.probes.train_features[c.train.indices[i]]);
  assert_memory_equal(c.probes.test_features, whole.probes.test_features, 20 * sizeof(int64_t));
  assert_true(c.fingerprint == whole.fingerprint);
  cutlab_collection_clear(&c);
  cutlab_collection_clear(&whole);
}

static void folds_as_text(void **state) {
  cutlab_context *context = ((const fixture *)*state)->context;
  static const char *const wrong[] = {"1",
                                      "1/",
                                      "/2",
                                      "0/2",
                                      "3/2",
                                      "1/1",
                                      "-1/2",
                                      "1/-2",
                                      "1/2/3",
                                      "1/2 ",
                                      " 1/2",
                                      "1 /2",
                                      "a/b",
                                      "+1/2",
                                      "1.5/2",
                                      "1/1000001",
                                      "1/99999999999999999999"};
  static const char *const good[] = {"1/2", "5/5", "1000000/1000000", "007/10"};
  int64_t fold, folds;
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; ++i) {
    assert_int_equal(cutlab_fold_parse(context, &fold, &folds, wrong[i]), CUTLAB_ERROR_ARGUMENT);
    assert_message(context, "accepted: I/K, with K from 2 to 1000000 and I from 1 to K");
    assert_message(context, wrong[i]);
  }
  static const int64_t values[][2] = {{0, 2}, {4, 5}, {999999, 1000000}, {6, 10}};
  for (int i = 0; i < 4; ++i) {
    assert_int_equal(cutlab_fold_parse(context, &fold, &folds, good[i]), CUTLAB_OK);
    assert_int_equal(fold, values[i][0]);
    assert_int_equal(folds, values[i][1]);
  }
  for (int i = 0; i < 2; ++i) {
    assert_int_equal(cutlab_fold_parse(context, &fold, &folds, i ? "" : NULL), CUTLAB_OK);
    assert_int_equal(folds, 0);
  }
}

static void refused_folds(void **state) {
  const fixture *f = *state;
  int64_t labels[count];
  cutlab_collection c;
  write_data(f, labels);
  char *path = cutlab_path_join(f->context, f->folder, "data.npz");
  cutlab_collection_source source = {.dataset = "npy", .path = path, .fold = "1/102"};
  assert_int_equal(cutlab_collection_open(f->context, &c, &source), CUTLAB_ERROR_ARGUMENT);
  assert_message(f->context, "fold is 1/102 with 101 training examples");
  assert_null(c.train.pixels);
  source.fold = "2";
  assert_int_equal(cutlab_collection_open(f->context, &c, &source), CUTLAB_ERROR_ARGUMENT);
  assert_message(f->context, "fold is '2'");
  source.fold = "101/101";
  source.train_examples = 100;
  assert_int_equal(cutlab_collection_open(f->context, &c, &source), CUTLAB_ERROR_ARGUMENT);
  assert_message(f->context, "with 100 training examples");
  free(path);
}

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, fixture_up, fixture_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      WITH_FOLDER(every_example_is_held_out_once),
      WITH_FOLDER(the_same_for_every_seed),
      WITH_FOLDER(folds_are_spread),
      WITH_FOLDER(measures_are_of_what_is_left),
      WITH_FOLDER(the_features_follow),
      WITH_FOLDER(folds_as_text),
      WITH_FOLDER(refused_folds),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
