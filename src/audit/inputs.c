/* The list of what was added, and predictions from elsewhere. */
#include "audit/inputs.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

void cutlab_audit_clear_input(cutlab_audit_input *input) {
  free(input->name);
  free(input->method);
  free(input->indices);
  free(input->labels);
  free(input->predictions);
  free(input->log_probabilities);
  free(input->fingerprint);
  json_decref(input->record);
  *input = (cutlab_audit_input){0};
}

cutlab_status cutlab_audit_append(cutlab_context *context, cutlab_audit *audit,
                                  cutlab_audit_input *input) {
  cutlab_audit_input *grown =
      realloc(audit->inputs, ((size_t)audit->input_count + 1) * sizeof *grown);
  if (!grown) {
    cutlab_audit_clear_input(input);
    return cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory: predictions");
  }
  audit->inputs = grown;
  audit->inputs[audit->input_count++] = *input;
  audit->computed = false;
  return CUTLAB_OK;
}

/* FNV-1a (Fowler, Noll and Vo), by whole numbers instead of bytes. */
int64_t cutlab_audit_mark(const cutlab_audit_input *input) {
  uint64_t mark = 0xcbf29ce484222325;
  for (int64_t i = 0; i < input->count * input->classes; ++i) {
    uint32_t bits;
    memcpy(&bits, &input->log_probabilities[i], sizeof bits);
    mark = (mark ^ bits) * 0x100000001b3;
  }
  return (int64_t)(mark >> 1);
}

int64_t cutlab_audit_place(const cutlab_audit_input *input, int64_t r) {
  return input->indices ? input->indices[r] : r;
}

/* The file's name without folder and extension; another file that gave the same method, most
   likely from another folder, must not become a training of it unawares. */
static cutlab_status name_method(cutlab_context *context, const cutlab_audit *audit,
                                 cutlab_audit_input *input) {
  const char *slash = strrchr(input->name, '/'), *start = slash ? slash + 1 : input->name;
  input->method = cutlab_json_printable(context, start);
  if (!input->method) return CUTLAB_ERROR_MEMORY;
  char *dot = strrchr(input->method, '.');
  if (dot && dot != input->method) *dot = '\0';
  for (int i = 0; i < audit->input_count; ++i)
    if (!audit->inputs[i].is_run && strcmp(audit->inputs[i].method, input->method) == 0)
      return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                         "%s: the method '%s' of its name is that of %s too; accepted: methods "
                         "that are named, of two files the same for two trainings of one",
                         input->name, input->method, audit->inputs[i].name);
  return CUTLAB_OK;
}

/* Numbers the trainings of a method. */
static cutlab_status number(cutlab_context *context, const cutlab_audit *audit,
                            cutlab_audit_input *input) {
  input->seed = 1;
  for (int i = 0; i < audit->input_count; ++i) {
    const cutlab_audit_input *other = &audit->inputs[i];
    if (other->is_run || strcmp(other->method, input->method) != 0) continue;
    if (strcmp(other->name, input->name) == 0)
      return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                         "%s is there twice for the method '%s'; accepted: each file once",
                         input->name, input->method);
    ++input->seed;
  }
  return CUTLAB_OK;
}

static cutlab_status identify(cutlab_context *context, const cutlab_audit *audit,
                              cutlab_audit_input *input, const char *method, const char *path) {
  input->name = strdup(path);
  if (!input->name) return cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory: %s", path);
  if (method && !*method)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                       "%s: the method's name is empty; accepted: a text, or none for the file's "
                       "name",
                       path);
  if (!method) CUTLAB_TRY(name_method(context, audit, input));
  if (method) input->method = cutlab_json_printable(context, method);
  if (!input->method) return CUTLAB_ERROR_MEMORY;
  return number(context, audit, input);
}

static const struct {
  const char *name;
  cutlab_audit_kind kind;
} members[] = {{"logits", CUTLAB_AUDIT_ANY},
               {"log_probs", CUTLAB_AUDIT_LOG_PROBABILITIES},
               {"probabilities", CUTLAB_AUDIT_PROBABILITIES},
               {"probs", CUTLAB_AUDIT_PROBABILITIES},
               {"pred_probs", CUTLAB_AUDIT_PROBABILITIES}};

static const cutlab_array *only_matrix(const cutlab_audit_file *file) {
  const cutlab_array *found = NULL;
  for (int m = 0; m < file->count; ++m) {
    if (file->arrays[m].rank != 2) continue;
    if (found) return NULL;
    found = &file->arrays[m];
  }
  return found;
}

static cutlab_status find_predictions(cutlab_context *context, const cutlab_array **predictions,
                                      cutlab_audit_kind *kind, const cutlab_audit_file *file) {
  *kind = CUTLAB_AUDIT_UNNAMED;
  *predictions = file->is_npz ? NULL : file->arrays;
  for (size_t i = 0; !*predictions && i < sizeof members / sizeof *members; ++i) {
    *predictions = cutlab_audit_member(file, members[i].name);
    *kind = *predictions ? members[i].kind : CUTLAB_AUDIT_UNNAMED;
  }
  if (!*predictions) *predictions = only_matrix(file);
  if (*predictions) return CUTLAB_OK;
  char *text = cutlab_audit_members(context, file);
  if (!text) return CUTLAB_ERROR_MEMORY;
  cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
              "%s has %s; accepted: predictions as logits, log_probs, probabilities, probs, "
              "pred_probs or the only member with two axes",
              file->path, text);
  free(text);
  return CUTLAB_ERROR_ARGUMENT;
}

cutlab_status cutlab_audit_add_predictions(cutlab_context *context, cutlab_audit *audit,
                                           const char *method, const char *path) {
  cutlab_audit_input input = {0};
  cutlab_audit_file file = {0};
  const cutlab_array *predictions;
  cutlab_audit_kind kind;
  cutlab_status status = identify(context, audit, &input, method, path);
  if (status == CUTLAB_OK) status = cutlab_audit_open(context, &file, path);
  if (status == CUTLAB_OK) status = find_predictions(context, &predictions, &kind, &file);
  if (status == CUTLAB_OK) status = cutlab_audit_take(context, &input, &file, predictions, kind);
  cutlab_audit_close(&file);
  if (status == CUTLAB_OK) return cutlab_audit_append(context, audit, &input);
  cutlab_audit_clear_input(&input);
  return status;
}
