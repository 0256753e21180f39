/* Philox 4x64-10 block after block, without the bookkeeping of single draws. */
#include <string.h>

#include <Random123/philox.h>

#include "base/random_bulk.h"

enum { block_words = 4, chunk = 512 };

void cutlab_random_words(uint64_t *words, const cutlab_random *random, uint64_t first,
                         int64_t count) {
  philox4x64_key_t key = {{random->key[0], random->key[1]}};
  philox4x64_ctr_t counter = {
      {random->counter[0] + first, random->counter[1], random->counter[2], random->counter[3]}};
  for (int64_t w = 0; w < count; w += block_words) {
    ++counter.v[0];
    philox4x64_ctr_t block = philox4x64_R(10, counter, key);
    int64_t some = count - w < block_words ? count - w : block_words;
    memcpy(words + w, block.v, (size_t)some * sizeof *words);
  }
}

void cutlab_random_normals(double *normals, const cutlab_kernels *kernels,
                           const cutlab_random *random, uint64_t first, int64_t count) {
  uint64_t words[chunk];
  for (int64_t i = 0; i < count; i += 2 * chunk) {
    int64_t some = count - i < 2 * chunk ? count - i : 2 * chunk, pairs = some / 2;
    cutlab_random_words(words, random, first + (uint64_t)i / (2 * block_words), pairs + some % 2);
    kernels->normals(normals + i, words, pairs);
    if (some % 2) {
      double last[2];
      kernels->normals(last, words + pairs, 1);
      normals[i + some - 1] = last[0];
    }
  }
}
