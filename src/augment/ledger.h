/* What the formats of a ledger share. */
#ifndef CUTLAB_AUGMENT_LEDGER_H
#define CUTLAB_AUGMENT_LEDGER_H

#include <stdio.h>

#include "augment/plan.h"

/* Puts the plans' ledger into memory; release *text with free. */
cutlab_status cutlab_ledger_to_lines(cutlab_context *context, char **text, size_t *size,
                                     cutlab_plan *const *plans, int64_t count);
cutlab_status cutlab_ledger_to_npy(cutlab_context *context, char **bytes, size_t *size,
                                   cutlab_plan *const *plans, int64_t count);

/* Plans being read, batch by batch. Outputs come in order; entries after the output they are of. */
typedef struct cutlab_ledger_reader {
  cutlab_context *context;
  const char *path;
  const cutlab_policy *policy;
  int64_t height, width;
  cutlab_plan **plans;
  int64_t plan_count, plan_capacity;
  /* Of the batch that is being read. */
  uint64_t seed;
  int64_t epoch; /* -1: the file does not say seed and epoch */
  int64_t *samples;
  int64_t sample_count, sample_capacity;
  cutlab_entry *entries;
  int64_t entry_count, entry_capacity;
  cutlab_run_range *runs;
  int64_t run_count, run_capacity;
} cutlab_ledger_reader;

/* An output, and what its batch was drawn from. */
typedef struct cutlab_ledger_output {
  int64_t batch, row, sample;
  uint64_t seed;
  int64_t epoch;
} cutlab_ledger_output;

/* Takes the next output, in the batch that is being read or at the start of the next. */
cutlab_status cutlab_ledger_take_output(cutlab_ledger_reader *reader,
                                        const cutlab_ledger_output *output);
/* Takes an entry of the last output. Its members run and run_count say which of reader->runs. */
cutlab_status cutlab_ledger_take_entry(cutlab_ledger_reader *reader, const cutlab_entry *entry);
cutlab_status cutlab_ledger_take_run(cutlab_ledger_reader *reader, int64_t begin, int64_t end);

cutlab_status cutlab_ledger_from_lines(cutlab_ledger_reader *reader, char *text, size_t size);
cutlab_status cutlab_ledger_from_npy(cutlab_ledger_reader *reader, const char *bytes, size_t size);

#endif
