/* Contact sheets: one HTML page that shows what a plan did to a batch. */
#ifndef CUTLAB_SHEET_H
#define CUTLAB_SHEET_H

#include <cutlab/augment.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Writes a page, atomically, that works offline and without scripts. For each of the first `count`
   outputs (all, if there are fewer): its own input, the partners, masks of what was replaced
   (white; grey is the partner's share where all of the image was mixed), the output, nominal lambda
   and weight, and what the label is made of. Height 1 is drawn as lines, the replaced part shaded.
   `input` is the batch that the plan was applied to, `output` what came of it. Floating-point
   values are scaled from their smallest to their largest; of other than 1 to 4 channels of uint8 or
   3 of floating point the first are shown; images beyond 256 pixels a side are thinned out. labels:
   [output->count][classes], the labels of the outputs, or NULL: composition by sample. */
CUTLAB_API cutlab_status cutlab_sheet_write(cutlab_context *context, const char *path,
                                            cutlab_plan *plan, const cutlab_batch *output,
                                            const cutlab_batch *input, const float *labels,
                                            int64_t classes, int64_t count);

#ifdef __cplusplus
}
#endif
#endif
