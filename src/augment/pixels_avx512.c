/* Pixel loops for AVX512. */
#ifdef CUTLAB_X86_KERNELS
#define PIXELS_TABLE cutlab_pixels_avx512
#include "augment/pixels_body.h"
#else
typedef int cutlab_pixels_avx512_unused; /* a translation unit may not be empty */
#endif
