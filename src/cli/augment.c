/* cutlab augment: applies a policy to files; describes policies; lists what they are made of. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "augment_job.h"

static const cutlab_option options[] = {
    {"policy", 'p', "P", "What to do: text in the policy language, or @FILE (the same, or YAML)."},
    {"seed", 's', "S", "Random seed, 0 or more; required, except with --describe (default: 0)."},
    {"out", 'o', "DIR", "Folder to write; one of an earlier cutlab augment is replaced."},
    {"labels", 'l', "FILE",
     "Labels, .npy or IDX: class ids [N] of an integer type, or rows [N][K] of numbers of any "
     "type. Default: those of the input."},
    {"no-labels", 0, NULL, "Leave out labels that come with the input."},
    {"classes", 'k', "K",
     "Number of classes; needed for class ids but those of folders and CIFAR."},
    {"smoothing", 0, "E", "Label smoothing of class ids, 0 (the default) to 1."},
    {"mix", 0, "HOW",
     "How labels are mixed: linear (the default) or union (multi-label presence)."},
    {"epoch", 'e', "E", "Epoch to draw for, 0 or more; default: 0."},
    {"batch", 'b', "B", "Images in a batch, within which partners are found; default: 256."},
    {"axes", 0, "ORDER",
     "Axes of a .npy: nhwc | nchw (the first is the default for 4), nhw | nlc | ncl (for 3), "
     "nl (for 2). l is the length of a series."},
    {"dtype", 0, "TYPE",
     "Type of the output: uint8, float16 or float32. Default: the input's, and float32 where the "
     "policy normalises uint8."},
    {"format", 0, "FORMAT",
     "npy (images.npy), or png (one file an image). Default: png for uint8 output of image files, "
     "else npy."},
    {"replay", 0, "PATH",
     "Repeat an output from its folder, or from its ledger with augment.json beside it; input and "
     "settings are those of then where they are not given."},
    {"sheet-size", 0, "N", "Outputs on sheet.html, 0 to 1000; default: 24."},
    {"no-sheet", 0, NULL, "Write no sheet.html."},
    {"describe", 0, "P",
     "Print what a policy does on average: pasted area, label error, coverage of the image."},
    {"height", 0, "H", "With --describe: height of images; default: 32."},
    {"width", 0, "W", "With --describe: width of images; default: 32."},
    {"draws", 0, "N", "With --describe: outputs to draw; default: 10^6, fewer for costly masks."},
    {"list", 0, NULL, "Print the methods with their parameters, and the samplers of CutMix."},
    CUTLAB_OPTION_JSON,
    CUTLAB_OPTION_THREADS,
    CUTLAB_OPTIONS_END};

typedef struct mode {
  const char *name; /* option that chooses it */
  bool operands;
  const char *accepted[20]; /* options besides those of all commands; NULL ends them */
} mode;

/* The first whose option is given. */
static const mode modes[] = {
    {"list", false, {"list", NULL}},
    {"describe", false, {"describe", "height", "width", "draws", "seed", NULL}},
    {"replay",
     true,
     {"replay", "out", "labels", "classes", "smoothing", "mix", "axes", "dtype", "format",
      "sheet-size", "no-sheet", NULL}},
    {"policy",
     true,
     {"policy", "seed", "out", "labels", "no-labels", "classes", "smoothing", "mix", "epoch",
      "batch", "axes", "dtype", "format", "sheet-size", "no-sheet", NULL}}};

static bool accepts(const mode *chosen, const char *option) {
  static const char *const always[] = {"json", "threads", "quiet", NULL};
  for (int i = 0; always[i]; ++i)
    if (strcmp(option, always[i]) == 0) return true;
  for (int i = 0; chosen->accepted[i]; ++i)
    if (strcmp(option, chosen->accepted[i]) == 0) return true;
  return false;
}

/* The mode of the command line, NULL after a message. */
static const mode *find_mode(const cutlab_cli *cli) {
  const mode *found = NULL;
  for (size_t i = 0; i < sizeof modes / sizeof *modes && !found; ++i)
    if (cutlab_options_value(cli, modes[i].name)) found = &modes[i];
  if (!found) {
    cutlab_cli_usage("augment: --policy is missing (or --replay, --describe, --list)");
    return NULL;
  }
  for (int i = 0; i < cli->item_count; ++i) {
    const cutlab_item *item = &cli->items[i];
    if (item->option ? accepts(found, item->option->name) : found->operands) continue;
    if (item->option)
      cutlab_cli_usage("augment: --%s cannot be given with --%s", item->option->name, found->name);
    else
      cutlab_cli_usage("augment: unexpected operand '%.200s'; --%s takes none", item->value,
                       found->name);
    return NULL;
  }
  return found;
}

