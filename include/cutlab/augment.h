/* Augmentation of batches. A policy says what may happen; a plan, drawn from (seed, epoch, sample
   ids, policy), is data that says what happens to every sample of one batch; applying a plan to
   buffers and mixing labels are pure functions of it. Nothing depends on the number of threads, on
   which process draws, or (but for samplers that pair by position) on the order of the batch. */
#ifndef CUTLAB_AUGMENT_H
#define CUTLAB_AUGMENT_H

#include <stdbool.h>
#include <stdint.h>

#include <cutlab/array.h>
#include <cutlab/experiment.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Policies ---- */

/* Immutable once made; threads may share it. */
typedef struct cutlab_policy cutlab_policy;

/* Makes a policy from text, which is either a line in the policy language, such as
     flip | crop(pad=4) | one_of(cutmix(alpha=1), mixup(alpha=.2), p=.5) | normalise
   or the same in YAML (docs/policies.md has the grammar of both). At most 64 KiB.
   CUTLAB_ERROR_ARGUMENT says where in the text, what stands there and what is accepted; an unknown
   name is answered with the nearest one. Release with cutlab_policy_free. */
CUTLAB_API cutlab_status cutlab_policy_create(cutlab_context *context, cutlab_policy **policy,
                                              const char *text);
CUTLAB_API void cutlab_policy_free(cutlab_policy *policy);
/* The policy in the policy language, every parameter written out; parses back to the same policy.
   Valid as long as the policy. */
CUTLAB_API const char *cutlab_policy_text(const cutlab_policy *policy);
/* Number of steps: the methods of the policy in the order in which they are written. */
CUTLAB_API int cutlab_policy_steps(const cutlab_policy *policy);
/* Name of the method of a step, 0 <= step < steps. */
CUTLAB_API const char *cutlab_policy_step_name(const cutlab_policy *policy, int step);
/* Whether some step mixes samples, so that labels must be mixed too. */
CUTLAB_API bool cutlab_policy_mixes(const cutlab_policy *policy);
/* Whether some step makes floating-point output of uint8 input (normalise). */
CUTLAB_API bool cutlab_policy_normalises(const cutlab_policy *policy);

/* A method of the registry, for help pages and bindings. Texts are static. */
typedef struct cutlab_augmentation {
  const char *name, *summary, *source; /* source: the paper or library that defines it */
} cutlab_augmentation;

/* The method of that index, false past the last. */
CUTLAB_API bool cutlab_augmentation_at(int index, cutlab_augmentation *method);
/* A parameter of the method of that index, and its default in the policy language; false past the
   last. Parameter 0 is p. */
CUTLAB_API bool cutlab_augmentation_parameter_at(int index, int parameter, cutlab_parameter *shown,
                                                 const char **default_text);

typedef struct cutlab_sampler_info {
  const char *name, *summary, *source; /* source: package, version, file and function followed */
} cutlab_sampler_info;

/* The ways to draw a box that `cutmix(sampler=...)` knows; false past the last. */
CUTLAB_API bool cutlab_sampler_at(int index, cutlab_sampler_info *sampler);

/* What a policy does on average, estimated by `draws` draws of one output each. */
typedef struct cutlab_policy_summary {
  int64_t draws;
  double applied;         /* share of outputs that some region or mixing step acted on */
  double mean_area;       /* mean share of an output replaced (partner's or erased) */
  double mean_area_error; /* its standard error */
  /* Mean |weight of the partner's label - partner's share of the output|, summed over the steps
     that mix. */
  double label_error_mean;
  double label_error_max;
  double empty; /* share of outputs where a region step was applied and replaced nothing */
} cutlab_policy_summary;

/* coverage: [height][width] float64 or NULL; the probability that a position is replaced (for
   Mixup, the partner's mean share). draws 0 chooses: 10^6, fewer for costly masks. Same numbers for
   any number of threads. */
