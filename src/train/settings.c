/* The table of a training's settings, the recipes of data sets, and the rules across settings. */
#include "train/settings.h"

#include <float.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/parameters.h"

extern const char cutlab_recipe_mnist[], cutlab_recipe_cifar10[], cutlab_recipe_cifar100[],
    cutlab_recipe_folder[], cutlab_recipe_npy[], cutlab_recipe_feature_noise[];

static const struct {
  const char *dataset, *yaml;
} recipes[] = {
    {"mnist", cutlab_recipe_mnist},       {"cifar10", cutlab_recipe_cifar10},
    {"cifar100", cutlab_recipe_cifar100}, {"folder", cutlab_recipe_folder},
    {"npy", cutlab_recipe_npy},           {"feature-noise", cutlab_recipe_feature_noise}};
enum { recipe_count = sizeof recipes / sizeof *recipes };

static const char *const dataset_names[] = {"mnist", "cifar10",       "cifar100", "folder",
                                            "npy",   "feature-noise", NULL};
static const char *const shape_names[] = {"image", "series", NULL};
static const char *const position_names[] = {"uniform", "fixed", NULL};
static const char *const init_names[] = {"he", "uniform", "normal", NULL};
static const char *const backend_names[] = {"auto", "onednn", "reference", NULL};
static const char *const method_names[] = {"erm", "cutout", "cutmix", "mixup", NULL};
static const char *const optimiser_names[] = {"sgd", "adamw", NULL};
static const char *const schedule_names[] = {"constant", "step", "cosine", "one-cycle", NULL};
static const char *const yes_no[] = {"no", "yes", NULL};

