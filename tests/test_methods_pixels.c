/* What methods that compute pixels mean: rotation, scaling, colours. */
#include <math.h>

#include "scene.h"

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

#define TEST(name) cmocka_unit_test_setup_teardown(name, context_up, context_down)

int main(void) {
  const struct CMUnitTest tests[] = {
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
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
