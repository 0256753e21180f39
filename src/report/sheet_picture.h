/* Pictures of a contact sheet: samples and masks as images or, for series, as line plots. */
#ifndef CUTLAB_REPORT_SHEET_PICTURE_H
#define CUTLAB_REPORT_SHEET_PICTURE_H

#include <stdio.h>

#include <cutlab/augment.h>

#include "augment/plan.h"
#include "base/base.h"

/* Values that are shown as black and as white. */
typedef struct cutlab_sheet_scale {
  double low, high;
} cutlab_sheet_scale;

/* The range of finite values of `count` rows; 0 to 255 for uint8. */
cutlab_sheet_scale cutlab_sheet_range(const cutlab_batch *batch, const int32_t *rows,
                                      int64_t count);
/* Channels of an image that are drawn: 1 to 4 of uint8, 1 or 3 of floating point; of a series. */
int64_t cutlab_sheet_channels(const cutlab_batch *batch);
/* Images are drawn by every how many pixels of a side. */
int64_t cutlab_sheet_thinning(const cutlab_batch *batch);
/* One sample as PNG, thinned to at most `most` pixels a side; release *bytes with free. */
cutlab_status cutlab_picture_png(cutlab_context *context, uint8_t **bytes, size_t *size,
                                 const cutlab_batch *batch, int64_t row, cutlab_sheet_scale scale,
                                 int64_t most);
/* Bytes as text, as in data: URIs. */
void cutlab_base64(FILE *file, const uint8_t *bytes, size_t size);
/* Whether the entry mixes whole images instead of replacing a region. */
bool cutlab_sheet_blends(const cutlab_plan *plan, const cutlab_entry *entry);
/* One sample as <img>. */
cutlab_status cutlab_sheet_image(cutlab_context *context, FILE *file, const cutlab_batch *batch,
                                 int64_t row, cutlab_sheet_scale scale, const char *name);
/* What an entry replaces as <img>: white, or grey by the partner's share where it blends. */
cutlab_status cutlab_sheet_mask(cutlab_context *context, FILE *file, const cutlab_plan *plan,
                                const cutlab_entry *entry);
/* One series as <svg>, what the entries replace shaded. */
void cutlab_sheet_plot(FILE *file, const cutlab_batch *batch, int64_t row, cutlab_sheet_scale scale,
                       const char *name, const cutlab_plan *plan,
                       const cutlab_entry *const *entries, int count);

#endif
