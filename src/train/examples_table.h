/* The table of the examples' difficulties: difficulty.npz, difficulty.csv. */
#ifndef CUTLAB_TRAIN_EXAMPLES_TABLE_H
#define CUTLAB_TRAIN_EXAMPLES_TABLE_H

#include <cutlab/array.h>

#include "base/base.h"

/* Columns, in the order of the files. */
enum {
  cutlab_difficulty_indices,
  cutlab_difficulty_labels,
  cutlab_difficulty_first_learnt,
  cutlab_difficulty_first_right,
  cutlab_difficulty_forgetting_events,
  cutlab_difficulty_learnt,
  cutlab_difficulty_el2n,
  cutlab_difficulty_margin_area,
  cutlab_difficulty_confidence,
  cutlab_difficulty_variability,
  cutlab_difficulty_correctness,
  cutlab_difficulty_columns
};

typedef struct cutlab_difficulty {
  cutlab_array columns[cutlab_difficulty_columns]; /* [count] each */
  int64_t epochs, early;                           /* in all; the one that el2n is of */
} cutlab_difficulty;

/* A column of zeros. */
cutlab_status cutlab_table_column(cutlab_context *context, cutlab_array *column, const char *name,
                                  cutlab_dtype dtype, int64_t count);
/* Element i of a column of float32, bool, uint8, int16 or int64. */
void cutlab_table_put(cutlab_array *column, int64_t i, double value);

/* Makes the columns; release with cutlab_difficulty_close, whatever is returned. */
cutlab_status cutlab_difficulty_open(cutlab_context *context, cutlab_difficulty *difficulty,
                                     int64_t count);
void cutlab_difficulty_close(cutlab_difficulty *difficulty);
/* Writes both files. */
cutlab_status cutlab_difficulty_write(cutlab_context *context, const char *folder,
                                      const cutlab_difficulty *difficulty);
/* Reads difficulty.npz; release with cutlab_difficulty_close, whatever is returned. */
cutlab_status cutlab_difficulty_read(cutlab_context *context, cutlab_difficulty *difficulty,
                                     const char *folder);

#endif
