/* Sweeps: expressions, specs and their errors, keys, what is done again and what is not, shards. */
#include "sweep_folder.h"

#include <math.h>

#include "sweep/grid.h"

/* Expressions */

static const char *const names[] = {"x", "rho", "examples"};
static const double values[] = {3, 0.25, 200};

static int find(void *user, const char *name) {
  (void)user;
  for (int i = 0; i < 3; ++i)
    if (strcmp(names[i], name) == 0) return i;
  return -1;
}

static cutlab_status compile(cutlab_context *context, cutlab_expression **expression,
                             const char *text) {
  return cutlab_expression_compile(context, expression, text, strlen(text), find, NULL, names, 3);
}

static void expect_number(cutlab_context *context, const char *text, double wanted) {
  cutlab_expression *expression;
  if (compile(context, &expression, text) != CUTLAB_OK)
    fail_msg("%s: %s", text, cutlab_context_message(context));
  double value = cutlab_expression_evaluate(expression, values);
  free(expression);
  if (!(fabs(value - wanted) <= 1e-14 * fabs(wanted))) fail_msg("%s is %.17g", text, value);
}

static void computes_as_usual(void **state) {
  static const struct {
    const char *text;
    double value;
  } cases[] = {{"1 + 2 * 3", 7},
               {"(1 + 2) * 3", 9},
               {"8 - 4 - 2", 2},
               {"8 / 4 / 2", 1},
               {"2 ^ 3 ^ 2", 512},
               {"-2 ^ 2", -4},
               {"2 ^ -1", 0.5},
               {"--3", 3},
               {"1e-2 + .5", 0.51},
               {"x * rho", 0.75},
               {"sqrt(rho * examples)", 7.0710678118654755},
               {"min(3, 1, 2) + max(x, 10)", 11},
               {"log(exp(2)) + log10(1000) + abs(-1)", 6},
               {"round(2.5) + floor(-0.5)", 2},
               {" ( ( x ) ) ", 3}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i)
    expect_number(*state, cases[i].text, cases[i].value);
}

