/* Applying plans: properties over random shapes, and bad input. */
#include <math.h>

#include <cutlab/random.h>

#include "base/half.h"
#include "plans.h"

static int64_t batch_bytes(const cutlab_batch *batch) {
  return batch->count * batch->height * batch->width * batch->channels *
         (int64_t)cutlab_dtype_size(batch->dtype);
}

/* A batch of random values in fresh memory; floats are multiples of 2^-10 in [0, 1]. */
static cutlab_batch make_batch(cutlab_dtype dtype, cutlab_layout layout, const cutlab_draw *draw,
                               int64_t channels, uint64_t seed) {
  cutlab_batch batch = {.dtype = dtype,
                        .layout = layout,
                        .count = draw->count,
                        .height = draw->height,
                        .width = draw->width,
                        .channels = channels};
  int64_t values = batch_bytes(&batch) / (int64_t)cutlab_dtype_size(dtype);
  cutlab_random random = cutlab_random_make(seed, 1000, 0, 0, 0);
  batch.data = malloc((size_t)batch_bytes(&batch) + 1);
  for (int64_t i = 0; i < values; ++i) {
    uint64_t value = cutlab_random_below(&random, 1025);
    if (dtype == CUTLAB_UINT8) ((uint8_t *)batch.data)[i] = (uint8_t)value;
    if (dtype == CUTLAB_FLOAT32) ((float *)batch.data)[i] = (float)value / 1024;
    if (dtype == CUTLAB_FLOAT16) ((uint16_t *)batch.data)[i] = (uint16_t)(value * 15);
  }
  return batch;
}

static cutlab_batch copy_batch(const cutlab_batch *batch) {
  cutlab_batch copy = *batch;
  copy.data = malloc((size_t)batch_bytes(batch) + 1);
  memcpy(copy.data, batch->data, (size_t)batch_bytes(batch));
  return copy;
}

static void assert_same(const cutlab_batch *left, const cutlab_batch *right, const char *what) {
  if (memcmp(left->data, right->data, (size_t)batch_bytes(left)) != 0)
    fail_msg("%s: the batches differ (%d x %d x %d, dtype %d, layout %d)", what, (int)left->height,
             (int)left->width, (int)left->channels, (int)left->dtype, (int)left->layout);
}

/* ---- The fast ways equal the definitions ---- */

static const char *const policies[] = {
    "cutmix",
    "cutmix(p=.5)",
    "cutmix(sampler=reference)",
    "cutmix(sampler=timm(pair))",
    "cutmix(sampler=kornia)",
    "mixup",
    "mixup(alpha=.2,per=batch)",
    "cutout(size=3)",
    "cutout(size=5,fill=.7)",
    "cutout(size=400)",
    "fmix",
    "flip(p=1) | flip(axis=vertical)",
    "crop(pad=2)",
    "crop(pad=9,mode=reflect)",
    "crop(pad=3,fill=.3)",
    "normalise(mean=.4,std=.3)",
    "flip | crop(pad=1) | cutmix | cutout(size=2)",
    "cutmix | flip | mixup",
    "flip | crop(pad=2) | normalise(mean=.5,std=.2) | cutmix",
    "crop(pad=1) | fmix(p=.7)",
    "flip | mixup(alpha=.5)",
    "one_of(cutmix, mixup, cutout(size=4), flip | mixup, p=.9)",
    "one_of(cutmix, mixup, per=batch) | mixup(p=.3)",
    "flip | crop(pad=2) | normalise(mean=.5,std=.2) | cutmix | cutout(size=2) | mixup(p=.5)",
    "scale | random_erasing(p=1,fill=.2) | cutmix(p=.5) | brightness",
    "brightness | saturation | hue | cutmix"};

