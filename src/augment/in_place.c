/* Regions and blends written into the batch itself. A row that is somebody's partner must be read
   before it is written: rows are put into an order in which almost all are, and the few others are
   read from copies taken before. */
#include "augment/apply.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "augment/pixels.h"
#include "augment/region.h"

typedef struct work {
  const cutlab_plan *plan;
  const cutlab_batch *batch;
  const cutlab_pixels *pixels;
  int64_t stride, size;         /* of a sample, in bytes */
  const cutlab_entry **entries; /* [count] the only entry of a row, or NULL */
  int32_t *order;               /* [written] rows in the order of writing */
  int32_t *place;               /* [count] where in it, -1 for rows that are not written */
  int32_t *readers;             /* [count] unplaced rows that read this one */
  int32_t *lasts; /* [count] the last row of the cycle that starts with this one, else -1 */
  char **copies;  /* [count] of the row as it was, what others read; or NULL */
  char *saved;    /* room for an image for each thread */
  int32_t written;
  bool streams; /* past the caches, which the batch would not fit into */
} work;

/* ---- The order ---- */

/* The row that a row reads and that is written itself, or -1. */
static int32_t read_row(const work *w, int32_t row) {
  int32_t partner = w->entries[row]->partner_row;
  return partner >= 0 && partner != row && w->entries[partner] ? partner : -1;
}

/* Places a row, then its partner if nobody else waits for that, and so on along the chain. */
static void place_chain(work *w, int32_t row) {
  while (row >= 0 && w->place[row] < 0 && w->readers[row] == 0) {
    w->place[row] = w->written;
    w->order[w->written++] = row;
    row = read_row(w, row);
    if (row >= 0) --w->readers[row];
  }
}

/* Readers before what they read, as far as cycles allow. */
static void place_rows(work *w) {
  int32_t count = (int32_t)w->plan->drawn.count;
  for (int32_t row = 0; row < count; ++row) w->place[row] = w->lasts[row] = -1;
  for (int32_t row = 0; row < count; ++row)
    if (w->entries[row] && read_row(w, row) >= 0) ++w->readers[read_row(w, row)];
  for (int32_t row = 0; row < count; ++row)
    if (w->entries[row]) place_chain(w, row);
  for (int32_t row = 0; row < count; ++row) { /* what is left are cycles: open each anywhere */
    if (!w->entries[row] || w->place[row] >= 0) continue;
    w->readers[row] = 0;
    place_chain(w, row);
    w->lasts[row] = w->order[w->written - 1];
  }
}

/* ---- Writing ---- */

/* A block [top, bottom) x [left, right) of the partner's. */
static void copy_block(const work *w, char *own, const char *partner, int64_t top, int64_t left,
                       int64_t bottom, int64_t right) {
  const cutlab_batch *b = w->batch;
  int64_t size = (int64_t)cutlab_dtype_size(b->dtype), planes = 1;
  if (b->layout == CUTLAB_NHWC)
    size *= b->channels;
  else
    planes = b->channels;
  int64_t line = b->width * size, plane = b->height * line, start = top * line + left * size;
  void (*copy)(uint8_t *, const uint8_t *, int64_t, int64_t, int64_t) =
      w->streams ? w->pixels->copy_streaming : w->pixels->copy;
  for (int64_t c = 0; c < planes; ++c, start += plane)
    copy((uint8_t *)own + start, (const uint8_t *)partner + start, (right - left) * size,
         bottom - top, line);
}

static void write_region(const work *w, const cutlab_entry *entry, char *own, const char *partner) {
  int64_t width = w->batch->width;
  if (!entry->run_count)
    copy_block(w, own, partner, entry->top, entry->left, entry->bottom, entry->right);
  for (int32_t i = 0; i < entry->run_count; ++i) {
    cutlab_run_range run = w->plan->runs[entry->run + i];
    for (int64_t begin = run.begin; begin < run.end;) { /* by line */
      int64_t y = begin / width, end = (y + 1) * width < run.end ? (y + 1) * width : run.end;
      copy_block(w, own, partner, y, begin - y * width, y + 1, end - y * width);
      begin = end;
    }
  }
}

