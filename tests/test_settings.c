/* Settings of trainings: the table, recipes, files, rules, and the policy put together from them.
 */

#include <cutlab/augment.h>

#include "fixture.h"
#include "train/settings.h"

typedef struct settings_fixture {
  cutlab_context *context;
  cutlab_training *training;
  char *folder, path[512];
} settings_fixture;

static int set_up(void **state) {
  settings_fixture *f = calloc(1, sizeof *f);
  *state = f;
  f->folder = temporary_make();
  if (!f->folder || cutlab_context_create(&f->context) != CUTLAB_OK) return 1;
  snprintf(f->path, sizeof f->path, "%s/file.yaml", f->folder);
  return cutlab_training_create(f->context, &f->training) != CUTLAB_OK;
}

static int tear_down(void **state) {
  settings_fixture *f = *state;
  cutlab_training_free(f->training);
  cutlab_context_free(f->context);
  int failed = temporary_remove(f->folder);
  free(f);
  return failed;
}

static void set(settings_fixture *f, const char *key, const char *value) {
  cutlab_status status = cutlab_training_set(f->context, f->training, key, value);
  if (status != CUTLAB_OK) fail_msg("%s=%s: %s", key, value, cutlab_context_message(f->context));
}

/* Refused as an argument, with `part` in the message; nothing changes. */
static void refuse(settings_fixture *f, const char *key, const char *value, const char *part) {
  cutlab_training *before = malloc(sizeof *before);
  assert_non_null(before);
  *before = *f->training;
  assert_int_equal(cutlab_training_set(f->context, f->training, key, value), CUTLAB_ERROR_ARGUMENT);
  assert_message(f->context, part);
  assert_memory_equal(before, f->training, sizeof *before);
  free(before);
}

static void assert_value(settings_fixture *f, const char *key, const char *expected) {
  char *text = cutlab_training_get(f->training, key);
  assert_non_null(text);
  assert_string_equal(text, expected);
  cutlab_free(text);
}

static void write_file(const char *path, const char *text) {
  FILE *file = fopen(path, "wb");
  assert_non_null(file);
  assert_true(fputs(text, file) >= 0);
  fclose(file);
}

static void test_table(void **state) {
  settings_fixture *f = *state;
  int count = 0;
  const cutlab_parameter *row;
  for (; (row = cutlab_training_parameter(count)); ++count) {
    char *text = cutlab_training_get(f->training, row->name);
    assert_non_null(text);
    set(f, row->name, text); /* what get gives, set accepts */
    cutlab_free(text);
    if (strcmp(row->kind, "text") == 0) continue;
    refuse(f, row->name, "", row->accepted);
    refuse(f, row->name, "junk", "'junk'");
    refuse(f, row->name, "nan", "'nan'");
  }
  assert_true(count > 40);
  assert_null(cutlab_training_parameter(-1));
  assert_null(cutlab_training_get(f->training, "nothing"));
  refuse(f, "learning-rate", "1", "unknown setting 'learning-rate'; nearest: learning_rate");
  refuse(f, "momentum", "1", ">= 0 and < 1");
  refuse(f, "epochs", "0", "1 to");
  refuse(f, "batch", "-5", "1 to");
  refuse(f, "dataset", "cifar", "mnist | cifar10");
  refuse(f, "nesterov", "true", "no | yes");
  refuse(f, "step_epochs", "[3, 2]", "item 2 is '2'");
  refuse(f, "step_epochs", "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17", "at most 16");
  refuse(f, "path", "\xff", "UTF-8");
}

static void test_texts(void **state) {
  settings_fixture *f = *state;
  char *longest = calloc(1, cutlab_path_size + 1);
  assert_non_null(longest);
  memset(longest, 'x', cutlab_path_size - 1);
  set(f, "path", longest);
  longest[cutlab_path_size - 1] = 'x';
  refuse(f, "path", longest, "4096 bytes; accepted: at most 4095");
  free(longest);
  set(f, "path", "a \"b\"\\ \t'c'");
  assert_value(f, "path", "a \"b\"\\ \t'c'");
  set(f, "model", "conv(8)\n| linear\n");
  assert_string_equal(f->training->model, "conv(8)\n| linear\n");
  set(f, "path", "");
  assert_value(f, "path", "");
}

