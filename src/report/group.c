/* Groups of runs that agree in everything but method and seed, and sums over their seeds. */
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
  if (a->finished != b->finished) return a->finished ? -1 : 1;
  return strverscmp(a->real, b->real);
}

/* Equal settings and seeds give equal runs, which say nothing of the spread over seeds. The runs
   are in order, so that such lie side by side. */
static void drop_duplicates(cutlab_context *context, cutlab_report *report) {
  cutlab_report_run *runs = report->runs;
  char *example = NULL;
  int kept = 1, original = 0;
  for (int i = 1; i < report->run_count; ++i) {
    const cutlab_report_run *last = &runs[kept - 1];
    if (runs[i].group != last->group || runs[i].method != last->method ||
        runs[i].seed != last->seed) {
      runs[kept++] = runs[i];
      continue;
    }
    if (!example) {
      original = kept - 1;
      example = runs[i].folder;
      runs[i].folder = NULL;
    }
    cutlab_report_clear_run(&runs[i]);
  }
  if (example)
    cutlab_warn(context,
                "left out %d of %d runs: they repeat settings and seed of another, as %s of %s",
                report->run_count - kept, report->run_count, example, runs[original].folder);
  free(example);
  report->run_count = kept;
}

cutlab_status cutlab_report_group_runs(cutlab_context *context, cutlab_report *report) {
  CUTLAB_TRY(cutlab_report_list_methods(context, report));
  CUTLAB_TRY(assign_groups(context, report));
  pair_groups(report);
  qsort(report->runs, (size_t)report->run_count, sizeof *report->runs, compare_runs);
  drop_duplicates(context, report);
  for (int i = report->run_count - 1; i >= 0; --i) {
    report->groups[report->runs[i].group].first = i;
    ++report->groups[report->runs[i].group].count;
  }
  return cutlab_report_name_groups(context, report);
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

bool cutlab_report_estimated(const cutlab_report *report, int group) {
  bool estimated = false;
  for (int method = 0; method < report->method_count; ++method) {
    if (CUTLAB_REPORT_FINAL(report, group, method, population_accuracy).count) return false;
    estimated |= CUTLAB_REPORT_FINAL(report, group, method, monte_carlo_accuracy).count > 0;
  }
  return estimated;
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
  fputs(report->groups[group].differs, stream);
}
