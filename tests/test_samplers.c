/* Samplers of boxes: every box lies inside, areas follow the laws written down here a second time,
   and what each library shares, pairs and weighs. */
#include <math.h>

#include "augment/method.h"
#include "fixture.h"

enum { draws = 1000000, sampler_count = 11 };

static const cutlab_sampler *find(const char *name) {
  const cutlab_sampler *sampler = cutlab_sampler_find(name);
  if (!sampler) fail_msg("no sampler %s", name);
  return sampler;
}

static double box_area(cutlab_box box) {
  return (double)(box.bottom - box.top) * (box.right - box.left);
}

/* ---- The table ---- */

static void test_table(void **state) {
  (void)state;
  static const struct {
    const char *name;
    cutlab_scope scope;
    cutlab_pairing pairing;
    bool batch_gate;
  } rows[sampler_count] = {{"paper", CUTLAB_PER_SAMPLE, CUTLAB_PAIR_SHUFFLED, false},
                           {"reference", CUTLAB_PER_BATCH, CUTLAB_PAIR_SHUFFLED, false},
                           {"timm(batch)", CUTLAB_PER_BATCH, CUTLAB_PAIR_REVERSED, false},
                           {"timm(pair)", CUTLAB_PER_PAIR, CUTLAB_PAIR_REVERSED, false},
                           {"timm(elem)", CUTLAB_PER_SAMPLE, CUTLAB_PAIR_REVERSED, false},
                           {"torchvision", CUTLAB_PER_BATCH, CUTLAB_PAIR_ROLLED, false},
                           {"fastai", CUTLAB_PER_BATCH, CUTLAB_PAIR_SHUFFLED, false},
                           {"kornia", CUTLAB_PER_SAMPLE, CUTLAB_PAIR_SHUFFLED, true},
                           {"keras", CUTLAB_PER_SAMPLE, CUTLAB_PAIR_SHUFFLED, false},
                           {"darknet", CUTLAB_PER_SAMPLE, CUTLAB_PAIR_ANY, true},
                           {"mindspore", CUTLAB_PER_SAMPLE, CUTLAB_PAIR_SHUFFLED, false}};
  for (int index = 0; index < sampler_count; ++index) {
    const cutlab_sampler *sampler = cutlab_sampler_row(index);
    cutlab_sampler_info info = {0};
    assert_true(cutlab_sampler_at(index, &info));
    assert_string_equal(info.name, rows[index].name);
    assert_true(strlen(info.summary) > 20 && strlen(info.source) > 20);
    assert_ptr_equal(find(rows[index].name), sampler);
    assert_int_equal(sampler->scope, rows[index].scope);
    assert_int_equal(sampler->pairing, rows[index].pairing);
    assert_int_equal(sampler->batch_gate, rows[index].batch_gate);
    assert_true((sampler->weight != NULL) == (strcmp(info.name, "keras") == 0));
  }
}

static void test_names(void **state) {
  (void)state;
  cutlab_sampler_info info;
  assert_false(cutlab_sampler_at(sampler_count, &info));
  assert_false(cutlab_sampler_at(-1, &info));
  assert_null(cutlab_sampler_row(sampler_count));
  assert_ptr_equal(find("timm"), find("timm(batch)"));
  static const char *const unknown[] = {"", "Paper", "timm(", "timm(half)", "paper "};
  for (size_t n = 0; n < sizeof unknown / sizeof *unknown; ++n)
    assert_null(cutlab_sampler_find(unknown[n]));
}

/* ---- Boxes ---- */

static cutlab_box draw(const cutlab_sampler *sampler, cutlab_random *random, double alpha,
                       int32_t height, int32_t width) {
  if (sampler->batch_alpha) alpha = sampler->batch_alpha(random, alpha);
  double lambda = sampler->lambda(random, alpha);
  assert_true(isnan(lambda) || (lambda >= 0 && lambda <= 1));
  cutlab_box box = sampler->box(random, lambda, height, width);
  if (sampler->weight) {
    double weight = sampler->weight(lambda, &box, height, width);
    assert_true(weight >= 0 && weight <= 1);
  }
  return box;
}

