/* The plain-text table. */
#include <math.h>
#include <string.h>

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

static void accuracy_cells(FILE *stream, const cutlab_report_spread *accuracy) {
  if (accuracy->count)
    fprintf(stream, "  %6.4f [%6.4f .. %6.4f]", accuracy->mean, accuracy->min, accuracy->max);
  else
    fprintf(stream, "  %6s %18s", "-", "");
}

static void method_cell(FILE *stream, const cutlab_report *report, int group, int method,
                        int width) {
  fprintf(stream, "  %-*s %4d%c", width, report->methods[method].label,
          cutlab_report_seeds(report, group, method),
          cutlab_report_unfinished(report, group, method) ? '*' : ' ');
}

static void unfinished_line(FILE *stream, const cutlab_report *report, int group, int method) {
  int missing = cutlab_report_unfinished(report, group, method);
  if (missing)
    fprintf(stream, "  * %d of %d not finished: as far as they got\n", missing,
            cutlab_report_seeds(report, group, method));
}

static bool has_test_error(const cutlab_report *report, int group) {
  bool any = false;
  for (int method = 0; method < report->method_count; ++method)
    any |= CUTLAB_REPORT_FINAL(report, group, method, test_error).count > 0;
  return any;
}

static void simulated_row(FILE *stream, const cutlab_report *report, int group, int method,
                          bool test_error) {
  method_cell(stream, report, group, method, 6);
  for (int i = 0; i < cutlab_report_rarities; ++i)
    cell(stream, 7, 4, CUTLAB_REPORT_FINAL(report, group, method, output[i]).mean);
  cell(stream, 8, 5, CUTLAB_REPORT_FINAL(report, group, method, loss).mean);
  cell(stream, 7, 4, CUTLAB_REPORT_FINAL(report, group, method, train_accuracy).mean);
  cutlab_report_spread accuracy = CUTLAB_REPORT_FINAL(report, group, method, fresh_accuracy);
  accuracy_cells(stream, &accuracy);
  if (test_error) cell(stream, 7, 4, CUTLAB_REPORT_FINAL(report, group, method, test_error).mean);
  cell(stream, 7, 4, cutlab_report_theory(report, group, method));
  cell(stream, 8, 4, CUTLAB_REPORT_FINAL(report, group, method, evenness).mean);
  fprintf(stream, "\n");
  unfinished_line(stream, report, group, method);
}

static void simulated_table(FILE *stream, const cutlab_report *report, int group) {
  bool test_error = has_test_error(report, group);
  fprintf(stream,
          "                 common    rare ex.rare            train  %-27s%s\n"
          "  method seeds   output  output  output     loss    acc.  mean   [ min  ..  max ]  %s"
          "  theory evenness\n",
          cutlab_report_estimated(report, group) ? "accuracy by Monte Carlo"
                                                 : "population accuracy",
          test_error ? "  test" : "", test_error ? "   error" : "");
  for (int method = 0; method < report->method_count; ++method)
    if (cutlab_report_seeds(report, group, method))
      simulated_row(stream, report, group, method, test_error);
}

/* Width of the column of methods. */
static int label_width(const cutlab_report *report, int group) {
  int width = 6;
  for (int method = 0; method < report->method_count; ++method) {
    int length = (int)strlen(report->methods[method].label);
    if (cutlab_report_seeds(report, group, method) && length > width) width = length;
  }
  return width;
}

static void trained_row(FILE *stream, const cutlab_report *report, int group, int method,
                        int width) {
  method_cell(stream, report, group, method, width);
  cell(stream, 6, 0, CUTLAB_REPORT_FINAL(report, group, method, time).mean);
  cutlab_report_spread accuracy = CUTLAB_REPORT_FINAL(report, group, method, fresh_accuracy);
  accuracy_cells(stream, &accuracy);
  cell(stream, 7, 4, CUTLAB_REPORT_FINAL(report, group, method, best_accuracy).mean);
  cell(stream, 8, 5, CUTLAB_REPORT_FINAL(report, group, method, loss).mean);
  double speed = CUTLAB_REPORT_FINAL(report, group, method, images_per_second).mean;
  if (isnan(speed))
    cell(stream, 9, 0, speed);
  else
    fprintf(stream, " %9.0f", speed); /* in full, however fast */
  fputc('\n', stream);
  unfinished_line(stream, report, group, method);
}

static void feature_row(FILE *stream, const cutlab_report *report, int group, int method,
                        int width) {
  fprintf(stream, "  %-*s ", width, report->methods[method].label);
  for (int i = 0; i < cutlab_report_rarities; ++i)
    cell(stream, 9, 4, CUTLAB_REPORT_FINAL(report, group, method, output[i]).mean);
  for (int i = 0; i < cutlab_report_rarities; ++i)
    cell(stream, i ? 9 : 12, 4, CUTLAB_REPORT_FINAL(report, group, method, accuracy[i]).mean);
  fprintf(stream, "\n");
}

static bool has_features(const cutlab_report *report, int group) {
  bool any = false;
  for (int method = 0; method < report->method_count; ++method)
    for (int i = 0; i < cutlab_report_rarities; ++i)
      any |= CUTLAB_REPORT_FINAL(report, group, method, output[i]).count > 0;
  return any;
}

static void trained_table(FILE *stream, const cutlab_report *report, int group) {
  int width = label_width(report, group);
  fprintf(stream,
          "  %-*s               test accuracy                best    train   images\n"
          "  %-*s seeds epochs  mean   [ min  ..  max ]       ever     loss /second\n",
          width, "", width, "method");
  for (int method = 0; method < report->method_count; ++method)
    if (cutlab_report_seeds(report, group, method))
      trained_row(stream, report, group, method, width);
  if (!has_features(report, group)) return;
  fprintf(stream,
          "\n  %-*s    output                          accuracy\n"
          "  %-*s    common      rare   ex.rare       common      rare   ex.rare\n",
          width, "", width, "method");
  for (int method = 0; method < report->method_count; ++method)
    if (cutlab_report_seeds(report, group, method))
      feature_row(stream, report, group, method, width);
}

void cutlab_report_table(FILE *stream, const cutlab_report *report) {
  for (int group = 0; group < report->group_count; ++group) {
    fprintf(stream, "%s%s\n  ", group ? "\n" : "", report->groups[group].name);
    cutlab_report_describe(stream, report, group);
    fputs("\n\n", stream);
    if (report->groups[group].source == &cutlab_report_trained)
      trained_table(stream, report, group);
    else
      simulated_table(stream, report, group);
  }
}
