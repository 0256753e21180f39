/* What an audit holds, for the files that fill, compute and show it. */
#ifndef CUTLAB_AUDIT_INTERNAL_H
#define CUTLAB_AUDIT_INTERNAL_H

#include <cutlab/audit.h>

#include "base/base.h"
#include "base/json.h"

/* Predictions as they were added: of one network, on some of the examples. */
typedef struct cutlab_audit_input {
  char *name, *method; /* folder or file; the method's label */
  bool is_run, held_out;
  int64_t seed, fold, folds; /* fold 0..folds-1; folds 0: none. A file's seed: its number among
                                those of its method, from 1 */
  int64_t count, classes;    /* N, K */
  int64_t *indices, *labels; /* [N] places in the data set (NULL: 0..N-1); NULL: not known */
  int64_t *predictions;      /* [N] the most probable class, the first of equals */
  float *log_probabilities;  /* [N][K] */
  char *fingerprint;         /* of a run's data, or NULL */
  json_t *record;            /* a run's run.json, or NULL */
} cutlab_audit_input;

/* One training of a method, all its folds together. Arrays are over the audited examples. */
typedef struct cutlab_audit_training {
  char *name; /* "seed 1", or the file's name */
  int64_t seed;
  int64_t *prediction; /* [N] class */
  uint8_t *wrong;      /* [N] prediction is not the label */
  double *margin;      /* [N] log p(label) - largest other log p: below 0 where wrong. NaN never;
                          -INFINITY and INFINITY are possible */
  double *probability; /* [N] p(label) */
  int64_t errors;      /* how many are wrong */
} cutlab_audit_training;

typedef struct cutlab_audit_method {
  char *label; /* "ERM", "CutMix", or the user's */
  int training_count;
  cutlab_audit_training *trainings; /* by seed */
} cutlab_audit_method;

/* An estimate, a mean over trainings, with its uncertainty. */
typedef struct cutlab_audit_estimate {
  double value;
  double examples_low, examples_high; /* interval over examples: these networks, other examples */
  double low, high;                   /* over trainings too: other networks. NaN where a method has
                                         fewer than 3 trainings */
  double examples_p, p;               /* two-sided, of value = 0; of differences only, else NaN */
  double adjusted_p;                  /* Holm: over the comparisons of its family; of p, or of
                                         examples_p where p is NaN */
} cutlab_audit_estimate;

enum {
  cutlab_audit_mean,
  cutlab_audit_q1,
  cutlab_audit_q2,
  cutlab_audit_q3,
  cutlab_audit_statistics /* of the scores of misclassified examples */
};
extern const char *const cutlab_audit_statistic_names[cutlab_audit_statistics];

/* Row of the C-score table: a method. */
typedef struct cutlab_audit_row {
  double errors; /* mean over trainings of how many examples the statistics are of */
  cutlab_audit_estimate statistics[cutlab_audit_statistics];
  double
      *of_training; /* [trainings][cutlab_audit_statistics]; NaN where a training has no errors */
} cutlab_audit_row;

/* Two methods of the C-score table: second minus first. */
typedef struct cutlab_audit_pair {
  int first, second;
  bool paired; /* both have the same seeds */
  cutlab_audit_estimate statistics[cutlab_audit_statistics];
} cutlab_audit_pair;

typedef struct cutlab_audit_table {
  bool there;             /* needs scores, and an error in every training */
  int64_t matched;        /* errors of every training, its folds together; -1: all it makes */
  cutlab_audit_row *rows; /* [methods] */
  cutlab_audit_pair *pairs;
  int pair_count;
} cutlab_audit_table;

enum { cutlab_audit_bins = 20, cutlab_audit_levels = 101 };

/* Curves of one method, means over trainings. */
typedef struct cutlab_audit_curves {
  double
      histogram[cutlab_audit_bins];     /* share of its errors with scores in bin b; bins are of
                                           equal width from the lowest audited score to the highest */
  double quantile[cutlab_audit_levels]; /* of its errors' scores, at level i / 100 */
  double error_rate[cutlab_audit_bins]; /* of the examples in the bin; NaN where there are none */
} cutlab_audit_curves;

/* What became of an example under a method, against the baseline, by the share of trainings that
   are right about it. */
typedef enum cutlab_audit_fate {
  CUTLAB_AUDIT_ALWAYS_RIGHT, /* in all trainings of both */
  CUTLAB_AUDIT_RESCUED,      /* the method is right more often */
  CUTLAB_AUDIT_HURT,         /* the baseline is */
  CUTLAB_AUDIT_ALWAYS_WRONG, /* in all trainings of both */
  CUTLAB_AUDIT_UNSTEADY,     /* as often, but neither 0 nor 1 */
  cutlab_audit_fates
} cutlab_audit_fate;
const char *cutlab_audit_fate_name(cutlab_audit_fate fate); /* "always right" */

/* Examples that have something in common: all, a class, a range of difficulty. */
typedef struct cutlab_audit_group {
  char *name;       /* "all", "cat", "difficulty 1 of 10" (1: the hardest) */
  double low, high; /* of a range of difficulty, else NaN */
  int64_t count;
  int64_t fates[cutlab_audit_fates];
  double rescued, hurt; /* mean over pairs of trainings, of different seeds where there are several,
                           of how many change from wrong to right, and from right to wrong, between
                           the baseline and the method */
  double rescued_again, hurt_again; /* the same between two trainings of the baseline, which differ
                                       by chance alone; NaN with one training */
  double baseline_accuracy, accuracy;
  cutlab_audit_estimate gain; /* accuracy minus baseline_accuracy; with one training each p is exact
                                 (McNemar), in examples_p */
} cutlab_audit_group;

