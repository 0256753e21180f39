/* NumPy .npz archives: .npy members in a zip file, through libzip. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zip.h>

#include "base/file.h"
#include "base/npy.h"

enum { max_members = 65536, deflate_level = 6, block_bytes = 1 << 23 };

void cutlab_npz_free(cutlab_array *arrays, int count) {
  for (int m = 0; arrays && m < count; ++m) cutlab_array_clear(&arrays[m]);
  free(arrays);
}

cutlab_array *cutlab_npz_find(cutlab_array *arrays, int count, const char *name) {
  for (int m = 0; m < count; ++m)
    if (strcmp(arrays[m].name, name) == 0) return &arrays[m];
  return NULL;
}

/* Is it the system that failed, or the archive that is bad? */
static cutlab_status status_of(const zip_error_t *error) {
  switch (zip_error_code_zip(error)) {
  case ZIP_ER_MEMORY:
    return CUTLAB_ERROR_MEMORY;
  case ZIP_ER_OPEN:
  case ZIP_ER_NOENT:
  case ZIP_ER_READ:
  case ZIP_ER_SEEK:
  case ZIP_ER_TELL:
  case ZIP_ER_WRITE:
    return CUTLAB_ERROR_IO;
  default:
    return CUTLAB_ERROR_FORMAT;
  }
}

/* Writing: the archive is made in memory, then written as one file. */

static cutlab_status archive_fail(cutlab_context *context, const char *path, zip_error_t *error) {
  cutlab_status status =
      zip_error_code_zip(error) == ZIP_ER_MEMORY ? CUTLAB_ERROR_MEMORY : CUTLAB_ERROR_IO;
  return cutlab_fail(context, status, "cannot write %s: %s", path, zip_error_strerror(error));
}

/* Adds one member, dated 1980-01-01, zip's zero: the same arrays give the same bytes. `header` must
   live until the archive is closed. */
static cutlab_status add_member(cutlab_context *context, zip_t *archive, const char *path,
                                const cutlab_array *array, bool deflated,
                                char header[cutlab_npy_header_capacity]) {
  char member[sizeof array->name + 4];
  snprintf(member, sizeof member, "%s.npy", array->name);
  size_t bytes = (size_t)cutlab_array_count(array) * cutlab_dtype_size(array->dtype);
  zip_buffer_fragment_t parts[2] = {{(zip_uint8_t *)header, cutlab_npy_header(header, array)},
                                    {array->data, bytes}};
  zip_error_t error;
  zip_error_init(&error);
  zip_source_t *source = zip_source_buffer_fragment_create(parts, bytes ? 2 : 1, 0, &error);
  if (!source) {
    cutlab_status status = archive_fail(context, path, &error);
    zip_error_fini(&error);
    return status;
  }
  zip_int64_t index = zip_file_add(archive, member, source, ZIP_FL_ENC_UTF_8);
  if (index < 0) {
    zip_source_free(source);
    if (zip_error_code_zip(zip_get_error(archive)) == ZIP_ER_EXISTS)
      return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT, "%s: two arrays named %s", path,
                         array->name);
    return archive_fail(context, path, zip_get_error(archive));
  }
  zip_int32_t method = deflated ? ZIP_CM_DEFLATE : ZIP_CM_STORE;
  if (zip_set_file_compression(archive, (zip_uint64_t)index, method, deflate_level) != 0 ||
      zip_file_set_dostime(archive, (zip_uint64_t)index, 0, 1 << 5 | 1, 0) != 0)
    return archive_fail(context, path, zip_get_error(archive));
  return CUTLAB_OK;
}

static cutlab_status add_members(cutlab_context *context, zip_t *archive, const char *path,
                                 const cutlab_array *arrays, int count, bool deflated,
                                 char *headers) {
  for (int m = 0; m < count; ++m)
    CUTLAB_TRY(add_member(context, archive, path, &arrays[m], deflated,
                          headers + (ptrdiff_t)m * cutlab_npy_header_capacity));
  if (zip_close(archive) == 0) return CUTLAB_OK;
  if (zip_error_code_zip(zip_get_error(archive)) == ZIP_ER_CANCELLED)
    return cutlab_report_progress(context, "compressing", 0, 0);
  return archive_fail(context, path, zip_get_error(archive));
}

/* Deflating takes a while. */
static int is_cancelled(zip_t *archive, void *context) {
  (void)archive;
  return cutlab_report_progress(context, "compressing", 0, 0) != CUTLAB_OK;
}

