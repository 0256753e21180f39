/* Chooses the kernels of an instruction set at run time. */
#include "base/kernels.h"

#include <stddef.h>

static bool has_avx2(void) {
#ifdef CUTLAB_X86_KERNELS
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#else
  return false;
#endif
}

static bool has_avx512(void) {
#ifdef CUTLAB_X86_KERNELS
  return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512vl");
#else
  return false;
#endif
}

const cutlab_kernels *cutlab_kernels_for(cutlab_isa isa) {
#ifdef CUTLAB_X86_KERNELS
  if ((isa == CUTLAB_ISA_AVX512 || isa == CUTLAB_ISA_AUTO) && has_avx512())
    return &cutlab_kernels_avx512;
  if ((isa == CUTLAB_ISA_AVX2 || isa == CUTLAB_ISA_AUTO) && has_avx2()) return &cutlab_kernels_avx2;
#else
  (void)has_avx2, (void)has_avx512;
#endif
  return isa == CUTLAB_ISA_AUTO || isa == CUTLAB_ISA_PORTABLE ? &cutlab_kernels_portable : NULL;
}
