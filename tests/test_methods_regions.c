/* What methods that choose regions mean: Random Erasing, FMix, patches. */
#include <math.h>

#include "base/streams.h"
#include "scene.h"

/* ---- Random Erasing ---- */

/* Accepted share of tries, and the mean area share among the accepted, by a grid of midpoints. */
static void erasing_moments(double *accepted, double *mean, int size, double low, double high,
                            double aspect_min) {
  enum { points = 400 };
  double count = 0, sum = 0;
  for (int i = 0; i < points; ++i)
    for (int j = 0; j < points; ++j) {
      double share = low + (high - low) * (i + .5) / points;
      double aspect = aspect_min + (1 / aspect_min - aspect_min) * (j + .5) / points;
      double h = rint(sqrt(share * aspect) * size), w = rint(sqrt(share / aspect) * size);
      if (h < size && w < size) count += 1, sum += share;
    }
  *accepted = count / points / points;
  *mean = sum / count;
}

static void test_erasing_distribution(void **state) {
  enum { size = 64, count = 20000 };
  scene s = make_scene(*state, "random_erasing(p=1)", make_batch(CUTLAB_UINT8, 0, 0, 1, 1, 1));
  s.input.count = count;
  s.input.height = s.input.width = size;
  draw_scene(&s, 3);
  int64_t entry_count;
  const cutlab_entry *entries = cutlab_plan_entries(s.plan, &entry_count);
  assert_int_equal(entry_count, count);
  double sum = 0, square = 0, difference = 0;
  for (int i = 0; i < count; ++i) {
    const cutlab_entry *e = &entries[i];
    assert_in_range(e->top, 0, e->bottom);
    assert_in_range(e->bottom, e->top, size);
    assert_in_range(e->left, 0, e->right);
    assert_in_range(e->right, e->left, size);
    int height = e->bottom - e->top, width = e->right - e->left;
    assert_true(height < size && width < size);
    assert_int_equal(e->pixels, height * width);
    assert_true(e->values[0] >= .02 && e->values[0] <= .4);
    assert_true(e->values[1] >= .3 && e->values[1] <= 1 / .3);
    assert_int_equal(height, (int)rint(sqrt(e->values[0] * e->values[1]) * size));
    assert_true(e->weight == 1 && e->partner == -1);
    sum += e->values[0];
    square += e->values[0] * e->values[0];
    difference += e->values[0] - (double)e->pixels / (size * size);
  }
  double accepted, expected, mean = sum / count;
  erasing_moments(&accepted, &expected, size, .02, .4, .3);
  double error = sqrt((square / count - mean * mean) / count);
  assert_true(fabs(mean - expected) < 4 * error);
  assert_true(fabs(difference / count) < 2e-4);
  free_scene(&s);
}

static void test_erasing_gives_up(void **state) {
  enum { size = 8, count = 20000 };
  scene s = make_scene(*state, "random_erasing(p=1, tries=1, area_min=0.5, area_max=0.9)",
                       make_batch(CUTLAB_UINT8, 0, 0, 1, 1, 1));
  s.input.count = count;
  s.input.height = s.input.width = size;
  draw_scene(&s, 4);
  int64_t entry_count;
  const cutlab_entry *entries = cutlab_plan_entries(s.plan, &entry_count);
  int found = 0;
  for (int64_t i = 0; i < entry_count; ++i) found += entries[i].pixels > 0;
  double accepted, mean;
  erasing_moments(&accepted, &mean, size, .5, .9, .3);
  double error = sqrt(accepted * (1 - accepted) / count);
  assert_true(accepted > .1 && accepted < .9);
  assert_true(fabs((double)found / count - accepted) < 4 * error);
  free_scene(&s);
}

static void test_erasing_half_by_default(void **state) {
  scene s = make_scene(*state, "random_erasing", make_batch(CUTLAB_UINT8, 0, 0, 1, 1, 1));
  s.input.count = 10000;
  draw_scene(&s, 4);
  int64_t count;
  cutlab_plan_entries(s.plan, &count);
  assert_in_range(count, 4800, 5200);
  free_scene(&s);
}

/* A series loses a stretch whose length is the drawn share. */
static void test_erasing_series(void **state) {
  enum { length = 100 };
  scene s = make_scene(*state, "random_erasing(p=1, area_max=0.5)",
                       make_batch(CUTLAB_FLOAT32, CUTLAB_NCHW, 500, 1, length, 2));
  draw_scene(&s, 5);
  int64_t count;
  const cutlab_entry *entries = cutlab_plan_entries(s.plan, &count);
  assert_int_equal(count, 500);
  for (int64_t i = 0; i < count; ++i) {
    assert_int_equal(entries[i].right - entries[i].left, (int)rint(entries[i].values[0] * length));
    assert_int_equal(entries[i].bottom - entries[i].top, 1);
    assert_true(entries[i].values[1] == 0);
  }
  free_scene(&s);
}

