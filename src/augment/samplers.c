/* The ways in which libraries draw the boxes of CutMix. Each row follows the source that it cites
   in distribution, down to how it rounds and to its floating-point type: with a small alpha lambda
   is often so near 0 that 1 - lambda is 1 in float32 and not in float64, which decides between the
   whole image and one row less. */
#include <math.h>
#include <string.h>

#include "augment/method.h"

/* Positions [begin, end) of one axis. */
typedef struct span {
  int32_t begin, end;
} span;

static cutlab_box box_of(span rows, span columns) {
  return (cutlab_box){rows.begin, columns.begin, rows.end, columns.end};
}

/* ---- Nominal shares ---- */

/* Beta(1, 1) is uniform. */
double cutlab_draw_share(cutlab_random *random, double alpha) {
  return alpha == 1 ? cutlab_random_uniform(random) : cutlab_random_beta(random, alpha, alpha);
}

static double share_float32(cutlab_random *random, double alpha) {
  return (float)cutlab_draw_share(random, alpha);
}

static double no_share(cutlab_random *random, double alpha) {
  (void)random, (void)alpha;
  return NAN;
}

/* Side of the box over the image's: sqrt(1 - lambda). */
static double ratio_float64(double lambda) {
  return sqrt(1 - lambda);
}

static float ratio_float32(double lambda) {
  return sqrtf(1 - (float)lambda);
}

/* ---- Positions on one axis ---- */

static int32_t clamp(int64_t value, int32_t low, int32_t high) {
  return (int32_t)(value < low ? low : value > high ? high : value);
}

/* `length` positions, uniform over all places that fit. */
static span inside(cutlab_random *random, int32_t length, int32_t size) {
  int32_t begin = (int32_t)cutlab_random_below(random, (uint64_t)(size - length) + 1);
  return (span){begin, begin + length};
}

/* [centre - before, centre + after) around a uniform position, clipped. */
static span around(cutlab_random *random, int32_t before, int32_t after, int32_t size) {
  int64_t centre = (int64_t)cutlab_random_below(random, (uint64_t)size);
  return (span){clamp(centre - before, 0, size), clamp(centre + after, 0, size)};
}

/* ---- paper ---- */

/* Area nearest to `area` in the image's shape, or nearly: the shorter side is rounded first, then
   the longer one follows from the area, which is so missed by at most half the shorter side. */
static void nearest_sides(int32_t *shorter, int32_t *longer, double area, double ratio,
                          int32_t shortest, int32_t longest) {
  int32_t side = clamp((int64_t)(shortest * ratio + 0.5), 1, shortest);
  if ((double)side * longest < area) ++side;
  *shorter = side;
  *longer = clamp((int64_t)(area / side + 0.5), 0, longest);
}

static cutlab_box paper_box(cutlab_random *random, double lambda, int32_t height, int32_t width) {
  double area = (1 - lambda) * height * width;
  if (area < 0.5) return (cutlab_box){0};
  int32_t h, w;
  if (height <= width)
    nearest_sides(&h, &w, area, ratio_float64(lambda), height, width);
  else
    nearest_sides(&w, &h, area, ratio_float64(lambda), width, height);
  span rows = inside(random, h, height);
  return box_of(rows, inside(random, w, width));
}

/* ---- reference, torchvision ---- */

/* Truncated twice: the side, then its half. torchvision truncates half the side once,
   (int)(r / 2 size), which is the same number. */
static cutlab_box reference_box(cutlab_random *random, double lambda, int32_t height,
                                int32_t width) {
  double ratio = ratio_float64(lambda);
  int32_t half_height = (int32_t)(height * ratio) / 2, half_width = (int32_t)(width * ratio) / 2;
  span rows = around(random, half_height, half_height, height);
  return box_of(rows, around(random, half_width, half_width, width));
}

/* ---- timm ---- */

/* An odd side keeps its length, unlike the reference's; before 1.0.29 the boxes were the same. */
static cutlab_box timm_box(cutlab_random *random, int32_t h, int32_t w, int32_t height,
                           int32_t width) {
  span rows = around(random, h / 2, h - h / 2, height);
  return box_of(rows, around(random, w / 2, w - w / 2, width));
}

static cutlab_box timm_batch_box(cutlab_random *random, double lambda, int32_t height,
                                 int32_t width) {
  double ratio = ratio_float64(lambda);
  return timm_box(random, (int32_t)(height * ratio), (int32_t)(width * ratio), height, width);
}

