/* Trainings to audit: one for every method, fold and seed, shared among processes. */
#include <dirent.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "audit/audit_internal.h"
#include "base/file.h"
#include "train/run.h"

enum { most_trainings = 1000000 };

/* One training of the plan. */
typedef struct member {
  const char *method;
  int64_t seed, fold; /* fold 1..K */
  int64_t number;     /* from 1 */
  char name[160];     /* of its folder */
} member;

typedef struct study {
  cutlab_context *context;
  const cutlab_training *training;
  const cutlab_audit_plan *plan;
  const char *folder;
  int64_t count;
  member *members;
  int64_t finished, elsewhere;
} study;

static cutlab_status check_methods(cutlab_context *context, const cutlab_audit_plan *p) {
  if (p->method_count < 1)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                       "no method to train; accepted: any of erm, cutout, cutmix, mixup");
  for (int i = 0; i < p->method_count; ++i)
    for (int j = 0; j < i; ++j)
      if (strcmp(p->methods[i], p->methods[j]) == 0)
        return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                           "method %.80s is given twice; accepted: each once", p->methods[i]);
  return CUTLAB_OK;
}

/* A policy stands instead of the method. */
static cutlab_status check_policy(cutlab_context *context, const cutlab_training *training) {
  if (!training->policy[strspn(training->policy, " \t\r\n")]) return CUTLAB_OK;
  return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                     "policy is set, and stands instead of every method: all would be the same "
                     "training; accepted: augment, which methods keep");
}

static cutlab_status check_folds(cutlab_context *context, const cutlab_audit_plan *p) {
  if (p->folds < 2 || p->folds > most_trainings)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT, "folds is %" PRId64 "; accepted: 2 to %d",
                       p->folds, most_trainings);
  if (p->fold_list && p->fold_count < 1)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                       "no fold to train; accepted: any of 1 to %" PRId64, p->folds);
  for (int i = 0; p->fold_list && i < p->fold_count; ++i) {
    int64_t fold = p->fold_list[i];
    bool twice = false;
    for (int j = 0; j < i; ++j) twice |= p->fold_list[j] == fold;
    if (fold < 1 || fold > p->folds || twice)
      return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                         "fold %" PRId64 " is %s; accepted: each of 1 to %" PRId64 " once", fold,
                         twice ? "there twice" : "not one", p->folds);
  }
  return CUTLAB_OK;
}

static cutlab_status check_seeds(cutlab_context *context, const cutlab_audit_plan *p) {
  if (p->seeds < 1 || p->seeds > most_trainings)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT, "seeds is %" PRId64 "; accepted: 1 to %d",
                       p->seeds, most_trainings);
  if (p->first_seed < 0 || p->first_seed > INT64_MAX - (p->seeds - 1))
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                       "the first seed is %" PRId64 "; accepted: 0 to %" PRId64
                       ", so that the last of %" PRId64 " is at most %" PRId64,
                       p->first_seed, INT64_MAX - (p->seeds - 1), p->seeds, INT64_MAX);
  return CUTLAB_OK;
}

static int64_t folds_of(const cutlab_audit_plan *p) {
  return p->fold_list ? p->fold_count : p->folds;
}

static cutlab_status check_plan(cutlab_context *context, const cutlab_training *training,
                                const cutlab_audit_plan *p) {
  CUTLAB_TRY(check_methods(context, p));
  CUTLAB_TRY(check_policy(context, training));
  CUTLAB_TRY(check_folds(context, p));
  CUTLAB_TRY(check_seeds(context, p));
  if (p->seeds > most_trainings / folds_of(p) / p->method_count)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                       "%d methods, %" PRId64 " folds and %" PRId64
                       " seeds are too many; accepted: up to %d trainings",
                       p->method_count, folds_of(p), p->seeds, most_trainings);
  if (p->seeds > 1 && strcmp(training->dataset, "feature-noise") == 0)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                       "seeds is %" PRId64 ", but every seed of dataset=feature-noise draws other "
                       "data, and an audit needs the same; accepted: seeds 1, or another dataset",
                       p->seeds);
  return CUTLAB_OK;
}

