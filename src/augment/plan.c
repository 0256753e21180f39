/* Plans: memory, drawing by a walk over the policy, and reading. */
#include "augment/plan.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/streams.h"

cutlab_status cutlab_plan_create(cutlab_context *context, cutlab_plan **plan) {
  *plan = calloc(1, sizeof **plan);
  return *plan ? CUTLAB_OK : cutlab_fail(context, CUTLAB_ERROR_MEMORY, "out of memory: plan");
}

void cutlab_plan_free(cutlab_plan *plan) {
  if (!plan) return;
  free(plan->samples);
  free(plan->entries);
  free(plan->runs);
  free(plan->index);
  free(plan->order);
  free(plan->partners);
  free(plan->ranks);
  free(plan->active);
  free(plan->sources);
  free(plan);
}

cutlab_status cutlab_plan_reserve(cutlab_context *context, void **memory, int64_t *capacity,
                                  int64_t count, size_t size) {
  if (count <= *capacity) return CUTLAB_OK;
  int64_t wanted = count + count / 2 + 16;
  void *grown =
      (uint64_t)wanted > SIZE_MAX / 2 / size ? NULL : realloc(*memory, (size_t)wanted * size);
  if (!grown)
    return cutlab_fail(context, CUTLAB_ERROR_MEMORY,
                       "out of memory: a plan asked for %" PRId64 " elements of %zu bytes", wanted,
                       size);
  *memory = grown;
  *capacity = wanted;
  return CUTLAB_OK;
}

/* ---- What a plan is drawn from ---- */

static cutlab_status check_draw(cutlab_context *context, const cutlab_draw *draw) {
  if (draw->count < 0 || draw->count > INT32_MAX)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                       "a batch of %" PRId64 " samples; accepted: 0 to %d", draw->count, INT32_MAX);
  if (draw->height < 1 || draw->width < 1 || draw->height > INT32_MAX / draw->width)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                       "images of height %" PRId64 " and width %" PRId64
                       "; accepted: at least 1 each, and fewer than 2^31 pixels",
                       draw->height, draw->width);
  if (draw->epoch < 0)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT, "epoch is %" PRId64 "; accepted: 0 or more",
                       draw->epoch);
  for (int64_t i = 0; draw->samples && i < draw->count; ++i)
    if (draw->samples[i] < 0)
      return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT,
                         "sample id %" PRId64 " is %" PRId64 "; accepted: 0 or more", i,
                         draw->samples[i]);
  return CUTLAB_OK;
}

cutlab_status cutlab_plan_begin(cutlab_context *context, cutlab_plan *plan,
                                const cutlab_policy *policy, const cutlab_draw *draw) {
  CUTLAB_TRY(check_draw(context, draw));
  int64_t cells = policy->step_count * draw->count;
  CUTLAB_PLAN_RESERVE(context, plan, samples, sample_capacity, draw->count);
  CUTLAB_PLAN_RESERVE(context, plan, index, index_capacity, cells);
  for (int64_t i = 0; i < draw->count; ++i) plan->samples[i] = draw->samples ? draw->samples[i] : i;
  plan->policy = policy;
  plan->drawn = *draw;
  plan->drawn.samples = plan->samples;
  plan->entry_count = plan->run_count = 0;
  memset(plan->index, -1, (size_t)cells * sizeof *plan->index);
  return CUTLAB_OK;
}

/* ---- Drawing ---- */

typedef struct draft {
  cutlab_context *context;
  cutlab_plan *plan;
  cutlab_drawing drawing; /* holds the plan's runs while it is drawn */
  uint64_t batch_key;
} draft;

cutlab_status cutlab_drawing_add_run(cutlab_drawing *drawing, cutlab_entry *entry, int64_t begin,
                                     int64_t end) {
  if (begin >= end) return CUTLAB_OK;
  entry->pixels += end - begin;
  if (entry->run_count && drawing->runs[drawing->run_count - 1].end == begin) {
    drawing->runs[drawing->run_count - 1].end = end;
    return CUTLAB_OK;
  }
  CUTLAB_TRY(cutlab_plan_reserve(drawing->context, (void **)&drawing->runs, &drawing->run_capacity,
                                 drawing->run_count + 1, sizeof *drawing->runs));
  if (!entry->run_count) entry->run = drawing->run_count;
  drawing->runs[drawing->run_count++] = (cutlab_run_range){begin, end};
  ++entry->run_count;
  return CUTLAB_OK;
}

