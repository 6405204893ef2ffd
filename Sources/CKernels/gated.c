#include "kernels.h"
#include "vector.h"

/// σ(x) = 1 / (1 + e^−x)
INLINE void sigmoid(v16 *result, const v16 *x) {
  v16 e = -*x;
  vector_exp(&e);
  *result = SPLAT(1) / (SPLAT(1) + e);
}

KERNEL(
    void, kernel_gated_silu,
    (const float *gate_up, float *activation, int64_t rows, int64_t width),
    (gate_up, activation, rows, width)) {
  for (int64_t row = 0; row < rows; row++, gate_up += 2 * width, activation += width) {
    const float *up = gate_up + width;
    v16 g, u, s;
    int64_t i = 0;
    for (; i + lanes <= width; i += lanes) {
      load(&g, gate_up + i);
      load(&u, up + i);
      sigmoid(&s, &g);
      g = g * s * u;
      store(activation + i, &g);
    }
    if (i < width) {
      load_part(&g, gate_up + i, width - i, 0);
      load_part(&u, up + i, width - i, 0);
      sigmoid(&s, &g);
      g = g * s * u;
      store_part(activation + i, &g, width - i);
    }
  }
}

/// (gate, up, dact) → (dgate, dup, act): act = g σ u, dup = dact g σ, dgate = dact u σ (1 + g (1 − σ))
INLINE void pull(v16 *gate, v16 *up, v16 *activation) {
  const v16 g = *gate, u = *up, d = *activation;
  v16 s;
  sigmoid(&s, &g);
  const v16 silu = g * s;
  *activation = silu * u;
  *up = d * silu;
  *gate = d * u * s * (SPLAT(1) + g - silu);
}

KERNEL(
    void, kernel_gated_silu_backward,
    (float *gate_up, float *activation, int64_t rows, int64_t width),
    (gate_up, activation, rows, width)) {
  for (int64_t row = 0; row < rows; row++, gate_up += 2 * width, activation += width) {
    float *up = gate_up + width;
    v16 g, u, a;
    int64_t i = 0;
    for (; i + lanes <= width; i += lanes) {
      load(&g, gate_up + i);
      load(&u, up + i);
      load(&a, activation + i);
      pull(&g, &u, &a);
      store(gate_up + i, &g);
      store(up + i, &u);
      store(activation + i, &a);
    }
    if (i < width) {
      load_part(&g, gate_up + i, width - i, 0);
      load_part(&u, up + i, width - i, 0);
      load_part(&a, activation + i, width - i, 0);
      pull(&g, &u, &a);
      store_part(gate_up + i, &g, width - i);
      store_part(up + i, &u, width - i);
      store_part(activation + i, &a, width - i);
    }
  }
}
