/* Whether a training fits into memory, and how that is said. */
#include <math.h>

#include "small_training.h"
#include "train/memory.h"

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
  const cutlab_memory_need need = {.data = 100 * mebibyte,
                                   .values = 10 * mebibyte,
                                   .compute = 30 * mebibyte,
                                   .loader = 2 * mebibyte,
                                   .checkpoint = 5 * mebibyte,
                                   .drawing = 50 * mebibyte};
  assert_float_equal(cutlab_memory_total(&need), 147 * mebibyte, 0);
  expect_ok(f, cutlab_memory_check(f->context, &need, 47 * mebibyte, 64));
  assert_int_equal(cutlab_memory_check(f->context, &need, 46 * mebibyte, 64), CUTLAB_ERROR_MEMORY);
  assert_message(f->context, "needs 47 MiB");
  assert_message(f->context, "46 MiB are available: lower batch (64)");
  assert_int_equal(cutlab_memory_check(f->context, &need, 14 * mebibyte, 64), CUTLAB_ERROR_MEMORY);
  assert_message(f->context, "14 MiB are available: take a smaller model");
  expect_ok(f, cutlab_memory_check_data(f->context, &need, 150 * mebibyte));
  assert_int_equal(cutlab_memory_check_data(f->context, &need, 149 * mebibyte),
                   CUTLAB_ERROR_MEMORY);
  assert_message(f->context, "the data need 150 MiB, and 149 MiB are available: lower "
                             "train_examples or test_examples");
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

/* Before they are drawn. */
static void data_that_do_not_fit_are_not_drawn(void **state) {
  const fixture *f = *state;
  if (cutlab_memory_available("") > 0x1p41) skip(); /* 3 TB with what drawing takes */
  const char *const settings[] = {"dataset=feature-noise", "train_examples=1000000000", NULL};
  cutlab_training *training = settings_over(f, settings, NULL);
  char *folder = path_of(f, "a");
  assert_int_equal(cutlab_train_execute(f->context, NULL, training, folder), CUTLAB_ERROR_MEMORY);
  assert_message(f->context, "the data need 2937327 MiB");
  assert_false(there(f, "a"));
  free(folder);
  cutlab_training_free(training);
}

/* A checkpoint of momentum's values and velocities, in memory twice while it is written. */
static void checkpoints_are_counted(void **state) {
  const fixture *f = *state;
  const char *const settings[] = {"dataset=feature-noise",
                                  "model=linear(1024) | linear(1024) | linear", "batch=8",
                                  "momentum=.9", NULL};
  char *text;
  cutlab_training *training = settings_over(f, settings, NULL);
  expect_ok(f, cutlab_train_describe(f->context, &text, training));
  /* (256 + 1) 1024 + 1025 1024 + 1025 2 = 1314818 values of 4 bytes */
  assert_non_null(strstr(text, "values and optimiser 15, checkpoints 20, activations"));
  cutlab_free(text);
  cutlab_training_free(training);
}

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, fixture_up, fixture_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      WITH_FOLDER(the_lowest_limit_counts),
      WITH_FOLDER(the_address_space_may_be_limited),
      WITH_FOLDER(too_little_memory_is_said),
      WITH_FOLDER(memory_is_checked_before_data_are_read),
      WITH_FOLDER(data_that_do_not_fit_are_not_drawn),
      WITH_FOLDER(checkpoints_are_counted),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
