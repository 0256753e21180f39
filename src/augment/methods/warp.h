/* Turning and zooming about the centre: what rotate and scale share. */
#ifndef CUTLAB_AUGMENT_WARP_H
#define CUTLAB_AUGMENT_WARP_H

#include "augment/region.h"

/* Where output positions come from: with (dy, dx) the distance from the image's centre,
   source x = cx + a dx - b dy, source y = cy + b dx + a dy. */
typedef struct cutlab_warp {
  double a, b;
  bool nearest;               /* else bilinear */
  const cutlab_setting *fill; /* of what is outside the image */
} cutlab_warp;

/* A row of both parameter tables. */
extern const char *const cutlab_warp_choices[];
#define CUTLAB_WARP_INTERPOLATION                                                                  \
  {                                                                                                \
    .shown = {"interpolation", "choice", "nearest | bilinear",                                     \
              "How values between pixels are made."},                                              \
    .kind = CUTLAB_SETTING_CHOICE, .choices = cutlab_warp_choices, .default_text = "bilinear"      \
  }

/* Output value at (y, x, c), from view->own. */
float cutlab_warp_pixel(const cutlab_view *view, const cutlab_warp *warp, int32_t y, int32_t x,
                        int32_t c);
/* Output line y, from view->image. */
void cutlab_warp_line(const cutlab_view *view, const cutlab_warp *warp, int32_t y, void *line);
/* No own line is needed. */
int32_t cutlab_warp_source(const cutlab_view *view, int32_t y);

#endif
