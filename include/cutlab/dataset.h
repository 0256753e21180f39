/* Data sets of the theory wing: labelled examples of P patches, drawn from the
   feature-noise world or brought by the user. */
#ifndef CUTLAB_DATASET_H
#define CUTLAB_DATASET_H

#include <stdint.h>

#include <cutlab/experiment.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cutlab_dataset cutlab_dataset;

/* How the noise is held.
   HELD: patches as vectors of R^d, and filters too.
   GRAM: patches drawn in R^d, then only their inner products are kept.
   WISHART: the inner products are drawn directly (Bartlett's decomposition), identical in
   law to GRAM at a cost independent of d; needs d - 2K >= n(P-1) + 2m
   (d - K with opposite features, which span K directions).
   AUTO: WISHART where it can be had, else the cheaper of the others. */
typedef enum cutlab_form {
  CUTLAB_FORM_AUTO,
  CUTLAB_FORM_HELD,
  CUTLAB_FORM_GRAM,
  CUTLAB_FORM_WISHART
} cutlab_form;

/* Draws the data set that an experiment describes; a function of the experiment alone.
   Release with cutlab_dataset_free. CUTLAB_ERROR_ARGUMENT where the form cannot hold it,
   CUTLAB_ERROR_MEMORY says how much is needed. */
CUTLAB_API cutlab_status cutlab_dataset_draw(cutlab_context *context, cutlab_dataset **dataset,
                                             const cutlab_experiment *experiment);
/* A user's own data. patches: [examples][patches][dimension] float64, copied;
   labels: [examples], each +1 or -1. */
CUTLAB_API cutlab_status cutlab_dataset_from_patches(cutlab_context *context,
                                                     cutlab_dataset **dataset,
                                                     const double *patches, const int8_t *labels,
                                                     int64_t examples, int64_t patch_count,
                                                     int64_t dimension);
/* Writes the data set as .npz; docs/file-formats.md lists the members. */
CUTLAB_API cutlab_status cutlab_dataset_write(cutlab_context *context, const char *path,
                                              const cutlab_dataset *dataset);
/* Reads what cutlab_dataset_write wrote, or any .npz with `patches` [n][P][d] float64 and
   `labels` [n] (+1, -1; any integer type). Warns of a drawn data set that lacks the law of its
   world, as CutLab once wrote them. */
CUTLAB_API cutlab_status cutlab_dataset_read(cutlab_context *context, cutlab_dataset **dataset,
                                             const char *path);
/* Gives the experiment the parameters of the world that the data set is from, as far as it knows
   them: of a user's own data the sizes. CUTLAB_ERROR_ARGUMENT where one was set to another value,
   by name and not by a preset, unless the data are a user's own. */
CUTLAB_API cutlab_status cutlab_dataset_describe(cutlab_context *context,
                                                 cutlab_experiment *experiment,
                                                 const cutlab_dataset *dataset);
CUTLAB_API void cutlab_dataset_free(cutlab_dataset *dataset);

CUTLAB_API int64_t cutlab_dataset_examples(const cutlab_dataset *dataset);
CUTLAB_API int64_t cutlab_dataset_patches(const cutlab_dataset *dataset);
CUTLAB_API int64_t cutlab_dataset_dimension(const cutlab_dataset *dataset);
CUTLAB_API int64_t cutlab_dataset_positives(const cutlab_dataset *dataset);
/* [examples], +1 or -1, as training sees them, some flipped; owned by the data set. */
CUTLAB_API const int8_t *cutlab_dataset_labels(const cutlab_dataset *dataset);
/* [examples]: index 0..K-1 of the feature in each example, or NULL for a user's own data. */
CUTLAB_API const int32_t *cutlab_dataset_feature_indices(const cutlab_dataset *dataset);
/* The form it is held in (never AUTO). */
CUTLAB_API cutlab_form cutlab_dataset_form(const cutlab_dataset *dataset);

#ifdef __cplusplus
}
#endif
#endif
