/* Training in folders: the same bits however it goes, and what happens when it goes wrong. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cutlab/array.h>
#include <cutlab/random.h>

#include "base/file.h"
#include "base/json.h"
#include "base/streams.h"
#include "fixture.h"
#include "train/checkpoint.h"
#include "train/loader.h"
#include "train/lock.h"
#include "train/memory.h"
#include "train/run.h"
#include "train/settings.h"

enum { side = 6, pixels = side * side, train_count = 52, test_count = 17, class_count = 3 };

/* A blob of one of three kinds and noise. */
static void draw_image(uint8_t *image, int64_t label, cutlab_random *random) {
  for (int i = 0; i < pixels; ++i) image[i] = (uint8_t)cutlab_random_below(random, 120);
  for (int i = 0; i < side; ++i) image[(label == 0 ? i : 2 * label) * side + i] = 250;
}

static char *write_data(const fixture *f, const char *name, uint64_t seed) {
  static uint8_t images[2][train_count * pixels];
  static int64_t labels[2][train_count];
  static const int64_t counts[2] = {train_count, test_count};
  cutlab_random random = cutlab_random_make(seed, 1, 2, 3, 4);
  for (int part = 0; part < 2; ++part)
    for (int64_t i = 0; i < counts[part]; ++i) {
      labels[part][i] = i % class_count;
      draw_image(images[part] + i * pixels, i % class_count, &random);
    }
  const cutlab_array arrays[] = {
      {"train_images", CUTLAB_UINT8, 3, {counts[0], side, side}, images[0]},
      {"train_labels", CUTLAB_INT64, 1, {counts[0]}, labels[0]},
      {"test_images", CUTLAB_UINT8, 3, {counts[1], side, side}, images[1]},
      {"test_labels", CUTLAB_INT64, 1, {counts[1]}, labels[1]}};
  char *path = cutlab_path_join(f->context, f->folder, name);
  assert_int_equal(cutlab_npz_write(f->context, path, arrays, 4), CUTLAB_OK);
  return path;
}

static char *inside(const fixture *f, const char *name) {
  char *path = cutlab_path_join(f->context, f->folder, name);
  assert_non_null(path);
  return path;
}

static bool there(const fixture *f, const char *name) {
  char *path = inside(f, name);
  bool exists = cutlab_file_exists(path);
  free(path);
  return exists;
}

static void expect_ok(const fixture *f, cutlab_status status) {
  if (status != CUTLAB_OK) fail_msg("%s", cutlab_context_message(f->context));
}

/* "key=value" texts, ended by NULL, over small ones. */
static cutlab_training *settings_for(const fixture *f, const char *const *overrides) {
  static const char model[] =
      "model=conv(4) | bn | relu | dropout(.2) | pool(max) | conv(4) | bn | "
      "relu | pool(mean, global) | linear";
  static const char *const small[] = {
      "dataset=npy", model,     "backend=reference", "augment=flip",  "method=cutmix",
      "epochs=3",    "batch=8", "learning_rate=.05", "log_steps=yes", "clean_accuracy=yes",
      "workers=1",   NULL};
  cutlab_training *settings;
  expect_ok(f, cutlab_training_create(f->context, &settings));
  for (int list = 0; list < 2; ++list)
    for (const char *const *o = list ? overrides : small; o && *o; ++o) {
      char key[64];
      size_t length = strcspn(*o, "=");
      snprintf(key, sizeof key, "%.*s", (int)length, *o);
      expect_ok(f, cutlab_training_set(f->context, settings, key, *o + length + 1));
    }
  return settings;
}

#define OVERRIDES(...) ((const char *const[]){__VA_ARGS__, NULL})

/* Trains on data.npz, which is made if it is not there, in a folder of that name. */
static cutlab_status train(const fixture *f, const char *name, const char *const *overrides) {
  char *data = inside(f, "data.npz"), *folder = inside(f, name);
  if (!cutlab_file_exists(data)) free(write_data(f, "data.npz", 1));
  cutlab_training *settings = settings_for(f, overrides);
  if (strcmp(settings->dataset, "npy") == 0)
    expect_ok(f, cutlab_training_set(f->context, settings, "path", data));
  cutlab_status status = cutlab_train_execute(f->context, NULL, settings, folder);
  cutlab_training_free(settings);
  free(folder);
  free(data);
  return status;
}

static cutlab_status resume(const fixture *f, const char *name) {
  char *folder = inside(f, name);
  cutlab_status status = cutlab_train_resume(f->context, NULL, folder);
  free(folder);
  return status;
}

