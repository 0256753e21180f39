/* Writing and reading checkpoints. */
#include "train/checkpoint.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cutlab/array.h>

#include "base/file.h"
#include "base/json.h"
#include "train/checkpoint_files.h"

static void describe(cutlab_array *array, const cutlab_model_tensor *tensor, const char *suffix,
                     float *data) {
  *array = (cutlab_array){.dtype = CUTLAB_FLOAT32, .rank = tensor->rank, .data = data};
  snprintf(array->name, sizeof array->name, "%s%s%s", tensor->name, suffix[0] ? "." : "", suffix);
  memcpy(array->shape, tensor->shape, sizeof tensor->shape);
}

/* Fills `arrays` with all that belongs to a checkpoint but `state`; returns how many. */
static int list_arrays(cutlab_array *arrays, const cutlab_optimiser *o, bool values_alone) {
  const cutlab_model *model = cutlab_network_model(o->network);
  int count = 0;
  for (int t = 0; t < o->tensors; ++t) {
    const cutlab_model_tensor *tensor = cutlab_model_tensor_at(model, t);
    describe(&arrays[count++], tensor, "", cutlab_network_values(o->network, t));
    for (int a = 0; a < cutlab_optimiser_arrays && !values_alone; ++a)
      if (o->state[a] && o->state[a][t])
        describe(&arrays[count++], tensor, cutlab_optimiser_array_name(o->settings, a),
                 o->state[a][t]);
  }
  return count;
}

static int most_arrays(const cutlab_optimiser *o) {
  return o->tensors * (1 + cutlab_optimiser_arrays) + 1;
}

static cutlab_status check_finite(cutlab_context *context, const cutlab_array *array,
                                  int64_t step) {
  const float *data = array->data;
  int64_t count = cutlab_array_count(array);
  for (int64_t i = 0; i < count; ++i)
    if (!isfinite(data[i]))
      return cutlab_fail(context, CUTLAB_ERROR_NUMERIC,
                         "%s holds %g after step %" PRId64
                         ": the training diverged; lower learning_rate or lengthen warmup",
                         array->name, isnan(data[i]) ? fabs((double)data[i]) : (double)data[i],
                         step);
  return CUTLAB_OK;
}

static cutlab_status state_text(cutlab_context *context, char **text, const cutlab_position *p) {
  json_t *state = json_pack(
      "{s:s*,s:I,s:I,s:o,s:o,s:o,s:o}", "run", p->run, "epoch", (json_int_t)p->epoch, "step",
      (json_int_t)p->step, "loss_sum", cutlab_json_number(p->loss_sum), "label_sum",
      cutlab_json_number(p->label_sum), "seconds", cutlab_json_number(p->seconds), "epoch_seconds",
      cutlab_json_number(p->epoch_seconds));
  return cutlab_json_text(context, text, state, 0);
}

static cutlab_status write_arrays(cutlab_context *context, const char *path, cutlab_array *arrays,
                                  const cutlab_optimiser *optimiser,
                                  const cutlab_position *position, int64_t step) {
  int count = list_arrays(arrays, optimiser, false);
  for (int i = 0; i < count; ++i) CUTLAB_TRY(check_finite(context, &arrays[i], step));
  char *text;
  CUTLAB_TRY(state_text(context, &text, position));
  arrays[count++] = (cutlab_array){.name = "state",
                                   .dtype = CUTLAB_UINT8,
                                   .rank = 1,
                                   .shape = {(int64_t)strlen(text)},
                                   .data = text};
  cutlab_status status = cutlab_npz_write(context, path, arrays, count);
  cutlab_free(text);
  return status;
}

cutlab_status cutlab_checkpoint_write(cutlab_context *context, const char *folder,
                                      const cutlab_optimiser *optimiser,
                                      const cutlab_position *position, int64_t step, int64_t keep) {
  CUTLAB_TRY(cutlab_folder_make(context, folder));
  char *path = cutlab_checkpoint_path(context, folder, step);
  cutlab_array *arrays = cutlab_allocate(context, most_arrays(optimiser), sizeof *arrays);
  cutlab_status status = CUTLAB_ERROR_MEMORY;
  if (path && arrays) status = write_arrays(context, path, arrays, optimiser, position, step);
  free(arrays);
  free(path);
  return status == CUTLAB_OK ? cutlab_checkpoint_prune(context, folder, keep) : status;
}

/* "float32 (16, 3)" */
static void shape_text(char text[256], const cutlab_array *array) {
  int used = snprintf(text, 256, "%s (", cutlab_dtype_name(array->dtype));
  for (int a = 0; a < array->rank; ++a)
    used +=
        snprintf(text + used, (size_t)(256 - used), "%s%" PRId64, a ? ", " : "", array->shape[a]);
  snprintf(text + used, (size_t)(256 - used), ")");
}

/* Copies the file's array of that name into `wanted`. */
static cutlab_status take(cutlab_context *context, const char *path, const cutlab_array *wanted,
                          cutlab_array *arrays, int count) {
  const cutlab_array *found = cutlab_npz_find(arrays, count, wanted->name);
  char theirs[256] = "missing", ours[256];
  shape_text(ours, wanted);
  if (found) shape_text(theirs, found);
  if (!found || strcmp(theirs, ours) != 0)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                       "%s: tensor %s is %s in the file and %s in the model", path, wanted->name,
                       theirs, ours);
  memcpy(wanted->data, found->data, (size_t)cutlab_array_count(found) * sizeof(float));
  return CUTLAB_OK;
}

