/* Optimisers against worked sequences and PyTorch's, schedules at known points. */
#include <math.h>

#include "fixture.h"
#include "train/optimiser.h"
#include "train/schedule.h"

enum { steps = 5 };
static const float gradients[steps] = {1, .5F, -.25F, 0, 2};

/* The second value sees -2 times the gradient of the first. */
static void check(const float *values, const double *wanted) {
  for (int i = 0; i < 2; ++i)
    if (!(fabs((double)values[i] - wanted[i]) < 2e-7))
      fail_msg("%.8f, wanted %.8f", (double)values[i], wanted[i]);
}

static void run_sgd(const cutlab_sgd *sgd, bool momentum, const double wanted[steps][2]) {
  float values[2] = {1, -.5F}, velocity[2] = {0};
  for (int s = 0; s < steps; ++s) {
    const float g[2] = {gradients[s], -2 * gradients[s]};
    cutlab_sgd_step(values, g, momentum ? velocity : NULL, 2, sgd, 1);
    check(values, wanted[s]);
  }
}

/* By hand: g = 1 + .1 1 = 1.1, v = 1.1, 1 - .1 1.1 = .89; g = .5 + .089, v = .55 + .589 = 1.139,
   .89 - .1139 = .7761. The rest is torch.optim.SGD(lr=.1, momentum=.5, weight_decay=.1). */
static void momentum_follows_the_worked_sequence(void **state) {
  (void)state;
  static const double wanted[steps][2] = {{.89, -.295},
                                          {.7761, -.08955},
                                          {.736389, -.0359295},
                                          {.7091696, -.0087599},
                                          {.4884682, .4049124}};
  run_sgd(&(cutlab_sgd){.1F, .5F, .1F, false}, true, wanted);
}

/* By hand: g + .5 v = 1.1 + .55, 1 - .165 = .835; g = .5835, v = 1.1335, .835 - .1 1.15025. */
static void nesterov_follows_the_worked_sequence(void **state) {
  (void)state;
  static const double wanted[steps][2] = {{.835, -.1925},
                                          {.719975, .0116375},
                                          {.7183379, -.0124308},
                                          {.6978441, .0007797},
                                          {.3807213, .6073111}};
  run_sgd(&(cutlab_sgd){.1F, .5F, .1F, true}, true, wanted);
}

static void plain_descent_needs_no_velocity(void **state) {
  (void)state;
  static const double wanted[steps][2] = {{.89, -.295},
                                          {.8311, -.19205},
                                          {.847789, -.2401295},
                                          {.8393111, -.2377282},
                                          {.630918, .1646491}};
  run_sgd(&(cutlab_sgd){.1F, 0, .1F, false}, false, wanted);
}

/* By hand, first step: m = .1, s = .01, both 1 when corrected: .95 - .1 / (1 + .001). The rest is
   torch.optim.AdamW(lr=.1, betas=(.9, .99), eps=1e-3, weight_decay=.5). */
static void adamw_follows_the_worked_sequence(void **state) {
  (void)state;
  static const double wanted[steps][2] = {{.8500999, -.3750499},
                                          {.7143682, -.2630117},
                                          {.6221862, -.1933549},
                                          {.5447311, -.1373007},
                                          {.45116, -.0640691}};
  float values[2] = {1, -.5F}, first[2] = {0}, second[2] = {0};
  for (int s = 0; s < steps; ++s) {
    const float g[2] = {gradients[s], -2 * gradients[s]};
    const cutlab_adamw adamw = {.1, .9, .99, 1e-3, .5, s};
    cutlab_adamw_step(values, g, first, second, 2, &adamw, 1);
    check(values, wanted[s]);
  }
}

static void threads_do_not_change_a_bit(void **state) {
  (void)state;
  enum { count = 200001 };
  float *at[2][4];
  const cutlab_sgd sgd = {.1F, .9F, 1e-3F, true};
  for (int run = 0; run < 2; ++run) {
    for (int a = 0; a < 4; ++a) assert_non_null(at[run][a] = calloc(count, sizeof(float)));
    for (int i = 0; i < count; ++i) at[run][0][i] = sinf((float)i), at[run][1][i] = cosf((float)i);
    for (int s = 0; s < 3; ++s) {
      const cutlab_adamw adamw = {.01, .9, .999, 1e-8, .1, s};
      cutlab_sgd_step(at[run][0], at[run][1], at[run][2], count, &sgd, 1 + 2 * run);
      cutlab_adamw_step(at[run][0], at[run][1], at[run][2], at[run][3], count, &adamw, 1 + 2 * run);
    }
  }
  for (int a = 0; a < 4; ++a) {
    assert_memory_equal(at[0][a], at[1][a], count * sizeof(float));
    free(at[0][a]);
    free(at[1][a]);
  }
}

