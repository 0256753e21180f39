/* The .csv files of an audit, as in RFC 4180 with "\n" line ends: all numbers of its page. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv.h"
#include "base/file.h"
#include "report/audit_report.h"

static void put_count(FILE *stream, int64_t value) {
  fprintf(stream, ",%" PRId64, value);
}

static const char *label_of(const cutlab_audit *audit, int method) {
  return audit->methods[method].label;
}

/* Methods and trainings */

static double mean_errors(const cutlab_audit_method *method) {
  double errors = 0;
  for (int t = 0; t < method->training_count; ++t) errors += (double)method->trainings[t].errors;
  return errors / method->training_count;
}

static void methods(FILE *stream, const cutlab_audit_view *view) {
  fputs("method,trainings,examples,errors,accuracy\n", stream);
  for (int m = 0; m < view->audit->method_count; ++m) {
    const cutlab_audit_method *method = &view->audit->methods[m];
    cutlab_csv_text(stream, method->label);
    put_count(stream, method->training_count);
    put_count(stream, view->audit->count);
    cutlab_csv_number(stream, mean_errors(method));
    cutlab_csv_number(stream, cutlab_audit_accuracy(view->audit, m));
    fputc('\n', stream);
  }
}

static void put_training(FILE *stream, const cutlab_audit *audit, int m, int t) {
  const cutlab_audit_training *training = &audit->methods[m].trainings[t];
  cutlab_csv_text(stream, label_of(audit, m));
  fputc(',', stream);
  cutlab_csv_text(stream, training->name);
  put_count(stream, training->seed);
  put_count(stream, training->errors);
  cutlab_csv_number(stream, 1 - (double)training->errors / (double)audit->count);
}

static void trainings(FILE *stream, const cutlab_audit_view *view) {
  fputs("method,training,seed,errors,accuracy\n", stream);
  for (int m = 0; m < view->audit->method_count; ++m)
    for (int t = 0; t < view->audit->methods[m].training_count; ++t) {
      put_training(stream, view->audit, m, t);
      fputc('\n', stream);
    }
}

/* The table of scores */

/* Table `i`, 0: plain, 1: matched, and its name; NULL where it is not there. */
static const cutlab_audit_table *table_at(const char **name, const cutlab_audit *audit, int i) {
  const cutlab_audit_table *table = i ? &audit->matched : &audit->plain;
  *name = i ? "matched" : "plain";
  return table->there ? table : NULL;
}

static void put_interval(FILE *stream, const cutlab_audit_estimate *estimate) {
  cutlab_csv_number(stream, estimate->value);
  cutlab_csv_number(stream, estimate->examples_low);
  cutlab_csv_number(stream, estimate->examples_high);
  cutlab_csv_number(stream, estimate->low);
  cutlab_csv_number(stream, estimate->high);
}

static void put_tests(FILE *stream, const cutlab_audit_estimate *estimate) {
  cutlab_csv_number(stream, estimate->examples_p);
  cutlab_csv_number(stream, estimate->p);
  cutlab_csv_number(stream, estimate->adjusted_p);
}

static void cscore_table(FILE *stream, const cutlab_audit_view *view) {
  const char *name;
  fputs("table,method,trainings,errors,accuracy", stream);
  for (int s = 0; s < cutlab_audit_statistics; ++s) {
    const char *statistic = cutlab_audit_statistic_names[s];
    fprintf(stream, ",%s,%s_examples_low,%s_examples_high,%s_low,%s_high", statistic, statistic,
            statistic, statistic, statistic);
  }
  fputc('\n', stream);
  for (int i = 0; i < 2; ++i) {
    const cutlab_audit_table *table = table_at(&name, view->audit, i);
    for (int m = 0; table && m < view->audit->method_count; ++m) {
      fprintf(stream, "%s,", name);
      cutlab_csv_text(stream, label_of(view->audit, m));
      put_count(stream, view->audit->methods[m].training_count);
      cutlab_csv_number(stream, table->rows[m].errors);
      cutlab_csv_number(stream, cutlab_audit_accuracy(view->audit, m));
      for (int s = 0; s < cutlab_audit_statistics; ++s)
        put_interval(stream, &table->rows[m].statistics[s]);
      fputc('\n', stream);
    }
  }
}

static void cscore_trainings(FILE *stream, const cutlab_audit_view *view) {
  const char *name;
  fputs("table,method,training,seed,errors,accuracy,errors_used,mean,q1,q2,q3\n", stream);
  for (int i = 0; i < 2; ++i) {
    const cutlab_audit_table *table = table_at(&name, view->audit, i);
    for (int m = 0; table && m < view->audit->method_count; ++m)
      for (int t = 0; t < view->audit->methods[m].training_count; ++t) {
        const double *values = table->rows[m].of_training + t * cutlab_audit_statistics;
        fprintf(stream, "%s,", name);
        put_training(stream, view->audit, m, t);
        cutlab_csv_number(stream, i ? table->rows[m].errors
                                    : (double)view->audit->methods[m].trainings[t].errors);
        for (int s = 0; s < cutlab_audit_statistics; ++s) cutlab_csv_number(stream, values[s]);
        fputc('\n', stream);
      }
  }
}