/* Seed by seed, so that whenever it stops the methods can be compared on what is there. */
static cutlab_status list_members(study *s) {
  const cutlab_audit_plan *p = s->plan;
  int64_t folds = folds_of(p);
  s->members = cutlab_allocate(s->context, p->seeds * folds * p->method_count, sizeof(member));
  if (!s->members) return CUTLAB_ERROR_MEMORY;
  for (int64_t seed = 0; seed < p->seeds; ++seed)
    for (int64_t f = 0; f < folds; ++f)
      for (int i = 0; i < p->method_count; ++i) {
        member *m = &s->members[s->count++];
        *m = (member){p->methods[i], p->first_seed + seed, p->fold_list ? p->fold_list[f] : f + 1,
                      s->count, ""};
        snprintf(m->name, sizeof m->name, "%.60s-fold%" PRId64 "of%" PRId64 "-seed%" PRId64,
                 m->method, m->fold, p->folds, m->seed);
      }
  return CUTLAB_OK;
}

/* Settings of one training in fresh memory; release with cutlab_training_free. */
static cutlab_status configure(const study *s, cutlab_training **training, const member *m) {
  char fold[64], seed[32];
  snprintf(fold, sizeof fold, "%" PRId64 "/%" PRId64, m->fold, s->plan->folds);
  snprintf(seed, sizeof seed, "%" PRId64, m->seed);
  CUTLAB_TRY(cutlab_training_create(s->context, training));
  **training = *s->training;
  cutlab_status status = cutlab_training_set(s->context, *training, "method", m->method);
  if (status == CUTLAB_OK) status = cutlab_training_set(s->context, *training, "seed", seed);
  if (status == CUTLAB_OK) status = cutlab_training_set(s->context, *training, "fold", fold);
  if (status == CUTLAB_OK) status = cutlab_training_validate(s->context, *training);
  if (status == CUTLAB_OK) return CUTLAB_OK;
  cutlab_training_free(*training);
  *training = NULL;
  return status;
}

/* Fails where the training in `folder` was made with another value of a setting. */
static cutlab_status compare_settings(cutlab_context *context, const cutlab_training *wanted,
                                      const char *folder, const json_t *record) {
  char *text;
  json_t *settings;
  CUTLAB_TRY(cutlab_training_to_json(context, &text, wanted));
  cutlab_status status = cutlab_json_parse(context, &settings, text, "settings");
  cutlab_free(text);
  if (status != CUTLAB_OK) return status;
  const json_t *there = json_object_get(record, "settings");
  const cutlab_parameter *row;
  for (int i = 0; status == CUTLAB_OK && (row = cutlab_training_parameter(i)); ++i) {
    const json_t *old = json_object_get(there, row->name);
    json_t *new = json_object_get(settings, row->name);
    if (!old || !cutlab_training_decides(row->name) || json_equal(old, new)) continue;
    char *a = json_dumps(old, JSON_ENCODE_ANY), *b = json_dumps(new, JSON_ENCODE_ANY);
    status = cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                         "%s was trained with %s=%.80s, not %.80s; choose another folder", folder,
                         row->name, a ? a : "?", b ? b : "?");
    free(a);
    free(b);
  }
  json_decref(settings);
  return status;
}

/* Settings, and those of the run that is there, if one is. */
static cutlab_status check_member(study *s, const member *m) {
  cutlab_training *wanted, *there = NULL;
  char *folder = cutlab_path_join(s->context, s->folder, m->name);
  char *path = folder ? cutlab_path_join(s->context, folder, "run.json") : NULL;
  json_t *record = NULL;
  cutlab_status status = path ? configure(s, &wanted, m) : CUTLAB_ERROR_MEMORY;
  if (status == CUTLAB_OK) {
    if (cutlab_file_exists(path)) {
      status = cutlab_training_create(s->context, &there);
      if (status == CUTLAB_OK) status = cutlab_trainer_read(s->context, there, &record, folder);
      if (status == CUTLAB_OK) status = compare_settings(s->context, wanted, folder, record);
    }
    cutlab_training_free(wanted);
  }
  cutlab_training_free(there);
  json_decref(record);
  free(path);
  free(folder);
  return status;
}

/* The number of folds in the name of a training's folder, as list_members makes it; 0: none. */
static int64_t folds_named(const char *name) {
  const char *fold = strstr(name, "-fold"), *of = fold ? strstr(fold, "of") : NULL;
  char *end;
  int64_t folds = of ? strtoll(of + 2, &end, 10) : 0;
  return folds > 0 && strncmp(end, "-seed", 5) == 0 ? folds : 0;
}

