/* What a method of augmentation is: its parameters, how it draws, how it makes pixels. One file per
   method in methods/; registry.c lists them. */
#ifndef CUTLAB_AUGMENT_METHOD_H
#define CUTLAB_AUGMENT_METHOD_H

#include <cutlab/augment.h>
#include <cutlab/random.h>

#include "augment/pixels.h"
#include "base/base.h"

/* ---- Parameters and steps ---- */

typedef enum cutlab_setting_kind {
  CUTLAB_SETTING_NUMBER,
  CUTLAB_SETTING_INTEGER,
  CUTLAB_SETTING_CHOICE,  /* number is the index in `choices` */
  CUTLAB_SETTING_NUMBERS, /* a list of 0 to CUTLAB_SETTING_LIST numbers */
  CUTLAB_SETTING_SAMPLER
} cutlab_setting_kind;

enum { CUTLAB_SETTING_LIST = 16, CUTLAB_METHOD_PARAMETERS = 8 };

struct cutlab_sampler;

/* A parameter's value in a step. */
typedef struct cutlab_setting {
  double number; /* numbers, integers and choices */
  int count;     /* lists */
  double list[CUTLAB_SETTING_LIST];
  const struct cutlab_sampler *sampler;
} cutlab_setting;

/* A row of a method's parameter table. `shown.accepted` states the range in words. */
typedef struct cutlab_setting_rule {
  cutlab_parameter shown;
  double low, high;           /* numbers, integers, elements of lists */
  const char *const *choices; /* ends with NULL */
  const char *default_text;
  cutlab_setting_kind kind;
  bool above_low; /* low itself is not accepted */
} cutlab_setting_rule;

/* Who shares one draw (probability, lambda, box). */
typedef enum cutlab_scope { CUTLAB_PER_SAMPLE, CUTLAB_PER_PAIR, CUTLAB_PER_BATCH } cutlab_scope;

/* Who is whose partner; position i of a batch of n. */
typedef enum cutlab_pairing {
  CUTLAB_PAIR_SHUFFLED, /* a uniform permutation, which may keep a sample with itself */
  CUTLAB_PAIR_REVERSED, /* n - 1 - i */
  CUTLAB_PAIR_ROLLED,   /* i - 1 modulo n */
  CUTLAB_PAIR_ANY       /* uniform and independent, with replacement */
} cutlab_pairing;

typedef struct cutlab_step {
  const struct cutlab_method_ops *method;
  cutlab_setting settings[CUTLAB_METHOD_PARAMETERS]; /* in the order of the method's table */
  double probability;                                /* parameter p, which every method has */
  int index;                                         /* of the step in the policy */
  uint64_t visible;       /* bit s: step s comes before this one and is in no alternative to it */
  cutlab_scope scope;     /* PER_SAMPLE unless the method's check sets it */
  cutlab_pairing pairing; /* SHUFFLED unless the method's check sets it */
  bool batch_gate;        /* p is decided once for the batch, whatever the scope */
} cutlab_step;

/* ---- Samplers of boxes ---- */

typedef struct cutlab_box {
  int32_t top, left, bottom, right; /* [top, bottom) x [left, right), inside the image */
} cutlab_box;

/* A library's way to draw CutMix. Every function follows the cited source in distribution. */
typedef struct cutlab_sampler {
  cutlab_sampler_info shown; /* name as in sampler=NAME, e.g. "timm(pair)" */
  cutlab_scope scope;
  cutlab_pairing pairing;
  bool batch_gate; /* the probability p is drawn once for the batch, whatever the scope */
  /* Drawn once for the batch: the alpha that `lambda` is given; NULL: alpha as it is. */
  double (*batch_alpha)(cutlab_random *random, double alpha);
  /* Nominal share of the own image. NAN: the original draws none, the
     counted share stands for it. */
  double (*lambda)(cutlab_random *random, double alpha);
  cutlab_box (*box)(cutlab_random *random, double lambda, int32_t height, int32_t width);
  /* Weight that the original gives the own label; NULL: the counted share of own pixels. */
  double (*weight)(double lambda, const cutlab_box *box, int32_t height, int32_t width);
} cutlab_sampler;

