#ifndef APPRENTICE_KERNELS_H
#define APPRENTICE_KERNELS_H

#include <stdint.h>

#include "kernel_class.h"
#include "workers.h"

// Kernels work on the rows that they are given, on one thread. Matrices are row-major; `stride` counts floats from
// one row to the next. Every sum has an order that depends on shapes alone.

// — elementwise.c —

/// y += a · x
void kernel_axpy(float a, const float *x, float *y, int64_t count);
/// x *= a
void kernel_scale(float a, float *x, int64_t count);
/// z = x + y
void kernel_add(const float *x, const float *y, float *z, int64_t count);
/// y[i] = e^x[i]
void kernel_exp(const float *x, float *y, int64_t count);
/// Σ x², in double
double kernel_sum_of_squares(const float *x, int64_t count);

/// The index of the first element that is infinite or no number, or -1.
int64_t kernel_first_not_finite(const float *x, int64_t count);
/// y[row] += bias, or the reverse: bias += Σ rows of y
void kernel_add_bias(const float *bias, float *y, int64_t rows, int64_t columns, int64_t stride);
void kernel_sum_rows(const float *y, float *sum, int64_t rows, int64_t columns, int64_t stride);
/// out[row] = table[ids[row]]
void kernel_gather_rows(
    const float *table, const int32_t *ids, float *out, int64_t rows, int64_t width);
/// table[ids[row]][first..<last] += x[row][first..<last], rows in order
void kernel_scatter_add_rows(
    float *table, const int32_t *ids, const float *x, int64_t rows, int64_t width, int64_t first, int64_t last);


// — norm.c —

/// y = x / √(mean x² + ε) · w; `inverse` keeps 1/√(…) of every row (may be NULL).
void kernel_rms_norm(
    const float *x, const float *w, float *y, float *inverse, int64_t rows, int64_t width, float epsilon);
/// dx (+)= the pullback of dy; dw += Σ rows dy ⊙ x · inverse
void kernel_rms_norm_backward(
    const float *x, const float *w, const float *inverse, const float *dy, float *dx, int accumulate, float *dw,
    int64_t rows, int64_t width);

// — attention.c —

/// Turns the halves (x₁, x₂) of every head to (x₁ cos − x₂ sin, x₂ cos + x₁ sin); `direction` −1 turns back. `cosine`
/// and `sine` hold head_width / 2 values for each row.
void kernel_rotate(
    float *x, const float *cosine, const float *sine, int64_t rows, int64_t stride, int64_t heads,
    int64_t head_width, float direction);
/// Row i of `scores` [rows, columns] keeps its first `first + i + 1` columns: p = softmax(scale · s), 0 beyond them.
/// `log_sum` (may be NULL) receives logsumexp(scale · s), `log_stride` apart.
void kernel_causal_softmax(
    float *scores, int64_t stride, int64_t rows, int64_t columns, int64_t first, float scale, float *log_sum,
    int64_t log_stride);
/// From scores s and dP: s becomes p, dP becomes dS = scale · p ⊙ (dP − Σ p dP).
void kernel_causal_softmax_backward(
    float *scores, float *gradient, int64_t stride, int64_t rows, int64_t columns, int64_t first, float scale,
    const float *log_sum, int64_t log_stride);

// — gated.c —

/// act = silu(gate) ⊙ up, `gate_up` [rows, 2 · width] = gate | up
void kernel_gated_silu(const float *gate_up, float *activation, int64_t rows, int64_t width);
/// `gate_up` becomes its own gradient and `activation`, which holds dact, becomes act again.
void kernel_gated_silu_backward(float *gate_up, float *activation, int64_t rows, int64_t width);

// — head.c —

/// Of every row of logits q: value = logsumexp q; entropy = value − Σ p q and mean = Σ q / columns unless NULL.
void kernel_row_statistics(
    const float *logits, int64_t stride, int64_t rows, int64_t columns, float *value, float *entropy, float *mean);
/// Makes rows of logits q into G = c₁ onehot(a) + c₂ p + η p ⊙ (log p + H) + u, the coefficients of row i at
/// coefficients[4 i] = c₁, c₂, η, u; an action below 0 has no one-hot.
void kernel_row_gradient(
    float *logits, int64_t stride, int64_t rows, int64_t columns, const int32_t *actions, const float *value,
    const float *entropy, const float *coefficients);

// — optimiser.c —

struct kernel_adamw_settings {
  /// 1 − η · weight decay, and η / (1 − β₁^step) with steps counted from 1
  float keep, rate;
  /// 1 − β₁, β₂, 1 − β₂
  float first_share, second_keep, second_share;
  /// √(1 − β₂^step) and ε
  float second_root, epsilon;
  float gradient_scale;
};
/// AdamW as torch.optim.AdamW computes it.
void kernel_adamw(
    float *parameters, const float *gradients, float *first, float *second, int64_t count,
    const struct kernel_adamw_settings *settings);

// — random.c —

/// One block of Philox4x32-10.
void kernel_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);
/// y[i] (+)= x[i] / (1 − p) where the random number of element `first + i` is at least p, else 0. `stream` tells
/// masks apart.
void kernel_dropout(
    const float *x, float *y, int64_t count, uint64_t first, uint64_t stream, const uint32_t key[2], float probability,
    int accumulate);

#endif