static void expressions_that_are_none_are_refused(void **state) {
  static const char *const cases[][2] = {{"", "character 1: the end instead of a number"},
                                         {"1 +", "character 4: the end"},
                                         {"1 2", "character 3: '2' instead of an operator"},
                                         {"2e", "'e' instead of an operator"},
                                         {"(1", "instead of ')'"},
                                         {"sqrt 2", "instead of '('"},
                                         {"sqrt(1, 2)", "sqrt takes at most 1 argument"},
                                         {"1..2", "instead of a number"},
                                         {"roh", "unknown name 'roh'; nearest: rho"},
                                         {"1 # 2", "'#' instead of an operator"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
    cutlab_expression *expression;
    if (compile(*state, &expression, cases[i][0]) != CUTLAB_ERROR_ARGUMENT)
      fail_msg("'%s' is accepted", cases[i][0]);
    assert_null(expression);
    assert_message(*state, cases[i][1]);
  }
}

static void deep_nesting_is_refused(void **state) {
  char text[402];
  cutlab_expression *expression;
  memset(text, '(', 200);
  text[200] = '\0';
  assert_int_equal(compile(*state, &expression, text), CUTLAB_ERROR_ARGUMENT);
  memset(text, '-', 401);
  text[401] = '\0';
  assert_int_equal(compile(*state, &expression, text), CUTLAB_ERROR_ARGUMENT);
  size_t used = 0;
  for (int i = 0; i < 100; ++i) used += (size_t)snprintf(text + used, 5, "1+1+");
  snprintf(text + 398, 3, "1");
  expect_number(*state, text, 200);
}

/* Specs */

typedef struct said {
  cutlab_context *context;
  cutlab_spec spec;
  cutlab_grid *grid;
} said;

static cutlab_status read_spec(said *s, cutlab_context *context, const char *text) {
  *s = (said){.context = context};
  cutlab_spec_defaults(&s->spec);
  cutlab_status status = cutlab_spec_read(context, &s->spec, text, strlen(text), "spec.yaml");
  if (status == CUTLAB_OK) status = cutlab_grid_create(context, &s->grid, &s->spec);
  if (status == CUTLAB_OK) status = cutlab_grid_make_keys(context, s->grid);
  return status;
}

static void forget(said *s) {
  cutlab_grid_free(s->grid);
  cutlab_spec_clear(&s->spec);
}

static void expect_spec(said *s, cutlab_context *context, const char *text) {
  if (read_spec(s, context, text) != CUTLAB_OK) fail_msg("%s", cutlab_context_message(context));
}

static void errors_say_where(void **state) {
  static const char *const cases[][2] = {
      {"axes: {rho: [1]}", "spec.yaml:1:8: axis 'rho' is no parameter"},
      {"axes: {patchs: [2]}", "nearest parameter: patches"},
      {WORLD "axes: {sigma_d: []}", "spec.yaml:3:17: axis sigma_d is empty"},
      {WORLD "axes: {}", "has no axes"},
      {WORLD "axis: {sigma_d: [1]}", "spec.yaml:3:1: unknown key 'axis' of a sweep; nearest: axes"},
      {WORLD "axes: {sigma_d: [a]}", "spec.yaml:3:18: axis sigma_d has 'a'; accepted: numbers"},
      {WORLD "axes: {sigma_d: [.1, .2, 0.1]}", "has 0.1 twice"},
      {WORLD "axes: {sigma_d: [-1]}", "spec.yaml:3:18: sigma_d is '-1'; accepted: number, >= 0"},
      {WORLD "axes: {method: [erm, cutmx]}", "spec.yaml:3:22: method is 'cutmx'"},
      {WORLD "axes: {method: {from: 1, to: 2, count: 2}}", "axis method has no numbers"},
      {WORLD "axes: {sigma_d: {from: 1, to: 2}}", "needs from, to, and either count or step"},
      {WORLD "axes: {sigma_d: {from: 0, to: 2, count: 3, spacing: log}}", "accepted: above 0"},
      {WORLD "axes: {sigma_d: {from: 1, to: 2, cuont: 3}}", "nearest: count"},
      {WORLD "axes: {sigma_d: {from: 1, to: 2, count: 2.5}}", "count is 2.5; accepted: an integer"},
      {WORLD "axes: {sigma_d: {from: 0, to: 1, count: 1000000000}}", "1000000000 values"},
      {WORLD "axes: {sigma_d: [{a: 1}]}", "a value must be plain"},
      {WORLD "axes: {seed: [1, 2]}", "seed cannot be an axis"},
      {WORLD "axes: {sigma_d: [1]}\nseeds: []", "spec.yaml:4:8: seeds are empty"},
      {WORLD "axes: {sigma_d: [1]}\nseeds: [1, 1]", "seed 1 is given twice"},
      {WORLD "axes: {sigma_d: [1]}\nmeasure: [train_lss]",
       "spec.yaml:4:11: unknown measure 'train_lss'; nearest: train_loss"},
      {WORLD "axes: {sigma_d: [1]}\nmeasure: [test_error]", "set monte_carlo"},
      {WORLD "axes: {sigma_d: [1]}\nmeasure: [feature_3]", "nearest: feature_"},
      {WORLD "axes: {iterations: [1]}\nmeasure: [iterations]", "has the name of an axis"},
      {WORLD "axes: {sigma_d: [1]}\ndraws: some", "draws is 'some'; accepted: shared, own"},
      {WORLD "axes: {sigma_d: [1]}\nlearnt_at: 2", "accepted: a number from 0.5 to 1"},
      {WORLD "axes: {sigma_d: [1]}\nmap: {x: sigma_b}", "no axis 'sigma_b'; nearest: sigma_d"},
      {WORLD "axes: {sigma_d: [1]}\nboundaries: {a: 1}", "there are no two axes of numbers"},
      {"preset: quikc\naxes: {sigma_d: [1]}", "spec.yaml:1:9: unknown preset 'quikc'"},
      {"parameters: {exampels: 3}\naxes: {sigma_d: [1]}", "spec.yaml:1:14: unknown parameter"},
      {"parameters: {examples: [3, 4]}\naxes: {sigma_d: [1]}", "several are an axis"},
      {"parameters: {seed: 3}\naxes: {sigma_d: [1]}", "use seeds"},
      {"parameters: {sigma_b: 2 * sigma_e}\naxes: {sigma_d: [1]}",
       "spec.yaml:1:23: sigma_b: '2 * sigma_e': unknown name 'sigma_e'; nearest: sigma_d"},
      {"parameters: {sigma_b: method}\naxes: {method: [erm]}", "unknown name 'method'"},
      {"parameters: {sigma_b: alpha, alpha: sigma_b / 2}\naxes: {sigma_d: [1]}",
       "depends on itself"},
      {"parameters: {examples: 10 * x}\naxes: {x: [1, .25]}",
       "spec.yaml:1:24: examples is '2.5'; accepted: integer, 1 to 1000000000; at x=0.25"},
      {"parameters: {frequencies: '[1 - rho, rho]'}\naxes: {rho: [.1, .6]}", "at rho=0.6"},
      {"parameters: {frequencies: '1 - rho'}\naxes: {rho: [.1]}", "accepted: a list"},
      {WORLD "axes: {sqrt: [1]}", "the name of a function"},
      {WORLD "axes: {a: {random: log, from: 1, to: 2, count: 2}, b: {random: log, from: 1, to: 2, "
             "count: 3}}",
       "accepted: 2, as of the other random axes"},
      {WORLD "axes: {sigma_d: [1]}\naxes: {sigma_b: [1]}", "axes is given twice"},
      {WORLD "axes: {cut_size: [1, 9], method: [cutout]}", "at cut_size=9 method=cutout"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
    said s;
    cutlab_status status = read_spec(&s, *state, cases[i][0]);
    forget(&s);
    if (status != CUTLAB_ERROR_ARGUMENT) fail_msg("accepted: %s", cases[i][0]);
    assert_message(*state, cases[i][1]);
  }
}

static void what_is_not_yaml_is_refused(void **state) {
  static const char *const cases[][2] = {{"axes: [", "spec.yaml:2:1: not valid YAML"},
                                         {"a: &x 1\nb: *x", "spec.yaml:2:4: an alias"},
                                         {"[[[[[[1]]]]]]", "lists in lists"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
    said s;
    assert_int_equal(read_spec(&s, *state, cases[i][0]), CUTLAB_ERROR_FORMAT);
    assert_message(*state, cases[i][1]);
    forget(&s);
  }
}

static double axis_value(const said *s, int axis, int64_t i) {
  return s->grid->axes[axis].numbers[i];
}

static void axes_are_spaced(void **state) {
  said s;
  expect_spec(&s, *state,
              WORLD "axes:\n"
                    "  alpha: {from: 0, to: 0.9, step: 0.1}\n"
                    "  sigma_d: {from: 0.01, to: 1, count: 3, spacing: log}\n"
                    "  dimension: {from: 100, to: 1000, count: 4, spacing: log}\n"
                    "  sigma_b: {from: 1, to: 2, count: 1}\n");
  assert_int_equal(s.grid->axes[0].count, 10);
  assert_true(axis_value(&s, 0, 3) == 0.3 && axis_value(&s, 0, 9) == 0.9);
  assert_true(axis_value(&s, 1, 1) == 0.1 && axis_value(&s, 1, 2) == 1);
  assert_true(axis_value(&s, 2, 1) == 215 && axis_value(&s, 2, 3) == 1000);
  assert_true(axis_value(&s, 3, 0) == 1);
  assert_int_equal(s.grid->runs, 10 * 3 * 4);
  assert_int_equal(cutlab_grid_index(s.grid, 2, 7), 3);
  assert_int_equal(cutlab_grid_index(s.grid, 1, 7), 1);
  forget(&s);
}

static void random_axes_are_drawn_together(void **state) {
  said s, longer;
  const char *text = WORLD "axes:\n"
                           "  sigma_d: {random: log, from: 0.01, to: 1, count: %d}\n"
                           "  method: [erm, cutmix]\n"
                           "  alpha: {random: linear, from: 0.2, to: 0.4, count: %d}\n";
  char spec[600];
  snprintf(spec, sizeof spec, text, 20, 20);
  expect_spec(&s, *state, spec);
  assert_int_equal(s.grid->cells, 40);
  assert_int_equal(s.grid->dimension_count, 2);
  snprintf(spec, sizeof spec, text, 30, 30);
  expect_spec(&longer, *state, spec);
  for (int i = 0; i < 20; ++i) {
    assert_true(axis_value(&s, 0, i) >= 0.01 && axis_value(&s, 0, i) <= 1);
    assert_true(axis_value(&s, 2, i) >= 0.2 && axis_value(&s, 2, i) <= 0.4);
    assert_true(axis_value(&s, 0, i) == axis_value(&longer, 0, i));
  }
  assert_int_equal(cutlab_grid_index(s.grid, 0, 39), 19);
  assert_int_equal(cutlab_grid_index(s.grid, 2, 39), 19);
  forget(&s);
  forget(&longer);
}

static void formulas_follow_each_other(void **state) {
  said s;
  expect_spec(&s, *state,
              "preset: quick\n"
              "parameters:\n"
              "  sigma_b: \"0.6 * sigma_d\"\n" /* before what it needs */
              "  sigma_d: \"sqrt(speed * examples / dimension)\"\n"
              "  examples: \"round(base * 2)\"\n"
              "  dimension: 1000\n"
              "  frequencies: \"[1 - rho, min(rho, 0.5)]\"\n"
              "  alpha: 0.5\n"
              "axes: {speed: [0.5], rho: [0.25], base: [10.1], alpha: [0.2]}\n");
  cutlab_experiment x;
  assert_int_equal(cutlab_grid_experiment(*state, &x, s.grid, 0), CUTLAB_OK);
  assert_int_equal(x.examples, 20);
  assert_true(x.sigma_d == 0.1 && x.sigma_b == 0.6 * 0.1 && x.alpha == 0.2);
  assert_true(x.feature_count == 2 && x.frequencies[0] == 0.75 && x.frequencies[1] == 0.25);
  assert_int_equal(s.grid->features, 2);
  forget(&s);
}

static void lists_can_be_values_of_an_axis(void **state) {
  said s;
  expect_spec(&s, *state,
              WORLD "axes: {frequencies: [[0.5, 0.5], [0.7, 0.2, 0.1]], rarities: [[]]}\n");
  cutlab_experiment x;
  assert_int_equal(cutlab_grid_experiment(*state, &x, s.grid, 1), CUTLAB_OK);
  assert_int_equal(x.feature_count, 3);
  assert_int_equal(s.grid->features, 3);
  forget(&s);
}

static void key_text(char text[65], const said *s, int64_t run) {
  for (int i = 0; i < cutlab_key_size; ++i)
    snprintf(text + 2 * i, 3, "%02x", s->grid->keys[run][i]);
}

/* Keys do not depend on how a configuration is said, and do on all that matters. */
static void keys_are_of_the_configuration(void **state) {
  static const char *const same[] = {
      WORLD
      "axes: {sigma_d: [0.3, 0.1], sigma_b: [0.2]}\nseeds: [4, 7]\nmeasure: [train_loss, evenness]",
      "preset: quick\nparameters: {iterations: 3.0, examples: 2 * 4, dimension: 60, frequencies: "
      "[8e-1, 0.2], sigma_b: 2e-1}\naxes: {sigma_d: {from: 0.1, to: 0.5, step: 0.2}}\nseeds: 4\n"
      "first_seed: 4\nmeasure: [gradient_norm]\nlearnt_at: 0.9"};
  static const char *const other[] = {
      WORLD "axes: {sigma_d: [0.1], sigma_b: [0.2]}\nseeds: [4]\nmeasure: [train_loss, time_1]",
      WORLD "axes: {sigma_d: [0.1], sigma_b: [0.2]}\nseeds: [5]\nmeasure: [train_loss, evenness]",
      WORLD "axes: {sigma_d: [0.1], sigma_b: [0.3]}\nseeds: [4]\nmeasure: [train_loss, evenness]",
      WORLD "axes: {sigma_d: [0.1], sigma_b: [0.2]}\nseeds: [4]\nmeasure: [train_loss, evenness]\n"
            "stop: {train_loss: 0.1}"};
  said s;
  char wanted[65], key[65];
  expect_spec(&s, *state, same[0]);
  key_text(wanted, &s, 2); /* sigma_d = .1, seed 4 */
  forget(&s);
  expect_spec(&s, *state, same[1]);
  key_text(key, &s, 0);
  assert_string_equal(key, wanted);
  forget(&s);
  for (size_t i = 0; i < sizeof other / sizeof *other; ++i) {
    expect_spec(&s, *state, other[i]);
    key_text(key, &s, 0);
    assert_string_not_equal(key, wanted);
    forget(&s);
  }
}

static uint64_t seed_of(cutlab_context *context, const char *text, int64_t run) {
  said s;
  cutlab_experiment x;
  expect_spec(&s, context, text);
  assert_int_equal(cutlab_grid_experiment(context, &x, s.grid, run / s.grid->seed_count),
                   CUTLAB_OK);
  assert_int_equal(cutlab_grid_set_seed(context, &x, s.grid, run), CUTLAB_OK);
  forget(&s);
  return x.seed;
}

/* Own draws are a matter of the experiment: not of the sweep, the order or what is measured. */
static void cells_may_draw_for_themselves(void **state) {
  static const char axes[] = WORLD "axes: {sigma_d: [0.1, 0.3], sigma_b: [0.2]}\nseeds: [4, 7]\n";
  static const char own[] = WORLD "axes: {sigma_d: [0.1, 0.3], sigma_b: [0.2]}\nseeds: [4, 7]\n"
                                  "draws: own\nmeasure: [train_loss]";
  static const char other[] = WORLD "axes: {sigma_b: [0.2], sigma_d: [0.5, 0.3]}\nseeds: 7\n"
                                    "draws: own\nmeasure: [evenness]";
  for (int run = 0; run < 4; ++run) assert_int_equal(seed_of(*state, axes, run), run % 2 ? 7 : 4);
  uint64_t first = seed_of(*state, own, 0), second = seed_of(*state, own, 3);
  assert_true(first != second && first != seed_of(*state, own, 1) &&
              first != seed_of(*state, own, 2));
  assert_true(second <= INT64_MAX && second == seed_of(*state, other, 7 + 6));
}

static void threads_do_not_matter_for_keys(void **state) {
  said one, two;
  const char *text = WORLD "axes: {sigma_d: {from: 0, to: 1, count: 300}}\nseeds: 2\n";
  expect_spec(&one, *state, text);
  assert_int_equal(cutlab_context_set_threads(*state, 2), CUTLAB_OK);
  expect_spec(&two, *state, text);
  assert_memory_equal(one.grid->keys, two.grid->keys, 600 * cutlab_key_size);
  forget(&one);
  forget(&two);
}

/* What is printed reads back as the same sweep. */
static void specs_are_printed_as_they_are_read(void **state) {
  said s, again;
  expect_spec(
      &s, *state,
      "name: \"a \\\"name\\\"\"\n" WORLD
      "axes: {sigma_d: [0.3, 0.1], alpha: {random: log, from: 0.1, to: 0.2, count: 3}, "
      "sigma_b: {from: 0, to: 1, step: 0.5}, method: [erm]}\n"
      "seeds: [4, 7]\ndraws: own\nrandom_seed: 5\nmeasure: [train_loss, time_1]\nlearnt_at: 0.8\n"
      "stop: {train_loss: 0.01}\nmap: {x: sigma_d, y: sigma_b, panels: method, value: "
      "time_1}\nboundaries: {a: sigma_d / examples}\n");
  char *text, *second;
  assert_int_equal(cutlab_spec_print(*state, &text, &s.spec), CUTLAB_OK);
  expect_spec(&again, *state, text);
  assert_int_equal(s.grid->runs, again.grid->runs);
  assert_memory_equal(s.grid->keys, again.grid->keys, (size_t)s.grid->runs * cutlab_key_size);
  assert_int_equal(cutlab_spec_print(*state, &second, &again.spec), CUTLAB_OK);
  assert_string_equal(text, second);
  assert_true(fabs(s.grid->boundaries[0].y[0] - 0.3 / 8) < 1e-15);
  free(text);
  free(second);
  forget(&s);
  forget(&again);
}

/* Folders */

static void only_new_cells_are_computed(void **state) {
  fixture *f = *state;
  cutlab_sweep *sweep = load(f, SMALL);
  const char *folder = sub(f, "a"), *fresh = sub(f, "b");
  assert_int_equal(done(f, sweep, folder), 0);
  expect_run(f, sweep, folder, 0, 0);
  assert_int_equal(done(f, sweep, folder), 12);
  assert_int_equal(cutlab_sweep_set(sweep, "sigma_d", "[0.2, 0.3, 0.1]"), CUTLAB_OK);
  assert_int_equal(done(f, sweep, folder), 12);
  assert_int_equal(cutlab_sweep_set(sweep, "seeds", "[2, 9]"), CUTLAB_OK);
  assert_int_equal(done(f, sweep, folder), 4);
  expect_run(f, sweep, folder, 0, 0);
  assert_int_equal(done(f, sweep, folder), 12);
  expect_run(f, sweep, fresh, 0, 0);
  expect_same(f, folder, fresh);
  cutlab_sweep_free(sweep);
  sweep = load(f, SMALL); /* nothing was forgotten */
  assert_int_equal(done(f, sweep, folder), 12);
  cutlab_sweep_free(sweep);
}

/* All that costs nothing more is in the journal; times are not, unless one was asked for. */
static void other_measures_train_nothing(void **state) {
  fixture *f = *state;
  cutlab_sweep *sweep = load(f, SMALL);
  const char *folder = sub(f, "a"), *fresh = sub(f, "b");
  assert_int_equal(cutlab_sweep_set(sweep, "measure", "[train_loss]"), CUTLAB_OK);
  expect_run(f, sweep, folder, 0, 0);
  assert_int_equal(cutlab_sweep_set(sweep, "measure", "[accuracy_2, iterations, feature_1]"),
                   CUTLAB_OK);
  assert_int_equal(done(f, sweep, folder), 12);
  expect_run(f, sweep, folder, 0, 0);
  expect_run(f, sweep, fresh, 0, 0);
  expect_same(f, folder, fresh);
  assert_int_equal(cutlab_sweep_set(sweep, "measure", "[train_loss, time_1]"), CUTLAB_OK);
  assert_int_equal(done(f, sweep, folder), 0);
  expect_run(f, sweep, folder, 0, 0);
  assert_int_equal(cutlab_sweep_set(sweep, "measure", "[time_2, evenness]"), CUTLAB_OK);
  assert_int_equal(done(f, sweep, folder), 12);
  cutlab_sweep_free(sweep);
}

static void shards_make_the_whole(void **state) {
  fixture *f = *state;
  cutlab_sweep *sweep = load(f, SMALL);
  const char *whole = sub(f, "whole"), *parts = sub(f, "parts");
  assert_int_equal(cutlab_context_set_threads(f->context, 2), CUTLAB_OK);
  expect_run(f, sweep, whole, 0, 0);
  assert_int_equal(cutlab_context_set_threads(f->context, 1), CUTLAB_OK);
  expect_run(f, sweep, parts, 2, 3);
  expect_run(f, sweep, parts, 0, 3);
  assert_int_equal(cutlab_sweep_merge(sweep, parts), CUTLAB_ERROR_ARGUMENT);
  assert_message(f->context, "4 of 12 runs are missing, the first method=erm sigma_d=0.1 seed=2; "
                             "shards with missing runs: 2/3");
  assert_false(cutlab_file_exists(sub(f, "parts/results.csv")));
  expect_run(f, sweep, parts, 1, 3);
  assert_int_equal(cutlab_sweep_merge(sweep, parts), CUTLAB_OK);
  expect_same(f, whole, parts);
  assert_int_equal(done(f, sweep, parts), 12); /* a run of all takes what shards did */
  cutlab_sweep_free(sweep);
}

static void nothing_to_merge_is_said(void **state) {
  fixture *f = *state;
  cutlab_sweep *sweep = load(f, SMALL);
  assert_int_equal(cutlab_sweep_merge(sweep, f->folder), CUTLAB_ERROR_ARGUMENT);
  assert_message(f->context, "has no journals");
  assert_int_equal(cutlab_sweep_merge(sweep, sub(f, "nowhere")), CUTLAB_ERROR_IO);
  assert_message(f->context, "nowhere");
  const cutlab_sweep_options wrong = {3, 3};
  assert_int_equal(cutlab_sweep_run(sweep, sub(f, "a"), &wrong), CUTLAB_ERROR_ARGUMENT);
  assert_message(f->context, "shard 3 of 3");
  cutlab_sweep_free(sweep);
}

/* A training that diverges is a failed run, not the end of the sweep, and not tried again. */
static void failed_runs_are_recorded(void **state) {
  fixture *f = *state;
  cutlab_sweep *sweep = load(f, "name: wild\n" WORLD "axes: {learning_rate: [1, 1e300]}\nseeds: 2\n"
                                "measure: [train_loss, iterations]\n");
  const char *folder = sub(f, "a");
  expect_run(f, sweep, folder, 0, 0);
  size_t size;
  char *cells = content(f, folder, "results.csv", &size);
  assert_non_null(strstr(cells, "\n1e+300,,,,,2,2\n"));
  free(cells);
  char *runs = content(f, folder, "runs.csv", &size);
  assert_non_null(strstr(runs, "\n1e+300,1,,,1,"));
  assert_non_null(strstr(cutlab_sweep_summary(sweep), "\"failed\": 2"));
  free(runs);
  assert_int_equal(done(f, sweep, folder), 4);
  cutlab_sweep_free(sweep);
}

static int stop_at(void *user, const cutlab_progress *progress) {
  return progress->done >= *(const int64_t *)user;
}

static void a_cancelled_sweep_goes_on(void **state) {
  fixture *f = *state;
  cutlab_sweep *sweep = load(f, SMALL);
  const char *folder = sub(f, "a"), *whole = sub(f, "whole");
  int64_t limit = 1;
  assert_int_equal(cutlab_sweep_set(sweep, "iterations", "2000"), CUTLAB_OK);
  cutlab_context_set_progress(f->context, stop_at, &limit);
  assert_int_equal(cutlab_sweep_run(sweep, folder, NULL), CUTLAB_CANCELLED);
  cutlab_context_set_progress(f->context, NULL, NULL);
  int64_t there = done(f, sweep, folder);
  assert_true(there >= 1 && there < 12);
  assert_false(cutlab_file_exists(sub(f, "a/results.csv")));
  expect_run(f, sweep, folder, 0, 0);
  assert_int_equal(cutlab_context_set_threads(f->context, 2), CUTLAB_OK);
  expect_run(f, sweep, whole, 0, 0);
  expect_same(f, folder, whole);
  cutlab_sweep_free(sweep);
}

/* The numbers of a row, 0 the first below the names; NaN for an empty field. */
static void read_row(fixture *f, double *numbers, int count, const char *folder, int row) {
  size_t size;
  char *cells = content(f, folder, "results.csv", &size);
  const char *at = cells;
  for (int i = 0; i <= row; ++i) at += strcspn(at, "\n") + 1;
  for (int i = 0; i < count; ++i) {
    numbers[i] = *at == ',' || *at == '\n' ? NAN : strtod(at, NULL);
    at += strcspn(at, ",\n") + 1;
  }
  free(cells);
}

static void trainings_stop_when_asked(void **state) {
  fixture *f = *state;
  cutlab_sweep *sweep = load(f, "name: early\n" WORLD
                                "axes: {stop_gradient_norm: [0, 0.1]}\nstop: {train_loss: 0.5}\n"
                                "measure: [iterations, converged, train_loss]\n");
  double row[4]; /* limit, loss, iterations, converged */
  assert_int_equal(cutlab_sweep_set(sweep, "iterations", "3000"), CUTLAB_OK);
  assert_int_equal(cutlab_sweep_set(sweep, "method", "erm"), CUTLAB_OK);
  expect_run(f, sweep, sub(f, "a"), 0, 0);
  read_row(f, row, 4, sub(f, "a"), 0);
  assert_true(row[3] == 1 && row[1] <= 0.5 && row[1] > 0.3 && row[2] < 3000);
  double at_loss = row[2];
  read_row(f, row, 4, sub(f, "a"), 1);
  assert_true(row[0] == 0.1 && row[3] == 1 && row[2] <= at_loss);
  cutlab_sweep_free(sweep);
}

/* time_1 is the first of the iterations looked at after which accuracy_1 is high: as trainings of
   these lengths show. */
static void times_are_when_features_are_learnt(void **state) {
  fixture *f = *state;
  cutlab_sweep *sweep =
      load(f, "preset: theory\nparameters: {examples: 40, sampling: stratified, method: erm, "
              "learning_rate: 0.02}\n"
              "axes: {iterations: [1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 23, 27, 32, 64]}\n"
              "measure: [accuracy_1, time_1, time_3]\n");
  expect_run(f, sweep, sub(f, "a"), 0, 0);
  double row[4], first = NAN; /* iterations, accuracy_1, time_1, time_3 */
  for (int i = 0; i < 17; ++i) {
    read_row(f, row, 4, sub(f, "a"), i);
    if (isnan(first) && row[1] >= 0.75) first = row[0];
    if (isnan(first))
      assert_true(isnan(row[2]));
    else
      assert_true(row[2] == first);
    assert_true(isnan(row[3]));
  }
  assert_true(first > 1 && first < 64);
  cutlab_sweep_free(sweep);
}

/* Asking for times ends no training, even one whose loss is 0. */
static void times_do_not_end_trainings(void **state) {
  fixture *f = *state;
  cutlab_sweep *sweep = load(f, "name: steep\n" WORLD "axes: {learning_rate: [1e5]}\n"
                                "measure: [train_loss, time_1, iterations, converged]\n");
  double row[5]; /* learning_rate, train_loss, time_1, iterations, converged */
  assert_int_equal(cutlab_sweep_set(sweep, "iterations", "50"), CUTLAB_OK);
  assert_int_equal(cutlab_sweep_set(sweep, "method", "erm"), CUTLAB_OK);
  expect_run(f, sweep, sub(f, "a"), 0, 0);
  read_row(f, row, 5, sub(f, "a"), 0);
  assert_true(row[1] == 0 && row[2] > 0 && row[3] == 50 && row[4] == 0);
  cutlab_sweep_free(sweep);
}

/* A feature learnt between the iterations that are looked at, 91 and 108, and the training ended
   there by its gradient. */
static void the_end_is_looked_at(void **state) {
  fixture *f = *state;
  cutlab_sweep *sweep =
      load(f, "preset: theory\nparameters: {examples: 40, sampling: stratified, method: cutout, "
              "learning_rate: 0.02, sigma_d: 0.05, iterations: 200}\n"
              "axes: {stop_gradient_norm: [0.073]}\n"
              "measure: [accuracy_1, time_1, iterations, converged]\n");
  double row[5]; /* stop_gradient_norm, accuracy_1, time_1, iterations, converged */
  expect_run(f, sweep, sub(f, "a"), 0, 0);
  read_row(f, row, 5, sub(f, "a"), 0);
  assert_true(row[4] == 1 && row[3] > 91 && row[3] < 108 && row[1] > 0.75);
  assert_true(row[2] == row[3]);
  cutlab_sweep_free(sweep);
}

/* Fields with commas are quoted, in the columns of axes that are not on the map too. */
static void boundaries_are_csv(void **state) {
  fixture *f = *state;
  cutlab_sweep *sweep = load(f, "preset: quick\n"
                                "parameters: {examples: 8, iterations: 3, dimension: 60}\n"
                                "axes: {frequencies: [[0.8, 0.2], [0.7, 0.3]], sigma_d: [0.1, "
                                "0.2], sigma_b: [0.1, 0.2]}\nmeasure: [accuracy_1]\n");
  expect_run(f, sweep, sub(f, "a"), 0, 0);
  size_t size;
  char *text = content(f, sub(f, "a"), "boundaries.csv", &size);
  static const char heading[] = "measure,threshold,frequencies,sigma_d,sigma_b,crossing,fitted\n"
                                "accuracy_1,0.75,\"[0.8, 0.2]\",0.1,";
  text[sizeof heading - 1] = '\0';
  assert_string_equal(text, heading);
  free(text);
  cutlab_sweep_free(sweep);
}

static void a_folder_that_cannot_be_made_is_said(void **state) {
  fixture *f = *state;
  cutlab_sweep *sweep = load(f, SMALL);
  assert_int_equal(cutlab_sweep_run(sweep, sub(f, "spec.yaml/a"), NULL), CUTLAB_ERROR_IO);
  assert_message(f->context, "cannot make folder");
  cutlab_sweep_free(sweep);
}

static void estimates_count_before_they_time(void **state) {
  fixture *f = *state;
  cutlab_sweep *sweep = load(f, SMALL);
  cutlab_sweep_plan plan;
  assert_int_equal(cutlab_sweep_set(sweep, "sigma_d", "{from: 0, to: 1, count: 200000}"),
                   CUTLAB_OK);
  assert_int_equal(cutlab_sweep_set(sweep, "sigma_b", "{from: 0, to: 1, count: 200000}"),
                   CUTLAB_OK);
  assert_int_equal(cutlab_sweep_estimate(sweep, &plan, NULL), CUTLAB_OK);
  assert_int_equal(plan.runs, 3 * 2 * 200000LL * 200000);
  assert_true(plan.seconds > 1e5);
  assert_int_equal(cutlab_sweep_set(sweep, "alpha", "{from: 0, to: 0.5, count: 1000}"), CUTLAB_OK);
  assert_int_equal(cutlab_sweep_estimate(sweep, &plan, NULL), CUTLAB_ERROR_ARGUMENT);
  assert_message(f->context, "runs; accepted: at most 10^12");
  assert_int_equal(cutlab_sweep_set(sweep, "sigma_x", "1"), CUTLAB_ERROR_ARGUMENT);
  assert_message(f->context, "unknown parameter 'sigma_x'; nearest: sigma_");
  cutlab_sweep_free(sweep);
}

static void presets_are_sweeps(void **state) {
  fixture *f = *state;
  const char *name, *yaml;
  int count = 0;
  for (; (name = cutlab_sweep_preset(count, &yaml)); ++count) {
    cutlab_sweep *sweep;
    cutlab_sweep_plan plan;
    if (cutlab_sweep_load_preset(f->context, &sweep, name) != CUTLAB_OK ||
        cutlab_sweep_estimate(sweep, &plan, NULL) != CUTLAB_OK)
      fail_msg("%s: %s", name, cutlab_context_message(f->context));
    assert_true(plan.runs >= 100 && plan.seconds > 0);
    assert_string_equal(cutlab_sweep_name(sweep), name);
    assert_int_equal(yaml[0], '#');
    cutlab_sweep_free(sweep);
  }
  assert_true(count >= 3);
  cutlab_sweep *sweep;
  assert_int_equal(cutlab_sweep_load_preset(f->context, &sweep, "qiuck"), CUTLAB_ERROR_ARGUMENT);
  assert_message(f->context, "unknown sweep 'qiuck'; nearest: quick");
}

#define PLAIN(test) cmocka_unit_test_setup_teardown(test, context_up, context_down)
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, fixture_up, fixture_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      PLAIN(computes_as_usual),
      PLAIN(expressions_that_are_none_are_refused),
      PLAIN(deep_nesting_is_refused),
      PLAIN(errors_say_where),
      PLAIN(what_is_not_yaml_is_refused),
      PLAIN(axes_are_spaced),
      PLAIN(random_axes_are_drawn_together),
      PLAIN(formulas_follow_each_other),
      PLAIN(lists_can_be_values_of_an_axis),
      PLAIN(keys_are_of_the_configuration),
      PLAIN(cells_may_draw_for_themselves),
      PLAIN(threads_do_not_matter_for_keys),
      PLAIN(specs_are_printed_as_they_are_read),
      IN_FOLDER(only_new_cells_are_computed),
      IN_FOLDER(other_measures_train_nothing),
      IN_FOLDER(shards_make_the_whole),
      IN_FOLDER(nothing_to_merge_is_said),
      IN_FOLDER(failed_runs_are_recorded),
      IN_FOLDER(a_cancelled_sweep_goes_on),
      IN_FOLDER(trainings_stop_when_asked),
      IN_FOLDER(times_are_when_features_are_learnt),
      IN_FOLDER(times_do_not_end_trainings),
      IN_FOLDER(the_end_is_looked_at),
      IN_FOLDER(boundaries_are_csv),
      IN_FOLDER(a_folder_that_cannot_be_made_is_said),
      IN_FOLDER(estimates_count_before_they_time),
      IN_FOLDER(presets_are_sweeps),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
