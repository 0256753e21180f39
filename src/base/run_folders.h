/* Finding run folders, those with a run.json, below a folder. */
#ifndef CUTLAB_RUN_FOLDERS_H
#define CUTLAB_RUN_FOLDERS_H

#include "base/base.h"

typedef cutlab_status (*cutlab_run_visitor)(cutlab_context *context, void *user,
                                            const char *folder);

/* Calls `visit` for `path` itself if it is a run folder, otherwise for all below it at any depth,
   in the order of their names with numbers by value, every real folder once: links to one that was
   met, up the tree too, and to nowhere are passed over. Errors: no such folder, no run in it,
   something that looks like a run without run.json. `lenient`: below `path`, what cannot be read or
   is damaged, also for `visit`, is left out with a warning, and an error only where nothing
   remains. */
cutlab_status cutlab_run_folders_visit(cutlab_context *context, const char *path,
                                       cutlab_run_visitor visit, void *user, bool lenient);

#endif
