/* Masks of dropout: a 32-bit draw for every element. */
#include "nn/dropout.h"

#include <cutlab/random.h>

#include "base/streams.h"

enum { block_elements = 4096 }; /* that one generator serves */

/* An element is dropped where its draw, uniform on 0..2^32-1, is below rate 2^32. */
void cutlab_dropout_mask(uint8_t *mask, int64_t count, double rate, uint64_t seed, int64_t step,
                         int operation) {
  const uint64_t dropped = (uint64_t)(rate * 0x1p32);
  for (int64_t first = 0; first < count; first += block_elements) {
    cutlab_random random =
        cutlab_random_make(seed, cutlab_stream_dropout, (uint64_t)step, (uint64_t)operation,
                           (uint64_t)(first / block_elements));
    int64_t end = count - first < block_elements ? count : first + block_elements;
    for (int64_t i = first; i < end; i += 2) {
      uint64_t word = cutlab_random_u64(&random);
      mask[i] = (word & UINT32_MAX) >= dropped;
      if (i + 1 < end) mask[i + 1] = (word >> 32) >= dropped;
    }
  }
}
