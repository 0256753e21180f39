/* Counting the numbers of a text matrix; the report reads it again, and keeps them. */
#include "sweep/reference.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/number.h"

static cutlab_status check_measure(cutlab_context *context, const cutlab_grid *grid,
                                   const char *text) {
  const char *equals = strchr(text, '=');
  char names[512] = "";
  if (!equals || equals == text || !equals[1])
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                       "reference \"%s\": expected MEASURE=FILE, as test_error=surface.csv", text);
  for (int m = 0; m < grid->measures.count; ++m) {
    const char *name = grid->measures.items[m].name;
    size_t used = strlen(names);
    if (strlen(name) == (size_t)(equals - text) && memcmp(name, text, strlen(name)) == 0)
      return CUTLAB_OK;
    snprintf(names + used, sizeof names - used, "%s%s", m ? ", " : "", name);
  }
  return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                     "reference \"%s\": the sweep has no measure of that name; it has %s", text,
                     names);
}

static cutlab_status check_map(cutlab_context *context, const cutlab_grid *grid) {
  bool two = grid->map_x >= 0 && grid->map_y >= 0 &&
             grid->axes[grid->map_x].dimension != grid->axes[grid->map_y].dimension;
  if (!two)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                       "a reference is compared with a map, and the sweep has no grid over two "
                       "axes of numbers");
  const cutlab_axis *x = &grid->axes[grid->map_x], *y = &grid->axes[grid->map_y];
  int64_t maps = grid->cells / (x->count * y->count);
  if (maps == 1) return CUTLAB_OK;
  return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                     "a reference is compared with one map, and the sweep has %lld: axes other "
                     "than %s and %s must have one value",
                     (long long)maps, x->name, y->name);
}

static cutlab_status check_row(cutlab_context *context, char *line, const cutlab_axis *x,
                               const char *path, long long row) {
  long long columns = 0;
  char *rest = NULL;
  for (char *word = strtok_r(line, " \t,\r", &rest); word; word = strtok_r(NULL, " \t,\r", &rest)) {
    double value;
    if (!cutlab_number_parse(&value, word))
      return cutlab_fail(context, CUTLAB_ERROR_FORMAT,
                         "%s: row %lld, column %lld: \"%.40s\" is not a number", path, row,
                         columns + 1, word);
    ++columns;
  }
  if (columns == x->count) return CUTLAB_OK;
  return cutlab_fail(context, CUTLAB_ERROR_FORMAT,
                     "%s: row %lld has %lld columns; the map has %lld, one for each value of %s",
                     path, row, columns, (long long)x->count, x->name);
}

static cutlab_status check_rows(cutlab_context *context, char *text, const cutlab_grid *grid,
                                const char *path) {
  const cutlab_axis *x = &grid->axes[grid->map_x], *y = &grid->axes[grid->map_y];
  long long rows = 0;
  for (char *line = text, *next; line; line = next) {
    next = strchr(line, '\n');
    if (next) *next++ = '\0';
    if (!line[strspn(line, " \t,\r")]) continue; /* empty lines do not count */
    CUTLAB_TRY(check_row(context, line, x, path, ++rows));
  }
  if (rows == y->count) return CUTLAB_OK;
  return cutlab_fail(context, CUTLAB_ERROR_FORMAT,
                     "%s has %lld rows; the map has %lld, one for each value of %s", path, rows,
                     (long long)y->count, y->name);
}

cutlab_status cutlab_reference_check(cutlab_context *context, const cutlab_grid *grid,
                                     const char *text) {
  char *content;
  size_t size;
  CUTLAB_TRY(check_map(context, grid));
  CUTLAB_TRY(check_measure(context, grid, text));
  const char *path = strchr(text, '=') + 1;
  CUTLAB_TRY(cutlab_file_read(context, &content, &size, path, 0));
  cutlab_status status =
      strlen(content) == size
          ? check_rows(context, content, grid, path)
          : cutlab_fail(context, CUTLAB_ERROR_FORMAT, "%s is not text: it holds a zero byte", path);
  free(content);
  return status;
}
