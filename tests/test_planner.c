/* Placing blocks of memory: blocks that live at one time never overlap, and little is wasted. */
#include "fixture.h"

#include <stdlib.h>

#include <cutlab/random.h>

#include "nn/program.h"

enum { most_blocks = 60, steps = 40 };

static void draw_blocks(cutlab_block *blocks, int count, cutlab_random *random) {
  for (int i = 0; i < count; ++i) {
    int first = (int)cutlab_random_below(random, steps);
    blocks[i].bytes = cutlab_random_below(random, 5000);
    blocks[i].offset = 12345;
    blocks[i].first = first;
    blocks[i].last = first + (int)cutlab_random_below(random, (uint64_t)(steps - first));
  }
}

static bool overlap(const cutlab_block *a, const cutlab_block *b) {
  bool in_time = a->first <= b->last && b->first <= a->last;
  return in_time && a->offset < b->offset + b->bytes && b->offset < a->offset + a->bytes;
}

/* No placement can do with less than what lives at one step. */
static size_t most_alive(const cutlab_block *blocks, int count) {
  size_t most = 0;
  for (int step = 0; step < steps; ++step) {
    size_t alive = 0;
    for (int i = 0; i < count; ++i)
      if (blocks[i].first <= step && step <= blocks[i].last) alive += blocks[i].bytes;
    if (alive > most) most = alive;
  }
  return most;
}

static void test_random_blocks(void **state) {
  (void)state;
  for (uint64_t trial = 0; trial < 200; ++trial) {
    cutlab_block blocks[most_blocks];
    int order[most_blocks];
    cutlab_random random = cutlab_random_make(trial, 0, 0, 0, 0);
    int count = (int)cutlab_random_below(&random, most_blocks + 1);
    draw_blocks(blocks, count, &random);
    size_t total = cutlab_blocks_place(blocks, order, count), sum = 0;
    for (int i = 0; i < count; ++i) {
      assert_int_equal(blocks[i].offset % 64, 0);
      assert_true(blocks[i].offset + blocks[i].bytes <= total);
      sum += blocks[i].bytes;
      for (int j = 0; j < i; ++j)
        if (blocks[i].bytes && blocks[j].bytes) assert_false(overlap(&blocks[i], &blocks[j]));
    }
    size_t least = most_alive(blocks, count);
    assert_true(total >= least && total <= sum);
    assert_true((double)total <= 1.6 * (double)least);
  }
}

static void test_blocks_after_each_other_share(void **state) {
  (void)state;
  cutlab_block blocks[] = {{.bytes = 100, .first = 0, .last = 1},
                           {.bytes = 200, .first = 2, .last = 3},
                           {.bytes = 64, .first = 4, .last = 9}};
  int order[3];
  assert_int_equal(cutlab_blocks_place(blocks, order, 3), 256);
  for (int i = 0; i < 3; ++i) assert_int_equal(blocks[i].offset, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_random_blocks),
      cmocka_unit_test(test_blocks_after_each_other_share),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
