/* Contact sheets: what is drawn of every type, layout and size, and what is refused. */
#include <math.h>

#include <cutlab/sheet.h>

#include "base/file.h"
#include "fixture.h"

/* A plan drawn for `batch` and the page made of it, in fresh memory. */
static char *make_page(fixture *f, const char *policy_text, const cutlab_batch *batch,
                       const cutlab_sheet_labels *labels, const char *const *names, int64_t count) {
  char path[512], *page = NULL;
  size_t size;
  cutlab_policy *policy;
  cutlab_plan *plan;
  const cutlab_draw draw = {
      .seed = 3, .count = batch->count, .height = batch->height, .width = batch->width};
  snprintf(path, sizeof path, "%s/sheet.html", f->folder);
  assert_int_equal(cutlab_policy_create(f->context, &policy, policy_text), CUTLAB_OK);
  assert_int_equal(cutlab_plan_create(f->context, &plan), CUTLAB_OK);
  assert_int_equal(cutlab_plan_draw(f->context, plan, policy, &draw), CUTLAB_OK);
  assert_int_equal(cutlab_sheet_write(f->context, path, plan, batch, batch, labels, names, count),
                   CUTLAB_OK);
  assert_int_equal(cutlab_file_read(f->context, &page, &size, path, 0), CUTLAB_OK);
  cutlab_plan_free(plan);
  cutlab_policy_free(policy);
  return page;
}

static int occurrences(const char *text, const char *part) {
  int count = 0;
  while ((text = strstr(text, part))) {
    ++count;
    text += strlen(part);
  }
  return count;
}

static void assert_part(const char *page, const char *part) {
  if (!strstr(page, part)) fail_msg("'%s' is not in the page", part);
}

static void cards(void **state) {
  fixture *f = *state;
  uint8_t pixels[5 * 4 * 6 * 3] = {0};
  const cutlab_batch batch = {
      .data = pixels, .dtype = CUTLAB_UINT8, .count = 5, .height = 4, .width = 6, .channels = 3};
  char *page = make_page(f, "cutmix", &batch, NULL, NULL, 3);
  assert_int_equal(occurrences(page, "<article>"), 3);
  assert_int_equal(occurrences(page, "<img"), 3 * 4);
  assert_part(page, "3 outputs: images of 4 x 6, 3 channels, uint8.");
  assert_int_equal(occurrences(page, "<b>label</b> sample "), 3);
  free(page);
  page = make_page(f, "cutmix | cutout", &batch, NULL, NULL, 99);
  assert_int_equal(occurrences(page, "<article>"), 5);
  assert_int_equal(occurrences(page, "<img"), 5 * 5);
  free(page);
  page = make_page(f, "flip(p=0)", &batch, NULL, NULL, 1);
  assert_part(page, "left as it is");
  assert_part(page, "1 output: ");
  free(page);
}

static void labels(void **state) {
  fixture *f = *state;
  uint8_t pixels[2 * 9] = {0};
  const cutlab_batch batch = {
      .data = pixels, .dtype = CUTLAB_UINT8, .count = 2, .height = 3, .width = 3, .channels = 1};
  const float rows[2][6] = {{0, .25F, 0, .75F, 0, 0}, {-1, 2, 3, 4, 5, 6}};
  const cutlab_sheet_labels mixed = {.classes = 6, .mixed = rows[0]};
  char *page = make_page(f, "flip", &batch, &mixed, NULL, 2);
  assert_part(page, "class 3: <b>0.75</b>, class 1: <b>0.25</b></p>");
  assert_part(page, "<i style=\"width:75.00%\"></i><i style=\"width:25.00%\"></i></div>");
  assert_part(page, "class 5: <b>6</b>, class 4: <b>5</b>, class 3: <b>4</b>, class 2: <b>3</b>, "
                    "and 2 more</p>");
  assert_int_equal(occurrences(page, "class=\"bar\""), 1); /* none of what are no shares */
  free(page);
}

/* The own part of a label comes first, however small, and classes and outputs have their names. */
static void own_labels(void **state) {
  fixture *f = *state;
  uint8_t pixels[2 * 9] = {0};
  const cutlab_batch batch = {
      .data = pixels, .dtype = CUTLAB_UINT8, .count = 2, .height = 3, .width = 3, .channels = 1};
  const float rows[2][3] = {{.75F, .25F, 0}, {0, 1, 0}}, own[2][3] = {{0, 1, 0}, {0, 0, 1}};
  const char *const classes[] = {"cat", "<dog>", "eel"}, *const names[] = {"a.png", "b&c.png"};
  cutlab_sheet_labels mixed = {.classes = 3, .mixed = rows[0], .own = own[0]};
  char *page = make_page(f, "flip", &batch, &mixed, NULL, 2);
  assert_part(page, "class 1: <b>0.25</b>, class 0: <b>0.75</b></p>");
  assert_part(page, "<i style=\"width:25.00%\"></i><i style=\"width:75.00%\"></i></div>");
  assert_part(page, "class 2: <b>0</b>, class 1: <b>1</b></p>");
  assert_part(page, "<i style=\"width:0.00%\"></i><i style=\"width:100.00%\"></i></div>");
  assert_part(page, "<small>of sample 0</small>");
  free(page);
  mixed.class_names = classes;
  page = make_page(f, "flip", &batch, &mixed, names, 2);
  assert_part(page, "<b>label</b> &lt;dog&gt;: <b>0.25</b>, cat: <b>0.75</b></p>");
  assert_part(page, "<small>of sample 0: a.png</small>");
  assert_part(page, "<small>of sample 1: b&amp;c.png</small>");
  free(page);
}

