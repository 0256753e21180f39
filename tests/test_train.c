/* Training in folders: the same bits however it goes, predictions, folds, what is measured. */
#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

#include "small_training.h"

static void repeats_to_the_bit(void **state) {
  const fixture *f = *state;
  expect_ok(f, train(f, "a", NULL));
  expect_ok(f, train(f, "b", NULL));
  expect_ok(f, train(f, "two", OVERRIDES("workers=2")));
  expect_ok(f, cutlab_context_set_threads(f->context, 2));
  expect_ok(f, train(f, "threads", OVERRIDES("workers=3")));
  expect_ok(f, cutlab_context_set_threads(f->context, 1));
  assert_same_run(f, "a", "b");
  assert_same_run(f, "a", "two");
  assert_same_run(f, "a", "threads");
  assert_int_equal(line_count(f, "a", "steps.jsonl"), 18); /* 52 / 8 = 6 full batches */
  assert_int_equal(line_count(f, "a", "metrics.csv"), 4);
  expect_ok(f, train(f, "other", OVERRIDES("seed=2")));
  json_t *lines[2] = {metrics(f, "a"), metrics(f, "other")};
  assert_false(json_equal(lines[0], lines[1]));
  json_decref(lines[0]);
  json_decref(lines[1]);
}

/* Every epoch calls progress at 6 steps and 3 times while it evaluates, 52 and 17 examples by 32.
 */
static void resumed(const fixture *f, const char *const *overrides) {
  expect_ok(f, train(f, "whole", overrides));
  for (int call = 1; call <= 27; call += call < 4 ? 1 : 4) {
    char name[32];
    int left = call;
    snprintf(name, sizeof name, "cut%d", call);
    cutlab_context_set_progress(f->context, cancel, &left);
    assert_int_equal(train(f, name, overrides), CUTLAB_CANCELLED);
    assert_message(f->context, "stopped in epoch");
    left = 4; /* once more, a little later */
    cutlab_status again = resume(f, name);
    assert_true(again == CUTLAB_CANCELLED || again == CUTLAB_OK);
    cutlab_context_set_progress(f->context, NULL, NULL);
    expect_ok(f, resume(f, name));
    assert_same_run(f, "whole", name);
  }
}

static void resumes_sgd_to_the_bit(void **state) {
  resumed(*state, NULL);
}

static void resumes_adamw_to_the_bit(void **state) {
  resumed(*state, OVERRIDES("optimiser=adamw", "learning_rate=.01", "label_smoothing=.1"));
}

/* Whatever backend `auto` is: with more loader threads, and stopped at two steps drawn at random.
 */
static void the_default_backend_repeats_and_resumes(void **state) {
  const fixture *f = *state;
  cutlab_random random = cutlab_random_make(3, 0, 0, 0, 0);
  expect_ok(f, train(f, "whole", OVERRIDES("backend=auto")));
  expect_ok(f, train(f, "again", OVERRIDES("backend=auto")));
  expect_ok(f, train(f, "two", OVERRIDES("backend=auto", "workers=2")));
  assert_same_run(f, "whole", "again");
  assert_same_run(f, "whole", "two");
  for (int i = 0; i < 2; ++i) {
    int left = 2 + (int)cutlab_random_below(&random, 25);
    const char *name = i ? "cut1" : "cut0";
    cutlab_context_set_progress(f->context, cancel, &left);
    assert_int_equal(train(f, name, OVERRIDES("backend=auto", "workers=2")), CUTLAB_CANCELLED);
    cutlab_context_set_progress(f->context, NULL, NULL);
    expect_ok(f, resume(f, name));
    assert_same_run(f, "whole", name);
  }
}

static void a_finished_run_gives_its_result(void **state) {
  const fixture *f = *state;
  char *folder = path_of(f, "a"), *result;
  expect_ok(f, train(f, "a", NULL));
  expect_ok(f, cutlab_train_resume(f->context, &result, folder));
  json_t *json = json_loads(result, 0, NULL);
  assert_int_equal(json_integer_value(json_object_get(json, "epochs")), 3);
  assert_int_equal(json_integer_value(json_object_get(json, "steps")), 18);
  assert_true(cutlab_json_get_number(json, "best_test_accuracy", -1) >=
              cutlab_json_get_number(json, "test_accuracy", 2));
  json_decref(json);
  cutlab_free(result);
  assert_int_equal(train(f, "a", NULL), CUTLAB_ERROR_ARGUMENT);
  assert_message(f->context, "already holds a run");
  free(folder);
}