/* Fills `sink` with the archive's bytes. */
static cutlab_status build_archive(cutlab_context *context, zip_source_t *sink, const char *path,
                                   const cutlab_array *arrays, int count, bool deflated) {
  char *headers = cutlab_allocate(context, count, cutlab_npy_header_capacity);
  if (!headers) return CUTLAB_ERROR_MEMORY;
  zip_error_t error;
  zip_error_init(&error);
  zip_source_keep(sink); /* the archive takes one reference, the caller has the other */
  zip_t *archive = zip_open_from_source(sink, ZIP_CREATE | ZIP_TRUNCATE, &error);
  cutlab_status status;
  if (!archive) {
    zip_source_free(sink);
    status = archive_fail(context, path, &error);
  } else {
    if (deflated) zip_register_cancel_callback_with_state(archive, is_cancelled, NULL, context);
    status = add_members(context, archive, path, arrays, count, deflated, headers);
    if (status != CUTLAB_OK) zip_discard(archive);
  }
  zip_error_fini(&error);
  free(headers);
  return status;
}

static cutlab_status write_sink(cutlab_context *context, zip_source_t *sink, const char *path) {
  zip_stat_t info;
  if (zip_source_stat(sink, &info) != 0 || zip_source_open(sink) != 0)
    return archive_fail(context, path, zip_source_error(sink));
  cutlab_status status = CUTLAB_ERROR_MEMORY;
  char *bytes = cutlab_allocate(context, (int64_t)info.size, 1);
  if (bytes) {
    zip_int64_t got = zip_source_read(sink, bytes, info.size);
    status = got == (zip_int64_t)info.size ? cutlab_file_write(context, path, bytes, info.size)
                                           : archive_fail(context, path, zip_source_error(sink));
  }
  free(bytes);
  zip_source_close(sink);
  return status;
}

cutlab_status cutlab_npz_write_packed(cutlab_context *context, const char *path,
                                      const cutlab_array *arrays, int count, bool deflated) {
  if (count < 1 || count > max_members)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT, "%s: %d arrays; accepted: 1 to %d", path,
                       count, max_members);
  for (int m = 0; m < count; ++m) {
    CUTLAB_TRY(cutlab_npy_check(context, path, &arrays[m]));
    if (!arrays[m].name[0] || !memchr(arrays[m].name, '\0', sizeof arrays[m].name))
      return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                         "%s: array %d has no name; accepted: 1 to %zu bytes", path, m,
                         sizeof arrays[m].name - 1);
  }
  zip_error_t error;
  zip_error_init(&error);
  zip_source_t *sink = zip_source_buffer_create(NULL, 0, 0, &error);
  cutlab_status status = CUTLAB_ERROR_MEMORY;
  if (!sink)
    status = archive_fail(context, path, &error);
  else
    status = build_archive(context, sink, path, arrays, count, deflated);
  if (status == CUTLAB_OK) status = write_sink(context, sink, path);
  zip_source_free(sink);
  zip_error_fini(&error);
  return status;
}

cutlab_status cutlab_npz_write(cutlab_context *context, const char *path,
                               const cutlab_array *arrays, int count) {
  return cutlab_npz_write_packed(context, path, arrays, count, false);
}

/* Reading */

static cutlab_status read_member_bytes(cutlab_context *context, const cutlab_npy_source *source,
                                       void *buffer, int64_t size, int64_t *got) {
  zip_file_t *member = source->handle;
  zip_int64_t part = 1;
  for (*got = 0; *got < size && part > 0; *got += part) {
    if (*got) CUTLAB_TRY(cutlab_report_progress(context, "reading arrays", *got, size));
    int64_t most = size - *got < block_bytes ? size - *got : block_bytes;
    part = zip_fread(member, (char *)buffer + *got, (zip_uint64_t)most);
    if (part < 0) {
      zip_error_t *error = zip_file_get_error(member);
      return cutlab_npy_fail(context, status_of(error), source, "cannot read: %s",
                             zip_error_strerror(error));
    }
  }
  return CUTLAB_OK;
}

/* Can the archive hold what a member claims to be? Deflate shrinks at most 1032-fold, so a short
   file cannot make the reader ask for much memory. */
static bool credible(const zip_stat_t *info, int64_t archive_size) {
  const zip_uint64_t max_ratio = 1032, slack = 64;
  if (info->comp_size > (zip_uint64_t)archive_size || info->size > INT64_MAX) return false;
  if (info->comp_method == ZIP_CM_STORE) return info->size == info->comp_size;
  return info->size <= (info->comp_size + slack) * max_ratio;
}

typedef struct archive {
  zip_t *zip;
  const char *path;
  int64_t size;
} archive;

/* Checks the name of member `m` and puts it, without ".npy", into `name`. */
static cutlab_status take_name(cutlab_context *context, const archive *from, const zip_stat_t *info,
                               char *name, size_t capacity) {
  cutlab_npy_source source = {.path = from->path, .member = info->name};
  size_t length = strlen(info->name);
  if (length < 5 || strcmp(info->name + length - 4, ".npy") != 0 || length - 4 >= capacity)
    return cutlab_npy_fail(context, CUTLAB_ERROR_FORMAT, &source,
                           "not an array's name; accepted: 1 to %zu bytes and .npy", capacity - 1);
  if (zip_name_locate(from->zip, info->name, ZIP_FL_ENC_RAW) != (zip_int64_t)info->index)
    return cutlab_npy_fail(context, CUTLAB_ERROR_FORMAT, &source, "this name stands twice");
  memcpy(name, info->name, length - 4);
  name[length - 4] = '\0';
  return CUTLAB_OK;
}

