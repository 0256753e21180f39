/* The methods of augmentation: what they mean, and that fast lines equal the definitions. */
#include <math.h>

#include <cutlab/augment.h>
#include <cutlab/random.h>

#include "base/file.h"
#include "base/half.h"
#include "base/streams.h"
#include "fixture.h"

#define assert_ok(context, call)                                                                   \
  do {                                                                                             \
    if ((call) != CUTLAB_OK) fail_msg("%s", cutlab_context_message(context));                      \
  } while (0)

/* A policy, a plan of it, an input batch and room for an output. */
typedef struct scene {
  cutlab_context *context;
  cutlab_policy *policy;
  cutlab_plan *plan;
  cutlab_batch input, output;
} scene;

static int64_t elements_of(const cutlab_batch *batch) {
  return batch->count * batch->height * batch->width * batch->channels;
}

static void set_element(const cutlab_batch *batch, int64_t i, double value) {
  if (batch->dtype == CUTLAB_UINT8)
    ((uint8_t *)batch->data)[i] = (uint8_t)value;
  else if (batch->dtype == CUTLAB_FLOAT16)
    ((uint16_t *)batch->data)[i] = cutlab_half_from_float((float)value);
  else
    ((float *)batch->data)[i] = (float)value;
}

static int64_t index_of(const cutlab_batch *batch, int64_t n, int64_t y, int64_t x, int64_t c) {
  return batch->layout == CUTLAB_NHWC
             ? ((n * batch->height + y) * batch->width + x) * batch->channels + c
             : ((n * batch->channels + c) * batch->height + y) * batch->width + x;
}

static double element(const cutlab_batch *batch, int64_t n, int64_t y, int64_t x, int64_t c) {
  int64_t i = index_of(batch, n, y, x, c);
  if (batch->dtype == CUTLAB_UINT8) return ((const uint8_t *)batch->data)[i];
  if (batch->dtype == CUTLAB_FLOAT16)
    return (double)cutlab_half_to_float(((const uint16_t *)batch->data)[i]);
  return (double)((const float *)batch->data)[i];
}

static cutlab_batch make_batch(cutlab_dtype dtype, cutlab_layout layout, int64_t count,
                               int64_t height, int64_t width, int64_t channels) {
  cutlab_batch batch = {NULL, dtype, layout, count, height, width, channels, 0};
  batch.data = calloc((size_t)elements_of(&batch) + 1, cutlab_dtype_size(dtype));
  assert_non_null(batch.data);
  return batch;
}

/* Values 0..255, or a little more than 0..1. */
static void randomise(const cutlab_batch *batch, uint64_t seed) {
  cutlab_random random = cutlab_random_make(seed, 0, 0, 0, 0);
  for (int64_t i = 0; i < elements_of(batch); ++i)
    set_element(batch, i,
                batch->dtype == CUTLAB_UINT8 ? (double)cutlab_random_below(&random, 256)
                                             : 1.2 * cutlab_random_uniform(&random) - .1);
}

static cutlab_draw draw_of(const cutlab_batch *batch, uint64_t seed) {
  return (cutlab_draw){
      .seed = seed, .count = batch->count, .height = batch->height, .width = batch->width};
}

static scene make_scene(cutlab_context *context, const char *policy, cutlab_batch input) {
  scene s = {.context = context, .input = input, .output = input};
  s.output.data = calloc((size_t)elements_of(&input) + 1, cutlab_dtype_size(input.dtype));
  assert_ok(context, cutlab_policy_create(context, &s.policy, policy));
  assert_ok(context, cutlab_plan_create(context, &s.plan));
  randomise(&s.input, 7);
  return s;
}

static void free_scene(scene *s) {
  cutlab_plan_free(s->plan);
  cutlab_policy_free(s->policy);
  free(s->input.data);
  free(s->output.data);
}

static void draw_scene(scene *s, uint64_t seed) {
  cutlab_draw draw = draw_of(&s->input, seed);
  assert_ok(s->context, cutlab_plan_draw(s->context, s->plan, s->policy, &draw));
}