/* The baseline against one other method. */
typedef struct cutlab_audit_comparison {
  int baseline, method;
  bool paired; /* by seed */
  cutlab_audit_group all;
  cutlab_audit_group *classes;    /* [classes]; gain.adjusted_p: Holm over them */
  cutlab_audit_group *difficulty; /* [options.quantiles, at most N], the hardest first; Holm */
  uint8_t *fate;                  /* [N] cutlab_audit_fate */
  double *gain;                   /* [N] share of the method's trainings that are right minus the
                                     baseline's */
  double *confidence_gain;        /* [N] the same of the mean probability of the label */
  int64_t *rescued_most,
      *hurt_most; /* [shown] examples by gain, then confidence_gain, then place */
  int64_t rescued_shown, hurt_shown;
} cutlab_audit_comparison;

enum { cutlab_audit_shown = 60 }; /* examples of a gallery, at most */

struct cutlab_audit {
  /* As added. */
  cutlab_audit_input *inputs;
  int input_count;
  char *labels_path, *scores_path;
  int64_t all_count;                    /* labels or scores given: examples of the whole data set */
  int64_t *all_labels;                  /* [all_count], or NULL */
  int64_t score_count, *score_labels;   /* labels in the scores' file: [score_count], or NULL */
  double *all_scores;                   /* [score_count], or NULL */
  int64_t source_count, *score_sources; /* marks of the predictions that scores were made of */
  char **class_names;
  int64_t class_name_count;
  cutlab_collection images; /* zero: none */
  bool has_images;

  /* Put together (assemble.c). */
  bool held_out;                 /* the examples are of a training part */
  int64_t count, classes, folds; /* N audited examples; folds that there are (1: no folds) */
  int64_t *index;                /* [N] place in the data set, rising */
  int64_t *label;                /* [N] */
  int64_t *fold;                 /* [N] 0..folds-1, numbered from 0 without gaps */
  double *score;                 /* [N], or NULL */
  double *difficulty; /* [N] score if there is one; otherwise the mean over all trainings of the
                         margin's rank, 0..1. Low: hard */
  cutlab_audit_method *methods; /* the baseline first, then the usual ones
                                   in their order, then as added */
  int method_count;
  cutlab_audit_options options; /* with the defaults filled in */

  /* Computed. */
  cutlab_audit_table plain, matched;
  cutlab_audit_curves *curves;          /* [methods]; NULL without scores */
  double bin_low, bin_high;             /* of the first bin and the last */
  cutlab_audit_comparison *comparisons; /* [method_count - 1] */
  bool computed;
};

/* assemble.c: checks the inputs and puts them together. */
cutlab_status cutlab_audit_assemble(cutlab_context *context, cutlab_audit *audit);
/* difficulty.c: the audit's difficulty, once its trainings are there. */
cutlab_status cutlab_audit_find_difficulty(cutlab_context *context, cutlab_audit *audit);
/* table.c: plain, matched and curves; nothing without scores. */
cutlab_status cutlab_audit_tabulate(cutlab_context *context, cutlab_audit *audit);
/* compare.c: comparisons; options.quantiles becomes at most count. */
cutlab_status cutlab_audit_compare(cutlab_context *context, cutlab_audit *audit);
/* Release what these made. */
void cutlab_audit_clear_assembled(cutlab_audit *audit);
void cutlab_audit_clear_tables(cutlab_audit *audit);
void cutlab_audit_clear_comparisons(cutlab_audit *audit);
/* summary.c: everything but the examples; a new reference. */
cutlab_status cutlab_audit_json(cutlab_context *context, json_t **json, const cutlab_audit *audit);
/* Over a method's trainings: the share that are right about an example, and the mean probability of
   its label. */
double cutlab_audit_share_right(const cutlab_audit_method *method, int64_t example);
double cutlab_audit_mean_probability(const cutlab_audit_method *method, int64_t example);
/* Mean accuracy of a method's trainings. */
double cutlab_audit_accuracy(const cutlab_audit *audit, int method);

/* order.c: does the mean score of what is misclassified fall from ERM to Cutout to CutMix? */
typedef enum cutlab_audit_verdict {
  CUTLAB_AUDIT_DOES_NOT_HOLD,
  CUTLAB_AUDIT_HOLDS_UNSURELY, /* the estimates fall, but not both steps have p < 1 - confidence */
  CUTLAB_AUDIT_HOLDS
} cutlab_audit_verdict;
typedef struct cutlab_audit_order {
  bool known;       /* there are tables with all three methods */
  bool of_networks; /* one has fewer than 3 trainings: about these networks, not the methods */
  cutlab_audit_verdict plain, matched;
} cutlab_audit_order;
cutlab_audit_order cutlab_audit_order_of(const cutlab_audit *audit);
const char *cutlab_audit_order_text(cutlab_audit_verdict verdict);

/* The place of the method of that name, as it stands or else in any case; -1: none. */
int cutlab_audit_find_method(const cutlab_audit *audit, const char *name);
/* Fails: "WHAT is 'NAME'; accepted: " and the methods. name NULL: it was not named. */
cutlab_status cutlab_audit_refuse_method(cutlab_context *context, const cutlab_audit *audit,
                                         const char *what, const char *name);

/* The name of a class, or its id as text in `text`. */
const char *cutlab_audit_class_name(const cutlab_audit *audit, int64_t label, char text[24]);

#endif