/* The lambdas of a batch are a float32 array, which makes their arithmetic float32 (NumPy 2). */
static cutlab_box timm_elem_box(cutlab_random *random, double lambda, int32_t height,
                                int32_t width) {
  float ratio = ratio_float32(lambda);
  int32_t h = clamp((int64_t)((float)height * ratio), 0, height);
  return timm_box(random, h, clamp((int64_t)((float)width * ratio), 0, width), height, width);
}

/* ---- fastai ---- */

/* The side is rounded to nearest, ties to even; its half is truncated. */
static cutlab_box fastai_box(cutlab_random *random, double lambda, int32_t height, int32_t width) {
  float ratio = ratio_float32(lambda);
  int32_t half_height = (int32_t)(rintf((float)height * ratio) / 2);
  int32_t half_width = (int32_t)(rintf((float)width * ratio) / 2);
  span rows = around(random, half_height, half_height, height);
  return box_of(rows, around(random, half_width, half_width, width));
}

/* ---- kornia ---- */

static cutlab_box kornia_box(cutlab_random *random, double lambda, int32_t height, int32_t width) {
  float ratio = ratio_float32(lambda);
  int32_t h = clamp((int64_t)((float)height * ratio), 0, height);
  int32_t w = clamp((int64_t)((float)width * ratio), 0, width);
  span rows = inside(random, h, height);
  return box_of(rows, inside(random, w, width));
}

/* ---- keras ---- */

/* `factor` bounds an alpha that is itself drawn. */
static double keras_alpha(cutlab_random *random, double alpha) {
  return alpha * cutlab_random_uniform(random) + 1e-6;
}

/* Begin and length are real numbers; pixel x is covered where begin <= x < begin + length. */
static span keras_span(cutlab_random *random, float ratio, int32_t size) {
  float length = ratio * (float)size;
  float begin = (float)cutlab_random_uniform(random) * ((float)size - length);
  return (span){clamp((int64_t)ceilf(begin), 0, size),
                clamp((int64_t)ceilf(begin + length), 0, size)};
}

static cutlab_box keras_box(cutlab_random *random, double lambda, int32_t height, int32_t width) {
  float ratio = ratio_float32(lambda);
  span columns = keras_span(random, ratio, width);
  return box_of(keras_span(random, ratio, height), columns);
}

/* The area of the real box, not of the pixels in it. */
static double keras_weight(double lambda, const cutlab_box *box, int32_t height, int32_t width) {
  (void)box, (void)height, (void)width;
  return lambda;
}

/* ---- darknet ---- */

/* The side is uniform from 30 to 80 percent of the image's, whatever alpha; the box never touches
   the last row or column. */
static span darknet_span(cutlab_random *random, int32_t size) {
  int32_t low = (int32_t)((float)size * 0.3F), high = (int32_t)((float)size * 0.8F);
  int32_t length = low + (int32_t)cutlab_random_below(random, (uint64_t)(high - low) + 1);
  return inside(random, length, size - 1);
}

static cutlab_box darknet_box(cutlab_random *random, double lambda, int32_t height, int32_t width) {
  (void)lambda;
  span columns = darknet_span(random, width);
  return box_of(darknet_span(random, height), columns);
}

/* ---- mindspore ---- */

/* The side is 1 - lambda of the image's, without the root; the centre may lie one past the end;
   both ends are clipped to the last pixel and at least one pixel is covered. (A side of 1 asks
   std::clamp for an empty range, which is undefined; here it gives 1.) */
static span mindspore_span(cutlab_random *random, double lambda, int32_t size) {
  int32_t half = clamp((int64_t)((float)size * (1 - (float)lambda)), 0, size) / 2;
  int64_t centre = (int64_t)cutlab_random_below(random, (uint64_t)size + 1);
  int32_t begin = clamp(centre - half, 0, size - 1), end = clamp(centre + half, 0, size - 1);
  return (span){begin, end > begin ? end : begin + 1};
}

static cutlab_box mindspore_box(cutlab_random *random, double lambda, int32_t height,
                                int32_t width) {
  span columns = mindspore_span(random, lambda, width);
  return box_of(mindspore_span(random, lambda, height), columns);
}

/* ---- The table ---- */

#define TIMM_SOURCE "timm 1.0.31 (boxes as since 1.0.29), data/mixup.py, rand_bbox and Mixup(mode="

