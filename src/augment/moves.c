#include "augment/moves.h"

#include <string.h>

#include "augment/apply.h"

/* ---- Moves ---- */

static cutlab_move stay(const cutlab_batch *batch) {
  return (cutlab_move){
      .down = 1, .along = 1, .bottom = (int32_t)batch->height, .right = (int32_t)batch->width};
}

static bool add_step(cutlab_move *move, const cutlab_batch *batch, const cutlab_step *step,
                     const cutlab_entry *entry) {
  const cutlab_view view = {.step = step,
                            .entry = entry,
                            .height = (int32_t)batch->height,
                            .width = (int32_t)batch->width};
  return step->method->move && step->method->move(&view, move);
}

/* All that steps of geometry do to a row. */
static cutlab_move find_move(const cutlab_mover *m, int64_t row) {
  const cutlab_policy *policy = m->plan->policy;
  cutlab_move move = stay(m->input);
  for (int s = 0; s < policy->step_count; ++s) {
    const cutlab_entry *entry = cutlab_plan_find(m->plan, s, row);
    if (entry && policy->steps[s].method->move) add_step(&move, m->input, &policy->steps[s], entry);
  }
  return move;
}

/* Every step as if it acted: *move gets the fill, if there is one. */
static bool moves_only(const cutlab_policy *policy, const cutlab_batch *input, cutlab_move *move) {
  const cutlab_entry still = {0};
  bool normalised = false;
  *move = stay(input);
  for (int s = 0; s < policy->step_count; ++s) {
    const cutlab_step *step = &policy->steps[s];
    bool last = s == policy->step_count - 1 && step->visible == (UINT64_C(1) << s) - 1;
    if (step->method->role == CUTLAB_ROLE_NORMALISE && !normalised)
      normalised = true;
    else if (step->method->role == CUTLAB_ROLE_REGION && last && !step->method->has_runs)
      continue;
    else if (normalised || !add_step(move, input, step, &still))
      return false;
  }
  return true;
}

bool cutlab_moves_fit(const cutlab_plan *plan, const cutlab_batch *output,
                      const cutlab_batch *input) {
  cutlab_move move;
  bool floats = input->dtype == CUTLAB_UINT8 || cutlab_policy_normalises(plan->policy);
  return (output->dtype == input->dtype || floats) && output->dtype != CUTLAB_FLOAT16 &&
         moves_only(plan->policy, input, &move);
}

/* ---- Lines ---- */

/* The line after this one is next: hardware sees no pattern in short lines that go to and fro. */
static void prefetch(const uint8_t *line, int64_t bytes) {
  for (int64_t i = 0; i < bytes; i += 64) __builtin_prefetch(line + i);
}

/* Pixels [begin, end) of a line of one plane, as they are in the input. */
static void put(const cutlab_mover *m, const cutlab_move *move, int64_t row, int64_t plane,
                int64_t y, int64_t begin, int64_t end, char *line) {
  const cutlab_batch *in = m->input;
  int64_t size = m->pixel, left = move->left > begin ? move->left : begin;
  int64_t right = move->right < end ? move->right : end;
  const uint8_t *filled = (const uint8_t *)m->filled + plane * in->width * size;
  uint8_t *to = (uint8_t *)line;
  if (y < move->top || y >= move->bottom || left >= right) left = right = end;
  if (begin < left)
    m->pixels->copy(to + begin * size, filled + begin * size, (left - begin) * size, 1, 0);
  if (right < end)
    m->pixels->copy(to + right * size, filled + right * size, (end - right) * size, 1, 0);
  if (left == right) return;
  int64_t from_y = move->from_y + move->down * y;
  int64_t from_x = move->from_x + move->along * (move->along > 0 ? left : right - 1);
  const uint8_t *source = (const uint8_t *)in->data + row * m->stride +
                          ((plane * in->height + from_y) * in->width + from_x) * size;
  int64_t bytes = (right - left) * size;
  prefetch(source + move->down * in->width * size, bytes);
  if (move->along > 0) {
    m->pixels->copy(to + left * size, source, bytes, 1, 0);
    return;
  }
  m->pixels->copy((uint8_t *)m->turned, source, bytes, 1, 0); /* caches read ahead forwards best */
  m->pixels->reverse(to + left * size, (const uint8_t *)m->turned, right - left, size);
}

