/* Do runs fit together? What tells two apart, and those found in a folder that do. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "audit/inputs.h"

cutlab_status cutlab_audit_compare_classes(cutlab_context *context, const cutlab_audit_input *input,
                                           const cutlab_audit_input *other) {
  if (input->classes == other->classes) return CUTLAB_OK;
  return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                     "%s has %" PRId64 " classes, %s %" PRId64 "; accepted: the same classes",
                     input->name, input->classes, other->name, other->classes);
}

cutlab_status cutlab_audit_compare_data(cutlab_context *context, const cutlab_audit_input *run,
                                        const cutlab_audit_input *other) {
  if (strcmp(run->fingerprint, other->fingerprint) != 0)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                       "%s was trained on other data than %s (fingerprints %s and %s); accepted: "
                       "trainings on the same data",
                       run->name, other->name, run->fingerprint, other->fingerprint);
  if (run->held_out != other->held_out)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                       "%s predicted training examples of a fold, %s the test data; accepted: "
                       "trainings that all have folds, or none",
                       run->held_out ? run->name : other->name,
                       run->held_out ? other->name : run->name);
  if (run->folds == other->folds) return CUTLAB_OK;
  return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                     "%s is of fold %" PRId64 "/%" PRId64 ", %s of %" PRId64 "/%" PRId64
                     "; accepted: as many folds for all trainings",
                     run->name, run->fold + 1, run->folds, other->name, other->fold + 1,
                     other->folds);
}

cutlab_status cutlab_audit_compare_examples(cutlab_context *context,
                                            const cutlab_audit_input *input,
                                            const int64_t *expected, int64_t count,
                                            const char *name) {
  int64_t differing = 0, first = -1, r = 0, e = 0;
  if (input->count != count)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                       "%s predicted %" PRId64 " examples, %s %" PRId64
                       "; accepted: the same examples",
                       input->name, input->count, name, count);
  while (r < input->count) {
    int64_t place = cutlab_audit_place(input, r);
    while (e < count && (expected ? expected[e] : e) < place) ++e;
    bool there = e < count && (expected ? expected[e] : e) == place;
    if (!there && !differing++) first = place;
    ++r;
  }
  if (!differing) return CUTLAB_OK;
  return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                     "%s predicted other examples than %s: %" PRId64 " differ, the first %" PRId64
                     "; accepted: the same examples",
                     input->name, name, differing, first);
}

/* Of two runs on the same examples. */
static cutlab_status compare_labels(cutlab_context *context, const cutlab_audit_input *run,
                                    const cutlab_audit_input *other) {
  int64_t differing = 0, first = -1;
  for (int64_t r = 0; r < run->count; ++r)
    if (run->labels[r] != other->labels[r] && !differing++) first = cutlab_audit_place(run, r);
  if (!differing) return CUTLAB_OK;
  return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                     "%s: %" PRId64 " of %" PRId64
                     " labels differ from those of %s, the first at example %" PRId64
                     "; accepted: the same labels",
                     run->name, differing, run->count, other->name, first);
}

static cutlab_status compare(cutlab_context *context, const cutlab_audit_input *run,
                             const cutlab_audit_input *other) {
  CUTLAB_TRY(cutlab_audit_compare_data(context, run, other));
  CUTLAB_TRY(cutlab_audit_compare_classes(context, run, other));
  if (run->fold != other->fold) return CUTLAB_OK;
  CUTLAB_TRY(
      cutlab_audit_compare_examples(context, run, other->indices, other->count, other->name));
  return compare_labels(context, run, other);
}

/* Runs found, in groups that fit together. */
typedef struct sorting {
  const cutlab_audit_input *runs;
  int count, *group, *size; /* [count] the group's first run; how many are in the group of that */
} sorting;

/* Does run i fit those of a group that is not its own? Compared is the first of the same fold, or,
   where there is none, the first. */
static bool fits(cutlab_context *context, const sorting *s, int i, int group) {
  int other = group;
  while (other < s->count && (s->group[other] != group || s->runs[other].fold != s->runs[i].fold))
    ++other;
  if (other == s->count) other = group;
  return compare(context, &s->runs[i], &s->runs[other]) == CUTLAB_OK;
}

static void sort(cutlab_context *context, sorting *s) {
  for (int i = 0; i < s->count; ++i) s->group[i] = -1;
  for (int i = 0; i < s->count; ++i) {
    int group = 0;
    while (group < i && !(s->size[group] && fits(context, s, i, group))) ++group;
    s->group[i] = group;
    ++s->size[group];
  }
}

/* One line for a group: how many it is, and the first of it that does not fit those kept. */
static void warn(cutlab_context *context, const sorting *s, int group, int kept,
                 const char *folder) {
  int i = group;
  while (i < s->count && (s->group[i] != group || fits(context, s, i, kept))) ++i;
  cutlab_warn(context, "left out %d of %d runs in %s: %s", s->size[group], s->count, folder,
              cutlab_context_message(context));
}

static void keep(cutlab_context *context, cutlab_audit *audit, int from, const sorting *s,
                 const char *folder) {
  int largest = 0, kept = from;
  for (int i = 1; i < s->count; ++i)
    if (s->size[i] > s->size[largest]) largest = i;
  for (int i = 0; i < s->count; ++i)
    if (i != largest && s->size[i]) warn(context, s, i, largest, folder);
  for (int i = 0; i < s->count; ++i)
    if (s->group[i] == largest)
      audit->inputs[kept++] = audit->inputs[from + i];
    else
      cutlab_audit_clear_input(&audit->inputs[from + i]);
  audit->input_count = kept;
}

cutlab_status cutlab_audit_keep_fitting(cutlab_context *context, cutlab_audit *audit, int from,
                                        const char *folder) {
  sorting s = {.runs = audit->inputs + from, .count = audit->input_count - from};
  if (s.count < 2) return CUTLAB_OK;
  s.group = cutlab_allocate(context, s.count, sizeof *s.group);
  s.size = cutlab_allocate(context, s.count, sizeof *s.size);
  bool there = s.group && s.size;
  if (there) sort(context, &s);
  if (there) keep(context, audit, from, &s, folder);
  free(s.group);
  free(s.size);
  return there ? CUTLAB_OK : CUTLAB_ERROR_MEMORY;
}