/* Applies the plan with values[0] of every entry replaced. */
static void apply_with(scene *s, double value) {
  int64_t count, run_count;
  draw_scene(s, 1);
  const cutlab_entry *drawn = cutlab_plan_entries(s->plan, &count);
  cutlab_plan_runs(s->plan, &run_count);
  assert_int_equal(count, s->input.count);
  assert_int_equal(run_count, 0);
  cutlab_entry *entries = malloc((size_t)count * sizeof *entries);
  memcpy(entries, drawn, (size_t)count * sizeof *entries);
  for (int64_t i = 0; i < count; ++i) entries[i].values[0] = value;
  cutlab_draw draw = draw_of(&s->input, 1);
  assert_ok(s->context,
            cutlab_plan_set(s->context, s->plan, s->policy, &draw, entries, count, NULL, 0));
  free(entries);
  assert_ok(s->context, cutlab_plan_apply(s->context, s->plan, &s->output, &s->input));
}

static void assert_unchanged(const scene *s) {
  assert_memory_equal(s->output.data, s->input.data,
                      (size_t)elements_of(&s->input) * cutlab_dtype_size(s->input.dtype));
}

/* ---- Fast lines equal the definitions ---- */

static const char *const policies[] = {
    "random_erasing(p=1)",
    "random_erasing(p=1, fill=0.3, area_max=0.9)",
    "fmix",
    "fmix(alpha=0.2, decay=1)",
    "patch_cutmix(side=3)",
    "patch_cutmix(side=1)",
    "patch_cutout(side=2, cut=3)",
    "patch_cutout(side=4, fill=0.7)",
    "rotate(degrees=180)",
    "rotate(degrees=180, interpolation=nearest, fill=0.7)",
    "scale(low=0.3, high=3)",
    "scale(low=0.3, high=3, interpolation=nearest, fill=0.7)",
    "brightness(amount=2)",
    "contrast(amount=2)",
    "saturation(amount=2)",
    "hue(amount=0.5)",
    "rotate(degrees=90) | contrast(amount=1) | hue | random_erasing(p=1) | fmix"};

static void compare_twins(cutlab_context *context, const char *policy, cutlab_batch input,
                          uint64_t seed) {
  scene s = make_scene(context, policy, input);
  cutlab_batch twin = s.output;
  twin.data = calloc((size_t)elements_of(&input) + 1, cutlab_dtype_size(input.dtype));
  draw_scene(&s, seed);
  assert_ok(context, cutlab_plan_apply(context, s.plan, &s.output, &s.input));
  assert_ok(context, cutlab_plan_apply_reference(context, s.plan, &twin, &s.input));
  size_t size = cutlab_dtype_size(input.dtype);
  if (memcmp(s.output.data, twin.data, (size_t)elements_of(&input) * size) != 0)
    fail_msg("%s: dtype %d, layout %d, %d x %d x %d", policy, (int)input.dtype, (int)input.layout,
             (int)input.height, (int)input.width, (int)input.channels);
  /* In place. */
  assert_ok(context, cutlab_plan_apply(context, s.plan, &s.input, &s.input));
  assert_memory_equal(s.input.data, twin.data, (size_t)elements_of(&input) * size);
  free(twin.data);
  free_scene(&s);
}

static void test_twins(void **state) {
  static const int64_t shapes[][2] = {{1, 1}, {1, 7}, {7, 1}, {5, 3}, {17, 13}};
  static const int64_t channels[] = {1, 3, 5};
  static const cutlab_dtype dtypes[] = {CUTLAB_UINT8, CUTLAB_FLOAT16, CUTLAB_FLOAT32};
  uint64_t seed = 0;
  for (size_t p = 0; p < sizeof policies / sizeof *policies; ++p)
    for (int s = 0; s < 5; ++s)
      for (int c = 0; c < 3; ++c)
        for (int d = 0; d < 3; ++d)
          for (int layout = 0; layout < 2; ++layout) {
            if (strncmp(policies[p], "rotate", 6) == 0 && shapes[s][0] == 1) continue;
            bool chain = strchr(policies[p], '|') != NULL;
            if (chain && shapes[s][0] * shapes[s][1] > 20) continue; /* the twin is slow */
            compare_twins(*state, policies[p],
                          make_batch(dtypes[d], (cutlab_layout)layout, 3, shapes[s][0],
                                     shapes[s][1], channels[c]),
                          ++seed);
          }
  for (size_t p = 0; p + 1 < sizeof policies / sizeof *policies; ++p)
    if (!strstr(policies[p], "contrast"))
      compare_twins(*state, policies[p], make_batch(CUTLAB_UINT8, CUTLAB_NHWC, 2, 33, 17, 3), p);
}

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

