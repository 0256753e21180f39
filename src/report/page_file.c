/* Pages: a template with the scripts and the data inside. */
#include "report/page_file.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"

/* Rows of equal keys as {"fields": [key, ...], "rows": [[value, ...], ...]}. */
static json_t *columns_of(const json_t *rows) {
  json_t *fields = json_array(), *values = json_array();
  const char *key;
  json_t *row, *value;
  size_t i;
  json_object_foreach(json_array_get(rows, 0), key, value)
      json_array_append_new(fields, json_string(key));
  json_array_foreach(rows, i, row) {
    json_t *line = json_array();
    json_object_foreach(row, key, value) json_array_append(line, value);
    json_array_append_new(values, line);
  }
  return json_pack("{s:o, s:o}", "fields", fields, "rows", values);
}

json_t *cutlab_page_figure(const cutlab_report_figure *figure) {
  json_t *data = json_object(), *rows;
  const char *name;
  json_object_foreach(figure->datasets, name, rows)
      json_object_set_new(data, name, columns_of(rows));
  return json_pack("{s:s, s:i, s:s, s:s, s:O, s:o}", "name", figure->name, "group", figure->group,
                   "title", figure->title, "caption", figure->caption, "spec", figure->spec, "data",
                   data);
}

/* JSON inside <script>: no '<' at all, so that no string can end the element. */
static void put_json(FILE *stream, const char *text) {
  for (; *text; ++text)
    if (*text == '<')
      fputs("\\u003c", stream);
    else
      fputc(*text, stream);
}

/* Script inside <script>: "</script" can only stand in a string or a regular expression,
   where "<\/script" means the same. */
static void put_script(FILE *stream, const char *text) {
  const char *found;
  while ((found = strcasestr(text, "</script"))) {
    fwrite(text, 1, (size_t)(found - text), stream);
    fputs("<\\/", stream);
    text = found + 2;
  }
  fputs(text, stream);
}

/* Copies the page; "{{name}}" stands for an embedded file or for the data. */
static void put_page(FILE *stream, const cutlab_page *page, const char *data) {
  const struct {
    const char *name, *text;
  } parts[] = {{"{{css}}", cutlab_asset_css},
               {"{{sections-css}}", cutlab_asset_sections_css},
               {"{{own-css}}", page->css},
               {"{{vega}}", cutlab_asset_vega},
               {"{{vega-lite}}", cutlab_asset_vega_lite},
               {"{{vega-embed}}", cutlab_asset_vega_embed},
               {"{{common}}", cutlab_asset_common},
               {"{{more-js}}", page->more_js},
               {"{{js}}", page->js}};
  const char *text = page->html, *mark;
  while ((mark = strstr(text, "{{"))) {
    fwrite(text, 1, (size_t)(mark - text), stream);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; ++i)
      if (parts[i].text && strncmp(mark, parts[i].name, strlen(parts[i].name)) == 0)
        put_script(stream, parts[i].text);
    if (strncmp(mark, "{{data}}", 8) == 0) put_json(stream, data);
    text = strstr(mark, "}}") + 2;
  }
  fputs(text, stream);
}

cutlab_status cutlab_page_write(cutlab_context *context, const char *folder,
                                const cutlab_page *page, char *data) {
  char *text = NULL;
  size_t size = 0;
  FILE *stream = data ? open_memstream(&text, &size) : NULL;
  if (stream) {
    put_page(stream, page, data);
    fclose(stream);
  }
  char *path = text ? cutlab_path_join(context, folder, page->name) : NULL;
  cutlab_status status = path ? cutlab_file_write(context, path, text, size)
                              : cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory: page");
  free(path);
  free(text);
  free(data);
  return status;
}
