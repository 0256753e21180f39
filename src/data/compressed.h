/* Files compressed as a whole by gzip or xz, into memory. */
#ifndef CUTLAB_COMPRESSED_H
#define CUTLAB_COMPRESSED_H

#include <stdio.h>

#include "base/base.h"

enum { cutlab_compressed_magic_bytes = 6 };

/* Do a file's first bytes say gzip or xz? */
bool cutlab_is_compressed(const unsigned char start[cutlab_compressed_magic_bytes]);
/* Decompresses `stream`, at its start, to *bytes [*size]; release with free. Memory grows with what
   comes out, to at most `limit` bytes; more is CUTLAB_ERROR_FORMAT, as is a corrupt or truncated
   file. */
cutlab_status cutlab_decompress(cutlab_context *context, unsigned char **bytes, int64_t *size,
                                FILE *stream, const char *path, int64_t limit);

#endif