static bool mixes(const cutlab_step *step) {
  return step->method->role == CUTLAB_ROLE_REGION || step->method->role == CUTLAB_ROLE_BLEND;
}

static bool below(uint64_t key, double probability) {
  return (double)(key >> 11) * 0x1p-53 < probability;
}

/* One draw by the method: probability first, from the entry's key, unless the batch has decided.
   `*happens` says whether. */
static cutlab_status draw_entry(draft *d, const cutlab_step *step, cutlab_random *random,
                                cutlab_entry *entry, bool *happens) {
  const double positions = (double)d->drawing.height * d->drawing.width;
  entry->key = cutlab_random_u64(random);
  *happens = step->batch_gate || below(entry->key, step->probability);
  if (!*happens) return CUTLAB_OK;
  entry->lambda = 1;
  entry->weight = step->method->role == CUTLAB_ROLE_REGION ? NAN : 1;
  entry->partner = entry->partner_row = -1;
  entry->step = step->index;
  if (step->method->draw) CUTLAB_TRY(step->method->draw(&d->drawing, step, random, entry));
  if (isnan(entry->weight)) entry->weight = 1 - (double)entry->pixels / positions;
  return CUTLAB_OK;
}

static void add_entry(draft *d, const cutlab_step *step, const cutlab_entry *entry, int64_t row) {
  cutlab_plan *plan = d->plan;
  cutlab_entry *added = &plan->entries[plan->entry_count];
  *added = *entry;
  added->row = (int32_t)row;
  added->sample = plan->samples[row];
  if (mixes(step)) {
    added->partner_row = plan->partners[row];
    added->partner = plan->samples[added->partner_row];
  }
  plan->index[step->index * plan->drawn.count + row] = (int32_t)plan->entry_count++;
}

static cutlab_random shared_random(const draft *d, const cutlab_step *step, uint64_t key) {
  return cutlab_random_make(d->plan->drawn.seed, cutlab_stream_shared,
                            (uint64_t)d->plan->drawn.epoch, key, (uint64_t)step->index);
}

/* The generator of a row's draw: its own, its pair's or the batch's. */
static cutlab_random row_random(const draft *d, const cutlab_step *step, int64_t row) {
  const cutlab_plan *plan = d->plan;
  if (step->scope == CUTLAB_PER_BATCH) return d->drawing.shared;
  if (step->scope == CUTLAB_PER_PAIR)
    return shared_random(d, step,
                         cutlab_pair_key(plan->samples[row], plan->samples[plan->partners[row]]));
  return cutlab_random_make(plan->drawn.seed, cutlab_stream_augment, (uint64_t)plan->drawn.epoch,
                            (uint64_t)plan->samples[row], (uint64_t)step->index);
}

/* active: [count], or NULL where every row takes part. */
static cutlab_status draw_step(draft *d, const cutlab_step *step, const uint8_t *active) {
  cutlab_plan *plan = d->plan;
  cutlab_entry entry;
  bool happens = false, shared = step->scope == CUTLAB_PER_BATCH;
  CUTLAB_PLAN_RESERVE(d->context, plan, entries, entry_capacity,
                      plan->entry_count + plan->drawn.count);
  if (mixes(step)) CUTLAB_TRY(cutlab_plan_pair(d->context, plan, step, d->batch_key));
  cutlab_random gate = d->drawing.shared = shared_random(d, step, d->batch_key);
  if (step->batch_gate && !below(cutlab_random_u64(&gate), step->probability)) return CUTLAB_OK;
  for (int64_t row = 0; row < plan->drawn.count; ++row) {
    if (!shared || row == 0) {
      if (!shared && active && !active[row]) continue;
      cutlab_random random = row_random(d, step, row);
      memset(&entry, 0, sizeof entry);
      CUTLAB_TRY(draw_entry(d, step, &random, &entry, &happens));
    }
    if (happens && (!active || active[row])) add_entry(d, step, &entry, row);
  }
  return CUTLAB_OK;
}

/* Child of a choice taken by a uniform number, -1 for none. */
static int take_child(const cutlab_node *node, double uniform) {
  if (uniform >= node->probability) return -1;
  uniform /= node->probability;
  if (!node->weights.count) return (int)(uniform * node->children);
  double sum = 0, below = 0;
  for (int i = 0; i < node->children; ++i) sum += node->weights.list[i];
  for (int i = 0; i + 1 < node->children; ++i) {
    below += node->weights.list[i];
    if (uniform * sum < below) return i;
  }
  return node->children - 1;
}

