/* Drawing plans, by a walk over the policy. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "augment/plan.h"
#include "base/streams.h"

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

static bool below(uint64_t key, double probability) {
  return (double)(key >> 11) * 0x1p-53 < probability;
}

/* One draw by the method: probability first, from the entry's key, unless the batch has decided.
   entry->step stays -1 where nothing happens. */
static cutlab_status draw_entry(cutlab_drawing *drawing, const cutlab_step *step,
                                cutlab_random *random, cutlab_entry *entry) {
  const double positions = (double)drawing->height * drawing->width;
  memset(entry, 0, sizeof *entry);
  entry->step = -1;
  entry->key = cutlab_random_u64(random);
  if (!step->batch_gate && !below(entry->key, step->probability)) return CUTLAB_OK;
  entry->lambda = 1;
  entry->weight = step->method->role == CUTLAB_ROLE_REGION ? NAN : 1;
  entry->partner = entry->partner_row = -1;
  entry->step = step->index;
  if (step->method->draw) CUTLAB_TRY(step->method->draw(drawing, step, random, entry));
  if (isnan(entry->weight)) entry->weight = 1 - (double)entry->pixels / positions;
  return CUTLAB_OK;
}

static cutlab_random shared_random(const draft *d, const cutlab_step *step, uint64_t key) {
  return cutlab_random_make(d->plan->drawn.seed, cutlab_stream_shared,
                            (uint64_t)d->plan->drawn.epoch, key, (uint64_t)step->index);
}

/* The generator of a row's draw: its own or its pair's. */
static cutlab_random row_random(const draft *d, const cutlab_step *step, int64_t row) {
  const cutlab_plan *plan = d->plan;
  if (step->scope == CUTLAB_PER_PAIR)
    return shared_random(d, step,
                         cutlab_pair_key(plan->samples[row], plan->samples[plan->partners[row]]));
  return cutlab_random_make(plan->drawn.seed, cutlab_stream_augment, (uint64_t)plan->drawn.epoch,
                            (uint64_t)plan->samples[row], (uint64_t)step->index);
}

/* Draws rows [first, end) into entries[row]. active: [count], or NULL where every row takes part.
 */
static cutlab_status draw_rows(const draft *d, cutlab_drawing *drawing, const cutlab_step *step,
                               const uint8_t *active, cutlab_entry *entries, int64_t first,
                               int64_t end) {
  for (int64_t row = first; row < end; ++row) {
    entries[row].step = -1;
    if (active && !active[row]) continue;
    cutlab_random random = row_random(d, step, row);
    CUTLAB_TRY(draw_entry(drawing, step, &random, &entries[row]));
  }
  return CUTLAB_OK;
}

/* One draw for all. */
static cutlab_status draw_batch(draft *d, const cutlab_step *step, const uint8_t *active,
                                cutlab_entry *entries) {
  cutlab_entry drawn;
  cutlab_random random = d->drawing.shared;
  CUTLAB_TRY(draw_entry(&d->drawing, step, &random, &drawn));
  for (int64_t row = 0; row < d->plan->drawn.count; ++row) {
    entries[row].step = -1;
    if (!active || active[row]) entries[row] = drawn;
  }
  return CUTLAB_OK;
}

/* Appends the runs of rows that a part of the batch drew. */
static cutlab_status take_runs(draft *d, const cutlab_drawing *part, cutlab_entry *entries,
                               int64_t first, int64_t end) {
  cutlab_drawing *all = &d->drawing;
  CUTLAB_TRY(cutlab_plan_reserve(d->context, (void **)&all->runs, &all->run_capacity,
                                 all->run_count + part->run_count, sizeof *all->runs));
  if (part->run_count)
    memcpy(all->runs + all->run_count, part->runs, (size_t)part->run_count * sizeof *part->runs);
  for (int64_t row = first; row < end; ++row)
    if (entries[row].step >= 0 && entries[row].run_count) entries[row].run += all->run_count;
  all->run_count += part->run_count;
  return CUTLAB_OK;
}

