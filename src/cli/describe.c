/* cutlab augment --describe and --list: what policies do, and what they are made of. */
#include <math.h>
#include <stdlib.h>

#include "augment_job.h"

enum { most_rows = 8, most_columns = 16, most_pixels = 1 << 28 };

/* Coverage in cells: means over rectangles of the image. */
typedef struct cells {
  int rows, columns;
  double share[most_rows][most_columns];
} cells;

static cells make_cells(const double *coverage, int64_t height, int64_t width) {
  cells c = {.rows = height < most_rows ? (int)height : most_rows,
             .columns = width < most_columns ? (int)width : most_columns};
  for (int i = 0; i < c.rows; ++i)
    for (int j = 0; j < c.columns; ++j) {
      int64_t top = height * i / c.rows, bottom = height * (i + 1) / c.rows;
      int64_t left = width * j / c.columns, right = width * (j + 1) / c.columns;
      for (int64_t y = top; y < bottom; ++y)
        for (int64_t x = left; x < right; ++x) c.share[i][j] += coverage[y * width + x];
      c.share[i][j] /= (double)((bottom - top) * (right - left));
    }
  return c;
}

static void print_text(const cutlab_policy *policy, const cutlab_policy_summary *summary,
                       const cells *c, int64_t height, int64_t width) {
  printf("%s\n%lld outputs of %lld x %lld\n\n", cutlab_policy_text(policy),
         (long long)summary->draws, (long long)height, (long long)width);
  printf("  applied to                      %8.4f of outputs\n", summary->applied);
  printf("  area replaced, mean             %8.4f +- %.4f\n", summary->mean_area,
         summary->mean_area_error);
  printf("  error of the label, mean        %8.4f\n", summary->label_error_mean);
  printf("  error of the label, largest     %8.4f\n", summary->label_error_max);
  printf("  applied, but nothing replaced   %8.4f of outputs\n", summary->empty);
  printf("\nHow often each part of the image is replaced, in %%:\n\n");
  for (int i = 0; i < c->rows; ++i) {
    fputs("  ", stdout);
    for (int j = 0; j < c->columns; ++j) printf("%4.0f", 100 * c->share[i][j]);
    fputc('\n', stdout);
  }
}

static void print_json(const cutlab_policy *policy, const cutlab_policy_summary *summary,
                       const cells *c, int64_t height, int64_t width, int64_t seed) {
  printf("{\"policy\": ");
  cutlab_cli_print_json_string(stdout, cutlab_policy_text(policy));
  printf(", \"height\": %lld, \"width\": %lld, \"draws\": %lld, \"seed\": %lld, "
         "\"applied\": %.17g, \"mean_area\": %.17g, \"mean_area_error\": %.17g, "
         "\"label_error_mean\": %.17g, \"label_error_max\": %.17g, \"empty\": %.17g, "
         "\"coverage\": [",
         (long long)height, (long long)width, (long long)summary->draws, (long long)seed,
         summary->applied, summary->mean_area, summary->mean_area_error, summary->label_error_mean,
         summary->label_error_max, summary->empty);
  for (int i = 0; i < c->rows; ++i)
    for (int j = 0; j < c->columns; ++j)
      printf("%s%.17g%s",
             j   ? ", "
             : i ? ", ["
                 : "[",
             c->share[i][j], j + 1 < c->columns ? "" : "]");
  printf("]}\n");
}

