/* The help pages and the man page, both from the tables of options and parameters. */
#include <stdlib.h>
#include <string.h>

#include "cli.h"

enum { page_width = 80 };

static const char about[] =
    "CutLab answers what a network learns when its inputs are cut and mixed: exact training "
    "objectives of ERM, Cutout and CutMix in the feature-noise world of Oh and Yun (NeurIPS "
    "2024), gradient descent on them, and the accuracy on the whole population; the same "
    "augmentations for images and series from files; networks trained on them; and an audit of "
    "which "
    "examples each method still misses.";

static const struct {
  const char *code, *text;
} exit_codes[] = {
    {"0", "Success."},
    {"1", "A file, a number or memory failed; one line on standard error says what."},
    {"2", "Misuse: an option, parameter or value that is not accepted."},
    {"75", "The time of --minutes is over; what was printed says how to go on."},
    {"129, 130, 143",
     "Stopped by SIGHUP, Ctrl-C (SIGINT) or SIGTERM; a run with a folder can be resumed. "
     "A second signal kills at once, but not while an output folder is cleaned up."}};
enum { exit_code_count = sizeof exit_codes / sizeof *exit_codes };

static const char *const examples[][2] = {
    {"cutlab simulate --preset quick", "A first look, in seconds."},
    {"cutlab simulate --method erm --seed 3 --out runs/erm-3 iterations=2000 alpha=0.2",
     "One run, kept in a folder."},
    {"cutlab simulate --resume runs/erm-3", "Continues a run that was stopped."},
    {"cutlab simulate --print-config --preset theory > theory.yaml",
     "Parameters to edit, for --config."},
    {"cutlab optimum --patches 3 --positives 154 --examples 300", "The CutMix optimum."},
    {"cutlab reproduce --seeds 5", "The paper's experiments and their report."},
    {"cutlab sweep --preset phase-diagram --out phases",
     "Which method learns a feature, over its rarity and the noise."},
    {"cutlab report runs", "A report from all runs in a folder."},
    {"cutlab augment --policy 'flip | cutmix(alpha=1, p=.5)' --seed 1 photos --out mixed",
     "Flipped and mixed images, with a ledger and a contact sheet."},
    {"cutlab augment --describe 'cutmix(sampler=timm)' --height 224 --width 224",
     "How much that pastes, where, and how right its labels are."},
    {"cutlab train dataset=cifar10 path=cifar-10 method=cutmix --out runs/cutmix",
     "A network on real images, kept in a folder."},
    {"cutlab predict runs/cutmix --out logits.npz", "What it makes of the test images."},
    {"cutlab audit --predictions a.npz b.npz --labels labels.npy",
     "Whom b rescues and hurts against a, from any framework; a page in audit/."},
    {"cutlab audit train dataset=cifar10 path=cifar-10 --folds 5 --seeds 3 --out runs",
     "ERM, Cutout and CutMix, each fifth of the training images held out once by each."},
    {"cutlab audit cscore --scores cscores.npz runs",
     "How hard the examples are that each misses."}};
enum { example_count = sizeof examples / sizeof *examples };

void cutlab_cli_print_wrapped(FILE *file, const char *text, int indent, int column) {
  while (*text) {
    int length = (int)strcspn(text, " ");
    if (column > indent && column + 1 + length > page_width) {
      fprintf(file, "\n%*s", indent, "");
      column = indent;
    } else if (column > indent) {
      fputc(' ', file);
      ++column;
    }
    fprintf(file, "%.*s", length, text);
    column += length;
    text += length;
    text += strspn(text, " ");
  }
  fputc('\n', file);
}

void cutlab_cli_print_entry(FILE *file, const char *term, const char *text, int indent) {
  int length = fprintf(file, "  %s", term);
  if (length + 1 > indent)
    fprintf(file, "\n%*s", indent, "");
  else
    fprintf(file, "%*s", indent - length, "");
  cutlab_cli_print_wrapped(file, text, indent, indent);
}

static void option_term(char term[64], const cutlab_option *option) {
  char letter[8] = "    ";
  if (option->letter) snprintf(letter, sizeof letter, "-%c, ", option->letter);
  snprintf(term, 64, "%s--%s%s%s", letter, option->name, option->argument ? " " : "",
           option->argument ? option->argument : "");
}

typedef void (*print_row)(FILE *file, const char *name, const char *accepted, const char *text);

/* Calls `print` with a row of a table, what it accepts and its default, as one line. Releases the
   default. */
