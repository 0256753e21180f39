/* cutlab sweep: many small trainings over a grid of parameters. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include "options.h"

static const cutlab_option options[] = {
    {"preset", 'p', "NAME", "A sweep that comes along; --list lists them."},
    {"out", 'o', "DIR", "Folder of the journal and the results; a sweep that is there goes on."},
    {"seeds", 0, "N", "Seeds of every cell; the same as seeds=N."},
    {"shard", 0, "I/N", "Do the I-th of N parts alone, I = 1..N, in a journal of its own."},
    {"merge", 0, NULL, "Gather the journals of all shards, and write the results."},
    {"dry-run", 'n', NULL, "Say how many runs there are and about how long they take; stop."},
    {"yes", 'y', NULL, "Start also what has more than 10^7 runs or takes more than a week."},
    {"list", 0, NULL, "List the sweeps that come along."},
    CUTLAB_OPTION_REFERENCE,
    CUTLAB_OPTION_MINUTES,
    CUTLAB_OPTION_JSON,
    CUTLAB_OPTION_THREADS,
    CUTLAB_OPTIONS_END};

static const int64_t most_runs = 10000000;
static const double longest = 7 * 86400, worth_saying = 10;

/* The first sentence of the comment that a preset begins with. */
static void first_sentence(char *text, size_t size, const char *yaml) {
  size_t used = 0;
  while (yaml[0] == '#' && used + 2 < size) {
    int length = (int)strcspn(yaml, "\n");
    used +=
        (size_t)snprintf(text + used, size - used, "%s%.*s", used ? " " : "", length - 2, yaml + 2);
    yaml += length + (yaml[length] == '\n');
  }
  char *end = strstr(text, ". ");
  if (end) end[1] = '\0';
}

static int list_presets(const cutlab_cli *cli) {
  const char *name, *yaml;
  json_t *names = json_array();
  for (int i = 0; (name = cutlab_sweep_preset(i, &yaml)); ++i) {
    char text[1024] = "";
    first_sentence(text, sizeof text, yaml);
    if (!cli->json) cutlab_cli_print_entry(stdout, name, text, 22);
    json_array_append_new(names, json_pack("{s:s, s:s}", "name", name, "text", text));
  }
  if (cli->json) {
    json_dumpf(names, stdout, JSON_INDENT(2));
    putchar('\n');
  }
  json_decref(names);
  return 0;
}

/* The one operand that is no KEY=VALUE, or NULL. A file's name may hold '=' behind a '/'. */
static int find_spec(cutlab_cli *cli, const char **path) {
  *path = NULL;
  for (int i = 0; i < cli->item_count; ++i) {
    const char *text = cli->items[i].value;
    if (cli->items[i].option || strcspn(text, "=") < strcspn(text, "/")) continue;
    if (*path)
      return cutlab_cli_usage("sweep: '%.80s' and '%.80s'; accepted: one spec, then KEY=VALUE",
                              *path, text);
    *path = text;
  }
  return 0;
}

/* What was asked for: a preset, a file, or the sweep that is in --out. */
static int load(cutlab_cli *cli, cutlab_sweep **sweep) {
  const char *preset = cutlab_options_value(cli, "preset"), *path;
  int code = find_spec(cli, &path);
  if (code) return code;
  if (preset && path)
    return cutlab_cli_usage("sweep: --preset %s and '%.80s'; accepted: one of them", preset, path);
  char there[4200] = "";
  if (cli->out) snprintf(there, sizeof there, "%.4000s/sweep.yaml", cli->out);
  struct stat status;
  if (!preset && !path && stat(there, &status) == 0) path = there;
  if (!preset && !path)
    return cutlab_cli_usage("sweep: which one? accepted: SPEC.yaml, --preset NAME, or the --out of "
                            "a sweep; --list lists presets");
  cutlab_status loaded = preset ? cutlab_sweep_load_preset(cli->context, sweep, preset)
                                : cutlab_sweep_load(cli->context, sweep, path);
  return loaded == CUTLAB_OK ? 0 : cutlab_cli_fail(cli, loaded, NULL);
}

static int apply(cutlab_cli *cli, cutlab_sweep *sweep) {
  for (int i = 0; i < cli->item_count; ++i) {
    const cutlab_item *item = &cli->items[i];
    cutlab_status status = CUTLAB_OK;
    char key[64];
    const char *value;
    if (item->option && strcmp(item->option->name, "seeds") == 0) {
      status = cutlab_sweep_set(sweep, "seeds", item->value);
    } else if (!item->option && strcspn(item->value, "=") < strcspn(item->value, "/")) {
      int code = cutlab_options_pair(cli, item->value, key, &value);
      if (code) return code;
      status = cutlab_sweep_set(sweep, key, value);
    }
    if (status != CUTLAB_OK) return cutlab_cli_fail(cli, status, NULL);
  }
  return 0;
}

