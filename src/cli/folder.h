/* An output folder that appears whole or not at all. */
#ifndef CUTLAB_CLI_FOLDER_H
#define CUTLAB_CLI_FOLDER_H

#include "cli.h"

/* Everything is written into `part`, a new folder beside `target`; cutlab_folder_publish puts it in
   the target's place in one step. Both in fresh memory. From begin to end, stop signals after the
   first are ignored, so that `part` is removed. */
typedef struct cutlab_folder {
  char *target, *part;
} cutlab_folder;

/* Makes the folder's parents and `part`. An existing target must be empty, or hold nothing but the
   files that the list "files" of its `record` names (a JSON object whose "format" is `format`).
   Returns 0, or the exit code after a message. */
int cutlab_folder_begin(cutlab_folder *folder, const char *path, const char *record,
                        const char *format);
/* Whether `path`, which need not exist, is `outer` or lies in it. */
bool cutlab_folder_lies_in(const char *path, const char *outer);
/* Whether a file lies in the target, so that publishing would remove it. */
bool cutlab_folder_holds(const cutlab_folder *folder, const char *path);
/* Path of a file in `part`; release with free. NULL without memory. */
char *cutlab_folder_path(const cutlab_folder *folder, const char *name);
/* Brings what has been written to disk; once for many files. */
void cutlab_folder_flush(const cutlab_folder *folder);
/* Returns 0, or the exit code after a message. */
int cutlab_folder_publish(cutlab_folder *folder);
/* Removes `part`, unless it has been published, and releases memory. */
void cutlab_folder_end(cutlab_folder *folder);

#endif