static void assert_inside(const cutlab_sampler *sampler, cutlab_box box, int32_t height,
                          int32_t width) {
  if (0 <= box.top && box.top <= box.bottom && box.bottom <= height && 0 <= box.left &&
      box.left <= box.right && box.right <= width)
    return;
  fail_msg("%s: [%d, %d) x [%d, %d) in %d x %d", sampler->shown.name, box.top, box.bottom, box.left,
           box.right, height, width);
}

static void test_boxes_lie_inside(void **state) {
  (void)state;
  static const int32_t fixed[][2] = {{1, 1},         {1, 2},        {2, 1},   {1, 97},
                                     {97, 1},        {3, 3},        {33, 47}, {1, INT32_MAX},
                                     {INT32_MAX, 1}, {46340, 46341}};
  static const double alphas[] = {1e-3, 0.1, 1, 5};
  cutlab_random random = cutlab_random_make(1, 0, 0, 0, 0);
  for (int index = 0; index < sampler_count; ++index) {
    const cutlab_sampler *sampler = cutlab_sampler_row(index);
    for (int shape = 0; shape < 60; ++shape) {
      bool given = shape < (int)(sizeof fixed / sizeof *fixed);
      int32_t height = given ? fixed[shape][0] : 1 + (int32_t)cutlab_random_below(&random, 70);
      int32_t width = given ? fixed[shape][1] : 1 + (int32_t)cutlab_random_below(&random, 70);
      for (int n = 0; n < 200; ++n)
        assert_inside(sampler, draw(sampler, &random, alphas[n % 4], height, width), height, width);
      for (double lambda = 0; lambda <= 1; lambda += 0.125)
        assert_inside(sampler, sampler->box(&random, lambda, height, width), height, width);
    }
  }
}

/* ---- Areas ---- */

/* Mean length of [c - before, c + after), clipped, over uniform centres 0..size-1. */
static double clipped_length(int before, int after, int size) {
  double sum = 0;
  for (int c = 0; c < size; ++c) sum += fmin(c + after, size) - fmax(c - before, 0);
  return sum / size;
}

static double reference_length(double share, int size) {
  int cut = (int)(size * sqrt(share));
  return clipped_length(cut / 2, cut / 2, size);
}

static double timm_length(double share, int size) {
  int cut = (int)(size * sqrt(share));
  return clipped_length(cut / 2, (cut + 1) / 2, size);
}

static double fastai_length(double share, int size) {
  int cut = (int)lround(size * sqrt(share));
  return clipped_length(cut / 2, cut / 2, size);
}

static double kornia_length(double share, int size) {
  return floor(size * sqrt(share));
}

/* Mean of ceil(s + L) - ceil(s) over s uniform on (0, M), M = size - L = m + f with m = floor(M):
   the mean of floor(s) is (M - (m + f^2) / M) / 2, that of ceil(s) one more; by symmetry
   ceil(s + L) is size less a variable with the law of floor(s). */
static double keras_length(double share, int size) {
  double length = size * sqrt(share), room = size - length, whole = floor(room), f = room - whole;
  return room < 1e-9 ? size : length - f * (1 - f) / (whole + f);
}

/* Independent of lambda. */
static double darknet_length(double share, int size) {
  (void)share;
  return ((int)(0.3F * (float)size) + (int)(0.8F * (float)size)) / 2.0;
}

static double mindspore_length(double share, int size) {
  int half = (int)(size * share) / 2;
  double sum = 0;
  for (int c = 0; c <= size; ++c) {
    double begin = fmin(fmax(c - half, 0), size - 1), end = fmin(c + half, size - 1);
    sum += fmax(end - begin, 1);
  }
  return sum / (size + 1);
}

