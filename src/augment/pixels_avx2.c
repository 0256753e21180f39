/* Pixel loops for AVX2. */
#ifdef CUTLAB_X86_KERNELS
#define PIXELS_TABLE cutlab_pixels_avx2
#include "augment/pixels_body.h"
#else
typedef int cutlab_pixels_avx2_unused; /* a translation unit may not be empty */
#endif
