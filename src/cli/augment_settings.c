/* Settings of `cutlab augment`: from the command line, from augment.json, and into it. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "augment_job.h"

const char augment_format[] = "cutlab-augment", augment_record[] = "augment.json";

static const augment_axes axes_table[] = {
    {"nhwc", 4, 1, 2, 3, CUTLAB_NHWC}, {"nchw", 4, 2, 3, 1, CUTLAB_NCHW},
    {"nhw", 3, 1, 2, -1, CUTLAB_NHWC}, {"nlc", 3, -1, 1, 2, CUTLAB_NHWC},
    {"ncl", 3, -1, 2, 1, CUTLAB_NCHW}, {"nl", 2, -1, 1, -1, CUTLAB_NHWC}};

const augment_axes *augment_find_axes(const char *name) {
  for (size_t i = 0; i < sizeof axes_table / sizeof *axes_table; ++i)
    if (strcmp(axes_table[i].name, name) == 0) return &axes_table[i];
  return NULL;
}

/* ---- Replays ---- */

/* Settings of augment.json, put before the options of the command line, so that the latter win. */
static const struct {
  const char *option, *key;
} recorded[] = {{"policy", "policy"},
                {"seed", "seed"},
                {"epoch", "epoch"},
                {"batch", "batch"},
                {"labels", "labels"},
                {"classes", "classes"},
                {"axes", "axes"},
                {"dtype", "dtype"},
                {"format", "output_format"},
                {"mix", "mix"},
                {"smoothing", "smoothing"},
                {"sheet-size", "sheet_size"},
                {"no-labels", "no_labels"}};
enum { recorded_count = sizeof recorded / sizeof *recorded };

static const cutlab_option *find_option(const cutlab_cli *cli, const char *name) {
  const cutlab_option *option = cli->command->options;
  while (strcmp(option->name, name) != 0) ++option;
  return option;
}

/* The value of a setting as the command line would have it, kept in the record; NULL: none. A
   flag's stands for its being there. */
static const char *recorded_text(json_t *record, const char *name) {
  json_t *value = json_object_get(record, name);
  if (!value || json_is_null(value) || json_is_false(value)) return NULL;
  if (json_is_string(value)) return json_string_value(value);
  char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
  if (text) json_object_set_new(record, name, json_string(text));
  free(text);
  return json_string_value(json_object_get(record, name));
}

static int count_operands(const cutlab_cli *cli) {
  int count = 0;
  for (int i = 0; i < cli->item_count; ++i) count += !cli->items[i].option;
  return count;
}

static int prepend_record(augment_job *job) {
  cutlab_cli *cli = job->cli;
  const json_t *inputs = json_object_get(job->record, "inputs"), *input;
  size_t room = (size_t)cli->item_count + recorded_count + json_array_size(inputs), k;
  cutlab_item *items = calloc(room, sizeof *items);
  int count = 0;
  if (!items) {
    cutlab_cli_print_error("out of memory");
    return cutlab_exit_failure;
  }
  if (cutlab_options_value(cli, "labels")) json_object_del(job->record, "no_labels");
  for (int i = 0; i < recorded_count; ++i) {
    const char *text = recorded_text(job->record, recorded[i].key);
    if (text) items[count++] = (cutlab_item){find_option(cli, recorded[i].option), text};
  }
  if (!count_operands(cli))
    json_array_foreach(inputs, k, input) if (json_is_string(input)) items[count++] =
        (cutlab_item){NULL, json_string_value(input)};
  memcpy(items + count, cli->items, (size_t)cli->item_count * sizeof *items);
  free(cli->items);
  cli->items = items;
  cli->item_count += count;
  return 0;
}

int augment_load_record(augment_job *job) {
  const char *path = cutlab_options_value(job->cli, "replay");
  if (!path) return 0;
  struct stat status;
  if (stat(path, &status) != 0) {
    cutlab_cli_print_error("--replay %s: %s; accepted: the folder of a cutlab augment, or its "
                           "ledger beside augment.json",
                           path, strerror(errno));
    return cutlab_exit_failure;
  }
  bool folder = S_ISDIR(status.st_mode);
  const char *slash = strrchr(path, '/');
  int length = folder ? (int)strlen(path) : slash ? (int)(slash - path) : 1;
  const char *parent = folder || slash ? path : ".";
  char *record = NULL;
  json_error_t error;
  if (asprintf(&job->ledger, folder ? "%s/ledger.jsonl" : "%s", path) < 0 ||
      asprintf(&record, "%.*s/%s", length, parent, augment_record) < 0) {
    cutlab_cli_print_error("out of memory");
    return cutlab_exit_failure;
  }
  job->record = json_load_file(record, 0, &error);
  const char *format = json_string_value(json_object_get(job->record, "format"));
  int code = 0;
  if (!job->record && error.line < 0) {
    cutlab_cli_print_error("--replay %s: %s", path, error.text);
    code = cutlab_exit_failure;
  } else if (!job->record || !format || strcmp(format, augment_format) != 0) {
    cutlab_cli_print_error("%s: not the record of a cutlab augment%s%s", record,
                           job->record ? "" : ": ", job->record ? "" : error.text);
    code = cutlab_exit_failure;
  }
  free(record);
  return code ? code : prepend_record(job);
}

