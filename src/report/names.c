/* Names of groups: the folder that holds nothing else, or the settings in which groups differ. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "report/report_internal.h"

/* Bytes: names up to `enough` say all that differs, others as little as tells them apart. */
enum { enough = 48, longest_value = 32, longest_name = 80 };

/* Whether settings tell two groups apart: of the same kind; networks: of the same data set, since
   each one brings settings of its own. */
static bool related(const cutlab_report *report, int a, int b) {
  const cutlab_report_group *left = &report->groups[a], *right = &report->groups[b];
  return left->source == right->source && (left->source != &cutlab_report_trained ||
                                           json_equal(json_object_get(left->key, "dataset"),
                                                      json_object_get(right->key, "dataset")));
}

static int family_size(const cutlab_report *report, int group) {
  int count = 0;
  for (int i = 0; i < report->group_count; ++i) count += related(report, group, i);
  return count;
}

static bool varies(const cutlab_report *report, int group, const char *name) {
  const json_t *value = json_object_get(report->groups[group].key, name);
  for (int i = 0; i < report->group_count; ++i)
    if (related(report, group, i) &&
        !json_equal(json_object_get(report->groups[i].key, name), value))
      return true;
  return false;
}

static bool has_other_data(const cutlab_report *report, int group) {
  for (int i = 0; i < report->group_count; ++i)
    if (report->groups[i].source == report->groups[group].source && !related(report, group, i))
      return true;
  return false;
}

static void put_name(json_t *names, const char *name) {
  json_object_set_new(names, name, json_true());
}

/* The settings in which the family differs, in the order of names: the data set, the model, the
   others, and last where the data lie. */
static json_t *varying(const cutlab_report *report, int group) {
  json_t *names = json_object(), *value;
  const char *name;
  if (has_other_data(report, group) || varies(report, group, "dataset")) put_name(names, "dataset");
  if (varies(report, group, "model")) put_name(names, "model");
  for (int i = 0; i < report->group_count; ++i) {
    if (!related(report, group, i)) continue;
    json_object_foreach(report->groups[i].key, name,
                        value) if (strcmp(name, "path") != 0 && varies(report, group, name))
        put_name(names, name);
  }
  if (varies(report, group, "path")) put_name(names, "path");
  return names;
}

char *cutlab_report_one_line(const char *text) {
  char *line = strdup(text), *to = line;
  for (const char *from = text; line && *from; ++from) {
    const char *end = *from == '#' ? strchr(from, '\n') : NULL;
    if (end) from = end;
    if (!isspace((unsigned char)*from))
      *to++ = *from;
    else if (to > line && to[-1] != ' ')
      *to++ = ' ';
  }
  if (!line) return NULL;
  to -= to > line && to[-1] == ' ';
  *to = '\0';
  return line;
}

/* The value of a setting in one line, or NULL. Of data that are known by what they hold, where they
   lie. */
static char *value_text(const cutlab_report *report, int group, const char *name) {
  const cutlab_report_group *g = &report->groups[group];
  const json_t *value = strcmp(name, "path") == 0
                            ? cutlab_report_setting(&report->runs[g->first], name)
                            : json_object_get(g->key, name);
  if (!value) return NULL;
  return json_is_string(value) ? cutlab_report_one_line(json_string_value(value))
                               : cutlab_report_compact(value);
}

/* How many bytes the value begins with that all others of the family begin with too. */
static size_t shared_start(const cutlab_report *report, int group, const char *name,
                           const char *text) {
  size_t shared = strlen(text);
  for (int i = 0; i < report->group_count; ++i) {
    char *other = related(report, group, i) ? value_text(report, i, name) : NULL;
    if (!other) continue;
    size_t same = 0;
    while (same < shared && text[same] == other[same]) ++same;
    shared = same;
    free(other);
  }
  return shared;
}

static bool inside_character(char byte) {
  return (byte & 0xC0) == 0x80;
}

