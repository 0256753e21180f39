/* Opening collections in the folder of a fixture, and how they are refused. */
#ifndef CUTLAB_TEST_COLLECTIONS_H
#define CUTLAB_TEST_COLLECTIONS_H

#include <cutlab/collection.h>

#include "files.h"

/* Opens FOLDER/source.path. */
static inline cutlab_status open_with(const fixture *f, cutlab_collection *c,
                                      cutlab_collection_source source) {
  char *path = source.path ? path_of(f, source.path) : NULL;
  source.path = path;
  cutlab_status status = cutlab_collection_open(f->context, c, &source);
  free(path);
  return status;
}

static inline void open_well(const fixture *f, cutlab_collection *c,
                             cutlab_collection_source source) {
  if (open_with(f, c, source) != CUTLAB_OK) fail_msg("%s", cutlab_context_message(f->context));
}

static inline void refuse(const fixture *f, cutlab_collection_source source, cutlab_status status,
                          const char *message) {
  cutlab_collection c;
  cutlab_status got = open_with(f, &c, source);
  if (got == CUTLAB_OK) cutlab_collection_clear(&c);
  assert_int_equal(got, status);
  assert_message(f->context, message);
  assert_null(c.train.pixels);
  assert_null(c.class_names);
}

static inline void assert_sizes(const cutlab_collection *c, int64_t channels, int64_t height,
                                int64_t width, int64_t train, int64_t test) {
  assert_int_equal(c->channels, channels);
  assert_int_equal(c->height, height);
  assert_int_equal(c->width, width);
  assert_int_equal(c->train.count, train);
  assert_int_equal(c->test.count, test);
}

#endif
