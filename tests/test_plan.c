/* Policies, plans, applying them and labels: properties over random shapes, and bad input. */
#include "fixture.h"

#include <math.h>

#include <cutlab/augment.h>
#include <cutlab/random.h>

#include "base/half.h"

/* ---- Helpers ---- */

static cutlab_policy *make_policy(cutlab_context *context, const char *text) {
  cutlab_policy *policy;
  if (cutlab_policy_create(context, &policy, text) != CUTLAB_OK)
    fail_msg("'%s': %s", text, cutlab_context_message(context));
  return policy;
}

static cutlab_plan *make_plan(cutlab_context *context, const cutlab_policy *policy,
                              const cutlab_draw *draw) {
  cutlab_plan *plan;
  assert_int_equal(cutlab_plan_create(context, &plan), CUTLAB_OK);
  if (cutlab_plan_draw(context, plan, policy, draw) != CUTLAB_OK)
    fail_msg("%s", cutlab_context_message(context));
  return plan;
}

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

/* ---- The policy language ---- */

static void test_policy_text(void **state) {
  static const char *const texts[] = {
      "cutmix",
      "cutmix(alpha=1,p=1)",
      " flip | crop ( pad = 4 ) | one_of ( cutmix ( alpha = 1 ) , mixup(alpha=.2), p = .5 ) ",
      "one_of(flip | rotate(degrees=10), one_of(scale, crop), weights=(2, 1), per=batch) | cutout",
      "normalise(mean=(0.4914, 0.4822, 0.4465), std=[.2, .2, .2]) | random_erasing",
      "cutmix(sampler=timm(pair))",
      "- flip\n- crop: {pad: 2, mode: reflect}\n- one_of: {of: [cutmix, [cutout, mixup]], p: .5}\n",
      "policy:\n  - cutmix:\n      alpha: 0.5\n      sampler: kornia\n",
      "[flip, normalise: {mean: [.1, .2], std: .3}]"};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; ++i) {
    cutlab_policy *policy = make_policy(*state, texts[i]);
    cutlab_policy *again = make_policy(*state, cutlab_policy_text(policy));
    assert_string_equal(cutlab_policy_text(again), cutlab_policy_text(policy));
    cutlab_policy_free(again);
    cutlab_policy_free(policy);
  }
  cutlab_policy *yaml = make_policy(*state, texts[6]);
  cutlab_policy *line = make_policy(
      *state, "flip | crop(pad=2, mode=reflect) | one_of(cutmix, cutout | mixup, p=.5)");
  assert_string_equal(cutlab_policy_text(yaml), cutlab_policy_text(line));
  assert_int_equal(cutlab_policy_steps(line), 5);
  assert_string_equal(cutlab_policy_step_name(line, 3), "cutout");
  assert_true(cutlab_policy_mixes(line));
  assert_false(cutlab_policy_normalises(line));
  cutlab_policy_free(yaml);
  cutlab_policy_free(line);
}

