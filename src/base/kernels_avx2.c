/* Kernels for AVX2 and FMA. */
#ifdef CUTLAB_X86_KERNELS
#include <immintrin.h>

#define CUTLAB_VECTOR_BYTES 32
#define CUTLAB_KERNEL_TABLE cutlab_kernels_avx2
#define CUTLAB_KERNEL_NAME "avx2"
#define CUTLAB_VECTOR_PRODUCT(x, y) ((bits)_mm256_mul_epu32((__m256i)(x), (__m256i)(y)))
#ifdef CUTLAB_HAVE_MVEC
#define CUTLAB_VECTOR_EXP _ZGVdN4v_exp
#define CUTLAB_VECTOR_LOG1P _ZGVdN4v_log1p
#endif

#include "base/kernels_body.h"
#else
typedef int cutlab_no_avx2_kernels;
#endif
