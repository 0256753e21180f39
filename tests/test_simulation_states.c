/* States of simulations: they continue with the same bits; others and damaged ones are refused. */
#include "files.h"
#include "simulations.h"

/* A state read back continues with the same bits, and measures the same. */
static void test_states_continue(void **state) {
  const fixture *f = *state;
  char *path = path_of(f, "state.npz");
  for (int k = 0; k < dynamics_count; ++k) {
    cutlab_simulation *whole = start_with(f->context, dynamics[k]);
    step(whole, 20);
    cutlab_measurement before = measure(whole), after;
    assert_int_equal(cutlab_simulation_write_state(whole, path), CUTLAB_OK);
    cutlab_simulation *rest = start_with(f->context, dynamics[k]);
    step(rest, k); /* whatever was done before is forgotten */
    assert_int_equal(cutlab_simulation_read_state(rest, path), CUTLAB_OK);
    assert_int_equal(cutlab_simulation_iteration(rest), 20);
    assert_true(cutlab_simulation_gradient_norm(rest) == cutlab_simulation_gradient_norm(whole));
    after = measure(rest);
    assert_true(before.loss == after.loss && before.gradient_norm == after.gradient_norm);
    assert_true(before.population_accuracy == after.population_accuracy);
    assert_memory_equal(&before.dominant_coefficient, &after.dominant_coefficient,
                        sizeof after.dominant_coefficient);
    cutlab_measurement_clear(&before);
    cutlab_measurement_clear(&after);
    step(whole, 20);
    step(rest, 20);
    double *a = outputs_of(whole), *b = outputs_of(rest);
    assert_memory_equal(a, b, (size_t)whole->patch_count * sizeof *a);
    assert_memory_equal(whole->coefficients, rest->coefficients,
                        (size_t)(2 * whole->patch_count) * sizeof *a);
    free(a);
    free(b);
    cutlab_simulation_free(whole);
    cutlab_simulation_free(rest);
  }
  free(path);
}

static void refuse_state(cutlab_simulation *s, const char *path, cutlab_status status,
                         const char *message) {
  assert_int_equal(cutlab_simulation_read_state(s, path), status);
  assert_message(s->context, message);
  assert_int_equal(cutlab_simulation_iteration(s), 0);
}

static void test_states_of_others_are_refused(void **state) {
  static const char *const others[] = {"seed=2",
                                       "learning_rate=.5",
                                       "method=erm",
                                       "frequencies=[.5, .3, .2]",
                                       "beta=.2",
                                       "r=2",
                                       "objective=sampled",
                                       "sigma_0=.02",
                                       "alpha=.1",
                                       "sigma_d=.3",
                                       "sampling=stratified",
                                       "tolerance=1e-6",
                                       "examples=41",
                                       "dimension=501",
                                       "patches=4"};
  static const char *const forms[] = {"form=held", "form=gram", "form=wishart"};
  const fixture *f = *state;
  char *path = path_of(f, "state.npz");
  for (int form = 0; form < 3; ++form) {
    cutlab_experiment *x = configure(f->context, "quick", forms[form]);
    cutlab_simulation *s = start(f->context, x, NULL);
    step(s, 2);
    assert_int_equal(cutlab_simulation_write_state(s, path), CUTLAB_OK);
    cutlab_simulation_free(s);
    for (size_t k = 0; k < sizeof others / sizeof *others; ++k) {
      cutlab_experiment *y;
      assert_int_equal(cutlab_experiment_copy(f->context, &y, x), CUTLAB_OK);
      configure_change(f->context, y, others[k]);
      s = start(f->context, y, NULL);
      refuse_state(s, path, CUTLAB_ERROR_FORMAT, "state.npz");
      cutlab_simulation_free(s);
      cutlab_experiment_free(y);
    }
    cutlab_experiment_free(x);
  }
  free(path);
}

/* One number of the data changed: another data set. */
static void test_states_of_other_data_are_refused(void **state) {
  const fixture *f = *state;
  char *path = path_of(f, "state.npz");
  cutlab_dataset *data = user_data(f->context, 10, 3, 20);
  static const char *const forms[] = {"form=held", "form=gram"};
  for (int form = 0; form < 2; ++form) {
    cutlab_experiment *x = configure(f->context, "quick", forms[form]);
    cutlab_simulation *s = start(f->context, x, data);
    assert_int_equal(cutlab_simulation_write_state(s, path), CUTLAB_OK);
    assert_int_equal(cutlab_simulation_read_state(s, path), CUTLAB_OK);
    cutlab_simulation_free(s);
    data->patch_data[599] += 1e-9;
    s = start(f->context, x, data);
    refuse_state(s, path, CUTLAB_ERROR_FORMAT, "another experiment or data set");
    cutlab_simulation_free(s);
    cutlab_experiment_free(x);
  }
  cutlab_dataset_free(data);
  free(path);
}

static void test_damaged_states_are_refused(void **state) {
  const fixture *f = *state;
  char *path = path_of(f, "state.npz");
  cutlab_simulation *s = start_with(f->context, "form=wishart"), *written;
  refuse_state(s, path, CUTLAB_ERROR_IO, "state.npz");
  written = start_with(f->context, "form=wishart");
  step(written, 3);
  assert_int_equal(cutlab_simulation_write_state(written, path), CUTLAB_OK);
  cutlab_simulation_free(written);
  cutlab_array *arrays;
  int count;
  assert_int_equal(cutlab_npz_read(f->context, &arrays, &count, path, 0), CUTLAB_OK);
  for (int missing = 0; missing < count; ++missing) {
    cutlab_array kept[8];
    memcpy(kept, arrays, (size_t)count * sizeof *kept);
    kept[missing] = kept[count - 1];
    assert_int_equal(cutlab_npz_write(f->context, path, kept, count - 1), CUTLAB_OK);
    refuse_state(s, path, CUTLAB_ERROR_FORMAT, "is missing or of another shape");
  }
  int64_t *header = cutlab_npz_find(arrays, count, "header")->data;
  ++header[0];
  assert_int_equal(cutlab_npz_write(f->context, path, arrays, count), CUTLAB_OK);
  refuse_state(s, path, CUTLAB_ERROR_FORMAT, "state version 2; accepted: 1");
  --header[0], header[1] = -1;
  assert_int_equal(cutlab_npz_write(f->context, path, arrays, count), CUTLAB_OK);
  refuse_state(s, path, CUTLAB_ERROR_FORMAT, "state.npz");
  cutlab_npz_free(arrays, count);
  char *text;
  size_t size;
  assert_int_equal(cutlab_file_read(f->context, &text, &size, path, 0), CUTLAB_OK);
  assert_int_equal(cutlab_file_write(f->context, path, text, size / 2), CUTLAB_OK);
  refuse_state(s, path, CUTLAB_ERROR_FORMAT, "state.npz");
  free(text);
  cutlab_simulation_free(s);
  free(path);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_up, fixture_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_states_continue),
      TEST(test_states_of_others_are_refused),
      TEST(test_states_of_other_data_are_refused),
      TEST(test_damaged_states_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