/* ---- Geometry ---- */

static const char *const rotations[] = {"rotate(fill=0.7)",
                                        "rotate(fill=0.7, interpolation=nearest)"};

static void test_rotation_by_right_angles(void **state) {
  for (int r = 0; r < 2; ++r)
    for (int size = 6; size < 8; ++size) {
      scene s = make_scene(*state, rotations[r], make_batch(CUTLAB_FLOAT32, 0, 2, size, size, 3));
      int last = size - 1;
      for (int i = 0; i < size; ++i) /* on black not even a trace of the fill may show */
        for (int c = 0; c < 3; ++c) {
          set_element(&s.input, index_of(&s.input, 1, i, last, c), 0);
          set_element(&s.input, index_of(&s.input, 1, 0, i, c), 0);
        }
      apply_with(&s, 0);
      assert_unchanged(&s);
      apply_with(&s, 360);
      assert_unchanged(&s);
      for (int quarter = -1; quarter <= 2; ++quarter) {
        apply_with(&s, 90 * quarter);
        for (int y = 0; y < size; ++y)
          for (int x = 0; x < size; ++x) {
            /* Counter-clockwise: what was right is up. */
            int from_y = quarter == 1 ? x : quarter == -1 ? last - x : quarter == 2 ? last - y : y;
            int from_x = quarter == 1 ? last - y : quarter == -1 ? y : quarter == 2 ? last - x : x;
            assert_true(element(&s.output, 1, y, x, 2) == element(&s.input, 1, from_y, from_x, 2));
          }
      }
      free_scene(&s);
    }
}

static void test_half_turn_of_any_shape(void **state) {
  scene s = make_scene(*state, rotations[0], make_batch(CUTLAB_UINT8, 1, 1, 4, 7, 2));
  apply_with(&s, -180);
  for (int y = 0; y < 4; ++y)
    for (int x = 0; x < 7; ++x)
      assert_true(element(&s.output, 0, y, x, 1) == element(&s.input, 0, 3 - y, 6 - x, 1));
  free_scene(&s);
}

/* A linear ramp is reproduced by bilinear interpolation wherever four pixels are at hand. */
static void test_rotation_of_a_ramp(void **state) {
  enum { size = 21 };
  scene s =
      make_scene(*state, "rotate(fill=0.25)", make_batch(CUTLAB_FLOAT32, 0, 1, size, size, 1));
  for (int y = 0; y < size; ++y)
    for (int x = 0; x < size; ++x)
      set_element(&s.input, y * size + x, .5 + .02 * (x - 10) + .01 * (y - 10));
  double degrees = 30, cosine = cos(degrees * M_PI / 180), sine = sin(degrees * M_PI / 180);
  apply_with(&s, degrees);
  int checked = 0;
  for (int y = 0; y < size; ++y)
    for (int x = 0; x < size; ++x) {
      /* Counter-clockwise in an image whose y points down. */
      double dx = cosine * (x - 10) - sine * (y - 10), dy = sine * (x - 10) + cosine * (y - 10);
      double value = element(&s.output, 0, y, x, 0);
      if (fabs(dx) < 10 && fabs(dy) < 10) {
        assert_true(fabs(value - (.5 + .02 * dx + .01 * dy)) < 1e-6);
        ++checked;
      }
      if (fabs(dx) > 11 || fabs(dy) > 11) assert_true(value == .25);
    }
  assert_in_range(checked, 250, 440);
  free_scene(&s);
}

static void test_rotation_refuses_series(void **state) {
  scene s = make_scene(*state, "rotate", make_batch(CUTLAB_UINT8, 0, 2, 1, 7, 1));
  cutlab_draw draw = draw_of(&s.input, 1);
  assert_int_equal(cutlab_plan_draw(s.context, s.plan, s.policy, &draw), CUTLAB_ERROR_ARGUMENT);
  assert_message(s.context, "rotate needs images of height above 1");
  free_scene(&s);
}

