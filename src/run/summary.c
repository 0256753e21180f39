/* A readable summary of a result. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cutlab/run.h>

#include "base/json.h"

/* A number of the result, NaN where it is null or missing. */
static double number_of(const json_t *object, const char *key) {
  return cutlab_json_get_number(object, key, NAN);
}

/* A number right-aligned in `width` after two blanks, or "-" where it is not defined. */
static void print_number(FILE *file, double value, int width) {
  fputs("  ", file);
  if (isnan(value))
    fprintf(file, "%*s", width, "-");
  else
    fprintf(file, "%*.6g", width, value);
}

static void print_line(FILE *file, const char *label, double value) {
  fprintf(file, "%-22s", label);
  print_number(file, value, 12);
  fputc('\n', file);
}

static const char *text_of(const json_t *object, const char *key) {
  const char *text = json_string_value(json_object_get(object, key));
  return text ? text : "-";
}

/* One row a feature, with the optimum of its label where the method has one. */
static void print_features(FILE *file, const json_t *result, bool with_optimum) {
  const json_t *features = json_object_get(result, "features");
  const json_t *optimum = json_object_get(result, "optimum");
  size_t i;
  const json_t *feature;
  if (json_array_size(features) == 0) return;
  fprintf(file, "\n%5s  %-14s  %12s  %12s%s\n", "label", "feature", "frequency", "output",
          with_optimum ? "       optimum" : "");
  json_array_foreach(features, i, feature) {
    int label = (int)json_integer_value(json_object_get(feature, "label"));
    fprintf(file, "%+5d  %-14s", label, text_of(feature, "rarity"));
    print_number(file, number_of(feature, "frequency"), 12);
    print_number(file, number_of(feature, "output"), 12);
    if (with_optimum)
      print_number(file, number_of(optimum, label > 0 ? "positive" : "negative"), 12);
    fputc('\n', file);
  }
}

static void print_accuracy(FILE *file, const json_t *result) {
  const json_t *monte_carlo = json_object_get(result, "monte_carlo");
  print_line(file, "train accuracy", number_of(result, "train_accuracy"));
  print_line(file, "population accuracy",
             number_of(json_object_get(result, "population_accuracy"), "overall"));
  if (json_is_object(monte_carlo)) {
    print_line(file, "  by Monte Carlo", number_of(monte_carlo, "overall"));
    print_line(file, "  its standard error", number_of(monte_carlo, "standard_error"));
    print_line(file, "test error", number_of(monte_carlo, "test_error"));
  }
  print_line(file, "  in theory", number_of(result, "theory_accuracy"));
}

static void print_result(FILE *file, const json_t *result) {
  const char *method = text_of(result, "method");
  bool is_cutmix = strcmp(method, "cutmix") == 0;
  fprintf(file, "%s, seed %lld: %lld iterations on %lld examples, %lld of them positive\n", method,
          (long long)json_integer_value(json_object_get(result, "seed")),
          (long long)json_integer_value(json_object_get(result, "iterations")),
          (long long)json_integer_value(json_object_get(result, "examples")),
          (long long)json_integer_value(json_object_get(result, "positives")));
  print_features(file, result, is_cutmix);
  fputc('\n', file);
  print_line(file, "loss", number_of(result, "loss"));
  if (is_cutmix)
    print_line(file, "  at the optimum", number_of(json_object_get(result, "optimum"), "loss"));
  print_line(file, "gradient norm", number_of(result, "gradient_norm"));
  print_line(file, "evenness (0 is even)", number_of(result, "evenness"));
  print_accuracy(file, result);
  print_line(file, "iterations a second", number_of(result, "iterations_per_second"));
}

cutlab_status cutlab_run_summary(cutlab_context *context, char **text, const char *result_json) {
  json_t *result;
  json_error_t error;
  size_t size;
  *text = NULL;
  CUTLAB_TRY(cutlab_json_parse(context, &result, result_json, "result"));
  if (json_unpack_ex(result, &error, JSON_VALIDATE_ONLY, "{s:s,s:I,s:I,s:I,s:I}", "method", "seed",
                     "iterations", "examples", "positives")) {
    json_decref(result);
    return cutlab_fail(context, CUTLAB_ERROR_FORMAT,
                       "result: %s; accepted: the JSON object that a simulation results in",
                       error.text);
  }
  FILE *file = open_memstream(text, &size);
  if (file) print_result(file, result);
  json_decref(result);
  if (file && fclose(file) == 0) return CUTLAB_OK;
  free(*text);
  *text = NULL;
  return cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory: summary of a result");
}
