/* Outputs of policies that only move pixels, normalise and paste boxes: each pixel goes from the
   input to the output in one pass. */
#ifndef CUTLAB_AUGMENT_MOVES_H
#define CUTLAB_AUGMENT_MOVES_H

#include "augment/plan.h"

/* Of one thread. */
typedef struct cutlab_mover {
  const cutlab_plan *plan;
  const cutlab_batch *output, *input;
  const cutlab_pixels *pixels;
  const float *gain, *offset; /* [line elements], where the output is of another dtype */
  bool mixes;                 /* or leaves boxes to others */
  int64_t stride, pixel; /* bytes: of an input image and what follows it, of a pixel of a plane */
  bool converts;         /* normalises, or makes floats of uint8 */
  char *filled, *line, *turned; /* a line each, as input: of the fill, of an output, for mirrors */
} cutlab_mover;

/* Whether that can make the outputs, which lie apart from the input. */
bool cutlab_moves_fit(const cutlab_plan *plan, const cutlab_batch *output,
                      const cutlab_batch *input);
/* Readies a mover whose members up to `pixels`, gain and offset are set. `lines`: room for three
   lines of floats, which must stay. */
void cutlab_mover_begin(cutlab_mover *mover, char *lines);
void cutlab_mover_output(const cutlab_mover *mover, int32_t row);

#endif
