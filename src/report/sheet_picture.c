/* Samples and masks as PNG in data: URIs, series as SVG. */
#include "report/sheet_picture.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cutlab/images.h>

#include "augment/apply.h"
#include "base/half.h"

enum {
  most_pixels = 256, /* of a side: larger images are thinned out */
  shown_side = 144,  /* CSS pixels of the longer side */
  plot_width = 320,
  plot_height = 96,
  plot_columns = 640,
  most_lines = 16
};

/* ---- Values ---- */

static double value_at(const cutlab_batch *batch, int64_t row, int64_t y, int64_t x, int64_t c) {
  int64_t at = batch->layout == CUTLAB_NHWC ? (y * batch->width + x) * batch->channels + c
                                            : (c * batch->height + y) * batch->width + x;
  const char *sample = (const char *)batch->data + row * cutlab_batch_stride(batch);
  if (batch->dtype == CUTLAB_UINT8) return ((const uint8_t *)sample)[at];
  if (batch->dtype == CUTLAB_FLOAT32) return (double)((const float *)sample)[at];
  return (double)cutlab_half_to_float(((const uint16_t *)sample)[at]);
}

cutlab_sheet_scale cutlab_sheet_range(const cutlab_batch *batch, const int32_t *rows,
                                      int64_t count) {
  if (batch->dtype == CUTLAB_UINT8) return (cutlab_sheet_scale){0, 255};
  cutlab_sheet_scale scale = {INFINITY, -INFINITY};
  for (int64_t i = 0; i < count; ++i)
    for (int64_t y = 0; y < batch->height; ++y)
      for (int64_t x = 0; x < batch->width; ++x)
        for (int64_t c = 0; c < batch->channels; ++c) {
          double value = value_at(batch, rows[i], y, x, c);
          if (!isfinite(value)) continue;
          scale.low = fmin(scale.low, value);
          scale.high = fmax(scale.high, value);
        }
  return scale.low <= scale.high ? scale : (cutlab_sheet_scale){0, 0};
}

/* Position of a value between black (0) and white (1). */
static double brightness(cutlab_sheet_scale scale, double value) {
  if (isnan(value)) return 0;
  if (scale.high <= scale.low) return .5;
  return fmin(fmax((value - scale.low) / (scale.high - scale.low), 0), 1);
}

bool cutlab_sheet_blends(const cutlab_plan *plan, const cutlab_entry *entry) {
  return plan->policy->steps[entry->step].method->role == CUTLAB_ROLE_BLEND;
}

/* ---- Images ---- */

void cutlab_base64(FILE *file, const uint8_t *bytes, size_t size) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (size_t i = 0; i < size; i += 3) {
    uint32_t word = (uint32_t)bytes[i] << 16;
    if (i + 1 < size) word |= (uint32_t)bytes[i + 1] << 8;
    if (i + 2 < size) word |= bytes[i + 2];
    fputc(digits[word >> 18], file);
    fputc(digits[word >> 12 & 63], file);
    fputc(i + 1 < size ? digits[word >> 6 & 63] : '=', file);
    fputc(i + 2 < size ? digits[word & 63] : '=', file);
  }
}

/* Every step-th pixel of a side. */
typedef struct thinning {
  int64_t step, height, width;
} thinning;

static thinning thin_out(int64_t height, int64_t width, int64_t most) {
  int64_t longer = height > width ? height : width, step = (longer + most - 1) / most;
  return (thinning){step, (height + step - 1) / step, (width + step - 1) / step};
}

int64_t cutlab_sheet_thinning(const cutlab_batch *batch) {
  return thin_out(batch->height, batch->width, most_pixels).step;
}

int64_t cutlab_sheet_channels(const cutlab_batch *batch) {
  int64_t channels = batch->channels;
  if (batch->height == 1) return channels < most_lines ? channels : most_lines;
  if (batch->dtype == CUTLAB_UINT8) return channels <= 4 ? channels : 3;
  return channels < 3 ? 1 : 3;
}

static cutlab_status put_image(cutlab_context *context, FILE *file, const uint8_t *pixels,
                               const thinning *t, int64_t channels, const char *name) {
  uint8_t *bytes;
  size_t size;
  CUTLAB_TRY(cutlab_png_encode(context, &bytes, &size, pixels, t->height, t->width, channels));
  double factor = (double)shown_side / (double)(t->height > t->width ? t->height : t->width);
  fprintf(file, "<img alt=\"%s\" width=\"%.0f\" height=\"%.0f\"%s src=\"data:image/png;base64,",
          name, fmax(2, (double)t->width * factor), fmax(2, (double)t->height * factor),
          factor >= 1 ? "" : " class=\"fine\"");
  cutlab_base64(file, bytes, size);
  fputs("\">", file);
  free(bytes);
  return CUTLAB_OK;
}

/* Pixels of one sample, thinned; release with free. NULL with a message. */
static uint8_t *thinned(cutlab_context *context, const thinning *t, const cutlab_batch *batch,
                        int64_t row, cutlab_sheet_scale scale) {
  int64_t channels = cutlab_sheet_channels(batch);
  uint8_t *pixels = cutlab_allocate(context, t->height * t->width * channels, 1), *at = pixels;
  if (!pixels) return NULL;
  for (int64_t y = 0; y < batch->height; y += t->step)
    for (int64_t x = 0; x < batch->width; x += t->step)
      for (int64_t c = 0; c < channels; ++c)
        *at++ = (uint8_t)rint(255 * brightness(scale, value_at(batch, row, y, x, c)));
  return pixels;
}

