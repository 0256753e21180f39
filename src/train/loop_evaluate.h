/* How a network does on examples as they are: normalised, not augmented. */
#ifndef CUTLAB_TRAIN_LOOP_EVALUATE_H
#define CUTLAB_TRAIN_LOOP_EVALUATE_H

#include <cutlab/augment.h>
#include <cutlab/collection.h>
#include <cutlab/network.h>

#include "base/json.h"

typedef struct cutlab_outcome {
  double loss, accuracy; /* mean cross-entropy; share of examples predicted right */
} cutlab_outcome;

/* What evaluation goes through. */
typedef struct cutlab_evaluator {
  cutlab_network *network;
  const cutlab_policy *policy; /* the normalisation alone */
  int64_t channels, height, width, classes;
  int64_t batch;    /* examples at a time */
  const char *what; /* for progress, which shows examples done */
} cutlab_evaluator;

/* Examples at a time for a training with batches of `batch`. */
int64_t cutlab_evaluation_batch(int64_t batch);
/* logits: [count][classes]. `outcome` may be NULL. */
cutlab_status cutlab_evaluate(cutlab_context *context, const cutlab_evaluator *evaluator,
                              cutlab_outcome *outcome, float *logits,
                              const cutlab_examples *examples);
/* The class with the largest logit, the first of equals. */
int64_t cutlab_predicted(const float *logits, int64_t classes);
/* What the network makes of every planted feature: an array of {name, frequency, output, accuracy}.
   output: mean over its probes of the logit of their class minus the largest other one; accuracy:
   on the test examples that show it (test_logits: [test.count][classes]), null where there are
   none. */
cutlab_status cutlab_evaluate_features(cutlab_context *context, const cutlab_evaluator *evaluator,
                                       json_t **features, const cutlab_collection *collection,
                                       const float *test_logits);
/* logits.npz: logits [N][classes] float32, labels and predictions [N] int64, and where the examples
   have them indices [N] int64. */
cutlab_status cutlab_logits_write(cutlab_context *context, const char *path, float *logits,
                                  const cutlab_examples *examples, int64_t classes);

#endif
