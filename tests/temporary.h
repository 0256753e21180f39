/* A temporary folder for a test program's files. */
#ifndef CUTLAB_TEST_TEMPORARY_H
#define CUTLAB_TEST_TEMPORARY_H

#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

#endif
