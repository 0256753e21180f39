/* Several processes as one. The program is a test alone, and again as each rank of a job:
   test_ranks.sh starts it so. */
#include "fixture.h"

#include <time.h>

#include "base/ranks.h"

static const char *const job_variables[] = {
    "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK", "PMI_SIZE",     "PMI_RANK",
    "SLURM_STEP_NUM_TASKS", "SLURM_PROCID",         "SLURM_NTASKS", "CUTLAB_ALONE",
    "CUTLAB_MPI_MODULE"};

static void clear_environment(void) {
  for (size_t i = 0; i < sizeof job_variables / sizeof *job_variables; ++i)
    unsetenv(job_variables[i]);
}

static void assert_job(int rank, int count) {
  cutlab_job job = cutlab_job_of_environment();
  assert_int_equal(job.rank, rank);
  assert_int_equal(job.count, count);
}

static void test_environment(void **state) {
  (void)state;
  clear_environment();
  assert_job(0, 1);
  setenv("SLURM_NTASKS", "8", 1); /* the script of a batch job is one process */
  setenv("SLURM_PROCID", "0", 1);
  assert_job(0, 1);
  setenv("SLURM_STEP_NUM_TASKS", "8", 1);
  setenv("SLURM_PROCID", "5", 1);
  assert_job(5, 8);
  setenv("PMI_SIZE", "4", 1);
  setenv("PMI_RANK", "3", 1);
  assert_job(3, 4);
  setenv("OMPI_COMM_WORLD_SIZE", "2", 1);
  setenv("OMPI_COMM_WORLD_RANK", "1", 1);
  assert_job(1, 2);
  setenv("OMPI_COMM_WORLD_RANK", "2", 1); /* nonsense: the next ones */
  assert_job(3, 4);
  setenv("CUTLAB_ALONE", "1", 1);
  assert_job(0, 1);
  clear_environment();
}

/* What would be two processes in one folder is refused. */
static void test_no_module(void **state) {
  cutlab_context *context = *state;
  clear_environment();
  setenv("OMPI_COMM_WORLD_SIZE", "2", 1);
  setenv("OMPI_COMM_WORLD_RANK", "1", 1);
  setenv("CUTLAB_MPI_MODULE", "/nowhere/module.so", 1);
  assert_int_equal(cutlab_context_join_ranks(context), CUTLAB_ERROR_UNSUPPORTED);
  assert_message(context, "this job has 2 processes, but /nowhere/module.so cannot be loaded");
  assert_int_equal(cutlab_context_rank(context), 1);
  assert_int_equal(cutlab_context_rank_count(context), 2);
  setenv("CUTLAB_MPI_MODULE", "libm.so.6", 1);
  assert_int_equal(cutlab_context_join_ranks(context), CUTLAB_ERROR_UNSUPPORTED);
  assert_message(context, "cutlab_ranks_join");
  clear_environment();
}

static void test_alone(void **state) {
  cutlab_context *context = *state;
  double values[] = {1.5, -2};
  clear_environment();
  assert_int_equal(cutlab_context_join_ranks(context), CUTLAB_OK);
  assert_null(cutlab_context_ranks(context));
  assert_int_equal(cutlab_context_rank(context), 0);
  assert_int_equal(cutlab_context_rank_count(context), 1);
  cutlab_sum_over_ranks(context, values, 2);
  cutlab_largest_over_ranks(context, values, 2);
  assert_true(values[0] == 1.5 && values[1] == -2);
  assert_int_equal(cutlab_agree_over_ranks(context, CUTLAB_OK), CUTLAB_OK);
  cutlab_fail(context, CUTLAB_ERROR_IO, "mine");
  assert_int_equal(cutlab_agree_over_ranks(context, CUTLAB_ERROR_IO), CUTLAB_ERROR_IO);
  assert_message(context, "mine");
}

static int join_up(void **state) {
  cutlab_context *context;
  if (cutlab_context_create(&context) != CUTLAB_OK) return 1;
  *state = context;
  if (cutlab_context_join_ranks(context) == CUTLAB_OK) return 0;
  print_error("%s\n", cutlab_context_message(context));
  return 1;
}

static void test_joined(void **state) {
  cutlab_job job = cutlab_job_of_environment();
  assert_non_null(cutlab_context_ranks(*state));
  assert_int_equal(cutlab_context_rank(*state), job.rank);
  assert_int_equal(cutlab_context_rank_count(*state), job.count);
  assert_int_equal(cutlab_context_set_threads(*state, 0), CUTLAB_OK);
  assert_in_range(cutlab_context_threads(*state), 1, 1024);
  assert_int_equal(cutlab_context_join_ranks(*state), CUTLAB_OK); /* already */
}

