/* cutlab: the command. Finds the subcommand, and turns results into exit codes. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "options.h"

const cutlab_command *const cutlab_commands[] = {
    &cutlab_command_simulate,     &cutlab_command_optimum,         &cutlab_command_reproduce,
    &cutlab_command_sweep,        &cutlab_command_report,          &cutlab_command_augment,
    &cutlab_command_data,         &cutlab_command_train,           &cutlab_command_predict,
    &cutlab_command_audit,        &cutlab_command_audit_cscore,    &cutlab_command_audit_train,
    &cutlab_command_audit_export, &cutlab_command_bench_objective, NULL};

/* Of several processes rank 0 speaks. Before they have joined, another one that fails waits: where
   rank 0 fails as well, the launcher ends all. */
static enum { speaks, waits, silent } voice;

static bool may_speak(void) {
  for (int second = 0; voice == waits && second < 5; ++second)
    if (sleep(1) && cutlab_progress_signal()) return false;
  return voice != silent;
}

static void print_message(const char *format, va_list arguments) {
  char text[2048];
  vsnprintf(text, sizeof text, format, arguments);
  for (char *c = text; *c; ++c)
    if (*c == '\n' || *c == '\r') *c = ' ';
  cutlab_progress_clear();
  fprintf(stderr, "cutlab: %s\n", text);
}

void cutlab_cli_print_error(const char *format, ...) {
  va_list arguments;
  if (!may_speak()) return;
  va_start(arguments, format);
  print_message(format, arguments);
  va_end(arguments);
}

int cutlab_cli_usage(const char *format, ...) {
  va_list arguments;
  if (!may_speak()) return cutlab_exit_usage;
  va_start(arguments, format);
  print_message(format, arguments);
  va_end(arguments);
  return cutlab_exit_usage;
}

int cutlab_cli_fail(const cutlab_cli *cli, cutlab_status status, const char *resume) {
  const char *message = cutlab_context_message(cli->context);
  if (!*message) message = cutlab_status_text(status);
  if (status == CUTLAB_CANCELLED && resume)
    cutlab_cli_print_error("%s; %s", message, resume);
  else
    cutlab_cli_print_error("%s", message);
  if (status == CUTLAB_CANCELLED && cutlab_progress_signal()) return 128 + cutlab_progress_signal();
  if (status == CUTLAB_CANCELLED && cli->minutes > 0)
    return cutlab_exit_time; /* here, or on a rank */
  return status == CUTLAB_ERROR_ARGUMENT ? cutlab_exit_usage : cutlab_exit_failure;
}

void cutlab_cli_print_json_string(FILE *file, const char *text) {
  fputc('"', file);
  for (; *text; ++text) {
    if ((unsigned char)*text < 0x20)
      fprintf(file, "\\u%04x", (unsigned char)*text);
    else if (*text == '"' || *text == '\\')
      fprintf(file, "\\%c", *text);
    else
      fputc(*text, file);
  }
  fputc('"', file);
}

/* A closed standard stream would give its number to the next file that is opened, and output
   would end up in that file: put something unwritable there. */
static void guard_streams(void) {
  for (int i = 0; i <= 2; ++i)
    if (fcntl(i, F_GETFD) < 0 && open("/dev/null", i ? O_RDONLY : O_WRONLY) != i) exit(1);
}

static const cutlab_command *find_command(const char *name) {
  for (int i = 0; cutlab_commands[i]; ++i)
    if (strcmp(cutlab_commands[i]->name, name) == 0) return cutlab_commands[i];
  return NULL;
}

/* "audit train": a name of two words. */
static const cutlab_command *find_long_command(const char *first, const char *second) {
  char name[64];
  int length = snprintf(name, sizeof name, "%s %s", first, second ? second : "");
  return second && length < (int)sizeof name ? find_command(name) : NULL;
}

/* The first command of two words whose first one this is, or -1. */
static int find_first_word(const char *name, const char *const *names, int count) {
  size_t length = strlen(name);
  for (int i = 0; i < count; ++i)
    if (strncmp(names[i], name, length) == 0 && names[i][length] == ' ') return i;
  return -1;
}