/* A long text in part, from shortly before it differs from the others. */
static void put_part(FILE *stream, const char *text, size_t shared) {
  size_t from = shared > longest_value / 2 ? shared - 8 : 0, to = from + longest_value;
  while (inside_character(text[from])) --from;
  if (to > strlen(text)) to = strlen(text);
  while (inside_character(text[to])) --to;
  fprintf(stream, "%s%.*s%s", from ? "..." : "", (int)(to - from), text + from,
          text[to] ? "..." : "");
}

/* "alpha 0.2, no augment", or the value alone of what speaks for itself. */
static void put_settings(FILE *stream, const cutlab_report *report, int group, const json_t *names,
                         const char *separator) {
  const char *name;
  json_t *unused;
  json_object_foreach((json_t *)names, name, unused) {
    char *text = value_text(report, group, name);
    if (!text) continue;
    bool bare = strcmp(name, "dataset") == 0 || strcmp(name, "model") == 0;
    if (bare)
      fputs(separator, stream);
    else
      fprintf(stream, *text ? "%s%s " : "%sno %s", separator, name);
    if (strlen(text) <= longest_value)
      fputs(text, stream);
    else
      put_part(stream, text, shared_start(report, group, name, text));
    free(text);
    separator = ", ";
  }
}

static char *settings_text(const cutlab_report *report, int group, const json_t *names,
                           const char *separator) {
  char *text = NULL;
  size_t size;
  FILE *stream = open_memstream(&text, &size);
  if (!stream) return NULL;
  put_settings(stream, report, group, names, separator);
  fclose(stream);
  return text;
}

/* How many of the family these settings tell apart, as they would read. */
static int told_apart(const cutlab_report *report, int group, const json_t *names,
                      size_t *longest) {
  json_t *seen = json_object();
  *longest = 0;
  for (int i = 0; i < report->group_count; ++i) {
    char *text = related(report, group, i) ? settings_text(report, i, names, "") : NULL;
    if (!text) continue;
    put_name(seen, text);
    if (strlen(text) > *longest) *longest = strlen(text);
    free(text);
  }
  int count = (int)json_object_size(seen);
  json_decref(seen);
  return count;
}

/* Adds the setting that tells most groups apart, where the data lie only if no other does; false
   where none helps. */
static bool add_best(const cutlab_report *report, int group, json_t *chosen, const json_t *from) {
  const char *name, *best = NULL;
  json_t *unused;
  size_t longest;
  int most = told_apart(report, group, chosen, &longest);
  json_object_foreach((json_t *)from, name, unused) {
    if (json_object_get(chosen, name) || (best && strcmp(name, "path") == 0)) continue;
    put_name(chosen, name);
    int count = told_apart(report, group, chosen, &longest);
    json_object_del(chosen, name);
    if (count <= most) continue;
    most = count;
    best = name;
  }
  if (best) put_name(chosen, best);
  return best != NULL;
}

/* Those of the varying settings that make names. */
static json_t *choose(const cutlab_report *report, int group, const json_t *from) {
  const char *name;
  json_t *value, *all = json_copy((json_t *)from), *chosen = json_object();
  size_t longest;
  json_object_del(all, "path");
  int count = told_apart(report, group, all, &longest);
  if (count == family_size(report, group) && longest <= enough) {
    json_decref(chosen);
    return all;
  }
  json_decref(all);
  if (json_object_get(from, "dataset")) put_name(chosen, "dataset");
  while (add_best(report, group, chosen, from)) continue;
  json_t *ordered = json_object();
  json_object_foreach((json_t *)from, name, value) if (json_object_get(chosen, name))
      put_name(ordered, name);
  json_decref(chosen);
  return ordered;
}

/* Names and other differences of a group and all related to it. */
static void name_family(cutlab_report *report, int group) {
  json_t *from = varying(report, group), *chosen = choose(report, group, from);
  const char *name;
  json_t *unused, *others = json_copy(from);
  json_object_foreach(chosen, name, unused) json_object_del(others, name);
  json_object_del(others, "path");
  for (int i = 0; report->groups[group].source->described[i]; ++i)
    json_object_del(others, report->groups[group].source->described[i]);
  for (int i = group; i < report->group_count; ++i) {
    if (!related(report, group, i)) continue;
    report->groups[i].name = settings_text(report, i, chosen, "");
    report->groups[i].differs = settings_text(report, i, others, ", ");
  }
  json_decref(from);
  json_decref(chosen);
  json_decref(others);
}