/* The data can be learnt: a wrong step anywhere would show. */
static void learns(void **state) {
  const fixture *f = *state;
  expect_ok(f,
            train(f, "a", OVERRIDES("epochs=40", "method=erm", "augment=", "evaluate_every=20")));
  json_t *lines = metrics(f, "a");
  assert_int_equal(json_array_size(lines), 40);
  assert_true(json_is_null(json_object_get(json_array_get(lines, 38), "test_accuracy")));
  double accuracy = cutlab_json_get_number(json_array_get(lines, 39), "test_accuracy", 0);
  if (!(accuracy > .9)) fail_msg("test accuracy %g", accuracy);
  assert_true(cutlab_json_get_number(json_array_get(lines, 39), "clean_train_accuracy", 0) > .9);
  json_decref(lines);
}

static void keeps_so_many_checkpoints(void **state) {
  const fixture *f = *state;
  expect_ok(f, train(f, "a", OVERRIDES("keep=2", "epochs=5")));
  char *folder = path_of(f, "a/checkpoints"), *last = path_of(f, "a/checkpoints/00000030.npz");
  assert_int_equal(temporary_entries(folder), 2);
  assert_true(cutlab_file_exists(last));
  free(folder);
  free(last);
}

/* The first step leaves values near 1e30 and a checkpoint of them, the second has no finite loss.
 */
static void divergence_stops_with_the_step(void **state) {
  const fixture *f = *state;
  assert_int_equal(train(f, "a",
                         OVERRIDES("learning_rate=1e30", "schedule=constant", "momentum=0",
                                   "model=linear | linear", "checkpoint_minutes=1e-9")),
                   CUTLAB_ERROR_NUMERIC);
  assert_message(f->context, "in epoch 1, step 2 of 6");
  assert_message(f->context, "/a or begin in another folder");
  assert_int_equal(line_count(f, "a", "steps.jsonl"), 1);
  char *folder = path_of(f, "a"), *out = path_of(f, "out.npz"), *made = path_of(f, "a/checkpoints");
  assert_int_equal(temporary_entries(made), 1);
  expect_ok(f, cutlab_train_predict(f->context, NULL, folder, NULL, NULL, out));
  assert_int_equal(resume(f, "a"), CUTLAB_ERROR_NUMERIC);
  assert_message(f->context, "in epoch 1, step 2 of 6");
  assert_int_equal(temporary_entries(made), 1);
  free(made);
  free(out);
  free(folder);
}

/* One line at the end, of the run that it is about; not where only the first steps are bad. */
static void a_loss_above_guessing_is_told(void **state) {
  const fixture *f = *state;
  cutlab_context_set_warning(f->context, take_warning, NULL);
  warning[0] = 0;
  expect_ok(f, train(f, "well", OVERRIDES("label_smoothing=.5", "epochs=6")));
  assert_string_equal(warning, "");
  expect_ok(f, train(f, "soon",
                     OVERRIDES("learning_rate=10", "schedule=constant", "model=linear",
                               "method=erm", "epochs=1")));
  assert_string_equal(warning, "");
  json_t *lines = metrics(f, "soon");
  const json_t *last = json_array_get(lines, 0);
  assert_true(cutlab_json_get_number(last, "train_loss", 0) > 2);
  assert_true(cutlab_json_get_number(last, "train_accuracy", 0) > .6);
  json_decref(lines);
  expect_ok(f, train(f, "at-once",
                     OVERRIDES("learning_rate=10", "schedule=constant", "model=linear | linear",
                               "method=erm", "epochs=1")));
  assert_non_null(strstr(warning, "/at-once: the loss of the last epoch, "));
  expect_ok(f, train(f, "badly",
                     OVERRIDES("learning_rate=2", "schedule=constant", "model=linear | linear",
                               "epochs=2")));
  assert_non_null(strstr(warning, "/badly: the loss of the last epoch, "));
  assert_non_null(strstr(warning, "is above that of guessing, 1.099; a lower learning_rate (2), "
                                  "more epochs (2) or a smaller batch may help"));
}

