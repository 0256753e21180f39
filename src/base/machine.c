/* The machine that something was computed on. */
#include "base/machine.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

static void processor_name(char *name, size_t size) {
  FILE *file = fopen("/proc/cpuinfo", "r");
  char line[256];
  snprintf(name, size, "unknown");
  while (file && fgets(line, sizeof line, file))
    if (strncmp(line, "model name", 10) == 0 && strchr(line, ':')) {
      snprintf(name, size, "%s", strchr(line, ':') + 2);
      name[strcspn(name, "\n")] = 0;
      break;
    }
  if (file) fclose(file);
}

json_t *cutlab_machine_json(const cutlab_context *context) {
  struct utsname system;
  char text[sizeof system.sysname + sizeof system.release + 2] = "unknown", processor[200];
  if (uname(&system) == 0) snprintf(text, sizeof text, "%s %s", system.sysname, system.release);
  processor_name(processor, sizeof processor);
  return json_pack("{s:s,s:s,s:s,s:i}", "system", text, "processor", processor, "kernels",
                   cutlab_context_isa_name(context), "threads", cutlab_context_threads(context));
}