static cutlab_status read_member(cutlab_context *context, cutlab_array *array, const archive *from,
                                 int m, int64_t max_bytes) {
  const zip_uint64_t needed =
      ZIP_STAT_NAME | ZIP_STAT_INDEX | ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_COMP_METHOD;
  zip_stat_t info;
  if (zip_stat_index(from->zip, (zip_uint64_t)m, ZIP_FL_ENC_RAW, &info) != 0 ||
      (info.valid & needed) != needed)
    return cutlab_fail(context, CUTLAB_ERROR_FORMAT, "%s: member %d has no name or size",
                       from->path, m);
  char name[sizeof array->name];
  CUTLAB_TRY(take_name(context, from, &info, name, sizeof name));
  cutlab_npy_source source = {from->path, info.name, (int64_t)info.size, NULL, read_member_bytes};
  if (!credible(&info, from->size))
    return cutlab_npy_fail(context, CUTLAB_ERROR_FORMAT, &source,
                           "%" PRIu64 " bytes cannot come from the %" PRIu64
                           " that the archive has",
                           (uint64_t)info.size, (uint64_t)info.comp_size);
  zip_file_t *member = zip_fopen_index(from->zip, (zip_uint64_t)m, 0);
  if (!member) {
    zip_error_t *error = zip_get_error(from->zip);
    return cutlab_npy_fail(context, status_of(error), &source, "cannot open: %s",
                           zip_error_strerror(error));
  }
  source.handle = member;
  cutlab_status status = cutlab_npy_read_source(context, array, &source, max_bytes);
  zip_fclose(member);
  if (status == CUTLAB_OK) memcpy(array->name, name, sizeof name);
  return status;
}

/* Opens an archive; the caller closes it with zip_discard. */
static cutlab_status open_archive(cutlab_context *context, archive *opened, const char *path) {
  struct stat status;
  if (stat(path, &status) != 0)
    return cutlab_fail(context, CUTLAB_ERROR_IO, "cannot open %s: %s", path, strerror(errno));
  int code = 0;
  *opened = (archive){zip_open(path, ZIP_RDONLY, &code), path, (int64_t)status.st_size};
  if (opened->zip) return CUTLAB_OK;
  zip_error_t error;
  zip_error_init_with_code(&error, code);
  cutlab_status result = status_of(&error);
  cutlab_fail(context, result,
              result == CUTLAB_ERROR_FORMAT ? "%s: not an .npz archive: %s" : "cannot read %s: %s",
              path, zip_error_strerror(&error));
  zip_error_fini(&error);
  return result;
}

/* Fills `arrays`; `*count` is the number of arrays that are there, also after a failure. */
static cutlab_status read_members(cutlab_context *context, cutlab_array *arrays, int *count,
                                  const archive *from, int members, int64_t max_bytes) {
  for (int m = 0; m < members; ++m) {
    CUTLAB_TRY(read_member(context, &arrays[m], from, m, max_bytes));
    max_bytes -= cutlab_array_count(&arrays[m]) * (int64_t)cutlab_dtype_size(arrays[m].dtype);
    ++*count;
  }
  return CUTLAB_OK;
}

static cutlab_status read_archive(cutlab_context *context, cutlab_array **arrays, int *count,
                                  const archive *from, int64_t max_bytes) {
  int64_t members = zip_get_num_entries(from->zip, 0);
  if (members > max_members)
    return cutlab_fail(context, CUTLAB_ERROR_FORMAT,
                       "%s: %" PRId64 " members; accepted: at most %d", from->path, members,
                       max_members);
  *arrays = cutlab_allocate(context, members, sizeof **arrays);
  if (!*arrays) return CUTLAB_ERROR_MEMORY;
  cutlab_status status = read_members(context, *arrays, count, from, (int)members, max_bytes);
  if (status == CUTLAB_OK) return CUTLAB_OK;
  cutlab_npz_free(*arrays, *count);
  *arrays = NULL;
  *count = 0;
  return status;
}

cutlab_status cutlab_npz_read(cutlab_context *context, cutlab_array **arrays, int *count,
                              const char *path, int64_t max_bytes) {
  *arrays = NULL;
  *count = 0;
  archive opened = {0};
  CUTLAB_TRY(open_archive(context, &opened, path));
  cutlab_status status = read_archive(context, arrays, count, &opened, cutlab_npy_limit(max_bytes));
  zip_discard(opened.zip);
  return status;
}
