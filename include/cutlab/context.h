/* The context: error message, thread count, progress and cancellation, kernels.
   One context is used by one thread at a time; make one per thread. */
#ifndef CUTLAB_CONTEXT_H
#define CUTLAB_CONTEXT_H

#include <stdint.h>

#include <cutlab/export.h>
#include <cutlab/status.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cutlab_context cutlab_context;

/* What a long computation reports. `total` is 0 where it is not known. */
typedef struct cutlab_progress {
  const char *what; /* e.g. "cutmix seed 3"; valid during the call */
  int64_t done, total;
} cutlab_progress;

/* Called from time to time, always on the calling thread. Non-zero cancels: the
   computation stops in a consistent state and returns CUTLAB_CANCELLED. In C++ no exception may
   leave it, nor a receiver of warnings. */
typedef int (*cutlab_progress_fn)(void *user, const cutlab_progress *progress);

/* A receiver of one-line warnings (no newline); without one they are dropped. */
typedef void (*cutlab_warning_fn)(void *user, const char *message);

/* Instruction sets with kernels of their own. AUTO is the best that this CPU has. */
typedef enum cutlab_isa {
  CUTLAB_ISA_AUTO,
  CUTLAB_ISA_PORTABLE,
  CUTLAB_ISA_AVX2,
  CUTLAB_ISA_AVX512
} cutlab_isa;

/* Creates a context with one thread and the best kernels of this CPU.
   Returns CUTLAB_ERROR_MEMORY on failure. Release with cutlab_context_free. */
CUTLAB_API cutlab_status cutlab_context_create(cutlab_context **context);
CUTLAB_API void cutlab_context_free(cutlab_context *context);

/* The last error, one line that names the offending value and what is accepted;
   "" if none. It stands alone, without cutlab_status_text. Owned by the context, valid
   until its next call. */
CUTLAB_API const char *cutlab_context_message(const cutlab_context *context);

/* Joins the other processes of an MPI job (mpirun, srun), so that sweeps and trainings are divided
   among them: all of them then make the same calls, and rank 0 writes. Alone, where the
   environment tells of no others, nothing is loaded. CUTLAB_ERROR_UNSUPPORTED where this process
   is one of several and CutLab was built without MPI. One context of a process joins; it leaves
   when it is freed, which waits for the others. docs/clusters.md says more. */
CUTLAB_API cutlab_status cutlab_context_join_ranks(cutlab_context *context);
/* This process's place in its job; before joining, as the environment tells. Alone: 0 of 1. */
CUTLAB_API int cutlab_context_rank(const cutlab_context *context);
CUTLAB_API int cutlab_context_rank_count(const cutlab_context *context);

/* Threads to compute with, 1..1024; 0 means one per available core (ranks that share cores divide
   them). Results do not depend on it, except for the last bits of what oneDNN computes of
   networks. In a process made by fork, after its parent created a context, only 1 is accepted and
   every context has 1: OpenMP's threads stay with the parent. */
CUTLAB_API cutlab_status cutlab_context_set_threads(cutlab_context *context, int threads);
CUTLAB_API int cutlab_context_threads(const cutlab_context *context);

/* Kernels to compute with; CUTLAB_ERROR_UNSUPPORTED where this CPU lacks them. */
CUTLAB_API cutlab_status cutlab_context_set_isa(cutlab_context *context, cutlab_isa isa);
/* "portable", "avx2" or "avx512". */
CUTLAB_API const char *cutlab_context_isa_name(const cutlab_context *context);

CUTLAB_API void cutlab_context_set_progress(cutlab_context *context, cutlab_progress_fn report,
                                            void *user);
CUTLAB_API void cutlab_context_set_warning(cutlab_context *context, cutlab_warning_fn warn,
                                           void *user);

/* Releases a string or buffer that the library returned. Accepts NULL. */
CUTLAB_API void cutlab_free(void *memory);

#ifdef __cplusplus
}
#endif
#endif
