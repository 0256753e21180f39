/* Contact sheets: one HTML page that shows what a plan did to a batch. */
#ifndef CUTLAB_SHEET_H
#define CUTLAB_SHEET_H

#include <cutlab/augment.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Labels of what a sheet shows. */
typedef struct cutlab_sheet_labels {
  int64_t classes;
  const float *mixed; /* [output->count][classes], of the outputs */
  const float *own; /* [count][classes], of their own inputs, or NULL: of an output's classes, those
                       of its own label come first; otherwise the largest */
  const char *const *class_names; /* [classes], UTF-8, or NULL: numbers */
} cutlab_sheet_labels;

/* Writes a page, atomically, that works offline and without scripts. For each of the first `count`
   outputs (all, if there are fewer): its own input, the partners, masks of what was replaced
   (white; grey is the partner's share where all of the image was mixed), the output, nominal lambda
   and weight, and what the label is made of, the own part first. Inputs are shown as they were
   before any step, masks in the coordinates of theirs. Height 1 is drawn as lines, the replaced
   part shaded. `input` is the batch that the plan was applied to, `output` what came of it.
   Floating-point values are scaled from their smallest to their largest; of other than 1 to 4
   channels of uint8 or 3 of floating point the first are shown; images beyond 256 pixels a side are
   thinned out. labels: NULL shows composition by sample. names: [count], UTF-8, of the outputs, or
   NULL. */
CUTLAB_API cutlab_status cutlab_sheet_write(cutlab_context *context, const char *path,
                                            cutlab_plan *plan, const cutlab_batch *output,
                                            const cutlab_batch *input,
                                            const cutlab_sheet_labels *labels,
                                            const char *const *names, int64_t count);

#ifdef __cplusplus
}
#endif
#endif