static char *read_text(const fixture *f, const char *run, const char *file, size_t *size) {
  char name[200], *text;
  snprintf(name, sizeof name, "%s/%s", run, file);
  char *path = inside(f, name);
  expect_ok(f, cutlab_file_read(f->context, &text, size, path, 0));
  free(path);
  return text;
}

/* Lines of metrics.jsonl without what depends on time. */
static json_t *metrics(const fixture *f, const char *run) {
  size_t size;
  char *text = read_text(f, run, "metrics.jsonl", &size), *end;
  json_t *lines = json_array();
  for (char *line = text; (end = strchr(line, '\n')); line = end + 1) {
    *end = 0;
    json_t *object = json_loads(line, 0, NULL);
    assert_non_null(object);
    json_object_del(object, "seconds");
    json_object_del(object, "images_per_second");
    json_array_append_new(lines, object);
  }
  free(text);
  return lines;
}

static void assert_same_file(const fixture *f, const char *a, const char *b, const char *file) {
  size_t sizes[2];
  char *texts[2] = {read_text(f, a, file, &sizes[0]), read_text(f, b, file, &sizes[1])};
  if (sizes[0] != sizes[1] || memcmp(texts[0], texts[1], sizes[0]) != 0)
    fail_msg("%s of %s and %s differ", file, a, b);
  free(texts[0]);
  free(texts[1]);
}

static void assert_same_run(const fixture *f, const char *a, const char *b) {
  assert_same_file(f, a, b, "steps.jsonl");
  assert_same_file(f, a, b, "logits.npz");
  json_t *lines[2] = {metrics(f, a), metrics(f, b)};
  if (!json_equal(lines[0], lines[1])) fail_msg("metrics of %s and %s differ", a, b);
  json_decref(lines[0]);
  json_decref(lines[1]);
}

static int64_t line_count(const fixture *f, const char *run, const char *file) {
  size_t size;
  char *text = read_text(f, run, file, &size);
  int64_t lines = 0;
  for (size_t i = 0; i < size; ++i) lines += text[i] == '\n';
  free(text);
  return lines;
}

/* Progress that cancels at the n-th call within an epoch. */
static int cancel(void *user, const cutlab_progress *progress) {
  int *left = user;
  return strncmp(progress->what, "epoch ", 6) == 0 && --*left <= 0;
}

static char warning[1024];
static void take_warning(void *user, const char *message) {
  (void)user;
  snprintf(warning, sizeof warning, "%s", message);
}

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
  char *folder = inside(f, "a"), *result;
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
  char *folder = inside(f, "a/checkpoints"), *last = inside(f, "a/checkpoints/00000030.npz");
  assert_int_equal(temporary_entries(folder), 2);
  assert_true(cutlab_file_exists(last));
  free(folder);
  free(last);
}

/* Cancels a run of 3 epochs in the third, which leaves the checkpoints of steps 12 and 14. */
static void stop_late(const fixture *f, const char *name) {
  int left = 3 + 2 * 9;
  cutlab_context_set_progress(f->context, cancel, &left);
  assert_int_equal(train(f, name, NULL), CUTLAB_CANCELLED);
  cutlab_context_set_progress(f->context, NULL, NULL);
}

static void damage(const char *path, int how) {
  struct stat status;
  assert_int_equal(stat(path, &status), 0);
  if (how < 2) {
    assert_int_equal(truncate(path, how ? status.st_size / 2 : 0), 0);
    return;
  }
  int file = open(path, O_RDWR);
  char byte;
  assert_int_equal(pread(file, &byte, 1, status.st_size / 3), 1);
  byte = (char)(byte ^ 1);
  assert_int_equal(pwrite(file, &byte, 1, status.st_size / 3), 1);
  close(file);
}

static void a_damaged_checkpoint_is_passed_over(void **state) {
  const fixture *f = *state;
  expect_ok(f, train(f, "whole", NULL));
  cutlab_context_set_warning(f->context, take_warning, NULL);
  for (int how = 0; how < 3; ++how) {
    char name[32], file[64];
    snprintf(name, sizeof name, "damaged%d", how);
    snprintf(file, sizeof file, "%s/checkpoints/00000014.npz", name);
    stop_late(f, name);
    char *path = inside(f, file);
    damage(path, how);
    warning[0] = 0;
    expect_ok(f, resume(f, name));
    assert_non_null(strstr(warning, "00000014.npz"));
    assert_non_null(strstr(warning, "going back to step 12"));
    assert_same_run(f, "whole", name);
    free(path);
  }
}

