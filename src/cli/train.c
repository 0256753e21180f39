/* cutlab train: one network on one data set, from settings or from an unfinished run. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "options.h"

static const cutlab_option options[] = {
    {"config", 'c', "FILE", "Set what a YAML file says, a flat mapping of settings."},
    {"out", 'o', "DIR", "Train in a new folder, which keeps the run."},
    {"resume", 'r', "DIR",
     "Continue the run in a folder; settings come from there. With path=PATH its data are there "
     "now."},
    {"describe", 0, NULL,
     "Print the network's layers, memory and steps, and exit before training."},
    {"print-config", 0, NULL, "Print the settings as YAML (--json: JSON) and exit."},
    {"list", 'l', NULL, "Print models, settings and recipes and exit."},
    CUTLAB_OPTION_MINUTES,
    CUTLAB_OPTION_JSON,
    {"threads", 0, "N",
     "Threads to compute with; 0, the default, is one per core. With backend=onednn results depend "
     "on it in their last bits, with reference they do not."},
    CUTLAB_OPTIONS_END};

static int set_operand(cutlab_cli *cli, cutlab_training *training, const char *text) {
  char key[64];
  const char *value;
  int code = cutlab_options_pair(cli, text, key, &value);
  if (code) return code;
  cutlab_status status = cutlab_training_set(cli->context, training, key, value);
  return status == CUTLAB_OK ? 0 : cutlab_cli_fail(cli, status, NULL);
}

int cutlab_cli_apply_settings(cutlab_cli *cli, cutlab_training *training) {
  for (int i = 0; i < cli->item_count; ++i) {
    const cutlab_item *item = &cli->items[i];
    if (!item->option || strcmp(item->option->name, "config") != 0) continue;
    cutlab_status status = cutlab_training_load_yaml(cli->context, training, item->value);
    if (status != CUTLAB_OK) return cutlab_cli_fail(cli, status, NULL);
  }
  int code = 0;
  for (int i = 0; i < cli->item_count && !code; ++i)
    if (!cli->items[i].option) code = set_operand(cli, training, cli->items[i].value);
  return code;
}

/* The numbers and texts of a result, one a line; what is nested is in its file. */
static void print_summary(const json_t *result) {
  const char *key;
  const json_t *value;
  for (void *at = json_object_iter((json_t *)result); at;
       at = json_object_iter_next((json_t *)result, at)) {
    key = json_object_iter_key(at);
    value = json_object_iter_value(at);
    if (json_is_integer(value))
      printf("%-24s  %lld\n", key, (long long)json_integer_value(value));
    else if (json_is_number(value))
      printf("%-24s  %.6g\n", key, json_number_value(value));
    else if (json_is_string(value))
      printf("%-24s  %s\n", key, json_string_value(value));
  }
}

int cutlab_cli_print_result(const cutlab_cli *cli, const char *result) {
  cutlab_progress_clear();
  size_t length = strlen(result);
  json_t *json = cli->json ? NULL : json_loads(result, 0, NULL);
  if (json)
    print_summary(json);
  else
    printf("%s%s", result, length && result[length - 1] == '\n' ? "" : "\n");
  json_decref(json);
  return 0;
}

/* Prints the result, or what became of the run. */
static int finish(cutlab_cli *cli, cutlab_status status, char *result, const char *folder) {
  char resume[4200] = "nothing was begun: the same command starts again", record[4200];
  snprintf(record, sizeof record, "%s/run.json", folder);
  if (access(record, F_OK) == 0)
    snprintf(resume, sizeof resume, "go on with: cutlab train --resume %s", folder);
  int code = status == CUTLAB_OK ? cutlab_cli_print_result(cli, result)
                                 : cutlab_cli_fail(cli, status, resume);
  cutlab_free(result);
  return code;
}

static int resume_run(cutlab_cli *cli, const char *folder) {
  static const char *const allowed[] = {"resume",  "minutes", "json", "quiet",
                                        "threads", "path=",   NULL};
  int code = cutlab_options_only(cli, allowed,
                                 "--resume takes everything from its folder; accepted: path= "
                                 "alone, where the data have moved");
  if (code) return code;
  const char *path = NULL;
  for (int i = 0; i < cli->item_count; ++i)
    if (!cli->items[i].option) path = cli->items[i].value + strlen("path=");
  cutlab_status status = path ? cutlab_train_relocate(cli->context, folder, path) : CUTLAB_OK;
  if (status != CUTLAB_OK) return cutlab_cli_fail(cli, status, "the same command goes on");
  char *result = NULL;
  status = cutlab_train_resume(cli->context, &result, folder);
  return finish(cli, status, result, folder);
}

