/* Options that subcommands share, and parsing by a subcommand's table. */
#ifndef CUTLAB_CLI_OPTIONS_H
#define CUTLAB_CLI_OPTIONS_H

#include "cli.h"

#define CUTLAB_OPTION_JSON                                                                         \
  { "json", 0, NULL, "Print one JSON object instead of text." }
#define CUTLAB_OPTION_THREADS                                                                      \
  {                                                                                                \
    "threads", 0, "N",                                                                             \
        "Threads to compute with; 0, the default, is one per core. Results do not "                \
        "depend on it."                                                                            \
  }
#define CUTLAB_OPTION_MINUTES                                                                      \
  {                                                                                                \
    "minutes", 0, "M",                                                                             \
        "Stop after so many minutes, as Ctrl-C does; what is printed says how to go on. The exit " \
        "code is then 75."                                                                         \
  }
#define CUTLAB_OPTION_REFERENCE                                                                    \
  {                                                                                                \
    "reference", 0, "MEASURE=FILE",                                                                \
        "Compare a sweep's map of a measure with a text matrix, a row for each value of its y, a " \
        "column for each of its x; once for each measure."                                         \
  }
#define CUTLAB_OPTIONS_END                                                                         \
  {"quiet", 'q', NULL, "Print neither progress nor warnings."},                                    \
      {"help", 'h', NULL, "Print this help and exit."},                                            \
      {"version", 0, NULL, "Print the version and exit."}, {                                       \
    NULL, 0, NULL, NULL                                                                            \
  }

/* Parses the arguments after the subcommand's name into cli->items (release with free) and
   carries out what all subcommands share. Returns -1 to go on, else the exit code. */
int cutlab_options_parse(cutlab_cli *cli, int argc, char **argv);
/* The last value given for an option ("" for a flag), or NULL. */
const char *cutlab_options_value(const cutlab_cli *cli, const char *name);
/* Reads the integer value of an option; `*value` stays where it is not given. Returns 0 or the
   exit code. */
int cutlab_options_integer(const cutlab_cli *cli, const char *name, int64_t *value, int64_t least,
                           int64_t most);
/* Refuses an --out, if one is given, that does not end in .npz. Returns 0 or the exit code. */
int cutlab_options_npz(const cutlab_cli *cli);
/* Splits an operand KEY=VALUE: *value points into it. Returns 0 or the exit code. */
int cutlab_options_pair(const cutlab_cli *cli, const char *operand, char key[64],
                        const char **value);
/* Refuses all options but those of `allowed`, which ends with NULL, and operands unless their key
   and '=' stand there too; `why` is the reason in the message. Returns 0 or the exit code. */
int cutlab_options_only(const cutlab_cli *cli, const char *const *allowed, const char *why);

#endif