static void values_that_are_not_finite_are_not_saved(void **state) {
  const fixture *f = *state;
  cutlab_training *settings = settings_for(f, NULL);
  cutlab_model *model;
  cutlab_network *network;
  cutlab_optimiser optimiser;
  const cutlab_position position = {0};
  char *folder = path_of(f, "checkpoints");
  expect_ok(f, cutlab_model_create(f->context, &model, "linear", 1, 2, 2, 2));
  expect_ok(f, cutlab_network_create(f->context, &network, model, "reference"));
  expect_ok(f, cutlab_optimiser_open(f->context, &optimiser, settings, network));
  cutlab_network_values(network, 0)[3] = NAN;
  assert_int_equal(cutlab_checkpoint_write(f->context, folder, &optimiser, &position, 5, 1),
                   CUTLAB_ERROR_NUMERIC);
  assert_message(f->context, "linear1.weight holds nan after step 5");
  assert_int_equal(temporary_entries(folder), 0);
  cutlab_optimiser_clear(&optimiser);
  cutlab_network_free(network);
  cutlab_model_free(model);
  cutlab_training_free(settings);
  free(folder);
}

static void changed_data_are_refused(void **state) {
  const fixture *f = *state;
  stop_late(f, "a");
  free(write_data(f, "data.npz", 2));
  assert_int_equal(resume(f, "a"), CUTLAB_ERROR_FORMAT);
  assert_message(f->context, "data.npz are not those that the run began with");
}

/* A run keeps the full path of its data. */
static void resumes_from_another_working_folder(void **state) {
  const fixture *f = *state;
  char *here = getcwd(NULL, 0), *folder = path_of(f, "a");
  free(write_data(f, "data.npz", 1));
  assert_int_equal(chdir(f->folder), 0);
  cutlab_training *settings = settings_for(f, NULL);
  expect_ok(f, cutlab_training_set(f->context, settings, "path", "data.npz"));
  int left = 10;
  cutlab_context_set_progress(f->context, cancel, &left);
  assert_int_equal(cutlab_train_execute(f->context, NULL, settings, folder), CUTLAB_CANCELLED);
  cutlab_context_set_progress(f->context, NULL, NULL);
  assert_string_equal(settings->path, "data.npz");
  assert_int_equal(chdir("/"), 0);
  cutlab_status status = resume(f, "a");
  assert_int_equal(chdir(here), 0);
  expect_ok(f, status);
  cutlab_training_free(settings);
  free(folder);
  free(here);
}

static void a_small_data_set_is_one_batch(void **state) {
  const fixture *f = *state;
  expect_ok(f, train(f, "a", OVERRIDES("batch=100", "epochs=2")));
  assert_int_equal(line_count(f, "a", "steps.jsonl"), 2);
}

static void predictions_are_those_of_the_run(void **state) {
  const fixture *f = *state;
  expect_ok(f, train(f, "a", NULL));
  char *folder = path_of(f, "a"), *out = path_of(f, "a/again.npz"), *summary;
  expect_ok(f, cutlab_train_predict(f->context, &summary, folder, NULL, NULL, out));
  json_t *json = json_loads(summary, 0, NULL);
  assert_int_equal(json_integer_value(json_object_get(json, "examples")), test_count);
  json_t *lines = metrics(f, "a"), *last = json_array_get(lines, 2);
  assert_true(
      json_equal(json_object_get(json, "accuracy"), json_object_get(last, "test_accuracy")));
  assert_true(json_equal(json_object_get(json, "loss"), json_object_get(last, "test_loss")));
  size_t sizes[2];
  char *texts[2] = {read_text(f, "a", "logits.npz", &sizes[0]),
                    read_text(f, "a", "again.npz", &sizes[1])};
  assert_int_equal(sizes[0], sizes[1]);
  assert_memory_equal(texts[0], texts[1], sizes[0]);
  char *older = path_of(f, "a/checkpoints/00000012.npz");
  expect_ok(f, cutlab_train_predict(f->context, NULL, folder, older, NULL, out));
  char *other = read_text(f, "a", "again.npz", &sizes[1]);
  assert_memory_not_equal(texts[0], other, sizes[0]);
  const cutlab_collection_source world = {
      .dataset = "feature-noise", .seed = 1, .train_examples = 2, .test_examples = 2};
  assert_int_equal(cutlab_train_predict(f->context, NULL, folder, NULL, &world, out),
                   CUTLAB_ERROR_ARGUMENT);
  assert_message(f->context, "the run's model accepts 1 x 6 x 6 in 3");
  json_decref(json);
  json_decref(lines);
  cutlab_free(summary);
  free(texts[0]);
  free(texts[1]);
  free(other);
  free(older);
  free(out);
  free(folder);
}