static void write_blend(const work *w, const cutlab_entry *entry, void *own, const void *partner) {
  int64_t count = w->size / (int64_t)cutlab_dtype_size(w->batch->dtype);
  switch (w->batch->dtype) {
  case CUTLAB_UINT8:
    w->pixels->blend_uint8(own, partner, (uint32_t)__builtin_rint(entry->weight * 0x1p24), count);
    return;
  case CUTLAB_FLOAT16:
    w->pixels->blend_float16(own, partner, (float)entry->weight, count);
    return;
  default:
    w->pixels->blend_float32(own, partner, (float)entry->weight, count);
  }
}

static cutlab_view make_view(const work *w, const cutlab_entry *entry) {
  const cutlab_batch *b = w->batch;
  return (cutlab_view){.step = &w->plan->policy->steps[entry->step],
                       .entry = entry,
                       .runs = w->plan->runs + entry->run,
                       .height = (int32_t)b->height,
                       .width = (int32_t)b->width,
                       .channels = (int32_t)b->channels,
                       .layout = b->layout,
                       .dtype = b->dtype,
                       .scale = b->dtype == CUTLAB_UINT8 ? 255 : 1,
                       .pixels = w->pixels};
}

/* A value that is one byte repeated is filled as bytes: zeros, and uint8 with one value. */
static void write_erased(const work *w, const cutlab_entry *entry, char *own) {
  const cutlab_batch *b = w->batch;
  cutlab_view view = make_view(w, entry);
  const cutlab_setting *fill = &view.step->settings[view.step->method->fill_setting - 1];
  float value = cutlab_fill_value(&view, fill, 0, 0);
  bool nhwc = b->layout == CUTLAB_NHWC,
       bytes = b->dtype == CUTLAB_UINT8 || (value == 0 && !signbit(value));
  int64_t size = (int64_t)cutlab_dtype_size(b->dtype) * (nhwc ? b->channels : 1);
  int64_t line = b->width * size, start = entry->top * line + entry->left * size;
  if (fill->count == 1 && bytes) {
    void (*write)(uint8_t *, uint8_t, int64_t, int64_t, int64_t) =
        w->streams ? w->pixels->fill_streaming : w->pixels->fill;
    for (int64_t c = 0; c < (nhwc ? 1 : b->channels); ++c, start += b->height * line)
      write((uint8_t *)own + start, (uint8_t)value, (entry->right - entry->left) * size,
            entry->bottom - entry->top, line);
    return;
  }
  cutlab_view plane = view; /* a line of one channel of NCHW */
  if (!nhwc) plane.channels = 1;
  for (int32_t c = 0; c < view.channels; ++c) {
    value = cutlab_fill_value(&view, fill, c, 0);
    for (int32_t y = entry->top; y < entry->bottom; ++y)
      for (int32_t x = entry->left; x < entry->right; ++x)
        cutlab_line_set(&plane, own + (nhwc ? y : c * b->height + y) * line, x, nhwc ? c : 0,
                        value);
  }
}

/* ---- Copies ---- */

static int64_t segment_start(const work *w, int segment, int segments) {
  return (int64_t)w->written * segment / segments;
}

/* Copies of another row what an entry reads of it. */
static void copy_read(const work *w, const cutlab_entry *entry, char *copy) {
  const char *data = (const char *)w->batch->data + entry->partner_row * w->stride;
  if (w->plan->policy->steps[entry->step].method->role == CUTLAB_ROLE_REGION)
    write_region(w, entry, copy, data);
  else
    memcpy(copy, data, (size_t)w->size);
}

/* Before anything is written: copies of the rows that another thread may write meanwhile. */
static cutlab_status copy_rows(cutlab_context *context, work *w, int segments) {
  for (int s = 0; s < segments; ++s) {
    int64_t first = segment_start(w, s, segments), end = segment_start(w, s + 1, segments);
    for (int64_t i = first; i < end; ++i) {
      int32_t row = read_row(w, w->order[i]);
      if (row < 0 || (w->place[row] >= first && w->place[row] < end)) continue;
      if (!w->copies[row]) w->copies[row] = malloc((size_t)w->size);
      if (!w->copies[row])
        return cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory: %lld bytes of an image",
                           (long long)w->size);
      copy_read(w, w->entries[w->order[i]], w->copies[row]);
    }
  }
  return CUTLAB_OK;
}