/* ---- Reading ---- */

static int read_number(const cutlab_cli *cli, const char *name, double *value, double least,
                       double most) {
  const char *text = cutlab_options_value(cli, name);
  if (!text) return 0;
  char *end;
  *value = strtod(text, &end);
  if (strspn(text, "0123456789.eE+-") == strlen(text) && end != text && !*end && *value >= least &&
      *value <= most)
    return 0;
  return cutlab_cli_usage("--%s is '%.80s'; accepted: number, %g to %g", name, text, least, most);
}

/* Reads a choice; `*index` stays where the option is not given. */
static int read_choice(const cutlab_cli *cli, const char *name, int *index,
                       const char *const *choices) {
  const char *text = cutlab_options_value(cli, name);
  char accepted[128] = "";
  if (!text) return 0;
  for (int i = 0; choices[i]; ++i) {
    if (strcmp(text, choices[i]) == 0) {
      *index = i;
      return 0;
    }
    size_t used = strlen(accepted);
    snprintf(accepted + used, sizeof accepted - used, "%s%s", i ? " | " : "", choices[i]);
  }
  return cutlab_cli_usage("--%s is '%.80s'; accepted: %s", name, text, accepted);
}

static int read_choices(augment_job *job) {
  static const char *const axes[] = {"nhwc", "nchw", "nhw", "nlc", "ncl", "nl", NULL};
  static const char *const dtypes[] = {"uint8", "float16", "float32", NULL};
  static const char *const formats[] = {"npy", "png", NULL}, *const mixes[] = {"linear", "union",
                                                                               NULL};
  augment_settings *s = &job->settings;
  int axis = -1, dtype = -1, format = -1, mix = 0;
  int code = read_choice(job->cli, "axes", &axis, axes);
  if (!code) code = read_choice(job->cli, "dtype", &dtype, dtypes);
  if (!code) code = read_choice(job->cli, "format", &format, formats);
  if (!code) code = read_choice(job->cli, "mix", &mix, mixes);
  if (axis >= 0) s->axes = &axes_table[axis];
  if (dtype >= 0) s->dtype = dtypes[dtype];
  if (format >= 0) s->format = formats[format];
  s->mix = mix ? CUTLAB_LABEL_UNION : CUTLAB_LABEL_LINEAR;
  return code;
}

/* JSON can name no other paths. */
static int check_text(const char *path) {
  json_t *text = json_string(path);
  json_decref(text);
  return text ? 0 : cutlab_cli_usage("the path %.200s is not UTF-8 text; accepted: UTF-8", path);
}

static int read_inputs(augment_job *job) {
  augment_settings *s = &job->settings;
  const cutlab_cli *cli = job->cli;
  s->inputs = calloc((size_t)cli->item_count + 1, sizeof *s->inputs);
  if (!s->inputs) {
    cutlab_cli_print_error("out of memory");
    return cutlab_exit_failure;
  }
  for (int i = 0; i < cli->item_count; ++i)
    if (!cli->items[i].option) s->inputs[s->input_count++] = cli->items[i].value;
  for (int i = 0; i < s->input_count; ++i)
    if (check_text(s->inputs[i])) return cutlab_exit_usage;
  return s->input_count ? 0
                        : cutlab_cli_usage("augment: no INPUT given; see cutlab augment --help");
}

int augment_read_settings(augment_job *job) {
  cutlab_cli *cli = job->cli;
  augment_settings *s = &job->settings;
  *s = (augment_settings){.batch = 256, .sheet_size = 24};
  s->policy = cutlab_options_value(cli, "policy");
  s->labels = cutlab_options_value(cli, "labels");
  s->no_labels = cutlab_options_value(cli, "no-labels") != NULL;
  if (!s->policy) return cutlab_cli_usage("augment: --policy is missing");
  if (!cutlab_options_value(cli, "seed")) return cutlab_cli_usage("augment: --seed is missing");
  if (!cli->out) return cutlab_cli_usage("augment: --out is missing");
  if (s->labels && s->no_labels)
    return cutlab_cli_usage("--labels and --no-labels are given; accepted: one of them");
  int code = read_inputs(job);
  if (!code && s->labels) code = check_text(s->labels);
  if (!code) code = cutlab_options_integer(cli, "seed", &s->seed, 0, INT64_MAX);
  if (!code) code = cutlab_options_integer(cli, "epoch", &s->epoch, 0, INT64_MAX);
  if (!code) code = cutlab_options_integer(cli, "batch", &s->batch, 1, INT32_MAX);
  if (!code) code = cutlab_options_integer(cli, "classes", &s->classes, 1, INT32_MAX);
  if (!code) code = cutlab_options_integer(cli, "sheet-size", &s->sheet_size, 0, 1000);
  if (!code) code = read_number(cli, "smoothing", &s->smoothing, 0, 1);
  if (cutlab_options_value(cli, "no-sheet")) s->sheet_size = 0;
  return code ? code : read_choices(job);
}

