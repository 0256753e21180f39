/* The header of .npy arrays, written and read. The format: numpy.lib.format, versions 1.0 to
   3.0. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/npy.h"

static const struct {
  char text[4];
  size_t size;
  const char *name;
} dtypes[] = {[CUTLAB_FLOAT64] = {"<f8", 8, "float64"}, [CUTLAB_FLOAT32] = {"<f4", 4, "float32"},
              [CUTLAB_FLOAT16] = {"<f2", 2, "float16"}, [CUTLAB_INT64] = {"<i8", 8, "int64"},
              [CUTLAB_INT32] = {"<i4", 4, "int32"},     [CUTLAB_INT16] = {"<i2", 2, "int16"},
              [CUTLAB_INT8] = {"|i1", 1, "int8"},       [CUTLAB_UINT64] = {"<u8", 8, "uint64"},
              [CUTLAB_UINT32] = {"<u4", 4, "uint32"},   [CUTLAB_UINT16] = {"<u2", 2, "uint16"},
              [CUTLAB_UINT8] = {"|u1", 1, "uint8"},     [CUTLAB_BOOL] = {"|b1", 1, "bool"}};
#define ACCEPTED_DTYPES "<f8, <f4, <f2, <i8, <i4, <i2, |i1, <u8, <u4, <u2, |u1, |b1, or > for <"

static const char magic[6] = CUTLAB_NPY_MAGIC;

enum { dtype_count = sizeof dtypes / sizeof *dtypes };

size_t cutlab_dtype_size(cutlab_dtype dtype) {
  return (unsigned)dtype < dtype_count ? dtypes[dtype].size : 0;
}

const char *cutlab_dtype_name(cutlab_dtype dtype) {
  return (unsigned)dtype < dtype_count ? dtypes[dtype].name : "";
}

size_t cutlab_npy_header(char header[cutlab_npy_header_capacity], const cutlab_array *array) {
  enum { prefix = 10, capacity = cutlab_npy_header_capacity };
  size_t end = prefix;
  end += (size_t)snprintf(header + end, capacity - end,
                          "{'descr': '%s', 'fortran_order': False, 'shape': (",
                          dtypes[array->dtype].text);
  int first_digits = 0;
  for (int axis = 0; axis < array->rank; ++axis) {
    int digits = snprintf(header + end, capacity - end, "%" PRId64, array->shape[axis]);
    end += (size_t)digits;
    if (axis == 0) first_digits = digits;
    if (axis + 1 < array->rank || array->rank == 1) header[end++] = ',';
    if (axis + 1 < array->rank) header[end++] = ' ';
  }
  end += (size_t)snprintf(header + end, capacity - end, "), }");
  /* NumPy leaves room for the first axis to grow to 21 digits, then pads with blanks so that
     the data begins at a multiple of 64. */
  size_t room = array->rank > 0 ? (size_t)(21 - first_digits) : 0;
  size_t size = (end + room + 1 + 63) / 64 * 64, length = size - prefix;
  memset(header + end, ' ', size - end);
  header[size - 1] = '\n';
  memcpy(header, magic, sizeof magic);
  const char version_and_length[4] = {1, 0, (char)(length & 255), (char)(length >> 8)};
  memcpy(header + sizeof magic, version_and_length, sizeof version_and_length);
  return size;
}

/* Reading: the header is a Python dict literal with exactly the keys descr, fortran_order and
   shape, in any order. */

typedef struct parser {
  cutlab_context *context;
  const cutlab_npy_source *source;
  const char *at;
  bool fortran, swapped;
} parser;

static cutlab_status malformed(const parser *p, const char *what) {
  return cutlab_npy_fail(p->context, CUTLAB_ERROR_FORMAT, p->source,
                         "malformed .npy header: %s expected at '%.20s'", what, p->at);
}

/* Skips blanks, then takes `text` if it comes next. */
static bool take(parser *p, const char *text) {
  p->at += strspn(p->at, " \t\n");
  if (strncmp(p->at, text, strlen(text)) != 0) return false;
  p->at += strlen(text);
  return true;
}

