/* cutlab optimum: the minimiser of the exact CutMix loss. */
#include "options.h"

static const cutlab_option options[] = {
    {"patches", 0, "P", "Patches of a data point, at least 2. Required."},
    {"positives", 0, "N", "Examples with label +1. Required."},
    {"examples", 0, "N", "Examples in all, at least 1. Required."},
    CUTLAB_OPTION_JSON,
    CUTLAB_OPTIONS_END};

static void print_text(const cutlab_optimum_point *optimum, int64_t patches, int64_t positives,
                       int64_t examples) {
  char reason[32] = "one class only";
  if (patches == 2) snprintf(reason, sizeof reason, "P = 2");
  if (!optimum->exists) {
    printf("%s: no finite optimum; the loss approaches %.10g\n", reason, optimum->loss);
    return;
  }
  printf("CutMix with P = %lld, %lld of %lld examples positive\n", (long long)patches,
         (long long)positives, (long long)examples);
  printf("  output of every patch of positive data  %13.10g\n", optimum->positive);
  printf("  output of every patch of negative data  %13.10g\n", -optimum->negative);
  printf("  loss                                    %13.10g\n", optimum->loss);
}

static void print_json(const cutlab_optimum_point *optimum, int64_t patches) {
  if (optimum->exists)
    printf("{\"positive\": %.17g, \"negative\": %.17g, \"loss\": %.17g}\n", optimum->positive,
           optimum->negative, optimum->loss);
  else
    printf("{\"positive\": null, \"negative\": null, \"loss\": %.17g, \"note\": \"%s: no finite "
           "optimum; loss is the infimum\"}\n",
           optimum->loss, patches == 2 ? "P = 2" : "one class only");
}

static int run(cutlab_cli *cli) {
  static const char *const names[] = {"patches", "positives", "examples"};
  static const int64_t least[] = {2, 0, 1}, most[] = {1000000, INT64_MAX, INT64_MAX};
  int64_t values[3];
  for (int i = 0; i < cli->item_count; ++i)
    if (!cli->items[i].option)
      return cutlab_cli_usage("optimum: unexpected operand '%.80s'; it takes none",
                              cli->items[i].value);
  for (int i = 0; i < 3; ++i) {
    if (!cutlab_options_value(cli, names[i]))
      return cutlab_cli_usage("optimum: --%s is missing", names[i]);
    int code = cutlab_options_integer(cli, names[i], &values[i], least[i], most[i]);
    if (code) return code;
  }
  cutlab_optimum_point optimum;
  cutlab_status status = cutlab_optimum(cli->context, &optimum, values[0], values[1], values[2]);
  if (status != CUTLAB_OK) return cutlab_cli_fail(cli, status, NULL);
  if (cli->json)
    print_json(&optimum, values[0]);
  else
    print_text(&optimum, values[0], values[1], values[2]);
  return 0;
}

const cutlab_command cutlab_command_optimum = {
    .name = "optimum",
    .operands = "--patches P --positives N --examples N",
    .summary = "the minimiser of the exact CutMix loss",
    .text = "At the minimiser every patch of positive data has the same output, and so has every "
            "patch of negative data. With two patches, or with one class only, there is no finite "
            "minimiser; the value that the loss approaches is printed instead.",
    .options = options,
    .run = run};
