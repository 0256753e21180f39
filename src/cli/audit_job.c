/* From operands and options to a computed audit. */
#include "audit_job.h"

#include <stdlib.h>
#include <string.h>

static const char *const data_keys[] = {
    "dataset=", "path=", "shape=", "position=", "train_examples=", "test_examples="};
enum { data_key_count = sizeof data_keys / sizeof *data_keys };

bool cutlab_cli_is_data(const char *operand) {
  for (int i = 0; i < data_key_count; ++i)
    if (strncmp(operand, data_keys[i], strlen(data_keys[i])) == 0) return true;
  return false;
}

static bool ends_with(const char *text, const char *end) {
  size_t length = strlen(text), end_length = strlen(end);
  return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

/* "NAME=FILE" or "FILE". */
static int add_file(cutlab_cli *cli, cutlab_audit *audit, const char *text) {
  const char *equals = strchr(text, '='), *slash = strchr(text, '/');
  bool named = equals && equals != text && (!slash || equals < slash);
  char *name = named ? strndup(text, (size_t)(equals - text)) : NULL;
  cutlab_status status =
      cutlab_audit_add_predictions(cli->context, audit, name, named ? equals + 1 : text);
  free(name);
  return status == CUTLAB_OK ? 0 : cutlab_cli_fail(cli, status, NULL);
}

static int add_item(cutlab_cli *cli, cutlab_audit *audit, const cutlab_item *item, int *added) {
  const char *text = item->value;
  bool predictions = item->option && strcmp(item->option->name, "predictions") == 0;
  if (!predictions && (item->option || cutlab_cli_is_data(text))) return 0;
  ++*added;
  if (predictions || ends_with(text, ".npz") || ends_with(text, ".npy"))
    return add_file(cli, audit, text);
  cutlab_status status = cutlab_audit_add_runs(cli->context, audit, text);
  return status == CUTLAB_OK ? 0 : cutlab_cli_fail(cli, status, NULL);
}

static int add_given(cutlab_cli *cli, cutlab_audit *audit) {
  static const struct {
    const char *option;
    cutlab_status (*set)(cutlab_context *context, cutlab_audit *audit, const char *path);
  } given[] = {{"labels", cutlab_audit_set_labels},
               {"scores", cutlab_audit_set_scores},
               {"class-names", cutlab_audit_set_class_names}};
  for (size_t i = 0; i < sizeof given / sizeof *given; ++i) {
    const char *path = cutlab_options_value(cli, given[i].option);
    cutlab_status status = path ? given[i].set(cli->context, audit, path) : CUTLAB_OK;
    if (status != CUTLAB_OK) return cutlab_cli_fail(cli, status, NULL);
  }
  return 0;
}

/* All that is drawn, and all that is matched, is in the table of scores. */
static int check_scores(const cutlab_cli *cli) {
  static const char *const of_scores[] = {"matched", "draws", "seed"};
  for (size_t i = 0; i < sizeof of_scores / sizeof *of_scores; ++i)
    if (cutlab_options_value(cli, of_scores[i]) && !cutlab_options_value(cli, "scores"))
      return cutlab_cli_usage("%s: --%s is for the table of scores; accepted: --scores FILE too",
                              cli->command->name, of_scores[i]);
  return 0;
}

static int read_options(const cutlab_cli *cli, cutlab_audit_options *options) {
  int64_t seed = 1;
  const char *confidence = cutlab_options_value(cli, "confidence");
  options->baseline = cutlab_options_value(cli, "baseline");
  options->partial = cutlab_options_value(cli, "partial") != NULL;
  if (confidence) {
    char *end;
    options->confidence = strtod(confidence, &end);
    if (end == confidence || *end || !(options->confidence > 0 && options->confidence < 1))
      return cutlab_cli_usage("--confidence is '%.80s'; accepted: between 0 and 1", confidence);
  }
  int code = check_scores(cli);
  if (!code) code = cutlab_options_integer(cli, "draws", &options->draws, 100, 1000000);
  if (!code) code = cutlab_options_integer(cli, "matched", &options->matched, 1, INT64_MAX);
  if (!code) code = cutlab_options_integer(cli, "quantiles", &options->quantiles, 1, 1000);
  if (!code) code = cutlab_options_integer(cli, "seed", &seed, 0, INT64_MAX);
  options->seed = (uint64_t)seed;
  return code;
}

static int fill(cutlab_cli *cli, cutlab_audit *audit, cutlab_audit_addition also) {
  cutlab_audit_options options = {0};
  int added = 0, code = read_options(cli, &options);
  for (int i = 0; i < cli->item_count && !code; ++i)
    code = add_item(cli, audit, &cli->items[i], &added);
  if (!code && !added)
    code = cutlab_cli_usage("%s: nothing to audit; accepted: folders of trained runs, or "
                            "--predictions FILE; see cutlab %s --help",
                            cli->command->name, cli->command->name);
  if (!code) code = add_given(cli, audit);
  if (!code && also) code = also(cli, audit);
  if (code) return code;
  cutlab_status status = cutlab_audit_compute(cli->context, audit, &options);
  return status == CUTLAB_OK ? 0 : cutlab_cli_fail(cli, status, "the same command starts again");
}

int cutlab_cli_audit(cutlab_cli *cli, cutlab_audit **audit, cutlab_audit_addition also) {
  cutlab_status status = cutlab_audit_create(cli->context, audit);
  if (status != CUTLAB_OK) return cutlab_cli_fail(cli, status, NULL);
  int code = fill(cli, *audit, also);
  if (!code) return 0;
  cutlab_audit_free(*audit);
  *audit = NULL;
  return code;
}