static const cutlab_sampler samplers[] = {
    {.shown = {"paper", "the paper's intent: area 1 - lambda, whole inside the image, per sample",
               "Yun et al. (ICCV 2019), section 3; its box kept inside the image"},
     .scope = CUTLAB_PER_SAMPLE,
     .pairing = CUTLAB_PAIR_SHUFFLED,
     .lambda = cutlab_draw_share,
     .box = paper_box},
    {.shown = {"reference", "the authors' code: clipped at the border, even sides, per batch",
               "clovaai/CutMix-PyTorch at 9dc8245, train.py, rand_bbox and train"},
     .scope = CUTLAB_PER_BATCH,
     .pairing = CUTLAB_PAIR_SHUFFLED,
     .lambda = cutlab_draw_share,
     .box = reference_box},
    {.shown = {"timm(batch)", "as the reference, but odd sides stay odd; partners in reverse order",
               TIMM_SOURCE "\"batch\")"},
     .scope = CUTLAB_PER_BATCH,
     .pairing = CUTLAB_PAIR_REVERSED,
     .lambda = cutlab_draw_share,
     .box = timm_batch_box},
    {.shown = {"timm(pair)", "as timm(batch), one box for a sample and its partner",
               TIMM_SOURCE "\"pair\")"},
     .scope = CUTLAB_PER_PAIR,
     .pairing = CUTLAB_PAIR_REVERSED,
     .lambda = share_float32,
     .box = timm_elem_box},
    {.shown = {"timm(elem)", "as timm(batch), one box per sample", TIMM_SOURCE "\"elem\")"},
     .scope = CUTLAB_PER_SAMPLE,
     .pairing = CUTLAB_PAIR_REVERSED,
     .lambda = share_float32,
     .box = timm_elem_box},
    {.shown = {"torchvision", "as the reference, the partner is the sample before",
               "torchvision 0.29.2, transforms/v2/_augment.py, CutMix.make_params and transform"},
     .scope = CUTLAB_PER_BATCH,
     .pairing = CUTLAB_PAIR_ROLLED,
     .lambda = share_float32,
     .box = reference_box},
    {.shown = {"fastai", "as the reference, sides rounded before they are halved",
               "fastai 2.8.12, callback/mixup.py, CutMix.rand_bbox and before_batch"},
     .scope = CUTLAB_PER_BATCH,
     .pairing = CUTLAB_PAIR_SHUFFLED,
     .lambda = share_float32,
     .box = fastai_box},
    {.shown = {"kornia", "whole inside the image, sides truncated, per sample, p per batch",
               "kornia 0.9.0, augmentation/random_generator/_2d/cutmix.py, CutmixGenerator.forward "
               "and augmentation/_2d/mix/cutmix.py, RandomCutMixV2"},
     .scope = CUTLAB_PER_SAMPLE,
     .pairing = CUTLAB_PAIR_SHUFFLED,
     .batch_gate = true,
     .lambda = share_float32,
     .box = kornia_box},
    {.shown =
         {"keras",
          "whole inside the image, real-valued box, nominal label; alpha drawn below the given",
          "keras 3.14.0, layers/preprocessing/image_preprocessing/cut_mix.py, "
          "CutMix(factor=alpha)"},
     .scope = CUTLAB_PER_SAMPLE,
     .pairing = CUTLAB_PAIR_SHUFFLED,
     .batch_alpha = keras_alpha,
     .lambda = share_float32,
     .box = keras_box,
     .weight = keras_weight},
    {.shown = {"darknet", "sides uniform from 0.3 to 0.8, apart from each other; alpha unused",
               "AlexeyAB/darknet at 0d0144e, src/data.c, load_data_augment, mixup == 2"},
     .scope = CUTLAB_PER_SAMPLE,
     .pairing = CUTLAB_PAIR_ANY,
     .batch_gate = true,
     .lambda = no_share,
     .box = darknet_box},
    {.shown = {"mindspore", "sides 1 - lambda without the root, clipped short of the far border",
               "mindspore at 0dc48d2, ccsrc/minddata/dataset/kernels/image/cutmix_batch_op.cc, "
               "CutMixBatchOp::GetCropBox and ComputeLabelsAndImages"},
     .scope = CUTLAB_PER_SAMPLE,
     .pairing = CUTLAB_PAIR_SHUFFLED,
     .lambda = share_float32,
     .box = mindspore_box},
};

const cutlab_sampler *cutlab_sampler_row(int index) {
  int count = (int)(sizeof samplers / sizeof *samplers);
  return index >= 0 && index < count ? &samplers[index] : NULL;
}

const cutlab_sampler *cutlab_sampler_find(const char *name) {
  if (strcmp(name, "timm") == 0) name = "timm(batch)";
  const cutlab_sampler *row;
  for (int index = 0; (row = cutlab_sampler_row(index)); ++index)
    if (strcmp(name, row->shown.name) == 0) return row;
  return NULL;
}

bool cutlab_sampler_at(int index, cutlab_sampler_info *sampler) {
  const cutlab_sampler *row = cutlab_sampler_row(index);
  if (row) *sampler = row->shown;
  return row != NULL;
}
