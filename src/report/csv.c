/* The .csv files of simulated and trained runs. */
#include <math.h>
#include <stdlib.h>

#include "base/csv.h"
#include "base/file.h"
#include "report/report_internal.h"

/* What a run ends with: every value where it was measured last. */
static cutlab_report_point latest(const cutlab_report_run *run) {
  enum { doubles = sizeof(cutlab_report_point) / sizeof(double) };
  cutlab_report_point point;
  for (size_t i = 0; i < doubles; ++i)
    ((double *)&point)[i] = cutlab_report_last_value(run, i * sizeof(double));
  return point;
}

static void csv_setting(FILE *stream, const cutlab_report_run *run, const char *name) {
  const json_t *value = cutlab_report_setting(run, name);
  char *text = value && !json_is_string(value) ? cutlab_report_compact(value) : NULL;
  fputc(',', stream);
  cutlab_csv_text(stream, json_is_string(value) ? json_string_value(value) : text ? text : "");
  free(text);
}

static void csv_measurement(FILE *stream, const cutlab_report_point *point) {
  cutlab_csv_number(stream, point->loss);
  cutlab_csv_number(stream, point->gradient_norm);
  cutlab_csv_number(stream, point->train_accuracy);
  cutlab_csv_number(stream, point->evenness);
  for (int i = 0; i < cutlab_report_kinds; ++i)
    cutlab_csv_number(stream, point->evenness_by_kind[i]);
  for (int i = 0; i < cutlab_report_rarities; ++i) cutlab_csv_number(stream, point->output[i]);
  cutlab_csv_number(stream, point->population_accuracy);
  for (int i = 0; i < cutlab_report_rarities; ++i) cutlab_csv_number(stream, point->accuracy[i]);
  cutlab_csv_number(stream, point->monte_carlo_accuracy);
  cutlab_csv_number(stream, point->monte_carlo_standard_error);
  cutlab_csv_number(stream, point->test_error);
}

static void simulated_row(FILE *stream, const cutlab_report *report, const cutlab_report_run *run) {
  const cutlab_report_point point = latest(run), *last = &point;
  const json_t *optimum = json_object_get(run->config, "optimum");
  cutlab_csv_text(stream, report->groups[run->group].name);
  fputc(',', stream);
  cutlab_csv_text(stream, run->folder);
  fprintf(stream, ",%s,%lld,%s", cutlab_method_name((cutlab_method)run->method),
          (long long)run->seed, run->finished ? "yes" : "no");
  cutlab_csv_number(stream, last->time);
  csv_setting(stream, run, "dimension");
  csv_setting(stream, run, "patches");
  cutlab_csv_number(stream, cutlab_json_get_number(run->config, "examples", NAN));
  cutlab_csv_number(stream, cutlab_json_get_number(run->config, "positives", NAN));
  csv_setting(stream, run, "sampling");
  csv_measurement(stream, last);
  cutlab_csv_number(stream, run->theory_accuracy);
  cutlab_csv_number(stream, cutlab_json_get_number(optimum, "positive", NAN));
  cutlab_csv_number(stream, cutlab_json_get_number(optimum, "negative", NAN));
  cutlab_csv_number(stream, cutlab_json_get_number(optimum, "loss", NAN));
  cutlab_csv_number(stream, run->seconds);
  fputc('\n', stream);
}

static void simulated_runs(FILE *stream, const cutlab_report *report) {
  fputs("group,run,method,seed,finished,iterations,dimension,patches,examples,positives,sampling,"
        "loss,gradient_norm,train_accuracy,evenness,evenness_feature,evenness_dominant,"
        "evenness_background,output_common,output_rare,output_extremely_rare,"
        "population_accuracy,accuracy_common,accuracy_rare,accuracy_extremely_rare,"
        "monte_carlo_accuracy,monte_carlo_standard_error,test_error,"
        "theory_accuracy,optimum_positive,optimum_negative,optimum_loss,seconds\n",
        stream);
  for (int i = 0; i < report->run_count; ++i)
    if (report->runs[i].source == &cutlab_report_simulated)
      simulated_row(stream, report, &report->runs[i]);
}

#define OFFSET(field) offsetof(cutlab_report_point, field)

/* Columns of trained networks. */
typedef struct column {
  const char *name;
  size_t offset; /* in cutlab_report_point */
} column;

static const column epoch_columns[] = {{"epoch", OFFSET(time)},
                                       {"step", OFFSET(step)},
                                       {"train_loss", OFFSET(loss)},
                                       {"train_accuracy", OFFSET(train_accuracy)},
                                       {"clean_train_loss", OFFSET(clean_train_loss)},
                                       {"clean_train_accuracy", OFFSET(clean_train_accuracy)},
                                       {"test_loss", OFFSET(test_loss)},
                                       {"test_accuracy", OFFSET(fresh_accuracy)},
                                       {"output_common", OFFSET(output[0])},
                                       {"output_rare", OFFSET(output[1])},
                                       {"output_extremely_rare", OFFSET(output[2])},
                                       {"accuracy_common", OFFSET(accuracy[0])},
                                       {"accuracy_rare", OFFSET(accuracy[1])},
                                       {"accuracy_extremely_rare", OFFSET(accuracy[2])},
                                       {"learning_rate", OFFSET(learning_rate)},
                                       {"images_per_second", OFFSET(images_per_second)},
                                       {"seconds", OFFSET(seconds)},
                                       {"best_test_accuracy", OFFSET(best_accuracy)}};
enum { epoch_column_count = sizeof epoch_columns / sizeof *epoch_columns };

