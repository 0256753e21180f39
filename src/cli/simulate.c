/* cutlab simulate: one training, from parameters, a data set, or an unfinished run. */
#include <stdlib.h>
#include <string.h>

#include "options.h"

static const cutlab_option options[] = {
    {"preset", 'p', "NAME",
     "Start from a preset: paper (the default), theory, quick, or another world: wide, "
     "imbalanced, fixed-position, benign-overfitting, relu-power, mixup-rare-feature, "
     "midpoint-mixup, augmentation-views."},
    {"config", 'c', "FILE",
     "Set what a YAML file says, a flat mapping of parameters; its key "
     "preset is applied first."},
    {"method", 'm', "METHOD", "The same as method=METHOD."},
    {"seed", 's', "S", "The same as seed=S."},
    {"iterations", 'n', "N", "The same as iterations=N."},
    {"dataset", 'd', "FILE",
     "Train on a data set (.npz) instead of drawing one; one that CutLab drew brings its world."},
    {"export-dataset", 0, "FILE", "Write the drawn data set as .npz, then train."},
    {"out", 'o', "DIR", "Keep the run in a new folder, from which it can be resumed and reported."},
    {"resume", 'r', "DIR", "Continue the run in a folder; parameters come from there."},
    {"print-config", 0, NULL, "Print the parameters as YAML (--json: JSON) and exit."},
    CUTLAB_OPTION_MINUTES,
    CUTLAB_OPTION_JSON,
    CUTLAB_OPTION_THREADS,
    CUTLAB_OPTIONS_END};

static bool is_option(const cutlab_item *item, const char *name) {
  return item->option && strcmp(item->option->name, name) == 0;
}

static int set_operand(cutlab_cli *cli, cutlab_experiment *experiment, const char *text) {
  char key[64];
  const char *value;
  int code = cutlab_options_pair(cli, text, key, &value);
  if (code) return code;
  cutlab_status status = cutlab_experiment_set(cli->context, experiment, key, value);
  return status == CUTLAB_OK ? 0 : cutlab_cli_fail(cli, status, NULL);
}

/* The preset first, then files, then the rest, each in the order of the command line. */
static int apply_items(cutlab_cli *cli, cutlab_experiment *experiment) {
  static const char *const shorthands[] = {"method", "seed", "iterations"};
  cutlab_status status = CUTLAB_OK;
  const char *preset = NULL;
  for (int i = 0; i < cli->item_count && status == CUTLAB_OK; ++i) {
    if (!is_option(&cli->items[i], "preset")) continue;
    if (preset)
      return cutlab_cli_usage("simulate: --preset %.80s after --preset %.80s; accepted: one",
                              cli->items[i].value, preset);
    preset = cli->items[i].value;
    status = cutlab_experiment_set_preset(cli->context, experiment, preset);
  }
  for (int i = 0; i < cli->item_count && status == CUTLAB_OK; ++i)
    if (is_option(&cli->items[i], "config"))
      status = cutlab_experiment_load_yaml(cli->context, experiment, cli->items[i].value);
  for (int i = 0; i < cli->item_count && status == CUTLAB_OK; ++i) {
    const cutlab_item *item = &cli->items[i];
    if (!item->option) {
      int code = set_operand(cli, experiment, item->value);
      if (code) return code;
    }
    for (int s = 0; s < 3 && status == CUTLAB_OK; ++s)
      if (is_option(item, shorthands[s]))
        status = cutlab_experiment_set(cli->context, experiment, shorthands[s], item->value);
  }
  /* A data set brings sizes of its own. */
  if (status == CUTLAB_OK && !cutlab_options_value(cli, "dataset"))
    status = cutlab_experiment_validate(cli->context, experiment);
  return status == CUTLAB_OK ? 0 : cutlab_cli_fail(cli, status, NULL);
}

/* The world of --dataset becomes the experiment's. */
static cutlab_status describe_dataset(cutlab_cli *cli, cutlab_experiment *experiment,
                                      const char *path) {
  cutlab_dataset *dataset = NULL;
  cutlab_status status = cutlab_dataset_read(cli->context, &dataset, path);
  if (status == CUTLAB_OK) status = cutlab_dataset_describe(cli->context, experiment, dataset);
  cutlab_dataset_free(dataset);
  return status;
}

