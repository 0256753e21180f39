/* Files: whole-file reading, atomic writing, folders. */
#ifndef CUTLAB_FILE_H
#define CUTLAB_FILE_H

#include <stdio.h>

#include "base/base.h"

/* Reads a whole file of at most `max_bytes` (0: 1 GiB) and ends it with a NUL that `*size`
   does not count. Release with free. Errors: CUTLAB_ERROR_IO with path and reason. */
cutlab_status cutlab_file_read(cutlab_context *context, char **text, size_t *size, const char *path,
                               int64_t max_bytes);
/* Writes to a temporary file beside `path`, flushes it to disk and renames it: a reader sees
   the old or the new content, and a failure leaves the old file and no temporary one. */
cutlab_status cutlab_file_write(cutlab_context *context, const char *path, const void *data,
                                size_t size);
/* Removes the temporary files that writers of `names` (ended by NULL; NULL: of any file) left in a
   folder when they were killed. What cannot be removed stays. */
void cutlab_file_remove_temporaries(const char *folder, const char *const *names);
/* Makes a folder and its parents; existing ones are fine. */
cutlab_status cutlab_folder_make(cutlab_context *context, const char *path);
bool cutlab_file_exists(const char *path);
/* "folder/name" in fresh memory, or NULL with a message. Release with free. */
char *cutlab_path_join(cutlab_context *context, const char *folder, const char *name);

#endif