/* Without labels, the own sample comes first. */
static void own_sample(void **state) {
  fixture *f = *state;
  uint8_t pixels[2 * 4] = {0};
  const int64_t ids[] = {7, 3};
  const cutlab_batch batch = {
      .data = pixels, .dtype = CUTLAB_UINT8, .count = 2, .height = 1, .width = 4, .channels = 1};
  const cutlab_draw draw = {.samples = ids, .count = 2, .height = 1, .width = 4};
  const cutlab_entry entry = {.sample = 7,
                              .partner = 3,
                              .partner_row = 1,
                              .lambda = .25,
                              .weight = .25,
                              .pixels = 3,
                              .bottom = 1,
                              .right = 3};
  char path[512], *page;
  size_t size;
  cutlab_policy *policy;
  cutlab_plan *plan;
  snprintf(path, sizeof path, "%s/sheet.html", f->folder);
  assert_int_equal(cutlab_policy_create(f->context, &policy, "cutmix"), CUTLAB_OK);
  assert_int_equal(cutlab_plan_create(f->context, &plan), CUTLAB_OK);
  assert_int_equal(cutlab_plan_set(f->context, plan, policy, &draw, &entry, 1, NULL, 0), CUTLAB_OK);
  assert_int_equal(cutlab_sheet_write(f->context, path, plan, &batch, &batch, NULL, NULL, 1),
                   CUTLAB_OK);
  assert_int_equal(cutlab_file_read(f->context, &page, &size, path, 0), CUTLAB_OK);
  assert_part(page, "sample 7: <b>0.25</b>, sample 3: <b>0.75</b></p>");
  free(page);
  cutlab_plan_free(plan);
  cutlab_policy_free(policy);
}

static void floats(void **state) {
  fixture *f = *state;
  float values[2 * 8 * 300 * 2];
  for (int i = 0; i < 2 * 8 * 300 * 2; ++i) values[i] = (float)(i % 9) - 4;
  values[5] = NAN;
  values[4806] = INFINITY;
  const cutlab_batch batch = {.data = values,
                              .dtype = CUTLAB_FLOAT32,
                              .layout = CUTLAB_NCHW,
                              .count = 2,
                              .height = 8,
                              .width = 300,
                              .channels = 2};
  char *page = make_page(f, "mixup", &batch, NULL, NULL, 2);
  assert_part(page, "values from -4 to 4 are drawn from black to white");
  assert_part(page, "One pixel in 2 is shown");
  assert_part(page, "Of the channels, the first 1 is drawn.");
  free(page);
}

static void series(void **state) {
  fixture *f = *state;
  float values[3 * 5000];
  for (int i = 0; i < 3 * 5000; ++i) values[i] = (float)sin(i);
  cutlab_batch batch = {.data = values,
                        .dtype = CUTLAB_FLOAT32,
                        .count = 3,
                        .height = 1,
                        .width = 5000,
                        .channels = 1};
  char *page = make_page(f, "cutmix", &batch, NULL, NULL, 3);
  assert_part(page, "3 outputs: series of length 5000, 1 channel, float32.");
  assert_int_equal(occurrences(page, "<polyline"), 9);
  assert_int_equal(occurrences(page, "<rect"), 3);
  assert_true(strlen(page) < 200000);
  free(page);
  batch.width = 1;
  page = make_page(f, "mixup", &batch, NULL, NULL, 1);
  assert_int_equal(occurrences(page, "<polyline"), 3);
  assert_int_equal(occurrences(page, "nan"), 0);
  free(page);
}