/* "3/8" */
static int read_shard(const cutlab_cli *cli, cutlab_sweep_options *what) {
  const char *text = cutlab_options_value(cli, "shard");
  if (!text) return 0;
  char *slash, *end = NULL;
  errno = 0;
  long long shard = strtoll(text, &slash, 10);
  long long count = *slash == '/' ? strtoll(slash + 1, &end, 10) : 0;
  if (errno || !end || *end || shard < 1 || shard > count || count > 1000000)
    return cutlab_cli_usage("--shard is '%.80s'; accepted: I/N with I = 1..N, N at most 10^6",
                            text);
  *what = (cutlab_sweep_options){shard - 1, count};
  return 0;
}

static void duration_text(char text[32], double seconds) {
  static const struct {
    double least, unit;
    const char *name;
  } units[] = {{365.25 * 86400 * 2, 365.25 * 86400, "years"},
               {86400 * 2, 86400, "days"},
               {3600 * 2, 3600, "h"},
               {60 * 3, 60, "min"},
               {0, 1, "s"}};
  int u = 0;
  while (seconds < units[u].least) ++u;
  double value = seconds / units[u].unit;
  snprintf(text, 32, value < 10 ? "%.1f %s" : "%.0f %s", value, units[u].name);
}

/* "sweep quick: 60 cells, 120 runs, 20 of them done, about 12 s with 2 threads" */
static void plan_text(char *text, size_t size, const cutlab_cli *cli, const cutlab_sweep *sweep,
                      const cutlab_sweep_plan *plan) {
  char span[32], workers[32], done[64] = "";
  int threads = cutlab_context_threads(cli->context);
  int ranks = cutlab_context_rank_count(cli->context);
  if (ranks > 1)
    snprintf(workers, sizeof workers, "%d processes", ranks);
  else
    snprintf(workers, sizeof workers, "%d thread%s", threads, threads > 1 ? "s" : "");
  duration_text(span, plan->seconds);
  if (plan->done) snprintf(done, sizeof done, ", %lld of them done", (long long)plan->done);
  snprintf(text, size, "sweep %s: %lld cells, %lld runs%s, about %s with %s",
           cutlab_sweep_name(sweep), (long long)plan->cells, (long long)plan->runs, done, span,
           workers);
}

static int print_plan(const cutlab_cli *cli, const cutlab_sweep *sweep,
                      const cutlab_sweep_plan *plan) {
  char text[512];
  plan_text(text, sizeof text, cli, sweep, plan);
  if (!cli->json) {
    printf("%s\n", text);
    return 0;
  }
  json_t *json = json_pack("{s:s, s:I, s:I, s:I, s:f}", "name", cutlab_sweep_name(sweep), "cells",
                           (json_int_t)plan->cells, "runs", (json_int_t)plan->runs, "done",
                           (json_int_t)plan->done, "seconds", plan->seconds);
  json_dumpf(json, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(3));
  putchar('\n');
  json_decref(json);
  return 0;
}

/* How much it is, before it begins. *go: whether to. The journals of other shards may be in use. */
static int announce(cutlab_cli *cli, cutlab_sweep *sweep, const cutlab_sweep_options *what,
                    bool *go) {
  cutlab_sweep_plan plan;
  *go = !cutlab_options_value(cli, "dry-run");
  if (cutlab_context_rank(cli->context) > 0) return 0; /* rank 0 says it */
  cutlab_status status = cutlab_sweep_estimate(sweep, &plan, what->shards ? NULL : cli->out);
  if (status != CUTLAB_OK) return cutlab_cli_fail(cli, status, NULL);
  if (what->shards) plan.seconds /= (double)what->shards;
  if (cli->threads || cutlab_context_threads(cli->context) < sysconf(_SC_NPROCESSORS_ONLN))
    plan.seconds /= cutlab_context_rank_count(cli->context); /* else they share what there is */
  char text[512];
  plan_text(text, sizeof text, cli, sweep, &plan);
  if (!*go) return print_plan(cli, sweep, &plan);
  bool absurd = plan.runs > most_runs || plan.seconds > longest;
  if (absurd && !cutlab_options_value(cli, "yes"))
    return cutlab_cli_usage("%s; --yes starts it all the same", text);
  if (plan.seconds > worth_saying && !cli->quiet) cutlab_cli_print_error("%s", text);
  return 0;
}

static void print_measures(const json_t *measures, long long cells) {
  const char *name;
  json_t *value;
  printf("%-22s %12s %12s %12s\n", "over cells", "least", "mean", "most");
  json_object_foreach((json_t *)measures, name, value) {
    static const char *const columns[] = {"least", "mean", "most"};
    printf("%-22s", name);
    for (int c = 0; c < 3; ++c) {
      const json_t *number = json_object_get(value, columns[c]);
      if (json_is_number(number))
        printf(" %12.6g", json_number_value(number));
      else
        printf(" %12s", "");
    }
    long long defined = json_integer_value(json_object_get(value, "cells"));
    if (defined < cells) printf("   %lld of %lld cells", defined, cells);
    putchar('\n');
  }
}