/* It may be whole: neither renamed nor passed over. */
static void an_unreadable_checkpoint_is_an_error(void **state) {
  const fixture *f = *state;
  stop_late(f, "a");
  char *path = inside(f, "a/checkpoints/00000014.npz"), *kept = inside(f, "a/kept.npz");
  assert_int_equal(rename(path, kept), 0);
  assert_int_equal(symlink(path, path), 0); /* ELOOP */
  assert_int_equal(resume(f, "a"), CUTLAB_ERROR_IO);
  assert_message(f->context, "00000014.npz");
  assert_int_equal(rename(kept, path), 0);
  expect_ok(f, resume(f, "a"));
  assert_false(there(f, "a/checkpoints/00000014.npz.damaged"));
  free(path);
  free(kept);
}

static void all_damaged_is_an_error(void **state) {
  const fixture *f = *state;
  stop_late(f, "a");
  char *paths[2] = {inside(f, "a/checkpoints/00000012.npz"),
                    inside(f, "a/checkpoints/00000014.npz")};
  for (int i = 0; i < 2; ++i) damage(paths[i], 1);
  assert_int_equal(resume(f, "a"), CUTLAB_ERROR_FORMAT);
  assert_message(f->context, "00000012.npz");
  for (int i = 0; i < 2; ++i) free(paths[i]);
}

/* A tensor of another shape, or none, is no damage: the user has mixed something up. */
static void another_models_checkpoint_is_refused(void **state) {
  const fixture *f = *state;
  stop_late(f, "a");
  char *path = inside(f, "a/checkpoints/00000014.npz");
  cutlab_array *arrays;
  int count;
  expect_ok(f, cutlab_npz_read(f->context, &arrays, &count, path, 0));
  cutlab_array *weight = cutlab_npz_find(arrays, count, "conv1.weight");
  assert_non_null(weight);
  weight->shape[0] = 2;
  expect_ok(f, cutlab_npz_write(f->context, path, arrays, count));
  assert_int_equal(resume(f, "a"), CUTLAB_ERROR_ARGUMENT);
  assert_message(f->context, "tensor conv1.weight is float32 (2, 1, 3, 3) in the file and float32 "
                             "(4, 1, 3, 3) in the model");
  snprintf(weight->name, sizeof weight->name, "other");
  expect_ok(f, cutlab_npz_write(f->context, path, arrays, count));
  assert_int_equal(resume(f, "a"), CUTLAB_ERROR_ARGUMENT);
  assert_message(f->context, "conv1.weight is missing in the file");
  cutlab_npz_free(arrays, count);
  free(path);
}

/* A copy of one run's file over another's. */
static void copy_file(const fixture *f, const char *to, const char *from, const char *file) {
  char name[200];
  size_t size;
  char *data = read_text(f, from, file, &size);
  snprintf(name, sizeof name, "%s/%s", to, file);
  char *path = inside(f, name);
  expect_ok(f, cutlab_file_write(f->context, path, data, size));
  free(path);
  free(data);
}

/* Of the same shapes, but of other settings: nothing else would tell. */
static void another_runs_checkpoint_is_refused(void **state) {
  const fixture *f = *state;
  stop_late(f, "a");
  expect_ok(f, train(f, "other", OVERRIDES("seed=2")));
  expect_ok(f, train(f, "same", OVERRIDES("workers=2", "evaluate_every=2")));
  copy_file(f, "a", "other", "checkpoints/00000018.npz");
  assert_int_equal(resume(f, "a"), CUTLAB_ERROR_ARGUMENT);
  assert_message(f->context, "a/checkpoints/00000018.npz is a checkpoint of another run");
  copy_file(f, "a", "same", "checkpoints/00000018.npz");
  copy_file(f, "a", "same", "metrics.jsonl");
  copy_file(f, "a", "same", "steps.jsonl");
  expect_ok(f, resume(f, "a"));
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
  assert_int_equal(line_count(f, "a", "steps.jsonl"), 1);
  char *folder = inside(f, "a"), *out = inside(f, "out.npz"), *made = inside(f, "a/checkpoints");
  assert_int_equal(temporary_entries(made), 1);
  expect_ok(f, cutlab_train_predict(f->context, NULL, folder, NULL, NULL, out));
  assert_int_equal(resume(f, "a"), CUTLAB_ERROR_NUMERIC);
  assert_message(f->context, "in epoch 1, step 2 of 6");
  assert_int_equal(temporary_entries(made), 1);
  free(made);
  free(out);
  free(folder);
}