static void cscore_differences(FILE *stream, const cutlab_audit_view *view) {
  const char *name;
  fputs("table,first,second,paired,statistic,difference,examples_low,examples_high,low,high,"
        "examples_p,p,adjusted_p\n",
        stream);
  for (int i = 0; i < 2; ++i) {
    const cutlab_audit_table *table = table_at(&name, view->audit, i);
    for (int p = 0; table && p < table->pair_count * cutlab_audit_statistics; ++p) {
      const cutlab_audit_pair *pair = &table->pairs[p / cutlab_audit_statistics];
      int s = p % cutlab_audit_statistics;
      fprintf(stream, "%s,", name);
      cutlab_csv_text(stream, label_of(view->audit, pair->first));
      fputc(',', stream);
      cutlab_csv_text(stream, label_of(view->audit, pair->second));
      fprintf(stream, ",%s,%s", pair->paired ? "yes" : "no", cutlab_audit_statistic_names[s]);
      put_interval(stream, &pair->statistics[s]);
      put_tests(stream, &pair->statistics[s]);
      fputc('\n', stream);
    }
  }
}

static void cscore_curves(FILE *stream, const cutlab_audit_view *view) {
  const cutlab_audit *audit = view->audit;
  fputs("bin,low,high,method,share_of_errors,error_rate\n", stream);
  double width = (audit->bin_high - audit->bin_low) / cutlab_audit_bins;
  for (int bin = 0; bin < cutlab_audit_bins; ++bin)
    for (int m = 0; m < audit->method_count; ++m) {
      fprintf(stream, "%d", bin + 1);
      cutlab_csv_number(stream, audit->bin_low + bin * width);
      cutlab_csv_number(stream, audit->bin_low + (bin + 1) * width);
      fputc(',', stream);
      cutlab_csv_text(stream, label_of(audit, m));
      cutlab_csv_number(stream, audit->curves[m].histogram[bin]);
      cutlab_csv_number(stream, audit->curves[m].error_rate[bin]);
      fputc('\n', stream);
    }
}

static void cscore_quantiles(FILE *stream, const cutlab_audit_view *view) {
  const cutlab_audit *audit = view->audit;
  fputs("level,method,score\n", stream);
  for (int level = 0; level < cutlab_audit_levels; ++level)
    for (int m = 0; m < audit->method_count; ++m) {
      fprintf(stream, "%d.%02d,", level / 100, level % 100);
      cutlab_csv_text(stream, label_of(audit, m));
      cutlab_csv_number(stream, audit->curves[m].quantile[level]);
      fputc('\n', stream);
    }
}

/* Comparisons */

static void put_group(FILE *stream, const cutlab_audit *audit,
                      const cutlab_audit_comparison *comparison, const char *kind,
                      const cutlab_audit_group *group) {
  bool range = strcmp(kind, "difficulty") == 0;
  cutlab_csv_text(stream, label_of(audit, comparison->baseline));
  fputc(',', stream);
  cutlab_csv_text(stream, label_of(audit, comparison->method));
  fprintf(stream, ",%s,%s,", comparison->paired ? "yes" : "no", kind);
  cutlab_csv_text(stream, group->name);
  cutlab_csv_number(stream, range ? group->low : NAN);
  cutlab_csv_number(stream, range ? group->high : NAN);
  put_count(stream, group->count);
  for (int fate = 0; fate < cutlab_audit_fates; ++fate) put_count(stream, group->fates[fate]);
  cutlab_csv_number(stream, group->rescued);
  cutlab_csv_number(stream, group->hurt);
  cutlab_csv_number(stream, group->rescued_again);
  cutlab_csv_number(stream, group->hurt_again);
  cutlab_csv_number(stream, group->baseline_accuracy);
  cutlab_csv_number(stream, group->accuracy);
  put_interval(stream, &group->gain);
  put_tests(stream, &group->gain);
  fputc('\n', stream);
}

static void comparisons(FILE *stream, const cutlab_audit_view *view) {
  const cutlab_audit *audit = view->audit;
  fputs("baseline,method,paired,kind,group,difficulty_low,difficulty_high,count,"
        "examples_always_right,examples_rescued,examples_hurt,examples_always_wrong,"
        "examples_unsteady,rescued,hurt,rescued_again,hurt_again,baseline_accuracy,accuracy,gain,"
        "gain_examples_low,gain_examples_high,gain_low,gain_high,examples_p,p,adjusted_p\n",
        stream);
  for (int c = 0; c < audit->method_count - 1; ++c) {
    const cutlab_audit_comparison *comparison = &audit->comparisons[c];
    put_group(stream, audit, comparison, "all", &comparison->all);
    for (int64_t k = 0; k < audit->classes; ++k)
      put_group(stream, audit, comparison, "class", &comparison->classes[k]);
    for (int64_t q = 0; q < cutlab_audit_difficulties(audit); ++q)
      put_group(stream, audit, comparison, "difficulty", &comparison->difficulty[q]);
  }
}