typedef struct side_law {
  const char *sampler;
  double (*length)(double share, int size);
  double at_32; /* mean area at 32 x 32 for uniform lambda, known from elsewhere */
} side_law;

static const side_law laws[] = {{"reference", reference_length, 0.299},
                                {"torchvision", reference_length, 0.299},
                                {"timm(batch)", timm_length, 0.310},
                                {"timm(pair)", timm_length, 0.310},
                                {"timm(elem)", timm_length, 0.310},
                                {"fastai", fastai_length, 0.310},
                                {"kornia", kornia_length, 0.479},
                                {"keras", keras_length, 0.497},
                                {"darknet", darknet_length, 17 * 17 / 1024.0},
                                {"mindspore", mindspore_length, 0.190}};

/* Mean area over uniform lambda, sides independent given lambda. */
static double mean_area(const side_law *law, int height, int width) {
  enum { nodes = 4000 };
  double sum = 0;
  for (int n = 0; n < nodes; ++n) {
    double share = (n + 0.5) / nodes;
    sum += law->length(share, height) * law->length(share, width);
  }
  return sum / nodes / height / width;
}

static void check_mean(const side_law *law, int height, int width, int count) {
  const cutlab_sampler *sampler = find(law->sampler);
  cutlab_random random = cutlab_random_make(2, 0, (uint64_t)height, (uint64_t)width, 0);
  double sum = 0, squares = 0;
  for (int n = 0; n < count; ++n) {
    double lambda = cutlab_random_uniform(&random);
    double share = box_area(sampler->box(&random, lambda, height, width)) / height / width;
    sum += share, squares += share * share;
  }
  double mean = sum / count, error = sqrt((squares / count - mean * mean) / count);
  double expected = mean_area(law, height, width);
  if (fabs(mean - expected) > 4.5 * error + 5e-4)
    fail_msg("%s at %d x %d: mean area %.5f +- %.5f, not %.5f", law->sampler, height, width, mean,
             error, expected);
}

static void test_mean_areas(void **state) {
  (void)state;
  for (size_t n = 0; n < sizeof laws / sizeof *laws; ++n) {
    assert_true(fabs(mean_area(&laws[n], 32, 32) - laws[n].at_32) < 1e-3);
    check_mean(&laws[n], 32, 32, draws);
    check_mean(&laws[n], 9, 14, 200000);
    check_mean(&laws[n], 40, 3, 200000);
  }
}

/* Beta(a, a) has variance 1 / (4 (2 a + 1)); for keras a is uniform below alpha, which gives
   log(2 alpha + 1) / (8 alpha). */
static void test_shares(void **state) {
  (void)state;
  static const double alphas[] = {1, 0.3};
  for (int index = 0; index < sampler_count; ++index) {
    const cutlab_sampler *sampler = cutlab_sampler_row(index);
    cutlab_random random = cutlab_random_make(3, 0, (uint64_t)index, 0, 0);
    if (isnan(sampler->lambda(&random, 1))) continue;
    for (int a = 0; a < 2; ++a) {
      double alpha = alphas[a], sum = 0, squares = 0;
      enum { count = 100000 };
      for (int n = 0; n < count; ++n) {
        double given = sampler->batch_alpha ? sampler->batch_alpha(&random, alpha) : alpha;
        double lambda = sampler->lambda(&random, given);
        sum += lambda, squares += lambda * lambda;
      }
      double mean = sum / count, variance = squares / count - mean * mean;
      double expected =
          sampler->batch_alpha ? log(2 * alpha + 1) / (8 * alpha) : 1 / (4 * (2 * alpha + 1));
      assert_true(fabs(mean - 0.5) < 0.006);
      if (fabs(variance - expected) > 0.0025)
        fail_msg("%s: variance %g, not %g", sampler->shown.name, variance, expected);
    }
  }
}

/* ---- paper ---- */

/* The counted area differs from (1 - lambda) H W by at most half the shorter side, and the mean
   stays at 1/2 for every shape. */
