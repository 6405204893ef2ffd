#include <math.h>

#include "kernels.h"
#include "vector.h"

KERNEL(
    void, kernel_row_statistics,
    (const float *logits, int64_t stride, int64_t rows, int64_t columns, float *value, float *entropy, float *mean),
    (logits, stride, rows, columns, value, entropy, mean)) {
  for (int64_t row = 0; row < rows; row++, logits += stride) {
    v16 best = SPLAT(-__builtin_inff()), v;
    int64_t i = 0;
    for (; i + lanes <= columns; i += lanes) {
      load(&v, logits + i);
      best = SELECT(v > best, v, best);
    }
    if (i < columns) {
      load_part(&v, logits + i, columns - i, -__builtin_inff());
      best = SELECT(v > best, v, best);
    }
    const float shift = max_lanes(&best);
    v16 sum = SPLAT(0), weighted = SPLAT(0), plain = SPLAT(0);
    for (i = 0; i < columns; i += lanes) {
      const int64_t count = columns - i;
      if (count >= lanes) load(&v, logits + i); else load_part(&v, logits + i, count, -__builtin_inff());
      const v16 q = v - SPLAT(shift);
      v = q;
      vector_exp(&v);
      sum += v;
      const v16 finite = SELECT(q > SPLAT(-1e30f), q, SPLAT(0));  // lanes beyond the row count nothing
      if (entropy) weighted += v * finite;
      if (mean) plain += finite;
    }
    const float total = sum_lanes(&sum), log_total = logf(total);
    value[row] = shift + log_total;
    if (entropy) {
      const float h = log_total - sum_lanes(&weighted) / total;
      entropy[row] = h < 0 ? 0 : h;
    }
    if (mean) mean[row] = shift + sum_lanes(&plain) / (float)columns;
  }
}

INLINE void row_gradient(float *row, int64_t columns, float value, float entropy, const float c[4]) {
  v16 v;
  for (int64_t i = 0; i < columns; i += lanes) {
    const int64_t count = columns - i;
    if (count >= lanes) load(&v, row + i); else load_part(&v, row + i, count, 0);
    const v16 log_p = v - SPLAT(value);
    v = log_p;
    vector_exp(&v);
    if (c[2] != 0) {
      const v16 finite = SELECT(log_p > SPLAT(-1e30f), log_p, SPLAT(0));  // p log p = 0 at p = 0
      v = v * (SPLAT(c[1]) + SPLAT(c[2]) * (finite + SPLAT(entropy)));
    } else {
      v = v * SPLAT(c[1]);
    }
    v += SPLAT(c[3]);
    if (count >= lanes) store(row + i, &v); else store_part(row + i, &v, count);
  }
}

KERNEL(
    void, kernel_row_gradient,
    (float *logits, int64_t stride, int64_t rows, int64_t columns, const int32_t *actions, const float *value,
     const float *entropy, const float *coefficients),
    (logits, stride, rows, columns, actions, value, entropy, coefficients)) {
  for (int64_t row = 0; row < rows; row++, logits += stride, coefficients += 4) {
    row_gradient(logits, columns, value[row], entropy ? entropy[row] : 0, coefficients);
    if (actions[row] >= 0) logits[actions[row]] += coefficients[0];
  }
}
