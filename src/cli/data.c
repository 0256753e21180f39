/* cutlab data: checks, shows and packs the data sets that networks are trained on. */
#include <cutlab/collection.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "options.h"

static const cutlab_option options[] = {
    {"out", 'o', "FILE", "Of pack: the file, which ends in .npz."},
    CUTLAB_OPTION_JSON,
    CUTLAB_OPTION_THREADS,
    CUTLAB_OPTIONS_END};

typedef enum verb { VERIFY, SHOW, PACK, VERBS } verb;
static const char *const verbs[VERBS] = {"verify", "show", "pack"};

static int read_number(const char *key, const char *text, int64_t *value) {
  char *end;
  errno = 0;
  long long number = strtoll(text, &end, 10);
  if (end == text || *end || errno || number < 0)
    return cutlab_cli_usage("data: %s is '%.80s'; accepted: whole numbers from 0", key, text);
  *value = number;
  return 0;
}

static int set_key(cutlab_collection_source *source, const char *key, const char *value) {
  static const char *const names[] = {"dataset", "path",           "shape",         "position",
                                      "fold",    "train_examples", "test_examples", "seed"};
  enum { text_count = 5, name_count = 8 };
  const char **texts[text_count] = {&source->dataset, &source->path, &source->shape,
                                    &source->position, &source->fold};
  for (int i = 0; i < text_count; ++i)
    if (strcmp(key, names[i]) == 0) {
      *texts[i] = value;
      return 0;
    }
  if (strcmp(key, "train_examples") == 0) return read_number(key, value, &source->train_examples);
  if (strcmp(key, "test_examples") == 0) return read_number(key, value, &source->test_examples);
  int64_t seed = 0;
  if (strcmp(key, "seed") == 0) {
    int code = read_number(key, value, &seed);
    source->seed = (uint64_t)seed;
    return code;
  }
  return cutlab_cli_usage("data: unknown key '%.80s'; nearest: %s", key,
                          names[cutlab_nearest_name(key, names, name_count)]);
}

/* The verb and the source; values point into the command line. */
static int read_operands(const cutlab_cli *cli, verb *asked, cutlab_collection_source *source) {
  const char *word = NULL;
  for (int i = 0; i < cli->item_count; ++i) {
    const char *text = cli->items[i].value;
    if (cli->items[i].option) continue;
    if (!word) {
      word = text;
      continue;
    }
    const char *equals = strchr(text, '=');
    char key[64];
    if (!equals || equals == text)
      return cutlab_cli_usage("data: unexpected operand '%.80s'; accepted: key=value", text);
    snprintf(key, sizeof key, "%.*s", (int)(equals - text < 63 ? equals - text : 63), text);
    int code = set_key(source, key, equals + 1);
    if (code) return code;
  }
  for (*asked = VERIFY; *asked < VERBS; ++*asked)
    if (word && strcmp(word, verbs[*asked]) == 0) return 0;
  return cutlab_cli_usage("data: '%.80s'; accepted: verify, show or pack, then dataset=NAME "
                          "path=PATH",
                          word ? word : "");
}

/* The report's lines as JSON. */
static void print_report_json(const char *dataset, const char *report, bool good) {
  printf("{\"dataset\": ");
  cutlab_cli_print_json_string(stdout, dataset);
  printf(", \"ok\": %s, \"lines\": [", good ? "true" : "false");
  for (const char *line = report; *line;) {
    size_t length = strcspn(line, "\n");
    char text[1024];
    snprintf(text, sizeof text, "%.*s", (int)length, line);
    if (line != report) fputs(", ", stdout);
    cutlab_cli_print_json_string(stdout, text);
    line += length + (line[length] == '\n');
  }
  puts("]}");
}

static int verify(const cutlab_cli *cli, const cutlab_collection_source *source) {
  char *report = NULL;
  cutlab_status status = cutlab_collection_verify(cli->context, &report, source);
  cutlab_progress_clear();
  if (!report) return cutlab_cli_fail(cli, status, NULL);
  if (cli->json)
    print_report_json(source->dataset, report, status == CUTLAB_OK);
  else
    fputs(report, stdout);
  cutlab_free(report);
  return status == CUTLAB_OK ? 0 : cutlab_exit_failure;
}

static void print_values(const char *name, const double *values, int64_t count) {
  printf("\"%s\": [", name);
  for (int64_t i = 0; i < count; ++i) printf("%s%.17g", i ? ", " : "", values[i]);
  printf("]");
}

static void print_counts(const int64_t *counts, int64_t classes) {
  fputc('[', stdout);
  for (int64_t c = 0; c < classes; ++c) printf("%s%lld", c ? ", " : "", (long long)counts[c]);
  fputc(']', stdout);
}

static void show_json(const cutlab_collection *c, const int64_t *counts, int64_t measured) {
  printf("{\"channels\": %lld, \"height\": %lld, \"width\": %lld, \"classes\": %lld, "
         "\"dtype\": \"%s\", \"train\": %lld, \"test\": %lld, \"held_out\": %lld, "
         "\"train_per_class\": ",
         (long long)c->channels, (long long)c->height, (long long)c->width, (long long)c->classes,
         cutlab_dtype_name(c->train.dtype), (long long)c->train.count, (long long)c->test.count,
         (long long)c->held.count);
  print_counts(counts, c->classes);
  printf(", \"test_per_class\": ");
  print_counts(counts + c->classes, c->classes);
  printf(", ");
  print_values("mean", c->mean, measured);
  printf(", ");
  print_values("deviation", c->deviation, measured);
  printf(", \"probes\": %lld, \"fingerprint\": \"%016llx\"}\n", (long long)c->probes.count,
         (unsigned long long)c->fingerprint);
}