CUTLAB_API cutlab_status cutlab_policy_describe(cutlab_context *context,
                                                cutlab_policy_summary *summary, double *coverage,
                                                const cutlab_policy *policy, int64_t height,
                                                int64_t width, int64_t draws, uint64_t seed);

/* ---- Plans ---- */

typedef struct cutlab_plan cutlab_plan;

enum { CUTLAB_ENTRY_VALUES = 4, CUTLAB_POLICY_MAX_STEPS = 64 };

/* What one step does to one output. Positions are pixels (y, x); a series has height 1. */
typedef struct cutlab_entry {
  int64_t sample;  /* id of the output's own sample */
  int64_t partner; /* id of the sample mixed in, -1 where none */
  uint64_t key;    /* random key of this step and sample */
  double lambda;   /* nominal share of the own sample, as drawn; 1 for steps that do not mix */
  double weight;   /* weight of the own label: for regions the counted share of own pixels */
  double values[CUTLAB_ENTRY_VALUES]; /* the method's own numbers, e.g. an angle; docs/methods.md */
  int64_t pixels;                     /* positions replaced, counted */
  int64_t run;                        /* first of its runs in the plan's runs */
  int32_t run_count;                  /* 0: the region is the box */
  int32_t row;                        /* position of the output in the batch */
  int32_t partner_row;                /* position of the partner in the batch, -1 where none */
  int32_t step;                       /* step of the policy */
  int32_t top, left, bottom, right;   /* box [top, bottom) x [left, right); bounds of the runs */
} cutlab_entry;

/* Consecutive positions [begin, end) of the flattened image, y * width + x. Runs of an entry rise
   and do not touch. */
typedef struct cutlab_run_range {
  int64_t begin, end;
} cutlab_run_range;

/* What a plan is drawn from. */
typedef struct cutlab_draw {
  uint64_t seed;
  int64_t epoch;          /* 0 or more; -1 in a plan that knows neither its seed nor its epoch */
  const int64_t *samples; /* [count] ids >= 0 in the data set; NULL: 0..count-1 */
  int64_t count;          /* 0 .. 2^31 - 1 */
  int64_t height, width;  /* of every image; both at least 1, their product below 2^31 */
} cutlab_draw;

/* An empty plan, to be drawn or set any number of times; its memory is reused. One thread at a
   time. Release with cutlab_plan_free. */
CUTLAB_API cutlab_status cutlab_plan_create(cutlab_context *context, cutlab_plan **plan);
CUTLAB_API void cutlab_plan_free(cutlab_plan *plan);
/* Draws a plan. The policy must outlive the plan, or the next draw. */
CUTLAB_API cutlab_status cutlab_plan_draw(cutlab_context *context, cutlab_plan *plan,
                                          const cutlab_policy *policy, const cutlab_draw *draw);
/* Takes a plan made elsewhere: `draw` as above (seed and epoch are only kept; epoch -1: they are
   not known), entries as from cutlab_plan_entries in any order. Checks everything: rows, partners,
   boxes and runs inside the image, pixel counts, weights in [0, 1]. */
CUTLAB_API cutlab_status cutlab_plan_set(cutlab_context *context, cutlab_plan *plan,
                                         const cutlab_policy *policy, const cutlab_draw *draw,
                                         const cutlab_entry *entries, int64_t entry_count,
                                         const cutlab_run_range *runs, int64_t run_count);
/* The entries, ordered by step, then row; one for every step that acts on an output. */
CUTLAB_API const cutlab_entry *cutlab_plan_entries(const cutlab_plan *plan, int64_t *count);
CUTLAB_API const cutlab_run_range *cutlab_plan_runs(const cutlab_plan *plan, int64_t *count);
/* What the plan was drawn from; `samples` is the plan's own copy. */
CUTLAB_API const cutlab_draw *cutlab_plan_drawn(const cutlab_plan *plan);
CUTLAB_API const cutlab_policy *cutlab_plan_policy(const cutlab_plan *plan);
/* mask: [height][width] uint8, 1 where the entry replaces, 0 elsewhere. */
CUTLAB_API void cutlab_plan_mask(const cutlab_plan *plan, const cutlab_entry *entry, uint8_t *mask);

