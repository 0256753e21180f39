/* Ledgers as JSON lines, one for every output. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "augment/ledger.h"
#include "base/json.h"
#include "base/number.h"

/* ---- Writing ---- */

static void print_number(FILE *file, const char *name, double value) {
  char text[cutlab_number_size];
  cutlab_number_text(text, value);
  fprintf(file, "\"%s\":%s", name, text);
}

static void print_entry(FILE *file, const cutlab_plan *plan, const cutlab_entry *entry) {
  const cutlab_method_ops *method = plan->policy->steps[entry->step].method;
  fprintf(file, "{\"step\":%d,\"method\":\"%s\",\"key\":\"%016" PRIx64 "\"", entry->step,
          method->name, entry->key);
  if (entry->partner_row >= 0)
    fprintf(file, ",\"partner\":%" PRId64 ",\"partner_row\":%d", entry->partner,
            entry->partner_row);
  fprintf(file, ",\"box\":[%d,%d,%d,%d],\"pixels\":%" PRId64 ",", entry->top, entry->left,
          entry->bottom, entry->right, entry->pixels);
  print_number(file, "lambda", entry->lambda);
  fputc(',', file);
  print_number(file, "weight", entry->weight);
  fputs(",\"values\":[", file);
  for (int i = 0; i < CUTLAB_ENTRY_VALUES; ++i) {
    char text[cutlab_number_size];
    cutlab_number_text(text, entry->values[i]);
    fprintf(file, "%s%s", i ? "," : "", text);
  }
  fputc(']', file);
  for (int32_t i = 0; i < entry->run_count; ++i)
    fprintf(file, "%s[%" PRId64 ",%" PRId64 "]", i ? "," : ",\"runs\":[",
            plan->runs[entry->run + i].begin, plan->runs[entry->run + i].end);
  fputs(entry->run_count ? "]}" : "}", file);
}

/* Nothing where the plan does not know them. JSON's integers end at 2^63 - 1 in many a reader. */
static void print_origin(FILE *file, const cutlab_draw *drawn) {
  const char *quote = drawn->seed > INT64_MAX ? "\"" : "";
  if (drawn->epoch >= 0)
    fprintf(file, ",\"seed\":%s%" PRIu64 "%s,\"epoch\":%" PRId64, quote, drawn->seed, quote,
            drawn->epoch);
}

static cutlab_status print_output(cutlab_context *context, FILE *file, cutlab_plan *plan,
                                  int64_t batch, int64_t row, int64_t output) {
  const cutlab_source *sources;
  int64_t count;
  CUTLAB_TRY(cutlab_plan_sources(context, plan, row, &sources, &count));
  fprintf(file,
          "{\"output\":%" PRId64 ",\"batch\":%" PRId64 ",\"row\":%" PRId64 ",\"sample\":%" PRId64,
          output, batch, row, plan->samples[row]);
  print_origin(file, &plan->drawn);
  fputs(",\"sources\":[", file);
  for (int64_t i = 0; i < count; ++i) {
    fprintf(file, "%s{\"sample\":%" PRId64 ",", i ? "," : "", plan->samples[sources[i].row]);
    print_number(file, "weight", sources[i].weight);
    fputc('}', file);
  }
  fputs("],\"steps\":[", file);
  bool first = true;
  for (int step = 0; step < plan->policy->step_count; ++step) {
    const cutlab_entry *entry = cutlab_plan_find(plan, step, row);
    if (!entry) continue;
    if (!first) fputc(',', file);
    print_entry(file, plan, entry);
    first = false;
  }
  fputs("]}\n", file);
  return CUTLAB_OK;
}

cutlab_status cutlab_ledger_to_lines(cutlab_context *context, char **text, size_t *size,
                                     cutlab_plan *const *plans, int64_t count) {
  FILE *file = open_memstream(text, size);
  cutlab_status status = CUTLAB_OK;
  int64_t output = 0;
  if (!file) return cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory: ledger");
  for (int64_t b = 0; b < count; ++b)
    for (int64_t row = 0; row < plans[b]->drawn.count && status == CUTLAB_OK; ++row)
      status = print_output(context, file, plans[b], b, row, output++);
  if (fclose(file) != 0 && status == CUTLAB_OK)
    status = cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory: ledger");
  return status;
}

/* ---- Reading ---- */

typedef struct line_reader {
  cutlab_ledger_reader *ledger;
  int64_t number;
} line_reader;

static cutlab_status fail_line(const line_reader *r, const char *what) {
  return cutlab_fail(r->ledger->context, CUTLAB_ERROR_FORMAT, "%s:%" PRId64 ": %s", r->ledger->path,
                     r->number, what);
}

static bool get_integer(const json_t *object, const char *name, int64_t *value) {
  const json_t *found = json_object_get(object, name);
  if (!json_is_integer(found)) return false;
  *value = json_integer_value(found);
  return true;
}

static bool get_int32(const json_t *value, int32_t *number) {
  json_int_t wide = json_integer_value(value);
  *number = (int32_t)wide;
  return json_is_integer(value) && wide == *number;
}

static bool get_number(const json_t *object, const char *name, double *value) {
  const json_t *found = json_object_get(object, name);
  *value = json_number_value(found);
  return json_is_number(found);
}

static bool get_key(const json_t *object, uint64_t *key) {
  const char *text = json_string_value(json_object_get(object, "key"));
  if (!text || strlen(text) != 16 || strspn(text, "0123456789abcdef") != 16) return false;
  *key = strtoull(text, NULL, 16);
  return true;
}

