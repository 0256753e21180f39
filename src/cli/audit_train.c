/* cutlab audit train: the trainings that an audit needs. */
#include <stdlib.h>
#include <string.h>

#include "options.h"

static const cutlab_option options[] = {
    {"methods", 'm', "LIST", "Methods, with commas; default: erm,cutout,cutmix."},
    {"folds", 'k', "K", "Parts of the training data, each held out once; default: 5."},
    {"fold", 0, "LIST", "Only these of the folds 1 to K, with commas."},
    {"seeds", 0, "N", "Trainings of every method and fold; default: 3."},
    {"first-seed", 0, "N", "The first seed; default: 1."},
    {"config", 'c', "FILE", "Set what a YAML file says, a flat mapping of settings."},
    {"out", 'o', "DIR", "Folder of the runs, METHOD-foldIofK-seedS; the same DIR goes on."},
    CUTLAB_OPTION_MINUTES,
    CUTLAB_OPTION_JSON,
    {"threads", 0, "N",
     "Threads to compute with; 0, the default, is one per core. Several of these commands on one "
     "DIR share the work."},
    CUTLAB_OPTIONS_END};

enum { most_listed = 1000 };

/* What the command line asks for; the texts are cut in place. */
typedef struct job {
  char *methods, *folds;
  const char *method_list[most_listed];
  int64_t fold_list[most_listed];
  cutlab_audit_plan plan;
} job;

/* Cuts the value of an option at its commas. Gives 0 or the exit code. */
static int split(const char **parts, int *count, char *text, const char *option) {
  *count = 0;
  for (char *rest = text, *part; (part = strsep(&rest, ","));) {
    if (*count == most_listed)
      return cutlab_cli_usage("--%s has more than %d names or numbers; accepted: up to %d", option,
                              most_listed, most_listed);
    parts[(*count)++] = part;
  }
  return 0;
}

static int read_folds(job *j) {
  const char *parts[most_listed];
  int count, code = split(parts, &count, j->folds, "fold");
  for (int i = 0; i < count && !code; ++i) {
    char *end;
    j->fold_list[i] = strtoll(parts[i], &end, 10);
    if (end == parts[i] || *end)
      return cutlab_cli_usage("--fold has '%.80s'; accepted: folds such as 1,2", parts[i]);
  }
  j->plan.fold_list = j->fold_list;
  j->plan.fold_count = count;
  return code;
}

static int read_plan(const cutlab_cli *cli, job *j) {
  const char *methods = cutlab_options_value(cli, "methods");
  const char *folds = cutlab_options_value(cli, "fold");
  j->plan = (cutlab_audit_plan){.folds = 5, .first_seed = 1, .seeds = 3};
  j->methods = strdup(methods ? methods : "erm,cutout,cutmix");
  j->folds = folds ? strdup(folds) : NULL;
  if (!j->methods || (folds && !j->folds)) return cutlab_cli_usage("out of memory");
  j->plan.methods = j->method_list;
  int code = split(j->method_list, &j->plan.method_count, j->methods, "methods");
  if (!code && j->folds) code = read_folds(j);
  if (!code) code = cutlab_options_integer(cli, "folds", &j->plan.folds, 2, 1000000);
  if (!code) code = cutlab_options_integer(cli, "seeds", &j->plan.seeds, 1, 1000000);
  if (!code) code = cutlab_options_integer(cli, "first-seed", &j->plan.first_seed, 0, INT64_MAX);
  return code;
}

/* What the plan sets is not for KEY=VALUE. */
static int check_operands(const cutlab_cli *cli) {
  static const char *const planned[][2] = {
      {"method=", "--methods"}, {"fold=", "--fold"}, {"seed=", "--first-seed and --seeds"}};
  for (int i = 0; i < cli->item_count; ++i)
    for (int k = 0; k < 3 && !cli->items[i].option; ++k)
      if (strncmp(cli->items[i].value, planned[k][0], strlen(planned[k][0])) == 0)
        return cutlab_cli_usage("audit train: '%.80s'; accepted: %s", cli->items[i].value,
                                planned[k][1]);
  return 0;
}

static int carry_out(cutlab_cli *cli, const job *j, const cutlab_training *training) {
  char *summary = NULL;
  cutlab_status status = cutlab_audit_train(cli->context, &summary, cli->out, training, &j->plan);
  int code = status == CUTLAB_OK ? cutlab_cli_print_result(cli, summary)
                                 : cutlab_cli_fail(cli, status, "the same command goes on");
  cutlab_free(summary);
  return code;
}

static int run(cutlab_cli *cli) {
  job *j = calloc(1, sizeof *j);
  cutlab_training *training = NULL;
  if (!j) return cutlab_cli_usage("out of memory");
  int code = cli->out ? check_operands(cli)
                      : cutlab_cli_usage("audit train: where to? accepted: --out DIR");
  if (!code) code = read_plan(cli, j);
  if (!code && cutlab_training_create(cli->context, &training) != CUTLAB_OK)
    code = cutlab_cli_fail(cli, CUTLAB_ERROR_MEMORY, NULL);
  if (!code) code = cutlab_cli_apply_settings(cli, training);
  if (!code) code = carry_out(cli, j, training);
  cutlab_training_free(training);
  free(j->methods);
  free(j->folds);
  free(j);
  return code;
}

const cutlab_command cutlab_command_audit_train = {
    .name = "audit train",
    .operands = "[KEY=VALUE]...",
    .summary = "train every method on every fold with several seeds",
    .text =
        "One training for every method, fold and seed, for cutlab audit. Methods begin with the "
        "same weights and see the same order of examples where their seeds agree. Settings are "
        "those of cutlab train. A stopped command goes on where it was; several on one DIR, on "
        "one machine or on many with a common file system, share the work.",
    .options = options,
    .run = run};