/* The shaded part of a series is the box, in units of the drawing's width of 320. */
static void shade(void **state) {
  fixture *f = *state;
  uint8_t values[2 * 8] = {0};
  const int64_t ids[] = {0, 1};
  const cutlab_batch batch = {
      .data = values, .dtype = CUTLAB_UINT8, .count = 2, .height = 1, .width = 8, .channels = 1};
  const cutlab_draw draw = {.samples = ids, .count = 2, .height = 1, .width = 8};
  const cutlab_entry entry = {.partner = 1,
                              .partner_row = 1,
                              .lambda = .625,
                              .weight = .625,
                              .pixels = 3,
                              .left = 2,
                              .bottom = 1,
                              .right = 5};
  char path[512], *page;
  size_t size;
  cutlab_policy *policy;
  cutlab_plan *plan;
  snprintf(path, sizeof path, "%s/sheet.html", f->folder);
  assert_int_equal(cutlab_policy_create(f->context, &policy, "cutmix"), CUTLAB_OK);
  assert_int_equal(cutlab_plan_create(f->context, &plan), CUTLAB_OK);
  assert_int_equal(cutlab_plan_set(f->context, plan, policy, &draw, &entry, 1, NULL, 0), CUTLAB_OK);
  assert_int_equal(cutlab_sheet_write(f->context, path, plan, &batch, &batch, NULL, NULL, 1),
                   CUTLAB_OK);
  assert_int_equal(cutlab_file_read(f->context, &page, &size, path, 0), CUTLAB_OK);
  assert_part(page, "<rect class=\"shade\" x=\"80.00\" y=\"0\" width=\"120.00\"");
  assert_part(page, "&lambda; <b>0.625</b> nominal, weight <b>0.625</b>, <b>37.5</b> % replaced");
  free(page);
  cutlab_plan_free(plan);
  cutlab_policy_free(policy);
}

static void refusals(void **state) {
  fixture *f = *state;
  uint8_t pixels[2 * 9] = {0};
  cutlab_batch batch = {
      .data = pixels, .dtype = CUTLAB_UINT8, .count = 2, .height = 3, .width = 3, .channels = 1};
  cutlab_batch other = batch;
  other.width = 2;
  const cutlab_draw draw = {.count = 2, .height = 3, .width = 3};
  const float rows[2] = {0};
  const cutlab_sheet_labels none = {.mixed = rows}, empty = {.classes = 1};
  cutlab_policy *policy;
  cutlab_plan *plan;
  char path[512];
  snprintf(path, sizeof path, "%s/absent/sheet.html", f->folder);
  assert_int_equal(cutlab_policy_create(f->context, &policy, "flip"), CUTLAB_OK);
  assert_int_equal(cutlab_plan_create(f->context, &plan), CUTLAB_OK);
#define WRITE(output, input, labels, count)                                                        \
  cutlab_sheet_write(f->context, path, plan, output, input, labels, NULL, count)
  assert_int_equal(WRITE(&batch, &batch, NULL, 1), CUTLAB_ERROR_ARGUMENT);
  assert_message(f->context, "has not been drawn");
  assert_int_equal(cutlab_plan_draw(f->context, plan, policy, &draw), CUTLAB_OK);
  assert_int_equal(WRITE(&other, &batch, NULL, 1), CUTLAB_ERROR_ARGUMENT);
  assert_message(f->context, "the output has 2 images of 3 x 2");
  assert_int_equal(WRITE(&batch, &other, NULL, 1), CUTLAB_ERROR_ARGUMENT);
  assert_message(f->context, "the input has 2 images of 3 x 2");
  assert_int_equal(WRITE(&batch, &batch, NULL, -1), CUTLAB_ERROR_ARGUMENT);
  assert_message(f->context, "count is -1");
  assert_int_equal(WRITE(&batch, &batch, &none, 1), CUTLAB_ERROR_ARGUMENT);
  assert_message(f->context, "classes 0");
  assert_int_equal(WRITE(&batch, &batch, &empty, 1), CUTLAB_ERROR_ARGUMENT);
  assert_message(f->context, "mixed labels");
  other = batch;
  other.dtype = CUTLAB_INT64;
  assert_int_equal(WRITE(&other, &batch, NULL, 1), CUTLAB_ERROR_ARGUMENT);
  assert_message(f->context, "the output has dtype");
  other = batch;
  other.data = NULL;
  assert_int_equal(WRITE(&other, &batch, NULL, 1), CUTLAB_ERROR_ARGUMENT);
  assert_message(f->context, "not NULL");
  assert_int_equal(WRITE(&batch, &batch, NULL, 1), CUTLAB_ERROR_IO);
  assert_message(f->context, "absent");
  cutlab_plan_free(plan);
  cutlab_policy_free(policy);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(cards, fixture_up, fixture_down),
      cmocka_unit_test_setup_teardown(labels, fixture_up, fixture_down),
      cmocka_unit_test_setup_teardown(own_labels, fixture_up, fixture_down),
      cmocka_unit_test_setup_teardown(own_sample, fixture_up, fixture_down),
      cmocka_unit_test_setup_teardown(floats, fixture_up, fixture_down),
      cmocka_unit_test_setup_teardown(series, fixture_up, fixture_down),
      cmocka_unit_test_setup_teardown(shade, fixture_up, fixture_down),
      cmocka_unit_test_setup_teardown(refusals, fixture_up, fixture_down)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
