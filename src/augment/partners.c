/* Who is mixed with whom. */
#include <string.h>

#include "augment/plan.h"
#include "base/streams.h"

/* The finaliser of SplitMix64 (Steele, Lea, Flood 2014): a bijection that scatters. */
static uint64_t scatter(uint64_t x) {
  x += UINT64_C(0x9e3779b97f4a7c15);
  x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
  x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
  return x ^ x >> 31;
}

uint64_t cutlab_batch_key(const cutlab_plan *plan) {
  uint64_t sum = (uint64_t)plan->drawn.count;
  for (int64_t i = 0; i < plan->drawn.count; ++i) sum += scatter((uint64_t)plan->samples[i]);
  return scatter(sum);
}

uint64_t cutlab_pair_key(int64_t sample, int64_t other) {
  return scatter(scatter((uint64_t)sample) + scatter((uint64_t)other));
}

/* One stable pass of counting sort by the byte at `shift` of the samples' ids. */
static void sort_by_byte(const cutlab_plan *plan, int32_t *sorted, const int32_t *order,
                         int shift) {
  int64_t starts[257] = {0}, count = plan->drawn.count;
  for (int64_t i = 0; i < count; ++i) ++starts[(plan->samples[i] >> shift & 255) + 1];
  for (int byte = 0; byte < 256; ++byte) starts[byte + 1] += starts[byte];
  for (int64_t i = 0; i < count; ++i)
    sorted[starts[plan->samples[order[i]] >> shift & 255]++] = order[i];
}

/* Rows in rising order of their samples' ids: the same for every order of the batch. */
static void sort_rows(cutlab_plan *plan) {
  int64_t count = plan->drawn.count, largest = 0;
  bool rising = true;
  for (int64_t i = 0; i < count; ++i) {
    plan->order[i] = (int32_t)i;
    if (plan->samples[i] > largest) largest = plan->samples[i];
    rising &= i == 0 || plan->samples[i] >= plan->samples[i - 1];
  }
  for (int shift = 0; !rising && shift < 64 && largest >> shift; shift += 8) {
    sort_by_byte(plan, plan->ranks, plan->order, shift);
    memcpy(plan->order, plan->ranks, (size_t)count * sizeof *plan->order);
  }
}

/* A uniform permutation of the ranks by Fisher and Yates, filled from the inside out: the partner
   of rank r is the row of rank permutation(r). */
static void shuffle(cutlab_plan *plan, cutlab_random *random) {
  int64_t count = plan->drawn.count;
  int32_t *ranks = plan->ranks;
  for (int64_t i = 0; i < count; ++i) {
    int64_t j = (int64_t)cutlab_random_below(random, (uint64_t)i + 1);
    ranks[i] = ranks[j];
    ranks[j] = (int32_t)i;
  }
  for (int64_t r = 0; r < count; ++r) plan->partners[plan->order[r]] = plan->order[ranks[r]];
}

static cutlab_status pair_shuffled(cutlab_context *context, cutlab_plan *plan,
                                   cutlab_random *random) {
  CUTLAB_PLAN_RESERVE(context, plan, ranks, rank_capacity, plan->drawn.count);
  sort_rows(plan);
  shuffle(plan, random);
  return CUTLAB_OK;
}

cutlab_status cutlab_plan_pair(cutlab_context *context, cutlab_plan *plan, const cutlab_step *step,
                               uint64_t batch_key) {
  int64_t count = plan->drawn.count;
  cutlab_random random =
      cutlab_random_make(plan->drawn.seed, cutlab_stream_partner, (uint64_t)plan->drawn.epoch,
                         batch_key, (uint64_t)step->index);
  CUTLAB_PLAN_RESERVE(context, plan, partners, partner_capacity, count);
  CUTLAB_PLAN_RESERVE(context, plan, order, order_capacity, count);
  if (step->pairing == CUTLAB_PAIR_SHUFFLED) return pair_shuffled(context, plan, &random);
  for (int64_t i = 0; i < count; ++i) {
    switch (step->pairing) {
    case CUTLAB_PAIR_REVERSED:
      plan->partners[i] = (int32_t)(count - 1 - i);
      break;
    case CUTLAB_PAIR_ROLLED:
      plan->partners[i] = (int32_t)((i + count - 1) % count);
      break;
    default:
      plan->partners[i] = (int32_t)cutlab_random_below(&random, (uint64_t)count);
    }
  }
  return CUTLAB_OK;
}