/* "bench": the first command of two words that begins so, or NULL. */
static const cutlab_command *find_subject(const char *name) {
  const char *names[32];
  int count = 0;
  for (; cutlab_commands[count]; ++count) names[count] = cutlab_commands[count]->name;
  int first = find_first_word(name, names, count);
  return first < 0 ? NULL : cutlab_commands[first];
}

static int fail_command(const char *name) {
  static const char *const others[] = {"--help", "--version", "--man"};
  const char *names[32];
  int count = 0;
  if (*name == '-')
    for (; count < 3; ++count) names[count] = others[count];
  else
    for (; cutlab_commands[count]; ++count) names[count] = cutlab_commands[count]->name;
  int nearest = find_first_word(name, names, count);
  if (nearest < 0) nearest = cutlab_nearest_name(name, names, count);
  return cutlab_cli_usage("unknown %s '%.80s'; nearest: %s", *name == '-' ? "option" : "command",
                          name, names[nearest]);
}

/* Only what is divided among ranks is started as several processes: others would do the same
   thing in the same place. Ranks above 0 say nothing. */
static int check_ranks(const cutlab_cli *cli) {
  int count = cutlab_context_rank_count(cli->context);
  if (count > 1 && !cli->command->joins)
    return cutlab_cli_usage("%s is the work of one process, and %d were started; start one, or set "
                            "CUTLAB_ALONE=1 where each is to work on its own",
                            cli->command->name, count);
  return -1;
}

static void choose_voice(const cutlab_cli *cli) {
  if (cutlab_context_rank(cli->context) == 0) return;
  voice = waits;
  if (!freopen("/dev/null", "w", stdout)) exit(cutlab_exit_failure);
}

int cutlab_cli_join(cutlab_cli *cli) {
  cutlab_status status = cutlab_context_join_ranks(cli->context);
  if (status != CUTLAB_OK) return cutlab_cli_fail(cli, status, NULL);
  if (cli->threads == 0) cutlab_context_set_threads(cli->context, 0);
  if (voice == waits) voice = silent;
  return 0;
}

static int run_command(const cutlab_command *command, int argc, char **argv) {
  cutlab_cli cli = {.command = command};
  if (cutlab_context_create(&cli.context) != CUTLAB_OK) {
    cutlab_cli_print_error("out of memory");
    return cutlab_exit_failure;
  }
  choose_voice(&cli);
  int code = cutlab_options_parse(&cli, argc, argv);
  if (code < 0) code = check_ranks(&cli);
  if (code < 0) {
    cutlab_progress_start(cli.context, !cli.quiet, cli.minutes);
    code = command->run(&cli);
    cutlab_progress_clear();
  }
  free(cli.items);
  cutlab_context_free(cli.context);
  return code;
}

static int run(int argc, char **argv) {
  if (argc < 2) {
    cutlab_cli_print_help(stderr, NULL);
    return cutlab_exit_usage;
  }
  const char *name = argv[1];
  if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
    return cutlab_cli_print_help(stdout, NULL);
  if (strcmp(name, "--man") == 0) return cutlab_cli_print_man(stdout);
  if (strcmp(name, "--version") == 0) {
    printf("cutlab %s\n", cutlab_version());
    return 0;
  }
  const cutlab_command *command = find_long_command(name, argc > 2 ? argv[2] : NULL);
  if (command) return run_command(command, argc - 2, argv + 2);
  command = find_command(name);
  const cutlab_command *subject = command ? NULL : find_subject(name);
  if (subject && argc > 2 && (strcmp(argv[2], "--help") == 0 || strcmp(argv[2], "-h") == 0))
    return cutlab_cli_print_help(stdout, subject);
  return command ? run_command(command, argc - 1, argv + 1) : fail_command(name);
}

int main(int argc, char **argv) {
  guard_streams();
  int code = run(argc, argv);
  if ((fflush(stdout) != 0 || ferror(stdout)) && code == 0) {
    cutlab_cli_print_error("cannot write standard output: %s", strerror(errno));
    code = cutlab_exit_failure;
  }
  return code;
}