static int draw_choice(const draft *d, const cutlab_node *node, int64_t row) {
  const cutlab_draw *drawn = &d->plan->drawn;
  uint64_t who = node->per_batch ? d->batch_key : (uint64_t)d->plan->samples[row];
  cutlab_random random =
      cutlab_random_make(drawn->seed, cutlab_stream_choice, (uint64_t)drawn->epoch, who,
                         (uint64_t)node->choice + (node->per_batch ? UINT64_C(1) << 32 : 0));
  return take_child(node, cutlab_random_uniform(&random));
}

static cutlab_status draw_node(draft *d, int index, const uint8_t *active, int depth);

static cutlab_status draw_alternatives(draft *d, int index, const uint8_t *active, int depth) {
  const cutlab_node *nodes = d->plan->policy->nodes, *node = &nodes[index];
  int64_t count = d->plan->drawn.count;
  uint8_t *below = d->plan->active + 2 * depth * count, *taken = below + count;
  for (int64_t row = 0; row < count; ++row)
    taken[row] = active && !active[row] ? UINT8_MAX : (uint8_t)draw_choice(d, node, row);
  int number = 0;
  for (int child = node->first; child >= 0; child = nodes[child].next, ++number) {
    for (int64_t row = 0; row < count; ++row) below[row] = taken[row] == number;
    CUTLAB_TRY(draw_node(d, child, below, depth + 1));
  }
  return CUTLAB_OK;
}

/* depth: of choices. */
static cutlab_status draw_node(draft *d, int index, const uint8_t *active, int depth) {
  const cutlab_policy *policy = d->plan->policy;
  const cutlab_node *node = &policy->nodes[index];
  if (node->kind == CUTLAB_NODE_STEP) return draw_step(d, &policy->steps[node->step], active);
  if (node->kind == CUTLAB_NODE_CHOICE) return draw_alternatives(d, index, active, depth);
  for (int child = node->first; child >= 0; child = policy->nodes[child].next)
    CUTLAB_TRY(draw_node(d, child, active, depth));
  return CUTLAB_OK;
}

cutlab_status cutlab_plan_draw(cutlab_context *context, cutlab_plan *plan,
                               const cutlab_policy *policy, const cutlab_draw *draw) {
  CUTLAB_TRY(cutlab_plan_begin(context, plan, policy, draw));
  if (policy->choice_count)
    CUTLAB_PLAN_RESERVE(context, plan, active, active_capacity,
                        2 * draw->count * CUTLAB_POLICY_MAX_DEPTH);
  draft d = {.context = context,
             .plan = plan,
             .drawing = {.context = context,
                         .height = (int32_t)draw->height,
                         .width = (int32_t)draw->width,
                         .runs = plan->runs,
                         .run_capacity = plan->run_capacity},
             .batch_key = cutlab_batch_key(plan)};
  cutlab_status status = draw_node(&d, 0, NULL, 0);
  plan->runs = d.drawing.runs;
  plan->run_count = d.drawing.run_count;
  plan->run_capacity = d.drawing.run_capacity;
  if (status != CUTLAB_OK) plan->entry_count = plan->run_count = 0;
  if (status != CUTLAB_OK) plan->policy = NULL;
  return status;
}

/* ---- Reading ---- */

const cutlab_entry *cutlab_plan_entries(const cutlab_plan *plan, int64_t *count) {
  *count = plan->entry_count;
  return plan->entries;
}

const cutlab_run_range *cutlab_plan_runs(const cutlab_plan *plan, int64_t *count) {
  *count = plan->run_count;
  return plan->runs;
}

const cutlab_draw *cutlab_plan_drawn(const cutlab_plan *plan) {
  return &plan->drawn;
}

const cutlab_policy *cutlab_plan_policy(const cutlab_plan *plan) {
  return plan->policy;
}

void cutlab_plan_mask(const cutlab_plan *plan, const cutlab_entry *entry, uint8_t *mask) {
  int64_t width = plan->drawn.width;
  memset(mask, 0, (size_t)(plan->drawn.height * width));
  for (int32_t i = 0; i < entry->run_count; ++i) {
    const cutlab_run_range *run = &plan->runs[entry->run + i];
    memset(mask + run->begin, 1, (size_t)(run->end - run->begin));
  }
  if (entry->run_count || entry->right <= entry->left) return;
  for (int64_t y = entry->top; y < entry->bottom; ++y)
    memset(mask + y * width + entry->left, 1, (size_t)(entry->right - entry->left));
}
