/* The files of a finished sweep, and what is said of it. */
#ifndef CUTLAB_SWEEP_RESULTS_H
#define CUTLAB_SWEEP_RESULTS_H

#include "sweep/book.h"

/* results.csv, runs.csv, results.npz, sweep.json */
cutlab_status cutlab_results_write(cutlab_context *context, const char *folder,
                                   const cutlab_book *book);
/* sweep.yaml */
cutlab_status cutlab_results_write_spec(cutlab_context *context, const char *folder,
                                        const cutlab_spec *spec);
/* One JSON object: counts, the first failure, the range of each measure over cells. Release with
   cutlab_free. */
cutlab_status cutlab_results_summary(cutlab_context *context, char **text, const cutlab_book *book);
/* Warns where accuracies are undefined because they are counted, and nothing says on how many
   points. */
cutlab_status cutlab_results_warn(cutlab_context *context, const cutlab_book *book);
/* A measure's mean over the seeds of a cell. */
double cutlab_results_mean(const cutlab_book *book, int64_t cell, int measure);

#endif