static int print_summary(const cutlab_cli *cli, const cutlab_sweep *sweep, bool whole) {
  const char *text = cutlab_sweep_summary(sweep);
  cutlab_progress_clear();
  if (cli->json) {
    printf("%s\n", text);
    return 0;
  }
  json_t *summary = json_loads(text, 0, NULL);
  if (!summary) return cutlab_cli_usage("sweep: no summary");
  const char *failure = json_string_value(json_object_get(summary, "first_failure"));
  long long failed = json_integer_value(json_object_get(summary, "failed"));
  printf("%s: %lld of %lld runs done", cutlab_sweep_name(sweep),
         (long long)json_integer_value(json_object_get(summary, "done")),
         (long long)json_integer_value(json_object_get(summary, "mine")));
  if (failed) printf(", %lld failed, the first: %s", failed, failure ? failure : "");
  putchar('\n');
  if (whole) {
    print_measures(json_object_get(summary, "measures"),
                   json_integer_value(json_object_get(summary, "cells")));
    printf("%s/results.csv\n", cli->out);
  } else {
    printf("when all shards are done: cutlab sweep --merge --out %s\n", cli->out);
  }
  json_decref(summary);
  return 0;
}

static bool is_reference(const cutlab_item *item) {
  return item->option && strcmp(item->option->name, "reference") == 0;
}

/* Before anything is trained: each for itself, and whether two are of one measure. */
static int check_references(cutlab_cli *cli, cutlab_sweep *sweep) {
  for (int i = 0; i < cli->item_count; ++i) {
    if (!is_reference(&cli->items[i])) continue;
    const char *text = cli->items[i].value;
    cutlab_status status = cutlab_sweep_check_reference(sweep, text);
    if (status != CUTLAB_OK) return cutlab_cli_fail(cli, status, NULL);
    for (int j = 0; j < i; ++j)
      if (is_reference(&cli->items[j]) &&
          strncmp(cli->items[j].value, text, strcspn(text, "=") + 1) == 0)
        return cutlab_cli_usage("reference \"%.200s\": there is another one of this measure", text);
  }
  return 0;
}

static int carry_out(cutlab_cli *cli, cutlab_sweep *sweep) {
  bool merge = cutlab_options_value(cli, "merge") != NULL, go = true;
  cutlab_sweep_options what = {0, 0};
  int code = read_shard(cli, &what);
  if (code) return code;
  if (merge && what.shards)
    return cutlab_cli_usage("sweep: --merge takes all shards; leave out --shard");
  if (!cli->out && !cutlab_options_value(cli, "dry-run"))
    return cutlab_cli_usage("sweep: where to? accepted: --out DIR");
  if (merge && cutlab_context_rank_count(cli->context) > 1)
    return cutlab_cli_usage("sweep: --merge is the work of one process");
  code = check_references(cli, sweep);
  if (code) return code;
  if (!merge) code = announce(cli, sweep, &what, &go);
  if (!code && go) code = cutlab_cli_join(cli);
  if (code || !go) return code;
  cutlab_status status =
      merge ? cutlab_sweep_merge(sweep, cli->out) : cutlab_sweep_run(sweep, cli->out, &what);
  if (status != CUTLAB_OK)
    return cutlab_cli_fail(cli, status, "finished runs are kept: the same command goes on");
  if (cutlab_context_rank(cli->context)) return 0;
  code = print_summary(cli, sweep, !what.shards);
  return code || what.shards ? code : cutlab_cli_report_sweep(cli, cli->out, cli->out, !cli->json);
}

static int run(cutlab_cli *cli) {
  if (cutlab_options_value(cli, "list")) return list_presets(cli);
  cutlab_sweep *sweep = NULL;
  int code = load(cli, &sweep);
  if (!code) code = apply(cli, sweep);
  if (!code) code = carry_out(cli, sweep);
  cutlab_sweep_free(sweep);
  return code;
}

const cutlab_command cutlab_command_sweep = {
    .name = "sweep",
    .operands = "[SPEC.yaml] [KEY=VALUE]...",
    .summary = "many trainings: a grid of parameters, journalled and resumable",
    .text =
        "Trains every cell of a grid with every seed, as the spec (YAML, or a preset) says, and "
        "writes results.csv, runs.csv, results.npz, sweep.json and report.html into DIR. Finished "
        "runs are in "
        "a journal there: a sweep that was stopped or killed goes on, and one whose spec has "
        "changed does only what is new. KEY=VALUE sets a parameter, an axis (rho=[0.1, 0.2], "
        "rho={from: 0.1, to: 0.4, count: 4}) or another entry of the spec (seeds=3, "
        "measure=[test_error]).",
    .options = options,
    .joins = true,
    .run = run};
