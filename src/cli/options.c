/* Parsing of a subcommand's command line by its option table. */
#include "options.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

enum { max_options = 32, long_code = 0, operand_code = 1 };

typedef struct tables {
  struct option long_options[max_options + 1];
  char letters[2 * max_options + 3];
} tables;

/* "-" gives operands in order, with a code of their own; ":" tells missing values from unknown
   options. */
static int make_tables(tables *t, const cutlab_option *options) {
  int count = 0;
  char *letter = t->letters;
  memset(t, 0, sizeof *t);
  *letter++ = '-';
  *letter++ = ':';
  for (; options[count].name && count < max_options; ++count) {
    int has_value = options[count].argument ? required_argument : no_argument;
    t->long_options[count] = (struct option){options[count].name, has_value, NULL, long_code};
    if (!options[count].letter) continue;
    *letter++ = (char)options[count].letter;
    if (has_value) *letter++ = ':';
  }
  return count;
}

static int fail_option(const cutlab_cli *cli, const char *argument, int count) {
  const cutlab_option *options = cli->command->options;
  const char *names[max_options], *command = cli->command->name;
  for (int i = 0; i < count; ++i) names[i] = options[i].name;
  if (argument[0] != '-' || argument[1] != '-')
    return cutlab_cli_usage("%s: unknown option '%.80s'; see cutlab %s --help", command, argument,
                            command);
  char name[80];
  snprintf(name, sizeof name, "%.*s", (int)strcspn(argument + 2, "="), argument + 2);
  for (int i = 0; i < count; ++i)
    if (strcmp(name, names[i]) == 0)
      return cutlab_cli_usage("%s: option --%s takes no value", command, name);
  return cutlab_cli_usage("%s: unknown option '--%s'; nearest: --%s", command, name,
                          names[cutlab_nearest_name(name, names, count)]);
}

/* getopt_long takes abbreviations ("--seed" for --seeds): here a name is given in full. */
static bool is_abbreviated(const char *argument, const char *name) {
  size_t length = strlen(name);
  return strncmp(argument, "--", 2) != 0 || strncmp(argument + 2, name, length) != 0 ||
         (argument[2 + length] && argument[2 + length] != '=');
}

static int parse_items(cutlab_cli *cli, int argc, char **argv) {
  const cutlab_option *options = cli->command->options;
  tables t;
  int code, count = make_tables(&t, options);
  opterr = 0;
  optind = 1;
  for (;;) {
    int at = optind, index = 0;
    code = getopt_long(argc, argv, t.letters, t.long_options, &index);
    if (code == -1) break;
    if (code == '?') return fail_option(cli, argv[at], count);
    if (code == ':')
      return cutlab_cli_usage("%s: option %s needs a value", cli->command->name, argv[at]);
    if (code == long_code && is_abbreviated(argv[at], options[index].name))
      return fail_option(cli, argv[at], count);
    if (code != long_code && code != operand_code)
      while (options[index].letter != code) ++index;
    cli->items[cli->item_count++] =
        (cutlab_item){code == operand_code ? NULL : &options[index], optarg};
  }
  while (optind < argc) cli->items[cli->item_count++] = (cutlab_item){NULL, argv[optind++]};
  return -1;
}

/* Every room checks what it is given, so the same warning may come again. */
static void print_warning(void *user, const char *message) {
  cutlab_cli *cli = user;
  if (strncmp(cli->warning, message, sizeof cli->warning - 1) == 0) return;
  snprintf(cli->warning, sizeof cli->warning, "%s", message);
  cutlab_cli_print_error("warning: %s", message);
}

/* Reads --minutes. Returns 0 or the exit code. */
static int read_minutes(cutlab_cli *cli) {
  const double most = 1e6;
  const char *text = cutlab_options_value(cli, "minutes");
  if (!text) return 0;
  char *end;
  cli->minutes = strtod(text, &end);
  if (end == text || *end || isspace((unsigned char)*text) ||
      !(cli->minutes > 0 && cli->minutes <= most))
    return cutlab_cli_usage("--minutes is '%.80s'; accepted: number, > 0, to %g", text, most);
  return 0;
}

