#ifndef APPRENTICE_DECODE_H
#define APPRENTICE_DECODE_H

#include <stdint.h>

// Kernels of step-by-step decoding: few rows at a time, keys and values kept from one step to the next.

/// y[m] (+)= W x[m] for m < rows: the product with a transposed matrix where there are too few rows to be worth packing
/// it. x [rows, inner], W [columns, inner], y [rows, columns]
void kernel_skinny_product(
    const float *x, int64_t x_stride, int64_t rows, const float *w, int64_t w_stride, int64_t columns, int64_t inner,
    float *y, int64_t y_stride, int accumulate);

/// Keys and values of some positions of one head. Keys lie transposed, so that scores of sixteen positions are one
/// vector; `stride` of both is a multiple of 16, and lanes beyond `count` or beyond the head's width may hold anything
/// finite or not.
struct kernel_attention_segment {
  const float *keys;  // [head width, key_stride]
  int64_t key_stride;
  const float *values;  // [count, value_stride]
  int64_t value_stride;
  int64_t count;
};

/// out = softmax(scale · q keysᵀ) values over all positions of all segments, for one query of one head.
///
/// `scores` has room for the key strides of all segments together; `sums` for the largest value stride.
void kernel_decode_attention(
    const float *query, int64_t head_width, float scale, const struct kernel_attention_segment *segments,
    int64_t segment_count, float *scores, float *sums, float *out);

/// The index of the greatest element, the first of equals; NaN loses to every number.
int64_t kernel_argmax(const float *x, int64_t count);

/// An index drawn from softmax(x · inverse_temperature) by the uniform number u in [0, 1): the first whose cumulative
/// probability exceeds u. `weights` has room for `count` rounded up to 16. Elements of −∞ are never drawn.
int64_t kernel_draw(const float *x, int64_t count, float inverse_temperature, double u, float *weights);

#endif
