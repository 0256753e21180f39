/* Chooses the pixel loops that go with a context's kernels. */
#include "augment/pixels.h"

const cutlab_pixels *cutlab_pixels_of(const cutlab_context *context) {
#ifdef CUTLAB_X86_KERNELS
  const cutlab_kernels *kernels = cutlab_context_kernels(context);
  if (kernels == &cutlab_kernels_avx512)
    return __builtin_cpu_supports("avx512bw") ? &cutlab_pixels_avx512 : &cutlab_pixels_avx2;
  if (kernels == &cutlab_kernels_avx2) return &cutlab_pixels_avx2;
#endif
  (void)context;
  return &cutlab_pixels_portable;
}