/* One policy on one kind of batch: apart, in place, on several threads. */
static void check_policy(cutlab_context *context, const char *text, cutlab_dtype dtype,
                         cutlab_layout layout, int64_t channels, const cutlab_draw *draw) {
  cutlab_policy *policy = make_policy(context, text);
  cutlab_plan *plan = make_plan(context, policy, draw);
  bool floats = cutlab_policy_normalises(policy) && dtype == CUTLAB_UINT8;
  cutlab_batch input = make_batch(dtype, layout, draw, channels, draw->seed);
  cutlab_batch expected =
      make_batch(floats ? CUTLAB_FLOAT32 : dtype, layout, draw, channels, draw->seed + 1);
  cutlab_batch output = copy_batch(&expected);
  cutlab_status status = cutlab_plan_apply_reference(context, plan, &expected, &input);
  if (status != CUTLAB_OK) fail_msg("%s: %s", text, cutlab_context_message(context));
  for (int threads = 1; threads <= 3; ++threads) {
    cutlab_context_set_threads(context, threads);
    assert_int_equal(cutlab_plan_apply(context, plan, &output, &input), CUTLAB_OK);
    assert_same(&output, &expected, text);
    if (floats) continue;
    cutlab_batch own = copy_batch(&input);
    assert_int_equal(cutlab_plan_apply(context, plan, &own, &own), CUTLAB_OK);
    assert_same(&own, &expected, text);
    free(own.data);
  }
  free(input.data);
  free(expected.data);
  free(output.data);
  cutlab_plan_free(plan);
  cutlab_policy_free(policy);
}

static void test_apply_equals_reference(void **state) {
  static const cutlab_dtype dtypes[] = {CUTLAB_UINT8, CUTLAB_FLOAT16, CUTLAB_FLOAT32};
  static const int64_t shapes[][4] = {/* count, height, width, channels */
                                      {1, 1, 1, 1},  {5, 1, 1, 3},   {4, 1, 23, 2}, {7, 5, 9, 3},
                                      {12, 9, 8, 1}, {3, 17, 33, 4}, {6, 6, 70, 3}, {0, 4, 4, 3}};
  static const cutlab_isa sets[] = {CUTLAB_ISA_PORTABLE, CUTLAB_ISA_AVX2, CUTLAB_ISA_AVX512};
  for (size_t isa = 0; isa < 3; ++isa) {
    if (cutlab_context_set_isa(*state, sets[isa]) != CUTLAB_OK) continue;
    for (size_t p = 0; p < sizeof policies / sizeof *policies; ++p)
      for (size_t s = 0; s < sizeof shapes / sizeof *shapes; ++s) {
        const cutlab_draw draw = {.seed = 10 * p + s,
                                  .epoch = 2,
                                  .count = shapes[s][0],
                                  .height = shapes[s][1],
                                  .width = shapes[s][2]};
        cutlab_layout layout = (p + s + isa) % 2 ? CUTLAB_NHWC : CUTLAB_NCHW;
        check_policy(*state, policies[p], dtypes[(p + s) % 3], layout, shapes[s][3], &draw);
        check_policy(*state, policies[p], dtypes[(p + s + 1) % 3], (cutlab_layout)!layout,
                     shapes[s][3], &draw);
      }
  }
}

/* Beyond the caches, in place writes stream past them (apply.c). */
static void test_large_batch(void **state) {
  const cutlab_draw draw = {.seed = 4, .count = 3, .height = 1700, .width = 1701};
  check_policy(*state, "cutout(size=900)", CUTLAB_FLOAT32, CUTLAB_NCHW, 1, &draw);
  check_policy(*state, "cutmix", CUTLAB_FLOAT32, CUTLAB_NHWC, 1, &draw);
  if (cutlab_context_set_isa(*state, CUTLAB_ISA_AVX2) != CUTLAB_OK) return;
  check_policy(*state, "cutmix", CUTLAB_FLOAT32, CUTLAB_NCHW, 1, &draw);
}

