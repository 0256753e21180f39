/* Status codes: every call that can fail returns one. In all headers, pointers must not be NULL
   where they do not say that they may; that is not checked everywhere. */
#ifndef CUTLAB_STATUS_H
#define CUTLAB_STATUS_H

#include <cutlab/export.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CUTLAB_STATUS_LIST(X)                                                                      \
  X(CUTLAB_OK, "success")                                                                          \
  X(CUTLAB_ERROR_ARGUMENT, "invalid argument")                                                     \
  X(CUTLAB_ERROR_MEMORY, "out of memory")                                                          \
  X(CUTLAB_ERROR_IO, "input or output failed")                                                     \
  X(CUTLAB_ERROR_FORMAT, "malformed or foreign file")                                              \
  X(CUTLAB_ERROR_NUMERIC, "numerical failure")                                                     \
  X(CUTLAB_ERROR_UNSUPPORTED, "not available")                                                     \
  X(CUTLAB_CANCELLED, "cancelled")

typedef enum cutlab_status {
#define CUTLAB_STATUS_ENUM(name, text) name,
  CUTLAB_STATUS_LIST(CUTLAB_STATUS_ENUM)
#undef CUTLAB_STATUS_ENUM
} cutlab_status;

/* The kind of failure, for where no context has a message (it could not be created). Static
   storage, never NULL. */
CUTLAB_API const char *cutlab_status_text(cutlab_status status);

#ifdef __cplusplus
}
#endif
#endif
