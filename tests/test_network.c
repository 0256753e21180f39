/* Networks: gradients against differences, backends against each other, what they depend on. */
#include <cutlab/network.h>

#include <signal.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/base.h"
#include "nn/dropout.h"
#include "vectors.h"

static const char *const backend_names[] = {"reference",
#ifdef CUTLAB_HAVE_ONEDNN
                                            "onednn"
#endif
};
enum { backend_count = sizeof backend_names / sizeof *backend_names };

typedef struct network_case {
  const char *text;
  int64_t channels, height, width, classes;
} network_case;

/* Every operation, kernel and graph, in odd sizes; a convolution before an operation shows the
   gradient by its input. */
static const network_case nets[] = {
    {"linear", 3, 4, 5, 7},
    {"conv(5, stride=2, bias=no) | silu | linear(6) | gelu | linear(bias=no)", 3, 9, 7, 3},
    {"conv(16, kernel=1) | smooth(beta=0.2, r=0.5) | conv(17, kernel=5) | leaky(0.1) | "
     "pool(sum, global) | linear",
     3, 6, 5, 5},
    {"conv(32) | bn | relu | pool(max) | conv(17, kernel=2, stride=3, pad=1) | bn | "
     "pool(mean, size=2, stride=1) | linear",
     1, 11, 13, 10},
    {"conv(16) | relu | pool(max, size=3, stride=2) | conv(16, kernel=1, stride=2) | gelu | linear",
     16, 12, 12, 2},
    {"conv(6, kernel=7, stride=2) | bn | relu | pool(mean, size=3) | conv(5) | silu | linear", 2, 1,
     61, 3},
    {"conv(12, kernel=4, stride=4, pad=0) | smooth | pool(sum, global) | group_sum", 1, 1, 32, 3},
    {"conv(12) | group_sum(4) | bn | silu | pool(max, global) | linear", 3, 5, 5, 2},
    {"conv(8) | bn | dropout(0.3) | relu | conv(8) | dropout(0.5) | linear", 3, 6, 6, 4},
    {"conv(8) | residual(conv(8) | bn | relu | conv(8) | bn) | relu | pool(mean, global) | linear",
     3, 6, 6, 4},
    {"conv(8) | bn | relu | residual(conv(12, stride=2) | bn | relu | conv(12) | bn) | relu | "
     "residual(conv(12) | bn) | relu | pool(mean, global) | linear",
     3, 7, 8, 4},
    {"conv(5) | residual(bn | silu | conv(5)) | residual(bn | silu | conv(5)) | bn | linear", 3, 4,
     5, 3},
    {"conv(5) | residual(residual(conv(5)) | silu) | linear", 3, 4, 5, 3},
    {"conv(5) | residual(residual(conv(5) | silu)) | silu | linear", 3, 4, 5, 3},
    {"conv(5) | residual(silu | residual(conv(5) | residual(silu))) | linear", 3, 4, 5, 3},
    {"conv(5) | residual(residual(conv(5)), shortcut=residual(conv(5) | silu)) | linear", 3, 4, 5,
     3},
    {"conv(5) | residual(conv(5) | residual(silu) | relu, shortcut=residual(gelu)) | relu | linear",
     3, 4, 5, 3},
    {"residual(conv(3) | silu) | residual(conv(3)) | linear", 3, 4, 5, 3},
    {"repeat(3, conv(4) | residual(conv(4) | relu) | bn | relu) | linear", 3, 5, 4, 3},
    /* Norms whose input gradient nobody wants, beside a branch that reads the same one. */
    {"residual(conv(3), shortcut=bn) | pool(mean, global) | linear", 3, 6, 6, 4},
    {"residual(conv(3), shortcut=residual(bn, shortcut=conv(3))) | pool(mean, global) | linear", 3,
     6, 6, 4},
    /* Sums of groups in layouts with blocks of channels. */
    {"conv(64, bias=no) | group_sum(32) | silu | conv(16) | pool(mean, global) | linear", 3, 6, 6,
     4},
    {"conv(24, bias=no) | group_sum(12) | bn | silu | linear", 3, 5, 5, 3},
    {"residual(conv(32, bias=no) | group_sum(16), shortcut=conv(16)) | pool(mean, global) | linear",
     3, 6, 6, 4},
    {"conv(8) | residual(conv(16) | group_sum(8)) | silu | linear", 3, 5, 5, 3},
    /* Widths that fill no block. */
    {"conv(20, bias=no) | bn | silu | pool(max) | conv(24, stride=2) | silu | linear", 3, 9, 8, 3},
};
enum { net_count = sizeof nets / sizeof *nets, batch_most = 5 };