static void test_scale_by_one_is_the_identity(void **state) {
  for (int layout = 0; layout < 2; ++layout) {
    scene s =
        make_scene(*state, "scale", make_batch(CUTLAB_FLOAT32, (cutlab_layout)layout, 2, 6, 9, 3));
    apply_with(&s, 1);
    assert_unchanged(&s);
    free_scene(&s);
  }
}

static void test_scale_by_two(void **state) {
  scene s = make_scene(*state, "scale(interpolation=nearest)",
                       make_batch(CUTLAB_UINT8, CUTLAB_NHWC, 1, 8, 12, 1));
  apply_with(&s, 2);
  for (int y = 0; y < 8; ++y)
    for (int x = 0; x < 12; ++x)
      assert_true(element(&s.output, 0, y, x, 0) == element(&s.input, 0, 2 + y / 2, 3 + x / 2, 0));
  free_scene(&s);
}

/* At half the size a pixel is the mean of the four under it, and the rest is fill. */
static void test_scale_by_half(void **state) {
  scene s = make_scene(*state, "scale(fill=0.5)", make_batch(CUTLAB_FLOAT32, 1, 1, 8, 8, 1));
  apply_with(&s, .5);
  for (int y = 0; y < 8; ++y)
    for (int x = 0; x < 8; ++x) {
      double value = element(&s.output, 0, y, x, 0), sum = 0;
      bool inside = y >= 2 && y < 6 && x >= 2 && x < 6;
      for (int k = 0; inside && k < 4; ++k)
        sum += element(&s.input, 0, 2 * (y - 2) + k / 2, 2 * (x - 2) + k % 2, 0);
      assert_true(fabs(value - (inside ? sum / 4 : .5)) < 1e-6);
    }
  free_scene(&s);
}

static void test_scale_of_series(void **state) {
  scene s = make_scene(*state, "scale", make_batch(CUTLAB_FLOAT32, CUTLAB_NCHW, 1, 1, 8, 2));
  apply_with(&s, .5);
  for (int x = 2; x < 6; ++x) {
    double sum = element(&s.input, 0, 0, 2 * x - 4, 1) + element(&s.input, 0, 0, 2 * x - 3, 1);
    assert_true(fabs(element(&s.output, 0, 0, x, 1) - sum / 2) < 1e-6);
  }
  free_scene(&s);
}

/* ---- Colour ---- */

static void test_factors_and_ranges(void **state) {
  static const struct {
    const char *policy;
    double low, high;
  } cases[] = {{"brightness(amount=0.3)", .7, 1.3},
               {"contrast(amount=2)", 0, 3},
               {"saturation", .8, 1.2},
               {"hue(amount=0.25)", -.25, .25},
               {"rotate(degrees=20)", -20, 20},
               {"scale(low=0.5, high=2)", .5, 2}};
  for (size_t k = 0; k < sizeof cases / sizeof *cases; ++k) {
    scene s = make_scene(*state, cases[k].policy, make_batch(CUTLAB_UINT8, 0, 4000, 2, 1, 1));
    draw_scene(&s, k);
    int64_t count;
    const cutlab_entry *entries = cutlab_plan_entries(s.plan, &count);
    double sum = 0, range = cases[k].high - cases[k].low;
    for (int64_t i = 0; i < count; ++i) {
      assert_true(entries[i].values[0] >= cases[k].low && entries[i].values[0] <= cases[k].high);
      sum += entries[i].values[0];
    }
    double middle = (cases[k].low + cases[k].high) / 2, error = range / sqrt(12.0 * 4000);
    assert_int_equal(count, 4000);
    assert_true(fabs(sum / 4000 - middle) < 4 * error);
    free_scene(&s);
  }
}

static void test_factor_one_is_the_identity(void **state) {
  static const char *const colours[] = {"brightness", "contrast", "saturation"};
  for (int k = 0; k < 3; ++k) {
    scene s = make_scene(*state, colours[k], make_batch(CUTLAB_UINT8, 0, 2, 5, 6, 3));
    apply_with(&s, 1);
    assert_unchanged(&s);
    free_scene(&s);
  }
  scene s = make_scene(*state, "hue", make_batch(CUTLAB_UINT8, 0, 2, 5, 6, 3));
  apply_with(&s, 0);
  assert_unchanged(&s);
  apply_with(&s, 1); /* a whole turn */
  assert_unchanged(&s);
  free_scene(&s);
}

