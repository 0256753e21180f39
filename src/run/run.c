/* Carrying out one training in one folder, and continuing it. */
#include <cutlab/run.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/lock.h"
#include "base/ranks.h"
#include "data/dataset_internal.h"
#include "run/run_internal.h"

static const double checkpoint_seconds = 5;
enum { longest_stretch = 1000 };

typedef struct run {
  cutlab_context *context;
  const cutlab_experiment *experiment;
  cutlab_experiment sized; /* the experiment with the world of a data set from a file */
  cutlab_simulation *simulation;
  const char *folder; /* NULL: nothing on disk */
  bool writes;        /* rank 0 does; what it meets there all of them agree on */
  char *metrics_path, *checkpoint_path;
  FILE *metrics;
  int64_t logged; /* the last logged iteration, -1: none */
  double seconds, saved_at;
  int64_t first_iteration;
  bool converged;
  json_t *result;
} run;

static cutlab_status write_json(cutlab_context *context, const char *folder, const char *name,
                                json_t *value) {
  char *text = NULL, *path = cutlab_path_join(context, folder, name);
  cutlab_status status = cutlab_json_text(context, &text, value, 2);
  if (status == CUTLAB_OK && !path) status = CUTLAB_ERROR_MEMORY;
  if (status == CUTLAB_OK) status = cutlab_file_write(context, path, text, strlen(text));
  cutlab_free(text);
  free(path);
  return status;
}

static cutlab_status append_line(run *r, json_t *line) {
  char *text;
  if (!r->writes) {
    json_decref(line);
    return CUTLAB_OK;
  }
  CUTLAB_TRY(cutlab_json_text(r->context, &text, line, 0));
  bool written = fprintf(r->metrics, "%s\n", text) > 0 && fflush(r->metrics) == 0;
  cutlab_free(text);
  if (written) return CUTLAB_OK;
  return cutlab_fail(r->context, CUTLAB_ERROR_IO, "cannot write %s: %s", r->metrics_path,
                     strerror(errno));
}

static cutlab_status save(run *r) {
  if (!r->folder) return CUTLAB_OK;
  r->saved_at = cutlab_seconds();
  return cutlab_simulation_write_state(r->simulation, r->checkpoint_path);
}

/* Logs the current state; at the end it becomes the result as well. */
static cutlab_status log_state(run *r, bool last) {
  cutlab_measurement m;
  CUTLAB_TRY(cutlab_simulation_measure(r->simulation, &m));
  cutlab_status status = CUTLAB_OK;
  if (r->folder && m.iteration > r->logged) status = append_line(r, cutlab_record_measurement(&m));
  r->logged = m.iteration;
  if (last)
    r->result = cutlab_record_result(r->experiment, r->simulation, &m, r->converged, r->seconds,
                                     m.iteration - r->first_iteration);
  cutlab_measurement_clear(&m);
  return cutlab_agree_over_ranks(r->context, status);
}

static bool is_due(const run *r) {
  char due = cutlab_seconds() - r->saved_at > checkpoint_seconds;
  cutlab_broadcast_over_ranks(r->context, &due, sizeof due);
  return due;
}

static cutlab_status advance(run *r, int64_t steps) {
  double start = cutlab_seconds(), limit = r->experiment->stop_gradient_norm;
  cutlab_status status = CUTLAB_OK;
  if (limit > 0) {
    for (; status == CUTLAB_OK && steps > 0 && !r->converged; --steps) {
      status = cutlab_simulation_step(r->simulation, 1);
      r->converged = cutlab_simulation_gradient_norm(r->simulation) <= limit;
    }
  } else {
    status = cutlab_simulation_step(r->simulation, steps);
  }
  r->seconds += cutlab_seconds() - start;
  return status;
}

static cutlab_status train(run *r) {
  const cutlab_experiment *x = r->experiment;
  r->first_iteration = cutlab_simulation_iteration(r->simulation);
  r->saved_at = cutlab_seconds();
  /* A resumed run may have been stopped between its last step and its result. */
  r->converged = x->stop_gradient_norm > 0 &&
                 cutlab_simulation_gradient_norm(r->simulation) <= x->stop_gradient_norm;
  cutlab_status status = CUTLAB_OK;
  while (status == CUTLAB_OK && !r->converged) {
    int64_t iteration = cutlab_simulation_iteration(r->simulation);
    if (iteration >= x->iterations) break;
    int64_t next = cutlab_next_logged(x, iteration);
    if (iteration > r->logged && cutlab_next_logged(x, iteration - 1) == iteration && r->folder)
      status = log_state(r, false);
    if (status == CUTLAB_OK && is_due(r)) status = save(r);
    int64_t steps = next - iteration < longest_stretch ? next - iteration : longest_stretch;
    if (status == CUTLAB_OK) status = advance(r, steps);
  }
  if (status != CUTLAB_OK && status != CUTLAB_CANCELLED) return status;
  cutlab_status saved = save(r);
  if (saved != CUTLAB_OK) return saved;
  if (status == CUTLAB_CANCELLED)
    return cutlab_fail(r->context, status, "stopped at iteration %lld of %lld",
                       (long long)cutlab_simulation_iteration(r->simulation),
                       (long long)x->iterations);
  return log_state(r, true);
}

