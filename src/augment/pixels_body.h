/* The one source of the pixel loops, in plain C that compilers vectorise; included by
   pixels_{portable,avx2,avx512}.c, which define PIXELS_TABLE. */
#include <string.h>

#if defined __AVX2__
#include <immintrin.h>
#endif

#include "augment/pixels.h"
#include "base/half.h"

/* ---- Blocks ---- */

#ifdef __AVX512BW__
/* Rows of up to 64 bytes are one masked load and store each. */
static void copy(uint8_t *output, const uint8_t *input, int64_t bytes, int64_t rows,
                 int64_t stride) {
  if (bytes > 256) {
    for (int64_t r = 0; r < rows; ++r)
      memcpy(output + r * stride, input + r * stride, (size_t)bytes);
    return;
  }
  int64_t whole = (bytes - 1) / 64 * 64;
  __mmask64 last = bytes > 0 ? ~UINT64_C(0) >> (64 - (bytes - whole)) : 0;
  for (int64_t r = 0; bytes > 0 && r < rows; ++r, output += stride, input += stride) {
    for (int64_t i = 0; i < whole; i += 64)
      _mm512_storeu_si512(output + i, _mm512_loadu_si512(input + i));
    _mm512_mask_storeu_epi8(output + whole, last, _mm512_maskz_loadu_epi8(last, input + whole));
  }
}

static void fill(uint8_t *output, uint8_t value, int64_t bytes, int64_t rows, int64_t stride) {
  int64_t whole = (bytes - 1) / 64 * 64;
  __mmask64 last = bytes > 0 ? ~UINT64_C(0) >> (64 - (bytes - whole)) : 0;
  __m512i values = _mm512_set1_epi8((char)value);
  for (int64_t r = 0; bytes > 0 && r < rows; ++r, output += stride) {
    for (int64_t i = 0; i < whole; i += 64) _mm512_storeu_si512(output + i, values);
    _mm512_mask_storeu_epi8(output + whole, last, values);
  }
}
#else
/* 16 to 32 bytes are two overlapping blocks of 16, and so on: cheaper than a call for each row. */
static inline void copy_row(uint8_t *output, const uint8_t *input, int64_t bytes) {
#define CUTLAB_COPY_OVERLAPPING(size)                                                              \
  if (bytes >= (size) && bytes <= 2 * (size)) {                                                    \
    uint8_t first[size], last[size];                                                               \
    memcpy(first, input, size);                                                                    \
    memcpy(last, input + bytes - (size), size);                                                    \
    memcpy(output, first, size);                                                                   \
    memcpy(output + bytes - (size), last, size);                                                   \
    return;                                                                                        \
  }
  CUTLAB_COPY_OVERLAPPING(16)
  CUTLAB_COPY_OVERLAPPING(32)
  CUTLAB_COPY_OVERLAPPING(8)
  CUTLAB_COPY_OVERLAPPING(4)
#undef CUTLAB_COPY_OVERLAPPING
  memcpy(output, input, (size_t)bytes);
}

static void copy(uint8_t *output, const uint8_t *input, int64_t bytes, int64_t rows,
                 int64_t stride) {
  for (int64_t r = 0; r < rows; ++r) copy_row(output + r * stride, input + r * stride, bytes);
}

static void fill(uint8_t *output, uint8_t value, int64_t bytes, int64_t rows, int64_t stride) {
  for (int64_t r = 0; r < rows; ++r) memset(output + r * stride, value, (size_t)bytes);
}
#endif

#ifdef __AVX2__
/* Rows shorter than this are not worth their parts of lines, which are stored the usual way. */
enum { cache_line = 64, streamed_row = 7 * cache_line };

static inline int64_t to_next_line(const uint8_t *output) {
  return (int64_t)(-(uintptr_t)output % cache_line);
}

static void copy_streaming(uint8_t *output, const uint8_t *input, int64_t bytes, int64_t rows,
                           int64_t stride) {
  if (bytes < streamed_row) {
    copy(output, input, bytes, rows, stride);
    return;
  }
  for (int64_t r = 0; r < rows; ++r, output += stride, input += stride) {
    int64_t i = to_next_line(output);
    copy(output, input, i, 1, stride);
    for (; i + cache_line <= bytes; i += cache_line) {
      const __m256i *from = (const __m256i *)(const void *)(input + i);
      __m256i *to = (__m256i *)(void *)(output + i), last = _mm256_loadu_si256(from + 1);
      _mm256_stream_si256(to, _mm256_loadu_si256(from));
      _mm256_stream_si256(to + 1, last);
    }
    copy(output + i, input + i, bytes - i, 1, stride);
  }
  _mm_sfence();
}

static void fill_streaming(uint8_t *output, uint8_t value, int64_t bytes, int64_t rows,
                           int64_t stride) {
  if (bytes < streamed_row) {
    fill(output, value, bytes, rows, stride);
    return;
  }
  __m256i values = _mm256_set1_epi8((char)value);
  for (int64_t r = 0; r < rows; ++r, output += stride) {
    int64_t i = to_next_line(output);
    fill(output, value, i, 1, stride);
    for (; i + cache_line <= bytes; i += cache_line) {
      _mm256_stream_si256((__m256i *)(void *)(output + i), values);
      _mm256_stream_si256((__m256i *)(void *)(output + i + cache_line / 2), values);
    }
    fill(output + i, value, bytes - i, 1, stride);
  }
  _mm_sfence();
}
#endif