static void write_row(const work *w, const cutlab_entry *entry, const char *partner) {
  char *own = (char *)w->batch->data + entry->row * w->stride;
  switch (w->plan->policy->steps[entry->step].method->role) {
  case CUTLAB_ROLE_REGION:
    if (entry->partner_row != entry->row) write_region(w, entry, own, partner);
    return;
  case CUTLAB_ROLE_BLEND:
    write_blend(w, entry, own, partner);
    return;
  default:
    write_erased(w, entry, own);
  }
}

/* saved: room for an image. Of the rows of a cycle only the last one reads one that has been
   written, the first; and no other cycle begins before that. */
static void write_segment(const work *w, int64_t first, int64_t end, char *saved) {
  for (int64_t i = first; i < end; ++i) {
    int32_t row = w->order[i], read = read_row(w, row), last = w->lasts[row];
    const cutlab_entry *entry = w->entries[row];
    if (last >= 0 && w->place[last] < end) copy_read(w, w->entries[last], saved);
    const char *partner = (const char *)w->batch->data + entry->partner_row * w->stride;
    if (read >= 0 && (w->place[read] < first || w->place[read] >= end))
      partner = w->copies[read];
    else if (read >= 0 && w->place[read] < i)
      partner = saved;
    write_row(w, entry, partner);
  }
}

static cutlab_status write_rows(cutlab_context *context, work *w) {
  int threads = cutlab_context_threads(context);
  place_rows(w);
  if (threads > w->written) threads = w->written;
  if (threads < 1) threads = 1;
  CUTLAB_TRY(copy_rows(context, w, threads));
  w->saved = malloc((size_t)w->size * (size_t)threads);
  if (!w->saved)
    return cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory: %lld bytes of %d images",
                       (long long)w->size * threads, threads);
#pragma omp parallel for num_threads(threads) schedule(static, 1) if (threads > 1)
  for (int s = 0; s < threads; ++s)
    write_segment(w, segment_start(w, s, threads), segment_start(w, s + 1, threads),
                  w->saved + s * w->size);
  return CUTLAB_OK;
}

/* ---- Whether it can be done ---- */

/* Whether the step erases boxes with a fill that is given, not computed. */
static bool has_fill(const cutlab_step *step) {
  int setting = step->method->fill_setting;
  return step->method->role == CUTLAB_ROLE_ERASE && setting && step->settings[setting - 1].count;
}

static bool is_simple(const cutlab_plan *plan, uint64_t steps) {
  uint64_t used = 0;
  for (int64_t i = 0; i < plan->entry_count; ++i) used |= UINT64_C(1) << plan->entries[i].step;
  used &= steps;
  for (int i = 0; i < plan->policy->step_count; ++i) {
    const cutlab_step *step = &plan->policy->steps[i];
    if (!(used >> i & 1)) continue;
    bool touches = step->method->role == CUTLAB_ROLE_REGION ||
                   step->method->role == CUTLAB_ROLE_BLEND || has_fill(step);
    if (!touches || (step->visible & used)) return false;
  }
  return true;
}

cutlab_status cutlab_apply_in_place(cutlab_context *context, const cutlab_plan *plan,
                                    const cutlab_batch *batch, uint64_t steps, bool *done) {
  *done = is_simple(plan, steps);
  if (!*done || !plan->entry_count) return CUTLAB_OK;
  int64_t count = plan->drawn.count;
  char *memory = cutlab_allocate(context, count,
                                 sizeof(cutlab_entry *) + sizeof(char *) + 4 * sizeof(int32_t));
  if (!memory) return CUTLAB_ERROR_MEMORY;
  work w = {.plan = plan,
            .batch = batch,
            .pixels = cutlab_pixels_of(context),
            .stride = cutlab_batch_stride(batch),
            .size = cutlab_batch_sample_size(batch)};
  w.streams = cutlab_batch_streams(batch);
  w.entries = (const cutlab_entry **)(void *)memory;
  w.copies = (char **)(void *)(w.entries + count);
  w.order = (int32_t *)(void *)(w.copies + count);
  w.place = w.order + count;
  w.readers = w.place + count;
  w.lasts = w.readers + count;
  for (int64_t i = 0; i < plan->entry_count; ++i)
    if (steps >> plan->entries[i].step & 1) w.entries[plan->entries[i].row] = &plan->entries[i];
  cutlab_status status = write_rows(context, &w);
  for (int64_t i = 0; i < count; ++i) free(w.copies[i]);
  free(w.saved);
  free(memory);
  return status;
}
