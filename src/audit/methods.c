/* The methods of runs: their labels, and in which settings runs differ. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "audit/inputs.h"
#include "base/number.h"
#include "train/settings.h"

static const char *text_of(const cutlab_audit_input *run, const char *setting) {
  const char *text = json_string_value(cutlab_audit_setting(run, setting));
  return text ? text : "";
}

static int method_of(const cutlab_audit_input *run) {
  return cutlab_training_method_of(text_of(run, "method"), text_of(run, "policy"));
}

static bool same_value(const json_t *a, const json_t *b) {
  return a == b || json_equal((json_t *)a, (json_t *)b);
}

static bool same_setting(const cutlab_audit_input *a, const cutlab_audit_input *b,
                         const char *name) {
  return same_value(cutlab_audit_setting(a, name), cutlab_audit_setting(b, name));
}

/* Are two runs of one method, with the same values of its own settings? */
static bool same_method(const cutlab_audit_input *a, const cutlab_audit_input *b) {
  int method = method_of(a);
  if (method != method_of(b)) return false;
  const cutlab_parameter *row;
  for (int i = 0; (row = cutlab_training_parameter(i)); ++i)
    if (cutlab_training_owns(method, row->name) && !same_setting(a, b, row->name)) return false;
  return true;
}

/* A value to read, shortened; release with free. */
static char *value_text(const json_t *value) {
  enum { enough = 60 };
  char number[cutlab_number_size], *text = NULL;
  if (json_is_number(value)) {
    cutlab_number_text(number, json_number_value(value));
    return strdup(number);
  }
  if (!json_is_string(value)) return json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
  const char *whole = json_string_value(value);
  if (asprintf(&text, "%.*s%s", (int)enough, whole, strlen(whole) > enough ? "..." : "") < 0)
    return NULL;
  for (char *c = text; *c; ++c)
    if (!isprint((unsigned char)*c)) *c = '?';
  return text;
}

static void put_value(FILE *stream, const json_t *value) {
  char *text = value_text(value);
  fputs(text ? text : "?", stream);
  free(text);
}

/* Does a setting of the run's method differ among the runs of that method? */
static bool varies(const cutlab_audit *audit, const cutlab_audit_input *run, const char *setting) {
  for (int i = 0; i < audit->input_count; ++i) {
    const cutlab_audit_input *other = &audit->inputs[i];
    if (other->is_run && method_of(other) == method_of(run) && !same_setting(run, other, setting))
      return true;
  }
  return false;
}

/* "CutMix", or "CutMix (alpha=0.2)": with the settings in which its runs differ. */
static void put_label(FILE *stream, const cutlab_audit *audit, const cutlab_audit_input *run) {
  int method = method_of(run);
  if (method == cutlab_training_own_policy) {
    put_value(stream, cutlab_audit_setting(run, "policy"));
    return;
  }
  const char *separator = " (";
  const cutlab_parameter *row;
  fputs(cutlab_training_method_label(method), stream);
  for (int i = 0; (row = cutlab_training_parameter(i)); ++i) {
    if (!cutlab_training_owns(method, row->name) || !varies(audit, run, row->name)) continue;
    fprintf(stream, "%s%s=", separator, row->name);
    put_value(stream, cutlab_audit_setting(run, row->name));
    separator = ", ";
  }
  if (separator[0] == ',') fputc(')', stream);
}

static char *make_label(const cutlab_audit *audit, const cutlab_audit_input *run) {
  char *label = NULL;
  size_t size;
  FILE *stream = open_memstream(&label, &size);
  if (!stream) return NULL;
  put_label(stream, audit, run);
  if (fclose(stream) == 0) return label;
  free(label);
  return NULL;
}

/* Is the label that of an earlier run of another method? Shortened policies may be the same. */
static bool is_taken(const cutlab_audit *audit, int which, const char *label) {
  for (int i = 0; i < which; ++i)
    if (audit->inputs[i].is_run && strcmp(audit->inputs[i].method, label) == 0) return true;
  return false;
}

static cutlab_status label_run(cutlab_context *context, cutlab_audit *audit, int which) {
  cutlab_audit_input *run = &audit->inputs[which];
  const cutlab_audit_input *same = NULL;
  for (int i = 0; i < which && !same; ++i)
    if (audit->inputs[i].is_run && same_method(&audit->inputs[i], run)) same = &audit->inputs[i];
  char *label = same ? strdup(same->method) : make_label(audit, run);
  size_t length = label ? strlen(label) : 0;
  for (int number = 2; label && !same && is_taken(audit, which, label); ++number) {
    char *numbered;
    if (asprintf(&numbered, "%.*s #%d", (int)length, label, number) < 0) numbered = NULL;
    free(label);
    label = numbered;
  }
  if (!label)
    return cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory: method of %s", run->name);
  free(run->method);
  run->method = label;
  return CUTLAB_OK;
}

