#include <math.h>

#include "kernels.h"
#include "vector.h"

KERNEL(
    void, kernel_rms_norm,
    (const float *x, const float *w, float *y, float *inverse, int64_t rows, int64_t width, float epsilon),
    (x, w, y, inverse, rows, width, epsilon)) {
  for (int64_t row = 0; row < rows; row++, x += width, y += width) {
    v16 sum = SPLAT(0), v, scale;
    int64_t i = 0;
    for (; i + lanes <= width; i += lanes) {
      load(&v, x + i);
      sum += v * v;
    }
    float total = sum_lanes(&sum);
    for (; i < width; i++) total += x[i] * x[i];
    const float factor = 1.0f / sqrtf(total / (float)width + epsilon);
    if (inverse) inverse[row] = factor;
    for (i = 0; i + lanes <= width; i += lanes) {
      load(&v, x + i);
      load(&scale, w + i);
      v = v * SPLAT(factor) * scale;
      store(y + i, &v);
    }
    for (; i < width; i++) y[i] = x[i] * factor * w[i];
  }
}

KERNEL(
    void, kernel_rms_norm_backward,
    (const float *x, const float *w, const float *inverse, const float *dy, float *dx, int accumulate, float *dw,
     int64_t rows, int64_t width),
    (x, w, inverse, dy, dx, accumulate, dw, rows, width)) {
  for (int64_t row = 0; row < rows; row++, x += width, dy += width, dx += width) {
    const float factor = inverse[row];
    v16 sum = SPLAT(0), a, b, c, old = SPLAT(0);
    int64_t i = 0;
    for (; i + lanes <= width; i += lanes) {
      load(&a, x + i);
      load(&b, dy + i);
      load(&c, w + i);
      sum += a * b * c;
    }
    float total = sum_lanes(&sum);
    for (; i < width; i++) total += x[i] * dy[i] * w[i];
    const float pull = -factor * factor * factor * total / (float)width;
    for (i = 0; i + lanes <= width; i += lanes) {
      load(&a, x + i);
      load(&b, dy + i);
      load(&c, dw + i);
      c += a * b * SPLAT(factor);
      store(dw + i, &c);
      load(&c, w + i);
      if (accumulate) load(&old, dx + i);
      old += b * c * SPLAT(factor) + a * SPLAT(pull);
      store(dx + i, &old);
      old = SPLAT(0);
    }
    for (; i < width; i++) {
      dw[i] += x[i] * dy[i] * factor;
      dx[i] = (accumulate ? dx[i] : 0) + dy[i] * w[i] * factor + x[i] * pull;
    }
  }
}
