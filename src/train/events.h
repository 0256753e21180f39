/* Event files, which TensorBoard shows as curves. */
#ifndef CUTLAB_TRAIN_EVENTS_H
#define CUTLAB_TRAIN_EVENTS_H

#include "base/base.h"

typedef struct cutlab_events cutlab_events;

/* Starts a new file in an existing folder, beside earlier ones: TensorBoard reads all files of a
   folder as one run, in the order of their names. Release with cutlab_events_close. */
cutlab_status cutlab_events_open(cutlab_context *context, cutlab_events **events,
                                 const char *folder);
/* Adds a point to the curve `tag`, such as "test/accuracy" (UTF-8, under 256 bytes), and hands it
   to the system. `wall_time` in seconds since 1970. */
cutlab_status cutlab_events_scalar(cutlab_context *context, cutlab_events *events, const char *tag,
                                   int64_t step, double wall_time, double value);
/* Accepts NULL. */
void cutlab_events_close(cutlab_events *events);

/* CRC-32C (Castagnoli). */
uint32_t cutlab_crc32c(const void *data, size_t size);

#endif