static const column method_columns[] = {{"test_accuracy", OFFSET(fresh_accuracy)},
                                        {"best_test_accuracy", OFFSET(best_accuracy)},
                                        {"train_loss", OFFSET(loss)},
                                        {"epochs", OFFSET(time)},
                                        {"images_per_second", OFFSET(images_per_second)},
                                        {"output_common", OFFSET(output[0])},
                                        {"output_rare", OFFSET(output[1])},
                                        {"output_extremely_rare", OFFSET(output[2])},
                                        {"accuracy_common", OFFSET(accuracy[0])},
                                        {"accuracy_rare", OFFSET(accuracy[1])},
                                        {"accuracy_extremely_rare", OFFSET(accuracy[2])}};
enum { method_column_count = sizeof method_columns / sizeof *method_columns };

static void run_names(FILE *stream, const cutlab_report *report, const cutlab_report_run *run) {
  cutlab_csv_text(stream, report->groups[run->group].name);
  fputc(',', stream);
  cutlab_csv_text(stream, run->folder);
  fputc(',', stream);
  cutlab_csv_text(stream, report->methods[run->method].label);
  fprintf(stream, ",%lld", (long long)run->seed);
}

static void point_cells(FILE *stream, const cutlab_report_point *point) {
  for (int c = 0; c < epoch_column_count; ++c)
    cutlab_csv_number(stream, *(const double *)((const char *)point + epoch_columns[c].offset));
  fputc('\n', stream);
}

static void trained_runs(FILE *stream, const cutlab_report *report) {
  fputs("group,run,method,seed,finished,dataset,model,parameters", stream);
  for (int c = 0; c < epoch_column_count; ++c) fprintf(stream, ",%s", epoch_columns[c].name);
  fputc('\n', stream);
  for (int i = 0; i < report->run_count; ++i) {
    const cutlab_report_run *run = &report->runs[i];
    if (run->source != &cutlab_report_trained) continue;
    cutlab_report_point last = latest(run);
    run_names(stream, report, run);
    fprintf(stream, ",%s", run->finished ? "yes" : "no");
    csv_setting(stream, run, "dataset");
    csv_setting(stream, run, "model");
    cutlab_csv_number(stream, cutlab_json_get_number(run->config, "parameters", NAN));
    point_cells(stream, &last);
  }
}

static void trained_epochs(FILE *stream, const cutlab_report *report) {
  fputs("group,run,method,seed", stream);
  for (int c = 0; c < epoch_column_count; ++c) fprintf(stream, ",%s", epoch_columns[c].name);
  fputc('\n', stream);
  for (int i = 0; i < report->run_count; ++i) {
    const cutlab_report_run *run = &report->runs[i];
    for (int64_t k = 0; run->source == &cutlab_report_trained && k < run->point_count; ++k) {
      run_names(stream, report, run);
      point_cells(stream, &run->points[k]);
    }
  }
}

static void method_row(FILE *stream, const cutlab_report *report, int group, int method) {
  cutlab_csv_text(stream, report->groups[group].name);
  fputc(',', stream);
  cutlab_csv_text(stream, report->methods[method].label);
  fprintf(stream, ",%d,%d", cutlab_report_seeds(report, group, method),
          cutlab_report_unfinished(report, group, method));
  for (int c = 0; c < method_column_count; ++c) {
    cutlab_report_spread spread =
        cutlab_report_final(report, group, method, method_columns[c].offset);
    cutlab_csv_number(stream, spread.mean);
    cutlab_csv_number(stream, spread.min);
    cutlab_csv_number(stream, spread.max);
  }
  fputc('\n', stream);
}

static void trained_methods(FILE *stream, const cutlab_report *report) {
  fputs("group,method,seeds,unfinished", stream);
  for (int c = 0; c < method_column_count; ++c) {
    const char *name = method_columns[c].name;
    fprintf(stream, ",%s_mean,%s_min,%s_max", name, name, name);
  }
  fputc('\n', stream);
  for (int group = 0; group < report->group_count; ++group)
    for (int method = 0; method < report->method_count; ++method)
      if (report->groups[group].source == &cutlab_report_trained &&
          cutlab_report_seeds(report, group, method))
        method_row(stream, report, group, method);
}

static cutlab_status write_file(cutlab_context *context, const char *folder, const char *name,
                                void (*write)(FILE *, const cutlab_report *),
                                const cutlab_report *report) {
  char *text = NULL, *path = cutlab_path_join(context, folder, name);
  size_t size = 0;
  FILE *stream = path ? open_memstream(&text, &size) : NULL;
  if (stream) write(stream, report);
  bool made = stream && fclose(stream) == 0;
  cutlab_status status = made
                             ? cutlab_file_write(context, path, text, size)
                             : cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory: %s", name);
  free(text);
  free(path);
  return status;
}

cutlab_status cutlab_report_csv(cutlab_context *context, const char *folder,
                                const cutlab_report *report) {
  static const struct {
    const char *name;
    const cutlab_report_source *source;
    void (*write)(FILE *, const cutlab_report *);
  } files[] = {{"summary.csv", &cutlab_report_simulated, simulated_runs},
               {"trained-runs.csv", &cutlab_report_trained, trained_runs},
               {"trained-methods.csv", &cutlab_report_trained, trained_methods},
               {"trained-epochs.csv", &cutlab_report_trained, trained_epochs}};
  for (size_t i = 0; i < sizeof files / sizeof *files; ++i)
    if (cutlab_report_has(report, files[i].source))
      CUTLAB_TRY(write_file(context, folder, files[i].name, files[i].write, report));
  return CUTLAB_OK;
}