static bool get_box(const json_t *object, cutlab_entry *entry) {
  const json_t *box = json_object_get(object, "box");
  int32_t *const sides[] = {&entry->top, &entry->left, &entry->bottom, &entry->right};
  if (json_array_size(box) != 4) return false;
  for (size_t i = 0; i < 4; ++i)
    if (!get_int32(json_array_get(box, i), sides[i])) return false;
  return true;
}

static bool get_values(const json_t *object, cutlab_entry *entry) {
  const json_t *values = json_object_get(object, "values");
  if (json_array_size(values) != CUTLAB_ENTRY_VALUES) return false;
  for (size_t i = 0; i < CUTLAB_ENTRY_VALUES; ++i) {
    if (!json_is_number(json_array_get(values, i))) return false;
    entry->values[i] = json_number_value(json_array_get(values, i));
  }
  return true;
}

static bool get_seed(const json_t *object, uint64_t *seed) {
  const json_t *found = json_object_get(object, "seed");
  const char *text = json_string_value(found);
  if (!text) *seed = (uint64_t)json_integer_value(found);
  if (!text) return json_is_integer(found) && json_integer_value(found) >= 0;
  char *end;
  errno = 0;
  *seed = strtoull(text, &end, 10);
  return *text >= '0' && *text <= '9' && !*end && errno == 0;
}

/* Seed and epoch, or neither. */
static bool get_origin(const json_t *object, cutlab_ledger_output *output) {
  output->seed = 0, output->epoch = -1;
  if (!json_object_get(object, "seed") && !json_object_get(object, "epoch")) return true;
  return get_seed(object, &output->seed) && get_integer(object, "epoch", &output->epoch);
}

/* The partner, or none. */
static bool get_partner(const json_t *object, cutlab_entry *entry) {
  entry->partner = entry->partner_row = -1;
  if (!json_object_get(object, "partner")) return true;
  return get_integer(object, "partner", &entry->partner) &&
         get_int32(json_object_get(object, "partner_row"), &entry->partner_row);
}

static cutlab_status take_runs(const line_reader *r, const json_t *object, cutlab_entry *entry) {
  const json_t *runs = json_object_get(object, "runs");
  if (json_array_size(runs) > INT32_MAX) return fail_line(r, "too many runs");
  entry->run = r->ledger->run_count;
  entry->run_count = (int32_t)json_array_size(runs);
  for (int32_t i = 0; i < entry->run_count; ++i) {
    const json_t *run = json_array_get(runs, (size_t)i);
    const json_t *begin = json_array_get(run, 0), *end = json_array_get(run, 1);
    if (json_array_size(run) != 2 || !json_is_integer(begin) || !json_is_integer(end) ||
        json_integer_value(begin) < 0 || json_integer_value(end) < 0)
      return fail_line(r, "a run is not of the form [begin, end]");
    CUTLAB_TRY(
        cutlab_ledger_take_run(r->ledger, json_integer_value(begin), json_integer_value(end)));
  }
  return CUTLAB_OK;
}

static cutlab_status take_step(const line_reader *r, const json_t *object, int64_t row,
                               int64_t sample) {
  cutlab_entry entry = {.row = (int32_t)row, .sample = sample};
  if (!get_int32(json_object_get(object, "step"), &entry.step) || !get_key(object, &entry.key) ||
      !get_partner(object, &entry) || !get_box(object, &entry) ||
      !get_integer(object, "pixels", &entry.pixels) ||
      !get_number(object, "lambda", &entry.lambda) ||
      !get_number(object, "weight", &entry.weight) || !get_values(object, &entry))
    return fail_line(r, "a step lacks one of step, key, box, pixels, lambda, weight, values, or "
                        "has it in another form");
  CUTLAB_TRY(take_runs(r, object, &entry));
  return cutlab_ledger_take_entry(r->ledger, &entry);
}

static cutlab_status take_object(const line_reader *r, const json_t *object) {
  cutlab_ledger_output o;
  const json_t *steps = json_object_get(object, "steps");
  if (!get_integer(object, "batch", &o.batch) || !get_integer(object, "row", &o.row) ||
      !get_integer(object, "sample", &o.sample) || !json_is_array(steps) || o.row < 0 ||
      o.row >= INT32_MAX)
    return fail_line(r, "an output lacks one of batch, row, sample, steps, or has it in another "
                        "form");
  if (!get_origin(object, &o))
    return fail_line(r, "seed or epoch is missing or has another form; accepted: integers, 0 or "
                        "more, the seed also as a string of digits, or neither");
  CUTLAB_TRY(cutlab_ledger_take_output(r->ledger, &o));
  for (size_t i = 0; i < json_array_size(steps); ++i)
    CUTLAB_TRY(take_step(r, json_array_get(steps, i), o.row, o.sample));
  return CUTLAB_OK;
}

cutlab_status cutlab_ledger_from_lines(cutlab_ledger_reader *ledger, char *text, size_t size) {
  line_reader r = {ledger, 0};
  for (char *line = text, *end = text + size; line < end;) {
    char *next = memchr(line, '\n', (size_t)(end - line));
    if (!next) next = end;
    ++r.number;
    json_error_t error;
    json_t *object = json_loadb(line, (size_t)(next - line), JSON_REJECT_DUPLICATES, &error);
    if (!object)
      return cutlab_fail(ledger->context, CUTLAB_ERROR_FORMAT,
                         "%s:%" PRId64 ":%d: not valid JSON: %s", ledger->path, r.number,
                         error.column, error.text);
    cutlab_status status = take_object(&r, object);
    json_decref(object);
    CUTLAB_TRY(status);
    line = next + 1;
  }
  return CUTLAB_OK;
}
