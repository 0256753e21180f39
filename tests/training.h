/* What tests of trainings in folders share: settings from texts, running, resuming, reading. */
#ifndef CUTLAB_TEST_TRAINING_H
#define CUTLAB_TEST_TRAINING_H

#include "base/file.h"
#include "fixture.h"
#include "train/run.h"

static inline bool there(const fixture *f, const char *name) {
  char *path = path_of(f, name);
  bool exists = cutlab_file_exists(path);
  free(path);
  return exists;
}

static inline void expect_ok(const fixture *f, cutlab_status status) {
  if (status != CUTLAB_OK) fail_msg("%s", cutlab_context_message(f->context));
}

/* *text: release with free. */
static inline void read_file(const fixture *f, char **text, size_t *size, const char *name) {
  char *path = path_of(f, name);
  expect_ok(f, cutlab_file_read(f->context, text, size, path, 0));
  free(path);
}

#define OVERRIDES(...) ((const char *const[]){__VA_ARGS__, NULL})

/* "key=value" texts, ended by NULL, over others. */
static inline cutlab_training *settings_over(const fixture *f, const char *const *base,
                                             const char *const *overrides) {
  cutlab_training *settings;
  expect_ok(f, cutlab_training_create(f->context, &settings));
  for (int list = 0; list < 2; ++list)
    for (const char *const *o = list ? overrides : base; o && *o; ++o) {
      char key[64];
      size_t length = strcspn(*o, "=");
      snprintf(key, sizeof key, "%.*s", (int)length, *o);
      expect_ok(f, cutlab_training_set(f->context, settings, key, *o + length + 1));
    }
  return settings;
}

/* Trains on data.npz, where the settings want arrays, in a folder of that name; releases them. */
static inline cutlab_status train_with(const fixture *f, const char *name,
                                       cutlab_training *settings) {
  char *data = path_of(f, "data.npz"), *folder = path_of(f, name);
  if (strcmp(settings->dataset, "npy") == 0)
    expect_ok(f, cutlab_training_set(f->context, settings, "path", data));
  cutlab_status status = cutlab_train_execute(f->context, NULL, settings, folder);
  cutlab_training_free(settings);
  free(folder);
  free(data);
  return status;
}

static inline cutlab_status resume(const fixture *f, const char *name) {
  char *folder = path_of(f, name);
  cutlab_status status = cutlab_train_resume(f->context, NULL, folder);
  free(folder);
  return status;
}

/* Progress that cancels at the n-th call within an epoch. */
static inline int cancel(void *user, const cutlab_progress *progress) {
  int *left = user;
  return strncmp(progress->what, "epoch ", 6) == 0 && --*left <= 0;
}

static inline void put(const fixture *f, const char *folder, const char *name, const char *text) {
  char *where = path_of(f, folder), *path = cutlab_path_join(f->context, where, name);
  expect_ok(f, cutlab_folder_make(f->context, where));
  expect_ok(f, cutlab_file_write(f->context, path, text, strlen(text)));
  free(path);
  free(where);
}

#endif
