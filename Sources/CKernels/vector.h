// Sixteen floats at a time, in the compiler's vector extension: AVX-512, AVX2 or SSE2 by the class that the process
// takes. Helpers pass vectors by pointer, because a vector argument would tie their ABI to one class.

#ifndef APPRENTICE_VECTOR_H
#define APPRENTICE_VECTOR_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "kernel_class.h"

#define INLINE static inline __attribute__((always_inline))

/// Defines a kernel: its body is compiled for every class of machine, and a call takes the class of this process.
///
///     KERNEL(void, kernel_name, (float *x, int64_t count), (x, count)) { … }
#if defined(__x86_64__)
#define KERNEL(type, name, parameters, arguments)                                                   \
  INLINE type name##_body parameters;                                                               \
  __attribute__((target("arch=x86-64-v4"), min_vector_width(512)))                                  \
  static type name##_avx512 parameters { return name##_body arguments; }                            \
  __attribute__((target("arch=x86-64-v3")))                                                         \
  static type name##_avx2 parameters { return name##_body arguments; }                              \
  static type name##_sse2 parameters { return name##_body arguments; }                              \
  type name parameters {                                                                            \
    switch (kernel_class) {                                                                         \
      case KERNEL_CLASS_AVX512: return name##_avx512 arguments;                                     \
      case KERNEL_CLASS_AVX2: return name##_avx2 arguments;                                         \
      default: return name##_sse2 arguments;                                                        \
    }                                                                                               \
  }                                                                                                 \
  INLINE type name##_body parameters
#else
#define KERNEL(type, name, parameters, arguments) type name parameters
#endif

typedef float v16 __attribute__((vector_size(64)));
typedef int32_t i16 __attribute__((vector_size(64)));
typedef double d8 __attribute__((vector_size(64)));
typedef float v8 __attribute__((vector_size(32)));

enum { lanes = 16 };

#define SPLAT(x) ((v16){} + (float)(x))
#define SELECT(mask, a, b) ((v16)(((i16)(a) & (mask)) | ((i16)(b) & ~(mask))))

INLINE void load(v16 *v, const float *p) { memcpy(v, p, sizeof *v); }
INLINE void store(float *p, const v16 *v) { memcpy(p, v, sizeof *v); }

/// The first `count` < 16 floats; the other lanes are `fill`.
INLINE void load_part(v16 *v, const float *p, int64_t count, float fill) {
  float lane[lanes];
  for (int i = 0; i < lanes; i++) lane[i] = i < count ? p[i] : fill;
  memcpy(v, lane, sizeof *v);
}

INLINE void store_part(float *p, const v16 *v, int64_t count) {
  float lane[lanes];
  memcpy(lane, v, sizeof *v);
  for (int i = 0; i < count; i++) p[i] = lane[i];
}

INLINE float sum_lanes(const v16 *v) {
  float lane[lanes];
  memcpy(lane, v, sizeof *v);
  for (int step = lanes / 2; step > 0; step /= 2)
    for (int i = 0; i < step; i++) lane[i] += lane[i + step];
  return lane[0];
}

INLINE float max_lanes(const v16 *v) {
  float lane[lanes];
  memcpy(lane, v, sizeof *v);
  for (int step = lanes / 2; step > 0; step /= 2)
    for (int i = 0; i < step; i++) lane[i] = lane[i] > lane[i + step] ? lane[i] : lane[i + step];
  return lane[0];
}

/// e^x within 2 units in the last place: 2^n · p(r), x = n log 2 + r, |r| ≤ log 2 / 2, p as in Cephes' expf. Below
/// -87.3 it is 0, above 88.72 infinite, and NaN stays NaN.
INLINE void vector_exp(v16 *value) {
  const v16 x = *value;
  const v16 magic = SPLAT(12582912.0f);  // 1.5 · 2^23: adding it rounds to an integer in the low bits
  const v16 t = x * SPLAT(1.44269504088896341f) + magic;
  const v16 n = t - magic;
  const v16 r = (x - n * SPLAT(0.693359375f)) - n * SPLAT(-2.12194440e-4f);
  v16 p = SPLAT(1.9875691500e-4f);
  p = p * r + SPLAT(1.3981999507e-3f);
  p = p * r + SPLAT(8.3334519073e-3f);
  p = p * r + SPLAT(4.1665795894e-2f);
  p = p * r + SPLAT(1.6666665459e-1f);
  p = p * r + SPLAT(5.0000001201e-1f);
  p = p * (r * r) + r + SPLAT(1.0f);
  v16 y = (v16)((i16)p + ((i16)t << 23));
  y = SELECT(x > SPLAT(88.72f), SPLAT(__builtin_inff()), y);
  y = SELECT(x < SPLAT(-87.3f), SPLAT(0.0f), y);
  *value = SELECT(x == x, y, x);
}

#endif