static bool is_among(const char *name, const char *const *names, size_t count) {
  for (size_t i = 0; i < count; ++i)
    if (strcmp(name, names[i]) == 0) return true;
  return false;
}

/* May trainings of one method differ in this, or does another place say it in full? The same data
   may be taken from several places, whole or as a part. */
static bool may_differ(const cutlab_audit_input *a, const cutlab_audit_input *b, const char *name) {
  static const char *const free_settings[] = {"seed", "fold", "method", "backend"};
  static const char *const places[] = {"dataset", "path", "train_examples", "test_examples"};
  if (is_among(name, free_settings, sizeof free_settings / sizeof *free_settings)) return true;
  if (is_among(name, places, sizeof places / sizeof *places) &&
      strcmp(a->fingerprint, b->fingerprint) == 0)
    return true;
  if (cutlab_training_owns(-1, name)) return true;
  if (strcmp(name, "augment") == 0) /* a policy stands instead of it */
    return method_of(a) == cutlab_training_own_policy || method_of(b) == cutlab_training_own_policy;
  return !cutlab_training_decides(name);
}

/* Do two runs differ in a setting? One that a run's version did not have yet makes no difference.
   Of models the record says in full what a name or a file meant. */
static bool differ(const cutlab_audit_input *a, const cutlab_audit_input *b, const char *name,
                   const json_t **value, const json_t **other) {
  *value = cutlab_audit_setting(a, name);
  *other = cutlab_audit_setting(b, name);
  if (!*value || !*other || may_differ(a, b, name)) return false;
  if (strcmp(name, "model") != 0) return !same_value(*value, *other);
  const json_t *model = json_object_get(a->record, name),
               *other_model = json_object_get(b->record, name);
  if (same_value(model, other_model)) return false;
  if (same_value(*value, *other)) {
    *value = model;
    *other = other_model;
  }
  return true;
}

static cutlab_status check_same(cutlab_context *context, const cutlab_audit_input *run,
                                const cutlab_audit_input *first) {
  const char *name;
  json_t *ignored;
  json_object_foreach(json_object_get(run->record, "settings"), name, ignored) {
    const json_t *value, *other;
    (void)ignored;
    if (!differ(run, first, name, &value, &other)) continue;
    char *text = value_text(value), *other_text = value_text(other);
    cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                "%s: %s is %s, but %s in %s, of %s too; accepted: the same settings for all "
                "trainings of a method",
                run->name, name, text ? text : "?", other_text ? other_text : "?", first->name,
                run->method);
    free(text);
    free(other_text);
    return CUTLAB_ERROR_ARGUMENT;
  }
  return CUTLAB_OK;
}

cutlab_status cutlab_audit_label_methods(cutlab_context *context, cutlab_audit *audit) {
  for (int i = 0; i < audit->input_count; ++i) {
    const cutlab_audit_input *run = &audit->inputs[i];
    if (run->is_run && method_of(run) < 0)
      return cutlab_fail(context, CUTLAB_ERROR_FORMAT,
                         "%s: setting \"method\" is '%.80s'; accepted: erm, cutout, cutmix, mixup",
                         run->name, text_of(run, "method"));
  }
  for (int i = 0; i < audit->input_count; ++i)
    if (audit->inputs[i].is_run) CUTLAB_TRY(label_run(context, audit, i));
  for (int i = 1; i < audit->input_count; ++i)
    for (int k = 0; audit->inputs[i].is_run && k < i; ++k) {
      if (!audit->inputs[k].is_run || !same_method(&audit->inputs[k], &audit->inputs[i])) continue;
      CUTLAB_TRY(check_same(context, &audit->inputs[i], &audit->inputs[k]));
      break;
    }
  return CUTLAB_OK;
}

/* "epochs (ERM 15, CutMix 30)" for every setting that differs; how many these are. */
static int put_differences(FILE *stream, const cutlab_audit_input *a, const cutlab_audit_input *b,
                           int count) {
  const char *name;
  json_t *ignored;
  json_object_foreach(json_object_get(a->record, "settings"), name, ignored) {
    const json_t *value, *other;
    (void)ignored;
    if (!differ(a, b, name, &value, &other)) continue;
    fprintf(stream, "%s%s (%s ", count++ ? ", " : "", name, a->method);
    put_value(stream, value);
    fprintf(stream, ", %s ", b->method);
    put_value(stream, other);
    fputc(')', stream);
  }
  return count;
}

void cutlab_audit_warn_settings(cutlab_context *context, const cutlab_audit_input *const *first,
                                int count) {
  char *text = NULL;
  size_t size;
  int differences = 0, base = 0;
  FILE *stream = open_memstream(&text, &size);
  while (base < count && !first[base]->is_run) ++base;
  for (int i = base + 1; stream && i < count; ++i)
    if (first[i]->is_run) differences = put_differences(stream, first[base], first[i], differences);
  if (stream && fclose(stream) == 0 && differences)
    cutlab_warn(context, "more than the methods differs: %s", text);
  free(text);
}
