/* Makes outputs line by line: every step of an output is a link, and a line of the last link asks
   the links before it for the lines it needs, so that all steps are one pass over memory. */
#ifndef CUTLAB_AUGMENT_EVALUATOR_H
#define CUTLAB_AUGMENT_EVALUATOR_H

#include "augment/plan.h"

/* One step on the way to an output, or to a partner of it. */
typedef struct cutlab_link {
  cutlab_view view;
  int own, partner; /* links before it; -1: the input, rows below */
  int32_t row, partner_row;
  bool has_image, has_partner_image;
  void *image, *partner_image; /* materialised where the method needs whole images */
  void *partner_line, *scratch;
  size_t image_size, partner_image_size, line_size;
} cutlab_link;

typedef struct cutlab_evaluator {
  cutlab_context *context; /* of this thread */
  const cutlab_plan *plan;
  const cutlab_batch *input;
  int64_t stride;   /* bytes from one input sample to the next */
  int64_t elements; /* of a line: width * channels */
  cutlab_link *links;
  int link_count, link_capacity;
  const float *gain, *offset; /* [elements] of normalise, or of the conversion from uint8 */
  uint64_t normalises;        /* steps that are normalise, as bits */
  uint64_t left_out;          /* steps that outputs are built without */
} cutlab_evaluator;

/* Builds the links of an output row (all steps), or of what it is before a step. `*last` is the
   last link, -1 where the output is the input. */
cutlab_status cutlab_evaluator_build(cutlab_evaluator *evaluator, int32_t row, int *last);
/* Line y of a link (-1: of the input row), in the dtype of the image after it. */
cutlab_status cutlab_evaluator_line(cutlab_evaluator *evaluator, int link, int32_t row, int32_t y,
                                    void *line);
/* dtype of an image after those of these steps that act. */
cutlab_dtype cutlab_evaluator_dtype(const cutlab_evaluator *evaluator, uint64_t steps);
void cutlab_evaluator_clear(cutlab_evaluator *evaluator);

#endif
