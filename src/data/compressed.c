/* Decompression by zlib and liblzma. */
#include "data/compressed.h"

#include <errno.h>
#include <inttypes.h>
#include <lzma.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define GZIP_MAGIC "\x1f\x8b"
#define XZ_MAGIC                                                                                   \
  "\xfd"                                                                                           \
  "7zXZ\0"

enum {
  input_bytes = 1 << 16,
  first_bytes = 1 << 20,
  decoder_bytes = 1 << 28 /* for a dictionary; that of xz -9 has 2^26 */
};

typedef enum outcome { GOING, DONE, CORRUPT, TRUNCATED, TOO_WIDE, NO_MEMORY } outcome;

typedef struct decoder {
  const char *path;
  FILE *stream;
  bool xz, last; /* last: the file has no bytes after those in `input` */
  bool between;  /* after a member of a .gz */
  z_stream gzip;
  lzma_stream lzma;
  unsigned char input[input_bytes];
  unsigned char *output;
  int64_t size, capacity, limit;
} decoder;

bool cutlab_is_compressed(const unsigned char start[cutlab_compressed_magic_bytes]) {
  return memcmp(start, GZIP_MAGIC, 2) == 0 || memcmp(start, XZ_MAGIC, 6) == 0;
}

static cutlab_status fetch(cutlab_context *context, decoder *d) {
  size_t got = fread(d->input, 1, input_bytes, d->stream);
  if (ferror(d->stream))
    return cutlab_fail(context, CUTLAB_ERROR_IO, "cannot read %s: %s", d->path, strerror(errno));
  int next = getc(d->stream);
  d->last = next == EOF;
  if (!d->last) ungetc(next, d->stream);
  d->gzip.next_in = d->input, d->gzip.avail_in = (unsigned)got;
  d->lzma.next_in = d->input, d->lzma.avail_in = got;
  return CUTLAB_OK;
}

/* Room for at least one byte. One byte beyond the limit tells that there is more. */
static cutlab_status make_room(cutlab_context *context, decoder *d) {
  if (d->size > d->limit)
    return cutlab_fail(context, CUTLAB_ERROR_FORMAT,
                       "%s: decompresses to more than %" PRId64 " bytes, which is the limit",
                       d->path, d->limit);
  if (d->size < d->capacity) return CUTLAB_OK;
  int64_t capacity = d->capacity ? 2 * d->capacity : first_bytes;
  if (capacity > d->limit + 1) capacity = d->limit + 1;
  unsigned char *grown = realloc(d->output, (size_t)capacity);
  if (!grown)
    return cutlab_fail(context, CUTLAB_ERROR_MEMORY,
                       "out of memory decompressing %s (%" PRId64 " bytes)", d->path, capacity);
  d->output = grown;
  d->capacity = capacity;
  return CUTLAB_OK;
}

static outcome step_xz(decoder *d) {
  d->lzma.next_out = d->output + d->size;
  d->lzma.avail_out = (size_t)(d->capacity - d->size);
  lzma_ret code = lzma_code(&d->lzma, d->last ? LZMA_FINISH : LZMA_RUN);
  d->size = d->lzma.next_out - d->output;
  switch (code) {
  case LZMA_OK:
    return GOING;
  case LZMA_STREAM_END:
    return DONE;
  case LZMA_BUF_ERROR:
    return d->last ? TRUNCATED : GOING;
  case LZMA_MEM_ERROR:
    return NO_MEMORY;
  case LZMA_MEMLIMIT_ERROR:
    return TOO_WIDE;
  default:
    return CORRUPT;
  }
}

/* After a member of a .gz come the end, another one or zeros (padding, as gzip accepts it). */
static outcome pass_padding(decoder *d) {
  while (d->gzip.avail_in && *d->gzip.next_in == 0) ++d->gzip.next_in, --d->gzip.avail_in;
  d->between = d->gzip.avail_in == 0;
  return d->between && d->last ? DONE : GOING;
}

static outcome step_gzip(decoder *d) {
  if (d->between) return pass_padding(d);
  int64_t room = d->capacity - d->size;
  d->gzip.next_out = d->output + d->size;
  d->gzip.avail_out = room > INT32_MAX ? INT32_MAX : (unsigned)room;
  int code = inflate(&d->gzip, Z_NO_FLUSH);
  d->size = d->gzip.next_out - d->output;
  switch (code) {
  case Z_OK:
    return GOING;
  case Z_STREAM_END:
    d->between = true;
    return inflateReset(&d->gzip) == Z_OK ? GOING : CORRUPT;
  case Z_BUF_ERROR:
    return d->last && d->gzip.avail_in == 0 ? TRUNCATED : GOING;
  case Z_MEM_ERROR:
    return NO_MEMORY;
  default:
    return CORRUPT;
  }
}

static cutlab_status decode(cutlab_context *context, decoder *d) {
  outcome now = GOING;
  while (now == GOING) {
    CUTLAB_TRY(cutlab_report_progress(context, "decompressing", d->size, 0));
    size_t left = d->xz ? d->lzma.avail_in : d->gzip.avail_in;
    if (left == 0 && !d->last) CUTLAB_TRY(fetch(context, d));
    CUTLAB_TRY(make_room(context, d));
    now = d->xz ? step_xz(d) : step_gzip(d);
  }
  if (now == DONE && d->size <= d->limit) return CUTLAB_OK;
  if (now == DONE) return make_room(context, d); /* one byte too many: says so */
  if (now == NO_MEMORY)
    return cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory decompressing %s", d->path);
  const char *what = now == TRUNCATED  ? "is truncated"
                     : now == TOO_WIDE ? "needs a dictionary of more than 256 MiB"
                                       : "is corrupt";
  return cutlab_fail(context, CUTLAB_ERROR_FORMAT,
                     "%s: the %s data %s after %" PRId64 " decompressed bytes", d->path,
                     d->xz ? "xz" : "gzip", what, d->size);
}

cutlab_status cutlab_decompress(cutlab_context *context, unsigned char **bytes, int64_t *size,
                                FILE *stream, const char *path, int64_t limit) {
  *bytes = NULL;
  *size = 0;
  decoder *d = cutlab_allocate(context, 1, sizeof *d);
  if (!d) return CUTLAB_ERROR_MEMORY;
  d->path = path, d->stream = stream, d->limit = limit;
  cutlab_status status = fetch(context, d);
  d->xz = d->input[0] == 0xfd;
  bool ready = d->xz ? lzma_stream_decoder(&d->lzma, decoder_bytes, LZMA_CONCATENATED) == LZMA_OK
                     : inflateInit2(&d->gzip, 15 + 16) == Z_OK; /* + 16: a gzip header */
  if (status == CUTLAB_OK && !ready)
    status = cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory decompressing %s", path);
  if (status == CUTLAB_OK) status = decode(context, d);
  if (status == CUTLAB_OK) {
    *bytes = d->output;
    *size = d->size;
  } else {
    free(d->output);
  }
  if (d->xz)
    lzma_end(&d->lzma);
  else
    inflateEnd(&d->gzip);
  free(d);
  return status;
}