static void list_text(void) {
  cutlab_model_info model;
  fputs("Models, as model=NAME or model='NAME(parameter=value)':\n", stdout);
  for (int i = 0; cutlab_model_info_at(i, &model); ++i) {
    char line[1024], *end = line;
    end += snprintf(line, sizeof line / 2, "%s", model.summary);
    if (*model.source) snprintf(end, sizeof line / 2, " (%s)", model.source);
    cutlab_cli_print_entry(stdout, model.name, line, 17);
    if (!*model.parameters) continue;
    printf("%17s", "");
    cutlab_cli_print_wrapped(stdout, model.parameters, 17, 17);
  }
  putchar('\n');
  cutlab_cli_print_settings(stdout);
}

static json_t *settings_json(const cutlab_training *defaults) {
  json_t *settings = json_array();
  const cutlab_parameter *row;
  for (int i = 0; (row = cutlab_training_parameter(i)); ++i) {
    char *value = cutlab_training_get(defaults, row->name);
    json_array_append_new(settings, json_pack("{s:s, s:s, s:s, s:s, s:s}", "name", row->name,
                                              "kind", row->kind, "accepted", row->accepted,
                                              "default", value ? value : "", "text", row->text));
    cutlab_free(value);
  }
  return settings;
}

static int list_json(const cutlab_training *defaults) {
  json_t *models = json_array(), *recipes = json_object();
  cutlab_model_info model;
  const char *name, *yaml;
  for (int i = 0; cutlab_model_info_at(i, &model); ++i)
    json_array_append_new(models, json_pack("{s:s, s:s, s:s, s:s}", "name", model.name,
                                            "parameters", model.parameters, "summary",
                                            model.summary, "source", model.source));
  for (int i = 0; (yaml = cutlab_training_recipe(i, &name)); ++i)
    json_object_set_new(recipes, name, json_string(yaml));
  json_t *json = json_pack("{s:o, s:o, s:o}", "models", models, "settings", settings_json(defaults),
                           "recipes", recipes);
  char *text = json ? json_dumps(json, 0) : NULL;
  json_decref(json);
  if (!text) {
    cutlab_cli_print_error("out of memory");
    return cutlab_exit_failure;
  }
  printf("%s\n", text);
  free(text);
  return 0;
}

static int list(cutlab_cli *cli, const cutlab_training *defaults) {
  static const char *const allowed[] = {"list", "json", "quiet", "threads", NULL};
  int code = cutlab_options_only(cli, allowed, "--list takes nothing else");
  if (code) return code;
  if (cli->json) return list_json(defaults);
  list_text();
  return 0;
}

static int print_config(cutlab_cli *cli, const cutlab_training *training) {
  char *text = NULL;
  cutlab_status status = cli->json ? cutlab_training_to_json(cli->context, &text, training)
                                   : cutlab_training_to_yaml(cli->context, &text, training);
  if (status != CUTLAB_OK) return cutlab_cli_fail(cli, status, NULL);
  fputs(text, stdout);
  cutlab_free(text);
  return 0;
}

static int describe(cutlab_cli *cli, const cutlab_training *training) {
  if (cli->json) return cutlab_cli_usage("train: --describe is for reading; leave out --json");
  char *text = NULL;
  cutlab_status status = cutlab_train_describe(cli->context, &text, training);
  if (status != CUTLAB_OK) return cutlab_cli_fail(cli, status, NULL);
  cutlab_progress_clear();
  fputs(text, stdout);
  cutlab_free(text);
  return 0;
}

static int run_new(cutlab_cli *cli, const cutlab_training *training) {
  cutlab_status status = cutlab_training_validate(cli->context, training);
  if (status != CUTLAB_OK) return cutlab_cli_fail(cli, status, NULL);
  if (cutlab_options_value(cli, "describe")) return describe(cli, training);
  if (!cli->out)
    return cutlab_cli_usage("train: where to? accepted: --out DIR, a folder for the run");
  char *result = NULL;
  status = cutlab_train_execute(cli->context, &result, training, cli->out);
  return finish(cli, status, result, cli->out);
}

static int run(cutlab_cli *cli) {
  const char *resume = cutlab_options_value(cli, "resume");
  if (resume) return resume_run(cli, resume);
  cutlab_training *training;
  cutlab_status status = cutlab_training_create(cli->context, &training);
  if (status != CUTLAB_OK) return cutlab_cli_fail(cli, status, NULL);
  int code;
  if (cutlab_options_value(cli, "list"))
    code = list(cli, training);
  else if ((code = cutlab_cli_apply_settings(cli, training)) == 0)
    code = cutlab_options_value(cli, "print-config") ? print_config(cli, training)
                                                     : run_new(cli, training);
  cutlab_training_free(training);
  return code;
}

const cutlab_command cutlab_command_train = {
    .name = "train",
    .operands = "[KEY=VALUE]...",
    .summary = "train a network on images or series",
    .text = "Gradient descent with ERM, Cutout, CutMix, Mixup or any policy. A data set brings a "
            "recipe, the settings it recommends; what YAML files and then KEY=VALUE set by name "
            "stays, in the order of the command line. The folder holds logs, TensorBoard events "
            "and checkpoints; a run that was stopped goes on from there to the same bytes.",
    .options = options,
    .takes = CUTLAB_TAKES_SETTINGS,
    .run = run};
