/* sheet.html: what a plan did to the first outputs of a batch. */
#include <cutlab/sheet.h>
#include <cutlab/version.h>

#include <inttypes.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "augment/apply.h"
#include "base/file.h"
#include "report/report_internal.h"
#include "report/sheet_picture.h"

enum { most_terms = 4 }; /* of a label, written out */

typedef struct sheet {
  cutlab_context *context;
  FILE *file;
  cutlab_plan *plan;
  const cutlab_batch *output, *input;
  const cutlab_sheet_labels *labels; /* or NULL */
  const char *const *names;          /* [count] or NULL */
  int64_t count;
  bool series;
  cutlab_sheet_scale input_scale, output_scale;
} sheet;

/* An output's entries by what they do; pointers into the plan. */
typedef struct acts {
  const cutlab_entry *all[CUTLAB_POLICY_MAX_STEPS];       /* every step that acts */
  const cutlab_entry *replacing[CUTLAB_POLICY_MAX_STEPS]; /* those with a mask */
  int count, replacing_count;
} acts;

static void put_text(FILE *file, const char *text) {
  for (; *text; ++text) {
    if (*text == '<')
      fputs("&lt;", file);
    else if (*text == '>')
      fputs("&gt;", file);
    else if (*text == '&')
      fputs("&amp;", file);
    else if (*text == '"')
      fputs("&quot;", file);
    else
      fputc(*text, file);
  }
}

static const char *method_name(const sheet *s, const cutlab_entry *entry) {
  return cutlab_policy_step_name(s->plan->policy, entry->step);
}

static acts find_acts(const sheet *s, int64_t row) {
  acts a = {0};
  for (int step = 0; step < s->plan->policy->step_count; ++step) {
    const cutlab_entry *entry = cutlab_plan_find(s->plan, step, row);
    if (!entry) continue;
    cutlab_role role = s->plan->policy->steps[step].method->role;
    a.all[a.count++] = entry;
    if (role == CUTLAB_ROLE_REGION || role == CUTLAB_ROLE_ERASE || role == CUTLAB_ROLE_BLEND)
      a.replacing[a.replacing_count++] = entry;
  }
  return a;
}

/* ---- Pictures ---- */

/* `kind`: own, partner or output. */
static cutlab_status put_sample(const sheet *s, const char *kind, int64_t row, const char *caption,
                                const acts *a) {
  bool output = strcmp(kind, "output") == 0;
  const cutlab_batch *batch = output ? s->output : s->input;
  cutlab_sheet_scale scale = output ? s->output_scale : s->input_scale;
  cutlab_status status = CUTLAB_OK;
  fprintf(s->file, "<figure class=\"%s\">", kind);
  if (s->series)
    cutlab_sheet_plot(s->file, batch, row, scale, caption, s->plan, a->replacing,
                      output ? a->replacing_count : 0);
  else
    status = cutlab_sheet_image(s->context, s->file, batch, row, scale, caption);
  fprintf(s->file, "<figcaption>%s</figcaption></figure>\n", caption);
  return status;
}

static cutlab_status put_mask(const sheet *s, const cutlab_entry *entry) {
  if (s->series) return CUTLAB_OK;
  fputs("<figure class=\"mask\">", s->file);
  cutlab_status status = cutlab_sheet_mask(s->context, s->file, s->plan, entry);
  fprintf(s->file, "<figcaption>mask of %s</figcaption></figure>\n", method_name(s, entry));
  return status;
}

static cutlab_status put_pictures(const sheet *s, int64_t row, const acts *a) {
  char caption[64];
  fputs("<div class=\"pictures\">\n", s->file);
  CUTLAB_TRY(put_sample(s, "own", row, "own", a));
  for (int i = 0; i < a->replacing_count; ++i) {
    const cutlab_entry *entry = a->replacing[i];
    snprintf(caption, sizeof caption, "partner %" PRId64, entry->partner);
    if (entry->partner_row >= 0)
      CUTLAB_TRY(put_sample(s, "partner", entry->partner_row, caption, a));
    CUTLAB_TRY(put_mask(s, entry));
  }
  CUTLAB_TRY(put_sample(s, "output", row, "output", a));
  fputs("</div>\n", s->file);
  return CUTLAB_OK;
}

