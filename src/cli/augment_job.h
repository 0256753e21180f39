/* What the parts of `cutlab augment` share. Functions return 0, or the exit code after a message.
 */
#ifndef CUTLAB_CLI_AUGMENT_JOB_H
#define CUTLAB_CLI_AUGMENT_JOB_H

#include <jansson.h>

#include "folder.h"
#include "options.h"

/* An order of axes; which of them is height, width, channels, -1 where there is none. */
typedef struct augment_axes {
  const char *name;
  int rank, height, width, channels;
  cutlab_layout layout;
} augment_axes;

typedef struct augment_settings {
  int64_t seed, epoch, batch, sheet_size;
  int64_t classes;                              /* 0: not given */
  const char *policy, *labels, *dtype, *format; /* NULL: not given */
  const augment_axes *axes;                     /* NULL: not given */
  cutlab_label_mix mix;
  bool no_labels; /* those of the input are left out */
  double smoothing;
  const char **inputs;
  int input_count;
} augment_settings;

typedef struct augment_job {
  cutlab_cli *cli;
  augment_settings settings;
  json_t *record; /* augment.json of the output that is replayed, or NULL; owns texts */
  char *ledger;   /* path of the ledger to replay, or NULL */
  cutlab_policy *policy;
  cutlab_images images;
  cutlab_batch input, output; /* all images; output.data is the job's own */
  bool png;                   /* images are written as PNG files */
  float *labels;              /* [count][classes], NULL where there are none; mixed in place */
  int64_t classes;
  float *own_labels;   /* [sheet_count][classes], before mixing */
  cutlab_plan **plans; /* one for every batch */
  int64_t plan_count;
  int64_t sheet_count; /* outputs on the contact sheet */
  cutlab_folder folder;
  json_t *files; /* names of the files written */
} augment_job;

/* augment_settings.c */
extern const char augment_format[], augment_record[];
/* Reads --replay, if given: its settings go before those of the command line. */
int augment_load_record(augment_job *job);
int augment_read_settings(augment_job *job);
/* The axes of that name, or NULL. */
const augment_axes *augment_find_axes(const char *name);
/* Makes a policy from text or from "@FILE". */
int augment_make_policy(cutlab_cli *cli, cutlab_policy **policy, const char *text);
/* Settings, inputs and outputs, as augment.json holds them; NULL without memory. */
json_t *augment_describe_job(const augment_job *job);

/* augment_input.c: fills images, input; decides output's type and the format. */
int augment_read_input(augment_job *job);
/* augment_labels.c: fills labels and classes. */
int augment_read_labels(augment_job *job);
/* Names of the class ids, where folders gave them, else NULL. */
char **augment_class_names(const augment_job *job);
/* augment_work.c: fills output and plans, and mixes the labels. */
int augment_work(augment_job *job);
/* augment_output.c: writes everything into the folder. */
int augment_write(augment_job *job);
/* Whether the input files' base names differ, so that each output can have that of its input. */
bool augment_names_differ(const augment_job *job);
/* Name of the PNG file of output i, `unique` as augment_names_differ says; release with free. NULL
   without memory. */
char *augment_image_name(const augment_job *job, int64_t i, bool unique);
/* augment_sheet.c: fills sheet_count and, before they are mixed, own_labels. */
int augment_prepare_sheet(augment_job *job);
/* Writes sheet.html. */
int augment_write_sheet(augment_job *job);
/* Path of a new file in the folder, which is noted as written; release with free. NULL without
   memory, after a message. */
char *augment_new_file(augment_job *job, const char *name);

/* describe.c: --describe and --list. */
int augment_describe(cutlab_cli *cli, const char *policy);
int augment_list(cutlab_cli *cli);

#endif