/* Inside the box the channel's mean to the nearest integer, outside nothing changes. */
static void test_erasing_fills_the_mean(void **state) {
  scene s = make_scene(*state, "random_erasing(p=1)", make_batch(CUTLAB_UINT8, 1, 20, 9, 11, 5));
  draw_scene(&s, 6);
  assert_ok(s.context, cutlab_plan_apply(s.context, s.plan, &s.output, &s.input));
  int64_t count;
  const cutlab_entry *entries = cutlab_plan_entries(s.plan, &count);
  for (int64_t i = 0; i < count; ++i)
    for (int c = 0; c < 5; ++c) {
      double sum = 0;
      for (int y = 0; y < 9; ++y)
        for (int x = 0; x < 11; ++x) sum += element(&s.input, i, y, x, c);
      for (int y = 0; y < 9; ++y)
        for (int x = 0; x < 11; ++x) {
          const cutlab_entry *e = &entries[i];
          bool inside = y >= e->top && y < e->bottom && x >= e->left && x < e->right;
          double expected = inside ? rint(sum / 99) : element(&s.input, i, y, x, c);
          assert_true(element(&s.output, i, y, x, c) == expected);
        }
    }
  free_scene(&s);
}

/* ---- FMix ---- */

/* The partner's pixels of an entry by the definition: a sum over all frequencies of half of the
   spectrum for every pixel, then all but the highest. */
static void fmix_by_definition(uint8_t *mask, const cutlab_entry *entry, int height, int width) {
  cutlab_random random = cutlab_random_make(entry->key, cutlab_stream_mask, 0, 0, 0);
  int count = height * width, half = width / 2 + 1, longest = height > width ? height : width;
  double *field = calloc((size_t)count, sizeof *field);
  for (int ky = 0; ky < height; ++ky)
    for (int kx = 0; kx < half; ++kx) {
      double fy = fmin(ky, height - ky) / height, fx = (double)kx / width;
      double scale = pow(fmax(hypot(fx, fy), 1.0 / longest) * longest, -3);
      if (kx > 0 && 2 * kx != width) scale *= sqrt(2);
      double re = cutlab_random_normal(&random), im = cutlab_random_normal(&random);
      for (int i = 0; i < count; ++i) {
        int y = i / width, x = i % width;
        double angle = 2 * M_PI * ((double)(ky * y) / height + (double)(kx * x) / width);
        field[i] += scale * (re * cos(angle) - im * sin(angle));
      }
    }
  int own = (int)llround(entry->lambda * count);
  for (int i = 0; i < count; ++i) {
    int above = 0;
    for (int j = 0; j < count; ++j) above += field[j] > field[i];
    mask[i] = above >= own;
  }
  free(field);
}

static void test_fmix_equals_its_definition(void **state) {
  static const int shapes[][2] = {{1, 1}, {1, 2},  {1, 13}, {13, 1}, {2, 2},  {3, 5},
                                  {8, 8}, {6, 10}, {7, 11}, {16, 9}, {12, 30}};
  for (size_t k = 0; k < sizeof shapes / sizeof *shapes; ++k) {
    int height = shapes[k][0], width = shapes[k][1];
    uint8_t mask[400], expected[400];
    scene s = make_scene(*state, "fmix", make_batch(CUTLAB_UINT8, 0, 0, 1, 1, 1));
    s.input.count = 10;
    s.input.height = height;
    s.input.width = width;
    draw_scene(&s, k);
    int64_t count;
    const cutlab_entry *entries = cutlab_plan_entries(s.plan, &count);
    assert_int_equal(count, 10);
    for (int64_t i = 0; i < count; ++i) {
      cutlab_plan_mask(s.plan, &entries[i], mask);
      fmix_by_definition(expected, &entries[i], height, width);
      assert_memory_equal(mask, expected, (size_t)(height * width));
    }
    free_scene(&s);
  }
}

