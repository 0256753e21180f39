/* What test programs share: cmocka, a temporary folder, set-ups with a context. */
#ifndef CUTLAB_TEST_FIXTURE_H
#define CUTLAB_TEST_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <dirent.h>
#include <ftw.h>

#include <cmocka.h>

#include <cutlab/context.h>

/* Repeats of what draws statistics or is slow: fewer where sanitisers look for other faults. */
static inline int repeats(int count) {
#ifdef __SANITIZE_ADDRESS__
  return (count + 4) / 5;
#else
  return count;
#endif
}

/* The folder's path in fresh memory, or NULL. Give it back to temporary_remove. */
static inline char *temporary_make(void) {
  char path[] = "/tmp/cutlab-test-XXXXXX";
  return mkdtemp(path) ? strdup(path) : NULL;
}

static inline int temporary_remove_entry(const char *path, const struct stat *status, int kind,
                                         struct FTW *where) {
  (void)status, (void)kind, (void)where;
  return remove(path);
}

static inline int temporary_remove(char *folder) {
  int failed = nftw(folder, temporary_remove_entry, 8, FTW_DEPTH | FTW_PHYS);
  free(folder);
  return failed;
}

/* Entries of a folder, "." and ".." apart. */
static inline int temporary_entries(const char *folder) {
  int count = -2;
  DIR *stream = opendir(folder);
  while (stream && readdir(stream)) ++count;
  if (stream) closedir(stream);
  return count;
}

/* The last message is one line and holds `part`. */
static inline void assert_message(const cutlab_context *context, const char *part) {
  const char *message = cutlab_context_message(context);
  if (!strstr(message, part)) fail_msg("'%s' is not in '%s'", part, message);
  assert_null(strpbrk(message, "\r\n"));
}

/* A context as the state of a test. */
static inline int context_up(void **state) {
  return cutlab_context_create((cutlab_context **)state);
}

static inline int context_down(void **state) {
  cutlab_context_free(*state);
  return 0;
}

/* A context and a folder as the state of a test. */
typedef struct fixture {
  cutlab_context *context;
  char *folder;
} fixture;

/* The path of what is in the folder; release with free. */
static inline char *path_of(const fixture *f, const char *name) {
  char *path;
  assert_true(asprintf(&path, "%s/%s", f->folder, name) > 0);
  return path;
}

static inline int fixture_up(void **state) {
  fixture *f = calloc(1, sizeof *f);
  *state = f;
  f->folder = temporary_make();
  return !f->folder || cutlab_context_create(&f->context) != CUTLAB_OK;
}

static inline int fixture_down(void **state) {
  fixture *f = *state;
  cutlab_context_free(f->context);
  int failed = temporary_remove(f->folder);
  free(f);
  return failed;
}

#endif
