/* Makes outputs line by line. */
#include "augment/evaluator.h"

#include <stdlib.h>
#include <string.h>

#include "augment/pixels.h"
#include "augment/shares.h"

cutlab_dtype cutlab_evaluator_dtype(const cutlab_evaluator *ev, uint64_t steps) {
  return steps & ev->normalises ? CUTLAB_FLOAT32 : ev->input->dtype;
}

/* ---- Links ---- */

static cutlab_status add_link(cutlab_evaluator *ev, int *index) {
  if (ev->link_count == ev->link_capacity) {
    int capacity = ev->link_capacity ? 2 * ev->link_capacity : 16;
    cutlab_link *grown = realloc(ev->links, (size_t)capacity * sizeof *grown);
    if (!grown)
      return cutlab_fail(ev->context, CUTLAB_ERROR_MEMORY, "out of memory: steps of an output");
    memset(grown + ev->link_capacity, 0, (size_t)(capacity - ev->link_capacity) * sizeof *grown);
    ev->links = grown;
    ev->link_capacity = capacity;
  }
  *index = ev->link_count++;
  return CUTLAB_OK;
}

static cutlab_status reserve(cutlab_evaluator *ev, void **memory, size_t *capacity, size_t size) {
  if (size <= *capacity) return CUTLAB_OK;
  void *grown = realloc(*memory, size);
  if (!grown)
    return cutlab_fail(ev->context, CUTLAB_ERROR_MEMORY, "out of memory: %zu bytes of an image",
                       size);
  *memory = grown;
  *capacity = size;
  return CUTLAB_OK;
}

static float read_own(const cutlab_view *view, int32_t y, int32_t x, int32_t c) {
  const cutlab_link *link = view->reader;
  size_t line = (size_t)view->width * (size_t)view->channels * cutlab_dtype_size(view->dtype);
  return cutlab_line_get(view, (const char *)link->image + (size_t)y * line, x, c);
}

static float read_partner(const cutlab_view *view, int32_t y, int32_t x, int32_t c) {
  const cutlab_link *link = view->reader;
  size_t line = (size_t)view->width * (size_t)view->channels * cutlab_dtype_size(view->dtype);
  return cutlab_line_get(view, (const char *)link->partner_image + (size_t)y * line, x, c);
}

static void fill_view(cutlab_evaluator *ev, cutlab_view *view, const cutlab_entry *entry) {
  const cutlab_batch *input = ev->input;
  const cutlab_step *step = &ev->plan->policy->steps[entry->step];
  cutlab_dtype dtype = cutlab_evaluator_dtype(ev, step->visible);
  *view = (cutlab_view){.step = step,
                        .entry = entry,
                        .runs = ev->plan->runs + entry->run,
                        .height = (int32_t)input->height,
                        .width = (int32_t)input->width,
                        .channels = (int32_t)input->channels,
                        .layout = input->layout,
                        .dtype = dtype,
                        .scale = dtype == CUTLAB_UINT8 ? 255 : 1,
                        .pixels = cutlab_pixels_of(ev->context),
                        .own = read_own,
                        .partner = read_partner};
}

/* Links for what a row is after those of `steps` that act on it. Steps that an own step cannot see
   are alternatives to it and have no entries for the same row. */
static cutlab_status build(cutlab_evaluator *ev, uint64_t steps, int32_t row, int *last) {
  *last = -1;
  const cutlab_entry *entry = cutlab_plan_last(ev->plan, steps, row);
  if (!entry) return CUTLAB_OK;
  uint64_t visible = ev->plan->policy->steps[entry->step].visible;
  int index = 0, own, partner = -1;
  CUTLAB_TRY(build(ev, visible, row, &own));
  if (entry->partner_row >= 0) CUTLAB_TRY(build(ev, visible, entry->partner_row, &partner));
  CUTLAB_TRY(add_link(ev, &index));
  cutlab_link *link = &ev->links[index];
  size_t line_size = (size_t)ev->elements * sizeof(float);
  if (line_size > link->line_size) {
    size_t both = link->line_size;
    CUTLAB_TRY(reserve(ev, &link->partner_line, &both, line_size));
    CUTLAB_TRY(reserve(ev, &link->scratch, &link->line_size, line_size));
  }
  link->own = own;
  link->partner = partner;
  link->row = row;
  link->partner_row = entry->partner_row;
  link->has_image = link->has_partner_image = false;
  fill_view(ev, &link->view, entry);
  *last = index;
  return CUTLAB_OK;
}

cutlab_status cutlab_evaluator_build(cutlab_evaluator *ev, int32_t row, int *last) {
  uint64_t all = cutlab_policy_all_steps(ev->plan->policy);
  ev->link_count = 0;
  return build(ev, all & ~ev->left_out, row, last);
}

void cutlab_evaluator_clear(cutlab_evaluator *ev) {
  for (int i = 0; i < ev->link_capacity; ++i) {
    free(ev->links[i].image);
    free(ev->links[i].partner_image);
    free(ev->links[i].partner_line);
    free(ev->links[i].scratch);
  }
  free(ev->links);
  ev->links = NULL;
}

/* ---- Lines ---- */

static void input_line(const cutlab_evaluator *ev, int32_t row, int32_t y, void *line) {
  const cutlab_batch *input = ev->input;
  size_t size = cutlab_dtype_size(input->dtype);
  const char *sample = (const char *)input->data + row * ev->stride;
  if (input->layout == CUTLAB_NHWC) {
    size_t bytes = (size_t)ev->elements * size;
    memcpy(line, sample + (size_t)y * bytes, bytes);
    return;
  }
  size_t bytes = (size_t)input->width * size;
  for (int64_t c = 0; c < input->channels; ++c)
    memcpy((char *)line + (size_t)c * bytes, sample + (size_t)(c * input->height + y) * bytes,
           bytes);
}

