/* The parameter table: values, presets, YAML, JSON, and rules across parameters. */

#include <unistd.h>

#include <cutlab/cutlab.h>

#include "data/experiment_values.h"
#include "fixture.h"

typedef struct experiment_fixture {
  cutlab_context *context;
  cutlab_experiment *experiment;
  char path[64], warning[256];
} experiment_fixture;

static void keep_warning(void *user, const char *message) {
  snprintf(((experiment_fixture *)user)->warning, sizeof((experiment_fixture *)user)->warning, "%s",
           message);
}

static int set_up(void **state) {
  experiment_fixture *f = calloc(1, sizeof *f);
  assert_int_equal(cutlab_context_create(&f->context), CUTLAB_OK);
  cutlab_context_set_warning(f->context, keep_warning, f);
  assert_int_equal(cutlab_experiment_create(f->context, &f->experiment), CUTLAB_OK);
  strcpy(f->path, "/tmp/cutlab-test-XXXXXX");
  close(mkstemp(f->path));
  *state = f;
  return 0;
}

static int tear_down(void **state) {
  experiment_fixture *f = *state;
  unlink(f->path);
  cutlab_experiment_free(f->experiment);
  cutlab_context_free(f->context);
  free(f);
  return 0;
}

static void set(experiment_fixture *f, const char *key, const char *value) {
  cutlab_status status = cutlab_experiment_set(f->context, f->experiment, key, value);
  if (status != CUTLAB_OK) fail_msg("%s=%s: %s", key, value, cutlab_context_message(f->context));
}

/* The value is refused, the message names key, value and `needle`, and nothing changes. */
static void refuse(experiment_fixture *f, const char *key, const char *value, const char *needle) {
  cutlab_experiment before = *f->experiment;
  cutlab_status status = cutlab_experiment_set(f->context, f->experiment, key, value);
  const char *message = cutlab_context_message(f->context);
  if (status != CUTLAB_ERROR_ARGUMENT || !strstr(message, needle) || !strstr(message, key))
    fail_msg("%s=%s: status %d, message '%s' without '%s'", key, value, status, message, needle);
  assert_null(strchr(message, '\n'));
  assert_memory_equal(&before, f->experiment, sizeof before);
}

static void assert_value(experiment_fixture *f, const char *key, const char *expected) {
  char *text = cutlab_experiment_get(f->experiment, key);
  assert_non_null(text);
  assert_string_equal(text, expected);
  cutlab_free(text);
}

