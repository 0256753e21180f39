/* What a spec holds: entries, defaults, clearing, printing. */
#include "sweep/spec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"

static char *copy_text(const char *text) {
  return text ? strdup(text) : NULL;
}

static void clear_entry(cutlab_entry *entry) {
  free(entry->name);
  free(entry->text);
  entry->name = entry->text = NULL;
}

static cutlab_status grow(cutlab_context *context, cutlab_entries *entries) {
  if (entries->count < entries->capacity) return CUTLAB_OK;
  int capacity = entries->capacity ? 2 * entries->capacity : 8;
  cutlab_entry *items = realloc(entries->items, (size_t)capacity * sizeof *items);
  if (!items) return cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory: a sweep's spec");
  entries->items = items;
  entries->capacity = capacity;
  return CUTLAB_OK;
}

static int find_entry(const cutlab_entries *entries, const char *name) {
  for (int i = 0; i < entries->count; ++i)
    if (strcmp(entries->items[i].name, name) == 0) return i;
  return -1;
}

cutlab_status cutlab_entries_put(cutlab_context *context, cutlab_entries *entries, const char *name,
                                 const char *text, const char *where) {
  cutlab_entry entry = {.name = copy_text(name), .text = copy_text(text)};
  snprintf(entry.where, sizeof entry.where, "%s", where);
  int at = find_entry(entries, name);
  cutlab_status status = at < 0 ? grow(context, entries) : CUTLAB_OK;
  if (status == CUTLAB_OK && (!entry.name || (text && !entry.text)))
    status = cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory: a sweep's spec");
  if (status != CUTLAB_OK) {
    clear_entry(&entry);
    return status;
  }
  if (at < 0)
    at = entries->count++;
  else
    clear_entry(&entries->items[at]);
  entries->items[at] = entry;
  return CUTLAB_OK;
}

void cutlab_entries_clear(cutlab_entries *entries) {
  for (int i = 0; i < entries->count; ++i) clear_entry(&entries->items[i]);
  free(entries->items);
  *entries = (cutlab_entries){0};
}

void cutlab_spec_axis_clear(cutlab_spec_axis *axis) {
  free(axis->name);
  axis->name = NULL;
  cutlab_entries_clear(&axis->values);
}

int cutlab_spec_find_axis(const cutlab_spec *spec, const char *name) {
  for (int i = 0; i < spec->axis_count; ++i)
    if (strcmp(spec->axes[i].name, name) == 0) return i;
  return -1;
}

cutlab_status cutlab_spec_put_axis(cutlab_context *context, cutlab_spec *spec,
                                   cutlab_spec_axis *axis) {
  int at = cutlab_spec_find_axis(spec, axis->name);
  if (at >= 0) {
    cutlab_spec_axis_clear(&spec->axes[at]);
  } else if (spec->axis_count == spec->axis_capacity) {
    int capacity = spec->axis_capacity ? 2 * spec->axis_capacity : 8;
    cutlab_spec_axis *axes = realloc(spec->axes, (size_t)capacity * sizeof *axes);
    if (!axes) return cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory: a sweep's axes");
    spec->axes = axes;
    spec->axis_capacity = capacity;
  }
  if (at < 0) at = spec->axis_count++;
  spec->axes[at] = *axis;
  *axis = (cutlab_spec_axis){0};
  return CUTLAB_OK;
}

void cutlab_spec_defaults(cutlab_spec *spec) {
  *spec = (cutlab_spec){
      .name = "sweep", .seed_count = 1, .first_seed = 1, .random_seed = 1, .learnt_at = 0.75};
}

void cutlab_spec_clear(cutlab_spec *spec) {
  cutlab_entry *single[] = {&spec->preset, &spec->map_x, &spec->map_y, &spec->map_panels};
  cutlab_entries *several[] = {&spec->parameters, &spec->measures, &spec->map_values,
                               &spec->boundaries};
  for (int i = 0; i < 4; ++i) clear_entry(single[i]);
  for (int i = 0; i < 4; ++i) cutlab_entries_clear(several[i]);
  for (int i = 0; i < spec->axis_count; ++i) cutlab_spec_axis_clear(&spec->axes[i]);
  free(spec->axes);
  free(spec->seeds);
  *spec = (cutlab_spec){0};
}

cutlab_status cutlab_spec_set_entry(cutlab_context *context, cutlab_entry *entry, const char *text,
                                    const char *where) {
  char *copy = copy_text(text);
  if (!copy) return cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory: a sweep's spec");
  clear_entry(entry);
  entry->text = copy;
  snprintf(entry->where, sizeof entry->where, "%s", where);
  return CUTLAB_OK;
}

cutlab_status cutlab_spec_fail(cutlab_context *context, const char *where, const char *format,
                               ...) {
  char text[800];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT, "%s: %s", where, text);
}