static cutlab_status name_files(run *r) {
  r->metrics_path = cutlab_path_join(r->context, r->folder, "metrics.jsonl");
  r->checkpoint_path = cutlab_path_join(r->context, r->folder, "checkpoint.npz");
  return r->metrics_path && r->checkpoint_path ? CUTLAB_OK : CUTLAB_ERROR_MEMORY;
}

static cutlab_status open_metrics(run *r, const char *mode) {
  if (!r->writes) return CUTLAB_OK;
  r->metrics = fopen(r->metrics_path, mode);
  if (r->metrics) return CUTLAB_OK;
  return cutlab_fail(r->context, CUTLAB_ERROR_IO, "cannot write %s: %s", r->metrics_path,
                     strerror(errno));
}

/* Trains to the end and writes the result; closes and frees what the run holds. */
static cutlab_status finish(run *r, cutlab_status status, char **result) {
  status = cutlab_agree_over_ranks(r->context, status);
  if (status == CUTLAB_OK) status = train(r);
  if (r->metrics && fclose(r->metrics) != 0 && status == CUTLAB_OK)
    status = cutlab_fail(r->context, CUTLAB_ERROR_IO, "cannot write %s: %s", r->metrics_path,
                         strerror(errno));
  if (status == CUTLAB_OK && r->folder && r->writes)
    status = cutlab_record_trajectory(r->context, r->folder);
  if (status == CUTLAB_OK && r->folder && r->writes)
    status = write_json(r->context, r->folder, "result.json", json_incref(r->result));
  if (status == CUTLAB_OK && result)
    status = cutlab_json_text(r->context, result, json_incref(r->result), 2);
  json_decref(r->result);
  cutlab_simulation_free(r->simulation);
  free(r->metrics_path);
  free(r->checkpoint_path);
  return cutlab_agree_over_ranks(r->context, status);
}

static cutlab_status write_record(run *r, const char *dataset_path) {
  json_t *record;
  char *path = cutlab_path_join(r->context, r->folder, "run.json");
  if (!path) return CUTLAB_ERROR_MEMORY;
  bool taken = cutlab_file_exists(path);
  free(path);
  if (taken)
    return cutlab_fail(r->context, CUTLAB_ERROR_ARGUMENT,
                       "%s already holds a run; resume it (--resume) or choose another folder",
                       r->folder);
  char *real_path = dataset_path ? realpath(dataset_path, NULL) : NULL;
  cutlab_status status =
      cutlab_record_run(r->context, &record, r->experiment, r->simulation, real_path);
  free(real_path);
  return status == CUTLAB_OK ? write_json(r->context, r->folder, "run.json", record) : status;
}

static cutlab_status begin_folder(run *r, const char *dataset_path) {
  CUTLAB_TRY(name_files(r));
  if (r->writes) CUTLAB_TRY(write_record(r, dataset_path));
  return open_metrics(r, "w");
}

static cutlab_status create_simulation(run *r, cutlab_dataset **data, const char *dataset_path) {
  if (dataset_path && cutlab_context_ranks(r->context))
    return cutlab_fail(r->context, CUTLAB_ERROR_ARGUMENT,
                       "a data set from a file is trained on by one process, not by %d",
                       cutlab_context_rank_count(r->context));
  if (dataset_path) {
    CUTLAB_TRY(cutlab_dataset_read(r->context, data, dataset_path));
    r->sized = *r->experiment;
    CUTLAB_TRY(cutlab_dataset_describe(r->context, &r->sized, *data));
    r->experiment = &r->sized;
  }
  if (cutlab_context_ranks(r->context) && r->experiment->form == CUTLAB_FORM_AUTO) {
    r->sized = *r->experiment; /* a run can then be resumed alone as well */
    r->sized.form = CUTLAB_FORM_HELD;
    r->experiment = &r->sized;
  }
  return cutlab_simulation_create(r->context, &r->simulation, r->experiment, *data);
}

static run make_run(cutlab_context *context, const cutlab_experiment *experiment,
                    const char *folder) {
  const cutlab_ranks *ranks = cutlab_context_ranks(context);
  return (run){.context = context,
               .experiment = experiment,
               .folder = folder,
               .writes = !ranks || ranks->rank == 0,
               .logged = -1};
}

