/* Small trainings: a data set of blobs, a network for it, and when two runs are the same. */
#ifndef CUTLAB_TEST_SMALL_TRAINING_H
#define CUTLAB_TEST_SMALL_TRAINING_H

#include <cutlab/array.h>
#include <cutlab/random.h>

#include "base/json.h"
#include "train/settings.h"
#include "training.h"

enum { side = 6, pixels = side * side, train_count = 52, test_count = 17, class_count = 3 };

/* A blob of one of three kinds and noise. */
static inline void draw_image(uint8_t *image, int64_t label, cutlab_random *random) {
  for (int i = 0; i < pixels; ++i) image[i] = (uint8_t)cutlab_random_below(random, 120);
  for (int i = 0; i < side; ++i) image[(label == 0 ? i : 2 * label) * side + i] = 250;
}

static inline char *write_data(const fixture *f, const char *name, uint64_t seed) {
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

/* "key=value" texts, ended by NULL, over small ones. */
static inline cutlab_training *settings_for(const fixture *f, const char *const *overrides) {
  static const char model[] =
      "model=conv(4) | bn | relu | dropout(.2) | pool(max) | conv(4) | bn | "
      "relu | pool(mean, global) | linear";
  static const char *const small[] = {
      "dataset=npy", model,     "backend=reference", "augment=flip",  "method=cutmix",
      "epochs=3",    "batch=8", "learning_rate=.05", "log_steps=yes", "clean_accuracy=yes",
      "workers=1",   NULL};
  return settings_over(f, small, overrides);
}

static inline void need_data(const fixture *f) {
  if (!there(f, "data.npz")) free(write_data(f, "data.npz", 1));
}

/* Trains on data.npz, which is made if it is not there, in a folder of that name. */
static inline cutlab_status train(const fixture *f, const char *name,
                                  const char *const *overrides) {
  need_data(f);
  return train_with(f, name, settings_for(f, overrides));
}

/* Release with free. */
static inline char *read_text(const fixture *f, const char *run, const char *file, size_t *size) {
  char name[200], *text;
  snprintf(name, sizeof name, "%s/%s", run, file);
  read_file(f, &text, size, name);
  return text;
}

/* Lines of metrics.jsonl without what depends on time. */
static inline json_t *metrics(const fixture *f, const char *run) {
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

static inline void assert_same_file(const fixture *f, const char *a, const char *b,
                                    const char *file) {
  size_t sizes[2];
  char *texts[2] = {read_text(f, a, file, &sizes[0]), read_text(f, b, file, &sizes[1])};
  if (sizes[0] != sizes[1] || memcmp(texts[0], texts[1], sizes[0]) != 0)
    fail_msg("%s of %s and %s differ", file, a, b);
  free(texts[0]);
  free(texts[1]);
}

static inline void assert_same_run(const fixture *f, const char *a, const char *b) {
  assert_same_file(f, a, b, "steps.jsonl");
  assert_same_file(f, a, b, "logits.npz");
  json_t *lines[2] = {metrics(f, a), metrics(f, b)};
  if (!json_equal(lines[0], lines[1])) fail_msg("metrics of %s and %s differ", a, b);
  json_decref(lines[0]);
  json_decref(lines[1]);
}

static inline int64_t line_count(const fixture *f, const char *run, const char *file) {
  size_t size;
  char *text = read_text(f, run, file, &size);
  int64_t lines = 0;
  for (size_t i = 0; i < size; ++i) lines += text[i] == '\n';
  free(text);
  return lines;
}

static char warning[1024];
static inline void take_warning(void *user, const char *message) {
  (void)user;
  snprintf(warning, sizeof warning, "%s", message);
}

/* Cancels a run of 3 epochs in the third, which leaves the checkpoints of steps 12 and 14. */
static inline void stop_late(const fixture *f, const char *name) {
  int left = 3 + 2 * 9;
  cutlab_context_set_progress(f->context, cancel, &left);
  assert_int_equal(train(f, name, NULL), CUTLAB_CANCELLED);
  cutlab_context_set_progress(f->context, NULL, NULL);
}

/* A copy of one run's file over another's. */
static inline void copy_file(const fixture *f, const char *to, const char *from, const char *file) {
  char name[200];
  size_t size;
  char *data = read_text(f, from, file, &size);
  snprintf(name, sizeof name, "%s/%s", to, file);
  char *path = path_of(f, name);
  expect_ok(f, cutlab_file_write(f->context, path, data, size));
  free(path);
  free(data);
}

#endif
