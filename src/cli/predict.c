/* cutlab predict: what a trained network makes of test data. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "options.h"

static const cutlab_option options[] = {
    {"out", 'o', "FILE",
     "Also write logits, labels and predictions to this file, which ends in .npz."},
    {"checkpoint", 0, "FILE", "The checkpoint of the run to use instead of the last."},
    CUTLAB_OPTION_JSON,
    CUTLAB_OPTION_THREADS,
    CUTLAB_OPTIONS_END};

/* Settings of a training that choose data. */
static const char *const data_keys[] = {"dataset",        "path",          "seed",    "shape",
                                        "train_examples", "test_examples", "position"};
enum { data_key_count = sizeof data_keys / sizeof *data_keys };

typedef struct job {
  const char *folder;
  cutlab_training *training;            /* checks the data settings */
  bool has_data, has_dataset, has_more; /* more: keys beside dataset and path */
} job;

static int set_data(cutlab_cli *cli, job *j, const char *operand) {
  char key[64];
  const char *value;
  int code = cutlab_options_pair(cli, operand, key, &value);
  if (code) return code;
  bool known = false;
  for (int i = 0; i < data_key_count; ++i) known |= strcmp(key, data_keys[i]) == 0;
  if (!known)
    return cutlab_cli_usage("predict: '%.60s' does not choose data; nearest: %s", key,
                            data_keys[cutlab_nearest_name(key, data_keys, data_key_count)]);
  cutlab_status status = cutlab_training_set(cli->context, j->training, key, value);
  if (status != CUTLAB_OK) return cutlab_cli_fail(cli, status, NULL);
  j->has_data = true;
  j->has_dataset |= strcmp(key, "dataset") == 0;
  j->has_more |= strcmp(key, "dataset") != 0 && strcmp(key, "path") != 0;
  return 0;
}

/* Before anything is said of the other operands. */
static int set_run(job *j, const char *folder) {
  char record[4200];
  snprintf(record, sizeof record, "%s/run.json", folder);
  j->folder = folder;
  if (!*folder || access(record, F_OK) == 0) return 0;
  cutlab_cli_print_error("%s: no run in it; a run is a folder with run.json", folder);
  return cutlab_exit_failure;
}

/* The first operand is the run's folder, whatever its name. */
static int read_operands(cutlab_cli *cli, job *j) {
  int code = 0;
  for (int i = 0; i < cli->item_count && !code; ++i) {
    if (cli->items[i].option) continue;
    code = j->folder ? set_data(cli, j, cli->items[i].value) : set_run(j, cli->items[i].value);
  }
  if (code) return code;
  if (!j->folder || !*j->folder)
    return cutlab_cli_usage("predict: which run? accepted: the folder of a run");
  if (j->has_more && !j->has_dataset)
    return cutlab_cli_usage("predict: other data without their kind; accepted: dataset=NAME too, "
                            "or path= alone, where the run's own have moved");
  return 0;
}

static int64_t integer(const job *j, const char *key) {
  char *text = cutlab_training_get(j->training, key);
  int64_t value = text ? strtoll(text, NULL, 10) : 0;
  cutlab_free(text);
  return value;
}

static int predict(cutlab_cli *cli, const job *j) {
  char *dataset = cutlab_training_get(j->training, "dataset"),
       *path = cutlab_training_get(j->training, "path"),
       *shape = cutlab_training_get(j->training, "shape"),
       *position = cutlab_training_get(j->training, "position"), *summary = NULL;
  const cutlab_collection_source source = {.dataset = j->has_dataset ? dataset : NULL,
                                           .path = path && *path ? path : NULL,
                                           .train_examples = integer(j, "train_examples"),
                                           .test_examples = integer(j, "test_examples"),
                                           .seed = (uint64_t)integer(j, "seed"),
                                           .shape = shape,
                                           .position = position};
  cutlab_status status = cutlab_train_predict(cli->context, &summary, j->folder,
                                              cutlab_options_value(cli, "checkpoint"),
                                              j->has_data ? &source : NULL, cli->out);
  cutlab_free(dataset);
  cutlab_free(path);
  cutlab_free(shape);
  cutlab_free(position);
  int code = status == CUTLAB_OK ? cutlab_cli_print_result(cli, summary)
                                 : cutlab_cli_fail(cli, status, NULL);
  cutlab_free(summary);
  return code;
}

static int run(cutlab_cli *cli) {
  job j = {.folder = NULL};
  cutlab_status status = cutlab_training_create(cli->context, &j.training);
  if (status != CUTLAB_OK) return cutlab_cli_fail(cli, status, NULL);
  int code = read_operands(cli, &j);
  if (!code) code = cutlab_options_npz(cli);
  if (!code) code = predict(cli, &j);
  cutlab_training_free(j.training);
  return code;
}

const cutlab_command cutlab_command_predict = {
    .name = "predict",
    .operands = "RUN [KEY=VALUE]...",
    .summary = "what a trained network makes of test data",
    .text = "Evaluates the network of a run's last checkpoint on the test part of the run's own "
            "data, or of others: dataset, path, train_examples, test_examples, seed, shape and "
            "position choose them as for cutlab train; path alone says where the run's own are "
            "now. Prints accuracy and loss.",
    .options = options,
    .run = run};
