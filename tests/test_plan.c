/* Policies, plans, their labels, ledgers and descriptions, and bad input. */
#include <math.h>

#include <cutlab/random.h>

#include "plans.h"

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
               {{.count = 1, .height = 1, .width = 1, .epoch = -1}, "epoch is -1"},
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
      "a value is nan",   "box's bottom", "box's right",      "pixels is 7; accepted: 6",
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
    const uint64_t seeds[] = {9, INT64_MAX, UINT64_MAX};
    cutlab_plan *plans[3], **read;
    for (int b = 0; b < 3; ++b) {
      const cutlab_draw draw = {.seed = seeds[b],
                                .epoch = b,
                                .samples = ids,
                                .count = 5 - 2 * b,
                                .height = 7,
                                .width = 9};
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
      assert_true(cutlab_plan_drawn(read[b])->seed == seeds[b]);
      assert_int_equal(cutlab_plan_drawn(read[b])->epoch, b);
      cutlab_plan_free(read[b]);
    }
    cutlab_free(read);
    assert_int_equal(cutlab_ledger_read(f->context, &read, &count, path, policy, 2, 2),
                     CUTLAB_ERROR_FORMAT);
    for (int b = 0; b < 3; ++b) cutlab_plan_free(plans[b]);
    cutlab_policy_free(policy);
  }
}

/* The epoch of the one plan in a ledger, which is the same once written again. */
static int64_t epoch_in(fixture *f, const char *path, const cutlab_policy *policy, bool again) {
  cutlab_plan **read;
  int64_t count;
  char copy[300];
  cutlab_status status = cutlab_ledger_read(f->context, &read, &count, path, policy, 4, 4);
  if (status != CUTLAB_OK) fail_msg("%s", cutlab_context_message(f->context));
  assert_int_equal(count, 1);
  int64_t epoch = cutlab_plan_drawn(read[0])->epoch;
  snprintf(copy, sizeof copy, "%s/again%s", f->folder, strrchr(path, '.'));
  assert_int_equal(cutlab_ledger_write(f->context, copy, read, 1), CUTLAB_OK);
  cutlab_plan_free(read[0]);
  cutlab_free(read);
  if (!again) assert_int_equal(epoch_in(f, copy, policy, true), epoch);
  return epoch;
}

/* Files from before ledgers had seed and epoch: one output without steps. */
static void test_ledgers_without_seed(void **state) {
  fixture *f = *state;
  static const char header[] =
      "{'descr': [('batch', '<i4'), ('row', '<i4'), ('step', '<i4'), ('partner_row', '<i4'), "
      "('sample', '<i8'), ('partner', '<i8'), ('key', '<u8'), ('lambda', '<f8'), ('weight', "
      "'<f8'), ('values', '<f8', (4,)), ('pixels', '<i8'), ('top', '<i4'), ('left', '<i4'), "
      "('bottom', '<i4'), ('right', '<i4')], 'fortran_order': False, 'shape': (1,), }";
  char path[256], record[112] = {0};
  memset(record + 8, 255, 4); /* step -1 */
  cutlab_policy *policy = make_policy(f->context, "cutmix");
  snprintf(path, sizeof path, "%s/old.npy", f->folder);
  FILE *file = fopen(path, "wb");
  fwrite("\x93NUMPY\x01", 1, 8, file);
  fprintf(file, "%c%c%-501s\n", 502 & 255, 502 >> 8, header);
  fwrite(record, sizeof record, 1, file);
  fclose(file);
  assert_int_equal(epoch_in(f, path, policy, false), -1);
  snprintf(path, sizeof path, "%s/old.jsonl", f->folder);
  file = fopen(path, "w");
  fputs("{\"batch\":0,\"row\":0,\"sample\":3,\"steps\":[]}\n", file);
  fclose(file);
  assert_int_equal(epoch_in(f, path, policy, false), -1);
  cutlab_policy_free(policy);
}

static void test_ledger_errors(void **state) {
  fixture *f = *state;
  static const struct {
    const char *text, *message;
  } cases[] = {
      {"{", "not valid JSON"},
      {"{}\n", "lacks one of batch"},
      {"{\"batch\":0,\"row\":1,\"sample\":0,\"steps\":[]}", "accepted: batch 0, row 0"},
      {"{\"batch\":0,\"row\":0,\"sample\":0,\"steps\":[{}]}", "a step lacks"},
      {"{\"batch\":0,\"row\":0,\"sample\":0,\"seed\":1,\"steps\":[]}", "seed or epoch"},
      {"{\"batch\":0,\"row\":0,\"sample\":0,\"seed\":-1,\"epoch\":0,\"steps\":[]}",
       "seed or epoch"},
      {"{\"batch\":0,\"row\":0,\"sample\":0,\"seed\":\"18446744073709551616\",\"epoch\":0,"
       "\"steps\":[]}",
       "seed or epoch"},
      {"{\"batch\":0,\"row\":0,\"sample\":0,\"seed\":1,\"epoch\":-2,\"steps\":[]}", "epoch is -2"},
      {"{\"batch\":0,\"row\":0,\"sample\":0,\"seed\":1,\"epoch\":2,\"steps\":[]}\n"
       "{\"batch\":0,\"row\":1,\"sample\":1,\"seed\":1,\"epoch\":3,\"steps\":[]}",
       "accepted: 1 and 2, those of row 0"},
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
      cmocka_unit_test_setup_teardown(test_labels_are_counted, context_up, context_down),
      cmocka_unit_test_setup_teardown(test_batch_order, context_up, context_down),
      cmocka_unit_test_setup_teardown(test_partners, context_up, context_down),
      cmocka_unit_test_setup_teardown(test_choices, context_up, context_down),
      cmocka_unit_test_setup_teardown(test_draw_errors, context_up, context_down),
      cmocka_unit_test_setup_teardown(test_plan_set, context_up, context_down),
      cmocka_unit_test_setup_teardown(test_labels, context_up, context_down),
      cmocka_unit_test_setup_teardown(test_labels_of_chains, context_up, context_down),
      cmocka_unit_test_setup_teardown(test_ledgers, fixture_up, fixture_down),
      cmocka_unit_test_setup_teardown(test_ledgers_without_seed, fixture_up, fixture_down),
      cmocka_unit_test_setup_teardown(test_ledger_errors, fixture_up, fixture_down),
      cmocka_unit_test_setup_teardown(test_describe, context_up, context_down)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
