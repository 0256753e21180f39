/* Kernels for any CPU, in vectors of 16 bytes. */
#define CUTLAB_VECTOR_BYTES 16
#define CUTLAB_KERNEL_TABLE cutlab_kernels_portable
#define CUTLAB_KERNEL_NAME "portable"
#if defined(CUTLAB_HAVE_MVEC) && defined(__x86_64__)
#define CUTLAB_VECTOR_EXP _ZGVbN2v_exp
#define CUTLAB_VECTOR_LOG1P _ZGVbN2v_log1p
#endif

#include "base/kernels_body.h"