/* A file that does not say of which training it is passes. */
static cutlab_status check_run(cutlab_context *context, const char *path, const json_t *state,
                               const char *run) {
  const char *found = json_string_value(json_object_get(state, "run"));
  if (!found || !run || strcmp(found, run) == 0) return CUTLAB_OK;
  return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                     "%s is a checkpoint of another run (%.16s); accepted: of this one (%s)", path,
                     found, run);
}

static cutlab_status take_position(cutlab_context *context, const char *path,
                                   cutlab_position *position, cutlab_array *arrays, int count) {
  const cutlab_array *state = cutlab_npz_find(arrays, count, "state");
  if (!state || state->dtype != CUTLAB_UINT8 || state->rank != 1)
    return cutlab_fail(context, CUTLAB_ERROR_FORMAT, "%s: no member 'state' of uint8", path);
  char *text = strndup(state->data, (size_t)state->shape[0]);
  if (!text) return cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory: %s", path);
  json_t *json;
  cutlab_status status = cutlab_json_parse(context, &json, text, path);
  free(text);
  if (status != CUTLAB_OK) return status;
  double epoch = cutlab_json_get_number(json, "epoch", -1);
  double step = cutlab_json_get_number(json, "step", -1);
  bool sound = epoch >= 0 && epoch < 0x1p53 && step >= 0 && step < 0x1p53;
  *position = (cutlab_position){sound ? (int64_t)epoch : 0,
                                sound ? (int64_t)step : 0,
                                cutlab_json_get_number(json, "loss_sum", NAN),
                                cutlab_json_get_number(json, "label_sum", NAN),
                                cutlab_json_get_number(json, "seconds", NAN),
                                cutlab_json_get_number(json, "epoch_seconds", NAN),
                                position->run};
  status = check_run(context, path, json, position->run);
  json_decref(json);
  if (status != CUTLAB_OK) return status;
  if (sound && isfinite(position->loss_sum) && isfinite(position->label_sum) &&
      isfinite(position->seconds) && isfinite(position->epoch_seconds))
    return CUTLAB_OK;
  return cutlab_fail(context, CUTLAB_ERROR_FORMAT, "%s: 'state' does not say where it stands",
                     path);
}

static cutlab_status take_all(cutlab_context *context, const char *path,
                              cutlab_optimiser *optimiser, cutlab_position *position,
                              cutlab_array *arrays, int count) {
  if (position) CUTLAB_TRY(take_position(context, path, position, arrays, count));
  cutlab_array *wanted = cutlab_allocate(context, most_arrays(optimiser), sizeof *wanted);
  if (!wanted) return CUTLAB_ERROR_MEMORY;
  int wanted_count = list_arrays(wanted, optimiser, !position);
  cutlab_status status = CUTLAB_OK;
  for (int i = 0; i < wanted_count && status == CUTLAB_OK; ++i)
    status = take(context, path, &wanted[i], arrays, count);
  free(wanted);
  return status;
}

cutlab_status cutlab_checkpoint_read(cutlab_context *context, const char *path,
                                     cutlab_optimiser *optimiser, cutlab_position *position) {
  cutlab_array *arrays;
  int count;
  CUTLAB_TRY(cutlab_npz_read(context, &arrays, &count, path, 0));
  cutlab_status status = take_all(context, path, optimiser, position, arrays, count);
  cutlab_npz_free(arrays, count);
  return status;
}

/* Of a training without checkpoints that has logged something. */
static cutlab_status warn_if_begun(cutlab_context *context, const char *folder) {
  const char *end = strrchr(folder, '/');
  char *log;
  struct stat file;
  if (asprintf(&log, "%.*smetrics.jsonl", end ? (int)(end - folder + 1) : 0, folder) < 0)
    return cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory: %s", folder);
  if (stat(log, &file) == 0 && file.st_size > 0)
    cutlab_warn(context, "%s holds no checkpoint, though %s has lines; starting again from step 0",
                folder, log);
  free(log);
  return CUTLAB_OK;
}

cutlab_status cutlab_checkpoint_restore(cutlab_context *context, const char *folder,
                                        cutlab_optimiser *optimiser, cutlab_position *position,
                                        bool *found) {
  int64_t *steps;
  int count;
  *found = false;
  CUTLAB_TRY(cutlab_checkpoint_list(context, &steps, &count, folder));
  cutlab_status status = count ? CUTLAB_OK : warn_if_begun(context, folder);
  for (int i = 0; i < count && !*found; ++i) {
    char *path = cutlab_checkpoint_path(context, folder, steps[i]);
    status =
        path ? cutlab_checkpoint_read(context, path, optimiser, position) : CUTLAB_ERROR_MEMORY;
    *found = status == CUTLAB_OK;
    bool damaged = status == CUTLAB_ERROR_FORMAT; /* what cannot be read now may be whole */
    if (damaged && i + 1 < count) {
      cutlab_warn(context, "%s; going back to step %" PRId64, cutlab_context_message(context),
                  steps[i + 1]);
      cutlab_checkpoint_set_aside(path);
    }
    free(path);
    if (!damaged) break;
  }
  free(steps);
  return status;
}

cutlab_status cutlab_checkpoint_newest(cutlab_context *context, char **path, const char *folder) {
  int64_t *steps;
  int count;
  CUTLAB_TRY(cutlab_checkpoint_list(context, &steps, &count, folder));
  *path = count ? cutlab_checkpoint_path(context, folder, steps[0]) : NULL;
  free(steps);
  if (!count)
    return cutlab_fail(context, CUTLAB_ERROR_IO, "%s holds no checkpoint (STEP.npz)", folder);
  return *path ? CUTLAB_OK : CUTLAB_ERROR_MEMORY;
}