cutlab_status cutlab_picture_png(cutlab_context *context, uint8_t **bytes, size_t *size,
                                 const cutlab_batch *batch, int64_t row, cutlab_sheet_scale scale,
                                 int64_t most) {
  thinning t = thin_out(batch->height, batch->width, most);
  uint8_t *pixels = thinned(context, &t, batch, row, scale);
  if (!pixels) return CUTLAB_ERROR_MEMORY;
  cutlab_status status = cutlab_png_encode(context, bytes, size, pixels, t.height, t.width,
                                           cutlab_sheet_channels(batch));
  free(pixels);
  return status;
}

cutlab_status cutlab_sheet_image(cutlab_context *context, FILE *file, const cutlab_batch *batch,
                                 int64_t row, cutlab_sheet_scale scale, const char *name) {
  thinning t = thin_out(batch->height, batch->width, most_pixels);
  uint8_t *pixels = thinned(context, &t, batch, row, scale);
  if (!pixels) return CUTLAB_ERROR_MEMORY;
  cutlab_status status = put_image(context, file, pixels, &t, cutlab_sheet_channels(batch), name);
  free(pixels);
  return status;
}

cutlab_status cutlab_sheet_mask(cutlab_context *context, FILE *file, const cutlab_plan *plan,
                                const cutlab_entry *entry) {
  int64_t height = plan->drawn.height, width = plan->drawn.width;
  thinning t = thin_out(height, width, most_pixels);
  bool blends = cutlab_sheet_blends(plan, entry);
  uint8_t *mask = cutlab_allocate(context, height * width, 1);
  if (!mask) return CUTLAB_ERROR_MEMORY;
  if (!blends) cutlab_plan_mask(plan, entry, mask);
  uint8_t *at = mask; /* thinned in place: what is read lies behind what is written */
  for (int64_t y = 0; y < height; y += t.step)
    for (int64_t x = 0; x < width; x += t.step)
      *at++ = (uint8_t)rint(255 * (blends ? 1 - entry->weight : (double)mask[y * width + x]));
  cutlab_status status = put_image(context, file, mask, &t, 1, "mask");
  free(mask);
  return status;
}

/* ---- Plots ---- */

static void put_shade(FILE *file, const cutlab_plan *plan, int64_t begin, int64_t end,
                      double opacity) {
  double unit = (double)plot_width / (double)plan->drawn.width;
  fprintf(file, "<rect class=\"shade\" x=\"%.2f\" y=\"0\" width=\"%.2f\" height=\"%d\"",
          (double)begin * unit, (double)(end - begin) * unit, plot_height);
  if (opacity < 1) fprintf(file, " opacity=\"%.3f\"", opacity);
  fputs("/>", file);
}

static void put_shades(FILE *file, const cutlab_plan *plan, const cutlab_entry *entry) {
  if (cutlab_sheet_blends(plan, entry)) {
    put_shade(file, plan, 0, plan->drawn.width, 1 - entry->weight);
    return;
  }
  for (int32_t i = 0; i < entry->run_count; ++i)
    put_shade(file, plan, plan->runs[entry->run + i].begin, plan->runs[entry->run + i].end, 1);
  if (!entry->run_count && entry->right > entry->left && entry->bottom > entry->top)
    put_shade(file, plan, entry->left, entry->right, 1);
}

static void put_point(FILE *file, double position, double height) {
  fprintf(file, "%.1f,%.1f ", position * plot_width, 4 + (1 - height) * (plot_height - 8));
}

/* Positions are at the middle of their columns. Long series: the smallest and the largest value of
   every column, so that no peak is lost. */
static void put_line(FILE *file, const cutlab_batch *batch, int64_t row, int64_t channel,
                     cutlab_sheet_scale scale) {
  int64_t length = batch->width, columns = length < plot_columns ? length : plot_columns;
  fprintf(file, "<polyline class=\"c%d\" points=\"", (int)(channel % 4));
  for (int64_t i = 0; i < columns; ++i) {
    int64_t begin = length * i / columns, end = length * (i + 1) / columns;
    double low = 1, high = 0, position = ((double)i + .5) / (double)columns;
    for (int64_t x = begin; x < end; ++x) {
      double height = brightness(scale, value_at(batch, row, 0, x, channel));
      low = fmin(low, height);
      high = fmax(high, height);
    }
    put_point(file, position, i % 2 ? high : low);
    if (end - begin > 1) put_point(file, position, i % 2 ? low : high);
  }
  if (columns == 1) put_point(file, .55, brightness(scale, value_at(batch, row, 0, 0, channel)));
  fputs("\"/>", file);
}

void cutlab_sheet_plot(FILE *file, const cutlab_batch *batch, int64_t row, cutlab_sheet_scale scale,
                       const char *name, const cutlab_plan *plan,
                       const cutlab_entry *const *entries, int count) {
  fprintf(file,
          "<svg role=\"img\" aria-label=\"%s\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\">",
          name, plot_width, plot_height, plot_width, plot_height);
  for (int i = 0; i < count; ++i) put_shades(file, plan, entries[i]);
  for (int64_t c = 0; c < cutlab_sheet_channels(batch); ++c) put_line(file, batch, row, c, scale);
  fputs("</svg>", file);
}
