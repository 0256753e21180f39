/* cutlab report: tables, figures and an HTML page from run folders. */
#include <stdlib.h>
#include <string.h>

#include "options.h"

static const cutlab_option options[] = {
    {"out", 'o', "DIR", "Folder to write into; default: the first RUN."},
    CUTLAB_OPTION_REFERENCE,
    CUTLAB_OPTION_JSON,
    CUTLAB_OPTION_THREADS,
    CUTLAB_OPTIONS_END};

/* Takes `table`. */
static int finish(cutlab_cli *cli, cutlab_status status, const char *folder, char *table) {
  if (status != CUTLAB_OK) return cutlab_cli_fail(cli, status, "the same command starts again");
  cutlab_progress_clear();
  if (cli->json) {
    printf("{\"folder\": ");
    cutlab_cli_print_json_string(stdout, folder);
    printf(", \"table\": ");
    cutlab_cli_print_json_string(stdout, table);
    printf("}\n");
  } else {
    printf("%s%s/report.html\n", table, folder);
  }
  cutlab_free(table);
  return 0;
}

int cutlab_cli_report(cutlab_cli *cli, const char *folder, const char *const *runs, int count) {
  char *table = NULL;
  cutlab_status status = cutlab_report_write(cli->context, &table, folder, runs, count);
  return finish(cli, status, folder, table);
}

/* The values of --reference, or where it is not wanted the operands; their number. */
static int collect(const char **values, const cutlab_cli *cli, bool references) {
  int count = 0;
  for (int i = 0; i < cli->item_count; ++i) {
    const cutlab_option *option = cli->items[i].option;
    bool is_reference = option && strcmp(option->name, "reference") == 0;
    if (references ? is_reference : !option) values[count++] = cli->items[i].value;
  }
  return count;
}

int cutlab_cli_report_sweep(cutlab_cli *cli, const char *folder, const char *sweep, bool tell) {
  char *text = NULL;
  const char **references = calloc((size_t)cli->item_count + 1, sizeof *references);
  if (!references) {
    cutlab_cli_print_error("out of memory");
    return cutlab_exit_failure;
  }
  int count = collect(references, cli, true);
  cutlab_status status = cutlab_report_sweep(cli->context, &text, folder, sweep, references, count);
  free(references);
  if (status == CUTLAB_OK && !tell) {
    cutlab_free(text);
    return 0;
  }
  return finish(cli, status, folder, text);
}

static int report(cutlab_cli *cli, const char **runs, int count) {
  if (count == 0) return cutlab_cli_usage("report: no run folder given; see cutlab report --help");
  const char *folder = cli->out ? cli->out : runs[0];
  for (int i = 0; i < count; ++i)
    if (count > 1 && cutlab_report_is_sweep(runs[i]))
      return cutlab_cli_usage("report: %s is a sweep; accepted: one sweep, and nothing else",
                              runs[i]);
  if (cutlab_report_is_sweep(runs[0])) return cutlab_cli_report_sweep(cli, folder, runs[0], true);
  if (cutlab_options_value(cli, "reference"))
    return cutlab_cli_usage("report: --reference is for a sweep, and %s has no sweep.json",
                            runs[0]);
  return cutlab_cli_report(cli, folder, runs, count);
}

static int run(cutlab_cli *cli) {
  const char **runs = calloc((size_t)cli->item_count + 1, sizeof *runs);
  if (!runs) {
    cutlab_cli_print_error("out of memory");
    return cutlab_exit_failure;
  }
  int code = report(cli, runs, collect(runs, cli, false));
  free(runs);
  return code;
}

const cutlab_command cutlab_command_report = {
    .name = "report",
    .operands = "RUN...",
    .summary = "tables, figures and a self-contained HTML page from run folders",
    .text =
        "Each RUN is a run folder of cutlab simulate or cutlab train, or a folder that holds run "
        "folders at any depth; or the folder of one cutlab sweep. Writes report.html, .csv files "
        "and figures, and prints a summary and the path of report.html.",
    .options = options,
    .run = run};
