#include <math.h>

#include "kernels.h"
#include "vector.h"

KERNEL(
    void, kernel_rotate,
    (float *x, const float *cosine, const float *sine, int64_t rows, int64_t stride, int64_t heads,
     int64_t head_width, float direction),
    (x, cosine, sine, rows, stride, heads, head_width, direction)) {
  const int64_t half = head_width / 2;
  for (int64_t row = 0; row < rows; row++, x += stride, cosine += half, sine += half)
    for (int64_t head = 0; head < heads; head++) {
      float *first = x + head * head_width, *second = first + half;
      for (int64_t i = 0; i < half; i++) {
        const float a = first[i], b = second[i], s = sine[i] * direction;
        first[i] = a * cosine[i] - b * s;
        second[i] = b * cosine[i] + a * s;
      }
    }
}

/// max over row[0 ..< count]
INLINE float row_maximum(const float *row, int64_t count) {
  v16 best = SPLAT(-__builtin_inff()), v;
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    load(&v, row + i);
    best = SELECT(v > best, v, best);
  }
  if (i < count) {
    load_part(&v, row + i, count - i, -__builtin_inff());
    best = SELECT(v > best, v, best);
  }
  return max_lanes(&best);
}

KERNEL(
    void, kernel_causal_softmax,
    (float *scores, int64_t stride, int64_t rows, int64_t columns, int64_t first, float scale, float *log_sum,
     int64_t log_stride),
    (scores, stride, rows, columns, first, scale, log_sum, log_stride)) {
  for (int64_t row = 0; row < rows; row++, scores += stride) {
    const int64_t count = first + row + 1 < columns ? first + row + 1 : columns;
    const float shift = row_maximum(scores, count) * scale;
    v16 sum = SPLAT(0), v;
    int64_t i = 0;
    for (; i + lanes <= count; i += lanes) {
      load(&v, scores + i);
      v = v * SPLAT(scale) - SPLAT(shift);
      vector_exp(&v);
      sum += v;
      store(scores + i, &v);
    }
    if (i < count) {
      load_part(&v, scores + i, count - i, -__builtin_inff());
      v = v * SPLAT(scale) - SPLAT(shift);
      vector_exp(&v);
      sum += v;
      store_part(scores + i, &v, count - i);
    }
    const float total = sum_lanes(&sum), factor = 1.0f / total;
    for (i = 0; i < count; i++) scores[i] *= factor;
    for (; i < columns; i++) scores[i] = 0;
    if (log_sum) log_sum[row * log_stride] = shift + logf(total);
  }
}

KERNEL(
    void, kernel_causal_softmax_backward,
    (float *scores, float *gradient, int64_t stride, int64_t rows, int64_t columns, int64_t first, float scale,
     const float *log_sum, int64_t log_stride),
    (scores, gradient, stride, rows, columns, first, scale, log_sum, log_stride)) {
  for (int64_t row = 0; row < rows; row++, scores += stride, gradient += stride) {
    const int64_t count = first + row + 1 < columns ? first + row + 1 : columns;
    const float shift = log_sum[row * log_stride];
    v16 sum = SPLAT(0), p, d;
    int64_t i = 0;
    for (; i + lanes <= count; i += lanes) {
      load(&p, scores + i);
      load(&d, gradient + i);
      p = p * SPLAT(scale) - SPLAT(shift);
      vector_exp(&p);
      sum += p * d;
      store(scores + i, &p);
    }
    if (i < count) {
      load_part(&p, scores + i, count - i, -__builtin_inff());
      load_part(&d, gradient + i, count - i, 0);
      p = p * SPLAT(scale) - SPLAT(shift);
      vector_exp(&p);
      sum += p * d;
      store_part(scores + i, &p, count - i);
    }
    const float mean = sum_lanes(&sum);
    for (i = 0; i < count; i++) gradient[i] = scores[i] * (gradient[i] - mean) * scale;
    for (; i < columns; i++) scores[i] = gradient[i] = 0;
  }
}