/* ---- Labels ---- */

/* A part of a label: of a class, or of a sample; `own` is its part of the own label. */
typedef struct term {
  int64_t of;
  double weight, own;
} term;

static int own_first(const void *a, const void *b) {
  const term *x = a, *y = b;
  if (x->own != y->own) return x->own < y->own ? 1 : -1;
  if (x->weight != y->weight) return x->weight < y->weight ? 1 : -1;
  return x->of < y->of ? -1 : x->of > y->of;
}

static term class_term(const sheet *s, int64_t row, int64_t class) {
  const cutlab_sheet_labels *labels = s->labels;
  int64_t at = row * labels->classes + class;
  return (term){class, (double)labels->mixed[at], labels->own ? (double)labels->own[at] : 0};
}

/* The terms that are not 0, in their order; *terms is to be freed. */
static cutlab_status find_terms(const sheet *s, int64_t row, term **terms, int64_t *count) {
  const cutlab_source *sources = NULL;
  int64_t source_count = s->labels ? s->labels->classes : 0;
  if (!s->labels)
    CUTLAB_TRY(cutlab_plan_sources(s->context, s->plan, row, &sources, &source_count));
  *terms = cutlab_allocate(s->context, source_count, sizeof **terms);
  if (!*terms) return CUTLAB_ERROR_MEMORY;
  *count = 0;
  for (int64_t i = 0; i < source_count; ++i) {
    term t = s->labels ? class_term(s, row, i)
                       : (term){s->plan->samples[sources[i].row], (double)sources[i].weight,
                                sources[i].row == row};
    if (t.weight != 0 || t.own != 0) (*terms)[(*count)++] = t;
  }
  qsort(*terms, (size_t)*count, sizeof **terms, own_first);
  return CUTLAB_OK;
}

/* A bar says more than numbers where they are shares of one. */
static void put_bar(FILE *file, const term *terms, int64_t count) {
  double sum = 0;
  for (int64_t i = 0; i < count; ++i) {
    if (terms[i].weight < 0) return;
    sum += terms[i].weight;
  }
  if (count == 0 || fabs(sum - 1) > 1e-3) return;
  fputs("<div class=\"bar\" aria-hidden=\"true\">", file);
  for (int64_t i = 0; i < count && i < most_terms; ++i)
    fprintf(file, "<i style=\"width:%.2f%%\"></i>", 100 * terms[i].weight);
  fputs("</div>\n", file);
}

static void put_term(const sheet *s, const term *t) {
  if (s->labels && s->labels->class_names)
    put_text(s->file, s->labels->class_names[t->of]);
  else
    fprintf(s->file, "%s %" PRId64, s->labels ? "class" : "sample", t->of);
  fprintf(s->file, ": <b>%.3g</b>", t->weight);
}

static cutlab_status put_label(const sheet *s, int64_t row) {
  term *terms = NULL;
  int64_t count = 0;
  CUTLAB_TRY(find_terms(s, row, &terms, &count));
  put_bar(s->file, terms, count);
  fputs("<p><b>label</b> ", s->file);
  for (int64_t i = 0; i < count && i < most_terms; ++i) {
    if (i) fputs(", ", s->file);
    put_term(s, &terms[i]);
  }
  if (count > most_terms) fprintf(s->file, ", and %" PRId64 " more", count - most_terms);
  fprintf(s->file, "%s</p>\n", count ? "" : "nothing");
  free(terms);
  return CUTLAB_OK;
}

/* ---- Cards ---- */