/* In place, bytes outside the masks and between samples stay. */
static void test_touches_only_masks(void **state) {
  static const char *const regions[] = {"cutmix", "cutout(size=5)", "fmix",
                                        "one_of(cutmix, cutout(size=3))"};
  enum { count = 9, height = 7, width = 11, channels = 3, sample = height * width * channels };
  enum { stride = sample + 13 };
  for (int p = 0; p < 4; ++p) {
    const cutlab_draw draw = {
        .seed = (uint64_t)p, .count = count, .height = height, .width = width};
    cutlab_policy *policy = make_policy(*state, regions[p]);
    cutlab_plan *plan = make_plan(*state, policy, &draw);
    uint8_t data[count * stride], before[count * stride], mask[height * width];
    for (int i = 0; i < count * stride; ++i) before[i] = data[i] = (uint8_t)(i * 37 + 1);
    const cutlab_batch batch = {data,   CUTLAB_UINT8, CUTLAB_NHWC, count,
                                height, width,        channels,    stride};
    assert_int_equal(cutlab_plan_apply(*state, plan, &batch, &batch), CUTLAB_OK);
    int64_t entries;
    const cutlab_entry *entry = cutlab_plan_entries(plan, &entries);
    for (int64_t e = 0; e < entries; ++e, ++entry) {
      cutlab_plan_mask(plan, entry, mask);
      int pixels = 0;
      for (int i = 0; i < height * width; ++i) pixels += mask[i];
      assert_int_equal(pixels, entry->pixels);
      for (int i = 0; i < stride; ++i)
        if (i >= sample || !mask[i / channels])
          assert_int_equal(data[entry->row * stride + i], before[entry->row * stride + i]);
    }
    cutlab_plan_free(plan);
    cutlab_policy_free(policy);
  }
}

static void test_mixup_rounds(void **state) {
  enum { count = 64 };
  const cutlab_draw draw = {.seed = 5, .count = count, .height = 3, .width = 50};
  cutlab_policy *policy = make_policy(*state, "mixup");
  cutlab_plan *plan = make_plan(*state, policy, &draw);
  cutlab_batch input = make_batch(CUTLAB_UINT8, CUTLAB_NHWC, &draw, 1, 3);
  cutlab_batch output = copy_batch(&input);
  assert_int_equal(cutlab_plan_apply(*state, plan, &output, &output), CUTLAB_OK);
  int64_t entries;
  const cutlab_entry *entry = cutlab_plan_entries(plan, &entries);
  assert_int_equal(entries, count);
  for (int64_t e = 0; e < entries; ++e, ++entry)
    for (int i = 0; i < 150; ++i) {
      double own = ((uint8_t *)input.data)[entry->row * 150 + i];
      double other = ((uint8_t *)input.data)[entry->partner_row * 150 + i];
      double exact = entry->weight * own + (1 - entry->weight) * other;
      assert_true(fabs(((uint8_t *)output.data)[entry->row * 150 + i] - exact) <= 0.5);
    }
  free(input.data);
  free(output.data);
  cutlab_plan_free(plan);
  cutlab_policy_free(policy);
}

/* Any map of partners, not only permutations, may come from elsewhere; in place is still exact. */
static void test_any_partners_in_place(void **state) {
  enum { count = 40 };
  cutlab_policy *policy = make_policy(*state, "one_of(cutmix, mixup)");
  const cutlab_draw draw = {.count = count, .height = 6, .width = 5};
  cutlab_random random = cutlab_random_make(9, 1002, 0, 0, 0);
  cutlab_plan *plan;
  assert_int_equal(cutlab_plan_create(*state, &plan), CUTLAB_OK);
  for (int trial = 0; trial < 50; ++trial) {
    cutlab_entry entries[count];
    for (int i = 0; i < count; ++i) {
      int partner = (int)cutlab_random_below(&random, trial % 2 ? count : 4);
      bool blend = cutlab_random_below(&random, 2);
      entries[i] = (cutlab_entry){.sample = i,
                                  .partner = partner,
                                  .lambda = .25,
                                  .weight = .25,
                                  .row = i,
                                  .partner_row = partner,
                                  .step = blend};
      if (blend) continue;
      entries[i].bottom = (int32_t)cutlab_random_below(&random, 7);
      entries[i].right = (int32_t)cutlab_random_below(&random, 6);
      entries[i].pixels = (int64_t)entries[i].bottom * entries[i].right;
    }
    assert_int_equal(cutlab_plan_set(*state, plan, policy, &draw, entries, count, NULL, 0),
                     CUTLAB_OK);
    cutlab_batch input = make_batch(CUTLAB_UINT8, CUTLAB_NCHW, &draw, 2, (uint64_t)trial);
    cutlab_batch expected = copy_batch(&input);
    cutlab_context_set_threads(*state, 1 + trial % 4);
    assert_int_equal(cutlab_plan_apply_reference(*state, plan, &expected, &input), CUTLAB_OK);
    assert_int_equal(cutlab_plan_apply(*state, plan, &input, &input), CUTLAB_OK);
    assert_same(&input, &expected, "any partners");
    free(input.data);
    free(expected.data);
  }
  cutlab_plan_free(plan);
  cutlab_policy_free(policy);
}