static void test_policy_errors(void **state) {
  static const struct {
    const char *text, *message;
  } cases[] = {
      {"", "a name"},
      {"cutmxi", "nearest: cutmix"},
      {"cutmix(alpa=1)", "nearest: alpha"},
      {"cutmix(alpha=0)", "alpha of cutmix is '0'; accepted: number, 1e-6 to 1000"},
      {"cutmix(alpha=-1)", "'-1'"},
      {"cutmix(alpha=nan)", "'nan'"},
      {"cutmix(p=1.5)", "p of cutmix is '1.5'; accepted: number, 0 to 1"},
      {"cutmix(alpha=1,alpha=2)", "given twice"},
      {"cutmix(alpha 1)", "'='"},
      {"mixup(alpha=1e-320)", "1e-6 to 1000"},
      {"cutmix(alpha=1", "',' or ')'"},
      {"cutmix alpha", "'|' or the end"},
      {"flip | ", "it ends here"},
      {"crop(pad=1.5)", "pad of crop is '1.5'"},
      {"cutmix(sampler=tim)", "sampler of cutmix is 'tim'"},
      {"one_of()", "a name"},
      {"one_of(p=.5)", "no alternatives"},
      {"one_of(cutmix, mixup, weights=(1))", "2 alternatives and 1 weights"},
      {"cutmix | crop", "crop before cutmix"},
      {"normalise | brightness", "brightness before normalise"},
      {"normalise | normalise", "normalise twice; accepted: once"},
      {"- cutmix: {alpha: 0}", "(the YAML stands for: cutmix(alpha=0))"},
      {"normalise(p=.5)", "p=1"},
      {"one_of(normalise, flip)", "outside one_of"},
      {"mixup|mixup|mixup|mixup|mixup|mixup|mixup|mixup|mixup", "more than 8 mixing steps"},
      {"- flip\n- {crop: {pad: 1}, flip: {}}", "a second name"},
      {"a: 1", "policy:"},
      {"- &x flip\n- *x", "alias"},
      {"- [", "not valid YAML"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
    cutlab_policy *policy;
    assert_int_equal(cutlab_policy_create(*state, &policy, cases[i].text), CUTLAB_ERROR_ARGUMENT);
    assert_null(policy);
    assert_message(*state, cases[i].message);
  }
}

/* ---- Applying: the fast ways equal the definitions ---- */

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

/* ---- Plans ---- */

/* By default labels are counted: the property that gives the project its name. */
static void test_labels_are_counted(void **state) {
  static const char *const hard[] = {"cutmix", "cutmix(alpha=.3)", "fmix",
                                     "cutmix(sampler=reference)", "cutmix(sampler=torchvision)"};
  cutlab_random random = cutlab_random_make(1, 1001, 0, 0, 0);
  for (int trial = 0; trial < 200; ++trial) {
    const cutlab_draw draw = {.seed = (uint64_t)trial,
                              .count = 1 + (int64_t)cutlab_random_below(&random, 9),
                              .height = 1 + (int64_t)cutlab_random_below(&random, 14),
                              .width = 1 + (int64_t)cutlab_random_below(&random, 14)};
    cutlab_policy *policy = make_policy(*state, hard[trial % 5]);
    cutlab_plan *plan = make_plan(*state, policy, &draw);
    int64_t entries, positions = draw.height * draw.width;
    uint8_t *mask = malloc((size_t)positions);
    const cutlab_entry *entry = cutlab_plan_entries(plan, &entries);
    assert_int_equal(entries, draw.count);
    for (int64_t e = 0; e < entries; ++e, ++entry) {
      int64_t pixels = 0;
      cutlab_plan_mask(plan, entry, mask);
      for (int64_t i = 0; i < positions; ++i) pixels += mask[i];
      assert_int_equal(pixels, entry->pixels);
      assert_true(entry->weight == 1 - (double)pixels / (double)positions);
    }
    free(mask);
    cutlab_plan_free(plan);
    cutlab_policy_free(policy);
  }
}

static void test_batch_order(void **state) {
  enum { count = 50, epochs = 2 };
  int64_t ids[count], reversed[count];
  uint8_t mask[64], other_mask[64];
  for (int i = 0; i < count; ++i) ids[i] = (i * 7919) % 100003;
  for (int i = 0; i < count; ++i) reversed[i] = ids[count - 1 - i];
  cutlab_policy *policy =
      make_policy(*state, "flip | crop | one_of(cutmix, mixup, fmix, per=batch) | cutmix(p=.5)");
  cutlab_draw draw = {
      .seed = 4, .epoch = 3, .samples = ids, .count = count, .height = 8, .width = 8};
  cutlab_plan *plan = make_plan(*state, policy, &draw);
  draw.samples = reversed;
  cutlab_context_set_threads(*state, 3); /* costly masks are drawn in parts */
  cutlab_plan *other = make_plan(*state, policy, &draw);
  int64_t entries, other_entries;
  const cutlab_entry *a = cutlab_plan_entries(plan, &entries);
  const cutlab_entry *b = cutlab_plan_entries(other, &other_entries);
  assert_int_equal(entries, other_entries);
  int differing = 0;
  for (int64_t i = 0; i < entries; ++i) {
    int64_t j = 0;
    while (j < entries && (b[j].sample != a[i].sample || b[j].step != a[i].step)) ++j;
    assert_true(j < entries);
    assert_int_equal(a[i].partner, b[j].partner);
    assert_true(a[i].key == b[j].key && a[i].weight == b[j].weight && a[i].left == b[j].left);
    cutlab_plan_mask(plan, &a[i], mask);
    cutlab_plan_mask(other, &b[j], other_mask);
    assert_memory_equal(mask, other_mask, sizeof mask);
    differing += a[i].row != b[j].row;
  }
  assert_true(differing > 0);
  draw.epoch = 4;
  assert_int_equal(cutlab_plan_draw(*state, other, policy, &draw), CUTLAB_OK);
  b = cutlab_plan_entries(other, &other_entries);
  int64_t same = 0;
  for (int64_t i = 0; i < entries && i < other_entries; ++i) same += a[i].key == b[i].key;
  assert_true(same < entries / 4);
  cutlab_plan_free(plan);
  cutlab_plan_free(other);
  cutlab_policy_free(policy);
}

/* Every sample is partner once, and self-pairs come as often as in uniform permutations: once a
   batch on average. */
static void test_partners(void **state) {
  enum { count = 12, batches = 4000 };
  cutlab_policy *policy = make_policy(*state, "mixup");
  cutlab_draw draw = {.count = count, .height = 1, .width = 1};
  cutlab_plan *plan = make_plan(*state, policy, &draw);
  int self = 0, pairs[count][count] = {{0}};
  for (int b = 0; b < batches; ++b) {
    int seen[count] = {0};
    int64_t entries;
    draw.epoch = b;
    assert_int_equal(cutlab_plan_draw(*state, plan, policy, &draw), CUTLAB_OK);
    const cutlab_entry *entry = cutlab_plan_entries(plan, &entries);
    for (int64_t e = 0; e < entries; ++e, ++entry) {
      ++seen[entry->partner_row];
      self += entry->partner_row == entry->row;
      ++pairs[entry->row][entry->partner_row];
    }
    for (int i = 0; i < count; ++i) assert_int_equal(seen[i], 1);
  }
  double chi = 0, expected = (double)batches / count;
  for (int i = 0; i < count; ++i)
    for (int j = 0; j < count; ++j)
      chi += (pairs[i][j] - expected) * (pairs[i][j] - expected) / expected;
  assert_true(fabs((double)self - batches) < 5 * sqrt(batches));
  assert_true(chi < 121 + 5 * sqrt(2 * 121)); /* 11^2 degrees of freedom */
  cutlab_plan_free(plan);
  cutlab_policy_free(policy);
}

static void test_choices(void **state) {
  enum { count = 20000 };
  cutlab_policy *policy = make_policy(*state, "one_of(cutmix, mixup, weights=(3, 1), p=.8)");
  const cutlab_draw draw = {.count = count, .height = 2, .width = 2};
  cutlab_plan *plan = make_plan(*state, policy, &draw);
  int64_t entries, first = 0;
  const cutlab_entry *entry = cutlab_plan_entries(plan, &entries);
  for (int64_t e = 0; e < entries; ++e) first += entry[e].step == 0;
  assert_true(fabs((double)entries / count - .8) < .015);
  assert_true(fabs((double)first / count - .6) < .018);
  cutlab_plan_free(plan);
  cutlab_policy_free(policy);
}

static void test_draw_errors(void **state) {
  const int64_t negative[] = {3, -1};
  const struct {
    cutlab_draw draw;
    const char *message;
  } cases[] = {{{.count = -1, .height = 1, .width = 1}, "batch of -1"},
               {{.count = 1, .height = 0, .width = 1}, "height 0"},
               {{.count = 1, .height = 100000, .width = 100000}, "fewer than 2^31"},
               {{.count = 1, .height = 1, .width = 1, .epoch = -2}, "epoch is -2"},
               {{.count = 2, .samples = negative, .height = 1, .width = 1}, "sample id 1 is -1"}};
  cutlab_policy *policy = make_policy(*state, "cutmix");
  cutlab_plan *plan;
  assert_int_equal(cutlab_plan_create(*state, &plan), CUTLAB_OK);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
    assert_int_equal(cutlab_plan_draw(*state, plan, policy, &cases[i].draw), CUTLAB_ERROR_ARGUMENT);
    assert_message(*state, cases[i].message);
  }
  cutlab_plan_free(plan);
  cutlab_policy_free(policy);
}