/* The whole image after a link, as lines. */
static cutlab_status materialise(cutlab_evaluator *ev, int link, int32_t row, cutlab_dtype dtype,
                                 void **image, size_t *capacity) {
  size_t line = (size_t)ev->elements * cutlab_dtype_size(dtype);
  /* A line may be made in place out of a wider one: room for float32. */
  CUTLAB_TRY(
      reserve(ev, image, capacity,
              line * (size_t)(ev->input->height - 1) + (size_t)ev->elements * sizeof(float)));
  for (int32_t y = 0; y < ev->input->height; ++y)
    CUTLAB_TRY(cutlab_evaluator_line(ev, link, row, y, (char *)*image + (size_t)y * line));
  return CUTLAB_OK;
}

static bool by_pixel(const cutlab_method_ops *method) {
  return !method->line && method->role != CUTLAB_ROLE_BLEND &&
         method->role != CUTLAB_ROLE_NORMALISE;
}

/* Makes the images that the method reads as a whole; once per output. */
static cutlab_status prepare(cutlab_evaluator *ev, cutlab_link *link) {
  const cutlab_method_ops *method = link->view.step->method;
  if (link->has_image || !(method->whole_image || by_pixel(method))) return CUTLAB_OK;
  cutlab_dtype dtype = link->view.dtype;
  CUTLAB_TRY(materialise(ev, link->own, link->row, dtype, &link->image, &link->image_size));
  link->has_image = true;
  if (by_pixel(method) && link->partner_row >= 0)
    CUTLAB_TRY(materialise(ev, link->partner, link->partner_row, dtype, &link->partner_image,
                           &link->partner_image_size));
  link->view.image = link->image;
  link->view.reader = link;
  if (method->begin) method->begin(&link->view);
  return CUTLAB_OK;
}

static void pixel_line(const cutlab_link *link, int32_t y, void *line) {
  const cutlab_view *view = &link->view;
  for (int32_t x = 0; x < view->width; ++x)
    for (int32_t c = 0; c < view->channels; ++c)
      cutlab_line_set(view, line, x, c, view->step->method->pixel(view, y, x, c));
}

static void normalise_line(const cutlab_evaluator *ev, const cutlab_link *link, void *line) {
  const cutlab_pixels *pixels = link->view.pixels;
  switch (link->view.dtype) {
  case CUTLAB_UINT8:
    pixels->affine_uint8(line, link->partner_line, ev->gain, ev->offset, ev->elements);
    return;
  case CUTLAB_FLOAT16:
    pixels->affine_float16(line, link->partner_line, ev->gain, ev->offset, ev->elements);
    return;
  default:
    pixels->affine_float32(line, line, ev->gain, ev->offset, ev->elements);
  }
}

static void blend_line(const cutlab_evaluator *ev, const cutlab_link *link, void *line) {
  const cutlab_pixels *pixels = link->view.pixels;
  double lambda = link->view.entry->weight;
  switch (link->view.dtype) {
  case CUTLAB_UINT8:
    pixels->blend_uint8(line, link->partner_line, (uint32_t)__builtin_rint(lambda * 0x1p24),
                        ev->elements);
    return;
  case CUTLAB_FLOAT16:
    pixels->blend_float16(line, link->partner_line, (float)lambda, ev->elements);
    return;
  default:
    pixels->blend_float32(line, link->partner_line, (float)lambda, ev->elements);
  }
}

static bool needs_partner(const cutlab_view *view, int32_t y) {
  if (view->entry->partner_row < 0) return false;
  return !view->step->method->needs_partner || view->step->method->needs_partner(view, y);
}

/* The own line that line y is made of; where its dtype is smaller than the result's, it goes to
   partner_line, which normalise has no other use for. */
static cutlab_status own_line(cutlab_evaluator *ev, const cutlab_link *link, int32_t y,
                              void *line) {
  const cutlab_view *view = &link->view;
  const cutlab_method_ops *method = view->step->method;
  int32_t from = method->source_line ? method->source_line(view, y) : y;
  if (from < 0) return CUTLAB_OK;
  if (method->role == CUTLAB_ROLE_NORMALISE && view->dtype != CUTLAB_FLOAT32)
    line = link->partner_line;
  if (!link->has_image) return cutlab_evaluator_line(ev, link->own, link->row, from, line);
  size_t bytes = (size_t)ev->elements * cutlab_dtype_size(view->dtype);
  memcpy(line, (const char *)link->image + (size_t)from * bytes, bytes);
  return CUTLAB_OK;
}

cutlab_status cutlab_evaluator_line(cutlab_evaluator *ev, int index, int32_t row, int32_t y,
                                    void *line) {
  if (index < 0) {
    input_line(ev, row, y, line);
    return CUTLAB_OK;
  }
  cutlab_link *link = &ev->links[index];
  const cutlab_method_ops *method = link->view.step->method;
  CUTLAB_TRY(prepare(ev, link));
  if (by_pixel(method)) {
    pixel_line(link, y, line);
    return CUTLAB_OK;
  }
  CUTLAB_TRY(own_line(ev, link, y, line));
  bool needs = method->role != CUTLAB_ROLE_NORMALISE && needs_partner(&link->view, y);
  if (needs)
    CUTLAB_TRY(cutlab_evaluator_line(ev, link->partner, link->partner_row, y, link->partner_line));
  if (method->role == CUTLAB_ROLE_NORMALISE)
    normalise_line(ev, link, line);
  else if (method->line) {
    link->view.scratch = link->scratch;
    method->line(&link->view, y, line, needs ? link->partner_line : NULL);
  } else
    blend_line(ev, link, line);
  return CUTLAB_OK;
}
