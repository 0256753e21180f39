/* All methods of augmentation: fast lines equal the definitions; parameters; documentation. */
#include "base/file.h"
#include "scene.h"

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
               {"rotate(interpolation=cubic)", "nearest | bilinear"},
               {NULL, "text is NULL"}};
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
      TEST(test_refused_parameters),
      TEST(test_documentation),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