/* One term of an output's label: `weight` of the label at `row` of the batch. */
typedef struct cutlab_source {
  int32_t row;
  float weight;
} cutlab_source;

/* What an output's label is made of: *sources lists distinct rows, the own row first, weights
   adding to 1. Owned by the plan, valid until it is drawn or set again. */
CUTLAB_API cutlab_status cutlab_plan_sources(cutlab_context *context, cutlab_plan *plan,
                                             int64_t row, const cutlab_source **sources,
                                             int64_t *count);

/* ---- Ledgers: plans as files ---- */

/* Writes plans, one after the other, atomically. A path that ends in .npy gives one structured
   array of entries (with a packed bit mask where a method has arbitrary masks), any other JSON
   lines, one for every output (docs/file-formats.md). */
CUTLAB_API cutlab_status cutlab_ledger_write(cutlab_context *context, const char *path,
                                             cutlab_plan *const *plans, int64_t count);
/* Reads what cutlab_ledger_write wrote for images of this size under this policy; `*plans` is
   [*count]; release each with cutlab_plan_free and the list with cutlab_free. Plans have the epoch
   -1 where the file does not say what they were drawn from. */
CUTLAB_API cutlab_status cutlab_ledger_read(cutlab_context *context, cutlab_plan ***plans,
                                            int64_t *count, const char *path,
                                            const cutlab_policy *policy, int64_t height,
                                            int64_t width);

/* ---- Buffers ---- */

typedef enum cutlab_layout { CUTLAB_NHWC, CUTLAB_NCHW } cutlab_layout;

/* A batch in the caller's memory: [count][height][width][channels] or
   [count][channels][height][width]; a series has height 1. */
typedef struct cutlab_batch {
  void *data;
  cutlab_dtype dtype; /* CUTLAB_UINT8, CUTLAB_FLOAT16 or CUTLAB_FLOAT32 */
  cutlab_layout layout;
  int64_t count, height, width, channels;
  int64_t stride; /* bytes from one sample to the next; 0: packed */
} cutlab_batch;

/* Applies a plan. `output` and `input` agree in layout and sizes with each other and the plan, and
   are either the same memory or do not overlap. In place, a single region or mixing step touches no
   byte outside its masks. uint8 becomes floating point by division by 255 (before mean and standard
   deviation, if the policy normalises); floating point never becomes uint8. */
CUTLAB_API cutlab_status cutlab_plan_apply(cutlab_context *context, const cutlab_plan *plan,
                                           const cutlab_batch *output, const cutlab_batch *input);
/* The same, pixel by pixel from the definitions: the readable twin that tests compare with. */
CUTLAB_API cutlab_status cutlab_plan_apply_reference(cutlab_context *context,
                                                     const cutlab_plan *plan,
                                                     const cutlab_batch *output,
                                                     const cutlab_batch *input);

/* ---- Labels ---- */

typedef enum cutlab_label_mix {
  CUTLAB_LABEL_LINEAR, /* weighted sum: classes, soft rows, multi-label shares, regression */
  CUTLAB_LABEL_UNION   /* largest of the sources whose weight is above 0: multi-label presence */
} cutlab_label_mix;

/* output, input: [count][classes] float32, count as the plan's; the same memory or apart, which
   is not checked. */
CUTLAB_API cutlab_status cutlab_labels_mix(cutlab_context *context, float *output,
                                           cutlab_plan *plan, const float *input, int64_t classes,
                                           cutlab_label_mix mix);
/* output: [count][classes]; 1 - smoothing at the class plus smoothing / classes everywhere.
   ids: [count], 0..classes-1; an id outside names its position. */
CUTLAB_API cutlab_status cutlab_labels_one_hot(cutlab_context *context, float *output,
                                               const int64_t *ids, int64_t count, int64_t classes,
                                               double smoothing);

#ifdef __cplusplus
}
#endif
#endif