static void put_acts(const sheet *s, const acts *a) {
  double positions = (double)s->plan->drawn.height * (double)s->plan->drawn.width;
  fputs("<p class=\"methods\">", s->file);
  for (int i = 0; i < a->count; ++i) {
    fputs("<span>", s->file);
    put_text(s->file, method_name(s, a->all[i]));
    fputs("</span> ", s->file);
  }
  fprintf(s->file, "%s</p>\n", a->count ? "" : "<span class=\"none\">left as it is</span>");
  for (int i = 0; i < a->replacing_count; ++i) {
    const cutlab_entry *entry = a->replacing[i];
    fputs("<p><b>", s->file);
    put_text(s->file, method_name(s, entry));
    fputs("</b> ", s->file);
    if (entry->partner_row >= 0)
      fprintf(s->file, "&lambda; <b>%.4g</b> nominal, weight <b>%.4g</b>", entry->lambda,
              entry->weight);
    if (!cutlab_sheet_blends(s->plan, entry))
      fprintf(s->file, "%s<b>%.3g</b> %% replaced", entry->partner_row >= 0 ? ", " : "",
              100 * (double)entry->pixels / positions);
    fputs("</p>\n", s->file);
  }
}

static cutlab_status put_card(const sheet *s, int64_t row) {
  acts a = find_acts(s, row);
  fprintf(s->file, "<article>\n<h2>output %" PRId64 " <small>of sample %" PRId64, row,
          s->plan->samples[row]);
  if (s->names) {
    fputs(": ", s->file);
    put_text(s->file, s->names[row]);
  }
  fputs("</small></h2>\n", s->file);
  CUTLAB_TRY(put_pictures(s, row, &a));
  put_acts(s, &a);
  CUTLAB_TRY(put_label(s, row));
  fputs("</article>\n", s->file);
  return CUTLAB_OK;
}

/* ---- Page ---- */

/* Scales over all samples that the page shows. */
static cutlab_status find_scales(sheet *s) {
  int32_t *rows = cutlab_allocate(s->context, s->count + s->plan->entry_count, sizeof *rows);
  if (!rows) return CUTLAB_ERROR_MEMORY;
  int64_t count = s->count;
  for (int64_t i = 0; i < count; ++i) rows[i] = (int32_t)i;
  s->output_scale = cutlab_sheet_range(s->output, rows, count);
  for (int64_t i = 0; i < s->plan->entry_count; ++i)
    if (s->plan->entries[i].row < s->count && s->plan->entries[i].partner_row >= 0)
      rows[count++] = s->plan->entries[i].partner_row;
  s->input_scale = cutlab_sheet_range(s->input, rows, count);
  free(rows);
  return CUTLAB_OK;
}

static void put_scale(const sheet *s, const char *name, const cutlab_batch *batch,
                      cutlab_sheet_scale scale) {
  if (batch->dtype != CUTLAB_UINT8)
    fprintf(s->file, " %s of type %s: values from %.4g to %.4g are drawn %s.", name,
            cutlab_dtype_name(batch->dtype), scale.low, scale.high,
            s->series ? "from bottom to top" : "from black to white");
}

/* What stands in the pictures, where it is not simply the values. */
static void put_drawing_notes(const sheet *s) {
  const cutlab_batch *input = s->input;
  put_scale(s, "Inputs", input, s->input_scale);
  put_scale(s, "Outputs", s->output, s->output_scale);
  int64_t step = s->series ? 1 : cutlab_sheet_thinning(input);
  if (step > 1) fprintf(s->file, " One pixel in %" PRId64 " is shown, both ways.", step);
  int64_t least = cutlab_sheet_channels(input), of_output = cutlab_sheet_channels(s->output);
  if (of_output < least) least = of_output;
  if (least < input->channels)
    fprintf(s->file, " Of the channels, the first %" PRId64 " %s drawn.", least,
            least == 1 ? "is" : "are");
}

static void put_sizes(const sheet *s) {
  const cutlab_batch *input = s->input;
  fprintf(s->file, "%" PRId64 " output%s: %s of ", s->count, s->count == 1 ? "" : "s",
          s->series ? "series" : "images");
  if (s->series)
    fprintf(s->file, "length %" PRId64, input->width);
  else
    fprintf(s->file, "%" PRId64 " x %" PRId64, input->height, input->width);
  fprintf(s->file, ", %" PRId64 " channel%s, %s", input->channels, input->channels == 1 ? "" : "s",
          cutlab_dtype_name(input->dtype));
  if (s->output->dtype != input->dtype)
    fprintf(s->file, " to %s", cutlab_dtype_name(s->output->dtype));
}

