/* An audit's life: made, computed, released; and the names of what it speaks of. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "audit/inputs.h"

enum {
  default_draws = 2000,
  least_draws = 10,
  most_draws = 10000000,
  default_quantiles = 10,
  most_quantiles = 1000
};
static const double default_confidence = .95;

cutlab_status cutlab_audit_create(cutlab_context *context, cutlab_audit **audit) {
  *audit = cutlab_allocate(context, 1, sizeof **audit);
  return *audit ? CUTLAB_OK : CUTLAB_ERROR_MEMORY;
}

/* What compute made. The tables' sizes are those of the methods, so they go first. */
static void clear_computed(cutlab_audit *audit) {
  cutlab_audit_clear_comparisons(audit);
  cutlab_audit_clear_tables(audit);
  cutlab_audit_clear_assembled(audit);
  audit->options = (cutlab_audit_options){0};
  audit->computed = false;
}

void cutlab_audit_free(cutlab_audit *audit) {
  if (!audit) return;
  clear_computed(audit);
  for (int i = 0; i < audit->input_count; ++i) cutlab_audit_clear_input(&audit->inputs[i]);
  free(audit->inputs);
  free(audit->labels_path);
  free(audit->scores_path);
  free(audit->all_labels);
  free(audit->score_labels);
  free(audit->score_sources);
  free(audit->all_scores);
  for (int64_t k = 0; k < audit->class_name_count; ++k) free(audit->class_names[k]);
  free(audit->class_names);
  cutlab_collection_clear(&audit->images);
  free(audit);
}

static cutlab_status refuse(cutlab_context *context, const char *name, int64_t value,
                            const char *accepted) {
  return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT, "%s is %" PRId64 "; accepted: %s", name, value,
                     accepted);
}

static cutlab_status fill_options(cutlab_context *context, cutlab_audit_options *o) {
  if (!o->draws) o->draws = default_draws;
  if (o->confidence == 0) o->confidence = default_confidence;
  if (!o->quantiles) o->quantiles = default_quantiles;
  if (o->draws < least_draws || o->draws > most_draws)
    return refuse(context, "draws", o->draws, "10 to 10000000, or 0 for 2000");
  if (!(o->confidence > 0 && o->confidence < 1))
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                       "confidence is %g; accepted: above 0 and below 1, or 0 for 0.95",
                       o->confidence);
  if (o->matched < 0)
    return refuse(context, "matched", o->matched,
                  "1 and more errors, or 0 for as many as the training with the fewest makes");
  if (o->quantiles < 1 || o->quantiles > most_quantiles)
    return refuse(context, "quantiles", o->quantiles, "1 to 1000, or 0 for 10");
  return CUTLAB_OK;
}

/* More than there are would make all methods' rows the same. */
static cutlab_status check_matched(cutlab_context *context, const cutlab_audit *audit) {
  int64_t least = INT64_MAX;
  for (int64_t f = 0; f < audit->folds; ++f) {
    int64_t count = 0;
    for (int64_t i = 0; i < audit->count; ++i) count += audit->fold[i] == f;
    least = count < least ? count : least;
  }
  if (audit->options.matched <= least) return CUTLAB_OK;
  return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                     "matched is %" PRId64 "; accepted: up to %" PRId64 ", the examples of a fold",
                     audit->options.matched, least);
}

cutlab_status cutlab_audit_compute(cutlab_context *context, cutlab_audit *audit,
                                   const cutlab_audit_options *options) {
  cutlab_audit_options filled = options ? *options : (cutlab_audit_options){0};
  clear_computed(audit);
  CUTLAB_TRY(fill_options(context, &filled));
  audit->options = filled;
  cutlab_status status = cutlab_audit_assemble(context, audit);
  if (status == CUTLAB_OK) status = check_matched(context, audit);
  if (status == CUTLAB_OK) status = cutlab_audit_tabulate(context, audit);
  if (status == CUTLAB_OK) status = cutlab_audit_compare(context, audit);
  if (status == CUTLAB_OK)
    audit->computed = true;
  else
    clear_computed(audit);
  return status;
}

/* Of the user, or else of a run's data, or else of the images. */
const char *cutlab_audit_class_name(const cutlab_audit *audit, int64_t label, char text[24]) {
  if (label >= 0 && label < audit->class_name_count) return audit->class_names[label];
  for (int i = 0; label >= 0 && i < audit->input_count; ++i) {
    const json_t *data = json_object_get(audit->inputs[i].record, "data");
    const json_t *names = json_object_get(data, "class_names");
    if (json_array_size(names) != (size_t)audit->classes) continue;
    const char *name = json_string_value(json_array_get(names, (size_t)label));
    if (name) return name;
  }
  const cutlab_collection *images = &audit->images;
  if (images->class_names && images->classes == audit->classes && label >= 0 &&
      label < images->classes)
    return images->class_names[label];
  snprintf(text, 24, "%" PRId64, label);
  return text;
}

const char *cutlab_audit_fate_name(cutlab_audit_fate fate) {
  static const char *const names[cutlab_audit_fates] = {"always right", "rescued", "hurt",
                                                        "always wrong", "unsteady"};
  return (unsigned)fate < cutlab_audit_fates ? names[fate] : "";
}

int cutlab_audit_find_method(const cutlab_audit *audit, const char *name) {
  for (int m = 0; m < audit->method_count; ++m)
    if (strcmp(audit->methods[m].label, name) == 0) return m;
  for (int m = 0; m < audit->method_count; ++m)
    if (strcasecmp(audit->methods[m].label, name) == 0) return m;
  return -1;
}

cutlab_status cutlab_audit_refuse_method(cutlab_context *context, const cutlab_audit *audit,
                                         const char *what, const char *name) {
  char *list = NULL;
  size_t size;
  FILE *stream = open_memstream(&list, &size);
  if (!stream) return cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory: methods");
  for (int m = 0; m < audit->method_count; ++m)
    fprintf(stream, "%s%s", m ? ", " : "", audit->methods[m].label);
  fclose(stream);
  cutlab_fail(context, CUTLAB_ERROR_ARGUMENT, "%s is %s%.80s%s; accepted: %s", what,
              name ? "'" : "", name ? name : "not named", name ? "'" : "", list ? list : "");
  free(list);
  return CUTLAB_ERROR_ARGUMENT;
}