/* The name of the folder that holds all of the group's runs, and none of another, or NULL. */
static const char *own_folder(const cutlab_report *report, int group) {
  const char *name = report->runs[report->groups[group].first].parent;
  for (int i = 0; i < report->run_count; ++i)
    if ((report->runs[i].group == group) != (strcmp(report->runs[i].parent, name) == 0))
      return NULL;
  return *name ? name : NULL;
}

static bool replace(char **text, const char *by) {
  char *copy = strdup(by);
  if (!copy) return false;
  free(*text);
  *text = copy;
  return true;
}

/* The folder's name instead, which needs no list of differences; "runs" where nothing differs. */
static bool take_folder(const cutlab_report *report, int group) {
  cutlab_report_group *g = &report->groups[group];
  const char *folder =
      report->run_count == 1 ? strrchr(report->runs[0].real, '/') + 1 : own_folder(report, group);
  if (folder) return replace(&g->name, folder) && replace(&g->differs, "");
  return g->name && g->differs && (*g->name || replace(&g->name, "runs"));
}

static bool is_taken(const cutlab_report *report, int group) {
  for (int i = 0; i < group; ++i)
    if (strcmp(report->groups[i].name, report->groups[group].name) == 0) return true;
  return false;
}

/* Folders and settings may hold anything: one line, UTF-8 or else ASCII, not too long, and with a
   number at its end where an earlier group has the name. */
static bool clean_name(const cutlab_report *report, int group) {
  char *name = report->groups[group].name;
  json_t *valid = json_string(name);
  for (char *c = name; *c; ++c)
    if (iscntrl((unsigned char)*c) || (!valid && !isascii((unsigned char)*c))) *c = '?';
  json_decref(valid);
  size_t length = strlen(name), kept = longest_name - 3;
  while (length > longest_name && inside_character(name[kept])) --kept;
  if (length > longest_name) memcpy(name + kept, "...", sizeof "...");
  if (!is_taken(report, group)) return true;
  char *stem = strdup(name);
  bool made = stem != NULL;
  for (int number = 2; made && is_taken(report, group); ++number) {
    char *numbered;
    made = asprintf(&numbered, "%s #%d", stem, number) >= 0;
    if (!made) break;
    free(report->groups[group].name);
    report->groups[group].name = numbered;
  }
  free(stem);
  return made;
}

/* Letters, digits, '.', '_' and '-' only, at most 60, made unique by a number. */
static char *group_slug(const cutlab_report *report, int group) {
  char slug[64];
  int length = 0;
  for (const char *c = report->groups[group].name; *c && length < 60; ++c) {
    bool plain = isalnum((unsigned char)*c) || (length && strchr("._", *c));
    if (plain)
      slug[length++] = *c;
    else if (length && slug[length - 1] != '-')
      slug[length++] = '-';
  }
  while (length && slug[length - 1] == '-') --length;
  slug[length] = '\0';
  if (!length) strcpy(slug, "runs");
  int same = strcmp(slug, "all") == 0; /* the figures over all groups */
  for (int i = 0; i < group; ++i) {
    const char *other = report->groups[i].slug;
    size_t stem = strlen(slug);
    same += strncmp(other, slug, stem) == 0 && (!other[stem] || other[stem] == '-');
  }
  char *text;
  if (same == 0) return strdup(slug);
  return asprintf(&text, "%s-%d", slug, same + 1) < 0 ? NULL : text;
}

cutlab_status cutlab_report_name_groups(cutlab_context *context, cutlab_report *report) {
  for (int i = 0; i < report->group_count; ++i)
    if (!report->groups[i].name) name_family(report, i);
  for (int i = 0; i < report->group_count; ++i) {
    bool named = take_folder(report, i) && clean_name(report, i);
    report->groups[i].slug = named ? group_slug(report, i) : NULL;
    if (!report->groups[i].slug)
      return cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory: names of groups");
  }
  return CUTLAB_OK;
}
