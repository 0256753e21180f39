/* Groups of runs that agree in everything but method and seed, their names, and sums over
   their seeds. */
#include <ctype.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report/report_internal.h"

int cutlab_report_find_name(const char *name, const char *(*name_of)(int), int count) {
  for (int i = 0; i < count; ++i)
    if (name && strcmp(name, name_of(i)) == 0) return i;
  return -1;
}

const char *cutlab_report_rarity_name(int rarity) {
  return cutlab_rarity_name((cutlab_rarity)rarity);
}

const cutlab_report_point *cutlab_report_last(const cutlab_report_run *run) {
  return run->point_count ? &run->points[run->point_count - 1] : NULL;
}

double cutlab_report_last_value(const cutlab_report_run *run, size_t offset) {
  for (int64_t k = run->point_count - 1; k >= 0; --k) {
    double value = *(const double *)((const char *)&run->points[k] + offset);
    if (!isnan(value)) return value;
  }
  return NAN;
}

const json_t *cutlab_report_setting(const cutlab_report_run *run, const char *name) {
  return json_object_get(json_object_get(run->config, run->source->settings), name);
}

const char *cutlab_report_setting_text(const cutlab_report_run *run, const char *name) {
  const char *text = json_string_value(cutlab_report_setting(run, name));
  return text ? text : "";
}

bool cutlab_report_has(const cutlab_report *report, const cutlab_report_source *source) {
  for (int i = 0; i < report->run_count; ++i)
    if (report->runs[i].source == source) return true;
  return false;
}

static int find_group(const cutlab_report *report, const cutlab_report_source *source,
                      const json_t *key) {
  for (int i = 0; i < report->group_count; ++i)
    if (report->groups[i].source == source && json_equal(report->groups[i].key, key)) return i;
  return -1;
}

static cutlab_status assign_groups(cutlab_context *context, cutlab_report *report) {
  report->groups = cutlab_allocate(context, report->run_count, sizeof *report->groups);
  if (!report->groups) return CUTLAB_ERROR_MEMORY;
  for (int i = 0; i < report->run_count; ++i) {
    const cutlab_report_source *source = report->runs[i].source;
    json_t *key = source->group_key(&report->runs[i]);
    if (!key) return cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory: groups");
    int group = find_group(report, source, key);
    if (group >= 0)
      json_decref(key);
    else
      report->groups[group = report->group_count++] =
          (cutlab_report_group){.source = source, .key = key};
    report->runs[i].group = group;
  }
  return CUTLAB_OK;
}

static bool stratified(const cutlab_report_group *group) {
  const char *sampling = json_string_value(json_object_get(group->key, "sampling"));
  return sampling && strcmp(sampling, "stratified") == 0;
}

static bool same_but_sampling(const cutlab_report_group *a, const cutlab_report_group *b) {
  json_t *copy = json_copy(a->key);
  json_object_set(copy, "sampling", json_object_get(b->key, "sampling"));
  bool same = json_equal(copy, b->key);
  json_decref(copy);
  return same;
}

static void swap_groups(cutlab_report *report, int a, int b) {
  cutlab_report_group group = report->groups[a];
  report->groups[a] = report->groups[b];
  report->groups[b] = group;
  for (int i = 0; i < report->run_count; ++i) {
    int *index = &report->runs[i].group;
    *index = *index == a ? b : *index == b ? a : *index;
  }
}

/* Finds groups that differ in sampling only; of two, the stratified one comes first. */
static void pair_groups(cutlab_report *report) {
  for (int a = 0; a < report->group_count; ++a) report->groups[a].twin = -1;
  for (int a = 0; a < report->group_count; ++a)
    for (int b = a + 1; b < report->group_count; ++b) {
      if (!same_but_sampling(&report->groups[a], &report->groups[b])) continue;
      if (stratified(&report->groups[b])) swap_groups(report, a, b);
      report->groups[a].twin = b;
      report->groups[b].twin = a;
    }
}

static int compare_runs(const void *left, const void *right) {
  const cutlab_report_run *a = left, *b = right;
  if (a->group != b->group) return a->group < b->group ? -1 : 1;
  if (a->method != b->method) return a->method < b->method ? -1 : 1;
  if (a->seed != b->seed) return a->seed < b->seed ? -1 : 1;
  return strcmp(a->real, b->real);
}