static void show_text(const cutlab_collection *c, const int64_t *counts, int64_t measured) {
  printf("%lld for training and %lld for testing, %s, of %lld x %lld x %lld (channels x height x "
         "width)\n\n  class                 training   testing\n",
         (long long)c->train.count, (long long)c->test.count, cutlab_dtype_name(c->train.dtype),
         (long long)c->channels, (long long)c->height, (long long)c->width);
  for (int64_t k = 0; k < c->classes; ++k) {
    printf("  %-4lld %-15.40s", (long long)k, c->class_names ? c->class_names[k] : "");
    printf(" %9lld %9lld\n", (long long)counts[k], (long long)counts[c->classes + k]);
  }
  if (c->held.count) printf("\n  %lld held out of training\n", (long long)c->held.count);
  printf("\n  channel      mean   deviation\n");
  for (int64_t k = 0; k < measured; ++k)
    printf("  %-4lld %12.6g %11.6g\n", (long long)k, c->mean[k], c->deviation[k]);
  if (c->probes.count)
    printf("\n  %lld probes of %lld features\n", (long long)c->probes.count,
           (long long)c->probes.feature_count);
  printf("\n  fingerprint %016llx\n", (unsigned long long)c->fingerprint);
}

static int show(const cutlab_cli *cli, const cutlab_collection_source *source) {
  cutlab_collection collection;
  cutlab_status status = cutlab_collection_open(cli->context, &collection, source);
  if (status != CUTLAB_OK) return cutlab_cli_fail(cli, status, NULL);
  int64_t classes = collection.classes;
  int64_t measured = collection.channels < 16 ? collection.channels : 16;
  int64_t *counts = calloc(2 * (size_t)classes, sizeof *counts);
  cutlab_progress_clear();
  if (counts) {
    for (int64_t i = 0; i < collection.train.count; ++i) ++counts[collection.train.labels[i]];
    for (int64_t i = 0; i < collection.test.count; ++i)
      ++counts[classes + collection.test.labels[i]];
    if (cli->json)
      show_json(&collection, counts, measured);
    else
      show_text(&collection, counts, measured);
  } else {
    cutlab_cli_print_error("out of memory");
  }
  bool good = counts != NULL;
  free(counts);
  cutlab_collection_clear(&collection);
  return good ? 0 : cutlab_exit_failure;
}

static int pack(const cutlab_cli *cli, const cutlab_collection_source *source) {
  if (!cli->out)
    return cutlab_cli_usage("data pack: where to? accepted: --out FILE, which ends in .npz");
  int code = cutlab_options_npz(cli);
  if (code) return code;
  char *from = source->path ? realpath(source->path, NULL) : NULL, *to = realpath(cli->out, NULL);
  bool same = from && to && strcmp(from, to) == 0;
  free(from);
  free(to);
  if (same)
    return cutlab_cli_usage("data pack: %.200s is what is read; accepted: another --out", cli->out);
  cutlab_collection collection;
  cutlab_status status = cutlab_collection_pack(cli->context, &collection, source, cli->out);
  if (status != CUTLAB_OK) return cutlab_cli_fail(cli, status, NULL);
  struct stat file = {0};
  stat(cli->out, &file);
  cutlab_progress_clear();
  printf(cli->json ? "{\"train\": %lld, \"test\": %lld, \"bytes\": %lld, "
                     "\"fingerprint\": \"%016llx\"}\n"
                   : "%lld for training and %lld for testing in %lld bytes, fingerprint %016llx\n",
         (long long)collection.train.count, (long long)collection.test.count,
         (long long)file.st_size, (unsigned long long)collection.fingerprint);
  cutlab_collection_clear(&collection);
  return 0;
}

static int run(cutlab_cli *cli) {
  verb asked = VERIFY;
  cutlab_collection_source source = {0};
  int code = read_operands(cli, &asked, &source);
  if (code) return code;
  if (asked == PACK) return pack(cli, &source);
  if (cli->out) return cutlab_cli_usage("data: --out is for pack alone");
  return asked == VERIFY ? verify(cli, &source) : show(cli, &source);
}

const cutlab_command cutlab_command_data = {
    .name = "data",
    .operands = "verify | show | pack dataset=NAME path=PATH [KEY=VALUE]...",
    .summary = "check, show and pack data sets for training networks",
    .text = "verify reads every file of a data set, prints one line for each, and compares the "
            "SHA-256 of those of CIFAR-10 and MNIST with what was published; the exit code is 1 "
            "where anything is wrong. show prints sizes, classes, means and deviations. pack "
            "writes all of it into one file, which as path=FILE is the same data set. Data sets: "
            "mnist, cifar10, cifar100, folder, npy, feature-noise. Other keys: train_examples and "
            "test_examples (the first so many), shape (image or series), position (uniform or "
            "fixed) and seed of feature-noise, fold (I/K, as for cutlab train).",
    .options = options,
    .run = run};
