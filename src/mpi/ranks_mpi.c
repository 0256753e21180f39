/* The module: ranks by MPI. It takes no code of the library, so that one module serves its shared
   and its static form. */
#include <mpi.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/ranks.h"

enum { message_tag = 1, longest = 1 << 27 }; /* doubles, or eighths of bytes, in one call */

typedef struct transport {
  cutlab_ranks ranks;
  MPI_Comm together; /* collectives; its errors end the process */
  MPI_Comm messages; /* its errors are returned */
  bool owner;        /* MPI was not running before */
} transport;

static transport *transport_of(const cutlab_ranks *ranks) {
  return ranks->self;
}

/* Until MPI_Wait would return at once. At first as it waits, turning round, and then without
   keeping a core busy that others may need: another rank may have much left to do. */
static void rest(MPI_Request request) {
  const double moment = .001;
  const struct timespec pause = {.tv_nsec = 200000};
  double start = cutlab_seconds();
  for (int done = 0;;) {
    int error = MPI_Request_get_status(request, &done, MPI_STATUS_IGNORE);
    if (done || error != MPI_SUCCESS) return;
    if (cutlab_seconds() - start > moment) nanosleep(&pause, NULL);
  }
}

/* By way of rank 0: an all-reduce may give other last bits on other ranks. */
static void reduce(const cutlab_ranks *ranks, double *values, int64_t count, MPI_Op operation) {
  MPI_Comm together = transport_of(ranks)->together;
  for (int64_t first = 0; first < count; first += longest) {
    int part = (int)(count - first < longest ? count - first : longest);
    const double *from = ranks->rank == 0 ? MPI_IN_PLACE : values + first;
    MPI_Request request;
    MPI_Ireduce(from, values + first, part, MPI_DOUBLE, operation, 0, together, &request);
    rest(request);
    MPI_Wait(&request, MPI_STATUS_IGNORE);
    MPI_Ibcast(values + first, part, MPI_DOUBLE, 0, together, &request);
    rest(request);
    MPI_Wait(&request, MPI_STATUS_IGNORE);
  }
}

static void sum(const cutlab_ranks *ranks, double *values, int64_t count) {
  reduce(ranks, values, count, MPI_SUM);
}

static void largest(const cutlab_ranks *ranks, double *values, int64_t count) {
  reduce(ranks, values, count, MPI_MAX);
}

static void broadcast(const cutlab_ranks *ranks, void *bytes, int64_t size, int from) {
  char *start = bytes;
  for (int64_t first = 0; first < size; first += longest) {
    int part = (int)(size - first < longest ? size - first : longest);
    MPI_Request request;
    MPI_Ibcast(start + first, part, MPI_BYTE, from, transport_of(ranks)->together, &request);
    rest(request);
    MPI_Wait(&request, MPI_STATUS_IGNORE);
  }
}

static bool send_message(const cutlab_ranks *ranks, int to, const void *bytes, int64_t size) {
  MPI_Request request = MPI_REQUEST_NULL;
  int error = MPI_Isend(bytes, (int)size, MPI_BYTE, to, message_tag, transport_of(ranks)->messages,
                        &request);
  rest(request);
  int end = MPI_Wait(&request, MPI_STATUS_IGNORE);
  return error == MPI_SUCCESS && end == MPI_SUCCESS;
}

static int64_t receive_message(const cutlab_ranks *ranks, int *from, void *bytes,
                               int64_t capacity) {
  MPI_Comm messages = transport_of(ranks)->messages;
  MPI_Status status;
  int there = 0, size = 0;
  if (MPI_Iprobe(MPI_ANY_SOURCE, message_tag, messages, &there, &status) != MPI_SUCCESS) return -1;
  if (!there) return 0;
  *from = status.MPI_SOURCE;
  MPI_Get_count(&status, MPI_BYTE, &size);
  if (size > capacity) return -1;
  return MPI_Recv(bytes, size, MPI_BYTE, *from, message_tag, messages, &status) == MPI_SUCCESS
             ? size
             : -1;
}

static void leave(const cutlab_ranks *ranks) {
  transport *t = transport_of(ranks);
  double all = 0;
  largest(ranks, &all, 1); /* a barrier that rests */
  MPI_Comm_free(&t->together);
  MPI_Comm_free(&t->messages);
  if (t->owner) MPI_Finalize();
  free(t);
}

/* The cores that this rank may run on, divided among the ranks of its machine that may run on the
   same ones. */
static int own_cores(MPI_Comm together) {
  MPI_Comm machine;
  int count, same = 0;
  cpu_set_t own, *all;
  MPI_Comm_split_type(together, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &machine);
  MPI_Comm_size(machine, &count);
  CPU_ZERO(&own);
  sched_getaffinity(0, sizeof own, &own);
  all = calloc((size_t)count, sizeof *all);
  int there = all != NULL, everywhere;
  MPI_Allreduce(&there, &everywhere, 1, MPI_INT, MPI_MIN, machine);
  if (everywhere) MPI_Allgather(&own, sizeof own, MPI_BYTE, all, sizeof own, MPI_BYTE, machine);
  for (int i = 0; everywhere && all && i < count; ++i) same += CPU_EQUAL(&own, &all[i]) != 0;
  free(all);
  MPI_Comm_free(&machine);
  int cores = CPU_COUNT(&own) / (same > 0 ? same : 1);
  return cores > 0 ? cores : 1;
}

static bool start_mpi(transport *t, char *message, int64_t size) {
  int running, over, level;
  MPI_Initialized(&running);
  MPI_Finalized(&over);
  if (over) {
    snprintf(message, (size_t)size, "this process has left its MPI job before");
    return false;
  }
  t->owner = !running;
  if (running)
    MPI_Query_thread(&level);
  else
    MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &level);
  if (level >= MPI_THREAD_FUNNELED) return true;
  snprintf(message, (size_t)size, "this MPI does not go with threads (level %d of %d)", level,
           MPI_THREAD_FUNNELED);
  if (t->owner) MPI_Finalize();
  return false;
}

CUTLAB_API const cutlab_ranks *cutlab_ranks_join(char *message, int64_t size);

const cutlab_ranks *cutlab_ranks_join(char *message, int64_t size) {
  transport *t = calloc(1, sizeof *t);
  if (!t) {
    snprintf(message, (size_t)size, "out of memory");
    return NULL;
  }
  if (!start_mpi(t, message, size)) {
    free(t);
    return NULL;
  }
  MPI_Comm_dup(MPI_COMM_WORLD, &t->together);
  MPI_Comm_dup(MPI_COMM_WORLD, &t->messages);
  MPI_Comm_set_errhandler(t->together, MPI_ERRORS_ARE_FATAL);
  MPI_Comm_set_errhandler(t->messages, MPI_ERRORS_RETURN);
  t->ranks = (cutlab_ranks){.version = cutlab_ranks_version,
                            .self = t,
                            .sum = sum,
                            .largest = largest,
                            .broadcast = broadcast,
                            .send = send_message,
                            .receive = receive_message,
                            .leave = leave};
  MPI_Comm_rank(t->together, &t->ranks.rank);
  MPI_Comm_size(t->together, &t->ranks.count);
  t->ranks.cores = own_cores(t->together);
  return &t->ranks;
}