/* The name of the folder that holds all of the group's runs, or NULL. */
static const char *common_parent(const cutlab_report *report, int group) {
  const cutlab_report_group *g = &report->groups[group];
  const char *name = report->runs[g->first].parent;
  for (int i = 1; i < g->count; ++i)
    if (strcmp(report->runs[g->first + i].parent, name) != 0) return NULL;
  return *name ? name : NULL;
}

/* A parent that holds runs of other groups too names none of them. */
static bool parent_is_own(const cutlab_report *report, int group, const char *parent) {
  for (int i = 0; i < report->run_count; ++i)
    if (report->runs[i].group != group && strcmp(report->runs[i].parent, parent) == 0) return false;
  return true;
}

/* Whether groups of the same kind differ in a setting; networks: of the same data set, since each
   one brings settings of its own. */
static bool differs(const cutlab_report *report, int group, const char *name, const json_t *value) {
  const cutlab_report_group *here = &report->groups[group];
  bool within = here->source == &cutlab_report_trained && strcmp(name, "dataset") != 0;
  for (int i = 0; i < report->group_count; ++i) {
    const cutlab_report_group *there = &report->groups[i];
    if (there->source != here->source) continue;
    if (within &&
        !json_equal(json_object_get(there->key, "dataset"), json_object_get(here->key, "dataset")))
      continue;
    if (!json_equal(json_object_get(there->key, name), value)) return true;
  }
  return false;
}

/* "alpha 0.2", or the value alone of what speaks for itself. */
static void put_setting(FILE *stream, const char *separator, const char *name, const json_t *value,
                        bool bare, int most) {
  char *text =
      json_is_string(value) ? strdup(json_string_value(value)) : cutlab_report_compact(value);
  bool whole = !text || strlen(text) <= (size_t)most;
  fprintf(stream, "%s%s%s%.*s%s", separator, bare ? "" : name, bare ? "" : " ", most,
          text ? text : "?", whole ? "" : "...");
  free(text);
}

/* "alpha 0.2, sampling iid": the parameters in which simulations differ. */
static void name_simulated(FILE *stream, const cutlab_report *report, int group) {
  const char *name, *separator = "";
  json_t *value;
  json_object_foreach(report->groups[group].key, name, value) {
    if (!differs(report, group, name, value)) continue;
    put_setting(stream, separator, name, value, false, INT_MAX);
    separator = ", ";
  }
}

/* "resnet20, cifar10, batch 64": the settings in which networks differ, as many as make a readable
   name; a path only where there is nothing else. */
static void name_trained(FILE *stream, const cutlab_report *report, int group) {
  enum { enough = 60 };
  static const char *const first[] = {"model", "dataset"};
  json_t *key = json_copy(report->groups[group].key), *value;
  const char *name, *separator = "";
  const char *path = json_string_value(json_object_get(key, "path"));
  for (int i = 0; i < 2; ++i) {
    value = json_object_get(key, first[i]);
    if (!differs(report, group, first[i], value)) continue;
    put_setting(stream, separator, first[i], value, true, enough);
    separator = ", ";
  }
  for (int i = 0; i < 2; ++i) json_object_del(key, first[i]);
  json_object_del(key, "path");
  json_object_foreach(key, name, value) {
    if (!differs(report, group, name, value)) continue;
    bool full = ftell(stream) > enough;
    if (full) fputs(", ...", stream);
    if (full) break;
    put_setting(stream, separator, name, value, false, enough);
    separator = ", ";
  }
  if (!*separator && path &&
      differs(report, group, "path", json_object_get(report->groups[group].key, "path")))
    fputs(path, stream);
  json_decref(key);
}

/* Names come from folders and may hold anything: one line, and UTF-8 or else ASCII. */
static char *clean_name(char *name) {
  json_t *valid = name ? json_string(name) : NULL;
  for (char *c = name; c && *c; ++c)
    if (iscntrl((unsigned char)*c) || (!valid && !isascii((unsigned char)*c))) *c = '?';
  json_decref(valid);
  return name;
}

static char *group_name(const cutlab_report *report, int group) {
  const char *parent = common_parent(report, group);
  if (report->run_count == 1) return strdup(strrchr(report->runs[0].real, '/') + 1);
  if (parent && parent_is_own(report, group, parent)) return strdup(parent);
  char *name = NULL;
  size_t size;
  FILE *stream = open_memstream(&name, &size);
  if (!stream) return NULL;
  if (report->groups[group].source == &cutlab_report_trained)
    name_trained(stream, report, group);
  else
    name_simulated(stream, report, group);
  fclose(stream);
  if (name && !*name) {
    free(name);
    name = strdup("runs");
  }
  return name;
}