/* What an output is made of. */
typedef struct parts {
  cutlab_move own, other;
  int64_t row, partner;
  int64_t top, bottom, left, right; /* the box of the partner's */
} parts;

static parts find_parts(const cutlab_mover *m, int32_t row) {
  const cutlab_policy *policy = m->plan->policy;
  parts p = {.own = find_move(m, row), .row = row};
  int last = policy->step_count - 1;
  const cutlab_entry *entry = cutlab_plan_find(m->plan, last, row);
  if (!m->mixes || !entry || !cutlab_role_mixes(policy->steps[last].method->role)) return p;
  p.partner = entry->partner_row;
  p.other = find_move(m, p.partner);
  p.top = entry->top, p.bottom = entry->bottom, p.left = entry->left, p.right = entry->right;
  return p;
}

static void make_line(const cutlab_mover *m, const parts *p, int64_t plane, int64_t y, char *line) {
  int64_t width = m->input->width;
  if (y < p->top || y >= p->bottom || p->left >= p->right) {
    put(m, &p->own, p->row, plane, y, 0, width, line);
    return;
  }
  put(m, &p->own, p->row, plane, y, 0, p->left, line);
  put(m, &p->other, p->partner, plane, y, p->left, p->right, line);
  put(m, &p->own, p->row, plane, y, p->right, width, line);
}

/* `elements` of plane `plane`'s line, to floats. */
static void convert(const cutlab_mover *m, float *to, const void *line, int64_t plane,
                    int64_t elements) {
  const float *gain = m->gain + plane * elements, *offset = m->offset + plane * elements;
  switch (m->input->dtype) {
  case CUTLAB_UINT8:
    m->pixels->affine_uint8(to, line, gain, offset, elements);
    return;
  case CUTLAB_FLOAT16:
    m->pixels->affine_float16(to, line, gain, offset, elements);
    return;
  default:
    m->pixels->affine_float32(to, line, gain, offset, elements);
  }
}

void cutlab_mover_output(const cutlab_mover *m, int32_t row) {
  const cutlab_batch *out = m->output;
  bool nhwc = out->layout == CUTLAB_NHWC;
  int64_t elements = out->width * (nhwc ? out->channels : 1);
  int64_t bytes = elements * (int64_t)cutlab_dtype_size(out->dtype);
  char *target = (char *)out->data + row * cutlab_batch_stride(out);
  parts p = find_parts(m, row);
  for (int64_t plane = 0; plane < (nhwc ? 1 : out->channels); ++plane)
    for (int64_t y = 0; y < out->height; ++y, target += bytes) {
      make_line(m, &p, plane, y, m->converts ? m->line : target);
      if (m->converts) convert(m, (float *)(void *)target, m->line, plane, elements);
    }
}

void cutlab_mover_begin(cutlab_mover *m, char *lines) {
  const cutlab_batch *in = m->input;
  size_t room = (size_t)(in->width * in->channels) * sizeof(float);
  cutlab_move move;
  m->stride = cutlab_batch_stride(in);
  m->pixel = (int64_t)cutlab_dtype_size(in->dtype) * (in->layout == CUTLAB_NHWC ? in->channels : 1);
  m->filled = lines;
  m->line = lines + room;
  m->turned = lines + 2 * room;
  m->converts = m->output->dtype != in->dtype || cutlab_policy_normalises(m->plan->policy);
  moves_only(m->plan->policy, in, &move);
  const cutlab_view view = {.width = (int32_t)in->width,
                            .channels = (int32_t)in->channels,
                            .layout = in->layout,
                            .dtype = in->dtype,
                            .scale = in->dtype == CUTLAB_UINT8 ? 255 : 1};
  for (int32_t c = 0; move.fill && c < view.channels; ++c)
    for (int32_t x = 0; x < view.width; ++x)
      cutlab_line_set(&view, m->filled, x, c, cutlab_fill_value(&view, move.fill, c, 0));
}
