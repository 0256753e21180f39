/* Pixel loops for any CPU. */
#define PIXELS_TABLE cutlab_pixels_portable
#include "augment/pixels_body.h"
