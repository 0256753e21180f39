/* Shared by all rooms: failing with a message, checked allocation, cancellation. */
#ifndef CUTLAB_BASE_H
#define CUTLAB_BASE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cutlab/context.h>

#include "base/kernels.h"

/* Sets the context's message and returns `status`, so that callers write
   `return cutlab_fail(context, CUTLAB_ERROR_IO, "cannot open %s: %s", ...)`. A message is one
   line: what, where, which value, what is accepted. */
cutlab_status cutlab_fail(cutlab_context *context, cutlab_status status, const char *format, ...)
    CUTLAB_PRINTF(3, 4);
/* Hands a one-line warning to the context's receiver. */
void cutlab_warn(cutlab_context *context, const char *format, ...) CUTLAB_PRINTF(2, 3);
/* Copies the message of one context to another (worker to parent); returns `status`. */
cutlab_status cutlab_fail_from(cutlab_context *context, cutlab_status status,
                               const cutlab_context *source);
/* Zeroed memory for `count` elements of `size` bytes, 64-byte aligned, or NULL with a message
   that says how much was asked for. Release with free. A count of 0 gives a valid pointer. */
void *cutlab_allocate(cutlab_context *context, int64_t count, size_t size);
/* CUTLAB_CANCELLED if the progress callback asks for it, else CUTLAB_OK. */
cutlab_status cutlab_report_progress(cutlab_context *context, const char *what, int64_t done,
                                     int64_t total);
/* A context with the same kernels, one thread, no callbacks. */
cutlab_status cutlab_context_fork(cutlab_context **copy, const cutlab_context *context);
const cutlab_kernels *cutlab_context_kernels(const cutlab_context *context);

#define CUTLAB_TRY(call)                                                                           \
  do {                                                                                             \
    cutlab_status cutlab_try_status = (call);                                                      \
    if (cutlab_try_status != CUTLAB_OK) return cutlab_try_status;                                  \
  } while (0)

#endif