static void print_parameter_row(FILE *file, print_row print, const cutlab_parameter *parameter,
                                char *value) {
  char line[512];
  snprintf(line, sizeof line, "%s, %s; default: %s", parameter->kind, parameter->accepted,
           value && *value ? value : "empty");
  print(file, parameter->name, line, parameter->text);
  cutlab_free(value);
}

static void each_parameter(FILE *file, print_row print) {
  cutlab_context *context = NULL;
  cutlab_experiment *defaults = NULL;
  if (cutlab_context_create(&context) == CUTLAB_OK)
    (void)cutlab_experiment_create(context, &defaults);
  const cutlab_parameter *parameter;
  for (int i = 0; defaults && (parameter = cutlab_experiment_parameter(i)); ++i)
    print_parameter_row(file, print, parameter, cutlab_experiment_get(defaults, parameter->name));
  cutlab_experiment_free(defaults);
  cutlab_context_free(context);
}

static void each_setting(FILE *file, print_row print) {
  cutlab_context *context = NULL;
  cutlab_training *defaults = NULL;
  if (cutlab_context_create(&context) == CUTLAB_OK)
    (void)cutlab_training_create(context, &defaults);
  const cutlab_parameter *parameter;
  for (int i = 0; defaults && (parameter = cutlab_training_parameter(i)); ++i)
    print_parameter_row(file, print, parameter, cutlab_training_get(defaults, parameter->name));
  cutlab_training_free(defaults);
  cutlab_context_free(context);
}

/* What the comment at the top of a preset says. */
static void preset_text(char *text, size_t size, const char *yaml) {
  size_t used = 0;
  while (yaml[0] == '#') {
    int length = (int)strcspn(yaml, "\n");
    int written =
        snprintf(text + used, size - used, "%s%.*s", used ? " " : "", length - 2, yaml + 2);
    used += (size_t)written < size - used ? (size_t)written : 0;
    yaml += length + (yaml[length] == '\n');
  }
}

static void print_parameter(FILE *file, const char *name, const char *accepted, const char *text) {
  cutlab_cli_print_entry(file, name, accepted, 22);
  fprintf(file, "%22s", "");
  cutlab_cli_print_wrapped(file, text, 22, 22);
}

void cutlab_cli_print_settings(FILE *file) {
  fputs("Settings, as KEY=VALUE or as keys of a YAML file:\n", file);
  each_setting(file, print_parameter);
  fputs("\nRecipes, the settings that a data set brings:\n", file);
  const char *name, *yaml;
  for (int i = 0; (yaml = cutlab_training_recipe(i, &name)); ++i) {
    char text[1024] = "";
    preset_text(text, sizeof text, yaml);
    cutlab_cli_print_entry(file, name, text, 17);
    while (*yaml == '#') yaml += strcspn(yaml, "\n") + 1;
    for (; *yaml; yaml += strcspn(yaml, "\n") + 1)
      fprintf(file, "%17s%.*s\n", "", (int)strcspn(yaml, "\n"), yaml);
  }
}

static int print_command_help(FILE *file, const cutlab_command *command) {
  fprintf(file, "Usage: cutlab %s [OPTION]... %s\n\n", command->name, command->operands);
  cutlab_cli_print_wrapped(file, command->text, 0, 0);
  fputs("\nOptions:\n", file);
  for (const cutlab_option *option = command->options; option->name; ++option) {
    char term[64];
    option_term(term, option);
    cutlab_cli_print_entry(file, term, option->text, 28);
  }
  if (command->takes == CUTLAB_TAKES_SETTINGS) {
    fputc('\n', file);
    cutlab_cli_print_settings(file);
  }
  if (command->takes != CUTLAB_TAKES_PARAMETERS) return 0;
  fputs("\nParameters, as KEY=VALUE or as keys of a YAML file:\n", file);
  each_parameter(file, print_parameter);
  fputs("\nPresets:\n", file);
  const char *name, *yaml;
  for (int i = 0; (name = cutlab_experiment_preset(i, &yaml)); ++i) {
    char text[1024] = "";
    preset_text(text, sizeof text, yaml);
    cutlab_cli_print_entry(file, name, text, 12);
  }
  return 0;
}

int cutlab_cli_print_help(FILE *file, const cutlab_command *command) {
  if (command) return print_command_help(file, command);
  fputs("Usage: cutlab COMMAND [OPTION]...\n\n", file);
  cutlab_cli_print_wrapped(file, about, 0, 0);
  fputs("\nCommands:\n", file);
  for (int i = 0; cutlab_commands[i]; ++i)
    cutlab_cli_print_entry(file, cutlab_commands[i]->name, cutlab_commands[i]->summary, 16);
  fputs("\nOptions:\n", file);
  cutlab_cli_print_entry(file, "--help",
                         "Print this help and exit; cutlab COMMAND --help tells more.", 16);
  cutlab_cli_print_entry(file, "--man", "Print the man page (roff) and exit.", 16);
  cutlab_cli_print_entry(file, "--version", "Print the version and exit.", 16);
  return 0;
}

