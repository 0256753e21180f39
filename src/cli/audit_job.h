/* What the commands that audit share: reading their operands into an audit. */
#ifndef CUTLAB_CLI_AUDIT_JOB_H
#define CUTLAB_CLI_AUDIT_JOB_H

#include "options.h"

/* Options of every command that computes an audit. */
#define CUTLAB_AUDIT_OPTIONS                                                                       \
  {"predictions", 'p', "[NAME=]FILE",                                                              \
   "Predictions of one network, .npz or .npy with logits or probabilities; any operand that ends " \
   "in .npz or .npy is one too. NAME is the method, else the file's name is; files of one NAME "   \
   "are trainings of it."},                                                                        \
      {"labels", 'l', "FILE",                                                                      \
       "Classes of all examples, .npy or .npz; where predictions have none."},                     \
      {"scores", 's', "FILE",                                                                      \
       "A score for every example of the data set, .npz with scores and labels or .npy; high: "    \
       "easy. Such as the published C-scores."},                                                   \
      {"baseline", 'b', "NAME", "What the others are compared with; default: ERM, or the first."}, \
      {"partial", 0, NULL, "Audit some of the K folds, where not all are there."}, {               \
    "matched", 0, "K",                                                                             \
        "With --scores: most wrong examples of every training, in each fold, for the matched "     \
        "table; default: the fewest errors that one makes."                                        \
  }
#define CUTLAB_AUDIT_COMPUTING                                                                     \
  {"draws", 0, "N", "With --scores: draws of the bootstrap; default: 2000."},                      \
      {"confidence", 0, "C", "Of intervals, between 0 and 1; default: 0.95."},                     \
      {"quantiles", 0, "N", "Groups by difficulty; default: 10."}, {                               \
    "seed", 0, "N", "With --scores: seed of the bootstrap; default: 1."                            \
  }

/* Adds more to an audit; returns 0 or the exit code. */
typedef int (*cutlab_audit_addition)(cutlab_cli *cli, cutlab_audit *audit);

/* Makes an audit of the operands and options and of what `also` (may be NULL) adds, computed.
   Operands KEY=VALUE of a data set are left to `also`. Returns 0 or the exit code; on 0 release it
   with cutlab_audit_free. */
int cutlab_cli_audit(cutlab_cli *cli, cutlab_audit **audit, cutlab_audit_addition also);
/* Whether an operand chooses data: dataset=..., path=... */
bool cutlab_cli_is_data(const char *operand);

#endif