static int apply_shared(cutlab_cli *cli) {
  if (cutlab_options_value(cli, "help")) return cutlab_cli_print_help(stdout, cli->command);
  if (cutlab_options_value(cli, "version")) {
    printf("cutlab %s\n", cutlab_version());
    return 0;
  }
  int64_t threads = 0;
  int code = cutlab_options_integer(cli, "threads", &threads, 0, 1024);
  if (!code) code = read_minutes(cli);
  if (code) return code;
  cli->threads = (int)threads;
  cutlab_context_set_threads(cli->context, cli->threads);
  cli->json = cutlab_options_value(cli, "json") != NULL;
  cli->quiet = cutlab_options_value(cli, "quiet") || cutlab_context_rank(cli->context) > 0;
  cli->out = cutlab_options_value(cli, "out");
  for (int i = 0; i < cli->item_count; ++i)
    if (cli->items[i].option && cli->items[i].value && !*cli->items[i].value)
      return cutlab_cli_usage("--%s is ''; accepted: a name or a value",
                              cli->items[i].option->name);
  if (!cli->quiet) cutlab_context_set_warning(cli->context, print_warning, cli);
  return -1;
}

int cutlab_options_parse(cutlab_cli *cli, int argc, char **argv) {
  cli->items = calloc((size_t)argc + 1, sizeof *cli->items);
  if (!cli->items) {
    cutlab_cli_print_error("out of memory");
    return cutlab_exit_failure;
  }
  int code = parse_items(cli, argc, argv);
  return code >= 0 ? code : apply_shared(cli);
}

const char *cutlab_options_value(const cutlab_cli *cli, const char *name) {
  for (int i = cli->item_count - 1; i >= 0; --i) {
    const cutlab_item *item = &cli->items[i];
    if (item->option && strcmp(item->option->name, name) == 0)
      return item->value ? item->value : "";
  }
  return NULL;
}

int cutlab_options_integer(const cutlab_cli *cli, const char *name, int64_t *value, int64_t least,
                           int64_t most) {
  const char *text = cutlab_options_value(cli, name);
  if (!text) return 0;
  char *end;
  errno = 0;
  long long number = strtoll(text, &end, 10);
  if (end == text || *end || errno || isspace((unsigned char)*text) || number < least ||
      number > most)
    return cutlab_cli_usage("--%s is '%.80s'; accepted: integer, %lld to %lld", name, text,
                            (long long)least, (long long)most);
  *value = number;
  return 0;
}

int cutlab_options_npz(const cutlab_cli *cli) {
  size_t length = cli->out ? strlen(cli->out) : 0;
  if (!cli->out || (length > 4 && strcmp(cli->out + length - 4, ".npz") == 0)) return 0;
  return cutlab_cli_usage("%s: --out is '%.80s'; accepted: a file that ends in .npz",
                          cli->command->name, cli->out);
}

int cutlab_options_pair(const cutlab_cli *cli, const char *operand, char key[64],
                        const char **value) {
  const char *equals = strchr(operand, '=');
  if (!equals || equals == operand)
    return cutlab_cli_usage("%s: unexpected operand '%.80s'; accepted: key=value",
                            cli->command->name, operand);
  snprintf(key, 64, "%.*s", (int)(equals - operand < 63 ? equals - operand : 63), operand);
  *value = equals + 1;
  return 0;
}

int cutlab_options_only(const cutlab_cli *cli, const char *const *allowed, const char *why) {
  for (int i = 0; i < cli->item_count; ++i) {
    const cutlab_item *item = &cli->items[i];
    bool fits = false;
    for (int k = 0; allowed[k]; ++k)
      fits |= item->option ? strcmp(item->option->name, allowed[k]) == 0
                           : strchr(allowed[k], '=') &&
                                 strncmp(item->value, allowed[k], strlen(allowed[k])) == 0;
    if (!fits)
      return cutlab_cli_usage("%s: %s; leave out '%s%.80s'", cli->command->name, why,
                              item->option ? "--" : "",
                              item->option ? item->option->name : item->value);
  }
  return 0;
}
