/* The methods of a report: four by name, then policies of the user's own and, where a method was
   used with several settings, one for each of them. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "report/report_internal.h"
#include "train/settings.h"

/* Of Okabe and Ito's palette, with enough contrast on white and on black: vermilion, blue, bluish
   green and reddish purple; then orange, sky blue and a grey. */
static const char *const colours[] = {"#D55E00", "#0072B2", "#009E73", "#CC79A7"};
static const char *const more_colours[] = {"#E69F00", "#56B4E9", "#8C8C8C"};
enum { more_colour_count = sizeof more_colours / sizeof *more_colours };

const char *cutlab_report_colour(const char *label, int *others) {
  for (int i = 0; i < cutlab_report_named_methods; ++i)
    if (strcasecmp(label, cutlab_training_method_label(i)) == 0) return colours[i];
  return more_colours[(*others)++ % more_colour_count];
}

/* What is distinct among the trained runs of a method (as they were read). */
typedef struct variant_list {
  const cutlab_report *report;
  int *first; /* the first run of each */
  int *runs;  /* how many each has */
  int count;
} variant_list;

static const json_t *variant_at(const variant_list *list, int i) {
  return list->report->runs[list->first[i]].variant;
}

static int find_variant(const variant_list *list, const json_t *variant) {
  for (int i = 0; i < list->count; ++i)
    if (json_equal(variant_at(list, i), variant)) return i;
  return -1;
}

static void collect(variant_list *list, const cutlab_report *report, int method) {
  list->count = 0;
  for (int i = 0; i < report->run_count; ++i) {
    const cutlab_report_run *run = &report->runs[i];
    if (run->method != method || !run->variant) continue;
    int place = find_variant(list, run->variant);
    if (place < 0) {
      list->first[place = list->count++] = i;
      list->runs[place] = 0;
    }
    ++list->runs[place];
  }
}

static bool is_common(const variant_list *list, const char *name, const json_t *value) {
  for (int i = 0; i < list->count; ++i)
    if (!json_equal(json_object_get(variant_at(list, i), name), value)) return false;
  return true;
}

/* "CutMix (alpha=0.2)", "policy: flip | cutmix(...": the settings in which variants differ. */
static void describe(FILE *stream, const variant_list *list, int which, int method) {
  enum { enough = 40 };
  const char *name, *separator = method == cutlab_report_own_policy ? ": " : " (";
  json_t *value;
  const char *label = cutlab_training_method_label(method);
  fputs(label ? label : "policy", stream);
  json_object_foreach((json_t *)variant_at(list, which), name, value) {
    if (is_common(list, name, value)) continue;
    const char *text = json_string_value(value);
    char *number = text ? NULL : cutlab_report_compact(value);
    fputs(separator, stream);
    if (text)
      fprintf(stream, "%.*s%s", (int)enough, text, strlen(text) > enough ? "..." : "");
    else
      fprintf(stream, "%s=%s", name, number ? number : "?");
    free(number);
    separator = ", ";
  }
  if (separator[0] == ',' && method != cutlab_report_own_policy) fputc(')', stream);
}

/* The variant that has most runs, the first of equals: it keeps the method's colour. */
static int commonest(const variant_list *list) {
  int best = 0;
  for (int i = 1; i < list->count; ++i)
    if (list->runs[i] > list->runs[best]) best = i;
  return best;
}

static bool is_taken(const cutlab_report *report, const char *label) {
  for (int i = 0; i < report->method_count; ++i)
    if (strcmp(report->methods[i].label, label) == 0) return true;
  return false;
}

/* Takes the label; one that there is already gets a number at its end. */
static cutlab_status add(cutlab_context *context, cutlab_report *report, char *label,
                         const char *colour) {
  int length = label ? (int)strlen(label) : 0;
  for (int number = 2; label && is_taken(report, label); ++number) {
    char *numbered;
    if (asprintf(&numbered, "%.*s #%d", length, label, number) < 0) numbered = NULL;
    free(label);
    label = numbered;
  }
  if (!label) return cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory: methods");
  report->methods[report->method_count++] = (cutlab_report_method){label, colour};
  return CUTLAB_OK;
}

static cutlab_status add_variant(cutlab_context *context, cutlab_report *report,
                                 const variant_list *list, int which, int method) {
  char *label = NULL;
  size_t size;
  FILE *stream = open_memstream(&label, &size);
  if (!stream) return cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory: methods");
  describe(stream, list, which, method);
  fclose(stream);
  for (char *c = label; c && *c; ++c)
    if ((unsigned char)*c < ' ' || !isascii((unsigned char)*c)) *c = '?';
  int extra = (report->method_count - cutlab_report_named_methods) % more_colour_count;
  bool named = method < cutlab_report_named_methods && which == commonest(list);
  return add(context, report, label, named ? colours[method] : more_colours[extra]);
}

/* The variants of one method get places of their own; a single one of a named method has that of
   the method. */
static cutlab_status place(cutlab_context *context, cutlab_report *report, int *places,
                           variant_list *list, int method) {
  collect(list, report, method);
  if (list->count <= 1 && method != cutlab_report_own_policy) return CUTLAB_OK;
  int first = report->method_count;
  for (int i = 0; i < list->count; ++i) CUTLAB_TRY(add_variant(context, report, list, i, method));
  for (int i = 0; i < report->run_count; ++i)
    if (report->runs[i].method == method && report->runs[i].variant)
      places[i] = first + find_variant(list, report->runs[i].variant);
  return CUTLAB_OK;
}

static cutlab_status place_all(cutlab_context *context, cutlab_report *report, int *places,
                               variant_list *list) {
  for (int i = 0; i < report->run_count; ++i) places[i] = report->runs[i].method;
  for (int i = 0; i < cutlab_report_named_methods; ++i)
    CUTLAB_TRY(add(context, report, strdup(cutlab_training_method_label(i)), colours[i]));
  for (int method = 0; method <= cutlab_report_own_policy; ++method)
    CUTLAB_TRY(place(context, report, places, list, method));
  for (int i = 0; i < report->run_count; ++i) report->runs[i].method = places[i];
  return CUTLAB_OK;
}

cutlab_status cutlab_report_list_methods(cutlab_context *context, cutlab_report *report) {
  int64_t most = cutlab_report_named_methods + report->run_count;
  variant_list list = {.report = report,
                       .first = cutlab_allocate(context, report->run_count, sizeof(int)),
                       .runs = cutlab_allocate(context, report->run_count, sizeof(int))};
  int *places = cutlab_allocate(context, report->run_count, sizeof *places);
  report->methods = cutlab_allocate(context, most, sizeof *report->methods);
  cutlab_status status = list.first && list.runs && places && report->methods
                             ? place_all(context, report, places, &list)
                             : CUTLAB_ERROR_MEMORY;
  free(list.first);
  free(list.runs);
  free(places);
  return status;
}