/* as.npz: data.npz with its training part as its test part. */
static char *train_as_test(const fixture *f) {
  cutlab_array *arrays;
  int count;
  char *data = path_of(f, "data.npz"), *path = path_of(f, "as.npz");
  expect_ok(f, cutlab_npz_read(f->context, &arrays, &count, data, 0));
  const cutlab_array *images = cutlab_npz_find(arrays, count, "train_images");
  const cutlab_array *labels = cutlab_npz_find(arrays, count, "train_labels");
  cutlab_array both[] = {*images, *labels, *images, *labels};
  snprintf(both[2].name, sizeof both[2].name, "test_images");
  snprintf(both[3].name, sizeof both[3].name, "test_labels");
  expect_ok(f, cutlab_npz_write(f->context, path, both, 4));
  cutlab_npz_free(arrays, count);
  free(data);
  return path;
}

static void predictions_are_of_the_same_data(void **state) {
  const fixture *f = *state;
  expect_ok(f, train(f, "a", NULL));
  char *folder = path_of(f, "a"), *out = path_of(f, "a/again.npz");
  char *data = write_data(f, "data.npz", 2);
  assert_int_equal(cutlab_train_predict(f->context, NULL, folder, NULL, NULL, out),
                   CUTLAB_ERROR_FORMAT);
  assert_message(f->context, "data.npz are not those that the run began with (fingerprint ");
  assert_false(there(f, "a/again.npz"));
  const cutlab_collection_source named = {.dataset = "npy", .path = data};
  expect_ok(f, cutlab_train_predict(f->context, NULL, folder, NULL, &named, out));
  const cutlab_collection_source own = {.path = data}; /* the run's, which these are not */
  assert_int_equal(cutlab_train_predict(f->context, NULL, folder, NULL, &own, out),
                   CUTLAB_ERROR_FORMAT);
  free(write_data(f, "data.npz", 1));
  expect_ok(f, cutlab_train_predict(f->context, NULL, folder, NULL, &own, out));
  free(data);
  free(out);
  free(folder);
}

/* Rows of heldout.npz are those that predict gives for all training examples. */
static void check_held(const fixture *f, const char *run, double *accuracy) {
  char name[64];
  char *folder = path_of(f, run), *as_test = train_as_test(f), *out = path_of(f, "all.npz");
  snprintf(name, sizeof name, "%s/heldout.npz", run);
  char *path = path_of(f, name);
  const cutlab_collection_source source = {.dataset = "npy", .path = as_test};
  cutlab_array *held, *all;
  int held_count, all_count;
  expect_ok(f, cutlab_train_predict(f->context, NULL, folder, NULL, &source, out));
  expect_ok(f, cutlab_npz_read(f->context, &held, &held_count, path, 0));
  expect_ok(f, cutlab_npz_read(f->context, &all, &all_count, out, 0));
  const cutlab_array *indices = cutlab_npz_find(held, held_count, "indices");
  int64_t count = indices->shape[0];
  double right = 0;
  for (int64_t i = 0; i < count; ++i) {
    int64_t at = cutlab_array_integer(indices, i);
    assert_memory_equal((float *)cutlab_npz_find(held, held_count, "logits")->data +
                            class_count * i,
                        (float *)cutlab_npz_find(all, all_count, "logits")->data + class_count * at,
                        class_count * sizeof(float));
    int64_t values[2][2];
    for (int m = 0; m < 2; ++m) {
      const char *key = m ? "predictions" : "labels";
      values[0][m] = cutlab_array_integer(cutlab_npz_find(held, held_count, key), i);
      values[1][m] = cutlab_array_integer(cutlab_npz_find(all, all_count, key), at);
    }
    assert_memory_equal(values[0], values[1], sizeof values[0]);
    right += values[0][0] == values[0][1];
  }
  *accuracy = right / (double)count;
  cutlab_npz_free(held, held_count);
  cutlab_npz_free(all, all_count);
  free(path);
  free(out);
  free(as_test);
  free(folder);
}

static void a_fold_is_held_out_and_predicted(void **state) {
  const fixture *f = *state;
  const char *const *overrides = OVERRIDES("fold=2/5");
  double accuracy;
  expect_ok(f, train(f, "whole", overrides));
  check_held(f, "whole", &accuracy);
  size_t size;
  char *text = read_text(f, "whole", "result.json", &size);
  json_t *result = json_loads(text, 0, NULL);
  assert_string_equal(json_string_value(json_object_get(result, "fold")), "2/5");
  assert_float_equal(cutlab_json_get_number(result, "held_out_accuracy", -1), accuracy, 1e-12);
  assert_true(cutlab_json_get_number(result, "held_out_loss", -1) > 0);
  json_decref(result);
  free(text);
  assert_int_equal(line_count(f, "whole", "steps.jsonl"), 15); /* 41 / 8 = 5 full batches */
  for (int call = 1; call <= 21; call += 10) {
    char name[32];
    int left = call;
    snprintf(name, sizeof name, "cut%d", call);
    cutlab_context_set_progress(f->context, cancel, &left);
    assert_int_equal(train(f, name, overrides), CUTLAB_CANCELLED);
    cutlab_context_set_progress(f->context, NULL, NULL);
    expect_ok(f, resume(f, name));
    assert_same_run(f, "whole", name);
    assert_same_file(f, "whole", name, "heldout.npz");
  }
}

