/* cutlab report: tables, figures and an HTML page from run folders. */
#include <stdlib.h>

#include "options.h"

static const cutlab_option options[] = {
    {"out", 'o', "DIR", "Folder to write into; default: the first RUN."},
    CUTLAB_OPTION_JSON,
    CUTLAB_OPTION_THREADS,
    CUTLAB_OPTIONS_END};

int cutlab_cli_report(cutlab_cli *cli, const char *folder, const char *const *runs, int count) {
  char *table = NULL;
  cutlab_status status = cutlab_report_write(cli->context, &table, folder, runs, count);
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

static int run(cutlab_cli *cli) {
  const char **runs = calloc((size_t)cli->item_count + 1, sizeof *runs);
  int count = 0;
  if (!runs) {
    cutlab_cli_print_error("out of memory");
    return cutlab_exit_failure;
  }
  for (int i = 0; i < cli->item_count; ++i)
    if (!cli->items[i].option) runs[count++] = cli->items[i].value;
  int code = count ? cutlab_cli_report(cli, cli->out ? cli->out : runs[0], runs, count)
                   : cutlab_cli_usage("report: no run folder given; see cutlab report --help");
  free(runs);
  return code;
}

const cutlab_command cutlab_command_report = {
    .name = "report",
    .operands = "RUN...",
    .summary = "tables, figures and a self-contained HTML page from run folders",
    .text =
        "Each RUN is a run folder of cutlab simulate or cutlab train, or a folder that holds run "
        "folders at any depth. Writes report.html, .csv files and figures, and prints a "
        "summary table and the path of report.html.",
    .options = options,
    .run = run};