typedef struct net {
  cutlab_model *model;
  cutlab_network *network;
  float *input, *labels, *logits; /* [batch_most] inputs */
  double loss;
  int64_t count;
} net;

static void assert_done(const cutlab_context *context, const char *text, cutlab_status status) {
  if (status != CUTLAB_OK) fail_msg("%s: %s", text, cutlab_context_message(context));
}

/* Values that are not those of the start: scales around 1, every bias and statistic at work. */
static void set_values(net *n) {
  cutlab_network_initialise(n->network, CUTLAB_HE, 1, 11);
  for (int i = 0; i < cutlab_model_tensors(n->model); ++i) {
    const cutlab_model_tensor *tensor = cutlab_model_tensor_at(n->model, i);
    float *values = cutlab_network_values(n->network, i);
    if (tensor->role == CUTLAB_WEIGHT) continue;
    for (int64_t k = 0; k < tensor->count; ++k)
      values[k] += 0.2F * (float)fmin(fabs(drawn(60 + (uint64_t)i, k)), 3);
  }
}

static void net_open(cutlab_context *context, net *n, const network_case *row, const char *backend,
                     int64_t count) {
  const int64_t size = row->channels * row->height * row->width;
  *n = (net){.count = count};
  assert_done(context, row->text,
              cutlab_model_create(context, &n->model, row->text, row->channels, row->height,
                                  row->width, row->classes));
  assert_done(context, row->text, cutlab_network_create(context, &n->network, n->model, backend));
  n->input = cutlab_allocate(context, count * size, sizeof(float));
  n->labels = cutlab_allocate(context, count * row->classes, sizeof(float));
  n->logits = cutlab_allocate(context, count * row->classes, sizeof(float));
  assert_true(n->input && n->labels && n->logits);
  fill(n->input, count * size, 51);
  for (int64_t i = 0; i < count; ++i) {
    n->labels[i * row->classes + i % row->classes] += 0.7F;
    n->labels[i * row->classes + row->classes - 1] += 0.3F;
  }
  set_values(n);
}

static void net_close(net *n) {
  cutlab_network_free(n->network);
  cutlab_model_free(n->model);
  free(n->input);
  free(n->labels);
  free(n->logits);
}

static void net_gradient(cutlab_context *context, net *n) {
  assert_done(context, cutlab_model_text(n->model),
              cutlab_network_gradient(context, n->network, &n->loss, n->logits, n->input, n->labels,
                                      n->count, 1, 2));
}

static double loss_along(cutlab_context *context, net *n, float *values, const float *start,
                         const double *direction, int64_t count, double step) {
  for (int64_t i = 0; i < count; ++i) values[i] = (float)(start[i] + step * direction[i]);
  net_gradient(context, n);
  return n->loss;
}

/* The derivative of the loss along the gradient of tensor `index` and along a random direction. */
static void check_tensor(cutlab_context *context, net *n, int index) {
  const cutlab_model_tensor *tensor = cutlab_model_tensor_at(n->model, index);
  const int64_t count = tensor->count;
  float *values = cutlab_network_values(n->network, index);
  float *start = cutlab_allocate(context, 2 * count, sizeof *start), *gradient = start + count;
  double *direction = cutlab_allocate(context, count, sizeof *direction);
  assert_true(start && direction);
  memcpy(start, values, (size_t)count * sizeof *start);
  net_gradient(context, n);
  memcpy(gradient, cutlab_network_gradients(n->network, index), (size_t)count * sizeof *start);
  const double allowed = 1e-2 * norm_of(gradient, count) + 1e-3;
  for (int random = 0; random < 2; ++random) {
    double expected = 0, length = 0;
    for (int64_t i = 0; i < count; ++i) {
      direction[i] = random ? drawn(70, i) : gradient[i];
      length += direction[i] * direction[i];
    }
    for (int64_t i = 0; i < count; ++i) {
      direction[i] /= sqrt(length) + 1e-30;
      expected += direction[i] * gradient[i];
    }
    double found = INFINITY; /* a kink inside one step is not inside a smaller one */
    for (double step = 0x1p-8; step > 0x1p-13 && !(fabs(found - expected) <= allowed); step /= 4)
      found = (loss_along(context, n, values, start, direction, count, step) -
               loss_along(context, n, values, start, direction, count, -step)) /
              (2 * step);
    memcpy(values, start, (size_t)count * sizeof *start);
    if (!(fabs(found - expected) <= allowed))
      fail_msg("%s: %s: derivative is %g, differences say %g", cutlab_model_text(n->model),
               tensor->name, expected, found);
  }
  free(start);
  free(direction);
}