static void test_recipes(void **state) {
  settings_fixture *f = *state;
  const char *name, *yaml;
  assert_value(f, "model", "resnet20");
  assert_value(f, "augment", "flip | crop(pad=4)");
  for (int i = 0; (yaml = cutlab_training_recipe(i, &name)); ++i) {
    assert_true(*yaml == '#');
    set(f, "dataset", name);
    set(f, "path", "somewhere");
    if (cutlab_training_validate(f->context, f->training) != CUTLAB_OK)
      fail_msg("%s: %s", name, cutlab_context_message(f->context));
  }
  assert_null(cutlab_training_recipe(6, NULL));
  assert_null(cutlab_training_recipe(-1, NULL));
  set(f, "dataset", "cifar100");
  assert_value(f, "cut_share", "0.25");
  set(f, "dataset", "feature-noise");
  assert_value(f, "cut_share", "0.5"); /* nothing stays of the recipe before */
  assert_value(f, "augment", "");
  assert_value(f, "schedule", "constant");
  assert_false(f->training->normalise);
  assert_true(f->training->momentum == 0);
}

/* What is set by name stays, whichever way round. */
static void test_given(void **state) {
  settings_fixture *f = *state;
  set(f, "epochs", "7");
  set(f, "augment", "");
  set(f, "mix_probability", "0.5"); /* as the default, but given */
  set(f, "dataset", "mnist");
  set(f, "method", "mixup");
  set(f, "batch", "9");
  assert_value(f, "epochs", "7");
  assert_value(f, "augment", "");
  assert_value(f, "model", "cnn");
  assert_value(f, "mix_probability", "0.5");
  set(f, "dataset", "cifar10");
  assert_value(f, "batch", "9");
  assert_value(f, "model", "resnet20");
  assert_value(f, "method", "mixup");
}

/* Methods and optimisers with values of their own. */
static void test_resolved(void **state) {
  settings_fixture *f = *state;
  assert_value(f, "mix_probability", "0.5");
  set(f, "method", "mixup");
  assert_value(f, "mix_probability", "1");
  set(f, "dataset", "mnist");
  assert_value(f, "mix_probability", "1");
  set(f, "method", "cutmix");
  assert_value(f, "mix_probability", "0.5");
  set(f, "weight_decay", "0.25");
  set(f, "optimiser", "adamw");
  assert_value(f, "learning_rate", "0.001");
  assert_value(f, "weight_decay", "0.25");
  set(f, "dataset", "cifar10");
  assert_value(f, "learning_rate", "0.001");
  set(f, "optimiser", "sgd");
  assert_value(f, "learning_rate", "0.2");
}

/* What the settings are after they have been written and read, as JSON or YAML. */
static cutlab_training *read_back(settings_fixture *f, bool json) {
  char *text;
  cutlab_training *other;
  assert_int_equal(cutlab_training_create(f->context, &other), CUTLAB_OK);
  assert_int_equal(
      (json ? cutlab_training_to_json : cutlab_training_to_yaml)(f->context, &text, f->training),
      CUTLAB_OK);
  write_file(f->path, text);
  assert_int_equal(json ? cutlab_training_from_json(f->context, other, text)
                        : cutlab_training_load_yaml(f->context, other, f->path),
                   CUTLAB_OK);
  cutlab_free(text);
  return other;
}

static void test_files(void **state) {
  settings_fixture *f = *state;
  set(f, "step_epochs", "[2, 3.5]");
  set(f, "path", "a \"b\": # c\n\ttail");
  set(f, "policy", "flip | cutmix");
  set(f, "dataset", "mnist");
  for (int json = 0; json < 2; ++json) {
    char *text, *again;
    cutlab_training *other = read_back(f, json);
    assert_int_equal(cutlab_training_to_json(f->context, &again, other), CUTLAB_OK);
    assert_int_equal(cutlab_training_to_json(f->context, &text, f->training), CUTLAB_OK);
    assert_string_equal(text, again);
    cutlab_free(text);
    cutlab_free(again);
    other->given = f->training->given;
    assert_memory_equal(other, f->training, sizeof *other);
    cutlab_training_free(other);
  }
}