static void put_head(const sheet *s) {
  fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
        "<title>CutLab contact sheet</title>\n<style>\n",
        s->file);
  fputs(cutlab_asset_sheet_css, s->file);
  fputs("</style>\n</head>\n<body>\n<header>\n<h1>Contact sheet</h1>\n<pre>", s->file);
  put_text(s->file, cutlab_policy_text(s->plan->policy));
  fputs("</pre>\n<p>", s->file);
  put_sizes(s);
  fputs(s->series ? ". What was replaced is shaded; paler where the partner has a smaller share."
                  : ". In a mask, white was replaced; grey is the partner's share where all of the "
                    "image was mixed.",
        s->file);
  fputs(s->series ? " Own and partner are shown as they were before any step; the shades lie where "
                    "their step put them, before later ones."
                  : " Own and partner are shown as they were before any step; a mask lies in the "
                    "coordinates of its step.",
        s->file);
  fputs(
      " &lambda; is the share of the own sample as drawn, weight that of its label. In the bar of "
      "a label, the own part comes first, in blue.",
      s->file);
  put_drawing_notes(s);
  fprintf(s->file, "</p>\n</header>\n<main%s>\n", s->series ? " class=\"series\"" : "");
}

static cutlab_status put_page(sheet *s) {
  CUTLAB_TRY(find_scales(s));
  put_head(s);
  for (int64_t row = 0; row < s->count; ++row) CUTLAB_TRY(put_card(s, row));
  fprintf(s->file, "</main>\n<footer>Made by CutLab %s.</footer>\n</body>\n</html>\n",
          cutlab_version());
  return CUTLAB_OK;
}

static cutlab_status check(const sheet *s) {
  if (!s->plan->policy)
    return cutlab_fail(s->context, CUTLAB_ERROR_ARGUMENT, "the plan has not been drawn");
  if (s->count < 0 || (s->labels && (s->labels->classes < 1 || !s->labels->mixed)))
    return cutlab_fail(s->context, CUTLAB_ERROR_ARGUMENT,
                       "count is %" PRId64 " and classes %" PRId64
                       "; accepted: 0 or more, and 1 or more and mixed labels where there are any",
                       s->count, s->labels ? s->labels->classes : 0);
  bool in_place;
  return cutlab_apply_check(s->context, s->plan, s->output, s->input, &in_place);
}

cutlab_status cutlab_sheet_write(cutlab_context *context, const char *path, cutlab_plan *plan,
                                 const cutlab_batch *output, const cutlab_batch *input,
                                 const cutlab_sheet_labels *labels, const char *const *names,
                                 int64_t count) {
  sheet s = {.context = context,
             .plan = plan,
             .output = output,
             .input = input,
             .labels = labels,
             .names = names,
             .count = count,
             .series = input->height == 1};
  CUTLAB_TRY(check(&s));
  if (count > plan->drawn.count) s.count = plan->drawn.count;
  char *page = NULL;
  size_t size = 0;
  s.file = open_memstream(&page, &size);
  if (!s.file) return cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory: contact sheet");
  locale_t point = newlocale(LC_ALL_MASK, "C", (locale_t)0); /* decimal points in CSS and SVG */
  locale_t before = point ? uselocale(point) : (locale_t)0;
  cutlab_status status = put_page(&s);
  if (point) uselocale(before);
  if (point) freelocale(point);
  bool failed = ferror(s.file) != 0;
  if ((fclose(s.file) != 0 || failed) && status == CUTLAB_OK)
    status = cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory: contact sheet");
  if (status == CUTLAB_OK) status = cutlab_file_write(context, path, page, size);
  free(page);
  return status;
}