static void test_paper_areas(void **state) {
  (void)state;
  static const int32_t shapes[][2] = {{32, 32}, {1, 100}, {100, 1},   {2, 90},
                                      {90, 2},  {7, 13},  {224, 224}, {16, 5}};
  const cutlab_sampler *paper = find("paper");
  for (size_t n = 0; n < sizeof shapes / sizeof *shapes; ++n) {
    int32_t height = shapes[n][0], width = shapes[n][1];
    cutlab_random random = cutlab_random_make(4, 0, n, 0, 0);
    double sum = 0, bound = fmin(height, width) / 2.0 + 1e-6;
    enum { count = 100000 };
    for (int k = 0; k < count; ++k) {
      double lambda = paper->lambda(&random, 1), target = (1 - lambda) * height * width;
      double area = box_area(paper->box(&random, lambda, height, width));
      if (fabs(area - target) > bound || (target < 0.5 && area != 0) || (target >= 0.5 && area < 1))
        fail_msg("%d x %d: area %g for %g", height, width, area, target);
      sum += area / height / width;
    }
    assert_true(fabs(sum / count - 0.5) < 0.004 + 0.01 / fmin(height, width));
  }
  cutlab_random random = cutlab_random_make(4, 1, 0, 0, 0);
  assert_true(box_area(paper->box(&random, 0.4, 1, 1)) == 1);
  assert_true(box_area(paper->box(&random, 0.6, 1, 1)) == 0);
  assert_true(box_area(paper->box(&random, 0, 31, 17)) == 31 * 17);
  assert_true(box_area(paper->box(&random, 1, 31, 17)) == 0);
}

/* The box has the image's shape as far as whole pixels allow. */
static void test_paper_shape(void **state) {
  (void)state;
  cutlab_random random = cutlab_random_make(5, 0, 0, 0, 0);
  cutlab_box box = find("paper")->box(&random, 0.75, 20, 40);
  assert_int_equal(box.bottom - box.top, 10);
  assert_int_equal(box.right - box.left, 20);
  box = find("paper")->box(&random, 0.75, 40, 20);
  assert_int_equal(box.bottom - box.top, 20);
  assert_int_equal(box.right - box.left, 10);
}

/* Chi-square of `count` draws over `cells` equally likely places; 5 standard deviations. */
static void assert_even(const char *name, const int *counts, int cells, int count) {
  double expected = (double)count / cells, sum = 0;
  for (int c = 0; c < cells; ++c) {
    double difference = counts[c] - expected;
    sum += difference * difference / expected;
  }
  if (sum > cells - 1 + 5 * sqrt(2.0 * (cells - 1)))
    fail_msg("%s: chi-square %g of %d cells", name, sum, cells);
}

/* At lambda = 3/4 and 12 x 16 the box is 6 x 8 (kornia's too), at one of 7 x 9 places. */
static void test_positions_are_uniform(void **state) {
  (void)state;
  static const char *const names[] = {"paper", "kornia"};
  enum { rows = 7, columns = 9, count = 200000 };
  for (int n = 0; n < 2; ++n) {
    int counts[rows * columns] = {0};
    cutlab_random random = cutlab_random_make(6, 0, 0, 0, 0);
    for (int k = 0; k < count; ++k) {
      cutlab_box box = find(names[n])->box(&random, 0.75, 12, 16);
      assert_true(box.bottom - box.top == 6 && box.right - box.left == 8);
      ++counts[box.top * columns + box.left];
    }
    assert_even(names[n], counts, rows * columns, count);
  }
}

/* ---- Quirks ---- */

/* The middle of an unclipped box, twice: the reference's is the centre itself, timm's odd boxes
   reach one further to the right. All centres are equally likely. */