static cutlab_status take_string(parser *p, char *text, size_t capacity) {
  const char *quote = take(p, "'") ? "'" : take(p, "\"") ? "\"" : NULL;
  if (!quote) return malformed(p, "a string");
  size_t length = strcspn(p->at, quote);
  if (p->at[length] == '\0' || length >= capacity) return malformed(p, "a short string");
  memcpy(text, p->at, length);
  text[length] = '\0';
  p->at += length + 1;
  return CUTLAB_OK;
}

static cutlab_status take_descr(parser *p, cutlab_array *array) {
  char text[32] = "";
  CUTLAB_TRY(take_string(p, text, sizeof text));
  for (int dtype = 0; dtype < dtype_count; ++dtype)
    if ((text[0] == dtypes[dtype].text[0] || (text[0] == '>' && dtypes[dtype].size > 1)) &&
        strcmp(text + 1, dtypes[dtype].text + 1) == 0) {
      array->dtype = (cutlab_dtype)dtype;
      p->swapped = text[0] == '>';
      return CUTLAB_OK;
    }
  return cutlab_npy_fail(p->context, CUTLAB_ERROR_FORMAT, p->source,
                         "dtype '%s' is not supported; accepted: " ACCEPTED_DTYPES, text);
}

static cutlab_status take_order(parser *p) {
  p->fortran = take(p, "True");
  return p->fortran || take(p, "False") ? CUTLAB_OK : malformed(p, "True or False");
}

static cutlab_status take_length(parser *p, int64_t *length) {
  take(p, "");
  if (*p->at < '0' || *p->at > '9') return malformed(p, "a length of at least 0");
  *length = 0;
  for (; *p->at >= '0' && *p->at <= '9'; ++p->at)
    if (__builtin_mul_overflow(*length, 10, length) ||
        __builtin_add_overflow(*length, *p->at - '0', length))
      return malformed(p, "a length below 2^63");
  return CUTLAB_OK;
}

static cutlab_status take_shape(parser *p, cutlab_array *array) {
  if (!take(p, "(")) return malformed(p, "a tuple");
  bool comma = true;
  while (!take(p, ")")) {
    if (!comma) return malformed(p, "a comma");
    if (array->rank == CUTLAB_ARRAY_MAX_RANK)
      return cutlab_npy_fail(p->context, CUTLAB_ERROR_FORMAT, p->source,
                             "more than %d axes; accepted: at most %d", CUTLAB_ARRAY_MAX_RANK,
                             CUTLAB_ARRAY_MAX_RANK);
    CUTLAB_TRY(take_length(p, &array->shape[array->rank++]));
    comma = take(p, ",");
  }
  return array->rank == 1 && !comma ? malformed(p, "a comma in a tuple of one") : CUTLAB_OK;
}

static cutlab_status take_dictionary(parser *p, cutlab_array *array) {
  static const char *const keys[] = {"descr", "fortran_order", "shape"};
  bool seen[3] = {false};
  if (!take(p, "{")) return malformed(p, "a dictionary");
  bool comma = true;
  while (!take(p, "}")) {
    char key[32];
    if (!comma) return malformed(p, "a comma");
    CUTLAB_TRY(take_string(p, key, sizeof key));
    if (!take(p, ":")) return malformed(p, "a colon");
    int k = 0;
    while (k < 3 && strcmp(key, keys[k]) != 0) ++k;
    if (k == 3 || seen[k])
      return cutlab_npy_fail(p->context, CUTLAB_ERROR_FORMAT, p->source,
                             "malformed .npy header: key '%s'; accepted: descr, fortran_order "
                             "and shape, each once",
                             key);
    seen[k] = true;
    CUTLAB_TRY(k == 0 ? take_descr(p, array) : k == 1 ? take_order(p) : take_shape(p, array));
    comma = take(p, ",");
  }
  take(p, "");
  if (*p->at) return malformed(p, "the end");
  return seen[0] && seen[1] && seen[2] ? CUTLAB_OK : malformed(p, "descr, fortran_order and shape");
}

cutlab_status cutlab_npy_parse_header(cutlab_context *context, cutlab_array *array, bool *fortran,
                                      bool *swapped, const cutlab_npy_source *source,
                                      const char *text) {
  parser p = {context, source, text, false, false};
  CUTLAB_TRY(take_dictionary(&p, array));
  *fortran = p.fortran;
  *swapped = p.swapped;
  return CUTLAB_OK;
}