static int describe_policy(cutlab_cli *cli, const cutlab_policy *policy) {
  int64_t height = 32, width = 32, draws = 0, seed = 0;
  int code = cutlab_options_integer(cli, "height", &height, 1, INT32_MAX);
  if (!code) code = cutlab_options_integer(cli, "width", &width, 1, INT32_MAX);
  if (!code) code = cutlab_options_integer(cli, "draws", &draws, 1, INT64_C(1) << 40);
  if (!code) code = cutlab_options_integer(cli, "seed", &seed, 0, INT64_MAX);
  if (!code && height > most_pixels / width)
    code = cutlab_cli_usage("--height %lld and --width %lld; accepted: at most 2^28 pixels",
                            (long long)height, (long long)width);
  if (code) return code;
  double *coverage = malloc((size_t)(height * width) * sizeof *coverage);
  if (!coverage) {
    cutlab_cli_print_error("out of memory: %lld x %lld", (long long)height, (long long)width);
    return cutlab_exit_failure;
  }
  cutlab_policy_summary summary;
  cutlab_status status = cutlab_policy_describe(cli->context, &summary, coverage, policy, height,
                                                width, draws, (uint64_t)seed);
  if (status == CUTLAB_OK) {
    cells c = make_cells(coverage, height, width);
    cutlab_progress_clear();
    if (cli->json)
      print_json(policy, &summary, &c, height, width, seed);
    else
      print_text(policy, &summary, &c, height, width);
  }
  free(coverage);
  return status == CUTLAB_OK ? 0 : cutlab_cli_fail(cli, status, NULL);
}

int augment_describe(cutlab_cli *cli, const char *text) {
  cutlab_policy *policy = NULL;
  int code = augment_make_policy(cli, &policy, text);
  if (!code) code = describe_policy(cli, policy);
  cutlab_policy_free(policy);
  return code;
}

/* ---- List ---- */

static void list_text(void) {
  cutlab_augmentation method;
  cutlab_parameter parameter;
  cutlab_sampler_info sampler;
  const char *value;
  char line[512];
  fputs("Methods:\n", stdout);
  for (int i = 0; cutlab_augmentation_at(i, &method); ++i) {
    snprintf(line, sizeof line, "%s (%s)", method.summary, method.source);
    putchar('\n');
    cutlab_cli_print_entry(stdout, method.name, line, 18);
    for (int k = 0; cutlab_augmentation_parameter_at(i, k, &parameter, &value); ++k) {
      char term[64];
      snprintf(term, sizeof term, "  %s", parameter.name);
      snprintf(line, sizeof line, "%s, %s; default: %s", parameter.kind, parameter.accepted, value);
      cutlab_cli_print_entry(stdout, term, line, 18);
      printf("%18s", "");
      cutlab_cli_print_wrapped(stdout, parameter.text, 18, 18);
    }
  }
  fputs("\nSamplers, as in cutmix(sampler=NAME):\n", stdout);
  for (int i = 0; cutlab_sampler_at(i, &sampler); ++i) {
    snprintf(line, sizeof line, "%s (%s)", sampler.summary, sampler.source);
    putchar('\n');
    cutlab_cli_print_entry(stdout, sampler.name, line, 18);
  }
}

static json_t *method_json(int index, const cutlab_augmentation *method) {
  json_t *parameters = json_array();
  cutlab_parameter parameter;
  const char *value;
  for (int k = 0; cutlab_augmentation_parameter_at(index, k, &parameter, &value); ++k)
    json_array_append_new(parameters,
                          json_pack("{s:s, s:s, s:s, s:s, s:s}", "name", parameter.name, "kind",
                                    parameter.kind, "accepted", parameter.accepted, "default",
                                    value, "text", parameter.text));
  return json_pack("{s:s, s:s, s:s, s:o}", "name", method->name, "summary", method->summary,
                   "source", method->source, "parameters", parameters);
}

static int list_json(void) {
  json_t *methods = json_array(), *samplers = json_array();
  cutlab_augmentation method;
  cutlab_sampler_info sampler;
  for (int i = 0; cutlab_augmentation_at(i, &method); ++i)
    json_array_append_new(methods, method_json(i, &method));
  for (int i = 0; cutlab_sampler_at(i, &sampler); ++i)
    json_array_append_new(samplers, json_pack("{s:s, s:s, s:s}", "name", sampler.name, "summary",
                                              sampler.summary, "source", sampler.source));
  json_t *json = json_pack("{s:o, s:o}", "methods", methods, "samplers", samplers);
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

int augment_list(cutlab_cli *cli) {
  if (cli->json) return list_json();
  list_text();
  return 0;
}
