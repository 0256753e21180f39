/* Values of parameters: defaults, parsing and printing by the rules of a table. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "augment/policy.h"
#include "base/number.h"

static const char *const per_choices[] = {"sample", "batch", NULL};

const cutlab_setting_rule cutlab_probability_rule = {
    .shown = {"p", "number", "0 to 1", "Probability that the step happens, for every sample."},
    .kind = CUTLAB_SETTING_NUMBER,
    .low = 0,
    .high = 1,
    .default_text = "1"};
const cutlab_setting_rule cutlab_weights_rule = {
    .shown = {"weights", "list of numbers", "(w, w, ...), each > 0, one for every alternative",
              "Relative frequencies of the alternatives."},
    .kind = CUTLAB_SETTING_NUMBERS,
    .low = 0,
    .above_low = true,
    .high = 1e6,
    .default_text = "()"};
const cutlab_setting_rule cutlab_per_rule = {
    .shown = {"per", "choice", "sample | batch", "Who shares a choice."},
    .kind = CUTLAB_SETTING_CHOICE,
    .choices = per_choices,
    .default_text = "sample"};

void cutlab_step_defaults(cutlab_step *step) {
  const cutlab_method_ops *method = step->method;
  for (int i = 0; i < method->parameter_count; ++i)
    cutlab_setting_parse(&step->settings[i], &method->parameters[i],
                         method->parameters[i].default_text);
  step->probability = 1;
  if (method->default_probability)
    cutlab_number_parse(&step->probability, method->default_probability);
}

static bool parse_number(double *number, const cutlab_setting_rule *rule, const char *text) {
  if (!cutlab_number_parse(number, text) || *number < rule->low || *number > rule->high)
    return false;
  return !(rule->above_low && *number == rule->low);
}

/* "(a, b, ...)", brackets of either kind, or one plain number. */
static bool parse_list(cutlab_setting *setting, const cutlab_setting_rule *rule, const char *text) {
  char copy[1024];
  size_t length = strlen(text);
  bool bracketed = *text == '(' || *text == '[';
  if (length >= sizeof copy || (bracketed && length < 2)) return false;
  if (bracketed) ++text, length -= 2;
  memcpy(copy, text, length);
  copy[length] = '\0';
  setting->count = 0;
  if (copy[strspn(copy, " \t\n")] == '\0') return bracketed;
  for (char *item = copy; item;) {
    char *comma = strchr(item, ',');
    if (comma) *comma = '\0';
    item += strspn(item, " \t\n");
    for (char *end = item + strlen(item); end > item && strchr(" \t\n", end[-1]);) *--end = '\0';
    if (setting->count == CUTLAB_SETTING_LIST) return false;
    if (!parse_number(&setting->list[setting->count++], rule, item)) return false;
    item = comma ? comma + 1 : NULL;
  }
  return true;
}

bool cutlab_setting_parse(cutlab_setting *setting, const cutlab_setting_rule *rule,
                          const char *text) {
  switch (rule->kind) {
  case CUTLAB_SETTING_NUMBER:
    return parse_number(&setting->number, rule, text);
  case CUTLAB_SETTING_INTEGER:
    return parse_number(&setting->number, rule, text) && setting->number == floor(setting->number);
  case CUTLAB_SETTING_CHOICE:
    for (int i = 0; rule->choices[i]; ++i)
      if (strcmp(rule->choices[i], text) == 0) {
        setting->number = i;
        return true;
      }
    return false;
  case CUTLAB_SETTING_NUMBERS:
    return parse_list(setting, rule, text);
  case CUTLAB_SETTING_SAMPLER:
    setting->sampler = cutlab_sampler_find(text);
    return setting->sampler != NULL;
  }
  return false;
}

void cutlab_setting_print(FILE *file, const cutlab_setting_rule *rule,
                          const cutlab_setting *setting) {
  char number[cutlab_number_size];
  switch (rule->kind) {
  case CUTLAB_SETTING_CHOICE:
    fputs(rule->choices[(int)setting->number], file);
    return;
  case CUTLAB_SETTING_SAMPLER:
    fputs(setting->sampler->shown.name, file);
    return;
  case CUTLAB_SETTING_NUMBERS:
    fputc('(', file);
    for (int i = 0; i < setting->count; ++i) {
      cutlab_number_text(number, setting->list[i]);
      fprintf(file, "%s%s", i ? ", " : "", number);
    }
    fputc(')', file);
    return;
  default:
    cutlab_number_text(number, setting->number);
    fputs(number, file);
  }
}
