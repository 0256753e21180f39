/* TensorBoard's event files.
   A file is a sequence of records (TensorFlow, core/lib/io/record_writer.cc):
     uint64 length, uint32 masked CRC-32C of the length, the data, uint32 masked CRC-32C of the
   data, little-endian. The data of a record is a protocol buffer Event (core/util/event.proto): 1
   double wall_time, 2 int64 step, 3 string file_version, 5 Summary summary, Summary
   (core/framework/summary.proto) has 1 repeated Value, Value 1 string tag and 2 float simple_value.
   The first record holds the version alone. */
#include "train/events.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/file.h"

enum { tag_size = 256, event_size = 512 };
enum { wire_varint = 0, wire_64_bits = 1, wire_bytes = 2, wire_32_bits = 5 };

struct cutlab_events {
  FILE *file;
  char *path;
};

/* A message that is being written. */
typedef struct message {
  unsigned char data[event_size];
  size_t size;
} message;

uint32_t cutlab_crc32c(const void *data, size_t size) {
  const unsigned char *bytes = data;
  uint32_t crc = UINT32_MAX;
  for (size_t i = 0; i < size; ++i) {
    crc ^= bytes[i];
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (crc & 1 ? UINT32_C(0x82f63b78) : 0);
  }
  return ~crc;
}

/* A CRC of data that hold CRCs is weak: records keep it rotated and shifted. */
static uint32_t masked_crc(const void *data, size_t size) {
  uint32_t crc = cutlab_crc32c(data, size);
  return (crc >> 15 | crc << 17) + UINT32_C(0xa282ead8);
}

static void put_little_endian(message *m, uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) m->data[m->size++] = (unsigned char)(value >> 8 * i);
}

static void put_varint(message *m, uint64_t value) {
  for (; value >= 128; value >>= 7) m->data[m->size++] = (unsigned char)(value | 128);
  m->data[m->size++] = (unsigned char)value;
}

static void put_key(message *m, unsigned field, unsigned wire) {
  put_varint(m, field << 3 | wire);
}

static void put_bytes(message *m, unsigned field, const void *data, size_t size) {
  put_key(m, field, wire_bytes);
  put_varint(m, size);
  memcpy(m->data + m->size, data, size);
  m->size += size;
}

static void put_double(message *m, unsigned field, double value) {
  uint64_t bits;
  memcpy(&bits, &value, sizeof bits);
  put_key(m, field, wire_64_bits);
  put_little_endian(m, bits, 8);
}

static void put_float(message *m, unsigned field, float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  put_key(m, field, wire_32_bits);
  put_little_endian(m, bits, 4);
}

static cutlab_status write_record(cutlab_context *context, cutlab_events *events,
                                  const message *event) {
  message header = {.size = 0}, footer = {.size = 0};
  put_little_endian(&header, event->size, 8);
  put_little_endian(&header, masked_crc(header.data, 8), 4);
  put_little_endian(&footer, masked_crc(event->data, event->size), 4);
  fwrite(header.data, 1, header.size, events->file);
  fwrite(event->data, 1, event->size, events->file);
  fwrite(footer.data, 1, footer.size, events->file);
  if (!ferror(events->file) && fflush(events->file) == 0) return CUTLAB_OK;
  return cutlab_fail(context, CUTLAB_ERROR_IO, "cannot write %s: %s", events->path,
                     strerror(errno));
}

/* Opens the first name that is free. TensorBoard asks for "tfevents" in it. */
static cutlab_status open_file(cutlab_context *context, cutlab_events *events, const char *folder,
                               time_t now) {
  for (int i = 0;; ++i) {
    char name[96];
    snprintf(name, sizeof name, "events.out.tfevents.%010lld.cutlab.%d", (long long)now, i);
    events->path = cutlab_path_join(context, folder, name);
    if (!events->path) return CUTLAB_ERROR_MEMORY;
    events->file = fopen(events->path, "wbxe");
    if (events->file) return CUTLAB_OK;
    if (errno != EEXIST)
      return cutlab_fail(context, CUTLAB_ERROR_IO, "cannot create %s: %s", events->path,
                         strerror(errno));
    free(events->path);
  }
}

cutlab_status cutlab_events_open(cutlab_context *context, cutlab_events **events,
                                 const char *folder) {
  static const char version[] = "brain.Event:2";
  message event = {.size = 0};
  time_t now = time(NULL);
  *events = cutlab_allocate(context, 1, sizeof **events);
  if (!*events) return CUTLAB_ERROR_MEMORY;
  put_double(&event, 1, (double)now);
  put_bytes(&event, 3, version, sizeof version - 1);
  cutlab_status status = open_file(context, *events, folder, now);
  if (status == CUTLAB_OK) status = write_record(context, *events, &event);
  if (status == CUTLAB_OK) return CUTLAB_OK;
  if ((*events)->file) fclose((*events)->file);
  free((*events)->path);
  free(*events);
  *events = NULL;
  return status;
}

cutlab_status cutlab_events_scalar(cutlab_context *context, cutlab_events *events, const char *tag,
                                   int64_t step, double wall_time, double value) {
  message point = {.size = 0}, summary = {.size = 0}, event = {.size = 0};
  size_t length = strlen(tag);
  if (length >= tag_size)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                       "a curve's name has %zu bytes; accepted: fewer than %d", length, tag_size);
  put_bytes(&point, 1, tag, length);
  put_float(&point, 2, (float)value);
  put_bytes(&summary, 1, point.data, point.size);
  put_double(&event, 1, wall_time);
  put_key(&event, 2, wire_varint);
  put_varint(&event, (uint64_t)step);
  put_bytes(&event, 5, summary.data, summary.size);
  return write_record(context, events, &event);
}

/* Every record has left the buffer when it was written: closing has nothing to lose. */
void cutlab_events_close(cutlab_events *events) {
  if (!events) return;
  fclose(events->file);
  free(events->path);
  free(events);
}
