/* Whether a training fits into memory. */
#include "train/memory.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { path_size = 1024 };

double cutlab_memory_total(const cutlab_memory_need *need) {
  return need->data + need->values + need->compute + need->loader + need->checkpoint;
}

/* The number after `key` at the beginning of a line (the first number of the file for ""); NAN
   where there is none, INFINITY for "max" and "unlimited". */
static double read_number(const char *path, const char *key) {
  FILE *file = fopen(path, "r");
  char line[256];
  double value = NAN;
  size_t length = strlen(key);
  while (file && fgets(line, sizeof line, file)) {
    if (strncmp(line, key, length) != 0) continue;
    const char *text = line + length + strspn(line + length, " \t");
    bool unlimited = strncmp(text, "max", 3) == 0 || strncmp(text, "unlimited", 9) == 0;
    value = unlimited ? INFINITY : strtod(text, NULL);
    break;
  }
  if (file) fclose(file);
  return value;
}

/* What a control group in `folder` leaves: limit - use, where pages of files that can be dropped do
   not count as used. */
static double group_left(const char *folder, const char *limit, const char *use,
                         const char *droppable) {
  char path[path_size + 64];
  snprintf(path, sizeof path, "%s/%s", folder, limit);
  double most = read_number(path, "");
  snprintf(path, sizeof path, "%s/%s", folder, use);
  double used = read_number(path, "");
  snprintf(path, sizeof path, "%s/memory.stat", folder);
  double files = read_number(path, droppable);
  if (isnan(most) || isnan(used)) return INFINITY;
  return fmax(0, most - used + (isnan(files) ? 0 : files));
}

/* Folder of this process's group in the unified hierarchy, "" where it cannot be told. */
static void own_group(char group[path_size], const char *root) {
  char path[path_size], line[path_size];
  snprintf(path, sizeof path, "%s/proc/self/cgroup", root);
  FILE *file = fopen(path, "r");
  group[0] = '\0';
  while (file && fgets(line, sizeof line, file)) {
    if (strncmp(line, "0::/", 4) != 0) continue;
    line[strcspn(line, "\n")] = '\0';
    memcpy(group, line + 3, strlen(line + 3) + 1);
    break;
  }
  if (file) fclose(file);
}

/* What `ulimit -v` leaves of the address space. */
static double address_space_left(const char *root) {
  char path[path_size];
  snprintf(path, sizeof path, "%s/proc/self/limits", root);
  double most = read_number(path, "Max address space ");
  snprintf(path, sizeof path, "%s/proc/self/status", root);
  double used = 1024 * read_number(path, "VmSize:");
  return isnan(most) || isnan(used) ? INFINITY : fmax(0, most - used);
}

double cutlab_memory_available(const char *root) {
  char path[2 * path_size + 64], group[path_size];
  snprintf(path, sizeof path, "%s/proc/meminfo", root);
  double kibibytes = read_number(path, "MemAvailable:");
  double left = fmin(isnan(kibibytes) ? INFINITY : 1024 * kibibytes, address_space_left(root));
  snprintf(path, sizeof path, "%s/sys/fs/cgroup/memory", root);
  left = fmin(left, group_left(path, "memory.limit_in_bytes", "memory.usage_in_bytes",
                               "total_inactive_file "));
  own_group(group, root);
  for (;;) { /* the group and all above it */
    snprintf(path, sizeof path, "%s/sys/fs/cgroup%s", root, group);
    left = fmin(left, group_left(path, "memory.max", "memory.current", "inactive_file "));
    char *slash = strrchr(group, '/');
    if (!slash) return left;
    *slash = '\0';
  }
}

static const double mebibyte = 0x1p20;

cutlab_status cutlab_memory_check_data(cutlab_context *context, const cutlab_memory_need *need,
                                       double available) {
  double wanted = need->data + need->drawing;
  if (wanted <= available) return CUTLAB_OK;
  return cutlab_fail(context, CUTLAB_ERROR_MEMORY,
                     "the data need %.0f MiB, and %.0f MiB are available: lower train_examples or "
                     "test_examples",
                     wanted / mebibyte, available / mebibyte);
}

cutlab_status cutlab_memory_check(cutlab_context *context, const cutlab_memory_need *need,
                                  double available, int64_t batch) {
  double wanted = cutlab_memory_total(need) - need->data;
  if (wanted <= available) return CUTLAB_OK;
  char advice[64] = "take a smaller model";
  if (need->values + need->checkpoint <= available)
    snprintf(advice, sizeof advice, "lower batch (%" PRId64 ")", batch);
  return cutlab_fail(context, CUTLAB_ERROR_MEMORY,
                     "training needs %.0f MiB (%.0f for activations, %.0f for values and "
                     "optimiser, %.0f for writing them down, %.0f for the loader) beside %.0f for "
                     "the data, and %.0f MiB are available: %s",
                     wanted / mebibyte, need->compute / mebibyte, need->values / mebibyte,
                     need->checkpoint / mebibyte, need->loader / mebibyte, need->data / mebibyte,
                     available / mebibyte, advice);
}
