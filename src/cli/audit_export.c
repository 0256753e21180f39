/* cutlab audit export: what other tools read. */
#include <stdlib.h>
#include <string.h>

#include "audit_job.h"

static const cutlab_option options[] = {
    {"format", 'f', "FORMAT", "cleanlab, cscores or cartography."},
    {"out", 'o', "FILE", "The file to write, which ends in .npz; of cartography .jsonl."},
    {"method", 'm', "NAME", "The method, where there are several."},
    {"labels", 'l', "FILE", "Classes of all examples; where predictions have none."},
    {"predictions", 'p', "[NAME=]FILE", "Predictions of one network, as for cutlab audit."},
    {"partial", 0, NULL, "Export some of the K folds, where not all are there."},
    CUTLAB_OPTION_THREADS,
    CUTLAB_OPTIONS_END};

static int export_cartography(cutlab_cli *cli) {
  const char *folder = NULL;
  for (int i = 0; i < cli->item_count; ++i) {
    if (cli->items[i].option) continue;
    if (folder)
      return cutlab_cli_usage("audit export: cartography is of one run; leave out '%.80s'",
                              cli->items[i].value);
    folder = cli->items[i].value;
  }
  if (!folder) return cutlab_cli_usage("audit export: no run folder given");
  cutlab_status status = cutlab_train_cartography(cli->context, folder, cli->out);
  return status == CUTLAB_OK ? 0 : cutlab_cli_fail(cli, status, NULL);
}

static int export_audit(cutlab_cli *cli, cutlab_audit_format format) {
  cutlab_audit *audit;
  int code = cutlab_options_npz(cli);
  if (!code) code = cutlab_cli_audit(cli, &audit, NULL);
  if (code) return code;
  cutlab_status status = cutlab_audit_export(cli->context, cli->out, audit,
                                             cutlab_options_value(cli, "method"), format);
  if (status != CUTLAB_OK) code = cutlab_cli_fail(cli, status, NULL);
  cutlab_audit_free(audit);
  return code;
}

static int run(cutlab_cli *cli) {
  const char *format = cutlab_options_value(cli, "format");
  if (!cli->out) return cutlab_cli_usage("audit export: where to? accepted: --out FILE");
  if (!format) format = "";
  int code = 0;
  if (strcmp(format, "cleanlab") == 0)
    code = export_audit(cli, CUTLAB_AUDIT_PRED_PROBS);
  else if (strcmp(format, "cscores") == 0)
    code = export_audit(cli, CUTLAB_AUDIT_CSCORES);
  else if (strcmp(format, "cartography") == 0)
    code = export_cartography(cli);
  else
    return cutlab_cli_usage("audit export: --format is '%.80s'; accepted: cleanlab, cscores, "
                            "cartography",
                            format);
  cutlab_progress_clear();
  if (!code) printf("%s\n", cli->out);
  return code;
}

const cutlab_command cutlab_command_audit_export = {
    .name = "audit export",
    .operands = "RUN...",
    .summary = "what cleanlab, dataset cartography and readers of C-scores take",
    .text = "cleanlab: pred_probs, labels and indices, the mean held-out probabilities of one "
            "method's trainings. cscores: scores and labels like the published C-scores, the share "
            "of trainings that are right about an example held out of them. cartography: "
            "td_metrics.jsonl of one run with log_examples=yes.",
    .options = options,
    .run = run};
