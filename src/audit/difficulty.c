/* How hard each audited example is, where no scores say so. */
#include <stdlib.h>

#include "audit/statistics.h"

/* Adds to each example the share of examples whose margin is smaller, those that are equal by half
   (the mid-rank): 0 for the hardest to 1. */
static void add_ranks(double *difficulty, cutlab_sort_key *keys, const double *margin,
                      int64_t count) {
  for (int64_t i = 0; i < count; ++i) keys[i] = (cutlab_sort_key){.first = margin[i], .place = i};
  cutlab_sort(keys, count);
  for (int64_t first = 0, end; first < count; first = end) {
    for (end = first + 1; end < count && !(keys[end].first > keys[first].first);) ++end;
    double rank = ((double)(first + end) / 2 - 0.5) / (double)(count > 1 ? count - 1 : 1);
    for (int64_t k = first; k < end; ++k) difficulty[keys[k].place] += rank;
  }
}

/* The mean of the margin's rank over all trainings. Ranks and not probabilities, and each training
   as much as any other: trainings of one law are then exchangeable whatever the scale of their
   logits, so that in no group one side looks better by the grouping alone. */
static void rank_all(cutlab_audit *audit, cutlab_sort_key *keys) {
  int trainings = 0;
  for (int m = 0; m < audit->method_count; ++m) {
    const cutlab_audit_method *method = &audit->methods[m];
    trainings += method->training_count;
    for (int t = 0; t < method->training_count; ++t)
      add_ranks(audit->difficulty, keys, method->trainings[t].margin, audit->count);
  }
  for (int64_t i = 0; i < audit->count; ++i) audit->difficulty[i] /= trainings;
}

cutlab_status cutlab_audit_find_difficulty(cutlab_context *context, cutlab_audit *audit) {
  audit->difficulty = cutlab_allocate(context, audit->count, sizeof *audit->difficulty);
  cutlab_sort_key *keys = cutlab_allocate(context, audit->count, sizeof *keys);
  bool good = audit->difficulty && keys;
  if (good && !audit->score) rank_all(audit, keys);
  for (int64_t i = 0; good && audit->score && i < audit->count; ++i)
    audit->difficulty[i] = audit->score[i];
  free(keys);
  return good ? CUTLAB_OK : CUTLAB_ERROR_MEMORY;
}
