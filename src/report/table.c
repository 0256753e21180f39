/* The plain-text table and summary.csv. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "report/report_internal.h"

/* A right-aligned number, "-" where it is not defined. */
static void cell(FILE *stream, int width, int digits, double value) {
  if (isnan(value))
    fprintf(stream, " %*s", width, "-");
  else if (value != 0 && (fabs(value) < 1e-3 || fabs(value) >= 1e5))
    fprintf(stream, " %*.*e", width, 1, value);
  else
    fprintf(stream, " %*.*f", width, digits, value);
}

static void accuracy_cells(FILE *stream, const cutlab_report_spread *accuracy, double theory) {
  if (accuracy->count)
    fprintf(stream, "  %6.4f [%6.4f .. %6.4f]", accuracy->mean, accuracy->min, accuracy->max);
  else
    fprintf(stream, "  %6s %18s", "-", "");
  cell(stream, 7, 4, theory);
}

static int unfinished(const cutlab_report *report, int group, cutlab_method method) {
  int count = 0;
  for (int i = 0; i < report->run_count; ++i) {
    const cutlab_report_run *run = &report->runs[i];
    count += run->group == group && run->method == method && !run->finished;
  }
  return count;
}

static void table_row(FILE *stream, const cutlab_report *report, int group, cutlab_method method) {
  int seeds = cutlab_report_seeds(report, group, method);
  if (seeds == 0) return;
  int missing = unfinished(report, group, method);
  fprintf(stream, "  %-6s %4d%c", cutlab_report_method_label(method), seeds, missing ? '*' : ' ');
  for (int i = 0; i < cutlab_report_rarities; ++i)
    cell(stream, 7, 4, CUTLAB_REPORT_FINAL(report, group, method, output[i]).mean);
  cell(stream, 8, 5, CUTLAB_REPORT_FINAL(report, group, method, loss).mean);
  cell(stream, 7, 4, CUTLAB_REPORT_FINAL(report, group, method, train_accuracy).mean);
  cutlab_report_spread accuracy = CUTLAB_REPORT_FINAL(report, group, method, population_accuracy);
  accuracy_cells(stream, &accuracy, cutlab_report_theory(report, group, method));
  cell(stream, 8, 4, CUTLAB_REPORT_FINAL(report, group, method, evenness).mean);
  fprintf(stream, "\n");
  if (missing) fprintf(stream, "  * %d of %d not finished: as far as they got\n", missing, seeds);
}

void cutlab_report_table(FILE *stream, const cutlab_report *report) {
  for (int group = 0; group < report->group_count; ++group) {
    fprintf(stream, "%s%s\n  ", group ? "\n" : "", report->groups[group].name);
    cutlab_report_describe(stream, report, group);
    fputs("\n\n                 common    rare ex.rare            train  population accuracy\n"
          "  method seeds   output  output  output     loss    acc.  mean   [ min  ..  max ]    "
          "theory evenness\n",
          stream);
    for (int method = 0; method < cutlab_report_methods; ++method)
      table_row(stream, report, group, (cutlab_method)method);
  }
}

/* CSV as in RFC 4180, with "\n" line ends. */

static void csv_text(FILE *stream, const char *text) {
  if (!strpbrk(text, ",\"\n\r")) {
    fputs(text, stream);
    return;
  }
  fputc('"', stream);
  for (; *text; ++text) {
    if (*text == '"') fputc('"', stream);
    fputc(*text, stream);
  }
  fputc('"', stream);
}

/* Digits that give the same double back; empty where it is not defined. */
static void csv_number(FILE *stream, double value) {
  char text[cutlab_number_size] = "";
  if (!isnan(value)) cutlab_number_text(text, value);
  fprintf(stream, ",%s", text);
}

static void csv_parameter(FILE *stream, const cutlab_report_run *run, const char *name) {
  const json_t *value = cutlab_report_parameter(run, name);
  char *text = value && !json_is_string(value) ? cutlab_report_compact(value) : NULL;
  fputc(',', stream);
  csv_text(stream, json_is_string(value) ? json_string_value(value) : text ? text : "");
  free(text);
}

static void csv_measurement(FILE *stream, const cutlab_report_point *point) {
  csv_number(stream, point->loss);
  csv_number(stream, point->gradient_norm);
  csv_number(stream, point->train_accuracy);
  csv_number(stream, point->evenness);
  for (int i = 0; i < cutlab_report_kinds; ++i) csv_number(stream, point->evenness_by_kind[i]);
  for (int i = 0; i < cutlab_report_rarities; ++i) csv_number(stream, point->output[i]);
  csv_number(stream, point->population_accuracy);
  for (int i = 0; i < cutlab_report_rarities; ++i) csv_number(stream, point->accuracy[i]);
}

static void csv_row(FILE *stream, const cutlab_report *report, const cutlab_report_run *run) {
  static const cutlab_report_point nothing = {
      NAN, NAN, NAN, NAN, NAN, NAN, {NAN, NAN, NAN}, {NAN, NAN, NAN}, NAN, {NAN, NAN, NAN}};
  const cutlab_report_point *last = cutlab_report_last(run);
  if (!last) last = &nothing;
  const json_t *optimum = json_object_get(run->config, "optimum");
  csv_text(stream, report->groups[run->group].name);
  fputc(',', stream);
  csv_text(stream, run->folder);
  fprintf(stream, ",%s,%lld,%s", cutlab_method_name(run->method), (long long)run->seed,
          run->finished ? "yes" : "no");
  csv_number(stream, last->iteration);
  csv_parameter(stream, run, "dimension");
  csv_parameter(stream, run, "patches");
  csv_number(stream, cutlab_json_get_number(run->config, "examples", NAN));
  csv_number(stream, cutlab_json_get_number(run->config, "positives", NAN));
  csv_parameter(stream, run, "sampling");
  csv_measurement(stream, last);
  csv_number(stream, run->theory_accuracy);
  csv_number(stream, cutlab_json_get_number(optimum, "positive", NAN));
  csv_number(stream, cutlab_json_get_number(optimum, "negative", NAN));
  csv_number(stream, cutlab_json_get_number(optimum, "loss", NAN));
  csv_number(stream, run->seconds);
  fputc('\n', stream);
}

void cutlab_report_csv(FILE *stream, const cutlab_report *report) {
  fputs("group,run,method,seed,finished,iterations,dimension,patches,examples,positives,sampling,"
        "loss,gradient_norm,train_accuracy,evenness,evenness_feature,evenness_dominant,"
        "evenness_background,output_common,output_rare,output_extremely_rare,"
        "population_accuracy,accuracy_common,accuracy_rare,accuracy_extremely_rare,"
        "theory_accuracy,optimum_positive,optimum_negative,optimum_loss,seconds\n",
        stream);
  for (int i = 0; i < report->run_count; ++i) csv_row(stream, report, &report->runs[i]);
}