#define CUTLAB_ROWS_OF struct cutlab_training
#define INTEGER CUTLAB_ROW_INTEGER
#define NUMBER CUTLAB_ROW_NUMBER
#define CHOICE(name_, choices_, accepted_, default_, text_)                                        \
  CUTLAB_ROW_CHOICE(#name_, name_, choices_, accepted_, default_, text_)
#define YES_NO(name_, default_, text_) CHOICE(name_, yes_no, "no | yes", default_, text_)
#define WORD(name_, choices_, accepted_, default_, text_)                                          \
  {                                                                                                \
    .shown = {#name_, "choice", accepted_, text_}, .kind = CUTLAB_KIND_CHOICE, .is_text = true,    \
    CUTLAB_FIELD(name_, name_), .choices = (choices_), .default_text = (default_)                  \
  }
#define TEXT(name_, accepted_, default_, text_)                                                    \
  {                                                                                                \
    .shown = {#name_, "text", accepted_, text_}, .kind = CUTLAB_KIND_TEXT,                         \
    CUTLAB_FIELD(name_, name_), .default_text = (default_)                                         \
  }

static const cutlab_row rows[] = {
    WORD(dataset, dataset_names, "mnist | cifar10 | cifar100 | folder | npy | feature-noise",
         "cifar10", "What is learnt from; brings its recipe."),
    TEXT(path, "a folder or file", "",
         "The data; for feature-noise a YAML file of the world, or nothing."),
    INTEGER(train_examples, 0, 1000000000, "0", "Training examples, the first so many; 0: all."),
    INTEGER(test_examples, 0, 1000000000, "0", "Test examples, the first so many; 0: all."),
    WORD(shape, shape_names, "image | series", "image",
         "Of feature-noise: how patches become an input."),
    WORD(position, position_names, "uniform | fixed", "uniform",
         "Of feature-noise: where the feature patch stands."),
    TEXT(fold, "I/K, such as 1/5, or nothing", "",
         "Part I of K of the training examples is held out of training and predicted at the end, "
         "for cutlab audit; the same parts for every method and seed."),
    TEXT(model, "a name, layers, or a file that ends in .model", "resnet20",
         "The network; cutlab train --list has the names. A file is read when it is named."),
    CHOICE(
        init, init_names, "he | uniform | normal", "he",
        "First weights: N(0, 2 / fan in), uniform on +-1 / sqrt(fan in), or N(0, init_scale^2)."),
    NUMBER(init_scale, CUTLAB_ABOVE_ZERO, DBL_MAX, "> 0", "1",
           "Factor of the first weights; their standard deviation where init is normal."),
    WORD(backend, backend_names, "auto | onednn | reference", "auto",
         "What computes: oneDNN where it was built in, or plain loops."),
    CHOICE(method, method_names, "erm | cutout | cutmix | mixup", "erm",
           "How training images are cut and mixed after augment."),
    TEXT(augment, "a policy, or nothing", "",
         "Augmentation before the method, in the policy language: flip | crop(pad=4)."),
    TEXT(policy, "a policy, or nothing", "",
         "Augmentation instead of augment and method; normalisation is added if it has none."),
    NUMBER(alpha, 1e-6, 1000, "1e-6 to 1000", "1",
           "Of cutmix and mixup: lambda ~ Beta(alpha, alpha) (Yun et al. 2019 and, on CIFAR, "
           "Zhang et al. 2018: 1)."),
    NUMBER(mix_probability, 0, 1, "0 to 1", "0.5",
           "Of cutmix and mixup: share of images that are mixed; with mixup 1 by default (Yun et "
           "al. 2019, CIFAR: 0.5; Zhang et al. 2018: 1)."),
    NUMBER(cut_share, CUTLAB_ABOVE_ZERO, 1, "> 0, to 1", "0.5",
           "Of cutout: side of the square as a share of the image's shorter side, a series' length "
           "(DeVries and Taylor 2017: 16 of 32 pixels for CIFAR-10, 8 for CIFAR-100); with "
           "feature-noise the share of the tiles, at least one and fewer than half (Oh and Yun "
           "2024)."),
    YES_NO(normalise, "yes",
           "Subtract the training data's mean and divide by its deviation, for every channel."),
    NUMBER(label_smoothing, 0, CUTLAB_BELOW_ONE, ">= 0 and < 1", "0",
           "Share of a label that is spread over all classes, before mixing."),
    INTEGER(epochs, 1, 1000000, "30", "Passes over the training examples."),
    INTEGER(batch, 1, 1000000, "128", "Examples of a step; a last, smaller batch is left out."),
    CHOICE(optimiser, optimiser_names, "sgd | adamw", "sgd",
           "How gradients become steps; adamw brings learning_rate 0.001 and weight_decay 0.01 "
           "(PyTorch's) unless they are set."),
    NUMBER(learning_rate, CUTLAB_ABOVE_ZERO, DBL_MAX, "> 0", "0.1",
           "Step size; the largest one where a schedule changes it."),
    NUMBER(momentum, 0, CUTLAB_BELOW_ONE, ">= 0 and < 1", "0.9", "Of sgd."),
    NUMBER(weight_decay, 0, DBL_MAX, ">= 0", "5e-4", "Factor of the weights in every step."),
    YES_NO(nesterov, "yes", "Of sgd: Nesterov's momentum."),
    YES_NO(decay_norms, "no", "Weight decay on the scales, shifts and biases too."),
    NUMBER(beta1, 0, CUTLAB_BELOW_ONE, ">= 0 and < 1", "0.9",
           "Of adamw: memory of the mean gradient."),
    NUMBER(beta2, 0, CUTLAB_BELOW_ONE, ">= 0 and < 1", "0.999",
           "Of adamw: memory of the squared gradient."),
    NUMBER(epsilon, CUTLAB_ABOVE_ZERO, DBL_MAX, "> 0", "1e-8",
           "Of adamw: added to the root of the squared gradient."),
    CHOICE(schedule, schedule_names, "constant | step | cosine | one-cycle", "one-cycle",
           "Course of the learning rate: level, down in steps, down along half a cosine, or up and "
           "down."),
    NUMBER(warmup, 0, 1e6, "0 to 1e6", "0",
           "Epochs in which the rate rises at first; of one-cycle, 0: three tenths of all."),
    NUMBER(final_rate, 0, 1, "0 to 1", "0",
           "Of cosine and one-cycle: rate at the end, as a share of learning_rate."),
    {.shown = {"step_epochs", "list of numbers", "each > 0, rising, at most 16",
               "Of step: epochs after which the rate is multiplied by step_factor."},
     .kind = CUTLAB_KIND_NUMBERS,
     .low = CUTLAB_ABOVE_ZERO,
     .high = 1e6,
     CUTLAB_FIELD(step_epochs, step_epochs[0]),
     .count_offset = offsetof(struct cutlab_training, step_count),
     .capacity = 16,
     .order = 1,
     .may_be_empty = true,
     .default_text = "[]"},
    NUMBER(step_factor, CUTLAB_ABOVE_ZERO, 1, "> 0, to 1", "0.1", "Of step: factor of the rate."),
    INTEGER(seed, 0, 9223372036854775807, "1",
            "Seed of the weights, the order, the augmentation and drawn data."),
    INTEGER(workers, 1, 1024, "2", "Threads that make batches. Results do not depend on it."),
    INTEGER(evaluate_every, 1, 1000000, "1", "Epochs between evaluations; the last is evaluated."),
    INTEGER(checkpoint_every, 1, 1000000, "1", "Epochs between checkpoints."),
    NUMBER(checkpoint_minutes, 0, 1e6, "0 to 1e6", "10",
           "Also a checkpoint after so many minutes; 0: never."),
    INTEGER(keep, 1, 1000000, "2", "Checkpoints kept, the latest."),
    YES_NO(clean_accuracy, "no",
           "Also measure the accuracy on training examples as they are, without augmentation."),
    YES_NO(log_steps, "no", "Also log the loss of every step, in steps.jsonl."),
    YES_NO(log_examples, "no",
           "Also log how every training example fares after each epoch, in examples/, and at the "
           "end its difficulty, in difficulty.npz."),
};
enum { row_count = sizeof rows / sizeof *rows };
_Static_assert(row_count <= 64, "cutlab_training.given has one bit a row");

static const cutlab_table table = {
    .what = "setting", .rows = rows, .count = row_count, .size = sizeof(struct cutlab_training)};

static uint64_t bit(const char *key) {
  const cutlab_row *row = cutlab_table_find(&table, key);
  return row ? (uint64_t)1 << (row - rows) : 0;
}

const cutlab_parameter *cutlab_training_parameter(int i) {
  return i >= 0 && i < row_count ? &rows[i].shown : NULL;
}

bool cutlab_training_decides(const char *key) {
  static const char *const indifferent[] = {
      "path", "workers",        "evaluate_every", "checkpoint_every", "checkpoint_minutes",
      "keep", "clean_accuracy", "log_steps",      "log_examples"};
  for (size_t i = 0; i < sizeof indifferent / sizeof *indifferent; ++i)
    if (strcmp(key, indifferent[i]) == 0) return false;
  return true;
}

const char *cutlab_training_recipe(int i, const char **name) {
  if (i < 0 || i >= recipe_count) return NULL;
  if (name) *name = recipes[i].dataset;
  return recipes[i].yaml;
}

static cutlab_status set_unless_given(cutlab_context *context, void *values, const char *key,
                                      const char *text) {
  const struct cutlab_training *training = values;
  if (training->given & bit(key)) return CUTLAB_OK;
  return cutlab_table_set(context, &table, values, key, text);
}

static cutlab_status apply_recipe(cutlab_context *context, struct cutlab_training *training) {
  for (int i = 0; i < recipe_count; ++i)
    if (strcmp(recipes[i].dataset, training->dataset) == 0)
      return cutlab_table_apply_yaml(context, &table, training, set_unless_given, recipes[i].yaml,
                                     strlen(recipes[i].yaml), recipes[i].dataset);
  return CUTLAB_OK;
}

/* What is not given by name: the default, over it the recipe's value, over it what a method or an
   optimiser needs to be itself. Recipes have the rates of sgd; those of adamw are PyTorch's. */
static cutlab_status fill_in(cutlab_context *context, struct cutlab_training *training) {
  const uint64_t given = training->given | bit("dataset");
  for (int i = 0; i < row_count; ++i)
    if (!(given >> i & 1))
      CUTLAB_TRY(cutlab_row_parse(context, &rows[i], training, rows[i].default_text));
  CUTLAB_TRY(apply_recipe(context, training));
  if (training->method == CUTLAB_TRAIN_MIXUP)
    CUTLAB_TRY(set_unless_given(context, training, "mix_probability", "1"));
  if (training->optimiser != CUTLAB_ADAMW) return CUTLAB_OK;
  CUTLAB_TRY(set_unless_given(context, training, "learning_rate", "0.001"));
  return set_unless_given(context, training, "weight_decay", "0.01");
}

cutlab_status cutlab_training_create(cutlab_context *context, cutlab_training **training) {
  *training = cutlab_allocate(context, 1, sizeof **training);
  if (!*training) return CUTLAB_ERROR_MEMORY;
  cutlab_status status = cutlab_table_defaults(context, &table, *training);
  if (status == CUTLAB_OK) status = fill_in(context, *training);
  if (status == CUTLAB_OK) return CUTLAB_OK;
  cutlab_training_free(*training);
  *training = NULL;
  return status;
}

void cutlab_training_free(cutlab_training *training) {
  free(training);
}

/* Runs hold the layers themselves: a file may change or be elsewhere when they are resumed. */
static cutlab_status set_model_file(cutlab_context *context, cutlab_training *training,
                                    const char *path) {
  char *text;
  size_t size;
  CUTLAB_TRY(cutlab_file_read(context, &text, &size, path, cutlab_text_size - 1));
  cutlab_status status = CUTLAB_OK;
  if (strlen(text) != size || !text[strspn(text, " \t\r\n")])
    status = cutlab_fail(context, CUTLAB_ERROR_FORMAT, "%s: %s; accepted: a model as text", path,
                         size && strlen(text) != size ? "holds a NUL" : "is empty");
  if (status == CUTLAB_OK) status = cutlab_table_set(context, &table, training, "model", text);
  free(text);
  return status;
}

static bool ends_with(const char *text, const char *end) {
  size_t length = strlen(text), end_length = strlen(end);
  return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

cutlab_status cutlab_training_set(cutlab_context *context, cutlab_training *training,
                                  const char *key, const char *value) {
  if (strcmp(key, "model") == 0 && ends_with(value, ".model"))
    CUTLAB_TRY(set_model_file(context, training, value));
  else
    CUTLAB_TRY(cutlab_table_set(context, &table, training, key, value));
  training->given |= bit(key);
  const uint64_t deciding = bit("dataset") | bit("method") | bit("optimiser");
  return bit(key) & deciding ? fill_in(context, training) : CUTLAB_OK;
}

static cutlab_status set(cutlab_context *context, void *values, const char *key, const char *text) {
  return cutlab_training_set(context, values, key, text);
}

cutlab_status cutlab_training_load_yaml(cutlab_context *context, cutlab_training *training,
                                        const char *path) {
  return cutlab_table_load_yaml(context, &table, training, set, path);
}

cutlab_status cutlab_training_from_json(cutlab_context *context, cutlab_training *training,
                                        const char *text) {
  return cutlab_table_apply_json(context, &table, training, set, text);
}

static bool has_policy(const struct cutlab_training *training) {
  return training->policy[strspn(training->policy, " \t\r\n")];
}

cutlab_status cutlab_training_to_json(cutlab_context *context, char **text,
                                      const cutlab_training *training) {
  return cutlab_table_print(context, text, &table, training, true, NULL);
}

/* Beside a policy a recipe's augment has no effect, and by name it would be refused with other
   data, whose recipe has another. */
cutlab_status cutlab_training_to_yaml(cutlab_context *context, char **text,
                                      const cutlab_training *training) {
  bool idle = has_policy(training) && !(training->given & bit("augment"));
  return cutlab_table_print(context, text, &table, training, false, idle ? "augment" : NULL);
}

char *cutlab_training_get(const cutlab_training *training, const char *key) {
  return cutlab_table_get(&table, training, key);
}

static cutlab_status validate_schedule(cutlab_context *context,
                                       const struct cutlab_training *training) {
  double epochs = (double)training->epochs;
  if (training->warmup > epochs)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                       "warmup is %g with %g epochs; accepted: at most as many", training->warmup,
                       epochs);
  if (training->schedule != CUTLAB_SCHEDULE_STEP) return CUTLAB_OK;
  if (!training->step_count)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                       "step_epochs is empty with schedule step; accepted: epochs after which the "
                       "rate falls, such as [%g, %g]",
                       epochs / 2, epochs * 3 / 4);
  double last = training->step_epochs[training->step_count - 1];
  if (last >= epochs)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                       "step_epochs has %g with %g epochs; accepted: below the number of epochs",
                       last, epochs);
  return CUTLAB_OK;
}

/* The policy is put together and read as it will be, for made-up images. */
static cutlab_status validate_policy(cutlab_context *context,
                                     const struct cutlab_training *training) {
  cutlab_collection any = {.channels = 1, .height = 32, .width = 32, .deviation = {1}};
  char *text;
  CUTLAB_TRY(cutlab_training_policy(context, &text, training, &any));
  free(text);
  return CUTLAB_OK;
}

/* Whether a setting says nothing, or the same as without its name: all that is printed or recorded
   stands by name when it is read. */
static cutlab_status is_idle(cutlab_context *context, bool *idle,
                             const struct cutlab_training *training, const char *key) {
  struct cutlab_training *without = cutlab_allocate(context, 1, sizeof *without);
  if (!without) return CUTLAB_ERROR_MEMORY;
  *without = *training;
  without->given &= ~bit(key);
  cutlab_status status = fill_in(context, without);
  char *given = cutlab_training_get(training, key), *other = cutlab_training_get(without, key);
  free(without);
  bool all = given && other;
  if (status == CUTLAB_OK && !all)
    status = cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory: settings");
  *idle = all && (!*given || strcmp(given, other) == 0);
  cutlab_free(given);
  cutlab_free(other);
  return status;
}

/* What stands beside a policy without effect. */
static cutlab_status validate_replaced(cutlab_context *context,
                                       const struct cutlab_training *training) {
  static const char *const replaced[] = {"method", "augment", "alpha", "mix_probability",
                                         "cut_share"};
  if (!has_policy(training)) return CUTLAB_OK;
  for (size_t i = 0; i < sizeof replaced / sizeof *replaced; ++i) {
    bool idle = false;
    if (!(training->given & bit(replaced[i]))) continue;
    CUTLAB_TRY(is_idle(context, &idle, training, replaced[i]));
    if (!idle)
      return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                         "%s is set beside policy, which stands instead of it; accepted: one of "
                         "the two",
                         replaced[i]);
  }
  return CUTLAB_OK;
}

cutlab_status cutlab_training_validate(cutlab_context *context, const cutlab_training *training) {
  if (!*training->path && strcmp(training->dataset, "feature-noise") != 0)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                       "path is empty; accepted: where the data of dataset %s are",
                       training->dataset);
  if (!training->model[strspn(training->model, " \t\r\n")])
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT, "model is empty; accepted: %s",
                       cutlab_table_find(&table, "model")->shown.accepted);
  CUTLAB_TRY(validate_schedule(context, training));
  CUTLAB_TRY(validate_policy(context, training));
  return validate_replaced(context, training);
}