/* ---- Policies ---- */

enum { max_policy = 1 << 16 };

static int read_policy_file(char **text, const char *path) {
  FILE *file = fopen(path, "rbe");
  *text = calloc(1, max_policy + 2);
  size_t size = file && *text ? fread(*text, 1, max_policy + 1, file) : 0;
  int code = 0;
  if (!*text) {
    cutlab_cli_print_error("out of memory");
    code = cutlab_exit_failure;
  } else if (!file || ferror(file)) {
    cutlab_cli_print_error("cannot %s %s: %s", file ? "read" : "open", path, strerror(errno));
    code = cutlab_exit_failure;
  } else if (size > max_policy || strlen(*text) != size) {
    cutlab_cli_print_error("%s: %s; accepted: text of at most %d bytes", path,
                           size > max_policy ? "longer than a policy" : "a zero byte", max_policy);
    code = cutlab_exit_failure;
  }
  if (file) fclose(file);
  return code;
}

int augment_make_policy(cutlab_cli *cli, cutlab_policy **policy, const char *text) {
  if (text[0] != '@') {
    cutlab_status status = cutlab_policy_create(cli->context, policy, text);
    return status == CUTLAB_OK ? 0 : cutlab_cli_fail(cli, status, NULL);
  }
  char *content = NULL;
  int code = read_policy_file(&content, text + 1);
  if (!code && cutlab_policy_create(cli->context, policy, content) != CUTLAB_OK)
    code = cutlab_cli_usage("%s: %s", text + 1, cutlab_context_message(cli->context));
  free(content);
  return code;
}

/* ---- augment.json ---- */

static json_t *text_or_null(const char *text) {
  return text ? json_string(text) : json_null();
}

/* Names of the class ids, where folders gave them. */
static json_t *class_names(const augment_job *job) {
  const cutlab_images *images = &job->images;
  if (!augment_class_names(job)) return json_null();
  json_t *names = json_array();
  for (int64_t c = 0; c < images->class_count; ++c)
    if (json_array_append_new(names, json_string(images->class_names[c])) != 0)
      json_array_append_new(names, json_null()); /* a name that is not UTF-8 */
  return names;
}

json_t *augment_describe_job(const augment_job *job) {
  const augment_settings *s = &job->settings;
  const cutlab_array *pixels = &job->images.pixels;
  json_t *inputs = json_array(), *shape = json_array();
  for (int i = 0; i < s->input_count; ++i) json_array_append_new(inputs, json_string(s->inputs[i]));
  for (int axis = 0; axis < pixels->rank; ++axis)
    json_array_append_new(shape, json_integer(pixels->shape[axis]));
  json_t *json = json_pack("{s:s, s:i, s:s, s:s, s:I, s:I, s:I, s:o, s:s, s:o, s:s, s:s}", "format",
                           augment_format, "format_version", 1, "cutlab", cutlab_version(),
                           "policy", cutlab_policy_text(job->policy), "seed", (json_int_t)s->seed,
                           "epoch", (json_int_t)s->epoch, "batch", (json_int_t)s->batch, "inputs",
                           inputs, "input_format", job->images.format, "shape", shape, "axes",
                           s->axes->name, "input_dtype", cutlab_dtype_name(job->input.dtype));
  json_t *rest = json_pack(
      "{s:s, s:s, s:o, s:b, s:o, s:o, s:s, s:f, s:I, s:O}", "dtype",
      cutlab_dtype_name(job->output.dtype), "output_format", job->png ? "png" : "npy", "labels",
      text_or_null(s->labels), "no_labels", s->no_labels, "classes",
      job->labels ? json_integer(job->classes) : json_null(), "class_names", class_names(job),
      "mix", s->mix == CUTLAB_LABEL_UNION ? "union" : "linear", "smoothing", s->smoothing,
      "sheet_size", (json_int_t)s->sheet_size, "files", job->files);
  json_object_update(json, rest);
  json_decref(rest);
  return json;
}
