/* cutlab reproduce: the paper's experiments, all of them, then their report. */
#include <stdlib.h>
#include <string.h>

#include "options.h"

static const cutlab_option options[] = {
    {"out", 'o', "DIR", "Folder for the runs and the report; default: cutlab-reproduce."},
    {"seeds", 0, "N", "Seeds of every experiment; default: 5."},
    {"first-seed", 0, "S", "The first seed; default: 1."},
    CUTLAB_OPTION_MINUTES,
    CUTLAB_OPTION_JSON,
    CUTLAB_OPTION_THREADS,
    CUTLAB_OPTIONS_END};

static int reproduce(cutlab_cli *cli, const char *const *overrides, int count) {
  const char *folder = cli->out ? cli->out : "cutlab-reproduce";
  int64_t seeds = 5, first = 1;
  int code = cutlab_options_integer(cli, "seeds", &seeds, 1, 1000000);
  if (!code) code = cutlab_options_integer(cli, "first-seed", &first, 0, INT64_MAX - 1000000);
  if (code) return code;
  cutlab_status status =
      cutlab_reproduce(cli->context, folder, first, (int)seeds, overrides, count);
  if (status != CUTLAB_OK)
    return cutlab_cli_fail(cli, status, "finished runs are kept: the same command goes on");
  return cutlab_cli_report(cli, folder, &folder, 1);
}

static int run(cutlab_cli *cli) {
  const char **overrides = calloc((size_t)cli->item_count + 1, sizeof *overrides);
  int count = 0, code = 0;
  if (!overrides) {
    cutlab_cli_print_error("out of memory");
    return cutlab_exit_failure;
  }
  for (int i = 0; i < cli->item_count && !code; ++i) {
    const cutlab_item *item = &cli->items[i];
    if (item->option) continue;
    if (!strchr(item->value, '='))
      code = cutlab_cli_usage("reproduce: unexpected operand '%.80s'; accepted: key=value",
                              item->value);
    overrides[count++] = item->value;
  }
  if (!code) code = reproduce(cli, overrides, count);
  free(overrides);
  return code;
}

const cutlab_command cutlab_command_reproduce = {
    .name = "reproduce",
    .operands = "[KEY=VALUE]...",
    .summary = "the paper's experiments and their report",
    .text = "Trains ERM, Cutout and CutMix with the presets paper and theory, stratified and "
            "independent draws, over several seeds, as run folders under DIR, and writes their "
            "report there. Finished runs are kept and unfinished ones resumed, so that a second "
            "call only does what is missing. KEY=VALUE sets a parameter of every run; see "
            "cutlab simulate --help.",
    .options = options,
    .run = run};