static void test_centres_are_uniform(void **state) {
  (void)state;
  enum { size = 11, count = 200000 };
  static const char *const names[] = {"reference", "timm(batch)", "timm(elem)", "torchvision",
                                      "fastai"};
  for (size_t n = 0; n < sizeof names / sizeof *names; ++n) {
    int counts[size] = {0}, widest = 0;
    cutlab_random random = cutlab_random_make(7, 0, 0, 0, 0);
    for (int k = 0; k < count; ++k) {
      /* sqrt(1 - lambda) = 0.3: the side is 3.3, of which the reference keeps 2, timm 3. */
      cutlab_box box = find(names[n])->box(&random, 0.91, size, size);
      int length = box.right - box.left;
      if (length > widest) widest = length;
      ++counts[box.left == 0 ? box.right - (n == 1 || n == 2 ? 2 : 1) : box.left + 1];
    }
    assert_int_equal(widest, n == 1 || n == 2 ? 3 : 2);
    assert_even(names[n], counts, size, count);
  }
}

/* On series only paper pastes as it should: a side of 1 truncates to 0 unless lambda rounds to 0,
   as keras's small alphas make it, and mindspore pastes at least one row. */
static void test_series(void **state) {
  (void)state;
  for (int index = 0; index < sampler_count; ++index) {
    const cutlab_sampler *sampler = cutlab_sampler_row(index);
    cutlab_random random = cutlab_random_make(8, 0, 0, 0, 0);
    double sum = 0;
    for (int k = 0; k < 10000; ++k)
      sum += box_area(draw(sampler, &random, 1, 1, 100)) / 100 / 10000;
    const char *name = sampler->shown.name;
    if (strcmp(name, "paper") == 0)
      assert_true(fabs(sum - 0.5) < 0.015);
    else if (strcmp(name, "mindspore") == 0)
      assert_true(fabs(sum - 0.407) < 0.015);
    else if (strcmp(name, "keras") == 0)
      assert_true(sum > 0.015 && sum < 0.045);
    else
      assert_true(sum < 1e-3);
  }
}

static void test_darknet_never_reaches_the_far_border(void **state) {
  (void)state;
  cutlab_random random = cutlab_random_make(9, 0, 0, 0, 0);
  int tall[33] = {0};
  enum { count = 100000 };
  for (int k = 0; k < count; ++k) {
    cutlab_box box = draw(find("darknet"), &random, 1, 32, 64);
    assert_true(box.bottom < 32 && box.right < 64);
    ++tall[box.bottom - box.top];
  }
  assert_even("darknet", tall + 9, 17, count); /* 9..25 rows */
}

static void test_keras_weighs_by_lambda(void **state) {
  (void)state;
  const cutlab_sampler *keras = find("keras");
  cutlab_random random = cutlab_random_make(10, 0, 0, 0, 0);
  double areas = 0, sum = 0, worst = 0;
  enum { count = 200000 };
  for (int k = 0; k < count; ++k) {
    double lambda = keras->lambda(&random, keras->batch_alpha(&random, 1));
    cutlab_box box = keras->box(&random, lambda, 32, 32);
    assert_true(keras->weight(lambda, &box, 32, 32) == lambda);
    double error = fabs(1 - lambda - box_area(box) / 1024);
    areas += box_area(box) / 1024;
    sum += error, worst = fmax(worst, error);
  }
  assert_true(fabs(areas / count - 0.491) < 0.004);
  assert_true(fabs(sum / count - 0.0137) < 5e-4);
  assert_true(worst > 0.055 && worst < 0.0625);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_table),
      cmocka_unit_test(test_names),
      cmocka_unit_test(test_boxes_lie_inside),
      cmocka_unit_test(test_mean_areas),
      cmocka_unit_test(test_shares),
      cmocka_unit_test(test_paper_areas),
      cmocka_unit_test(test_paper_shape),
      cmocka_unit_test(test_positions_are_uniform),
      cmocka_unit_test(test_centres_are_uniform),
      cmocka_unit_test(test_series),
      cmocka_unit_test(test_darknet_never_reaches_the_far_border),
      cmocka_unit_test(test_keras_weighs_by_lambda),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
