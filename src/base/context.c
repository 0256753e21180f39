/* The context and what every room needs from it. */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/ranks.h"

struct cutlab_context {
  char message[1024];
  int threads;
  const cutlab_kernels *kernels;
  cutlab_progress_fn report;
  void *report_user;
  cutlab_warning_fn warn;
  void *warn_user;
  const cutlab_ranks *ranks; /* NULL: alone */
};

enum { max_threads = 1024 };

/* Of a process, once it is a fork of one that had a context. A fork has one thread; GNU's OpenMP
   would wait in it for those of the parent. */
static bool forked;

static void mark_fork(void) {
  forked = true;
}

static void watch_forks(void) {
  pthread_atfork(NULL, NULL, mark_fork);
}

cutlab_status cutlab_context_create(cutlab_context **context) {
  static pthread_once_t watched = PTHREAD_ONCE_INIT;
  pthread_once(&watched, watch_forks);
  *context = calloc(1, sizeof **context);
  if (!*context) return CUTLAB_ERROR_MEMORY;
  (*context)->threads = 1;
  (*context)->kernels = cutlab_kernels_for(CUTLAB_ISA_AUTO);
  return CUTLAB_OK;
}

cutlab_status cutlab_context_fork(cutlab_context **copy, const cutlab_context *context) {
  CUTLAB_TRY(cutlab_context_create(copy));
  (*copy)->kernels = context->kernels;
  return CUTLAB_OK;
}

void cutlab_context_free(cutlab_context *context) {
  if (context && context->ranks) context->ranks->leave(context->ranks);
  free(context);
}

cutlab_status cutlab_context_join_ranks(cutlab_context *context) {
  return context->ranks ? CUTLAB_OK : cutlab_ranks_join_job(context, &context->ranks);
}

const cutlab_ranks *cutlab_context_ranks(const cutlab_context *context) {
  return context->ranks;
}

int cutlab_context_rank(const cutlab_context *context) {
  return context->ranks ? context->ranks->rank : cutlab_job_of_environment().rank;
}

int cutlab_context_rank_count(const cutlab_context *context) {
  return context->ranks ? context->ranks->count : cutlab_job_of_environment().count;
}

const char *cutlab_context_message(const cutlab_context *context) {
  return context->message;
}

static int available_cores(const cutlab_context *context) {
  cpu_set_t set;
  if (context->ranks) return context->ranks->cores;
  return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
}

cutlab_status cutlab_context_set_threads(cutlab_context *context, int threads) {
  if (threads < 0 || threads > max_threads)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                       "threads is %d; accepted: 1 to %d, or 0 for one per core", threads,
                       max_threads);
  if (forked && threads != 1)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                       "threads is %d; accepted: 1, for this process was made by fork", threads);
  context->threads = threads ? threads : available_cores(context);
  return CUTLAB_OK;
}

int cutlab_context_threads(const cutlab_context *context) {
  return forked ? 1 : context->threads;
}

cutlab_status cutlab_context_set_isa(cutlab_context *context, cutlab_isa isa) {
  const cutlab_kernels *kernels = cutlab_kernels_for(isa);
  if (!kernels)
    return cutlab_fail(context, CUTLAB_ERROR_UNSUPPORTED,
                       "this CPU or this build has no kernels for instruction set %d", (int)isa);
  context->kernels = kernels;
  return CUTLAB_OK;
}

const char *cutlab_context_isa_name(const cutlab_context *context) {
  return context->kernels->name;
}

const cutlab_kernels *cutlab_context_kernels(const cutlab_context *context) {
  return context->kernels;
}

void cutlab_context_set_progress(cutlab_context *context, cutlab_progress_fn report, void *user) {
  context->report = report;
  context->report_user = user;
}

void cutlab_context_set_warning(cutlab_context *context, cutlab_warning_fn warn, void *user) {
  context->warn = warn;
  context->warn_user = user;
}

/* A message is one line whatever a user's file name or value contains. */
static void one_line(char *text) {
  for (; *text; ++text)
    if (*text == '\n' || *text == '\r') *text = ' ';
}

cutlab_status cutlab_fail(cutlab_context *context, cutlab_status status, const char *format, ...) {
  char text[sizeof context->message]; /* arguments may point into the old message */
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  one_line(text);
  memcpy(context->message, text, sizeof text);
  return status;
}

cutlab_status cutlab_fail_from(cutlab_context *context, cutlab_status status,
                               const cutlab_context *source) {
  memcpy(context->message, source->message, sizeof context->message);
  return status;
}

void cutlab_warn(cutlab_context *context, const char *format, ...) {
  if (!context->warn) return;
  char text[sizeof context->message];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  one_line(text);
  context->warn(context->warn_user, text);
}

void *cutlab_allocate(cutlab_context *context, int64_t count, size_t size) {
  double bytes = (double)count * (double)size;
  void *memory = NULL;
  if (bytes < 0x1p62) {
    size_t rounded = ((size_t)count * size + 63) / 64 * 64;
    memory = aligned_alloc(64, rounded ? rounded : 64);
    if (memory) return memset(memory, 0, rounded ? rounded : 64);
  }
  cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory: %.1f MiB asked for", bytes / 0x1p20);
  return NULL;
}

cutlab_status cutlab_report_progress(cutlab_context *context, const char *what, int64_t done,
                                     int64_t total) {
  if (!context->report) return CUTLAB_OK;
  cutlab_progress progress = {what, done, total};
  if (!context->report(context->report_user, &progress)) return CUTLAB_OK;
  return cutlab_fail(context, CUTLAB_CANCELLED, "cancelled: %s at %lld", what, (long long)done);
}

void cutlab_free(void *memory) {
  free(memory);
}