/* The sampler of that index, NULL past the last; index 0 is "paper". */
const cutlab_sampler *cutlab_sampler_row(int index);
/* The sampler of that name, or NULL; "timm" is timm(batch). */
const cutlab_sampler *cutlab_sampler_find(const char *name);

/* ---- Drawing ---- */

/* The rule of a parameter `alpha`. */
#define CUTLAB_ALPHA_RULE(meaning)                                                                 \
  {                                                                                                \
    .shown = {"alpha", "number", "1e-6 to 1000", (meaning)}, .kind = CUTLAB_SETTING_NUMBER,        \
    .low = 1e-6, .high = 1000, .default_text = "1"                                                 \
  }

/* Beta(alpha, alpha), the nominal share of the own sample. */
double cutlab_draw_share(cutlab_random *random, double alpha);

/* Memory for the runs of a plan, and its sizes. */
typedef struct cutlab_drawing {
  cutlab_context *context;
  int32_t height, width;
  cutlab_random shared; /* of this step and batch: copies of it give all samples the same draws */
  cutlab_run_range *runs;
  int64_t run_count, run_capacity;
} cutlab_drawing;

/* Appends [begin, end) to the runs of `entry`, joining it to its last run if they touch; runs come
   in rising order. Fails only for want of memory. */
cutlab_status cutlab_drawing_add_run(cutlab_drawing *drawing, cutlab_entry *entry, int64_t begin,
                                     int64_t end);

/* ---- Making pixels ---- */

typedef struct cutlab_view cutlab_view;

/* What a method sees while it makes one output image out of the image before its step. A line is
   row y of an image in all its channels: [width][channels] (NHWC) or [channels][width] (NCHW) of
   view->dtype; an image is [height] lines, one after the other. */
struct cutlab_view {
  const cutlab_step *step;
  const cutlab_entry *entry;
  const cutlab_run_range *runs; /* of the entry, [entry->run_count] */
  int32_t height, width, channels;
  cutlab_layout layout;
  cutlab_dtype dtype; /* of the image before the step; after it too, but for normalise */
  float scale;        /* value that stands for white: 255 in uint8, else 1 */
  const void *image;  /* whole image before the step; only for methods with `whole_image` */
  double cache[4];    /* filled by `begin` */
  const cutlab_pixels *pixels; /* loops of the instruction set, for `line` */
  void *scratch;               /* room for one line, for `line` */
  /* Value of the own image or of the partner's before this step, 0 <= y < height,
     0 <= x < width; uint8 values are 0..255. For `pixel` and `begin`. */
  float (*own)(const cutlab_view *view, int32_t y, int32_t x, int32_t c);
  float (*partner)(const cutlab_view *view, int32_t y, int32_t x, int32_t c);
  const void *reader; /* of own and partner */
};

/* Where pixels come from that are only moved: (y, x) is (from_y + down y, from_x + along x) of the
   input where top <= y < bottom and left <= x < right, elsewhere the fill. */
typedef struct cutlab_move {
  int64_t from_y, from_x;
  int32_t down, along; /* 1, or -1 for mirrored */
  int32_t top, bottom, left, right;
  const cutlab_setting *fill; /* NULL while all pixels have a source */
} cutlab_move;

typedef enum cutlab_role {
  CUTLAB_ROLE_GEOMETRY, /* moves pixels: must come before steps that mix */
  CUTLAB_ROLE_COLOUR,   /* changes values in place, on the scale 0..white */
  CUTLAB_ROLE_ERASE,    /* replaces a region by a fill */
  CUTLAB_ROLE_REGION,   /* replaces a region by the partner's */
  CUTLAB_ROLE_BLEND,    /* weighted sum with the partner */
  CUTLAB_ROLE_NORMALISE
} cutlab_role;

