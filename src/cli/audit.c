/* cutlab audit, audit cscore: what trained networks get wrong, and whom a method helps. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit_job.h"

static const cutlab_option report_options[] = {
    CUTLAB_AUDIT_OPTIONS,
    {"class-names", 0, "FILE", "Names of the classes, one a line; runs bring their own."},
    {"no-pictures", 0, NULL, "Leave the examples' pictures out of the page."},
    {"out", 'o', "DIR", "Folder of the report; default: audit."},
    CUTLAB_AUDIT_COMPUTING,
    CUTLAB_OPTION_JSON,
    CUTLAB_OPTION_THREADS,
    CUTLAB_OPTIONS_END};

static const cutlab_option table_options[] = {
    CUTLAB_AUDIT_OPTIONS,
    {"out", 'o', "DIR", "Also write the whole report, as cutlab audit does."},
    CUTLAB_AUDIT_COMPUTING,
    CUTLAB_OPTION_JSON,
    CUTLAB_OPTION_THREADS,
    CUTLAB_OPTIONS_END};

/* The data that operands name, for pictures. */
static int read_data(cutlab_cli *cli, cutlab_training *data, bool *given) {
  bool has_dataset = false;
  for (int i = 0; i < cli->item_count; ++i) {
    char key[64];
    const char *value;
    if (cli->items[i].option || !cutlab_cli_is_data(cli->items[i].value)) continue;
    int code = cutlab_options_pair(cli, cli->items[i].value, key, &value);
    if (code) return code;
    cutlab_status status = cutlab_training_set(cli->context, data, key, value);
    if (status != CUTLAB_OK) return cutlab_cli_fail(cli, status, NULL);
    *given = true;
    has_dataset |= strcmp(key, "dataset") == 0;
  }
  return *given && !has_dataset
             ? cutlab_cli_usage("%s: data without their kind; accepted: dataset=NAME too",
                                cli->command->name)
             : 0;
}

static int64_t integer(const cutlab_training *data, const char *key) {
  char *text = cutlab_training_get(data, key);
  int64_t value = text ? strtoll(text, NULL, 10) : 0;
  cutlab_free(text);
  return value;
}

static cutlab_status set_images(cutlab_cli *cli, cutlab_audit *audit, const cutlab_training *data) {
  char *dataset = cutlab_training_get(data, "dataset"), *path = cutlab_training_get(data, "path"),
       *shape = cutlab_training_get(data, "shape"),
       *position = cutlab_training_get(data, "position");
  const cutlab_collection_source source = {.dataset = dataset,
                                           .path = path && *path ? path : NULL,
                                           .train_examples = integer(data, "train_examples"),
                                           .test_examples = integer(data, "test_examples"),
                                           .shape = shape,
                                           .position = position};
  cutlab_status status = cutlab_audit_set_images(cli->context, audit, &source);
  cutlab_free(dataset);
  cutlab_free(path);
  cutlab_free(shape);
  cutlab_free(position);
  return status;
}

/* Pictures of the data that are named, or else of the runs'; the latter may be gone. */
static int add_pictures(cutlab_cli *cli, cutlab_audit *audit) {
  bool given = false, wanted = !cutlab_options_value(cli, "no-pictures");
  cutlab_training *data;
  cutlab_status status = cutlab_training_create(cli->context, &data);
  if (status != CUTLAB_OK) return cutlab_cli_fail(cli, status, NULL);
  int code = read_data(cli, data, &given);
  if (!code && wanted) {
    status = given ? set_images(cli, audit, data) : cutlab_audit_own_images(cli->context, audit);
    if (status != CUTLAB_OK) code = cutlab_cli_fail(cli, status, NULL);
  }
  cutlab_training_free(data);
  return code;
}

static int print(cutlab_cli *cli, const cutlab_audit *audit) {
  char *text = NULL;
  cutlab_status status = cli->json ? cutlab_audit_to_json(cli->context, &text, audit)
                                   : cutlab_audit_to_text(cli->context, &text, audit);
  if (status != CUTLAB_OK) return cutlab_cli_fail(cli, status, NULL);
  cutlab_progress_clear();
  size_t length = strlen(text);
  printf("%s%s", text, length && text[length - 1] == '\n' ? "" : "\n");
  cutlab_free(text);
  return 0;
}

static int write_report(cutlab_cli *cli, const cutlab_audit *audit, const char *folder) {
  cutlab_status status = cutlab_audit_report(cli->context, folder, audit);
  if (status != CUTLAB_OK) return cutlab_cli_fail(cli, status, "the same command starts again");
  cutlab_progress_clear();
  if (!cli->json) printf("%s/audit.html\n", folder);
  return 0;
}

/* Before anything is computed. */
static int check_out(const char *folder) {
  struct stat there;
  if (stat(folder, &there) != 0) return 0; /* it is made, or what prevents that is said, later */
  if (!S_ISDIR(there.st_mode))
    return cutlab_cli_usage("--out %s is a file; accepted: a folder, new or old", folder);
  if (access(folder, W_OK | X_OK) == 0) return 0;
  cutlab_cli_print_error("cannot write into %s: %s", folder, strerror(errno));
  return cutlab_exit_failure;
}

static int run_report(cutlab_cli *cli) {
  cutlab_audit *audit;
  int code = check_out(cli->out ? cli->out : "audit");
  if (code) return code;
  code = cutlab_cli_audit(cli, &audit, add_pictures);
  if (code) return code;
  code = print(cli, audit);
  if (!code) code = write_report(cli, audit, cli->out ? cli->out : "audit");
  cutlab_audit_free(audit);
  return code;
}

static int run_table(cutlab_cli *cli) {
  if (!cutlab_options_value(cli, "scores"))
    return cutlab_cli_usage("audit cscore: which scores? accepted: --scores FILE.npz");
  cutlab_audit *audit;
  int code = cli->out ? check_out(cli->out) : 0;
  if (code) return code;
  code = cutlab_cli_audit(cli, &audit, cli->out ? add_pictures : NULL);
  if (code) return code;
  code = print(cli, audit);
  if (!code && cli->out) code = write_report(cli, audit, cli->out);
  cutlab_audit_free(audit);
  return code;
}

const cutlab_command cutlab_command_audit = {
    .name = "audit",
    .operands = "[RUN | FILE]... [dataset=NAME path=PATH]",
    .summary = "which examples a method rescues, and which it hurts",
    .text = "Compares networks on the same examples: trained runs (RUN: a run folder, or a folder "
            "that holds some), which are audited on what fold held out or else on their test data, "
            "or files of predictions from any framework. Writes audit.html, figures and every "
            "number as .csv. With --scores also the C-score table. dataset=NAME path=PATH (as for "
            "cutlab train) gives the pictures where there are no runs that know their data.",
    .options = report_options,
    .run = run_report};

const cutlab_command cutlab_command_audit_cscore = {
    .name = "audit cscore",
    .operands = "--scores FILE RUN...",
    .summary = "C-scores of the examples that each method still misses",
    .text = "Mean and quartiles of the scores of misclassified held-out examples for every method, "
            "of all errors and at matched error counts, with bootstrap intervals and paired tests. "
            "Scores and predictions must be of the same data set in the same order, which labels "
            "tell.",
    .options = table_options,
    .run = run_table};