/* Text as roff: nothing in it is a request or an escape, and hyphens can be copied. */
static void roff(FILE *file, const char *text) {
  if (*text == '.' || *text == '\'') fputs("\\&", file);
  for (; *text; ++text) {
    switch (*text) {
    case '\\':
      fputs("\\e", file);
      break;
    case '-':
      fputs("\\-", file);
      break;
    case '\'':
      fputs("\\(aq", file);
      break;
    case '^':
      fputs("\\(ha", file);
      break;
    case '~':
      fputs("\\(ti", file);
      break;
    case '`':
      fputs("\\(ga", file);
      break;
    default:
      fputc(*text, file);
    }
  }
}

/* A tagged paragraph. */
static void roff_entry(FILE *file, const char *term, const char *text) {
  fputs(".TP\n.B ", file);
  roff(file, term);
  fputc('\n', file);
  roff(file, text);
  fputc('\n', file);
}

static void roff_parameter(FILE *file, const char *name, const char *accepted, const char *text) {
  roff_entry(file, name, text);
  fputs(".br\n", file);
  roff(file, accepted);
  fputc('\n', file);
}

static void roff_command(FILE *file, const cutlab_command *command) {
  fprintf(file, ".SS cutlab %s\n.B cutlab %s\n[OPTION]... ", command->name, command->name);
  roff(file, command->operands);
  fputs("\n.PP\n", file);
  roff(file, command->text);
  fputc('\n', file);
  for (const cutlab_option *option = command->options; option->name; ++option) {
    char term[64];
    option_term(term, option);
    roff_entry(file, term + (option->letter ? 0 : 4), option->text);
  }
}

static void roff_recipes(FILE *file) {
  const char *name, *yaml;
  fputs(".SH RECIPES\nA recipe is what a data set sets, but for what is set by name.\n", file);
  for (int i = 0; (yaml = cutlab_training_recipe(i, &name)); ++i) {
    char text[1024] = "";
    preset_text(text, sizeof text, yaml);
    roff_entry(file, name, text);
  }
}

static void roff_presets(FILE *file) {
  const char *name, *yaml;
  fputs(".SH PRESETS\nA preset sets the parameters it names and no others.\n", file);
  for (int i = 0; (name = cutlab_experiment_preset(i, &yaml)); ++i) {
    char text[1024] = "";
    preset_text(text, sizeof text, yaml);
    roff_entry(file, name, text);
  }
}

int cutlab_cli_print_man(FILE *file) {
  fprintf(file,
          ".TH CUTLAB 1 \"\" \"CutLab %s\" \"User Commands\"\n"
          ".SH NAME\ncutlab \\- what a network learns when its inputs are cut and mixed\n"
          ".SH SYNOPSIS\n",
          cutlab_version());
  for (int i = 0; cutlab_commands[i]; ++i) {
    fprintf(file, "%s.B cutlab %s\n[OPTION]... ", i ? ".br\n" : "", cutlab_commands[i]->name);
    roff(file, cutlab_commands[i]->operands);
    fputc('\n', file);
  }
  fputs(".br\n.B cutlab\n\\-\\-help | \\-\\-man | \\-\\-version\n.SH DESCRIPTION\n", file);
  roff(file, about);
  fputs("\n.PP\nResults go to standard output, messages and progress to standard error; progress "
        "is shown on a terminal only.\n.SH COMMANDS\n",
        file);
  for (int i = 0; cutlab_commands[i]; ++i) roff_command(file, cutlab_commands[i]);
  fputs(".SH PARAMETERS\nGiven as KEY=VALUE, or as keys of a YAML file: a flat mapping, with lists "
        "in square brackets or in block style.\n",
        file);
  each_parameter(file, roff_parameter);
  roff_presets(file);
  fputs(".SH SETTINGS\nOf cutlab train, given in the same ways.\n", file);
  each_setting(file, roff_parameter);
  roff_recipes(file);
  fputs(".SH \"EXIT STATUS\"\n", file);
  for (int i = 0; i < exit_code_count; ++i)
    roff_entry(file, exit_codes[i].code, exit_codes[i].text);
  fputs(".SH EXAMPLES\n", file);
  for (int i = 0; i < example_count; ++i) roff_entry(file, examples[i][0], examples[i][1]);
  return 0;
}
