/* The folder of a training: checkpoints that are damaged or of others, the lock, and what killed
   processes leave. */
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/lock.h"
#include "small_training.h"
#include "train/checkpoint.h"

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
    char *path = path_of(f, file);
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
  char *path = path_of(f, "a/checkpoints/00000014.npz"), *kept = path_of(f, "a/kept.npz");
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
  char *paths[2] = {path_of(f, "a/checkpoints/00000012.npz"),
                    path_of(f, "a/checkpoints/00000014.npz")};
  for (int i = 0; i < 2; ++i) damage(paths[i], 1);
  assert_int_equal(resume(f, "a"), CUTLAB_ERROR_FORMAT);
  assert_message(f->context, "00000012.npz");
  for (int i = 0; i < 2; ++i) free(paths[i]);
}

/* A tensor of another shape, or none, is no damage: the user has mixed something up. */
static void another_models_checkpoint_is_refused(void **state) {
  const fixture *f = *state;
  stop_late(f, "a");
  char *path = path_of(f, "a/checkpoints/00000014.npz");
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

static void one_training_in_a_folder_at_a_time(void **state) {
  const fixture *f = *state;
  stop_late(f, "a");
  char *folder = path_of(f, "a"), *fresh = path_of(f, "fresh");
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

static cutlab_status share_on(const fixture *f, const char *file, const char *name, char **result,
                              bool *busy) {
  char *data = path_of(f, file), *folder = path_of(f, name);
  cutlab_training *settings = settings_for(f, NULL);
  expect_ok(f, cutlab_training_set(f->context, settings, "path", data));
  cutlab_status status = cutlab_train_share(f->context, result, busy, settings, folder);
  cutlab_training_free(settings);
  free(folder);
  free(data);
  return status;
}

static cutlab_status share(const fixture *f, const char *name, char **result, bool *busy) {
  need_data(f);
  return share_on(f, "data.npz", name, result, busy);
}

/* Which file it is and when it was written. */
static struct stat result_file(const fixture *f) {
  char *path = path_of(f, "a/result.json");
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
    char *result, *folder = path_of(f, "a");
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
  char *folder = path_of(f, "a"), *blocked = path_of(f, "b/lock");
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
  char *folder = path_of(f, "a");
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

static cutlab_status relocate(const fixture *f, const char *name, const char *data) {
  char *folder = path_of(f, name), *path = path_of(f, data);
  cutlab_status status = cutlab_train_relocate(f->context, folder, path);
  free(path);
  free(folder);
  return status;
}

static void move_data(const fixture *f, const char *from, const char *to) {
  char *old = path_of(f, from), *new = path_of(f, to);
  assert_int_equal(rename(old, new), 0);
  free(old);
  free(new);
}

static void data_may_move(void **state) {
  const fixture *f = *state;
  size_t size, same;
  expect_ok(f, train(f, "whole", NULL));
  stop_late(f, "a");
  move_data(f, "data.npz", "moved.npz");
  free(write_data(f, "other.npz", 2));
  char *before = read_text(f, "a", "run.json", &size);
  assert_int_equal(resume(f, "a"), CUTLAB_ERROR_IO);
  assert_int_equal(relocate(f, "a", "none.npz"), CUTLAB_ERROR_IO);
  assert_int_equal(relocate(f, "a", "other.npz"), CUTLAB_ERROR_FORMAT);
  assert_message(f->context, "other.npz are not those that the run began with (fingerprint ");
  char *after = read_text(f, "a", "run.json", &same);
  assert_string_equal(before, after);
  expect_ok(f, relocate(f, "a", "moved.npz"));
  expect_ok(f, resume(f, "a"));
  assert_same_run(f, "whole", "a");
  move_data(f, "moved.npz", "data.npz"); /* a finished run's too */
  expect_ok(f, relocate(f, "a", "data.npz"));
  free(after);
  after = read_text(f, "a", "run.json", &same);
  assert_string_equal(before, after); /* but for the path nothing changes */
  free(after);
  free(before);
}

static void shared_runs_follow_their_data(void **state) {
  const fixture *f = *state;
  stop_late(f, "a");
  move_data(f, "data.npz", "moved.npz");
  free(write_data(f, "other.npz", 2));
  assert_int_equal(share_on(f, "other.npz", "a", NULL, NULL), CUTLAB_ERROR_FORMAT);
  assert_message(f->context, "other.npz are not those that the run began with");
  expect_ok(f, share_on(f, "moved.npz", "a", NULL, NULL));
  assert_true(there(f, "a/result.json"));
}

static void no_run_has_no_data(void **state) {
  const fixture *f = *state;
  assert_int_equal(relocate(f, "nothing", "data.npz"), CUTLAB_ERROR_IO);
  assert_message(f->context, "nothing/run.json");
  assert_false(there(f, "nothing"));
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
  char *record = path_of(f, "a/run.json");
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
  char *path = path_of(f, "none.npz");
  cutlab_training *settings = settings_for(f, NULL);
  expect_ok(f, cutlab_training_set(f->context, settings, "path", path));
  assert_int_equal(cutlab_train_execute(f->context, NULL, settings, f->folder),
                   CUTLAB_ERROR_ARGUMENT);
  assert_message(f->context, "holds other things (data.npz)");
  char *fresh = path_of(f, "fresh");
  assert_int_equal(cutlab_train_execute(f->context, NULL, settings, fresh), CUTLAB_ERROR_IO);
  assert_message(f->context, "none.npz");
  free(fresh);
  assert_false(there(f, "fresh"));
  cutlab_training_free(settings);
  free(path);
  path = path_of(f, "run.json");
  expect_ok(f, cutlab_file_write(f->context, path, "{\"format\": \"cutlab-run\"}", 24));
  assert_int_equal(resume(f, "."), CUTLAB_ERROR_FORMAT);
  assert_message(f->context, "not a training of format version");
  free(path);
}

static void fail_in(const fixture *f, const char *name) {
  assert_int_equal(share_on(f, "none.npz", name, NULL, NULL), CUTLAB_ERROR_IO);
  assert_message(f->context, "none.npz");
}

/* What fails before there is a run leaves nothing that it made, and all that was there. */
static void a_failed_beginning_leaves_nothing(void **state) {
  const fixture *f = *state;
  char *empty = path_of(f, "kept/empty");
  fail_in(f, "new/folders/run");
  assert_false(there(f, "new/folders/run")); /* others may be about to begin beside it */
  expect_ok(f, cutlab_folder_make(f->context, empty));
  fail_in(f, "kept/empty");
  assert_true(there(f, "kept/empty"));
  assert_false(there(f, "kept/empty/lock"));
  fail_in(f, "kept/new/");
  assert_true(there(f, "kept"));
  assert_false(there(f, "kept/new"));
  put(f, "old", "lock", "");
  fail_in(f, "old");
  assert_true(there(f, "old/lock"));
  free(empty);
}

static void remove_lock(const fixture *f) {
  char *path = path_of(f, "a/lock");
  assert_int_equal(unlink(path), 0);
  free(path);
}

/* A lock whose file was removed between its opening and its locking locks nobody out. */
static void a_removed_lock_is_no_lock(void **state) {
  const fixture *f = *state;
  int lock;
  char *folder = path_of(f, "a");
  expect_ok(f, cutlab_folder_make(f->context, folder));
  locking.f = f;
  locking.faster = remove_lock;
  expect_ok(f, cutlab_lock_take(f->context, &lock, NULL, folder));
  assert_null(locking.faster);
  assert_true(there(f, "a/lock"));
  cutlab_lock_release(lock);
  free(folder);
}

/* Killed at any time: an incomplete line is dropped with the rest behind the checkpoint. */
static void torn_files_are_mended(void **state) {
  const fixture *f = *state;
  expect_ok(f, train(f, "whole", NULL));
  stop_late(f, "a");
  static const char *const files[] = {"a/metrics.jsonl", "a/metrics.csv", "a/steps.jsonl"};
  for (int i = 0; i < 3; ++i) {
    char *path = path_of(f, files[i]);
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
  char *folder = path_of(f, "a/checkpoints");
  assert_int_equal(temporary_remove(folder), 0);
  cutlab_context_set_warning(f->context, take_warning, NULL);
  warning[0] = 0;
  expect_ok(f, resume(f, "a"));
  assert_non_null(strstr(warning, "metrics.jsonl has lines; starting again from step 0"));
  assert_same_run(f, "whole", "a");
}

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, fixture_up, fixture_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      WITH_FOLDER(a_damaged_checkpoint_is_passed_over),
      WITH_FOLDER(an_unreadable_checkpoint_is_an_error),
      WITH_FOLDER(all_damaged_is_an_error),
      WITH_FOLDER(another_models_checkpoint_is_refused),
      WITH_FOLDER(another_runs_checkpoint_is_refused),
      WITH_FOLDER(one_training_in_a_folder_at_a_time),
      WITH_FOLDER(what_another_finished_meanwhile_is_left),
      WITH_FOLDER(what_another_began_meanwhile_goes_on),
      WITH_FOLDER(what_another_is_at_is_told_from_what_fails),
      WITH_FOLDER(a_file_system_without_locks_is_a_warning),
      WITH_FOLDER(data_may_move),
      WITH_FOLDER(shared_runs_follow_their_data),
      WITH_FOLDER(no_run_has_no_data),
      WITH_FOLDER(half_written_files_are_removed),
      WITH_FOLDER(checkpoints_without_a_run_are_refused),
      WITH_FOLDER(folders_that_cannot_be),
      WITH_FOLDER(a_failed_beginning_leaves_nothing),
      WITH_FOLDER(a_removed_lock_is_no_lock),
      WITH_FOLDER(torn_files_are_mended),
      WITH_FOLDER(no_checkpoint_is_the_start),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