static bool holds_run(cutlab_context *context, const char *folder) {
  char *path = cutlab_path_join(context, folder, "run.json");
  bool holds = path && cutlab_file_exists(path);
  free(path);
  return holds;
}

/* Trainings of another number of folds would make the folder one that cannot be audited. */
static cutlab_status check_neighbours(const study *s) {
  DIR *entries = opendir(s->folder);
  if (!entries) return CUTLAB_OK; /* not there yet, or the trainings say why */
  cutlab_status status = CUTLAB_OK;
  for (const struct dirent *e; status == CUTLAB_OK && (e = readdir(entries));) {
    int64_t folds = folds_named(e->d_name);
    if (!folds || folds == s->plan->folds) continue;
    char *folder = cutlab_path_join(s->context, s->folder, e->d_name);
    if (!folder) status = CUTLAB_ERROR_MEMORY;
    if (folder && holds_run(s->context, folder))
      status = cutlab_fail(s->context, CUTLAB_ERROR_ARGUMENT,
                           "%s was trained with %" PRId64 " folds, not %" PRId64
                           "; choose another folder",
                           folder, folds, s->plan->folds);
    free(folder);
  }
  closedir(entries);
  return status;
}

/* Adds to what is reported which training it is. */
typedef struct relay {
  const study *study;
  const member *member;
} relay;

static int relay_progress(void *user, const cutlab_progress *progress) {
  const relay *r = user;
  char what[256];
  snprintf(what, sizeof what, "%" PRId64 "/%" PRId64 " %.60s: %.120s", r->member->number,
           r->study->count, r->member->name, progress->what);
  return cutlab_report_progress(r->study->context, what, progress->done, progress->total) !=
         CUTLAB_OK;
}

static void relay_warning(void *user, const char *message) {
  const relay *r = user;
  cutlab_warn(r->study->context, "%s", message);
}

/* Settings again: another process may have begun the training since all were checked. */
static cutlab_status carry_out(study *s, cutlab_context *own, const member *m,
                               const cutlab_training *training, const char *folder) {
  bool busy = false;
  CUTLAB_TRY(check_member(s, m));
  cutlab_status status = cutlab_train_share(own, NULL, &busy, training, folder);
  if (busy)
    ++s->elsewhere;
  else if (status == CUTLAB_OK)
    ++s->finished;
  else
    return cutlab_fail_from(s->context, status, own);
  return CUTLAB_OK;
}

static cutlab_status do_member(study *s, const member *m) {
  relay r = {s, m};
  cutlab_training *training = NULL;
  cutlab_context *own = NULL;
  char *folder = cutlab_path_join(s->context, s->folder, m->name);
  cutlab_status status = folder ? configure(s, &training, m) : CUTLAB_ERROR_MEMORY;
  if (status == CUTLAB_OK) status = cutlab_context_fork(&own, s->context);
  if (status == CUTLAB_OK) {
    cutlab_context_set_progress(own, relay_progress, &r);
    cutlab_context_set_warning(own, relay_warning, &r);
    status = cutlab_context_set_threads(own, cutlab_context_threads(s->context));
  }
  if (status == CUTLAB_OK) status = carry_out(s, own, m, training, folder);
  cutlab_context_free(own);
  cutlab_training_free(training);
  free(folder);
  return status;
}

static cutlab_status carry_out_all(study *s, char **summary) {
  CUTLAB_TRY(check_plan(s->context, s->training, s->plan));
  CUTLAB_TRY(list_members(s));
  CUTLAB_TRY(check_neighbours(s));
  for (int64_t i = 0; i < s->count; ++i) CUTLAB_TRY(check_member(s, &s->members[i]));
  for (int64_t i = 0; i < s->count; ++i) CUTLAB_TRY(do_member(s, &s->members[i]));
  if (!summary) return CUTLAB_OK;
  return cutlab_json_text(s->context, summary,
                          json_pack("{s:I,s:I,s:I}", "trainings", (json_int_t)s->count, "finished",
                                    (json_int_t)s->finished, "elsewhere", (json_int_t)s->elsewhere),
                          2);
}

cutlab_status cutlab_audit_train(cutlab_context *context, char **summary, const char *folder,
                                 const cutlab_training *training, const cutlab_audit_plan *plan) {
  study s = {.context = context, .training = training, .plan = plan, .folder = folder};
  if (summary) *summary = NULL;
  cutlab_status status = carry_out_all(&s, summary);
  free(s.members);
  return status;
}