static cutlab_status load(experiment_fixture *f, const char *text, size_t size) {
  FILE *file = fopen(f->path, "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(text, 1, size, file), size);
  fclose(file);
  return cutlab_experiment_load_yaml(f->context, f->experiment, f->path);
}

/* The YAML is refused at line:column, with `needle` in the message, and nothing changes. */
static void refuse_yaml(experiment_fixture *f, const char *text, const char *place,
                        const char *needle) {
  cutlab_experiment before = *f->experiment;
  cutlab_status status = load(f, text, strlen(text));
  const char *message = cutlab_context_message(f->context);
  char start[128];
  snprintf(start, sizeof start, "%s:%s: ", f->path, place);
  if (status == CUTLAB_OK || strncmp(message, start, strlen(start)) != 0 ||
      !strstr(message, needle))
    fail_msg("'%.200s': status %d, message '%s', expected %s and '%s'", text, status, message,
             start, needle);
  assert_memory_equal(&before, f->experiment, sizeof before);
}

static void test_defaults(void **state) {
  experiment_fixture *f = *state;
  const cutlab_experiment *e = f->experiment;
  assert_int_equal(e->patches, 3);
  assert_int_equal(e->dimension, 2000);
  assert_int_equal(e->examples, 300);
  assert_int_equal(e->feature_count, 3);
  assert_true(e->frequencies[0] == .8 && e->frequencies[1] == .15 && e->frequencies[2] == .05);
  assert_true(e->sigma_d == .25 && e->sigma_b == .15 && e->alpha == .005 && e->balance == .5);
  assert_true(e->sigma_0 == .01 && e->beta == .1 && e->r == 1 && e->learning_rate == 1);
  assert_true(e->tolerance == 1e-12 && e->stop_gradient_norm == 0);
  assert_int_equal(e->method, CUTLAB_CUTMIX);
  assert_int_equal(e->cut_size, 1);
  assert_int_equal(e->iterations, 10000);
  assert_int_equal(e->log_points, 101);
  assert_int_equal(e->seed, 1);
  assert_int_equal(e->rarity_count, 0);
  assert_false(e->sampled);
  assert_int_equal(cutlab_experiment_validate(f->context, e), CUTLAB_OK);
  assert_string_equal(f->warning, "");
}

static void test_table(void **state) {
  experiment_fixture *f = *state;
  static const char *const order[] = {"patches",
                                      "dimension",
                                      "examples",
                                      "frequencies",
                                      "rarities",
                                      "sigma_d",
                                      "sigma_b",
                                      "alpha",
                                      "balance",
                                      "signal",
                                      "features",
                                      "noise",
                                      "label_flips",
                                      "position_bias",
                                      "sampling",
                                      "form",
                                      "sigma_0",
                                      "initialisation",
                                      "filters",
                                      "bias",
                                      "activation",
                                      "beta",
                                      "r",
                                      "power",
                                      "method",
                                      "objective",
                                      "cut_size",
                                      "subsets",
                                      "mixup",
                                      "mixup_alpha",
                                      "learning_rate",
                                      "iterations",
                                      "stop_gradient_norm",
                                      "seed",
                                      "path",
                                      "tolerance",
                                      "log_points",
                                      "log_spacing",
                                      "monte_carlo"};
  int count = sizeof order / sizeof *order;
  for (int i = 0; i < count; ++i) {
    const cutlab_parameter *parameter = cutlab_experiment_parameter(i);
    assert_non_null(parameter);
    assert_string_equal(parameter->name, order[i]);
    /* what get gives, set accepts */
    char *text = cutlab_experiment_get(f->experiment, order[i]);
    assert_non_null(text);
    set(f, order[i], text);
    cutlab_free(text);
    refuse(f, order[i], "", parameter->accepted);
    refuse(f, order[i], "junk", "'junk'");
    refuse(f, order[i], "nan", "'nan'");
    refuse(f, order[i], "-1", "'-1'");
    refuse(f, order[i], "1e400", "'1e400'");
  }
  assert_null(cutlab_experiment_parameter(count));
  assert_null(cutlab_experiment_parameter(-1));
  assert_null(cutlab_experiment_get(f->experiment, "nothing"));
}

static void test_integers(void **state) {
  experiment_fixture *f = *state;
  set(f, "iterations", "1e4");
  assert_int_equal(f->experiment->iterations, 10000);
  set(f, "iterations", " 1e12 ");
  assert_int_equal(f->experiment->iterations, 1000000000000);
  set(f, "seed", "9223372036854775807");
  assert_true(f->experiment->seed == INT64_MAX);
  assert_value(f, "seed", "9223372036854775807");
  refuse(f, "seed", "9223372036854775808", "0 to 9223372036854775807");
  refuse(f, "seed", "99999999999999999999999", "integer");
  refuse(f, "iterations", "1e13", "0 to 1000000000000");
  refuse(f, "iterations", "2.5", "integer");
  refuse(f, "iterations", "0x10", "integer");
  refuse(f, "iterations", "12 13", "integer");
  refuse(f, "patches", "1", "2 to 64");
  refuse(f, "patches", "65", "2 to 64");
  refuse(f, "examples", "0", "1 to 1000000000");
  refuse(f, "dimension", "0", "1 to");
  refuse(f, "cut_size", "0", "1 to");
  refuse(f, "log_points", "1", "0, or 2 to");
  set(f, "log_points", "0");
  set(f, "log_points", "2");
}

static void test_numbers(void **state) {
  experiment_fixture *f = *state;
  set(f, "alpha", "0");
  refuse(f, "alpha", "1", ">= 0 and < 1");
  set(f, "alpha", "0.9999999999999999");
  set(f, "beta", "1");
  refuse(f, "beta", "1.0000000000000002", "0 to 1");
  refuse(f, "r", "0", "1e-100 to 1e100");
  set(f, "r", "1e-100");
  refuse(f, "learning_rate", "0", "> 0");
  refuse(f, "sigma_d", "inf", ">= 0");
  refuse(f, "sigma_d", "0x1p3", ">= 0");
  refuse(f, "sigma_d", "1,5", ">= 0");
  refuse(f, "tolerance", "1e-16", "1e-15 to 1e-2");
  refuse(f, "tolerance", "0.011", "1e-15 to 1e-2");
  set(f, "sigma_b", "-0");
  assert_value(f, "sigma_b", "0");
  set(f, "sigma_b", "0.1");
  assert_value(f, "sigma_b", "0.1");
  set(f, "sigma_b", "0.30000000000000004");
  assert_value(f, "sigma_b", "0.30000000000000004");
}

static void test_lists(void **state) {
  experiment_fixture *f = *state;
  set(f, "frequencies", "[0.6, 0.4]");
  assert_int_equal(f->experiment->feature_count, 2);
  assert_int_equal(cutlab_experiment_rarity(f->experiment, 0), CUTLAB_COMMON);
  assert_int_equal(cutlab_experiment_rarity(f->experiment, 1), CUTLAB_RARE);
  set(f, "frequencies", ".5,.3,.1,.1");
  assert_value(f, "frequencies", "[0.5, 0.3, 0.1, 0.1]");
  assert_int_equal(cutlab_experiment_rarity(f->experiment, 0), CUTLAB_COMMON);
  assert_int_equal(cutlab_experiment_rarity(f->experiment, 2), CUTLAB_RARE);
  assert_int_equal(cutlab_experiment_rarity(f->experiment, 3), CUTLAB_EXTREMELY_RARE);
  set(f, "rarities", "[common, common, 'rare', \"extremely rare\"]");
  assert_value(f, "rarities", "[common, common, rare, extremely rare]");
  assert_int_equal(cutlab_experiment_rarity(f->experiment, 1), CUTLAB_COMMON);
  set(f, "rarities", "[]");
  assert_int_equal(f->experiment->rarity_count, 0);
  refuse(f, "rarities", "[common, odd]", "item 2 is 'odd'");
  refuse(f, "frequencies", "[]", "each > 0");
  refuse(f, "frequencies", "[0.5, 0.5", "each > 0");
  refuse(f, "frequencies", "0.5]", "each > 0");
  refuse(f, "frequencies", "[", "each > 0");
  refuse(f, "frequencies", "[0.5,, 0.5]", "item 2 is ''");
  refuse(f, "frequencies", "[0.5, 0.5,]", "item 3 is ''");
  refuse(f, "frequencies", "[1, 0]", "item 2 is '0'");
  refuse(f, "frequencies", "[0.4, 0.6]", "item 2 is '0.6'");
  refuse(f, "frequencies", "[0.5, nan]", "item 2 is 'nan'");
  char many[2 * 1025]; /* "1,1,...,1" */
  for (int i = 0; i < 1025; ++i) many[2 * i] = '1', many[2 * i + 1] = ',';
  many[2 * 1024 - 1] = '\0';
  set(f, "frequencies", many);
  assert_int_equal(f->experiment->feature_count, 1024);
  many[2 * 1024 - 1] = ',';
  many[2 * 1025 - 1] = '\0';
  refuse(f, "frequencies", many, "at most 1024");
}

static void test_unknown(void **state) {
  experiment_fixture *f = *state;
  refuse(f, "sigma_D", "1", "unknown parameter 'sigma_D'; nearest: sigma_d");
  refuse(f, "iteratoins", "1", "nearest: iterations");
  refuse(f, "learning-rate", "1", "nearest: learning_rate");
  refuse(f, "preset", "paper", "--preset");
  char key[4000];
  memset(key, 'x', sizeof key - 1);
  key[sizeof key - 1] = '\0';
  assert_int_equal(cutlab_experiment_set(f->context, f->experiment, key, "1"),
                   CUTLAB_ERROR_ARGUMENT);
  assert_int_equal(cutlab_experiment_set_preset(f->context, f->experiment, "papre"),
                   CUTLAB_ERROR_ARGUMENT);
  assert_non_null(strstr(cutlab_context_message(f->context), "nearest: paper"));
  assert_int_equal(cutlab_nearest_name("x", NULL, 0), -1);
  const char *const names[] = {"abcd", "bacd", "xyz"};
  assert_int_equal(cutlab_nearest_name("bcad", names, 3), 1); /* one transposition */
}

static void test_presets(void **state) {
  experiment_fixture *f = *state;
  set(f, "method", "erm");
  set(f, "seed", "7");
  set(f, "sigma_d", "3");
  static const double dimensions[] = {2000, 1e6, 500, 2000, 2000, 2000};
  for (int i = 0; i < 6; ++i) {
    const char *yaml, *name = cutlab_experiment_preset(i, &yaml);
    assert_non_null(name);
    assert_non_null(strstr(yaml, "patches: 3\n"));
    assert_int_equal(cutlab_experiment_set_preset(f->context, f->experiment, name), CUTLAB_OK);
    assert_true((double)f->experiment->dimension == dimensions[i]);
    assert_true(f->experiment->sigma_d < 1);
    assert_int_equal(f->experiment->method, CUTLAB_ERM);
    assert_int_equal(f->experiment->seed, 7);
    assert_int_equal(cutlab_experiment_validate(f->context, f->experiment), CUTLAB_OK);
  }
}

/* Presets after other papers: cited, valid, and of small cost. */
static void test_presets_of_others(void **state) {
  experiment_fixture *f = *state;
  const char *yaml, *name;
  int count = 0;
  for (int i = 6; (name = cutlab_experiment_preset(i, &yaml)); ++i, ++count) {
    assert_non_null(strstr(yaml, " 20")); /* the year of a citation */
    cutlab_experiment *alone;
    assert_int_equal(cutlab_experiment_create(f->context, &alone), CUTLAB_OK);
    assert_int_equal(cutlab_experiment_set_preset(f->context, alone, name), CUTLAB_OK);
    assert_int_equal(cutlab_experiment_validate(f->context, alone), CUTLAB_OK);
    assert_true(alone->filters > 1 && alone->monte_carlo > 0 && alone->iterations <= 10000);
    cutlab_experiment_free(alone);
  }
  assert_int_equal(count, 5);
  assert_null(cutlab_experiment_preset(11, NULL));
}

static void test_defaults_are_the_plain_world(void **state) {
  const cutlab_experiment *e = ((experiment_fixture *)*state)->experiment;
  assert_true(e->signal == 1 && !e->opposite && !e->full_noise && e->label_flips == 0);
  assert_true(e->position_bias == 0 && !e->uniform_weights && e->filters == 1 && !e->bias);
  assert_true(e->activation == CUTLAB_SMOOTHED_LEAKY_RELU && e->power == 3);
  assert_true(e->subsets == CUTLAB_SUBSETS_ARBITRARY && !e->midpoint && e->mixup_alpha == 1);
}

static void invalid(experiment_fixture *f, const char *needle) {
  assert_int_equal(cutlab_experiment_validate(f->context, f->experiment), CUTLAB_ERROR_ARGUMENT);
  if (!strstr(cutlab_context_message(f->context), needle))
    fail_msg("'%s' without '%s'", cutlab_context_message(f->context), needle);
}

static void test_validate(void **state) {
  experiment_fixture *f = *state;
  set(f, "frequencies", "[0.8, 0.1]");
  invalid(f, "frequencies sum to 0.9;");
  set(f, "frequencies", "[0.8, 0.2000000011]");
  invalid(f, "frequencies sum to 1.0000000011;");
  set(f, "frequencies", "[0.8, 0.2000000009]");
  assert_int_equal(cutlab_experiment_validate(f->context, f->experiment), CUTLAB_OK);
  set(f, "rarities", "[common]");
  invalid(f, "rarities has 1 items for 2");
  set(f, "rarities", "[]");
  set(f, "dimension", "3");
  invalid(f, "at least 2K = 4");
  set(f, "dimension", "4");
  set(f, "cut_size", "3");
  assert_int_equal(cutlab_experiment_validate(f->context, f->experiment), CUTLAB_OK);
  set(f, "method", "cutout");
  invalid(f, "|C| must be below P");
  assert_string_equal(f->warning, "");
  set(f, "cut_size", "2");
  assert_int_equal(cutlab_experiment_validate(f->context, f->experiment), CUTLAB_OK);
  assert_non_null(strstr(f->warning, "|C| < P/2"));
}

static void test_validate_worlds(void **state) {
  experiment_fixture *f = *state;
  set(f, "activation", "odd_power");
  set(f, "power", "4");
  invalid(f, "power is 4 with activation=odd_power; accepted: 3, 5, 7 or 9");
  set(f, "activation", "relu_power");
  assert_int_equal(cutlab_experiment_validate(f->context, f->experiment), CUTLAB_OK);
  set(f, "dimension", "5");
  invalid(f, "at least 2K = 6, for 3 orthonormal features");
  set(f, "features", "opposite");
  assert_int_equal(cutlab_experiment_validate(f->context, f->experiment), CUTLAB_OK);
  set(f, "dimension", "2");
  invalid(f, "at least K = 3, for 3 opposite features");
  set(f, "dimension", "1e10");
  set(f, "initialisation", "uniform");
  invalid(f, "initialisation=uniform draws each of 2e+10 weights");
  set(f, "dimension", "1e9");
  assert_int_equal(cutlab_experiment_validate(f->context, f->experiment), CUTLAB_OK);
  assert_string_equal(f->warning, "");
  set(f, "position_bias", "1");
  assert_int_equal(cutlab_experiment_validate(f->context, f->experiment), CUTLAB_OK);
  assert_non_null(strstr(f->warning, "not unique"));
  set(f, "method", "erm");
  f->warning[0] = 0;
  assert_int_equal(cutlab_experiment_validate(f->context, f->experiment), CUTLAB_OK);
  assert_string_equal(f->warning, "");
}

static void test_yaml(void **state) {
  experiment_fixture *f = *state;
  const char *text = "# comment\n"
                     "sigma_d: 0.5   # after the preset\n"
                     "frequencies:\n  - 0.9\n  - 0.1\n"
                     "rarities: [common, extremely rare]\n"
                     "method: \"cutout\"\n"
                     "iterations: 1e3\n"
                     "preset: theory\n";
  assert_int_equal(load(f, text, strlen(text)), CUTLAB_OK);
  assert_true(f->experiment->sigma_d == .5);
  assert_int_equal(f->experiment->dimension, 1000000);
  assert_int_equal(f->experiment->iterations, 1000);
  assert_int_equal(f->experiment->feature_count, 2);
  assert_int_equal(f->experiment->rarities[1], CUTLAB_EXTREMELY_RARE);
  assert_int_equal(f->experiment->method, CUTLAB_CUTOUT);
  cutlab_experiment before = *f->experiment;
  assert_int_equal(load(f, "# nothing\n", 10), CUTLAB_OK);
  assert_int_equal(load(f, "", 0), CUTLAB_OK);
  assert_memory_equal(&before, f->experiment, sizeof before);
}

static void test_bad_yaml(void **state) {
  experiment_fixture *f = *state;
  refuse_yaml(f, "patches: 4\nsigma_D: 1\n", "2:1", "nearest: sigma_d");
  refuse_yaml(f, "seed: 2\npatches:   1\n", "2:12", "2 to 64");
  refuse_yaml(f, "seed: 2\nfrequencies: [0.5, 0.6]\n", "2:14", "item 2 is '0.6'");
  refuse_yaml(f, "seed: 2\nfrequencies: [0.5\nmethod: erm\n", "3:7", "not valid YAML");
  refuse_yaml(f, "seed: 2\n\tpatches: 3\n", "2:1", "not valid YAML");
  refuse_yaml(f, "seed: 2\nseed: 3\n", "2:1", "twice");
  refuse_yaml(f, "preset: paper\npreset: paper\n", "2:1", "twice");
  refuse_yaml(f, "seed: 2\npreset: papre\n", "2:9", "nearest: paper");
  refuse_yaml(f, "- seed\n", "1:1", "parameter: value");
  refuse_yaml(f, "seed\n", "1:1", "parameter: value");
  refuse_yaml(f, "seed: {a: 1}\n", "1:7", "plain value or a list");
  refuse_yaml(f, "frequencies: [0.5, [0.5]]\n", "1:20", "plain value");
  refuse_yaml(f, "[a]: 1\n", "1:1", "name of a parameter");
  refuse_yaml(f, "seed: \"1\\0\"\n", "1:7", "plain value");
  refuse_yaml(f, "seed: 2\n---\nseed: 3\n", "3:1", "second document");
  refuse_yaml(f, "seed: 2\nmethod: \xff\n", "2:9", "not valid YAML");
  refuse_yaml(f, "seed:\n", "1:6", "''");
  refuse_yaml(f, "seed: *a\n", "1:7", "not valid YAML");
  size_t size = (1 << 20) + 1;
  char *deep = malloc(100001); /* libyaml's loader would take minutes */
  memset(deep, '[', 100000);
  memcpy(deep, "a: ", 3);
  deep[100000] = '\0';
  refuse_yaml(f, deep, "1:5", "a list of them");
  free(deep);
  char *large = malloc(size);
  memset(large, '#', size);
  assert_int_not_equal(load(f, large, size), CUTLAB_OK);
  free(large);
  assert_int_equal(cutlab_experiment_load_yaml(f->context, f->experiment, "/nowhere/x.yaml"),
                   CUTLAB_ERROR_IO);
  assert_non_null(strstr(cutlab_context_message(f->context), "/nowhere/x.yaml"));
}

/* Every field at a value other than its default, with digits that need 17 places. */
static void set_odd_values(experiment_fixture *f) {
  static const char *const pairs[][2] = {{"patches", "7"},
                                         {"dimension", "123456789012"},
                                         {"examples", "17"},
                                         {"frequencies", "[0.6000000000000001, 0.3, 0.1]"},
                                         {"rarities", "[common, extremely rare, rare]"},
                                         {"sigma_d", "1e+300"},
                                         {"sigma_b", "0.1234567890123456789"},
                                         {"alpha", "5e-324"},
                                         {"balance", "0.30000000000000004"},
                                         {"sampling", "stratified"},
                                         {"form", "gram"},
                                         {"sigma_0", "123456789012345680"},
                                         {"beta", "1"},
                                         {"r", "3.3333333333333335"},
                                         {"method", "cutout"},
                                         {"objective", "sampled"},
                                         {"cut_size", "2"},
                                         {"learning_rate", "1e22"},
                                         {"iterations", "999999999999"},
                                         {"stop_gradient_norm", "1e-7"},
                                         {"seed", "9223372036854775807"},
                                         {"path", "brute"},
                                         {"tolerance", "1.1e-15"},
                                         {"log_points", "0"},
                                         {"log_spacing", "linear"},
                                         {"monte_carlo", "1000"}};
  for (size_t i = 0; i < sizeof pairs / sizeof *pairs; ++i) set(f, pairs[i][0], pairs[i][1]);
}

static void assert_same(const cutlab_experiment *a, const cutlab_experiment *b) {
  const cutlab_parameter *parameter;
  for (int i = 0; (parameter = cutlab_experiment_parameter(i)); ++i) {
    char *left = cutlab_experiment_get(a, parameter->name);
    char *right = cutlab_experiment_get(b, parameter->name);
    assert_string_equal(left, right);
    cutlab_free(left);
    cutlab_free(right);
  }
  assert_memory_equal(a, b, offsetof(struct cutlab_experiment, named));
}

static void test_round_trips(void **state) {
  experiment_fixture *f = *state;
  cutlab_experiment *copy, *fresh;
  char *text;
  set_odd_values(f);
  assert_int_equal(cutlab_experiment_copy(f->context, &copy, f->experiment), CUTLAB_OK);
  assert_same(copy, f->experiment);
  assert_int_equal(cutlab_experiment_create(f->context, &fresh), CUTLAB_OK);
  assert_int_equal(cutlab_experiment_to_json(f->context, &text, copy), CUTLAB_OK);
  assert_non_null(strstr(text, "\"seed\": 9223372036854775807,"));
  assert_non_null(strstr(text, "\"rarities\": [\"common\", \"extremely rare\", \"rare\"]"));
  assert_non_null(strstr(text, "\"balance\": 0.30000000000000004,"));
  assert_int_equal(cutlab_experiment_from_json(f->context, fresh, text), CUTLAB_OK);
  cutlab_free(text);
  assert_same(fresh, copy);
  cutlab_experiment_free(fresh);
  cutlab_experiment_free(f->experiment);
  assert_int_equal(cutlab_experiment_create(f->context, &f->experiment), CUTLAB_OK);
  assert_int_equal(cutlab_experiment_to_yaml(f->context, &text, copy), CUTLAB_OK);
  assert_int_equal(load(f, text, strlen(text)), CUTLAB_OK);
  cutlab_free(text);
  assert_same(f->experiment, copy);
  cutlab_experiment_free(copy);
}

static void assert_named(const experiment_fixture *f, bool alpha, bool seed) {
  assert_true(cutlab_experiment_is_named(f->experiment, "alpha") == alpha);
  assert_true(cutlab_experiment_is_named(f->experiment, "seed") == seed);
}

/* Named is what the user set, whichever way, and no preset has set since. */
static void test_named(void **state) {
  experiment_fixture *f = *state;
  cutlab_experiment *copy;
  static const char yaml[] = "alpha: 0.3\npreset: theory\n", preset[] = "preset: quick\n";
  assert_named(f, false, false);
  set(f, "seed", "1"); /* as it is already */
  assert_named(f, false, true);
  assert_int_equal(load(f, yaml, sizeof yaml - 1), CUTLAB_OK);
  assert_named(f, true, true);
  assert_int_equal(cutlab_experiment_copy(f->context, &copy, f->experiment), CUTLAB_OK);
  assert_true(cutlab_experiment_is_named(copy, "alpha"));
  cutlab_experiment_free(copy);
  assert_int_equal(load(f, preset, sizeof preset - 1), CUTLAB_OK);
  assert_named(f, false, true);
  refuse(f, "alpha", "1", "< 1");
  assert_named(f, false, true);
  assert_int_equal(cutlab_experiment_from_json(f->context, f->experiment, "{\"alpha\": 0.1}"),
                   CUTLAB_OK);
  assert_named(f, true, true);
}

static void test_bad_json(void **state) {
  experiment_fixture *f = *state;
  static const char *const texts[][2] = {{"", "parameters:"},
                                         {"[1]", "not an object"},
                                         {"{\"patches\": 4, \"sigma\": 1}", "nearest: sigma_"},
                                         {"{\"patches\": 4, \"seed\": null}", "seed"},
                                         {"{\"patches\": 4, \"seed\": true}", "seed"},
                                         {"{\"frequencies\": [[1]]}", "frequencies"},
                                         {"{\"patches\": 4, \"seed\": -1}", "'-1'"}};
  cutlab_experiment before = *f->experiment;
  for (size_t i = 0; i < sizeof texts / sizeof *texts; ++i) {
    assert_int_not_equal(cutlab_experiment_from_json(f->context, f->experiment, texts[i][0]),
                         CUTLAB_OK);
    if (!strstr(cutlab_context_message(f->context), texts[i][1]))
      fail_msg("'%s': %s", texts[i][0], cutlab_context_message(f->context));
    assert_memory_equal(&before, f->experiment, sizeof before);
  }
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {TEST(test_defaults),
                                     TEST(test_table),
                                     TEST(test_integers),
                                     TEST(test_numbers),
                                     TEST(test_lists),
                                     TEST(test_unknown),
                                     TEST(test_presets),
                                     TEST(test_presets_of_others),
                                     TEST(test_defaults_are_the_plain_world),
                                     TEST(test_validate_worlds),
                                     TEST(test_validate),
                                     TEST(test_yaml),
                                     TEST(test_bad_yaml),
                                     TEST(test_round_trips),
                                     TEST(test_named),
                                     TEST(test_bad_json)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