/* ---- Buffers ---- */

static void test_apply_errors(void **state) {
  uint8_t data[2 * 4 * 4 * 3 * 4], other[sizeof data];
  const cutlab_batch good = {data, CUTLAB_UINT8, CUTLAB_NHWC, 2, 4, 4, 3, 0};
  cutlab_policy *policy = make_policy(*state, "cutout(fill=(1,0,1))");
  const cutlab_draw draw = {.count = 2, .height = 4, .width = 4};
  cutlab_plan *plan = make_plan(*state, policy, &draw);
  struct {
    cutlab_batch output, input;
    const char *message;
  } cases[11];
  for (int i = 0; i < 11; ++i) {
    cases[i].input = cases[i].output = good;
    cases[i].output.data = other;
  }
  cases[0].input.dtype = CUTLAB_INT64, cases[0].message = "input has dtype 2, int64; accepted";
  cases[1].input.count = 3, cases[1].message = "3 images of 4 x 4, the plan is for 2";
  cases[2].output.width = 5, cases[2].message = "output has 2 images of 4 x 5";
  cases[3].input.channels = 0, cases[3].message = "0 channels";
  cases[4].input.stride = 47, cases[4].message = "stride of 47 bytes";
  cases[5].output.layout = CUTLAB_NCHW, cases[5].message = "differ in layout";
  cases[6].output.data = data + 1, cases[6].message = "overlap";
  cases[7].input.dtype = CUTLAB_FLOAT32, cases[7].message = "output is uint8";
  cases[8].input.data = NULL, cases[8].message = "not NULL";
  cases[9].input.channels = cases[9].output.channels = 2,
  cases[9].message = "3 values for images of 2";
  cases[10].input.dtype = (cutlab_dtype)77, cases[10].message = "input has dtype 77; accepted";
  for (int i = 0; i < 11; ++i) {
    assert_int_equal(cutlab_plan_apply(*state, plan, &cases[i].output, &cases[i].input),
                     CUTLAB_ERROR_ARGUMENT);
    assert_message(*state, cases[i].message);
  }
  cutlab_plan_free(plan);
  cutlab_policy_free(policy);
}

/* Every half goes to float and back; every float near one is rounded to the nearest, ties to even.
 */
static void test_halves(void **state) {
  (void)state;
  for (uint32_t half = 0; half < 0x7c00; ++half) {
    float value = cutlab_half_to_float((uint16_t)half);
    int exponent = (int)(half >> 10);
    double expected = ldexp((half & 1023) + (exponent ? 1024 : 0), (exponent ? exponent : 1) - 25);
    assert_true(value == expected);
    assert_int_equal(cutlab_half_from_float(value), half);
    assert_int_equal(cutlab_half_from_float(-value), half | 0x8000);
    float next = half + 1 == 0x7c00 ? 65536 : cutlab_half_to_float((uint16_t)(half + 1));
    float middle = (value + next) / 2;
    assert_int_equal(cutlab_half_from_float(middle), half + (half & 1));
    assert_int_equal(cutlab_half_from_float(nextafterf(middle, 0)), half);
    assert_int_equal(cutlab_half_from_float(nextafterf(middle, 1e9F)), half + 1);
  }
  assert_int_equal(cutlab_half_from_float(INFINITY), 0x7c00);
  assert_true(isinf(cutlab_half_to_float(0xfc00)) && isnan(cutlab_half_to_float(0x7e01)));
  assert_true(isnan(cutlab_half_to_float(cutlab_half_from_float(NAN))));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_apply_equals_reference, context_up, context_down),
      cmocka_unit_test_setup_teardown(test_large_batch, context_up, context_down),
      cmocka_unit_test_setup_teardown(test_touches_only_masks, context_up, context_down),
      cmocka_unit_test_setup_teardown(test_mixup_rounds, context_up, context_down),
      cmocka_unit_test_setup_teardown(test_any_partners_in_place, context_up, context_down),
      cmocka_unit_test_setup_teardown(test_apply_errors, context_up, context_down),
      cmocka_unit_test(test_halves)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
