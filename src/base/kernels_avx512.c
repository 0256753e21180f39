/* Kernels for AVX-512 (F, DQ, VL). */
#ifdef CUTLAB_X86_KERNELS
#include <immintrin.h>

#define CUTLAB_VECTOR_BYTES 64
#define CUTLAB_KERNEL_TABLE cutlab_kernels_avx512
#define CUTLAB_KERNEL_NAME "avx512"
#define CUTLAB_VECTOR_PRODUCT(x, y) ((bits)_mm512_mul_epu32((__m512i)(x), (__m512i)(y)))
#ifdef CUTLAB_HAVE_MVEC
#define CUTLAB_VECTOR_EXP _ZGVeN8v_exp
#define CUTLAB_VECTOR_LOG1P _ZGVeN8v_log1p
#endif

#include "base/kernels_body.h"
#else
typedef int cutlab_no_avx512_kernels;
#endif
