/* The methods of a report: four by name, then policies of the user's own and, where a method was
   used with several settings, one for each of them. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "report/report_internal.h"
#include "train/settings.h"

/* Of Okabe and Ito's palette, with enough contrast on white and on black: vermilion, blue, bluish
   green and reddish purple; then orange, sky blue, a grey and a brown. */
static const char *const colours[] = {"#D55E00", "#0072B2", "#009E73", "#CC79A7"};
static const char *const more_colours[] = {"#E69F00", "#56B4E9", "#8C8C8C", "#8B5E34"};
enum { more_colour_count = sizeof more_colours / sizeof *more_colours };

const char *cutlab_report_colour(const char *label, int *others) {
  for (int i = 0; i < cutlab_report_named_methods; ++i)
    if (strcasecmp(label, cutlab_training_method_label(i)) == 0) return colours[i];
  return more_colours[(*others)++ % more_colour_count];
}

/* What is distinct among the trained runs of a method that are compared: those on the same data
   set, each of which brings a recipe of its own; of policies all. */
typedef struct variant_list {
  const cutlab_report *report;
  int method;
  int *first; /* the first run of each, as they were read */
  int *runs;  /* how many each has */
  int *place; /* in the report's list */
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

static bool compared(const cutlab_report_run *a, const cutlab_report_run *b) {
  return a->method == b->method && a->variant && b->variant &&
         (a->method == cutlab_report_own_policy ||
          json_equal(cutlab_report_setting(a, "dataset"), cutlab_report_setting(b, "dataset")));
}

/* The variants among the runs that are compared with `run`; false unless it is the first of them.
 */
static bool collect(variant_list *list, const cutlab_report *report, int run) {
  const cutlab_report_run *runs = report->runs;
  list->count = 0;
  list->method = runs[run].method;
  for (int i = 0; i < report->run_count; ++i) {
    if (!compared(&runs[i], &runs[run])) continue;
    if (i < run) return false;
    int at = find_variant(list, runs[i].variant);
    if (at < 0) {
      list->first[at = list->count++] = i;
      list->runs[at] = 0;
    }
    ++list->runs[at];
  }
  return list->count > 0;
}

static bool is_common(const variant_list *list, const char *name, const json_t *value) {
  for (int i = 0; i < list->count; ++i)
    if (!json_equal(json_object_get(variant_at(list, i), name), value)) return false;
  return true;
}

/* "CutMix (alpha=0.2)", "policy: flip | cutmix(...": the settings in which variants differ. */
static void describe(FILE *stream, const variant_list *list, int which) {
  enum { enough = 40 };
  const bool policy = list->method == cutlab_report_own_policy;
  const char *name, *separator = policy ? ": " : " (";
  json_t *value;
  const char *label = cutlab_training_method_label(list->method);
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
  if (separator[0] == ',' && !policy) fputc(')', stream);
}

/* The variant that has most runs, the first of equals: it keeps the method's colour. */
static int commonest(const variant_list *list) {
  int best = 0;
  for (int i = 1; i < list->count; ++i)
    if (list->runs[i] > list->runs[best]) best = i;
  return best;
}

static int find_label(const cutlab_report *report, const char *label) {
  for (int i = 0; i < report->method_count; ++i)
    if (strcmp(report->methods[i].label, label) == 0) return i;
  return -1;
}

/* Takes the label. */
static cutlab_status add(cutlab_context *context, cutlab_report *report, char *label,
                         const char *colour) {
  if (!label) return cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory: methods");
  report->methods[report->method_count++] = (cutlab_report_method){label, colour};
  return CUTLAB_OK;
}

/* Whether a variant before this one has the place. */
static bool is_taken(const variant_list *list, int which, int place) {
  for (int i = 0; i < which; ++i)
    if (list->place[i] == place) return true;
  return false;
}

/* In fresh memory or NULL. One that an earlier variant of the list has gets a number at its end. */
static char *variant_label(const cutlab_report *report, const variant_list *list, int which) {
  char *label = NULL;
  size_t size;
  FILE *stream = open_memstream(&label, &size);
  if (!stream) return NULL;
  describe(stream, list, which);
  fclose(stream);
  for (char *c = label; c && *c; ++c)
    if ((unsigned char)*c < ' ' || !isascii((unsigned char)*c)) *c = '?';
  int length = label ? (int)strlen(label) : 0;
  for (int number = 2; label && is_taken(list, which, find_label(report, label)); ++number) {
    char *numbered;
    if (asprintf(&numbered, "%.*s #%d", length, label, number) < 0) numbered = NULL;
    free(label);
    label = numbered;
  }
  return label;
}

/* Finds the variant's place: that of the same label on other data, or a new one. `colour`: for the
   commonest, or NULL. */
static cutlab_status place_variant(cutlab_context *context, cutlab_report *report,
                                   variant_list *list, int which, const char *colour) {
  char *label = variant_label(report, list, which);
  int there = label ? find_label(report, label) : -1;
  list->place[which] = there >= 0 ? there : report->method_count;
  if (there >= 0) {
    free(label);
    return CUTLAB_OK;
  }
  unsigned extra = (unsigned)(report->method_count - cutlab_report_named_methods);
  bool own = colour && which == commonest(list);
  return add(context, report, label, own ? colour : more_colours[extra % more_colour_count]);
}

/* The variants of a method that are compared get places of their own; a single one of a named
   method has that of the method, and its colour before all others. */
static cutlab_status place(cutlab_context *context, cutlab_report *report, int *places,
                           variant_list *list, int method) {
  const char *colour = method < cutlab_report_named_methods ? colours[method] : NULL;
  for (int several = 0; several < 2; ++several) {
    for (int first = 0; first < report->run_count; ++first) {
      if (report->runs[first].method != method || !collect(list, report, first)) continue;
      bool alone = list->count == 1 && method != cutlab_report_own_policy;
      if (alone) colour = NULL;
      if (alone || !several) continue;
      for (int i = 0; i < list->count; ++i)
        CUTLAB_TRY(place_variant(context, report, list, i, colour));
      for (int i = first; i < report->run_count; ++i)
        if (compared(&report->runs[i], &report->runs[first]))
          places[i] = list->place[find_variant(list, report->runs[i].variant)];
      colour = NULL;
    }
  }
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
                       .runs = cutlab_allocate(context, report->run_count, sizeof(int)),
                       .place = cutlab_allocate(context, report->run_count, sizeof(int))};
  int *places = cutlab_allocate(context, report->run_count, sizeof *places);
  report->methods = cutlab_allocate(context, most, sizeof *report->methods);
  cutlab_status status = list.first && list.runs && list.place && places && report->methods
                             ? place_all(context, report, places, &list)
                             : CUTLAB_ERROR_MEMORY;
  free(list.first);
  free(list.runs);
  free(list.place);
  free(places);
  return status;
}