/* Examples */

static void put_heading(FILE *stream, const char *what, const char *method) {
  char *heading;
  if (asprintf(&heading, "%s %s", what, method) < 0) return;
  fputc(',', stream);
  cutlab_csv_text(stream, heading);
  free(heading);
}

static void example_headings(FILE *stream, const cutlab_audit *audit) {
  fputs("index,label,class,score,difficulty", stream);
  if (cutlab_audit_difficulties(audit)) fputs(",difficulty_group", stream);
  for (int m = 0; m < audit->method_count; ++m) {
    put_heading(stream, "right", label_of(audit, m));
    put_heading(stream, "probability", label_of(audit, m));
    put_heading(stream, "predicted", label_of(audit, m));
  }
  for (int c = 0; c < audit->method_count - 1; ++c) {
    put_heading(stream, "fate", label_of(audit, audit->comparisons[c].method));
    put_heading(stream, "gain", label_of(audit, audit->comparisons[c].method));
  }
  fputc('\n', stream);
}

static void example_row(FILE *stream, const cutlab_audit_view *view, int64_t i) {
  const cutlab_audit *audit = view->audit;
  char text[24];
  fprintf(stream, "%" PRId64 ",%" PRId64 ",", audit->index[i], audit->label[i]);
  cutlab_csv_text(stream, cutlab_audit_class_name(audit, audit->label[i], text));
  cutlab_csv_number(stream, audit->score ? audit->score[i] : NAN);
  cutlab_csv_number(stream, audit->difficulty[i]);
  if (view->difficulty) put_count(stream, view->difficulty[i] + 1);
  for (int m = 0; m < audit->method_count; ++m) {
    cutlab_csv_number(stream, view->share[m * audit->count + i]);
    cutlab_csv_number(stream, view->probability[m * audit->count + i]);
    put_count(stream, view->prediction[m * audit->count + i]);
  }
  for (int c = 0; c < audit->method_count - 1; ++c) {
    const cutlab_audit_comparison *comparison = &audit->comparisons[c];
    fprintf(stream, ",%s", cutlab_audit_fate_name((cutlab_audit_fate)comparison->fate[i]));
    cutlab_csv_number(stream, comparison->gain[i]);
  }
  fputc('\n', stream);
}

static void examples(FILE *stream, const cutlab_audit_view *view) {
  example_headings(stream, view->audit);
  for (int64_t i = 0; i < view->audit->count; ++i) example_row(stream, view, i);
}

/* Files */

static cutlab_status write_file(cutlab_context *context, const char *folder, const char *name,
                                void (*fill)(FILE *, const cutlab_audit_view *),
                                const cutlab_audit_view *view) {
  char *text = NULL, *path = cutlab_path_join(context, folder, name);
  size_t size;
  if (!path) return CUTLAB_ERROR_MEMORY;
  FILE *stream = open_memstream(&text, &size);
  if (stream) fill(stream, view);
  cutlab_status status = stream && fclose(stream) == 0
                             ? cutlab_file_write(context, path, text, size)
                             : cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory: %s", path);
  free(text);
  free(path);
  return status;
}

cutlab_status cutlab_audit_csv(cutlab_context *context, const char *folder,
                               const cutlab_audit_view *view) {
  const cutlab_audit *audit = view->audit;
  const bool tables = audit->plain.there || audit->matched.there,
             compared = audit->method_count > 1;
  const struct {
    const char *name;
    void (*fill)(FILE *, const cutlab_audit_view *);
    bool wanted;
  } files[] = {{"methods.csv", methods, true},
               {"trainings.csv", trainings, true},
               {"cscore-table.csv", cscore_table, tables},
               {"cscore-trainings.csv", cscore_trainings, tables},
               {"cscore-differences.csv", cscore_differences, tables && compared},
               {"cscore-curves.csv", cscore_curves, audit->curves != NULL},
               {"cscore-quantiles.csv", cscore_quantiles, audit->curves != NULL},
               {"comparisons.csv", comparisons, compared},
               {"examples.csv", examples, true}};
  for (size_t i = 0; i < sizeof files / sizeof *files; ++i)
    CUTLAB_TRY(files[i].wanted ? write_file(context, folder, files[i].name, files[i].fill, view)
                               : cutlab_report_remove(context, folder, files[i].name));
  return CUTLAB_OK;
}
