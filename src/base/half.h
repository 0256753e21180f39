/* IEEE binary16 to float and back, to nearest even, for any compiler and CPU. */
#ifndef CUTLAB_HALF_H
#define CUTLAB_HALF_H

#include <stdint.h>
#include <string.h>

static inline float cutlab_half_to_float(uint16_t half) {
  /* Exponent and mantissa as those of a float, rescaled by 2^(127 - 15): subnormals come out
     right, for the product is exact. */
  uint32_t bits = (uint32_t)(half & 0x7fff) << 13, sign = (uint32_t)(half & 0x8000) << 16;
  float value;
  if (bits >= 0x0f800000) { /* infinity; NaN, which becomes quiet */
    bits += UINT32_C(224) << 23;
    if (bits > 0x7f800000) bits |= 0x00400000;
    memcpy(&value, &bits, sizeof value);
  } else {
    memcpy(&value, &bits, sizeof value);
    value *= 0x1p112F;
  }
  memcpy(&bits, &value, sizeof bits);
  bits |= sign;
  memcpy(&value, &bits, sizeof value);
  return value;
}

static inline uint16_t cutlab_half_from_float(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  uint16_t sign = (uint16_t)(bits >> 16 & 0x8000);
  bits &= 0x7fffffff;
  if (bits > 0x7f800000) return (uint16_t)(sign | 0x7e00 | (bits >> 13 & 0x3ff)); /* NaN */
  if (bits >= 0x477ff000) return (uint16_t)(sign | 0x7c00); /* 65520 and above */
  if (bits < 0x38800000) { /* below 2^-14: the sum's rounding to a multiple of 2^-24 does it */
    float magnitude;
    memcpy(&magnitude, &bits, sizeof magnitude);
    magnitude += 0.5F;
    memcpy(&bits, &magnitude, sizeof bits);
    return (uint16_t)(sign | (bits - 0x3f000000));
  }
  bits += 0xfff + (bits >> 13 & 1); /* to nearest even */
  return (uint16_t)(sign | ((bits - (UINT32_C(112) << 23)) >> 13));
}

#endif