static void test_fmix_counts(void **state) {
  enum { size = 20, count = 2000 };
  scene s = make_scene(*state, "fmix(alpha=0.5)", make_batch(CUTLAB_UINT8, 0, 0, 1, 1, 1));
  s.input.count = count;
  s.input.height = s.input.width = size;
  draw_scene(&s, 9);
  int64_t entry_count, run_count;
  const cutlab_entry *entries = cutlab_plan_entries(s.plan, &entry_count);
  const cutlab_run_range *runs = cutlab_plan_runs(s.plan, &run_count);
  double sum = 0, square = 0;
  for (int64_t i = 0; i < entry_count; ++i) {
    const cutlab_entry *e = &entries[i];
    int64_t pixels = 0;
    for (int r = 0; r < e->run_count; ++r) {
      const cutlab_run_range *run = &runs[e->run + r];
      assert_true(run->begin < run->end && (r == 0 || run[-1].end < run->begin));
      assert_true(run->begin / size >= e->top && (run->end - 1) / size < e->bottom);
      pixels += run->end - run->begin;
    }
    assert_int_equal(pixels, size * size - llround(e->lambda * size * size));
    assert_int_equal(pixels, e->pixels);
    assert_true(e->weight == 1 - (double)pixels / (size * size));
    sum += e->lambda;
    square += (e->lambda - .5) * (e->lambda - .5);
  }
  /* Beta(1/2, 1/2): mean 1/2, variance 1/8. */
  assert_true(fabs(sum / count - .5) < 4 * sqrt(.125 / count));
  assert_true(fabs(square / count - .125) < .01);
  free_scene(&s);
}

/* Mean square of the mask's coefficient of frequency (ky, kx). */
static double mask_power(const scene *s, int ky, int kx, int size) {
  int64_t count;
  const cutlab_entry *entries = cutlab_plan_entries(s->plan, &count);
  uint8_t *mask = malloc((size_t)(size * size));
  double power = 0;
  for (int64_t i = 0; i < count; ++i) {
    double re = 0, im = 0;
    cutlab_plan_mask(s->plan, &entries[i], mask);
    for (int p = 0; p < size * size; ++p) {
      int y = p / size, x = p % size;
      double angle = 2 * M_PI * (ky * y + kx * x) / size;
      re += mask[p] * cos(angle);
      im += mask[p] * sin(angle);
    }
    power += re * re + im * im;
  }
  free(mask);
  return power / (double)count;
}

static void test_fmix_spectrum_falls(void **state) {
  enum { size = 16 };
  scene s = make_scene(*state, "fmix", make_batch(CUTLAB_UINT8, 0, 400, size, size, 1));
  draw_scene(&s, 10);
  double low = mask_power(&s, 0, 1, size), other = mask_power(&s, 1, 0, size);
  assert_true(low > 30 * mask_power(&s, 0, 6, size));
  assert_true(low > 30 * mask_power(&s, 6, 0, size));
  assert_true(low > .7 * other && low < 1.4 * other); /* no direction is preferred */
  free_scene(&s);
  s = make_scene(*state, "fmix(decay=0)", make_batch(CUTLAB_UINT8, 0, 400, size, size, 1));
  draw_scene(&s, 11);
  low = mask_power(&s, 0, 1, size), other = mask_power(&s, 6, 0, size);
  assert_true(low > .7 * other && low < 1.4 * other);
  free_scene(&s);
}

/* ---- Cells ---- */

enum { most_cells = 6, cell_draws = 30000 };

/* A bit for every cell that the mask holds; fails where it holds a cell in part. */
static int cells_of(const uint8_t *mask, int height, int width, int side) {
  int columns = (width + side - 1) / side, first = 0;
  for (int y = 0; y < height; y += side)
    for (int x = 0; x < width; x += side)
      if (mask[y * width + x]) first |= 1 << (y / side * columns + x / side);
  for (int i = 0; i < height * width; ++i) {
    int cell = i / width / side * columns + i % width / side;
    assert_int_equal(mask[i], first >> cell & 1);
  }
  return first;
}

/* Counts which sets of cells were drawn, after checking every entry. counts: [1 << most_cells]. */
static void count_sets(cutlab_context *context, int64_t *counts, const char *policy, int height,
                       int width, int side) {
  scene s = make_scene(context, policy, make_batch(CUTLAB_UINT8, 0, 0, 1, 1, 1));
  s.input.count = cell_draws;
  s.input.height = height;
  s.input.width = width;
  draw_scene(&s, 12);
  int64_t count, positions = height * width;
  const cutlab_entry *entries = cutlab_plan_entries(s.plan, &count);
  int cells = (height + side - 1) / side * ((width + side - 1) / side);
  bool mixes = cutlab_policy_mixes(s.policy);
  uint8_t mask[64];
  assert_int_equal(count, cell_draws);
  assert_true(positions <= 64 && cells <= most_cells);
  for (int64_t i = 0; i < count; ++i) {
    int64_t pixels = 0;
    cutlab_plan_mask(s.plan, &entries[i], mask);
    for (int64_t at = 0; at < positions; ++at) pixels += mask[at];
    int set = cells_of(mask, height, width, side), taken = __builtin_popcount((unsigned)set);
    assert_int_equal(pixels, entries[i].pixels);
    double weight = mixes ? 1 - (double)pixels / (double)positions : 1;
    assert_true(entries[i].weight == weight);
    assert_true(entries[i].lambda == (mixes ? (double)(cells - taken) / cells : 1));
    ++counts[set];
  }
  free_scene(&s);
}