/* Masks of runs are costly: the batch is drawn in parts, on the context's threads. */
static cutlab_status draw_parts(draft *d, const cutlab_step *step, const uint8_t *active,
                                cutlab_entry *entries, int parts) {
  int64_t count = d->plan->drawn.count;
  cutlab_drawing *drawings = cutlab_allocate(d->context, parts, sizeof *drawings);
  cutlab_status *results = cutlab_allocate(d->context, parts, sizeof *results);
  cutlab_status status = drawings && results ? CUTLAB_OK : CUTLAB_ERROR_MEMORY;
  for (int t = 0; t < parts && status == CUTLAB_OK; ++t) {
    drawings[t] = (cutlab_drawing){
        .height = d->drawing.height, .width = d->drawing.width, .shared = d->drawing.shared};
    status = cutlab_context_fork(&drawings[t].context, d->context);
  }
  if (status == CUTLAB_OK) {
#pragma omp parallel for num_threads(parts) schedule(static, 1)
    for (int t = 0; t < parts; ++t)
      results[t] = draw_rows(d, &drawings[t], step, active, entries, count * t / parts,
                             count * (t + 1) / parts);
  }
  for (int t = 0; t < parts && status == CUTLAB_OK; ++t)
    status = results[t] == CUTLAB_OK
                 ? take_runs(d, &drawings[t], entries, count * t / parts, count * (t + 1) / parts)
                 : cutlab_fail_from(d->context, results[t], drawings[t].context);
  for (int t = 0; drawings && t < parts; ++t) {
    cutlab_context_free(drawings[t].context);
    free(drawings[t].runs);
  }
  free(drawings);
  free(results);
  return status;
}

/* Keeps the entries of rows where something happens, with their rows and partners. */
static void keep_entries(draft *d, const cutlab_step *step, const cutlab_entry *entries) {
  cutlab_plan *plan = d->plan;
  for (int64_t row = 0; row < plan->drawn.count; ++row) {
    if (entries[row].step < 0) continue;
    cutlab_entry *kept = &plan->entries[plan->entry_count];
    if (kept != &entries[row]) *kept = entries[row];
    kept->row = (int32_t)row;
    kept->sample = plan->samples[row];
    if (cutlab_role_mixes(step->method->role)) {
      kept->partner_row = plan->partners[row];
      kept->partner = plan->samples[kept->partner_row];
    }
    plan->index[step->index * plan->drawn.count + row] = (int32_t)plan->entry_count++;
  }
}

static cutlab_status draw_step(draft *d, const cutlab_step *step, const uint8_t *active) {
  cutlab_plan *plan = d->plan;
  int64_t count = plan->drawn.count;
  int parts = step->method->has_runs ? cutlab_context_threads(d->context) : 1;
  CUTLAB_PLAN_RESERVE(d->context, plan, entries, entry_capacity, plan->entry_count + count);
  cutlab_entry *entries = plan->entries + plan->entry_count;
  if (cutlab_role_mixes(step->method->role))
    CUTLAB_TRY(cutlab_plan_pair(d->context, plan, step, d->batch_key));
  cutlab_random gate = d->drawing.shared = shared_random(d, step, d->batch_key);
  if (step->batch_gate && !below(cutlab_random_u64(&gate), step->probability)) return CUTLAB_OK;
  if (parts > count) parts = (int)count;
  CUTLAB_TRY(step->scope == CUTLAB_PER_BATCH ? draw_batch(d, step, active, entries)
             : parts > 1                     ? draw_parts(d, step, active, entries, parts)
                         : draw_rows(d, &d->drawing, step, active, entries, 0, count));
  keep_entries(d, step, entries);
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
  if (draw->epoch < 0)
    return cutlab_fail(context, CUTLAB_ERROR_ARGUMENT, "epoch is %" PRId64 "; accepted: 0 or more",
                       draw->epoch);
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