/* ---- Values ---- */

static void blend_uint8(uint8_t *y, const uint8_t *x, uint32_t weight, int64_t count) {
  /* x 2^24 + weight (y - x) + 2^23 lies in [0, 2^32), so that it may wrap on the way. */
  for (int64_t i = 0; i < count; ++i) {
    uint32_t difference = (uint32_t)((int32_t)y[i] - (int32_t)x[i]);
    y[i] = (uint8_t)((((uint32_t)x[i] << 24) + weight * difference + (1u << 23)) >> 24);
  }
}

static void blend_float32(float *y, const float *x, float lambda, int64_t count) {
  for (int64_t i = 0; i < count; ++i) y[i] = x[i] + lambda * (y[i] - x[i]);
}

static void from_half(float *y, const uint16_t *x, int64_t count) {
  int64_t i = 0;
#ifdef __F16C__
  for (; i + 8 <= count; i += 8)
    _mm256_storeu_ps(y + i, _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(x + i))));
#endif
  for (; i < count; ++i) y[i] = cutlab_half_to_float(x[i]);
}

static void to_half(uint16_t *y, const float *x, int64_t count) {
  int64_t i = 0;
#ifdef __F16C__
  for (; i + 8 <= count; i += 8)
    _mm_storeu_si128((__m128i *)(y + i),
                     _mm256_cvtps_ph(_mm256_loadu_ps(x + i), _MM_FROUND_TO_NEAREST_INT));
#endif
  for (; i < count; ++i) y[i] = cutlab_half_from_float(x[i]);
}

/* float16 goes through float32 in pieces that stay in the first cache. */
enum { piece = 1024 };

static void blend_float16(uint16_t *y, const uint16_t *x, float lambda, int64_t count) {
  float own[piece], other[piece];
  for (int64_t start = 0; start < count; start += piece) {
    int64_t size = count - start < piece ? count - start : piece;
    from_half(own, y + start, size);
    from_half(other, x + start, size);
    blend_float32(own, other, lambda, size);
    to_half(y + start, own, size);
  }
}

static void affine_uint8(float *y, const uint8_t *x, const float *gain, const float *offset,
                         int64_t count) {
  for (int64_t i = 0; i < count; ++i) y[i] = (float)x[i] * gain[i] + offset[i];
}

static void affine_float32(float *y, const float *x, const float *gain, const float *offset,
                           int64_t count) {
  for (int64_t i = 0; i < count; ++i) y[i] = x[i] * gain[i] + offset[i];
}

static void affine_float16(float *y, const uint16_t *x, const float *gain, const float *offset,
                           int64_t count) {
  from_half(y, x, count);
  affine_float32(y, y, gain, offset, count);
}

/* Pixels of three bytes, five at a time: 16 bytes are loaded, their last 15 turned round and stored
   with one byte too many, which the next store replaces. */
static void reverse_threes(uint8_t *output, const uint8_t *input, int64_t count) {
  typedef uint8_t bytes __attribute__((vector_size(16)));
  int64_t i = 0;
  for (; i + 6 <= count; i += 5) {
    bytes pixels;
    memcpy(&pixels, input + 3 * (count - 5 - i) - 1, sizeof pixels);
    pixels = __builtin_shufflevector(pixels, pixels, 13, 14, 15, 10, 11, 12, 7, 8, 9, 4, 5, 6, 1, 2,
                                     3, 0);
    memcpy(output + 3 * i, &pixels, sizeof pixels);
  }
  for (; i < count; ++i) memcpy(output + 3 * i, input + 3 * (count - 1 - i), 3);
}

/* Inlined where `size` is a constant, so that an element is moved at once. */
static inline void reverse_elements(uint8_t *output, const uint8_t *input, int64_t count,
                                    size_t size) {
  for (int64_t i = 0; i < count; ++i)
    memcpy(output + (size_t)i * size, input + (size_t)(count - 1 - i) * size, size);
}

static void reverse(uint8_t *output, const uint8_t *input, int64_t count, int64_t size) {
  switch (size) {
  case 1:
    reverse_elements(output, input, count, 1);
    return;
  case 2:
    reverse_elements(output, input, count, 2);
    return;
  case 3:
    reverse_threes(output, input, count);
    return;
  case 4:
    reverse_elements(output, input, count, 4);
    return;
  case 6:
    reverse_elements(output, input, count, 6);
    return;
  case 12:
    reverse_elements(output, input, count, 12);
    return;
  default:
    reverse_elements(output, input, count, (size_t)size);
  }
}

const cutlab_pixels PIXELS_TABLE = {.copy = copy,
                                    .fill = fill,
#ifdef __AVX2__
                                    .copy_streaming = copy_streaming,
                                    .fill_streaming = fill_streaming,
#else
                                    .copy_streaming = copy,
                                    .fill_streaming = fill,
#endif
                                    .blend_uint8 = blend_uint8,
                                    .blend_float16 = blend_float16,
                                    .blend_float32 = blend_float32,
                                    .affine_uint8 = affine_uint8,
                                    .affine_float16 = affine_float16,
                                    .affine_float32 = affine_float32,
                                    .from_half = from_half,
                                    .to_half = to_half,
                                    .reverse = reverse};
