/* A small sweep in a folder, and what its files hold. */
#ifndef CUTLAB_TEST_SWEEP_FOLDER_H
#define CUTLAB_TEST_SWEEP_FOLDER_H

#include "fixture.h"

#include <cutlab/sweep.h>

#include "base/file.h"

#define WORLD                                                                                      \
  "preset: quick\n"                                                                                \
  "parameters: {examples: 8, iterations: 3, frequencies: [0.8, 0.2], dimension: 60}\n"

#define SMALL "name: small\n" WORLD "axes: {method: [erm, cutmix], sigma_d: [0.1, 0.2]}\nseeds: 3\n"

static inline cutlab_sweep *load(fixture *f, const char *text) {
  cutlab_sweep *sweep;
  char path[256];
  snprintf(path, sizeof path, "%s/spec.yaml", f->folder);
  assert_int_equal(cutlab_file_write(f->context, path, text, strlen(text)), CUTLAB_OK);
  if (cutlab_sweep_load(f->context, &sweep, path) != CUTLAB_OK)
    fail_msg("%s", cutlab_context_message(f->context));
  return sweep;
}

static inline const char *sub(const fixture *f, const char *name) {
  static char paths[4][256];
  static int next;
  char *path = paths[next++ % 4];
  snprintf(path, sizeof paths[0], "%s/%s", f->folder, name);
  return path;
}

static inline void expect_run(fixture *f, cutlab_sweep *sweep, const char *folder, int64_t shard,
                              int64_t shards) {
  const cutlab_sweep_options options = {shard, shards};
  if (cutlab_sweep_run(sweep, folder, &options) != CUTLAB_OK)
    fail_msg("%s", cutlab_context_message(f->context));
}

static inline int64_t done(fixture *f, cutlab_sweep *sweep, const char *folder) {
  cutlab_sweep_plan plan;
  if (cutlab_sweep_estimate(sweep, &plan, folder) != CUTLAB_OK)
    fail_msg("%s", cutlab_context_message(f->context));
  return plan.done;
}

static inline char *content(fixture *f, const char *folder, const char *name, size_t *size) {
  char *text, *path = cutlab_path_join(f->context, folder, name);
  if (cutlab_file_read(f->context, &text, size, path, 0) != CUTLAB_OK)
    fail_msg("%s", cutlab_context_message(f->context));
  free(path);
  return text;
}

static inline void expect_same(fixture *f, const char *one, const char *two) {
  static const char *const files[] = {"results.csv", "runs.csv", "results.npz", "sweep.json",
                                      "sweep.yaml"};
  for (int i = 0; i < 5; ++i) {
    size_t size, other_size;
    char *first = content(f, one, files[i], &size),
         *second = content(f, two, files[i], &other_size);
    assert_int_equal(size, other_size);
    assert_memory_equal(first, second, size);
    free(first);
    free(second);
  }
}

#endif