/* With gradients of 0 only the decay moves a value. */
static void norms_and_biases_do_not_decay_unless_told(void **state) {
  cutlab_context *context = *state;
  cutlab_model *model;
  cutlab_network *network;
  cutlab_training *settings;
  assert_int_equal(cutlab_training_create(context, &settings), CUTLAB_OK);
  settings->optimiser = CUTLAB_SGD;
  settings->momentum = 0;
  settings->weight_decay = .5;
  for (int all = 0; all < 2; ++all) {
    assert_int_equal(
        cutlab_model_create(context, &model, "conv(2) | bn | relu | linear", 1, 4, 4, 3),
        CUTLAB_OK);
    assert_int_equal(cutlab_network_create(context, &network, model, "reference"), CUTLAB_OK);
    cutlab_optimiser optimiser;
    settings->decay_norms = all;
    assert_int_equal(cutlab_optimiser_open(context, &optimiser, settings, network), CUTLAB_OK);
    for (int t = 0; t < cutlab_model_tensors(model); ++t) cutlab_network_values(network, t)[0] = 1;
    cutlab_optimiser_step(context, &optimiser, .1, 0);
    for (int t = 0; t < cutlab_model_tensors(model); ++t) {
      const cutlab_model_tensor *tensor = cutlab_model_tensor_at(model, t);
      bool decays = tensor->trained && (all || tensor->role == CUTLAB_WEIGHT);
      assert_float_equal(cutlab_network_values(network, t)[0], decays ? .95 : 1, 1e-6);
    }
    cutlab_optimiser_clear(&optimiser);
    cutlab_network_free(network);
    cutlab_model_free(model);
  }
  cutlab_training_free(settings);
}

/* 10 epochs of 10 steps, learning rate 1. */
static struct cutlab_training *schedule(cutlab_schedule_kind kind, double warmup) {
  struct cutlab_training *s = calloc(1, sizeof *s);
  assert_non_null(s);
  s->epochs = 10;
  s->learning_rate = 1;
  s->schedule = kind;
  s->warmup = warmup;
  s->final_rate = .1;
  s->step_count = 2;
  s->step_epochs[0] = 5;
  s->step_epochs[1] = 7.5;
  s->step_factor = .2;
  return s;
}

typedef struct point {
  int64_t step;
  double rate;
} point;

static void check_points(cutlab_schedule_kind kind, double warmup, const point *points, int count) {
  struct cutlab_training *s = schedule(kind, warmup);
  for (int i = 0; i < count; ++i) {
    double rate = cutlab_schedule_rate(s, 10, points[i].step);
    if (!(fabs(rate - points[i].rate) < 1e-12))
      fail_msg("step %d: %.15g, wanted %.15g", (int)points[i].step, rate, points[i].rate);
  }
  free(s);
}

#define CHECK(kind, warmup, ...)                                                                   \
  check_points(kind, warmup, (const point[]){__VA_ARGS__},                                         \
               sizeof((const point[]){__VA_ARGS__}) / sizeof(point))

static void schedules_pass_known_points(void **state) {
  (void)state;
  CHECK(CUTLAB_SCHEDULE_CONSTANT, 0, {0, 1}, {50, 1}, {99, 1});
  CHECK(CUTLAB_SCHEDULE_CONSTANT, .4, {0, .2}, {1, .4}, {3, .8}, {4, 1}, {99, 1});
  CHECK(CUTLAB_SCHEDULE_STEP, 0, {0, 1}, {49, 1}, {50, .2}, {74, .2}, {75, .04}, {99, .04});
  CHECK(CUTLAB_SCHEDULE_COSINE, 0, {0, 1}, {50, .55}, {100, .1});
  CHECK(CUTLAB_SCHEDULE_COSINE, 2, {0, 1 / 21.}, {19, 20 / 21.}, {20, 1}, {60, .55}, {100, .1});
  /* a quarter down half a cosine: (1 + cos(pi / 4)) / 2 of the way from .1 to 1 */
  CHECK(CUTLAB_SCHEDULE_COSINE, 0, {25, .1 + .9 * (1 + sqrt(.5)) / 2});
}

static void one_cycle_rises_then_falls(void **state) {
  (void)state;
  CHECK(CUTLAB_SCHEDULE_ONE_CYCLE, 0, {0, .04}, {15, .52}, {30, 1}, {65, .55}, {100, .1});
  CHECK(CUTLAB_SCHEDULE_ONE_CYCLE, 2, {0, .04}, {10, .52}, {20, 1}, {60, .55});
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(momentum_follows_the_worked_sequence),
      cmocka_unit_test(nesterov_follows_the_worked_sequence),
      cmocka_unit_test(plain_descent_needs_no_velocity),
      cmocka_unit_test(adamw_follows_the_worked_sequence),
      cmocka_unit_test(threads_do_not_change_a_bit),
      cmocka_unit_test_setup_teardown(norms_and_biases_do_not_decay_unless_told, context_up,
                                      context_down),
      cmocka_unit_test(schedules_pass_known_points),
      cmocka_unit_test(one_cycle_rises_then_falls),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