static void test_sums(void **state) {
  const cutlab_ranks *ranks = cutlab_context_ranks(*state);
  enum { count = 5000 };
  static double values[count], first[count];
  int n = ranks->count;
  for (int i = 0; i < count; ++i) values[i] = ranks->rank + i;
  cutlab_sum_over_ranks(*state, values, count);
  for (int i = 0; i < count; ++i) assert_true(values[i] == n * (n - 1) / 2. + (double)n * i);
  for (int i = 0; i < count; ++i) values[i] = 1 / (1. + i + 3 * ranks->rank);
  cutlab_sum_over_ranks(*state, values, count);
  memcpy(first, values, sizeof first);
  ranks->broadcast(ranks, first, sizeof first, 0);
  assert_memory_equal(first, values, sizeof first);
}

static void test_largest(void **state) {
  const cutlab_ranks *ranks = cutlab_context_ranks(*state);
  double values[] = {ranks->rank, -ranks->rank};
  cutlab_largest_over_ranks(*state, values, 2);
  assert_true(values[0] == ranks->count - 1 && values[1] == 0);
}

static void test_broadcast(void **state) {
  const cutlab_ranks *ranks = cutlab_context_ranks(*state);
  for (int from = 0; from < ranks->count; ++from) {
    int64_t word = ranks->rank == from ? 1000 + from : 0;
    ranks->broadcast(ranks, &word, sizeof word, from);
    assert_int_equal(word, 1000 + from);
  }
}

static int64_t wait_for(const cutlab_ranks *ranks, int *from, void *bytes, int64_t capacity) {
  for (;;) {
    int64_t size = ranks->receive(ranks, from, bytes, capacity);
    if (size) return size;
    nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
  }
}

/* Each tells rank 0 something long and is told something short. */
static void test_messages(void **state) {
  const cutlab_ranks *ranks = cutlab_context_ranks(*state);
  enum { size = 300000 };
  static char bytes[size];
  int from = -1;
  if (ranks->rank > 0) {
    memset(bytes, ranks->rank, size);
    assert_true(ranks->send(ranks, 0, bytes, size - ranks->rank));
    assert_int_equal(wait_for(ranks, &from, bytes, size), 1);
    assert_int_equal(from, 0);
    assert_int_equal(bytes[0], 2 * ranks->rank);
    return;
  }
  for (int i = 1; i < ranks->count; ++i) {
    int64_t got = wait_for(ranks, &from, bytes, size);
    assert_in_range(from, 1, ranks->count - 1);
    assert_int_equal(got, size - from);
    for (int64_t b = 0; b < got; ++b) assert_int_equal(bytes[b], from);
    char answer = (char)(2 * from);
    assert_true(ranks->send(ranks, from, &answer, 1));
  }
  assert_int_equal(ranks->receive(ranks, &from, bytes, size), 0);
}

static void test_agreement(void **state) {
  cutlab_context *context = *state;
  int rank = cutlab_context_rank(context), last = cutlab_context_rank_count(context) - 1;
  assert_int_equal(cutlab_agree_over_ranks(context, CUTLAB_OK), CUTLAB_OK);
  cutlab_status own = rank == last ? CUTLAB_ERROR_IO : CUTLAB_OK;
  if (rank == last) cutlab_fail(context, own, "disk of rank %d", rank);
  assert_int_equal(cutlab_agree_over_ranks(context, own), CUTLAB_ERROR_IO);
  char text[32];
  snprintf(text, sizeof text, "disk of rank %d", last);
  assert_message(context, text);
  cutlab_fail(context, CUTLAB_ERROR_NUMERIC, "rank %d", rank); /* all: the first one's */
  cutlab_agree_over_ranks(context, CUTLAB_ERROR_NUMERIC);
  assert_message(context, "rank 0");
}

int main(void) {
  const struct CMUnitTest alone[] = {
      cmocka_unit_test(test_environment),
      cmocka_unit_test_setup_teardown(test_no_module, context_up, context_down),
      cmocka_unit_test_setup_teardown(test_alone, context_up, context_down),
  };
  const struct CMUnitTest together[] = {
      cmocka_unit_test(test_joined),   cmocka_unit_test(test_sums),
      cmocka_unit_test(test_largest),  cmocka_unit_test(test_broadcast),
      cmocka_unit_test(test_messages), cmocka_unit_test(test_agreement),
  };
  if (cutlab_job_of_environment().count > 1)
    return cmocka_run_group_tests(together, join_up, context_down);
  return cmocka_run_group_tests(alone, NULL, NULL);
}