static void test_brightness(void **state) {
  scene s = make_scene(*state, "brightness", make_batch(CUTLAB_UINT8, 1, 1, 5, 6, 2));
  apply_with(&s, 1.5);
  for (int64_t i = 0; i < 60; ++i) {
    double value = ((const uint8_t *)s.input.data)[i];
    assert_true(((const uint8_t *)s.output.data)[i] == fmin(rint(1.5 * value), 255));
  }
  free_scene(&s);
}

static double mean_of(const cutlab_batch *batch) {
  double sum = 0;
  for (int y = 0; y < batch->height; ++y)
    for (int x = 0; x < batch->width; ++x)
      sum += batch->channels == 3
                 ? .2989 * element(batch, 0, y, x, 0) + .587 * element(batch, 0, y, x, 1) +
                       .114 * element(batch, 0, y, x, 2)
                 : element(batch, 0, y, x, 0);
  return sum / (double)(batch->height * batch->width);
}

static void test_contrast_keeps_the_mean(void **state) {
  for (int channels = 1; channels <= 3; channels += 2) {
    scene s = make_scene(*state, "contrast", make_batch(CUTLAB_FLOAT32, 0, 1, 8, 9, channels));
    for (int64_t i = 0; i < elements_of(&s.input); ++i)
      set_element(&s.input, i, .2 + .05 * (double)(i * i % 11));
    double mean = mean_of(&s.input);
    apply_with(&s, .5);
    /* The weights of grey add to .9999. */
    assert_true(fabs(mean_of(&s.output) - mean) < 1e-4);
    assert_false(element(&s.output, 0, 0, 0, 0) == element(&s.input, 0, 0, 0, 0));
    apply_with(&s, 0);
    for (int x = 0; x < 9; ++x) assert_true(fabs(element(&s.output, 0, 3, x, 0) - mean) < 1e-6);
    free_scene(&s);
  }
}

static void test_saturation_zero_is_grey(void **state) {
  scene s = make_scene(*state, "saturation", make_batch(CUTLAB_FLOAT32, 1, 1, 4, 5, 3));
  for (int64_t i = 0; i < elements_of(&s.input); ++i)
    set_element(&s.input, i, (double)(i * 7 % 60) / 60);
  apply_with(&s, 0);
  for (int y = 0; y < 4; ++y)
    for (int x = 0; x < 5; ++x)
      for (int c = 0; c < 3; ++c) {
        double grey = .2989 * element(&s.input, 0, y, x, 0) + .587 * element(&s.input, 0, y, x, 1) +
                      .114 * element(&s.input, 0, y, x, 2);
        assert_true(fabs(element(&s.output, 0, y, x, c) - grey) < 1e-6);
      }
  free_scene(&s);
}

/* A third of a turn takes red to green, green to blue and blue to red, whatever the colour. */
static void test_hue_by_a_third(void **state) {
  scene s = make_scene(*state, "hue", make_batch(CUTLAB_UINT8, 0, 1, 1, 50, 3));
  for (int i = 0; i < 3; ++i)
    for (int c = 0; c < 3; ++c) set_element(&s.input, 3 * i + c, i == c ? 255 : 0);
  for (int turn = -1; turn <= 1; turn += 2) {
    apply_with(&s, turn / 3.0);
    for (int x = 0; x < 50; ++x)
      for (int c = 0; c < 3; ++c)
        assert_true(element(&s.output, 0, 0, x, (c + turn + 3) % 3) ==
                    element(&s.input, 0, 0, x, c));
  }
  apply_with(&s, 1 / 6.0);
  assert_true(element(&s.output, 0, 0, 0, 0) == 255 && element(&s.output, 0, 0, 0, 1) == 255 &&
              element(&s.output, 0, 0, 0, 2) == 0); /* red to yellow */
  free_scene(&s);
}