static void test_bad_files(void **state) {
  settings_fixture *f = *state;
  char place[600];
  cutlab_training *before = malloc(sizeof *before);
  assert_non_null(before);
  *before = *f->training;
  write_file(f->path, "epochs: 3\nbatch:  0\n");
  assert_int_equal(cutlab_training_load_yaml(f->context, f->training, f->path),
                   CUTLAB_ERROR_ARGUMENT);
  snprintf(place, sizeof place, "%s:2:9: batch is '0'", f->path);
  assert_message(f->context, place);
  write_file(f->path, "epochs: 3\nbach: 1\n");
  assert_int_equal(cutlab_training_load_yaml(f->context, f->training, f->path),
                   CUTLAB_ERROR_ARGUMENT);
  snprintf(place, sizeof place, "%s:2:1: unknown setting 'bach'; nearest: batch", f->path);
  assert_message(f->context, place);
  write_file(f->path, "- a\n");
  assert_int_equal(cutlab_training_load_yaml(f->context, f->training, f->path),
                   CUTLAB_ERROR_FORMAT);
  assert_message(f->context, "`setting: value`");
  assert_int_equal(
      cutlab_training_from_json(f->context, f->training, "{\"epochs\": 3, \"seed\": []"),
      CUTLAB_ERROR_FORMAT);
  assert_int_equal(
      cutlab_training_from_json(f->context, f->training, "{\"epochs\": 3, \"seed\": null}"),
      CUTLAB_ERROR_ARGUMENT);
  assert_message(f->context, "seed");
  assert_int_equal(cutlab_training_from_json(f->context, f->training, "[]"), CUTLAB_ERROR_FORMAT);
  assert_message(f->context, "settings in JSON are not an object");
  assert_memory_equal(before, f->training, sizeof *before);
  free(before);
}

static void test_model_file(void **state) {
  settings_fixture *f = *state;
  char path[600];
  snprintf(path, sizeof path, "%s/net.model", f->folder);
  assert_int_equal(cutlab_training_set(f->context, f->training, "model", path), CUTLAB_ERROR_IO);
  assert_message(f->context, "net.model");
  assert_value(f, "model", "resnet20");
  write_file(path, "conv(8) | pool(mean, global)\n | linear\n");
  set(f, "model", path);
  assert_value(f, "model", "conv(8) | pool(mean, global)\n | linear\n");
  set(f, "dataset", "mnist"); /* it was given */
  assert_value(f, "model", "conv(8) | pool(mean, global)\n | linear\n");
  write_file(path, " \n");
  assert_int_equal(cutlab_training_set(f->context, f->training, "model", path),
                   CUTLAB_ERROR_FORMAT);
  assert_message(f->context, "is empty");
}

static void invalid(settings_fixture *f, const char *part) {
  assert_int_equal(cutlab_training_validate(f->context, f->training), CUTLAB_ERROR_ARGUMENT);
  assert_message(f->context, part);
}

static void test_rules(void **state) {
  settings_fixture *f = *state;
  invalid(f, "path is empty; accepted: where the data of dataset cifar10 are");
  set(f, "path", "data");
  assert_int_equal(cutlab_training_validate(f->context, f->training), CUTLAB_OK);
  set(f, "schedule", "step");
  invalid(f, "step_epochs is empty");
  set(f, "step_epochs", "[10, 30]");
  invalid(f, "step_epochs has 30 with 10 epochs");
  set(f, "epochs", "31");
  assert_int_equal(cutlab_training_validate(f->context, f->training), CUTLAB_OK);
  set(f, "warmup", "32");
  invalid(f, "warmup is 32 with 31 epochs");
  set(f, "warmup", "31");
  set(f, "augment", "flop");
  invalid(f, "augment: ");
  set(f, "augment", "normalise | mixup");
  assert_int_equal(cutlab_training_validate(f->context, f->training), CUTLAB_OK);
  set(f, "policy", "cutmix | crop");
  invalid(f, "policy: ");
  set(f, "policy", "");
  set(f, "model", " \n");
  invalid(f, "model is empty");
}