static void values_that_are_not_finite_are_not_saved(void **state) {
  const fixture *f = *state;
  cutlab_training *settings = settings_for(f, NULL);
  cutlab_model *model;
  cutlab_network *network;
  cutlab_optimiser optimiser;
  const cutlab_position position = {0};
  char *folder = inside(f, "checkpoints");
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
  assert_int_equal(resume(f, "a"), CUTLAB_ERROR_ARGUMENT);
  assert_message(f->context, "the data have changed");
}

/* A run keeps the full path of its data. */
static void resumes_from_another_working_folder(void **state) {
  const fixture *f = *state;
  char *here = getcwd(NULL, 0), *folder = inside(f, "a");
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

static void one_training_in_a_folder_at_a_time(void **state) {
  const fixture *f = *state;
  stop_late(f, "a");
  char *folder = inside(f, "a"), *fresh = inside(f, "fresh");
  int lock;
  expect_ok(f, cutlab_lock_take(f->context, &lock, NULL, folder));
  assert_int_equal(resume(f, "a"), CUTLAB_ERROR_IO);
  assert_message(f->context, "a: another process is training there");
  cutlab_lock_release(lock);
  expect_ok(f, resume(f, "a"));
  expect_ok(f, cutlab_folder_make(f->context, fresh));
  expect_ok(f, cutlab_lock_take(f->context, &lock, NULL, fresh));
  assert_int_equal(train(f, "fresh", NULL), CUTLAB_ERROR_IO);
  assert_message(f->context, "fresh: another process is training there");
  cutlab_lock_release(lock);
  expect_ok(f, train(f, "fresh", NULL)); /* a folder with nothing but the lock is free */
  free(fresh);
  free(folder);
}

/* Instead of the system's: fails with `error`, or lets another process be faster, once. */
static struct {
  int error;
  void (*faster)(const fixture *f);
  const fixture *f;
} locking;

int flock(int file, int operation) {
  void (*faster)(const fixture *f) = locking.faster;
  locking.faster = NULL;
  if (faster) faster(locking.f);
  if (!locking.error) return (int)syscall(SYS_flock, file, operation);
  errno = locking.error;
  return -1;
}

static cutlab_status share(const fixture *f, const char *name, char **result, bool *busy) {
  char *data = inside(f, "data.npz"), *folder = inside(f, name);
  if (!cutlab_file_exists(data)) free(write_data(f, "data.npz", 1));
  cutlab_training *settings = settings_for(f, NULL);
  expect_ok(f, cutlab_training_set(f->context, settings, "path", data));
  cutlab_status status = cutlab_train_share(f->context, result, busy, settings, folder);
  cutlab_training_free(settings);
  free(folder);
  free(data);
  return status;
}

/* Which file it is and when it was written. */
static struct stat result_file(const fixture *f) {
  char *path = inside(f, "a/result.json");
  struct stat status;
  assert_int_equal(stat(path, &status), 0);
  free(path);
  return status;
}

static struct stat faster_result;
static void finish_first(const fixture *f) {
  expect_ok(f, share(f, "a", NULL, NULL));
  faster_result = result_file(f);
}

static void begin_first(const fixture *f) {
  stop_late(f, "a");
}

static void what_another_finished_meanwhile_is_left(void **state) {
  const fixture *f = *state;
  for (int begun = 0; begun < 2; ++begun) { /* before the lock is asked for */
    bool busy = true;
    char *result, *folder = inside(f, "a");
    if (begun) stop_late(f, "a");
    locking.f = f;
    locking.faster = finish_first;
    expect_ok(f, share(f, "a", &result, &busy));
    assert_null(locking.faster);
    assert_false(busy);
    assert_non_null(strstr(result, "test_accuracy"));
    assert_int_equal(result_file(f).st_ino, faster_result.st_ino);
    assert_int_equal(result_file(f).st_mtim.tv_nsec, faster_result.st_mtim.tv_nsec);
    assert_int_equal(nftw(folder, temporary_remove_entry, 8, FTW_DEPTH | FTW_PHYS), 0);
    cutlab_free(result);
    free(folder);
  }
}

static void what_another_began_meanwhile_goes_on(void **state) {
  const fixture *f = *state;
  bool busy = true;
  locking.f = f;
  locking.faster = begin_first;
  expect_ok(f, share(f, "a", NULL, &busy));
  assert_false(busy);
  assert_null(locking.faster);
  assert_true(there(f, "a/result.json"));
}

static void what_another_is_at_is_told_from_what_fails(void **state) {
  const fixture *f = *state;
  char *folder = inside(f, "a"), *blocked = inside(f, "b/lock");
  bool busy = false;
  int lock;
  expect_ok(f, cutlab_folder_make(f->context, folder));
  expect_ok(f, cutlab_lock_take(f->context, &lock, &busy, folder));
  assert_false(busy);
  assert_int_equal(share(f, "a", NULL, &busy), CUTLAB_ERROR_IO);
  assert_true(busy);
  assert_false(there(f, "a/run.json"));
  cutlab_lock_release(lock);
  expect_ok(f, cutlab_folder_make(f->context, blocked));
  assert_int_equal(share(f, "b", NULL, &busy), CUTLAB_ERROR_IO);
  assert_false(busy);
  assert_message(f->context, "b/lock: Is a directory");
  locking.error = EIO;
  busy = true;
  assert_int_equal(share(f, "a", NULL, &busy), CUTLAB_ERROR_IO);
  locking.error = 0;
  assert_false(busy);
  assert_message(f->context, "cannot lock");
  free(blocked);
  free(folder);
}

static void a_file_system_without_locks_is_a_warning(void **state) {
  const fixture *f = *state;
  static const int errors[] = {ENOLCK, ENOSYS, EOPNOTSUPP};
  char *folder = inside(f, "a");
  expect_ok(f, cutlab_folder_make(f->context, folder));
  cutlab_context_set_warning(f->context, take_warning, NULL);
  for (int i = 0; i < 3; ++i) {
    bool busy = true;
    int lock = 7;
    locking.error = errors[i];
    warning[0] = '\0';
    expect_ok(f, cutlab_lock_take(f->context, &lock, &busy, folder));
    assert_false(busy);
    assert_int_equal(lock, -1);
    assert_non_null(strstr(warning, "only one process may train there"));
  }
  expect_ok(f, share(f, "a", NULL, NULL));
  locking.error = 0;
  free(folder);
}

static void put(const fixture *f, const char *folder, const char *name, const char *text) {
  char *where = inside(f, folder), *path = cutlab_path_join(f->context, where, name);
  expect_ok(f, cutlab_folder_make(f->context, where));
  expect_ok(f, cutlab_file_write(f->context, path, text, strlen(text)));
  free(path);
  free(where);
}

/* Of killed writers; files of others stay. */
static void half_written_files_are_removed(void **state) {
  const fixture *f = *state;
  static const char *const torn[] = {"run.json.12-0.tmp", "metrics.jsonl.1-999.tmp"};
  static const char *const others[] = {"notes.12-0.tmp", "run.json.12-0.tmp.old", "run.json.-0.tmp",
                                       "run.json.tmp"};
  for (int i = 0; i < 2; ++i) put(f, "a", torn[i], "{");
  put(f, "b", torn[0], "{");
  stop_late(f, "a");
  assert_false(there(f, "a/run.json.12-0.tmp"));
  for (int i = 0; i < 4; ++i) put(f, "a", others[i], "mine");
  put(f, "a/checkpoints", "00000014.npz.77-3.tmp", "PK");
  put(f, "a", "result.json.12-0.tmp", "{");
  expect_ok(f, resume(f, "a"));
  assert_false(there(f, "a/checkpoints/00000014.npz.77-3.tmp"));
  assert_false(there(f, "a/result.json.12-0.tmp"));
  assert_true(there(f, "b/run.json.12-0.tmp"));
  for (int i = 0; i < 4; ++i) {
    char name[64];
    snprintf(name, sizeof name, "a/%s", others[i]);
    assert_true(there(f, name));
  }
}

/* Old checkpoints would pass for those of the new run. */
static void checkpoints_without_a_run_are_refused(void **state) {
  const fixture *f = *state;
  stop_late(f, "a");
  char *record = inside(f, "a/run.json");
  assert_int_equal(unlink(record), 0);
  assert_int_equal(train(f, "a", NULL), CUTLAB_ERROR_ARGUMENT);
  assert_message(f->context, "a holds checkpoints without a run.json");
  free(record);
}

static void folders_that_cannot_be(void **state) {
  const fixture *f = *state;
  free(write_data(f, "data.npz", 1));
  assert_int_equal(train(f, "data.npz/run", NULL), CUTLAB_ERROR_IO);
  assert_message(f->context, "data.npz");
  assert_int_equal(resume(f, "nothing"), CUTLAB_ERROR_IO);
  assert_message(f->context, "nothing/run.json");
  char *path = inside(f, "none.npz");
  cutlab_training *settings = settings_for(f, NULL);
  expect_ok(f, cutlab_training_set(f->context, settings, "path", path));
  assert_int_equal(cutlab_train_execute(f->context, NULL, settings, f->folder),
                   CUTLAB_ERROR_ARGUMENT);
  assert_message(f->context, "holds other things (data.npz)");
  char *fresh = inside(f, "fresh");
  assert_int_equal(cutlab_train_execute(f->context, NULL, settings, fresh), CUTLAB_ERROR_IO);
  free(fresh);
  assert_message(f->context, "none.npz");
  cutlab_training_free(settings);
  free(path);
  path = inside(f, "run.json");
  expect_ok(f, cutlab_file_write(f->context, path, "{\"format\": \"cutlab-run\"}", 24));
  assert_int_equal(resume(f, "."), CUTLAB_ERROR_FORMAT);
  assert_message(f->context, "not a training of format version");
  free(path);
}

/* Killed at any time: an incomplete line is dropped with the rest behind the checkpoint. */
static void torn_files_are_mended(void **state) {
  const fixture *f = *state;
  expect_ok(f, train(f, "whole", NULL));
  stop_late(f, "a");
  static const char *const files[] = {"a/metrics.jsonl", "a/metrics.csv", "a/steps.jsonl"};
  for (int i = 0; i < 3; ++i) {
    char *path = inside(f, files[i]);
    FILE *file = fopen(path, "a");
    fputs("{\"epoch\": 3, \"st", file);
    assert_int_equal(fclose(file), 0);
    free(path);
  }
  expect_ok(f, resume(f, "a"));
  assert_same_run(f, "whole", "a");
  assert_int_equal(line_count(f, "a", "metrics.csv"), 4);
}

/* Killed before the first checkpoint: from the start again. */
static void no_checkpoint_is_the_start(void **state) {
  const fixture *f = *state;
  expect_ok(f, train(f, "whole", NULL));
  stop_late(f, "a");
  char *folder = inside(f, "a/checkpoints");
  assert_int_equal(temporary_remove(folder), 0);
  cutlab_context_set_warning(f->context, take_warning, NULL);
  warning[0] = 0;
  expect_ok(f, resume(f, "a"));
  assert_non_null(strstr(warning, "metrics.jsonl has lines; starting again from step 0"));
  assert_same_run(f, "whole", "a");
}

static void a_small_data_set_is_one_batch(void **state) {
  const fixture *f = *state;
  expect_ok(f, train(f, "a", OVERRIDES("batch=100", "epochs=2")));
  assert_int_equal(line_count(f, "a", "steps.jsonl"), 2);
}

static void predictions_are_those_of_the_run(void **state) {
  const fixture *f = *state;
  expect_ok(f, train(f, "a", NULL));
  char *folder = inside(f, "a"), *out = inside(f, "a/again.npz"), *summary;
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
  char *older = inside(f, "a/checkpoints/00000012.npz");
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
  char *data = inside(f, "data.npz"), *path = inside(f, "as.npz");
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

/* Rows of heldout.npz are those that predict gives for all training examples. */
static void check_held(const fixture *f, const char *run, double *accuracy) {
  char name[64];
  char *folder = inside(f, run), *as_test = train_as_test(f), *out = inside(f, "all.npz");
  snprintf(name, sizeof name, "%s/heldout.npz", run);
  char *path = inside(f, name);
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

/* ---- the loader ---- */

typedef struct pipeline {
  cutlab_collection collection;
  cutlab_policy *policy;
  cutlab_batch_source source;
} pipeline;

static void open_pipeline(const fixture *f, pipeline *p, const char *policy) {
  char *path = write_data(f, "data.npz", 1);
  const cutlab_collection_source from = {.dataset = "npy", .path = path};
  expect_ok(f, cutlab_collection_open(f->context, &p->collection, &from));
  expect_ok(f, cutlab_policy_create(f->context, &p->policy, policy));
  p->source = (cutlab_batch_source){&p->collection, p->policy, 7, 8, 0};
  free(path);
}

static void close_pipeline(pipeline *p) {
  cutlab_policy_free(p->policy);
  cutlab_collection_clear(&p->collection);
}

/* The order is that of the Python package's Sampler: a permutation of stream 1000. */
static void batches_are_in_the_shared_order(void **state) {
  const fixture *f = *state;
  pipeline p;
  cutlab_loader *loader;
  open_pipeline(f, &p, "normalise(mean=0, std=1)");
  assert_int_equal(cutlab_batches(&p.source), 6);
  expect_ok(f, cutlab_loader_open(f->context, &loader, &p.source, 4, 15, 3));
  for (int64_t b = 4; b < 15; ++b) {
    const float *made, *labels;
    int64_t order[train_count];
    cutlab_random random = cutlab_random_make(7, cutlab_stream_shuffle, (uint64_t)b / 6, 0, 0);
    cutlab_random_permutation(&random, order, train_count);
    expect_ok(f, cutlab_loader_next(f->context, loader, &made, &labels));
    for (int64_t i = 0; i < 8 * pixels; ++i) {
      int64_t sample = order[b % 6 * 8 + i / pixels];
      float wanted =
          (float)((uint8_t *)p.collection.train.pixels)[sample * pixels + i % pixels] / 255;
      assert_float_equal(made[i], wanted, 1e-6);
    }
    for (int64_t i = 0; i < 8; ++i)
      assert_float_equal(
          labels[i * p.collection.classes + p.collection.train.labels[order[b % 6 * 8 + i]]], 1, 0);
  }
  const float *none;
  assert_int_equal(cutlab_loader_next(f->context, loader, &none, &none), CUTLAB_ERROR_ARGUMENT);
  cutlab_loader_close(loader);
  close_pipeline(&p);
}

/* A failure in a thread comes out at the batch that it was making, with its message. */
static void failures_of_workers_come_in_order(void **state) {
  const fixture *f = *state;
  pipeline p;
  cutlab_loader *loader;
  const float *made, *labels;
  open_pipeline(f, &p, "cutmix | normalise");
  int64_t order[train_count];
  cutlab_random random = cutlab_random_make(7, cutlab_stream_shuffle, 0, 0, 0);
  cutlab_random_permutation(&random, order, train_count);
  p.collection.train.labels[order[3 * 8 + 5]] = 99; /* in batch 3 */
  expect_ok(f, cutlab_loader_open(f->context, &loader, &p.source, 0, 60, 3));
  for (int b = 0; b < 3; ++b) expect_ok(f, cutlab_loader_next(f->context, loader, &made, &labels));
  assert_int_equal(cutlab_loader_next(f->context, loader, &made, &labels), CUTLAB_ERROR_ARGUMENT);
  assert_message(f->context, "label 5 is 99");
  cutlab_loader_close(loader);
  close_pipeline(&p);
}

/* Closing early must not wait for batches that nobody takes. */
static void loaders_close_at_any_time(void **state) {
  const fixture *f = *state;
  pipeline p;
  open_pipeline(f, &p, "flip | mixup | normalise");
  for (int taken = 0; taken < 6; ++taken) {
    cutlab_loader *loader;
    const float *made, *labels;
    expect_ok(f, cutlab_loader_open(f->context, &loader, &p.source, 0, 600, 1 + taken % 3));
    for (int b = 0; b < taken; ++b)
      expect_ok(f, cutlab_loader_next(f->context, loader, &made, &labels));
    cutlab_loader_close(loader);
  }
  cutlab_loader_close(NULL);
  close_pipeline(&p);
}

/* ---- memory ---- */

static void the_lowest_limit_counts(void **state) {
  const fixture *f = *state;
  assert_true(isinf(cutlab_memory_available(f->folder)));
  put(f, "proc", "meminfo", "MemTotal: 9000 kB\nMemAvailable:    4000 kB\n");
  assert_float_equal(cutlab_memory_available(f->folder), 4096000, 0);
  put(f, "sys/fs/cgroup", "memory.max", "max\n");
  put(f, "sys/fs/cgroup", "memory.current", "1000\n");
  assert_float_equal(cutlab_memory_available(f->folder), 4096000, 0);
  put(f, "sys/fs/cgroup", "memory.max", "5000\n");
  put(f, "sys/fs/cgroup", "memory.stat", "anon 700\ninactive_file 300\n");
  assert_float_equal(cutlab_memory_available(f->folder), 4300, 0);
  put(f, "proc/self", "cgroup", "0::/user/job\n");
  put(f, "sys/fs/cgroup/user", "memory.max", "2000\n");
  put(f, "sys/fs/cgroup/user", "memory.current", "500\n");
  assert_float_equal(cutlab_memory_available(f->folder), 1500, 0);
  put(f, "sys/fs/cgroup/memory", "memory.limit_in_bytes", "900\n");
  put(f, "sys/fs/cgroup/memory", "memory.usage_in_bytes", "1000\n");
  assert_float_equal(cutlab_memory_available(f->folder), 0, 0);
}

static void the_address_space_may_be_limited(void **state) {
  const fixture *f = *state;
  put(f, "proc/self", "status", "Name:\tcutlab\nVmSize:\t    3 kB\n");
  put(f, "proc/self", "limits",
      "Max data size  7 7 bytes\nMax address space  unlimited  9 bytes\n");
  assert_true(isinf(cutlab_memory_available(f->folder)));
  put(f, "proc/self", "limits", "Max address space         8072   unlimited   bytes\n");
  assert_float_equal(cutlab_memory_available(f->folder), 5000, 0);
}

static void too_little_memory_is_said(void **state) {
  const fixture *f = *state;
  const double mebibyte = 0x1p20;
  const cutlab_memory_need need = {100 * mebibyte, 10 * mebibyte, 30 * mebibyte, 2 * mebibyte};
  expect_ok(f, cutlab_memory_check(f->context, &need, 42 * mebibyte, 64));
  assert_int_equal(cutlab_memory_check(f->context, &need, 41 * mebibyte, 64), CUTLAB_ERROR_MEMORY);
  assert_message(f->context, "needs 42 MiB");
  assert_message(f->context, "41 MiB are available: lower batch (64)");
  if (cutlab_memory_available("") > 0x1p36) skip(); /* 8 GiB for every value between layers */
  assert_int_equal(train(f, "a",
                         OVERRIDES("batch=52", "model=conv(1048576, kernel=1) | silu | silu | silu "
                                               "| silu | silu | silu | silu | silu | silu | silu | "
                                               "pool(mean, global) | linear")),
                   CUTLAB_ERROR_MEMORY);
  assert_message(f->context, "lower batch (52)");
  assert_false(there(f, "a"));
}

/* Before the files are opened, which are not there. */
static void memory_is_checked_before_data_are_read(void **state) {
  const fixture *f = *state;
  if (cutlab_memory_available("") > 0x1p37) skip(); /* 256 GB for activations */
  assert_int_equal(train(f, "a",
                         OVERRIDES("dataset=cifar10", "path=.", "model=resnet18", "batch=1000000",
                                   "backend=auto")),
                   CUTLAB_ERROR_MEMORY);
  assert_message(f->context, "lower batch (50000)");
  assert_false(there(f, "a"));
  assert_int_equal(train(f, "a", OVERRIDES("dataset=cifar10", "path=.")), CUTLAB_ERROR_IO);
  assert_message(f->context, "data_batch_1.bin is missing");
  assert_false(there(f, "a"));
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
      WITH_FOLDER(a_damaged_checkpoint_is_passed_over),
      WITH_FOLDER(an_unreadable_checkpoint_is_an_error),
      WITH_FOLDER(all_damaged_is_an_error),
      WITH_FOLDER(another_models_checkpoint_is_refused),
      WITH_FOLDER(another_runs_checkpoint_is_refused),
      WITH_FOLDER(divergence_stops_with_the_step),
      WITH_FOLDER(values_that_are_not_finite_are_not_saved),
      WITH_FOLDER(changed_data_are_refused),
      WITH_FOLDER(resumes_from_another_working_folder),
      WITH_FOLDER(one_training_in_a_folder_at_a_time),
      WITH_FOLDER(what_another_finished_meanwhile_is_left),
      WITH_FOLDER(what_another_began_meanwhile_goes_on),
      WITH_FOLDER(what_another_is_at_is_told_from_what_fails),
      WITH_FOLDER(a_file_system_without_locks_is_a_warning),
      WITH_FOLDER(half_written_files_are_removed),
      WITH_FOLDER(checkpoints_without_a_run_are_refused),
      WITH_FOLDER(folders_that_cannot_be),
      WITH_FOLDER(torn_files_are_mended),
      WITH_FOLDER(no_checkpoint_is_the_start),
      WITH_FOLDER(a_small_data_set_is_one_batch),
      WITH_FOLDER(predictions_are_those_of_the_run),
      WITH_FOLDER(a_fold_is_held_out_and_predicted),
      WITH_FOLDER(another_fold_is_another_training),
      WITH_FOLDER(planted_features_are_measured),
      WITH_FOLDER(describes_before_it_starts),
      WITH_FOLDER(batches_are_in_the_shared_order),
      WITH_FOLDER(failures_of_workers_come_in_order),
      WITH_FOLDER(loaders_close_at_any_time),
      WITH_FOLDER(the_lowest_limit_counts),
      WITH_FOLDER(the_address_space_may_be_limited),
      WITH_FOLDER(too_little_memory_is_said),
      WITH_FOLDER(memory_is_checked_before_data_are_read),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