/* ---- Plans made elsewhere ---- */

static void test_plan_set(void **state) {
  cutlab_policy *policy = make_policy(*state, "cutmix | cutout | fmix");
  const cutlab_draw draw = {.count = 3, .height = 4, .width = 6};
  const cutlab_entry good = {.sample = 1,
                             .partner = 2,
                             .lambda = .5,
                             .weight = .75,
                             .pixels = 6,
                             .row = 1,
                             .partner_row = 2,
                             .top = 1,
                             .left = 2,
                             .bottom = 3,
                             .right = 5};
  cutlab_plan *plan;
  assert_int_equal(cutlab_plan_create(*state, &plan), CUTLAB_OK);
  assert_int_equal(cutlab_plan_set(*state, plan, policy, &draw, &good, 1, NULL, 0), CUTLAB_OK);
  cutlab_entry bad[16];
  for (int i = 0; i < 16; ++i) bad[i] = good;
  static const char *const messages[] = {
      "step is 9",        "row is 3",     "sample is 7",      "partner_row is -1",
      "partner_row is 3", "partner is 0", "lambda is nan",    "weight is 1.5",
      "a value is nan",   "box's bottom", "box's right",      "pixels is 7",
      "run_count is 1",   "box's bottom", "partner_row is 2", "run_count is 1"};
  bad[0].step = 9;
  bad[1].row = 3;
  bad[2].sample = 7;
  bad[3].partner_row = -1;
  bad[4].partner_row = 3;
  bad[5].partner = 0;
  bad[6].lambda = NAN;
  bad[7].weight = 1.5;
  bad[8].values[2] = NAN;
  bad[9].bottom = 5;
  bad[10].left = 6;
  bad[11].pixels = 7;
  bad[12].run_count = 1;
  bad[13].top = -1;
  bad[14].step = 1;
  bad[15].step = 2;
  bad[15].run_count = 1;
  for (int i = 0; i < 16; ++i) {
    assert_int_equal(cutlab_plan_set(*state, plan, policy, &draw, &bad[i], 1, NULL, 0),
                     CUTLAB_ERROR_ARGUMENT);
    assert_message(*state, messages[i]);
  }
  const cutlab_entry twice[] = {good, good};
  assert_int_equal(cutlab_plan_set(*state, plan, policy, &draw, twice, 2, NULL, 0),
                   CUTLAB_ERROR_ARGUMENT);
  assert_message(*state, "one entry for every step and row");
  cutlab_policy *normalise = make_policy(*state, "normalise");
  assert_int_equal(cutlab_plan_set(*state, plan, normalise, &draw, NULL, 0, NULL, 0),
                   CUTLAB_ERROR_ARGUMENT);
  assert_message(*state, "row 0, step 0: accepted: an entry of normalise for every row");
  cutlab_policy_free(normalise);
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
  } cases[10];
  for (int i = 0; i < 10; ++i) {
    cases[i].input = cases[i].output = good;
    cases[i].output.data = other;
  }
  cases[0].input.dtype = CUTLAB_INT64, cases[0].message = "input has dtype";
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
  for (int i = 0; i < 10; ++i) {
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

/* ---- Labels ---- */

static void test_labels(void **state) {
  const cutlab_draw draw = {.count = 3, .height = 2, .width = 2};
  const cutlab_entry entries[] = {
      {.sample = 0,
       .partner = 1,
       .weight = .75,
       .pixels = 1,
       .partner_row = 1,
       .bottom = 1,
       .right = 1},
      {.sample = 0, .partner = 2, .weight = .5, .row = 0, .partner_row = 2, .step = 1},
      {.sample = 2,
       .partner = 0,
       .weight = .5,
       .pixels = 2,
       .row = 2,
       .partner_row = 0,
       .bottom = 1,
       .right = 2}};
  const int64_t ids[] = {0, 1, 2};
  float rows[9], mixed[9];
  cutlab_policy *policy = make_policy(*state, "cutmix | mixup");
  cutlab_plan *plan;
  assert_int_equal(cutlab_plan_create(*state, &plan), CUTLAB_OK);
  assert_int_equal(cutlab_plan_set(*state, plan, policy, &draw, entries, 3, NULL, 0), CUTLAB_OK);
  assert_int_equal(cutlab_labels_one_hot(*state, rows, ids, 3, 3, 0), CUTLAB_OK);
  assert_int_equal(cutlab_labels_mix(*state, mixed, plan, rows, 3, CUTLAB_LABEL_LINEAR), CUTLAB_OK);
  /* row 0: half of (3/4 own, 1/4 of 1), half of row 2, which is (1/2 own, 1/2 of 0) */
  static const float expected[] = {.625F, .125F, .25F, 0, 1, 0, .5F, 0, .5F};
  for (int i = 0; i < 9; ++i) assert_true(mixed[i] == expected[i]);
  assert_int_equal(cutlab_labels_mix(*state, mixed, plan, rows, 3, CUTLAB_LABEL_UNION), CUTLAB_OK);
  static const float present[] = {1, 1, 1, 0, 1, 0, 1, 0, 1};
  for (int i = 0; i < 9; ++i) assert_true(mixed[i] == present[i]);
  assert_int_equal(cutlab_labels_mix(*state, rows, plan, rows, 3, CUTLAB_LABEL_LINEAR), CUTLAB_OK);
  for (int i = 0; i < 9; ++i) assert_true(rows[i] == expected[i]);
  const int64_t outside[] = {0, 5, 1};
  assert_int_equal(cutlab_labels_one_hot(*state, rows, outside, 3, 3, 0), CUTLAB_ERROR_ARGUMENT);
  assert_message(*state, "label 1 is 5; accepted: 0 to 2");
  assert_int_equal(cutlab_labels_one_hot(*state, rows, ids, 3, 3, 1.5), CUTLAB_ERROR_ARGUMENT);
  assert_int_equal(cutlab_labels_mix(*state, rows, plan, rows, 0, CUTLAB_LABEL_LINEAR),
                   CUTLAB_ERROR_ARGUMENT);
  assert_int_equal(cutlab_labels_one_hot(*state, rows, ids, 3, 3, .3), CUTLAB_OK);
  assert_true(fabsf(rows[0] - .8F) < 1e-6F && fabsf(rows[1] - .1F) < 1e-6F);
  cutlab_plan_free(plan);
  cutlab_policy_free(policy);
}

/* Painted with one colour for each sample, an output shows what it is made of: labels are counted
   also where regions overlap, are mixed again or flipped. */
static void test_labels_of_chains(void **state) {
  static const char *const chains[] = {
      "cutmix | cutmix",
      "cutmix | fmix | cutmix",
      "mixup | cutmix",
      "cutmix | flip | fmix",
      "flip(p=1) | cutmix | flip(axis=vertical,p=1) | mixup | cutmix",
      "cutmix(p=.5) | mixup(p=.5)",
      "one_of(cutmix, mixup) | one_of(fmix, flip) | cutmix"};
  enum { count = 7, height = 6, width = 9, positions = height * width };
  for (size_t p = 0; p < sizeof chains / sizeof *chains; ++p) {
    const cutlab_draw draw = {.seed = p, .count = count, .height = height, .width = width};
    cutlab_policy *policy = make_policy(*state, chains[p]);
    cutlab_plan *plan = make_plan(*state, policy, &draw);
    float data[count][positions][count];
    for (int i = 0; i < count; ++i)
      for (int at = 0; at < positions; ++at)
        for (int c = 0; c < count; ++c) data[i][at][c] = (float)(c == i);
    const cutlab_batch batch = {data, CUTLAB_FLOAT32, CUTLAB_NHWC, count, height, width, count, 0};
    assert_int_equal(cutlab_plan_apply(*state, plan, &batch, &batch), CUTLAB_OK);
    for (int i = 0; i < count; ++i) {
      double shares[count] = {0};
      const cutlab_source *sources;
      int64_t source_count;
      for (int at = 0; at < positions; ++at)
        for (int c = 0; c < count; ++c) shares[c] += (double)data[i][at][c] / positions;
      assert_int_equal(cutlab_plan_sources(*state, plan, i, &sources, &source_count), CUTLAB_OK);
      assert_int_equal(sources[0].row, i);
      for (int64_t k = 0; k < source_count; ++k)
        shares[sources[k].row] -= (double)sources[k].weight;
      for (int c = 0; c < count; ++c)
        if (fabs(shares[c]) > 1e-6) fail_msg("%s: row %d, off by %g", chains[p], i, shares[c]);
    }
    cutlab_plan_free(plan);
    cutlab_policy_free(policy);
  }
}

/* ---- Ledgers ---- */

static void assert_same_plans(const cutlab_plan *left, const cutlab_plan *right) {
  int64_t count, other;
  const cutlab_entry *a = cutlab_plan_entries(left, &count);
  const cutlab_entry *b = cutlab_plan_entries(right, &other);
  assert_int_equal(count, other);
  uint8_t mask[63], other_mask[63];
  for (int64_t i = 0; i < count; ++i) {
    cutlab_entry x = a[i], y = b[i];
    cutlab_plan_mask(left, &x, mask);
    cutlab_plan_mask(right, &y, other_mask);
    assert_memory_equal(mask, other_mask, sizeof mask);
    x.run = y.run = 0;
    assert_memory_equal(&x, &y, sizeof x);
  }
}

static void test_ledgers(void **state) {
  fixture *f = *state;
  static const char *const names[] = {"ledger.jsonl", "ledger.npy"};
  static const char *const kinds[] = {"crop | one_of(cutmix, fmix, mixup, p=.7)", "cutmix(p=.5)"};
  for (int trial = 0; trial < 4; ++trial) {
    cutlab_policy *policy = make_policy(f->context, kinds[trial / 2]);
    const int64_t ids[] = {5, 3, 9, 100, 4};
    cutlab_plan *plans[3], **read;
    for (int b = 0; b < 3; ++b) {
      const cutlab_draw draw = {
          .seed = 3, .epoch = b, .samples = ids, .count = 5 - 2 * b, .height = 7, .width = 9};
      plans[b] = make_plan(f->context, policy, &draw);
    }
    char path[256];
    int64_t count;
    snprintf(path, sizeof path, "%s/%s", f->folder, names[trial % 2]);
    assert_int_equal(cutlab_ledger_write(f->context, path, plans, 3), CUTLAB_OK);
    cutlab_status status = cutlab_ledger_read(f->context, &read, &count, path, policy, 7, 9);
    if (status != CUTLAB_OK) fail_msg("%s", cutlab_context_message(f->context));
    assert_int_equal(count, 3);
    for (int b = 0; b < 3; ++b) {
      assert_same_plans(plans[b], read[b]);
      cutlab_plan_free(read[b]);
    }
    cutlab_free(read);
    assert_int_equal(cutlab_ledger_read(f->context, &read, &count, path, policy, 2, 2),
                     CUTLAB_ERROR_FORMAT);
    for (int b = 0; b < 3; ++b) cutlab_plan_free(plans[b]);
    cutlab_policy_free(policy);
  }
}

static void test_ledger_errors(void **state) {
  fixture *f = *state;
  static const struct {
    const char *text, *message;
  } cases[] = {{"{", "not valid JSON"},
               {"{}\n", "lacks one of batch"},
               {"{\"batch\":0,\"row\":1,\"sample\":0,\"steps\":[]}", "accepted: batch 0, row 0"},
               {"{\"batch\":0,\"row\":0,\"sample\":0,\"steps\":[{}]}", "a step lacks"},
               {"{\"batch\":0,\"row\":0,\"sample\":0,\"steps\":[{\"step\":0,\"key\":"
                "\"0000000000000000\",\"partner\":3,\"partner_row\":1,\"box\":[0,0,1,1],"
                "\"pixels\":1,\"lambda\":0.5,\"weight\":0.5,\"values\":[0,0,0,0]}]}",
                "partner_row is 1"}};
  cutlab_policy *policy = make_policy(f->context, "cutmix");
  char path[256];
  snprintf(path, sizeof path, "%s/bad.jsonl", f->folder);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
    FILE *file = fopen(path, "w");
    fputs(cases[i].text, file);
    fclose(file);
    cutlab_plan **plans;
    int64_t count;
    assert_int_equal(cutlab_ledger_read(f->context, &plans, &count, path, policy, 4, 4),
                     CUTLAB_ERROR_FORMAT);
    assert_message(f->context, cases[i].message);
  }
  cutlab_policy_free(policy);
}

