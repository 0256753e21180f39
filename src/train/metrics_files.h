/* Files of JSON lines that are numbered 1, 2, ... by one of their keys. */
#ifndef CUTLAB_TRAIN_METRICS_FILES_H
#define CUTLAB_TRAIN_METRICS_FILES_H

#include "base/json.h"

/* Keeps lines 1 to `last` of a file (an absent one is empty) and drops the rest, damage included.
   CUTLAB_ERROR_FORMAT where one of them is damaged or missing. *lines (may be NULL): an array of
   them. */
cutlab_status cutlab_lines_rewind(cutlab_context *context, json_t **lines, const char *path,
                                  const char *key, int64_t last);
/* Adds a line to a file by one write, and to disk. */
cutlab_status cutlab_line_append(cutlab_context *context, const char *path, const char *line);

#endif
