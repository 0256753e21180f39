/* Normalisation as one product and one sum. */
#ifndef CUTLAB_AUGMENT_NORMALISE_H
#define CUTLAB_AUGMENT_NORMALISE_H

#include "augment/method.h"

/* (v / white - m) / s as v gain + offset, for channel c of images of this dtype. */
void cutlab_normalise_terms(const cutlab_step *step, cutlab_dtype dtype, int32_t c, float *gain,
                            float *offset);

#endif
