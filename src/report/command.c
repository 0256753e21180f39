/* The command line that makes a run again. */
#include <stdlib.h>
#include <string.h>

#include "report/report_internal.h"

/* A word of a POSIX shell command. */
static void shell_word(FILE *stream, const char *text) {
  static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                              "_=+-./:,";
  if (*text && text[strspn(text, plain)] == '\0') {
    fputs(text, stream);
    return;
  }
  fputc('\'', stream);
  for (; *text; ++text)
    if (*text == '\'')
      fputs("'\\''", stream);
    else
      fputc(*text, stream);
  fputc('\'', stream);
}

static void setting_word(FILE *stream, const char *name, const json_t *value) {
  char *text = json_is_string(value)
                   ? strdup(json_string_value(value))
                   : json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(17));
  char *word = NULL;
  if (text && asprintf(&word, "%s=%s", name, text) >= 0) {
    fputc(' ', stream);
    shell_word(stream, word);
    free(word);
  }
  free(text);
}

static void put_settings(FILE *stream, const cutlab_report_run *run, const json_t *defaults) {
  const char *name;
  json_t *value;
  json_object_foreach(json_object_get(run->config, run->source->settings), name, value) {
    bool given = strcmp(name, "method") == 0 || strcmp(name, "seed") == 0 ||
                 !json_equal(json_object_get(defaults, name), value);
    if (given && !json_is_null(value)) setting_word(stream, name, value);
  }
}

json_t *cutlab_report_command(cutlab_context *context, const cutlab_report_run *run) {
  char *text = NULL;
  size_t size;
  FILE *stream = open_memstream(&text, &size);
  if (!stream) return json_null();
  fputs(run->source->command, stream);
  const json_t *dataset = json_object_get(run->config, "dataset");
  if (json_is_string(dataset)) {
    fputs(" --dataset ", stream);
    shell_word(stream, json_string_value(dataset));
  }
  json_t *defaults = run->source->defaults(context, run);
  put_settings(stream, run, defaults);
  json_decref(defaults);
  fclose(stream);
  json_t *line = json_string(text ? text : "");
  free(text);
  return line;
}
