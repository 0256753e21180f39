/* The input pipeline of trainings: order of batches, failures in threads, closing early. */
#include "base/streams.h"
#include "small_training.h"
#include "train/loader.h"

typedef struct pipeline {
  cutlab_collection collection;
  cutlab_policy *policy;
  cutlab_batch_source source;
} pipeline;

static void open_pipeline(const fixture *f, pipeline *p, const char *policy) {
  char *path = write_data(f, "data.npz", 1);
  const cutlab_collection_source from = {.dataset = "npy", .path = path};
  expect_ok(f, cutlab_collection_open(f->context, &p->collection, &from));
  expect_ok(f, cutlab_policy_create(f->context, &p->policy, policy));
  p->source = (cutlab_batch_source){&p->collection, p->policy, 7, 8, 0};
  free(path);
}

static void close_pipeline(pipeline *p) {
  cutlab_policy_free(p->policy);
  cutlab_collection_clear(&p->collection);
}

/* The order is that of the Python package's Sampler: a permutation of stream 1000. */
static void batches_are_in_the_shared_order(void **state) {
  const fixture *f = *state;
  pipeline p;
  cutlab_loader *loader;
  open_pipeline(f, &p, "normalise(mean=0, std=1)");
  assert_int_equal(cutlab_batches(&p.source), 6);
  expect_ok(f, cutlab_loader_open(f->context, &loader, &p.source, 4, 15, 3));
  for (int64_t b = 4; b < 15; ++b) {
    const float *made, *labels;
    int64_t order[train_count];
    cutlab_random random = cutlab_random_make(7, cutlab_stream_shuffle, (uint64_t)b / 6, 0, 0);
    cutlab_random_permutation(&random, order, train_count);
    expect_ok(f, cutlab_loader_next(f->context, loader, &made, &labels));
    for (int64_t i = 0; i < 8 * pixels; ++i) {
      int64_t sample = order[b % 6 * 8 + i / pixels];
      float wanted =
          (float)((uint8_t *)p.collection.train.pixels)[sample * pixels + i % pixels] / 255;
      assert_float_equal(made[i], wanted, 1e-6);
    }
    for (int64_t i = 0; i < 8; ++i)
      assert_float_equal(
          labels[i * p.collection.classes + p.collection.train.labels[order[b % 6 * 8 + i]]], 1, 0);
  }
  const float *none;
  assert_int_equal(cutlab_loader_next(f->context, loader, &none, &none), CUTLAB_ERROR_ARGUMENT);
  cutlab_loader_close(loader);
  close_pipeline(&p);
}

/* A failure in a thread comes out at the batch that it was making, with its message. */
static void failures_of_workers_come_in_order(void **state) {
  const fixture *f = *state;
  pipeline p;
  cutlab_loader *loader;
  const float *made, *labels;
  open_pipeline(f, &p, "cutmix | normalise");
  int64_t order[train_count];
  cutlab_random random = cutlab_random_make(7, cutlab_stream_shuffle, 0, 0, 0);
  cutlab_random_permutation(&random, order, train_count);
  p.collection.train.labels[order[3 * 8 + 5]] = 99; /* in batch 3 */
  expect_ok(f, cutlab_loader_open(f->context, &loader, &p.source, 0, 60, 3));
  for (int b = 0; b < 3; ++b) expect_ok(f, cutlab_loader_next(f->context, loader, &made, &labels));
  assert_int_equal(cutlab_loader_next(f->context, loader, &made, &labels), CUTLAB_ERROR_ARGUMENT);
  assert_message(f->context, "label 5 is 99");
  cutlab_loader_close(loader);
  close_pipeline(&p);
}

/* Closing early must not wait for batches that nobody takes. */
static void loaders_close_at_any_time(void **state) {
  const fixture *f = *state;
  pipeline p;
  open_pipeline(f, &p, "flip | mixup | normalise");
  for (int taken = 0; taken < 6; ++taken) {
    cutlab_loader *loader;
    const float *made, *labels;
    expect_ok(f, cutlab_loader_open(f->context, &loader, &p.source, 0, 600, 1 + taken % 3));
    for (int b = 0; b < taken; ++b)
      expect_ok(f, cutlab_loader_next(f->context, loader, &made, &labels));
    cutlab_loader_close(loader);
  }
  cutlab_loader_close(NULL);
  close_pipeline(&p);
}

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, fixture_up, fixture_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      WITH_FOLDER(batches_are_in_the_shared_order),
      WITH_FOLDER(failures_of_workers_come_in_order),
      WITH_FOLDER(loaders_close_at_any_time),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