/* ---- Describing ---- */

static void test_describe(void **state) {
  static const struct {
    const char *policy;
    double area, tolerance, label_error;
  } cases[] = {{"cutmix", .5, .003, 0},
               {"cutmix(p=.5)", .25, .003, 0},
               {"cutmix(alpha=1000)", .5, .003, 0},
               {"mixup", .5, .003, 0},
               {"cutmix(sampler=reference)", .299, .006, 0},
               {"cutout(size=16)", .197, .002, 0}};
  for (size_t i = 0; i + 1 < sizeof cases / sizeof *cases; ++i) {
    cutlab_policy *policy = make_policy(*state, cases[i].policy);
    cutlab_policy_summary summary;
    assert_int_equal(cutlab_policy_describe(*state, &summary, NULL, policy, 32, 32, 100000, 1),
                     CUTLAB_OK);
    if (fabs(summary.mean_area - cases[i].area) > cases[i].tolerance)
      fail_msg("%s: mean area %g", cases[i].policy, summary.mean_area);
    assert_true(summary.label_error_max <= 1e-15);
    cutlab_policy_free(policy);
  }
  /* Cutout: along an axis the box covers 16 pixels less what is clipped, uniform centre. */
  double side = 0;
  for (int c = 0; c < 32; ++c) side += fmin(c + 8, 32) - fmax(c - 8, 0);
  side /= 32.0 * 32.0;
  cutlab_policy *policy = make_policy(*state, "cutout");
  cutlab_policy_summary summary;
  double coverage[32 * 32], sum = 0;
  assert_int_equal(cutlab_policy_describe(*state, &summary, coverage, policy, 32, 32, 100000, 2),
                   CUTLAB_OK);
  assert_true(fabs(summary.mean_area - side * side) < 5 * summary.mean_area_error);
  for (int i = 0; i < 32 * 32; ++i) sum += coverage[i];
  assert_true(fabs(sum / 1024 - summary.mean_area) < 1e-9);
  assert_true(coverage[0] < coverage[16 * 33]);
  cutlab_policy_free(policy);
  cutlab_policy *chain = make_policy(*state, "cutmix | cutmix | cutout(size=9) | flip");
  assert_int_equal(cutlab_policy_describe(*state, &summary, coverage, chain, 8, 9, 4000, 2),
                   CUTLAB_OK);
  sum = 0;
  for (int i = 0; i < 72; ++i) {
    assert_true(coverage[i] >= 0 && coverage[i] <= 1 + 1e-12);
    sum += coverage[i] / 72;
  }
  assert_true(fabs(sum - summary.mean_area) < 1e-9 && summary.label_error_max < 1e-15);
  cutlab_policy_free(chain);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_policy_text, context_up, context_down),
      cmocka_unit_test_setup_teardown(test_policy_errors, context_up, context_down),
      cmocka_unit_test_setup_teardown(test_apply_equals_reference, context_up, context_down),
      cmocka_unit_test_setup_teardown(test_large_batch, context_up, context_down),
      cmocka_unit_test_setup_teardown(test_touches_only_masks, context_up, context_down),
      cmocka_unit_test_setup_teardown(test_mixup_rounds, context_up, context_down),
      cmocka_unit_test_setup_teardown(test_labels_are_counted, context_up, context_down),
      cmocka_unit_test_setup_teardown(test_batch_order, context_up, context_down),
      cmocka_unit_test_setup_teardown(test_partners, context_up, context_down),
      cmocka_unit_test_setup_teardown(test_choices, context_up, context_down),
      cmocka_unit_test_setup_teardown(test_draw_errors, context_up, context_down),
      cmocka_unit_test_setup_teardown(test_plan_set, context_up, context_down),
      cmocka_unit_test_setup_teardown(test_any_partners_in_place, context_up, context_down),
      cmocka_unit_test_setup_teardown(test_apply_errors, context_up, context_down),
      cmocka_unit_test(test_halves),
      cmocka_unit_test_setup_teardown(test_labels, context_up, context_down),
      cmocka_unit_test_setup_teardown(test_labels_of_chains, context_up, context_down),
      cmocka_unit_test_setup_teardown(test_ledgers, fixture_up, fixture_down),
      cmocka_unit_test_setup_teardown(test_ledger_errors, fixture_up, fixture_down),
      cmocka_unit_test_setup_teardown(test_describe, context_up, context_down)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