static int print_config(cutlab_cli *cli, cutlab_experiment *experiment) {
  char *text = NULL;
  const char *dataset = cutlab_options_value(cli, "dataset");
  cutlab_status status = dataset ? describe_dataset(cli, experiment, dataset) : CUTLAB_OK;
  if (status == CUTLAB_OK)
    status = cli->json ? cutlab_experiment_to_json(cli->context, &text, experiment)
                       : cutlab_experiment_to_yaml(cli->context, &text, experiment);
  if (status != CUTLAB_OK) return cutlab_cli_fail(cli, status, NULL);
  fputs(text, stdout);
  cutlab_free(text);
  return 0;
}

static cutlab_status export_dataset(cutlab_cli *cli, const cutlab_experiment *experiment,
                                    const char *path) {
  cutlab_dataset *dataset = NULL;
  cutlab_status status = cutlab_dataset_draw(cli->context, &dataset, experiment);
  if (status == CUTLAB_OK) status = cutlab_dataset_write(cli->context, path, dataset);
  cutlab_dataset_free(dataset);
  return status;
}

static int print_result(cutlab_cli *cli, const char *result) {
  cutlab_progress_clear();
  if (cli->json) {
    size_t length = strlen(result);
    printf("%s%s", result, length && result[length - 1] == '\n' ? "" : "\n");
    return 0;
  }
  char *text = NULL;
  cutlab_status status = cutlab_run_summary(cli->context, &text, result);
  if (status != CUTLAB_OK) return cutlab_cli_fail(cli, status, NULL);
  fputs(text, stdout);
  cutlab_free(text);
  return 0;
}

/* Prints the result, or what became of the run. `folder` NULL: nothing was kept. */
static int finish(cutlab_cli *cli, cutlab_status status, char *result, const char *folder) {
  char resume[4200] = "nothing was kept: a run with --out DIR can be resumed";
  if (folder) snprintf(resume, sizeof resume, "go on with: cutlab simulate --resume %s", folder);
  int code = status == CUTLAB_OK ? print_result(cli, result) : cutlab_cli_fail(cli, status, resume);
  cutlab_free(result);
  return code;
}

static int resume_run(cutlab_cli *cli, const char *folder) {
  static const char *const allowed[] = {"resume", "minutes", "json", "quiet", "threads", NULL};
  int code = cutlab_options_only(cli, allowed, "--resume takes everything from its folder");
  if (code) return code;
  code = cutlab_cli_join(cli);
  if (code) return code;
  char *result = NULL;
  cutlab_status status = cutlab_run_resume(cli->context, &result, folder);
  return finish(cli, status, result, folder);
}

static int run_new(cutlab_cli *cli, const cutlab_experiment *experiment) {
  const char *dataset = cutlab_options_value(cli, "dataset");
  const char *export_path = cutlab_options_value(cli, "export-dataset");
  if (dataset && export_path)
    return cutlab_cli_usage("simulate: --export-dataset writes a drawn data set; leave out "
                            "--dataset");
  if (export_path && cutlab_context_rank_count(cli->context) > 1)
    return cutlab_cli_usage("simulate: --export-dataset is the work of one process");
  cutlab_status status = CUTLAB_OK;
  if (export_path) status = export_dataset(cli, experiment, export_path);
  if (status != CUTLAB_OK) return cutlab_cli_fail(cli, status, NULL);
  int code = cutlab_cli_join(cli);
  if (code) return code;
  char *result = NULL;
  status = cutlab_run_execute(cli->context, &result, experiment, dataset, cli->out);
  return finish(cli, status, result, cli->out);
}

static int run(cutlab_cli *cli) {
  const char *resume = cutlab_options_value(cli, "resume");
  if (resume) return resume_run(cli, resume);
  cutlab_experiment *experiment;
  cutlab_status status = cutlab_experiment_create(cli->context, &experiment);
  if (status != CUTLAB_OK) return cutlab_cli_fail(cli, status, NULL);
  int code = apply_items(cli, experiment);
  if (!code)
    code = cutlab_options_value(cli, "print-config") ? print_config(cli, experiment)
                                                     : run_new(cli, experiment);
  cutlab_experiment_free(experiment);
  return code;
}

const cutlab_command cutlab_command_simulate = {
    .name = "simulate",
    .operands = "[KEY=VALUE]...",
    .summary = "train a patch network in the feature-noise world",
    .text = "Gradient descent on the loss of ERM, Cutout, CutMix or Mixup. Parameters come from a "
            "preset, then from YAML files, then from options and KEY=VALUE in the order of the "
            "command line. Prints what was learnt of every feature, and the accuracy on the whole "
            "population beside the one that theory promises. Under mpirun the examples of one "
            "training (form=held) are divided among the processes.",
    .options = options,
    .takes = CUTLAB_TAKES_PARAMETERS,
    .joins = true,
    .run = run};