static double choose(int n, int k) {
  return k ? choose(n - 1, k - 1) * n / k : 1;
}

/* Images of 6, 4 (the last smaller), 1 cell and series of 4 and 3. */
static const int grids[][3] = {{4, 6, 2}, {5, 7, 4}, {3, 5, 8}, {1, 8, 2}, {1, 7, 3}};

static void assert_count(int64_t found, double probability) {
  double expected = cell_draws * probability;
  if (fabs((double)found - expected) > 4.5 * sqrt(expected * (1 - probability)))
    fail_msg("%d sets, %g expected", (int)found, expected);
}

/* Every set S of P cells has probability 1 / ((P + 1) choose(P, |S|)). */
static void test_patch_cutmix_sets(void **state) {
  for (size_t g = 0; g < sizeof grids / sizeof *grids; ++g) {
    int height = grids[g][0], width = grids[g][1], side = grids[g][2];
    int cells = (height + side - 1) / side * ((width + side - 1) / side);
    int64_t counts[1 << most_cells] = {0}, sizes[most_cells + 1] = {0};
    char policy[64];
    snprintf(policy, sizeof policy, "patch_cutmix(side=%d)", side);
    count_sets(*state, counts, policy, height, width, side);
    for (int set = 0; set < 1 << cells; ++set) {
      int taken = __builtin_popcount((unsigned)set);
      assert_count(counts[set], 1 / ((cells + 1) * choose(cells, taken)));
      sizes[taken] += counts[set];
    }
    for (int k = 0; k <= cells; ++k) assert_count(sizes[k], 1. / (cells + 1));
  }
}

/* The sets of `cut` cells are equally likely, and there are no others. */
static void test_patch_cutout_sets(void **state) {
  for (size_t g = 0; g < sizeof grids / sizeof *grids; ++g)
    for (int cut = 1; cut <= 3; ++cut) {
      int height = grids[g][0], width = grids[g][1], side = grids[g][2];
      int cells = (height + side - 1) / side * ((width + side - 1) / side);
      int taken = cut < cells ? cut : cells;
      int64_t counts[1 << most_cells] = {0};
      char policy[64];
      snprintf(policy, sizeof policy, "patch_cutout(side=%d, cut=%d)", side, cut);
      count_sets(*state, counts, policy, height, width, side);
      for (int set = 0; set < 1 << cells; ++set)
        if (__builtin_popcount((unsigned)set) == taken)
          assert_count(counts[set], 1 / choose(cells, taken));
        else
          assert_int_equal(counts[set], 0);
    }
}

/* A plan that was drawn is accepted as one from elsewhere: runs lie in their boxes. */
static void test_patch_plans_are_sound(void **state) {
  static const char *const texts[] = {"patch_cutmix(side=3)", "patch_cutout(side=3, cut=5)"};
  for (int p = 0; p < 2; ++p) {
    scene s = make_scene(*state, texts[p], make_batch(CUTLAB_UINT8, 0, 200, 8, 10, 1));
    int64_t count, run_count;
    draw_scene(&s, 13);
    const cutlab_entry *entries = cutlab_plan_entries(s.plan, &count);
    const cutlab_run_range *runs = cutlab_plan_runs(s.plan, &run_count);
    cutlab_plan *other;
    cutlab_draw draw = draw_of(&s.input, 13);
    assert_ok(*state, cutlab_plan_create(*state, &other));
    assert_ok(*state,
              cutlab_plan_set(*state, other, s.policy, &draw, entries, count, runs, run_count));
    cutlab_plan_free(other);
    free_scene(&s);
  }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, context_up, context_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_erasing_distribution),
      TEST(test_erasing_gives_up),
      TEST(test_erasing_half_by_default),
      TEST(test_erasing_series),
      TEST(test_erasing_fills_the_mean),
      TEST(test_fmix_equals_its_definition),
      TEST(test_fmix_counts),
      TEST(test_fmix_spectrum_falls),
      TEST(test_patch_cutmix_sets),
      TEST(test_patch_cutout_sets),
      TEST(test_patch_plans_are_sound),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