/* What a policy stands instead of is refused by name, and is no matter where a recipe has it. */
static void test_beside_policy(void **state) {
  settings_fixture *f = *state;
  static const char *const set_by_name[][2] = {{"method", "mixup"},
                                               {"augment", "flip"},
                                               {"alpha", ".2"},
                                               {"mix_probability", "1"},
                                               {"cut_share", ".25"}};
  for (size_t i = 0; i < sizeof set_by_name / sizeof *set_by_name; ++i) {
    char expected[128];
    cutlab_training_free(f->training);
    assert_int_equal(cutlab_training_create(f->context, &f->training), CUTLAB_OK);
    set(f, "path", "data");
    set(f, "policy", "cutmix");
    assert_int_equal(cutlab_training_validate(f->context, f->training), CUTLAB_OK);
    set(f, set_by_name[i][0], set_by_name[i][1]);
    snprintf(expected, sizeof expected,
             "%s is set beside policy, which stands instead of it; accepted: one of the two",
             set_by_name[i][0]);
    invalid(f, expected);
    set(f, "policy", " ");
    assert_int_equal(cutlab_training_validate(f->context, f->training), CUTLAB_OK);
  }
}

/* All is there by name then. */
static void test_policy_read_back(void **state) {
  settings_fixture *f = *state;
  set(f, "dataset", "mnist");
  set(f, "path", "data");
  set(f, "policy", "cutmix");
  for (int json = 0; json < 2; ++json) {
    cutlab_training *other = read_back(f, json);
    assert_int_equal(cutlab_training_validate(f->context, other), CUTLAB_OK);
    cutlab_training_free(other);
  }
  /* what stands in YAML, with other data too, whose recipe augments otherwise */
  cutlab_training *other = read_back(f, false);
  assert_int_equal(cutlab_training_set(f->context, other, "dataset", "cifar10"), CUTLAB_OK);
  assert_int_equal(cutlab_training_validate(f->context, other), CUTLAB_OK);
  cutlab_training_free(other);
}

/* The policy's text for images of this size and two channels. */
static void assert_policy(settings_fixture *f, int64_t height, int64_t width, const char *expected,
                          const char *evaluation) {
  const cutlab_collection images = {.channels = 2,
                                    .height = height,
                                    .width = width,
                                    .mean = {.5, .1},
                                    .deviation = {.25, 1. / 3}};
  char *text;
  cutlab_policy *policy;
  assert_int_equal(cutlab_training_policy(f->context, &text, f->training, &images), CUTLAB_OK);
  assert_int_equal(cutlab_policy_create(f->context, &policy, expected), CUTLAB_OK);
  assert_string_equal(text, cutlab_policy_text(policy));
  cutlab_policy_free(policy);
  free(text);
  assert_int_equal(cutlab_training_evaluation_policy(f->context, &text, f->training, &images),
                   CUTLAB_OK);
  assert_int_equal(cutlab_policy_create(f->context, &policy, evaluation), CUTLAB_OK);
  assert_string_equal(text, cutlab_policy_text(policy));
  cutlab_policy_free(policy);
  free(text);
}

static void test_policy(void **state) {
  settings_fixture *f = *state;
#define NORMALISE "normalise(mean=(.5, .1), std=(.25, 0.33333333333333331))"
  assert_policy(f, 32, 32, "flip | crop(pad=4) | " NORMALISE, NORMALISE);
  set(f, "augment", " ");
  assert_policy(f, 32, 32, NORMALISE, NORMALISE);
  set(f, "method", "cutmix");
  assert_policy(f, 32, 32, "cutmix(alpha=1, p=.5) | " NORMALISE, NORMALISE);
  set(f, "augment", "- flip\n- crop: {pad: 2}\n");
  set(f, "method", "mixup");
  set(f, "alpha", ".3");
  assert_policy(f, 32, 32, "flip | crop(pad=2) | mixup(alpha=.3) | " NORMALISE, NORMALISE);
  set(f, "method", "cutout");
  assert_policy(f, 32, 48, "flip | crop(pad=2) | " NORMALISE " | cutout(size=16)", NORMALISE);
  assert_policy(f, 1, 20, "flip | crop(pad=2) | " NORMALISE " | cutout(size=10)", NORMALISE);
  set(f, "cut_share", "0.001");
  assert_policy(f, 32, 48, "flip | crop(pad=2) | " NORMALISE " | cutout(size=1)", NORMALISE);
  set(f, "normalise", "no");
#define AS_IT_IS "normalise(mean=0, std=1)"
  assert_policy(f, 32, 48, "flip | crop(pad=2) | " AS_IT_IS " | cutout(size=1)", AS_IT_IS);
  set(f, "normalise", "yes");
  set(f, "policy", "cutmix | mixup");
  assert_policy(f, 32, 32, "cutmix | mixup | " NORMALISE, NORMALISE);
  set(f, "policy", "normalise(mean=(.1, .2), std=(3, 4)) | cutmix");
  assert_policy(f, 32, 32, "normalise(mean=(.1, .2), std=(3, 4)) | cutmix",
                "normalise(mean=(.1, .2), std=(3, 4))");
}