/* Double quotes, with what YAML would take for something else escaped. */
static void print_quoted(FILE *file, const char *text) {
  fputc('"', file);
  for (; *text; ++text) {
    if (*text == '"' || *text == '\\')
      fprintf(file, "\\%c", *text);
    else if ((unsigned char)*text < ' ')
      fprintf(file, "\\x%02x", (unsigned char)*text);
    else
      fputc(*text, file);
  }
  fputc('"', file);
}

static void print_entries(FILE *file, const char *key, const cutlab_entries *entries) {
  if (entries->count) fprintf(file, "%s:\n", key);
  for (int i = 0; i < entries->count; ++i) {
    fprintf(file, "  ");
    print_quoted(file, entries->items[i].name);
    fprintf(file, ": ");
    print_quoted(file, entries->items[i].text);
    fputc('\n', file);
  }
}

static void print_list(FILE *file, const cutlab_entries *entries) {
  fputc('[', file);
  for (int i = 0; i < entries->count; ++i) {
    if (i) fputs(", ", file);
    print_quoted(file, entries->items[i].name);
  }
  fputc(']', file);
}

static void print_number(FILE *file, const char *before, double value) {
  char text[cutlab_number_size];
  cutlab_number_text(text, value);
  fprintf(file, "%s%s", before, text);
}

static void print_axis(FILE *file, const cutlab_spec_axis *axis) {
  const char *spacing = axis->logarithmic ? "log" : "linear";
  fprintf(file, "  ");
  print_quoted(file, axis->name);
  fprintf(file, ": ");
  if (axis->values.count) {
    print_list(file, &axis->values);
  } else {
    print_number(file, "{from: ", axis->from);
    print_number(file, ", to: ", axis->to);
    if (axis->step > 0)
      print_number(file, ", step: ", axis->step);
    else
      fprintf(file, ", count: %lld", (long long)axis->count);
    if (axis->random || axis->step <= 0)
      fprintf(file, ", %s: %s", axis->random ? "random" : "spacing", spacing);
    fputc('}', file);
  }
  fputc('\n', file);
}

static void print_seeds(FILE *file, const cutlab_spec *spec) {
  if (!spec->seeds) {
    fprintf(file, "seeds: %lld\nfirst_seed: %lld\n", (long long)spec->seed_count,
            (long long)spec->first_seed);
    return;
  }
  fprintf(file, "seeds: [");
  for (int64_t i = 0; i < spec->seed_count; ++i)
    fprintf(file, "%s%lld", i ? ", " : "", (long long)spec->seeds[i]);
  fprintf(file, "]\n");
}

static void print_map(FILE *file, const cutlab_spec *spec) {
  static const char *const keys[] = {"x", "y", "panels"};
  const cutlab_entry *entries[] = {&spec->map_x, &spec->map_y, &spec->map_panels};
  bool any = spec->map_values.count > 0;
  for (int i = 0; i < 3; ++i) any |= entries[i]->text != NULL;
  if (any) fprintf(file, "map:\n");
  for (int i = 0; i < 3; ++i) {
    if (!entries[i]->text) continue;
    fprintf(file, "  %s: ", keys[i]);
    print_quoted(file, entries[i]->text);
    fputc('\n', file);
  }
  if (!spec->map_values.count) return;
  fprintf(file, "  value: ");
  print_list(file, &spec->map_values);
  fputc('\n', file);
}

static void print_spec(FILE *file, const cutlab_spec *spec) {
  fprintf(file, "name: ");
  print_quoted(file, spec->name);
  fputc('\n', file);
  if (spec->preset.text) {
    fprintf(file, "preset: ");
    print_quoted(file, spec->preset.text);
    fputc('\n', file);
  }
  print_entries(file, "parameters", &spec->parameters);
  fprintf(file, "axes:\n");
  for (int i = 0; i < spec->axis_count; ++i) print_axis(file, &spec->axes[i]);
  print_seeds(file, spec);
  fprintf(file, "draws: %s\nrandom_seed: %lld\n", spec->own_draws ? "own" : "shared",
          (long long)spec->random_seed);
  if (spec->measures.count) {
    fprintf(file, "measure: ");
    print_list(file, &spec->measures);
    fputc('\n', file);
  }
  print_number(file, "learnt_at: ", spec->learnt_at);
  fputc('\n', file);
  if (spec->stop_train_loss > 0) {
    print_number(file, "stop: {train_loss: ", spec->stop_train_loss);
    fprintf(file, "}\n");
  }
  print_map(file, spec);
  print_entries(file, "boundaries", &spec->boundaries);
}

cutlab_status cutlab_spec_print(cutlab_context *context, char **text, const cutlab_spec *spec) {
  size_t size;
  *text = NULL;
  FILE *file = open_memstream(text, &size);
  if (file) {
    print_spec(file, spec);
    if (fclose(file) == 0) return CUTLAB_OK;
  }
  free(*text);
  *text = NULL;
  return cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory: a sweep's spec");
}
