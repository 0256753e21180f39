/* Auditing networks: which examples each method gets wrong, how hard those are, and whom a method
   helps or hurts. docs/audit.md says what is computed and what it means. */
#ifndef CUTLAB_AUDIT_H
#define CUTLAB_AUDIT_H

#include <cutlab/collection.h>
#include <cutlab/train.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Predictions of trainings of at least one method on the same examples. */
typedef struct cutlab_audit cutlab_audit;

/* How to compute. Zeroed fields take the defaults. */
typedef struct cutlab_audit_options {
  const char *baseline; /* method that the others are compared with; NULL: erm if there, or the
                           first that was added */
  int64_t draws;        /* of the bootstrap; 0: 2000 */
  double confidence;    /* of intervals, 0..1; 0: .95 */
  uint64_t seed;        /* of the bootstrap */
  int64_t matched;      /* most wrong examples of every training, in each fold, for the matched
                           table; 0: as many as the training with the fewest errors makes */
  int64_t quantiles;    /* groups of equal size by difficulty; 0: 10 */
  bool partial;         /* take some of the K folds for an audit of those */
} cutlab_audit_options;

/* Release with cutlab_audit_free, which accepts NULL. */
CUTLAB_API cutlab_status cutlab_audit_create(cutlab_context *context, cutlab_audit **audit);
CUTLAB_API void cutlab_audit_free(cutlab_audit *audit);

/* Adds a finished training: its held-out predictions (heldout.npz) or, trained without `fold`,
   those of its test data (logits.npz). The method is the run's, its seed tells trainings of it
   apart, and trainings that differ in `fold` only are one. */
CUTLAB_API cutlab_status cutlab_audit_add_run(cutlab_context *context, cutlab_audit *audit,
                                              const char *folder);
/* Adds every run in a folder: itself, or those below it at any depth that have finished, predicted
   something and are not damaged, and of these the largest number on the same data, classes,
   examples and folds; a warning names the others. Simulations are passed over. */
CUTLAB_API cutlab_status cutlab_audit_add_runs(cutlab_context *context, cutlab_audit *audit,
                                               const char *folder);
/* Adds predictions of one network from elsewhere: .npy or .npz with logits, or probabilities,
   [N][classes] of any floating dtype, in .npz as the member logits, log_probs, probabilities,
   probs, pred_probs or the only one with two axes; optionally labels [N] and indices [N], rising.
   Rows of numbers from 0 to 1 that sum to 1 are probabilities. `method`: NULL for the file's name
   without folder and extension; several files of one method are trainings of it, paired in their
   order. */
CUTLAB_API cutlab_status cutlab_audit_add_predictions(cutlab_context *context, cutlab_audit *audit,
                                                      const char *method, const char *path);
/* Class ids of the data set in its order, [N] integers as .npy or the member `labels` of an .npz;
   must agree with those of the predictions. Needed where no prediction has labels. */
CUTLAB_API cutlab_status cutlab_audit_set_labels(cutlab_context *context, cutlab_audit *audit,
                                                 const char *path);
/* One score for every example of the data set in its order: an .npz with `scores` [N] and, if it
   has them, `labels` [N] to check the order by (such as the published C-scores), or an .npy. High:
   easy. */
CUTLAB_API cutlab_status cutlab_audit_set_scores(cutlab_context *context, cutlab_audit *audit,
                                                 const char *path);
/* Names of the classes, one a line. */
CUTLAB_API cutlab_status cutlab_audit_set_class_names(cutlab_context *context, cutlab_audit *audit,
                                                      const char *path);
/* The examples themselves, for the report's pictures: the training part of `source` where the
   audited examples were held out, or else its test part. Labels must agree. */
CUTLAB_API cutlab_status cutlab_audit_set_images(cutlab_context *context, cutlab_audit *audit,
                                                 const cutlab_collection_source *source);

/* The same from the data of the first run that was added, if there is one; a warning where they are
   no longer there. */
CUTLAB_API cutlab_status cutlab_audit_own_images(cutlab_context *context, cutlab_audit *audit);

/* Checks that everything fits together and computes; `options` may be NULL. Every training must
   have predicted the same examples once: anything else is CUTLAB_ERROR_ARGUMENT, and no table. */
CUTLAB_API cutlab_status cutlab_audit_compute(cutlab_context *context, cutlab_audit *audit,
                                              const cutlab_audit_options *options);

/* What was computed, as JSON (docs/file-formats.md) and as a table to read; release with
   cutlab_free. */
CUTLAB_API cutlab_status cutlab_audit_to_json(cutlab_context *context, char **text,
                                              const cutlab_audit *audit);
CUTLAB_API cutlab_status cutlab_audit_to_text(cutlab_context *context, char **text,
                                              const cutlab_audit *audit);
/* Writes into `folder`: audit.html, one self-contained page; audit.json; every number as .csv; and
   figures, as cutlab_report_write does. */
CUTLAB_API cutlab_status cutlab_audit_report(cutlab_context *context, const char *folder,
                                             const cutlab_audit *audit);

/* Trainings to audit: one for every method, fold and seed. */
typedef struct cutlab_audit_plan {
  const char *const *methods; /* [method_count] values of the setting `method` */
  int method_count;
  int64_t folds;            /* K, at least 2 */
  const int64_t *fold_list; /* [fold_count] folds 1..K to train; NULL: all */
  int fold_count;
  int64_t first_seed, seeds; /* seeds first_seed, first_seed + 1, ... */
} cutlab_audit_plan;

/* Trains them one after another, each in `folder`/METHOD-foldIofK-seedS, with `training`'s other
   settings. Finished ones are left as they are, unfinished ones go on, and those that another
   process is at are passed over: so the same call resumes, and several processes share the work,
   but for file systems that cannot lock files, which are a warning. All other settings, and
   the number of folds, must be those of the trainings that are there, and `policy` empty. At most
   1,000,000 folds, seeds, and trainings in all; one seed of data that are drawn by it. *summary
   (may be NULL): JSON with trainings, finished (by this or another process) and elsewhere (passed
   over), counts; release with cutlab_free. */
CUTLAB_API cutlab_status cutlab_audit_train(cutlab_context *context, char **summary,
                                            const char *folder, const cutlab_training *training,
                                            const cutlab_audit_plan *plan);

/* What other tools read. */
typedef enum cutlab_audit_format {
  CUTLAB_AUDIT_PRED_PROBS, /* .npz for cleanlab: pred_probs [N][classes], labels [N], indices [N] */
  CUTLAB_AUDIT_CSCORES     /* .npz like the published C-scores: scores [N], the share of trainings
                              that are right about an example held out of them, labels [N] */
} cutlab_audit_format;
/* Of one method (NULL: of the only one), over its trainings. Needs cutlab_audit_compute. */
CUTLAB_API cutlab_status cutlab_audit_export(cutlab_context *context, const char *path,
                                             const cutlab_audit *audit, const char *method,
                                             cutlab_audit_format format);

#ifdef __cplusplus
}
#endif
#endif