static void test_network_differences(void **state) {
  for (int i = 0; i < net_count; ++i) {
    net n;
    net_open(*state, &n, &nets[i], "reference", batch_most);
    for (int k = 0; k < cutlab_model_tensors(n.model); ++k) {
      assert_int_equal(cutlab_model_tensor_at(n.model, k)->trained,
                       cutlab_network_gradients(n.network, k) != NULL);
      if (cutlab_network_gradients(n.network, k)) check_tensor(*state, &n, k);
    }
    net_close(&n);
  }
}

/* Logits, loss, gradients and running statistics of two networks after a step. */
static void compare(net *a, net *b, const char *text) {
  const int64_t logits = b->count * cutlab_model_classes(b->model);
  double all = 0;
  assert_near(a->logits, b->logits, logits, 1e-4, 1e-6, text);
  assert_close(a->loss, b->loss, 1e-5);
  for (int i = 0; i < cutlab_model_tensors(b->model); ++i)
    if (cutlab_network_gradients(b->network, i))
      all += norm_of(cutlab_network_gradients(b->network, i),
                     cutlab_model_tensor_at(b->model, i)->count);
  for (int i = 0; i < cutlab_model_tensors(b->model); ++i) {
    const cutlab_model_tensor *tensor = cutlab_model_tensor_at(b->model, i);
    char what[1024];
    (void)snprintf(what, sizeof what, "%s: %s, batch of %d", text, tensor->name, (int)b->count);
    if (tensor->trained)
      assert_near(cutlab_network_gradients(a->network, i), cutlab_network_gradients(b->network, i),
                  tensor->count, 1e-4, 1e-6 * all, what);
    else
      assert_near(cutlab_network_values(a->network, i), cutlab_network_values(b->network, i),
                  tensor->count, 1e-5, 1e-6, what);
  }
}

/* Every backend against the reference: evaluation, then two steps, with a batch of another size
   in between. */
static void test_backends_agree(void **state) {
  const int64_t counts[] = {1, batch_most};
  for (int b = 1; b < backend_count; ++b)
    for (int i = 0; i < net_count; ++i)
      for (int c = 0; c < 2; ++c) {
        net expected, found;
        net_open(*state, &expected, &nets[i], "reference", counts[c]);
        net_open(*state, &found, &nets[i], backend_names[b], counts[c]);
        for (int64_t step = 0; step < 2; ++step) {
          net *both[] = {&expected, &found};
          for (int k = 0; k < 2; ++k)
            assert_done(*state, nets[i].text,
                        cutlab_network_evaluate(*state, both[k]->network, both[k]->logits,
                                                both[k]->input, c && step ? 3 : counts[c]));
          assert_near(found.logits, expected.logits, (c && step ? 3 : counts[c]) * nets[i].classes,
                      1e-4, 1e-6, nets[i].text);
          net_gradient(*state, &expected);
          net_gradient(*state, &found);
          compare(&found, &expected, nets[i].text);
        }
        net_close(&expected);
        net_close(&found);
      }
}

/* The reference network has the same bits for any number of threads. */
static void test_network_threads(void **state) {
  for (int i = 0; i < net_count; ++i) {
    net one, two;
    net_open(*state, &one, &nets[i], "reference", batch_most);
    net_open(*state, &two, &nets[i], "reference", batch_most);
    net_gradient(*state, &one);
    assert_int_equal(cutlab_context_set_threads(*state, 2), CUTLAB_OK);
    net_gradient(*state, &two);
    assert_int_equal(cutlab_context_set_threads(*state, 1), CUTLAB_OK);
    assert_memory_equal(one.logits, two.logits, (size_t)(batch_most * nets[i].classes) * 4);
    for (int k = 0; k < cutlab_model_tensors(one.model); ++k)
      if (cutlab_network_gradients(one.network, k))
        assert_memory_equal(cutlab_network_gradients(one.network, k),
                            cutlab_network_gradients(two.network, k),
                            (size_t)cutlab_model_tensor_at(one.model, k)->count * 4);
    net_close(&one);
    net_close(&two);
  }
}

