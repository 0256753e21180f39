/* Reports: tables, figures and a self-contained HTML page from run folders. */
#ifndef CUTLAB_REPORT_H
#define CUTLAB_REPORT_H

#include <stdbool.h>

#include <cutlab/context.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Reads `count` run folders, of simulations and trained networks (or folders that hold run folders,
   at any depth), and writes into `folder`: report.html, .csv files (docs/report.md),
   figures/NAME.vl.json, and where Node.js and rsvg-convert are found, figures/NAME.svg, .pdf and
   .png. Runs of one kind are grouped by everything but method and seed; of those that repeat both
   in a group one counts, with a warning: the first by path, of those that are finished if any is.
   `*table` (may be NULL) is a plain-text summary table; release with cutlab_free. Missing Node.js
   or rsvg-convert is a warning, and so is a damaged run or unreadable folder below one that is
   named; a named one is CUTLAB_ERROR_FORMAT or CUTLAB_ERROR_IO. */
CUTLAB_API cutlab_status cutlab_report_write(cutlab_context *context, char **table,
                                             const char *folder, const char *const *runs,
                                             int count);

/* Whether a folder has the results of a sweep. */
CUTLAB_API bool cutlab_report_is_sweep(const char *folder);
/* Reads the results in the folder `sweep` and writes into `folder`, usually the same: report.html
   and figures/ as above. Each of `count` references is "MEASURE=FILE", a text matrix with a row for
   each value of the map's y and a column for each of x, to compare the measure with; comparison.csv
   and comparison.json say how they differ. `*text` (may be NULL) is what was found, in sentences;
   release with cutlab_free. A file of another shape, or that holds no numbers, is
   CUTLAB_ERROR_FORMAT and names row and column. */
CUTLAB_API cutlab_status cutlab_report_sweep(cutlab_context *context, char **text,
                                             const char *folder, const char *sweep,
                                             const char *const *references, int count);

#ifdef __cplusplus
}
#endif
#endif
