/* Version of the library. CMakeLists.txt reads the three numbers from here. */
#ifndef CUTLAB_VERSION_H
#define CUTLAB_VERSION_H

#include <cutlab/export.h>

#define CUTLAB_VERSION_MAJOR 0
#define CUTLAB_VERSION_MINOR 1
#define CUTLAB_VERSION_PATCH 0

#ifdef __cplusplus
extern "C" {
#endif

/* "MAJOR.MINOR.PATCH" of the library that is linked, static storage. */
CUTLAB_API const char *cutlab_version(void);

#ifdef __cplusplus
}
#endif
#endif