/* Cutting and mixing of images of this size that are made of tiles. */
static void assert_patches(settings_fixture *f, int64_t height, int64_t width, int64_t tile,
                           const char *expected) {
  const cutlab_collection world = {.channels = 1,
                                   .height = height,
                                   .width = width,
                                   .probes = {.feature_count = 3},
                                   .tile = tile};
  char *text;
  cutlab_policy *policy;
  assert_int_equal(cutlab_training_policy(f->context, &text, f->training, &world), CUTLAB_OK);
  assert_int_equal(cutlab_policy_create(f->context, &policy, expected), CUTLAB_OK);
  assert_string_equal(text, cutlab_policy_text(policy));
  cutlab_policy_free(policy);
  free(text);
}

static void test_policy_of_tiles(void **state) {
  settings_fixture *f = *state;
  set(f, "dataset", "feature-noise");
  set(f, "method", "cutmix");
  set(f, "mix_probability", "0.75");
  assert_patches(f, 16, 16, 8, "patch_cutmix(side=8, p=.75) | " AS_IT_IS);
  set(f, "method", "mixup");
  assert_patches(f, 16, 16, 8, "mixup(p=.75) | " AS_IT_IS);
  set(f, "method", "cutout"); /* fewer than half, but at least one */
  assert_patches(f, 16, 16, 8, AS_IT_IS " | patch_cutout(side=8, cut=1)");
  assert_patches(f, 9, 9, 3, AS_IT_IS " | patch_cutout(side=3, cut=4)");
  assert_patches(f, 1, 20, 4, AS_IT_IS " | patch_cutout(side=4, cut=2)");
  assert_patches(f, 1, 20, 10, AS_IT_IS " | patch_cutout(side=10, cut=1)");
  set(f, "cut_share", "0.25");
  assert_patches(f, 12, 12, 3, AS_IT_IS " | patch_cutout(side=3, cut=4)");
  set(f, "cut_share", "0.01");
  assert_patches(f, 12, 12, 3, AS_IT_IS " | patch_cutout(side=3, cut=1)");
  set(f, "policy", "cutmix");
  assert_patches(f, 12, 12, 3, "cutmix | " AS_IT_IS);
}

static void test_channels(void **state) {
  settings_fixture *f = *state;
  cutlab_collection images = {.channels = 17, .height = 4, .width = 4};
  char *text;
  set(f, "augment", "");
  assert_int_equal(cutlab_training_policy(f->context, &text, f->training, &images),
                   CUTLAB_ERROR_ARGUMENT);
  assert_message(f->context, "17 channels");
  set(f, "normalise", "no");
  assert_int_equal(cutlab_training_policy(f->context, &text, f->training, &images), CUTLAB_OK);
  free(text);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {
      TEST(test_table),         TEST(test_texts),           TEST(test_recipes),
      TEST(test_given),         TEST(test_resolved),        TEST(test_files),
      TEST(test_bad_files),     TEST(test_model_file),      TEST(test_rules),
      TEST(test_policy),        TEST(test_channels),        TEST(test_policy_of_tiles),
      TEST(test_beside_policy), TEST(test_policy_read_back)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