/* Whether a step has a partner. */
static inline bool cutlab_role_mixes(cutlab_role role) {
  return role == CUTLAB_ROLE_REGION || role == CUTLAB_ROLE_BLEND;
}

typedef struct cutlab_method_ops {
  const char *name, *summary, *source;
  cutlab_role role;
  const cutlab_setting_rule *parameters; /* [parameter_count]; p is not listed */
  int parameter_count;
  const char *default_probability; /* of the parameter p; NULL stands for "1" */
  bool permutes;    /* of geometry: every pixel stays in the picture, so that labels stay right */
  int fill_setting; /* of methods that erase boxes: 1 + the index of their list `fill`, else 0 */
  bool has_runs;    /* regions may be runs instead of boxes */
  bool whole_image; /* `line` and `begin` read view->image */

  /* Rules across parameters, and what follows from them for the step; NULL: none. */
  cutlab_status (*check)(cutlab_context *context, cutlab_step *step);
  /* Fills box or runs, pixels, lambda, weight and values of an entry whose other members are set
     (pixels may stay 0 for methods without region; weight is counted from pixels afterwards where
     it is NAN). NULL: nothing is random but p. */
  cutlab_status (*draw)(cutlab_drawing *drawing, const cutlab_step *step, cutlab_random *random,
                        cutlab_entry *entry);
  /* The definition: value of the output at (y, x, c), to be rounded to the image's dtype. */
  float (*pixel)(const cutlab_view *view, int32_t y, int32_t x, int32_t c);

  /* The fast path, all optional; without `line` pixels are made one by one by `pixel`, but for
     blends and normalise, which have paths of their own.
     move: of geometry, the step as a change of *move; false where its settings are none. Reads the
     step, the entry, height and width alone.
     begin: once per output, fills view->cache.
     source_line: the own line that line y is made of, -1 for none (its content is then undefined).
     needs_partner: whether line y needs the partner's.
     line: turns `line`, the own source line, into output line y; partner: the partner's line y,
     NULL where not needed. Results equal those of `pixel` bit for bit. */
  bool (*move)(const cutlab_view *view, cutlab_move *move);
  void (*begin)(cutlab_view *view);
  int32_t (*source_line)(const cutlab_view *view, int32_t y);
  bool (*needs_partner)(const cutlab_view *view, int32_t y);
  void (*line)(const cutlab_view *view, int32_t y, void *line, const void *partner);
} cutlab_method_ops;

/* ---- For methods ---- */

/* Rounds to what the dtype can hold: uint8 to nearest (ties to even), clipped to 0..255; float16
   to nearest even; float32 as it is. */
float cutlab_quantise(cutlab_dtype dtype, float value);
/* Element of a line or image of the view's layout and dtype, as float; and its address. */
float cutlab_line_get(const cutlab_view *view, const void *line, int32_t x, int32_t c);
void cutlab_line_set(const cutlab_view *view, void *line, int32_t x, int32_t c, float value);
/* Value of a `fill` list for channel c: its only element, or its element c; times view->scale.
   An empty list is `otherwise`. */
float cutlab_fill_value(const cutlab_view *view, const cutlab_setting *fill, int32_t c,
                        float otherwise);
/* Whether the entry's region holds (y, x). */
bool cutlab_region_holds(const cutlab_view *view, int32_t y, int32_t x);

/* registry.c: the method of that name or index, or NULL. */
const cutlab_method_ops *cutlab_method_find(const char *name);
const cutlab_method_ops *cutlab_method_row(int index);

extern const cutlab_method_ops cutlab_method_cutout, cutlab_method_cutmix, cutlab_method_mixup,
    cutlab_method_random_erasing, cutlab_method_fmix, cutlab_method_patch_cutmix,
    cutlab_method_patch_cutout, cutlab_method_flip, cutlab_method_crop, cutlab_method_rotate,
    cutlab_method_scale, cutlab_method_brightness, cutlab_method_contrast, cutlab_method_saturation,
    cutlab_method_hue, cutlab_method_normalise;

#endif