/* Another fold is another training; without one nothing is held out. */
static void another_fold_is_another_training(void **state) {
  const fixture *f = *state;
  expect_ok(f, train(f, "none", NULL));
  assert_false(there(f, "none/heldout.npz"));
  stop_late(f, "a");
  expect_ok(f, train(f, "other", OVERRIDES("fold=1/52")));
  copy_file(f, "a", "other", "checkpoints/00000018.npz");
  assert_int_equal(resume(f, "a"), CUTLAB_ERROR_ARGUMENT);
  assert_message(f->context, "is a checkpoint of another run");
  assert_int_equal(train(f, "many", OVERRIDES("fold=1/53")), CUTLAB_ERROR_ARGUMENT);
  assert_message(f->context, "fold is 1/53 with 52 training examples");
  assert_int_equal(train(f, "wrong", OVERRIDES("fold=1")), CUTLAB_ERROR_ARGUMENT);
  assert_message(f->context, "fold is '1'");
  assert_false(there(f, "wrong"));
}

static void planted_features_are_measured(void **state) {
  const fixture *f = *state;
  expect_ok(
      f, train(f, "a",
               OVERRIDES("dataset=feature-noise", "train_examples=64", "test_examples=40",
                         "epochs=1", "augment=", "batch=8",
                         "model=conv(4) | relu | pool(mean, global) | linear", "method=cutmix")));
  json_t *lines = metrics(f, "a");
  json_t *features = json_object_get(json_array_get(lines, 0), "features");
  assert_true(json_array_size(features) >= 1);
  for (size_t i = 0; i < json_array_size(features); ++i) {
    const json_t *feature = json_array_get(features, i);
    assert_true(json_is_string(json_object_get(feature, "name")));
    assert_true(cutlab_json_get_number(feature, "frequency", 0) > 0);
    assert_true(isfinite(cutlab_json_get_number(feature, "output", NAN)));
  }
  json_decref(lines);
  size_t size;
  char *table = read_text(f, "a", "metrics.csv", &size);
  assert_non_null(strstr(table, ",feature_0_output,feature_0_accuracy"));
  free(table);
}

static void describes_before_it_starts(void **state) {
  const fixture *f = *state;
  char *data = write_data(f, "data.npz", 1), *text;
  cutlab_training *settings = settings_for(f, NULL);
  expect_ok(f, cutlab_training_set(f->context, settings, "path", data));
  expect_ok(f, cutlab_train_describe(f->context, &text, settings));
  assert_non_null(strstr(text, "3 epochs of 6 steps of 8 examples"));
  assert_non_null(strstr(text, "52 training and 17 test examples of 1 x 6 x 6, 3 classes"));
  assert_non_null(strstr(text, "cutmix("));
  cutlab_free(text);
  cutlab_training_free(settings);
  free(data);
}

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, fixture_up, fixture_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      WITH_FOLDER(repeats_to_the_bit),
      WITH_FOLDER(resumes_sgd_to_the_bit),
      WITH_FOLDER(resumes_adamw_to_the_bit),
      WITH_FOLDER(the_default_backend_repeats_and_resumes),
      WITH_FOLDER(a_finished_run_gives_its_result),
      WITH_FOLDER(learns),
      WITH_FOLDER(keeps_so_many_checkpoints),
      WITH_FOLDER(divergence_stops_with_the_step),
      WITH_FOLDER(a_loss_above_guessing_is_told),
      WITH_FOLDER(values_that_are_not_finite_are_not_saved),
      WITH_FOLDER(changed_data_are_refused),
      WITH_FOLDER(resumes_from_another_working_folder),
      WITH_FOLDER(a_small_data_set_is_one_batch),
      WITH_FOLDER(predictions_are_those_of_the_run),
      WITH_FOLDER(predictions_are_of_the_same_data),
      WITH_FOLDER(a_fold_is_held_out_and_predicted),
      WITH_FOLDER(another_fold_is_another_training),
      WITH_FOLDER(planted_features_are_measured),
      WITH_FOLDER(describes_before_it_starts),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