static void test_colours_need_three_channels(void **state) {
  static const char *const colours[] = {"saturation", "hue"};
  for (int k = 0; k < 2; ++k)
    for (int channels = 1; channels < 5; channels += 3) {
      scene s = make_scene(*state, colours[k], make_batch(CUTLAB_UINT8, 0, 2, 5, 6, channels));
      apply_with(&s, .4);
      assert_unchanged(&s);
      free_scene(&s);
    }
}

/* ---- Refused parameters ---- */

static void test_refused_parameters(void **state) {
  static const struct {
    const char *policy, *message;
  } cases[] = {{"scale(low=2, high=1)", "low is 2, high 1"},
               {"random_erasing(area_min=0.5)", "area_min is 0.5, area_max 0.4"},
               {"random_erasing(aspect_min=0)", "aspect_min"},
               {"random_erasing(tries=0)", "tries"},
               {"fmix(alpha=0)", "alpha"},
               {"patch_cutmix(side=0)", "side of patch_cutmix is '0'"},
               {"patch_cutout(side=1.5)", "side"},
               {"patch_cutout(cut=0)", "cut"},
               {"hue(amount=0.6)", "amount"},
               {"brightness(amount=-1)", "amount"},
               {"rotate(degrees=181)", "degrees"},
               {"rotate(interpolation=cubic)", "nearest | bilinear"}};
  for (size_t k = 0; k < sizeof cases / sizeof *cases; ++k) {
    cutlab_policy *policy;
    assert_int_equal(cutlab_policy_create(*state, &policy, cases[k].policy), CUTLAB_ERROR_ARGUMENT);
    assert_message(*state, cases[k].message);
  }
}

/* ---- docs/methods.md ---- */

/* The start of a parameter's row in a Markdown table. */
static char *row_of(const cutlab_parameter *parameter, const char *default_text) {
  char *row, *accepted = calloc(2 * strlen(parameter->accepted) + 1, 1), *to = accepted;
  assert_non_null(accepted);
  for (const char *from = parameter->accepted; *from; ++from) {
    if (*from == '|') *to++ = '\\';
    *to++ = *from;
  }
  assert_true(asprintf(&row, "\n| `%s` | %s | %s |", parameter->name, default_text, accepted) > 0);
  free(accepted);
  return row;
}

/* Every parameter stands there as it is in the code; `p` only where its default is not 1. */
static void test_documentation(void **state) {
  char *text, *heading, *row;
  size_t size;
  cutlab_augmentation method;
  cutlab_parameter parameter;
  const char *value;
  assert_ok(*state,
            cutlab_file_read(*state, &text, &size, CUTLAB_SOURCE_DIR "/docs/methods.md", 0));
  for (int m = 0; cutlab_augmentation_at(m, &method); ++m) {
    assert_true(asprintf(&heading, "\n## %s\n", method.name) > 0);
    char *section = strstr(text, heading);
    if (!section) {
      fail_msg("docs/methods.md has no section %s", method.name);
      return;
    }
    char *end = strstr(section + 1, "\n## ");
    if (end) *end = '\0';
    for (int p = 0; cutlab_augmentation_parameter_at(m, p, &parameter, &value); ++p) {
      if (p == 0 && strcmp(value, "1") == 0) continue;
      row = row_of(&parameter, value);
      if (!strstr(section, row)) fail_msg("docs/methods.md, %s: no row %s", method.name, row + 1);
      free(row);
    }
    if (end) *end = '\n';
    free(heading);
  }
  free(text);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, context_up, context_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_twins),
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
      TEST(test_rotation_by_right_angles),
      TEST(test_half_turn_of_any_shape),
      TEST(test_rotation_of_a_ramp),
      TEST(test_rotation_refuses_series),
      TEST(test_scale_by_one_is_the_identity),
      TEST(test_scale_by_two),
      TEST(test_scale_by_half),
      TEST(test_scale_of_series),
      TEST(test_factors_and_ranges),
      TEST(test_factor_one_is_the_identity),
      TEST(test_brightness),
      TEST(test_contrast_keeps_the_mean),
      TEST(test_saturation_zero_is_grey),
      TEST(test_hue_by_a_third),
      TEST(test_colours_need_three_channels),
      TEST(test_refused_parameters),
      TEST(test_documentation),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
