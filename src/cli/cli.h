/* The command: a client of the public headers. What its subcommands share. */
#ifndef CUTLAB_CLI_H
#define CUTLAB_CLI_H

#include <stdbool.h>
#include <stdio.h>

#include <cutlab/cutlab.h>

/* Exit codes besides 0; a run that a signal stopped gives 128 + signal. The last one is that of
   sysexits.h for what may be tried again: --minutes have passed. */
enum { cutlab_exit_failure = 1, cutlab_exit_usage = 2, cutlab_exit_time = 75 };

typedef struct cutlab_option {
  const char *name;     /* NULL ends a table */
  int letter;           /* short form, or 0 */
  const char *argument; /* what its value stands for, or NULL for a flag */
  const char *text;
} cutlab_option;

struct cutlab_cli;

/* What KEY=VALUE means for a subcommand, for its help. */
typedef enum cutlab_takes {
  CUTLAB_TAKES_OTHER,
  CUTLAB_TAKES_PARAMETERS, /* of an experiment */
  CUTLAB_TAKES_SETTINGS    /* of a training */
} cutlab_takes;

typedef struct cutlab_command {
  const char *name, *operands, *summary;
  const char *text; /* more for the man page and --help */
  const cutlab_option *options;
  cutlab_takes takes;                 /* help lists the table */
  bool joins;                         /* several processes may do it together */
  int (*run)(struct cutlab_cli *cli); /* gives the exit code */
} cutlab_command;

/* One option or operand of the command line, in its order. */
typedef struct cutlab_item {
  const cutlab_option *option; /* NULL: an operand */
  const char *value;           /* of the option (NULL for a flag), or the operand */
} cutlab_item;

typedef struct cutlab_cli {
  cutlab_context *context;
  const cutlab_command *command;
  cutlab_item *items;
  int item_count;
  bool json, quiet;
  int threads;        /* --threads; 0: one per core */
  double minutes;     /* --minutes; 0: as long as it takes */
  const char *out;    /* --out, or NULL */
  char warning[1024]; /* the last one printed */
} cutlab_cli;

/* All subcommands; a NULL ends them. */
extern const cutlab_command *const cutlab_commands[];
extern const cutlab_command cutlab_command_simulate, cutlab_command_optimum,
    cutlab_command_reproduce, cutlab_command_report, cutlab_command_augment, cutlab_command_data,
    cutlab_command_train, cutlab_command_predict, cutlab_command_audit, cutlab_command_audit_cscore,
    cutlab_command_audit_train, cutlab_command_audit_export, cutlab_command_sweep,
    cutlab_command_bench_objective;

/* Prints "cutlab: ..." as one line on standard error, past any progress line. */
void cutlab_cli_print_error(const char *format, ...) CUTLAB_PRINTF(1, 2);
/* The same for a misuse of the command; returns its exit code. */
int cutlab_cli_usage(const char *format, ...) CUTLAB_PRINTF(1, 2);
/* Prints the context's message and returns the exit code of a failed call. For a cancelled one
   `resume` (may be NULL) says how to go on. */
int cutlab_cli_fail(const cutlab_cli *cli, cutlab_status status, const char *resume);
/* Prints text as a JSON string, quotes included. */
void cutlab_cli_print_json_string(FILE *file, const char *text);

/* Joins the other processes of an MPI job, if there are any; then threads are counted anew.
   Returns 0 or the exit code. What comes before must need no other process. */
int cutlab_cli_join(cutlab_cli *cli);

/* report.c: writes a report and prints its table and path; returns the exit code. */
int cutlab_cli_report(cutlab_cli *cli, const char *folder, const char *const *runs, int count);
/* The same of a sweep's folder, compared with what --reference names; prints if asked to. */
int cutlab_cli_report_sweep(cutlab_cli *cli, const char *folder, const char *sweep, bool tell);

/* train.c: sets what --config files and then operands say, each in the order of the command line.
   Returns 0 or the exit code. */
int cutlab_cli_apply_settings(cutlab_cli *cli, cutlab_training *training);
/* Prints a result (JSON text), as it is for --json; returns 0. */
int cutlab_cli_print_result(const cutlab_cli *cli, const char *result);

/* manual.c: the help page of one subcommand (NULL: of the command), and the man page. */
int cutlab_cli_print_help(FILE *file, const cutlab_command *command);
int cutlab_cli_print_man(FILE *file);
/* The settings of a training, and the recipes of data sets. */
void cutlab_cli_print_settings(FILE *file);
/* Words, broken before the page's edge; later lines begin at `indent`, the first at `column`. */
void cutlab_cli_print_wrapped(FILE *file, const char *text, int indent, int column);
/* A term, and its text from column `indent` on. */
void cutlab_cli_print_entry(FILE *file, const char *term, const char *text, int indent);

/* progress.c: what stops a run (SIGINT, SIGTERM, SIGHUP; time) and the progress line. A run of
   `minutes` > 0 is asked to stop when they have passed. */
void cutlab_progress_start(cutlab_context *context, bool show, double minutes);
/* Reports progress of the command's own; non-zero asks to stop. */
int cutlab_progress_step(const char *what, int64_t done, int64_t total);
/* Removes the progress line, if there is one. */
void cutlab_progress_clear(void);
/* While held, a second stop signal does not kill: there is something to clean up. */
void cutlab_progress_hold(bool hold);
/* The signal that asked to stop, or 0. */
int cutlab_progress_signal(void);

#endif
