/* Places blocks of memory that live at overlapping times. */
#include "nn/program.h"

static bool meet(const cutlab_block *a, const cutlab_block *b) {
  return a->first <= b->last && b->first <= a->last;
}

/* Largest first; of equals the one that is needed first, so that the result is unique. */
static void sort_by_size(int *order, const cutlab_block *blocks, int count) {
  for (int i = 0; i < count; ++i) {
    int block = i, at = i;
    for (; at > 0; --at) {
      const cutlab_block *before = &blocks[order[at - 1]];
      if (before->bytes >= blocks[block].bytes) break;
      order[at] = order[at - 1];
    }
    order[at] = block;
  }
}

/* The lowest offset at which `block` meets none of the `placed` first blocks in `order`. */
static size_t lowest_offset(const cutlab_block *blocks, const int *order, int placed,
                            const cutlab_block *block) {
  size_t offset = 0;
  for (bool moved = true; moved;) {
    moved = false;
    for (int i = 0; i < placed; ++i) {
      const cutlab_block *other = &blocks[order[i]];
      bool apart = offset + block->bytes <= other->offset || other->offset + other->bytes <= offset;
      if (apart || !meet(block, other)) continue;
      offset = other->offset + other->bytes;
      moved = true;
    }
  }
  return offset;
}

size_t cutlab_blocks_place(cutlab_block *blocks, int *order, int count) {
  size_t total = 0;
  for (int i = 0; i < count; ++i) blocks[i].bytes = (blocks[i].bytes + 63) / 64 * 64;
  sort_by_size(order, blocks, count);
  for (int i = 0; i < count; ++i) {
    cutlab_block *block = &blocks[order[i]];
    block->offset = block->bytes ? lowest_offset(blocks, order, i, block) : 0;
    if (block->offset + block->bytes > total) total = block->offset + block->bytes;
  }
  return total;
}
