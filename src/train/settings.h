/* The resolved settings of a training, for the files that carry it out. The table in
   src/train/settings.c says what each one means and accepts. */
#ifndef CUTLAB_TRAIN_SETTINGS_H
#define CUTLAB_TRAIN_SETTINGS_H

#include <cutlab/train.h>

#include "base/base.h"

typedef enum cutlab_training_method {
  CUTLAB_TRAIN_ERM,
  CUTLAB_TRAIN_CUTOUT,
  CUTLAB_TRAIN_CUTMIX,
  CUTLAB_TRAIN_MIXUP
} cutlab_training_method;
typedef enum cutlab_optimiser_kind { CUTLAB_SGD, CUTLAB_ADAMW } cutlab_optimiser_kind;
typedef enum cutlab_schedule_kind {
  CUTLAB_SCHEDULE_CONSTANT,
  CUTLAB_SCHEDULE_STEP,
  CUTLAB_SCHEDULE_COSINE,
  CUTLAB_SCHEDULE_ONE_CYCLE
} cutlab_schedule_kind;

enum { cutlab_path_size = 4096, cutlab_text_size = 65536, cutlab_word_size = 64 };

/* Field names are the settings' names. */
struct cutlab_training {
  /* data */
  char dataset[cutlab_word_size], path[cutlab_path_size];
  int64_t train_examples, test_examples;                    /* 0: all */
  char shape[cutlab_word_size], position[cutlab_word_size]; /* feature-noise */
  char fold[cutlab_word_size];                              /* "I/K", or nothing */
  /* network */
  char model[cutlab_text_size]; /* a name or layers; of a file that ends in .model, its text */
  cutlab_initialisation init;
  double init_scale;
  char backend[cutlab_word_size];
  /* augmentation: `augment` then the method's step, then normalisation; `policy`, if not empty,
     instead of the first two */
  cutlab_training_method method;
  bool normalise;
  char augment[cutlab_text_size], policy[cutlab_text_size];
  double alpha, mix_probability, cut_share; /* cutmix and mixup: alpha, p; cutout: side / width */
  double label_smoothing;
  /* optimisation */
  int64_t epochs, batch;
  cutlab_optimiser_kind optimiser;
  bool nesterov, decay_norms; /* decay_norms: weight decay on norms and biases too */
  double learning_rate, momentum, weight_decay;
  double beta1, beta2, epsilon;
  cutlab_schedule_kind schedule;
  int step_count;
  double warmup, final_rate; /* epochs; share of learning_rate at the end of cosine and one-cycle */
  double step_epochs[16], step_factor; /* [step_count]; schedule = step */
  uint64_t seed;
  /* computing and recording */
  int64_t workers;           /* loader threads, 1.. */
  int64_t evaluate_every;    /* epochs */
  int64_t checkpoint_every;  /* epochs */
  double checkpoint_minutes; /* also after so many minutes; 0: never */
  int64_t keep;              /* checkpoints kept */
  bool clean_accuracy;       /* also accuracy on unmixed training data, in evaluation mode */
  bool log_steps;            /* steps.jsonl: the loss of every step */
  bool log_examples;         /* examples/ and difficulty.npz */

  uint64_t given; /* bit i: row i of the table was set by name; no recipe changes it */
};

/* Whether a setting decides what numbers are computed: not those that say where the data are and
   what is logged. */
bool cutlab_training_decides(const char *key);

/* methods.c: methods as they are told apart: those of the setting, and policies of the user's own,
   which stand instead of them. */
enum {
  cutlab_training_methods = CUTLAB_TRAIN_MIXUP + 1,
  cutlab_training_own_policy = cutlab_training_methods
};
/* From the texts of the settings `method` and `policy`; -1: no such method. */
int cutlab_training_method_of(const char *method, const char *policy);
/* "CutMix"; NULL for a policy and past it. */
const char *cutlab_training_method_label(int method);
/* Whether a setting says what the method (-1: any) does, and the others do not read it. */
bool cutlab_training_owns(int method, const char *setting);

/* The whole policy of a training as text: augment | method | normalise, for a collection of this
   size. Release with free. */
cutlab_status cutlab_training_policy(cutlab_context *context, char **text,
                                     const struct cutlab_training *training,
                                     const cutlab_collection *collection);
/* The step of it that normalises, alone: what data go through for evaluation. Release with free. */
cutlab_status cutlab_training_evaluation_policy(cutlab_context *context, char **text,
                                                const struct cutlab_training *training,
                                                const cutlab_collection *collection);

#endif
