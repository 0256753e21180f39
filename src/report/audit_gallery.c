/* The examples that galleries show. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "report/audit_report.h"
#include "report/sheet_picture.h"

enum { picture_side = 96 }; /* pixels of a side, at most */

/* Marks every example of a gallery, in `shown` [N]; how many. */
static int64_t mark_shown(bool *shown, const cutlab_audit *audit) {
  int64_t count = 0;
  for (int c = 0; c < audit->method_count - 1; ++c) {
    const cutlab_audit_comparison *comparison = &audit->comparisons[c];
    for (int64_t i = 0; i < comparison->rescued_shown; ++i)
      shown[comparison->rescued_most[i]] = true;
    for (int64_t i = 0; i < comparison->hurt_shown; ++i) shown[comparison->hurt_most[i]] = true;
  }
  for (int64_t i = 0; i < audit->count; ++i) count += shown[i];
  return count;
}

/* Pictures */

static cutlab_batch batch_of(const cutlab_audit *audit) {
  const cutlab_collection *images = &audit->images;
  const cutlab_examples *part = audit->held_out ? &images->train : &images->test;
  return (cutlab_batch){.data = part->pixels,
                        .dtype = part->dtype,
                        .layout = CUTLAB_NCHW,
                        .count = part->count,
                        .height = images->height,
                        .width = images->width,
                        .channels = images->channels};
}

static cutlab_status picture(cutlab_context *context, json_t **text, const cutlab_batch *batch,
                             int64_t row, cutlab_sheet_scale scale) {
  uint8_t *bytes;
  char *encoded = NULL;
  size_t size, length;
  CUTLAB_TRY(cutlab_picture_png(context, &bytes, &size, batch, row, scale, picture_side));
  FILE *stream = open_memstream(&encoded, &length);
  if (stream) {
    cutlab_base64(stream, bytes, size);
    fclose(stream);
  }
  free(bytes);
  *text = encoded ? json_string(encoded) : NULL;
  free(encoded);
  return *text ? CUTLAB_OK : cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory: pictures");
}

/* Values of floating point are shown between the extremes of the pictures. */
static cutlab_status range_of(cutlab_context *context, cutlab_sheet_scale *scale,
                              const cutlab_batch *batch, const cutlab_audit *audit,
                              const bool *shown, int64_t count) {
  int32_t *rows = cutlab_allocate(context, count, sizeof *rows);
  if (!rows) return CUTLAB_ERROR_MEMORY;
  int64_t at = 0;
  for (int64_t i = 0; i < audit->count; ++i)
    if (shown[i]) rows[at++] = (int32_t)audit->index[i];
  *scale = cutlab_sheet_range(batch, rows, count);
  free(rows);
  return CUTLAB_OK;
}

/* {place: base64 of a PNG}; empty without images, and for series. There is an image of every
   audited example: cutlab_audit_check_images. */
static cutlab_status pictures(cutlab_context *context, json_t *json, const cutlab_audit *audit,
                              const bool *shown, int64_t count) {
  if (!audit->has_images || audit->images.height == 1) return CUTLAB_OK;
  const cutlab_batch batch = batch_of(audit);
  cutlab_sheet_scale scale;
  CUTLAB_TRY(range_of(context, &scale, &batch, audit, shown, count));
  for (int64_t i = 0; i < audit->count; ++i) {
    json_t *text;
    char key[24];
    if (!shown[i]) continue;
    CUTLAB_TRY(picture(context, &text, &batch, audit->index[i], scale));
    snprintf(key, sizeof key, "%" PRId64, i);
    json_object_set_new(json, key, text);
  }
  return CUTLAB_OK;
}

/* Examples */

/* What each method predicts: [class, share of its trainings that are right, mean probability of
   the label]. */
static json_t *predictions(const cutlab_audit_view *view, int64_t i) {
  json_t *list = json_array();
  int64_t n = view->audit->count;
  for (int m = 0; m < view->audit->method_count; ++m)
    list = cutlab_audit_with(list, json_pack("[I,f,f]", (json_int_t)view->prediction[m * n + i],
                                             view->share[m * n + i], view->probability[m * n + i]));
  return list;
}

static json_t *example(const cutlab_audit_view *view, int64_t i) {
  const cutlab_audit *audit = view->audit;
  return json_pack("{s:I, s:I, s:o, s:f, s:I, s:o}", "index", (json_int_t)audit->index[i], "label",
                   (json_int_t)audit->label[i], "score",
                   audit->score ? cutlab_json_number(audit->score[i]) : json_null(), "difficulty",
                   audit->difficulty[i], "group", (json_int_t)view->difficulty[i], "methods",
                   predictions(view, i));
}

static json_t *places(const int64_t *examples, int64_t count) {
  json_t *list = json_array();
  for (int64_t i = 0; i < count; ++i) list = cutlab_audit_with(list, json_integer(examples[i]));
  return list;
}

static json_t *galleries(const cutlab_audit *audit) {
  json_t *list = json_array();
  for (int c = 0; c < audit->method_count - 1; ++c) {
    const cutlab_audit_comparison *comparison = &audit->comparisons[c];
    list = cutlab_audit_with(
        list, json_pack("{s:i, s:o, s:o}", "method", comparison->method, "rescued",
                        places(comparison->rescued_most, comparison->rescued_shown), "hurt",
                        places(comparison->hurt_most, comparison->hurt_shown)));
  }
  return list;
}

cutlab_status cutlab_audit_gallery(cutlab_context *context, json_t **json,
                                   const cutlab_audit_view *view) {
  const cutlab_audit *audit = view->audit;
  bool *shown = cutlab_allocate(context, audit->count, sizeof *shown);
  if (!shown) return CUTLAB_ERROR_MEMORY;
  int64_t count = mark_shown(shown, audit);
  json_t *examples = json_object(), *images = json_object();
  for (int64_t i = 0; i < audit->count; ++i) {
    char key[24];
    snprintf(key, sizeof key, "%" PRId64, i);
    if (shown[i]) json_object_set_new(examples, key, example(view, i));
  }
  cutlab_status status = pictures(context, images, audit, shown, count);
  free(shown);
  *json = json_pack("{s:o, s:o, s:o}", "comparisons", galleries(audit), "examples", examples,
                    "pictures", images);
  if (status == CUTLAB_OK && !*json)
    status = cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory: galleries");
  return status;
}