static int print_result(const augment_job *job) {
  const cutlab_batch *output = &job->output;
  const char *out = job->cli->out;
  cutlab_progress_clear();
  if (!job->cli->json) {
    printf("%lld %s in %lld batch%s, %s%s: %s\n", (long long)output->count,
           job->settings.axes->height < 0 ? "series"
           : output->count == 1           ? "image"
                                          : "images",
           (long long)job->plan_count, job->plan_count == 1 ? "" : "es",
           cutlab_dtype_name(output->dtype), job->labels ? ", with labels" : "", out);
    if (job->sheet_count) printf("contact sheet: %s/sheet.html\n", out);
    return 0;
  }
  printf("{\"folder\": ");
  cutlab_cli_print_json_string(stdout, out);
  printf(", \"images\": %lld, \"batches\": %lld, \"dtype\": \"%s\", \"format\": \"%s\", "
         "\"classes\": ",
         (long long)output->count, (long long)job->plan_count, cutlab_dtype_name(output->dtype),
         job->png ? "png" : "npy");
  if (job->labels)
    printf("%lld}\n", (long long)job->classes);
  else
    printf("null}\n");
  return 0;
}

/* A folder that is read must not get the output: it would count as a class. */
static int check_places(const augment_job *job) {
  for (int i = 0; i < job->settings.input_count; ++i) {
    struct stat status;
    const char *input = job->settings.inputs[i];
    if (stat(input, &status) == 0 && S_ISDIR(status.st_mode) &&
        cutlab_folder_lies_in(job->cli->out, input))
      return cutlab_cli_usage("%s lies in the folder %s, which is read; name another --out",
                              job->cli->out, input);
  }
  return 0;
}

static int run_job(augment_job *job) {
  int code = augment_load_record(job);
  if (!code) code = augment_read_settings(job);
  if (!code) code = augment_make_policy(job->cli, &job->policy, job->settings.policy);
  if (!code) code = check_places(job);
  if (!code)
    code = cutlab_folder_begin(&job->folder, job->cli->out, augment_record, augment_format);
  if (!code) code = augment_read_input(job);
  if (!code) code = augment_read_labels(job);
  if (!code) code = augment_prepare_sheet(job);
  if (!code) code = augment_work(job);
  if (!code) code = augment_write(job);
  if (!code) code = cutlab_folder_publish(&job->folder);
  return code ? code : print_result(job);
}

static void clear_job(augment_job *job) {
  for (int64_t i = 0; i < job->plan_count; ++i) cutlab_plan_free(job->plans[i]);
  cutlab_free(job->plans);
  cutlab_policy_free(job->policy);
  cutlab_images_clear(&job->images);
  cutlab_folder_end(&job->folder);
  free(job->output.data);
  free(job->labels);
  free(job->own_labels);
  free(job->ledger);
  free(job->settings.inputs);
  json_decref(job->record);
  json_decref(job->files);
}

static int run(cutlab_cli *cli) {
  const mode *chosen = find_mode(cli);
  if (!chosen) return cutlab_exit_usage;
  if (strcmp(chosen->name, "list") == 0) return augment_list(cli);
  if (strcmp(chosen->name, "describe") == 0)
    return augment_describe(cli, cutlab_options_value(cli, "describe"));
  augment_job job = {.cli = cli, .files = json_array()};
  int code = run_job(&job);
  clear_job(&job);
  return code;
}

const cutlab_command cutlab_command_augment = {
    .name = "augment",
    .operands = "--policy P --seed S INPUT... --out DIR",
    .summary = "cut, mix and otherwise augment images and series",
    .text = "INPUT is PNG and JPEG files of one size, a folder of them (folders below are "
            "classes), CIFAR-10/100 binary files, an IDX file or a .npy. Writes the images "
            "(images.npy, or NAME.png each), labels.npy, a ledger of what was done "
            "(ledger.jsonl, ledger.npy), augment.json and a contact sheet, sheet.html. The folder "
            "appears when all of it is done, or not at all. Policies are described in "
            "docs/policies.md, this command in docs/augment-command.md.",
    .options = options,
    .run = run};