/* Letters, digits, '.', '_' and '-' only, at most 60, made unique by a number. */
static char *group_slug(const cutlab_report *report, int group) {
  char slug[64];
  int length = 0;
  for (const char *c = report->groups[group].name; *c && length < 60; ++c) {
    bool plain = isalnum((unsigned char)*c) || (length && strchr("._", *c));
    if (plain)
      slug[length++] = *c;
    else if (length && slug[length - 1] != '-')
      slug[length++] = '-';
  }
  while (length && slug[length - 1] == '-') --length;
  slug[length] = '\0';
  if (!length) strcpy(slug, "runs");
  int same = strcmp(slug, "all") == 0; /* the figures over all groups */
  for (int i = 0; i < group; ++i) {
    const char *other = report->groups[i].slug;
    size_t stem = strlen(slug);
    same += strncmp(other, slug, stem) == 0 && (!other[stem] || other[stem] == '-');
  }
  char *text;
  if (same == 0) return strdup(slug);
  return asprintf(&text, "%s-%d", slug, same + 1) < 0 ? NULL : text;
}

cutlab_status cutlab_report_group_runs(cutlab_context *context, cutlab_report *report) {
  CUTLAB_TRY(cutlab_report_list_methods(context, report));
  CUTLAB_TRY(assign_groups(context, report));
  pair_groups(report);
  qsort(report->runs, (size_t)report->run_count, sizeof *report->runs, compare_runs);
  for (int i = report->run_count - 1; i >= 0; --i) {
    report->groups[report->runs[i].group].first = i;
    ++report->groups[report->runs[i].group].count;
  }
  for (int i = 0; i < report->group_count; ++i) {
    report->groups[i].name = clean_name(group_name(report, i));
    report->groups[i].slug = report->groups[i].name ? group_slug(report, i) : NULL;
    if (!report->groups[i].slug)
      return cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory: names of groups");
  }
  return CUTLAB_OK;
}

int cutlab_report_seeds(const cutlab_report *report, int group, int method) {
  int count = 0;
  for (int i = 0; i < report->run_count; ++i)
    count += (group < 0 || report->runs[i].group == group) && report->runs[i].method == method;
  return count;
}

int cutlab_report_unfinished(const cutlab_report *report, int group, int method) {
  int count = 0;
  for (int i = 0; i < report->run_count; ++i) {
    const cutlab_report_run *run = &report->runs[i];
    count += run->group == group && run->method == method && !run->finished;
  }
  return count;
}

cutlab_report_spread cutlab_report_final(const cutlab_report *report, int group, int method,
                                         size_t offset) {
  cutlab_report_spread spread = {0, 0, INFINITY, -INFINITY};
  for (int i = 0; i < report->run_count; ++i) {
    const cutlab_report_run *run = &report->runs[i];
    if (run->group != group || run->method != method) continue;
    double value = cutlab_report_last_value(run, offset);
    if (isnan(value)) continue;
    ++spread.count;
    spread.mean += value;
    spread.min = fmin(spread.min, value);
    spread.max = fmax(spread.max, value);
  }
  if (spread.count == 0) return (cutlab_report_spread){0, NAN, NAN, NAN};
  spread.mean /= spread.count;
  return spread;
}

double cutlab_report_theory(const cutlab_report *report, int group, int method) {
  for (int i = 0; i < report->run_count; ++i)
    if (report->runs[i].group == group && report->runs[i].method == method)
      return report->runs[i].theory_accuracy;
  return NAN;
}

/* Class splits, and so z, differ a little between independent draws: the mean. */
double cutlab_report_optimum(const cutlab_report *report, int group) {
  double sum = 0;
  int count = 0;
  for (int i = 0; i < report->groups[group].count; ++i) {
    const cutlab_report_run *run = &report->runs[report->groups[group].first + i];
    if (isnan(run->optimum)) continue;
    sum += run->optimum;
    ++count;
  }
  return count ? sum / count : NAN;
}

void cutlab_report_describe(FILE *stream, const cutlab_report *report, int group) {
  const cutlab_report_run *run = &report->runs[report->groups[group].first];
  run->source->describe(stream, run);
}