/* `data` NULL: drawn. */
static void warn_of_accuracy(const run *r, const cutlab_dataset *data) {
  bool has_law = !data || data->feature_count;
  if (has_law && cutlab_experiment_lacks_points(r->experiment))
    cutlab_warn(r->context, "accuracies of such networks are counted on fresh points; set "
                            "monte_carlo, how many");
}

cutlab_status cutlab_run_execute(cutlab_context *context, char **result,
                                 const cutlab_experiment *experiment, const char *dataset_path,
                                 const char *folder) {
  if (result) *result = NULL;
  run r = make_run(context, experiment, folder);
  cutlab_dataset *data = NULL;
  if (!dataset_path) CUTLAB_TRY(cutlab_experiment_validate(context, experiment));
  cutlab_status status = CUTLAB_OK;
  cutlab_hold hold;
  if (folder && r.writes) status = cutlab_hold_take(context, &hold, NULL, folder);
  bool held = folder && r.writes && status == CUTLAB_OK;
  status = cutlab_agree_over_ranks(context, status);
  if (status == CUTLAB_OK) {
    status = create_simulation(&r, &data, dataset_path);
    if (status == CUTLAB_OK) warn_of_accuracy(&r, data);
    if (status == CUTLAB_OK && folder) status = begin_folder(&r, dataset_path);
    status = finish(&r, status, result);
  }
  if (held) cutlab_hold_end(context, &hold);
  cutlab_dataset_free(data);
  return status;
}

/* Keeps the lines up to the checkpoint; *complete tells whether all that should stand before it
   are there. */
static cutlab_status rewind_metrics(run *r, const json_t *lines, bool *complete) {
  int64_t at = cutlab_simulation_iteration(r->simulation);
  FILE *memory;
  char *text = NULL;
  size_t size = 0, i;
  const json_t *line;
  if (!(memory = open_memstream(&text, &size)))
    return cutlab_fail(r->context, CUTLAB_ERROR_MEMORY, "out of memory: metrics");
  *complete = true;
  json_array_foreach(lines, i, line) {
    int64_t iteration = (int64_t)cutlab_json_get_number(line, "iteration", 0);
    if (iteration > at) break;
    if (iteration != cutlab_next_logged(r->experiment, r->logged)) *complete = false;
    r->logged = iteration;
    char *dump = json_dumps(line, JSON_REAL_PRECISION(17));
    if (dump) fprintf(memory, "%s\n", dump);
    free(dump);
  }
  if (cutlab_next_logged(r->experiment, r->logged) < at) *complete = false;
  fclose(memory);
  cutlab_status status = CUTLAB_OK;
  if (*complete) status = cutlab_file_write(r->context, r->metrics_path, text, size);
  free(text);
  return status;
}

/* The lines of metrics.jsonl, NULL where there is no state to go on from. */
static cutlab_status read_lines(run *r, json_t **lines) {
  *lines = NULL;
  if (!r->writes || !cutlab_file_exists(r->checkpoint_path) || !cutlab_file_exists(r->metrics_path))
    return CUTLAB_OK;
  return cutlab_metrics_read(r->context, lines, r->metrics_path);
}

static cutlab_status restore(run *r, bool *complete) {
  json_t *lines;
  cutlab_status status = cutlab_agree_over_ranks(r->context, read_lines(r, &lines));
  *complete = status == CUTLAB_OK && lines;
  cutlab_broadcast_over_ranks(r->context, complete, sizeof *complete);
  if (*complete) status = cutlab_simulation_read_state(r->simulation, r->checkpoint_path);
  if (status == CUTLAB_ERROR_FORMAT && *complete)
    cutlab_fail(r->context, status, "%s; without that file the run starts over",
                cutlab_context_message(r->context));
  if (*complete && status == CUTLAB_OK) {
    if (r->writes) status = rewind_metrics(r, lines, complete);
    status = cutlab_agree_over_ranks(r->context, status);
    cutlab_broadcast_over_ranks(r->context, complete, sizeof *complete);
    cutlab_broadcast_over_ranks(r->context, &r->logged, sizeof r->logged);
  }
  json_decref(lines);
  return status;
}

/* From iteration 0: gives the same numbers. */
static cutlab_status start_over(run *r, const cutlab_dataset *data) {
  r->logged = -1;
  cutlab_simulation_free(r->simulation);
  CUTLAB_TRY(cutlab_simulation_create(r->context, &r->simulation, r->experiment, data));
  return r->writes ? cutlab_file_write(r->context, r->metrics_path, "", 0) : CUTLAB_OK;
}