/* Dropout before a layer of weights 1 on the diagonal: logits are the mask, whatever the backend;
   steps differ, evaluation has none. */
static void test_network_dropout(void **state) {
  enum { features = 35 };
  const network_case row = {"dropout(0.6) | linear(bias=no)", 5, 1, 7, features};
  uint8_t mask[2][batch_most * features];
  for (int k = 0; k < 2; ++k) cutlab_dropout_mask(mask[k], sizeof *mask, 0.6, 1, 2 + k, 1);
  assert_memory_not_equal(mask[0], mask[1], sizeof *mask);
  for (int b = 0; b < backend_count; ++b) {
    net n;
    net_open(*state, &n, &row, backend_names[b], batch_most);
    float *weights = cutlab_network_values(n.network, 0);
    for (int i = 0; i < features * features; ++i) weights[i] = i % (features + 1) == 0;
    for (int k = 0; k < 2; ++k) {
      assert_done(*state, row.text,
                  cutlab_network_gradient(*state, n.network, &n.loss, n.logits, n.input, n.labels,
                                          n.count, 1, 2 + k));
      for (int i = 0; i < batch_most * features; ++i)
        assert_close(n.logits[i], mask[k][i] ? n.input[i] / 0.4F : 0, 1e-5);
    }
    assert_done(*state, row.text,
                cutlab_network_evaluate(*state, n.network, n.logits, n.input, n.count));
    for (int i = 0; i < batch_most * features; ++i) assert_close(n.logits[i], n.input[i], 1e-6);
    net_close(&n);
  }
}

/* Evaluation normalises by the running statistics; with momentum 1 those are the last batch's. */
static void test_network_evaluation(void **state) {
  const network_case row = {"bn(momentum=1, epsilon=0.001) | linear(bias=no)", 2, 1, 1, 2};
  for (int b = 0; b < backend_count; ++b) {
    net n;
    net_open(*state, &n, &row, backend_names[b], batch_most);
    net_gradient(*state, &n);
    const float *scale = cutlab_network_values(n.network, 0);
    const float *shift = cutlab_network_values(n.network, 1);
    float *weights = cutlab_network_values(n.network, 4);
    for (int i = 0; i < 4; ++i) weights[i] = i % 3 == 0;
    assert_done(*state, row.text,
                cutlab_network_evaluate(*state, n.network, n.logits, n.input, n.count));
    for (int c = 0; c < 2; ++c) {
      double mean = 0, variance = 0;
      for (int i = 0; i < batch_most; ++i) mean += n.input[2 * i + c] / (double)batch_most;
      for (int i = 0; i < batch_most; ++i)
        variance += pow(n.input[2 * i + c] - mean, 2) / (batch_most - 1);
      for (int i = 0; i < batch_most; ++i)
        assert_close(n.logits[2 * i + c],
                     (n.input[2 * i + c] - mean) / sqrt(variance + 0.001) * scale[c] + shift[c],
                     1e-5);
    }
    net_close(&n);
  }
}

static volatile sig_atomic_t alarms;

static void on_alarm(int number) {
  volatile char used[1024]; /* of the stack that it finds */
  for (size_t i = 0; i < sizeof used; ++i) used[i] = (char)number;
  ++alarms;
}

/* A host's handlers may run at any time: not while the stack pointer is something else. */
static void test_signals(void **state) {
  const network_case row = {"linear(512) | relu | linear(512) | relu | linear", 1, 28, 28, 10};
  const struct sigaction handled = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
  struct sigaction before;
  net n;
  net_open(*state, &n, &row, backend_names[backend_count - 1], 128);
  net_gradient(*state, &n);
  double loss = n.loss;
  assert_int_equal(sigaction(SIGALRM, &handled, &before), 0);
  const struct itimerval often = {{0, 200}, {0, 200}}, never = {{0, 0}, {0, 0}};
  assert_int_equal(setitimer(ITIMER_REAL, &often, NULL), 0);
  for (int step = 0; step < 100; ++step) {
    net_gradient(*state, &n);
    assert_true(n.loss == loss);
    assert_done(*state, row.text,
                cutlab_network_evaluate(*state, n.network, n.logits, n.input, n.count));
  }
  setitimer(ITIMER_REAL, &never, NULL);
  sigaction(SIGALRM, &before, NULL);
  assert_true(alarms > 0);
  net_close(&n);
}

