/* Status texts and version. */
#include <cutlab/status.h>
#include <cutlab/version.h>

const char *cutlab_status_text(cutlab_status status) {
  switch (status) {
#define CUTLAB_STATUS_CASE(name, text)                                                             \
  case name:                                                                                       \
    return text;
    CUTLAB_STATUS_LIST(CUTLAB_STATUS_CASE)
#undef CUTLAB_STATUS_CASE
  }
  return "unknown status";
}

#define TEXT_(x) #x
#define TEXT(x) TEXT_(x)

const char *cutlab_version(void) {
  return TEXT(CUTLAB_VERSION_MAJOR) "." TEXT(CUTLAB_VERSION_MINOR) "." TEXT(CUTLAB_VERSION_PATCH);
}