static cutlab_status take_parameters(cutlab_context *context, cutlab_experiment *experiment,
                                     const json_t *parameters, const char *path) {
  char *text = json_dumps(parameters, JSON_REAL_PRECISION(17));
  if (!text) return cutlab_fail(context, CUTLAB_ERROR_FORMAT, "%s: no 'parameters'", path);
  cutlab_status status = cutlab_experiment_from_json(context, experiment, text);
  free(text);
  if (status == CUTLAB_ERROR_ARGUMENT || status == CUTLAB_ERROR_FORMAT)
    return cutlab_fail(context, CUTLAB_ERROR_FORMAT, "%s: %s", path,
                       cutlab_context_message(context));
  return status;
}

cutlab_status cutlab_run_read(cutlab_context *context, cutlab_experiment *experiment,
                              char **dataset_path, const char *folder) {
  char *path = cutlab_path_join(context, folder, "run.json"), *text = NULL;
  size_t size;
  json_t *record = NULL;
  cutlab_status status =
      path ? cutlab_file_read(context, &text, &size, path, 0) : CUTLAB_ERROR_MEMORY;
  if (status == CUTLAB_OK) status = cutlab_json_parse(context, &record, text, path);
  const char *format = json_string_value(json_object_get(record, "format"));
  if (status == CUTLAB_OK &&
      (!format || strcmp(format, "cutlab-run") != 0 ||
       cutlab_json_get_number(record, "format_version", 0) != cutlab_run_format_version))
    status = cutlab_fail(context, CUTLAB_ERROR_FORMAT, "%s: not a run of format version %d", path,
                         cutlab_run_format_version);
  if (status == CUTLAB_OK)
    status = take_parameters(context, experiment, json_object_get(record, "parameters"), path);
  experiment->named = 0; /* by nobody: a data set has the last word */
  const char *data = json_string_value(json_object_get(record, "dataset"));
  *dataset_path = status == CUTLAB_OK && data ? strdup(data) : NULL;
  if (status == CUTLAB_OK && data && !*dataset_path)
    status = cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory: path of the data set");
  json_decref(record);
  free(text);
  free(path);
  return status;
}

static cutlab_status read_result(cutlab_context *context, char **result, const char *path) {
  char *text;
  size_t size;
  json_t *record;
  CUTLAB_TRY(cutlab_file_read(context, &text, &size, path, 0));
  cutlab_status status = cutlab_json_parse(context, &record, text, path);
  if (status == CUTLAB_OK) json_decref(record);
  if (status == CUTLAB_OK && result)
    *result = text;
  else
    free(text);
  return status;
}

static cutlab_status continue_run(cutlab_context *context, char **result,
                                  const cutlab_experiment *experiment, const char *dataset_path,
                                  const char *folder) {
  run r = make_run(context, experiment, folder);
  cutlab_dataset *data = NULL;
  bool complete = true;
  int lock = -1;
  cutlab_status status = r.writes ? cutlab_lock_take(context, &lock, NULL, folder) : CUTLAB_OK;
  status = cutlab_agree_over_ranks(context, status);
  if (status == CUTLAB_OK) status = create_simulation(&r, &data, dataset_path);
  if (status == CUTLAB_OK) status = name_files(&r);
  status = cutlab_agree_over_ranks(context, status);
  if (status == CUTLAB_OK) status = restore(&r, &complete);
  if (status == CUTLAB_OK && !complete) status = start_over(&r, data);
  if (status == CUTLAB_OK) status = open_metrics(&r, "a");
  status = finish(&r, status, result);
  cutlab_lock_release(lock);
  cutlab_dataset_free(data);
  return status;
}

cutlab_status cutlab_run_resume(cutlab_context *context, char **result, const char *folder) {
  if (result) *result = NULL;
  cutlab_experiment *experiment;
  char *dataset_path = NULL, *finished = cutlab_path_join(context, folder, "result.json");
  CUTLAB_TRY(cutlab_experiment_create(context, &experiment));
  cutlab_status status =
      finished ? cutlab_run_read(context, experiment, &dataset_path, folder) : CUTLAB_ERROR_MEMORY;
  status = cutlab_agree_over_ranks(context, status);
  bool is_finished = status == CUTLAB_OK && cutlab_file_exists(finished);
  cutlab_broadcast_over_ranks(context, &is_finished, sizeof is_finished);
  if (status == CUTLAB_OK)
    status = is_finished ? cutlab_agree_over_ranks(context, read_result(context, result, finished))
                         : continue_run(context, result, experiment, dataset_path, folder);
  free(dataset_path);
  free(finished);
  cutlab_experiment_free(experiment);
  return status;
}