static bool computes_as(cutlab_context *context, net *n, float loss) {
  cutlab_status status = cutlab_network_gradient(context, n->network, &n->loss, n->logits, n->input,
                                                 n->labels, n->count, 1, 2);
  return status == CUTLAB_OK && fabs(n->loss - loss) < 1e-4 * loss;
}

/* In a fork: with the parent's context and network, and with its own. What failed, 0: nothing. */
static int compute_in_a_fork(cutlab_context *context, net *n, const network_case *row,
                             const char *backend) {
  const float loss = (float)n->loss;
  cutlab_context *own;
  if (cutlab_context_threads(context) != 1) return 1;
  if (!computes_as(context, n, loss)) return 2;
  if (cutlab_context_create(&own) != CUTLAB_OK) return 3;
  if (cutlab_context_set_threads(own, 2) != CUTLAB_ERROR_ARGUMENT) return 4;
  if (!strstr(cutlab_context_message(own), "fork")) return 5;
  if (cutlab_context_set_threads(own, 1) != CUTLAB_OK) return 6;
  net_open(own, n, row, backend, n->count);
  return computes_as(own, n, loss) ? 0 : 7;
}

/* The status that the process ended with; killed, if it takes too long: held signals do not. */
static int end_of(pid_t process) {
  int status = 0, ended = 0;
  for (int i = 0; i < 3000 && !ended; ++i) {
    ended = waitpid(process, &status, WNOHANG);
    usleep(10000);
  }
  if (ended) return status;
  kill(process, SIGKILL);
  waitpid(process, &status, 0);
  return status;
}

/* OpenMP's threads of the parent are not in a fork. */
static void test_network_fork(void **state) {
  const network_case *row = &nets[3];
  assert_int_equal(cutlab_context_set_threads(*state, 2), CUTLAB_OK);
  for (int b = 0; b < backend_count; ++b) {
    net n;
    net_open(*state, &n, row, backend_names[b], 64);
    net_gradient(*state, &n);
    pid_t child = fork();
    if (child == 0) _exit(compute_in_a_fork(*state, &n, row, backend_names[b]));
    assert_int_equal(end_of(child), 0);
    assert_int_equal(cutlab_context_threads(*state), 2);
    net_close(&n);
  }
  assert_int_equal(cutlab_context_set_threads(*state, 1), CUTLAB_OK);
}

static void test_network_errors(void **state) {
  net n;
  cutlab_network *none = NULL;
  net_open(*state, &n, &nets[2], "auto", 1);
  assert_int_equal(cutlab_network_create(*state, &none, n.model, "abacus"), CUTLAB_ERROR_ARGUMENT);
  assert_message(*state, "abacus");
  assert_null(none);
  assert_int_equal(cutlab_network_evaluate(*state, n.network, n.logits, n.input, 0),
                   CUTLAB_ERROR_ARGUMENT);
  assert_message(*state, "0");
  assert_null(cutlab_network_values(n.network, -1));
  assert_null(cutlab_network_values(n.network, cutlab_model_tensors(n.model)));
  size_t evaluation = 0, training = 0;
  assert_done(*state, "memory", cutlab_network_memory(*state, n.network, &evaluation, 64, false));
  assert_done(*state, "memory", cutlab_network_memory(*state, n.network, &training, 64, true));
  assert_true(evaluation > 0 && training > evaluation);
  net_close(&n);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_network_differences), cmocka_unit_test(test_backends_agree),
      cmocka_unit_test(test_network_threads),     cmocka_unit_test(test_network_fork),
      cmocka_unit_test(test_network_dropout),     cmocka_unit_test(test_network_evaluation),
      cmocka_unit_test(test_network_errors),      cmocka_unit_test(test_signals),
  };
  return cmocka_run_group_tests(tests, context_up, context_down);
}
