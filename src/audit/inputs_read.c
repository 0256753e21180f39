/* .npy and .npz files of an audit: opening, describing, copying integers. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "audit/inputs.h"

/* Does a file start as a zip archive does? One that cannot be read does not: its reader says why.
 */
static bool is_archive(const char *path) {
  char start[2] = {0};
  FILE *stream = fopen(path, "rbe");
  bool good = stream && fread(start, 1, sizeof start, stream) == sizeof start;
  if (stream) fclose(stream);
  return good && memcmp(start, "PK", sizeof start) == 0;
}

cutlab_status cutlab_audit_open(cutlab_context *context, cutlab_audit_file *file,
                                const char *path) {
  *file = (cutlab_audit_file){.path = path, .is_npz = is_archive(path)};
  if (file->is_npz) return cutlab_npz_read(context, &file->arrays, &file->count, path, 0);
  file->arrays = cutlab_allocate(context, 1, sizeof *file->arrays);
  if (!file->arrays) return CUTLAB_ERROR_MEMORY;
  cutlab_status status = cutlab_npy_read(context, file->arrays, path, 0);
  if (status == CUTLAB_OK) {
    file->arrays->name[0] = '\0';
    file->count = 1;
  }
  return status;
}

void cutlab_audit_close(cutlab_audit_file *file) {
  cutlab_npz_free(file->arrays, file->count);
  *file = (cutlab_audit_file){0};
}

const cutlab_array *cutlab_audit_member(const cutlab_audit_file *file, const char *name) {
  return file->is_npz ? cutlab_npz_find(file->arrays, file->count, name) : file->arrays;
}

static void describe(FILE *stream, const cutlab_array *array) {
  fprintf(stream, "%s%s%s [", array->name, array->name[0] ? " " : "",
          cutlab_dtype_name(array->dtype));
  for (int a = 0; a < array->rank; ++a)
    fprintf(stream, "%s%" PRId64, a ? " x " : "", array->shape[a]);
  fputc(']', stream);
}

char *cutlab_audit_members(cutlab_context *context, const cutlab_audit_file *file) {
  enum { enough = 12 };
  char *text = NULL;
  size_t size;
  FILE *stream = open_memstream(&text, &size);
  for (int m = 0; stream && m < file->count && m < enough; ++m) {
    if (m) fputs(", ", stream);
    describe(stream, &file->arrays[m]);
  }
  if (stream && file->count > enough) fputs(", ...", stream);
  if (stream && !file->count) fputs("nothing", stream);
  if (!stream || fclose(stream) != 0 || !text) {
    free(text);
    cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory: members of %s", file->path);
    return NULL;
  }
  return text;
}

cutlab_status cutlab_audit_integers(cutlab_context *context, int64_t **values,
                                    const cutlab_audit_file *file, const cutlab_array *array,
                                    const char *what) {
  if (array->rank != 1 || !cutlab_dtype_is_integer(array->dtype))
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                       "%s: %s have %d axes of %s; accepted: one axis of integers", file->path,
                       what, array->rank, cutlab_dtype_name(array->dtype));
  *values = cutlab_allocate(context, array->shape[0], sizeof **values);
  if (!*values) return CUTLAB_ERROR_MEMORY;
  for (int64_t i = 0; i < array->shape[0]; ++i) (*values)[i] = cutlab_array_integer(array, i);
  return CUTLAB_OK;
}
