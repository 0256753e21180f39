/* Where in a finished sweep's map each feature stops being learnt. */
#ifndef CUTLAB_SWEEP_MEASURED_H
#define CUTLAB_SWEEP_MEASURED_H

#include <jansson.h>

#include "sweep/results.h"

/* "measured" of sweep.json: a boundary for each accuracy_K and value of the axes other than x and y
   of the map. Writes boundaries.csv, or removes it where there is none. */
cutlab_status cutlab_measured_write(cutlab_context *context, json_t **measured, const char *folder,
                                    const cutlab_book *book);

#endif
